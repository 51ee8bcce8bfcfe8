package giving_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

func closeIntake(t *testing.T, in *giving.Intake) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := in.Close(ctx); err != nil {
		t.Error(err)
	}
}

// Two intakes on one database, 64 callers, every gift sent to both: each is booked once, and the books agree.
func TestIntakesUnderManyCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	intakes := []*giving.Intake{giving.NewIntake(w.db, w.book), giving.NewIntake(w.owner, w.book)}
	const callers, each = 64, 8
	var fresh, replayed atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				p := w.paid([]string{"general", "fund", "donor"}[i%3], fmt.Sprintf("%d-%d", c, i))
				first, second := intakes[c%2], intakes[1-c%2]
				for _, in := range []*giving.Intake{first, second} {
					o, err := in.Submit(t.Context(), p)
					switch {
					case err != nil:
						t.Error(err)
					case o.Replayed:
						replayed.Add(1)
					default:
						fresh.Add(1)
					}
				}
				bad := p
				bad.Amount++
				if _, err := first.Submit(t.Context(), bad); !errors.Is(err, giving.ErrRefReused) {
					t.Errorf("a changed gift: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for _, in := range intakes {
		closeIntake(t, in)
		if _, err := in.Submit(t.Context(), w.paid("fund", "late")); !errors.Is(err, giving.ErrClosed) {
			t.Errorf("after closing: %v", err)
		}
	}
	if fresh.Load() != callers*each || replayed.Load() != callers*each {
		t.Errorf("%d fresh and %d replayed of %d", fresh.Load(), replayed.Load(), callers*each)
	}
	var gifts int64
	for _, c := range []string{"general", "fund", "donor"} {
		p := w.progress(c)
		gifts += p.Gifts
		if p.Received != p.Gifts*100_00 {
			t.Errorf("%s: %+v", c, p)
		}
	}
	if gifts != callers*each {
		t.Errorf("%d gifts on the books", gifts)
	}
	w.verify()
}

// One reference with two ids sent at once to two intakes: one of them is the gift.
func TestRaceForOneReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	intakes := []*giving.Intake{giving.NewIntake(w.db, w.book), giving.NewIntake(w.owner, w.book)}
	for round := range 20 {
		var booked, refused atomic.Int64
		var wg sync.WaitGroup
		for i, in := range intakes {
			wg.Go(func() {
				p := w.paid("general", fmt.Sprint("race", round))
				p.PaidAt = p.PaidAt.Add(time.Duration(i) * time.Second) // gives another id
				o, err := in.Submit(t.Context(), p)
				if err == nil && !o.Replayed {
					booked.Add(1)
				} else if err == nil {
					refused.Add(1)
				} else {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if booked.Load() != 1 || refused.Load() != 1 {
			t.Fatalf("round %d: %d booked, %d told it is there", round, booked.Load(), refused.Load())
		}
	}
	for _, in := range intakes {
		closeIntake(t, in)
	}
	w.verify()
}

// blocked is a database whose transactions begin only when it is let go.
type blocked struct {
	pg.Beginner
	gate chan struct{}
}

func (b blocked) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	<-b.gate
	return b.Beginner.BeginTx(ctx, opts)
}

func TestIntakeIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gate := make(chan struct{})
	in := giving.NewIntake(blocked{w.db, gate}, w.book)
	var wg sync.WaitGroup
	var booked, busy atomic.Int64
	submit := func(call int) {
		paid := make([]giving.Paid, 500)
		for i := range paid {
			paid[i] = w.paid("fund", fmt.Sprintf("%d-%d", call, i))
		}
		outcomes, err := in.SubmitAll(t.Context(), paid)
		switch {
		case errors.Is(err, giving.ErrBusy):
			busy.Add(1)
		case err != nil:
			t.Error(err)
		default:
			booked.Add(int64(len(outcomes)))
		}
	}
	for call := range 14 {
		wg.Go(func() { submit(call) })
	}
	deadline := time.Now().Add(2 * time.Minute)
	for busy.Load() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := in.Submit(gone, w.paid("fund", "gone")); err == nil || errors.Is(err, pg.ErrUnknown) {
		t.Errorf("a caller that left while waiting: %v", err) // busy or certainly not booked
	}
	close(gate)
	wg.Wait()
	closeIntake(t, in)
	if busy.Load() == 0 || booked.Load() != 500*(14-busy.Load()) {
		t.Errorf("%d booked, %d calls told to come again", booked.Load(), busy.Load())
	}
	if p := w.progress("fund"); p.Gifts != booked.Load() {
		t.Errorf("%d acknowledged, %d on the books", booked.Load(), p.Gifts)
	}
	if _, err := in.SubmitAll(t.Context(), make([]giving.Paid, giving.IntakeBatch+1)); !errors.Is(err, giving.ErrTooMany) {
		t.Errorf("too large a call: %v", err)
	}
}

// lossy commits and then loses the answer, as often as told.
type lossy struct {
	pg.Beginner
	left *atomic.Int64
}

type lossyTx struct {
	pgx.Tx
	left *atomic.Int64
}

func (l lossy) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	tx, err := l.Beginner.BeginTx(ctx, opts)
	return lossyTx{tx, l.left}, err
}

func (l lossyTx) Commit(ctx context.Context) error {
	if err := l.Tx.Commit(ctx); err != nil {
		return err
	}
	if l.left.Add(-1) >= 0 {
		return errors.New("connection reset by peer")
	}
	return nil
}

func TestLostAnswerOfCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var left atomic.Int64
	left.Store(2)
	in := giving.NewIntake(lossy{w.db, &left}, w.book)
	o, err := in.Submit(t.Context(), w.paid("general", "lost"))
	if err != nil || o.Replayed {
		t.Fatalf("%+v, %v", o, err)
	}
	closeIntake(t, in)
	if p := w.progress("general"); p.Gifts != 1 {
		t.Errorf("progress %+v", p)
	}
	w.verify()
}

// A member that only PostgreSQL refuses is found and fails alone.
func TestPoisonousMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.owner.Exec(t.Context(), `alter table gift add constraint no_poison check (ref <> 'poison')`); err != nil {
		t.Fatal(err)
	}
	in := giving.NewIntake(w.db, w.book)
	defer closeIntake(t, in)
	paid := make([]giving.Paid, 50)
	for i := range paid {
		paid[i] = w.paid("general", fmt.Sprint(i))
	}
	paid[17].Ref = "poison"
	outcomes, err := in.SubmitAll(t.Context(), paid)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		var answer *pgconn.PgError
		if i == 17 && (!errors.As(o.Err, &answer) || answer.ConstraintName != "no_poison") || i != 17 && o.Err != nil {
			t.Errorf("member %d: %v", i, o.Err)
		}
	}
	if p := w.progress("general"); p.Gifts != 49 {
		t.Errorf("progress %+v", p)
	}
	w.verify()
}

// After a large batch the intake waits for those it answered; nobody comes but one, and is booked all the same.
func TestFewAfterMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := giving.NewIntake(w.db, w.book)
	defer closeIntake(t, in)
	for round := range 5 {
		var many []giving.Paid
		for i := range 100 {
			many = append(many, w.paid("fund", fmt.Sprintf("many-%d-%d", round, i)))
		}
		if _, err := in.SubmitAll(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := in.Submit(ctx, w.paid("fund", fmt.Sprintf("one-%d", round))); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		cancel()
	}
}
