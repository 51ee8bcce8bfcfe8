package reports

import (
	"fmt"

	"sunfund/ledger/chart"
)

// ties holds the statement against the others of its set, drawn up from the same facts (I18), and says what stands in the way where two
// figures differ.
func (s *Statement) ties(r Request) (all []Tie) {
	set := map[string]*Statement{s.form.Kind: s}
	for _, form := range s.form.set() {
		if form.Kind != s.form.Kind {
			set[form.Kind] = s.facts.statement(form, r)
		}
	}
	say := func(zh, en string) string { return words(s.lang, zh, en) }
	add := func(left, right int64, off []*Statement, zh, en string) {
		t := Tie{Name: say(zh, en), Left: left, Right: right}
		if left != right {
			for _, o := range off {
				for _, name := range o.uncovered() {
					t.Why = append(t.Why, fmt.Sprintf(say("%s 的任何一行都没有科目 %s", "no row of %s has the account %s"), o.Title, name))
				}
			}
			if t.Why == nil {
				t.Why = []string{say("各行都有对应科目：账里的数字本身不平，请运行 sunfund verify", "every account has its row: the figures in the books themselves do not agree, run sunfund verify")}
			}
		}
		all = append(all, t)
	}
	sheet, moved, cash := set[Balance], set[Activities], set[Cash]
	for _, c := range []struct{ key, zh, en string }{{"opening", "年初", "start of year"}, {"closing", "期末", "end of period"}} {
		left, _ := sheet.cell("assets", c.key)
		right, _ := sheet.cell("debts-net", c.key)
		add(left, right, []*Statement{sheet}, "资产总计 = 负债和净资产总计（"+c.zh+"）", "Total assets = liabilities and net assets ("+c.en+")")
	}
	for _, c := range []struct{ id, zh, en string }{{"unrestricted", "非限定性", "unrestricted"}, {"restricted", "限定性", "restricted"}, {"endowment", "留本", "endowment"}} {
		change, there := moved.cell("change", "year."+c.id)
		if !there {
			continue
		}
		change += s.opened(moved, c.id)
		add(sheet.netChange(c.id), change, []*Statement{sheet, moved}, c.zh+"净资产增加 = 净资产变动额 + 期初建账", "Growth of "+c.en+" net assets = change in net assets + opening balances")
	}
	if cash != nil {
		var growth, opened int64
		for i := range s.facts.all {
			x := &s.facts.all[i]
			acct, _ := chart.ByID(x.chart)
			if !acct.CashLike {
				continue
			}
			if x.holds {
				growth += netOf(x.before[atEnd]) - netOf(x.before[atYear])
			} else { // taken off what moved
				opened -= netOf(x.before[atEnd]) - netOf(x.before[atYear])
			}
		}
		change, _ := cash.cell("change", "year")
		add(growth, change+opened, []*Statement{cash}, "货币资金增加 = 现金净增加额 + 期初建账", "Growth of monetary funds = net increase in cash + opening balances")
	}
	if s.facts.whole {
		var due, transfer int64
		for i := range s.facts.all {
			x := &s.facts.all[i]
			if !x.holds {
				continue
			}
			switch x.chart {
			case "if.due.from", "if.due.to":
				due += netOf(x.before[atEnd])
			case "transfer":
				transfer += netOf(x.before[atEnd])
			}
		}
		add(due, 0, nil, "基金间应收 = 基金间应付", "Due from other funds = due to other funds")
		add(transfer, 0, nil, "基金间划转合计为零", "Transfers between funds add up to zero")
	}
	return all
}

// netChange is by how much a class of net assets grew in the year, from the rows of the balance sheet.
func (s *Statement) netChange(class string) (sum int64) {
	for _, r := range s.form.Rows {
		only := r.Only
		if only == "designated" || only == "general" {
			only = "unrestricted"
		}
		if only == class {
			begin, _ := s.cell(r.ID, "opening")
			end, _ := s.cell(r.ID, "closing")
			sum += end - begin
		}
	}
	return sum
}

// opened is what opening balances of the year gave to a class of net assets.
func (s *Statement) opened(of *Statement, class string) (sum int64) {
	for i := range s.facts.all {
		if x := &s.facts.all[i]; x.chart == factOpening && of.classOf(x) == class {
			sum -= netOf(x.before[atEnd]) - netOf(x.before[atYear])
		}
	}
	return sum
}
