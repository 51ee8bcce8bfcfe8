package chart

import (
	"maps"
	"slices"
	"strings"
)

// Heading is a line above leaves in a printed tree: a group ("1" 资产) or a four-digit account ("1002" 银行存款).
type Heading struct {
	Code           string
	NameZH, NameEN string
}

// Name is Chinese for languages starting with "zh" and English for all others.
func (h Heading) Name(lang string) string { return name(lang, h.NameZH, h.NameEN) }

// Group tells a first-digit group from a four-digit account.
func (h Heading) Group() bool { return len(h.Code) == 1 }

// HeadingCode is the code of the four-digit heading a leaf stands under, empty when the regime has no code for it.
// In cn2026 a leaf without sub-accounts is its own heading.
func (a Account) HeadingCode(regime string) string {
	code := a.Code(regime)
	if len(code) > 4 {
		return code[:4]
	}
	return code
}

var groups = []Heading{
	{"1", "资产", "Assets"},
	{"2", "负债", "Liabilities"},
	{"3", "净资产", "Net assets"},
	{"4", "收入", "Income"},
	{"5", "费用", "Expenses"},
	{"9", "备查", "Memo"},
}

// parents2026 names the accounts that are divided into leaves; an undivided one has the name of its leaf.
var parents2026 = []Heading{
	{"1002", "银行存款", "Bank deposits"},
	{"1009", "其他货币资金", "Other monetary funds"},
	{"1122", "其他应收款", "Other receivables"},
	{"1201", "存货", "Stock"},
	{"2202", "应付账款", "Accounts payable"},
	{"2209", "其他应付款", "Other payables"},
	{"3201", "以前年度净资产调整", "Prior-year adjustments"},
	{"3910", "限制解除", "Released from restrictions"},
	{"4101", "捐赠收入", "Gifts"},
	{"4201", "会费收入", "Membership dues"},
	{"4301", "提供服务收入", "Service income"},
	{"4401", "政府补助收入", "Government grants"},
	{"4501", "商品销售收入", "Sales of goods"},
	{"4601", "投资收益", "Investment income"},
	{"4701", "总部拨款收入", "Head office funding"},
	{"4901", "其他收入", "Other income"},
	{"5101", "业务活动成本", "Program costs"},
	{"5201", "税金及附加", "Taxes and surcharges"},
	{"5301", "管理费用", "Management costs"},
	{"5401", "筹资费用", "Fundraising costs"},
	{"5501", "资产减值损失", "Impairment losses"},
	{"5901", "其他费用", "Other expenses"},
	{"9011", "预计配捐", "Expected match"},
}

// parents2004 names what 2026 divides, moved or calls otherwise.
var parents2004 = []Heading{
	{"1002", "银行存款", "Bank deposits"},
	{"1009", "其他货币资金", "Other monetary funds"},
	{"1122", "其他应收款", "Other receivables"},
	{"1201", "存货", "Stock"},
	{"1506", "文物文化资产", "Cultural relics and assets"},
	{"1601", "无形资产", "Intangible assets"},
	{"1701", "受托代理资产", "Agency assets"},
	{"2202", "应付账款", "Accounts payable"},
	{"2204", "应付工资", "Wages payable"},
	{"2206", "应交税金", "Taxes payable"},
	{"2209", "其他应付款", "Other payables"},
	{"2401", "预计负债", "Provisions"},
	{"3101", "非限定性净资产", "Net assets, unrestricted"},
	{"3102", "限定性净资产", "Net assets, restricted"},
	{"4101", "捐赠收入", "Gifts"},
	{"4201", "会费收入", "Membership dues"},
	{"4301", "提供服务收入", "Service income"},
	{"4401", "政府补助收入", "Government grants"},
	{"4501", "商品销售收入", "Sales of goods"},
	{"4601", "投资收益", "Investment income"},
	{"4701", "总部拨款收入", "Head office funding"},
	{"4901", "其他收入", "Other income"},
	{"5101", "业务活动成本", "Program costs"},
	{"5201", "管理费用", "Management costs"},
	{"5301", "筹资费用", "Fundraising costs"},
	{"5401", "其他费用", "Other expenses"},
}

// Headings gives the groups and every four-digit account of a regime, in code order, each group before its accounts.
// Memo and internal accounts have no 2004 codes, so cn2004 has no headings for them.
func Headings(regime string) []Heading {
	parents := map[string][]Heading{CN2026: parents2026, CN2004: parents2004}[regime]
	named := make(map[string]Heading)
	for _, a := range accounts {
		if code := a.HeadingCode(regime); code != "" {
			named[code] = Heading{code, a.NameZH, a.NameEN}
		}
	}
	for _, h := range parents {
		named[h.Code] = h
	}
	all := slices.Collect(maps.Values(named))
	for _, g := range groups {
		if slices.ContainsFunc(all, func(h Heading) bool { return h.Code[:1] == g.Code }) {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Heading) int { return strings.Compare(a.Code, b.Code) })
	return all
}
