package disclosure_test

import (
	"context"
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
)

// booked posts an entry of the campaign's fund: lines say account, nature and amount, debit positive; the other side is the fund's bank, or the general
// fund where other says so.
func (w *world) booked(kind ledger.Kind, day time.Time, id chart.ID, nature string, amount int64, other ...ledger.Line) {
	w.t.Helper()
	lines := []ledger.Line{{Leaf: ledger.Leaf{Chart: id, Fund: w.fund.ID, Dims: ledger.Dims{Nature: nature}}, Amount: amount}}
	if other == nil {
		other = []ledger.Line{{Leaf: w.money(), Amount: -amount}}
	}
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: kind, EffectiveOn: day, Actor: w.who, Document: &ledger.Document{Summary: "凭证", SourceKind: "voucher", MadeBy: "甲", CheckedBy: "乙"}, Lines: append(lines, other...)})
		return err
	})
}

// money is where the fund has its money: at the bank or, where the test says so, still at the processor.
func (w *world) money() ledger.Leaf {
	if w.unsettled {
		return ledger.Leaf{Chart: "psp.avail", Fund: w.fund.ID, Dims: ledger.Dims{Instrument: "sandbox"}}
	}
	return ledger.Leaf{Chart: "bank.online", Fund: w.fund.ID}
}

// across is the other fund's side of what moves between the two, money included.
func (w *world) across(id chart.ID, nature string, amount int64) []ledger.Line {
	leaf := func(chartID chart.ID, fund int32, nature string, amount int64) ledger.Line {
		return ledger.Line{Leaf: ledger.Leaf{Chart: chartID, Fund: fund, Dims: ledger.Dims{Nature: nature}}, Amount: amount}
	}
	return []ledger.Line{leaf(id, w.general.ID, nature, -amount), {Leaf: w.money(), Amount: -amount}, leaf("bank.online", w.general.ID, "", amount)}
}

// What is published of a campaign with a fund of its own is what the books have: gifts are those of the list less what was given back, closing is what the
// fund has, whatever it earned, lost, was levied or moved on, and the year's end changes nothing.
func TestCampaignIsItsFund(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			w.tx(func(tx pgx.Tx) error {
				_, err := tx.Exec(w.ctx, `update fund set fee_bearer = 'fund' where fund_id = $1`, w.fund.ID)
				return err
			})
			r := rand.New(rand.NewPCG(seed, 9))
			var gifts []giving.Outcome
			give := func(n int) {
				w.tx(func(tx pgx.Tx) error {
					var list []giving.Paid
					for range n {
						one := giving.Paid{CampaignID: w.campaign.ID, Amount: 100_00 + r.Int64N(1_000_00), Currency: "CNY", Channel: []giving.Channel{giving.Sandbox, giving.Bank}[r.IntN(2)], Ref: uuid.NewString(),
							PaidAt: time.Date(2023, 9, 10, 9, 0, 0, 0, w.now.Location())}
						if one.Channel == giving.Sandbox {
							one.Fee = r.Int64N(9_00)
						}
						list = append(list, one)
					}
					out, err := giving.Book(w.ctx, tx, w.book, list)
					gifts = append(gifts, out...)
					return err
				})
			}
			give(8)
			w.booked(ledger.KindVoucher, ledger.Day(2023, 9, 11), "bank.online", "", 2_000_00, ledger.Line{Leaf: ledger.Leaf{Chart: "na.r", Fund: w.fund.ID}, Amount: -2_000_00})
			w.holds(gifts)
			steps := []func(day time.Time, amount int64){
				func(time.Time, int64) { give(1) },
				func(_ time.Time, amount int64) {
					w.tx(func(tx pgx.Tx) error { // the second refund of one gift may be too large, and is refused
						_, err := giving.BookRefunds(w.ctx, tx, w.book, []giving.Refunded{{GiftID: gifts[r.IntN(len(gifts))].ID, Amount: amount, Currency: "CNY", Ref: uuid.NewString(), Channel: giving.Sandbox, RefundedAt: time.Date(2023, 10, 1, 9, 0, 0, 0, w.now.Location())}})
						return err
					})
				},
				func(day time.Time, amount int64) { w.booked(ledger.KindVoucher, day, "program.r", "", amount) },
				func(day time.Time, amount int64) { w.booked(ledger.KindVoucher, day, "impair.r", "", amount) },
				func(day time.Time, amount int64) { w.booked(ledger.KindInterest, day, "other.inc.r", "", -amount) },
				func(day time.Time, amount int64) { w.booked(ledger.KindVoucher, day, "fundraising.r", "", amount) },
				func(day time.Time, amount int64) { w.booked(ledger.KindVoucher, day, "gift.r", "", -amount) }, // of no campaign
				func(day time.Time, amount int64) {
					w.booked(ledger.KindLevy, day, "gift.r", "levy", amount, w.across("gift.u", "levy", amount)...)
				},
				func(day time.Time, amount int64) {
					w.booked(ledger.KindLevy, day, "na.r", "", amount, w.across("na.u", "", amount)...)
				},
				func(day time.Time, amount int64) {
					w.booked(ledger.KindTransfer, day, "transfer", "", amount, w.across("transfer", "", amount)...)
				},
			}
			for i := range 2 * len(steps) {
				steps[(i+r.IntN(3))%len(steps)](ledger.Day(2023, time.Month(10+i%3), 5), 1+r.Int64N(90_00))
			}
			w.holds(gifts)
			before := w.draft(fmt.Sprintf("campaign:%d", w.campaign.ID))
			w.tx(func(tx pgx.Tx) error {
				entries, err := ledger.YearEnd(w.ctx, tx, w.book, 2023, ledger.Day(2024, 1, 5))
				if err == nil {
					_, err = ledger.PostYear(w.ctx, tx, w.book, 2023, entries, uuid.New(), w.who, ledger.Document{Summary: "年终结转", MadeBy: "甲", CheckedBy: "乙"})
				}
				return err
			})
			after := w.draft(before.Object)
			after.Position = before.Position
			if fmt.Sprint(before.Figures) != fmt.Sprint(after.Figures) {
				t.Errorf("the year's end changed what is published:\n%+v\n%+v", before.Figures, after.Figures)
			}
			w.holds(gifts)
		})
	}
}

// Closing of a campaign with a fund of its own is what the fund has and not what is left over: figures that do not lead there are not published.
func TestCampaignThatDiffers(t *testing.T) {
	for name, sql := range map[string]string{
		"its gifts":           `update turnover t set credit = credit + 100 from account a where a.book_id = t.book_id and a.account_id = t.account_id and a.chart = 'gift.r'`,
		"what the fund has":   `update balance b set balance = balance + 1 from account a where a.book_id = b.book_id and a.account_id = b.account_id and a.chart = 'bank.online'`,
		"what it spent":       `update balance b set balance = balance + 1 from account a where a.book_id = b.book_id and a.account_id = b.account_id and a.chart = 'program.r'`,
		"straight net assets": `update balance b set balance = balance - 1 from account a where a.book_id = b.book_id and a.account_id = b.account_id and a.chart = 'na.r'`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			object := w.wuxi()
			w.booked(ledger.KindVoucher, ledger.Day(2023, 9, 11), "na.r", "", -5_00)
			if d := w.draft(object); d.Adjusted != "5.00" || d.Closing != "1683005.00" {
				t.Errorf("put right %s, closing %s", d.Adjusted, d.Closing)
			}
			w.tx(func(tx pgx.Tx) error {
				_, err := tx.Exec(w.ctx, sql)
				return err
			})
			if _, err := disclosure.Make(w.ctx, w.db, w.book, object, w.now); !errors.Is(err, disclosure.ErrDiffers) {
				t.Errorf("figures that do not lead to what the fund has: %v", err)
			}
		})
	}
}

const sqlGiven = `
select coalesce(sum(g.amount - coalesce((select sum(r.amount) from refund r where r.book_id = g.book_id and r.gift_id = g.id), 0)), 0)::int8 from gift g where g.book_id = $1 and g.campaign_id = $2`

// holds compares the campaign's draft with its gifts and with what the fund has.
func (w *world) holds(gifts []giving.Outcome) {
	w.t.Helper()
	d := w.draft(fmt.Sprintf("campaign:%d", w.campaign.ID))
	sum := func(text string) int64 { return minor(w.t, text) }
	var given, fourLines int64
	if err := w.db.QueryRow(w.ctx, sqlGiven, w.book.ID, w.campaign.ID).Scan(&given); err != nil {
		w.t.Fatal(err)
	}
	var costs int64
	for _, line := range d.Income {
		if line.Kind != disclosure.OfOther {
			fourLines += sum(line.Amount)
		}
	}
	for _, c := range d.Costs {
		costs += sum(c.Amount)
	}
	if fourLines-sum(d.Refunded) != given || d.Gifts != int64(len(gifts)) {
		w.t.Errorf("published gifts of %d less %s in %d, the list has %d in %d", fourLines, d.Refunded, d.Gifts, given, len(gifts))
	}
	if costs != sum(d.CostTotal) || costs != d.Spent {
		w.t.Errorf("lines of %d, a total of %s, %d in the books", costs, d.CostTotal, d.Spent)
	}
	if c := sum(d.Opening) + sum(d.IncomeTotal) - sum(d.Refunded) - sum(d.Fees) - sum(d.CostTotal) + sum(d.Moved) + sum(d.Adjusted); c != sum(d.Closing) || sum(d.Adjusted) != 2_000_00 {
		w.t.Errorf("the lines come to %d, closing is %s; %s straight in net assets", c, d.Closing, d.Adjusted)
	}
	positions, err := ledger.Positions(context.Background(), w.db, w.book, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range positions {
		if p.Fund.ID == w.fund.ID && p.NetAssets != sum(d.Closing) {
			w.t.Errorf("closing is %s, the fund has %d", d.Closing, p.NetAssets)
		}
	}
}
