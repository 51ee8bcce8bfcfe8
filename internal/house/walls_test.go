package house

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pgtest"
)

const denied = "42501" // insufficient_privilege; what a policy refuses has the same code

// try runs a statement, undone afterwards, in a book when one is named; it says under which code it was refused and how many
// rows it touched.
func try(t *testing.T, conn *pgx.Conn, book, sql string, args ...any) (code string, rows int64, text string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if _, err := conn.Exec(ctx, "begin"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(ctx, "rollback"); err != nil {
			t.Fatal(err)
		}
	}()
	if book != "" {
		if _, err := conn.Exec(ctx, "select set_config('sunfund.book', $1, true)", book); err != nil {
			t.Fatal(err)
		}
	}
	tag, err := conn.Exec(ctx, sql, args...)
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code, 0, answer.Message + " " + answer.Detail
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return "", tag.RowsAffected(), ""
}

// TestD1D7DatabaseAttacks is D1 to D7: what the service and the owner of the tables, who is no superuser, are refused.
func TestD1D7DatabaseAttacks(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	db.fill(t)
	service, owner := db.as(t, pgtest.Service), db.as(t, db.owner)
	tried := 0
	refused := func(who string, conn *pgx.Conn, sql, want string) {
		t.Helper()
		tried++
		if code, rows, _ := try(t, conn, "1", sql); code != want {
			t.Errorf("%s: %s: %q (%d rows), want %s", who, sql, code, rows, want)
		}
	}
	for _, table := range append(db.tables(t), "book", "schema_migration") {
		var may map[string]bool // verbs
		rows, _ := db.Pool.Query(t.Context(), `select v, has_table_privilege('sunfund_app', $1::regclass, v) from unnest($2::text[]) v`, table, verbs)
		may, err := collectMap(rows)
		if err != nil {
			t.Fatal(err)
		}
		for verb, sql := range map[string]string{
			"update": "update %s set %s = %[2]s", "delete": "delete from %s", "truncate": "truncate %s cascade",
			"references": "create table mine (id int4 references %s)", "trigger": "create trigger t before insert on %s for each row execute function refuse_change()",
		} {
			if !may[verb] {
				if verb == "update" {
					sql = fmt.Sprintf(sql, table, db.unowned(t, table))
				} else {
					sql = fmt.Sprintf(sql, table)
				}
				refused("service", service, sql, denied)
			}
		}
		for _, sql := range []string{
			"drop table %s cascade", "alter table %s add column x int4", "alter table %s disable trigger all", "alter table %s disable row level security",
			"alter table %s no force row level security", "create policy mine on %s using (true)", "alter table %s owner to sunfund_service",
			"grant truncate on %s to sunfund_service; truncate %[1]s", "create index on %s (ctid)", "copy %s to program 'true'", "copy %s to '/tmp/walls'", "copy %s from program 'true'",
			"alter table %s rename to mine",
		} {
			refused("service", service, fmt.Sprintf(sql, table), denied)
		}
		for _, sql := range []string{"copy %s to program 'true'", "copy %s to '/tmp/walls'", "copy %s from program 'true'"} {
			refused("owner", owner, fmt.Sprintf(sql, table), denied)
		}
	}
	for _, sql := range []string{
		"create table mine (id int4)", "create schema mine", "create function mine() returns int4 language sql as 'select 1'",
		"create view mine as select 1", "set role " + pgtest.Owner, "set role " + db.owner, "set session authorization " + pgtest.Owner,
		"set session_replication_role = replica", "load 'auto_explain'", "create extension file_fdw",
		"create role mine", "alter role sunfund_service superuser", "alter role sunfund_service bypassrls", "grant " + db.owner + " to sunfund_service",
		"select pg_read_file('/etc/passwd')", "select lo_import('/etc/passwd')", "select pg_ls_dir('.')", "select * from pg_authid", "select * from pg_statistic",
		"alter procedure raise_wall(regclass) owner to sunfund_service", "call raise_wall('book')",
		"create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
		"drop function refuse_change() cascade", "alter database " + db.Name + " set session_replication_role = replica",
	} {
		refused("service", service, sql, denied)
	}
	for _, sql := range []string{"alter system set fsync = off", "create database mine", "drop database " + db.Name, "drop database postgres"} { // of no transaction
		tried++
		var answer *pgconn.PgError
		if _, err := service.Exec(t.Context(), sql); !errors.As(err, &answer) || answer.Code != denied {
			t.Errorf("service: %s: %v", sql, err)
		}
	}
	for _, sql := range []string{"set role " + pgtest.Owner, "set session authorization " + pgtest.Owner, "set session_replication_role = replica",
		"alter role " + db.owner + " bypassrls", "alter role " + db.owner + " superuser", "select pg_read_file('/etc/passwd')"} {
		refused("owner", owner, sql, denied)
	}
	// D7: what triggers guard, the owner cannot change either.
	for _, table := range []string{"entry", "posting", "document", "account", "gift", "refund", "audit_event"} {
		for _, sql := range []string{"update %s set book_id = book_id", "delete from %s", "truncate %s cascade"} {
			refused("owner", owner, fmt.Sprintf(sql, table), "23000")
		}
	}
	t.Logf("%d attacks tried", tried)
}

func collectMap(rows pgx.Rows) (map[string]bool, error) {
	m := map[string]bool{}
	var verb string
	var may bool
	_, err := pgx.ForEachRow(rows, []any{&verb, &may}, func() error { m[verb] = may; return nil })
	return m, err
}

// unowned is a column of the table that the service may not update.
func (db owned) unowned(t *testing.T, table string) (column string) {
	t.Helper()
	err := db.Pool.QueryRow(t.Context(), `select quote_ident(attname) from pg_attribute where attrelid = $1::regclass and attnum > 0
		and attgenerated = '' and not has_column_privilege('sunfund_app', attrelid, attnum, 'update') order by attnum limit 1`, table).Scan(&column)
	if err != nil {
		t.Fatal(err)
	}
	return column
}

// fill puts two rows of book 1 and one of book 2 into every table, whatever else a row would need: keys, checks and
// what may not be null go first. Walls, rights and triggers stay.
func (db owned) fill(t *testing.T) {
	t.Helper()
	must := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	must(`do $$ declare c record; begin
		for c in select conrelid::regclass as t, conname from pg_constraint
		          where connamespace::regnamespace::text in ('public', 'private') and conrelid <> 0 order by contype <> 'f' loop
			execute format('alter table %s drop constraint %I', c.t, c.conname);
		end loop;
		for c in select attrelid::regclass as t, attname from pg_attribute a join pg_class r on r.oid = a.attrelid
		          where r.relnamespace::regnamespace::text in ('public', 'private') and r.relkind = 'r' and attnum > 0 and attnotnull and not attisdropped loop
			execute format('alter table %s alter column %I drop not null', c.t, c.attname);
		end loop;
		for c in select indexrelid::regclass as i from pg_index i join pg_class r on r.oid = i.indrelid
		          where r.relnamespace::regnamespace::text in ('public', 'private') loop
			execute format('drop index %s', c.i);
		end loop;
	end $$`)
	for _, table := range db.tables(t) {
		must("set session_replication_role = replica; insert into " + table + " (book_id) values (1), (1), (2); set session_replication_role = origin")
	}
}

// TestA12A14WallsHold is A12 and A14: without a book there are no rows, with one there are its own and no others, by whatever way
// they are asked for, for the service as for the owner of the tables.
func TestA12A14WallsHold(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	db.fill(t)
	for _, role := range []string{pgtest.Service, db.owner} {
		conn := db.as(t, role)
		for _, table := range db.tables(t) {
			for book, want := range map[string]int64{"": 0, "1": 2, "2": 1, "3": 0, "-1": 0} {
				for _, sql := range []string{"select * from %s", "table %s", "copy %s to stdout", "select * from %s where book_id = 1 or book_id = 2 or true",
					"with all_of as materialized (select * from %s) select * from all_of", "select * from only %s x where x.ctid is not null",
					"declare c cursor for select * from %s; fetch all from c"} {
					if code, rows, text := try(t, conn, book, fmt.Sprintf(sql, table)); code != "" || rows != want {
						t.Errorf("%s in book %q: %s: %d rows, want %d %s", role, book, fmt.Sprintf(sql, table), rows, want, text)
					}
				}
			}
			for book, want := range map[string]string{"x": "22P02", "1 or 1=1": "22P02", "1'; --": "22P02", "{1,2}": "22P02", "99999999999": "22003"} {
				if code, rows, _ := try(t, conn, book, "select * from "+table); code != want {
					t.Errorf("%s in book %q: %q, %d rows of %s", role, book, code, rows, table)
				}
			}
			if code, rows, _ := try(t, conn, "1", "set local row_security = off; select * from "+table); code != denied {
				t.Errorf("%s without row security: %q, %d rows of %s", role, code, rows, table)
			}
			for _, book := range []string{"", "1"} { // into another book, or from one's own into another
				// The trigger of decisions asks for their request, which it cannot see across the wall, before the wall itself is asked.
				blind := table == "approval_decision"
				if code, _, _ := try(t, conn, book, "insert into "+table+" (book_id) values (2)"); code != denied && !(blind && code == "23000") {
					t.Errorf("%s in book %q inserts into book 2: %q: %s", role, book, code, table)
				}
			}
		}
	}
	owner := db.as(t, db.owner)
	if code, _, _ := try(t, owner, "1", "update balance set book_id = 2"); code != denied {
		t.Errorf("a row moves into another book: %q", code)
	}
	if code, rows, _ := try(t, owner, "1", "delete from balance"); code != "" || rows != 2 {
		t.Errorf("the owner deletes %d rows of two (%q)", rows, code)
	}
}

// TestA14Leaks: what is not a row and could tell of one: plans made for another book, functions that see rows before the wall
// does, statistics, and the words of errors.
func TestA14Leaks(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	ctx := t.Context()
	must := func(q interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	}, sql string, args ...any) {
		t.Helper()
		if _, err := q.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for book := 1; book <= 2; book++ {
		must(db.Pool, fmt.Sprintf(`insert into street (book_id, street_id, code, name_zh, name_en) values (%d, %[1]d, 'code%[1]d', 'secret%[1]d', 'x')`, book))
		must(db.Pool, fmt.Sprintf(`insert into fund (book_id, fund_id, code, kind, name_zh, name_en) values (%d, %[1]d, 'F%[1]d', 'general', 'x', 'x')`, book))
	}
	must(db.Pool, `analyze`)

	var told []string
	cfg, err := pgx.ParseConfig(db.DSN(pgtest.Service))
	if err != nil {
		t.Fatal(err)
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { told = append(told, n.Message) }
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)

	must(conn, `set plan_cache_mode = force_generic_plan`)
	must(conn, `prepare names as select name_zh from street`)
	for _, book := range []string{"1", "2", "1"} {
		must(conn, `select set_config('sunfund.book', $1, false)`, book)
		var name string
		if err := conn.QueryRow(ctx, `execute names`, pgx.QueryExecModeSimpleProtocol).Scan(&name); err != nil || name != "secret"+book {
			t.Errorf("prepared in another book, book %s reads %q (%v)", book, name, err)
		}
	}

	must(conn, `create function pg_temp.tell(text) returns bool language plpgsql cost 0.0001 as $$ begin raise notice '%', $1; return true; end $$`)
	must(conn, `select * from street where pg_temp.tell(name_zh)`)
	must(conn, `select 1 / (case when name_zh = 'secret2' then 0 else 1 end) from street`) // would divide by zero on a row seen too early
	if fmt.Sprint(told) != "[secret1]" {
		t.Errorf("a function saw %q", told)
	}

	rows, _ := conn.Query(ctx, `select distinct tablename::text from pg_stats where schemaname in ('public', 'private')`)
	visible, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range visible {
		if shared[table] == "" {
			t.Errorf("statistics of %s can be read", table)
		}
	}

	// What another book has and what nobody has are refused in the same words.
	words := func(sql string, n int) string {
		code, _, text := try(t, conn, "1", fmt.Sprintf(sql, n))
		if code == "" {
			t.Errorf("not refused: "+sql, n)
		}
		return code + " " + text
	}
	for _, sql := range []string{
		`insert into street (book_id, street_id, code, name_zh, name_en) values (2, %d, 'code2', 'x', 'x')`,
		`insert into account (book_id, account_id, fund_id, unit, chart, ccy, dims, leaf) values (1, 1, %d, 156, 'cash', 'CNY', '{}', gen_random_uuid())`,
	} {
		if theirs, nobodys := words(sql, 2), words(sql, 77); theirs != nobodys || strings.Contains(theirs, "secret") {
			t.Errorf("%s\n tells %q of another book's and %q of nobody's", sql, theirs, nobodys)
		}
	}
}
