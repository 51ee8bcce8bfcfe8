package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrPasskey means that a passkey's answer does not hold: another site, another key, nobody's key, or a name that
	// is none. Say that the passkey could not be set up.
	ErrPasskey = errors.New("passkey is not acceptable")
	// ErrNoPasskey means that there is no such passkey, or it is removed. Answer 404.
	ErrNoPasskey = errors.New("no such passkey")
	// ErrNoPasskeys means that this address cannot have passkeys: a browser wants a name, not a number. Do not offer them.
	ErrNoPasskeys = errors.New("no passkeys at this address")
)

// Site is where the pages of a book are, as a browser sees it. A passkey belongs to one host name.
type Site struct {
	Name   string // of the association
	Origin string // scheme, host and port
	Host   string // host name alone
}

// Passkeys tells whether browsers can keep passkeys for the site.
func (s Site) Passkeys() bool { return s.Host != "" && net.ParseIP(s.Host) == nil }

func (s Site) party() (*webauthn.WebAuthn, error) {
	if !s.Passkeys() {
		return nil, ErrNoPasskeys
	}
	party, err := webauthn.New(&webauthn.Config{RPID: s.Host, RPDisplayName: s.Name, RPOrigins: []string{s.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired}})
	if err != nil {
		return nil, fmt.Errorf("passkeys of %s: %w", s.Origin, err)
	}
	return party, nil
}

// Passkey is a key that a person signs in with.
type Passkey struct {
	ID         uuid.UUID
	Name       string
	CreatedAt  time.Time
	LastUsedAt *time.Time
	StoppedAt  *time.Time // its counter ran backwards, so there may be a copy: it opens nothing any more
}

// keyring is a person as the passkey library wants to see one. It knows no name: authenticators keep what they are told.
type keyring struct {
	person uuid.UUID
	login  string
	name   string
	keys   []webauthn.Credential
}

func (k keyring) WebAuthnID() []byte                         { return k.person[:] }
func (k keyring) WebAuthnName() string                       { return k.login }
func (k keyring) WebAuthnDisplayName() string                { return k.name }
func (k keyring) WebAuthnCredentials() []webauthn.Credential { return k.keys }

const sqlPasskeyRing = `
select k.credential, k.public_key, k.sign_count, k.backup_eligible, k.transports
  from passkey k
  join person p on p.book_id = k.book_id and p.id = k.person_id
 where k.book_id = $1 and k.person_id = $2 and k.removed_at is null and k.stopped_at is null and p.state = 'active'
 order by k.id`

// readKeyring reads the keys of an active person that still open something.
func readKeyring(ctx context.Context, q pg.Querier, book int32, person uuid.UUID) (keyring, error) {
	rows, err := q.Query(ctx, sqlPasskeyRing, book, person)
	if err != nil {
		return keyring{}, fmt.Errorf("read passkeys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webauthn.Credential, error) {
		var c webauthn.Credential
		var count int64
		var transports []string
		err := row.Scan(&c.ID, &c.PublicKey, &count, &c.Flags.BackupEligible, &transports)
		c.Authenticator.SignCount = uint32(count)
		for _, t := range transports {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		return c, err
	})
	if err != nil {
		return keyring{}, fmt.Errorf("read passkeys: %w", err)
	}
	return keyring{person: person, keys: keys}, nil
}

// BeginPasskey asks the person's browser to make a passkey. options are for navigator.credentials.create, the token
// comes back with the answer.
func BeginPasskey(ctx context.Context, tx pgx.Tx, site Site, i Identity, now time.Time) (options json.RawMessage, token string, err error) {
	party, err := site.party()
	if err != nil {
		return nil, "", err
	}
	ring, err := readKeyring(ctx, tx, i.Book, i.Person.ID)
	if err != nil {
		return nil, "", err
	}
	ring.login, ring.name = i.Person.Login, i.Person.Name(i.Person.Lang)
	created, session, err := party.BeginRegistration(ring, webauthn.WithExclusions(webauthn.Credentials(ring.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey: %w", err)
	}
	return ask(ctx, tx, i.Book, passkeyAdd, i.holder(), created, session, now)
}

// ask keeps the session of a ceremony and spells its options for the browser.
func ask(ctx context.Context, tx pgx.Tx, book int32, kind ceremony, holder Holder, options, session any, now time.Time) (json.RawMessage, string, error) {
	token, err := newToken()
	if err != nil {
		return nil, "", err
	}
	if err := begin(ctx, tx, book, token, kind, holder, session, now); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(options)
	if err != nil {
		return nil, "", fmt.Errorf("passkey options: %w", err)
	}
	return text, token, nil
}

const sqlPasskeyInsert = `
insert into passkey (book_id, credential, id, person_id, name, public_key, sign_count, backup_eligible, transports, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// AddPasskey stores the passkey that the browser made, and the session has proved itself by it. ErrCeremony, ErrPasskey.
func AddPasskey(ctx context.Context, db pg.Beginner, site Site, i Identity, token, name string, answer []byte, now time.Time) error {
	party, err := site.party()
	if err != nil {
		return err
	}
	var session webauthn.SessionData
	if err := take(ctx, db, i.Book, token, passkeyAdd, i.holder(), &session, now); err != nil {
		return err
	}
	if !nameOK(name) {
		return fmt.Errorf("%w: name", ErrPasskey)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	made, err := party.CreateCredential(keyring{person: i.Person.ID}, session, parsed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make passkey id: %w", err)
	}
	transports := make([]string, len(made.Transport))
	for n, t := range made.Transport {
		transports[n] = string(t)
	}
	return pg.InTx(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlPasskeyInsert, i.Book, made.ID, id, i.Person.ID, name, made.PublicKey, int64(made.Authenticator.SignCount),
			made.Flags.BackupEligible, transports, now)
		if violates(err, "passkey_pkey") {
			return fmt.Errorf("%w: known already", ErrPasskey)
		}
		if err != nil {
			return fmt.Errorf("add passkey: %w", err)
		}
		if err := Record(ctx, tx, i.Book, Event{At: now, Who: i.Person.ID, What: "passkey.add", Object: personObject(i.Person.ID),
			Detail: map[string]any{"passkey": id, "name": name}}); err != nil {
			return err
		}
		return Prove(ctx, tx, i, ByPasskey, now, now)
	})
}

const sqlPasskeyList = `
select id, name, created_at, last_used_at, stopped_at from passkey
 where book_id = $1 and person_id = $2 and removed_at is null
 order by id limit $3`

// Passkeys lists a person's passkeys, oldest first, at most 200.
func Passkeys(ctx context.Context, q pg.Querier, book int32, person uuid.UUID) ([]Passkey, error) {
	rows, err := q.Query(ctx, sqlPasskeyList, book, person, pageLimit)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Passkey])
}

const sqlPasskeyRemove = `
update passkey set removed_at = $4 where book_id = $1 and person_id = $2 and id = $3 and removed_at is null`

// RemovePasskey takes a passkey from a person; by is the person or an admin. ErrNoPasskey.
func RemovePasskey(ctx context.Context, tx pgx.Tx, book int32, person, passkey, by uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlPasskeyRemove, book, person, passkey, now)
	if err != nil {
		return fmt.Errorf("remove passkey: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoPasskey
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "passkey.remove", Object: personObject(person), Detail: map[string]any{"passkey": passkey}})
}

// BeginPasskeySignIn asks a browser for any passkey of the site. Asking counts against the address until it succeeds.
// ErrTooMany (as TooMany).
func BeginPasskeySignIn(ctx context.Context, db pg.Beginner, site Site, book int32, holder Holder, ip netip.Addr, now time.Time) (options json.RawMessage, token string, err error) {
	party, err := site.party()
	if err != nil {
		return nil, "", err
	}
	asked, session, err := party.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey sign-in: %w", err)
	}
	err = countedBegin(ctx, db, book, ip, now, func(tx pgx.Tx) (err error) {
		options, token, err = ask(ctx, tx, book, passkeySignIn, holder, asked, session, now)
		return err
	})
	return options, token, err
}

// PasskeySignIn opens a session for who holds the passkey and returns its token for the cookie. ErrCeremony, ErrWrong.
func PasskeySignIn(ctx context.Context, db pg.Beginner, site Site, book int32, holder Holder, token string, answer []byte, try Try, now time.Time) (string, error) {
	var session webauthn.SessionData
	if err := take(ctx, db, book, token, passkeySignIn, holder, &session, now); err != nil {
		return "", err
	}
	var opened string
	person, err := checkPasskey(ctx, db, site, book, session, answer, func(tx pgx.Tx, person uuid.UUID) (err error) {
		if err := giveBack(ctx, tx, book, Try{IP: try.IP}); err != nil {
			return err
		}
		opened, err = welcome(ctx, tx, book, person, try, Proof{At: now, By: ByPasskey}, now)
		return err
	}, now)
	if errors.Is(err, ErrWrong) {
		return "", refused(ctx, db, book, signInEvent("sign_in.wrong", person, try, now), err)
	}
	return opened, err
}

// BeginPasskeyConfirm asks the person's browser for one of the person's passkeys. ErrNoPasskey when there is none.
func BeginPasskeyConfirm(ctx context.Context, tx pgx.Tx, site Site, i Identity, now time.Time) (options json.RawMessage, token string, err error) {
	party, err := site.party()
	if err != nil {
		return nil, "", err
	}
	ring, err := readKeyring(ctx, tx, i.Book, i.Person.ID)
	if err != nil {
		return nil, "", err
	}
	if len(ring.keys) == 0 {
		return nil, "", ErrNoPasskey
	}
	asked, session, err := party.BeginLogin(ring)
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey: %w", err)
	}
	return ask(ctx, tx, i.Book, passkeyConfirm, i.holder(), asked, session, now)
}

// ConfirmPasskey lets the session prove itself by a passkey of its person. ErrCeremony, ErrWrong.
func ConfirmPasskey(ctx context.Context, db pg.Beginner, site Site, i Identity, token string, answer []byte, now time.Time) error {
	var session webauthn.SessionData
	if err := take(ctx, db, i.Book, token, passkeyConfirm, i.holder(), &session, now); err != nil {
		return err
	}
	_, err := checkPasskey(ctx, db, site, i.Book, session, answer, func(tx pgx.Tx, person uuid.UUID) error {
		if person != i.Person.ID {
			return ErrWrong
		}
		return Prove(ctx, tx, i, ByPasskey, now, now)
	}, now)
	if errors.Is(err, ErrWrong) {
		return refused(ctx, db, i.Book, Event{At: now, Who: i.Person.ID, What: "session.prove_wrong", Object: personObject(i.Person.ID)}, err)
	}
	return err
}

// refused records a denied try, which had no transaction that stands, and returns the refusal.
func refused(ctx context.Context, db pg.Beginner, book int32, e Event, refusal error) error {
	if err := pg.InTx(ctx, db, func(tx pgx.Tx) error { return Record(ctx, tx, book, e) }); err != nil {
		return err
	}
	return refusal
}

// The counter must rise, unless the authenticator keeps none (many passkeys that live in a cloud).
const sqlPasskeyUse = `
update passkey set sign_count = $3, last_used_at = $4
 where book_id = $1 and credential = $2 and removed_at is null and stopped_at is null
   and (sign_count < $3 or sign_count = 0 and $3 = 0)`

const sqlPasskeyStop = `
update passkey set stopped_at = $3
 where book_id = $1 and credential = $2 and removed_at is null and stopped_at is null
returning id, person_id`

// checkPasskey verifies an answer and uses it in one transaction with its effect. Any answer that does not hold is
// ErrWrong; one whose counter ran backwards also stops the passkey.
func checkPasskey(ctx context.Context, db pg.Beginner, site Site, book int32, session webauthn.SessionData, answer []byte, effect func(pgx.Tx, uuid.UUID) error, now time.Time) (person uuid.UUID, err error) {
	party, err := site.party()
	if err != nil {
		return uuid.Nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return uuid.Nil, ErrWrong
	}
	if len(session.UserID) > 0 {
		person, err = uuid.FromBytes(session.UserID)
	} else {
		person, err = uuid.FromBytes(parsed.Response.UserHandle)
	}
	if err != nil {
		return uuid.Nil, ErrWrong
	}
	var wrong error
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		wrong = nil
		ring, err := readKeyring(ctx, tx, book, person)
		if err != nil {
			return err
		}
		var used *webauthn.Credential
		if len(session.UserID) > 0 {
			used, err = party.ValidateLogin(ring, session, parsed)
		} else {
			used, err = party.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return ring, nil }, session, parsed)
		}
		if err != nil {
			wrong = ErrWrong
			return nil
		}
		tag, err := tx.Exec(ctx, sqlPasskeyUse, book, used.ID, int64(parsed.Response.AuthenticatorData.Counter), now)
		if err != nil {
			return fmt.Errorf("use passkey: %w", err)
		}
		if tag.RowsAffected() == 1 {
			return effect(tx, person)
		}
		wrong = ErrWrong
		return stopPasskey(ctx, tx, book, used.ID, now)
	})
	if err != nil {
		return person, err
	}
	return person, wrong
}

// stopPasskey shuts a passkey that seems to have a copy: of two that are alike, nobody knows which is the thief's.
func stopPasskey(ctx context.Context, tx pgx.Tx, book int32, credential []byte, now time.Time) error {
	var id, person uuid.UUID
	err := tx.QueryRow(ctx, sqlPasskeyStop, book, credential, now).Scan(&id, &person)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // stopped or removed meanwhile
	}
	if err != nil {
		return fmt.Errorf("stop passkey: %w", err)
	}
	return Record(ctx, tx, book, Event{At: now, What: "passkey.cloned", Object: personObject(person), Detail: map[string]any{"passkey": id}})
}
