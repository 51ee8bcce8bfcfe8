package staff_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// team is an office with one who asks and three who approve.
type team struct {
	office
	li, chen, zhao, wu staff.Identity
}

func newTeam(t *testing.T) team {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	who := map[string]staff.Identity{}
	for _, login := range []string{"chen", "zhao", "wu"} {
		o.person(login, role(staff.Approver))
		_, who[login] = o.as(login)
	}
	_, li := o.as("li")
	return team{o, li, who["chen"], who["zhao"], who["wu"]}
}

func (o office) needs(r staff.Rule) {
	o.Helper()
	o.must(o.tx(func(tx pgx.Tx) error {
		_, err := staff.AddRule(o.ctx, tx, book, r, uuid.Nil, now)
		return err
	}))
}

func worth(minor int64, payee string) staff.Draft {
	d := draft(fmt.Sprint(minor))
	d.Amount, d.Payee = minor, payee
	return d
}

func (o office) state(who staff.Identity, id uuid.UUID) staff.Approval {
	o.Helper()
	a, err := staff.ApprovalByID(o.ctx, o.service, who, id)
	o.must(err)
	return a
}

func (o office) progress(a staff.Approval) staff.Progress {
	o.Helper()
	p, err := staff.ProgressOf(o.ctx, o.service, book, a, now)
	o.must(err)
	return p
}

func TestSeveralApprovers(t *testing.T) {
	o := newTeam(t)
	o.needs(staff.Rule{Kind: staff.Voucher, From: 1_000_00, Approvers: 2, Role: staff.Approver})
	small := o.request(o.li, worth(999_99, ""))
	o.must(o.approve(o.chen, small.ID, small.Hash))
	if a := o.state(o.li, small.ID); a.State != staff.Approved {
		t.Fatalf("below the rule: %s", a.State)
	}
	a := o.request(o.li, worth(1_000_00, ""))
	var done int
	approve := func(who staff.Identity) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Approve(o.ctx, tx, who, a.ID, a.Hash, func(staff.Approval) (*uuid.UUID, error) { done++; return nil, nil }, now)
			return err
		})
	}
	o.must(approve(o.chen))
	o.want(approve(o.chen), staff.ErrDecided) // one person, one word
	if got := o.state(o.li, a.ID); got.State != staff.Open || done != 0 || o.progress(got).Missing() != 1 {
		t.Fatalf("after one: %s, carried out %d times", got.State, done)
	}
	left, err := staff.Approvers(o.ctx, o.service, book, o.state(o.li, a.ID), now)
	o.must(err)
	if len(left) != 2 || left[0].Login != "wu" || left[1].Login != "zhao" {
		t.Fatalf("left: %v", left)
	}
	if n, err := staff.Waiting(o.ctx, o.service, o.chen); err != nil || n != 0 {
		t.Fatalf("%d wait for who has approved, %v", n, err)
	}
	o.must(approve(o.zhao))
	if got := o.state(o.li, a.ID); got.State != staff.Approved || got.Needed != 2 || done != 1 {
		t.Fatalf("after two: %s, needed %d, carried out %d times", got.State, got.Needed, done)
	}
	// Past this code, the database counts too.
	b := o.request(o.li, worth(1_000_00, ""))
	_, err = o.owner.Exec(o.ctx, `update approval set state = 'approved', decided_by = $2, decided_at = now() where id = $1`, b.ID, o.chen.Person.ID)
	if _, constraint := refusedBy(err); constraint != "approval_counted" {
		t.Errorf("approved without a word: %v", err)
	}
	insert := `insert into approval_decision (book_id, approval_id, version, person_id, verdict, payload_hash, decided_at) values ($1, $2, $3, $4, 'approve', $5, now())`
	for name, args := range map[string][]any{
		"the maker":       {book, b.ID, 1, o.li.Person.ID, b.Hash},
		"another version": {book, b.ID, 2, o.zhao.Person.ID, b.Hash},
		"another content": {book, b.ID, 1, o.zhao.Person.ID, small.Hash},
		"a decided one":   {book, a.ID, 1, o.wu.Person.ID, a.Hash},
	} {
		_, err := o.service.Exec(o.ctx, insert, args...)
		if _, constraint := refusedBy(err); constraint != "approval_decision_fits" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What refuses the effect takes the last approval back with it.
func TestEffectRefuses(t *testing.T) {
	o := newTeam(t)
	a := o.request(o.li, worth(1, ""))
	short := errors.New("short")
	err := o.tx(func(tx pgx.Tx) error {
		_, err := staff.Approve(o.ctx, tx, o.chen, a.ID, a.Hash, func(staff.Approval) (*uuid.UUID, error) { return nil, short }, now)
		return err
	})
	o.want(err, short)
	if got := o.state(o.li, a.ID); got.State != staff.Open || len(o.progress(got).Decisions) != 0 {
		t.Fatalf("%s with %d decisions", got.State, len(o.progress(got).Decisions))
	}
}

// A8: an edit voids what was approved before, also an edit back to what it said.
func TestA8EditVoids(t *testing.T) {
	o := newTeam(t)
	o.needs(staff.Rule{Kind: staff.Voucher, Approvers: 2, Role: staff.Approver})
	d := worth(500, "")
	first := o.request(o.li, d)
	o.must(o.approve(o.chen, first.ID, first.Hash))
	for _, amount := range []int64{900, 500} {
		d.Amount = amount
		o.must(o.tx(func(tx pgx.Tx) error {
			_, err := staff.Change(o.ctx, tx, o.li, first.ID, d, now)
			return err
		}))
	}
	o.want(o.approve(o.zhao, first.ID, first.Hash), staff.ErrChanged)
	a := o.state(o.zhao, first.ID)
	if p := o.progress(a); a.Version != 3 || p.Missing() != 2 || !p.Decisions[0].Void {
		t.Fatalf("version %d, %+v", a.Version, p)
	}
	o.must(o.approve(o.zhao, a.ID, a.Hash))
	if got := o.state(o.zhao, a.ID); got.State != staff.Open {
		t.Fatalf("the void approval counted: %s", got.State)
	}
	o.must(o.approve(o.chen, a.ID, a.Hash)) // once for each version
	if got := o.state(o.zhao, a.ID); got.State != staff.Approved {
		t.Fatal(got.State)
	}
}

// A4: whoever has lost the role between two approvals does not count.
func TestA4DemotedApproverDoesNotCount(t *testing.T) {
	o := newTeam(t)
	o.needs(staff.Rule{Kind: staff.Voucher, Approvers: 2, Role: staff.Approver})
	a := o.request(o.li, worth(500, ""))
	o.must(o.approve(o.chen, a.ID, a.Hash))
	grants, err := staff.Grants(o.ctx, o.service, book, o.chen.Person.ID, false)
	o.must(err)
	o.must(o.tx(func(tx pgx.Tx) error { return staff.RevokeRole(o.ctx, tx, book, grants[0].ID, uuid.Nil, now) }))
	o.must(o.approve(o.zhao, a.ID, a.Hash))
	if got := o.state(o.li, a.ID); got.State != staff.Open {
		t.Fatalf("%s with an approver who is none", got.State)
	}
	o.must(o.approve(o.wu, a.ID, a.Hash))
	if got := o.state(o.li, a.ID); got.State != staff.Approved {
		t.Fatal(got.State)
	}
}

// A7: two accounts of one person are one person: they share an address, and that is refused.
func TestA7OneAddressOnePerson(t *testing.T) {
	o := newTeam(t)
	set := func(who staff.Identity, email string) error {
		return o.tx(func(tx pgx.Tx) error { return staff.SetEmail(o.ctx, tx, book, who.Person.ID, uuid.Nil, email, now) })
	}
	o.must(set(o.li, "Li@Example.org"))
	o.want(set(o.chen, " li@example.org"), staff.ErrEmail)
	o.want(set(o.chen, "Chen <chen@example.org>"), staff.ErrEmail)
	o.want(set(o.chen, "chen@example.org\r\nBcc: x@example.org"), staff.ErrEmail)
	o.must(set(o.chen, ""))
	// Two sign-ins of one person are no two people either.
	a := o.request(o.li, worth(500, ""))
	_, second := o.as("li")
	if second.Session == o.li.Session {
		t.Fatal("one session")
	}
	o.want(o.approve(second, a.ID, a.Hash), staff.ErrOwn)
}

// A9: neither the payee nor whoever changed the payee's details lately approves.
func TestA9PayeeDoesNotApprove(t *testing.T) {
	o := newTeam(t)
	a := o.request(o.li, worth(500, staff.PersonPayee(o.chen.Person.ID)))
	o.want(o.approve(o.chen, a.ID, a.Hash), staff.ErrPayee)
	insert := `insert into approval_decision (book_id, approval_id, version, person_id, verdict, payload_hash, decided_at) values ($1, $2, 1, $3, 'approve', $4, now())`
	_, err := o.service.Exec(o.ctx, insert, book, a.ID, o.chen.Person.ID, a.Hash)
	if _, constraint := refusedBy(err); constraint != "approval_decision_fits" {
		t.Errorf("past the code: %v", err)
	}
	o.must(o.approve(o.zhao, a.ID, a.Hash))

	const payee = "provider:7"
	change := func(who staff.Identity, at time.Time) {
		o.must(o.tx(func(tx pgx.Tx) error {
			return staff.Record(o.ctx, tx, book, staff.Event{At: at, Who: who.Person.ID, What: staff.PayeeChange, Object: payee})
		}))
	}
	change(o.chen, now.Add(-staff.PayeeWait+time.Minute))
	change(o.zhao, now.Add(-staff.PayeeWait-time.Minute))
	b := o.request(o.li, worth(500, payee))
	o.want(o.approve(o.chen, b.ID, b.Hash), staff.ErrPayee)
	left, err := staff.Approvers(o.ctx, o.service, book, b, now)
	o.must(err)
	if slices.ContainsFunc(left, func(p staff.Person) bool { return p.Login == "chen" }) || len(left) != 2 {
		t.Fatalf("may approve: %v", left)
	}
	o.must(o.approve(o.zhao, b.ID, b.Hash))
}

// A10: ten payments below the limit need what one of their sum needs, by maker as by payee.
func TestA10Splitting(t *testing.T) {
	o := newTeam(t)
	o.needs(staff.Rule{Kind: staff.Voucher, From: 10_000_00, Approvers: 2, Role: staff.Approver})
	o.needs(staff.Rule{Kind: staff.Voucher, From: 10_000_00, Window: 72 * time.Hour, Approvers: 2, Role: staff.Approver})
	var parts []staff.Approval
	for range 10 {
		parts = append(parts, o.request(o.li, worth(1_500_00, "")))
	}
	for _, a := range parts {
		o.must(o.approve(o.chen, a.ID, a.Hash))
		if got := o.state(o.chen, a.ID); got.State != staff.Open {
			t.Fatalf("a part went through with one approver: %+v", o.progress(got).Need)
		}
	}
	o.must(o.approve(o.zhao, parts[0].ID, parts[0].Hash))
	if got := o.state(o.chen, parts[0].ID); got.State != staff.Approved {
		t.Fatal(got.State)
	}

	// By payee, though others ask: each below, the sum above. One after the other, approved at once.
	o.person("sun", role(staff.Accountant))
	o.person("qian", role(staff.Accountant))
	_, sun := o.as("sun")
	_, qian := o.as("qian")
	one := o.request(sun, worth(6_000_00, "provider:9"))
	o.must(o.approve(o.chen, one.ID, one.Hash))
	if got := o.state(o.chen, one.ID); got.State != staff.Approved {
		t.Fatalf("below the limit: %s", got.State)
	}
	two := o.request(qian, worth(6_000_00, "provider:9"))
	other := o.request(qian, worth(1_000_00, "provider:10"))
	need := o.progress(o.state(o.chen, two.ID)).Need
	if need.Approvers != 2 || need.Sum != 12_000_00 {
		t.Fatalf("%+v", need)
	}
	if need := o.progress(o.state(o.chen, other.ID)).Need; need.Approvers != 1 {
		t.Fatalf("another payee: %+v", need)
	}
	// What was approved before the window no longer counts.
	later, err := staff.ProgressOf(o.ctx, o.service, book, two, now.Add(73*time.Hour))
	o.must(err)
	if later.Need.Approvers != 1 {
		t.Fatalf("after the window: %+v", later.Need)
	}
}

func TestRules(t *testing.T) {
	o := newTeam(t)
	add := func(r staff.Rule) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.AddRule(o.ctx, tx, book, r, uuid.Nil, now)
			return err
		})
	}
	for name, r := range map[string]staff.Rule{
		"kind":        {Kind: "payout", Approvers: 1, Role: staff.Approver},
		"role":        {Kind: staff.Voucher, Approvers: 1, Role: staff.Accountant},
		"no role":     {Kind: staff.Voucher, Approvers: 1},
		"nobody":      {Kind: staff.Voucher, Role: staff.Approver},
		"a crowd":     {Kind: staff.Voucher, Approvers: 6, Role: staff.Approver},
		"below zero":  {Kind: staff.Voucher, From: -1, Approvers: 1, Role: staff.Approver},
		"half hours":  {Kind: staff.Voucher, Window: 90 * time.Minute, Approvers: 1, Role: staff.Approver},
		"two years":   {Kind: staff.Voucher, Window: 2 * 8784 * time.Hour, Approvers: 1, Role: staff.Approver},
		"money admin": {Kind: staff.Refund, Approvers: 1, Role: staff.Admin},
	} {
		if err := add(r); err != staff.ErrRule {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.must(add(staff.Rule{Kind: staff.Voucher, From: 100, Approvers: 3, Role: staff.Approver}))
	rules, err := staff.Rules(o.ctx, o.service, book, "")
	o.must(err)
	end := func() error {
		return o.tx(func(tx pgx.Tx) error {
			return staff.EndRule(o.ctx, tx, book, rules[0].ID, uuid.Nil, "no longer needed", now)
		})
	}
	o.must(end())
	o.want(end(), staff.ErrNoRule)
	if rules, err = staff.Rules(o.ctx, o.service, book, staff.Voucher); err != nil || len(rules) != 0 {
		t.Fatalf("%v, %v", rules, err)
	}
}

// Two last approvers at the same moment, again and again: carried out once.
func TestLastApprovalAtOnce(t *testing.T) {
	o := newTeam(t)
	o.needs(staff.Rule{Kind: staff.Voucher, Approvers: 2, Role: staff.Approver})
	for range 5 {
		a := o.request(o.li, worth(500, ""))
		var done atomic.Int32
		var wait sync.WaitGroup
		for _, who := range []staff.Identity{o.chen, o.zhao, o.wu, o.chen} {
			wait.Go(func() {
				err := o.tx(func(tx pgx.Tx) error {
					carried := false
					_, err := staff.Approve(o.ctx, tx, who, a.ID, a.Hash, func(staff.Approval) (*uuid.UUID, error) { carried = true; return nil, nil }, now)
					if err == nil && carried {
						done.Add(1)
					}
					return err
				})
				if err != nil && err != staff.ErrDecided {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if got := o.state(o.li, a.ID); got.State != staff.Approved || done.Load() != 1 || o.progress(got).Approved() != 2 {
			t.Fatalf("%s, carried out %d times, %d approvals", got.State, done.Load(), o.progress(got).Approved())
		}
	}
}

// A11: an admin's own rise, and any change without a second admin.
func TestA11RolesByTwoAdmins(t *testing.T) {
	o := newOffice(t)
	li := o.person("li", role(staff.Accountant))
	o.person("guan", role(staff.Admin))
	o.person("hu", role(staff.Admin))
	o.person("chen", role(staff.Approver))
	_, guan := o.as("guan")
	_, hu := o.as("hu")
	_, chen := o.as("chen")
	token, _ := o.as("li")
	ask := func(who staff.Identity, c staff.RoleChange) (a staff.Approval, err error) {
		err = o.tx(func(tx pgx.Tx) (err error) {
			a, err = staff.RequestRole(o.ctx, tx, who, uuid.New(), "role", c, now)
			return err
		})
		return a, err
	}
	refused := func(who staff.Identity, c staff.RoleChange, want error) {
		t.Helper()
		_, err := ask(who, c)
		o.want(err, want)
	}
	refused(guan, staff.RoleChange{Person: guan.Person.ID, Held: role(staff.Approver)}, staff.ErrOwn)
	refused(chen, staff.RoleChange{Person: li.ID, Held: role(staff.Approver)}, staff.ErrDenied)
	refused(guan, staff.RoleChange{Person: li.ID, Held: role(staff.Admin)}, staff.ErrRolesClash)
	refused(guan, staff.RoleChange{Person: li.ID, Held: role(staff.Accountant)}, staff.ErrRoleHeld)
	refused(guan, staff.RoleChange{Person: li.ID, Held: role(staff.Supervisor)}, staff.ErrRoleInvalid)
	refused(guan, staff.RoleChange{Person: uuid.New(), Held: role(staff.Approver)}, staff.ErrNoPerson)
	refused(guan, staff.RoleChange{Person: li.ID, Revoke: &chen.Session}, staff.ErrNoGrant)

	approve := func(who staff.Identity, a staff.Approval) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Approve(o.ctx, tx, who, a.ID, a.Hash, func(a staff.Approval) (*uuid.UUID, error) {
				return nil, staff.ChangeRole(o.ctx, tx, book, a, now)
			}, now)
			return err
		})
	}
	a, err := ask(guan, staff.RoleChange{Person: li.ID, Held: officer(1)})
	o.must(err)
	o.want(approve(guan, a), staff.ErrOwn)
	o.want(approve(chen, a), staff.ErrNoApproval)
	if i := o.lookup(token, now); i.Has(staff.StreetOfficer) {
		t.Fatal("given before it was approved")
	}
	o.must(approve(hu, a))
	i := o.lookup(token, now)
	if !i.Has(staff.StreetOfficer) {
		t.Fatal("not given")
	}
	grants, err := staff.Grants(o.ctx, o.service, book, li.ID, false)
	o.must(err)
	// An admin whose own role is at stake does not decide about it.
	held, err := staff.Grants(o.ctx, o.service, book, hu.Person.ID, false)
	o.must(err)
	own, err := ask(guan, staff.RoleChange{Person: hu.Person.ID, Revoke: &held[0].ID})
	o.must(err)
	o.want(approve(hu, own), staff.ErrPayee)
	take, err := ask(hu, staff.RoleChange{Person: li.ID, Revoke: &grants[0].ID})
	o.must(err)
	o.must(approve(guan, take))
	if i := o.lookup(token, now); i.May(staff.EntryDraft) || !i.Has(staff.StreetOfficer) {
		t.Fatalf("holds %v", i.Roles)
	}
}

func TestDenialsAreRecordedOnceAMinute(t *testing.T) {
	o := newTeam(t)
	ctx := staff.WithOrigin(o.ctx, staff.Origin{Request: "r-1\xff", IP: netip.MustParseAddr("203.0.113.9")})
	deny := func(who uuid.UUID, object string, at time.Time) {
		o.must(o.tx(func(tx pgx.Tx) error { return staff.RecordDenial(ctx, tx, book, who, object, "forbidden", at) }))
	}
	li := o.li.Person.ID
	for range 5 {
		deny(li, "GET /console/people", now)
	}
	deny(li, "GET /console/keys", now)
	deny(li, "GET /console/people", now.Add(time.Minute))
	if n := o.events(staff.Denied); n != 3 {
		t.Fatalf("%d lines", n)
	}
	for n := range 200 { // a flood over ever new objects
		deny(o.chen.Person.ID, fmt.Sprintf("GET /console/entries/%d", n), now)
	}
	events, err := staff.Events(o.ctx, o.service, book, staff.EventFilter{Who: o.chen.Person.ID, What: staff.Denied})
	o.must(err)
	if len(events) != 60 {
		t.Fatalf("%d lines of a flood", len(events))
	}
	if e := events[0]; e.Request != "r-1" || e.IP.String() != "203.0.113.9" || e.Reason != "forbidden" || !e.At.Equal(now) {
		t.Fatalf("%+v", e)
	}
	if events, err = staff.Events(o.ctx, o.service, book, staff.EventFilter{What: "approval"}); err != nil || len(events) != 0 {
		t.Fatalf("%v, %v", events, err)
	}
}

// A decision's line holds who, what, on which object, before and after, and where from.
func TestDecisionInTheTrail(t *testing.T) {
	o := newTeam(t)
	a := o.request(o.li, worth(500, ""))
	var b staff.Approval
	o.must(o.tx(func(tx pgx.Tx) (err error) {
		b, err = staff.Change(o.ctx, tx, o.li, a.ID, worth(600, ""), now)
		return err
	}))
	from := staff.WithOrigin(o.ctx, staff.Origin{Request: "r-2", IP: address})
	o.must(o.tx(func(tx pgx.Tx) error {
		_, err := staff.Reject(from, tx, o.chen, a.ID, b.Hash, "发票缺失", now)
		return err
	}))
	events, err := staff.Events(o.ctx, o.service, book, staff.EventFilter{Object: "approval:" + a.ID.String()})
	o.must(err)
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	rejected, changed := events[0], events[1]
	if rejected.What != "approval.rejected" || rejected.Who != o.chen.Person.ID || rejected.Reason != "发票缺失" || rejected.Request != "r-2" || rejected.IP != address {
		t.Errorf("%+v", rejected)
	}
	if !slices.Equal(changed.Before, a.Hash) || !slices.Equal(changed.After, b.Hash) {
		t.Errorf("%+v", changed)
	}
}

func TestRotateKey(t *testing.T) {
	o := newOffice(t)
	k, token := o.key(staff.GiftsRead, staff.FundsRead)
	var next staff.Key
	var fresh string
	rotate := func(id uuid.UUID, overlap time.Duration) error {
		return o.tx(func(tx pgx.Tx) (err error) {
			next, fresh, err = staff.RotateKey(o.ctx, tx, book, id, uuid.Nil, overlap, now)
			return err
		})
	}
	o.want(rotate(k.ID, 0), staff.ErrKeyInvalid)
	o.want(rotate(k.ID, 100*24*time.Hour), staff.ErrKeyInvalid)
	o.want(rotate(uuid.New(), time.Hour), staff.ErrNoKey)
	o.must(rotate(k.ID, 7*24*time.Hour))
	works := func(token string, at time.Time, want error) {
		t.Helper()
		_, err := staff.Authenticate(o.ctx, o.service, token, at)
		o.want(err, want)
	}
	week := now.Add(7 * 24 * time.Hour)
	works(token, week.Add(-time.Second), nil)
	works(fresh, now, nil)
	works(token, week, staff.ErrKey)
	works(fresh, week, nil)
	if !slices.Equal(next.Scopes, k.Scopes) || next.Name != k.Name || !next.ExpiresAt.Equal(k.ExpiresAt) {
		t.Errorf("%+v after %+v", next, k)
	}
	o.want(rotate(k.ID, time.Hour), staff.ErrNoKey) // once
}

func TestMail(t *testing.T) {
	o := newTeam(t)
	post := func(to staff.Identity) {
		o.must(o.tx(func(tx pgx.Tx) error {
			return staff.Post(o.ctx, tx, book, staff.Mail{Person: to.Person.ID, Subject: "等您审批", Body: "一个申请", Path: "/console/approvals/1"}, now)
		}))
	}
	o.must(o.tx(func(tx pgx.Tx) error {
		return staff.SetEmail(o.ctx, tx, book, o.chen.Person.ID, uuid.Nil, "chen@example.org", now)
	}))
	post(o.chen)
	post(o.zhao) // has no address: the letter stays in the mailbox
	var sent []staff.Mail
	var refuse error
	send := func(at time.Time) (found bool) {
		o.must(o.tx(func(tx pgx.Tx) (err error) {
			found, _, err = staff.SendOne(o.ctx, tx, book, func(m staff.Mail) error {
				if refuse == nil {
					sent = append(sent, m)
				}
				return refuse
			}, at)
			return err
		}))
		return found
	}
	refuse = errors.New("no connection")
	if !send(now) || send(now) || send(now.Add(59*time.Second)) {
		t.Fatal("a failed letter is tried again later, not at once")
	}
	refuse = nil
	if !send(now.Add(time.Minute)) || send(now.Add(48*time.Hour)) {
		t.Fatal("sent once, and nothing else is due")
	}
	if len(sent) != 1 || sent[0].Email != "chen@example.org" || sent[0].Path != "/console/approvals/1" {
		t.Fatalf("%+v", sent)
	}
	box, err := staff.Mailbox(o.ctx, o.service, book, o.zhao.Person.ID, uuid.Nil, 10)
	o.must(err)
	if len(box) != 1 || box[0].SentAt != nil {
		t.Fatalf("%+v", box)
	}
	o.must(o.tx(func(tx pgx.Tx) error { return staff.Sweep(o.ctx, tx, book, now.Add(staff.MailLife+time.Hour)) }))
	if box, err = staff.Mailbox(o.ctx, o.service, book, o.zhao.Person.ID, uuid.Nil, 10); err != nil || len(box) != 0 {
		t.Fatalf("%v, %v", box, err)
	}
}
