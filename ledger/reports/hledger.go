package reports

import (
	"context"
	"fmt"
	"io"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// WriteHledger writes the whole book as an hledger journal: every account declared, every entry a transaction in
// the order of booking. Debits are positive, amounts are in the account's own currency; foreign money stands at
// its worth in its account and by its units in memo accounts, so nothing counts twice.
//
// Run it in one repeatable read transaction, so that it sees one moment. It fails with ErrTorn.
func WriteHledger(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, opt Options) error {
	return writeJournal(ctx, q, book, w, opt, true)
}

// WriteLedger writes the same journal for ledger, which knows no directive for the decimal mark and declares commodities otherwise.
func WriteLedger(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, opt Options) error {
	return writeJournal(ctx, q, book, w, opt, false)
}

func writeJournal(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, opt Options, hledger bool) error {
	t, err := newPlainText(ctx, q, book, w, opt)
	if err != nil {
		return err
	}
	t.journalHead(hledger)
	if err := t.entries(ctx, q, t.hledgerEntry); err != nil {
		return err
	}
	t.printf("\n; 完 · end: %d\n", t.written)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

func (t *plainText) journalHead(hledger bool) {
	t.printf("; %s · %s\n", oneLine(t.book.NameZH), oneLine(t.book.NameEN))
	t.printf("; 账套 %s，借方为正，末行写明凭证总数\n", t.book.Code)
	t.printf("; book %s, debits are positive, the last line says how many entries there are\n\n", t.book.Code)
	if hledger {
		t.printf("decimal-mark .\n")
	}
	for _, c := range t.currencies() {
		sample := money.Format(0, c)
		if len(sample) == 1 {
			sample = "0." // hledger wants the mark even where no decimals follow
		}
		if hledger {
			t.printf("commodity %s %s\n", sample, c)
		} else {
			t.printf("commodity %s\n    format %s %s\n", c, sample, c)
		}
	}
	t.printf("\n")
	for _, a := range t.accounts {
		t.printf("account %s  ; %s\n", a.name, hledgerRemark.Replace(oneLine(a.zh)))
		t.printf("    ; %s\n", hledgerRemark.Replace(oneLine(a.en)))
		if a.code != "" {
			t.printf("    ; code: %s\n", a.code)
		}
		if chart.MustByID(a.leaf.Chart).CashLike {
			t.printf("    ; type: C\n") // so that hledger's own cash flow report knows it
		}
	}
}

func (t *plainText) hledgerEntry(e *plainEntry) {
	t.printf("\n%s * (%s) %s\n", e.day.Format("2006-01-02"), e.code(), hledgerText.Replace(e.description(t.lang)))
	for _, tag := range e.tags() {
		t.printf("    ; %s: %s\n", tag.name, hledgerComment.Replace(tag.value))
	}
	t.postings(e, "    ")
}
