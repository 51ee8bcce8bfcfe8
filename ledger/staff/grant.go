package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrRoleInvalid means an unknown role, a street or fund that is missing, too many, or not of the book. Say so at
	// the form.
	ErrRoleInvalid = errors.New("role and street or fund do not fit")
	// ErrRolesClash means that admin or auditor would stand beside another role. Take the other away first.
	ErrRolesClash = errors.New("admin and auditor hold no other role")
	// ErrRoleHeld means that the person holds this role already. Nothing to do.
	ErrRoleHeld = errors.New("role is held already")
	// ErrNoGrant means that there is no such grant, or it has ended. Answer 404.
	ErrNoGrant = errors.New("no such role grant")
)

// Grant is a role given to a person, with its history.
type Grant struct {
	ID        uuid.UUID
	Person    uuid.UUID
	Held      // role and what it is good for
	GrantedAt time.Time
	GrantedBy uuid.UUID // nil: the command line
	RevokedAt *time.Time
	RevokedBy *uuid.UUID
}

const sqlGrantLock = `
select 1 from person where book_id = $1 and id = $2 for update`

const sqlGrantInsert = `
insert into role_grant (book_id, id, person_id, role, street_id, fund_id, granted_at, granted_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)`

// GrantRole gives a person a role, from the next request on. by is nil for the command line, else the admin who asked
// for it in a RoleChange; nobody grants to themselves (ErrOwn).
// ErrNoPerson, ErrRoleInvalid, ErrRolesClash, ErrRoleHeld.
func GrantRole(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, h Held, now time.Time) (Grant, error) {
	if person == by {
		return Grant{}, ErrOwn
	}
	if !h.fits() {
		return Grant{}, ErrRoleInvalid
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Grant{}, fmt.Errorf("make grant id: %w", err)
	}
	// Two grants at once must not miss each other's clash.
	var one int
	if err := tx.QueryRow(ctx, sqlGrantLock, book, person).Scan(&one); errors.Is(err, pgx.ErrNoRows) {
		return Grant{}, ErrNoPerson
	} else if err != nil {
		return Grant{}, fmt.Errorf("lock person: %w", err)
	}
	held, err := Grants(ctx, tx, book, person, false)
	if err != nil {
		return Grant{}, err
	}
	if err := clash(held, h); err != nil {
		return Grant{}, err
	}
	_, err = tx.Exec(ctx, sqlGrantInsert, book, id, person, h.Role, h.Street, h.Fund, now, by)
	switch {
	case violates(err, "role_grant_live"):
		return Grant{}, ErrRoleHeld
	case violates(err, "role_grant_book_id_street_id_fkey"), violates(err, "role_grant_book_id_fund_id_fkey"):
		return Grant{}, ErrRoleInvalid
	case err != nil:
		return Grant{}, fmt.Errorf("grant role: %w", err)
	}
	return Grant{ID: id, Person: person, Held: h, GrantedAt: now, GrantedBy: by},
		Record(ctx, tx, book, Event{At: now, Who: by, What: "role.grant", Object: personObject(person), Detail: h})
}

const sqlGrantRevoke = `
update role_grant set revoked_at = $3, revoked_by = $4
 where book_id = $1 and id = $2 and revoked_at is null
returning person_id, role, street_id, fund_id`

// RevokeRole ends a grant, from the next request on. Nobody ends their own (ErrOwn), so that one
// admin is always left. ErrNoGrant.
func RevokeRole(ctx context.Context, tx pgx.Tx, book int32, grant, by uuid.UUID, now time.Time) error {
	var person uuid.UUID
	var h Held
	err := tx.QueryRow(ctx, sqlGrantRevoke, book, grant, now, by).Scan(&person, &h.Role, &h.Street, &h.Fund)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoGrant
	case violates(err, "role_grant_second_person"):
		return ErrOwn
	case err != nil:
		return fmt.Errorf("revoke role: %w", err)
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "role.revoke", Object: personObject(person), Detail: h})
}

const sqlGrantList = `
select id, person_id, role, street_id, fund_id, granted_at, granted_by, revoked_at, revoked_by
  from role_grant
 where book_id = $1 and person_id = $2 and ($3 or revoked_at is null)
 order by id`

// Grants lists a person's roles, oldest first; with history, also the ended ones.
func Grants(ctx context.Context, q pg.Querier, book int32, person uuid.UUID, history bool) ([]Grant, error) {
	rows, err := q.Query(ctx, sqlGrantList, book, person, history)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Grant, error) {
		var g Grant
		err := row.Scan(&g.ID, &g.Person, &g.Role, &g.Street, &g.Fund, &g.GrantedAt, &g.GrantedBy, &g.RevokedAt, &g.RevokedBy)
		return g, err
	})
}
