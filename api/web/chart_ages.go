package web

import (
	"regexp"

	"sunfund/ledger/reports"
)

// ageDays are the days in the name of a class of age.
var ageDays = regexp.MustCompile(`[0-9]+(–[0-9]+)?`)

// agesChart adds up the rows of a table by the classes of age that its last columns are.
func (v *visit) agesChart(t reports.Table) *Chart {
	c := Chart{ID: "ages", Title: t.Title, Axis: T(v.lang, "report.ages.axis", Unit(v.lang, v.book.Currency)), Series: []string{T(v.lang, "filter.amount")}, Head: T(v.lang, "report.ages.head"), Beside: []string{T(v.lang, "report.ages.rows")}, Unit: v.book.Currency}
	first := len(t.Columns) - t.Ages
	var all, late int64
	for i, column := range t.Columns[first:] {
		var sum, rows int64
		for _, row := range t.Rows {
			if row.Style == reports.Line && row.Cells[first+i].Minor != 0 {
				sum, rows = sum+row.Cells[first+i].Minor, rows+1
			}
		}
		if all += sum; i > 0 {
			late += sum
		}
		days := ageDays.FindString(column.Label)
		if i == t.Ages-1 {
			days = ">" + days
		}
		c.Columns = append(c.Columns, ChartColumn{Label: column.Label, Short: days, Values: []int64{sum}, Beside: []string{Count(rows)}})
	}
	c.Desc = T(v.lang, "report.ages.desc", v.amount(all), v.amount(late))
	if all == 0 {
		c.Desc = T(v.lang, "report.ages.none")
	}
	return &c
}
