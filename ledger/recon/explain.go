package recon

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// DefaultHours is within how many hours after its file came money should be explained, unless the book says otherwise.
const DefaultHours = 24

// ExplainDays and explainLines bound what Explain counts, newest files first, so that it costs the same whatever the history.
const (
	ExplainDays  = 30
	explainLines = 20_000
)

// Hours is how much of the money of the newest statements has its match, and how fast it had it.
type Hours struct {
	N          int       // hours, as the book says
	Since      time.Time // of the oldest file that is counted; zero when there is none
	Lines      int64
	Amount     int64 // of lines whose time is over or that have their match: without signs, minor units of the book's currency
	InTime     int64 // of it, matched within N hours
	InThreeDay int64 // of it, matched within 72 hours
	Ever       int64 // of it, matched by now
}

const (
	sqlReconHours = `select hours from recon_setting where book_id = $1`

	// A line that a run has taken and that is not open is matched: at its run, at the word of a person, or when its correction was booked. What a payout's list
	// says of its members is matched as a whole and counted with the payout.
	sqlExplainedSoon = `
with newest as (
  select l.source_id, l.line_key, l.amount, f.done_at, f.run_no
    from (select f.id, f.done_at, f.run_no from source_file f join source_account a on a.book_id = $1 and a.id = f.source_id and a.currency = $2
           where f.book_id = $1 and f.state = 'imported' and f.done_at > $3::timestamptz - $4 * interval '1 day' order by f.done_at desc, f.id) f
   cross join lateral (select l.source_id, l.line_key, abs(l.amount) as amount from ext_line l where l.book_id = $1 and l.file_id = f.id and l.kind <> 'member') l
   order by f.done_at desc, f.id limit $5
), known as (
  select n.amount, n.done_at, case when o.line_key is null and n.run_no is not null then coalesce(r.as_of, e.at, c.at) end as at
    from newest n
    left join open_line o on o.book_id = $1 and o.source_id = n.source_id and o.line_key = n.line_key
    left join recon_member m on m.book_id = $1 and m.source_id = n.source_id and m.line_key = n.line_key and m.live
    left join recon_run r on r.book_id = $1 and r.no = case when m.run_no is null then n.run_no when m.run_no > 0 then m.run_no end
    left join lateral (select max(e.at) as at from recon_event e where m.run_no = 0 and e.book_id = $1 and e.group_id = m.group_id and e.state = 'confirmed') e on true
    left join lateral (select min(c.at) as at from correction c where m.rule = 8 and c.book_id = $1 and c.entry_id = m.ours) c on true
)
select count(*), coalesce(sum(amount), 0)::int8, coalesce(sum(amount) filter (where at <= done_at + $6 * interval '1 hour'), 0)::int8,
       coalesce(sum(amount) filter (where at <= done_at + interval '72 hours'), 0)::int8, coalesce(sum(amount) filter (where at is not null), 0)::int8, coalesce(min(done_at), 'epoch')
  from known where at is not null or done_at <= $3::timestamptz - $6 * interval '1 hour'`

	sqlTurnover = `
select t.day, sum(t.debit)::int8, sum(t.credit)::int8 from account a join turnover t on t.book_id = $1 and t.account_id = a.account_id and t.day between $2 and $3
 where a.book_id = $1 and a.chart = any($4::text[]) and a.ccy = $5 and a.unit < 1000 group by t.day order by t.day`
)

// Explain tells how much of the money of the newest statements in the book's currency was explained within the hours that the book names: what has its match,
// of what has it or should. It looks at files of the last ExplainDays days, and at 20,000 lines at most.
func Explain(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (h Hours, err error) {
	if h.N, err = ExplainHours(ctx, q, book); err != nil {
		return h, err
	}
	err = q.QueryRow(ctx, sqlExplainedSoon, book.ID, book.Currency, now, ExplainDays, explainLines, h.N).Scan(&h.Lines, &h.Amount, &h.InTime, &h.InThreeDay, &h.Ever, &h.Since)
	if err != nil {
		return h, fmt.Errorf("count what is explained: %w", err)
	}
	if h.Lines == 0 {
		h.Since = time.Time{}
	}
	return h, nil
}

// moneyCharts are the accounts where money lies; what is on its way between them is not counted twice.
var moneyCharts = []string{"cash", "bank.basic", "bank.online", "bank.fx", "bank.agency", "psp.avail"}

// DayMoved is what came to the accounts of money on a day and what left them, in minor units of the book's currency. Money that goes from one account to
// another leaves one and comes to the other.
type DayMoved struct {
	Day     time.Time
	In, Out int64
}

// Turnover lists the days from one to another on which money moved, as the books have it.
func Turnover(ctx context.Context, q pg.Querier, book *ledger.Book, from, to time.Time) ([]DayMoved, error) {
	rows, err := q.Query(ctx, sqlTurnover, book.ID, from, to, moneyCharts, book.Currency)
	if err != nil {
		return nil, fmt.Errorf("read turnover: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[DayMoved])
}
