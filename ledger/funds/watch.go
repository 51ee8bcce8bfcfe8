package funds

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/law"
)

// Sleeper is a fund that nothing has moved in for as long as its charter lets it rest (休眠基金).
type Sleeper struct {
	FundID int32
	Months int32     // the charter's
	Since  time.Time // day of the last movement, or of the opening
}

// Movement is money that came or went. Interest and closings are none: they happen by themselves. Each account's newest postings tell.
const sqlSleepers = `
select c.fund_id, c.dormant_months, greatest(c.opened, coalesce(m.day, c.opened))
  from (select distinct on (fund_id) fund_id, dormant_months, file_id, (min(made_at) over (partition by fund_id) at time zone $3)::date as opened
          from fund_charter where book_id = $1 order by fund_id, version desc) c
  join fund_file f on f.book_id = $1 and f.id = c.file_id and f.state = 'open'
  left join lateral (
       select max(e.effective_on) as day
         from account a
        cross join lateral (select entry_id from posting p where p.book_id = $1 and p.account_id = a.account_id order by p.seq desc limit 40) p
        cross join lateral (select effective_on, kind from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
        where a.book_id = $1 and a.fund_id = c.fund_id and e.kind <> all($2::int2[])) m on true
 where c.dormant_months is not null
 order by 3, 1`

// Dormant lists the open funds that sleep on a day, longest first. The association wakes, changes or closes them.
func Dormant(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (sleepers []Sleeper, err error) {
	rows, err := q.Query(ctx, sqlSleepers, book.ID, []int16{int16(ledger.KindInterest), int16(ledger.KindClose)}, book.Zone.String())
	if err != nil {
		return nil, fmt.Errorf("look for dormant funds: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Sleeper])
	if err != nil {
		return nil, fmt.Errorf("look for dormant funds: %w", err)
	}
	for _, s := range list {
		if day.After(s.Since.AddDate(0, int(s.Months), 0)) {
			sleepers = append(sleepers, s)
		}
	}
	return sleepers, nil
}

// SpendOf works out a fund's least spending of the year of a day. A fund whose charter asks for none has BP zero. ErrNoCharter.
func SpendOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, day time.Time) (s law.SpendState, err error) {
	c, err := CharterOf(ctx, q, book, fund)
	if err != nil || c.Terms.SpendBP == nil {
		return s, err
	}
	opened, err := ledger.Positions(ctx, q, book, ledger.Year(day).AddDate(0, 0, -1))
	if err != nil {
		return s, err
	}
	l, err := law.Read(ctx, q, book)
	if err != nil {
		return s, err
	}
	return l.SpendOf(ctx, q, book, fund, *c.Terms.SpendBP, opened, day)
}

// Spending works out the least spending of the year of a day for each fund whose charter asks for one.
func Spending(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (map[int32]law.SpendState, error) {
	all, err := Charters(ctx, q, book)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(_ int32, c *Charter) bool { return c.Terms.SpendBP == nil })
	if len(all) == 0 {
		return nil, nil
	}
	opened, err := ledger.Positions(ctx, q, book, ledger.Year(day).AddDate(0, 0, -1))
	if err != nil {
		return nil, err
	}
	l, err := law.Read(ctx, q, book)
	if err != nil {
		return nil, err
	}
	states := make(map[int32]law.SpendState, len(all))
	for fund, c := range all {
		if states[fund], err = l.SpendOf(ctx, q, book, fund, *c.Terms.SpendBP, opened, day); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// Part is one account's share in what a fund may spend, or beside it.
type Part struct {
	Group  string // "cash", "due", "owed", "between", "enc", "resv"; of what is not counted: "later"
	Chart  chart.Account
	Amount int64 // minor units of the book's currency, as it adds to the sum
}

// Explained leads from a fund's cash to what it may spend, account by account (accounting.md 1.4). The parts add up to Liquid and Available.
type Explained struct {
	Liquid    int64
	Committed int64
	SetAside  int64
	Available int64
	Parts     []Part
	Later     []Part // what is not counted: promised, earned, due, paid in advance
}

// Explain reads how a fund's available money comes about, now, or at the end of a day when day is not zero.
func Explain(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, day time.Time) (*Explained, error) {
	to := day
	if to.IsZero() {
		to = ledger.Day(2200, time.December, 31) // as the posting guard reads it: whatever day entries belong to
	}
	rows, err := ledger.TrialBalance(ctx, q, book, to, to, fund, false)
	if err != nil {
		return nil, err
	}
	e := &Explained{}
	for _, r := range rows {
		if r.Currency != book.Currency || r.Closing == 0 {
			continue
		}
		p := Part{Chart: r.Chart, Amount: r.Closing * int64(r.Chart.Liquid-r.Chart.Commit)}
		switch a := r.Chart; {
		case a.Commit != 0:
			p.Group = string(a.ID)
			if a.ID == "enc" {
				e.Committed -= p.Amount
			} else {
				e.SetAside -= p.Amount
			}
		case a.Liquid != 0:
			switch {
			case a.CashLike:
				p.Group = "cash"
			case a.Type == chart.Liability:
				p.Group = "owed"
			case a.Type == chart.Internal:
				p.Group = "between"
			default:
				p.Group = "due"
			}
			e.Liquid += p.Amount
		default:
			if later(a) {
				e.Later = append(e.Later, Part{Group: "later", Chart: a, Amount: r.Closing * int64(a.Normal)})
			}
			continue
		}
		e.Available += p.Amount
		e.Parts = append(e.Parts, p)
	}
	return e, nil
}

// later tells accounts that a street officer asks for and that are no money to spend: promises, claims, advances, goods.
func later(a chart.Account) bool {
	switch a.ID {
	case "pledge", "match.earned", "match.held", "subsidy", "ar.notes", "ar", "ar.match", "ar.subsidy", "ar.dispute", "ar.recover", "ar.staff", "ar.pledge", "prepay",
		"stock.art", "stock.goods", "advance", "parallel":
		return true
	}
	return false
}
