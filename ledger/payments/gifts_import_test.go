package payments_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

var testRates = map[string]decimal.Decimal{
	"USD": decimal.RequireFromString("7.10"), "EUR": decimal.RequireFromString("8.28"), "HKD": decimal.RequireFromString("0.91"),
}

func (w *world) prepare(vector string) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		for range 2 { // the second time changes nothing
			f, err := os.Open(filepath.Join("testdata", "recon", vector, "setup.json"))
			if err != nil {
				return err
			}
			defer f.Close()
			if err := payments.PrepareFromSetup(ctx, tx, w.book, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) importGifts(r io.Reader) (totals *payments.Totals, rejects [][]string) {
	w.t.Helper()
	var out bytes.Buffer
	totals, err := payments.ImportGifts(w.t.Context(), w.db, w.book, r, payments.ImportOptions{Rejects: &out, Rates: testRates, Now: testStart})
	if err != nil {
		w.t.Fatal(err)
	}
	reader := csv.NewReader(&out)
	reader.FieldsPerRecord = -1
	rejects, err = reader.ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	return totals, rejects[1:]
}

type truth struct {
	Control struct {
		ByFund     map[string]recorded `json:"by_fund"`
		ByCampaign map[string]recorded `json:"by_campaign"`
	} `json:"control"`
}

type recorded struct {
	Recorded map[string]int64 `json:"recorded"`
}

func readTruth(t *testing.T, vector string) (byFund, byCampaign map[string]map[string]int64) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "recon", vector, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want truth
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	byFund, byCampaign = map[string]map[string]int64{}, map[string]map[string]int64{}
	for code, r := range want.Control.ByFund {
		byFund[code] = r.Recorded
	}
	for code, r := range want.Control.ByCampaign {
		byCampaign[code] = r.Recorded
	}
	return byFund, byCampaign
}

// onBooks adds up the gifts of the book by the codes of fund and campaign.
func (w *world) onBooks() (byFund, byCampaign map[string]map[string]int64) {
	w.t.Helper()
	adds := func(code, join string) map[string]map[string]int64 {
		sums := map[string]map[string]int64{}
		rows, err := w.owner.Query(w.t.Context(), `select `+code+`, x.ccy, sum(x.amount)::int8 from (select book_id, fund_id, campaign_id, ccy, amount from gift
			union all select g.book_id, g.fund_id, g.campaign_id, r.ccy, -r.amount from `+giving.StandingRefund+` r join gift g on g.book_id = r.book_id and g.id = r.gift_id) x `+join+` group by 1, 2`)
		if err != nil {
			w.t.Fatal(err)
		}
		var of, ccy string
		var amount int64
		if _, err := pgx.ForEachRow(rows, []any{&of, &ccy, &amount}, func() error {
			if sums[of] == nil {
				sums[of] = map[string]int64{}
			}
			sums[of][ccy] = amount
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
		return sums
	}
	return adds("code", "join fund using (book_id, fund_id)"), adds("slug", "join campaign using (book_id, campaign_id)")
}

// records splits a gift file into its header and records, as they stand.
func records(t *testing.T, vector string) (header []string, rows [][]string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "recon", vector, "gifts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

func piece(t *testing.T, header []string, rows [][]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestImportOfVectors(t *testing.T) {
	t.Parallel()
	for _, vector := range []string{"clean-1", "breaks-1"} {
		t.Run(vector, func(t *testing.T) {
			t.Parallel()
			w := newBook(t)
			w.prepare(vector)
			byFund, byCampaign := readTruth(t, vector)
			_, rows := records(t, vector)
			for round := range 2 {
				body, err := os.ReadFile(filepath.Join("testdata", "recon", vector, "gifts.csv"))
				if err != nil {
					t.Fatal(err)
				}
				totals, rejects := w.importGifts(bytes.NewReader(body))
				if len(rejects) > 0 || totals.Refused != 0 || totals.Lines != int64(len(rows)) {
					t.Fatalf("%+v, rejects %v", totals, rejects)
				}
				if fresh := totals.Booked; round == 0 && fresh != totals.Lines || round == 1 && fresh != 0 {
					t.Errorf("round %d: %+v", round, totals)
				}
				if !reflect.DeepEqual(totals.ByFund, byFund) || !reflect.DeepEqual(totals.ByCampaign, byCampaign) {
					t.Errorf("control totals differ\n%v\n%v\n%v\n%v", totals.ByFund, byFund, totals.ByCampaign, byCampaign)
				}
			}
			w.verify()
		})
	}
}

// Pieces that overlap, the last first: refunds before their gifts are told so, and booked when they come again.
func TestF8ImportInOverlappingPieces(t *testing.T) {
	t.Parallel()
	w := newBook(t)
	w.prepare("breaks-1")
	header, rows := records(t, "breaks-1")
	early := 0
	for from := len(rows) - 50; from > -50; from -= 35 {
		totals, rejects := w.importGifts(piece(t, header, rows[max(from, 0):max(from, 0)+50]))
		for _, r := range rejects {
			early++
			if r[1] != "refund_of" || !strings.Contains(r[2], "import the line again") || !strings.Contains(r[3], "重新导入") || r[16] == "" {
				t.Errorf("rejected: %v", r)
			}
		}
		if totals.Refused != int64(len(rejects)) || totals.Booked+totals.Replayed+totals.Refused != 50 {
			t.Errorf("%+v with %d rejects", totals, len(rejects))
		}
	}
	if early == 0 {
		t.Fatal("no refund came before its gift: the pieces test nothing")
	}
	_, rejects := w.importGifts(piece(t, header, rows))
	if len(rejects) > 0 {
		t.Errorf("rejects in the end: %v", rejects)
	}
	wantFund, wantCampaign := readTruth(t, "breaks-1")
	if byFund, byCampaign := w.onBooks(); !reflect.DeepEqual(byFund, wantFund) || !reflect.DeepEqual(byCampaign, wantCampaign) {
		t.Errorf("the books say\n%v\n%v", byFund, byCampaign)
	}
	w.verify()
}

func TestImportRefusesBadLines(t *testing.T) {
	t.Parallel()
	w := newBook(t)
	w.prepare("clean-1")
	header, rows := records(t, "clean-1")
	good := rows[0]
	var lines [][]string
	var want []string // the field of each bad line
	bad := func(field string, change map[string]string) {
		row := append([]string(nil), good...)
		row[0] = fmt.Sprint("BAD", len(lines))
		for name, value := range change {
			for i, h := range header {
				if h == name {
					row[i] = value
				}
			}
		}
		lines, want = append(lines, row), append(want, field)
	}
	for field, values := range map[string][]string{
		"gift_no":   {"", "a b", "号", strings.Repeat("x", 101)},
		"paid_at":   {"", "2026-09-01", "2026-13-01T00:00:00Z", "2030-01-01T00:00:00Z"},
		"campaign":  {"", "nothing"},
		"fund":      {"", "R99"},
		"channel":   {"", "paypal"},
		"currency":  {"", "cny", "XXX"},
		"amount":    {"", "0", "-1.00", "0.001", "1e18", "1,00", "5０", "9999999999999999.00", "1 000.00"},
		"fee":       {"", "x", "0.001"},
		"anonymous": {"", "yes"},
	} {
		for _, v := range values {
			bad(field, map[string]string{field: v})
		}
	}
	bad("fee", map[string]string{"channel": "bank", "fee": "0.01"})
	bad("currency", map[string]string{"currency": "JPY", "amount": "100"})
	bad("amount", map[string]string{"refund_of": "SG1", "amount": "1.00"})
	bad("refund_of", map[string]string{"refund_of": "SG1", "amount": "-1.00", "fee": "0.00"})
	file := piece(t, header, append(append([][]string{good}, lines...), rows[1]))
	var tail bytes.Buffer
	tail.WriteString("too,few,columns\nbad\"quote,x,x,x,x,x,x,x,x,x,x,x,x\n")
	cw := csv.NewWriter(&tail)
	if err := cw.Write(rows[2]); err != nil {
		t.Fatal(err)
	}
	changed := append([]string(nil), good...)
	changed[5] = "1.23"
	if err := cw.Write(changed); err != nil {
		t.Fatal(err)
	}
	cw.Flush()
	totals, rejects := w.importGifts(io.MultiReader(strings.NewReader("\ufeff"), file, &tail))
	if totals.Booked != 3 || totals.Refused != int64(len(lines)+3) {
		t.Errorf("%+v, want 3 booked and %d refused", totals, len(lines)+3)
	}
	got := map[string]string{}
	for _, r := range rejects {
		got[r[0]] = r[1]
		if r[2] == "" || r[3] == "" {
			t.Errorf("no reason: %v", r)
		}
	}
	for i, field := range want {
		if line := fmt.Sprint(i + 3); got[line] != field { // after the header and a good line
			t.Errorf("line %s %v: refused at %q, want %q", line, lines[i], got[line], field)
		}
	}
	if last := fmt.Sprint(len(lines) + 7); got[last] != "gift_no" {
		t.Errorf("a number with other content: %v", rejects[len(rejects)-1])
	}
	if n := w.count(`select count(*) from gift`); n != 3 {
		t.Errorf("%d gifts on the books", n)
	}
	w.verify()
}

func TestImportOfOtherFiles(t *testing.T) {
	t.Parallel()
	w := newBook(t)
	for name, body := range map[string]string{"empty": "", "other columns": "a,b,c\n", "binary": "PK\x03\x04\x00\x00"} {
		if _, err := payments.ImportGifts(t.Context(), w.db, w.book, strings.NewReader(body), payments.ImportOptions{}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	w.prepare("clean-1")
	header, rows := records(t, "clean-1")
	endless := io.MultiReader(piece(t, header, rows[:1]), strings.NewReader("\""), strings.NewReader(strings.Repeat("x,", 4<<20)))
	totals, err := payments.ImportGifts(t.Context(), w.db, w.book, endless, payments.ImportOptions{})
	if err == nil || totals.Lines != 2 {
		t.Errorf("a quote that never closes: %+v, %v", totals, err)
	}
}

// generated is a gift file of n lines that is made as it is read.
type generated struct {
	n, next int
	buf     bytes.Buffer
	at      time.Time
}

func (g *generated) Read(p []byte) (int, error) {
	for g.buf.Len() < len(p) && g.next <= g.n {
		if g.next == 0 {
			g.buf.WriteString("gift_no,paid_at,campaign,fund,channel,amount,currency,fee,processor_ref,donor_name,anonymous,message,refund_of\n")
		} else {
			at := g.at.Add(time.Duration(g.next) * 100 * time.Millisecond).Format(time.RFC3339)
			fmt.Fprintf(&g.buf, "SG%08d,%s,rebuild-home,P01,wechat,20.00,CNY,0.12,42000%08d,王芳,false,加油，一起做好事,\n", g.next, at, g.next)
		}
		g.next++
	}
	return g.buf.Read(p)
}

// A long file costs no more memory than a short one. SUNFUND_IMPORT_LINES=1000000 is the long run.
func TestImportStreams(t *testing.T) {
	lines := 100_000
	if s := os.Getenv("SUNFUND_IMPORT_LINES"); s != "" {
		if _, err := fmt.Sscan(s, &lines); err != nil {
			t.Fatal(err)
		}
	}
	w := newBook(t)
	w.prepare("clean-1")
	runtime.GC()
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	var peak uint64
	began := time.Now()
	totals, err := payments.ImportGifts(t.Context(), w.db, w.book, &generated{n: lines, at: testStart.AddDate(0, 0, -6)}, payments.ImportOptions{
		Progress: func(int64, int64) {
			metrics.Read(held)
			peak = max(peak, held[0].Value.Uint64())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d lines in %s, %.0f a second, at most %d MB", lines, took.Round(time.Millisecond), float64(lines)/took.Seconds(), peak>>20)
	if totals.Booked != int64(lines) || totals.ByFund["P01"]["CNY"] != int64(lines)*20_00 {
		t.Errorf("%+v", totals)
	}
	if peak > 300<<20 {
		t.Errorf("the import held %d MB", peak>>20)
	}
}
