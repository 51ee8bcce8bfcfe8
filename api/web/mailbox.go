package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

const (
	mailboxPath = "/console/mailbox"
	mailboxPage = 50
)

type mailboxView struct {
	Page
	Rows  []staff.Mail
	First string
	Next  string
	Empty Empty

	Donors []donorLetter // for who may read donors' data
}

type donorLetter struct {
	LetterText
	MadeAt time.Time
}

// mailbox shows one's own letters, in a sandbox book: no mail leaves the demo.
func (v *visit) mailbox() error {
	if !v.book.Sandbox {
		return echo.ErrNotFound
	}
	view := mailboxView{Page: v.consolePage(T(v.lang, "place.mailbox"), mailboxPath), Empty: Empty{Text: T(v.lang, "mailbox.empty")}}
	before, _ := uuid.Parse(v.QueryParam("before")) // anything else is the first page
	view.First = v.firstPage("before", before != uuid.Nil)
	list, err := staff.Mailbox(v.ctx(), v.s.DB, v.book.ID, v.who.Person.ID, before, mailboxPage+1)
	if err != nil {
		return err
	}
	if len(list) > mailboxPage {
		list = list[:mailboxPage]
		view.Next = v.with("before", list[mailboxPage-1].ID.String())
	}
	view.Rows = list
	if v.who.May(staff.DonorRead) && before == uuid.Nil {
		if view.Donors, err = v.donorLetters(); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/mailbox", view)
}

// donorLetters are the latest letters to donors, without their addresses.
func (v *visit) donorLetters() (rows []donorLetter, err error) {
	list, err := giving.Letters(v.ctx(), v.s.DB, v.book, uuid.Nil, mailboxPage)
	if err != nil {
		return nil, err
	}
	for _, l := range list {
		text, err := WriteLetter(v.ctx(), v.s.DB, v.book, l)
		if err != nil {
			return nil, err
		}
		rows = append(rows, donorLetter{text, l.MadeAt})
	}
	return rows, nil
}
