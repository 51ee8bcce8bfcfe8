package reports

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// matrix is the 资金来源×项目 matrix: what each project spent and has under contract, by the fund it came from, as of a day; and what each
// source got, gave back and has left. Sums of rows and of columns are the same figure.
func matrix(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	report.Period = r.To.Format("2006-01-02")
	by, funds, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Tags: [2]string{"project"}, Leaves: r.Parts}, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	spent, open := map[string]map[int32]int64{}, map[string]map[int32]int64{}
	sources := map[int32]*[5]int64{} // got, spent, under contract, gave back, got less spent
	for _, m := range moved {
		fund := by[m.Fund]
		if m.Nature == ledger.NatureClose || fund == nil {
			continue
		}
		// put adds to a table of projects, source to a column of the table of sources: of all that was moved until the day, or of what is held then
		put := func(table int, of map[string]map[int32]int64, amount int64) {
			if of[m.Tags[0]] == nil {
				of[m.Tags[0]] = map[int32]int64{}
			}
			of[m.Tags[0]][m.Fund] += amount
			report.held(table, m.Tags[0], fund.Code, m, amount)
			report.held(table, m.Tags[0], "sum", m, amount)
		}
		source := func(column int, amount int64) {
			if sources[m.Fund] == nil {
				sources[m.Fund] = &[5]int64{}
			}
			sources[m.Fund][column] += amount
			report.held(2, fund.Code, sourceKeys[column], m, amount)
		}
		switch a, amount := chart.MustByID(m.Chart), netOf(m.Before[0]); {
		case a.Type == chart.Income:
			source(0, -amount)
			source(4, -amount)
		case a.ID == "return.due":
			source(3, m.Before[0].Credit)
		case a.ID == "program.u" || a.ID == "program.r":
			put(0, spent, amount)
			source(1, amount)
			source(4, -amount)
		case a.ID == "enc":
			put(1, open, amount)
			source(2, amount)
		}
	}
	for _, part := range []struct {
		zh, en string
		of     map[string]map[int32]int64
	}{{"已支出", "Spent", spent}, {"合同承诺未履行", "Under contract", open}} {
		t := Table{Title: words(r.Lang, part.zh, part.en), Columns: columnsOf(r.Lang, [3]string{"project", "项目", "Project"})}
		var used []ledger.Fund
		for _, f := range funds {
			for _, of := range part.of {
				if of[f.ID] != 0 && !slices.ContainsFunc(used, func(u ledger.Fund) bool { return u.ID == f.ID }) {
					used = append(used, f)
				}
			}
		}
		total := Column{Key: "sum", Label: words(r.Lang, "合计", "Total"), Sum: true}
		for _, f := range used {
			total.sums = append(total.sums, len(t.Columns))
			t.Columns = append(t.Columns, Column{Key: f.Code, Label: f.Code, Sum: true})
		}
		t.Columns = append(t.Columns, total)
		var projects []string
		for project := range part.of {
			projects = append(projects, project)
		}
		slices.SortFunc(projects, strings.Compare)
		for _, project := range projects {
			row := Row{ID: project, Style: Line, Cells: []Cell{{Text: cmp.Or(project, words(r.Lang, "未标项目", "No project"))}}}
			var sum int64
			for _, f := range used {
				row.Cells = append(row.Cells, Cell{Minor: part.of[project][f.ID]})
				sum += part.of[project][f.ID]
			}
			if row.Cells = append(row.Cells, Cell{Minor: sum}); sum != 0 || len(used) > 0 {
				t.Rows = append(t.Rows, row)
			}
		}
		t.total(r.Lang)
		report.Tables = append(report.Tables, t)
	}
	t := Table{Title: words(r.Lang, "按来源", "By source"), Columns: columnsOf(r.Lang, [3]string{"fund", "资金来源（基金）", "Source (fund)"}, [3]string{"#got", "累计收入", "Received"}, [3]string{"#spent", "已支出", "Spent"},
		[3]string{"#open", "合同承诺", "Under contract"}, [3]string{"#returned", "应退与已退", "Returned or to return"}, [3]string{"#left", "收入减支出", "Received less spent"})}
	for i := range funds {
		if x := sources[funds[i].ID]; x != nil && *x != [5]int64{} {
			t.Rows = append(t.Rows, Row{ID: funds[i].Code, Style: Line, Cells: []Cell{fundCell(&funds[i], r.Lang), {Minor: x[0]}, {Minor: x[1]}, {Minor: x[2]}, {Minor: x[3]}, {Minor: x[4]}}})
		}
	}
	t.total(r.Lang)
	report.Tables = append(report.Tables, t)
	report.opens(0, 1, 2)
	return report, nil
}

// sourceKeys are the columns of the table by source.
var sourceKeys = [5]string{"got", "spent", "open", "returned", "left"}
