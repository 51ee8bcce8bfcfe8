package staff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// Nobody learns from the time of a refusal whether an account exists, is locked or has a second factor, or whether the
// password was the right one: each refused try sends the same statements and makes the same hash. Counted, not timed.
func TestT4SignInDoesTheSameWork(t *testing.T) {
	o := newOffice(t)
	o.rule(staff.PasswordWithCode)
	admin := o.person("admin", role(staff.Admin))
	gone := o.person("gone", role(staff.Accountant))
	o.person("new")
	both := o.person("li", role(staff.Accountant))
	factor, err := staff.NewFactor("Sunfund", "li")
	o.must(err)
	used, err := totp.GenerateCode(factor.Secret, now)
	o.must(err)
	var spent []string
	o.must(o.tx(func(tx pgx.Tx) error {
		if err := staff.SetFactor(o.ctx, tx, book, both.ID, both.ID, factor.Secret, used, now); err != nil {
			return err
		}
		spent, err = staff.NewRecoveryCodes(o.ctx, tx, staff.Identity{Book: book, Person: both}, now)
		if err != nil {
			return err
		}
		return staff.SetState(o.ctx, tx, book, gone.ID, admin.ID, staff.Disabled, now)
	}))
	_, err = o.signIn(staff.Try{Login: "li", Password: password, Code: spent[0], IP: address}, now)
	o.must(err)
	o.exec(o.owner, `insert into person (book_id, id, login, name_zh, name_en, lang, created_at) values ($1, gen_random_uuid(), 'keyonly', '无', 'None', 'en', $2)`, book, now)

	pool, statements := o.watched(t)
	var work []string
	h := o.hasher.Watched(func(cost string) { work = append(work, cost) })
	at := now
	// did is what one try makes the service do.
	did := func(b int32, try staff.Try, want error) string {
		t.Helper()
		try.IP = address
		work = nil
		statements.Taken()
		_, err := staff.SignIn(o.ctx, pool, h, b, try, at)
		o.want(err, want)
		return strings.Join(slices.Concat(statements.Taken(), work), "\n")
	}
	refused := func(code string) map[string]staff.Try {
		return map[string]staff.Try{
			"wrong password":            {Login: "li", Password: "wrong wrong", Code: code},
			"no second factor":          {Login: "new", Password: "wrong wrong", Code: code},
			"disabled":                  {Login: "gone", Password: password, Code: code},
			"only a passkey":            {Login: "keyonly", Password: password, Code: code},
			"empty password":            {Login: "li", Code: code},
			"huge password":             {Login: "li", Password: strings.Repeat("x", 1<<20), Code: code},
			"unknown with huge":         {Login: "nobody", Password: strings.Repeat("x", 1<<20), Code: code},
			"right password, this code": {Login: "li", Password: password, Code: code},
		}
	}
	for _, code := range []string{"", "000000", used, "AAAA-BBBB-CCCC-DDDD", spent[0]} {
		at = at.Add(2 * staff.TryWindow) // so that no limit stands in the way
		if code == used {
			at = now
			o.exec(o.owner, `delete from sign_in_attempt`)
		}
		unknown := did(book, staff.Try{Login: "nobody", Password: password, Code: code}, staff.ErrWrong)
		if n := strings.Count(unknown, "argon2id"); n != 1 || !strings.Contains(unknown, "update person") {
			t.Fatalf("%d hashes, so this shows nothing:\n%s", n, unknown)
		}
		for name, try := range refused(code) {
			if got := did(book, try, staff.ErrWrong); got != unknown {
				t.Errorf("code %q: %s\n%s\nan unknown name\n%s", code, name, got, unknown)
			}
		}
	}

	// Too many tries lock a name, whether somebody has it or not.
	at = at.Add(2 * staff.TryWindow)
	for _, login := range []string{"li", "nobody", "gone"} {
		did(book, staff.Try{Login: login}, staff.ErrWrong)
	}
	o.exec(o.owner, `update sign_in_attempt set tries = $1 where kind = 'account'`, staff.AccountTries)
	for _, crossing := range []bool{true, false} {
		locked := did(book, staff.Try{Login: "nobody", Password: password}, staff.ErrTooMany)
		if strings.Contains(locked, "argon2id") {
			t.Errorf("a locked name is hashed for")
		}
		for _, login := range []string{"li", "gone"} {
			if got := did(book, staff.Try{Login: login, Password: password}, staff.ErrTooMany); got != locked {
				t.Errorf("crossing the limit %v: %s\n%s\nnobody\n%s", crossing, login, got, locked)
			}
		}
	}

	// Beside a wrong password a recovery code stays good, and counts once.
	at = at.Add(2 * staff.TryWindow)
	did(book, staff.Try{Login: "li", Password: "wrong wrong", Code: spent[1]}, staff.ErrWrong)
	did(book, staff.Try{Login: "li", Password: password, Code: spent[1]}, nil)
	did(book, staff.Try{Login: "li", Password: password, Code: spent[1]}, staff.ErrWrong)
	left, err := staff.RecoveryLeft(pg.WithBook(o.ctx, book), o.service, book, both.ID)
	o.must(err)
	if left != staff.RecoveryCodes-2 {
		t.Errorf("%d recovery codes left", left)
	}
}
