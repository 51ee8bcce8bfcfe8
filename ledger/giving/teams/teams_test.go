package teams_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	"sunfund/ledger/giving/teams"
)

var now = time.Date(2026, 9, 7, 10, 0, 0, 0, time.UTC)

type world struct {
	t        *testing.T
	db       *pgxpool.Pool
	book     *ledger.Book
	campaign *giving.Campaign
	refs     int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: pgtest.New(t).Service}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
		if err != nil {
			return err
		}
		if _, err = ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"}); err != nil {
			return err
		}
		fund, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "专项", NameEN: "Homes"})
		if err != nil {
			return err
		}
		w.campaign, err = giving.CreateCampaign(ctx, tx, w.book, giving.Campaign{FundID: fund.ID, Slug: "homes", TitleZH: "题", TitleEN: "Title", SummaryZH: "简", SummaryEN: "Short",
			StoryZH: "故事", StoryEN: "Story", Goal: 50_000_00, OpensAt: now.AddDate(0, -1, 0), ClosesAt: now.AddDate(0, 1, 0)})
		return err
	})
	return w
}

func (w *world) try(f func(ctx context.Context, tx pgx.Tx) error) error {
	return pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error { return f(w.t.Context(), tx) })
}

func (w *world) tx(f func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := w.try(f); err != nil {
		w.t.Fatal(err)
	}
}

// gift is a paid gift, through the team's link unless that is nil.
func (w *world) gift(amount int64, email string, team *teams.Team) (id uuid.UUID) {
	w.t.Helper()
	w.refs++
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		p := giving.Paid{CampaignID: w.campaign.ID, Amount: amount, PaidAt: now, Channel: giving.WeChat, Ref: fmt.Sprint("P", w.refs), Name: "某人", Email: email}
		out, err := giving.Book(ctx, tx, w.book, []giving.Paid{p})
		if err != nil {
			return err
		}
		id = out[0].ID
		if team != nil {
			if err := teams.Join(ctx, tx, w.book, team, id); err != nil {
				return err
			}
		}
		return out[0].Err
	})
	return id
}

func (w *world) start(gift uuid.UUID, title string, goal int64) (t *teams.Team, err error) {
	err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		t, err = teams.Start(ctx, tx, w.book, gift, title, goal, rand.Reader, now)
		return err
	})
	return t, err
}

func (w *world) progress(t *teams.Team) teams.Progress {
	w.t.Helper()
	p, err := teams.ProgressOf(w.t.Context(), w.db, w.book, t)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) refund(gift uuid.UUID, amount int64) {
	w.t.Helper()
	w.refs++
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.BookRefunds(ctx, tx, w.book, []giving.Refunded{{GiftID: gift, Amount: amount, RefundedAt: now, Channel: giving.WeChat, Ref: fmt.Sprint("R", w.refs), Cause: giving.Outside}})
		if err != nil {
			return err
		}
		return out[0].Err
	})
}

// TestTeam: gifts through the link count, friends once each, refunds lower, a started gift counts for nothing.
func TestTeam(t *testing.T) {
	w := newWorld(t)
	first := w.gift(100_00, "an@example.org", nil)
	team, err := w.start(first, "  楼下  的 朋友 ", 1_000_00)
	if err != nil || team.Title != "楼下 的 朋友" || len(team.Code) != 16 {
		t.Fatalf("%+v %v", team, err)
	}
	if again, err := w.start(first, "另一个名字", 5_00); err != nil || again.ID != team.ID {
		t.Errorf("one gift began two teams: %v", err)
	}
	if got := w.progress(team); got != (teams.Progress{Raised: 100_00, Gifts: 1}) {
		t.Errorf("at first: %+v", got)
	}
	w.gift(20_00, "BO@example.org", team)
	w.gift(30_00, "bo@example.org ", team)            // the same person
	w.gift(5_00, "an@example.org", team)              // who began it
	gone := w.gift(50_00, "", team)                   // nobody knows who
	w.tx(func(ctx context.Context, tx pgx.Tx) error { // begun and never paid
		return teams.Join(ctx, tx, w.book, team, uuid.Must(uuid.NewV7()))
	})
	if got := w.progress(team); got != (teams.Progress{Raised: 205_00, Gifts: 5, Friends: 1}) {
		t.Errorf("with friends: %+v", got)
	}
	w.refund(gone, 20_00)
	if got := w.progress(team); got.Raised != 185_00 {
		t.Errorf("after a refund: %+v", got)
	}
	other, err := w.start(w.gift(1_00, "chen@example.org", nil), "第二队", 10_00)
	if err != nil {
		t.Fatal(err)
	}
	list, err := teams.List(t.Context(), w.db, w.book, w.campaign.ID, false)
	if err != nil || len(list) != 2 || list[0].ID != team.ID || list[0].Raised != 185_00 || list[1].ID != other.ID {
		t.Errorf("list: %+v %v", list, err)
	}
}

// TestTeamRefusals: no team without a gift that stands, none without a name and a goal; a hidden one is gone from the pages.
func TestTeamRefusals(t *testing.T) {
	w := newWorld(t)
	if _, err := w.start(uuid.Must(uuid.NewV7()), "队", 1); err == nil {
		t.Error("a name of one character")
	}
	if _, err := w.start(uuid.Must(uuid.NewV7()), "小队", 100); !errors.Is(err, teams.ErrUnpaid) {
		t.Errorf("without a gift: %v", err)
	}
	back := w.gift(10_00, "an@example.org", nil)
	w.refund(back, 10_00)
	if _, err := w.start(back, "小队", 100); !errors.Is(err, teams.ErrUnpaid) {
		t.Errorf("with a gift given back: %v", err)
	}
	gift := w.gift(10_00, "an@example.org", nil)
	var fields *giving.FieldErrors
	if _, err := w.start(gift, "小队", 0); !errors.As(err, &fields) {
		t.Errorf("without a goal: %v", err)
	}
	team, err := w.start(gift, "小队", 100)
	if err != nil {
		t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := teams.Hide(ctx, tx, w.book, team.Code, "不合适", w.book.Day(now))
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: uuid.New(), At: now})
		return err
	})
	if _, err := teams.ByCode(t.Context(), w.db, w.book, team.Code); !errors.Is(err, teams.ErrNoTeam) {
		t.Errorf("hidden: %v", err)
	}
	if list, err := teams.List(t.Context(), w.db, w.book, 0, false); err != nil || len(list) != 0 {
		t.Errorf("hidden in the list: %+v %v", list, err)
	}
	if list, err := teams.List(t.Context(), w.db, w.book, 0, true); err != nil || len(list) != 1 {
		t.Errorf("for the staff: %+v %v", list, err)
	}
}

// TestFlowers: one from each person for a team, also under another gift of the same address; ten a day; nobody without an address.
func TestFlowers(t *testing.T) {
	w := newWorld(t)
	donor := w.gift(1_00, "an@example.org", nil) // the donor's id is the gift's
	same := w.gift(1_00, "An@Example.org", nil)
	donors := func(gift uuid.UUID) (id uuid.UUID) {
		if err := w.db.QueryRow(t.Context(), `select donor_id from gift where id = $1`, gift).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	flower := func(team *teams.Team, gift uuid.UUID, at time.Time) error {
		return w.try(func(ctx context.Context, tx pgx.Tx) error {
			return teams.Flower(ctx, tx, w.book, team, donors(gift), at)
		})
	}
	var list []*teams.Team
	for i := range teams.FlowersMax + 1 {
		team, err := w.start(w.gift(1_00, fmt.Sprintf("p%d@example.org", i), nil), fmt.Sprint("小队", i), 100)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, team)
	}
	for _, gift := range []uuid.UUID{donor, donor, same} {
		if err := flower(list[0], gift, now); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.progress(list[0]).Flowers; got != 1 {
		t.Errorf("%d flowers of one person", got)
	}
	for _, team := range list[1:teams.FlowersMax] {
		if err := flower(team, same, now); err != nil {
			t.Fatal(err)
		}
	}
	last := list[teams.FlowersMax]
	if err := flower(last, donor, now.Add(time.Hour)); !errors.Is(err, teams.ErrFlowers) {
		t.Errorf("the eleventh: %v", err)
	}
	if err := flower(last, donor, now.Add(25*time.Hour)); err != nil {
		t.Errorf("the day after: %v", err)
	}
	nobody := w.gift(1_00, "", nil)
	if err := flower(last, nobody, now); !errors.Is(err, giving.ErrNoDonor) {
		t.Errorf("nobody: %v", err)
	}
}
