package web

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

type fundFormView struct {
	Page
	Code, Kind, NameZH, NameEN, PurposeZH, PurposeEN, Street, Bearer string
	Kinds, Streets, Bearers                                          []Option
}

var codePattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// ownKinds are the funds that the association opens for itself. Money given for a purpose, public money and money of others needs an application,
// an agreement and a committee: see fundFileForm.
var ownKinds = []string{ledger.Designated, ledger.General}

// fundForm asks what fund is to be opened.
func (v *visit) fundForm() error {
	return v.fundAgain(http.StatusOK, fundFormView{Kind: ledger.Designated, Bearer: ledger.FeeByGeneral}, nil)
}

func (v *visit) fundAgain(status int, view fundFormView, wrong Errors) error {
	view.Page = v.consolePage(T(v.lang, "funds.new"), "/console/funds")
	view.Errors, view.Path = wrong, "/console/funds/new"
	for _, kind := range ownKinds {
		view.Kinds = append(view.Kinds, Option{Value: kind, Label: view.T("fund.kind." + kind), Hint: view.T("fund.kind." + kind + ".hint")})
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view.Streets = []Option{{Value: "", Label: view.T("funds.street.none")}}
	for id, name := range streets {
		view.Streets = append(view.Streets, Option{Value: strconv.Itoa(int(id)), Label: name})
	}
	sortOptions(view.Streets[1:])
	for _, bearer := range ledger.FeeBearers() {
		view.Bearers = append(view.Bearers, Option{Value: bearer, Label: view.T("campaign.fee." + bearer)})
	}
	return v.s.render.Render(v.Response(), status, "console/fund_form", view)
}

// fundCreate opens a fund. Its kind is for ever: it says whose money it is.
func (v *visit) fundCreate() error {
	view := fundFormView{Code: strings.ToUpper(v.typed("code", 40)), Kind: v.typed("kind", 20), NameZH: v.typed("name_zh", 100), NameEN: v.typed("name_en", 100),
		PurposeZH: v.typed("purpose_zh", 400), PurposeEN: v.typed("purpose_en", 400), Street: v.typed("street", 10), Bearer: v.typed("bearer", 20)}
	f := ledger.Fund{Code: view.Code, Kind: view.Kind, NameZH: view.NameZH, NameEN: view.NameEN, PurposeZH: view.PurposeZH, PurposeEN: view.PurposeEN, FeeBearer: view.Bearer}
	wrong, err := v.checkFund(view, &f)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return v.fundAgain(http.StatusUnprocessableEntity, view, wrong)
	}
	var made *ledger.Fund
	err = v.inTx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if made, err = ledger.CreateFund(ctx, tx, v.book, f); err != nil {
			return err
		}
		return v.record(tx, "fund", "open", strconv.Itoa(int(made.ID)), "")
	})
	switch {
	case errors.Is(err, ledger.ErrCodeTaken):
		return v.fundAgain(http.StatusUnprocessableEntity, view, Errors{{"code", T(v.lang, "funds.code.taken")}})
	case errors.Is(err, ledger.ErrBadFund):
		return v.fundAgain(http.StatusUnprocessableEntity, view, Errors{{"code", T(v.lang, "funds.code.wrong")}})
	case err != nil:
		return err
	}
	return v.see("/console/funds/" + strconv.Itoa(int(made.ID)))
}

// checkFund finds what is wrong with the form.
func (v *visit) checkFund(view fundFormView, f *ledger.Fund) (wrong Errors, err error) {
	say := func(field, key string) { wrong.Add(field, T(v.lang, key)) }
	if view.NameZH == "" {
		say("name_zh", "funds.name.wrong")
	}
	if view.NameEN == "" {
		say("name_en", "funds.name.wrong")
	}
	if !codePattern.MatchString(view.Code) {
		say("code", "funds.code.wrong")
	}
	if !slices.Contains(ownKinds, view.Kind) {
		say("kind", "funds.kind.wrong")
	}
	if view.Street != "" {
		id := v.number("street")
		streets, err := v.streets()
		if err != nil {
			return nil, err
		}
		if _, ok := streets[id]; !ok {
			say("street", "funds.street.wrong")
		}
		f.StreetID = &id
	}
	known := false
	for _, bearer := range ledger.FeeBearers() {
		known = known || bearer == view.Bearer
	}
	if !known {
		say("bearer", "funds.bearer.wrong")
	}
	return wrong, nil
}
