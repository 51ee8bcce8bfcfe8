package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// DonorRecord is all that the book holds on a donor: what was told with one gift, to whom its receipts were made out, and what was told
// elsewhere under the same e-mail address. A name alone makes nobody the same person.
type DonorRecord struct {
	Donors   []Donor
	Gifts    []Gift     // latest first, a thousand at most: see EachGift
	Started  []Checkout // begun and not booked, latest first, a thousand at most
	Namesake int        // donors of the same name whose data are not in this record
}

// Donor is one key with what it seals, but the messages, which stand with their gifts.
type Donor struct {
	ID        uuid.UUID
	Name      string
	Email     string
	CreatedAt time.Time
	ErasedAt  *time.Time // what was told is gone
}

// Called is the name, or the address when there is none.
func (r *DonorRecord) Called() string {
	for _, d := range r.Donors {
		if d.Name != "" {
			return d.Name
		}
	}
	for _, d := range r.Donors {
		if d.Email != "" {
			return d.Email
		}
	}
	return ""
}

// Erased tells whether nothing is left to erase.
func (r *DonorRecord) Erased() bool {
	for _, d := range r.Donors {
		if d.ErasedAt == nil {
			return false
		}
	}
	return true
}

// IDs are the record's donors.
func (r *DonorRecord) IDs() []uuid.UUID {
	ids := make([]uuid.UUID, len(r.Donors))
	for i := range r.Donors {
		ids[i] = r.Donors[i].ID
	}
	return ids
}

const (
	sqlDonors = `
select id, created_at, erased_at, key_id, key, name, email
  from private.donor where book_id = $1 and id = any($2::uuid[]) order by created_at desc, id desc`

	sqlDonorsByEmail = `
select d.id from unnest($2::int8[]) x join private.donor d on d.book_id = $1 and d.email_index = x
 where d.id <> $3 order by d.id desc`

	// Receipts for these donors' gifts may be made out to another name.
	sqlPayersOfDonors = `
select distinct i.donor_id
  from gift g
  join receipt_gift p on p.book_id = g.book_id and p.gift_id = g.id
  join receipt i on i.book_id = g.book_id and i.id = p.receipt_id
 where g.book_id = $1 and g.donor_id = any($2::uuid[]) and i.donor_id <> all($2::uuid[])`

	sqlDonorsByName = `
select count(*) from unnest($2::int8[]) x join private.donor d on d.book_id = $1 and d.name_index = x where d.id <> all($3::uuid[])`

	sqlGiftsOfDonors = `
select ` + giftColumns + ` from ` + giftTables + `
 where g.book_id = $1 and g.donor_id = any($2::uuid[]) order by g.id desc limit $3`

	// A started gift's donor has its id, as long as donors have no account.
	sqlCheckoutsOfDonors = `
select ` + checkoutColumns + `
  from checkout g` + donorTables + `
 where g.book_id = $1 and g.id = any($2::uuid[]) and g.donor_id is not null and g.state <> 'paid' order by g.id desc limit $3`
)

// recordMax bounds the lists of gifts in a donor's record; EachGift and YearsOf know no bound. Who the donor is knows none either:
// each gift may have been told with the address anew, and erasing leaves none of them.
const recordMax = 1000

// ReadDonor reads all that the book holds on a donor, or ErrNoDonor.
func ReadDonor(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*DonorRecord, error) {
	r := &DonorRecord{}
	first, err := donors(ctx, q, book, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoDonor, id)
	}
	ids := []uuid.UUID{id}
	if first[0].Email != "" {
		rows, err := q.Query(ctx, sqlDonorsByEmail, book.ID, indexes(book, placeEmail, first[0].Email), id)
		if err != nil {
			return nil, fmt.Errorf("find donors by address: %w", err)
		}
		others, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return nil, fmt.Errorf("find donors by address: %w", err)
		}
		ids = append(ids, others...)
	}
	found, err := donors(ctx, q, book, ids)
	if err != nil {
		return nil, err
	}
	ids = ids[:0]
	for _, d := range found {
		if d.ID == id || searched(d.Email) == searched(first[0].Email) { // and not just the same index
			r.Donors, ids = append(r.Donors, d), append(ids, d.ID)
		}
	}
	rows, err := q.Query(ctx, sqlPayersOfDonors, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("find payers of receipts: %w", err)
	}
	payers, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("find payers of receipts: %w", err)
	}
	if found, err = donors(ctx, q, book, payers); err != nil {
		return nil, err
	}
	r.Donors, ids = append(r.Donors, found...), append(ids, payers...)
	return r, r.read(ctx, q, book, ids, first[0].Name)
}

// read fills in what belongs to the donors.
func (r *DonorRecord) read(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID, name string) (err error) {
	b := &pgx.Batch{}
	b.Queue(sqlGiftsOfDonors, book.ID, ids, recordMax).Query(func(rows pgx.Rows) (err error) {
		r.Gifts, err = pgx.CollectRows(rows, scanGift(book))
		return err
	})
	b.Queue(sqlCheckoutsOfDonors, book.ID, ids, recordMax).Query(func(rows pgx.Rows) (err error) {
		r.Started, err = pgx.CollectRows(rows, scanCheckout(book))
		return err
	})
	b.Queue(sqlDonorsByName, book.ID, indexes(book, placeName, name), ids).QueryRow(func(row pgx.Row) error { return row.Scan(&r.Namesake) })
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("read what belongs to a donor: %w", err)
	}
	return nil
}

func donors(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) ([]Donor, error) {
	rows, err := q.Query(ctx, sqlDonors, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read donors: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Donor, err error) {
		var s sealed
		if err := row.Scan(&d.ID, &d.CreatedAt, &d.ErasedAt, &s.by, &s.key, &s.name, &s.email); err != nil {
			return d, err
		}
		s.donor = &d.ID
		told, err := s.open(book, uuid.Nil)
		d.Name, d.Email = told.Name, told.Email
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read donors: %w", err)
	}
	return list, nil
}
