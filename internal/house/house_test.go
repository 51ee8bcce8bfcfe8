package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sunfund/api/problem"
	"sunfund/ledger"
)

const module = "sunfund/"

// source is one Go file of the module.
type source struct {
	*ast.File
	fset *token.FileSet
	path string // from the module's root, with slashes
	room string // its folder
	test bool
}

// at names a place as editors read it.
func (s *source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(pos).Line)
}

func (s *source) imports() (paths []string) {
	for _, i := range s.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// parse reads every Go file of the module. Through os, so that the test cache sees each file and folder.
var parse = sync.OnceValues(func() (all []*source, err error) {
	fset := token.NewFileSet()
	root := filepath.Join("..", "..")
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f, err := parser.ParseFile(fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, &source{File: f, fset: fset, path: rel, room: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go")})
		return nil
	})
	return all, err
})

func sources(t *testing.T) []*source {
	t.Helper()
	all, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found: this test looks in the wrong place", len(all))
	}
	return all
}

// floors are the rooms from the ground up: a room imports only rooms of the floors below its own.
var floors = [][]string{
	{"ledger/money", "ledger/chart"},
	{"ledger", "ledger/giving/match"}, // the rules of match are data and a function: of money alone
	{"ledger/law"},
	{"ledger/giving"},
	{"ledger/funds"},
	{"ledger/projects", "ledger/payments"},
	{"ledger/recon", "ledger/disclosure"},
	{"ledger/reports"},
	{"api/problem"},
	{"api", "api/web", "jobs"},
	{"cmd"},
}

// beside the domain's rooms stand these: they know the ledger, and only the faces and the commands know them.
var beside = []string{"ledger/staff", "ledger/proof", "ledger/runs"}

// plumbing is what every room may use, and what each pipe may use itself beside other pipes.
var plumbing = map[string]string{
	"internal":        "",
	"internal/pgtest": "migrations",
	"internal/house":  "api/problem ledger", // a table of all errors
	"migrations":      "",
}

func floorOf(room string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, room) })
}

// roomOf finds the named room that a folder belongs to: ledger/recon/statement is part of ledger/recon.
func roomOf(dir string) (room string, ok bool) {
	named := slices.Concat(slices.Concat(floors...), beside, slices.Collect(maps.Keys(plumbing)))
	for ; dir != "."; dir = path.Dir(dir) {
		if slices.Contains(named, dir) {
			// A folder below ledger or api is a room of its own and has to be named; others are parts of theirs.
			return dir, true
		}
		if up := path.Dir(dir); up == "ledger" || up == "api" {
			return dir, false
		}
	}
	return dir, false
}

func mayImport(from, to string) bool {
	if from == to {
		return true
	}
	if extra, ok := plumbing[from]; ok {
		return strings.HasPrefix(to, "internal") || slices.Contains(strings.Fields(extra), to)
	}
	if _, ok := plumbing[to]; ok {
		// The schema is for the commands; tests' databases are for tests.
		return to == "internal" || to == "migrations" && from == "cmd"
	}
	ledgerFloor, facesFloor := floorOf("ledger"), floorOf("api/problem")
	switch {
	case slices.Contains(beside, from):
		return floorOf(to) >= 0 && floorOf(to) <= ledgerFloor
	case slices.Contains(beside, to):
		return floorOf(from) >= facesFloor
	}
	return floorOf(to) < floorOf(from)
}

func TestRoomsImportOneWay(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, s := range sources(t) {
		from, ok := roomOf(s.room)
		if !ok {
			t.Errorf("%s: %s is no room of the house", s.path, s.room)
			continue
		}
		for i, imported := range s.imports() {
			dir, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			checked++
			to, ok := roomOf(dir)
			// A test may lay out a database and check itself against the rooms above; nobody builds on tests.
			if ok && s.test && (to == "internal/pgtest" || to == "migrations" || floorOf(from) >= floorOf("api/problem")) {
				continue
			}
			if !ok || !mayImport(from, to) {
				t.Errorf("%s: %s may not import %s", s.at(s.Imports[i].Pos()), from, imported)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d imports seen", checked)
	}
}

// The rules themselves, in the words of house.md.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		may      bool
	}{
		{"cmd", "api/web", true}, {"cmd", "jobs", true}, {"cmd", "migrations", true}, {"api", "ledger/reports", true}, {"ledger/funds", "ledger/giving", true}, {"ledger/giving", "ledger/funds", false},
		{"ledger/reports", "ledger/giving", true}, {"ledger/giving", "ledger/giving/match", true}, {"ledger/giving/match", "ledger/money", true}, {"ledger/payments", "ledger/giving", true}, {"ledger", "ledger/money", true},
		{"ledger/staff", "ledger", true}, {"api", "ledger/staff", true}, {"api/web", "api/problem", true}, {"ledger", "internal", true},
		{"internal/pgtest", "migrations", true}, {"migrations", "internal", true},

		{"ledger", "ledger/giving", false}, {"ledger/giving/match", "ledger", false}, {"ledger", "ledger/giving/match", false}, {"ledger/giving", "ledger/payments", false}, {"ledger/projects", "ledger/payments", false},
		{"ledger/money", "ledger/chart", false}, {"ledger/chart", "ledger", false}, {"ledger/giving", "ledger/staff", false}, {"ledger/staff", "ledger/giving", false},
		{"api", "api/web", false}, {"api/web", "api", false}, {"jobs", "api", false}, {"api", "jobs", false}, {"api", "cmd", false}, {"api/problem", "api", false},
		{"internal", "ledger", false}, {"internal", "migrations", false}, {"migrations", "ledger", false}, {"ledger", "migrations", false}, {"cmd", "internal/pgtest", false},
	} {
		if mayImport(c.from, c.to) != c.may {
			t.Errorf("%s imports %s: want %v", c.from, c.to, c.may)
		}
	}
	for dir, want := range map[string]string{"ledger/recon/statement": "ledger/recon", "cmd/sunfund/demo": "cmd", "internal/pg": "internal", "api/web": "api/web"} {
		if got, ok := roomOf(dir); !ok || got != want {
			t.Errorf("%s is %s, %v", dir, got, ok)
		}
	}
	for _, dir := range []string{"ledger/gifts", "api/graphql", "pkg", "utils"} {
		if _, ok := roomOf(dir); ok {
			t.Errorf("%s passes for a room", dir)
		}
	}
}

// guests are libraries that live in a few rooms only.
var guests = map[string][]string{
	"github.com/labstack/":       {"api", "api/web", "cmd"},
	"github.com/stripe/":         {"ledger/payments"},
	"github.com/robfig/cron":     {"jobs"},
	"github.com/xuri/excelize":   {"ledger/reports"},
	"codeberg.org/go-pdf/fpdf":   {"ledger/reports"},
	"github.com/alecthomas/kong": {"cmd"},
	"github.com/wneessen/":       {"cmd"},
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		room, _ := roomOf(s.room)
		for i, imported := range s.imports() {
			for library, rooms := range guests {
				if strings.HasPrefix(imported, library) && !slices.Contains(rooms, room) {
					t.Errorf("%s: %s belongs into %s only", s.at(s.Imports[i].Pos()), imported, strings.Join(rooms, ", "))
				}
			}
		}
	}
}

// ownCSV are files that write CSV by themselves, with the reason.
var ownCSV = map[string]string{"internal/sheet/write.go": "guards every field", "cmd/sunfund/bench/import.go": "what an import reads, as somebody else wrote it"}

// A table that leaves the house goes through the writer that keeps spreadsheet programs from running what is in it.
func TestTablesAreGuarded(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			of, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := of.X.(*ast.Ident); ok && pkg.Name == "csv" && of.Sel.Name == "NewWriter" {
				if file, _, _ := strings.Cut(s.at(n.Pos()), ":"); ownCSV[file] == "" {
					t.Errorf("%s: write with sheet.NewWriter", s.at(n.Pos()))
				} else {
					used[file] = true
				}
			}
			return true
		})
	}
	if len(used) != len(ownCSV) {
		t.Errorf("of %v only %v still write CSV by themselves", ownCSV, used)
	}
}

// floating are files of ledger that may use floating point, with the reason.
var floating = map[string]string{"ledger/reports/pdf.go": "millimetres on paper"}

// A float cannot hold a fen. Not in amounts, and not where an amount could slip through.
func TestNoFloatNearMoney(t *testing.T) {
	t.Parallel()
	words := []string{"float32", "float64", "complex64", "complex128", "ParseFloat", "FormatFloat", "Float64", "InexactFloat64"}
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || s.room != "ledger" && !strings.HasPrefix(s.room, "ledger/") {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if slices.Contains(words, n.Name) {
					if used[s.path] = true; floating[s.path] == "" {
						t.Errorf("%s: %s", s.at(n.Pos()), n.Name)
					}
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT && floating[s.path] == "" {
					t.Errorf("%s: %s", s.at(n.Pos()), n.Value)
				}
			}
			return true
		})
	}
	for file := range floating {
		if !used[file] {
			t.Errorf("%s is excused and does not need it", file)
		}
	}
}

// unspoken are errors that never leave the house, with the reason.
var unspoken = map[string]string{}

// Whatever a room of the ledger can answer must mean something outside: a row in api/problem.
func TestEveryErrorHasAMeaning(t *testing.T) {
	t.Parallel()
	spoken := map[string]bool{}
	for _, s := range sources(t) {
		if s.room != "api/problem" || s.test {
			continue
		}
		names := map[string]string{} // package name to room
		for _, imported := range s.imports() {
			names[path.Base(imported)] = strings.TrimPrefix(imported, module)
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok {
					spoken[names[pkg.Name]+"."+sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	found := 0
	for _, s := range sources(t) {
		if s.test || s.room != "ledger" && !strings.HasPrefix(s.room, "ledger/") {
			continue
		}
		for _, decl := range s.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if !strings.HasPrefix(name.Name, "Err") {
						continue
					}
					found++
					full := s.room + "." + name.Name
					if !spoken[full] && unspoken[full] == "" {
						t.Errorf("%s: %s has no row in api/problem", s.at(name.Pos()), full)
					}
					if spoken[full] && unspoken[full] != "" {
						t.Errorf("%s: %s has a row and is excused from it", s.at(name.Pos()), full)
					}
				}
			}
		}
	}
	if found < 20 || problem.Of(ledger.ErrShort).Type == problem.Of(fs.ErrNotExist).Type {
		t.Errorf("%d errors found; does the table answer?", found)
	}
}
