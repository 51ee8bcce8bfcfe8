package reports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// runs asks for files and makes them on a book.
type runs struct {
	*keptBook
	now time.Time
}

func newRuns(t *testing.T) *runs {
	return &runs{newKeptBook(t, chart.CN2026), time.Date(2026, time.September, 7, 10, 0, 0, 0, time.UTC)}
}

func (r *runs) asks(by uuid.UUID) (id uuid.UUID, err error) {
	id = uuid.Must(uuid.NewV7())
	err = r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := AskExport(ctx, tx, r.Book, ExportRun{ID: id, What: "/console/entries", Title: "t", Lang: "en", AskedBy: by, AskedAt: r.now, Total: 3}, "/console/entries?q=somebody")
		return err
	})
	return id, err
}

func (r *runs) asked() uuid.UUID {
	r.Helper()
	id, err := r.asks(uuid.New())
	if err != nil {
		r.Fatal(err)
	}
	return id
}

func (r *runs) inTx(step func(context.Context, pgx.Tx) error) error {
	ctx := pg.WithBook(r.Context(), r.ID)
	return pg.InTx(ctx, r.db, func(tx pgx.Tx) error { return step(ctx, tx) })
}

func (r *runs) work(ctx context.Context, write ExportWriter) (bool, error) {
	return r.workIn(ctx, BriefLane(), write)
}

func (r *runs) workIn(ctx context.Context, lane Lane, write ExportWriter) (bool, error) {
	return WorkExport(ctx, r.db, r.Book, func() time.Time { return r.now }, lane, write)
}

func (r *runs) run(id uuid.UUID) *ExportRun {
	r.Helper()
	run, err := ExportByID(pg.WithBook(r.Context(), r.ID), r.db, r.Book, id)
	if err != nil {
		r.Fatal(err)
	}
	return run
}

func (r *runs) content(id uuid.UUID) (string, error) {
	ctx := pg.WithBook(r.Context(), r.ID)
	f, err := OpenExport(ctx, r.db, r.Book, r.run(id))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	_, err = f.WriteTo(&out)
	return out.String(), err
}

func (r *runs) wants(id uuid.UUID, state, problem string) {
	r.Helper()
	if run := r.run(id); run.State(r.now) != state || run.Problem != problem {
		r.Errorf("the run is %s %q, want %s %q", run.State(r.now), run.Problem, state, problem)
	}
}

// text writes as many bytes as are asked for and says how far it is.
func text(size int, tell int64) ExportWriter {
	return func(_ context.Context, _ pgx.Tx, _ *ledger.Book, _ *ExportRun, w io.Writer, say func(Told)) (Exported, error) {
		say(Told{Done: tell})
		_, err := io.Copy(w, io.LimitReader(strings.NewReader(strings.Repeat("0123456789", size/10+1)), int64(size)))
		return Exported{Name: "x.txt", Kind: "text/plain"}, err
	}
}

// A file that somebody asked for is made once, kept sealed in pieces, given back as it was written, and removed after a day with what was asked for.
func TestARunKeepsItsFile(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	id := r.asked()
	r.wants(id, RunWaits, "")
	if address, err := r.run(id).Address(r.Book); err != nil || address != "/console/entries?q=somebody" {
		t.Errorf("asked for %q, %v", address, err)
	}
	if _, err := r.content(id); !errors.Is(err, ErrExportGone) {
		t.Errorf("before it is made: %v", err)
	}
	const size = 2*exportPart + 77
	if more, err := r.work(t.Context(), text(size, 2)); err != nil || !more {
		t.Fatal(more, err)
	}
	if more, err := r.work(t.Context(), text(1, 0)); err != nil || more {
		t.Fatal("there is nothing more to make", more, err)
	}
	r.wants(id, RunMade, "")
	body, err := r.content(id)
	if run := r.run(id); err != nil || len(body) != size || body[size-1] != "0123456789"[(size-1)%10] || run.Size != size || run.Parts != 3 || run.Done != 2 || run.Name != "x.txt" {
		t.Errorf("%d bytes, %v, %+v", len(body), err, run)
	}
	var clear bool
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select exists (select from export_part where position('0123456789'::bytea in body) > 0) or exists (select from export_run where position('somebody'::bytea in ask) > 0)`).Scan(&clear)
	}); err != nil || clear {
		t.Errorf("the file or what was asked for lies there in clear: %v, %v", clear, err)
	}
	r.now = r.now.Add(ExportLife)
	var n int
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) (err error) {
		n, err = SweepExports(ctx, tx, r.Book, r.now)
		return err
	}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	r.wants(id, RunGone, "")
	if _, err := r.content(id); !errors.Is(err, ErrExportGone) {
		t.Errorf("after a day: %v", err)
	}
	if _, err := r.run(id).Address(r.Book); !errors.Is(err, ErrExportGone) {
		t.Errorf("after a day: %v", err)
	}
}

// What is lost in a crash of the database is told as gone and not sent as a shorter file.
func TestALostPieceIsNoFile(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	id := r.asked()
	if _, err := r.work(t.Context(), text(exportPart+1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from export_part where no = 1`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.content(id); !errors.Is(err, ErrExportGone) {
		t.Error(err)
	}
}

// A run ends without a file when it is stopped, fails, takes too long or is too long for its form; one that only the service's stop broke off begins again, and one whose
// process died is taken up by the next, but not for ever.
func TestRunsThatEndWithoutAFile(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	stop := func(id uuid.UUID) {
		t.Helper()
		if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := StopExport(ctx, tx, r.Book, id, r.now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	waiting := r.asked()
	stop(waiting)
	r.wants(waiting, RunNone, ExportStopped)

	stopped := r.asked()
	if _, err := r.work(t.Context(), func(ctx context.Context, tx pgx.Tx, b *ledger.Book, _ *ExportRun, w io.Writer, tell func(Told)) (Exported, error) {
		tell(Told{Done: 1})
		r.wants(stopped, RunGoes, "")
		stop(stopped)
		tell(Told{Done: 2})
		_, err := tx.Exec(ctx, "select 1")
		return Exported{}, err
	}); err != nil {
		t.Errorf("stopped: %v", err)
	}
	r.wants(stopped, RunNone, ExportStopped)

	for problem, cause := range map[string]error{ExportFailed: ErrTorn, ExportTooLong: fmt.Errorf("write: %w", ErrTooLong)} {
		id := r.asked()
		_, err := r.work(t.Context(), func(_ context.Context, _ pgx.Tx, _ *ledger.Book, _ *ExportRun, w io.Writer, _ func(Told)) (Exported, error) {
			_, err := w.Write(make([]byte, exportPart))
			return Exported{}, errors.Join(err, cause)
		})
		if told := problem == ExportFailed; errors.Is(err, cause) != told {
			t.Errorf("%s: %v", problem, err)
		}
		r.wants(id, RunNone, problem)
	}

	ends := func(end func()) ExportWriter {
		return func(ctx context.Context, _ pgx.Tx, _ *ledger.Book, _ *ExportRun, _ io.Writer, _ func(Told)) (Exported, error) {
			end()
			<-ctx.Done()
			return Exported{}, ctx.Err()
		}
	}
	off := r.asked()
	leaving, leave := context.WithCancel(t.Context())
	if _, err := r.work(leaving, ends(leave)); !errors.Is(err, context.Canceled) {
		t.Errorf("the service stops: %v", err)
	}
	if run := r.run(off); run.Tries != 0 {
		t.Errorf("a stop of the service counts as a try: %+v", run)
	}
	r.wants(off, RunWaits, "")

	// Whoever dies says nothing any more.
	dies := func() {
		t.Helper()
		if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
			w, err := nextExport(ctx, tx, r.db, r.Book, func() time.Time { return r.now }, BriefLane())
			if err == nil {
				w.ctx = ctx
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	dies()
	r.wants(off, RunGoes, "")
	r.now = r.now.Add(exportSilence)
	r.wants(off, RunSilent, "")
	if _, err := r.work(t.Context(), text(10, 1)); err != nil {
		t.Fatal(err)
	}
	r.wants(off, RunMade, "")
	again := r.asked()
	for range exportTries {
		dies()
	}
	if more, err := r.work(t.Context(), text(10, 1)); err != nil || more {
		t.Errorf("tried for ever: %v %v", more, err)
	}
	r.wants(again, RunNone, ExportBroken)
	var pieces int
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from export_part p join export_run r on r.book_id = p.book_id and r.id = p.run_id where r.problem <> ''`).Scan(&pieces)
	}); err != nil || pieces != 0 {
		t.Errorf("%d pieces are left of files that were not made, %v", pieces, err)
	}
}

// Each run has its own time. One that is not done in it goes over to the slow ones and keeps nobody waiting; there it is late at last, and somebody is told. A run that the
// job has no time left for is not begun.
func TestRunsHaveTheirOwnTime(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	first, second := r.asked(), r.asked()
	endless := func(ctx context.Context, _ pgx.Tx, _ *ledger.Book, _ *ExportRun, w io.Writer, _ func(Told)) (Exported, error) {
		_, err := w.Write(make([]byte, exportPart))
		<-ctx.Done()
		return Exported{}, errors.Join(err, ctx.Err())
	}
	soon := Lane{Time: time.Millisecond}
	if more, err := r.workIn(t.Context(), soon, endless); err != nil || !more {
		t.Fatal(more, err)
	}
	if run := r.run(first); !run.Slow || run.Tries != 0 || run.Done != 0 {
		t.Errorf("not among the slow ones: %+v", run)
	}
	r.wants(first, RunWaits, "")
	short, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if more, err := r.workIn(short, SlowLane(), text(10, 1)); err != nil || more {
		t.Errorf("begun with half of its time left: %v, %v", more, err)
	}
	// While the slow one is under way, the other is made.
	_, err := r.workIn(t.Context(), Lane{Slow: true, Time: time.Minute}, func(_ context.Context, _ pgx.Tx, _ *ledger.Book, run *ExportRun, _ io.Writer, tell func(Told)) (Exported, error) {
		r.wants(first, RunGoes, "")
		more, err := r.work(r.Context(), text(10, 1))
		if err != nil || !more || run.ID != first {
			t.Error(run.ID, more, err)
		}
		tell(Told{Done: 1})
		r.wants(second, RunMade, "")
		return Exported{}, errors.Join(err, ErrTorn)
	})
	if !errors.Is(err, ErrTorn) {
		t.Error(err)
	}
	late := uuid.Must(uuid.NewV7())
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := AskExport(ctx, tx, r.Book, ExportRun{ID: late, What: "x", Title: "t", Lang: "en", AskedBy: uuid.New(), AskedAt: r.now, Slow: true}, "/x")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if more, err := r.work(t.Context(), text(10, 1)); err != nil || more {
		t.Errorf("a slow one is among the short ones: %v, %v", more, err)
	}
	if _, err := r.workIn(t.Context(), Lane{Slow: true, Time: time.Millisecond}, endless); !errors.Is(err, errTime) {
		t.Errorf("nobody is told of one that is late: %v", err)
	}
	r.wants(late, RunNone, ExportLate)
	var pieces int
	if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from export_part where run_id <> $1`, second).Scan(&pieces)
	}); err != nil || pieces != 0 {
		t.Errorf("%d pieces are left of files that were not made, %v", pieces, err)
	}
}

// One person has no more than two in the making, a book no more than eight, however fast they are asked for; the same form again asks for nothing.
func TestRunsAreFew(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	person := uuid.New()
	errs := make([]error, 10)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = r.asks(person) })
	}
	all.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, ErrExports) {
			t.Error(err)
		}
	}
	if made != exportsEach {
		t.Errorf("one person has %d in the making", made)
	}
	for range exportsAll - exportsEach {
		r.asked()
	}
	if _, err := r.asks(uuid.New()); !errors.Is(err, ErrExports) {
		t.Errorf("the book takes one more: %v", err)
	}
	same := uuid.Must(uuid.NewV7())
	for _, want := range []bool{true, false} {
		if err := r.inTx(func(ctx context.Context, tx pgx.Tx) error {
			if want {
				if _, err := tx.Exec(ctx, `update export_run set ended_at = now()`); err != nil {
					return err
				}
			}
			fresh, err := AskExport(ctx, tx, r.Book, ExportRun{ID: same, What: "x", Title: "t", Lang: "en", AskedBy: person, AskedAt: r.now}, "/x")
			if err == nil && fresh != want {
				t.Errorf("fresh %v, want %v", fresh, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A process that was thought dead and fails after another one took its run leaves that one's file alone. A run that waits behind another is no silent one.
func TestAStaleTryLeavesTheNextOnesFile(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	id := r.asked()
	r.now = r.now.Add(2 * exportSilence)
	r.wants(id, RunWaits, "")
	lost := errors.New("lost its connection")
	_, err := r.work(r.Context(), func(context.Context, pgx.Tx, *ledger.Book, *ExportRun, io.Writer, func(Told)) (Exported, error) {
		_, err := r.work(r.Context(), text(3<<20, 1))
		return Exported{}, errors.Join(lost, err)
	})
	if !errors.Is(err, lost) {
		t.Error(err)
	}
	r.wants(id, RunMade, "")
	if got, err := r.content(id); err != nil || len(got) != 3<<20 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
