package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// desk is an accountant's desk for the examples: a book with a general fund and a restricted one.
type desk struct {
	testing.TB // only what pgtest calls is answered
	cleanups   []func()

	ctx      context.Context
	db       *pgtest.DB
	book     *ledger.Book
	general  *ledger.Fund
	sunshine *ledger.Fund // restricted
}

func (*desk) Helper()             {}
func (d *desk) Cleanup(fn func()) { d.cleanups = append(d.cleanups, fn) }
func (*desk) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
func (*desk) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*desk) Error(args ...any)                 { fmt.Println(args...) }

func (d *desk) close() {
	for i := range d.cleanups {
		d.cleanups[len(d.cleanups)-1-i]()
	}
}

func (d *desk) tx(fn func(tx pgx.Tx) error) {
	if err := pg.InTx(d.ctx, d.db.Service, fn); err != nil {
		fmt.Println("error:", err)
	}
}

func open() *desk {
	d := &desk{ctx: context.Background()}
	d.db = pgtest.New(d)
	d.tx(func(tx pgx.Tx) (err error) {
		d.book, err = ledger.CreateBook(d.ctx, tx, ledger.Book{Code: "desk", NameZH: "慈善会", NameEN: "Association",
			Regime: chart.CN2026, Currency: "CNY", Zone: time.FixedZone("UTC", 0)})
		if err != nil {
			return err
		}
		d.general, err = ledger.CreateFund(d.ctx, tx, d.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "非限定基金", NameEN: "General fund"})
		if err != nil {
			return err
		}
		d.sunshine, err = ledger.CreateFund(d.ctx, tx, d.book, ledger.Fund{Code: "SUN", Kind: ledger.Restricted, NameZH: "阳光相伴", NameEN: "Sunshine"})
		return err
	})
	return d
}

// post books an entry of two lines and says what became of it.
func (d *desk) post(on time.Time, debit, credit chart.ID, fund *ledger.Fund, fen int64) ledger.Result {
	var r ledger.Result
	d.tx(func(tx pgx.Tx) (err error) {
		r, err = ledger.PostOne(d.ctx, tx, d.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: on, Actor: actor, Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: debit, Fund: fund.ID}, fen),
			ledger.Credit(ledger.Leaf{Chart: credit, Fund: fund.ID}, fen),
		}})
		return err
	})
	return r
}

func (d *desk) bank() int32 {
	a, err := ledger.AccountByLeaf(d.ctx, d.db.Service, d.book, ledger.Leaf{Chart: "bank.basic", Fund: d.sunshine.ID})
	if err != nil {
		fmt.Println("error:", err)
	}
	return a.ID
}

// A batch: the good ones are booked, each bad one says why it was not.
func ExamplePost() {
	d := open()
	defer d.close()
	bank := ledger.Leaf{Chart: "bank.basic", Fund: d.sunshine.ID}
	gifts := ledger.Leaf{Chart: "gift.r", Fund: d.sunshine.ID}
	key := uuid.New() // the same key and body: the same answer, booked once
	gift := ledger.Entry{Key: key, Kind: ledger.KindGift, EffectiveOn: day, Actor: actor,
		Lines: []ledger.Line{ledger.Debit(bank, 50_00), ledger.Credit(gifts, 50_00)}}
	wrong := gift
	wrong.Key, wrong.Lines = uuid.New(), []ledger.Line{ledger.Debit(bank, 50_00), ledger.Credit(gifts, 5_00)}
	d.tx(func(tx pgx.Tx) error {
		results, err := ledger.Post(d.ctx, tx, d.book, []ledger.Entry{gift, wrong, gift})
		for _, r := range results {
			fmt.Println(r.Replayed, errors.Is(r.Err, ledger.ErrUnbalanced))
		}
		return err
	})
	// Output:
	// false false
	// false true
	// true false
}

func ExamplePostOne() {
	d := open()
	defer d.close()
	d.post(day, "bank.basic", "gift.r", d.sunshine, 100_00)
	d.tx(func(tx pgx.Tx) error {
		_, err := ledger.PostOne(d.ctx, tx, d.book, ledger.Entry{Kind: ledger.KindPayment, EffectiveOn: day, Actor: actor, Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "program.r", Fund: d.sunshine.ID}, 130_00),
			ledger.Credit(ledger.Leaf{Chart: "pay.transit", Fund: d.sunshine.ID}, 130_00),
		}})
		var short *ledger.ShortError
		if errors.As(err, &short) {
			fmt.Println("available:", short.Available, "needed:", short.Needed)
		}
		return nil
	})
	// Output: available: 10000 needed: 13000
}

func ExampleReverse() {
	d := open()
	defer d.close()
	wrong := d.post(day, "bank.basic", "gift.r", d.sunshine, 500_00)
	d.tx(func(tx pgx.Tx) error {
		r, err := ledger.Reverse(d.ctx, tx, d.book, wrong.ID, uuid.New(), day, actor,
			ledger.Document{Summary: "冲销误记的捐赠", SourceKind: "reversal", Reason: "金额写错", MadeBy: "张三"})
		if err != nil {
			return err
		}
		mirror, err := ledger.ReadEntry(d.ctx, tx, d.book, r.ID)
		if err != nil {
			return err
		}
		for _, p := range mirror.Postings {
			fmt.Println(p.Chart().Name("en"), p.Amount, "then", p.BalanceAfter)
		}
		return nil
	})
	// Output:
	// Bank, basic account -50000 then 0
	// Gifts, restricted 50000 then 0
}

// An entry that belongs to an earlier day changes the balances of that day and all days after.
func ExampleBalanceOn() {
	d := open()
	defer d.close()
	d.post(ledger.Day(2026, 3, 9), "bank.basic", "gift.r", d.sunshine, 500_00)
	d.post(ledger.Day(2026, 3, 2), "bank.basic", "gift.r", d.sunshine, 20_00)
	for _, on := range []int{1, 2, 9} {
		balance, err := ledger.BalanceOn(d.ctx, d.db.Service, d.book, d.bank(), ledger.Day(2026, 3, on))
		fmt.Println(on, balance, err)
	}
	// Output:
	// 1 0 <nil>
	// 2 2000 <nil>
	// 9 52000 <nil>
}

func ExampleTurnoverBetween() {
	d := open()
	defer d.close()
	d.post(ledger.Day(2026, 3, 2), "bank.basic", "gift.r", d.sunshine, 500_00)
	d.post(ledger.Day(2026, 3, 9), "program.r", "bank.basic", d.sunshine, 120_00)
	moved, err := ledger.TurnoverBetween(d.ctx, d.db.Service, d.book, d.bank(), ledger.Day(2026, 3, 1), ledger.Day(2026, 3, 31))
	fmt.Println(moved.Debit, moved.Credit, err)
	// Output: 50000 12000 <nil>
}

func ExampleTrialBalance() {
	d := open()
	defer d.close()
	d.post(ledger.Day(2026, 2, 28), "bank.basic", "gift.r", d.sunshine, 500_00)
	d.post(ledger.Day(2026, 3, 9), "program.r", "bank.basic", d.sunshine, 120_00)
	rows, err := ledger.TrialBalance(d.ctx, d.db.Service, d.book, ledger.Day(2026, 3, 1), ledger.Day(2026, 3, 31), 0, false)
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range rows {
		fmt.Println(r.Chart.Code2026, r.Opening, r.Debit, r.Credit, r.Closing)
	}
	// Output:
	// 1002.01 50000 0 12000 38000
	// 4101.02 -50000 0 0 -50000
	// 5101.02 0 12000 0 12000
}

// What a fund may spend is less than what it has: a signed contract holds its share.
func ExamplePositions() {
	d := open()
	defer d.close()
	d.post(day, "bank.basic", "gift.r", d.sunshine, 500_00)
	d.post(day, "enc", "enc.contra", d.sunshine, 120_00)
	positions, err := ledger.Positions(d.ctx, d.db.Service, d.book, time.Time{})
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range positions {
		fmt.Println(p.Fund.Name("en"), p.NetAssets, p.Cash, p.Committed, p.Available)
	}
	// Output:
	// General fund 0 0 0 0
	// Sunshine 50000 50000 12000 38000
}

func ExampleStatement() {
	d := open()
	defer d.close()
	d.post(ledger.Day(2026, 3, 9), "bank.basic", "gift.r", d.sunshine, 500_00)
	d.post(ledger.Day(2026, 3, 2), "bank.basic", "gift.r", d.sunshine, 20_00)
	page, err := ledger.Statement(d.ctx, d.db.Service, d.book, d.bank(), ledger.Day(2026, 3, 1), ledger.Day(2026, 3, 31), "", 50)
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range page.Rows {
		fmt.Println(r.EffectiveOn.Format(time.DateOnly), r.Amount, r.Balance)
	}
	fmt.Println(page.Opening, page.Debit, page.Credit, page.Closing)
	// Output:
	// 2026-03-02 2000 2000
	// 2026-03-09 50000 52000
	// 0 52000 0 52000
}

func ExampleJournal() {
	d := open()
	defer d.close()
	for _, fen := range []int64{100, 200, 300} {
		d.post(day, "bank.basic", "gift.r", d.sunshine, fen)
	}
	f := ledger.JournalFilter{Fund: d.sunshine.ID, Limit: 2}
	for {
		page, err := ledger.Journal(d.ctx, d.db.Service, d.book, f)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range page.Entries {
			fmt.Print(e.Amount, " ")
		}
		if f.After = page.Next; f.After == "" {
			break
		}
		fmt.Print("| ")
	}
	// Output: 300 200 | 100
}

func ExampleVerify() {
	d := open()
	defer d.close()
	d.post(day, "bank.basic", "gift.r", d.sunshine, 500_00)
	show := func() {
		checks, err := ledger.Verify(d.ctx, d.db.Service, d.book)
		if err != nil {
			fmt.Println(err)
		}
		for _, c := range checks {
			for _, row := range c.Differs {
				fmt.Println(c.Code+":", row)
			}
		}
		fmt.Println("clean:", ledger.Clean(checks))
	}
	show()
	if _, err := d.db.Pool.Exec(d.ctx, `update balance set balance = balance + 1 where account_id = $1`, d.bank()); err != nil {
		fmt.Println(err)
	}
	show()
	// Output:
	// clean: true
	// balance: account 1: balance 50001, postings give 50000; seq 1, postings 1 up to 1; debits 1, postings give 1
	// clean: false
}

func ExampleFund_Class() {
	sunshine, general := ledger.Fund{Kind: ledger.Restricted}, ledger.Fund{Kind: ledger.General}
	fmt.Println(sunshine.Class("gift"), general.Class("gift"))
	// Output: gift.r gift.u
}

// The business day is that of the book's time zone: 17:00 UTC is one o'clock of the next day in Shanghai.
func ExampleBook_Day() {
	book := ledger.Book{Zone: time.FixedZone("Shanghai", 8*3600)}
	fmt.Println(book.Day(time.Date(2026, 9, 7, 17, 0, 0, 0, time.UTC)).Format(time.DateOnly))
	// Output: 2026-09-08
}
