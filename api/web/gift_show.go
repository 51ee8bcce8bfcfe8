package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// What the donor's page says of a gift. A gift is received when it is on the books, and not a moment before.
const (
	giftUnpaid   = "unpaid" // the donor has not paid yet
	giftPending  = "pending"
	giftFailed   = "failed"
	giftReceived = "received"
	giftRefunded = "refunded" // received, and given back in whole
)

// giftState is what changes while the page is open; the page's block "live" draws it.
type giftState struct {
	State     string
	Amount    money.Money
	Refunded  money.Money
	At        time.Time // paid, or started
	Steps     []Step
	Campaign  Link
	Fund      Link
	Ref       string
	PayHref   string // to go on paying; empty when there is nothing to pay
	AgainHref string // to start over with the same amount
	AskHref   string // to ask for money back; empty when there is none or it is not ours to send
}

type giftView struct {
	Page
	giftState
	Facts   []Fact
	Trace   *grid  // what became of it; nil while it is not booked or not followed
	Address string // permanent, in full
	Live    string
}

// giftShow answers /g/{ref}, the donor's own page of a gift, for ever at this address.
func (v *visit) giftShow() error {
	id, err := giving.ParseRef(v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	var view giftView
	err = v.read(func(q pg.Querier) error {
		if err := v.readGift(v.ctx(), q, id, &view); err != nil {
			return err
		}
		view.Trace, err = v.giftTrace(q, id)
		return err
	})
	if err != nil {
		return err
	}
	view.Page = v.page(T(v.lang, "mine.title."+view.State, view.Amount))
	view.Address = v.Scheme() + "://" + v.Request().Host + "/g/" + view.Ref
	if view.State == giftUnpaid || view.State == giftPending {
		view.Live = "/g/" + view.Ref + "/live?v=" + view.version()
	}
	secret(v)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/gift", view)
}

// giftLive answers /g/{ref}/live with a stream that tells when the gift's state changes.
func (v *visit) giftLive() error {
	id, err := giving.ParseRef(v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	if err := v.readGift(v.ctx(), v.s.DB, id, &giftView{}); err != nil { // a gift that does not exist is no stream
		return err
	}
	begun := visit{s: v.s, book: v.book}
	at := func(ctx context.Context) (string, func(Lang) (string, error), error) {
		of := begun
		of.now = v.s.Now()
		var now giftView
		if err := of.readGift(ctx, of.s.DB, id, &now); err != nil {
			return "", nil, err
		}
		return now.version(), func(lang Lang) (string, error) { return of.giftFragment(ctx, id, lang) }, nil
	}
	updates, leave, err := v.s.live.watch(v.book.ID, fmt.Sprintf("gift %d %s", v.book.ID, id), v.lang, v.QueryParam("v"), liveEvery, at)
	if err != nil {
		return err
	}
	defer leave()
	return Stream(v.Context, v.book.Zone, v.s.Now, updates)
}

func (v visit) giftFragment(ctx context.Context, id uuid.UUID, lang Lang) (string, error) {
	v.lang = lang
	view := giftView{Page: Page{Site: v.site(), Prefs: Prefs{Lang: lang}, Now: v.now}}
	if err := v.readGift(ctx, v.s.DB, id, &view); err != nil {
		return "", err
	}
	return v.s.render.Fragment(view.Page, "public/gift", "live", view)
}

func (s giftState) version() string { return fmt.Sprintf("%s-%d", s.State, s.Refunded.Minor) }

// readGift reads a gift that is booked, or the one that is started.
func (v *visit) readGift(ctx context.Context, q pg.Querier, id uuid.UUID, view *giftView) error {
	view.Ref = giving.Ref(v.book, id)
	receipt, err := giving.GiftByID(ctx, q, v.book, id)
	switch {
	case err == nil:
		history, err := v.refundHistory(ctx, q, receipt)
		if err != nil {
			return err
		}
		v.fillReceived(receipt, history, view)
		return nil
	case !errors.Is(err, giving.ErrNoGift):
		return err
	}
	checkout, err := giving.CheckoutByID(ctx, q, v.book, id)
	if err != nil {
		return err
	}
	pay, err := v.payWhere(ctx, q, checkout)
	if err != nil {
		return err
	}
	campaign, err := giving.CampaignByID(ctx, q, v.book, checkout.CampaignID)
	if err != nil {
		return err
	}
	funds, err := v.fundsByID(ctx, q)
	if err != nil {
		return err
	}
	if fund, ok := funds[campaign.FundID]; ok {
		view.Fund = Link{fund.Name(string(v.lang)), fundHref(fund)}
	}
	v.fillStarted(checkout, campaign, pay, view)
	return nil
}

func (v *visit) fillReceived(r *giving.Receipt, history []Step, view *giftView) {
	lang := string(v.lang)
	view.State = giftReceived
	if r.Gift.Refunded >= r.Gift.Amount {
		view.State = giftRefunded
	}
	view.Amount = money.Money{Minor: r.Gift.Amount, Currency: r.Gift.Currency}
	view.Refunded = money.Money{Minor: r.Gift.Refunded, Currency: r.Gift.Currency}
	view.At = r.Gift.PaidAt
	view.Campaign = Link{r.Campaign.Title(lang), "/c/" + r.Campaign.Slug}
	view.Fund = Link{r.Fund.Name(lang), fundHref(&r.Fund)}
	view.AgainHref = view.Campaign.Href
	zone := v.book.Zone
	view.Steps = []Step{
		{State: "done", Label: T(v.lang, "mine.step.paid"), At: When(v.lang, r.Gift.PaidAt, zone), Note: r.Gift.Channel.Name(lang)},
		{State: "done", Label: T(v.lang, "mine.step.booked"), At: When(v.lang, r.RecordedAt, zone), Note: T(v.lang, "mine.step.booked.note", Day(v.lang, r.EffectiveOn))},
	}
	view.Steps = append(view.Steps, history...)
	if view.State == giftReceived && v.sends(r) {
		view.AskHref = "/g/" + view.Ref + "/refund"
	}
	view.Facts = v.giftFacts(view, r.Gift.Personal, r.Gift.Anonymous, r.Gift.Erased)
}

// payWhere is where a started gift is paid, and how that stands; nil when there is nothing to pay yet.
func (v *visit) payWhere(ctx context.Context, q pg.Querier, c *giving.Checkout) (*payments.PaymentPage, error) {
	if c.Channel != giving.Sandbox {
		page, err := payments.PageOf(ctx, q, v.book, c)
		if errors.Is(err, payments.ErrNoSession) {
			return nil, nil
		}
		return page, err
	}
	session, err := payments.SessionByGift(ctx, q, v.book, c.ID)
	if errors.Is(err, payments.ErrNoSession) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &payments.PaymentPage{URL: session.Path(), State: session.State}, nil
}

func (v *visit) fillStarted(c *giving.Checkout, campaign *giving.Campaign, pay *payments.PaymentPage, view *giftView) {
	view.Amount = money.Money{Minor: c.Amount, Currency: c.Currency}
	view.Refunded.Currency = c.Currency
	view.At = c.CreatedAt
	view.Campaign = Link{campaign.Title(string(v.lang)), "/c/" + campaign.Slug}
	view.AgainHref = "/c/" + campaign.Slug + "/give?amount=" + money.Format(c.Amount, c.Currency)
	switch {
	case c.State == giving.CheckoutFailed:
		view.State = giftFailed
	case c.State == giving.CheckoutStarted && pay != nil && pay.State == payments.SessionOpen:
		view.State, view.PayHref = giftUnpaid, pay.URL
	default: // something was decided there, and the processor's word is not here yet
		view.State = giftPending
		if pay != nil && pay.State == payments.SessionPending {
			view.PayHref = pay.URL
		}
	}
	step := func(state, key string) Step { return Step{State: state, Label: T(v.lang, key)} }
	paid := step("now", "mine.step.paid")
	if view.State == giftFailed {
		paid = step("open", "mine.step.failed")
	}
	view.Steps = []Step{
		{State: "done", Label: T(v.lang, "mine.step.started"), At: When(v.lang, c.CreatedAt, v.book.Zone)},
		paid, step("open", "mine.step.booked"),
	}
	view.Facts = v.giftFacts(view, c.Personal, c.Anonymous, c.Erased)
}

// giftFacts are what the donor wrote, as it is shown. No contact data: whoever has the address sees this page.
func (v *visit) giftFacts(view *giftView, told giving.Personal, anonymous, erased bool) []Fact {
	name := told.Name
	switch {
	case erased:
		name = T(v.lang, "donor.erased")
	case anonymous || name == "":
		name = T(v.lang, "gift.nameless")
	}
	facts := []Fact{
		{Term: T(v.lang, "mine.fact.campaign"), Value: view.Campaign.Label, Href: view.Campaign.Href},
		{Term: T(v.lang, "mine.fact.fund"), Value: view.Fund.Label, Href: view.Fund.Href},
		{Term: T(v.lang, "mine.fact.name"), Value: name},
	}
	if told.Message != "" {
		facts = append(facts, Fact{Term: T(v.lang, "mine.fact.message"), Value: told.Message})
	}
	return append(facts, Fact{Term: T(v.lang, "mine.fact.ref"), Value: view.Ref})
}
