package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
)

// monthly begins a plan at the form and pays its first gift; the link is that of its letters.
func (o *office) monthly(c *client) (link string) {
	o.Helper()
	o.gift("", 1_00)
	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "name": {"王女士"}, "often": {"monthly"}}
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
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	ctx := browser(t)
	for name, path := range map[string]string{"plan": link, "give": "/c/space/give"} {
		for _, lang := range []Lang{ZH, EN} {
			for _, width := range []int64{360, 1280} {
				t.Run(fmt.Sprintf("%s-%s-%d", name, lang, width), func(t *testing.T) {
					do(ctx, t, chromedp.EmulateViewport(width, 800), chromedp.Navigate(o.url+path+"?lang="+string(lang)))
					if out := eval(ctx, t, sticksOut); out != "" {
						t.Errorf("scrolls sideways:\n%s", out)
					}
					if small := eval(ctx, t, tooSmall); width == 360 && small != "" {
						t.Errorf("targets below 44 px:\n%s", small)
					}
					accessible(ctx, t)
					picture(ctx, t, folder, fmt.Sprintf("plan-%s-%s-%d", name, lang, width))
				})
			}
		}
	}
}
