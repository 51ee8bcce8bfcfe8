package giving

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// How long a letter's link opens the donor's page, and how long it then stays open.
const (
	SignInLife  = 15 * time.Minute
	SessionLife = 12 * time.Hour
)

// Errors of signing in by a letter.
var (
	ErrSignInLink    = errors.New("no such link, or it was used, or is too old")
	ErrSignInBrowser = errors.New("link was asked for by another browser")
	ErrNoSession     = errors.New("no such session of a donor, or it has ended")
)

// NewSecret is 256 random bits as text for addresses and cookies.
func NewSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func secretHash(secret string) []byte {
	h := sha256.Sum256([]byte("sunfund donor " + secret))
	return h[:]
}

const (
	sqlSignInAsk = `
insert into private.sign_in (book_id, id, email_index, browser, lang, asked_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7)`

	sqlSignInsWaiting = `
select s.id, s.lang, s.browser, (select d.id from unnest(s.email_index) x join private.donor d on d.book_id = s.book_id and d.email_index = x
                       order by d.id desc limit 1)
  from private.sign_in s where s.book_id = $1 and s.donor_id is null order by s.asked_at limit 100 for update of s skip locked`

	sqlSignInKnown = `
update private.sign_in set donor_id = $3, token = $4, ends_at = $5, email_index = '{}' where book_id = $1 and id = $2`

	sqlSignInUnknown = `delete from private.sign_in where book_id = $1 and id = $2`

	sqlSignInByToken = `
select s.browser = $4 from private.sign_in s where s.book_id = $1 and s.token = $2 and s.used_at is null and s.ends_at > $3`

	sqlSignInUse = `
update private.sign_in set used_at = $3
 where book_id = $1 and token = $2 and used_at is null and ends_at > $3 and browser = $4
returning donor_id`

	sqlDonorSessionInsert = `
insert into private.donor_session (book_id, token, donor_id, made_at, ends_at) values ($1, $2, $3, $4, $5)`

	sqlDonorSession = `
select s.donor_id from private.donor_session s join private.donor d on d.book_id = s.book_id and d.id = s.donor_id
 where s.book_id = $1 and s.token = $2 and s.ends_at > $3 and d.erased_at is null`

	sqlDonorSessionEnd = `delete from private.donor_session where book_id = $1 and token = $2`

	sqlSignInsSweep = `delete from private.sign_in where book_id = $1 and ends_at < $2`

	sqlDonorSessionsSweep = `delete from private.donor_session where book_id = $1 and ends_at < $2`
)

// Searched is an address or name as it is compared.
func Searched(text string) string { return searched(text) }

// CheckEmail tells whether text can be an address, as the gift form would.
func CheckEmail(text string) bool {
	var wrong FieldErrors
	return email(&wrong, text) != "" && len(wrong.List) == 0
}

// AskSignIn notes that somebody wants a link to the page of an address; AnswerSignIns looks whether there is one. It does the same
// whoever has the address. browser is a secret that the asking browser holds.
func AskSignIn(ctx context.Context, tx pgx.Tx, book *ledger.Book, address, browser, lang string, now time.Time) error {
	if book.Keys == nil {
		return ledger.ErrNoKeys
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id of a sign-in: %w", err)
	}
	if lang != "en" {
		lang = "zh-CN"
	}
	_, err = tx.Exec(ctx, sqlSignInAsk, book.ID, id, indexes(book, placeEmail, address), secretHash(browser), lang, now, now.Add(SignInLife))
	if err != nil {
		return fmt.Errorf("ask for sign-in: %w", err)
	}
	return nil
}

// AnswerSignIns posts the letters that were asked for, to donors who are known, and forgets the other askings. It returns how many
// were looked at. The link opens for SignInLife from now on.
func AnswerSignIns(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (int, error) {
	type asking struct {
		ID      uuid.UUID
		Lang    string
		Browser []byte
		Donor   *uuid.UUID
	}
	rows, err := tx.Query(ctx, sqlSignInsWaiting, book.ID)
	if err != nil {
		return 0, fmt.Errorf("read sign-ins asked for: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[asking])
	if err != nil {
		return 0, fmt.Errorf("read sign-ins asked for: %w", err)
	}
	for _, a := range list {
		if a.Donor == nil {
			if _, err := tx.Exec(ctx, sqlSignInUnknown, book.ID, a.ID); err != nil {
				return 0, fmt.Errorf("forget sign-in: %w", err)
			}
			continue
		}
		token := NewSecret()
		if _, err := tx.Exec(ctx, sqlSignInKnown, book.ID, a.ID, *a.Donor, secretHash(token), now.Add(SignInLife)); err != nil {
			return 0, fmt.Errorf("answer sign-in: %w", err)
		}
		if err := PostLetter(ctx, tx, book, Letter{Donor: *a.Donor, Kind: SignInLetter, About: a.ID, Lang: a.Lang, Secret: token}, now); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// SignInReady tells whether a link would open for this browser, without using it up. ErrSignInLink, ErrSignInBrowser.
func SignInReady(ctx context.Context, q pg.Querier, book *ledger.Book, token, browser string, now time.Time) error {
	var same bool
	err := q.QueryRow(ctx, sqlSignInByToken, book.ID, secretHash(token), now, secretHash(browser)).Scan(&same)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrSignInLink
	case err != nil:
		return fmt.Errorf("read sign-in link: %w", err)
	case !same:
		return ErrSignInBrowser
	}
	return nil
}

// SignIn uses a link up and opens a session, whose token it returns. ErrSignInLink, ErrSignInBrowser.
func SignIn(ctx context.Context, tx pgx.Tx, book *ledger.Book, token, browser string, now time.Time) (string, error) {
	var donor uuid.UUID
	err := tx.QueryRow(ctx, sqlSignInUse, book.ID, secretHash(token), now, secretHash(browser)).Scan(&donor)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := SignInReady(ctx, tx, book, token, browser, now); err != nil {
			return "", err
		}
		return "", ErrSignInLink
	}
	if err != nil {
		return "", fmt.Errorf("use sign-in link: %w", err)
	}
	session := NewSecret()
	if _, err := tx.Exec(ctx, sqlDonorSessionInsert, book.ID, secretHash(session), donor, now, now.Add(SessionLife)); err != nil {
		return "", fmt.Errorf("open session of donor: %w", err)
	}
	return session, nil
}

// SignedIn is the donor whose session it is, or ErrNoSession. Who else has the donor's address is for ReadDonor to find.
func SignedIn(ctx context.Context, q pg.Querier, book *ledger.Book, session string, now time.Time) (donor uuid.UUID, err error) {
	err = q.QueryRow(ctx, sqlDonorSession, book.ID, secretHash(session), now).Scan(&donor)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrNoSession
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("read session of donor: %w", err)
	}
	return donor, nil
}

// SignOut ends a session.
func SignOut(ctx context.Context, tx pgx.Tx, book *ledger.Book, session string) error {
	if _, err := tx.Exec(ctx, sqlDonorSessionEnd, book.ID, secretHash(session)); err != nil {
		return fmt.Errorf("end session of donor: %w", err)
	}
	return nil
}

// SweepDonors deletes links and sessions that have ended, and old letters. Once an hour is enough.
func SweepDonors(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) error {
	for sql, before := range map[string]time.Time{sqlSignInsSweep: now, sqlDonorSessionsSweep: now, sqlLettersSweep: now.Add(-LetterLife)} {
		if _, err := tx.Exec(ctx, sql, book.ID, before); err != nil {
			return fmt.Errorf("sweep donors: %w", err)
		}
	}
	return nil
}
