package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
)

func TestPaperNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"回单 88.PDF": "回单_88.pdf", "../../etc/passwd.png": "passwd.png", `C:\scan\a"b;.jpg`: "a_b.jpg", "a\r\nSet-Cookie: x.png": "a__Set-Cookie__x.png",
		".png": "paper.png", "\u202egnp.exe.png": "gnp_exe.png",
	} {
		if got := ledger.PaperName(name); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

func TestPapers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	book := &ledger.Book{ID: 1}
	who, at := uuid.New(), time.Date(2026, 9, 8, 1, 30, 0, 0, time.UTC)
	add := func(object, name string, body []byte) (p ledger.Paper, err error) {
		err = pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
			p, err = ledger.AddPaper(context.WithoutCancel(t.Context()), tx, book, object, name, body, who, at)
			return err
		})
		return p, err
	}
	one := "lot:" + uuid.NewString()
	scan := []byte("%PDF-1.7 a receipt")
	for name, body := range map[string][]byte{"a.png": scan, "a.exe": []byte("MZ"), "a.pdf": []byte("<html>"), "a.svg": []byte("<svg onload=x>"), "a": scan, "a.pdf.html": scan} {
		if _, err := add(one, name, body); !errors.Is(err, ledger.ErrPaperKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, body := range [][]byte{nil, append([]byte("%PDF-"), make([]byte, ledger.PaperMax)...)} {
		if _, err := add(one, "a.pdf", body); !errors.Is(err, ledger.ErrPaperSize) {
			t.Errorf("%d bytes: %v", len(body), err)
		}
	}
	for range 2 { // the same scan beside the same record is one
		if _, err := add(one, "收据.pdf", scan); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := add("lot:"+uuid.NewString(), "copy.pdf", scan); err != nil {
		t.Fatal(err)
	}
	list, err := ledger.Papers(t.Context(), db.Service, book, one)
	if err != nil || len(list) != 1 || list[0].Name != "收据.pdf" || list[0].Media != "application/pdf" || list[0].AddedBy != who {
		t.Fatalf("%v %+v", err, list)
	}
	p, body, err := ledger.ReadPaper(t.Context(), db.Service, book, list[0].ID)
	if err != nil || !bytes.Equal(body, scan) || p.Size != int32(len(scan)) {
		t.Errorf("%v %+v", err, p)
	}
	var kept int
	if err := db.Pool.QueryRow(t.Context(), `select count(*) from paper`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%v: the content is kept %d times", err, kept)
	}
	if _, _, err := ledger.ReadPaper(t.Context(), db.Service, book, uuid.New()); !errors.Is(err, ledger.ErrNoPaper) {
		t.Errorf("%v", err)
	}
}

// F7: a program does not become a paper by its name, nor does a page or an archive.
func TestF7RenamedExecutableAsPaper(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	book := &ledger.Book{ID: 1}
	bodies := map[string]string{"Windows": "MZ\x90\x00\x03", "Linux": "\x7fELF\x02\x01\x01", "script": "#!/bin/sh\n", "archive": "PK\x03\x04\x14", "page": "<html>", "drawing": "<svg onload=x>",
		"program after a space": " %PDF-1.7", "old office": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "WebP in name only": "RIFF\x00\x00\x00\x00WAVEfmt "}
	for what, body := range bodies {
		for _, name := range []string{"a.pdf", "a.png", "a.jpg", "a.webp", "a.exe", "a.exe\u202efdp.pdf", "a.pdf\x00.exe", "a"} {
			err := pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
				_, err := ledger.AddPaper(t.Context(), tx, book, "lot:"+uuid.NewString(), name, []byte(body), uuid.New(), time.Now())
				return err
			})
			if !errors.Is(err, ledger.ErrPaperKind) {
				t.Errorf("%s as %q: %v", what, name, err)
			}
		}
	}
	var kept int
	if err := db.Pool.QueryRow(t.Context(), `select (select count(*) from paper) + (select count(*) from attachment)`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%v: %d kept", err, kept)
	}
}
