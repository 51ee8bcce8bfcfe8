package demo

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/reports"
)

// movement is a line of an entry as its account has it.
type movement struct {
	day    time.Time
	amount int64
}

// Every figure that opens, of every report, is what its parts add up to; and each part is what the account's own lines say of the days it names.
func opened(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book) {
	t.Helper()
	rows, err := q.Query(ctx, `select p.account_id, e.effective_on, p.amount from entry e cross join lateral unnest(e.accounts, e.seqs) u(a, s)
		join posting p on p.book_id = e.book_id and p.account_id = u.a and p.seq = u.s where e.book_id = $1`, book.ID)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int32][]movement{}
	var account int32
	var m movement
	if _, err := pgx.ForEachRow(rows, []any{&account, &m.day, &m.amount}, func() error { lines[account] = append(lines[account], m); return nil }); err != nil {
		t.Fatal(err)
	}
	// agrees tells that an account's debits, credits or both come to an amount, on whichever side a report has it.
	agrees := func(made reports.Made) bool {
		var debit, credit int64
		for _, l := range lines[made.Account] {
			if l.day.Before(made.From) || l.day.After(made.To) {
				continue
			}
			if l.amount > 0 {
				debit += l.amount
			} else {
				credit -= l.amount
			}
		}
		size := max(made.Amount, -made.Amount)
		return size == debit-credit || size == credit-debit || size == debit || size == credit
	}
	figures, reportsSeen := 0, map[string]bool{}
	for _, period := range [][2]time.Time{{ledger.Day(2025, 10, 1), ledger.Day(2025, 12, 31)}, {ledger.Day(2026, 7, 1), ledger.Day(2026, 11, 20)}} {
		for _, sheet := range reports.Sheets(book.Regime) {
			if sheet.Donor {
				continue
			}
			ask := reports.Request{From: period[0], To: period[1], Lang: "en", Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Parts: true}
			var r *reports.Report
			var parts func(table int, row, column string) ([]reports.Made, bool)
			if sheet.Form != nil {
				s, err := reports.Make(ctx, q, book, sheet.Form, ask)
				if err != nil {
					t.Fatal(err)
				}
				r, parts = &s.Report, func(_ int, row, column string) ([]reports.Made, bool) { return s.Parts(row, column) }
			} else {
				if r, err = sheet.Make(ctx, q, book, ask); err != nil {
					t.Fatal(err)
				}
				parts = func(table int, row, column string) ([]reports.Made, bool) {
					return r.Parts(reports.Place{Table: table, Row: row, Column: column})
				}
			}
			for n, table := range r.Tables {
				for _, row := range table.Rows {
					for i, c := range table.Columns {
						if !row.Opens || !c.Sum || i >= len(row.Cells) {
							continue
						}
						made, there := parts(n, row.ID, c.Key)
						var sum int64
						for _, part := range made {
							sum += part.Amount
							if part.Account != 0 && part.Fact == "" && [16]byte(part.Entry) == [16]byte{} && !agrees(part) {
								t.Errorf("%s to %s: %s %s has %s of account %d from %s to %s, its lines do not", r.ID, r.To.Format(time.DateOnly), row.ID, c.Key, money.Format(part.Amount, "CNY"), part.Account, part.From.Format(time.DateOnly), part.To.Format(time.DateOnly))
							}
						}
						if !there || sum != row.Cells[i].Minor {
							t.Errorf("%s to %s: %d %s %s is %s, its parts are %s (%v)", r.ID, r.To.Format(time.DateOnly), n, row.ID, c.Key, money.Format(row.Cells[i].Minor, "CNY"), money.Format(sum, "CNY"), there)
						}
						figures++
						if row.Cells[i].Minor != 0 {
							reportsSeen[r.ID] = true
						}
					}
				}
			}
		}
	}
	if len(reportsSeen) != 25 || figures < 2000 {
		t.Errorf("%d figures of %d reports were opened: %v", figures, len(reportsSeen), reportsSeen)
	}
	t.Logf("%d figures of %d reports opened", figures, len(reportsSeen))
}
