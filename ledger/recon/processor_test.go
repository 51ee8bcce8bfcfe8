package recon_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// Two merchant numbers with one processor are added up; bills of payments count where no bill of a whole account does.
func TestProcessorOfTwoNumbers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	day := ledger.Day(2026, time.September, 5)
	lines := 0
	bill := func(name string, format statement.Format, yuan int) {
		t.Helper()
		s := h.source(name, format, name)
		h.tx(func(ctx context.Context, tx pgx.Tx) error {
			lines++
			_, err := tx.Exec(ctx, `insert into ext_line (book_id, source_id, line_key, file_id, statement, line_no, row_no, at, size, booked_on, value_on, amount, fee, fee_exact, kind, code, ext_id, original, order_no, end_to_end, marks, reversal)
				values ($1, $2, $3, $4, 1, 1, 1, 0, 0, $5, $5, $6, 10, 10, 'payment', '', $7, '', '', '', '{}', false)`, h.book.ID, s.ID, fmt.Appendf(nil, "%020d", lines), uuid.New(), day, yuan*100, name)
			return err
		})
	}
	wechat := func() recon.ProcessorPosition {
		t.Helper()
		list, err := recon.ProcessorPositions(t.Context(), h.db, h.book, day, day, time.Time{})
		h.ok(err)
		for _, p := range list {
			if p.Code == "wechat" {
				return p
			}
		}
		t.Fatalf("%+v", list)
		return recon.ProcessorPosition{}
	}
	bill("trades 1", statement.WeChatTrade, 7)
	bill("trades 2", statement.WeChatTrade, 5)
	if p := wechat(); p.Rows != 2 || p.Charges != 12_00 || p.Fees != 20 || p.Name != "trades 1 + trades 2" || p.Opening != 60_00 {
		t.Errorf("%+v", p)
	}
	bill("number 1", statement.WeChatFund, 30)
	bill("number 2", statement.WeChatFund, 12)
	if p := wechat(); p.Rows != 2 || p.Charges != 42_00 || p.Fees != 20 || p.Name != "number 1 + number 2" {
		t.Errorf("%+v", p)
	}
}
