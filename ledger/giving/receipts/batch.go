package receipts

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Refusals of a batch.
var (
	// ErrBatchDays means days that run backwards, span more than a year or are not over yet: gifts of today still come in.
	ErrBatchDays = errors.New("days of a batch are not acceptable")
	// ErrBatchRunning means that another batch of the book is under way.
	ErrBatchRunning = errors.New("another batch of receipts is running")
	ErrNoBatch      = errors.New("no such batch of receipts")
)

// States of a batch.
const (
	Running = "running"
	Done    = "done"
	Stopped = "stopped" // by what Problem says; Resume goes on
)

// Batch is receipts for all gifts of some days that have none. Named gifts from SingleMin on get one each; all others of a fund and
// day share one made out to 爱心人士 (accounting.md R16).
type Batch struct {
	ID          uuid.UUID
	From, To    time.Time // days, both included
	SingleMin   int64     // minor units of the book's currency
	AskedBy     uuid.UUID
	AskedAt     time.Time
	Total, Done int64 // gifts
	State       string
	Problem     string // why it stopped: "numbers" when none are left
	EndedAt     *time.Time
	Mail        bool  // each donor who told an address gets a letter, once all are issued
	MailSeen    int64 // receipts for one gift that were looked at for it
	MailDone    bool  // all letters are posted
}

// ids of gifts sort by the time they were started, which may be this long before they were paid.
const startedBefore = 35 * 24 * time.Hour

const (
	sqlBatchTotal = `
select count(*) from gift g
 where g.book_id = $1 and g.id >= $2 and g.paid_at >= $3 and g.paid_at < $4` + withoutReceipt

	withoutReceipt = `
   and g.amount > coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)
   and not exists (select from receipt_gift p
                    where p.book_id = g.book_id and p.gift_id = g.id
                      and not exists (select from receipt_void v where v.book_id = p.book_id and v.receipt_id = p.receipt_id))`

	sqlBatchInsert = `
insert into receipt_batch (book_id, id, from_day, to_day, single_min, asked_by, asked_at, total, cursor, mail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing`

	batchColumns = `id, from_day, to_day, single_min, asked_by, asked_at, total, done, state, problem, ended_at, mail, mail_seen, mail_done`

	sqlBatches = `select ` + batchColumns + ` from receipt_batch where book_id = $1 order by id desc limit $2`

	sqlBatch = `select ` + batchColumns + ` from receipt_batch where book_id = $1 and id = $2`

	sqlBatchResume = `update receipt_batch set state = 'running', problem = '', ended_at = null where book_id = $1 and id = $2 and state = 'stopped'`

	sqlBatchRunning = `select ` + batchColumns + `, cursor from receipt_batch where book_id = $1 and state = 'running' for update`

	sqlBatchMoved = `update receipt_batch set done = $3, cursor = $4, state = $5, problem = $6, ended_at = $7 where book_id = $1 and id = $2`
)

// span is the days of a batch as instants, and the least id that a gift of them can have.
func (b *Batch) span(book *ledger.Book) (from, to time.Time, least uuid.UUID) {
	from, to = book.Begin(b.From), book.Begin(b.To.AddDate(0, 0, 1))
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(0, from.Add(-startedBefore).UnixMilli())))
	copy(least[:6], ms[2:])
	return from, to, least
}

// StartBatch asks for receipts for the gifts of some days. id is the form's: sent twice, it is one batch.
// ErrBatchDays, ErrBatchRunning, ErrNoNumbers.
func StartBatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, b Batch, now time.Time) (Batch, error) {
	today := book.Day(now)
	if b.To.Before(b.From) || !b.To.Before(today) || b.To.After(b.From.AddDate(1, 0, 0)) || b.SingleMin < 1 {
		return b, ErrBatchDays
	}
	if before, err := BatchByID(ctx, tx, book, b.ID); !errors.Is(err, ErrNoBatch) {
		return before, err
	}
	if err := lock(ctx, tx, book); err != nil {
		return b, err
	}
	if _, err := take(ctx, tx, book, 1); err != nil {
		return b, err
	}
	from, to, least := b.span(book)
	if err := tx.QueryRow(ctx, sqlBatchTotal, book.ID, least, from, to).Scan(&b.Total); err != nil {
		return b, fmt.Errorf("count gifts without receipt: %w", err)
	}
	tag, err := tx.Exec(ctx, sqlBatchInsert, book.ID, b.ID, b.From, b.To, b.SingleMin, b.AskedBy, now, b.Total, least, b.Mail)
	if err != nil {
		return b, fmt.Errorf("start batch of receipts: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return b, ErrBatchRunning
	}
	b.State, b.AskedAt = Running, now
	return b, nil
}

// ResumeBatch lets a stopped batch go on where it was. ErrNoBatch when it is not stopped.
func ResumeBatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID) error {
	if err := lock(ctx, tx, book); err != nil {
		return err
	}
	if running, err := runningBatch(ctx, tx, book); err != nil || running != nil {
		return errors.Join(err, ErrBatchRunning)
	}
	tag, err := tx.Exec(ctx, sqlBatchResume, book.ID, id)
	if err != nil {
		return fmt.Errorf("resume batch %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoBatch
	}
	return nil
}

// BatchByID reads one batch, or ErrNoBatch.
func BatchByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (Batch, error) {
	rows, err := q.Query(ctx, sqlBatch, book.ID, id)
	if err != nil {
		return Batch{}, fmt.Errorf("read batch of receipts: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Batch])
	if errors.Is(err, pgx.ErrNoRows) {
		return b, ErrNoBatch
	}
	if err != nil {
		return b, fmt.Errorf("read batch of receipts: %w", err)
	}
	return b, nil
}

// Batches lists the latest batches.
func Batches(ctx context.Context, q pg.Querier, book *ledger.Book, limit int) ([]Batch, error) {
	rows, err := q.Query(ctx, sqlBatches, book.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list batches of receipts: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Batch])
	if err != nil {
		return nil, fmt.Errorf("list batches of receipts: %w", err)
	}
	return list, nil
}

// moving is a running batch and the last gift that it looked at.
type moving struct {
	Batch
	Cursor uuid.UUID
}

func runningBatch(ctx context.Context, tx pgx.Tx, book *ledger.Book) (*moving, error) {
	rows, err := tx.Query(ctx, sqlBatchRunning, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read running batch of receipts: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (m moving, err error) {
		err = row.Scan(&m.ID, &m.From, &m.To, &m.SingleMin, &m.AskedBy, &m.AskedAt, &m.Total, &m.Done, &m.State, &m.Problem, &m.EndedAt,
			&m.Mail, &m.MailSeen, &m.MailDone, &m.Cursor)
		return m, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read running batch of receipts: %w", err)
	}
	return &b, nil
}

// stepGifts is how many gifts one transaction of a batch looks at.
const stepGifts = 1000

// Step does the next piece of the running batch of the book in tx and tells whether there is more to do. A crash between two steps
// loses nothing: the next Step goes on from the last commit.
func Step(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, now time.Time) (more bool, err error) {
	if err := lock(ctx, tx, book); err != nil {
		return false, err
	}
	b, err := runningBatch(ctx, tx, book)
	if err != nil || b == nil {
		return false, err
	}
	nested, err := tx.Begin(ctx) // without numbers, what this step issued is undone and the batch stops where it was
	if err != nil {
		return false, fmt.Errorf("step of batch %s: %w", b.ID, err)
	}
	was := *b
	if err = b.step(ctx, nested, book, random, now); errors.Is(err, ErrNoNumbers) {
		if err := nested.Rollback(ctx); err != nil {
			return false, fmt.Errorf("step of batch %s: %w", b.ID, err)
		}
		*b = was
		b.State, b.Problem = Stopped, "numbers"
	} else if err == nil {
		err = nested.Commit(ctx)
	}
	if err != nil && b.State != Stopped {
		return false, fmt.Errorf("step of batch %s: %w", b.ID, err)
	}
	if b.State != Running {
		b.EndedAt = &now
	}
	if _, err := tx.Exec(ctx, sqlBatchMoved, book.ID, b.ID, b.Done, b.Cursor, b.State, b.Problem, b.EndedAt); err != nil {
		return false, fmt.Errorf("note step of batch %s: %w", b.ID, err)
	}
	return b.State == Running, nil
}

const (
	// Named gifts: from single_min on, by a donor whose name we know. In a foreign currency any named gift is single: the least
	// amount is in the book's.
	isSingle = `(d.name is not null and (g.ccy <> $6 or g.amount >= $7))`

	sqlBatchGifts = `
select g.id, g.fund_id, g.campaign_id, g.ccy, g.paid_at,
       g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8,
       (coalesce((select max(p.issue) from receipt_gift p where p.book_id = g.book_id and p.gift_id = g.id), 0) + 1)::int2,
       g.donor_id,
       ` + isSingle + `
  from gift g
  left join private.donor d on d.book_id = g.book_id and d.id = g.donor_id
 where g.book_id = $1 and g.id > $2 and g.id < $5 and g.paid_at >= $3 and g.paid_at < $4` + withoutReceipt + `
 order by g.id limit $8`

	// The nameless rest of one fund and day. A named gift that came late waits for the next batch.
	sqlBatchRest = `
select g.fund_id, g.ccy, (g.paid_at at time zone $8)::date as day
  from gift g
  left join private.donor d on d.book_id = g.book_id and d.id = g.donor_id
 where g.book_id = $1 and g.id >= $2 and g.id < $5 and g.paid_at >= $3 and g.paid_at < $4 and not ` + isSingle + withoutReceipt + `
 order by day, g.fund_id, g.ccy limit 1`

	sqlBatchMerge = `
select g.id, g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8,
       (coalesce((select max(p.issue) from receipt_gift p where p.book_id = g.book_id and p.gift_id = g.id), 0) + 1)::int2
  from gift g
  left join private.donor d on d.book_id = g.book_id and d.id = g.donor_id
 where g.book_id = $1 and g.id >= $2 and g.id < $5 and g.paid_at >= $3 and g.paid_at < $4 and g.fund_id = $8 and g.ccy = $9
   and not ` + isSingle + withoutReceipt + `
 order by g.id`
)

// after is an id beyond all gifts started before an instant.
func after(at time.Time) uuid.UUID {
	var id uuid.UUID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.Add(startedBefore).UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}

// single is the mark in the cursor that all named gifts have theirs and only merged receipts are left.
var single = uuid.Max

// step issues single receipts for the next named gifts; once all have been looked at, one merged receipt after another.
func (b *moving) step(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, now time.Time) error {
	if b.Cursor == single {
		return b.merge(ctx, tx, book, random, now)
	}
	from, to, _ := b.span(book)
	rows, err := tx.Query(ctx, sqlBatchGifts, book.ID, b.Cursor, from, to, after(to), book.Currency, b.SingleMin, stepGifts)
	if err != nil {
		return err
	}
	var list []issue
	seen := 0
	var g giftNow
	var donor *uuid.UUID
	var named bool
	_, err = pgx.ForEachRow(rows, []any{&g.id, &g.fund, &g.campaign, &g.currency, &g.paidAt, &g.left, &g.issues, &donor, &named}, func() error {
		seen++
		b.Cursor = g.id
		if !named {
			return nil
		}
		campaign, of := g.campaign, *donor
		list = append(list, issue{face: Single, payer: Person, donor: &of, fund: g.fund, campaign: &campaign, amount: g.left, currency: g.currency,
			givenOn: book.Day(g.paidAt), batch: &b.ID, by: b.AskedBy, parts: []part{{g.id, g.issues, g.left}}})
		return nil
	})
	if err != nil {
		return err
	}
	if seen < stepGifts {
		b.Cursor = single
	}
	b.Done += int64(len(list))
	if len(list) == 0 {
		return nil
	}
	return insert(ctx, tx, book, random, now, list)
}

// merge issues the merged receipt of the next fund and day, or ends the batch.
func (b *moving) merge(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, now time.Time) error {
	from, to, least := b.span(book)
	s := issue{face: Merged, payer: Nobody, batch: &b.ID, by: b.AskedBy}
	err := tx.QueryRow(ctx, sqlBatchRest, book.ID, least, from, to, after(to), book.Currency, b.SingleMin, book.Zone.String()).Scan(&s.fund, &s.currency, &s.givenOn)
	if errors.Is(err, pgx.ErrNoRows) {
		b.State = Done
		return nil
	}
	if err != nil {
		return err
	}
	day := Batch{From: s.givenOn, To: s.givenOn}
	from, to, least = day.span(book)
	rows, err := tx.Query(ctx, sqlBatchMerge, book.ID, least, from, to, after(to), book.Currency, b.SingleMin, s.fund, s.currency)
	if err != nil {
		return err
	}
	var p part
	_, err = pgx.ForEachRow(rows, []any{&p.gift, &p.amount, &p.issue}, func() error {
		s.parts, s.amount = append(s.parts, p), s.amount+p.amount
		return nil
	})
	if err != nil {
		return err
	}
	b.Done += int64(len(s.parts))
	return insert(ctx, tx, book, random, now, []issue{s})
}
