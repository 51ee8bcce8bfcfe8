package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/payments"
)

// The sandbox's secret is rotated while both are good, and the one before forgotten; the audit trail tells both.
func TestSecretsAreRotated(t *testing.T) {
	db := pgtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN(pgtest.Service))
	var book *ledger.Book
	err := pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) (err error) {
		book, err = ledger.CreateBook(t.Context(), tx, ledger.Book{Code: "b", NameZH: "账", NameEN: "B", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		if err != nil {
			return err
		}
		return payments.AddProcessor(t.Context(), tx, book, payments.SandboxCode)
	})
	if err != nil {
		t.Fatal(err)
	}
	stands := func() (current, old []byte) {
		t.Helper()
		if err := db.Pool.QueryRow(t.Context(), `select webhook_secret, old_secret from processor`).Scan(&current, &old); err != nil {
			t.Fatal(err)
		}
		return current, old
	}
	first, _ := stands()
	if _, said, err := sunfund(t, "book", "secret", "rotate"); err != nil {
		t.Fatal(err, said)
	}
	second, old := stands()
	if bytes.Equal(first, second) || !bytes.Equal(first, old) {
		t.Error("the secret before is not kept beside a new one")
	}
	if _, said, err := sunfund(t, "book", "secret", "forget"); err != nil {
		t.Fatal(err, said)
	}
	if now, old := stands(); !bytes.Equal(now, second) || old != nil {
		t.Error("the secret before is still good")
	}
	if _, _, err := sunfund(t, "book", "secret", "rotate", "--processor", "nobody"); err == nil {
		t.Error("a processor that is not there was rotated")
	}
	var told int
	if err := db.Pool.QueryRow(t.Context(), `select count(*) from audit_event where what like 'secret.%'`).Scan(&told); err != nil || told != 2 {
		t.Errorf("%d lines of the audit trail, %v", told, err)
	}
}
