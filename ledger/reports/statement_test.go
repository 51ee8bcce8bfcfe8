package reports

import (
	"context"
	"fmt"
	"path"
	"regexp"
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
	"sunfund/ledger/money"
)

// keptBook is a book with a fund of each kind, named by its letter.
type keptBook struct {
	*ledger.Book
	*testing.T
	db    *pgxpool.Pool
	funds map[string]*ledger.Fund
}

func newKeptBook(t *testing.T, regime string) *keptBook {
	t.Helper()
	b := &keptBook{T: t, db: pgtest.New(t).Service, funds: map[string]*ledger.Fund{}}
	b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		b.Book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "kept", NameZH: "阳光区慈善会", NameEN: "Sunshine Charity Association", Regime: regime,
			Currency: "CNY", Zone: time.FixedZone("CST", 8*3600), Sandbox: true})
		for _, f := range []struct{ code, kind string }{{"G", ledger.General}, {"D", ledger.Designated}, {"R", ledger.Restricted}, {"S", ledger.Subsidy}, {"E", ledger.Endowment}, {"A", ledger.Agency}, {"R2", ledger.Restricted}} {
			if err == nil {
				b.funds[f.code], err = ledger.CreateFund(ctx, tx, b.Book, ledger.Fund{Code: f.code, Kind: f.kind, NameZH: f.code, NameEN: f.code})
			}
		}
		return err
	})
	return b
}

func (b *keptBook) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	b.Helper()
	ctx := b.Context()
	if b.Book != nil {
		ctx = pg.WithBook(ctx, b.ID)
	}
	if err := pg.InTx(ctx, b.db, func(tx pgx.Tx) error { return fn(ctx, tx) }); err != nil {
		b.Fatal(err)
	}
}

// post books an entry from lines such as "D bank.basic R 100.00" and, where an account has a nature, "C gift.r@refund R 1.00".
func (b *keptBook) post(kind ledger.Kind, day string, lines ...string) (id uuid.UUID) {
	b.Helper()
	on, err := time.Parse(time.DateOnly, day)
	if err != nil {
		b.Fatal(err)
	}
	e := ledger.Entry{Kind: kind, EffectiveOn: on, Actor: uuid.Nil, Document: &ledger.Document{Summary: "凭证", SourceKind: "voucher", MadeBy: "李会计"}}
	for _, line := range lines {
		w := strings.Fields(line)
		amount, err := money.Parse(w[3], "CNY")
		if err != nil {
			b.Fatal(err)
		}
		if w[0] == "C" {
			amount = -amount
		}
		id, nature, _ := strings.Cut(w[1], "@")
		e.Lines = append(e.Lines, ledger.Line{Leaf: ledger.Leaf{Chart: chart.ID(id), Fund: b.funds[w[2]].ID, Dims: ledger.Dims{Nature: nature}}, Amount: amount})
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, err := ledger.PostOne(ctx, tx, b.Book, e)
		id = r.ID
		return err
	})
	return id
}

func (b *keptBook) make(form, from, to string, more ...func(*Request)) *Statement {
	b.Helper()
	f, there := FormByID(form)
	if !there {
		b.Fatalf("no form %s", form)
	}
	r := Request{Lang: "en"}
	if from != "" {
		r.From, _ = time.Parse(time.DateOnly, from)
	}
	r.To, _ = time.Parse(time.DateOnly, to)
	for _, m := range more {
		m(&r)
	}
	ctx := pg.WithBook(b.Context(), b.ID)
	s, err := Make(ctx, b.db, b.Book, f, r)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// wants holds figures, such as "gifts year.restricted 27505.13", and that the statement ties.
func (b *keptBook) wants(s *Statement, figures ...string) {
	b.Helper()
	for _, text := range figures {
		w := strings.Fields(text)
		want, err := money.Parse(w[2], "CNY")
		if err != nil {
			b.Fatal(err)
		}
		if got, there := s.Figure(w[0], w[1]); got != want || !there && want != 0 {
			b.Errorf("%s: %s %s is %s, want %s", s.ID, w[0], w[1], money.Format(got, "CNY"), w[2])
		}
	}
	for _, t := range s.Ties {
		if t.Off() != 0 {
			b.Errorf("%s to %s: %s: %d and %d: %v", s.ID, s.Period, t.Name, t.Left, t.Right, t.Why)
		}
	}
}

// worked books TV1 of the worked examples: 27,505.13 raised online, 21,940.87 from the street, 49,446.00 spent.
func (b *keptBook) worked() {
	b.Helper()
	b.post(ledger.KindOpening, "2026-01-01", "D bank.basic G 5000.00", "C na.u G 5000.00")
	b.post(ledger.KindGift, "2026-09-07", "D psp.avail R 27505.13", "C gift.r@gift R 27505.13")
	b.post(ledger.KindFee, "2026-09-07", "D fundraising.u G 165.03", "C if.due.to G 165.03", "D if.due.from R 165.03", "C psp.avail R 165.03")
	b.post(ledger.KindPayoutLanded, "2026-09-09", "D bank.online R 27340.10", "C psp.avail R 27340.10")
	b.post(ledger.KindTransfer, "2026-09-30", "D bank.online R 165.03", "C if.due.from R 165.03", "D if.due.to G 165.03", "C bank.basic G 165.03")
	b.post(ledger.KindLetter, "2026-10-10", "D bank.basic R 21940.87", "C grant.r R 21940.87")
	b.post(ledger.KindWork, "2026-11-20", "D program.r R 49446.00", "C ap R 47962.62", "C retention R 1483.38")
	b.post(ledger.KindDisbursed, "2026-11-24", "D ap R 47962.62", "C pay.transit R 47962.62")
	b.post(ledger.KindDebited, "2026-11-25", "D pay.transit R 47962.62", "C bank.online R 27505.13", "C bank.basic R 20457.49")
}

// Every account stands in exactly one row of every form, each side of it once.
func TestFormsCoverTheChart(t *testing.T) {
	for _, f := range Forms(chart.CN2026) {
		t.Run(f.ID, func(t *testing.T) {
			used := map[string]bool{}
			for _, a := range chart.All() {
				for _, t := range f.terms {
					if fits, _ := path.Match(t.pattern, string(a.ID)); fits {
						used[t.pattern] = true
					}
				}
				if !f.covers(a) {
					continue
				}
				for _, side := range []chart.Side{chart.Debit, chart.Credit} {
					rows := map[string][]string{}
					for _, term := range f.rowsOf(a.ID, "") {
						if r := f.Rows[term.row]; term.side == 0 || term.side == side {
							rows[r.Only+r.At] = append(rows[r.Only+r.At], r.ID)
						}
					}
					if len(rows) == 0 {
						t.Errorf("%s stands in no row", a.ID)
					}
					for only, ids := range rows {
						if len(ids) > 1 {
							t.Errorf("%s stands in %v %s", a.ID, ids, only)
						}
					}
				}
			}
			for _, term := range f.terms {
				if !used[term.pattern] && !strings.HasPrefix(term.pattern, "@") {
					t.Errorf("row %s: no account is called %s", f.Rows[term.row].ID, term.pattern)
				}
			}
		})
	}
}

// The worked example stands in the rows that section 3 of the rules names, ties, and stays the same when the year is closed.
func TestWorkedExampleUnderBothRegimes(t *testing.T) {
	t.Parallel()
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		t.Run(regime, func(t *testing.T) {
			t.Parallel()
			b := newKeptBook(t, regime)
			b.worked()
			check := func() {
				t.Helper()
				b.wants(b.make(regime+"-balance", "", "2026-12-31"), "monetary opening 0.00", "monetary closing 6318.35", "assets closing 6318.35", "payable closing 1483.38",
					"net-u closing 4834.97", "net-r closing 0.00", "debts-net closing 6318.35")
				b.wants(b.make(regime+"-cash", "", "2026-12-31"), "gifts year 27505.13", "grants year 21940.87", "goods year 47962.62", "other-out year 165.03", "change year 1318.35", "change period 0.00")
				// The other regime shows the same books.
				other := map[string]string{chart.CN2026: chart.CN2004, chart.CN2004: chart.CN2026}[regime]
				b.wants(b.make(other+"-balance", "", "2026-12-31"), "net-u closing 4834.97", "net-r closing 0.00")
				for _, form := range []string{chart.CN2026, chart.CN2004} {
					s := b.make(form+"-activities", "2026-11-01", "2026-11-30")
					b.wants(s, "gifts year.restricted 27505.13", "gifts year 27505.13", "grants year.restricted 21940.87", "gifts period 0.00", "income-sum year 49446.00",
						"program period 49446.00", "fundraising year.unrestricted 165.03", "change year -165.03", "change year.unrestricted -165.03", "change year.restricted 0.00", "change period.restricted -49446.00")
					if form == chart.CN2004 {
						b.wants(s, "program year.unrestricted 49446.00", "released year.unrestricted 49446.00", "released year.restricted -49446.00", "released year 0.00")
					} else {
						b.wants(s, "program year.restricted 49446.00", "released year.unrestricted 0.00")
					}
				}
				b.wants(b.make("us-activities", "", "2026-12-31"), "released year.unrestricted 49446.00", "program year.unrestricted 49446.00", "change year -165.03", "change year.restricted 0.00")
				b.wants(b.make("us-position", "", "2026-12-31"), "net-u closing 4834.97", "net-r closing 0.00")
				b.wants(b.make("us-cash", "", "2026-12-31"), "change year 1318.35")
				b.wants(b.make("uk-sofa", "", "2026-12-31"), "donations year.restricted 49446.00", "activities year.restricted 49446.00", "change year.restricted 0.00",
					"change year.unrestricted -165.03", "carried year 4834.97", "brought year 0.00")
				b.wants(b.make("uk-balance", "", "2026-12-31"), "general closing 4834.97", "assets closing 4834.97")
			}
			check()
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				plan, err := ledger.YearEnd(ctx, tx, b.Book, 2026, ledger.Day(2027, 1, 4))
				if err != nil {
					return err
				}
				_, err = ledger.PostYear(ctx, tx, b.Book, 2026, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "年终结转", MadeBy: "李会计"})
				return err
			})
			check()
			b.wants(b.make(regime+"-activities", "2027-12-01", "2027-12-31"), "change year 0.00", "gifts prior 27505.13", "change prior -165.03")
		})
	}
}

// TV7: the same facts under two engines, a gift of an earlier year spent in a later one.
func TestSpendingOfEarlierYears(t *testing.T) {
	t.Parallel()
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		b := newKeptBook(t, regime)
		b.post(ledger.KindOpening, "2025-12-31", "D bank.basic R 100.00", "C na.r R 100.00")
		cost := map[string]string{chart.CN2026: "program.r", chart.CN2004: "program.u"}[regime]
		b.post(ledger.KindPayment, "2026-03-02", "D "+cost+" R 40.00", "C bank.basic R 40.00")
		b.wants(b.make(regime+"-balance", "", "2026-03-31"), "net-r opening 100.00", "net-r closing 60.00", "net-u closing 0.00")
		b.wants(b.make(regime+"-activities", "", "2026-03-31"), "change period.restricted -40.00", "change period.unrestricted 0.00")
	}
}

// TV6, agency money, and what goes straight to net assets.
func TestWhatIsNotOrdinary(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.post(ledger.KindOpening, "2026-01-01", "D bank.basic R 2000.00", "C na.r R 2000.00", "D bank.basic G 3000.00", "C na.u G 3000.00")
	b.post(ledger.KindGoods, "2026-02-01", "D stock.art R 5000.00", "C gift.r@in-kind R 5000.00")
	b.post(ledger.KindAuction, "2026-03-01", "D bank.basic R 1000.00", "C deposit R 1000.00")
	b.post(ledger.KindAuction, "2026-03-05", "D deposit R 1000.00", "D bank.basic R 7800.00", "C sales.r R 5000.00", "C gift.r R 3800.00", "D program.r@cost_of_sale R 5000.00", "C stock.art R 5000.00")
	b.post(ledger.KindAuction, "2026-03-06", "D fundraising.r R 300.00", "C bank.basic R 300.00")
	b.post(ledger.KindVoucher, "2026-04-01", "D bank.agency A 10000.00", "C agency.l A 10000.00")
	b.post(ledger.KindVoucher, "2026-04-02", "D agency.l A 4000.00", "C bank.agency A 4000.00")
	b.post(ledger.KindVoucher, "2026-05-01", "D na.r R 300.00", "C bank.basic R 300.00", "D bank.basic G 300.00", "C na.u G 300.00")     // E29b
	b.post(ledger.KindVoucher, "2026-05-02", "D na.u G 1000.00", "C bank.basic G 1000.00", "D bank.basic R 1000.00", "C na.r R 1000.00") // E53
	b.post(ledger.KindTransfer, "2026-05-03", "D transfer R 500.00", "C bank.basic R 500.00", "D bank.basic R2 500.00", "C transfer R2 500.00")
	b.post(ledger.KindVoucher, "2026-05-04", "D na.prior.u G 20.00", "C bank.basic G 20.00")
	b.post(ledger.KindGoods, "2026-05-05", "D program.r@service R 800.00", "C gift.r@service R 800.00") // E54
	b.post(ledger.KindRefund, "2026-05-06", "D gift.r@refund R 50.00", "C bank.basic R 50.00")
	b.wants(b.make("cn2026-activities", "", "2026-05-31"), "gifts year.restricted 9550.00", "sales year 5000.00", "income-sum year 14550.00", "expense-sum year 6100.00",
		"released year.unrestricted 300.00", "released year.restricted -300.00", "restricted year.restricted 1000.00", "restricted year.unrestricted -1000.00",
		"prior year.unrestricted -20.00", "prior year.restricted 0.00", "change year 8430.00")
	b.wants(b.make("cn2026-cash", "", "2026-05-31"), "gifts year 3800.00", "sales year 5000.00", "goods year 0.00", "other-out year 350.00", "other-in year -20.00", "change year 8430.00")
	b.wants(b.make("cn2026-balance", "", "2026-05-31"), "monetary closing 13430.00", "agency closing 6000.00", "agency-debts closing 6000.00", "net-u closing 2280.00", "net-r closing 11150.00")
	only := func(r *Request) { r.Funds = []int32{b.funds["R2"].ID} }
	b.wants(b.make("cn2026-balance", "", "2026-05-31", only), "monetary closing 500.00", "net-r closing 500.00")
	b.wants(b.make("cn2026-activities", "", "2026-05-31", only), "transfers year.restricted 500.00", "change year 500.00")
	b.wants(b.make("cn2026-cash", "", "2026-05-31", only), "between year 500.00", "change year 500.00")
	for _, form := range Forms(b.Regime) {
		b.wants(b.make(form.ID, "2026-02-01", "2026-05-31"))
	}
}

// What was recorded after a moment is not in the report of that moment, whatever day it belongs to.
func TestAsOfARecordedMoment(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.post(ledger.KindGift, "2026-09-07", "D bank.basic R 100.00", "C gift.r R 100.00")
	var moment time.Time
	if err := b.db.QueryRow(pg.WithBook(b.Context(), b.ID), `select clock_timestamp()`).Scan(&moment); err != nil {
		t.Fatal(err)
	}
	b.post(ledger.KindGift, "2026-09-06", "D bank.basic R 11.00", "C gift.r R 11.00")
	b.post(ledger.KindOpening, "2026-09-01", "D bank.basic G 5.00", "C na.u G 5.00")
	then := func(r *Request) { r.Recorded = moment }
	for _, c := range []struct{ form, now, then string }{{"cn2026-balance", "monetary closing 116.00", "monetary closing 100.00"}, {"cn2026-activities", "gifts period 111.00", "gifts period 100.00"}, {"cn2026-cash", "change year 111.00", "change year 100.00"}} {
		now, was := b.make(c.form, "", "2026-09-30"), b.make(c.form, "", "2026-09-30", then)
		b.wants(now, c.now)
		b.wants(was, c.then)
		if now.Position != 6 || was.Position != 2 {
			t.Errorf("ledger positions %d and %d", now.Position, was.Position)
		}
	}
}

// A statement that does not tie says by which row and why.
func TestAStatementSaysWhyItDoesNotTie(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.post(ledger.KindGift, "2026-09-07", "D stock.goods R 100.00", "C gift.r R 100.00")
	f, err := parseForm("form: cn2026-balance\nregime: cn2026\nkind: balance\nzh: 表\nen: Sheet\nrows:\n- {id: assets, zh: 资产, en: Assets, of: bank.*}\n- {id: debts-net, zh: 净资产, en: Net assets, of: NET, side: credit}\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Make(pg.WithBook(t.Context(), b.ID), b.db, b.Book, f, Request{To: ledger.Day(2026, 9, 30), Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Tied() || !strings.Contains(fmt.Sprint(s.Ties), "no row of Sheet has the account 1201.02 Stock, donated goods") {
		t.Errorf("%+v", s.Ties)
	}
}

// Planted damage: a day's sum of one account that is a fen too high breaks the relations that it stands in, whichever statement of the set is looked at,
// and a form without a row for an account names the account.
func TestTiesFindWhatDoesNotAgree(t *testing.T) {
	t.Parallel()
	const (
		assets    = "Total assets = liabilities and net assets (end of period)"
		cash      = "Growth of monetary funds = net increase in cash + opening balances"
		due       = "Due from other funds = due to other funds"
		transfers = "Transfers between funds add up to zero"
		free      = "Growth of unrestricted net assets = change in net assets + opening balances"
		bound     = "Growth of restricted net assets = change in net assets + opening balances"
	)
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	b.post(ledger.KindTransfer, "2026-12-01", "D transfer G 20.00", "C bank.basic G 20.00", "D bank.basic R 20.00", "C transfer R 20.00")
	off := func(s *Statement) (names []string) {
		for _, tie := range s.Ties {
			if tie.Off() != 0 {
				if names = append(names, tie.Name); len(tie.Why) == 0 {
					t.Errorf("%s: %s does not say why", s.ID, tie.Name)
				}
			}
		}
		return names
	}
	for _, c := range []struct {
		chart, fund string
		broken      []string
	}{
		{"bank.basic", "G", []string{assets, cash}},
		{"retention", "R", []string{assets, cash}}, // the cash flow is drawn up from the other side of cash
		{"if.due.from", "R", []string{assets, cash, due}},
		{"transfer", "G", []string{assets, cash, transfers}},
	} {
		add := func(fen int) {
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				const sql = `update turnover t set debit = debit + $4 from account a where t.book_id = $1 and a.book_id = $1 and a.account_id = t.account_id and a.chart = $2 and a.fund_id = $3
				and t.day = (select max(day) from turnover l where l.book_id = $1 and l.account_id = t.account_id)`
				tag, err := tx.Exec(ctx, sql, b.ID, c.chart, b.funds[c.fund].ID, fen)
				if tag.RowsAffected() != 1 {
					t.Errorf("%s of %s: %d days", c.chart, c.fund, tag.RowsAffected())
				}
				return err
			})
		}
		add(1)
		for _, id := range []string{"cn2026-balance", "cn2026-activities", "cn2026-cash", "cn2004-activities"} {
			if got := off(b.make(id, "2026-01-01", "2026-12-31")); !slices.Equal(got, c.broken) {
				t.Errorf("%s, %s of %s: %q, want %q", id, c.chart, c.fund, got, c.broken)
			}
		}
		add(-1)
	}
	if got := off(b.make("cn2026-balance", "", "2026-12-31")); got != nil {
		t.Errorf("without damage: %q", got)
	}
	for row, want := range map[string]struct{ tie, account string }{"grants": {bound, "4401.02"}, "fundraising": {free, "5401.01"}} {
		body, err := formFiles.ReadFile("forms/cn2026-activities.yaml")
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`(?m)^- \{id: `+row+`,.*\n`).ReplaceAllString(string(body), "")
		f, err := parseForm(regexp.MustCompile(` -?`+row+`\b`).ReplaceAllString(text, ""))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Make(pg.WithBook(t.Context(), b.ID), b.db, b.Book, f, Request{From: ledger.Day(2026, 1, 1), To: ledger.Day(2026, 12, 31), Lang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		if got := off(s); !slices.Contains(got, want.tie) || !strings.Contains(fmt.Sprint(s.Ties), want.account) {
			t.Errorf("without %s: %q, %+v", row, got, s.Ties)
		}
	}
}

func (b *keptBook) list(id, from, to string, more ...func(*Request)) *Report {
	b.Helper()
	s, there := SheetByID(id)
	if !there {
		b.Fatalf("no report %s", id)
	}
	r := Request{Lang: "en", Now: time.Date(2026, 12, 31, 4, 0, 0, 0, time.UTC)}
	r.From, _ = time.Parse(time.DateOnly, from)
	r.To, _ = time.Parse(time.DateOnly, to)
	for _, m := range more {
		m(&r)
	}
	report, err := s.Make(pg.WithBook(b.Context(), b.ID), b.db, b.Book, r)
	if err != nil {
		b.Fatal(err)
	}
	return report
}

func (b *keptBook) lists(r *Report, figures ...string) {
	b.Helper()
	for _, text := range figures {
		w := strings.Split(text, "|")
		got, there := r.Figure(w[0], w[1])
		if want, _ := money.Parse(w[2], "CNY"); got != want || !there {
			b.Errorf("%s: %s %s is %s (%v), want %s", r.ID, w[0], w[1], money.Format(got, "CNY"), there, w[2])
		}
	}
}

// The lists say what the worked example did, whether its year is closed or not; every one of them can be drawn up of an empty scope too.
func TestLists(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.post(ledger.KindGift, "2026-09-06", "D psp.avail R2 12.00", "C gift.r@match R2 12.00")
	b.worked()
	b.post(ledger.KindContract, "2026-12-01", "D enc R2 5.00", "C enc.contra R2 5.00")
	b.post(ledger.KindReservation, "2026-12-02", "D resv R2 3.00", "C resv.contra R2 3.00")
	b.post(ledger.KindVoucher, "2026-12-03", "D bank.agency A 60.00", "C agency.l A 60.00")
	b.post(ledger.KindVoucher, "2026-12-04", "D agency.l A 20.00", "C bank.agency A 20.00")
	check := func() {
		t.Helper()
		b.lists(b.list("funds", "", "2026-12-31"), "R|gifts|27505.13", "R|grants|21940.87", "R|program|49446.00", "R|closing|0.00", "R|available|0.00", "G|direct|5000.00", "G|fees|165.03", "G|closing|4834.97",
			"R2|match|12.00", "R2|committed|5.00", "R2|reserved|3.00", "R2|available|4.00", "total|closing|4846.97")
		b.lists(b.list("sources", "", "2026-12-31"), "|R|49446.00", "total|sum|49446.00", "R|got|49446.00", "R|left|0.00")
		b.lists(b.list("payables", "", "2026-12-31"), "3 |in|47962.62", "3 |out|47962.62", "total|closing|0.00")
		b.lists(b.list("agency", "", "2026-12-31"), "6 |in|60.00", "6 |out|20.00", "total|closing|40.00")
		b.lists(b.list("encumbrances", "", "2026-12-31"), "total|closing|5.00")
		b.lists(b.list("us-functional", "", "2026-12-31"), "|program|49446.00", "total|fundraising|165.03")
		b.lists(b.list("notes", "", "2026-12-31"), "R2|closing|12.00")
	}
	check()
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		plan, err := ledger.YearEnd(ctx, tx, b.Book, 2026, ledger.Day(2027, 1, 4))
		if err != nil {
			return err
		}
		_, err = ledger.PostYear(ctx, tx, b.Book, 2026, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "年终结转", MadeBy: "李会计"})
		return err
	})
	check()
	for _, s := range Sheets(b.Regime) {
		if s.Donor {
			continue
		}
		for _, funds := range [][]int32{nil, {}, {b.funds["R2"].ID}} {
			r := b.list(s.ID, "", "2026-12-31", func(r *Request) { r.Funds = funds })
			var out strings.Builder
			if err := r.WriteCSV(&out); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
			if funds != nil && strings.Contains(out.String(), "49446.00") {
				t.Errorf("%s of another fund tells what R spent:\n%s", s.ID, out.String())
			}
		}
	}
}
