package recon_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// bag is cash carried to the bank, and banked on a day of the book unless that is zero; it gives the deposit's id.
func (h *house) bag(name string, carried time.Time, yuan int, banked time.Time) (id uuid.UUID) {
	h.Helper()
	id = uuid.New()
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		if banked.IsZero() {
			_, err := tx.Exec(ctx, `insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by) values ($1, $2, $3, $4, 'bank.basic', $5, 'carried', $6)`,
				h.book.ID, id, carried, yuan*100, name, h.by)
			return err
		}
		r, err := h.posts(ctx, tx, ledger.KindVoucher, banked, fmt.Sprintf("D bank.basic G %d", yuan), fmt.Sprintf("C na.u G %d", yuan))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by, banked_on, received, banked_by) values ($1, $2, $3, $4, 'bank.basic', $5, 'banked', $6, $7, $4, $8)`,
			h.book.ID, id, carried, yuan*100, name, h.by, banked, uuid.New()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into record_step (book_id, id, object, act, at, by_person, entry_id) values ($1, $2, 'deposit:' || $3::uuid, 'banked', $4, $5, $6)`, h.book.ID, uuid.New(), id, now, h.by, r.ID)
		return err
	})
	return id
}

// payout is a settlement whose arrival the processor's own events have booked.
func (h *house) payout(key string, yuan int, landed time.Time) (id uuid.UUID) {
	h.Helper()
	id = uuid.New()
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, err := h.posts(ctx, tx, ledger.KindVoucher, landed, fmt.Sprintf("D bank.basic G %d", yuan), fmt.Sprintf("C na.u G %d", yuan))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into payout (book_id, processor, payout, amount, state, complete, arrives_on, created_at, landed) values ($1, 'stripe', $2, $3, 'paid', true, $4, $5, $6)`,
			h.book.ID, key, yuan*100, landed, now, r.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into settlement (book_id, id, source_id, key, amount, ccy, lines, day, due_on) values ($1, $2, 0, $3, $4, 'CNY', 0, $5, $5)`, h.book.ID, id, key, yuan*100, landed); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
			values ($1, $2, 4, 0, 0, $3, '', $4, 'CNY', 0, $5, $6, $6, 'timing', $5)`, h.book.ID, id, key, yuan*100, now, landed)
		return err
	})
	return id
}

// A bank account of the book is held against its statement as of any past day: a match counts on either side from that side's own day on, one of several member
// by member, however much was booked since.
func TestBanksAsOfADay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := &month{desk: h.desk}
	bank := h.source("招行", statement.MT940, "755930112210808")
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Tie(ctx, tx, h.book, bank.ID, "bank.basic") })
	sept := func(day int) time.Time { return ledger.Day(2026, time.September, day) }
	never := time.Time{}
	before := []uuid.UUID{h.bag("A", sept(3), 30, sept(3)), h.bag("B", sept(3), 12, sept(3))}
	after := []uuid.UUID{h.bag("C", sept(4), 20, sept(7)), h.bag("D", sept(4), 5, sept(7))}
	open := []uuid.UUID{h.bag("E", sept(5), 8, never)}
	twice := []uuid.UUID{h.bag("F", sept(4), 13, sept(5))}
	late, early := h.payout("po_1", 7, sept(7)), h.payout("po_2", 6, sept(5))
	h.bring(bank, "3.sta", dayOf(3, sept(3), "470,00", "470,00"))
	h.bring(bank, "4.sta", dayOf(4, sept(4), "470,00", "512,00", "C42,00"))
	h.bring(bank, "5.sta", dayOf(5, sept(5), "512,00", "541,00", "C25,00", "C4,00"))
	h.bring(bank, "6.sta", dayOf(6, sept(6), "541,00", "571,00", "C8,00", "C9,00", "C7,00", "C6,00"))
	m.run(now)
	match := func(ours []uuid.UUID, yuan ...int) {
		t.Helper()
		m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
			var lines [][]byte
			var ids []uuid.UUID
			if err := tx.QueryRow(ctx, `select array_agg(line_key) from ext_line where amount / 100 = any($1)`, yuan).Scan(&lines); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, `select array_agg(o.id) from open_ours o left join expectation e on e.id = o.id where coalesce(e.origin, o.id) = any($1)`, ours).Scan(&ids); err != nil {
				return err
			}
			_, err := recon.Match(ctx, tx, h.book, bank.ID, lines, ids, h.by, "as the slips say", now)
			return err
		})
	}
	match(before, 42)
	match(after, 25)
	match(twice, 4, 9)
	for _, one := range []struct {
		ours uuid.UUID
		yuan int
	}{{open[0], 8}, {late, 7}, {early, 6}} { // found by key they are one with one already, or a person says so
		if m.number(`select count(*) from open_ours o left join expectation e on e.id = o.id where coalesce(e.origin, o.id) = $1`, one.ours) == 1 {
			match([]uuid.UUID{one.ours}, one.yuan)
		}
	}
	for n := range 3 { // whatever comes after the days
		lines := []string{"C na.u G 700"}
		for range 700 {
			lines = append(lines, "D bank.basic G 1")
		}
		h.post(ledger.KindVoucher, sept(8+n), lines...)
	}
	for _, c := range []struct {
		day               int
		ledger, statement int64
		items             string
	}{
		{3, 512_00, 470_00, "ahead 1200, ahead 3000"},
		{4, 512_00, 512_00, ""},
		{5, 531_00, 541_00, "ahead 600, ahead 900, later -2000, later -500"},
		{6, 531_00, 571_00, "later -2000, later -500, later -700, unpaid -800"},
	} {
		list, err := recon.BankPositionsOn(t.Context(), h.db, h.book, sept(c.day), time.Time{}, 10)
		h.ok(err)
		var said []string
		for _, o := range list[0].Items {
			said = append(said, fmt.Sprint(o.Say, " ", o.Amount))
		}
		slices.Sort(said)
		if p := list[0]; p.Ledger != c.ledger || p.Statement != c.statement || p.Unexplained() != 0 || strings.Join(said, ", ") != c.items {
			t.Errorf("on the %d.: book %d, statement %d, left %d: %q", c.day, p.Ledger, p.Statement, p.Unexplained(), said)
		}
	}
}
