package house

import (
	"context"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
)

// statement is an sql… constant of a package.
type statement struct {
	name, at, text string
}

// statements folds the string constants of every package and picks those named sql….
func statements(t *testing.T) (found []statement) {
	t.Helper()
	consts := map[string]map[string]ast.Expr{} // by room and name
	shared := map[string]ast.Expr{}            // by package and name: what one room says for others
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		eachConst(s, func(name *ast.Ident, value ast.Expr) {
			if consts[s.room] == nil {
				consts[s.room] = map[string]ast.Expr{}
			}
			consts[s.room][name.Name] = value
			if name.IsExported() {
				shared[s.File.Name.Name+"."+name.Name] = value
			}
		})
	}
	for _, room := range consts {
		maps.Copy(room, shared)
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		eachConst(s, func(name *ast.Ident, value ast.Expr) {
			if !sqlName.MatchString(name.Name) {
				return
			}
			text, ok := fold(value, consts[s.room])
			if !ok {
				t.Errorf("%s: %s is not made of string constants", s.at(name.Pos()), name.Name)
				return
			}
			found = append(found, statement{name.Name, s.at(name.Pos()), text})
		})
	}
	return found
}

var sqlName = regexp.MustCompile(`^sql[A-Z]`)

func eachConst(s *source, do func(name *ast.Ident, value ast.Expr)) {
	ast.Inspect(s.File, func(n ast.Node) bool {
		if gen, ok := n.(*ast.GenDecl); ok && gen.Tok == token.CONST {
			for _, spec := range gen.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						do(name, v.Values[i])
					}
				}
			}
		}
		return true
	})
}

// fold computes a constant of string literals, other constants and plus signs.
func fold(e ast.Expr, consts map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.ParenExpr:
		return fold(e.X, consts)
	case *ast.Ident:
		if value := consts[e.Name]; value != nil {
			return fold(value, consts)
		}
	case *ast.SelectorExpr:
		if room, ok := e.X.(*ast.Ident); ok && consts[room.Name+"."+e.Sel.Name] != nil {
			return fold(consts[room.Name+"."+e.Sel.Name], consts)
		}
	case *ast.BinaryExpr:
		left, ok := fold(e.X, consts)
		right, also := fold(e.Y, consts)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

// A wrong column fails here, not at night.
func TestEveryStatementFitsTheSchema(t *testing.T) {
	t.Parallel()
	all := statements(t)
	if len(all) < 100 {
		t.Errorf("only %d statements found", len(all))
	}
	conn := connect(t)
	for _, s := range all { // what reads a temporary table finds it
		if strings.HasPrefix(strings.TrimSpace(s.text), "create temporary table") {
			if _, err := conn.Exec(t.Context(), s.text); err != nil {
				t.Errorf("%s: %s: %v", s.at, s.name, err)
			}
		}
	}
	for _, s := range all {
		if _, err := conn.Prepare(t.Context(), "", s.text); err != nil {
			t.Errorf("%s: %s: %v", s.at, s.name, err)
		}
	}
	t.Logf("%d statements prepared", len(all))
}

// unnamed are files with a statement that is no constant, with the reason.
var unnamed = map[string]string{
	"cmd/sunfund/demo.go":       "asks the server for our database before there is one",
	"cmd/sunfund/bench/fill.go": "reads a table that is there only while a book is filled",
}

// Statements hide from the test above when they are neither constants named sql… nor parts of one.
func TestStatementsAreConstants(t *testing.T) {
	t.Parallel()
	looks := regexp.MustCompile(`(?is)^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+(\S+\s+)?set\s|delete\s+from\s|with\s+\S+\s+as\s*\()`)
	var known strings.Builder
	for _, s := range statements(t) {
		known.WriteString(s.text + "\x00")
	}
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.room, "internal") || unnamed[s.path] != "" {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && looks.MatchString(text) && !strings.Contains(known.String(), text) {
					t.Errorf("%s: a statement that is no constant named sql…", s.at(lit.Pos()))
				}
			}
			return true
		})
	}
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).DSN(pgtest.Service))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// shared are the tables that are in no book, with the reason.
var shared = map[string]string{
	"book":             "the list of the books themselves",
	"schema_migration": "tells which schema the server has, once for all its books",
}

const (
	keysOfTables = `
select c.relname, i.relname, pg_index.indisprimary, a.attname
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('public', 'private')
  left join pg_index on pg_index.indrelid = c.oid
  left join pg_class i on i.oid = pg_index.indexrelid
  left join pg_attribute a on a.attrelid = c.oid and a.attnum = pg_index.indkey[0]
 where c.relkind in ('r', 'p')
 order by 1, 2`

	foreignKeys = `
select f.conrelid::regclass::text, f.conname, f.confrelid::regclass::text, a.attname, b.attname
  from pg_constraint f
  join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
  join pg_attribute b on b.attrelid = f.confrelid and b.attnum = f.confkey[1]
 where f.contype = 'f'`

	bookColumns = `
select table_name, data_type, is_nullable from information_schema.columns where table_schema in ('public', 'private') and column_name = 'book_id'`
)

// Ready to be sharded by book: every key begins with it.
func TestEveryKeyBeginsWithTheBook(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	primary, seen := map[string]bool{}, map[string]bool{}
	var table, foreign, to string
	var index, first *string
	var isPrimary *bool
	rows, _ := conn.Query(t.Context(), keysOfTables)
	_, err := pgx.ForEachRow(rows, []any{&table, &index, &isPrimary, &first}, func() error {
		seen[table] = true
		if index == nil {
			return nil
		}
		primary[table] = primary[table] || *isPrimary
		if shared[table] == "" && (first == nil || *first != "book_id") {
			t.Errorf("%s: index %s does not begin with book_id", table, *index)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for table := range seen {
		if !primary[table] {
			t.Errorf("%s has no primary key", table)
		}
	}
	for table := range shared {
		if !seen[table] {
			t.Errorf("%s is excused and does not exist", table)
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d tables", len(seen))
	}

	var constraint, from, into string
	rows, _ = conn.Query(t.Context(), foreignKeys)
	_, err = pgx.ForEachRow(rows, []any{&foreign, &constraint, &to, &from, &into}, func() error {
		if from != "book_id" || into != "book_id" || shared[to] != "" {
			t.Errorf("%s: foreign key %s leads from %s to %s of %s: it must stay inside its book", foreign, constraint, from, into, to)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	var kind, nullable string
	rows, _ = conn.Query(t.Context(), bookColumns)
	_, err = pgx.ForEachRow(rows, []any{&table, &kind, &nullable}, func() error {
		if kind != "integer" || nullable != "NO" {
			t.Errorf("%s: book_id is %s, nullable %s", table, kind, nullable)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
