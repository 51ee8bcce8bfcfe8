package funds

import (
	"context"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Purpose is something that money may be spent on, by name (用途).
type Purpose struct {
	Code   string
	NameZH string
	NameEN string
}

// Name is the purpose's name in lang.
func (p *Purpose) Name(lang string) string {
	if lang == "en" {
		return p.NameEN
	}
	return p.NameZH
}

const (
	sqlPurposes      = `select code, name_zh, name_en from purpose where book_id = $1 order by code limit 500`
	sqlPurposeInsert = `insert into purpose (book_id, code, name_zh, name_en) values ($1, $2, $3, $4) on conflict do nothing`
	sqlPurposeKnown  = `select exists (select from purpose where book_id = $1 and code = $2)`
)

// Purposes lists what money of the book may be spent on.
func Purposes(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Purpose, error) {
	rows, err := q.Query(ctx, sqlPurposes, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list purposes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Purpose])
}

var purposeCode = regexp.MustCompile(`^[a-z0-9-]{2,20}$`)

// AddPurpose plans one more purpose. It is never changed or taken out: what was spent on it says so for ever. *giving.FieldErrors.
func AddPurpose(ctx context.Context, q pg.Querier, book *ledger.Book, p Purpose) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("zh", p.NameZH, 1, 40)
	wrong.Text("en", p.NameEN, 1, 60)
	if !purposeCode.MatchString(p.Code) {
		wrong.Refuse("code", "fundfile.purpose.code.wrong")
	}
	var known bool
	if err := q.QueryRow(ctx, sqlPurposeKnown, book.ID, p.Code).Scan(&known); err != nil {
		return nil, fmt.Errorf("look for purpose: %w", err)
	}
	if known {
		wrong.Refuse("code", "fundfile.purpose.taken")
	}
	return &giving.Move{Source: "fund", Object: fmt.Sprintf("purpose:%x", p.Code), Act: "purpose-added", Note: p.Code + " " + p.NameZH, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlPurposeInsert, book.ID, p.Code, p.NameZH, p.NameEN)
	}}, wrong.Err()
}
