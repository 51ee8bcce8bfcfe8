package payments

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrNoProcessor means that the book takes no payments through that processor.
var ErrNoProcessor = errors.New("no such processor")

// SandboxCode names the built-in processor in webhook addresses and tables.
const SandboxCode = "sandbox"

const secretLen = 32

const (
	sqlProcessorInsert = `insert into processor (book_id, code, webhook_secret) values ($1, $2, $3) on conflict do nothing`
	sqlProcessorRotate = `
update processor set old_secret = webhook_secret, webhook_secret = $3 where book_id = $1 and code = $2`
	sqlProcessorForget  = `update processor set old_secret = null where book_id = $1 and code = $2`
	sqlProcessorSecrets = `select webhook_secret, old_secret from processor where book_id = $1 and code = $2`
)

// AddProcessor lets a book take payments through a processor, with a fresh webhook secret; it leaves one
// that is there as it is.
func AddProcessor(ctx context.Context, tx pgx.Tx, book *ledger.Book, code string) error {
	secret, err := newSecret()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlProcessorInsert, book.ID, code, secret); err != nil {
		return fmt.Errorf("add processor %s: %w", code, err)
	}
	return nil
}

// RotateSecret gives a processor a new webhook secret; events signed with the one before stay good until ForgetSecret.
func RotateSecret(ctx context.Context, tx pgx.Tx, book *ledger.Book, code string) error {
	secret, err := newSecret()
	if err != nil {
		return err
	}
	return changeProcessor(ctx, tx, code, sqlProcessorRotate, book.ID, code, secret)
}

// ForgetSecret ends the rotation: only the newest secret is good.
func ForgetSecret(ctx context.Context, tx pgx.Tx, book *ledger.Book, code string) error {
	return changeProcessor(ctx, tx, code, sqlProcessorForget, book.ID, code)
}

func changeProcessor(ctx context.Context, tx pgx.Tx, code, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("change secret of %s: %w", code, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %s", ErrNoProcessor, code)
	}
	return nil
}

func newSecret() ([]byte, error) {
	secret := make([]byte, secretLen)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make webhook secret: %w", err)
	}
	return secret, nil
}

// secrets are the webhook secrets in force, the newest first.
func secrets(ctx context.Context, q pg.Querier, book *ledger.Book, code string) ([][]byte, error) {
	var current, old []byte
	err := q.QueryRow(ctx, sqlProcessorSecrets, book.ID, code).Scan(&current, &old)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoProcessor, code)
	}
	if err != nil {
		return nil, fmt.Errorf("read secrets of %s: %w", code, err)
	}
	if old == nil {
		return [][]byte{current}, nil
	}
	return [][]byte{current, old}, nil
}
