package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// CharityDay is the code of the demo's giving day: China's Charity Day, Saturday 5 September 2026.
const CharityDay = "charity-day-2026"

// charityTerms are yuan for yuan up to 50.00 a gift from nine in the morning, from one pool of 3,200.00 of which 1,200.00 are kept for two hours of the
// evening. No campaign gets more than half. Ten days of public notice; what is left goes back to the firm.
var charityTerms = match.Terms{
	Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai",
	Windows: []match.Window{{Name: "day", From: "2026-09-05T09:00", To: "2026-09-06T00:00"}, {Name: "evening", From: "2026-09-05T20:00", To: "2026-09-05T22:00"}},
	Pools: []match.Pool{{Code: "bayu", Funder: match.Name{ZH: "巴渝建设有限公司", EN: "Bayu Construction Ltd"}, Amount: "3200.00",
		Slices: []match.Slice{{Window: "evening", Amount: "1200.00"}}}},
	Gifts:  match.Gifts{Min: "1.00", Campaigns: charityCampaigns},
	Award:  match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}},
	Caps:   match.Caps{Gift: match.Limit{Amount: "50.00"}, CampaignEvent: match.Limit{Percent: "50"}},
	Order:  match.FirstCome,
	Notice: 10, Unspent: match.GiveBack, Refund: match.ToPool,
}

// charityCampaigns take part.
var charityCampaigns = []string{"elder-lunch", "school-desks", "golden-ideas", "reading-room"}

// charityGifts are how many gifts came in each hour from nine o'clock on.
var charityGifts = []int{18, 10, 7, 9, 5, 4, 4, 4, 5, 5, 6, 20, 13, 6, 3}

// charityRefund is the hour at whose end the first gift of the day goes back to its donor; its match falls back to the pool.
const charityRefund = 15

func september(day, hour, minute int) time.Time {
	return time.Date(2026, time.September, day, hour-8, minute, 0, 0, time.UTC) // clock of Shanghai
}

// charityDay publishes the rule, opens the day, takes its gifts hour by hour, closes it, and has the match paid by two once the notice is over. Broken off, it
// goes on where the event stands.
func (l *loader) charityDay(ctx context.Context) error {
	e, err := l.charityEvent(ctx)
	if err != nil {
		return fmt.Errorf("open charity day: %w", err)
	}
	if e.State == giving.EventEnded {
		return nil
	}
	if err := l.charityHours(ctx); err != nil {
		return fmt.Errorf("gifts of charity day: %w", err)
	}
	sign := l.charitySign("paid", september(18, 10, 0))
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		if err := giving.CloseEvent(ctx, tx, l.book, e.ID, september(6, 0, 5)); err != nil {
			return err
		}
		if _, err := giving.RevealSeed(ctx, tx, l.book, e.ID, september(6, 0, 10)); err != nil {
			return err
		}
		if _, err := giving.SettleMatch(ctx, tx, l.book, e.ID, giving.MatchPayment{Pool: "bayu", BankRef: "20260918-0012", Day: ledger.Day(2026, 9, 18)}, sign); err != nil {
			return err
		}
		if _, err := giving.ReturnRest(ctx, tx, l.book, e.ID, "bayu", giving.PayReturned, l.charitySign("rest", september(18, 10, 30))); err != nil {
			return err
		}
		return giving.EndEvent(ctx, tx, l.book, e.ID, september(18, 11, 0))
	})
}

// charitySign is a step of the day that one asks for and another approves.
func (l *loader) charitySign(step string, at time.Time) giving.Sign {
	return giving.Sign{Key: key("charity day %s", step), By: l.persons["wang"], Second: l.persons["li"], At: at, Made: maker, Check: checker}
}

// charityEvent finds the event, or makes it, with its rule in force from the morning on.
func (l *loader) charityEvent(ctx context.Context) (e *giving.MatchEvent, err error) {
	e, err = giving.EventByCode(ctx, l.db, l.book, CharityDay)
	if !errors.Is(err, giving.ErrNoEvent) {
		return e, err
	}
	rule, err := match.New(charityTerms)
	if err != nil {
		return nil, err
	}
	var seed match.Seed
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("draw seed: %w", err)
	}
	published := september(1, 10, 0)
	err = pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		if e, err = giving.CreateEvent(ctx, tx, l.book, CharityDay, "中华慈善日·阳光配捐", "Charity Day match", seed, l.persons["wang"], published); err != nil {
			return err
		}
		plans := []giving.PoolPlan{{Code: "bayu", Kind: giving.PoolPromised}}
		if _, err := giving.PublishRule(ctx, tx, l.book, e.ID, rule, september(5, 9, 0), plans, l.charitySign("rule", published)); err != nil {
			return err
		}
		if err := giving.OpenEvent(ctx, tx, l.book, e.ID, september(5, 8, 30)); err != nil {
			return err
		}
		e, err = giving.EventByID(ctx, tx, l.book, e.ID)
		return err
	})
	return e, err
}

// charityHours takes the gifts of each hour and has them booked before those of the next, so that the match is decided in the order of the day.
func (l *loader) charityHours(ctx context.Context) error {
	r := mathrand.New(mathrand.NewPCG(2026, 905))
	var first uuid.UUID
	n := 0
	for i, gifts := range charityGifts {
		var started []uuid.UUID
		for j := range gifts {
			at := september(5, 9+i, 0).Add(time.Duration(j) * time.Hour / time.Duration(gifts)).Add(time.Duration(r.IntN(150)) * time.Second)
			campaign, amount := charityCampaigns[r.IntN(len(charityCampaigns))], draw(r)
			if n == 0 {
				amount = 50_00
			}
			form := l.form(r, key("charity day gift %d", n), campaign, amount)
			id, err := l.start(ctx, form, l.camps[campaign].Title(form.Lang), at)
			if err != nil {
				return fmt.Errorf("gift %d: %w", n+1, err)
			}
			if n == 0 {
				first = id
			}
			n, started = n+1, append(started, id)
		}
		if err := l.settle(ctx, started); err != nil {
			return err
		}
		if 9+i == charityRefund {
			if err := l.charityBack(ctx, first); err != nil {
				return err
			}
		}
	}
	return nil
}

// charityBack gives a gift back to its donor.
func (l *loader) charityBack(ctx context.Context, gift uuid.UUID) error {
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		g, err := giving.GiftByID(ctx, tx, l.book, gift)
		if err != nil {
			return err
		}
		back := giving.Refunded{GiftID: gift, CampaignID: g.Gift.CampaignID, Amount: g.Gift.Amount, Currency: g.Gift.Currency, RefundedAt: september(5, charityRefund, 58), Channel: g.Gift.Channel,
			Ref: "sbx_re_" + key("charity day refund").String(), Actor: l.persons["wang"]}
		out, err := giving.BookRefunds(ctx, tx, l.book, []giving.Refunded{back})
		if err != nil {
			return err
		}
		return out[0].Err
	})
}
