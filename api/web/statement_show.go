package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// statementMax is how large a file may be that comes by the page; larger ones are imported on the server.
const statementMax = 32 << 20

// statementAtOnce is how large a file may be that is read while its sender waits; a larger one is read by the job.
const statementAtOnce = 1 << 20

// reconJob is the job that reads files which wait and holds them against the book.
const reconJob = "recon"

// sourceParam reads the account of the address.
func (v *visit) sourceParam() (*recon.Source, error) {
	id, err := strconv.ParseInt(v.Param("id"), 10, 32)
	if err != nil {
		return nil, giving.ErrNoRecord
	}
	return recon.SourceByID(v.ctx(), v.s.DB, v.book, int32(id))
}

// statementShow shows an account outside: its files with what became of each, and the form that sends one.
func (v *visit) statementShow() error { return v.sourceAgain(http.StatusOK, nil) }

func (v *visit) sourceAgain(status int, wrong Errors) error {
	s, err := v.sourceParam()
	if err != nil {
		return err
	}
	view := v.statementPage(s.Name)
	view.Errors, view.Path = wrong, sourceHref(s.ID)
	number := s.Number
	if number == "" {
		number = "—"
	}
	view.Facts = []Fact{v.fact("recon.kind", T(v.lang, "recon.kind."+s.Kind)), v.fact("recon.format", v.formatName(s.Format)), v.fact("recon.number", number),
		v.fact("recon.currency", s.Currency)}
	if s.Kind == "bank" {
		tied := T(v.lang, "recon.chart.none")
		if s.Chart != "" {
			tied = v.accountName(s.Chart)
		}
		view.Facts = append(view.Facts, v.fact("recon.chart", tied))
		if err := v.offer(&view, sourceHref(s.ID)+"/account", v.tieAct(s)); err != nil {
			return err
		}
	}
	files, err := recon.Files(v.ctx(), v.s.DB, v.book, s.ID, recordsShown)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "recon.files"), Empty: T(v.lang, "recon.files.none"), Heads: v.heads("recon.file", "recon.came", "person.state", "#recon.lines", "#recon.fresh", "offline.reason")}
	for i := range files {
		f := &files[i]
		g.Rows = append(g.Rows, []cell{{Text: f.Name, Href: statementFilesPath + "/" + f.ID.String(), User: true}, dayCell(v.book.Day(f.MadeAt)), v.fileState(f.State), countCell(f.Lines), countCell(f.Fresh),
			{Text: v.reasonWords(f)}})
	}
	view.Grids = []grid{g}
	if err := v.history(&view, s.Object()); err != nil {
		return err
	}
	missing, err := recon.MissingDays(v.ctx(), v.s.DB, v.book, s.ID)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		gaps := grid{Title: T(v.lang, "recon.missing"), Heads: v.heads("recon.missing.after", "recon.missing.before", "#recon.missing.amount", "recon.file")}
		for _, m := range missing {
			gaps.Rows = append(gaps.Rows, []cell{dayCell(m.After), dayCell(m.Before), {Sum: &money.Money{Minor: m.Amount, Currency: s.Currency}},
				{Text: T(v.lang, "recon.missing.file"), Href: statementFilesPath + "/" + m.FileID.String()}})
		}
		view.Grids = []grid{gaps, g}
	}
	if v.who.May(staff.OfflineWrite) {
		view.Upload = &uploadView{Action: sourceHref(s.ID), Form: newForm(), Most: paperSize(statementMax), Words: "recon", Accept: ".csv,.txt,.xml,.sta,.940,.mt940,.ofx,.qfx,.zip"}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func countCell(n *int32) cell {
	if n == nil {
		return cell{Text: "—"}
	}
	return cell{Text: strconv.Itoa(int(*n))}
}

func (v *visit) fileState(state string) cell {
	return cell{Text: T(v.lang, "recon.state."+state), Tag: map[string]string{recon.FileReceived: "waiting", recon.FileImported: "done", recon.FileQuarantined: "broken", recon.FileDuplicate: "reversed"}[state]}
}

// reasonWords says why a file is in quarantine; nothing for another one.
func (v *visit) reasonWords(f *recon.File) string {
	if f.Reason == nil {
		return ""
	}
	want, got := "—", "—"
	if f.Want != nil && *f.Want != "" {
		want = *f.Want
	}
	if f.Got != nil && *f.Got != "" {
		got = *f.Got
	}
	return T(v.lang, "recon.refusal."+*f.Reason, want, got)
}

// statementUpload keeps a file, reads it and leads to its page, whatever became of it. The same bytes again are only noted.
func (v *visit) statementUpload() error {
	s, err := v.sourceParam()
	if err != nil {
		return err
	}
	tooLarge := statement.ErrRefused
	back := Link{T(v.lang, "offline.back"), sourceHref(s.ID)}
	if err := v.Request().ParseMultipartForm(statementMax + formMax); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return v.refuse(tooLarge, nil, back)
		}
		return echo.NewHTTPError(http.StatusUnprocessableEntity).SetInternal(err)
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	file, head, err := v.Request().FormFile("file")
	if err != nil {
		return v.refuse(tooLarge, nil, back)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, statementMax+1))
	if err != nil {
		return fmt.Errorf("read statement file: %w", err)
	}
	if len(body) > statementMax {
		return v.refuse(tooLarge, nil, back)
	}
	name := oneLine(giving.CleanText(head.Filename), 120)
	var f *recon.File
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if f, err = recon.Receive(v.ctx(), tx, v.book, s, recon.NewFile{ID: id, Name: name, Body: body, By: v.who.Person.ID}, v.now); err != nil {
			return err
		}
		return v.statementEvent(tx, "statement_upload", f, map[string]any{"size": len(body), "state": f.State})
	})
	var fields *giving.FieldErrors
	if errors.As(err, &fields) || errors.Is(err, statement.ErrRefused) {
		return v.refuse(tooLarge, nil, back)
	}
	if err != nil {
		return err
	}
	if f.State == recon.FileReceived && len(body) <= statementAtOnce {
		if err := v.statementTake(f); err != nil {
			return err
		}
	}
	v.reconNow()
	return v.see(statementFilesPath + "/" + f.ID.String())
}

// reconNow has the job of reconciliation run at once. Where no jobs are planned for the book it comes with the next slot; it is no reason to refuse the file.
func (v *visit) reconNow() {
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return runs.Ask(ctx, tx, v.book.ID, reconJob, v.who.Person.ID, v.now)
	})
	switch {
	case errors.Is(err, runs.ErrNoJob):
	case err != nil:
		v.s.Log.Error("ask for reconciliation", "error", err)
	case v.s.JobAsked != nil:
		v.s.JobAsked(v.book)
	}
}

// statementTake reads a file that is kept. When it comes to nothing the file waits, and its page offers to read it again.
func (v *visit) statementTake(f *recon.File) error {
	return pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		done, err := recon.Take(v.ctx(), tx, v.book, f, v.now)
		if errors.Is(err, giving.ErrStep) { // somebody else had it read meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		return v.statementEvent(tx, "statement_"+done.State, done, map[string]any{"lines": done.Lines, "fresh": done.Fresh, "reason": done.Reason})
	})
}

func (v *visit) statementEvent(tx pgx.Tx, what string, f *recon.File, detail map[string]any) error {
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: offlineEvent + what, Object: f.Object(), Detail: detail})
}
