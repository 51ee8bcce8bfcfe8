package calls

import (
	"cmp"
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
)

var (
	// ErrNotReviewer means that somebody does not review this call. Say so.
	ErrNotReviewer = errors.New("not a reviewer of this call")
	// ErrConflict means that the reviewer declared a conflict of interest, wrote the proposal down, or signs in for its organisation. Another
	// one must score it.
	ErrConflict = errors.New("reviewer has a conflict of interest")
	// ErrReviewed means that the reviewer has spoken about the proposal already: points are given once.
	ErrReviewed = errors.New("reviewer has spoken about this proposal already")
	// ErrReviews means that a proposal is not checked yet, or has too few scores. Say which.
	ErrReviews = errors.New("proposals are not all checked and scored")
)

// Review is one reviewer's word: a conflict, or points for each criterion in their order.
type Review struct {
	Proposal uuid.UUID
	Person   uuid.UUID
	Conflict string // why; empty: none
	Points   []int32
	Note     string
	At       time.Time
}

// Sum is the points in all.
func (r *Review) Sum() (sum int32) {
	for _, n := range r.Points {
		sum += n
	}
	return sum
}

const (
	sqlReviews = `
select r.proposal_id, r.person_id, r.conflict, r.points, r.note, r.at
  from proposal_review r join proposal p on p.book_id = r.book_id and p.id = r.proposal_id
 where r.book_id = $1 and p.call_id = $2 order by p.number, r.at, r.person_id`
	sqlReviewInsert = `insert into proposal_review (book_id, proposal_id, person_id, conflict, points, note, at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`
	// Reviewers share the call; a step of the call waits for them, and they for it.
	sqlCallShare = `select state = 'open' from call where book_id = $1 and id = $2 for share`
	sqlSignsIn   = `select exists (select from payee_person where book_id = $1 and person_id = $2 and payee_id = $3 and ended_at is null)`
)

// Reviews lists all that was said about the proposals of a call.
func Reviews(ctx context.Context, q pg.Querier, book *ledger.Book, call uuid.UUID) ([]Review, error) {
	return rows[Review](ctx, q, "reviews", sqlReviews, book.ID, call)
}

// about are the reviews of one proposal.
func about(list []Review, proposal uuid.UUID) (found []Review) {
	for _, r := range list {
		if r.Proposal == proposal {
			found = append(found, r)
		}
	}
	return found
}

// mayReview says what stands against a reviewer speaking about a proposal.
func mayReview(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, person uuid.UUID) (*Call, error) {
	c, err := p.callOf(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c == nil || p.State != Eligible && p.State != Filed || c.State != Open {
		return nil, giving.ErrStep
	}
	reviewers, err := Reviewers(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(reviewers, person) {
		return nil, ErrNotReviewer
	}
	reviews, err := Reviews(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range about(reviews, p.ID) {
		switch {
		case r.Person == person && r.Conflict != "":
			return nil, ErrConflict
		case r.Person == person:
			return nil, ErrReviewed
		}
	}
	return c, nil
}

// Score plans a reviewer's points for an eligible proposal, one for each criterion, once, after the call has closed. ErrNotReviewer,
// ErrConflict, ErrReviewed, *giving.FieldErrors, giving.ErrStep.
func Score(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, r Review, now time.Time) (*giving.Move, error) {
	c, err := mayReview(ctx, q, book, p, r.Person)
	if err != nil {
		return nil, err
	}
	if p.State != Eligible || now.Before(c.ClosesAt) {
		return nil, giving.ErrStep
	}
	var theirs bool
	if err := q.QueryRow(ctx, sqlSignsIn, book.ID, r.Person, p.PayeeID).Scan(&theirs); err != nil {
		return nil, fmt.Errorf("look for conflict: %w", err)
	}
	if theirs || p.EnteredBy == r.Person {
		return nil, ErrConflict
	}
	criteria, err := Criteria(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Text("note", r.Note, 1, 400)
	for i, one := range criteria {
		if len(r.Points) != len(criteria) || r.Points[i] < 0 || r.Points[i] > one.Points {
			wrong.Refuse(fmt.Sprintf("points-%d", one.Position), "call.number.wrong", "least", "0", "most", fmt.Sprint(one.Points))
		}
	}
	return p.said(book, "proposal-scored", "", r, now), wrong.Err()
}

// Abstain plans that a reviewer declares a conflict of interest: she gives no points to this proposal. ErrNotReviewer, ErrConflict,
// ErrReviewed, *giving.FieldErrors, giving.ErrStep.
func Abstain(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, person uuid.UUID, why string, now time.Time) (*giving.Move, error) {
	if _, err := mayReview(ctx, q, book, p, person); err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Text("conflict", why, 2, 200)
	return p.said(book, "proposal-conflict", why, Review{Person: person, Conflict: why}, now), wrong.Err()
}

// said writes a review while the call is open; the proposal's version does not move, so that reviewers do not wait for each other.
func (p *Proposal) said(book *ledger.Book, act, note string, r Review, now time.Time) *giving.Move {
	if r.Points == nil {
		r.Points = []int32{}
	}
	return &giving.Move{Source: "proposal", Object: p.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		var open bool
		if err := tx.QueryRow(ctx, sqlCallShare, book.ID, p.CallID).Scan(&open); err != nil {
			return fmt.Errorf("hold call: %w", err)
		}
		if !open {
			return giving.ErrStep
		}
		err := giving.Settled(ctx, tx, sqlReviewInsert, book.ID, p.ID, r.Person, r.Conflict, r.Points, r.Note, now)
		if errors.Is(err, giving.ErrStep) {
			return ErrReviewed
		}
		return err
	}}
}

// Ranked is a proposal with what its reviewers found.
type Ranked struct {
	Proposal
	Total int32 // hundredths: the mean of its scores, rounded half up, and the bonus of an organisation whose finished work was good
	Fits  bool  // passes, and the budget has room for it; once announced, whether it is chosen
}

// Ranking orders the eligible proposals of a call: by points, then by the published tie-breaks, by when they were handed in, and by number. From the
// top each that passes is taken while the budget lasts; one that does not fit is left out and the next is looked at. ErrReviews with what is
// worked out so far, while a proposal is unchecked or has too few scores. From the announcement on it is what was announced, whatever later
// work is rated; what was declined since keeps its place.
func Ranking(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call) ([]Ranked, error) {
	list, err := Proposals(ctx, q, book, Filter{All: true, Call: &c.ID, Limit: 1000})
	if err != nil {
		return nil, err
	}
	if c.NoticeFrom != nil {
		return announced(list), nil
	}
	reviews, err := Reviews(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	var payees []uuid.UUID
	for _, p := range list {
		payees = append(payees, p.PayeeID)
	}
	ratings, err := projects.Ratings(ctx, q, book, payees)
	if err != nil {
		return nil, err
	}
	var ranked []Ranked
	var open error
	for _, p := range list {
		if p.State == Filed {
			open = fmt.Errorf("%w: %s is not checked", ErrReviews, p.Name())
		}
		if p.State != Eligible {
			continue
		}
		one := Ranked{Proposal: p}
		var sum, scores int32
		for _, r := range about(reviews, p.ID) {
			if r.Conflict == "" {
				scores++
				sum += r.Sum()
			}
		}
		if scores < int32(c.Reviews) {
			open = fmt.Errorf("%w: %s has %d of %d", ErrReviews, p.Name(), scores, c.Reviews)
		}
		if scores > 0 {
			one.Total = (200*sum + scores) / (2 * scores)
		}
		if r := ratings[p.PayeeID]; c.RenewPoints > 0 && r.Contracts > 0 && r.Points >= c.RenewLeast {
			one.Total += 100 * c.RenewPoints
		}
		ranked = append(ranked, one)
	}
	slices.SortFunc(ranked, func(a, b Ranked) int { return c.before(&a, &b) })
	left := c.Budget
	for i := range ranked {
		if one := &ranked[i]; one.Total >= c.Pass && one.Amount <= left {
			one.Fits = true
			left -= one.Amount
		}
	}
	return ranked, open
}

// announced is the ranking as it was announced, with what became of each.
func announced(list []Proposal) (ranked []Ranked) {
	for _, p := range list {
		if p.Rank != nil {
			ranked = append(ranked, Ranked{p, *p.Points, p.State == Chosen || p.State == Awarded})
		}
	}
	slices.SortFunc(ranked, func(a, b Ranked) int { return cmp.Compare(*a.Rank, *b.Rank) })
	return ranked
}

// before compares two ranked proposals: negative when a goes first.
func (c *Call) before(a, b *Ranked) int {
	order := cmp.Compare(b.Total, a.Total)
	for _, tie := range c.Ties {
		if order != 0 {
			break
		}
		switch tie {
		case LowerCost:
			order = cmp.Compare(a.Amount, b.Amount)
		case MorePeople:
			order = cmp.Compare(b.People, a.People)
		}
	}
	if order == 0 && a.FiledAt != nil && b.FiledAt != nil {
		order = a.FiledAt.Compare(*b.FiledAt)
	}
	return cmp.Or(order, cmp.Compare(a.Number, b.Number))
}

// Share is what one source of a call pays of a proposal.
type Share struct {
	Source
	Pays int64
}

// Split says which sources pay for each proposal that fits: in rank order, each source used up before the next.
func Split(sources []Source, ranked []Ranked) map[uuid.UUID][]Share {
	left := make([]int64, len(sources))
	for i, s := range sources {
		left[i] = s.Amount
	}
	shares := map[uuid.UUID][]Share{}
	for _, one := range ranked {
		if !one.Fits {
			continue
		}
		rest := one.Amount
		for i, s := range sources {
			if pays := min(rest, left[i]); pays > 0 {
				shares[one.ID] = append(shares[one.ID], Share{s, pays})
				rest, left[i] = rest-pays, left[i]-pays
			}
		}
	}
	return shares
}
