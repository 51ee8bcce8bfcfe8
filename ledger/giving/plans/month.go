package plans

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	missedMax = 3 // letters in a row without a payment end a plan
	stepMax   = 100
	newLife   = 3 * 24 * time.Hour // in which the first gift has to be paid
)

const (
	sqlPlansBegin = `
update plan p set state = 'active' from checkout c
 where p.book_id = $1 and p.state = 'new' and c.book_id = p.book_id and c.id = p.first_gift and c.state = 'paid'`

	sqlPlansForget = `
update plan p set state = 'ended', reason = 'unpaid', ended_at = $2 from checkout c
 where p.book_id = $1 and p.state = 'new' and p.made_at < $3 and c.book_id = p.book_id and c.id = p.first_gift and c.state in ('started', 'failed')`

	sqlPlansDue = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.state = 'active' and p.way = 'letter' and p.next_on <= $2 order by p.next_on, p.id limit $3 for update skip locked`

	sqlMonthInsert = `
insert into plan_month (book_id, plan_id, month, amount, reminded_at) values ($1, $2, $3, $4, $5) on conflict do nothing`

	sqlMonths = `
select month, amount, reminded_at, tries from plan_month where book_id = $1 and plan_id = $2 order by month desc limit 12`

	sqlMonthTry = `update plan_month set tries = $4 where book_id = $1 and plan_id = $2 and month = $3`

	sqlFormStates = `select form_id, state from checkout where book_id = $1 and form_id = any($2::uuid[])`
)

// formID is the form that pays a month's letter, once for each try: the same form is one gift.
func formID(plan uuid.UUID, month time.Time, try int) uuid.UUID {
	return ledger.HashedID(fmt.Appendf(nil, "plan\n%s\n%s\n%d", plan, month.Format("2006-01"), try))
}

// Step does what is due of a book: plans whose first gift is paid become active, and each active one whose day has come gets its one
// letter of this month, whoever runs and however often. Months that passed while nobody ran are not made up for. Plans by card get their
// letter before a yearly charge, and end with their campaign. It returns how many plans were due.
func Step(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (int, error) {
	if _, err := tx.Exec(ctx, sqlPlansBegin, book.ID); err != nil {
		return 0, fmt.Errorf("begin plans: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlPlansForget, book.ID, now, now.Add(-newLife)); err != nil {
		return 0, fmt.Errorf("forget plans: %w", err)
	}
	today := book.Day(now)
	due, err := query(ctx, tx, sqlPlansDue, book.ID, today, stepMax)
	if err != nil {
		return 0, err
	}
	for i := range due {
		if err := due[i].turn(ctx, tx, book, today, now); err != nil {
			return 0, fmt.Errorf("plan %s: %w", due[i].ID, err)
		}
	}
	cards, err := stepCards(ctx, tx, book, today, now)
	return len(due) + cards, err
}

// turn asks for this month's gift, or ends the plan with a letter.
func (p *Plan) turn(ctx context.Context, tx pgx.Tx, book *ledger.Book, today, now time.Time) error {
	campaign, err := giving.CampaignByID(ctx, tx, book, p.CampaignID)
	if err != nil {
		return err
	}
	months, err := Months(ctx, tx, book, p.ID)
	if err != nil {
		return err
	}
	kind := giving.ReminderLetter
	switch {
	case !campaign.Open(now):
		p.end(Campaign, now)
		kind = giving.StoppedLetter
	case missed(months):
		p.end(Missed, now)
		kind = giving.StoppedLetter
	default:
		tag, err := tx.Exec(ctx, sqlMonthInsert, book.ID, p.ID, ledger.Day(today.Year(), today.Month(), 1), p.Amount, now)
		if err != nil {
			return fmt.Errorf("note month: %w", err)
		}
		p.NextOn = FirstDue(today, p.Day, p.Every)
		if tag.RowsAffected() == 0 { // this month had its letter
			return p.set(ctx, tx, book)
		}
	}
	if err := p.set(ctx, tx, book); err != nil {
		return err
	}
	return giving.PostLetter(ctx, tx, book, giving.Letter{Donor: p.Donor, Kind: kind, About: p.ID, Lang: p.Lang}, now)
}

func missed(months []Month) bool {
	for i := range min(len(months), missedMax) {
		if months[i].Paid || months[i].Pending {
			return false
		}
	}
	return len(months) >= missedMax
}

// Months lists the letters of a plan, the latest first, at most twelve.
func Months(ctx context.Context, q pg.Querier, book *ledger.Book, plan uuid.UUID) ([]Month, error) {
	rows, err := q.Query(ctx, sqlMonths, book.ID, plan)
	if err != nil {
		return nil, fmt.Errorf("read months: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Month, err error) {
		return m, row.Scan(&m.Month, &m.Amount, &m.RemindedAt, &m.Tries)
	})
	if err != nil {
		return nil, fmt.Errorf("read months: %w", err)
	}
	of := map[uuid.UUID]*Month{}
	var forms []uuid.UUID
	for i := range list {
		for try := range list[i].Tries + 1 {
			id := formID(plan, list[i].Month, try)
			of[id], forms = &list[i], append(forms, id)
		}
	}
	rows, err = q.Query(ctx, sqlFormStates, book.ID, forms)
	if err != nil {
		return nil, fmt.Errorf("read payments of months: %w", err)
	}
	var form uuid.UUID
	var state string
	_, err = pgx.ForEachRow(rows, []any{&form, &state}, func() error {
		of[form].Paid = of[form].Paid || state == giving.CheckoutPaid
		of[form].Pending = of[form].Pending || state == giving.CheckoutPending
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read payments of months: %w", err)
	}
	return list, nil
}

// Due is the month that can be paid now: the latest letter's, while it is not paid. Nil for none.
func Due(p *Plan, months []Month) *Month {
	if p.State != Active && p.State != Paused || len(months) == 0 || months[0].Paid || months[0].Pending {
		return nil
	}
	return &months[0]
}

// Pay starts the gift of the month that is due, for the donor to pay. However often it is asked, a month has one gift that can be paid; only
// one that failed is followed by another. ErrNoPlan, ErrNotDue, giving.ErrErased, and what giving.Begin refuses.
func Pay(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, channel giving.Channel, now time.Time) (*giving.Checkout, error) {
	p, err := one(ctx, tx, sqlPlanTake, book.ID, id) // one at a time
	if err != nil {
		return nil, err
	}
	months, err := Months(ctx, tx, book, id)
	if err != nil {
		return nil, err
	}
	due := Due(p, months)
	if due == nil {
		return nil, ErrNotDue
	}
	told, err := giving.Donors(ctx, tx, book, []uuid.UUID{p.Donor})
	if err != nil {
		return nil, err
	}
	donor, ok := told[p.Donor]
	if !ok {
		return nil, giving.ErrErased
	}
	form := giving.Form{FormID: formID(id, due.Month, due.Tries), CampaignID: p.CampaignID, Amount: money.Format(due.Amount, p.Currency), Currency: p.Currency,
		Name: donor.Name, Email: donor.Email, Anonymous: p.Anonymous, Lang: p.Lang, Channel: channel}
	c, err := p.begin(ctx, tx, book, form, now)
	if err != nil || c.State != giving.CheckoutFailed {
		return c, err
	}
	if due.Tries++; due.Tries > 9 {
		return nil, ErrNotDue
	}
	if _, err := tx.Exec(ctx, sqlMonthTry, book.ID, id, due.Month, due.Tries); err != nil {
		return nil, fmt.Errorf("note try: %w", err)
	}
	form.FormID = formID(id, due.Month, due.Tries)
	return p.begin(ctx, tx, book, form, now)
}

// begin starts a gift that pays the plan.
func (p *Plan) begin(ctx context.Context, tx pgx.Tx, book *ledger.Book, form giving.Form, now time.Time) (*giving.Checkout, error) {
	c, err := giving.Begin(ctx, tx, book, form, now)
	if err != nil {
		return nil, err
	}
	return c, NoteGift(ctx, tx, book, p.ID, c.ID)
}
