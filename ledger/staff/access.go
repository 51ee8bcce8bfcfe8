package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrSecond means that one admin alone could become the person by this, who holds a role or may later: it takes a
	// request (RequestAccess) that a second admin approves.
	ErrSecond = errors.New("a second admin must approve a change to how this person signs in")
	// ErrAccess means a step or a factor that cannot be. Say so at the form.
	ErrAccess = errors.New("change to how somebody signs in is not acceptable")
)

// Step is one change to how somebody signs in.
type Step string

const (
	StepPassword Step = "password" // a new initial password, seen by the admin who approves
	StepFactor   Step = "factor"   // the time-based code is taken away
	StepPasskey  Step = "passkey"  // a passkey is removed
	StepLink     Step = "link"     // an issuer's subject becomes the person
	StepUnlink   Step = "unlink"   // or no longer is
	StepEmail    Step = "email"    // where notices go to
)

// Steps lists all of them.
func Steps() []Step {
	return []Step{StepPassword, StepFactor, StepPasskey, StepLink, StepUnlink, StepEmail}
}

// Access is the payload of a request to change how somebody signs in. No secret is in it.
type Access struct {
	Person  uuid.UUID  `json:"person"`
	Step    Step       `json:"step"`
	Factor  *uuid.UUID `json:"factor,omitempty"`  // passkey or link that goes
	Issuer  string     `json:"issuer,omitempty"`  // of a link that comes
	Subject string     `json:"subject,omitempty"` // at the issuer
	Email   string     `json:"email,omitempty"`
}

// fits tells whether the step names what it needs.
func (c Access) fits() bool {
	switch c.Step {
	case StepPassword, StepFactor:
		return c.Factor == nil
	case StepPasskey, StepUnlink:
		return c.Factor != nil
	case StepLink:
		return c.Issuer != "" && c.Subject != ""
	case StepEmail:
		return true
	}
	return false
}

const sqlHoldsRole = `
select exists (select from role_grant where book_id = $1 and person_id = $2 and revoked_at is null)`

// Guarded tells whether a step takes two admins: all do for whoever holds a role. For any other person only linking does,
// since it opens a way in that the person never sees, and that outlasts the role given later.
func Guarded(ctx context.Context, q pg.Querier, book int32, c Access) (holds bool, err error) {
	if c.Step == StepLink {
		return true, nil
	}
	if err := q.QueryRow(ctx, sqlHoldsRole, book, c.Person).Scan(&holds); err != nil {
		return false, fmt.Errorf("look for roles: %w", err)
	}
	return holds, nil
}

// RequestAccess asks another admin to let this change be made. The person whom it is about can neither ask nor approve.
// ErrDenied, ErrOwn, ErrAccess, ErrEmail, ErrNoPerson, ErrOtherBody.
func RequestAccess(ctx context.Context, tx pgx.Tx, who Identity, form uuid.UUID, summary string, c Access, now time.Time) (Approval, error) {
	if c.Person == who.Person.ID {
		return Approval{}, ErrOwn
	}
	if !c.fits() {
		return Approval{}, ErrAccess
	}
	if c.Step == StepEmail {
		email, err := foldEmail(c.Email)
		if err != nil {
			return Approval{}, err
		}
		c.Email = email
	}
	if _, err := ByID(ctx, tx, who.Book, c.Person); err != nil {
		return Approval{}, err
	}
	return Request(ctx, tx, who, Draft{Form: form, Kind: Reset, Summary: summary, Payee: PersonPayee(c.Person), Payload: c}, now)
}

// ReadAccess reads the payload of a request of kind reset.
func ReadAccess(a Approval) (c Access, err error) {
	if err := json.Unmarshal(a.Payload, &c); err != nil {
		return c, fmt.Errorf("read change of access %s: %w", a.ID, err)
	}
	return c, nil
}

// ChangeAccess makes the change that two admins agreed on. hash is that of the new initial password, for StepPassword.
// ErrAccess, ErrEmail, ErrNoPasskey, ErrNoLink, ErrLink, ErrLinkTaken.
func ChangeAccess(ctx context.Context, tx pgx.Tx, book int32, a Approval, hash string, now time.Time) error {
	c, err := ReadAccess(a)
	if err != nil {
		return err
	}
	return setAccess(ctx, tx, book, c, a.MadeBy, hash, now)
}

// SetAccess makes the change for somebody who holds no role, as one admin may. ErrOwn, ErrSecond, and what ChangeAccess
// says.
func SetAccess(ctx context.Context, tx pgx.Tx, book int32, c Access, by uuid.UUID, hash string, now time.Time) error {
	if c.Person == by {
		return ErrOwn
	}
	// Locked, so that no role is granted meanwhile.
	var one int
	if err := tx.QueryRow(ctx, sqlGrantLock, book, c.Person).Scan(&one); errors.Is(err, pgx.ErrNoRows) {
		return ErrNoPerson
	} else if err != nil {
		return fmt.Errorf("lock person: %w", err)
	}
	switch holds, err := Guarded(ctx, tx, book, c); {
	case err != nil:
		return err
	case holds:
		return ErrSecond
	}
	if c.Step == StepPassword {
		if err := forgetFactors(ctx, tx, book, c.Person, now); err != nil {
			return err
		}
	}
	return setAccess(ctx, tx, book, c, by, hash, now)
}

const (
	sqlForgetPasskeys = `
update passkey set removed_at = $3 where book_id = $1 and person_id = $2 and removed_at is null`
	sqlForgetLinks = `
update identity_link set removed_at = $3 where book_id = $1 and person_id = $2 and removed_at is null`
)

// forgetFactors begins anew for somebody without a role: whoever had an earlier initial password may have left a way in.
func forgetFactors(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, now time.Time) error {
	for _, sql := range []string{sqlForgetPasskeys, sqlForgetLinks} {
		if _, err := tx.Exec(ctx, sql, book, person, now); err != nil {
			return fmt.Errorf("forget factors: %w", err)
		}
	}
	for _, sql := range []string{sqlFactorRemove, sqlRecoveryClear} {
		if _, err := tx.Exec(ctx, sql, book, person); err != nil {
			return fmt.Errorf("forget factors: %w", err)
		}
	}
	return nil
}

func setAccess(ctx context.Context, tx pgx.Tx, book int32, c Access, by uuid.UUID, hash string, now time.Time) error {
	if !c.fits() || (c.Step == StepPassword) != (hash != "") {
		return ErrAccess
	}
	switch c.Step {
	case StepPassword:
		return SetPassword(ctx, tx, book, c.Person, by, hash, now)
	case StepFactor:
		return RemoveFactor(ctx, tx, book, c.Person, by, now)
	case StepPasskey:
		return RemovePasskey(ctx, tx, book, c.Person, *c.Factor, by, now)
	case StepLink:
		return LinkIdentity(ctx, tx, book, c.Person, by, c.Issuer, c.Subject, now)
	case StepUnlink:
		return UnlinkIdentity(ctx, tx, book, c.Person, *c.Factor, by, now)
	}
	return SetEmail(ctx, tx, book, c.Person, by, c.Email, now)
}

// foldEmail is the one spelling of an address, or ErrEmail; empty stays empty.
func foldEmail(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if email == "" {
		return "", nil
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 200 {
		return "", ErrEmail
	}
	return email, nil
}

const sqlHolding = personSelect + `
 where book_id = $1 and state = 'active'
   and exists (select from role_grant g where g.book_id = person.book_id and g.person_id = person.id and g.revoked_at is null and g.role = any($2::text[]))
 order by login limit $3`

// Holding lists the active people who hold one of the roles, by login, at most 200.
func Holding(ctx context.Context, q pg.Querier, book int32, roles ...Role) ([]Person, error) {
	rows, err := q.Query(ctx, sqlHolding, book, roles, pageLimit)
	if err != nil {
		return nil, fmt.Errorf("list holders of roles: %w", err)
	}
	return pgx.CollectRows(rows, scanPerson)
}
