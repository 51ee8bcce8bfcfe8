package web

import (
	"net/http"
	"strconv"

	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/staff"
)

type letterListView struct {
	Page
	State, Street, Year string
	States, Streets     []Option
	Rows                []letterRow
	Caption             Caption
	First, Next         string
	Empty               Empty
	MayEnter            bool
	Facts               []Fact
}

// letterRow is a letter with its amounts.
type letterRow struct {
	Href, Name, Document, Fund, Street             string
	Status                                         cell
	Cap, Earned, Claimed, Received, Spent, Waiting cell
	Year                                           int16
}

// letterList shows the letters of the streets in sight.
func (v *visit) letterList() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view := letterListView{Page: v.consolePage(T(v.lang, "place.subsidies"), subsidiesPath), State: v.queried("state"), Street: v.queried("street"), Year: v.queried("year"),
		MayEnter: v.who.May(staff.SubsidyEnter), States: []Option{{Label: T(v.lang, "filter.all")}}, Streets: []Option{{Label: T(v.lang, "filter.all")}}}
	filter := subsidies.Filter{Limit: subsidies.LettersMax + 1}
	filter.All, filter.Streets = v.who.Streets()
	filter.Funds = v.who.Funds()
	for _, state := range []string{subsidies.Draft, subsidies.Open, subsidies.Lapsed, subsidies.Void} {
		view.States = append(view.States, Option{Value: state, Label: T(v.lang, "subsidy.state."+state)})
		if view.State == state {
			filter.State = state
		}
	}
	seen := map[int32]bool{}
	for _, f := range s.funds {
		if f.StreetID != nil && !seen[*f.StreetID] {
			seen[*f.StreetID] = true
			id := strconv.Itoa(int(*f.StreetID))
			view.Streets = append(view.Streets, Option{Value: id, Label: streets[*f.StreetID]})
			if view.Street == id {
				filter.Street = *f.StreetID
			}
		}
	}
	if filter.Street == 0 {
		view.Street = ""
	}
	if view.Year != "" {
		n, err := strconv.ParseInt(view.Year, 10, 16)
		if err != nil || n < 1990 || n > 2200 {
			view.Errors.Add("year", view.T("subsidy.year.filter"))
		}
		filter.Year = int16(n)
	}
	if before, err := cursorID(v.QueryParam("before")); err == nil && before != 0 {
		filter.Before, view.First = before, v.firstPage("before", true)
	}
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/subsidy_list", view)
	}
	csv := v.QueryParam("format") == "csv"
	if csv && v.looked() {
		return nil
	}
	list, more, err := v.letters(filter, csv)
	if err != nil {
		return err
	}
	if more {
		view.Next = v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))
	}
	for i := range list {
		l := &list[i]
		t, err := subsidies.TallyOf(v.ctx(), v.db(), v.book, l)
		if err != nil {
			return err
		}
		row := letterRow{Href: subsidiesPath + "/" + l.ID.String(), Name: l.Name(), Document: l.Document, Street: streets[l.StreetID], Status: v.letterState(l), Year: l.FiscalYear,
			Cap: v.sumCell(l.Cap), Earned: v.sumCell(t.Earned), Claimed: v.sumCell(l.Claimed), Received: v.sumCell(l.Received), Spent: v.sumCell(t.Spent), Waiting: v.sumCell(l.Claimable(t, v.businessDay()))}
		if fund := s.fund(l.FundID); fund != nil {
			row.Fund = fund.Name(string(v.lang))
		}
		view.Rows = append(view.Rows, row)
	}
	if csv {
		return v.letterCSV(list, view.Rows)
	}
	sums, err := subsidies.SumsOf(v.ctx(), v.s.DB, v.book, filter, v.businessDay())
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.sumFact("subsidy.sum.promised", sums.Promised), v.sumFact("subsidy.sum.claimable", sums.Claimable), v.sumFact("subsidy.sum.due", sums.Due)}
	view.Caption = Caption{Title: view.T("place.subsidies"), Unit: Unit(v.lang, v.book.Currency), Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "before", "")}}}
	view.Empty = Empty{Text: view.T("subsidy.none")}
	if view.MayEnter {
		view.Empty.Action = &Link{view.T("subsidy.new"), subsidiesPath + "/new"}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/subsidy_list", view)
}

// letters is a page of letters, or all of them, and whether there are more.
func (v *visit) letters(f subsidies.Filter, all bool) (list []subsidies.Letter, more bool, err error) {
	for {
		page, err := subsidies.Letters(v.ctx(), v.db(), v.book, f)
		if err != nil {
			return nil, false, err
		}
		if more = len(page) > subsidies.LettersMax; more {
			page = page[:subsidies.LettersMax]
			f.Before = page[len(page)-1].Number
		}
		if list = append(list, page...); !more || !all {
			return list, more, nil
		}
	}
}

func (v *visit) letterCSV(list []subsidies.Letter, rows []letterRow) error {
	out := v.newSheet("subsidies", "subsidy.number", "subsidy.document", "subsidy.street", "subsidy.fund", "subsidy.year", "person.state", "subsidy.committed", "subsidy.earned",
		"subsidy.claimed", "subsidy.received", "subsidy.spent", "subsidy.returned", "subsidy.lapsed", "subsidy.parallel")
	for i, r := range rows {
		l := list[i]
		out.row(r.Name, r.Document, r.Street, r.Fund, strconv.Itoa(int(r.Year)), r.Status.Text, *r.Cap.Sum, *r.Earned.Sum, *r.Claimed.Sum, *r.Received.Sum, *r.Spent.Sum,
			v.amount(l.Returned), v.amount(l.Lapsed), v.amount(l.Parallel))
	}
	return out.flush()
}

// letterForm is the page on which a letter is written down.
func (v *visit) letterForm() error { return v.letterFormAgain(http.StatusOK, nil) }

func (v *visit) letterFormAgain(status int, wrong Errors) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	enter, err := v.letterEnter(s)
	if err != nil {
		return err
	}
	title := T(v.lang, "act.letter-enter")
	view := recordView{Page: v.consolePage(title, subsidiesPath), Heading: title, Lead: T(v.lang, "subsidy.new.lead")}
	view.Errors, view.Path = wrong, subsidiesPath+"/new"
	if err := v.offer(&view, subsidiesPath, enter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}
