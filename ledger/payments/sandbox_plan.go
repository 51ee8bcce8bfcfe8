package payments

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/money"
)

// The sandbox tries a refused card so often, so far apart, as processors do.
const (
	sandboxTries = 4
	sandboxRetry = 3 * 24 * time.Hour
)

const (
	sqlSandboxCardSet = `
insert into sandbox_card (book_id, plan_id, dead) values ($1, $2, $3) on conflict (book_id, plan_id) do update set dead = excluded.dead`

	sqlSandboxCard = `select coalesce(bool_or(dead), false) from sandbox_card where book_id = $1 and plan_id = $2`
)

// ChargeSandboxPlans charges the cards of plans that are due at the sandbox, and says how many. What comes of each reaches us by the
// sandbox's events, as with a real processor.
func ChargeSandboxPlans(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (n int, err error) {
	if !book.Sandbox {
		return 0, nil
	}
	fresh, err := plans.CardsToOpen(ctx, tx, book, giving.Sandbox)
	if err != nil {
		return 0, err
	}
	for i := range fresh {
		p := &fresh[i]
		card := plans.Card{Processor: SandboxCode, Subscription: "sbx_sub_" + p.ID.String(), Customer: "sbx_cus_" + p.Donor.String()}
		if err := plans.Opened(ctx, tx, book, p.ID, card, p.NextOn); err != nil {
			return 0, err
		}
	}
	today := book.Day(now)
	due, err := plans.CardsDue(ctx, tx, book, SandboxCode, today)
	if err != nil {
		return 0, err
	}
	for i := range due {
		p := &due[i]
		if p.State == plans.Active { // what is paused is not asked for
			if err := chargeSandbox(ctx, tx, book, p, nil, now); err != nil {
				return 0, err
			}
		}
		if err := plans.Renewed(ctx, tx, book, p.ID, plans.FirstDue(today, p.Day, p.Every)); err != nil {
			return 0, err
		}
	}
	again, err := plans.CardsToRetry(ctx, tx, book, SandboxCode, now)
	if err != nil {
		return 0, err
	}
	for i := range again {
		charges, err := plans.Charges(ctx, tx, book, again[i].ID)
		if err != nil {
			return 0, err
		}
		for j := range charges {
			if c := &charges[j]; c.NextTry != nil && !c.NextTry.After(now) {
				if err := chargeSandbox(ctx, tx, book, &again[i], c, now); err != nil {
					return 0, err
				}
			}
		}
	}
	return len(fresh) + len(due) + len(again), nil
}

// chargeSandbox charges a card: for the first time, or again for what was refused before.
func chargeSandbox(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *plans.Plan, before *plans.Charge, now time.Time) error {
	charges, err := plans.Charges(ctx, tx, book, p.ID)
	if err != nil {
		return err
	}
	c := plans.Charge{Invoice: fmt.Sprintf("sbx_in_%s_%d", p.ID, p.NextOn.Unix()+int64(len(charges))), Amount: p.Amount, Currency: p.Currency, AskedAt: now}
	if before != nil {
		c = *before
	}
	c.Tries++
	told, err := giving.Donors(ctx, tx, book, []uuid.UUID{p.Donor})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "sandbox\n%s\n%d", c.Invoice, c.Tries))
	form := giving.Form{FormID: uuid.UUID(sum[:16]), CampaignID: p.CampaignID, Amount: money.Format(p.Amount, p.Currency), Currency: p.Currency,
		Name: told[p.Donor].Name, Email: told[p.Donor].Email, Anonymous: p.Anonymous, Lang: p.Lang, Channel: giving.Sandbox}
	gift, err := giving.Begin(ctx, tx, book, form, now)
	var wrong *giving.FieldErrors
	if errors.As(err, &wrong) {
		return nil // the campaign has closed, or asks more by now: nothing is taken
	}
	if err != nil {
		return err
	}
	if err := plans.NoteGift(ctx, tx, book, p.ID, gift.ID); err != nil {
		return err
	}
	campaign, err := giving.CampaignByID(ctx, tx, book, p.CampaignID)
	if err != nil {
		return err
	}
	session, err := OpenSession(ctx, tx, book, gift, campaign.Title(p.Lang), "/plan/"+giving.Ref(book, p.ID), now)
	if err != nil {
		return err
	}
	var dead bool
	if err := tx.QueryRow(ctx, sqlSandboxCard, book.ID, p.ID).Scan(&dead); err != nil {
		return fmt.Errorf("read card of plan %s: %w", p.ID, err)
	}
	c.Amount, c.NextTry = session.Amount, nil
	decision := Decision{Result: Success}
	c.State, c.Gift = plans.ChargePaid, gift.ID
	if dead {
		decision.Result = Fail
		c.State, c.Gift = plans.ChargeFailed, uuid.Nil
		if c.Tries < sandboxTries {
			at := now.Add(sandboxRetry)
			c.NextTry = &at
		}
	}
	if _, err := Decide(ctx, tx, book, session.ID, decision, now); err != nil {
		return err
	}
	return plans.NoteCharge(ctx, tx, book, p.ID, c, now)
}

// SandboxCard has the sandbox refuse a plan's card from now on, or take another one, which pays at once what was refused. ErrNotByCard.
func SandboxCard(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *plans.Plan, dead bool, now time.Time) error {
	if p.Processor != SandboxCode {
		return ErrNotByCard
	}
	if p.State == plans.Ended {
		return plans.ErrEnded
	}
	if _, err := tx.Exec(ctx, sqlSandboxCardSet, book.ID, p.ID, dead); err != nil {
		return fmt.Errorf("set card of plan %s: %w", p.ID, err)
	}
	if dead {
		return nil
	}
	if err := plans.NewCard(ctx, tx, book, p.ID, now); err != nil || !p.Failing {
		return err
	}
	return SandboxNext(ctx, tx, book, p, now)
}

// SandboxNext has the next charge of a plan, or the next try of one that was refused, come at once. ErrNotByCard.
func SandboxNext(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *plans.Plan, now time.Time) error {
	if p.Processor != SandboxCode {
		return ErrNotByCard
	}
	if err := plans.Bring(ctx, tx, book, p, now); err != nil {
		return err
	}
	_, err := ChargeSandboxPlans(ctx, tx, book, now)
	return err
}
