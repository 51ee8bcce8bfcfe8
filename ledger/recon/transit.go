package recon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Transit is money on its way on a day (1009.02, 1009.03): an entry that sent it, and how much of that has not arrived. What arrives is set against what was sent
// in the same amount, else against the oldest.
type Transit struct {
	Chart   chart.ID
	Fund    int32
	Entry   uuid.UUID
	Day     time.Time
	Summary string
	Amount  int64 // minor units of the book's currency, debit positive
}

// Way is what is on its way on one of the two accounts, in all funds.
type Way struct {
	Chart    chart.ID
	Items    []Transit // the oldest first, as many as were asked for
	ItemsAll int64     // how many there are
	ItemsSum int64     // of all of them
}

const (
	// Each account with what moved since the last day at whose end nothing was on its way: the day, debits and credits since, the place of its last posting.
	sqlTransitSince = `
with held as (
  select a.account_id, a.chart, a.fund_id, t.day, t.debit, t.credit, sum(t.debit - t.credit) over (partition by a.account_id order by t.day) as held
    from account a join turnover t on t.book_id = $1 and t.account_id = a.account_id
   where a.book_id = $1 and a.ccy = $2 and a.chart in ('psp.transit', 'pay.transit') and t.day <= $3),
nothing as (select account_id, max(day) as day from held where held = 0 group by 1)
select h.account_id, h.chart, h.fund_id, coalesce(n.day, '0001-01-01'), sum(h.debit)::int8, sum(h.credit)::int8, b.seq
  from held h
  left join nothing n on n.account_id = h.account_id
  join balance b on b.book_id = $1 and b.account_id = h.account_id
 where n.day is null or h.day > n.day
 group by 1, 2, 3, 4, 7
 order by 1`

	sqlTransit = `
select p.seq, e.id, e.effective_on, coalesce(d.summary, ''), p.amount
  from (select seq, entry_id, amount from posting where book_id = $1 and account_id = $2 and seq <= $3 order by seq desc limit $4) p
 cross join lateral (select id, effective_on from entry where book_id = $1 and id = p.entry_id limit 1) e
  left join document d on d.book_id = $1 and d.entry_id = e.id
 order by p.seq desc`

	// As it was recorded until a moment ($4): all that the accounts had moved by the day, account by account.
	sqlTransitThen = `
select a.account_id, a.chart, a.fund_id, p.seq, e.id, e.effective_on, coalesce(d.summary, ''), p.amount
  from account a
  join posting p on p.book_id = $1 and p.account_id = a.account_id
 cross join lateral (select id, effective_on from entry where book_id = $1 and id = p.entry_id and recorded_at <= $4 and effective_on <= $3 limit 1) e
  left join document d on d.book_id = $1 and d.entry_id = e.id
 where a.book_id = $1 and a.ccy = $2 and a.chart in ('psp.transit', 'pay.transit')
 order by a.account_id, e.effective_on, p.seq`
)

// transitPage is how many postings are read at a time.
const transitPage = 500

// InTransit tells what was on its way at the end of a day, of each account at most so many items one by one; as it was recorded until a moment, unless that is zero.
func InTransit(ctx context.Context, q pg.Querier, book *ledger.Book, day, recorded time.Time, keep int) (map[chart.ID]*Way, error) {
	ways := map[chart.ID]*Way{}
	if err := eachTransit(ctx, q, book, day, recorded, func(id chart.ID, moves []transitMove) {
		open := onItsWay{by: map[int64][]int{}}
		for _, m := range moves {
			open.settle(m.Transit)
		}
		if ways[id] == nil {
			ways[id] = &Way{Chart: id}
		}
		w := ways[id]
		for _, t := range open.left() {
			w.Items, w.ItemsAll, w.ItemsSum = append(w.Items, t), w.ItemsAll+1, w.ItemsSum+t.Amount
		}
	}); err != nil {
		return nil, fmt.Errorf("read money on its way: %w", err)
	}
	for _, w := range ways {
		slices.SortStableFunc(w.Items, func(a, b Transit) int { return a.Day.Compare(b.Day) })
		w.Items = w.Items[:min(len(w.Items), keep)]
	}
	return ways, nil
}

// eachTransit gives each account, in the order of their numbers, with what it moved after the last day at whose end nothing was on its way, in the order of days.
// An account with nothing on its way at the end is left out.
func eachTransit(ctx context.Context, q pg.Querier, book *ledger.Book, day, recorded time.Time, each func(chart.ID, []transitMove)) error {
	if !recorded.IsZero() {
		return eachTransitThen(ctx, q, book, day, recorded, each)
	}
	rows, err := q.Query(ctx, sqlTransitSince, book.ID, book.Currency, day)
	if err != nil {
		return err
	}
	since, err := pgx.CollectRows(rows, pgx.RowToStructByPos[transitSince])
	if err != nil {
		return err
	}
	for _, s := range since {
		moves, err := s.moves(ctx, q, book, day)
		if err != nil {
			return err
		}
		each(s.Chart, moves)
	}
	return nil
}

func eachTransitThen(ctx context.Context, q pg.Querier, book *ledger.Book, day, recorded time.Time, each func(chart.ID, []transitMove)) error {
	rows, err := q.Query(ctx, sqlTransitThen, book.ID, book.Currency, day, recorded)
	if err != nil {
		return err
	}
	var account, last int32
	var m transitMove
	var moves []transitMove // of one account, since nothing was on its way
	var held int64
	end := func() {
		if held != 0 {
			each(moves[0].Chart, moves)
		}
		moves, held = nil, 0
	}
	if _, err := pgx.ForEachRow(rows, []any{&account, &m.Chart, &m.Fund, &m.seq, &m.Entry, &m.Day, &m.Summary, &m.Amount}, func() error {
		switch {
		case account != last:
			end()
			last = account
		case held == 0 && m.Day.After(moves[len(moves)-1].Day):
			moves = nil
		}
		moves, held = append(moves, m), held+m.Amount
		return nil
	}); err != nil {
		return err
	}
	end()
	return nil
}

// transitSince is an account with what it moved after a day at whose end it stood at zero.
type transitSince struct {
	Account       int32
	Chart         chart.ID
	Fund          int32
	Day           time.Time
	Debit, Credit int64
	Seq           int64
}

type transitMove struct {
	Transit
	seq int64
}

// moves reads the account's postings back from the newest until those of the days after s.Day up to day are all found: their debits and credits are what
// the turnovers say.
func (s *transitSince) moves(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (all []transitMove, err error) {
	debit, credit := s.Debit, s.Credit
	for seq := s.Seq; seq > 0 && (debit != 0 || credit != 0); seq -= transitPage {
		rows, err := q.Query(ctx, sqlTransit, book.ID, s.Account, seq, transitPage)
		if err != nil {
			return nil, err
		}
		m := transitMove{Transit: Transit{Chart: s.Chart, Fund: s.Fund}}
		if _, err := pgx.ForEachRow(rows, []any{&m.seq, &m.Entry, &m.Day, &m.Summary, &m.Amount}, func() error {
			if m.Day.After(s.Day) && !m.Day.After(day) {
				all = append(all, m)
				debit, credit = debit-max(m.Amount, 0), credit-max(-m.Amount, 0)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b transitMove) int { return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.seq, b.seq)) })
	return all, nil
}

// onItsWay is what is open on one account: sent and not arrived, all of one sign.
type onItsWay struct {
	open  []Transit       // zero where it has arrived
	first int             // the oldest that may be open
	by    map[int64][]int // places by their amount, the oldest first; one that a part has arrived of, or all, is passed over
}

// settle takes a movement off what is open, or adds it.
func (o *onItsWay) settle(t Transit) {
	if at, there := o.same(-t.Amount); there {
		o.open[at].Amount = 0
		return
	}
	for ; o.first < len(o.open); o.first++ {
		oldest := &o.open[o.first]
		if oldest.Amount == 0 {
			continue
		}
		if (oldest.Amount < 0) == (t.Amount < 0) {
			break
		}
		if was := oldest.Amount; (was+t.Amount < 0) == (was < 0) && was+t.Amount != 0 {
			oldest.Amount += t.Amount // a part of the oldest is left
			return
		}
		t.Amount += oldest.Amount
		oldest.Amount = 0
		if t.Amount == 0 {
			return
		}
	}
	o.by[t.Amount] = append(o.by[t.Amount], len(o.open))
	o.open = append(o.open, t)
}

// same finds the oldest open one of an amount. A part of the first may have arrived: it stands under what it was.
func (o *onItsWay) same(amount int64) (at int, there bool) {
	for o.first < len(o.open) && o.open[o.first].Amount == 0 {
		o.first++
	}
	if o.first < len(o.open) && o.open[o.first].Amount == amount {
		return o.first, true
	}
	for list := o.by[amount]; len(list) > 0; list = list[1:] {
		o.by[amount] = list[1:]
		if o.open[list[0]].Amount == amount {
			return list[0], true
		}
	}
	return 0, false
}

// left is what is open at the end.
func (o *onItsWay) left() []Transit {
	return slices.DeleteFunc(o.open, func(t Transit) bool { return t.Amount == 0 })
}
