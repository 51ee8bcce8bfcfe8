package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

type streetListView struct {
	Page
	Rows                 []ledger.Street
	Funds                map[int32]int // how many funds each has
	Rename               int32         // the street whose names the form changes; zero: it adds one
	Code, NameZH, NameEN string
	Empty                Empty
}

// streetList shows the streets of the association, and below them one that is to be renamed.
func (v *visit) streetList() error {
	id := v.number("street")
	if id == 0 {
		return v.streetsAgain(http.StatusOK, ledger.Street{}, nil)
	}
	list, err := ledger.Streets(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.ID == id {
			return v.streetsAgain(http.StatusOK, s, nil)
		}
	}
	return ledger.ErrNoStreet
}

func (v *visit) streetsAgain(status int, typed ledger.Street, wrong Errors) error {
	view := streetListView{Page: v.consolePage(T(v.lang, "place.streets"), "/console/streets"), Funds: map[int32]int{}, Rename: typed.ID, Code: typed.Code, NameZH: typed.NameZH,
		NameEN: typed.NameEN, Empty: Empty{Text: T(v.lang, "streets.none")}}
	view.Errors, view.Path = wrong, "/console/streets"
	var err error
	if view.Rows, err = ledger.Streets(v.ctx(), v.s.DB, v.book); err != nil {
		return err
	}
	list, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.StreetID != nil {
			view.Funds[*f.StreetID]++
		}
	}
	return v.s.render.Render(v.Response(), status, "console/street_list", view)
}

// streetCreate adds a street; people are made its officers by a change of role.
func (v *visit) streetCreate() error {
	s := ledger.Street{Code: strings.ToLower(v.typed("code", 40)), NameZH: v.typed("name_zh", 100), NameEN: v.typed("name_en", 100)}
	wrong := v.streetNames(s)
	if !codePattern.MatchString(s.Code) {
		wrong.Add("code", T(v.lang, "streets.code.wrong"))
	}
	if len(wrong) > 0 {
		return v.streetsAgain(http.StatusUnprocessableEntity, s, wrong)
	}
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		made, err := ledger.CreateStreet(ctx, tx, v.book, s)
		if err != nil {
			return err
		}
		return v.record(tx, "street", "open", made.Code, "")
	})
	switch {
	case errors.Is(err, ledger.ErrCodeTaken):
		return v.streetsAgain(http.StatusUnprocessableEntity, s, Errors{{"code", T(v.lang, "streets.code.taken")}})
	case err != nil:
		return err
	}
	return v.see("/console/streets")
}

// streetNames says what is wrong with the names of a street.
func (v *visit) streetNames(s ledger.Street) (wrong Errors) {
	if s.NameZH == "" {
		wrong.Add("name_zh", T(v.lang, "streets.name.wrong"))
	}
	if s.NameEN == "" {
		wrong.Add("name_en", T(v.lang, "streets.name.wrong"))
	}
	return wrong
}

// streetRename changes the names of a street; its code stays.
func (v *visit) streetRename() error {
	s := ledger.Street{ID: v.number("street"), NameZH: v.typed("name_zh", 100), NameEN: v.typed("name_en", 100)}
	if wrong := v.streetNames(s); len(wrong) > 0 {
		return v.streetsAgain(http.StatusUnprocessableEntity, s, wrong)
	}
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		renamed, err := ledger.RenameStreet(ctx, tx, v.book, s)
		if err != nil {
			return err
		}
		return v.record(tx, "street", "rename", renamed.Code, "")
	})
	if err != nil {
		return err
	}
	return v.see("/console/streets")
}
