package web

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// resident enters a code in a browser of its own.
func (o *office) resident(code string) *client {
	o.Helper()
	c := o.browser()
	if a := c.post(residentPath, url.Values{"code": {code}, "next": {needFormPath}}); a.status != http.StatusSeeOther || a.to != needFormPath {
		o.Fatalf("code: %d to %s\n%s", a.status, a.to, a.text)
	}
	return c
}

// community makes a community of street 1 with codes for its residents.
func (o *office) community(n string) (codes []string) {
	o.Helper()
	wu := o.as("wu")
	wu.stepped(communitiesPath, "community-found", "zh", "向阳社区", "en", "Sunny community", "code", "XY", "street", "1")
	return wu.codes(n)
}

// photo is a small JPEG.
func photo(shade uint8) []byte {
	img := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// sendsFiles posts a form with files under one field.
func (c *client) sendsFiles(path string, form url.Values, field string, files ...[]byte) reply {
	c.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name := range form {
		c.must(w.WriteField(name, form.Get(name)))
	}
	for i, file := range files {
		part, err := w.CreateFormFile(field, fmt.Sprintf("photo-%d.jpg", i+1))
		c.must(err)
		_, err = part.Write(file)
		c.must(err)
	}
	c.must(w.Close())
	request, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+path, &body)
	c.must(err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	request.Header.Set("Accept-Language", "zh-CN")
	return c.send(request)
}

// asks files a need as a resident and returns its public address.
func (c *client) asks(title, theme, people string, photos ...[]byte) string {
	c.Helper()
	a := c.sendsFiles(needFormPath, url.Values{"form": {uuid.NewString()}, "kind": {"need"}, "title": {title}, "theme": {theme}, "story": {"三栋没有电梯"}, "place": {"三栋二单元"}, "people": {people}}, "photo", photos...)
	if a.status != http.StatusSeeOther {
		c.Fatalf("need: %d\n%s", a.status, a.text)
	}
	path, _, _ := strings.Cut(a.to, "?")
	return path
}

// deskOf finds the page of an item on the desk by its title.
func (c *client) deskOf(title string) string {
	c.Helper()
	a := c.get(needsPath + "?text=" + url.QueryEscape(title))
	m := regexp.MustCompile(needsPath + `/[0-9a-f-]{36}`).FindString(a.text)
	if m == "" {
		c.Fatalf("no %s on the desk\n%s", title, a.text)
	}
	return m
}

// TestResidentsAskAndTheStreetAnswers: a resident files with photos and sees the answer later; another supports; the street publishes, merges,
// answers; another street sees nothing before it is public, and decides nothing.
func TestResidentsAskAndTheStreetAnswers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	two := int32(2)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	codes := o.community("3")
	anybody := o.browser()
	anybody.wants(anybody.get(needsPublicPath), http.StatusOK, "没有符合条件的")
	if a := anybody.get(needFormPath); a.status != http.StatusSeeOther || a.to != residentPath+"?next="+needFormPath {
		t.Errorf("without a code: %d to %s", a.status, a.to)
	}
	zhou := o.resident(codes[0])
	zhou.wants(zhou.get(needFormPath), http.StatusOK, "向阳社区", "为老")
	form := func(pairs ...string) url.Values {
		form := url.Values{"form": {uuid.NewString()}, "kind": {"need"}, "title": {"楼道装扶手"}, "theme": {"elderly"}, "story": {""}, "place": {"三栋"}, "people": {"40"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	zhou.wants(zhou.sendsFiles(needFormPath, form("title", "扶", "theme", "x", "people", "多"), "photo"), http.StatusUnprocessableEntity, "value=\"扶\"")
	zhou.wants(zhou.sendsFiles(needFormPath, form("theme", ""), "photo"), http.StatusUnprocessableEntity, "类别：请选择一项")
	zhou.wants(zhou.sendsFiles(needFormPath, form(), "photo", []byte("<svg>")), http.StatusUnprocessableEntity, "photo-1.jpg 不是 JPEG 或 PNG")
	zhou.wants(zhou.sendsFiles(needFormPath, form(), "photo", photo(1), photo(2), photo(3), photo(4), photo(5)), http.StatusUnprocessableEntity, "最多 4 张照片")
	twice := form()
	one := zhou.sendsFiles(needFormPath, twice, "photo", photo(1), photo(90))
	if again := zhou.sendsFiles(needFormPath, twice, "photo", photo(1), photo(90)); again.to != one.to || !strings.HasPrefix(one.to, "/needs/1?") {
		t.Errorf("the same form twice: %s, %s", one.to, again.to)
	}
	zhou.wants(zhou.get(one.to), http.StatusOK, "已收到", "楼道装扶手", "/needs/1/photo?n=1")
	zhou.wants(zhou.get("/needs/1/photo?n=1"), http.StatusOK)
	zhou.wants(zhou.get("/needs/1/photo?n=2"), http.StatusNotFound)
	for _, path := range []string{"/needs/1", "/needs/1/photo?n=0", "/needs/9"} { // not sorted yet: for nobody else
		anybody.wants(anybody.get(path), http.StatusNotFound)
	}
	anybody.lacks(anybody.get(needsPublicPath), "楼道装扶手")

	li, wu, xie := o.as("li"), o.as("wu"), o.as("xie")
	desk := wu.deskOf("楼道装扶手")
	wu.wants(wu.get(desk), http.StatusOK, "凭纸条上的码提出", "三栋", desk+"/photo?n=0")
	wu.wants(wu.get(desk+"/photo?n=0"), http.StatusOK)
	xie.wants(xie.get(desk), http.StatusNotFound)
	xie.wants(xie.get(desk+"/photo?n=0"), http.StatusNotFound)
	xie.lacks(xie.get(needsPath), "楼道装扶手")
	wu.wants(wu.sendsFiles(desk+"/photo", url.Values{}, "file", []byte("x")), http.StatusUnprocessableEntity, "不是 JPEG 或 PNG")
	if a := wu.sendsFiles(desk+"/photo", url.Values{}, "file", photo(200)); a.status != http.StatusSeeOther {
		t.Errorf("photo of staff: %d", a.status)
	}
	wu.stepped(desk, "need-list")
	anybody.wants(anybody.get(needsPublicPath+"?theme=elderly&q="+url.QueryEscape("扶手")), http.StatusOK, "楼道装扶手", "已公开")
	anybody.lacks(anybody.get(needsPublicPath+"?theme=children"), "楼道装扶手")
	anybody.wants(anybody.get("/needs/1"), http.StatusOK, "输入居民码，支持它", "/needs/1/photo?n=2")

	ma := o.resident(codes[1])
	ma.wants(ma.get("/needs/1"), http.StatusOK, "我也需要")
	for range 2 { // the second time changes nothing
		if a := ma.post("/needs/1", url.Values{}); a.to != "/needs/1?supported=1" {
			t.Errorf("support: %d to %s", a.status, a.to)
		}
	}
	second := ma.asks("二单元也要扶手", "elderly", "12")
	ma.wants(ma.get(second), http.StatusOK, "如果说的是同一件事", "楼道装扶手")
	merged := wu.deskOf("二单元也要扶手")
	wu.stepped(merged, "need-merge", "into", lastPart(desk))
	ma.wants(ma.get(second), http.StatusOK, "已合并", "N1 楼道装扶手")
	anybody.wants(anybody.get("/needs/1"), http.StatusOK, "支持的居民</dt><dd>1<")
	wu.wants(wu.step(desk, "need-refuse", "answer", ""), http.StatusUnprocessableEntity)
	wu.stepped(desk, "need-refuse", "answer", "今年经费已用完，明年优先。")
	zhou.wants(zhou.get(needsPublicPath), http.StatusOK, "我提的", "不采纳")
	zhou.wants(zhou.get("/needs/1"), http.StatusOK, "今年经费已用完，明年优先。")
	wu.wants(wu.step(desk, "need-finish", "answer", "好了"), http.StatusConflict)
	li.wants(li.get(needsPath+"?state=merged&format=csv"), http.StatusOK, "二单元也要扶手")

	// whoever a number is known of may be called back; each look is on the trail
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := residents.CommunityByID(ctx, tx, o.book, 1)
		if err != nil {
			return err
		}
		code, _, err := residents.Verify(ctx, tx, o.book, c, "13800001234", uuid.New(), strings.NewReader("abcdefghijkl"), o.now)
		codes = append(codes, code)
		return err
	})
	o.resident(codes[3]).asks("要一个凉亭", "environment", "")
	pavilion := wu.deskOf("要一个凉亭")
	wu.wants(wu.get(pavilion), http.StatusOK, "13800001234")
	shen := o.as("shen")
	shen.lacks(shen.get(pavilion), "13800001234")
	shen.wants(shen.get("/console/audit"), http.StatusOK, "查看回访电话")
}

// TestThreeBooksAreMatched: needs, services and money of the same theme and place are proposed with the reasons; an intent links them, and
// refuses what is not for the street or more than there is.
func TestThreeBooksAreMatched(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.community("1")
	li, wu := o.as("li"), o.as("wu")
	enter := func(c *client, book, title, theme, street string, pairs ...string) string {
		return c.stepped(needsPath, "need-enter", append([]string{"book", book, "title", title, "theme", theme, "street", street}, pairs...)...)
	}
	wu.wants(wu.step(needsPath, "need-enter", "book", "offer", "title", "理发", "theme", "elderly", "street", "1"), http.StatusUnprocessableEntity, "提供方：请写单位名称")
	wu.wants(wu.step(needsPath, "need-enter", "book", "need", "title", "理发", "theme", "elderly", "street", "0"), http.StatusUnprocessableEntity) // only those who see all streets
	wu.wants(wu.step(needsPath, "need-enter", "book", "need", "title", "理发", "theme", "elderly", "street", "2"), http.StatusUnprocessableEntity)
	need := enter(wu, "need", "老人要上门理发", "elderly", "1/1", "people", "30", "amount", "3000")
	enter(wu, "offer", "上门理发", "elderly", "1", "people", "50", "firm", "向阳社工服务中心")
	far := enter(li, "offer", "谢家湾理发", "elderly", "2", "people", "50", "firm", "谢家湾社工站")
	enter(li, "offer", "全区流动理发车", "elderly", "0", "people", "20", "firm", "银发公益")
	enter(wu, "offer", "课后辅导", "children", "1", "firm", "向阳社工服务中心")
	enter(wu, "means", "敬老专款", "elderly", "1", "amount", "5000", "firm", "区商会")
	pairs := wu.get(pairsPath)
	wu.wants(pairs, http.StatusOK, "老人要上门理发", "上门理发 · 向阳社工服务中心", "类别相同，同一街道，服务人数够", "全区流动理发车", "面向所有街道，服务人数比需求少", "敬老专款 · 区商会", "金额够")
	wu.lacks(pairs, "谢家湾理发", "课后辅导")
	if strings.Index(pairs.text, "上门理发 · 向阳") > strings.Index(pairs.text, "全区流动理发车") {
		t.Error("what suits less stands first")
	}
	wu.wants(wu.get(far), http.StatusNotFound)
	page := wu.get(need)
	choice := func(label string) string {
		m := regexp.MustCompile(`<option value="([^"]+)">[^<]*` + label).FindStringSubmatch(page.text)
		if m == nil {
			t.Fatalf("no %s to choose\n%s", label, page.text)
		}
		return m[1]
	}
	wu.wants(wu.step(need, "intent-sign", "offer", choice("上门理发 · 向阳"), "means", choice("敬老专款"), "amount", "5000.01"), http.StatusUnprocessableEntity, "金额不能超过它")
	wu.wants(wu.step(need, "intent-sign", "offer", lastPart(far), "means", choice("敬老专款"), "amount", "5000"), http.StatusUnprocessableEntity)
	intent := wu.stepped(need, "intent-sign", "offer", choice("上门理发 · 向阳"), "means", choice("敬老专款"), "amount", "3000")
	wu.wants(wu.get(intent), http.StatusOK, "已签意向", "敬老专款", "3,000.00")
	wu.wants(wu.get(pairsPath), http.StatusOK, "没有可以匹配的")
	wu.wants(wu.get(intentsPath), http.StatusOK, "老人要上门理发")
	wu.wants(wu.get(need), http.StatusOK, "已签意向")
	wu.stepped(intent, "intent-drop", "reason", "理发师不能来")
	wu.wants(wu.get(pairsPath), http.StatusOK, "全区流动理发车")
	wu.stepped(need, "intent-sign", "offer", choice("全区流动理发车"), "means", choice("SPQ"), "amount", "800")
}

// TestNeedsLook opens the pages of needs on a phone and on a desk, in both languages.
func TestNeedsLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	codes := o.community("2")
	li := o.as("li")
	zhou := o.resident(codes[0])
	zhou.asks("三栋楼道没有扶手，老人上下楼要扶墙，想在每层两侧装扶手", "elderly", "120", photo(60), photo(120), photo(200))
	desk := li.deskOf("三栋楼道")
	li.stepped(desk, "need-list")
	zhou.asks("文明晾衣架", "environment", "")
	li.stepped(needsPath, "need-enter", "book", "offer", "title", "适老化改造入户评估与安装", "theme", "elderly", "street", "1", "people", "200", "firm", "一个名字特别特别长的社会工作服务中心（民办非企业单位）")
	li.stepped(needsPath, "need-enter", "book", "means", "title", "适老化专款", "theme", "elderly", "street", "0", "amount", "50000", "firm", "区商会")
	o.looks(t, "need", [][3]string{{"li", "public-list", needsPublicPath}, {"li", "public", "/needs/1"}, {"li", "desk-list", needsPath}, {"li", "desk", desk}, {"li", "pairs", pairsPath}, {"li", "new", needsPath + "/new"}, {"li", "intents", intentsPath}})
	ctx := browser(t)
	o.signInBrowser(ctx, "")
	eval(ctx, t, fmt.Sprintf(`fetch(%q, {method: "POST", redirect: "manual", body: new URLSearchParams({code: %q})}).then(() => "in")`, residentPath, codes[1]))
	inspect(ctx, t, deskHeard, "need-form", o.url+needFormPath)
}
