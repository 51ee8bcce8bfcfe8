package staff

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// Box is one of the three lists of requests.
type Box string

const (
	ForMe Box = "for_me" // open, and this person may decide and has not
	Mine  Box = "mine"   // made by this person
	Done  Box = "done"   // no longer open
)

const approvalSelect = `
select id, form_id, kind, payload, payload_hash, summary, amount, payee, version, needed, made_by, made_at, changed_at,
       state, decided_by, decided_at, reason, entry_id
  from approval`

const sqlApprovalByForm = approvalSelect + `
 where book_id = $1 and form_id = $2`

const sqlApprovalByID = approvalSelect + `
 where book_id = $1 and id = $2`

const sqlApprovalLock = sqlApprovalByID + `
   for update`

// ApprovalByID reads a request that is in this person's sight, or ErrNoApproval.
func ApprovalByID(ctx context.Context, q pg.Querier, who Identity, id uuid.UUID) (Approval, error) {
	return readVisible(ctx, q, who, sqlApprovalByID, id)
}

// ApprovalByForm reads the request that was made with a form id, or ErrNoApproval.
func ApprovalByForm(ctx context.Context, q pg.Querier, who Identity, form uuid.UUID) (Approval, error) {
	return readVisible(ctx, q, who, sqlApprovalByForm, form)
}

func readVisible(ctx context.Context, q pg.Querier, who Identity, sql string, key uuid.UUID) (Approval, error) {
	a, err := readApproval(ctx, q, sql, who.Book, key)
	if err == nil && !visible(who, a) {
		return Approval{}, ErrNoApproval
	}
	return a, err
}

// visible: makers see their own; deciders and auditors see all of their kinds.
func visible(who Identity, a Approval) bool {
	return a.MadeBy == who.Person.ID || who.May(kinds[a.Kind].decide) || who.Has(Auditor)
}

// approvalForMe picks what still wants this person's word.
const approvalForMe = `
 where book_id = $1 and state = 'open' and made_by <> $2 and kind = any($3::text[]) and payee <> 'person:' || $2::uuid
   and not exists (select from approval_decision d where d.book_id = approval.book_id and d.approval_id = approval.id
                      and d.version = approval.version and d.person_id = $2)`

const sqlApprovalForMe = approvalSelect + approvalForMe + `
   and ($4::uuid is null or id < $4)
 order by id desc limit $5`

const sqlApprovalMine = approvalSelect + `
 where book_id = $1 and made_by = $2
   and ($3::uuid is null or id < $3)
 order by id desc limit $4`

const sqlApprovalDone = approvalSelect + `
 where book_id = $1 and state <> 'open' and (made_by = $2 or kind = any($3::text[]))
   and ($4::uuid is null or id < $4)
 order by id desc limit $5`

// Approvals lists requests in this person's sight, newest first. before is the last one of the
// previous page, nil for the first; n is at most 200.
func Approvals(ctx context.Context, q pg.Querier, who Identity, box Box, before uuid.UUID, n int) ([]Approval, error) {
	var rows pgx.Rows
	var err error
	switch box {
	case ForMe:
		rows, err = q.Query(ctx, sqlApprovalForMe, who.Book, who.Person.ID, kindsTo(who, false), orNull(before), limit(n))
	case Mine:
		rows, err = q.Query(ctx, sqlApprovalMine, who.Book, who.Person.ID, orNull(before), limit(n))
	case Done:
		rows, err = q.Query(ctx, sqlApprovalDone, who.Book, who.Person.ID, kindsTo(who, true), orNull(before), limit(n))
	default:
		return nil, fmt.Errorf("%w: box %q", ErrRequestInvalid, box)
	}
	if err != nil {
		return nil, fmt.Errorf("list approval requests: %w", err)
	}
	return pgx.CollectRows(rows, scanApproval)
}

const sqlApprovalWaiting = `
select count(*) from approval` + approvalForMe

// Waiting counts the requests that this person may decide.
func Waiting(ctx context.Context, q pg.Querier, who Identity) (int, error) {
	var n int
	err := q.QueryRow(ctx, sqlApprovalWaiting, who.Book, who.Person.ID, kindsTo(who, false)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count approval requests: %w", err)
	}
	return n, nil
}

// Decides tells whether there is a kind of request that the person may decide.
func (i Identity) Decides() bool { return len(kindsTo(i, false)) > 0 }

// kindsTo lists the kinds that the person may decide, or only read.
func kindsTo(who Identity, read bool) []Kind {
	list := []Kind{}
	for kind, rule := range kinds {
		if who.May(rule.decide) || read && who.Has(Auditor) {
			list = append(list, kind)
		}
	}
	return list
}

func readApproval(ctx context.Context, q pg.Querier, sql string, book int32, key uuid.UUID) (Approval, error) {
	rows, err := q.Query(ctx, sql, book, key)
	if err != nil {
		return Approval{}, fmt.Errorf("read approval request: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanApproval)
	if errors.Is(err, pgx.ErrNoRows) {
		return Approval{}, ErrNoApproval
	}
	return a, err
}

func scanApproval(row pgx.CollectableRow) (Approval, error) {
	var a Approval
	err := row.Scan(&a.ID, &a.Form, &a.Kind, &a.Payload, &a.Hash, &a.Summary, &a.Amount, &a.Payee, &a.Version, &a.Needed, &a.MadeBy, &a.MadeAt, &a.ChangedAt,
		&a.State, &a.DecidedBy, &a.DecidedAt, &a.Reason, &a.Entry)
	return a, err
}

const sqlApprovalsAbout = approvalSelect + `
 where book_id = $1 and state = 'open' and kind = $2 and payee = $3 order by id desc limit $4`

// About lists the open requests of a kind about one payee or thing, newest first, to those who may ask for such or decide them, and to auditors;
// to others none. n is at most 200.
func About(ctx context.Context, q pg.Querier, who Identity, kind Kind, payee string, n int) ([]Approval, error) {
	if k := kinds[kind]; !who.May(k.ask) && !who.May(k.decide) && !who.Has(Auditor) {
		return nil, nil
	}
	rows, err := q.Query(ctx, sqlApprovalsAbout, who.Book, kind, payee, limit(n))
	if err != nil {
		return nil, fmt.Errorf("list approval requests: %w", err)
	}
	return pgx.CollectRows(rows, scanApproval)
}

// sqlApprovalsMoot locks in the order of ids.
const sqlApprovalsMoot = approvalSelect + `
 where book_id = $1 and state = 'open' and kind = $2 and payee = $3 order by id for update`

const sqlRequestsAbout = approvalSelect + `
 where book_id = $1 and kind = $2 and payee = $3 and id < $4 order by id desc limit $5`

// RequestsAbout lists all requests of a kind about one payee or thing, newest first, before one of them (uuid.Max: from the newest on), to a
// program whose key has the scope. ErrDenied. n is at most 200.
func RequestsAbout(ctx context.Context, q pg.Querier, k Key, scope Scope, kind Kind, payee string, before uuid.UUID, n int) ([]Approval, error) {
	if !k.May(scope) {
		return nil, ErrDenied
	}
	rows, err := q.Query(ctx, sqlRequestsAbout, k.Book, kind, payee, before, limit(n))
	if err != nil {
		return nil, fmt.Errorf("list approval requests: %w", err)
	}
	return pgx.CollectRows(rows, scanApproval)
}

// Visible tells whether the request's page is in the person's sight.
func (a Approval) Visible(who Identity) bool { return visible(who, a) }
