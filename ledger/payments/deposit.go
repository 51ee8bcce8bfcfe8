package payments

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Deposit is counted cash on its way to the bank, in a sealed bag.
type Deposit struct {
	ID        uuid.UUID
	Day       time.Time
	Amount    int64
	Bank      chart.ID
	Bag       string
	State     string
	CarriedBy uuid.UUID
	BankedOn  *time.Time
	Received  *int64
	BankRef   string
	Cause     string
	BankedBy  *uuid.UUID
}

// Object names the deposit in its history and beside its papers.
func (d *Deposit) Object() string { return giving.Object("deposit", d.ID) }

const (
	sqlDepositInsert = `
insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by) values ($1, $2, $3, $4, $5, $6, 'carried', $7)`

	sqlCountsCarry = `
update cash_count set deposit_id = $3 where book_id = $1 and id = any($2::uuid[]) and state = 'confirmed' and deposit_id is null`

	depositColumns = `id, day, amount, bank, bag, state, carried_by, banked_on, received, bank_ref, cause, banked_by`

	sqlDepositByID = `select ` + depositColumns + ` from cash_deposit where book_id = $1 and id = $2`

	sqlDeposits = `select ` + depositColumns + ` from cash_deposit where book_id = $1 order by (state = 'carried') desc, day desc, id desc limit 200`

	sqlDepositBank = `
update cash_deposit set state = 'banked', banked_on = $3, received = $4, bank_ref = $5, cause = $6, banked_by = $7
 where book_id = $1 and id = $2 and state = 'carried'`

	sqlFundsOf = `select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer from fund where book_id = $1 and fund_id = $2`
)

func fundOf(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*ledger.Fund, error) {
	return giving.Record[ledger.Fund](ctx, q, sqlFundsOf, book.ID, id)
}

func chartOf(fund *ledger.Fund, base string) chart.ID { return chart.ID(fund.Class(base)) }

// Carrying is a bag that somebody takes to the bank.
type Carrying struct {
	ID     uuid.UUID
	Counts []uuid.UUID
	Bank   chart.ID
	Bag    string
	Day    time.Time
}

// CarryCash plans E14b's first half: confirmed counts leave the drawer in a sealed bag. Who counted them does not carry
// them (I16). *giving.FieldErrors, ledger.ErrSamePerson, giving.ErrStep.
func CarryCash(ctx context.Context, q pg.Querier, book *ledger.Book, c Carrying, by uuid.UUID) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("bag", c.Bag, 1, 40)
	if c.Bank != "bank.basic" && c.Bank != "bank.online" {
		wrong.Refuse("bank", "offline.bank.wrong")
	}
	if len(c.Counts) == 0 {
		wrong.Refuse("count", "offline.deposit.nothing")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	m := &giving.Move{Object: giving.Object("deposit", c.ID), Act: "carried", Note: c.Bag, Kind: ledger.KindCash, Day: c.Day}
	for _, id := range c.Counts {
		n, err := CountByID(ctx, q, book, id)
		switch {
		case err != nil:
			return nil, err
		case n.State != CountConfirmed || n.Deposit != nil || n.Counted == 0:
			return nil, giving.ErrStep
		case n.CountedBy == by || *n.ConfirmedBy == by:
			return nil, ledger.ErrSamePerson
		case c.Day.Before(n.Day):
			wrong.Refuse("day", "offline.day.counted")
			return nil, &wrong
		}
		m.Amount += n.Counted
		m.Lines = append(m.Lines, ledger.Debit(onTheWay(n.FundID), n.Counted), ledger.Credit(giving.Drawer(n.FundID), n.Counted))
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := giving.Settled(ctx, tx, sqlDepositInsert, book.ID, c.ID, c.Day, m.Amount, c.Bank, c.Bag, by); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, sqlCountsCarry, book.ID, c.Counts, c.ID)
		if err != nil {
			return fmt.Errorf("put counts into a deposit: %w", err)
		}
		if tag.RowsAffected() != int64(len(c.Counts)) {
			return giving.ErrStep
		}
		return nil
	}
	return m, nil
}

// onTheWay is where cash stands between drawer and bank.
func onTheWay(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "psp.transit", Fund: fund, Dims: ledger.Dims{Instrument: "deposit"}}
}

// Banked is what the bank says it received.
type Banked struct {
	Day      time.Time
	Received int64
	Ref      string
	Cause    string // of a difference
}

// BankDeposit plans E14b and E15b: the bank has the money. What is short is a cost of the general fund, what is over other
// income. Who carried the bag does not confirm it. *giving.FieldErrors, ledger.ErrSamePerson, giving.ErrStep.
func BankDeposit(ctx context.Context, q pg.Querier, book *ledger.Book, d *Deposit, b Banked, by uuid.UUID) (*giving.Move, error) {
	if d.State != DepositCarried {
		return nil, giving.ErrStep
	}
	if d.CarriedBy == by {
		return nil, ledger.ErrSamePerson
	}
	var wrong giving.FieldErrors
	wrong.Text("ref", b.Ref, 1, 100)
	wrong.Text("cause", b.Cause, 0, 200)
	if b.Received < 0 || b.Received > ledger.AmountMax {
		wrong.Refuse("received", "offline.amount.wrong")
	}
	if b.Received != d.Amount && b.Cause == "" {
		wrong.Refuse("cause", "offline.difference.reason")
	}
	if b.Day.Before(d.Day) {
		wrong.Refuse("day", "offline.day.carried")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	list, err := CountsOf(ctx, q, book, d.ID)
	if err != nil {
		return nil, err
	}
	m := &giving.Move{Object: d.Object(), Act: "banked", Note: b.Ref, Amount: b.Received, Kind: ledger.KindCash, Day: b.Day}
	sums := map[int32]int64{}
	for _, c := range list {
		sums[c.FundID] += c.Counted
	}
	var order []int32
	for id := range sums {
		order = append(order, id)
	}
	slices.Sort(order)
	for _, id := range order {
		m.Lines = append(m.Lines, ledger.Debit(ledger.Leaf{Chart: d.Bank, Fund: id}, sums[id]), ledger.Credit(onTheWay(id), sums[id]))
	}
	if b.Received != d.Amount {
		bearer := order[0]
		if sums[general] > 0 {
			bearer = general
		}
		fund, err := fundOf(ctx, q, book, bearer)
		if err != nil {
			return nil, err
		}
		m.Lines = append(m.Lines, difference(fund, general, ledger.Leaf{Chart: d.Bank, Fund: bearer}, b.Received-d.Amount)...)
	}
	m.Lines = netted(m.Lines)
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlDepositBank, book.ID, d.ID, b.Day, b.Received, b.Ref, b.Cause, by)
	}
	return m, nil
}

// netted puts lines of one leaf together, so that the bank's line shows what the bank received.
func netted(lines []ledger.Line) (out []ledger.Line) {
	for _, l := range lines {
		i := slices.IndexFunc(out, func(o ledger.Line) bool { return o.Leaf == l.Leaf })
		if i < 0 {
			out = append(out, l)
		} else {
			out[i].Amount += l.Amount
		}
	}
	return slices.DeleteFunc(out, func(l ledger.Line) bool { return l.Amount == 0 })
}

// DepositByID reads a deposit, or giving.ErrNoRecord.
func DepositByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Deposit, error) {
	return giving.Record[Deposit](ctx, q, sqlDepositByID, book.ID, id)
}

// Deposits lists those under way first, then the newest.
func Deposits(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Deposit, error) {
	rows, err := q.Query(ctx, sqlDeposits, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list deposits: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Deposit])
}
