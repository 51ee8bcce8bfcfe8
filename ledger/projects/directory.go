package projects

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Provider is an organisation as everybody may see it: neither its account nor a person. Points and Assessed are those of [PayeeStanding].
type Provider struct {
	ID        uuid.UUID
	Number    int32
	Name      string
	Standing  string
	Code      string
	Services  string
	Points    int32
	Assessed  int32
	Contracts int32
}

// ProviderWork is one contract of an organisation, with the project that it was for.
type ProviderWork struct {
	Project  int32 // number
	Title    string
	State    string // of the project
	Contract string
	Amount   int64
	Paid     int64
	Points   int32 // 0: not assessed by all four sides
}

const (
	ofProviders = `,
looked as (
  select c.* from shown y join contract c on c.book_id = $1 and c.payee_id = y.id),` + added + `
select y.id, y.number, y.name, y.standing, y.code, y.services, coalesce(w.points, 0), coalesce(w.n, 0), (select count(*) from looked c where c.payee_id = y.id and c.state not in ('draft', 'void'))::int4
  from shown y left join (select payee_id, avg(points)::int4 as points, count(*)::int4 as n from weighed group by 1) w on w.payee_id = y.id
 order by y.number desc`

	sqlDirectory = `
with shown as (
  select * from payee
   where book_id = $1 and kind = 'organisation' and standing in ('registered', 'filed') and ($2 = '' or standing = $2)
     and ($3 = '' or position(lower($3) in lower(name || ' ' || services)) > 0) and ($4 = 0 or number < $4)
   order by number desc limit $5)` + ofProviders

	sqlProvider = `
with shown as (
  select * from payee y
   where book_id = $1 and kind = 'organisation' and number = $2
     and (standing in ('registered', 'filed') or exists (select from contract c where c.book_id = $1 and c.payee_id = y.id and c.state not in ('draft', 'void'))))` + ofProviders

	sqlProviderWork = `
with looked as (
  select * from contract where book_id = $1 and payee_id = $2 and state not in ('draft', 'void')),` + added + `
select p.number, p.title, p.state, c.title, c.amount, coalesce((select sum(d.amount) from disbursement d where d.book_id = $1 and d.contract_id = c.id and d.state = 'paid'), 0)::int8,
       coalesce(w.points, 0)
  from looked c join project p on p.book_id = $1 and p.id = c.project_id left join weighed w on w.id = c.id
 where p.state in ('approved', 'ended')
 order by c.number desc limit $3`
)

// Directory lists the social organisations that are registered or filed, the newest first: those of a standing, or with "" all, whose name or
// services have the text, numbered below before. It answers one more than PageMax where there are more.
func Directory(ctx context.Context, q pg.Querier, book *ledger.Book, standing, text string, before int32) ([]Provider, error) {
	rows, err := q.Query(ctx, sqlDirectory, book.ID, standing, text, before, PageMax+1)
	if err != nil {
		return nil, fmt.Errorf("list directory: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Provider])
}

// ProviderByNumber reads an organisation of the directory, or another one that has had a contract; giving.ErrNoRecord.
func ProviderByNumber(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Provider, error) {
	rows, err := q.Query(ctx, sqlProvider, book.ID, number)
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Provider])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, giving.ErrNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	return &p, nil
}

// Work lists an organisation's contracts for projects that are public, the newest first.
func (p *Provider) Work(ctx context.Context, q pg.Querier, book *ledger.Book, most int) ([]ProviderWork, error) {
	rows, err := q.Query(ctx, sqlProviderWork, book.ID, p.ID, most)
	if err != nil {
		return nil, fmt.Errorf("list work of organisation: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ProviderWork])
}
