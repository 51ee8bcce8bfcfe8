package projects

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
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/polls"
)

var (
	// ErrVote means that residents decide about the fund and the project names no decision of theirs.
	ErrVote = errors.New("project of this fund needs a decision of the residents")
	// ErrBudget means that contracts would exceed the project's budget.
	ErrBudget = errors.New("contracts would exceed the project's budget")
)

// Project is what was approved to be done, with its budget. Amounts are minor units of the book's currency.
type Project struct {
	ID          uuid.UUID
	Number      int32
	Title       string
	FundID      int32 // on which the budget stands; contracts may draw on others beside it
	StreetID    *int32
	Community   string
	Plan        string
	PollID      *uuid.UUID // the residents' vote that chose it
	Place       *int16     // there
	People      int32      // to be reached
	Homes       int32      // families that share the cost; zero: not told
	Budget      int64
	Committed   int64 // by contracts that are signed
	State       string
	StartsOn    time.Time
	EndsOn      time.Time
	EndedOn     *time.Time
	PublishBy   *time.Time // last day to publish the final account; nil where no law asks for it
	PublishedOn *time.Time
	PublishedAt string // where
	EnteredBy   uuid.UUID
	Version     int32
	Purpose     string // code: what is spent on it is for this, and each fund's charter must allow it
}

// States of a project, and of what stands before it is agreed.
const (
	Draft    = "draft"
	Approved = "approved"
	Ended    = "ended"
	Dropped  = "dropped"
)

// Object names the project in its history and beside its papers.
func (p *Project) Object() string { return giving.Object("project", p.ID) }

// useOf tags what is spent or promised with the project's purpose; what is owed or paid carries none.
func (p *Project) useOf(id chart.ID) string {
	if ledger.Spends(id) {
		return p.Purpose
	}
	return ""
}

// Name is what the books call it.
func (p *Project) Name() string { return fmt.Sprintf("X%d", p.Number) }

const (
	projectColumns = `id, number, title, fund_id, street_id, community, plan, poll_id, poll_place, people, homes, budget, committed, state, starts_on, ends_on, ended_on, publish_by,
       published_on, published_at, entered_by, version, purpose`

	sqlProjectByID = `select ` + projectColumns + ` from project where book_id = $1 and id = $2`

	sqlProjectsByID = `select ` + projectColumns + ` from project where book_id = $1 and id = any($2::uuid[])`

	sqlProjects = `
select ` + projectColumns + `
  from project
 where book_id = $1 and ($2 or street_id = any($3::int4[]) or fund_id = any($4::int4[])) and ($5 = '' or state = $5) and ($6 = 0 or fund_id = $6)
   and ($7 = '' or position(lower($7) in lower(title || ' ' || community)) > 0) and ($8 = 0 or number < $8)
 order by number desc limit $9`

	sqlProjectNext = `select coalesce(max(number), 0) + 1 from project where book_id = $1`

	sqlProjectInsert = `
insert into project (book_id, id, number, title, fund_id, street_id, community, plan, people, homes, state, starts_on, ends_on, entered_by, purpose)
values ($1, $2, $3, $4, $5, (select street_id from fund where book_id = $1 and fund_id = $5), $6, $7, $8, $9, 'draft', $10, $11, $12, $13)`

	sqlProjectMove = `
with moved as (
  update project set poll_id = $4, poll_place = $5, budget = $6, committed = $7, state = $8, ended_on = $9, publish_by = $10, published_on = $11, published_at = $12, version = version + 1
   where book_id = $1 and id = $2 and version = $3 returning id
)
insert into project_past (book_id, project_id, version, state, budget)
select $1, was.id, was.version, was.state, was.budget from project was join moved on moved.id = was.id where was.book_id = $1`

	sqlItems      = `select position, label, amount from project_item where book_id = $1 and project_id = $2 order by position`
	sqlItemInsert = `insert into project_item (book_id, project_id, position, label, amount) values ($1, $2, $3, $4, $5)`
	sqlItemDrop   = `delete from project_item where book_id = $1 and project_id = $2 and position = $3`

	sqlProjectFund = `select kind, vote_required from fund where book_id = $1 and fund_id = $2`
)

// ProjectFilter narrows the list of projects. Zero values narrow nothing, but All, Streets and Funds: what is in sight.
type ProjectFilter struct {
	All     bool
	Streets []int32
	Funds   []int32
	State   string
	Fund    int32
	Text    string
	Before  int32
	Limit   int
}

// ProjectByID reads a project, or giving.ErrNoRecord.
func ProjectByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Project, error) {
	return giving.Record[Project](ctx, q, sqlProjectByID, book.ID, id)
}

// ProjectsByID reads several projects at once; those that are not there are missing.
func ProjectsByID(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) (map[uuid.UUID]*Project, error) {
	found := map[uuid.UUID]*Project{}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := q.Query(ctx, sqlProjectsByID, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Project])
	for _, p := range list {
		found[p.ID] = p
	}
	return found, err
}

// Projects lists projects, newest first.
func Projects(ctx context.Context, q pg.Querier, book *ledger.Book, f ProjectFilter) ([]Project, error) {
	rows, err := q.Query(ctx, sqlProjects, book.ID, f.All, f.Streets, f.Funds, f.State, f.Fund, f.Text, f.Before, limitOf(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Project])
}

// Item is one line of a project's budget.
type Item struct {
	Position int16
	Label    string
	Amount   int64
}

const itemsMax = 60

// Items lists a project's budget.
func Items(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) ([]Item, error) {
	rows, err := q.Query(ctx, sqlItems, book.ID, project)
	if err != nil {
		return nil, fmt.Errorf("list budget: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Item])
}

// Propose plans a project as a draft, without a budget yet. *giving.FieldErrors.
func Propose(ctx context.Context, q pg.Querier, book *ledger.Book, p Project) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("title", p.Title, 1, 100)
	wrong.Text("community", p.Community, 0, 100)
	wrong.Text("plan", p.Plan, 1, 2000)
	if p.EndsOn.Before(p.StartsOn) {
		wrong.Refuse("due-ends", "project.days.wrong")
	}
	kind, _, err := fundOf(ctx, q, book, p.FundID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && kind == ledger.Agency {
		wrong.Refuse("fund", "project.fund.wrong")
	} else if err != nil {
		return nil, err
	}
	if p.Purpose, err = purposeOf(ctx, q, book, p.FundID, p.Purpose, &wrong); err != nil {
		return nil, err
	}
	if p.Number, err = number(ctx, q, book, sqlProjectNext); err != nil {
		return nil, err
	}
	return &giving.Move{Source: "project", Object: p.Object(), Act: "project-entered", Note: p.Name() + " " + p.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlProjectInsert, book.ID, p.ID, p.Number, p.Title, p.FundID, p.Community, p.Plan, p.People, p.Homes, p.StartsOn, p.EndsOn, p.EnteredBy, p.Purpose)
	}}, wrong.Err()
}

// purposeOf is what a project or an aid of the fund is for: as it says, or what the fund's charter names alone. The ledger refuses what another
// fund that bears it does not allow.
func purposeOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, code string, wrong *giving.FieldErrors) (string, error) {
	may, err := ledger.PurposesOf(ctx, q, book, fund)
	switch {
	case err != nil:
		return "", err
	case len(may) == 1 && code == "":
		return may[0], nil
	case len(may) > 0 && !slices.Contains(may, code):
		wrong.Refuse("use", "project.use.wrong")
	}
	return code, nil
}

// fundOf reads a fund's kind, and whether residents decide about it.
func fundOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (kind string, voted bool, err error) {
	if err := q.QueryRow(ctx, sqlProjectFund, book.ID, fund).Scan(&kind, &voted); err != nil {
		return "", false, fmt.Errorf("read fund %d: %w", fund, err)
	}
	return kind, voted, nil
}

func (p *Project) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Project) error {
	return giving.Settled(ctx, tx, sqlProjectMove, book.ID, p.ID, p.Version, to.PollID, to.Place, to.Budget, to.Committed, to.State, to.EndedOn, to.PublishBy, to.PublishedOn, to.PublishedAt)
}

func (p *Project) move(book *ledger.Book, act, note string, to Project) *giving.Move {
	return &giving.Move{Source: "project", Object: p.Object(), Act: act, Note: note, Kind: ledger.KindWork,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return p.becomes(ctx, tx, book, to) }}
}

// AddItem plans one more line of a draft's budget. *giving.FieldErrors, giving.ErrStep.
func AddItem(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, label string, amount int64) (*giving.Move, error) {
	list, err := Items(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	if p.State != Draft || len(list) >= itemsMax {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("label", label, 1, 100)
	wrong.Sum("amount", amount)
	if p.Budget+max(amount, 0) > ledger.AmountMax {
		wrong.Refuse("amount", "offline.amount.wrong")
	}
	next := int16(1)
	if n := len(list); n > 0 {
		next = list[n-1].Position + 1
	}
	to := *p
	to.Budget += amount
	m := p.move(book, "project-item", label, to)
	m.Amount = amount
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := p.becomes(ctx, tx, book, to); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlItemInsert, book.ID, p.ID, next, label, amount)
	}
	return m, wrong.Err()
}

// DropItem plans that a line leaves a draft's budget. giving.ErrStep.
func DropItem(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, position int16) (*giving.Move, error) {
	list, err := Items(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		if item.Position != position || p.State != Draft {
			continue
		}
		to := *p
		to.Budget -= item.Amount
		m := p.move(book, "project-item-off", item.Label, to)
		m.Amount = item.Amount
		m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if err := p.becomes(ctx, tx, book, to); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlItemDrop, book.ID, p.ID, position)
		}
		return m, nil
	}
	return nil, giving.ErrStep
}

// budgetLines add to the memo of approved budgets, or take from it (9101).
func (p *Project) budgetLines(amount int64) []ledger.Line {
	leaf := ledger.Leaf{Chart: "budget", Fund: p.FundID, Dims: ledger.Dims{Project: p.Name()}}
	contra := leaf
	contra.Chart = "budget.contra"
	return []ledger.Line{{Leaf: leaf, Amount: amount}, {Leaf: contra, Amount: -amount}}
}

// Decision names what residents chose: a vote, and the place of the project there.
type Decision struct {
	Poll  uuid.UUID
	Place int16
}

// Approve plans that a draft is approved with its budget, which stands in the memo accounts from then on. Where residents decide about the
// fund, decision names what they chose; nil for none. A second person approves. ErrVote, polls.ErrNotWon, giving.ErrStep.
func Approve(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, decision *Decision, day time.Time) (*giving.Move, error) {
	if p.State != Draft || p.Budget == 0 {
		return nil, giving.ErrStep
	}
	to := *p
	to.State = Approved
	_, voted, err := fundOf(ctx, q, book, p.FundID)
	if err != nil {
		return nil, err
	}
	switch {
	case decision != nil:
		poll, err := polls.ByID(ctx, q, book, decision.Poll)
		if err != nil {
			return nil, err
		}
		if poll.FundID != p.FundID || !poll.Won(decision.Place) {
			return nil, polls.ErrNotWon
		}
		to.PollID, to.Place = &decision.Poll, &decision.Place
	case voted:
		return nil, ErrVote
	}
	m := p.move(book, "project-approved", p.Name()+" "+p.Title, to)
	m.Amount, m.Day, m.Lines = p.Budget, day, p.budgetLines(p.Budget)
	return m, nil
}

// drawVote uses up what a vote set aside on a fund, where residents decide about it. ErrVote, polls.ErrNotWon, polls.ErrOverVote.
func (p *Project) drawVote(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, amount int64) ([]ledger.Line, error) {
	_, voted, err := fundOf(ctx, q, book, fund)
	if err != nil || !voted || amount <= 0 {
		return nil, err
	}
	if p.PollID == nil {
		return nil, ErrVote
	}
	poll, err := polls.ByID(ctx, q, book, *p.PollID)
	if err != nil {
		return nil, err
	}
	return polls.Draw(ctx, q, book, poll, *p.Place, fund, amount)
}

// DropProject plans that a draft is put aside. *giving.FieldErrors, giving.ErrStep.
func DropProject(book *ledger.Book, p *Project, reason string) (*giving.Move, error) {
	if p.State != Draft {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *p
	to.State = Dropped
	return p.move(book, "project-dropped", reason, to), wrong.Err()
}
