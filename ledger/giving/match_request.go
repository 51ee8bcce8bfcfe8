package giving

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Steps of an event that one person asks for and another approves.
const (
	MatchPublish  = "publish"   // Terms, From, Plans
	MatchOpen     = "open"      // the event
	MatchSettle   = "settle"    // Pool, Amount (empty: all that is earned), BankRef, Bank, Day
	MatchAwards   = "awards"    // Kind (StepRelease, StepRefuse, StepDisallow), Awards, Reason
	MatchClawBack = "claw-back" // Pool, Campaign, Amount, Cause
	MatchReturn   = "return"    // Pool: what is left returns to its funder
	MatchRoll     = "roll"      // Pool: what is left is free for a later event
	MatchGive     = "give"      // what is left is given to the campaigns
	MatchShare    = "share"     // the pools are shared now that all gifts are in
	MatchResume   = "resume"    // Reason: a stopped event decides gifts again; what it missed stays without match
)

// MatchRequest is what a request for such a step asks for (staff.MatchKind): the approver sees exactly this. Amounts are decimal strings
// of the book's currency.
type MatchRequest struct {
	Act      string     `json:"act"`
	Event    int32      `json:"event"`
	Terms    string     `json:"terms,omitempty"` // the rule as match.Rule.JSON writes it
	From     time.Time  `json:"from,omitzero"`
	Plans    []PoolPlan `json:"plans,omitempty"`
	Pool     string     `json:"pool,omitempty"`
	Campaign int32      `json:"campaign,omitempty"`
	Amount   string     `json:"amount,omitempty"`
	Bank     string     `json:"bank,omitempty"` // chart account
	BankRef  string     `json:"bank_ref,omitempty"`
	Day      time.Time  `json:"day,omitzero"`
	Kind     string     `json:"kind,omitempty"`
	Awards   []int64    `json:"awards,omitempty"` // by seq
	Reason   string     `json:"reason,omitempty"`
	Cause    Cause      `json:"cause,omitempty"`
}

// CarryOut does what is asked for, once for each Sign.Key, and gives the sum that moved: minor units of the book's currency. A rule whose moment
// has passed while it waited for approval is in force from the approval on. It refuses as the function of the step does.
func (r *MatchRequest) CarryOut(ctx context.Context, tx pgx.Tx, book *ledger.Book, s Sign) (moved int64, err error) {
	if r.Amount != "" {
		if moved, err = money.Parse(r.Amount, book.Currency); err != nil {
			return 0, err
		}
	}
	amount := moved
	switch r.Act {
	case MatchPublish:
		rule, err := match.Parse([]byte(r.Terms))
		if err != nil {
			return 0, err
		}
		_, err = PublishRule(ctx, tx, book, r.Event, rule, latest(r.From, s.At), r.Plans, s)
		return rule.Total(), err
	case MatchOpen:
		if err := s.two(); err != nil {
			return 0, err
		}
		return 0, OpenEvent(ctx, tx, book, r.Event, s.At)
	case MatchSettle:
		return SettleMatch(ctx, tx, book, r.Event, MatchPayment{Pool: r.Pool, Amount: amount, Bank: chart.ID(r.Bank), BankRef: r.BankRef, Day: r.Day}, s)
	case MatchAwards:
		return ChangeAwards(ctx, tx, book, r.Event, r.Kind, r.Awards, r.Reason, s)
	case MatchClawBack:
		return ClawBack(ctx, tx, book, r.Event, r.Pool, r.Campaign, amount, r.Cause, s)
	case MatchReturn:
		return ReturnRest(ctx, tx, book, r.Event, r.Pool, PayReturned, s)
	case MatchRoll:
		return ReturnRest(ctx, tx, book, r.Event, r.Pool, PayRolled, s)
	case MatchGive:
		return GiveAnyway(ctx, tx, book, r.Event, s)
	case MatchShare:
		return DecideEnd(ctx, tx, book, r.Event, s)
	case MatchResume:
		_, err := ResumeEvent(ctx, tx, book, r.Event, r.Reason, s)
		return 0, err
	}
	return 0, fmt.Errorf("%w: %q", ErrStep, r.Act)
}

// ReadMatchRequest reads the payload of a request.
func ReadMatchRequest(payload []byte) (*MatchRequest, error) {
	var r MatchRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("read request for a step of match: %w", err)
	}
	return &r, nil
}

// Complete fills in the amount that was left out, so that whoever approves decides on a number, and gives the sum that the step would move: minor
// units of the book's currency, what rules of approval look at. ErrNoPool, money.ErrSyntax, what match.Parse refuses.
func (r *MatchRequest) Complete(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (sum int64, err error) {
	if r.Act == MatchPublish {
		rule, err := match.Parse([]byte(r.Terms))
		if err != nil {
			return 0, err
		}
		r.Terms = string(rule.JSON())
		return rule.Total(), nil
	}
	amounts, err := AmountsOf(ctx, q, book, r.Event, now)
	if err != nil {
		return 0, err
	}
	var pool *PoolAmounts
	for i := range amounts.Pools {
		if amounts.Pools[i].Pool == r.Pool {
			pool = &amounts.Pools[i]
		}
	}
	if r.Amount != "" {
		if sum, err = money.Parse(r.Amount, book.Currency); err != nil {
			return 0, err
		}
	}
	switch r.Act {
	case MatchSettle, MatchClawBack, MatchReturn, MatchRoll:
		if pool == nil {
			return 0, ErrNoPool
		}
		switch {
		case r.Act == MatchSettle && sum == 0:
			sum = pool.Reserved
		case r.Act == MatchReturn || r.Act == MatchRoll:
			return pool.Pledged, nil
		}
		r.Amount = money.Format(sum, book.Currency)
	case MatchGive, MatchShare:
		return amounts.Pledged, nil
	case MatchAwards:
		awards, err := awardsBySeq(ctx, q, book, r.Event, r.Awards)
		if err != nil {
			return 0, err
		}
		for _, a := range awards {
			sum += a.Left
		}
	}
	return sum, nil
}

// Try refuses what could not be carried out as things stand: it is carried out as two people would, and taken back. Sharing is not tried, for it
// holds the book up for as long as it takes.
func (r *MatchRequest) Try(ctx context.Context, tx pgx.Tx, book *ledger.Book, by uuid.UUID, now time.Time) error {
	if r.Act == MatchShare {
		return nil
	}
	inner, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("try step of match: %w", err)
	}
	second := uuid.New() // whoever it will be
	_, refused := r.CarryOut(ctx, inner, book, Sign{Key: second, By: by, Second: second, At: now, Made: by.String(), Check: second.String()})
	if err := inner.Rollback(ctx); err != nil {
		return fmt.Errorf("take back what was tried: %w", err)
	}
	return refused
}
