package staff_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

func TestSignIn(t *testing.T) {
	o := newOffice(t)
	li := o.person("li", role(staff.Accountant))
	for _, login := range []string{"li", "LI", " Li ", "ｌｉ"} {
		token, err := o.signIn(staff.Try{Login: login, Password: password, Device: "Firefox", IP: address}, now)
		o.must(err)
		if i := o.lookup(token, now); i.Person.ID != li.ID || !i.May(staff.EntryDraft) {
			t.Fatalf("%q signed in as %+v", login, i)
		}
	}
	var readable int
	o.must(o.owner.QueryRow(o.ctx, `select count(distinct token_hash) from session where length(token_hash) = 32`).Scan(&readable))
	if readable != 4 {
		t.Fatalf("%d session ids for 4 sign-ins", readable)
	}
	if n := o.events("sign_in.ok"); n != 4 {
		t.Fatalf("%d sign-ins in the audit trail", n)
	}
	// A full-width password is what a Chinese keyboard may send for the same letters.
	_, err := o.signIn(staff.Try{Login: "li", Password: "ｃｏｒｒｅｃｔ　ｈｏｒｓｅ", IP: address}, now)
	o.must(err)
}

// Whatever is wrong, the answer is one and the same, and nothing is opened.
func TestSignInRefusals(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	gone := o.person("gone", role(staff.Accountant))
	admin := o.person("admin", role(staff.Admin))
	o.must(o.tx(func(tx pgx.Tx) error {
		return staff.SetState(o.ctx, tx, book, gone.ID, admin.ID, staff.Disabled, now)
	}))
	o.exec(o.owner, `insert into person (book_id, id, login, name_zh, name_en, lang, created_at)
		values ($1, $2, 'keyonly', '无', 'None', 'en', $3)`, book, uuid.New(), now)
	cases := map[string]staff.Try{
		"wrong password":    {Login: "li", Password: "correct house"},
		"empty password":    {Login: "li"},
		"huge password":     {Login: "li", Password: strings.Repeat("x", 1<<20)},
		"unknown":           {Login: "nobody", Password: password},
		"empty login":       {Password: password},
		"zero byte":         {Login: "li\x00", Password: password},
		"broken UTF-8":      {Login: "li\xff", Password: password, Device: "\xff\x00\n"},
		"disabled":          {Login: "gone", Password: password},
		"has no password":   {Login: "keyonly", Password: ""},
		"another book":      {Login: "li", Password: password},
		"SQL in the login":  {Login: "li' or '1'='1", Password: password},
		"huge login":        {Login: strings.Repeat("a", 1<<20), Password: password},
		"dummy's own hash?": {Login: "nobody", Password: ""},
	}
	for name, try := range cases {
		b := book
		if name == "another book" {
			b = 2
		}
		try.IP = address
		token, err := staff.SignIn(o.ctx, o.service, o.hasher, b, try, now)
		if token != "" || err != staff.ErrWrong { // the very value: no wrapping tells them apart
			t.Errorf("%s: token %q, error %v", name, token, err)
		}
	}
	var sessions, leaks int
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from session`).Scan(&sessions))
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from audit_event
		where what = 'sign_in.wrong' and (object || detail::text) ~ 'nobody|correct'`).Scan(&leaks))
	if sessions != 0 || leaks != 0 {
		t.Fatalf("%d sessions, %d audit events that tell what was typed", sessions, leaks)
	}
	if n := o.events("sign_in.wrong"); n != len(cases)-1 { // one is in the other book
		t.Fatalf("%d refusals in the audit trail", n)
	}
}

// Two processes, each with a pool of its own, share the count.
func TestSignInLimitPerAccount(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	other, err := pg.Open(o.ctx, o.dsn, pg.MaxConns(4))
	o.must(err)
	t.Cleanup(other.Close)
	pools := []pg.Beginner{o.service, other}
	var wrong, tooMany atomic.Int32
	var wait sync.WaitGroup
	for n := range staff.AccountTries + 6 {
		wait.Go(func() {
			ip := netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}) // from everywhere
			_, err := staff.SignIn(o.ctx, pools[n%2], o.hasher, book, staff.Try{Login: "li", Password: "wrong wrong", IP: ip}, now)
			switch {
			case err == staff.ErrWrong:
				wrong.Add(1)
			case errors.Is(err, staff.ErrTooMany):
				tooMany.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if wrong.Load() != staff.AccountTries || tooMany.Load() != 6 {
		t.Fatalf("%d wrong, %d too many", wrong.Load(), tooMany.Load())
	}
	// The right password does not help now, and the answer says when it will.
	right := staff.Try{Login: "LI", Password: password, IP: address}
	_, err = o.signIn(right, now.Add(5*time.Minute))
	var many staff.TooMany
	if !errors.As(err, &many) || many.RetryAfter != staff.TryWindow-5*time.Minute {
		t.Fatalf("got %v", err)
	}
	if n := o.events("sign_in.too_many"); n != 1 {
		t.Fatalf("%d audit events for one flood", n)
	}
	_, err = o.signIn(right, now.Add(staff.TryWindow))
	o.must(err)
}

func TestSignInLimitPerAddress(t *testing.T) {
	o := newOffice(t)
	o.person("li", role(staff.Accountant))
	subnet := func(host int) netip.Addr { // one customer's /64
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", host+1))
	}
	// The count itself, without five seconds of hashing.
	_, err := o.signIn(staff.Try{Login: "guess", Password: "wrong wrong", IP: subnet(0)}, now)
	o.want(err, staff.ErrWrong)
	o.exec(o.owner, `update sign_in_attempt set tries = $1 where kind = 'address'`, staff.AddressTries)
	_, err = o.signIn(staff.Try{Login: "li", Password: password, IP: subnet(77)}, now)
	o.want(err, staff.ErrTooMany)
	_, err = o.signIn(staff.Try{Login: "li", Password: password, IP: address}, now)
	o.must(err)
	o.must(o.tx(func(tx pgx.Tx) error { return staff.Sweep(o.ctx, tx, book, now.Add(staff.TryWindow)) }))
	var left int
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from sign_in_attempt`).Scan(&left))
	if left != 0 {
		t.Fatalf("%d counters left after their window", left)
	}
}

// Who signs in all day long is never stopped by it.
func TestSignInGivesTryBack(t *testing.T) {
	o := newOffice(t)
	o.person("li")
	for range staff.AccountTries + 2 {
		_, err := o.signIn(staff.Try{Login: "li", Password: password, IP: address}, now)
		o.must(err)
	}
	var tries int
	o.must(o.owner.QueryRow(o.ctx, `select sum(tries) from sign_in_attempt`).Scan(&tries))
	if tries != 0 {
		t.Fatalf("%d tries held against nobody", tries)
	}
}

func TestSecondFactor(t *testing.T) {
	o := newOffice(t)
	li := o.person("li", role(staff.Accountant))
	factor, err := staff.NewFactor("Sunfund", "li")
	o.must(err)
	if !strings.HasPrefix(factor.URL, "otpauth://totp/Sunfund:li?") {
		t.Fatal(factor.URL)
	}
	code := func(at time.Time) string {
		c, err := totp.GenerateCode(factor.Secret, at)
		o.must(err)
		return c
	}
	set := func(c string) error {
		return o.tx(func(tx pgx.Tx) error { return staff.SetFactor(o.ctx, tx, book, li.ID, li.ID, factor.Secret, c, now) })
	}
	o.want(set("000"), staff.ErrCode)
	o.want(set(code(now.Add(5*time.Minute))), staff.ErrCode)
	o.must(set(code(now)))

	try := func(c string, at time.Time) error {
		_, err := o.signIn(staff.Try{Login: "li", Password: password, Code: c, IP: address}, at)
		return err
	}
	later := now.Add(2 * time.Minute)
	o.want(try("", later), staff.ErrWrong)
	o.want(try(code(now), now), staff.ErrWrong) // the code that set the factor is used up
	o.want(try(code(later.Add(-2*time.Minute)), later), staff.ErrWrong)
	c := code(later)
	o.must(try(" "+c[:3]+" "+c[3:]+" ", later))
	o.want(try(c, later), staff.ErrWrong) // replayed
	o.want(try(c, later.Add(20*time.Second)), staff.ErrWrong)
	o.want(try(code(later.Add(-30*time.Second)), later), staff.ErrWrong) // an older one than the last
	o.must(try(code(later.Add(30*time.Second)), later))                  // a phone that is ahead

	o.must(o.tx(func(tx pgx.Tx) error { return staff.RemoveFactor(o.ctx, tx, book, li.ID, uuid.Nil, now) }))
	o.must(try("", later))
}

// The same code sent twice at the same moment opens one session.
func TestSecondFactorReplayedAtOnce(t *testing.T) {
	o := newOffice(t)
	li := o.person("li")
	factor, err := staff.NewFactor("Sunfund", "li")
	o.must(err)
	first, err := totp.GenerateCode(factor.Secret, now)
	o.must(err)
	o.must(o.tx(func(tx pgx.Tx) error {
		return staff.SetFactor(o.ctx, tx, book, li.ID, li.ID, factor.Secret, first, now)
	}))
	later := now.Add(time.Hour)
	c, err := totp.GenerateCode(factor.Secret, later)
	o.must(err)
	var opened atomic.Int32
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			switch _, err := o.signIn(staff.Try{Login: "li", Password: password, Code: c, IP: address}, later); {
			case err == nil:
				opened.Add(1)
			case err != staff.ErrWrong:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if opened.Load() != 1 {
		t.Fatalf("%d sessions from one code", opened.Load())
	}
}

func TestPasswordBounds(t *testing.T) {
	t.Parallel()
	h, err := hasher()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, p := range []string{"", "123456789", strings.Repeat("长", 201), strings.Repeat("x", 1<<20)} {
		if _, err := h.Hash(ctx, p); !errors.Is(err, staff.ErrPassword) {
			t.Errorf("%d bytes: %v", len(p), err)
		}
	}
	a, err := h.Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Fatalf("%s, %s", a, b)
	}
}

// A flood waits for its turn and gives up with its request, instead of taking all the memory.
func TestHasherIsBounded(t *testing.T) {
	t.Parallel()
	h, err := staff.NewHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond) // no hash is as short
	defer cancel()
	var wait sync.WaitGroup
	var gaveUp atomic.Int32
	for range 4 {
		wait.Go(func() {
			if _, err := h.Hash(ctx, password); errors.Is(err, context.DeadlineExceeded) {
				gaveUp.Add(1)
			}
		})
	}
	wait.Wait()
	if gaveUp.Load() < 3 {
		t.Fatalf("%d of 4 gave up", gaveUp.Load())
	}
}
