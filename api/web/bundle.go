package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
)

const (
	bundlePath = "/console/bundle"
	bundleFile = bundlePath + "/file"
	bookFile   = bundlePath + "/book" // the whole book for another program
)

// bundleShow says what an auditor's bundle holds and how it is checked; one button makes it.
func (v *visit) bundleShow() error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.bundle"), bundlePath), Heading: T(v.lang, "place.bundle"), Lead: T(v.lang, "bundle.lead") + " " + T(v.lang, "bundle.make.rule")}
	position, err := ledger.Posted(v.ctx(), v.s.DB, v.book, 0)
	if err != nil {
		return err
	}
	view.Figure = v.asOf(position)
	runs, err := v.bundleRuns()
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "bundle.files"), Heads: v.heads("bundle.file", "bundle.holds")}
	for _, name := range []string{reports.BundleReadme, reports.BundleAbout, reports.BundleFunds, reports.BundleEntries, reports.BundlePostings, reports.BundleAccounts, reports.BundleTrial, reports.BundleStatement, reports.BundleApprovals, reports.BundleDecisions,
		reports.BundlePapers, reports.BundleJournal, reports.BundleSums} {
		g.Rows = append(g.Rows, []cell{{Text: name}, {Text: T(v.lang, "bundle.holds."+name)}})
	}
	check := grid{Title: T(v.lang, "bundle.check"), Heads: v.heads("bundle.way", "bundle.command")}
	for _, command := range [][2]string{{"own", "sunfund verify --bundle FILE.zip"}, {"sums", "sha256sum -c SHA256SUMS"}, {"hledger", "hledger -f book.journal check --strict"}} {
		check.Rows = append(check.Rows, []cell{{Text: T(v.lang, "bundle.way."+command[0])}, {Text: command[1]}})
	}
	books := grid{Title: T(v.lang, "exported.books"), Heads: v.heads("exported.program", "exported.says")}
	for _, k := range plainKinds {
		books.Rows = append(books.Rows, []cell{{Text: k.format, Href: address(bookFile, url.Values{"format": {k.format}})}, {Text: T(v.lang, "exported.says."+k.format)}})
	}
	view.Grids = []grid{runs, g, check, books}
	view.Links = []Link{{T(v.lang, "bundle.make"), bundleFile}, {T(v.lang, "exported.heading"), exportsPath}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// bundleRunsShown is how many bundles the page tells of.
const bundleRunsShown = 20

// bundleRuns tells which bundles were made, and how far those are that are being made.
func (v *visit) bundleRuns() (g grid, err error) {
	g = grid{Title: T(v.lang, "bundle.runs"), Empty: T(v.lang, "bundle.runs.none"), Heads: v.heads("bundle.started", "bundle.by", "bundle.state", "bundle.root")}
	runs, err := reports.ExportsFrom(v.ctx(), v.s.DB, v.book, bundleFile, bundleRunsShown)
	if err != nil {
		return g, err
	}
	names := newNames(v)
	for i := range runs {
		r := &runs[i]
		by, err := names.of(r.AskedBy)
		if err != nil {
			return g, err
		}
		state, root := v.exportState(r), cell{Text: orDash(r.Root)}
		switch s := r.State(v.now); {
		case r.Root != "":
			state = cell{Text: T(v.lang, "bundle.state.made")}
		case s == reports.RunGoes && r.Part != "":
			state = cell{Text: T(v.lang, "bundle.state.running", r.Part, r.Done, r.Total)}
		}
		when := cell{Text: When(v.lang, r.AskedAt, v.book.Zone)}
		if r.AskedBy == v.who.Person.ID {
			when.Href = exportHref(r.ID)
		}
		g.Rows = append(g.Rows, []cell{when, textCell(by), state, root})
	}
	return g, nil
}

// bundleOfAddress is the auditor's bundle. It is made by a run, so that its hash stands on the page.
func (v *visit) bundleOfAddress() (*download, error) {
	return &download{title: T(v.lang, "place.bundle"), name: fmt.Sprintf("bundle-%s-%s.zip", v.book.Code, ISODay(v.businessDay())), kind: "application/zip", run: true, audit: "bundle.make",
		count: func(q pg.Querier, limit int64) (int64, error) { return reports.EntriesUpTo(v.ctx(), q, v.book, limit) },
		write: func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (root string, err error) {
			_, root, err = reports.WriteBundle(ctx, q, v.book, w, func(p reports.BundleProgress) { tell(reports.Told{Part: p.File, Done: p.Done, Total: p.Entries}) })
			return root, err
		}}, nil
}

// bundleMake leads to the run that makes the bundle.
func (v *visit) bundleMake() error { return v.see(exportNewHref(bundleFile)) }
