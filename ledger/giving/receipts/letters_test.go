package receipts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
)

// addressed books named gifts of 60.00, each told with an address of its own.
func (d *desk) addressed(n int) (ids []uuid.UUID) {
	d.t.Helper()
	var paid []giving.Paid
	for range n {
		d.given++
		paid = append(paid, giving.Paid{CampaignID: d.campaign.ID, Amount: 60_00, PaidAt: given, Channel: giving.WeChat, Ref: fmt.Sprint("ref-", d.given),
			Name: fmt.Sprint("捐赠人", d.given), Email: fmt.Sprintf("donor-%d@example.org", d.given)})
	}
	out, err := giving.Commit(d.t.Context(), d.db, d.book, paid)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, o := range out {
		if o.Err != nil {
			d.t.Fatal(o.Err)
		}
		ids = append(ids, o.ID)
	}
	return ids
}

// deliver sends what is due at a time, and tells how often each address was written to. Addresses in refuse do not take theirs.
func (d *desk) deliver(at time.Time, refuse ...string) map[string]int {
	d.t.Helper()
	got := map[string]int{}
	for found := true; found; {
		d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			found, _, err = giving.SendLetter(ctx, tx, d.book, func(l giving.Letter) error {
				for _, address := range refuse {
					if l.Email == address {
						return errors.New("mailbox is full")
					}
				}
				got[l.Email]++
				return nil
			}, at)
			return err
		})
	}
	return got
}

func (d *desk) letters(id uuid.UUID) receipts.Letters {
	d.t.Helper()
	b := d.state(id)
	l, err := receipts.LettersOf(d.t.Context(), d.db, d.book, &b)
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

// The receipts of a batch go out by letter: one each whatever is repeated, on from where it was after a crash, and those that the mail
// server refuses are listed and can be tried again.
func TestBatchSendsItsLettersOnce(t *testing.T) {
	d := newDesk(t)
	const addressed = 1100 // more than two steps
	d.numbers("50030126", 1, 5000)
	gifts := d.addressed(addressed)
	d.give(given, "没有邮箱", 70_00, 80_00)
	d.give(given, "", 5_00)
	b := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day, To: day, SingleMin: 50_00, AskedBy: clerk, Mail: true}
	if _, err := d.batch(b); err != nil {
		t.Fatal(err)
	}
	step := func() (more bool, err error) {
		err = d.try(func(ctx context.Context, tx pgx.Tx) error {
			more, err = receipts.MailStep(ctx, tx, d.book, now)
			return err
		})
		return more, err
	}
	if more, err := step(); more || err != nil {
		t.Errorf("letters before the receipts are issued: %v %v", more, err)
	}
	for issuing := true; issuing; {
		d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			issuing, err = receipts.Step(ctx, tx, d.book, zeroes{}, now)
			return err
		})
	}
	if more, err := step(); !more || err != nil {
		t.Fatalf("first step: %v %v", more, err)
	}
	crash := errors.New("the process ends before it commits")
	if err := d.try(func(ctx context.Context, tx pgx.Tx) error {
		_, err := receipts.MailStep(ctx, tx, d.book, now)
		return errors.Join(err, crash)
	}); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	if l := d.letters(b.ID); l.Letters+l.Unaddressed != 500 || l.Waiting != l.Letters {
		t.Errorf("after one step: %+v", l)
	}
	d.work()
	d.work()
	if l := d.letters(b.ID); l != (receipts.Letters{Letters: addressed, Waiting: addressed, Unaddressed: 2}) {
		t.Errorf("posted: %+v", l)
	}

	bad := []string{"donor-3@example.org", "donor-700@example.org"}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		g, err := giving.GiftByID(ctx, tx, d.book, gifts[9])
		if err != nil {
			return err
		}
		_, err = giving.EraseDonors(ctx, tx, d.book, []uuid.UUID{g.Gift.Donor}, now)
		return err
	})
	got := d.deliver(now, bad...)
	for address, n := range d.deliver(now.Add(time.Second), bad...) {
		got[address] += n
	}
	if len(got) != addressed-3 || got["donor-10@example.org"] != 0 {
		t.Errorf("%d addresses written to", len(got))
	}
	for address, n := range got {
		if n != 1 {
			t.Errorf("%s got %d letters", address, n)
		}
	}
	at := now
	for range giving.LetterTries {
		at = at.Add(24 * time.Hour)
		d.deliver(at, bad...)
	}
	if l := d.letters(b.ID); l != (receipts.Letters{Letters: addressed, Sent: addressed - 3, Failed: 2, Dropped: 1, Unaddressed: 2}) {
		t.Errorf("given up: %+v", l)
	}
	failed, err := receipts.FailedLetters(t.Context(), d.db, d.book, b.ID, nil, 10)
	if err != nil || len(failed) != 2 || failed[0].Tries != giving.LetterTries || failed[0].TriedAt == nil {
		t.Errorf("failed: %+v %v", failed, err)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		n, err := receipts.RetryLetters(ctx, tx, d.book, b.ID, at)
		if n != 2 {
			t.Errorf("%d tried again", n)
		}
		return err
	})
	if again := d.deliver(at); len(again) != 2 {
		t.Errorf("sent at last: %v", again)
	}
	if l := d.letters(b.ID); l.Sent != addressed-1 || l.Failed != 0 {
		t.Errorf("in the end: %+v", l)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error { // begun again is not sent again
		if err := receipts.MailBatch(ctx, tx, d.book, b.ID); !errors.Is(err, receipts.ErrNoBatch) {
			t.Errorf("begun twice: %v", err)
		}
		return nil
	})
	d.work()
	if again := d.deliver(at.Add(time.Hour)); len(again) != 0 {
		t.Errorf("sent twice: %v", again)
	}
	d.verified()
}

// zeroes is randomness that a test can do with: check codes need not be secret here.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A batch that was issued without letters sends them when asked later; what is void by then is left out.
func TestLettersOfAnEarlierBatch(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gifts := d.addressed(3)
	b := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day, To: day, SingleMin: 50_00, AskedBy: clerk}
	if _, err := d.batch(b); err != nil {
		t.Fatal(err)
	}
	d.work()
	if got := d.deliver(now); len(got) != 0 {
		t.Errorf("letters that nobody asked for: %v", got)
	}
	d.refund(gifts[0], 60_00)
	d.work()
	d.tx(func(ctx context.Context, tx pgx.Tx) error { return receipts.MailBatch(ctx, tx, d.book, b.ID) })
	d.work()
	if got := d.deliver(now); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if l := d.letters(b.ID); l != (receipts.Letters{Letters: 2, Sent: 2, Unaddressed: 1}) {
		t.Errorf("%+v", l)
	}
}
