package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// sqlAlarmRaised raises the alarm of card testing by hand.
const sqlAlarmRaised = `insert into card_defence (book_id, paused_to, guarded_to, raised_at, counted_at, failed, paid)
	values ($1, $2::timestamptz + $3::text::interval, $2::timestamptz + interval '1 hour', $2, '-infinity', 212, 31)`

func (s *publicSite) alarm(paused string) {
	s.t.Helper()
	if _, err := s.owner.Exec(context.Background(), sqlAlarmRaised, s.book.ID, time.Now(), paused); err != nil {
		s.t.Fatal(err)
	}
}

// In normal times nobody is asked; in doubt the form asks for a sum, and the script answers by work.
func TestGiveChallenge(t *testing.T) {
	t.Parallel()
	calm := newPublicSite(t)
	if a := calm.page("/c/ekongjian/give"); strings.Contains(a.body, "data-work") {
		t.Error("a challenge in normal times")
	}
	s := newPublicSite(t)
	s.alarm("0 s")
	page := s.page("/c/ekongjian/give?lang=en").body
	pick := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("the form lacks %s", pattern)
		}
		return m[1]
	}
	form := url.Values{"form": {pick(`name="form" value="([^"]+)"`)}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "challenge": {pick(`name="challenge" value="([^"]+)"`)}}
	a, _ := strconv.Atoi(pick(`How much is (\d+) &#43; \d+`))
	b, _ := strconv.Atoi(pick(`How much is \d+ &#43; (\d+)`))
	again := s.post("/c/ekongjian/give?lang=en", form)
	if again.status != http.StatusUnprocessableEntity || !strings.Contains(again.body, T(EN, "give.challenge.again")) || !strings.Contains(again.body, `value="50"`) ||
		!strings.Contains(again.body, `data-work="`+form.Get("form")) {
		t.Errorf("without an answer: %d", again.status)
	}
	if s.count("checkout") != 0 {
		t.Error("a gift was started")
	}
	form.Set("sum", strconv.Itoa(a+b))
	if done := s.post("/c/ekongjian/give", form); done.status != http.StatusSeeOther {
		t.Errorf("with the sum: %d", done.status)
	}
	ctx := browser(t)
	worked := func(ctx context.Context, _ *chromedp.Target) error {
		if eval(ctx, t, `document.querySelector(".note, [data-work]") ? "" : "none"`) != "" {
			t.Error("no challenge")
		}
		eval(ctx, t, `new Promise(done => { const look = () => document.querySelector('[name="work"]').value && document.querySelector("#f-sum").closest(".field").hidden ? done("") : setTimeout(look, 20); look() })`)
		return nil
	}
	inspect(ctx, t, []size{{1280, false}, {360, false}}, "challenge", s.URL+"/c/ekongjian/give", chromedp.Func(worked))
	// What a reader without script sees.
	inspect(ctx, t, phoneHeard, "challenge-plain", s.URL+"/c/ekongjian/give", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		err := worked(ctx, tab)
		eval(ctx, t, `(() => { document.querySelector("#f-sum").closest(".field").hidden = false; return "" })()`)
		return err
	}))
	do(ctx, t, chromedp.Navigate(s.URL+"/c/ekongjian/give"))
	eval(ctx, t, `(() => { const f = document.querySelector('input[name="other"]').form; f.elements.other.value = "70";
		[...f.querySelectorAll('input[name="amount"]')].find(x => x.value === "other").checked = true;
		const go = () => f.elements.work.value ? f.requestSubmit() : setTimeout(go, 20); go(); return "" })()`)
	do(ctx, t, chromedp.WaitVisible(`button[value="success"]`))
	if n := s.count("checkout"); n != 2 {
		t.Errorf("%d gifts were started", n)
	}
}

// While cards are paused the sandbox, which stands for a card, takes nothing, and says so.
func TestGiveWhileCardsArePaused(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	s.alarm("15 min")
	s.page("/c/ekongjian/give?lang=en", T(EN, "give.paused"))
	s.page("/c/ekongjian/give?lang=zh-CN", T(ZH, "give.paused"))
	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}}
	if a := s.post("/c/ekongjian/give?lang=en", form); a.status != http.StatusConflict || !strings.Contains(a.body, "Card payments are paused") || s.count("checkout") != 0 {
		t.Errorf("status %d", a.status)
	}
}

// The alarm stands on the payments page with its figures; an accountant lifts it with a reason, on record.
func TestCardAlarmInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlAlarmRaised, o.book.ID, o.now, "15 min")
		return err
	})
	li := o.as("li")
	page := li.get("/console/payments").text
	for _, words := range []string{T(ZH, "cards.heading"), "243", "212", T(ZH, "cards.lift")} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %s", words)
		}
	}
	if a := o.as("shen").post("/console/payments", url.Values{"lift": {"1"}, "reason": {"I want to"}}); a.status != http.StatusForbidden {
		t.Errorf("an auditor lifts: %d", a.status)
	}
	if a := li.post("/console/payments", url.Values{"lift": {"1"}, "reason": {" "}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", a.status)
	}
	ctx := browser(t)
	o.signInBrowser(ctx, "li")
	inspect(ctx, t, deskHeard, "cards", o.url+"/console/payments")
	if a := li.post("/console/payments", url.Values{"lift": {"1"}, "reason": {"the attack is over"}}); a.status != http.StatusSeeOther {
		t.Errorf("lift: %d", a.status)
	}
	if n := o.audited("cards.lift"); n != 1 {
		t.Errorf("%d lines in the audit trail", n)
	}
	if strings.Contains(li.get("/console/payments").text, T(ZH, "cards.heading")) {
		t.Error("the alarm still stands")
	}
}
