package funds

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
	"sunfund/ledger/law"
	"sunfund/ledger/money"
)

// ErrNoLevy means that the fund's agreement says nothing of a management fee, so none may be taken (accounting.md R05).
var ErrNoLevy = errors.New("agreement of the fund allows no levy")

// natureLevy marks what was taken out of gifts as a fee, natureRelease what left its restriction: neither is a gift taken back.
const (
	natureLevy    = "levy"
	natureRelease = "release"
)

const (
	sqlLevyInsert = `insert into fund_levy (book_id, fund_id, entry_id, amount, base, levy_bp) values ($1, $2, $3, $4, $5, $6)`

	// What stands on an account of the fund, over all of its leaves; credit positive.
	sqlStands = `
select coalesce(-sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.chart = $3 and a.ccy = $4`
)

// LevyOf works out what may still be levied of a fund under its charter; gifts with a cap of their own are held to that. ErrNoCharter, ErrNoLevy.
func LevyOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (s law.LevyState, err error) {
	c, err := CharterOf(ctx, q, book, fund)
	if err != nil {
		return s, err
	}
	if c.Terms.LevyBP == nil {
		return s, ErrNoLevy
	}
	return law.LevyOf(ctx, q, book, fund, *c.Terms.LevyBP)
}

// Levy plans E29: a management fee for the general fund, as far as the agreement's cap reaches; of gifts of the year it takes back income, of
// older money net assets. A second person approves. ErrNoCharter, ErrNoLevy, *giving.FieldErrors, giving.ErrStep.
func Levy(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, amount int64, bank chart.ID, day time.Time) (*giving.Move, error) {
	if f.State != Open {
		return nil, giving.ErrStep
	}
	s, err := LevyOf(ctx, q, book, *f.FundID)
	if err != nil {
		return nil, err
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	CheckBank(bank, &wrong)
	if amount > s.Left {
		wrong.Refuse("amount", "fundfile.levy.more", "most", money.Format(s.Left, book.Currency))
	}
	lines, err := f.outOfRestriction(ctx, q, book, general, amount, natureLevy)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "fund", Object: f.Object(), Act: "fund-levied", Note: f.Label() + " " + f.NameZH, Amount: amount, Kind: ledger.KindLevy, Day: day,
		Lines: append(lines, at(bank, *f.FundID, general, amount)...),
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			if err := f.becomes(ctx, tx, book, *f); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlLevyInsert, book.ID, *f.FundID, entry, amount, s.Base, s.BP)
		}}, wrong.Err()
}

// outOfRestriction moves an amount from the fund's gifts of the year, and what is more from its older net assets, to the unrestricted side of
// another fund. Money follows with at.
func (f *File) outOfRestriction(ctx context.Context, q pg.Querier, book *ledger.Book, to int32, amount int64, nature string) (lines []ledger.Line, err error) {
	fund, err := fundByID(ctx, q, book, *f.FundID)
	if err != nil {
		return nil, err
	}
	var ofYear int64
	if err := q.QueryRow(ctx, sqlStands, book.ID, fund.ID, fund.Class("gift"), book.Currency).Scan(&ofYear); err != nil {
		return nil, fmt.Errorf("read gifts of the year: %w", err)
	}
	ofYear = min(max(ofYear, 0), amount)
	tags := ledger.Dims{Nature: nature}
	if ofYear > 0 {
		lines = append(lines, ledger.Debit(ledger.Leaf{Chart: chart.ID(fund.Class("gift")), Fund: fund.ID, Dims: tags}, ofYear), ledger.Credit(ledger.Leaf{Chart: "gift.u", Fund: to, Dims: tags}, ofYear))
	}
	if older := amount - ofYear; older > 0 {
		lines = append(lines, between(fund.ID, to, older, chart.ID(fund.Class("na")), "na.u")...)
	}
	return lines, nil
}
