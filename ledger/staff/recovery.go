package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// RecoveryCodes is how many codes a person gets at once.
const RecoveryCodes = 10

// recoveryLen is the length of a code without its dashes: 16 letters of base32 are 80 random bits, so a plain hash of
// them cannot be searched.
const recoveryLen = 16

// recoveryHash is what is kept of a code; ok is false for what cannot be one.
func recoveryHash(person uuid.UUID, typed string) (hash []byte, ok bool) {
	if len(typed) > 100 {
		return nil, false
	}
	code := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(fold(typed)))
	if len(code) != recoveryLen {
		return nil, false
	}
	sum := sha256.Sum256([]byte(person.String() + ":" + code))
	return sum[:], true
}

const sqlRecoveryClear = `
delete from recovery_code where book_id = $1 and person_id = $2`

const sqlRecoveryInsert = `
insert into recovery_code (book_id, person_id, code_hash, made_at) select $1, $2, unnest($3::bytea[]), $4`

// NewRecoveryCodes replaces the person's recovery codes by fresh ones, which nobody can read again. Each stands in once
// for the second factor.
func NewRecoveryCodes(ctx context.Context, tx pgx.Tx, i Identity, now time.Time) ([]string, error) {
	if _, err := tx.Exec(ctx, sqlRecoveryClear, i.Book, i.Person.ID); err != nil {
		return nil, fmt.Errorf("replace recovery codes: %w", err)
	}
	codes, hashes := make([]string, RecoveryCodes), make([][]byte, RecoveryCodes)
	for n := range codes {
		text := rand.Text()
		codes[n] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:recoveryLen]
		hashes[n], _ = recoveryHash(i.Person.ID, codes[n])
	}
	if _, err := tx.Exec(ctx, sqlRecoveryInsert, i.Book, i.Person.ID, hashes, now); err != nil {
		return nil, fmt.Errorf("make recovery codes: %w", err)
	}
	return codes, Record(ctx, tx, i.Book, Event{At: now, Who: i.Person.ID, What: "recovery.new", Object: personObject(i.Person.ID)})
}

const sqlRecoveryLeft = `
select count(*) from recovery_code where book_id = $1 and person_id = $2 and used_at is null`

// RecoveryLeft counts the codes that are not used yet.
func RecoveryLeft(ctx context.Context, q pg.Querier, book int32, person uuid.UUID) (n int, err error) {
	if err := q.QueryRow(ctx, sqlRecoveryLeft, book, person).Scan(&n); err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return n, nil
}

const sqlRecoveryUse = `
update recovery_code set used_at = $4 where $5 and book_id = $1 and person_id = $2 and code_hash = $3 and used_at is null`

// useRecovery uses a code up; false when there is none such, or it was used before. Beside a wrong password it asks as well,
// and uses nothing up.
func useRecovery(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, hash []byte, right bool, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, sqlRecoveryUse, book, person, hash, now, right)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	return true, Record(ctx, tx, book, Event{At: now, Who: person, What: "recovery.used", Object: personObject(person)})
}
