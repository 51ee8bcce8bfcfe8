package projects

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ErrPayee means that the payee may not be paid: not verified, its account too new, locked after a payment came back, or barred.
var ErrPayee = errors.New("payee may not be paid now")

// Cooling is how long a new account rests before money may go there. Whoever noticed nothing on the first day may on the second.
const Cooling = 72 * time.Hour

// Payee is whom contracts and aid are paid to. An organisation stands in the directory by name; of a household only a code does, its name
// and account are sealed as a donor's are.
type Payee struct {
	ID         uuid.UUID
	Number     int32
	Kind       string // Organisation, Household
	Name       string
	Standing   string // Registered, Filed, Other
	Code       string // credit code or filing number
	Services   string // what it offers
	Contact    string
	StreetID   *int32 // of a household
	DonorID    *uuid.UUID
	Credit     string // Good, Warned, Barred
	State      string // Entered, Verified, Locked
	AccountID  *uuid.UUID
	VerifiedAt *time.Time
	EnteredBy  uuid.UUID
	Version    int32
	Holder     string // of an organisation's account
	Bank       string
	BankCode   string
	Account    string
	UsableAt   *time.Time // from when money may go there
}

// Kinds, standings, credit and states of a payee.
const (
	Organisation = "organisation"
	Household    = "household"

	Registered = "registered" // with the civil affairs office
	Filed      = "filed"      // with its street
	Other      = "other"      // a firm, or one that is neither

	Good   = "good"
	Warned = "warned"
	Barred = "barred" // gets no new contract and no payment

	Entered  = "entered"
	Verified = "verified"
	Locked   = "locked" // a payment came back: somebody else looks at the account again
)

// Object names the payee in its history, beside its papers and to rules about payees.
func (p *Payee) Object() string { return giving.Object("payee", p.ID) }

// Ready is nil when money may go to the payee at now; else ErrPayee with the reason.
func (p *Payee) Ready(now time.Time) error {
	switch {
	case p.Credit == Barred:
		return fmt.Errorf("%w: barred", ErrPayee)
	case p.State != Verified:
		return fmt.Errorf("%w: %s", ErrPayee, p.State)
	case p.UsableAt == nil || now.Before(*p.UsableAt):
		return fmt.Errorf("%w: account rests", ErrPayee)
	}
	return nil
}

const (
	payeeColumns = `p.id, p.number, p.kind, p.name, p.standing, p.code, p.services, p.contact, p.street_id, p.donor_id, p.credit, p.state, p.account_id, p.verified_at, p.entered_by, p.version,
       coalesce(a.holder, ''), coalesce(a.bank, ''), coalesce(a.bank_code, ''), coalesce(a.number, ''), coalesce(a.usable_at, p.verified_at + $2::interval)`

	payeeTables = `payee p left join payee_account a on a.book_id = p.book_id and a.id = p.account_id`

	sqlPayeeByID = `select ` + payeeColumns + ` from ` + payeeTables + ` where p.book_id = $1 and p.id = $3`

	sqlPayees = `
select ` + payeeColumns + `
  from ` + payeeTables + `
 where p.book_id = $1 and ($3 or p.kind = 'organisation' or p.street_id = any($4::int4[])) and ($5 = '' or p.kind = $5) and ($6 = '' or p.standing = $6) and ($7 = '' or p.credit = $7)
   and ($8 = '' or position(lower($8) in lower(p.name || ' ' || p.code || ' ' || p.services)) > 0) and ($9 = 0 or p.number < $9)
 order by p.number desc limit $10`

	sqlPayeeNext = `select coalesce(max(number), 0) + 1 from payee where book_id = $1`

	sqlPayeeInsert = `
insert into payee (book_id, id, number, kind, name, standing, code, services, contact, street_id, donor_id, credit, state, entered_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'good', 'entered', $12)`

	sqlPayeeCode = `select exists (select from payee where book_id = $1 and code = $2)`

	sqlPayeeMove = `
update payee set credit = $4, state = $5, account_id = $6, verified_at = $7, version = version + 1 where book_id = $1 and id = $2 and version = $3`

	sqlAccountInsert = `
insert into payee_account (book_id, id, payee_id, holder, bank, bank_code, number, asked_by, agreed_by, agreed_at, usable_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
)

// PayeeFilter narrows the directory. Zero values narrow nothing, but Streets: the households of which streets are seen.
type PayeeFilter struct {
	All      bool
	Streets  []int32
	Kind     string
	Standing string
	Credit   string
	Text     string // in name, code or services
	Before   int32
	Limit    int
}

// PageMax is how many records one page lists; limitMax how many one may ask for.
const (
	PageMax  = 50
	limitMax = 501
)

func limitOf(n int) int {
	if n < 1 || n > limitMax {
		return PageMax
	}
	return n
}

// PayeeByID reads a payee, or giving.ErrNoRecord.
func PayeeByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Payee, error) {
	return giving.Record[Payee](ctx, q, sqlPayeeByID, book.ID, Cooling, id)
}

// Payees lists the directory, newest first.
func Payees(ctx context.Context, q pg.Querier, book *ledger.Book, f PayeeFilter) ([]Payee, error) {
	rows, err := q.Query(ctx, sqlPayees, book.ID, Cooling, f.All, f.Streets, f.Kind, f.Standing, f.Credit, f.Text, f.Before, limitOf(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("list payees: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Payee])
}

// Home is what a household's record is made of. It is sealed and never part of a request.
type Home struct{ Name, Bank, Account string }

// sqlNumberLock makes those who number something take turns until they commit.
const sqlNumberLock = `select pg_advisory_xact_lock(hashtextextended('projects number:' || $1::int4, 0))`

// number is the next number that a query finds.
func number(ctx context.Context, q pg.Querier, book *ledger.Book, sql string) (next int32, err error) {
	if _, err := q.Exec(ctx, sqlNumberLock, book.ID); err != nil {
		return 0, fmt.Errorf("lock numbers: %w", err)
	}
	if err := q.QueryRow(ctx, sql, book.ID).Scan(&next); err != nil {
		return 0, fmt.Errorf("number record: %w", err)
	}
	return next, nil
}

// EnterPayee plans an organisation's place in the directory; it has no account yet. *giving.FieldErrors.
func EnterPayee(ctx context.Context, q pg.Querier, book *ledger.Book, p Payee) (*giving.Move, error) {
	var wrong giving.FieldErrors
	p.Kind, p.Code = Organisation, strings.ToUpper(p.Code)
	wrong.Text("name", p.Name, 1, 100)
	wrong.Text("services", p.Services, 0, 200)
	wrong.Text("contact", p.Contact, 0, 100)
	if p.Standing != Other || p.Code != "" {
		wrong.Text("code", p.Code, 4, 40)
	}
	var taken bool
	if err := q.QueryRow(ctx, sqlPayeeCode, book.ID, p.Code).Scan(&taken); err != nil {
		return nil, fmt.Errorf("look for payee: %w", err)
	}
	if taken && p.Code != "" {
		wrong.Refuse("code", "payee.code.taken")
	}
	var err error
	if p.Number, err = number(ctx, q, book, sqlPayeeNext); err != nil {
		return nil, err
	}
	return p.entered(book, "payee-entered", nil), wrong.Err()
}

// EnterHome plans a household that gets aid: its code stands in the directory, name and account are sealed. It never changes: another
// account is another record. *giving.FieldErrors.
func EnterHome(ctx context.Context, q pg.Querier, book *ledger.Book, p Payee, h Home, now time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	p.Kind, p.Standing, p.Code = Household, Other, ""
	wrong.Text("name", h.Name, 1, 60)
	wrong.Text("bank", h.Bank, 1, 100)
	h.Account = strings.ToUpper(strings.ReplaceAll(h.Account, " ", ""))
	if !accountNumber.MatchString(h.Account) {
		wrong.Refuse("account", "payee.account.wrong")
	}
	if p.StreetID == nil {
		wrong.Refuse("street", "payee.street.none")
	}
	var err error
	if p.Number, err = number(ctx, q, book, sqlPayeeNext); err != nil {
		return nil, err
	}
	p.Name = fmt.Sprintf("H-%d", p.Number)
	return p.entered(book, "payee-home-entered", func(ctx context.Context, tx pgx.Tx) (*uuid.UUID, error) {
		id, err := giving.KeepPerson(ctx, tx, book, h.Name, h.Account+" "+h.Bank, now)
		return &id, err
	}), wrong.Err()
}

func (p Payee) entered(book *ledger.Book, act string, keep func(context.Context, pgx.Tx) (*uuid.UUID, error)) *giving.Move {
	return &giving.Move{Source: "payee", Object: p.Object(), Act: act, Note: p.Name, Payee: p.Object(), Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) (err error) {
		if keep != nil {
			if p.DonorID, err = keep(ctx, tx); err != nil {
				return err
			}
		}
		return giving.Settled(ctx, tx, sqlPayeeInsert, book.ID, p.ID, p.Number, p.Kind, p.Name, p.Standing, p.Code, p.Services, p.Contact, p.StreetID, p.DonorID, p.EnteredBy)
	}}
}

func (p *Payee) becomes(book *ledger.Book, to Payee) func(context.Context, pgx.Tx, uuid.UUID) error {
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlPayeeMove, book.ID, p.ID, p.Version, to.Credit, to.State, to.AccountID, to.VerifiedAt)
	}
}

// Account is where an organisation wants its money.
type Account struct{ Holder, Bank, BankCode, Number string }

var (
	accountNumber = regexp.MustCompile(`^[0-9A-Z]{6,34}$`)
	bankCode      = regexp.MustCompile(`^([0-9]{12})?$`)
)

// ChangeAccount plans another account of an organisation, asked for by one person and agreed to by another; it may be used once it has
// rested for Cooling. The account's holder must be the organisation itself. *giving.FieldErrors, giving.ErrStep.
func ChangeAccount(book *ledger.Book, p *Payee, a Account, now time.Time) (*giving.Move, error) {
	if p.Kind != Organisation {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	a.Number = strings.ToUpper(strings.ReplaceAll(a.Number, " ", ""))
	wrong.Text("holder", a.Holder, 1, 100)
	if a.Holder != p.Name {
		wrong.Refuse("holder", "payee.holder.other")
	}
	wrong.Text("bank", a.Bank, 1, 100)
	if !bankCode.MatchString(a.BankCode) {
		wrong.Refuse("bank-code", "payee.bankcode.wrong")
	}
	switch {
	case !accountNumber.MatchString(a.Number):
		wrong.Refuse("account", "payee.account.wrong")
	case a.Number == p.Account && p.State == Verified:
		wrong.Refuse("account", "payee.account.same")
	}
	id, usable := uuid.Must(uuid.NewV7()), now.Add(Cooling)
	to := *p
	to.AccountID, to.State, to.VerifiedAt = &id, Verified, &now
	m := &giving.Move{Source: "payee", Object: p.Object(), Act: "payee-account", Note: a.Bank + " …" + tail(a.Number), Payee: p.Object()}
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if s.Second == uuid.Nil || s.Second == s.By {
			return giving.ErrStep
		}
		if err := giving.Settled(ctx, tx, sqlAccountInsert, book.ID, id, p.ID, a.Holder, a.Bank, a.BankCode, a.Number, s.By, s.Second, now, usable); err != nil {
			return err
		}
		return p.becomes(book, to)(ctx, tx, uuid.Nil)
	}
	return m, wrong.Err()
}

// tail is what of an account's number a history may show.
func tail(number string) string { return number[max(0, len(number)-4):] }

// VerifyPayee plans that a second person has looked at the account: of a household once, from when it rests for Cooling; of anybody after a
// payment came back. giving.ErrStep.
func VerifyPayee(book *ledger.Book, p *Payee, now time.Time) (*giving.Move, error) {
	if p.State == Verified || p.Kind == Organisation && p.AccountID == nil {
		return nil, giving.ErrStep
	}
	to := *p
	to.State, to.VerifiedAt = Verified, &now
	return &giving.Move{Source: "payee", Object: p.Object(), Act: "payee-verified", Note: p.Name, Payee: p.Object(), Settle: p.becomes(book, to)}, nil
}

// lock takes a payee out of payment until somebody else has looked at its account.
func (p *Payee) lock(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	to := *p
	to.State = Locked
	return p.becomes(book, to)(ctx, tx, uuid.Nil)
}

// SetCredit plans a line of the credit record: a warning, a bar, or that it is good again, with the reason. A bar and its lifting take a
// second person. *giving.FieldErrors, giving.ErrStep.
func SetCredit(book *ledger.Book, p *Payee, credit, reason string) (*giving.Move, error) {
	if credit == p.Credit || p.Kind != Organisation {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if credit != Good && credit != Warned && credit != Barred {
		wrong.Refuse("credit", "payee.credit.wrong")
	}
	to := *p
	to.Credit = credit
	return &giving.Move{Source: "payee", Object: p.Object(), Act: "payee-" + credit, Note: reason, Payee: p.Object(), Settle: p.becomes(book, to)}, wrong.Err()
}

// HomeOf opens a household's name and account; nothing is left once they are erased.
func HomeOf(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payee) (Home, error) {
	if p.DonorID == nil {
		return Home{}, nil
	}
	name, told, err := giving.PersonTold(ctx, q, book, *p.DonorID)
	account, bank, _ := strings.Cut(told, " ")
	return Home{name, bank, account}, err
}

// Rating is what finished contracts of a payee were found to be.
type Rating struct {
	Payee     uuid.UUID
	Contracts int32 // assessed by all four sides
	Points    int32 // on average, hundredths of a point
	Running   int32
	Findings  int32 // of visits, not settled
}

const sqlRatings = `
with weighed as (
  select c.book_id, c.payee_id, c.id, sum(s.points * w.value / 100) as points
    from contract c
    join contract_score s on s.book_id = c.book_id and s.contract_id = c.id and s.phase = 'end'
    join assess_scheme w on w.book_id = c.book_id and w.scheme = c.scheme and w.part = 'side' and w.code = s.side
   where c.book_id = $1 and c.payee_id = any($2::uuid[])
   group by 1, 2, 3
  having count(*) = 4)
select p.id, (select count(*) from weighed w where w.payee_id = p.id)::int4, coalesce((select avg(w.points) from weighed w where w.payee_id = p.id), 0)::int4,
       (select count(*) from contract c where c.book_id = $1 and c.payee_id = p.id and c.state in ('signed', 'stopped'))::int4,
       (select count(*) from contract c join contract_visit x on x.book_id = c.book_id and x.contract_id = c.id and x.state in ('open', 'answered') where c.book_id = $1 and c.payee_id = p.id)::int4
  from payee p where p.book_id = $1 and p.id = any($2::uuid[])`

// Ratings tells how the payees' contracts went.
func Ratings(ctx context.Context, q pg.Querier, book *ledger.Book, payees []uuid.UUID) (map[uuid.UUID]Rating, error) {
	rows, err := q.Query(ctx, sqlRatings, book.ID, payees)
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Rating])
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	found := make(map[uuid.UUID]Rating, len(list))
	for _, r := range list {
		found[r.Payee] = r
	}
	return found, nil
}
