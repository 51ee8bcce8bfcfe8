package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
)

// LetterKind is what a letter to a donor is about. Kinds are stored and never change meaning.
type LetterKind string

const (
	SignInLetter   LetterKind = "sign_in"         // Secret opens the donor's page
	ReceiptLetter  LetterKind = "receipt"         // About is the gift
	ReminderLetter LetterKind = "reminder"        // About is the plan
	StoppedLetter  LetterKind = "stopped"         // About is the plan
	DeclinedLetter LetterKind = "refund_declined" // About is the order of the refund
	FailingLetter  LetterKind = "failing"         // About is the plan: its card was refused
	UpcomingLetter LetterKind = "upcoming"        // About is the plan: its card is charged soon

	PledgeDueLetter  LetterKind = "pledge_due"  // About is the notice of an instalment that is due soon
	PledgeLateLetter LetterKind = "pledge_late" // About is the notice of an instalment that is overdue
)

// Letter is mail to a donor. The database holds neither address nor words: they are opened when it is sent.
type Letter struct {
	ID     uuid.UUID
	Donor  uuid.UUID
	Kind   LetterKind
	About  uuid.UUID
	Lang   string // "zh-CN" or "en"
	Secret string // of the link in it; empty once it is sent
	MadeAt time.Time
	SentAt *time.Time
	Tries  int
	Email  string
}

const (
	sqlLetterInsert = `
insert into private.letter (book_id, id, donor_id, kind, about, lang, secret, made_at, next_try) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`

	sqlDonorKey = `select key_id, key from private.donor where book_id = $1 and id = $2 and erased_at is null`

	letterColumns = `l.id, l.donor_id, l.kind, l.about, l.lang, l.secret, l.made_at, l.sent_at, l.tries, d.key_id, d.key, d.email`

	sqlLetters = `
select ` + letterColumns + `
  from private.letter l join private.donor d on d.book_id = l.book_id and d.id = l.donor_id
 where l.book_id = $1 and d.erased_at is null and ($2::uuid is null or l.id < $2)
 order by l.id desc limit $3`

	// Several processes may send: each takes letters that no other holds.
	sqlLetterDue = `
select ` + letterColumns + `
  from private.letter l join private.donor d on d.book_id = l.book_id and d.id = l.donor_id
 where l.book_id = $1 and l.sent_at is null and l.next_try <= $2 and l.tries < $3 and d.erased_at is null and d.email is not null
 order by l.next_try limit 1
   for update of l skip locked`

	sqlLetterSent = `
update private.letter set sent_at = $3, tries = tries + 1, secret = null where book_id = $1 and id = $2`

	sqlLetterLater = `
update private.letter set next_try = $3, tries = tries + 1 where book_id = $1 and id = $2`

	sqlLettersPlain = `
insert into private.letter (book_id, id, donor_id, kind, about, lang, made_at, next_try)
select $1, u.id, u.donor, u.kind, u.about, u.lang, $7, $7 from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[]) u(id, donor, kind, about, lang)`

	// The letter of a batch's receipt, if it is one.
	sqlReceiptLetterTried = `
update receipt_letter set tries = tries + 1, tried_at = $3, sent_at = case when $4::bool then $3::timestamptz end where book_id = $1 and letter_id = $2`

	sqlLettersSweep = `delete from private.letter where book_id = $1 and made_at < $2`
)

func letterPlace(donor string, letter uuid.UUID) string { return donor + " letter " + letter.String() }

// PostLetter leaves a letter to be sent after the transaction has committed. Donor, Kind, About, Lang and Secret count.
// ErrErased when the donor is.
func PostLetter(ctx context.Context, tx pgx.Tx, book *ledger.Book, l Letter, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make letter id: %w", err)
	}
	var secret []byte
	if l.Secret != "" {
		if book.Keys == nil {
			return ledger.ErrNoKeys
		}
		var w seal.Wrapped
		err := tx.QueryRow(ctx, sqlDonorKey, book.ID, l.Donor).Scan(&w.By, &w.Key)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrErased
		}
		if err != nil {
			return fmt.Errorf("read key of donor: %w", err)
		}
		place := donorPlace(book, l.Donor)
		key, err := book.Keys.Unwrap(w, place)
		if err != nil {
			return fmt.Errorf("open key of donor %s: %w", l.Donor, err)
		}
		secret = key.Seal(letterPlace(place, id), l.Secret)
	}
	if l.Lang != "en" {
		l.Lang = "zh-CN"
	}
	if _, err := tx.Exec(ctx, sqlLetterInsert, book.ID, id, l.Donor, string(l.Kind), l.About, l.Lang, secret, now); err != nil {
		return fmt.Errorf("post letter: %w", err)
	}
	return nil
}

// PostPlain leaves letters without a secret to be sent, and answers their ids in the same order. Donor, Kind, About and Lang count.
func PostPlain(ctx context.Context, tx pgx.Tx, book *ledger.Book, list []Letter, now time.Time) ([]uuid.UUID, error) {
	n := len(list)
	id, donor, kind, about, lang := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]uuid.UUID, n), make([]string, n)
	for i, l := range list {
		var err error
		if id[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("make letter id: %w", err)
		}
		donor[i], kind[i], about[i], lang[i] = l.Donor, string(l.Kind), l.About, l.Lang
	}
	if _, err := tx.Exec(ctx, sqlLettersPlain, book.ID, id, donor, kind, about, lang, now); err != nil {
		return nil, fmt.Errorf("post letters: %w", err)
	}
	return id, nil
}

// Letters lists letters to donors that are not erased, newest first, before the one named (nil id: from the start).
func Letters(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]Letter, error) {
	var cursor *uuid.UUID
	if before != uuid.Nil {
		cursor = &before
	}
	return letters(ctx, q, book, sqlLetters, book.ID, cursor, pageSize(limit))
}

func letters(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, args ...any) ([]Letter, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Letter, err error) {
		var secret, email []byte
		var w seal.Wrapped
		if err := row.Scan(&l.ID, &l.Donor, &l.Kind, &l.About, &l.Lang, &secret, &l.MadeAt, &l.SentAt, &l.Tries, &w.By, &w.Key, &email); err != nil {
			return l, err
		}
		if book.Keys == nil {
			return l, ledger.ErrNoKeys
		}
		place := donorPlace(book, l.Donor)
		key, err := book.Keys.Unwrap(w, place)
		if err != nil {
			return l, err
		}
		if email != nil {
			if l.Email, err = key.Open(place+" "+placeEmail, email); err != nil {
				return l, err
			}
		}
		if secret != nil {
			l.Secret, err = key.Open(letterPlace(place, l.ID), secret)
		}
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	return list, nil
}

// LetterTries is how often a letter is tried before it is given up: for about a day.
const LetterTries = 6

// LetterLife is how long a letter is kept, sent or not.
const LetterLife = 30 * 24 * time.Hour

// SendLetter hands the next letter that is due to send, and notes whether it went out; a failed one is tried again after ever
// longer times. found is false when nothing is due.
func SendLetter(ctx context.Context, tx pgx.Tx, book *ledger.Book, send func(Letter) error, now time.Time) (found bool, failed, err error) {
	due, err := letters(ctx, tx, book, sqlLetterDue, book.ID, now, LetterTries)
	if err != nil || len(due) == 0 {
		return false, nil, err
	}
	l := due[0]
	sql, at := sqlLetterSent, now
	if failed = send(l); failed != nil {
		sql, at = sqlLetterLater, now.Add(time.Minute<<(2*l.Tries)) // 1, 4, 16 minutes …
	}
	if _, err := tx.Exec(ctx, sql, book.ID, l.ID, at); err != nil {
		return true, failed, fmt.Errorf("note letter: %w", err)
	}
	if l.Kind == ReceiptLetter {
		if _, err := tx.Exec(ctx, sqlReceiptLetterTried, book.ID, l.ID, now, failed == nil); err != nil {
			return true, failed, fmt.Errorf("note letter of a receipt: %w", err)
		}
	}
	return true, failed, nil
}
