package statement

import (
	"slices"
	"strings"
	"time"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// bill is a processor's table: its columns by name, and whether its totals have been seen.
type bill struct {
	*reader
	columns map[string]int
	needed  []string
	totals  map[string]int // columns of the totals below
	done    bool
}

// head takes the names of the columns; every needed one has to be there, once.
func (b *bill) head(record *sheet.Record) error {
	b.columns = map[string]int{}
	for i, cell := range record.Cells {
		name := columnName(cell)
		if b.columns[name] > 0 && slices.Contains(b.needed, name) {
			return refuse(ReasonHeader, record.Line, "", name)
		}
		b.columns[name] = i + 1
	}
	for _, name := range b.needed {
		if b.columns[name] == 0 {
			return refuse(ReasonHeader, record.Line, name, "")
		}
	}
	return nil
}

// moment reads "2026-09-01 15:01:29" in the zone of the file.
func (b *bill) moment(text string, row int) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateTime, text, b.opt.Zone)
	if err != nil {
		return at, refuse(ReasonDate, row, "", text)
	}
	return at, nil
}

// wechat reads a bill of WeChat Pay: a header, rows that begin with a back-tick, names of the totals, the totals.
func (r *reader) wechat(b *bill, row func(*sheet.Record) error, totals func(*sheet.Record) error) error {
	b.reader = r
	for record, err := range sheet.Records(r.body, sheet.Form{Charset: "utf-8", Delimiter: ",", Ticked: true}) {
		ticked := strings.HasPrefix(record.Text, "`")
		switch {
		case err != nil:
			return r.broken(record, err)
		case b.done:
			return refuse(ReasonShape, record.Line, "", record.Text) // something stands below the totals
		case b.columns == nil:
			err = b.head(&record)
		case !ticked && b.totals == nil:
			b.totals = map[string]int{}
			for i, cell := range record.Cells {
				b.totals[columnName(cell)] = i + 1
			}
		case !ticked:
			err = refuse(ReasonShape, record.Line, "", record.Text)
		case b.totals == nil:
			if len(record.Cells) != len(b.columns) {
				return refuse(ReasonLine, record.Line, "", "")
			}
			err = row(&record)
		default:
			b.done = true
			if len(r.sum.Statements) == 0 { // a day without a payment
				_, err = r.open(Statement{}, record.Line)
			}
			if err == nil {
				err = totals(&record)
			}
		}
		if err != nil {
			return err
		}
	}
	if b.columns == nil {
		return refuse(ReasonHeader, 0, strings.Join(b.needed, ", "), "")
	}
	if !b.done {
		return refuse(ReasonTotals, 0, "", "") // cut off
	}
	s := r.last()
	s.Proved = append(s.Proved, ProofTotals)
	return nil
}

// of reads an amount of a row; an empty cell is nothing.
func (b *bill) of(record *sheet.Record, name string) (int64, error) {
	text := record.Cell(b.columns[name])
	if text == "" {
		return 0, nil
	}
	minor, err := amount(text, b.last().Currency)
	if err != nil {
		return 0, refuse(ReasonAmount, record.Line, "", text)
	}
	return minor, nil
}

// wechatTrade reads the trade bill of all payments and refunds of a day. A line's amount is what the order brings, or what the
// refund takes back, before the fee.
func (r *reader) wechatTrade() error {
	b := &bill{needed: []string{"交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "应结订单金额", "微信退款单号", "商户退款单号", "退款金额", "手续费"}}
	sums := map[string]int64{} // by the name of the column
	seen := map[string]bool{}
	rows := 0
	summed := []string{"应结订单金额", "退款金额", "充值券退款金额", "订单金额", "申请退款金额"}
	row := func(record *sheet.Record) error {
		cell := func(name string) string { return record.Cell(b.columns[name]) }
		rows++
		at, err := b.moment(cell("交易时间"), record.Line)
		if err != nil {
			return err
		}
		if err := b.begin(record, cell("商户号"), cell("货币种类")); err != nil {
			return err
		}
		for _, name := range summed {
			minor, err := b.of(record, name)
			if err != nil {
				return err
			}
			if sums[name], err = money.Add(sums[name], minor); err != nil {
				return refuse(ReasonAmount, record.Line, "", cell(name))
			}
		}
		fee, err := exact(cell("手续费"))
		if err != nil {
			return refuse(ReasonAmount, record.Line, "", cell("手续费"))
		}
		sums["手续费"] += fee
		l := &Line{Row: record.Line, At: record.At, Size: record.Size, Booked: dayOf(at), Clock: at, Fee: half(fee), FeeExact: fee, Code: cell("交易状态"),
			ID: cell("微信订单号"), Order: cell("商户订单号"), Kind: "payment", Text: cell("商品名称")}
		paid, _ := b.of(record, "应结订单金额")
		back, _ := b.of(record, "退款金额")
		switch l.Code {
		case "SUCCESS":
		case "REFUND", "REVOKED":
			l.Kind, l.Original, l.ID = "refund", l.ID, cell("微信退款单号")
			if own := cell("商户退款单号"); own != "" && own != "0" {
				l.Order = own
			}
		default:
			return refuse(ReasonLine, record.Line, "", l.Code)
		}
		if l.Amount = paid - back; l.ID == "" || l.Kind == "payment" && back != 0 || paid < 0 || back < 0 {
			return refuse(ReasonLine, record.Line, "", l.ID)
		}
		key := strings.Clone(l.ID)
		if seen[key] {
			return refuse(ReasonTwice, record.Line, "", l.ID)
		}
		seen[key] = true
		return r.emit(l)
	}
	return r.wechat(b, row, func(record *sheet.Record) error {
		if err := count(record.Cell(b.totals["总交易单数"]), rows, record.Line); err != nil {
			return err
		}
		ccy := r.last().Currency
		for i, name := range []string{"应结订单总金额", "退款总金额", "充值券退款总金额", "订单总金额", "申请退款总金额"} {
			if column, at := summed[i], b.totals[name]; at > 0 && b.columns[column] > 0 {
				if err := total(record.Cell(at), sums[column], ccy, record.Line); err != nil {
					return err
				}
			}
		}
		if at := b.totals["手续费总金额"]; at > 0 {
			if fee, err := exact(record.Cell(at)); err != nil || fee != sums["手续费"] {
				return refuse(ReasonTotals, record.Line, record.Cell(at), money.Format(half(sums["手续费"]), ccy))
			}
		}
		if b.totals["应结订单总金额"] == 0 || b.totals["退款总金额"] == 0 {
			return refuse(ReasonHeader, record.Line, "应结订单总金额", "")
		}
		return nil
	})
}

// begin opens the bill's statement with its first row; a second account or currency is refused.
func (b *bill) begin(record *sheet.Record, account, ccy string) error {
	if ccy != "" {
		ccy = currencyOf(ccy)
	}
	if len(b.sum.Statements) == 0 {
		_, err := b.open(Statement{Account: account, Currency: ccy}, record.Line)
		return err
	}
	switch s := b.last(); {
	case s.Account != account:
		return refuse(ReasonAccount, record.Line, s.Account, account)
	case ccy != "" && s.Currency != ccy:
		return refuse(ReasonCurrency, record.Line, s.Currency, ccy)
	}
	return nil
}

// fundKinds are our words for the business types of the fund bill.
var fundKinds = map[string]string{"交易": "payment", "扣除交易手续费": "fee", "退还交易手续费": "fee-back", "退款": "refund", "提现": "withdrawal", "充值": "deposit",
	"解冻": "release", "冻结": "hold", "分账": "split"}

// wechatFund reads the fund bill of an account: every movement with the balance after it.
func (r *reader) wechatFund() error {
	b := &bill{needed: []string{"记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额", "账户结余"}}
	c := chain{}
	row := func(record *sheet.Record) error {
		cell := func(name string) string { return record.Cell(b.columns[name]) }
		at, err := b.moment(cell("记账时间"), record.Line)
		if err != nil {
			return err
		}
		if err := b.begin(record, "", ""); err != nil {
			return err
		}
		l := &Line{Row: record.Line, At: record.At, Size: record.Size, Booked: dayOf(at), Clock: at, Code: cell("业务类型"), Kind: fundKinds[cell("业务类型")],
			ID: cell("微信支付业务单号"), Original: cell("资金流水单号"), Order: cell("业务凭证号"), Text: cell("备注")}
		if l.Amount, err = b.of(record, "收支金额"); err != nil || l.Amount < 0 || cell("收支金额") == "" {
			return refuse(ReasonAmount, record.Line, "", cell("收支金额"))
		}
		switch cell("收支类型") {
		case "收入":
		case "支出":
			l.Amount = -l.Amount
		default:
			return refuse(ReasonDirection, record.Line, "", cell("收支类型"))
		}
		if l.Balance.Minor, err = b.of(record, "账户结余"); err != nil || cell("账户结余") == "" {
			return refuse(ReasonAmount, record.Line, "", cell("账户结余"))
		}
		l.Balance.Known = true
		c.add(l.Row, l.Booked, l.Amount, l.Balance.Minor)
		return r.emit(l)
	}
	err := r.wechat(b, row, func(record *sheet.Record) error {
		s := r.last()
		for i, got := range []int{s.CountIn + s.CountOut, s.CountIn, s.CountOut} {
			if err := count(record.Cell(b.totals[[]string{"资金流水总笔数", "收入笔数", "支出笔数"}[i]]), got, record.Line); err != nil {
				return err
			}
		}
		for i, got := range []int64{s.In, s.Out} {
			if err := total(record.Cell(b.totals[[]string{"收入金额", "支出金额"}[i]]), got, s.Currency, record.Line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.close(r.last())
}
