package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ErrAnswer means that a refund is declined without a reason for the donor, or with one longer than NoteMax.
var ErrAnswer = errors.New("a refund is declined with a reason of at most 500 characters")

const (
	sqlOrderDecline = `
update refund_order set state = 'declined', answer = $3, ended_at = $4
 where book_id = $1 and id = $2 and state = 'asked'
returning gift_id`

	// What staff made of a donor's asking came to nothing: the donor is still owed an answer, unless a later asking waits for one.
	sqlOrderAskedAgain = `
update refund_order o
   set state = 'asked', amount = coalesce(o.asked_amount, o.amount), reason = case when o.asked_reason = '' then o.reason else o.asked_reason end,
       note = o.asked_note
 where o.book_id = $1 and o.id = $2 and o.state = 'requested' and o.by_donor
   and not exists (select from refund_order a where a.book_id = o.book_id and a.gift_id = o.gift_id and a.state = 'asked')`
)

// DeclineRefund ends what a donor asked for with a reason, which the donor reads on the gift's page and in a letter when an address is
// known. It tells whether a letter goes out. No money moves, so one person may. ErrAnswer, ErrOrderState.
func DeclineRefund(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, answer string, now time.Time) (written bool, err error) {
	answer = strings.TrimSpace(answer)
	if answer == "" || utf8.RuneCountInString(answer) > NoteMax {
		return false, ErrAnswer
	}
	var gift uuid.UUID
	err = tx.QueryRow(ctx, sqlOrderDecline, book.ID, id, answer, now).Scan(&gift)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("%w: %s", ErrOrderState, id)
	}
	if err != nil {
		return false, fmt.Errorf("decline refund: %w", err)
	}
	r, err := giving.GiftByID(ctx, tx, book, gift)
	if err != nil || r.Gift.Email == "" {
		return false, err
	}
	lang := ""
	if c, err := giving.CheckoutByID(ctx, tx, book, gift); err == nil {
		lang = c.Lang
	} else if !errors.Is(err, giving.ErrNoCheckout) { // it came by another way than the form
		return false, err
	}
	return true, giving.PostLetter(ctx, tx, book, giving.Letter{Donor: r.Gift.Donor, Kind: giving.DeclinedLetter, About: id, Lang: lang}, now)
}

// DropRequest ends what staff asked a second person for and did not get. What a donor had asked waits for an answer again.
func DropRequest(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlOrderAskedAgain, book.ID, id)
	if err != nil {
		return fmt.Errorf("drop refund: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	return move(ctx, tx, book, id, []string{string(OrderRequested)}, OrderDeclined, now)
}

// What a line of a gift's history says, beside the states of an order.
const (
	HappenedBack    = "refunded"
	HappenedDispute = "disputed"
)

// Happened is one line of what was asked, decided and given back of a gift.
type Happened struct {
	At     time.Time
	What   string // a state of an order, HappenedBack or HappenedDispute
	Amount int64  // minor units of the gift's currency
	Answer string // why it was declined, as the donor is told
}

// HistoryOf is what happened with refunds of a gift, the earliest first. Donor, accountant and API all read these lines; the donor's
// note and staff's are not among them.
func HistoryOf(ctx context.Context, q pg.Querier, book *ledger.Book, r *giving.Receipt) ([]Happened, error) {
	orders, err := OrdersOf(ctx, q, book, r.Gift.ID)
	if err != nil {
		return nil, err
	}
	var lines []Happened
	for _, back := range r.Refunds {
		what := HappenedBack
		if back.Cause == giving.Disputed {
			what = HappenedDispute
		}
		lines = append(lines, Happened{At: back.RefundedAt, What: what, Amount: back.Amount})
	}
	for _, o := range orders {
		if o.ByDonor {
			lines = append(lines, Happened{At: o.AskedAt, What: string(OrderAsked), Amount: o.Asked})
		}
		if o.State != OrderAsked && o.State != OrderSucceeded { // what succeeded stands among the refunds
			lines = append(lines, Happened{At: o.latest(), What: string(o.State), Amount: o.Amount, Answer: o.Answer})
		}
	}
	slices.SortStableFunc(lines, func(a, b Happened) int { return a.At.Compare(b.At) })
	return lines, nil
}

// sqlOrdersAskedBy gives each asking in the donor's own words, whatever staff made of it.
const sqlOrdersAskedBy = `
select o.id, o.gift_id, coalesce(o.asked_amount, o.amount), o.ccy, case when o.asked_reason = '' then o.reason else o.asked_reason end,
       case when o.asked_reason = '' then o.note else o.asked_note end, o.by_donor, o.state, o.ref, o.asked_at, o.sent_at, o.ended_at, '',
       coalesce(o.asked_amount, o.amount), o.answer
  from gift g join refund_order o on o.book_id = g.book_id and o.gift_id = g.id
 where g.book_id = $1 and g.donor_id = any($2::uuid[]) and o.by_donor order by o.asked_at, o.id`

// AskedBy lists what donors asked back, as they asked it, the earliest first.
func AskedBy(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID) ([]Order, error) {
	return orders(ctx, q, sqlOrdersAskedBy, book.ID, donors)
}

// latest is when an order came to where it stands.
func (o *Order) latest() time.Time {
	switch {
	case o.EndedAt != nil:
		return *o.EndedAt
	case o.SentAt != nil:
		return *o.SentAt
	}
	return o.AskedAt
}
