package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger/chart"
	"sunfund/ledger/staff"
)

// fundApplied is an application by somebody, past the four questions.
func (c *client) fundApplied(code, sort string, pairs ...string) string {
	c.Helper()
	fields := []string{"purposes", "homes", "sort", sort, "street", "1", "code", code, "zh", code + "阳光基金", "en", code + " fund", "about-zh", "给困境儿童改造住处", "about-en", "Homes of children in difficulty",
		"interest", "fund", "bearer", "general", "voted", "no"}
	return c.stepped(fundFilesPath+"?passed=no&duty=no", "fund-apply", append(fields, pairs...)...)
}

// fundOpened is an open fund: application, committee, agreement, second person. It returns the file's page and the fund's.
func (o *office) fundOpened(code, sort string, pairs ...string) (file, fund string) {
	o.Helper()
	li, chen := o.as("li"), o.as("chen")
	if !strings.Contains(li.get(fundFilesPath).text, ">homes<") {
		li.stepped(fundFilesPath, "purpose-add", "code", "homes", "zh", "困境儿童居住改造", "en", "Homes of children in difficulty")
	}
	file = li.fundApplied(code, sort, pairs...)
	for range 5 {
		li.stepped(file, "fund-seat", "kind", "member", "capacity", "居民代表", "vote", "yes", "opinion", "")
	}
	li.stepped(file, "fund-seat", "kind", "supervisor", "capacity", "监事", "vote", "heard", "opinion", "同意设立，每季公示")
	paper := []byte("%PDF-1.4 " + code)
	li.wants(li.attach("fund-file:"+file[strings.LastIndex(file, "/")+1:], "协议.pdf", paper), http.StatusSeeOther)
	hash := sha256.Sum256(paper)
	asked := li.stepped(file, "fund-open", "agreement", hex.EncodeToString(hash[:]), "ref", "协议〔2026〕1号")
	chen.wants(chen.get(asked), http.StatusOK, "开设基金")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	fund = regexp.MustCompile(`/console/funds/\d+`).FindString(li.get(file).text)
	return file, fund
}

// A street applies, its committee decides, another person approves; the charter binds every voucher from then on, and changes on a filing only.
func TestFundByApplication(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: o.funds[2].StreetID})
	li, chen, wu, xie := o.as("li"), o.as("chen"), o.as("wu"), o.as("xie")
	li.stepped(fundFilesPath, "purpose-add", "code", "homes", "zh", "困境儿童居住改造", "en", "Homes of children in difficulty")
	li.stepped(fundFilesPath, "purpose-add", "code", "office", "zh", "办公用品", "en", "Office supplies")
	wu.wants(wu.get(fundFilesPath+"/new"), http.StatusSeeOther)
	wu.wants(wu.get(fundFilesPath+"/test"), http.StatusOK, "书面的转交协议", "第 1 题")
	wu.wants(wu.get(fundFilesPath+"/test?passed=no"), http.StatusOK, "现在就有转交的义务", "第 2 题")
	wu.wants(wu.get(fundFilesPath+"/test?passed=no&duty=yes&powerless=yes&named=yes"), http.StatusOK, "代管款，不是慈善会的钱")
	wu.wants(wu.get(fundFilesPath+"/test?passed=no&duty=no"), http.StatusOK, "慈善会的限定性收入", "/console/fund-files/new?duty=no&passed=no")
	wu.wants(wu.get(fundFilesPath+"/new?passed=yes"), http.StatusOK, "代管款，不是慈善会的钱")

	file := wu.fundApplied("SPQ2", "sunshine")
	wu.wants(wu.get(file), http.StatusOK, "申请中", "协议没有写，不能提取", "成员不到 5 名")
	xie.wants(xie.get(file), http.StatusNotFound) // another street
	xie.wants(xie.post(file, url.Values{"form": {uuid.NewString()}, "act": {"fund-drop"}, "fund-drop-reason": {"x"}}), http.StatusNotFound)
	xie.lacks(xie.get(fundFilesPath), "SPQ2")
	wu.wants(wu.step(file, "fund-open", "agreement", "", "ref", "1"), http.StatusConflict) // the accountant asks
	li.wants(li.step(file, "fund-open", "agreement", "00", "ref", "1"), http.StatusUnprocessableEntity)
	for _, vote := range []string{"yes", "yes", "no", "yes", "absent"} {
		wu.stepped(file, "fund-seat", "kind", "member", "capacity", "居民代表", "vote", vote, "opinion", "")
	}
	wu.wants(wu.step(file, "fund-seat", "kind", "supervisor", "capacity", "监事", "vote", "yes", "opinion", ""), http.StatusUnprocessableEntity, "监督请选列席或缺席")
	paper := []byte("%PDF-1.4 agreement")
	wu.wants(wu.attach("fund-file:"+file[strings.LastIndex(file, "/")+1:], "协议.pdf", paper), http.StatusSeeOther)
	hash := sha256.Sum256(paper)
	open := []string{"agreement", hex.EncodeToString(hash[:]), "ref", "协议〔2026〕1号"}
	li.wants(li.step(file, "fund-open", open...), http.StatusUnprocessableEntity, "列席的监督不到 1 名")
	wu.stepped(file, "fund-seat", "kind", "supervisor", "capacity", "监事", "vote", "heard", "opinion", "同意设立，每季公示")
	asked := li.stepped(file, "fund-open", open...)
	li.wants(li.decides(asked, "approve", ""), http.StatusForbidden)
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	wu.wants(wu.get(file), http.StatusOK, "已开设", "协议〔2026〕1号", "同意设立，每季公示")
	fund := regexp.MustCompile(`/console/funds/\d+`).FindString(wu.get(file).text)
	wu.wants(wu.get(fund), http.StatusOK, "章程第 1 版", "困境儿童居住改造")

	// the lock, by voucher
	id := fund[strings.LastIndex(fund, "/")+1:]
	code := func(id chart.ID) string { return chart.MustByID(id).Code2026 }
	in := li.voucher("期初", [4]string{code("bank.basic"), id, "100.00", ""}, [4]string{code("gift.r"), id, "", "100.00"})
	chen.decides(li.post("/console/vouchers", in).to, "approve", "")
	spend := func(purpose string) reply {
		form := li.voucher("采购", [4]string{code("admin.r"), id, "1.00", ""}, [4]string{code("bank.basic"), id, "", "1.00"})
		form.Set("purpose", purpose)
		sent := li.post("/console/vouchers", form)
		li.wants(sent, http.StatusSeeOther)
		return chen.decides(sent.to, "approve", "")
	}
	chen.wants(spend("office"), http.StatusConflict, "的钱限定用于困境儿童居住改造，不能用于“办公用品”", "备案编号或捐赠人同意", "日常基金")
	chen.wants(spend(""), http.StatusConflict, "没有写明的用途")
	chen.wants(spend("homes"), http.StatusSeeOther)

	rules := []string{"purposes", "office", "interest", "general", "bearer", "general", "voted", "no", "basis", "filing", "ref", "备案〔2026〕7号"}
	change := li.stepped(file, "fund-change", rules...)
	chen.wants(chen.get(change), http.StatusOK, "<dd>办公用品</dd>") // a purpose by its name
	chen.wants(chen.decides(change, "approve", ""), http.StatusSeeOther)
	wu.wants(wu.get(file), http.StatusOK, "备案〔2026〕7号", "方案变更备案")
	chen.wants(spend("office"), http.StatusSeeOther)
	chen.wants(spend("homes"), http.StatusConflict)
	chen.get("/console?lang=en")
	chen.wants(spend("homes"), http.StatusConflict, "SPQ2 fund is for Office supplies and not for “Homes of children in difficulty”", "A change of use needs a filing number")
	chen.get("/console?lang=zh-CN")
	wu.wants(wu.get(dataPath+"/charters.json"), http.StatusOK, `"version":2`, `"basis":"filing"`, `"purposes":"office"`, `"fee_bearer":"general"`)

	// transfers hold to it too
	transfer := url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "from": {id}, "to": {o.fundOf(1)}, "bank": {"bank.basic"}, "amount": {"1.00"}, "document": {"x"}, "reason": {"x"}}
	li.wants(li.post("/console/transfers", transfer), http.StatusUnprocessableEntity, "用途不相同也不相近")
	li.wants(li.step(file, "fund-levy", "amount", "1.00", "bank", "bank.basic", "day", "2026-09-07"), http.StatusConflict) // not offered: the agreement is silent

	// a change is public with its number, and what stood before it
	wu.wants(wu.get("/f/SPQ2"), http.StatusOK, "备案〔2026〕7号", "方案变更备案", "困境儿童居住改造", "协议〔2026〕1号", "归慈善会", "协议没有写，不能提取")
}

// Levy, release, interest and the end of a fund, each asked for and approved.
func TestFundMoney(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: o.funds[2].StreetID})
	li, chen := o.as("li"), o.as("chen")
	file, fund := o.fundOpened("SUN", "sunshine", "levy", "5", "spend", "8", "dormant", "12")
	like, likeFund := o.fundOpened("LIKE", "service")
	id := fund[strings.LastIndex(fund, "/")+1:]
	code := func(id chart.ID) string { return chart.MustByID(id).Code2026 }
	book := func(lines ...[4]string) {
		t.Helper()
		chen.wants(chen.decides(li.post("/console/vouchers", li.voucher("到账", lines...)).to, "approve", ""), http.StatusSeeOther)
	}
	book([4]string{code("bank.basic"), id, "27505.13", ""}, [4]string{code("gift.r"), id, "", "27505.13"})
	li.wants(li.get(file), http.StatusOK, "1,375.25", "捐赠的 5% 以内", "12 个月没有收支", "年初净资产的 8%")
	li.wants(li.step(file, "fund-levy", "amount", "1375.26", "bank", "bank.basic", "day", "2026-09-07"), http.StatusUnprocessableEntity, "最多还能提 1375.25")
	chen.wants(chen.decides(li.stepped(file, "fund-levy", "amount", "1375.25", "bank", "bank.basic", "day", "2026-09-07"), "approve", ""), http.StatusSeeOther)
	release := li.stepped(file, "fund-release", "why", "giver", "ref", "同意书", "to", strconv.Itoa(int(o.general.ID)), "amount", "129.88", "bank", "bank.basic", "day", "2026-09-07")
	chen.wants(chen.get(release), http.StatusOK, "<dd>G 日常基金</dd>")
	chen.wants(chen.decides(release, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(fund+"/available"), http.StatusOK, "可用余额是怎么来的", "26,000.00", "fund="+id)
	li.wants(li.get(fund+"/available?try=26000.01"), http.StatusOK, "还差 0.01")
	li.wants(li.get(fund+"/available?try=26000"), http.StatusOK, "够。")
	li.wants(li.get(fund+"/available?try=x&on=y"), http.StatusUnprocessableEntity)
	if a := li.get(fund + "/available?format=csv"); !strings.Contains(a.text, "26000.00") {
		t.Errorf("%d %s", a.status, a.text)
	}
	wu, xie := o.as("wu"), o.as("xie")
	wu.wants(wu.get(fund+"/available"), http.StatusOK, "26,000.00")
	xie.wants(xie.get(fund+"/available"), http.StatusNotFound)
	chen.wants(chen.decides(li.stepped(fundFilesPath, "fund-interest", "bank", "bank.basic", "from", "2026-09-07", "to", "2026-09-07", "amount", "26.00", "day", "2026-09-07"), "approve", ""), http.StatusSeeOther)
	end := li.stepped(file, "fund-close", "to", likeFund[strings.LastIndex(likeFund, "/")+1:], "basis", "similar", "ref", "", "reason", "项目做完了")
	chen.wants(chen.decides(end, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(file), http.StatusOK, "已终止", "LIKE阳光基金", "公布余款去向")
	li.wants(li.get(fundFilesPath), http.StatusOK, "余款去向还没有公布")
	li.stepped(file, "fund-publish", "day", "2026-09-07", "where", "/f/SUN")
	li.wants(li.get(file), http.StatusOK, "余款去向已经公布")
	li.wants(li.get(like), http.StatusOK, "已开设")

	// what everybody reads: the end, the charter, the committee by number
	public := o.browser()
	public.wants(public.get("/f/SUN"), http.StatusOK, "余款去向", "项目做完了", `<a href="/f/LIKE">LIKE阳光基金</a>`, "2026年9月7日", "它只能用于困境儿童居住改造", "社区阳光基金", "捐赠的 5% 以内", "5 名委员，5 名同意", "监事", "协议〔2026〕1号")
	public.lacks(public.get("/f/LIKE"), "余款去向")
	english := public.get("/f/SUN?lang=en")
	public.wants(english, http.StatusOK, "where its rest went", "Same or similar purpose", "5 members, 5 agreed")
	public.lacks(english, "李会计", "同意设立，每季公示")
}

// The pages of funds are laid out on a phone and a desk, in both languages.
func TestFundPagesLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	file, fund := o.fundOpened("SUN", "sunshine", "levy", "5", "spend", "8", "dormant", "12")
	draft := o.as("wu").fundApplied("NEW", "named")
	id := fund[strings.LastIndex(fund, "/")+1:]
	code := func(id chart.ID) string { return chart.MustByID(id).Code2026 }
	li, chen := o.as("li"), o.as("chen")
	for _, lines := range [][2][4]string{{{code("bank.basic"), id, "27505.13", ""}, {code("gift.r"), id, "", "27505.13"}}, {{code("subsidy"), id, "21940.87", ""}, {code("subsidy.contra"), id, "", "21940.87"}}} {
		chen.decides(li.post("/console/vouchers", li.voucher("到账", lines[0], lines[1])).to, "approve", "")
	}
	form := li.voucher("签约", [4]string{code("enc"), id, "9000.00", ""}, [4]string{code("enc.contra"), id, "", "9000.00"})
	form.Set("purpose", "homes")
	chen.decides(li.post("/console/vouchers", form).to, "approve", "")
	o.looks(t, "fund", [][3]string{{"li", "fund-files", fundFilesPath}, {"wu", "fund-file-draft", draft}, {"li", "fund-file", file}, {"wu", "fund-test", fundFilesPath + "/test"},
		{"wu", "fund-test-done", fundFilesPath + "/test?passed=no&duty=yes&powerless=yes&named=yes"}, {"wu", "fund-apply", fundFilesPath + "/new?passed=no&duty=no"},
		{"wu", "fund-available", fund + "/available?try=20000"}, {"li", "fund-charter", fund}, {"li", "transfer", "/console/transfers/new"}})
}
