package projects_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// An organisation that is neither registered nor filed has a public page from its first signed contract on; a draft makes none.
func TestOthersAreShownByTheirContracts(t *testing.T) {
	w := newWorld(t)
	registered, other := w.payee, uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterPayee(w.ctx, tx, w.book, projects.Payee{ID: other, Name: "阳光物业", Standing: projects.Other, EnteredBy: w.accountant})
	})
	shown := func(id uuid.UUID) bool {
		t.Helper()
		var number int32
		if err := w.db.QueryRow(w.ctx, `select number from payee where book_id = $1 and id = $2`, w.book.ID, id).Scan(&number); err != nil {
			t.Fatal(err)
		}
		p, err := projects.ProviderByNumber(w.ctx, w.db, w.book, number)
		if err != nil && !errors.Is(err, giving.ErrNoRecord) {
			t.Fatal(err)
		}
		return err == nil && p.ID == id
	}
	if !shown(registered) || shown(other) {
		t.Fatalf("registered shown %v, other %v", shown(registered), shown(other))
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, other)
		if err != nil {
			return nil, err
		}
		return projects.ChangeAccount(w.book, p, projects.Account{Holder: "阳光物业", Bank: "重庆银行石坪桥支行", BankCode: "313653000013", Number: "650101040012345"}, w.now.Add(-2*projects.Cooling))
	})
	w.post("D bank.basic R 800.00", "C gift.r R 800.00")
	w.payee = other
	id := w.drafted(w.project("R", "600.00"), projects.Contract{}, []src{{"R", projects.AsGift, "600.00"}}, "600.00")
	if shown(other) {
		t.Error("shown for a draft")
	}
	w.do(w.sign(id))
	if !shown(other) {
		t.Error("not shown with a contract")
	}
}
