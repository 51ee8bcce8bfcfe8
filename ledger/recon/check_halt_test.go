package recon_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon"
)

// asOwner changes rows that nobody may change.
func (h *house) asOwner(sql string) {
	h.Helper()
	h.ok(pg.InTx(pg.WithBook(h.Context(), h.book.ID), h.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(h.Context(), "set local session_replication_role = replica"); err != nil {
			return err
		}
		_, err := tx.Exec(h.Context(), sql)
		return err
	}))
}

// A payment that nobody approved and that is older than what is looked at every hour stops payments too, from the night that finds it to the one that does not.
func TestAnOldUnapprovedPaymentStopsPayments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	checks := func(every ...recon.Frequency) {
		t.Helper()
		h.tx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := recon.RunChecks(ctx, tx, h.book, now, every...)
			return err
		})
	}
	pays := func(want error) {
		t.Helper()
		err := ledger.MayPayOut(t.Context(), h.db, h.book.ID)
		var halted *ledger.Halted
		if !errors.Is(err, want) || want != nil && (!errors.As(err, &halted) || halted.Check != "E6" || !strings.Contains(halted.What, "FK7")) {
			t.Fatalf("a payment: %v, want %v", err, want)
		}
	}
	h.asOwner(`insert into disbursement (book_id, id, number, kind, fund_id, payee_id, bank, amount, invoice, purpose, state, sent_on, asked_by)
		values (1, gen_random_uuid(), 7, 'aid', 1, gen_random_uuid(), 'bank.basic', 500, '', 'x', 'sent', '2026-06-09', gen_random_uuid())`)
	checks(recon.Hourly)
	pays(nil)
	checks()
	pays(ledger.ErrHalted)
	checks(recon.Hourly) // it does not look so far back
	pays(ledger.ErrHalted)
	h.asOwner(`update disbursement set state = 'dropped'`)
	checks()
	pays(nil)
}

// A fund that does not balance, or a project that paid what nobody approved, stops the book's payments with the check that says so; nobody's word ends it,
// and the green check does.
func TestARedEquationStopsPayments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ check, name, plant, mend string }{
		{"E5", "G", `update balance set balance = balance + 1 where account_id = (select account_id from account where chart = 'bank.basic')`,
			`update balance set balance = balance - 1 where account_id = (select account_id from account where chart = 'bank.basic')`},
		{"E6", "FK7", `insert into disbursement (book_id, id, number, kind, fund_id, payee_id, bank, amount, invoice, purpose, state, sent_on, asked_by)
			values (1, gen_random_uuid(), 7, 'aid', 1, gen_random_uuid(), 'bank.basic', 500, '', 'x', 'sent', '2026-09-09', gen_random_uuid())`,
			`update disbursement set state = 'dropped'`},
	} {
		t.Run(c.check, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			check := func() {
				t.Helper()
				h.tx(func(ctx context.Context, tx pgx.Tx) error {
					_, err := recon.RunChecks(ctx, tx, h.book, now, recon.Hourly)
					return err
				})
			}
			pays := func(want error) error {
				t.Helper()
				err := pg.InTx(t.Context(), h.db, func(tx pgx.Tx) error {
					return projects.MakeBatch(t.Context(), tx, h.book, projects.Batch{ID: uuid.New(), Bank: "bank.basic", Day: h.book.Day(now), MadeBy: h.by, MadeAt: now, Account: "50001040009999"}, []uuid.UUID{uuid.New()}, "王会计")
				})
				if !errors.Is(err, want) {
					t.Fatalf("a payment: %v, want %v", err, want)
				}
				return err
			}
			check()
			pays(giving.ErrStep) // there is no such payment, and nothing else against it
			h.asOwner(c.plant)
			pays(giving.ErrStep)
			check()
			var halted *ledger.Halted
			if err := pays(ledger.ErrHalted); !errors.As(err, &halted) || halted.Check != c.check || !strings.Contains(halted.What, c.name) {
				t.Errorf("stopped by %+v", halted)
			}
			var broken uuid.UUID
			h.ok(h.db.QueryRow(t.Context(), `select id from break_item where type = 'B14' and ended_at is null`).Scan(&broken))
			for name, word := range map[string]func(ctx context.Context, tx pgx.Tx) error{
				"closed": func(ctx context.Context, tx pgx.Tx) error {
					return recon.CloseBreak(ctx, tx, h.book, broken, h.by, "I say so", now)
				},
				"to be left": func(ctx context.Context, tx pgx.Tx) error {
					return recon.AskAccept(ctx, tx, h.book, broken, h.by, "small", now)
				},
				"left by two": func(ctx context.Context, tx pgx.Tx) error {
					return recon.Accept(ctx, tx, h.book, broken, uuid.New(), now)
				},
			} {
				if err := pg.InTx(t.Context(), h.db, func(tx pgx.Tx) error { return word(t.Context(), tx) }); !errors.Is(err, giving.ErrStep) {
					t.Errorf("%s: %v", name, err)
				}
			}
			h.tx(func(ctx context.Context, tx pgx.Tx) error {
				return recon.Assign(ctx, tx, h.book, broken, h.by, h.by, now)
			})
			check() // still red
			pays(ledger.ErrHalted)
			h.asOwner(c.mend)
			pays(ledger.ErrHalted) // nobody has looked yet
			h.tx(func(ctx context.Context, tx pgx.Tx) error { return recon.Equations(ctx, tx, h.book, now) })
			pays(giving.ErrStep)
			var events int
			h.ok(h.db.QueryRow(t.Context(), `select count(*) from break_event where break_id = $1`, broken).Scan(&events))
			if events != 3 { // open, assigned, self-cleared
				t.Errorf("%d events", events)
			}
		})
	}
}
