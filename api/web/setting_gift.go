package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

const giftRulesPath = "/console/settings/gifts"

type giftRulesView struct {
	Page
	Form        string
	Least, Days string
	Currencies  string // one a line: code, least, most
	Unrated     string // currencies that are taken and have no rate yet
	MayAsk      bool
}

// giftRules shows what the book asks of gifts.
func (v *visit) giftRules() error {
	r, err := giving.ReadRules(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	view := giftRulesView{Days: fmt.Sprint(r.NoticeDays)}
	if r.GiftMin > 0 {
		view.Least = money.Format(r.GiftMin, v.book.Currency)
	}
	var lines, unrated []string
	for _, a := range r.Currencies {
		lines = append(lines, a.Currency+" "+money.Format(a.GiftMin, a.Currency)+" "+money.Format(a.GiftMax, a.Currency))
		there, err := giving.Rated(v.ctx(), v.s.DB, v.book, a.Currency, v.book.Day(v.now))
		if err != nil {
			return err
		}
		if !there {
			unrated = append(unrated, a.Currency)
		}
	}
	view.Currencies, view.Unrated = strings.Join(lines, "\n"), strings.Join(unrated, ", ")
	return v.giftRulesAgain(http.StatusOK, view, nil)
}

func (v *visit) giftRulesAgain(status int, view giftRulesView, wrong Errors) error {
	view.Page = v.consolePage(T(v.lang, "gift.rules"), "/console/settings")
	view.Crumbs = []Link{{view.T("place.settings"), "/console/settings"}, {Label: view.T("gift.rules")}}
	view.Errors, view.Form, view.MayAsk = wrong, newForm(), v.who.May(staff.SettingAsk)
	return v.s.render.Render(v.Response(), status, "console/setting_gift", view)
}

// giftRulesSet says what the book asks of gifts from now on. It moves no money, so one admin is enough; the audit trail tells who.
func (v *visit) giftRulesSet() error {
	view := giftRulesView{Least: v.typed("least", 40), Days: v.typed("days", 4), Currencies: longText(v.FormValue("currencies"))}
	r, wrong := v.readGiftRules(view)
	if len(wrong) > 0 {
		return v.giftRulesAgain(http.StatusUnprocessableEntity, view, wrong)
	}
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := giving.SetRules(ctx, tx, v.book, r); err != nil {
			return err
		}
		detail := map[string]string{"least": money.Format(r.GiftMin, v.book.Currency), "days": fmt.Sprint(r.NoticeDays), "currencies": view.Currencies}
		return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "gift.rules", Object: "setting:gifts", Detail: detail})
	})
	if err != nil {
		return err
	}
	return v.see(giftRulesPath)
}

func (v *visit) readGiftRules(view giftRulesView) (r giving.Rules, wrong Errors) {
	var err error
	if strings.Trim(view.Least, " ") != "" {
		if r.GiftMin, err = money.ParseInput(view.Least, v.book.Currency); err != nil || r.GiftMin <= 0 || r.GiftMin > ledger.AmountMax {
			wrong.Add("least", T(v.lang, "gift.rules.least.wrong"))
		}
	}
	if r.NoticeDays = int(v.number("days")); r.NoticeDays < 1 || r.NoticeDays > giving.NoticeDaysMax {
		wrong.Add("days", T(v.lang, "gift.rules.days.wrong", giving.NoticeDaysMax))
	}
	for line := range strings.Lines(view.Currencies) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		a, ok := readAccepted(fields)
		known := slices.ContainsFunc(r.Currencies, func(o giving.Accepted) bool { return o.Currency == a.Currency })
		if !ok || known || a.Currency == v.book.Currency || len(r.Currencies) == giving.CurrenciesMax {
			wrong.Add("currencies", T(v.lang, "gift.rules.currencies.wrong", strings.Join(fields, " "), v.book.Currency))
			break
		}
		r.Currencies = append(r.Currencies, a)
	}
	return r, wrong
}

// readAccepted reads "USD 1.00 5000.00".
func readAccepted(fields []string) (a giving.Accepted, ok bool) {
	if len(fields) != 3 {
		return a, false
	}
	a.Currency = strings.ToUpper(fields[0])
	if _, known := money.Lookup(a.Currency); !known {
		return a, false
	}
	var err, other error
	a.GiftMin, err = money.ParseInput(fields[1], a.Currency)
	a.GiftMax, other = money.ParseInput(fields[2], a.Currency)
	return a, err == nil && other == nil && a.GiftMin > 0 && a.GiftMax >= a.GiftMin && a.GiftMax <= ledger.AmountMax
}
