package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// ErrCeremony means that what a browser answered was not asked of it, was answered before, or came too late. Say that
// it must begin again.
var ErrCeremony = errors.New("sign-in step is over")

// CeremonyLife is how long a challenge or a way to an issuer may take.
const CeremonyLife = 5 * time.Minute

// ceremony is what a browser is asked.
type ceremony string

const (
	passkeyAdd     ceremony = "passkey_add"
	passkeySignIn  ceremony = "passkey_sign_in"
	passkeyConfirm ceremony = "passkey_confirm"
	oidcSignIn     ceremony = "oidc_sign_in"
	oidcConfirm    ceremony = "oidc_confirm"
	oidcLink       ceremony = "oidc_link"
)

// Holder is whose ceremony it is: one browser that is not signed in, or one session. Another one's answer is refused,
// so nobody is signed in as somebody else by a link.
type Holder [32]byte

// BrowserHolder is a browser that keeps a random secret in a cookie.
func BrowserHolder(secret string) Holder { return sha256.Sum256([]byte("browser:" + secret)) }

func (i Identity) holder() Holder { return sha256.Sum256([]byte("session:" + i.Session.String())) }

// newToken makes 256 random bits in text.
func newToken() (string, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(secret), nil
}

const sqlCeremonyInsert = `
insert into sign_in_ceremony (book_id, token_hash, kind, holder, data, ends_at) values ($1, $2, $3, $4, $5, $6)`

// begin keeps on our side what the answer will be compared with.
func begin(ctx context.Context, tx pgx.Tx, book int32, token string, kind ceremony, holder Holder, data any, now time.Time) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("begin %s: %w", kind, err)
	}
	_, err = tx.Exec(ctx, sqlCeremonyInsert, book, tokenHash(token), kind, holder[:], text, now.Add(CeremonyLife))
	if err != nil {
		return fmt.Errorf("begin %s: %w", kind, err)
	}
	return nil
}

const sqlCeremonyTake = `
delete from sign_in_ceremony where book_id = $1 and token_hash = $2
returning kind, holder, data, ends_at`

// take ends a ceremony and reads what was kept of it, in a transaction of its own: whatever becomes of the answer, the
// same question is never answered twice. ErrCeremony.
func take(ctx context.Context, db pg.Beginner, book int32, token string, kind ceremony, holder Holder, data any, now time.Time) error {
	var found bool
	err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
		found = false
		var is ceremony
		var held, text []byte
		var ends time.Time
		err := tx.QueryRow(ctx, sqlCeremonyTake, book, tokenHash(token)).Scan(&is, &held, &text, &ends)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if found = is == kind && Holder(held) == holder && ends.After(now); !found {
			return nil
		}
		return json.Unmarshal(text, data)
	})
	if err != nil {
		return fmt.Errorf("end %s: %w", kind, err)
	}
	if !found {
		return ErrCeremony
	}
	return nil
}
