package reports

import (
	"context"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// frame begins a list: its days default to the year so far.
func frame(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r *Request) (*Report, error) {
	if r.From.IsZero() {
		r.From = ledger.Day(r.To.Year(), time.January, 1)
	}
	at, err := ledger.PostedBy(ctx, q, book, r.Recorded)
	if err != nil {
		return nil, err
	}
	return &Report{ID: s.ID, Title: s.Name(r.Lang), Maker: book.Name(r.Lang), Scope: r.Scope, From: r.From, To: r.To, Currency: book.Currency, Recorded: r.Recorded, Position: at, lang: r.Lang,
		Period: r.From.Format(time.DateOnly) + " – " + r.To.Format(time.DateOnly)}, nil
}

// fundsIn are the book's funds that a request may see, by id, and in order.
func fundsIn(ctx context.Context, q pg.Querier, book *ledger.Book, r Request) (map[int32]*ledger.Fund, []ledger.Fund, error) {
	all, err := ledger.Funds(ctx, q, book)
	if err != nil {
		return nil, nil, err
	}
	by := map[int32]*ledger.Fund{}
	var list []ledger.Fund
	for i := range all {
		for _, id := range r.Funds {
			if id == all[i].ID {
				by[id] = &all[i]
			}
		}
		if r.Funds == nil {
			by[all[i].ID] = &all[i]
		}
		if by[all[i].ID] != nil {
			list = append(list, all[i])
		}
	}
	return by, list, nil
}

// columns make heads: keys that begin with # are amounts.
func columnsOf(lang string, heads ...[3]string) (all []Column) {
	for _, h := range heads {
		c := Column{Key: h[0], Label: words(lang, h[1], h[2])}
		if h[0][0] == '#' {
			c.Key, c.Sum = h[0][1:], true
		}
		all = append(all, c)
	}
	return all
}

// total adds a row that sums all rows above it.
func (t *Table) total(lang string) {
	if len(t.Rows) == 0 {
		return
	}
	row := Row{ID: "total", Style: Grand, Cells: make([]Cell, len(t.Columns))}
	row.Cells[0].Text = words(lang, "合计", "Total")
	for i, x := range t.Rows {
		row.sums = append(row.sums, summed{i, 1})
		for j, c := range t.Columns {
			if c.Sum {
				row.Cells[j].Minor += x.Cells[j].Minor
			}
		}
	}
	t.Rows = append(t.Rows, row)
}

func fundCell(f *ledger.Fund, lang string) Cell {
	return Cell{Text: f.Code + " " + f.Name(lang), To: Ref{ToFund, strconv.Itoa(int(f.ID))}}
}

// Columns of the fund statement.
const (
	fsOpening = iota
	fsGifts
	fsMatch
	fsGrants
	fsOther
	fsProgram
	fsFees
	fsCosts
	fsTransfers
	fsDirect
	fsClosing
	fsFixed
	fsCommitted
	fsSetAside
	fsAvailable
	fsAll
)

// fundSums are a fund's figures.
type fundSums [fsAll]int64

// fundStatement is the 基金收支结存表 (accounting.md 3.4): what each fund had, got, spent and has, and how much of that may be spent.
func fundStatement(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	_, funds, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	sums := map[int32]*fundSums{}
	for _, m := range moved {
		if sums[m.Fund] == nil {
			sums[m.Fund] = &fundSums{}
		}
		sums[m.Fund].add(chart.MustByID(m.Chart), m)
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"fund", "基金", "Fund"}, [3]string{"#opening", "期初净资产", "Opening"}, [3]string{"#gifts", "捐赠", "Gifts"}, [3]string{"#match", "配捐", "Match"},
		[3]string{"#grants", "补助", "Subsidy"}, [3]string{"#other", "其他收入", "Other income"}, [3]string{"#program", "业务活动", "Program"}, [3]string{"#fees", "筹资费用", "Fundraising"},
		[3]string{"#costs", "其他费用", "Other costs"}, [3]string{"#transfers", "划转净额", "Transfers"}, [3]string{"#direct", "建账与调整", "Openings, adjustments"}, [3]string{"#closing", "期末净资产", "Closing"},
		[3]string{"#fixed", "不可动用", "Not liquid"}, [3]string{"#committed", "合同承诺", "Committed"}, [3]string{"#reserved", "审批占用", "Set aside"}, [3]string{"#available", "可用余额", "Available"})}
	for i := range funds {
		f := &funds[i]
		x := sums[f.ID]
		if x == nil {
			x = &fundSums{}
		}
		row := Row{ID: f.Code, Style: Line, Cells: []Cell{fundCell(f, r.Lang)}}
		x[fsDirect] = x[fsClosing] - x[fsOpening] - x[fsGifts] - x[fsMatch] - x[fsGrants] - x[fsOther] + x[fsProgram] + x[fsFees] + x[fsCosts] - x[fsTransfers]
		x[fsFixed] = x[fsClosing] - x[fsFixed]
		x[fsAvailable] = x[fsClosing] - x[fsFixed] - x[fsCommitted] - x[fsSetAside]
		for _, amount := range x {
			row.Cells = append(row.Cells, Cell{Minor: amount})
		}
		t.Rows = append(t.Rows, row)
	}
	t.total(r.Lang)
	report.Tables = []Table{t}
	report.Notes = []string{words(r.Lang, "期末净资产 = 期初 + 收入 − 费用 + 划转净额 + 建账与调整；可用余额 = 期末净资产 − 不可动用 − 合同承诺 − 审批占用。",
		"Closing = opening + income − costs + transfers + openings and adjustments; available = closing − not liquid − committed − set aside.")}
	return report, nil
}

// add counts what accounts of a fund moved. What a year's end moves is neither income nor cost.
func (x *fundSums) add(a chart.Account, m ledger.Moved) {
	opening, closing := netOf(m.Before[0]), netOf(m.Before[1])
	if !a.Memo() && (a.Type == chart.Asset || a.Type == chart.Liability || a.ID == "if.due.from" || a.ID == "if.due.to") {
		x[fsOpening] += opening
		x[fsClosing] += closing
	}
	x[fsFixed] += closing * int64(a.Liquid)
	switch a.ID {
	case "enc":
		x[fsCommitted] += closing
	case "resv":
		x[fsSetAside] += closing
	}
	if m.Nature == ledger.NatureClose {
		return
	}
	change := closing - opening
	switch {
	case a.ID == "gift.u" || a.ID == "gift.r":
		if m.Nature == "match" || m.Nature == "match-back" {
			x[fsMatch] -= change
		} else {
			x[fsGifts] -= change
		}
	case a.ID == "grant.u" || a.ID == "grant.r":
		x[fsGrants] -= change
	case a.Type == chart.Income:
		x[fsOther] -= change
	case a.ID == "program.u" || a.ID == "program.r":
		x[fsProgram] += change
	case a.ID == "fundraising.u" || a.ID == "fundraising.r":
		x[fsFees] += change
	case a.Type == chart.Expense:
		x[fsCosts] += change
	case a.ID == "transfer":
		x[fsTransfers] -= change
	}
}

// functional are costs by nature and by what they were for, as the notes of US statements have it.
func functional(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded}, r.From, r.To.AddDate(0, 0, 1))
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
		i, there := at[m.Nature]
		if !there {
			i = len(t.Rows)
			at[m.Nature] = i
			name := m.Nature
			if name == "" {
				name = words(r.Lang, "未标明", "Not marked")
			}
			t.Rows = append(t.Rows, Row{ID: m.Nature, Style: Line, Cells: []Cell{{Text: name}, {}, {}, {}, {}}})
		}
		column := 2
		switch a.HeadingCode(chart.CN2026) {
		case "5101", "5201":
			column = 1
		case "5401":
			column = 3
		}
		t.Rows[i].Cells[column].Minor += change
		t.Rows[i].Cells[4].Minor += change
	}
	t.total(r.Lang)
	report.Tables = []Table{t}
	return report, nil
}
