package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// A bill is imported at the command line, said to have come before, or kept in quarantine with the reason.
func TestImportStatement(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "nanqiao")
	err := pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
		book, err := ledger.BookByCode(t.Context(), tx, "nanqiao")
		if err != nil {
			return err
		}
		_, err = recon.AddSource(t.Context(), tx, book, recon.Source{Name: "微信支付", Kind: "wallet", Format: statement.WeChatFund, Currency: "CNY", MadeBy: uuid.New(), MadeAt: time.Unix(0, 0)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(pgtest.KeyLine+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	testdata := filepath.FromSlash("../../ledger/recon/statement/testdata/breaks-1/")
	bring := func(name string, more ...string) (string, error) {
		args := append([]string{"import", "statement", filepath.Join(testdata, name), "--source", "微信支付", "--database-url", db.DSN(pgtest.Service), "--key-file", keys}, more...)
		out, _, err := sunfund(t, args...)
		return out, err
	}
	const announced = "9c23e72312c994298e3e10f691448609cfddc42d"
	if _, err := bring("redelivered/wechat_fund_20260902.csv", "--sha1", announced); !errors.Is(err, errQuarantined) || !strings.Contains(err.Error(), "hash") {
		t.Errorf("another file than the announced: %v", err)
	}
	if out, err := bring("wechat_fund_20260902.csv", "--sha1", announced); err != nil || !strings.Contains(out, "83 lines, 83 of them new") {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := bring("wechat_fund_20260902.csv"); err != nil || !strings.Contains(out, "came before") {
		t.Errorf("again: %q, %v", out, err)
	}
	if _, err := bring("bank_mt940.sta"); !errors.Is(err, errQuarantined) {
		t.Errorf("a bank's file: %v", err)
	}
	if _, err := bring("wechat_fund_20260901.csv", "--source", "支付宝"); !errors.Is(err, errNoSource) {
		t.Errorf("no such account: %v", err)
	}
}
