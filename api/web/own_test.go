package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
)

const ownEmail = "wang@example.org"

// giftBy books a gift told with an address.
func (o *office) giftBy(name, email string, amount int64, at time.Time) uuid.UUID {
	o.Helper()
	if _, err := giving.CampaignByID(o.Context(), o.db, o.book, 1); err != nil {
		o.gift("", 1_00) // makes the campaign
	}
	var id uuid.UUID
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: 1, Amount: amount, PaidAt: at, Channel: giving.WeChat, Ref: "WX" + uuid.NewString(), Name: name, Email: email, Message: "加油"}})
		if err != nil {
			return err
		}
		id = out[0].ID
		return out[0].Err
	})
	return id
}

// letters are those to donors, newest first, once askings are answered.
func (o *office) letters() (list []giving.Letter) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := giving.AnswerSignIns(ctx, tx, o.book, o.now); err != nil {
			return err
		}
		var err error
		list, err = giving.Letters(ctx, tx, o.book, uuid.Nil, 100)
		return err
	})
	return list
}

// opens asks for a letter and follows its link.
func (c *client) opens(email string) {
	c.Helper()
	c.wants(c.post("/me/sign-in", url.Values{"email": {email}}), http.StatusSeeOther)
	link := "/me/in/" + c.letters()[0].Secret
	c.wants(c.get(link), http.StatusOK, "打开我的页面")
	c.wants(c.post(link, nil), http.StatusSeeOther)
}

// T3: the link of a letter is 256 random bits, opens once, within 15 minutes, in the browser that asked; whoever guesses waits.
func TestT3LetterLink(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.giftBy("王女士", ownEmail, 50_00, o.now)
	mine, other := o.browser(), o.browser()
	ask := func(c *client) string {
		c.wants(c.post("/me/sign-in", url.Values{"email": {" WANG@example.org "}}), http.StatusSeeOther)
		return "/me/in/" + c.letters()[0].Secret
	}
	link := ask(mine)
	if len(link) != len("/me/in/")+43 {
		t.Errorf("secret of %d characters", len(link)-len("/me/in/"))
	}
	var kept string
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select string_agg(s::text || l::text, '') from private.sign_in s, private.letter l`).Scan(&kept)
	})
	if strings.Contains(kept, strings.TrimPrefix(link, "/me/in/")) || strings.Contains(kept, "example") {
		t.Error("the database holds the link or the address in clear")
	}
	other.wants(other.get(link), http.StatusForbidden, "那个浏览器", `name="email"`)
	other.wants(other.post(link, nil), http.StatusForbidden, "那个浏览器")
	mine.wants(mine.get(link), http.StatusOK) // a look uses nothing up
	mine.wants(mine.get(link), http.StatusOK)
	if a := mine.do(http.MethodHead, link, nil); a.status != http.StatusOK {
		t.Errorf("HEAD: %d", a.status)
	}
	mine.wants(mine.post(link, nil), http.StatusSeeOther)
	mine.wants(mine.get("/me"), http.StatusOK, "王女士", "50.00")
	mine.wants(mine.post(link, nil), http.StatusNotFound, "用过了", `name="email"`)
	mine.wants(mine.get(link), http.StatusNotFound)
	late := ask(other)
	o.now = o.now.Add(giving.SignInLife)
	other.wants(other.post(late, nil), http.StatusNotFound, "用过了")
	other.wants(other.get("/me"), http.StatusOK, `name="email"`)
	o.now = o.now.Add(giving.SessionLife)
	mine.wants(mine.get("/me"), http.StatusOK, `name="email"`) // the page has closed by itself

	const most = 1_000 // guesses from one address in a window
	guess := o.browser()
	guess.wants(guess.post("/me/in/"+giving.NewSecret(), nil), http.StatusNotFound)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update form_turn set turns = $1 where form = 'look_up' and kind = 'address'`, most)
		return err
	})
	guess.wants(guess.post("/me/in/"+giving.NewSecret(), nil), http.StatusTooManyRequests)
}

// T4: the answer to a known address is the answer to an unknown one, and the request does the same; only a letter tells.
func TestT4LetterAsking(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.giftBy("王女士", ownEmail, 50_00, o.now)
	answer := func(email string) (reply, reply) {
		c := o.browser()
		return c.post("/me/sign-in", url.Values{"email": {email}}), c.get("/me/asked")
	}
	a, after := answer(ownEmail)
	b, afterB := answer("nobody@example.org")
	if a.status != b.status || a.to != b.to || a.text != b.text || after.text != afterB.text {
		t.Errorf("known %d %s, unknown %d %s", a.status, a.to, b.status, b.to)
	}
	count := func() (n int) {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from private.sign_in`).Scan(&n)
		})
		return n
	}
	if n := count(); n != 2 {
		t.Errorf("%d askings of 2 are noted", n)
	}
	if list := o.letters(); len(list) != 1 || list[0].Email != ownEmail {
		t.Errorf("letters: %d", len(list))
	}
	if n := count(); n != 1 {
		t.Errorf("%d askings are left, want the known one", n)
	}
	const visitor = 5 // letters asked for one address in a window
	c := o.browser()
	for range visitor - 1 {
		c.wants(c.post("/me/sign-in", url.Values{"email": {"Wang@Example.org"}}), http.StatusSeeOther)
	}
	c.wants(c.post("/me/sign-in", url.Values{"email": {ownEmail}}), http.StatusTooManyRequests)
	c.wants(c.post("/me/sign-in", url.Values{"email": {"nobody"}}), http.StatusUnprocessableEntity, "邮箱")
}

// A5: what opens a donor's page opens no page of staff, in its own cookie or in theirs.
func TestA5DonorSessionOnStaffRoutes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.giftBy("王女士", ownEmail, 50_00, o.now)
	donor := o.browser()
	donor.opens(ownEmail)
	at, err := url.Parse(o.url)
	o.must(err)
	var token string
	for _, c := range donor.http.Jar.Cookies(at) {
		if c.Name == donorCookie {
			token = c.Value
		}
	}
	if token == "" {
		t.Fatal("no cookie")
	}
	forged := o.browser()
	forged.http.Jar.SetCookies(at, []*http.Cookie{{Name: donorCookie, Value: token, Path: "/"}, {Name: sessionCookie, Value: token, Path: "/"}})
	tried := 0
	for _, r := range (&Server{}).routes() {
		if r.open {
			continue
		}
		path := parameter.ReplaceAllLiteralString(r.path, "1")
		for name, c := range map[string]*client{"as it is": donor, "as a staff session": forged} {
			a := c.do(r.method, path, map[bool]url.Values{true: {}}[r.method == http.MethodPost])
			if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden && !(a.status == http.StatusSeeOther && strings.HasPrefix(a.to, "/console/sign-in")) {
				t.Errorf("%s %s, donor's token %s: %d", r.method, path, name, a.status)
			}
			tried++
		}
	}
	if tried < 150 {
		t.Errorf("%d requests only", tried)
	}
	li := o.as("li") // and the other way round
	li.wants(li.get("/me"), http.StatusOK, `name="email"`)
}

// A donor sees what was given under the address, has the name hidden, takes the data out and has them erased.
func TestOwnPage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	li.wants(li.numbered("50010126", "00000101", "00000200"), http.StatusSeeOther)
	first := o.giftBy("王女士", ownEmail, 123_45, o.now)
	o.giftBy("王晓明", strings.ToUpper(ownEmail), 1_000_00, o.now.AddDate(-1, 0, 0))
	foreign := o.giftBy("李女士", "li@example.org", 77_00, o.now)
	ref := giving.Ref(o.book, first)
	donor := o.browser()
	donor.wants(donor.get("/me/record"), http.StatusSeeOther)
	donor.opens(ownEmail)
	page := donor.get("/me")
	donor.wants(page, http.StatusOK, "123.45", "1,000.00", "2026", "2025", ref)
	donor.lacks(page, "77.00", giving.Ref(o.book, foreign), ownEmail)

	donor.wants(donor.post("/g/"+ref+"/receipt", url.Values{"kind": {"person"}, "payer": {"王女士"}}), http.StatusSeeOther)
	anybody := o.browser()
	anybody.wants(anybody.get("/g/"+ref), http.StatusOK, "王女士")
	anybody.lacks(anybody.get("/g/"+ref), "example")
	anybody.wants(anybody.get("/g/"+ref+"/receipt"), http.StatusOK, "发到我的邮箱")
	anybody.wants(anybody.post("/g/"+ref+"/receipt/mail", nil), http.StatusSeeOther)
	letter := o.letters()[0]
	if letter.Kind != giving.ReceiptLetter || letter.Email != ownEmail || letter.Secret != "" {
		t.Errorf("letter %+v", letter)
	}
	text, err := WriteLetter(t.Context(), o.db, o.book, letter)
	o.must(err)
	if text.Path != "/g/"+ref+"/receipt" || !strings.Contains(text.Body, "123.45") || strings.Contains(text.Body, "王") {
		t.Errorf("letter says %+v", text)
	}
	for range 2 {
		anybody.wants(anybody.post("/g/"+ref+"/receipt/mail", nil), http.StatusSeeOther)
	}
	anybody.wants(anybody.post("/g/"+ref+"/receipt/mail", nil), http.StatusTooManyRequests)
	silent := giving.Ref(o.book, o.gift("无邮箱", 9_00))
	anybody.lacks(anybody.get("/g/"+silent+"/receipt"), "发到我的邮箱")
	anybody.wants(anybody.post("/g/"+silent+"/receipt/mail", nil), http.StatusNotFound)
	donor.wants(donor.post("/g/"+silent+"/receipt/mail", nil), http.StatusSeeOther) // to the address that opened the page

	donor.wants(donor.get("/me/statement?year=2026"), http.StatusOK, "00000101", "123.45", "2026年捐赠清单", "不是票据")
	donor.lacks(donor.get("/me/statement?year=2026"), "1,000.00")
	donor.wants(donor.get("/me/statement?year=1999"), http.StatusNotFound)

	o.names(anybody, true)
	donor.wants(donor.post("/me/name", url.Values{"ref": {ref}, "anonymous": {"yes"}}), http.StatusSeeOther)
	donor.wants(donor.post("/me/name", url.Values{"ref": {ref}, "anonymous": {"yes"}}), http.StatusSeeOther) // twice is once
	o.names(anybody, false)
	donor.wants(donor.post("/me/name", url.Values{"ref": {ref}}), http.StatusSeeOther)
	o.names(anybody, true)
	donor.wants(donor.post("/me/name", url.Values{"ref": {giving.Ref(o.book, foreign)}, "anonymous": {"yes"}}), http.StatusNotFound)
	var wishes int
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from gift_wish`).Scan(&wishes)
	})
	if wishes != 2 {
		t.Errorf("%d wishes on record, want 2", wishes)
	}

	donor.wants(donor.get("/me/record"), http.StatusOK, `"王女士"`, ownEmail, `"123.45"`)
	donor.lacks(donor.get("/me/record"), "李女士")
	donor.wants(donor.get("/me/erase"), http.StatusOK, "必须留下")
	donor.wants(donor.post("/me/erase", url.Values{}), http.StatusUnprocessableEntity, "再看一眼：")
	donor.wants(donor.post("/me/erase", url.Values{"sure": {"yes"}}), http.StatusOK, "已经删除")
	donor.wants(donor.get("/me"), http.StatusOK, `name="email"`)
	anybody.wants(anybody.get("/g/"+ref), http.StatusOK, "123.45", "已删除")
	o.names(anybody, false)
	if list := o.letters(); len(list) != 0 {
		t.Errorf("%d letters are left", len(list))
	}
	donor.wants(donor.post("/me/sign-in", url.Values{"email": {ownEmail}}), http.StatusSeeOther)
	if list := o.letters(); len(list) != 0 {
		t.Error("a letter to somebody who was erased")
	}
}

// names tells whether the public sees the name of 王女士 on the campaign's page and on the gift's.
func (o *office) names(c *client, want bool) {
	o.Helper()
	if got := strings.Contains(c.get("/c/space").text, "王女士"); got != want {
		o.Errorf("name on the campaign's page: %v, want %v", got, want)
	}
}

// TestOwnLook opens the donor's pages in both languages, on a phone and on a desk, and keeps pictures.
func TestOwnLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	li.numbered("50010126", "00000101", "00000200")
	for i := range 5 {
		id := o.giftBy("王女士", ownEmail, int64(1990+i*731_37), o.now.AddDate(0, -5*i, 0))
		if i < 3 {
			li.post("/g/"+giving.Ref(o.book, id)+"/receipt", url.Values{"kind": {"person"}, "payer": {"王女士"}})
		}
	}
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate(o.url+"/me"))
	send := func(path, fields string) {
		eval(ctx, t, fmt.Sprintf(`fetch(%q, {method: "POST", redirect: "manual", body: new URLSearchParams(%s)}).then(() => "sent")`, path, fields))
	}
	send("/me/sign-in", `{email: "`+ownEmail+`"}`)
	link := "/me/in/" + o.letters()[0].Secret
	pages := []struct{ name, path string }{{"ask", "/me"}, {"asked", "/me/asked"}, {"link", link}, {"old", "/me/in/x"}, {"page", "/me"}, {"statement", "/me/statement?year=2026"}, {"erase", "/me/erase"}}
	for i, p := range pages {
		if i == 4 {
			send(link, `{}`)
		}
		inspect(ctx, t, bothHeard, "own-"+p.name, o.url+p.path)
	}
}
