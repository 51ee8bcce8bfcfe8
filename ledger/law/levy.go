package law

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// StandingRefund stands in SQL for the refunds that stand: what a processor could not carry out was given back to nobody. Everything
// that asks what is left of a gift asks here.
const StandingRefund = `(select z.* from refund z where not exists (select from refund_failure f where f.book_id = z.book_id and f.refund_id = z.id))`

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

	// Those of some gifts that are of one fund, less what was given back, each with the cap of its own (R04).
	sqlOwnCaps = `
select f.amount, (g.amount - coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0))::int8
  from unnest($4::uuid[], $5::int8[]) f(id, amount)
  join gift g on g.book_id = $1 and g.id = f.id
 where g.fund_id = $2 and g.ccy = $3`
)

// LevyState is what may still be levied of a fund (R05). Minor units of the book's currency.
type LevyState struct {
	BP     int32 // the charter's cap in basis points
	Base   int64 // gifts less refunds, without match
	Own    int64 // of the base: gifts whose agreement has a cap of its own (R04)
	OwnCap int64 // what those allow together, each rounded down
	Cap    int64 // all that may be levied, rounded down
	Levied int64
	Left   int64
}

// LevyOf works out what may be levied of a fund under a cap in basis points of its gifts. A gift with a cap of its own is held to that (R04).
func LevyOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund, bp int32) (LevyState, error) {
	fs, err := standing(ctx, q, book, []string{"R04"}, time.Time{}, time.Time{})
	if err != nil {
		return LevyState{}, err
	}
	return fs.levyOf(ctx, q, book, fund, bp)
}

// ownCaps are the gifts whose agreement has a cap of its own (R04), and the caps in basis points: of each gift the newest that stands.
func (fs facts) ownCaps() (gifts []uuid.UUID, caps []int64, err error) {
	seen := map[uuid.UUID]bool{}
	for _, f := range fs.each("R04") {
		if f.Item != "fee_cap" {
			continue
		}
		id, err := uuid.Parse(strings.TrimPrefix(f.Object, "gift:"))
		if err != nil {
			return nil, nil, fmt.Errorf("gift of a fact: %w", err)
		}
		if !seen[id] {
			gifts, caps, seen[id] = append(gifts, id), append(caps, f.Amount), true
		}
	}
	return gifts, caps, nil
}

func (fs facts) levyOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund, bp int32) (s LevyState, err error) {
	s.BP = bp
	if err := q.QueryRow(ctx, sqlLevyBase, book.ID, fund, book.Currency, ledger.KindClose).Scan(&s.Base); err != nil {
		return s, fmt.Errorf("read base of levy: %w", err)
	}
	if err := q.QueryRow(ctx, sqlLevied, book.ID, fund).Scan(&s.Levied); err != nil {
		return s, fmt.Errorf("read levies: %w", err)
	}
	gifts, caps, err := fs.ownCaps()
	if err != nil {
		return s, err
	}
	rows, err := q.Query(ctx, sqlOwnCaps, book.ID, fund, book.Currency, gifts, caps)
	if err != nil {
		return s, fmt.Errorf("read own caps: %w", err)
	}
	var own, net int64
	_, err = pgx.ForEachRow(rows, []any{&own, &net}, func() error {
		s.Own += max(net, 0)
		s.OwnCap += money.FloorShare(max(net, 0), own, 10_000)
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("read own caps: %w", err)
	}
	s.Cap = money.FloorShare(max(s.Base-s.Own, 0), int64(bp), 10_000) + s.OwnCap
	s.Left = max(s.Cap-s.Levied, 0)
	return s, nil
}

// charter is what the rules read of a fund's charter as it stands; fields are nil where the agreement is silent or there is no charter.
type charter struct {
	fund    int32
	name    string
	levy    *int32
	spend   *int32
	closes  *string
	version *int32
}

func (c *charter) object() string { return "fund:" + strconv.Itoa(int(c.fund)) }

const sqlLawCharters = `
select f.fund_id, f.code || ' ' || f.name_zh, c.levy_bp, c.spend_bp, c.closes_on::text, c.version
  from fund f
  left join lateral (select * from fund_charter c where c.book_id = f.book_id and c.fund_id = f.fund_id order by version desc limit 1) c on true
 where f.book_id = $1 and (c.version is not null or exists (select from fund_levy l where l.book_id = f.book_id and l.fund_id = f.fund_id))
 order by f.fund_id limit 5000`

// charters are those of all funds, read once.
func (d *desk) charters(ctx context.Context) ([]charter, error) {
	if d.terms != nil {
		return d.terms, nil
	}
	rows, err := d.q.Query(ctx, sqlLawCharters, d.book.ID)
	if err != nil {
		return nil, fmt.Errorf("read charters: %w", err)
	}
	d.terms, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c charter, err error) {
		err = row.Scan(&c.fund, &c.name, &c.levy, &c.spend, &c.closes, &c.version)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read charters: %w", err)
	}
	return d.terms, nil
}

// lookLevy is R05: no fund has been levied more than its agreement allows; where it is silent, nothing.
func lookLevy(ctx context.Context, d *desk, f *Finding) error {
	silent, ok := d.param(f, "R05", "cap_missing")
	all, err := d.charters(ctx)
	if err != nil || !ok {
		return err
	}
	for i := range all {
		c := &all[i]
		bp, agreed := int32(silent.BasisPoints()), Percent(silent.BasisPoints())
		if c.levy != nil {
			bp, agreed = *c.levy, Percent(int64(*c.levy))
		}
		s, err := d.facts.levyOf(ctx, d.q, d.book, c.fund, bp)
		if err != nil {
			return err
		}
		if c.levy == nil && s.Levied == 0 && s.Own == 0 {
			continue // nothing agreed and nothing taken
		}
		if f.State == Nothing {
			f.State = Holds
		}
		f.sum(c.name+"：捐赠减退款", c.name+": gifts less refunds", s.Base)
		if s.Own != 0 {
			f.sum(c.name+"：其中协议另有约定的捐赠（R04）", c.name+": of them gifts with terms of their own (R04)", s.Own)
			f.sum(c.name+"：按各自约定最多可提", c.name+": which allow at most", s.OwnCap)
		}
		f.sum(c.name+"：最多可提（约定 "+agreed+"，舍到分）", c.name+": cap ("+agreed+" agreed, rounded down)", s.Cap)
		f.sum(c.name+"：已提", c.name+": levied", s.Levied)
		f.sum(c.name+"：还可提", c.name+": still allowed", s.Left)
		if s.Levied > s.Cap {
			f.row(Row{Object: c.object(), Name: c.name, ZH: "已提 " + d.amount(s.Levied) + "，超过约定的 " + d.amount(s.Cap) + "。", EN: d.amount(s.Levied) + " was levied; " + d.amount(s.Cap) + " is agreed.", Broken: true})
		}
	}
	return nil
}
