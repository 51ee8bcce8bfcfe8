package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// operation is what somebody does with a restricted fund that lies in a cash box: both may not cross zero.
type operation struct {
	kind   operationKind
	amount int64 // of give and spend
	gift   int   // of reverse: which of the first gifts
}

type operationKind int

const (
	give operationKind = iota
	spend
	reverse
	look
)

// told is what the book answers.
type told struct {
	refused  bool  // there is not enough
	reversed bool  // it was reversed before
	balance  int64 // of look
}

// page is the serial model: one book, one pen.
type page struct {
	balance  int64
	reversed uint64 // bit i: first gift i
}

const (
	firstGifts = 12
	firstGift  = int64(40)
)

func (p page) after(op operation) (told, page) {
	switch op.kind {
	case give:
		p.balance += op.amount
	case spend:
		if op.amount > p.balance {
			return told{refused: true}, p
		}
		p.balance -= op.amount
	case reverse:
		bit := uint64(1) << op.gift
		switch {
		case p.reversed&bit != 0:
			return told{reversed: true}, p
		case firstGift > p.balance:
			return told{refused: true}, p
		}
		p.balance, p.reversed = p.balance-firstGift, p.reversed|bit
	case look:
		return told{balance: p.balance}, p
	}
	return told{}, p
}

var model = porcupine.Model{
	Init: func() any { return page{balance: firstGifts * firstGift} },
	Step: func(state, input, output any) (bool, any) {
		answer, next := state.(page).after(input.(operation))
		return answer == output.(told), next
	},
}

// purse is a fund in a book of its own, on which several pools work as several processes would.
type purse struct {
	t     *testing.T
	pools []*pgxpool.Pool
	book  *ledger.Book
	fund  int32
	first []uuid.UUID // gifts that are there from the beginning
}

var historyDay = ledger.Day(2026, 9, 8)

func newPurse(t *testing.T, gifts int, each int64) *purse {
	t.Helper()
	db := pgtest.New(t)
	p := &purse{t: t, pools: []*pgxpool.Pool{db.Bare(t)}}
	second, err := pg.Open(t.Context(), db.DSN(pgtest.Service), pg.MaxConns(4))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	p.pools = append(p.pools, second)
	err = pg.InTx(t.Context(), db.Pool, func(tx pgx.Tx) error {
		if p.book, err = ledger.CreateBook(t.Context(), tx, ledger.Book{Keys: pgtest.Ring(), Code: "history", NameZH: "史", NameEN: "History",
			Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC}); err != nil {
			return err
		}
		fund, err := ledger.CreateFund(t.Context(), tx, p.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "限", NameEN: "Restricted"})
		if err != nil {
			return err
		}
		p.fund = fund.ID
		for range gifts {
			r, err := ledger.PostOne(t.Context(), tx, p.book, p.entry(each, "cash", "gift.r"))
			if err != nil {
				return err
			}
			p.first = append(p.first, r.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *purse) entry(fen int64, debit, credit chart.ID) ledger.Entry {
	return ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: historyDay, Lines: []ledger.Line{
		ledger.Debit(ledger.Leaf{Chart: debit, Fund: p.fund}, fen), ledger.Credit(ledger.Leaf{Chart: credit, Fund: p.fund}, fen)}}
}

// do carries out an operation on a pool.
func (p *purse) do(ctx context.Context, db *pgxpool.Pool, op operation) (told, error) {
	ctx = pg.WithBook(ctx, p.book.ID)
	if op.kind == look {
		cash, err := ledger.AccountByLeaf(ctx, db, p.book, ledger.Leaf{Chart: "cash", Fund: p.fund})
		if err != nil {
			return told{}, err
		}
		balance, err := ledger.BalanceOn(ctx, db, p.book, cash.ID, historyDay)
		return told{balance: balance}, err
	}
	err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		switch op.kind {
		case give:
			_, err = ledger.PostOne(ctx, tx, p.book, p.entry(op.amount, "cash", "gift.r"))
		case spend:
			_, err = ledger.PostOne(ctx, tx, p.book, p.entry(op.amount, "program.r", "cash"))
		case reverse:
			_, err = ledger.Reverse(ctx, tx, p.book, p.first[op.gift], uuid.New(), historyDay, uuid.Nil,
				ledger.Document{Summary: "冲销", SourceKind: "reversal", Reason: "错", MadeBy: "张三"})
		}
		return err
	})
	switch {
	case errors.Is(err, ledger.ErrReversed):
		return told{reversed: true}, nil
	case errors.Is(err, ledger.ErrShort), errors.Is(err, ledger.ErrGuarded):
		return told{refused: true}, nil
	}
	return told{}, err
}

func randomOperation(dice *rand.Rand) operation {
	switch n := dice.IntN(10); {
	case n < 3:
		return operation{kind: give, amount: 1 + dice.Int64N(60)}
	case n < 7:
		return operation{kind: spend, amount: 1 + dice.Int64N(150)}
	case n < 9:
		return operation{kind: reverse, gift: dice.IntN(firstGifts)}
	}
	return operation{kind: look}
}

// Posts, reversals and refusals on guarded accounts, by eight at a time through two pools, answer as one pen would: there is
// an order of the operations, each between its call and its return, in which every answer is right.
func TestHistoriesAreLinearizable(t *testing.T) {
	together(t)
	operations, refused, reversed := 0, 0, 0
	for n := range times(4, 50) {
		t.Run(fmt.Sprint(n), func(t *testing.T) { // so that each gives back its connections
			history := newPurse(t, firstGifts, firstGift).history(n)
			operations += len(history)
			for _, op := range history {
				if op.Output.(told).refused {
					refused++
				}
				if op.Output.(told).reversed {
					reversed++
				}
			}
			if got := porcupine.CheckOperationsTimeout(model, history, deadline); got != porcupine.Ok {
				t.Fatalf("%s: %+v", got, history)
			}
			if n == 0 {
				checkerSees(t, history)
			}
		})
	}
	if refused == 0 || reversed == 0 {
		t.Errorf("%d refused and %d reversed before: the histories try nothing", refused, reversed)
	}
	tell(&figures{name: "linearizable histories, operations", requests: operations, acked: operations - refused - reversed,
		note: fmt.Sprintf("%d histories; %d refused as short, %d as reversed before", times(4, 50), refused, reversed)})
}

// history has eight people do twelve things each.
func (p *purse) history(n int) (all []porcupine.Operation) {
	const people, things = 8, 12
	p.t.Helper()
	var mu sync.Mutex
	var crowd sync.WaitGroup
	began := time.Now()
	for who := range people {
		dice := dice(fmt.Sprint("history", n, who))
		crowd.Go(func() {
			for range things {
				op := randomOperation(dice)
				call := time.Since(began).Nanoseconds()
				answer, err := p.do(p.t.Context(), p.pools[who%2], op)
				back := time.Since(began).Nanoseconds()
				if err != nil {
					p.t.Errorf("%+v: %v", op, err)
					return
				}
				mu.Lock()
				all = append(all, porcupine.Operation{ClientId: who, Input: op, Call: call, Output: answer, Return: back})
				mu.Unlock()
			}
		})
	}
	crowd.Wait()
	p.verify()
	return all
}

// checkerSees proves that the checker would notice a wrong answer: one fen more in somebody's hand.
func checkerSees(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	forged := slices.Clone(history)
	last := time.Hour.Nanoseconds()
	forged = append(forged, porcupine.Operation{Input: operation{kind: look}, Call: last, Output: told{balance: -1}, Return: last + 1})
	if got := porcupine.CheckOperationsTimeout(model, forged, deadline); got != porcupine.Illegal {
		t.Errorf("a forged history is %s", got)
	}
}

func (p *purse) verify() {
	p.t.Helper()
	checks, err := ledger.Verify(p.t.Context(), p.pools[0], p.book)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range checks {
		if c.DiffersAll > 0 {
			p.t.Errorf("verify %s: %v", c.Code, c.Differs)
		}
	}
}

// Two writers race for the last fen: one has it, the other is told 409.
func TestRaceForTheLastFen(t *testing.T) {
	together(t)
	const race = 20
	p := newPurse(t, 1, 1)
	for n := range race {
		errs := make([]error, len(p.pools))
		start := make(chan struct{})
		var both sync.WaitGroup
		for i, db := range p.pools {
			both.Go(func() {
				<-start
				ctx := pg.WithBook(t.Context(), p.book.ID)
				errs[i] = pg.InTx(ctx, db, func(tx pgx.Tx) error {
					_, err := ledger.PostOne(ctx, tx, p.book, p.entry(1, "program.r", "cash"))
					return err
				})
			})
		}
		close(start)
		both.Wait()
		if errs[0] != nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		if errs[0] != nil || errs[1] == nil || problem.Of(errs[1]).Status != http.StatusConflict {
			t.Fatalf("race %d: %v and %v", n, errs[0], errs[1])
		}
		if _, err := p.do(t.Context(), p.pools[0], operation{kind: give, amount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	p.verify()
	tell(&figures{name: "races for the last fen", requests: 2 * race, acked: race, note: "the loser is told 409"})
}
