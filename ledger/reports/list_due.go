package reports

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Stages that are not accepted, as of a day. $3: the day.
const sqlOpenStages = `
select c.id, c.code, c.title, s.fund_id, p.name, m.position, m.title, m.due_on, m.amount
  from contract c
  join payee p on p.book_id = c.book_id and p.id = c.payee_id
  join contract_milestone m on m.book_id = c.book_id and m.contract_id = c.id and (m.state <> 'accepted' or m.accepted_on > $3)
  join project s on s.book_id = c.book_id and s.id = c.project_id
 where c.book_id = $1 and c.state in ('signed', 'stopped') and ($2::int4[] is null or s.fund_id = any($2)) order by m.due_on, c.code, m.position limit $4`

// ages are the classes of how long something is late: from the day named on.
var ages = []struct {
	from     int
	key      string
	zh, en   string
	untilDay int
}{{-1 << 30, "#coming", "未到期", "Not due", 0}, {1, "#late30", "逾期 1–30 天", "1–30 days late", 30}, {31, "#late90", "31–90 天", "31–90 days", 90}, {91, "#late", "90 天以上", "Over 90 days", 1 << 30}}

// agesTable is a table of what is due when, whose last columns are the classes of age.
func agesTable(lang, title string, what [3]string) Table {
	heads := [][3]string{{"contract", "合同", "Contract"}, {"fund", "基金", "Fund"}, {"payee", "承接方", "Contractor"}, what, {"due", "到期日", "Due"}, {"late", "逾期天数", "Days overdue"}}
	for _, a := range ages {
		heads = append(heads, [3]string{a.key, a.zh, a.en})
	}
	return Table{Title: title, Columns: columnsOf(lang, heads...), Ages: len(ages)}
}

// aged puts an amount that is so many days late into its class.
func aged(days int, amount int64) (cells []Cell) {
	for _, a := range ages {
		var here int64
		if days >= a.from && days <= a.untilDay {
			here = amount
		}
		cells = append(cells, Cell{Minor: here})
	}
	return cells
}

// ageing is the 合同承诺台账 (accounting.md 3.4): commitments (9201) by contract, what of its advance is not applied, and each stage that is not accepted with its
// day, by how long it is late.
func ageing(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := encumbrances.register(ctx, q, book, s, r)
	if err != nil {
		return nil, err
	}
	report.Tables[0].Title = words(r.Lang, "按合同（9201）", "By contract (9201)")
	advances, err := tally{"prepay", "contract", chart.Debit, [2]string{"合同", "Contract"}, [2]string{"预付", "Advanced"}, [2]string{"抵扣与收回", "Applied and taken back"}, true}.register(ctx, q, book, s, r)
	if err != nil {
		return nil, err
	}
	advances.Tables[0].Title = words(r.Lang, "未抵扣预付（1141）", "Advances not applied (1141)")
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	t := agesTable(r.Lang, words(r.Lang, "未验收的阶段（账龄）", "Stages not accepted, by age"), [3]string{"stage", "阶段", "Stage"})
	rows, err := q.Query(ctx, sqlOpenStages, book.ID, r.Funds, r.To, r.rowsMax())
	if err != nil {
		return nil, fmt.Errorf("read stages: %w", err)
	}
	var id uuid.UUID
	var code, title, payee, stage string
	var fund int32
	var position int16
	var due time.Time
	var amount int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &code, &title, &fund, &payee, &position, &stage, &due, &amount}, func() error {
		days := int(r.To.Sub(due) / (24 * time.Hour))
		late := ""
		if days > 0 {
			late = fmt.Sprint(days)
		}
		row := Row{ID: fmt.Sprint(code, " ", position), Style: Line, Cells: []Cell{{Text: code + " " + title, To: Ref{ToContract, id.String()}}, fundCell(funds[fund], r.Lang), {Text: payee}, {Text: stage}, {Text: due.Format(time.DateOnly)}, {Text: late}}}
		row.Cells = append(row.Cells, aged(days, amount)...)
		t.Rows = append(t.Rows, row)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read stages: %w", err)
	}
	cut(report, len(t.Rows), r.Lang)
	t.total(r.Lang)
	report.Tables = append(report.Tables, advances.Tables[0], t)
	maps.Copy(report.parts, shifted(advances.parts, 1))
	report.Notes = append(report.Notes, words(r.Lang, "到期日：最早一个未验收阶段的约定日期；没有阶段的，为合同最后一日。阶段表按现在的约定列示。",
		"Due is the day of the first stage that is not accepted, or the contract's last day where there is none. Stages are listed as agreed now."))
	return report, nil
}

// owed is the payables and retention calendar (应付与尾款): 2202.01 is due once its delivery is accepted, 2202.02 when the contract ends; and both by how long they
// are late.
func owed(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, list, err := payables.drawn(ctx, q, book, s, r)
	if err != nil {
		return nil, err
	}
	t := agesTable(r.Lang, words(r.Lang, "应付与尾款（账龄）", "Payables and retention, by age"), [3]string{"what", "项目", "What"})
	for i := range list {
		x := &list[i]
		if x.open() == 0 {
			continue
		}
		what := chart.MustByID(x.chart).Name(r.Lang)
		payee, due, late := x.dueCells()
		row := Row{ID: what + " " + x.id(), Style: Line, Cells: []Cell{x.tagCell(), fundCell(x.fund, r.Lang), payee, {Text: what}, due, late}}
		row.Cells = append(row.Cells, aged(x.days, x.open())...)
		t.Rows = append(t.Rows, row)
	}
	t.total(r.Lang)
	report.Tables = append(report.Tables, t)
	report.Notes = append(report.Notes, words(r.Lang, "合同应付自最近一次验收之日起应付；质保金及尾款到合同最后一日应付。没有登记到期日的列在未到期。", "Payables are due from the day of the last acceptance, retention and final payments on the contract's last day. What has no day on record stands in not due."))
	return report, nil
}
