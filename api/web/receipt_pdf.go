package web

import (
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/reports"
)

// pdfMax is how many receipts one PDF holds.
const pdfMax = 200

// paper is the receipt in the words of the reader's language.
func (v *visit) paper(f *face) reports.Slip {
	t := func(key string) string { return T(v.lang, key) }
	r := f.Receipt
	s := reports.Slip{Title: t("slip.heading"), Legal: t("slip.by") + " " + f.Legal, Seal: t("receipt.seal"), Void: f.Void, Verify: f.Address, VerifyLabel: t("slip.verify"),
		Head: []reports.Term{{Label: t("slip.code"), Text: r.Code}, {Label: t("slip.number"), Text: r.Printed()}, {Label: t("slip.check"), Text: r.CheckCode},
			{Label: t("slip.issued"), Text: ISODay(r.IssuedOn)}},
		Lines: []reports.Term{{Label: t("slip.payer"), Text: f.Payer}}}
	if r.USCC != "" {
		s.Lines = append(s.Lines, reports.Term{Label: t("slip.uscc"), Text: r.USCC})
	}
	total := Amount(v.lang, f.Amount)
	if f.Words != "" {
		total = f.Words + "  " + total
	}
	s.Lines = append(s.Lines, reports.Term{Label: t("slip.item"), Text: f.Item}, reports.Term{Label: t("slip.quantity"), Text: T(v.lang, "slip.quantity.gifts", r.Gifts)},
		reports.Term{Label: t("slip.total"), Text: total}, reports.Term{Label: t("slip.remark"), Text: f.Remark})
	return s
}

// sendPDF answers with receipts as one file.
func (v *visit) sendPDF(name string, list []receipts.Receipt) error {
	if len(v.s.Font) == 0 {
		return reports.ErrNoFont
	}
	var slips []reports.Slip
	err := v.read(func(q pg.Querier) error {
		for _, r := range list {
			f, err := v.face(q, r, false)
			if err != nil {
				return err
			}
			slips = append(slips, v.paper(f))
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := v.Response()
	out.Header().Set("Content-Type", "application/pdf")
	out.Header().Set("Content-Disposition", `attachment; filename="`+name+`.pdf"`)
	out.WriteHeader(http.StatusOK)
	return reports.SlipsPDF(out, v.s.Font, slips...)
}

// receiptPDF answers /g/{ref}/receipt/pdf.
func (v *visit) receiptPDF() error {
	secret(v)
	r, err := giving.GiftByRef(v.ctx(), v.s.DB, v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	list, err := receipts.OfGift(v.ctx(), v.s.DB, v.book, r.Gift.ID)
	if err == nil && (len(list) == 0 || list[0].Face != receipts.Single) {
		err = receipts.ErrNoReceipt
	}
	if err != nil {
		return err
	}
	return v.sendPDF("receipt-"+list[0].Printed(), list[:1])
}

// receiptFilePDF is a receipt of the console.
func (v *visit) receiptFilePDF() error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return receipts.ErrNoReceipt
	}
	r, err := receipts.ByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	return v.sendPDF("receipt-"+r.Printed(), []receipts.Receipt{r})
}
