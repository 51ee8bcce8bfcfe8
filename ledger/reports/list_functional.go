package reports

import (
	"cmp"
	"context"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// functional are costs by nature and by what they were for, as the notes of US statements have it.
func functional(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Tags: [2]string{"contract", "instrument"}, Leaves: r.Parts}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"nature", "费用性质", "Nature"}, [3]string{"#program", "项目服务", "Program services"}, [3]string{"#admin", "管理与一般费用", "Management and general"},
		[3]string{"#fundraising", "筹资", "Fundraising"}, [3]string{"#sum", "合计", "Total"})}
	t.Columns[4].sums = []int{1, 2, 3}
	at := map[string]int{}
	for _, m := range moved {
		a := chart.MustByID(m.Chart)
		change := netOf(m.Before[1]) - netOf(m.Before[0])
		if a.Type != chart.Expense || m.Nature == ledger.NatureClose || change == 0 {
			continue
		}
		nature := m.Nature
		switch { // what nobody marked shows by what it was tagged with
		case nature == "" && m.Tags[0] != "":
			nature = "contracted"
		case nature == "" && m.Tags[1] != "":
			nature = "processing"
		}
		i, there := at[nature]
		if !there {
			i = len(t.Rows)
			at[nature] = i
			name := words(r.Lang, cmp.Or(natureWords[nature][0], nature), cmp.Or(natureWords[nature][1], nature))
			t.Rows = append(t.Rows, Row{ID: nature, Style: Line, Cells: []Cell{{Text: name}, {}, {}, {}, {}}})
		}
		column := 2
		switch a.HeadingCode(chart.CN2026) {
		case "5101", "5201":
			column = 1
		case "5401":
			column = 3
		}
		for _, c := range []int{column, 4} {
			t.Rows[i].Cells[c].Minor += change
			report.moved(0, nature, t.Columns[c].Key, m, change)
		}
	}
	t.total(r.Lang)
	report.Tables = []Table{t}
	report.opens(0)
	form, _ := FormByID("us-activities")
	statement, err := Make(ctx, q, book, form, r)
	if err != nil {
		return nil, err
	}
	for i, row := range []string{"program", "admin", "fundraising"} {
		c := t.Columns[i+1]
		tie := Tie{Name: words(r.Lang, c.Label+" = 业务活动表", c.Label+" = statement of activities")}
		tie.Left, _ = report.Figure("total", c.Key)
		key := "period"
		if r.From.Equal(ledger.Day(r.To.Year(), time.January, 1)) {
			key = "year"
		}
		tie.Right, _ = statement.Figure(row, key)
		report.Ties = append(report.Ties, tie)
	}
	return report, nil
}

// natureWords are what costs are by nature.
var natureWords = map[string][2]string{"": {"其他", "Other"}, "contracted": {"合同服务与工程", "Contracted services and works"}, "processing": {"支付手续费", "Payment processing fees"}, "payroll": {"人员费用", "Salaries and benefits"},
	"aid": {"资助与救助", "Grants and assistance"}, "service": {"捐赠服务", "Donated services"}, "interest": {"利息", "Interest"}, "fx": {"汇兑", "Exchange differences"}, "bank": {"银行手续费", "Bank charges"}, "account": {"支付账户费用", "Processor account fees"},
	"dispute": {"支付争议", "Disputes"}, "levy": {"管理费提取", "Management fee"}, "cash-short": {"现金短缺", "Cash shortages"}, "cash-over": {"现金溢余", "Cash overages"}, "fee-cover": {"捐赠人承担的手续费", "Fees covered by donors"},
	"cost_of_sale": {"义拍品成本", "Cost of what was auctioned"}, "auction": {"义拍费用", "Costs of auctions"}}
