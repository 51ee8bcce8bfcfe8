package statement

import (
	"slices"
	"strings"

	"sunfund/internal/sheet"
)

// guessed are names by which a column's meaning is guessed, most telling first, besides those of the banks that are known.
var guessed = map[string][]string{
	"date":          {"交易日期", "记账日期", "日期", "入账日期", "booking date", "transaction date", "date"},
	"time":          {"交易时间", "时间", "time"},
	"value":         {"起息日", "value date"},
	"in":            {"收入金额", "贷方金额", "贷方发生额", "存入", "收入", "credit", "paid in", "money in"},
	"out":           {"支出金额", "借方金额", "借方发生额", "支取", "支出", "debit", "paid out", "money out"},
	"amount":        {"交易金额", "发生额", "金额", "amount"},
	"direction":     {"收支类型", "借贷标志", "借贷", "收支", "direction", "dr/cr"},
	"balance":       {"账户余额", "联机余额", "交易后余额", "余额", "balance"},
	"currency":      {"币种", "币别", "货币", "currency"},
	"kind":          {"交易类型", "交易名称", "业务类型", "type"},
	"text":          {"摘要", "附言", "用途", "交易备注", "备注", "description", "details", "reference"},
	"note":          {"客户摘要", "备注", "memo"},
	"party":         {"对方户名", "对方名称", "对方单位", "payee", "counterparty"},
	"party_account": {"对方账号", "对方账户", "counterparty account"},
	"id":            {"交易流水号", "流水号", "transaction id"},
}

// Sample is the beginning of a table, as a form shows it to who says what its columns mean.
type Sample struct {
	Rows   [][]string
	Header int // which row seems to name the columns, from 1; 0: none
}

// Begin decodes the first rows of a table by charset and delimiter of a profile, and finds the row that names most columns.
// *Refusal when it is no table.
func Begin(body []byte, p *Profile, rows int) (s Sample, err error) {
	r := reader{body: body}
	most := 1
	form := sheet.Form{Charset: p.Charset, Delimiter: p.Delimiter}
	if form.Charset == "" {
		form.Charset = sheet.CharsetOf(body)
	}
	for record, err := range sheet.Records(body, form) {
		if err != nil {
			return s, r.broken(record, err)
		}
		cells := make([]string, len(record.Cells))
		for i, cell := range record.Cells {
			cells[i] = clean(cell)
		}
		if n := len(guessColumns(cells)); n > most {
			most, s.Header = n, len(s.Rows)+1
		}
		if s.Rows = append(s.Rows, cells); len(s.Rows) == rows {
			break
		}
	}
	return s, nil
}

// Guess proposes how a table is read: charset, delimiter, columns by the names they are often given, in Chinese and English. What it
// cannot tell is left open.
func Guess(body []byte) Profile {
	p := Profile{Charset: sheet.CharsetOf(body), Delimiter: sheet.DelimiterOf(body), Columns: map[string][]string{}, Ignore: []string{"合计", "总计", "Total"}}
	s, err := Begin(body, &p, sheet.HeaderMax)
	if err != nil || s.Header == 0 {
		return p
	}
	p.Columns = guessColumns(s.Rows[s.Header-1])
	if len(p.Columns["in"]) > 0 && len(p.Columns["out"]) > 0 {
		delete(p.Columns, "amount")
	} else if len(p.Columns["amount"]) > 0 {
		delete(p.Columns, "in")
		delete(p.Columns, "out")
	}
	if len(p.Columns["direction"]) > 0 {
		p.InWords, p.OutWords = []string{"收入", "贷", "贷方", "存入", "CR", "C", "Credit"}, []string{"支出", "借", "借方", "支取", "DR", "D", "Debit"}
	}
	return p
}

func guessColumns(cells []string) map[string][]string {
	columns := map[string][]string{}
	taken := map[int]bool{}
	for _, meaning := range Meanings {
		for _, word := range guessed[meaning] {
			at := slices.IndexFunc(cells, func(cell string) bool { return columnName(cell) == columnName(word) })
			if at >= 0 && !taken[at] && len(cells[at]) <= 100 {
				columns[meaning], taken[at] = []string{strings.TrimSpace(cells[at])}, true
				break
			}
		}
	}
	return columns
}
