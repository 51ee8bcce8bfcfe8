package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/funds"
)

type availableView struct {
	Page
	Heading string
	Here    string
	On, Try string
	Caption Caption
	Lines   []sumLine
	Later   []sumLine
	Answer  string
	Enough  bool
	Fund    Link
	CSV     string
}

// fundAvailable answers why a fund may spend just so much: from cash to available, line by line, each leading to its entries; for any day, and
// for an amount that somebody thinks of.
func (v *visit) fundAvailable() error {
	fund, err := v.fundOfPath()
	if err != nil {
		return err
	}
	here := "/console/funds/" + strconv.Itoa(int(fund.ID))
	view := availableView{Page: v.consolePage(T(v.lang, "available.heading"), "/console/funds"), Heading: fund.Name(string(v.lang)), Here: here + "/available", On: v.typed("on", 20), Try: v.typed("try", 40),
		Fund: Link{fund.Name(string(v.lang)), here}, CSV: v.with("format", "csv")}
	day := v.dayField(&view.Page, "on")
	wanted := v.amountField(&view.Page, "try")
	status := http.StatusOK
	if len(view.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	var e *funds.Explained
	err = v.read(func(q pg.Querier) error {
		if e, err = funds.Explain(v.ctx(), q, v.book, fund.ID, day); err != nil {
			return err
		}
		at, err := ledger.Postings(v.ctx(), q, v.book)
		view.Figure = v.asOf(at)
		return err
	})
	if err != nil {
		return err
	}
	view.Lines = v.availableLines(fund.ID, e, day)
	for _, p := range e.Later {
		view.Later = append(view.Later, v.partLine(fund.ID, p, day))
	}
	if view.Try != "" && len(view.Errors) == 0 {
		view.Enough = wanted <= e.Available
		if view.Answer = T(v.lang, "available.enough", v.amount(e.Available-wanted)); !view.Enough {
			view.Answer = v.shortWhy(e, wanted)
		}
	}
	if v.QueryParam("format") == "csv" && status == http.StatusOK {
		out := v.newSheet("available", "available.sign", "available.line", "filter.amount")
		for _, l := range view.Lines {
			out.row(l.Sign, l.Label, l.Amount)
		}
		return out.flush()
	}
	view.Caption = Caption{Title: view.T("available.heading"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.Figure}
	return v.s.render.Render(v.Response(), status, "console/available", view)
}

// availableLines are the steps from cash to available. Accounts of one group stand together; the sums are those of the parts above them.
func (v *visit) availableLines(fund int32, e *funds.Explained, day time.Time) (lines []sumLine) {
	for _, group := range []string{"cash", "due", "owed", "between"} {
		for _, p := range e.Parts {
			if p.Group == group {
				lines = append(lines, v.partLine(fund, p, day))
			}
		}
	}
	lines = append(lines, v.sumTotal("fund.liquid", e.Liquid))
	for _, p := range e.Parts {
		if p.Group == "enc" || p.Group == "resv" {
			lines = append(lines, v.partLine(fund, p, day))
		}
	}
	if len(lines) > 0 && !lines[0].Total && lines[0].Sign == "＋" {
		lines[0].Sign = ""
	}
	return append(lines, v.sumTotal("fund.available", e.Available))
}

// partLine is one account's share, with the entries that made it.
func (v *visit) partLine(fund int32, p funds.Part, day time.Time) sumLine {
	query := url.Values{"fund": {strconv.Itoa(int(fund))}, "chart": {v.code(p.Chart) + " " + p.Chart.Name(string(v.lang))}}
	if !day.IsZero() {
		query.Set("to", ISODay(day))
	}
	l := sumLine{Sign: "＋", Label: v.code(p.Chart) + " " + p.Chart.Name(string(v.lang)), Note: T(v.lang, "available.group."+p.Group), Href: address("/console/entries", query), Amount: v.amount(p.Amount)}
	if p.Amount < 0 {
		l.Sign, l.Amount.Minor = "－", -p.Amount
	}
	return l
}

// shortWhy says by how much an amount is short, and which line takes most.
func (v *visit) shortWhy(e *funds.Explained, wanted int64) string {
	text := T(v.lang, "available.short", v.amount(wanted-e.Available), v.amount(wanted), v.amount(e.Available))
	var most *funds.Part
	for i := range e.Parts {
		if p := &e.Parts[i]; p.Amount < 0 && (most == nil || p.Amount < most.Amount) {
			most = p
		}
	}
	if most != nil {
		text += " " + T(v.lang, "available.most", v.code(most.Chart)+" "+most.Chart.Name(string(v.lang)), v.amount(-most.Amount))
	}
	return text
}

// fundCharterLink leads from a fund to its file; empty when it has none.
func (v *visit) fundCharterLink(q pg.Querier, fund int32) (*Link, string, error) {
	c, err := funds.CharterOf(v.ctx(), q, v.book, fund)
	if errors.Is(err, funds.ErrNoCharter) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	uses, err := v.purposeNames(c.Terms.Purposes)
	return &Link{T(v.lang, "fundfile.charter", int(c.Version)), fundFilesPath + "/" + c.File.String()}, uses, err
}
