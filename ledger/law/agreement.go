package law

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

const (
	sqlAgreedGift = `
select f.code || ' ' || f.name_zh, g.amount, g.ccy, g.paid_at, coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8
  from gift g join fund f on f.book_id = g.book_id and f.fund_id = g.fund_id where g.book_id = $1 and g.id = $2`

	// What came in with a gift, and how much of it nothing has taken yet, through the funds that it was moved to.
	sqlAgreedWaiting = `
with recursive part (fund_id, lane, at, until, moves) as (
  select fund_id, lane, at, at + amount, 0 from trace_in where book_id = $1 and entry_id = $2
  union all
  select i.fund_id, i.lane, i.at + greatest(m.at, i.entry_at) - i.entry_at, i.at + least(m.until, i.entry_at + i.amount) - i.entry_at, m.moves + 1
    from (select t.moves, p.out_entry, o.entry_at + p.out_at + greatest(p.at, t.at) - p.at as at, o.entry_at + p.out_at + least(p.until, t.until) - p.at as until
            from part t
            join trace_piece p on p.book_id = $1 and p.fund_id = t.fund_id and p.lane = t.lane and p.at < t.until and p.until > t.at
            join trace_out o on o.book_id = $1 and o.entry_id = p.out_entry and o.fund_id = p.fund_id and o.kind = 'transfer'
           where t.moves < 20) m
    join trace_in i on i.book_id = $1 and i.entry_id = m.out_entry and i.entry_at < m.until and i.entry_at + i.amount > m.at)
select coalesce((select sum(until - at) from part where moves = 0), 0)::int8,
       coalesce((select sum(least(p.until, t.until) - greatest(p.at, t.at)) from part t
                   join trace_piece p on p.book_id = $1 and p.fund_id = t.fund_id and p.lane = t.lane and p.at < t.until and p.until > t.at and p.out_entry is null), 0)::int8`
)

// lookAgreements is R04: what an agreement says goes first. A gift with a day is used by that day, one with a cap of its own is levied under it,
// and a fund is spent in the time and to the yearly least of its charter.
func lookAgreements(ctx context.Context, d *desk, f *Finding) error {
	warn, ok := d.param(f, "R04", "warn")
	if !ok {
		f.State = Exempt
		return nil
	}
	for _, fact := range d.facts.each("R04") {
		if err := d.agreed(ctx, f, fact, warn); err != nil {
			return err
		}
	}
	all, err := d.charters(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if err := d.chartered(ctx, f, &all[i], warn); err != nil {
			return err
		}
	}
	return nil
}

// agreed holds one gift to its own terms.
func (d *desk) agreed(ctx context.Context, f *Finding, fact *Fact, warn Param) error {
	gift, _ := strings.CutPrefix(fact.Object, "gift:")
	id, err := uuid.Parse(gift)
	if err != nil {
		return fmt.Errorf("gift of a fact: %w", err)
	}
	var fund, ccy string
	var amount, refunded int64
	var paid time.Time
	switch err := d.q.QueryRow(ctx, sqlAgreedGift, d.book.ID, id).Scan(&fund, &amount, &ccy, &paid, &refunded); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read gift: %w", err)
	}
	if f.State == Nothing {
		f.State = Holds
	}
	day := d.book.Day(paid).Format(time.DateOnly)
	net := amount - refunded
	name := day + " " + money.Format(amount, ccy) + " " + fund
	f.text(name+"（"+fact.Words+"）", name+" ("+fact.Words+")", ccy+" "+money.Format(net, ccy))
	if fact.Item == "fee_cap" {
		f.text("约定的管理费上限（由 R05 检查）", "Cap of the fee agreed on (held to by R05)", Percent(fact.Amount))
		f.sum("最多可提（舍到分）", "At most, rounded down", money.FloorShare(max(net, 0), fact.Amount, 10_000))
		return nil
	}
	var came, waiting int64
	if err := d.q.QueryRow(ctx, sqlAgreedWaiting, d.book.ID, id).Scan(&came, &waiting); err != nil {
		return fmt.Errorf("read what became of gift: %w", err)
	}
	by := *fact.Day
	f.text("约定最迟使用日", "To be used by", by.Format(time.DateOnly))
	f.sum("已使用、扣费或退回（按资金去向，先进先出）", "Used, taken as a fee or given back (as the money is followed, first in first out)", came-waiting)
	if came == 0 { // the job that follows money has not come to it yet
		waiting = net
	}
	f.sum("还没有使用", "Not used yet", waiting)
	if waiting == 0 {
		return nil
	}
	r := Row{Object: fact.Object, Name: name, Due: &by}
	left := d.amount(waiting)
	switch from := d.book.Day(paid); {
	case d.today.After(by):
		r.ZH, r.EN, r.Broken = "约定 "+by.Format(time.DateOnly)+" 以前使用，还有 "+left+" 没有用。", "Agreed to be used by "+by.Format(time.DateOnly)+"; "+left+" is not used.", true
	case gone(from, by, d.today) >= warn.BasisPoints():
		r.ZH, r.EN = "约定 "+by.Format(time.DateOnly)+" 以前使用，期限将到，还有 "+left+" 没有用。", "To be used by "+by.Format(time.DateOnly)+", which is near; "+left+" is not used."
	default:
		return nil
	}
	f.row(r)
	return nil
}

// gone is how much of a term is over, in basis points.
func gone(from, to, today time.Time) int64 {
	all := int64(to.Sub(from).Hours() / 24)
	if all <= 0 {
		return 10_000
	}
	return max(0, int64(today.Sub(from).Hours()/24)) * 10_000 / all
}

// chartered holds a fund to the time and the yearly least of its charter.
func (d *desk) chartered(ctx context.Context, f *Finding, c *charter, warn Param) error {
	if c.closes != nil {
		closes, err := time.Parse(time.DateOnly, *c.closes)
		if err != nil {
			return fmt.Errorf("read charter of fund %d: %w", c.fund, err)
		}
		held, err := d.netOf(ctx, c.fund, d.asOf())
		if err != nil {
			return err
		}
		if f.State == Nothing {
			f.State = Holds
		}
		f.text(c.name+"：章程写明用到", c.name+": its charter says until", *c.closes)
		f.sum(c.name+"：还没有使用", c.name+": not used yet", held)
		soon := ledger.Day(closes.Year(), time.January, 1)
		switch {
		case held > 0 && d.today.After(closes) && !d.asOf().Before(closes): // a year that ended on its last day knows it too
			f.row(Row{Object: c.object(), Name: c.name, Due: &closes, ZH: "章程的期限已过，还有 " + d.amount(held) + " 没有用。", EN: "The charter's time is over; " + d.amount(held) + " is not used.", Broken: true})
		case held > 0 && d.asOf().After(soon) && gone(soon, closes, d.asOf()) >= warn.BasisPoints():
			f.row(Row{Object: c.object(), Name: c.name, Due: &closes, ZH: "章程的期限将到，还有 " + d.amount(held) + " 没有用。", EN: "The charter's time is nearly over; " + d.amount(held) + " is not used."})
		}
	}
	if c.spend == nil {
		return nil
	}
	opened, err := d.positions(ctx, ledger.Day(d.year-1, time.December, 31))
	if err != nil {
		return err
	}
	s, err := d.law.SpendOf(ctx, d.q, d.book, c.fund, *c.spend, opened, d.asOf())
	if err != nil {
		return err
	}
	if f.State == Nothing {
		f.State = Holds
	}
	f.sum(fmt.Sprintf("%s：%d 年初净资产", c.name, d.year), fmt.Sprintf("%s: net assets when %d began", c.name, d.year), s.Opened)
	f.sum(c.name+"：章程要求至少使用 "+Percent(int64(s.BP))+"（进到分）", c.name+": least by its charter, "+Percent(int64(s.BP))+", rounded up", s.Least)
	f.sum(c.name+"：已使用", c.name+": used", s.Spent)
	switch over := d.today.After(ledger.Day(d.year, time.December, 31)); {
	case s.Left > 0 && over:
		f.row(Row{Object: c.object(), Name: c.name, ZH: "比章程要求少用 " + d.amount(s.Left) + "。", EN: d.amount(s.Left) + " less was used than its charter asks for.", Broken: true})
	case s.Due:
		f.row(Row{Object: c.object(), Name: c.name, ZH: "到年底还要使用 " + d.amount(s.Left) + "。", EN: d.amount(s.Left) + " is still to be used this year."})
	}
	return nil
}

// netOf is a fund's net assets at the end of a day, in minor units.
func (d *desk) netOf(ctx context.Context, fund int32, day time.Time) (int64, error) {
	positions, err := d.positions(ctx, day)
	for _, p := range positions {
		if p.Fund.ID == fund {
			return p.NetAssets, err
		}
	}
	return 0, err
}
