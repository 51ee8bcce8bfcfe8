package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/staff"
)

// Lines of the form: to begin with, added by the button, and at most.
const (
	linesFirst = 5
	linesMore  = 5
	linesMax   = 200
)

type voucherView struct {
	Page
	Form        string
	Unit        string
	Change      string // the open request that is changed; empty for a new one
	Break       string // of reconciliation that it corrects; empty for none
	Day         string
	Summary     string
	Attachments string
	Purpose     string // code: what the spending lines are for
	Purposes    []Option
	Grid        []gridLine
	Funds       []Option
	Accounts    []accountChoice
	Rests       []fundRest
	Even        bool // checked, and every fund balances
	Checked     bool
}

// Many is the number of lines shown.
func (view voucherView) Many() int { return len(view.Grid) }

// voucherForm shows an empty voucher, or one that begins as a copy of a request.
func (v *visit) voucherForm() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := voucherView{Page: v.consolePage(T(v.lang, "place.voucher"), "/console/vouchers/new"), Form: newForm(),
		Day: ISODay(v.businessDay()), Attachments: "0"}
	if text := v.QueryParam("break"); text != "" {
		if err := v.fromBreak(&view, text, s); err != nil {
			return err
		}
	}
	for _, name := range []string{"change", "copy"} {
		if text := v.QueryParam(name); text != "" {
			if err := v.fromRequest(&view, text, name == "change"); err != nil {
				return err
			}
		}
	}
	return v.voucherShow(http.StatusOK, view, s)
}

// fromRequest fills the form from a voucher request of one's own.
func (v *visit) fromRequest(view *voucherView, text string, change bool) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return staff.ErrNoApproval
	}
	a, err := staff.ApprovalByID(v.ctx(), v.s.DB, v.who, id)
	if err != nil {
		return err
	}
	var draft voucherDraft
	if a.Kind != staff.Voucher || a.MadeBy != v.who.Person.ID {
		return staff.ErrNoApproval
	}
	if err := json.Unmarshal(a.Payload, &draft); err != nil {
		return fmt.Errorf("read request %s: %w", id, err)
	}
	if change {
		if a.State != staff.Open {
			return staff.ErrDecided
		}
		view.Change = id.String()
	}
	view.Day, view.Summary, view.Attachments = draft.Day, a.Summary, strconv.Itoa(draft.Attachments)
	for i, l := range draft.Lines {
		if l.Dims.Purpose != "" && view.Purpose == "" {
			view.Purpose = l.Dims.Purpose
		}
		text, err := v.accountText(l)
		if err != nil {
			return err
		}
		view.Grid = append(view.Grid, gridLine{At: i + 1, Account: text, Fund: strconv.Itoa(int(l.Fund)), Debit: l.Debit, Credit: l.Credit})
	}
	return nil
}

// accountText is how the form names the account of a drafted line.
func (v *visit) accountText(l draftedLine) (string, error) {
	acct := chart.MustByID(l.Chart)
	l.Dims.Purpose = "" // a field of its own
	text := v.code(acct) + " " + acct.Name(string(v.lang))
	if l.Dims == (ledger.Dims{}) {
		return text, nil
	}
	a, err := ledger.AccountByLeaf(v.ctx(), v.s.DB, v.book, ledger.Leaf{Chart: l.Chart, Fund: l.Fund, Dims: l.Dims})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s #%d", text, a.ID), nil
}

// voucherShow renders the form with at least the first lines and what each fund still lacks.
func (v *visit) voucherShow(status int, view voucherView, s *sight) error {
	var err error
	if view.Accounts, err = v.accountChoices(v.s.DB, s); err != nil {
		return err
	}
	if view.Purposes, err = v.useOptions(); err != nil {
		return err
	}
	view.Unit = Unit(v.lang, v.book.Currency)
	view.Funds = s.options(v.lang, T(v.lang, "voucher.fund.none"))
	for len(view.Grid) < linesFirst {
		view.Grid = append(view.Grid, gridLine{At: len(view.Grid) + 1})
	}
	if view.Checked {
		view.Rests, view.Even = v.rests(drafted(view.Grid), s), true
		for _, r := range view.Rests {
			view.Even = view.Even && r.Rest.Minor == 0
		}
	}
	return v.s.render.Render(v.Response(), status, "console/voucher_form", view)
}

// FundOptions are the funds with this line's chosen.
func (view voucherView) FundOptions(chosen string) []Option {
	options := append([]Option(nil), view.Funds...)
	for i := range options {
		options[i].Chosen = options[i].Value == strings.TrimSpace(chosen)
	}
	return options
}
