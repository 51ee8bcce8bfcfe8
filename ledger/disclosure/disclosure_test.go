package disclosure_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

type world struct {
	t        *testing.T
	ctx      context.Context
	db       *pgxpool.Pool
	book     *ledger.Book
	general  *ledger.Fund
	fund     *ledger.Fund
	campaign *giving.Campaign
	now      time.Time
	who      uuid.UUID

	unsettled bool // the processor has paid nothing out yet
}

// newWorld has a campaign that ran through the autumn of 2023.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), db: pgtest.New(t).Service, now: time.Date(2024, 8, 22, 12, 0, 0, 0, zone), who: uuid.New()}
	w.tx(func(tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "wx", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone}); err != nil {
			return err
		}
		if w.general, err = ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"}); err != nil {
			return err
		}
		if w.fund, err = ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "一日捐", NameEN: "One day"}); err != nil {
			return err
		}
		w.campaign, err = giving.CreateCampaign(w.ctx, tx, w.book, w.asks("one-day"))
		return err
	})
	return w
}

func (w *world) asks(slug string) giving.Campaign {
	opens := time.Date(2023, 9, 1, 0, 0, 0, 0, w.now.Location())
	return giving.Campaign{FundID: w.fund.ID, Slug: slug, TitleZH: "慈善一日捐", TitleEN: "One day's gift", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story", Goal: 8_000_000_00, GiftMax: 10_000_000_00,
		OpensAt: opens, ClosesAt: opens.AddDate(0, 4, 0)}
}

func (w *world) tx(f func(tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.ctx, w.db, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) gift(amount int64, channel giving.Channel, ref string) {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.Book(w.ctx, tx, w.book, []giving.Paid{{CampaignID: w.campaign.ID, Amount: amount, Currency: "CNY", Channel: channel, Ref: ref, PaidAt: time.Date(2023, 9, 10, 9, 0, 0, 0, w.now.Location())}})
		if err == nil {
			err = out[0].Err
		}
		return err
	})
}

func (w *world) spend(day time.Time, summary string, amount int64) {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: day, Actor: w.who, Document: &ledger.Document{Summary: summary, SourceKind: "voucher", MadeBy: "甲", CheckedBy: "乙"},
			Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "program.r", Fund: w.fund.ID}, amount), ledger.Credit(ledger.Leaf{Chart: "bank.online", Fund: w.fund.ID}, amount)}})
		return err
	})
}

func (w *world) draft(object string) *disclosure.Draft {
	w.t.Helper()
	d, err := disclosure.Make(w.ctx, w.db, w.book, object, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) publish(d *disclosure.Draft, v disclosure.Version) (e *disclosure.Entry, err error) {
	v.Entry, v.MadeBy, v.Second, v.PublishedAt, v.PublishedOn = uuid.New(), w.who, uuid.New(), w.now, w.book.Day(w.now)
	err = pg.InTx(w.ctx, w.db, func(tx pgx.Tx) (err error) {
		e, err = disclosure.Publish(w.ctx, tx, w.book, d, v)
		return err
	})
	return e, err
}

// wuxi are the ten lines that Wuxi published of its one-day gift of 2023, in minor units (product.md 6.2).
var wuxi = []int64{92_41, 120_84, 51_64, 75_34, 41_00, 83_20, 54_45, 19_87, 27_80, 38_00}

func (w *world) wuxi() string {
	w.t.Helper()
	w.gift(7_728_500_00, giving.Bank, "W-1")
	for i, tenThousands := range wuxi {
		w.spend(ledger.Day(2024, 1, 10+i), fmt.Sprintf("支出 %d", i+1), tenThousands*10_000)
	}
	return fmt.Sprintf("campaign:%d", w.campaign.ID)
}

// 7.7285 million came in, 6.0455 million went out in ten lines, 1.683 million is left.
func TestWuxi(t *testing.T) {
	w := newWorld(t)
	d := w.draft(w.wuxi())
	if d.IncomeTotal != "7728500.00" || d.CostTotal != "6045500.00" || d.Closing != "1683000.00" || len(d.Costs) != 10 || d.Rate != "78.22%" || d.Gifts != 1 {
		t.Errorf("in %s, out %s over %d lines, left %s, rate %s, %d gifts", d.IncomeTotal, d.CostTotal, len(d.Costs), d.Closing, d.Rate, d.Gifts)
	}
	if d.Costs[0].Amount != "924100.00" || d.Costs[0].Content != "支出 1" || d.Costs[9].Amount != "380000.00" {
		t.Errorf("lines %+v", d.Costs)
	}
	kinds := ""
	for _, i := range d.Income {
		kinds += i.Kind + " " + i.Amount + "; "
	}
	if kinds != "platform 0.00; match 0.00; company 0.00; offline 7728500.00; " {
		t.Errorf("income %s", kinds)
	}

	text := strings.Replace(d.CostsText(), " | 支出 1 | 1 | 924100.00", "助困 | 支出 1 | 9241 | 100.00", 1)
	if err := d.WithCosts(text, "按物资清单"); err != nil || d.Costs[0].Quantity != 9241 || d.Costs[0].Amount != "924100.00" || d.Closing != "1683000.00" {
		t.Errorf("quantity times price: %+v, %v", d.Costs[0], err)
	}
	for _, bad := range []string{strings.Replace(text, "9241 |", "9240 |", 1), "助困 | 支出", "助困 | x | 0 | 1", "助困 | x | 1 | 一百", ""} {
		if err := w.draft(d.Object).WithCosts(bad, "x"); !errors.Is(err, disclosure.ErrCosts) {
			t.Errorf("%.30q: %v", bad, err)
		}
	}
}

// What a processor kept is cost of the campaign where the fund bears it: published closing is what the fund has.
func TestFees(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update fund set fee_bearer = 'fund' where fund_id = $1`, w.fund.ID)
		return err
	})
	w.tx(func(tx pgx.Tx) error {
		out, err := giving.Book(w.ctx, tx, w.book, []giving.Paid{{CampaignID: w.campaign.ID, Amount: 1_000_00, Fee: 6_00, Currency: "CNY", Channel: giving.Sandbox, Ref: "F-1", PaidAt: time.Date(2023, 9, 10, 9, 0, 0, 0, w.now.Location())}})
		if err == nil {
			err = out[0].Err
		}
		return err
	})
	object := fmt.Sprintf("campaign:%d", w.campaign.ID)
	d := w.draft(object)
	positions, err := ledger.Positions(w.ctx, w.db, w.book, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(positions, func(p ledger.Position) bool { return p.Fund.ID == w.fund.ID })
	if i < 0 || positions[i].NetAssets != 994_00 || d.Fees != "6.00" || d.Closing != "994.00" {
		t.Errorf("fees %s, closing %s, the fund stands at place %d of %+v", d.Fees, d.Closing, i, positions)
	}
}

// A year is put right by what was booked straight in net assets alone. Figures that do not lead to what the funds hold are not published.
func TestYearThatDiffers(t *testing.T) {
	w := newWorld(t)
	w.wuxi()
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: ledger.Day(2023, 12, 1), Actor: w.who, Document: &ledger.Document{Summary: "更正以前年度", SourceKind: "voucher", MadeBy: "甲", CheckedBy: "乙"},
			Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "bank.online", Fund: w.fund.ID}, 12_00), ledger.Credit(ledger.Leaf{Chart: "na.r", Fund: w.fund.ID}, 12_00)}})
		return err
	})
	if d := w.draft("year:2023"); d.Adjusted != "12.00" || d.Closing != "7728512.00" {
		t.Errorf("put right %s, closing %s", d.Adjusted, d.Closing)
	}
	for found := true; found; { // a turnover that was changed after its month was summed
		w.tx(func(tx pgx.Tx) (err error) {
			found, err = ledger.SumTurnover(w.ctx, tx, w.book, w.book.Day(w.now))
			return err
		})
	}
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update turnover t set credit = credit + 100 from account a where a.book_id = t.book_id and a.account_id = t.account_id and a.chart = 'gift.r'`)
		return err
	})
	if _, err := disclosure.Make(w.ctx, w.db, w.book, "year:2023", w.now); !errors.Is(err, disclosure.ErrDiffers) {
		t.Errorf("a year whose gifts are not what its funds hold: %v", err)
	}
}

// A published version never moves with the books; a correction is a further version with its note, and the wrong one stays.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	object := w.wuxi()
	first, err := w.publish(w.draft(object), disclosure.Version{Phase: disclosure.Last})
	if err != nil {
		t.Fatal(err)
	}
	w.spend(ledger.Day(2024, 8, 20), "漏记", 1_000_00)
	for want, v := range map[error]disclosure.Version{disclosure.ErrPhase: {Phase: disclosure.Progress}, disclosure.ErrNote: {Phase: disclosure.Last, Corrects: &first.Versions[0].Version, Was: "x", Correct: "y"}} {
		if _, err := w.publish(w.draft(object), v); !errors.Is(err, want) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	if _, err := w.publish(w.draft(object), disclosure.Version{Phase: disclosure.Last, Reason: "x"}); !errors.Is(err, disclosure.ErrNote) {
		t.Errorf("a note without a correction: %v", err)
	}
	gone := int32(7)
	if _, err := w.publish(w.draft(object), disclosure.Version{Corrects: &gone, Was: "x", Correct: "y", Reason: "z"}); !errors.Is(err, disclosure.ErrPhase) {
		t.Errorf("a correction of nothing: %v", err)
	}
	e, err := w.publish(w.draft(object), disclosure.Version{Corrects: &first.Versions[0].Version, Was: "支出 6,045,500.00", Correct: "支出 6,046,500.00", Reason: "漏记一笔"})
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != first.ID || len(e.Versions) != 2 || e.Newest().Phase != disclosure.Last || e.Newest().Figures.CostTotal != "6046500.00" || e.Version(1).Figures.CostTotal != "6045500.00" || e.Newest().Position <= e.Version(1).Position {
		t.Errorf("%+v", e)
	}
	for _, sql := range []string{`update disclosure_version set was = 'x'`, `delete from disclosure_version`} {
		if _, err := w.db.Exec(w.ctx, sql); err == nil {
			t.Errorf("%s is not refused", sql)
		}
	}
	old := int32(1)
	if _, err := w.publish(w.draft(object), disclosure.Version{Corrects: &old, Was: "x", Correct: "y", Reason: "z"}); !errors.Is(err, disclosure.ErrPhase) {
		t.Errorf("a correction of what does not stand any more: %v", err)
	}
	list, err := disclosure.List(w.ctx, w.db, w.book, "", time.Time{}, uuid.Nil, 10)
	if err != nil || len(list) != 1 || list[0].Version != 2 || !list[0].Corrected {
		t.Errorf("%+v, %v", list, err)
	}
}

// Last figures wait for the end; while something long runs it is due every three months, and once it is over within three months.
func TestDeadlines(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.now)
	})
	due := func(today time.Time, object string) string {
		t.Helper()
		all, err := law.Deadlines(w.ctx, w.db, w.book, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			if d.Object == object {
				return d.Rule.Code + " " + d.Due.Format(time.DateOnly)
			}
		}
		return ""
	}
	object := fmt.Sprintf("campaign:%d", w.campaign.ID) // 1 September to 31 December 2023
	if got := due(ledger.Day(2023, 11, 20), object); got != "" {
		t.Errorf("a campaign of four months is due while it runs: %s", got)
	}
	if got := due(ledger.Day(2024, 1, 5), object); got != "R09 2024-03-31" {
		t.Errorf("after its end: %s", got)
	}
	long := w.asks("long")
	long.ClosesAt = long.OpensAt.AddDate(1, 0, 0)
	var c *giving.Campaign
	w.tx(func(tx pgx.Tx) (err error) { c, err = giving.CreateCampaign(w.ctx, tx, w.book, long); return err })
	longer := fmt.Sprintf("campaign:%d", c.ID)
	if got := due(ledger.Day(2023, 11, 20), longer); got != "R08 2023-12-01" {
		t.Errorf("a campaign of a year: %s", got)
	}
	if _, err := w.publish(w.draft(longer), disclosure.Version{Phase: disclosure.Last}); !errors.Is(err, disclosure.ErrPhase) {
		t.Errorf("last figures before the end: %v", err)
	}
	w.now = time.Date(2024, 3, 15, 12, 0, 0, 0, w.now.Location())
	if _, err := w.publish(w.draft(longer), disclosure.Version{Phase: disclosure.Progress}); err != nil {
		t.Fatal(err)
	}
	if got := due(ledger.Day(2024, 3, 16), longer); got != "R08 2024-06-15" {
		t.Errorf("once published: %s", got)
	}
	if _, err := w.publish(w.draft(object), disclosure.Version{Phase: disclosure.Last}); err != nil {
		t.Fatal(err)
	}
	if got := due(ledger.Day(2024, 5, 5), object); got != "" {
		t.Errorf("what was published is still due: %s", got)
	}

	event := uuid.New()
	day := ledger.Day(2024, 3, 1)
	w.tx(func(tx pgx.Tx) error {
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: event, Rule: "R10", Item: "event", Object: "book", Day: &day, Words: "购买理财产品 1,000,000.00", EnteredBy: w.who, EnteredAt: w.now})
	})
	if got := due(ledger.Day(2024, 3, 5), "event:"+event.String()); got != "R10 2024-03-31" {
		t.Errorf("an event: %s", got)
	}
	if _, err := w.publish(w.draft("event:"+event.String()), disclosure.Version{Phase: disclosure.Last}); err != nil {
		t.Fatal(err)
	}
	if got := due(ledger.Day(2024, 3, 5), "event:"+event.String()); got != "" {
		t.Errorf("a published event is due: %s", got)
	}
	// What is no event, or stands no more, has no draft; one that was taken back after it was drafted is not published.
	other, back, old := uuid.New(), uuid.New(), uuid.New()
	w.tx(func(tx pgx.Tx) error {
		if _, err := tx.Exec(w.ctx, `insert into law_fact (book_id, id, rule, item, object, year, amount, words, entered_by, entered_at) values ($1, $2, 'R10', 'event', 'book', 0, 0, '早先的', $2, $3)`, w.book.ID, old, w.now); err != nil {
			return err
		}
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: other, Rule: "R10", Item: "event", Object: "book", Day: &day, Words: "转让设备", EnteredBy: w.who, EnteredAt: w.now})
	})
	d := w.draft("event:" + other.String())
	w.tx(func(tx pgx.Tx) error {
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: back, Rule: "R10", Item: law.Withdrawn, Object: "fact:" + other.String(), Words: "登记错了", EnteredBy: w.who, EnteredAt: w.now})
	})
	for name, id := range map[string]string{"taken back": other.String(), "a withdrawal": back.String(), "without its day": old.String(), "none": uuid.NewString(), "no id": "x"} {
		if _, err := disclosure.Make(w.ctx, w.db, w.book, "event:"+id, w.now); !errors.Is(err, disclosure.ErrNoObject) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.publish(d, disclosure.Version{Phase: disclosure.Last}); !errors.Is(err, disclosure.ErrNoObject) {
		t.Errorf("an event that was taken back is published: %v", err)
	}
	// One that was published before it was taken back is drafted as it was published, so that the public can be told.
	w.tx(func(tx pgx.Tx) error {
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: uuid.New(), Rule: "R10", Item: law.Withdrawn, Object: "fact:" + event.String(), Words: "没有购买", EnteredBy: w.who, EnteredAt: w.now})
	})
	if d := w.draft("event:" + event.String()); d.Words != "购买理财产品 1,000,000.00" || d.From != day.Format(time.DateOnly) {
		t.Errorf("a published event that was taken back: %+v", d.Figures)
	}
}

// The yearly form: opening, four lines of gifts and what else came in, cost, closing; closing is what the books have at the year's end.
func TestYear(t *testing.T) {
	w := newWorld(t)
	w.wuxi()
	d := w.draft("year:2024")
	if d.Opening != "7728500.00" || d.IncomeTotal != "0.00" || d.CostTotal != "6045500.00" || d.Closing != "1683000.00" || d.Costs[0].Category != "5101.02" {
		t.Errorf("%+v", d.Figures)
	}
	// What goes straight to net assets is a line of its own, and closing stays what the books have.
	w.tx(func(tx pgx.Tx) error {
		bank := ledger.Leaf{Chart: "bank.online", Fund: w.fund.ID}
		_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: ledger.Day(2024, 3, 1), Actor: w.who, Document: &ledger.Document{Summary: "以前年度", SourceKind: "voucher", MadeBy: "甲", CheckedBy: "乙"},
			Lines: []ledger.Line{ledger.Debit(bank, 500_00), ledger.Credit(ledger.Leaf{Chart: "na.prior.r", Fund: w.fund.ID}, 500_00)}})
		return err
	})
	if d := w.draft("year:2024"); d.Adjusted != "500.00" || d.IncomeTotal != "0.00" || d.Closing != "1683500.00" {
		t.Errorf("after an adjustment %+v", d.Figures)
	}
	for _, object := range []string{"year:1", "year:2999", "campaign:99", "event:x", "gift:1"} {
		if _, err := disclosure.Make(w.ctx, w.db, w.book, object, w.now); err == nil {
			t.Errorf("%s has a draft", object)
		}
	}
}
