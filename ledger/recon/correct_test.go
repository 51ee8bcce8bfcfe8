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
			err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error { return recon.Correct(ctx, tx, m.book, c, at) })
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
	for _, e := range m.said(`select c.action, c.evidence ->> 'file', c.evidence ->> 'row', c.maker from correction c`) {
		if f := strings.Fields(e); len(f) != 4 || len(f[1]) != 64 || f[2] == "0" || f[3] != recon.System.String() {
			t.Errorf("evidence %s", e)
		}
	}
}
