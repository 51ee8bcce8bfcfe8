package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrBehind means that too much was booked since the lines were laid. They are laid every minute: the caller tries again later.
var ErrBehind = errors.New("money is not followed up to now")

// Sum is money of one kind that came in, or went out for one account of the chart. Minor units of the book's currency.
type Sum struct {
	Kind    string
	Account string // of what went out
	Amount  int64
}

// Lane is what came in for one campaign of a fund and what became of it: In less Out is Waiting.
type Lane struct {
	Campaign int32 // zero: for none of them, as of payers of contracts
	In, Out  []Sum
	Waiting  int64
}

// Division is how the money of a fund is its campaigns'. What all lanes wait with, less Unmet, is what the fund's accounts of money held when
// the last entry that is followed was booked.
type Division struct {
	Lanes    []Lane // none of them first, then by campaign
	Unmet    int64  // went out before anything came in for it
	Held     int64
	Position int64 // postings of the book up to there, as ledger.Posted counts them
}

const (
	// Entries that are not followed yet.
	behind = `entry e where e.book_id = $1 and (e.xid, e.id) > (coalesce((select xid from trace_cursor where book_id = $1), '0'::xid8), coalesce((select entry_id from trace_cursor where book_id = $1), '00000000-0000-0000-0000-000000000000'))`

	sqlBehind = `select count(*), coalesce(sum(n), 0)::int8 from (select cardinality(e.accounts) as n from ` + behind + ` order by e.xid, e.id limit $2) x`

	sqlLaneIns  = `select lane, kind, sum(amount)::int8 from trace_in where book_id = $1 and fund_id = $2 group by 1, 2 order by 1, 2`
	sqlLaneOuts = `
select p.lane, coalesce(o.kind, ''), coalesce(o.account, ''), sum(p.until - p.at)::int8
  from trace_piece p left join trace_out o on o.book_id = p.book_id and o.entry_id = p.out_entry and o.fund_id = p.fund_id
 where p.book_id = $1 and p.fund_id = $2 group by 1, 2, 3 order by 1, 2, 3`

	// What the accounts of money hold, less what was booked since.
	sqlFundMoney = `
select (select coalesce(sum(b.balance), 0) from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
         where a.book_id = $1 and a.fund_id = $2 and a.unit < 1000 and a.chart in ` + moneyAccounts + `)::int8
     - (select coalesce(sum(p.amount), 0)
          from (select e.accounts, e.seqs from ` + behind + `) e
         cross join lateral unnest(e.accounts, e.seqs) x(account_id, seq)
          join posting p on p.book_id = $1 and p.account_id = x.account_id and p.seq = x.seq
          join account a on a.book_id = $1 and a.account_id = x.account_id
         where p.fund_id = $2 and p.unit < 1000 and a.chart in ` + moneyAccounts + `)::int8,
       (select coalesce(sum(amount), 0) from trace_unmet where book_id = $1 and fund_id = $2)::int8`

	sqlLaneUses = `
select o.kind, o.entry_id, o.fund_id, o.account, o.object, o.project, o.day, sum(p.until - p.at)::int8, bool_or(p.own)
  from trace_piece p join trace_out o on o.book_id = p.book_id and o.entry_id = p.out_entry and o.fund_id = p.fund_id
 where p.book_id = $1 and p.fund_id = $2 and p.lane = $3 and o.kind = any($4)
 group by o.seq, 1, 2, 3, 4, 5, 6, 7 order by o.seq limit $5`
)

// Divide tells how the money of a fund is its campaigns', as far as it is followed. Run it in one snapshot with what it is compared to. ErrBehind.
func Divide(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (*Division, error) {
	var entries, postings int64
	if err := q.QueryRow(ctx, sqlBehind, book.ID, stepMax+1).Scan(&entries, &postings); err != nil {
		return nil, fmt.Errorf("look how far money is followed: %w", err)
	}
	if entries > stepMax {
		return nil, ErrBehind
	}
	posted, err := ledger.Posted(ctx, q, book, 0)
	if err != nil {
		return nil, err
	}
	d := &Division{Position: posted - postings}
	if err := q.QueryRow(ctx, sqlFundMoney, book.ID, fund).Scan(&d.Held, &d.Unmet); err != nil {
		return nil, fmt.Errorf("read money of fund: %w", err)
	}
	var name string
	var s Sum
	rows, err := q.Query(ctx, sqlLaneIns, book.ID, fund)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&name, &s.Kind, &s.Amount}, func() error {
			d.lane(name).In = append(d.lane(name).In, s)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what came in by lane: %w", err)
	}
	rows, err = q.Query(ctx, sqlLaneOuts, book.ID, fund)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&name, &s.Kind, &s.Account, &s.Amount}, func() error {
			if l := d.lane(name); s.Kind == "" {
				l.Waiting += s.Amount
			} else {
				l.Out = append(l.Out, s)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what went out by lane: %w", err)
	}
	slices.SortFunc(d.Lanes, func(a, b Lane) int { return cmp.Compare(a.Campaign, b.Campaign) })
	return d, nil
}

// lane is the one of that name, or that of no campaign.
func (d *Division) lane(name string) *Lane {
	campaign, _ := strconv.ParseInt(name, 10, 32) // of a contract, or empty: zero
	at := slices.IndexFunc(d.Lanes, func(l Lane) bool { return l.Campaign == int32(campaign) })
	if at < 0 {
		at = len(d.Lanes)
		d.Lanes = append(d.Lanes, Lane{Campaign: int32(campaign)})
	}
	return &d.Lanes[at]
}

// Of is the lane of a campaign; nothing came in for one without any.
func (d *Division) Of(campaign int32) Lane {
	if at := slices.IndexFunc(d.Lanes, func(l Lane) bool { return l.Campaign == campaign }); at >= 0 {
		return d.Lanes[at]
	}
	return Lane{Campaign: campaign}
}

// Differs is by how much the lanes do not add up: of each what came in less what went out is what waits, and together they are what the fund holds.
func (d *Division) Differs() (minor int64) {
	all := -d.Unmet - d.Held
	for _, l := range d.Lanes {
		rest := -l.Waiting
		for _, s := range l.In {
			rest += s.Amount
		}
		for _, s := range l.Out {
			rest -= s.Amount
		}
		if rest != 0 {
			return rest
		}
		all += l.Waiting
	}
	return all
}

// UsesOf lists what the money given to a campaign became in its fund, of some kinds, in the order of booking: at most so many.
func UsesOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund, campaign int32, kinds []string, most int) ([]Use, error) {
	rows, err := q.Query(ctx, sqlLaneUses, book.ID, fund, strconv.Itoa(int(campaign)), kinds, most)
	if err != nil {
		return nil, fmt.Errorf("read uses of a campaign's money: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Use])
}
