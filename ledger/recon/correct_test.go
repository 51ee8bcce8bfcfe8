package recon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// corrects books what may be booked without a person until nothing is left, as the job does, and counts by action. What waits is left.
func (m *month) corrects(at time.Time) map[string]int {
	m.Helper()
	n := map[string]int{}
	ctx := context.Background()
	for {
		due, err := recon.CorrectionsDue(ctx, m.db, m.book)
		m.ok(err)
		before := len(n)
		sum := 0
		for _, c := range due {
			err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error { _, err := recon.Correct(ctx, tx, m.book, c, at); return err })
			if errors.Is(err, recon.ErrParts) {
				continue
			}
			m.ok(err)
			n[c.Action]++
			sum++
		}
		if sum == 0 && before == len(n) {
			return n
		}
	}
}

// said is every row of a query, its columns joined.
func (m *month) said(sql string, args ...any) (lines []string) {
	m.Helper()
	rows, err := m.db.Query(context.Background(), sql, args...)
	m.ok(err)
	for rows.Next() {
		values, err := rows.Values()
		m.ok(err)
		var words []string
		for _, v := range values {
			words = append(words, fmt.Sprint(v))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	m.ok(rows.Err())
	return lines
}

const sqlAtProcessors = `
select f.code, a.chart, a.dims ->> 'instrument', sum(b.balance)::text from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and a.chart in ('psp.transit', 'psp.avail') group by 1, 2, 3 having sum(b.balance) <> 0 order by 1, 2, 3`

// Money that a processor has paid out and the bank has is booked there with the part of each fund, once, and nothing of it is left at the processor.
func TestSettlementsArrive(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "clean-1", statement.MT940)
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Tie(ctx, tx, m.book, m.sources["bank"].ID, "bank.online")
	})
	m.all("bank_mt940.sta")
	settled := m.number(`select count(*) from recon_member m join source_account a on a.book_id = m.book_id and a.id = m.source_id where m.kind = 4 and m.live and m.part = 0 and a.format = 'mt940'`)
	got := m.corrects(asOf)
	if got["landed"] != settled || settled == 0 {
		t.Errorf("%d of %d landed: %v", got["landed"], settled, got)
	}
	// Stripe's converted gifts are booked at the association's own rates; those differences are breaks (B11) and wait for a person.
	for _, left := range m.said(sqlAtProcessors, m.book.ID) {
		if strings.Contains(left, "transit") || !strings.Contains(left, "stripe") {
			t.Errorf("left behind: %s", left)
		}
	}
	if again := m.corrects(asOf.Add(time.Hour)); len(again) != 0 {
		t.Errorf("booked again: %v", again)
	}
	if r := m.run(asOf.Add(time.Hour)); r.Raised != 0 {
		t.Errorf("%+v", r)
	}
	// Each tells its file and row, and can be taken back by its entry's reversal.
	for _, e := range m.said(`select c.action, c.evidence ->> 'file', c.evidence ->> 'row', c.maker::text from correction c`) {
		if f := strings.Fields(e); len(f) != 4 || len(f[1]) != 64 || f[2] == "0" || f[3] != recon.System.String() {
			t.Errorf("evidence %s", e)
		}
	}
	m.holdsLanded(asOf.Add(2 * time.Hour))
}

// Where donors cover the fee, a fund's part of a settlement is its gifts less its refunds, and all fees are the general fund's.
func TestSettlementsOfFundsWhoseDonorsCoverTheFee(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "clean-1", statement.MT940, `update fund set fee_bearer = 'donor' where kind <> 'general'`)
	m.tx(func(ctx context.Context, tx pgx.Tx) error { // these donors paid nothing on top: the fees are the general fund's own money
		general, err := giving.GeneralFund(ctx, tx, m.book)
		if err != nil {
			return err
		}
		_, err = ledger.PostOne(ctx, tx, m.book, ledger.Entry{Kind: ledger.KindOpening, EffectiveOn: ledger.Day(2026, time.September, 1), Actor: m.by, Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "bank.online", Fund: general}, 10_000_00), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: general}, 10_000_00)}})
		return err
	})
	for _, name := range m.files("bank_mt940.sta") {
		if strings.HasPrefix(name, "wechat") || strings.HasPrefix(name, "alipay") || strings.HasPrefix(name, "bank") {
			m.take(name, shared(t, m.set, name))
		}
	}
	m.run(asOf)
	if got := m.corrects(asOf); got["landed"] == 0 {
		t.Errorf("%v", got)
	}
	if n := m.number(`select count(*) from correction c join entry e on e.id = c.entry_id join refund r on r.channel in (2, 3) join gift g on g.id = r.gift_id join fund f on f.fund_id = g.fund_id and f.kind <> 'general' where c.action = 'landed'`); n == 0 {
		t.Error("no refunds were settled")
	}
	for _, left := range m.said(sqlAtProcessors, m.book.ID) {
		if !strings.HasPrefix(left, "G ") && !strings.Contains(left, "stripe") {
			t.Errorf("left behind: %s", left)
		}
	}
}

// A payment in transit is booked as paid by its own number at the bank (E41); when its month is closed for good meanwhile, in the open one, with its own day
// beside it.
func TestPaymentsArePaidByTheirLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := time.Date(2026, 8, 27, 10, 0, 0, 0, d.book.Zone)
	bank := d.source("bank", statement.Camt053, "")
	const amount = 3_000_00
	ids := d.aid(at, []string{"621099123456", "621099987654"}, amount)
	m := &month{desk: d}
	now := at.AddDate(0, 0, 14)
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Tie(ctx, tx, d.book, bank.ID, "bank.basic") })
	d.bring(bank, "1.xml", debits("A", d.book.Day(at).AddDate(0, 0, 1), amount, [][2]string{{"", "FK1"}}))
	m.run(now)
	if got := m.corrects(now); got["paid"] != 1 || len(got) != 1 {
		t.Fatalf("%v", got)
	}
	m.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-08-01', 'hard') on conflict (book_id, month) do update set state = 'hard'`, d.book.ID)
		return err
	})
	d.bring(bank, "2.xml", debits("B", d.book.Day(at).AddDate(0, 0, 2), amount, [][2]string{{"", "FK2"}}))
	m.run(now)
	if got := m.corrects(now); got["paid"] != 1 || len(got) != 1 {
		t.Fatalf("%v", got)
	}
	for i, want := range []string{"paid 2026-08-28 <nil>", "paid 2026-09-10 2026-08-29"} {
		if got := m.said(`select d.state, e.effective_on::text, l.happened_on::text from disbursement d join record_step s on s.object = 'disbursement:' || d.id and s.act = 'payment-paid'
			join entry e on e.id = s.entry_id left join late_entry l on l.entry_id = e.id where d.id = $1`, ids[i]); len(got) != 1 || got[0] != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if n := m.number(`select coalesce(sum(b.balance), 0)::int from account a join balance b using (account_id) where a.chart = 'pay.transit'`); n != 0 {
		t.Errorf("%d are in transit", n)
	}
}

// What a processor has and the book does not becomes unidentified there with its fee; a fee that it itemises replaces the one that was recorded; each once. The
// two sides are equal then, and what else does not fit waits for people.
func TestWhatOnlyTheProcessorKnows(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "breaks-1", statement.MT940)
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Tie(ctx, tx, m.book, m.sources["bank"].ID, "bank.online")
	})
	m.all("bank_mt940.sta")
	got := m.corrects(asOf)
	if got["processor"] != 2 || got["fee"] != 3 || len(m.corrects(asOf.Add(time.Hour))) != 0 {
		t.Errorf("%v", got)
	}
	said := m.said(`select c.action, b.state, (select sum(p.amount) from posting p join account a on a.account_id = p.account_id and a.chart = 'psp.avail' where p.entry_id = c.entry_id)::text
		from correction c join break_item b on b.id = c.break_id where c.action in ('processor', 'fee') order by 1, 3`)
	// The fees are what was kept and not what was agreed: booked, and still to be settled with the processor.
	if want := "fee open -40, fee open -40, fee open -99, processor closed 1000, processor closed 5000"; strings.Join(said, ", ") != want {
		t.Errorf("%v", said)
	}
	if n := m.number(`select coalesce(sum(b.balance), 0)::int from account a join balance b using (account_id) where a.chart = 'unident' and a.dims ->> 'instrument' in ('wechat', 'alipay', 'stripe')`); n != -6000 {
		t.Errorf("%d is unidentified at processors", n)
	}
	// Amounts and currencies that differ, what was booked or paid twice, debits that nobody approved: only people.
	for _, kind := range m.said(`select distinct b.type from break_item b join correction c on c.break_id = b.id`) {
		if kind != "B02" && kind != "B08" && kind != "B10" {
			t.Errorf("a %s was booked without a person", kind)
		}
	}
	if n := m.number(`select count(*) from break_item b join correction c on c.break_id = b.id where b.type = 'B08' and b.amount < 0`); n != 0 {
		t.Errorf("%d debits were booked without a person", n)
	}
	// Nothing is booked twice, and no correction becomes a break.
	if r := m.run(asOf.Add(time.Hour)); r.Raised != 0 {
		t.Errorf("%+v", r)
	}
}
