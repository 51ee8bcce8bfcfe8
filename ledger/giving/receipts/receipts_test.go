package receipts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/law"
)

// now is the morning of 9 September 2026 in Shanghai; gifts are of the 8th.
var (
	now   = time.Date(2026, 9, 9, 1, 30, 0, 0, time.UTC)
	given = time.Date(2026, 9, 8, 4, 0, 0, 0, time.UTC)
	day   = ledger.Day(2026, 9, 8)
	clerk = uuid.MustParse("01990000-0000-7000-8000-000000000001")
)

// desk is a book with a campaign and some gifts.
type desk struct {
	t         testing.TB
	db, owner *pgxpool.Pool
	book      *ledger.Book
	campaign  *giving.Campaign
	fund      *ledger.Fund
	given     int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	t.Parallel()
	return openDesk(t)
}

func openDesk(t testing.TB) *desk {
	t.Helper()
	db := pgtest.New(t)
	d := &desk{t: t, db: db.Service, owner: db.Pool}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		d.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "test", NameZH: "测试慈善会", NameEN: "Test", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
		if err != nil {
			return err
		}
		if _, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
			return err
		}
		if d.fund, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "阳光", NameEN: "Sun"}); err != nil {
			return err
		}
		d.campaign, err = giving.CreateCampaign(ctx, tx, d.book, giving.Campaign{FundID: d.fund.ID, Slug: "sun", TitleZH: "阳光", TitleEN: "Sun", SummaryZH: "简", SummaryEN: "S",
			StoryZH: "故", StoryEN: "S", Goal: 1_000_00, OpensAt: given.AddDate(0, 0, -7), ClosesAt: given.AddDate(0, 0, 7)})
		return err
	})

	return d
}

func (d *desk) try(fn func(ctx context.Context, tx pgx.Tx) error) error {
	return pg.InTx(d.t.Context(), d.db, func(tx pgx.Tx) error { return fn(d.t.Context(), tx) })
}

func (d *desk) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	d.t.Helper()
	if err := d.try(fn); err != nil {
		d.t.Fatal(err)
	}
}

// give books gifts of the given amounts by name; an empty name is nobody.
func (d *desk) give(at time.Time, name string, amounts ...int64) []uuid.UUID {
	d.t.Helper()
	var paid []giving.Paid
	for _, amount := range amounts {
		d.given++
		paid = append(paid, giving.Paid{CampaignID: d.campaign.ID, Amount: amount, PaidAt: at, Channel: giving.WeChat, Ref: fmt.Sprint("ref-", d.given), Name: name})
	}
	out, err := giving.Commit(d.t.Context(), d.db, d.book, paid)
	if err != nil {
		d.t.Fatal(err)
	}
	var ids []uuid.UUID
	for _, o := range out {
		if o.Err != nil {
			d.t.Fatal(o.Err)
		}
		ids = append(ids, o.ID)
	}
	return ids
}

func (d *desk) refund(gift uuid.UUID, amount int64) {
	d.t.Helper()
	out, err := giving.CommitRefunds(d.t.Context(), d.db, d.book, []giving.Refunded{{GiftID: gift, Amount: amount, Currency: "CNY", RefundedAt: now, Channel: giving.WeChat,
		Ref: "re-" + gift.String() + fmt.Sprint(amount), Actor: clerk}})
	if err != nil || out[0].Err != nil {
		d.t.Fatal(err, out)
	}
}

func (d *desk) numbers(code string, first, last int64) {
	d.t.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := receipts.AddRange(ctx, tx, d.book, receipts.Range{Code: code, First: first, Last: last, Digits: 8, AllottedOn: day, MadeBy: clerk}, now)
		return err
	})
}

var zhang = receipts.Payer{Kind: receipts.Person, Name: "张三"}

func (d *desk) issue(gift uuid.UUID, payer receipts.Payer) (id uuid.UUID, err error) {
	err = d.try(func(ctx context.Context, tx pgx.Tx) error {
		id, err = receipts.Issue(ctx, tx, d.book, rand.Reader, gift, payer, uuid.Nil, now)
		return err
	})
	return id, err
}

func (d *desk) read(id uuid.UUID) receipts.Receipt {
	d.t.Helper()
	r, err := receipts.ByID(d.t.Context(), d.db, d.book, id)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := receipts.Names(d.t.Context(), d.db, d.book, &r); err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) list(f receipts.Filter) []receipts.Receipt {
	d.t.Helper()
	list, err := receipts.List(d.t.Context(), d.db, d.book, f)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// work lets the worker do everything there is to do.
func (d *desk) work() {
	d.t.Helper()
	for n := 1; n > 0; {
		err := pg.InTx(d.t.Context(), d.db, func(tx pgx.Tx) (err error) {
			n, err = receipts.Work(d.t.Context(), tx, d.book, rand.Reader, now)
			return err
		})
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) verified() {
	d.t.Helper()
	checks, err := receipts.Verify(d.t.Context(), d.db, d.book)
	if err != nil {
		d.t.Fatal(err)
	}
	if !ledger.Clean(checks) {
		d.t.Errorf("receipts differ: %+v", checks)
	}
}

func TestReceiptOfAGift(t *testing.T) {
	d := newDesk(t)
	gift := d.give(given, "李四", 36_50)[0]
	if _, err := d.issue(gift, zhang); !errors.Is(err, receipts.ErrNoNumbers) {
		t.Fatalf("without numbers: %v", err)
	}
	d.numbers("50030126", 1001, 1100)
	id, err := d.issue(gift, zhang)
	if err != nil {
		t.Fatal(err)
	}
	r := d.read(id)
	if r.Printed() != "00001001" || r.Name != "张三" || r.Amount != 36_50 || r.Face != receipts.Single || r.Gifts != 1 || !r.GivenOn.Equal(day) || r.Void != nil {
		t.Errorf("receipt: %+v", r)
	}
	if _, err := d.issue(gift, zhang); !errors.Is(err, receipts.ErrIssued) {
		t.Errorf("second receipt: %v", err)
	}
	if got, err := receipts.Check(t.Context(), d.db, d.book, "50030126", 1001, " "+strings.ToUpper(r.CheckCode)+" "); err != nil || got.ID != id {
		t.Errorf("check: %v %v", got.ID, err)
	}
	wrong := "a" + r.CheckCode[1:]
	if r.CheckCode[0] == 'a' {
		wrong = "b" + r.CheckCode[1:]
	}
	for _, try := range []struct {
		code   string
		number int64
		check  string
	}{{"50030126", 1001, wrong}, {"50030126", 1002, r.CheckCode}, {"50030127", 1001, r.CheckCode}, {"50030126", 1001, ""}} {
		if _, err := receipts.Check(t.Context(), d.db, d.book, try.code, try.number, try.check); !errors.Is(err, receipts.ErrNoReceipt) {
			t.Errorf("%+v: %v", try, err)
		}
	}
	d.verified()
}

func TestPayerOfAReceipt(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gift := d.give(given, "", 100)[0]
	for _, c := range []struct {
		payer receipts.Payer
		want  error
	}{
		{receipts.Payer{Kind: receipts.Person}, receipts.ErrPayer},
		{receipts.Payer{Kind: "firm", Name: "某"}, receipts.ErrPayer},
		{receipts.Payer{Kind: receipts.Nobody, Name: "某"}, receipts.ErrPayer},
		{receipts.Payer{Kind: receipts.Person, Name: strings.Repeat("长", 101)}, receipts.ErrPayer},
		{receipts.Payer{Kind: receipts.Person, Name: "张\n三"}, receipts.ErrPayer},
		{receipts.Payer{Kind: receipts.Person, Name: "张三", USCC: "91350100M000100Y43"}, receipts.ErrCreditCode},
		{receipts.Payer{Kind: receipts.Organisation, Name: "某公司", USCC: "91350100M000100Y44"}, receipts.ErrCreditCode},
		{receipts.Payer{Kind: receipts.Organisation, Name: "某公司", USCC: "91350100M000100Y43"}, nil}, // the standard's own example
	} {
		if _, err := d.issue(gift, c.payer); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.payer, err, c.want)
		}
	}
	if n := len(d.list(receipts.Filter{})); n != 1 {
		t.Errorf("%d receipts after one success", n)
	}
	d.verified()
}

func TestRangesDoNotOverlap(t *testing.T) {
	d := newDesk(t)
	d.numbers("AB12", 100, 199)
	for _, c := range []struct {
		r    receipts.Range
		want error
	}{
		{receipts.Range{Code: "AB12", First: 199, Last: 300, Digits: 8}, receipts.ErrOverlap},
		{receipts.Range{Code: "AB12", First: 1, Last: 1000, Digits: 8}, receipts.ErrOverlap},
		{receipts.Range{Code: "AB12", First: 120, Last: 130, Digits: 8}, receipts.ErrOverlap},
		{receipts.Range{Code: "AB12", First: 300, Last: 200, Digits: 8}, receipts.ErrRange},
		{receipts.Range{Code: "AB12", First: 0, Last: 20, Digits: 8}, receipts.ErrRange},
		{receipts.Range{Code: "ab", First: 1, Last: 20, Digits: 8}, receipts.ErrRange},
		{receipts.Range{Code: "AB12", First: 1, Last: 1_000, Digits: 3}, receipts.ErrRange},
		{receipts.Range{Code: "AB12", First: 200, Last: 300, Digits: 8}, nil},
		{receipts.Range{Code: "AB13", First: 100, Last: 199, Digits: 8}, nil},
	} {
		c.r.AllottedOn, c.r.MadeBy = day, clerk
		err := d.try(func(ctx context.Context, tx pgx.Tx) error {
			_, err := receipts.AddRange(ctx, tx, d.book, c.r, now)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.r, err, c.want)
		}
	}
}

func TestVoidAndReplace(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gift := d.give(given, "", 50_00)[0]
	first, err := d.issue(gift, zhang)
	if err != nil {
		t.Fatal(err)
	}
	var next uuid.UUID
	replace := func(id uuid.UUID, reason string) error {
		return d.try(func(ctx context.Context, tx pgx.Tx) error {
			made, err := receipts.Replace(ctx, tx, d.book, rand.Reader, id, receipts.Payer{Kind: receipts.Organisation, Name: "某公司"}, reason, clerk, now)
			if err == nil {
				next = made
			}
			return err
		})
	}
	if err := replace(first, "  "); !errors.Is(err, receipts.ErrReason) {
		t.Errorf("without reason: %v", err)
	}
	if err := replace(first, "抬头写错"); err != nil {
		t.Fatal(err)
	}
	if err := replace(first, "again"); !errors.Is(err, receipts.ErrVoid) {
		t.Errorf("twice: %v", err)
	}
	old, successor := d.read(first), d.read(next)
	if old.Void == nil || old.Void.Cause != receipts.WrongPayer || old.Void.By != clerk || *old.ReplacedBy != next || *successor.Replaces != first ||
		successor.Name != "某公司" || successor.Number != 2 {
		t.Errorf("old %+v, successor %+v", old, successor)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		return receipts.Void(ctx, tx, d.book, next, receipts.Other, "不需要了", clerk, now)
	})
	if _, err := d.issue(gift, zhang); err != nil {
		t.Errorf("after a void: %v", err)
	}
	if _, err := d.owner.Exec(t.Context(), `update receipt set amount = 1`); err == nil {
		t.Error("a receipt could be edited")
	}
	d.verified()
}

func TestRefundVoidsTheReceipt(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 20)
	gifts := d.give(given, "", 50_00, 60_00)
	part, err := d.issue(gifts[0], zhang)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := d.issue(gifts[1], zhang)
	if err != nil {
		t.Fatal(err)
	}
	d.refund(gifts[0], 20_00)
	d.refund(gifts[1], 60_00)
	if over, err := receipts.Overstated(t.Context(), d.db, d.book, part); err != nil || !over {
		t.Errorf("before it is settled: %v %v", over, err)
	}
	if err := d.try(func(ctx context.Context, tx pgx.Tx) error {
		return law.SetProfile(ctx, tx, d.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, now)
	}); err != nil {
		t.Fatal(err)
	}
	d.receiptsByLaw(law.Warned, "2", "0", "2")
	d.work()
	d.receiptsByLaw(law.Holds, "1", "0", "0") // the successor alone stands
	d.work()                                  // a second time changes nothing
	r := d.read(part)
	if r.Void == nil || r.Void.Cause != receipts.Refunded || r.ReplacedBy == nil {
		t.Fatalf("partly refunded: %+v", r)
	}
	if s := d.read(*r.ReplacedBy); s.Amount != 30_00 || s.Name != "张三" || s.Void != nil {
		t.Errorf("successor: %+v", s)
	}
	if r := d.read(whole); r.Void == nil || r.ReplacedBy != nil {
		t.Errorf("wholly refunded: %+v", r)
	}
	if _, err := d.issue(gifts[1], zhang); !errors.Is(err, receipts.ErrNothingLeft) {
		t.Errorf("receipt for nothing: %v", err)
	}
	if n := len(d.list(receipts.Filter{})); n != 3 {
		t.Errorf("%d receipts", n)
	}
	d.verified()
}

// receiptsByLaw looks at R16: receipts of the year that stand, those on no gift, and those on more than is left of theirs.
func (d *desk) receiptsByLaw(state law.State, all, bare, over string) {
	d.t.Helper()
	day := d.book.Day(now)
	f, err := law.LookAt(d.t.Context(), d.db, d.book, "R16", day.Year(), day)
	if err != nil || f.State != state || len(f.Steps) != 3 || f.Steps[0].Text != all || f.Steps[1].Text != bare || f.Steps[2].Text != over {
		d.t.Errorf("%+v, %v, want %s of %s, %s, %s", f, err, state, all, bare, over)
	}
}

func (d *desk) batch(b receipts.Batch) (receipts.Batch, error) {
	d.t.Helper()
	err := d.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		b, err = receipts.StartBatch(ctx, tx, d.book, b, now)
		return err
	})
	return b, err
}

func (d *desk) state(id uuid.UUID) receipts.Batch {
	d.t.Helper()
	b, err := receipts.BatchByID(d.t.Context(), d.db, d.book, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func TestBatchOfADay(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 4)
	d.give(given, "李四", 50_00, 49_99) // the second one is too small for one of its own
	d.give(given, "王五", 80_00)
	d.give(given, "", 100_00, 1, 2)
	d.give(given.AddDate(0, 0, -1), "", 7_00)
	d.give(given.AddDate(0, 0, 1).Add(-3*time.Hour), "", 9_99) // the next day in Shanghai is not over: 09:00
	gone := d.give(given, "", 3_00)[0]
	d.refund(gone, 3_00)

	b := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day.AddDate(0, 0, -1), To: day, SingleMin: 50_00, AskedBy: clerk}
	for name, change := range map[string]func(*receipts.Batch){
		"today":     func(b *receipts.Batch) { b.To = day.AddDate(0, 0, 1) },
		"backwards": func(b *receipts.Batch) { b.From = day.AddDate(0, 0, 1) },
		"too long":  func(b *receipts.Batch) { b.From = day.AddDate(-1, 0, -1) },
		"nothing":   func(b *receipts.Batch) { b.SingleMin = 0 },
	} {
		wrong := b
		change(&wrong)
		if _, err := d.batch(wrong); !errors.Is(err, receipts.ErrBatchDays) {
			t.Errorf("%s: %v", name, err)
		}
	}
	started, err := d.batch(b)
	if err != nil || started.Total != 7 {
		t.Fatalf("started %+v: %v", started, err)
	}
	if again, err := d.batch(b); err != nil || again.ID != b.ID {
		t.Errorf("same form again: %+v %v", again, err)
	}
	other := b
	other.ID = uuid.Must(uuid.NewV7())
	if _, err := d.batch(other); !errors.Is(err, receipts.ErrBatchRunning) {
		t.Errorf("beside a running one: %v", err)
	}
	d.work()
	if s := d.state(b.ID); s.State != receipts.Done || s.Done != 7 || s.EndedAt == nil {
		t.Errorf("batch: %+v", s)
	}
	var got []string
	for _, r := range d.list(receipts.Filter{Batch: &b.ID}) {
		got = append(got, fmt.Sprintf("%s %s %d %d %s", r.Printed(), r.Face, r.Amount, r.Gifts, r.GivenOn.Format("01-02")))
	}
	slices.Sort(got)
	want := []string{"00000001 single 5000 1 09-08", "00000002 single 8000 1 09-08", "00000003 merged 700 1 09-07", "00000004 merged 15002 4 09-08"}
	if !slices.Equal(got, want) {
		t.Errorf("receipts:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	d.verified()
}

// A batch that runs out of numbers stops where it was, and goes on once there are new ones.
func TestBatchWithoutNumbersGoesOnLater(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 2)
	d.give(given, "李四", 50_00, 51_00, 52_00)
	b := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day, To: day, SingleMin: 1, AskedBy: clerk}
	if _, err := d.batch(b); err != nil {
		t.Fatal(err)
	}
	d.work()
	if s := d.state(b.ID); s.State != receipts.Stopped || s.Problem != "numbers" || s.Done != 0 {
		t.Errorf("stopped: %+v", s)
	}
	if n := len(d.list(receipts.Filter{})); n != 0 {
		t.Errorf("%d receipts of a step that was undone", n)
	}
	d.numbers("50030127", 1, 2)
	d.tx(func(ctx context.Context, tx pgx.Tx) error { return receipts.ResumeBatch(ctx, tx, d.book, b.ID) })
	d.work()
	if s := d.state(b.ID); s.State != receipts.Done || s.Done != 3 {
		t.Errorf("resumed: %+v", s)
	}
	d.verified()
}

// A gift on a merged receipt gets one of its own: the merged one is void and issued again without it.
func TestGiftLeavesTheMergedReceipt(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gifts := d.give(given, "", 1_00, 2_00, 4_00)
	b := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day, To: day, SingleMin: 1, AskedBy: clerk}
	if _, err := d.batch(b); err != nil {
		t.Fatal(err)
	}
	d.work()
	id, err := d.issue(gifts[1], zhang)
	if err != nil {
		t.Fatal(err)
	}
	if r := d.read(id); r.Amount != 2_00 || r.Name != "张三" {
		t.Errorf("own receipt: %+v", r)
	}
	var merged []string
	for _, r := range d.list(receipts.Filter{Face: receipts.Merged}) {
		merged = append(merged, fmt.Sprint(r.Amount, r.Gifts, r.Void != nil))
	}
	if want := []string{"500 2 false", "700 3 true"}; !slices.Equal(merged, want) {
		t.Errorf("merged: %v, want %v", merged, want)
	}
	d.refund(gifts[0], 1_00)
	d.work()
	if r := d.list(receipts.Filter{Face: receipts.Merged, State: "valid"}); len(r) != 1 || r[0].Amount != 4_00 {
		t.Errorf("after a refund: %+v", r)
	}
	d.verified()
}

// Many ask at once: every number is used once and no gift twice.
func TestReceiptsAtOnce(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 100)
	gifts := d.give(given, "", 1_00, 2_00, 4_00, 8_00)
	var ask sync.WaitGroup
	for range 3 {
		for _, gift := range gifts {
			ask.Go(func() {
				if _, err := d.issue(gift, zhang); err != nil && !errors.Is(err, receipts.ErrIssued) {
					t.Error(err)
				}
			})
		}
	}
	ask.Wait()
	if n := len(d.list(receipts.Filter{})); n != 4 {
		t.Errorf("%d receipts for 4 gifts", n)
	}
	d.verified()
}

func TestReceiptsOfAnotherBookAreUnknown(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gift := d.give(given, "", 1_00)[0]
	id, err := d.issue(gift, zhang)
	if err != nil {
		t.Fatal(err)
	}
	other := *d.book
	other.ID++
	ctx := pg.WithBook(t.Context(), other.ID)
	if _, err := receipts.ByID(ctx, d.db, &other, id); !errors.Is(err, receipts.ErrNoReceipt) {
		t.Errorf("of another book: %v", err)
	}
	if _, err := receipts.ByID(ctx, d.db, d.book, id); !errors.Is(err, receipts.ErrNoReceipt) {
		t.Errorf("behind another book's wall: %v", err)
	}
}

// Who a receipt was made out to belongs to what is held on the donor, and is erased with it; the receipt stands without a name.
func TestErasingADonorErasesThePayer(t *testing.T) {
	d := newDesk(t)
	d.numbers("50030126", 1, 10)
	gift := d.give(given, "李四", 1_00)[0]
	id, err := d.issue(gift, zhang)
	if err != nil {
		t.Fatal(err)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		record, err := giving.ReadDonor(ctx, tx, d.book, gift) // a gift's donor has its id
		if err != nil {
			return err
		}
		var names []string
		for _, donor := range record.Donors {
			names = append(names, donor.Name)
		}
		if slices.Sort(names); !slices.Equal(names, []string{"张三", "李四"}) {
			t.Errorf("held on the donor: %q", names)
		}
		_, err = giving.EraseDonors(ctx, tx, d.book, record.IDs(), now)
		return err
	})
	if r := d.read(id); r.Name != "" || !r.Erased || r.Amount != 1_00 {
		t.Errorf("after erasing: %+v", r)
	}
	d.verified()
}

// BenchmarkReceiptsOfAGivingDay issues 50,000 single receipts and a merged one over as many nameless gifts:
// go test ./ledger/giving/receipts -run '^$' -bench GivingDay -benchtime 1x
func BenchmarkReceiptsOfAGivingDay(b *testing.B) {
	const gifts = 50_000
	for b.Loop() {
		b.StopTimer()
		d := openDesk(b)
		d.numbers("50030126", 1, gifts+10)
		named := slices.Repeat([]int64{60_00}, giving.BatchMax)
		for range gifts / giving.BatchMax {
			d.give(given, "李四", named...)
			d.give(given, "", named...)
		}
		batch := receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: day, To: day, SingleMin: 1, AskedBy: clerk}
		if _, err := d.batch(batch); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		d.work()
		b.StopTimer()
		if s := d.state(batch.ID); s.State != receipts.Done || s.Done != 2*gifts {
			b.Fatalf("batch: %+v", s)
		}
		d.verified()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*gifts)/b.Elapsed().Seconds(), "receipts/s")
}
