package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

type fundView struct {
	Page
	Row      fundRow
	Purpose  string
	Sum      []sumLine
	Entries  []entryRow
	Happened []happening
	Journal  string
	Trial    string
	Public   string
	Why      string // where the available sum is explained
	Charter  *Link  // nil: none yet
	Uses     string // what the charter lets it be spent on
	Apply    string // where a charter is applied for
}

// sumLine is one step on the way to what a fund may spend.
type sumLine struct {
	Sign   string // ＋ － ＝
	Label  string
	Note   string
	Href   string
	Amount money.Money // without its sign: the sign stands before the label
	Total  bool
}

// fundOfPath is the fund of the address, if it is in sight.
func (v *visit) fundOfPath() (*ledger.Fund, error) {
	id, err := v.numberParam()
	if err != nil {
		return nil, err
	}
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	fund := s.fund(id)
	if fund == nil {
		return nil, ledger.ErrNoFund
	}
	return fund, nil
}

func (v *visit) fundShow() error {
	fund, err := v.fundOfPath()
	if err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view := fundView{Page: v.consolePage(fund.Name(string(v.lang)), "/console/funds"), Purpose: fund.Purpose(string(v.lang)), Public: "/f/" + fund.Code}
	query := url.Values{"fund": {strconv.Itoa(int(fund.ID))}}
	view.Why = "/console/funds/" + strconv.Itoa(int(fund.ID)) + "/available"
	if v.who.May(staff.FundApply) && fund.Kind != ledger.General && fund.Kind != ledger.Designated {
		view.Apply = fundFilesPath + "/test"
	}
	view.Journal, view.Trial = address("/console/entries", query), address("/console/trial-balance", query)
	err = v.read(func(q pg.Querier) error {
		positions, err := ledger.Positions(v.ctx(), q, v.book, time.Time{})
		if err != nil {
			return err
		}
		for _, p := range positions {
			if p.Fund.ID == fund.ID {
				view.Row = v.fundRow(p, streets)
				if view.Sum, err = v.available(q, p); err != nil {
					return err
				}
			}
		}
		if view.Charter, view.Uses, err = v.fundCharterLink(q, fund.ID); err != nil {
			return err
		}
		if view.Happened, err = v.happenings(q, fund.ID, true); err != nil {
			return err
		}
		page, err := ledger.Journal(v.ctx(), q, v.book, ledger.JournalFilter{Fund: fund.ID, Funds: []int32{fund.ID}, Limit: 10})
		if err != nil {
			return err
		}
		for _, r := range page.Entries {
			view.Entries = append(view.Entries, v.entryRow(r))
		}
		at, err := ledger.Postings(v.ctx(), q, v.book)
		view.Figure = v.asOf(at)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/fund_show", view)
}

// available explains what the fund may spend: each step is a sum of accounts and leads to them.
func (v *visit) available(q pg.Querier, p ledger.Position) ([]sumLine, error) {
	today := v.businessDay()
	rows, err := ledger.TrialBalance(v.ctx(), q, v.book, today, ledger.Day(2200, time.December, 31), p.Fund.ID, false)
	if err != nil {
		return nil, err
	}
	var lines []sumLine
	for _, part := range []struct {
		key     string
		belongs func(chart.Account) bool
	}{
		{"fund.sum.cash", func(a chart.Account) bool { return a.CashLike }},
		{"fund.sum.due", func(a chart.Account) bool { return a.Type == chart.Asset && !a.CashLike }},
		{"fund.sum.owed", func(a chart.Account) bool { return a.Type == chart.Liability }},
		{"fund.sum.between", func(a chart.Account) bool { return a.Type == chart.Internal }},
	} {
		var sum int64
		for _, r := range rows {
			if r.Chart.Liquid != 0 && r.Currency == v.book.Currency && part.belongs(r.Chart) {
				sum += r.Closing * int64(r.Chart.Liquid)
			}
		}
		if sum != 0 || len(lines) == 0 {
			lines = append(lines, v.sumLine(part.key, sum, p.Fund.ID, ""))
		}
	}
	lines[0].Sign = ""
	return append(lines, v.sumTotal("fund.liquid", p.Liquid),
		v.sumLine("fund.committed", -p.Committed, p.Fund.ID, "enc"),
		v.sumLine("fund.set-aside", -p.SetAside, p.Fund.ID, "resv"),
		v.sumTotal("fund.available", p.Available)), nil
}

func (v *visit) sumLine(key string, amount int64, fund int32, id chart.ID) sumLine {
	query := url.Values{"fund": {strconv.Itoa(int(fund))}}
	if id != "" {
		query.Set("q", v.code(chart.MustByID(id)))
	}
	l := sumLine{Sign: "＋", Label: T(v.lang, key), Note: T(v.lang, key+".note"), Href: address("/console/accounts", query), Amount: v.amount(amount)}
	if amount < 0 || id != "" {
		l.Sign, l.Amount.Minor = "－", -amount
	}
	return l
}

func (v *visit) sumTotal(key string, amount int64) sumLine {
	return sumLine{Sign: "＝", Label: T(v.lang, key), Amount: v.amount(amount), Total: true}
}
