package trace

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
)

// Funds of a books world.
const (
	general = iota
	sun     // R: gifts, money for services; levied and released
	common  // C
	ending  // it is closed on the way
	agency
	street
)

// books is a world with funds of all kinds and charters, beside a model of it: the money of each fund, what came in, what was paid.
type books struct {
	*world
	r      *rand.Rand
	cash   [6]int64
	files  [3]uuid.UUID // of sun, common, ending
	came   []arrived
	paid   []payment
	others []other
	ended  bool
}

type arrived struct {
	entry        uuid.UUID
	kind         string
	fund         int
	amount, back int64
}

type payment struct {
	object   string
	fund     int
	amount   int64
	to, from ledger.Leaf
}

// other is an entry that may be reversed: money that went from a fund to another, or to nobody (-1), or came as c.
type other struct {
	entry    uuid.UUID
	from, to int
	amount   int64
	came     int
}

func newBooks(t *testing.T, seed uint64) *books {
	t.Helper()
	b := &books{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 29))}
	b.purpose = "homes"
	b.tx(func(tx pgx.Tx) error {
		for _, f := range []ledger.Fund{{Code: "D", Kind: ledger.Restricted}, {Code: "A", Kind: ledger.Agency}, {Code: "S", Kind: ledger.Subsidy}} {
			f.NameZH, f.NameEN, f.FeeBearer = f.Code, f.Code, ledger.FeeByFund
			made, err := ledger.CreateFund(b.ctx, tx, b.book, f)
			if err != nil {
				return err
			}
			b.funds = append(b.funds, made)
		}
		for at := range b.files {
			id, f := uuid.New(), b.funds[sun+at]
			b.files[at] = id
			if _, err := tx.Exec(b.ctx, `insert into fund_file (book_id, id, number, state, fund_id, code, name_zh, name_en, about_zh, about_en, terms, agreement, entered_by, entered_at)
				values ($1, $2, $3, 'open', $4, $5, '基金', 'fund', '一', 'one', '{}', decode(repeat('00', 32), 'hex'), $2, $6)`, b.book.ID, id, at+1, f.ID, f.Code, b.now); err != nil {
				return err
			}
			if _, err := tx.Exec(b.ctx, `insert into fund_charter (book_id, fund_id, version, sort, purposes, levy_bp, interest, fee_bearer, voted, basis, basis_ref, file_id, made_by, second, made_at)
				values ($1, $2, 1, 'sunshine', '{homes}', 1000, 'fund', 'fund', false, 'opening', '1', $3, $3, gen_random_uuid(), $4)`, b.book.ID, f.ID, id, b.now); err != nil {
				return err
			}
		}
		return nil
	})
	return b
}

// comes books money that is no gift.
func (b *books) comes(kind string, fund int, amount int64, bank, what ledger.Leaf) {
	b.t.Helper()
	entry := b.posts(ledger.KindVoucher, "", ledger.Debit(bank, amount), ledger.Credit(what, amount))
	b.came = append(b.came, arrived{entry: entry, kind: kind, fund: fund, amount: amount})
	b.cash[fund] += amount
	b.others = append(b.others, other{entry, -1, fund, amount, len(b.came) - 1})
}

// step takes a step of a fund by its own rules, as far as they let it.
func (b *books) step(from, to int, plan func(tx pgx.Tx, f *funds.File) (*giving.Move, error)) {
	b.t.Helper()
	var entry uuid.UUID
	var amount int64
	err := pg.InTx(b.ctx, b.db, func(tx pgx.Tx) error {
		f, err := funds.FileByID(b.ctx, tx, b.book, b.files[from-sun])
		if err != nil {
			return err
		}
		m, err := plan(tx, f)
		if err != nil {
			return err
		}
		amount = m.Amount
		entry, err = m.Book(b.ctx, tx, b.book, giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: b.now, Made: "李会计", Check: "陈审批"})
		return err
	})
	var wrong *giving.FieldErrors
	if errors.As(err, &wrong) || errors.Is(err, ledger.ErrShort) || errors.Is(err, ledger.ErrGuarded) {
		return
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.goes(entry, from, to, amount)
}

// goes notes what left a fund for another, or for nobody.
func (b *books) goes(entry uuid.UUID, from, to int, amount int64) {
	if entry == uuid.Nil {
		return
	}
	b.cash[from] -= amount
	if to >= 0 {
		b.cash[to] += amount
	}
	b.others = append(b.others, other{entry, from, to, amount, -1})
}

func (b *books) bank(fund int) ledger.Leaf { return b.leaf("bank.basic", fund) }

// happens is one event of any kind.
func (b *books) happens() {
	b.t.Helper()
	fund, amount := b.r.IntN(3), 1+b.r.Int64N(9000) // general, sun, common
	switch b.r.IntN(17) {
	case 0, 1:
		amounts := []int64{amount, 1 + b.r.Int64N(9000)}
		for i, id := range b.gives(b.r.IntN(2), 0, amounts...) {
			b.came = append(b.came, arrived{entry: id, kind: Gift, fund: sun, amount: amounts[i]})
			b.cash[sun] += amounts[i]
		}
	case 2: // the processor pays out: nothing comes in
		from := b.leaf("psp.avail", sun)
		from.Dims.Instrument = "sandbox"
		b.posts(ledger.KindVoucher, "", ledger.Debit(b.bank(sun), amount), ledger.Credit(from, amount))
	case 3: // paid for a service; it becomes income when the work is accepted
		b.comes(Service, fund, amount, b.bank(fund), b.leaf("advance", fund))
		b.posts(ledger.KindVoucher, "", ledger.Debit(b.leaf("advance", fund), amount/2+1), ledger.Credit(b.leaf(b.funds[fund].Class("service"), fund), amount/2+1))
	case 4:
		b.comes(Agency, agency, amount, b.leaf("bank.agency", agency), b.leaf("agency.l", agency))
	case 5:
		b.comes(Subsidy, street, amount, b.bank(street), b.leaf("grant.r", street))
	case 6, 7:
		b.pay(fund, b.bank(fund), b.leaf("ap", fund), amount)
	case 8:
		b.pay(agency, b.leaf("bank.agency", agency), b.leaf("agency.l", agency), amount/3+1)
	case 9:
		b.pay(street, b.bank(street), b.leaf("ap", street), amount/3+1)
	case 10: // the part of a grant that is not spent goes back to its payer
		b.goes(b.posts(ledger.KindReturn, "", ledger.Debit(b.leaf("grant.r", street), amount/3+1), ledger.Credit(b.bank(street), amount/3+1)), street, -1, amount/3+1)
	case 11:
		_, entry := b.paysFrom(b.bank(fund), fund, amount, false)
		b.goes(entry, fund, -1, amount)
	case 12:
		b.step(sun, general, func(tx pgx.Tx, f *funds.File) (*giving.Move, error) {
			return funds.Levy(b.ctx, tx, b.book, f, amount/10+1, "bank.basic", b.book.Day(b.now))
		})
	case 13:
		b.step(sun, general, func(tx pgx.Tx, f *funds.File) (*giving.Move, error) {
			return funds.Release(b.ctx, tx, b.book, f, b.funds[general], amount/4+1, funds.ByGiver, "同意书", "bank.basic", b.book.Day(b.now))
		})
	case 14:
		from, to := sun+b.r.IntN(2), common
		if from == common {
			to = sun
		} else if !b.ended && b.r.IntN(2) == 0 {
			to = ending
		}
		lines, err := funds.Transfer{From: b.funds[from], To: b.funds[to], Amount: amount, Bank: "bank.basic"}.Lines()
		if err != nil {
			b.t.Fatal(err)
		}
		b.goes(b.posts(ledger.KindTransfer, "", lines...), from, to, amount)
	case 15:
		b.givesBack()
	case 16:
		b.takesBack()
	}
}

func (b *books) pay(fund int, from, to ledger.Leaf, amount int64) {
	b.t.Helper()
	cost := to
	if to.Chart == "ap" {
		to.Dims = ledger.Dims{Project: "X1", Contract: "HT1", Source: "S1"}
		cost = b.leaf(b.funds[fund].Class("program"), fund)
		cost.Dims = ledger.Dims{Project: "X1", Purpose: b.purpose}
		b.posts(ledger.KindDebited, "", ledger.Debit(cost, amount), ledger.Credit(to, amount))
	}
	object := "disbursement:" + uuid.NewString()
	if b.posts(ledger.KindDebited, object, ledger.Debit(to, amount), ledger.Credit(from, amount)) != uuid.Nil {
		b.paid = append(b.paid, payment{object, fund, amount, to, from})
		b.cash[fund] -= amount
	}
}

// givesBack refunds a part of a gift, or has a payment come back.
func (b *books) givesBack() {
	b.t.Helper()
	if len(b.paid) > 0 && b.r.IntN(2) == 0 {
		at := b.r.IntN(len(b.paid))
		p := b.paid[at]
		if b.posts(ledger.KindDebited, p.object, ledger.Debit(p.from, p.amount), ledger.Credit(p.to, p.amount)) == uuid.Nil {
			b.t.Fatal("what came back is always booked")
		}
		b.cash[p.fund] += p.amount
		b.paid = slices.Delete(b.paid, at, at+1)
		return
	}
	for i := range b.came {
		c := &b.came[(i+int(b.cash[sun]%7)+7)%len(b.came)]
		if left := c.amount - c.back; c.kind == Gift && left > 0 {
			n := 1 + b.r.Int64N(left)
			b.refunds(c.entry, n)
			c.back, b.cash[sun] = c.back+n, b.cash[sun]-n
			return
		}
	}
}

// takesBack reverses an entry, if the funds have the money for it.
func (b *books) takesBack() {
	b.t.Helper()
	if len(b.others) == 0 {
		return
	}
	at := b.r.IntN(len(b.others))
	o := b.others[at]
	done := b.may(func(tx pgx.Tx) error {
		r, err := ledger.Reverse(b.ctx, tx, b.book, o.entry, uuid.New(), b.book.Day(b.now), uuid.Nil, ledger.Document{Summary: "冲", Reason: "错", SourceKind: "correction", MadeBy: "李会计"})
		if err != nil {
			return err
		}
		return r.Err
	})
	if !done {
		return
	}
	b.others = slices.Delete(b.others, at, at+1)
	if o.from >= 0 {
		b.cash[o.from] += o.amount
	}
	if o.to >= 0 {
		b.cash[o.to] -= o.amount
	}
	if o.came >= 0 {
		b.came[o.came].back = o.amount
	}
}

// ends closes a fund: its rest goes to another one.
func (b *books) ends() {
	b.t.Helper()
	rest := b.cash[ending]
	b.step(ending, sun, func(tx pgx.Tx, f *funds.File) (*giving.Move, error) {
		return funds.Close(b.ctx, tx, b.book, f, b.funds[sun], funds.BySimilar, "", "做完了", b.now)
	})
	if b.cash[ending] != 0 {
		b.t.Fatalf("closed with %d of %d left", b.cash[ending], rest)
	}
	b.ended = true
	b.others = slices.DeleteFunc(b.others, func(o other) bool { return o.from == ending || o.to == ending })
}

// stands is what waits in a fund less what went out of it before anything came in.
func (b *books) stands(fund int) (sum int64) {
	b.t.Helper()
	err := b.owner.QueryRow(b.ctx, `select (select coalesce(sum(until - at), 0) from trace_piece where book_id = $1 and fund_id = $2 and out_entry is null)::int8
		- (select coalesce(sum(amount), 0) from trace_unmet where book_id = $1 and fund_id = $2)::int8`, b.book.ID, b.funds[fund].ID).Scan(&sum)
	if err != nil {
		b.t.Fatal(err)
	}
	return sum
}

// Gifts, money for services, money held for others, public money; costs, payments, a levy, a release, transfers, the closing of a fund, refunds,
// money sent back and reversals, in any order: what came in is partitioned, to the fen, by its uses and what waits, and so is every payment by
// what it was made of; what waits in a fund is its money.
func TestAllKindsOfMoney(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b := newBooks(t, seed)
			for n := range 100 {
				b.happens()
				if n == 60 {
					b.ends()
				}
				if b.r.IntN(6) == 0 {
					b.follows(1 + b.r.IntN(9))
				}
			}
			b.follows(11)
			down, up := map[string]int64{}, map[string]int64{}
			for _, c := range b.came {
				became := b.became(c.entry)
				sum, own := became.Waiting, int64(0)
				for _, u := range became.Uses {
					sum += u.Amount
					if u.Own {
						own += u.Amount
					}
					if u.Kind == Payment {
						down[c.kind] += u.Amount
					}
				}
				if became.Amount != c.amount || sum != c.amount || own != c.back {
					t.Errorf("%s of %d, %d of it taken back: %s", c.kind, c.amount, c.back, became)
				}
			}
			for _, p := range b.paid {
				made := b.made(p.object)
				sum := made.Unmet
				for _, part := range made.Parts {
					sum += part.Amount
					up[part.Kind] += part.Amount
				}
				if made.Amount != p.amount || sum != p.amount || made.Unmet < 0 {
					t.Errorf("payment of %d: %s", p.amount, made.text())
				}
			}
			delete(up, Levied) // a levy is the end of a gift: what it pays for is the association's own
			if !maps.Equal(down, up) {
				t.Errorf("what came in went into payments as %v, payments were made of %v", down, up)
			}
			for fund, want := range b.cash {
				if got := b.stands(fund); got != want {
					t.Errorf("fund %s: %d waits, it has %d", b.funds[fund].Code, got, want)
				}
			}
			before := b.lines()
			b.again()
			b.follows(4000)
			if !slices.Equal(before, b.lines()) {
				t.Error("the same books give other lines")
			}
		})
	}
}
