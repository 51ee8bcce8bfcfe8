package web

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// slicedDays opens three days of yuan for yuan from 500.00, of which 100.00 may be used on a day and 60.00 are kept for the second evening.
func (o *office) slicedDays(code string) {
	o.Helper()
	before := o.now.AddDate(0, 0, -9)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		rule, err := match.New(match.Terms{Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai",
			Windows: []match.Window{{Name: "days", From: "2026-09-01T00:00", To: "2026-09-10T00:00", Opens: "09:30"}, {Name: "evening", From: "2026-09-03T20:00", To: "2026-09-04T00:00"}},
			Pools:   []match.Pool{{Code: "main", Funder: match.Name{ZH: "甲公司", EN: "Company A"}, Amount: "500.00", Daily: "100.00", Slices: []match.Slice{{Window: "evening", Amount: "60.00"}}}},
			Award:   match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}}, Order: match.FirstCome, Unspent: match.GiveBack, Refund: match.ToPool, Notice: 10})
		if err != nil {
			return err
		}
		var seed match.Seed
		if _, err := rand.Read(seed[:]); err != nil {
			return err
		}
		e, err := giving.CreateEvent(ctx, tx, o.book, code, "社区互助日", "Neighbours' days", seed, uuid.New(), before)
		if err != nil {
			return err
		}
		sign := giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: before, Made: "王会计", Check: "李主任"}
		if _, err := giving.PublishRule(ctx, tx, o.book, e.ID, rule, before, []giving.PoolPlan{{Code: "main", Kind: giving.PoolPromised}}, sign); err != nil {
			return err
		}
		return giving.OpenEvent(ctx, tx, o.book, e.ID, before)
	})
}

// row is a row of the table behind a picture.
func (p figure) row(label string) []string {
	p.Helper()
	_, rows := p.table()
	for _, row := range rows {
		if row[0] == label {
			return row
		}
	}
	p.Errorf("%s has no row %q in %q", p.id, label, rows)
	return make([]string, 9)
}

// Gifts by the hour on days of many gifts: each picture is a day, the last one first, with the days before and after beside it; a gift stands in the hour of the
// book's clock in which it was paid, whenever it was booked, and stays there when it is refunded; the pool falls by what the hour earned and rises by what
// falls back; slices and parts of a day are marked. Before the first gift the page says so.
func TestDayHours(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 10_00) // the campaign is there
	o.slicedDays("days")
	c, li := o.browser(), o.as("li")
	c.wants(c.get("/days/days"), http.StatusOK, "还没有捐赠。第一笔支付以后，这里按小时显示。")
	li.wants(li.get("/console/match/days"), http.StatusOK, "还没有捐赠。第一笔支付以后")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 9, day, hour, minute, 0, 0, o.book.Zone) }
	o.giftBy("晚", "late@example.org", 15_00, at(6, 10, 0)) // booked first, paid last
	first := o.giftBy("甲", "a@example.org", 40_00, at(2, 10, 0))
	o.giftBy("乙", "b@example.org", 30_00, at(2, 10, 0).Add(-time.Millisecond))
	o.giftBy("丙", "c@example.org", 50_00, at(2, 23, 59)) // the day has 100.00
	o.giftBy("丁", "d@example.org", 80_00, at(3, 20, 0))  // 60.00 of the slice, 20.00 of the day
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		var ref string
		if err := tx.QueryRow(ctx, `select ref from gift where book_id = $1 and id = $2`, o.book.ID, first).Scan(&ref); err != nil {
			return err
		}
		out, err := giving.BookRefunds(ctx, tx, o.book, []giving.Refunded{{GiftRef: ref, Amount: 40_00, RefundedAt: at(2, 12, 30), Channel: giving.WeChat, Ref: "R1"}})
		if err == nil {
			err = out[0].Err
		}
		return err
	})
	last := c.pictures("/days/days", "hours", "pools")
	if got := strings.Join(last["hours"].row("2026-09-06 10:00"), "|"); got != "2026-09-06 10:00|15.00|1|15.00" {
		t.Errorf("the last day: %s", got)
	}
	c.wants(c.get("/days/days"), http.StatusOK, "2026-09-06：1 笔捐赠，共 15.00 元", `href="/days/days?day=2026-09-03"`, "▼")
	c.lacks(c.get("/days/days"), `href="/days/days?day=2026-09-02"`)
	day := c.pictures("/days/days?day=2026-09-02", "hours", "pools")
	for label, want := range map[string]string{"2026-09-02 09:00": "30.00|1|30.00", "2026-09-02 10:00": "40.00|1|40.00", "2026-09-02 23:00": "50.00|1|30.00", "2026-09-02 11:00": "0.00|0|0.00"} {
		if got := strings.Join(day["hours"].row(label), "|"); got != label+"|"+want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for label, want := range map[string]string{"2026-09-02 00:00": "500.00|0.00|0.00|", "2026-09-02 09:00": "470.00|30.00|0.00|09:30 main 100.00", "2026-09-02 10:00": "430.00|40.00|0.00|"} {
		if got := strings.Join(day["pools"].row(label), "|"); got != label+"|"+want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	evening := li.pictures("/console/match/days?day=2026-09-03", "hours", "pools")
	if got := strings.Join(evening["pools"].row("2026-09-03 20:00"), "|"); !strings.HasSuffix(got, "|80.00|0.00|20:00 main/evening 60.00") {
		t.Errorf("the slice: %s", got)
	}
	li.wants(li.get("/console/match/days?day=2026-09-03"), http.StatusOK, `href="/console/match/days?day=2026-09-02"`, `href="/console/match/days?day=2026-09-06"`)
	c.wants(c.get("/days/days?day=x"), http.StatusOK, "2026-09-06：1 笔捐赠")
	c.lacks(c.get("/days/days"), "图中没有")
	// Once the rest has gone back, which is of no hour, the page says so, and what the pools hold is what the hours leave less that.
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		e, err := giving.EventByCode(ctx, tx, o.book, "days")
		if err != nil {
			return err
		}
		if err := giving.CloseEvent(ctx, tx, o.book, e.ID, o.now); err != nil {
			return err
		}
		_, err = giving.ReturnRest(ctx, tx, o.book, e.ID, "main", giving.PayReturned, giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: o.now, Made: "王会计", Check: "李主任"})
		return err
	})
	c.wants(c.get("/days/days"), http.StatusOK, "2026-09-06 的捐赠之后还剩 345.00 元", "之后退回出资方或转到以后的活动 345.00 元，图中没有。现在池里还有 0.00 元。")
	c.lacks(c.get("/days/days"), "乙", "example.org") // nobody is told by it
	if list, one := o.as("wu").get(matchPath).status, o.as("wu").get(matchPath+"/days").status; list != one {
		t.Errorf("a street officer gets %d for the list and %d for the day", list, one)
	}
}

// On a random day of two the table is what the gifts of the ledger say, and added up to it; hours to come have no row.
func TestDayHoursAreTheLedgers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 10_00)
	o.slicedDays("days")
	random := mathrand.New(mathrand.NewPCG(4, 2))
	for i := range 25 {
		o.giftBy("", fmt.Sprint("d", i, "@example.org"), 1+random.Int64N(99_99), o.now.Add(-time.Duration(random.IntN(30*60))*time.Minute))
	}
	c := o.browser()
	before := c.get("/days/days")
	for { // the same, once the job has counted
		var n int
		o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			n, err = giving.CountHours(ctx, tx, o.book)
			return err
		})
		if n == 0 {
			break
		}
	}
	want := map[string][2]int64{}
	var sum [2]int64
	rows, err := o.db.Query(t.Context(), `select paid_at, amount from gift g where exists (select from match_award a where a.book_id = g.book_id and a.gift_id = g.id)`)
	o.must(err)
	var paid time.Time
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&paid, &amount}, func() error {
		label := paid.In(o.book.Zone).Format("2006-01-02 15:00")
		want[label] = [2]int64{want[label][0] + amount, want[label][1] + 1}
		sum = [2]int64{sum[0] + amount, sum[1] + 1}
		return nil
	})
	o.must(err)
	page := c.pictures("/days/days?lang=en", "hours", "pools")
	_, table := page["hours"].table()
	for _, row := range table {
		if got := [2]int64{page["hours"].plain(row[1]), page["hours"].plain(row[2])}; got != want[row[0]] {
			t.Errorf("%s: %v, the ledger says %v", row[0], got, want[row[0]])
		}
		delete(want, row[0])
	}
	if len(want) > 0 || len(table) == 48 || table[len(table)-1][0] != o.now.In(o.book.Zone).Format("2006-01-02 15:00") {
		t.Errorf("not in the table: %v; the last of %d rows is %s", want, len(table), table[len(table)-1][0])
	}
	amounts := func(text string) string { return textOf(picturesOf(t, text)["hours"].all("desc")[0]) }
	if got := amounts(c.get("/days/days?lang=en").text); !strings.Contains(got, strconv.FormatInt(sum[1], 10)+" gifts") {
		t.Errorf("%q does not tell of %d gifts", got, sum[1])
	}
	if got, counted := amounts(before.text), amounts(c.get("/days/days?lang=zh-CN").text); got != counted {
		t.Errorf("counted on the way %q, by the job %q", got, counted)
	}
	var left int64
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		e, err := giving.EventByCode(ctx, tx, o.book, "days")
		if err != nil {
			return err
		}
		a, err := giving.AmountsOf(ctx, tx, o.book, e.ID, o.now)
		left = a.Pledged
		return err
	})
	_, steps := page["pools"].table()
	if got := page["pools"].plain(steps[len(steps)-1][1]); got != left {
		t.Errorf("the last step is %d, the pool's account %d", got, left)
	}
}
