package web

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// teamed is an office with a paid gift by somebody known by an e-mail address, and a browser of nobody's.
func teamed(t *testing.T) (o *office, c *client, ref string) {
	t.Helper()
	o = newOffice(t)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.AddProcessor(ctx, tx, o.book, payments.SandboxCode)
	})
	id := o.giftBy("王女士", ownEmail, 100_00, o.now)
	return o, o.browser(), giving.Ref(o.book, id)
}

// TestATeam: a gift begins a team, gifts through its link count, a flower takes one's own page, the poster has a code, the staff may hide it.
func TestATeam(t *testing.T) {
	t.Parallel()
	o, c, ref := teamed(t)
	c.wants(c.get("/g/"+ref), http.StatusOK, "发起一起捐")
	c.wants(c.get("/g/"+ref+"/team"), http.StatusOK, "队名", "目标")
	c.wants(c.post("/g/"+ref+"/team", url.Values{"title": {"x"}, "goal": {"many"}}), http.StatusUnprocessableEntity)
	a := c.post("/g/"+ref+"/team", url.Values{"title": {"楼下的朋友"}, "goal": {"1000"}})
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/t/") {
		t.Fatalf("begin: %d %s", a.status, a.text)
	}
	team := a.to
	code := strings.TrimPrefix(team, "/t/")
	if again := c.get("/g/" + ref + "/team"); again.to != team {
		t.Errorf("begun already: %d to %q", again.status, again.to)
	}
	c.wants(c.get(team), http.StatusOK, "楼下的朋友", "已募 100.00 元，目标 1,000.00 元（10%）", "和小队一起捐", "送一朵小红花")
	c.wants(c.get("/c/space/teams"), http.StatusOK, "楼下的朋友")
	c.wants(c.get("/c/space/give?team="+code), http.StatusOK, "和小队一起捐：", `name="team" value="`+code+`"`)
	c.lacks(c.get("/c/space/give?team=aaaaaaaaaaaaaaaa"), `name="team"`)
	give := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "team": {code}}
	if a := c.post("/c/space/give", give); a.status != http.StatusSeeOther {
		t.Fatalf("give: %d %s", a.status, a.text)
	}
	var begun int
	o.must(o.db.QueryRow(o.Context(), `select count(*) from team_gift where book_id = $1`, o.book.ID).Scan(&begun))
	if begun != 2 {
		t.Errorf("%d gifts of the team", begun)
	}
	c.wants(c.get(team), http.StatusOK, "已募 100.00 元") // begun is not paid
	if a := c.post(team+"/flower", nil); a.to != ownPath {
		t.Errorf("a flower of nobody's: %d to %q", a.status, a.to)
	}
	c.post("/me/sign-in", url.Values{"email": {ownEmail}})
	c.post("/me/in/"+o.letters()[0].Secret, nil)
	for range 2 {
		if a := c.post(team+"/flower", nil); a.to != team {
			t.Errorf("flower: %d to %q", a.status, a.to)
		}
	}
	poster := c.get(team + "/poster")
	c.wants(poster, http.StatusOK, "楼下的朋友", "扫一扫，一起捐", "<path d=")
	if got := poster.head.Get("Content-Type"); !strings.HasPrefix(got, "image/svg+xml") {
		t.Errorf("poster is %s", got)
	}
	c.wants(c.get("/t/aaaaaaaaaaaaaaaa"), http.StatusNotFound)
	li, wu := o.as("li"), o.as("wu")
	li.wants(li.get(teamsPath), http.StatusOK, "楼下的朋友", code)
	wu.wants(wu.step(teamsPath, "team-hide", "code", code, "reason", "x"), http.StatusForbidden)
	li.stepped(teamsPath, "team-hide", "code", code, "reason", "名字不合适")
	for _, gone := range []string{team, team + "/poster"} {
		c.wants(c.get(gone), http.StatusNotFound)
	}
	c.lacks(c.get("/c/space/teams"), "楼下的朋友")
}

func TestTeamsLook(t *testing.T) {
	t.Parallel()
	o, c, ref := teamed(t)
	a := c.post("/g/"+ref+"/team", url.Values{"title": {"一个名字特别特别长特别特别长的小队（石坪桥三号楼）"}, "goal": {"1000"}})
	fresh := giving.Ref(o.book, o.giftBy("李四", "", 50_00, o.now))
	code := strings.TrimPrefix(a.to, "/t/")
	o.looks(t, "team", [][3]string{{"li", "page", a.to}, {"li", "list", "/c/space/teams"}, {"li", "form", "/g/" + fresh + "/team"}, {"li", "give", "/c/space/give?team=" + code}, {"li", "console", teamsPath}})
	ctx := browser(t)
	for _, lang := range []Lang{ZH, EN} {
		do(ctx, t, chromedp.EmulateViewport(600, 900), chromedp.Navigate(o.url+a.to+"/poster?lang="+string(lang)))
		picture(ctx, t, os.Getenv("SUNFUND_SCREENSHOTS"), "team-poster-"+string(lang))
	}
}
