package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/teams"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// keptMax is how much of a wrong text stands in its field again, in characters.
const keptMax = 1000

// giftCreate answers POST /c/{slug}/give: it starts a gift and sends the donor on to pay. No money has moved.
func (v *visit) giftCreate() error {
	c, err := v.campaign(v.s.DB)
	if err != nil {
		return err
	}
	if !v.givable(c) {
		return v.refuseGift(c)
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.GiftForm, id.String(), v.ip(), v.now); err != nil {
		return err
	}
	chosen, free := v.FormValue("amount"), v.typed("other", keptMax)
	if chosen != "" && chosen != otherAmount && free != "" {
		return v.giftAgain(c, id, &giving.FieldErrors{List: []giving.FieldError{{Field: "amount", Key: "gift.amount.both"}}})
	}
	form := giving.Form{
		FormID: id, CampaignID: c.ID, Amount: chosen, Currency: v.FormValue("currency"), Name: v.FormValue("name"),
		Anonymous: v.FormValue("anonymous") != "", Email: v.FormValue("email"), Message: v.FormValue("message"),
		Lang: string(v.lang), Channel: v.channel(),
	}
	if chosen == "" || chosen == otherAmount {
		form.Amount = free
	} else if form.Currency != c.Currency { // what is offered is in the campaign's currency
		return v.giftAgain(c, id, &giving.FieldErrors{List: []giving.FieldError{{Field: "amount", Key: "gift.amount.preset", Params: map[string]string{"currency": c.Currency}}}})
	}
	answered, err := v.admit(form)
	if err != nil {
		return err
	}
	if !answered {
		return v.giftAgain(c, id, &giving.FieldErrors{List: []giving.FieldError{{Field: "sum", Key: "give.challenge.again"}}})
	}
	pay, err := v.startGift(c, form, v.planTerms())
	var wrong *giving.FieldErrors
	switch {
	case errors.Is(err, plans.ErrNoEmail):
		return v.giftAgain(c, id, &giving.FieldErrors{List: []giving.FieldError{{Field: "email", Key: "plan.email"}}})
	case errors.As(err, &wrong):
		return v.giftAgain(c, id, wrong)
	case errors.Is(err, giving.ErrFormReused): // the donor went back and changed something: ask once more, as a new gift
		return v.giftAgain(c, uuid.Nil, nil)
	case err != nil:
		return err
	}
	return v.see(pay)
}

// channel is how donors of this book pay here.
func (v *visit) channel() giving.Channel {
	if v.s.Stripes[v.book.ID] != nil {
		return giving.Stripe
	}
	return giving.Sandbox
}

// planTerms are how often a gift is to be given and by what; nil for once.
func (v *visit) planTerms() *plans.Terms {
	t := plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}
	switch v.FormValue("often") {
	case oftenYearly:
		t.Every = plans.Yearly
	case oftenMonthly:
	default:
		return nil
	}
	if v.FormValue("how") == plans.ByCard {
		t.Way = plans.ByCard
	}
	return &t
}

// startGift stores the gift, and the plan that it begins unless it is given once, opens its payment and says where to pay. The same form
// again gives the same payment.
func (v *visit) startGift(c *giving.Campaign, form giving.Form, terms *plans.Terms) (pay string, err error) {
	var checkout *giving.Checkout
	pay, err = v.openPayment(c.Title(string(v.lang)), form.Channel, func(tx pgx.Tx) (*giving.Checkout, *plans.Plan, error) {
		checkout, err = giving.Begin(v.ctx(), tx, v.book, form, v.now)
		if err == nil {
			err = v.joinTeam(tx, c, checkout)
		}
		if err != nil || terms == nil {
			return checkout, nil, err
		}
		p, err := plans.Start(v.ctx(), tx, v.book, checkout, *terms, v.now)
		return checkout, p, err
	})
	if err != nil {
		return "", err
	}
	return pay, payments.Begun(v.ctx(), v.s.DB, v.book, checkout.ID, v.cardTry(form), v.now)
}

// letPay lets the form lead on to the processor's payment page, which browsers hold to the policy too.
func (v *visit) letPay() {
	if stripe := v.s.Stripes[v.book.ID]; stripe != nil {
		v.Response().Header().Set("Content-Security-Policy", strings.Replace(Policy, "form-action 'self'", "form-action 'self' "+stripe.PayOrigin(), 1))
	}
}

// origin is our address as the visitor knows it.
func (v *visit) origin() string { return v.Scheme() + "://" + v.Request().Host }

// giftAgain shows the form once more with all that was typed. Without wrong fields and id it is a new form.
func (v *visit) giftAgain(c *giving.Campaign, id uuid.UUID, wrong *giving.FieldErrors) error {
	var view giftFormView
	if err := v.read(func(q pg.Querier) error { return v.readGiftForm(q, c, &view) }); err != nil {
		return err
	}
	view.Amount, view.Other = v.typed("amount", keptMax), v.typed("other", keptMax)
	if view.Amount != "" && view.Amount != otherAmount {
		free := view.Other
		if view.choose(view.Amount); free != "" {
			view.Other = free
		}
	}
	view.Donor, view.Email = v.typed("name", keptMax), v.typed("email", keptMax)
	view.Message = v.typed("message", keptMax)
	if terms := v.planTerms(); terms != nil {
		view.Often, view.How = v.FormValue("often"), terms.Way
	}
	view.Chosen = v.typed("currency", 3)
	view.Anonymous[0].Chosen = v.FormValue("anonymous") != ""
	asked := view.Challenge != nil
	status := http.StatusConflict
	if view.Changed = wrong == nil; !view.Changed {
		status, view.Form = http.StatusUnprocessableEntity, id.String()
		for _, one := range wrong.List {
			view.Errors.Add(view.field(one.Field), giftMessage(v.lang, one))
			asked = asked || one.Field == "sum"
		}
	}
	if view.Challenge = nil; asked { // of this form, not of the fresh one
		form, err := uuid.Parse(view.Form)
		if err == nil {
			err = v.challenge(&view, form)
		}
		if err != nil {
			return err
		}
	}
	v.letPay()
	return v.s.render.Render(v.Response(), status, "public/give", view)
}

// field is where on the page an error of the form stands.
func (view *giftFormView) field(name string) string {
	switch name {
	case "currency":
		if len(view.Currencies) == 0 {
			return "amount"
		}
	case "amount":
		if view.Other != "" || view.Amount == otherAmount {
			return "other"
		}
	}
	return name
}

// giftMessage says what is wrong with a field, with its limits.
func giftMessage(lang Lang, e giving.FieldError) string {
	var args []any
	for _, name := range []string{"min", "max", "currency", "decimals"} {
		if value, ok := e.Params[name]; ok {
			args = append(args, grouped(value))
		}
	}
	return T(lang, e.Key, args...)
}

// refuseGift says that the campaign takes no gifts, and where to go instead.
func (v *visit) refuseGift(c *giving.Campaign) error {
	name := c.Title(string(v.lang))
	view := ErrorView{Page: v.page(T(v.lang, "give.closed.heading")), Status: http.StatusConflict}
	view.Heading = view.T("give.closed.heading")
	view.What, view.Next = view.T("give.closed.what", name, v.campaignWhen(c)), view.T("give.closed.next")
	view.Ways = []Link{{view.T("campaign.closed.see"), "/c/" + c.Slug + "#spent"}, {view.T("home.campaigns.all"), "/campaigns"}}
	return v.s.render.Fail(v.Context, view)
}

// joinTeam notes the team whose link led to the gift.
func (v *visit) joinTeam(tx pgx.Tx, c *giving.Campaign, checkout *giving.Checkout) error {
	t, err := v.teamNamed(tx, c)
	if err != nil || t == nil {
		return err
	}
	return teams.Join(v.ctx(), tx, v.book, t, checkout.ID)
}
