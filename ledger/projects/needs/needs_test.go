package needs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
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
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/residents"
)

var (
	now = time.Date(2026, 9, 7, 2, 0, 0, 0, time.UTC)
	an  = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
)

type world struct {
	t      *testing.T
	db     *pgxpool.Pool
	book   *ledger.Book
	street int32
	fund   int32
	people []*residents.Resident
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, db: pgtest.New(t).Service}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC}); err != nil {
			return err
		}
		street, err := ledger.CreateStreet(ctx, tx, w.book, ledger.Street{Code: "spq", NameZH: "石坪", NameEN: "Shiping"})
		if err != nil {
			return err
		}
		w.street = street.ID
		fund, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "阳光", NameEN: "Sunshine", StreetID: &street.ID})
		if err != nil {
			return err
		}
		w.fund = fund.ID
		return nil
	})
	w.take(residents.Found(w.book, uuid.New(), residents.Community{StreetID: w.street, Code: "C1", NameZH: "一社区", NameEN: "One"}))
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := residents.CommunityByID(ctx, tx, w.book, 1)
		if err != nil {
			return err
		}
		codes, err := residents.Slips(ctx, tx, w.book, c, 3, an, rand.Reader, now)
		for _, code := range codes {
			r, err := residents.Find(ctx, tx, w.book, code)
			if err != nil {
				return err
			}
			w.people = append(w.people, r)
		}
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

func (w *world) take(m *giving.Move, err error) {
	w.t.Helper()
	if err == nil {
		err = w.try(func(ctx context.Context, tx pgx.Tx) error {
			_, err := m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: an, At: now})
			return err
		})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) file(who int, title string, photos ...[]byte) (i *needs.Item, err error) {
	err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		i, err = needs.File(ctx, tx, w.book, w.people[who], needs.Item{ID: uuid.New(), Book: needs.Idea, Theme: "neighbours", Title: title, Story: "楼道里", Place: "三栋", People: 40, Firm: "不该有"}, photos, now)
		return err
	})
	return i, err
}

func (w *world) read(i *needs.Item) *needs.Item {
	w.t.Helper()
	again, err := needs.ByNumber(w.t.Context(), w.db, w.book, i.Number)
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}

func (w *world) support(who int, i *needs.Item) error {
	return w.try(func(ctx context.Context, tx pgx.Tx) error { return needs.Support(ctx, tx, w.book, w.people[who], i) })
}

// TestIdeas: residents file and support, once each; the street lists, merges with all supporters, and answers.
func TestIdeas(t *testing.T) {
	w := newWorld(t)
	if _, err := w.file(0, "晾"); err == nil {
		t.Error("a title of one character")
	}
	first, err := w.file(0, "文明晾衣")
	if err != nil || first.Name() != "N1" || first.State != needs.Filed || first.Firm != "" || first.Shown() {
		t.Fatalf("%+v %v", first, err)
	}
	if err := w.support(1, first); !errors.Is(err, needs.ErrNoItem) {
		t.Errorf("supported before it is shown: %v", err)
	}
	w.take(needs.List(w.book, first))
	first = w.read(first)
	if err := w.support(0, first); !errors.Is(err, needs.ErrSupported) {
		t.Errorf("supported by who filed it: %v", err)
	}
	if err := w.support(1, first); err != nil {
		t.Fatal(err)
	}
	if err := w.support(1, first); !errors.Is(err, needs.ErrSupported) {
		t.Errorf("supported twice: %v", err)
	}
	second, err := w.file(2, "统一晾衣架")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := needs.Merge(w.book, first, second); !errors.Is(err, giving.ErrStep) {
		t.Errorf("merged into what is not listed: %v", err)
	}
	w.take(needs.Merge(w.book, second, first))
	if got := w.read(first); got.Supporters != 2 {
		t.Errorf("%d supporters after the merge", got.Supporters)
	}
	if got := w.read(second); got.State != needs.Merged || *got.MergedInto != first.ID {
		t.Errorf("%+v", got)
	}
	var fields *giving.FieldErrors
	if _, err := needs.Reply(w.book, first, needs.Answered, ""); !errors.As(err, &fields) {
		t.Errorf("an answer without words: %v", err)
	}
	w.take(needs.Reply(w.book, first, needs.Answered, "今年的经费已经用完，明年优先。"))
	if _, err := needs.Reply(w.book, w.read(first), needs.Done, "好了"); !errors.Is(err, giving.ErrStep) {
		t.Errorf("answered twice: %v", err)
	}
	for search, want := range map[string]int{"": 2, "晾衣": 2, "统一": 1, "三栋": 2, "100%": 0, "_": 0} {
		list, err := needs.Find(t.Context(), w.db, w.book, needs.Filter{All: true, Search: search})
		if err != nil || len(list) != want {
			t.Errorf("%q finds %d, %v", search, len(list), err)
		}
	}
	if list, err := needs.Find(t.Context(), w.db, w.book, needs.Filter{Streets: []int32{99}, Filed: true}); err != nil || len(list) != 0 {
		t.Errorf("another street finds %d, %v", len(list), err)
	}
}

// TestIntent: a need, an offer and money are linked; the intent becomes a proposal once.
func TestIntent(t *testing.T) {
	w := newWorld(t)
	var items []*needs.Item
	for n, kind := range []string{needs.Need, needs.Offer, needs.Means} {
		i := needs.Item{ID: uuid.New(), Book: kind, Theme: "elderly", StreetID: w.street, Title: fmt.Sprint("项目", n), Amount: 10_000_00}
		if _, err := needs.Enter(w.book, i, now); (err == nil) != (kind == needs.Need) {
			t.Errorf("%s of nobody: %v", kind, err)
		}
		i.Firm = "暖阳社工"
		w.take(needs.Enter(w.book, i, now))
		read, err := needs.ByID(t.Context(), w.db, w.book, i.ID)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, read)
	}
	in := needs.Intent{ID: uuid.New(), Amount: 10_000_01}
	var fields *giving.FieldErrors
	if _, err := needs.Link(w.book, in, items[0], items[1], items[2]); !errors.As(err, &fields) {
		t.Errorf("more than is offered: %v", err)
	}
	if _, err := needs.Link(w.book, in, items[1], items[0], nil); !errors.As(err, &fields) || len(fields.List) != 3 {
		t.Errorf("the wrong way round, without money: %v", err)
	}
	in.Amount = 10_000_00
	w.take(needs.Link(w.book, in, items[0], items[1], items[2]))
	list, err := needs.Intents(t.Context(), w.db, w.book, false, []int32{w.street}, &items[2].ID, uuid.Nil)
	if err != nil || len(list) != 1 || list[0].State != needs.Meant {
		t.Fatalf("%+v %v", list, err)
	}
	if before, err := needs.Intents(t.Context(), w.db, w.book, true, nil, nil, list[0].ID); err != nil || len(before) != 0 {
		t.Errorf("before the only one: %+v %v", before, err)
	}
	w.take(needs.Propose(w.book, &list[0], items[0]))
	if w.read(items[0]).State != needs.Taken {
		t.Error("the need is not taken up")
	}
	if list, _ = needs.Intents(t.Context(), w.db, w.book, true, nil, nil, uuid.Nil); list[0].State != needs.Proposed {
		t.Errorf("%+v", list)
	}
	if _, err := needs.Drop(w.book, &list[0], "x"); !errors.Is(err, giving.ErrStep) {
		t.Errorf("dropped afterwards: %v", err)
	}
}

// TestPhotos: only photos, small enough, drawn anew without what the camera wrote; four at most.
func TestPhotos(t *testing.T) {
	w := newWorld(t)
	photo := func(side int, shade uint8) []byte {
		img := image.NewGray(image.Rect(0, 0, side, side/2))
		for i := range img.Pix {
			img.Pix[i] = shade
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, img, nil); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	plain := photo(2000, 10)
	const where = "GPS 29.5N 106.5E"
	tagged := append(append(append([]byte{}, plain[:2]...), 0xff, 0xe1, 0, byte(len(where)+2)), where...) // APP1, where cameras write
	tagged = append(tagged, plain[2:]...)
	clean, err := needs.CleanPhoto(tagged)
	if err != nil || !bytes.Contains(tagged, []byte(where)) || bytes.Contains(clean, []byte("GPS")) {
		t.Fatalf("%d bytes, %v", len(clean), err)
	}
	if head, err := jpeg.DecodeConfig(bytes.NewReader(clean)); err != nil || head.Width > 1600 {
		t.Errorf("%+v %v", head, err)
	}
	var asPNG bytes.Buffer
	if err := png.Encode(&asPNG, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	if _, err := needs.CleanPhoto(asPNG.Bytes()); err != nil {
		t.Error(err)
	}
	for name, body := range map[string][]byte{"nothing": nil, "text": []byte("<svg onload=alert(1)>"), "cut": plain[:40], "large": make([]byte, needs.PhotoMax+1)} {
		if _, err := needs.CleanPhoto(body); !errors.Is(err, needs.ErrPhoto) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var photos [][]byte
	for shade := range needs.PhotosMax + 1 {
		photos = append(photos, photo(20, uint8(shade*40)))
	}
	i, err := w.file(0, "有照片", photos...)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := needs.Photos(t.Context(), w.db, w.book, i)
	if err != nil || len(kept) != needs.PhotosMax {
		t.Fatalf("%d photos, %v", len(kept), err)
	}
	if body, err := needs.Photo(t.Context(), w.db, w.book, i, kept[0]); err != nil || len(body) == 0 {
		t.Error(err)
	}
	if _, err := needs.Photo(t.Context(), w.db, w.book, i, make([]byte, 32)); !errors.Is(err, needs.ErrNoItem) {
		t.Errorf("no photo: %v", err)
	}
}
