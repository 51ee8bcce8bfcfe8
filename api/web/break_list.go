package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

const (
	breaksPath = "/console/breaks"
	breakPage  = 50
)

type breakListView struct {
	Page
	Q, Type, Severity, State, Owner, Age, Source        string
	Types, Severities, States, Owners, Ages, SourceList []Option
	Lead                                                string
	Halts                                               []haltRow
	Chart                                               *Chart
	Caption                                             Caption
	Rows                                                []breakRow
	Pager                                               Pager
	Empty                                               Empty
}

// breakRow is a break in a list.
type breakRow struct {
	Href, Type, Name, Source, Owner string
	Day, Seen                       time.Time
	Age                             string
	Sum                             money.Money
	Level                           int
	LevelTag, LevelWords            string
	StateTag, StateWords            string
	Overdue                         bool
	Foreign                         string // currency, where it is not the book's
}

// levelTags are the marks of the severities 0 to 4.
var levelTags = []string{"broken", "broken", "attention", "waiting", "draft"}

var breakTags = map[string]string{recon.BreakOpen: "attention", recon.BreakAssigned: "waiting", recon.BreakProposed: "waiting", recon.BreakApproved: "waiting", recon.BreakPosted: "waiting",
	recon.BreakClosed: "done", recon.BreakCleared: "done", recon.BreakAccepted: "held"}

// breakStates in the order in which a filter offers them.
var breakStates = []string{recon.BreakOpen, recon.BreakAssigned, recon.BreakProposed, recon.BreakClosed, recon.BreakCleared, recon.BreakAccepted}

// ended tells whether breaks in a state are over.
func ended(state string) bool {
	return slices.Contains([]string{"over", recon.BreakClosed, recon.BreakCleared, recon.BreakAccepted}, state)
}

// breakList lists what does not fit, the oldest first. Somebody of a street sees what is of gifts of that street's funds and of nothing else.
func (v *visit) breakList() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := breakListView{Page: v.consolePage(T(v.lang, "place.breaks"), breaksPath), Q: v.typed("q", textMax), Type: v.typed("type", 3), Severity: v.typed("severity", 1), State: v.typed("state", 20),
		Owner: v.typed("owner", 36), Age: v.typed("age", 1), Source: v.typed("source", 10), Lead: T(v.lang, "breaks.lead")}
	filter, err := v.breakFilter(&view, s)
	if err != nil {
		return err
	}
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/break_list", view)
	}
	if v.QueryParam("format") == "csv" {
		return v.breakCSV(filter)
	}
	if s.all {
		if view.Halts, err = v.halts(); err != nil {
			return err
		}
		if view.Chart, err = v.ageing("ageing"); err != nil {
			return err
		}
	} else {
		view.Lead = T(v.lang, "breaks.lead.street")
	}
	if err := v.breakRows(&view, filter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/break_list", view)
}

// breakFilter reads the filter from the address and makes the choices.
func (v *visit) breakFilter(view *breakListView, s *sight) (f recon.BreakFilter, err error) {
	if f.Bands, err = recon.Bands(v.ctx(), v.db(), v.book); err != nil {
		return f, err
	}
	f.Now, f.Funds, f.Text, f.Type, f.Ended = v.now, s.ids(), view.Q, recon.BreakType(view.Type), ended(view.State)
	if view.State != "over" {
		f.State = view.State
	}
	any := Option{Label: view.T("filter.all")}
	view.Types, view.Severities, view.Ages = []Option{any}, []Option{any}, []Option{any}
	for _, t := range recon.BreakTypes {
		view.Types = append(view.Types, Option{Value: string(t), Label: string(t) + " " + breakName(v.lang, t)})
	}
	for i := range levelTags {
		view.Severities = append(view.Severities, Option{Value: strconv.Itoa(i), Label: view.T("severity." + strconv.Itoa(i))})
	}
	for i := range len(recon.AgeBuckets) + 1 {
		view.Ages = append(view.Ages, Option{Value: strconv.Itoa(i), Label: bucketName(v.lang, i)})
	}
	view.States = []Option{{Value: "", Label: view.T("breaks.unended")}, {Value: "over", Label: view.T("breaks.ended")}}
	for _, state := range breakStates {
		view.States = append(view.States, Option{Value: state, Label: view.T("break.state." + state)})
	}
	view.Owners, view.SourceList = []Option{any}, []Option{any}
	if s.all {
		people, err := staff.Holding(v.ctx(), v.s.DB, v.book.ID, staff.Accountant, staff.Approver)
		if err != nil {
			return f, err
		}
		for _, p := range people {
			view.Owners = append(view.Owners, Option{Value: p.ID.String(), Label: p.Name(string(v.lang))})
		}
		sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
		if err != nil {
			return f, err
		}
		for _, one := range sources {
			view.SourceList = append(view.SourceList, Option{Value: strconv.Itoa(int(one.ID)), Label: one.Name})
		}
	}
	known := func(name, value string, options []Option) bool {
		if slices.ContainsFunc(options, func(o Option) bool { return o.Value == value }) {
			return value != ""
		}
		view.Errors.Add(name, view.T("breaks.filter.wrong"))
		return false
	}
	known("type", view.Type, view.Types)
	known("state", view.State, view.States)
	if known("severity", view.Severity, view.Severities) {
		n, _ := strconv.Atoi(view.Severity)
		f.Ripe = &n
	}
	if known("age", view.Age, view.Ages) {
		n, _ := strconv.Atoi(view.Age)
		f.Bucket = &n
	}
	if known("owner", view.Owner, view.Owners) {
		f.Owner = uuid.MustParse(view.Owner)
	}
	if known("source", view.Source, view.SourceList) {
		n, _ := strconv.ParseInt(view.Source, 10, 32)
		f.Source = int32(n)
	}
	return f, nil
}

// breakName is what a type of break is called.
func breakName(lang Lang, t recon.BreakType) string { return T(lang, "break."+string(t)) }

// bucketName is how old things of an index of recon.AgeBuckets are.
func bucketName(lang Lang, i int) string {
	if i == len(recon.AgeBuckets) {
		return T(lang, "breaks.age.over", recon.AgeBuckets[i-1])
	}
	from := 0
	if i > 0 {
		from = recon.AgeBuckets[i-1] + 1
	}
	return T(lang, "breaks.age", from, recon.AgeBuckets[i])
}

func (v *visit) breakRows(view *breakListView, f recon.BreakFilter) error {
	if id, err := uuid.Parse(v.QueryParam("after")); err == nil { // anything else is the first page
		last, err := recon.BreakByID(v.ctx(), v.s.DB, v.book, id, f.Funds)
		if err != nil && !errors.Is(err, giving.ErrNoRecord) {
			return err
		}
		if err == nil {
			f.AfterSeen, f.AfterID = last.FirstSeen, id
			view.Pager.First = v.with("after", "")
		}
	}
	var total, sum int64
	err := v.read(func(q pg.Querier) error {
		list, err := recon.Breaks(v.ctx(), q, v.book, f, breakPage+1)
		if err != nil {
			return err
		}
		if total, sum, err = recon.CountBreaks(v.ctx(), q, v.book, f); err != nil {
			return err
		}
		if len(list) > breakPage {
			list = list[:breakPage]
			last := list[breakPage-1]
			view.Pager.Next = v.with("after", last.ID.String())
		}
		rows := v.newBreakRows(f.Bands)
		for i := range list {
			row, err := rows.row(&list[i])
			if err != nil {
				return err
			}
			view.Rows = append(view.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	view.Pager.Shown, view.Pager.Total = int64(len(view.Rows)), total
	view.Caption = Caption{Title: view.T("breaks.sum", total, v.amount(sum)), Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "after", "")}}}
	view.Empty = Empty{Text: view.T("breaks.none"), Action: &Link{view.T("breaks.none.next"), matchingPath}}
	if view.Filtered {
		view.Empty = Empty{Text: view.T("breaks.none.filter"), Action: &Link{view.T("filter.clear"), breaksPath}}
	}
	return nil
}

// breakRowMaker knows people and accounts, each read once.
type breakRowMaker struct {
	v       *visit
	names   *names
	sources map[int32]string
	bands   [3]int64
}

func (v *visit) newBreakRows(bands [3]int64) *breakRowMaker {
	return &breakRowMaker{v, newNames(v), map[int32]string{}, bands}
}

func (m *breakRowMaker) source(id *int32) (string, error) {
	if id == nil {
		return "", nil
	}
	if name, ok := m.sources[*id]; ok {
		return name, nil
	}
	s, err := recon.SourceByID(m.v.ctx(), m.v.db(), m.v.book, *id)
	if err != nil && !errors.Is(err, giving.ErrNoRecord) {
		return "", err
	}
	if s != nil {
		m.sources[*id] = s.Name
	}
	return m.sources[*id], nil
}

func (m *breakRowMaker) row(b *recon.BreakItem) (row breakRow, err error) {
	v := m.v
	end := v.now
	if b.EndedAt != nil {
		end = *b.EndedAt
	}
	row = breakRow{Href: breaksPath + "/" + b.ID.String(), Type: string(b.Type), Name: breakName(v.lang, b.Type), Day: b.Day, Seen: b.FirstSeen, Age: v.ageOf(b.FirstSeen, end),
		Sum: money.Money{Minor: b.Amount, Currency: b.Currency}, Level: recon.Severity(b.Type, b.Amount, b.FirstSeen, end, m.bands), StateTag: breakTags[b.State],
		StateWords: T(v.lang, "break.state."+b.State), Overdue: b.EndedAt == nil && b.DueAt.Before(v.now)}
	row.LevelTag, row.LevelWords = levelTags[row.Level], T(v.lang, "severity."+strconv.Itoa(row.Level))
	if b.EndedAt != nil {
		row.LevelTag = "done"
	}
	if b.Currency != v.book.Currency {
		row.Foreign = b.Currency
	}
	if b.Owner != nil {
		if row.Owner, err = m.names.of(*b.Owner); err != nil {
			return row, err
		}
	}
	row.Source, err = m.source(b.SourceID)
	return row, err
}

// ageOf is how long something has lasted: whole hours of the first two days, then days.
func (v *visit) ageOf(from, to time.Time) string {
	age := max(to.Sub(from), 0)
	if age < 48*time.Hour {
		return T(v.lang, "breaks.hours", int(age.Hours()))
	}
	return T(v.lang, "breaks.days", int(age.Hours()/24))
}

// breakCSV writes the whole filter.
func (v *visit) breakCSV(f recon.BreakFilter) error {
	out := v.newSheet("breaks", "breaks.type", "breaks.what", "severity.name", "person.state", "filter.amount", "recon.currency", "breaks.day", "breaks.seen", "breaks.due", "breaks.over", "breaks.owner", "breaks.account", "breaks.compared", "breaks.id")
	rows := v.newBreakRows(f.Bands)
	for {
		list, err := recon.Breaks(v.ctx(), v.db(), v.book, f, csvPage)
		if err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			row, err := rows.row(b)
			if err != nil {
				return err
			}
			over := ""
			if b.EndedAt != nil {
				over = Stamp(*b.EndedAt, v.book.Zone)
			}
			out.row(row.Type, row.Name, row.LevelWords, row.StateWords, row.Sum, b.Currency, b.Day, Stamp(b.FirstSeen, v.book.Zone), Stamp(b.DueAt, v.book.Zone), over, row.Owner, row.Source, b.Note, b.ID)
			f.AfterSeen, f.AfterID = b.FirstSeen, b.ID
		}
		if err := out.flush(); err != nil || len(list) < csvPage {
			return err
		}
	}
}

// csvPage is how many breaks of a file are read at once.
const csvPage = 100
