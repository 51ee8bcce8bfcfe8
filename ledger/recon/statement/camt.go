package statement

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/money"
)

// camtSpace is the namespace of a camt.053 message; the last two digits are its version.
var camtSpace = regexp.MustCompile(`^urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d{2})$`)

// Versions of camt.053.001 that are read.
const (
	camtFirst = 2
	camtLast  = 10
)

// camt reads an ISO 20022 bank-to-customer statement. Only booked entries move the balance.
func (r *reader) camt() error {
	d, err := r.document()
	if err != nil {
		return err
	}
	path := []string{}
	for {
		token, err := d.token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			switch {
			case t.Name.Local == "Document" && r.sum.Version == "":
				if err := d.version(t); err != nil {
					return err
				}
			case t.Name.Local == "Stmt" && r.sum.Version != "":
				if err := d.statement(); err != nil {
					return err
				}
				path = path[:len(path)-1]
			}
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != t.Name.Local {
				return refuse(ReasonShape, d.line(), "", "</"+t.Name.Local+">")
			}
			path = path[:len(path)-1]
		}
	}
	switch {
	case len(path) > 0:
		return refuse(ReasonShape, d.line(), "</"+path[len(path)-1]+">", "")
	case r.sum.Version == "":
		return refuse(ReasonFormat, 0, "", "")
	}
	return nil
}

// version takes the message's version from its namespace.
func (d *document) version(e xml.StartElement) error {
	space := ""
	for _, a := range e.Attr {
		if a.Name.Local == "xmlns" && a.Name.Space == "" || a.Name.Space == "xmlns" && a.Name.Local == e.Name.Space {
			space = a.Value
		}
	}
	found := camtSpace.FindStringSubmatch(space)
	if found == nil {
		return refuse(ReasonVersion, d.line(), "camt.053", strings.TrimPrefix(space, "urn:iso:std:iso:20022:tech:xsd:"))
	}
	if v, _ := strconv.Atoi(found[1]); v < camtFirst || v > camtLast {
		return refuse(ReasonVersion, d.line(), "camt.053.001.02 – .10", "camt.053.001."+found[1])
	}
	d.sum.Version = "camt.053.001." + found[1]
	return nil
}

// camtStatement collects what stands before the entries.
type camtStatement struct {
	Statement
	seen     bool // opened
	row      int
	balances []camtBalance
	summary  *node
	all      camtCount // with entries that are not booked yet
}

type camtBalance struct {
	kind  string
	minor int64
	ccy   string
}

type camtCount struct {
	in, out       int
	inSum, outSum int64
}

// statement reads a Stmt element, entry by entry.
func (d *document) statement() error {
	s := &camtStatement{row: d.line()}
	for {
		begin := int(d.dec.InputOffset())
		token, err := d.token()
		if errors.Is(err, io.EOF) {
			return refuse(ReasonShape, d.line(), "</Stmt>", "")
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			if t.Name.Local != "Stmt" {
				return refuse(ReasonShape, d.line(), "</Stmt>", "</"+t.Name.Local+">")
			}
			return d.finish(s)
		case xml.StartElement:
			n, err := d.tree(t)
			if err != nil {
				return err
			}
			if n.name == "Ntry" {
				err = d.entry(s, n, begin)
			} else {
				err = d.head(s, n)
			}
			if err != nil {
				return err
			}
		}
	}
}

// head takes an element that is no entry.
func (d *document) head(s *camtStatement, n *node) error {
	switch n.name {
	case "Id":
		if s.Number == "" {
			s.Number = n.text
		}
	case "ElctrncSeqNb":
		s.Number = n.text
	case "FrToDt":
		s.From, _, _ = day(n.first([]string{"FrDtTm"}, []string{"FrDt"}))
		s.To, _, _ = day(n.first([]string{"ToDtTm"}, []string{"ToDt"}))
	case "Acct":
		s.Account = n.first([]string{"Id", "IBAN"}, []string{"Id", "Othr", "Id"}, []string{"Id", "BBAN"}, []string{"Id", "PrtryAcct", "Id"})
		s.Currency = n.of("Ccy")
	case "Bal":
		kind := n.first([]string{"Tp", "CdOrPrtry", "Cd"}, []string{"Tp", "CdOrPrtry", "Prtry"})
		minor, err := d.signed(n, d.line())
		if kind != "OPBD" && kind != "PRCD" && kind != "CLBD" && kind != "ITBD" {
			return nil // available and forward balances may be in other currencies, and prove nothing
		}
		if err != nil {
			return err
		}
		s.balances = append(s.balances, camtBalance{kind, minor, n.at("Amt").ccy})
	case "TxsSummry":
		s.summary = n
	}
	return nil
}

// signed reads the amount of a balance or an entry with its direction.
func (d *document) signed(n *node, row int) (int64, error) {
	a := n.at("Amt")
	if a == nil {
		return 0, refuse(ReasonAmount, row, "Amt", "")
	}
	minor, err := amount(a.text, a.ccy)
	if errors.Is(err, money.ErrCurrency) {
		return 0, refuse(ReasonCurrency, row, "", a.ccy)
	}
	if err != nil || minor < 0 || strings.Contains(a.text, ",") {
		return 0, refuse(ReasonAmount, row, "", a.text)
	}
	switch n.of("CdtDbtInd") {
	case "CRDT":
		return minor, nil
	case "DBIT":
		return -minor, nil
	}
	return 0, refuse(ReasonDirection, row, "CRDT, DBIT", n.of("CdtDbtInd"))
}

// begin opens the statement with its first entry or its end, when account and balances are known; entries before them are not
// in the schema.
func (d *document) begin(s *camtStatement) error {
	if s.seen {
		return nil
	}
	s.seen = true
	if s.Currency == "" && len(s.balances) > 0 {
		s.Currency = s.balances[0].ccy
	}
	from, to := s.From, s.To
	s.Statement.From, s.Statement.To = time.Time{}, time.Time{}
	opened, err := d.open(s.Statement, s.row)
	if err == nil {
		opened.From, opened.To = from, to
	}
	return err
}

// finish proves a statement once its last entry is read.
func (d *document) finish(s *camtStatement) error {
	if err := d.begin(s); err != nil {
		return err
	}
	st := d.last()
	for _, b := range s.balances {
		if b.ccy != st.Currency {
			return refuse(ReasonCurrency, s.row, st.Currency, b.ccy)
		}
		// Pages of a long statement open and close with interim balances.
		switch told := (Balance{b.minor, true}); {
		case b.kind == "OPBD", b.kind == "PRCD" && !st.Opening.Known:
			st.Opening = told
		case b.kind == "CLBD":
			st.Closing = told
		}
	}
	for i, b := range s.balances {
		told := Balance{b.minor, true}
		if b.kind == "ITBD" && !st.Opening.Known {
			st.Opening = told
		} else if b.kind == "ITBD" && !st.Closing.Known && i == len(s.balances)-1 {
			st.Closing = told
		}
	}
	if !st.Opening.Known || !st.Closing.Known {
		return refuse(ReasonNoBalance, s.row, "OPBD, CLBD", "")
	}
	if s.summary != nil {
		booked := camtCount{st.CountIn, st.CountOut, st.In, st.Out}
		if err := d.summary(s.summary, booked, st.Currency, s.row); err != nil && d.summary(s.summary, s.all, st.Currency, s.row) != nil {
			return err
		}
		st.Proved = append(st.Proved, ProofTotals)
	}
	d.follow(s.row)
	return nil
}

// summary holds entries to the control totals, as far as a message has them.
func (d *document) summary(n *node, c camtCount, ccy string, row int) error {
	for _, side := range []struct {
		name  string
		count int
		minor int64
	}{{"TtlNtries", c.in + c.out, c.inSum + c.outSum}, {"TtlCdtNtries", c.in, c.inSum}, {"TtlDbtNtries", c.out, c.outSum}} {
		t := n.at(side.name)
		if text := t.of("NbOfNtries"); text != "" {
			if err := count(text, side.count, row); err != nil {
				return err
			}
		}
		text := t.of("Sum")
		net := c.inSum - c.outSum
		if side.name == "TtlNtries" {
			// Banks write the sum of both sides there, as the standard says, or what is left when one is taken from the other.
			if text != "" && total(text, side.minor, ccy, row) != nil && total(text, max(net, -net), ccy, row) != nil {
				return refuse(ReasonTotals, row, text, money.Format(side.minor, ccy))
			}
			if told := t.first([]string{"TtlNetNtryAmt"}, []string{"TtlNetNtry", "Amt"}); told != "" {
				if way := t.first([]string{"CdtDbtInd"}, []string{"TtlNetNtry", "CdtDbtInd"}); way == "DBIT" {
					net = -net
				}
				if err := total(told, net, ccy, row); err != nil {
					return err
				}
			}
			continue
		}
		if text != "" {
			if err := total(text, side.minor, ccy, row); err != nil {
				return err
			}
		}
	}
	return nil
}
