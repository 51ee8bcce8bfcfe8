package web

import (
	"strconv"

	"sunfund/ledger/recon"
)

// ageing counts the open breaks by how old they are, the graver types lowest.
func (v *visit) ageing(id string) (*Chart, error) {
	sums, err := recon.BreakSums(v.ctx(), v.s.DB, v.book, v.now)
	if err != nil {
		return nil, err
	}
	c := Chart{ID: id, Title: T(v.lang, "breaks.ageing"), Axis: T(v.lang, "breaks.ageing.axis"), Head: T(v.lang, "breaks.age.name"), Stacked: true}
	// As a type by itself counts: what stops or is grave, what matters, the rest.
	for _, key := range []string{"breaks.base.1", "breaks.base.2", "breaks.base.3"} {
		c.Series = append(c.Series, T(v.lang, key))
	}
	for i := range len(recon.AgeBuckets) + 1 {
		c.Columns = append(c.Columns, ChartColumn{Label: bucketName(v.lang, i), Href: breaksPath + "?age=" + strconv.Itoa(i), Values: make([]int64, len(c.Series))})
	}
	var all, late int64
	for _, s := range sums {
		c.Columns[s.Bucket].Values[min(max(recon.BaseSeverity(s.Type), 1), len(c.Series))-1] += s.Count
		all, late = all+s.Count, late+s.Overdue
	}
	c.Desc = T(v.lang, "breaks.ageing.desc", all, late)
	if all == 0 {
		c.Desc = T(v.lang, "breaks.ageing.none")
	}
	return &c, nil
}
