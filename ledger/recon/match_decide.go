package recon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	sqlGroupLock = `select state, source_id, rule, ours, kinds, lines from recon_group where book_id = $1 and id = $2 for update`

	sqlGroupState = `update recon_group set state = $3 where book_id = $1 and id = $2`

	sqlGroupEvent = `
insert into recon_event (book_id, group_id, seq, state, actor, reason, at)
values ($1, $2, (select coalesce(max(seq), 0) + 1 from recon_event where book_id = $1 and group_id = $2), $3, $4, $5, $6)`

	// What is still open of both sides, with its sums.
	sqlGroupOpenLines = `
select l.line_key, l.amount from unnest($3::bytea[]) x(k) join open_line o on o.book_id = $1 and o.source_id = $2 and o.line_key = x.k
  join ext_line l on l.book_id = $1 and l.source_id = $2 and l.line_key = x.k order by 1`
	sqlGroupOpenOurs = `select o.id, o.kind, o.amount from unnest($2::uuid[]) x(id) join open_ours o on o.book_id = $1 and o.id = x.id order by 1`

	sqlGroupInsert = `
insert into recon_group (book_id, id, rule, rule_ver, cardinality, score, ambiguous, run_no, source_id, amount, ours, kinds, lines, state)
values ($1, $2, $3, $4, $5, 100, false, 0, $6, $7, $8, $9, $10, 'confirmed') on conflict (book_id, id) do update set state = 'confirmed'`

	// A person's matches are numbered in run 0.
	sqlPersonMembers = `
insert into recon_member (book_id, source_id, part, rule, run_no, no, group_id, ours, line_key, kind, amount)
select $1, $2, 0, $3, 0, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = 0) + row_number() over (), $4, x.ours, x.line_key, x.kind, x.amount
  from unnest($5::uuid[], $6::bytea[], $7::int2[], $8::int8[]) x(ours, line_key, kind, amount)`

	sqlLinesClosed = `delete from open_line where book_id = $1 and source_id = $2 and line_key = any($3::bytea[])`
	sqlOursClosed  = `delete from open_ours where book_id = $1 and id = any($2::uuid[])`

	// A match on a page falls by a row that says so.
	sqlRevoke = `
with fallen as (
  update recon_member m set live = false, fell_at = now()
   where m.book_id = $1 and m.live and case when $2::uuid is not null then m.group_id = $2 else m.source_id = $3 and m.line_key = $4 and m.group_id is null end
  returning m.source_id, m.line_key, m.ours, m.kind
), torn as (
  insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount, live, fell_at)
  select $1, source_id, part, rule, run_no, (select coalesce(max(no), 0) + 1 from recon_member where book_id = $1 and run_no = m.run_no), ours, line_key, kind, amount, false, now()
    from (` + matchedRows + `) m
   where $2 is null and m.book_id = $1 and m.source_id = $3 and m.line_key = $4
     and not exists (select from recon_member x where x.book_id = $1 and x.live and x.source_id = $3 and x.line_key = $4)
  returning source_id, line_key, ours, kind
), lines as (
  insert into open_line (book_id, source_id, line_key, state, since)
  select $1, source_id, line_key, 'timing', $5 from (select * from fallen union all select * from torn) f where line_key is not null on conflict do nothing
), gifts as (
  insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
  select $1, f.ours, f.kind, x.channel, x.source_id, x.ref, x.batch, x.amount, x.ccy, x.fee, x.at, x.day, x.due_on, 'timing', $5
    from (select * from fallen union all select * from torn) f
    cross join lateral (
      select g.channel, 0 as source_id, ` + giftRef + ` as ref, '' as batch, g.amount, g.ccy, g.fee,
             g.paid_at as at, (g.paid_at at time zone $6::text)::date as day, (g.paid_at at time zone $6::text)::date + 10 as due_on
        from gift g where f.kind = 1 and g.book_id = $1 and g.id = f.ours
      union all
      select r.channel, 0, ` + refundRef + `, '', -r.amount, r.ccy, r.fee,
             r.refunded_at, (r.refunded_at at time zone $6::text)::date, (r.refunded_at at time zone $6::text)::date + 10
        from refund r where f.kind = 2 and r.book_id = $1 and r.id = f.ours
      union all
      select 0, coalesce(e.source_id, 0), e.ref, e.batch, e.amount, e.ccy, 0, e.made_at, e.day, e.due_on from expectation e where f.kind = 3 and e.book_id = $1 and e.id = f.ours
      union all
      select 0, s.source_id, s.key, '', s.amount, s.ccy, 0, s.due_on::timestamp at time zone 'UTC', s.day, s.due_on from settlement s where f.kind = 4 and s.book_id = $1 and s.id = f.ours) x
   where f.ours is not null on conflict do nothing
)
select (select count(*) from fallen) + (select count(*) from torn)`

	// What books the money of a match m: a settlement that arrived, a payment or bag that is at the bank.
	matchEntries = `
     select c.entry_id from correction c where m.kind = 4 and c.book_id = $1 and c.break_id = m.ours and c.action = 'landed'
     union all
     select p.landed from settlement s join payout p on p.book_id = $1 and p.payout = s.key where m.kind = 4 and s.book_id = $1 and s.id = m.ours
     union all
     select r.entry_id from expectation e join record_step r on r.book_id = $1 and r.object in ('disbursement:' || e.origin, 'deposit:' || e.origin) and r.act in ('payment-paid', 'banked')
      where m.kind = 3 and e.book_id = $1 and e.id = m.ours`

	// Taken apart the line of such a match would be money nobody knows, and booked once more.
	sqlMatchBooked = `
select exists (
  select from recon_member m
   cross join lateral (` + matchEntries + `) b
   where m.book_id = $1 and m.live and m.part = 0 and case when $2::uuid is not null then m.group_id = $2 else m.source_id = $3 and m.line_key = $4 and m.group_id is null end
     and b.entry_id is not null and not exists (select from entry v where v.book_id = $1 and v.reverses = b.entry_id))`

	// A break that was closed because the entry of this match books its line is open again, as old as it was.
	sqlMatchReopen = `
with again as (
  update break_item b set state = 'open', ended_at = null
   where b.book_id = $1 and b.state = 'closed'
     and b.id in (select c.break_id from recon_member m join correction c on c.book_id = $1 and c.entry_id = m.ours
                   where m.book_id = $1 and m.live and m.kind = 5 and case when $2::uuid is not null then m.group_id = $2 else m.source_id = $3 and m.line_key = $4 and m.group_id is null end
                     and b.source_id = m.source_id and m.line_key = any(b.lines))
  returning id
)
insert into break_event (book_id, break_id, seq, state, actor, note, at)
select $1, id, (select max(seq) + 1 from break_event e where e.book_id = $1 and e.break_id = again.id), 'reopened', $5, $6, $7 from again`

	sqlMatchDays = `
select max(l.booked_on) from (` + matchedRows + `) m join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key
 where m.book_id = $1 and case when $2::uuid is not null then m.group_id = $2 else m.source_id = $3 and m.line_key = $4 and m.group_id is null end`
)

// ErrUnequal means that two sides do not add up to the same amount, or some of them are matched already.
var ErrUnequal = errors.New("the sides do not add up to the same amount, or are no longer open")

// ErrMatchBooked means that the money of a match is booked on the strength of it, so that it cannot be taken apart before that entry is taken back.
var ErrMatchBooked = errors.New("the money of this match is booked")

// PairID is the group id of a match of one line with one of ours, which has no row of its own.
func PairID(source int32, line []byte, ours uuid.UUID) uuid.UUID {
	sum := sha256.Sum256(fmt.Appendf(nil, "pair %d %s %s", source, hex.EncodeToString(line), ours))
	return uuid.UUID(sum[:16])
}

// Match puts lines of an account and ours together, on a person's word. Their sums must be equal to the minor unit: a difference is booked as a line of
// its own first. The reason is kept. ErrUnequal; *giving.FieldErrors.
func Match(ctx context.Context, tx pgx.Tx, book *ledger.Book, source int32, lines [][]byte, ours []uuid.UUID, by uuid.UUID, why string, now time.Time) (uuid.UUID, error) {
	if err := reason(why); err != nil {
		return uuid.Nil, err
	}
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return uuid.Nil, fmt.Errorf("match: %w", err)
	}
	id := groupID(source, lines, ours)
	return id, match(ctx, tx, book, id, RulePerson, source, lines, ours, by, why, now)
}

func groupID(source int32, lines [][]byte, ours []uuid.UUID) uuid.UUID {
	h := sha256.New()
	fmt.Fprintf(h, "person %d", source)
	for _, l := range lines {
		fmt.Fprintf(h, " %x", l)
	}
	for _, o := range ours {
		fmt.Fprintf(h, " %s", o)
	}
	return uuid.UUID(h.Sum(nil)[:16])
}

func match(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, rule int, source int32, lines [][]byte, ours []uuid.UUID, by uuid.UUID, why string, now time.Time) error {
	var members struct {
		ours   []*uuid.UUID
		lines  [][]byte
		kinds  []*int16
		amount []int64
	}
	var theirs, mine int64
	rows, err := tx.Query(ctx, sqlGroupOpenLines, book.ID, source, lines)
	if err != nil {
		return fmt.Errorf("match: %w", err)
	}
	found := 0
	var key []byte
	var amount int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &amount}, func() error {
		members.ours, members.kinds = append(members.ours, nil), append(members.kinds, nil)
		members.lines, members.amount = append(members.lines, append([]byte(nil), key...)), append(members.amount, amount)
		theirs, found = theirs+amount, found+1
		return nil
	}); err != nil {
		return fmt.Errorf("match: %w", err)
	}
	rows, err = tx.Query(ctx, sqlGroupOpenOurs, book.ID, ours)
	if err != nil {
		return fmt.Errorf("match: %w", err)
	}
	var one uuid.UUID
	var kind int16
	var kinds []int16
	if _, err := pgx.ForEachRow(rows, []any{&one, &kind, &amount}, func() error {
		o, k := one, kind
		members.ours, members.kinds, kinds = append(members.ours, &o), append(members.kinds, &k), append(kinds, k)
		members.lines, members.amount = append(members.lines, nil), append(members.amount, amount)
		mine, found = mine+amount, found+1
		return nil
	}); err != nil {
		return fmt.Errorf("match: %w", err)
	}
	if found != len(lines)+len(ours) || len(lines) == 0 || len(ours) == 0 || theirs != mine {
		return ErrUnequal
	}
	cardinality := map[[2]bool]string{{true, true}: "1:1", {true, false}: "1:N", {false, true}: "N:1", {false, false}: "N:M"}[[2]bool{len(ours) == 1, len(lines) == 1}]
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{sqlGroupInsert, []any{book.ID, id, rule, ruleset, cardinality, source, mine, ours, kinds, lines}},
		{sqlGroupEvent, []any{book.ID, id, "confirmed", by, why, now}},
		{sqlPersonMembers, []any{book.ID, source, rule, id, members.ours, members.lines, members.kinds, members.amount}},
		{sqlLinesClosed, []any{book.ID, source, lines}},
		{sqlOursClosed, []any{book.ID, ours}},
	} {
		if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
			return fmt.Errorf("match: %w", err)
		}
	}
	return nil
}

// Decide confirms what the machine proposed, or rejects it; both with a reason. A proposal that was ambiguous or does not add up is confirmed by Match
// with the members that belong together. ErrUnequal, giving.ErrNoRecord, giving.ErrStep, *giving.FieldErrors.
func Decide(ctx context.Context, tx pgx.Tx, book *ledger.Book, group uuid.UUID, confirm bool, by uuid.UUID, why string, now time.Time) error {
	if err := reason(why); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	var state string
	var source int32
	var rule int
	var ours []uuid.UUID
	var kinds []int16
	var lines [][]byte
	err := tx.QueryRow(ctx, sqlGroupLock, book.ID, group).Scan(&state, &source, &rule, &ours, &kinds, &lines)
	if errors.Is(err, pgx.ErrNoRows) {
		return giving.ErrNoRecord
	}
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	if state != "proposed" {
		return giving.ErrStep
	}
	if confirm {
		return match(ctx, tx, book, group, rule, source, lines, ours, by, why, now)
	}
	if _, err := tx.Exec(ctx, sqlGroupState, book.ID, group, "rejected"); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlGroupEvent, book.ID, group, "rejected", by, why, now); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	return nil
}

// Revoke takes a match apart, with a reason; its members are open again, with the age they had, and the machine neither puts the same ones together nor books
// the line by itself. group names a match of several, or else source and line one of one with one. ErrMatchBooked while an entry stands that books a settlement,
// payment or bag by this match; ledger.ErrPeriodHard when a line of it lies in a month that is closed for good; giving.ErrNoRecord.
func Revoke(ctx context.Context, tx pgx.Tx, book *ledger.Book, group uuid.UUID, source int32, line []byte, by uuid.UUID, why string, now time.Time) error {
	if err := reason(why); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	var of *uuid.UUID
	if group != uuid.Nil {
		of = &group
	}
	var last, locked *time.Time
	if err := tx.QueryRow(ctx, sqlMatchDays, book.ID, of, source, line).Scan(&last); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if last == nil {
		return giving.ErrNoRecord
	}
	if err := tx.QueryRow(ctx, sqlReconLocked, book.ID).Scan(&locked); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if locked != nil && !last.After(*locked) {
		return ledger.ErrPeriodHard
	}
	var booked bool
	if err := tx.QueryRow(ctx, sqlMatchBooked, book.ID, of, source, line).Scan(&booked); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if booked {
		return ErrMatchBooked
	}
	if _, err := tx.Exec(ctx, sqlMatchReopen, book.ID, of, source, line, by, why, now); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	id := group
	if of == nil {
		var ours uuid.UUID
		if err := tx.QueryRow(ctx, sqlPairOurs, book.ID, source, line).Scan(&ours); err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		id = PairID(source, line, ours)
	} else if _, err := tx.Exec(ctx, sqlGroupState, book.ID, group, "revoked"); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	var fallen int64
	if err := tx.QueryRow(ctx, sqlRevoke, book.ID, of, source, line, now, book.Zone.String()).Scan(&fallen); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlGroupEvent, book.ID, id, "revoked", by, why, now); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

const sqlPairOurs = `
select ours from (` + matchedRows + `) m where book_id = $1 and source_id = $2 and line_key = $3 and group_id is null`
