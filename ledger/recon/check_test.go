package recon_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// now is in the morning of 10 September 2026 in Shanghai, a Thursday.
var now = time.Date(2026, 9, 10, 1, 0, 0, 0, time.UTC)

// house is a book in which something has happened, and both who serves it and who owns it.
type house struct {
	*desk
	owner *pgxpool.Pool
	funds map[string]*ledger.Fund
	camp  *giving.Campaign
	gift  uuid.UUID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	h := &house{desk: &desk{T: t, db: db.Service, by: uuid.New()}, owner: db.Pool, funds: map[string]*ledger.Fund{}}
	zone, err := time.LoadLocation("Asia/Shanghai")
	h.ok(err)
	h.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		h.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "nanqiao", NameZH: "南桥区慈善会", NameEN: "Nanqiao", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, f := range []ledger.Fund{{Code: "G", Kind: ledger.General}, {Code: "R", Kind: ledger.Restricted}, {Code: "A", Kind: ledger.Agency}} {
			f.NameZH, f.NameEN = f.Code, f.Code
			if h.funds[f.Code], err = ledger.CreateFund(ctx, tx, h.book, f); err != nil {
				return err
			}
		}
		h.camp, err = giving.CreateCampaign(ctx, tx, h.book, giving.Campaign{FundID: h.funds["R"].ID, Slug: "sun", TitleZH: "阳光", TitleEN: "Sun", SummaryZH: "阳光", SummaryEN: "Sun",
			StoryZH: "故事", StoryEN: "Story", Goal: 100_00, OpensAt: now.AddDate(0, -3, 0), ClosesAt: now.AddDate(0, 3, 0)})
		if err != nil {
			return err
		}
		out, err := giving.Book(ctx, tx, h.book, []giving.Paid{
			{CampaignID: h.camp.ID, Amount: 60_00, PaidAt: now.AddDate(0, -1, 0), Channel: giving.WeChat, Ref: "WX-1"},
			{CampaignID: h.camp.ID, Amount: 40_00, PaidAt: now.AddDate(0, 0, -1), Channel: giving.WeChat, Ref: "WX-2"}})
		if err != nil {
			return err
		}
		h.gift = out[0].ID
		return out[0].Err
	})
	h.post(ledger.KindOpening, now.AddDate(0, -2, 0), "D bank.basic G 500", "C na.u G 500")
	h.post(ledger.KindOpening, now.AddDate(0, -2, 0), "D bank.agency A 100", "C agency.l A 100")
	h.post(ledger.KindPayment, now.AddDate(0, -1, 0), "D program.u G 30", "C bank.basic G 30")
	return h
}

// lines reads "D bank.basic G 500", in yuan.
func (h *house) lines(texts ...string) (lines []ledger.Line) {
	h.Helper()
	for _, text := range texts {
		f := strings.Fields(text)
		var yuan int64
		for _, c := range f[3] {
			yuan = yuan*10 + int64(c-'0')
		}
		if f[0] == "C" {
			yuan = -yuan
		}
		lines = append(lines, ledger.Line{Leaf: ledger.Leaf{Chart: chart.ID(f[1]), Fund: h.funds[f[2]].ID}, Amount: yuan * 100})
	}
	return lines
}

func (h *house) post(kind ledger.Kind, at time.Time, texts ...string) uuid.UUID {
	h.Helper()
	var r ledger.Result
	h.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = h.posts(ctx, tx, kind, at, texts...)
		return err
	})
	return r.ID
}

func (h *house) posts(ctx context.Context, tx pgx.Tx, kind ledger.Kind, at time.Time, texts ...string) (ledger.Result, error) {
	return ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: kind, EffectiveOn: h.book.Day(at), Actor: h.by, Lines: h.lines(texts...)})
}

// red runs the checks in a transaction and gives the codes of those that are red, with what their first rows say.
func red(t *testing.T, tx pgx.Tx, book *ledger.Book) (codes string, said string) {
	t.Helper()
	all, err := recon.RunChecks(t.Context(), tx, book, now)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, o := range all {
		if o.State == recon.Red {
			list = append(list, o.Code)
			for _, b := range o.Breaks {
				said += o.Code + " " + b.Object + " " + b.Text(book, "en") + "\n"
				if zh := b.Text(book, "zh-CN"); strings.Contains(zh, "{") || zh == "" {
					t.Errorf("%s says %q", o.Code, zh)
				}
			}
			if o.RedSince == nil || !o.RedSince.Equal(now) || o.Found == 0 {
				t.Errorf("%s: found %d, red since %v", o.Code, o.Found, o.RedSince)
			}
		}
		if o.State == recon.Pending {
			t.Errorf("%s did not run", o.Code)
		}
	}
	slices.Sort(list)
	return strings.Join(list, " "), said
}

// Every check is there, has words, and is green, empty or said not to be kept on a healthy book; a run again changes nothing but its time.
func TestChecksOfAHealthyBook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var codes []string
	for i := range recon.Checks {
		c := &recon.Checks[i]
		codes = append(codes, c.Code)
		for _, lang := range []string{"zh-CN", "en"} {
			if c.Name(lang) == "" || c.Kept() == (c.Next(lang) == "") || !c.Kept() && c.Lacks(lang) == "" {
				t.Errorf("%s lacks words in %s", c.Code, lang)
			}
		}
		if recon.CheckByCode(c.Code) != c {
			t.Errorf("%s is not found by its code", c.Code)
		}
	}
	if want := strings.Fields("E1 E2 E3 E4 E5 E6 E7 C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20 C21 C22 C23 C24"); !slices.Equal(codes, want) {
		t.Errorf("checks are %v", codes)
	}
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set transaction isolation level repeatable read`); err != nil {
			return err
		}
		before, err := recon.Outcomes(ctx, tx, h.book)
		if err != nil || before[4].State != recon.Pending || before[3].State != recon.Pending {
			t.Errorf("before the first run: %v %v, %v", before[4].State, before[3].State, err)
		}
		if list, said := red(t, tx, h.book); list != "" {
			t.Errorf("red: %s\n%s", list, said)
		}
		all, err := recon.Outcomes(ctx, tx, h.book)
		states := map[recon.State][]string{}
		for _, o := range all {
			states[o.State] = append(states[o.State], o.Code)
		}
		if got := strings.Join(states[recon.NotYet], " "); got != "" {
			t.Errorf("not kept: %s", got)
		}
		if got := strings.Join(states[recon.Green], " "); got != "E5 E7 C01 C02 C03 C04 C05 C06 C09 C10 C13 C16 C19" {
			t.Errorf("green: %s", got)
		}
		return err
	})
	// An hourly run leaves what runs at night as it was.
	later := now.Add(time.Hour)
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		all, err := recon.RunChecks(ctx, tx, h.book, later, recon.Hourly)
		for _, o := range all {
			switch {
			case o.Code == "E5" && !o.At.Equal(later), o.Code == "C01" && (!o.At.Equal(now) || o.State != recon.Green), o.Code == "C06" && !o.At.Equal(now):
				t.Errorf("%s: %s at %s", o.Code, o.State, o.At)
			}
		}
		return err
	})
}

// Each break is planted by itself; what somebody with the server could do is done with the triggers off. The checks that must see it
// do, and no others.
func TestChecksFindWhatIsPlanted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	day := func(days int) time.Time { return now.AddDate(0, 0, days) }
	sql := func(text string) func(context.Context, pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, strings.NewReplacer("{gift}", "'"+h.gift.String()+"'").Replace(text))
			return err
		}
	}
	posts := func(kind ledger.Kind, at time.Time, texts ...string) func(context.Context, pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			_, err := h.posts(ctx, tx, kind, at, texts...)
			return err
		}
	}
	both := func(all ...func(context.Context, pgx.Tx) error) func(context.Context, pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			for _, do := range all {
				if err := do(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	bank := `(select account_id from account where chart = 'bank.basic')`
	payout := func(state, arrives string) string {
		return `insert into payout (book_id, processor, payout, amount, state, complete, arrives_on, created_at) values (1, 'stripe', 'po_1', 9900, '` + state + `', true, '` + arrives + `', '2026-09-01')`
	}
	txn := `insert into processor_txn (book_id, processor, txn, category, source, entry_id, amount, fee, net, happened_at, booked_at, funds, nets)
		values (1, 'stripe', 'txn_1', 'charge', 'ch_1', {gift}, 10000, 100, 9900, '2026-09-01', '2026-09-01', '{2}', '{9900}');`
	disbursed := func(state, on string) string {
		return `insert into disbursement (book_id, id, number, kind, fund_id, payee_id, bank, amount, invoice, purpose, state, sent_on, asked_by)
			values (1, gen_random_uuid(), 1, 'aid', 1, {gift}, 'bank.basic', 500, '', 'x', '` + state + `', '` + on + `', {gift})`
	}
	member := `insert into payout_member values (1, 'stripe', 'po_1', 'txn_1');`
	close := `insert into close_report (book_id, id, first, month, body, hash, made_by, made_at) values (1, {gift}, '2026-07-01', '2026-08-01', '{"figures":"00"}', sha256('{"figures":"00"}'), {gift}, now());
		insert into period_close (book_id, month, first, report_id, asked_by, approved_by, approval_id, closed_at, xid) values (1, '2026-08-01', '2026-07-01', {gift}, {gift}, gen_random_uuid(), {gift}, now(), '1'::xid8);`
	for _, c := range []struct {
		name  string
		plant func(context.Context, pgx.Tx) error
		want  string // codes
		says  string // in some row
	}{
		{"a balance changed", sql(`update balance set balance = balance + 1 where account_id = ` + bank), "C01 C03 E5", "fund G: debits and credits differ by 0.01"},
		{"a turnover changed", sql(`update turnover set credit = credit + 5 where account_id = (select account_id from account where chart = 'program.u')`), "C03 E5", "movements add up to 29.95"},
		{"a month closed by nobody", sql(`insert into period values (1, '2026-08-01', 'hard') on conflict (book_id, month) do update set state = 'hard'`), "C02", "2026-08 is closed for good without a report"},
		{"entries inside a closed month, and figures that are not those signed", sql(close), "C02 C21", "after its month was closed"},
		{"a restricted fund below zero", posts(ledger.KindBankDebit, day(-1), "D admin.r R 150", "C psp.avail R 150"), "C04", "restricted fund R has net assets of -50.00"},
		{"a fund that owes another for long", posts(ledger.KindTransfer, day(-40), "D if.due.from R 20", "C psp.avail R 20", "C if.due.to G 20", "D bank.basic G 20"), "C05", "account if.due.from R stands at 20.00, 20.00 of it older than 2026-08-11"},
		{"what funds owe does not add up", sql(`update balance set balance = 7 where account_id = ` + bank + `; update account set chart = 'if.due.to' where account_id = ` + bank), "C01 C02 C03 C05 E5", "due from and due to other funds differ by 0.07"},
		{"a gift without its row", sql(`delete from gift where id = {gift}`), "C06 C13", "is of a gift that is not there"},
		{"a campaign that shows more", sql(`update campaign set goal = 1; update gift set amount = amount + 1 where id = {gift}`), "C06 C13", ""},
		{"rows of a processor that are not on the books", sql(txn), "C07 E1", "stripe R: the book says 0.00, the processor's rows 99.00"},
		{"a payout of no members", sql(payout("paid", "2026-09-09")), "C08 E2", "of 99.00, its members add up to 0.00"},
		{"a payout that does not arrive", sql(txn + member + payout("created", "2026-09-03")), "C07 C08 E1", "was due on 2026-09-03"},
		{"a transit that stays", posts(ledger.KindPayoutStart, day(-9), "D psp.transit R 30", "C psp.avail R 30"), "C08 E7", "account psp.transit R stands at 30.00, 30.00 of it older than 2026-09-07"},
		{"a receipt that nobody identifies", posts(ledger.KindVoucher, day(-31), "D bank.basic G 9", "C unident G 9"), "C09 E7", "older than 2026-08-11"},
		{"a payment that the bank does not show", posts(ledger.KindPayment, day(-4), "D program.u G 9", "C pay.transit G 9"), "C10 E7", "account pay.transit G stands at -9.00, 9.00 of it older than 2026-09-08"},
		{"a payment that came back", posts(ledger.KindPayment, day(-8), "D bank.basic G 9", "C bounced G 9"), "C10 E7", "bounced G"},
		{"contracts beyond the money", both(posts(ledger.KindContract, day(-2), "D enc G 400", "C enc.contra G 400"), posts(ledger.KindBankDebit, day(-1), "D admin.u G 100", "C bank.basic G 100")), "C04 C11", "contracts of 400.00, liquid 370.00"},
		{"a gift that a stopped event did not decide", sql(`insert into match_missed (book_id, event_id, gift_id, at) values (1, 1, {gift}, now())`), "C14", ""},
		{"income of an agency fund", posts(ledger.KindVoucher, day(-1), "D bank.basic A 10", "C gift.u A 10"), "C16", "gift.u A stands at -10.00"},
		{"agency money that is nobody's", sql(`update balance set balance = balance - 100 where account_id = (select account_id from account where chart = 'bank.agency')`), "C01 C03 C16 E5", ""},
		{"a receipt that stands after a refund", sql(`insert into receipt_range values (1, 1, '5010', 1, 9, 8, '2026-01-01', {gift}, now());
			insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, campaign_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by) values (1, {gift}, 1, 1, 'abcdefgh', 'single', 'nobody', 2, 1, 6000, 'CNY', 1, '2026-08-10', '2026-08-11', now(), {gift});
			insert into receipt_gift values (1, {gift}, 1, {gift}, 6000);
			insert into refund (book_id, id, gift_id, amount, refunded_at, channel, ccy, ref) values (1, gen_random_uuid(), {gift}, 1000, now(), 1, 'CNY', 'r')`), "C06 C13 C17", "gift WX-1: a receipt of 60.00 stands, after refunds the gift is 50.00"},
		{"unrestricted cost on a restricted fund", posts(ledger.KindPayment, day(-1), "D program.u R 10", "C psp.avail R 10"), "C19", "program.u R"},
		{"a release that was forgotten", both(sql(`update book set regime = 'cn2004'`), posts(ledger.KindVoucher, day(-1), "D na.u R 10", "C psp.avail R 10")), "C19", "fund R: 10.00 was used and not released"},
		{"a dispute that is not on the books", sql(`insert into dispute (book_id, processor, dispute, gift_id, amount, ccy, withdrawn, cover, fee, reason, state, opened_at) values (1, 'stripe', 'dp_1', {gift}, 5000, 'CNY', 5000, 0, 0, 'x', 'open', now())`), "C20", "open disputes hold 50.00"},
		{"a street's promise without a letter", func(ctx context.Context, tx pgx.Tx) error {
			lines := h.lines("D subsidy R 10", "C subsidy.contra R 10")
			lines[0].Leaf.Dims.Source = "letter:J7"
			_, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: h.book.Day(day(-1)), Actor: h.by, Lines: lines})
			return err
		}, "C15", "letter J7"},
		{"a statement that is missing", func(ctx context.Context, tx pgx.Tx) error {
			s := recon.Source{Name: "招行", Kind: "bank", Format: statement.MT940, Currency: "CNY", MadeBy: h.by, MadeAt: now}
			var err error
			if s.ID, err = recon.AddSource(ctx, tx, h.book, s); err != nil {
				return err
			}
			body, err := os.ReadFile(filepath.Join("statement", "testdata", "breaks-1", "bank_mt940.sta"))
			if err != nil {
				return err
			}
			f, err := recon.Receive(ctx, tx, h.book, &s, recon.NewFile{ID: uuid.New(), Name: "九月.sta", Body: body, By: h.by}, now)
			if err != nil {
				return err
			}
			_, err = recon.Take(ctx, tx, h.book, f, now)
			return err
		}, "E3", "招行: a statement is missing after 2026-09-04, -35.00 moved meanwhile"},
		{"a payment that nobody approved", sql(disbursed("sent", "2026-09-09")), "C10 E6", "payment FK1: 5.00 was paid or sent, a second person approved 0.00"},
		{"an old payment that nobody approved", sql(disbursed("paid", "2026-06-09")), "E6", "payment FK1"},
		{"more at the bank than was sent there", func(ctx context.Context, tx pgx.Tx) error {
			lines := h.lines("D pay.transit G 9", "C bank.basic G 9")
			lines[0].Leaf.Dims.Project = "P1"
			_, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindBankDebit, EffectiveOn: h.book.Day(day(-1)), Actor: h.by, Lines: lines})
			return err
		}, "E6", "project P1: 9.00 more left the bank"},
		{"a contract paid twice", sql(disbursed("sent", "2026-09-09") + `; update disbursement set kind = 'stage', fund_id = null, contract_id = {gift};
			insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, ends_on, state, accepted, entered_by)
			values (1, {gift}, 1, 'HT-1', {gift}, {gift}, 't', 'service', 'pro_rata', 900, 0, 0, '2026-12-31', 'signed', 400, {gift});
			insert into record_step (book_id, id, object, act, at, by_person, second_person, amount) select 1, gen_random_uuid(), 'disbursement:' || id, 'payment-approved', now(), {gift}, gen_random_uuid(), 500 from disbursement`),
			"C10 E6", "contract HT-1: payments of 5.00, accepted and advanced 4.00"},
		{"contracts over the budget", sql(`insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, budget, state, starts_on, ends_on, entered_by)
			values (1, {gift}, 1, 'lamps', 2, '', 'p', 1, 0, 800, 'approved', '2026-09-01', '2026-12-31', {gift});
			insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, ends_on, state, entered_by)
			values (1, {gift}, 1, 'HT-1', {gift}, {gift}, 't', 'service', 'pro_rata', 900, 0, 0, '2026-12-31', 'signed', {gift})`), "E6", "project lamps: contracts of 9.00, an approved budget of 8.00"},
		{"a beneficiary who got more than came in", both(func(ctx context.Context, tx pgx.Tx) error {
			lines := h.lines("D bank.agency A 10", "C agency.l A 10")
			lines[1].Leaf.Dims.Counterparty = "B-01"
			_, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: h.book.Day(day(-1)), Actor: h.by, Lines: lines})
			return err
		}, sql(`alter table balance drop constraint balance_ceiling; update balance set balance = balance + case when account_id = (select account_id from account where dims ->> 'counterparty' = 'B-01') then 2000 else -2000 end
			where account_id in (select account_id from account where dims ->> 'counterparty' = 'B-01' or chart = 'bank.agency')`)), "C03 C16", "beneficiary A B-01: 10.00 more was passed on"},
		{"a levy that nobody agreed on", posts(ledger.KindVoucher, day(-1), "D gift.r R 10", "C psp.avail R 10", "D psp.avail G 10", "C gift.u G 10"), "C18", "fund R: a levy of 10.00 on 2026-09-09"},
		{"levies beyond the charter's cap", sql(`insert into fund_levy (book_id, fund_id, entry_id, amount, base, levy_bp) values (1, 2, {gift}, 600, 10000, 500)`), "C18", "fund R: levies of 6.00, a cap of 5.00"},
		{"a final account that is not as it was published", sql(`insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, budget, state, starts_on, ends_on, entered_by)
			values (1, {gift}, 1, 'lamps', 2, '', 'p', 1, 0, 800, 'approved', '2026-09-01', '2026-12-31', {gift});
			insert into project_account (book_id, project_id, version, body, hash, reason, day) values (1, {gift}, 1, '{}', sha256('{ }'), '', '2026-09-08')`), "C22", "lamps: what was published on 2026-09-08"},
		{"a campaign whose result is not public", func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `update campaign set opens_at = '2025-12-01', closes_at = '2026-02-01', state = 'closed'`); err != nil {
				return err
			}
			return law.SetProfile(ctx, tx, h.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, now)
		}, "C24", "R09 阳光: was due by 2026-0"},
		{"foreign money without a rate", func(ctx context.Context, tx pgx.Tx) error {
			g := h.funds["G"].ID
			_, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: h.book.Day(day(-20)), Actor: h.by, Lines: []ledger.Line{
				{Leaf: ledger.Leaf{Chart: "bank.fx", Fund: g, Currency: "USD"}, Amount: 710_00, Units: 100_00}, ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: g}, 710_00)}})
			return err
		}, "C23", "there is no rate of 2026-08-31"},
		{"foreign money at an old rate", func(ctx context.Context, tx pgx.Tx) error {
			g := h.funds["G"].ID
			if _, err := tx.Exec(ctx, `insert into fx_rate values (1, 'USD', '2026-08-30', 7.05)`); err != nil {
				return err
			}
			_, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: h.book.Day(day(-20)), Actor: h.by, Lines: []ledger.Line{
				{Leaf: ledger.Leaf{Chart: "bank.fx", Fund: g, Currency: "USD"}, Amount: 710_00, Units: 100_00}, ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: g}, 710_00)}})
			return err
		}, "C23", "the books say 710.00, at the rate of 2026-08-31 it is 705.00"},
	} {
		ctx := pg.WithBook(t.Context(), h.book.ID)
		tx, err := h.owner.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		h.ok(err)
		defer func() { _ = tx.Rollback(ctx) }()
		_, err = tx.Exec(ctx, "set local session_replication_role = replica")
		h.ok(err)
		if err := c.plant(ctx, tx); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		list, said := red(t, tx, h.book)
		if list != c.want || !strings.Contains(said, c.says) {
			t.Errorf("%s: red are %q, want %q with %q\n%s", c.name, list, c.want, c.says, said)
		}
		h.ok(tx.Rollback(ctx))
	}
}
