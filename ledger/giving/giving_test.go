package giving_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// testNow is in the morning of 8 September 2026 in Shanghai.
var testNow = time.Date(2026, 9, 8, 1, 30, 0, 0, time.UTC)

// world is a book on a database of its own: a general fund and a fund with a campaign for each bearer of fees.
type world struct {
	t         testing.TB
	db, owner *pgxpool.Pool
	book      *ledger.Book
	general   *ledger.Fund
	funds     map[string]*ledger.Fund
	campaigns map[string]*giving.Campaign
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, db: db.Service, owner: db.Pool, funds: map[string]*ledger.Fund{}, campaigns: map[string]*giving.Campaign{}}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "test", NameZH: "测试慈善会", NameEN: "Test", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		if w.general, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
			return err
		}
		for _, bearer := range []string{ledger.FeeByGeneral, ledger.FeeByFund, ledger.FeeByDonor} {
			w.funds[bearer], err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: bearer, Kind: ledger.Restricted, NameZH: bearer, NameEN: bearer, FeeBearer: bearer})
			if err != nil {
				return err
			}
			if w.campaigns[bearer], err = giving.CreateCampaign(ctx, tx, w.book, newCampaign(w.funds[bearer].ID, bearer)); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func newCampaign(fund int32, slug string) giving.Campaign {
	return giving.Campaign{
		FundID: fund, Slug: slug, TitleZH: "阳光 " + slug, TitleEN: "Sunshine " + slug, SummaryZH: "为十一户人家", SummaryEN: "For eleven households",
		StoryZH: "故事", StoryEN: "Story", Goal: 49_446_00, OpensAt: testNow.AddDate(0, 0, -7), ClosesAt: testNow.AddDate(0, 0, 7),
	}
}

func (w *world) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) try(fn func(ctx context.Context, tx pgx.Tx) error) error {
	ctx := w.t.Context()
	return pg.InTx(ctx, w.db, func(tx pgx.Tx) error { return fn(ctx, tx) })
}

func (w *world) give(paid ...giving.Paid) []giving.Outcome {
	w.t.Helper()
	outcomes, err := giving.Commit(w.t.Context(), w.db, w.book, paid)
	if err != nil {
		w.t.Fatal(err)
	}
	return outcomes
}

func (w *world) refund(list ...giving.Refunded) []giving.Outcome {
	w.t.Helper()
	outcomes, err := giving.CommitRefunds(w.t.Context(), w.db, w.book, list)
	if err != nil {
		w.t.Fatal(err)
	}
	return outcomes
}

func (w *world) progress(campaign string) giving.Progress {
	w.t.Helper()
	p, err := giving.ProgressOf(w.t.Context(), w.db, w.book, testNow, w.campaigns[campaign].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p[0]
}

// balance is the sum of a fund's accounts of one chart account, debit positive.
func (w *world) balance(fund *ledger.Fund, account chart.ID) int64 {
	w.t.Helper()
	var sum int64
	err := w.owner.QueryRow(w.t.Context(), `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id)
		where a.book_id = $1 and a.fund_id = $2 and a.chart = $3 and a.ccy = 'CNY'`, w.book.ID, fund.ID, account).Scan(&sum)
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

// rows counts the rows of every table that giving or the ledger writes.
func (w *world) rows() string {
	w.t.Helper()
	var counts []string
	for _, table := range []string{"private.donor", "private.message", "checkout", "gift", "refund", "entry", "posting", "account", "balance", "turnover"} {
		var n int
		if err := w.owner.QueryRow(w.t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		counts = append(counts, fmt.Sprint(table, " ", n))
	}
	return strings.Join(counts, ", ")
}

// verify holds the book and its gifts to every invariant.
func (w *world) verify() {
	w.t.Helper()
	err := pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error {
		gifts, err := giving.Verify(w.t.Context(), tx, w.book)
		if err != nil {
			return err
		}
		entries, err := ledger.Verify(w.t.Context(), tx, w.book)
		for _, c := range append(gifts, entries...) {
			if c.DiffersAll > 0 {
				w.t.Errorf("%s: %v", c.Name, c.Differs)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// paid is a gift of 100.00 with 0.60 of fee through the sandbox.
func (w *world) paid(campaign, ref string) giving.Paid {
	return giving.Paid{CampaignID: w.campaigns[campaign].ID, Amount: 100_00, Fee: 60, PaidAt: testNow, Channel: giving.Sandbox, Ref: ref}
}

func (w *world) form() giving.Form {
	return giving.Form{FormID: uuid.New(), CampaignID: w.campaigns["general"].ID, Amount: "50", Currency: "CNY", Name: "王芳",
		Email: "wang@example.org", Message: "加油", Lang: "zh-CN", Channel: giving.Sandbox}
}

func (w *world) begin(form giving.Form) (c *giving.Checkout, err error) {
	err = w.try(func(ctx context.Context, tx pgx.Tx) error {
		c, err = giving.Begin(ctx, tx, w.book, form, testNow)
		return err
	})
	return c, err
}

func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.SetCampaignState(ctx, tx, w.book, w.campaigns["fund"].ID, giving.Closed)
	})
	before := w.rows()
	amount := func(s string) func(*giving.Form) { return func(f *giving.Form) { f.Amount = s } }
	for _, c := range []struct {
		name, field, key string
		change           func(*giving.Form)
	}{
		{"negative", "amount", "gift.amount.min", amount("-5")},
		{"zero", "amount", "gift.amount.min", amount("0")},
		{"under the minimum", "amount", "gift.amount.min", amount("0.99")},
		{"above the maximum", "amount", "gift.amount.max", amount("50,000.01")},
		{"0.001", "amount", "gift.amount.decimals", amount("0.001")},
		{"1e18", "amount", "gift.amount.syntax", amount("1e18")},
		{"19 digits", "amount", "gift.amount.range", amount("1000000000000000000")},
		{"decimal comma", "amount", "gift.amount.syntax", amount("1,00")},
		{"full-width", "amount", "gift.amount.syntax", amount("５０")},
		{"NaN", "amount", "gift.amount.syntax", amount("NaN")},
		{"empty", "amount", "gift.amount.missing", amount(" ")},
		{"10 MB amount", "amount", "gift.amount.syntax", amount(strings.Repeat("1", 10<<20))},
		{"other currency", "currency", "gift.currency.other", func(f *giving.Form) { f.Currency = "USD" }},
		{"closed campaign", "campaign", "gift.campaign.closed", func(f *giving.Form) { f.CampaignID = w.campaigns["fund"].ID }},
		{"unknown campaign", "campaign", "gift.campaign.unknown", func(f *giving.Form) { f.CampaignID = 99 }},
		{"10 MB name", "name", "gift.name.long", func(f *giving.Form) { f.Name = strings.Repeat("爱", 10<<20/3) }},
		{"61 characters", "name", "gift.name.long", func(f *giving.Form) { f.Name = strings.Repeat("爱", 61) }},
		{"long message", "message", "gift.message.long", func(f *giving.Form) { f.Message = strings.Repeat("a", 201) }},
		{"bad e-mail", "email", "gift.email.bad", func(f *giving.Form) { f.Email = "Wang <wang@example.org>" }},
		{"e-mail with line break", "email", "gift.email.bad", func(f *giving.Form) { f.Email = "a@example.org\r\nBcc: b@example.org" }},
		{"cash", "channel", "gift.channel.unknown", func(f *giving.Form) { f.Channel = giving.Cash }},
		{"no form id", "form_id", "gift.form.missing", func(f *giving.Form) { f.FormID = uuid.Nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := w.form()
			c.change(&form)
			_, err := w.begin(form)
			var wrong *giving.FieldErrors
			if !errors.As(err, &wrong) || len(wrong.List) != 1 || wrong.List[0].Field != c.field || wrong.List[0].Key != c.key {
				t.Fatalf("got %v, want %s at %s", err, c.key, c.field)
			}
			if min := wrong.List[0].Params["min"]; c.field == "amount" && c.key != "gift.amount.missing" && min == "" {
				t.Error("the message names no limits")
			}
		})
	}
	if after := w.rows(); after != before {
		t.Errorf("bad input changed the database:\n%s\n%s", before, after)
	}
}

func TestSameFormIsOneGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.form()
	form.Name, form.Message = "  王\u202e芳\x00 ", "加\r\n油"
	first, err := w.begin(form)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "王芳" || first.Message != "加 油" {
		t.Errorf("text came out as %q, %q", first.Name, first.Message)
	}
	second, err := w.begin(form)
	if err != nil || second.ID != first.ID {
		t.Fatalf("the same form gave %v, %v", second, err)
	}
	form.Amount = "51"
	if _, err := w.begin(form); !errors.Is(err, giving.ErrFormReused) {
		t.Errorf("another amount on the same form: %v", err)
	}
}

func TestM5GiftFromCheckout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.begin(w.form())
	if err != nil {
		t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.MarkCheckouts(ctx, tx, w.book, []giving.Mark{{ID: c.ID, State: giving.CheckoutPending}}, testNow)
	})
	if p := w.progress("general"); p.Pending != 50_00 || p.PendingGifts != 1 || p.Received != 0 || p.Gifts != 0 {
		t.Errorf("pending gift shows as %+v", p)
	}
	paid := giving.Paid{ID: c.ID, Amount: 50_00, Fee: 30, PaidAt: testNow, Channel: giving.Sandbox, Ref: "ch_1"}
	forged := paid
	forged.Amount = 5000_00
	if o := w.give(forged)[0]; !errors.Is(o.Err, giving.ErrMismatch) {
		t.Errorf("a forged amount: %+v", o)
	}
	swapped := paid
	swapped.Currency = "USD"
	if o := w.give(swapped)[0]; !errors.Is(o.Err, giving.ErrMismatch) {
		t.Errorf("another currency: %+v", o)
	}
	if o := w.give(paid)[0]; o.Err != nil || o.ID != c.ID || o.Replayed {
		t.Fatalf("booked as %+v", o)
	}
	if o := w.give(paid)[0]; o.Err != nil || !o.Replayed {
		t.Errorf("a replay: %+v", o)
	}
	again := paid
	again.Ref = "ch_2"
	if o := w.give(again)[0]; !errors.Is(o.Err, giving.ErrPaidTwice) {
		t.Errorf("a second payment of one gift: %+v", o)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error { // a late event must not take it back
		return giving.MarkCheckouts(ctx, tx, w.book, []giving.Mark{{ID: c.ID, State: giving.CheckoutFailed}}, testNow)
	})
	receipt, err := giving.GiftByRef(t.Context(), w.db, w.book, giving.Ref(w.book, c.ID))
	if err != nil {
		t.Fatal(err)
	}
	if g := receipt.Gift; g.ShownName() != "王芳" || g.Amount != 50_00 || g.Message != "加油" || receipt.Fund.Code != "general" || receipt.Campaign.Slug != "general" {
		t.Errorf("receipt says %+v", receipt)
	}
	if p := w.progress("general"); p.Pending != 0 || p.Received != 50_00 || p.Gifts != 1 || p.Position != 1 {
		t.Errorf("paid gift shows as %+v", p)
	}
	w.verify()
}

func TestFeeBearers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var paid []giving.Paid
	for _, bearer := range []string{"general", "fund", "donor"} {
		for i := range 3 {
			paid = append(paid, w.paid(bearer, fmt.Sprint(bearer, i)))
		}
	}
	for _, o := range w.give(paid...) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	general, fund, donor := w.funds["general"], w.funds["fund"], w.funds["donor"]
	for _, c := range []struct {
		name    string
		fund    *ledger.Fund
		account chart.ID
		want    int64
	}{
		{"b: cost in the general fund, with that of c", w.general, "fundraising.u", 3_60},
		{"b: general fund owes it", w.general, "if.due.to", -1_80},
		{"b: to the fund", general, "if.due.from", 1_80},
		{"b: processor kept it", general, "psp.avail", 298_20},
		{"b: gift in full", general, "gift.r", -300_00},
		{"a: cost in the fund", fund, "fundraising.r", 1_80},
		{"a: processor kept it", fund, "psp.avail", 298_20},
		{"c: the fund has all", donor, "psp.avail", 300_00},
		{"c: the donors gave it on top", w.general, "gift.u", -1_80},
		{"c: and it went to the processor", w.general, "psp.avail", 0},
	} {
		if got := w.balance(c.fund, c.account); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	var entries int
	if err := w.owner.QueryRow(t.Context(), `select count(*) from entry where kind = 4`).Scan(&entries); err != nil || entries != 3 {
		t.Errorf("%d fee entries for 3 funds (%v)", entries, err)
	}
	w.give(paid...) // a replay books no fee
	if got := w.balance(w.general, "fundraising.u"); got != 3_60 {
		t.Errorf("fee after a replay: %d", got)
	}
	w.verify()
}

func TestRefusedMemberHurtsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-08-01', 'hard')`, w.book.ID)
		return err
	})
	agency := w.agencyFund()
	good := func(ref string) giving.Paid { return w.paid("general", ref) }
	with := func(ref string, change func(*giving.Paid)) giving.Paid { p := good(ref); change(&p); return p }
	paid := []giving.Paid{
		good("1"),
		with("2", func(p *giving.Paid) { p.Amount = 0 }),
		with("3", func(p *giving.Paid) { p.CampaignID = 77 }),
		with("4", func(p *giving.Paid) { p.FundID = 77 }),
		with("5", func(p *giving.Paid) { p.Currency = "USD" }),
		with("6", func(p *giving.Paid) { p.PaidAt = testNow.AddDate(0, -1, 0) }),
		with("7", func(p *giving.Paid) { p.FundID = agency }),
		with("1", func(p *giving.Paid) { p.Amount = 1 }),
		good("1"),
		with("8", func(p *giving.Paid) { p.Message = "a\x00b" }),
		with("9", func(p *giving.Paid) { p.Channel = giving.Bank }),
		with("10", func(p *giving.Paid) { p.Currency = "XXX" }),
		with("11", func(p *giving.Paid) { p.ID = uuid.Must(uuid.NewV7()); p.CampaignID = 0 }),
		good("12"),
	}
	want := []error{nil, giving.ErrBadPaid, giving.ErrNoCampaign, ledger.ErrNoFund, giving.ErrNoRate, ledger.ErrPeriodClosed, giving.ErrFundKind,
		giving.ErrRefReused, nil, giving.ErrBadPaid, giving.ErrFeeChannel, nil, giving.ErrNoCheckout, nil}
	outcomes := w.give(paid...)
	for i, o := range outcomes {
		if i == 11 && o.Err != nil { // any refusal will do for a currency that is none
			continue
		}
		if !errors.Is(o.Err, want[i]) {
			t.Errorf("member %d: %v, want %v", i, o.Err, want[i])
		}
	}
	if !outcomes[8].Replayed || outcomes[8].ID != outcomes[0].ID {
		t.Errorf("the same gift twice in a batch: %+v", outcomes[8])
	}
	if p := w.progress("general"); p.Gifts != 2 || p.Received != 200_00 {
		t.Errorf("progress %+v", p)
	}
	if got := w.balance(w.general, "fundraising.u"); got != 1_20 {
		t.Errorf("fees of two gifts: %d", got)
	}
	w.verify()
}

func (w *world) agencyFund() (id int32) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		f, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "A", Kind: ledger.Agency, NameZH: "代", NameEN: "Agency"})
		if err == nil {
			id = f.ID
			if _, wrong := giving.CreateCampaign(ctx, tx, w.book, newCampaign(f.ID, "agency")); !errors.Is(wrong, giving.ErrFundKind) {
				w.t.Errorf("a campaign for an agency fund: %v", wrong)
			}
		}
		return err
	})
	return id
}

func TestForeignGifts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into fx_rate (book_id, ccy, day, rate) values ($1, 'USD', '2026-09-01', 7.105), ($1, 'USD', '2026-09-09', 9)`, w.book.ID)
		return err
	})
	usd := func(ref string, channel giving.Channel, amount int64) giving.Paid {
		return giving.Paid{CampaignID: w.campaigns["fund"].ID, Amount: amount, Currency: "USD", PaidAt: testNow, Channel: channel, Ref: ref}
	}
	own := usd("own-rate", giving.Bank, 100_00)
	own.Rate = decimal.RequireFromString("8")
	for _, o := range w.give(usd("bank", giving.Bank, 1), usd("psp", giving.Stripe, 10_00), own) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	f := w.funds["fund"]
	if got := w.balance(f, "psp.avail"); got != 71_05 {
		t.Errorf("processor holds %d", got)
	}
	if got := w.balance(f, "bank.fx"); got != 7+800_00 { // 0.01 × 7.105 = 0.07105
		t.Errorf("bank holds %d", got)
	}
	refund := giving.Refunded{GiftRef: "own-rate", Amount: 33_33, RefundedAt: testNow, Channel: giving.Bank, Ref: "r1"}
	rest := giving.Refunded{GiftRef: "own-rate", Amount: 66_67, RefundedAt: testNow, Channel: giving.Bank, Ref: "r2"}
	for _, o := range w.refund(refund, rest) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	if got := w.balance(f, "bank.fx"); got != 7 {
		t.Errorf("bank holds %d after the refund", got)
	}
	w.verify()
}

func TestM7Refunds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(w.paid("general", "g1"), w.paid("donor", "g2"))
	back := func(gift, ref string, amount, fee int64) giving.Refunded {
		return giving.Refunded{GiftRef: gift, Amount: amount, Fee: fee, RefundedAt: testNow, Channel: giving.Sandbox, Ref: ref}
	}
	half := back("g1", "r1", 50_00, -30)
	other := half
	other.Amount = 49_00
	wrongChannel := back("g1", "r9", 1_00, 0)
	wrongChannel.Channel = giving.WeChat
	outcomes := w.refund(half, half, other, back("g1", "r2", 50_01, 0), back("g1", "r3", 50_00, 0), back("g1", "r4", 1, 0),
		back("none", "r5", 1, 0), wrongChannel, back("g2", "r6", 100_00, -60), back("g2", "r7", 0, 0))
	want := []error{nil, nil, giving.ErrRefReused, giving.ErrRefundTooLarge, nil, giving.ErrRefundTooLarge, giving.ErrNoGift, giving.ErrNoGift, nil, giving.ErrBadPaid}
	for i, o := range outcomes {
		if !errors.Is(o.Err, want[i]) {
			t.Errorf("member %d: %v, want %v", i, o.Err, want[i])
		}
	}
	if o := w.refund(half)[0]; o.Err != nil || !o.Replayed {
		t.Errorf("a replay: %+v", o)
	}
	if p := w.progress("general"); p.Received != 100_00 || p.Refunded != 100_00 || p.Raised() != 0 || p.Gifts != 1 {
		t.Errorf("progress %+v", p)
	}
	if got := w.balance(w.general, "fundraising.u"); got != 30 {
		t.Errorf("cost after fees given back: %d", got)
	}
	w.verify()
}

func TestPublicReference(t *testing.T) {
	t.Parallel()
	book, other := &ledger.Book{RefKey: [16]byte{1}}, &ledger.Book{RefKey: [16]byte{2}}
	for range 200 {
		id := uuid.Must(uuid.NewV7())
		ref := giving.Ref(book, id)
		got, err := giving.ParseRef(book, ref)
		if err != nil || got != id || len(ref) != giving.RefLen {
			t.Fatalf("%s came back as %s, %v", id, got, err)
		}
		wrong := []string{"", ref + "a", ref[1:], strings.ToUpper(ref), ref[:25] + "1", ref[:25] + "7", strings.Repeat("é", 13)}
		for _, s := range wrong {
			if got, err := giving.ParseRef(book, s); !errors.Is(err, giving.ErrRef) {
				t.Fatalf("ParseRef(%q) = %s, %v", s, got, err)
			}
		}
		if got, err := giving.ParseRef(other, ref); err == nil && got == id {
			t.Fatal("another book's key reads it")
		}
	}
}

func TestCampaignLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		finished := newCampaign(w.funds["fund"].ID, "100pc_done")
		finished.Slug, finished.TitleEN = "done", "100%_done"
		finished.OpensAt, finished.ClosesAt = testNow.AddDate(0, -2, 0), testNow.AddDate(0, -1, 0)
		draft := newCampaign(w.funds["fund"].ID, "draft")
		draft.State = giving.Draft
		for _, c := range []giving.Campaign{finished, draft} {
			if _, err := giving.CreateCampaign(ctx, tx, w.book, c); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		filter giving.CampaignFilter
		want   string
	}{
		{giving.CampaignFilter{}, "done donor fund general"},
		{giving.CampaignFilter{Drafts: true}, "draft done donor fund general"},
		{giving.CampaignFilter{When: giving.Running}, "donor fund general"},
		{giving.CampaignFilter{When: giving.Finished}, "done"},
		{giving.CampaignFilter{Search: "0%_D"}, "done"},
		{giving.CampaignFilter{Search: "%"}, "done"},
		{giving.CampaignFilter{Search: "阳光 donor"}, "donor"},
		{giving.CampaignFilter{FundID: w.funds["general"].ID}, "general"},
		{giving.CampaignFilter{StreetID: 5}, ""},
	} {
		list, err := giving.ListCampaigns(t.Context(), w.db, w.book, c.filter, testNow, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var slugs []string
		for _, campaign := range list {
			slugs = append(slugs, campaign.Slug)
		}
		if got := strings.Join(slugs, " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.filter, got, c.want)
		}
	}
	page, err := giving.ListCampaigns(t.Context(), w.db, w.book, giving.CampaignFilter{}, testNow, w.campaigns["donor"].ID, 1)
	if err != nil || len(page) != 1 || page[0].Slug != "fund" {
		t.Errorf("second page %v, %v", page, err)
	}
}
