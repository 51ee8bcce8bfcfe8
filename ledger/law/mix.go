package law

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/money"
)

// Projects that a purchaser pays for.
const sqlPurchased = `
select 'project:' || p.id, p.title, p.budget, p.state
  from project p
 where p.book_id = $1 and p.state in ('approved', 'ended')
   and exists (select from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
                where c.book_id = p.book_id and c.project_id = p.id and c.state <> 'void' and s.treatment = 'service')
 order by p.number desc limit 2000`

// lookMix is R19: how much of a purchased project's budget has to be pay, where the place asks for it.
func lookMix(ctx context.Context, d *desk, f *Finding) error {
	share, ok := d.param(f, "R19", "pay")
	if !ok {
		f.State = Exempt
		return nil
	}
	rows, err := d.q.Query(ctx, sqlPurchased, d.book.ID)
	if err != nil {
		return fmt.Errorf("read purchased projects: %w", err)
	}
	var object, name, state string
	var budget int64
	_, err = pgx.ForEachRow(rows, []any{&object, &name, &budget, &state}, func() error {
		if f.State == Nothing {
			f.State = Holds
		}
		least := money.CeilShare(budget, share.BasisPoints(), 10_000)
		f.sum(name+"：项目预算", name+": budget", budget)
		f.sum(name+"：人员经费至少 "+share.Value+"（进到分）", name+": pay at least "+share.Value+", rounded up", least)
		pay := d.facts.of("R19", "pay", object, 0)
		switch {
		case pay == nil:
			f.row(Row{Object: object, Name: name, ZH: "没有登记预算里的人员经费。", EN: "It is not entered how much of the budget is pay."})
		case pay.Amount < least:
			f.sum(name+"：人员经费", name+": pay", pay.Amount)
			f.row(Row{Object: object, Name: name, ZH: "人员经费 " + d.amount(pay.Amount) + "，应不少于 " + d.amount(least) + "。", EN: "Pay of " + d.amount(pay.Amount) + "; at least " + d.amount(least) + " is asked for.",
				Broken: state == "ended"})
		default:
			f.sum(name+"：人员经费", name+": pay", pay.Amount)
		}
		return nil
	})
	return err
}
