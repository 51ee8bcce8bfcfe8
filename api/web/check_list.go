package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

const (
	checksPath = "/console/checks"
	monthPath  = "/console/periods/month"
	yearsPath  = "/console/years"
	// checksAtOnce is up to how many postings a page runs the checks of the night too; a larger book waits for them.
	checksAtOnce = 200_000
)

// checkTags are the states of a check that are tags; the others are words.
var checkTags = map[recon.State]string{recon.Green: "done", recon.Red: "broken", recon.Pending: "waiting"}

// checkList shows how each check stands: what is red first, with the rows and what to do.
func (v *visit) checkList() error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.checks"), checksPath), Heading: T(v.lang, "place.checks"), Lead: T(v.lang, "check.lead")}
	all, err := recon.Outcomes(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "check.all"), Heads: v.heads("check.code", "check.name", "person.state", "check.every", "check.at", "#check.compared", "#check.found")}
	red := 0
	for _, o := range all {
		if o.State == recon.Red {
			red++
			view.Grids = append(view.Grids, v.breakGrid(o))
		}
		at := "—"
		if !o.At.IsZero() {
			at = When(v.lang, o.At, v.book.Zone)
		}
		name := o.Name(string(v.lang))
		if lacks := o.Lacks(string(v.lang)); lacks != "" {
			name += T(v.lang, "check.lacks", lacks)
		}
		g.Rows = append(g.Rows, []cell{{Text: o.Code}, {Text: name}, {Text: T(v.lang, "check.state."+string(o.State)), Tag: checkTags[o.State]}, {Text: T(v.lang, "check.every."+string(o.Every))}, {Text: at},
			{Text: strconv.FormatInt(o.Compared, 10)}, {Text: strconv.FormatInt(o.Found, 10)}})
	}
	view.Grids = append(view.Grids, g)
	if red > 0 {
		view.Status, view.State = "broken", T(v.lang, "check.red", red)
	}
	if v.who.May(staff.EntryDraft) {
		view.Forms = []recordForm{{Act: "check-run", Action: checksPath, Form: newForm(), Title: T(v.lang, "check.run"), Rule: T(v.lang, "check.run.rule"), Button: T(v.lang, "check.run")}}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// breakGrid is a red check: its rows, and what to do next.
func (v *visit) breakGrid(o recon.Outcome) grid {
	g := grid{Title: o.Code + " · " + o.Name(string(v.lang)), Heads: v.heads("check.row", "check.next")}
	for _, b := range o.Breaks {
		g.Rows = append(g.Rows, []cell{{Text: b.Text(v.book, string(v.lang)), Href: breakPath(b), User: true}, {Text: o.Next(string(v.lang))}})
	}
	if rest := o.Found - int64(len(o.Breaks)); rest > 0 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "check.more", int(rest))}, {}})
	}
	return g
}

// breakPath is where what a row speaks of is shown; empty when it has no page.
func breakPath(b recon.Break) string {
	kind, id, _ := strings.Cut(b.Object, ":")
	switch kind {
	case "fund":
		return "/console/funds/" + id
	case "account":
		return "/console/accounts/" + id
	case "source":
		return statementsPath + "/" + id
	case "month":
		return monthPath + "?month=" + id
	case "year":
		return yearsPath + "?year=" + id
	case "payout":
		return "/console/payments"
	case "gift":
		return "/console/gifts?q=" + id
	}
	return objectPath(b.Object)
}

// checkRun runs the checks now; on a large book those of the night wait for the night.
func (v *visit) checkRun() error {
	if _, err := v.formID(); err != nil {
		return err
	}
	postings, err := ledger.Postings(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	every := []recon.Frequency{recon.Hourly}
	if postings <= checksAtOnce {
		every = nil
	}
	err = v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.RunChecks(ctx, tx, v.book, v.now, every...)
		return err
	})
	if err != nil {
		return err
	}
	return v.see(checksPath)
}

// reportGrids are a close report as lists: funds, checks, what was waived, breaks, files.
func (v *visit) reportGrids(r *recon.CloseReport) []grid {
	funds := grid{Title: T(v.lang, "close.funds"), Empty: T(v.lang, "close.funds.none"), Heads: v.heads("close.fund", "#fund.net", "#fund.cash", "#fund.available")}
	for _, f := range r.Funds {
		funds.Rows = append(funds.Rows, []cell{textCell(f.Code), v.sumCell(f.Net), v.sumCell(f.Cash), v.sumCell(f.Available)})
	}
	checks := grid{Title: T(v.lang, "close.checks"), Heads: v.heads("check.code", "check.name", "person.state", "check.row")}
	for _, c := range r.Checks {
		check := recon.CheckByCode(c.Code)
		if check == nil {
			continue
		}
		text := check.Lacks(string(v.lang))
		if len(c.Breaks) > 0 {
			text = c.Breaks[0].Text(v.book, string(v.lang))
			if c.Found > 1 {
				text += T(v.lang, "close.more", int(c.Found-1))
			}
		}
		checks.Rows = append(checks.Rows, []cell{{Text: c.Code}, {Text: check.Name(string(v.lang))}, {Text: T(v.lang, "check.state."+string(c.State)), Tag: checkTags[c.State]}, textCell(text)})
	}
	grids := []grid{funds, checks}
	if len(r.Waivers) > 0 {
		g := grid{Title: T(v.lang, "close.waivers"), Heads: v.heads("check.code", "close.reason", "close.by")}
		for _, w := range r.Waivers {
			code := w.Code
			if code == recon.OpenBreaks {
				code = T(v.lang, "close.breaks")
			}
			g.Rows = append(g.Rows, []cell{{Text: code}, textCell(w.Reason), textCell(w.By)})
		}
		grids = append(grids, g)
	}
	breaks := grid{Title: T(v.lang, "close.breaks"), Empty: T(v.lang, "close.breaks.none"), Heads: v.heads("close.type", "close.day", "#filter.amount", "person.state")}
	for _, b := range r.Breaks {
		breaks.Rows = append(breaks.Rows, []cell{{Text: b.Type}, {Text: b.Day}, {Sum: &money.Money{Minor: b.Amount, Currency: b.Currency}}, {Text: T(v.lang, "break.state."+b.State)}})
	}
	files := grid{Title: T(v.lang, "close.files"), Empty: T(v.lang, "close.files.none"), Heads: v.heads("recon.name", "recon.file", "person.state", "close.hash")}
	for _, f := range r.Files {
		files.Rows = append(files.Rows, []cell{textCell(f.Source), textCell(f.Name), v.fileState(f.State), {Text: f.Hash}})
	}
	return append(append(grids, v.bankGrids(r)...), breaks, files)
}

// bankGrids are the bank accounts of a report beside their statements, and what makes the difference; nothing when none is tied to the book.
func (v *visit) bankGrids(r *recon.CloseReport) []grid {
	if len(r.Banks) == 0 {
		return nil
	}
	banks := grid{Title: T(v.lang, "close.banks"), Heads: v.heads("recon.name", "recon.chart", "recon.through", "#close.bank.book", "#close.bank.statement", "#close.bank.outstanding", "#close.bank.left")}
	items := grid{Title: T(v.lang, "close.items"), Empty: T(v.lang, "close.items.none"), Heads: v.heads("check.row")}
	for i := range r.Banks {
		b := &r.Banks[i]
		banks.Rows = append(banks.Rows, []cell{textCell(b.Name), {Text: v.accountName(b.Chart)}, {Text: b.Day}, v.sumCell(b.Ledger), v.sumCell(b.Statement), v.sumCell(b.ItemsSum), v.sumCell(b.Unexplained)})
		list := b.Outstanding()
		for j := range list {
			items.Rows = append(items.Rows, []cell{textCell(list[j].Text(v.book, string(v.lang)))})
		}
		if more := int(b.ItemsAll) - len(list); more > 0 {
			items.Rows = append(items.Rows, []cell{textCell(b.Name + T(v.lang, "close.more", more))})
		}
	}
	return []grid{banks, items}
}
