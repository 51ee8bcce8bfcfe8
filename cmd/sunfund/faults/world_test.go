package faults

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pglocal"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
	"sunfund/migrations"
)

// base is what all worlds begin as: a cluster with an open book, stopped, and the program.
var base struct {
	once    sync.Once
	dir     string
	program string
	token   string
	err     error
}

func prepare() error {
	base.once.Do(func() { base.err = prepareOnce() })
	return base.err
}

func prepareOnce() error {
	var err error
	if base.dir, err = os.MkdirTemp("", "sunfund-faults-"); err != nil {
		return err
	}
	if err := os.Chmod(base.dir, 0o755); err != nil { // PostgreSQL's user goes through it
		return err
	}
	base.program = *program
	if base.program == "" {
		base.program = filepath.Join(base.dir, "sunfund")
		if out, err := exec.Command("go", "build", "-o", base.program, "..").CombinedOutput(); err != nil {
			return fmt.Errorf("build sunfund: %w: %s", err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: filepath.Join(base.dir, "base"), Disposable: true, Settings: map[string]string{"min_wal_size": "32MB"}})
	if err != nil {
		return err
	}
	if err := found(ctx, server); err != nil {
		return err
	}
	return server.Stop(ctx)
}

// found makes the database and what gifts need.
func found(ctx context.Context, server *pglocal.Server) error {
	admin, err := pgx.Connect(ctx, server.DSN("postgres", pglocal.Owner))
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, "create database "+dbName); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.DSN(dbName, pglocal.Owner))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := migrations.Apply(ctx, conn); err != nil {
		return err
	}
	return pg.InTx(ctx, conn, func(tx pgx.Tx) error { return openBook(ctx, tx) })
}

const campaigns = 3 // one for each bearer of fees: ids 1, 2, 3

func openBook(ctx context.Context, tx pgx.Tx) error {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	book, err := ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "faults", NameZH: "故障", NameEN: "Faults", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
	if err != nil {
		return err
	}
	if _, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
		return err
	}
	now := time.Now()
	for i, bearer := range []string{ledger.FeeByGeneral, ledger.FeeByFund, ledger.FeeByDonor} {
		fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: bearer, Kind: ledger.Restricted, NameZH: bearer, NameEN: bearer, FeeBearer: bearer})
		if err != nil {
			return err
		}
		_, err = giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: slug(int32(i + 1)), TitleZH: "活动", TitleEN: "Campaign",
			SummaryZH: "摘要", SummaryEN: "Summary", StoryZH: "故事", StoryEN: "Story", Goal: 1_000_000_00, OpensAt: now.AddDate(0, 0, -1), ClosesAt: now.AddDate(0, 0, 30)})
		if err != nil {
			return err
		}
	}
	_, base.token, err = staff.CreateKey(ctx, tx, book.ID, "faults", []staff.Scope{staff.GiftsWrite, staff.GiftsRead}, uuid.Nil, now.AddDate(0, 0, 7), now)
	return err
}

func slug(campaign int32) string { return fmt.Sprintf("campaign-%d", campaign) }

// world is one scenario's: a cluster, the wire to it, the service on the wire, and the driver of gifts.
type world struct {
	t       *testing.T
	dir     string
	cluster *cluster
	wire    *wire
	address string // of the service
	service *exec.Cmd
	figures *figures
	gifts   int // on the books, after the last audit
	rounds  int
	client  *http.Client
}

// setup is how a world differs from the usual.
type setup struct {
	name     string
	settings map[string]string
	conns    int               // the service's pool; 0: as it comes
	mount    func(data string) // makes a file system of the data folder before anything is in it
	placed   func(data string) // the data is in place, the server not started
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(base.dir, "w")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, figures: &figures{name: s.name}}
	home := filepath.Join(dir, "pg")
	data := filepath.Join(home, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if s.mount != nil {
		s.mount(data)
	}
	// Not there, it is kept elsewhere: the folder for temporary files is closed to PostgreSQL's user.
	run(t, "cp", "-a", filepath.Join(base.dir, "base", "data")+"/.", data)
	if s.placed != nil {
		s.placed(data)
	}
	w.cluster = &cluster{t: t, dir: home, settings: s.settings}
	w.cluster.start()
	t.Cleanup(func() { w.cluster.stop() })
	w.wire = newWire(t, filepath.Join(dir, "wire"), w.cluster.socket())
	w.address = freeAddress(t)
	w.wire.conns = s.conns
	w.client = newClient()
	t.Cleanup(w.client.CloseIdleConnections)
	w.startService()
	t.Cleanup(func() { w.killService() })
	return w
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startService starts the program and returns when it is well.
func (w *world) startService() {
	w.t.Helper()
	log, err := os.OpenFile(filepath.Join(w.dir, "service.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	query := url.Values{"host": {w.wire.dir}, "port": {"5432"}, "sslmode": {"disable"}}
	if w.wire.conns > 0 {
		query.Set("pool_max_conns", fmt.Sprint(w.wire.conns))
	}
	dsn := url.URL{Scheme: "postgres", User: url.User(pglocal.Service), Path: "/" + dbName, RawQuery: query.Encode()}
	await(w.t, "the service", func() bool {
		w.service = exec.Command(base.program, "serve", "--listen", w.address)
		w.service.Env = append(os.Environ(), "DATABASE_URL="+dsn.String(), "SUNFUND_KEYS="+pgtest.KeyLine)
		w.service.Stdout, w.service.Stderr = log, log
		if err := w.service.Start(); err != nil {
			w.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(ended) }(w.service)
		return w.isWell(ended)
	})
}

// isWell waits for the service's good health, or its end.
func (w *world) isWell(ended <-chan struct{}) bool {
	for {
		select {
		case <-ended:
			return false
		case <-time.After(2 * time.Millisecond):
		}
		if w.healthy() {
			return true
		}
	}
}

func (w *world) healthy() bool {
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + w.address + "/healthz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// killService ends the service at once, wherever it is.
func (w *world) killService() {
	pid := w.service.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
		await(w.t, "the end of the service", func() bool { return gone(pid) })
	}
}
