package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/staff"
)

// meets commits first while second waits for it, and gives second's answer.
func (a *amiss) meets(first, second func(ctx context.Context, tx pgx.Tx) error) error {
	a.Helper()
	ctx := pg.WithBook(a.Context(), a.book.ID)
	answer := make(chan error, 1)
	a.want(nil, func(_ context.Context, tx pgx.Tx) error {
		if err := first(ctx, tx); err != nil {
			return err
		}
		go func() {
			answer <- pg.InTx(ctx, a.db.Service, func(tx pgx.Tx) error { return second(ctx, tx) })
		}()
		return pgtest.Waits(ctx, a.db.Pool, func() bool { return len(answer) > 0 })
	})
	return <-answer
}

// proposes asks for a voucher as the correction of a break, as li.
func (a *amiss) proposes(id uuid.UUID, asked map[uuid.UUID]staff.Approval) func(ctx context.Context, tx pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		form, err := recon.CorrectionForm(ctx, tx, a.book, id)
		if err != nil {
			return err
		}
		if asked[id], err = staff.Request(ctx, tx, a.li, staff.Draft{Form: form, Kind: staff.Voucher, Summary: "by hand", Amount: 40_00, Payload: map[string]string{"day": "2026-10-01"}}, a.now); err != nil {
			return err
		}
		return recon.Propose(ctx, tx, a.book, id, form, a.li.Person.ID, a.now)
	}
}

// What somebody has asked a second person for in the meantime the machine does not book, and nobody closes.
func TestWhatIsProposedMeanwhile(t *testing.T) {
	t.Parallel()
	a := newAmiss(t)
	due, err := recon.CorrectionsDue(t.Context(), a.db.Service, a.book)
	if err != nil || len(due) != 1 || due[0].Action != recon.ActionUnknown || due[0].Amount != 40_00 {
		t.Fatalf("%+v %v", due, err)
	}
	credit, asked := due[0].Break, map[uuid.UUID]staff.Approval{}
	booked := true
	if err := a.meets(a.proposes(credit, asked), func(ctx context.Context, tx pgx.Tx) (err error) {
		booked, err = recon.Correct(ctx, tx, a.book, due[0], a.now)
		return err
	}); err != nil || booked {
		t.Errorf("booked %v, %v", booked, err)
	}
	a.state(recon.BreakOpen, 1, 0)
	if err := a.meets(a.proposes(a.broken, asked), func(ctx context.Context, tx pgx.Tx) error {
		return recon.CloseBreak(ctx, tx, a.book, a.broken, a.chen.Person.ID, "it is nothing", a.now)
	}); !errors.Is(err, giving.ErrStep) {
		t.Errorf("closed while a correction waits: %v", err)
	}
	a.state(recon.BreakProposed, 1, 0)
	// Turned down, the machine books it at its next turn, once.
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := staff.Reject(ctx, tx, a.chen, asked[credit].ID, asked[credit].Hash, "leave it to the machine", a.now)
		return err
	})
	for range 2 {
		if _, err := recon.Reconcile(t.Context(), a.db.Service, a.book, a.now.Add(time.Hour), func(_ string, step func(pgx.Tx) (int, error)) error {
			return pg.InTx(t.Context(), a.db.Service, func(tx pgx.Tx) error { _, err := step(tx); return err })
		}); err != nil {
			t.Fatal(err)
		}
	}
	a.state(recon.BreakProposed, 2, 1)
}

// Files that cannot be opened keep no other one from being read, however many they are.
func TestFilesBehindUnreadableOnes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.book.Keys = pgtest.Ring()
	bank := recon.Source{Name: "bank", Kind: "bank", Format: statement.MT940, Number: "755930112210808", Currency: "CNY", MadeBy: uuid.New(), MadeAt: start}
	b.ok(pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) (err error) {
		if bank.ID, err = recon.AddSource(t.Context(), tx, b.book, bank); err != nil {
			return err
		}
		for i := range 21 {
			body := fmt.Appendf(nil, ":20:%d\r\n:25:755930112210808\r\n:28C:%d\r\n:60F:C261001CNY0,\r\n:62F:C261001CNY0,\r\n-\r\n", i+1, i+1)
			if _, err := recon.Receive(t.Context(), tx, b.book, &bank, recon.NewFile{ID: uuid.New(), Name: fmt.Sprint(i, ".sta"), Body: body, By: bank.MadeBy}, start.Add(time.Duration(i)*time.Second)); err != nil {
				return err
			}
		}
		return nil
	}))
	b.ok(pg.InTx(pg.WithBook(t.Context(), b.book.ID), b.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `set local session_replication_role = replica`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `update source_part set body = set_byte(body, length(body) - 1, 255 - get_byte(body, length(body) - 1)) where file_id in (select id from source_file where name <> '20.sta')`)
		return err
	}))
	r := b.runner(Job{Name: Recon, When: every5(b), Do: reconcile})
	b.later(5 * time.Minute)
	b.look(r)
	var state string
	var waiting int
	b.ok(b.db.Service.QueryRow(t.Context(), `select (select state from source_file where name = '20.sta'), (select count(*) from source_file where state = 'received')`).Scan(&state, &waiting))
	if state != recon.FileImported || waiting != 20 || b.job(Recon).Last.Error == "" {
		t.Errorf("the last file is %s, %d wait, the job says %q", state, waiting, b.job(Recon).Last.Error)
	}
}
