package web

import (
	"net/http"
	"strconv"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// offlineShow is the desk of all that comes in without a processor: what is late, and what waits.
func (v *visit) offlineShow() error {
	view := v.recordPage(T(v.lang, "place.offline"), "/console/offline")
	view.Lead = T(v.lang, "offline.lead")
	list, err := v.offlineLate()
	if err != nil {
		return err
	}
	view.Grids = []grid{list}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// offlineLate lists what should have been done by now.
func (v *visit) offlineLate() (grid, error) {
	late, err := payments.Overdue(v.ctx(), v.s.DB, v.book, v.businessDay())
	if err != nil {
		return grid{}, err
	}
	list := grid{Title: T(v.lang, "offline.late"), Empty: T(v.lang, "offline.late.none"),
		Heads: v.heads("offline.late.what", "offline.record", "offline.late.since", "#offline.late.days", "#filter.amount")}
	for _, l := range late {
		sum := cell{}
		if l.Amount != 0 {
			sum = v.sumCell(l.Amount)
		}
		list.Rows = append(list.Rows, []cell{{Text: T(v.lang, "late."+l.Rule), Tag: "attention"}, {Text: l.Name, Href: objectPath(l.Object), User: true}, dayCell(l.Since),
			{Text: strconv.Itoa(l.Days)}, sum})
	}
	due, err := giving.PartsDue(v.ctx(), v.s.DB, v.book, v.businessDay().AddDate(0, 0, -1))
	if err != nil {
		return grid{}, err
	}
	for _, d := range due {
		list.Rows = append(list.Rows, []cell{{Text: T(v.lang, "late.pledge-part"), Tag: "attention"}, {Text: d.Pledge.Name() + " " + d.Pledge.Firm, Href: objectPath(d.Pledge.Object()), User: true},
			dayCell(d.Due), {Text: strconv.Itoa(v.daysSince(d.Due))}, v.sumCell(d.Part.Amount - d.Part.Received)})
	}
	return list, nil
}
