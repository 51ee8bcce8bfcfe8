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
	// Gifts of the fund since it began, less refunds; match, levies and releases left out. Closing entries are taken back: they empty the account.
	sqlLevyBase = `
with gifts as (
  select account_id from account
   where book_id = $1 and fund_id = $2 and chart in ('gift.r', 'gift.u') and ccy = $3
     and coalesce(dims ->> 'nature', '') not in ('match', 'match-back', 'levy', 'release')),
closing as (
  select distinct on (e.id) e.accounts, e.seqs
    from account n
    join posting p on p.book_id = n.book_id and p.account_id = n.account_id
   cross join lateral (select * from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
   where n.book_id = $1 and n.chart in ('na.u', 'na.r') and n.fund_id = $2 and e.kind = $4)
select (coalesce((select -sum(b.balance) from gifts g join balance b on b.book_id = $1 and b.account_id = g.account_id), 0)
      + coalesce((select sum(p.amount) from closing c cross join lateral unnest(c.accounts, c.seqs) u(account_id, seq) join gifts g on g.account_id = u.account_id
                   cross join lateral (select amount from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p), 0))::int8`

	sqlLevied = `
select coalesce(sum(l.amount), 0)::int8 from fund_levy l
 where l.book_id = $1 and l.fund_id = $2 and not exists (select from entry r where r.book_id = $1 and r.reverses = l.entry_id)`

	sqlLevyInsert = `insert into fund_levy (book_id, fund_id, entry_id, amount, base, levy_bp) values ($1, $2, $3, $4, $5, $6)`

	// What stands on an account of the fund, over all of its leaves; credit positive.
	sqlStands = `
select coalesce(-sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.chart = $3 and a.ccy = $4`
)

// LevyState is what may still be levied of a fund. Minor units of the book's currency.
type LevyState struct {
	BP     int32
	Base   int64 // gifts less refunds, without match
	Cap    int64 // rounded down
	Levied int64
	Left   int64
}

// LevyOf works out what may still be levied of a fund. ErrNoCharter, ErrNoLevy.
func LevyOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (s LevyState, err error) {
	c, err := CharterOf(ctx, q, book, fund)
	if err != nil {
		return s, err
	}
	if c.Terms.LevyBP == nil {
		return s, ErrNoLevy
	}
	s.BP = *c.Terms.LevyBP
	if err := q.QueryRow(ctx, sqlLevyBase, book.ID, fund, book.Currency, ledger.KindClose).Scan(&s.Base); err != nil {
		return s, fmt.Errorf("read base of levy: %w", err)
	}
	if err := q.QueryRow(ctx, sqlLevied, book.ID, fund).Scan(&s.Levied); err != nil {
		return s, fmt.Errorf("read levies: %w", err)
	}
	s.Cap = money.FloorShare(max(s.Base, 0), int64(s.BP), 10_000)
	s.Left = max(s.Cap-s.Levied, 0)
	return s, nil
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
	checkBank(bank, &wrong)
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
