package web

import (
	"net/http"

	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
)

type transferView struct {
	Page
	Form, Day, From, To, Bank, Amount, Document, Basis, Reason string
	Funds, Banks, Bases                                        []Option
}

// transferForm asks which money is to move between funds, and what allows it.
func (v *visit) transferForm() error {
	return v.transferAgain(http.StatusOK, transferView{Form: newForm(), Day: ISODay(v.businessDay())}, nil)
}

func (v *visit) transferAgain(status int, view transferView, wrong Errors) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view.Page = v.consolePage(T(v.lang, "place.transfer"), "/console/transfers/new")
	view.Errors, view.Path = wrong, "/console/transfers/new"
	view.Funds = s.options(v.lang, T(v.lang, "transfer.choose"))
	for _, name := range funds.Bases() {
		view.Bases = append(view.Bases, Option{Value: name, Label: T(v.lang, "fundfile.basis."+name)})
	}
	for _, id := range funds.TransferBanks() {
		acct := chart.MustByID(id)
		view.Banks = append(view.Banks, Option{Value: string(id), Label: v.code(acct) + " " + acct.Name(string(v.lang))})
	}
	return v.s.render.Render(v.Response(), status, "console/transfer_form", view)
}
