package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/polls"
)

// sheetLines is how many lines one printed sheet of a voucher holds.
const sheetLines = 8

// voucher is an entry as accountants write it down: the same places on screen and on paper.
type voucher struct {
	Name          string // of the association
	Day           time.Time
	Number        string // 记字第 n 号; empty for a gift, and while it is a draft
	Attachments   int16
	Sheets        []voucherSheet
	Debit, Credit money.Money
	Words         string // the total in Chinese capitals
	Memo          bool   // there are memo lines, which the total leaves out
	Reversal      bool   // amounts are red, with a minus
	Reverses      Link
	Maker         string
	Checker       string
	Source        string
	Reason        string // of a reversal
	Note          string // of what is left out, for who sees only a part
}

// voucherSheet is one sheet of paper.
type voucherSheet struct {
	*voucher
	At, Of int
	Rows   []voucherRow
	Unused int // lines left empty
}

// Last tells whether the totals stand on this sheet.
func (s voucherSheet) Last() bool { return s.At == s.Of }

// Blanks are the unused lines below the first, whose amount cells span them all.
func (s voucherSheet) Blanks() []struct{} { return make([]struct{}, max(0, s.Unused-1)) }

// voucherRow is one line of a voucher.
type voucherRow struct {
	Summary, Fund string // on the first line of all, and on the first line of each fund
	Account       int32  // its statement; 0 while there is none
	Code, Name    string
	Tags          string
	Debit, Credit string // figures, with their currency when it is not the book's
	Red           bool
	Memo          bool
	Heading       bool // first of the memo lines: says that they stand in no statement
}

// voucherLine is what a line needs to be drawn: where, and how much (debit positive).
type voucherLine struct {
	account int32
	leaf    ledger.Leaf
	amount  int64
}

// newVoucher lays lines out: funds one after the other, memo lines last. funds names the funds in sight.
func (v *visit) newVoucher(day time.Time, summary string, lines []voucherLine, reversal bool, s *sight) *voucher {
	doc := &voucher{Name: v.book.Name(string(v.lang)), Day: day, Reversal: reversal, Debit: v.amount(0), Credit: v.amount(0)}
	var order []int32
	groups := map[int32][]voucherLine{}
	var memo []voucherLine
	for _, l := range lines {
		acct := chart.MustByID(l.leaf.Chart)
		if acct.Memo() {
			memo = append(memo, l)
			continue
		}
		if groups[l.leaf.Fund] == nil {
			order = append(order, l.leaf.Fund)
		}
		groups[l.leaf.Fund] = append(groups[l.leaf.Fund], l)
		if (l.amount > 0) != reversal {
			doc.Debit.Minor += l.amount
		} else {
			doc.Credit.Minor -= l.amount
		}
	}
	var rows []voucherRow
	for _, fund := range order {
		for i, l := range groups[fund] {
			rows = append(rows, v.voucherRow(l, reversal, i == 0, s))
		}
	}
	doc.Memo = len(memo) > 0 && len(order) > 0
	last := int32(0)
	for i, l := range memo {
		row := v.voucherRow(l, reversal, len(order) != 1 && l.leaf.Fund != last || len(order) == 1 && l.leaf.Fund != order[0], s)
		row.Memo, row.Heading, last = true, i == 0, l.leaf.Fund
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		rows[0].Summary = summary
	}
	doc.Words = money.WordsZH(doc.Debit.Minor)
	doc.cut(rows)
	return doc
}

func (v *visit) voucherRow(l voucherLine, reversal, first bool, s *sight) voucherRow {
	acct := chart.MustByID(l.leaf.Chart)
	row := voucherRow{Account: l.account, Code: v.code(acct), Name: acct.Name(string(v.lang)), Tags: v.tags(l.leaf, s), Red: reversal}
	if fund := s.fund(l.leaf.Fund); first && fund != nil {
		row.Fund = fund.Code + " " + fund.Name(string(v.lang))
	}
	debit := (l.amount > 0) != reversal
	amount := l.amount
	if !debit {
		amount = -amount
	}
	figure := Figure(money.Money{Minor: amount, Currency: v.currency(l.leaf)})
	if c := v.currency(l.leaf); c != v.book.Currency {
		figure = c + " " + figure
	}
	if debit {
		row.Debit = figure
	} else {
		row.Credit = figure
	}
	return row
}

func (v *visit) currency(leaf ledger.Leaf) string {
	if leaf.Currency == "" {
		return v.book.Currency
	}
	return leaf.Currency
}

// cut breaks the rows into sheets.
func (doc *voucher) cut(rows []voucherRow) {
	of := max(1, (len(rows)+sheetLines-1)/sheetLines)
	for at := 1; at <= of; at++ {
		n := min(sheetLines, len(rows))
		doc.Sheets = append(doc.Sheets, voucherSheet{voucher: doc, At: at, Of: of, Rows: rows[:n], Unused: sheetLines - n})
		rows = rows[n:]
	}
}

// code is an account's code in the book's regime, or its 2026 code where that has none.
func (v *visit) code(acct chart.Account) string {
	if code := acct.Code(v.book.Regime); code != "" {
		return code
	}
	return acct.Code2026
}

// tags writes what a leaf is tagged with, in the words of the page. s names the fund that it is owed by or to.
func (v *visit) tags(leaf ledger.Leaf, s *sight) string {
	d := leaf.Dims
	var tags []string
	for _, tag := range []struct{ key, value string }{
		{"campaign", d.Campaign}, {"project", d.Project}, {"contract", d.Contract}, {"source", d.Source}, {"street", d.Street},
		{"counterparty", d.Counterparty}, {"instrument", d.Instrument}, {"nature", d.Nature}, {"foreign", d.Foreign}, {"units", d.UnitsOf}, {"purpose", d.Purpose},
	} {
		if tag.value != "" {
			tags = append(tags, T(v.lang, "tag."+tag.key)+" "+v.tagWord(tag.key, tag.value, s))
		}
	}
	return strings.Join(tags, T(v.lang, "console.and"))
}

// tagWord is a tag as people read it: a fund by its name, what residents chose by its vote, a way of paying and a nature by its word, anything else as it was given.
func (v *visit) tagWord(key, value string, s *sight) string {
	switch key {
	case "counterparty":
		number, isFund := strings.CutPrefix(value, "fund:")
		if id, err := strconv.ParseInt(number, 10, 32); isFund && err == nil {
			return v.fundName(s, int32(id))
		}
	case "source":
		if vote, place, ok := polls.FromVote(value); ok {
			return T(v.lang, "tag.vote", vote, place)
		}
	case "instrument":
		if channel, ok := giving.ChannelByCode(value); ok {
			return channel.Name(string(v.lang))
		}
	case "nature":
		if slices.Contains(natures, value) {
			return T(v.lang, "nature."+value)
		}
	}
	return value
}

// natures are those that have a word in the translations.
var natures = []string{"close", "fee-cover", "refund", "unidentified"}

// postedLines are the lines of an entry that are in sight; all tells whether none is left out.
func postedLines(r *ledger.Recorded, s *sight) (lines []voucherLine, all bool) {
	all = true
	for _, p := range r.Postings {
		if s.fund(p.Leaf.Fund) == nil {
			all = false
			continue
		}
		lines = append(lines, voucherLine{p.Account, p.Leaf, p.Amount})
	}
	return lines, all
}

// recordedVoucher draws an entry that stands in the book.
func (v *visit) recordedVoucher(r *ledger.Recorded, s *sight) *voucher {
	lines, all := postedLines(r, s)
	doc := v.newVoucher(r.EffectiveOn, v.summary(r), lines, r.Reverses != uuid.Nil, s)
	if r.Number != 0 {
		doc.Number = fmt.Sprint(r.Number)
	}
	if d := r.Document; d != nil {
		doc.Attachments, doc.Maker, doc.Checker, doc.Reason = d.Attachments, d.MadeBy, d.CheckedBy, d.Reason
		doc.Source = strings.TrimSpace(v.source(d.SourceKind) + " " + d.SourceRef)
	}
	if !all {
		doc.Note = T(v.lang, "voucher.part")
	}
	return doc
}

// summary is what an entry is called in lists: its document's words, or what a gift is.
func (v *visit) summary(r *ledger.Recorded) string {
	if r.Document != nil {
		return r.Document.Summary
	}
	return r.Kind.Name(string(v.lang))
}

// source names the kind of a document's source; one we have no word for is shown as it is.
func (v *visit) source(kind string) string {
	key := "source." + kind
	if name := T(v.lang, key); !strings.HasPrefix(name, "⟦") {
		return name
	}
	return kind
}
