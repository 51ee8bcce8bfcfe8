package staff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrRequestKey means an Idempotency-Key that is empty, longer than 255 characters or not plain
// ASCII. Answer 400.
var ErrRequestKey = errors.New("an Idempotency-Key must have 1 to 255 visible ASCII characters")

// Answer is what was given to a request, to be given again to the same request.
type Answer struct {
	Status int
	Body   []byte
}

// RequestKey is an Idempotency-Key of one API key, with the hash of what was asked under it.
type RequestKey struct {
	Book int32
	Key  uuid.UUID // of the API key
	Text string
	Hash [32]byte // SHA-256 of method, path and body
}

// Requests under the same key wait for each other, also in other processes.
const sqlRequestLock = `
select pg_advisory_xact_lock(hashtextextended($1::int4 || ' ' || $2::uuid || ' ' || $3::text, 0))`

const sqlRequestRead = `
select request_hash, status, body from request_key where book_id = $1 and key_id = $2 and key = $3`

// Begin starts a write under an Idempotency-Key, first thing in the transaction of its effect. When
// done is true the request was answered before: give that answer again and do nothing. Otherwise do
// it and call Finish in the same transaction; a rolled back try leaves no trace and may be repeated.
//
// ErrOtherBody, ErrRequestKey.
func Begin(ctx context.Context, tx pgx.Tx, k RequestKey) (before Answer, done bool, err error) {
	if !requestKeyOK(k.Text) {
		return Answer{}, false, ErrRequestKey
	}
	if _, err := tx.Exec(ctx, sqlRequestLock, k.Book, k.Key, k.Text); err != nil {
		return Answer{}, false, fmt.Errorf("lock request key: %w", err)
	}
	var hash []byte
	err = tx.QueryRow(ctx, sqlRequestRead, k.Book, k.Key, k.Text).Scan(&hash, &before.Status, &before.Body)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Answer{}, false, nil
	case err != nil:
		return Answer{}, false, fmt.Errorf("read request key: %w", err)
	case !bytes.Equal(hash, k.Hash[:]):
		return Answer{}, false, ErrOtherBody
	}
	return before, true, nil
}

const sqlRequestInsert = `
insert into request_key (book_id, key_id, key, request_hash, status, body, created_at)
values ($1, $2, $3, $4, $5, $6, $7)`

// Finish stores the answer in the transaction of the effect. Call it only for answers that stay
// true: the effect, or a refusal for good.
func Finish(ctx context.Context, tx pgx.Tx, k RequestKey, a Answer, now time.Time) error {
	if a.Body == nil {
		a.Body = []byte{}
	}
	if _, err := tx.Exec(ctx, sqlRequestInsert, k.Book, k.Key, k.Text, k.Hash[:], a.Status, a.Body, now); err != nil {
		return fmt.Errorf("store answer under request key: %w", err)
	}
	return nil
}

func requestKeyOK(text string) bool {
	if len(text) < 1 || len(text) > 255 {
		return false
	}
	for _, c := range []byte(text) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}
