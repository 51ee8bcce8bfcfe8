package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
)

// Reports says how long each statement of a large book takes.
type Reports struct {
	Postings   int64      `json:"postings"`
	Accounts   int64      `json:"accounts"`
	Funds      int64      `json:"funds"`
	Statements []Reported `json:"statements"`
}

// Reported is how long a statement takes, of days of a year.
type Reported struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	CPU  float64 `json:"cpu_ms"` // of this process and its sessions, on average; holds on a busy machine too
}

const sqlReportedBook = `
select (select sum(seq)::int8 from balance where book_id = $1), (select count(*) from account where book_id = $1), (select count(*) from fund where book_id = $1)`

// readingsOf is how often each statement is drawn up, after five that make plans.
const readingsOf = 40

// Statements measures every statement of a book with so many gifts, two postings each, over a year.
func Statements(ctx context.Context, cfg Config, gifts int) (*Reports, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	l, err := openLab(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer l.close()
	w, err := l.world(ctx, &row{name: "reports", campaigns: cfg.many()})
	if err != nil {
		return nil, err
	}
	if err := w.fill(ctx, w.camps, gifts); err != nil {
		return nil, err
	}
	r := &Reports{}
	if err := w.owner.QueryRow(ctx, sqlReportedBook, w.book.ID).Scan(&r.Postings, &r.Accounts, &r.Funds); err != nil {
		return nil, err
	}
	ctx = pg.WithBook(ctx, w.book.ID)
	today := w.book.Day(time.Now())
	for _, form := range reports.Forms(w.book.Regime) {
		if err := r.measure(ctx, w, form, form.ID, func(n int) reports.Request { return reports.Request{To: today.AddDate(0, 0, -n*7%300), Lang: "en"} }); err != nil {
			return nil, err
		}
	}
	form, _ := reports.FormByID("cn2026-activities")
	// What a report said on a day of the year, of the month before, of that day, and of all days up to today.
	asked := func(n int) (moment, month time.Time) {
		moment = time.Now().AddDate(0, 0, -40-n*7%300)
		return moment, ledger.Month(w.book.Day(moment)).AddDate(0, 0, -1)
	}
	err = errors.Join(
		r.measure(ctx, w, form, form.ID+", as of a moment", func(n int) reports.Request {
			moment, month := asked(n)
			return reports.Request{To: month, Recorded: moment, Lang: "en"}
		}),
		r.measure(ctx, w, form, form.ID+", as of a moment, to its day", func(n int) reports.Request {
			moment, _ := asked(n)
			return reports.Request{To: w.book.Day(moment), Recorded: moment, Lang: "en"}
		}),
		r.measure(ctx, w, form, form.ID+", as of a moment, to today", func(n int) reports.Request {
			moment, _ := asked(n)
			return reports.Request{To: today, Recorded: moment, Lang: "en"}
		}))
	return r, err
}

// measure draws a statement up of days of a year.
func (r *Reports) measure(ctx context.Context, w *world, form *reports.Form, name string, ask func(n int) reports.Request) error {
	w.l.cfg.Progress("drawing up " + name)
	var took []time.Duration
	var before time.Duration
	for n := range readingsOf + 5 {
		if n == 5 {
			spent, err := w.cpu(ctx)
			if err != nil {
				return err
			}
			before = spent
		}
		begin := time.Now()
		err := pg.Snapshot(ctx, w.db, func(tx pgx.Tx) error {
			s, err := reports.Make(ctx, tx, w.book, form, ask(n))
			if err == nil && !s.Tied() {
				err = fmt.Errorf("%s to %s does not tie: %+v", s.ID, s.To.Format(time.DateOnly), s.Ties)
			}
			return err
		})
		if err != nil {
			return err
		}
		if n >= 5 {
			took = append(took, time.Since(begin))
		}
	}
	after, err := w.cpu(ctx)
	if err != nil {
		return err
	}
	slices.Sort(took)
	s := sample{waits: took}
	r.Statements = append(r.Statements, Reported{name, ms(s.percentile(0.5)), ms(s.percentile(0.99)), ms((after - before) / readingsOf)})
	return nil
}

// cpu is the processor time so far of this process and of its sessions.
func (w *world) cpu(ctx context.Context) (time.Duration, error) {
	server, err := w.serverCPU(ctx)
	return server + ownCPU(), err
}

// WriteJSON writes the figures for programs.
func (r *Reports) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

// WriteText writes the figures for people.
func (r *Reports) WriteText(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%d postings on %d accounts in %d funds\n%-36s %9s %9s %9s\n", r.Postings, r.Accounts, r.Funds, "statement", "p50 ms", "p99 ms", "cpu ms"); err != nil {
		return err
	}
	for _, s := range r.Statements {
		if _, err := fmt.Fprintf(w, "%-36s %9.1f %9.1f %9.1f\n", s.Name, s.P50, s.P99, s.CPU); err != nil {
			return err
		}
	}
	return nil
}
