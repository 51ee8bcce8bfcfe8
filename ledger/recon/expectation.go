package recon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

// staleDays is how many banking days a payment may take.
const staleDays = 3

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
