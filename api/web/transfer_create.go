package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// transferDraft is the payload of a request to move money between funds.
type transferDraft struct {
	Day      string   `json:"day"`
	From     int32    `json:"from"`
	To       int32    `json:"to"`
	Bank     chart.ID `json:"bank"`
	Amount   string   `json:"amount"`
	Document string   `json:"document"`        // the filed plan, consent or resolution that allows it
	Basis    string   `json:"basis,omitempty"` // what that is; empty in requests made before it was asked
	Reason   string   `json:"reason"`
}

// transferCreate asks another person to move money between funds. Nothing is booked yet.
func (v *visit) transferCreate() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	view := transferView{Form: form.String(), Day: v.typed("day", 20), From: v.typed("from", 10), To: v.typed("to", 10), Bank: v.typed("bank", 40),
		Amount: v.typed("amount", 40), Document: v.typed("document", 200), Basis: v.typed("basis", 20), Reason: v.typed("reason", 1000)}
	var wrong Errors
	day, wrongDay := v.bookedDay(view.Day)
	if wrongDay != "" {
		wrong.Add("day", wrongDay)
	}
	from, to := s.fund(v.number("from")), s.fund(v.number("to"))
	if from == nil {
		wrong.Add("from", T(v.lang, "transfer.from.wrong"))
	}
	if to == nil {
		wrong.Add("to", T(v.lang, "transfer.to.wrong"))
	}
	minor, err := money.ParseInput(view.Amount, v.book.Currency)
	if err != nil || minor <= 0 {
		wrong.Add("amount", T(v.lang, "wrong.amount"))
	}
	if !slices.Contains(funds.TransferBanks(), chart.ID(view.Bank)) {
		wrong.Add("bank", T(v.lang, "transfer.bank.wrong"))
	}
	if view.Basis == "" {
		view.Basis = funds.BySimilar
	}
	if !slices.Contains(funds.Bases(), view.Basis) {
		wrong.Add("basis", T(v.lang, "fundfile.basis.wrong"))
	}
	if view.Document == "" {
		wrong.Add("document", T(v.lang, "transfer.document.wrong"))
	}
	if view.Reason == "" {
		wrong.Add("reason", T(v.lang, "transfer.reason.wrong"))
	}
	if len(wrong) > 0 {
		return v.transferAgain(http.StatusUnprocessableEntity, view, wrong)
	}
	move := funds.Transfer{From: from, To: to, Amount: minor, Bank: chart.ID(view.Bank), Basis: view.Basis, Ref: view.Document}
	if _, err = move.Lines(); err == nil {
		err = move.Check(v.ctx(), v.s.DB, v.book, day)
	}
	switch {
	case errors.Is(err, funds.ErrSameFund), errors.Is(err, funds.ErrNotTransferable), errors.Is(err, funds.ErrUnlike), errors.Is(err, giving.ErrFundClosed), errors.Is(err, ledger.ErrWindow):
		return v.transferAgain(http.StatusUnprocessableEntity, view, Errors{{"to", problem.Of(err).Title(string(v.lang))}})
	case errors.Is(err, ledger.ErrAmount):
		return v.transferAgain(http.StatusUnprocessableEntity, view, Errors{{"amount", problem.Of(err).Title(string(v.lang))}})
	case err != nil:
		return err
	}
	return v.request(staff.Draft{Form: form, Kind: staff.Transfer, Amount: minor, Payee: fmt.Sprintf("fund:%d", to.ID),
		Summary: oneLine(T(v.lang, "transfer.summary", v.amount(minor), from.Name(string(v.lang)), to.Name(string(v.lang))), 400),
		Payload: transferDraft{Day: ISODay(day), From: from.ID, To: to.ID, Bank: chart.ID(view.Bank), Amount: money.Format(minor, v.book.Currency),
			Document: view.Document, Basis: view.Basis, Reason: view.Reason}})
}

func (v *visit) askedTransfer(q pg.Querier, a staff.Approval) (asked, error) {
	var d transferDraft
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return asked{}, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	list, err := ledger.Funds(v.ctx(), q, v.book)
	if err != nil {
		return asked{}, err
	}
	fund := func(id int32) *ledger.Fund {
		if i := slices.IndexFunc(list, func(f ledger.Fund) bool { return f.ID == id }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	from, to := fund(d.From), fund(d.To)
	if from == nil || to == nil {
		return asked{}, fmt.Errorf("read request %s: %w", a.ID, ledger.ErrNoFund)
	}
	minor, err := money.Parse(d.Amount, v.book.Currency)
	if err != nil {
		return asked{}, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	day, _ := parseDay(d.Day) // checked when it was asked for
	r := asked{kind: ledger.KindTransfer, day: day, reason: d.Reason, facts: []Fact{{Term: T(v.lang, "transfer.from"), Value: from.Name(string(v.lang))},
		{Term: T(v.lang, "transfer.to"), Value: to.Name(string(v.lang))}, {Term: T(v.lang, "transfer.document"), Value: d.Document}}}
	move := funds.Transfer{From: from, To: to, Amount: minor, Bank: d.Bank, Basis: d.Basis, Ref: d.Document}
	if a.State == staff.Open { // charters may have changed since
		r.stop = move.Check(v.ctx(), q, v.book, day)
	}
	r.lines, err = move.Lines()
	return r, err
}
