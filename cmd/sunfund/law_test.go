package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// The legal profile and newer figures come from the command line as well; rules are told as they stand.
func TestLawFromTheCommandLine(t *testing.T) {
	db := pgtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN(pgtest.Service))
	err := pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
		_, err := ledger.CreateBook(t.Context(), tx, ledger.Book{Code: "b", NameZH: "账", NameEN: "B", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	told := func(want string, args ...string) {
		t.Helper()
		out, said, err := sunfund(t, append([]string{"book"}, args...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: %v %s\n%s, want %q", args, err, said, out, want)
		}
	}
	refused := func(args ...string) {
		t.Helper()
		if out, _, err := sunfund(t, append([]string{"book"}, args...)...); err == nil {
			t.Errorf("%v was accepted: %s", args, out)
		}
	}
	told("no legal profile", "law")
	refused("law", "--from", "2020-01-01", "--form", "club")
	refused("law", "--from", "2020-01-01", "--place", "China")
	refused("law", "--from", "yesterday")
	told("CN-HN foundation, may raise from the public, from 2020-01-01 on", "law", "--from", "2020-01-01", "--place", "CN-HN", "--form", "foundation", "--public")
	told("R01", "law", "--year", "2025")
	const head = "rule,name,jurisdiction,form,public,valid_from,valid_to,value,article_zh,article_en,source\n"
	file := filepath.Join(t.TempDir(), "figures.csv")
	for text, ok := range map[string]bool{head + "R02,cap,CN-HN,foundation,yes,2027-01-01,,9%,新办法,new measure,S\n": true, head + "R02,cap,CN,*,*,2027-01-01,,nine,新办法,new,S\n": false, head + "R02,cap\n": false, head + "R02,cap,CN,*,*,soon,,9%,新办法,new,S\n": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if ok {
			told("1 figures entered", "figures", file)
			continue
		}
		refused("figures", file)
	}
}
