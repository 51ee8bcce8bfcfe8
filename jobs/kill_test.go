package jobs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/internal/stripefake"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/law"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/reports"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// A process that is killed is the test's own program, told by its environment what to run.
const (
	envJob  = "SUNFUND_JOBS_TEST_JOB"
	envDSN  = "SUNFUND_JOBS_TEST_DSN"
	envKill = "SUNFUND_JOBS_TEST_KILL" // before which statement of the job; 0: at none
	envDir  = "SUNFUND_JOBS_TEST_DIR"
	envURL  = "SUNFUND_JOBS_TEST_URL" // of a stand-in for Stripe

	account = "acct_1SunfundJobsTest"
)

// killLease is short, since whoever comes next waits for it to lapse.
const killLease = 2 * time.Second

// killTime is the clock of all runs: long behind what the world holds, on the first day of a month.
var killTime = time.Date(2026, time.December, 1, 1, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	if job := os.Getenv(envJob); job != "" {
		n, err := runOne(context.Background(), job)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("statements", n)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counter counts the statements and commits of a job, and kills the process before one of them. What the runner writes of itself does not count.
type counter struct {
	sync.Mutex
	n, kill int
	busy    map[*pgx.Conn]bool // their transaction did something for the job
	armed   bool
}

func (c *counter) TraceQueryStart(ctx context.Context, conn *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	c.seen(conn, q.SQL)
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *counter) TraceBatchStart(ctx context.Context, conn *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	c.seen(conn, "batch")
	return ctx
}

func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

var ofRunner = regexp.MustCompile(`\bjob\b|\bjob_run\b`)

func (c *counter) seen(conn *pgx.Conn, sql string) {
	c.Lock()
	defer c.Unlock()
	switch {
	case strings.Contains(sql, "insert into job_run"):
		c.armed = true
		return
	case !c.armed || ofRunner.MatchString(sql) && !strings.Contains(sql, "set counts") || strings.HasPrefix(sql, "set sunfund") || strings.HasPrefix(sql, "begin") || sql == "rollback":
		return
	case sql == "commit":
		if !c.busy[conn] {
			return
		}
		delete(c.busy, conn)
	default:
		c.busy[conn] = true
	}
	if c.n++; c.n == c.kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it has come
	}
}

// runOne is the other process: it runs one job and says how many statements that took.
func runOne(ctx context.Context, name string) (int, error) {
	c := &counter{busy: map[*pgx.Conn]bool{}}
	c.kill, _ = strconv.Atoi(os.Getenv(envKill))
	db, err := pg.Open(ctx, os.Getenv(envDSN), func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = c }, pg.MaxConns(4))
	if err != nil {
		return 0, err
	}
	books, err := ledger.Books(ctx, db)
	if err != nil {
		return 0, err
	}
	b := books[0]
	if err := pg.InTx(pg.WithBook(ctx, b.ID), db, func(tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, b, pgtest.Ring()) }); err != nil {
		return 0, err
	}
	tools := killTools(db, b, os.Getenv(envDir))
	if url := os.Getenv(envURL); name == "stripe" {
		tools.Stripes = map[int32]*payments.Stripe{}
		keys := payments.StripeKeys{Secret: "sk_test_0123456789", Webhooks: []string{"whsec_test_0123456789abcdef0123456789"}, Account: account, URL: url}
		if tools.Stripes[b.ID], err = payments.NewStripe(db, b, giving.NewIntake(db, b), keys, func() time.Time { return killTime }); err != nil {
			return 0, err
		}
	}
	table, err := Table(tools)
	if err != nil {
		return 0, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	r := NewRunner(Config{DB: db, Books: books, Now: func() time.Time { return killTime }, Log: log, Lease: killLease,
		Jobs: slices.DeleteFunc(table, func(j Job) bool { return j.Name != name })})
	if len(r.Jobs) == 0 || !r.Jobs[0].has(b) {
		return 0, errors.New("the book has no such job")
	}
	for { // the lease of who was killed lapses
		r.Look(ctx)
		r.Wait()
		list, err := runs.Jobs(pg.WithBook(ctx, b.ID), db, b.ID)
		if err != nil {
			return 0, err
		}
		for _, j := range list {
			if j.Name == name && j.Last != nil {
				if j.Last.State != runs.Done && !strings.HasPrefix(j.Last.Error, ErrRed.Error()) { // checks of a book in which something is open are red
					return 0, fmt.Errorf("%s: %s", j.Last.State, j.Last.Error)
				}
				return c.n, nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func killTools(db *pgxpool.Pool, b *ledger.Book, dir string) Tools {
	return Tools{Random: rand.Reader, Files: map[int32]*platforms.Worker{b.ID: platforms.NewWorker(db, b, func() time.Time { return killTime })},
		Backups: Backups{Dir: dir, Age: 48 * time.Hour},
		Export: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, run *reports.ExportRun, w io.Writer, tell func(reports.Told)) (reports.Exported, error) {
			tell(reports.Told{Done: 1})
			err := reports.WriteHledger(ctx, tx, book, w, reports.Options{Lang: run.Lang})
			return reports.Exported{Name: "book.journal", Kind: "text/plain"}, err
		},
		Mail: &Post{Staff: func(context.Context, staff.Mail) error { return nil },
			Donor: func(context.Context, pg.Querier, *ledger.Book, giving.Letter) error { return nil }},
		LapseNotice: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, l *subsidies.Letter, now time.Time) error {
			m, err := subsidies.Notice(book, l, book.Day(now))
			if errors.Is(err, giving.ErrStep) {
				return nil
			}
			if err != nil {
				return err
			}
			_, err = m.Book(ctx, tx, book, giving.Sign{Key: l.ID, At: now})
			return err
		},
		RemittanceNotice: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *projects.Payment, now time.Time) (bool, error) {
			people, err := projects.Tell(ctx, tx, book, p, now)
			for _, id := range people {
				if err := staff.Post(ctx, tx, book.ID, staff.Mail{Person: id, Subject: p.Name(), Body: p.Purpose, Path: "/"}, now); err != nil {
					return false, err
				}
			}
			return len(people) > 0, err
		},
		DueNotice: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (n int, err error) {
			all, err := law.Deadlines(ctx, tx, book, book.Day(now))
			if err != nil {
				return 0, err
			}
			people, err := staff.Holding(ctx, tx, book.ID, staff.Accountant)
			if err != nil {
				return 0, err
			}
			for _, d := range all {
				fresh, err := law.Told(ctx, tx, book, d.Key, d.Stage(book.Day(now)))
				if err != nil {
					return n, err
				}
				for _, p := range people {
					if !fresh {
						continue
					}
					if err := staff.Post(ctx, tx, book.ID, staff.Mail{Person: p.ID, Subject: d.Name, Body: d.Key, Path: "/"}, now); err != nil {
						return n, err
					}
				}
				n++
			}
			return n, nil
		},
		DormantNotice: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, funds []string, now time.Time) error {
			return tell(ctx, tx, book, strings.Join(funds, ","), "dormant", now)
		},
		LateNotice: func(ctx context.Context, tx pgx.Tx, book *ledger.Book, fresh, all int, now time.Time) error {
			return tell(ctx, tx, book, fmt.Sprint(fresh), fmt.Sprint(all), now)
		}}
}

// tell writes to accountants.
func tell(ctx context.Context, tx pgx.Tx, book *ledger.Book, subject, body string, now time.Time) error {
	people, err := staff.Holding(ctx, tx, book.ID, staff.Accountant)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := staff.Post(ctx, tx, book.ID, staff.Mail{Person: p.ID, Subject: subject, Body: body, Path: "/"}, now); err != nil {
			return err
		}
	}
	return nil
}

// other runs the job in a process of its own; it tells whether it was killed.
func other(t *testing.T, db *pgtest.DB, job, dir, url string, kill int) (n int, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envJob+"="+job, envDSN+"="+db.DSN(pgtest.Service), envDir+"="+dir, envURL+"="+url, envKill+"="+strconv.Itoa(kill))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return 0, true
		}
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", job, err, complaint.String())
	}
	if _, err := fmt.Sscanf(out.String(), "statements %d", &n); err != nil {
		t.Fatalf("%s says %q", job, out.String())
	}
	return n, false
}

// random is what differs from run to run: ids, sealed bytes, keys of addresses.
var random = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"|"\\\\x[0-9a-f]*"|"swept:[^"]*"`)

const (
	sqlAllTables = `
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname in ('public', 'private') and c.relname <> 'job_run' and c.relname not like 'schema%' order by 1`

	sqlRunsLeft = `select name, slot, state, missed, counts::text, error from job_run order by name, slot`
)

// noise are columns that say when by the database's clock, or are drawn at random.
var noise = regexp.MustCompile(`"(check_code|recorded_at|made_at|fell_at|taken_at|took|took_ms|ran_at|at|inputs|sees|run_at|started_at|begun_at|told_at|tries|try|ended_at|xid|snapshot|token|finished)":("[^"]*"|[0-9.]+|null)`)

// dump is everything that the database holds, without what is drawn at random, in an order of its own.
func dump(t *testing.T, db *pgtest.DB) []string {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), sqlAllTables)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, table := range tables {
		rows, err := db.Pool.Query(t.Context(), "select row_to_json(x)::text from "+table+" x")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			all = append(all, table+" "+noise.ReplaceAllString(random.ReplaceAllString(line, `"…"`), `"$1":…`))
		}
	}
	rows, err = db.Pool.Query(t.Context(), sqlRunsLeft)
	if err != nil {
		t.Fatal(err)
	}
	var name, state, counts, failed string
	var slot time.Time
	var missed int
	if _, err := pgx.ForEachRow(rows, []any{&name, &slot, &state, &missed, &counts, &failed}, func() error {
		all = append(all, fmt.Sprint("run ", name, " ", slot.UTC(), " ", state, " ", missed, " ", counts, " ", failed))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// difference tells up to a few lines that one has and the other has not.
func difference(a, b []string) string {
	var out strings.Builder
	w := bufio.NewWriter(&out)
	n := 0
	for i, j := 0, 0; (i < len(a) || j < len(b)) && n < 8; {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			fmt.Fprintf(w, "- %.400s\n", a[i])
			i, n = i+1, n+1
		case i == len(a) || b[j] < a[i]:
			fmt.Fprintf(w, "+ %.400s\n", b[j])
			j, n = j+1, n+1
		default:
			i, j = i+1, j+1
		}
	}
	_ = w.Flush()
	return out.String()
}

// backupDir holds a backup that was made shortly before the tests' clock.
func backupDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "book.dump")
	if err := os.WriteFile(file, []byte("PGDMP and so on"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, killTime, killTime.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every job of the table is killed with kill -9 in the middle of its work, and again before the end; the next process makes of it what an
// undisturbed one does, down to the last row and count.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	copies := pgtest.Copies(t, func(db *pgtest.DB) { fillWorld(t, db) })
	dir := backupDir(t)
	fake := stripefake.New(stripefake.Config{Account: account, Secret: "whsec_test_0123456789abcdef0123456789", Currency: "cny", Now: func() time.Time { return killTime.Add(-time.Hour) }, Seed: 1})
	for i := range 3 { // no webhook tells of these
		fake.Charge(int64(10_00+i), "cny", nil)
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	url := server.URL
	table, err := Table(killTools(nil, &ledger.Book{}, dir))
	if err != nil {
		t.Fatal(err)
	}
	seats := make(chan struct{}, 4)
	t.Run("jobs", func(t *testing.T) {
		for _, j := range table {
			t.Run(j.Name, func(t *testing.T) {
				t.Parallel()
				seats <- struct{}{}
				defer func() { <-seats }()
				undisturbed, disturbed := copies(t), copies(t)
				if j.Name == Mail { // a sandbox keeps its letters
					for _, db := range []*pgtest.DB{undisturbed, disturbed} {
						if _, err := db.Pool.Exec(t.Context(), `update book set sandbox = false`); err != nil {
							t.Fatal(err)
						}
					}
				}
				n, _ := other(t, undisturbed, j.Name, dir, url, 0)
				if n == 0 {
					t.Fatal("it does nothing at which it could be killed")
				}
				if _, killed := other(t, disturbed, j.Name, dir, url, (n+1)/2); !killed {
					t.Fatalf("not killed before statement %d of %d", (n+1)/2, n)
				}
				other(t, disturbed, j.Name, dir, url, 0)
				if want, got := dump(t, undisturbed), dump(t, disturbed); !slices.Equal(want, got) {
					t.Errorf("killed before statement %d of %d it differs:\n%s", (n+1)/2, n, difference(want, got))
				}
				t.Logf("%d statements", n)
			})
		}
	})
}
