package trace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// moneyAccounts hold money, or what is as good as money or not ours: an entry brings a fund what these gain in it and takes what they lose. A
// payment in transit (1009.03) is none, so that money goes out with the bank's line. What is owed back (refunds, subsidies), held for others
// or unidentified counts against it, so that a gift comes in when it is known, and a refund goes out when it is decided. Held-back disputes
// and debts between funds are neutral.
const moneyAccounts = `('cash', 'bank.basic', 'bank.online', 'bank.fx', 'bank.agency', 'psp.avail', 'psp.transit', 'psp.agency', 'ar.platform', 'ar.dispute', 'st.inv',
 'if.due.from', 'if.due.to', 'refund.due', 'unident', 'return.due', 'deposit', 'bounced')`

// stepMax bounds the entries of one call of Follow.
const stepMax = 4000

const (
	sqlCursorMake = `insert into trace_cursor (book_id) values ($1) on conflict do nothing`
	sqlCursor     = `select xid::text, entry_id, seq from trace_cursor where book_id = $1 for update`
	sqlCursorMove = `update trace_cursor set xid = $2::text::xid8, entry_id = $3, seq = $4 where book_id = $1`

	// What entries brought each fund and took from it, in the order of booking, up to where nothing is under way. Other accounts than money say
	// what for: the one that moved most.
	sqlEntries = `
select e.xid::text, e.id, e.kind, e.reverses, e.effective_on, coalesce(m.fund_id, 0), coalesce(m.moved, 0), coalesce(m.lane, ''), coalesce(m.project, ''), coalesce(m.contract, ''), coalesce(m.account, ''),
       coalesce(m.nature, ''), case when d.source_kind = 'payment' then d.source_ref else '' end, r.gift_id
  from (select * from entry where book_id = $1 and (xid, id) > ($2::text::xid8, $3) and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, id limit $4) e
  left join lateral (select p.fund_id, sum(p.amount) filter (where a.chart in ` + moneyAccounts + `)::int8 as moved, max(a.campaign) as lane, max(a.dims ->> 'project') as project, max(a.dims ->> 'contract') as contract,
                            (array_agg(a.chart order by abs(p.amount) desc, p.line) filter (where a.chart not in ` + moneyAccounts + `))[1] as account,
                            (array_agg(a.dims ->> 'nature' order by abs(p.amount) desc, p.line) filter (where a.chart not in ` + moneyAccounts + `))[1] as nature
                       from unnest(e.accounts, e.seqs) x(account_id, seq)
                      cross join lateral (select * from posting where book_id = $1 and account_id = x.account_id and seq = x.seq limit 1) p
                      cross join lateral (select * from account where book_id = $1 and account_id = x.account_id limit 1) a
                      where p.unit < 1000
                      group by p.fund_id) m on m.moved <> 0
  left join lateral (select * from document where book_id = $1 and entry_id = e.id limit 1) d on true
  left join lateral (select * from refund where book_id = $1 and id = e.id limit 1) r on true
 order by e.xid, e.id, m.fund_id`

	sqlEarmarks = `
select 'X' || p.number, c.campaign_id::text from project_campaign c join project p on p.book_id = c.book_id and p.id = c.project_id where c.book_id = $1 order by 1, c.campaign_id`

	sqlUnmetFunds = `select distinct fund_id from trace_unmet where book_id = $1`

	sqlOutInsert = `
insert into trace_out (book_id, entry_id, fund_id, seq, amount, entry_at, day, kind, account, object, project, contract) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlOutLess = `update trace_out set amount = amount - $4 where book_id = $1 and entry_id = $2 and fund_id = $3`
	sqlOutOf   = `select entry_id, fund_id, seq, amount, kind, project from trace_out where book_id = $1 and entry_id = $2 and fund_id = $3 and amount > 0`
	sqlOutBy   = `select entry_id, fund_id, seq, amount, kind, project from trace_out where book_id = $1 and object = $2 and fund_id = $3 and amount > 0 order by seq desc limit 1`
	sqlInOf    = `select fund_id, lane, at, amount from trace_in where book_id = $1 and entry_id = $2 and fund_id = $3 order by seq limit 1`
)

// step is what one entry did to one fund.
type step struct {
	xid      string
	entry    uuid.UUID
	kind     ledger.Kind
	reverses *uuid.UUID
	day      time.Time
	fund     int32
	moved    int64 // in, or out when negative
	lane     string
	project  string
	contract string
	account  string // of the chart
	nature   string
	object   string
	gift     *uuid.UUID // that the entry gives back
}

// out is a use of a fund's money.
type out struct {
	Entry   uuid.UUID
	Fund    int32
	Seq     int64
	Amount  int64
	Kind    string
	Project string

	contract string // its code
}

// stretch is a part of a lane.
type stretch struct {
	Fund   int32
	Lane   string
	At     int64
	Amount int64
}

// walk is one call of Follow.
type walk struct {
	ctx      context.Context
	tx       pgx.Tx
	book     *ledger.Book
	seq      int64
	earmarks map[string][]string // campaigns of a project, by its name
	unmet    map[int32]bool
	fresh    []arrival
	totals   map[lane]int64 // lengths
}

type lane struct {
	fund int32
	name string
}

// Follow lays the next entries on the lines and tells how many it read; none when all are followed. Calls take turns. What is not sure to be
// booked, since another transaction is under way, waits for the next call.
func Follow(ctx context.Context, tx pgx.Tx, book *ledger.Book) (n int, err error) {
	return follow(ctx, tx, book, stepMax)
}

// CatchUp calls Follow, each time in a transaction of its own, until nothing is left to follow: at most so many times, zero for as often as it takes.
func CatchUp(ctx context.Context, db pg.Beginner, book *ledger.Book, times int) error {
	for n := 1; ; times-- {
		err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
			n, err = Follow(ctx, tx, book)
			return err
		})
		if err != nil || n == 0 || times == 1 {
			return err
		}
	}
}

func follow(ctx context.Context, tx pgx.Tx, book *ledger.Book, most int) (n int, err error) {
	if _, err := tx.Exec(ctx, sqlCursorMake, book.ID); err != nil {
		return 0, fmt.Errorf("begin trace: %w", err)
	}
	w := &walk{ctx: ctx, tx: tx, book: book, earmarks: map[string][]string{}, unmet: map[int32]bool{}, totals: map[lane]int64{}}
	var xid string
	var last uuid.UUID
	if err := tx.QueryRow(ctx, sqlCursor, book.ID).Scan(&xid, &last, &w.seq); err != nil {
		return 0, fmt.Errorf("read cursor of trace: %w", err)
	}
	steps, err := w.steps(xid, last, most)
	if err != nil || len(steps) == 0 {
		return 0, err
	}
	if err := w.known(); err != nil {
		return 0, err
	}
	for i := 0; i < len(steps); {
		end := i + 1
		for end < len(steps) && steps[end].entry == steps[i].entry {
			end++
		}
		if steps[i].moved != 0 {
			if err := w.entry(steps[i:end]); err != nil {
				return 0, fmt.Errorf("trace entry %s: %w", steps[i].entry, err)
			}
		}
		i, n = end, n+1
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	end := steps[len(steps)-1]
	if _, err := tx.Exec(ctx, sqlCursorMove, book.ID, end.xid, end.entry, w.seq); err != nil {
		return 0, fmt.Errorf("move cursor of trace: %w", err)
	}
	return n, nil
}

func (w *walk) steps(xid string, last uuid.UUID, most int) ([]step, error) {
	rows, err := w.tx.Query(w.ctx, sqlEntries, w.book.ID, xid, last, most)
	if err != nil {
		return nil, fmt.Errorf("read entries to trace: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s step, err error) {
		err = row.Scan(&s.xid, &s.entry, &s.kind, &s.reverses, &s.day, &s.fund, &s.moved, &s.lane, &s.project, &s.contract, &s.account, &s.nature, &s.object, &s.gift)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read entries to trace: %w", err)
	}
	return list, nil
}

func (w *walk) known() error {
	var project, campaign string
	rows, err := w.tx.Query(w.ctx, sqlEarmarks, w.book.ID)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&project, &campaign}, func() error {
			w.earmarks[project] = append(w.earmarks[project], campaign)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read earmarks: %w", err)
	}
	var fund int32
	rows, err = w.tx.Query(w.ctx, sqlUnmetFunds, w.book.ID)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&fund}, func() error {
			w.unmet[fund] = true
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read what is not covered: %w", err)
	}
	return nil
}

// entry lays one entry on the lines of its funds. What it takes lies side by side over all funds, and so does what it brings: where it does both,
// the money moved from one fund to another.
func (w *walk) entry(steps []step) error {
	brings, takes := false, false
	for _, s := range steps {
		brings, takes = brings || s.moved > 0, takes || s.moved < 0
	}
	var at int64
	for _, s := range steps { // first what goes out, so that it can be found by what comes in
		if s.moved < 0 {
			if err := w.takes(s, at, brings); err != nil {
				return err
			}
			at -= s.moved
		}
	}
	at = 0
	for _, s := range steps {
		if s.moved <= 0 {
			continue
		}
		left, err := w.givesBack(s)
		if err != nil {
			return err
		}
		if left == 0 {
			continue
		}
		if err := w.arrive(s, left, at, takes); err != nil {
			return err
		}
		at += left
	}
	return nil
}

// takes lays what an entry takes from a fund: a gift that is given back out of its own stretch, all else by the rule.
func (w *walk) takes(s step, at int64, brings bool) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.seq++
	o := out{s.entry, s.fund, w.seq, -s.moved, s.outKind(brings), s.project, s.contract}
	if _, err := w.tx.Exec(w.ctx, sqlOutInsert, w.book.ID, o.Entry, o.Fund, o.Seq, o.Amount, at, s.day, o.Kind, s.account, s.object, o.Project, o.contract); err != nil {
		return fmt.Errorf("lay what went out: %w", err)
	}
	left, begin := o.Amount, int64(0)
	for _, of := range []*uuid.UUID{s.gift, s.reverses} {
		if of == nil || left == 0 {
			continue
		}
		from, err := w.inOf(*of, s.fund)
		if err != nil {
			return err
		}
		if from == nil {
			continue
		}
		done, err := w.withdraw(*from, o, begin, left)
		if err != nil {
			return err
		}
		begin, left = begin+done, left-done
	}
	return w.settleOne(o, begin, left)
}

func (w *walk) inOf(entry uuid.UUID, fund int32) (*stretch, error) {
	var s stretch
	err := w.tx.QueryRow(w.ctx, sqlInOf, w.book.ID, entry, fund).Scan(&s.Fund, &s.Lane, &s.At, &s.Amount)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // most entries take nothing back
	}
	if err != nil {
		return nil, fmt.Errorf("find stretch of %s: %w", entry, err)
	}
	return &s, nil
}

// givesBack frees what an earlier use of the same record, or of the entry that is reversed, had taken. The rest is new money.
func (w *walk) givesBack(s step) (left int64, err error) {
	left = s.moved
	var sql string
	var key any
	switch {
	case s.reverses != nil:
		sql, key = sqlOutOf, *s.reverses
	case strings.HasPrefix(s.object, "disbursement:"):
		sql, key = sqlOutBy, s.object
	default:
		return left, nil
	}
	var o out
	err = w.tx.QueryRow(w.ctx, sql, w.book.ID, key, s.fund).Scan(&o.Entry, &o.Fund, &o.Seq, &o.Amount, &o.Kind, &o.Project)
	if errors.Is(err, pgx.ErrNoRows) {
		return left, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find what is given back: %w", err)
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	back := min(left, o.Amount)
	if err := w.release(o, back); err != nil {
		return 0, err
	}
	return left - back, w.settle(s.fund)
}
