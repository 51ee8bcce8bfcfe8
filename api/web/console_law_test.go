package web

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// lawful has the office stand under the law of an association that raises from the public.
func (o *office) lawful() {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return law.SetProfile(ctx, tx, o.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, o.now)
	})
}

// draftCampaign is a campaign that nobody has seen yet, opening after so many days.
func (o *office) draftCampaign(slug, filing string, after, days int) *giving.Campaign {
	o.Helper()
	var c *giving.Campaign
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		at := o.book.Day(o.now).AddDate(0, 0, after)
		opens := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, o.book.Zone)
		c, err = giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: o.funds[1].ID, Slug: slug, TitleZH: "长者午餐", TitleEN: "Lunches", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story",
			FilingNo: filing, Goal: 50_000_00, OpensAt: opens, ClosesAt: opens.AddDate(0, 0, days), State: giving.Draft})
		return err
	})
	return c
}

// TestLawInTheConsole: without a profile nothing is refused; once two people entered it, a campaign without its filing is, by rule, article and
// what would lift it; the filing entered by two people lifts it.
func TestLawInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	wu.wants(wu.get(lawPath), http.StatusForbidden)
	li.wants(li.get(lawPath), http.StatusOK, "还没有登记本会的法律身份", "R01", "R23")
	li.wants(li.step(lawPath, "law-profile", "place", "中国", "form", "association", "public", "yes", "due-from", "2020-01-01"), http.StatusNotFound)
	profile := []string{"place", "CN", "form", "association", "public", "yes", "due-from", "2020-01-01"}
	li.wants(li.step(lawProfilePath, "law-profile", append([]string{"place", "中国"}, profile[2:]...)...), http.StatusUnprocessableEntity, "法域写国家代码")
	asked := li.stepped(lawProfilePath, "law-profile", profile...)
	chen.wants(chen.get(asked), http.StatusOK, "登记法律身份", "社会团体", "2020")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(lawPath), http.StatusOK, "社会团体", "慈善活动年度支出的下限")

	c := o.draftCampaign("lunch-2", "51A2026001", 20, 30)
	desk := deskHref(c.ID)
	li.wants(li.get(desk), http.StatusOK, "能公开了吗", "R06", "没有登记备案", lawRule("R06")) // told before anybody asks
	page := li.post(desk, formWith("do", "publish"))
	li.wants(page, http.StatusConflict, "R06", "募捐方案在开始前备案", "民政部令第74号", "怎样解除", "没有登记备案")
	li.wants(li.get(deadlinesPath), http.StatusOK, "募捐方案备案", "长者午餐")
	rule := lawRule("R06")
	filed := []string{"item", "R06.filed", "object", lawHrefObject(c), "due-day", ISODay(o.book.Day(o.now)), "due-until", ISODay(o.book.Day(c.ClosesAt)), "words", "备案 51A2026001"}
	li.wants(li.step(rule, "law-fact", "item", "R06.filed", "object", lawHrefObject(c), "words", "51A2026001"), http.StatusUnprocessableEntity, "还缺日期")
	asked = li.stepped(rule, "law-fact", filed...)
	chen.wants(chen.get(asked), http.StatusOK, "长者午餐", "51A2026001")
	li.wants(li.post(desk, formWith("do", "publish")), http.StatusConflict, "R06") // entered, not confirmed yet
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(rule), http.StatusOK, "51A2026001", "长者午餐")
	li.lacks(li.get(desk), "没有登记备案")
	asked = li.post(desk, formWith("do", "publish")).to
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(lawRule("R99")), http.StatusNotFound)

	// A number that serves a second campaign.
	other := o.draftCampaign("lunch-3", "51A2026001", 20, 30)
	li.stepped(rule, "law-fact", "item", "R06.filed", "object", lawHrefObject(other), "due-day", ISODay(o.book.Day(o.now)), "due-until", ISODay(o.book.Day(other.ClosesAt)), "words", "51A2026001")
	chen.wants(chen.decides(newestRequest(o, chen), "approve", ""), http.StatusSeeOther)
	li.wants(li.post(deskHref(other.ID), formWith("do", "publish")), http.StatusConflict, "R07", "还用在另外 1 个活动上")
}

func lawHrefObject(c *giving.Campaign) string {
	return "campaign:" + strings.TrimPrefix(deskHref(c.ID), "/console/campaigns/")
}

// newestRequest is the newest request that waits.
func newestRequest(o *office, c *client) string {
	o.Helper()
	page := c.get("/console/approvals").text
	_, rest, ok := strings.Cut(page, `href="/console/approvals/0`)
	if !ok {
		o.Fatalf("no request waits: %s", page)
	}
	id, _, _ := strings.Cut(rest, `"`)
	return "/console/approvals/0" + id
}

// TestDeadlineReminders: whoever sees to a deadline is reminded thirty days before, seven days before and once overdue, each once.
func TestDeadlineReminders(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.lawful()
	li := o.as("li")
	c := o.draftCampaign("lunch-2", "", 50, 30)
	due := o.book.Day(c.OpensAt).AddDate(0, 0, -10)
	s := &Server{}
	remind := func(daysBefore, want int) {
		t.Helper()
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			told, err := s.NoticeDeadlines(ctx, tx, o.book, due.AddDate(0, 0, -daysBefore).Add(12*3600e9))
			if told != want {
				t.Errorf("%d days before, %d reminders, want %d", daysBefore, told, want)
			}
			return err
		})
	}
	remind(31, 0)
	remind(30, 1)
	remind(29, 0)
	li.wants(li.get(mailboxPath), http.StatusOK, "长者午餐", ISODay(due))
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		all, err := law.Deadlines(ctx, tx, o.book, o.book.Day(o.now))
		if err != nil || len(all) != 1 || all[0].Called("en") != "Lunches" || !all[0].Due.Equal(due) {
			t.Fatalf("%+v, %v", all, err)
		}
		p, err := staff.ByLogin(ctx, tx, o.book.ID, "chen")
		if err != nil {
			return err
		}
		return law.Take(ctx, tx, o.book, all[0].Key, p.ID)
	})
	remind(7, 1)
	remind(-1, 1)
	remind(-5, 0)
	chen := o.as("chen")
	chen.wants(chen.get(mailboxPath), http.StatusOK, "募捐方案备案：长者午餐", "已超过 1 天", "怎样办：备案后登记备案日和编号")
}

// A voucher that would invest public money is refused by R14 when it is to be carried out.
func TestLawRefusesInvesting(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.lawful()
	var fund *ledger.Fund
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		fund, err = ledger.CreateFund(ctx, tx, o.book, ledger.Fund{Code: "S1", Kind: ledger.Subsidy, NameZH: "街道配套", NameEN: "Subsidy"})
		if err != nil {
			return err
		}
		err = law.MayPost(ctx, tx, o.book, []ledger.Entry{{Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "st.inv", Fund: fund.ID}, 1), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: fund.ID}, 1)}}}, o.book.Day(o.now))
		if refusal, ok := err.(*law.Refusal); !ok || refusal.Rule.Code != "R14" {
			t.Errorf("public money may be invested: %v", err)
		}
		return law.MayPost(ctx, tx, o.book, []ledger.Entry{{Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "st.inv", Fund: o.general.ID}, 1), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: o.general.ID}, 1)}}}, o.book.Day(o.now))
	})
}

func TestLawLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.lawful()
	o.draftCampaign("lunch-2", "51A2026001", 20, 30)
	day := o.book.Day(o.now)
	o.post(ledger.KindVoucher, day.AddDate(-1, 0, 0), "捐赠", o.debit("bank.basic", 1, 41_739_000_00), o.credit("gift.r", 1, 41_739_000_00))
	o.post(ledger.KindVoucher, day, "管理费用", o.debit("admin.r", 1, 1_000_000_00), o.credit("bank.basic", 1, 1_000_000_00))
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := (&Server{}).NoticeDeadlines(ctx, tx, o.book, o.now)
		return err
	})
	o.looks(t, "law", [][3]string{{"li", "list", lawPath}, {"li", "r01", lawRule("R01")}, {"li", "r02", lawRule("R02")}, {"li", "r04", lawRule("R04")}, {"li", "r06", lawRule("R06")}, {"li", "deadlines", deadlinesPath}, {"li", "letters", mailboxPath}, {"shen", "bundle", bundlePath}})
}

// The auditor makes the bundle with one button; it verifies by itself, names nobody, and the audit trail tells who took it.
func TestBundleFromTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	shen, wu := o.as("shen"), o.as("wu")
	wu.wants(wu.get(bundlePath), http.StatusForbidden)
	shen.wants(shen.get(bundlePath), http.StatusOK, "sunfund verify --bundle", "postings.csv")
	run := shen.has(bundleFile)
	page := shen.get(run + "/file")
	shen.wants(page, http.StatusOK)
	check, err := reports.VerifyBundle(strings.NewReader(page.text), int64(len(page.text)))
	if err != nil || check.All != 0 || check.Info.Entries != 3 {
		t.Fatalf("%+v, %v", check, err)
	}
	r, err := zip.NewReader(strings.NewReader(page.text), int64(len(page.text)))
	o.must(err)
	for _, f := range r.File {
		in, err := f.Open()
		o.must(err)
		text, err := io.ReadAll(in)
		o.must(err)
		for _, name := range []string{"李会计", "陈审批", "沈审计", "li@", "谢女士"} {
			if strings.Contains(string(text), name) {
				t.Errorf("%s names %s", f.Name, name)
			}
		}
	}
	if o.audited("bundle.make") != 1 {
		t.Error("the audit trail does not tell who took the book along")
	}
	shen.wants(shen.get(bundlePath), http.StatusOK, "生成过的审计包", "沈审计", "已生成", check.Root)
}

// A bundle that breaks off is told as a fault, and nothing of it is sent as a file.
func TestBundleBreaksOff(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.damage(`delete from posting where seq = 1 and account_id = (select max(account_id) from posting)`)
	shen := o.as("shen")
	run := shen.askedFor(bundleFile)
	if _, err := o.exports(); !errors.Is(err, reports.ErrTorn) {
		t.Errorf("made of a torn book: %v", err)
	}
	shen.wants(shen.get(run+"/file"), http.StatusGone)
	shen.wants(shen.get(run), http.StatusOK, "失败，没有文件", "没有留下不完整的文件")
	shen.wants(shen.get(bundlePath), http.StatusOK, "失败，没有文件")
}

// TestRefusalsByLaw: what the table blocks is refused where it is done, by rule, ground and what would lift it, in both languages.
func TestRefusalsByLaw(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	profile := func(public bool, from time.Time) {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			return law.SetProfile(ctx, tx, o.book, law.Profile{From: from, Jurisdiction: "CN", Form: law.Association, Public: public}, o.now)
		})
	}
	profile(false, ledger.Day(2020, 1, 1))
	opens := o.book.Day(o.now).AddDate(0, 0, 30)
	form := url.Values{"form": {uuid.NewString()}, "slug": {"lunch-9"}, "fund": {strconv.Itoa(int(o.funds[1].ID))}, "title_zh": {"长者午餐"}, "title_en": {"Lunches"}, "summary_zh": {"简"}, "summary_en": {"Short"}, "story_zh": {"故事"}, "story_en": {"Story"},
		"filing": {"51A2026009"}, "goal": {"50000"}, "least": {"1"}, "most": {"50000"}, "presets": {"10 50 100"}, "opens": {ISODay(opens)}, "closes": {ISODay(opens.AddDate(0, 0, 30))}}
	li.wants(li.post("/console/campaigns", form), http.StatusConflict, "R15 公开募捐须有公开募捐资格", "本会没有公开募捐资格", "怎样解除：取得公开募捐资格后在本页登记", "慈善法")
	profile(true, ledger.Day(2021, 1, 1)) // it has obtained the right
	li.wants(li.post("/console/campaigns", form), http.StatusSeeOther)

	// R01 at the year's end: a year below its floor is not closed until that was explained.
	last := o.book.Day(o.now).Year() - 1
	for year, amount := range map[int]int64{last - 1: 1_000_00, last: 10_00} {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: ledger.Day(year, 6, 1), Actor: uuid.New(), Lines: []ledger.Line{
				ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: o.funds[1].ID}, amount), ledger.Credit(ledger.Leaf{Chart: "gift.r", Fund: o.funds[1].ID}, amount)}})
			return err
		})
	}
	before := yearsPath + "?year=" + strconv.Itoa(last-1)
	o.fact(law.Fact{Rule: "R01", Item: "explained", Object: "book", Year: int32(last - 1), Words: "账簿第一年"})
	asked := li.post(before, formWith("act", "year-close"))
	li.wants(asked, http.StatusSeeOther)
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusSeeOther)
	year := yearsPath + "?year=" + strconv.Itoa(last)
	li.wants(li.get(year), http.StatusOK, "R01", lawRule("R01"))
	li.wants(li.post(year, formWith("act", "year-close")), http.StatusConflict, "R01 慈善活动年度支出的下限", "还差 700.00", "怎样解除", "已向登记机关说明")
	li.wants(li.get(lawRule("R01")+"&year="+strconv.Itoa(last)), http.StatusOK, "慈善活动支出，逐月累计", "<svg", "应达到")
	o.fact(law.Fact{Rule: "R01", Item: "explained", Object: "book", Year: int32(last), Words: "已书面说明"})
	li.wants(li.post(year, formWith("act", "year-close")), http.StatusSeeOther)
}

// fact enters a fact as if two people had agreed.
func (o *office) fact(f law.Fact) {
	o.Helper()
	f.ID, f.EnteredBy, f.EnteredAt = uuid.New(), uuid.New(), o.now
	o.tx(func(ctx context.Context, tx pgx.Tx) error { return law.Enter(ctx, tx, o.book, f) })
}

// TestAgreementsInTheConsole: terms of a gift are entered by its reference and count once a second person agreed; a figure says for whom it holds.
func TestAgreementsInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.lawful()
	li, chen := o.as("li"), o.as("chen")
	c := o.draftCampaign("lunch-4", "51A2026004", -5, 30)
	var gift uuid.UUID
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: c.ID, Amount: 100_00, Currency: "CNY", Channel: giving.Bank, Ref: "A-1", PaidAt: o.now}})
		if err == nil {
			gift, err = out[0].ID, out[0].Err
		}
		return err
	})
	ref := giving.Ref(o.book, gift)
	rule := lawRule("R04")
	li.wants(li.get(rule), http.StatusOK, "捐赠编号", "最迟使用日")
	li.wants(li.step(rule, "law-fact", "item", "R04.fee_cap", "object", "nobody", "share", "3%", "words", "协议"), http.StatusUnprocessableEntity, "没有这笔捐赠")
	li.wants(li.step(rule, "law-fact", "item", "R04.fee_cap", "object", ref, "share", "much", "words", "协议"), http.StatusUnprocessableEntity, "写成 5% 或 2.5%")
	asked := li.stepped(rule, "law-fact", "item", "R04.fee_cap", "object", ref, "share", "3%", "words", "协议第三条")
	chen.wants(chen.get(asked), http.StatusOK, ref, "3%", "协议第三条")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(rule), http.StatusOK, ref, "3%", "/console/entries/"+gift.String())

	// What was entered before its form was checked does not stop the page: it is shown as unreadable, and taken back by two people.
	bad := uuid.New()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into law_fact (book_id, id, rule, item, object, year, amount, words, entered_by, entered_at) values ($1, $2, 'R04', 'spend_by', 'gift:12', 0, 0, '旧协议', $2, $3), ($1, $4, 'R04', 'once', 'book', 0, 0, '早先的', $2, $3)`, o.book.ID, bad, o.now, uuid.New())
		return err
	})
	li.wants(li.get(rule), http.StatusOK, "登记的事项（旧协议）读不了", "登记的事项（早先的）读不了", "协议第三条", "撤回登记", "提醒")
	li.wants(li.get(lawPath), http.StatusOK, "R23")
	li.wants(li.step(rule, "law-withdraw", "object", "R04 fact:"+uuid.NewString(), "words", "x"), http.StatusUnprocessableEntity)
	asked = li.stepped(rule, "law-withdraw", "object", "R04 fact:"+bad.String(), "words", "不是捐赠编号")
	twice := li.stepped(rule, "law-withdraw", "object", "R04 fact:"+bad.String(), "words", "又一次")
	chen.wants(chen.get(asked), http.StatusOK, "旧协议", "不是捐赠编号")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	chen.decides(twice, "approve", "")
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		var n int
		if err = tx.QueryRow(ctx, `select count(*) from law_fact where item = 'withdrawn' and object = 'fact:' || $1::uuid`, bad).Scan(&n); n != 1 {
			t.Errorf("taken back %d times", n)
		}
		return err
	})
	page := li.get(rule)
	li.wants(page, http.StatusOK, "（已撤回）旧协议", "不是捐赠编号", "登记的事项（早先的）读不了")
	if strings.Contains(page.text, "登记的事项（旧协议）读不了") {
		t.Error("what was taken back still stands")
	}

	rule = lawRule("R18")
	li.wants(li.step(rule, "law-param", "name", "R18.retention", "value", "0.05", "due-from", "2027-01-01", "article", "新办法", "form", "*", "public", "*"), http.StatusUnprocessableEntity, "写成 70%")
	asked = li.stepped(rule, "law-param", "name", "R18.retention", "value", "5%", "due-from", "2020-01-01", "due-to", "2099-01-01", "article", "新办法", "place", "CN", "form", "association", "public", "yes")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(rule), http.StatusOK, "5%", "新办法", "2020-01-01 – 2098-12-31", "CN · 社会团体 · 有公开募捐资格")
}
