package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"
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
	view.Grids = []grid{runs, g, check}
	view.Links = []Link{{T(v.lang, "bundle.make"), bundlePath + "/file"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// bundleWait is how long a file of the bundle, or fifty thousand entries of it, may take to be written: the server's own limit is for pages.
const bundleWait = 30 * time.Minute

// bundleRunsShown is how many bundles the page tells of.
const bundleRunsShown = 20

// bundleRuns tells which bundles were made, and how far those are that are being made: a page that has one looks again by itself.
func (v *visit) bundleRuns() (g grid, err error) {
	g = grid{Title: T(v.lang, "bundle.runs"), Empty: T(v.lang, "bundle.runs.none"), Heads: v.heads("bundle.started", "bundle.by", "bundle.state", "bundle.root")}
	runs, err := reports.BundleRuns(v.ctx(), v.s.DB, v.book, bundleRunsShown)
	if err != nil {
		return g, err
	}
	names := newNames(v)
	for i := range runs {
		r := &runs[i]
		by, err := names.of(r.MadeBy)
		if err != nil {
			return g, err
		}
		state, root := cell{Text: T(v.lang, "bundle.state.made")}, cell{Text: "—"}
		switch {
		case r.Root != "":
			root.Text = r.Root
		case r.Running(v.now):
			state = cell{Text: T(v.lang, "bundle.state.running", orDash(r.File), r.Done, r.Entries)}
			v.Response().Header().Set("Refresh", "5")
		default:
			state = cell{Text: T(v.lang, "bundle.state.broken"), Tag: "broken"}
		}
		g.Rows = append(g.Rows, []cell{{Text: When(v.lang, r.StartedAt, v.book.Zone)}, textCell(by), state, root})
	}
	return g, nil
}

// bundleNoted leaves a line in the audit trail: who took the whole book along.
func (v *visit) bundleNoted(ctx context.Context, tx pgx.Tx, run uuid.UUID) error {
	if err := reports.StartBundle(ctx, tx, v.book, reports.BundleRun{ID: run, MadeBy: v.who.Person.ID, StartedAt: v.now}); err != nil {
		return err
	}
	return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "bundle.make", Object: "book:" + v.book.Code})
}

// bundleMake makes the bundle in a file and sends it once it is whole: what breaks off is an error and no torn file. How far it is stands on the page meanwhile.
func (v *visit) bundleMake() error {
	if v.Request().Method == http.MethodHead {
		v.Response().Header().Set("Content-Type", "application/zip")
		return v.NoContent(http.StatusOK) // nothing is made for who looks only
	}
	run := uuid.Must(uuid.NewV7())
	if err := v.inTx(func(ctx context.Context, tx pgx.Tx) error { return v.bundleNoted(ctx, tx, run) }); err != nil {
		return err
	}
	file, info, root, err := v.bundleWritten(run)
	ended := reports.EndBundle(context.WithoutCancel(v.ctx()), v.s.DB, v.book, run, v.s.Now(), info, root) // also when the browser has gone
	if err != nil {
		return errors.Join(err, ended)
	}
	if ended != nil {
		return errors.Join(ended, file.Close())
	}
	return v.sendFile(file, fmt.Sprintf("bundle-%s-%s.zip", v.book.Code, ISODay(v.businessDay())), "application/zip")
}

func (v *visit) bundleWritten(run uuid.UUID) (file *os.File, info reports.BundleInfo, root string, err error) {
	wire := http.NewResponseController(v.Response())
	err = pg.Snapshot(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		file, err = written(func(w io.Writer) (err error) {
			var told error
			info, root, err = reports.WriteBundle(v.ctx(), tx, v.book, w, func(p reports.BundleProgress) {
				if told == nil {
					told = wire.SetWriteDeadline(time.Now().Add(bundleWait))
				}
				if told == nil {
					told = reports.TellBundle(v.ctx(), v.s.DB, v.book, run, v.s.Now(), p)
				}
			})
			return errors.Join(err, told)
		})
		return err
	})
	if err != nil {
		root = ""
		if file != nil {
			err = errors.Join(err, file.Close())
		}
		return nil, info, root, err
	}
	return file, info, root, nil
}
