package demo

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/receipts"
)

// receiptNumbers are those that the finance department of the story allotted.
var receiptNumbers = receipts.Range{Code: "50010125", First: 20001, Last: 30000, Digits: 10, AllottedOn: ledger.Day(2025, 9, 1)}

// firstReceipts asks for receipts for the gifts of September 2025. The service issues them while it runs.
func (l *loader) firstReceipts(ctx context.Context) error {
	b := receipts.Batch{ID: key("receipts of 2025"), From: ledger.Day(2025, 9, 5), To: ledger.Day(2025, 9, 16), SingleMin: 50_00, AskedBy: l.persons["wang"]}
	if b.AskedBy == uuid.Nil {
		return errors.New("nobody is there to ask for receipts")
	}
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		_, err := receipts.StartBatch(ctx, tx, l.book, b, l.now)
		return err
	})
}
