package match_test

import (
	"bytes"
	"fmt"
	"time"

	"sunfund/ledger/giving/match"
)

// A street adds half of what residents give, at most 100.00 a gift, while its 250.00 last.
func street() *match.Rule {
	rule, err := match.Parse([]byte(`{
		"language": 1, "currency": "CNY", "zone": "Asia/Shanghai",
		"windows": [{"name": "week", "from": "2026-09-07T00:00", "to": "2026-09-14T00:00"}],
		"pools": [{"code": "street", "funder": {"zh": "街道", "en": "The street"}, "amount": "250.00"}],
		"award": {"fixed": {"match": 1, "gift": 2}},
		"caps": {"gift": {"amount": "100.00"}},
		"order": "first-come", "unspent": "return", "refund": "pool"}`))
	if err != nil {
		panic(err)
	}
	return rule
}

func residents() []match.Gift {
	at := time.Date(2026, 9, 7, 4, 0, 0, 0, time.UTC)
	return []match.Gift{
		{ID: "1", Campaign: "lunch", Amount: 80_00, Currency: "CNY", PaidAt: at},
		{ID: "2", Campaign: "lunch", Amount: 500_00, Currency: "CNY", PaidAt: at.Add(time.Minute)},
		{ID: "3", Campaign: "lunch", Amount: 300_00, Currency: "CNY", PaidAt: at.Add(2 * time.Minute)},
		{ID: "4", Campaign: "lunch", Amount: 50_00, Currency: "CNY", PaidAt: at.AddDate(0, 0, 7)},
	}
}

func ExampleRule_Decide() {
	rule, state := street(), match.State{}
	for _, gift := range residents() {
		award := rule.Decide(state, match.Seed{}, gift)
		state.Apply(award.Changes)
		fmt.Println(gift.ID, award.Total(), award.Reasons)
	}
	// Output:
	// 1 4000 []
	// 2 10000 [cap-gift]
	// 3 10000 [cap-gift]
	// 4 0 [window-closed]
}

func ExampleRule_Words() {
	for _, lang := range []string{"zh-CN", "en"} {
		for _, passage := range street().Words(lang, nil)[3:5] {
			fmt.Println(passage.Title, passage.Lines)
		}
	}
	// Output:
	// 配多少 [每捐 2 元，配 1 元。 不足最小货币单位（如分）的舍去。]
	// 上限 [每笔捐赠最多配 100.00 元。]
	// How much is added [For every 2 CNY given, 1 CNY is added. Fractions of the smallest unit of money are dropped.]
	// Limits [At most CNY 100.00 is added to one gift.]
}

func ExampleVerify() {
	rule, state, seed := street(), match.State{}, match.Seed{1}
	var file bytes.Buffer
	replay, err := match.NewReplay(&file, rule, seed)
	for _, gift := range residents() {
		award := rule.Decide(state, seed, gift)
		state.Apply(award.Changes)
		if err == nil {
			err = replay.Gift(rule, gift, award.Parts, award.Held)
		}
	}
	if err != nil {
		panic(err)
	}
	verified, err := match.Verify([]*match.Rule{rule}, &file)
	fmt.Println(verified.Clean(), verified.Gifts, verified.Match, err)
	// Output: true 4 24000 <nil>
}
