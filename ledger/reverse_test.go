package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

func (b *testBook) tryReverse(id, key uuid.UUID, reason string) (r ledger.Result, err error) {
	err = b.try(func(ctx context.Context, tx pgx.Tx) error {
		r, err = ledger.Reverse(ctx, tx, b.Book, id, key, day, actor, ledger.Document{Summary: "冲销", SourceKind: "reversal", Reason: reason, MadeBy: "李四"})
		return err
	})
	return r, err
}

func (b *testBook) reverse(id uuid.UUID, reason string) ledger.Result {
	b.t.Helper()
	r, err := b.tryReverse(id, uuid.New(), reason)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *testBook) read(id uuid.UUID) *ledger.Recorded {
	b.t.Helper()
	r, err := ledger.ReadEntry(b.ctx(), b.db, b.Book, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func TestReverse(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.gift(day, 500)
	wrong := b.gift(day, 200)
	key := uuid.New()
	if _, err := b.tryReverse(wrong.ID, key, ""); !errors.Is(err, ledger.ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := b.tryReverse(uuid.New(), key, "误记"); !errors.Is(err, ledger.ErrNoEntry) {
		t.Errorf("of nothing: %v", err)
	}
	first, err := b.tryReverse(wrong.ID, key, "误记")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.tryReverse(wrong.ID, key, "误记"); err != nil || !again.Replayed || again.ID != first.ID {
		t.Errorf("the same reversal again: %+v, %v", again, err)
	}
	if _, err := b.tryReverse(wrong.ID, key, "别的原因"); !errors.Is(err, ledger.ErrKeyReused) {
		t.Errorf("its key with another reason: %v", err)
	}
	for _, other := range []uuid.UUID{uuid.New(), uuid.Nil} {
		if _, err := b.tryReverse(wrong.ID, other, "误记"); !errors.Is(err, ledger.ErrReversed) {
			t.Errorf("a second time: %v", err)
		}
	}
	original, mirror := b.read(wrong.ID), b.read(first.ID)
	if original.ReversedBy != mirror.ID || mirror.Reverses != original.ID || mirror.Kind != ledger.KindCorrection || mirror.Amount != original.Amount {
		t.Errorf("%+v\nis not reversed by\n%+v", original, mirror)
	}
	if len(mirror.Postings) != len(original.Postings) || mirror.Document.Reason != "误记" || mirror.Document.MadeBy != "李四" || mirror.Number != 3 {
		t.Errorf("%+v", mirror)
	}
	for i, p := range mirror.Postings {
		if o := original.Postings[i]; p.Account != o.Account || p.Amount != -o.Amount || p.Line != o.Line {
			t.Errorf("line %d: %+v mirrors %+v", i, p, o)
		}
	}
	if got := b.balance(b.leaf("1002.01", "G")); got != 500 {
		t.Errorf("bank stands at %d", got)
	}
	// A reversal may itself have been the mistake; then it is taken back, and the entry it took back stays taken back by it.
	b.reverse(first.ID, "冲错了")
	if got := b.balance(b.leaf("1002.01", "G")); got != 700 {
		t.Errorf("bank stands at %d", got)
	}
	if _, err := b.tryReverse(wrong.ID, uuid.New(), "误记"); !errors.Is(err, ledger.ErrReversed) {
		t.Errorf("a third time: %v", err)
	}
	b.verified()
}

func TestReversalIsHeldToTheRules(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	gift := b.gift(day, 500)
	b.post(entry(day, pair(b.leaf("5101.01", "G"), b.leaf("1002.01", "G"), 300)...))
	if _, err := b.tryReverse(gift.ID, uuid.New(), "误记"); !errors.Is(err, ledger.ErrGuarded) {
		t.Errorf("money that is spent cannot be taken back: %v", err)
	}
	if _, err := b.db.Exec(t.Context(), `update period set state = 'hard' where book_id = $1`, b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.tryReverse(gift.ID, uuid.New(), "误记"); !errors.Is(err, ledger.ErrPeriodClosed) {
		t.Errorf("into a closed month: %v", err)
	}
	if b.read(gift.ID).ReversedBy != uuid.Nil {
		t.Error("a refused reversal left a trace")
	}
	b.verified()
}

// E50: 1,000 dollars given at 7.10, worth 7.05 at the end of the year, sold for 7,080 yuan.
func TestForeignMoney(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	fx, gift, loss, bank := b.leaf("1002.03", "R"), b.leaf("4101.02", "R"), b.leaf("5401.02", "R"), b.leaf("1002.01", "R")
	usd := fx
	usd.Currency = "USD"
	line := func(value, units int64) ledger.Line { return ledger.Line{Leaf: usd, Amount: value, Units: units} }
	units := ledger.Leaf{Chart: "fx.units", Fund: usd.Fund, Currency: "USD", Dims: ledger.Dims{UnitsOf: "bank.fx"}}
	value := fx
	value.Dims.Foreign = "USD"
	stands := func(when string, wantValue, wantUnits int64) {
		t.Helper()
		if v, u := b.balance(value), b.balance(units); v != wantValue || u != wantUnits {
			t.Errorf("%s: %d fen for %d cents, want %d for %d", when, v, u, wantValue, wantUnits)
		}
		contra := ledger.Leaf{Chart: "fx.units.contra", Fund: usd.Fund, Currency: "USD"}
		if c := b.balance(contra); c != -wantUnits {
			t.Errorf("%s: contra stands at %d", when, c)
		}
		b.verified()
	}
	given := b.post(entry(day, line(7100_00, 1000_00), ledger.Credit(gift, 7100_00)))
	stands("given", 7100_00, 1000_00)
	revalued := b.post(entry(day, ledger.Debit(loss, 50_00), line(-50_00, 0)))
	stands("revalued", 7050_00, 1000_00)
	sold := b.post(entry(day, ledger.Debit(bank, 7080_00), line(-7050_00, -1000_00), ledger.Credit(loss, 30_00)))
	stands("sold", 0, 0)
	if net := b.balance(gift) + b.balance(loss); net != -7080_00 {
		t.Errorf("net of the three: %d", net)
	}
	if got := b.read(given.ID).Amount; got != 7100_00 {
		t.Errorf("amount of the entry in the book's currency: %d", got)
	}
	if _, err := b.tryPost(entry(day, line(-1, -1), ledger.Debit(bank, 1))); !errors.Is(err, ledger.ErrGuarded) {
		t.Errorf("below zero: %v", err)
	}
	for _, e := range []ledger.Result{sold, revalued, given} { // backwards, each by its mirror
		r := b.reverse(e.ID, "误记")
		if o, m := b.read(e.ID), b.read(r.ID); len(o.Postings) != len(m.Postings) {
			t.Errorf("%d postings mirrored by %d", len(o.Postings), len(m.Postings))
		}
	}
	stands("all taken back", 0, 0)
	if b.balance(gift) != 0 || b.balance(loss) != 0 || b.balance(bank) != 0 {
		t.Error("something is left")
	}
}

// A fee over the gifts of a batch is counted over those that were really booked.
func TestRecount(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	psp, gift, fee := b.leaf("1009.01", "G"), b.leaf("4101.01", "G"), b.leaf("5401.01", "G")
	feeKey := uuid.New()
	var calls int
	batch := func(gifts ...ledger.Entry) []ledger.Result {
		t.Helper()
		e := entry(day, pair(fee, psp, 1)...)
		e.Key, e.Kind = feeKey, ledger.KindFee
		e.Recount = func(before []ledger.Result) []ledger.Line {
			calls++
			sum := int64(0)
			for _, r := range before {
				if r.Err == nil && !r.Replayed {
					sum += 3
				}
			}
			if sum == 0 {
				return nil
			}
			return pair(fee, psp, sum)
		}
		var got []ledger.Result
		b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			got, err = ledger.Post(ctx, tx, b.Book, append(gifts, e))
			return err
		})
		return got
	}
	var gifts []ledger.Entry
	for range 5 {
		g := entry(day, pair(psp, gift, 100)...)
		g.Kind = ledger.KindGift
		gifts = append(gifts, g)
	}
	gifts[2].Lines[0].Amount++ // refused
	if got := batch(gifts...); got[5].Err != nil || got[5].ID == uuid.Nil || b.balance(fee) != 12 {
		t.Errorf("fee of 4 gifts stands at %d: %+v", b.balance(fee), got[5])
	}
	if got := batch(gifts...); got[5].Err != nil || got[5].ID != uuid.Nil || b.balance(fee) != 12 {
		t.Errorf("all replayed: fee stands at %d: %+v", b.balance(fee), got[5])
	}
	more := entry(day, pair(psp, gift, 100)...)
	if got := batch(more); !errors.Is(got[1].Err, ledger.ErrKeyReused) || b.balance(fee) != 12 {
		t.Errorf("another sum under the fee's key: %+v", got[1])
	}
	feeKey = uuid.New()
	stray := entry(day, pair(fee, psp, 1)...)
	stray.Recount = func([]ledger.Result) []ledger.Line { return pair(fee, b.leaf("1002.01", "G"), 1) }
	if _, err := b.tryPost(stray); !errors.Is(err, ledger.ErrUnknownAccount) {
		t.Errorf("a leaf that Lines did not name: %v", err)
	}
	odd := entry(day, pair(fee, psp, 1)...)
	odd.Recount = func([]ledger.Result) []ledger.Line { return []ledger.Line{ledger.Debit(fee, 1), ledger.Credit(psp, 2)} }
	if _, err := b.tryPost(odd); !errors.Is(err, ledger.ErrUnbalanced) {
		t.Errorf("an unbalanced recount: %v", err)
	}
	if calls != 3 {
		t.Errorf("counted %d times", calls)
	}
	if got := b.balance(psp); got != 5*100-12 {
		t.Errorf("processor balance %d", got)
	}
	b.verified()
}

// Riders travel with the writes and know the results; what they break breaks all.
func TestRiders(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	e := entry(day, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 100)...)
	ride := func(sql string) error {
		return b.try(func(ctx context.Context, tx pgx.Tx) error {
			_, err := ledger.Post(ctx, tx, b.Book, []ledger.Entry{e}, func(batch *pgx.Batch, results []ledger.Result) {
				batch.Queue(sql, b.ID, results[0].ID)
			})
			return err
		})
	}
	if err := ride(`insert into private.donor (book_id, id, created_at, erased_at) select $1, $2::uuid, now(), now() where 1 / 0 > 0`); err == nil {
		t.Error("a broken rider went unnoticed")
	}
	if got := b.balance(b.leaf("1002.01", "G")); got != 0 {
		t.Errorf("bank stands at %d", got)
	}
	if err := ride(`insert into private.donor (book_id, id, created_at, erased_at) values ($1, $2, now(), now())`); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.db.QueryRow(t.Context(), `select count(*) from private.donor where id = $1`, e.ID).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d riders arrived (%v)", n, err)
	}
	b.verified()
}

// What a rider does aside runs beside the writes, and what those break is told after it.
func TestRiderAside(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	bank := b.leaf("1002.01", "G")
	post := func(sql string) (told int, err error) {
		err = b.try(func(ctx context.Context, tx pgx.Tx) error {
			results, err := ledger.PostWith(ctx, tx, b.Book, []ledger.Entry{entry(day, pair(bank, b.leaf("4101.01", "G"), 100)...)}, ledger.Rider{
				Write: func(q *pgx.Batch, _ []ledger.Result) { q.Queue(sql) },
				Aside: func(results []ledger.Result) { told += len(results) },
			})
			if err != nil {
				return err
			}
			return results[0].Err
		})
		return told, err
	}
	if told, err := post(`select 1 / 0`); err == nil || told != 1 {
		t.Errorf("a broken write: told of %d, %v", told, err)
	}
	if told, err := post(`select pg_sleep(0.01)`); err != nil || told != 1 {
		t.Errorf("told of %d, %v", told, err)
	}
	if got := b.balance(bank); got != 100 {
		t.Errorf("bank stands at %d", got)
	}
	b.verified()
}
