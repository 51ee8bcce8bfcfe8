package staff

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// Means is by what somebody proved who they are.
type Means string

const (
	ByPassword Means = "password" // alone
	ByCode     Means = "code"     // password and time-based code
	ByRecovery Means = "recovery" // password and recovery code
	ByPasskey  Means = "passkey"
	ByOIDC     Means = "oidc"
)

// Proof is when and by what a session last proved itself.
type Proof struct {
	At time.Time
	By Means
}

// FreshFor is how long a proof counts for what needs a fresh one: deciding requests, roles, factors, API keys,
// exports of personal data.
const FreshFor = 10 * time.Minute

// Fresh tells whether the session proved itself lately by what the association accepts. If not, ask again (Confirm,
// ConfirmPasskey, an issuer) before anything that moves money, rights or personal data.
func Fresh(i Identity, now time.Time) bool {
	age := now.Sub(i.Proved.At)
	if age < 0 || age >= FreshFor {
		return false
	}
	// A password alone proves enough where the association says so, and to who is setting up the first factor.
	return i.Proved.By != ByPassword || i.rule == PasswordAlone || !i.factors
}

// MustSetUp tells whether all that this session may do is to set up a factor: it came in by a password alone, and the
// association wants more than that.
func (i Identity) MustSetUp() bool { return i.Proved.By == ByPassword && i.rule != PasswordAlone }

// MustChoose tells whether all that this session may do is to choose a password: the one it has was seen by an admin,
// who could come in by it and leave a factor of their own behind.
func (i Identity) MustChoose() bool { return i.due }

const sqlSessionProve = `
update session set proved_at = $4, proved_by = $5
 where book_id = $1 and id = $2 and person_id = $3 and revoked_at is null and idle_until > $6 and ends_at > $6`

// Prove notes that the session has just proved itself; for a factor set up in the same transaction, or inside of this
// package. at is the moment of the proof. ErrNoSession.
func Prove(ctx context.Context, tx pgx.Tx, i Identity, by Means, at, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlSessionProve, i.Book, i.Session, i.Person.ID, at, by, now)
	if err != nil {
		return fmt.Errorf("note proof: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoSession
	}
	return Record(ctx, tx, i.Book, Event{At: now, Who: i.Person.ID, What: "session.prove", Object: personObject(i.Person.ID),
		Detail: map[string]any{"session": i.Session, "by": by}})
}

// PasswordRule is what a password is worth in a book.
type PasswordRule string

const (
	PasswordAlone    PasswordRule = "alone"     // signs in by itself, or with the person's code
	PasswordWithCode PasswordRule = "with_code" // needs a time-based or recovery code
	PasswordNever    PasswordRule = "never"     // opens nothing; beside a recovery code it lets a person set up a new factor
)

// ErrSettings means an issuer, client or password rule that cannot be. Say so at the command.
var ErrSettings = errors.New("sign-in settings are not acceptable")

// Settings are what a book accepts at sign-in.
type Settings struct {
	Password PasswordRule `json:"password"`
	Issuer   string       `json:"issuer"` // OpenID Connect; empty for none
	Client   string       `json:"client"` // our name at the issuer
	ACR      string       `json:"acr"`    // class of sign-in asked of the issuer before sensitive steps; empty asks for none
}

const sqlSettings = `
select password, issuer, client, acr from sign_in_setting where book_id = $1`

// ReadSettings reads what the book accepts. A book without a row wants a code beside the password.
func ReadSettings(ctx context.Context, q pg.Querier, book int32) (s Settings, err error) {
	err = q.QueryRow(ctx, sqlSettings, book).Scan(&s.Password, &s.Issuer, &s.Client, &s.ACR)
	if errors.Is(err, pgx.ErrNoRows) {
		return Settings{Password: PasswordWithCode}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read sign-in settings: %w", err)
	}
	return s, nil
}

const sqlSettingsSet = `
insert into sign_in_setting (book_id, password, issuer, client, acr) values ($1, $2, $3, $4, $5)
on conflict (book_id) do update set password = excluded.password, issuer = excluded.issuer, client = excluded.client, acr = excluded.acr`

// SetSettings changes what the book accepts, from the next request on. An issuer has an https address, or http on this
// machine. ErrSettings.
func SetSettings(ctx context.Context, tx pgx.Tx, book int32, s Settings, by uuid.UUID, now time.Time) error {
	if !s.fits() {
		return ErrSettings
	}
	if _, err := tx.Exec(ctx, sqlSettingsSet, book, s.Password, s.Issuer, s.Client, s.ACR); err != nil {
		return fmt.Errorf("set sign-in settings: %w", err)
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "sign_in.settings",
		Detail: map[string]string{"password": string(s.Password), "issuer": s.Issuer, "client": s.Client, "acr": s.ACR}})
}

func (s Settings) fits() bool {
	known := s.Password == PasswordAlone || s.Password == PasswordWithCode || s.Password == PasswordNever
	return known && (s.Issuer == "") == (s.Client == "") && (s.Issuer == "" || issuerOK(s.Issuer)) && textOK(s.Issuer, 500) &&
		textOK(s.Client, 200) && textOK(s.ACR, 200)
}

func issuerOK(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1")
}

// Rule is what a password is worth to this person's book.
func (i Identity) Rule() PasswordRule { return i.rule }
