package subsidies_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/money"
)

// world is an association with two streets; the fund and its campaigns are of the first.
type world struct {
	t                     *testing.T
	db                    *pgxpool.Pool
	book                  *ledger.Book
	general, fund, other  *ledger.Fund
	campaign, second      *giving.Campaign
	now                   time.Time
	accountant, approver  uuid.UUID
	streetOfficer         uuid.UUID
	refs                  int
	firstStreet, neighbor int32
}

func day(month time.Month, d int) time.Time { return ledger.Day(2025, month, d) }

func newWorld(t *testing.T, regime string) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: pgtest.New(t).Service, now: time.Date(2025, 9, 10, 12, 0, 0, 0, zone), accountant: uuid.New(), approver: uuid.New(), streetOfficer: uuid.New()}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: regime, Currency: "CNY", Zone: zone})
		if err != nil {
			return err
		}
		for i, name := range []string{"石坪桥街道", "临江街道"} {
			s, err := ledger.CreateStreet(ctx, tx, w.book, ledger.Street{Code: []string{"spq", "linjiang"}[i], NameZH: name, NameEN: name})
			if err != nil {
				return err
			}
			if i == 0 {
				w.firstStreet = s.ID
			} else {
				w.neighbor = s.ID
			}
		}
		if w.general, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"}); err != nil {
			return err
		}
		if w.fund, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "EAI", Kind: ledger.Restricted, NameZH: "专项", NameEN: "Homes", StreetID: &w.firstStreet}); err != nil {
			return err
		}
		if w.other, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "LJ", Kind: ledger.Restricted, NameZH: "临江", NameEN: "Linjiang", StreetID: &w.neighbor}); err != nil {
			return err
		}
		for i, slug := range []string{"homes", "lunch"} {
			c, err := giving.CreateCampaign(ctx, tx, w.book, giving.Campaign{FundID: w.fund.ID, Slug: slug, TitleZH: "题", TitleEN: "Title", SummaryZH: "简", SummaryEN: "Short",
				StoryZH: "故事", StoryEN: "Story", Goal: 50_000_00, OpensAt: w.now.AddDate(0, -6, 0), ClosesAt: w.now.AddDate(1, 0, 0)})
			if err != nil {
				return err
			}
			if i == 0 {
				w.campaign = c
			} else {
				w.second = c
			}
		}
		return nil
	})
	return w
}

func (w *world) tx(f func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := w.try(f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) try(f func(ctx context.Context, tx pgx.Tx) error) error {
	return pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error { return f(w.t.Context(), tx) })
}

// gift books a gift; the amount is in minor units.
func (w *world) gift(c *giving.Campaign, amount int64, on time.Time, channel giving.Channel) uuid.UUID {
	w.t.Helper()
	w.refs++
	p := giving.Paid{CampaignID: c.ID, Amount: amount, PaidAt: on.Add(4 * time.Hour), Channel: channel, Ref: fmt.Sprint("P", w.refs)}
	var id uuid.UUID
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, w.book, []giving.Paid{p})
		if err != nil {
			return err
		}
		id = out[0].ID
		return out[0].Err
	})
	return id
}

func (w *world) refund(gift uuid.UUID, amount int64, on time.Time) uuid.UUID {
	w.t.Helper()
	w.refs++
	var id uuid.UUID
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.BookRefunds(ctx, tx, w.book, []giving.Refunded{{GiftID: gift, Amount: amount, RefundedAt: on.Add(5 * time.Hour), Channel: giving.WeChat, Ref: fmt.Sprint("R", w.refs), Cause: giving.Outside}})
		if err != nil {
			return err
		}
		id = out[0].ID
		return out[0].Err
	})
	return id
}

// letter is the street's letter of the worked case: as much as residents raise, at most 21,940.87.
func (w *world) letter() subsidies.Letter {
	return subsidies.Letter{ID: uuid.New(), FundID: w.fund.ID, StreetID: w.firstStreet, CampaignID: &w.campaign.ID, Party: "石坪桥街道办事处", Document: "函〔2025〕12号", SignedOn: day(9, 1),
		Counts: subsidies.All, Rule: subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 21_940_87}, OpensOn: day(9, 5), ClosesOn: day(9, 16), FiscalYear: 2025,
		LapsesOn: subsidies.FiscalYearEnd(2025), Terms: subsidies.Grant, Homes: 11, EnteredBy: w.accountant}
}

type plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)

// step plans a move and carries it out.
func (w *world) step(p plan) (entry uuid.UUID, err error) {
	err = w.try(func(ctx context.Context, tx pgx.Tx) error {
		m, err := p(ctx, tx)
		if err != nil {
			return err
		}
		entry, err = m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, Second: w.approver, At: w.now, Made: "王会计", Check: "李主任"})
		return err
	})
	return entry, err
}

func (w *world) steps(p plan) uuid.UUID {
	w.t.Helper()
	entry, err := w.step(p)
	if err != nil {
		w.t.Fatal(err)
	}
	return entry
}

func (w *world) commit(l subsidies.Letter) uuid.UUID {
	w.t.Helper()
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Commit(ctx, tx, w.book, l, l.SignedOn)
	})
	return l.ID
}

func (w *world) read(id uuid.UUID) *subsidies.Letter {
	w.t.Helper()
	l, err := subsidies.ByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) tally(id uuid.UUID) subsidies.Tally {
	w.t.Helper()
	t, err := subsidies.TallyOf(w.t.Context(), w.db, w.book, w.read(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) count(id uuid.UUID) (moved bool) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		moved, err = subsidies.Count(ctx, tx, w.book, w.read(id), w.now)
		return err
	})
	return moved
}

func (w *world) claim(letter uuid.UUID, amount int64) (uuid.UUID, error) {
	id := uuid.New()
	_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.MakeClaim(ctx, tx, w.book, w.read(letter), id, amount, w.accountant, w.now)
	})
	return id, err
}

func (w *world) sign(letter, claim, by uuid.UUID, seen func([]byte) []byte) error {
	_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		c, err := subsidies.ClaimByID(ctx, tx, w.book, claim)
		if err != nil {
			return nil, err
		}
		return subsidies.SignClaim(ctx, tx, w.book, w.read(letter), c, seen(c.Statement), by, w.now)
	})
	return err
}

func asRead(hash []byte) []byte { return hash }

// claimed is a claim that both sides signed.
func (w *world) claimed(letter uuid.UUID, amount int64) {
	w.t.Helper()
	id, err := w.claim(letter, amount)
	if err == nil {
		err = w.sign(letter, id, w.streetOfficer, asRead)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) receiving(letter uuid.UUID, amount int64, ref string) plan {
	return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Receive(ctx, tx, w.book, w.read(letter), subsidies.Coming{Amount: amount, Bank: "bank.basic", Ref: ref, Day: day(10, 9)})
	}
}

func (w *world) post(kind ledger.Kind, on time.Time, lines ...ledger.Line) uuid.UUID {
	w.t.Helper()
	var id uuid.UUID
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, err := ledger.PostOne(ctx, tx, w.book, ledger.Entry{Kind: kind, EffectiveOn: on, Lines: lines})
		id = r.ID
		return err
	})
	return id
}

func (w *world) leaf(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: w.fund.ID} }

// holds is the balance of a chart account in the fund, debit positive.
func (w *world) holds(id chart.ID) (sum int64) {
	w.t.Helper()
	err := w.db.QueryRow(w.t.Context(), `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) where a.chart = $1 and a.fund_id = $2`,
		id, w.fund.ID).Scan(&sum)
	if err != nil {
		w.t.Fatal(err)
	}
	return sum
}

func (w *world) clean() {
	w.t.Helper()
	for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, giving.Verify, subsidies.Verify} {
		list, err := verify(w.t.Context(), w.db, w.book)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range list {
			if c.DiffersAll > 0 {
				w.t.Errorf("%s: %v", c.Code, c.Differs)
			}
		}
	}
}

func (w *world) refused(err error, fields ...string) {
	w.t.Helper()
	var wrong *giving.FieldErrors
	if !errors.As(err, &wrong) {
		w.t.Errorf("not refused by fields %v: %v", fields, err)
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

// TestShipingqiao is the worked case to the fen: 27,505.13 raised, 21,940.87 from the street, 49,446.00 to spend, 11 families.
func TestShipingqiao(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	id := w.commit(w.letter())
	if w.holds("subsidy") != 21_940_87 {
		t.Errorf("promised %d", w.holds("subsidy"))
	}
	w.gift(w.campaign, 10_000_00, day(9, 6), giving.WeChat)
	if got := w.tally(id); got.Raised != 10_000_00 || got.Earned != 10_000_00 || got.Gifts != 1 {
		t.Errorf("after the first gift: %+v", got)
	}
	w.count(id)
	w.gift(w.campaign, 12_500_00, day(9, 8), giving.WeChat)
	gone := w.gift(w.campaign, 300_00, day(9, 9), giving.WeChat)
	w.gift(w.campaign, 5_005_13, day(9, 16), giving.WeChat)
	w.refund(gone, 300_00, day(9, 17))
	if got := w.tally(id); got.Raised != 27_505_13 || got.Earned != 21_940_87 {
		t.Errorf("raised %d, earned %d", got.Raised, got.Earned)
	}
	w.claimed(id, 21_940_87)
	w.steps(w.receiving(id, 21_940_87, "20251009-0004"))
	if w.holds("grant.r") != -21_940_87 || w.holds("subsidy") != 0 || w.holds("gift.r") != -27_505_13 {
		t.Errorf("grant %d, promised %d, gifts %d", w.holds("grant.r"), w.holds("subsidy"), w.holds("gift.r"))
	}
	w.post(ledger.KindPayoutLanded, day(9, 18), ledger.Debit(w.leaf("bank.online"), 27_505_13), ledger.Credit(ledger.Leaf{Chart: "psp.avail", Fund: w.fund.ID, Dims: ledger.Dims{Instrument: giving.WeChat.Code()}}, 27_505_13))
	positions, err := ledger.Positions(t.Context(), w.db, w.book, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		if p.Fund.ID == w.fund.ID && p.Available != 49_446_00 {
			t.Errorf("to spend: %d", p.Available)
		}
	}
	enc := func(amount int64) []ledger.Line {
		return []ledger.Line{{Leaf: w.leaf("enc"), Amount: amount}, {Leaf: w.leaf("enc.contra"), Amount: -amount}}
	}
	w.post(ledger.KindContract, day(10, 12), enc(49_446_00)...)
	cost := w.post(ledger.KindAcceptance, day(11, 20), append(enc(-49_446_00), ledger.Debit(w.leaf("program.r"), 49_446_00), ledger.Credit(w.leaf("ap"), 47_962_62), ledger.Credit(w.leaf("retention"), 1_483_38))...)
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.DrawOn(ctx, tx, w.book, w.read(id), cost, 21_940_87, day(11, 20))
	})
	l, got := w.read(id), w.tally(id)
	if l.Left(got) != 0 || got.Spent != 21_940_87 || l.Promised() != 0 || l.Due() != 0 {
		t.Errorf("at the end: %+v %+v", l, got)
	}
	homes, err := subsidies.Shares(got.Raised, l.Received, int(l.Homes))
	if err != nil {
		t.Fatal(err)
	}
	var gifts, street int64
	for i, h := range homes {
		gifts, street = gifts+h.Gifts, street+h.Street
		if want := int64(449_509); i > 0 && h.Total() != want || i == 0 && h.Total() != want+1 {
			t.Errorf("family %d gets %d", i+1, h.Total())
		}
		if h.Gifts != 250_046 && h.Gifts != 250_047 || h.Street != 199_462 && h.Street != 199_463 {
			t.Errorf("family %d: %+v", i+1, h)
		}
	}
	if len(homes) != 11 || gifts != 27_505_13 || street != 21_940_87 {
		t.Errorf("%d families, %d and %d", len(homes), gifts, street)
	}
	w.clean()
}

// vector reads a block of the journal's vectors as a sorted list of lines, and only the accounts of the statements when memo is false.
func vector(t *testing.T, name string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/journal-events.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "\n## "+name)
	if !found {
		t.Fatalf("no vector %s", name)
	}
	block, _, _ = strings.Cut(block, "\n## ")
	for _, line := range strings.Split(block, "\n")[1:] {
		line, _, _ = strings.Cut(line, ";")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// spoken writes lines as the vectors do. memo keeps the memo accounts too.
func spoken(list []ledger.Line, memo bool) (lines []string) {
	for _, l := range list {
		side, amount, acct := "D", l.Amount, chart.MustByID(l.Leaf.Chart)
		if amount < 0 {
			side, amount = "C", -amount
		}
		if memo || !acct.Memo() {
			lines = append(lines, fmt.Sprintf("%s %s R %s", side, acct.Code2026, money.Format(amount, "CNY")))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestLinesAreThoseOfTheBook holds every step to the accountant's vectors, line by line.
func TestLinesAreThoseOfTheBook(t *testing.T) {
	for _, c := range []struct {
		name, terms, regime string
	}{{"grant", subsidies.Grant, chart.CN2026}, {"advance", subsidies.Advance, chart.CN2026}, {"2004", subsidies.Grant, chart.CN2004}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.regime)
			one := w.letter()
			one.Terms = c.terms
			w.gift(w.campaign, 30_000_00, day(9, 6), giving.WeChat)
			same := func(vectorName string, memo bool, p plan) {
				t.Helper()
				var lines []ledger.Line
				w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
					m, err := p(ctx, tx)
					if err == nil {
						lines = m.Lines
					}
					return m, err
				})
				if got, want := spoken(lines, memo), vector(t, vectorName); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", vectorName, got, want)
				}
			}
			same("E31", true, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return subsidies.Commit(ctx, tx, w.book, one, one.SignedOn)
			})
			w.claimed(one.ID, 21_940_87)
			if c.terms == subsidies.Grant {
				same("E32a", true, w.receiving(one.ID, 21_940_87, "B-1"))
			} else {
				same("E32b", false, w.receiving(one.ID, 21_940_87, "B-1")) // the memo ends as in E32a
				if w.holds("subsidy") != 0 {
					t.Errorf("still promised: %d", w.holds("subsidy"))
				}
			}
			var lines []ledger.Line
			w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				m, err := subsidies.SpendOn(ctx, tx, w.book, w.read(one.ID), subsidies.Cost{Amount: 21_000_00, Contract: "HT-1", Project: "EAI", What: "改造", Day: day(11, 20)})
				if err == nil {
					lines = m.Lines
				}
				return m, err
			})
			want := vector(t, "E33")
			if c.terms == subsidies.Advance {
				want = append(want, vector(t, "E32c")...)
				slices.Sort(want)
			}
			if got := spoken(lines, true); !slices.Equal(got, want) {
				t.Errorf("E33: %q, want %q", got, want)
			}
			back := func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return subsidies.Return(ctx, tx, w.book, w.read(one.ID), 940_87, "bank.basic", "T-1", day(12, 20))
			}
			switch c.name {
			case "grant":
				same("E34a", true, back)
			case "2004":
				w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
					m, err := back(ctx, tx)
					if err != nil {
						return nil, err
					}
					if got, want := spoken(m.Lines[:2], true), vector(t, "E34b"); !slices.Equal(got, want) {
						t.Errorf("E34b: %q, want %q", got, want)
					}
					return m, nil
				})
			default:
				w.steps(back)
				if w.holds("advance") != 0 {
					t.Errorf("an advance of %d is left", w.holds("advance"))
				}
			}
			if got := w.tally(one.ID); w.read(one.ID).Left(got) != 0 || w.holds("return.due") != 0 {
				t.Errorf("left %d, to return %d", w.read(one.ID).Left(got), w.holds("return.due"))
			}
			w.clean()
		})
	}
}
