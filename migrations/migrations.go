// Package migrations holds the schema as numbered SQL files and brings a database up to it.
// Files are only ever added: an applied file is remembered with its hash, and one that changed
// afterwards stops the next migration.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
)

//go:embed *.sql
var files embed.FS

var (
	// ErrChanged means that a file differs from what was applied under its number.
	ErrChanged = errors.New("an applied migration was changed")
	// ErrOrder means that the files or the applied versions are not 1, 2, 3 … without a gap.
	ErrOrder = errors.New("migrations are not in order")
	// ErrNewer means that the database was migrated by a newer program than this one.
	ErrNewer = errors.New("the database is newer than this program")
)

// migration is one file, e.g. 0001_book.sql.
type migration struct {
	version int
	name    string // the file's name
	sql     string
	sum     [sha256.Size]byte
}

var fileName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// read returns the migrations of a folder in order.
func read(fsys fs.FS) ([]migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	all := make([]migration, 0, len(names))
	for i, name := range names {
		m := fileName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("%w: %s is not named NNNN_name.sql", ErrOrder, name)
		}
		if version, _ := strconv.Atoi(m[1]); version != i+1 {
			return nil, fmt.Errorf("%w: %s stands where number %04d belongs", ErrOrder, name, i+1)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version: i + 1, name: name, sql: string(text), sum: sha256.Sum256(text)})
	}
	return all, nil
}

// Hash names the schema that all files together make, for caches of migrated databases.
func Hash() (string, error) {
	all, err := read(files)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, m := range all {
		fmt.Fprintf(h, "%s %x\n", m.name, m.sum)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

const (
	// One migrator at a time per database; the number is arbitrary and must never change.
	lockKey = 0x73756e66756e64

	sqlLock   = `select pg_advisory_lock($1)`
	sqlUnlock = `select pg_advisory_unlock($1)`

	sqlCreateTable = `create table if not exists schema_migration (
		version    integer     primary key,
		name       text        not null,
		sha256     bytea       not null,
		applied_at timestamptz not null default now()
	)`
	sqlTableExists = `select to_regclass('schema_migration') is not null`
	sqlApplied     = `select version, name, sha256 from schema_migration order by version`
	sqlRecord      = `insert into schema_migration (version, name, sha256) values ($1, $2, $3)`
	// The service asks at its start whether the schema is there, see Pending.
	sqlGrant = `do $$ begin
		if exists (select from pg_roles where rolname = 'sunfund_app') then
			grant select on schema_migration to sunfund_app;
		end if;
	end $$`
)

// Apply runs the files that the database does not have yet, each in a transaction of its own, and
// returns their names. When a file fails the ones before it stay, nothing of it does, and the error
// says at which line. conn must belong to the owner of the schema.
func Apply(ctx context.Context, conn *pgx.Conn) (applied []string, err error) {
	return apply(ctx, conn, files)
}

func apply(ctx context.Context, conn *pgx.Conn, fsys fs.FS) (applied []string, err error) {
	all, err := read(fsys)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, sqlLock, int64(lockKey)); err != nil {
		return nil, fmt.Errorf("wait for other migrations: %w", err)
	}
	defer func() {
		// Closing the connection unlocks as well; this is for callers who go on using it.
		unlock, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(unlock, sqlUnlock, int64(lockKey))
	}()
	if _, err := conn.Exec(ctx, sqlCreateTable); err != nil {
		return nil, fmt.Errorf("create schema_migration: %w", err)
	}
	pending, err := compare(ctx, conn, all)
	if err != nil {
		return nil, err
	}
	for _, m := range pending {
		if err := run(ctx, conn, m); err != nil {
			return applied, err
		}
		applied = append(applied, m.name)
	}
	if _, err := conn.Exec(ctx, sqlGrant); err != nil {
		return applied, fmt.Errorf("grant on schema_migration: %w", err)
	}
	return applied, nil
}

// Pending returns the names of the files that the database does not have yet, and an error when what
// it has does not fit the files. A newer database is no error here: old code runs on a new schema.
func Pending(ctx context.Context, q pg.Querier) ([]string, error) {
	all, err := read(files)
	if err != nil {
		return nil, err
	}
	var exists bool
	if err := q.QueryRow(ctx, sqlTableExists).Scan(&exists); err != nil {
		return nil, fmt.Errorf("look for schema_migration: %w", err)
	}
	pending := all
	if exists {
		pending, err = compare(ctx, q, all)
		if errors.Is(err, ErrNewer) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(pending))
	for _, m := range pending {
		names = append(names, m.name)
	}
	return names, nil
}

// compare checks what was applied against the files and returns the files that are still to run.
func compare(ctx context.Context, q pg.Querier, all []migration) ([]migration, error) {
	type row struct {
		Version int
		Name    string
		SHA256  []byte `db:"sha256"`
	}
	rows, err := q.Query(ctx, sqlApplied)
	if err != nil {
		return nil, fmt.Errorf("read schema_migration: %w", err)
	}
	done, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("read schema_migration: %w", err)
	}
	for i, d := range done {
		if d.Version != i+1 {
			return nil, fmt.Errorf("%w: the database has %s but not number %04d", ErrOrder, d.Name, i+1)
		}
		if i >= len(all) {
			return nil, fmt.Errorf("%w: it has %s", ErrNewer, d.Name)
		}
		if m := all[i]; string(m.sum[:]) != string(d.SHA256) {
			return nil, fmt.Errorf("%w: %s was applied as %s with SHA-256 %x, now it is %x",
				ErrChanged, m.name, d.Name, d.SHA256, m.sum)
		}
	}
	return all[len(done):], nil
}

// run applies one file and records it, both or neither.
func run(ctx context.Context, conn *pgx.Conn, m migration) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The whole file goes as one simple query, so that the server alone decides where a statement ends.
		results := conn.PgConn().Exec(ctx, m.sql)
		completed := 0
		for results.NextResult() {
			if _, err := results.ResultReader().Close(); err != nil {
				break // Close of results returns it too
			}
			completed++
		}
		if err := results.Close(); err != nil {
			return fmt.Errorf("%s:%d: %w", m.name, failedLine(m.sql, completed, err), err)
		}
		if conn.PgConn().TxStatus() != 'T' {
			return fmt.Errorf("%s: must not end its transaction", m.name)
		}
		if _, err := tx.Exec(ctx, sqlRecord, m.version, m.name, m.sum[:]); err != nil {
			return fmt.Errorf("record %s: %w", m.name, err)
		}
		return nil
	})
}

// failedLine finds the line to look at: the one the server points at, otherwise the one where the
// statement after the completed ones begins.
func failedLine(sql string, completed int, err error) int {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Position > 0 {
		// The server counts characters, from one.
		runes := []rune(sql)
		return 1 + strings.Count(string(runes[:min(int(answer.Position)-1, len(runes))]), "\n")
	}
	return 1 + strings.Count(sql[:statementStart(sql, completed)], "\n")
}

var (
	// token matches a semicolon and what may hide one. Of a dollar-quoted body it matches the opening
	// tag only, since its end depends on it.
	token = regexp.MustCompile(`--[^\n]*|/\*(?s:.*?)\*/|'(?:[^']|'')*'|"[^"]*"|\$[A-Za-z_0-9]*\$|;`)
	blank = regexp.MustCompile(`^(?:\s+|--[^\n]*|/\*(?s:.*?)\*/)*`)
)

// statementStart returns the offset where statement n (from zero) begins, past blanks and comments.
// It serves error messages only: nothing is executed by it.
func statementStart(sql string, n int) int {
	at := 0
	for n > 0 {
		loc := token.FindStringIndex(sql[at:])
		if loc == nil {
			break
		}
		found := sql[at+loc[0] : at+loc[1]]
		at += loc[1]
		switch {
		case found == ";":
			n--
		case found[0] == '$':
			if end := strings.Index(sql[at:], found); end >= 0 {
				at += end + len(found)
			}
		}
	}
	return at + len(blank.FindString(sql[at:]))
}
