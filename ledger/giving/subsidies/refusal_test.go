package subsidies_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// TestCounted: what counts, what does not, what refunds take away, and that counting twice changes nothing.
func TestCounted(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	all, online, offline, large, both := w.letter(), w.letter(), w.letter(), w.letter(), w.letter()
	online.Counts, offline.Counts, large.GiftMin = subsidies.Online, subsidies.Offline, 100_00
	both.CampaignID, both.Per, both.Threshold, both.Num, both.Lump = nil, subsidies.PerCampaign, 500_00, 0, 500_00
	letters := []subsidies.Letter{all, online, offline, large, both}
	for _, l := range letters {
		w.commit(l)
	}
	raised := func(want ...int64) {
		t.Helper()
		for i, l := range letters {
			if got := w.tally(l.ID).Raised; got != want[i] {
				t.Errorf("letter %d: %d raised, want %d", i+1, got, want[i])
			}
		}
	}
	w.gift(w.campaign, 50_00, day(9, 4), giving.WeChat) // a day too early
	w.gift(w.campaign, 50_00, day(9, 17), giving.Bank)  // a day too late
	raised(0, 0, 0, 0, 0)
	first := w.gift(w.campaign, 400_00, day(9, 5), giving.WeChat)
	w.gift(w.campaign, 99_99, day(9, 16), giving.Bank)
	w.gift(w.second, 700_00, day(9, 10), giving.Cash)
	raised(499_99, 400_00, 99_99, 400_00, 1199_99)
	for range 2 {
		for i, l := range letters {
			if moved := w.count(l.ID); moved != (w.tally(l.ID).Raised != 0) && i > 0 {
				t.Logf("letter %d moved: %v", i+1, moved)
			}
		}
	}
	raised(499_99, 400_00, 99_99, 400_00, 1199_99)
	if got := w.tally(both.ID).Earned; got != 500_00 {
		t.Errorf("campaigns that reached 500: %d", got)
	}
	w.gift(w.campaign, 1, day(9, 6), giving.WeChat)
	if got := w.tally(both.ID).Earned; got != 1_000_00 {
		t.Errorf("the second one reached it: %d", got)
	}
	back := w.refund(first, 150_00, day(10, 3)) // after the window, of a gift inside it
	raised(350_00, 250_01, 99_99, 250_00, 1050_00)
	if got := w.tally(both.ID).Earned; got != 500_00 {
		t.Errorf("below 500 again: %d", got)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error { // the refund did not reach the donor
		_, err := ledger.Reverse(ctx, tx, w.book, back, uuid.New(), day(10, 5), uuid.Nil, ledger.Document{Summary: "退款失败", Reason: "failed", MadeBy: "王会计"})
		return err
	})
	raised(500_00, 400_01, 99_99, 400_00, 1200_00)
	if !w.count(all.ID) || w.count(all.ID) {
		t.Error("counting is noted once")
	}
	list, err := subsidies.Earnings(t.Context(), w.db, w.book, all.ID)
	if err != nil || len(list) != 2 || list[0].Earned != 500_00 || list[1].Earned != 499_99 || list[0].Position <= list[1].Position {
		t.Errorf("how it moved: %+v %v", list, err)
	}
	for _, l := range letters {
		w.count(l.ID)
	}
	waiting, err := subsidies.Counting(t.Context(), w.db, w.book)
	if err != nil || len(waiting) != 0 {
		t.Errorf("still to count: %v %v", waiting, err)
	}
	w.clean()
}

// TestRefusals: nothing beyond what the letter says, what is earned, signed, here or left; nothing signed by one side for both.
func TestRefusals(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	enter := func(change func(*subsidies.Letter)) error {
		l := w.letter()
		change(&l)
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Commit(ctx, tx, w.book, l, l.SignedOn)
		})
		return err
	}
	w.refused(enter(func(l *subsidies.Letter) { l.StreetID = w.neighbor }), "fund")
	w.refused(enter(func(l *subsidies.Letter) { l.FundID = w.general.ID; l.CampaignID = nil }), "fund")
	w.refused(enter(func(l *subsidies.Letter) { l.FundID = 99; l.CampaignID = nil }), "fund")
	w.refused(enter(func(l *subsidies.Letter) { l.FundID, l.StreetID = w.other.ID, w.neighbor }), "campaign")
	w.refused(enter(func(l *subsidies.Letter) { l.Cap = 0 }), "cap")
	w.refused(enter(func(l *subsidies.Letter) { l.Num = 0 }), "num")
	w.refused(enter(func(l *subsidies.Letter) { l.ClosesOn = day(9, 1) }), "due-closes")
	w.refused(enter(func(l *subsidies.Letter) { l.LapsesOn = day(9, 10) }), "year")
	w.refused(enter(func(l *subsidies.Letter) { l.Document = "" }), "document")

	id := w.commit(w.letter())
	_, err := w.claim(id, 1)
	w.refused(err, "amount") // nothing is earned
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	_, err = w.claim(id, 1_000_01)
	w.refused(err, "amount")
	claim, err := w.claim(id, 1_000_00)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.claim(id, 1); !errors.Is(err, giving.ErrStep) {
		t.Errorf("two statements at once: %v", err)
	}
	if _, err := w.step(w.receiving(id, 1, "B-0")); !errors.Is(err, giving.ErrStep) {
		t.Errorf("received what nobody signed for: %v", err)
	}
	if err := w.sign(id, claim, w.accountant, asRead); !errors.Is(err, subsidies.ErrSameSide) {
		t.Errorf("signed by its maker: %v", err)
	}
	if err := w.sign(id, claim, w.streetOfficer, func([]byte) []byte { return []byte("something else") }); !errors.Is(err, subsidies.ErrStatement) {
		t.Errorf("signed unread: %v", err)
	}
	gone := w.gift(w.campaign, 500_00, day(9, 7), giving.WeChat)
	if err := w.sign(id, claim, w.streetOfficer, asRead); err != nil {
		t.Errorf("more came meanwhile: %v", err)
	}
	if err := w.sign(id, claim, w.streetOfficer, asRead); !errors.Is(err, giving.ErrStep) {
		t.Errorf("signed twice: %v", err)
	}
	next, err := w.claim(id, 500_00)
	if err != nil {
		t.Fatal(err)
	}
	w.refund(gone, 500_00, day(9, 8))
	if err := w.sign(id, next, w.streetOfficer, asRead); !errors.Is(err, subsidies.ErrStatement) {
		t.Errorf("signed for a gift that went back: %v", err)
	}
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		c, err := subsidies.ClaimByID(ctx, tx, w.book, next)
		if err != nil {
			return nil, err
		}
		return subsidies.WithdrawClaim(w.book, w.read(id), c, day(9, 9))
	})

	_, err = w.step(w.receiving(id, 1_000_01, "B-1"))
	w.refused(err, "amount")
	w.steps(w.receiving(id, 600_00, "B-1"))
	_, err = w.step(w.receiving(id, 400_00, "B-1"))
	w.refused(err, "ref")
	spend := func(amount int64) error {
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.SpendOn(ctx, tx, w.book, w.read(id), subsidies.Cost{Amount: amount, Contract: "HT-1", Project: "EAI", What: "改造", Day: day(11, 1)})
		})
		return err
	}
	w.refused(spend(600_01), "amount")
	cost := w.post(ledger.KindAcceptance, day(11, 20), ledger.Debit(w.leaf("program.r"), 100_00), ledger.Credit(w.leaf("ap"), 100_00))
	draw := func(entry uuid.UUID, amount int64) error {
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.DrawOn(ctx, tx, w.book, w.read(id), entry, amount, day(11, 20))
		})
		return err
	}
	w.refused(draw(uuid.New(), 1), "entry")
	w.refused(draw(cost, 100_01), "amount")
	if err := draw(cost, 100_00); err != nil {
		t.Fatal(err)
	}
	w.refused(draw(cost, 1), "amount") // borne already
	if got := w.tally(id).Spent; got != 100_00 {
		t.Errorf("spent %d", got)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.Reverse(ctx, tx, w.book, cost, uuid.New(), day(11, 21), uuid.Nil, ledger.Document{Summary: "冲销", Reason: "误记", MadeBy: "王会计"})
		return err
	})
	if got := w.tally(id).Spent; got != 0 {
		t.Errorf("a cost taken back spends %d", got)
	}
	give := func(amount int64, ref string) error {
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Return(ctx, tx, w.book, w.read(id), amount, "bank.basic", ref, day(12, 1))
		})
		return err
	}
	w.refused(give(600_01, "T-1"), "amount")
	w.refused(give(50_00, "B-1"), "ref") // the line by which it came
	takeBack := func(ref string) error {
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.TakeBack(ctx, tx, w.book, w.read(id), ref, "记错了", day(12, 2))
		})
		return err
	}
	if err := give(50_00, "T-1"); err != nil {
		t.Fatal(err)
	}
	w.refused(give(50_00, "T-1"), "ref") // one line of the bank went back twice
	if err := takeBack("B-1"); !errors.Is(err, giving.ErrStep) {
		t.Errorf("took back what is partly returned: %v", err)
	}
	w.steps(w.receiving(id, 400_00, "B-2"))
	if err := takeBack("B-2"); err != nil {
		t.Error(err)
	}
	w.steps(w.receiving(id, 400_00, "B-2")) // the line may be taken again
	w.clean()
}

// TestLapse: at the end of the fiscal year both sides are told, and what was not claimed is gone; what was signed may still come and go.
func TestLapse(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	id := w.commit(w.letter())
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	w.claimed(id, 400_00)
	waiting, err := w.claim(id, 600_00)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d int) []uuid.UUID {
		t.Helper()
		list, err := subsidies.Lapsing(t.Context(), w.db, w.book, day(12, d))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if len(at(0)) != 0 || len(at(1)) != 1 { // 30 November, 1 December
		t.Errorf("to notice: %d, %d", len(at(0)), len(at(1)))
	}
	notice := func() error {
		_, err := w.step(func(context.Context, pgx.Tx) (*giving.Move, error) {
			return subsidies.Notice(w.book, w.read(id), day(12, 1))
		})
		return err
	}
	if err := notice(); err != nil {
		t.Fatal(err)
	}
	if err := notice(); !errors.Is(err, giving.ErrStep) || len(at(2)) != 0 {
		t.Errorf("noticed twice: %v", err)
	}
	end := func() (lapsed bool) {
		t.Helper()
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			lapsed, err = subsidies.End(ctx, tx, w.book, w.read(id), w.now)
			return err
		})
		return lapsed
	}
	w.now = day(12, 31).Add(14 * 3600e9)
	if end() {
		t.Error("lapsed on its last day")
	}
	w.now = w.now.AddDate(0, 0, 1)
	if !end() || end() {
		t.Error("it lapses once")
	}
	l := w.read(id)
	if l.State != subsidies.Lapsed || l.Lapsed != 21_540_87 || w.holds("subsidy") != 400_00 || l.Claimable(w.tally(id), w.book.Day(w.now)) != 0 {
		t.Errorf("after the year: %+v, %d promised", l, w.holds("subsidy"))
	}
	if err := w.sign(id, waiting, w.streetOfficer, asRead); !errors.Is(err, giving.ErrStep) {
		t.Errorf("signed after the end: %v", err)
	}
	if _, err := w.claim(id, 1); !errors.Is(err, subsidies.ErrLapsed) {
		t.Errorf("claimed after the end: %v", err)
	}
	w.steps(w.receiving(id, 400_00, "B-1"))
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Beside(ctx, tx, w.book, w.read(id), 800_00, "街道直付电线改造", day(11, 5))
	})
	if w.holds("parallel") != 800_00 || w.read(id).Parallel != 800_00 || w.holds("program.r") != 0 {
		t.Errorf("beside the books: %d", w.holds("parallel"))
	}
	w.clean()
}

// TestDraft: the street's officer writes a letter down; it is on the books once the association takes it; a wrong one is taken back.
func TestDraft(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	one := w.letter()
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Enter(ctx, tx, w.book, one)
	})
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	if l := w.read(one.ID); l.State != subsidies.Draft || w.holds("subsidy") != 0 || w.tally(one.ID).Earned != 0 {
		t.Errorf("a draft: %+v", l)
	}
	if _, err := w.claim(one.ID, 1); !errors.Is(err, giving.ErrStep) {
		t.Errorf("claimed of a draft: %v", err)
	}
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Accept(ctx, tx, w.book, w.read(one.ID), day(9, 20))
	})
	if w.holds("subsidy") != 21_940_87 || w.tally(one.ID).Earned != 1_000_00 {
		t.Errorf("promised %d", w.holds("subsidy"))
	}
	_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) { // the form of a draft, sent when it was one no more
		return subsidies.Drop(ctx, tx, w.book, w.read(one.ID), "写错了基金", day(9, 21))
	})
	if !errors.Is(err, giving.ErrStep) {
		t.Errorf("one person put a committed letter aside: %v", err)
	}
	discard := func() error {
		_, err := w.step(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Discard(ctx, tx, w.book, w.read(one.ID), "写错了基金", day(9, 21))
		})
		return err
	}
	if err := discard(); err != nil || w.holds("subsidy") != 0 {
		t.Errorf("taken back: %v, %d", err, w.holds("subsidy"))
	}
	if err := discard(); !errors.Is(err, giving.ErrStep) {
		t.Errorf("taken back twice: %v", err)
	}
	w.clean()
}

// TestVerifyFinds: a figure changed behind the triggers' back is found.
func TestVerifyFinds(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	id := w.commit(w.letter())
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	w.count(id)
	w.claimed(id, 400_00)
	w.steps(w.receiving(id, 300_00, "B-1"))
	w.clean()
	for code, sql := range map[string]string{
		"letter":        `update subsidy_letter set returned = 1`,
		"letter-claim":  `update subsidy_letter set claimed = 40001`,
		"letter-raised": `update subsidy_raised set raised = raised + 1`,
	} {
		err := w.try(func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
			list, err := subsidies.Verify(ctx, tx, w.book)
			if err != nil {
				return err
			}
			for _, c := range list {
				if (c.Code == code) != (c.DiffersAll > 0) {
					t.Errorf("%s planted: %s differs %d times", code, c.Code, c.DiffersAll)
				}
			}
			return errors.New("undone")
		})
		if err == nil || err.Error() != "undone" {
			t.Error(err)
		}
	}
}

// TestOverGoesBack: what was claimed for gifts since refunded is over until it has gone back; what goes back for another reason leaves room.
func TestOverGoesBack(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	gift := w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	id := w.funded(subsidies.Grant, 1_000_00, "B-1")
	wants := func(over int64) {
		t.Helper()
		if got := w.read(id).Over(w.tally(id)); got != over {
			t.Errorf("%d are over, want %d", got, over)
		}
	}
	wants(0)
	w.refund(gift, 300_00, day(9, 20))
	wants(300_00)
	w.steps(w.returning(id, 100_00))
	wants(200_00)
	w.steps(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Return(ctx, tx, w.book, w.read(id), 200_00, "bank.basic", "T-2", day(12, 2))
	})
	wants(0)
	w.clean()
}

// TestSumsOfAllPages: the sums above a list are of all its letters, also of those on other pages.
func TestSumsOfAllPages(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	first := w.commit(w.letter())
	w.commit(w.letter())
	w.claimed(first, 400_00)
	for _, f := range []subsidies.Filter{{All: true}, {All: true, Limit: 1, Before: 2}} {
		s, err := subsidies.SumsOf(t.Context(), w.db, w.book, f, day(9, 20))
		if want := (subsidies.Sums{Promised: 2 * 21_940_87, Claimable: 1_600_00, Due: 400_00}); err != nil || s != want {
			t.Errorf("%+v, want %+v; %v", s, want, err)
		}
	}
	if s, err := subsidies.SumsOf(t.Context(), w.db, w.book, subsidies.Filter{All: true}, day(12, 32)); err != nil || s.Claimable != 0 {
		t.Errorf("after the year %+v, %v", s, err)
	}
}
