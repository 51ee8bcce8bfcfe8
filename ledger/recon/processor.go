package recon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon/statement"
)

// ProcessorPosition holds what a processor lists for some days against what the book says it holds (1009.01): charges − refunds − disputes − fees ± adjustments =
// payouts + growth of the balance. Amounts are minor units of the book's currency.
type ProcessorPosition struct {
	Code string // as accounts call it
	Name string // of the account outside whose rows these are, of several joined by " + "; empty: the processor's own events
	Rows int64  // that the processor listed; 0: nothing of it was taken in
	Charges, Refunds, Disputes, Fees,
	Adjustments, Payouts int64
	Opening, Closing int64 // of the book
	In, Out          int64 // that the book moved
}

// Net is what the processor's rows without payouts add up to.
func (p *ProcessorPosition) Net() int64 {
	return p.Charges - p.Refunds - p.Disputes - p.Fees + p.Adjustments
}

// Off is what the processor's rows have more than payouts and the growth of the book's balance.
func (p *ProcessorPosition) Off() int64 { return p.Net() - p.Payouts - (p.Closing - p.Opening) }

// lineClasses say what a processor's row is, by the words of statements and of the processor's own events; what is not here is an adjustment.
var lineClasses = map[string]string{"payment": "charge", "charge": "charge", "refund": "refund", "refund-failure": "refund", "refund_failure": "refund", "dispute": "dispute",
	"dispute-reversal": "dispute", "dispute_reversal": "dispute", "fee": "fee", "fee-back": "fee", "processor-fee": "fee", "network-cost": "fee", "network_cost": "fee",
	"withdrawal": "payout", "payout": "payout", "payout-reversal": "payout", "payout_reversal": "payout"}

func (p *ProcessorPosition) add(kind string, amount, fee, rows int64) {
	p.Rows += rows
	p.Fees += fee
	switch lineClasses[kind] {
	case "charge":
		p.Charges += amount
	case "refund":
		p.Refunds -= amount
	case "dispute":
		p.Disputes -= amount
	case "fee":
		p.Fees -= amount
	case "payout":
		p.Payouts -= amount
	default:
		p.Adjustments += amount
	}
}

// sum adds the rows of a further account outside.
func (p *ProcessorPosition) sum(t *ProcessorPosition) {
	if p.Name != "" {
		p.Name += " + "
	}
	p.Name += t.Name
	p.Rows += t.Rows
	p.Charges, p.Refunds, p.Disputes = p.Charges+t.Charges, p.Refunds+t.Refunds, p.Disputes+t.Disputes
	p.Fees, p.Adjustments, p.Payouts = p.Fees+t.Fees, p.Adjustments+t.Adjustments, p.Payouts+t.Payouts
}

const (
	sqlProcessorEvents = `
select t.processor, t.category, sum(t.amount)::int8, sum(t.fee)::int8, count(*) from processor_txn t
 where t.book_id = $1 and t.happened_at >= $2 and t.happened_at < $3
   and ($4::timestamptz is null or exists (select from entry e where e.book_id = $1 and e.id = t.entry_id and e.recorded_at <= $4)) group by 1, 2 order by 1, 2`

	// A bill of payments and refunds alone does not tell what was paid out: that is what its days settle.
	sqlProcessorLines = `
select s.id, s.name, s.format, l.kind, sum(l.amount)::int8, sum(l.fee)::int8, count(*)
  from source_account s join ext_line l on l.book_id = $1 and l.source_id = s.id and l.booked_on between $3 and $4
 where s.book_id = $1 and s.currency = $2 and s.format = any($5) group by 1, 2, 3, 4
 union all
select s.id, s.name, s.format, 'payout', -sum(t.amount)::int8, 0, 0
  from source_account s join settlement t on t.book_id = $1 and t.source_id = s.id and t.due_on between $3 and $4
 where s.book_id = $1 and s.currency = $2 and s.format = any($6) group by 1, 2, 3
 order by 1, 4`

	// As it was recorded until a moment ($7): the lines of files that were taken in by then. What a day of trades settles is what its lines add up to that a
	// run had seen.
	sqlProcessorLinesThen = `
select s.id, s.name, s.format, l.kind, sum(l.amount)::int8, sum(l.fee)::int8, count(*)
  from source_account s
  join ext_line l on l.book_id = $1 and l.source_id = s.id and l.booked_on between $3 and $4
  join source_file f on f.book_id = $1 and f.id = l.file_id and coalesce(f.taken_at, '-infinity') <= $7
 where s.book_id = $1 and s.currency = $2 and s.format = any($5) group by 1, 2, 3, 4
 union all
select s.id, s.name, s.format, 'payout', -sum(l.amount - l.fee)::int8, 0, 0
  from source_account s
  join settlement t on t.book_id = $1 and t.source_id = s.id and t.due_on between $3 and $4
  join ext_line l on l.book_id = $1 and l.source_id = s.id and l.booked_on = t.day and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}')
  join source_file f on f.book_id = $1 and f.id = l.file_id
  join recon_run r on r.book_id = $1 and r.no = f.run_no and r.finished <= $7
 where s.book_id = $1 and s.currency = $2 and s.format = any($6) group by 1, 2, 3
 order by 1, 4`
)

// ProcessorPositions holds each processor's rows of the days against the book, by its code. Where its own events are kept they count; else a bill of the whole
// account; else a bill of its payments with what they settle. Several accounts of the same kind, such as two merchant numbers, are added up. All is as it was
// recorded until a moment, unless that is zero.
func ProcessorPositions(ctx context.Context, q pg.Querier, book *ledger.Book, from, to, recorded time.Time) ([]ProcessorPosition, error) {
	moment := pg.TimeOrNull(recorded)
	all := map[string]*ProcessorPosition{}
	at := func(code string) *ProcessorPosition {
		if all[code] == nil {
			all[code] = &ProcessorPosition{Code: code}
		}
		return all[code]
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Tags: [2]string{"instrument"}, Recorded: recorded}, from, to.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	for _, m := range moved {
		if m.Chart == "psp.avail" {
			p, begin, end := at(m.Tags[0]), m.Before[0], m.Before[1]
			p.Opening, p.Closing = p.Opening+begin.Debit-begin.Credit, p.Closing+end.Debit-end.Credit
			p.In, p.Out = p.In+end.Debit-begin.Debit, p.Out+end.Credit-begin.Credit
		}
	}
	rows, err := q.Query(ctx, sqlProcessorEvents, book.ID, book.Begin(from), book.Begin(to.AddDate(0, 0, 1)), moment)
	if err != nil {
		return nil, fmt.Errorf("read processors: %w", err)
	}
	var code, kind, name string
	var amount, fee, n int64
	if _, err := pgx.ForEachRow(rows, []any{&code, &kind, &amount, &fee, &n}, func() error {
		at(code).add(kind, amount, fee, n)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read processors: %w", err)
	}
	trades := []statement.Format{statement.WeChatTrade, statement.AlipayTrade}
	sql, args := sqlProcessorLines, []any{book.ID, book.Currency, from, to, append([]statement.Format{statement.WeChatFund, statement.StripeBalance}, trades...), trades}
	if moment != nil {
		sql, args = sqlProcessorLinesThen, append(args, recorded)
	}
	rows, err = q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read processors: %w", err)
	}
	told := map[int32]*ProcessorPosition{} // by account outside
	formats := map[int32]statement.Format{}
	var ids []int32
	var id int32
	var format statement.Format
	if _, err := pgx.ForEachRow(rows, []any{&id, &name, &format, &kind, &amount, &fee, &n}, func() error {
		if told[id] == nil {
			told[id], formats[id] = &ProcessorPosition{Name: name}, format
			ids = append(ids, id)
		}
		told[id].add(kind, amount, fee, n)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read processors: %w", err)
	}
	slices.SortStableFunc(ids, func(a, b int32) int { return slices.Index(trades, formats[a]) - slices.Index(trades, formats[b]) }) // whole accounts first
	better := map[string]bool{}                                                                                                     // what is told by a better kind already
	for code, p := range all {
		better[code] = p.Rows > 0
	}
	whole := map[string]bool{}
	for _, id := range ids {
		p, trade := at(channels[formats[id]].Code()), slices.Contains(trades, formats[id])
		if better[p.Code] || trade && whole[p.Code] {
			continue
		}
		whole[p.Code] = !trade
		p.sum(told[id])
	}
	var list []ProcessorPosition
	for _, p := range all {
		if *p != (ProcessorPosition{Code: p.Code}) {
			list = append(list, *p)
		}
	}
	slices.SortFunc(list, func(a, b ProcessorPosition) int { return int(order(a.Code)) - int(order(b.Code)) })
	return list, nil
}

func order(code string) giving.Channel {
	c, _ := giving.ChannelByCode(code)
	return c
}
