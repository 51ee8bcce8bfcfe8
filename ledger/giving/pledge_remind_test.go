package giving_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// pledged signs a pledge of 300 in parts a month apart, the first due a month after recordDay.
func (w *world) pledged(firm, email string) *giving.Pledge {
	w.t.Helper()
	p := giving.Pledge{ID: uuid.New(), Firm: firm, CampaignID: w.campaigns[ledger.FeeByFund].ID, Document: "捐赠协议", SignedOn: recordDay, Amount: 300_00}
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.SignPledge(ctx, tx, w.book, p, giving.Instalments(p.Amount, 3, recordDay.AddDate(0, 1, 0), 1), giving.Contact{Email: email, Lang: "en"}, testNow)
	})
	return w.pledge(p.ID)
}

func (w *world) pledge(id uuid.UUID) *giving.Pledge {
	w.t.Helper()
	p, err := giving.PledgeByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// reminded has the pledges looked at in the morning of a day, by three at once, and again.
func (w *world) reminded(day time.Time, want ...giving.LetterKind) {
	w.t.Helper()
	before, err := giving.Letters(w.t.Context(), w.db, w.book, uuid.Nil, 50)
	if err != nil {
		w.t.Fatal(err)
	}
	now := day.Add(testNow.Sub(recordDay))
	look := func() {
		if err := pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error {
			_, err := giving.RemindPledges(w.t.Context(), tx, w.book, now)
			return err
		}); err != nil {
			w.t.Error(err)
		}
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(look)
	}
	all.Wait()
	look()
	after, err := giving.Letters(w.t.Context(), w.db, w.book, uuid.Nil, 50)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []giving.LetterKind
	for _, l := range after[:len(after)-len(before)] {
		if l.Email != "firm@example.org" || l.Lang != "en" {
			w.t.Errorf("letter to %q in %s", l.Email, l.Lang)
		}
		got = append(got, l.Kind)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: letters %v, want %v", day.Format(time.DateOnly), got, want)
	}
}

// One letter before an instalment is due and one when it is overdue; none once it has come, none without a contact.
func TestPledgeLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, silent := w.pledged("巴渝建设公司", "firm@example.org"), w.pledged("嘉陵文化公司", "")
	if p.Donor == nil || silent.Donor != nil {
		t.Fatalf("contacts %v %v", p.Donor, silent.Donor)
	}
	first := recordDay.AddDate(0, 1, 0)
	w.reminded(first.AddDate(0, 0, -8))
	w.reminded(first.AddDate(0, 0, -7), giving.PledgeDueLetter)
	w.reminded(first)
	w.reminded(first.AddDate(0, 0, 6))
	w.reminded(first.AddDate(0, 0, 7), giving.PledgeLateLetter)
	w.reminded(first.AddDate(0, 0, 8))
	list, err := giving.Letters(t.Context(), w.db, w.book, uuid.Nil, 1)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", err, list)
	}
	if n, err := giving.NoticeByID(t.Context(), w.db, w.book, list[0].About); err != nil || n.Pledge != p.ID || n.Part != 1 || n.Amount != 100_00 || !n.Due.Equal(first) {
		t.Errorf("%v %+v", err, n)
	}
	parts, err := giving.Parts(t.Context(), w.db, w.book, p.ID)
	if err != nil || parts[0].RemindedOn == nil || !parts[0].RemindedOn.Equal(first.AddDate(0, 0, 7)) || parts[1].RemindedOn != nil {
		t.Errorf("%v %+v", err, parts)
	}
	w.steps(func(context.Context, pgx.Tx) (*giving.Move, error) { // two parts, the third has 30 of its 100
		return giving.PledgePaid(w.book, w.pledge(p.ID), 230_00, "B-1", first)
	})
	second, third := first.AddDate(0, 1, 0), first.AddDate(0, 2, 0)
	w.reminded(second.AddDate(0, 0, -7))
	w.reminded(second.AddDate(0, 0, 7))
	w.reminded(third.AddDate(0, 0, -3), giving.PledgeDueLetter)
	if list, err = giving.Letters(t.Context(), w.db, w.book, uuid.Nil, 1); err != nil {
		t.Fatal(err)
	}
	if n, err := giving.NoticeByID(t.Context(), w.db, w.book, list[0].About); err != nil || n.Part != 3 || n.Amount != 70_00 {
		t.Errorf("%v %+v", err, n)
	}
	w.steps(func(context.Context, pgx.Tx) (*giving.Move, error) {
		return giving.EndPledge(w.book, w.pledge(p.ID), "企业停产", third)
	})
	w.reminded(third.AddDate(0, 0, 7))
}

// Erasing the contact takes the letters that wait, and no more are written. An address that is none is refused.
func TestPledgeContactErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pledged("巴渝建设公司", "firm@example.org")
	first := recordDay.AddDate(0, 1, 0)
	w.reminded(first, giving.PledgeDueLetter)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.EraseDonors(ctx, tx, w.book, []uuid.UUID{*p.Donor}, testNow)
		return err
	})
	w.reminded(first.AddDate(0, 0, 7))
	if list, err := giving.Letters(t.Context(), w.db, w.book, uuid.Nil, 50); err != nil || len(list) != 0 {
		t.Errorf("%v %v", err, list)
	}
	w.refused(w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.SignPledge(ctx, tx, w.book, *p, giving.Instalments(p.Amount, 1, first, 1), giving.Contact{Email: "nobody"}, testNow)
	}), "email")
}
