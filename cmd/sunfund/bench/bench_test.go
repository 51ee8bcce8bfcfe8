package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"sunfund/api"
	"sunfund/api/web"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// serveAPI is the API and the pages, without what runs beside them.
func serveAPI(ctx context.Context, db *pgxpool.Pool) (string, func() error, error) {
	books, err := ledger.Books(ctx, db)
	if err != nil {
		return "", nil, err
	}
	books[0].Keys = pgtest.Ring()
	in := giving.NewIntake(db, books[0])
	s := &api.Server{Config: api.Config{DB: db, Books: books, Intakes: map[int32]*giving.Intake{books[0].ID: in}, Now: time.Now, Log: slog.Default()}}
	e := echo.New()
	e.HTTPErrorHandler = s.Error
	s.Register(e)
	hasher, err := staff.NewHasher(1)
	if err != nil {
		return "", nil, err
	}
	pages, err := web.NewServer(web.Config{DB: db, Books: books, Hasher: hasher, Now: time.Now, Log: slog.Default()})
	if err == nil {
		err = pages.Register(e)
	}
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: e}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := errors.Join(server.Close(), closeIntake(in))
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// folder is a temporary folder that the server's account can enter when the tests run as root.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sunfund-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every row runs and what was acknowledged is booked; how fast is not looked at.
func TestRun(t *testing.T) {
	cfg := Quick()
	cfg.Dir, cfg.Serve, cfg.Keys = folder(t), serveAPI, pgtest.KeyLine
	cfg.Settings["fsync"] = "off"
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range rowsOf(cfg) {
		row := r.row(want.name)
		if row.GiftsPerSecond <= 0 && row.Value <= 0 || len(row.Rounds) != cfg.Rounds {
			t.Errorf("%s: %+v", want.name, row)
		}
		ours := strings.HasPrefix(want.name, "http") || strings.HasPrefix(want.name, "intake") || strings.HasPrefix(want.name, "slow")
		// Few gifts, one at a time on a busy machine, may stand in pages that were there.
		if ours && (row.P50 <= 0 || row.P99 < row.P50 || row.BytesPerGift < 0 || row.BytesPerGift == 0 && row.Batch > 1 || row.WALPerGift <= 0 || row.RatioToCopy <= 0 || row.RatioToPgbench <= 0) {
			t.Errorf("%s lacks a figure: %+v", want.name, row)
		}
	}
	if f := r.Founding; f == nil || f.InDatabase != int64(cfg.Founding) || f.SingleInDatabase != int64(cfg.Founding) || f.Seconds <= 0 || f.SingleSeconds <= 0 {
		t.Errorf("founding case: %+v", f)
	}
	if g := r.Grown; g == nil || g.Entries != cfg.Grow || g.InDatabase < int64(cfg.Grow) || g.VerifySeconds <= 0 || len(g.Ratios) != 18 {
		t.Errorf("growth: %+v", g)
	}
	if r.ProvenRows < int64(2*cfg.Founding) || r.LostGifts != 0 {
		t.Errorf("%d gifts proven, %d lost", r.ProvenRows, r.LostGifts)
	}
	if len(r.Targets) < 20 {
		t.Errorf("only %d targets: %+v", len(r.Targets), r.Targets)
	}
	var text, program bytes.Buffer
	if err := errors.Join(r.WriteText(&text), r.WriteJSON(&program)); err != nil {
		t.Fatal(err)
	}
	var read Report
	if err := json.Unmarshal(program.Bytes(), &read); err != nil || len(read.Rows) != len(r.Rows) {
		t.Errorf("the JSON is not the report: %v", err)
	}
	for _, key := range []string{"gifts_per_second", "p50_ms", "p99_ms", "bytes_per_gift", "wal_per_gift", "ratio_to_copy", "ratio_to_pgbench", "must", "stretch", "met"} {
		if !strings.Contains(program.String(), `"`+key+`"`) {
			t.Errorf("the JSON lacks %s", key)
		}
	}
	t.Log("\n" + text.String())
}

// What is filled in is what the intake would have booked: the checks of verify find nothing.
func TestFilledBookVerifies(t *testing.T) {
	cfg := Quick()
	cfg.Dir, cfg.Progress, cfg.Keys = folder(t), func(string) {}, pgtest.KeyLine
	cfg.Settings["fsync"] = "off"
	l, err := openLab(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	w, err := l.world(t.Context(), &row{name: "filled", campaigns: 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.fill(t.Context(), w.camps, 3001); err != nil {
		t.Fatal(err)
	}
	if err := w.prove(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.verify(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := w.compareBackDated(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.verify(t.Context()); err != nil {
		t.Errorf("after gifts of summed months: %v", err)
	}
}

// A book that holds something else than its callers were told ends the run.
func TestLossIsSeen(t *testing.T) {
	cfg := Quick()
	cfg.Dir, cfg.Serve, cfg.Progress, cfg.Keys = folder(t), serveAPI, func(string) {}, pgtest.KeyLine
	cfg.Settings["fsync"] = "off"
	l, err := openLab(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	w, err := l.world(t.Context(), &row{name: "loss", campaigns: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, told := range []struct{ gifts, amount int64 }{{1, 0}, {0, 1}} {
		w.tally.add(told.gifts, told.amount)
		if err := w.prove(t.Context()); !errors.Is(err, ErrNotBooked) {
			t.Errorf("%+v: %v", told, err)
		}
		w.tally.add(-told.gifts, -told.amount)
	}
	if err := w.prove(t.Context()); err != nil {
		t.Errorf("an empty book: %v", err)
	}
}

// A giving day in small: pools exact, every award that of one thread, recomputed from what is public, the machines' match held.
func TestGivingDay(t *testing.T) {
	cfg := Quick()
	cfg.Dir, cfg.Keys = folder(t), pgtest.KeyLine
	cfg.Settings["fsync"] = "off"
	d, err := GivingDay(t.Context(), cfg, time.Minute, 3000)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Steps) != len(rush) || d.Gifts < 3000 || d.Replayed != d.Gifts || d.OneThread != d.Gifts || d.Counters == 0 || d.Held == 0 || int64(len(d.HeldList)) != min(d.Held, 10) || len(d.Pools) != 3 {
		t.Errorf("%+v", d)
	}
	var text, program bytes.Buffer
	if err := errors.Join(d.WriteText(&text), d.WriteJSON(&program)); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
}
