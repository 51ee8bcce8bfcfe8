package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// player draws events, sends them to a book of its own and tells the model.
type player struct {
	*rapid.T
	b     *testBook
	book  *ledger.Book
	m     *model
	funds []ledger.Fund
	tried []ledger.Entry // also those refused
	stood []ledger.Entry
	seen  map[error]int
}

var playKinds = []string{ledger.General, ledger.Designated, ledger.Restricted, ledger.Subsidy, ledger.Endowment, ledger.Restricted, ledger.Agency}

// ctx names the player's own book once it is open.
func (p *player) ctx() context.Context {
	if p.book == nil {
		return p.b.t.Context()
	}
	return pg.WithBook(p.b.t.Context(), p.book.ID)
}

func (p *player) tx(fn func(ctx context.Context, tx pgx.Tx) error) error {
	ctx := p.ctx()
	return pg.InTx(ctx, p.b.db, func(tx pgx.Tx) error { return fn(ctx, tx) })
}

func (p *player) must(err error) {
	if err != nil {
		p.Fatal(err)
	}
}

func (p *player) open() {
	p.must(p.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		p.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Code: uuid.NewString(), NameZH: "书", NameEN: "Book",
			Regime: chart.CN2026, Currency: "CNY", Zone: p.b.Zone})
		for i, kind := range playKinds {
			if err != nil {
				return err
			}
			var f *ledger.Fund
			if f, err = ledger.CreateFund(ctx, tx, p.book, ledger.Fund{Code: fmt.Sprint("F", i), Kind: kind, NameZH: kind, NameEN: kind}); err == nil {
				p.funds, p.m.kinds[f.ID] = append(p.funds, *f), kind
			}
		}
		return err
	}))
}

// day falls into four months, so that about half of all entries are back-dated, or into four years.
func (p *player) day() time.Time {
	if rapid.IntRange(0, 4).Draw(p.T, "far") == 0 {
		return ledger.Day(2024, 11, 20).AddDate(0, 0, rapid.IntRange(0, 1000).Draw(p.T, "day"))
	}
	return ledger.Day(2026, 5, 1).AddDate(0, 0, rapid.IntRange(0, 122).Draw(p.T, "day"))
}

func (p *player) amount() int64 { return rapid.Int64Range(1, 40).Draw(p.T, "amount") }

// fund is any but the agency fund, which only its own events touch.
func (p *player) fund() *ledger.Fund {
	return &p.funds[rapid.IntRange(0, len(p.funds)-2).Draw(p.T, "fund")]
}

func (p *player) leaf(id chart.ID, f *ledger.Fund) ledger.Leaf {
	l := ledger.Leaf{Chart: id, Fund: f.ID}
	if chart.MustByID(id).Type == chart.Income {
		l.Dims.Campaign = rapid.SampledFrom([]string{"", "7"}).Draw(p.T, "campaign")
	}
	return l
}

func pair(debit, credit ledger.Leaf, amount int64) []ledger.Line {
	return []ledger.Line{ledger.Debit(debit, amount), ledger.Credit(credit, amount)}
}

// event draws one business event: mostly sound, some of them not.
func (p *player) event() ledger.Entry {
	f, amount := p.fund(), p.amount()
	is := func(id string) ledger.Leaf { return p.leaf(chart.ID(id), f) }
	voucher := func(k ledger.Kind, lines ...ledger.Line) ledger.Entry {
		e := entry(p.day(), lines...)
		e.Kind, e.Key = k, uuid.New()
		return e
	}
	events := map[string]func() ledger.Entry{
		"gift": func() ledger.Entry {
			return voucher(ledger.KindGift, pair(is("psp.avail"), is(f.Class("gift")), 20*amount)...)
		},
		"landed": func() ledger.Entry {
			return voucher(ledger.KindPayoutLanded, pair(is("bank.basic"), is("psp.avail"), 10*amount)...)
		},
		"fee": func() ledger.Entry {
			return voucher(ledger.KindFee, pair(is(f.Class("fundraising")), is("psp.avail"), amount)...)
		},
		"expense": func() ledger.Entry {
			return voucher(ledger.KindPayment, pair(is(f.Class("program")), is("bank.basic"), 4*amount)...)
		},
		"contract": func() ledger.Entry {
			return voucher(ledger.KindContract, pair(is("enc"), is("enc.contra"), 5*amount)...)
		},
		"contract cut": func() ledger.Entry {
			return voucher(ledger.KindContract, pair(is("enc.contra"), is("enc"), amount)...)
		},
		"accepted": func() ledger.Entry {
			lines := append(pair(is(f.Class("program")), is("ap"), amount), pair(is("enc.contra"), is("enc"), amount)...)
			return voucher(ledger.KindAcceptance, lines...)
		},
		"paid": func() ledger.Entry { return voucher(ledger.KindPayment, pair(is("ap"), is("bank.basic"), amount)...) },
		"transfer": func() ledger.Entry {
			to := p.leaf("if.due.from", p.fund())
			lines := append(pair(is("transfer"), is("if.due.to"), 3*amount), pair(to, ledger.Leaf{Chart: "transfer", Fund: to.Fund}, 3*amount)...)
			return voucher(ledger.KindTransfer, lines...)
		},
		"advance": func() ledger.Entry { // money to spend that is not ours: what may fall short is then the net assets
			return voucher(ledger.KindVoucher, pair(is("bank.basic"), is("advance"), 4*amount)...)
		},
		"due from nobody": func() ledger.Entry {
			return voucher(ledger.KindVoucher, pair(is("if.due.from"), is("na.u"), amount)...)
		},
		"transfer to nobody": func() ledger.Entry {
			return voucher(ledger.KindTransfer, pair(is("transfer"), is("bank.basic"), amount)...)
		},
		"agency in": func() ledger.Entry {
			f = &p.funds[len(p.funds)-1]
			return voucher(ledger.KindVoucher, pair(is("bank.agency"), is("agency.l"), amount)...)
		},
		"agency out": func() ledger.Entry {
			f = &p.funds[len(p.funds)-1]
			return voucher(ledger.KindVoucher, pair(is("agency.l"), is("bank.agency"), amount)...)
		},
		"agency mixed": func() ledger.Entry {
			f = &p.funds[len(p.funds)-1]
			return voucher(ledger.KindVoucher, pair(is("bank.basic"), is("agency.l"), amount)...)
		},
		"unbalanced": func() ledger.Entry {
			return voucher(ledger.KindVoucher, ledger.Debit(is("bank.basic"), amount), ledger.Credit(is("na.u"), amount+1))
		},
		"across funds": func() ledger.Entry { // sums to zero over the book, not in each fund
			to := p.leaf("na.u", p.fund())
			return voucher(ledger.KindVoucher, pair(is("bank.basic"), to, amount)...)
		},
		"no such account": func() ledger.Entry {
			return voucher(ledger.KindVoucher, pair(ledger.Leaf{Chart: "no.such", Fund: f.ID}, is("na.u"), amount)...)
		},
		"nothing": func() ledger.Entry {
			return voucher(ledger.KindVoucher, ledger.Debit(is("bank.basic"), 0), ledger.Credit(is("na.u"), 0))
		},
		"no such fund": func() ledger.Entry {
			f = &ledger.Fund{ID: 99}
			return voucher(ledger.KindVoucher, pair(is("bank.basic"), is("na.u"), amount)...)
		},
	}
	names := []string{"gift", "landed", "expense", "gift", "fee", "contract", "contract cut", "accepted", "paid", "transfer", "gift", "landed",
		"advance", "expense", "due from nobody", "transfer to nobody",
		"agency in", "agency out", "agency mixed", "unbalanced", "across funds", "no such account", "no such fund", "nothing", "again", "other body"}
	name := rapid.SampledFrom(names).Draw(p.T, "event")
	if name == "again" || name == "other body" {
		return p.again(name == "other body")
	}
	e := events[name]()
	if rapid.IntRange(0, 3).Draw(p.T, "documented") == 0 {
		e.Document = &ledger.Document{Summary: name, SourceKind: "voucher", MadeBy: "张三"}
	}
	return e
}

// again is an event that was sent before, under its key, with its body or another; the first time a gift.
func (p *player) again(other bool) ledger.Entry {
	if len(p.tried) == 0 {
		return entry(p.day(), pair(p.leaf("psp.avail", &p.funds[0]), p.leaf("gift.u", &p.funds[0]), p.amount())...)
	}
	e := rapid.SampledFrom(p.tried).Draw(p.T, "tried")
	e.ID = uuid.Must(uuid.NewV7())
	if other {
		e.EffectiveOn = e.EffectiveOn.AddDate(0, 0, 1)
	}
	return e
}

// batch posts up to eight events together; what becomes of each is what the model says of it alone.
func (p *player) batch() {
	var entries []ledger.Entry
	var wants []ledger.Result
	for range rapid.IntRange(1, 8).Draw(p.T, "batch") {
		e := p.event()
		if e.Key == uuid.Nil {
			e.Key = e.ID
		}
		want := p.m.post(e)
		if want.Err == nil && !want.Replayed {
			p.stood = append(p.stood, e)
		}
		entries, wants, p.tried = append(entries, e), append(wants, want), append(p.tried, e)
	}
	var got []ledger.Result
	p.must(p.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		got, err = ledger.Post(ctx, tx, p.book, entries)
		return err
	}))
	for i := range got {
		p.agree(entries[i], got[i], wants[i])
	}
}

func (p *player) agree(e ledger.Entry, got, want ledger.Result) {
	p.seen[want.Err]++
	if kindOf(got.Err) != want.Err || got.Replayed != want.Replayed || got.ID != want.ID {
		p.Fatalf("book answers %+v, model %+v\nto kind %d on %s, lines %+v", got, want, e.Kind, e.EffectiveOn.Format(time.DateOnly), e.Lines)
	}
}

// reverse takes back an entry that stands, perhaps for the second time, perhaps without a reason.
func (p *player) reverse() {
	if len(p.stood) == 0 {
		return
	}
	original := rapid.SampledFrom(p.stood).Draw(p.T, "stood")
	doc := ledger.Document{Summary: "冲销", SourceKind: "reversal", MadeBy: "李四", Reason: rapid.SampledFrom([]string{"误记", "误记", ""}).Draw(p.T, "reason")}
	e := ledger.Entry{Key: uuid.New(), Kind: ledger.KindCorrection, EffectiveOn: p.day(), Reverses: original.ID, Document: &doc}
	for _, l := range original.Lines {
		e.Lines = append(e.Lines, ledger.Line{Leaf: l.Leaf, Amount: -l.Amount})
	}
	var got, want ledger.Result
	err := p.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		got, err = ledger.Reverse(ctx, tx, p.book, original.ID, e.Key, e.EffectiveOn, actor, doc)
		return err
	})
	switch {
	case p.m.reversed[original.ID] != uuid.Nil:
		want.Err = ledger.ErrReversed
	case doc.Reason == "":
		want.Err = ledger.ErrNoReason
	default:
		e.ID = got.ID
		want = p.m.post(e)
	}
	got.Err, got.ID, want.ID = err, e.ID, e.ID
	p.agree(e, got, want)
	if want.Err == nil {
		p.stood = append(p.stood, e)
	}
}

func (p *player) closeMonth() {
	month := ledger.Day(2026, time.Month(rapid.IntRange(5, 6).Draw(p.T, "month")), 1)
	_, err := p.b.db.Exec(p.ctx(),
		`insert into period (book_id, month, state) values ($1, $2, 'hard') on conflict (book_id, month) do update set state = 'hard'`, p.book.ID, month)
	p.must(err)
	p.m.closed[month] = true
}

// sum sums turnovers up to some day; what is booked before it later must find its way into them.
func (p *player) sum() {
	today := p.day()
	for found := true; found; {
		p.must(p.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			found, err = ledger.SumTurnover(ctx, tx, p.book, today)
			return err
		}))
	}
}

// compare holds everything the book can be asked against the model.
func (p *player) compare() {
	ctx, day, from := p.ctx(), p.day(), p.day()
	accounts, err := ledger.Accounts(ctx, p.b.db, p.book, ledger.AccountFilter{})
	p.must(err)
	used := 0
	for _, a := range accounts {
		leaf := a.Leaf
		leaf.Currency = ""
		if _, ok := p.m.balances[leaf]; ok || a.Seq > 0 {
			used++
		}
		if a.Balance != p.m.balances[leaf] {
			p.Errorf("%+v stands at %d, model %d", leaf, a.Balance, p.m.balances[leaf])
		}
		if got, err := ledger.BalanceOn(ctx, p.b.db, p.book, a.ID, day); err != nil || got != p.m.on(leaf, day) {
			p.Errorf("%+v on %s stood at %d, model %d (%v)", leaf, day, got, p.m.on(leaf, day), err)
		}
		if got, err := ledger.TurnoverBetween(ctx, p.b.db, p.book, a.ID, from, day); err != nil || got != p.m.between(leaf, from, day) {
			p.Errorf("%+v from %s to %s moved %+v, model %+v (%v)", leaf, from, day, got, p.m.between(leaf, from, day), err)
		}
	}
	if used != len(p.m.balances) {
		p.Errorf("%d accounts were used, model %d", used, len(p.m.balances))
	}
	p.compareTrial(from, day, 0, true)
	p.compareTrial(from, day, p.fund().ID, false)
	p.comparePositions(time.Time{})
	p.comparePositions(day)
	p.compareFlows(from, day, 0)
	p.compareFlows(from, day, p.fund().ID)
	checks, err := ledger.Verify(ctx, p.b.db, p.book)
	p.must(err)
	for _, c := range checks {
		if c.DiffersAll > 0 {
			p.Errorf("verify %s: %q", c.Code, c.Differs)
		}
	}
}

func (p *player) compareTrial(from, to time.Time, fund int32, perFund bool) {
	rows, err := ledger.TrialBalance(p.ctx(), p.b.db, p.book, from, to, fund, perFund)
	p.must(err)
	type key struct {
		chart chart.ID
		fund  int32
	}
	want := map[key]ledger.TrialRow{}
	for _, leaf := range p.m.leaves() {
		if fund != 0 && leaf.Fund != fund || p.m.between(leaf, time.Time{}, to) == (ledger.Turnover{}) {
			continue
		}
		k := key{chart: leaf.Chart}
		if perFund {
			k.fund = leaf.Fund
		}
		r := want[k]
		t := p.m.between(leaf, from, to)
		r.Debit, r.Credit = r.Debit+t.Debit, r.Credit+t.Credit
		year := p.m.between(leaf, ledger.Day(to.Year(), 1, 1), to)
		r.YearTo.Debit, r.YearTo.Credit = r.YearTo.Debit+year.Debit, r.YearTo.Credit+year.Credit
		r.Opening += p.m.on(leaf, from.AddDate(0, 0, -1))
		r.Closing += p.m.on(leaf, to)
		if from.After(to) { // nothing lies between; what was before the end was before the beginning
			r.Opening = r.Closing
		}
		want[k] = r
	}
	if len(rows) != len(want) {
		p.Errorf("trial balance has %d rows, model %d", len(rows), len(want))
	}
	for _, got := range rows {
		w := want[key{got.Chart.ID, got.Fund}]
		if got.Opening != w.Opening || got.Debit != w.Debit || got.Credit != w.Credit || got.YearTo != w.YearTo || got.Closing != w.Closing {
			p.Errorf("trial balance of %s in fund %d: %+v, model %+v", got.Chart.ID, got.Fund, got, w)
		}
	}
}

func (p *player) compareFlows(from, to time.Time, fund int32) {
	type key struct {
		fund  int32
		month time.Time
		chart chart.ID
	}
	want := map[key]int64{}
	for leaf, days := range p.m.days {
		acct := chart.MustByID(leaf.Chart)
		if acct.Type != chart.Income && acct.Type != chart.Expense || fund != 0 && leaf.Fund != fund {
			continue
		}
		for day, t := range days {
			if !day.Before(from) && !day.After(to) {
				want[key{leaf.Fund, ledger.Month(day), leaf.Chart}] += (t.Debit - t.Credit) * int64(acct.Normal)
			}
		}
	}
	maps.DeleteFunc(want, func(_ key, sum int64) bool { return sum == 0 })
	flows, err := ledger.Flows(p.ctx(), p.b.db, p.book, from, to, fund)
	p.must(err)
	for _, f := range flows {
		if k := (key{f.Fund, f.Month, f.Chart.ID}); want[k] != f.Amount {
			p.Errorf("flow %+v, model %d", f, want[k])
		}
	}
	if len(flows) != len(want) {
		p.Errorf("%d flows, model %d", len(flows), len(want))
	}
}

func (p *player) comparePositions(day time.Time) {
	positions, err := ledger.Positions(p.ctx(), p.b.db, p.book, day)
	p.must(err)
	for _, got := range positions {
		if available, net := p.m.position(got.Fund.ID, day); got.Available != available || got.NetAssets != net {
			p.Errorf("fund %d has %d available of %d, model %d of %d", got.Fund.ID, got.Available, got.NetAssets, available, net)
		}
	}
}

func TestTheBookDoesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	seen := map[error]int{}
	rapid.Check(t, func(rt *rapid.T) {
		p := &player{T: rt, b: b, m: newModel(), seen: seen}
		p.open()
		for range rapid.IntRange(8, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 13).Draw(rt, "step") {
			case 0, 1, 2:
				p.reverse()
			case 3:
				p.sum()
			case 4:
				if rapid.IntRange(0, 3).Draw(rt, "close") == 0 {
					p.closeMonth()
				}
			default:
				p.batch()
			}
		}
		p.compare()
	})
	for _, refusal := range append(slices.Clone(refusals), nil) {
		if seen[refusal] == 0 {
			t.Errorf("%v never came up: the events are too tame", refusal)
		}
		t.Logf("%6d %v", seen[refusal], refusal)
	}
}
