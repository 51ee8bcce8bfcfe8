package trace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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
)

// world is a book of three funds, two campaigns on the first, and a project that the second campaign is named for.
type world struct {
	t         testing.TB
	ctx       context.Context
	db, owner *pgxpool.Pool
	book      *ledger.Book
	funds     []*ledger.Fund // general, R, C
	campaigns []*giving.Campaign
	now       time.Time
	n         int
	purpose   string // of costs, where the funds have charters
}

func newWorld(t testing.TB) *world {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.New(t)
	w := &world{t: t, ctx: t.Context(), db: db.Service, owner: db.Pool, now: time.Date(2026, 9, 8, 1, 30, 0, 0, time.UTC)}
	w.tx(func(tx pgx.Tx) error {
		w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "test", NameZH: "慈善会", NameEN: "Test", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, code := range []string{"G", "R", "C"} {
			kind := map[string]string{"G": ledger.General, "R": ledger.Restricted, "C": ledger.Restricted}[code]
			f, err := ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: code, Kind: kind, NameZH: code, NameEN: code, FeeBearer: ledger.FeeByFund})
			if err != nil {
				return err
			}
			w.funds = append(w.funds, f)
		}
		for _, slug := range []string{"first", "second"} {
			c, err := giving.CreateCampaign(w.ctx, tx, w.book, giving.Campaign{FundID: w.funds[1].ID, Slug: slug, TitleZH: slug, TitleEN: slug, SummaryZH: "一", SummaryEN: "one", StoryZH: "一", StoryEN: "one",
				Goal: 1_000_000_00, OpensAt: w.now.AddDate(-1, 0, 0), ClosesAt: w.now.AddDate(1, 0, 0)})
			if err != nil {
				return err
			}
			w.campaigns = append(w.campaigns, c)
		}
		project := uuid.New()
		if _, err := tx.Exec(w.ctx, `insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, state, starts_on, ends_on, entered_by)
			values ($1, $2, 1, '项目', $3, '', '计划', 0, 0, 'approved', '2026-01-01', '2026-12-31', $2)`, w.book.ID, project, w.funds[1].ID); err != nil {
			return err
		}
		_, err = tx.Exec(w.ctx, `insert into project_campaign (book_id, project_id, campaign_id) values ($1, $2, $3)`, w.book.ID, project, w.campaigns[1].ID)
		return err
	})
	return w
}

func (w *world) tx(f func(tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.ctx, w.db, f); err != nil {
		w.t.Fatal(err)
	}
}

// gives books gifts to a campaign and names them.
func (w *world) gives(campaign int, fee int64, amounts ...int64) []uuid.UUID {
	w.t.Helper()
	var list []giving.Paid
	for _, a := range amounts {
		w.n++
		list = append(list, giving.Paid{CampaignID: w.campaigns[campaign].ID, Amount: a, Fee: fee, PaidAt: w.now.Add(time.Duration(w.n) * time.Second), Channel: giving.Sandbox, Ref: strconv.Itoa(w.n)})
	}
	var ids []uuid.UUID
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.Book(w.ctx, tx, w.book, list)
		ids = nil
		for _, o := range out {
			if o.Err != nil {
				return o.Err
			}
			ids = append(ids, o.ID)
		}
		return err
	})
	return ids
}

func (w *world) refunds(gift uuid.UUID, amount int64) {
	w.t.Helper()
	w.n++
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.BookRefunds(w.ctx, tx, w.book, []giving.Refunded{{GiftID: gift, Amount: amount, RefundedAt: w.now.Add(time.Duration(w.n) * time.Second), Channel: giving.Sandbox, Ref: fmt.Sprint("r", w.n)}})
		if err != nil {
			return err
		}
		return out[0].Err
	})
}

// failsRefund says that the processor could not carry out the refund before.
func (w *world) failsRefund() {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		_, err := giving.FailRefund(w.ctx, tx, w.book, giving.RefundFailure{Channel: giving.Sandbox, Ref: fmt.Sprint("r", w.n), At: w.now, Reason: "closed", By: "Sandbox"})
		return err
	})
}

func (w *world) posts(kind ledger.Kind, object string, lines ...ledger.Line) uuid.UUID {
	w.t.Helper()
	doc := ledger.Document{Summary: "一", SourceKind: "payment", SourceRef: object, MadeBy: "李会计"}
	var id uuid.UUID
	booked := w.may(func(tx pgx.Tx) error {
		r, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: kind, EffectiveOn: w.book.Day(w.now), Document: &doc, Lines: lines})
		id = r.ID
		return err
	})
	if !booked {
		return uuid.Nil
	}
	return id
}

// may books what a fund has money for.
func (w *world) may(f func(tx pgx.Tx) error) bool {
	w.t.Helper()
	err := pg.InTx(w.ctx, w.db, f)
	if err != nil && !errors.Is(err, ledger.ErrShort) && !errors.Is(err, ledger.ErrGuarded) {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) leaf(id string, fund int) ledger.Leaf {
	return ledger.Leaf{Chart: chart.ID(id), Fund: w.funds[fund].ID}
}

// pays books a payment of the project or, without one, a cost; it gives the record and the entry.
func (w *world) pays(fund int, amount int64, project bool) (object string, entry uuid.UUID) {
	w.t.Helper()
	from := w.leaf("psp.avail", fund)
	from.Dims.Instrument = "sandbox"
	return w.paysFrom(from, fund, amount, project)
}

// paysFrom is pays out of another account.
func (w *world) paysFrom(from ledger.Leaf, fund int, amount int64, project bool) (object string, entry uuid.UUID) {
	w.t.Helper()
	cost := w.leaf(w.funds[fund].Class("program"), fund)
	cost.Dims.Purpose = w.purpose
	if !project {
		return "", w.posts(ledger.KindVoucher, "", ledger.Debit(cost, amount), ledger.Credit(from, amount))
	}
	to := w.leaf("ap", fund)
	to.Dims = ledger.Dims{Project: "X1", Contract: "HT1", Source: "S1"}
	cost.Dims.Project = "X1"
	w.posts(ledger.KindDebited, "", ledger.Debit(cost, amount), ledger.Credit(to, amount))
	object = "disbursement:" + uuid.NewString()
	return object, w.posts(ledger.KindDebited, object, ledger.Debit(to, amount), ledger.Credit(from, amount))
}

func (w *world) bounces(fund int, object string, amount int64) {
	w.t.Helper()
	to, from := w.leaf("ap", fund), w.leaf("psp.avail", fund)
	to.Dims = ledger.Dims{Project: "X1", Contract: "HT1", Source: "S1"}
	from.Dims.Instrument = "sandbox"
	w.posts(ledger.KindDebited, object, ledger.Debit(from, amount), ledger.Credit(to, amount))
}

func (w *world) moves(from, to int, amount int64, levy bool) uuid.UUID {
	w.t.Helper()
	out, in := w.leaf("psp.avail", from), w.leaf("psp.avail", to)
	out.Dims.Instrument, in.Dims.Instrument = "sandbox", "sandbox"
	left, right := w.leaf("transfer", from), w.leaf("transfer", to)
	if levy {
		left, right = w.leaf(w.funds[from].Class("gift"), from), w.leaf(w.funds[to].Class("gift"), to)
	}
	return w.posts(ledger.KindTransfer, "", ledger.Debit(left, amount), ledger.Credit(out, amount), ledger.Debit(in, amount), ledger.Credit(right, amount))
}

func (w *world) reverses(entry uuid.UUID) {
	w.t.Helper()
	w.may(func(tx pgx.Tx) error {
		r, err := ledger.Reverse(w.ctx, tx, w.book, entry, uuid.New(), w.book.Day(w.now), uuid.Nil, ledger.Document{Summary: "冲", Reason: "错", SourceKind: "correction", MadeBy: "李会计"})
		if err != nil {
			return err
		}
		return r.Err
	})
}

// follows lays everything on the lines, a few entries at a time, and proves the lines.
func (w *world) follows(most int) {
	w.t.Helper()
	for behind := true; behind; { // what other tests have under way in their databases holds it up
		w.tx(func(tx pgx.Tx) error {
			if _, err := follow(w.ctx, tx, w.book, most); err != nil {
				return err
			}
			return tx.QueryRow(w.ctx, `select exists (select from entry e left join trace_cursor c on c.book_id = e.book_id
				where e.book_id = $1 and (c.book_id is null or (e.xid, e.id) > (c.xid, c.entry_id)))`, w.book.ID).Scan(&behind)
		})
	}
	w.tx(func(tx pgx.Tx) error {
		checks, err := Verify(w.ctx, tx, w.book)
		for _, c := range checks {
			for _, d := range c.Differs {
				w.t.Errorf("%s: %s", c.Code, d)
			}
		}
		return err
	})
}

func (w *world) became(entry uuid.UUID) *Became {
	w.t.Helper()
	b, err := Of(w.ctx, w.db, w.book, entry)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) made(object string) *Made {
	w.t.Helper()
	m, err := MadeOf(w.ctx, w.db, w.book, object, true)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (b *Became) String() string {
	text := fmt.Sprintf("%d:", b.Amount)
	for _, u := range b.Uses {
		text += fmt.Sprintf(" %s %d", u.Kind, u.Amount)
	}
	return text + fmt.Sprintf(" waiting %d", b.Waiting)
}

func (w *world) wants(entry uuid.UUID, want string) {
	w.t.Helper()
	if got := w.became(entry).String(); got != want {
		w.t.Errorf("got %s, want %s", got, want)
	}
}

func (m *Made) text() string {
	text := fmt.Sprintf("%d:", m.Amount)
	for _, p := range m.Parts {
		text += fmt.Sprintf(" %s %d of %d", p.Kind, p.Amount, p.Count)
	}
	return text + fmt.Sprintf(" unmet %d", m.Unmet)
}

// The rule, one case after the other.
func TestRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.gives(0, 0, 100, 50)
	second := w.gives(1, 0, 80, 40)
	object, _ := w.pays(1, 90, true)
	w.follows(1)
	w.wants(first[0], "100: waiting 100") // earmarked first
	w.wants(second[0], "80: payment 80 waiting 0")
	w.wants(second[1], "40: payment 10 waiting 30")
	w.pays(1, 120, false) // oldest first
	w.follows(1)
	w.wants(first[0], "100: cost 100 waiting 0")
	w.wants(first[1], "50: cost 20 waiting 30")
	if got := w.made(object).text(); got != "90: gift 90 of 2 unmet 0" {
		t.Error(got)
	}
	w.refunds(second[0], 80) // spent: the oldest that waits takes its place, its own campaign's first
	w.follows(1)
	w.wants(second[0], "80: refund 80 waiting 0")
	w.wants(second[1], "40: payment 40 waiting 0")
	w.wants(first[1], "50: payment 30 cost 20 waiting 0")
	if got := w.made(object).text(); got != "90: gift 70 of 2 unmet 20" { // more went back than waited
		t.Error(got)
	}
	later := w.gives(0, 0, 60)
	w.follows(1)
	w.wants(later[0], "60: payment 20 waiting 40")
	w.bounces(1, object, 90)
	w.follows(1)
	w.wants(later[0], "60: waiting 60")
	w.wants(second[1], "40: waiting 40")
	w.wants(first[1], "50: cost 20 waiting 30")
}

// What moves to another fund is followed there, and back.
func TestMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gifts := w.gives(0, 0, 100, 50)
	moved := w.moves(1, 2, 120, false)
	object, _ := w.pays(2, 70, true)
	w.moves(1, 0, 10, true)
	w.follows(3)
	w.wants(gifts[0], "100: payment 70 waiting 30")
	w.wants(gifts[1], "50: levy 10 waiting 40")
	if got := w.made(object); got.text() != "70: gift 70 of 1 unmet 0" || len(got.Gifts) != 1 || got.Gifts[0].ID != gifts[0] || got.Gifts[0].Amount != 70 {
		t.Errorf("%+v", got)
	}
	again := w.moves(1, 2, 20, false)
	w.follows(3)
	w.wants(gifts[1], "50: levy 10 waiting 40")
	paid, _ := w.pays(2, 60, true) // out of both moves
	w.follows(3)
	w.wants(gifts[0], "100: payment 70 payment 30 waiting 0")
	w.wants(gifts[1], "50: payment 30 levy 10 waiting 10")
	w.bounces(2, paid, 60)
	w.reverses(again)
	w.follows(3)
	w.wants(gifts[1], "50: levy 10 waiting 40")
	w.reverses(moved) // the fund has no longer so much: refused
	w.pays(0, 10, false)
	w.follows(3)
	w.wants(gifts[1], "50: levy 10 waiting 40")
}

// Whatever is booked in whatever order, stretches partition the money: a gift is what was spent of it, kept, given back and what waits; a use is what
// it was made of; the same books give the same answer, in steps of any length.
func TestRandomBooks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := rand.New(rand.NewPCG(seed, 11))
			gifts := map[uuid.UUID]int64{}
			back := map[uuid.UUID]int64{}
			var list []uuid.UUID
			type payment struct {
				object string
				amount int64
				fund   int
			}
			var paid []payment
			var others []uuid.UUID
			for range 60 {
				fund, amount := r.IntN(3), 1+r.Int64N(9000)
				switch r.IntN(10) {
				case 0, 1, 2:
					amounts := []int64{amount, 1 + r.Int64N(9000), 1 + r.Int64N(500)}
					for i, id := range w.gives(r.IntN(2), r.Int64N(30), amounts...) {
						gifts[id], list = amounts[i], append(list, id)
					}
				case 3, 4:
					object, entry := w.pays(fund, amount, true)
					if entry == uuid.Nil {
						t.Fatal("what the bank has paid is always booked")
					}
					paid = append(paid, payment{object, amount, fund})
				case 5:
					_, entry := w.pays(fund, amount, false)
					if entry != uuid.Nil {
						others = append(others, entry)
					}
				case 6:
					if len(list) > 0 {
						id := list[r.IntN(len(list))]
						if left := gifts[id] - back[id]; left > 0 {
							n := 1 + r.Int64N(left)
							w.refunds(id, n)
							back[id] += n
						}
					}
				case 7:
					if entry := w.moves(fund, (fund+1+r.IntN(2))%3, amount, r.IntN(3) == 0); entry != uuid.Nil {
						others = append(others, entry)
					}
				case 8:
					if len(paid) > 0 {
						at := r.IntN(len(paid))
						w.bounces(paid[at].fund, paid[at].object, paid[at].amount)
						paid = slices.Delete(paid, at, at+1)
					}
				case 9:
					if len(others) > 0 {
						at := r.IntN(len(others))
						w.reverses(others[at])
						others = slices.Delete(others, at, at+1)
					}
				}
				if r.IntN(4) == 0 {
					w.follows(1 + r.IntN(5))
				}
			}
			w.follows(7)
			var inGifts, inPayments int64
			for id, amount := range gifts {
				b := w.became(id)
				sum, refunded := b.Waiting, int64(0)
				for _, u := range b.Uses {
					sum += u.Amount
					if u.Own {
						refunded += u.Amount
					}
					if u.Kind == Payment {
						inGifts += u.Amount
					}
				}
				if b.Amount != amount || sum != amount || refunded != back[id] {
					t.Errorf("gift of %d, given back %d: %s", amount, back[id], b)
				}
			}
			for _, p := range paid {
				m := w.made(p.object)
				sum := m.Unmet
				for _, part := range m.Parts {
					sum += part.Amount
					if part.Kind == Gift {
						inPayments += part.Amount
					}
				}
				if m.Amount != p.amount || sum != p.amount || m.Unmet < 0 {
					t.Errorf("payment of %d: %s", p.amount, m.text())
				}
			}
			if inGifts != inPayments {
				t.Errorf("gifts say %d went into payments, payments say %d", inGifts, inPayments)
			}
			before := w.lines()
			w.again()
			w.follows(4000)
			if after := w.lines(); !slices.Equal(before, after) {
				t.Error("the same books give other lines")
			}
		})
	}
}

// lines is all that is known, as text; neighbours that belong to one use are one.
func (w *world) lines() (list []string) {
	w.t.Helper()
	rows, err := w.owner.Query(w.ctx, `select format('%s %s %s %s', fund_id, lane, at, entry_id) from trace_in union all
		select format('%s %s %s %s %s', p.fund_id, p.lane, i.seq, p.out_entry, sum(least(p.until, i.at + i.amount) - greatest(p.at, i.at)))
		  from trace_piece p join trace_in i on i.fund_id = p.fund_id and i.lane = p.lane and i.at < p.until and p.at < i.at + i.amount group by p.fund_id, p.lane, i.seq, p.out_entry
		union all select format('%s %s %s', entry_id, fund_id, amount) from trace_out
		union all select format('%s %s %s', out_entry, fund_id, sum(amount)) from trace_unmet group by out_entry, fund_id order by 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// again forgets all that was followed.
func (w *world) again() {
	w.t.Helper()
	for _, table := range []string{"trace_cursor", "trace_in", "trace_out", "trace_piece", "trace_unmet"} {
		if _, err := w.owner.Exec(w.ctx, "truncate "+table); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A gift in the middle of many is answered at once. SUNFUND_TRACE_GIFTS makes them more.
func TestManyGifts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 4000
	if text := os.Getenv("SUNFUND_TRACE_GIFTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var gifts []uuid.UUID
	for len(gifts) < n {
		amounts := make([]int64, 1000)
		for i := range amounts {
			amounts[i] = 50_00
		}
		gifts = append(gifts, w.gives(len(gifts)/1000%2, 0, amounts...)...)
	}
	begun := time.Now()
	w.follows(stepMax)
	laid := time.Since(begun)
	object, _ := w.pays(1, int64(n)*25_00, false)
	if object != "" {
		t.Fatal(object)
	}
	object, _ = w.pays(1, int64(n)*5_00, true)
	begun = time.Now()
	w.follows(stepMax)
	spent := time.Since(begun)
	begun = time.Now()
	asked := 0
	for i := 0; i < n; i += max(1, n/500) {
		b := w.became(gifts[i])
		sum := b.Waiting
		for _, u := range b.Uses {
			sum += u.Amount
		}
		if sum != 50_00 || b.Amount != 50_00 {
			t.Fatalf("gift %d: %s", i, b)
		}
		asked++
	}
	each := time.Since(begun) / time.Duration(asked)
	begun = time.Now()
	m := w.made(object)
	t.Logf("%d gifts laid in %v, two payments in %v, a gift answered in %v, the payment in %v: %s", n, laid, spent, each, time.Since(begun), m.text())
	if m.Unmet != 0 || len(m.Gifts) != giftsShown {
		t.Error(m.text())
	}
}

// A grant that came for a contract pays that contract first, though older money waits; what another contract or use needs is the oldest.
func TestGrantOfAContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	older := w.gives(0, 0, 100)
	named := w.gives(1, 0, 30)
	bank := w.leaf("psp.avail", 1)
	bank.Dims.Instrument = "sandbox"
	grant := w.leaf(w.funds[1].Class("grant"), 1)
	receives := func(contract string, amount int64) uuid.UUID {
		t.Helper()
		grant.Dims = ledger.Dims{Project: "X1", Contract: contract, Source: "S1"}
		return w.posts(ledger.KindDebited, "", ledger.Debit(bank, amount), ledger.Credit(grant, amount))
	}
	early, _ := w.pays(1, 20, true)
	w.follows(1)
	w.wants(named[0], "30: payment 20 waiting 10") // nothing came for the contract yet
	receives("HT1", 60)
	elsewhere := receives("HT2", 40)
	object, _ := w.pays(1, 50, true)
	w.follows(1)
	if got := w.made(object).text(); got != "50: subsidy 50 of 1 unmet 0" {
		t.Error(got)
	}
	w.wants(older[0], "100: waiting 100")
	w.refunds(named[0], 30) // spent: what still waits for the contract takes its place, then the oldest
	w.follows(1)
	if got := w.made(early).text(); got != "20: gift 10 of 1 subsidy 10 of 1 unmet 0" {
		t.Error(got)
	}
	w.wants(older[0], "100: payment 10 waiting 90")
	w.wants(elsewhere, "40: waiting 40")
	w.bounces(1, object, 50)
	w.pays(1, 95, false) // oldest first, whatever it came for
	w.follows(1)
	w.wants(older[0], "100: payment 10 cost 90 waiting 0")
	w.wants(elsewhere, "40: waiting 40")
}
