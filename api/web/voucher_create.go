package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// voucherCreate checks the form, adds lines to it, or stores it as a request for a second person. Nothing is booked.
func (v *visit) voucherCreate() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	view := voucherView{Page: v.consolePage(T(v.lang, "place.voucher"), "/console/vouchers/new"), Form: form.String(),
		Change: v.typed("change", 36), Break: v.typed("break", 36), Day: v.typed("day", 20), Summary: v.typed("summary", textMax), Attachments: v.typed("attachments", 8), Purpose: v.typed("purpose", 20), Checked: true}
	view.Path = "/console/vouchers/new" // where a switch of language leads to
	if view.Grid, err = v.readGrid(v.s.DB, &view.Page, s); err != nil {
		return err
	}
	switch v.FormValue("do") {
	case "lines":
		view.Errors, view.Checked = nil, false
		for i := range view.Grid {
			l := &view.Grid[i]
			*l = gridLine{At: l.At, Account: l.Account, Fund: l.Fund, Debit: l.Debit, Credit: l.Credit}
		}
		for range linesMore {
			if len(view.Grid) < linesMax {
				view.Grid = append(view.Grid, gridLine{At: len(view.Grid) + 1})
			}
		}
		return v.voucherShow(http.StatusOK, view, s)
	case "check":
		status := http.StatusOK
		if len(view.Errors) > 0 {
			status = http.StatusUnprocessableEntity
		}
		return v.voucherShow(status, view, s)
	}
	draft, ok, err := v.checkVoucher(&view, s)
	if err != nil {
		return err
	}
	if !ok {
		return v.voucherShow(http.StatusUnprocessableEntity, view, s)
	}
	request := staff.Draft{Form: form, Kind: staff.Voucher, Summary: view.Summary, Payload: draft, Amount: asked{lines: drafted(view.Grid)}.debits()}
	if view.Change != "" {
		return v.changeRequest(view.Change, request)
	}
	if view.Break != "" {
		return v.requestCorrection(view.Break, request, s)
	}
	return v.request(request)
}

// checkVoucher finds what is wrong with the voucher as a whole. Errors of the head come before those of lines.
func (v *visit) checkVoucher(view *voucherView, s *sight) (voucherDraft, bool, error) {
	lineErrors := view.Errors
	view.Errors = nil
	day, wrongDay := v.bookedDay(view.Day)
	if wrongDay != "" {
		view.Errors.Add("day", wrongDay)
	}
	attachments, err := strconv.Atoi(view.Attachments)
	if err != nil || attachments < 0 || attachments > 999 {
		view.Errors.Add("attachments", view.T("voucher.attachments.wrong"))
	}
	if view.Summary == "" {
		view.Errors.Add("summary", view.T("voucher.summary.wrong"))
	}
	view.Errors = append(view.Errors, lineErrors...)
	uses, err := v.useOptions()
	if err != nil {
		return voucherDraft{}, false, err
	}
	if !slices.ContainsFunc(uses, func(o Option) bool { return o.Value == view.Purpose }) {
		view.Errors.Add("purpose", view.T("project.use.wrong"))
	}
	lines := drafted(view.Grid)
	for i := range lines { // an account that was chosen with its tags keeps its own
		if leaf := &lines[i].Leaf; leaf.Dims.Purpose == "" && ledger.Spends(leaf.Chart) {
			leaf.Dims.Purpose = view.Purpose
		}
	}
	if len(lineErrors) == 0 {
		v.checkBalance(view, day, lines, s)
	}
	return v.draftOf(day, attachments, lines), len(view.Errors) == 0, nil
}

func (v *visit) checkBalance(view *voucherView, day time.Time, lines []ledger.Line, s *sight) {
	if len(lines) < 2 {
		view.Errors.Add("account-1", view.T("voucher.lines.few"))
		return
	}
	for _, r := range v.rests(lines, s) {
		if r.Rest.Minor == 0 {
			continue
		}
		key := "voucher.rest.debit"
		if r.Rest.Minor < 0 {
			key, r.Rest.Minor = "voucher.rest.credit", -r.Rest.Minor
		}
		view.Errors.Add("debit-1", view.T(key, r.Fund, r.Rest))
	}
	if len(view.Errors) > 0 {
		return
	}
	err := ledger.CheckEntry(v.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: day, Lines: lines})
	switch {
	case errors.Is(err, ledger.ErrUnbalanced):
		view.Errors.Add("account-1", view.T("voucher.between.wrong"))
	case err != nil:
		view.Errors.Add("account-1", view.T("voucher.entry.wrong"))
	}
}

// changeRequest replaces what an open request of one's own asks for; who read the old one cannot approve it any more.
func (v *visit) changeRequest(text string, draft staff.Draft) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return staff.ErrNoApproval
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		a, err := staff.Change(v.ctx(), tx, v.who, id, draft, v.now)
		if err != nil {
			return err
		}
		return v.announce(tx, a)
	})
	if errors.Is(err, staff.ErrDecided) {
		return v.refuse(err, nil, Link{T(v.lang, "refuse.request"), "/console/approvals/" + id.String()})
	}
	if err != nil {
		return err
	}
	return v.see("/console/approvals/" + id.String())
}
