package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/chart"
)

// Reverse books the mirror image of an entry on a day (红字冲销). The document's reason and maker are
// mandatory. An entry is reversed once: ErrReversed says so afterwards, unless it is the same reversal again.
func Reverse(ctx context.Context, tx pgx.Tx, book *Book, id, key uuid.UUID, day time.Time, actor uuid.UUID, doc Document) (Result, error) {
	// The lane's lock first: two who reverse one entry at a time take turns.
	if _, err := tx.Exec(ctx, sqlLock, book.ID, lockNumbers); err != nil {
		return Result{}, fmt.Errorf("lock book: %w", err)
	}
	original, err := ReadEntry(ctx, tx, book, id)
	if err != nil {
		return Result{}, err
	}
	if original.Kind == KindClose {
		return Result{}, fmt.Errorf("%w: %s", ErrClosing, id)
	}
	e := Entry{Key: key, Kind: KindCorrection, EffectiveOn: day, Actor: actor, Reverses: id, Document: &doc}
	if original.ReversedBy != uuid.Nil {
		by, err := ReadEntry(ctx, tx, book, original.ReversedBy)
		if err != nil {
			return Result{}, err
		}
		if by.Key != key { // Post answers the same key again
			return Result{}, fmt.Errorf("%w: by %s", ErrReversed, by.ID)
		}
	}
	e.Lines = Mirror(original)
	return PostOne(ctx, tx, book, e)
}

// Mirror gives the lines that take an entry back. Value and units of foreign money were taken apart
// when it was booked; they are put together again, because that is how lines speak of them.
func Mirror(original *Recorded) []Line {
	var lines []Line
	for _, p := range original.Postings {
		switch leaf := p.Leaf; {
		case leaf.Chart == "fx.units.contra":
		case leaf.Chart == "fx.units":
			leaf.Chart, leaf.Dims.UnitsOf = chart.ID(leaf.Dims.UnitsOf), ""
			lines = append(lines, Line{Leaf: leaf, Units: -p.Amount})
		case leaf.Dims.Foreign != "":
			leaf.Currency, leaf.Dims.Foreign = leaf.Dims.Foreign, ""
			lines = append(lines, Line{Leaf: leaf, Amount: -p.Amount})
		default:
			lines = append(lines, Line{Leaf: leaf, Amount: -p.Amount})
		}
	}
	return lines
}
