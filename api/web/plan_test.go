package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

// monthly begins a plan at the form and pays its first gift; the link is that of its letters.
func (o *office) monthly(c *client) (link string) {
	o.Helper()
	o.gift("", 1_00)
	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "name": {"王女士"}, "often": {"monthly"}, "how": {"letter"}}
	c.wants(c.post("/c/space/give", form), http.StatusUnprocessableEntity, "每月或每年捐需要邮箱")
	form.Set("email", ownEmail)
	for range 2 { // sent twice is one plan
		c.wants(c.post("/c/space/give", form), http.StatusSeeOther)
	}
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		var first, id uuid.UUID
		if err := tx.QueryRow(ctx, `select first_gift, id from plan`).Scan(&first, &id); err != nil {
			return err
		}
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{ID: first, Amount: 50_00, Currency: "CNY", PaidAt: o.now, Channel: giving.Sandbox, Ref: "first"}})
		if err != nil {
			return err
		}
		link = "/plan/" + giving.Ref(o.book, id)
		return out[0].Err
	})
	return link
}

func (o *office) stepped() {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := plans.Step(ctx, tx, o.book, o.now)
		return err
	})
}

// A donor gives monthly: the letter's link pays with one tap, changes, pauses and stops, without an account and without contact data.
func TestMonthlyGiving(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.browser()
	c.lacks(c.get("/me"), "每月一次")
	link := o.monthly(c)
	o.stepped()
	page := c.get(link)
	c.wants(page, http.StatusOK, "进行中", "50.00", "2026年10月7日")
	c.lacks(page, "example", "王女士", "付这一次")
	c.wants(c.post(link, url.Values{"do": {"pay"}}), http.StatusConflict)
	o.now = o.now.AddDate(0, 1, 0) // the campaign ends then: the plan stops
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update campaign set closes_at = closes_at + interval '1 year'`)
		return err
	})
	o.stepped()
	letter := o.letters()[0]
	text, err := WriteLetter(t.Context(), o.db, o.book, letter)
	o.must(err)
	if letter.Kind != giving.ReminderLetter || letter.Email != ownEmail || text.Path != link || !strings.Contains(text.Body, "50.00") {
		t.Errorf("letter %s: %+v", letter.Kind, text)
	}
	c.wants(c.get(link), http.StatusOK, "付这一次的 50.00")
	first, second := c.post(link, url.Values{"do": {"pay"}}), c.post(link, url.Values{"do": {"pay"}})
	if !strings.HasPrefix(first.to, "/sandbox/") || first.to != second.to {
		t.Errorf("paid at %q and %q", first.to, second.to)
	}
	c.wants(c.post(link, url.Values{"do": {"change"}, "amount": {"x"}, "on": {"40"}}), http.StatusUnprocessableEntity, "错误")
	c.wants(c.post(link, url.Values{"do": {"change"}, "amount": {"9999999"}, "on": {"5"}}), http.StatusUnprocessableEntity, "每次金额：")
	c.wants(c.post(link, url.Values{"do": {"change"}, "amount": {"70"}, "on": {"5"}}), http.StatusSeeOther)
	c.wants(c.get(link), http.StatusOK, "70.00", "付这一次的 50.00", "2026年11月5日")
	c.wants(c.post(link, url.Values{"do": {"pause"}}), http.StatusSeeOther)
	c.wants(c.get(link), http.StatusOK, "已暂停")
	c.wants(c.post(link, url.Values{"do": {"resume"}}), http.StatusSeeOther)
	donor := o.browser()
	donor.opens(ownEmail)
	donor.wants(donor.get("/me"), http.StatusOK, link, "进行中")
	c.wants(c.post(link, url.Values{"do": {"stop"}}), http.StatusSeeOther)
	c.wants(c.get(link), http.StatusOK, "按您的要求停止")
	c.wants(c.post(link, url.Values{"do": {"resume"}}), http.StatusConflict)
}

// TestPlanLook opens the pages of monthly giving in both languages, on a phone and on a desk, and keeps pictures.
func TestPlanLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	link := o.monthly(o.browser())
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update campaign set closes_at = closes_at + interval '1 year'`)
		return err
	})
	o.stepped()
	o.now = o.now.AddDate(0, 1, 0)
	o.stepped()
	ctx := browser(t)
	for name, path := range map[string]string{"plan": link, "give": "/c/space/give"} {
		inspect(ctx, t, bothHeard, "plan-"+name, o.url+path)
	}
}

// In the sandbox a card is charged each month too: testers let the months come and the card die.
func TestSandboxCardPlan(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "email": {ownEmail}, "often": {"yearly"}, "how": {"card"}}
	pay := s.post("/c/"+s.open.Slug+"/give", form).head.Get("Location")
	s.post(pay, url.Values{"result": {"success"}})
	var link string
	stands := func(what string, there func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s", what)
			}
			s.tx(func(ctx context.Context, tx pgx.Tx) error {
				if _, err := plans.Step(ctx, tx, s.book, time.Now()); err != nil {
					return err
				}
				_, err := payments.ChargeSandboxPlans(ctx, tx, s.book, time.Now())
				return err
			})
		}
	}
	stands("the plan runs", func() bool {
		var id uuid.UUID
		err := s.owner.QueryRow(t.Context(), `select id from plan where state = 'active' and processor = 'sandbox'`).Scan(&id)
		link = "/plan/" + giving.Ref(s.book, id)
		return err == nil
	})
	s.page(link, T(ZH, "plan.sandbox"), T(ZH, "plan.by.card"), T(ZH, "plan.each.year", yuan(50_00)))
	count := func(key string) int { return strings.Count(s.get(link).body, T(ZH, key)) }
	s.post(link, url.Values{"do": {"sandbox-next"}})
	stands("the next year is paid", func() bool { return count("plan.month.paid") == 1 })
	s.post(link, url.Values{"do": {"sandbox-dead"}})
	s.post(link, url.Values{"do": {"sandbox-next"}})
	stands("the card is refused", func() bool { return count("plan.failing") == 1 && count("plan.month.again") == 1 })
	ctx := browser(t)
	inspect(ctx, t, bothHeard, "plan-sandbox", s.URL+link, chromedp.WaitVisible(`button[value="sandbox-next"]`))
	s.post(link, url.Values{"do": {"card"}})
	stands("another card pays", func() bool { return count("plan.month.paid") == 2 && count("plan.failing") == 0 })
	s.post(link, url.Values{"do": {"stop"}})
	s.page(link, T(ZH, "plan.reason.donor"))
}
