package projects

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

// Final is a project's account by source (项目决算), over all of its contracts. Amounts are minor units of the book's currency.
type Final struct {
	FundID    int32
	Treatment string
	Payer     string
	Budget    int64 // as contracts promised
	Cost      int64 // with what its fund lost of an advance
	Paid      int64 // at the bank, less what came back
	Returned  int64 // to the payer, or owed to it
	Rest      int64 // stays in its fund
}

const (
	sqlFinal = `
select s.fund_id, s.treatment, s.payer, sum(s.amount)::int8, sum(s.drawn + s.lost)::int8,
       coalesce(sum((select sum(h.amount) from disbursement d join disbursement_share h on h.book_id = d.book_id and h.disbursement_id = d.id and h.position = s.position
                      where d.book_id = $1 and d.contract_id = s.contract_id and d.state = 'paid')), 0)::int8,
       sum(case when c.state = 'closed' then coalesce(s.due_back, 0) + s.given_back else 0 end)::int8,
       sum(case when c.state = 'closed' then s.amount - s.drawn - s.lost - s.due_back - s.given_back else 0 end)::int8
  from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
 where c.book_id = $1 and c.project_id = $2 and c.state not in ('draft', 'void')
 group by 1, 2, 3 order by min(c.number), min(s.position)`

	sqlCosts = `
select c.kind, c.code || ' ' || c.title, coalesce(sum(s.drawn), 0)::int8, coalesce(sum(s.lost), 0)::int8,
       coalesce((select string_agg(p.invoice, ' ' order by p.number) from disbursement p where p.book_id = c.book_id and p.contract_id = c.id and p.invoice <> '' and p.state = 'paid'), '')
  from contract c left join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
 where c.book_id = $1 and c.project_id = $2 and c.state not in ('draft', 'void')
 group by c.book_id, c.id, c.number, c.kind, c.code, c.title order by c.number`

	sqlContractsOpen = `
select exists (select from contract where book_id = $1 and project_id = $2 and state not in ('closed', 'void')), coalesce((select sum(s.drawn + s.lost) from contract c
  join contract_source s on s.book_id = c.book_id and s.contract_id = c.id where c.book_id = $1 and c.project_id = $2 and c.state = 'closed'), 0)::int8`
)

// FinalAccount reads a project's account by source.
func FinalAccount(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) ([]Final, error) {
	rows, err := q.Query(ctx, sqlFinal, book.ID, project)
	if err != nil {
		return nil, fmt.Errorf("read final account: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Final])
}

// Cost is what one contract cost its project; over all contracts it is the cost of the final account. Minor units of the book's currency.
type Cost struct {
	Kind     string // Works, Service
	Contract string // code and title
	Drawn    int64  // accepted
	Lost     int64  // of an advance, by the funds that had paid it
	Invoices string // of what was paid
}

// Costs reads what a project cost, contract by contract.
func Costs(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) ([]Cost, error) {
	rows, err := q.Query(ctx, sqlCosts, book.ID, project)
	if err != nil {
		return nil, fmt.Errorf("read costs of project: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Cost])
}

// End plans E46: all contracts are closed, the budget shrinks to what was spent, and the time runs in which the final account must be
// public (R09). A second person approves. ErrOpen, giving.ErrStep.
func End(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, day time.Time) (*giving.Move, error) {
	if p.State != Approved {
		return nil, giving.ErrStep
	}
	var open bool
	var cost int64
	if err := q.QueryRow(ctx, sqlContractsOpen, book.ID, p.ID).Scan(&open, &cost); err != nil {
		return nil, fmt.Errorf("read contracts of project: %w", err)
	}
	if open {
		return nil, fmt.Errorf("%w: a contract is not closed", ErrOpen)
	}
	to := *p
	by, err := law.PublicBy(ctx, q, book, day)
	if err != nil {
		return nil, err
	}
	to.State, to.EndedOn, to.PublishBy = Ended, &day, by
	m := p.move(book, "project-ended", p.Name()+" "+p.Title, to)
	m.Day, m.Amount = day, max(0, p.Budget-cost)
	if m.Amount > 0 {
		m.Lines = p.budgetLines(-m.Amount)
	}
	return m, nil
}
