// Package receipts issues donation receipts (公益事业捐赠票据): numbers from ranges that the finance department allots, one after
// the other and without a hole; one receipt for a gift, or a merged one for the nameless gifts of a day; void and successor
// instead of any change. Names of payers are kept with the donors, apart.
package receipts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Refusals about numbers.
var (
	// ErrRange means a code that is no code, or numbers that are none or run backwards. Say so at the form.
	ErrRange = errors.New("not a range of receipt numbers")
	// ErrOverlap means that some of the numbers were entered before under the same code.
	ErrOverlap = errors.New("receipt numbers were entered before")
	// ErrNoNumbers means that all allotted numbers are used. Enter the next range.
	ErrNoNumbers = errors.New("no receipt numbers left")
)

// NumberMax is the greatest number a receipt may carry.
const NumberMax = 9_999_999_999

// Range is a run of numbers as allotted, both ends included.
type Range struct {
	ID          int32
	Code        string // 票据代码
	First, Last int64
	Digits      int16 // numbers are printed this wide
	AllottedOn  time.Time
	MadeBy      uuid.UUID
	MadeAt      time.Time
	Used        int64 // receipts issued, voided ones too
	Voided      int64
}

// Left is how many numbers are still to be used.
func (r Range) Left() int64 { return r.Last - r.First + 1 - r.Used }

// Print spells a number of the range as it stands on paper.
func (r Range) Print(number int64) string { return printed(number, r.Digits) }

func printed(number int64, digits int16) string { return fmt.Sprintf("%0*d", digits, number) }

var codeText = regexp.MustCompile(`^[0-9A-Z]{4,20}$`)

const (
	sqlRangeOverlap = `select exists (select from receipt_range where book_id = $1 and code = $2 and first_number <= $4 and last_number >= $3)`

	sqlRangeInsert = `
insert into receipt_range (book_id, range_id, code, first_number, last_number, digits, allotted_on, made_by, made_at)
values ($1, (select coalesce(max(range_id), 0) + 1 from receipt_range where book_id = $1), $2, $3, $4, $5, $6, $7, $8)
returning range_id`

	// Numbers are used in order, so the last one used says how many were.
	sqlRanges = `
select r.range_id, r.code, r.first_number, r.last_number, r.digits, r.allotted_on, r.made_by, r.made_at,
       coalesce(u.last, r.first_number - 1) - r.first_number + 1, coalesce(v.n, 0)
  from receipt_range r
  left join lateral (select max(number) as last from receipt i where i.book_id = $1 and i.range_id = r.range_id) u on true
  left join (select i.range_id, count(*) as n
               from receipt_void v join receipt i on i.book_id = $1 and i.id = v.receipt_id
              where v.book_id = $1 group by 1) v on v.range_id = r.range_id
 where r.book_id = $1
 order by r.range_id`
)

// AddRange enters numbers that were allotted. ErrRange, ErrOverlap.
func AddRange(ctx context.Context, tx pgx.Tx, book *ledger.Book, r Range, now time.Time) (Range, error) {
	if !codeText.MatchString(r.Code) || r.First < 1 || r.Last < r.First || r.Last > NumberMax || r.AllottedOn.IsZero() {
		return r, ErrRange
	}
	if r.Digits < 1 || r.Digits > 10 || len(fmt.Sprint(r.Last)) > int(r.Digits) {
		return r, fmt.Errorf("%w: %d digits", ErrRange, r.Digits)
	}
	if err := lock(ctx, tx, book); err != nil {
		return r, err
	}
	var overlaps bool
	if err := tx.QueryRow(ctx, sqlRangeOverlap, book.ID, r.Code, r.First, r.Last).Scan(&overlaps); err != nil {
		return r, fmt.Errorf("look for overlapping receipt numbers: %w", err)
	}
	if overlaps {
		return r, ErrOverlap
	}
	r.MadeAt = now
	err := tx.QueryRow(ctx, sqlRangeInsert, book.ID, r.Code, r.First, r.Last, r.Digits, r.AllottedOn, r.MadeBy, now).Scan(&r.ID)
	if err != nil {
		return r, fmt.Errorf("enter receipt numbers: %w", err)
	}
	return r, nil
}

// Ranges lists all numbers allotted, in the order of use.
func Ranges(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Range, error) {
	rows, err := q.Query(ctx, sqlRanges, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list receipt numbers: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Range])
	if err != nil {
		return nil, fmt.Errorf("list receipt numbers: %w", err)
	}
	return list, nil
}

// Available tells whether a number is left.
func Available(ctx context.Context, q pg.Querier, book *ledger.Book) (bool, error) {
	ranges, err := Ranges(ctx, q, book)
	for _, r := range ranges {
		if r.Left() > 0 {
			return true, nil
		}
	}
	return false, err
}

// lockReceipts is the second key of the advisory lock under which a book's receipts are issued and voided one after
// another, apart from the lanes that entries are posted in.
const lockReceipts = 1 << 20

const sqlLock = `select pg_advisory_xact_lock($1, $2)`

func lock(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	if _, err := tx.Exec(ctx, sqlLock, book.ID, lockReceipts); err != nil {
		return fmt.Errorf("lock receipts: %w", err)
	}
	return nil
}

// number is one number to be used.
type number struct {
	rangeID int32
	number  int64
	code    string
	digits  int16
}

// take gives the next n numbers under the lock; they are used by inserting receipts in this very transaction. ErrNoNumbers
// when fewer are left.
func take(ctx context.Context, tx pgx.Tx, book *ledger.Book, n int) ([]number, error) {
	ranges, err := Ranges(ctx, tx, book)
	if err != nil {
		return nil, err
	}
	taken := make([]number, 0, n)
	for _, r := range ranges {
		for next := r.First + r.Used; next <= r.Last && len(taken) < n; next++ {
			taken = append(taken, number{r.ID, next, r.Code, r.Digits})
		}
	}
	if len(taken) < n {
		return nil, fmt.Errorf("%w: %d wanted, %d left", ErrNoNumbers, n, len(taken))
	}
	return taken, nil
}
