package disclosure

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Project is a project as open data tells it. Amounts are minor units of the book's currency.
type Project struct {
	ID                       uuid.UUID
	Number                   int32
	Title                    string
	Fund, Street             string // codes; no street for funds without one
	State                    string
	StartsOn, EndsOn         time.Time
	EndedOn                  *time.Time
	Budget, Committed, Spent int64
	People                   int32
	PublishedOn              *time.Time
}

// Payment is a payment at the bank. Of a household neither name nor number is told.
type Payment struct {
	ID       uuid.UUID
	PaidOn   time.Time
	Kind     string // advance, stage, last, aid
	Amount   int64
	Project  *uuid.UUID
	Contract string
	Fund     string // of aid
	Payee    string // of an organisation
	Code     string
	Number   int32
	Invoice  string
}

// Milestone is a stage of a signed contract: planned, inspected (by the street), refused (by the street; it may be inspected again) or accepted.
type Milestone struct {
	Contract, Project uuid.UUID
	Code              string // of the contract
	Position          int16
	Title             string
	DueOn             time.Time
	Amount            int64
	State             string
	Accepted          int64
	AcceptedOn        *time.Time
}

// Grant is a contract as a grant to its payee.
type Grant struct {
	ID               uuid.UUID
	Number           int32
	Code, Title      string
	Amount           int64
	SignedOn, EndsOn time.Time
	Payee, PayeeCode string
	PayeeNumber      int32
	Project          string
	Fund             string
	FundName         [2]string
}

const (
	sqlOpenProjects = `
select p.id, p.number, p.title, f.code, coalesce(s.code, ''), p.state, p.starts_on, p.ends_on, p.ended_on, p.budget, p.committed,
       coalesce((select sum(c.drawn) from contract_source c join contract k on k.book_id = c.book_id and k.id = c.contract_id where k.book_id = p.book_id and k.project_id = p.id), 0)::int8, p.people, p.published_on
  from project p join fund f on f.book_id = p.book_id and f.fund_id = p.fund_id left join street s on s.book_id = p.book_id and s.street_id = p.street_id
 where p.book_id = $1 and p.state in ('approved', 'ended') order by p.number limit $2`

	sqlOpenPayments = `
select d.id, d.paid_on, d.kind, d.amount, c.project_id, coalesce(c.code, ''), coalesce(f.code, ''), case when p.kind = 'organisation' then p.name else '' end, case when p.kind = 'organisation' then p.code else '' end, d.number, d.invoice
  from disbursement d join payee p on p.book_id = d.book_id and p.id = d.payee_id
  left join contract c on c.book_id = d.book_id and c.id = d.contract_id left join fund f on f.book_id = d.book_id and f.fund_id = d.fund_id
 where d.book_id = $1 and d.state = 'paid' order by d.paid_on, d.number limit $2`

	sqlOpenMilestones = `
select c.id, c.project_id, c.code, m.position, m.title, m.due_on, m.amount, m.state, m.accepted, m.accepted_on
  from contract_milestone m join contract c on c.book_id = m.book_id and c.id = m.contract_id join project p on p.book_id = c.book_id and p.id = c.project_id
 where m.book_id = $1 and c.state not in ('draft', 'void') and p.state in ('approved', 'ended') order by c.number, m.position limit $2`

	sqlOpenGrants = `
select c.id, c.number, c.code, c.title, c.amount, c.signed_on, c.ends_on, p.name, p.code, p.number, j.title, f.code, f.name_zh, f.name_en
  from contract c join payee p on p.book_id = c.book_id and p.id = c.payee_id join project j on j.book_id = c.book_id and j.id = c.project_id
  join fund f on f.book_id = j.book_id and f.fund_id = j.fund_id
 where c.book_id = $1 and c.state not in ('draft', 'void') and c.signed_on is not null and p.kind = 'organisation' order by c.number limit $2`
)

// OpenMax is the longest open data set.
const OpenMax = 50_000

// OpenProjects lists what was approved, in the order of numbers.
func OpenProjects(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Project, error) {
	rows, err := q.Query(ctx, sqlOpenProjects, book.ID, OpenMax)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Project])
}

// OpenPayments lists what the bank has paid, in the order of days.
func OpenPayments(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Payment, error) {
	rows, err := q.Query(ctx, sqlOpenPayments, book.ID, OpenMax)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
}

// OpenMilestones lists the stages of signed contracts, in the order of the contracts' numbers.
func OpenMilestones(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Milestone, error) {
	rows, err := q.Query(ctx, sqlOpenMilestones, book.ID, OpenMax)
	if err != nil {
		return nil, fmt.Errorf("list milestones: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Milestone])
}

// OpenGrants lists signed contracts with organisations, in the order of numbers.
func OpenGrants(ctx context.Context, q pg.Querier, book *ledger.Book) (all []Grant, err error) {
	rows, err := q.Query(ctx, sqlOpenGrants, book.ID, OpenMax)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	var g Grant
	_, err = pgx.ForEachRow(rows, []any{&g.ID, &g.Number, &g.Code, &g.Title, &g.Amount, &g.SignedOn, &g.EndsOn, &g.Payee, &g.PayeeCode, &g.PayeeNumber, &g.Project, &g.Fund, &g.FundName[0], &g.FundName[1]}, func() error {
		all = append(all, g)
		return nil
	})
	return all, err
}
