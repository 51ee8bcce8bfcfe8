package api

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

func TestCampaigns(t *testing.T) {
	o := newOffice(t)
	for i := range 8 {
		o.tx(func(tx pgx.Tx) error {
			_, err := giving.CreateCampaign(o.ctx, tx, o.book.Book, campaignFor(o.book.funds["R"].ID, fmt.Sprint("more-", i)))
			return err
		})
	}
	for query, want := range map[string]int{"": 11, "limit=1": 11, "limit=4": 11, "limit=11": 11, "when=running": 10, "when=finished": 1, "q=sun": 1, "q=MORE": 8,
		"q=%25": 0, "limit=3&q=more": 8, "q=draft": 0} {
		var slugs []string
		for _, c := range pages[campaignJSON](o, "/campaigns?"+query) {
			slugs = append(slugs, c.Slug)
			if c.StoryEN != "" {
				t.Error("a list tells whole stories")
			}
		}
		slices.Sort(slugs)
		if n := len(slugs); n != want || len(slices.Compact(slugs)) != n || slices.Contains(slugs, "draft") {
			t.Errorf("%s: %v", query, slugs)
		}
	}
	o.want(request{method: http.MethodGet, path: "/campaigns?when=now"}, 400, "parameter")
}

// TestProgress: what was received, given back, added by the state and only announced stay apart.
func TestProgress(t *testing.T) {
	o := newOffice(t)
	g := o.book.campaigns["sunshine"]
	id := o.oneGift()
	o.want(request{method: http.MethodPost, path: "/gifts", body: wechat("g-2")}, 201, "")
	var before campaignJSON
	o.get("/campaigns/sunshine").decode(t, &before)
	o.tx(func(tx pgx.Tx) error {
		out, err := giving.BookRefunds(o.ctx, tx, o.book.Book, []giving.Refunded{{GiftID: id, Amount: 650, RefundedAt: testNow, Channel: giving.WeChat, Ref: "back-1"}})
		if err != nil || out[0].Err != nil {
			return fmt.Errorf("%w %w", err, out[0].Err)
		}
		c, err := giving.Begin(o.ctx, tx, o.book.Book, giving.Form{FormID: uuid.New(), CampaignID: g.ID, Amount: "500", Currency: "CNY", Lang: "en", Channel: giving.Sandbox}, testNow)
		if err != nil {
			return err
		}
		if err := giving.MarkCheckouts(o.ctx, tx, o.book.Book, []giving.Mark{{ID: c.ID, State: giving.CheckoutPending}}, testNow); err != nil {
			return err
		}
		_, err = ledger.PostOne(o.ctx, tx, o.book.Book, ledger.Entry{Kind: ledger.KindSubsidy, EffectiveOn: ledger.Day(2026, 3, 31), Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: g.FundID}, 20_000_00),
			ledger.Credit(ledger.Leaf{Chart: "grant.r", Fund: g.FundID, Dims: ledger.Dims{Campaign: fmt.Sprint(g.ID)}}, 20_000_00)}})
		return err
	})
	var c campaignJSON
	o.get("/campaigns/sunshine").decode(t, &c)
	p := c.Progress
	if p.Received != "73.00" || p.Refunded != "6.50" || p.Subsidy != "20000.00" || p.Gifts != 2 || p.Pending != "500.00" || p.PendingGifts != 1 ||
		p.Position != before.Progress.Position+2 || !p.AsOf.Equal(testNow) {
		t.Errorf("%+v, before %+v", p, before.Progress)
	}
	if c.Goal != "1000000.00" || c.Fund != "R" || !c.Open || c.DaysLeft != 31 || c.StoryZH != "故事" || len(c.Presets) != 4 || c.GiftMin != "1.00" {
		t.Errorf("%+v", c)
	}
}

func TestFundsAndBooks(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	o.oneEntry()
	books := pages[bookJSON](o, "/books")
	if len(books) != 1 || books[0].Code != "one" || books[0].TimeZone != "Asia/Shanghai" {
		t.Errorf("%+v", books)
	}
	funds := pages[fundJSON](o, "/funds")
	if len(funds) != 3 || funds[1].Code != "R" || funds[1].NetAssets != "36.50" || funds[0].NetAssets != "12.12" {
		t.Errorf("%+v", funds)
	}
	var f fundJSON
	o.get("/funds/R?on=2026-03-30").decode(t, &f)
	if f.NetAssets != "0.00" {
		t.Errorf("%+v", f)
	}
	o.want(request{method: http.MethodGet, path: "/funds/X"}, 404, "not-found")
	o.want(request{method: http.MethodGet, path: "/funds?on=soon"}, 400, "parameter")
}

func TestBalances(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	o.oneEntry()
	all := pages[balanceJSON](o, "/balances")
	for _, limit := range []int{1, 2, len(all)} {
		if some := pages[balanceJSON](o, fmt.Sprintf("/balances?limit=%d", limit)); !slices.EqualFunc(all, some, func(a, b balanceJSON) bool { return a == b }) {
			t.Errorf("%d a page: %+v", limit, some)
		}
	}
	bank := pages[balanceJSON](o, "/balances?fund=G&account=1002.01")
	if len(bank) != 1 || bank[0].Balance != "12.34" || bank[0].Postings != 1 || bank[0].Name != "Bank, basic account" {
		t.Errorf("%+v", bank)
	}
	if then := pages[balanceJSON](o, "/balances?fund=G&account=bank.basic&on=2026-03-30"); then[0].Balance != "0.00" {
		t.Errorf("%+v", then)
	}
	o.want(request{method: http.MethodGet, path: "/balances?account=88"}, 400, "parameter")
	o.want(request{method: http.MethodGet, path: "/balances?fund=X"}, 404, "not-found")
}

func TestTrialBalance(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	o.oneEntry()
	for query, perFund := range map[string]bool{"": false, "?per_fund=true": true, "?per_fund=false&from=2026-03-01&to=2026-03-31": false} {
		var closing, interest string
		for _, r := range pages[trialJSON](o, "/trial-balance"+query) {
			if (r.Fund != "") != perFund {
				t.Errorf("%s: %+v", query, r)
			}
			if r.Account == "4101.02" {
				closing = r.Closing
			}
			if r.Account == "4901.01" {
				interest = r.Credit
			}
		}
		if closing != "-36.50" || interest != "12.34" {
			t.Errorf("%s: %s %s", query, closing, interest)
		}
	}
	for _, query := range []string{"?from=2027-01-01", "?from=2026-03-02&to=2026-03-01", "?per_fund=yes"} {
		o.want(request{method: http.MethodGet, path: "/trial-balance" + query}, 400, "parameter")
	}
}
