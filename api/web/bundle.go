package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

const bundlePath = "/console/bundle"

// bundleShow says what an auditor's bundle holds and how it is checked; one button makes it.
func (v *visit) bundleShow() error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.bundle"), bundlePath), Heading: T(v.lang, "place.bundle"), Lead: T(v.lang, "bundle.lead") + " " + T(v.lang, "bundle.make.rule")}
	position, err := ledger.Posted(v.ctx(), v.s.DB, v.book, 0)
	if err != nil {
		return err
	}
	view.Figure = v.asOf(position)
	g := grid{Title: T(v.lang, "bundle.files"), Heads: v.heads("bundle.file", "bundle.holds")}
	for _, name := range []string{reports.BundleReadme, reports.BundleEntries, reports.BundlePostings, reports.BundleAccounts, reports.BundleTrial, reports.BundleStatement, reports.BundleApprovals, reports.BundleDecisions,
		reports.BundlePapers, reports.BundleJournal, reports.BundleSums} {
		g.Rows = append(g.Rows, []cell{{Text: name}, {Text: T(v.lang, "bundle.holds."+name)}})
	}
	check := grid{Title: T(v.lang, "bundle.check"), Heads: v.heads("bundle.way", "bundle.command")}
	for _, command := range [][2]string{{"own", "sunfund verify --bundle FILE.zip"}, {"sums", "sha256sum -c SHA256SUMS"}, {"hledger", "hledger -f book.journal check --strict"}} {
		check.Rows = append(check.Rows, []cell{{Text: T(v.lang, "bundle.way."+command[0])}, {Text: command[1]}})
	}
	view.Grids = []grid{g, check}
	view.Links = []Link{{T(v.lang, "bundle.make"), bundlePath + "/file"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// bundleNoted leaves a line in the audit trail: who took the whole book along.
func (v *visit) bundleNoted(ctx context.Context, tx pgx.Tx) error {
	return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "bundle.make", Object: "book:" + v.book.Code})
}

// bundleMake sends the bundle as it is made: its length costs no memory.
func (v *visit) bundleMake() error {
	if v.Request().Method == http.MethodHead {
		v.Response().Header().Set("Content-Type", "application/zip")
		return v.NoContent(http.StatusOK) // nothing is made for who looks only
	}
	if err := v.inTx(v.bundleNoted); err != nil {
		return err
	}
	return pgx.BeginTxFunc(v.ctx(), v.s.DB, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := pg.EnterBook(v.ctx(), tx, v.book.ID); err != nil {
			return err
		}
		out := v.Response()
		out.Header().Set("Content-Type", "application/zip")
		out.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="bundle-%s-%s.zip"`, v.book.Code, ISODay(v.businessDay())))
		out.WriteHeader(http.StatusOK)
		return reports.WriteBundle(v.ctx(), tx, v.book, out)
	})
}
