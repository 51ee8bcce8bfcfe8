package staff

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// How long a session lives.
const (
	SessionIdle = 30 * time.Minute // without a request
	SessionLife = 12 * time.Hour   // however busy
	// A request within a minute of the last one writes nothing.
	touchEvery = time.Minute
)

// ErrNoSession means that there is no such session, or it has ended. Send the person to the
// sign-in page; from a list of sessions, answer 404.
var ErrNoSession = errors.New("no such session")

// Session is one sign-in on one device.
type Session struct {
	ID         uuid.UUID
	Device     string
	IP         netip.Addr // zero when unknown
	CreatedAt  time.Time
	LastSeenAt time.Time
	EndsAt     time.Time // at the latest
}

const sqlSessionInsert = `
insert into session (book_id, token_hash, id, person_id, created_at, last_seen_at, idle_until, ends_at, device, ip,
  proved_at, proved_by)
values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)`

// openSession stores a new session and returns the token, which nobody can read again.
func openSession(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, device string, ip netip.Addr, proof Proof, now time.Time) (string, error) {
	token, err := newToken()
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make session id: %w", err)
	}
	_, err = tx.Exec(ctx, sqlSessionInsert, book, tokenHash(token), id, person,
		now, now.Add(SessionIdle), now.Add(SessionLife), device, addrOrNull(ip), proof.At, proof.By)
	if err != nil {
		return "", fmt.Errorf("open session: %w", err)
	}
	return token, nil
}

const sqlSessionLookup = `
select s.id, s.last_seen_at, p.id, p.login, p.name_zh, p.name_en, p.lang, p.state, p.totp_secret is not null, p.created_at,
       s.proved_at, s.proved_by, p.password_due, ` + hasFactor + `, ` + passwordRule + `,
       coalesce((select jsonb_agg(jsonb_build_object('role', g.role, 'street', g.street_id, 'fund', g.fund_id)
                               order by g.role, g.street_id, g.fund_id)
                   from role_grant g
                  where g.book_id = s.book_id and g.person_id = s.person_id and g.revoked_at is null), '[]')
  from session s
  join person p on p.book_id = s.book_id and p.id = s.person_id
 where s.book_id = $1 and s.token_hash = $2
   and s.revoked_at is null and s.idle_until > $3 and s.ends_at > $3
   and p.state = 'active'`

// Lookup tells who holds the token, with the roles of this moment, or ErrNoSession. When seen is
// over a minute ago, call Touch.
func Lookup(ctx context.Context, q pg.Querier, book int32, token string, now time.Time) (i Identity, seen time.Time, err error) {
	i.Book = book
	p := &i.Person
	err = q.QueryRow(ctx, sqlSessionLookup, book, tokenHash(token), now).Scan(&i.Session, &seen,
		&p.ID, &p.Login, &p.NameZH, &p.NameEN, &p.Lang, &p.State, &p.HasFactor, &p.CreatedAt,
		&i.Proved.At, &i.Proved.By, &i.due, &i.factors, &i.rule, &i.Roles)
	if errors.Is(err, pgx.ErrNoRows) {
		return Identity{}, time.Time{}, ErrNoSession
	}
	if err != nil {
		return Identity{}, time.Time{}, fmt.Errorf("look up session: %w", err)
	}
	return i, seen, nil
}

const sqlSessionTouch = `
update session set last_seen_at = $3, idle_until = $4
 where book_id = $1 and id = $2 and last_seen_at <= $5
   and revoked_at is null and idle_until > $3 and ends_at > $3`

// Touch puts off the idle end of a session, at most once a minute; it never revives one.
func Touch(ctx context.Context, tx pgx.Tx, i Identity, now time.Time) error {
	_, err := tx.Exec(ctx, sqlSessionTouch, i.Book, i.Session, now, now.Add(SessionIdle), now.Add(-touchEvery))
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

const sqlSessionList = `
select id, device, ip, created_at, last_seen_at, ends_at
  from session
 where book_id = $1 and person_id = $2 and revoked_at is null and idle_until > $3 and ends_at > $3
 order by created_at desc
 limit $4`

// Sessions lists a person's live sessions, newest first, at most 200.
func Sessions(ctx context.Context, q pg.Querier, book int32, person uuid.UUID, now time.Time) ([]Session, error) {
	rows, err := q.Query(ctx, sqlSessionList, book, person, now, pageLimit)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Session, error) {
		var s Session
		var ip *netip.Addr
		err := row.Scan(&s.ID, &s.Device, &ip, &s.CreatedAt, &s.LastSeenAt, &s.EndsAt)
		if ip != nil {
			s.IP = *ip
		}
		return s, err
	})
}

const sqlSessionRevoke = `
update session set revoked_at = $4
 where book_id = $1 and person_id = $2 and id = $3 and revoked_at is null`

// EndSession signs out one session of a person; by is the person or an admin. ErrNoSession.
func EndSession(ctx context.Context, tx pgx.Tx, book int32, person, session, by uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlSessionRevoke, book, person, session, now)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoSession
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "session.end", Object: personObject(person),
		Detail: map[string]any{"session": session}})
}

// EndSessions signs a person out everywhere.
func EndSessions(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, now time.Time) error {
	if err := revokeSessions(ctx, tx, book, person, now); err != nil {
		return err
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "session.end_all", Object: personObject(person)})
}

const sqlSessionRevokeAll = `
update session set revoked_at = $3 where book_id = $1 and person_id = $2 and revoked_at is null`

func revokeSessions(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, now time.Time) error {
	if _, err := tx.Exec(ctx, sqlSessionRevokeAll, book, person, now); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func addrOrNull(ip netip.Addr) *netip.Addr {
	if !ip.IsValid() {
		return nil
	}
	ip = ip.WithZone("")
	return &ip
}
