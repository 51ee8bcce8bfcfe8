package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/projects"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/staff"
)

// A file has all that a filter leaves and not one page of it, nothing that a spreadsheet would run, and nothing that its reader may not see.
func TestFilesOfLists(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: o.funds[2].StreetID})
	const n = needs.ListMax + projects.PageMax + 7 // three pages
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		for i := range n {
			name := fmt.Sprintf("=HYPERLINK(%d)", i)
			p, err := projects.EnterPayee(ctx, tx, o.book, projects.Payee{ID: uuid.New(), Name: name, Standing: projects.Filed, Code: fmt.Sprintf("BA%04d", i), EnteredBy: o.personID("li")})
			if err != nil {
				return err
			}
			if err := p.Settle(ctx, tx, uuid.Nil); err != nil {
				return err
			}
			j, err := projects.Propose(ctx, tx, o.book, projects.Project{ID: uuid.New(), Title: name, FundID: o.funds[1].ID, Plan: "做", StartsOn: o.book.Day(o.now), EndsOn: o.book.Day(o.now), EnteredBy: o.personID("li")})
			if err != nil {
				return err
			}
			if err := j.Settle(ctx, tx, uuid.Nil); err != nil {
				return err
			}
			m, err := needs.Enter(o.book, needs.Item{ID: uuid.New(), Book: needs.Need, Theme: "elderly", StreetID: 1, Title: name}, o.now)
			if err != nil {
				return err
			}
			if err := m.Settle(ctx, tx, uuid.Nil); err != nil {
				return err
			}
		}
		return nil
	})
	rows := func(c *client, path string) int {
		t.Helper()
		a := c.get(path)
		c.wants(a, http.StatusOK)
		list, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.text, "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, row := range list {
			for _, field := range row {
				if strings.HasPrefix(field, "=") {
					t.Errorf("%s: a spreadsheet would run %s", path, field)
				}
			}
		}
		return len(list) - 1
	}
	li, xie, anybody := o.as("li"), o.as("xie"), o.browser()
	for path, want := range map[string][2]int{payeesPath: {n, n}, projectsPath: {n, 0}, needsPath: {n, 0}, payeesPath + "?text=NK(1": {18, 18}, directoryPath: {n, n}} {
		sign := "?"
		if strings.Contains(path, "?") {
			sign = "&"
		}
		if got := rows(li, path+sign+"format=csv"); got != want[0] {
			t.Errorf("%s: %d rows, want %d", path, got, want[0])
		}
		if got := rows(xie, path+sign+"format=csv"); got != want[1] {
			t.Errorf("%s for another street: %d rows, want %d", path, got, want[1])
		}
	}
	if got := rows(anybody, directoryPath+"?format=csv"); got != n {
		t.Errorf("directory for everybody: %d rows, want %d", got, n)
	}
	anybody.wants(anybody.get(directoryPath), http.StatusOK, `rel="next" href="/organisations?before=58"`)
	anybody.wants(anybody.get(directoryPath+"?before=58"), http.StatusOK, "HYPERLINK(56)")
}
