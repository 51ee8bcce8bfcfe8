package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sunfund/api/problem"
	"sunfund/ledger"
)

// TestContractRoutes holds the table of routes and the contract to each other: same operations, same scopes.
func TestContractRoutes(t *testing.T) {
	t.Parallel()
	doc, err := parsedContract()
	if err != nil {
		t.Fatal(err)
	}
	var coded, written []string
	for _, r := range routes() {
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.path, "{$1}")
		coded = append(coded, r.method+" "+path+" "+string(r.scope))
	}
	coded = append(coded, "GET "+contractPath+" ")
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			scope := ""
			for _, need := range *op.Security {
				scope += strings.Join(need["key"], "+")
			}
			written = append(written, method+" "+path+" "+scope)
			if op.Summary == "" || op.Extensions["x-summary-zh"] == nil || op.OperationID == "" {
				t.Errorf("%s %s has no id, or no summary in one of the languages", method, path)
			}
			if op.Responses.Default() == nil && path != contractPath {
				t.Errorf("%s %s says nothing of problems", method, path)
			}
		}
	}
	slices.Sort(coded)
	slices.Sort(written)
	if !slices.Equal(coded, written) {
		t.Errorf("routes:   %q\ncontract: %q", coded, written)
	}
}

func TestContractServed(t *testing.T) {
	o := newOffice(t)
	a := o.ask(request{method: http.MethodGet, path: contractPath, token: "-"})
	if a.status != 200 || string(a.body) != string(contract) {
		t.Error(a.status)
	}
}

// TestEveryErrorHasAProblem walks the domain's source: an exported error without a row would be answered as our fault.
func TestEveryErrorHasAProblem(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("problem/problem.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile(`\{(\w+\.Err\w+), (?:Problem\{"[a-z0-9-]+", \d+, "\S[^"]*", "\S[^"]*"\}|halted\("E5"\))\}`).FindAllStringSubmatch(string(table), -1) {
		rows[m[1]] = true
	}
	found := 0
	err = filepath.WalkDir("../ledger", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if !strings.HasPrefix(name.Name, "Err") {
						continue
					}
					found++
					if one := file.Name.Name + "." + name.Name; !rows[one] {
						t.Errorf("%s (%s) has no row in the table of problems", one, path)
					}
				}
			}
		}
		return nil
	})
	if err != nil || found < 60 {
		t.Errorf("found %d errors: %v", found, err)
	}
	if p := problem.Of(os.ErrClosed); p.Status != http.StatusInternalServerError {
		t.Errorf("%+v", p)
	}
}

// The contract names every business event that an entry can have.
func TestContractNamesEveryKind(t *testing.T) {
	doc, err := parsedContract()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []any
	for _, k := range ledger.Kinds() {
		kinds = append(kinds, k.Info().Code)
	}
	if enum := doc.Components.Schemas["Kind"].Value.Enum; !slices.Equal(enum, kinds) {
		t.Errorf("the contract has %v, the ledger %v", enum, kinds)
	}
}
