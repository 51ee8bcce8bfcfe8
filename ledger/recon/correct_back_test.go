package recon_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// takesBack reverses an entry as a person would.
func (m *month) takesBack(entry uuid.UUID, day time.Time) {
	m.Helper()
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.Reverse(ctx, tx, m.book, entry, uuid.New(), day, m.by, ledger.Document{Summary: "not ours", Reason: "not ours", MadeBy: "王会计"})
		return err
	})
}

func (m *month) revokes(want error, source int32, line []byte, at time.Time) {
	m.Helper()
	m.want(want, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, m.book, uuid.Nil, source, line, m.by, "another one", at)
	})
}

// A bag of cash is banked by its line at the account it was carried to, once. While that entry stands its match is not taken apart; taken back and apart, the
// line is a break for people, and the machine books it no more. The same with a credit that nobody knew: its break is open again, as old as it was.
func TestWhatTheMachineBookedIsTakenBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := &month{desk: h.desk}
	bank := h.source("招行", statement.MT940, "12345678")
	tie := func(to chart.ID) {
		t.Helper()
		m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Tie(ctx, tx, h.book, bank.ID, to) })
	}
	tie("bank.online")
	bag := uuid.New()
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := ledger.PostOne(ctx, tx, h.book, ledger.Entry{Kind: ledger.KindOpening, EffectiveOn: ledger.Day(2026, time.September, 7), Actor: h.by, Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "psp.transit", Fund: h.funds["G"].ID, Dims: ledger.Dims{Instrument: "deposit"}}, 3217_50), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: h.funds["G"].ID}, 3217_50)}}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by) values ($1, $2, '2026-09-07', 321750, 'bank.basic', 'BAG00017', 'carried', $3)`, h.book.ID, bag, h.by); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into cash_count (book_id, id, campaign_id, fund_id, day, sheet, counted, slips, state, counted_by, counted_at, confirmed_by, confirmed_at, deposit_id)
			values ($1, $2, $3, $4, '2026-09-07', '{}', 321750, 321750, 'confirmed', $5, $6, $2, $6, $7)`, h.book.ID, uuid.New(), h.camp.ID, h.funds["G"].ID, h.by, now, bag)
		return err
	})
	h.bring(bank, "1.sta", []byte(":20:A\r\n:25:12345678\r\n:28C:1/1\r\n:60F:C260908CNY0,\r\n:61:2609080908C3217,50NTRFNONREF//X1\r\n:86:/REMI/CASH BAG00017\r\n"+
		":61:2609080908C40,00NTRFNONREF//X2\r\n:86:/REMI/FROM A FRIEND\r\n:62F:C260908CNY3257,50\r\n-\r\n"))
	at := time.Date(2026, 9, 10, 4, 0, 0, 0, time.UTC)
	m.run(at)
	// It was carried to another account of the book than the line is of: a person's.
	if got := m.corrects(at); got["banked"] != 0 || got["unknown"] != 1 || len(got) != 1 {
		t.Fatalf("%v", got)
	}
	tie("bank.basic")
	if got := m.corrects(at); got["banked"] != 1 || len(got) != 1 || len(m.corrects(at)) != 0 {
		t.Fatalf("%v", got)
	}
	moved := func(want int) {
		t.Helper()
		if got := m.number(`select coalesce(sum(p.amount), 0)::int from posting p join account a using (account_id) where a.chart in ('bank.basic', 'bank.online') and p.entry_id in (select entry_id from correction
			union select e.id from correction c join entry e on e.reverses = c.entry_id)`); got != want {
			t.Errorf("%d came to the banks, want %d", got, want)
		}
	}
	moved(3257_50)
	line := func(ref string) (key []byte) {
		t.Helper()
		h.ok(h.db.QueryRow(t.Context(), `select line_key from ext_line where ext_id = $1`, ref).Scan(&key))
		return key
	}
	entry := func(action string) uuid.UUID {
		return m.one(`select entry_id from correction where action = $1`, action)
	}

	m.revokes(recon.ErrMatchBooked, bank.ID, line("X1"), at)
	m.takesBack(entry("banked"), h.book.Day(at))
	m.revokes(nil, bank.ID, line("X1"), at)
	m.revokes(giving.ErrNoRecord, bank.ID, line("X1"), at)

	unknown := m.one(`select id from break_item where type = 'B08' and amount = 4000`)
	m.takesBack(entry("unknown"), h.book.Day(at))
	later := at.AddDate(0, 0, 5)
	m.revokes(nil, bank.ID, line("X2"), later)
	for range 2 {
		m.run(later)
		if got := m.corrects(later); len(got) != 0 {
			t.Errorf("booked again: %v", got)
		}
		later = later.Add(time.Hour)
	}
	moved(0)
	b, err := recon.BreakByID(t.Context(), h.db, h.book, unknown, nil)
	if err != nil || b.State != recon.BreakOpen || !b.FirstSeen.Equal(at) || b.EndedAt != nil {
		t.Errorf("%+v %v", b, err)
	}
	if got := strings.Join(m.said(`select b.amount::text, b.state from break_item b where b.type = 'B08' order by b.amount`), ", "); got != "4000 open, 321750 open" {
		t.Errorf("breaks %s", got)
	}
	// What was booked on the statement's day and taken back later stands beside its line: what is left is what the book had before the statements began.
	list, err := recon.BankPositions(t.Context(), h.db, h.book)
	if err != nil || len(list) != 1 || list[0].ItemsSum != -40_00 || len(list[0].Items) != 3 || list[0].Items[2].Say != "undone" || list[0].Items[2].Amount != 3217_50 || list[0].Unexplained() != 470_00 {
		t.Errorf("%+v %v", list, err)
	}
	// A statement of the day it was taken back has both, and only the lines are open.
	h.bring(bank, "2.sta", []byte(":20:B\r\n:25:12345678\r\n:28C:2/1\r\n:60F:C260910CNY3257,50\r\n:62F:C260910CNY3257,50\r\n-\r\n"))
	list, err = recon.BankPositions(t.Context(), h.db, h.book)
	if err != nil || len(list) != 1 || list[0].ItemsSum != -3257_50 || list[0].Unexplained() != 470_00 {
		t.Errorf("%+v %v", list, err)
	}
}

// A settlement that has arrived is not taken apart from its credit while its entry stands, and what a person took back is not booked again
// before a person matches it again.
func (m *month) holdsLanded(at time.Time) {
	m.Helper()
	var source int32
	var line []byte
	var entry uuid.UUID
	var day time.Time
	m.ok(m.db.QueryRow(context.Background(), `select m.source_id, m.line_key, e.id, e.effective_on from correction c join entry e on e.id = c.entry_id join recon_member m on c.key = 'recon:' || m.ours || ':landed' and m.part = 0 and m.line_key is not null
		 and m.source_id = $1 where c.action = 'landed' and m.group_id is null order by c.key limit 1`, m.sources["bank"].ID).Scan(&source, &line, &entry, &day))
	left := func() int64 {
		m.Helper()
		list, err := recon.BankPositions(context.Background(), m.db, m.book)
		m.ok(err)
		return list[0].Unexplained()
	}
	before, held := left(), strings.Join(m.said(sqlAtProcessors, m.book.ID), ", ")
	m.revokes(recon.ErrMatchBooked, source, line, at)
	m.takesBack(entry, day)
	if now := left(); now != before { // matched and not booked any more, by name
		m.Errorf("%d are left unexplained, %d before", now, before)
	}
	if got := m.corrects(at); len(got) != 0 {
		m.Errorf("booked again: %v", got)
	}
	m.revokes(nil, source, line, at)
	m.run(at.AddDate(0, 0, 1))
	if got := m.corrects(at.AddDate(0, 0, 1)); len(got) != 0 {
		m.Errorf("booked again: %v", got)
	}
	if n := m.number(`select count(*) from break_item where type = 'B08' and $1 = any(lines) and state = 'open'`, line); n != 1 {
		m.Errorf("%d breaks of the line", n)
	}
	// A person who puts the two together once more has it booked once more.
	settlement := m.one(`select break_id from correction where entry_id = $1`, entry)
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Match(ctx, tx, m.book, source, [][]byte{line}, []uuid.UUID{settlement}, m.by, "it is the same after all", at)
		return err
	})
	for n := range 2 {
		if got := m.corrects(at.AddDate(0, 0, 2)); got["landed"] != 1-n || len(got) != 1-n {
			m.Errorf("booked: %v", got)
		}
	}
	if now := strings.Join(m.said(sqlAtProcessors, m.book.ID), ", "); now != held || left() != before {
		m.Errorf("at the processors %s, before %s; left %d and %d", now, held, left(), before)
	}
}
