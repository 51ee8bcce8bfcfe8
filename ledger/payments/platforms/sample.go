package platforms

import (
	"fmt"
	"strings"
	"time"

	"sunfund/ledger/money"
)

// Sample makes a file as a giving platform would send it: n gifts of the evening before day with fees, match and a sum
// line, the same each time. Amounts are yuan. It is for the demo association and tests; the people in it do not exist.
func Sample(n int, day time.Time) (text string, totals Totals) {
	var b strings.Builder
	b.WriteString("示例公益平台捐赠明细\n订单号,捐赠时间,捐赠金额,手续费,配捐金额,捐赠人,项目编号,币种,订单状态\n")
	names := []string{"匿名", "王先生", "李女士", "热心邻居", "张同学", "“小太阳”", "陈阿姨", "Zhou"}
	amounts := []int64{1_00, 5_00, 10_00, 20_00, 50_00, 66_60, 88_00, 100_00, 200_00, 1_000_00}
	begin := day.Add(-12 * time.Hour)
	for i := range n {
		amount := amounts[(i*i+3*i)%len(amounts)]
		fee := money.HalfUpShare(amount, 6, 1000)
		match := int64(0)
		if i%3 != 0 {
			match = money.FloorShare(min(amount, 100_00), 1, 4)
		}
		at := begin.Add(time.Duration(i) * 11 * time.Second)
		fmt.Fprintf(&b, "`GY%s%06d,%s,%s,%s,%s,%s,P-001,人民币,支付成功\n", day.Format("20060102"), i+1, at.Format(time.DateTime), money.Format(amount, "CNY"),
			money.Format(fee, "CNY"), money.Format(match, "CNY"), names[i%len(names)])
		totals.Count++
		totals.Amount, totals.Fee, totals.Match = totals.Amount+amount, totals.Fee+fee, totals.Match+match
	}
	totals.Net = totals.Amount - totals.Fee
	fmt.Fprintf(&b, "合计,,%s,%s,%s,,,,\n", money.Format(totals.Amount, "CNY"), money.Format(totals.Fee, "CNY"), money.Format(totals.Match, "CNY"))
	return b.String(), totals
}
