package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sunfund/internal/pgtest"
	"sunfund/ledger/reports"
)

// Reports are taken out by the command in every form, of any days, as the book stood at a moment; one that is not there, one of a donor and a wrong day write nothing.
func TestExportReports(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "one")
	var progress bytes.Buffer
	export := func(c exportCmd) (string, error) {
		t.Helper()
		var out bytes.Buffer
		c.DatabaseURL = db.DSN(pgtest.Service)
		err := c.Run(t.Context(), terminal{out: &out, err: &progress})
		return out.String(), err
	}
	for _, c := range []struct {
		cmd           exportCmd
		begins, holds string
		wrong         error
	}{
		{exportCmd{Format: "csv", Report: "cn2026-balance", To: "2026-12-31", Lang: "zh-CN"}, "\ufeff资产负债表", "货币资金,1,0.00,119.88", nil},
		{exportCmd{Format: "json", Report: "cn2026-activities", From: "2026-01-01", To: "2026-12-31"}, "{", `"id":"gifts"`, nil},
		{exportCmd{Format: "xlsx", Report: "funds", To: "2026-12-31"}, "PK", "xl/worksheets/sheet1.xml", nil},
		{exportCmd{Format: "csv", Report: "receipts", To: "2026-12-31", Progress: true}, "\ufeffReceipt register", "Check code", nil},
		{exportCmd{Format: "csv", Report: "cn2026-balance", To: "2026-12-31", At: "2020-01-01T00:00:00Z"}, "\ufeffBalance", "As recorded until,2020-01-01T00:00:00Z", nil},
		{exportCmd{Format: "csv", Report: "nothing"}, "", "", reports.ErrNoReport},
		{exportCmd{Format: "csv", Report: "donor"}, "", "", reports.ErrNoReport},
		{exportCmd{Format: "pdf", Report: "funds", FontDir: "/nowhere"}, "", "", reports.ErrNoFont},
	} {
		out, err := export(c.cmd)
		if !errors.Is(err, c.wrong) || !strings.HasPrefix(out, c.begins) || !strings.Contains(out, c.holds) || c.wrong != nil && out != "" {
			t.Errorf("%+v: %v\n%s", c.cmd, err, out)
		}
		if c.cmd.At != "" && strings.Contains(out, "119.88") {
			t.Errorf("as of a moment before it was booked:\n%s", out)
		}
	}
	if progress.String() != "0 rows written\n" {
		t.Errorf("progress %q", progress.String())
	}
	for _, c := range []exportCmd{{Format: "csv", Report: "funds", To: "31.12.2026"}, {Format: "csv", Report: "funds", At: "yesterday"}} {
		if out, err := export(c); err == nil || out != "" {
			t.Errorf("%+v: %q", c, out)
		}
	}
	file := filepath.Join(t.TempDir(), "funds.csv")
	if _, err := export(exportCmd{Format: "csv", Report: "funds", To: "2026-12-31", Output: file}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "G General") {
		t.Errorf("%v\n%s", err, text)
	}

	// As of the moment of the last entry all is there.
	var moment time.Time
	if err := db.Pool.QueryRow(t.Context(), `select max(recorded_at) from entry`).Scan(&moment); err != nil {
		t.Fatal(err)
	}
	out, err := export(exportCmd{Format: "csv", Report: "cn2026-balance", To: "2026-12-31", At: moment.UTC().Format(time.RFC3339Nano), Lang: "zh-CN"})
	if err != nil || !strings.Contains(out, "货币资金,1,0.00,119.88") {
		t.Errorf("%v\n%s", err, out)
	}
}
