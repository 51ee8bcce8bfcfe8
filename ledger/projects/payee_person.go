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
)

const (
	sqlPersonInsert = `
insert into payee_person (book_id, payee_id, person_id, asked_by, agreed_by, since)
select $1, $2, $3, $4, $5, $6 where not exists (select from payee_person where book_id = $1 and payee_id = $2 and person_id = $3 and ended_at is null)`
	sqlPersonEnd   = `update payee_person set ended_at = $4 where book_id = $1 and payee_id = $2 and person_id = $3 and ended_at is null`
	sqlPayeePeople = `select person_id from payee_person where book_id = $1 and payee_id = $2 and ended_at is null order by since`
	sqlOwnPapers   = `
select a.id from attachment a
 where a.book_id = $1 and a.object = $3 and exists (select from payee_person p where p.book_id = $1 and p.payee_id = $2 and p.person_id = a.added_by
   and a.added_at >= p.since and (p.ended_at is null or a.added_at < p.ended_at))`
	sqlPersonsPayees = `select payee_id from payee_person where book_id = $1 and person_id = $2 and ended_at is null order by since, payee_id`
)

// LinkPerson plans that somebody signs in for an organisation: sees its own proposals, contracts and payments, and asks for payment. One
// person asks, another agrees, and neither is the one who gets in. giving.ErrStep.
func LinkPerson(book *ledger.Book, p *Payee, person uuid.UUID, now time.Time) (*giving.Move, error) {
	if p.Kind != Organisation {
		return nil, giving.ErrStep
	}
	return &giving.Move{Source: "payee", Object: p.Object(), Act: "payee-person", Note: p.Name, Payee: p.Object(), SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if s.Second == uuid.Nil || s.Second == s.By || person == s.By || person == s.Second {
			return giving.ErrStep
		}
		return giving.Settled(ctx, tx, sqlPersonInsert, book.ID, p.ID, person, s.By, s.Second, now)
	}}, nil
}

// UnlinkPerson plans that somebody no longer signs in for an organisation, from the next request on. giving.ErrStep.
func UnlinkPerson(book *ledger.Book, p *Payee, person uuid.UUID, now time.Time) *giving.Move {
	return &giving.Move{Source: "payee", Object: p.Object(), Act: "payee-person-off", Note: p.Name, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlPersonEnd, book.ID, p.ID, person, now)
	}}
}

// PeopleOf lists who signs in for an organisation.
func PeopleOf(ctx context.Context, q pg.Querier, book *ledger.Book, payee uuid.UUID) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlPayeePeople, book.ID, payee)
}

// PayeesOf lists the organisations that somebody signs in for.
func PayeesOf(ctx context.Context, q pg.Querier, book *ledger.Book, person uuid.UUID) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlPersonsPayees, book.ID, person)
}

// OwnPapers lists the papers beside a record that somebody added while signing in for the organisation. What staff put there is not among them.
func OwnPapers(ctx context.Context, q pg.Querier, book *ledger.Book, payee uuid.UUID, object string) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlOwnPapers, book.ID, payee, object)
}

func ids(ctx context.Context, q pg.Querier, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list who signs in: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
