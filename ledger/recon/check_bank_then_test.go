package recon_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// told is what the reconciliations say of some days, as of a moment or as now.
func (h *house) told(recorded time.Time) string {
	h.Helper()
	var all []any
	ctx := h.Context()
	for _, day := range []int{3, 4, 30} {
		banks, err := recon.BankPositionsOn(ctx, h.db, h.book, ledger.Day(2026, time.September, day), recorded, 100)
		h.ok(err)
		ways, err := recon.InTransit(ctx, h.db, h.book, ledger.Day(2026, time.September, day), recorded, 100)
		h.ok(err)
		processors, err := recon.ProcessorPositions(ctx, h.db, h.book, ledger.Day(2026, time.September, 1), ledger.Day(2026, time.September, day), recorded)
		h.ok(err)
		all = append(all, banks, ways, processors)
	}
	body, err := json.MarshalIndent(all, "", " ")
	h.ok(err)
	return string(body)
}

// What the reconciliations said at a moment they say again, whatever is taken in, booked, matched and taken apart afterwards.
func TestReconciliationsAsOfAMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := &month{desk: h.desk}
	sept := func(day int) time.Time { return ledger.Day(2026, time.September, day) }
	bank := h.source("招行", statement.MT940, "755930112210808")
	gifts := func(paid ...giving.Paid) {
		t.Helper()
		h.tx(func(ctx context.Context, tx pgx.Tx) error {
			for i := range paid {
				paid[i].CampaignID = h.camp.ID
			}
			out, err := giving.Book(ctx, tx, h.book, paid)
			if err != nil {
				return err
			}
			return out[0].Err
		})
	}
	given := func(day int) time.Time { return sept(day).Add(4 * time.Hour) }
	line := func(yuan int) (key []byte) {
		t.Helper()
		h.ok(h.db.QueryRow(t.Context(), `select line_key from ext_line where source_id = $1 and amount = $2 * 100 order by booked_on limit 1`, bank.ID, yuan).Scan(&key))
		return key
	}
	match := func(yuan int) {
		t.Helper()
		m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
			_, err := recon.Match(ctx, tx, h.book, bank.ID, [][]byte{line(yuan)}, []uuid.UUID{m.one(`select id from open_ours where amount = $1 * 100`, yuan)}, h.by, "as the slips say", now)
			return err
		})
	}
	var voucher uuid.UUID
	bag := h.bag("E", sept(3), 8, time.Time{})
	steps := []struct {
		name string
		do   func()
	}{
		{"a statement", func() {
			m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Tie(ctx, tx, h.book, bank.ID, "bank.online") })
			gifts(giving.Paid{Amount: 33_00, PaidAt: given(2), Channel: giving.Bank, Ref: "GIFT33"}, giving.Paid{Amount: 44_00, PaidAt: given(3), Channel: giving.Bank, Ref: "GIFT44"})
			h.bring(bank, "3.sta", dayOf(3, sept(3), "0,00", "41,00", "C33,00", "C8,00"))
		}},
		{"a run", func() { m.run(now) }},
		{"a late voucher", func() { voucher = h.post(ledger.KindVoucher, sept(3), "D bank.online G 5", "C na.u G 5") }},
		{"another statement", func() {
			h.bring(bank, "4.sta", dayOf(4, sept(4), "41,00", "111,00", "C44,00", "C12,00", "C9,00", "C5,00"))
		}},
		{"its run", func() { m.run(now) }},
		{"a match by a person", func() { match(8) }},
		{"a match that is taken apart", func() { m.revokes(nil, bank.ID, line(33), now) }},
		{"a gift", func() { gifts(giving.Paid{Amount: 21_00, PaidAt: given(3), Channel: giving.Bank, Ref: "GIFT21"}) }},
		{"the run that sees it", func() { m.run(now) }},
		{"a voucher that is matched", func() {
			h.tx(func(ctx context.Context, tx pgx.Tx) error { _, err := recon.MatchBooked(ctx, tx, h.book); return err })
		}},
		{"a bag that is banked", func() {
			h.tx(func(ctx context.Context, tx pgx.Tx) error {
				r, err := h.posts(ctx, tx, ledger.KindVoucher, sept(4), "D bank.online G 8", "C na.u G 8")
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `update cash_deposit set state = 'banked', banked_on = $3, received = 800, banked_by = $4 where book_id = $1 and id = $2`, h.book.ID, bag, sept(4), uuid.New()); err != nil {
					return err
				}
				_, err = tx.Exec(ctx, `insert into record_step (book_id, id, object, act, at, by_person, entry_id) values ($1, $2, 'deposit:' || $3::uuid, 'banked', $4, $5, $6)`, h.book.ID, uuid.New(), bag, now, h.by, r.ID)
				return err
			})
		}},
		{"a break that is closed", func() {
			m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
				return recon.CloseBreak(ctx, tx, h.book, m.one(`select id from break_item where type = 'B08' and amount = 900 and state = 'open'`), h.by, "put right by hand", now)
			})
		}},
		{"credits nobody knew", func() { m.corrects(now) }},
		{"a match taken apart and the voucher taken back", func() {
			m.revokes(nil, bank.ID, line(5), now)
			m.takesBack(voucher, sept(10))
		}},
		{"the same match again", func() { match(33) }},
		{"gifts at a processor", func() { gifts(giving.Paid{Amount: 70_00, PaidAt: given(3), Channel: giving.WeChat, Ref: "WX-3"}) }},
		{"money on its way", func() {
			h.post(ledger.KindVoucher, sept(2), "D psp.transit G 6", "C na.u G 6")
		}},
		{"a part of it there", func() { h.post(ledger.KindVoucher, sept(3), "D bank.online G 4", "C psp.transit G 4") }},
		{"a bill of the processor", func() {
			bill := h.source("trades", statement.WeChatTrade, "trades")
			h.tx(func(ctx context.Context, tx pgx.Tx) error {
				file := uuid.New()
				if _, err := tx.Exec(ctx, `insert into source_file (book_id, id, source_id, name, hash, size, state, sealed_by, sealed_key, lines, fresh, made_by, made_at, done_at, taken_at)
					values ($1, $2, $3, 'bill', sha256('bill'), 1, 'imported', 'k', 'k', 1, 1, $4, $5, $5, now())`, h.book.ID, file, bill.ID, h.by, now); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `insert into ext_line (book_id, source_id, line_key, file_id, statement, line_no, row_no, at, size, booked_on, value_on, amount, fee, fee_exact, kind, code, ext_id, original, order_no, end_to_end, marks, reversal)
					values ($1, $2, $3, $4, 1, 1, 1, 0, 0, $5, $5, 7000, 42, 42, 'payment', '', 'WX-3', '', '', '', '{}', false)`, h.book.ID, bill.ID, []byte("00000000000000000077"), file, sept(3))
				return err
			})
		}},
		{"what its day settles", func() { m.run(now.Add(time.Hour)) }},
		{"nothing", func() {}},
	}
	type said struct {
		at   time.Time
		text string
	}
	var history []said
	for _, s := range steps {
		s.do()
		var at time.Time
		h.ok(h.db.QueryRow(t.Context(), `select clock_timestamp()`).Scan(&at))
		text := h.told(time.Time{})
		if n := len(history); n > 0 && (history[n-1].text == text) != (s.name == "nothing") {
			t.Errorf("%s: the reconciliations are the same: %v", s.name, history[n-1].text == text)
		}
		history = append(history, said{at, text})
	}
	for i, s := range steps {
		if then := h.told(history[i].at); then != history[i].text {
			t.Errorf("after %s they said\n%s\nand as of then\n%s", s.name, history[i].text, then)
		}
	}
	if none := h.told(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); len(none) > 200 {
		t.Errorf("before anything was recorded: %s", none)
	}
}
