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
	report := &Report{ID: s.ID, Title: s.Name(r.Lang), Maker: book.Name(r.Lang), Scope: r.Scope, From: r.From, To: r.To, Currency: book.Currency, Recorded: r.Recorded, Position: at, lang: r.Lang,
		Period: r.From.Format(time.DateOnly) + " – " + r.To.Format(time.DateOnly)}
	if r.Parts {
		report.parts = map[Place]map[int32]*Made{}
	}
	return report, nil
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
	row := t.sumRow(lang)
	for i, x := range t.Rows {
		row.sums = append(row.sums, summed{i, 1})
		row.add(t, x)
	}
	t.Rows = append(t.Rows, row)
}

// walk gives each row of a table to put; of one that is read while it is written, the sum after them.
func (t *Table) walk(lang string, put func(Row) error) error {
	if t.each == nil {
		for _, row := range t.Rows {
			if err := put(row); err != nil {
				return err
			}
		}
		return nil
	}
	sum := t.sumRow(lang)
	n := 0
	err := t.each(func(row Row) error {
		n++
		sum.add(t, row)
		return put(row)
	})
	if err != nil || n == 0 {
		return err
	}
	return put(sum)
}

// sumRow is a row that sums nothing yet.
func (t *Table) sumRow(lang string) Row {
	row := Row{ID: "total", Style: Grand, Cells: make([]Cell, len(t.Columns))}
	row.Cells[0].Text = words(lang, "合计", "Total")
	return row
}

// add adds the amounts of another row.
func (r *Row) add(t *Table, of Row) {
	for j, c := range t.Columns {
		if c.Sum {
			r.Cells[j].Minor += of.Cells[j].Minor
		}
	}
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
	by, funds, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Leaves: r.Parts}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"fund", "基金", "Fund"}, [3]string{"#opening", "期初净资产", "Opening"}, [3]string{"#gifts", "捐赠", "Gifts"}, [3]string{"#match", "配捐", "Match"},
		[3]string{"#grants", "补助", "Subsidy"}, [3]string{"#other", "其他收入", "Other income"}, [3]string{"#program", "业务活动", "Program"}, [3]string{"#fees", "筹资费用", "Fundraising"},
		[3]string{"#costs", "其他费用", "Other costs"}, [3]string{"#transfers", "划转净额", "Transfers"}, [3]string{"#direct", "建账与调整", "Openings, adjustments"}, [3]string{"#closing", "期末净资产", "Closing"},
		[3]string{"#fixed", "不可动用", "Not liquid"}, [3]string{"#committed", "合同承诺", "Committed"}, [3]string{"#reserved", "审批占用", "Set aside"}, [3]string{"#available", "可用余额", "Available"})}
	sums := map[int32]*fundSums{}
	for _, m := range moved {
		fund := by[m.Fund]
		if fund == nil {
			continue
		}
		if sums[m.Fund] == nil {
			sums[m.Fund] = &fundSums{}
		}
		fundMoves(chart.MustByID(m.Chart), m, func(column int, amount int64) {
			sums[m.Fund][column] += amount
			switch key := t.Columns[column+1].Key; column {
			case fsOpening, fsClosing, fsFixed, fsCommitted, fsSetAside, fsAvailable:
				report.held(0, fund.Code, key, m, amount)
			default:
				report.moved(0, fund.Code, key, m, amount)
			}
		})
	}
	var made, closing int64
	for i := range funds {
		f := &funds[i]
		x := sums[f.ID]
		if x == nil {
			x = &fundSums{}
		}
		row := Row{ID: f.Code, Style: Line, Cells: []Cell{fundCell(f, r.Lang)}}
		made += x[fsOpening] + x[fsGifts] + x[fsMatch] + x[fsGrants] + x[fsOther] - x[fsProgram] - x[fsFees] - x[fsCosts] + x[fsTransfers] + x[fsDirect]
		closing += x[fsClosing]
		for _, amount := range x {
			row.Cells = append(row.Cells, Cell{Minor: amount})
		}
		t.Rows = append(t.Rows, row)
	}
	t.total(r.Lang)
	report.Tables = []Table{t}
	report.opens(0)
	report.Ties = []Tie{{Name: words(r.Lang, "期初 + 收入 − 费用 + 划转净额 + 建账与调整 = 期末净资产", "Opening + income − costs + transfers + openings and adjustments = closing"), Left: made, Right: closing}}
	report.Notes = []string{words(r.Lang, "期末净资产 = 期初 + 收入 − 费用 + 划转净额 + 建账与调整；可用余额 = 期末净资产 − 不可动用 − 合同承诺 − 审批占用。",
		"Closing = opening + income − costs + transfers + openings and adjustments; available = closing − not liquid − committed − set aside.")}
	return report, nil
}

// fundMoves says in which columns stands what accounts of a fund moved. What a year's end moves is neither income nor cost.
func fundMoves(a chart.Account, m ledger.Moved, put func(column int, amount int64)) {
	opening, closing := netOf(m.Before[0]), netOf(m.Before[1])
	free := closing * int64(a.Liquid)
	if ownsOrOwes(a) {
		put(fsOpening, opening)
		put(fsClosing, closing)
		put(fsFixed, closing-free)
		put(fsAvailable, free)
	}
	switch a.ID {
	case "enc":
		put(fsCommitted, closing)
		put(fsAvailable, -closing)
	case "resv":
		put(fsSetAside, closing)
		put(fsAvailable, -closing)
	}
	change := closing - opening
	switch {
	case a.Type == chart.NetAssets || m.Nature == ledger.NatureClose || a.ID == "release.u" || a.ID == "release.r": // what closes a year is on both sides of it
		put(fsDirect, -change)
	case a.ID == "gift.u" || a.ID == "gift.r":
		if m.Nature == "match" || m.Nature == "match-back" {
			put(fsMatch, -change)
		} else {
			put(fsGifts, -change)
		}
	case a.ID == "grant.u" || a.ID == "grant.r":
		put(fsGrants, -change)
	case a.Type == chart.Income:
		put(fsOther, -change)
	case a.ID == "program.u" || a.ID == "program.r":
		put(fsProgram, change)
	case a.ID == "fundraising.u" || a.ID == "fundraising.r":
		put(fsFees, change)
	case a.Type == chart.Expense:
		put(fsCosts, change)
	case a.ID == "transfer":
		put(fsTransfers, -change)
	}
}
