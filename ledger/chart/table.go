package chart

// marks of a row; an account carries any number of them.
type marks uint8

const (
	foreign marks = 1 << iota // may hold foreign currency
	cash                      // 货币资金
	liquid                    // counts in liquid(fund)
	commit                    // taken off liquid(fund)
	floor                     // GuardFloor
	ceiling                   // GuardCeiling
)

// row is written without field names so that the table reads as a chart of accounts:
// id, code 2026, code 2004, Chinese, English, type, normal side, class, marks.
type row struct {
	id                 ID
	code2026, code2004 string
	zh, en             string
	typ                Type
	normal             Side
	class              Class
	has                marks
}

const none = ClassNone

// table is in code order. Where 2004 had no account of its own, the code is that of the account which then took the
// amount (税金及附加 in 业务活动成本, 累计摊销 straight in 无形资产), or empty.
var table = []row{
	// Assets. An allowance or accumulated depreciation has a credit balance.
	{"cash", "1001", "1001", "现金", "Cash on hand", Asset, Debit, none, foreign | cash | liquid | floor},
	{"bank.basic", "1002.01", "1002", "银行存款—基本户", "Bank, basic account", Asset, Debit, none, foreign | cash | liquid | floor},
	{"bank.online", "1002.02", "1002", "银行存款—网络募捐专户", "Bank, online giving account", Asset, Debit, none, foreign | cash | liquid | floor},
	{"bank.fx", "1002.03", "1002", "银行存款—外币户", "Bank, foreign currency account", Asset, Debit, none, foreign | cash | liquid | floor},
	{"bank.agency", "1002.09", "1002", "银行存款—受托代理户", "Bank, agency account", Asset, Debit, none, foreign | floor},
	{"psp.avail", "1009.01", "1009", "其他货币资金—支付机构可用余额", "Processor balance, available", Asset, Debit, none, foreign | cash | liquid},
	{"psp.transit", "1009.02", "1009", "其他货币资金—提现在途", "Processor payouts in transit", Asset, Debit, none, foreign | cash | liquid},
	{"pay.transit", "1009.03", "1009", "其他货币资金—付款在途", "Outgoing payments in transit", Asset, Credit, none, foreign | cash | liquid},
	{"psp.agency", "1009.09", "1009", "其他货币资金—受托代理资产", "Processor balance, agency", Asset, Debit, none, floor},
	{"st.inv", "1101", "1101", "短期投资", "Short-term investments", Asset, Debit, none, 0},
	{"st.inv.imp", "1102", "1102", "短期投资跌价准备", "Allowance for short-term investments", Asset, Credit, none, 0},
	{"ar.notes", "1111", "1111", "应收票据", "Notes receivable", Asset, Debit, none, 0},
	{"ar", "1121", "1121", "应收账款", "Accounts receivable", Asset, Debit, none, 0},
	{"ar.platform", "1122.01", "1122", "其他应收款—应收平台待结算", "Receivable, platform unsettled", Asset, Debit, none, foreign | liquid},
	{"ar.match", "1122.02", "1122", "其他应收款—应收配捐", "Receivable, matched giving", Asset, Debit, none, 0},
	{"ar.subsidy", "1122.03", "1122", "其他应收款—应收补助", "Receivable, subsidies", Asset, Debit, none, 0},
	{"ar.dispute", "1122.04", "1122", "其他应收款—争议冻结款", "Receivable, disputed payments", Asset, Debit, none, foreign},
	{"ar.recover", "1122.05", "1122", "其他应收款—应收退回款", "Receivable, recoverable advances and aid", Asset, Debit, none, 0},
	{"ar.staff", "1122.06", "1122", "其他应收款—备用金及个人", "Receivable, petty advances and persons", Asset, Debit, none, 0},
	{"ar.pledge", "1122.07", "1122", "其他应收款—应收认捐", "Receivable, pledges", Asset, Debit, none, foreign},
	{"bad", "1131", "1131", "坏账准备", "Allowance for bad debts", Asset, Credit, none, 0},
	{"prepay", "1141", "1141", "预付账款", "Advances to contractors", Asset, Debit, none, floor},
	{"stock.art", "1201.01", "1201", "存货—书画义拍品", "Stock, art for charity auction", Asset, Debit, none, floor},
	{"stock.goods", "1201.02", "1201", "存货—捐赠物资", "Stock, donated goods", Asset, Debit, none, floor},
	{"stock.imp", "1202", "1202", "存货跌价准备", "Allowance for stock", Asset, Credit, none, 0},
	{"deferred", "1301", "1301", "待摊费用", "Prepaid expenses", Asset, Debit, none, 0},
	{"lt.equity", "1401", "1401", "长期股权投资", "Long-term equity investments", Asset, Debit, none, 0},
	{"lt.debt", "1402", "1402", "长期债权投资", "Long-term debt investments", Asset, Debit, none, 0},
	{"lt.other", "1403", "", "其他长期投资", "Other long-term investments", Asset, Debit, none, 0},
	{"lt.imp", "1421", "1421", "长期投资减值准备", "Allowance for long-term investments", Asset, Credit, none, 0},
	{"fa", "1501", "1501", "固定资产", "Fixed assets", Asset, Debit, none, 0},
	{"fa.dep", "1502", "1502", "累计折旧", "Accumulated depreciation", Asset, Credit, none, 0},
	{"fa.imp", "1503", "", "固定资产减值准备", "Allowance for fixed assets", Asset, Credit, none, 0},
	{"cip", "1505", "1505", "在建工程", "Construction in progress", Asset, Debit, none, 0},
	{"relics", "1506", "1506", "文物资源", "Cultural collections", Asset, Debit, none, 0},
	{"disposal", "1509", "1509", "固定资产清理", "Fixed assets in disposal", Asset, Debit, none, 0},
	{"intang", "1601", "1601", "无形资产", "Intangible assets", Asset, Debit, none, 0},
	{"intang.amort", "1602", "1601", "无形资产累计摊销", "Accumulated amortisation", Asset, Credit, none, 0},
	{"intang.imp", "1603", "", "无形资产减值准备", "Allowance for intangible assets", Asset, Credit, none, 0},
	{"lt.deferred", "1701", "", "长期待摊费用", "Long-term prepaid expenses", Asset, Debit, none, 0},
	{"agency.a", "1801", "1701", "受托代理资产", "Agency assets", Asset, Debit, none, foreign | floor},
	{"if.due.from", "1991", "", "基金间应收", "Due from other funds", Internal, Debit, none, liquid},

	// Liabilities. A customer's advance (2203) may be spent on its own contract only, agency money (2601) is not ours to spend.
	{"loan.st", "2101", "2101", "短期借款", "Short-term loans", Liability, Credit, none, liquid},
	{"notes.pay", "2201", "2201", "应付票据", "Notes payable", Liability, Credit, none, liquid},
	{"ap", "2202.01", "2202", "应付账款—合同应付", "Payable, contracts", Liability, Credit, none, foreign | liquid | ceiling},
	{"retention", "2202.02", "2202", "应付账款—质保金及尾款", "Payable, retention and final payments", Liability, Credit, none, liquid | ceiling},
	{"advance", "2203", "2203", "预收账款", "Advances received", Liability, Credit, none, 0},
	{"payroll", "2204", "2204", "应付职工薪酬", "Payroll payable", Liability, Credit, none, liquid},
	{"tax", "2206", "2206", "应交税费", "Taxes payable", Liability, Credit, none, liquid},
	{"refund.due", "2209.01", "2209", "其他应付款—应退捐款", "Payable, gift refunds", Liability, Credit, none, foreign | liquid | ceiling},
	{"unident", "2209.02", "2209", "其他应付款—待查来款", "Payable, unidentified receipts", Liability, Credit, none, foreign | liquid},
	{"return.due", "2209.03", "2209", "其他应付款—应退补助及配捐", "Payable, subsidies and match to return", Liability, Credit, none, liquid},
	{"deposit", "2209.04", "2209", "其他应付款—保证金", "Payable, deposits held", Liability, Credit, none, liquid},
	{"bounced", "2209.05", "2209", "其他应付款—退汇待处理", "Payable, returned payments", Liability, Credit, none, liquid},
	{"aid.due", "2209.06", "2209", "其他应付款—应付资助款", "Payable, approved aid", Liability, Credit, none, liquid},
	{"accrued", "2301", "2301", "预提费用", "Accrued expenses", Liability, Credit, none, liquid},
	{"loan.lt", "2501", "2501", "长期借款", "Long-term loans", Liability, Credit, none, liquid},
	{"lt.payable", "2502", "2502", "长期应付款", "Long-term payables", Liability, Credit, none, liquid},
	{"provision", "2503", "2401", "预计负债", "Provisions", Liability, Credit, none, liquid},
	{"agency.l", "2601", "2601", "受托代理负债", "Agency liabilities", Liability, Credit, none, foreign | ceiling},
	{"if.due.to", "2991", "", "基金间应付", "Due to other funds", Internal, Credit, none, liquid},

	// Net assets and what moves between funds and classes. The class of a transfer follows from its fund.
	{"na.u", "3101", "3101", "非限定性净资产", "Net assets, unrestricted", NetAssets, Credit, Unrestricted, 0},
	{"na.r", "3102", "3102", "限定性净资产", "Net assets, restricted", NetAssets, Credit, Restricted, ceiling},
	{"na.prior.u", "3201.01", "3101", "以前年度净资产调整—非限定性", "Prior-year adjustments, unrestricted", NetAssets, Credit, Unrestricted, 0},
	{"na.prior.r", "3201.02", "3102", "以前年度净资产调整—限定性", "Prior-year adjustments, restricted", NetAssets, Credit, Restricted, 0},
	{"transfer", "3901", "", "基金间划转", "Transfers between funds", Internal, Credit, none, 0},
	{"release.u", "3910.01", "", "限制解除—转入非限定性", "Released from restrictions, to unrestricted", Internal, Credit, Unrestricted, 0},
	{"release.r", "3910.02", "", "限制解除—转出限定性", "Released from restrictions, from restricted", Internal, Debit, Restricted, 0},

	// Income.
	{"gift.u", "4101.01", "4101", "捐赠收入—非限定性", "Gifts, unrestricted", Income, Credit, Unrestricted, foreign},
	{"gift.r", "4101.02", "4101", "捐赠收入—限定性", "Gifts, restricted", Income, Credit, Restricted, foreign},
	{"dues.u", "4201.01", "4201", "会费收入—非限定性", "Membership dues, unrestricted", Income, Credit, Unrestricted, 0},
	{"dues.r", "4201.02", "4201", "会费收入—限定性", "Membership dues, restricted", Income, Credit, Restricted, 0},
	{"service.u", "4301.01", "4301", "提供服务收入—非限定性", "Service income, unrestricted", Income, Credit, Unrestricted, 0},
	{"service.r", "4301.02", "4301", "提供服务收入—限定性", "Service income, restricted", Income, Credit, Restricted, 0},
	{"grant.u", "4401.01", "4401", "政府补助收入—非限定性", "Government grants, unrestricted", Income, Credit, Unrestricted, 0},
	{"grant.r", "4401.02", "4401", "政府补助收入—限定性", "Government grants, restricted", Income, Credit, Restricted, 0},
	{"sales.u", "4501.01", "4501", "商品销售收入—非限定性", "Sales of goods, unrestricted", Income, Credit, Unrestricted, 0},
	{"sales.r", "4501.02", "4501", "商品销售收入—限定性", "Sales of goods, restricted", Income, Credit, Restricted, 0},
	{"invest.u", "4601.01", "4601", "投资收益—非限定性", "Investment income, unrestricted", Income, Credit, Unrestricted, 0},
	{"invest.r", "4601.02", "4601", "投资收益—限定性", "Investment income, restricted", Income, Credit, Restricted, 0},
	{"hq.u", "4701.01", "4701", "总部拨款收入—非限定性", "Head office funding, unrestricted", Income, Credit, Unrestricted, 0},
	{"hq.r", "4701.02", "4701", "总部拨款收入—限定性", "Head office funding, restricted", Income, Credit, Restricted, 0},
	{"other.inc.u", "4901.01", "4901", "其他收入—非限定性", "Other income, unrestricted", Income, Credit, Unrestricted, 0},
	{"other.inc.r", "4901.02", "4901", "其他收入—限定性", "Other income, restricted", Income, Credit, Restricted, 0},

	// Expenses. 5201, 5301 and 5401 mean other things in 2004. Income tax is never borne by restricted money.
	{"program.u", "5101.01", "5101", "业务活动成本—非限定性", "Program costs, unrestricted", Expense, Debit, Unrestricted, 0},
	{"program.r", "5101.02", "5101", "业务活动成本—限定性", "Program costs, restricted", Expense, Debit, Restricted, 0},
	{"surtax.u", "5201.01", "5101", "税金及附加—非限定性", "Taxes and surcharges, unrestricted", Expense, Debit, Unrestricted, 0},
	{"surtax.r", "5201.02", "5101", "税金及附加—限定性", "Taxes and surcharges, restricted", Expense, Debit, Restricted, 0},
	{"admin.u", "5301.01", "5201", "管理费用—非限定性", "Management costs, unrestricted", Expense, Debit, Unrestricted, 0},
	{"admin.r", "5301.02", "5201", "管理费用—限定性", "Management costs, restricted", Expense, Debit, Restricted, 0},
	{"fundraising.u", "5401.01", "5301", "筹资费用—非限定性", "Fundraising costs, unrestricted", Expense, Debit, Unrestricted, 0},
	{"fundraising.r", "5401.02", "5301", "筹资费用—限定性", "Fundraising costs, restricted", Expense, Debit, Restricted, 0},
	{"impair.u", "5501.01", "5201", "资产减值损失—非限定性", "Impairment losses, unrestricted", Expense, Debit, Unrestricted, 0},
	{"impair.r", "5501.02", "5201", "资产减值损失—限定性", "Impairment losses, restricted", Expense, Debit, Restricted, 0},
	{"income.tax", "5601", "5401", "所得税费用", "Income tax", Expense, Debit, Unrestricted, 0},
	{"other.exp.u", "5901.01", "5401", "其他费用—非限定性", "Other expenses, unrestricted", Expense, Debit, Unrestricted, 0},
	{"other.exp.r", "5901.02", "5401", "其他费用—限定性", "Other expenses, restricted", Expense, Debit, Restricted, 0},

	// Memo. Each pair balances by itself.
	{"pledge", "9001", "", "认捐承诺", "Pledges", MemoAccount, Debit, none, foreign | floor},
	{"pledge.contra", "9002", "", "认捐承诺对应", "Pledges, contra", MemoAccount, Credit, none, foreign},
	{"match.pledged", "9011.01", "", "预计配捐—承诺额", "Expected match, pledged", MemoAccount, Debit, none, floor},
	{"match.earned", "9011.02", "", "预计配捐—已赢得", "Expected match, earned", MemoAccount, Debit, none, floor},
	{"match.held", "9011.03", "", "预计配捐—待核", "Expected match, held", MemoAccount, Debit, none, floor},
	{"match.contra", "9012", "", "预计配捐对应", "Expected match, contra", MemoAccount, Credit, none, 0},
	{"subsidy", "9021", "", "街道配套承诺", "Street support promised", MemoAccount, Debit, none, floor},
	{"subsidy.contra", "9022", "", "街道配套承诺对应", "Street support promised, contra", MemoAccount, Credit, none, 0},
	{"budget", "9101", "", "项目预算批复", "Project budgets approved", MemoAccount, Debit, none, floor},
	{"budget.contra", "9102", "", "项目预算批复对应", "Project budgets approved, contra", MemoAccount, Credit, none, 0},
	{"enc", "9201", "", "合同承诺", "Encumbrances", MemoAccount, Debit, none, commit | floor},
	{"enc.contra", "9202", "", "承诺准备", "Reserve for encumbrances", MemoAccount, Credit, none, 0},
	{"resv", "9301", "", "审批占用与冻结", "Reserved by approvals", MemoAccount, Debit, none, commit | floor},
	{"resv.contra", "9302", "", "审批占用与冻结对应", "Reserved by approvals, contra", MemoAccount, Credit, none, 0},
	{"parallel", "9401", "", "平行资助", "Parallel co-funding", MemoAccount, Debit, none, 0},
	{"parallel.contra", "9402", "", "平行资助对应", "Parallel co-funding, contra", MemoAccount, Credit, none, 0},
	{"unvalued", "9501", "", "未计价受赠物备查", "Unvalued gifts in kind", MemoAccount, Debit, none, 0},
	{"unvalued.contra", "9502", "", "未计价受赠物备查对应", "Unvalued gifts in kind, contra", MemoAccount, Credit, none, 0},
	// Units of foreign currency are kept beside the base-currency balance, so that every currency balances by itself.
	{"fx.units", "9601", "", "外币数量", "Foreign currency units", MemoAccount, Debit, none, foreign},
	{"fx.units.contra", "9602", "", "外币数量对应", "Foreign currency units, contra", MemoAccount, Credit, none, foreign},
}
