package payments_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// desk is a book with a general and a restricted fund, a campaign of each, and three people.
type desk struct {
	*world
	g, r    *ledger.Fund
	toG     *giving.Campaign
	toR     *giving.Campaign
	today   time.Time
	a, b, c uuid.UUID
	steps   int // so far; each is a second after the one before
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{world: newBook(t), today: ledger.Day(2026, 9, 8), a: uuid.New(), b: uuid.New(), c: uuid.New()}
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if d.g, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
			return err
		}
		if d.r, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "阳", NameEN: "Sun"}); err != nil {
			return err
		}
		for fund, to := range map[*ledger.Fund]**giving.Campaign{d.g: &d.toG, d.r: &d.toR} {
			*to, err = giving.CreateCampaign(ctx, tx, d.book, giving.Campaign{FundID: fund.ID, Slug: map[string]string{"G": "any", "R": "sun"}[fund.Code], TitleZH: "题", TitleEN: "Title",
				SummaryZH: "要", SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: testStart.AddDate(0, 0, -1), ClosesAt: testStart.AddDate(0, 0, 9)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

// do plans a move and carries it out, by one person, under a key of its own.
func (d *desk) do(by uuid.UUID, plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) (entry uuid.UUID, err error) {
	d.t.Helper()
	return d.keyed(uuid.New(), by, plan)
}

func (d *desk) keyed(key, by uuid.UUID, plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) (entry uuid.UUID, err error) {
	d.t.Helper()
	d.steps++
	at := testStart.Add(time.Duration(d.steps) * time.Second)
	err = pg.InTx(d.t.Context(), d.db, func(tx pgx.Tx) error {
		m, err := plan(d.t.Context(), tx)
		if err != nil {
			return err
		}
		entry, err = m.Book(d.t.Context(), tx, d.book, giving.Sign{Key: key, By: by, At: at, Made: "王会计", Check: "李主任"})
		return err
	})
	return entry, err
}

func (d *desk) must(entry uuid.UUID, err error) uuid.UUID {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return entry
}

// refuses wants the fields to be refused, in order.
func (d *desk) refuses(err error, fields ...string) {
	d.t.Helper()
	var wrong *giving.FieldErrors
	if !errors.As(err, &wrong) {
		d.t.Fatalf("not refused by fields: %v", err)
	}
	var got []string
	for _, f := range wrong.List {
		got = append(got, f.Field)
	}
	if !slices.Equal(got, fields) {
		d.t.Errorf("refused %v, want %v", got, fields)
	}
}

// holds wants balances of chart accounts, debit positive.
func (d *desk) holds(fund *ledger.Fund, want map[chart.ID]int64) {
	d.t.Helper()
	for id, amount := range want {
		var sum int64
		err := d.owner.QueryRow(d.t.Context(), `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id)
			where a.book_id = $1 and a.fund_id = $2 and a.chart = $3`, d.book.ID, fund.ID, id).Scan(&sum)
		if err != nil {
			d.t.Fatal(err)
		}
		if sum != amount {
			d.t.Errorf("%s of %s is %d, want %d", id, fund.Code, sum, amount)
		}
	}
}

// clean runs every check on the book.
func (d *desk) clean() {
	d.t.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, giving.Verify, payments.VerifyBook} {
			checks, err := verify(ctx, tx, d.book)
			if err != nil {
				return err
			}
			for _, c := range checks {
				if c.DiffersAll > 0 {
					d.t.Errorf("verify %s: %v", c.Code, c.Differs)
				}
			}
		}
		return nil
	})
}
