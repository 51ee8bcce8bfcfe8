package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/votes"
)

var residentCode = regexp.MustCompile(`<code>([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4})</code>`)

// codes are made by whoever works for the street.
func (c *client) codes(n string) (codes []string) {
	c.Helper()
	a := c.step(communitiesPath+"/1", "resident-slips", "count", n)
	c.wants(a, http.StatusOK, "请现在打印")
	for _, m := range residentCode.FindAllStringSubmatch(a.text, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// votes enters a code in a browser of its own and casts a ballot.
func (o *office) votes(code, path string, choice ...string) *client {
	o.Helper()
	c := o.browser()
	c.wants(c.get(path), http.StatusOK, "输入居民码")
	if a := c.post(residentPath, url.Values{"code": {strings.ToLower(code)}, "next": {path}}); a.status != http.StatusSeeOther || a.to != path {
		o.Fatalf("code: %d to %s\n%s", a.status, a.to, a.text)
	}
	c.wants(c.post(path, url.Values{"choice": choice, "do": {"check"}}), http.StatusOK, "请核对您的选票")
	if a := c.post(path, url.Values{"choice": choice, "do": {"cast"}}); a.status != http.StatusSeeOther {
		o.Fatalf("vote: %d\n%s", a.status, a.text)
	}
	return c
}

// closeVote ends a vote as the service does when its time is over.
func (o *office) closeVote(number int32) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := polls.ByNumber(ctx, tx, o.book, number)
		if err != nil {
			return err
		}
		return polls.Close(ctx, tx, o.book, p, o.now)
	})
}

// TestResidentsVoteInTheConsole goes the whole way: communities, codes, a vote published by two people, ballots on a phone and on paper,
// the close, the count approved by a second person, money set aside, and a result that anybody counts again.
func TestResidentsVoteInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	wu.wants(wu.step(communitiesPath, "community-found", "zh", "向阳社区", "en", "Sunny", "code", "向阳", "street", "1"), http.StatusUnprocessableEntity, "请用 1 到 20 个字母")
	wu.wants(wu.step(communitiesPath, "community-found", "zh", "谢家", "en", "Xie", "code", "X", "street", "2"), http.StatusUnprocessableEntity)
	wu.stepped(communitiesPath, "community-found", "zh", "向阳社区", "en", "Sunny", "code", "XY", "street", "1")
	codes := wu.codes("4")
	if len(codes) != 4 {
		t.Fatalf("%d codes", len(codes))
	}
	wu.wants(wu.step(communitiesPath+"/1", "resident-verify", "phone", "12"), http.StatusUnprocessableEntity, "请填写电话号码")
	verified := wu.step(communitiesPath+"/1", "resident-verify", "phone", "138 0000 1234")
	wu.wants(verified, http.StatusOK, "请现在念给本人")
	wu.wants(wu.get(communitiesPath), http.StatusOK, "向阳社区")

	draft := []string{"communities", "1", "zh", "今年做什么", "en", "What to do", "fund", o.fundOf(1), "budget", "20000", "due-opens", "2026-09-07", "due-closes", "2026-09-20", "paper", "向阳居委会",
		"ballot", "basket", "least", "1", "method", "shares-raise", "step", "", "ties", "cost-votes"}
	bad := append([]string{}, draft...)
	bad[11], bad[17] = "2026-09-21", "points"
	wu.wants(wu.step(pollsPath, "poll-enter", bad...), http.StatusUnprocessableEntity, "每人一共几分")
	poll := wu.stepped(pollsPath, "poll-enter", draft...)
	for _, p := range [][3]string{{"楼道扶手", "Handrails", "9000"}, {"凉亭", "Pavilion", "12000"}, {"晾衣架", "Drying racks", "3000"}} {
		wu.stepped(poll, "poll-add", "zh", p[0], "en", p[1], "cost", p[2], "about", "")
	}
	wu.wants(wu.step(poll, "poll-add", "zh", "大楼", "en", "Tower", "cost", "20000.01"), http.StatusUnprocessableEntity, "不能超过预算")
	anybody := o.browser()
	anybody.wants(anybody.get("/vote/1"), http.StatusNotFound)
	wu.wants(wu.step(poll, "poll-publish"), http.StatusConflict) // the association's accountant asks
	chen.decides(li.stepped(poll, "poll-publish"), "approve", "")
	anybody.wants(anybody.get("/vote/1"), http.StatusOK, "正在投票", "楼道扶手", "等额分配法", "输入居民码")
	anybody.wants(anybody.get(votesPath), http.StatusOK, "今年做什么")
	anybody.wants(anybody.post("/vote/1", url.Values{"choice": {"1"}, "do": {"cast"}}), http.StatusSeeOther)
	anybody.wants(anybody.post(residentPath, url.Values{"code": {"AAAA-AAAA-AAAA"}}), http.StatusUnprocessableEntity, "没有这个码")

	first := o.votes(codes[0], "/vote/1", "2")
	first.wants(first.get("/vote/1?cast=1"), http.StatusOK, "您的选票已收到", "您已经投过票")
	first.wants(first.post("/vote/1", url.Values{"choice": {"1", "2"}, "do": {"check"}}), http.StatusUnprocessableEntity, "超出预算 1,000.00 元", "凉亭")
	first.wants(first.post("/vote/1", url.Values{"do": {"cast"}}), http.StatusUnprocessableEntity, "请至少选 1 个")
	first.wants(first.post("/vote/1", url.Values{"choice": {"1", "3"}, "do": {"cast"}}), http.StatusSeeOther)
	o.votes(codes[1], "/vote/1", "1", "3")
	o.votes(residentCode.FindStringSubmatch(verified.text)[1], "/vote/1", "1")
	paper := poll + "/paper"
	hand := func(known string) reply { return wu.post(paper, url.Values{"act": {"hand"}, "known": {known}}) }
	wu.wants(hand(codes[2]), http.StatusOK, "领了纸质选票")
	wu.wants(hand(codes[0]), http.StatusUnprocessableEntity, "已经用另一种方式投过票")
	wu.wants(hand("13800001234"), http.StatusUnprocessableEntity, "已经用另一种方式投过票")
	wu.wants(hand("x"), http.StatusUnprocessableEntity, "没有这个码")
	wu.wants(wu.post(paper, url.Values{"act": {"read"}, "sheet": {"1"}, "choice": {"2"}}), http.StatusOK, "第 1 号已录入", "等第二个人录")

	li.wants(li.step(poll, "poll-count"), http.StatusConflict) // not closed yet
	o.now = o.now.AddDate(0, 0, 14)
	o.closeVote(1)
	li, chen = o.as("li"), o.as("chen")
	anybody.wants(anybody.get("/vote/1/result"), http.StatusOK, "还没有计票")
	anybody.wants(anybody.get("/vote/1/ballots"), http.StatusConflict)
	li.wants(li.step(poll, "poll-count"), http.StatusConflict, "纸质选票还没有核对完")
	li.wants(li.get(paper), http.StatusOK, "另一个人已经录了")
	li.wants(li.post(paper, url.Values{"act": {"read"}, "sheet": {"1"}, "choice": {"2"}}), http.StatusOK, "两人一致")
	request := li.stepped(poll, "poll-count")
	chen.wants(chen.get(request), http.StatusOK, "9301", "9,000.00")
	chen.decides(request, "approve", "")
	result := anybody.get("/vote/1/result")
	anybody.wants(result, http.StatusOK, "入选 2 个项目，共 12,000.00 元", "4 人：网上 3，纸质 1", "支持者的份额不够", "各付约")
	file := anybody.get("/vote/1/ballots")
	e, err := votes.ReadPabulib(strings.NewReader(file.text))
	o.must(err)
	if again, err := e.Count(); err != nil || again.Cost != 12_000_00 || again.Ballots != 4 || strings.Contains(file.text, "online") {
		t.Errorf("counted again: %+v %v\n%s", again, err, file.text)
	}
	anybody.wants(anybody.get(dataPath+"/votes.json"), http.StatusOK, `"state":"counted"`, `"online":3,"paper":1`, `"chosen_cost":"12000.00"`, `/vote/1/ballots"`)
	anybody.wants(anybody.get(dataPath+"/vote_options.json"), http.StatusOK, `"place":1`, `"result":"won"`)
	if rows := anybody.openSets(); rows["votes"] != 1 || rows["vote_options"] < 2 {
		t.Errorf("open data %v", rows)
	}
	var aside int64
	o.must(o.db.QueryRow(t.Context(), `select sum(b.balance)::int8 from balance b join account a using (book_id, account_id) where a.chart = 'resv' and a.fund_id = $1`, o.funds[1].ID).Scan(&aside))
	if aside != 12_000_00 {
		t.Errorf("%d set aside", aside)
	}
	li.wants(li.get(poll), http.StatusOK, "已计票", "还预留", "退回预留")
	var links int
	o.must(o.db.QueryRow(pg.WithBook(t.Context(), o.book.ID), `select (select count(*) from private.poll_cast) + (select count(*) from private.poll_key)`).Scan(&links))
	if links != 0 {
		t.Errorf("%d links from ballots to residents", links)
	}

	// a fund that requires a vote refuses what no vote stands behind
	chen.decides(li.stepped(pollsPath, "vote-require", "fund", o.fundOf(1), "reason", "居民大会决定"), "approve", "")
	li.wants(li.get(pollsPath), http.StatusOK, "只能由居民投票使用的基金", "SPQ")
	spend := li.drafted("付款", [4]string{li.accountCode("program.r"), o.fundOf(1), "1.00", ""}, [4]string{li.accountCode("bank.basic"), o.fundOf(1), "", "1.00"})
	chen.wants(chen.decides(spend, "approve", ""), http.StatusConflict, "这个基金由居民表决使用")
}

// TestVotesLook opens the pages of votes on a phone and on a desk, in both languages.
func TestVotesLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	li.stepped(communitiesPath, "community-found", "zh", "向阳社区", "en", "Sunny community", "code", "XY", "street", "1")
	codes := li.codes("3")
	var polls []string
	for _, kind := range []string{"basket", "points"} {
		pairs := []string{"communities", "1", "zh", "今年的社区经费做什么", "en", "What this year's community budget does", "fund", o.fundOf(1), "budget", "20000", "due-opens", "2026-09-07", "due-closes", "2026-09-20",
			"paper", "向阳社区居民委员会一楼大厅", "ballot", kind, "least", "1", "method", "shares-raise", "ties", "cost-votes"}
		if kind == "points" {
			pairs = append(pairs, "points", "10", "each", "5")
		}
		poll := li.stepped(pollsPath, "poll-enter", pairs...)
		li.stepped(poll, "poll-add", "zh", "楼道扶手", "en", "Handrails in the stairs", "cost", "9000", "about", "三栋没有电梯的楼，每层两侧装扶手。")
		li.stepped(poll, "poll-add", "zh", "凉亭", "en", "Pavilion", "cost", "12000", "about", "")
		li.stepped(poll, "poll-add", "zh", "文明晾衣架", "en", "Drying racks", "cost", "3000", "about", "金点子：文明晾衣。")
		chen.decides(li.stepped(poll, "poll-publish"), "approve", "")
		polls = append(polls, poll)
	}
	o.votes(codes[0], "/vote/1", "1", "3")
	o.votes(codes[1], "/vote/1", "2")
	o.looks(t, "vote", [][3]string{{"li", "list", pollsPath}, {"li", "desk", polls[0]}, {"li", "paper", polls[0] + "/paper"}, {"li", "communities", communitiesPath}, {"li", "community", communitiesPath + "/1"},
		{"li", "public-list", votesPath}, {"li", "public", "/vote/1"}, {"li", "code", residentPath}})
	o.now = o.now.Add(14 * 24 * time.Hour)
	o.closeVote(1)
	li, chen = o.as("li"), o.as("chen")
	chen.decides(li.stepped(polls[0], "poll-count"), "approve", "")
	o.looks(t, "vote", [][3]string{{"li", "result", "/vote/1/result"}, {"li", "counted", polls[0]}})
}
