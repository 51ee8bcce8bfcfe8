package match

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every sentence stands in both languages with the same parameters, and every reason and fault has one.
func TestTexts(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`\{[a-z]+`)
	for _, table := range []map[string]sentence{texts, said} {
		for key, s := range table {
			zh, en := names.FindAllString(s.zh, -1), names.FindAllString(s.en, -1)
			slices.Sort(zh)
			slices.Sort(en)
			han := strings.ContainsFunc(s.zh, func(r rune) bool { return r > 0x3000 })
			if !slices.Equal(slices.Compact(zh), slices.Compact(en)) || !han || s.en == "" || strings.ContainsFunc(s.en, func(r rune) bool { return r > 0x3000 }) {
				t.Errorf("%s: %q, %q", key, s.zh, s.en)
			}
		}
	}
	found := 0
	for _, name := range []string{"gift.go", "replay.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil || len(spec.Values) != 1 {
				return true
			}
			kind, _ := spec.Type.(*ast.Ident)
			text, _ := spec.Values[0].(*ast.BasicLit)
			if kind == nil || text == nil || kind.Name != "Reason" && kind.Name != "fault" {
				return true
			}
			key, _ := strconv.Unquote(text.Value)
			if kind.Name == "Reason" {
				key = Reason(key).Key()
			}
			if found++; texts[key] == (sentence{}) {
				t.Errorf("no text for %s", key)
			}
			return true
		})
	}
	if found < 35 {
		t.Errorf("only %d reasons and faults seen", found)
	}
}
