package staff

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrWrong means that the sign-in failed, and deliberately not why: name, password and code
	// all give this answer. Show one sentence for all, with status 401.
	ErrWrong = errors.New("wrong login, password or code")
	// ErrTooMany means that this account or this address has tried too often. Answer 429 with
	// Retry-After from TooMany.
	ErrTooMany = errors.New("too many sign-in tries")
)

// TooMany is an ErrTooMany that knows when to come back.
type TooMany struct{ RetryAfter time.Duration }

func (e TooMany) Error() string {
	return fmt.Sprintf("%v, retry in %s", ErrTooMany, e.RetryAfter.Round(time.Second))
}

// Is makes errors.Is(err, ErrTooMany) true.
func (e TooMany) Is(target error) bool { return target == ErrTooMany }

// Tries per window. A successful sign-in gives its own try back and no other. A whole office may
// share one address.
const (
	TryWindow    = 15 * time.Minute
	AccountTries = 10
	AddressTries = 60
)

const maxDeviceText = 200

// Try is what came from the sign-in form.
type Try struct {
	Login    string
	Password string
	Code     string     // time-based code; ignored for who has no second factor
	Device   string     // the browser's name for itself, for the list of sessions
	IP       netip.Addr // of the client, not of a proxy
}

// SignIn opens a session and returns its token for the cookie. It opens its own transactions: a
// try counts although it fails, and no connection waits while a password is hashed.
//
// ErrWrong, ErrTooMany (as TooMany); any other error is ours.
func SignIn(ctx context.Context, db pg.Beginner, h *Hasher, book int32, try Try, now time.Time) (token string, err error) {
	err = byPassword(ctx, db, h, book, try, func(tx pgx.Tx, person uuid.UUID, by Means) (err error) {
		token, err = welcome(ctx, tx, book, person, try, Proof{At: now, By: by}, now)
		return err
	}, now)
	if err != nil {
		return "", err
	}
	return token, nil
}

// Confirm lets a session prove itself anew by password and code, as far as the association takes them. Tries count like
// those of signing in; Login of try is set here. ErrWrong, ErrTooMany (as TooMany).
func Confirm(ctx context.Context, db pg.Beginner, h *Hasher, i Identity, try Try, now time.Time) error {
	try.Login = i.Person.Login
	return byPassword(ctx, db, h, i.Book, try, func(tx pgx.Tx, person uuid.UUID, by Means) error {
		if person != i.Person.ID {
			return ErrNoSession // the login went to somebody else
		}
		return Prove(ctx, tx, i, by, now, now)
	}, now)
}

// byPassword checks password and code, and carries out the effect in the transaction that uses the code up.
func byPassword(ctx context.Context, db pg.Beginner, h *Hasher, book int32, try Try, effect func(pgx.Tx, uuid.UUID, Means) error, now time.Time) error {
	ctx = pg.WithBook(ctx, book)
	var who credentials
	var wait time.Duration
	err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		if who, err = readCredentials(ctx, tx, book, try.Login); err != nil {
			return err
		}
		wait, err = countTry(ctx, tx, book, try, who.person, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if wait > 0 {
		return TooMany{RetryAfter: wait}
	}
	right, err := h.matches(ctx, who.password, try.Password)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	second := who.second(try.Code, now)
	right = right && second.by != ""
	err = pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		right, err = settleTry(ctx, tx, book, try, who, right, second, effect, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if !right {
		return ErrWrong
	}
	return nil
}

// credentials of an active person; all zero when there is none.
type credentials struct {
	person   uuid.UUID
	password string
	secret   *string
	factors  bool // something beside the password is set up
	rule     PasswordRule
}

// second is what a try has beside the password: by what it proves itself, and what is used up by that.
type second struct {
	by       Means  // empty: not enough
	step     int64  // of a time-based code
	recovery []byte // hash of a recovery code
}

// second weighs the typed code by the association's rule. A password alone lets in, whatever the rule, who has nothing
// else yet: such a session can only set up a factor.
func (c credentials) second(code string, now time.Time) second {
	if hash, ok := recoveryHash(c.person, code); ok {
		return second{by: ByRecovery, recovery: hash}
	}
	switch {
	case c.secret != nil && c.rule != PasswordNever:
		if step, err := matchCode(*c.secret, code, now); err == nil {
			return second{by: ByCode, step: step}
		}
	case c.secret == nil && (c.rule == PasswordAlone || !c.factors):
		return second{by: ByPassword}
	}
	return second{}
}

// hasFactor tells of person p whether anything beside the password is set up.
const hasFactor = `(p.totp_secret is not null
         or exists (select from passkey k where k.book_id = p.book_id and k.person_id = p.id and k.removed_at is null)
         or exists (select from identity_link l where l.book_id = p.book_id and l.person_id = p.id and l.removed_at is null))`

const passwordRule = `coalesce((select s.password from sign_in_setting s where s.book_id = p.book_id), 'with_code')`

const sqlCredentials = `
select p.id, coalesce(p.password, ''), p.totp_secret, ` + hasFactor + `, ` + passwordRule + `
  from person p
 where p.book_id = $1 and p.login = $2 and p.state = 'active'`

func readCredentials(ctx context.Context, tx pgx.Tx, book int32, login string) (c credentials, err error) {
	err = tx.QueryRow(ctx, sqlCredentials, book, foldLogin(login)).Scan(&c.person, &c.password, &c.secret, &c.factors, &c.rule)
	if errors.Is(err, pgx.ErrNoRows) {
		return credentials{}, nil // an unknown name goes all the way like a wrong password
	}
	if err != nil {
		return credentials{}, fmt.Errorf("read credentials: %w", err)
	}
	return c, nil
}

// Account before address, always, so that two tries cannot wait for each other.
const sqlTryCount = `
insert into sign_in_attempt as a (book_id, kind, subject, tries, window_ends)
values ($1, 'account', $2, 1, $5), ($1, 'address', $3, 1, $5)
on conflict (book_id, kind, subject) do update
   set tries       = case when a.window_ends <= $4 then 1 else a.tries + 1 end,
       window_ends = case when a.window_ends <= $4 then $5 else a.window_ends end
returning kind, tries, window_ends`

// countTry counts before anything is compared, and says how long to wait when it is one too many.
func countTry(ctx context.Context, tx pgx.Tx, book int32, try Try, person uuid.UUID, now time.Time) (wait time.Duration, err error) {
	account, address := trySubjects(try)
	rows, err := tx.Query(ctx, sqlTryCount, book, account, address, now, now.Add(TryWindow))
	if err != nil {
		return 0, fmt.Errorf("count try: %w", err)
	}
	var kind string
	var tries int
	var ends time.Time
	var crossed bool
	_, err = pgx.ForEachRow(rows, []any{&kind, &tries, &ends}, func() error {
		most := AccountTries
		if kind == "address" {
			most = AddressTries
		}
		if tries > most {
			wait = max(wait, ends.Sub(now))
			crossed = crossed || tries == most+1
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count try: %w", err)
	}
	if crossed { // once a window, or a flood would fill the audit trail
		err = Record(ctx, tx, book, signInEvent("sign_in.too_many", person, try, now))
	}
	return wait, err
}

// A code is used up by being stored as the last one. That the credentials are still the ones that
// were compared closes the gap in which somebody disabled the account or changed the password.
// A wrong try sends the statement too ($6), and it finds nothing.
const sqlSignInUse = `
update person set totp_step = greatest(totp_step, $5)
 where $6 and book_id = $1 and id = $2 and state = 'active'
   and password = $3 and totp_secret is not distinct from $4
   and ($5 = 0 or totp_step < $5)`

const sqlTryGiveBack = `
with mine as (
  select book_id, kind, subject from sign_in_attempt
   where book_id = $1 and (kind, subject) in (('account', $2::bytea), ('address', $3::bytea))
   order by kind for update
)
update sign_in_attempt a set tries = greatest(a.tries - 1, 0)
  from mine m where (a.book_id, a.kind, a.subject) = (m.book_id, m.kind, m.subject)`

// settleTry uses up what the try proved itself by and carries out the effect; false when the try was wrong or its code
// already used. Up to the answer every try sends the same statements, whoever and whatever was wrong: otherwise the time a
// refusal takes would tell a right password.
func settleTry(ctx context.Context, tx pgx.Tx, book int32, try Try, who credentials, right bool, s second, effect func(pgx.Tx, uuid.UUID, Means) error, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, sqlSignInUse, book, who.person, who.password, who.secret, s.step, right)
	if err != nil {
		return false, fmt.Errorf("use code: %w", err)
	}
	right = tag.RowsAffected() == 1
	if s.recovery != nil {
		if right, err = useRecovery(ctx, tx, book, who.person, s.recovery, right, now); err != nil {
			return false, err
		}
	}
	if !right {
		return false, Record(ctx, tx, book, signInEvent("sign_in.wrong", who.person, try, now))
	}
	if err := giveBack(ctx, tx, book, try); err != nil {
		return false, err
	}
	return true, effect(tx, who.person, s.by)
}

// giveBack takes a try that succeeded off the count.
func giveBack(ctx context.Context, tx pgx.Tx, book int32, try Try) error {
	account, address := trySubjects(try)
	if _, err := tx.Exec(ctx, sqlTryGiveBack, book, account, address); err != nil {
		return fmt.Errorf("give try back: %w", err)
	}
	return nil
}

// welcome opens the session of a sign-in that succeeded. Its id is always a new one.
func welcome(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, try Try, proof Proof, now time.Time) (string, error) {
	token, err := openSession(ctx, tx, book, person, deviceText(try.Device), try.IP, proof, now)
	if err != nil {
		return "", err
	}
	e := signInEvent("sign_in.ok", person, try, now)
	e.Detail = map[string]any{"ip": try.IP.String(), "by": proof.By}
	return token, Record(ctx, tx, book, e)
}

const sqlBeginCount = `
insert into sign_in_attempt as a (book_id, kind, subject, tries, window_ends)
values ($1, 'address', $2, 1, $4)
on conflict (book_id, kind, subject) do update
   set tries       = case when a.window_ends <= $3 then 1 else a.tries + 1 end,
       window_ends = case when a.window_ends <= $3 then $4 else a.window_ends end
returning tries, window_ends`

// countedBegin begins something for a browser that nobody knows yet, so often from one address and no more: a question
// costs us a row. ErrTooMany (as TooMany).
func countedBegin(ctx context.Context, db pg.Beginner, book int32, ip netip.Addr, now time.Time, fn func(pgx.Tx) error) error {
	var tries int
	var ends time.Time
	_, address := trySubjects(Try{IP: ip})
	err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, sqlBeginCount, book, address, now, now.Add(TryWindow)).Scan(&tries, &ends)
		if err != nil || tries > AddressTries {
			return err
		}
		return fn(tx)
	})
	if err != nil {
		return fmt.Errorf("begin sign-in: %w", err)
	}
	if tries > AddressTries {
		return TooMany{RetryAfter: ends.Sub(now)}
	}
	return nil
}

// signInEvent names a known person only: what was typed as a login may be a password.
func signInEvent(what string, person uuid.UUID, try Try, now time.Time) Event {
	e := Event{At: now, What: what, Detail: map[string]string{"ip": try.IP.String()}}
	if person != uuid.Nil {
		e.Object = personObject(person)
	}
	if what == "sign_in.ok" {
		e.Who = person
	}
	return e
}

// trySubjects hashes what a try is counted under. An IPv6 customer owns a /64.
func trySubjects(try Try) (account, address []byte) {
	ip := try.IP.Unmap()
	if ip.Is6() {
		if net, err := ip.WithZone("").Prefix(64); err == nil {
			ip = net.Addr()
		}
	}
	a, b := sha256.Sum256([]byte(foldLogin(try.Login))), sha256.Sum256([]byte(ip.String()))
	return a[:], b[:]
}

// deviceText keeps what a page can show of the browser's name for itself.
func deviceText(device string) string {
	device = strings.ToValidUTF8(device[:min(len(device), 4*maxDeviceText)], "")
	device = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, device)
	if runes := []rune(device); len(runes) > maxDeviceText {
		device = string(runes[:maxDeviceText])
	}
	return device
}
