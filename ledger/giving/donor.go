package giving

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"sunfund/internal/seal"
	"sunfund/ledger"
)

// Errors about donors and their personal data.
var (
	ErrNoDonor = errors.New("no such donor")
	ErrErased  = errors.New("donor is erased")
)

// Personal is what a donor told of themselves. Show Name to the public only through Gift.ShownName.
type Personal struct {
	Name    string
	Email   string
	Message string // with one gift
}

// Places of personal data: what is sealed opens there only, and equal texts of two places have nothing in common.
const (
	placeName    = "name"
	placeEmail   = "email"
	placeMessage = "message"
)

func donorPlace(book *ledger.Book, donor uuid.UUID) string {
	return "book " + strconv.Itoa(int(book.ID)) + " donor " + donor.String()
}

func indexPlace(book *ledger.Book, what string) string {
	return "book " + strconv.Itoa(int(book.ID)) + " " + what
}

// searched is a name or address as it is compared: compatible forms, case and outer space make no difference.
func searched(text string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.TrimSpace(text))))
}

// sealed is a donor's data, and what they wrote with one gift, as the database holds them.
type sealed struct {
	donor                 *uuid.UUID // nil: nothing was told
	by                    *string    // nil: erased
	key                   []byte
	name, email, message  []byte
	nameIndex, emailIndex *int64 // written, never read
}

// Columns and tables of what sealed.targets scans, beside a gift or checkout g.
const (
	donorColumns = `g.donor_id, d.key_id, d.key, d.name, d.email, m.text`
	donorTables  = `
  left join private.donor d on d.book_id = g.book_id and d.id = g.donor_id
  left join private.message m on m.book_id = g.book_id and m.donor_id = g.donor_id and m.gift_id = g.id`
)

func (s *sealed) targets(more ...any) []any {
	return append(more, &s.donor, &s.by, &s.key, &s.name, &s.email, &s.message)
}

// erased tells a donor who was erased from one who never told anything.
func (s *sealed) erased() bool { return s.donor != nil && s.by == nil }

// sealDonor makes a key for a new donor and seals what they told, and what they wrote with the gift. Without a donor when they told nothing.
func sealDonor(book *ledger.Book, donor, gift uuid.UUID, p Personal) (*sealed, error) {
	if p == (Personal{}) {
		return &sealed{}, nil
	}
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	place := donorPlace(book, donor)
	key, wrapped, err := book.Keys.New(place)
	if err != nil {
		return nil, fmt.Errorf("seal donor %s: %w", donor, err)
	}
	s := &sealed{donor: &donor, by: &wrapped.By, key: wrapped.Key}
	if p.Name != "" {
		s.name, s.nameIndex = key.Seal(place+" "+placeName, p.Name), index(book, placeName, p.Name)
	}
	if p.Email != "" {
		s.email, s.emailIndex = key.Seal(place+" "+placeEmail, p.Email), index(book, placeEmail, p.Email)
	}
	if p.Message != "" {
		s.message = key.Seal(messagePlace(place, gift), p.Message)
	}
	return s, nil
}

func messagePlace(donor string, gift uuid.UUID) string {
	return donor + " " + placeMessage + " " + gift.String()
}

func index(book *ledger.Book, what, text string) *int64 {
	at := book.Keys.Index(indexPlace(book, what), searched(text))
	return &at
}

// indexes are where a typed name or address may be found.
func indexes(book *ledger.Book, what, typed string) []int64 {
	text := searched(typed)
	if book.Keys == nil || text == "" {
		return nil
	}
	return book.Keys.Indexes(indexPlace(book, what), text)
}

// open decrypts. Of an erased donor, and of one who told nothing, there is nothing.
func (s *sealed) open(book *ledger.Book, gift uuid.UUID) (p Personal, err error) {
	if s.by == nil {
		return p, nil
	}
	if book.Keys == nil {
		return p, ledger.ErrNoKeys
	}
	place := donorPlace(book, *s.donor)
	key, err := book.Keys.Unwrap(seal.Wrapped{By: *s.by, Key: s.key}, place)
	if err != nil {
		return p, fmt.Errorf("open key of donor %s: %w", *s.donor, err)
	}
	for _, part := range []struct {
		sealed []byte
		place  string
		text   *string
	}{{s.name, place + " " + placeName, &p.Name}, {s.email, place + " " + placeEmail, &p.Email}, {s.message, messagePlace(place, gift), &p.Message}} {
		if part.sealed == nil {
			continue
		}
		if *part.text, err = key.Open(part.place, part.sealed); err != nil {
			return Personal{}, fmt.Errorf("open data of donor %s: %w", *s.donor, err)
		}
	}
	return p, nil
}

// sealAll seals the personal data of payments that bring their own, before any transaction. What a checkout brought was
// sealed when it was started. Payments that would be refused anyway are left alone.
func sealAll(book *ledger.Book, paid []Paid) error {
	for i := range paid {
		p := &paid[i]
		if p.sealed != nil || p.Personal() == (Personal{}) || p.check() != nil {
			continue
		}
		id := p.ID
		if id == uuid.Nil {
			id = GiftID(book, p.Channel, p.Ref, p.PaidAt)
		}
		var err error
		if p.sealed, err = sealDonor(book, id, id, p.Personal()); err != nil { // one donor a gift as long as donors have no account
			return err
		}
	}
	return nil
}

const (
	sqlDonorsInsert = `
insert into private.donor (book_id, id, created_at, name_index, email_index, key_id, key, name, email)
select $1, unnest($2::uuid[]), unnest($3::timestamptz[]), unnest($4::int8[]), unnest($5::int8[]), unnest($6::text[]),
       unnest($7::bytea[]), unnest($8::bytea[]), unnest($9::bytea[])`

	sqlMessagesInsert = `
insert into private.message (book_id, donor_id, gift_id, text)
select $1, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::bytea[])`
)

// donorRows are the columns of new donors and of what they wrote.
type donorRows struct {
	id                    []uuid.UUID
	at                    []time.Time
	nameIndex, emailIndex []*int64
	by                    []*string
	key, name, email      [][]byte
	writer, gift          []uuid.UUID
	text                  [][]byte
}

func (r *donorRows) add(s *sealed, gift uuid.UUID, at time.Time) {
	r.id, r.at = append(r.id, *s.donor), append(r.at, at)
	r.nameIndex, r.emailIndex = append(r.nameIndex, s.nameIndex), append(r.emailIndex, s.emailIndex)
	r.by, r.key, r.name, r.email = append(r.by, s.by), append(r.key, s.key), append(r.name, s.name), append(r.email, s.email)
	if s.message != nil {
		r.writer, r.gift, r.text = append(r.writer, *s.donor), append(r.gift, gift), append(r.text, s.message)
	}
}

// queue has the rows written in the round trip of q.
func (r *donorRows) queue(q *pgx.Batch, book *ledger.Book) {
	if len(r.id) > 0 {
		q.Queue(sqlDonorsInsert, book.ID, r.id, r.at, r.nameIndex, r.emailIndex, r.by, r.key, r.name, r.email)
	}
	if len(r.writer) > 0 {
		q.Queue(sqlMessagesInsert, book.ID, r.writer, r.gift, r.text)
	}
}
