package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ofARule is how comments name a rule of the law (accounting.md 4).
var ofARule = regexp.MustCompile(`\bR(0[1-9]|1[0-9]|2[0-3])b?\b`)

// plainNumbers are what package law may count with: no law says any of them.
var plainNumbers = map[string]string{
	"0": "", "1": "", "2": "languages, parity, stages", "3": "stages, places", "10": "base of numbers", "12": "months", "24": "hours", "31": "December", "64": "bits", "100": "basis points of a per cent", "10_000": "basis points",
}

// ownNumbers are constants of package law that are no figures of a law.
var ownNumbers = []string{"RemindFirst", "RemindSoon", "yearAhead", "yearsBack", "FactsMax"}

// TestFiguresOfTheLawAreData: what a rule asks for stands in ledger/law/params.csv and nowhere else. No constant that speaks of a rule is a number; terms are
// not counted by numbers in package law; and elsewhere no day is moved by months or days that are written down, but where a form suggests a day.
func TestFiguresOfTheLawAreData(t *testing.T) {
	suggests := []string{"api/web/campaign_edit.go", "api/web/match.go"}       // forms that are to be filled in
	looksBack := []string{"ledger/recon/match_run.go", "ledger/recon/term.go"} // how far lines are looked for
	for _, s := range sources(t) {
		if s.test || !strings.HasPrefix(s.path, "ledger/") && !strings.HasPrefix(s.path, "api/") && !strings.HasPrefix(s.path, "jobs/") {
			continue
		}
		ofLaw := s.room == "ledger/law"
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if n.Tok != token.CONST {
					return true
				}
				for _, spec := range n.Specs {
					v := spec.(*ast.ValueSpec)
					words := n.Doc.Text() + v.Doc.Text() + v.Comment.Text()
					own := ofLaw && slices.Contains(ownNumbers, v.Names[0].Name)
					if len(v.Values) == 1 && isNumber(v.Values[0]) && !own && (ofLaw || ofARule.MatchString(words)) {
						t.Errorf("%s: %s is a figure of a rule: it belongs into ledger/law/params.csv", s.at(v.Pos()), v.Names[0].Name)
					}
				}
				return false
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.SelectorExpr); ok && name.Sel.Name == "AddDate" && !slices.Contains(suggests, s.path) && !slices.Contains(looksBack, s.path) {
					for _, arg := range n.Args {
						if text := numberOf(arg); text != "" && text != "0" && text != "1" {
							t.Errorf("%s: a day is moved by %s that is written down", s.at(n.Pos()), text)
						}
					}
				}
			case *ast.FuncDecl:
				return n.Name.Name != "readFigures" // it counts columns of the file
			case *ast.BasicLit:
				if _, plain := plainNumbers[n.Value]; ofLaw && isNumber(n) && !plain && !slices.Contains(lengths[s.path], n.Value) {
					t.Errorf("%s: %s is a number in the rules", s.at(n.Pos()), n.Value)
				}
			}
			return true
		})
	}
}

// lengths are bounds of texts and places in lists.
var lengths = map[string][]string{"ledger/law/fact.go": {"400"}, "ledger/law/param.go": {"4"}}

// numberOf is the number that an expression is, without its sign; empty when it is none.
func numberOf(e ast.Expr) string {
	if minus, ok := e.(*ast.UnaryExpr); ok {
		e = minus.X
	}
	if lit, ok := e.(*ast.BasicLit); ok && (lit.Kind == token.INT || lit.Kind == token.FLOAT) {
		return lit.Value
	}
	return ""
}

func isNumber(e ast.Expr) bool { return numberOf(e) != "" }
