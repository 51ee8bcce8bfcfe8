package web

import (
	"errors"
	"net/http"
	"strings"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/teams"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// otherAmount is the choice beside the presets.
const otherAmount = "other"

// How often a gift is to be given: once, unless the donor says otherwise.
const (
	oftenOnce    = "once"
	oftenMonthly = "monthly"
	oftenYearly  = "yearly"
)

// errNotOpen means that a campaign takes no gifts now: not yet, not any more, or not online.
var errNotOpen = errors.New("campaign takes no gifts now")

type giftFormView struct {
	Page
	Slug, Name string
	Fund       Link
	Form       string // id of this form
	Currency   string
	Amounts    []Option
	Amount     string // chosen preset, "other" or none
	Other      string // free amount as typed
	OtherHint  string
	Donor      string
	Anonymous  []Option
	Message    string
	Email      string
	Fee        string
	Often      string
	Oftens     []Option
	How        string
	Hows       []Option            // by what to give again and again; none where there is no choice
	Chosen     string              // currency
	Currencies []Option            // none where only the book's is taken
	Sandboxed  bool                // no real money
	Changed    bool                // the form was sent before with other content
	Challenge  *payments.Challenge // nil: in normal times nobody is asked
	Question   string              // the sum, for who has no script
	Paused     bool                // cards are paused
	Team       string              // code of the team whose link led here; empty for none
	TeamName   string
}

// giftForm answers GET /c/{slug}/give?amount=.
func (v *visit) giftForm() error {
	var view giftFormView
	err := v.read(func(q pg.Querier) error {
		c, err := v.campaign(q)
		if err != nil {
			return err
		}
		if !v.givable(c) {
			return errNotOpen
		}
		return v.readGiftForm(q, c, &view)
	})
	if errors.Is(err, errNotOpen) {
		return v.see("/c/" + v.Param("slug")) // it says why
	}
	if err != nil {
		return err
	}
	view.choose(v.typed("amount", 40))
	v.letPay()
	return v.s.render.Render(v.Response(), http.StatusOK, "public/give", view)
}

// givable tells whether somebody can give to a campaign here and now: it is open, and payments can be taken.
func (v *visit) givable(c *giving.Campaign) bool {
	return c.Open(v.now) && (v.book.Sandbox || v.s.Stripes[v.book.ID] != nil)
}

// readGiftForm fills in what the form shows of its campaign.
func (v *visit) readGiftForm(q pg.Querier, c *giving.Campaign, view *giftFormView) error {
	lang := string(v.lang)
	if err := v.formTeam(q, c, view); err != nil {
		return err
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return err
	}
	fund, ok := funds[c.FundID]
	if !ok {
		return ledger.ErrNoFund
	}
	view.Slug, view.Name, view.Currency, view.Form = c.Slug, c.Title(lang), c.Currency, newForm()
	view.Fund = Link{fund.Name(lang), fundHref(fund)}
	view.Page = v.page(T(v.lang, "give.title", view.Name))
	view.Crumbs = []Link{{view.Name, "/c/" + c.Slug}, {Label: view.T("give.heading")}}
	own, err := v.readLimits(q, c, view)
	if err != nil {
		return err
	}
	for _, preset := range c.Presets {
		if preset < own.Min { // the book asks more than the campaign
			continue
		}
		view.Amounts = append(view.Amounts, Option{Value: money.Format(preset, c.Currency), Label: v.presetLabel(preset, c.Currency)})
	}
	view.Amounts = append(view.Amounts, Option{Value: otherAmount, Label: view.T("give.amount.other")})
	view.Often, view.How, view.Sandboxed = oftenOnce, plans.ByCard, v.channel() == giving.Sandbox
	view.Oftens = []Option{{Value: oftenOnce, Label: view.T("give.once")}, {Value: oftenMonthly, Label: view.T("give.monthly")},
		{Value: oftenYearly, Label: view.T("give.yearly"), Hint: view.T("give.again.hint")}}
	view.Hows = []Option{{Value: plans.ByCard, Label: view.T("give.how.card"), Hint: view.T("give.how.card.hint")},
		{Value: plans.ByLetter, Label: view.T("give.how.letter"), Hint: view.T("give.how.letter.hint")}}
	view.Anonymous = []Option{{Value: "yes", Label: view.T("give.anonymous")}}
	view.Fee = view.T("give.fee."+fund.FeeBearer, view.Fund.Label)
	return v.guardForm(q, c, view)
}

// readLimits fills in what one gift may be, in each currency that is taken, and gives the limits in the campaign's own.
func (v *visit) readLimits(q pg.Querier, c *giving.Campaign, view *giftFormView) (own giving.Limits, err error) {
	rules, err := giving.ReadRules(v.ctx(), q, v.book)
	if err != nil {
		return own, err
	}
	taken := []string{c.Currency}
	for _, a := range rules.Currencies {
		rated := true
		if v.channel() == giving.Sandbox {
			if rated, err = giving.Rated(v.ctx(), q, v.book, a.Currency, v.book.Day(v.now)); err != nil {
				return own, err
			}
		}
		if rated {
			taken = append(taken, a.Currency)
		}
	}
	for i, ccy := range taken {
		l, err := rules.Limits(v.book, c, ccy)
		if err != nil {
			return own, err
		}
		least, most := money.Money{Minor: l.Min, Currency: ccy}, money.Money{Minor: l.Max, Currency: ccy}
		if i == 0 {
			own = l
			view.OtherHint = view.T("give.other.hint", least, most)
		}
		if len(taken) > 1 {
			known, _ := money.Lookup(ccy)
			name := known.NameZH
			if v.lang == EN {
				name = known.Code
			}
			view.Currencies = append(view.Currencies, Option{Value: ccy, Label: view.T("give.currency.one", name, least, most)})
		}
	}
	view.Chosen = c.Currency
	return own, nil
}

// presetLabel leaves out the decimals of a whole amount.
func (v *visit) presetLabel(minor int64, ccy string) string {
	m := money.Money{Minor: minor, Currency: ccy}
	label := Amount(v.lang, m)
	if v.lang == EN {
		label = Headline(m)
	}
	return strings.Replace(label, ".00", "", 1)
}

// choose puts an amount into the form: as the preset that it is, or as free amount.
func (view *giftFormView) choose(amount string) {
	for _, preset := range view.Amounts {
		if preset.Value == amount {
			view.Amount = amount
			return
		}
	}
	if amount != "" {
		view.Amount, view.Other = otherAmount, amount
	}
}

// formTeam keeps the team whose link led to the form. One of another campaign, or that is not there, is none.
func (v *visit) formTeam(q pg.Querier, c *giving.Campaign, view *giftFormView) error {
	t, err := v.teamNamed(q, c)
	if err != nil || t == nil {
		return err
	}
	view.Team, view.TeamName = t.Code, t.Title
	return nil
}

// teamNamed is the team that the form names, if it is one of the campaign's.
func (v *visit) teamNamed(q pg.Querier, c *giving.Campaign) (*teams.Team, error) {
	code := v.typed("team", 16)
	if code == "" {
		return nil, nil
	}
	t, err := teams.ByCode(v.ctx(), q, v.book, code)
	if errors.Is(err, teams.ErrNoTeam) || err == nil && t.CampaignID != c.ID {
		return nil, nil
	}
	return t, err
}
