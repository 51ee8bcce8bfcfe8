package reports

import (
	"context"
	"errors"
	"slices"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrNoReport means that there is no such report, or not for who asks. Answer 404.
var ErrNoReport = errors.New("no such report")

// Sheet is a report that can be asked for.
type Sheet struct {
	ID             string
	Group          string
	ZH, EN         string
	SaysZH, SaysEN string // what it answers
	Whole          bool   // only for who sees the whole book
	Donor          bool   // of one donor, whom the request names: only for who may read all that is held on one
	Form           *Form  // of a statement; nil for a list
	make           func(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error)
	count          func(ctx context.Context, q pg.Querier, book *ledger.Book, r Request, limit int64) (int64, error) // nil: never long
}

// UpTo counts the rows that a file of the report has, at most limit; 0 of one that is never long.
func (s Sheet) UpTo(ctx context.Context, q pg.Querier, book *ledger.Book, r Request, limit int64) (int64, error) {
	if s.count == nil {
		return 0, nil
	}
	return s.count(ctx, q, book, r, limit)
}

// Name is Chinese for languages starting with "zh" and English for all others. Says likewise.
func (s Sheet) Name(lang string) string { return words(lang, s.ZH, s.EN) }

// Says is what the report answers.
func (s Sheet) Says(lang string) string { return words(lang, s.SaysZH, s.SaysEN) }

// Code is that of the official form; empty for none.
func (s Sheet) Code() string {
	if s.Form == nil {
		return ""
	}
	return s.Form.Code
}

// Make draws the report up. Run it in one repeatable read transaction.
func (s Sheet) Make(ctx context.Context, q pg.Querier, book *ledger.Book, r Request) (*Report, error) {
	if s.Form != nil {
		statement, err := Make(ctx, q, book, s.Form, r)
		if err != nil {
			return nil, err
		}
		return &statement.Report, nil
	}
	return s.make(ctx, q, book, s, r)
}

// Groups are the groups of reports in order.
func Groups() []string {
	return []string{"statutory", "other-regime", "us", "uk", "funds", "work", "giving", "checks"}
}

// Sheets are all reports; the statements of the regime come first.
func Sheets(regime string) []Sheet {
	var all []Sheet
	for _, f := range Forms(regime) {
		s := Sheet{ID: f.ID, ZH: f.ZH, EN: f.EN, Form: f, Group: "statutory"}
		switch {
		case f.Regime == "":
			s.Group = f.ID[:2]
		case f.Regime != regime:
			s.Group = "other-regime"
		}
		says := map[string][2]string{Balance: {"有什么、欠什么、净资产多少", "What there is, what is owed, what is left"}, Activities: {"收了什么、花了什么，限定与非限定分列", "What came and what was spent, restricted and unrestricted apart"},
			Cash: {"现金从哪里来、到哪里去（直接法）", "Where cash came from and went (direct method)"}}[f.Kind]
		s.SaysZH, s.SaysEN = says[0], says[1]
		all = append(all, s)
	}
	return slices.Concat(all, lists)
}

// SheetByID finds a report.
func SheetByID(id string) (Sheet, bool) {
	all := Sheets("")
	if i := slices.IndexFunc(all, func(s Sheet) bool { return s.ID == id }); i >= 0 {
		return all[i], true
	}
	return Sheet{}, false
}

// lists are the reports that are not statements.
var lists = []Sheet{
	{ID: "us-functional", Group: "us", ZH: "美国准则功能费用表", EN: "Functional expenses (US)", SaysZH: "费用按性质和用途交叉列示", SaysEN: "Expenses by nature and by what they were for", make: functional},
	{ID: "us-net-assets", Group: "us", ZH: "美国准则净资产变动（按用途）", EN: "Net assets by purpose (US)", SaysZH: "有捐赠人限制的净资产按基金和用途滚动", SaysEN: "Net assets with donor restrictions rolled forward by fund and purpose", make: usRollforward.make},
	{ID: "us-liquidity", Group: "us", ZH: "美国准则流动性附注", EN: "Liquidity and availability (US)", SaysZH: "一年内能用于一般开支的金融资产", SaysEN: "Financial assets available for general expenditure within a year", make: liquidity},
	{ID: "uk-funds", Group: "uk", ZH: "英国准则基金附注", EN: "Note of funds (UK)", SaysZH: "各类基金期初、收入、支出、划转、期末", SaysEN: "Each fund brought forward, income, expenditure, transfers, carried forward", make: ukFunds.make},
	{ID: "funds", Group: "funds", ZH: "基金收支结存表", EN: "Fund statement", SaysZH: "每只基金期初、收、支、期末，以及还能用多少", SaysEN: "What each fund had, got, spent and has, and how much may be spent", make: fundStatement},
	{ID: "sources", Group: "funds", ZH: "资金来源×项目", EN: "Sources and projects", SaysZH: "哪个项目用了哪笔来源的钱", SaysEN: "Which project used whose money", make: matrix},
	{ID: "agency", Group: "funds", ZH: "受托代理登记簿", EN: "Agency register", SaysZH: "每位指定受益人的代收代付", SaysEN: "Received and passed on, by named beneficiary", make: agencies.register},
	{ID: "projects", Group: "work", ZH: "项目决算", EN: "Project final accounts", SaysZH: "预算、合同、验收、结余", SaysEN: "Budget, contracts, accepted, left", make: finalAccounts},
	{ID: "encumbrances", Group: "work", ZH: "合同承诺台账", EN: "Commitments by contract", SaysZH: "签了还没有履行的，逾期多少天", SaysEN: "Signed and not fulfilled, and how long overdue", make: ageing},
	{ID: "payables", Group: "work", ZH: "应付与尾款", EN: "Payables and retention", SaysZH: "欠谁多少、何时到期", SaysEN: "What is owed to whom, and when it is due", make: owed},
	{ID: "donor", Group: "giving", ZH: "捐赠人对账单", EN: "Donor statement", SaysZH: "一位捐赠人的捐赠、票据、退款，以及用到哪里", SaysEN: "One donor's gifts, receipts, refunds, and what they paid", Whole: true, Donor: true, make: donorStatement},
	{ID: "receipts", Group: "giving", ZH: "捐赠票据台账", EN: "Receipt register", SaysZH: "每张票据，含作废", SaysEN: "Every receipt, the void ones too", make: receiptRegister, count: receiptsUpTo},
	{ID: "match", Group: "giving", ZH: "配捐对账", EN: "Match statement", SaysZH: "配捐池：赢得、不予配捐、冻结、已付、追回", SaysEN: "Pools: earned, disallowed, frozen, settled, clawed back", make: matchStatement},
	{ID: "pledges", Group: "giving", ZH: "认捐台账", EN: "Pledges", SaysZH: "签了还没有到账的认捐", SaysEN: "Signed and not received", make: pledges.register},
	{ID: "letters", Group: "giving", ZH: "街道配套台账", EN: "Street support", SaysZH: "街道承诺了、到账了多少", SaysEN: "What streets promised and paid", make: promises.register},
	{ID: "in-kind", Group: "giving", ZH: "受赠物资台账", EN: "Gifts in kind", SaysZH: "批次、凭据、价值、去向", SaysEN: "Lots, evidence, value, what became of them", make: inKind},
	{ID: "bank", Group: "checks", ZH: "银行存款余额调节表", EN: "Bank reconciliation", SaysZH: "各银行账户：账面与对账单，未达账项逐笔列示", SaysEN: "Each bank account: the book, the statement, and what is outstanding, item by item", Whole: true, make: bankReconciliation},
	{ID: "processor", Group: "checks", ZH: "支付机构对账表", EN: "Processor reconciliation", SaysZH: "收款 − 退款 − 争议 − 手续费 ± 调整 = 提现 + 余额增加", SaysEN: "Charges − refunds − disputes − fees ± adjustments = payouts + growth of the balance", Whole: true, make: processorReconciliation},
	{ID: "related", Group: "checks", ZH: "关联方清单", EN: "Related parties", SaysZH: "有利害关系的收款方、向其付款、捐赠最多的捐赠人", SaysEN: "Payees close to the managers, payments to them, the largest donors", Whole: true, make: relatedParties},
	{ID: "notes", Group: "checks", ZH: "会计报表附注数据", EN: "Notes to the statements", SaysZH: "限定资产、代理、承诺、认捐、外币", SaysEN: "Restricted assets, agency, commitments, pledges, foreign money", make: notes},
}
