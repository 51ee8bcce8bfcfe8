package polls_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

var (
	now  = time.Date(2026, 9, 7, 2, 0, 0, 0, time.UTC)
	late = now.AddDate(0, 0, 8)
	an   = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	bo   = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
)

type world struct {
	t           *testing.T
	db          *pgxpool.Pool
	book        *ledger.Book
	street      *ledger.Street
	fund        *ledger.Fund
	communities []residents.Community
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: pgtest.New(t).Service}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone}); err != nil {
			return err
		}
		if w.street, err = ledger.CreateStreet(ctx, tx, w.book, ledger.Street{Code: "SPQ", NameZH: "石坪街道", NameEN: "Shiping"}); err != nil {
			return err
		}
		w.fund, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "S", Kind: ledger.Subsidy, NameZH: "社区经费", NameEN: "Community budget", StreetID: &w.street.ID})
		return err
	})
	for _, c := range []residents.Community{{StreetID: w.street.ID, Code: "C1", NameZH: "一社区", NameEN: "One"}, {StreetID: w.street.ID, Code: "C2", NameZH: "二社区", NameEN: "Two"}} {
		w.take(residents.Found(w.book, uuid.New(), c))
	}
	if w.communities, err = residents.Communities(t.Context(), w.db, w.book, true, nil); err != nil || len(w.communities) != 2 {
		t.Fatal(w.communities, err)
	}
	return w
}

func (w *world) try(f func(ctx context.Context, tx pgx.Tx) error) error {
	return pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error { return f(w.t.Context(), tx) })
}

func (w *world) tx(f func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := w.try(f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) book1(m *giving.Move) error {
	return w.try(func(ctx context.Context, tx pgx.Tx) error {
		_, err := m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: an, Second: bo, At: now, Made: "安", Check: "博"})
		return err
	})
}

func (w *world) take(m *giving.Move, err error) {
	w.t.Helper()
	if err == nil {
		err = w.book1(m)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) post(kind ledger.Kind, lines ...ledger.Line) error {
	return w.try(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.PostOne(ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: kind, EffectiveOn: w.book.Day(now), Actor: an, Lines: lines,
			Document: &ledger.Document{Summary: "s", SourceKind: "voucher", SourceRef: "r", MadeBy: "安", CheckedBy: "博"}})
		return err
	})
}

func (w *world) two(debit, credit chart.ID, amount int64) []ledger.Line {
	return []ledger.Line{{Leaf: ledger.Leaf{Chart: debit, Fund: w.fund.ID}, Amount: amount}, {Leaf: ledger.Leaf{Chart: credit, Fund: w.fund.ID}, Amount: -amount}}
}

// balance is the balance of a chart account in the fund.
func (w *world) balance(id chart.ID) (sum int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) where a.fund_id = $1 and a.chart = $2`, w.fund.ID, id).Scan(&sum); err != nil {
		w.t.Fatal(err)
	}
	return sum
}

func (w *world) slips(c *residents.Community, n int) (list []*residents.Resident) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		list = nil
		codes, err := residents.Slips(ctx, tx, w.book, c, n, an, rand.Reader, now)
		for _, code := range codes {
			r, err := residents.Find(ctx, tx, w.book, strings.ToLower(strings.ReplaceAll(code, "-", " ")))
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return err
	})
	return list
}

var approval = votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.Greedy, Ties: []string{votes.LowerCost}}

// poll is a published vote of the first community.
func (w *world) poll(rule votes.Rule, budget int64, costs ...int64) *polls.Poll {
	w.t.Helper()
	p := polls.Poll{ID: uuid.New(), FundID: w.fund.ID, StreetID: w.street.ID, TitleZH: "今年做什么", TitleEN: "What to do this year", PaperAt: "居委会", Budget: budget, Rule: rule, OpensAt: now,
		ClosesAt: now.AddDate(0, 0, 7), MadeBy: an, Communities: []int32{w.communities[0].ID}}
	w.take(polls.Enter(w.t.Context(), w.db, w.book, p))
	for i, cost := range costs {
		w.take(polls.Add(w.book, w.read(p.ID), polls.Choice{TitleZH: fmt.Sprint("项目", i+1), TitleEN: fmt.Sprint("Project ", i+1), Cost: cost}))
	}
	w.take(polls.Publish(w.book, w.read(p.ID), now))
	return w.read(p.ID)
}

func (w *world) read(id uuid.UUID) *polls.Poll {
	w.t.Helper()
	p, err := polls.ByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) cast(p *polls.Poll, r *residents.Resident, at time.Time, places ...int) error {
	var b votes.Ballot
	for _, place := range places {
		b = append(b, votes.Mark{Option: place - 1, Points: 1})
	}
	return w.try(func(ctx context.Context, tx pgx.Tx) error { return polls.Cast(ctx, tx, w.book, p, r, b, at) })
}

func (w *world) sheet(p *polls.Poll, n int32, by uuid.UUID, places ...int) error {
	s := polls.Reading{Sheet: n, Spoiled: len(places) == 0}
	for _, place := range places {
		s.Ballot = append(s.Ballot, votes.Mark{Option: place - 1, Points: 1})
	}
	return w.try(func(ctx context.Context, tx pgx.Tx) error {
		return polls.ReadSheet(ctx, tx, w.book, p, s, by, late)
	})
}

func (w *world) close(p *polls.Poll) *polls.Poll {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error { return polls.Close(ctx, tx, w.book, p, late) })
	return w.read(p.ID)
}

func (w *world) count(p *polls.Poll) error {
	m, err := polls.Count(w.t.Context(), w.db, w.book, p, w.book.Day(now), late)
	if err != nil {
		return err
	}
	return w.book1(m)
}

func (w *world) verified() {
	w.t.Helper()
	for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, polls.Verify} {
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			checks, err := verify(ctx, tx, w.book)
			if !ledger.Clean(checks) {
				w.t.Errorf("%+v", checks)
			}
			return err
		})
	}
}

// TestYearlyBudget is vector TV3: 200,000 a year for a community, spent as its residents decide.
func TestYearlyBudget(t *testing.T) {
	w := newWorld(t)
	w.take(polls.Require(w.book, w.fund.ID, true, "居民大会"))
	if err := w.post(ledger.KindSubsidy, w.two("bank.basic", "grant.r", 200_000_00)...); err != nil {
		t.Fatal(err)
	}
	contract := func(amount int64, drawn ...ledger.Line) error {
		return w.post(ledger.KindContract, append(w.two("enc", "enc.contra", amount), drawn...)...)
	}
	if err := contract(1); !errors.Is(err, ledger.ErrUndecided) {
		t.Fatalf("without a vote: %v", err)
	}
	if err := w.post(ledger.KindVoucher, w.two("program.r", "bank.basic", 1)...); !errors.Is(err, ledger.ErrUndecided) {
		t.Fatalf("paid without a vote: %v", err)
	}
	p := w.poll(approval, 200_000_00, 80_000_00, 65_000_00, 50_000_00, 5_000_01)
	for i, r := range w.slips(&w.communities[0], 4) {
		if err := w.cast(p, r, now, []int{1, 2, 3, 4}[:4-i]...); err != nil {
			t.Fatal(err)
		}
	}
	p = w.close(p)
	if err := w.count(p); err != nil {
		t.Fatal(err)
	}
	p = w.read(p.ID)
	if got := w.balance("resv"); got != 195_000_00 || p.Result.Cost != got || p.Won(4) || !p.Won(3) {
		t.Fatalf("%d set aside, %+v", got, p.Result)
	}
	draw := func(place int16, amount int64) ([]ledger.Line, error) {
		return polls.Draw(t.Context(), w.db, w.book, p, place, w.fund.ID, amount)
	}
	for place, amount := range map[int16]int64{1: 80_000_00, 2: 65_000_00, 3: 50_000_00} {
		lines, err := draw(place, amount)
		if err == nil {
			err = contract(amount, lines...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if w.balance("enc") != 195_000_00 || w.balance("resv") != 0 {
		t.Fatalf("%d encumbered, %d set aside", w.balance("enc"), w.balance("resv"))
	}
	var over *polls.OverVote
	if _, err := draw(1, 1); !errors.As(err, &over) || over.Left != 0 {
		t.Errorf("a second contract: %v", err)
	}
	if _, err := draw(4, 1); !errors.Is(err, polls.ErrNotWon) {
		t.Errorf("what was not chosen: %v", err)
	}
	// the first contract is accepted and paid in full
	if err := w.post(ledger.KindAcceptance, append(w.two("program.r", "ap", 80_000_00), w.two("enc.contra", "enc", 80_000_00)...)...); err != nil {
		t.Fatal(err)
	}
	if err := w.post(ledger.KindPayment, w.two("ap", "bank.basic", 80_000_00)...); err != nil {
		t.Fatal(err)
	}
	if w.balance("enc") != 115_000_00 || w.balance("bank.basic") != 120_000_00 {
		t.Errorf("%d encumbered, %d at the bank", w.balance("enc"), w.balance("bank.basic"))
	}
	// 5,000.00 are available: a vote for one fen more has no money behind it, one for them has
	second := func(cost int64) error {
		p := w.poll(approval, 10_000_00, cost, 10_000_00)
		if err := w.cast(p, w.slips(&w.communities[0], 1)[0], now, 1); err != nil {
			return err
		}
		return w.count(w.close(p))
	}
	var short *ledger.ShortError
	if err := second(5_000_01); !errors.As(err, &short) || short.Available != 5_000_00 || short.Needed != 5_000_01 {
		t.Errorf("a fen too much: %v", err)
	}
	if err := second(5_000_00); err != nil {
		t.Error(err)
	}
	if err := contract(1); !errors.Is(err, ledger.ErrUndecided) {
		t.Errorf("with nothing left and no vote: %v", err)
	}
	w.verified()
}

// TestSecret: a ballot can be changed until the close, one a resident; afterwards nothing links it, and who voted is all that stays.
func TestSecret(t *testing.T) {
	w := newWorld(t)
	p := w.poll(approval, 100_00, 60_00, 50_00, 40_00)
	list := w.slips(&w.communities[0], 3)
	if err := w.cast(p, list[0], now.Add(-time.Second), 1); !errors.Is(err, polls.ErrNotOpen) {
		t.Errorf("too early: %v", err)
	}
	for _, places := range [][]int{{1}, {2, 3}, {3, 1}} {
		if err := w.cast(p, list[0], now, places...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.cast(p, list[1], now, 2); err != nil {
		t.Fatal(err)
	}
	if err := w.cast(p, list[2], now); !errors.Is(err, votes.ErrBallot) {
		t.Errorf("empty: %v", err)
	}
	if err := w.cast(p, w.slips(&w.communities[1], 1)[0], now, 1); !errors.Is(err, polls.ErrNotEntitled) {
		t.Errorf("of another community: %v", err)
	}
	mine, err := polls.Mine(t.Context(), w.db, w.book, p, list[0])
	if err != nil || polls.Marks(p, mine) != "1:1,3:1" {
		t.Errorf("mine is %v %v", mine, err)
	}
	var stored []byte
	if err := w.db.QueryRow(t.Context(), `select marks from private.poll_cast where resident_id = $1`, list[0].ID).Scan(&stored); err != nil || bytes.Contains(stored, []byte("1:1")) {
		t.Errorf("a ballot lies open: %q %v", stored, err)
	}
	if err := w.try(func(ctx context.Context, tx pgx.Tx) error {
		return polls.Close(ctx, tx, w.book, p, p.ClosesAt.Add(-time.Second))
	}); !errors.Is(err, polls.ErrNotOpen) {
		t.Errorf("closed early: %v", err)
	}
	if ended, err := polls.Ended(t.Context(), w.db, w.book, late); err != nil || !slices.Equal(ended, []uuid.UUID{p.ID}) {
		t.Errorf("ended: %v %v", ended, err)
	}
	closed := w.close(p)
	if err := w.cast(p, list[2], now, 1); !errors.Is(err, polls.ErrNotOpen) {
		t.Errorf("after the close: %v", err)
	}
	var links, keys, voters, kept int
	if err := w.db.QueryRow(t.Context(), `select (select count(*) from private.poll_cast), (select count(*) from private.poll_key), (select count(*) from poll_voter), (select count(*) from poll_ballot)`).Scan(
		&links, &keys, &voters, &kept); err != nil || links != 0 || keys != 0 || voters != 2 || kept != 2 {
		t.Errorf("%d links, %d keys, %d voters, %d ballots; %v", links, keys, voters, kept, err)
	}
	if mine, err := polls.Mine(t.Context(), w.db, w.book, closed, list[0]); mine != nil || err != nil {
		t.Errorf("mine is still known: %v %v", mine, err)
	}
	if err := polls.WriteBallots(t.Context(), w.db, w.book, closed, &bytes.Buffer{}); !errors.Is(err, polls.ErrNotOpen) {
		t.Errorf("ballots before the count: %v", err)
	}
}

// TestPaper: a sheet counts once two people read it alike; paper and on line exclude each other; both are turnout; anybody counts again.
func TestPaper(t *testing.T) {
	w := newWorld(t)
	if err := w.post(ledger.KindSubsidy, w.two("bank.basic", "grant.r", 200_00)...); err != nil {
		t.Fatal(err)
	}
	rule := votes.Rule{Ballot: votes.Basket, Least: 1, Method: votes.EqualShares, Completion: votes.Raise, Step: 1_00, Ties: []string{votes.LowerCost, votes.MoreVotes}}
	p := w.poll(rule, 100_00, 60_00, 50_00, 40_00)
	list := w.slips(&w.communities[0], 6)
	hand := func(r *residents.Resident) error {
		return w.try(func(ctx context.Context, tx pgx.Tx) error { return polls.HandOut(ctx, tx, w.book, p, r, now) })
	}
	for _, r := range list[:3] {
		if err := hand(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.cast(p, list[0], now, 1); !errors.Is(err, polls.ErrVoted) {
		t.Errorf("on line after paper: %v", err)
	}
	for i, r := range list[3:] {
		if err := w.cast(p, r, now, []int{1, 2, 1}[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := hand(list[3]); !errors.Is(err, polls.ErrVoted) {
		t.Errorf("paper after on line: %v", err)
	}
	var wrong *votes.BallotError
	if err := w.cast(p, list[4], now, 1, 2); !errors.As(err, &wrong) || wrong.Reason != votes.OverBudget || wrong.By != 10_00 {
		t.Errorf("above the budget: %v", err)
	}
	p = w.close(p)
	sheet := func(n int32, by uuid.UUID, places ...int) {
		t.Helper()
		if err := w.sheet(p, n, by, places...); err != nil {
			t.Fatal(err)
		}
	}
	sheet(1, an, 1, 3)
	sheet(1, an, 1, 3) // the same person twice is one person
	sheet(2, an, 2)
	sheet(2, bo, 3)
	if err := w.count(p); !errors.Is(err, polls.ErrSheets) {
		t.Errorf("read by one: %v", err)
	}
	sheet(1, bo, 3, 1)
	if err := w.count(p); !errors.Is(err, polls.ErrSheets) {
		t.Errorf("read differently: %v", err)
	}
	sheet(2, an, 3) // looked again
	sheet(3, an)    // spoiled
	sheet(3, bo)
	sheet(4, an, 1)
	sheet(4, bo, 1)
	if err := w.count(p); !errors.Is(err, polls.ErrSheets) {
		t.Errorf("more sheets than papers: %v", err)
	}
	if err := w.sheet(p, 0, an, 1); !errors.Is(err, polls.ErrSheet) {
		t.Errorf("sheet 0: %v", err)
	}
	hands := `insert into poll_voter (book_id, poll_id, resident_id, channel) values ($1, $2, $3, 'paper')`
	if _, err := w.db.Exec(t.Context(), hands, w.book.ID, p.ID, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if err := w.count(p); err != nil {
		t.Fatal(err)
	}
	p = w.read(p.ID)
	if r := p.Result; r.Turnout != (polls.Turnout{Online: 3, Paper: 4, Spoiled: 1}) || r.Cost != 100_00 || !p.Won(1) || !p.Won(3) || p.Won(2) {
		t.Errorf("%+v", r)
	}
	var file bytes.Buffer
	if err := polls.WriteBallots(t.Context(), w.db, w.book, p, &file); err != nil {
		t.Fatal(err)
	}
	e, err := votes.ReadPabulib(&file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.Count(); err != nil || again.Cost != p.Result.Cost || !slices.Equal(again.Winners(), []int{0, 2}) || again.Ballots != 6 {
		t.Errorf("counted again: %+v %v", again, err)
	}
	if err := w.count(p); !errors.Is(err, giving.ErrStep) {
		t.Errorf("counted twice: %v", err)
	}
	if m, err := polls.Free(t.Context(), w.db, w.book, p, 3, "不需要了", w.book.Day(now)); err != nil || w.book1(m) != nil || w.balance("resv") != 60_00 {
		t.Errorf("freed: %v, %d stay", err, w.balance("resv"))
	}
	w.verified()
}

// TestPublished: what is published stays; a change behind the triggers' back is found.
func TestPublished(t *testing.T) {
	w := newWorld(t)
	p := w.poll(approval, 100_00, 60_00, 50_00)
	if _, err := polls.Add(w.book, p, polls.Choice{TitleZH: "再来", TitleEN: "More", Cost: 1}); !errors.Is(err, giving.ErrStep) {
		t.Errorf("added after the publication: %v", err)
	}
	draft := *p
	draft.State = polls.Draft
	if m, err := polls.Drop(w.book, &draft, 1); err != nil || !errors.Is(w.book1(m), giving.ErrStep) {
		t.Errorf("dropped after the publication: %v", err)
	}
	if m, err := polls.Publish(w.book, &draft, now); err != nil || !errors.Is(w.book1(m), giving.ErrStep) {
		t.Errorf("published twice: %v", err)
	}
	var fields *giving.FieldErrors
	if _, err := polls.Enter(t.Context(), w.db, w.book, polls.Poll{ID: uuid.New(), FundID: w.fund.ID, StreetID: w.street.ID, TitleZH: "票", TitleEN: "Vote", Budget: 1, OpensAt: now, ClosesAt: now}); !errors.As(err, &fields) || len(fields.List) < 4 {
		t.Errorf("a draft without anything: %v", err)
	}
	w.verified()
	db := w.db
	if _, err := db.Exec(t.Context(), `update poll_option set cost = 1`); err == nil {
		t.Error("the service may change a project's cost")
	}
	w.take(polls.Revoke(w.book, p, "改期"))
	if err := w.cast(p, w.slips(&w.communities[0], 1)[0], now, 1); !errors.Is(err, polls.ErrNotOpen) {
		t.Errorf("cast into a vote taken back: %v", err)
	}
}

// TestResidents: one number is one resident; a new code closes the old one; a code taken back leaves no number.
func TestResidents(t *testing.T) {
	w := newWorld(t)
	verify := func(c int, number string) (code string, again bool, err error) {
		err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
			code, again, err = residents.Verify(ctx, tx, w.book, &w.communities[c], number, an, rand.Reader, now)
			return err
		})
		return code, again, err
	}
	enter := func(code string) (token string, err error) {
		err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
			token, err = residents.Enter(ctx, tx, w.book, code, now)
			return err
		})
		return token, err
	}
	first, _, err := verify(0, "138 0000 1234")
	if err != nil || len(first) != 14 {
		t.Fatalf("%q %v", first, err)
	}
	token, err := enter(strings.ToLower(first))
	if err != nil {
		t.Fatal(err)
	}
	r, err := residents.Here(t.Context(), w.db, w.book, token, now.Add(time.Hour))
	if err != nil || !r.Numbered || r.CommunityID != w.communities[0].ID {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := residents.Here(t.Context(), w.db, w.book, token, now.Add(residents.SessionLife)); !errors.Is(err, residents.ErrNoSession) {
		t.Errorf("a session without end: %v", err)
	}
	second, again, err := verify(0, "+86 13800001234")
	if err != nil || !again || second == first {
		t.Errorf("again: %v %v", again, err)
	}
	if _, err := enter(first); !errors.Is(err, residents.ErrNoCode) {
		t.Errorf("the old code: %v", err)
	}
	if _, err := residents.Here(t.Context(), w.db, w.book, token, now); !errors.Is(err, residents.ErrNoSession) {
		t.Errorf("the old session: %v", err)
	}
	if same, err := residents.Find(t.Context(), w.db, w.book, "13800001234"); err != nil || same.ID != r.ID {
		t.Errorf("by number: %+v %v", same, err)
	}
	if _, err := enter("13800001234"); !errors.Is(err, residents.ErrNoCode) {
		t.Errorf("a number opened a session: %v", err)
	}
	if _, _, err := verify(1, "13800001234"); !errors.Is(err, residents.ErrElsewhere) {
		t.Errorf("in two communities: %v", err)
	}
	for _, typed := range []string{"", "12", "abc1234567", "1234567890123456"} {
		if _, _, err := verify(0, typed); !errors.Is(err, residents.ErrNumber) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if number, err := residents.Number(t.Context(), w.db, w.book, r.ID); err != nil || number != "13800001234" {
		t.Errorf("%q %v", number, err)
	}
	var clear int
	if err := w.db.QueryRow(t.Context(), `select count(*) from private.resident r where r::text like '%13800001234%' or encode(number, 'escape') like '%1380%'`).Scan(&clear); err != nil || clear != 0 {
		t.Errorf("%d numbers in clear, %v", clear, err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error { return residents.Withdraw(ctx, tx, w.book, r.ID, now) })
	if number, err := residents.Number(t.Context(), w.db, w.book, r.ID); err != nil || number != "" {
		t.Errorf("erased and there: %q %v", number, err)
	}
	if _, err := enter(second); !errors.Is(err, residents.ErrNoCode) {
		t.Errorf("a code taken back: %v", err)
	}
}
