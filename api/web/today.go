package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// todayMost is how many lines each list of the first page shows.
const todayMost = 8

type todayView struct {
	Page
	Hello   string
	Day     time.Time
	ForMe   []approvalRow
	Mine    []approvalRow // that still wait for somebody
	Back    []approvalRow // of one's own that were rejected lately
	Funds   []fundRow
	Total   fundRow
	Entries []entryRow
	Late    int  // records of offline gifts with which something should have been done by now
	Jobs    int  // that fail or are late
	Quiet   bool // nothing waits
	NoRole  bool // holds no role, so sees nothing yet
	Admin   bool
	Draft   bool
	Recon   *reconToday // nil: sees not the whole book
}

// today says what waits for this person, and how things stand.
func (v *visit) today() error {
	if v.who.May(staff.OwnWork) && !v.who.May(staff.FundRead) { // an organisation's person has a first page of its own
		return v.see(providerPath)
	}
	view := todayView{Page: v.consolePage(T(v.lang, "place.today"), "/console"), Hello: v.who.Person.Name(string(v.lang)), Day: v.businessDay(),
		Admin: v.who.May(staff.PeopleAdmin), Draft: v.who.May(staff.EntryDraft), NoRole: len(v.who.Roles) == 0}
	if err := v.todayRequests(&view); err != nil {
		return err
	}
	if v.who.May(staff.FundRead) {
		if err := v.todayFigures(&view); err != nil {
			return err
		}
	}
	if v.who.May(staff.OfflineWrite) {
		late, err := v.offlineLate()
		if err != nil {
			return err
		}
		view.Late = len(late.Rows)
	}
	recon, err := v.todayRecon()
	if err != nil {
		return err
	}
	if view.Recon = recon; recon == nil && v.who.May(staff.JobRead) {
		view.Jobs = v.jobAlarms()
	}
	view.Quiet = (recon == nil || len(recon.Todo)+len(recon.Halts) == 0) && len(view.ForMe)+len(view.Mine)+len(view.Back)+view.Late+view.Jobs == 0
	return v.s.render.Render(v.Response(), http.StatusOK, "console/today", view)
}

func (v *visit) todayRequests(view *todayView) error {
	forMe, err := staff.Approvals(v.ctx(), v.s.DB, v.who, staff.ForMe, uuid.Nil, todayMost)
	if err != nil {
		return err
	}
	mine, err := staff.Approvals(v.ctx(), v.s.DB, v.who, staff.Mine, uuid.Nil, 50)
	if err != nil {
		return err
	}
	if view.ForMe, err = v.approvalRows(forMe); err != nil {
		return err
	}
	rows, err := v.approvalRows(mine)
	if err != nil {
		return err
	}
	for i, r := range rows {
		recent := mine[i].DecidedAt != nil && v.now.Sub(*mine[i].DecidedAt) < 7*24*time.Hour
		switch {
		case r.Open && len(view.Mine) < todayMost:
			view.Mine = append(view.Mine, r)
		case r.State == staff.Rejected && recent && len(view.Back) < todayMost:
			view.Back = append(view.Back, r)
		}
	}
	return nil
}

func (v *visit) todayFigures(view *todayView) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	list, sum, at, err := v.positions(s, time.Time{})
	if err != nil {
		return err
	}
	for _, p := range list {
		if len(view.Funds) < todayMost {
			view.Funds = append(view.Funds, v.fundRow(p, streets))
		}
	}
	view.Total, view.Figure = v.fundRow(sum, nil), v.asOf(at)
	if !v.who.May(staff.EntryRead) {
		return nil
	}
	return v.read(func(q pg.Querier) error {
		page, err := ledger.Journal(v.ctx(), q, v.book, ledger.JournalFilter{Funds: s.ids(), Limit: todayMost})
		if err != nil {
			return err
		}
		for _, r := range page.Entries {
			view.Entries = append(view.Entries, v.entryRow(r))
		}
		return nil
	})
}
