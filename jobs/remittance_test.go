package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/projects"
)

// A note that cannot be written keeps no other from being written, and only what was written is counted.
func TestRemittancesBehindOneThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok(pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) error {
		fund, err := ledger.CreateFund(t.Context(), tx, b.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"})
		if err != nil {
			return err
		}
		payee, by := uuid.New(), uuid.New()
		if _, err := tx.Exec(t.Context(), `insert into payee (book_id, id, number, kind, name, standing, code, services, contact, credit, state, entered_by) values ($1, $2, 1, 'organisation', '向阳社工', 'other', '', '', '', 'good', 'verified', $3)`,
			b.book.ID, payee, by); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `insert into disbursement (book_id, id, number, kind, fund_id, payee_id, bank, amount, invoice, purpose, state, sent_on, paid_on, asked_by, note_due)
			select $1, gen_random_uuid(), n, 'aid', $2, $3, 'bank.basic', 100, '', '救助', 'paid', '2026-09-20', '2026-09-21', $4, true from generate_series(1, 4) n`, b.book.ID, fund.ID, payee, by)
		return err
	}))
	broken := errors.New("no words for it")
	var tried []int32
	tools := Tools{RemittanceNotice: func(_ context.Context, _ pgx.Tx, _ *ledger.Book, p *projects.Payment, _ time.Time) (bool, error) {
		tried = append(tried, p.Number)
		if p.Number == 1 {
			return false, broken
		}
		return p.Number != 3, nil // nobody signs in for the payee of the third
	}}
	r := b.runner(Job{Name: "remittance", When: every5(b), Do: tools.remittances})
	b.later(5 * time.Minute)
	b.look(r)
	last := b.job("remittance").Last
	if len(tried) != 4 || last.Counts["payments"] != 2 || !strings.Contains(last.Error, broken.Error()) {
		t.Errorf("tried %v, counted %v, said %q", tried, last.Counts, last.Error)
	}
}
