package recon

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Frequency is how often a check runs.
type Frequency string

const (
	Hourly  Frequency = "hourly"  // from balances, turnovers and the newest entries: it does not grow with history
	Daily   Frequency = "daily"   // at night, with what `sunfund verify` recomputes from every entry
	Monthly Frequency = "monthly" // when a month has ended
)

// Check is one equation that has to hold, with its name in both languages (docs/reconciliation.md).
type Check struct {
	Code   string // E1 to E7, C01 to C24
	Every  Frequency
	NameZH string
	NameEN string
	NextZH string // what to do when it is red
	NextEN string
	// LacksZH and LacksEN say what of it is not kept yet, because the room it speaks of is not there. With nothing else to look at the
	// check is never green.
	LacksZH string
	LacksEN string

	of     string   // counts what is compared; $1 is the book
	rows   string   // the rows that break it: say, object, name, sums, day; $1 is the book, $2 today
	full   string   // further rows, read from whole tables at night
	verify []string // codes of `sunfund verify` that belong to it, at night
	look   func(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time) (compared int64, breaks []Break, err error)
}

// Kept tells whether there is anything to look at.
func (c *Check) Kept() bool { return c.rows != "" || c.look != nil || len(c.verify) > 0 }

// Nightly tells whether a part of an hourly check runs at night.
func (c *Check) Nightly() bool { return c.Every == Hourly && (c.full != "" || len(c.verify) > 0) }

// Name is what the check says, in lang.
func (c *Check) Name(lang string) string { return pick(lang, c.NameZH, c.NameEN) }

// Next is what to do when it is red, in lang.
func (c *Check) Next(lang string) string { return pick(lang, c.NextZH, c.NextEN) }

// Lacks is what of it is not kept yet, in lang; empty for nothing.
func (c *Check) Lacks(lang string) string { return pick(lang, c.LacksZH, c.LacksEN) }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// Break is one row that breaks a check.
type Break struct {
	Say    string     `json:"say"`              // which sentence of Said
	Object string     `json:"object,omitempty"` // what it speaks of: "fund:3", "account:12", "entry:0190…", "month:2026-09"
	Name   string     `json:"name,omitempty"`   // how people call it
	Sums   []int64    `json:"sums,omitempty"`   // minor units of the book's currency
	Day    *time.Time `json:"day,omitempty"`
}

// Text is the row in words, in lang.
func (b Break) Text(book *ledger.Book, lang string) string {
	said, ok := sentences[b.Say]
	if !ok {
		return b.Name
	}
	pairs := []string{"{name}", b.Name}
	for i, sum := range b.Sums {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", money.Format(sum, book.Currency))
	}
	if b.Day != nil {
		pairs = append(pairs, "{day}", b.Day.Format(time.DateOnly))
	}
	return strings.NewReplacer(pairs...).Replace(pick(lang, said[0], said[1]))
}

// State is how a check stands.
type State string

const (
	Green   State = "green"
	Red     State = "red"
	Empty   State = "empty"    // the book has nothing of the kind
	NotYet  State = "not-kept" // the room it speaks of is not there yet
	Pending State = "pending"  // it has not run
)

// Outcome is what a check found when it ran last.
type Outcome struct {
	*Check
	State    State
	At       time.Time // zero: not run yet; the older one where a part runs at night
	Took     time.Duration
	Compared int64
	Found    int64
	Breaks   []Break // the first of them
	RedSince *time.Time
}

// breaksKept is how many rows of a check are kept.
const breaksKept = 50

// found is one run of a check or of its part at night.
type found struct {
	code     string
	compared int64
	n        int64
	breaks   []Break
	took     time.Duration
}

const night = "n" // at the end of a code: the part that runs at night

// Every check has to see the same moment.
const sqlOneMoment = `set transaction isolation level repeatable read`

// RunChecks runs the checks of these frequencies and keeps what they found; all of them when none is named. While E5 or E6 is red the book's
// payments are stopped, until it is green again. It is the first thing its transaction does, and safe to repeat.
func RunChecks(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time, every ...Frequency) ([]Outcome, error) {
	if _, err := tx.Exec(ctx, sqlOneMoment); err != nil {
		return nil, fmt.Errorf("run checks: %w", err)
	}
	return runChecks(ctx, tx, book, now, every...)
}

// runChecks is RunChecks in a transaction that keeps the posters out, or sees one moment already.
func runChecks(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time, every ...Frequency) ([]Outcome, error) {
	if len(every) == 0 {
		every = []Frequency{Hourly, Daily, Monthly}
	}
	today := book.Day(now)
	var all []found
	var verified map[string]ledger.Check
	// What reads little comes first: the verification then sets the planner to whole tables.
	for i := range Checks {
		c := &Checks[i]
		if !slices.Contains(every, c.Every) || c.rows == "" && c.look == nil {
			continue
		}
		f, err := c.run(ctx, tx, book, today, c.rows)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if slices.Contains(every, Daily) {
		for i := range Checks {
			c := &Checks[i]
			if c.full == "" && len(c.verify) == 0 {
				continue
			}
			start := time.Now()
			f := found{code: c.Code}
			if c.full != "" {
				if err := c.query(ctx, tx, book, today, c.full, &f); err != nil {
					return nil, err
				}
			}
			if len(c.verify) > 0 {
				if verified == nil {
					var err error
					if verified, err = verifyByCode(ctx, tx, book); err != nil {
						return nil, err
					}
				}
				f.verified(c.verify, verified)
			}
			f.took = time.Since(start)
			if c.Every == Hourly {
				f.code += night
			} else if at := slices.IndexFunc(all, func(x found) bool { return x.code == c.Code }); at >= 0 {
				all[at].join(f)
				continue
			}
			all = append(all, f)
		}
	}
	if err := keep(ctx, tx, book, all, now); err != nil {
		return nil, err
	}
	return Outcomes(ctx, tx, book)
}

func (f *found) verified(codes []string, checks map[string]ledger.Check) {
	for _, code := range codes {
		v := checks[code]
		f.compared += v.Compared
		f.n += v.DiffersAll
		for _, text := range v.Differs {
			f.breaks = append(f.breaks, Break{Say: "differs", Name: text})
		}
	}
	f.breaks = f.breaks[:min(len(f.breaks), breaksKept)]
}

func (f *found) join(g found) {
	f.compared, f.n, f.took = f.compared+g.compared, f.n+g.n, f.took+g.took
	f.breaks = append(f.breaks, g.breaks...)
	f.breaks = f.breaks[:min(len(f.breaks), breaksKept)]
}

func (c *Check) run(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time, rows string) (f found, err error) {
	f.code = c.Code
	start := time.Now()
	if rows != "" {
		if err := c.query(ctx, q, book, today, rows, &f); err != nil {
			return f, err
		}
	}
	if c.look != nil {
		compared, breaks, err := c.look(ctx, q, book, today)
		if err != nil {
			return f, fmt.Errorf("check %s: %w", c.Code, err)
		}
		f.compared, f.n = f.compared+compared, f.n+int64(len(breaks))
		f.breaks = append(f.breaks, breaks[:min(len(breaks), breaksKept)]...)
	}
	f.took = time.Since(start)
	return f, nil
}

// query reads the rows that break a check, the first of them whole, the others counted.
func (c *Check) query(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time, sql string, f *found) error {
	var compared int64
	if c.of != "" {
		if err := q.QueryRow(ctx, c.of, book.ID).Scan(&compared); err != nil {
			return fmt.Errorf("check %s: %w", c.Code, err)
		}
	}
	f.compared += compared
	args := []any{book.ID}
	if strings.Contains(sql, "$2") {
		args = append(args, today)
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("check %s: %w", c.Code, err)
	}
	var b Break
	_, err = pgx.ForEachRow(rows, []any{&b.Say, &b.Object, &b.Name, &b.Sums, &b.Day}, func() error {
		if f.n++; len(f.breaks) < breaksKept {
			f.breaks = append(f.breaks, Break{b.Say, b.Object, b.Name, slices.Clone(b.Sums), b.Day})
		}
		b.Day = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("check %s: %w", c.Code, err)
	}
	return nil
}

const sqlCheckKeep = `
insert into check_result as r (book_id, code, at, took_ms, compared, found, breaks, red_since)
values ($1, $2, $3, $4, $5, $6, $7, case when $6::int8 > 0 then $3::timestamptz end)
    on conflict (book_id, code) do update set at = excluded.at, took_ms = excluded.took_ms, compared = excluded.compared, found = excluded.found,
       breaks = excluded.breaks, red_since = case when excluded.found > 0 then coalesce(r.red_since, excluded.at) end`

func keep(ctx context.Context, tx pgx.Tx, book *ledger.Book, all []found, now time.Time) error {
	b := &pgx.Batch{}
	for _, f := range all {
		if f.breaks == nil {
			f.breaks = []Break{}
		}
		rows, err := json.Marshal(f.breaks)
		if err != nil {
			return fmt.Errorf("keep checks: %w", err)
		}
		b.Queue(sqlCheckKeep, book.ID, f.code, now, f.took.Milliseconds(), f.compared, f.n, rows)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("keep checks: %w", err)
	}
	return trip(ctx, tx, book, all, now)
}

const sqlOutcomes = `select code, at, took_ms, compared, found, breaks, red_since from check_result where book_id = $1`

// Outcomes tells how every check stands, in the order of their codes.
func Outcomes(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Outcome, error) {
	rows, err := q.Query(ctx, sqlOutcomes, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read checks: %w", err)
	}
	type row struct {
		at       time.Time
		took     int64
		compared int64
		found    int64
		breaks   []Break
		since    *time.Time
	}
	last := map[string]row{}
	var code string
	var r row
	_, err = pgx.ForEachRow(rows, []any{&code, &r.at, &r.took, &r.compared, &r.found, &r.breaks, &r.since}, func() error {
		last[code] = r
		r = row{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read checks: %w", err)
	}
	all := make([]Outcome, 0, len(Checks))
	for i := range Checks {
		c := &Checks[i]
		o := Outcome{Check: c, State: Pending}
		parts := []string{c.Code}
		if c.Nightly() {
			parts = append(parts, c.Code+night)
		}
		ran := 0
		for _, part := range parts {
			r, ok := last[part]
			if !ok {
				continue
			}
			ran++
			o.Took += time.Duration(r.took) * time.Millisecond
			o.Compared, o.Found = o.Compared+r.compared, o.Found+r.found
			o.Breaks = append(o.Breaks, r.breaks...)
			if o.At.IsZero() || r.at.Before(o.At) {
				o.At = r.at
			}
			if r.since != nil && (o.RedSince == nil || r.since.Before(*o.RedSince)) {
				o.RedSince = r.since
			}
		}
		switch {
		case !c.Kept():
			o.State = NotYet
		case o.Found > 0:
			o.State = Red
		case ran < len(parts):
		case o.Compared == 0:
			o.State = Empty
		default:
			o.State = Green
		}
		all = append(all, o)
	}
	return all, nil
}
