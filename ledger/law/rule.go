package law

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// ErrLaw is every refusal because of a rule; a *Refusal says which.
var ErrLaw = errors.New("a rule of law stands against it")

// Refusal says which rule refuses, where it is written, and what would lift it.
type Refusal struct {
	Rule   *Rule
	Param  Param // whose article is named; empty Value when nothing was looked up
	Object string
	WhyZH  string // the case itself in one sentence
	WhyEN  string
}

func (r *Refusal) Error() string { return r.Text("en") }

// Is makes it ErrLaw.
func (r *Refusal) Is(target error) bool { return target == ErrLaw }

// Text names rule, article and what would lift the refusal, in lang.
func (r *Refusal) Text(lang string) string {
	return pick(lang,
		fmt.Sprintf("%s %s。%s依据：%s。怎样解除：%s", r.Rule.Code, r.Rule.NameZH, r.WhyZH, r.Param.ArticleZH, r.Rule.LiftZH),
		fmt.Sprintf("%s %s. %s Ground: %s. What lifts it: %s", r.Rule.Code, r.Rule.NameEN, r.WhyEN, r.Param.ArticleEN, r.Rule.LiftEN))
}

// Effect is what a rule does beside telling how it stands.
type Effect string

const (
	Blocks   Effect = "blocks"   // refuses on the way in
	Warns    Effect = "warns"    // says so before
	Queues   Effect = "queues"   // stands in the queue of deadlines
	Document Effect = "document" // a paper has to be there
)

// Rule is one rule of the table.
type Rule struct {
	Code           string // R01 to R23, R03b, R09b
	Effect         Effect
	NameZH, NameEN string
	LiftZH, LiftEN string // what to do
}

// Name is the rule in one line, in lang.
func (r *Rule) Name(lang string) string { return pick(lang, r.NameZH, r.NameEN) }

// Lift is what to do, in lang.
func (r *Rule) Lift(lang string) string { return pick(lang, r.LiftZH, r.LiftEN) }

// State is how a rule stands.
type State string

const (
	Holds   State = "holds"
	Warned  State = "warned"   // it holds, but not for long: as things go it will be broken
	Broken  State = "broken"   //
	Exempt  State = "exempt"   // it does not bind this book
	Nothing State = "nothing"  // nothing of the kind
	NoLaw   State = "no-law"   // the book has no profile
	NotKept State = "not-kept" // the books do not tell yet
)

// Step is one line of a rule's working.
type Step struct {
	ZH, EN string
	Sum    *int64 // minor units of the book's currency
	Text   string // where it is no amount: "70%", "13 %", a date
	Part   bool   // it is part of the line above
	// Where the amount comes from: entries on the chart account in the days From..To.
	Chart    string
	From, To time.Time
}

// Label is the line's words, in lang.
func (s Step) Label(lang string) string { return pick(lang, s.ZH, s.EN) }

// Row is one case that breaks a rule, or will.
type Row struct {
	Object string // "campaign:3", "entry:…", "contract:…", "payee:…"
	Name   string
	NameEN string // empty: as Name
	ZH, EN string
	Due    *time.Time
	Broken bool // else a warning
}

// Called is the object's name, in lang.
func (r Row) Called(lang string) string { return pick(lang, r.Name, cmp.Or(r.NameEN, r.Name)) }

// Text is the case in words, in lang.
func (r Row) Text(lang string) string { return pick(lang, r.ZH, r.EN) }

// Finding is how a rule stands for a book, with its working.
type Finding struct {
	*Rule
	State  State
	Params []Param // that were looked up
	Steps  []Step
	Rows   []Row
	Months []Course // of the yearly rules: spending, management cost
}

// desk is one look at a book.
type desk struct {
	q     pg.Querier
	book  *ledger.Book
	law   *Law
	facts facts
	today time.Time
	year  int
	flows map[int]*yearFlow // what one look has read once
	ends  map[time.Time][]ledger.Position
	files []filing
	works []deal
	terms []charter
	dues  []Deadline
}

// param looks a figure up, on the last day of the year looked at or today, and notes it in the finding.
func (d *desk) param(f *Finding, rule, name string) (Param, bool) {
	p, ok := d.law.Param(rule, name, d.asOf())
	if ok && f != nil && !slices.Contains(f.Params, p) {
		f.Params = append(f.Params, p)
	}
	return p, ok
}

// asOf is today, or the last day of the year looked at when that is over.
func (d *desk) asOf() time.Time {
	if end := ledger.Day(d.year, time.December, 31); end.Before(d.today) {
		return end
	}
	return d.today
}

// positions are the funds at the end of a day.
func (d *desk) positions(ctx context.Context, day time.Time) (all []ledger.Position, err error) {
	if all, ok := d.ends[day]; ok {
		return all, nil
	}
	if all, err = ledger.Positions(ctx, d.q, d.book, day); err == nil {
		d.ends[day] = all
	}
	return all, err
}

// sum adds a line with an amount.
func (f *Finding) sum(zh, en string, sum int64) {
	f.Steps = append(f.Steps, Step{ZH: zh, EN: en, Sum: &sum})
}

// entries adds an amount that comes from entries, and below it the accounts that it is made of.
func (f *Finding) entries(zh, en string, sum int64, y *yearFlow, from, to time.Time, charts ...string) {
	f.sum(zh, en, sum)
	for _, id := range charts {
		part := y.by[id]
		acct := chart.MustByID(chart.ID(id))
		f.Steps = append(f.Steps, Step{ZH: acct.NameZH, EN: acct.NameEN, Sum: &part, Part: true, Chart: id, From: from, To: to})
	}
}

func (f *Finding) text(zh, en, text string) {
	f.Steps = append(f.Steps, Step{ZH: zh, EN: en, Text: text})
}

func (f *Finding) row(r Row) {
	f.Rows = append(f.Rows, r)
	switch {
	case r.Broken:
		f.State = Broken
	case f.State != Broken:
		f.State = Warned
	}
}

// ByCode finds a rule, or nil.
func ByCode(code string) *Rule {
	for i := range rules {
		if rules[i].Code == code {
			return &rules[i]
		}
	}
	return nil
}

// Look holds a book against every rule: yearly ones over year, the others as of today. Rules come in the order of their codes.
func Look(ctx context.Context, q pg.Querier, book *ledger.Book, year int, today time.Time) ([]Finding, error) {
	d, err := newDesk(ctx, q, book, year, today)
	if err != nil {
		return nil, err
	}
	all := make([]Finding, 0, len(rules))
	for i := range rules {
		f, err := d.look(ctx, &rules[i])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// LookAt holds a book against one rule. It is nil when there is no such rule.
func LookAt(ctx context.Context, q pg.Querier, book *ledger.Book, code string, year int, today time.Time) (*Finding, error) {
	rule := ByCode(code)
	if rule == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoRule, code)
	}
	d, err := newDesk(ctx, q, book, year, today)
	if err != nil {
		return nil, err
	}
	f, err := d.look(ctx, rule)
	return &f, err
}

// ErrNoRule means that no rule has the code. Answer 404.
var ErrNoRule = errors.New("no such rule")

// newDesk reads what one look needs; rules are those whose facts are asked for, none for all.
func newDesk(ctx context.Context, q pg.Querier, book *ledger.Book, year int, today time.Time, rules ...string) (*desk, error) {
	l, err := Read(ctx, q, book)
	if err != nil {
		return nil, err
	}
	fs, err := standing(ctx, q, book, rules, today, time.Time{})
	if err != nil {
		return nil, err
	}
	return &desk{q: q, book: book, law: l, facts: fs, today: today, year: year, flows: map[int]*yearFlow{}, ends: map[time.Time][]ledger.Position{}}, nil
}

func (d *desk) look(ctx context.Context, r *Rule) (Finding, error) {
	f := Finding{Rule: r, State: Nothing}
	if d.law.On(d.asOf()) == nil {
		f.State = NoLaw
		return f, nil
	}
	if err := lookOf(r.Code)(ctx, d, &f); err != nil {
		return f, fmt.Errorf("rule %s: %w", r.Code, err)
	}
	d.facts.unread(&f)
	for _, p := range statutes { // what it asks for stands all the same where nothing of the kind is in the books
		if p.Rule == r.Code {
			d.param(&f, r.Code, p.Name)
		}
	}
	return f, nil
}

func (d *desk) amount(minor int64) string { return money.Format(minor, d.book.Currency) }
