package ledger

import (
	"context"
	"fmt"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// CheckEntry tells what is wrong with an entry by itself, as Post would: accounts, amounts, balance per fund.
// What the book holds (closed months, guards, funds' money) is looked at by Post alone.
func CheckEntry(book *Book, e Entry) error {
	_, err := prepare(book, leaves{}, e)
	return err
}

// Moves gives what lines would add to the position of each fund they touch, in the order of the lines.
// Only Fund.ID is set of each fund.
func Moves(lines []Line) []Position {
	var moves []Position
	for _, l := range lines {
		i := 0
		for i < len(moves) && moves[i].Fund.ID != l.Leaf.Fund {
			i++
		}
		if i == len(moves) {
			moves = append(moves, Position{Fund: Fund{ID: l.Leaf.Fund}})
		}
		moves[i].add(chart.MustByID(l.Leaf.Chart), l.Amount)
	}
	return moves
}

const sqlPostings = `select coalesce(sum(seq), 0)::int8 from balance where book_id = $1`

// Postings counts the postings on the book: the ledger position that figures are stamped with.
func Postings(ctx context.Context, q pg.Querier, book *Book) (n int64, err error) {
	if err := q.QueryRow(ctx, sqlPostings, book.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count postings: %w", err)
	}
	return n, nil
}
