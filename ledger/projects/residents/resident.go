package residents

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

var (
	// ErrNoCode means that no resident has that code or number, or it was taken back. Say so.
	ErrNoCode = errors.New("no such code of a resident")
	// ErrNoSession means that this browser is no resident's, or was for too long. Ask for the code.
	ErrNoSession = errors.New("no resident has entered a code here")
	// ErrNumber means that this is no telephone number.
	ErrNumber = errors.New("not a telephone number")
	// ErrElsewhere means that the number belongs to a resident of another community. Say that one lives in one community.
	ErrElsewhere = errors.New("number belongs to a resident of another community")
)

// SessionLife is how long a browser stays a resident's. SlipsMax is how many codes are made at a time.
const (
	SessionLife = 12 * time.Hour
	SlipsMax    = 500
)

// Resident is somebody who lives in a community. Nothing here says who.
type Resident struct {
	ID          uuid.UUID
	CommunityID int32
	Numbered    bool // known by a verified number, and not by a code alone
}

var codeText = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// newCode is 60 random bits as people copy them from paper: XXXX-XXXX-XXXX, without letters that look like figures.
func newCode(random io.Reader) (string, error) {
	raw := make([]byte, 8)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	text := codeText.EncodeToString(raw)[:12]
	return text[:4] + "-" + text[4:8] + "-" + text[8:], nil
}

// codeHash is what is kept of a code, however it is typed.
func codeHash(code string) []byte {
	code = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToUpper(giving.Searched(code)))
	h := sha256.Sum256([]byte("sunfund resident " + code))
	return h[:]
}

// phone is a telephone number as it is compared: digits, with a + before a country's code.
func phone(typed string) (string, error) {
	typed = giving.Searched(typed)
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		if strings.ContainsRune(" -()", r) {
			return -1
		}
		return 'x'
	}, strings.TrimPrefix(typed, "+"))
	if strings.Contains(digits, "x") || len(digits) < 7 || len(digits) > 15 {
		return "", ErrNumber
	}
	if strings.HasPrefix(typed, "+86") {
		return digits[2:], nil
	}
	if strings.HasPrefix(typed, "+") {
		return "+" + digits, nil
	}
	return digits, nil
}

const (
	sqlResidentInsert = `
insert into private.resident (book_id, id, community_id, made_by, made_at, code, number_index, key_id, key, number) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	sqlResidentByCode   = `select id, community_id, number is not null from private.resident where book_id = $1 and code = $2 and ended_at is null`
	sqlResidentByNumber = `select id, community_id, true from private.resident where book_id = $1 and number_index = any($2::int8[]) and ended_at is null`
	sqlResidentRecode   = `update private.resident set code = $3 where book_id = $1 and id = $2 and ended_at is null`

	sqlNumberLock = `select pg_advisory_xact_lock(hashtextextended('resident:' || $1::int4 || ':' || $2::text, 0))`

	sqlResidentEnd = `
update private.resident set ended_at = $3, number_index = null, key_id = null, key = null, number = null where book_id = $1 and id = $2 and ended_at is null`

	sqlResidentSessionInsert = `insert into private.resident_session (book_id, token, resident_id, ends_at) values ($1, $2, $3, $4)`
	sqlResidentSession       = `
select r.id, r.community_id, r.number is not null
  from private.resident_session s join private.resident r on r.book_id = s.book_id and r.id = s.resident_id
 where s.book_id = $1 and s.token = $2 and s.ends_at > $3 and r.ended_at is null`
	sqlResidentSessionEnd = `delete from private.resident_session where book_id = $1 and token = $2`
	sqlResidentSessions   = `delete from private.resident_session where book_id = $1 and resident_id = $2`
	sqlResidentSweep      = `delete from private.resident_session where book_id = $1 and ends_at < $2`

	sqlResidentCount = `
select count(*) filter (where number is null), count(*) filter (where number is not null)
  from private.resident where book_id = $1 and community_id = $2 and ended_at is null`
)

// Slips makes codes to hand out in a community, one to each resident, against the street's own list. They are shown once.
func Slips(ctx context.Context, tx pgx.Tx, book *ledger.Book, c *Community, n int, by uuid.UUID, random io.Reader, now time.Time) (codes []string, err error) {
	for range min(n, SlipsMax) {
		code, err := newCode(random)
		if err != nil {
			return nil, err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make id of resident: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlResidentInsert, book.ID, id, c.ID, by, now, codeHash(code), nil, nil, nil, nil); err != nil {
			return nil, fmt.Errorf("make resident: %w", err)
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// Verify takes a number that the street has verified, and gives the code to read out to its owner. The same number again is the same
// resident, whose code before no longer opens anything. ErrNumber, ErrElsewhere, ledger.ErrNoKeys.
func Verify(ctx context.Context, tx pgx.Tx, book *ledger.Book, c *Community, typed string, by uuid.UUID, random io.Reader, now time.Time) (code string, again bool, err error) {
	number, err := phone(typed)
	if err != nil {
		return "", false, err
	}
	if book.Keys == nil {
		return "", false, ledger.ErrNoKeys
	}
	if _, err := tx.Exec(ctx, sqlNumberLock, book.ID, fmt.Sprint(book.Keys.Index(numberPlace(book), number))); err != nil {
		return "", false, fmt.Errorf("lock number: %w", err)
	}
	if code, err = newCode(random); err != nil {
		return "", false, err
	}
	known, err := one(ctx, tx, sqlResidentByNumber, book.ID, book.Keys.Indexes(numberPlace(book), number))
	switch {
	case err == nil && known.CommunityID != c.ID:
		return "", false, ErrElsewhere
	case err == nil:
		if err := giving.Settled(ctx, tx, sqlResidentRecode, book.ID, known.ID, codeHash(code)); err != nil {
			return "", false, err
		}
		_, err := tx.Exec(ctx, sqlResidentSessions, book.ID, known.ID)
		return code, true, err
	case !errors.Is(err, ErrNoCode):
		return "", false, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", false, fmt.Errorf("make id of resident: %w", err)
	}
	place := residentPlace(book, id)
	key, wrapped, err := book.Keys.New(place)
	if err != nil {
		return "", false, fmt.Errorf("seal resident: %w", err)
	}
	_, err = tx.Exec(ctx, sqlResidentInsert, book.ID, id, c.ID, by, now, codeHash(code), book.Keys.Index(numberPlace(book), number), wrapped.By, wrapped.Key, key.Seal(place+" number", number))
	if err != nil {
		return "", false, fmt.Errorf("make resident: %w", err)
	}
	return code, false, nil
}

func numberPlace(book *ledger.Book) string { return fmt.Sprintf("book %d resident number", book.ID) }

func residentPlace(book *ledger.Book, id uuid.UUID) string {
	return fmt.Sprintf("book %d resident %s", book.ID, id)
}

const sqlResidentNumber = `select key_id, key, number from private.resident where book_id = $1 and id = $2 and number is not null`

// Number opens a resident's number, for the street to call back; empty when it knows none, or no longer. ledger.ErrNoKeys.
func Number(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (string, error) {
	var w seal.Wrapped
	var sealed []byte
	err := q.QueryRow(ctx, sqlResidentNumber, book.ID, id).Scan(&w.By, &w.Key, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read number: %w", err)
	}
	if book.Keys == nil {
		return "", ledger.ErrNoKeys
	}
	key, err := book.Keys.Unwrap(w, residentPlace(book, id))
	if err != nil {
		return "", fmt.Errorf("open key of resident %s: %w", id, err)
	}
	return key.Open(residentPlace(book, id)+" number", sealed)
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (*Resident, error) {
	r, err := giving.Record[Resident](ctx, q, sql, args...)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, ErrNoCode
	}
	return r, err
}

// Find is the resident of a code, or of a verified number. ErrNoCode.
func Find(ctx context.Context, q pg.Querier, book *ledger.Book, typed string) (*Resident, error) {
	r, err := one(ctx, q, sqlResidentByCode, book.ID, codeHash(typed))
	if !errors.Is(err, ErrNoCode) {
		return r, err
	}
	number, bad := phone(typed)
	if bad != nil || book.Keys == nil {
		return nil, ErrNoCode
	}
	return one(ctx, q, sqlResidentByNumber, book.ID, book.Keys.Indexes(numberPlace(book), number))
}

// Enter opens a session for whoever holds a code, and returns its token. A number alone opens nothing. ErrNoCode.
func Enter(ctx context.Context, tx pgx.Tx, book *ledger.Book, code string, now time.Time) (string, error) {
	r, err := one(ctx, tx, sqlResidentByCode, book.ID, codeHash(code))
	if err != nil {
		return "", err
	}
	token := giving.NewSecret()
	if _, err := tx.Exec(ctx, sqlResidentSessionInsert, book.ID, tokenHash(token), r.ID, now.Add(SessionLife)); err != nil {
		return "", fmt.Errorf("open session of resident: %w", err)
	}
	return token, nil
}

func tokenHash(token string) []byte {
	h := sha256.Sum256([]byte("sunfund resident session " + token))
	return h[:]
}

// Here is the resident whose session it is, or ErrNoSession.
func Here(ctx context.Context, q pg.Querier, book *ledger.Book, token string, now time.Time) (*Resident, error) {
	r, err := one(ctx, q, sqlResidentSession, book.ID, tokenHash(token), now)
	if errors.Is(err, ErrNoCode) {
		return nil, ErrNoSession
	}
	return r, err
}

// Leave ends a session.
func Leave(ctx context.Context, tx pgx.Tx, book *ledger.Book, token string) error {
	if _, err := tx.Exec(ctx, sqlResidentSessionEnd, book.ID, tokenHash(token)); err != nil {
		return fmt.Errorf("end session of resident: %w", err)
	}
	return nil
}

// Withdraw takes a resident's code back and erases the number; what was voted and asked for stays, without either. ErrNoCode.
func Withdraw(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlResidentEnd, book.ID, id, now)
	if err != nil {
		return fmt.Errorf("take code back: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoCode
	}
	return nil
}

// Count is how many residents of a community hold a code: by a code alone, and by a verified number.
func Count(ctx context.Context, q pg.Querier, book *ledger.Book, c *Community) (slips, numbers int64, err error) {
	if err := q.QueryRow(ctx, sqlResidentCount, book.ID, c.ID).Scan(&slips, &numbers); err != nil {
		return 0, 0, fmt.Errorf("count residents: %w", err)
	}
	return slips, numbers, nil
}

// Sweep deletes sessions that have ended. Once an hour is enough.
func Sweep(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) error {
	if _, err := tx.Exec(ctx, sqlResidentSweep, book.ID, now); err != nil {
		return fmt.Errorf("sweep sessions of residents: %w", err)
	}
	return nil
}

const (
	sqlResidentsBehind = `
select id::text, key_id, key from private.resident
 where book_id = $1 and id::text > $2 and key_id <> $3 order by id::text limit $4 for update`

	sqlResidentRewrap  = `update private.resident set key_id = $3, key = $4 where book_id = $1 and id = $2::text::uuid`
	sqlResidentReindex = `update private.resident set number_index = $3 where book_id = $1 and id = $2`
)

// Rewrap wraps residents' keys by the first key of the book's ring, and says how many. The index of each number is made anew with that key:
// by an index that nobody can compute any more the same number would be taken for another resident, with a second vote.
func Rewrap(ctx context.Context, db pg.Beginner, book *ledger.Book) (int, error) {
	return giving.Rewrap(ctx, db, book, giving.Wraps{What: "residents", Behind: sqlResidentsBehind, Update: sqlResidentRewrap,
		Place: func(id string) string { return residentPlace(book, uuid.MustParse(id)) },
		Also: func(ctx context.Context, tx pgx.Tx, id string) error {
			resident := uuid.MustParse(id)
			number, err := Number(ctx, tx, book, resident)
			if err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlResidentReindex, book.ID, resident, book.Keys.Index(numberPlace(book), number))
		}})
}
