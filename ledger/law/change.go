package law

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Versions of charters after the first, each with what it rests on, what money may be spent on before and from then on.
const sqlChanges = `
select c.fund_id, f.code || ' ' || f.name_zh, c.version, c.basis, c.basis_ref, c.made_at, array_to_string(b.purposes, ', '), array_to_string(c.purposes, ', ')
  from fund_charter c
  join fund_charter b on b.book_id = c.book_id and b.fund_id = c.fund_id and b.version = c.version - 1
  join fund f on f.book_id = c.book_id and f.fund_id = c.fund_id
 where c.book_id = $1 order by c.made_at desc, c.fund_id limit 500`

// What is set apart or paid for a purpose that no version of its fund's charter ever allowed. What was dropped or came back is neither.
const sqlOffPurpose = `
select 'disbursement:' || d.id, 'Z' || d.number, d.purpose_code
  from disbursement d
 where d.book_id = $1 and d.fund_id is not null and d.purpose_code <> ''
   and d.state not in ('dropped', 'bounced')
   and exists (select from fund_charter c where c.book_id = d.book_id and c.fund_id = d.fund_id)
   and not exists (select from fund_charter c where c.book_id = d.book_id and c.fund_id = d.fund_id and d.purpose_code = any(c.purposes))
 order by 2 limit 500`

// lookChanges is R12: what a fund is for changes by a filing or with the donors' consent alone. The posting path refuses what its charter does not
// allow (ledger.ErrPurpose); here every change stands with its ground.
func lookChanges(ctx context.Context, d *desk, f *Finding) error {
	d.param(f, "R12", "filed")
	rows, err := d.q.Query(ctx, sqlChanges, d.book.ID)
	if err != nil {
		return fmt.Errorf("read changes of charters: %w", err)
	}
	var fund, version int32
	var name, basis, ref, before, after string
	var at time.Time
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&fund, &name, &version, &basis, &ref, &at, &before, &after}, func() error {
		n++
		ground := map[string][2]string{"filing": {"方案变更备案", "filing"}, "consent": {"捐赠人同意", "donors' consent"}}[basis]
		day, to := d.book.Day(at).Format(time.DateOnly), strings.TrimSpace(after)
		if before != after {
			to = before + " → " + after
		}
		f.text(fmt.Sprintf("%s：%s 第 %d 版，%s %s", name, day, version, ground[0], ref), fmt.Sprintf("%s: version %d of %s, %s %s", name, version, day, ground[1], ref), to)
		if strings.TrimSpace(ref) == "" || ground[0] == "" {
			f.row(Row{Object: "fund:" + strconv.Itoa(int(fund)), Name: name, ZH: "这次变更没有备案编号，也没有捐赠人同意书。", EN: "This change has neither a filing nor the donors' consent.", Broken: true})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read changes of charters: %w", err)
	}
	for _, fact := range d.facts.each("R12") { // funds without a charter
		n++
		f.text("登记的变更 "+fact.Day.Format(time.DateOnly), "Change that was entered, "+fact.Day.Format(time.DateOnly), fact.Words)
	}
	f.text("变更次数", "Changes", strconv.Itoa(n))
	if n > 0 && f.State == Nothing {
		f.State = Holds
	}
	rows, err = d.q.Query(ctx, sqlOffPurpose, d.book.ID)
	if err != nil {
		return fmt.Errorf("compare payments with charters: %w", err)
	}
	var r Row
	var code string
	_, err = pgx.ForEachRow(rows, []any{&r.Object, &r.Name, &code}, func() error {
		r.ZH, r.EN, r.Broken = "用途“"+code+"”不在章程里。", "Purpose “"+code+"” is not in the charter.", true
		f.row(r)
		return nil
	})
	return err
}
