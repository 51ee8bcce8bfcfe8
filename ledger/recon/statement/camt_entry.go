package statement

import (
	"errors"
	"strings"
	"time"

	"sunfund/ledger/money"
)

// entry takes an Ntry. An entry that is not booked yet counts only for totals that count it.
func (d *document) entry(s *camtStatement, n *node, begin int) error {
	if err := d.begin(s); err != nil {
		return err
	}
	at, row := d.place.find(begin)
	end := int(d.dec.InputOffset())
	st := d.last()
	l := &Line{Row: row, At: at, Reversal: n.of("RvslInd") == "true" || n.of("RvslInd") == "1"}
	last, _ := d.place.find(end)
	l.Size = last - at
	for l.Size > 0 && l.At+l.Size <= len(d.body) && d.body[l.At+l.Size-1] != '>' { // up to the end of the tag
		l.Size--
	}
	var err error
	if l.Amount, err = d.signed(n, row); err != nil {
		return err
	}
	if ccy := n.at("Amt").ccy; ccy != st.Currency {
		return refuse(ReasonCurrency, row, st.Currency, ccy)
	}
	if l.Amount >= 0 {
		s.all.in++
		s.all.inSum, err = money.Add(s.all.inSum, l.Amount)
	} else {
		s.all.out++
		s.all.outSum, err = money.Sub(s.all.outSum, l.Amount)
	}
	if err != nil {
		return refuse(ReasonAmount, row, "", n.of("Amt"))
	}
	if status := n.first([]string{"Sts", "Cd"}, []string{"Sts", "Prtry"}, []string{"Sts"}); status != "BOOK" && status != "" {
		st.Skipped++
		return nil
	}
	if l.Booked, l.Clock, err = camtDay(n.at("BookgDt"), row); err != nil {
		return err
	}
	if l.Value, _, err = camtDay(n.at("ValDt"), row); err != nil {
		return err
	}
	if l.Booked.IsZero() {
		if l.Booked = l.Value; l.Booked.IsZero() {
			return refuse(ReasonDate, row, "BookgDt", "")
		}
	}
	l.ID = n.of("AcctSvcrRef")
	l.Code = camtCode(n.at("BkTxCd"))
	l.Text = n.of("AddtlNtryInf")
	if err := d.parts(l, n); err != nil {
		return err
	}
	return d.emit(l)
}

// camtDay reads a Dt or DtTm; nothing where there is none.
func camtDay(n *node, row int) (d, clock time.Time, err error) {
	text := n.first([]string{"Dt"}, []string{"DtTm"})
	if text == "" {
		return d, clock, nil
	}
	d, _, ok := day(text)
	if !ok {
		return d, clock, refuse(ReasonDate, row, "", text)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		clock = at
	}
	return d, clock, nil
}

// camtCode writes a transaction code as "PMNT/RCDT/DMCT", or the bank's own.
func camtCode(n *node) string {
	if domain := n.of("Domn", "Cd"); domain != "" {
		return clean(strings.Join([]string{domain, n.of("Domn", "Fmly", "Cd"), n.of("Domn", "Fmly", "SubFmlyCd")}, "/"))
	}
	return clean(n.of("Prtry", "Cd"))
}

// parts takes the transactions of an entry: one tells more of the line, several are a batch and have to add up to it.
func (d *document) parts(l *Line, n *node) error {
	var list []*node
	for _, details := range n.all("NtryDtls") {
		list = append(list, details.all("TxDtls")...)
	}
	if len(list) > partsMax {
		return refuse(ReasonShape, l.Row, "", "TxDtls")
	}
	st := d.last()
	whole, total := len(list) > 0 && n.at("Chrgs") == nil, int64(0)
	for _, t := range list {
		p, err := d.part(l, t)
		if err != nil {
			return err
		}
		whole = whole && p.Currency == st.Currency && t.at("Chrgs") == nil
		if whole {
			if total, err = money.Add(total, p.Amount); err != nil {
				return refuse(ReasonAmount, l.Row, "", "")
			}
		}
		l.Parts = append(l.Parts, p)
	}
	if len(list) == 1 {
		p := l.Parts[0]
		l.EndToEnd, l.Party, l.PartyAccount, l.Parts = p.EndToEnd, p.Party, p.PartyAccount, nil
		if p.Text != "" {
			l.Text = p.Text
		}
		if l.ID == "" {
			l.ID = p.ID
		}
		return nil
	}
	if l.EndToEnd == "" {
		l.EndToEnd = n.at("NtryDtls").of("Btch", "PmtInfId")
	}
	if whole && total != l.Amount {
		return refuse(ReasonBatch, l.Row, money.Format(l.Amount, st.Currency), money.Format(total, st.Currency))
	}
	return nil
}

// part reads a TxDtls.
func (d *document) part(l *Line, t *node) (p Part, err error) {
	a := t.at("Amt")
	if a == nil {
		a = t.at("AmtDtls", "TxAmt", "Amt")
	}
	if a != nil {
		p.Currency = a.ccy
		if p.Amount, err = amount(a.text, a.ccy); errors.Is(err, money.ErrCurrency) {
			return p, refuse(ReasonCurrency, l.Row, "", a.ccy)
		}
		if err != nil || p.Amount < 0 || strings.Contains(a.text, ",") {
			return p, refuse(ReasonAmount, l.Row, "", a.text)
		}
		if way := t.of("CdtDbtInd"); way == "DBIT" || way == "" && l.Amount < 0 {
			p.Amount = -p.Amount
		}
	}
	refs := t.at("Refs")
	if p.EndToEnd = clean(refs.of("EndToEndId")); p.EndToEnd == "NOTPROVIDED" {
		p.EndToEnd = ""
	}
	p.ID = clean(refs.first([]string{"AcctSvcrRef"}, []string{"TxId"}, []string{"InstrId"}, []string{"Prtry", "Ref"}))
	role := "Dbtr"
	if (l.Amount < 0) != l.Reversal {
		role = "Cdtr"
	}
	parties := t.at("RltdPties")
	p.Party = clean(parties.first([]string{role, "Nm"}, []string{role, "Pty", "Nm"}))
	p.PartyAccount = clean(parties.first([]string{role + "Acct", "Id", "IBAN"}, []string{role + "Acct", "Id", "Othr", "Id"}))
	var texts []string
	for _, u := range t.at("RmtInf").all("Ustrd") {
		texts = append(texts, u.text)
	}
	for _, s := range t.at("RmtInf").all("Strd") {
		texts = append(texts, s.of("CdtrRefInf", "Ref"))
	}
	if p.Text = clean(strings.Join(texts, " ")); p.Text == "" {
		p.Text = clean(t.of("AddtlTxInf"))
	}
	return p, nil
}
