package subsidies_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// TestStreetMoneyKeepsItsPurpose: a street's money in a fund with a charter is spent on what the charter names and on nothing else. A cost that
// says nothing is for the only purpose there is; where there are two it says which.
func TestStreetMoneyKeepsItsPurpose(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	letter := w.funded(subsidies.Grant, 1_000_00, "R-1")
	chartered := func(version int, purposes ...string) {
		t.Helper()
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			file := uuid.NewSHA1(uuid.NameSpaceOID, []byte("file"))
			if _, err := tx.Exec(ctx, `insert into fund_file (book_id, id, number, state, fund_id, code, name_zh, name_en, about_zh, about_en, terms, agreement, entered_by, entered_at)
				values ($1, $2, 1, 'open', $3, 'X', '基金', 'fund', '一', 'one', '{}', decode(repeat('00', 32), 'hex'), $2, $4) on conflict (book_id, id) do nothing`, w.book.ID, file, w.fund.ID, w.now); err != nil {
				return err
			}
			basis := map[bool]string{true: "opening", false: "filing"}[version == 1]
			_, err := tx.Exec(ctx, `insert into fund_charter (book_id, fund_id, version, sort, purposes, interest, fee_bearer, voted, basis, basis_ref, file_id, made_by, second, made_at)
				values ($1, $2, $3, 'sunshine', $4, 'fund', 'fund', false, $5, '备案 1', $6, $6, gen_random_uuid(), $7)`, w.book.ID, w.fund.ID, version, purposes, basis, file, w.now)
			return err
		})
	}
	spend := func(use string) plan {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.SpendOn(ctx, tx, w.book, w.read(letter), subsidies.Cost{Amount: 100_00, Contract: "HT-1", Project: "EAI", What: "改造", Purpose: use, Day: day(11, 1)})
		}
	}
	locked := func(use string, may ...string) {
		t.Helper()
		_, err := w.step(spend(use))
		var wrong *ledger.PurposeError
		if !errors.As(err, &wrong) || wrong.Fund != w.fund.ID || wrong.Purpose != use || !slices.Equal(wrong.May, may) {
			t.Errorf("spent on %q: %v", use, err)
		}
	}
	chartered(1, "homes")
	locked("office", "homes")
	w.steps(spend("homes"))
	w.steps(spend(""))
	chartered(2, "homes", "lights") // a filing lifts it
	locked("", "homes", "lights")
	locked("office", "homes", "lights")
	w.steps(spend("lights"))
	if got := w.holds(chart.ID(w.fund.Class("program"))); got != 300_00 {
		t.Errorf("%d is spent", got)
	}
}
