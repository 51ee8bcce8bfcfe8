package reports

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
)

// outstandingMax is how many items of an account are listed; more are one sum.
const outstandingMax = 5_000

// bankReconciliation is the 银行存款余额调节表 (accounting.md 3.4): each bank account of the book beside the last statement of the account outside until the day,
// what is outstanding on either side item by item, and the two balances that have to be the same; then what is on its way (1009.02, 1009.03) and in neither.
func bankReconciliation(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	report.Period = r.To.Format(time.DateOnly)
	positions, err := recon.BankPositionsOn(ctx, q, book, r.To, r.Recorded, outstandingMax)
	if err != nil {
		return nil, err
	}
	seen := map[chart.ID]bool{}
	for i := range positions {
		p := &positions[i]
		seen[p.Chart] = true
		report.bank(p)
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Recorded: r.Recorded}, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	held := map[chart.ID]int64{}
	for _, m := range moved {
		held[m.Chart] += netOf(m.Before[0])
	}
	for _, id := range recon.BankAccounts {
		if held[id] != 0 && !seen[id] {
			a := chart.MustByID(id)
			report.Notes = append(report.Notes, fmt.Sprintf(words(r.Lang, "%s %s 还没有本位币对账单可以核对。", "%s %s: there is no statement in the book's currency to hold it against."), a.Code2026, a.Name(r.Lang)))
		}
	}
	if err := report.transit(ctx, q, book, held, r); err != nil {
		return nil, err
	}
	report.Notes = append(report.Notes, words(r.Lang, "各户以当日或之前最后一份对账单的截止日为准。", "Each account stands at the end of its last statement until the day."))
	if r.Recorded.IsZero() {
		report.Notes = append(report.Notes, words(r.Lang, "匹配情况按现在所知；要看某一时刻的，选记账时刻。", "What is matched is as known now; for what was known at a moment, choose the moment."))
	} else {
		report.Notes = append(report.Notes, words(r.Lang, "对账单、凭证、匹配和差异按所选时刻；账户的名称和对应的科目按现在。", "Statements, entries, matches and breaks are as of the moment; what accounts are called, and which account of the book they are, is as now."))
	}
	return report, nil
}

// bank adds the table of an account.
func (r *Report) bank(p *recon.BankPosition) {
	say := func(zh, en string) string { return words(r.lang, zh, en) }
	a := chart.MustByID(p.Chart)
	t := Table{Title: fmt.Sprintf("%s · %s %s · %s", p.Name, a.Code2026, a.Name(r.lang), p.Day.Format(time.DateOnly)),
		Columns: columnsOf(r.lang, [3]string{"item", "项目", "Item"}, [3]string{"day", "日期", "Day"}, [3]string{"ref", "凭证或流水", "Entry or line"}, [3]string{"#amount", "金额", "Amount"})}
	add := func(style, id, text string, amount int64, of ...summed) int {
		t.Rows = append(t.Rows, Row{ID: id, Style: style, Cells: []Cell{{Text: text}, {}, {}, {Minor: amount}}, sums: of})
		return len(t.Rows) - 1
	}
	// side lists what stands on the other side only; sums of it end a side.
	side := func(id, balance string, amount int64, inBook bool, heads [2]string) (adjusted int64, at int) {
		sums := []summed{{add(Line, id, balance, amount), 1}}
		adjusted = amount
		for n, head := range heads {
			first := true
			for i := range p.Items {
				o := &p.Items[i]
				put := o.Amount
				if !inBook {
					put = -put
				}
				if o.InBook() != inBook || (put < 0) != (n == 1) {
					continue
				}
				if first {
					t.Rows = append(t.Rows, Row{Style: Head, Cells: []Cell{{Text: head}}})
					first = false
				}
				ref := Cell{Text: o.Name}
				if ref.Text == "" {
					ref.Text = fmt.Sprintf("%.8x", o.Line)
				}
				t.Rows = append(t.Rows, Row{Style: Line, Cells: []Cell{{Text: say(outstandingSays[o.Say][0], outstandingSays[o.Say][1])}, {Text: o.Day.Format(time.DateOnly)}, ref, {Minor: put}}})
				sums = append(sums, summed{len(t.Rows) - 1, 1})
				adjusted += put
			}
		}
		return adjusted, add(Sum, id+"-adjusted", say("调节后的存款余额", "Adjusted balance"), adjusted, sums...)
	}
	bank, bankAt := side("statement", say("银行对账单余额", "Balance of the statement"), p.Statement, true,
		[2]string{say("加：账上已收、银行未收", "Add: received in the book, not at the bank"), say("减：账上已付、银行未付", "Less: paid in the book, not at the bank")})
	ours, oursAt := side("ledger", say("银行存款账面余额", "Balance of the book"), p.Ledger, false,
		[2]string{say("加：银行已收、账上未收", "Add: received at the bank, not in the book"), say("减：银行已付、账上未付", "Less: paid at the bank, not in the book")})
	add(Grand, "off", say("差额", "Difference"), ours-bank, summed{oursAt, 1}, summed{bankAt, -1})
	tie := Tie{Name: fmt.Sprintf(say("%s：账面调节后余额 = 对账单调节后余额", "%s: adjusted balance of the book = of the statement"), p.Name), Left: ours, Right: bank}
	if ours != bank {
		tie.Why = []string{recon.CheckByCode("E4").Next(r.lang)}
	}
	if more := p.ItemsAll - int64(len(p.Items)); more > 0 {
		tie.Why = append(tie.Why, fmt.Sprintf(say("还有 %d 项未达账项没有列出", "%d more items are outstanding and not listed"), more))
	}
	r.Ties, r.Tables = append(r.Ties, tie), append(r.Tables, t)
}

// outstandingSays are the words of recon.Outstanding.Say.
var outstandingSays = map[string][2]string{"unbooked": {"银行已记，账上还没有记", "At the bank, not booked"}, "unpaid": {"已匹配，还没有记账", "Matched, not booked yet"}, "later": {"账上记在以后日期", "Booked on a later day"},
	"unseen": {"账上已记，银行还没有", "Booked, not at the bank"}, "ahead": {"账上已记，银行以后才有", "Booked, at the bank on a later day"},
	"undone": {"账上已记，以后冲销", "Booked, reversed on a later day"}}

// transit adds what was on its way at the end of the day, and holds its items against the two accounts.
func (r *Report) transit(ctx context.Context, q pg.Querier, book *ledger.Book, held map[chart.ID]int64, ask Request) error {
	ways, err := recon.InTransit(ctx, q, book, ask.To, ask.Recorded, outstandingMax)
	if err != nil {
		return err
	}
	funds, _, err := fundsIn(ctx, q, book, ask)
	if err != nil {
		return err
	}
	for _, id := range []chart.ID{"psp.transit", "pay.transit"} {
		a := chart.MustByID(id)
		t := Table{Title: fmt.Sprintf("%s %s · %s", a.Code2026, a.Name(r.lang), ask.To.Format(time.DateOnly)),
			Columns: columnsOf(r.lang, [3]string{"item", "摘要", "Summary"}, [3]string{"fund", "基金", "Fund"}, [3]string{"day", "日期", "Day"}, [3]string{"#amount", "在途金额", "On its way"})}
		way := cmp.Or(ways[id], &recon.Way{})
		rest := way.ItemsSum
		for _, x := range way.Items {
			rest -= x.Amount
			t.Rows = append(t.Rows, Row{ID: x.Entry.String(), Style: Line, Cells: []Cell{{Text: cmp.Or(x.Summary, x.Entry.String()), To: Ref{ToEntry, x.Entry.String()}}, fundCell(funds[x.Fund], r.lang), {Text: x.Day.Format(time.DateOnly)}, {Minor: x.Amount}}})
		}
		if more := way.ItemsAll - int64(len(way.Items)); more > 0 {
			t.Rows = append(t.Rows, Row{ID: "more", Style: Line, Cells: []Cell{{Text: fmt.Sprintf(words(r.lang, "还有 %d 项没有列出", "%d more that are not listed"), more)}, {}, {}, {Minor: rest}}})
		}
		t.total(r.lang)
		r.Tables = append(r.Tables, t)
		r.Ties = append(r.Ties, Tie{Name: fmt.Sprintf(words(r.lang, "%s %s：逐笔合计 = 账面余额", "%s %s: items = balance of the book"), a.Code2026, a.Name(r.lang)), Left: way.ItemsSum, Right: held[id]})
	}
	return nil
}

// processorReconciliation is the 支付机构对账 (accounting.md 3.4): what each processor lists against what the book says it holds (1009.01).
func processorReconciliation(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	if r.From.IsZero() {
		r.From = ledger.Month(r.To)
	}
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	positions, err := recon.ProcessorPositions(ctx, q, book, r.From, r.To, r.Recorded)
	if err != nil {
		return nil, err
	}
	say := func(zh, en string) string { return words(r.Lang, zh, en) }
	for i := range positions {
		p := &positions[i]
		channel, known := giving.ChannelByCode(p.Code)
		name := p.Code
		if known {
			name = channel.Name(r.Lang)
		}
		t := Table{Title: strings.TrimSuffix(name+" · "+p.Name, " · "), Columns: columnsOf(r.Lang, [3]string{"item", "项目", "Item"}, [3]string{"#amount", "金额", "Amount"})}
		add := func(style, id, zh, en string, amount int64, of ...summed) {
			t.Rows = append(t.Rows, Row{ID: id, Style: style, Cells: []Cell{{Text: say(zh, en)}, {Minor: amount}}, sums: of})
		}
		if p.Rows == 0 {
			add(Line, "opening", "账上期初余额（1009.01）", "Opening balance of the book (1009.01)", p.Opening)
			add(Line, "in", "账上本期增加", "Increase in the book", p.In)
			add(Line, "out", "账上本期减少", "Decrease in the book", p.Out)
			add(Grand, "closing", "账上期末余额（1009.01）", "Closing balance of the book (1009.01)", p.Closing, summed{0, 1}, summed{1, 1}, summed{2, -1})
			report.Tables = append(report.Tables, t)
			report.Notes = append(report.Notes, fmt.Sprintf(say("%s：没有收到它的流水，只列账上数，不能核对。", "%s: no rows of its own were taken in, so only the book's figures stand here and nothing is compared."), name))
			continue
		}
		add(Line, "charges", "收款", "Charges", p.Charges)
		add(Line, "refunds", "减：退款", "Less refunds", p.Refunds)
		add(Line, "disputes", "减：争议扣款（净额）", "Less disputes, net", p.Disputes)
		add(Line, "fees", "减：手续费", "Less fees", p.Fees)
		add(Line, "adjustments", "加减：其他调整", "Adjustments", p.Adjustments)
		add(Sum, "net", "机构流水净额", "Net of the processor's rows", p.Net(), summed{0, 1}, summed{1, -1}, summed{2, -1}, summed{3, -1}, summed{4, 1})
		add(Line, "payouts", "提现", "Payouts", p.Payouts)
		add(Line, "opening", "账上期初余额（1009.01）", "Opening balance of the book (1009.01)", p.Opening)
		add(Line, "closing", "账上期末余额（1009.01）", "Closing balance of the book (1009.01)", p.Closing)
		add(Sum, "growth", "提现 + 余额增加", "Payouts + growth of the balance", p.Payouts+p.Closing-p.Opening, summed{6, 1}, summed{8, 1}, summed{7, -1})
		add(Grand, "off", "差额", "Difference", p.Off(), summed{5, 1}, summed{9, -1})
		tie := Tie{Name: fmt.Sprintf(say("%s：收款 − 退款 − 争议 − 手续费 ± 调整 = 提现 + 余额增加", "%s: charges − refunds − disputes − fees ± adjustments = payouts + growth of the balance"), name), Left: p.Net(), Right: p.Payouts + p.Closing - p.Opening}
		if tie.Off() != 0 {
			tie.Why = []string{recon.CheckByCode("E1").Next(r.Lang)}
		}
		report.Tables, report.Ties = append(report.Tables, t), append(report.Ties, tie)
	}
	if len(positions) == 0 {
		report.Notes = append(report.Notes, say("本期没有支付机构的流水和余额。", "No processor had rows or a balance in these days."))
	}
	return report, nil
}
