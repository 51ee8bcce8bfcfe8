package receipts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
)

// step plans a step with a lot and takes it.
func (d *desk) step(lot uuid.UUID, plan func(context.Context, pgx.Tx, *giving.Lot) (*giving.Move, error)) error {
	return d.try(func(ctx context.Context, tx pgx.Tx) error {
		var l *giving.Lot
		if lot != uuid.Nil {
			var err error
			if l, err = giving.LotByID(ctx, tx, d.book, lot); err != nil {
				return err
			}
		}
		m, err := plan(ctx, tx, l)
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, d.book, giving.Sign{Key: uuid.New(), By: clerk, Second: uuid.New(), At: now, Made: "李会计", Check: "陈审批", Summary: "书画"})
		return err
	})
}

func (d *desk) steps(lot uuid.UUID, plan func(context.Context, pgx.Tx, *giving.Lot) (*giving.Move, error)) {
	d.t.Helper()
	if err := d.step(lot, plan); err != nil {
		d.t.Fatal(err)
	}
}

// picture takes a picture in and has it valued; with a value of nothing it has none.
func (d *desk) picture(l giving.Lot, painter string, value int64) uuid.UUID {
	d.t.Helper()
	l.ID, l.Kind, l.Title, l.Unit, l.Pieces, l.CampaignID, l.ReceivedOn = uuid.New(), "art", "《嘉陵春晓》", "幅", 1, d.campaign.ID, day
	d.steps(uuid.Nil, func(ctx context.Context, tx pgx.Tx, _ *giving.Lot) (*giving.Move, error) {
		return giving.ReceiveLot(ctx, tx, d.book, l, painter, now)
	})
	if value > 0 {
		d.values(l.ID, value)
	}
	return l.ID
}

func (d *desk) values(lot uuid.UUID, value int64) {
	d.t.Helper()
	d.steps(lot, func(ctx context.Context, tx pgx.Tx, l *giving.Lot) (*giving.Move, error) {
		return giving.ValueLot(ctx, tx, d.book, l, "appraisal", "山城书画评估所", value, day)
	})
}

// auctions sells a picture to a firm.
func (d *desk) auctions(lot uuid.UUID, firm string, price int64) {
	d.t.Helper()
	a := giving.Auction{ID: uuid.New(), HeldOn: day, House: "山城拍卖行"}
	d.steps(lot, func(_ context.Context, _ pgx.Tx, l *giving.Lot) (*giving.Move, error) {
		return giving.OpenAuction(d.book, l, a)
	})
	buyer := uuid.New()
	step := func(plan func(context.Context, pgx.Tx, *giving.Lot, *giving.Auction) (*giving.Move, error)) {
		d.t.Helper()
		d.steps(lot, func(ctx context.Context, tx pgx.Tx, l *giving.Lot) (*giving.Move, error) {
			open, err := giving.AuctionByID(ctx, tx, d.book, a.ID)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, l, open)
		})
	}
	step(func(ctx context.Context, tx pgx.Tx, l *giving.Lot, a *giving.Auction) (*giving.Move, error) {
		return giving.TakeDeposit(ctx, tx, d.book, l, a, giving.Bidder{ID: buyer, Auction: a.ID, Paddle: 7, Firm: firm, Deposit: 1_000_00}, "", day, now)
	})
	step(func(ctx context.Context, tx pgx.Tx, l *giving.Lot, a *giving.Auction) (*giving.Move, error) {
		return giving.SellLot(ctx, tx, d.book, l, a, giving.Hammer{Buyer: buyer, Price: price, Costs: 300_00, Way: giving.SalePremium, Day: day})
	})
}

func (d *desk) issuesTo(lot uuid.UUID, role, uscc string) error {
	return d.step(lot, func(ctx context.Context, tx pgx.Tx, l *giving.Lot) (*giving.Move, error) {
		return receipts.IssueForLot(ctx, tx, d.book, rand.Reader, l, role, uscc, clerk, now)
	})
}

// wants compares what was issued for a lot in a role: payer, amount and whether it is void, the first one first.
func (d *desk) wants(lot uuid.UUID, role string, want ...receipts.Receipt) []receipts.Receipt {
	d.t.Helper()
	of, err := receipts.OfLot(d.t.Context(), d.db, d.book, lot)
	if err != nil || len(of[role]) != len(want) {
		d.t.Fatalf("%v: %d receipts to the %s, want %d", err, len(of[role]), role, len(want))
	}
	var list []receipts.Receipt
	for i, r := range of[role] {
		r = d.read(r.ID)
		if r.Name != want[i].Name || r.Payer != want[i].Payer || r.Amount != want[i].Amount || (r.Void == nil) != (want[i].Void == nil) || r.Face != receipts.Goods {
			d.t.Errorf("receipt %d to the %s: %+v", i, role, r)
		}
		list = append(list, r)
	}
	return list
}

func (d *desk) refusedAt(field string, err error) {
	d.t.Helper()
	var wrong *giving.FieldErrors
	if !errors.As(err, &wrong) || wrong.List[0].Field != field {
		d.t.Errorf("refused with %v, want a refusal at %s", err, field)
	}
}

// E16 to E18: a picture of 5,000 hammered down at 8,800. The painter's receipt says 5,000, the buyer's 3,800, with the next two numbers.
func TestReceiptsOfAnAuction(t *testing.T) {
	d := newDesk(t)
	lot := d.picture(giving.Lot{}, "陈某某", 5_000_00)
	if err := d.issuesTo(lot, "artist", ""); !errors.Is(err, receipts.ErrNoNumbers) {
		t.Errorf("without numbers: %v", err)
	}
	d.numbers("50030126", 1, 10)
	d.refusedAt("to", d.issuesTo(lot, "buyer", ""))
	d.auctions(lot, "巴渝建设公司", 8_800_00)
	d.refusedAt("uscc", d.issuesTo(lot, "buyer", "91500000MA5U000000"))
	for _, role := range []string{"artist", "buyer"} {
		if err := d.issuesTo(lot, role, ""); err != nil {
			t.Fatal(err)
		}
		if err := d.issuesTo(lot, role, ""); !errors.Is(err, giving.ErrStep) {
			t.Errorf("a second receipt to the %s: %v", role, err)
		}
	}
	artist := d.wants(lot, "artist", receipts.Receipt{Name: "陈某某", Payer: receipts.Person, Amount: 5_000_00})
	buyer := d.wants(lot, "buyer", receipts.Receipt{Name: "巴渝建设公司", Payer: receipts.Organisation, Amount: 3_800_00})
	if artist[0].Number != 1 || buyer[0].Number != 2 || !buyer[0].GivenOn.Equal(day) {
		t.Errorf("numbers %d and %d", artist[0].Number, buyer[0].Number)
	}
	if r, err := receipts.Check(t.Context(), d.db, d.book, buyer[0].Code, 2, buyer[0].CheckCode); err != nil || r.ID != buyer[0].ID {
		t.Errorf("by its number: %v", err)
	}
	if l, role, err := receipts.LotOf(t.Context(), d.db, d.book, buyer[0].ID); err != nil || l.ID != lot || role != "buyer" {
		t.Errorf("lot %v, %s: %v", l, role, err)
	}
	d.work()
	d.wants(lot, "buyer", receipts.Receipt{Name: "巴渝建设公司", Payer: receipts.Organisation, Amount: 3_800_00})
	d.verified()
}

// E20 and E17: who keeps the picture gives its price, and what has no value makes no premium.
func TestReceiptsOfOtherAuctions(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	kept := d.picture(giving.Lot{KeepsTitle: true}, "陈某某", 0)
	d.refusedAt("to", d.issuesTo(kept, "artist", ""))
	d.auctions(kept, "巴渝建设公司", 4_000_00)
	if err := d.issuesTo(kept, "artist", ""); err != nil {
		t.Fatal(err)
	}
	d.wants(kept, "artist", receipts.Receipt{Name: "陈某某", Payer: receipts.Person, Amount: 4_000_00})
	d.refusedAt("to", d.issuesTo(kept, "buyer", ""))

	unvalued := d.picture(giving.Lot{}, "周某某", 0)
	d.auctions(unvalued, "巴渝建设公司", 2_000_00)
	d.refusedAt("to", d.issuesTo(unvalued, "artist", ""))
	d.refusedAt("to", d.issuesTo(unvalued, "buyer", ""))

	nameless := d.picture(giving.Lot{}, "", 100_00)
	d.refusedAt("to", d.issuesTo(nameless, "artist", ""))
	d.work()
	d.wants(kept, "artist", receipts.Receipt{Name: "陈某某", Payer: receipts.Person, Amount: 4_000_00})
	d.verified()
}

// The value is taken back, or the picture given back: the receipt becomes void by itself, and a later one follows it.
func TestACorrectedLotVoidsItsReceipt(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	lot := d.picture(giving.Lot{Firm: "山城画院"}, "", 5_000_00)
	if err := d.issuesTo(lot, "artist", ""); err != nil {
		t.Fatal(err)
	}
	first := receipts.Receipt{Name: "山城画院", Payer: receipts.Organisation, Amount: 5_000_00, Void: &receipts.Voiding{}}
	d.steps(lot, func(ctx context.Context, tx pgx.Tx, l *giving.Lot) (*giving.Move, error) {
		return giving.CorrectLot(ctx, tx, d.book, l, "评估有误", day)
	})
	standing, err := receipts.OfLot(t.Context(), d.db, d.book, lot)
	if err != nil {
		t.Fatal(err)
	}
	if over, err := receipts.Overstated(t.Context(), d.db, d.book, standing["artist"][0].ID); err != nil || !over {
		t.Errorf("before the worker looked it is as good as void: %v %v", over, err)
	}
	d.work()
	if r := d.wants(lot, "artist", first); r[0].Void.Cause != receipts.WrongAmount {
		t.Errorf("void for %s", r[0].Void.Cause)
	}
	d.values(lot, 4_200_00)
	if err := d.issuesTo(lot, "artist", ""); err != nil {
		t.Fatal(err)
	}
	list := d.wants(lot, "artist", first, receipts.Receipt{Name: "山城画院", Payer: receipts.Organisation, Amount: 4_200_00})
	if list[1].Replaces == nil || *list[1].Replaces != list[0].ID {
		t.Error("the second receipt does not follow the first")
	}
	d.steps(lot, func(ctx context.Context, tx pgx.Tx, l *giving.Lot) (*giving.Move, error) {
		return giving.ReturnLot(ctx, tx, d.book, l, "作者要回", day)
	})
	d.work()
	second := receipts.Receipt{Name: "山城画院", Payer: receipts.Organisation, Amount: 4_200_00, Void: &receipts.Voiding{}}
	d.wants(lot, "artist", first, second)
	d.refusedAt("to", d.issuesTo(lot, "artist", ""))
	d.verified()
	if _, err := d.owner.Exec(t.Context(), `set session_replication_role = replica; update receipt set fund_id = 1 where amount = 420000`); err != nil {
		t.Fatal(err)
	}
	checks, err := receipts.Verify(t.Context(), d.db, d.book)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if (c.Code == "receipt-goods") != (c.DiffersAll > 0) {
			t.Errorf("after a planted fault: %s %+v", c.Code, c)
		}
	}
}
