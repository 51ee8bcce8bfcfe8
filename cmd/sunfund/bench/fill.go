package bench

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
	"sunfund/ledger/giving"
)

const (
	filled      = 100_00 // minor units of each gift
	fillChunk   = 500_000
	filledDays  = 365
	filledSince = 400 * 24 * time.Hour // ago
)

// The rows are what the intake would have written, to the last bit, so that `sunfund verify` finds nothing: ids come from the
// references, hashes from days, accounts and amounts. What is called chunk… reads a table that is there only meanwhile.
const (
	// Gifts $2 to $3 of one chunk: with one campaign all are its own, else every second one is the first campaign's and the rest go
	// round. $4 is the first time and $5 the step between two gifts, in milliseconds, $6 the campaigns. k counts each campaign's.
	chunkMade = `
insert into filled (i, t, k, at, day, ref, id)
select i, t, k, at, (at at time zone 'Asia/Shanghai')::date, ref,
       (lpad(to_hex($4::int8 + i * $5::int8), 12, '0') || '7' || substr(hash, 14, 3) ||
        to_hex(get_byte(decode(hash, 'hex'), 8) >> 4 & 3 | 8) || substr(hash, 18, 15))::uuid
  from (select i, ref, case when $6::int8 = 1 or i % 2 = 1 then 1 else 2 + (i / 2 - 1) % greatest($6 - 1, 1) end as t,
               case when $6 = 1 then i when i % 2 = 1 then (i + 1) / 2 else (i / 2 - 1) / greatest($6 - 1, 1) + 1 end as k,
               to_timestamp(($4 + i * $5) / 1000.0) as at,
               encode(sha256(convert_to('gift' || chr(10) || $1::int4 || chr(10) || 2 || chr(10) || ref, 'UTF8')), 'hex') as hash
          from (select i, to_char(i, 'FM"filled"000000000000') as ref from generate_series($2::int8, $3::int8) i) n) g`

	chunkEntries = `
insert into entry (book_id, effective_on, recorded_at, id, key, body_hash, actor, kind, accounts, seqs)
select $1::int4, day, at, id, id,
       sha256(int2send(3::int2) || int8send(extract(epoch from day)::int8) || uuid_send('00000000-0000-0000-0000-000000000000')
              || uuid_send(($4::uuid[])[t]) || int8send(10000) || uuid_send(($5::uuid[])[t]) || int8send(-10000)),
       '00000000-0000-0000-0000-000000000000', 3, array[($2::int4[])[t], ($3::int4[])[t]], array[k + 1, k + 1]
  from filled`

	// Both sides of every gift: $2 and $3 are the accounts of debit and credit, $4 and $5 what their first postings left.
	chunkPostings = `
insert into posting (book_id, account_id, seq, entry_id, amount, balance_after, fund_id, line, unit)
select $1::int4, case line when 1 then ($2::int4[])[t] else ($3::int4[])[t] end, k + 1, id, side * 10000,
       case line when 1 then ($4::int8[])[t] else ($5::int8[])[t] end + k * side * 10000, ($6::int4[])[t], line, 156
  from filled cross join (values (1, 1), (2, -1)) s(line, side)`

	chunkGifts = `
insert into gift (book_id, id, campaign_id, fund_id, amount, paid_at, channel, anonymity, ccy, ref)
select $1::int4, id, ($2::int4[])[t], ($3::int4[])[t], 10000, at, 2, 1, 'CNY', ref from filled`

	chunkTurnover = `
insert into turnover as o (book_id, account_id, day, debit, credit)
select $1::int4, ($2::int4[])[t], day, count(*) * 10000 * greatest($3::int8, 0), count(*) * 10000 * greatest(-$3, 0)
  from filled group by 2, 3 order by 3, 2
    on conflict (book_id, account_id, day) do update set debit = o.debit + excluded.debit, credit = o.credit + excluded.credit`

	chunkPeriods = `insert into period (book_id, month) select distinct $1::int4, date_trunc('month', day::timestamp)::date from filled on conflict do nothing`

	// An account's balance is what its last posting left.
	sqlFillBalances = `
update balance b set balance = p.balance_after, seq = p.seq, debits = b.debits + (p.seq - b.seq) * greatest($3::int8, 0)
  from unnest($2::int4[]) u(account_id)
 cross join lateral (select balance_after, seq from posting where book_id = $1 and account_id = u.account_id order by seq desc limit 1) p
 where b.book_id = $1 and b.account_id = u.account_id`

	// The keys of the large tables, how to take them off and how to put them back: sorted once they cost a third.
	sqlFillKeys = `
select case when c.oid is null then format('drop index %s', i.indexrelid::regclass)
            else format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) end,
       case when c.oid is null then pg_get_indexdef(i.indexrelid)
            else format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) end
  from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
 where i.indrelid = any(array['entry', 'posting', 'gift']::regclass[])
 order by i.indexrelid`

	sqlSeeded = `
select e.accounts[1], e.accounts[2], a.leaf, i.leaf, g.campaign_id, g.fund_id, g.amount
  from gift g join entry e on e.book_id = g.book_id and e.id = g.id
  join account a on a.book_id = g.book_id and a.account_id = e.accounts[1]
  join account i on i.book_id = g.book_id and i.account_id = e.accounts[2]
 where g.book_id = $1 order by e.accounts[1]`
)

// seeded are the accounts that the first gift of each campaign made, by campaign.
type seeded struct {
	asset, income, campaign, fund []int32
	assetLeaf, incomeLeaf         []uuid.UUID
	asset0, income0               []int64 // balances after it
}

// fill books n gifts straight into the tables, as the intake would have booked them over a year that ended a month ago, since
// booking millions one by one would outlast every patience. Two sessions write at a time; triggers are off meanwhile.
func (w *world) fill(ctx context.Context, campaigns []int32, n int) error {
	s, err := w.seed(ctx, campaigns)
	if err != nil {
		return err
	}
	rows, err := w.fillSession(ctx)
	if err != nil {
		return err
	}
	defer rows.Close(context.WithoutCancel(ctx))
	lines, err := w.fillSession(ctx)
	if err != nil {
		return err
	}
	defer lines.Close(context.WithoutCancel(ctx))
	if _, err := rows.Exec(ctx, `create unlogged table filled (i int8, t int4, k int8, at timestamptz, day date, ref text, id uuid)`); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	begin := time.Now()
	keys, err := w.dropKeys(ctx, rows)
	if err != nil {
		return err
	}
	start := time.Now().Add(-filledSince).UnixMilli()
	step := max(1, filledDays*24*time.Hour.Milliseconds()/int64(n))
	for from := 1; from <= n; from += fillChunk {
		to := min(n, from+fillChunk-1)
		w.l.cfg.Progress(fmt.Sprintf("filling the book: %d of %d", from-1, n))
		if err := w.fillChunk(ctx, s, rows, lines, from, to, start, step); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	if err := w.makeKeys(ctx, rows, lines, keys); err != nil {
		return err
	}
	took := time.Since(begin)
	w.l.cfg.Progress(fmt.Sprintf("filled the book: %d entries in %.0f s, %.0f a second", n, took.Seconds(), float64(n)/took.Seconds()))
	for accounts, side := range map[*[]int32]int{&s.asset: 1, &s.income: -1} {
		if _, err := rows.Exec(ctx, sqlFillBalances, w.book.ID, *accounts, side); err != nil {
			return fmt.Errorf("fill balances: %w", err)
		}
	}
	w.tally.add(int64(n), int64(n)*filled)
	w.filled = true
	return w.settle(ctx, rows)
}

// fillSession is a session of the owner without triggers, to be closed after use.
func (w *world) fillSession(ctx context.Context) (*pgx.Conn, error) {
	pooled, err := w.owner.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	conn := pooled.Hijack()
	for _, sql := range []string{`set session_replication_role = replica`, `set work_mem = '256MB'`, `set maintenance_work_mem = '512MB'`, `set synchronous_commit = off`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, errors.Join(fmt.Errorf("fill: %w", err), conn.Close(ctx))
		}
	}
	return conn, nil
}

// fillStep is a statement with its arguments behind the book.
type fillStep struct {
	sql  string
	args []any
}

func (w *world) fillChunk(ctx context.Context, s *seeded, rows, lines *pgx.Conn, from, to int, start, step int64) error {
	if _, err := rows.Exec(ctx, `truncate filled`); err != nil {
		return err
	}
	if _, err := rows.Exec(ctx, chunkMade, w.book.ID, from, to, start, step, len(s.asset)); err != nil {
		return err
	}
	run := func(conn *pgx.Conn, steps ...fillStep) error {
		for _, f := range steps {
			if _, err := conn.Exec(ctx, f.sql, append([]any{w.book.ID}, f.args...)...); err != nil {
				return err
			}
		}
		return nil
	}
	failed := make(chan error, 1)
	go func() {
		failed <- run(lines, fillStep{chunkPostings, []any{s.asset, s.income, s.asset0, s.income0, s.fund}},
			fillStep{chunkTurnover, []any{s.asset, 1}}, fillStep{chunkTurnover, []any{s.income, -1}})
	}()
	err := run(rows, fillStep{chunkEntries, []any{s.asset, s.income, s.assetLeaf, s.incomeLeaf}}, fillStep{chunkGifts, []any{s.campaign, s.fund}},
		fillStep{chunkPeriods, nil})
	if other := <-failed; err == nil {
		err = other
	}
	return err
}

// dropKeys takes the keys off the large tables and says how to make them again.
func (w *world) dropKeys(ctx context.Context, conn *pgx.Conn) (keys []string, err error) {
	rows, err := conn.Query(ctx, sqlFillKeys)
	if err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	var drops []string
	var drop, key string
	_, err = pgx.ForEachRow(rows, []any{&drop, &key}, func() error {
		drops, keys = append(drops, drop), append(keys, key)
		return nil
	})
	for _, sql := range drops {
		if err == nil {
			_, err = conn.Exec(ctx, sql)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	return keys, nil
}

// makeKeys puts them back, those of one table after the other, two tables at a time.
func (w *world) makeKeys(ctx context.Context, rows, lines *pgx.Conn, keys []string) error {
	w.l.cfg.Progress("filled: making keys")
	run := func(conn *pgx.Conn, postings bool) error {
		for _, key := range keys {
			if strings.Contains(key, "posting") != postings {
				continue
			}
			if _, err := conn.Exec(ctx, key); err != nil {
				return fmt.Errorf("fill: %w", err)
			}
		}
		return nil
	}
	failed := make(chan error, 1)
	go func() { failed <- run(lines, true) }()
	return errors.Join(run(rows, false), <-failed)
}

// settle leaves the book as one that has been kept for long: months summed, tables vacuumed and analysed.
func (w *world) settle(ctx context.Context, conn *pgx.Conn) error {
	w.l.cfg.Progress("filled: summing months, vacuum, analyze")
	if _, err := conn.Exec(ctx, `drop table filled`); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	for found := true; found; {
		err := pg.InTx(pg.WithBook(ctx, w.book.ID), w.db, func(tx pgx.Tx) (err error) {
			if found, err = ledger.SumTurnover(ctx, tx, w.book, w.book.Day(time.Now())); err != nil || found {
				return err
			}
			_, err = ledger.MarkRecorded(ctx, tx, w.book, time.Now())
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, sql := range []string{`vacuum analyze`, `checkpoint`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// seed books one gift a campaign, so that its accounts are there.
func (w *world) seed(ctx context.Context, campaigns []int32) (*seeded, error) {
	g := w.givers(1)[0]
	paid := make([]giving.Paid, 0, len(campaigns))
	for _, c := range campaigns {
		p := g.gift([]int32{c})
		p.Fee = 0 // the fee would be a second posting
		paid = append(paid, p)
	}
	outcomes, err := giving.Commit(ctx, w.db, w.book, paid)
	n, amount, err := counted(paid, outcomes, err)
	if err != nil {
		return nil, err
	}
	w.tally.add(n, amount)
	rows, err := w.owner.Query(ctx, sqlSeeded, w.book.ID)
	if err != nil {
		return nil, err
	}
	byCampaign := map[int32]int{}
	for i, c := range campaigns {
		byCampaign[c] = i
	}
	k := len(campaigns)
	s := &seeded{make([]int32, k), make([]int32, k), make([]int32, k), make([]int32, k), make([]uuid.UUID, k), make([]uuid.UUID, k),
		make([]int64, k), make([]int64, k)}
	var asset, income, campaign, fund int32
	var assetLeaf, incomeLeaf uuid.UUID
	var first int64
	_, err = pgx.ForEachRow(rows, []any{&asset, &income, &assetLeaf, &incomeLeaf, &campaign, &fund, &first}, func() error {
		i := byCampaign[campaign]
		s.asset[i], s.income[i], s.assetLeaf[i], s.incomeLeaf[i] = asset, income, assetLeaf, incomeLeaf
		s.campaign[i], s.fund[i], s.asset0[i], s.income0[i] = campaign, fund, first, -first
		return nil
	})
	return s, err
}
