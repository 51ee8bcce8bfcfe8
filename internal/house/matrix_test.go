package house

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
	"sunfund/migrations"
)

var update = flag.Bool("update", false, "write testdata anew")

// owned is a database as operating.md has it made: its owner is no superuser.
type owned struct {
	*pgtest.DB
	owner string
}

func newOwned(t *testing.T) owned {
	t.Helper()
	db := owned{pgtest.Empty(t), "walls_" + strings.ToLower(rand.Text())}
	must := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Fatal(err)
		}
	}
	must("create role " + db.owner + " login")
	t.Cleanup(func() { // before the database goes: the role owns it
		must("reassign owned by " + db.owner + " to " + pgtest.Owner)
		must("drop owned by " + db.owner)
		must("drop role " + db.owner)
	})
	must("alter database " + db.Name + " owner to " + db.owner)
	if _, err := migrations.Apply(t.Context(), db.as(t, db.owner)); err != nil {
		t.Fatal(err)
	}
	return db
}

// as connects as a role, without any book.
func (db owned) as(t *testing.T, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// tables are all tables but the ones that are in no book.
func (db owned) tables(t *testing.T) (inBooks []string) {
	t.Helper()
	rows, _ := db.Pool.Query(t.Context(), `select oid::regclass::text from pg_class
		where relnamespace::regnamespace::text in ('public', 'private') and relkind in ('r', 'p') order by relnamespace::regnamespace::text desc, relname collate "C"`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	inBooks = slices.DeleteFunc(all, func(name string) bool { return shared[name] != "" })
	if len(inBooks) < 20 {
		t.Fatalf("only %d tables", len(inBooks))
	}
	return inBooks
}

var verbs = []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"}

const (
	sqlRights = `
select coalesce(string_agg(v, ' ' order by n) filter (where has_table_privilege($1, c.oid, v)), '')
  from pg_class c cross join unnest($3::text[]) with ordinality u(v, n)
 where c.oid = $2::regclass`

	// Columns that may be updated where not the whole row may.
	sqlColumns = `
select coalesce(string_agg(attname::text, ' ' order by attname collate "C"), '')
  from pg_attribute
 where attrelid = $2::regclass and attnum > 0 and not attisdropped
   and not has_table_privilege($1, attrelid, 'update') and has_column_privilege($1, attrelid, attnum, 'update')`

	// The verbs that a trigger refuses to everybody: bits of tgtype.
	sqlRefused = `
select coalesce(string_agg(distinct v, ' ' order by v), '')
  from pg_trigger t join pg_proc p on p.oid = t.tgfoid
  join (values ('delete', 8), ('update', 16), ('truncate', 32)) b(v, bit) on t.tgtype & b.bit <> 0
 where t.tgrelid = $1::regclass and not t.tgisinternal and p.proname = 'refuse_change' and t.tgqual is null`

	sqlWall = `
select case when relrowsecurity and relforcerowsecurity then 'forced' when relrowsecurity then 'not for its owner' else 'none' end
  from pg_class where oid = $1::regclass`
)

// TestMatrix prints role x table x verb and compares it with what was agreed to: testdata/matrix.txt.
func TestMatrix(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	ask := func(sql string, args ...any) (text string) {
		t.Helper()
		if err := db.Pool.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return cmp.Or(text, "-")
	}
	var out strings.Builder
	out.WriteString("# Who may do what to which table. `go test ./internal/house -run TestMatrix -update` writes this anew.\n" +
		"# owner: its own tables, all verbs, behind the wall; what triggers refuse is refused to the owner and to superusers too.\n")
	tables := append(db.tables(t), "book", "schema_migration")
	for _, table := range tables {
		fmt.Fprintf(&out, "\n%s\n", table)
		for _, role := range []string{db.owner, "sunfund_app", pgtest.Service, "public"} {
			rights := ask(sqlRights, role, table, verbs)
			if columns := ask(sqlColumns, role, table); columns != "-" {
				rights += "; update of " + columns
			}
			if role == db.owner {
				role = "owner"
			}
			fmt.Fprintf(&out, "  %-16s %s\n", role, rights)
		}
		fmt.Fprintf(&out, "  %-16s %s\n  %-16s %s\n", "wall", ask(sqlWall, table), "triggers refuse", ask(sqlRefused, table))
	}
	const golden = "testdata/matrix.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tables x 4 roles x %d verbs", len(tables), len(verbs))
	if string(want) == out.String() {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")
	for i := range max(len(was), len(is)) {
		var old, now string
		if i < len(was) {
			old = was[i]
		}
		if i < len(is) {
			now = is[i]
		}
		if old != now {
			t.Fatalf("%s line %d: the database has %q, agreed was %q. Agree with -update", golden, i+1, now, old)
		}
	}
}

// TestA14NothingGoesAroundTheWalls: the ways around row level security that a schema can have.
func TestA14NothingGoesAroundTheWalls(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	for what, sql := range map[string]string{
		"tables without a forced wall": `select relname from pg_class where relnamespace::regnamespace::text in ('public', 'private') and relkind in ('r', 'p')
			and not (relrowsecurity and relforcerowsecurity) and relname not in ('book', 'schema_migration')`,
		"tables without exactly our policy": `select c.relname from pg_class c left join pg_policy p on p.polrelid = c.oid
			where c.relnamespace::regnamespace::text in ('public', 'private') and c.relkind in ('r', 'p') and c.relname not in ('book', 'schema_migration')
			group by c.oid, c.relname
			having count(p.oid) <> 1 or not bool_and(p.polpermissive and p.polcmd = '*' and p.polroles = '{0}'
			   and pg_get_expr(p.polqual, p.polrelid) like '(book_id = ( SELECT (NULLIF(current_setting(''sunfund.book''::text, true), ''''::text))::integer%'
			   and pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid))`,
		"views, materialised views, foreign tables, sequences": `select relname from pg_class
			where relnamespace::regnamespace::text in ('public', 'private') and relkind in ('v', 'm', 'f', 'S')`,
		"functions that run with their maker's rights": `select proname from pg_proc where pronamespace::regnamespace::text in ('public', 'private') and prosecdef`,
		"rules": `select rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace::regnamespace::text in ('public', 'private')`,
		"roles of ours that no wall holds": `select rolname from pg_roles where rolname in ('sunfund_app', 'sunfund_service')
			and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
		"rights of everybody": `select c.relname from pg_class c, aclexplode(c.relacl) a where c.relnamespace::regnamespace::text in ('public', 'private') and a.grantee = 0`,
		"rights to pass on": `select c.relname from pg_class c, aclexplode(c.relacl) a
			where c.relnamespace::regnamespace::text in ('public', 'private') and a.is_grantable and a.grantee = 'sunfund_app'::regrole`,
		"schemas that the service may make things in": `select nspname from pg_namespace
			where nspname !~ '^pg_(temp|toast)' and has_schema_privilege('sunfund_service', oid, 'create')`,
	} {
		rows, _ := db.Pool.Query(t.Context(), sql)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(found) > 0 {
			t.Errorf("%s: %q", what, found)
		}
	}
}

// Behind a wall only what is leakproof may use an index: all else would be computed for each row of the book.
func TestIndexesServeBehindTheWalls(t *testing.T) {
	t.Parallel()
	rows, _ := newOwned(t).Pool.Query(t.Context(), `select distinct i.indexrelid::regclass || coalesce(' by ' || o.oprname || ' of ' || k.opcintype::regtype, ' on an expression')
		  from pg_index i
		  join pg_class c on c.oid = i.indrelid and c.relnamespace::regnamespace::text in ('public', 'private')
		 cross join lateral unnest(i.indclass::oid[]) u(class)
		  join pg_opclass k on k.oid = u.class
		  left join pg_amop a on a.amopfamily = k.opcfamily and a.amoplefttype = k.opcintype and a.amoprighttype = k.opcintype and i.indexprs is null
		  left join pg_operator o on o.oid = a.amopopr
		  left join pg_proc p on p.oid = o.oprcode
		 where p.proleakproof is not true`)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(found) > 0 {
		t.Errorf("%q (%v)", found, err)
	}
}

// Only internal/pg says in which book a connection is.
func TestOnePlaceSetsTheBook(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || s.room == "internal/pg" || s.room == "internal/pgtest" {
			continue
		}
		text, err := os.ReadFile("../../" + s.path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "sunfund.book") {
			t.Errorf("%s speaks of sunfund.book: use pg.WithBook or pg.EnterBook", s.path)
		}
	}
}
