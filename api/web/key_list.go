package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

// keyPage is how many keys one page lists.
const keyPage = 50

// keyLives are the lives offered for a new key, in days.
var keyLives = []int{90, 180, 365, 730}

type keyListView struct {
	Page
	Name   string
	Life   string
	Scopes []Option
	Lives  []Option
	Laps   []Option // days that an old key goes on working
	Rows   []keyRow
	First  string
	Next   string
	Empty  Empty
}

// keyRow is a program's key.
type keyRow struct {
	staff.Key
	By    string
	State string // live, replaced, revoked, expired
}

func (v *visit) keyList() error { return v.keysAgain(http.StatusOK, "", nil, "365", nil) }

func (v *visit) keysAgain(status int, name string, chosen []string, life string, wrong Errors) error {
	view := keyListView{Page: v.consolePage(T(v.lang, "place.keys"), "/console/keys"), Name: name, Life: life}
	view.Errors, view.Path, view.Empty = wrong, "/console/keys", Empty{Text: T(v.lang, "keys.empty")}
	for _, scope := range staff.Scopes() {
		view.Scopes = append(view.Scopes, Option{Value: string(scope), Label: view.T("scope." + string(scope)), Hint: string(scope),
			Chosen: slices.Contains(chosen, string(scope))})
	}
	for _, days := range keyLives {
		view.Lives = append(view.Lives, Option{Value: strconv.Itoa(days), Label: view.T("keys.days", days)})
	}
	for _, days := range keyOverlaps {
		view.Laps = append(view.Laps, Option{Value: strconv.Itoa(days), Label: view.T("keys.days", days)})
	}
	before, _ := uuid.Parse(v.QueryParam("before")) // anything else is the first page
	view.First = v.firstPage("before", before != uuid.Nil)
	keys, err := staff.Keys(v.ctx(), v.s.DB, v.book.ID, before, keyPage+1)
	if err != nil {
		return err
	}
	if len(keys) > keyPage {
		keys = keys[:keyPage]
		view.Next = v.with("before", keys[keyPage-1].ID.String())
	}
	names := newNames(v)
	for _, k := range keys {
		row := keyRow{Key: k, State: "live"}
		if row.By, err = names.of(k.CreatedBy); err != nil {
			return err
		}
		switch {
		case k.RevokedAt != nil:
			row.State = "revoked"
		case !v.now.Before(k.ExpiresAt):
			row.State = "expired"
		case k.Successor != nil:
			row.State = "replaced"
		}
		view.Rows = append(view.Rows, row)
	}
	return v.s.render.Render(v.Response(), status, "console/key_list", view)
}
