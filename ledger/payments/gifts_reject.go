package payments

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// reason says in both languages why a line is refused.
type reason struct{ en, zh string }

// rejection is a reason at a field; the field is empty when the line as a whole is wrong.
type rejection struct {
	field string
	reason
}

var (
	reasonSyntax      = reason{"quotes are not as CSV wants them", "引号不符合 CSV 格式"}
	reasonColumns     = reason{"the line does not have 13 columns", "该行不是 13 列"}
	reasonCharset     = reason{"not UTF-8: save the file as \"CSV UTF-8\" and import the line again", "不是 UTF-8 编码：请另存为“CSV UTF-8”后重新导入本行"}
	reasonNumber      = reason{"not a number of a gift: 1 to 100 letters, digits or signs, no space", "编号无效：应为 1 至 100 个字母、数字或符号，不含空格"}
	reasonTime        = reason{"not a time with zone, such as 2026-09-01T08:30:00+08:00", "时间无效：应带时区，如 2026-09-01T08:30:00+08:00"}
	reasonFuture      = reason{"lies in the future", "时间在将来"}
	reasonCampaign    = reason{"no such campaign in the book", "账套中没有这个募捐项目"}
	reasonFund        = reason{"no such fund in the book", "账套中没有这个基金"}
	reasonChannel     = reason{"no such channel", "没有这个渠道"}
	reasonCurrency    = reason{"not a currency", "不是有效的币种"}
	reasonAmount      = reason{"not an amount such as 1000.00: digits and a point only", "金额无效：只用数字和小数点，如 1000.00"}
	reasonDecimals    = reason{"more decimals than the currency has", "小数位数超过币种规定"}
	reasonRange       = reason{"amount is too large", "金额过大"}
	reasonNotPositive = reason{"a gift is more than zero", "捐赠金额必须大于零"}
	reasonNotNegative = reason{"a refund is less than zero", "退款金额必须小于零"}
	reasonAnonymous   = reason{"neither true nor false", "只能是 true 或 false"}
)

// refusals name the field and reason for what the book refuses.
var refusals = []struct {
	err error
	rejection
}{
	{giving.ErrRefReused, rejection{"gift_no", reason{"this number is on the books with other content", "该编号已入账，但内容不同"}}},
	{giving.ErrNoGift, rejection{"refund_of", reason{"its gift is not on the books yet; import the line again after the gift", "所退捐赠尚未入账；请在捐赠入账后重新导入本行"}}},
	{giving.ErrRefundTooLarge, rejection{"amount", reason{"refund is more than is left of the gift", "退款超过捐赠余额"}}},
	{giving.ErrMatchOfFile, rejection{"refund_of", reason{"match of a platform's file is clawed back at that file", "平台文件的配捐要在该文件处追回"}}},
	{giving.ErrMismatch, rejection{"refund_of", reason{"channel, currency, campaign or fund is not that of the gift", "渠道、币种、项目或基金与原捐赠不一致"}}},
	{giving.ErrNoRate, rejection{"currency", reason{"no exchange rate on or before the day", "当日及以前没有汇率"}}},
	{giving.ErrFundKind, rejection{"fund", reason{"the fund does not take gifts as income", "该基金不接受捐赠收入"}}},
	{giving.ErrNoGeneral, rejection{"fee", reason{"the book has no general fund to bear the fee", "账套没有承担手续费的非限定基金"}}},
	{giving.ErrFeeChannel, rejection{"fee", reason{"bank and cash gifts have no fee", "银行和现金捐赠没有手续费"}}},
	{ledger.ErrPeriodClosed, rejection{"paid_at", reason{"the month is closed", "该月份已结账"}}},
	{ledger.ErrGuarded, rejection{"amount", reason{"the account does not hold that much", "账户余额不足"}}},
	{ledger.ErrAmount, rejection{"amount", reason{"amount out of range", "金额超出范围"}}},
	{money.ErrRange, rejection{"amount", reason{"amount out of range", "金额超出范围"}}},
}

func rejectionOf(err error) rejection {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.rejection
		}
	}
	return rejection{"", reason{"refused: " + err.Error(), "未能入账：" + err.Error()}}
}

// rejectWriter writes refused lines as CSV: line number, field, reason in both languages, then the line's own
// columns as they came, so that they can be mended and imported again.
type rejectWriter struct{ csv *sheet.Writer }

func newRejectWriter(w io.Writer) (*rejectWriter, error) {
	if w == nil {
		w = io.Discard
	}
	rw := &rejectWriter{sheet.NewWriter(w)}
	if err := rw.csv.Row(append([]string{"line", "field", "reason_en", "reason_zh"}, giftColumns...)...); err != nil {
		return nil, fmt.Errorf("write rejects: %w", err)
	}
	return rw, nil
}

func (w *rejectWriter) write(line int, row []string, why rejection) error {
	if err := w.csv.Row(append([]string{strconv.Itoa(line), why.field, why.en, why.zh}, row...)...); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

func (w *rejectWriter) close() error {
	if err := w.csv.Flush(); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}
