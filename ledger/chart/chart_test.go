package chart

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	ids, codes, zh, en := map[ID]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	code2026 := regexp.MustCompile(`^[123459]\d{3}(\.0[1-9])?$`)
	code2004 := regexp.MustCompile(`^([1-5]\d{3})?$`)
	for _, a := range All() {
		if ids[a.ID] || codes[a.Code2026] || zh[a.NameZH] || en[a.NameEN] {
			t.Errorf("%s %s: id, code or name twice", a.ID, a.Code2026)
		}
		ids[a.ID], codes[a.Code2026], zh[a.NameZH], en[a.NameEN] = true, true, true, true
		if a.NameZH == "" || a.NameEN == "" || !regexp.MustCompile(`^\p{Han}+(—\p{Han}+)?$`).MatchString(a.NameZH) {
			t.Errorf("%s: names %q, %q", a.ID, a.NameZH, a.NameEN)
		}
		if !code2026.MatchString(a.Code2026) || !code2004.MatchString(a.Code2004) {
			t.Errorf("%s: codes %q, %q", a.ID, a.Code2026, a.Code2004)
		}
		if got, ok := ByID(a.ID); !ok || got != a {
			t.Errorf("ByID(%s) = %+v, %v", a.ID, got, ok)
		}
	}
	if !slices.IsSortedFunc(accounts, func(a, b Account) int { return strings.Compare(a.Code2026, b.Code2026) }) {
		t.Error("not in code order")
	}
	for code := range codes {
		if parent, _, sub := strings.Cut(code, "."); sub && codes[parent] {
			t.Errorf("%s is a leaf and has leaves", parent)
		}
	}
}

// Every code of the journal of business events and of the worked examples.
func TestCodesInUse(t *testing.T) {
	for code := range strings.FieldsSeq(`1001 1002.01 1002.02 1002.03 1002.09 1009.01 1009.02 1009.03 1122.01 1122.02 1122.04 1122.05
		1122.07 1141 1201.01 1991 2202.01 2202.02 2203 2209.01 2209.02 2209.03 2209.04 2209.05 2601 2991 3101 3102 3901 3910.01 3910.02
		4101.01 4101.02 4401.02 4501.02 5101.01 5101.02 5301.01 5301.02 5401.01 5401.02 5901.01 9001 9002 9011.01 9011.02 9012 9021 9022
		9101 9102 9201 9202 9301 9302 9501 9502`) {
		if found := ByCode(CN2026, code); len(found) != 1 {
			t.Errorf("%s: %d leaves", code, len(found))
		}
	}
}

func TestIDsThatOthersRelyOn(t *testing.T) {
	for id, code := range map[ID]string{
		"cash": "1001", "bank.basic": "1002.01", "bank.online": "1002.02", "bank.fx": "1002.03", "bank.agency": "1002.09",
		"psp.avail": "1009.01", "gift.u": "4101.01", "gift.r": "4101.02", "na.u": "3101", "na.r": "3102", "if.due.from": "1991",
		"if.due.to": "2991", "enc": "9201", "enc.contra": "9202", "fx.units": "9601", "fx.units.contra": "9602",
	} {
		if got := MustByID(id).Code(CN2026); got != code {
			t.Errorf("%s is %s, want %s", id, got, code)
		}
	}
}

func TestSides(t *testing.T) {
	credit := []ID{"st.inv.imp", "pay.transit", "bad", "stock.imp", "lt.imp", "fa.dep", "fa.imp", "intang.amort", "intang.imp"}
	normal := map[Type]Side{Asset: Debit, Expense: Debit, Liability: Credit, NetAssets: Credit, Income: Credit}
	types := map[string][]Type{"1": {Asset, Internal}, "2": {Liability, Internal}, "3": {NetAssets, Internal}, "4": {Income}, "5": {Expense}, "9": {MemoAccount}}
	for _, a := range All() {
		if !slices.Contains(types[a.Code2026[:1]], a.Type) {
			t.Errorf("%s %s is %s", a.ID, a.Code2026, a.Type)
		}
		if want, ok := normal[a.Type]; ok && (a.Normal == want) == slices.Contains(credit, a.ID) {
			t.Errorf("%s has normal side %d", a.ID, a.Normal)
		}
		if a.Memo() && (a.Normal == Credit) != (strings.HasSuffix(string(a.ID), "contra")) {
			t.Errorf("memo %s has normal side %d", a.ID, a.Normal)
		}
		if a.Guard == GuardFloor && a.Normal != Debit || a.Guard == GuardCeiling && a.Normal != Credit {
			t.Errorf("%s: the guard does not fit the side", a.ID)
		}
	}
}

func TestClasses(t *testing.T) {
	for _, a := range All() {
		classed := a.Type == Income || a.Type == Expense || a.Type == NetAssets || strings.HasPrefix(string(a.ID), "release.")
		if classed != (a.Class != ClassNone) {
			t.Errorf("%s has class %q", a.ID, a.Class)
		}
		if stem, ok := strings.CutSuffix(string(a.ID), ".u"); ok {
			b, found := ByID(ID(stem + ".r"))
			if !found || a.Class != Unrestricted || b.Class != Restricted || stem != "na" && (a.Code2026[4:] != ".01" || b.Code2026 != a.Code2026[:4]+".02") {
				t.Errorf("%s and %s.r are no pair", a.ID, stem)
			}
		}
	}
}

func TestGuards(t *testing.T) {
	want := map[Guard][]string{
		GuardFloor: {"1001", "1002.01", "1002.02", "1002.03", "1002.09", "1009.09", "1141", "1201.01", "1201.02", "1801",
			"9001", "9011.01", "9011.02", "9011.03", "9021", "9101", "9201", "9301"},
		GuardCeiling: {"2202.01", "2202.02", "2209.01", "2601", "3102"},
	}
	got := map[Guard][]string{}
	for _, a := range All() {
		if a.Guard != GuardNone {
			got[a.Guard] = append(got[a.Guard], a.Code2026)
		}
	}
	for g := range want {
		if !slices.Equal(got[g], want[g]) {
			t.Errorf("guard %d: %v, want %v", g, got[g], want[g])
		}
	}
}

// liquid = cash + 1122.01 + 1991 − 2xxx + 2203, agency aside; available = liquid − 9201 − 9301.
func TestLiquid(t *testing.T) {
	agency := []string{"1002.09", "1009.09", "2601"}
	for _, a := range All() {
		code, head := a.Code2026, a.Code2026[:4]
		money := slices.Contains([]string{"1001", "1002", "1009"}, head) && !slices.Contains(agency, code)
		wantLiquid := money || code == "1122.01" || code == "1991" || code[0] == '2' && code != "2203" && !slices.Contains(agency, code)
		if (a.Liquid == 1) != wantLiquid || a.Liquid < 0 || a.Liquid > 1 {
			t.Errorf("%s: liquid %d", code, a.Liquid)
		}
		if a.CashLike != money {
			t.Errorf("%s: cash-like %v", code, a.CashLike)
		}
		if (a.Commit == 1) != (code == "9201" || code == "9301") {
			t.Errorf("%s: commit %d", code, a.Commit)
		}
	}
}

func TestRegime2004(t *testing.T) {
	for id, code := range map[ID]string{
		"admin.u": "5201", "fundraising.r": "5301", "other.exp.u": "5401", "agency.a": "1701", "provision": "2401", "surtax.u": "5101",
		"impair.u": "5201", "income.tax": "5401", "na.prior.u": "3101", "na.prior.r": "3102", "bank.online": "1002",
		"lt.deferred": "", "if.due.from": "", "enc": "",
	} {
		if got := MustByID(id).Code(CN2004); got != code {
			t.Errorf("%s is %q in 2004, want %q", id, got, code)
		}
	}
	if got := len(ByCode(CN2004, "1002")); got != 4 {
		t.Errorf("1002 has %d leaves in 2004", got)
	}
	if got := ByCode(CN2004, ""); got != nil {
		t.Errorf("the empty code gives %d leaves", len(got))
	}
	if got := ByCode("us", "1001"); got != nil {
		t.Errorf("an unknown regime gives %d leaves", len(got))
	}
}

func TestHeadings(t *testing.T) {
	for _, regime := range []string{CN2026, CN2004} {
		byCode := map[string]Heading{}
		previous := ""
		for _, h := range Headings(regime) {
			if h.Code <= previous || h.NameZH == "" || h.NameEN == "" || h.Group() == (len(h.Code) == 4) {
				t.Errorf("%s: heading %+v after %q", regime, h, previous)
			}
			if strings.Contains(h.NameZH, "—") {
				t.Errorf("%s: heading %s has the name of a leaf", regime, h.Code)
			}
			previous, byCode[h.Code] = h.Code, h
		}
		for _, a := range All() {
			code := a.HeadingCode(regime)
			if code == "" {
				continue
			}
			h, ok := byCode[code]
			if _, group := byCode[code[:1]]; !ok || !group {
				t.Errorf("%s: %s has no heading", regime, code)
			}
			if regime == CN2026 && strings.Split(a.NameZH, "—")[0] != h.NameZH {
				t.Errorf("%s %s stands under %s", code, a.NameZH, h.NameZH)
			}
		}
	}
	for regime, parents := range map[string][]Heading{CN2026: parents2026, CN2004: parents2004} {
		for _, h := range parents {
			if !slices.Contains(Headings(regime), h) {
				t.Errorf("%s: nothing under %s", regime, h.Code)
			}
		}
	}
	if len(Headings("us")) != 0 {
		t.Error("an unknown regime has headings")
	}
}

func ExampleAccount_Name() {
	a := MustByID("bank.online")
	fmt.Println(a.Code(CN2026), a.Name("zh-CN"), "/", a.Name("en"))
	for _, a := range ByCode(CN2004, "5201") {
		fmt.Println(a.ID)
	}
	// Output:
	// 1002.02 银行存款—网络募捐专户 / Bank, online giving account
	// admin.u
	// admin.r
	// impair.u
	// impair.r
}
