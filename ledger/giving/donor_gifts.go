package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// YearSum is what donors gave in one calendar year of the book's zone, in one currency.
type YearSum struct {
	Year            int
	Currency        string
	Gifts           int64
	Given, Refunded int64 // minor units of Currency
}

// Wish is what a donor wished of the name on a gift, later than with the gift.
type Wish struct {
	Gift      uuid.UUID
	Anonymous bool
	At        time.Time
}

const (
	sqlYearsOfDonors = `
select extract(year from g.paid_at at time zone $3)::int4, g.ccy, count(*), sum(g.amount)::int8,
       coalesce(sum((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id)), 0)::int8
  from gift g where g.book_id = $1 and g.donor_id = any($2::uuid[]) group by 1, 2 order by 1 desc, 2`

	sqlGiftsOfSpan = `
select ` + giftColumns + ` from ` + giftTables + `
 where g.book_id = $1 and g.donor_id = any($2::uuid[]) and g.id > $3 and g.paid_at >= $4 and g.paid_at < $5 order by g.id limit $6`

	sqlGiftOfDonors = `
select ` + giftColumns + ` from ` + giftTables + ` where g.book_id = $1 and g.id = $2 and g.donor_id = any($3::uuid[])`

	sqlWishesOfDonors = `
select w.gift_id, w.anonymous, w.wished_at
  from gift g join gift_wish w on w.book_id = g.book_id and w.gift_id = g.id
 where g.book_id = $1 and g.donor_id = any($2::uuid[]) order by w.wished_at, w.gift_id, w.n`
)

// YearsOf adds up what donors gave, the latest year first: all of it, however many gifts they are.
func YearsOf(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID) ([]YearSum, error) {
	rows, err := q.Query(ctx, sqlYearsOfDonors, book.ID, donors, book.Zone.String())
	if err != nil {
		return nil, fmt.Errorf("add up gifts of a donor: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[YearSum])
	if err != nil {
		return nil, fmt.Errorf("add up gifts of a donor: %w", err)
	}
	return list, nil
}

// GiftsPaid lists up to limit gifts of donors paid from one instant up to another, the earliest started first, after the one named (nil
// id: from the start).
func GiftsPaid(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID, from, to time.Time, after uuid.UUID, limit int) ([]Gift, error) {
	rows, err := q.Query(ctx, sqlGiftsOfSpan, book.ID, donors, after, from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("list gifts of a donor: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanGift(book))
	if err != nil {
		return nil, fmt.Errorf("list gifts of a donor: %w", err)
	}
	return list, nil
}

// EachGift calls each with all gifts of donors, the earliest started first, a thousand in memory at a time.
func EachGift(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID, each func(*Gift) error) error {
	var after uuid.UUID
	for {
		list, err := GiftsPaid(ctx, q, book, donors, time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), after, recordMax)
		if err != nil {
			return err
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < recordMax {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

// GiftOf is a gift of one of the donors, or ErrNoGift.
func GiftOf(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID, gift uuid.UUID) (*Gift, error) {
	return oneGift(ctx, q, book, sqlGiftOfDonors, book.ID, gift, donors)
}

// StartedBy lists what donors began and did not finish, the latest first.
func StartedBy(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID) ([]Checkout, error) {
	rows, err := q.Query(ctx, sqlCheckoutsOfDonors, book.ID, donors, len(donors)) // each donor began one at most
	if err != nil {
		return nil, fmt.Errorf("list started gifts of a donor: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanCheckout(book))
	if err != nil {
		return nil, fmt.Errorf("list started gifts of a donor: %w", err)
	}
	return list, nil
}

// WishesOf lists what donors wished of the names on their gifts, the earliest first.
func WishesOf(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID) ([]Wish, error) {
	rows, err := q.Query(ctx, sqlWishesOfDonors, book.ID, donors)
	if err != nil {
		return nil, fmt.Errorf("list wishes of a donor: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Wish])
	if err != nil {
		return nil, fmt.Errorf("list wishes of a donor: %w", err)
	}
	return list, nil
}
