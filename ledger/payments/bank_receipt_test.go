package payments_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

func (d *desk) take(s payments.Seen) (uuid.UUID, error) {
	d.t.Helper()
	return d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.Take(ctx, tx, d.book, s, d.a, testStart)
	})
}

func (d *desk) receipt(id uuid.UUID) *payments.BankReceipt {
	d.t.Helper()
	r, err := payments.ReceiptByID(d.t.Context(), d.db, d.book, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// png is a picture of nothing, as a scan.
var png = []byte("\x89PNG\r\n\x1a\n the smallest of scans")

func TestABankGiftThatIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := uuid.New()
	entry := d.must(d.take(payments.Seen{ID: id, Ref: "20260908-1", Day: d.today, Amount: 10_000_00, CampaignID: d.toR.ID, Firm: "向阳社工服务中心"}))
	if r := d.receipt(id); r.State != "identified" || *r.GiftID != entry {
		t.Errorf("%+v", r)
	}
	d.holds(d.r, map[chart.ID]int64{"bank.online": 10_000_00, "gift.r": -10_000_00})
	_, err := d.take(payments.Seen{ID: uuid.New(), Ref: "20260908-1", Day: d.today, Amount: 5_00})
	d.refuses(err, "ref")
	_, err = d.take(payments.Seen{ID: uuid.New(), Day: d.today, Amount: -1, Firm: "甲", Person: "乙"})
	d.refuses(err, "ref", "amount", "person")
	d.clean()
}

// E13: unidentified, then claimed with a proof that lies beside the receipt; the same form again is the same step.
func TestAnUnidentifiedReceiptIsClaimed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := uuid.New()
	d.must(d.take(payments.Seen{ID: id, Ref: "20260908-2", Day: d.today, Amount: 500_00, Person: "赵某某"}))
	d.holds(d.g, map[chart.ID]int64{"bank.online": 500_00, "unident": -500_00})
	r := d.receipt(id)
	if r.Firm != "" || r.Donor == nil {
		t.Errorf("a person's name belongs to the donor record: %+v", r)
	}
	claim := func(key uuid.UUID, proof string) (uuid.UUID, error) {
		return d.keyed(key, d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return payments.ClaimReceipt(ctx, tx, d.book, r, payments.Claim{CampaignID: d.toR.ID, Person: "赵某某", Proof: proof, Day: d.today})
		})
	}
	_, err := claim(uuid.New(), "回单 88")
	d.refuses(err, "proof") // no paper yet
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.AddPaper(ctx, tx, d.book, r.Object(), "回单.png", png, d.a, testStart)
		return err
	})
	_, err = claim(uuid.New(), "")
	d.refuses(err, "proof")
	_, err = d.keyed(uuid.New(), d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.ClaimReceipt(ctx, tx, d.book, r, payments.Claim{CampaignID: 4711, Person: "赵某某", Proof: "回单 88", Day: d.today})
	})
	d.refuses(err, "campaign")
	key := uuid.New()
	entry := d.must(claim(key, "回单 88"))
	if again := d.must(claim(key, "回单 88")); again != entry {
		t.Errorf("the same form again made %s after %s", again, entry)
	}
	if _, err := claim(uuid.New(), "回单 88"); !errors.Is(err, giving.ErrRefReused) && !errors.Is(err, giving.ErrStep) {
		t.Errorf("claimed twice: %v", err)
	}
	d.holds(d.g, map[chart.ID]int64{"bank.online": 0, "unident": 0})
	d.holds(d.r, map[chart.ID]int64{"bank.online": 500_00, "gift.r": -500_00})
	if r = d.receipt(id); r.State != payments.ReceiptClaimed || *r.GiftID != entry {
		t.Errorf("%+v", r)
	}
	steps, err := giving.Steps(t.Context(), d.db, d.book, r.Object())
	if err != nil || len(steps) != 2 || steps[0].Act != "unidentified" || steps[1].Act != "claimed" || steps[1].By != d.a {
		t.Errorf("%v %+v", err, steps)
	}
	d.clean()
}

func TestEndsOfAnUnidentifiedReceipt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	back, kept, wrong := uuid.New(), uuid.New(), uuid.New()
	for id, ref := range map[uuid.UUID]string{back: "1", kept: "2", wrong: "3"} {
		d.must(d.take(payments.Seen{ID: id, Ref: ref, Day: d.today, Amount: 100_00}))
	}
	late := d.today.AddDate(0, 0, 31)
	list, err := payments.Overdue(t.Context(), d.db, d.book, late)
	if err != nil || len(list) != 3 || list[0].Rule != "receipt-open" || list[0].Days != 31 || list[0].Amount != 100_00 {
		t.Errorf("%v %+v", err, list)
	}
	_, err = payments.KeepReceipt(d.book, d.receipt(kept), "理事会", d.today)
	d.refuses(err, "day") // too young to be kept
	_, err = payments.ReturnReceipt(t.Context(), d.db, d.book, d.receipt(back), "", d.today)
	d.refuses(err, "reason")
	end := func(id uuid.UUID, plan func(ctx context.Context, tx pgx.Tx, r *payments.BankReceipt) (*giving.Move, error)) {
		t.Helper()
		d.must(d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) { return plan(ctx, tx, d.receipt(id)) }))
	}
	end(back, func(ctx context.Context, tx pgx.Tx, r *payments.BankReceipt) (*giving.Move, error) {
		return payments.ReturnReceipt(ctx, tx, d.book, r, "汇错了", late)
	})
	end(kept, func(_ context.Context, _ pgx.Tx, r *payments.BankReceipt) (*giving.Move, error) {
		return payments.KeepReceipt(d.book, r, "理事会 2026-9", late)
	})
	end(wrong, func(ctx context.Context, tx pgx.Tx, r *payments.BankReceipt) (*giving.Move, error) {
		return payments.VoidReceipt(ctx, tx, d.book, r, "金额录错", d.today)
	})
	d.holds(d.g, map[chart.ID]int64{"bank.online": 100_00, "unident": 0, "gift.u": -100_00})
	for id, state := range map[uuid.UUID]string{back: "returned", kept: "kept", wrong: "void"} {
		if r := d.receipt(id); r.State != state {
			t.Errorf("%s is %s", state, r.State)
		}
		if _, err := payments.ReturnReceipt(t.Context(), d.db, d.book, d.receipt(id), "again", late); !errors.Is(err, giving.ErrStep) {
			t.Errorf("%s ends twice: %v", state, err)
		}
	}
	d.clean()
}

// A receipt that came to another account than that of gifts leaves from there, and as a gift stays there.
func TestAReceiptStaysAtItsBank(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	back, claimed := uuid.New(), uuid.New()
	for id, ref := range map[uuid.UUID]string{back: "1", claimed: "2"} {
		d.must(d.take(payments.Seen{ID: id, Ref: ref, Day: d.today, Amount: 70_00, Bank: "bank.basic"}))
	}
	d.holds(d.g, map[chart.ID]int64{"bank.basic": 140_00, "bank.online": 0, "unident": -140_00})
	d.must(d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.ReturnReceipt(ctx, tx, d.book, d.receipt(back), "汇错了", d.today)
	}))
	d.holds(d.g, map[chart.ID]int64{"bank.basic": 70_00, "bank.online": 0, "unident": -70_00})
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.AddPaper(ctx, tx, d.book, d.receipt(claimed).Object(), "回单.png", png, d.a, testStart)
		return err
	})
	d.must(d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.ClaimReceipt(ctx, tx, d.book, d.receipt(claimed), payments.Claim{CampaignID: d.toR.ID, Person: "赵某某", Proof: "回单 88", Day: d.today})
	}))
	d.holds(d.g, map[chart.ID]int64{"bank.basic": 0, "bank.online": 0, "unident": 0})
	d.holds(d.r, map[chart.ID]int64{"bank.basic": 70_00, "bank.online": 0, "gift.r": -70_00})
	d.clean()
}
