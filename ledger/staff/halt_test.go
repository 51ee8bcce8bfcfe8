package staff_test

import (
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// While a fund does not balance nobody approves what pays out; what puts the books right goes on.
func TestNothingIsPaidWhileAFundIsBroken(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant), role(staff.Approver))
	o.person("chen", role(staff.Accountant), role(staff.Approver))
	_, li := o.as("li")
	_, chen := o.as("chen")
	ask := func(kind staff.Kind) staff.Approval {
		return o.request(li, staff.Draft{Form: uuid.New(), Kind: kind, Summary: string(kind), Payload: map[string]string{"of": "halt"}})
	}
	if _, err := o.service.Exec(o.ctx, `insert into break_item (book_id, id, key, type, amount, ccy, day, ours, lines, files, note, first_seen, due_at, run_no, state)
		values ($1, $2, 'B14:E5:1', 'B14', 1, 'CNY', '2026-09-01', '{}', '{}', '{}', '', $3, $3, 0, 'open')`, book, uuid.New(), now); err != nil {
		t.Fatal(err)
	}
	for _, kind := range staff.Kinds() {
		if !kind.PaysOut() {
			continue
		}
		a := ask(kind)
		o.want(o.approve(chen, a.ID, a.Hash), ledger.ErrHalted)
	}
	v := ask(staff.Voucher)
	o.must(o.approve(chen, v.ID, v.Hash))
	refund := ask(staff.Refund)
	if _, err := o.service.Exec(o.ctx, `update break_item set state = 'self-cleared', ended_at = $2 where book_id = $1`, book, now); err != nil {
		t.Fatal(err)
	}
	o.must(o.approve(chen, refund.ID, refund.Hash))
}
