package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Party is somebody whom the association pays, and the address under which they would give: whoever keeps the books knows both.
type Party struct {
	Counterparty string // as accounts are tagged with it
	Email        string
}

// Circle is money that left a fund and came back as gifts that ask for match.
type Circle struct {
	Donor        string // pseudonym in the event
	Counterparty string
	Payment      uuid.UUID // the first entry that paid them
	PaidOn       time.Time
	Paid         int64 // in all, minor units of the book's currency
	Given        int64 // by them afterwards, in gifts that the event decided
	Seqs         []int64
}

const (
	// An edge from the book to a party: an entry that takes money from a bank, a cash box or a processor's account, with a line tagged with the party.
	// An edge back: a gift of the party's that the event decided, paid on that day or later.
	sqlCircles = `
with party as (
  select * from unnest($3::text[], $4::text[]) u(counterparty, donor)
), line as (
  select p.counterparty, p.donor, e.id, e.effective_on, a.fund_id
    from party p
    join account a on a.book_id = $1 and a.dims ->> 'counterparty' = p.counterparty
    join posting l on l.book_id = $1 and l.account_id = a.account_id and l.amount > 0
    join entry e on e.book_id = $1 and e.id = l.entry_id and e.effective_on >= $5
), paid as (
  select x.counterparty, x.donor, x.id, x.effective_on, -sum(o.amount) as amount
    from (select distinct counterparty, donor, id, effective_on from line) x
    join entry e on e.book_id = $1 and e.id = x.id
   cross join lateral unnest(e.accounts, e.seqs) s(account_id, seq)
    join posting o on o.book_id = $1 and o.account_id = s.account_id and o.seq = s.seq and o.amount < 0
    join account a on a.book_id = $1 and a.account_id = o.account_id and a.chart in ('bank.basic', 'bank.online', 'bank.fx', 'cash', 'psp.avail', 'pay.transit')
   group by 1, 2, 3, 4
), first as (
  select distinct on (donor) counterparty, donor, id, effective_on, sum(amount) over (partition by donor) as amount
    from paid order by donor, effective_on, id
)
select f.donor, f.counterparty, f.id, f.effective_on, f.amount::int8, sum(g.amount) filter (where a.part = 0)::int8, array_agg(a.seq order by a.seq)
  from first f
  join match_award a on a.book_id = $1 and a.event_id = $2 and a.donor = f.donor
  join gift g on g.book_id = $1 and g.id = a.gift_id
  join book b on b.book_id = $1
 where (g.paid_at at time zone b.time_zone)::date >= f.effective_on
 group by 1, 2, 3, 4, 5 order by 1`

	sqlCircleInsert = `
insert into match_circle (book_id, event_id, donor, path, found_at) values ($1, $2, $3, $4, $5) on conflict do nothing`
)

// FindCircles walks the book's entries from what was paid to parties since a day to what they gave in the event. It changes nothing.
func FindCircles(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, parties []Party, since time.Time) ([]Circle, error) {
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	var names, donors []string
	for _, p := range parties {
		names, donors = append(names, p.Counterparty), append(donors, donorOf(book, event, index(book, placeEmail, p.Email)))
	}
	rows, err := q.Query(ctx, sqlCircles, book.ID, event, names, donors, since)
	if err != nil {
		return nil, fmt.Errorf("look for circular flows: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Circle])
}

// HoldCircles marks the donors of circles, so that what they give from now on is held where the rule says so, and holds what they have earned
// and was not paid. It gives the sum that is held by it; again it holds nothing more.
func HoldCircles(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, circles []Circle, s Sign) (held int64, err error) {
	for _, c := range circles {
		path := fmt.Sprintf("%s %s %d %d", c.Payment, c.PaidOn.Format(time.DateOnly), c.Paid, c.Given)
		if _, err := tx.Exec(ctx, sqlCircleInsert, book.ID, event, c.Donor, path, s.At); err != nil {
			return held, fmt.Errorf("mark circular flow: %w", err)
		}
		awards, err := awardsBySeq(ctx, tx, book, event, c.Seqs)
		if err != nil {
			return held, err
		}
		var seqs []int64
		for _, a := range awards {
			if a.Pool != "" {
				seqs = append(seqs, a.Seq)
			}
		}
		for from := 0; from < len(seqs); from += AwardsMax {
			n, err := ChangeAwards(ctx, tx, book, event, StepHold, seqs[from:min(from+AwardsMax, len(seqs))], "circular flow: "+c.Payment.String(), s)
			if err != nil {
				return held, err
			}
			held += n
		}
	}
	return held, nil
}
