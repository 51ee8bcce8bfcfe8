package staff

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
)

var (
	// ErrNoPerson means that the book has no such person. Answer 404.
	ErrNoPerson = errors.New("no such person")
	// ErrLoginTaken means that somebody of the book has this login. Ask for another.
	ErrLoginTaken = errors.New("login is taken")
	// ErrPersonInvalid means that a login, a name or a language is not acceptable. Say so at the form.
	ErrPersonInvalid = errors.New("login, name or language is not acceptable")
	// ErrOwn means that somebody tries to decide about what is their own: a request, a role, the
	// account itself. Say that a second person must do it.
	ErrOwn = errors.New("a second person must do this")
)

// PersonState says whether somebody may sign in.
type PersonState string

const (
	Active   PersonState = "active"
	Disabled PersonState = "disabled"
)

// Person is somebody who signs in to one book.
type Person struct {
	ID        uuid.UUID
	Login     string // lower-case ASCII
	NameZH    string
	NameEN    string
	Lang      string // "zh-CN" or "en"
	Email     string // where requests are announced to; may be empty. One address is one person
	State     PersonState
	HasFactor bool // a time-based code is asked at sign-in
	CreatedAt time.Time
}

// Name is the person's name in lang.
func (p Person) Name(lang string) string {
	if lang == "en" {
		return p.NameEN
	}
	return p.NameZH
}

const sqlPersonInsert = `
insert into person (book_id, id, login, name_zh, name_en, lang, password, created_at, password_due)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// Create adds a person without any role. hash comes from Hasher.Hash, made before the transaction
// began; ID, State and CreatedAt of p are set here. by is nil for the command line; else it is the admin who sees the
// initial password, which its owner must then replace. ErrLoginTaken, ErrPersonInvalid.
func Create(ctx context.Context, tx pgx.Tx, book int32, p Person, hash string, by uuid.UUID, now time.Time) (Person, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Person{}, fmt.Errorf("make person id: %w", err)
	}
	p.ID, p.State, p.CreatedAt, p.HasFactor = id, Active, now, false
	p.Login = foldLogin(p.Login)
	if p.Login == "" || !nameOK(p.NameZH) || !nameOK(p.NameEN) || p.Lang != "zh-CN" && p.Lang != "en" {
		return Person{}, ErrPersonInvalid
	}
	_, err = tx.Exec(ctx, sqlPersonInsert, book, p.ID, p.Login, p.NameZH, p.NameEN, p.Lang, hash, now, by != uuid.Nil)
	if violates(err, "person_book_id_login_key") {
		return Person{}, fmt.Errorf("%w: %s", ErrLoginTaken, p.Login)
	}
	if err != nil {
		return Person{}, fmt.Errorf("create person: %w", err)
	}
	return p, Record(ctx, tx, book, Event{At: now, Who: by, What: "person.create", Object: personObject(p.ID),
		Detail: map[string]string{"login": p.Login}})
}

const personSelect = `
select id, login, name_zh, name_en, lang, email, state, totp_secret is not null, created_at
  from person`

const sqlPersonByLogin = personSelect + `
 where book_id = $1 and login = $2`

// ByLogin finds a person in whatever case the login is written, or ErrNoPerson.
func ByLogin(ctx context.Context, q pg.Querier, book int32, login string) (Person, error) {
	return onePerson(q.Query(ctx, sqlPersonByLogin, book, foldLogin(login)))
}

const sqlPersonByID = personSelect + `
 where book_id = $1 and id = $2`

// ByID finds a person, or ErrNoPerson.
func ByID(ctx context.Context, q pg.Querier, book int32, id uuid.UUID) (Person, error) {
	return onePerson(q.Query(ctx, sqlPersonByID, book, id))
}

const sqlPersonList = personSelect + `
 where book_id = $1 and login > $2
 order by login limit $3`

// People lists persons by login; after is the last login of the previous page, n at most 200.
func People(ctx context.Context, q pg.Querier, book int32, after string, n int) ([]Person, error) {
	rows, err := q.Query(ctx, sqlPersonList, book, after, limit(n))
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return pgx.CollectRows(rows, scanPerson)
}

func onePerson(rows pgx.Rows, err error) (Person, error) {
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPerson)
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, ErrNoPerson
	}
	return p, err
}

func scanPerson(row pgx.CollectableRow) (Person, error) {
	var p Person
	err := row.Scan(&p.ID, &p.Login, &p.NameZH, &p.NameEN, &p.Lang, &p.Email, &p.State, &p.HasFactor, &p.CreatedAt)
	return p, err
}

const sqlPersonPassword = `
update person set password = $3, password_due = $4 where book_id = $1 and id = $2`

// SetPassword replaces the password and ends all the person's sessions. One set by somebody else is an initial password,
// which its owner must replace before anything else. hash comes from Hasher.Hash.
func SetPassword(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, hash string, now time.Time) error {
	if err := updateOne(ctx, tx, sqlPersonPassword, book, person, hash, person != by); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if err := revokeSessions(ctx, tx, book, person, now); err != nil {
		return err
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "person.password", Object: personObject(person)})
}

const sqlPasswordOf = `
select coalesce(password, '') from person where book_id = $1 and id = $2`

// IsPassword tells whether this is the password that the person has now.
func IsPassword(ctx context.Context, q pg.Querier, h *Hasher, i Identity, password string) (bool, error) {
	var phc string
	if err := q.QueryRow(ctx, sqlPasswordOf, i.Book, i.Person.ID).Scan(&phc); err != nil {
		return false, fmt.Errorf("read password: %w", err)
	}
	return h.matches(ctx, phc, password)
}

const sqlPersonState = `
update person set state = $3 where book_id = $1 and id = $2`

// SetState disables a person, which ends their sessions, or lets them in again. Nobody does it to
// themselves (ErrOwn), so that the last admin cannot lock everybody out.
func SetState(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, state PersonState, now time.Time) error {
	if person == by {
		return ErrOwn
	}
	if err := updateOne(ctx, tx, sqlPersonState, book, person, state); err != nil {
		return fmt.Errorf("set state of person: %w", err)
	}
	if state != Active {
		if err := revokeSessions(ctx, tx, book, person, now); err != nil {
			return err
		}
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "person." + string(state), Object: personObject(person)})
}

const sqlPersonLang = `
update person set lang = $3 where book_id = $1 and id = $2`

// SetLang changes the language in which the person is spoken to.
func SetLang(ctx context.Context, tx pgx.Tx, book int32, person uuid.UUID, lang string) error {
	err := updateOne(ctx, tx, sqlPersonLang, book, person, lang)
	if violates(err, "person_lang_check") {
		return fmt.Errorf("%w: language %q", ErrPersonInvalid, lang)
	}
	return err
}

// ErrEmail means that an e-mail address cannot be one, or is that of another person of the book. Say so at the form.
var ErrEmail = errors.New("e-mail address is not acceptable or belongs to another account")

const sqlPersonEmail = `
update person set email = $3 where book_id = $1 and id = $2`

// SetEmail says where requests are announced to; empty for nowhere. ErrEmail, ErrNoPerson.
func SetEmail(ctx context.Context, tx pgx.Tx, book int32, person, by uuid.UUID, email string, now time.Time) error {
	email, err := foldEmail(email)
	if err != nil {
		return err
	}
	err = updateOne(ctx, tx, sqlPersonEmail, book, person, email)
	if violates(err, "person_email") {
		return ErrEmail
	}
	if err != nil {
		return err
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "person.email", Object: personObject(person)})
}

// updateOne runs an update of one person by book and id, or says ErrNoPerson.
func updateOne(ctx context.Context, tx pgx.Tx, sql string, book int32, person uuid.UUID, args ...any) error {
	tag, err := tx.Exec(ctx, sql, append([]any{book, person}, args...)...)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return ErrNoPerson
	}
	return nil
}

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// foldLogin is the one spelling of a login; empty, which nobody has, for what cannot be one.
func foldLogin(login string) string {
	if len(login) > 1000 {
		return ""
	}
	login = strings.ToLower(strings.TrimSpace(fold(login)))
	if !loginPattern.MatchString(login) {
		return ""
	}
	return login
}

// nameOK wants one to a hundred characters that a page and a printer can show.
func nameOK(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 1 && n <= 100 && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

func personObject(id uuid.UUID) string { return "person:" + id.String() }

// violates tells whether the database refused for the named constraint.
func violates(err error, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == constraint
}
