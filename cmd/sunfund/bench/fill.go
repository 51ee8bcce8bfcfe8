package bench

import (
	"context"
	"fmt"
	"time"

	"sunfund/ledger/giving"
)

const (
	filled      = 100_00 // minor units of each gift
	fillChunk   = 500_000
	filledDays  = 365
	filledSince = 400 * 24 * time.Hour // ago
)

// filledGifts numbers gifts $2 to $3 and says whose each is: with one campaign all are its own, else every second one is the
// first campaign's and the rest go round. $4 is the first time and $5 the step between two gifts, in milliseconds.
const (
	filledGifts = `
  from (select i, case when $6::int8 = 1 or i % 2 = 1 then 1 else 2 + (i / 2 - 1) % greatest($6 - 1, 1) end as t,
               case when $6 = 1 then i when i % 2 = 1 then (i + 1) / 2 else (i / 2 - 1) / greatest($6 - 1, 1) + 1 end as k,
               to_timestamp(($4::int8 + i * $5::int8) / 1000.0) as at,
               (lpad(to_hex($4 + i * $5), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0') || '8' || lpad(to_hex(i), 15, '0'))::uuid as id
          from generate_series($2::int8, $3::int8) i) g`

	sqlFillEntries = `
insert into entry (book_id, effective_on, id, key, body_hash, actor, kind, accounts, seqs)
select $1::int4, at::date, id, id, sha256(int8send(i)), '00000000-0000-0000-0000-000000000000', 3,
       array[($7::int4[])[t], ($8::int4[])[t]], array[k + 1, k + 1]` + filledGifts

	// One side of every gift: $7 are the accounts, $8 says debit (1) or credit (-1), $9 what the first posting left.
	sqlFillPostings = `
insert into posting (book_id, account_id, seq, entry_id, amount, balance_after, fund_id, line, unit)
select $1::int4, ($7::int4[])[t], k + 1, id, $8::int8 * 10000, ($9::int8[])[t] + k * $8 * 10000, ($10::int4[])[t],
       case when $8 = 1 then 1 else 2 end, 156` + filledGifts

	sqlFillGifts = `
insert into gift (book_id, id, campaign_id, fund_id, amount, paid_at, channel, anonymity, ccy, ref)
select $1::int4, id, ($7::int4[])[t], ($8::int4[])[t], 10000, at, 2, 1, 'CNY', to_char(i, 'FM"filled"000000000000')` + filledGifts

	sqlFillTurnover = `
insert into turnover as o (book_id, account_id, day, debit, credit)
select $1::int4, ($7::int4[])[t], at::date, count(*) * 10000 * greatest($8::int8, 0), count(*) * 10000 * greatest(-$8, 0)` + filledGifts + `
 group by 2, 3
    on conflict (book_id, account_id, day) do update set debit = o.debit + excluded.debit, credit = o.credit + excluded.credit`

	// An account's balance is what its last posting left.
	sqlFillBalances = `
update balance b set balance = p.balance_after, seq = p.seq, debits = b.debits + (p.seq - b.seq) * greatest($3::int8, 0)
  from unnest($2::int4[]) u(account_id)
 cross join lateral (select balance_after, seq from posting where book_id = $1 and account_id = u.account_id order by seq desc limit 1) p
 where b.book_id = $1 and b.account_id = u.account_id`

	sqlSeeded = `
select e.accounts[1], e.accounts[2], g.campaign_id, g.fund_id, g.amount
  from gift g join entry e on e.book_id = g.book_id and e.id = g.id
 where g.book_id = $1 order by e.accounts[1]`
)

// seeded are the accounts that the first gift of each campaign made, by campaign.
type seeded struct {
	asset, income, campaign, fund []int32
	asset0, income0               []int64 // balances after it
}

// fill books n gifts straight into the tables, as the intake would have booked them over the last year, since booking
// millions one by one would outlast every patience. Triggers are off meanwhile.
func (w *world) fill(ctx context.Context, campaigns []int32, n int) error {
	s, err := w.seed(ctx, campaigns)
	if err != nil {
		return err
	}
	conn, err := w.owner.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `set session_replication_role = replica`); err != nil {
		return err
	}
	start := time.Now().Add(-filledSince).UnixMilli()
	step := max(1, filledDays*24*time.Hour.Milliseconds()/int64(n))
	for from := 1; from <= n; from += fillChunk {
		to := min(n, from+fillChunk-1)
		w.l.cfg.Progress(fmt.Sprintf("filling the book: %d of %d", from-1, n))
		common := []any{w.book.ID, from, to, start, step, len(campaigns)}
		for _, fill := range []struct {
			sql  string
			args []any
		}{
			{sqlFillEntries, []any{s.asset, s.income}},
			{sqlFillPostings, []any{s.asset, 1, s.asset0, s.fund}},
			{sqlFillPostings, []any{s.income, -1, s.income0, s.fund}},
			{sqlFillGifts, []any{s.campaign, s.fund}},
			{sqlFillTurnover, []any{s.asset, 1}},
			{sqlFillTurnover, []any{s.income, -1}},
		} {
			if _, err := conn.Exec(ctx, fill.sql, append(common[:len(common):len(common)], fill.args...)...); err != nil {
				return fmt.Errorf("fill: %w", err)
			}
		}
	}
	for accounts, side := range map[*[]int32]int{&s.asset: 1, &s.income: -1} {
		if _, err := conn.Exec(ctx, sqlFillBalances, w.book.ID, *accounts, side); err != nil {
			return fmt.Errorf("fill balances: %w", err)
		}
	}
	for _, sql := range []string{`set session_replication_role = origin`, `vacuum analyze`, `checkpoint`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	w.tally.add(int64(n), int64(n)*filled)
	w.filled = true
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
	s := &seeded{make([]int32, k), make([]int32, k), make([]int32, k), make([]int32, k), make([]int64, k), make([]int64, k)}
	for rows.Next() {
		var asset, income, campaign, fund int32
		var first int64
		if err := rows.Scan(&asset, &income, &campaign, &fund, &first); err != nil {
			return nil, err
		}
		i := byCampaign[campaign]
		s.asset[i], s.income[i], s.campaign[i], s.fund[i], s.asset0[i], s.income0[i] = asset, income, campaign, fund, first, -first
	}
	return s, rows.Err()
}
