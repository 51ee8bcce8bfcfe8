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
	sqlProjects = `
select p.id, p.number, p.title, f.code, coalesce(s.code, ''), p.state, p.starts_on, p.ends_on, p.ended_on, p.budget, p.committed,
       coalesce((select sum(c.drawn + c.lost) from contract_source c join contract k on k.book_id = c.book_id and k.id = c.contract_id where k.book_id = p.book_id and k.project_id = p.id), 0)::int8, p.people, p.published_on
  from project p join fund f on f.book_id = p.book_id and f.fund_id = p.fund_id left join street s on s.book_id = p.book_id and s.street_id = p.street_id
 where p.book_id = $1 and p.state in ('approved', 'ended')`

	sqlOpenProjects = sqlProjects + ` and p.id > $2 order by p.id limit $3`

	sqlOpenPayments = `
select d.id, d.paid_on, d.kind, d.amount, c.project_id, coalesce(c.code, ''), coalesce(f.code, ''), case when p.kind = 'organisation' then p.name else '' end, case when p.kind = 'organisation' then p.code else '' end, d.number, d.invoice
  from disbursement d join payee p on p.book_id = d.book_id and p.id = d.payee_id
  left join contract c on c.book_id = d.book_id and c.id = d.contract_id left join fund f on f.book_id = d.book_id and f.fund_id = d.fund_id
 where d.book_id = $1 and d.state = 'paid' and d.id > $2 order by d.id limit $3`

	sqlOpenMilestones = `
select c.id, c.project_id, c.code, m.position, m.title, m.due_on, m.amount, m.state, m.accepted, m.accepted_on
  from contract_milestone m join contract c on c.book_id = m.book_id and c.id = m.contract_id join project p on p.book_id = c.book_id and p.id = c.project_id
 where m.book_id = $1 and c.state not in ('draft', 'void') and p.state in ('approved', 'ended') and (c.id, m.position) > ($2, $3) order by c.id, m.position limit $4`

	sqlOpenGrants = `
select c.id, c.number, c.code, c.title, c.amount, c.signed_on, c.ends_on, p.name, p.code, p.number, j.title, f.code, f.name_zh, f.name_en
  from contract c join payee p on p.book_id = c.book_id and p.id = c.payee_id join project j on j.book_id = c.book_id and j.id = c.project_id
  join fund f on f.book_id = j.book_id and f.fund_id = j.fund_id
 where c.book_id = $1 and c.state not in ('draft', 'void') and c.signed_on is not null and p.kind = 'organisation' and c.id > $2 order by c.id limit $3`

	sqlOpenListed = `
select d.id, d.kind, d.object, v.version, v.phase, v.corrects is not null, v.published_at, v.figures
  from disclosure d
 cross join lateral (select * from disclosure_version v where v.book_id = d.book_id and v.entry_id = d.id order by version desc limit 1) v
 where d.book_id = $1 and d.id > $2 order by d.id limit $3`
)

// OpenMax is the longest page of an open data set. Sets stand in the order of ids, which do not change: who asks for what comes after the last id that was
// sent misses nothing that was there when the first page was.
const OpenMax = 2_000

// OpenProjects lists what was approved: at most so many behind an id (zero: from the start).
func OpenProjects(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) ([]Project, error) {
	rows, err := q.Query(ctx, sqlOpenProjects, book.ID, after, most)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Project])
}

// OpenPayments lists what the bank has paid: at most so many behind an id (zero: from the start).
func OpenPayments(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) ([]Payment, error) {
	rows, err := q.Query(ctx, sqlOpenPayments, book.ID, after, most)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
}

// OpenMilestones lists the stages of signed contracts: at most so many behind a stage of a contract (zero: from the start).
func OpenMilestones(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID, position int16, most int) ([]Milestone, error) {
	rows, err := q.Query(ctx, sqlOpenMilestones, book.ID, contract, position, most)
	if err != nil {
		return nil, fmt.Errorf("list milestones: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Milestone])
}

// OpenGrants lists signed contracts with organisations: at most so many behind an id (zero: from the start).
func OpenGrants(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) (all []Grant, err error) {
	rows, err := q.Query(ctx, sqlOpenGrants, book.ID, after, most)
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

// OpenListed lists the newest version of what is published: at most so many entries behind an id (zero: from the start). List has them by their days, where a
// correction moves an entry; here it keeps its place.
func OpenListed(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) ([]Listed, error) {
	rows, err := q.Query(ctx, sqlOpenListed, book.ID, after, most)
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Listed])
}

const (
	sqlNewestProjects = sqlProjects + ` order by p.number desc limit $2`

	sqlProjectTitles = `select number, title from project where book_id = $1 and number = any($2)`

	sqlPaidBetween = `
select p.number, d.id, d.number, d.invoice, d.amount
  from disbursement d join contract c on c.book_id = d.book_id and c.id = d.contract_id join project p on p.book_id = c.book_id and p.id = c.project_id
 where d.book_id = $1 and d.state = 'paid' and d.paid_on between $2 and $3 order by d.amount desc, d.number limit $4`
)

// NewestProjects lists the last so many that were approved, the newest first.
func NewestProjects(ctx context.Context, q pg.Querier, book *ledger.Book, most int) ([]Project, error) {
	rows, err := q.Query(ctx, sqlNewestProjects, book.ID, most)
	if err != nil {
		return nil, fmt.Errorf("list newest projects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Project])
}

// ProjectTitles are the titles of projects by their numbers.
func ProjectTitles(ctx context.Context, q pg.Querier, book *ledger.Book, numbers []int32) (map[int32]string, error) {
	rows, err := q.Query(ctx, sqlProjectTitles, book.ID, numbers)
	if err != nil {
		return nil, fmt.Errorf("read titles of projects: %w", err)
	}
	titles := map[int32]string{}
	var number int32
	var title string
	if _, err = pgx.ForEachRow(rows, []any{&number, &title}, func() error { titles[number] = title; return nil }); err != nil {
		return nil, fmt.Errorf("read titles of projects: %w", err)
	}
	return titles, nil
}

// Paid is what the bank paid for a project. Minor units of the book's currency.
type Paid struct {
	Project int32 // its number
	ID      uuid.UUID
	Number  int32
	Invoice string
	Amount  int64
}

// PaidBetween lists what the bank paid for projects in the days from..to, the largest first: at most so many.
func PaidBetween(ctx context.Context, q pg.Querier, book *ledger.Book, from, to time.Time, most int) ([]Paid, error) {
	rows, err := q.Query(ctx, sqlPaidBetween, book.ID, from, to, most)
	if err != nil {
		return nil, fmt.Errorf("list payments of days: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Paid])
}
