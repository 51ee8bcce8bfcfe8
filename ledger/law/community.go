package law

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/chart"
)

// Community funds (社区基金): restricted funds of a street, and those whose charter says so. Who sat in the committee stands in the fund's file.
const (
	sqlCommunity = `
select f.fund_id, f.code || ' ' || f.name_zh, coalesce(s.members, 0)::int8, coalesce(s.supervisors, 0)::int8, x.id is not null
  from fund f
  left join fund_file x on x.book_id = f.book_id and x.fund_id = f.fund_id and x.state = 'open'
  left join lateral (select count(*) filter (where kind = 'member') as members, count(*) filter (where kind = 'supervisor') as supervisors
                       from fund_seat s where s.book_id = x.book_id and s.file_id = x.id) s on true
  left join lateral (select sort from fund_charter c where c.book_id = f.book_id and c.fund_id = f.fund_id order by version desc limit 1) c on true
 where f.book_id = $1 and f.kind = 'restricted' and (f.street_id is not null or c.sort in ('sunshine', 'service'))
   and not exists (select from fund_file o where o.book_id = f.book_id and o.fund_id = f.fund_id and o.state = 'closed')
 order by f.fund_id limit 5000`

	// The association's bank accounts in which each fund's money lies.
	sqlFundBanks = `
select a.fund_id, string_agg(distinct a.chart, ' ') from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart like 'bank.%' and b.balance <> 0 group by 1`
)

// lookGovernance is R20: a community fund has a committee of an odd number that is not paid, somebody who supervises, and no account of its own.
func lookGovernance(ctx context.Context, d *desk, f *Finding) error {
	least, ok := d.param(f, "R20", "committee")
	watch, ok2 := d.param(f, "R20", "supervisors")
	single, ok3 := d.param(f, "R20", "odd")
	_, unpaid := d.param(f, "R20", "unpaid")
	_, shared := d.param(f, "R20", "no_own_account")
	if !ok || !ok2 {
		f.State = Exempt
		return nil
	}
	banks := map[int32]string{}
	rows, err := d.q.Query(ctx, sqlFundBanks, d.book.ID)
	if err != nil {
		return fmt.Errorf("read bank accounts of funds: %w", err)
	}
	var fund int32
	var bank string
	if _, err = pgx.ForEachRow(rows, []any{&fund, &bank}, func() error { banks[fund] = bank; return nil }); err != nil {
		return fmt.Errorf("read bank accounts of funds: %w", err)
	}
	if rows, err = d.q.Query(ctx, sqlCommunity, d.book.ID); err != nil {
		return fmt.Errorf("read committees: %w", err)
	}
	var name string
	var members, over int64
	var filed bool
	_, err = pgx.ForEachRow(rows, []any{&fund, &name, &members, &over, &filed}, func() error {
		if f.State == Nothing {
			f.State = Holds
		}
		c := charter{fund: fund, name: name}
		warn := func(zh, en string) { f.row(Row{Object: c.object(), Name: name, ZH: zh, EN: en}) }
		known := filed && members > 0
		if fact := d.facts.of("R20", "committee", c.object(), 0); fact != nil { // the committee as it is now
			members, known = fact.Amount, true
		}
		if fact := d.facts.of("R20", "supervisors", c.object(), 0); fact != nil {
			over = fact.Amount
		}
		needs, parity := [2]string{"不少于 " + least.Value, "at least " + least.Value}, [2]string{"单数", "odd"}
		odd := ok3 && single.Value == "yes"
		if members%2 == 0 {
			parity = [2]string{"双数", "even"}
		}
		if odd {
			needs[0], needs[1] = needs[0]+" 且为单数", needs[1]+", odd"
		}
		if known {
			f.text(name+"：管理委员会人数（"+needs[0]+"）", name+": members of the committee ("+needs[1]+")", fmt.Sprintf("%d · %s · %s", members, parity[0], parity[1]))
			f.text(name+"：监督员（不少于 "+watch.Value+"）", name+": supervisors (at least "+watch.Value+")", fmt.Sprint(over))
		}
		switch {
		case !known:
			warn("没有登记管理委员会人数。", "It is not entered how many the committee has.")
		case members < least.Number() || odd && members%2 == 0:
			warn(fmt.Sprintf("管理委员会 %d 人，应%s。", members, needs[0]), fmt.Sprintf("A committee of %d; it needs %s.", members, needs[1]))
		}
		if over < watch.Number() {
			warn("没有登记监督员。", "No supervisor is entered.")
		}
		if unpaid {
			fact := d.facts.of("R20", "unpaid", c.object(), 0)
			if fact == nil {
				warn("没有登记委员不领报酬。", "It is not entered that its members are not paid.")
			} else {
				f.text(name+"：委员不领报酬", name+": members are not paid", fact.Day.Format(time.DateOnly)+" "+fact.Words)
			}
		}
		if shared { // the books know accounts of the association alone; another one is found outside of them
			if banks[fund] != "" {
				f.text(name+"：它的钱所在的慈善会账户", name+": accounts of the association that hold its money", d.bankNames(banks[fund]))
			}
			if fact := d.facts.since("R20", "own_account", "account_ended", c.object()); fact != nil {
				warn("自设了账户："+fact.Said("zh-CN"), "It has an account of its own: "+fact.Said("en"))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read committees: %w", err)
	}
	return nil
}

// bankNames are the codes and names of bank accounts, in the book's regime.
func (d *desk) bankNames(ids string) string {
	var names []string
	for id := range strings.FieldsSeq(ids) {
		a := chart.MustByID(chart.ID(id))
		names = append(names, a.Code(d.book.Regime)+" "+a.NameZH)
	}
	return strings.Join(names, ", ")
}
