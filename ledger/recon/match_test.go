package recon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// asOf is the moment as of which the vectors are looked at, before the accountants open.
var asOf = time.Date(2026, 9, 10, 8, 0, 0, 0, time.FixedZone("", 8*3600))

var rates = map[string]decimal.Decimal{"USD": decimal.RequireFromString("7.10"), "EUR": decimal.RequireFromString("8.28"), "HKD": decimal.RequireFromString("0.91")}

// month is one of the agreed sets, on its way into a book.
type month struct {
	*desk
	paged   bool // matches by key go on pages, as of many lines
	set     string
	sources map[string]*recon.Source
	hashes  map[string]string // announced by WeChat Pay
}

func shared(t testing.TB, set, name string) []byte {
	t.Helper()
	for _, dir := range []string{filepath.Join("statement", "testdata"), filepath.Join("..", "payments", "testdata", "recon")} {
		body, err := os.ReadFile(filepath.Join(dir, set, filepath.FromSlash(name)))
		if err == nil {
			return body
		}
	}
	t.Fatalf("no %s in %s", name, set)
	return nil
}

// newMonth is a book with the set's funds, campaigns, contracts, banking days, gifts and approved payments; no statement is in yet. prepare is run
// before the gifts are booked.
func newMonth(t *testing.T, set string, bank statement.Format, prepare ...string) *month {
	t.Helper()
	m := &month{desk: newDesk(t), set: set, sources: map[string]*recon.Source{}, hashes: map[string]string{}}
	ctx := context.Background()
	m.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := payments.PrepareFromSetup(ctx, tx, m.book, bytes.NewReader(shared(t, set, "setup.json"))); err != nil {
			return err
		}
		for _, sql := range prepare {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	var rejects bytes.Buffer
	totals, err := payments.ImportGifts(ctx, m.db, m.book, bytes.NewReader(shared(t, set, "gifts.csv")), payments.ImportOptions{Rejects: &rejects, Rates: rates, Now: start})
	m.ok(err)
	if totals.Refused != 0 {
		t.Fatalf("%d gifts refused: %s", totals.Refused, rejects.String())
	}
	formats := map[string]statement.Format{"wechat_trade": statement.WeChatTrade, "wechat_fund": statement.WeChatFund, "alipay_trade": statement.AlipayTrade,
		"stripe_balance": statement.StripeBalance, "stripe_payouts": statement.StripePayouts, "stripe_payout": statement.StripeMembers, "bank": bank}
	for _, name := range slices.Sorted(maps.Keys(formats)) {
		m.sources[name] = m.source(name, formats[name], "")
	}
	var bills []struct {
		File     string
		Response struct {
			Hash string `json:"hash_value"`
		}
	}
	m.ok(json.Unmarshal(shared(t, set, "wechat_bills.json"), &bills))
	for _, b := range bills {
		m.hashes[b.File] = b.Response.Hash
	}
	m.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := recon.ImportPayments(ctx, tx, m.book, bytes.NewReader(shared(t, set, "disbursements.csv")), m.by, start); err != nil {
			return err
		}
		for name, term := range map[string]recon.Term{"wechat_trade": {RatePPM: 6000, SettleDays: 1}, "wechat_fund": {SettleDays: 1}, "alipay_trade": {RatePPM: 6000, SettleDays: 1},
			"stripe_balance": {RatePPM: 34000, Fixed: 200, DisputeFee: 10000}} {
			term.SourceID, term.From, term.MadeBy, term.MadeAt = m.sources[name].ID, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), m.by, start
			if err := recon.SetTerm(ctx, tx, m.book, term); err != nil {
				return err
			}
		}
		if err := recon.SetBankDay(ctx, tx, m.book, time.Date(2026, 9, 25, 0, 0, 0, 0, time.UTC), false); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-08-01', 'hard') on conflict (book_id, month) do update set state = 'hard'`, m.book.ID)
		return err
	})
	return m
}

// files of the set for the month's accounts, in no order.
func (m *month) files(bank string) (names []string) {
	m.Helper()
	entries, err := os.ReadDir(filepath.Join("statement", "testdata", m.set))
	m.ok(err)
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, "bank_") && name != bank || e.IsDir() || name == "disbursements.csv" || name == "wechat_bills.json" || name == "gifts.csv" {
			continue
		}
		names = append(names, name)
	}
	if m.set == "breaks-1" {
		names = append(names, "redelivered/wechat_trade_20260901.csv", "redelivered/wechat_fund_20260902.csv")
	}
	return names
}

func (m *month) take(name string, body []byte) *recon.File {
	m.Helper()
	base := filepath.Base(name)
	key := ""
	for prefix := range m.sources {
		if strings.HasPrefix(base, prefix) && len(prefix) > len(key) {
			key = prefix
		}
	}
	f, err := m.try(m.sources[key], recon.NewFile{ID: uuid.New(), Name: name, Body: body, By: m.by, Announced: m.hashes[base]})
	m.ok(err)
	return f
}

func (m *month) run(at time.Time) (report *recon.Report) {
	m.Helper()
	m.ok(pg.InTx(pg.WithBook(context.Background(), m.book.ID), m.db, func(tx pgx.Tx) (err error) {
		if m.paged {
			report, err = recon.RunFrom(context.Background(), tx, m.book, at, -1)
			return err
		}
		report, err = recon.Run(context.Background(), tx, m.book, at)
		return err
	}))
	return report
}

// planted is what truth.json says.
type planted struct {
	Breaks []struct {
		ID, Type, Currency, Note string
		Amount                   int64 `json:"amount_fen"`
		Gifts, Payouts           []string
		Disbursements            []string
		Lines                    [][2]any
		Also                     []string `json:"may_also_show_as"`
	}
	Lines []struct {
		Source, Ref, Match, Kind string
		Amount                   int64 `json:"amount_fen"`
		Gifts, Settlements       []string
		Disbursements            []string
	}
}

// found is a break as the tables have it.
type found struct {
	ID, Type, Currency, Note string
	Amount                   int64
	Items                    []string
}

const sqlTestBreaks = `
select b.id::text, b.type, b.ccy, b.note, b.amount,
       array(select coalesce(g.ref, r.ref, e.key, s.key, x::text) from unnest(b.ours) x left join gift g on g.id = x left join refund r on r.id = x left join expectation e on e.id = x
               left join settlement s on s.id = x) ||
       array(select l.ext_id from ext_line l where l.source_id = b.source_id and l.line_key = any(b.lines)) || array(select f.name from source_file f where f.id = any(b.files))
  from break_item b where b.ended_at is null order by b.type, b.amount, b.key`

func (m *month) found() []found {
	m.Helper()
	rows, err := m.db.Query(context.Background(), sqlTestBreaks)
	m.ok(err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[found])
	m.ok(err)
	return list
}

// Every planted break is found with its type and amount, and nothing else; no line is matched with what it is not.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"clean-1", "breaks-1"} {
		for bank, format := range map[string]statement.Format{"bank_camt053.xml": statement.Camt053, "bank_mt940.sta": statement.MT940, "bank_ofx.ofx": statement.OFX, "bank_cmb.csv": statement.CMB} {
			t.Run(set+" "+bank, func(t *testing.T) {
				t.Parallel()
				m := newMonth(t, set, format)
				m.paged = format == statement.MT940 || format == statement.OFX
				for _, name := range m.files(bank) {
					if f := m.take(name, shared(t, set, name)); f.State != recon.FileImported && !strings.HasPrefix(name, "redelivered") {
						t.Fatalf("%s: %s %s", name, f.State, reasonOf(f))
					}
				}
				report := m.run(asOf)
				var want planted
				m.ok(json.Unmarshal(shared(t, set, "truth.json"), &want))
				m.holdBreaks(&want)
				m.holdMatches(&want)
				if again := m.run(asOf); again.Written || !report.Written {
					t.Errorf("a second run wrote: %+v", again)
				}
			})
		}
	}
}

func (m *month) holdBreaks(want *planted) {
	m.Helper()
	left := m.found()
	for _, b := range want.Breaks {
		if b.Type == "B09" && m.sources["bank"].Format == statement.OFX {
			m.withoutOpening()
			continue
		}
		at := slices.IndexFunc(left, func(f found) bool {
			if f.Amount != b.Amount || f.Type != b.Type && !slices.Contains(b.Also, f.Type) {
				return false
			}
			items := slices.Concat(b.Gifts, b.Payouts, b.Disbursements)
			for _, l := range b.Lines {
				if ref, ok := l[1].(string); ok {
					items = append(items, ref)
				}
			}
			return len(items) == 0 || slices.ContainsFunc(items, func(s string) bool { return slices.Contains(f.Items, s) }) ||
				slices.ContainsFunc(b.Lines, func(l [2]any) bool { return l[0] == "bank" })
		})
		if at < 0 {
			m.Errorf("%s not found: %d %s, %s", b.ID, b.Amount, b.Type, b.Note)
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, f := range left {
		m.Errorf("not planted: %+v", f)
	}
}

// withoutOpening holds that the OFX file cannot tell of a gap: it has neither numbers of statements nor an opening balance, only one closing balance. A gap
// between its days shows when the next file's lines are held against that balance, and the set has one file.
func (m *month) withoutOpening() {
	m.Helper()
	var numbered, proved bool
	m.ok(m.db.QueryRow(context.Background(), `select bool_or(number <> ''), bool_or(proved <> '{chain}') from source_statement where source_id = $1`, m.sources["bank"].ID).Scan(&numbered, &proved))
	if numbered || proved {
		m.Errorf("the file tells more than a closing balance: number %v, proof %v", numbered, proved)
	}
}

const sqlTestMatches = `
with one as (
  select m.source_id, m.line_key, m.ours from (` + recon.MatchedRows + `) m where m.ours is not null and m.line_key is not null
  union all
  select l.source_id, l.line_key, o.ours from recon_member l join recon_member o on o.group_id = l.group_id and o.ours is not null and o.live
   where l.line_key is not null and l.ours is null and l.live
)
select a.name, l.ext_id, l.amount, coalesce(g.ref, r.ref, e.key, case when s.key like '20%' then split_part(sa.name, '_', 1) || ':' || s.key else s.key end), l.booked_on
  from one m join ext_line l on l.source_id = m.source_id and l.line_key = m.line_key join source_account a on a.id = l.source_id
  left join gift g on g.id = m.ours left join refund r on r.id = m.ours left join expectation e on e.id = m.ours
  left join settlement s on s.id = m.ours left join source_account sa on sa.id = s.source_id`

// holdMatches compares every match with the truth. Bank lines are known by amount; of two that are equal either is right.
func (m *month) holdMatches(want *planted) {
	m.Helper()
	type pair struct {
		source string
		ref    string
		amount int64
		ours   string
	}
	right := map[pair]bool{}
	for _, l := range want.Lines {
		for _, o := range slices.Concat(l.Gifts, l.Settlements, l.Disbursements) {
			p := pair{l.Source, l.Ref, l.Amount, o}
			if l.Source == "bank" {
				p.ref = ""
			}
			right[p] = true
		}
	}
	// The same number with another amount or currency is no match but a break, which names both sides: reconciliation.md, pass 1.
	odd := map[pair]bool{}
	for _, b := range want.Breaks {
		if b.Type != "B03" && b.Type != "B04" {
			continue
		}
		for _, l := range b.Lines {
			for p := range right {
				if slices.Contains(b.Gifts, p.ours) && p.source == l[0] && p.ref == l[1] {
					odd[p] = true
				}
			}
		}
	}
	rows, err := m.db.Query(context.Background(), sqlTestMatches)
	m.ok(err)
	var p pair
	var day time.Time
	got := map[pair]bool{}
	_, err = pgx.ForEachRow(rows, []any{&p.source, &p.ref, &p.amount, &p.ours, &day}, func() error {
		q := p
		if p.source == "bank" {
			q.ref = ""
		}
		if !right[q] || odd[q] {
			m.Errorf("false match: %+v on %s", p, day.Format(time.DateOnly))
		}
		got[q] = true
		return nil
	})
	m.ok(err)
	// Two gifts of one person, one amount, one day and no code, and two such credits: truth.json knows which is which, the files do not. An amount is matched
	// by the machine only when it stands once on either side (reconciliation.md, pass 4), so that these are proposed together, as ambiguous, to a person.
	rows, err = m.db.Query(context.Background(), sqlTestTwins)
	m.ok(err)
	twins, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Ours   string
		Amount int64
	}])
	m.ok(err)
	for _, w := range twins {
		p.source, p.ref, p.amount, p.ours = "bank", "", w.Amount, w.Ours
		if !right[p] || got[p] {
			m.Errorf("proposed: %+v", w)
		}
		got[p] = true
	}
	for p := range right {
		if !got[p] && !odd[p] {
			m.Errorf("not matched: %+v", p)
		}
	}
}

// Gifts and amounts of ambiguous proposals that have as many lines as gifts, all of one amount and day.
const sqlTestTwins = `
select g.ref, g.amount
  from recon_group p cross join unnest(p.ours) o join gift g on g.id = o
 where p.state = 'proposed' and p.rule = 4 and p.ambiguous and cardinality(p.lines) = cardinality(p.ours)
   and (select count(distinct (l.amount, l.booked_on)) from ext_line l where l.source_id = p.source_id and l.line_key = any(p.lines)) = 1`

// state is all that a run leaves, without numbers of runs and files.
const sqlTestState = `
select format('match %s %s %s %s %s', m.source_id, m.part, m.rule, encode(coalesce(m.line_key, '\x'), 'hex'), m.ours) from (` + recon.MatchedRows + `) m
union all
select format('group %s %s %s %s %s', rule, state, ambiguous, ours, lines) from recon_group where state <> 'revoked'
union all
select format('line %s %s %s', source_id, encode(line_key, 'hex'), state) from open_line
union all
select format('ours %s %s %s', id, amount, state) from open_ours
union all
select format('settlement %s %s %s %s %s', key, source_id, amount, lines, members) from settlement
union all
select format('break %s %s %s %s %s', type, amount, day, ours, lines) from break_item where ended_at is null and type <> 'B17'
order by 1`

func (m *month) state() []string {
	m.Helper()
	rows, err := m.db.Query(context.Background(), sqlTestState)
	m.ok(err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	m.ok(err)
	return list
}

// Files in any order, in pieces, overlapping, sent twice, with runs after each or only at the end: the tables are the same.
func TestAnyOrderGivesTheSame(t *testing.T) {
	t.Parallel()
	const bank = "bank_mt940.sta"
	messages := strings.SplitAfter(strings.TrimSuffix(string(shared(t, "breaks-1", bank)), "\r\n"), "\r\n-\r\n")
	var want []string
	for seed := range 4 {
		m := newMonth(t, "breaks-1", statement.MT940)
		m.paged = seed >= 2
		type piece struct {
			name string
			body []byte
		}
		var pieces []piece
		for _, name := range m.files(bank) {
			if name != bank || seed == 0 {
				pieces = append(pieces, piece{name, shared(t, "breaks-1", name)})
			}
		}
		if seed > 0 { // the bank's file in pieces, some of them twice and longer
			for i := range messages {
				to := min(len(messages), i+1+i%3)
				pieces = append(pieces, piece{fmt.Sprintf("bank_%d.sta", i), []byte(strings.Join(messages[i:to], ""))})
			}
			random := rand.New(rand.NewPCG(uint64(seed), 8))
			random.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		}
		for i, p := range pieces {
			if f := m.take(p.name, p.body); f.State == recon.FileQuarantined && !strings.HasPrefix(p.name, "redelivered") {
				t.Fatalf("%s: %s", p.name, reasonOf(f))
			}
			if seed == 3 && i%5 == 0 {
				m.run(asOf)
			}
		}
		for range seed + 1 {
			m.run(asOf)
		}
		if said := m.told(""); len(said) > 0 {
			t.Errorf("seed %d: verify: %s", seed, strings.Join(said, "\n"))
		}
		got := m.state()
		if seed == 0 {
			if want = got; len(want) < 700 {
				t.Errorf("only %d rows", len(want))
			}
			continue
		}
		differ := 0
		for _, line := range got {
			if !slices.Contains(want, line) {
				if differ++; differ <= 5 {
					t.Errorf("seed %d: not before: %s", seed, line)
				}
			}
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				if differ++; differ <= 10 {
					t.Errorf("seed %d: gone: %s", seed, line)
				}
			}
		}
	}
}

// Matches by key of whole bills stand on pages: they are taken apart, put together again and proved as any other, and no line or gift of theirs is matched twice.
func TestPages(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMonth(t, "clean-1", statement.MT940)
	m.paged = true
	for _, name := range m.files("bank_mt940.sta") {
		m.take(name, shared(t, "clean-1", name))
	}
	m.run(asOf)
	on, off := m.number(`select coalesce(sum(lines), 0)::int from recon_page`), m.number(`select count(*) from recon_member where part = 0 and rule = 1 and kind = 1`)
	if all := m.number(`select count(*) from (` + recon.MatchedRows + `) m where part = 0 and rule = 1 and kind = 1`); on < 100 || off > on/4 || all != on+off {
		t.Fatalf("%d on pages, %d not, of %d", on, off, all)
	}
	var source int32
	var line []byte
	var ours uuid.UUID
	m.ok(m.db.QueryRow(ctx, `select x.source_id, x.line_key, x.ours from (`+recon.MatchedRows+`) x join recon_page p on x.ours = any(p.ours) order by x.line_key limit 1`).Scan(&source, &line, &ours))
	e, err := recon.EvidenceOf(ctx, m.db, m.book, source, line)
	if err != nil || e.Rule != recon.RuleKey || e.RunNo != 1 || !slices.Equal(e.Ours, []uuid.UUID{ours}) || len(e.RawHash) != 32 || e.RunID == nil {
		t.Fatalf("%+v %v", e, err)
	}
	again := func() error { // as if a fault wrote it past the machine
		return pg.InTx(pg.WithBook(ctx, m.book.ID), m.db, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount) values ($1, $2, 0, 1, 9, 1, $3, $4, 1, 1)`, m.book.ID, source, ours, line)
			return err
		})
	}
	twice := func(ours uuid.UUID, line []byte) error {
		return pg.InTx(pg.WithBook(ctx, m.book.ID), m.db, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount) values ($1, $2, 0, 1, 9, 2, $3, $4, 1, 1)`, m.book.ID, source, ours, line)
			return err
		})
	}
	other := []byte(strings.Repeat("x", 20))
	for i, err := range []error{again(), twice(uuid.New(), line), twice(ours, other)} {
		if err == nil {
			t.Errorf("%d: matched twice", i)
		}
	}
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, m.book, uuid.Nil, source, line, m.by, "the donor's number was mistyped", asOf)
	})
	m.want(giving.ErrNoRecord, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, m.book, uuid.Nil, source, line, m.by, "again", asOf)
	})
	if _, err := recon.EvidenceOf(ctx, m.db, m.book, source, line); !errors.Is(err, giving.ErrNoRecord) {
		t.Errorf("evidence of what is not matched: %v", err)
	}
	m.run(asOf.Add(time.Minute))
	if n := m.number(`select count(*) from (`+recon.MatchedRows+`) m where ours = $1 and part = 0`, ours); n != 0 {
		t.Error("the machine put it together again")
	}
	m.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Match(ctx, tx, m.book, source, [][]byte{line}, []uuid.UUID{ours}, m.by, "it was right after all", asOf)
		return err
	})
	if n := m.number(`select count(*) from (`+recon.MatchedRows+`) m where line_key = $1`, line); n != 1 {
		t.Errorf("%d matches of the line", n)
	}
	m.run(asOf.Add(2 * time.Minute))
	if n := m.number(`select count(*) from break_item where ended_at is null`); n != 0 {
		t.Errorf("%d breaks", n)
	}
}
