package staff_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// A11: the admin who makes an account, or gives it a password while it has no role, knows that password. Nothing of what
// they can leave behind with it outlives the role that another admin grants later.
func TestA11WhatAnAdminKnewOpensNothingLater(t *testing.T) {
	o := newOffice(t)
	o.person("guan", role(staff.Admin))
	o.person("hu", role(staff.Admin))
	_, guan := o.as("guan")
	_, hu := o.as("hu")
	phc, err := hash()
	o.must(err)
	own, err := o.hasher.Hash(o.ctx, "nobody else's words")
	o.must(err)
	var wen staff.Person
	o.must(o.tx(func(tx pgx.Tx) (err error) {
		wen, err = staff.Create(o.ctx, tx, book, staff.Person{Login: "wen", NameZH: "文", NameEN: "Wen", Lang: "zh-CN"}, phc, guan.Person.ID, now)
		return err
	}))
	ask := func() (a staff.Approval, err error) {
		err = o.tx(func(tx pgx.Tx) (err error) {
			a, err = staff.RequestRole(o.ctx, tx, guan, uuid.New(), "role", staff.RoleChange{Person: wen.ID, Held: role(staff.Approver)}, now)
			return err
		})
		return a, err
	}
	approve := func(a staff.Approval) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Approve(o.ctx, tx, hu, a.ID, a.Hash, func(a staff.Approval) (*uuid.UUID, error) {
				return nil, staff.ChangeRole(o.ctx, tx, book, a, now)
			}, now)
			return err
		})
	}
	choose := func() {
		t.Helper()
		o.must(o.tx(func(tx pgx.Tx) error { return staff.SetPassword(o.ctx, tx, book, wen.ID, wen.ID, own, now) }))
	}
	alone := func(c staff.Access, hash string) error {
		c.Person = wen.ID
		return o.tx(func(tx pgx.Tx) error { return staff.SetAccess(o.ctx, tx, book, c, guan.Person.ID, hash, now) })
	}

	token, who := o.as("wen")
	if !who.MustChoose() {
		t.Fatal("the initial password opens more than the page to replace it")
	}
	_, err = ask()
	o.want(err, staff.ErrInitialPassword)
	choose()
	if _, _, err := staff.Lookup(o.ctx, o.service, book, token, now); err == nil {
		t.Error("a session that the initial password opened goes on")
	}
	a, err := ask()
	o.must(err)

	// Between the request and its approval guan knows the password again.
	o.must(alone(staff.Access{Step: staff.StepPassword}, phc))
	o.want(approve(a), staff.ErrInitialPassword)
	if holds, err := staff.Grants(o.ctx, o.service, book, wen.ID, false); err != nil || len(holds) != 0 {
		t.Fatalf("%v, holds %v", err, holds)
	}

	// What came in by an earlier password goes with it; and an identity of guan's own is not guan's to link.
	o.must(o.tx(func(tx pgx.Tx) error {
		if err := staff.LinkIdentity(o.ctx, tx, book, wen.ID, guan.Person.ID, "https://id.example.org", "guan", now); err != nil {
			return err
		}
		_, err := staff.NewRecoveryCodes(o.ctx, tx, who, now)
		return err
	}))
	o.must(alone(staff.Access{Step: staff.StepPassword}, phc))
	links, err := staff.Links(o.ctx, o.service, book, wen.ID)
	o.must(err)
	left, err := staff.RecoveryLeft(o.ctx, o.service, book, wen.ID)
	o.must(err)
	if len(links) != 0 || left != 0 {
		t.Errorf("%d links and %d recovery codes are left", len(links), left)
	}
	o.want(alone(staff.Access{Step: staff.StepLink, Issuer: "https://id.example.org", Subject: "guan"}, ""), staff.ErrSecond)

	choose()
	o.must(approve(a))
}
