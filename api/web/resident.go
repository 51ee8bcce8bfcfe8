package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// residentPath is where a resident enters the code that the street gave.
const residentPath = "/resident"

const residentCookie = "sunfund_resident"

// resident is whose code was entered in this browser, or residents.ErrNoSession.
func (v *visit) resident(q pg.Querier) (*residents.Resident, error) {
	token := cookie(v.Context, v.donorCookie(residentCookie))
	if token == "" {
		return nil, residents.ErrNoSession
	}
	return residents.Here(v.ctx(), q, v.book, token, v.now)
}

type residentView struct {
	Page
	Code, Next string
	Community  string // of the resident who is here; empty: the form asks for the code
}

// residentNext is where the code leads: an address of ours, or the list of votes.
func (v *visit) residentNext() string {
	if next := backPath(v.FormValue("next")); strings.HasPrefix(next, "/vote/") || strings.HasPrefix(next, "/needs") || strings.HasPrefix(next, "/calls/") {
		return next
	}
	return votesPath
}

// residentForm answers /resident: the form for a code, or whose code is entered here.
func (v *visit) residentForm() error { return v.residentAgain(http.StatusOK, nil) }

func (v *visit) residentAgain(status int, wrong Errors) error {
	v.private()
	view := residentView{Page: v.page(T(v.lang, "resident.heading")), Next: v.residentNext()}
	view.Errors, view.Path = wrong, residentPath
	r, err := v.resident(v.s.DB)
	switch {
	case err == nil:
		c, err := residents.CommunityByID(v.ctx(), v.s.DB, v.book, r.CommunityID)
		if err != nil {
			return err
		}
		view.Community = c.Name(string(v.lang))
	case !errors.Is(err, residents.ErrNoSession):
		return err
	}
	return v.s.render.Render(v.Response(), status, "public/resident", view)
}

// residentEnter takes the code. Every wrong one is answered alike, and they are counted.
func (v *visit) residentEnter() error {
	v.private()
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.CodeForm, "", v.ip(), v.now); err != nil {
		return err
	}
	var token string
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		token, err = residents.Enter(v.ctx(), tx, v.book, v.typed("code", 40), v.now)
		return err
	})
	if errors.Is(err, residents.ErrNoCode) {
		return v.residentAgain(http.StatusUnprocessableEntity, Errors{{"code", T(v.lang, "resident.code.wrong")}})
	}
	if err != nil {
		return err
	}
	v.keepDonorCookie(residentCookie, token, int(residents.SessionLife.Seconds()))
	return v.see(v.residentNext())
}

// residentLeave forgets the code in this browser.
func (v *visit) residentLeave() error {
	v.private()
	if token := cookie(v.Context, v.donorCookie(residentCookie)); token != "" {
		if err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return residents.Leave(v.ctx(), tx, v.book, token) }); err != nil {
			return err
		}
	}
	v.keepDonorCookie(residentCookie, "", -1)
	return v.see(residentPath)
}
