package staff_test

import (
	"os"
	"strings"
	"testing"

	"sunfund/ledger/staff"
)

// table prints who may do what, as docs/security.md shows it.
func table() string {
	var b strings.Builder
	line := func(first string, cell func(staff.Role) string) {
		b.WriteString("| " + first + " |")
		for _, r := range staff.Roles() {
			b.WriteString(" " + cell(r) + " |")
		}
		b.WriteString("\n")
	}
	line("permission", func(r staff.Role) string { return "`" + string(r) + "`" })
	line("---", func(staff.Role) string { return "---" })
	for _, p := range staff.Permissions() {
		line("`"+string(p)+"`", func(r staff.Role) string {
			if r.May(p) {
				return "✓"
			}
			return ""
		})
	}
	line("for one", func(r staff.Role) string {
		switch street, fund := r.Of(); {
		case fund:
			return "street or fund"
		case street:
			return "street"
		}
		return "book"
	})
	return b.String()
}

// The table in the documents is the one in the code.
func TestTableInTheDocuments(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table()) {
		t.Errorf("docs/security.md lacks this table:\n%s", table())
	}
}
