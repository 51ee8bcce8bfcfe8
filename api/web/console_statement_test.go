package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// statementVector is a file of the agreed sets.
func statementVector(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "ledger", "recon", "statement", "testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (c *client) sendsStatement(source, name string, body []byte) reply {
	c.Helper()
	return c.upload(source, [2]string{"form", uuid.Must(uuid.NewV7()).String()}, "file", name, body)
}

// addsSource adds an account outside and gives the address of the n-th.
func (c *client) addsSource(n, name, kind, format, number string) string {
	c.Helper()
	c.stepped(statementsPath, "statement-source", "name", name, "kind", kind, "format", format, "number", number, "currency", "CNY")
	return statementsPath + "/" + n
}

// Every reason for which a file can be refused has words in both languages.
func TestRefusalsHaveWords(t *testing.T) {
	t.Parallel()
	for _, reason := range append(statement.Reasons, recon.Contradicts) {
		for _, lang := range []Lang{ZH, EN} {
			if text := T(lang, "recon.refusal."+string(reason), "a", "b"); strings.ContainsAny(text, "⟦{") {
				t.Errorf("%s %s: %s", lang, reason, text)
			}
		}
	}
}

// Statements come in: one is imported, one that was changed waits with the reason, the same bytes are only noted; a bank that
// nobody knows is mapped on a page from its file; one without balances is proved by what a person tells.
func TestStatementsInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	li.wants(li.get(statementsPath), http.StatusOK, "还没有账户")
	li.wants(li.step(statementsPath, "statement-source", "name", "招行", "kind", "bank", "format", "mt940", "currency", "XYZ"), http.StatusUnprocessableEntity, "币种要用三个大写字母")
	bank := li.addsSource("1", "招行基本户", "bank", "mt940", "755930112210808")
	li.wants(li.step(statementsPath, "statement-source", "name", "招行基本户", "kind", "bank", "format", "mt940", "currency", "CNY"), http.StatusUnprocessableEntity, "已有同名的账户")
	if a := chen.sendsStatement(bank, "x.sta", []byte("x")); a.status != http.StatusForbidden {
		t.Errorf("who approves sends a file: %d", a.status)
	}
	body := statementVector(t, "breaks-1/bank_mt940.sta")
	file := li.sendsStatement(bank, "九月.sta", body).to
	li.wants(li.get(file), http.StatusOK, "已导入", "52", "He Guilan", "666.00", "期初期末余额", "00244/001", "−35.00") // a day is missing
	chen.wants(chen.get(file), http.StatusOK, "已导入")
	li.wants(li.get(bank), http.StatusOK, "缺对账单", "2026-09-04", "2026-09-06", "−35.00")
	li.attach("source-file:"+lastPart(file), "银行来函.png", scan)
	li.wants(li.get(file), http.StatusOK, "银行来函.png")
	again := li.sendsStatement(bank, "九月又一份.sta", body).to
	li.wants(li.get(again), http.StatusOK, "同样的文件以前来过", file)
	changed := li.sendsStatement(bank, "改过.sta", bytes.Replace(body, []byte("C499,43"), []byte("C498,43"), 1)).to
	li.wants(li.get(changed), http.StatusOK, "未收", "期初余额加上各行得到 2830735.06", "2830736.06", "重新下载")
	li.stepped(changed, "statement-read")
	li.wants(li.get(changed), http.StatusOK, "未收", "重新读取")
	li.wants(li.get(statementsPath), http.StatusOK, "有文件待处理", "2,739,548.66", "2026-09-10")
	li.wants(li.sendsStatement(bank, "空.sta", nil), http.StatusUnprocessableEntity, "没有收下")

	own := li.addsSource("2", "村镇银行", "bank", "csv", "")
	sample := []byte("村镇银行流水\n账号：6230001\n交易日期,贷方金额,借方金额,账户余额,摘要,对方户名\n2026-09-01,100.00,,\"1,100.00\",捐款,王小明\n2026-09-02,,30.00,\"1,070.00\",手续费,\n合计,100.00,30.00,,,\n")
	csv := li.sendsStatement(own, "村镇.csv", sample).to
	li.wants(li.get(csv), http.StatusOK, "找不到需要的列", "说明各列的意思")
	li.wants(li.get(csv+"/profile"), http.StatusOK, "王小明", `<option value="4" selected>4 · 账户余额</option>`)
	form := url.Values{"form": {uuid.NewString()}, "do": {"show"}, "charset": {"utf-8"}, "delimiter": {"comma"}, "header": {"3"}, "date_form": {""}, "negate": {"no"}, "ignore": {"小计"},
		"col_date": {"1"}, "col_in": {"2"}, "col_balance": {"4"}, "col_text": {"5"}, "col_party": {"6"}}
	li.wants(li.post(csv+"/profile", form), http.StatusUnprocessableEntity, "要有金额列，或者收入、支出两列")
	form.Set("col_out", "3")
	li.wants(li.post(csv+"/profile", form), http.StatusOK, "1,070.00", "−30.00")
	form.Set("do", "save")
	if a := li.post(csv+"/profile", form); a.to != csv {
		t.Fatalf("%d\n%s", a.status, a.text)
	}
	li.wants(li.get(csv), http.StatusOK, "已导入", "逐行余额", "合计", "王小明")

	ccb := li.addsSource("3", "建行", "bank", "ccb", "")
	bare := li.sendsStatement(ccb, "建行.csv", []byte("记账日,交易日期,支出,收入,摘要\n20260901,20260901,,12.00,转账\n")).to
	li.wants(li.get(bare), http.StatusOK, "看不出是否完整", "填写余额")
	li.stepped(bare, "statement-tell", "opening", "1.00", "closing", "13.01")
	li.wants(li.get(bare), http.StatusOK, "未收", "13.01")
	li.stepped(bare, "statement-tell", "opening", "1.00", "closing", "13.00")
	li.wants(li.get(bare), http.StatusOK, "已导入", "人工填的余额")

	// A large file is read by the job; its page says how far that is.
	large := li.sendsStatement(ccb, "全年.csv", bytes.Repeat([]byte("20260901,20260901,,12.00,转账\n"), statementAtOnce/30)).to
	li.lacks(li.get(large), "已读")
	li.wants(li.get(large), http.StatusOK, "在后台进行")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select set_config('application_name', 'file:' || $1::text || ':5000:120000', true)`, lastPart(large)); err != nil {
			return err
		}
		li.wants(li.get(large), http.StatusOK, "已读", "5,000 行，约共 120,000 行")
		return nil
	})
}

func TestStatementsLook(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li := o.as("li")
	bank := li.addsSource("1", "招商银行基本户（善款专用账户，名字特别特别长）", "bank", "camt053", "755930112210808")
	wechat := li.addsSource("2", "微信支付资金账单", "wallet", "wechat-fund", "")
	own := li.addsSource("3", "村镇银行", "bank", "csv", "")
	file := li.sendsStatement(bank, "一个名字特别特别长特别特别长特别特别长的对账单文件.xml", statementVector(t, "breaks-1/bank_camt053.xml")).to
	changed := li.sendsStatement(bank, "改过.xml", bytes.Replace(statementVector(t, "breaks-1/bank_camt053.xml"), []byte("2830736.06"), []byte("2830736.07"), 1)).to
	fund := li.sendsStatement(wechat, "wechat_fund_20260902.csv", statementVector(t, "breaks-1/wechat_fund_20260902.csv")).to
	csv := li.sendsStatement(own, "村镇.csv", []byte("村镇银行流水\n交易日期,贷方金额,借方金额,账户余额,摘要,对方户名\n2026-09-01,100.00,,\"1,100.00\",捐款,王小明\n")).to
	o.looks(t, "statement", [][3]string{{"li", "list", statementsPath}, {"li", "source", bank}, {"li", "file", file}, {"li", "quarantined", changed}, {"li", "fund", fund}, {"li", "unknown", csv}, {"li", "profile", csv + "/profile"}})
}
