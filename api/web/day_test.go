package web

import (
	"bufio"
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// givingDay publishes a day of yuan for yuan out of 1,000 from the hour given, open or still to be opened.
func givingDay(ctx context.Context, tx pgx.Tx, book *ledger.Book, code, from string, open bool, now time.Time) error {
	rule, err := match.New(match.Terms{Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai", Windows: []match.Window{{Name: "days", From: from, To: "2026-12-31T00:00"}},
		Pools: []match.Pool{{Code: "main", Funder: match.Name{ZH: "甲公司", EN: "Company A"}, Amount: "1000.00"}}, Award: match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}},
		Order: match.FirstCome, Unspent: match.GiveBack, Refund: match.ToPool, Notice: 10})
	if err != nil {
		return err
	}
	var seed match.Seed
	if _, err := rand.Read(seed[:]); err != nil {
		return err
	}
	e, err := giving.CreateEvent(ctx, tx, book, code, "社区互助日", "Neighbours' day", seed, uuid.New(), now)
	if err != nil {
		return err
	}
	sign := giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: now, Made: "王会计", Check: "李主任"}
	if _, err := giving.PublishRule(ctx, tx, book, e.ID, rule, now, []giving.PoolPlan{{Code: "main", Kind: giving.PoolPromised}}, sign); err != nil {
		return err
	}
	if !open {
		return nil
	}
	return giving.OpenEvent(ctx, tx, book, e.ID, now)
}

// TestAGivingDay: a countdown before, what is left of the pool with its time, gifts and match apart, correct after every reload.
func TestAGivingDay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 10_00) // the campaign is there
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := givingDay(ctx, tx, o.book, "later", "2026-09-08T12:05", false, o.now); err != nil {
			return err
		}
		return givingDay(ctx, tx, o.book, "today", "2026-09-01T00:00", true, o.now)
	})
	c := o.browser()
	c.wants(c.get("/days/later"), http.StatusOK, "社区互助日", "还有 1 天 2 小时 0 分钟", "1,000.00")
	c.wants(c.get("/days/today"), http.StatusOK, "正在配捐", "配捐池还剩", "1,000.00", "还没有赢得配捐的项目", `data-live="/days/today/live?v=`)
	c.wants(c.get("/days/never"), http.StatusNotFound)
	before := c.get("/days/today").text
	o.gift("李女士", 300_00)
	page := c.get("/days/today")
	c.wants(page, http.StatusOK, "700.00", "捐赠 310.00 元 · 已赢得，未结算 300.00 元 · 已结算 0.00 元", "最新捐赠")
	c.wants(page, http.StatusOK, "配捐 300.00 元", `data-often="1"`)
	c.wants(c.get("/days/today?page=9"), http.StatusOK, "E爱空间") // there is one page
	version := func(text string) string {
		_, rest, _ := strings.Cut(text, "/days/today/live?v=")
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	if version(before) == version(page.text) {
		t.Error("the page has changed and its version has not")
	}
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/days/today/live?v="+version(before), nil)
	o.must(err)
	response, err := http.DefaultClient.Do(request)
	o.must(err)
	defer response.Body.Close()
	heard := false
	for lines := bufio.NewScanner(response.Body); !heard && lines.Scan(); {
		heard = strings.Contains(lines.Text(), "700.00")
	}
	if !heard {
		t.Error("the stream does not tell what is left")
	}
}

// TestDayPages: a ranking of five hundred is shown twenty at a time, and a day is looked at several times a second.
func TestDayPages(t *testing.T) {
	t.Parallel()
	for _, p := range []struct{ page, rows, from, to int }{{0, 0, 0, 0}, {1, 7, 0, 7}, {1, 20, 0, 20}, {2, 20, 0, 20}, {2, 21, 20, 21}, {25, 500, 480, 500}, {99, 500, 480, 500}, {-3, 500, 0, 20}} {
		if from, to := dayPage(p.page, p.rows); from != p.from || to != p.to {
			t.Errorf("page %d of %d rows: %d to %d", p.page, p.rows, from, to)
		}
	}
	if liveOften > time.Second/3 {
		t.Errorf("a look every %v", liveOften)
	}
}

// TestManyReadersOneLook: however many have a page open, the database is asked once a tick.
func TestManyReadersOneLook(t *testing.T) {
	t.Parallel()
	const readers = 2000
	l := newLive()
	t.Cleanup(l.close)
	turn := make(chan struct{})
	looks := 0 // of one goroutine; read after its word came
	at := func(ctx context.Context) (string, func(Lang) (string, error), error) {
		select {
		case <-turn:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
		looks++
		word := strconv.Itoa(looks)
		return word, func(Lang) (string, error) { return word, nil }, nil
	}
	var all []<-chan string
	for range readers {
		updates, leave, err := l.watch(1, "day 1 1", ZH, "0", liveEvery, at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(leave)
		all = append(all, updates)
	}
	for tick := 1; tick <= 3; tick++ {
		turn <- struct{}{}
		for i, updates := range all {
			if got := <-updates; got != strconv.Itoa(tick) {
				t.Fatalf("reader %d hears %q at tick %d", i, got, tick)
			}
		}
	}
	if looks != 3 {
		t.Errorf("%d looks for %d readers in 3 ticks", looks, readers)
	}
}

func TestDayLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 10_00)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := givingDay(ctx, tx, o.book, "later", "2026-09-08T12:05", false, o.now); err != nil {
			return err
		}
		return givingDay(ctx, tx, o.book, "today", "2026-09-01T00:00", true, o.now)
	})
	o.gift("李女士", 300_00)
	o.looks(t, "day", [][3]string{{"li", "open", "/days/today"}, {"li", "later", "/days/later"}})
}
