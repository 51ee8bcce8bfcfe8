package web

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

const (
	ratesPath = "/console/rates"
	ratePage  = 50
)

// ratePattern is what a rate looks like; thousands are not grouped, so that a comma is never taken for a point.
var ratePattern = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,8})?$`)

// rateFar is how far a rate may be from the nearest one known before it has to be looked at again.
var rateFar = decimal.New(1, -1)

type rateListView struct {
	Page
	Rows        []rateRow
	First, Next string
	Form        rateForm
	Far         bool // the rate differs much from the last one: a box asks whether it is right
	Sure        []Option
	Base        string
	Empty       Empty
}

// rateForm is a rate as somebody typed it.
type rateForm struct{ Day, Ccy, Rate, Source string }

// rateRow is a rate with what the audit trail tells of it.
type rateRow struct {
	giving.Rate
	Source, By string
}

// rateList shows the rates of exchange.
func (v *visit) rateList() error {
	return v.ratesAgain(http.StatusOK, rateForm{Day: ISODay(v.businessDay())}, nil)
}

func (v *visit) ratesAgain(status int, form rateForm, wrong Errors) error {
	base, _ := money.Lookup(v.book.Currency)
	view := rateListView{Page: v.consolePage(T(v.lang, "place.rates"), ratesPath), Form: form, Base: base.NameZH, Empty: Empty{Text: T(v.lang, "rates.none")}}
	if v.lang == EN {
		view.Base = base.Code
	}
	view.Errors, view.Path = wrong, ratesPath
	view.Far = wrong.For("sure") != ""
	view.Sure = []Option{{Value: "yes", Label: view.T("rates.sure")}}
	var before giving.Rate
	if ccy, day, ok := strings.Cut(v.QueryParam("before"), "-"); ok { // anything else is the first page
		if _, known := money.Lookup(ccy); known {
			if on, ok := parseDay(day); ok {
				before = giving.Rate{Currency: ccy, Day: on}
			}
		}
	}
	view.First = v.firstPage("before", before.Currency != "")
	list, err := giving.Rates(v.ctx(), v.s.DB, v.book, before, ratePage+1)
	if err != nil {
		return err
	}
	if len(list) > ratePage {
		list = list[:ratePage]
		last := list[ratePage-1]
		view.Next = v.with("before", last.Currency+"-"+ISODay(last.Day))
	}
	names := newNames(v)
	for _, r := range list {
		row := rateRow{Rate: r}
		told, err := staff.Events(v.ctx(), v.s.DB, v.book.ID, staff.EventFilter{What: "rate.enter", Object: rateObject(r), Limit: 1})
		if err != nil {
			return err
		}
		if len(told) > 0 {
			row.Source = told[0].Reason
			if row.By, err = names.of(told[0].Who); err != nil {
				return err
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return v.s.render.Render(v.Response(), status, "console/rate_list", view)
}

func rateObject(r giving.Rate) string { return "rate:" + r.Currency + "-" + ISODay(r.Day) }

// rateEnter adds a rate. One far from the nearest known is asked about again: it cannot be taken back.
func (v *visit) rateEnter() error {
	form := rateForm{Day: v.typed("day", 20), Ccy: strings.ToUpper(v.typed("ccy", 10)), Rate: v.typed("rate", 20), Source: v.typed("source", 200)}
	r, wrong, err := v.readRate(form)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return v.ratesAgain(http.StatusUnprocessableEntity, form, wrong)
	}
	err = v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := giving.SetRate(ctx, tx, v.book, r); err != nil {
			return err
		}
		return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "rate.enter", Object: rateObject(r), Reason: form.Source,
			Detail: map[string]string{"rate": r.Rate.String()}})
	})
	switch {
	case errors.Is(err, giving.ErrRateTaken):
		return v.ratesAgain(http.StatusUnprocessableEntity, form, Errors{{"day", T(v.lang, "rates.taken")}})
	case err != nil:
		return err
	}
	return v.see(ratesPath)
}

func (v *visit) readRate(form rateForm) (r giving.Rate, wrong Errors, err error) {
	day, ok := parseDay(form.Day)
	switch {
	case !ok:
		wrong.Add("day", T(v.lang, "wrong.day"))
	case day.After(v.book.Day(v.now)):
		wrong.Add("day", T(v.lang, "wrong.day.ahead"))
	}
	switch _, known := money.Lookup(form.Ccy); {
	case form.Ccy == v.book.Currency:
		wrong.Add("ccy", T(v.lang, "rates.ccy.own", v.book.Currency))
	case !known:
		wrong.Add("ccy", T(v.lang, "rates.ccy.wrong"))
	}
	rate := decimal.Zero
	if ratePattern.MatchString(form.Rate) {
		rate, _ = decimal.NewFromString(form.Rate)
	}
	if !rate.IsPositive() {
		wrong.Add("rate", T(v.lang, "rates.rate.wrong"))
	}
	if form.Source == "" {
		wrong.Add("source", T(v.lang, "rates.source.wrong"))
	}
	r = giving.Rate{Currency: form.Ccy, Day: day, Rate: rate}
	if len(wrong) > 0 || v.FormValue("sure") == "yes" {
		return r, wrong, nil
	}
	last, found, err := giving.RateNear(v.ctx(), v.s.DB, v.book, form.Ccy, day)
	if found && rate.Sub(last.Rate).Abs().GreaterThan(last.Rate.Mul(rateFar)) {
		wrong.Add("sure", T(v.lang, "rates.rate.far", last.Rate.String()))
	}
	return r, wrong, err
}
