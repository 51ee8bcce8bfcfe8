package giving_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

var recordDay = ledger.Day(2026, 9, 8)

// step plans a move and carries it out.
func (w *world) step(plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) error {
	w.t.Helper()
	return w.try(func(ctx context.Context, tx pgx.Tx) error {
		m, err := plan(ctx, tx)
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: uuid.New(), At: testNow, Made: "王会计", Check: "李主任"})
		return err
	})
}

func (w *world) steps(plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) {
	w.t.Helper()
	if err := w.step(plan); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(err error, fields ...string) {
	w.t.Helper()
	var wrong *giving.FieldErrors
	if !errors.As(err, &wrong) {
		w.t.Errorf("not refused by fields: %v", err)
		return
	}
	var got []string
	for _, f := range wrong.List {
		got = append(got, f.Field)
	}
	if !slices.Equal(got, fields) {
		w.t.Errorf("refused %v, want %v", got, fields)
	}
}

func (w *world) hold(fund *ledger.Fund, want map[chart.ID]int64) {
	w.t.Helper()
	for id, amount := range want {
		if got := w.balance(fund, id); got != amount {
			w.t.Errorf("%s is %d, want %d", id, got, amount)
		}
	}
}

func (w *world) lot(id uuid.UUID) *giving.Lot {
	w.t.Helper()
	l, err := giving.LotByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// received takes a lot in to the campaign of the fund that bears its own fees.
func (w *world) received(l giving.Lot, person string) uuid.UUID {
	w.t.Helper()
	l.ID, l.CampaignID, l.ReceivedOn = uuid.New(), w.campaigns[ledger.FeeByFund].ID, recordDay
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ReceiveLot(ctx, tx, w.book, l, person, testNow)
	})
	return l.ID
}

func (w *world) valued(id uuid.UUID, value int64) {
	w.t.Helper()
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ValueLot(ctx, tx, w.book, w.lot(id), "appraisal", "山城书画评估所", value, recordDay)
	})
}

// auctioned puts a lot up with two bidders who paid deposits; the first one's id comes back.
func (w *world) auctioned(lot uuid.UUID) (*giving.Auction, []giving.Bidder) {
	w.t.Helper()
	id := uuid.New()
	w.steps(func(context.Context, pgx.Tx) (*giving.Move, error) {
		return giving.OpenAuction(w.book, w.lot(lot), giving.Auction{ID: id, HeldOn: recordDay, House: "山城拍卖行", Reserve: 3_000_00})
	})
	a, err := giving.AuctionByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, firm := range []string{"巴渝建设公司", ""} {
		w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			person := ""
			if firm == "" {
				person = "周某某"
			}
			return giving.TakeDeposit(ctx, tx, w.book, w.lot(lot), a, giving.Bidder{ID: uuid.New(), Auction: id, Paddle: int32(i + 1), Firm: firm, Deposit: 1_000_00}, person, recordDay, testNow)
		})
	}
	list, err := giving.Bidders(w.t.Context(), w.db, w.book, id)
	if err != nil || len(list) != 2 {
		w.t.Fatal(err, list)
	}
	return a, list
}

// TV6: value 5,000, hammer 8,800, costs 300, sold as an exchange at fair value whose premium is a gift; and E18b beside it.
func TestAPictureIsAuctioned(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]map[chart.ID]int64{
		giving.SalePremium: {"stock.art": 0, "bank.basic": 8_500_00, "gift.r": -8_800_00, "sales.r": -5_000_00, "program.r": 5_000_00, "fundraising.r": 300_00, "deposit": 0, "unvalued": 0},
		giving.SaleGross:   {"stock.art": 0, "bank.basic": 8_500_00, "gift.r": -5_000_00, "sales.r": -8_800_00, "program.r": 5_000_00, "fundraising.r": 300_00, "deposit": 0, "unvalued": 0},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fund := w.funds[ledger.FeeByFund]
			id := w.received(giving.Lot{Kind: "art", Title: "《嘉陵春晓》", Unit: "幅", Pieces: 1}, "陈某某")
			if l := w.lot(id); l.Firm != "" || l.Donor == nil || l.Number != 1 {
				t.Errorf("the painter's name belongs to the donor record: %+v", l)
			}
			w.hold(fund, map[chart.ID]int64{"unvalued": 1_00, "unvalued.contra": -1_00})
			w.valued(id, 5_000_00)
			w.hold(fund, map[chart.ID]int64{"stock.art": 5_000_00, "gift.r": -5_000_00, "unvalued": 0})
			a, bidders := w.auctioned(id)
			w.hold(fund, map[chart.ID]int64{"bank.basic": 2_000_00, "deposit": -2_000_00})
			sell := func(h giving.Hammer) error {
				return w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
					return giving.SellLot(ctx, tx, w.book, w.lot(id), a, h)
				})
			}
			w.refused(sell(giving.Hammer{Buyer: uuid.New(), Price: 8_800_00}), "buyer")
			w.refused(sell(giving.Hammer{Buyer: bidders[0].ID, Price: 2_999_99, Costs: 3_000_00, Way: "net", Day: recordDay.AddDate(0, 0, -1)}), "price", "costs", "way", "day")
			if err := sell(giving.Hammer{Buyer: bidders[0].ID, Price: 8_800_00, Costs: 300_00, Way: way, Day: recordDay}); err != nil {
				t.Fatal(err)
			}
			w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return giving.ReturnDeposit(ctx, tx, w.book, w.lot(id), a, bidders[1].ID, recordDay)
			})
			w.hold(fund, want)
			var net int64 // net assets rise by hammer less costs in every presentation
			for _, id := range []chart.ID{"gift.r", "sales.r", "program.r", "fundraising.r"} {
				net -= w.balance(fund, id)
			}
			if net != 8_500_00 {
				t.Errorf("net assets rose by %d", net)
			}
			sold, err := giving.AuctionByID(t.Context(), w.db, w.book, a.ID)
			if err != nil || sold.State != "sold" || *sold.Hammer != 8_800_00 {
				t.Fatalf("%v %+v", err, sold)
			}
			due := giving.ReceiptsDue(w.lot(id), sold, &bidders[0])
			if len(due) != 2 || due[0].Role != "artist" || due[0].Amount != 5_000_00 || due[1].Role != "buyer" || due[1].Amount != 3_800_00 || due[1].Giver.Firm != "巴渝建设公司" {
				t.Errorf("receipts: %+v", due)
			}
			if l := w.lot(id); l.State != giving.LotSold || l.Left != 0 {
				t.Errorf("%+v", l)
			}
			w.verify()
		})
	}
}

// E20: the artist keeps the picture until it is sold; E19 beside it: unsold, impaired, returned; goods are given out in parts.
func TestLotsThatAreNotSoldAsUsual(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fund := w.funds[ledger.FeeByFund]
	kept := w.received(giving.Lot{Kind: "art", Title: "《江雾》", Unit: "幅", Pieces: 1, KeepsTitle: true}, "陈某某")
	a, bidders := w.auctioned(kept)
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.SellLot(ctx, tx, w.book, w.lot(kept), a, giving.Hammer{Buyer: bidders[0].ID, Price: 4_000_00, Way: giving.SaleGross, Day: recordDay})
	})
	w.hold(fund, map[chart.ID]int64{"bank.basic": 5_000_00, "gift.r": -4_000_00, "stock.art": 0, "sales.r": 0, "unvalued": 0})
	sold, err := giving.AuctionByID(t.Context(), w.db, w.book, a.ID)
	if due := giving.ReceiptsDue(w.lot(kept), sold, &bidders[0]); err != nil || len(due) != 1 || due[0].Role != "artist" || due[0].Amount != 4_000_00 {
		t.Errorf("%v %+v", err, due)
	}

	unsold := w.received(giving.Lot{Kind: "art", Title: "《晴川》", Unit: "幅", Pieces: 1, Firm: "山城画院"}, "")
	w.valued(unsold, 2_000_00)
	b, second := w.auctioned(unsold)
	w.steps(func(context.Context, pgx.Tx) (*giving.Move, error) {
		return giving.EndUnsold(w.book, w.lot(unsold), b, "没有到底价", recordDay)
	})
	for _, one := range second {
		w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.ReturnDeposit(ctx, tx, w.book, w.lot(unsold), b, one.ID, recordDay)
		})
	}
	err = w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ImpairLot(ctx, tx, w.book, w.lot(unsold), 2_000_01, "霉斑", recordDay)
	})
	w.refused(err, "amount")
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ImpairLot(ctx, tx, w.book, w.lot(unsold), 500_00, "霉斑", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"impair.r": 500_00, "stock.imp": -500_00})
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ReturnLot(ctx, tx, w.book, w.lot(unsold), "画家要回", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"stock.art": 0, "stock.imp": 0, "gift.r": -4_000_00 - 500_00})

	rice := w.received(giving.Lot{Kind: "goods", Title: "大米", Unit: "袋", Pieces: 3, Firm: "丰年粮油公司"}, "")
	w.valued(rice, 100_00)
	use := func(pieces int32) error {
		return w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.UseLot(ctx, tx, w.book, w.lot(rice), pieces, "发给困难家庭", recordDay)
		})
	}
	w.refused(use(4), "pieces")
	if err := errors.Join(use(1), use(2)); err != nil {
		t.Fatal(err)
	}
	w.hold(fund, map[chart.ID]int64{"stock.goods": 0, "program.r": 100_00})
	if l := w.lot(rice); l.State != giving.LotUsed {
		t.Errorf("%+v", l)
	}
	if err := use(1); !errors.Is(err, giving.ErrStep) {
		t.Errorf("used up twice: %v", err)
	}

	wrong := w.received(giving.Lot{Kind: "goods", Title: "棉被", Unit: "床", Pieces: 20}, "")
	w.valued(wrong, 9_000_00)
	for range 2 { // the value first, then the lot
		w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.CorrectLot(ctx, tx, w.book, w.lot(wrong), "登记错了", recordDay)
		})
	}
	if l := w.lot(wrong); l.State != giving.LotVoid || l.Value != 0 {
		t.Errorf("%+v", l)
	}
	w.hold(fund, map[chart.ID]int64{"stock.goods": 0, "unvalued": 0})
	w.verify()
}

// E25 to E27: 300,000 in three parts, one received, the rest given up.
func TestAPledge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fund, id := w.funds[ledger.FeeByFund], uuid.New()
	parts := giving.Instalments(300_000_01, 3, recordDay.AddDate(0, 1, 0), 3)
	if parts[0].Amount != 100_000_01 || parts[2].Amount != 100_000_00 || !parts[2].Due.Equal(ledger.Day(2027, time.April, 8)) {
		t.Errorf("%+v", parts)
	}
	sign := func(p giving.Pledge, parts []giving.Part) error {
		return w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.SignPledge(ctx, tx, w.book, p, parts, giving.Contact{}, testNow)
		})
	}
	p := giving.Pledge{ID: id, Firm: "巴渝建设公司", CampaignID: w.campaigns[ledger.FeeByFund].ID, Document: "捐赠协议 2026-9", SignedOn: recordDay, Amount: 300_000_01}
	w.refused(sign(giving.Pledge{ID: id, CampaignID: p.CampaignID, SignedOn: recordDay}, nil), "firm", "document", "amount", "parts")
	if err := sign(p, parts); err != nil {
		t.Fatal(err)
	}
	w.hold(fund, map[chart.ID]int64{"pledge": 300_000_01, "pledge.contra": -300_000_01, "gift.r": 0})
	read := func() *giving.Pledge {
		t.Helper()
		p, err := giving.PledgeByID(t.Context(), w.db, w.book, id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pay := func(amount int64, ref string) error {
		return w.step(func(context.Context, pgx.Tx) (*giving.Move, error) {
			return giving.PledgePaid(w.book, read(), amount, ref, recordDay)
		})
	}
	w.refused(pay(300_000_02, ""), "amount", "ref")
	if err := pay(150_000_00, "B-1"); err != nil {
		t.Fatal(err)
	}
	w.hold(fund, map[chart.ID]int64{"pledge": 150_000_01, "gift.r": -150_000_00, "bank.online": 150_000_00})
	list, err := giving.Parts(t.Context(), w.db, w.book, id)
	if err != nil || len(list) != 3 || list[0].Received != 100_000_01 || list[1].Received != 49_999_99 || list[2].Received != 0 {
		t.Errorf("%v %+v", err, list)
	}
	due, err := giving.PartsDue(t.Context(), w.db, w.book, ledger.Day(2027, 1, 31))
	if err != nil || len(due) != 1 || due[0].Part.Part != 2 || due[0].Pledge.Firm != p.Firm {
		t.Errorf("%v %+v", err, due)
	}
	w.steps(func(context.Context, pgx.Tx) (*giving.Move, error) {
		return giving.EndPledge(w.book, read(), "企业停产", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"pledge": 0, "pledge.contra": 0})
	if p := read(); p.State != "ended" || p.GivenUp != 150_000_01 {
		t.Errorf("%+v", p)
	}
	if err := pay(1, "B-2"); !errors.Is(err, giving.ErrStep) {
		t.Errorf("an ended pledge is paid: %v", err)
	}
	other := p
	other.ID = uuid.New()
	if err := sign(other, parts); err != nil {
		t.Fatal(err)
	}
	id = other.ID
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.VoidPledge(ctx, tx, w.book, read(), "重复登记", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"pledge": 0})
	w.verify()
}

// E54: noted without a value; with an invoice income and cost at once; a wrong value is taken back.
func TestAServiceGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fund, id := w.funds[ledger.FeeByFund], uuid.New()
	note := func(s giving.Service, person string) error {
		return w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.NoteService(ctx, tx, w.book, s, person, testNow)
		})
	}
	w.refused(note(giving.Service{ID: id, Day: recordDay, CampaignID: w.campaigns[ledger.FeeByFund].ID}, ""), "what", "hours", "firm")
	if err := note(giving.Service{ID: id, Day: recordDay, What: "义务法律咨询", Minutes: 480, CampaignID: w.campaigns[ledger.FeeByFund].ID}, "吴律师"); err != nil {
		t.Fatal(err)
	}
	w.hold(fund, map[chart.ID]int64{"program.r": 0, "gift.r": 0})
	read := func(ctx context.Context, tx pgx.Tx) *giving.Service {
		t.Helper()
		s, err := giving.ServiceByID(ctx, tx, w.book, id)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.ValueService(ctx, tx, w.book, read(ctx, tx), 800_00, "发票 00912", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"program.r": 800_00, "gift.r": -800_00})
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return giving.CorrectService(ctx, tx, w.book, read(ctx, tx), "发票作废", recordDay)
	})
	w.hold(fund, map[chart.ID]int64{"program.r": 0, "gift.r": 0})
	w.verify()
}
