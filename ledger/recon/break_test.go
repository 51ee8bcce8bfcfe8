package recon_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

func (m *month) want(want error, f func(ctx context.Context, tx pgx.Tx) error) {
	m.Helper()
	ctx := context.Background()
	if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error { return f(ctx, tx) }); !errors.Is(err, want) || want == nil && err != nil {
		m.Errorf("%v, want %v", err, want)
	}
}

func (m *month) all(bank string) {
	m.Helper()
	for _, name := range m.files(bank) {
		m.take(name, shared(m.T, m.set, name))
	}
	m.run(asOf)
}

func (m *month) one(sql string, args ...any) (id uuid.UUID) {
	m.Helper()
	m.ok(m.db.QueryRow(context.Background(), sql, args...).Scan(&id))
	return id
}

func (m *month) number(sql string, args ...any) (n int) {
	m.Helper()
	m.ok(m.db.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		t      recon.BreakType
		amount int64
		days   int
		want   int
	}{
		{recon.FundEquation, 1, 0, 0}, {recon.LedgerOnly, 1, 0, 1}, {recon.PayoutNotAtBank, 100, 0, 2}, {recon.BankUnknown, 100, 0, 2}, {recon.BankUnknown, -100, 0, 1},
		{recon.FeeVariance, 40, 0, 3}, {recon.FeeVariance, 40, 3, 3}, {recon.FeeVariance, 40, 4, 2}, {recon.FeeVariance, 40, 8, 1}, {recon.FeeVariance, 40, 400, 1},
		{recon.FeeVariance, 10_000_00, 0, 2}, {recon.FeeVariance, -100_000_00, 0, 1}, {recon.Rounding, 1, 400, 4},
	} {
		if got := recon.Severity(c.t, c.amount, now.AddDate(0, 0, -c.days), now, recon.DefaultBands); got != c.want {
			t.Errorf("%s of %d after %d days: %d, want %d", c.t, c.amount, c.days, got, c.want)
		}
	}
}

// A day without work moves what is due; the week's end too.
func TestCalendar(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 9, d, 0, 0, 0, 0, time.UTC) }
	c := recon.Calendar{day(25): false, day(26): true}
	if got := c.After(day(24), 1); got != day(26) {
		t.Errorf("%v", got)
	}
	if got := c.After(day(24), 2); got != day(28) {
		t.Errorf("%v", got)
	}
	if got := c.After(day(28), -1); got != day(26) {
		t.Errorf("%v", got)
	}
}

// Breaks are worked off by people: each step an event, the last word by a second one; corrections that need nobody are booked once.
func TestBreaksAreWorkedOff(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "breaks-1", statement.CMB)
	m.all("bank_cmb.csv")
	li, chen := uuid.New(), uuid.New()
	of := func(kind string) uuid.UUID {
		return m.one(`select id from break_item where type = $1 and ended_at is null order by amount limit 1`, kind)
	}
	amount := of("B03")
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Assign(ctx, tx, m.book, amount, chen, li, asOf)
	})
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Note(ctx, tx, m.book, amount, chen, "asked the processor", nil, asOf)
	})
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.AskAccept(ctx, tx, m.book, amount, chen, "small", asOf)
	})
	m.want(ledger.ErrSamePerson, func(ctx context.Context, tx pgx.Tx) error { return recon.Accept(ctx, tx, m.book, amount, chen, asOf) })
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Accept(ctx, tx, m.book, amount, li, asOf) })
	m.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Assign(ctx, tx, m.book, amount, chen, li, asOf)
	})
	m.want(giving.ErrNoRecord, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Assign(ctx, tx, m.book, uuid.New(), chen, li, asOf)
	})
	if n := m.number(`select count(*) from break_event where break_id = $1`, amount); n != 5 {
		t.Errorf("%d events", n)
	}
	// Nothing was put right, and still it does not come again.
	open := m.number(`select count(*) from break_item where ended_at is null`)
	m.run(asOf.Add(time.Hour))
	if n := m.number(`select count(*) from break_item where ended_at is null`); n != open {
		t.Errorf("%d open, were %d", n, open)
	}

	// What needs nobody is booked once, and its line belongs to the entry.
	m.corrects(asOf)
	m.corrects(asOf)
	if fees, unknown := m.number(`select count(*) from correction where action = 'bank-fee'`), m.number(`select count(*) from correction where action = 'unknown'`); fees != 8 || unknown != 1 {
		t.Errorf("%d fees and %d unknown credits booked", fees, unknown)
	}
	if n := m.number(`select count(*) from bank_receipt where state = 'open' and amount = 30096`); n != 1 {
		t.Errorf("%d receipts to be identified", n)
	}
	if n := m.number(`select count(*) from break_item where type = 'B08' and amount > 0 and state <> 'closed'`); n != 0 {
		t.Error("the credit's break is open")
	}
	if again := m.run(asOf.Add(time.Hour)); again.Raised != 0 {
		t.Errorf("corrections raised breaks: %+v", again)
	}

	// The other side arrives: the break ends by itself and keeps its age.
	gone := of("B15")
	_ = m.run(asOf.Add(24 * time.Hour))
	if n := m.number(`select count(*) from break_item where id = $1 and ended_at is null and first_seen = $2`, gone, asOf); n != 1 {
		t.Error("a break changed its age")
	}
}

// Matches are taken apart by an event with a reason, not inside a month that is closed for good, and the machine does not put the same ones together.
func TestMatchesAreTakenApart(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "clean-1", statement.MT940)
	m.all("bank_mt940.sta")
	ctx := context.Background()
	by := uuid.New()
	var source int32
	var line []byte
	var ours uuid.UUID
	m.ok(m.db.QueryRow(ctx, `select source_id, line_key, ours from recon_member where part = 0 and group_id is null and kind = 1 and source_id = $1 order by line_key limit 1`,
		m.sources["alipay_trade"].ID).Scan(&source, &line, &ours))
	revoke := func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, m.book, uuid.Nil, source, line, by, "the donor's number was mistyped", asOf)
	}
	m.want(nil, revoke)
	m.want(giving.ErrNoRecord, revoke)
	m.run(asOf.Add(time.Minute))
	if n := m.number(`select count(*) from recon_member where live and ours = $1`, ours); n != 0 {
		t.Error("the machine put it together again")
	}
	if n := m.number(`select count(*) from break_item where ended_at is null and type in ('B01', 'B02')`); n != 2 {
		t.Errorf("%d breaks of what is open again", n)
	}
	m.want(recon.ErrUnequal, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Match(ctx, tx, m.book, source, [][]byte{line}, []uuid.UUID{uuid.New()}, by, "no", asOf)
		return err
	})
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Match(ctx, tx, m.book, source, [][]byte{line}, []uuid.UUID{ours}, by, "it was right after all", asOf)
		return err
	})
	m.run(asOf.Add(time.Hour))
	if n := m.number(`select count(*) from break_item where ended_at is null`); n != 0 {
		t.Errorf("%d breaks are left", n)
	}
	if n := m.number(`select count(*) from break_item where state = 'self-cleared'`); n != 2 {
		t.Errorf("%d breaks ended by themselves", n)
	}
	m.ok(m.db.QueryRow(ctx, `select source_id, line_key from recon_member where live and part = 0 and group_id is null and kind = 1 and source_id = $1 order by line_key limit 1`,
		m.sources["alipay_trade"].ID).Scan(&source, &line))
	m.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-09-01', 'hard') on conflict (book_id, month) do update set state = 'hard'`, m.book.ID)
		return err
	})
	m.want(ledger.ErrPeriodHard, revoke)
}

// A broken fund equation stops what pays out until it holds again.
func TestHalt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m := &month{desk: d}
	pay := func(ctx context.Context, tx pgx.Tx) error { return ledger.MayPayOut(ctx, tx, d.book.ID) }
	m.want(nil, pay)
	for range 2 {
		m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
			_, err := recon.Halt(ctx, tx, d.book, "E5:fund 3", "assets 100, liabilities and funds 99", 1, asOf)
			return err
		})
		m.want(ledger.ErrHalted, pay)
	}
	broken := m.one(`select id from break_item where type = 'B14'`)
	m.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.CloseBreak(ctx, tx, d.book, broken, d.by, "I say so", asOf)
	})
	m.run(asOf)
	m.want(ledger.ErrHalted, pay)
	resume := func(still ...string) {
		m.want(nil, func(ctx context.Context, tx pgx.Tx) error { return recon.Resume(ctx, tx, d.book, "E5:", still, asOf) })
	}
	resume("E5:fund 3")
	m.want(ledger.ErrHalted, pay)
	resume()
	m.want(nil, pay)
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Halt(ctx, tx, d.book, "E5:fund 3", "again", 1, asOf)
		return err
	})
	m.want(ledger.ErrHalted, pay)
}

// What pages show: open items by page, proposals, candidates, and the evidence of a match down to its bytes.
func TestReading(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "breaks-1", statement.MT940)
	m.all("bank_mt940.sta")
	ctx := context.Background()
	seen := map[uuid.UUID]bool{}
	f := recon.BreakFilter{}
	for {
		page, err := recon.Breaks(ctx, m.db, m.book, f, 10)
		m.ok(err)
		for _, b := range page {
			seen[b.ID] = true
			f.AfterSeen, f.AfterID = b.FirstSeen, b.ID
		}
		if len(page) < 10 {
			break
		}
	}
	if len(seen) != 27 {
		t.Errorf("%d breaks in pages", len(seen))
	}
	only, err := recon.Breaks(ctx, m.db, m.book, recon.BreakFilter{Type: recon.Rounding}, 100)
	m.ok(err)
	if len(only) != 2 {
		t.Errorf("%d of B12", len(only))
	}
	sums, err := recon.BreakSums(ctx, m.db, m.book, asOf.Add(50*time.Hour))
	m.ok(err)
	var count int64
	for _, s := range sums {
		if count += s.Count; s.Bucket != 1 {
			t.Errorf("age: %+v", s)
		}
	}
	if count != 27 {
		t.Errorf("%d breaks in sums", count)
	}
	// Filters and figures count what Severity and the ages say.
	for _, hours := range []time.Duration{1, 24, 25, 72, 73, 8 * 24, 31 * 24} {
		at := asOf.Add(hours * time.Hour)
		byLevel, byAge := map[int]int{}, map[int]int{}
		all, err := recon.Breaks(ctx, m.db, m.book, recon.BreakFilter{}, 100)
		m.ok(err)
		for _, b := range all {
			byLevel[recon.Severity(b.Type, b.Amount, b.FirstSeen, at, recon.DefaultBands)]++
			old, _ := slices.BinarySearch(recon.AgeBuckets, int((at.Sub(b.FirstSeen)+24*time.Hour-1)/(24*time.Hour)))
			byAge[old]++
		}
		for i := range 5 {
			ripe, err := recon.Breaks(ctx, m.db, m.book, recon.BreakFilter{Ripe: &i, Now: at, Bands: recon.DefaultBands}, 100)
			m.ok(err)
			old, err := recon.Breaks(ctx, m.db, m.book, recon.BreakFilter{Bucket: &i, Now: at, Bands: recon.DefaultBands}, 100)
			m.ok(err)
			var summed int
			sums, err := recon.BreakSums(ctx, m.db, m.book, at)
			m.ok(err)
			for _, s := range sums {
				if s.Bucket == i {
					summed += int(s.Count)
				}
			}
			if len(ripe) != byLevel[i] || len(old) != byAge[i] || summed != byAge[i] {
				t.Errorf("after %d hours, %d: %d of severity %d, %d and %d of age %d", hours, i, len(ripe), byLevel[i], len(old), summed, byAge[i])
			}
		}
	}
	steps, err := recon.Steps(ctx, m.db, m.book, only[0].ID)
	m.ok(err)
	if len(steps) != 1 || steps[0].Actor != recon.System {
		t.Errorf("%+v", steps)
	}
	var proposals []recon.Group
	for _, s := range m.sources {
		list, err := recon.ProposalsOf(ctx, m.db, m.book, s.ID, nil, 100)
		m.ok(err)
		proposals = append(proposals, list...)
	}
	for _, g := range proposals {
		if !g.Ambiguous || len(g.Lines) != 2 || len(g.Ours) != 2 {
			t.Errorf("%+v", g)
		}
	}
	if len(proposals) != 1 {
		t.Fatalf("%d proposals", len(proposals))
	}
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Decide(ctx, tx, m.book, proposals[0].ID, true, m.by, "one donor, twice the same", asOf)
	})
	m.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Decide(ctx, tx, m.book, proposals[0].ID, false, m.by, "no", asOf)
	})
	e, err := recon.EvidenceOf(ctx, m.db, m.book, proposals[0].SourceID, proposals[0].Lines[0])
	m.ok(err)
	if len(e.Ours) != 2 || len(e.RawHash) != 32 || e.FileName != "bank_mt940.sta" || len(e.FileHash) != 32 || e.RunNo != 0 {
		t.Errorf("%+v", e)
	}
	lines, err := recon.OpenLines(ctx, m.db, m.book, 0, "break", time.Time{}, nil, 100)
	m.ok(err)
	var items []recon.OpenOurs
	for _, s := range m.sources {
		list, err := recon.OpenBeside(ctx, m.db, m.book, s, 0, time.Time{}, uuid.Nil, 100)
		m.ok(err)
		items = append(items, list...)
	}
	if len(lines) == 0 || len(items) == 0 {
		t.Fatalf("%d lines and %d items wait", len(lines), len(items))
	}
	near, err := recon.Candidates(ctx, m.db, m.book, "CNY", items[0].Amount, items[0].Day, 3)
	m.ok(err)
	if len(near) == 0 || near[0].Amount != items[0].Amount {
		t.Errorf("%+v is not nearest to %d", near, items[0].Amount)
	}
}
