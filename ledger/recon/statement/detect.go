package statement

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"sunfund/internal/sheet"
)

var (
	mtField  = regexp.MustCompile(`(?m)^:(?:60[FM]|61|28C?):`)
	mtFields = regexp.MustCompile(`(?m)^:(?:20|25P?|60[FM]|61):`)
)

// A list tells by its address what it lists.
var (
	stripeList    = regexp.MustCompile(`"url"\s*:\s*"/v1/balance_transactions`)
	stripePayouts = regexp.MustCompile(`"url"\s*:\s*"/v1/payouts`)
)

// detectMax is how much of a file is looked at to tell its format.
const detectMax = 64 << 10

// Detect tells the format of a file by what it begins with; empty when it is none that is known.
func Detect(body []byte) Format {
	head := body[:min(len(body), detectMax)]
	begin := strings.TrimSpace(strings.TrimPrefix(string(head[:min(len(head), 4096)]), "\xef\xbb\xbf"))
	switch {
	case strings.HasPrefix(begin, "OFXHEADER") || strings.Contains(begin, "<OFX>") || strings.Contains(begin, "<?OFX"):
		return OFX
	case strings.HasPrefix(begin, "{") && bytes.Contains(head, []byte("balance_transaction")):
		return StripeMembers
	case strings.HasPrefix(begin, "[") && stripeList.Match(head):
		return StripeBalance
	case strings.HasPrefix(begin, "[") && stripePayouts.Match(head):
		return StripePayouts
	case strings.HasPrefix(begin, "<"):
		return Camt053
	case mtField.Match(head) && mtFields.Match(head):
		return MT940
	}
	return detectTable(head)
}

// detectTable tells a table by the names of its columns.
func detectTable(head []byte) Format {
	if at := bytes.LastIndexByte(head, '\n'); at > 0 && len(head) == detectMax {
		head = head[:at]
	}
	n := 0
	for record, err := range sheet.Records(head, sheet.Form{Charset: sheet.CharsetOf(head), Delimiter: ","}) {
		if n++; err != nil || n > sheet.HeaderMax {
			return ""
		}
		has := func(name string) bool {
			return slices.ContainsFunc(record.Cells, func(c string) bool { return columnName(c) == name })
		}
		switch {
		case has("微信订单号") && has("交易状态"):
			return WeChatTrade
		case has("资金流水单号") && has("收支类型"):
			return WeChatFund
		case has("支付宝交易号") && has("商家实收"):
			return AlipayTrade
		}
		for _, bank := range []Format{ICBC, CMB, BOC, CCB} {
			if columns, _ := banks[bank].find(record.Cells); columns != nil && slices.ContainsFunc(marks[bank], has) {
				return bank
			}
		}
	}
	return ""
}
