// Package plans is monthly and yearly giving. By letter: each time a letter with a link that opens the payment, and nothing is taken by
// itself. By card: the processor takes it each time, and the donor is told when a card fails or a year has gone by.
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

// Errors of plans.
var (
	ErrNoPlan  = errors.New("no such plan of monthly giving")
	ErrEnded   = errors.New("plan of monthly giving has ended")
	ErrNoEmail = errors.New("monthly giving needs an e-mail address")
	ErrNotDue  = errors.New("nothing is to be paid on this plan now")
	ErrAmount  = errors.New("amount or day is outside of what the campaign takes")
)

// States of a plan.
const (
	New    = "new" // the first gift is not paid yet
	Active = "active"
	Paused = "paused"
	Ended  = "ended"
)

// Reasons why a plan ended.
const (
	ByDonor  = "donor"
	Missed   = "missed"   // three letters in a row were not paid
	Campaign = "campaign" // it takes no gifts any more
	Erased   = "erased"
	Unpaid   = "unpaid"    // the first gift never was
	DeadCard = "card"      // the card failed until the processor tried no more
	Outside  = "processor" // it was ended there, not here
)

// Ways to give again and again.
const (
	ByLetter = "letter" // the donor pays each time, by whatever way
	ByCard   = "card"   // the processor takes it
)

// How often.
const (
	Monthly = "month"
	Yearly  = "year"
)

// DayMax is the latest day of a month that a plan can have: every month has it.
const DayMax = 28

// Plan is somebody's wish to give each month.
type Plan struct {
	ID         uuid.UUID
	Donor      uuid.UUID
	CampaignID int32
	Amount     int64 // minor units of Currency, from the next letter on
	Currency   string
	Day        int
	Anonymous  bool
	Lang       string
	State      string
	Reason     string
	MadeAt     time.Time
	NextOn     time.Time // of the next letter or charge
	EndedAt    *time.Time
	Way        string // ByLetter or ByCard
	Every      string // Monthly or Yearly
	Card
}

// Card is what the processor knows of a plan by card.
type Card struct {
	Processor    string // "stripe" or "sandbox"; empty until it is opened there
	Subscription string // its number there
	Customer     string
	Failing      bool       // the last charge failed and is tried again
	CardAt       *time.Time // when the donor put another card
	ToldState    string     // what it was told last; empty: nobody knows
	ToldAmount   int64
}

// Month is one letter of a plan, and whether it was paid.
type Month struct {
	Month      time.Time // its first day
	Amount     int64
	RemindedAt time.Time
	Tries      int
	Paid       bool
	Pending    bool // the processor has not said yet
}

const (
	planColumns = `p.id, p.donor_id, p.campaign_id, p.amount, p.ccy, p.day, p.anonymous, p.lang, p.state, p.reason, p.made_at, p.next_on, p.ended_at,
       p.way, p.every, p.processor, p.subscription, p.customer, p.failing, p.card_at, p.told_state, p.told_amount`

	sqlPlanInsert = `
insert into plan (book_id, id, donor_id, campaign_id, first_gift, amount, ccy, day, anonymous, lang, state, made_at, next_on, way, every)
select c.book_id, $3, c.donor_id, c.campaign_id, c.id, c.amount, c.ccy, $4, c.anonymity = 1, c.lang, 'new', $5, $6, $7, $8
  from checkout c where c.book_id = $1 and c.id = $2 and c.donor_id is not null
    on conflict (book_id, first_gift) do nothing`

	sqlGiftOfPlan = `insert into plan_gift (book_id, gift_id, plan_id) values ($1, $2, $3) on conflict do nothing`

	sqlPlanByID = `select ` + planColumns + ` from plan p where p.book_id = $1 and p.id = $2`

	sqlPlanByFirst = `select ` + planColumns + ` from plan p where p.book_id = $1 and p.first_gift = $2`

	sqlPlanTake = sqlPlanByID + ` for update`

	sqlPlansOfDonors = `
select ` + planColumns + ` from plan p where p.book_id = $1 and p.donor_id = any($2::uuid[]) order by p.id desc limit 100`

	sqlPlanSet = `update plan set amount = $3, day = $4, state = $5, reason = $6, next_on = $7, ended_at = $8 where book_id = $1 and id = $2`
)

// Terms are how somebody gives again and again.
type Terms struct{ Way, Every string }

// Start begins a plan with a started gift, which is its first payment, and gives it. The same gift begins one plan. ErrNoEmail.
func Start(ctx context.Context, tx pgx.Tx, book *ledger.Book, first *giving.Checkout, t Terms, now time.Time) (*Plan, error) {
	if first.Email == "" {
		return nil, ErrNoEmail
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id of a plan: %w", err)
	}
	today := book.Day(now)
	day := min(today.Day(), DayMax)
	if _, err := tx.Exec(ctx, sqlPlanInsert, book.ID, first.ID, id, day, now, FirstDue(today, day, t.Every), t.Way, t.Every); err != nil {
		return nil, fmt.Errorf("start plan: %w", err)
	}
	p, err := one(ctx, tx, sqlPlanByFirst, book.ID, first.ID)
	if err != nil {
		return nil, err
	}
	return p, NoteGift(ctx, tx, book, p.ID, first.ID)
}

// NoteGift notes that a gift pays a plan, before it is on the books: it counts from then on. The same again changes nothing.
func NoteGift(ctx context.Context, q pg.Querier, book *ledger.Book, plan, gift uuid.UUID) error {
	if _, err := q.Exec(ctx, sqlGiftOfPlan, book.ID, gift, plan); err != nil {
		return fmt.Errorf("note gift of plan %s: %w", plan, err)
	}
	return nil
}

// FirstDue is a plan's day in the month, or year, after today's.
func FirstDue(today time.Time, day int, every string) time.Time {
	months := time.Month(1)
	if every == Yearly {
		months = 12
	}
	return ledger.Day(today.Year(), today.Month()+months, day)
}

// ByID reads a plan, or ErrNoPlan.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Plan, error) {
	return one(ctx, q, sqlPlanByID, book.ID, id)
}

// ByRef reads a plan by the reference in its letters, or ErrNoPlan.
func ByRef(ctx context.Context, q pg.Querier, book *ledger.Book, ref string) (*Plan, error) {
	id, err := giving.ParseRef(book, ref)
	if err != nil {
		return nil, ErrNoPlan
	}
	return ByID(ctx, q, book, id)
}

// OfDonors lists plans of donors, the latest first.
func OfDonors(ctx context.Context, q pg.Querier, book *ledger.Book, donors []uuid.UUID) ([]Plan, error) {
	return query(ctx, q, sqlPlansOfDonors, book.ID, donors)
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (*Plan, error) {
	list, err := query(ctx, q, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrNoPlan
	}
	return &list[0], nil
}

func query(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Plan, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Plan])
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	return list, nil
}

// set stores what changed of a plan.
func (p *Plan) set(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	if _, err := tx.Exec(ctx, sqlPlanSet, book.ID, p.ID, p.Amount, p.Day, p.State, p.Reason, p.NextOn, p.EndedAt); err != nil {
		return fmt.Errorf("change plan %s: %w", p.ID, err)
	}
	return nil
}

func (p *Plan) end(reason string, now time.Time) { p.State, p.Reason, p.EndedAt = Ended, reason, &now }

// Change is what a donor changes of a plan. Zero fields leave it as it is.
type Change struct {
	Amount               int64
	Day                  int
	Pause, Resume, Leave bool
}

// Apply changes a plan, as its donor asks. What is due this month stays as it was told. ErrNoPlan, ErrEnded, ErrAmount.
func Apply(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, c Change, now time.Time) error {
	p, err := one(ctx, tx, sqlPlanTake, book.ID, id)
	if err != nil {
		return err
	}
	if p.State == Ended {
		return ErrEnded
	}
	if c.Amount != 0 {
		campaign, err := giving.CampaignByID(ctx, tx, book, p.CampaignID)
		if err != nil {
			return err
		}
		limits, err := giving.LimitsOf(ctx, tx, book, campaign, p.Currency)
		if err != nil {
			return err
		}
		if c.Amount < limits.Min || c.Amount > limits.Max || c.Amount%limits.Step != 0 {
			return fmt.Errorf("%w: %d", ErrAmount, c.Amount)
		}
		p.Amount = c.Amount
	}
	if c.Day != 0 && p.Way == ByLetter { // a card is charged on the day of the first payment
		if c.Day < 1 || c.Day > DayMax {
			return fmt.Errorf("%w: day %d", ErrAmount, c.Day)
		}
		p.Day = c.Day
		p.NextOn = ledger.Day(p.NextOn.Year(), p.NextOn.Month(), c.Day)
	}
	switch {
	case c.Leave:
		p.end(ByDonor, now)
	case c.Pause && p.State == Active:
		p.State = Paused
	case c.Resume && p.State == Paused:
		p.State = Active
		if today := book.Day(now); p.Way == ByLetter && p.NextOn.Before(today) { // months that were paused are not asked for
			p.NextOn = FirstDue(today, p.Day, Monthly)
		}
	}
	return p.set(ctx, tx, book)
}
