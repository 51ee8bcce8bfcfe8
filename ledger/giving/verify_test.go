package giving_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

var verifyNow = time.Date(2026, 9, 7, 4, 0, 0, 0, time.UTC)

// verifyBook is a book with a fund for each bearer of fees, gifts by every channel in two currencies,
// refunds, a started gift, and corrections.
func verifyBook(t *testing.T, db *pgtest.DB) (book *ledger.Book) {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	err = pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
		ctx := t.Context()
		book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "verify", NameZH: "测试", NameEN: "Test", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		var paid []giving.Paid
		for i, f := range []ledger.Fund{
			{Code: "G", Kind: ledger.General}, {Code: "F", Kind: ledger.Restricted, FeeBearer: ledger.FeeByFund},
			{Code: "B", Kind: ledger.Restricted, FeeBearer: ledger.FeeByGeneral}, {Code: "D", Kind: ledger.Restricted, FeeBearer: ledger.FeeByDonor},
		} {
			f.NameZH, f.NameEN = f.Code, f.Code
			gifts, err := verifyFund(ctx, tx, book, f)
			if err != nil {
				return err
			}
			for j := range gifts {
				gifts[j].Ref = fmt.Sprintf("%d-%d", i, j)
			}
			paid = append(paid, gifts...)
		}
		begun, err := giving.Begin(ctx, tx, book, giving.Form{FormID: uuid.New(), CampaignID: 2, Amount: "20.00", Currency: "CNY", Name: "张三",
			Lang: "zh-CN", Channel: giving.Sandbox}, verifyNow)
		if err != nil {
			return err
		}
		paid = append(paid, giving.Paid{ID: begun.ID, Amount: 20_00, Fee: 12, PaidAt: verifyNow, Channel: giving.Sandbox, Ref: "charge"})
		if err := verifyGive(ctx, tx, book, paid); err != nil {
			return err
		}
		return verifyRecords(ctx, tx, book)
	})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// verifyRecords puts a valued picture up for auction with a bidder, and has a firm pledge.
func verifyRecords(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	lot, auction, day := uuid.New(), uuid.New(), ledger.Day(2026, 9, 7)
	var l *giving.Lot
	for _, plan := range []func() (*giving.Move, error){
		func() (*giving.Move, error) {
			return giving.ReceiveLot(ctx, tx, book, giving.Lot{ID: lot, Kind: "art", Title: "画", Unit: "幅", Pieces: 1, CampaignID: 2, ReceivedOn: day}, "陈某某", verifyNow)
		},
		func() (*giving.Move, error) {
			return giving.ValueLot(ctx, tx, book, l, "appraisal", "评估所", 5_000_00, day)
		},
		func() (*giving.Move, error) {
			return giving.OpenAuction(book, l, giving.Auction{ID: auction, HeldOn: day, House: "拍卖行"})
		},
		func() (*giving.Move, error) {
			a, err := giving.AuctionByID(ctx, tx, book, auction)
			if err != nil {
				return nil, err
			}
			return giving.TakeDeposit(ctx, tx, book, l, a, giving.Bidder{ID: uuid.New(), Paddle: 1, Firm: "公司", Deposit: 1_000_00}, "", day, verifyNow)
		},
		func() (*giving.Move, error) {
			return giving.SignPledge(ctx, tx, book, giving.Pledge{ID: uuid.New(), Firm: "公司", CampaignID: 2, Document: "协议", SignedOn: day, Amount: 9_000_00},
				giving.Instalments(9_000_00, 3, day, 1), giving.Contact{}, day)
		},
	} {
		m, err := plan()
		if err != nil {
			return err
		}
		if _, err := m.Book(ctx, tx, book, giving.Sign{Key: uuid.New(), By: uuid.New(), At: verifyNow, Made: "王"}); err != nil {
			return err
		}
		if l, err = giving.LotByID(ctx, tx, book, lot); err != nil {
			return err
		}
	}
	return nil
}

// verifyFund opens a fund with a campaign and gives gifts to be booked.
func verifyFund(ctx context.Context, tx pgx.Tx, book *ledger.Book, f ledger.Fund) (paid []giving.Paid, err error) {
	fund, err := ledger.CreateFund(ctx, tx, book, f)
	if err != nil {
		return nil, err
	}
	c, err := giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: "c-" + fmt.Sprint(fund.ID), TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
		SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 1_000_000_00, OpensAt: verifyNow.AddDate(0, -1, 0), ClosesAt: verifyNow.AddDate(0, 1, 0)})
	if err != nil {
		return nil, err
	}
	for i, channel := range giving.Channels()[:6] { // what comes through platforms is verified beside their files
		p := giving.Paid{CampaignID: c.ID, Amount: int64(1000 + 7*i), PaidAt: verifyNow, Channel: channel, Name: "李"}
		if channel.Processor() {
			p.Fee = int64(3 + i)
		}
		foreign := p
		foreign.Currency, foreign.Rate = "USD", decimal.RequireFromString("7.1234")
		paid = append(paid, p, foreign)
	}
	return paid, nil
}

// verifyGive books gifts, gives some back and corrects two of the entries.
func verifyGive(ctx context.Context, tx pgx.Tx, book *ledger.Book, paid []giving.Paid) error {
	gifts, err := giving.Book(ctx, tx, book, paid)
	if err != nil {
		return err
	}
	var back []giving.Refunded
	for i, g := range gifts {
		if g.Err != nil {
			return g.Err
		}
		if i%3 == 0 {
			back = append(back, giving.Refunded{GiftID: g.ID, Amount: paid[i].Amount / 3, RefundedAt: verifyNow, Channel: paid[i].Channel, Ref: "back-" + paid[i].Ref})
		}
	}
	refunds, err := giving.BookRefunds(ctx, tx, book, back)
	if err != nil {
		return err
	}
	for _, r := range refunds {
		if r.Err != nil {
			return r.Err
		}
	}
	undo := func(id uuid.UUID) (uuid.UUID, error) {
		r, err := ledger.Reverse(ctx, tx, book, id, uuid.New(), ledger.Day(2026, 9, 8), uuid.New(),
			ledger.Document{Summary: "冲销", SourceKind: "correction", Reason: "wrong", MadeBy: "王"})
		if err == nil {
			err = r.Err
		}
		return r.ID, err
	}
	for _, id := range []uuid.UUID{gifts[1].ID, gifts[5].ID, refunds[0].ID} {
		if _, err := undo(id); err != nil {
			return err
		}
	}
	twice, err := undo(gifts[7].ID)
	if err != nil {
		return err
	}
	_, err = undo(twice) // so it stands again
	return err
}

func TestVerifyFindsNothingWrong(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	book := verifyBook(t, db)
	checks, err := giving.Verify(t.Context(), db.Service, book)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		// This book has no match: TestVerifyFindsWrongMatch does.
		if c.Compared == 0 && !strings.HasPrefix(c.Code, "match-") || c.DiffersAll > 0 {
			t.Errorf("%s: compared %d, %d differ: %q", c.Code, c.Compared, c.DiffersAll, c.Differs)
		}
	}
	own, err := ledger.Verify(t.Context(), db.Service, book)
	if err != nil || !ledger.Clean(own) {
		t.Errorf("the ledger itself: %v %+v", err, own)
	}
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	book := verifyBook(t, db)
	notices(t, db.Pool, book, []damage{
		{"gift", `delete from gift where id = (select id from gift where ref = '2-4')`},
		{"gift", `delete from entry where id = (select id from gift where ref = '2-4')`},
		{"gift-names", `update gift set campaign_id = 99 where ref = '2-4'`},
		{"gift-names", `update gift set donor_id = gen_random_uuid() where ref = 'charge'`},
		{"donor", `update private.donor set key_id = 'ffffffff' where id = (select id from checkout)`},
		{"donor", `insert into private.message (book_id, donor_id, gift_id, text) select 1, uuid_nil, uuid_nil, '' from (select gen_random_uuid() as uuid_nil) x`},
		{"donor", `delete from private.donor where id = (select id from checkout)`},
		{"gift-amount", `update gift set amount = amount + 1 where ref = '2-4'`},
		{"gift-amount", `update gift set fund_id = 4 where ref = '2-4'`},
		{"gift-id", `update gift set ref = 'forged' where ref = '2-4'`},
		{"gift-id", `update gift set channel = 1 where ref = '2-4'`},
		{"gift-id", `update gift set paid_at = paid_at + interval '1 ms' where ref = '2-4'`},
		{"gift-id", `update gift set paid_at = paid_at + interval '1 ms' where ref = 'charge'`},
		{"gift-id", `update gift set anonymity = 1 - anonymity where ref = 'charge'`},
		{"gift-day", `update gift set paid_at = paid_at + interval '1 day' where ref = '2-4'`},
		{"gift-units", `update gift set amount = amount + 1 where ref = '1-9'`},
		{"campaign", `update balance set seq = seq + 1 where account_id = (select min(account_id) from account where dims ->> 'nature' = 'gift')`},
		{"campaign", `update balance set balance = balance - 1 where account_id = (select min(account_id) from account where dims ->> 'nature' = 'gift')`},
		{"campaign", `delete from gift where ref = '3-3'`},
		{"campaign-refund", `update balance set balance = balance - 1 where account_id = (select min(account_id) from account where dims ->> 'nature' = 'refund')`},
		{"campaign-refund", `delete from refund where ref = 'back-1-0'`},
		{"fee-kept", `update gift set fee = fee + 1 where ref = '1-0'`},
		{"fee-cost", `update gift set fee = fee + 1 where ref = '3-0'`},
		{"fee-cost", `update gift set channel = 3 where ref = '2-2'`},
		{"refund", `update refund set amount = amount - 1 where ref = 'back-1-0'`},
		{"refund", `delete from entry where id = (select id from refund where ref = 'back-1-0')`},
		{"refunded", `update refund set amount = 100000 where ref = 'back-1-0'`},
		{"refunded", `delete from gift where id = (select gift_id from refund where ref = 'back-1-0')`},
		{"lot", `update lot set left_value = left_value - 1`},
		{"lot", `delete from lot`},
		{"bidder", `update bidder set state = 'returned'`},
		{"pledge", `update pledge set received = 1`},
		{"pledge", `update balance set balance = balance + 1 where account_id = (select account_id from account where chart = 'pledge')`},
		{"checkout", `update checkout set state = 'pending'`},
		{"checkout", `update checkout set amount = amount + 1`},
		{"checkout", `delete from gift where ref = 'charge'`},
	})
}

// damage is a row changed by hand that the check of its code must notice.
type damage struct{ code, sql string }

func notices(t *testing.T, db *pgxpool.Pool, book *ledger.Book, damages []damage) {
	t.Helper()
	for _, damage := range damages {
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `set local session_replication_role = replica`); err != nil { // past the triggers that refuse it
			t.Fatal(err)
		}
		if tag, err := tx.Exec(t.Context(), damage.sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %s", damage.sql, err, tag)
		}
		checks, err := giving.Verify(t.Context(), tx, book)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(checks, func(c ledger.Check) bool { return c.Code == damage.code })
		if checks[at].DiffersAll == 0 {
			t.Errorf("%s did not notice: %s", damage.code, damage.sql)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
