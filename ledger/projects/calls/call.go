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
)

// Call is what a street asks organisations to propose.
type Call struct {
	ID          uuid.UUID
	Number      int32
	StreetID    int32
	Title       string
	About       string
	OpensAt     time.Time
	ClosesAt    time.Time
	Budget      int64    // of its sources
	EachMost    int64    // of one proposal; zero: the budget
	PerFirm     int16    // proposals of one organisation
	Standings   []string // who may apply: projects.Registered, Filed, Other
	Credit      string   // the least: projects.Good, or Warned
	RatingLeast int32    // of finished contracts, hundredths; who has none is not held to it. Zero: none asked for
	RenewLeast  int32    // from this rating on, RenewPoints are added
	RenewPoints int32
	Reviews     int16 // scores that each proposal needs
	Pass        int32 // hundredths
	Ties        []string
	NoticeDays  int16
	State       string
	PublishedAt *time.Time
	NoticeFrom  *time.Time
	NoticeUntil *time.Time
	MadeBy      uuid.UUID
	Version     int32
}

// States of a call.
const (
	Draft   = "draft"
	Open    = "open"   // published; proposals are taken between OpensAt and ClosesAt, and reviewed afterwards
	Notice  = "notice" // ranked, and shown to the public until NoticeUntil
	Settled = "settled"
	Void    = "void"
)

// Tie-breaks. What is filed first decides at last, and then the number.
const (
	LowerCost  = "cost"
	MorePeople = "people"
	FiledFirst = "filed"
)

// Object names the call in its history.
func (c *Call) Object() string { return giving.Object("call", c.ID) }

// Name is what the street calls it.
func (c *Call) Name() string { return fmt.Sprintf("C%d", c.Number) }

// Takes tells whether proposals are taken at a moment.
func (c *Call) Takes(now time.Time) bool {
	return c.State == Open && !now.Before(c.OpensAt) && now.Before(c.ClosesAt)
}

// Shown tells whether the public may read it.
func (c *Call) Shown() bool { return c.State != Draft && c.PublishedAt != nil }

// Most is what one proposal may cost.
func (c *Call) Most() int64 {
	if c.EachMost > 0 && c.EachMost < c.Budget {
		return c.EachMost
	}
	return c.Budget
}

// Source is whose money pays for what is chosen, in the order in which it is used.
type Source struct {
	Position  int16
	FundID    int32
	Treatment string
	Payer     string
	Amount    int64
}

// Criterion is what reviewers give points for.
type Criterion struct {
	Position int16
	Label    string
	Points   int32 // at most
}

const (
	callColumns = `id, number, street_id, title, about, opens_at, closes_at, budget, each_most, per_firm, standings, credit, rating_least, renew_least, renew_points, reviews, pass, ties,
       notice_days, state, published_at, notice_from, notice_until, made_by, version`

	sqlCallByID     = `select ` + callColumns + ` from call where book_id = $1 and id = $2`
	sqlCallByNumber = `select ` + callColumns + ` from call where book_id = $1 and number = $2`
	sqlCalls        = `
select ` + callColumns + ` from call
 where book_id = $1 and ($2 or street_id = any($3::int4[])) and ($4 or published_at is not null and state <> 'draft') and ($5 = '' or state = $5)
   and ($6 = '' or position(lower($6) in lower(title || ' ' || about)) > 0) and ($7 = 0 or number < $7)
 order by number desc limit $8`

	sqlLock       = `select pg_advisory_xact_lock(hashtextextended('calls:' || $1::int4, 0))`
	sqlCallNext   = `select coalesce(max(number), 0) + 1 from call where book_id = $1`
	sqlCallInsert = `
insert into call (book_id, id, number, street_id, title, about, opens_at, closes_at, each_most, per_firm, standings, credit, rating_least, renew_least, renew_points, reviews, pass, ties, notice_days, state, made_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'draft', $20)`
	sqlCallMove = `
update call set budget = $4, state = $5, published_at = $6, notice_from = $7, notice_until = $8, version = version + 1 where book_id = $1 and id = $2 and version = $3`

	sqlSources         = `select position, fund_id, treatment, payer, amount from call_source where book_id = $1 and call_id = $2 order by position`
	sqlSourceInsert    = `insert into call_source (book_id, call_id, position, fund_id, treatment, payer, amount) values ($1, $2, $3, $4, $5, $6, $7)`
	sqlSourceFund      = `select kind, street_id from fund where book_id = $1 and fund_id = $2`
	sqlCriteria        = `select position, label, points from call_criterion where book_id = $1 and call_id = $2 order by position`
	sqlCriterionInsert = `insert into call_criterion (book_id, call_id, position, label, points) values ($1, $2, $3, $4, $5)`
	sqlReviewers       = `select person_id from call_reviewer where book_id = $1 and call_id = $2 order by person_id`
	sqlReviewerInsert  = `insert into call_reviewer (book_id, call_id, person_id) values ($1, $2, $3) on conflict do nothing`
)

// PageMax is how many calls or proposals one page lists.
const PageMax = 50

const (
	sourcesMax  = 9
	criteriaMax = 12
)

// ByID reads a call, or giving.ErrNoRecord.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Call, error) {
	return giving.Record[Call](ctx, q, sqlCallByID, book.ID, id)
}

// ByNumber reads a call by its public number, or giving.ErrNoRecord; drafts as well.
func ByNumber(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Call, error) {
	return giving.Record[Call](ctx, q, sqlCallByNumber, book.ID, number)
}

// Filter narrows a list of calls or proposals. All, Streets: what is in sight.
type Filter struct {
	All     bool
	Streets []int32
	Drafts  bool // calls that are not published as well
	State   string
	Text    string
	Call    *uuid.UUID // proposals of it
	Payees  []uuid.UUID
	Before  int32
	Limit   int // zero: one more than PageMax
}

func (f *Filter) limit() int {
	if f.Limit < 1 || f.Limit > 1001 {
		return PageMax + 1
	}
	return f.Limit
}

// List gives calls, newest first.
func List(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Call, error) {
	return rows[Call](ctx, q, "calls", sqlCalls, book.ID, f.All, f.Streets, f.Drafts, f.State, f.Text, f.Before, f.limit())
}

func rows[T any](ctx context.Context, q pg.Querier, what, sql string, args ...any) ([]T, error) {
	r, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	list, err := pgx.CollectRows(r, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return list, nil
}

// Sources lists whose money a call spends.
func Sources(ctx context.Context, q pg.Querier, book *ledger.Book, call uuid.UUID) ([]Source, error) {
	return rows[Source](ctx, q, "sources of call", sqlSources, book.ID, call)
}

// Criteria lists what reviewers give points for.
func Criteria(ctx context.Context, q pg.Querier, book *ledger.Book, call uuid.UUID) ([]Criterion, error) {
	return rows[Criterion](ctx, q, "criteria", sqlCriteria, book.ID, call)
}

// Reviewers lists who reviews.
func Reviewers(ctx context.Context, q pg.Querier, book *ledger.Book, call uuid.UUID) ([]uuid.UUID, error) {
	r, err := q.Query(ctx, sqlReviewers, book.ID, call)
	if err != nil {
		return nil, fmt.Errorf("list reviewers: %w", err)
	}
	return pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
}

func next(ctx context.Context, q pg.Querier, book *ledger.Book, sql string) (n int32, err error) {
	if _, err := q.Exec(ctx, sqlLock, book.ID); err != nil {
		return 0, fmt.Errorf("lock calls: %w", err)
	}
	if err := q.QueryRow(ctx, sql, book.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("number call: %w", err)
	}
	return n, nil
}

func (c *Call) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Call) error {
	return giving.Settled(ctx, tx, sqlCallMove, book.ID, c.ID, c.Version, to.Budget, to.State, to.PublishedAt, to.NoticeFrom, to.NoticeUntil)
}

// move is a step of a call; more is done after the call has moved, which makes steps of one call take turns.
func (c *Call) move(book *ledger.Book, act, note string, to Call, more func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Source: "call", Object: c.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := c.becomes(ctx, tx, book, to); err != nil || more == nil {
			return err
		}
		return more(ctx, tx)
	}}
}

// Enter plans a draft of a call; its sources, criteria and reviewers follow. *giving.FieldErrors.
func Enter(ctx context.Context, q pg.Querier, book *ledger.Book, c Call) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("title", c.Title, 2, 80)
	wrong.Text("about", c.About, 1, 2000)
	if !c.OpensAt.Before(c.ClosesAt) {
		wrong.Refuse("due-closes", "call.days.wrong")
	}
	known := []string{projects.Registered, projects.Filed, projects.Other}
	if len(c.Standings) == 0 || slices.ContainsFunc(c.Standings, func(s string) bool { return !slices.Contains(known, s) }) {
		wrong.Refuse("standings", "call.standings.wrong")
	}
	if c.Credit != projects.Good && c.Credit != projects.Warned {
		wrong.Refuse("credit", "payee.credit.wrong")
	}
	within := func(field string, n, least, most int32) {
		if n < least || n > most {
			wrong.Refuse(field, "call.number.wrong", "least", fmt.Sprint(least), "most", fmt.Sprint(most))
		}
	}
	within("firm", int32(c.PerFirm), 1, 20)
	within("rating", c.RatingLeast/100, 0, 100)
	within("renew", c.RenewLeast/100, 0, 100)
	within("bonus", c.RenewPoints, 0, 20)
	within("reviews", int32(c.Reviews), 1, 9)
	within("pass", c.Pass/100, 0, 100)
	within("notice", int32(c.NoticeDays), 1, 60)
	if c.EachMost < 0 || c.EachMost > ledger.AmountMax {
		wrong.Refuse("each", "offline.amount.wrong")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var err error
	if c.Number, err = next(ctx, q, book, sqlCallNext); err != nil {
		return nil, err
	}
	return &giving.Move{Source: "call", Object: c.Object(), Act: "call-drafted", Note: c.Name() + " " + c.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlCallInsert, book.ID, c.ID, c.Number, c.StreetID, c.Title, c.About, c.OpensAt, c.ClosesAt, c.EachMost, c.PerFirm, c.Standings, c.Credit, c.RatingLeast, c.RenewLeast,
			c.RenewPoints, c.Reviews, c.Pass, c.Ties, c.NoticeDays, c.MadeBy)
	}}, nil
}

// AddSource plans that somebody's money belongs to a draft's budget. The first one's fund is the one on which the projects stand; it is of the
// street or of none. *giving.FieldErrors, giving.ErrStep.
func AddSource(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, s Source) (*giving.Move, error) {
	list, err := Sources(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	if c.State != Draft || len(list) >= sourcesMax {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("payer", s.Payer, 1, 100)
	wrong.Sum("amount", s.Amount)
	if !slices.Contains(projects.Treatments(), s.Treatment) {
		wrong.Refuse("treatment", "contract.fund.agency")
	}
	var kind string
	var street *int32
	err = q.QueryRow(ctx, sqlSourceFund, book.ID, s.FundID).Scan(&kind, &street)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (street != nil && *street != c.StreetID || kind == ledger.Endowment || (kind == ledger.Agency) != (s.Treatment == projects.AsAgency) || len(list) == 0 && kind == ledger.Agency):
		wrong.Refuse("fund", "call.fund.wrong")
	case err != nil:
		return nil, fmt.Errorf("read fund: %w", err)
	}
	if c.Budget+max(s.Amount, 0) > ledger.AmountMax {
		wrong.Refuse("amount", "offline.amount.wrong")
	}
	s.Position = int16(len(list) + 1)
	to := *c
	to.Budget += max(s.Amount, 0)
	m := c.move(book, "call-source", s.Payer, to, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlSourceInsert, book.ID, c.ID, s.Position, s.FundID, s.Treatment, s.Payer, s.Amount)
	})
	m.Amount = s.Amount
	return m, wrong.Err()
}

// AddCriterion plans what reviewers give points for; together 100. *giving.FieldErrors, giving.ErrStep.
func AddCriterion(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, label string, points int32) (*giving.Move, error) {
	list, err := Criteria(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	if c.State != Draft || len(list) >= criteriaMax {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("label", label, 1, 60)
	if left := 100 - sumPoints(list); points < 1 || points > left {
		wrong.Refuse("points", "call.number.wrong", "least", "1", "most", fmt.Sprint(left))
	}
	position := int16(len(list) + 1)
	return c.move(book, "call-criterion", fmt.Sprintf("%s %d", label, points), *c, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlCriterionInsert, book.ID, c.ID, position, label, points)
	}), wrong.Err()
}

func sumPoints(list []Criterion) (sum int32) {
	for _, one := range list {
		sum += one.Points
	}
	return sum
}

// AddReviewer plans that somebody reviews; until the ranking is announced, so that who falls ill or has a conflict is replaced. giving.ErrStep.
func AddReviewer(book *ledger.Book, c *Call, person uuid.UUID) (*giving.Move, error) {
	if c.State != Draft && c.State != Open {
		return nil, giving.ErrStep
	}
	return c.move(book, "call-reviewer", "", *c, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlReviewerInsert, book.ID, c.ID, person)
	}), nil
}

// Publish plans that a draft goes public: nothing that decides changes from then on. *giving.FieldErrors, giving.ErrStep.
func Publish(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, now time.Time) (*giving.Move, error) {
	if c.State != Draft {
		return nil, giving.ErrStep
	}
	criteria, err := Criteria(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	reviewers, err := Reviewers(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	if c.Budget == 0 {
		wrong.Refuse("", "call.publish.sources")
	}
	if sumPoints(criteria) != 100 {
		wrong.Refuse("", "call.publish.criteria")
	}
	if len(reviewers) < int(c.Reviews) {
		wrong.Refuse("", "call.publish.reviewers")
	}
	if !c.ClosesAt.After(now) {
		wrong.Refuse("", "call.publish.late")
	}
	to := *c
	to.State, to.PublishedAt = Open, &now
	m := c.move(book, "call-published", c.Name()+" "+c.Title, to, nil)
	m.Amount = c.Budget
	return m, wrong.Err()
}

// Revoke plans that a call is taken back before anything was awarded. *giving.FieldErrors, giving.ErrStep.
func Revoke(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, reason string) (*giving.Move, error) {
	list, err := Proposals(ctx, q, book, Filter{All: true, Call: &c.ID, State: Awarded, Limit: 1})
	if err != nil {
		return nil, err
	}
	if c.State == Settled || c.State == Void || len(list) > 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *c
	to.State = Void
	return c.move(book, "call-revoked", reason, to, nil), wrong.Err()
}
