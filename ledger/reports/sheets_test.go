package reports

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Every report of a book of either regime ties, before and after its year is closed, and says the same.
func TestEverySheetTies(t *testing.T) {
	t.Parallel()
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		t.Run(regime, func(t *testing.T) {
			t.Parallel()
			b := newKeptBook(t, regime)
			b.worked()
			b.unusual()
			all := func() {
				for _, s := range Sheets(regime) {
					if s.Donor {
						continue
					}
					for _, from := range []string{"2026-01-01", "2026-11-01"} {
						r := b.list(s.ID, from, "2026-12-31")
						if !r.Tied() {
							t.Errorf("%s from %s: %+v", s.ID, from, r.Ties)
						}
					}
				}
			}
			all()
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				plan, err := ledger.YearEnd(ctx, tx, b.Book, 2026, ledger.Day(2027, 1, 4))
				if err != nil {
					return err
				}
				_, err = ledger.PostYear(ctx, tx, b.Book, 2026, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "年终结转", MadeBy: "李会计"})
				return err
			})
			all()
			for id, want := range map[string]int{"us-net-assets": 4, "uk-funds": 8, "us-liquidity": 2, "us-functional": 3, "funds": 1, "bank": 2} {
				if got := len(b.list(id, "2026-01-01", "2026-12-31").Ties); got != want {
					t.Errorf("%s has %d relations, not %d", id, got, want)
				}
			}
		})
	}
}

// Every list is of the moment: before anything was recorded it has nothing.
func TestSheetsAsOfAMoment(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	for _, s := range Sheets(chart.CN2026) {
		if s.Donor || s.Form != nil {
			continue
		}
		moment := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		r, err := s.Make(t.Context(), b.db, b.Book, Request{To: ledger.Day(2026, 12, 31), Recorded: moment, Now: time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC), Lang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Recorded.Equal(moment) || r.Position != 0 {
			t.Errorf("%s: recorded until %s, ledger position %d", s.ID, r.Recorded, r.Position)
		}
		for _, table := range r.Tables {
			for _, row := range table.Rows {
				for _, c := range row.Cells {
					if c.Minor != 0 {
						t.Errorf("%s has %+v", s.ID, row)
					}
				}
			}
		}
	}
}
