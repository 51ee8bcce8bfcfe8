package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// testBook is a book on a database of its own, with a fund for each letter of the vectors.
type testBook struct {
	*ledger.Book
	t     *testing.T
	db    *pgxpool.Pool // as the service
	owner *pgxpool.Pool
	funds map[string]*ledger.Fund
}

var fundKinds = []struct{ code, kind string }{
	{"G", ledger.General}, {"D", ledger.Designated}, {"R", ledger.Restricted}, {"S", ledger.Subsidy}, {"C", ledger.Restricted},
	{"P", ledger.Restricted}, {"A", ledger.Agency}, {"R1", ledger.Subsidy}, {"R2", ledger.Subsidy}, {"R3", ledger.Subsidy}, {"R4", ledger.Restricted},
}

func newBook(t *testing.T) *testBook {
	t.Helper()
	db := pgtest.New(t)
	return (&testBook{db: db.Service, owner: db.Pool}).another(t)
}

// another is a new book on the same database, for many small cases. Books are opened one at a time.
func (b *testBook) another(t *testing.T) *testBook {
	t.Helper()
	b = &testBook{t: t, db: b.db, owner: b.owner, funds: map[string]*ledger.Fund{}}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		b.Book, err = ledger.CreateBook(ctx, tx, ledger.Book{Code: uuid.NewString(), NameZH: "测试慈善会", NameEN: "Test association",
			Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, f := range fundKinds {
			fund, err := ledger.CreateFund(ctx, tx, b.Book, ledger.Fund{Code: f.code, Kind: f.kind, NameZH: f.code, NameEN: f.code})
			if err != nil {
				return err
			}
			b.funds[f.code] = fund
		}
		return nil
	})
	return b
}

func (b *testBook) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	b.t.Helper()
	if err := b.try(fn); err != nil {
		b.t.Fatal(err)
	}
}

// ctx names the book once there is one.
func (b *testBook) ctx() context.Context {
	if b.Book == nil {
		return b.t.Context()
	}
	return pg.WithBook(b.t.Context(), b.ID)
}

func (b *testBook) try(fn func(ctx context.Context, tx pgx.Tx) error) error {
	ctx := b.ctx()
	return pg.InTx(ctx, b.db, func(tx pgx.Tx) error { return fn(ctx, tx) })
}

var actor = uuid.MustParse("01900000-0000-7000-8000-000000000001")

// entry makes a dated entry of lines.
func entry(day time.Time, lines ...ledger.Line) ledger.Entry {
	return ledger.Entry{ID: uuid.Must(uuid.NewV7()), Kind: ledger.KindVoucher, EffectiveOn: day, Actor: actor, Lines: lines}
}

// post books one entry or fails the test.
func (b *testBook) post(e ledger.Entry) ledger.Result {
	b.t.Helper()
	r, err := b.tryPost(e)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *testBook) tryPost(e ledger.Entry) (r ledger.Result, err error) {
	err = b.try(func(ctx context.Context, tx pgx.Tx) error {
		r, err = ledger.PostOne(ctx, tx, b.Book, e)
		return err
	})
	return r, err
}

// leaf names an account by its 2026 code and the fund's letter.
func (b *testBook) leaf(code, fund string) ledger.Leaf {
	b.t.Helper()
	accounts := chart.ByCode(chart.CN2026, code)
	if len(accounts) != 1 {
		b.t.Fatalf("code %s has %d accounts", code, len(accounts))
	}
	return ledger.Leaf{Chart: accounts[0].ID, Fund: b.funds[fund].ID}
}

// balance is what a leaf holds now; zero while nothing was posted to it.
func (b *testBook) balance(leaf ledger.Leaf) int64 {
	b.t.Helper()
	a, err := ledger.AccountByLeaf(b.ctx(), b.db, b.Book, leaf)
	if err == ledger.ErrUnknownAccount {
		return 0
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return a.Balance
}

// verified fails the test when the books differ from themselves.
func (b *testBook) verified() {
	b.t.Helper()
	checks, err := ledger.Verify(b.ctx(), b.db, b.Book)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range checks {
		if c.DiffersAll > 0 {
			b.t.Errorf("%s: %d differ: %q", c.Code, c.DiffersAll, c.Differs)
		}
	}
}

var day = ledger.Day(2026, 9, 7)
