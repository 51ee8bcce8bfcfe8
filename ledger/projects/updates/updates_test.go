package updates_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/updates"
)

var (
	now      = time.Date(2026, 9, 7, 2, 0, 0, 0, time.UTC)
	an, bian = uuid.MustParse("00000000-0000-4000-8000-00000000000a"), uuid.MustParse("00000000-0000-4000-8000-00000000000b")
)

type world struct {
	t        *testing.T
	db       *pgxpool.Pool
	book     *ledger.Book
	fund     int32
	campaign int32
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, db: pgtest.New(t).Service}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC}); err != nil {
			return err
		}
		fund, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "阳光", NameEN: "Sunshine"})
		if err != nil {
			return err
		}
		w.fund = fund.ID
		w.campaign = w.opens(ctx, tx, "lunch", giving.Published)
		return nil
	})
	return w
}

func (w *world) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error { return fn(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) opens(ctx context.Context, tx pgx.Tx, slug, state string) int32 {
	w.t.Helper()
	c, err := giving.CreateCampaign(ctx, tx, w.book, giving.Campaign{FundID: w.fund, Slug: slug, TitleZH: "午餐", TitleEN: "Lunch", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story",
		Goal: 1_00, OpensAt: now.AddDate(0, -1, 0), ClosesAt: now.AddDate(0, 1, 0), State: state})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// books plans a step and takes it, by one person and a second one.
func (w *world) books(by, second uuid.UUID, plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) error {
	w.t.Helper()
	return pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error {
		m, err := plan(w.t.Context(), tx)
		if err != nil {
			return err
		}
		_, err = m.Book(w.t.Context(), tx, w.book, giving.Sign{Key: uuid.New(), By: by, Second: second, At: now, Made: "安"})
		return err
	})
}

func (w *world) writes(p updates.Post, photos ...[]byte) (uuid.UUID, error) {
	w.t.Helper()
	p.ID = uuid.Must(uuid.NewV7())
	return p.ID, w.books(an, uuid.Nil, func(context.Context, pgx.Tx) (*giving.Move, error) { return updates.Write(w.book, p, photos) })
}

func (w *world) post(id uuid.UUID) *updates.Post {
	w.t.Helper()
	p, err := updates.ByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) shows(id, second uuid.UUID) error {
	w.t.Helper()
	return w.books(an, second, func(context.Context, pgx.Tx) (*giving.Move, error) { return updates.Show(w.book, w.post(id)) })
}

func (w *world) ends(id uuid.UUID, reason string) error {
	w.t.Helper()
	return w.books(bian, uuid.Nil, func(context.Context, pgx.Tx) (*giving.Move, error) { return updates.End(w.book, w.post(id), reason) })
}

func (w *world) public(gone bool) (titles []string) {
	w.t.Helper()
	list, err := updates.Public(w.t.Context(), w.db, w.book, updates.Filter{}, gone, 0, updates.ListMax)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range list {
		titles = append(titles, list[i].TitleZH+list[i].TitleEN)
	}
	return titles
}

// TestAPostIsShownAndWithdrawn: written by one and shown by another; once; withdrawn with a reason, of which the public keeps the day and the
// reason; a dropped one is never shown.
func TestAPostIsShownAndWithdrawn(t *testing.T) {
	w := newWorld(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(err, refusal error) {
		t.Helper()
		if !errors.Is(err, refusal) {
			t.Fatalf("%v, want %v", err, refusal)
		}
	}
	first, err := w.writes(updates.Post{CampaignID: &w.campaign, TitleZH: "开餐", TextZH: "第一顿"}, []byte("x"), []byte("y"))
	must(err)
	second, err := w.writes(updates.Post{CampaignID: &w.campaign, TitleEN: "Kitchen", TextEN: "Ready"})
	must(err)
	if got := w.public(true); got != nil {
		t.Errorf("shown before anybody looked: %q", got)
	}
	want(w.shows(first, uuid.Nil), ledger.ErrSamePerson)
	want(w.shows(first, an), ledger.ErrSamePerson)
	_, err = w.db.Exec(t.Context(), `insert into update_shown (book_id, post_id, number, written_by, shown_by, shown_at) values ($1, $2, 1, $3, $3, $4)`, w.book.ID, first, an, now)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.ConstraintName != "update_shown_second_person" {
		t.Errorf("the writer past the code: %v", err)
	}
	must(w.shows(second, bian))
	must(w.shows(first, bian))
	want(w.shows(first, bian), giving.ErrStep)
	if got := strings.Join(w.public(false), " "); got != "开餐 Kitchen" {
		t.Errorf("public: %q", got)
	}
	var wrong *giving.FieldErrors
	for _, reason := range []string{"", "x", "请打 138 0013 8000", strings.Repeat("长", updates.ReasonMax+1)} {
		if err := w.ends(first, reason); !errors.As(err, &wrong) {
			t.Errorf("withdrawn for %q: %v", reason, err)
		}
	}
	must(w.ends(first, "照片用错了"))
	want(w.ends(first, "照片用错了"), giving.ErrStep)
	if got := strings.Join(w.public(false), " "); got != "Kitchen" {
		t.Errorf("public after it was withdrawn: %q", got)
	}
	gone, err := updates.ByNumber(t.Context(), w.db, w.book, 2)
	must(err)
	if gone.State() != updates.Withdrawn || gone.TitleZH+gone.TextZH != "" || gone.Photos != 0 || gone.Reason != "照片用错了" || gone.EndedBy != nil || gone.WrittenBy != uuid.Nil {
		t.Errorf("what the public reads of it: %+v", gone)
	}
	if p := w.post(first); p.TextZH != "第一顿" || p.Photos != 2 || *p.EndedBy != bian {
		t.Errorf("what staff read of it: %+v", p)
	}
	third, err := w.writes(updates.Post{CampaignID: &w.campaign, TitleZH: "不公开", TextZH: "不公开"})
	must(err)
	waiting := w.post(third)
	must(w.ends(third, "重复"))
	want(w.shows(third, bian), giving.ErrStep)
	want(w.books(an, bian, func(context.Context, pgx.Tx) (*giving.Move, error) { return updates.Show(w.book, waiting) }), giving.ErrStep) // planned before it was dropped
	if news, err := updates.News(t.Context(), w.db, w.book, []int32{w.campaign}); err != nil || !news[w.campaign].Equal(now) {
		t.Errorf("news %v: %v", news, err)
	}
	for _, table := range []string{"update_post", "update_photo", "update_shown", "update_end"} {
		if _, err := w.db.Exec(t.Context(), `delete from `+table); err == nil {
			t.Errorf("%s: a row was deleted", table)
		}
	}
}

// TestWhatMayNotBeWritten: nothing about what the public does not see, no language by half, nobody's numbers.
func TestWhatMayNotBeWritten(t *testing.T) {
	w := newWorld(t)
	var draft int32
	project := uuid.Must(uuid.NewV7())
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		draft = w.opens(ctx, tx, "draft", giving.Draft)
		return nil
	})
	if err := w.books(an, uuid.Nil, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return projects.Propose(ctx, tx, w.book, projects.Project{ID: project, Title: "项目", FundID: w.fund, Plan: "计划", StartsOn: w.book.Day(now), EndsOn: w.book.Day(now), EnteredBy: an})
	}); err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]updates.Post{"draft campaign": {CampaignID: &draft, TitleZH: "早", TextZH: "早"}, "project not approved": {ProjectID: &project, TitleZH: "早", TextZH: "早"}} {
		if _, err := w.writes(p); !errors.Is(err, giving.ErrStep) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for text, personal := range map[string]bool{"138 0013 8000 139 0013 9000": true, "2026-09-07 138-0013-8000": true, "0086 13800138000": true, "１３８００１３８０００": true, "110105 19491231 002X，2026": true,
		"2026-09-07 收到 138 元，第 13 户": false, "入账 13,800,138.00 元": false, "凭证 202609071380013800012": false} {
		var wrong *giving.FieldErrors
		_, err := w.writes(updates.Post{CampaignID: &w.campaign, TitleZH: "题", TextZH: text})
		if refused := errors.As(err, &wrong); refused != personal || !refused && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for field, p := range map[string]updates.Post{
		"title-zh": {}, "text-zh": {TitleZH: "题"}, "title-en": {TextEN: "text"}, "text-en": {TitleZH: "题", TextZH: "文", TitleEN: "T", TextEN: "Card 11010519491231002X"},
	} {
		p.CampaignID = &w.campaign
		var wrong *giving.FieldErrors
		if _, err := w.writes(p); !errors.As(err, &wrong) || len(wrong.List) != 1 || wrong.List[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for text, refused := range map[string]bool{
		"请打13800138000": true, "请打 138-0013-8000。": true, "+86 138 0013 8000": true, "１３８００１３８０００": true, "证件 110105 19491231 002x": true,
		"2026-09-07 至 2026-09-30，共 1,380 份午餐": false, "订单 4200001234567890123456": false, "固定电话 023-68612345": false, "每份 13.80 元，13800 份": false, "发票 25502000000123456789": false,
	} {
		var wrong *giving.FieldErrors
		_, err := w.writes(updates.Post{CampaignID: &w.campaign, TitleZH: "题", TextZH: text})
		if errors.As(err, &wrong) != refused || !refused && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
