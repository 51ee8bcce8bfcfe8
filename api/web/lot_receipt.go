package web

import (
	"crypto/rand"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/staff"
)

// receiptsDue tells who of a lot is to get a donation receipt, for how much at most, and which were issued.
func (v *visit) receiptsDue(l *giving.Lot) (grid, error) {
	g := grid{Title: T(v.lang, "lot.receipts"), Empty: T(v.lang, "lot.receipts.none"), Heads: v.heads("lot.receipts.role", "offline.giver", "lot.day", "lot.receipts.number", "#lot.receipts.most")}
	dues, issued, err := v.lotReceipts(l)
	if err != nil {
		return g, err
	}
	for _, d := range dues {
		var donor *uuid.UUID
		if d.Giver.Donor != uuid.Nil {
			donor = &d.Giver.Donor
		}
		who, err := v.giver(d.Giver.Firm, donor)
		if err != nil {
			return g, err
		}
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "lot.receipts."+d.Role)}, textCell(who), dayCell(d.Day), v.slipCell(issued[d.Role]), v.sumCell(d.Amount)})
		delete(issued, d.Role)
	}
	for _, role := range []string{"artist", "buyer"} { // what was due once, and is void or about to be
		if list := issued[role]; len(list) > 0 {
			last := list[len(list)-1]
			g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "lot.receipts."+role)}, {}, dayCell(last.GivenOn), v.slipCell(list), v.sumCell(0)})
		}
	}
	return g, nil
}

// slipCell shows the latest of a role's receipts.
func (v *visit) slipCell(list []receipts.Receipt) cell {
	if len(list) == 0 {
		return cell{Text: T(v.lang, "lot.receipts.open")}
	}
	last := list[len(list)-1]
	c := cell{Text: last.Printed()}
	if v.who.May(staff.GiftRead) {
		c.Href = "/console/receipts/" + last.ID.String()
	}
	if last.Void != nil {
		c.Text, c.Tag = T(v.lang, "lot.receipts.void", last.Printed()), "reversed"
	}
	return c
}

func (v *visit) lotReceipts(l *giving.Lot) ([]giving.ReceiptDue, map[string][]receipts.Receipt, error) {
	dues, err := giving.ReceiptsDueOf(v.ctx(), v.s.DB, v.book, l)
	if err != nil {
		return nil, nil, err
	}
	issued, err := receipts.OfLot(v.ctx(), v.s.DB, v.book, l.ID)
	return dues, issued, err
}

// lotReceiptActs is the step that issues a receipt, while one is due that nobody has.
func (v *visit) lotReceiptActs(l *giving.Lot) ([]act, error) {
	dues, issued, err := v.lotReceipts(l)
	if err != nil {
		return nil, err
	}
	var to []Option
	for _, d := range dues {
		if list := issued[d.Role]; len(list) == 0 || list[len(list)-1].Void != nil {
			to = append(to, Option{Value: d.Role, Label: T(v.lang, "lot.receipts."+d.Role)})
		}
	}
	if len(to) == 0 {
		return nil, nil
	}
	return []act{{name: "lot-receipt", needs: staff.GiftWrite, blanks: []blank{{name: "to", label: "lot.receipts.role", kind: "select", options: to},
		{name: "uscc", label: "slip.uscc", hint: "slip.uscc.hint", optional: true, max: 18}},
		plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
			return receipts.IssueForLot(v.ctx(), q, v.book, rand.Reader, l, in["to"], in["uscc"], v.who.Person.ID, v.now)
		})}}, nil
}
