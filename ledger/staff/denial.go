package staff

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Denied is what of a denied try is recorded.
const Denied = "denied"

// denialsMost bounds the denied tries recorded of one person, or of all who are unknown, in a minute: a flood must not
// fill the trail.
const denialsMost = 60

const sqlDenialInsert = `
insert into audit_event (book_id, id, at, who, what, object, detail, reason, request, ip)
select $1, $2, $3, $4, 'denied', $5, '{}', $6, $7, $8
 where (select count(*) from audit_event where book_id = $1 and who = $4 and id >= $9 and what = 'denied') < $10
    on conflict (book_id, id) do nothing`

// RecordDenial writes that somebody tried what is not theirs to do: one line per person, object and minute, at most 60
// a minute. object is what was asked for, such as "GET /console/people"; reason the rule that stood against it.
func RecordDenial(ctx context.Context, tx pgx.Tx, book int32, who uuid.UUID, object, reason string, now time.Time) error {
	minute := now.Truncate(time.Minute)
	object, reason = shorten(object, 200), shorten(reason, 1000)
	from := originOf(ctx)
	_, err := tx.Exec(ctx, sqlDenialInsert, book, denialID(who, object, minute), now, who, object, reason, from.Request,
		addrOrNull(from.IP), earliestID(minute), denialsMost)
	if err != nil {
		return fmt.Errorf("record denial: %w", err)
	}
	return nil
}

// denialID is a time-ordered id that is the same for the same person, object and minute.
func denialID(who uuid.UUID, object string, minute time.Time) uuid.UUID {
	id := earliestID(minute)
	sum := sha256.Sum256(append(who[:], object...))
	copy(id[6:], sum[:10])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // RFC variant
	return id
}

// earliestID is not above any id made at or after t.
func earliestID(t time.Time) (id uuid.UUID) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(t.UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}

// shorten keeps at most n characters that PostgreSQL can store.
func shorten(text string, n int) string {
	clean := make([]rune, 0, min(len(text), n))
	for _, r := range text {
		if len(clean) == n {
			break
		}
		if r != 0 && r != utf8.RuneError {
			clean = append(clean, r)
		}
	}
	return string(clean)
}
