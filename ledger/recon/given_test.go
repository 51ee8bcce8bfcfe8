package recon

// What the agreed sets and the tests of passes need: expectations written by hand, and what was seen of them. The program itself derives expectations
// from payments and bags, and books what was seen with what it corrects.

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Expectation is money that we expect to see at a bank, written before it moves.
type Expectation struct {
	Kind     string    // disbursement, deposit, refund
	Key      string    // our number
	Ref      string    // what the line repeats, such as the end-to-end id
	Batch    string    // of several that move in one line; empty: alone
	SourceID int32     // the account; 0: any of the currency
	Amount   int64     // minor units of Currency; negative is money out
	Currency string    // ISO 4217
	Day      time.Time // of its approval
	DueOn    time.Time // after it, it is late; zero: three banking days
	Origin   uuid.UUID // the entry or record that it comes from; may be nil
	MadeBy   uuid.UUID
	MadeAt   time.Time
}

// ExpectationKinds are what can be expected.
var ExpectationKinds = []string{"disbursement", "deposit", "refund"}

const (
	sqlExpect = `
with made as (
  insert into expectation (book_id, id, kind, key, ref, batch, source_id, amount, ccy, day, due_on, origin, made_by, made_at)
  values ($1, recon_id(format('expectation:%s:%s:%s', $1::int4, $2::text, $3::text)), $2, $3, $4, $5, nullif($6::int4, 0), $7, $8, $9, $10, nullif($11, '00000000-0000-0000-0000-000000000000'::uuid), $12, $13)
  on conflict do nothing returning *
)
insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
select book_id, id, 3, 0, coalesce(source_id, 0), ref, batch, amount, ccy, 0, made_at, day, due_on, 'timing', made_at from made`

	sqlExpected = `select amount, ccy, ref from expectation where book_id = $1 and kind = $2 and key = $3`
)

// Expect writes money down that is to move. The same kind and key again changes nothing; giving.ErrStep when it says something else.
// *giving.FieldErrors.
func Expect(ctx context.Context, tx pgx.Tx, book *ledger.Book, e Expectation) error {
	var wrong giving.FieldErrors
	wrong.Text("key", e.Key, 1, 80)
	wrong.Text("ref", e.Ref, 0, 80)
	wrong.Text("batch", e.Batch, 0, 80)
	if !slices.Contains(ExpectationKinds, e.Kind) {
		wrong.Refuse("kind", "recon.choice.wrong")
	}
	if e.Amount == 0 || e.Amount > ledger.AmountMax || e.Amount < -ledger.AmountMax {
		wrong.Refuse("amount", "recon.choice.wrong")
	}
	if _, ok := money.Lookup(e.Currency); !ok {
		wrong.Refuse("currency", "recon.currency.wrong")
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	if e.DueOn.IsZero() {
		days, err := BankDays(ctx, tx, book, e.Day)
		if err != nil {
			return err
		}
		e.DueOn = days.After(e.Day, staleDays)
	}
	tag, err := tx.Exec(ctx, sqlExpect, book.ID, e.Kind, e.Key, e.Ref, e.Batch, e.SourceID, e.Amount, e.Currency, e.Day, e.DueOn, e.Origin, e.MadeBy, e.MadeAt)
	if err != nil {
		return fmt.Errorf("write expectation: %w", err)
	}
	if tag.RowsAffected() > 0 {
		return nil
	}
	var amount int64
	var ccy, ref string
	if err := tx.QueryRow(ctx, sqlExpected, book.ID, e.Kind, e.Key).Scan(&amount, &ccy, &ref); err != nil {
		return fmt.Errorf("read expectation: %w", err)
	}
	if amount != e.Amount || ccy != e.Currency || ref != e.Ref {
		return giving.ErrStep
	}
	return nil
}

// ErrPaymentFile means that a file of approved payments cannot be read; the message names the line.
var ErrPaymentFile = errors.New("file of approved payments cannot be read")

// paymentColumns are the columns of a file of approved payments. Payee and account are told for people; they are not kept here.
var paymentColumns = []string{"pay_no", "approved_on", "payee", "account_masked", "amount", "project", "end_to_end_id"}

// paymentsMax bounds a file.
const paymentsMax = 100_000

// ids of payments that leave in one batch share what stands before the number.
var batchID = regexp.MustCompile(`^(.{4,})-[0-9]{3}$`)

// ImportPayments takes approved payments from a CSV file as expectations: money that is to leave a bank account, known by its end-to-end id. The same
// payment again changes nothing. It returns how many lines it read. ErrPaymentFile; giving.ErrStep when a number comes with another amount.
func ImportPayments(ctx context.Context, tx pgx.Tx, book *ledger.Book, r io.Reader, by uuid.UUID, now time.Time) (int, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil || !slices.Equal(header, paymentColumns) {
		return 0, fmt.Errorf("%w: columns", ErrPaymentFile)
	}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil || n == paymentsMax {
			return n, fmt.Errorf("%w: line %d", ErrPaymentFile, n+2)
		}
		day, err := time.Parse(time.DateOnly, row[1])
		if err != nil {
			return n, fmt.Errorf("%w: line %d: approved_on", ErrPaymentFile, n+2)
		}
		amount, err := money.Parse(row[4], book.Currency)
		if err != nil || amount <= 0 {
			return n, fmt.Errorf("%w: line %d: amount", ErrPaymentFile, n+2)
		}
		e := Expectation{Kind: "disbursement", Key: row[0], Ref: row[6], Amount: -amount, Currency: book.Currency, Day: day, MadeBy: by, MadeAt: now}
		if found := batchID.FindStringSubmatch(e.Ref); found != nil {
			e.Batch = found[1]
		}
		if err := Expect(ctx, tx, book, e); err != nil {
			return n, fmt.Errorf("line %d: %w", n+2, err)
		}
	}
}

const sqlSeen = `
select e.id, e.kind, e.origin, e.key, l.source_id, l.line_key, l.booked_on, e.amount, o.amount,
       coalesce(nullif(l.ext_id, ''), nullif(l.end_to_end, ''), encode(substring(l.line_key from 1 for 8), 'hex'))
  from (select d.id as origin, -d.amount as amount from disbursement d where d.book_id = $1 and d.state = 'sent'
        union all select c.id, c.amount from cash_deposit c where c.book_id = $1 and c.state = 'carried') o
  join expectation e on e.book_id = $1 and e.origin = o.origin
  join recon_member m on m.book_id = $1 and m.ours = e.id and m.part = 0 and m.live
  join recon_member t on t.book_id = $1 and t.live and t.line_key is not null and (t.group_id = m.group_id or m.group_id is null and t.source_id = m.source_id and t.line_key = m.line_key)
  join ext_line l on l.book_id = $1 and l.source_id = t.source_id and l.line_key = t.line_key
 where e.kind = $2
 order by l.booked_on, e.id limit $3`

// Seen is a payment that was sent, or a bag that was carried, whose line at a bank is there and matched: it can be booked as paid or as banked.
type Seen struct {
	Expectation uuid.UUID
	Kind        string    // disbursement, deposit
	Origin      uuid.UUID // the payment (projects.PaymentByID) or the deposit (payments.DepositByID)
	Key         string
	SourceID    int32
	Line        []byte
	Day         time.Time // of the line
	Amount      int64     // expected, minor units; negative is money out
	Sent        int64     // as it was sent or carried, with the same sign
	Ref         string    // the bank's number of the line, else what it repeats of ours, else the beginning of its key; of a batch the same for all
}

// SeenAtBank lists payments (kind disbursement) that are sent and not yet paid, or bags (kind deposit) that are carried and not yet banked, for which a line
// is matched; oldest first.
func SeenAtBank(ctx context.Context, q pg.Querier, book *ledger.Book, kind string, limit int) ([]Seen, error) {
	rows, err := q.Query(ctx, sqlSeen, book.ID, kind, min(max(limit, 1), seenMax))
	if err != nil {
		return nil, fmt.Errorf("list payments seen at the bank: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Seen])
}

// seenMax bounds what one call lists.
const seenMax = 1000
