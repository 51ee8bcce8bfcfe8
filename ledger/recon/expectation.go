package recon

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/projects"
)

// staleDays is how many banking days a payment may take.
const staleDays = 3

// Payments that were sent and cash that was carried to the bank are expected there by themselves, as of the next run.
const (
	// $2: bank accounts. What was settled by hand before a run saw it counts from the day on which statements begin. A bag that the bank has counted
	// otherwise is expected as the bank counted it.
	sqlExpectDue = `
with told as (select min(from_on) as day from source_statement where book_id = $1 and source_id = any($2::int4[]))
select 'disbursement', 'FK' || d.number, 'FK' || d.number, 'PL' || b.number, -d.amount, d.sent_on, d.id
  from disbursement d join disbursement_batch b on b.book_id = $1 and b.id = d.batch_id
 where d.book_id = $1 and d.sent_on is not null and (d.state = 'sent' or d.sent_on >= (select day from told))
   and not exists (select from expectation e where e.book_id = $1 and e.origin = d.id)
union all
select 'deposit', c.day || ' ' || c.bag, c.bag, '', coalesce(c.received, c.amount), c.day, c.id
  from cash_deposit c
 where c.book_id = $1 and c.received is distinct from 0 and (c.state = 'carried' or c.day >= (select day from told))
   and not exists (select from expectation e where e.book_id = $1 and e.origin = c.id)
 order by 1, 2`

	sqlExpectMade = `
with made as (
  insert into expectation (book_id, id, kind, key, ref, batch, amount, ccy, day, due_on, origin, made_by, made_at)
  values ($1, recon_id(format('expectation:%s:%s:%s', $1::int4, $2::text, $3::text)), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  on conflict do nothing returning *
)
insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
select book_id, id, 3, 0, 0, ref, batch, amount, ccy, 0, made_at, day, due_on, 'timing', made_at from made`

	// The bank tells of a receipt once, whoever claims it later. A payment that came back before a line told of it moves no more money. What the bank counted in a bag is what its line says. Counted cash is expected
	// by its bag alone.
	sqlExpectVoid = `
delete from open_ours o
 where o.book_id = $1 and (o.kind = 3 and exists (
         select from expectation e
           left join disbursement d on e.kind = 'disbursement' and d.book_id = $1 and d.id = e.origin
          where e.book_id = $1 and e.id = o.id and d.state = 'bounced' and e.due_on < $2)
    or o.kind = 1 and o.channel = 6 and o.ref like 'count:%'
    or o.kind = 1 and o.channel = 5 and exists (select from bank_receipt r where r.book_id = $1 and r.gift_id = o.id and r.state in ('claimed', 'kept')))`

	sqlExpectCounted = `
update open_ours o set amount = c.received
  from expectation e join cash_deposit c on c.book_id = $1 and c.id = e.origin and c.state = 'banked'
 where o.book_id = $1 and o.kind = 3 and e.book_id = $1 and e.id = o.id and e.kind = 'deposit' and c.received > 0 and o.amount <> c.received`

	sqlDueBatches = `
select distinct d.batch_id
  from stage_due x join expectation e on e.book_id = $1 and e.id = x.id and e.kind = 'disbursement'
  join disbursement d on d.book_id = $1 and d.id = e.origin
 where x.kind = 3 and d.batch_id is not null`

	sqlDueAccounts = `
update stage_due x set accounts = h.list
  from (select origin, array_agg(hash) as list from unnest($2::uuid[], $3::int8[]) u(origin, hash) group by origin) h
  join expectation e on e.book_id = $1 and e.origin = h.origin
 where x.id = e.id`
)

// expect writes down what follows from payments and deposits, and takes away what will not move any more.
func (r *run) expect() error {
	if len(r.roles.bank) == 0 {
		return nil
	}
	rows, err := r.tx.Query(r.ctx, sqlExpectDue, r.book.ID, r.roles.bank)
	if err != nil {
		return err
	}
	type due struct {
		Kind, Key, Ref, Batch string
		Amount                int64
		Day                   time.Time
		Origin                uuid.UUID
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[due])
	if err != nil {
		return err
	}
	for _, d := range list {
		if _, err := r.put(sqlExpectMade, r.book.ID, d.Kind, d.Key, d.Ref, d.Batch, d.Amount, r.book.Currency, d.Day, r.calendar.After(d.Day, staleDays), d.Origin, System, r.asOf); err != nil {
			return err
		}
	}
	if _, err := r.put(sqlExpectVoid, r.book.ID, r.day); err != nil {
		return err
	}
	_, err = r.put(sqlExpectCounted, r.book.ID)
	return err
}

// partyPlace is what hashes of accounts' numbers are of.
func partyPlace(book *ledger.Book) string { return fmt.Sprintf("book %d account of a line", book.ID) }

// partyText is an account's number as both sides write it, or empty where it is none, or is not shown whole.
func partyText(number string) string {
	number = strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return -1
		}
		return c
	}, strings.ToUpper(number))
	if len(number) < 6 || strings.Trim(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return number
}

// payees tells the staged payments the hashes of their payees' accounts, by each key of the ring. A batch of which a household is erased is left out.
func (r *run) payees() error {
	if r.book.Keys == nil {
		return nil
	}
	rows, err := r.tx.Query(r.ctx, sqlDueBatches, r.book.ID)
	if err != nil {
		return err
	}
	batches, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	var hashes []int64
	for _, id := range batches {
		b, err := projects.BatchByID(r.ctx, r.tx, r.book, id)
		if err != nil {
			return err
		}
		orders, err := projects.Orders(r.ctx, r.tx, r.book, b)
		if errors.Is(err, projects.ErrPayee) {
			continue
		}
		if err != nil {
			return err
		}
		for _, o := range orders {
			if number := partyText(o.AccountNumber); number != "" {
				for _, hash := range r.book.Keys.Indexes(partyPlace(r.book), number) {
					ids, hashes = append(ids, o.Payment.ID), append(hashes, hash)
				}
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return r.do(sqlDueAccounts, r.book.ID, ids, hashes)
}
