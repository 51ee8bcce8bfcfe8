package staff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	// ErrDenied means that none of the person's roles carries the permission. Answer 403.
	ErrDenied = errors.New("not permitted")
	// ErrNoApproval means that there is no such request, or not for this person. Answer 404.
	ErrNoApproval = errors.New("no such approval request")
	// ErrChanged means that the request is no longer what the approver read. Show it again; nothing
	// was decided.
	ErrChanged = errors.New("request was changed since it was read")
	// ErrDecided means that the request is decided or withdrawn. Show the decision.
	ErrDecided = errors.New("request is decided already")
	// ErrRequestInvalid means an unknown kind, a summary or reason of unacceptable length, a
	// refusal without a reason, or a payload that is not canonical. Say so at the form.
	ErrRequestInvalid = errors.New("request is not acceptable")
	// ErrOtherBody means that the form id or Idempotency-Key was already used for something else.
	// Answer 422; the caller must take a new one.
	ErrOtherBody = errors.New("same key was used for another request")
)

// Kind says what a request's payload is and which room carries it out.
type Kind string

const (
	Voucher  Kind = "voucher"  // a manual entry: the payload is the entry as drafted
	Reversal Kind = "reversal" // the mirror entry of one that stands: the payload names it, the day and the reason
)

// kinds says who may ask and who may decide.
var kinds = map[Kind]struct{ ask, decide Permission }{
	Voucher:  {ask: EntryDraft, decide: EntryApprove},
	Reversal: {ask: EntryDraft, decide: EntryApprove},
}

// ApprovalState is where a request stands.
type ApprovalState string

const (
	Open      ApprovalState = "open"
	Approved  ApprovalState = "approved"
	Refused   ApprovalState = "refused"
	Withdrawn ApprovalState = "withdrawn"
)

// Approval is a request by one person that a second decides.
type Approval struct {
	ID        uuid.UUID
	Form      uuid.UUID // the form it was sent with: sent twice, it is one request
	Kind      Kind
	Payload   json.RawMessage // canonical JSON
	Hash      []byte          // of kind, summary and payload: put it into the page that shows them
	Summary   string
	MadeBy    uuid.UUID
	MadeAt    time.Time
	ChangedAt time.Time
	State     ApprovalState
	DecidedBy *uuid.UUID
	DecidedAt *time.Time
	Reason    string     // of the decision
	Entry     *uuid.UUID // the entry that the approval posted
}

// Draft is a request before it is submitted.
type Draft struct {
	Form    uuid.UUID // made with the form's page
	Kind    Kind
	Summary string // one sentence, at most 400 characters
	// Payload is marshalled to JSON. Numbers in it must be integers; money is a decimal string.
	Payload any
}

const sqlApprovalInsert = `
insert into approval (book_id, id, form_id, kind, payload, payload_hash, summary, made_by, made_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
on conflict (book_id, form_id) do nothing`

// Submit stores a request for a second person. The same form again gives the request it made, or
// ErrOtherBody if it says something else. ErrDenied, ErrRequestInvalid.
func Submit(ctx context.Context, tx pgx.Tx, who Identity, d Draft, now time.Time) (Approval, error) {
	kind, known := kinds[d.Kind]
	if !known {
		return Approval{}, fmt.Errorf("%w: kind %q", ErrRequestInvalid, d.Kind)
	}
	if !who.May(kind.ask) {
		return Approval{}, ErrDenied
	}
	payload, hash, err := seal(d)
	if err != nil {
		return Approval{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Approval{}, fmt.Errorf("make approval id: %w", err)
	}
	tag, err := tx.Exec(ctx, sqlApprovalInsert, who.Book, id, d.Form, d.Kind, payload, hash, d.Summary, who.Person.ID, now)
	if err != nil {
		return Approval{}, fmt.Errorf("submit approval request: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return submittedBefore(ctx, tx, who, d, hash)
	}
	a := Approval{ID: id, Form: d.Form, Kind: d.Kind, Payload: payload, Hash: hash, Summary: d.Summary,
		MadeBy: who.Person.ID, MadeAt: now, ChangedAt: now, State: Open}
	return a, recordApproval(ctx, tx, who, "approval.submit", a, now)
}

func submittedBefore(ctx context.Context, tx pgx.Tx, who Identity, d Draft, hash []byte) (Approval, error) {
	a, err := readApproval(ctx, tx, sqlApprovalByForm, who.Book, d.Form)
	if err != nil {
		return Approval{}, err
	}
	if a.MadeBy != who.Person.ID || a.Kind != d.Kind || !bytes.Equal(a.Hash, hash) {
		return Approval{}, ErrOtherBody
	}
	return a, nil
}

const sqlApprovalChange = `
update approval set payload = $3, payload_hash = $4, summary = $5, changed_at = $6
 where book_id = $1 and id = $2`

// Change replaces what an open request asks for; only its maker may. Whoever read the old one and
// approves gets ErrChanged. Form and Kind of d are not looked at.
// ErrNoApproval, ErrDenied, ErrDecided, ErrRequestInvalid.
func Change(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, d Draft, now time.Time) (Approval, error) {
	a, err := lockOwn(ctx, tx, who, id)
	if err != nil {
		return Approval{}, err
	}
	d.Form, d.Kind = a.Form, a.Kind
	before := a.Hash
	if a.Payload, a.Hash, err = seal(d); err != nil {
		return Approval{}, err
	}
	a.Summary, a.ChangedAt = d.Summary, now
	if _, err := tx.Exec(ctx, sqlApprovalChange, who.Book, id, a.Payload, a.Hash, a.Summary, now); err != nil {
		return Approval{}, fmt.Errorf("change approval request: %w", err)
	}
	return a, Record(ctx, tx, who.Book, Event{At: now, Who: who.Person.ID, What: "approval.change",
		Object: "approval:" + id.String(), Detail: map[string]any{"before": before, "after": a.Hash}})
}

// Approve decides for a request exactly as it was read: seen is the Hash that the page carried.
// The caller carries out a.Payload in the same transaction; entry is the id under which it will
// post, nil if it posts nothing.
//
// ErrNoApproval, ErrDenied, ErrOwn, ErrDecided, ErrChanged.
func Approve(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte, entry *uuid.UUID, now time.Time) (Approval, error) {
	a, err := lockForDecision(ctx, tx, who, id, seen)
	if err != nil {
		return Approval{}, err
	}
	a.Entry = entry
	return decide(ctx, tx, who, a, Approved, "", now)
}

// Refuse decides against a request, for a reason that its maker will read. It is bound to what
// was seen like Approve, with the same errors, and ErrRequestInvalid without a reason.
func Refuse(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte, reason string, now time.Time) (Approval, error) {
	if strings.TrimSpace(reason) == "" || !textOK(reason, 1000) {
		return Approval{}, fmt.Errorf("%w: reason", ErrRequestInvalid)
	}
	a, err := lockForDecision(ctx, tx, who, id, seen)
	if err != nil {
		return Approval{}, err
	}
	return decide(ctx, tx, who, a, Refused, reason, now)
}

// Withdraw takes an open request back; only its maker may. ErrNoApproval, ErrDenied, ErrDecided.
func Withdraw(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, now time.Time) (Approval, error) {
	a, err := lockOwn(ctx, tx, who, id)
	if err != nil {
		return Approval{}, err
	}
	return decide(ctx, tx, who, a, Withdrawn, "", now)
}

// lockOwn reads an open request of this maker and keeps others from deciding it meanwhile.
func lockOwn(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID) (Approval, error) {
	a, err := lockVisible(ctx, tx, who, id)
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
func lockForDecision(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, seen []byte) (Approval, error) {
	a, err := lockVisible(ctx, tx, who, id)
	if err != nil {
		return Approval{}, err
	}
	switch {
	case a.MadeBy == who.Person.ID: // said before anything else: no role would help
		return Approval{}, ErrOwn
	case !who.May(kinds[a.Kind].decide):
		return Approval{}, ErrDenied
	case a.State != Open:
		return Approval{}, ErrDecided
	}
	// The hash is taken anew: a payload edited behind this code's back is not what was seen either.
	_, hash, err := seal(Draft{Kind: a.Kind, Summary: a.Summary, Payload: a.Payload})
	if err != nil {
		return Approval{}, err
	}
	if !bytes.Equal(hash, seen) {
		return Approval{}, ErrChanged
	}
	return a, nil
}

func lockVisible(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID) (Approval, error) {
	a, err := readApproval(ctx, tx, sqlApprovalLock, who.Book, id)
	if err == nil && !visible(who, a) {
		err = ErrNoApproval
	}
	if err != nil {
		return Approval{}, err
	}
	return a, nil
}

const sqlApprovalDecide = `
update approval set state = $3, decided_by = $4, decided_at = $5, reason = $6, entry_id = $7
 where book_id = $1 and id = $2`

func decide(ctx context.Context, tx pgx.Tx, who Identity, a Approval, state ApprovalState, reason string, now time.Time) (Approval, error) {
	by := who.Person.ID
	a.State, a.DecidedBy, a.DecidedAt, a.Reason = state, &by, &now, reason
	_, err := tx.Exec(ctx, sqlApprovalDecide, who.Book, a.ID, state, by, now, reason, a.Entry)
	if err != nil {
		return Approval{}, fmt.Errorf("decide approval request: %w", err)
	}
	return a, recordApproval(ctx, tx, who, "approval."+string(state), a, now)
}

func recordApproval(ctx context.Context, tx pgx.Tx, who Identity, what string, a Approval, now time.Time) error {
	return Record(ctx, tx, who.Book, Event{At: now, Who: who.Person.ID, What: what, Object: "approval:" + a.ID.String(),
		Detail: map[string]any{"kind": a.Kind, "hash": a.Hash, "reason": a.Reason, "entry": a.Entry}})
}

// seal makes the one spelling of a payload and the hash of all that the second person reads.
func seal(d Draft) (payload json.RawMessage, hash []byte, err error) {
	if d.Summary == "" || !textOK(d.Summary, 400) {
		return nil, nil, fmt.Errorf("%w: summary", ErrRequestInvalid)
	}
	raw, err := json.Marshal(d.Payload)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	if err := canonical(tree); err != nil {
		return nil, nil, err
	}
	if payload, err = json.Marshal(tree); err != nil { // maps come out sorted by key
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%q\n%s", d.Kind, d.Summary, payload)
	return payload, sum.Sum(nil), nil
}

// canonical refuses what PostgreSQL would store in another spelling than it was hashed in.
func canonical(tree any) error {
	switch v := tree.(type) {
	case map[string]any:
		for key, child := range v {
			if strings.ContainsRune(key, 0) {
				return fmt.Errorf("%w: zero byte", ErrRequestInvalid)
			}
			if err := canonical(child); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if err := canonical(child); err != nil {
				return err
			}
		}
	case string:
		if strings.ContainsRune(v, 0) {
			return fmt.Errorf("%w: zero byte", ErrRequestInvalid)
		}
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") || v == "-0" {
			return fmt.Errorf("%w: number %s is not an integer", ErrRequestInvalid, v)
		}
	}
	return nil
}

// textOK wants at most n characters that PostgreSQL can store.
func textOK(text string, n int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= n && !strings.ContainsRune(text, 0)
}
