package projects

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// ErrBankFile means that a file for the bank does not have the structure of pain.001.001.09, or says less or more than its batch.
var ErrBankFile = errors.New("file for the bank is not in order")

// Order is one line of a file for the bank: where a payment goes. Of a household its name and account stand only here.
type Order struct {
	Payment                               Payment
	Holder, Bank, BankCode, AccountNumber string
}

// Orders reads a batch's payments with where each goes. Of households that are erased nothing can be read: their payments are left out
// with ErrPayee.
func Orders(ctx context.Context, q pg.Querier, book *ledger.Book, b *Batch) ([]Order, error) {
	list, err := Payments(ctx, q, book, PaymentFilter{All: true, Batch: &b.ID, Limit: limitMax})
	if err != nil {
		return nil, err
	}
	slices.Reverse(list) // in order of their numbers
	orders := make([]Order, len(list))
	for i, p := range list {
		payee, err := PayeeByID(ctx, q, book, p.PayeeID)
		if err != nil {
			return nil, err
		}
		orders[i] = Order{p, payee.Holder, payee.Bank, payee.BankCode, payee.Account}
		if payee.Kind == Household {
			h, err := HomeOf(ctx, q, book, payee)
			if err != nil {
				return nil, err
			}
			if h.Name == "" {
				return nil, fmt.Errorf("%w: erased", ErrPayee)
			}
			orders[i].Holder, orders[i].Bank, orders[i].AccountNumber = h.Name, h.Bank, h.Account
			continue
		}
		if p.AccountID == nil || *payee.AccountID != *p.AccountID {
			a, err := accountByID(ctx, q, book, p)
			if err != nil {
				return nil, err
			}
			orders[i].Holder, orders[i].Bank, orders[i].BankCode, orders[i].AccountNumber = a.Holder, a.Bank, a.BankCode, a.Number
		}
	}
	return orders, nil
}

const sqlAccountByID = `select holder, bank, bank_code, number from payee_account where book_id = $1 and id = $2`

// accountByID reads the account that a payment was asked for, when the payee has another one since.
func accountByID(ctx context.Context, q pg.Querier, book *ledger.Book, p Payment) (*Account, error) {
	return giving.Record[Account](ctx, q, sqlAccountByID, book.ID, p.AccountID)
}

// CSVHead names the columns of a batch as CSV.
var csvHead = []string{"batch", "date", "payment", "payee", "bank", "bank_code", "account", "currency", "amount", "purpose", "invoice"}

// BankCSV writes a batch as CSV in UTF-8: a head, one line for each payment, a line of totals. Text that a spreadsheet would take for a
// formula gets an apostrophe.
func BankCSV(w io.Writer, book *ledger.Book, b *Batch, orders []Order) error {
	rows := [][]string{csvHead}
	for _, o := range orders {
		rows = append(rows, []string{b.Name(), b.Day.Format(time.DateOnly), o.Payment.Name(), o.Holder, o.Bank, o.BankCode, o.AccountNumber, book.Currency,
			money.Format(o.Payment.Amount, book.Currency), o.Payment.Purpose, o.Payment.Invoice})
	}
	rows = append(rows, []string{b.Name(), b.Day.Format(time.DateOnly), strconv.Itoa(int(b.Payments)), "", "", "", "", book.Currency, money.Format(b.Total, book.Currency), "", ""})
	out := sheet.NewWriter(w)
	for _, row := range rows {
		_ = out.Row(row...) // kept by the writer
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write bank file: %w", err)
	}
	return nil
}

// Payer is the association as its bank knows it.
type Payer struct{ Name, Bank string }

type (
	pain struct {
		XMLName xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
		Head    painHead `xml:"CstmrCdtTrfInitn>GrpHdr"`
		Info    painInfo `xml:"CstmrCdtTrfInitn>PmtInf"`
	}
	painHead struct {
		ID      string `xml:"MsgId"`
		Created string `xml:"CreDtTm"`
		Count   string `xml:"NbOfTxs"`
		Sum     string `xml:"CtrlSum"`
		Name    string `xml:"InitgPty>Nm"`
	}
	painInfo struct {
		ID      string      `xml:"PmtInfId"`
		Method  string      `xml:"PmtMtd"`
		Count   string      `xml:"NbOfTxs"`
		Sum     string      `xml:"CtrlSum"`
		Day     string      `xml:"ReqdExctnDt>Dt"`
		Debtor  string      `xml:"Dbtr>Nm"`
		Account string      `xml:"DbtrAcct>Id>Othr>Id"`
		Agent   string      `xml:"DbtrAgt>FinInstnId>Nm"`
		Orders  []painOrder `xml:"CdtTrfTxInf"`
	}
	painOrder struct {
		ID       string     `xml:"PmtId>EndToEndId"`
		Amount   painAmount `xml:"Amt>InstdAmt"`
		Agent    *painAgent `xml:"CdtrAgt>FinInstnId,omitempty"`
		Creditor string     `xml:"Cdtr>Nm"`
		Account  string     `xml:"CdtrAcct>Id>Othr>Id"`
		Text     string     `xml:"RmtInf>Ustrd"`
	}
	painAmount struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	}
	painAgent struct {
		Clearing *painClearing `xml:"ClrSysMmbId,omitempty"`
		Name     string        `xml:"Nm,omitempty"`
	}
	painClearing struct {
		System string `xml:"ClrSysId>Cd"` // CNAPS
		Member string `xml:"MmbId"`
	}
)

// BankXML writes a batch as an ISO 20022 customer credit transfer initiation (pain.001.001.09) and reads it back: what does not have the
// structure is not handed out. ErrBankFile.
func BankXML(book *ledger.Book, b *Batch, payer Payer, orders []Order) ([]byte, error) {
	sum, count := money.Format(b.Total, book.Currency), strconv.Itoa(len(orders))
	doc := pain{Head: painHead{b.Name(), b.MadeAt.UTC().Format("2006-01-02T15:04:05Z"), count, sum, cut(payer.Name, 140)},
		Info: painInfo{ID: b.Name(), Method: "TRF", Count: count, Sum: sum, Day: b.Day.Format(time.DateOnly), Debtor: cut(payer.Name, 140), Account: b.Account, Agent: cut(payer.Bank, 140)}}
	for _, o := range orders {
		one := painOrder{ID: o.Payment.Name(), Amount: painAmount{book.Currency, money.Format(o.Payment.Amount, book.Currency)}, Creditor: cut(o.Holder, 140), Account: o.AccountNumber,
			Text: cut(o.Payment.Name()+" "+o.Payment.Purpose, 140)}
		if o.Bank != "" || o.BankCode != "" {
			one.Agent = &painAgent{Name: cut(o.Bank, 140)}
			if o.BankCode != "" {
				one.Agent.Clearing = &painClearing{"CNAPS", o.BankCode}
			}
		}
		doc.Info.Orders = append(doc.Info.Orders, one)
	}
	body, err := xml.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write bank file: %w", err)
	}
	body = append([]byte(xml.Header), append(body, '\n')...)
	return body, CheckBankXML(body, b, book)
}

// cut shortens a text to what the format allows.
func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// painOrderOf is the order of the children that this program writes, as the schema has it, with the most characters of a leaf; a star may repeat, a
// question mark may be missing.
var painOrderOf = map[string]string{
	"Document": "CstmrCdtTrfInitn", "CstmrCdtTrfInitn": "GrpHdr PmtInf*", "GrpHdr": "MsgId CreDtTm NbOfTxs CtrlSum? InitgPty", "InitgPty": "Nm?",
	"PmtInf":      "PmtInfId PmtMtd NbOfTxs? CtrlSum? ReqdExctnDt Dbtr DbtrAcct DbtrAgt CdtTrfTxInf*",
	"ReqdExctnDt": "Dt", "Dbtr": "Nm?", "DbtrAcct": "Id", "DbtrAgt": "FinInstnId", "CdtTrfTxInf": "PmtId Amt CdtrAgt? Cdtr? CdtrAcct? RmtInf?", "PmtId": "EndToEndId", "Amt": "InstdAmt",
	"CdtrAgt": "FinInstnId", "FinInstnId": "ClrSysMmbId? Nm?", "ClrSysMmbId": "ClrSysId? MmbId", "ClrSysId": "Cd", "Cdtr": "Nm?", "CdtrAcct": "Id", "Othr": "Id", "RmtInf": "Ustrd*",
}

var painLeafMax = map[string]int{"MsgId": 35, "PmtInfId": 35, "EndToEndId": 35, "Nm": 140, "Ustrd": 140, "MmbId": 35, "Cd": 5, "NbOfTxs": 15, "CtrlSum": 19, "InstdAmt": 19, "Id": 34, "Dt": 10,
	"CreDtTm": 35, "PmtMtd": 3}

// CheckBankXML holds a file to the structure of pain.001.001.09: order and number of elements, lengths, one currency, ids that differ, and
// control sums that equal the batch. ErrBankFile.
func CheckBankXML(body []byte, b *Batch, book *ledger.Book) error {
	if err := painStructure(body); err != nil {
		return err
	}
	var doc pain
	if err := xml.Unmarshal(body, &doc); err != nil {
		return fmt.Errorf("%w: %w", ErrBankFile, err)
	}
	var total int64
	seen := map[string]bool{}
	for _, o := range doc.Info.Orders {
		minor, err := money.Parse(o.Amount.Value, book.Currency)
		if err != nil || minor <= 0 || o.Amount.Currency != book.Currency || seen[o.ID] || o.Creditor == "" || o.Account == "" {
			return fmt.Errorf("%w: order %q", ErrBankFile, o.ID)
		}
		seen[o.ID] = true
		total += minor
	}
	sum, count := money.Format(total, book.Currency), strconv.Itoa(len(doc.Info.Orders))
	if total != b.Total || int(b.Payments) != len(doc.Info.Orders) || doc.Head.Sum != sum || doc.Info.Sum != sum || doc.Head.Count != count || doc.Info.Count != count {
		return fmt.Errorf("%w: %s orders of %s", ErrBankFile, count, sum)
	}
	return nil
}

// painStructure walks the elements and compares each one's children with the schema's order.
func painStructure(body []byte) error {
	type element struct {
		name     string
		children []string
		text     strings.Builder
	}
	var open []*element
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBankFile, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Space != "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09" {
				return fmt.Errorf("%w: %s is of no or another format", ErrBankFile, token.Name.Local)
			}
			if n := len(open); n > 0 {
				open[n-1].children = append(open[n-1].children, token.Name.Local)
			}
			open = append(open, &element{name: token.Name.Local})
		case xml.CharData:
			if n := len(open); n > 0 {
				open[n-1].text.Write(token)
			}
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if err := childrenFit(e.name, e.children, e.text.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func childrenFit(name string, children []string, text string) error {
	if len(children) == 0 {
		text = strings.TrimSpace(text)
		if most, leaf := painLeafMax[name]; !leaf || text == "" || len([]rune(text)) > most {
			return fmt.Errorf("%w: %s is %q", ErrBankFile, name, text)
		}
		return nil
	}
	wanted, known := painOrderOf[name]
	if name == "Id" { // of an account: a choice
		wanted, known = "Othr", true
	}
	if !known {
		return fmt.Errorf("%w: %s has children", ErrBankFile, name)
	}
	at := 0
	for _, want := range strings.Fields(wanted) {
		kind := want[len(want)-1]
		child := strings.TrimRight(want, "?*")
		n := 0
		for at < len(children) && children[at] == child && (n == 0 || kind == '*') {
			at, n = at+1, n+1
		}
		if n == 0 && kind != '?' {
			return fmt.Errorf("%w: %s lacks %s", ErrBankFile, name, child)
		}
	}
	if at != len(children) {
		return fmt.Errorf("%w: %s has %s where it may not stand", ErrBankFile, name, children[at])
	}
	return nil
}
