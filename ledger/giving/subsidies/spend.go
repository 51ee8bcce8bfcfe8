package subsidies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Cost is what a letter's money is spent on.
type Cost struct {
	Amount   int64
	Contract string // whom it is owed to, by the contract's number
	Project  string
	What     string
	Purpose  string // code, where the fund's charter asks for one; empty takes the charter's only one
	Day      time.Time
}

const (
	sqlSpendInsert = `insert into subsidy_spend (book_id, letter_id, entry_id, amount) values ($1, $2, $3, $4) on conflict do nothing`

	// What an entry cost the letter's fund, how much of that letters have borne already, and whether this one did.
	sqlEntryCost = `
select coalesce(sum(p.amount), 0)::int8,
       (select coalesce(sum(s.amount), 0)::int8 from subsidy_spend s where s.book_id = $1 and s.entry_id = $2),
       exists (select from entry r where r.book_id = $1 and r.reverses = $2),
       exists (select from subsidy_spend s where s.book_id = $1 and s.letter_id = $5 and s.entry_id = $2)
  from entry e cross join lateral unnest(e.accounts, e.seqs) x(account_id, seq)
  join posting p on p.book_id = $1 and p.account_id = x.account_id and p.seq = x.seq
  join account a on a.book_id = $1 and a.account_id = x.account_id
 where e.book_id = $1 and e.id = $2 and a.fund_id = $3 and a.ccy = $4 and a.chart in ('program.r', 'program.u')`

	sqlEntryLock = `select pg_advisory_xact_lock(hashtextextended('subsidy cost:' || $1::int4 || ':' || $2::uuid, 0))`

	sqlSpends = `
select s.entry_id, e.effective_on, s.amount, exists (select from entry r where r.book_id = $1 and r.reverses = s.entry_id)
  from subsidy_spend s join entry e on e.book_id = s.book_id and e.id = s.entry_id
 where s.book_id = $1 and s.letter_id = $2 order by e.effective_on, e.id limit 300`
)

// Spend is what an entry of cost took from a letter.
type Spend struct {
	Entry  uuid.UUID
	Day    time.Time
	Amount int64
	Void   bool // the entry was taken back
}

// Spends lists what was spent of a letter, oldest first.
func Spends(ctx context.Context, q pg.Querier, book *ledger.Book, letter uuid.UUID) ([]Spend, error) {
	rows, err := q.Query(ctx, sqlSpends, book.ID, letter)
	if err != nil {
		return nil, fmt.Errorf("list spending of letter: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Spend])
}

// leftFor refuses what is more than the letter's money that is here and unspent. earned is how much of an advance becomes income with it.
func (l *Letter) leftFor(ctx context.Context, q pg.Querier, book *ledger.Book, amount int64, wrong *giving.FieldErrors) (earned int64, err error) {
	t, err := TallyOf(ctx, q, book, l)
	if err != nil {
		return 0, err
	}
	if l.State != Open && l.State != Lapsed || l.Left(t) <= 0 {
		return 0, giving.ErrStep
	}
	wrong.Sum("amount", amount)
	if amount > l.Left(t) {
		wrong.Refuse("amount", "subsidy.spend.more")
	}
	return amount - l.ahead(t), nil
}

// earnedBySpending is E32c: an advance becomes income as it is spent as agreed; below zero it is owed again. A grant was income when it came.
func (l *Letter) earnedBySpending(fund *ledger.Fund, tags ledger.Dims, amount int64) []ledger.Line {
	if l.Terms != Advance || amount == 0 {
		return nil
	}
	leaf := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID, Dims: tags} }
	return []ledger.Line{{Leaf: leaf("advance"), Amount: amount}, {Leaf: leaf(chart.ID(fund.Class("grant"))), Amount: -amount}}
}

// SpendOn plans E33: what was done for the letter's money is accepted and owed. A second person approves.
// *giving.FieldErrors, giving.ErrStep.
func SpendOn(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, c Cost) (*giving.Move, error) {
	var wrong giving.FieldErrors
	earned, err := l.leftFor(ctx, q, book, c.Amount, &wrong)
	if err != nil {
		return nil, err
	}
	wrong.Text("contract", c.Contract, 1, 40)
	wrong.Text("project", c.Project, 1, 40)
	wrong.Text("what", c.What, 1, 200)
	fund, tags, err := l.place(ctx, q, book)
	if err != nil {
		return nil, err
	}
	cost := tags
	cost.Project = c.Project
	if cost.Purpose, err = c.purpose(ctx, q, book, fund.ID); err != nil {
		return nil, err
	}
	lines := []ledger.Line{ledger.Debit(ledger.Leaf{Chart: chart.ID(fund.Class("program")), Fund: fund.ID, Dims: cost}, c.Amount),
		ledger.Credit(ledger.Leaf{Chart: "ap", Fund: fund.ID, Dims: ledger.Dims{Contract: c.Contract}}, c.Amount)}
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-spent", Note: l.Name() + " " + c.What, Amount: c.Amount, Kind: ledger.KindAcceptance, Day: c.Day,
		Lines: append(lines, l.earnedBySpending(fund, tags, earned)...),
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			if err := giving.Settled(ctx, tx, sqlSpendInsert, book.ID, l.ID, entry, c.Amount); err != nil {
				return err
			}
			return l.takes(ctx, tx, book, *l)
		}}, wrong.Err()
}

// purpose is what the cost is for: as it says, or what the fund's charter names alone. The ledger refuses any other.
func (c *Cost) purpose(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (string, error) {
	may, err := ledger.PurposesOf(ctx, q, book, fund)
	if err != nil || c.Purpose != "" || len(may) != 1 {
		return c.Purpose, err
	}
	return may[0], nil
}

// DrawOn plans the note that part of a cost on the books already was borne by the letter: the acceptance of a contract that several sources
// pay. Of an advance it books E32c. A second person approves. *giving.FieldErrors, giving.ErrStep.
func DrawOn(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, entry uuid.UUID, amount int64, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	earned, err := l.leftFor(ctx, q, book, amount, &wrong)
	if err != nil {
		return nil, err
	}
	free, drawn, err := l.freeOf(ctx, q, book, entry)
	switch {
	case errors.Is(err, errNoCost), err == nil && drawn && free > 0:
		wrong.Refuse("entry", "subsidy.entry.wrong")
	case err != nil:
		return nil, err
	case amount > free:
		wrong.Refuse("amount", "subsidy.entry.more")
	}
	fund, tags, err := l.place(ctx, q, book)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-drawn", Note: l.Name(), Amount: amount, Kind: ledger.KindLetter, Day: day, Lines: l.earnedBySpending(fund, tags, earned),
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if _, err := tx.Exec(ctx, sqlEntryLock, book.ID, entry); err != nil {
				return fmt.Errorf("lock cost of entry: %w", err)
			}
			if err := giving.Settled(ctx, tx, sqlSpendInsert, book.ID, l.ID, entry, amount); err != nil {
				return err
			}
			switch free, _, err := l.freeOf(ctx, tx, book, entry); {
			case errors.Is(err, errNoCost), err == nil && free < 0: // taken back, or borne by another letter meanwhile
				return giving.ErrStep
			case err != nil:
				return err
			}
			return l.takes(ctx, tx, book, *l)
		}}, wrong.Err()
}

// errNoCost means that an entry cost the letter's fund nothing, or was taken back.
var errNoCost = errors.New("no cost of the fund")

// freeOf is how much of an entry's cost no letter has borne; drawn tells that this one has borne some. errNoCost.
func (l *Letter) freeOf(ctx context.Context, q pg.Querier, book *ledger.Book, entry uuid.UUID) (free int64, drawn bool, err error) {
	var cost, borne int64
	var taken bool
	if err := q.QueryRow(ctx, sqlEntryCost, book.ID, entry, l.FundID, book.Currency, l.ID).Scan(&cost, &borne, &taken, &drawn); err != nil {
		return 0, false, fmt.Errorf("read cost of entry: %w", err)
	}
	if cost <= 0 || taken {
		return 0, false, errNoCost
	}
	return cost - borne, drawn, nil
}

// ErrHomes means that the number of families is not one that a sum can be split between.
var ErrHomes = errors.New("number of families is out of range")

// HomesMax bounds the families that share a letter's sum.
const HomesMax = 10000

// Home is what one family's share comes from.
type Home struct{ Gifts, Street int64 }

// Total is the family's share.
func (h Home) Total() int64 { return h.Gifts + h.Street }

// Shares splits what was raised and what the street adds between n families so that rows and columns both add up: totals differ by one minor
// unit at most, larger ones first, and so do the two parts. Rounding each part by itself would give totals two apart (TV1).
func Shares(gifts, street int64, n int) ([]Home, error) {
	if n < 1 || n > HomesMax || gifts < 0 || street < 0 || gifts > ledger.AmountMax || street > ledger.AmountMax {
		return nil, ErrHomes
	}
	count := int64(n)
	total := gifts + street
	more, moreGifts := total%count, gifts%count
	list := make([]Home, n)
	for i := range list {
		home := &list[i]
		home.Gifts = gifts / count
		if int64(i) < moreGifts {
			home.Gifts++
		}
		whole := total / count
		if int64(i) < more {
			whole++
		}
		home.Street = whole - home.Gifts
	}
	return list, nil
}
