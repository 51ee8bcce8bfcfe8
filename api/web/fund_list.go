package web

import (
	"net/http"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

type fundListView struct {
	Page
	On      string
	Caption Caption
	Rows    []fundRow
	Total   fundRow
	Empty   Empty
	MayOpen bool
	// MayApply: a fund for a purpose is applied for; only funds of the association itself are opened at once.
	MayApply bool
}

// fundRow is what a fund has and may spend.
type fundRow struct {
	ID                                                      int32
	Code, Name, Kind, Street                                string
	NetAssets, Cash, Liquid, Committed, SetAside, Available money.Money
}

func (v *visit) fundRow(p ledger.Position, streets map[int32]string) fundRow {
	r := fundRow{ID: p.Fund.ID, Code: p.Fund.Code, Name: p.Fund.Name(string(v.lang)), NetAssets: v.amount(p.NetAssets), Cash: v.amount(p.Cash),
		Liquid: v.amount(p.Liquid), Committed: v.amount(p.Committed), SetAside: v.amount(p.SetAside), Available: v.amount(p.Available)}
	if p.Fund.Kind != "" {
		r.Kind = T(v.lang, "fund.kind."+p.Fund.Kind)
	}
	if p.Fund.StreetID != nil {
		r.Street = streets[*p.Fund.StreetID]
	}
	return r
}

// positions are those of the funds in sight, now or at the end of a day, with their sum and the ledger position.
func (v *visit) positions(s *sight, day time.Time) (list []ledger.Position, sum ledger.Position, at int64, err error) {
	err = v.read(func(q pg.Querier) error {
		all, err := ledger.Positions(v.ctx(), q, v.book, day)
		if err != nil {
			return err
		}
		for _, p := range all {
			if s.fund(p.Fund.ID) == nil {
				continue
			}
			list = append(list, p)
			sum.NetAssets += p.NetAssets
			sum.Cash += p.Cash
			sum.Liquid += p.Liquid
			sum.Committed += p.Committed
			sum.SetAside += p.SetAside
			sum.Available += p.Available
		}
		at, err = ledger.Postings(v.ctx(), q, v.book)
		return err
	})
	return list, sum, at, err
}

// streets names the book's streets by id.
func (v *visit) streets() (map[int32]string, error) {
	list, err := ledger.Streets(v.ctx(), v.db(), v.book)
	if err != nil {
		return nil, err
	}
	names := make(map[int32]string, len(list))
	for _, s := range list {
		names[s.ID] = s.Name(string(v.lang))
	}
	return names, nil
}

func (v *visit) fundList() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view := fundListView{Page: v.consolePage(T(v.lang, "place.funds"), "/console/funds"), On: v.typed("on", 20), MayOpen: v.who.May(staff.FundWrite), MayApply: v.who.May(staff.FundApply)}
	day := v.dayField(&view.Page, "on")
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/fund_list", view)
	}
	list, sum, at, err := v.positions(s, day)
	if err != nil {
		return err
	}
	for _, p := range list {
		view.Rows = append(view.Rows, v.fundRow(p, streets))
	}
	view.Total = v.fundRow(sum, nil)
	if v.QueryParam("format") == "csv" {
		return v.fundCSV(view)
	}
	view.Figure = v.asOf(at)
	view.Caption = Caption{Title: view.T("place.funds"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.Figure,
		Exports: []Link{{view.T("table.csv"), v.with("format", "csv")}}}
	view.Empty = Empty{Text: view.T("funds.console.empty")}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/fund_list", view)
}

func (v *visit) fundCSV(view fundListView) error {
	out := v.newSheet("funds", "fund.code", "fund.name", "fund.kind", "fund.street", "fund.net", "fund.cash", "fund.liquid", "fund.committed",
		"fund.set-aside", "fund.available")
	for _, r := range view.Rows {
		out.row(r.Code, r.Name, r.Kind, r.Street, r.NetAssets, r.Cash, r.Liquid, r.Committed, r.SetAside, r.Available)
	}
	return out.flush()
}
