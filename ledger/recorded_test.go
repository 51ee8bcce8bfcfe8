package ledger_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

// Entries recorded on their day, late, ahead, around midnight: as of any moment the sums before any days are those of the entries recorded
// until then, and so is the ledger position, with marks and without.
func TestWhatAMomentKnew(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	rng := rand.New(rand.NewPCG(7, 11))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for range 80 {
		id := b.gift(ledger.Day(2026, 3, 1+rng.IntN(30)), 1+rng.Int64N(1000)).ID
		at := start.Add(time.Duration(rng.IntN(30*24*60)) * time.Minute)
		if rng.IntN(4) == 0 { // within two days of midnight
			at = at.Truncate(24 * time.Hour).Add(time.Duration(rng.IntN(3)-1) * time.Second)
		}
		b.recordedAt(id, at)
	}
	now := start.AddDate(0, 0, 32)
	for marked := range 2 {
		for range 60 {
			moment := start.Add(time.Duration(rng.IntN(31*24*60)) * time.Minute)
			if rng.IntN(3) == 0 {
				moment = moment.Truncate(24 * time.Hour)
			}
			days := []time.Time{ledger.Day(2026, 3, 1+rng.IntN(32)), ledger.Day(2026, 3, 1+rng.IntN(32))}
			b.knew(moment, days...)
		}
		if marked == 0 {
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				n, err := ledger.MarkRecorded(ctx, tx, b.Book, now)
				if err == nil && n == 0 {
					t.Error("no day is marked")
				}
				return err
			})
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				n, err := ledger.MarkRecorded(ctx, tx, b.Book, now.Add(time.Hour))
				if n != 0 {
					t.Errorf("%d days are marked again", n)
				}
				return err
			})
		}
	}
	b.verified()
	if got := b.tampered(t, `update recorded_mark set posted = posted + 1 where moment = (select max(moment) from recorded_mark)`); got != "recorded" {
		t.Errorf("a wrong mark is found by %q", got)
	}
}

// recordedAt is as if the entry had been recorded at a moment.
func (b *testBook) recordedAt(id uuid.UUID, at time.Time) {
	b.t.Helper()
	err := pgx.BeginFunc(b.t.Context(), b.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.t.Context(), "set local session_replication_role = replica"); err != nil {
			return err
		}
		_, err := tx.Exec(b.t.Context(), "update entry set recorded_at = $2 where id = $1", id, at)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// knew holds what is told of a moment to the entries themselves.
func (b *testBook) knew(moment time.Time, days ...time.Time) {
	b.t.Helper()
	ctx := b.ctx()
	moved, err := ledger.MovedBefore(ctx, b.db, b.Book, ledger.Cut{Recorded: moment}, days...)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, day := range days {
		told := map[int32]ledger.Turnover{}
		for _, m := range moved {
			if m.Before[i] != (ledger.Turnover{}) {
				told[m.Account] = m.Before[i]
			}
		}
		rows, err := b.owner.Query(ctx, `
select p.account_id, sum(greatest(p.amount, 0))::int8, sum(greatest(-p.amount, 0))::int8
  from posting p join entry e on e.book_id = p.book_id and e.id = p.entry_id
 where p.book_id = $1 and e.recorded_at <= $2 and e.effective_on < $3 group by 1`, b.ID, moment, day)
		if err != nil {
			b.t.Fatal(err)
		}
		knew := map[int32]ledger.Turnover{}
		var account int32
		var sum ledger.Turnover
		if _, err := pgx.ForEachRow(rows, []any{&account, &sum.Debit, &sum.Credit}, func() error { knew[account] = sum; return nil }); err != nil {
			b.t.Fatal(err)
		}
		if !maps.Equal(told, knew) {
			b.t.Errorf("as of %s accounts had moved %v before %s, entries give %v", moment, told, day.Format(time.DateOnly), knew)
		}
	}
	position, err := ledger.PostedBy(ctx, b.db, b.Book, moment)
	if err != nil {
		b.t.Fatal(err)
	}
	var want int64
	if err := b.owner.QueryRow(ctx, `select coalesce(sum(cardinality(accounts)), 0)::int8 from entry where book_id = $1 and recorded_at <= $2`, b.ID, moment).Scan(&want); err != nil {
		b.t.Fatal(err)
	}
	if position != want {
		b.t.Errorf("as of %s the position is %d, entries give %d", moment, position, want)
	}
}
