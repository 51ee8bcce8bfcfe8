package web

import (
	"encoding/csv"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// hostile is a text that must stay text wherever it is shown.
const hostile = `<script>alert("x")</script> & =HYPERLINK(1)`

// writesUpdate writes a post and returns its page and the request for it.
func (c *client) writesUpdate(path string, pairs ...string) (desk, asked string) {
	c.Helper()
	desk = c.stepped(path+"/updates", "update-write", pairs...)
	return desk, c.updateRequest(desk)
}

// updateRequest is the open request that the page of a post leads to.
func (c *client) updateRequest(desk string) string {
	c.Helper()
	_, rest, found := strings.Cut(c.get(desk).text, `href="/console/approvals/`)
	id, _, _ := strings.Cut(rest, `"`)
	if !found || len(id) != 36 {
		c.Fatalf("no request on %s", desk)
	}
	return "/console/approvals/" + id
}

// raw is an answer as it was sent: get takes escapes out.
func (o *office) raw(path, lang string) (body, kind string) {
	o.Helper()
	request, err := http.NewRequestWithContext(o.Context(), http.MethodGet, o.url+path, nil)
	o.must(err)
	request.Header.Set("Accept-Language", lang)
	response, err := http.DefaultClient.Do(request)
	o.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	o.must(err)
	if response.StatusCode != http.StatusOK {
		o.Fatalf("%s: %d", path, response.StatusCode)
	}
	return string(text), response.Header.Get("Content-Type")
}

// rss takes a feed and holds it to what RSS 2.0 requires: title, link and description of the channel; of an item a title or a description,
// a guid of its own, an absolute link and a day of RFC 822.
func (c *client) rss(path string) (f feed) {
	c.Helper()
	text, kind := c.raw(path, "zh-CN")
	if kind != "application/rss+xml; charset=utf-8" {
		c.Errorf("%s: %s", path, kind)
	}
	if err := xml.Unmarshal([]byte(text), &f); err != nil {
		c.Fatalf("%s: %v", path, err)
	}
	absolute := func(link string) bool {
		u, err := url.Parse(link)
		return err == nil && u.IsAbs() && u.Host != ""
	}
	if f.XMLName.Local != "rss" || f.Version != "2.0" || f.Title == "" || f.Text == "" || !absolute(f.Link) {
		c.Errorf("%s: channel %+v", path, f)
	}
	seen := map[string]bool{}
	for _, item := range f.Items {
		if _, err := time.Parse(time.RFC1123Z, item.Date); err != nil || item.Title == "" || item.Text == "" || item.GUID.ID == "" || seen[item.GUID.ID] || !absolute(item.Link) {
			c.Errorf("%s: item %+v: %v", path, item, err)
		}
		seen[item.GUID.ID] = true
	}
	return f
}

// TestUpdatesOfACampaign: a street's officer writes, an approver who did not write it shows it, another street sees nothing of it; markup stays text
// on pages and in the feed; withdrawn, its text is nowhere that the public reads, and of another book's host it never was.
func TestUpdatesOfACampaign(t *testing.T) {
	t.Parallel()
	o, general, street := newOfflineOffice(t)
	n := &neighbourhood{office: o, objects: map[string]object{}, neighbours: map[string]staff.Role{}}
	n.foundNext()
	o.others = []*ledger.Book{n.next}
	o.serve()
	two := int32(2)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	wu, xie, li, chen, qian, shen, anybody := o.as("wu"), o.as("xie"), o.as("li"), o.as("chen"), o.as("qian"), o.as("shen"), o.browser()
	here := deskHref(o.campaignID(street))

	wu.wants(wu.get(deskHref(o.campaignID(street))), http.StatusOK, here+"/updates")
	wu.wants(wu.get(here+"/updates"), http.StatusOK, "还没有写过进展", "不要写孩子和受助人的姓名", "写一条进展")
	anybody.wants(anybody.get("/c/space"), http.StatusOK, "还没有进展", `type="application/rss+xml" title="每一天的善意 space的进展" href="/c/space/updates/feed"`)
	for _, c := range []*client{xie, wu} { // another street's, and the association's own
		other := map[*client]string{xie: here, wu: deskHref(o.campaignID(general))}[c]
		c.wants(c.get(other+"/updates"), http.StatusNotFound)
		c.wants(c.step(other+"/updates", "update-write", "title-zh", "题", "text-zh", "文"), http.StatusNotFound)
	}
	shen.wants(shen.get(here+"/updates"), http.StatusOK)
	shen.wants(shen.step(here+"/updates", "update-write", "title-zh", "题", "text-zh", "文"), http.StatusForbidden)
	wu.wants(wu.step(here+"/updates", "update-write"), http.StatusUnprocessableEntity, "请写标题")
	wu.wants(wu.step(here+"/updates", "update-write", "title-zh", "开餐", "text-zh", "第一段\n\n请打 138 0013 8000"), http.StatusUnprocessableEntity, "手机号或身份证号", "第一段\n\n请打")
	wu.wants(wu.sendsFiles(here+"/updates", url.Values{"form": {uuid.NewString()}, "act": {"update-write"}}, "update-write-photo", []byte("<svg>")), http.StatusUnprocessableEntity, "不是 JPEG 或 PNG")

	form := url.Values{"form": {uuid.NewString()}, "act": {"update-write"}, "update-write-title-zh": {"开餐 " + hostile}, "update-write-text-zh": {"第一段\n\n" + hostile}}
	sent := wu.sendsFiles(here+"/updates", form, "update-write-photo", photo(1), photo(80))
	if again := wu.sendsFiles(here+"/updates", form, "update-write-photo", photo(1), photo(80)); sent.status != http.StatusSeeOther || again.to != sent.to {
		t.Fatalf("written: %d to %q, again to %q\n%s", sent.status, sent.to, again.to, sent.text)
	}
	desk := sent.to
	asked := wu.updateRequest(desk)
	wu.wants(wu.get(desk), http.StatusOK, "待公开", "审批人看过以后公开", desk+"/photo?n=1")
	xie.wants(xie.get(desk), http.StatusNotFound)
	xie.wants(xie.get(desk+"/photo?n=0"), http.StatusNotFound)
	xie.wants(xie.step(desk, "update-drop", "reason", "别人的"), http.StatusNotFound)
	for _, path := range []string{"/c/space", "/updates", "/c/space/updates"} {
		anybody.lacks(anybody.get(path), "开餐")
	}
	chen.wants(chen.get("/console"), http.StatusOK, "公开一条进展")
	chen.wants(chen.get("/console/approvals"), http.StatusOK, "公开一条进展", "开餐")
	chen.wants(chen.get(asked), http.StatusOK, "第一段", "看 2 张照片", desk)
	if a := wu.decidesAs(asked, "approve"); a.status < http.StatusBadRequest {
		t.Errorf("the writer approved: %d", a.status)
	}
	chen.approved(asked)

	escaped := "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; =HYPERLINK(1)"
	for _, path := range []string{"/c/space/updates", "/updates", "/updates/1"} {
		anybody.wants(anybody.get(path), http.StatusOK, "开餐 "+hostile, "第一段", "/updates/1/photo?n=1", "阳光区慈善会")
	}
	anybody.wants(anybody.get("/c/space"), http.StatusOK, "开餐 "+hostile, "/c/space/updates")
	for _, path := range []string{"/c/space", "/c/space/updates", "/updates", "/updates/1"} {
		if text, _ := o.raw(path, "zh-CN"); strings.Contains(text, "<script>alert") || !strings.Contains(text, "&lt;script&gt;alert") {
			t.Errorf("%s: markup of a post is markup", path)
		}
	}
	if text, _ := o.raw("/updates/1", "en"); !strings.Contains(text, "This update is in Chinese only.") || !strings.Contains(text, `<div class="stack" lang="zh-`) {
		t.Errorf("in English:\n%s", text)
	}
	anybody.wants(anybody.get("/updates/1/photo?n=1"), http.StatusOK)
	anybody.wants(anybody.get("/updates/1/photo?n=2"), http.StatusNotFound)
	fund := "/f/" + o.funds[1].Code
	anybody.wants(anybody.get(fund), http.StatusOK, "开餐 "+hostile, "每一天的善意 space", fund+"/updates", fund+"/updates/feed")
	anybody.wants(anybody.get(fund+"/updates"), http.StatusOK, "开餐 "+hostile, "第一段", "每一天的善意 space")
	other := "/f/" + o.funds[2].Code
	anybody.lacks(anybody.get(other), "开餐")
	anybody.wants(anybody.get(other+"/updates"), http.StatusOK, "还没有进展")
	if f := anybody.rss(other + "/updates/feed"); len(f.Items) != 0 {
		t.Errorf("the feed of another fund has %d items", len(f.Items))
	}
	anybody.wants(anybody.get("/f/none/updates"), http.StatusNotFound)
	for _, path := range []string{"/updates/feed", "/c/space/updates/feed", fund + "/updates/feed"} {
		f := anybody.rss(path)
		if len(f.Items) != 1 || f.Items[0].Text != "<p>第一段</p><p>"+escaped+"</p>" || strings.ContainsAny(f.Items[0].Title, "<>") || f.Items[0].GUID.ID != "update:"+lastPart(desk) || f.Items[0].Link != o.url+"/updates/1" {
			t.Errorf("%s: %+v", path, f.Items)
		}
	}
	if f := anybody.rss("/c/everyday/updates/feed"); len(f.Items) != 0 {
		t.Errorf("of another campaign: %+v", f.Items)
	}
	rows, _ := anybody.openPage(dataPath + "/updates.json")
	if len(rows.Items) != 1 || rows.Items[0]["id"] != "update:"+lastPart(desk) || rows.Items[0]["campaign"] != "campaign:"+street || rows.Items[0]["text_zh"] != "第一段\n\n"+hostile || rows.Items[0]["state"] != "shown" {
		t.Errorf("open data: %v", rows.Items)
	}

	next := o.browser()
	next.host = nextHost
	for _, path := range []string{"/updates", "/updates/feed", dataPath + "/updates.json", dataPath + "/updates.csv"} {
		page := next.get(path)
		next.wants(page, http.StatusOK)
		next.lacks(page, "开餐", "第一段", lastPart(desk))
	}
	for _, path := range []string{"/updates/1", "/updates/1/photo?n=0", "/c/space/updates", "/c/space/updates/feed"} {
		next.wants(next.get(path), http.StatusNotFound)
	}

	xie.wants(xie.step(desk, "update-withdraw", "reason", "别人的"), http.StatusNotFound)
	wu.wants(wu.step(desk, "update-withdraw", "reason", ""), http.StatusUnprocessableEntity)
	wu.stepped(desk, "update-withdraw", "reason", "照片没有得到同意")
	wu.wants(wu.step(desk, "update-withdraw", "reason", "照片没有得到同意"), http.StatusConflict)
	wu.wants(wu.get(desk), http.StatusOK, "已撤回", "第一段", "吴街道", "照片没有得到同意") // the staff keep what it said
	o.now = o.now.Add(2 * openKept)
	for _, path := range []string{"/c/space", "/c/space/updates", "/updates", "/updates/1"} {
		page := anybody.get(path)
		anybody.wants(page, http.StatusOK, "2026年9月7日撤回。原因：照片没有得到同意")
		anybody.lacks(page, "开餐", "第一段", "/photo", "吴街道")
	}
	anybody.wants(anybody.get("/updates/1/photo?n=0"), http.StatusNotFound)
	for _, path := range []string{"/updates/feed", "/c/space/updates/feed", fund + "/updates/feed"} {
		if f := anybody.rss(path); len(f.Items) != 0 {
			t.Errorf("%s after it was withdrawn: %+v", path, f.Items)
		}
	}
	for _, path := range []string{"/updates.json", "/updates.csv"} {
		page := anybody.get(dataPath + path)
		anybody.wants(page, http.StatusOK, "update:"+lastPart(desk), "withdrawn", "2026-09-07", "照片没有得到同意")
		anybody.lacks(page, "开餐", "第一段")
	}

	// Who wrote it does not show it, though another asked.
	desk, asked = qian.writesUpdate(here, "title-zh", "更正", "text-zh", "=1+1", "title-en", "Corrected", "text-en", "Corrected text")
	if a := qian.decidesAs(asked, "approve"); a.status < http.StatusBadRequest {
		t.Errorf("the writer approved: %d", a.status)
	}
	chen.wants(chen.decides(asked, "reject", "写上日期"), http.StatusSeeOther)
	qian.wants(qian.get(desk), http.StatusOK, "没有等待审批的申请")
	asked = li.stepped(desk, "update-show")
	qian.wants(qian.decides(asked, "approve", ""), http.StatusForbidden, "要由另一个人来做")
	chen.approved(asked)
	o.now = o.now.Add(2 * openKept)
	if text, _ := o.raw("/updates/2", "en"); !strings.Contains(text, "Corrected text") || strings.Contains(text, "Chinese only") {
		t.Errorf("in English:\n%s", text)
	}
	sheet, _ := o.raw(dataPath+"/updates.csv", "zh-CN")
	table, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(sheet, "\ufeff"))).ReadAll()
	o.must(err)
	if texts := []string{table[1][8], table[2][8]}; len(table) != 3 || !slices.Contains(texts, "'=1+1") || !slices.Contains(texts, "") {
		t.Errorf("as CSV %q", table)
	}
	desk, asked = li.writesUpdate(here, "title-zh", "重复", "text-zh", "重复")
	li.stepped(desk, "update-drop", "reason", "写重了")
	li.wants(li.get(asked), http.StatusOK, "已撤回")
	chen.lacks(chen.get(asked), `name="hash"`)
	chen.lacks(chen.get("/console/approvals"), "重复")
	// What another asked for is closed too, with the reason, and she hears of it.
	desk, asked = qian.writesUpdate(here, "title-zh", "又写了", "text-zh", "又写了")
	li.stepped(desk, "update-drop", "reason", "和上一条一样")
	qian.wants(qian.get(asked), http.StatusOK, "已退回", "和上一条一样")
	var told int
	o.must(o.db.QueryRow(pg.WithBook(t.Context(), o.book.ID), `select count(*) from mail where person_id = $1 and body like '%又写了%'`, o.personID("qian")).Scan(&told))
	if told != 1 {
		t.Errorf("%d letters tell her of it", told)
	}
	anybody.wants(anybody.get("/updates/3"), http.StatusNotFound)
	if n := o.audited("update.update_withdrawn"); n != 1 {
		t.Errorf("%d withdrawals on the trail", n)
	}
}

// TestUpdatesOfAProject: none before the project is public; a provider writes about its own contract's project alone and in its own name.
func TestUpdatesOfAProject(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	one := int32(1)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	o.person("yang", "杨向阳", "Yang", staff.Held{Role: staff.Provider})
	o.person("chun", "春晖", "Chun", staff.Held{Role: staff.Provider})
	li, chen, anybody := o.as("li"), o.as("chen"), o.browser()
	sun, spring := li.organisation("向阳社工服务中心", "registered", "A1"), li.organisation("春晖助老服务中心", "registered", "C3")
	o.signsInFor("yang", sun)
	o.signsInFor("chun", spring)
	chen.approved(li.stepped(payeesPath+"/"+sun, "payee-account", "holder", "向阳社工服务中心", "bank", "重庆银行", "account", "650101040012345"))
	o.now = o.now.Add(73 * time.Hour)
	li, chen = o.as("li"), o.as("chen")
	wu, yang, chun, jian := o.as("wu"), o.as("yang"), o.as("chun"), o.as("jian")
	project := wu.stepped(projectsPath, "project-enter", "title", "11 户居室改造", "fund", wu.fundOf(1), "plan", "给 11 户装床和灯", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	wu.stepped(project, "item-add", "label", "人工", "amount", "1000")
	wu.wants(wu.get(project+"/updates"), http.StatusOK, "公开以后才能写进展")
	wu.wants(wu.step(project+"/updates", "update-write", "title-zh", "早", "text-zh", "早"), http.StatusConflict)
	anybody.wants(anybody.get("/projects/1/updates"), http.StatusNotFound)
	anybody.wants(anybody.get("/projects/1/updates/feed"), http.StatusNotFound)
	day := o.book.Day(o.now).Format(time.DateOnly)
	chen.approved(li.stepped(project, "project-approve", "day", day))
	contract := li.stepped(project, "contract-draft", "code", "HT-1", "title", "改造合同", "payee", sun, "kind", "works", "draws", "pro_rata", "due-ends", "2026-12-31")
	li.stepped(contract, "source-add", "fund", li.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "1000.00")
	li.stepped(contract, "stage-add", "title", "全部", "due", "2026-10-01", "amount", "1000.00")
	own := providerPath + "/contracts/" + lastPart(contract)
	yang.wants(yang.get(own+"/updates"), http.StatusNotFound) // a draft is the association's
	chen.approved(li.stepped(contract, "contract-sign", "day", day))

	yang.wants(yang.get(own), http.StatusOK, own+"/updates")
	yang.wants(yang.get(own+"/updates"), http.StatusOK, "署贵单位的名称", "还没有写过进展")
	chun.wants(chun.get(own+"/updates"), http.StatusNotFound)
	chun.wants(chun.step(own+"/updates", "update-write", "title-zh", "冒名", "text-zh", "冒名"), http.StatusNotFound)
	chun.wants(chun.step(project+"/updates", "update-write", "title-zh", "冒名", "text-zh", "冒名"), http.StatusForbidden)
	jian.wants(jian.step(project+"/updates", "update-write", "title-zh", "督导", "text-zh", "督导"), http.StatusForbidden)
	if to := yang.stepped(own+"/updates", "update-write", "title-zh", "床装好了", "text-zh", "11 户里装好 6 户"); to != own+"/updates" {
		t.Errorf("written leads to %s", to)
	}
	wu.stepped(project+"/updates", "update-write", "title-zh", "街道去看了", "text-zh", "看了 6 户")
	yang.wants(yang.get(own+"/updates"), http.StatusOK, "床装好了", "待公开")
	yang.lacks(yang.get(own+"/updates"), "街道去看了")
	wu.wants(wu.get(project+"/updates"), http.StatusOK, "床装好了", "向阳社工服务中心", "街道去看了", "吴街道")
	anybody.lacks(anybody.get("/projects/1"), "床装好了")
	yang.wants(yang.get("/console/approvals"), http.StatusForbidden)
	list := chen.get("/console/approvals")
	for range 2 {
		_, rest, _ := strings.Cut(list.text, `href="/console/approvals/0`)
		id, _, _ := strings.Cut(rest, `"`)
		chen.approved("/console/approvals/0" + id)
		list = chen.get("/console/approvals")
	}
	yang.wants(yang.get(own+"/updates"), http.StatusOK, "已公开", `href="/updates/`)
	page := anybody.get("/projects/1")
	anybody.wants(page, http.StatusOK, "床装好了", "向阳社工服务中心", "街道去看了", `href="/projects/1/updates"`)
	if f := anybody.rss("/projects/1/updates/feed"); len(f.Items) != 2 {
		t.Errorf("feed: %+v", f.Items)
	}
	rows, _ := anybody.openPage(dataPath + "/updates.json")
	firms := map[any]any{}
	for _, row := range rows.Items {
		firms[row["title_zh"]] = row["organisation"]
		if row["project"] != "project:"+lastPart(project) || row["campaign"] != "" {
			t.Errorf("open data: %v", row)
		}
	}
	if len(firms) != 2 || firms["床装好了"] != "向阳社工服务中心" || firms["街道去看了"] != "" {
		t.Errorf("open data: %v", rows.Items)
	}
}

// TestUpdatesArePaged: twenty to a page, the newest first; whoever gave before reads on her own page that there is news.
func TestUpdatesArePaged(t *testing.T) {
	t.Parallel()
	o, general, _ := newOfflineOffice(t)
	o.giftBy("王女士", ownEmail, 50_00, o.now.Add(-time.Hour))
	mine := o.browser()
	mine.opens(ownEmail)
	mine.lacks(mine.get(ownPath), "新的进展")
	c, chen := o.as("li"), o.as("chen")
	here := deskHref(o.campaignID(general))
	for i := range 21 {
		o.now = o.now.Add(time.Second)
		_, asked := c.writesUpdate(here, "title-zh", "第"+strconv.Itoa(i+1)+"次", "text-zh", "做完")
		chen.approved(asked)
	}
	mine.wants(mine.get(ownPath), http.StatusOK, "这个募捐有新的进展", `href="/c/everyday/updates"`)
	o.giftBy("王女士", ownEmail, 20_00, o.now.Add(time.Second))
	if page := mine.get(ownPath); strings.Count(page.text, "新的进展") != 1 {
		t.Errorf("news on %d gifts", strings.Count(page.text, "新的进展"))
	}
	anybody := o.browser()
	first := anybody.get("/c/everyday/updates")
	anybody.wants(first, http.StatusOK, "第21次", "第2次", `href="/c/everyday/updates?before=2"`)
	anybody.lacks(first, "第1次")
	if strings.Index(first.text, "第21次") > strings.Index(first.text, "第20次") {
		t.Error("the newest is not first")
	}
	anybody.wants(anybody.get("/c/everyday/updates?before=2"), http.StatusOK, "第1次")
	anybody.wants(anybody.get("/c/everyday/updates?before=x"), http.StatusBadRequest)
	anybody.lacks(anybody.get("/c/everyday"), "第18次")
	c.wants(c.get(here+"/updates"), http.StatusOK, "第21次", "更早的")
}

func TestUpdatesLook(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	wu, li, chen := o.as("wu"), o.as("li"), o.as("chen")
	project := wu.stepped(projectsPath, "project-enter", "title", "11 户居室改造", "fund", wu.fundOf(1), "plan", "给 11 户装床和灯", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	wu.stepped(project, "item-add", "label", "人工", "amount", "1000")
	chen.approved(li.stepped(project, "project-approve", "day", "2026-09-07"))
	here := deskHref(o.campaignID(street))
	write := func(path, title, text, english string, photos ...[]byte) (desk, asked string) {
		form := url.Values{"form": {uuid.NewString()}, "act": {"update-write"}, "update-write-title-zh": {title}, "update-write-text-zh": {text}}
		if english != "" {
			form.Set("update-write-title-en", english)
			form.Set("update-write-text-en", strings.Repeat("The beds are in. ", 12)+"\n\nNext: lights.")
		}
		a := wu.sendsFiles(path+"/updates", form, "update-write-photo", photos...)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", a.status, a.text)
		}
		return a.to, wu.updateRequest(a.to)
	}
	desk, asked := write(here, "六户的床装好了", strings.Repeat("社工和邻居一起把床搬上楼，孩子当晚就睡上了。", 6)+"\n\n下一步：装灯，换电线。", "Beds for six homes", photo(90), photo(160))
	chen.approved(asked)
	gone, asked := write(here, "写错的一条", "户数写错了", "")
	chen.approved(asked)
	wu.stepped(gone, "update-withdraw", "reason", "户数写错了，核对后另写一条")
	_, asked = write(project, "一条名字特别特别长特别特别长特别特别长特别特别长特别特别长的进展", "只有中文。", "", photo(30))
	chen.approved(asked)
	_, asked = write(project, "等审批人看的一条", "还没有公开。\n\n第二段。", "Waiting", photo(200))
	ctx := browser(t)
	for name, path := range map[string]string{"all": "/updates", "one": "/updates/1", "gone": "/updates/2", "campaign": "/c/space", "project": "/projects/1", "none": "/c/everyday/updates", "fund": "/f/" + o.funds[1].Code, "fundall": "/f/" + o.funds[1].Code + "/updates"} {
		inspect(ctx, t, bothHeard, "update-"+name, o.url+path)
	}
	o.looks(t, "update", [][3]string{{"wu", "write", here + "/updates"}, {"wu", "list", project + "/updates"}, {"wu", "desk", desk}, {"chen", "request", asked}})
}
