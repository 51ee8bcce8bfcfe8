package recon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/encoding/simplifiedchinese"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

var start = time.Date(2026, 9, 10, 2, 0, 0, 0, time.UTC)

// desk is a book and the accountant who imports.
type desk struct {
	*testing.T
	db    *pgxpool.Pool
	owner *pgxpool.Pool
	book  *ledger.Book
	by    uuid.UUID
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	base := pgtest.New(t)
	d := &desk{T: t, db: base.Service, owner: base.Pool, by: uuid.New()}
	zone, err := time.LoadLocation("Asia/Shanghai")
	d.ok(err)
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		d.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "nanqiao", NameZH: "南桥区慈善会", NameEN: "Nanqiao", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		return err
	})
	d.book.Keys = pgtest.Ring()
	return d
}

func (d *desk) ok(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) tx(f func(ctx context.Context, tx pgx.Tx) error) {
	d.Helper()
	ctx := context.Background()
	d.ok(pg.InTx(ctx, d.db, func(tx pgx.Tx) error { return f(ctx, tx) }))
}

func (d *desk) source(name string, format statement.Format, number string) *recon.Source {
	d.Helper()
	s := recon.Source{Name: name, Kind: "bank", Format: format, Number: number, Currency: "CNY", MadeBy: d.by, MadeAt: start}
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		s.ID, err = recon.AddSource(ctx, tx, d.book, s)
		return err
	})
	return &s
}

// bring receives a file and takes it.
func (d *desk) bring(s *recon.Source, name string, body []byte) *recon.File {
	d.Helper()
	f, err := d.try(s, recon.NewFile{ID: uuid.New(), Name: name, Body: body, By: d.by})
	d.ok(err)
	return f
}

func (d *desk) try(s *recon.Source, n recon.NewFile) (f *recon.File, err error) {
	ctx := context.Background()
	err = pg.InTx(ctx, d.db, func(tx pgx.Tx) (err error) {
		f, err = recon.Receive(ctx, tx, d.book, s, n, start)
		return err
	})
	if err != nil || f.State == recon.FileDuplicate {
		return f, err
	}
	err = pg.InTx(ctx, d.db, func(tx pgx.Tx) (err error) {
		f, err = recon.Take(ctx, tx, d.book, f, start)
		return err
	})
	return f, err
}

// table is what the lines of a source are, whichever files told them.
func (d *desk) table(s *recon.Source) (rows []string) {
	d.Helper()
	list, err := d.db.Query(context.Background(), `select to_jsonb(l) - '{source_id,file_id,statement,line_no,row_no,at,size}'::text[] from ext_line l where source_id = $1 order by line_key`, s.ID)
	d.ok(err)
	rows, err = pgx.CollectRows(list, pgx.RowTo[string])
	d.ok(err)
	return rows
}

func vector(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("statement", "testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func reasonOf(f *recon.File) string {
	if f.Reason == nil {
		return f.State
	}
	return *f.Reason
}

func TestImportAndQuarantine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bank := d.source("招行", statement.MT940, "755930112210808")
	body := vector(t, "breaks-1/bank_mt940.sta")
	f := d.bring(bank, "bank.sta", body)
	if f.State != recon.FileImported || *f.Lines != 52 || *f.Fresh != 52 {
		t.Fatalf("%+v", f)
	}
	// While a file is being read others see how far it is.
	far := func(id uuid.UUID, want int64) {
		t.Helper()
		if lines, about, err := recon.Reading(context.Background(), d.db, id); err != nil || lines != want || about < lines {
			t.Errorf("%d of %d lines are read, want %d: %v", lines, about, want, err)
		}
	}
	beside := recon.NewFile{ID: uuid.New(), Name: "beside.sta", Body: body, By: d.by}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		f, err := recon.Receive(ctx, tx, d.book, d.source("招行二", statement.MT940, "755930112210808"), beside, start)
		if err != nil {
			return err
		}
		if f, err = recon.Take(ctx, tx, d.book, f, start); err != nil || f.State != recon.FileImported {
			t.Fatalf("%+v %v", f, err)
		}
		far(beside.ID, 52)
		far(uuid.New(), 0)
		return nil
	})
	far(beside.ID, 0)
	// The bytes of a line are there, and its names only in them.
	ctx := context.Background()
	var at, size int
	var text string
	d.ok(d.db.QueryRow(ctx, `select at, size, l::text from ext_line l where ext_id = '260901694940001'`).Scan(&at, &size, &text))
	raw, err := f.Bytes(ctx, d.db, d.book, at, size)
	d.ok(err)
	if !bytes.HasPrefix(raw, []byte(":61:2608310901C666,00NTRFJZ5LATRJ")) || !bytes.Contains(raw, []byte("He Guilan")) || strings.Contains(text, "Guilan") {
		t.Errorf("line at %d of %d bytes is %q; the table has %s", at, size, raw, text)
	}
	var kept int
	d.ok(d.db.QueryRow(ctx, `select count(*) from source_part where position(convert_to('He Guilan', 'utf8') in body) > 0`).Scan(&kept))
	if kept > 0 {
		t.Error("a name lies open in the kept file")
	}
	// The same bytes again are noted and nothing more; the same form again is the same file.
	again := d.bring(bank, "again.sta", body)
	if again.State != recon.FileDuplicate || *again.SameAs != f.ID {
		t.Errorf("second delivery: %+v", again)
	}
	before := d.table(bank)
	if _, err := d.try(bank, recon.NewFile{ID: f.ID, Name: "bank.sta", Body: body, By: d.by}); !errors.Is(err, giving.ErrStep) {
		t.Errorf("the form again: %v", err)
	}
	// A file that cannot be proved is kept with the reason, and nothing of it is on file.
	cut := d.bring(bank, "cut.sta", bytes.Replace(body, []byte(":61:2609010901C499,43"), []byte(":61:2609010901C498,43"), 1))
	if reasonOf(cut) != "balance" || *cut.Got == "" {
		t.Errorf("changed amount: %+v", cut)
	}
	other := d.bring(d.source("建行", statement.MT940, "622700"), "bank.sta", body)
	if reasonOf(other) != "account" {
		t.Errorf("statement of another account: %+v", other)
	}
	if wrong := d.bring(d.source("支付宝", statement.AlipayTrade, ""), "bank.sta", body); reasonOf(wrong) != "format" {
		t.Errorf("statement in another format: %+v", wrong)
	}
	// A numbered statement that came before with other sums contradicts it, though it proves itself.
	changed := strings.NewReplacer(":61:2609010901C499,43", ":61:2609010901C498,43", ":62F:C260901CNY2830736,06", ":62F:C260901CNY2830735,06").Replace(string(body))
	first := changed[:strings.Index(changed, "\n-\r\n")+4]
	if f := d.bring(bank, "forged.sta", []byte(first)); reasonOf(f) != recon.Contradicts || f.Fresh != nil {
		t.Errorf("another sum under the number of a statement: %+v", f)
	}
	if !slices.Equal(before, d.table(bank)) {
		t.Error("a refused file left something")
	}
}

func TestProcessorContradicts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.source("微信支付", statement.WeChatTrade, "1900012345")
	body := vector(t, "breaks-1/wechat_trade_20260902.csv")
	if f := d.bring(s, "a.csv", body); f.State != recon.FileImported {
		t.Fatalf("%+v", f)
	}
	before := d.table(s)
	// One payment and the totals are changed so that the bill proves itself.
	if f := d.bring(s, "c.csv", addOne(t, body)); reasonOf(f) != recon.Contradicts || *f.ReasonLine == 0 {
		t.Errorf("another amount under a number: %+v", f)
	}
	if !slices.Equal(before, d.table(s)) {
		t.Error("a refused bill left something")
	}
}

// addOne adds 1.00 to the first payment of a trade bill and to its totals.
func addOne(t *testing.T, body []byte) []byte {
	t.Helper()
	rows := strings.Split(strings.TrimSpace(string(body)), "\r\n")
	add := func(row, cell int) {
		cells := strings.Split(rows[row], ",`")
		var yuan, fen int
		if _, err := fmt.Sscanf(strings.TrimPrefix(cells[cell], "`"), "%d.%d", &yuan, &fen); err != nil {
			t.Fatal(err)
		}
		cells[cell] = fmt.Sprintf("%d.%02d", yuan+1, fen)
		rows[row] = strings.Join(cells, ",`")
	}
	add(1, 12)
	add(len(rows)-1, 1)
	return []byte(strings.Join(rows, "\r\n") + "\r\n")
}

// In any order, split, overlapping or twice: the lines on file are the same.
func TestAnyOrderSplitOrOverlap(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	random := rand.New(rand.NewPCG(2026, 8))
	sets := map[string]struct {
		format statement.Format
		whole  [][]byte
		pieces func() [][]byte
	}{
		"mt940": {statement.MT940, [][]byte{vector(t, "breaks-1/bank_mt940.sta")}, func() (list [][]byte) {
			messages := strings.SplitAfter(string(vector(t, "breaks-1/bank_mt940.sta")), "\n-\r\n")
			messages = messages[:len(messages)-1]
			for begin := 0; begin < len(messages); { // each message in at least one piece, often in two
				end := min(len(messages), begin+1+random.IntN(4))
				list = append(list, []byte(strings.Join(messages[begin:end], "")))
				begin = max(begin+1, end-random.IntN(2))
			}
			return list
		}},
		"cmb": {statement.CMB, [][]byte{vector(t, "clean-1/bank_cmb.csv")}, func() [][]byte { return days(t, vector(t, "clean-1/bank_cmb.csv"), random) }},
		"bills": {statement.WeChatTrade, [][]byte{vector(t, "breaks-1/wechat_trade_20260901.csv"), vector(t, "breaks-1/wechat_trade_20260902.csv"), vector(t, "breaks-1/wechat_trade_20260903.csv")},
			func() [][]byte {
				return [][]byte{vector(t, "breaks-1/wechat_trade_20260903.csv"), vector(t, "breaks-1/wechat_trade_20260901.csv"), vector(t, "breaks-1/wechat_trade_20260902.csv")}
			}},
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		set := sets[name]
		whole := d.source(name, set.format, "")
		for i, body := range set.whole {
			if f := d.bring(whole, fmt.Sprint(i), body); f.State != recon.FileImported {
				t.Fatalf("%s: %s %+v", name, reasonOf(f), f)
			}
		}
		want := d.table(whole)
		for run := range 4 {
			other := d.source(fmt.Sprintf("%s %d", name, run), set.format, "")
			pieces := set.pieces()
			pieces = append(pieces, pieces[random.IntN(len(pieces))])
			if run%2 == 1 {
				pieces = append(pieces, set.whole...)
			}
			random.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
			for i, body := range pieces {
				if f := d.bring(other, fmt.Sprint(i), body); f.State != recon.FileImported && f.State != recon.FileDuplicate {
					t.Fatalf("%s run %d piece %d: %s %s\n%s", name, run, i, reasonOf(f), *f.Got, body)
				}
			}
			if got := d.table(other); !slices.Equal(got, want) {
				t.Errorf("%s run %d: %d lines, want %d", name, run, len(got), len(want))
			}
		}
	}
}

// days cuts a CMB file, newest day first, into files of whole days that overlap.
func days(t *testing.T, body []byte, random *rand.Rand) (list [][]byte) {
	t.Helper()
	text, err := simplifiedchinese.GB18030.NewDecoder().String(string(body))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(text, "\"交易备注\"\r\n")
	var groups []string
	last := ""
	for row := range strings.Lines(rest) {
		if !strings.HasPrefix(row, "\"\t2026") {
			continue
		}
		if day := row[2:10]; day != last {
			groups, last = append(groups, ""), day
		}
		groups[len(groups)-1] += row
	}
	for begin := 0; begin < len(groups); {
		end := min(len(groups), begin+1+random.IntN(3))
		piece, err := simplifiedchinese.GB18030.NewEncoder().String(head + "\"交易备注\"\r\n" + strings.Join(groups[begin:end], ""))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, []byte(piece))
		begin = max(begin+1, end-random.IntN(2))
	}
	return list
}

// Two people who send the same file at once, and files that overlap at once, leave each line once.
func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.source("招行", statement.MT940, "")
	body := vector(t, "clean-1/bank_mt940.sta")
	var wait sync.WaitGroup
	outcomes := make([]string, 6)
	for i := range outcomes {
		wait.Go(func() {
			own := body
			if i%2 == 1 {
				own = append([]byte{'\n'}, body...) // other bytes, the same lines
			}
			f, err := d.try(s, recon.NewFile{ID: uuid.New(), Name: "x", Body: own, By: d.by})
			if err != nil {
				outcomes[i] = err.Error()
				return
			}
			outcomes[i] = f.State
		})
	}
	wait.Wait()
	slices.Sort(outcomes)
	if want := []string{"duplicate", "duplicate", "duplicate", "duplicate", "imported", "imported"}; !slices.Equal(outcomes, want) {
		t.Errorf("%v", outcomes)
	}
	if n := len(d.table(s)); n != 31 {
		t.Errorf("%d lines, want 31", n)
	}
}

// A file without balances waits until a person tells them, and one of an unknown bank until somebody says what its columns mean.
func TestQuarantineIsWorkedOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx := context.Background()
	take := func(f *recon.File) *recon.File {
		t.Helper()
		var err error
		d.tx(func(ctx context.Context, tx pgx.Tx) error {
			f, err = recon.Take(ctx, tx, d.book, f, start)
			return err
		})
		return f
	}
	ccb := d.source("建行", statement.CCB, "")
	f := d.bring(ccb, "a.csv", []byte("记账日,交易日期,支出,收入,摘要\n20260901,20260901,,12.00,转账\n"))
	if reasonOf(f) != "unproved" {
		t.Fatalf("%+v", f)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error { return recon.Tell(ctx, tx, d.book, f, 100, 1300) })
	f, err := recon.FileByID(ctx, d.db, d.book, f.ID)
	d.ok(err)
	if f = take(f); f.State != recon.FileImported || *f.Fresh != 1 {
		t.Errorf("told: %+v", f)
	}
	own := d.source("村镇银行", statement.CSV, "")
	f = d.bring(own, "b.csv", []byte("日子;数;余\n2026-09-01;5.00;5.00\n"))
	if reasonOf(f) != "header" {
		t.Fatalf("%+v", f)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		return recon.SaveProfile(ctx, tx, d.book, recon.Profile{ID: uuid.New(), SourceID: own.ID, MadeBy: d.by, MadeAt: start,
			Layout: statement.Profile{Delimiter: ";", Columns: map[string][]string{"date": {"日子"}, "amount": {"数"}, "balance": {"余"}}}})
	})
	if f = take(f); f.State != recon.FileImported || f.ProfileID == nil {
		t.Errorf("with a profile: %+v", f)
	}
	var fields *giving.FieldErrors
	if err := recon.CheckLayout(&statement.Profile{Delimiter: ";", Columns: map[string][]string{"in": {"a"}}}); !errors.As(err, &fields) || len(fields.List) != 2 {
		t.Errorf("layout without a day and an amount: %v", err)
	}
	stories, err := recon.Sources(ctx, d.db, d.book)
	d.ok(err)
	if len(stories) != 2 || stories[0].Lines+stories[1].Lines != 2 {
		t.Errorf("%+v", stories)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"何桂兰 捐款 JZ5LATRJ":                     {"JZ5LATRJ"},
		"商户1900012345结算款 20260901":            {"1900012345", "20260901"},
		"批量代付 SF260903B01 共4笔":                {"SF260903B01"},
		"CASH-20260903 张三 13812345678":        {"CASH-20260903"},
		"6222673362339144 11010519491231002X": nil,
		"thanks":                              nil,
	} {
		if got := recon.Marks(text); !slices.Equal(got, want) {
			t.Errorf("%q has %v, want %v", text, got, want)
		}
	}
}

// A statement that was never delivered shows by its amount, whichever format and however many files; once it comes, nothing is missing.
func TestMissingDays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	missing := func(s *recon.Source) (amounts []int64) {
		t.Helper()
		list, err := recon.MissingDays(context.Background(), d.db, d.book, s.ID)
		d.ok(err)
		for _, m := range list {
			amounts = append(amounts, m.Amount)
		}
		return amounts
	}
	for _, name := range []string{"bank_camt053.xml", "bank_mt940.sta", "bank_cmb.csv"} {
		body := vector(t, "breaks-1/"+name)
		s := d.source(name, statement.Detect(body), "")
		d.bring(s, name, body)
		d.bring(s, "again "+name, append(body, '\n'))
		if got := missing(s); !slices.Equal(got, []int64{-3500}) {
			t.Errorf("%s misses %v, want -3500", name, got)
		}
	}
	s := d.source("微信支付", statement.WeChatFund, "")
	for _, day := range []string{"04", "01", "03"} {
		if f := d.bring(s, day, vector(t, "breaks-1/wechat_fund_202609"+day+".csv")); f.State != recon.FileImported {
			t.Fatalf("%s: %s", day, reasonOf(f))
		}
	}
	if got := missing(s); !slices.Equal(got, []int64{805946 - 1041373}) {
		t.Errorf("without the second day %v is missing", got)
	}
	d.bring(s, "02", vector(t, "breaks-1/wechat_fund_20260902.csv"))
	if got := missing(s); len(got) > 0 {
		t.Errorf("with all days %v is missing", got)
	}
}

// BenchmarkImport measures receiving and importing a bill: sealing, reading, proving and writing its lines.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	d := &desk{db: pgtest.New(b).Service, by: uuid.New()}
	ctx := context.Background()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	var source *recon.Source
	must(pg.InTx(ctx, d.db, func(tx pgx.Tx) (err error) {
		d.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "bench", NameZH: "甲", NameEN: "A", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		if err != nil {
			return err
		}
		d.book.Keys = pgtest.Ring()
		source = &recon.Source{Name: "fund", Kind: "wallet", Format: statement.WeChatFund, Currency: "CNY", MadeBy: d.by, MadeAt: start}
		source.ID, err = recon.AddSource(ctx, tx, d.book, *source)
		return err
	}))
	run := 0
	for b.Loop() {
		b.StopTimer()
		var body bytes.Buffer
		body.WriteString("记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n")
		for i := range n {
			fmt.Fprintf(&body, "`2026-09-02 03:06:53,`4200002649%d%012d,`4200002649%d%012d,`交易,`交易,`收入,`1.00,`%d.00,`system,`结算总金额 1.00 元,`SG%d%012d\r\n", run, i, run, i, run*n+i+1, run, i)
		}
		fmt.Fprintf(&body, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`%d,`%d,`%d.00,`0,`0.00\r\n", n, n, n)
		run++
		b.StartTimer()
		f, err := d.try(source, recon.NewFile{ID: uuid.New(), Name: "bill.csv", Body: body.Bytes(), By: d.by})
		must(err)
		if f.State != recon.FileImported || *f.Fresh != n {
			b.Fatalf("%s %+v", reasonOf(f), f)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
