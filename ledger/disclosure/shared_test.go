package disclosure_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/trace"
)

// minor reads a published amount; an empty one is nothing.
func minor(t *testing.T, text string) int64 {
	t.Helper()
	if text == "" {
		return 0
	}
	sum, err := money.Parse(text, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// follows lays all that is booked on the lines of money; what other tests have under way in their databases holds it up.
func (w *world) follows() {
	w.t.Helper()
	for behind := true; behind; {
		w.tx(func(tx pgx.Tx) error {
			if _, err := trace.Follow(w.ctx, tx, w.book); err != nil {
				return err
			}
			return tx.QueryRow(w.ctx, `select exists (select from entry e left join trace_cursor c on c.book_id = e.book_id
				where e.book_id = $1 and (c.book_id is null or (e.xid, e.id) > (c.xid, c.entry_id)))`, w.book.ID).Scan(&behind)
		})
	}
}

// sharing is a world with a second campaign in the same fund, which bears its fees.
func sharing(t *testing.T) (w *world, second *giving.Campaign) {
	w = newWorld(t)
	w.unsettled = true
	w.tx(func(tx pgx.Tx) (err error) {
		if _, err = tx.Exec(w.ctx, `update fund set fee_bearer = 'fund' where fund_id = $1`, w.fund.ID); err != nil {
			return err
		}
		c := w.asks("two-days")
		c.TitleZH, c.TitleEN = "慈善二日捐", "Two days' gift"
		second, err = giving.CreateCampaign(w.ctx, tx, w.book, c)
		return err
	})
	return w, second
}

// gives books a gift to a campaign over the sandbox's processor.
func (w *world) gives(c *giving.Campaign, amount, fee int64) (gift uuid.UUID) {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.Book(w.ctx, tx, w.book, []giving.Paid{{CampaignID: c.ID, Amount: amount, Fee: fee, Currency: "CNY", Channel: giving.Sandbox, Ref: uuid.NewString(), PaidAt: time.Date(2023, 9, 10, 9, 0, 0, 0, w.now.Location())}})
		if err == nil {
			err = out[0].Err
		}
		gift = out[0].ID
		return err
	})
	return gift
}

func (w *world) refunds(gift uuid.UUID, amount int64) {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.BookRefunds(w.ctx, tx, w.book, []giving.Refunded{{GiftID: gift, Amount: amount, Currency: "CNY", Ref: uuid.NewString(), Channel: giving.Sandbox, RefundedAt: time.Date(2023, 10, 1, 9, 0, 0, 0, w.now.Location())}})
		if err == nil {
			err = out[0].Err
		}
		return err
	})
}

// divided drafts the campaigns of the fund and holds them to each other, to the fund's division and to what its accounts of money have.
func (w *world) divided(campaigns ...*giving.Campaign) (drafts []*disclosure.Draft) {
	w.t.Helper()
	w.follows()
	var all []disclosure.Share
	for _, c := range campaigns {
		d := w.draft(fmt.Sprintf("campaign:%d", c.ID))
		drafts, all = append(drafts, d), d.Shares
		in, out := minor(w.t, d.IncomeTotal)+minor(w.t, d.Moved)+minor(w.t, d.Adjusted), minor(w.t, d.Refunded)+minor(w.t, d.Fees)+minor(w.t, d.CostTotal)
		if left := minor(w.t, d.Closing); in-out != left || d.Basis != disclosure.ByPayment {
			w.t.Errorf("%s: %d in, %d out, %d left, counted by %q", d.TitleZH, in, out, left, d.Basis)
		}
		var costs int64
		for _, line := range d.Costs {
			costs += minor(w.t, line.Amount)
		}
		if costs != d.Spent || d.WithCosts(d.CostsText(), "") != nil {
			w.t.Errorf("%s: lines of %d, %d spent:\n%s", d.TitleZH, costs, d.Spent, d.CostsText())
		}
		for _, s := range d.Shares {
			if s.Campaign == c.ID && (s.Left != minor(w.t, d.Closing) || s.Cost != d.Spent || s.TitleZH != d.TitleZH) {
				w.t.Errorf("%s publishes %s of cost and %s left, its share is %+v", d.TitleZH, d.CostTotal, d.Closing, s)
			}
		}
	}
	fund := disclosure.Fund(all)
	if fund.In-fund.Back-fund.Fees-fund.Cost+fund.Moved != fund.Left {
		w.t.Errorf("the fund's shares do not add up: %+v", fund)
	}
	positions, err := ledger.Positions(w.ctx, w.db, w.book, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range positions {
		if p.Fund.ID == w.fund.ID && p.NetAssets != fund.Left { // nothing is owed in these tests
			w.t.Errorf("the shares leave %d, the fund has %d: %+v", fund.Left, p.NetAssets, all)
		}
	}
	return drafts
}

// Two campaigns in one fund: what each publishes as spent follows from the books, to the fen. The oldest money pays first, a gift that is given back
// leaves with its own money, and fee, levy and transfer are told apart. What somebody types must add up to it, and says why.
func TestSharedFund(t *testing.T) {
	w, second := sharing(t)
	first := w.campaign
	w.gives(first, 300_00, 0)
	gift := w.gives(second, 500_00, 0)
	w.gives(first, 200_00, 2_00)
	w.booked(ledger.KindVoucher, ledger.Day(2023, 9, 20), "program.r", "", 400_00) // 300 of the first, 100 of the second; the fee took 2 of the first
	w.refunds(gift, 50_00)                                                         // of the second's own
	w.booked(ledger.KindTransfer, ledger.Day(2023, 10, 1), "transfer", "", 100_00, w.across("transfer", "", 100_00)...)
	w.booked(ledger.KindLevy, ledger.Day(2023, 10, 2), "gift.r", "levy", 30_00, w.across("gift.u", "levy", 30_00)...)
	w.booked(ledger.KindInterest, ledger.Day(2023, 10, 3), "other.inc.r", "", -7_00) // of no campaign
	drafts := w.divided(first, second)
	got := ""
	for _, d := range drafts {
		got += fmt.Sprintf("in %s back %s fees %s cost %s moved %s left %s; ", d.IncomeTotal, d.Refunded, d.Fees, d.CostTotal, d.Moved, d.Closing)
	}
	if want := "in 500.00 back 0.00 fees 2.00 cost 298.00 moved  left 200.00; in 500.00 back 50.00 fees 0.00 cost 102.00 moved -130.00 left 218.00; "; got != want {
		t.Errorf("drafts:\n%s\nwant\n%s", got, want)
	}
	if all := drafts[0].Shares; len(all) != 3 || all[2].Campaign != 0 || all[2].In != 7_00 || all[2].Left != 7_00 {
		t.Errorf("what is no campaign's: %+v", all)
	}
	d := drafts[1]
	if len(d.Costs) != 1 || d.Costs[0].Content != "凭证" || d.Costs[0].Amount != "102.00" {
		t.Errorf("lines %+v", d.Costs)
	}
	if err := d.WithCosts("助困 | 棉被 | 2 | 60.00 |", "x"); !errors.Is(err, disclosure.ErrCosts) {
		t.Errorf("more than its money paid: %v", err)
	}
	if err := d.WithCosts("助困 | 棉被 | 1 | 50.00 |", "x"); !errors.Is(err, disclosure.ErrCosts) {
		t.Errorf("less than its money paid: %v", err)
	}
	if err := d.WithCosts("助困 | 棉被 | 2 | 51.00 |", " "); !errors.Is(err, disclosure.ErrUnsaid) {
		t.Errorf("written otherwise, and nobody says why: %v", err)
	}
	if err := d.WithCosts("助困 | 棉被 | 2 | 51.00 |", "按物资清单分列"); err != nil || d.Edited != "按物资清单分列" || d.CostTotal != "102.00" {
		t.Errorf("%v: %+v", err, d.Figures)
	}
	e, err := w.publish(d, disclosure.Version{Phase: disclosure.Last})
	if err != nil {
		t.Fatal(err)
	}
	w.booked(ledger.KindVoucher, ledger.Day(2024, 2, 1), "program.r", "", 150_00)
	w.divided(first, second)
	if e, err = disclosure.ByID(w.ctx, w.db, w.book, e.ID); err != nil || e.Newest().Figures.CostTotal != "102.00" || e.Newest().Figures.Edited == "" || e.Newest().Figures.Basis != disclosure.ByPayment {
		t.Errorf("what was published moved with the books: %+v, %v", e, err)
	}
}

// Whatever happens in a fund of two campaigns, their drafts and its other money are the fund, to the fen.
func TestSharedFundAddsUp(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, second := sharing(t)
			r := rand.New(rand.NewPCG(seed, 22))
			both := []*giving.Campaign{w.campaign, second}
			type given struct {
				id   uuid.UUID
				left int64
			}
			var gifts []given
			give := func() {
				amount := 100_00 + r.Int64N(900_00)
				gifts = append(gifts, given{w.gives(both[r.IntN(2)], amount, r.Int64N(6_00)), amount / 2})
			}
			day := func() time.Time { return ledger.Day(2023, time.Month(9+r.IntN(4)), 1+r.IntN(28)) }
			for range 6 {
				give()
			}
			one := func(kind ledger.Kind, id chart.ID) func(int64) {
				return func(amount int64) { w.booked(kind, day(), id, "", amount) }
			}
			steps := []func(amount int64){
				func(int64) { give() },
				func(int64) { give() },
				func(amount int64) {
					g := &gifts[r.IntN(len(gifts))]
					if amount = min(amount, g.left); amount > 0 {
						w.refunds(g.id, amount)
						g.left -= amount
					}
				},
				one(ledger.KindVoucher, "program.r"), one(ledger.KindVoucher, "program.r"), one(ledger.KindVoucher, "fundraising.r"),
				func(amount int64) { one(ledger.KindInterest, "other.inc.r")(-amount) },
				func(amount int64) { one(ledger.KindVoucher, "na.r")(-amount) },
				func(amount int64) {
					w.booked(ledger.KindTransfer, day(), "transfer", "", amount, w.across("transfer", "", amount)...)
				},
				func(amount int64) {
					w.booked(ledger.KindTransfer, day(), "transfer", "", -amount, w.across("transfer", "", -amount)...)
				},
				func(amount int64) {
					w.booked(ledger.KindLevy, day(), "gift.r", "levy", amount, w.across("gift.u", "levy", amount)...)
				},
			}
			w.tx(func(tx pgx.Tx) error { // what the general fund can move
				_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindOpening, EffectiveOn: ledger.Day(2023, 1, 1), Actor: w.who, Document: &ledger.Document{Summary: "期初", SourceKind: "voucher", MadeBy: "甲", CheckedBy: "乙"},
					Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "bank.online", Fund: w.general.ID}, 5_000_00), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: w.general.ID}, 5_000_00)}})
				return err
			})
			for i := range 3 * len(steps) {
				steps[(i+r.IntN(4))%len(steps)](1 + r.Int64N(40_00))
				if i%11 == 0 {
					w.divided(both...)
				}
			}
			w.divided(both...)
		})
	}
}

// A line of money that was changed behind the books' back stops the draft.
func TestSharedFundThatDiffers(t *testing.T) {
	w, second := sharing(t)
	w.gives(second, 500_00, 0)
	w.booked(ledger.KindVoucher, ledger.Day(2023, 9, 20), "program.r", "", 100_00)
	w.divided(w.campaign, second)
	object := fmt.Sprintf("campaign:%d", second.ID)
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update trace_piece set until = until + 1 where book_id = $1 and out_entry is null`, w.book.ID)
		return err
	})
	if _, err := disclosure.Make(w.ctx, w.db, w.book, object, w.now); !errors.Is(err, disclosure.ErrDiffers) {
		t.Errorf("a campaign whose money does not add up: %v", err)
	}
}

// What is given in kind belongs to the campaign of its lot: what was used is cost, what is still there is left, and money is counted beside it.
func TestSharedFundWithGoods(t *testing.T) {
	w, second := sharing(t)
	w.gives(w.campaign, 100_00, 0)
	id := uuid.New()
	steps := func(plan func(tx pgx.Tx) (*giving.Move, error)) {
		t.Helper()
		w.tx(func(tx pgx.Tx) error {
			m, err := plan(tx)
			if err == nil {
				_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.who, Second: uuid.New(), Made: "甲", Check: "乙", At: w.now})
			}
			return err
		})
	}
	lot := func(tx pgx.Tx) *giving.Lot {
		l, err := giving.LotByID(w.ctx, tx, w.book, id)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	day := ledger.Day(2023, 9, 12)
	steps(func(tx pgx.Tx) (*giving.Move, error) {
		return giving.ReceiveLot(w.ctx, tx, w.book, giving.Lot{ID: id, Kind: "goods", Title: "大米|五十袋", Unit: "袋", Pieces: 50, CampaignID: second.ID, ReceivedOn: day}, "", w.now)
	})
	steps(func(tx pgx.Tx) (*giving.Move, error) {
		return giving.ValueLot(w.ctx, tx, w.book, lot(tx), "document", "发票 FP-7", 5_000_00, day)
	})
	steps(func(tx pgx.Tx) (*giving.Move, error) {
		return giving.UseLot(w.ctx, tx, w.book, lot(tx), 20, "发给困难家庭", day)
	})
	w.gives(second, 300_00, 0)
	w.follows()
	d := w.draft(fmt.Sprintf("campaign:%d", second.ID))
	if d.IncomeTotal != "5300.00" || d.CostTotal != "2000.00" || d.Closing != "3300.00" || len(d.Costs) != 1 || d.Costs[0].Category != disclosure.OfGoods || d.Costs[0].Content != "大米/五十袋" {
		t.Errorf("%+v", d.Figures)
	}
	if err := d.WithCosts(d.CostsText(), ""); err != nil || d.Edited != "" {
		t.Errorf("the draft's own lines: %v", err)
	}
	if first := w.draft(fmt.Sprintf("campaign:%d", w.campaign.ID)); first.Closing != "100.00" || first.CostTotal != "0.00" {
		t.Errorf("the other campaign: %+v", first.Figures)
	}
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update lot set left_value = left_value - 1 where book_id = $1`, w.book.ID)
		return err
	})
	if _, err := disclosure.Make(w.ctx, w.db, w.book, d.Object, w.now); !errors.Is(err, disclosure.ErrDiffers) {
		t.Errorf("a lot that is not what the books have: %v", err)
	}
}
