package calls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
)

var (
	// ErrWindow means that it is too early or too late: objections are taken while the notice stands, awards made after it. Say until when.
	ErrWindow = errors.New("outside the days of the public notice")
	// ErrObjections means that somebody objected and is not answered yet. Answer first.
	ErrObjections = errors.New("an objection is not answered")
	// ErrRoom means that the call's budget, less what was awarded, has no room for the proposal. Say so.
	ErrRoom = errors.New("budget of the call has no room for the proposal")
)

// Objection is what somebody says against a ranking, of one proposal or of all.
type Objection struct {
	ID         uuid.UUID
	CallID     uuid.UUID
	ProposalID *uuid.UUID
	Text       string
	Resident   *uuid.UUID
	Person     *uuid.UUID
	FiledAt    time.Time
	State      string // ObjectionOpen, Rejected, Upheld
	Answer     string
	AnsweredAt *time.Time
}

// States of an objection.
const (
	ObjectionOpen = "open"
	Rejected      = "rejected"
	Upheld        = "upheld" // the proposal is struck, and the rest ranked and shown anew
)

const objectionsMax = 500

const (
	// The open ones are in the list however long it is.
	sqlObjections = `
select * from (select id, call_id, proposal_id, body, resident_id, person_id, filed_at, state, answer, answered_at from call_objection
                where book_id = $1 and call_id = $2 order by state <> 'open', filed_at, id limit $3) o order by filed_at, id`
	sqlObjectionStands = `select exists (select from call_objection where book_id = $1 and call_id = $2 and state = 'open')`
	sqlObjectionInsert = `
insert into call_objection (book_id, id, call_id, proposal_id, body, resident_id, person_id, filed_at, state) values ($1, $2, $3, $4, $5, $6, $7, $8, 'open') on conflict (book_id, id) do nothing`
	sqlObjectionMove = `update call_objection set state = $4, answer = $5, answered_at = $6 where book_id = $1 and id = $2 and state = $3`
	sqlOptionLast    = `select max(place) from poll_option where book_id = $1 and poll_id = $2`
	sqlAwarded       = `select coalesce(sum(amount), 0)::int8 from proposal where book_id = $1 and call_id = $2 and state = 'awarded'`
)

// Objections lists what was said against a call, oldest first.
func Objections(ctx context.Context, q pg.Querier, book *ledger.Book, call uuid.UUID) ([]Objection, error) {
	return rows[Objection](ctx, q, "objections", sqlObjections, book.ID, call, objectionsMax)
}

// Announce plans that the ranking is shown to the public until a moment, for anybody to object. ErrReviews, ErrWindow before the close,
// giving.ErrStep, also when scores were given since that change it.
func Announce(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, until, now time.Time) (*giving.Move, error) {
	if c.State != Open {
		return nil, giving.ErrStep
	}
	if now.Before(c.ClosesAt) {
		return nil, ErrWindow
	}
	ranked, err := Ranking(ctx, q, book, c)
	if err != nil {
		return nil, err
	}
	if len(ranked) == 0 {
		return nil, ErrReviews
	}
	to := *c
	to.State, to.NoticeFrom, to.NoticeUntil = Notice, &now, &until
	return c.move(book, "call-announced", c.Name()+" "+c.Title, to, func(ctx context.Context, tx pgx.Tx) error {
		// Scores that were given since are there now, and no more come.
		now, err := Ranking(ctx, tx, book, c)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(ranked, now, func(a, b Ranked) bool {
			return a.ID == b.ID && a.Version == b.Version && a.Total == b.Total && a.Fits == b.Fits
		}) {
			return giving.ErrStep
		}
		for i := range ranked {
			one := &ranked[i]
			rank, to := int16(i+1), one.Proposal
			to.State, to.Points, to.Rank = Reserve, &one.Total, &rank
			if one.Fits {
				to.State = Chosen
			}
			if err := one.becomes(ctx, tx, book, to); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

// TakesObjections tells whether somebody may object at a moment.
func (c *Call) TakesObjections(now time.Time) bool {
	return c.State == Notice && !now.Before(*c.NoticeFrom) && now.Before(*c.NoticeUntil)
}

// Object takes an objection in: of a resident, or of staff who received a letter. The same id again changes nothing. ErrWindow,
// *giving.FieldErrors, giving.ErrNoRecord for a proposal of another call.
func Object(ctx context.Context, tx pgx.Tx, book *ledger.Book, c *Call, o Objection, now time.Time) error {
	if !c.TakesObjections(now) {
		return ErrWindow
	}
	var wrong giving.FieldErrors
	wrong.Text("objection", o.Text, 2, 400)
	if err := wrong.Err(); err != nil {
		return err
	}
	if o.ProposalID != nil {
		p, err := ProposalByID(ctx, tx, book, *o.ProposalID)
		if err != nil {
			return err
		}
		if p.CallID == nil || *p.CallID != c.ID {
			return giving.ErrNoRecord
		}
	}
	if _, err := tx.Exec(ctx, sqlObjectionInsert, book.ID, o.ID, c.ID, o.ProposalID, o.Text, o.Resident, o.Person, now); err != nil {
		return fmt.Errorf("file objection: %w", err)
	}
	return nil
}

// ObjectMove plans an objection that staff write down from a letter. ErrWindow, *giving.FieldErrors.
func ObjectMove(book *ledger.Book, c *Call, o Objection, now time.Time) (*giving.Move, error) {
	if !c.TakesObjections(now) {
		return nil, ErrWindow
	}
	var wrong giving.FieldErrors
	wrong.Text("objection", o.Text, 2, 400)
	return &giving.Move{Source: "call", Object: c.Object(), Act: "call-objected", Note: o.Text, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return Object(ctx, tx, book, c, o, now)
	}}, wrong.Err()
}

// Answer plans the answer to an objection. Where it is upheld, the proposal it is about is struck, and the rest is to be ranked and shown anew.
// *giving.FieldErrors, giving.ErrStep.
func Answer(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, o *Objection, upheld bool, answer string, now time.Time) (*giving.Move, error) {
	if c.State != Notice || o.State != ObjectionOpen || o.CallID != c.ID {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("answer", answer, 2, 400)
	list, err := Proposals(ctx, q, book, Filter{All: true, Call: &c.ID, Limit: 1000})
	if err != nil {
		return nil, err
	}
	state, to := Rejected, *c
	if upheld {
		state, to.State, to.NoticeFrom, to.NoticeUntil = Upheld, Open, nil, nil
	}
	return c.move(book, "objection-"+state, answer, to, func(ctx context.Context, tx pgx.Tx) error {
		if err := giving.Settled(ctx, tx, sqlObjectionMove, book.ID, o.ID, ObjectionOpen, state, answer, now); err != nil || !upheld {
			return err
		}
		for i := range list {
			p := &list[i]
			if p.Rank == nil {
				continue
			}
			again := *p
			again.Points, again.Rank = nil, nil
			if p.State == Chosen || p.State == Reserve {
				again.State = Eligible
			}
			if o.ProposalID != nil && *o.ProposalID == p.ID {
				again.State, again.Verdict = Refused, answer
			}
			if err := p.becomes(ctx, tx, book, again); err != nil {
				return err
			}
		}
		return nil
	}), wrong.Err()
}

// over says what stands against awarding under the call.
func (c *Call) over(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) error {
	if c.State != Notice {
		return giving.ErrStep
	}
	if now.Before(*c.NoticeUntil) {
		return ErrWindow
	}
	var open bool
	if err := q.QueryRow(ctx, sqlObjectionStands, book.ID, c.ID).Scan(&open); err != nil {
		return fmt.Errorf("look for objections: %w", err)
	}
	if open {
		return ErrObjections
	}
	return nil
}

// held makes a step of a proposal take turns with the steps of its call: what was read of the call and its other proposals still stands.
func (c *Call) held(book *ledger.Book, m *giving.Move) *giving.Move {
	settle, settleAs := m.Settle, m.SettleAs
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s giving.Sign) error {
		if err := c.becomes(ctx, tx, book, *c); err != nil {
			return err
		}
		if settleAs != nil {
			return settleAs(ctx, tx, entry, s)
		}
		return settle(ctx, tx, entry)
	}
	return m
}

// PutToVote plans that residents decide among the proposals that passed: they become the projects of a draft of a vote on the same fund, in the
// order of the ranking. ErrWindow, ErrObjections, *giving.FieldErrors, polls errors, giving.ErrStep.
func PutToVote(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, poll *polls.Poll, now time.Time) (*giving.Move, error) {
	if err := c.over(ctx, q, book, now); err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	if poll.Budget > c.Budget {
		wrong.Refuse("vote", "call.vote.budget")
	}
	ranked, err := Ranking(ctx, q, book, c)
	if err != nil {
		return nil, err
	}
	var steps []func(ctx context.Context, tx pgx.Tx) error
	for i := range ranked {
		one := &ranked[i]
		if one.Total < c.Pass || one.PollID != nil || one.State != Chosen && one.State != Reserve {
			continue
		}
		if one.FundID != poll.FundID || poll.StreetID != c.StreetID {
			wrong.Refuse("vote", "call.vote.fund")
			return nil, wrong.Err()
		}
		about := []rune(one.Plan)
		add, err := polls.Add(book, poll, polls.Choice{TitleZH: one.Title, TitleEN: one.Title, About: string(about[:min(len(about), 1000)]), Cost: one.Amount})
		if err != nil {
			return nil, err
		}
		steps = append(steps, func(ctx context.Context, tx pgx.Tx) error {
			if err := add.Settle(ctx, tx, uuid.Nil); err != nil {
				return err
			}
			var place int16
			if err := tx.QueryRow(ctx, sqlOptionLast, book.ID, poll.ID).Scan(&place); err != nil {
				return fmt.Errorf("read place: %w", err)
			}
			to := one.Proposal
			to.PollID, to.PollPlace = &poll.ID, &place
			return one.becomes(ctx, tx, book, to)
		})
	}
	if len(steps) == 0 {
		return nil, giving.ErrStep
	}
	return c.move(book, "call-to-vote", poll.Name(), *c, func(ctx context.Context, tx pgx.Tx) error {
		for _, step := range steps {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}), wrong.Err()
}

// Award plans that a proposal becomes a project with its budget, which stands in the memo accounts from then on; the need it answers is taken
// up. The project is called by the id of its proposal. Under a call after the notice, when every objection is answered; where residents decide about the fund, with their vote. A second
// person approves. use is the purpose of the fund's charter that the project serves; empty where there is one alone or none. ErrWindow, ErrObjections,
// ErrRoom, projects.ErrVote, polls.ErrNotWon, projects.ErrPayee, giving.ErrStep.
func Award(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, use string, day, now time.Time) (*giving.Move, error) {
	c, err := p.callOf(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c != nil {
		if err := c.over(ctx, q, book, now); err != nil {
			return nil, err
		}
	}
	if p.State != Chosen && (p.State != Reserve || p.PollID == nil) && (p.State != Eligible || c != nil) {
		return nil, giving.ErrStep
	}
	if c != nil { // what residents chose may be more than the ranking took
		var awarded int64
		if err := q.QueryRow(ctx, sqlAwarded, book.ID, c.ID).Scan(&awarded); err != nil {
			return nil, fmt.Errorf("add up awards: %w", err)
		}
		if awarded+p.Amount > c.Budget {
			return nil, ErrRoom
		}
	}
	payee, err := projects.PayeeByID(ctx, q, book, p.PayeeID)
	if err != nil {
		return nil, err
	}
	if payee.Credit == projects.Barred {
		return nil, projects.ErrPayee
	}
	items, err := Items(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	var decision *projects.Decision
	if p.PollID != nil {
		decision = &projects.Decision{Poll: *p.PollID, Place: *p.PollPlace}
	}
	m, err := projects.Commission(ctx, q, book, projects.Project{ID: p.ID, Title: p.Title, FundID: p.FundID, Community: p.Place, Plan: p.Plan, People: p.People, StartsOn: p.StartsOn, EndsOn: p.EndsOn, Purpose: use},
		items, decision, day)
	if err != nil {
		return nil, err
	}
	to := *p
	to.State, to.ProjectID = Awarded, &p.ID
	first := m.SettleAs
	m.Note = p.Name() + " " + p.Payee + " " + p.Title
	m.Payee = payee.Object()
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s giving.Sign) error {
		if err := first(ctx, tx, entry, s); err != nil {
			return err
		}
		if err := p.becomes(ctx, tx, book, to); err != nil || p.NeedID == nil {
			return err
		}
		return needs.TakeUp(ctx, tx, book, *p.NeedID)
	}
	if c != nil {
		return c.held(book, m), nil
	}
	return m, nil
}

// Decline plans that a chosen proposal is not taken on: the organisation cannot, or residents chose others. *giving.FieldErrors, giving.ErrStep.
func Decline(book *ledger.Book, p *Proposal, reason string) (*giving.Move, error) {
	if p.State != Chosen && p.State != Reserve && (p.State != Eligible || p.CallID != nil) {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 2, 200)
	to := *p
	to.State, to.Verdict = Declined, reason
	return p.move(book, "proposal-declined", reason, to, p.givesBack(book)), wrong.Err()
}

// Promote plans that the next in rank takes a place that became free: it passed, and the budget has room for it. giving.ErrStep.
func Promote(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, p *Proposal, now time.Time) (*giving.Move, error) {
	if err := c.over(ctx, q, book, now); err != nil {
		return nil, err
	}
	list, err := Proposals(ctx, q, book, Filter{All: true, Call: &c.ID, Limit: 1000})
	if err != nil {
		return nil, err
	}
	left := c.Budget
	for _, other := range list {
		switch {
		case other.State == Chosen, other.State == Awarded:
			left -= other.Amount
		case other.State == Reserve && other.Rank != nil && p.Rank != nil && *other.Rank < *p.Rank && *other.Points >= c.Pass:
			return nil, giving.ErrStep // another one stands before it
		}
	}
	if p.State != Reserve || p.Points == nil || *p.Points < c.Pass || p.Amount > left {
		return nil, giving.ErrStep
	}
	to := *p
	to.State = Chosen
	return c.held(book, p.move(book, "proposal-promoted", "", to, nil)), nil
}

// Settle plans that a call is over: nothing chosen waits any more. giving.ErrStep.
func Settle(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, now time.Time) (*giving.Move, error) {
	if err := c.over(ctx, q, book, now); err != nil {
		return nil, err
	}
	list, err := Proposals(ctx, q, book, Filter{All: true, Call: &c.ID, State: Chosen, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return nil, giving.ErrStep
	}
	to := *c
	to.State = Settled
	return c.move(book, "call-settled", c.Name(), to, nil), nil
}
