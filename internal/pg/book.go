package pg

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Row level security shows a connection the rows of one book, the one that the server parameter sunfund.book names;
// without it there are no rows. The book travels in the context, so that nobody sets the parameter by hand and none
// can forget to: whoever takes a connection from a pool of Open gets it set to the context's book.

type bookKey struct{}

// WithBook says in which book everything is done under the context.
func WithBook(ctx context.Context, book int32) context.Context {
	return context.WithValue(ctx, bookKey{}, book)
}

// bookOf is the book of the context, zero when none is named.
func bookOf(ctx context.Context) int32 {
	book, _ := ctx.Value(bookKey{}).(int32)
	return book
}

// heldBook is where a connection of Open remembers which book it is set to, so that the server is told only of changes.
const heldBook = "sunfund.book"

// prepareBook sets a connection that leaves the pool to the book of the context, or to none. One that does not answer
// is not given out.
func prepareBook(ctx context.Context, conn *pgx.Conn) (bool, error) {
	book := bookOf(ctx)
	data := conn.PgConn().CustomData()
	held, _ := data[heldBook].(int32)
	if held == book {
		return true, nil
	}
	sql := "reset sunfund.book"
	if book != 0 {
		sql = "set sunfund.book = '" + strconv.FormatInt(int64(book), 10) + "'"
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		return false, fmt.Errorf("enter book %d: %w", book, err)
	}
	data[heldBook] = book
	return true, nil
}

// beginIn begins a transaction in the context's book, in one message. The connection may be none of a pool's, or one
// behind a pooler that gives each transaction another server.
func beginIn(ctx context.Context, mode string) string {
	begin := "begin isolation level " + mode
	if book := bookOf(ctx); book != 0 {
		return begin + "; set local sunfund.book = '" + strconv.FormatInt(int64(book), 10) + "'"
	}
	return begin
}

const sqlEnterBook = `select set_config('sunfund.book', $1, true)`

// EnterBook moves a transaction into another book than its context's: one that the transaction itself opened, or the
// next of several that are read in one moment.
func EnterBook(ctx context.Context, tx pgx.Tx, book int32) error {
	if _, err := tx.Exec(ctx, sqlEnterBook, strconv.FormatInt(int64(book), 10)); err != nil {
		return fmt.Errorf("enter book %d: %w", book, err)
	}
	return nil
}
