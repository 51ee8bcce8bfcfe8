package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Rows that are the same but for the match.
const (
	matchNone = "giving day 1000"
	matchOn   = "giving day 1000, match"
	matchPair = "giving day 1000, match / none"
)

// matchTurns is how often both are driven in one round.
const matchTurns = 5

// matchDonors is how many people give in rows about match: some give again and again.
const matchDonors = 50_000

// daySeed draws in every run the same.
var daySeed = match.Seed{9, 9}

// dayTerms is a random match as on a giving day: 0 to 16 yuan, for one in twenty about 60, from three pools in the order of use, at most 999 a
// person and day; the fifth gift of a person in a minute is held.
func dayTerms(pool int64, now time.Time) match.Terms {
	const layout = "2006-01-02T15:04"
	t := match.Terms{
		Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai",
		Windows: []match.Window{{Name: "days", From: now.AddDate(0, 0, -3).Format(layout), To: now.AddDate(0, 0, 3).Format(layout)}},
		Award:   match.Formula{Draw: &match.Draw{Base: "8.00", Wave: "8.00", Chance: "5", Bonus: "60.00", BonusWave: "20.00"}},
		Caps:    match.Caps{DonorDay: match.Limit{Amount: "999.00"}},
		Order:   match.FirstCome, Notice: 10, Unspent: match.GiveBack, Refund: match.ToPool, Holds: match.Holds{PerMinute: 5, Funder: true},
	}
	for i, code := range []string{"city", "firm", "street"} {
		t.Pools = append(t.Pools, match.Pool{Code: code, Funder: match.Name{ZH: code, EN: code}, Amount: money.Format(pool<<i, "CNY")})
	}
	return t
}

// openEvent begins an event in the world's book. Its pools have pool, twice and four times as much, in minor units; funder gives under that address.
func (w *world) openEvent(ctx context.Context, pool int64, funder string) (*giving.MatchEvent, error) {
	now := time.Now().AddDate(0, 0, -2)
	rule, err := match.New(dayTerms(pool, time.Now()))
	if err != nil {
		return nil, err
	}
	sign := giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: now, Made: "bench", Check: "benchmark"}
	var e *giving.MatchEvent
	err = pg.InTx(pg.WithBook(ctx, w.book.ID), w.db, func(tx pgx.Tx) (err error) {
		if e, err = giving.CreateEvent(ctx, tx, w.book, "nine", "九九公益日", "Giving day", daySeed, sign.By, now); err != nil {
			return err
		}
		known, err := giving.FunderDonor(w.book, e.ID, funder)
		if err != nil {
			return err
		}
		var plans []giving.PoolPlan
		for _, p := range rule.Terms().Pools {
			plans = append(plans, giving.PoolPlan{Code: p.Code, Kind: giving.PoolPromised, Funder: known})
		}
		if _, err = giving.PublishRule(ctx, tx, w.book, e.ID, rule, now, plans, sign); err != nil {
			return err
		}
		return giving.OpenEvent(ctx, tx, w.book, e.ID, now)
	})
	return e, err
}

// donor is an address of one of so many people.
func (g *giver) donor() string { return fmt.Sprintf("d%d@example.org", g.rand.IntN(matchDonors)) }

// measureMatchPair drives two books in turn, one with match and one without, and takes the median of the turns' ratios: a machine's speed drifts by more
// within a round than what is asked here.
func measureMatchPair(ctx context.Context, l *lab, r *row) (_ sample, err error) {
	var worlds [2]*world
	var callers [2][]caller
	for i, name := range []string{matchNone, matchOn} {
		as := *r
		as.name = r.name + ": " + name
		if worlds[i], err = l.world(ctx, &as); err != nil {
			return sample{}, err
		}
		in := giving.NewIntake(worlds[i].posting, worlds[i].book)
		defer func() { err = errors.Join(err, closeIntake(in)) }()
		callers[i] = worlds[i].intakeCallers(in, r, worlds[i].camps)
	}
	if _, err := worlds[1].openEvent(ctx, 1_000_000_000_00, "nobody@example.org"); err != nil {
		return sample{}, err
	}
	ratios := make([]float64, matchTurns)
	for turn := range ratios {
		var rates [2]float64
		for n := range worlds {
			i := (turn + n) % 2 // each is first in every other turn
			s, err := worlds[i].driveFor(ctx, callers[i], l.cfg.WarmUp/2, l.cfg.Span/2)
			if err != nil {
				return sample{}, err
			}
			rates[i] = s.rate()
		}
		ratios[turn] = ratio(rates[1], rates[0])
	}
	slices.Sort(ratios)
	return sample{value: ratios[len(ratios)/2]}, errors.Join(worlds[0].prove(ctx), worlds[1].prove(ctx))
}

// measureMatch drives the intake with gifts of people who give their address, and, in the row that is called so, with a match that no pool ends.
func measureMatch(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	if r.name == matchOn {
		if _, err := w.openEvent(ctx, 1_000_000_000_00, "nobody@example.org"); err != nil {
			return sample{}, err
		}
	}
	return w.driveIntake(ctx, r, w.camps)
}
