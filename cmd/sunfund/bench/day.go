package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Day is a simulated giving day: an opening rush shaped like that of 2020, then falling, to ten hot campaigns of five hundred, with a random match
// from three pools, people who give again, machines that give many times a minute, a funder among the donors, and refunds.
type Day struct {
	Steps     []DayStep           `json:"steps"`
	Gifts     int64               `json:"gifts"`
	Amount    string              `json:"amount"`
	Refunds   int64               `json:"refunds"`
	Matched   string              `json:"matched"` // earned in all, held or not
	Pools     []DayPool           `json:"pools"`
	Emptied   string              `json:"emptied_after"` // the last pool's end, or empty
	Held      int64               `json:"held_awards"`
	HeldOf    int64               `json:"held_donors"`
	HeldSum   string              `json:"held_amount"`
	HeldList  []giving.MatchAward `json:"held_first"` // the first of them
	Decided   int64               `json:"decided"`    // by the intake
	Replayed  int64               `json:"replayed"`   // by sunfund verify match, from what is public, all equal
	OneThread int64               `json:"one_thread"` // by a single thread that shares no code with the engine, all equal
	Counters  int64               `json:"counters"`   // of limits, pools and minutes, equal to that thread's
	Refused   int64               `json:"refused"`    // calls that found the queue full, asked for again
	Seconds   float64             `json:"seconds"`
	Counting  DayCounting         `json:"counting"`
	VerifySec float64             `json:"verify_seconds"`
}

// DayStep is a part of the day: what was asked for and what the machine gave.
type DayStep struct {
	Wanted  float64 `json:"wanted_per_second"`
	Seconds float64 `json:"seconds"`
	Gifts   int64   `json:"gifts"`
	Rate    float64 `json:"gifts_per_second"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Match   string  `json:"match"` // earned in this step
}

// DayPool is a pool at the end: pledged = left + earned + held, to the cent.
type DayPool struct {
	Pool    string `json:"pool"`
	Pledged string `json:"pledged"`
	Left    string `json:"left"`
	Earned  string `json:"earned"`
	Held    string `json:"held"`
}

// rush is the shape: gifts a second, each for an equal part of the day. The first is the first minute of 2020.
var rush = []float64{16_000, 9_000, 5_000, 2_500, 1_200, 600}

func rushSum() (sum float64) {
	for _, rate := range rush {
		sum += rate
	}
	return sum
}

const (
	dayClients = 16
	dayBatch   = 250
	dayBots    = 8
	botShare   = 50 // one gift in so many is a machine's
	dayFunder  = "funder@example.org"
)

// GivingDay simulates a giving day and proves its figures: pools exact, every award recomputed, verify clean. Each step of the rush lasts for span; with gifts
// above zero the day has so many, shared among the steps by their rates, as fast as the machine takes them.
func GivingDay(ctx context.Context, cfg Config, span time.Duration, gifts int) (*Day, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	l, err := openLab(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer l.close()
	w, err := l.world(ctx, &row{name: "giving day", campaigns: cfg.many()})
	if err != nil {
		return nil, err
	}
	// Pools of 1, 2 and 4 parts that together last for a fifth more than the first step asks for.
	first := rush[0] * span.Seconds()
	if gifts > 0 {
		first = float64(gifts) * rush[0] / rushSum()
	}
	e, err := w.openEvent(ctx, max(1, int64(first*10.6*1.2/7))*100, dayFunder)
	if err != nil {
		return nil, err
	}
	d := &Day{}
	begin := time.Now()
	in := giving.NewIntake(w.posting, w.book)
	givers := w.givers(dayClients)
	for i, rate := range rush {
		cfg.Progress(fmt.Sprintf("giving day: step %d of %d, %.0f gifts a second", i+1, len(rush), rate))
		if err := d.step(ctx, w, e, in, givers, rate, span, int(float64(gifts)*rate/rushSum())); err != nil {
			return nil, errors.Join(err, closeIntake(in))
		}
	}
	if err := closeIntake(in); err != nil {
		return nil, err
	}
	d.Seconds = time.Since(begin).Seconds()
	cfg.Progress("giving day: closing, recomputing, verifying")
	return d, d.finish(ctx, w, e)
}

// step gives at a rate for span, or as fast as the machine takes it; with a number of gifts it gives that many without a break.
func (d *Day) step(ctx context.Context, w *world, e *giving.MatchEvent, in *giving.Intake, givers []*giver, rate float64, span time.Duration, number int) error {
	before, err := w.matched(ctx, e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.Now()
	var mu sync.Mutex
	var waits []time.Duration
	var gifts, refunds, refused int64
	var calls atomic.Int64
	var failed error
	var wg sync.WaitGroup
	pace := time.Duration(float64(dayBatch*len(givers)) / rate * float64(time.Second)) // between two calls of one client
	for i, g := range givers {
		wg.Go(func() {
			at := begin.Add(pace * time.Duration(i) / time.Duration(len(givers)))
			for ; at.Before(begin.Add(span)) && time.Since(begin) < span || number > 0; at = at.Add(pace) {
				if number > 0 {
					at = begin
				}
				if number > 0 && calls.Add(1) > int64((number+dayBatch-1)/dayBatch) || !sleepUntil(ctx, at) {
					return
				}
				n, back, wait, err := w.giveOnce(ctx, in, g)
				mu.Lock()
				gifts, refunds, waits = gifts+n, refunds+back, append(waits, wait)
				if n == 0 && err == nil {
					refused++
					calls.Add(-1)
				}
				if failed == nil && err != nil {
					failed = err
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	took := time.Since(begin)
	after, err := w.matched(ctx, e)
	if err != nil {
		return err
	}
	slices.Sort(waits)
	s := sample{gifts: gifts, took: took, waits: waits}
	d.Refunds, d.Refused = d.Refunds+refunds, d.Refused+refused
	d.Steps = append(d.Steps, DayStep{Wanted: rate, Seconds: took.Seconds(), Gifts: gifts, Rate: s.rate(), P50: ms(s.percentile(0.5)), P99: ms(s.percentile(0.99)),
		Match: money.Format(after-before, w.book.Currency)})
	if left, err := w.left(ctx, e); err == nil && left == 0 && d.Emptied == "" {
		d.Emptied = fmt.Sprintf("step %d", len(d.Steps))
	}
	return nil
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}

// giveOnce is one client's call: people, machines and the funder; the first of its gifts is given back.
func (w *world) giveOnce(ctx context.Context, in *giving.Intake, g *giver) (gifts, refunds int64, wait time.Duration, err error) {
	paid := make([]giving.Paid, dayBatch)
	hot := min(foundingHot, len(w.camps))
	for i := range paid {
		campaigns := w.camps
		if g.rand.IntN(10) < 8 { // eight in ten go to the hot ones
			campaigns = w.camps[:hot]
		}
		p := g.gift(campaigns)
		p.Email = g.donor()
		switch {
		case g.rand.IntN(botShare) == 0:
			p.Email, p.Amount = fmt.Sprintf("bot%d@example.org", g.rand.IntN(dayBots)), 1_00
			p.Fee = fee(p.Amount)
		case g.rand.IntN(5000) == 0:
			p.Email = dayFunder
		}
		paid[i] = p
	}
	from := time.Now()
	outcomes, err := in.SubmitAll(ctx, paid)
	wait = time.Since(from)
	if errors.Is(err, giving.ErrBusy) { // the queue is full: this rush is more than the machine takes
		return 0, 0, wait, nil
	}
	n, amount, err := counted(paid, outcomes, err)
	if err != nil {
		return 0, 0, wait, err
	}
	w.tally.add(n, amount)
	back := giving.Refunded{GiftRef: paid[0].Ref, Amount: paid[0].Amount, RefundedAt: time.Now(), Channel: paid[0].Channel, Ref: "back-" + paid[0].Ref}
	out, err := giving.CommitRefunds(ctx, w.posting, w.book, []giving.Refunded{back})
	if err == nil {
		err = out[0].Err
	}
	return n, 1, wait, err
}

func (w *world) amounts(ctx context.Context, e *giving.MatchEvent) (*giving.EventAmounts, error) {
	return giving.AmountsOf(pg.WithBook(ctx, w.book.ID), w.db, w.book, e.ID, time.Now())
}

func (w *world) matched(ctx context.Context, e *giving.MatchEvent) (int64, error) {
	a, err := w.amounts(ctx, e)
	if err != nil {
		return 0, err
	}
	return a.Reserved + a.Held, nil
}

func (w *world) left(ctx context.Context, e *giving.MatchEvent) (int64, error) {
	a, err := w.amounts(ctx, e)
	if err != nil {
		return 0, err
	}
	return a.Pledged, nil
}

// finish closes the event and proves what it says.
func (d *Day) finish(ctx context.Context, w *world, e *giving.MatchEvent) error {
	ctx = pg.WithBook(ctx, w.book.ID)
	now := time.Now()
	a, err := w.amounts(ctx, e)
	if err != nil {
		return err
	}
	format := func(minor int64) string { return money.Format(minor, w.book.Currency) }
	d.Gifts, d.Amount, d.Matched = w.tally.booked.Load(), format(w.tally.amount.Load()), format(a.Reserved+a.Held)
	d.Held, d.HeldOf, d.HeldSum, d.Decided = a.HeldAwards, a.HeldDonors, format(a.Held), a.Decided
	for _, p := range a.Pools {
		if p.Pledged < 0 || p.Pledged+p.Reserved+p.Held != p.Amount {
			return fmt.Errorf("%w: pool %s of %d: %+v", ErrNotBooked, p.Pool, p.Amount, p.MatchAmounts)
		}
		d.Pools = append(d.Pools, DayPool{p.Pool, format(p.Amount), format(p.Pledged), format(p.Reserved), format(p.Held)})
	}
	if d.HeldList, err = giving.Held(ctx, w.db, w.book, e.ID, 0, 10); err != nil {
		return err
	}
	if err := d.Counting.run(ctx, w, e, a); err != nil {
		return err
	}
	verifying := time.Now()
	if err := w.verify(ctx); err != nil {
		return err
	}
	d.VerifySec = time.Since(verifying).Seconds()
	if err := d.likeOneThread(ctx, w, e, a); err != nil {
		return err
	}
	return d.recompute(ctx, w, e, now)
}

// recompute does what anybody can do once the seed is told: from the rule and the replay file alone.
func (d *Day) recompute(ctx context.Context, w *world, e *giving.MatchEvent, now time.Time) (err error) {
	err = pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		if err := giving.CloseEvent(ctx, tx, w.book, e.ID, now); err != nil {
			return err
		}
		_, err := giving.RevealSeed(ctx, tx, w.book, e.ID, now)
		return err
	})
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(w.l.cfg.Dir, "replay-*.jsonl") // some 300 bytes a gift
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var versions []giving.RuleVersion
	err = pg.InTx(ctx, w.owner, func(tx pgx.Tx) (err error) {
		if versions, err = giving.RuleVersions(ctx, tx, w.book, e.ID); err != nil {
			return err
		}
		out := bufio.NewWriter(file)
		return errors.Join(giving.WriteReplay(ctx, tx, w.book, e.ID, out), out.Flush())
	})
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	rules := make([]*match.Rule, len(versions))
	for i := range versions {
		if rules[i], err = versions[i].Rule(); err != nil {
			return err
		}
	}
	v, err := match.Verify(rules, bufio.NewReader(file))
	if err != nil {
		return err
	}
	if !v.Clean() {
		return fmt.Errorf("%w: recomputed from the replay file the match differs in %d lines: %+v", ErrNotBooked, v.Differs, v.Differences)
	}
	d.Replayed = int64(v.Gifts)
	return nil
}

// WriteJSON writes the figures for programs.
func (d *Day) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// WriteText writes the figures as tables.
func (d *Day) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "wanted/s\tseconds\tgifts\tgifts/s\tp50 ms\tp99 ms\tmatch\t")
	for _, s := range d.Steps {
		fmt.Fprintf(w, "%.0f\t%.1f\t%d\t%.0f\t%.1f\t%.1f\t%s\t\n", s.Wanted, s.Seconds, s.Gifts, s.Rate, s.P50, s.P99, s.Match)
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t")
	fmt.Fprintln(w, "pool\tpledged\tleft\tearned\theld\t\t\t")
	for _, p := range d.Pools {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\t\t\n", p.Pool, p.Pledged, p.Left, p.Earned, p.Held)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d gifts of %s and %d refunds in %.1f s; %s matched\n", d.Gifts, d.Amount, d.Refunds, d.Seconds, d.Matched)
	if d.Emptied != "" {
		fmt.Fprintf(out, "the last pool was empty after %s\n", d.Emptied)
	}
	if d.Refused > 0 {
		fmt.Fprintf(out, "%d calls found the queue full and gave later\n", d.Refused)
	}
	fmt.Fprintf(out, "held: %d awards of %d donors, %s; the first %d:\n", d.Held, d.HeldOf, d.HeldSum, len(d.HeldList))
	for _, h := range d.HeldList {
		fmt.Fprintf(out, "  award %d: %s from %s, %s (%s)\n", h.Seq, money.Format(h.Left, "CNY"), h.Pool, h.Donor, h.Reasons)
	}
	c := &d.Counting
	fmt.Fprintf(out, "%d awards and steps counted by hours and pools in %.1f s; what pools earned is read in %.1f ms before and %.1f ms after, the hours in %.1f ms\n", c.Counted, c.Seconds, c.FreshMs, c.KeptMs, c.HoursMs)
	fmt.Fprintf(out, "every pool exact; %d gifts decided again by one thread that shares no code with the engine: every award, pool, campaign, limit and all %d counters equal\n", d.OneThread, d.Counters)
	_, err := fmt.Fprintf(out, "%d gifts recomputed from rule, seed and replay file, all equal; sunfund verify clean in %.1f s\n", d.Replayed, d.VerifySec)
	return err
}
