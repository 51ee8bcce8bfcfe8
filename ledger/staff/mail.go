package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// Mail is a letter to somebody on the staff. It says no more than a request's sentence, and where to read it.
type Mail struct {
	ID      uuid.UUID
	Book    int32
	Person  uuid.UUID
	Subject string // at most 500 characters
	Body    string // at most 4000
	Path    string // of the page it leads to
	MadeAt  time.Time
	SentAt  *time.Time
	Tries   int
	Email   string // of the person, when it is due
}

const sqlMailInsert = `
insert into mail (book_id, id, person_id, subject, body, path, made_at, next_try) values ($1, $2, $3, $4, $5, $6, $7, $7)`

// Post leaves a letter to be sent after the transaction has committed.
func Post(ctx context.Context, tx pgx.Tx, book int32, m Mail, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make mail id: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlMailInsert, book, id, m.Person, shorten(m.Subject, 500), shorten(m.Body, 4000), m.Path, now); err != nil {
		return fmt.Errorf("post mail: %w", err)
	}
	return nil
}

const sqlMailbox = `
select id, subject, body, path, made_at, sent_at
  from mail
 where book_id = $1 and person_id = $2 and ($3::uuid is null or id < $3)
 order by id desc limit $4`

// Mailbox lists a person's letters, newest first. before is the last one of the previous page, nil for the first.
func Mailbox(ctx context.Context, q pg.Querier, book int32, person, before uuid.UUID, n int) ([]Mail, error) {
	rows, err := q.Query(ctx, sqlMailbox, book, person, orNull(before), limit(n))
	if err != nil {
		return nil, fmt.Errorf("read mailbox: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Mail, error) {
		m := Mail{Book: book, Person: person}
		err := row.Scan(&m.ID, &m.Subject, &m.Body, &m.Path, &m.MadeAt, &m.SentAt)
		return m, err
	})
}

// MailTries is how often a letter is tried before it is given up: for about a day.
const MailTries = 6

// Several processes may send: each takes letters that no other holds.
const sqlMailDue = `
select m.id, m.person_id, m.subject, m.body, m.path, m.made_at, m.tries, p.email
  from mail m join person p on p.book_id = m.book_id and p.id = m.person_id
 where m.book_id = $1 and m.sent_at is null and m.next_try <= $2 and m.tries < $3 and p.email <> '' and p.state = 'active'
 order by m.next_try limit 1
   for update of m skip locked`

const (
	sqlMailSent = `
update mail set sent_at = $3, tries = tries + 1 where book_id = $1 and id = $2`

	sqlMailLater = `
update mail set next_try = $3, tries = tries + 1 where book_id = $1 and id = $2`
)

// SendOne hands the next letter that is due to send, and notes whether it went out; a failed one is tried again later,
// after ever longer times. found is false when nothing is due.
func SendOne(ctx context.Context, tx pgx.Tx, book int32, send func(Mail) error, now time.Time) (found bool, failed, err error) {
	rows, err := tx.Query(ctx, sqlMailDue, book, now, MailTries)
	if err != nil {
		return false, nil, fmt.Errorf("look for mail: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Mail, error) {
		m := Mail{Book: book}
		err := row.Scan(&m.ID, &m.Person, &m.Subject, &m.Body, &m.Path, &m.MadeAt, &m.Tries, &m.Email)
		return m, err
	})
	if err != nil || len(due) == 0 {
		return false, nil, err
	}
	m := due[0]
	sql, at := sqlMailSent, now
	if failed = send(m); failed != nil {
		sql, at = sqlMailLater, now.Add(time.Minute<<(2*m.Tries)) // 1, 4, 16 minutes …
	}
	if _, err := tx.Exec(ctx, sql, book, m.ID, at); err != nil {
		return true, failed, fmt.Errorf("note mail: %w", err)
	}
	return true, failed, nil
}
