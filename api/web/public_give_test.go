package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestGiveBadInput(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	with := func(pairs ...string) url.Values {
		form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	cases := []struct {
		name  string
		form  url.Values
		field string
		key   string
		args  []any
	}{
		{"negative", with("other", "-5"), "other", "gift.amount.min", []any{"1.00", "50,000.00"}},
		{"zero", with("other", "0"), "other", "gift.amount.min", []any{"1.00", "50,000.00"}},
		{"too many decimals", with("other", "0.001"), "other", "gift.amount.decimals", []any{"1.00", "50,000.00", "CNY", "2"}},
		{"exponent", with("other", "1e18"), "other", "gift.amount.syntax", []any{"1.00", "50,000.00"}},
		{"comma as decimal point", with("other", "1,00"), "other", "gift.amount.syntax", []any{"1.00", "50,000.00"}},
		{"full-width digits", with("other", "５０"), "other", "gift.amount.syntax", []any{"1.00", "50,000.00"}},
		{"beyond any number", with("other", "99999999999999999999"), "other", "gift.amount.range", []any{"1.00", "50,000.00"}},
		{"above the limit", with("other", "50000.01"), "other", "gift.amount.max", []any{"1.00", "50,000.00"}},
		{"nothing typed", with("other", ""), "other", "gift.amount.missing", nil},
		{"nothing chosen", with("amount", "", "other", ""), "amount", "gift.amount.missing", nil},
		{"chosen and typed", with("amount", "20.00"), "other", "gift.amount.both", nil},
		{"not a preset", with("amount", "-20", "other", ""), "other", "gift.amount.min", []any{"1.00", "50,000.00"}},
		{"another currency", with("currency", "USD"), "amount", "gift.currency.other", []any{"CNY"}},
		{"long name", with("name", strings.Repeat("王", 61)), "name", "gift.name.long", []any{"60"}},
		{"very long name", with("name", strings.Repeat("w", 200_000)), "name", "gift.name.long", []any{"60"}},
		{"long message", with("message", strings.Repeat("好", 201)), "message", "gift.message.long", []any{"200"}},
		{"bad e-mail", with("email", "nobody"), "email", "gift.email.bad", nil},
	}
	for _, lang := range []Lang{ZH, EN} {
		for _, c := range cases {
			t.Run(string(lang)+" "+c.name, func(t *testing.T) {
				a := s.post("/c/ekongjian/give?lang="+string(lang), c.form)
				if a.status != http.StatusUnprocessableEntity {
					t.Fatalf("status %d", a.status)
				}
				message := html.EscapeString(T(lang, c.key, c.args...))
				for what, text := range map[string]string{
					"page language":  fmt.Sprintf(`<html lang="%s"`, lang.HTML()),
					"title":          "<title>" + T(lang, "errors.title"),
					"summary":        fmt.Sprintf(`<a href="#f-%s">%s</a>`, c.field, message),
					"message":        fmt.Sprintf(`id="f-%s-error"><span class="hidden">%s</span>%s</p>`, c.field, T(lang, "errors.word"), message),
					"form id":        `name="form" value="` + c.form.Get("form") + `"`,
					"value as typed": `value="` + html.EscapeString(c.form.Get("other")) + `"`,
				} {
					if !strings.Contains(a.body, text) {
						t.Errorf("lacks its %s: %s", what, text)
					}
				}
			})
		}
	}
	t.Run("too large", func(t *testing.T) {
		for _, letter := range []string{"w", "慈"} {
			a := s.post("/c/ekongjian/give?lang=en", with("name", strings.Repeat(letter, 10<<20/len(letter))))
			if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `<a href="#f-name">`) || len(a.body) > 100<<10 {
				t.Errorf("a name of 10 MB: status %d, %d bytes: %.300s", a.status, len(a.body), a.body)
			}
		}
		many := with()
		for i := range 100 {
			many.Set(fmt.Sprintf("x%d", i), strings.Repeat("w", 10<<10))
		}
		if a := s.post("/c/ekongjian/give?lang=en", many); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, T(EN, "error.413.heading")) {
			t.Errorf("a form of 1 MB: status %d: %.300s", a.status, a.body)
		}
	})
	t.Run("without form id", func(t *testing.T) {
		if a := s.post("/c/ekongjian/give", with("form", "")); a.status != http.StatusUnprocessableEntity {
			t.Errorf("status %d", a.status)
		}
	})
	for _, slug := range []string{"canteen", "winter"} {
		t.Run("takes no gifts: "+slug, func(t *testing.T) {
			a := s.post("/c/"+slug+"/give?lang=en", with())
			if a.status != http.StatusConflict || !strings.Contains(a.body, T(EN, "give.closed.heading")) || !strings.Contains(a.body, `href="/c/`+slug+`#spent"`) {
				t.Errorf("status %d: %s", a.status, a.body)
			}
			if a := s.get("/c/" + slug + "/give"); a.status != http.StatusSeeOther || a.head.Get("Location") != "/c/"+slug {
				t.Errorf("form: status %d to %s", a.status, a.head.Get("Location"))
			}
		})
	}
	for _, table := range []string{"checkout", "private.donor", "gift", "entry", "sandbox_session"} {
		if n := s.count(table); n != 0 {
			t.Errorf("%d rows of %s were written", n, table)
		}
	}
}

func TestGiveTwice(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := s.form("50")
	first, second := s.post("/c/ekongjian/give", form), s.post("/c/ekongjian/give", form)
	if first.status != http.StatusSeeOther || first.head.Get("Location") != second.head.Get("Location") {
		t.Errorf("twice the same form leads to %s and %s", first.head.Get("Location"), second.head.Get("Location"))
	}
	if n := s.count("checkout"); n != 1 {
		t.Errorf("%d checkouts", n)
	}
	form.Set("other", "100")
	changed := s.post("/c/ekongjian/give", form)
	if changed.status != http.StatusConflict || !strings.Contains(changed.body, T(ZH, "give.changed")) || strings.Contains(changed.body, form.Get("form")) {
		t.Errorf("changed form: status %d", changed.status)
	}
	if n := s.count("checkout"); n != 1 {
		t.Errorf("%d checkouts after the change", n)
	}
}

func TestGiftReceived(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := s.form("50")
	form.Set("name", "王女士")
	form.Set("message", "加油")
	form.Set("email", "wang@example.org")
	gift := s.give(form, url.Values{"result": {"success"}, "twice": {"yes"}})
	mine := s.until(gift, "谢谢您，50.00 元已收到")
	if strings.Contains(mine.body, "wang@example.org") {
		t.Error("the page shows the e-mail address")
	}
	if mine.head.Get("X-Robots-Tag") == "" {
		t.Error("search engines may keep the page")
	}
	s.page(gift+"?lang=en", "Thank you, ¥50.00 has arrived", "王女士")
	s.page(gift+"/receipt", "人民币伍拾元整", "50.00 元", "王女士", "不是公益事业捐赠票据", `class="qr"`)
	s.page(gift+"/receipt?lang=en", "CNY 50.00", `lang="zh-Hans">人民币伍拾元整`, "not the fiscal donation e-receipt")
	s.page("/c/ekongjian", "已收到 <b>50.00 元</b>", "王女士", "加油", "1 笔", "账页 ")
	if n := s.count("gift"); n != 1 {
		t.Errorf("%d gifts", n)
	}
	// Paid is paid.
	session := s.post("/c/ekongjian/give", form).head.Get("Location")
	if a := s.post(session, url.Values{"result": {"fail"}}); a.status != http.StatusConflict {
		t.Errorf("second decision: status %d", a.status)
	}
}

func TestS9HostileTexts(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := s.form("9.90")
	form.Set("name", "李四")
	form.Set("anonymous", "yes")
	form.Set("message", "<script>alert(1)</script>\u202e反")
	gift := s.give(form, url.Values{"result": {"success"}})
	s.until(gift, "已收到")
	page := s.page("/c/ekongjian", "爱心人士", "&lt;script&gt;")
	for _, bad := range []string{"李四", "<script>alert", "\u202e"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the campaign shows %q", bad)
		}
	}
	s.page(gift+"/receipt", "李四")
}

func TestGiftPendingAndFailed(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	started := s.post("/c/ekongjian/give", s.form("20"))
	ref := s.page(started.head.Get("Location"), "这是沙箱", "20.00 元").body
	_, ref, _ = strings.Cut(ref, `href="/g/`)
	ref, _, _ = strings.Cut(ref, `"`)
	s.page("/g/"+ref, "20.00 元还没有付款", started.head.Get("Location"))
	if a := s.get("/g/" + ref + "/receipt"); a.status != http.StatusConflict {
		t.Errorf("receipt of an unpaid gift: status %d", a.status)
	}
	s.post(started.head.Get("Location"), url.Values{"result": {"pending"}})
	s.until("/g/"+ref, "20.00 元正在处理")
	s.until("/c/ekongjian", "处理中")
	s.page("/c/ekongjian", "已收到 <b>0.00 元</b>", "以下还没到账")
	s.post(started.head.Get("Location"), url.Values{"result": {"fail"}})
	s.until("/g/"+ref, "20.00 元没有付成")
	s.page("/g/"+ref, "/c/ekongjian/give?amount=20.00")
	s.page("/c/ekongjian/give?amount=20.00", `value="20.00" id="f-amount" checked`)
	if n := s.count("gift"); n != 0 {
		t.Errorf("%d gifts", n)
	}
}
