package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

const (
	jobsPath       = "/console/jobs"
	jobHistoryPath = jobsPath + "/history"
	jobHistoryPage = 50
)

type jobListView struct {
	Page
	Rows         []jobRow
	Red, Late    int
	MayRun, Fine bool
	Empty        Empty
}

// jobRow is one job and how it stands.
type jobRow struct {
	Name, Title, What, When string
	Tag, State              string // the mark, and the key of its words
	Error                   string // of the last run, when it failed
	Last                    *runRow
	Due                     string
	Asked                   bool // to run, and it has not begun
	History                 string
}

// runRow is one run.
type runRow struct {
	Title, Href, Slot, Began, Took string
	Tag, State                     string
	Counts, Error, Runner          string
	Tries, Missed                  int32
	By                             string // who asked for it
}

// jobList shows what happens by itself: when it is due, how the last run went, and what is late or fails.
func (v *visit) jobList() error {
	view := jobListView{Page: v.consolePage(T(v.lang, "place.jobs"), jobsPath), MayRun: v.who.May(staff.JobRun), Empty: Empty{Text: T(v.lang, "jobs.none")}}
	list, err := runs.Jobs(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	names := newNames(v)
	for i := range list {
		row, err := v.jobRow(&list[i], names)
		if err != nil {
			return err
		}
		switch row.State {
		case "job.state.failed":
			view.Red++
		case "job.state.late":
			view.Late++
		}
		view.Rows = append(view.Rows, row)
	}
	slices.SortStableFunc(view.Rows, func(a, b jobRow) int { return jobOrder[a.State] - jobOrder[b.State] })
	view.Fine = view.Red+view.Late == 0 && len(list) > 0
	return v.s.render.Render(v.Response(), http.StatusOK, "console/job_list", view)
}

// jobOrder puts what somebody has to look at on top.
var jobOrder = map[string]int{"job.state.failed": -2, "job.state.late": -1}

func (v *visit) jobRow(j *runs.Job, names *names) (jobRow, error) {
	row := jobRow{Name: j.Name, Title: jobTitle(v.lang, j.Name), What: wordsOr(v.lang, "job."+j.Name+".what", ""), When: jobWhen(v.lang, j, v.book), Asked: j.AskedAt != nil,
		Due: v.stampOr(j.NextSlot), History: address(jobHistoryPath, map[string][]string{"job": {j.Name}})}
	switch {
	case j.Red():
		row.Tag, row.State = "broken", "job.state.failed"
	case j.Late(v.now):
		row.Tag, row.State = "attention", "job.state.late"
	case j.Now != nil:
		row.Tag, row.State = "waiting", "job.state.running"
	case j.Last == nil:
		row.Tag, row.State = "waiting", "job.state.waiting"
	default:
		row.Tag, row.State = "good", "job.state.done"
	}
	if j.Last != nil {
		last, err := v.runRow(j.Last, names)
		if err != nil {
			return row, err
		}
		row.Last, row.Error = &last, j.Last.Error
	}
	return row, nil
}

func (v *visit) stampOr(at time.Time) string { return Stamp(at, v.book.Zone) }

func (v *visit) runRow(r *runs.Run, names *names) (row runRow, err error) {
	row = runRow{Title: jobTitle(v.lang, r.Name), Slot: v.stampOr(r.Slot), Began: v.stampOr(r.StartedAt), Took: took(v.lang, r.Took(v.now)),
		State: "job.state." + r.State, Tag: map[string]string{runs.Running: "waiting", runs.Done: "good", runs.Failed: "broken"}[r.State],
		Counts: jobCounts(v.lang, r.Counts), Error: r.Error, Runner: r.Runner, Tries: r.Tries, Missed: r.Missed}
	if r.AskedBy != nil {
		row.By, err = names.of(*r.AskedBy)
	}
	return row, err
}

// jobTitle is what a job is called. One that this version does not know keeps its name.
func jobTitle(lang Lang, name string) string {
	return wordsOr(lang, "job."+name, name)
}

// jobWhen says when a job is due, by the clock of the book.
func jobWhen(lang Lang, j *runs.Job, book *ledger.Book) string {
	if at, ok := strings.CutPrefix(j.Spec, "local "); ok {
		return T(lang, "job.when.daily", at)
	}
	fields := strings.Fields(j.Spec)
	if len(fields) != 5 || strings.Join(fields[1:], "") != "****" {
		return T(lang, "job.when.cron", j.Spec)
	}
	if n, ok := strings.CutPrefix(fields[0], "*/"); ok {
		return T(lang, "job.when.minutes", n)
	}
	if fields[0] == "*" {
		return T(lang, "job.when.minute")
	}
	return T(lang, "job.when.hourly", j.NextSlot.In(book.Zone).Minute())
}

// jobCounts says how much a run did.
func jobCounts(lang Lang, counts runs.Counts) string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		if key := "job.count." + what; wordsOr(lang, key, "") != "" {
			words = append(words, T(lang, key, counts[what]))
		} else {
			words = append(words, what+" "+strconv.FormatInt(counts[what], 10))
		}
	}
	return strings.Join(words, T(lang, "console.and"))
}

// took is a length of time as a run's is told.
func took(lang Lang, d time.Duration) string {
	switch {
	case d < time.Second:
		return T(lang, "job.took.ms", d.Milliseconds())
	case d < 2*time.Minute:
		return T(lang, "job.took.s", int64(d.Seconds()))
	}
	return T(lang, "job.took.min", int64(d.Minutes()))
}

// jobRun has a job run now.
func (v *visit) jobRun() error {
	name := v.typed("job", 40)
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := runs.Ask(ctx, tx, v.book.ID, name, v.who.Person.ID, v.now); err != nil {
			return err
		}
		return v.record(tx, "job", "run", name, "")
	})
	if err != nil {
		return err
	}
	if v.s.JobAsked != nil {
		v.s.JobAsked(v.book)
	}
	return v.see(jobsPath)
}

type jobHistoryView struct {
	Page
	Job, State   string
	Jobs, States []Option
	Rows         []runRow
	First, Next  string
	Empty        Empty
}

// jobHistory lists runs, the latest first.
func (v *visit) jobHistory() error {
	view := jobHistoryView{Page: v.consolePage(T(v.lang, "jobs.history"), jobsPath), Job: v.typed("job", 40), State: v.typed("state", 20)}
	jobs, err := runs.Jobs(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	view.Jobs = []Option{{Value: "", Label: view.T("filter.all")}}
	for _, j := range jobs {
		view.Jobs = append(view.Jobs, Option{Value: j.Name, Label: jobTitle(v.lang, j.Name)})
	}
	view.States = []Option{{Value: "", Label: view.T("filter.all")}}
	for _, state := range []string{runs.Running, runs.Done, runs.Failed} {
		view.States = append(view.States, Option{Value: state, Label: view.T("job.state." + state)})
	}
	filter := runs.Filter{Name: view.Job, State: view.State, Limit: jobHistoryPage + 1}
	if before, err := uuid.Parse(v.QueryParam("before")); err == nil { // anything else is the first page
		filter.Before = &before
	}
	view.First = v.firstPage("before", filter.Before != nil)
	list, err := runs.History(v.ctx(), v.s.DB, v.book.ID, filter)
	if err != nil {
		return err
	}
	if len(list) > jobHistoryPage {
		list = list[:jobHistoryPage]
		view.Next = v.with("before", list[jobHistoryPage-1].ID.String())
	}
	names := newNames(v)
	for i := range list {
		row, err := v.runRow(&list[i], names)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	view.Empty = Empty{Text: view.T("jobs.history.none"), Action: &Link{view.T("filter.clear"), jobHistoryPath}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/job_history", view)
}

// jobAlarms counts the jobs that fail or are late. A first page without its alarm is better than none.
func (v *visit) jobAlarms() (n int) {
	list, err := runs.Jobs(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		v.s.Log.Error("count alarms of jobs", "error", err)
	}
	for i := range list {
		if list[i].Red() || list[i].Late(v.now) {
			n++
		}
	}
	return n
}

// NoticeJobs tells the admins that jobs fail or are late.
func (s *Server) NoticeJobs(ctx context.Context, tx pgx.Tx, book *ledger.Book, list []runs.Job, now time.Time) error {
	return s.notice(ctx, tx, book, []staff.Role{staff.Admin}, jobsPath, now, func(lang Lang) (subject, body string) {
		var lines []string
		for i := range list {
			key := "mail.jobs.late"
			if list[i].Red() {
				key = "mail.jobs.failed"
			}
			lines = append(lines, T(lang, key, jobTitle(lang, list[i].Name), Stamp(list[i].NextSlot, book.Zone)))
		}
		return T(lang, "mail.jobs", len(list)), T(lang, "mail.jobs.body") + "\n\n" + strings.Join(lines, "\n")
	})
}

// NoticeLate tells the accountants how many matters of offline gifts have become overdue, and how many are in all.
func (s *Server) NoticeLate(ctx context.Context, tx pgx.Tx, book *ledger.Book, fresh, all int, now time.Time) error {
	return s.notice(ctx, tx, book, []staff.Role{staff.Accountant}, "/console/offline", now, func(lang Lang) (subject, body string) {
		return T(lang, "mail.overdue", fresh), T(lang, "mail.overdue.body", fresh, all)
	})
}

// NoticeDormant leaves a letter for accountants about funds that nothing has moved for a year.
func (s *Server) NoticeDormant(ctx context.Context, tx pgx.Tx, book *ledger.Book, funds []string, now time.Time) error {
	return s.notice(ctx, tx, book, []staff.Role{staff.Accountant}, "/console/funds", now, func(lang Lang) (subject, body string) {
		return T(lang, "mail.dormant", len(funds)), T(lang, "mail.dormant.body", strings.Join(funds, ", "))
	})
}

// notice leaves a letter for everybody who holds one of the roles, in the reader's language.
func (s *Server) notice(ctx context.Context, tx pgx.Tx, book *ledger.Book, roles []staff.Role, path string, now time.Time, words func(Lang) (subject, body string)) error {
	people, err := staff.Holding(ctx, tx, book.ID, roles...)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := s.letterTo(ctx, tx, book, p, path, now, words); err != nil {
			return err
		}
	}
	return nil
}

// letterTo leaves a letter in a person's mailbox, in her language.
func (s *Server) letterTo(ctx context.Context, tx pgx.Tx, book *ledger.Book, p staff.Person, path string, now time.Time, words func(Lang) (subject, body string)) error {
	lang, ok := parseLang(p.Lang)
	if !ok {
		lang = ZH
	}
	subject, body := words(lang)
	if err := staff.Post(ctx, tx, book.ID, staff.Mail{Person: p.ID, Subject: subject, Body: body, Path: path}, now); err != nil {
		return fmt.Errorf("tell %s: %w", p.Login, err)
	}
	return nil
}
