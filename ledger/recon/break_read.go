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
	State  string    // one of the states
	Text   string    // in what was compared, such as a number; or the amount with two decimals
	Ripe   *int      // of this severity, as of Now, with the book's Bands
	Bucket *int      // of this age, as of Now: an index in AgeBuckets, or one more
	Now    time.Time // for Ripe and Bucket; what is over has the age and severity with which it ended
	Bands  [3]int64
	Funds  []int32 // those that are of gifts and refunds of these funds alone; nil: all
	// Where the page before ended: the break's FirstSeen and ID.
	AfterSeen time.Time
	AfterID   uuid.UUID
}

const (
	breakColumns = `id, type, source_id, amount, ccy, day, ours, lines, files, note, first_seen, due_at, state, owner, ended_at`

	// $3: funds. Whose gifts and refunds a break is of, and of nothing else.
	breakSeen = `($3::int4[] is null or cardinality(ours) > 0 and not exists (
         select from unnest(ours) o where not exists (select from gift g where g.book_id = $1 and g.id = o and g.fund_id = any($3))
            and not exists (select from refund r join gift g on g.book_id = $1 and g.id = r.gift_id where r.book_id = $1 and r.id = o and g.fund_id = any($3))))`

	sqlBreakByID = `select ` + breakColumns + ` from break_item where book_id = $1 and id = $2 and ` + breakSeen

	// Severity as the function of that name computes it, of base, type, amount and age. $12: the bands; $16: the ages.
	severity = `case when base = 0 or type = 'B12' then base
         else greatest(1, least(base, case when type = 'B08' and amount < 0 then 1 else 4 end,
                case when abs(amount) >= ($12::int8[])[3] then 1 when abs(amount) >= ($12::int8[])[2] then 2 when abs(amount) >= ($12::int8[])[1] then 3 else 4 end)
              - (select count(*)::int4 from unnest(($16::int4[])[2:]) d where age > d * interval '1 day')) end`

	// $9: severity, $10: index of the age.
	breaksListed = ` from break_item
 cross join lateral (select base, coalesce(ended_at, $11::timestamptz) - first_seen as age from unnest($13::text[], $14::int4[]) k(t, base) where t = type) a
 where book_id = $1 and (ended_at is not null) = $2 and ` + breakSeen + ` and ($4 = '' or type = $4) and ($5 = 0 or source_id = $5)
   and ($6 = '00000000-0000-0000-0000-000000000000'::uuid or owner = $6) and first_seen >= $7 and ($8 = '' or state = $8)
   and ($15 = '' or strpos(lower(note), lower($15)) > 0 or to_char(abs(amount) / 100.0, 'FM999999999999990.00') = replace($15, ',', ''))
   and ($9::int4 is null or $9 = ` + severity + `)
   and ($10::int4 is null or $10 = (select count(*) from unnest($16::int4[]) d where age > d * interval '1 day'))`

	sqlBreakList = `select ` + breakColumns + breaksListed + ` and (first_seen, id) > ($17, $18) order by first_seen, id limit $19`

	sqlBreakCount = `select count(*), coalesce(sum(abs(amount)) filter (where ccy = $17), 0)::int8` + breaksListed

	sqlBreakSteps = `select state, actor, owner, note, evidence, at from break_event where book_id = $1 and break_id = $2 order by seq`

	sqlBreakSums = `
select type, ccy, (select count(*) from unnest($3::int4[]) d where age > d * interval '1 day') as bucket,
       count(*), sum(abs(amount))::int8, count(*) filter (where due_at < $2)
  from (select type, ccy, amount, due_at, $2::timestamptz - first_seen as age from break_item where book_id = $1 and ended_at is null) x
 group by 1, 2, 3 order by 1, 2, 3`

	sqlReconBands = `select bands from recon_setting where book_id = $1`
)

// Breaks lists breaks, the oldest first, at most limit.
func Breaks(ctx context.Context, q pg.Querier, book *ledger.Book, f BreakFilter, limit int) ([]BreakItem, error) {
	rows, err := q.Query(ctx, sqlBreakList, append(f.args(book), f.AfterSeen, f.AfterID, min(max(limit, 1), ledger.PageMax))...)
	if err != nil {
		return nil, fmt.Errorf("list breaks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakItem])
}

// CountBreaks counts what Breaks would list on all pages, and adds up the amounts in the book's currency, without signs.
func CountBreaks(ctx context.Context, q pg.Querier, book *ledger.Book, f BreakFilter) (n, amount int64, err error) {
	if err := q.QueryRow(ctx, sqlBreakCount, append(f.args(book), book.Currency)...).Scan(&n, &amount); err != nil {
		return 0, 0, fmt.Errorf("count breaks: %w", err)
	}
	return n, amount, nil
}

func (f *BreakFilter) args(book *ledger.Book) []any {
	types, bases := make([]string, len(BreakTypes)), make([]int32, len(BreakTypes))
	for i, t := range BreakTypes {
		types[i], bases[i] = string(t), int32(breakKinds[t].base)
	}
	return []any{book.ID, f.Ended, f.Funds, f.Type, f.Source, f.Owner, f.Since, f.State, f.Ripe, f.Bucket, f.Now, f.Bands[:], types, bases, f.Text, AgeBuckets}
}

// BreakByID reads a break, or giving.ErrNoRecord. funds are those whose gifts and refunds alone it may be of; nil: all.
func BreakByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID, funds []int32) (*BreakItem, error) {
	return giving.Record[BreakItem](ctx, q, sqlBreakByID, book.ID, id, funds)
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
	rows, err := q.Query(ctx, sqlBreakSums, book.ID, now, AgeBuckets)
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
