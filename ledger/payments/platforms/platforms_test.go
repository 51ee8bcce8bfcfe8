package platforms_test

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
	"golang.org/x/text/encoding/simplifiedchinese"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
)

var (
	start = time.Date(2026, 9, 10, 2, 0, 0, 0, time.UTC)
	feast = time.Date(2026, 9, 9, 0, 0, 0, 0, time.UTC)
	paid  = ledger.Day(2026, 9, 16)
)

// desk is a book with a general and a restricted fund, a campaign of the second, and one accountant.
type desk struct {
	*testing.T
	db       *pgxpool.Pool
	owner    *pgxpool.Pool
	book     *ledger.Book
	g, r     *ledger.Fund
	campaign *giving.Campaign
	by       uuid.UUID
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db := pgtest.New(t)
	d := &desk{T: t, db: db.Service, owner: db.Pool, by: uuid.New()}
	zone, err := time.LoadLocation("Asia/Shanghai")
	d.ok(err)
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		d.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "nanqiao", NameZH: "南桥区慈善会", NameEN: "Nanqiao", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		if d.g, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
			return err
		}
		if d.r, err = ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "阳", NameEN: "Sun", FeeBearer: ledger.FeeByDonor}); err != nil {
			return err
		}
		d.campaign, err = giving.CreateCampaign(ctx, tx, d.book, giving.Campaign{FundID: d.r.ID, Slug: "sun", TitleZH: "题", TitleEN: "Title", SummaryZH: "要", SummaryEN: "Summary",
			StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: start.AddDate(0, 0, -1), ClosesAt: start.AddDate(0, 0, 9)})
		return err
	})
	return d
}

func (d *desk) ok(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) tx(do func(context.Context, pgx.Tx) error) {
	d.Helper()
	ctx := d.Context()
	if d.book != nil {
		ctx = pg.WithBook(ctx, d.book.ID)
	}
	d.ok(pg.InTx(ctx, d.db, func(tx pgx.Tx) error { return do(ctx, tx) }))
}

// layout is what the guess makes of a file, and what a person adds.
func (d *desk) layout(body []byte) platforms.Layout {
	d.Helper()
	l, err := platforms.Guess(body, "Asia/Shanghai")
	d.ok(err)
	l.Codes, l.Donor = []platforms.Code{{Code: "P-001", Campaign: d.campaign.ID}}, "示例平台基金会"
	return l
}

// kept stores a file and has it read by a new version of the platform's profile.
func (d *desk) kept(name string, body []byte) *platforms.File {
	d.Helper()
	id, profile := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	var f *platforms.File
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if err := platforms.SaveProfile(ctx, tx, d.book, platforms.Profile{ID: profile, Platform: "shili", Name: "示例平台", Layout: d.layout(body), MadeBy: d.by, MadeAt: start}); err != nil {
			return err
		}
		if id, err = platforms.Keep(ctx, tx, d.book, id, name, body, d.by, start); err != nil {
			return err
		}
		if f, err = platforms.FileByID(ctx, tx, d.book, id); err != nil {
			return err
		}
		return platforms.UseProfile(ctx, tx, d.book, f, profile)
	})
	return d.again(f)
}

func (d *desk) again(f *platforms.File) *platforms.File {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		f, err = platforms.FileByID(ctx, tx, d.book, f.ID)
		return err
	})
	return f
}

func (d *desk) booked(f *platforms.File) *platforms.Done {
	d.Helper()
	done, err := platforms.Book(d.Context(), d.db, d.book, f, d.sign(), nil)
	d.ok(err)
	return done
}

func (d *desk) sign() giving.Sign {
	return giving.Sign{Key: uuid.Must(uuid.NewV7()), By: d.by, At: start, Made: "王会计", Check: "李主任"}
}

// step plans a move on the file as it stands, and books it.
func (d *desk) step(plan func(context.Context, pgx.Tx) (*giving.Move, error)) error {
	ctx := pg.WithBook(d.Context(), d.book.ID)
	return pg.InTx(ctx, d.db, func(tx pgx.Tx) error {
		m, err := plan(ctx, tx)
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, d.book, d.sign())
		return err
	})
}

func (d *desk) holds(fund *ledger.Fund, want map[chart.ID]int64) {
	d.Helper()
	for id, amount := range want {
		var sum int64
		d.ok(d.owner.QueryRow(d.Context(), `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id)
			where a.book_id = $1 and a.fund_id = $2 and a.chart = $3`, d.book.ID, fund.ID, id).Scan(&sum))
		if sum != amount {
			d.Errorf("%s of %s is %d, want %d", id, fund.Code, sum, amount)
		}
	}
}

// clean runs every check on the book.
func (d *desk) clean() {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, giving.Verify, payments.VerifyBook, platforms.Verify} {
			checks, err := verify(ctx, tx, d.book)
			if err != nil {
				return err
			}
			for _, c := range checks {
				if c.DiffersAll > 0 {
					d.Errorf("verify %s: %v", c.Code, c.Differs)
				}
			}
		}
		return nil
	})
}

func (d *desk) open(f *platforms.File) (gifts, match int64) {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		open, err := platforms.OpenOf(ctx, tx, d.book, f)
		for _, o := range open {
			gifts, match = gifts+o.Gifts, match+o.Match
		}
		return err
	})
	return gifts, match
}

// TestTwoThousandGiftsSettledShort: a list with match is on the books at once as a receivable; a settlement that pays less
// leaves the difference there, until it has a reason.
func TestTwoThousandGiftsSettledShort(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text, want := platforms.Sample(2000, feast)
	f := d.kept("九月九日.csv", []byte(text))
	done := d.booked(f)
	if done.Booked != 2000 || len(done.Faults) != 0 || done.Content.Totals != want || done.Content.Ignored != 1 {
		t.Fatalf("booked %d with %d faults, totals %+v, want %+v; %d ignored", done.Booked, len(done.Faults), done.Content.Totals, want, done.Content.Ignored)
	}
	d.holds(d.r, map[chart.ID]int64{"ar.platform": want.Net, "gift.r": -want.Amount, "if.due.from": want.Fee, "match.earned": want.Match, "match.contra": -want.Match,
		"match.pledged": 0, "bank.online": 0})
	d.holds(d.g, map[chart.ID]int64{"fundraising.u": want.Fee, "if.due.to": -want.Fee, "ar.platform": 0})
	d.clean()

	f = d.again(f)
	short, disallowed := int64(345_67), int64(200_00)
	d.ok(d.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return platforms.Pay(ctx, tx, d.book, f, platforms.Payment{Day: paid, BankRef: "B-77", Gifts: want.Net - short, Match: want.Match - disallowed})
	}))
	if gifts, match := d.open(f); gifts != short || match != disallowed {
		t.Errorf("open are %d and match of %d, want %d and %d", gifts, match, short, disallowed)
	}
	d.holds(d.r, map[chart.ID]int64{"ar.platform": short, "bank.online": want.Net - short + want.Match - disallowed, "match.earned": disallowed,
		"gift.r": -want.Amount - want.Match + disallowed})
	d.clean()

	over := d.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return platforms.Pay(ctx, tx, d.book, f, platforms.Payment{Day: paid, BankRef: "B-78", Gifts: short + 1})
	})
	var wrong *giving.FieldErrors
	if !errors.As(over, &wrong) || wrong.List[0].Field != "gifts" {
		t.Errorf("more than is open: %v", over)
	}
	order := "GY20260909000003"
	for _, plan := range []func(context.Context, pgx.Tx) (*giving.Move, error){
		func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return platforms.Late(ctx, tx, d.book, f, paid.AddDate(0, 0, 7), "平台说下周补付")
		},
		func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return platforms.KeptFee(ctx, tx, d.book, f, platforms.Difference{Day: paid, Amount: 300_00, Reason: "平台另收服务费"})
		},
		func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return platforms.Disallow(ctx, tx, d.book, f, platforms.Difference{Day: paid, Amount: disallowed, Reason: "规则外配捐"})
		},
		func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return platforms.Refund(ctx, tx, d.book, f, order, platforms.Difference{Day: paid, Amount: 1_00, Reason: "平台退款"})
		},
		func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return platforms.Pay(ctx, tx, d.book, f, platforms.Payment{Day: paid, BankRef: "B-79", Gifts: short - 301_00})
		},
	} {
		d.ok(d.step(plan))
	}
	if gifts, match := d.open(f); gifts != 0 || match != 0 {
		t.Errorf("open are %d and match of %d", gifts, match)
	}
	d.holds(d.r, map[chart.ID]int64{"ar.platform": 0, "match.earned": 0, "match.contra": 0, "match.pledged": 0})
	d.clean()
}

// TestF8PlatformFiles: the same file and an overlapping one book nothing twice, an edited amount is shown and not booked.
func TestF8PlatformFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text, want := platforms.Sample(40, feast)
	lines := strings.SplitAfter(text, "\n")
	first := d.kept("a.csv", []byte(strings.Join(lines[:32], "")))
	if n := d.booked(first).Booked; n != 30 {
		t.Fatalf("booked %d", n)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		same, err := platforms.Keep(ctx, tx, d.book, uuid.Must(uuid.NewV7()), "again.csv", []byte(strings.Join(lines[:32], "")), d.by, start)
		if same != first.ID {
			t.Errorf("the same file again is kept as %s, not as %s", same, first.ID)
		}
		return err
	})
	if same := d.kept("b.csv", []byte(text)); same.ID == first.ID {
		t.Fatal("another file is taken for the first")
	}
	edited := slices.Clone(lines)
	at := slices.IndexFunc(edited, func(l string) bool { return strings.Contains(l, "000007,") })
	cells := strings.Split(edited[at], ",")
	cells[2] = "9999.00"
	edited[at] = strings.Join(cells, ",")
	over := d.kept("c.csv", []byte(strings.Join(edited, "")))
	done := d.booked(over)
	if done.Booked != 10 || done.Known != 29 || len(done.Faults) != 1 || done.Faults[0].Reason != "conflict" || done.Faults[0].Field != "amount" {
		t.Errorf("booked %d, known %d, faults %+v", done.Booked, done.Known, done.Faults)
	}
	d.holds(d.r, map[chart.ID]int64{"gift.r": -want.Amount, "match.earned": want.Match})
	if _, err := platforms.Book(d.Context(), d.db, d.book, d.again(over), d.sign(), nil); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a booked file again: %v", err)
	}
	var rest int
	d.ok(d.owner.QueryRow(d.Context(), `select count(*) from platform_file where state = 'booked' and (body is not null or sealed_key is not null)`).Scan(&rest))
	if rest != 0 {
		t.Errorf("%d booked files have their text still", rest)
	}
	d.clean()
}

// TestF6TablesOfOthers: what is no table, or too much of one, is refused as a whole; a bad line alone stays out.
func TestF6TablesOfOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good, _ := platforms.Sample(3, feast)
	l := d.layout([]byte(good))
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(good)
	d.ok(err)
	head := "订单号,捐赠时间,捐赠金额,捐赠人,项目编号\n"
	for name, c := range map[string]struct {
		body    string
		charset string
		err     error
	}{
		"as it comes": {good, "utf-8", nil}, "with a mark": {"\ufeff" + good, "utf-8", nil}, "GBK": {gbk, "gb18030", nil},
		"GBK as UTF-8": {gbk, "utf-8", platforms.ErrCharset}, "UTF-16": {"\xff\xfea\x00", "utf-8", platforms.ErrCharset},
		"NUL": {head + "a\x00b", "utf-8", platforms.ErrCharset}, "a program": {"\x7fELF\x02\x01\x01\x00\x00", "gb18030", platforms.ErrCharset},
		"nothing": {"", "utf-8", platforms.ErrSize}, "too large": {strings.Repeat("x", platforms.FileMax+1), "utf-8", platforms.ErrSize},
		"columns": {head + strings.Repeat(",", 4_000_000), "utf-8", platforms.ErrShape}, "200 columns": {head + strings.Repeat(",", 200), "utf-8", platforms.ErrShape},
		"long field": {head + strings.Repeat("长", 2001), "utf-8", platforms.ErrShape}, "open quote": {head + "\"" + strings.Repeat("a,b\n", 40_000), "utf-8", platforms.ErrShape},
		"many lines": {head + strings.Repeat("a\n", 60_000), "utf-8", platforms.ErrLines},
	} {
		l.Charset = c.charset
		content, err := platforms.Read(d.book, &l, []byte(c.body), start)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if c.err == nil && (err != nil || content.Totals.Count != 3) {
			t.Errorf("%s: %+v, %v", name, content, err)
		}
	}
	body := head + `A-1,2026-09-09 08:00:00,10.00,"王""小",P-001
A-2,昨天,10.00,王,P-001
A-3,2026-09-09 08:00:00,"1,00",王,P-001
A-4,2026-09-09 08:00:00,-5,王,P-001
A-5,2026-09-09 08:00:00,5.001,王,P-001
A-6,2026-09-09 08:00:00,5,王,P-999
A-1,2026-09-09 08:00:00,5,王,P-001
A-7,2036-09-09 08:00:00,5,王,P-001
A 8,2026-09-09 08:00:00,5,王,P-001
A-9,2026-09-09 08:00:00,5,"王
二",P-001
A-10,2026-09-09 08:00:00,"1,234.50",` + "\u202e" + `坏人,P-001
`
	content, err := platforms.Read(d.book, ptr(d.layout([]byte(body))), []byte(body), start)
	d.ok(err)
	var got []string
	for _, f := range content.Faults {
		got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Field, f.Reason))
	}
	want := []string{"3 time time", "4 amount amount", "5 amount amount", "6 amount amount", "7 campaign campaign", "8 order twice", "9 time future", "10 order order", "11  line-break"}
	if !slices.Equal(got, want) {
		t.Errorf("faults %q\nwant %q", got, want)
	}
	if len(content.Rows) != 2 || content.Rows[1].Donor != "坏人" || content.Rows[1].Amount != 1234_50 {
		t.Errorf("rows %+v", content.Rows)
	}
}

func ptr[T any](v T) *T { return &v }

// TestGuess: names of columns in both languages, wherever the header stands.
func TestGuess(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]int{
		"平台明细\n订单编号,支付时间,捐款金额,服务费,配捐,昵称,项目ID,交易状态\n1,2026/9/9 8:00,1,0,0,a,b,c\n":         {"order": 1, "time": 2, "amount": 3, "fee": 4, "match": 5, "donor": 6, "campaign": 7, "state": 8},
		"Order No;Date;Amount;Fee;Match amount;Donor name;Project code;Currency;Status\n": {"order": 1, "time": 2, "amount": 3, "fee": 4, "match": 5, "donor": 6, "campaign": 7, "currency": 8, "state": 9},
		"日期\t金额\t订单号\n": {"time": 1, "amount": 2, "order": 3},
	} {
		l, err := platforms.Guess([]byte(text), "Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		for meaning, at := range want {
			if l.Columns[meaning] != at {
				t.Errorf("%.20q: %s is column %d, want %d", text, meaning, l.Columns[meaning], at)
			}
		}
	}
}
