package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

const (
	exportsPath   = "/console/exports"
	exportNewPath = exportsPath + "/new"
)

// exportsShown is how many runs the list shows.
const exportsShown = 20

// exportList lists what this person has had made.
func (v *visit) exportList() error {
	view := recordView{Page: v.consolePage(T(v.lang, "exported.heading"), reportsPath), Heading: T(v.lang, "exported.heading"), Lead: T(v.lang, "exported.lead", Count(reports.DirectMax), exportHours())}
	list, err := reports.ExportsOf(v.ctx(), v.s.DB, v.book, v.who.Person.ID, exportsShown)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "exported.mine"), Empty: T(v.lang, "exported.none"), Heads: v.heads("exported.what", "exported.asked", "bundle.state")}
	for i := range list {
		r := &list[i]
		g.Rows = append(g.Rows, []cell{{Text: r.Title, Href: exportHref(r.ID)}, {Text: When(v.lang, r.AskedAt, v.book.Zone)}, v.exportState(r)})
	}
	view.Grids = []grid{g}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

func exportHref(id uuid.UUID) string { return exportsPath + "/" + id.String() }

// exportNewHref is where the file at an address is had made.
func exportNewHref(ask string) string { return address(exportNewPath, url.Values{"ask": {ask}}) }

func exportHours() int { return int(reports.ExportLife / time.Hour) }

// exportState says what a run is at.
func (v *visit) exportState(r *reports.ExportRun) cell {
	state := r.State(v.now)
	tag := map[string]string{reports.RunWaits: "waiting", reports.RunGoes: "waiting", reports.RunSilent: "broken", reports.RunNone: "broken", reports.RunMade: "done", reports.RunGone: "reversed"}[state]
	if state == reports.RunNone {
		return cell{Text: T(v.lang, "exported.problem."+r.Problem), Tag: tag}
	}
	return cell{Text: T(v.lang, "exported.state."+state), Tag: tag}
}

// exportNew says how long a file will be, and offers to have it made.
func (v *visit) exportNew() error {
	ask := v.QueryParam("ask")
	if ask == "" {
		return v.see(exportsPath)
	}
	_, d, err := v.exportOf(ask)
	if errors.Is(err, errStale) {
		return v.confirmAsk(http.StatusForbidden, nil)
	}
	if err != nil {
		return err
	}
	n, err := v.rows(d, exportCount)
	if err != nil {
		return err
	}
	view := recordView{Page: v.consolePage(d.title, reportsPath), Heading: d.title}
	switch {
	case d.list:
		view.Lead = T(v.lang, "exported.list", Count(reports.DirectMax))
	case d.run:
		view.Lead = T(v.lang, "exported.whole")
	case n > reports.DirectMax:
		view.Lead = T(v.lang, "exported.long", v.rowsSaid(n), Count(reports.DirectMax))
	default:
		view.Lead = T(v.lang, "exported.short")
		view.Links = []Link{{T(v.lang, "exported.direct"), ask}}
	}
	view.Forms = []recordForm{{Act: "make", Action: address(exportsPath, url.Values{"ask": {ask}}), Form: newForm(), Title: T(v.lang, "exported.make"), Rule: T(v.lang, "exported.make.rule", exportHours()), Button: T(v.lang, "exported.make.do")}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// rowsSaid is a count of rows that stopped at exportCount.
func (v *visit) rowsSaid(n int64) string {
	if n >= exportCount {
		return T(v.lang, "exported.over", Count(exportCount))
	}
	return Count(n)
}

// exportAsk has a file made, and notes who asked for it.
func (v *visit) exportAsk() error {
	ask := v.QueryParam("ask")
	page, d, err := v.exportOf(ask)
	if errors.Is(err, errStale) {
		return v.see(exportNewHref(ask))
	}
	if err != nil {
		return err
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	total, err := v.rows(d, exportCount)
	if err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	run := reports.ExportRun{ID: id, What: page.path, Title: d.title, Lang: string(v.lang), Funds: s.ids(), AskedBy: v.who.Person.ID, AskedAt: v.now, Total: total, Slow: d.run || total >= exportCount}
	if err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		fresh, err := reports.AskExport(ctx, tx, v.book, run, ask)
		if err != nil || !fresh {
			return err
		}
		return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: run.AskedBy, What: d.auditName(), Object: "export:" + id.String(), Detail: map[string]any{"file": d.title}})
	}); err != nil {
		return err
	}
	if v.s.ExportAsked != nil {
		v.s.ExportAsked(v.book)
	}
	return v.see(exportHref(id))
}

// export is a run of this person's own; that of another is as one that there is not.
func (v *visit) export() (*reports.ExportRun, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return nil, reports.ErrNoExport
	}
	r, err := reports.ExportByID(v.ctx(), v.s.DB, v.book, id)
	if err == nil && r.AskedBy != v.who.Person.ID {
		err = reports.ErrNoExport
	}
	return r, err
}

// exportShow shows how far a run is, and at its end the file.
func (v *visit) exportShow() error {
	r, err := v.export()
	if err != nil {
		return err
	}
	here, state := exportHref(r.ID), r.State(v.now)
	said := v.exportState(r)
	view := recordView{Page: v.consolePage(r.Title, reportsPath), Heading: r.Title, Status: said.Tag, State: said.Text}
	view.Facts = []Fact{v.fact("exported.by", v.who.Person.Name(string(v.lang))), v.fact("exported.asked", When(v.lang, r.AskedAt, v.book.Zone))}
	if r.Total > 0 {
		view.Facts = append(view.Facts, v.fact("exported.rows", v.rowsSaid(r.Total)))
	}
	switch state {
	case reports.RunWaits, reports.RunGoes, reports.RunSilent:
		view.Lead = T(v.lang, "exported."+state+".lead")
		view.Progress = v.exportProgress(r)
		stop := recordForm{Act: "stop", Action: here + "/stop", Form: newForm(), Title: T(v.lang, "exported.stop"), Rule: T(v.lang, "exported.stop.rule"), Button: T(v.lang, "exported.stop.do"), Danger: true}
		if r.Stopping {
			view.Lead = T(v.lang, "exported.stopping")
		} else {
			view.Forms = []recordForm{stop}
		}
	case reports.RunMade:
		view.Lead = T(v.lang, "exported.made.lead", When(v.lang, r.EndedAt.Add(reports.ExportLife), v.book.Zone))
		view.Facts = append(view.Facts, v.fact("exported.ended", When(v.lang, *r.EndedAt, v.book.Zone)), v.fact("exported.size", paperSize(int(r.Size))))
		if r.Root != "" {
			view.Facts = append(view.Facts, v.fact("bundle.root", r.Root))
		}
		view.Links = append(view.Links, Link{T(v.lang, "exported.take", r.Name), here + "/file"})
	case reports.RunGone:
		view.Lead = T(v.lang, "exported.gone.lead", exportHours())
	default:
		view.Lead = T(v.lang, "exported.problem."+r.Problem+".lead")
	}
	if ask, err := r.Address(v.book); err == nil && r.EndedAt != nil {
		view.Links = append(view.Links, Link{T(v.lang, "exported.again"), exportNewHref(ask)})
	} else if err != nil && !errors.Is(err, reports.ErrExportGone) {
		return err
	}
	view.Links = append(view.Links, Link{T(v.lang, "exported.all"), exportsPath})
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// exportProgress is how far a run is.
func (v *visit) exportProgress(r *reports.ExportRun) *progressView {
	p := &progressView{Unknown: r.Total == 0, Done: int(r.Done), Total: int(max(r.Total, 1)), Here: exportHref(r.ID), Over: r.EndedAt != nil, Label: T(v.lang, "exported.progress"), Ended: T(v.lang, "exported.over.see")}
	p.Percent = int(min(100, int64(p.Done)*100/int64(p.Total)))
	of := v.rowsSaid(r.Total)
	switch {
	case r.Part != "":
		p.Line = T(v.lang, "bundle.state.running", r.Part, r.Done, r.Total)
	case r.BegunAt == nil:
		p.Line = T(v.lang, "exported.waiting.line")
	case r.Total == 0:
		p.Line = T(v.lang, "exported.line", Count(r.Done))
	default:
		p.Line = T(v.lang, "exported.line.of", Count(r.Done), of)
	}
	p.Live = p.Here + "/live?v=" + url.QueryEscape(r.Part+p.version())
	return p
}

// exportLive streams how far a run is, to who asked for it.
func (v *visit) exportLive() error {
	r, err := v.export()
	if err != nil {
		return err
	}
	id := r.ID
	return v.progressLive(fmt.Sprintf("export %d %s", v.book.ID, id), func(ctx context.Context, of *visit) (string, *progressView, error) {
		r, err := reports.ExportByID(ctx, of.s.DB, of.book, id)
		if err != nil {
			return "", nil, err
		}
		p := of.exportProgress(r)
		return r.Part + p.version(), p, nil
	})
}

// exportStop ends a run without a file.
func (v *visit) exportStop() error {
	r, err := v.export()
	if err != nil {
		return err
	}
	if err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if stopped, err := reports.StopExport(ctx, tx, v.book, r.ID, v.now); err != nil || !stopped {
			return err
		}
		return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "export.stop", Object: "export:" + r.ID.String(), Detail: map[string]any{"file": r.Title}})
	}); err != nil {
		return err
	}
	return v.see(exportHref(r.ID))
}

// exportFile sends the file of a run to who asked for it, as far as she may still see all that is in it.
func (v *visit) exportFile() error {
	r, err := v.export()
	if err != nil {
		return err
	}
	ask, err := r.Address(v.book)
	if err != nil {
		return err
	}
	page, _, err := v.s.exportPageOf(ask)
	if err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	if !v.who.May(page.needs) || !s.covers(r) {
		return reports.ErrNoExport
	}
	if page.list {
		if _, err := maker(v.ctx(), v.s.DB, v.book.ID, r, v.now); err != nil {
			return err
		}
	}
	if page.fresh && !staff.Fresh(v.who, v.now) {
		return v.confirmAsk(http.StatusForbidden, nil)
	}
	ctx := context.WithoutCancel(v.ctx()) // a long file may take longer to send than a page; who has left is noticed by the next piece
	f, err := reports.OpenExport(ctx, v.s.DB, v.book, r)
	if err != nil {
		return err
	}
	out := v.Response()
	if err := http.NewResponseController(out).SetWriteDeadline(time.Now().Add(longFile)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	out.Header().Set("Content-Type", r.Kind)
	out.Header().Set("Content-Disposition", `attachment; filename="`+r.Name+`"`)
	out.Header().Set("Content-Length", strconv.FormatInt(r.Size, 10))
	out.WriteHeader(http.StatusOK)
	if v.Request().Method == http.MethodHead {
		return nil
	}
	_, err = f.WriteTo(out)
	return err
}
