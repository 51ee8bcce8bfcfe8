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
	Code, NameZH, NameEN string
	Empty                Empty
}

// streetList shows the streets of the association.
func (v *visit) streetList() error { return v.streetsAgain(http.StatusOK, ledger.Street{}, nil) }

func (v *visit) streetsAgain(status int, typed ledger.Street, wrong Errors) error {
	view := streetListView{Page: v.consolePage(T(v.lang, "place.streets"), "/console/streets"), Funds: map[int32]int{}, Code: typed.Code, NameZH: typed.NameZH,
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
	var wrong Errors
	if s.NameZH == "" {
		wrong.Add("name_zh", T(v.lang, "streets.name.wrong"))
	}
	if s.NameEN == "" {
		wrong.Add("name_en", T(v.lang, "streets.name.wrong"))
	}
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
