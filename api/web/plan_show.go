package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

func planHref(v *visit, id uuid.UUID) string { return "/plan/" + giving.Ref(v.book, id) }

// planFacts are what every page that names a plan shows of it.
type planFacts struct {
	Href, State, Reason, Campaign string
	Way, Every                    string
	Failing                       bool
	Amount                        money.Money
	Day                           int
	NextOn                        time.Time
}

func (v *visit) planFacts(q pg.Querier, p *plans.Plan) (planFacts, error) {
	c, err := giving.CampaignByID(v.ctx(), q, v.book, p.CampaignID)
	if err != nil {
		return planFacts{}, err
	}
	return planFacts{Href: planHref(v, p.ID), State: p.State, Reason: p.Reason, Way: p.Way, Every: p.Every, Failing: p.Failing, Campaign: c.Title(string(v.lang)),
		Amount: money.Money{Minor: p.Amount, Currency: p.Currency}, Day: p.Day, NextOn: p.NextOn}, nil
}

type planView struct {
	Page
	planFacts
	Due       money.Money // can be paid now; zero for nothing
	Months    []planMonth
	Card      bool   // another card can be put
	Sandboxed bool   // its processor is the sandbox, where testers let things happen
	New       string // amount as typed
	On        string // day as typed
	Days      []Option
}

type planMonth struct {
	Month  string
	Amount money.Money
	State  string // paid, pending, open; failed and again of a card, again while it is tried again
	Href   string // the gift
}

// planShow answers /plan/{ref}, where whoever has the letter pays, changes, pauses and stops. It shows no contact data.
func (v *visit) planShow() error { return v.planAgain(http.StatusOK, nil) }

func (v *visit) planAgain(status int, wrong Errors) error {
	v.private()
	var view planView
	err := v.read(func(q pg.Querier) error {
		p, err := plans.ByRef(v.ctx(), q, v.book, v.Param("ref"))
		if err != nil {
			return err
		}
		if view.planFacts, err = v.planFacts(q, p); err != nil {
			return err
		}
		view.Card = p.Way == plans.ByCard && p.Subscription != "" && p.State != plans.Ended
		view.Sandboxed = view.Card && p.Processor == payments.SandboxCode && p.State == plans.Active
		charges, err := plans.Charges(v.ctx(), q, v.book, p.ID)
		if err != nil {
			return err
		}
		for _, c := range charges {
			one := planMonth{Month: Day(v.lang, v.book.Day(c.AskedAt)), Amount: money.Money{Minor: c.Amount, Currency: c.Currency}, State: c.State}
			if c.State == plans.ChargePaid {
				one.Href = "/g/" + giving.Ref(v.book, c.Gift)
			} else if c.NextTry != nil {
				one.State = "again"
			}
			view.Months = append(view.Months, one)
		}
		months, err := plans.Months(v.ctx(), q, v.book, p.ID)
		if err != nil {
			return err
		}
		if due := plans.Due(p, months); due != nil {
			view.Due = money.Money{Minor: due.Amount, Currency: p.Currency}
		}
		for _, m := range months {
			one := planMonth{Month: m.Month.Format("2006-01"), Amount: money.Money{Minor: m.Amount, Currency: p.Currency}, State: "open"}
			switch {
			case m.Paid:
				one.State = "paid"
			case m.Pending:
				one.State = "pending"
			}
			view.Months = append(view.Months, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	view.Page, view.Errors = v.page(T(v.lang, "plan.heading")), wrong
	view.Crumbs = []Link{{view.T("own.heading"), ownPath}, {Label: view.T("plan.heading")}}
	view.New, view.On = money.Format(view.Amount.Minor, view.Amount.Currency), strconv.Itoa(view.Day)
	if len(wrong) > 0 {
		view.New, view.On = v.typed("amount", keptMax), v.typed("on", 4)
	}
	for day := 1; day <= plans.DayMax; day++ {
		text := strconv.Itoa(day)
		view.Days = append(view.Days, Option{Value: text, Label: view.T("plan.day", text)})
	}
	v.letPay()
	return v.s.render.Render(v.Response(), status, "public/plan", view)
}

// planChange does one thing with a plan.
func (v *visit) planChange() error {
	p, err := plans.ByRef(v.ctx(), v.s.DB, v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	var c plans.Change
	switch v.FormValue("do") {
	case "pay":
		return v.planPay(p)
	case "card":
		return v.planCard(p)
	case "sandbox-next", "sandbox-dead":
		return v.planSandbox(p, func(tx pgx.Tx) error {
			if v.FormValue("do") == "sandbox-next" {
				return payments.SandboxNext(v.ctx(), tx, v.book, p, v.now)
			}
			return payments.SandboxCard(v.ctx(), tx, v.book, p, true, v.now)
		})
	case "pause":
		c.Pause = true
	case "resume":
		c.Resume = true
	case "stop":
		c.Leave = true
	case "change":
		var wrong Errors
		if c.Amount, err = money.ParseInput(v.typed("amount", 40), p.Currency); err != nil || c.Amount <= 0 {
			wrong.Add("amount", T(v.lang, "wrong.amount"))
		}
		if c.Day = int(v.number("on")); p.Way == plans.ByLetter && (c.Day < 1 || c.Day > plans.DayMax) {
			wrong.Add("on", T(v.lang, "wrong.day"))
		}
		if len(wrong) > 0 {
			return v.planAgain(http.StatusUnprocessableEntity, wrong)
		}
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return plans.Apply(v.ctx(), tx, v.book, p.ID, c, v.now) })
	if errors.Is(err, plans.ErrAmount) {
		return v.planAgain(http.StatusUnprocessableEntity, Errors{{"amount", T(v.lang, "plan.amount.wrong")}})
	}
	if err != nil {
		return err
	}
	return v.see(planHref(v, p.ID))
}

// planPay opens the payment of the month that is due: the same one however often it is asked for.
func (v *visit) planPay(p *plans.Plan) error {
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.GiftForm, p.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	campaign, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, p.CampaignID)
	if err != nil {
		return err
	}
	if !v.givable(campaign) {
		return v.refuseGift(campaign)
	}
	pay, err := v.openPayment(campaign.Title(string(v.lang)), v.channel(), func(tx pgx.Tx) (*giving.Checkout, *plans.Plan, error) {
		checkout, err := plans.Pay(v.ctx(), tx, v.book, p.ID, v.channel(), v.now)
		return checkout, nil, err
	})
	if err != nil {
		return err
	}
	return v.see(pay)
}

// planSandbox lets something happen at the sandbox to a plan's card, and has what comes of it delivered.
func (v *visit) planSandbox(p *plans.Plan, deed func(pgx.Tx) error) error {
	if err := pg.InTx(v.ctx(), v.s.DB, deed); err != nil {
		return err
	}
	if v.s.Decided != nil {
		v.s.Decided(v.book)
	}
	return v.see(planHref(v, p.ID))
}

// planCard opens the page where the donor puts another card.
func (v *visit) planCard(p *plans.Plan) error {
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.GiftForm, p.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	if p.Processor == payments.SandboxCode { // which has no page for it
		return v.planSandbox(p, func(tx pgx.Tx) error { return payments.SandboxCard(v.ctx(), tx, v.book, p, false, v.now) })
	}
	stripe := v.s.Stripes[v.book.ID]
	if stripe == nil {
		return payments.ErrNotByCard
	}
	page, err := stripe.OpenCard(v.ctx(), p, v.origin()+planHref(v, p.ID))
	if err != nil {
		return err
	}
	return v.see(page)
}

// openPayment stores a gift that begin starts, opens its payment and says where to pay. A plan by card that begins with it is opened with it.
// The same gift gives the same payment.
func (v *visit) openPayment(title string, by giving.Channel, begin func(pgx.Tx) (*giving.Checkout, *plans.Plan, error)) (pay string, err error) {
	var checkout *giving.Checkout
	var plan *plans.Plan
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if checkout, plan, err = begin(tx); err != nil || by != giving.Sandbox {
			return err
		}
		session, err := payments.OpenSession(v.ctx(), tx, v.book, checkout, title, "/g/"+giving.Ref(v.book, checkout.ID), v.now)
		if err != nil {
			return err
		}
		pay = session.Path()
		return nil
	})
	if err != nil || pay != "" {
		return pay, err
	}
	// The gift is committed: its event may be here before the answer is.
	stripe, back := v.s.Stripes[v.book.ID], v.origin()+"/g/"+giving.Ref(v.book, checkout.ID)
	open := func() (*payments.PaymentPage, error) { return stripe.Open(v.ctx(), checkout, title, back) }
	if plan != nil && plan.Way == plans.ByCard {
		open = func() (*payments.PaymentPage, error) { return stripe.OpenPlan(v.ctx(), plan, checkout, title, back) }
	}
	page, err := open()
	if err != nil {
		return "", err
	}
	return page.URL, nil
}
