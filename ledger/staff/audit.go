package staff

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// Event is one line of the audit trail. It can be neither changed nor deleted.
type Event struct {
	ID     uuid.UUID
	At     time.Time
	Who    uuid.UUID // a person, an API key, or nil: nobody known, or the command line
	What   string    // lower-case words with dots, e.g. "approval.approve"
	Object string    // "kind:id", e.g. "person:0190…"; empty for none
	Detail any       // anything that JSON can hold; no secrets, no names of donors
	Before []byte    // hash of the object before, where there is one
	After  []byte    // and after
	Reason string    // as somebody gave it; at most 1000 characters
	Origin           // set by Record from the context
}

const sqlAuditInsert = `
insert into audit_event (book_id, id, at, who, what, object, detail, before_hash, after_hash, reason, request, ip)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// Record writes an event into the transaction of what it tells of; it sets the event's ID. A denied
// try is recorded in a transaction of its own, since the other one is rolled back.
func Record(ctx context.Context, tx pgx.Tx, book int32, e Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make audit event id: %w", err)
	}
	if e.Detail == nil {
		e.Detail = struct{}{}
	}
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("audit detail of %s: %w", e.What, err)
	}
	from := originOf(ctx)
	_, err = tx.Exec(ctx, sqlAuditInsert, book, id, e.At, e.Who, e.What, e.Object, detail, e.Before, e.After, e.Reason, from.Request, addrOrNull(from.IP))
	if err != nil {
		return fmt.Errorf("record %s: %w", e.What, err)
	}
	return nil
}

// pageLimit bounds every list of this package.
const pageLimit = 200

// EventFilter narrows Events; zero fields do not.
type EventFilter struct {
	Who    uuid.UUID
	What   string // a word, or the words it begins with: "approval" finds "approval.approved"
	Object string
	From   time.Time
	To     time.Time // before
	Before uuid.UUID // the last event of the previous page
	Limit  int       // at most 200, which is also the default
}

const sqlAuditList = `
select id, at, who, what, object, detail, before_hash, after_hash, reason, request, ip
  from audit_event
 where book_id = $1
   and ($2::uuid is null or who = $2)
   and ($3::text = '' or object = $3)
   and ($4::uuid is null or id < $4)
   and ($6::text = '' or what = $6 or starts_with(what, $6 || '.'))
   and ($7::timestamptz is null or at >= $7) and ($8::timestamptz is null or at < $8)
 order by id desc
 limit $5`

// Events lists the audit trail, newest first. Detail is a json.RawMessage.
func Events(ctx context.Context, q pg.Querier, book int32, f EventFilter) ([]Event, error) {
	rows, err := q.Query(ctx, sqlAuditList, book, orNull(f.Who), f.Object, orNull(f.Before), limit(f.Limit), f.What, pg.TimeOrNull(f.From), pg.TimeOrNull(f.To))
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Event, error) {
		var e Event
		var detail []byte
		var ip *netip.Addr
		err := row.Scan(&e.ID, &e.At, &e.Who, &e.What, &e.Object, &detail, &e.Before, &e.After, &e.Reason, &e.Request, &ip)
		e.Detail = json.RawMessage(detail)
		if ip != nil {
			e.IP = *ip
		}
		return e, err
	})
}

func limit(n int) int {
	if n <= 0 || n > pageLimit {
		return pageLimit
	}
	return n
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
