package funds

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	// Balance times days (积数) of each fund on one bank account: what moved before a day counts for the days from it on.
	sqlBalanceDays = `
select a.fund_id, sum((t.debit - t.credit)::numeric * least($5::date - $4::date + 1, $5::date - t.day + 1))::numeric,
       exists (select from fund_file f where f.book_id = $1 and f.fund_id = a.fund_id and f.state = 'closed')
  from account a join turnover t on t.book_id = a.book_id and t.account_id = a.account_id
 where a.book_id = $1 and a.chart = $2 and a.ccy = $3 and t.day <= $5
 group by a.fund_id order by a.fund_id`

	sqlInterestKnown = `select exists (select from fund_interest i where i.book_id = $1 and i.bank = $2 and i.from_on <= $4 and i.to_on >= $3
   and not exists (select from entry r where r.book_id = $1 and r.reverses = i.entry_id))`
	sqlInterestInsert = `insert into fund_interest (book_id, bank, from_on, to_on, entry_id, amount) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`
)

// Interest is what a bank paid on one of its accounts for some days, both included.
type Interest struct {
	ID       uuid.UUID
	Bank     chart.ID // one of TransferBanks
	From, To time.Time
	Amount   int64 // minor units of the book's currency
	Day      time.Time
}

// Share is one fund's part of it.
type Share struct {
	FundID int32
	Days   *big.Int // balance times days
	Amount int64
	Own    bool // its charter gives it the interest, and it is not closed; else it is the general fund's
}

// Shares splits interest by what each fund had on the account from day to day, to the fen: the largest remainder gets it, among equals the fund
// that opened first. A fund below zero has no share.
func (i Interest) Shares(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Share, error) {
	all, err := Charters(ctx, q, book)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sqlBalanceDays, book.ID, i.Bank, book.Currency, i.From, i.To)
	if err != nil {
		return nil, fmt.Errorf("read balances of bank account: %w", err)
	}
	var shares []Share
	var weights []*big.Int
	var fund int32
	var text string
	var closed bool
	_, err = pgx.ForEachRow(rows, []any{&fund, &text, &closed}, func() error {
		days, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return fmt.Errorf("balance times days is %q", text)
		}
		if days.Sign() > 0 {
			c := all[fund]
			shares = append(shares, Share{FundID: fund, Days: days, Own: c != nil && c.Terms.Interest == InterestFund && !closed})
			weights = append(weights, days)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read balances of bank account: %w", err)
	}
	if len(shares) == 0 {
		return nil, nil
	}
	for n, amount := range money.AllocateBig(i.Amount, weights) {
		shares[n].Amount = amount
	}
	return shares, nil
}

// Earn plans E30: interest of a bank account, shared out by the funds' charters. A second person approves. *giving.FieldErrors.
func Earn(ctx context.Context, q pg.Querier, book *ledger.Book, i Interest) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Sum("amount", i.Amount)
	CheckBank(i.Bank, &wrong)
	if i.To.Before(i.From) || i.Day.Before(i.To) {
		wrong.Refuse("to", "fundfile.interest.days")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if err := i.known(ctx, q, book, &wrong); err != nil {
		return nil, err
	}
	shares, err := i.Shares(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if len(shares) == 0 {
		wrong.Refuse("bank", "fundfile.interest.empty")
	}
	lines, err := i.lines(ctx, q, book, shares)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "fund", Object: giving.Object("fund-interest", i.ID), Act: "interest-shared", Note: fmt.Sprintf("%s – %s", i.From.Format(time.DateOnly), i.To.Format(time.DateOnly)),
		Amount: i.Amount, Kind: ledger.KindInterest, Day: i.Day, Lines: lines,
		// Its entry holds the locks of posting until the commit, so that what is looked at here cannot change beside it.
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			var late giving.FieldErrors
			if err := i.known(ctx, tx, book, &late); err != nil || len(late.List) > 0 {
				return errors.Join(err, late.Err())
			}
			for _, s := range shares {
				if !s.Own {
					continue
				}
				if err := giving.FundTakes(ctx, tx, book, s.FundID); err != nil {
					return err
				}
			}
			return giving.Settled(ctx, tx, sqlInterestInsert, book.ID, i.Bank, i.From, i.To, entry, i.Amount)
		}}, wrong.Err()
}

// known refuses days for which interest of the account is booked already.
func (i Interest) known(ctx context.Context, q pg.Querier, book *ledger.Book, wrong *giving.FieldErrors) error {
	var known bool
	if err := q.QueryRow(ctx, sqlInterestKnown, book.ID, i.Bank, i.From, i.To).Scan(&known); err != nil {
		return fmt.Errorf("look for interest: %w", err)
	}
	if known {
		wrong.Refuse("from", "fundfile.interest.known")
	}
	return nil
}

func (i Interest) lines(ctx context.Context, q pg.Querier, book *ledger.Book, shares []Share) (lines []ledger.Line, err error) {
	list, err := ledger.Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	earn := func(fund int32, income chart.ID, amount int64) {
		if amount > 0 {
			lines = append(lines, ledger.Debit(ledger.Leaf{Chart: i.Bank, Fund: fund}, amount),
				ledger.Credit(ledger.Leaf{Chart: income, Fund: fund, Dims: ledger.Dims{Nature: "interest"}}, amount))
		}
	}
	var rest int64
	for _, s := range shares {
		at := slices.IndexFunc(list, func(f ledger.Fund) bool { return f.ID == s.FundID })
		if !s.Own || at < 0 {
			rest += s.Amount
			continue
		}
		earn(s.FundID, chart.ID(list[at].Class("other.inc")), s.Amount)
	}
	earn(general, "other.inc.u", rest)
	return lines, nil
}
