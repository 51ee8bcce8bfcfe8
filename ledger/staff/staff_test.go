package staff_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger/staff"
)

const (
	book     = int32(1)
	password = "correct horse"
)

var (
	now     = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	address = netip.MustParseAddr("203.0.113.7")
)

// hasher and hash are shared: hashing is what these tests spend their time on.
var hasher = sync.OnceValues(func() (*staff.Hasher, error) { return staff.NewHasher(2) })
var hash = sync.OnceValues(func() (string, error) {
	h, err := hasher()
	if err != nil {
		return "", err
	}
	return h.Hash(context.Background(), password)
})

// office is a database with two streets, used with the rights of the service.
type office struct {
	*testing.T
	ctx     context.Context
	owner   *pgxpool.Pool
	service *pgxpool.Pool
	hasher  *staff.Hasher
	dsn     string
	watched func(testing.TB) (*pgxpool.Pool, *pgtest.Statements)
}

func newOffice(t *testing.T) office {
	t.Parallel()
	db := pgtest.New(t)
	h, err := hasher()
	if err != nil {
		t.Fatal(err)
	}
	o := office{T: t, ctx: context.Background(), owner: db.Pool, service: db.Service, hasher: h, dsn: db.DSN(pgtest.Service), watched: db.Watched}
	o.exec(o.owner, `insert into street (book_id, street_id, code, name_zh, name_en)
		values ($1, 1, 'a', '甲街道', 'Street A'), ($1, 2, 'b', '乙街道', 'Street B')`, book)
	o.rule(staff.PasswordAlone)
	return o
}

// rule says what a password is worth.
func (o office) rule(r staff.PasswordRule) {
	o.Helper()
	o.exec(o.owner, `insert into sign_in_setting (book_id, password) values ($1, $2) on conflict (book_id) do update set password = $2`, book, r)
}

func (o office) exec(q pg.Querier, sql string, args ...any) {
	o.Helper()
	if _, err := q.Exec(o.ctx, sql, args...); err != nil {
		o.Fatal(err)
	}
}

// tx runs fn in a transaction of the service and returns its error.
func (o office) tx(fn func(tx pgx.Tx) error) error { return pg.InTx(o.ctx, o.service, fn) }

func (o office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o office) want(err, target error) {
	o.Helper()
	if !errors.Is(err, target) {
		o.Fatalf("got %v, want %v", err, target)
	}
}

// person makes somebody who can sign in, with roles given from the command line.
func (o office) person(login string, roles ...staff.Held) staff.Person {
	o.Helper()
	phc, err := hash()
	o.must(err)
	var p staff.Person
	o.must(o.tx(func(tx pgx.Tx) (err error) {
		p, err = staff.Create(o.ctx, tx, book, staff.Person{Login: login, NameZH: "李会计", NameEN: "Li", Lang: "zh-CN"}, phc, uuid.Nil, now)
		if err != nil {
			return err
		}
		for _, h := range roles {
			if _, err := staff.GrantRole(o.ctx, tx, book, p.ID, uuid.Nil, h, now); err != nil {
				return err
			}
		}
		return nil
	}))
	return p
}

func role(r staff.Role) staff.Held { return staff.Held{Role: r} }

func officer(street int32) staff.Held {
	return staff.Held{Role: staff.StreetOfficer, Street: &street}
}

func (o office) signIn(try staff.Try, at time.Time) (string, error) {
	return staff.SignIn(o.ctx, o.service, o.hasher, book, try, at)
}

// as signs somebody in and returns token and identity.
func (o office) as(login string) (string, staff.Identity) {
	o.Helper()
	token, err := o.signIn(staff.Try{Login: login, Password: password, Device: "Firefox", IP: address}, now)
	o.must(err)
	return token, o.lookup(token, now)
}

func (o office) lookup(token string, at time.Time) staff.Identity {
	o.Helper()
	i, _, err := staff.Lookup(o.ctx, o.service, book, token, at)
	o.must(err)
	return i
}

func (o office) events(what string) int {
	o.Helper()
	events, err := staff.Events(o.ctx, o.service, book, staff.EventFilter{})
	o.must(err)
	n := 0
	for _, e := range events {
		if e.What == what {
			n++
		}
	}
	return n
}

// refusedBy returns the SQLSTATE and the constraint with which the database refused.
func refusedBy(err error) (code, constraint string) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code, refused.ConstraintName
	}
	return "", ""
}
