package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

type receiptBatchView struct {
	Page
	Batch       batchRow
	Facts       []Fact
	Mailing     bool // letters are under way
	Failed      []failedLetterRow
	First, Next string
	MayMail     bool // letters can be begun
	MayRetry    bool
	MayWrite    bool
	Unsent      bool // a book of the sandbox sends no mail
}

type failedLetterRow struct {
	receipts.FailedLetter
	receiptRow
}

// receiptBatchShow answers /console/receipt-batches/{id}: how far a batch and its letters are, and which letters did not go out.
func (v *visit) receiptBatchShow() error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return receipts.ErrNoBatch
	}
	var view receiptBatchView
	err = v.read(func(q pg.Querier) error { return v.readReceiptBatch(q, id, &view) })
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/receipt_batch", view)
}

func (v *visit) readReceiptBatch(q pg.Querier, id uuid.UUID, view *receiptBatchView) error {
	b, err := receipts.BatchByID(v.ctx(), q, v.book, id)
	if err != nil {
		return err
	}
	*view = receiptBatchView{Page: v.consolePage(T(v.lang, "batch.title", Day(v.lang, b.From), Day(v.lang, b.To)), "/console/receipts"),
		Batch: newBatchRow(b), MayWrite: v.who.May(staff.GiftWrite), Unsent: v.book.Sandbox}
	fact := func(key string, value any) {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, key), Value: T(v.lang, "batch.count", value)})
	}
	view.Facts = []Fact{{Term: T(v.lang, "batch.asked"), Value: When(v.lang, b.AskedAt, v.book.Zone)},
		{Term: T(v.lang, "batch.single"), Value: Amount(v.lang, money.Money{Minor: b.SingleMin, Currency: v.book.Currency})},
		{Term: T(v.lang, "batch.gifts"), Value: T(v.lang, "batch.of", b.Done, b.Total)}}
	view.MayMail = view.MayWrite && !b.Mail && b.State == receipts.Done
	if !b.Mail {
		return nil
	}
	letters, err := receipts.LettersOf(v.ctx(), q, v.book, &b)
	if err != nil {
		return err
	}
	fact("batch.letters", letters.Letters)
	fact("batch.letters.sent", letters.Sent)
	fact("batch.letters.waiting", letters.Waiting)
	fact("batch.letters.failed", letters.Failed)
	if letters.Dropped > 0 {
		fact("batch.letters.dropped", letters.Dropped)
	}
	fact("batch.letters.unaddressed", letters.Unaddressed)
	view.Mailing, view.MayRetry = !b.MailDone || letters.Waiting > 0, view.MayWrite && letters.Failed > 0
	return v.failedLetters(q, id, view)
}

func (v *visit) failedLetters(q pg.Querier, id uuid.UUID, view *receiptBatchView) error {
	var after *uuid.UUID
	if last, err := uuid.Parse(v.QueryParam("after")); err == nil {
		after, view.First = &last, v.firstPage("after", true)
	}
	failed, err := receipts.FailedLetters(v.ctx(), q, v.book, id, after, receiptPage+1)
	if err != nil {
		return err
	}
	if len(failed) > receiptPage {
		failed = failed[:receiptPage]
		view.Next = v.with("after", failed[receiptPage-1].Receipt.ID.String())
	}
	list := make([]receipts.Receipt, len(failed))
	for i := range failed {
		list[i] = failed[i].Receipt
	}
	rows, err := v.receiptsNamed(q, list)
	if err != nil {
		return err
	}
	for i := range failed {
		view.Failed = append(view.Failed, failedLetterRow{failed[i], rows[i]})
	}
	return nil
}

// receiptBatchMail begins the letters of a batch, or tries those again that were given up.
func (v *visit) receiptBatchMail() error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return receipts.ErrNoBatch
	}
	b, err := receipts.BatchByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		what, letters := "donation_receipt.mail", int64(0)
		if b.Mail {
			what = "donation_receipt.mail_again"
			letters, err = receipts.RetryLetters(v.ctx(), tx, v.book, id, v.now)
		} else {
			err = receipts.MailBatch(v.ctx(), tx, v.book, id)
		}
		if err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: what, Object: "receipt-batch:" + id.String(),
			Detail: map[string]any{"letters": letters}})
	})
	if err != nil && !errors.Is(err, receipts.ErrNoBatch) { // begun twice is begun
		return err
	}
	v.wakeReceipts()
	v.donorAsked()
	return v.see("/console/receipt-batches/" + id.String())
}
