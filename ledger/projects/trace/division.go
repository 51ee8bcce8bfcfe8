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
select p.lane, coalesce(o.kind, ''), coalesce(o.account, ''), sum(p.amount)::int8
  from (select lane, out_entry, sum(until - at) as amount from trace_piece where book_id = $1 and fund_id = $2 group by 1, 2) p
  left join lateral (select * from trace_out where book_id = $1 and entry_id = p.out_entry and fund_id = $2 limit 1) o on true
 group by 1, 2, 3 order by 1, 2, 3`

	// What the accounts of money hold, less what was booked since: at most $3 entries.
	sqlFundMoney = `
select (select coalesce(sum(b.balance), 0) from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
         where a.book_id = $1 and a.fund_id = $2 and a.unit < 1000 and a.chart in ` + moneyAccounts + `)::int8
     - (select coalesce(sum(p.amount), 0)
          from (select e.accounts, e.seqs from ` + behind + ` order by e.xid, e.id limit $3) e
         cross join lateral unnest(e.accounts, e.seqs) x(account_id, seq)
         cross join lateral (select * from posting where book_id = $1 and account_id = x.account_id and seq = x.seq limit 1) p
         cross join lateral (select * from account where book_id = $1 and account_id = x.account_id limit 1) a
         where p.fund_id = $2 and p.unit < 1000 and a.chart in ` + moneyAccounts + `)::int8,
       (select coalesce(sum(amount), 0) from trace_unmet where book_id = $1 and fund_id = $2)::int8`

	sqlLaneUses = `
select o.kind, o.entry_id, o.fund_id, o.account, o.object, o.project, o.day, p.amount, p.own
  from (select out_entry, sum(until - at)::int8 as amount, bool_or(own) as own from trace_piece where book_id = $1 and fund_id = $2 and lane = $3 and out_entry is not null group by 1) p
 cross join lateral (select * from trace_out where book_id = $1 and entry_id = p.out_entry and fund_id = $2 limit 1) o
 where o.kind = any($4) order by o.seq limit $5`
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
	if err := q.QueryRow(ctx, sqlFundMoney, book.ID, fund, stepMax+1).Scan(&d.Held, &d.Unmet); err != nil {
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

// lane is the one of that name: of a campaign's number, and of no campaign for any other name, as that of a contract. It is made when there is none.
func (d *Division) lane(name string) *Lane {
	campaign, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		campaign = 0
	}
	if at := d.find(int32(campaign)); at >= 0 {
		return &d.Lanes[at]
	}
	d.Lanes = append(d.Lanes, Lane{Campaign: int32(campaign)})
	return &d.Lanes[len(d.Lanes)-1]
}

// find is where the lane of a campaign stands; less than zero: nowhere.
func (d *Division) find(campaign int32) int {
	return slices.IndexFunc(d.Lanes, func(l Lane) bool { return l.Campaign == campaign })
}

// Of is the lane of a campaign; nothing came in for one without any.
func (d *Division) Of(campaign int32) Lane {
	if at := d.find(campaign); at >= 0 {
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
