package bench

import (
	"context"
	"fmt"
	"time"

	"sunfund/ledger/giving"
)

// measureIntake drives the intake in this process: callers hand over gifts and wait for the commit.
func measureIntake(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	return w.driveIntake(ctx, r, w.camps)
}

func (w *world) driveIntake(ctx context.Context, r *row, campaigns []int32) (sample, error) {
	in := giving.NewIntake(w.posting, w.book)
	s, err := w.drive(ctx, w.intakeCallers(in, r, campaigns))
	if closed := closeIntake(in); err == nil {
		err = closed
	}
	return s, err
}

func (w *world) intakeCallers(in *giving.Intake, r *row, campaigns []int32) []caller {
	callers := make([]caller, r.clients)
	for i, g := range w.givers(r.clients) {
		callers[i] = func(ctx context.Context) (int64, int64, error) {
			paid := make([]giving.Paid, r.batch)
			for i := range paid {
				paid[i] = g.gift(campaigns)
				if r.people {
					paid[i].Email = g.donor()
				}
			}
			outcomes, err := in.SubmitAll(ctx, paid)
			return counted(paid, outcomes, err)
		}
	}
	return callers
}

func closeIntake(in *giving.Intake) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return in.Close(ctx)
}

// counted takes every gift that was not booked for a failure: the load sends none that may be refused.
func counted(paid []giving.Paid, outcomes []giving.Outcome, err error) (gifts, amount int64, _ error) {
	if err != nil {
		return 0, 0, err
	}
	for i, o := range outcomes {
		if o.Err != nil || o.Replayed {
			return 0, 0, fmt.Errorf("gift %s: replayed %t: %w", paid[i].Ref, o.Replayed, o.Err)
		}
		gifts, amount = gifts+1, amount+paid[i].Amount
	}
	return gifts, amount, nil
}

// measureTwoCommitters lets two callers commit at once, each for its own half of the campaigns.
func measureTwoCommitters(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	callers := make([]caller, r.clients)
	each := len(w.camps) / r.clients
	for i, g := range w.givers(r.clients) {
		mine := w.camps[i*each : (i+1)*each]
		callers[i] = func(ctx context.Context) (int64, int64, error) {
			paid := make([]giving.Paid, r.batch)
			for i := range paid {
				paid[i] = g.gift(mine)
			}
			outcomes, err := giving.Commit(ctx, w.posting, w.book, paid)
			return counted(paid, outcomes, err)
		}
	}
	return w.drive(ctx, callers)
}

// measureFirstSecond compares the first second of a new book's life, with its plans made on empty tables, with what follows.
func measureFirstSecond(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	g := w.givers(1)[0]
	rate := func(span time.Duration) (float64, error) {
		begin, gifts := time.Now(), int64(0)
		for time.Since(begin) < span {
			paid := make([]giving.Paid, r.batch)
			for i := range paid {
				paid[i] = g.gift(w.camps)
			}
			outcomes, err := giving.Commit(ctx, w.posting, w.book, paid)
			n, amount, err := counted(paid, outcomes, err)
			if err != nil {
				return 0, err
			}
			w.tally.add(n, amount)
			gifts += n
		}
		return float64(gifts) / time.Since(begin).Seconds(), nil
	}
	first, err := rate(l.cfg.Span / 2)
	if err != nil {
		return sample{}, err
	}
	if _, err := rate(l.cfg.Span / 2); err != nil {
		return sample{}, err
	}
	if _, err := w.owner.Exec(ctx, `analyze`); err != nil {
		return sample{}, err
	}
	w.posting.Reset() // new connections plan on what is known now
	later, err := rate(l.cfg.Span / 2)
	if err != nil {
		return sample{}, err
	}
	return sample{value: first / later}, w.prove(ctx)
}

// measureBackDated books single gifts of last year and of today in turn, in a fund that has seen many postings.
func measureBackDated(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	if err := w.fill(ctx, w.camps, l.cfg.Postings/2); err != nil {
		return sample{}, err
	}
	return w.compareBackDated(ctx)
}

func (w *world) compareBackDated(ctx context.Context) (sample, error) {
	g := w.givers(1)[0]
	var took [2]time.Duration
	for end := time.Now().Add(w.l.cfg.Span); time.Now().Before(end); {
		for i := range took {
			paid := []giving.Paid{g.gift(w.camps[:1])}
			paid[0].PaidAt = time.Now()
			if i == 1 {
				paid[0].PaidAt = time.Now().AddDate(0, 0, -100-g.rand.IntN(200))
			}
			begin := time.Now()
			outcomes, err := giving.Commit(ctx, w.posting, w.book, paid)
			took[i] += time.Since(begin)
			n, amount, err := counted(paid, outcomes, err)
			if err != nil {
				return sample{}, err
			}
			w.tally.add(n, amount)
		}
	}
	return sample{value: took[1].Seconds() / took[0].Seconds()}, w.prove(ctx)
}
