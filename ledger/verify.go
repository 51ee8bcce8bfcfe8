package ledger

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Check is one comparison of a verification: what was compared, how many, and the rows that differ.
type Check struct {
	Name       string // in English; the commands and pages that print it translate by Code
	Code       string
	Compared   int64
	Differs    []string // at most DiffersMax
	DiffersAll int64    // how many differ in all
}

// DiffersMax is how many differing rows a check keeps.
const DiffersMax = 20

// Clean tells that no check found a difference.
func Clean(checks []Check) bool {
	for _, c := range checks {
		if c.DiffersAll > 0 {
			return false
		}
	}
	return true
}

// CheckQuery is a check that PostgreSQL answers: the first column of Rows says in words what differs.
type CheckQuery struct {
	Code    string
	Name    string
	Compare string // counts what is compared
	Rows    string // returns the rows that break it; $1 is the book
}

// Checks read whole tables. On a book that was never analysed the planner thinks them small and would compare each row with each.
// It holds to the end of the transaction.
const sqlPlanWhole = `
select set_config('enable_nestloop', 'off', true), set_config('work_mem', '128MB', true), set_config('jit', 'off', true)`

// RunChecks runs queries over a book and gathers what differs.
func RunChecks(ctx context.Context, q pg.Querier, book *Book, queries []CheckQuery) ([]Check, error) {
	if _, err := q.Exec(ctx, sqlPlanWhole); err != nil {
		return nil, fmt.Errorf("plan checks: %w", err)
	}
	var checks []Check
	for _, cq := range queries {
		c := Check{Code: cq.Code, Name: cq.Name}
		if err := q.QueryRow(ctx, cq.Compare, book.ID).Scan(&c.Compared); err != nil {
			return nil, fmt.Errorf("check %s: %w", cq.Code, err)
		}
		rows, err := q.Query(ctx, cq.Rows, book.ID)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", cq.Code, err)
		}
		var text string
		_, err = pgx.ForEachRow(rows, []any{&text}, func() error {
			c.Differ(text)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", cq.Code, err)
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// Differ notes a row that differs.
func (c *Check) Differ(text string) {
	c.DiffersAll++
	if len(c.Differs) < DiffersMax {
		c.Differs = append(c.Differs, text)
	}
}

const (
	sqlCountPostings = `select count(*) from posting where book_id = $1`
	sqlCountEntries  = `select count(*) from entry where book_id = $1`
	sqlCountAccounts = `select count(*) from account where book_id = $1`
	sqlCountTurnover = `select count(*) from turnover where book_id = $1`
	sqlCountSum      = `select count(*) from turnover_sum where book_id = $1`
	sqlCountMarks    = `select count(*) from recorded_mark where book_id = $1`
	sqlCountReversed = `select count(*) from entry where book_id = $1 and reverses is not null`
	sqlCountDocs     = `select count(*) from document where book_id = $1`
	sqlCountFunds    = `select count(*) from fund where book_id = $1`

	sqlDifferBalance = `
select format('account %s: balance %s, postings give %s; seq %s, postings %s up to %s; debits %s, postings give %s',
              account_id, b.balance, p.sum, b.seq, p.n, p.last, b.debits, p.debits)
  from (select account_id, balance, seq, debits from balance where book_id = $1) b
  full join (select account_id, sum(amount) as sum, count(*) as n, max(seq) as last, count(*) filter (where amount > 0) as debits
               from posting where book_id = $1 group by account_id) p using (account_id)
 where coalesce(b.balance, -1) <> coalesce(p.sum, 0) or b.seq <> coalesce(p.n, 0) or b.seq <> coalesce(p.last, 0)
    or b.debits <> coalesce(p.debits, 0) or b.account_id is null`

	sqlDifferRunning = `
select format('account %s, posting %s: balance after is %s, should be %s', account_id, seq, balance_after, running)
  from (select account_id, seq, balance_after, sum(amount) over (partition by account_id order by seq) as running,
               row_number() over (partition by account_id order by seq) as nth
          from posting where book_id = $1) p
 where balance_after <> running or seq <> nth`

	sqlDifferTurnover = `
select format('account %s on %s: turnover %s/%s, postings give %s/%s', account_id, day, t.debit, t.credit, p.debit, p.credit)
  from (select account_id, day, debit, credit from turnover where book_id = $1) t
  full join (select p.account_id, e.effective_on as day, sum(greatest(p.amount, 0)) as debit, sum(greatest(-p.amount, 0)) as credit
               from posting p join entry e on e.book_id = p.book_id and e.id = p.entry_id
              where p.book_id = $1 group by 1, 2) p using (account_id, day)
 where t.debit is distinct from p.debit or t.credit is distinct from p.credit`

	sqlDifferSum = `
select format('account %s, %s months from %s: sum %s/%s, turnovers give %s/%s', account_id, months, first, s.debit, s.credit, t.debit, t.credit)
  from (select months, first, account_id, debit, credit from turnover_sum where book_id = $1) s
  full join (select d.months, d.first, d.account_id, d.debit, d.credit
               from (select 1 as months, date_trunc('month', day::timestamp)::date as first, account_id, sum(debit) as debit, sum(credit) as credit
                       from turnover where book_id = $1 group by 2, 3
                      union all
                     select 12, date_trunc('year', day::timestamp)::date, account_id, sum(debit), sum(credit)
                       from turnover where book_id = $1 group by 2, 3) d
               join summed on summed.book_id = $1 and summed.months = d.months and summed.first = d.first) t using (months, first, account_id)
 where s.debit is distinct from t.debit or s.credit is distinct from t.credit
 union all
select format('what is summed has a gap: %s months from %s to %s, %s years', n, s, e, y)
  from (select count(*) filter (where months = 1) as n, count(*) filter (where months = 12) as y, min(first) filter (where months = 1) as s,
               max(first) filter (where months = 1) + interval '1 month' as e, min(first) filter (where months = 12) as ys
          from summed where book_id = $1 having count(*) > 0) r
 where extract(month from s) <> 1 or n <> 12 * (extract(year from e) - extract(year from s)) + extract(month from e) - 1
    or y <> extract(year from e) - extract(year from s) or ys <> s or s is null`

	sqlDifferMark = `
select format('until %s: %s postings marked, entries give %s', m.moment, m.posted, e.posted)
  from recorded_mark m
  left join (select day + interval '1 day' as moment, sum(n) over (order by day) as posted
               from (select date_trunc('day', recorded_at, 'UTC') as day, sum(cardinality(accounts)) as n from entry where book_id = $1 group by 1) d) e using (moment)
 where m.book_id = $1 and m.posted is distinct from e.posted`

	sqlDifferEntry = `
select format('entry %s: fund %s, unit %s is out of balance by %s', entry_id, fund_id, unit, sum(amount))
  from posting where book_id = $1 group by entry_id, fund_id, unit having sum(amount) <> 0`

	sqlDifferLines = `
select format('entry %s: names %s lines; %s postings claim it, %s of them named', id, coalesce(e.named, 0), coalesce(p.n, 0), coalesce(p.found, 0))
  from (select id, cardinality(accounts) as named from entry where book_id = $1) e
  full join (select p.entry_id as id, count(*) as n, count(named.id) as found
               from posting p
               left join (select e.id, u.account_id, u.seq from entry e cross join lateral unnest(e.accounts, e.seqs) u(account_id, seq)
                           where e.book_id = $1) named
                 on named.id = p.entry_id and named.account_id = p.account_id and named.seq = p.seq
              where p.book_id = $1 group by p.entry_id) p using (id)
 where e.named is distinct from p.n or e.named is distinct from p.found`

	sqlDifferTags = `
select format('posting %s/%s: fund %s, unit %s; its account says %s, %s', p.account_id, p.seq, p.fund_id, p.unit, a.fund_id, a.unit)
  from posting p left join account a on a.book_id = p.book_id and a.account_id = p.account_id
 where p.book_id = $1 and (a.fund_id is distinct from p.fund_id or a.unit is distinct from p.unit)`

	sqlDifferGuard = `
select format('account %s stands at %s, beyond its guard', account_id, balance)
  from balance where book_id = $1 and (balance < floor or balance > ceiling)`

	sqlDifferInterfund = `
select format('%s: %s do not add up to zero but %s', a.ccy, a.what, sum(b.balance))
  from (select book_id, account_id, ccy, case when chart = 'transfer' then 'transfers between funds' else 'due from and due to other funds' end as what
          from account where book_id = $1 and chart in ('if.due.from', 'if.due.to', 'transfer')) a
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 group by a.ccy, a.what having sum(b.balance) <> 0`

	sqlDifferMirror = `
select format('entry %s does not mirror %s: account %s keeps %s', r.id, r.reverses, p.account_id, sum(p.amount))
  from (select id, reverses, id as entry_id from entry where book_id = $1 and reverses is not null
         union all
        select id, reverses, reverses from entry where book_id = $1 and reverses is not null) r
  join posting p on p.book_id = $1 and p.entry_id = r.entry_id
 group by r.id, r.reverses, p.account_id having sum(p.amount) <> 0
 union all
select format('entry %s reverses %s, which is not there', r.id, r.reverses)
  from entry r left join entry o on o.book_id = r.book_id and o.id = r.reverses
 where r.book_id = $1 and r.reverses is not null and o.id is null`

	sqlDifferNumbers = `
select format('vouchers of %s: %s of them, numbered up to %s', month, count(*), max(number))
  from document where book_id = $1 group by month having count(*) <> max(number) or min(number) <> 1
 union all
select format('voucher %s has no entry', d.entry_id)
  from document d left join entry e on e.book_id = d.book_id and e.id = d.entry_id
 where d.book_id = $1 and e.id is null`

	sqlDifferAgency = `
select format('agency fund %s: assets and liabilities differ by %s', f.code, sum(b.balance))
  from fund f join account a on a.book_id = f.book_id and a.fund_id = f.fund_id and a.unit < 1000
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where f.book_id = $1 and f.kind = 'agency' and a.chart in ('agency.a', 'bank.agency', 'psp.agency', 'agency.l')
 group by f.code having sum(b.balance) <> 0`
)

var bookChecks = []CheckQuery{
	{"balance", "balances equal the sums of their postings, without a gap", sqlCountAccounts, sqlDifferBalance},
	{"running", "the balance after each posting is the sum up to it", sqlCountPostings, sqlDifferRunning},
	{"turnover", "daily turnovers equal the sums of their postings", sqlCountTurnover, sqlDifferTurnover},
	{"sum", "sums of months and years equal their daily turnovers", sqlCountSum, sqlDifferSum},
	{"recorded", "marks of what each day recorded equal its entries", sqlCountMarks, sqlDifferMark},
	{"entry", "every entry balances in every fund and currency", sqlCountEntries, sqlDifferEntry},
	{"lines", "every entry has its postings and every posting its entry", sqlCountPostings, sqlDifferLines},
	{"tags", "postings carry the fund and unit of their account", sqlCountPostings, sqlDifferTags},
	{"guard", "no guarded account has crossed zero", sqlCountAccounts, sqlDifferGuard},
	{"interfund", "funds owe each other what they are owed, transfers are zero", sqlCountFunds, sqlDifferInterfund},
	{"mirror", "reversals mirror their entries", sqlCountReversed, sqlDifferMirror},
	{"numbers", "voucher numbers have no gap", sqlCountDocs, sqlDifferNumbers},
	{"agency", "agency assets equal agency liabilities", sqlCountFunds, sqlDifferAgency},
}

// Verify recomputes everything that is derived from the postings and holds it against what is stored.
// Run it in one repeatable read transaction, so that it sees one moment.
func Verify(ctx context.Context, q pg.Querier, book *Book) ([]Check, error) {
	checks, err := RunChecks(ctx, q, book, bookChecks)
	if err != nil {
		return nil, err
	}
	accounts, err := verifyAccounts(ctx, q, book)
	if err != nil {
		return nil, err
	}
	hashes, err := verifyHashes(ctx, q, book)
	if err != nil {
		return nil, err
	}
	return append(checks, accounts, hashes), nil
}

const sqlVerifyAccounts = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, a.unit, a.leaf, b.floor, b.ceiling
  from account a left join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1`

// verifyAccounts recomputes each account's key, unit and guards from what it is called.
func verifyAccounts(ctx context.Context, q pg.Querier, book *Book) (Check, error) {
	c := Check{Code: "account", Name: "accounts are what their key, unit and guards say"}
	rows, err := q.Query(ctx, sqlVerifyAccounts, book.ID)
	if err != nil {
		return c, fmt.Errorf("check accounts: %w", err)
	}
	var id int32
	var leaf Leaf
	var unit int16
	var hash uuid.UUID
	var floor, ceiling *int64
	dest := []any{&id, &leaf.Chart, &leaf.Fund, &leaf.Currency, &leaf.Dims, &unit, &hash, &floor, &ceiling}
	_, err = pgx.ForEachRow(rows, dest, func() error {
		c.Compared++
		one := leaf
		leaf.Dims = Dims{} // the next row's JSON leaves out what is empty
		if _, ok := chart.ByID(one.Chart); !ok {
			c.Differ(fmt.Sprintf("account %d: %q is not in the chart", id, one.Chart))
			return nil
		}
		wantUnit, err := one.unit()
		wantFloor, wantCeiling := guards(one)
		if err != nil || unit != wantUnit || hash != one.hash() || !same(floor, wantFloor) || !same(ceiling, wantCeiling) {
			c.Differ(fmt.Sprintf("account %d: key, unit or guard is not that of %s in fund %d", id, one.Chart, one.Fund))
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("check accounts: %w", err)
	}
	return c, nil
}

func same(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

const sqlVerifyHashes = `
select e.id, e.kind, coalesce(l.happened_on, e.effective_on), coalesce(e.reverses, '00000000-0000-0000-0000-000000000000'), e.body_hash,
       d.summary, d.source_kind, d.source_ref, d.reason, d.attachments, d.made_by, coalesce(d.checked_by, ''),
       a.chart, a.fund_id, a.ccy, a.dims, p.amount
  from entry e
  left join document d on d.book_id = e.book_id and d.entry_id = e.id
  left join late_entry l on l.book_id = e.book_id and l.entry_id = e.id
  join posting p on p.book_id = e.book_id and p.entry_id = e.id
  join account a on a.book_id = p.book_id and a.account_id = p.account_id
 where e.book_id = $1
 order by e.id, p.line`

// verifyHashes recomputes each entry's body hash from its postings and its document.
func verifyHashes(ctx context.Context, q pg.Querier, book *Book) (Check, error) {
	c := Check{Code: "hash", Name: "entries say what they said when they were booked"}
	rows, err := q.Query(ctx, sqlVerifyHashes, book.ID)
	if err != nil {
		return c, fmt.Errorf("check hashes: %w", err)
	}
	var d draft
	var stored []byte
	flush := func() {
		if d.entry.ID == uuid.Nil {
			return
		}
		c.Compared++
		if h := d.bodyHash(); hex.EncodeToString(h[:]) != hex.EncodeToString(stored) {
			c.Differ(fmt.Sprintf("entry %s is not what was booked", d.entry.ID))
		}
	}
	var next draft
	var hash []byte
	var summary, sourceKind, sourceRef, reason, madeBy, checkedBy *string
	var attachments *int16
	var leaf Leaf
	var amount int64
	known := leaves{}
	dest := []any{&next.entry.ID, &next.entry.Kind, &next.entry.EffectiveOn, &next.entry.Reverses, &hash,
		&summary, &sourceKind, &sourceRef, &reason, &attachments, &madeBy, &checkedBy, &leaf.Chart, &leaf.Fund, &leaf.Currency, &leaf.Dims, &amount}
	_, err = pgx.ForEachRow(rows, dest, func() error {
		if next.entry.ID != d.entry.ID {
			flush()
			d = draft{entry: next.entry}
			stored = append(stored[:0], hash...)
			if summary != nil {
				d.entry.Document = &Document{Summary: *summary, SourceKind: *sourceKind, SourceRef: *sourceRef, Reason: *reason,
					Attachments: *attachments, MadeBy: *madeBy, CheckedBy: *checkedBy}
			}
		}
		d.sides = append(d.sides, side{known.of(leaf), amount})
		leaf.Dims = Dims{}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("check hashes: %w", err)
	}
	flush()
	return c, nil
}
