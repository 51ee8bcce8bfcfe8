package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// What people give: spikes at round figures and at 1, 9.90 and 99, with a heavy tail. Weights add up to 1,000.
var sizes = []struct {
	fen    int64
	weight int
}{
	{1_00, 70}, {5_20, 60}, {9_90, 90}, {10_00, 130}, {20_00, 130}, {50_00, 205}, {66_00, 10}, {99_00, 70},
	{100_00, 160}, {200_00, 55}, {500_00, 16}, {1000_00, 4},
}

var surnames = []string{"王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴", "徐", "孙", "马", "朱", "胡", "林", "郭", "何", "高", "罗"}

var messages = []string{"加油！", "孩子们好好长大", "一点心意", "邻里相助", "愿平安", "第一次捐款", "For the children", "辛苦社工们了", "好人一生平安", "Well done"}

func draw(r *rand.Rand) int64 {
	n := r.IntN(1000)
	for _, s := range sizes {
		if n -= s.weight; n < 0 {
			return s.fen
		}
	}
	return sizes[0].fen
}

const (
	firstTotal = 27_505_13 // fen, raised online for the eleven homes
	firstFees  = 165_03    // 0.6 % of it; the sandbox rounds each gift's own fee, and they add up to this
)

// firstAmounts finds gift sizes that add up to what was raised, with fees that add up to what was kept.
func firstAmounts(n int) ([]int64, error) {
	for seed := uint64(1); seed < 100_000; seed++ {
		r := rand.New(rand.NewPCG(2025, seed))
		amounts := make([]int64, n)
		rest, fees := int64(firstTotal), int64(0)
		for i := range amounts {
			amounts[i] = draw(r)
			if i == n-1 {
				amounts[i] = rest
			}
			rest -= amounts[i]
			fees += money.HalfUpShare(amounts[i], 6, 1000)
		}
		if last := amounts[n-1]; last >= 10_00 && last <= 2_000_00 && fees == firstFees {
			r.Shuffle(n, func(i, j int) { amounts[i], amounts[j] = amounts[j], amounts[i] })
			return amounts, nil
		}
	}
	return nil, fmt.Errorf("no %d gifts add up to %d", n, int64(firstTotal))
}

func (l *loader) firstGifts(ctx context.Context) error {
	all := campaigns(l.book.Zone, l.now)
	amounts, err := firstAmounts(all[0].gifts)
	if err != nil {
		return err
	}
	return l.give(ctx, all[0], amounts, all[0].OpensAt, time.Date(2025, 9, 16, 0, 0, 0, 0, l.book.Zone))
}

// runningGifts spreads gifts over the life of the other campaigns, up to now.
func (l *loader) runningGifts(ctx context.Context) error {
	for i, c := range campaigns(l.book.Zone, l.now)[1:] {
		r := rand.New(rand.NewPCG(2026, uint64(i)))
		amounts := make([]int64, c.gifts)
		for j := range amounts {
			amounts[j] = draw(r)
		}
		until := c.ClosesAt
		if l.now.Before(until) {
			until = l.now
		}
		if err := l.give(ctx, c, amounts, c.OpensAt, until); err != nil {
			return err
		}
	}
	return nil
}

// give sends each gift the way a donor's does: a form, a checkout, a payment that the processor reports.
func (l *loader) give(ctx context.Context, c demoCampaign, amounts []int64, from, until time.Time) error {
	r := rand.New(rand.NewPCG(7, uint64(len(amounts))))
	gap := until.Sub(from) / time.Duration(len(amounts)+1)
	var started []uuid.UUID
	for i, amount := range amounts {
		at := from.Add(gap*time.Duration(i+1) + time.Duration(r.Int64N(int64(gap)/2)))
		if !at.Before(until) {
			at = until.Add(-time.Second)
		}
		form := l.form(r, key("%s %d", c.Slug, i), c.Slug, amount)
		id, err := l.start(ctx, form, c.Title(form.Lang), at)
		if err != nil {
			return fmt.Errorf("gift %d to %s: %w", i+1, c.Slug, err)
		}
		started = append(started, id)
	}
	return l.settle(ctx, started)
}

// form is what a donor sends: four in ten stay unnamed, one in five writes something.
func (l *loader) form(r *rand.Rand, id uuid.UUID, campaign string, amount int64) giving.Form {
	form := giving.Form{FormID: id, CampaignID: l.camps[campaign].ID, Amount: money.Format(amount, "CNY"), Currency: "CNY", Lang: "zh-CN", Channel: giving.Sandbox, Anonymous: r.IntN(10) < 4}
	if !form.Anonymous {
		form.Name = surnames[r.IntN(len(surnames))] + []string{"女士", "先生"}[r.IntN(2)]
	}
	if r.IntN(5) == 0 {
		form.Message = messages[r.IntN(len(messages))]
	}
	return form
}

// start does what the donor does: sends the form and pays at the sandbox.
func (l *loader) start(ctx context.Context, form giving.Form, title string, at time.Time) (gift uuid.UUID, err error) {
	err = pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		checkout, err := giving.Begin(ctx, tx, l.book, form, at)
		if err != nil {
			return err
		}
		gift = checkout.ID
		session, err := payments.OpenSession(ctx, tx, l.book, checkout, title, "/", at)
		if err != nil {
			return err
		}
		_, err = payments.Decide(ctx, tx, l.book, session.ID, payments.Decision{Result: payments.Success}, at)
		return err
	})
	return gift, err
}

// settle has the events delivered and booked, and waits until every gift stands on the books.
func (l *loader) settle(ctx context.Context, gifts []uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for len(gifts) > 0 {
		if _, err := l.mail.Deliver(ctx); err != nil {
			return err
		}
		if _, err := l.mail.Work(ctx); err != nil {
			return err
		}
		for len(gifts) > 0 {
			_, err := giving.GiftByID(ctx, l.db, l.book, gifts[0])
			if errors.Is(err, giving.ErrNoGift) {
				break
			}
			if err != nil {
				return err
			}
			gifts = gifts[1:]
		}
	}
	return nil
}
