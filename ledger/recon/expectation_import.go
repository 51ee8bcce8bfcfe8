package recon

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

	"sunfund/ledger"
	"sunfund/ledger/money"
)

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
