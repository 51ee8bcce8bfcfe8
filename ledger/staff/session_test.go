package staff_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

func TestSessionEnds(t *testing.T) {
	o := newOffice(t)
	li := o.person("li", role(staff.Accountant))
	token, i := o.as("li")
	gone := func(at time.Time) {
		t.Helper()
		_, _, err := staff.Lookup(o.ctx, o.service, book, token, at)
		o.want(err, staff.ErrNoSession)
	}
	touch := func(at time.Time) {
		t.Helper()
		o.must(o.tx(func(tx pgx.Tx) error { return staff.Touch(o.ctx, tx, i, at) }))
	}
	o.lookup(token, now.Add(staff.SessionIdle-time.Second))
	gone(now.Add(staff.SessionIdle)) // idle
	touch(now.Add(staff.SessionIdle + time.Second))
	gone(now.Add(staff.SessionIdle + time.Second)) // a late touch does not revive it

	at := now
	for at.Before(now.Add(staff.SessionLife - 20*time.Minute)) { // busy all day
		at = at.Add(20 * time.Minute)
		touch(at)
	}
	o.lookup(token, now.Add(staff.SessionLife-time.Second))
	gone(now.Add(staff.SessionLife))

	for _, wrong := range []string{"", "x", token + "x", token[:len(token)-1], "\x00"} {
		_, _, err := staff.Lookup(o.ctx, o.service, book, wrong, now)
		o.want(err, staff.ErrNoSession)
	}
	_, _, err := staff.Lookup(o.ctx, o.service, 2, token, now) // the session of another book
	o.want(err, staff.ErrNoSession)

	o.must(o.tx(func(tx pgx.Tx) error { return staff.Sweep(o.ctx, tx, book, now.Add(staff.SessionLife)) }))
	var left int
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from session where person_id = $1`, li.ID).Scan(&left))
	if left != 1 {
		t.Fatal("the sweep took a session of today")
	}
	o.must(o.tx(func(tx pgx.Tx) error {
		return staff.Sweep(o.ctx, tx, book, now.Add(staff.SessionLife+staff.SessionTrail+time.Second))
	}))
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from session`).Scan(&left))
	if left != 0 {
		t.Fatal("the sweep left a session of last year")
	}
}

func TestTouchIsRare(t *testing.T) {
	o := newOffice(t)
	o.person("li")
	token, i := o.as("li")
	for _, seconds := range []int{1, 30, 59, 61, 62} {
		o.must(o.tx(func(tx pgx.Tx) error {
			return staff.Touch(o.ctx, tx, i, now.Add(time.Duration(seconds)*time.Second))
		}))
	}
	_, seen, err := staff.Lookup(o.ctx, o.service, book, token, now)
	o.must(err)
	if want := now.Add(61 * time.Second); !seen.Equal(want) {
		t.Fatalf("seen %v, want %v", seen, want)
	}
}

func TestEndSession(t *testing.T) {
	o := newOffice(t)
	li, wang := o.person("li"), o.person("wang")
	first, i := o.as("li")
	second, _ := o.as("li")
	list, err := staff.Sessions(o.ctx, o.service, book, li.ID, now)
	o.must(err)
	if len(list) != 2 || list[0].Device != "Firefox" || list[0].IP != address {
		t.Fatalf("%+v", list)
	}
	end := func(person, session uuid.UUID) error {
		return o.tx(func(tx pgx.Tx) error { return staff.EndSession(o.ctx, tx, book, person, session, person, now) })
	}
	o.want(end(wang.ID, i.Session), staff.ErrNoSession) // not hers
	o.must(end(li.ID, i.Session))
	o.want(end(li.ID, i.Session), staff.ErrNoSession)
	_, _, err = staff.Lookup(o.ctx, o.service, book, first, now)
	o.want(err, staff.ErrNoSession)
	o.lookup(second, now)
	o.must(o.tx(func(tx pgx.Tx) error { return staff.EndSessions(o.ctx, tx, book, li.ID, li.ID, now) }))
	_, _, err = staff.Lookup(o.ctx, o.service, book, second, now)
	o.want(err, staff.ErrNoSession)
}

// A new password, a factor taken away and a disabled account each end what is open.
func TestChangesEndSessions(t *testing.T) {
	o := newOffice(t)
	li, admin := o.person("li"), o.person("admin", role(staff.Admin))
	phc, err := hash()
	o.must(err)
	for name, change := range map[string]func(tx pgx.Tx) error{
		"password": func(tx pgx.Tx) error { return staff.SetPassword(o.ctx, tx, book, li.ID, admin.ID, phc, now) },
		"factor":   func(tx pgx.Tx) error { return staff.RemoveFactor(o.ctx, tx, book, li.ID, admin.ID, now) },
		"disabled": func(tx pgx.Tx) error { return staff.SetState(o.ctx, tx, book, li.ID, admin.ID, staff.Disabled, now) },
	} {
		token, _ := o.as("li")
		o.must(o.tx(change))
		if _, _, err := staff.Lookup(o.ctx, o.service, book, token, now); err != staff.ErrNoSession {
			t.Errorf("%s: %v", name, err)
		}
		o.must(o.tx(func(tx pgx.Tx) error { return staff.SetState(o.ctx, tx, book, li.ID, admin.ID, staff.Active, now) }))
	}
	o.want(o.tx(func(tx pgx.Tx) error {
		return staff.SetState(o.ctx, tx, book, admin.ID, admin.ID, staff.Disabled, now)
	}), staff.ErrOwn)
}
