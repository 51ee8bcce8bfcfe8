package recon

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

const (
	// Payments that went to the bank on days of which statements of that account are here, and that nobody has expected yet.
	sqlPaymentsSent = `
select d.id, d.number, d.amount, s.id, d.sent_on, d.asked_by, coalesce('PL' || b.number, ''), coalesce(b.payments, 1)
  from disbursement d
  join source_account s on s.book_id = $1 and s.chart = d.bank
  left join disbursement_batch b on b.book_id = $1 and b.id = d.batch_id
 where d.book_id = $1 and d.state in ('sent', 'paid') and d.sent_on >= (select min(t.from_on) from source_statement t where t.book_id = $1 and t.source_id = s.id)
   and not exists (select from expectation e where e.book_id = $1 and e.kind = 'disbursement' and e.key = 'FK' || d.number)
 order by d.number limit 1000`

	// A payment that came back before the bank had it is not expected any more.
	sqlPaymentsBack = `
delete from open_ours o using expectation e, disbursement d
 where o.book_id = $1 and e.book_id = $1 and d.book_id = $1 and o.id = e.id and o.kind = 3 and e.kind = 'disbursement' and e.origin = d.id and d.state = 'bounced' and d.paid_on is null`
)

// ExpectPayments expects every payment that was sent to a bank whose account is tied to the book: its line repeats the payment's number (the end-to-end id of
// the file) or the batch's. It tells how many are new.
func ExpectPayments(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (int, error) {
	type sent struct {
		ID      uuid.UUID
		Number  int32
		Amount  int64
		Source  int32
		On      time.Time
		By      uuid.UUID
		Batch   string
		Members int32
	}
	if _, err := tx.Exec(ctx, sqlPaymentsBack, book.ID); err != nil {
		return 0, fmt.Errorf("expect payments: %w", err)
	}
	rows, err := tx.Query(ctx, sqlPaymentsSent, book.ID)
	if err != nil {
		return 0, fmt.Errorf("expect payments: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sent])
	if err != nil {
		return 0, fmt.Errorf("expect payments: %w", err)
	}
	for _, p := range list {
		name := fmt.Sprintf("FK%d", p.Number)
		e := Expectation{Kind: "disbursement", Key: name, Ref: name, SourceID: p.Source, Amount: -p.Amount, Currency: book.Currency, Day: p.On, Origin: p.ID, MadeBy: p.By, MadeAt: now}
		if p.Members > 1 {
			e.Batch = p.Batch
		}
		if err := Expect(ctx, tx, book, e); err != nil {
			return 0, fmt.Errorf("expect payment %s: %w", name, err)
		}
	}
	return len(list), nil
}
