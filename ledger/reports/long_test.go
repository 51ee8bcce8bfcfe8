package reports

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// counted counts what is written through it.
type counted int64

func (c *counted) Write(p []byte) (int, error) {
	*c += counted(len(p))
	return len(p), nil
}

// Of a list of 200,000 rows no form is held: when the last row is read, nearly all of the file has left.
func TestLongListsAreNotHeld(t *testing.T) {
	t.Parallel()
	const rows = 200_000
	for form, write := range map[string]func(*Report, io.Writer) error{"csv": (*Report).WriteCSV, "json": (*Report).WriteJSON, "xlsx": (*Report).WriteXLSX} {
		var out counted
		var left counted
		r := &Report{ID: "x", Title: "x", Currency: "CNY"}
		r.Tables = []Table{Streamed([]Column{{Key: "name", Label: "Name"}, {Key: "amount", Label: "Amount", Sum: true}}, func(put func(Row) error) error {
			for n := range int64(rows) {
				if err := put(Row{Style: Line, Cells: []Cell{{Text: fmt.Sprint("receipt ", n*7919%rows)}, {Minor: n}}}); err != nil {
					return err
				}
			}
			left = out
			return nil
		})}
		if err := write(r.InLang("en"), &out); err != nil {
			t.Fatal(err)
		}
		if held := out - left; held > 256<<10 || out < 1<<20 {
			t.Errorf("%s: of %d bytes %d are held back until the last row is read", form, out, held)
		}
	}
}

// The register of receipts says what each is for, when that was given, what it stands in place of and why it is void.
func TestReceiptRegister(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.CreateCampaign(ctx, tx, b.Book, giving.Campaign{FundID: b.funds["R"].ID, Slug: "lunch", TitleZH: "老人午餐", TitleEN: "Lunch for elders", SummaryZH: "要", SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story",
			Goal: 100_00, OpensAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ClosesAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into receipt_range (book_id, range_id, code, first_number, last_number, digits, allotted_on, made_by, made_at)
			values ($1, 1, '5001', 1, 99, 4, '2026-01-01', gen_random_uuid(), now())`, b.ID)
		if err != nil {
			return err
		}
		wrong, right := uuid.New(), uuid.New()
		for _, r := range []struct {
			id       uuid.UUID
			number   int
			face     string
			campaign *int32
			replaces *uuid.UUID
		}{{wrong, 1, "single", &c.ID, nil}, {right, 2, "single", &c.ID, &wrong}, {uuid.New(), 3, "merged", nil, nil}} {
			_, err := tx.Exec(ctx, `insert into receipt (book_id, id, range_id, number, check_code, face, payer, donor_id, fund_id, campaign_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by, replaces, recorded_at)
				values ($1, $2, 1, $3::int, 'abcdefgh', $4::text, case $4::text when 'merged' then 'nobody' else 'person' end, case $4::text when 'single' then gen_random_uuid() end, $5, $6, 100, 'CNY', 1, '2026-03-01', date '2026-03-01' + $3::int, timestamptz '2026-03-01 12:00Z' + $3::int * interval '1 day', gen_random_uuid(), $7, timestamptz '2026-03-01 12:00Z' + $3::int * interval '1 day')`,
				b.ID, r.id, r.number, r.face, b.funds["R"].ID, r.campaign, r.replaces)
			if err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `insert into receipt_void (book_id, receipt_id, cause, reason, voided_at, voided_by, recorded_at) values ($1, $2, 'payer', 'another name', '2026-03-03 12:00Z', gen_random_uuid(), '2026-03-03 12:00Z')`, b.ID, wrong)
		return err
	})
	early := b.list("receipts", "2026-01-01", "2026-12-31", func(r *Request) { r.Recorded = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC) })
	if rows := early.Tables[0].Rows; len(rows) != 2 || rows[0].ID != "0001" || rows[0].Cells[11].Minor != 100 || rows[0].Cells[13].Text != "" {
		t.Errorf("before one was replaced: %+v", rows)
	}
	var out bytes.Buffer
	if err := b.list("receipts", "2026-01-01", "2026-12-31").WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Number,Code,Check code,Issued,Payer,Credit code,Item,Fund,Given,Gifts,Amount,Valid amount,Remark,Void",
		"0001,5001,abcdefgh,2026-03-02,Person,,Lunch for elders,R R,2026-03-01,1,1.00,0.00,,another name",
		"0002,5001,abcdefgh,2026-03-03,Person,,Lunch for elders,R R,2026-03-01,1,1.00,1.00,In place of 0001,",
		"0003,5001,abcdefgh,2026-03-04,Kind people,,R,R R,2026-03-01,1,1.00,1.00,Merged,",
	} {
		if !strings.Contains(out.String(), want+"\n") {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// A page of a long list stops and says so; a file has every row, read while it is written, with their sum, and tells how far it is.
func TestLongLists(t *testing.T) {
	t.Parallel()
	const all = ListMax + 1_234
	b := newKeptBook(t, chart.CN2026)
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into receipt_range (book_id, range_id, code, first_number, last_number, digits, allotted_on, made_by, made_at)
			values ($1, 1, '5001', 1, 9999999999, 10, '2026-01-01', gen_random_uuid(), now())`, b.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by)
			select $1, gen_random_uuid(), 1, n, 'abcdefgh', 'merged', 'nobody', $2, n, 'CNY', 1, '2026-03-01', date '2026-03-01' + n % 200, now(), gen_random_uuid() from generate_series(1, $3::int) n`,
			b.ID, b.funds["R"].ID, all)
		return err
	})
	const sum = all * (all + 1) / 2
	page := b.list("receipts", "2026-01-01", "2026-12-31")
	if rows := page.Tables[0].Rows; len(rows) != ListMax+1 || !slices.ContainsFunc(page.Notes, func(n string) bool { return strings.Contains(n, fmt.Sprint(ListMax)) }) {
		t.Errorf("the page has %d rows and says %v", len(rows), page.Notes)
	}
	kind, _ := SheetByID("receipts")
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		var told []int64
		ask := Request{Lang: "en", From: ledger.Day(2026, 1, 1), To: ledger.Day(2026, 12, 31), All: true, Now: time.Unix(0, 0), Progress: func(n int64) { told = append(told, n) }}
		r, err := kind.Make(ctx, tx, b.Book, ask)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := r.WriteCSV(&out); err != nil {
			return err
		}
		lines := csv.NewReader(&out)
		lines.FieldsPerRecord = -1
		rows, err := lines.ReadAll()
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, row := range rows[len(rows)-all-1 : len(rows)-1] {
			seen[row[0]] = true
		}
		if last := rows[len(rows)-1]; len(seen) != all || last[0] != "Total" || last[10] != money.Format(sum, "CNY") {
			t.Errorf("CSV: %d receipts, at the end %v", len(seen), last)
		}
		if len(told) != 5 || told[4] != all || !slices.IsSorted(told) {
			t.Errorf("progress %v", told)
		}
		out.Reset()
		var back struct {
			Tables []struct {
				Rows []jsonRow `json:"rows"`
			} `json:"tables"`
		}
		if err := errors.Join(r.WriteJSON(&out), json.Unmarshal(out.Bytes(), &back)); err != nil {
			return err
		}
		if rows := back.Tables[0].Rows; len(rows) != all+1 || rows[all].Cells[10] != money.Format(sum, "CNY") {
			t.Errorf("JSON: %d rows, at the end %+v", len(rows), rows[len(rows)-1])
		}
		out.Reset()
		if err := r.WriteXLSX(&out); err != nil {
			return err
		}
		cells := readSheet(t, out.Bytes())
		last := cells["K"+fmt.Sprint(len(r.Heading())+3+all+1)]
		if last.Value != money.Format(sum, "CNY") || !strings.HasPrefix(last.Formula, "SUM(K") || calculate(t, cells, last.Formula) != sum {
			t.Errorf("XLSX: at the end %+v", last)
		}
		// What cannot be read is no whole file.
		r.Tables[0].each = func(func(Row) error) error { return ErrNoReport }
		for _, write := range []func() error{func() error { return r.WriteCSV(&out) }, func() error { return r.WriteJSON(&out) }, func() error { return r.WriteXLSX(&out) }} {
			if err := write(); !errors.Is(err, ErrNoReport) {
				t.Errorf("written: %v", err)
			}
		}
		// A spreadsheet has an end.
		r.Tables[0].each = func(put func(Row) error) error { return put(Row{Cells: make([]Cell, len(r.Tables[0].Columns))}) }
		x := &xlsx{w: bufio.NewWriter(io.Discard), r: r, row: sheetRows - 50}
		if x.long(&r.Tables[0], 1); !errors.Is(x.err, ErrTooLong) {
			t.Errorf("too long: %v", x.err)
		}
		return nil
	})
}
