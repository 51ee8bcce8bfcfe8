package funds_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// world is an association with a general fund, a street and some purposes.
type world struct {
	testing.TB
	ctx                  context.Context
	db                   *pgxpool.Pool
	book                 *ledger.Book
	street               int32
	general              int32
	now                  time.Time
	accountant, approver uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, ctx: t.Context(), db: pgtest.New(t).Service, now: time.Date(2026, 3, 10, 12, 0, 0, 0, zone), accountant: uuid.New(), approver: uuid.New()}
	w.tx(func(tx pgx.Tx) (err error) {
		w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
		if err != nil {
			return err
		}
		s, err := ledger.CreateStreet(w.ctx, tx, w.book, ledger.Street{Code: "spq", NameZH: "石坪桥街道", NameEN: "Shipingqiao"})
		if err != nil {
			return err
		}
		w.street = s.ID
		g, err := ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"})
		w.general = g.ID
		return err
	})
	for _, p := range []funds.Purpose{{Code: "homes", NameZH: "困境儿童居住改造", NameEN: "Homes of children"}, {Code: "elders", NameZH: "长者服务", NameEN: "Elders"}, {Code: "office", NameZH: "办公", NameEN: "Office"}} {
		w.do(func(tx pgx.Tx) (*giving.Move, error) { return funds.AddPurpose(w.ctx, tx, w.book, p) })
	}
	return w
}

func (w *world) tx(f func(tx pgx.Tx) error) {
	w.Helper()
	if err := pg.InTx(w.ctx, w.db, f); err != nil {
		w.Fatal(err)
	}
}

// try takes a step, made by the accountant and approved by another.
func (w *world) try(plan func(tx pgx.Tx) (*giving.Move, error)) error {
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := plan(tx)
		if err != nil {
			return err
		}
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, Second: w.approver, At: w.now, Made: "李会计", Check: "陈审批"})
		return err
	})
}

func (w *world) do(plan func(tx pgx.Tx) (*giving.Move, error)) {
	w.Helper()
	if err := w.try(plan); err != nil {
		w.Fatal(err)
	}
}

func (w *world) refused(want error, plan func(tx pgx.Tx) (*giving.Move, error)) {
	w.Helper()
	if err := w.try(plan); !errors.Is(err, want) {
		w.Fatalf("got %v, want %v", err, want)
	}
}

// field takes a step that must be refused at fields, with these messages in order.
func (w *world) field(plan func(tx pgx.Tx) (*giving.Move, error), keys ...string) {
	w.Helper()
	var wrong *giving.FieldErrors
	if err := w.try(plan); !errors.As(err, &wrong) {
		w.Fatalf("got %v, want %v", err, keys)
	}
	var got []string
	for _, f := range wrong.List {
		got = append(got, f.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(keys) {
		w.Fatalf("got %v, want %v", got, keys)
	}
}

func (w *world) day() time.Time { return w.book.Day(w.now) }

func (w *world) file(id uuid.UUID) *funds.File {
	w.Helper()
	f, err := funds.FileByID(w.ctx, w.db, w.book, id)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// terms are rules that nothing is wrong with.
func terms(sort string, purposes ...string) funds.Terms {
	return funds.Terms{Sort: sort, Purposes: purposes, Interest: funds.InterestFund, FeeBearer: ledger.FeeByGeneral}
}

// apply enters an application.
func (w *world) apply(code string, t funds.Terms) uuid.UUID {
	w.Helper()
	id := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return w.application(tx, id, code, t) })
	return id
}

func (w *world) application(tx pgx.Tx, id uuid.UUID, code string, t funds.Terms) (*giving.Move, error) {
	return funds.Apply(w.ctx, tx, w.book, funds.File{ID: id, StreetID: &w.street, Code: code, NameZH: code + "基金", NameEN: code + " fund", AboutZH: "给孩子", AboutEN: "For children", Terms: t,
		Agency: &funds.AgencyTest{PassOn: t.Sort == funds.Agency}, EnteredBy: w.accountant, EnteredAt: w.now})
}

func (w *world) seat(id uuid.UUID, kind, vote, opinion string) {
	w.Helper()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.AddSeat(w.ctx, tx, w.book, w.file(id), funds.Seat{Kind: kind, Capacity: "居民代表", Vote: vote, Opinion: opinion})
	})
}

// paper lies beside the file.
func (w *world) paper(id uuid.UUID) []byte {
	w.Helper()
	body := []byte("%PDF-1.4 agreement " + id.String())
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.AddPaper(w.ctx, tx, w.book, w.file(id).Object(), "agreement.pdf", body, w.accountant, w.now)
		return err
	})
	sum := sha256.Sum256(body)
	return sum[:]
}

// opened is the file of an open fund.
func (w *world) opened(code string, t funds.Terms) *funds.File {
	w.Helper()
	id := w.apply(code, t)
	for range 5 {
		w.seat(id, funds.Member, funds.Yes, "")
	}
	w.seat(id, funds.Supervisor, funds.Heard, "同意，按季公示")
	hash := w.paper(id)
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Begin(w.ctx, tx, w.book, w.file(id), hash, "协议〔2026〕1号", w.day())
	})
	return w.file(id)
}

func (w *world) yuan(text string) int64 {
	w.Helper()
	minor, err := money.Parse(text, "CNY")
	if err != nil {
		w.Fatal(err)
	}
	return minor
}

// lines are plain lines of a fund: "D program.r homes 100.00", the third word a purpose or "-".
func (w *world) lines(fund int32, texts ...string) (lines []ledger.Line) {
	w.Helper()
	for _, text := range texts {
		var side, id, purpose, amount string
		if _, err := fmt.Sscan(text, &side, &id, &purpose, &amount); err != nil {
			w.Fatal(err)
		}
		minor := w.yuan(amount)
		if side == "C" {
			minor = -minor
		}
		leaf := ledger.Leaf{Chart: chart.ID(id), Fund: fund}
		if purpose != "-" {
			leaf.Dims.Purpose = purpose
		}
		lines = append(lines, ledger.Line{Leaf: leaf, Amount: minor})
	}
	return lines
}

// post books an entry and gives what it was refused with.
func (w *world) post(kind ledger.Kind, day time.Time, lines []ledger.Line) error {
	w.Helper()
	var refused error
	w.tx(func(tx pgx.Tx) error {
		results, err := ledger.Post(w.ctx, tx, w.book, []ledger.Entry{{Key: uuid.New(), Kind: kind, EffectiveOn: day, Lines: lines}})
		if err != nil {
			return err
		}
		refused = results[0].Err
		return nil
	})
	return refused
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// given is a gift to the fund that lies at the bank.
func (w *world) given(fund int32, amount string) {
	w.Helper()
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, "D bank.basic - "+amount, "C gift.r - "+amount)))
}

// wants compares a chart account of a fund, debit positive, over all of its leaves.
func (w *world) wants(id string, fund int32, amount string) {
	w.Helper()
	var sum int64
	err := w.db.QueryRow(w.ctx, `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) where a.book_id = $1 and a.fund_id = $2 and a.chart = $3`,
		w.book.ID, fund, id).Scan(&sum)
	if err != nil {
		w.Fatal(err)
	}
	if sum != w.yuan(amount) {
		w.Errorf("%s of %d is %s, want %s", id, fund, money.Format(sum, "CNY"), amount)
	}
}
