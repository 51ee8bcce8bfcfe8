package demo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// deed is one step of what came in without a processor. Its name is its key.
type deed struct {
	name    string
	on      time.Time
	by      string // login
	second  string // who approved it; empty for nobody
	summary string
	plan    func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)
}

// offline is a kiosk counted, cash banked, receipts of a bank account, a picture auctioned at 8,800 and a pledge half paid.
func (l *loader) offline(ctx context.Context) error {
	for _, part := range []func() []deed{l.receipts, l.kiosk, l.picture, l.promises} {
		for _, d := range part() {
			if err := l.deed(ctx, d); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
	}
	return nil
}

// deed takes a step once.
func (l *loader) deed(ctx context.Context, d deed) error {
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		id := key("offline %s", d.name)
		taken, err := giving.StepTaken(ctx, tx, l.book, id)
		if err != nil || taken {
			return err
		}
		m, err := d.plan(ctx, tx)
		if err != nil {
			return err
		}
		sign := giving.Sign{Key: id, By: l.persons[d.by], At: d.on.Add(2 * time.Hour), Made: maker, Summary: d.summary}
		if d.second != "" {
			sign.Second, sign.Check = l.persons[d.second], checker
		}
		_, err = m.Book(ctx, tx, l.book, sign)
		return err
	})
}

func (l *loader) campaign(slug string) int32 { return l.camps[slug].ID }

// receipts are a firm's gift, one claimed with its slip, and one that nobody knows.
func (l *loader) receipts() []deed {
	take := func(name string, on time.Time, s payments.Seen) deed {
		s.ID, s.Day = key("receipt %s", name), on
		return deed{"receipt " + name, on, "wang", "", "银行来款 " + s.Ref, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return payments.Take(ctx, tx, l.book, s, l.persons["wang"], on)
		}}
	}
	claimed := key("receipt claimed")
	return []deed{
		take("firm", ledger.Day(2026, 7, 9), payments.Seen{Ref: "20260709-0011", Amount: 20_000_00, CampaignID: l.campaign("school-desks"), Firm: "向阳建设有限公司"}),
		take("claimed", ledger.Day(2026, 9, 3), payments.Seen{Ref: "20260903-0004", Amount: 500_00}),
		take("open", ledger.Day(2026, 10, 15), payments.Seen{Ref: "20261015-0009", Amount: 888_00}),
		l.claimed("receipt claim", func(context.Context, pgx.Tx) (uuid.UUID, error) { return claimed, nil },
			payments.Claim{CampaignID: l.campaign("warm-repairs"), Person: "赵女士", Anonymous: true, Proof: "本人出示转账回单", Day: ledger.Day(2026, 9, 10)}),
	}
}

// claimed is a receipt that its donor has claimed with a slip.
func (l *loader) claimed(name string, find func(context.Context, pgx.Tx) (uuid.UUID, error), c payments.Claim) deed {
	return deed{name, c.Day, "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		id, err := find(ctx, tx)
		if err != nil {
			return nil, err
		}
		r, err := payments.ReceiptByID(ctx, tx, l.book, id)
		if err != nil {
			return nil, err
		}
		slip, err := paperSlip()
		if err != nil {
			return nil, err
		}
		if _, err := ledger.AddPaper(ctx, tx, l.book, r.Object(), "转账回单.png", slip, l.persons["wang"], c.Day); err != nil {
			return nil, err
		}
		return payments.ClaimReceipt(ctx, tx, l.book, r, c)
	}}
}

// paperSlip draws a slip of paper, as a scan of one.
func paperSlip() ([]byte, error) {
	slip := image.NewGray(image.Rect(0, 0, 320, 140))
	for y := range 140 {
		for x := range 320 {
			shade := uint8(250)
			if y%24 == 20 && x > 20 && x < 300 || x < 2 || y < 2 || x > 317 || y > 137 {
				shade = 120
			}
			slip.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, slip)
	return out.Bytes(), err
}

// kiosk is issued, placed, sealed, opened and counted by two, and its money taken to the bank by a third.
func (l *loader) kiosk() []deed {
	kiosk, count, bag := key("kiosk"), key("kiosk count"), key("kiosk bag")
	day := func(m time.Month, d int) time.Time { return ledger.Day(2026, m, d) }
	of := func(plan func(ctx context.Context, tx pgx.Tx, b *payments.Box) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			b, err := payments.BoxByID(ctx, tx, l.book, kiosk)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, b)
		}
	}
	return []deed{
		{"kiosk issued", day(6, 1), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return payments.IssueBox(ctx, tx, l.book, payments.Box{ID: kiosk, Code: "K-01", Kind: "kiosk", CampaignID: l.campaign("everyday"), OpenDays: 90, Since: day(6, 1)})
		}},
		{"kiosk placed", day(6, 1), "wang", "", "", of(func(_ context.Context, _ pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.PlaceBox(l.book, b, "石坪桥便民服务中心", "石坪桥街道社工站", day(6, 1))
		})},
		{"kiosk sealed", day(6, 1), "wang", "", "", of(func(_ context.Context, _ pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.SealBox(l.book, b, "S-2026-014", day(6, 1))
		})},
		{"kiosk opened", day(8, 25), "wang", "", "", of(func(_ context.Context, _ pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.OpenBox(l.book, b, "S-2026-014", "", l.persons["wang"], day(8, 25))
		})},
		{"kiosk witnessed", day(8, 25), "li", "", "", of(func(_ context.Context, _ pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.WitnessBox(l.book, b, l.persons["li"], day(8, 25))
		})},
		{"kiosk counted", day(8, 25), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.CountBox(ctx, tx, l.book, b, payments.Counting{ID: count, Day: day(8, 25),
				Sheet: payments.Sheet{100_00: 20, 50_00: 10, 20_00: 20, 10_00: 20, 5_00: 20, 1_00: 17, 50: 1}}, l.persons["wang"], day(8, 25))
		})},
		{"kiosk confirmed", day(8, 25), "li", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			c, err := payments.CountByID(ctx, tx, l.book, count)
			if err != nil {
				return nil, err
			}
			return payments.ConfirmCount(ctx, tx, l.book, c, 3217_50, l.persons["li"], day(8, 25))
		}},
		{"kiosk carried", day(8, 26), "qian", "", "善心亭 K-01 善款送存银行", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return payments.CarryCash(ctx, tx, l.book, payments.Carrying{ID: bag, Counts: []uuid.UUID{count}, Bank: "bank.basic", Bag: "D-0007", Day: day(8, 26)}, l.persons["qian"])
		}},
		{"kiosk banked", day(8, 27), "wang", "", "善心亭 K-01 善款到账，短少 10 元", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			d, err := payments.DepositByID(ctx, tx, l.book, bag)
			if err != nil {
				return nil, err
			}
			return payments.BankDeposit(ctx, tx, l.book, d, payments.Banked{Day: day(8, 27), Received: 3207_50, Ref: "20260827-0002", Cause: "银行清点少 10 元，原因不明"}, l.persons["wang"])
		}},
		{"kiosk sealed again", day(8, 27), "wang", "", "", of(func(_ context.Context, _ pgx.Tx, b *payments.Box) (*giving.Move, error) {
			return payments.SealBox(l.book, b, "S-2026-031", day(8, 27))
		})},
	}
}

// picture is received, appraised at 5,000, auctioned at 8,800 with costs of 300 (TV6).
func (l *loader) picture() []deed {
	lot, auction, buyer := key("picture"), key("picture auction"), key("picture buyer")
	day := func(m time.Month, d int) time.Time { return ledger.Day(2026, m, d) }
	of := func(plan func(ctx context.Context, tx pgx.Tx, one *giving.Lot) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			one, err := giving.LotByID(ctx, tx, l.book, lot)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, one)
		}
	}
	return []deed{
		{"picture received", day(7, 1), "wang", "", "收到书画《嘉陵春晓》，登记备查", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.ReceiveLot(ctx, tx, l.book, giving.Lot{ID: lot, Kind: "art", Title: "《嘉陵春晓》", Unit: "幅", Pieces: 1, CampaignID: l.campaign("elder-lunch"), ReceivedOn: day(7, 1),
				Place: "一号库房"}, "陈画家", day(7, 1))
		}},
		{"picture valued", day(7, 8), "wang", "li", "《嘉陵春晓》评估 5,000 元", of(func(ctx context.Context, tx pgx.Tx, one *giving.Lot) (*giving.Move, error) {
			return giving.ValueLot(ctx, tx, l.book, one, "appraisal", "山城书画评估所 2026-88", 5_000_00, day(7, 8))
		})},
		{"picture auction", day(8, 15), "wang", "", "", of(func(_ context.Context, _ pgx.Tx, one *giving.Lot) (*giving.Move, error) {
			return giving.OpenAuction(l.book, one, giving.Auction{ID: auction, HeldOn: day(8, 15), House: "山城拍卖行", Reserve: 3_000_00})
		})},
		{"picture deposit", day(8, 12), "wang", "", "义拍保证金，7 号牌", of(func(ctx context.Context, tx pgx.Tx, one *giving.Lot) (*giving.Move, error) {
			a, err := giving.AuctionByID(ctx, tx, l.book, auction)
			if err != nil {
				return nil, err
			}
			return giving.TakeDeposit(ctx, tx, l.book, one, a, giving.Bidder{ID: buyer, Auction: auction, Paddle: 7, Firm: "巴渝建设有限公司", Deposit: 1_000_00}, "", day(8, 12), day(8, 12))
		})},
		{"picture sold", day(8, 15), "wang", "li", "《嘉陵春晓》义拍落槌 8,800 元", of(func(ctx context.Context, tx pgx.Tx, one *giving.Lot) (*giving.Move, error) {
			a, err := giving.AuctionByID(ctx, tx, l.book, auction)
			if err != nil {
				return nil, err
			}
			return giving.SellLot(ctx, tx, l.book, one, a, giving.Hammer{Buyer: buyer, Price: 8_800_00, Costs: 300_00, Way: giving.SalePremium, Day: day(8, 15)})
		})},
	}
}

// promises are a pledge half paid, rice without a value, and a service that is only noted.
func (l *loader) promises() []deed {
	pledge := key("pledge")
	day := func(m time.Month, d int) time.Time { return ledger.Day(2026, m, d) }
	return []deed{
		{"pledge signed", day(6, 20), "wang", "", "巴渝建设有限公司认捐 60,000 元", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.SignPledge(ctx, tx, l.book, giving.Pledge{ID: pledge, Firm: "巴渝建设有限公司", CampaignID: l.campaign("golden-ideas"), Document: "捐赠协议〔2026〕6 号", SignedOn: day(6, 20),
				Amount: 60_000_00}, giving.Instalments(60_000_00, 2, day(7, 1), 6), giving.Contact{}, day(6, 20))
		}},
		{"pledge paid", day(7, 3), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := giving.PledgeByID(ctx, tx, l.book, pledge)
			if err != nil {
				return nil, err
			}
			return giving.PledgePaid(l.book, p, 30_000_00, "20260703-0015", day(7, 3))
		}},
		{"rice", day(9, 20), "wang", "", "收到大米 200 袋，登记备查", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.ReceiveLot(ctx, tx, l.book, giving.Lot{ID: key("rice"), Kind: "goods", Title: "五公斤装大米", Unit: "袋", Pieces: 200, CampaignID: l.campaign("elder-lunch"),
				Firm: "丰年粮油有限公司", ReceivedOn: day(9, 20), Place: "石坪桥街道仓库"}, "", day(9, 20))
		}},
		{"service", day(9, 25), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return giving.NoteService(ctx, tx, l.book, giving.Service{ID: key("service"), Day: day(9, 25), What: "社区义务法律咨询", Firm: "山城律师事务所", Minutes: 480, CampaignID: l.campaign("everyday")},
				"", day(9, 25))
		}},
	}
}
