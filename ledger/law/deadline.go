package law

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Deadline is something that has to be filed or public by a day.
type Deadline struct {
	Key    string // names it for ever: rule, object and day
	Rule   *Rule
	Phase  string // what is due: "filing", "progress", "final", "event", "year", "surplus"
	Object string // "campaign:3", "project:…", "event:…", "year:2025"
	Name   string
	NameEN string // empty: as Name
	Since  time.Time
	Due    time.Time
	Owner  uuid.UUID // nil: nobody yet
	Told   int16     // how far it was reminded
}

// Called is the object's name, in lang.
func (d *Deadline) Called(lang string) string { return pick(lang, d.Name, cmp.Or(d.NameEN, d.Name)) }

// Left is how many days are left on a day; negative when it is overdue.
func (d *Deadline) Left(today time.Time) int { return int(d.Due.Sub(today).Hours() / 24) }

// When deadlines are reminded, in days before; the last reminder follows when one is overdue. The program says so and no law.
const (
	RemindFirst = 30
	RemindSoon  = 7
)

// Yearly reports are listed from so many days ahead, and so many years back. No law says so.
const (
	yearAhead = 240
	yearsBack = 2
)

// Stage is how far a deadline has to be reminded by a day: 0 nothing, 1 thirty days before, 2 seven days before, 3 overdue.
func (d *Deadline) Stage(today time.Time) int16 {
	switch left := d.Left(today); {
	case left < 0:
		return 3
	case left <= RemindSoon:
		return 2
	case left <= RemindFirst:
		return 1
	}
	return 0
}

// Versions published of each object: the last of all, and the first that was final. Projects noted as published before are final too.
const (
	// A campaign ends when it was closed, if that was before its last day.
	campaignEnds = ` cross join lateral (select case when c.state = 'closed' then least(c.closes_at, max(s.at)) else c.closes_at end as at
                       from audit_event s where s.book_id = c.book_id and s.object = 'campaign:' || c.campaign_id and s.what = 'campaign.close') e`

	sqlCampaignEnd = `select e.at from campaign c` + campaignEnds + ` where c.book_id = $1 and c.campaign_id = $2`

	sqlDueCampaigns = `
select 'campaign:' || c.campaign_id, c.title_zh, c.title_en, c.opens_at, e.at, c.state, v.last, coalesce(v.final, false)
  from campaign c` + campaignEnds + `
  left join lateral (select max(w.published_on) as last, bool_or(w.phase = 'final') as final from disclosure p
                       join disclosure_version w on w.book_id = p.book_id and w.entry_id = p.id where p.book_id = c.book_id and p.object = 'campaign:' || c.campaign_id) v on true
 where c.book_id = $1 order by c.campaign_id`

	sqlDueProjects = `
select 'project:' || p.id, p.title, p.starts_on, p.ends_on, p.ended_on, p.publish_by, p.published_on, v.last, coalesce(v.final, false),
       coalesce((select sum(s.amount - s.drawn - s.lost - s.due_back - s.given_back) from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
                  where c.book_id = p.book_id and c.project_id = p.id and c.state = 'closed'), 0)::int8
  from project p
  left join lateral (select max(w.published_on) as last, bool_or(w.phase = 'final') as final from disclosure d
                       join disclosure_version w on w.book_id = d.book_id and w.entry_id = d.id where d.book_id = p.book_id and d.object = 'project:' || p.id) v on true
 where p.book_id = $1 and p.state in ('approved', 'ended') order by p.number`

	sqlDueDone = `
select d.object from disclosure d where d.book_id = $1 and d.kind in ('year', 'event')
   and exists (select from disclosure_version v where v.book_id = d.book_id and v.entry_id = d.id and (d.kind = 'event' or v.phase = 'final'))`

	sqlDueKept = `select key, coalesce(owner, '00000000-0000-0000-0000-000000000000'), reminded from deadline where book_id = $1`

	sqlFirstYear = `select extract(year from min(day))::int4 from turnover where book_id = $1`
)

// CampaignEnd is when a campaign ends: its last moment, or when it was closed before that.
func CampaignEnd(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32) (at time.Time, err error) {
	if err := q.QueryRow(ctx, sqlCampaignEnd, book.ID, campaign).Scan(&at); err != nil {
		return at, fmt.Errorf("read end of campaign: %w", err)
	}
	return at, nil
}

// Deadlines lists what is to be filed or published, soonest first: filing before the start (R06), every three months while a campaign or
// project runs (R08), the end of each (R09), what is left over (R13), major events (R10), the yearly report (R11). What is done is not listed.
func Deadlines(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time) ([]Deadline, error) {
	d, err := newDesk(ctx, q, book, today.Year(), today)
	if err != nil || d.law.On(today) == nil {
		return nil, err
	}
	return d.deadlines(ctx)
}

func (d *desk) deadlines(ctx context.Context) ([]Deadline, error) {
	dues := &dueList{desk: d}
	for _, read := range []func(context.Context) error{dues.campaigns, dues.projects, dues.others} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("read deadlines: %w", err)
		}
	}
	kept, err := d.q.Query(ctx, sqlDueKept, d.book.ID)
	if err != nil {
		return nil, fmt.Errorf("read deadlines: %w", err)
	}
	var key string
	var owner uuid.UUID
	var told int16
	_, err = pgx.ForEachRow(kept, []any{&key, &owner, &told}, func() error {
		if i := slices.IndexFunc(dues.all, func(x Deadline) bool { return x.Key == key }); i >= 0 {
			dues.all[i].Owner, dues.all[i].Told = owner, told
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read deadlines: %w", err)
	}
	slices.SortStableFunc(dues.all, func(a, b Deadline) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Key, b.Key)) })
	return dues.all, nil
}

type dueList struct {
	*desk
	all []Deadline
}

func (l *dueList) add(rule, phase, object, name string, since, due time.Time) {
	l.all = append(l.all, Deadline{Key: rule + " " + object + " " + due.Format(time.DateOnly), Rule: ByCode(rule), Phase: phase, Object: object, Name: name, Since: since, Due: due})
}

// running adds the next publication of something long that is still going on (R08). What is open has no end yet: its last day is over.
func (l *dueList) running(object, name string, from, to time.Time, open bool, last *time.Time) {
	longer, ok := l.law.Param("R08", "longer_than", l.today)
	gap, ok2 := l.law.Param("R08", "gap", l.today)
	if !ok || !ok2 || from.After(l.today) || !to.After(longer.After(from)) {
		return
	}
	since := from
	if last != nil && last.After(since) {
		since = *last
	}
	if due := gap.After(since); open || !due.After(to) {
		l.add("R08", "progress", object, name, since, due)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ended adds the result of what has ended, by the figure of the day on which it did (see PublicBy), or by the day that was kept then.
func (l *dueList) ended(object, name string, end time.Time, kept *time.Time) {
	if p, ok := l.law.Figure("R09", "after_end", end); kept != nil {
		l.add("R09", "final", object, name, end, *kept)
	} else if ok {
		l.add("R09", "final", object, name, end, p.After(end))
	}
}

func (l *dueList) campaigns(ctx context.Context) error {
	rows, err := l.q.Query(ctx, sqlDueCampaigns, l.book.ID)
	if err != nil {
		return err
	}
	var object, zh, en, state string
	var opens, closes time.Time
	var last *time.Time
	var final bool
	_, err = pgx.ForEachRow(rows, []any{&object, &zh, &en, &opens, &closes, &state, &last, &final}, func() error {
		before := len(l.all)
		from, to := l.book.Day(opens), l.book.Day(closes.Add(-time.Second))
		filed, emergency := l.facts.of("R06", "filed", object, 0) != nil, l.facts.of("R06", "emergency", object, 0) != nil
		if after, ok := l.law.Param("R06", "emergency_after", l.today); ok && state != "closed" && emergency && !filed {
			l.add("R06", "filing", object, zh, from, after.After(from))
		}
		switch {
		case state == "draft":
			if term, ok := l.law.Param("R06", "before", l.today); ok && from.After(l.today.AddDate(0, -1, 0)) && !filed && !emergency {
				l.add("R06", "filing", object, zh, l.today, term.Before(from))
			}
		case state == "closed" || to.Before(l.today):
			if !final {
				l.ended(object, zh, to, nil)
			}
		default:
			l.running(object, zh, from, to, false, last)
		}
		for i := range l.all[before:] {
			l.all[before+i].NameEN = en
		}
		last = nil
		return nil
	})
	return err
}

func (l *dueList) projects(ctx context.Context) error {
	rows, err := l.q.Query(ctx, sqlDueProjects, l.book.ID)
	if err != nil {
		return err
	}
	var object, title string
	var from, to time.Time
	var ended, by, published, last *time.Time
	var final bool
	var left int64
	_, err = pgx.ForEachRow(rows, []any{&object, &title, &from, &to, &ended, &by, &published, &last, &final, &left}, func() error {
		switch {
		case ended == nil: // what should be over and is not still runs
			l.running(object, title, from, later(to, l.today), to.Before(l.today), last)
		default:
			if !final && published == nil {
				l.ended(object, title, *ended, by)
			}
			if p, ok := l.law.Param("R13", "after_end", l.today); ok && left > 0 && l.facts.of("R13", "surplus", object, 0) == nil {
				l.add("R13", "surplus", object, title, *ended, p.After(*ended))
			}
		}
		ended, by, published, last = nil, nil, nil, nil
		return nil
	})
	return err
}

func (l *dueList) others(ctx context.Context) error {
	done := map[string]bool{}
	rows, err := l.q.Query(ctx, sqlDueDone, l.book.ID)
	if err != nil {
		return err
	}
	var object string
	if _, err = pgx.ForEachRow(rows, []any{&object}, func() error { done[object] = true; return nil }); err != nil {
		return err
	}
	if p, ok := l.law.Param("R10", "within", l.today); ok {
		for _, f := range l.facts.each("R10") {
			if f.Item == "event" && !done["event:"+f.ID.String()] {
				l.add("R10", "event", "event:"+f.ID.String(), f.Said("zh-CN"), *f.Day, p.After(*f.Day))
			}
		}
	}
	p, ok := l.law.Param("R11", "by", l.today)
	if !ok {
		return nil
	}
	first, err := l.firstYear(ctx)
	if err != nil || first == nil {
		return err
	}
	for year := max(int(*first), l.today.Year()-yearsBack); year <= l.today.Year(); year++ {
		object := "year:" + strconv.Itoa(year)
		due := p.In(year + 1)
		if due.IsZero() || done[object] || l.law.On(ledger.Day(year, time.December, 31)) == nil {
			continue
		}
		if year == l.today.Year() && due.Sub(l.today).Hours()/24 > yearAhead { // a year that has hardly begun asks for nothing yet
			continue
		}
		l.add("R11", "year", object, strconv.Itoa(year), ledger.Day(year, time.December, 31), due)
	}
	return nil
}

const (
	sqlDueOwner = `
insert into deadline (book_id, key, owner) values ($1, $2, $3) on conflict (book_id, key) do update set owner = excluded.owner`

	sqlDueTold = `
insert into deadline as d (book_id, key, reminded) values ($1, $2, $3)
    on conflict (book_id, key) do update set reminded = excluded.reminded where d.reminded < excluded.reminded`
)

// Take says who sees to a deadline.
func Take(ctx context.Context, tx pgx.Tx, book *ledger.Book, key string, owner uuid.UUID) error {
	if _, err := tx.Exec(ctx, sqlDueOwner, book.ID, key, owner); err != nil {
		return fmt.Errorf("take deadline: %w", err)
	}
	return nil
}

// Told notes how far a deadline was reminded; fresh is false when it was so far already.
func Told(ctx context.Context, tx pgx.Tx, book *ledger.Book, key string, stage int16) (fresh bool, err error) {
	tag, err := tx.Exec(ctx, sqlDueTold, book.ID, key, stage)
	if err != nil {
		return false, fmt.Errorf("note reminder: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// lookDues makes a finding of the deadlines of one rule.
func lookDues(ctx context.Context, d *desk, f *Finding) error {
	if d.dues == nil {
		all, err := d.deadlines(ctx)
		if err != nil {
			return err
		}
		d.dues = all
	}
	f.State = Holds
	for _, due := range d.dues {
		if due.Rule.Code != f.Code {
			continue
		}
		left := due.Left(d.today)
		r := Row{Object: due.Object, Name: due.Name, NameEN: due.NameEN, Due: &due.Due, Broken: left < 0}
		r.ZH, r.EN = fmt.Sprintf("应在 %s 以前，还有 %d 天。", due.Due.Format(time.DateOnly), left), fmt.Sprintf("Due by %s, %d days left.", due.Due.Format(time.DateOnly), left)
		if left < 0 {
			r.ZH, r.EN = fmt.Sprintf("应在 %s 以前，已超过 %d 天。", due.Due.Format(time.DateOnly), -left), fmt.Sprintf("Due by %s, %d days over.", due.Due.Format(time.DateOnly), -left)
		} else if left > RemindFirst {
			continue
		}
		f.row(r)
	}
	return nil
}
