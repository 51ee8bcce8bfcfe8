package plans

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a charge.
const (
	ChargePaid   = "paid"
	ChargeFailed = "failed"
)

// Charge is what a processor asked of a card for a plan.
type Charge struct {
	Invoice  string // the processor's number
	Amount   int64  // minor units of Currency, what covers the fee included
	Currency string
	State    string     // ChargePaid or ChargeFailed
	Tries    int        // so far
	NextTry  *time.Time // nil: it is tried no more
	AskedAt  time.Time
	Gift     uuid.UUID // of a paid one
}

const (
	sqlCardsUpcoming = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.way = 'card' and p.every = 'year' and p.state = 'active' and p.subscription <> '' and p.next_on > $2 and p.next_on <= $3
   and not exists (select from plan_notice n where n.book_id = p.book_id and n.plan_id = p.id and n.due_on = p.next_on)
 order by p.next_on, p.id limit $4 for update skip locked`

	sqlNoticeInsert = `insert into plan_notice (book_id, plan_id, due_on, sent_at) values ($1, $2, $3, $4) on conflict do nothing`

	sqlCardsClosed = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.way = 'card' and p.state in ('active', 'paused')
   and exists (select from campaign c where c.book_id = p.book_id and c.campaign_id = p.campaign_id and (c.state = 'closed' or c.closes_at <= $2))
 order by p.id limit $3 for update skip locked`

	// It was opened with the amount of the first gift, whatever the donor has changed since.
	sqlPlanOpened = `
update plan set processor = $3, subscription = $4, customer = $5, told_state = 'active',
       told_amount = coalesce((select c.amount from checkout c where c.book_id = $1 and c.id = plan.first_gift), 0)
 where book_id = $1 and id = $2 and subscription = ''`

	sqlPlanRenewed = `update plan set next_on = $3 where book_id = $1 and id = $2 and next_on < $3`

	sqlPlanFailing = `update plan set failing = $3 where book_id = $1 and id = $2 and failing <> $3`

	sqlPlanCard = `update plan set card_at = $3 where book_id = $1 and id = $2 and (card_at is null or card_at < $3)`

	// Paid stays paid, and of two answers about a failure the later counts.
	sqlChargeNote = `
insert into plan_charge as c (book_id, plan_id, invoice, amount, ccy, state, tries, next_try, asked_at, gift_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($10, '00000000-0000-0000-0000-000000000000'::uuid))
on conflict (book_id, plan_id, invoice) do update
   set state = excluded.state, tries = excluded.tries, next_try = excluded.next_try, gift_id = excluded.gift_id
 where c.state = 'failed' and (excluded.state = 'paid' or excluded.tries > c.tries or excluded.tries = c.tries and c.next_try is not null and excluded.next_try is null)
returning xmax = 0`

	sqlCharges = `
select invoice, amount, ccy, state, tries, next_try, asked_at, coalesce(gift_id, '00000000-0000-0000-0000-000000000000') from plan_charge
 where book_id = $1 and plan_id = $2 order by asked_at desc, invoice desc limit 36`
)

// stepCards writes before yearly charges and ends plans whose campaign takes no gifts any more.
func stepCards(ctx context.Context, tx pgx.Tx, book *ledger.Book, today, now time.Time) (int, error) {
	rules, err := giving.ReadRules(ctx, tx, book)
	if err != nil {
		return 0, err
	}
	closed, err := query(ctx, tx, sqlCardsClosed, book.ID, now, stepMax)
	if err != nil {
		return 0, err
	}
	for i := range closed {
		if err := closed[i].stop(ctx, tx, book, Campaign, now); err != nil {
			return 0, err
		}
	}
	upcoming, err := query(ctx, tx, sqlCardsUpcoming, book.ID, today, today.AddDate(0, 0, rules.NoticeDays), stepMax)
	if err != nil {
		return 0, err
	}
	for i := range upcoming {
		p := &upcoming[i]
		tag, err := tx.Exec(ctx, sqlNoticeInsert, book.ID, p.ID, p.NextOn, now)
		if err != nil {
			return 0, fmt.Errorf("note letter before a charge: %w", err)
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		if err := p.tell(ctx, tx, book, giving.UpcomingLetter, now); err != nil {
			return 0, err
		}
	}
	return len(closed) + len(upcoming), nil
}

// tell leaves a letter about a plan. Who was erased gets none.
func (p *Plan) tell(ctx context.Context, tx pgx.Tx, book *ledger.Book, kind giving.LetterKind, now time.Time) error {
	told, err := giving.Donors(ctx, tx, book, []uuid.UUID{p.Donor})
	if err != nil {
		return err
	}
	if _, there := told[p.Donor]; !there {
		return nil
	}
	return giving.PostLetter(ctx, tx, book, giving.Letter{Donor: p.Donor, Kind: kind, About: p.ID, Lang: p.Lang}, now)
}

// stop ends a plan with a letter.
func (p *Plan) stop(ctx context.Context, tx pgx.Tx, book *ledger.Book, reason string, now time.Time) error {
	p.end(reason, now)
	if err := p.set(ctx, tx, book); err != nil {
		return err
	}
	return p.tell(ctx, tx, book, giving.StoppedLetter, now)
}

// Opened notes the processor's number of a plan by card and the day of its next charge. The same again changes nothing. ErrNoPlan.
func Opened(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, c Card, next time.Time) error {
	if _, err := one(ctx, tx, sqlPlanTake, book.ID, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlPlanOpened, book.ID, id, c.Processor, c.Subscription, c.Customer); err != nil {
		return fmt.Errorf("note subscription of plan %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, sqlPlanRenewed, book.ID, id, next); err != nil {
		return fmt.Errorf("note next charge of plan %s: %w", id, err)
	}
	return nil
}

// NoteCharge notes what became of a charge, in whatever order it is told. The first failure writes to the donor; the last one ends the
// plan with a letter. ErrNoPlan.
func NoteCharge(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, c Charge, now time.Time) error {
	p, err := one(ctx, tx, sqlPlanTake, book.ID, id) // one at a time
	if err != nil {
		return err
	}
	var first bool
	rows, err := tx.Query(ctx, sqlChargeNote, book.ID, id, c.Invoice, c.Amount, c.Currency, c.State, c.Tries, c.NextTry, c.AskedAt, c.Gift)
	if err != nil {
		return fmt.Errorf("note charge of plan %s: %w", id, err)
	}
	news, err := pgx.ForEachRow(rows, []any{&first}, func() error { return nil })
	if err != nil {
		return fmt.Errorf("note charge of plan %s: %w", id, err)
	}
	if news.RowsAffected() == 0 {
		return nil // told before
	}
	failing := c.State == ChargeFailed && p.State != Ended && p.State != New && c.NextTry != nil
	if _, err := tx.Exec(ctx, sqlPlanFailing, book.ID, id, failing); err != nil {
		return fmt.Errorf("note failing card of plan %s: %w", id, err)
	}
	switch {
	case c.State == ChargePaid || p.State == Ended || p.State == New: // a first payment fails on the payment page
		return nil
	case c.NextTry == nil:
		return p.stop(ctx, tx, book, DeadCard, now)
	case first:
		return p.tell(ctx, tx, book, giving.FailingLetter, now)
	}
	return nil
}

// EndedThere ends a plan that the processor has ended: because its card failed, or because somebody did it there.
func EndedThere(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, now time.Time) error {
	p, err := one(ctx, tx, sqlPlanTake, book.ID, id)
	if err != nil || p.State == Ended {
		return err
	}
	reason := Outside
	if p.Failing {
		reason = DeadCard
	}
	return p.stop(ctx, tx, book, reason, now)
}

// NewCard notes that the donor put another card at that time.
func NewCard(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, at time.Time) error {
	if _, err := tx.Exec(ctx, sqlPlanCard, book.ID, id, at); err != nil {
		return fmt.Errorf("note card of plan %s: %w", id, err)
	}
	return nil
}

// Charges lists what a plan's card was asked for, the latest first, at most 36.
func Charges(ctx context.Context, q pg.Querier, book *ledger.Book, plan uuid.UUID) ([]Charge, error) {
	rows, err := q.Query(ctx, sqlCharges, book.ID, plan)
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Charge])
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	return list, nil
}

// Telling is what a processor has to be told of a plan by card.
type Telling struct {
	Plan  Plan
	State string // Active, Paused or Ended
	Try   int    // counts up with each try: part of the idempotency key
}

// tellLease is how long a telling is left to whoever took it.
const tellLease = time.Minute

const (
	// What was told is unknown from here on, until Told: a try whose answer is lost is made again.
	sqlTellTake = `
update plan p set told_state = '', tells = p.tells + 1, tell_at = $2::timestamptz + $4::interval
 where p.book_id = $1 and p.id = (select id from plan
        where book_id = $1 and way = 'card' and processor = $3 and subscription <> '' and tell_at <= $2
          and case when state = 'new' then 'active' else state end <> told_state
           or book_id = $1 and way = 'card' and processor = $3 and subscription <> '' and tell_at <= $2 and state <> 'ended' and amount <> told_amount
        order by tell_at, id limit 1 for update skip locked)
returning ` + planColumns + `, p.tells`

	sqlTellDone  = `update plan set told_state = $3, told_amount = $4, tell_at = '-infinity' where book_id = $1 and id = $2 and tells = $5`
	sqlTellLater = `update plan set tell_at = $3 where book_id = $1 and id = $2 and tells = $4`
)

// ToTell takes a plan that the processor has to be told of; nil for none. One at a time: what was taken long before it is told may be old.
func ToTell(ctx context.Context, q pg.Querier, book *ledger.Book, processor string, now time.Time) (*Telling, error) {
	rows, err := q.Query(ctx, sqlTellTake, book.ID, now, processor, tellLease)
	if err != nil {
		return nil, fmt.Errorf("take plan to tell: %w", err)
	}
	type taken struct {
		Plan
		Tells int
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[taken])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("take plan to tell: %w", err)
	}
	t := &Telling{Plan: p.Plan, State: p.State, Try: p.Tells}
	if p.State == New {
		t.State = Active
	}
	return t, nil
}

// Told notes that the processor has heard.
func Told(ctx context.Context, q pg.Querier, book *ledger.Book, t *Telling) error {
	if _, err := q.Exec(ctx, sqlTellDone, book.ID, t.Plan.ID, t.State, t.Plan.Amount, t.Try); err != nil {
		return fmt.Errorf("note telling of plan %s: %w", t.Plan.ID, err)
	}
	return nil
}

// TellLater has the processor told again at a later time.
func TellLater(ctx context.Context, q pg.Querier, book *ledger.Book, t *Telling, at time.Time) error {
	if _, err := q.Exec(ctx, sqlTellLater, book.ID, t.Plan.ID, at, t.Try); err != nil {
		return fmt.Errorf("note telling of plan %s: %w", t.Plan.ID, err)
	}
	return nil
}
