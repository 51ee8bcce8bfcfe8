package recon

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// BreakItem is something that does not fit.
type BreakItem struct {
	ID        uuid.UUID
	Type      BreakType
	SourceID  *int32
	Amount    int64 // minor units of Currency, signed as the type says
	Currency  string
	Day       time.Time
	Ours      []uuid.UUID // gifts, refunds, expectations, settlements
	Lines     [][]byte    // keys of lines of the source
	Files     []uuid.UUID
	Note      string // what was compared with what, for machines and the curious
	FirstSeen time.Time
	DueAt     time.Time
	State     string
	Owner     *uuid.UUID
	EndedAt   *time.Time
}

// BreakStep is an event of a break.
type BreakStep struct {
	State    string
	Actor    uuid.UUID
	Owner    *uuid.UUID
	Note     string
	Evidence []byte // hash of a paper or file
	At       time.Time
}

// BreakFilter narrows a list of breaks. Zero values do not.
type BreakFilter struct {
	Type   BreakType
	Source int32
	Owner  uuid.UUID
	Ended  bool // those that are over; else those that are not
	Since  time.Time
	// Where the page before ended: the break's FirstSeen and ID.
	AfterSeen time.Time
	AfterID   uuid.UUID
}

const (
	breakColumns = `id, type, source_id, amount, ccy, day, ours, lines, files, note, first_seen, due_at, state, owner, ended_at`

	sqlBreakByID = `select ` + breakColumns + ` from break_item where book_id = $1 and id = $2`

	sqlBreakList = `
select ` + breakColumns + ` from break_item
 where book_id = $1 and (ended_at is not null) = $2 and ($3 = '' or type = $3) and ($4 = 0 or source_id = $4) and ($5 = '00000000-0000-0000-0000-000000000000'::uuid or owner = $5)
   and first_seen >= $6 and (first_seen, id) > ($7, $8)
 order by first_seen, id limit $9`

	sqlBreakSteps = `select state, actor, owner, note, evidence, at from break_event where book_id = $1 and break_id = $2 order by seq`

	sqlBreakSums = `
select type, ccy, case when age <= interval '1 day' then 0 when age <= interval '3 days' then 1 when age <= interval '7 days' then 2 when age <= interval '30 days' then 3 else 4 end as bucket,
       count(*), sum(abs(amount))::int8, count(*) filter (where due_at < $2)
  from (select type, ccy, amount, due_at, $2::timestamptz - first_seen as age from break_item where book_id = $1 and ended_at is null) x
 group by 1, 2, 3 order by 1, 2, 3`

	sqlReconBands = `select bands from recon_setting where book_id = $1`
)

// Breaks lists breaks, the oldest first, at most limit.
func Breaks(ctx context.Context, q pg.Querier, book *ledger.Book, f BreakFilter, limit int) ([]BreakItem, error) {
	rows, err := q.Query(ctx, sqlBreakList, book.ID, f.Ended, f.Type, f.Source, f.Owner, f.Since, f.AfterSeen, f.AfterID, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list breaks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakItem])
}

// BreakByID reads a break, or giving.ErrNoRecord.
func BreakByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*BreakItem, error) {
	return giving.Record[BreakItem](ctx, q, sqlBreakByID, book.ID, id)
}

// Steps lists the events of a break in their order.
func Steps(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) ([]BreakStep, error) {
	rows, err := q.Query(ctx, sqlBreakSteps, book.ID, id)
	if err != nil {
		return nil, fmt.Errorf("list steps of a break: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakStep])
}

// BreakSum counts the open breaks of a type, currency and age.
type BreakSum struct {
	Type     BreakType
	Currency string
	Bucket   int // index in AgeBuckets; one more for what is older
	Count    int64
	Amount   int64 // minor units, without signs
	Overdue  int64
}

// BreakSums counts open breaks by type, currency and age.
func BreakSums(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) ([]BreakSum, error) {
	rows, err := q.Query(ctx, sqlBreakSums, book.ID, now)
	if err != nil {
		return nil, fmt.Errorf("count breaks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakSum])
}

// Bands are the amounts from which breaks of the book are graver; see Severity.
func Bands(ctx context.Context, q pg.Querier, book *ledger.Book) ([3]int64, error) {
	rows, err := q.Query(ctx, sqlReconBands, book.ID)
	if err != nil {
		return DefaultBands, fmt.Errorf("read bands: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]int64])
	if err != nil || len(list) == 0 {
		return DefaultBands, err
	}
	return [3]int64(list[0]), nil
}
