package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/recon"
)

// closeDays closes for now each day that is over and was not closed, the earliest first, a transaction each.
func closeDays(ctx context.Context, t *Turn) error {
	day := t.Book.Day(t.After)
	closed, err := recon.ClosedDays(ctx, t.DB, t.Book, 1)
	if err != nil {
		return err
	}
	if len(closed) > 0 && closed[0].Day.Before(day) {
		day = closed[0].Day.AddDate(0, 0, 1)
	}
	for ; day.Before(t.Book.Day(t.Slot)); day = day.AddDate(0, 0, 1) {
		if _, err := t.Tx(ctx, "days", func(tx pgx.Tx) (int, error) { return 1, recon.SoftClose(ctx, tx, t.Book, day, nil, t.Now) }); err != nil {
			return err
		}
	}
	return nil
}

// dormantMonths is after how many months without a movement somebody should look whether a fund without a charter is still needed; a charter says so itself.
const dormantMonths = 12

// Funds with something left in them that nothing has moved since the day. Subsidies lapse by their letters, and agency money has its beneficiaries.
const sqlDormant = `
select f.code from fund f
 where f.book_id = $1 and f.kind in ('restricted', 'designated') and not exists (select from fund_charter c where c.book_id = $1 and c.fund_id = f.fund_id)
   and exists (select from account a join balance b on b.book_id = $1 and b.account_id = a.account_id where a.book_id = $1 and a.fund_id = f.fund_id and b.balance <> 0)
   and not exists (select from account a join turnover t on t.book_id = $1 and t.account_id = a.account_id where a.book_id = $1 and a.fund_id = f.fund_id and t.day > $2 and t.day <= $3)
 order by f.code`

const sqlFundCodes = `select code from fund where book_id = $1 and fund_id = any($2::int4[]) order by code`

// dormantOn lists the codes of funds that were dormant on a day.
func dormantOn(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]string, error) {
	rows, err := q.Query(ctx, sqlDormant, book.ID, day.AddDate(0, -dormantMonths, 0), day)
	if err != nil {
		return nil, fmt.Errorf("list dormant funds: %w", err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list dormant funds: %w", err)
	}
	sleepers, err := funds.Dormant(ctx, q, book, day)
	if err != nil {
		return nil, err
	}
	ids := make([]int32, len(sleepers))
	for i, s := range sleepers {
		ids[i] = s.FundID
	}
	if rows, err = q.Query(ctx, sqlFundCodes, book.ID, ids); err != nil {
		return nil, fmt.Errorf("list dormant funds: %w", err)
	}
	asleep, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return append(codes, asleep...), err
}

// dormant tells accountants which funds have become dormant since the run before.
func (tools Tools) dormant(ctx context.Context, t *Turn) error {
	before, err := dormantOn(ctx, t.DB, t.Book, t.Book.Day(t.After))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, code := range before {
		known[code] = true
	}
	all, err := dormantOn(ctx, t.DB, t.Book, t.Book.Day(t.Slot))
	if err != nil {
		return err
	}
	var fresh []string
	for _, code := range all {
		if !known[code] {
			fresh = append(fresh, code)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err = t.Tx(ctx, "funds", func(tx pgx.Tx) (int, error) {
		first, err := t.Once(ctx, tx, "letters")
		if err != nil || !first {
			return 0, err
		}
		if err := tools.DormantNotice(ctx, tx, t.Book, fresh, t.Now); err != nil {
			return 0, fmt.Errorf("tell which funds are dormant: %w", err)
		}
		return len(fresh), nil
	})
	return err
}
