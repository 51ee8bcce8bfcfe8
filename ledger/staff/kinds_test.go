package staff_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// A6, A9 for every kind of request there is, also those that come later: whoever asks does not decide, even holding every
// role that may decide; neither does who gains by it; and an auditor or a street does neither, but for posts that a street asks to be shown.
func TestA6NobodyHoldsBothSidesOfAnyKind(t *testing.T) {
	o := newOffice(t)
	// Two who hold every role of the money, two who manage people: within each pair, one is enough for both sides but for the rule.
	for _, login := range []string{"li", "chen"} {
		o.person(login, role(staff.Accountant), role(staff.Approver))
	}
	for _, login := range []string{"guan", "hu"} {
		o.person(login, role(staff.Admin))
	}
	o.person("shen", role(staff.Auditor))
	o.person("wu", officer(1))
	people := map[string]staff.Identity{}
	for _, login := range []string{"li", "chen", "guan", "hu", "shen", "wu"} {
		_, people[login] = o.as(login)
	}
	documents, err := os.ReadFile("../../docs/security.md")
	o.must(err)
	for _, kind := range staff.Kinds() {
		if !strings.Contains(string(documents), "\n| `"+string(kind)+"` ") {
			t.Errorf("docs/security.md has no line for requests of kind %s", kind)
		}
		d := staff.Draft{Form: uuid.New(), Kind: kind, Summary: string(kind), Payload: map[string]string{"of": "kind"}}
		maker, second := people["li"], people["chen"]
		if len(kind.Deciders()) == 1 && kind.Deciders()[0] == staff.Admin {
			maker, second = people["guan"], people["hu"]
		} else {
			for _, r := range kind.Deciders() {
				if r != staff.Approver {
					t.Errorf("%s: %s may decide about money", kind, r)
				}
			}
		}
		for _, other := range people {
			if other.Person.ID == maker.Person.ID || other.Person.ID == second.Person.ID || kind == staff.UpdateKind && other.Person.Login == "wu" {
				continue
			}
			asked := o.tx(func(tx pgx.Tx) error {
				d := d
				d.Form = uuid.New()
				_, err := staff.Request(o.ctx, tx, other, d, now)
				return err
			})
			o.want(asked, staff.ErrDenied)
		}
		a := o.request(maker, d)
		o.want(o.approve(maker, a.ID, a.Hash), staff.ErrOwn)
		for _, login := range []string{"shen", "wu"} {
			if err := o.approve(people[login], a.ID, a.Hash); err == nil {
				t.Errorf("%s: %s approved", kind, login)
			}
		}
		// Past the code the database refuses the maker too.
		_, err := o.service.Exec(o.ctx, `insert into approval_decision (book_id, approval_id, version, person_id, verdict, payload_hash, decided_at)
			values ($1, $2, 1, $3, 'approve', $4, $5)`, book, a.ID, maker.Person.ID, a.Hash, now)
		if _, constraint := refusedBy(err); constraint != "approval_decision_fits" {
			t.Errorf("%s: maker past the code: %v", kind, err)
		}
		d.Form, d.Payee = uuid.New(), staff.PersonPayee(second.Person.ID)
		gains := o.request(maker, d)
		o.want(o.approve(second, gains.ID, gains.Hash), staff.ErrPayee)
		o.must(o.approve(second, a.ID, a.Hash))
	}
}
