package reports

import (
	"context"
	"fmt"
	"io"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// WriteBeancount writes the whole book as a beancount file: every account opened on the day of its first use,
// every entry a transaction in the order of booking. Signs, currencies and names are those of [WriteHledger].
//
// Run it in one repeatable read transaction, so that it sees one moment. It fails with ErrTorn.
func WriteBeancount(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, opt Options) error {
	t, err := newPlainText(ctx, q, book, w, opt)
	if err != nil {
		return err
	}
	t.beancountHead()
	if err := t.entries(ctx, q, t.beancountEntry); err != nil {
		return err
	}
	t.printf("\n; 完 · end: %d\n", t.written)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

func (t *plainText) beancountHead() {
	t.printf("; 账套 %s，借方为正，末行写明凭证总数\n", t.book.Code)
	t.printf("; book %s, debits are positive, the last line says how many entries there are\n\n", t.book.Code)
	t.printf("option \"title\" %s\n", quoted(oneLine(t.book.NameZH+" · "+t.book.NameEN)))
	t.printf("option \"operating_currency\" %s\n\n", quoted(t.book.Currency))
	first := t.firstDay().Format("2006-01-02")
	for _, c := range t.currencies() {
		t.printf("%s commodity %s\n", first, c)
	}
	for _, a := range t.accounts {
		t.printf("\n%s open %s %s\n", a.first.Format("2006-01-02"), a.name, a.leaf.Currency)
		t.printf("  name-zh: %s\n  name-en: %s\n", quoted(oneLine(a.zh)), quoted(oneLine(a.en)))
		if a.code != "" {
			t.printf("  code: %s\n", quoted(a.code))
		}
	}
}

func (t *plainText) beancountEntry(e *plainEntry) {
	t.printf("\n%s * %s #%s\n", e.day.Format("2006-01-02"), quoted(e.description(t.lang)), e.kind.Info().Code)
	t.printf("  code: %s\n", quoted(e.code()))
	for _, tag := range e.tags() {
		t.printf("  %s: %s\n", tag.name, quoted(tag.value))
	}
	t.postings(e, "  ")
}
