package statement

import (
	"regexp"
	"strings"

	"sunfund/internal/sheet"
)

var (
	alipayAccount = regexp.MustCompile(`账号\s*[:：]\s*\[?\s*(\d{6,40})`)
	alipayTotal   = regexp.MustCompile(`(交易|退款)合计\s*[:：]\s*(\d+)\s*笔\s*[，,]\s*商家实收(?:退款)?共\s*(-?[\d.,]+)\s*元`)
)

// alipayKinds are our words for the business types of the trade bill.
var alipayKinds = map[string]string{"交易": "payment", "退款": "refund"}

// alipay reads the trade bill: comments that begin with #, rows whose ids are padded, the totals in the comments below. A line's
// amount is what the shop received (商家实收) before the service fee; the day is that of completion.
func (r *reader) alipay() error {
	b := &bill{reader: r, needed: []string{"支付宝交易号", "商户订单号", "业务类型", "创建时间", "完成时间", "商家实收", "退款批次号/请求号", "服务费"}}
	account, seen, sides := "", map[string]bool{}, 0
	var counts [2]int
	var totals [2]int64
	for record, err := range sheet.Records(r.body, sheet.Form{Charset: sheet.CharsetOf(r.body), Delimiter: ","}) {
		switch {
		case err != nil:
			return r.broken(record, err)
		case strings.HasPrefix(record.Text, "#"):
			if found := alipayAccount.FindStringSubmatch(record.Text); found != nil && account == "" {
				account = found[1]
			}
			found := alipayTotal.FindStringSubmatch(record.Text)
			if found == nil {
				continue
			}
			side := 0
			if found[1] == "退款" {
				side = 1
			}
			if err := count(found[2], counts[side], record.Line); err != nil {
				return err
			}
			if err := total(found[3], totals[side], "CNY", record.Line); err != nil {
				return err
			}
			sides |= 1 << side
			continue
		case b.columns == nil:
			if err := b.head(&record); err != nil {
				return err
			}
			if _, err := r.open(Statement{Account: account, Currency: "CNY"}, record.Line); err != nil {
				return err
			}
			continue
		}
		l, err := b.trade(&record)
		if err != nil {
			return err
		}
		side := 0
		if l.Kind == "refund" {
			side = 1
		}
		counts[side]++
		totals[side] += l.Amount
		key := l.ID + " " + l.Order + " " + l.Kind
		if seen[key] {
			return refuse(ReasonTwice, record.Line, "", l.ID)
		}
		seen[key] = true
		if err := r.emit(l); err != nil {
			return err
		}
	}
	if b.columns == nil {
		return refuse(ReasonHeader, 0, strings.Join(b.needed, ", "), "")
	}
	if sides != 3 {
		return refuse(ReasonTotals, 0, "", "")
	}
	r.last().Proved = append(r.last().Proved, ProofTotals)
	return nil
}

// trade reads a row of the bill.
func (b *bill) trade(record *sheet.Record) (*Line, error) {
	cell := func(name string) string { return record.Cell(b.columns[name]) }
	if n := len(record.Cells); n < len(b.columns) || n > len(b.columns)+1 { // a comma may close the row
		return nil, refuse(ReasonLine, record.Line, "", "")
	}
	at, err := b.moment(cell("完成时间"), record.Line)
	if err != nil {
		return nil, err
	}
	l := &Line{Row: record.Line, At: record.At, Size: record.Size, Booked: dayOf(at), Clock: at, Code: cell("业务类型"), Kind: alipayKinds[cell("业务类型")],
		ID: cell("支付宝交易号"), Order: cell("商户订单号"), Party: cell("对方账户"), Text: cell("商品名称")}
	if l.Kind == "" || l.ID == "" {
		return nil, refuse(ReasonLine, record.Line, "", l.Code)
	}
	if l.Kind == "refund" {
		l.Original = l.ID // a refund keeps its trade's number; the request's is its own
		if request := cell("退款批次号/请求号"); request != "" {
			l.Order = request
		}
	}
	if l.Amount, err = b.of(record, "商家实收"); err != nil {
		return nil, err
	}
	if cell("商家实收") == "" || (l.Amount < 0) != (l.Kind == "refund") && l.Amount != 0 {
		return nil, refuse(ReasonAmount, record.Line, "", cell("商家实收"))
	}
	kept, err := b.of(record, "服务费") // negative: taken from us
	if err != nil {
		return nil, err
	}
	l.Fee, l.FeeExact = -kept, -kept*1000
	return l, nil
}
