package giving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

var (
	// ErrNoRecord means that there is no such receipt, count, box, lot, auction, pledge or service.
	ErrNoRecord = errors.New("no such record")
	// ErrStep means that the record has moved on since, so that this step no longer fits it. Show it as it stands.
	ErrStep = errors.New("the record does not stand where this step begins")
)

// Move is one step of a record that comes in without a processor: what it would book, and what becomes of the record.
// It is planned on the record as it stands and changes nothing until Book.
type Move struct {
	Object string // the record: "lot:0190…"
	Act    string // the step, as the record's history calls it
	Note   string // of the history, at most 400 characters; no names of natural persons
	Amount int64  // minor units of the book's currency; zero when no money is spoken of
	Kind   ledger.Kind
	Day    time.Time
	Late   time.Time     // see [ledger.Entry]: the open day on which it is booked when that of Day is closed for good
	Lines  []ledger.Line // one balanced entry; none books nothing
	Gift   *Paid         // booked by Book instead of Lines
	Refund *Refunded     // booked by BookRefunds; Lines only show it
	// Reverse is the entry that the step takes back by its mirror (红字冲销), for Reason; Lines only show it.
	Reverse uuid.UUID
	Reason  string
	Source  string // kind of the source document on the voucher; empty: "offline"
	// Payee is who gains by the step, or whose bank details it changes; empty for nobody.
	Payee string
	// Settle writes what the record becomes; entry is nil when nothing was booked. It refuses with ErrStep.
	Settle func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error
	// SettleAs is Settle where the record keeps who signed.
	SettleAs func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s Sign) error
}

// Sign says who stands behind a move.
type Sign struct {
	Key    uuid.UUID // of the step and its entry: the same key is carried out once
	By     uuid.UUID
	Second uuid.UUID // who confirmed or approved it; nil for nobody
	At     time.Time
	Made   string // names on the voucher
	Check  string
	// Summary is the voucher's, in the maker's language; the note or the kind's name when it is empty.
	Summary string
}

const (
	sqlStepInsert = `
insert into record_step (book_id, id, object, act, at, by_person, second_person, entry_id, amount, note, number)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (select coalesce(max(number), 0) + 1 from record_step where book_id = $1 and object = $3))
on conflict do nothing`

	sqlStepKnown = `select object, act, entry_id from record_step where book_id = $1 and id = $2`
)

// Book carries the move out inside tx: its entry, the record's new state and a line of its history. Repeated under the
// same key it answers as before. ErrStep, ErrRefReused, and what ledger.Post refuses.
func (m *Move) Book(ctx context.Context, tx pgx.Tx, book *ledger.Book, s Sign) (entry uuid.UUID, err error) {
	var object, act string
	var before *uuid.UUID
	err = tx.QueryRow(ctx, sqlStepKnown, book.ID, s.Key).Scan(&object, &act, &before)
	switch {
	case err == nil && (object != m.Object || act != m.Act):
		return uuid.Nil, fmt.Errorf("%w: step %s is %s of %s", ErrRefReused, s.Key, act, object)
	case err == nil:
		if before != nil {
			entry = *before
		}
		return entry, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return uuid.Nil, fmt.Errorf("read step: %w", err)
	}
	if entry, err = m.post(ctx, tx, book, s); err != nil {
		return uuid.Nil, err
	}
	if m.SettleAs != nil {
		err = m.SettleAs(ctx, tx, entry, s)
	} else {
		err = m.Settle(ctx, tx, entry)
	}
	if err != nil {
		return uuid.Nil, err
	}
	tag, err := tx.Exec(ctx, sqlStepInsert, book.ID, s.Key, m.Object, m.Act, s.At, s.By, idOrNull(s.Second), idOrNull(entry), m.Amount, m.Note)
	if err != nil {
		return uuid.Nil, fmt.Errorf("write step: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return uuid.Nil, fmt.Errorf("write step %s of %s: %w", m.Act, m.Object, ledger.ErrStale)
	}
	return entry, nil
}

func (m *Move) post(ctx context.Context, tx pgx.Tx, book *ledger.Book, s Sign) (uuid.UUID, error) {
	if m.Gift != nil {
		gift := *m.Gift
		gift.Actor = s.By
		out, err := Book(ctx, tx, book, []Paid{gift})
		if err != nil {
			return uuid.Nil, err
		}
		if out[0].Err == nil && out[0].Replayed { // this step is new, so another one brought this gift
			return uuid.Nil, fmt.Errorf("%w: %s %s", ErrRefReused, gift.Channel.Code(), gift.Ref)
		}
		return out[0].ID, out[0].Err
	}
	if m.Refund != nil {
		refund := *m.Refund
		refund.Actor = s.By
		out, err := BookRefunds(ctx, tx, book, []Refunded{refund})
		if err != nil {
			return uuid.Nil, err
		}
		return out[0].ID, out[0].Err
	}
	if len(m.Lines) == 0 {
		return uuid.Nil, nil
	}
	doc := ledger.Document{Summary: cmp.Or(s.Summary, m.Note, m.Kind.Name("zh-CN")), SourceKind: cmp.Or(m.Source, "offline"), SourceRef: m.Object, Reason: m.Reason, MadeBy: s.Made, CheckedBy: s.Check}
	if m.Reverse != uuid.Nil {
		r, err := ledger.Reverse(ctx, tx, book, m.Reverse, s.Key, m.Day, s.By, doc)
		return r.ID, err
	}
	r, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Key: s.Key, Kind: m.Kind, EffectiveOn: m.Day, Late: m.Late, Actor: s.By, Document: &doc, Lines: m.Lines})
	return r.ID, err
}

// Settled turns a statement that moved no row into ErrStep.
func Settled(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("settle record: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrStep
	}
	return nil
}

// Object names a record in its history and beside its papers.
func Object(kind string, id uuid.UUID) string { return kind + ":" + id.String() }

// Step is one line of a record's history.
type Step struct {
	Act    string
	At     time.Time
	By     uuid.UUID
	Second *uuid.UUID
	Entry  *uuid.UUID
	Amount int64
	Note   string
}

const sqlSteps = `
select act, at, by_person, second_person, entry_id, amount, note
  from record_step where book_id = $1 and object = $2
 order by number limit 500`

// Steps tells what happened to a record, oldest first.
func Steps(ctx context.Context, q pg.Querier, book *ledger.Book, object string) ([]Step, error) {
	rows, err := q.Query(ctx, sqlSteps, book.ID, object)
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Step])
}

// Refuse notes what is wrong with a field; params are name and value in turn.
func (e *FieldErrors) Refuse(field, key string, params ...string) {
	m := map[string]string{}
	for i := 0; i+1 < len(params); i += 2 {
		m[params[i]] = params[i+1]
	}
	e.add(field, key, m)
}

// Err is nil when nothing is wrong.
func (e *FieldErrors) Err() error {
	if len(e.List) == 0 {
		return nil
	}
	return e
}

// Text holds a text of a form to its limits.
func (e *FieldErrors) Text(field, text string, least, most int) {
	if n := len([]rune(text)); n < least || !storable(text, most) {
		e.Refuse(field, "offline.text.wrong", "least", fmt.Sprint(least), "most", fmt.Sprint(most))
	}
}

// Sum holds an amount of a form above zero.
func (e *FieldErrors) Sum(field string, minor int64) {
	if minor <= 0 || minor > ledger.AmountMax {
		e.Refuse(field, "offline.amount.wrong")
	}
}

// Giver is who stands on the other side of a record: a firm by its name, a natural person by the donor record alone.
type Giver struct {
	Firm  string
	Donor uuid.UUID // nil for none
}

// idOrNull is a parameter that may be missing.
func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Record reads the one record that a query finds, or ErrNoRecord.
func Record[T any](ctx context.Context, q pg.Querier, sql string, args ...any) (*T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return r, nil
}

// RecordsBefore reads a page of records whose ids lie before one: the query's parameters are book, id and how many.
func RecordsBefore[T any](ctx context.Context, q pg.Querier, sql string, book *ledger.Book, before uuid.UUID, limit int) ([]T, error) {
	rows, err := q.Query(ctx, sql, book.ID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// GeneralFund is the fund that answers for what belongs to no other, or ErrNoGeneral.
func GeneralFund(ctx context.Context, q pg.Querier, book *ledger.Book) (id int32, err error) {
	err = q.QueryRow(ctx, sqlGeneralFund, book.ID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrNoGeneral
	}
	if err != nil {
		return 0, fmt.Errorf("read general fund: %w", err)
	}
	return id, nil
}

const sqlStepEntry = `
select entry_id from record_step where book_id = $1 and object = $2 and act = $3 and entry_id is not null order by number desc limit 1`

// TakeBack plans the reversal of the entry that the last step of that name made; m says the rest. ErrStep when it made none.
func TakeBack(ctx context.Context, q pg.Querier, book *ledger.Book, m Move, act string) (*Move, error) {
	err := q.QueryRow(ctx, sqlStepEntry, book.ID, m.Object, act).Scan(&m.Reverse)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrStep
	}
	if err != nil {
		return nil, fmt.Errorf("read step: %w", err)
	}
	original, err := ledger.ReadEntry(ctx, q, book, m.Reverse)
	if err != nil {
		return nil, err
	}
	m.Kind, m.Lines = ledger.KindCorrection, ledger.Mirror(original)
	return &m, nil
}

const sqlStepTaken = `select exists (select from record_step where book_id = $1 and id = $2)`

// StepTaken tells whether a step was carried out under the key.
func StepTaken(ctx context.Context, q pg.Querier, book *ledger.Book, key uuid.UUID) (taken bool, err error) {
	if err := q.QueryRow(ctx, sqlStepTaken, book.ID, key).Scan(&taken); err != nil {
		return false, fmt.Errorf("read step: %w", err)
	}
	return taken, nil
}
