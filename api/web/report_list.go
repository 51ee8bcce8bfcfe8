package web

import (
	"net/http"
	"net/url"

	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

const (
	reportsPath = "/console/reports"
	reportPath  = reportsPath + "/sheet"
	figurePath  = reportsPath + "/figure"
)

// reportList leads to every report.
func (v *visit) reportList() error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.reports"), reportsPath), Heading: T(v.lang, "place.reports"), Lead: T(v.lang, "report.lead")}
	view.Links = []Link{{T(v.lang, "exported.heading"), exportsPath}}
	s, err := v.sight()
	if err != nil {
		return err
	}
	for _, group := range reports.Groups() {
		g := grid{Title: T(v.lang, "report.group."+group), Empty: T(v.lang, "report.empty"), Heads: v.heads("report.name", "report.code", "report.says")}
		for _, k := range reports.Sheets(v.book.Regime) {
			if k.Group != group || k.Whole && !s.all {
				continue
			}
			href := address(reportPath, url.Values{"report": {k.ID}})
			if k.Donor { // from the page of who gave
				if href = "/console/gifts"; !v.who.May(staff.DonorRead) {
					continue
				}
			}
			g.Rows = append(g.Rows, []cell{{Text: k.Name(string(v.lang)), Href: href}, {Text: k.Code()}, {Text: k.Says(string(v.lang))}})
		}
		if g.Rows != nil {
			view.Grids = append(view.Grids, g)
		}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}
