package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pglocal"
)

const pgbenchDB = "bench_pgbench"

// rowLock is a ledger as it is usually built: one function a transfer, that updates both balances and inserts a journal row and two postings.
const rowLock = `
create table rl_account (id int8 primary key, balance int8 not null) with (fillfactor = 50);
create table rl_journal (id int8 generated always as identity primary key, at timestamptz not null default now(), key uuid not null, memo text not null);
create table rl_posting (id int8 generated always as identity primary key, journal int8 not null, account int8 not null, amount int8 not null);
create index on rl_posting (account, id);
insert into rl_account select i, 0 from generate_series(1, 1000) i;
create function rl_transfer(debit int8, credit int8, minor int8) returns int8 language plpgsql as $$
declare
  j int8;
begin
  update rl_account set balance = balance + minor where id = debit;
  update rl_account set balance = balance - minor where id = credit;
  insert into rl_journal (key, memo) values (gen_random_uuid(), 'one bare transfer of the giving day, as a limit') returning id into j;
  insert into rl_posting (journal, account, amount) values (j, debit, minor), (j, credit, -minor);
  return j;
end
$$`

const rowLockScript = "select rl_transfer(1, 2, 10000);\n"

// pgbench runs it on its own database, which is laid out at first use.
func (l *lab) pgbench(ctx context.Context, args ...string) (string, error) {
	bin, err := pglocal.Find("", 0)
	if err != nil {
		return "", err
	}
	path := filepath.Join(bin.Dir, "pgbench")
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("pgbench"); err != nil {
			return "", fmt.Errorf("pgbench comes with PostgreSQL's contributed programs: %w", err)
		}
	}
	dsn := l.server.DSN(pgbenchDB, pglocal.Owner)
	if !l.pgbenchReady {
		if err := l.layOutPgbench(ctx, path, dsn); err != nil {
			return "", err
		}
		l.pgbenchReady = true
	}
	out, err := exec.CommandContext(ctx, path, append(args, dsn)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pgbench: %w: %s", err, out)
	}
	return string(out), nil
}

func (l *lab) layOutPgbench(ctx context.Context, path, dsn string) error {
	if err := l.createDatabase(ctx, pgbenchDB, "template1"); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, path, "-i", "-q", "-s", strconv.Itoa(l.cfg.Scale), dsn).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, rowLock)
	return err
}

var (
	tps     = regexp.MustCompile(`tps = ([0-9.]+)`)
	latency = regexp.MustCompile(`latency average = ([0-9.]+) ms`)
	done    = regexp.MustCompile(`transactions actually processed: (\d+)`)
)

// measurePgbench reads what pgbench says of itself. Its rate leaves out the time to connect.
func measurePgbench(ctx context.Context, l *lab, r *row, args ...string) (sample, error) {
	length := []string{"-T", strconv.Itoa(int(l.cfg.Span.Seconds()))}
	if l.cfg.Span < time.Second {
		length = []string{"-t", "2"}
	}
	args = slices.Concat([]string{"-n", "-M", "prepared", "-c", strconv.Itoa(r.clients), "-j", "2"}, length, args)
	out, err := l.pgbench(ctx, args...)
	if err != nil {
		return sample{}, err
	}
	rate, _ := strconv.ParseFloat(group(tps, out), 64)
	n, _ := strconv.ParseInt(group(done, out), 10, 64)
	ms, _ := strconv.ParseFloat(group(latency, out), 64)
	if rate == 0 || n == 0 {
		return sample{}, fmt.Errorf("pgbench said %q", out)
	}
	return sample{gifts: n, took: time.Duration(float64(n) / rate * float64(time.Second)), average: time.Duration(ms * float64(time.Millisecond))}, nil
}

func group(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func measureTPCB(ctx context.Context, l *lab, r *row) (sample, error) {
	return measurePgbench(ctx, l, r)
}

// measureSimpleUpdate is P64 of the targets.
func measureSimpleUpdate(ctx context.Context, l *lab, r *row) (sample, error) {
	return measurePgbench(ctx, l, r, "-N")
}

// measureRowLock is N64 of the targets.
func measureRowLock(ctx context.Context, l *lab, r *row) (sample, error) {
	script := filepath.Join(l.server.Home(), "row-lock.sql")
	if err := os.WriteFile(script, []byte(rowLockScript), 0o644); err != nil {
		return sample{}, err
	}
	return measurePgbench(ctx, l, r, "-f", script)
}
