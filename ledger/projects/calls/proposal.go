package calls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/needs"
)

var (
	// ErrLate means that the call takes no proposals now: before its opening or after its close. Say when.
	ErrLate = errors.New("call takes no proposals now")
	// ErrOver means that a proposal costs more than one may under the call. Say how much that is.
	ErrOver = errors.New("proposal costs more than the call allows")
)

// Proposal is what an organisation offers to do, under a call or from an intent.
type Proposal struct {
	ID        uuid.UUID
	Number    int32
	CallID    *uuid.UUID
	StreetID  int32
	FundID    int32
	PayeeID   uuid.UUID
	Title     string
	Plan      string
	Place     string
	People    int32
	StartsOn  time.Time
	EndsOn    time.Time
	Amount    int64 // of its items
	NeedID    *uuid.UUID
	IntentID  *uuid.UUID
	State     string
	Checks    []Check
	Verdict   string // why it was refused or declined
	Points    *int32 // hundredths, once ranked
	Rank      *int16
	PollID    *uuid.UUID // the vote of residents that decides about it, and its place there
	PollPlace *int16
	ProjectID *uuid.UUID
	FiledAt   *time.Time
	EnteredBy uuid.UUID
	Version   int32
	Payee     string
}

// States of a proposal beside Draft.
const (
	Filed     = "filed"
	Eligible  = "eligible"
	Refused   = "refused"
	Withdrawn = "withdrawn"
	Chosen    = "chosen"  // by the ranking, or as the only one of an intent
	Reserve   = "reserve" // below the line
	Awarded   = "awarded"
	Declined  = "declined" // chosen, and not taken on
)

// Object names the proposal in its history.
func (p *Proposal) Object() string { return giving.Object("proposal", p.ID) }

// Name is what the street calls it.
func (p *Proposal) Name() string { return fmt.Sprintf("P%d", p.Number) }

const (
	proposalColumns = `p.id, p.number, p.call_id, p.street_id, p.fund_id, p.payee_id, p.title, p.plan, p.place, p.people, p.starts_on, p.ends_on, p.amount, p.need_id, p.intent_id, p.state, p.checks,
       p.verdict, p.points, p.rank, p.poll_id, p.poll_place, p.project_id, p.filed_at, p.entered_by, p.version, y.name`
	proposalTables = `proposal p join payee y on y.book_id = p.book_id and y.id = p.payee_id`

	sqlProposalByID      = `select ` + proposalColumns + ` from ` + proposalTables + ` where p.book_id = $1 and p.id = $2`
	sqlProposalByProject = `select ` + proposalColumns + ` from ` + proposalTables + ` where p.book_id = $1 and p.project_id = $2`
	sqlProposalsForNeed  = `select ` + proposalColumns + ` from ` + proposalTables + ` where p.book_id = $1 and p.need_id = $2 and p.state = 'awarded' order by p.number`
	sqlProposals         = `
select ` + proposalColumns + ` from ` + proposalTables + `
 where p.book_id = $1 and ($2 or p.street_id = any($3::int4[])) and ($4 or p.payee_id = any($5::uuid[])) and ($6::uuid is null or p.call_id = $6) and ($7 = '' or p.state = $7)
   and ($8 = '' or position(lower($8) in lower(p.title || ' ' || y.name)) > 0) and ($9 = 0 or p.number < $9)
 order by p.number desc limit $10`

	sqlProposalNext   = `select coalesce(max(number), 0) + 1 from proposal where book_id = $1`
	sqlProposalCount  = `select count(*) from proposal where book_id = $1 and call_id = $2 and payee_id = $3 and state not in ('withdrawn', 'refused')`
	sqlProposalInsert = `
insert into proposal (book_id, id, number, call_id, street_id, fund_id, payee_id, title, plan, place, people, starts_on, ends_on, need_id, intent_id, state, entered_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'draft', $16)`
	sqlNeedServed   = `select exists (select from proposal where book_id = $1 and need_id = $2 and id <> $3 and state = 'awarded')`
	sqlProposalMove = `
update proposal set amount = $4, state = $5, checks = $6, verdict = $7, points = $8, rank = $9, poll_id = $10, poll_place = $11, project_id = $12, filed_at = $13, version = version + 1
 where book_id = $1 and id = $2 and version = $3`

	sqlItems      = `select position, label, amount from proposal_item where book_id = $1 and proposal_id = $2 order by position`
	sqlItemInsert = `insert into proposal_item (book_id, proposal_id, position, label, amount) values ($1, $2, $3, $4, $5)`
	sqlItemDrop   = `delete from proposal_item where book_id = $1 and proposal_id = $2 and position = $3`
)

const itemsMax = 60

// ProposalByID reads a proposal, or giving.ErrNoRecord.
func ProposalByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Proposal, error) {
	return giving.Record[Proposal](ctx, q, sqlProposalByID, book.ID, id)
}

// ProposalOf is the proposal that a project came from, or giving.ErrNoRecord.
func ProposalOf(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) (*Proposal, error) {
	return giving.Record[Proposal](ctx, q, sqlProposalByProject, book.ID, project)
}

// Answering lists what was awarded to answer a need, oldest first; each has become a project.
func Answering(ctx context.Context, q pg.Querier, book *ledger.Book, need uuid.UUID) ([]Proposal, error) {
	return rows[Proposal](ctx, q, "proposals of a need", sqlProposalsForNeed, book.ID, need)
}

// Proposals lists proposals, newest first; with Payees set only theirs.
func Proposals(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Proposal, error) {
	return rows[Proposal](ctx, q, "proposals", sqlProposals, book.ID, f.All, f.Streets, f.Payees == nil, f.Payees, f.Call, f.State, f.Text, f.Before, f.limit())
}

// Items lists a proposal's budget.
func Items(ctx context.Context, q pg.Querier, book *ledger.Book, proposal uuid.UUID) ([]projects.Item, error) {
	return rows[projects.Item](ctx, q, "budget", sqlItems, book.ID, proposal)
}

func (p *Proposal) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Proposal) error {
	if to.Checks == nil {
		to.Checks = []Check{}
	}
	return giving.Settled(ctx, tx, sqlProposalMove, book.ID, p.ID, p.Version, to.Amount, to.State, to.Checks, to.Verdict, to.Points, to.Rank, to.PollID, to.PollPlace, to.ProjectID, to.FiledAt)
}

func (p *Proposal) move(book *ledger.Book, act, note string, to Proposal, more func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Source: "proposal", Object: p.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := p.becomes(ctx, tx, book, to); err != nil || more == nil {
			return err
		}
		return more(ctx, tx)
	}}
}

// givesBack puts back the need and the intent that a proposal came from, when it comes to nothing; nil where it came from none.
func (p *Proposal) givesBack(book *ledger.Book) func(ctx context.Context, tx pgx.Tx) error {
	if p.IntentID == nil {
		return nil
	}
	return func(ctx context.Context, tx pgx.Tx) error {
		var served bool
		if err := tx.QueryRow(ctx, sqlNeedServed, book.ID, p.NeedID, p.ID).Scan(&served); err != nil {
			return fmt.Errorf("look for projects of need: %w", err)
		}
		return needs.GiveBack(ctx, tx, book, *p.IntentID, served)
	}
}

func (p *Proposal) check(wrong *giving.FieldErrors) {
	wrong.Text("title", p.Title, 2, 80)
	wrong.Text("plan", p.Plan, 1, 2000)
	wrong.Text("place", p.Place, 0, 100)
	if p.People < 0 || p.People > 1_000_000 {
		wrong.Refuse("people", "offline.number.wrong")
	}
	if p.EndsOn.Before(p.StartsOn) {
		wrong.Refuse("due-ends", "project.days.wrong")
	}
}

func (p *Proposal) insert(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	return giving.Settled(ctx, tx, sqlProposalInsert, book.ID, p.ID, p.Number, p.CallID, p.StreetID, p.FundID, p.PayeeID, p.Title, p.Plan, p.Place, p.People, p.StartsOn, p.EndsOn, p.NeedID, p.IntentID, p.EnteredBy)
}

// Apply plans a draft of a proposal under a call; its budget follows. ErrLate, *giving.FieldErrors.
func Apply(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, payee *projects.Payee, p Proposal, now time.Time) (*giving.Move, error) {
	if !c.Takes(now) {
		return nil, ErrLate
	}
	var err error
	if p.Number, err = next(ctx, q, book, sqlProposalNext); err != nil { // before the others are counted: applications take turns from here
		return nil, err
	}
	var wrong giving.FieldErrors
	p.check(&wrong)
	var standing int16
	if err := q.QueryRow(ctx, sqlProposalCount, book.ID, c.ID, payee.ID).Scan(&standing); err != nil {
		return nil, fmt.Errorf("count proposals: %w", err)
	}
	switch {
	case payee.Kind != projects.Organisation:
		wrong.Refuse("payee", "contract.payee.home")
	case standing >= c.PerFirm:
		wrong.Refuse("payee", "call.firm.many", "most", fmt.Sprint(c.PerFirm))
	}
	if p.NeedID != nil {
		need, err := needs.ByID(ctx, q, book, *p.NeedID)
		if err != nil {
			return nil, err
		}
		if need.StreetID != c.StreetID || need.State != needs.Listed || need.Book != needs.Need && need.Book != needs.Idea {
			wrong.Refuse("need", "call.need.wrong")
		}
	}
	sources, err := Sources(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	p.CallID, p.StreetID, p.PayeeID, p.FundID, p.IntentID = &c.ID, c.StreetID, payee.ID, sources[0].FundID, nil
	return &giving.Move{Source: "proposal", Object: p.Object(), Act: "proposal-drafted", Note: p.Name() + " " + p.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return p.insert(ctx, tx, book)
	}}, wrong.Err()
}

// FromIntent plans that an intent becomes a proposal without a call, on a fund of the street; the need is taken up. *giving.FieldErrors,
// giving.ErrStep.
func FromIntent(ctx context.Context, q pg.Querier, book *ledger.Book, in *needs.Intent, need *needs.Item, payee *projects.Payee, p Proposal) (*giving.Move, error) {
	var wrong giving.FieldErrors
	p.check(&wrong)
	if payee.Kind != projects.Organisation {
		wrong.Refuse("payee", "contract.payee.home")
	}
	var kind string
	var street *int32
	err := q.QueryRow(ctx, sqlSourceFund, book.ID, p.FundID).Scan(&kind, &street)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (street != nil && *street != need.StreetID || kind == ledger.Agency || kind == ledger.Endowment):
		wrong.Refuse("fund", "call.fund.wrong")
	case err != nil:
		return nil, fmt.Errorf("read fund: %w", err)
	}
	m, err := needs.Propose(book, in, need)
	if err != nil {
		return nil, err
	}
	p.CallID, p.StreetID, p.PayeeID, p.NeedID, p.IntentID = nil, need.StreetID, payee.ID, &need.ID, &in.ID
	if p.Number, err = next(ctx, q, book, sqlProposalNext); err != nil {
		return nil, err
	}
	first := m.Settle
	m.Object, m.Source, m.Act, m.Note = p.Object(), "proposal", "proposal-drafted", p.Name()+" "+p.Title
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := first(ctx, tx, entry); err != nil {
			return err
		}
		return p.insert(ctx, tx, book)
	}
	return m, wrong.Err()
}

// callOf reads the call of a proposal; nil for none.
func (p *Proposal) callOf(ctx context.Context, q pg.Querier, book *ledger.Book) (*Call, error) {
	if p.CallID == nil {
		return nil, nil
	}
	return ByID(ctx, q, book, *p.CallID)
}

// AddItem plans one more line of a draft's budget. More than one proposal may cost is refused, saying how much is left. ErrLate,
// *giving.FieldErrors, giving.ErrStep.
func AddItem(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, label string, amount int64, now time.Time) (*giving.Move, error) {
	c, err := p.callOf(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c != nil && !c.Takes(now) {
		return nil, ErrLate
	}
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
	if c != nil && p.Amount+max(amount, 0) > c.Most() {
		wrong.Refuse("amount", "call.amount.over", "left", money.Format(max(c.Most()-p.Amount, 0), book.Currency), "most", money.Format(c.Most(), book.Currency))
	}
	position := int16(1)
	if n := len(list); n > 0 {
		position = list[n-1].Position + 1
	}
	to := *p
	to.Amount += max(amount, 0)
	m := p.move(book, "proposal-item", label, to, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlItemInsert, book.ID, p.ID, position, label, amount)
	})
	m.Amount = amount
	return m, wrong.Err()
}

// DropItem plans that a line leaves a draft's budget. giving.ErrStep.
func DropItem(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, position int16) (*giving.Move, error) {
	list, err := Items(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(one projects.Item) bool { return one.Position == position })
	if p.State != Draft || i < 0 {
		return nil, giving.ErrStep
	}
	to := *p
	to.Amount -= list[i].Amount
	m := p.move(book, "proposal-item-off", list[i].Label, to, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlItemDrop, book.ID, p.ID, position)
	})
	m.Amount = list[i].Amount
	return m, nil
}

// File plans that a draft is handed in, in time and within the call. ErrLate, ErrOver, giving.ErrStep.
func File(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal, now time.Time) (*giving.Move, error) {
	if p.State != Draft || p.Amount == 0 {
		return nil, giving.ErrStep
	}
	c, err := p.callOf(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c != nil && !c.Takes(now) {
		return nil, ErrLate
	}
	if c != nil && p.Amount > c.Most() {
		return nil, ErrOver
	}
	to := *p
	to.State, to.FiledAt = Filed, &now
	m := p.move(book, "proposal-filed", p.Name()+" "+p.Title, to, nil)
	m.Amount = p.Amount
	return m, nil
}

// Withdraw plans that a proposal is taken back before it is ranked. *giving.FieldErrors, giving.ErrStep.
func Withdraw(book *ledger.Book, p *Proposal, reason string) (*giving.Move, error) {
	if p.State != Draft && p.State != Filed && p.State != Eligible {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *p
	to.State, to.Verdict = Withdrawn, reason
	return p.move(book, "proposal-withdrawn", reason, to, p.givesBack(book)), wrong.Err()
}

// Check is one rule of eligibility: what it asks for, what is, and whether that is enough.
type Check struct {
	Rule  string `json:"rule"`
	Wants string `json:"wants"`
	Is    string `json:"is"`
	OK    bool   `json:"ok"`
}

// Rules of eligibility.
const (
	RuleStanding = "standing"
	RuleCredit   = "credit"
	RuleRating   = "rating" // of finished contracts: the weak are dropped
	RuleAmount   = "amount"
)

// Eligibility holds an organisation and an amount to a call's rules; without a call only the credit counts. Points in Wants and Is are
// hundredths, amounts decimals; "none" is an organisation without a finished contract.
func Eligibility(ctx context.Context, q pg.Querier, book *ledger.Book, c *Call, payee *projects.Payee, amount int64) ([]Check, error) {
	if c == nil {
		return []Check{{RuleCredit, projects.Warned, payee.Credit, payee.Credit != projects.Barred}}, nil
	}
	checks := []Check{{RuleStanding, strings.Join(c.Standings, " "), payee.Standing, slices.Contains(c.Standings, payee.Standing)},
		{RuleCredit, c.Credit, payee.Credit, payee.Credit == projects.Good || payee.Credit == projects.Warned && c.Credit == projects.Warned}}
	if c.RatingLeast > 0 {
		ratings, err := projects.Ratings(ctx, q, book, []uuid.UUID{payee.ID})
		if err != nil {
			return nil, err
		}
		r, is := ratings[payee.ID], "none"
		if r.Contracts > 0 {
			is = fmt.Sprint(r.Points)
		}
		checks = append(checks, Check{RuleRating, fmt.Sprint(c.RatingLeast), is, r.Contracts == 0 || r.Points >= c.RatingLeast})
	}
	return append(checks, Check{RuleAmount, money.Format(c.Most(), book.Currency), money.Format(amount, book.Currency), amount <= c.Most()}), nil
}

// Examine plans the check of a proposal that was handed in: it is eligible, or refused by the rules it breaks, which are kept with it.
// giving.ErrStep.
func Examine(ctx context.Context, q pg.Querier, book *ledger.Book, p *Proposal) (*giving.Move, error) {
	if p.State != Filed {
		return nil, giving.ErrStep
	}
	c, err := p.callOf(ctx, q, book)
	if err != nil {
		return nil, err
	}
	payee, err := projects.PayeeByID(ctx, q, book, p.PayeeID)
	if err != nil {
		return nil, err
	}
	to := *p
	if to.Checks, err = Eligibility(ctx, q, book, c, payee, p.Amount); err != nil {
		return nil, err
	}
	to.State = Eligible
	var broken []string
	var more func(ctx context.Context, tx pgx.Tx) error
	for _, one := range to.Checks {
		if !one.OK {
			to.State, broken, more = Refused, append(broken, one.Rule), p.givesBack(book)
		}
	}
	return p.move(book, "proposal-"+to.State, strings.Join(broken, " "), to, more), nil
}

// Refuse plans that a proposal is not taken into the review for a reason that no rule knows. *giving.FieldErrors, giving.ErrStep.
func Refuse(book *ledger.Book, p *Proposal, reason string) (*giving.Move, error) {
	if p.State != Filed && p.State != Eligible {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 2, 400)
	to := *p
	to.State, to.Verdict = Refused, reason
	return p.move(book, "proposal-refused", reason, to, p.givesBack(book)), wrong.Err()
}
