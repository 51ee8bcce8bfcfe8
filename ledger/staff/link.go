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
	// ErrLink means a subject that cannot be one, or a book without an issuer. Say so at the form.
	ErrLink = errors.New("identity cannot be linked")
	// ErrLinkTaken means that the issuer's subject is somebody's already. Take it away there first.
	ErrLinkTaken = errors.New("identity is linked already")
	// ErrNoLink means that there is no such link, or it is removed. Answer 404.
	ErrNoLink = errors.New("no such linked identity")
)

// Link says that an issuer's subject is a person of the book. Addresses and names of the issuer mean nothing to us.
type Link struct {
	ID       uuid.UUID
	Issuer   string
	Subject  string
	LinkedAt time.Time
}

const sqlLinkInsert = `
insert into identity_link (book_id, id, issuer, subject, person_id, linked_at, linked_by) values ($1, $2, $3, $4, $5, $6, $7)`

// LinkIdentity lets an issuer's subject sign in as the person; by is an admin, and not the person (ErrOwn): oneself is
// linked by signing in at the issuer. ErrLink, ErrLinkTaken, ErrNoPerson.
func LinkIdentity(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, issuer, subject string, now time.Time) error {
	if person == by {
		return ErrOwn
	}
	return link(ctx, tx, book, person, by, issuer, subject, now)
}

func link(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, issuer, subject string, now time.Time) error {
	if issuer == "" || len(subject) == 0 || len(subject) > 255 || !nameOK(subject[:min(len(subject), 100)]) {
		return ErrLink
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make link id: %w", err)
	}
	_, err = tx.Exec(ctx, sqlLinkInsert, book, id, issuer, subject, person, now, by)
	switch {
	case violates(err, "identity_link_live"):
		return ErrLinkTaken
	case violates(err, "identity_link_book_id_person_id_fkey"):
		return ErrNoPerson
	case err != nil:
		return fmt.Errorf("link identity: %w", err)
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "identity.link", Object: personObject(person), Detail: map[string]any{"link": id, "issuer": issuer}})
}

const sqlLinkRemove = `
update identity_link set removed_at = $4 where book_id = $1 and person_id = $2 and id = $3 and removed_at is null`

// UnlinkIdentity takes a link away; by is the person or an admin. Sessions that it opened go on. ErrNoLink.
func UnlinkIdentity(ctx context.Context, tx pgx.Tx, book int32, person, link, by uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlLinkRemove, book, person, link, now)
	if err != nil {
		return fmt.Errorf("unlink identity: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoLink
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "identity.unlink", Object: personObject(person), Detail: map[string]any{"link": link}})
}

const sqlLinkList = `
select id, issuer, subject, linked_at from identity_link
 where book_id = $1 and person_id = $2 and removed_at is null
 order by id limit $3`

// Links lists who a person is at issuers, oldest first, at most 200.
func Links(ctx context.Context, q pg.Querier, book int32, person uuid.UUID) ([]Link, error) {
	rows, err := q.Query(ctx, sqlLinkList, book, person, pageLimit)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Link])
}

const sqlLinkPerson = `
select p.id
  from identity_link l
  join person p on p.book_id = l.book_id and p.id = l.person_id and p.state = 'active'
 where l.book_id = $1 and l.issuer = $2 and l.subject = $3 and l.removed_at is null`

// linkedPerson is who the subject is, or ErrWrong.
func linkedPerson(ctx context.Context, q pg.Querier, book int32, issuer, subject string) (person uuid.UUID, err error) {
	err = q.QueryRow(ctx, sqlLinkPerson, book, issuer, subject).Scan(&person)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrWrong
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("read link: %w", err)
	}
	return person, nil
}
