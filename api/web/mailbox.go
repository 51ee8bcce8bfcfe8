package web

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"sunfund/ledger/staff"
)

const (
	mailboxPath = "/console/mailbox"
	mailboxPage = 50
)

type mailboxView struct {
	Page
	Rows  []staff.Mail
	Next  string
	Empty Empty
}

// mailbox shows one's own letters, in a sandbox book: no mail leaves the demo.
func (v *visit) mailbox() error {
	if !v.book.Sandbox {
		return echo.ErrNotFound
	}
	view := mailboxView{Page: v.consolePage(T(v.lang, "place.mailbox"), mailboxPath), Empty: Empty{Text: T(v.lang, "mailbox.empty")}}
	before, _ := uuid.Parse(v.QueryParam("before")) // anything else is the first page
	list, err := staff.Mailbox(v.ctx(), v.s.DB, v.book.ID, v.who.Person.ID, before, mailboxPage+1)
	if err != nil {
		return err
	}
	if len(list) > mailboxPage {
		list = list[:mailboxPage]
		view.Next = v.with("before", list[mailboxPage-1].ID.String())
	}
	view.Rows = list
	return v.s.render.Render(v.Response(), http.StatusOK, "console/mailbox", view)
}
