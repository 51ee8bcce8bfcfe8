package web

import (
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

const (
	auditPage = 100
	auditMost = 200 // rows read at a time for a file
)

// auditWords are the beginnings of what events are called, in the order in which the filter offers them.
var auditWords = []string{"approval", "denied", "campaign", "fund", "street", "role", "rule", "person", "session", "sign_in", "key", "month", "payee", "widget", "export", "offline", "attachment", "personal", "donation_receipt", "rate", "passkey", "recovery", "identity", "job"}

type auditListView struct {
	Page
	Q, What, Object, From, To string
	Whats                     []Option
	Caption                   Caption
	Rows                      []auditRow
	First, Next               string
	Empty                     Empty
}

// auditRow is one line of the audit trail.
type auditRow struct {
	staff.Event
	Name  string // of who
	Words string // what, in words
	About Link   // to what
	More  string // detail, in words
}

// auditList searches who did, decided and tried what. It is kept in files too.
func (v *visit) auditList() error {
	view := auditListView{Page: v.consolePage(T(v.lang, "place.audit"), "/console/audit"), Q: v.typed("q", 64), What: v.typed("what", 40),
		Object: v.typed("object", textMax), From: v.typed("from", 20), To: v.typed("to", 20)}
	view.Whats = []Option{{Value: "", Label: view.T("filter.all")}}
	for _, word := range auditWords {
		view.Whats = append(view.Whats, Option{Value: word, Label: view.T("audit." + word)})
	}
	filter := staff.EventFilter{What: view.What, Object: view.Object, From: v.startOf(v.dayField(&view.Page, "from")), Limit: auditPage + 1}
	if to := v.dayField(&view.Page, "to"); !to.IsZero() {
		checkSpan(&view.Page, filter.From, v.startOf(to))
		filter.To = v.startOf(to.AddDate(0, 0, 1))
	}
	if view.Q != "" {
		who, err := staff.ByLogin(v.ctx(), v.db(), v.book.ID, view.Q)
		if errors.Is(err, staff.ErrNoPerson) {
			view.Errors.Add("q", view.T("audit.who.wrong"))
		} else if err != nil {
			return err
		}
		filter.Who = who.ID
	}
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/audit_list", view)
	}
	if v.QueryParam("format") == "csv" {
		return v.auditCSV(filter)
	}
	filter.Before, _ = uuid.Parse(v.QueryParam("before")) // anything else is the first page
	view.First = v.firstPage("before", filter.Before != uuid.Nil)
	events, err := staff.Events(v.ctx(), v.s.DB, v.book.ID, filter)
	if err != nil {
		return err
	}
	if len(events) > auditPage {
		events = events[:auditPage]
		view.Next = v.with("before", events[auditPage-1].ID.String())
	}
	names := newNames(v)
	for _, e := range events {
		row, err := v.auditRow(e, names)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	view.Caption = Caption{Title: view.T("place.audit"), Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "before", "")}}}
	view.Empty = Empty{Text: view.T("audit.empty"), Action: &Link{view.T("filter.clear"), "/console/audit"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/audit_list", view)
}

func (v *visit) auditRow(e staff.Event, names *names) (row auditRow, err error) {
	row.Event = e
	if row.Name, err = names.of(e.Who); err != nil {
		return row, err
	}
	row.Words, row.More = auditWhat(v.lang, e.What), v.auditDetail(e)
	row.About, err = v.auditObject(e, names)
	return row, err
}

func (v *visit) auditCSV(filter staff.EventFilter) error {
	out := v.newSheet("audit", "audit.at", "audit.who", "audit.what", "audit.object", "audit.reason", "audit.before", "audit.after", "audit.detail", "audit.request",
		"audit.ip")
	names := newNames(v)
	filter.Limit = auditMost
	for {
		events, err := staff.Events(v.ctx(), v.db(), v.book.ID, filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			row, err := v.auditRow(e, names)
			if err != nil {
				return err
			}
			var ip string
			if e.IP.IsValid() {
				ip = e.IP.String()
			}
			out.row(Stamp(e.At, v.book.Zone), row.Name, e.What, e.Object, e.Reason, hex.EncodeToString(e.Before), hex.EncodeToString(e.After), row.More, e.Request, ip)
		}
		if err := out.flush(); err != nil || len(events) < auditMost {
			return err
		}
		filter.Before = events[len(events)-1].ID
	}
}
