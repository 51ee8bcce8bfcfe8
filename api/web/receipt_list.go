package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// receiptPage is how many receipts one page lists; batchesShown how many batches.
const (
	receiptPage  = 50
	batchesShown = 10
)

type receiptListView struct {
	Page
	From, To, State, Number string
	States                  []Option
	Ranges                  []rangeRow
	Batches                 []batchRow
	Running                 bool
	Rows                    []receiptRow
	Caption                 Caption
	First, Next             string
	Empty                   Empty
	MayWrite                bool
	Form                    string
	Batch                   batchForm
	Range                   rangeForm
}

// rangeRow is a range of numbers, as printed.
type rangeRow struct {
	receipts.Range
	FirstText, LastText, NextText string
}

type batchRow struct {
	receipts.Batch
	Percent int64
}

func newBatchRow(b receipts.Batch) batchRow {
	row := batchRow{Batch: b, Percent: 100}
	if b.Total > 0 {
		row.Percent = min(100, b.Done*100/b.Total)
	}
	return row
}

type receiptRow struct {
	receipts.Receipt
	Payer  string
	Amount money.Money
}

type batchForm struct {
	From, To, SingleMin string
	Mail                []Option
}

type rangeForm struct{ Code, First, Last, AllottedOn string }

// receiptList shows numbers, batches and receipts.
func (v *visit) receiptList() error { return v.receiptsAgain(http.StatusOK, nil) }

func (v *visit) receiptsAgain(status int, wrong Errors) error {
	view := receiptListView{Page: v.consolePage(T(v.lang, "place.receipts"), "/console/receipts"), From: v.queried("from"), To: v.queried("to"),
		State: v.queried("state"), Number: v.queried("number"), MayWrite: v.who.May(staff.GiftWrite), Form: newForm(),
		Batch: batchForm{From: v.typed("batch_from", 20), To: v.typed("batch_to", 20), SingleMin: v.typed("single_min", 40)},
		Range: rangeForm{v.typed("code", 20), v.typed("first", 12), v.typed("last", 12), v.typed("allotted", 20)}}
	view.Errors = wrong
	view.Batch.Mail = []Option{{Value: "yes", Label: view.T("batch.mail.yes"), Chosen: v.FormValue("batch_mail") != ""}}
	view.States = []Option{{Value: "", Label: view.T("filter.all")}, {Value: "valid", Label: view.T("receipts.valid")}, {Value: "void", Label: view.T("receipts.void")}}
	filter := receipts.Filter{From: v.dayField(&view.Page, "from"), To: v.dayField(&view.Page, "to"), Limit: receiptPage + 1}
	if view.State == "valid" || view.State == "void" {
		filter.State = view.State
	}
	if view.Number != "" {
		n, err := strconv.ParseInt(view.Number, 10, 64)
		if err != nil || n < 1 {
			view.Errors.Add("number", view.T("receipts.number.wrong"))
		}
		filter.Number = n
	}
	if before, err := uuid.Parse(v.QueryParam("before")); err == nil {
		filter.Before, view.First = &before, v.firstPage("before", true)
	}
	if len(view.Errors) > 0 && status == http.StatusOK {
		status = http.StatusUnprocessableEntity
	}
	if v.QueryParam("format") == "csv" && len(view.Errors) == 0 {
		return fresh(func(v *visit) error { return v.receiptCSV(filter) })(v) // it holds names
	}
	if v.QueryParam("format") == "pdf" && len(view.Errors) == 0 {
		return fresh(func(v *visit) error { return v.receiptsPDF(filter) })(v)
	}
	if view.Batch.From == "" {
		if err := v.suggestBatch(&view.Batch); err != nil {
			return err
		}
	}
	if err := v.read(func(q pg.Querier) error { return v.receiptRows(q, &view, filter) }); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/receipt_list", view)
}

// queried is a filter of the address, never a field of a form that was sent to it.
func (v *visit) queried(name string) string { return oneLine(v.QueryParam(name), textMax) }

// suggestBatch fills in yesterday, and the amount below which a name is most often not asked for (R16).
func (v *visit) suggestBatch(f *batchForm) error {
	day := v.businessDay().AddDate(0, 0, -1)
	f.From, f.To = ISODay(day), ISODay(day)
	p, ok, err := law.Figure(v.ctx(), v.s.DB, v.book, "R16", "single_from", day)
	if ok {
		f.SingleMin = p.Value
	}
	return err
}

func (v *visit) receiptRows(q pg.Querier, view *receiptListView, filter receipts.Filter) error {
	ranges, err := receipts.Ranges(v.ctx(), q, v.book)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		row := rangeRow{Range: r, FirstText: r.Print(r.First), LastText: r.Print(r.Last)}
		if r.Left() > 0 {
			row.NextText = r.Print(r.First + r.Used)
		}
		view.Ranges = append(view.Ranges, row)
	}
	batches, err := receipts.Batches(v.ctx(), q, v.book, batchesShown)
	if err != nil {
		return err
	}
	for _, b := range batches {
		view.Running = view.Running || b.State == receipts.Running
		view.Batches = append(view.Batches, newBatchRow(b))
	}
	list, err := receipts.List(v.ctx(), q, v.book, filter)
	if err != nil {
		return err
	}
	if len(list) > receiptPage {
		list = list[:receiptPage]
		view.Next = v.with("before", list[receiptPage-1].ID.String())
	}
	if view.Rows, err = v.receiptsNamed(q, list); err != nil {
		return err
	}
	view.Caption = Caption{Title: view.T("receipts.issued"), Unit: Unit(v.lang, v.book.Currency),
		Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "before", "")}}}
	if len(v.s.Font) > 0 && len(list) > 0 {
		view.Caption.Exports = append(view.Caption.Exports, Link{view.T("receipts.pdf", pdfMax), v.with("format", "pdf", "before", "")})
	}
	view.Empty = Empty{Text: view.T("receipts.empty")}
	if !view.MayWrite {
		view.Empty = Empty{Text: view.T("receipts.empty.read")}
	}
	if view.From+view.To+view.State+view.Number != "" {
		view.Empty = Empty{Text: view.T("receipts.none"), Action: &Link{view.T("filter.clear"), "/console/receipts"}}
	}
	return nil
}

func (v *visit) receiptsNamed(q pg.Querier, list []receipts.Receipt) ([]receiptRow, error) {
	ptrs := make([]*receipts.Receipt, len(list))
	for i := range list {
		ptrs[i] = &list[i]
	}
	if err := receipts.Names(v.ctx(), q, v.book, ptrs...); err != nil {
		return nil, err
	}
	rows := make([]receiptRow, len(list))
	for i, r := range list {
		rows[i] = receiptRow{Receipt: r, Payer: r.Name, Amount: money.Money{Minor: r.Amount, Currency: r.Currency}}
		switch {
		case r.Payer == receipts.Nobody:
			rows[i].Payer = T(v.lang, "slip.payer.none")
		case r.Erased:
			rows[i].Payer = T(v.lang, "slip.payer.erased")
		}
	}
	return rows, nil
}

// receiptCSV is the register of receipts (捐赠票据台账).
func (v *visit) receiptCSV(filter receipts.Filter) error {
	out := v.newSheet("receipts", "slip.code", "slip.number", "slip.check", "slip.issued", "slip.payer", "slip.uscc", "slip.gifts", "slip.amount",
		"account.currency", "receipts.state", "slip.cause", "slip.reason")
	filter.Limit, filter.Before = receipts.PageMax, nil
	for {
		list, err := receipts.List(v.ctx(), v.db(), v.book, filter)
		if err != nil {
			return err
		}
		rows, err := v.receiptsNamed(v.db(), list)
		if err != nil {
			return err
		}
		for _, r := range rows {
			state, cause, reason := "receipts.valid", "", ""
			if r.Void != nil {
				state, cause, reason = "receipts.void", T(v.lang, "slip.cause."+r.Void.Cause), r.Void.Reason
			}
			out.row(r.Code, r.Printed(), r.CheckCode, r.IssuedOn, r.Payer, r.USCC, r.Gifts, r.Amount, r.Currency, T(v.lang, state), cause, reason)
		}
		if err := out.flush(); err != nil || len(list) < receipts.PageMax {
			return err
		}
		filter.Before = &list[len(list)-1].ID
	}
}

// receiptsPDF prints what the filter finds, up to pdfMax.
func (v *visit) receiptsPDF(filter receipts.Filter) error {
	filter.Limit, filter.Before = pdfMax, nil
	list, err := receipts.List(v.ctx(), v.s.DB, v.book, filter)
	if err != nil {
		return err
	}
	return v.sendPDF("receipts-"+ISODay(v.businessDay()), list)
}

// receiptRange enters numbers that the finance department allotted.
func (v *visit) receiptRange() error {
	first, errFirst := strconv.ParseInt(v.typed("first", 12), 10, 64)
	last, errLast := strconv.ParseInt(v.typed("last", 12), 10, 64)
	day, ok := parseDay(v.typed("allotted", 20))
	var wrong Errors
	if errFirst != nil || first < 1 {
		wrong.Add("first", T(v.lang, "range.first.wrong"))
	}
	if errLast != nil || last < first || last > receipts.NumberMax {
		wrong.Add("last", T(v.lang, "range.last.wrong"))
	}
	if !ok || day.After(v.book.Day(v.now)) {
		wrong.Add("allotted", T(v.lang, "range.allotted.wrong"))
	}
	if len(wrong) > 0 {
		return v.receiptsAgain(http.StatusUnprocessableEntity, wrong)
	}
	r := receipts.Range{Code: v.typed("code", 20), First: first, Last: last, Digits: int16(max(len(v.typed("first", 12)), len(v.typed("last", 12)))),
		AllottedOn: day, MadeBy: v.who.Person.ID}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		made, err := receipts.AddRange(v.ctx(), tx, v.book, r, v.now)
		if err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "donation_receipt.range", Object: "receipt-range:" + strconv.Itoa(int(made.ID)),
			Detail: map[string]any{"code": r.Code, "first": r.First, "last": r.Last}})
	})
	switch {
	case errors.Is(err, receipts.ErrRange):
		return v.receiptsAgain(http.StatusUnprocessableEntity, Errors{{"code", T(v.lang, "range.code.wrong")}})
	case errors.Is(err, receipts.ErrOverlap):
		return v.receiptsAgain(http.StatusUnprocessableEntity, Errors{{"first", T(v.lang, "range.overlap")}})
	case err != nil:
		return err
	}
	return v.see("/console/receipts")
}

// receiptBatch asks for receipts for all gifts of some days that have none.
func (v *visit) receiptBatch() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	from, okFrom := parseDay(v.typed("batch_from", 20))
	to, okTo := parseDay(v.typed("batch_to", 20))
	least, err := money.ParseInput(v.typed("single_min", 40), v.book.Currency)
	var wrong Errors
	if !okFrom {
		wrong.Add("batch_from", T(v.lang, "wrong.day"))
	}
	if !okTo {
		wrong.Add("batch_to", T(v.lang, "wrong.day"))
	}
	if err != nil || least < 1 {
		wrong.Add("single_min", T(v.lang, "wrong.amount"))
	}
	if len(wrong) > 0 {
		return v.receiptsAgain(http.StatusUnprocessableEntity, wrong)
	}
	b := receipts.Batch{ID: form, From: from, To: to, SingleMin: least, AskedBy: v.who.Person.ID, Mail: v.FormValue("batch_mail") != ""}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if _, err := receipts.StartBatch(v.ctx(), tx, v.book, b, v.now); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "donation_receipt.batch", Object: "receipt-batch:" + form.String(),
			Detail: map[string]any{"from": ISODay(from), "to": ISODay(to), "mail": b.Mail}})
	})
	switch {
	case errors.Is(err, receipts.ErrBatchDays):
		return v.receiptsAgain(http.StatusUnprocessableEntity, Errors{{"batch_to", T(v.lang, "batch.days.wrong")}})
	case errors.Is(err, receipts.ErrNoNumbers):
		return v.receiptsAgain(http.StatusUnprocessableEntity, Errors{{"code", T(v.lang, "batch.no-numbers")}})
	case errors.Is(err, receipts.ErrBatchRunning):
		return v.receiptsAgain(http.StatusConflict, Errors{{"batch_from", T(v.lang, "batch.running.wait")}})
	case err != nil:
		return err
	}
	v.wakeReceipts()
	return v.see("/console/receipts")
}

// receiptResume lets a stopped batch go on.
func (v *visit) receiptResume() error {
	id, err := uuid.Parse(v.FormValue("batch"))
	if err != nil {
		return receipts.ErrNoBatch
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return receipts.ResumeBatch(v.ctx(), tx, v.book, id) })
	if errors.Is(err, receipts.ErrBatchRunning) {
		return v.receiptsAgain(http.StatusConflict, Errors{{"batch_from", T(v.lang, "batch.running.wait")}})
	}
	if err != nil && !errors.Is(err, receipts.ErrNoBatch) { // resumed twice is resumed
		return err
	}
	v.wakeReceipts()
	return v.see("/console/receipts")
}

// wakeReceipts has the batch begin at once.
func (v *visit) wakeReceipts() {
	if v.s.ReceiptsAsked != nil {
		v.s.ReceiptsAsked(v.book)
	}
}
