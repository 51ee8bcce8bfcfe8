package staff

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// PayeeChange is the audit event of a change to where a payee's money goes; its Object is the payee. Whoever did one
// within PayeeWait does not approve what the payee receives.
const (
	PayeeChange = "payee.change"
	PayeeWait   = 72 * time.Hour
)

// Effect carries out a request at the moment it is approved, in the same transaction; it returns the entry that it
// posted, or nil. What it refuses takes the approval back.
type Effect func(Approval) (entry *uuid.UUID, err error)

// Approve gives one person's word for a request exactly as it was read: seen is the Hash that the page carried. The
// last word that is needed approves the request and carries it out; until then it stays Open.
//
// ErrNoApproval, ErrDenied, ErrOwn, ErrPayee, ErrDecided (also by this person), ErrChanged, ledger.ErrHalted for what pays out, and what the
// effect says.
func Approve(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte, effect Effect, now time.Time) (Approval, error) {
	a, err := lockForDecision(ctx, tx, who, id, seen, now)
	if err != nil {
		return Approval{}, err
	}
	if a.Kind.PaysOut() {
		if err := ledger.MayPayOut(ctx, tx, who.Book); err != nil {
			return Approval{}, err
		}
	}
	if err := speak(ctx, tx, who, a, "approve", "", now); err != nil {
		return Approval{}, err
	}
	p, err := ProgressOf(ctx, tx, who.Book, a, now)
	if err != nil {
		return Approval{}, err
	}
	if p.Missing() > 0 {
		return a, recordApproval(ctx, tx, who, "approval.approve", a, a.Hash, now)
	}
	a.Needed = p.Need.Approvers
	if a.Entry, err = effect(a); err != nil {
		return Approval{}, err
	}
	return settle(ctx, tx, who, a, Approved, "", now)
}

// Reject decides against a request, for a reason that its maker will read; one is enough. It is bound to what
// was seen like Approve, with the same errors, and ErrRequestInvalid without a reason.
func Reject(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte, reason string, now time.Time) (Approval, error) {
	if strings.TrimSpace(reason) == "" || !textOK(reason, 1000) {
		return Approval{}, fmt.Errorf("%w: reason", ErrRequestInvalid)
	}
	a, err := lockForDecision(ctx, tx, who, id, seen, now)
	if err != nil {
		return Approval{}, err
	}
	if err := speak(ctx, tx, who, a, "reject", reason, now); err != nil {
		return Approval{}, err
	}
	return settle(ctx, tx, who, a, Rejected, reason, now)
}

// Withdraw takes an open request back; only its maker may. ErrNoApproval, ErrDenied, ErrDecided.
func Withdraw(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, now time.Time) (Approval, error) {
	a, err := lockOwn(ctx, tx, who, id)
	if err != nil {
		return Approval{}, err
	}
	return settle(ctx, tx, who, a, Withdrawn, "", now)
}

// Moot closes the open requests of a kind about a thing that somebody ends otherwise, such as a post that is given up before it was shown: the maker's own are
// withdrawn, those of others are rejected for the reason that the thing was ended for. Call it first in the transaction that ends the thing; who may end it is the caller's to say.
func Moot(ctx context.Context, tx pgx.Tx, who Identity, kind Kind, payee, reason string, now time.Time) ([]Approval, error) {
	rows, err := tx.Query(ctx, sqlApprovalsMoot, who.Book, kind, payee)
	if err != nil {
		return nil, fmt.Errorf("close requests: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanApproval)
	if err != nil {
		return nil, fmt.Errorf("close requests: %w", err)
	}
	for i, a := range list {
		state, said := Rejected, reason
		if a.MadeBy == who.Person.ID {
			state, said = Withdrawn, ""
		}
		if list[i], err = settle(ctx, tx, who, a, state, said, now); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// lockOwn reads an open request of this maker and keeps others from deciding it meanwhile.
func lockOwn(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID) (Approval, error) {
	a, err := readVisible(ctx, tx, who, sqlApprovalLock, id)
	if err != nil {
		return Approval{}, err
	}
	if a.MadeBy != who.Person.ID || !who.May(kinds[a.Kind].ask) {
		return Approval{}, ErrDenied
	}
	if a.State != Open {
		return Approval{}, ErrDecided
	}
	return a, nil
}

// lockForDecision reads a request that this person may decide, as it was seen.
func lockForDecision(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte, now time.Time) (Approval, error) {
	a, err := readVisible(ctx, tx, who, sqlApprovalLock, id)
	if err != nil {
		return Approval{}, err
	}
	if err := MayDecide(ctx, tx, who, a, now); err != nil {
		return Approval{}, err
	}
	// The hash is taken anew: a payload edited behind this code's back is not what was seen either.
	_, hash, err := seal(a.draft(), a.Version)
	if err != nil {
		return Approval{}, err
	}
	if !bytes.Equal(hash, seen) {
		return Approval{}, ErrChanged
	}
	return a, nil
}

const (
	sqlPayeeChanged = `
select exists (select from audit_event where book_id = $1 and object = $2 and who = $3 and what = $4 and at > $5)`

	sqlSpoken = `
select exists (select from approval_decision where book_id = $1 and approval_id = $2 and version = $3 and person_id = $4)`
)

// MayDecide says why this person may not decide the request now, or nil: ErrOwn, ErrPayee, ErrDenied, ErrDecided (also
// when the person has given their word).
func MayDecide(ctx context.Context, q pg.Querier, who Identity, a Approval, now time.Time) error {
	switch {
	case a.MadeBy == who.Person.ID: // said before anything else: no role would help
		return ErrOwn
	case a.Payee == PersonPayee(who.Person.ID):
		return ErrPayee
	case !who.May(kinds[a.Kind].decide):
		return ErrDenied
	case a.State != Open:
		return ErrDecided
	}
	if a.Payee != "" {
		var changed bool
		if err := q.QueryRow(ctx, sqlPayeeChanged, who.Book, a.Payee, who.Person.ID, PayeeChange, now.Add(-PayeeWait)).Scan(&changed); err != nil {
			return fmt.Errorf("look for changes of the payee: %w", err)
		}
		if changed {
			return ErrPayee
		}
	}
	need, err := needOf(ctx, q, who.Book, a, now)
	if err != nil {
		return err
	}
	if need.Role != "" && !who.Has(need.Role) {
		return ErrDenied
	}
	var spoken bool
	if err := q.QueryRow(ctx, sqlSpoken, who.Book, a.ID, a.Version, who.Person.ID).Scan(&spoken); err != nil {
		return fmt.Errorf("look for an earlier decision: %w", err)
	}
	if spoken {
		return ErrDecided
	}
	return nil
}

const sqlDecisionInsert = `
insert into approval_decision (book_id, approval_id, version, person_id, verdict, payload_hash, reason, decided_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)`

// speak keeps one person's word on this version of the request.
func speak(ctx context.Context, tx pgx.Tx, who Identity, a Approval, verdict, reason string, now time.Time) error {
	_, err := tx.Exec(ctx, sqlDecisionInsert, who.Book, a.ID, a.Version, who.Person.ID, verdict, a.Hash, reason, now)
	if err != nil {
		return fmt.Errorf("keep decision: %w", err)
	}
	return nil
}

const sqlApprovalDecide = `
update approval set state = $3, decided_by = $4, decided_at = $5, reason = $6, entry_id = $7, needed = $8
 where book_id = $1 and id = $2`

func settle(ctx context.Context, tx pgx.Tx, who Identity, a Approval, state ApprovalState, reason string, now time.Time) (Approval, error) {
	by := who.Person.ID
	a.State, a.DecidedBy, a.DecidedAt, a.Reason = state, &by, &now, reason
	_, err := tx.Exec(ctx, sqlApprovalDecide, who.Book, a.ID, state, by, now, reason, a.Entry, a.Needed)
	if err != nil {
		return Approval{}, fmt.Errorf("decide approval request: %w", err)
	}
	return a, recordApproval(ctx, tx, who, "approval."+string(state), a, a.Hash, now)
}
