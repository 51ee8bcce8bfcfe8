package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/money"
	"sunfund/ledger/payments/platforms"
)

// sends uploads a platform's file as the form does.
func (c *client) sends(name string, body []byte) reply {
	c.Helper()
	return c.upload(platformsPath, [2]string{"form", uuid.Must(uuid.NewV7()).String()}, "file", name, body)
}

// profileForm is what somebody sends who has looked at a sample.
func profileForm(do string) url.Values {
	return url.Values{"form": {uuid.NewString()}, "do": {do}, "charset": {"utf-8"}, "delimiter": {"comma"}, "header": {"2"}, "time_form": {"2006-01-02 15:04:05"}, "zone": {"Asia/Shanghai"},
		"unit": {"yuan"}, "ignore": {"合计"}, "paid": {"支付成功"}, "codes": {"P-001=space"}, "foundation": {"示例平台基金会"}, "platform": {"shili"}, "name": {"示例平台"},
		"col_order": {"1"}, "col_time": {"2"}, "col_amount": {"3"}, "col_fee": {"4"}, "col_match": {"5"}, "col_donor": {"6"}, "col_campaign": {"7"}, "col_currency": {"8"}, "col_state": {"9"}}
}

// A platform's file of 2,000 gifts is mapped on a page from the file itself, compared with the letter, booked, settled
// short, and what is short is given a reason by two people.
func TestAPlatformFileInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	text, totals := platforms.Sample(2000, time.Date(2026, 9, 4, 0, 0, 0, 0, time.UTC))
	sum := func(minor int64) string { return money.Format(minor, "CNY") }

	li.wants(li.sends("程序.csv", []byte("MZ\x00\x01")), http.StatusUnprocessableEntity, "文件不是这种编码的文本")
	li.wants(li.sends("空.csv", nil), http.StatusUnprocessableEntity, "请选择一个文件")
	if a := chen.sends("名单.csv", []byte(text)); a.status != http.StatusForbidden {
		t.Errorf("who approves sends a file: %d", a.status)
	}
	file := li.sends("九月四日名单.csv", []byte(text)).to
	if again := li.sends("又一次.csv", []byte(text)).to; again != file {
		t.Errorf("the same file again is at %s, not %s", again, file)
	}
	li.wants(li.get(file), http.StatusOK, "还不知道怎样读这份文件")
	li.wants(li.get(file+"/profile"), http.StatusOK, "热心邻居", `<option value="5" selected>5 · 配捐金额</option>`)
	wrong := profileForm("show")
	wrong.Set("col_fee", "3")
	li.wants(li.post(file+"/profile", wrong), http.StatusUnprocessableEntity, "这一列已经有别的含义")
	li.wants(li.post(file+"/profile", profileForm("show")), http.StatusOK, "头 20 行将这样入账", "GY20260904000020", "控制总数", "2000")
	if a := li.post(file+"/profile", profileForm("save")); a.to != file {
		t.Fatalf("%d\n%s", a.status, a.text)
	}
	li.wants(li.step(file, "platform-book"), http.StatusUnprocessableEntity, "总数不同或未填平台通知的原因：请填写")
	li.stepped(file, "platform-tell", "count", "2000", "amount", sum(totals.Amount), "fee", sum(totals.Fee), "match", sum(totals.Match))
	li.stepped(file, "platform-book")
	li.stepped(file, "platform-book") // asked twice
	li.wants(li.get(file), http.StatusOK, "正在入账", "已处理 0 行，共 2,000 行", `<progress max="2000" value="0"`, "看看进度")
	li.lacks(li.get(file), "platform-drop")
	o.worked()
	li.wants(li.get(file), http.StatusOK, "待结算", "每一行都可以入账", Amount(ZH, money.Money{Minor: totals.Net, Currency: "CNY"}))

	short, unpaid := int64(123_45), int64(50_00)
	li.wants(li.step(file, "platform-pay", "day", "2026-09-07", "ref", "B-1", "gifts", sum(totals.Net+1), "match", "0"), http.StatusUnprocessableEntity, "最多")
	li.stepped(file, "platform-pay", "day", "2026-09-07", "ref", "B-1", "gifts", sum(totals.Net-short), "match", sum(totals.Match-unpaid))
	li.wants(li.get(platformsPath), http.StatusOK, "123.45", "50.00", "九月四日名单.csv", "待结算")
	request := li.stepped(file, "platform-fee", "day", "2026-09-07", "amount", sum(short), "reason", "平台另收技术服务费")
	li.wants(li.get(file), http.StatusOK, "123.45") // nothing is written off by one person
	chen.wants(chen.get(request), http.StatusOK, "平台另收技术服务费", "1122.01")
	chen.decides(request, "approve", "")
	// The payment was typed wrong: taken back by two people, both stay in sight, and it is recorded again under the same bank line.
	settlement := regexp.MustCompile(`<option value="([0-9a-f-]{36})">2026-09-07 · 到账`).FindStringSubmatch(li.get(file).text)
	if settlement == nil {
		t.Fatal("no settlement is offered to be taken back")
	}
	li.wants(li.step(file, "platform-undo", "settlement", uuid.NewString(), "day", "2026-09-07", "reason", "看错"), http.StatusUnprocessableEntity, "请填写")
	request = li.stepped(file, "platform-undo", "settlement", settlement[1], "day", "2026-09-07", "reason", "金额看错一位")
	chen.wants(chen.get(request), http.StatusOK, "金额看错一位", "1002.02")
	chen.decides(request, "approve", "")
	li.wants(li.get(file), http.StatusOK, "到账（已撤销）", "金额看错一位", "撤销结算")
	li.stepped(file, "platform-pay", "day", "2026-09-07", "ref", "B-1", "gifts", sum(totals.Net-short), "match", sum(totals.Match-unpaid))
	request = li.stepped(file, "platform-disallow", "day", "2026-09-07", "amount", sum(unpaid), "reason", "规则外")
	chen.decides(request, "approve", "")
	li.wants(li.get(file), http.StatusOK, "已结清", "平台另收技术服务费", "陈审批")
	// Match that came is frozen by one, and clawed back by two.
	li.stepped(file, "platform-freeze", "day", "2026-09-07", "amount", "80.00", "reason", "平台调查")
	request = li.stepped(file, "platform-clawback", "day", "2026-09-07", "amount", "80.00", "cause", "outside", "reason", "不合规则")
	chen.decides(request, "approve", "")
	li.wants(li.get(file), http.StatusOK, "冻结与追回", "解除冻结", "原因在外", "其中已追回")
	// From now on match is income when it is earned.
	li.wants(li.step(platformPolicyPath, "platform-recognise", "recognition", "on_receipt", "reason", "不变"), http.StatusUnprocessableEntity, "现在就是这样")
	request = li.stepped(platformPolicyPath, "platform-recognise", "recognition", "on_condition_met", "reason", "理事会决定")
	chen.wants(chen.get(request), http.StatusOK, "赢得时确认", "理事会决定")
	chen.decides(request, "approve", "")
	li.wants(li.get(platformsPath), http.StatusOK, "理事会决定", "到账前为暂估")
	// The foundation's gift is not refunded at its own page: the way leads to the file.
	var gift string
	if err := o.db.QueryRow(t.Context(), `select gift_id from platform_settlement where gift_id is not null limit 1`).Scan(&gift); err != nil {
		t.Fatal(err)
	}
	match := "/console/gifts/" + gift + "/refund"
	li.wants(li.get(match), http.StatusConflict, "配捐被追回", file)
	li.wants(li.post(match, url.Values{"form": {uuid.NewString()}, "amount": {"10.00"}, "ref": {"TK-1"}, "why": {"other"}, "reason": {"退回"}}), http.StatusConflict, "配捐被追回", file)
	if out := li.get(file + "/faults"); out.status != http.StatusOK || out.head.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("faults: %d %v", out.status, out.head)
	}
}

func TestPlatformsLook(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li := o.as("li")
	day := time.Date(2026, 9, 4, 0, 0, 0, 0, time.UTC)
	text, totals := platforms.Sample(60, day)
	file := li.sends("一份名字特别特别长的平台捐赠明细导出文件_2026年9月4日_最终版.csv", []byte(text)).to
	if a := li.post(file+"/profile", profileForm("save")); a.to != file {
		t.Fatalf("%d\n%s", a.status, a.text)
	}
	li.stepped(file, "platform-tell", "count", strconv.FormatInt(totals.Count, 10), "amount", money.Format(totals.Amount, "CNY"), "fee", "0", "match", "0")
	li.stepped(file, "platform-book", "reason", "通知没有列手续费和配捐")
	o.worked()
	li.stepped(file, "platform-pay", "day", "2026-09-07", "ref", "20260907-0007", "gifts", money.Format(totals.Net-10_00, "CNY"), "match", "0")
	li.stepped(file, "platform-pay", "day", "2026-09-07", "ref", "20260907-0009", "gifts", "0", "match", "20.00")
	li.stepped(file, "platform-freeze", "day", "2026-09-07", "amount", "12.00", "reason", "平台正在调查一个用户反复小额捐赠的情况")
	undone := regexp.MustCompile(`<option value="([0-9a-f-]{36})">2026-09-07 · 到账`).FindStringSubmatch(li.get(file).text)
	o.as("chen").decides(li.stepped(file, "platform-undo", "settlement", undone[1], "day", "2026-09-07", "reason", "把别的银行流水当成了这一笔"), "approve", "")
	text, _ = platforms.Sample(30, day.AddDate(0, 0, 1))
	next := li.sends("第二天.csv", []byte(text+"坏行,昨天,1,0,0,某某,P-001,人民币,支付成功\n")).to
	if a := li.post(next+"/profile", profileForm("save")); a.to != next {
		t.Fatalf("%d\n%s", a.status, a.text)
	}
	text, _ = platforms.Sample(40, day.AddDate(0, 0, 2))
	under := li.sends("第三天.csv", []byte(text)).to
	if a := li.post(under+"/profile", profileForm("save")); a.to != under {
		t.Fatalf("%d\n%s", a.status, a.text)
	}
	li.stepped(under, "platform-book", "reason", "平台没有寄来通知")
	o.looks(t, "platform", [][3]string{{"li", "progress", under}, {"li", "list", platformsPath}, {"li", "booked", file}, {"li", "read", next}, {"li", "map", next + "/profile"}})
}
