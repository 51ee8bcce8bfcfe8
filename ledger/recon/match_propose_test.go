package recon_test

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
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

// What meeting in the middle finds is what trying every set finds: none, the one, or that there are several.
func TestSubsetAgainstBruteForce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 5))
	var none, one, more int
	for range 3000 {
		amounts := make([]int64, random.IntN(13))
		sign := int64(1 - 2*random.IntN(2))
		for i := range amounts {
			amounts[i] = sign * (1 + random.Int64N([]int64{8, 500, 1_000_000}[random.IntN(3)]))
		}
		target := sign * (1 + random.Int64N(2000))
		if set := random.IntN(1 << len(amounts)); set > 0 && random.IntN(2) == 0 {
			target = 0
			for i, a := range amounts {
				if set&(1<<i) != 0 {
					target += a
				}
			}
		}
		var fits []int
		for set := 1; set < 1<<len(amounts); set++ {
			sum := int64(0)
			for i, a := range amounts {
				if set&(1<<i) != 0 {
					sum += a
				}
			}
			if sum == target {
				fits = append(fits, set)
			}
		}
		places, sets := recon.Subset(target, amounts)
		if sets != min(len(fits), 2) {
			t.Fatalf("%d of %v: %d sets, want %d", target, amounts, sets, len(fits))
		}
		got := 0
		for _, p := range places {
			got |= 1 << p
		}
		switch sets {
		case 0:
			none++
		case 1:
			if one++; got != fits[0] || len(places) != bits.OnesCount(uint(got)) {
				t.Fatalf("%d of %v: %v, want %b", target, amounts, places, fits[0])
			}
		default:
			if more++; got != 0 {
				t.Fatalf("%d of %v: %v of several", target, amounts, places)
			}
		}
	}
	if none < 100 || one < 100 || more < 100 {
		t.Errorf("%d without, %d with one, %d with more: the cases are one-sided", none, one, more)
	}
	full := make([]int64, recon.BucketMax) // powers of two: one set for every sum
	for i := range full {
		full[i] = 1 << i
	}
	if places, sets := recon.Subset(0b1010_0000_1111_0000_0001_0011, full); sets != 1 || !slices.Equal(places, []int{0, 1, 4, 12, 13, 14, 15, 21, 23}) {
		t.Errorf("%v, %d", places, sets)
	}
	if places, sets := recon.Subset(3, append(full, 1<<30)); places != nil || sets != 2 {
		t.Error("more than a bucket holds was looked at")
	}
}

func BenchmarkSubset(b *testing.B) {
	full := make([]int64, recon.BucketMax)
	for i := range full {
		full[i] = 1 << i
	}
	for b.Loop() {
		recon.Subset(0b1010_0000_1111_0000_0001_0011, full)
	}
}

func TestNearly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		d    int
		near bool
	}{
		{"SF260901-ZML9QZ", "SF260901-ZML9QZ", 0, true}, {"sf260901 zml9qz", "SF260901-ZML9QZ", 0, true}, {"SF260901-ZML9QX", "SF260901-ZML9QZ", 1, true},
		{"SF260901-ZM9LQX", "SF260901-ZML9QZ", 2, true}, {"SF260901-ZML9Q", "SF260901-ZML9QZ", 1, true}, {"SF261901-XML9QX", "SF260901-ZML9QZ", 3, false},
		{"12345", "12345", 0, false}, {"", "", 0, false}, {"ABCDEF", "ABCDEG", 1, true}, {"ABCDEF", "ABCDHG", 2, false}, {strings.Repeat("A", 500), "AAAAAA", 0, false},
	} {
		for _, swap := range []bool{false, true} {
			a, b := c.a, c.b
			if swap {
				a, b = b, a
			}
			if d, near := recon.Nearly(a, b); near != c.near || near && d != c.d {
				t.Errorf("%s and %s: %d, %v", a, b, d, near)
			}
		}
	}
}

// mt940 is a statement of credits between two days of September 2026: day, minor units and texts.
func mt940(number, from, to int, opening int64, lines ...[3]any) []byte {
	var b bytes.Buffer
	amount := func(n int64) string { return fmt.Sprintf("%d,%02d", n/100, n%100) }
	fmt.Fprintf(&b, ":20:%d\r\n:25:755930112210808\r\n:28C:%d\r\n:60F:C2609%02dCNY%s\r\n", number, number, from, amount(opening))
	for i, l := range lines {
		n := int64(l[1].(int))
		opening += n
		fmt.Fprintf(&b, ":61:2609%02d09%02dC%s\r\n:86:%s\r\n", l[0], l[0], amount(n)+fmt.Sprintf("NTRFNONREF//B%d%04d", number, i), l[2])
	}
	fmt.Fprintf(&b, ":62F:C2609%02dCNY%s\r\n-\r\n", to, amount(opening))
	return b.Bytes()
}

func (m *month) expect(key string, day int, amount int64) {
	m.Helper()
	at := time.Date(2026, 9, day, 0, 0, 0, 0, time.UTC)
	m.tx(func(ctx context.Context, tx pgx.Tx) error {
		return recon.Expect(ctx, tx, m.book, recon.Expectation{Kind: "deposit", Key: key, Ref: key, Amount: amount, Currency: "CNY", Day: at, DueOn: at.AddDate(0, 0, 60), MadeBy: m.by, MadeAt: at})
	})
}

// ours are the keys of a group's expectations.
func (m *month) keys(ids []uuid.UUID) (keys []string) {
	m.Helper()
	rows, err := m.db.Query(context.Background(), `select key from expectation where id = any($1) order by key`, ids)
	m.ok(err)
	keys, err = pgx.CollectRows(rows, pgx.RowTo[string])
	m.ok(err)
	return keys
}

// Sums and near numbers are proposed, never confirmed; only when one set fits, and taken back when it is no longer the only one.
func TestSumsAndNearNumbersAreProposed(t *testing.T) {
	t.Parallel()
	m := &month{desk: newDesk(t), sources: map[string]*recon.Source{}}
	bank := m.source("bank", statement.MT940, "755930112210808")
	now := time.Date(2026, 9, 29, 4, 0, 0, 0, time.UTC)
	for _, e := range []struct {
		key    string
		day    int
		amount int64
	}{
		{"AA-1001", 10, 100_00}, {"AA-1002", 11, 200_37}, {"AA-1003", 11, 55_00}, // the first two make 300.37
		{"BB-2001", 10, 40_000_00}, {"BB-2002", 10, 20_000_00}, {"BB-2003", 10, 20_000_00}, // 60,000.00 in two ways
		{"CC-3001", 12, 900_000_00},       // in two lines
		{"DD260901-ZML9QZ", 1, 77_777_00}, // 24 days before the line
		{"DD260901-XXXXXX", 1, 77_777_00},
	} {
		m.expect(e.key, e.day, e.amount)
	}
	first := mt940(1, 1, 25, 0, [3]any{12, 300_37, "two in one"}, [3]any{12, 60_000_00, "which"}, [3]any{13, 400_000_01, "part"}, [3]any{14, 499_999_99, "rest"},
		[3]any{25, 77_777_00, "REF DD260901-ZML9QX"})
	if f := m.bring(bank, "first.sta", first); f.State != recon.FileImported {
		t.Fatal(reasonOf(f))
	}
	r := m.run(now)
	if r.Matched != 0 || r.Proposed != 3 {
		t.Errorf("%+v", r)
	}
	proposals := func() map[string]recon.Group {
		list, err := recon.ProposalsOf(context.Background(), m.db, m.book, bank.ID, nil, 100)
		m.ok(err)
		of := map[string]recon.Group{}
		for _, g := range list {
			of[strings.Join(m.keys(g.Ours), " ")] = g
		}
		return of
	}
	got := proposals()
	sum, parts, near := got["AA-1001 AA-1002"], got["CC-3001"], got["DD260901-ZML9QZ"]
	if sum.Rule != recon.RuleSubset || sum.Cardinality != "N:1" || sum.Amount != 300_37 || len(sum.Lines) != 1 || len(sum.Rejected) == 0 || sum.Rejected[0].Why != "sum" {
		t.Errorf("%+v", sum)
	}
	if parts.Rule != recon.RuleSubset || parts.Cardinality != "1:N" || len(parts.Lines) != 2 || parts.Amount != 900_000_00 {
		t.Errorf("%+v", parts)
	}
	if near.Rule != recon.RuleText || near.Cardinality != "1:1" || len(near.Rejected) != 1 || near.Rejected[0].Why != "text" || near.Rejected[0].Days != 24 {
		t.Errorf("%+v", near)
	}
	if n := m.number(`select count(*) from recon_member`); n != 0 {
		t.Errorf("%d matched without a person", n)
	}
	if n := m.number(`select count(*) from break_item where type = 'B08' and ended_at is null`); n != 5 {
		t.Errorf("%d of 5 credits are breaks: a proposal explains nothing", n)
	}
	if again := m.run(now); again.Written {
		t.Errorf("the same run wrote: %+v", again)
	}

	// A person confirms one and turns one down; the latter does not come again.
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Decide(ctx, tx, m.book, sum.ID, true, m.by, "the donor wrote so", now)
	})
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Decide(ctx, tx, m.book, near.ID, false, m.by, "another project", now)
	})
	e, err := recon.EvidenceOf(context.Background(), m.db, m.book, sum.SourceID, sum.Lines[0])
	m.ok(err)
	if len(e.Ours) != 2 || len(e.Rejected) == 0 || e.Rejected[0].Why != "sum" {
		t.Errorf("%+v", e)
	}
	m.run(now.Add(time.Minute))
	if got := proposals(); len(got) != 1 || got["CC-3001"].ID != parts.ID {
		t.Errorf("%+v", got)
	}
	// Another line makes it ambiguous: the machine takes its proposal back, and offers it again when the line is gone.
	second := mt940(2, 25, 26, 1_038_077_37, [3]any{26, 400_000_01, "part as well"})
	if f := m.bring(bank, "second.sta", second); f.State != recon.FileImported {
		t.Fatal(reasonOf(f))
	}
	m.run(now.Add(2 * time.Minute))
	if got := proposals(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if n := m.number(`select count(*) from recon_event where group_id = $1 and state = 'revoked' and actor = $2`, parts.ID, recon.System); n != 1 {
		t.Errorf("%d events of taking back", n)
	}
	m.expect("EE-9999", 26, 400_000_01)
	third := m.one(`select id from expectation where key = 'EE-9999'`)
	var line []byte
	m.ok(m.db.QueryRow(context.Background(), `select line_key from ext_line where booked_on = '2026-09-26'`).Scan(&line))
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Match(ctx, tx, m.book, bank.ID, [][]byte{line}, []uuid.UUID{third}, m.by, "agreed by telephone", now)
		return err
	})
	m.run(now.Add(3 * time.Minute))
	if got := proposals(); len(got) != 1 || got["CC-3001"].ID != parts.ID {
		t.Errorf("%+v", got)
	}
	if again := m.run(now.Add(3 * time.Minute)); again.Written {
		t.Errorf("the same run wrote: %+v", again)
	}
}

// A long number that is as far from ours as it may be is proposed with the least score.
func TestALongNumberIsNearlyOurs(t *testing.T) {
	t.Parallel()
	m := &month{desk: newDesk(t), sources: map[string]*recon.Source{}}
	bank := m.source("bank", statement.Camt053, "")
	m.expect("LN260901ABCDEFGHKLMNPQRSTUVWXYZABCDEFGHKLMNPQR", 1, -77_777_00)
	if f := m.bring(bank, "1.xml", debits("A", ledger.Day(2026, time.September, 25), 77_777_00, [][2]string{{"", "LN260901AZCDEFZHKLMZPQRSTZVWXYZZBCDEZGHKLMZPQR"}})); f.State != recon.FileImported {
		t.Fatal(reasonOf(f))
	}
	m.run(time.Date(2026, 9, 29, 4, 0, 0, 0, time.UTC))
	list, err := recon.ProposalsOf(context.Background(), m.db, m.book, bank.ID, nil, 100)
	if err != nil || len(list) != 1 || list[0].Rule != recon.RuleText || list[0].Score != 5 {
		t.Errorf("%+v %v", list, err)
	}
}

// What was of the same amount and was not chosen stands with matches by settlement and by amount, and with none by key.
func TestRejectedCandidatesAreKept(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "breaks-1", statement.MT940)
	ctx := context.Background()
	for _, name := range m.files("bank_mt940.sta") {
		m.take(name, shared(t, m.set, name))
	}
	rows, err := m.db.Query(ctx, `select amount, extract(day from booked_on)::int4 from ext_line where source_id = $1 and amount > 0 order by line_key`, m.sources["bank"].ID)
	m.ok(err)
	type credit struct {
		Amount int64
		Day    int
	}
	credits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[credit])
	m.ok(err)
	for i, c := range credits {
		m.expect(fmt.Sprintf("ZZ-%d", i), c.Day, c.Amount)
	}
	m.run(asOf)
	if n := m.number(`select count(*) from recon_member where rule = 1 and rejected is not null`); n != 0 {
		t.Errorf("%d matches by key with rejected candidates", n)
	}
	for _, rule := range []int{recon.RuleGroup, recon.RuleSweep} {
		var source int32
		var line []byte
		m.ok(m.db.QueryRow(ctx, `select source_id, line_key from recon_member where rule = $1 and rejected is not null order by no limit 1`, rule).Scan(&source, &line))
		e, err := recon.EvidenceOf(ctx, m.db, m.book, source, line)
		m.ok(err)
		if !slices.ContainsFunc(e.Rejected, func(c recon.Candidate) bool { return c.Why == "kind" && c.Ours != nil && c.Line == "" && c.Days == 0 }) {
			t.Errorf("rule %d: %+v", rule, e.Rejected)
		}
	}
	if again := m.run(asOf); again.Written {
		t.Errorf("the same run wrote: %+v", again)
	}
}
