package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

// monthsShown is how many months of a fund's movements its page lists.
const monthsShown = 12

type publicFundsView struct {
	Page
	Year                       string
	Street                     string
	Streets                    []Option
	Rows                       []publicFundRow
	Received, Spent, Available money.Money
	Caption                    Caption
}

// publicFundRow is one fund of the list.
type publicFundRow struct {
	Name, Href, Kind, Street   string
	Received, Spent, Available money.Money
}

// fundPublicList answers /funds?street=: what each fund took in, spent and has. Its totals are those of the home page.
func (v *visit) fundPublicList() error {
	view := publicFundsView{Page: v.page(T(v.lang, "funds.heading")), Year: v.yearFrom().Format("2006"), Street: v.typed("street", textMax)}
	if err := v.read(func(q pg.Querier) error { return v.readFundList(q, &view) }); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/funds", view)
}

func (v *visit) readFundList(q pg.Querier, view *publicFundsView) error {
	lang := string(v.lang)
	streets, err := ledger.Streets(v.ctx(), q, v.book)
	if err != nil {
		return err
	}
	names := map[int32]string{}
	var only int32
	view.Streets = []Option{{Value: "", Label: view.T("campaigns.street.all")}}
	for _, s := range streets {
		names[s.ID] = s.Name(lang)
		view.Streets = append(view.Streets, Option{Value: s.Code, Label: s.Name(lang)})
		if s.Code == view.Street {
			only = s.ID
		}
	}
	if only == 0 {
		view.Street = ""
	}
	sums, err := v.fundSums(q)
	if err != nil {
		return err
	}
	if only != 0 {
		sums = slices.DeleteFunc(sums, func(s fundSum) bool { return s.Fund.StreetID == nil || *s.Fund.StreetID != only })
	}
	for i := range sums {
		s := &sums[i]
		row := publicFundRow{
			Name: s.Fund.Name(lang), Href: fundHref(&s.Fund), Kind: view.T("fundpage.kind." + s.Fund.Kind),
			Received: v.amount(s.Received), Spent: v.amount(s.Spent), Available: v.amount(s.Available),
		}
		if s.Fund.StreetID != nil {
			row.Street = names[*s.Fund.StreetID]
		}
		view.Rows = append(view.Rows, row)
	}
	received, spent, available := totals(sums)
	view.Received, view.Spent, view.Available = v.amount(received), v.amount(spent), v.amount(available)
	position, err := ledger.Posted(v.ctx(), q, v.book, 0)
	view.Caption = Caption{Title: view.T("funds.caption"), Unit: Unit(v.lang, v.book.Currency), AsOf: v.asOf(position)}
	return err
}

// flowLine is the sum of one kind of income or expense.
type flowLine struct {
	Label string
	Sum   money.Money
	order int
}

// monthRow is what came and went in one month.
type monthRow struct {
	Month   string
	In, Out money.Money
}

type publicFundView struct {
	Page
	Name, Kind, Purpose       string
	Street                    *Link
	Available, Liquid         money.Money
	Committed, SetAside       money.Money
	AsOf                      *AsOf
	Earned, Used              []flowLine
	InSum, OutSum, Before     money.Money // Before is what the fund had when these books began
	Months                    []monthRow
	Chart                     Chart
	MonthsCaption, KindsTitle Caption
	Cards                     []campaignCard
	Spendings                 []spendingRow
	Happened                  []happening
	Charter                   *charterView
	Work                      []grid // projects, and what was paid for them
	Updates                   *updatesPart
}

// fundPublic answers /f/{code}: how much a fund has, where it came from and what it was used for.
func (v *visit) fundPublic() error {
	var view publicFundView
	if err := v.read(func(q pg.Querier) error { return v.readFund(q, &view) }); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/fund", view)
}

func (v *visit) readFund(q pg.Querier, view *publicFundView) error {
	lang := string(v.lang)
	fund, err := ledger.FundByCode(v.ctx(), q, v.book, v.Param("code"))
	if err != nil {
		return err
	}
	view.Page = v.page(fund.Name(lang))
	view.Crumbs = []Link{{view.T("funds.heading"), "/funds"}, {Label: fund.Name(lang)}}
	view.Name, view.Kind, view.Purpose = fund.Name(lang), view.T("fundpage.kind."+fund.Kind), fund.Purpose(lang)
	netAssets, err := v.readFundPosition(q, fund, view)
	if err != nil {
		return err
	}
	flows, err := ledger.Flows(v.ctx(), q, v.book, ledger.Day(1990, time.January, 1), v.book.Day(v.now), fund.ID)
	if err != nil {
		return err
	}
	v.fillFlows(flows, view)
	view.Before = v.amount(netAssets - view.InSum.Minor + view.OutSum.Minor)
	campaigns, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{FundID: fund.ID}, v.now, 0, campaignsShown)
	if err != nil {
		return err
	}
	if view.Cards, err = v.campaignCards(q, campaigns); err != nil {
		return err
	}
	if view.Charter, err = v.publicCharter(q, fund.ID); err != nil {
		return err
	}
	if view.Happened, err = v.happenings(q, fund.ID, false); err != nil {
		return err
	}
	if view.Work, err = v.fundWork(q, fund.ID); err != nil {
		return err
	}
	of := updatesOfFund(v.lang, fund)
	view.Feeds = v.feedsOf(of)
	if view.Updates, err = v.updatesPart(q, of); err != nil {
		return err
	}
	view.Spendings, err = v.spendings(q, fund.ID, spendingsShown, nil)
	return err
}

// fundWork are a fund's projects and the invoices that were paid for them; nothing where it has none.
func (v *visit) fundWork(q pg.Querier, fund int32) (grids []grid, err error) {
	list, err := projects.Board(v.ctx(), q, v.book, fund, boardShown)
	if err != nil {
		return nil, err
	}
	paid, err := projects.Outlay(v.ctx(), q, v.book, nil, fund, spendingsShown)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		grids = append(grids, v.boardGrid(list))
	}
	if len(paid) > 0 {
		grids = append(grids, v.outlayGrid(paid))
	}
	return grids, nil
}

func (v *visit) readFundPosition(q pg.Querier, fund *ledger.Fund, view *publicFundView) (netAssets int64, err error) {
	positions, err := ledger.Positions(v.ctx(), q, v.book, noDay)
	if err != nil {
		return 0, err
	}
	for _, p := range positions {
		if p.Fund.ID == fund.ID {
			netAssets = p.NetAssets
			view.Available, view.Liquid = v.amount(p.Available), v.amount(p.Liquid)
			view.Committed, view.SetAside = v.amount(p.Committed), v.amount(p.SetAside)
		}
	}
	if fund.StreetID != nil {
		streets, err := ledger.Streets(v.ctx(), q, v.book)
		if err != nil {
			return 0, err
		}
		for _, s := range streets {
			if s.ID == *fund.StreetID {
				view.Street = &Link{s.Name(string(v.lang)), "/funds?street=" + url.QueryEscape(s.Code)}
			}
		}
	}
	position, err := ledger.Posted(v.ctx(), q, v.book, fund.ID)
	view.AsOf = v.asOf(position)
	return netAssets, err
}

// fillFlows sums the movements by kind and by month.
func (v *visit) fillFlows(flows []ledger.Flow, view *publicFundView) {
	var in, out int64
	kinds := map[chart.ID]*flowLine{}
	months := map[time.Time]*monthRow{}
	var order []time.Time
	for _, f := range flows {
		line := kinds[f.Chart.ID]
		if line == nil {
			line = &flowLine{Label: f.Chart.Name(string(v.lang)), Sum: v.amount(0), order: len(kinds)}
			kinds[f.Chart.ID] = line
		}
		line.Sum.Minor += f.Amount
		month := months[f.Month]
		if month == nil {
			month = &monthRow{Month: f.Month.Format("2006-01"), In: v.amount(0), Out: v.amount(0)}
			months[f.Month] = month
			order = append(order, f.Month)
		}
		if f.Chart.Type == chart.Income {
			month.In.Minor += f.Amount
			in += f.Amount
		} else {
			month.Out.Minor += f.Amount
			out += f.Amount
		}
	}
	for id, line := range kinds {
		if chart.MustByID(id).Type == chart.Income {
			view.Earned = append(view.Earned, *line)
		} else {
			view.Used = append(view.Used, *line)
		}
	}
	byOrder := func(a, b flowLine) int { return cmp.Compare(a.order, b.order) }
	slices.SortFunc(view.Earned, byOrder)
	slices.SortFunc(view.Used, byOrder)
	view.InSum, view.OutSum = v.amount(in), v.amount(out)
	for i := len(order) - 1; i >= 0 && len(view.Months) < monthsShown; i-- {
		view.Months = append(view.Months, *months[order[i]])
	}
	view.Chart = v.fundMonths(view.Months)
	view.MonthsCaption = Caption{Title: view.T("fundpage.months"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.AsOf}
	view.KindsTitle = Caption{Title: view.T("fundpage.kinds"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.AsOf}
}

// fundMonths draws the months that the fund's table has, the oldest first.
func (v *visit) fundMonths(months []monthRow) Chart {
	c := Chart{ID: "months", Title: T(v.lang, "flow.months"), Axis: Unit(v.lang, v.book.Currency), Series: []string{T(v.lang, "flow.in"), T(v.lang, "flow.out")}, Head: T(v.lang, "fundpage.month"), Unit: v.book.Currency}
	var in, out int64
	for _, m := range slices.Backward(months) {
		c.Columns = append(c.Columns, ChartColumn{Label: m.Month, Short: m.Month[5:], Values: []int64{m.In.Minor, m.Out.Minor}})
		in, out = in+m.In.Minor, out+m.Out.Minor
	}
	if n := len(c.Columns); n > 0 {
		c.Desc = T(v.lang, "fundpage.months.desc", c.Columns[0].Label, c.Columns[n-1].Label, Amount(v.lang, v.amount(in)), Amount(v.lang, v.amount(out)))
	}
	return c
}
