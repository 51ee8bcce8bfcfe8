package giving_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// begun is a form of an amount in a currency, and what is wrong with it: field and key.
func (w *world) begun(amount, ccy string, by giving.Channel) (c *giving.Checkout, wrong giving.FieldError) {
	w.t.Helper()
	err := w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns[ledger.FeeByGeneral].ID, Amount: amount, Currency: ccy, Channel: by}, testNow)
		return err
	})
	var list *giving.FieldErrors
	switch {
	case errors.As(err, &list) && len(list.List) == 1:
		return nil, list.List[0]
	case err != nil:
		w.t.Fatal(err)
	}
	return c, wrong
}

// The book's least gift holds where the campaign asks less; foreign currencies have limits and decimals of their own, and who is
// refused is told which field it is.
func TestWhatABookAsksOfGifts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	set := func(r giving.Rules) error {
		return w.try(func(ctx context.Context, tx pgx.Tx) error { return giving.SetRules(ctx, tx, w.book, r) })
	}
	if _, wrong := w.begun("10", "USD", giving.Stripe); wrong.Field != "currency" || wrong.Key != "gift.currency.other" || wrong.Params["currency"] != "CNY" {
		t.Errorf("a currency that is not taken: %+v", wrong)
	}
	for name, bad := range map[string]giving.Rules{"least": {GiftMin: -1, NoticeDays: 7}, "days": {NoticeDays: 61}, "own": {NoticeDays: 7, Currencies: []giving.Accepted{{"CNY", 1, 2}}},
		"unknown": {NoticeDays: 7, Currencies: []giving.Accepted{{"QQQ", 1, 2}}}, "limits": {NoticeDays: 7, Currencies: []giving.Accepted{{"USD", 5, 2}}}} {
		if err := set(bad); !errors.Is(err, giving.ErrRules) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rules := giving.Rules{GiftMin: 5_00, NoticeDays: 7, Currencies: []giving.Accepted{{"JPY", 100, 500_000}, {"KWD", 500, 1_000_000}, {"USD", 1_00, 5_000_00}}}
	for range 2 {
		if err := set(rules); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		amount, ccy, field, key string
		minor                   int64
	}{
		{"4.99", "CNY", "amount", "gift.amount.min", 0},
		{"5.00", "CNY", "", "", 5_00},
		{"0.99", "USD", "amount", "gift.amount.min", 0},
		{"5000.01", "USD", "amount", "gift.amount.max", 0},
		{"12.34", "USD", "", "", 12_34},
		{"100.5", "JPY", "amount", "gift.amount.decimals", 0},
		{"1500", "JPY", "", "", 1500},
		{"1.234", "KWD", "amount", "gift.amount.decimals", 0},
		{"1.23", "KWD", "", "", 1_230},
		{"10", "EUR", "currency", "gift.currency.other", 0},
		{"10", "", "currency", "gift.currency.other", 0},
	} {
		got, wrong := w.begun(c.amount, c.ccy, giving.Stripe)
		if wrong.Field != c.field || wrong.Key != c.key || got != nil && (got.Amount != c.minor || got.Currency != c.ccy) {
			t.Errorf("%s %s: %+v, %+v", c.amount, c.ccy, got, wrong)
		}
	}
	// The sandbox changes money at the book's rate: without one it takes none.
	if _, wrong := w.begun("10", "USD", giving.Sandbox); wrong.Field != "currency" {
		t.Errorf("without a rate: %+v", wrong)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.SetRate(ctx, tx, w.book, giving.Rate{Currency: "USD", Day: w.book.Day(testNow), Rate: decimal.RequireFromString("7.1")})
	})
	if c, wrong := w.begun("10", "USD", giving.Sandbox); c == nil {
		t.Errorf("with a rate: %+v", wrong)
	}
}
