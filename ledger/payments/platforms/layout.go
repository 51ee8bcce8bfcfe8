package platforms

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/sheet"
	"sunfund/ledger/giving"
)

// Meanings are what a column can mean, in the order in which a form asks for them.
var Meanings = []string{"order", "time", "amount", "fee", "match", "donor", "campaign", "currency", "state"}

// needed are the meanings without which no gift can be booked.
var needed = []string{"order", "time", "amount"}

// Layout says how the files of a platform are read. It is stored as JSON in its profile.
type Layout struct {
	Charset   string         `json:"charset"`
	Delimiter string         `json:"delimiter"`
	Header    int            `json:"header"`  // which record names the columns, from 1
	Columns   map[string]int `json:"columns"` // meaning to column, from 1
	TimeForm  string         `json:"time_form"`
	Zone      string         `json:"zone"`
	Unit      string         `json:"unit"`   // "yuan": decimals; "fen": minor units
	Ignore    []string       `json:"ignore"` // a line whose first filled cell begins so is no gift
	Paid      []string       `json:"paid"`   // states that are gifts; empty: all
	Campaign  int32          `json:"campaign"`
	Codes     []Code         `json:"codes"`      // the platform's project codes; a code that is not here is refused
	Donor     string         `json:"foundation"` // who gives the match
}

// Code is what the platform calls a campaign.
type Code struct {
	Code     string `json:"code"`
	Campaign int32  `json:"campaign"`
}

// TimeForms are the ways in which a file may write a time.
var TimeForms = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006/1/2", "20060102150405", "20060102",
	"2006年1月2日 15:04:05", "2006年1月2日", "01/02/2006 15:04:05", "02/01/2006 15:04:05", time.RFC3339}

// Units are the ways in which a file may write an amount.
var Units = []string{"yuan", "fen"}

// headers are the words by which a column's meaning is guessed, most telling first.
var headers = map[string][]string{
	"order":    {"订单号", "订单编号", "交易单号", "捐赠编号", "流水号", "订单", "order no", "order number", "order id", "order", "transaction id", "donation id"},
	"time":     {"捐赠时间", "支付时间", "交易时间", "付款时间", "捐款时间", "时间", "日期", "paid at", "donation time", "date", "time"},
	"amount":   {"捐赠金额", "捐款金额", "支付金额", "订单金额", "金额", "gift amount", "gross", "donation amount", "amount"},
	"fee":      {"手续费", "支付服务费", "服务费", "渠道费", "fee"},
	"match":    {"配捐金额", "配捐", "匹配金额", "match amount", "matched", "match"},
	"donor":    {"捐赠人", "捐赠者", "爱心网友", "姓名", "昵称", "donor name", "donor", "name"},
	"campaign": {"项目编号", "项目id", "项目代码", "项目", "project code", "campaign code", "project", "campaign"},
	"currency": {"币种", "货币", "currency"},
	"state":    {"订单状态", "交易状态", "支付状态", "状态", "status", "state"},
}

// Guess proposes a layout for a file: charset, delimiter, header and columns by the names they are often given, in Chinese and
// English. What it cannot tell is left open. ErrSize, ErrCharset, ErrShape.
func Guess(body []byte, zone string) (Layout, error) {
	l := Layout{Charset: sheet.CharsetOf(body), Delimiter: ",", Header: 1, Columns: map[string]int{}, TimeForm: TimeForms[0], Zone: zone, Unit: Units[0],
		Ignore: []string{"合计", "总计", "小计", "Total", "Sum"}}
	l.Delimiter = sheet.DelimiterOf(body)
	list, err := records(body, &l, sheet.HeaderMax)
	if err != nil {
		return l, err
	}
	for i, r := range list {
		if columns := guessColumns(r.cells); len(columns) > len(l.Columns) {
			l.Header, l.Columns = i+1, columns
		}
	}
	l.TimeForm = guessTime(list, l)
	if at := l.Columns["state"]; at > 0 {
		l.Paid = []string{"支付成功", "已支付", "成功", "已完成", "paid", "success", "succeeded", "completed"}
	}
	return l, nil
}

func guessColumns(cells []string) map[string]int {
	columns := map[string]int{}
	for _, exact := range []bool{true, false} {
		for _, meaning := range Meanings {
			for _, word := range headers[meaning] {
				for i, cell := range cells {
					name := strings.ToLower(cell)
					taken := slices.ContainsFunc(Meanings, func(m string) bool { return columns[m] == i+1 })
					if columns[meaning] == 0 && !taken && (name == word || !exact && strings.Contains(name, word) && len(name) <= 60) {
						columns[meaning] = i + 1
					}
				}
			}
		}
	}
	for meaning, at := range columns {
		if at == 0 {
			delete(columns, meaning)
		}
	}
	return columns
}

func guessTime(list []record, l Layout) string {
	for _, r := range list[min(l.Header, len(list)):] {
		text := cellOf(r.cells, l.Columns["time"])
		for _, form := range TimeForms {
			if _, err := time.Parse(form, text); err == nil && text != "" {
				return form
			}
		}
	}
	return TimeForms[0]
}

// cellOf is a column of a line, from 1; empty when the line does not reach that far or there is no such column.
func cellOf(cells []string, column int) string {
	if column < 1 || column > len(cells) {
		return ""
	}
	return cells[column-1]
}

// Check holds a layout to what can be read. *giving.FieldErrors.
func (l *Layout) Check() error {
	var wrong giving.FieldErrors
	if !slices.Contains(Charsets, l.Charset) {
		wrong.Refuse("charset", "platform.layout.wrong")
	}
	if !slices.Contains(sheet.Delimiters, l.Delimiter) {
		wrong.Refuse("delimiter", "platform.layout.wrong")
	}
	if l.Header < 1 || l.Header > sheet.HeaderMax {
		wrong.Refuse("header", "platform.header.wrong", "most", strconv.Itoa(sheet.HeaderMax))
	}
	if !slices.Contains(TimeForms, l.TimeForm) {
		wrong.Refuse("time_form", "platform.layout.wrong")
	}
	if _, err := time.LoadLocation(l.Zone); err != nil || l.Zone == "" || l.Zone == "Local" {
		wrong.Refuse("zone", "platform.zone.wrong")
	}
	if !slices.Contains(Units, l.Unit) {
		wrong.Refuse("unit", "platform.layout.wrong")
	}
	used := map[int]bool{}
	for _, meaning := range Meanings {
		at := l.Columns[meaning]
		switch {
		case at == 0 && slices.Contains(needed, meaning):
			wrong.Refuse("col_"+meaning, "platform.column.missing")
		case at < 0 || at > sheet.ColumnsMax:
			wrong.Refuse("col_"+meaning, "platform.layout.wrong")
		case at > 0 && used[at]:
			wrong.Refuse("col_"+meaning, "platform.column.twice")
		}
		used[at] = true
	}
	if l.Columns["match"] > 0 || l.Donor != "" {
		wrong.Text("foundation", l.Donor, 1, 100)
	}
	if l.Campaign == 0 && len(l.Codes) == 0 {
		wrong.Refuse("campaign", "platform.campaign.missing")
	}
	if len(l.Codes) > 0 && l.Columns["campaign"] == 0 {
		wrong.Refuse("col_campaign", "platform.column.missing")
	}
	if len(l.Codes) > 200 || len(l.Ignore) > 20 || len(l.Paid) > 20 {
		wrong.Refuse("codes", "platform.layout.wrong")
	}
	return wrong.Err()
}

// Sampled gives the first lines of a file as a layout decodes them; nothing when it cannot be read so.
func Sampled(body []byte, l Layout, lines int) [][]string {
	if !slices.Contains(sheet.Delimiters, l.Delimiter) {
		return nil
	}
	list, err := records(body, &l, lines)
	if err != nil {
		return nil
	}
	cells := make([][]string, len(list))
	for i, r := range list {
		for _, cell := range r.cells {
			cells[i] = append(cells[i], giving.CleanText(cell))
		}
	}
	return cells
}
