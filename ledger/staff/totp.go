package staff

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// ErrCode means that a time-based code does not belong to the secret now. Ask for a fresh one.
var ErrCode = errors.New("wrong time-based code")

const (
	totpStep = 30 * time.Second
	// A phone's clock may be one step off either way.
	totpSkew = 1
)

// Factor is a time-based second factor that is offered but not yet stored.
type Factor struct {
	Secret string // base32, to be typed
	URL    string // otpauth://, to be shown as a QR code
}

// NewFactor makes a fresh secret. Show it once; SetFactor stores it when the person has proved
// with a code that the phone took it.
func NewFactor(issuer, login string) (Factor, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: login})
	if err != nil {
		return Factor{}, fmt.Errorf("make time-based secret: %w", err)
	}
	return Factor{Secret: key.Secret(), URL: key.URL()}, nil
}

// matchCode finds the step whose code this is, or ErrCode. A step is used up by who stores it as
// the last one: the same code is not taken twice.
func matchCode(secret, code string, now time.Time) (int64, error) {
	code = strings.Join(strings.Fields(fold(code)), "")
	current := now.Unix() / int64(totpStep/time.Second)
	for step := current - totpSkew; step <= current+totpSkew; step++ {
		if hotp.Validate(code, uint64(step), secret) {
			return step, nil
		}
	}
	return 0, ErrCode
}

const sqlFactorSet = `
update person set totp_secret = $3, totp_step = $4 where book_id = $1 and id = $2`

// SetFactor stores a second factor after its first code; from then on every sign-in needs one.
// The code is used up by it.
func SetFactor(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, secret, code string, now time.Time) error {
	step, err := matchCode(secret, code, now)
	if err != nil {
		return err
	}
	if err := updateOne(ctx, tx, sqlFactorSet, book, person, secret, step); err != nil {
		return fmt.Errorf("set second factor: %w", err)
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "person.factor_set", Object: personObject(person)})
}

const sqlFactorRemove = `
update person set totp_secret = null where book_id = $1 and id = $2`

// RemoveFactor takes the second factor away, for a lost phone, and ends the person's sessions.
func RemoveFactor(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, now time.Time) error {
	if err := updateOne(ctx, tx, sqlFactorRemove, book, person); err != nil {
		return fmt.Errorf("remove second factor: %w", err)
	}
	if err := revokeSessions(ctx, tx, book, person, now); err != nil {
		return err
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "person.factor_removed", Object: personObject(person)})
}
