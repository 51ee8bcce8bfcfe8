package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/chart"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// approvalPage is how many requests one page lists.
const approvalPage = 50

// approvalRow is a request in a list.
type approvalRow struct {
	ID      string
	Summary string
	Kind    staff.Kind
	State   staff.ApprovalState
	Open    bool
	Maker   string
	At      time.Time
	Sum     money.Money
}

// Tag is the shape of the request's state.
func (r approvalRow) Tag() string {
	switch r.State {
	case staff.Open:
		return "waiting"
	case staff.Approved:
		return "done"
	case staff.Rejected:
		return "broken"
	}
	return "draft"
}

type approvalListView struct {
	Page
	Box   string
	Tabs  []NavItem
	Rows  []approvalRow
	Empty Empty
	First string
	Next  string
}

func (v *visit) approvalList() error {
	view := approvalListView{Page: v.consolePage(T(v.lang, "place.approvals"), "/console/approvals")}
	box := staff.Box(v.QueryParam("box"))
	if box != staff.ForMe && box != staff.Mine && box != staff.Done {
		box = staff.ForMe
		if !v.who.Decides() {
			box = staff.Mine
		}
	}
	for _, b := range []staff.Box{staff.ForMe, staff.Mine, staff.Done} {
		tab := NavItem{Label: view.T("box." + string(b)), Href: "/console/approvals?box=" + string(b), Here: b == box}
		if b == staff.ForMe {
			tab.Count = v.waiting()
		}
		view.Tabs = append(view.Tabs, tab)
	}
	view.Box = view.T("box." + string(box))
	view.Empty = Empty{Text: view.T("box." + string(box) + ".empty")}
	before, _ := uuid.Parse(v.QueryParam("before")) // anything else is the first page
	view.First = v.firstPage("before", before != uuid.Nil)
	list, err := staff.Approvals(v.ctx(), v.s.DB, v.who, box, before, approvalPage+1)
	if err != nil {
		return err
	}
	if len(list) > approvalPage {
		list = list[:approvalPage]
		view.Next = v.with("before", list[approvalPage-1].ID.String())
	}
	if view.Rows, err = v.approvalRows(list); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/approval_list", view)
}

func (v *visit) approvalRows(list []staff.Approval) ([]approvalRow, error) {
	names := newNames(v)
	rows := make([]approvalRow, len(list))
	for i, a := range list {
		var err error
		if rows[i], err = v.approvalRow(a, names); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (v *visit) approvalRow(a staff.Approval, names *names) (approvalRow, error) {
	maker, err := names.of(a.MadeBy)
	return approvalRow{ID: a.ID.String(), Summary: a.Summary, Kind: a.Kind, State: a.State, Open: a.State == staff.Open, Maker: maker,
		At: a.ChangedAt, Sum: v.amount(a.Amount)}, err
}

// debits is the sum of what the request debits, memo lines left out.
func (r asked) debits() (sum int64) {
	for _, l := range r.lines {
		if l.Amount > 0 && !chart.MustByID(l.Leaf.Chart).Memo() {
			sum += l.Amount
		}
	}
	return sum
}
