package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrKey means that a token is not one of ours, or its key has ended; which, is not said. Answer 401.
	ErrKey = errors.New("no valid API key")
	// ErrNoKey means that there is no such key, or it is revoked. From a list of keys, answer 404.
	ErrNoKey = errors.New("no such API key")
	// ErrKeyInvalid means a name, scope or expiry that a key cannot have. Say so at the form.
	ErrKeyInvalid = errors.New("name, scopes or expiry of the key are not acceptable")
)

// Scope is what a program with a key may do in the key's book.
type Scope string

const (
	BooksRead     Scope = "books:read"
	FundsRead     Scope = "funds:read"
	CampaignsRead Scope = "campaigns:read"
	GiftsRead     Scope = "gifts:read"
	GiftsWrite    Scope = "gifts:write"
	EntriesRead   Scope = "entries:read"
	EntriesWrite  Scope = "entries:write"
	BalancesRead  Scope = "balances:read"
	OfflineReads  Scope = "offline:read"
	OfflineWrites Scope = "offline:write"
	MatchRead     Scope = "match:read"
	MatchWrite    Scope = "match:write"
	LawReads      Scope = "law:read"
)

// Scopes lists all scopes in the order in which a form offers them.
func Scopes() []Scope {
	return []Scope{BooksRead, FundsRead, CampaignsRead, GiftsRead, GiftsWrite, EntriesRead, EntriesWrite, BalancesRead, OfflineReads, OfflineWrites, MatchRead, MatchWrite, LawReads}
}

// KeyMaxLife bounds how long a key may be valid.
const KeyMaxLife = 2 * 366 * 24 * time.Hour

// Key is what a program signs in with. RotateKey replaces one while the program learns the new token.
type Key struct {
	Book       int32
	ID         uuid.UUID
	Name       string
	Scopes     []Scope
	CreatedAt  time.Time
	CreatedBy  uuid.UUID
	ExpiresAt  time.Time
	LastUsedAt *time.Time // to the minute
	RevokedAt  *time.Time
	Successor  *uuid.UUID // the key that replaces it
}

// May tells whether the key carries the scope.
func (k Key) May(s Scope) bool { return slices.Contains(k.Scopes, s) }

var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

const (
	keyPrefix    = "sf"
	keySecretLen = 32
)

// keyToken spells a token: sf_<book and key id>_<secret>. The book is in it because a key must be
// found without searching all books.
func keyToken(book int32, id uuid.UUID, secret []byte) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(book))
	return strings.ToLower(keyPrefix + "_" + keyText.EncodeToString(append(head, id[:]...)) + "_" + keyText.EncodeToString(secret))
}

func parseKeyToken(token string) (book int32, id uuid.UUID, secret []byte, err error) {
	if len(token) > 200 {
		return 0, id, nil, ErrKey
	}
	parts := strings.Split(strings.ToUpper(token), "_")
	if len(parts) != 3 || parts[0] != strings.ToUpper(keyPrefix) {
		return 0, id, nil, ErrKey
	}
	head, err := keyText.DecodeString(parts[1])
	if err != nil || len(head) != 4+len(id) {
		return 0, id, nil, ErrKey
	}
	secret, err = keyText.DecodeString(parts[2])
	if err != nil || len(secret) != keySecretLen {
		return 0, id, nil, ErrKey
	}
	copy(id[:], head[4:])
	return int32(binary.BigEndian.Uint32(head)), id, secret, nil
}

const sqlKeyInsert = `
insert into api_key (book_id, id, name, secret_hash, scopes, created_at, created_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)`

// CreateKey makes a key and its token. The token is shown once; nobody can read it again.
// ErrKeyInvalid.
func CreateKey(ctx context.Context, tx pgx.Tx, book int32, name string, scopes []Scope, by uuid.UUID, expires, now time.Time) (Key, string, error) {
	scopes = slices.Clone(scopes)
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	known := !slices.ContainsFunc(scopes, func(s Scope) bool { return !slices.Contains(Scopes(), s) })
	if !nameOK(name) || len(scopes) == 0 || !known || !expires.After(now) || expires.Sub(now) > KeyMaxLife {
		return Key{}, "", ErrKeyInvalid
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Key{}, "", fmt.Errorf("make API key id: %w", err)
	}
	secret := make([]byte, keySecretLen)
	if _, err := rand.Read(secret); err != nil {
		return Key{}, "", fmt.Errorf("make API key: %w", err)
	}
	token := keyToken(book, id, secret)
	k := Key{Book: book, ID: id, Name: name, Scopes: scopes, CreatedAt: now, CreatedBy: by, ExpiresAt: expires}
	if _, err := tx.Exec(ctx, sqlKeyInsert, book, id, name, tokenHash(string(secret)), scopes, now, by, expires); err != nil {
		return Key{}, "", fmt.Errorf("create API key: %w", err)
	}
	return k, token, Record(ctx, tx, book, Event{At: now, Who: by, What: "key.create", Object: keyObject(id),
		Detail: map[string]any{"name": name, "scopes": scopes, "expires_at": expires}})
}

const keySelect = `
select id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, successor, secret_hash
  from api_key`

const sqlKeyByID = keySelect + `
 where book_id = $1 and id = $2`

// Authenticate finds the key that a token belongs to, or ErrKey. What the key may do, Key.May says;
// that it belongs to the book asked for, the caller compares (404 if not).
func Authenticate(ctx context.Context, q pg.Querier, token string, now time.Time) (Key, error) {
	book, id, secret, err := parseKeyToken(token)
	if err != nil {
		return Key{}, err
	}
	ctx = pg.WithBook(ctx, book) // the token names it
	var hash []byte
	k, err := scanKey(q.QueryRow(ctx, sqlKeyByID, book, id), book, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, ErrKey
	}
	if err != nil {
		return Key{}, fmt.Errorf("read API key: %w", err)
	}
	same := subtle.ConstantTimeCompare(hash, tokenHash(string(secret))) == 1
	if !same || k.RevokedAt != nil || !now.Before(k.ExpiresAt) {
		return Key{}, ErrKey
	}
	return k, nil
}

const sqlKeyUse = `
update api_key set last_used_at = $3
 where book_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)`

// UseKey notes that the key was used, at most once a minute.
func UseKey(ctx context.Context, tx pgx.Tx, k Key, now time.Time) error {
	if k.LastUsedAt != nil && now.Sub(*k.LastUsedAt) < touchEvery {
		return nil
	}
	if _, err := tx.Exec(ctx, sqlKeyUse, k.Book, k.ID, now, now.Add(-touchEvery)); err != nil {
		return fmt.Errorf("note use of API key: %w", err)
	}
	return nil
}

// RotateMax bounds for how long two keys may overlap.
const RotateMax = 90 * 24 * time.Hour

const (
	sqlKeyLock = sqlKeyByID + `
   for update`

	sqlKeyReplace = `
update api_key set expires_at = least(expires_at, $3), successor = $4 where book_id = $1 and id = $2`
)

// RotateKey makes a successor of a live key with the same name, scopes and length of life. Both work until the old one
// ends, at the latest after overlap, so that no call is lost. The token is shown once. A key is rotated once.
// ErrNoKey, ErrKeyInvalid.
func RotateKey(ctx context.Context, tx pgx.Tx, book int32, id, by uuid.UUID, overlap time.Duration, now time.Time) (Key, string, error) {
	if overlap <= 0 || overlap > RotateMax {
		return Key{}, "", ErrKeyInvalid
	}
	var hash []byte
	old, err := scanKey(tx.QueryRow(ctx, sqlKeyLock, book, id), book, &hash)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && (old.RevokedAt != nil || old.Successor != nil || !now.Before(old.ExpiresAt)) {
		return Key{}, "", ErrNoKey
	}
	if err != nil {
		return Key{}, "", fmt.Errorf("read API key: %w", err)
	}
	k, token, err := CreateKey(ctx, tx, book, old.Name, old.Scopes, by, now.Add(old.ExpiresAt.Sub(old.CreatedAt)), now)
	if err != nil {
		return Key{}, "", err
	}
	if _, err := tx.Exec(ctx, sqlKeyReplace, book, id, now.Add(overlap), k.ID); err != nil {
		return Key{}, "", fmt.Errorf("rotate API key: %w", err)
	}
	return k, token, Record(ctx, tx, book, Event{At: now, Who: by, What: "key.rotate", Object: keyObject(id),
		Detail: map[string]any{"successor": k.ID, "expires_at": now.Add(overlap)}})
}

const sqlKeyRevoke = `
update api_key set revoked_at = $3, revoked_by = $4
 where book_id = $1 and id = $2 and revoked_at is null`

// RevokeKey ends a key, from the next request on. ErrNoKey.
func RevokeKey(ctx context.Context, tx pgx.Tx, book int32, id, by uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlKeyRevoke, book, id, now, by)
	if err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoKey
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "key.revoke", Object: keyObject(id)})
}

const sqlKeyList = keySelect + `
 where book_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3`

// Keys lists a book's keys, newest first, ended ones too. before is the last one of the previous
// page, nil for the first; n is at most 200.
func Keys(ctx context.Context, q pg.Querier, book int32, before uuid.UUID, n int) ([]Key, error) {
	rows, err := q.Query(ctx, sqlKeyList, book, orNull(before), limit(n))
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Key, error) {
		var hash []byte
		return scanKey(row, book, &hash)
	})
}

func scanKey(row pgx.Row, book int32, hash *[]byte) (Key, error) {
	k := Key{Book: book}
	err := row.Scan(&k.ID, &k.Name, &k.Scopes, &k.CreatedAt, &k.CreatedBy, &k.ExpiresAt, &k.LastUsedAt, &k.RevokedAt, &k.Successor, hash)
	return k, err
}

func keyObject(id uuid.UUID) string { return "key:" + id.String() }
