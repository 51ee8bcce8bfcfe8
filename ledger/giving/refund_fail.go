package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/law"
)

// ErrNoRefund means that no refund is booked under the reference.
var ErrNoRefund = errors.New("no such refund")

// StandingRefund stands in SQL for the refunds that stand: what a processor could not carry out was given back to nobody. Everything
// that asks what is left of a gift asks here.
const StandingRefund = law.StandingRefund

const (
	sqlRefundByRef = `select id from refund where book_id = $1 and channel = $2 and ref = $3`

	sqlRefundFailureInsert = `
insert into refund_failure (book_id, refund_id, entry_id, failed_at, reason) values ($1, $2, $3, $4, $5)
    on conflict (book_id, refund_id) do nothing`
)

// RefundFailure is a refund that its channel could not carry out after all.
type RefundFailure struct {
	Channel Channel
	Ref     string // of the refund
	At      time.Time
	On      time.Time // business day to book on; zero: that of At
	Reason  string    // as the processor calls it
	By      string    // who says so, for the voucher
}

// FailRefund takes the entry of a refund back: the gift is whole again. It gives the reversal's entry; the same failure again
// gives the same one. ErrNoRefund when the refund is not booked.
func FailRefund(ctx context.Context, tx pgx.Tx, book *ledger.Book, f RefundFailure) (uuid.UUID, error) {
	if _, err := tx.Exec(ctx, sqlLock, book.ID, lockRefunds); err != nil {
		return uuid.Nil, fmt.Errorf("lock refunds: %w", err)
	}
	var refund uuid.UUID
	err := tx.QueryRow(ctx, sqlRefundByRef, book.ID, int16(f.Channel), f.Ref).Scan(&refund)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("%w: %s %s", ErrNoRefund, f.Channel.Code(), f.Ref)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("read refund: %w", err)
	}
	key := derivedID(book, "refund-failed", f.At, reference{f.Channel, f.Ref})
	posted, err := ledger.Reverse(ctx, tx, book, refund, key, dayOr(book, f.On, f.At), uuid.Nil, ledger.Document{
		Summary: "退款未成功，冲回 Refund failed, taken back: " + f.Ref, SourceKind: "refund-failed", SourceRef: f.Ref, Reason: f.Reason, MadeBy: f.By})
	if err != nil {
		return uuid.Nil, err
	}
	if _, err := tx.Exec(ctx, sqlRefundFailureInsert, book.ID, refund, posted.ID, f.At, f.Reason); err != nil {
		return uuid.Nil, fmt.Errorf("note failed refund: %w", err)
	}
	return posted.ID, nil
}

// Stake is what a processor's row about a gift needs to know of it. Amounts are minor units of Currency.
type Stake struct {
	ID        uuid.UUID
	FundID    int32
	FeeBearer string
	General   int32 // the fund that bears what is not the gift's; zero: the book has none
	Currency  string
	Left      int64 // the gift less what was given back
}

// Share says whose money a row moved at the processor, of gross and its fee: the gift's fund gets it less the fee, unless its donors cover the fee, which then
// comes to the general fund with what they paid on top (cover). Of a refund all are of the other sign. Minor units.
func (s Stake) Share(gross, fee, cover int64) (fund, general int64) {
	if s.FeeBearer == ledger.FeeByDonor {
		return gross - cover, cover - fee
	}
	return gross - fee, 0
}

const sqlStake = `
select g.id, g.fund_id, f.fee_bearer, coalesce((select min(fund_id) from fund where book_id = $1 and kind = 'general'), 0), g.ccy,
       g.amount - coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0)::int8
  from gift g join fund f on f.book_id = $1 and f.fund_id = g.fund_id
 where g.book_id = $1 and g.channel = $2 and g.ref = $3`

// StakeOf reads the gift that is booked under a reference of a channel, or ErrNoGift. Inside a transaction it waits for refunds
// of the book that are under way.
func StakeOf(ctx context.Context, tx pgx.Tx, book *ledger.Book, channel Channel, ref string) (Stake, error) {
	if _, err := tx.Exec(ctx, sqlLock, book.ID, lockRefunds); err != nil {
		return Stake{}, fmt.Errorf("lock refunds: %w", err)
	}
	rows, err := tx.Query(ctx, sqlStake, book.ID, int16(channel), ref)
	if err != nil {
		return Stake{}, fmt.Errorf("read gift: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Stake])
	if errors.Is(err, pgx.ErrNoRows) {
		return Stake{}, fmt.Errorf("%w: %s %s", ErrNoGift, channel.Code(), ref)
	}
	if err != nil {
		return Stake{}, fmt.Errorf("read gift: %w", err)
	}
	return s, nil
}
