package recon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// dayOf is a statement of a day; lines are "C12,00" or "D9,00".
func dayOf(no int, day time.Time, opening, closing string, lines ...string) []byte {
	var b strings.Builder
	on := day.Format("060102")
	fmt.Fprintf(&b, ":20:%d\r\n:25:755930112210808\r\n:28C:%d\r\n:60F:C%sCNY%s\r\n", no, no, on, opening)
	for i, l := range lines {
		fmt.Fprintf(&b, ":61:%s%s%sNTRFNONREF//B%d%d\r\n:86:X\r\n", on, day.Format("0102"), l, no, i)
	}
	fmt.Fprintf(&b, ":62F:C%sCNY%s\r\n-\r\n", on, closing)
	return []byte(b.String())
}

// A bank account of the book is held against the statement that is tied to it: what is on one side only is named and explains the difference; what is left is red.
// A voucher's line is found by its amount, or by a person.
func TestBanksAreHeldAgainstTheirStatements(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := &month{desk: h.desk}
	bank := h.source("招行", statement.MT940, "755930112210808")
	basic := func(ctx context.Context, tx pgx.Tx) error {
		return recon.Tie(ctx, tx, h.book, bank.ID, "bank.basic")
	}
	m.want(nil, basic)
	var wrong *giving.FieldErrors
	for _, c := range []struct {
		source int32
		to     string
	}{{h.source("另一家", statement.MT940, "1").ID, "bank.basic"}, {bank.ID, "admin.u"}} {
		err := pg.InTx(t.Context(), h.db, func(tx pgx.Tx) error { return recon.Tie(t.Context(), tx, h.book, c.source, chart.ID(c.to)) })
		if !errors.As(err, &wrong) {
			t.Errorf("tied to %s: %v", c.to, err)
		}
	}
	e4 := func(want, says string) {
		t.Helper()
		h.tx(func(ctx context.Context, tx pgx.Tx) error {
			list, said := red(t, tx, h.book)
			if list != want || !strings.Contains(said, says) {
				t.Errorf("red are %q, want %q with %q\n%s", list, want, says, said)
			}
			return nil
		})
	}
	sept := func(day int) time.Time { return ledger.Day(2026, time.September, day) }
	h.bring(bank, "1.sta", dayOf(1, sept(1), "470,00", "482,00", "C12,00"))
	m.run(now)
	e4("", "") // 12.00 is on the statement and not in the book: named, and explained
	list, err := recon.BankPositions(t.Context(), h.db, h.book)
	h.ok(err)
	if p := list[0]; p.Ledger != 470_00 || p.Statement != 482_00 || p.ItemsSum != -12_00 || p.Unexplained() != 0 || p.Items[0].Say != "unbooked" {
		t.Errorf("%+v", p)
	}
	// Whoever closes a month reads it in the report, item by item; a month that ended before the statement has none of it.
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, err := recon.ViewReport(ctx, tx, h.book, ledger.Day(2026, time.August, 1), now)
		if err != nil {
			return err
		}
		if len(r.Banks) != 0 {
			t.Errorf("in August: %+v", r.Banks)
		}
		if r, err = recon.ViewReport(ctx, tx, h.book, sept(1), now.AddDate(0, 1, 0)); err != nil {
			return err
		}
		if len(r.Banks) != 1 || r.Banks[0].Ledger != 470_00 || r.Banks[0].Statement != 482_00 || r.Banks[0].Day != "2026-09-01" || r.Banks[0].Unexplained != 0 || r.Banks[0].ItemsAll != 1 {
			t.Fatalf("%+v", r.Banks)
		}
		said := r.Banks[0].Outstanding()
		if text := said[0].Text(h.book, "en"); len(said) != 1 || !strings.Contains(text, "the line of 2026-09-01 is not booked, -12.00") {
			t.Errorf("%s", text)
		}
		return nil
	})
	voucher := h.post(ledger.KindVoucher, sept(1), "D admin.u G 9", "C bank.basic G 9")
	e4("E4", "招行: the book says 461.00, the statement of 2026-09-01 482.00, outstanding -12.00; -9.00 is left")
	h.bring(bank, "2.sta", dayOf(2, sept(3), "482,00", "473,00", "D9,00"))
	m.run(now)
	e4("E4", "-9.00 is left") // both sides have it, and nobody has put them together
	booked := func() (n int) {
		h.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			n, err = recon.MatchBooked(ctx, tx, h.book)
			return err
		})
		return n
	}
	if n := booked(); n != 1 {
		t.Errorf("%d lines matched with vouchers", n)
	}
	e4("", "")
	m.run(now)
	// On the evening of the first the book had it, and the bank not before the third.
	earlier, err := recon.BankPositionsOn(t.Context(), h.db, h.book, sept(2), time.Time{}, 10)
	h.ok(err)
	if p := earlier[0]; p.Ledger != 461_00 || p.Statement != 482_00 || p.Unexplained() != 0 || len(p.Items) != 2 || p.Items[1].Say != "ahead" || !p.Items[1].InBook() || p.Items[1].Amount != -9_00 {
		t.Errorf("%+v", p)
	}
	if none, err := recon.BankPositionsOn(t.Context(), h.db, h.book, ledger.Day(2026, time.August, 31), time.Time{}, 10); err != nil || len(none) != 0 {
		t.Errorf("%+v %v", none, err)
	}
	if n := m.number(`select count(*) from break_item where type = 'B08' and state = 'self-cleared'`); n != 1 {
		t.Errorf("%d breaks ended", n)
	}

	// Two lines of an amount are a person's, who cannot take another amount or the same entry twice.
	day := func(d int, closing string, lines ...string) {
		h.bring(bank, fmt.Sprint(d), dayOf(d, sept(d), map[int]string{4: "473,00"}[d], closing, lines...))
	}
	twice := []uuid.UUID{h.post(ledger.KindVoucher, sept(4), "D admin.u G 7", "C bank.basic G 7"), h.post(ledger.KindVoucher, sept(4), "D admin.u G 7", "C bank.basic G 7")}
	day(4, "459,00", "D7,00", "D7,00")
	m.run(now)
	if n := booked(); n != 0 {
		t.Errorf("%d lines were matched without a person", n)
	}
	lines, err := recon.OpenLines(t.Context(), h.db, h.book, bank.ID, "", time.Time{}, nil, 10)
	h.ok(err)
	var open [][]byte
	for _, l := range lines {
		if l.Amount == -7_00 {
			open = append(open, l.Key)
		}
	}
	match := func(line []byte, entry uuid.UUID, why string) func(ctx context.Context, tx pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			return recon.MatchEntry(ctx, tx, h.book, bank.ID, line, entry, h.by, why, now)
		}
	}
	m.want(recon.ErrUnequal, match(open[0], voucher, "no"))
	m.want(giving.ErrNoRecord, match([]byte("none"), twice[0], "no"))
	m.want(nil, match(open[0], twice[0], "the first of the two bills"))
	m.want(giving.ErrNoRecord, match(open[0], twice[0], "again"))
	m.want(recon.ErrUnequal, match(open[1], twice[0], "again"))
	m.want(nil, match(open[1], twice[1], "the second"))
	e4("", "")

	// Taken apart they are open again, and the machine leaves them apart.
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, h.book, uuid.Nil, bank.ID, open[1], h.by, "another bill", now)
	})
	m.run(now)
	if n := booked(); n != 0 {
		t.Errorf("%d lines were matched again", n)
	}
}
