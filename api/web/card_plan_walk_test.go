package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
)

func (s *stripeSite) stepped() {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := plans.Step(ctx, tx, s.book, time.Now())
		return err
	})
}

// latest is the latest letter in words.
func (s *stripeSite) latest() (kind giving.LetterKind, text LetterText) {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		list, err := giving.Letters(ctx, tx, s.book, uuid.Nil, 1)
		if err != nil || len(list) == 0 {
			return err
		}
		kind = list[0].Kind
		text, err = WriteLetter(ctx, tx, s.book, list[0])
		return err
	})
	return kind, text
}

// eventually waits for what the processor's events bring.
func (s *stripeSite) eventually(what string, there func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

// A monthly gift by card opens, its first month is paid, the second month's invoice comes, the card dies, a letter leads to where
// another card is put, and the donor stops: all without an account.
func TestCardPlanWalk(t *testing.T) {
	t.Parallel()
	s := newStripeSite(t)
	ctx := browser(t)
	look := func(name, path string) {
		t.Helper()
		inspect(ctx, t, bothHeard, "card-plan-"+name, s.URL+path)
	}
	give := "/c/" + s.open.Slug + "/give"
	look("give", give)
	do(ctx, t, chromedp.Navigate(s.URL+give), chromedp.WaitReady(`input[name="other"]`))
	eval(ctx, t, `(() => { const f = document.querySelector('input[name="other"]').form, e = f.elements; e.other.value = "50"; e.email.value = "wang@example.org";
		const pick = (name, value) => { [...f.querySelectorAll('input[name="' + name + '"]')].find(x => x.value === value).checked = true };
		pick("amount", "other"); pick("often", "monthly"); pick("how", "card"); f.requestSubmit(); return "" })()`)
	do(ctx, t, chromedp.WaitVisible(`button[value="pay"]`), chromedp.Click(`button[value="pay"]`), chromedp.WaitVisible(`#gift-state`))
	s.until(eval(ctx, t, `location.pathname`), "50.00")
	var id uuid.UUID
	s.eventually("the plan runs", func() bool {
		s.stepped()
		err := s.owner.QueryRow(ctx, `select id from plan where state = 'active' and subscription <> ''`).Scan(&id)
		return err == nil
	})
	link := "/plan/" + giving.Ref(s.book, id)
	sub := s.fake.Subscriptions()[0]
	s.until(link, s.words("plan.by.card"))

	if err := s.fake.Renew(sub); err != nil {
		t.Fatal(err)
	}
	s.eventually("two months are paid", func() bool {
		return strings.Count(s.get(link).body, s.words("plan.month.paid")) == 2
	})
	if n := s.text(`select count(*)::text from gift where amount = 5000`); n != "2" {
		t.Errorf("%s gifts", n)
	}

	if err := s.fake.KillCard(sub); err != nil {
		t.Fatal(err)
	}
	if err := s.fake.Renew(sub); err != nil {
		t.Fatal(err)
	}
	s.until(link, s.words("plan.failing"))
	kind, letter := s.latest()
	if kind != giving.FailingLetter || letter.Path != link || !strings.Contains(letter.Body, "50.00") {
		t.Errorf("letter %s: %+v", kind, letter)
	}
	look("failing", letter.Path)
	do(ctx, t, chromedp.Click(`button[value="card"]`), chromedp.WaitVisible(`button[value="pay"]`), chromedp.Click(`button[value="pay"]`), chromedp.WaitVisible(`button[value="stop"]`))
	s.eventually("the other card pays", func() bool {
		text := s.get(link).body
		return strings.Count(text, s.words("plan.month.paid")) == 3 && !strings.Contains(text, s.words("plan.failing"))
	})
	look("paid", link)

	do(ctx, t, chromedp.Click(`button[value="stop"]`), chromedp.WaitNotPresent(`button[value="stop"]`))
	s.until(link, s.words("plan.reason.donor"))
	s.eventually("Stripe hears that it stopped", func() bool { return len(s.fake.Subscriptions()) == 0 })
}
