package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// crowd gives the book connections enough for tests of many writers.
func (b *testBook) crowd() {
	b.t.Helper()
	pool, err := pg.Open(b.ctx(), b.db.Config().ConnString(), pg.MaxConns(12))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(pool.Close)
	b.db = pool
}

// atOnce runs n writers that wait for each other at the start, and gives what each came back with.
func atOnce(n int, write func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func count(errs []error, target error) (n int) {
	for _, err := range errs {
		if errors.Is(err, target) {
			n++
		}
	}
	return n
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	const writers, rounds = 32, 12
	errs := atOnce(writers, func(i int) error {
		for r := range rounds {
			// The same two accounts for all, one account of its own for each: accounts are made in the race too.
			own := b.leaf("4101.01", "G")
			own.Dims.Campaign = fmt.Sprint(i%8, "-", r%3)
			e := entry(day.AddDate(0, 0, -r), ledger.Debit(b.leaf("1002.01", "G"), 3), ledger.Credit(b.leaf("4101.01", "G"), 1), ledger.Credit(own, 2))
			if i%4 == 0 {
				e.Document = &ledger.Document{Summary: "收", SourceKind: "voucher", MadeBy: "张三"}
			}
			if _, err := b.tryPost(e); err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if a := b.account(b.leaf("1002.01", "G")); a.Balance != 3*writers*rounds || a.Seq != writers*rounds || a.Debits != a.Seq {
		t.Errorf("bank: %+v after %d entries of 3", a, writers*rounds)
	}
	var entries, seqs int
	if err := b.db.QueryRow(b.ctx(), `select (select count(*) from entry), count(distinct seq) from posting where account_id = $1`,
		b.account(b.leaf("1002.01", "G")).ID).Scan(&entries, &seqs); err != nil || entries != writers*rounds || seqs != entries {
		t.Errorf("%d entries, %d seqs (%v)", entries, seqs, err)
	}
	b.verified()
}

func TestM6LastFenIsSpentOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	for round := range 10 {
		b.gift(day, 100)
		errs := atOnce(2, func(i int) error { // what lacks is the fund's money, not the account's: each pays from an account of its own
			pays := []ledger.Leaf{b.leaf("1009.01", "G"), b.leaf("1009.02", "G")}[i]
			_, err := b.tryPost(entry(day, pair(b.leaf("5101.01", "G"), pays, 100)...))
			return err
		})
		if count(errs, nil) != 1 || count(errs, ledger.ErrShort) != 1 {
			t.Fatalf("round %d: %v", round, errs)
		}
		// Put back where it was taken from.
		for _, code := range []string{"1009.01", "1009.02"} {
			if got := b.balance(b.leaf(code, "G")); got < 0 {
				b.post(entry(day, pair(b.leaf(code, "G"), b.leaf("1002.01", "G"), -got)...))
			}
		}
	}
	b.gift(day, 100)
	errs := atOnce(8, func(int) error {
		_, err := b.tryPost(entry(day, pair(b.leaf("5101.01", "G"), b.leaf("1002.01", "G"), 30)...))
		return err
	})
	if count(errs, nil) != 3 || count(errs, ledger.ErrGuarded) != 5 {
		t.Errorf("100 in a guarded account, 8 times 30: %v", errs)
	}
	b.verified()
}

func TestOneKeyFiftyTimes(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	key := uuid.New()
	var mu sync.Mutex
	var ids []uuid.UUID
	var booked, refused int
	errs := atOnce(50, func(i int) error {
		e := entry(day, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 100)...)
		e.Key = key
		if i%10 == 9 { // some other body under the key: refused, or it came first and all others are
			e.Lines[0].Amount, e.Lines[1].Amount = 7, -7
		}
		r, err := b.tryPost(e)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case errors.Is(err, ledger.ErrKeyReused):
			refused++
		case err != nil:
			return err
		case !r.Replayed:
			booked++
		}
		if err == nil {
			ids = append(ids, r.ID)
		}
		return nil
	})
	if n := count(errs, nil); n != 50 {
		t.Fatal(errors.Join(errs...))
	}
	if booked != 1 || refused != 5 && refused != 45 || len(slices.Compact(ids)) != 1 {
		t.Errorf("%d booked, %d refused, %d answers", booked, refused, len(slices.Compact(ids)))
	}
	if a := b.account(b.leaf("1002.01", "G")); a.Seq != 1 {
		t.Errorf("%+v", a)
	}
	b.verified()
}

func TestTwoReversalsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	for round := range 8 {
		e := b.gift(day, int64(100+round))
		errs := atOnce(4, func(int) error {
			_, err := b.tryReverse(e.ID, uuid.New(), "误记")
			return err
		})
		if count(errs, nil) != 1 || count(errs, ledger.ErrReversed) != 3 {
			t.Fatalf("round %d: %v", round, errs)
		}
	}
	if got := b.balance(b.leaf("1002.01", "G")); got != 0 {
		t.Errorf("bank stands at %d", got)
	}
	b.verified()
}

// Documents and gifts take their locks in one order, whoever mixes them: nobody is rolled back for a deadlock.
func TestVouchersAndGiftsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	var attempts atomic.Int64
	errs := atOnce(24, func(i int) error {
		for range 5 {
			err := b.try(func(ctx context.Context, tx pgx.Tx) error {
				attempts.Add(1)
				voucher := entry(day.AddDate(0, -(i%3), 0), pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 2)...)
				voucher.Document = &ledger.Document{Summary: "收", SourceKind: "voucher", MadeBy: "张三"}
				gift := entry(day.AddDate(0, -(i+1)%3, 0), pair(b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), 1)...)
				_, err := ledger.Post(ctx, tx, b.Book, [][]ledger.Entry{{voucher}, {gift}, {gift, voucher}}[i%3])
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if n := count(errs, nil); n != 24 || attempts.Load() != 24*5 {
		t.Errorf("%d writers done after %d attempts: %v", n, attempts.Load(), errors.Join(errs...))
	}
	b.verified()
}

// Once the closer's commit is there, nothing enters the month or one before it; what entered before stays. What comes later with
// a day to be booked on is booked there and keeps its own. SUNFUND_CLOSES makes it longer.
func TestPostersAgainstTheCloser(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.crowd()
	const posters = 32
	closes := 50
	if text := os.Getenv("SUNFUND_CLOSES"); text != "" {
		var err error
		if closes, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	first := ledger.Day(1930, 1, 1)
	today := first.AddDate(0, closes+1, 0)
	var inside, late, refused, before int64
	for round := range closes {
		month := first.AddDate(0, round, 0)
		if round%2 == 0 { // half of the months are known before, half are made in the race
			b.gift(month, 1)
		}
		var booked, moved, shut atomic.Int64
		var closedAt atomic.Int64 // entries in the month when the closer's commit came back; -1 before
		closedAt.Store(-1)
		errs := atOnce(posters+1, func(i int) error {
			if i == posters {
				err := b.try(func(ctx context.Context, tx pgx.Tx) error { return ledger.CloseForGood(ctx, tx, b.Book, month, today) })
				closedAt.Store(b.entriesIn(month))
				return err
			}
			for n := range 2 {
				after := closedAt.Load() >= 0
				e := entry(month.AddDate(0, 0, i%28), pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 1)...)
				if i%4 == 0 {
					e.Late = today
				}
				if i%8 == 1 {
					e.Document = &ledger.Document{Summary: "收", SourceKind: "voucher", MadeBy: "张三"}
				}
				if i == 2 && n == 1 && round > 0 {
					e.EffectiveOn = month.AddDate(0, -1, 0) // closed in the round before
				}
				r, err := b.tryPost(e)
				switch {
				case errors.Is(err, ledger.ErrPeriodClosed) && e.Late.IsZero():
					shut.Add(1)
				case err != nil:
					return err
				case e.Late.IsZero():
					if after || e.EffectiveOn.Before(month) {
						return errors.New("booked after the close")
					}
					booked.Add(1)
				default:
					stands, err := ledger.ReadEntry(b.ctx(), b.db, b.Book, r.ID)
					switch {
					case err != nil:
						return err
					case stands.EffectiveOn.Equal(e.EffectiveOn) && stands.HappenedOn.IsZero() && !after:
						booked.Add(1)
					case stands.EffectiveOn.Equal(today) && stands.HappenedOn.Equal(e.EffectiveOn):
						moved.Add(1)
					default:
						return fmt.Errorf("late entry stands on %s, happened on %s", stands.EffectiveOn, stands.HappenedOn)
					}
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n := b.entriesIn(month)
		inside += n - closedAt.Load()
		if n != booked.Load()+int64(1-round%2) {
			t.Fatalf("round %d: %d entries now, %d said to be booked", round, n, booked.Load())
		}
		before, late, refused = before+booked.Load(), late+moved.Load(), refused+shut.Load()
	}
	t.Logf("%d closes against %d posters: %d booked before, %d refused, %d booked late, %d inside after the close", closes, posters, before, refused, late, inside)
	if inside != 0 {
		t.Errorf("%d rows inside closed months", inside)
	}
	b.verified()
}

// The two wait for each other: a closer for those who have posted, a poster for one who is closing.
func TestCloserAndPosterWaitForEachOther(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	const impatient, tired = "set local lock_timeout = '50ms'", "55P03" // lock_not_available
	stop := errors.New("stop")
	gave := func(err error) string {
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) {
			return pgErr.Code
		}
		return fmt.Sprint(err)
	}
	gift := entry(day, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 1)...)
	for _, month := range []string{"new", "known"} {
		err := b.try(func(ctx context.Context, tx pgx.Tx) error {
			if _, err := ledger.PostOne(ctx, tx, b.Book, gift); err != nil {
				return err
			}
			got := gave(b.try(func(ctx context.Context, closer pgx.Tx) error {
				if _, err := closer.Exec(ctx, impatient); err != nil {
					return err
				}
				return b.closeMonth(ctx, closer)
			}))
			if got != tired {
				t.Errorf("%s month: the closer did not wait: %s", month, got)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		err = b.try(func(ctx context.Context, closer pgx.Tx) error {
			if err := b.closeMonth(ctx, closer); err != nil {
				return err
			}
			got := gave(b.try(func(ctx context.Context, tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, impatient); err != nil {
					return err
				}
				_, err := ledger.PostOne(ctx, tx, b.Book, gift)
				return err
			}))
			if got != tired {
				t.Errorf("%s month: the poster did not wait: %s", month, got)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		b.gift(day, 7) // now the month has its row
	}
}

// closeMonth closes the month of day.
func (b *testBook) closeMonth(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, $2, 'hard')
		on conflict (book_id, month) do update set state = 'hard'`, b.ID, ledger.Month(day))
	return err
}

// entriesIn counts a month's entries.
func (b *testBook) entriesIn(month any) (n int64) {
	err := b.db.QueryRow(b.ctx(), `select count(*) from entry where book_id = $1 and date_trunc('month', effective_on) = $2::date`, b.ID, month).Scan(&n)
	if err != nil {
		return -2
	}
	return n
}
