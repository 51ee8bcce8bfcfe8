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

const (
	sqlContractSight = `
select p.fund_id, p.street_id from contract c join project p on p.book_id = c.book_id and p.id = c.project_id where c.book_id = $1 and c.id = $2`

	sqlPaymentSight = `
select f.fund_id, f.street_id
  from disbursement d
  left join contract c on c.book_id = d.book_id and c.id = d.contract_id
  left join project p on p.book_id = c.book_id and p.id = c.project_id
  join fund f on f.book_id = d.book_id and f.fund_id = coalesce(d.fund_id, p.fund_id)
 where d.book_id = $1 and d.id = $2`
)

// ContractSight tells in one statement of which fund and street a contract is, or giving.ErrNoRecord: who may not see it learns nothing from
// how many statements were sent.
func ContractSight(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (fund int32, street *int32, err error) {
	return sightOf(ctx, q, sqlContractSight, book, id)
}

// PaymentSight is ContractSight of a payment.
func PaymentSight(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (fund int32, street *int32, err error) {
	return sightOf(ctx, q, sqlPaymentSight, book, id)
}

func sightOf(ctx context.Context, q pg.Querier, sql string, book *ledger.Book, id uuid.UUID) (fund int32, street *int32, err error) {
	err = q.QueryRow(ctx, sql, book.ID, id).Scan(&fund, &street)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil, giving.ErrNoRecord
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read whose record it is: %w", err)
	}
	return fund, street, nil
}
