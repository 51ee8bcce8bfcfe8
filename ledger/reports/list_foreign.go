package reports

import (
	"context"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Columns of a fund note.
const (
	fnOpening = iota
	fnIncome
	fnInvest
	fnCosts
	fnTransfers
	fnDirect
	fnClosing
	fnAll
)

// fundNoteKeys are its columns by their ids.
var fundNoteKeys = [fnAll]string{"#opening", "#income", "#invest", "#costs", "#transfers", "#direct", "#closing"}

// fundNote lists what each fund had, got, spent, moved and has, by class, and holds each class against the statements of the same set.
type fundNote struct {
	balance string      // the form that has the classes' closing balances
	classes []noteClass // in order
	ours    [5][2]string
}

type noteClass struct {
	id     string
	zh, en string
	rows   []string // of the balance sheet
	of     func(*ledger.Fund) bool
}

var (
	usRollforward = fundNote{"us-position", []noteClass{{"with", "有捐赠人限制（按用途）", "With donor restrictions, by purpose", []string{"net-r"}, (*ledger.Fund).HasRestriction},
		{"without", "无捐赠人限制", "Without donor restrictions", []string{"net-u"}, func(f *ledger.Fund) bool { return !f.HasRestriction() }}},
		[5][2]string{{"捐赠、补助与其他", "Contributions and other"}, {"投资收益", "Investment return"}, {"限制解除（支出）或费用", "Released by spending, or expenses"}, {"划转与重分类", "Transfers and reclassifications"}, {"期初建账与调整", "Openings and adjustments"}}}
	ukFunds = fundNote{"uk-balance", []noteClass{{"endowment", "留本基金", "Endowment funds", []string{"endowment"}, func(f *ledger.Fund) bool { return f.Kind == ledger.Endowment }},
		{"restricted", "限定性基金", "Restricted funds", []string{"restricted"}, func(f *ledger.Fund) bool { return f.HasRestriction() && f.Kind != ledger.Endowment }},
		{"designated", "理事会指定基金", "Designated funds", []string{"designated"}, func(f *ledger.Fund) bool { return f.Kind == ledger.Designated }},
		{"general", "一般基金", "General funds", []string{"general"}, func(f *ledger.Fund) bool { return !f.HasRestriction() && f.Kind != ledger.Designated }}},
		[5][2]string{{"收入", "Income"}, {"投资收益", "Investment income"}, {"支出", "Expenditure"}, {"划转", "Transfers"}, {"建账与调整", "Openings and adjustments"}}}
)

func (n fundNote) make(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	by, funds, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Leaves: r.Parts}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	sums := map[int32]*[fnAll]int64{}
	for _, m := range moved {
		fund := by[m.Fund]
		if fund == nil {
			continue
		}
		if sums[m.Fund] == nil {
			sums[m.Fund] = &[fnAll]int64{}
		}
		table := slices.IndexFunc(n.classes, func(c noteClass) bool { return c.of(fund) })
		put := func(column int, amount int64) {
			sums[m.Fund][column] += amount
			if key := fundNoteKeys[column][1:]; column == fnOpening || column == fnClosing {
				report.held(table, fund.Code, key, m, amount)
			} else {
				report.moved(table, fund.Code, key, m, amount)
			}
		}
		a := chart.MustByID(m.Chart)
		change := netOf(m.Before[0]) - netOf(m.Before[1]) // credit positive
		switch {
		case a.Memo():
		case ownsOrOwes(a):
			put(fnOpening, netOf(m.Before[0]))
			put(fnClosing, netOf(m.Before[1]))
		case a.Type == chart.NetAssets || m.Nature == ledger.NatureClose || a.ID == "release.u" || a.ID == "release.r":
			put(fnDirect, change)
		case a.ID == "invest.u" || a.ID == "invest.r":
			put(fnInvest, change)
		case a.Type == chart.Income:
			put(fnIncome, change)
		case a.Type == chart.Expense:
			put(fnCosts, -change)
		default:
			put(fnTransfers, change)
		}
	}
	form, _ := FormByID(n.balance)
	balance, err := Make(ctx, q, book, form, Request{To: r.To, Recorded: r.Recorded, Funds: r.Funds, Lang: r.Lang})
	if err != nil {
		return nil, err
	}
	heads := [][3]string{{"fund", "基金与用途", "Fund and purpose"}}
	for i, name := range slices.Concat([][2]string{{"期初", "Opening"}}, n.ours[:], [][2]string{{"期末", "Closing"}}) {
		heads = append(heads, [3]string{fundNoteKeys[i], name[0], name[1]})
	}
	for _, c := range n.classes {
		t := Table{Title: words(r.Lang, c.zh, c.en), Columns: columnsOf(r.Lang, heads...)}
		var closing, computed int64
		for i := range funds {
			f := &funds[i]
			x := sums[f.ID]
			if !c.of(f) || x == nil || *x == [fnAll]int64{} {
				continue
			}
			name := fundCell(f, r.Lang)
			if purpose := f.Purpose(r.Lang); purpose != "" {
				name.Text += " · " + purpose
			}
			row := Row{ID: f.Code, Style: Line, Cells: []Cell{name}}
			for _, amount := range x {
				row.Cells = append(row.Cells, Cell{Minor: amount})
			}
			closing += x[fnClosing]
			computed += x[fnOpening] + x[fnIncome] + x[fnInvest] - x[fnCosts] + x[fnTransfers] + x[fnDirect]
			t.Rows = append(t.Rows, row)
		}
		t.total(r.Lang)
		report.Tables = append(report.Tables, t)
		report.opens(len(report.Tables) - 1)
		var stated int64
		for _, row := range c.rows {
			v, _ := balance.Figure(row, "closing")
			stated += v
		}
		report.Ties = append(report.Ties, Tie{Name: words(r.Lang, c.zh+"：期初 + 收入 − 支出 + 划转 + 建账与调整 = 期末", c.en+": opening + income − costs + transfers + openings and adjustments = closing"), Left: computed, Right: closing},
			Tie{Name: words(r.Lang, c.zh+"：期末 = "+balance.Title, c.en+": closing = "+balance.Title), Left: closing, Right: stated})
	}
	return report, nil
}

// ownsOrOwes tells that an account is a part of what a fund has less what it owes.
func ownsOrOwes(a chart.Account) bool {
	return !a.Memo() && (a.Type == chart.Asset || a.Type == chart.Liability || a.ID == "if.due.from" || a.ID == "if.due.to")
}

// liquidity is the note of US statements (ASC 958-210-50): financial assets at both ends, less what cannot be spent within a year.
func liquidity(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	r.From = ledger.Day(r.To.Year(), time.January, 1)
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Leaves: r.Parts}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	form, _ := FormByID("us-position")
	assets := []string{"cash", "investments", "receivable", "pledges"}
	lines := []struct {
		id, zh, en string
		sums       [2]int64
	}{{"cash", "现金及现金等价物", "Cash and cash equivalents", [2]int64{}}, {"investments", "投资", "Investments", [2]int64{}}, {"receivable", "应收款项", "Receivables", [2]int64{}}, {"pledges", "应收认捐", "Contributions receivable", [2]int64{}},
		{"long", "长期投资", "Long-term investments", [2]int64{}}, {"donors", "有捐赠人限制的基金持有", "Held by funds with donor restrictions", [2]int64{}}, {"board", "理事会指定的基金持有", "Held by funds that the board designated", [2]int64{}}}
	for _, m := range moved {
		terms := form.rowsOf(m.Chart, m.Nature)
		if len(terms) != 1 {
			continue
		}
		at := slices.Index(assets, form.Rows[terms[0].row].ID)
		fund := funds[m.Fund]
		if at < 0 || fund == nil {
			continue
		}
		less := -1
		switch a := chart.MustByID(m.Chart); {
		case fund.HasRestriction():
			less = 5
		case fund.Kind == ledger.Designated:
			less = 6
		case a.HeadingCode(chart.CN2026)[:2] == "14":
			less = 4
		}
		for i, column := range []string{"opening", "closing"} {
			amount := netOf(m.Before[i])
			lines[at].sums[i] += amount
			report.held(0, lines[at].id, column, m, amount)
			report.held(0, "assets", column, m, amount)
			if less > 0 {
				lines[less].sums[i] += amount
				report.held(0, lines[less].id, column, m, amount)
			} else {
				report.held(0, "available", column, m, amount)
			}
		}
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"item", "项目", "Item"}, [3]string{"#opening", "年初", "Start of year"}, [3]string{"#closing", "期末", "End of period"})}
	var total, free [2]int64
	var all, less []summed
	put := func(style, id, zh, en string, sums [2]int64, of []summed) int {
		t.Rows = append(t.Rows, Row{ID: id, Style: style, Cells: []Cell{{Text: words(r.Lang, zh, en)}, {Minor: sums[0]}, {Minor: sums[1]}}, sums: of})
		return len(t.Rows) - 1
	}
	for i, l := range lines {
		if i == len(assets) {
			at := put(Sum, "assets", "金融资产合计", "Financial assets", total, all)
			less, free = append(less, summed{at, 1}), total
			t.Rows = append(t.Rows, Row{Style: Head, Cells: []Cell{{Text: words(r.Lang, "减：一年内不能用于一般开支的", "Less what is not available for general expenditure within a year")}}})
		}
		at := put(Line, l.id, l.zh, l.en, l.sums, nil)
		for n := range 2 {
			if i < len(assets) {
				total[n] += l.sums[n]
			} else {
				free[n] -= l.sums[n]
			}
		}
		if i < len(assets) {
			all = append(all, summed{at, 1})
		} else {
			less = append(less, summed{at, -1})
		}
	}
	put(Grand, "available", "一年内可用于一般开支的金融资产", "Financial assets available for general expenditure within one year", free, less)
	report.Tables = []Table{t}
	report.opens(0)
	position, err := Make(ctx, q, book, form, Request{To: r.To, Recorded: r.Recorded, Funds: r.Funds, Lang: r.Lang})
	if err != nil {
		return nil, err
	}
	for i, key := range []string{"opening", "closing"} {
		var stated int64
		for _, row := range assets {
			v, _ := position.Figure(row, key)
			stated += v
		}
		report.Ties = append(report.Ties, Tie{Name: words(r.Lang, "金融资产 = 财务状况表的现金、投资与应收（"+t.Columns[i+1].Label+"）", "Financial assets = cash, investments and receivables of the statement of financial position ("+t.Columns[i+1].Label+")"), Left: total[i], Right: stated})
	}
	return report, nil
}
