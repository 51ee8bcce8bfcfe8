package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// RoleChange is the payload of a request to give a role to somebody or to take one away.
type RoleChange struct {
	Person uuid.UUID  `json:"person"`
	Held              // the role given or taken
	Revoke *uuid.UUID `json:"revoke,omitempty"` // the grant that ends; nil: the role is given
}

// RequestRole asks another admin to give or take a role. Nobody asks for their own (ErrOwn).
// ErrDenied, ErrNoPerson, ErrNoGrant, ErrRoleInvalid, ErrRolesClash, ErrRoleHeld, ErrInitialPassword, ErrOtherBody.
func RequestRole(ctx context.Context, tx pgx.Tx, who Identity, form uuid.UUID, summary string, c RoleChange, now time.Time) (Approval, error) {
	if c.Person == who.Person.ID {
		return Approval{}, ErrOwn
	}
	if c.Revoke == nil {
		if err := checkGrant(ctx, tx, who.Book, c.Person, c.Held); err != nil {
			return Approval{}, err
		}
		if err := ownPassword(ctx, tx, who.Book, c.Person); err != nil {
			return Approval{}, err
		}
	} else {
		held, err := Grants(ctx, tx, who.Book, c.Person, false)
		if err != nil {
			return Approval{}, err
		}
		i := slices.IndexFunc(held, func(g Grant) bool { return g.ID == *c.Revoke })
		if i < 0 {
			return Approval{}, ErrNoGrant
		}
		c.Held = held[i].Held
	}
	return Request(ctx, tx, who, Draft{Form: form, Kind: RoleKind, Summary: summary, Payee: PersonPayee(c.Person), Payload: c}, now)
}

// ReadRoleChange reads the payload of a request of kind role.
func ReadRoleChange(a Approval) (c RoleChange, err error) {
	if err := json.Unmarshal(a.Payload, &c); err != nil {
		return c, fmt.Errorf("read role change %s: %w", a.ID, err)
	}
	return c, nil
}

// ChangeRole is the effect of an approved role change, from the person's next request on. It is the maker who gives
// the role; who approved it, the request says.
// ErrNoPerson, ErrNoGrant, ErrRoleInvalid, ErrRolesClash, ErrRoleHeld, ErrInitialPassword.
func ChangeRole(ctx context.Context, tx pgx.Tx, book int32, a Approval, now time.Time) error {
	c, err := ReadRoleChange(a)
	if err != nil {
		return err
	}
	if c.Revoke != nil {
		return RevokeRole(ctx, tx, book, *c.Revoke, a.MadeBy, now)
	}
	// Granting locks the person, so the password is looked at after it.
	if _, err = GrantRole(ctx, tx, book, c.Person, a.MadeBy, c.Held, now); err != nil {
		return err
	}
	return ownPassword(ctx, tx, book, c.Person)
}

// ErrInitialPassword means that the person still has a password that an admin has seen, who could sign in by it. Ask
// the person to sign in and choose one first.
var ErrInitialPassword = errors.New("person has not chosen a password yet")

const sqlPasswordDue = `
select password_due from person where book_id = $1 and id = $2`

// ownPassword is nil when nobody but the person knows the password.
func ownPassword(ctx context.Context, q pg.Querier, book int32, person uuid.UUID) error {
	var due bool
	if err := q.QueryRow(ctx, sqlPasswordDue, book, person).Scan(&due); err != nil {
		return fmt.Errorf("look at initial password: %w", err)
	}
	if due {
		return ErrInitialPassword
	}
	return nil
}

// checkGrant says why a person cannot be given the role.
func checkGrant(ctx context.Context, q pg.Querier, book int32, person uuid.UUID, h Held) error {
	if !h.fits() {
		return ErrRoleInvalid
	}
	if _, err := ByID(ctx, q, book, person); err != nil {
		return err
	}
	held, err := Grants(ctx, q, book, person, false)
	if err != nil {
		return err
	}
	for _, other := range held {
		if other.Role == h.Role && same(other.Street, h.Street) && same(other.Fund, h.Fund) {
			return ErrRoleHeld
		}
	}
	return clash(held, h)
}

// clash says whether a role may not stand beside those held.
func clash(held []Grant, h Held) error {
	for _, other := range held {
		if other.Role != h.Role && (slices.Contains(alone, other.Role) || slices.Contains(alone, h.Role)) {
			return fmt.Errorf("%w: %s beside %s", ErrRolesClash, h.Role, other.Role)
		}
	}
	return nil
}

func same(a, b *int32) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
