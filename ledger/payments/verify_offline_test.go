package payments_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/payments"
)

// Each check finds a fault that was planted behind the triggers' back.
func TestVerifyFindsOfflineFaults(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(d.take(payments.Seen{ID: uuid.New(), Ref: "1", Day: d.today, Amount: 500_00}))
	count, bag := uuid.New(), uuid.New()
	if err := d.count(payments.Counting{ID: count, CampaignID: d.toR.ID, Day: d.today, Sheet: payments.Sheet{100_00: 2}}, d.a); err != nil {
		t.Fatal(err)
	}
	d.must(d.confirm(count, 200_00, d.b))
	d.must(d.carry(payments.Carrying{ID: bag, Counts: []uuid.UUID{count}, Bank: "bank.basic", Bag: "D-1", Day: d.today}, d.c))
	d.clean()
	for _, damage := range []struct{ code, sql string }{
		{"step", `update record_step set entry_id = gen_random_uuid() where act = 'unidentified'`},
		{"step", `delete from record_step where act = 'carried'`},
		{"bank-receipt", `update bank_receipt set amount = amount + 1`},
		{"bank-receipt", `delete from bank_receipt`},
		{"cash-count", `update cash_count set slips = slips + 1, reason = 'x'`},
		{"cash-count", `delete from gift`},
		{"deposit", `update cash_deposit set amount = amount + 1`},
		{"deposit", `update cash_count set deposit_id = null`},
	} {
		tx, err := d.owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `set local session_replication_role = replica`); err != nil {
			t.Fatal(err)
		}
		if tag, err := tx.Exec(t.Context(), damage.sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %s", damage.sql, err, tag)
		}
		checks, err := payments.VerifyBook(t.Context(), tx, d.book)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(checks, func(c ledger.Check) bool { return c.Code == damage.code })
		if at < 0 || checks[at].DiffersAll == 0 {
			t.Errorf("%s did not notice: %s", damage.code, damage.sql)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
