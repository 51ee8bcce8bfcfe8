package staff_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

func TestCreate(t *testing.T) {
	o := newOffice(t)
	li := o.person("Li.Min@example.org")
	if li.Login != "li.min@example.org" {
		t.Fatal(li.Login)
	}
	for _, login := range []string{"li.min@example.org", "LI.MIN@EXAMPLE.ORG"} {
		found, err := staff.ByLogin(o.ctx, o.service, book, login)
		o.must(err)
		if found.ID != li.ID || found.State != staff.Active || found.HasFactor || found.Name("en") != "Li" || found.Name("zh-CN") != "李会计" {
			t.Fatalf("%+v", found)
		}
	}
	byID, err := staff.ByID(o.ctx, o.service, book, li.ID)
	o.must(err)
	if byID.Login != li.Login {
		t.Fatalf("%+v", byID)
	}
	_, err = staff.ByLogin(o.ctx, o.service, 2, "li.min@example.org")
	o.want(err, staff.ErrNoPerson)
	_, err = staff.ByID(o.ctx, o.service, 2, li.ID)
	o.want(err, staff.ErrNoPerson)

	phc, err := hash()
	o.must(err)
	create := func(p staff.Person) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.Create(o.ctx, tx, book, p, phc, uuid.Nil, now)
			return err
		})
	}
	good := staff.Person{Login: "wang", NameZH: "王", NameEN: "Wang", Lang: "en"}
	bad := map[string]func(p *staff.Person){
		"no login":         func(p *staff.Person) { p.Login = "" },
		"look-alike login": func(p *staff.Person) { p.Login = "wаng" }, // a Cyrillic а
		"blank in login":   func(p *staff.Person) { p.Login = "wang li" },
		"long login":       func(p *staff.Person) { p.Login = strings.Repeat("a", 65) },
		"no name":          func(p *staff.Person) { p.NameZH = "" },
		"long name":        func(p *staff.Person) { p.NameEN = strings.Repeat("n", 101) },
		"zero byte":        func(p *staff.Person) { p.NameEN = "Wang\x00" },
		"broken name":      func(p *staff.Person) { p.NameZH = "\xff" },
		"language":         func(p *staff.Person) { p.Lang = "fr" },
	}
	for name, spoil := range bad {
		p := good
		spoil(&p)
		if err := create(p); err == nil || !strings.Contains(err.Error(), staff.ErrPersonInvalid.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	taken := good
	taken.Login = "LI.MIN@example.org"
	o.want(create(taken), staff.ErrLoginTaken)
	o.must(create(good))
	people, err := staff.People(o.ctx, o.service, book, "li.min@example.org", 0)
	o.must(err)
	if len(people) != 1 || people[0].Login != "wang" {
		t.Fatalf("%+v", people)
	}
	o.want(o.tx(func(tx pgx.Tx) error { return staff.SetLang(o.ctx, tx, book, li.ID, "fr") }), staff.ErrPersonInvalid)
	o.want(o.tx(func(tx pgx.Tx) error { return staff.SetLang(o.ctx, tx, book, uuid.New(), "en") }), staff.ErrNoPerson)
	o.must(o.tx(func(tx pgx.Tx) error { return staff.SetLang(o.ctx, tx, book, li.ID, "en") }))
}
