package staff_test

import (
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/ledger/staff"
)

func draft(amount string) staff.Draft {
	return staff.Draft{Form: uuid.New(), Kind: staff.Voucher, Summary: "付首期款 " + amount,
		Payload: map[string]any{"lines": []any{map[string]any{"amount": amount, "note": "<A&B>  "}}, "attachments": 2}}
}

func (o office) request(who staff.Identity, d staff.Draft) staff.Approval {
	o.Helper()
	var a staff.Approval
	o.must(o.tx(func(tx pgx.Tx) (err error) {
		a, err = staff.Request(o.ctx, tx, who, d, now)
		return err
	}))
	return a
}

func (o office) approve(who staff.Identity, id uuid.UUID, seen []byte) error {
	return o.tx(func(tx pgx.Tx) error {
		_, err := staff.Approve(o.ctx, tx, who, id, seen, posts(nil), now)
		return err
	})
}

// posts is an effect that posts the entry.
func posts(entry *uuid.UUID) staff.Effect {
	return func(staff.Approval) (*uuid.UUID, error) { return entry, nil }
}

func TestApprove(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("chen", role(staff.Approver))
	_, li := o.as("li")
	_, chen := o.as("chen")
	a := o.request(li, draft("28500.00"))

	read, err := staff.ApprovalByID(o.ctx, o.service, chen, a.ID)
	o.must(err)
	if read.State != staff.Open || string(read.Hash) != string(a.Hash) || read.MadeBy != li.Person.ID {
		t.Fatalf("%+v", read)
	}
	if n, err := staff.Waiting(o.ctx, o.service, chen); err != nil || n != 1 {
		t.Fatalf("%d waiting, %v", n, err)
	}
	entry := uuid.New()
	o.must(o.tx(func(tx pgx.Tx) error {
		decided, err := staff.Approve(o.ctx, tx, chen, a.ID, read.Hash, posts(&entry), now)
		if err != nil {
			return err
		}
		var payload struct {
			Lines []struct{ Amount, Note string }
		}
		if err := json.Unmarshal(decided.Payload, &payload); err != nil {
			return err
		}
		if payload.Lines[0].Amount != "28500.00" || payload.Lines[0].Note != "<A&B>  " {
			t.Errorf("approved %s", decided.Payload)
		}
		return nil
	}))
	done, err := staff.ApprovalByID(o.ctx, o.service, li, a.ID)
	o.must(err)
	if done.State != staff.Approved || *done.DecidedBy != chen.Person.ID || *done.Entry != entry {
		t.Fatalf("%+v", done)
	}
	o.want(o.approve(chen, a.ID, read.Hash), staff.ErrDecided)
	if o.events("approval.request") != 1 || o.events("approval.approved") != 1 {
		t.Fatal("not in the audit trail once each")
	}
}

func TestA6ApproveRefusals(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("both", role(staff.Accountant), role(staff.Approver))
	o.person("chen", role(staff.Approver))
	o.person("aud", role(staff.Auditor))
	o.person("admin", role(staff.Admin))
	o.person("street", officer(1))
	_, li := o.as("li")
	_, both := o.as("both")
	_, chen := o.as("chen")
	_, aud := o.as("aud")
	_, admin := o.as("admin")
	_, street := o.as("street")

	a := o.request(both, draft("1.00"))
	o.want(o.approve(both, a.ID, a.Hash), staff.ErrOwn) // holds the role, and is still the maker
	b := o.request(li, draft("1.00"))
	o.want(o.approve(li, b.ID, b.Hash), staff.ErrOwn)
	o.want(o.approve(aud, a.ID, a.Hash), staff.ErrDenied)        // sees it, may not
	o.want(o.approve(li, a.ID, a.Hash), staff.ErrNoApproval)     // does not see it
	o.want(o.approve(admin, a.ID, a.Hash), staff.ErrNoApproval)  // neither does who manages people
	o.want(o.approve(street, a.ID, a.Hash), staff.ErrNoApproval) // nor a street
	o.want(o.approve(chen, uuid.New(), a.Hash), staff.ErrNoApproval)
	elsewhere := chen
	elsewhere.Book = 2
	o.want(o.approve(elsewhere, a.ID, a.Hash), staff.ErrNoApproval)
	o.want(o.approve(chen, a.ID, nil), staff.ErrChanged)
	o.want(o.approve(chen, a.ID, b.Hash[:31]), staff.ErrChanged)

	refuse := func(who staff.Identity, reason string) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Reject(o.ctx, tx, who, a.ID, a.Hash, reason, now)
			return err
		})
	}
	o.want(refuse(chen, " "), staff.ErrRequestInvalid)
	o.want(refuse(chen, strings.Repeat("长", 1001)), staff.ErrRequestInvalid)
	o.want(refuse(both, "mine"), staff.ErrOwn)
	o.must(refuse(chen, "发票缺失"))
	o.want(o.approve(chen, a.ID, a.Hash), staff.ErrDecided)

	withdraw := func(who staff.Identity) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Withdraw(o.ctx, tx, who, b.ID, now)
			return err
		})
	}
	o.want(withdraw(chen), staff.ErrDenied) // not the maker
	o.want(withdraw(street), staff.ErrNoApproval)
	o.must(withdraw(li))
	o.want(withdraw(li), staff.ErrDecided)
	o.want(o.approve(chen, b.ID, b.Hash), staff.ErrDecided)

	for name, who := range map[string]staff.Identity{"approver": chen, "auditor": aud, "admin": admin, "officer": street, "nobody": {}} {
		err := o.tx(func(tx pgx.Tx) error {
			_, err := staff.Request(o.ctx, tx, who, draft("1.00"), now)
			return err
		})
		if err != staff.ErrDenied {
			t.Errorf("%s asks: %v", name, err)
		}
	}
}

// What the approver did not read is not approved: not after the maker's edit, nor after one behind
// this code's back.
func TestApproveChanged(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("chen", role(staff.Approver))
	_, li := o.as("li")
	_, chen := o.as("chen")
	a := o.request(li, draft("28500.00"))
	change := func(who staff.Identity, d staff.Draft) (b staff.Approval, err error) {
		err = o.tx(func(tx pgx.Tx) (err error) {
			b, err = staff.Change(o.ctx, tx, who, a.ID, d, now)
			return err
		})
		return b, err
	}
	_, err := change(chen, draft("1.00"))
	o.want(err, staff.ErrDenied)
	b, err := change(li, draft("28000.00"))
	o.must(err)
	o.want(o.approve(chen, a.ID, a.Hash), staff.ErrChanged)

	// The summary is read too.
	o.exec(o.service, `update approval set summary = 'another' where id = $1`, a.ID)
	o.want(o.approve(chen, a.ID, b.Hash), staff.ErrChanged)
	o.exec(o.service, `update approval set summary = $2, payload = jsonb_set(payload, '{lines,0,amount}', '"1.00"') where id = $1`, a.ID, b.Summary)
	o.want(o.approve(chen, a.ID, b.Hash), staff.ErrChanged)
	o.exec(o.service, `update approval set payload = $2 where id = $1`, a.ID, b.Payload)
	o.must(o.approve(chen, a.ID, b.Hash))
	_, err = change(li, draft("1.00"))
	o.want(err, staff.ErrDecided)
}

func TestRequestTwice(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("wu", role(staff.Accountant))
	_, li := o.as("li")
	_, wu := o.as("wu")
	d := draft("5.00")
	first, again := o.request(li, d), o.request(li, d)
	if first.ID != again.ID {
		t.Fatal("two requests from one form")
	}
	other := draft("6.00")
	other.Form = d.Form
	for who, d := range map[*staff.Identity]staff.Draft{&li: other, &wu: d} {
		o.want(o.tx(func(tx pgx.Tx) error {
			_, err := staff.Request(o.ctx, tx, *who, d, now)
			return err
		}), staff.ErrOtherBody)
	}
}

func TestRequestInvalid(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	_, li := o.as("li")
	for name, d := range map[string]staff.Draft{
		"kind":       {Kind: "payout", Summary: "x"},
		"no summary": {Kind: staff.Voucher},
		"long":       {Kind: staff.Voucher, Summary: strings.Repeat("长", 401)},
		"zero byte":  {Kind: staff.Voucher, Summary: "x", Payload: map[string]string{"a": "\x00"}},
		"zero key":   {Kind: staff.Voucher, Summary: "x", Payload: map[string]string{"\x00": "a"}},
		"float":      {Kind: staff.Voucher, Summary: "x", Payload: []float64{0.1}},
		"exponent":   {Kind: staff.Voucher, Summary: "x", Payload: []any{[]any{json.Number("1e2")}}},
		"function":   {Kind: staff.Voucher, Summary: "x", Payload: func() {}},
	} {
		d.Form = uuid.New()
		err := o.tx(func(tx pgx.Tx) error {
			_, err := staff.Request(o.ctx, tx, li, d, now)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), staff.ErrRequestInvalid.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two approvers at the same moment: one decision.
func TestApproveAtOnce(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("chen", role(staff.Approver))
	o.person("zhao", role(staff.Approver))
	_, li := o.as("li")
	_, chen := o.as("chen")
	_, zhao := o.as("zhao")
	a := o.request(li, draft("5.00"))
	var approved, decided atomic.Int32
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			switch err := o.approve([]staff.Identity{chen, zhao}[n%2], a.ID, a.Hash); err {
			case nil:
				approved.Add(1)
			case staff.ErrDecided:
				decided.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if approved.Load() != 1 || decided.Load() != 3 {
		t.Fatalf("%d approved, %d too late", approved.Load(), decided.Load())
	}
}

// What this code refuses, the database refuses too.
func TestApprovalInTheDatabase(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("chen", role(staff.Approver))
	_, li := o.as("li")
	_, chen := o.as("chen")
	a := o.request(li, draft("5.00"))
	decide := `update approval set state = $2, decided_by = $3, decided_at = now() where id = $1`
	for _, c := range []struct {
		state, constraint string
		by                uuid.UUID
	}{
		{"approved", "approval_second_person", li.Person.ID},
		{"rejected", "approval_second_person", li.Person.ID},
		{"withdrawn", "approval_withdrawn", chen.Person.ID},
		{"open", "approval_decided", chen.Person.ID},
	} {
		for _, pool := range []*pgxpool.Pool{o.service, o.owner} {
			_, err := pool.Exec(o.ctx, decide, a.ID, c.state, c.by)
			if _, constraint := refusedBy(err); constraint != c.constraint {
				t.Errorf("%s: %v", c.state, err)
			}
		}
	}
	_, err := o.owner.Exec(o.ctx, `update approval set state = 'approved', decided_at = now() where id = $1`, a.ID)
	if _, constraint := refusedBy(err); constraint != "approval_decided" {
		t.Errorf("approved by nobody: %v", err)
	}
	o.must(o.approve(chen, a.ID, a.Hash))
	for _, sql := range []string{
		`update approval set state = 'open', decided_by = null, decided_at = null where id = $1`,
		`update approval set payload = '{}' where id = $1`,
		`update approval set decided_by = made_by where id = $1`,
		`update approval set state = 'failed', payload = '{}' where id = $1`,
		`delete from approval where id = $1`,
	} {
		if _, err := o.owner.Exec(o.ctx, sql, a.ID); err == nil {
			t.Errorf("done by the owner: %s", sql)
		}
	}
}

func TestApprovalBoxes(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	o.person("both", role(staff.Accountant), role(staff.Approver))
	o.person("aud", role(staff.Auditor))
	o.person("street", officer(1))
	_, li := o.as("li")
	_, both := o.as("both")
	_, aud := o.as("aud")
	_, street := o.as("street")
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, o.request(li, draft("5.00")).ID)
	}
	own := o.request(both, draft("5.00"))
	a, err := staff.ApprovalByID(o.ctx, o.service, both, ids[0])
	o.must(err)
	o.must(o.approve(both, a.ID, a.Hash))

	count := func(who staff.Identity, box staff.Box) (n int) {
		t.Helper()
		var before uuid.UUID
		for { // in pages of two
			page, err := staff.Approvals(o.ctx, o.service, who, box, before, 2)
			o.must(err)
			n += len(page)
			if len(page) < 2 {
				return n
			}
			before = page[len(page)-1].ID
		}
	}
	for _, c := range []struct {
		name              string
		who               staff.Identity
		forMe, mine, done int
	}{
		{"li", li, 0, 5, 1},
		{"both", both, 4, 1, 1},
		{"auditor", aud, 0, 0, 1},
		{"street", street, 0, 0, 0},
	} {
		if f, m, d := count(c.who, staff.ForMe), count(c.who, staff.Mine), count(c.who, staff.Done); f != c.forMe || m != c.mine || d != c.done {
			t.Errorf("%s: for me %d, mine %d, done %d", c.name, f, m, d)
		}
	}
	_, err = staff.ApprovalByID(o.ctx, o.service, aud, own.ID)
	o.must(err)
	_, err = staff.Approvals(o.ctx, o.service, li, "all", uuid.Nil, 0)
	o.want(err, staff.ErrRequestInvalid)
}
