package needs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/residents"
)

var (
	// ErrNoItem means that there is no such need, idea, offer or resource, or it is not shown. Answer 404.
	ErrNoItem = errors.New("no such need, offer or resource")
	// ErrSupported means that the resident supports the item already, or filed it. Nothing is to be done.
	ErrSupported = errors.New("resident supports it already")
)

// Books that an item stands in.
const (
	Need  = "need"  // of residents and communities
	Idea  = "idea"  // of residents (金点子); stands beside the needs
	Offer = "offer" // services of social organisations
	Means = "means" // resources and funding
)

// States of an item.
const (
	Filed    = "filed"    // came in, not sorted
	Listed   = "listed"   // shown
	Merged   = "merged"   // into another
	Answered = "answered" // not taken up, with the reason
	Taken    = "taken"    // became a proposal or project
	Done     = "done"
)

// Item is a need, an idea, an offer or means. Who filed it on the phone is an id alone.
type Item struct {
	ID          uuid.UUID
	Number      int32
	Book        string // Need, Idea, Offer, Means
	StreetID    int32  // of an offer or means zero is every street
	CommunityID *int32 // nil: the whole street
	Title       string
	Story       string
	Place       string
	People      int32  // whom it is for or reaches; zero: not told
	Amount      int64  // of means and of what a need would cost; zero: not told
	Firm        string // of an offer or means: who offers. No natural person
	State       string
	Answer      string
	MergedInto  *uuid.UUID
	Resident    *uuid.UUID
	FiledAt     time.Time
	Theme       string     // one of Themes
	PayeeID     *uuid.UUID // of an offer or means: the organisation of the directory
	Supporters  int64
}

// Themes are what needs are about and offers are for.
func Themes() []string {
	return []string{"elderly", "children", "disabled", "families", "homes", "health", "culture", "environment", "safety", "neighbours", "other"}
}

// Object names the item in its history and beside its papers.
func (i *Item) Object() string { return giving.Object("need", i.ID) }

// Name is what the street calls it.
func (i *Item) Name() string { return fmt.Sprintf("N%d", i.Number) }

// Shown tells whether the public may read it.
func (i *Item) Shown() bool { return i.State != Filed }

// ListMax is how many items one page lists.
const ListMax = 50

const (
	columns = `i.id, i.number, i.book, coalesce(i.street_id, 0), i.community_id, i.title, i.story, i.place, i.people, i.amount, i.firm, i.state, i.answer, i.merged_into, i.resident_id, i.filed_at, i.theme, i.payee_id,
       (select count(*) from need_support s where s.book_id = i.book_id and s.need_id = i.id)`

	sqlNext   = `select coalesce(max(number), 0) + 1 from need_item where book_id = $1`
	sqlLock   = `select pg_advisory_xact_lock(hashtextextended('need:' || $1::int4, 0))`
	sqlInsert = `
insert into need_item (book_id, id, number, book, street_id, community_id, title, story, place, people, amount, firm, state, resident_id, filed_at, theme, payee_id)
values ($1, $2, $3, $4, nullif($5, 0), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict (book_id, id) do nothing`

	sqlByID     = `select ` + columns + ` from need_item i where i.book_id = $1 and i.id = $2`
	sqlByIDs    = `select ` + columns + ` from need_item i where i.book_id = $1 and i.id = any($2)`
	sqlByNumber = `select ` + columns + ` from need_item i where i.book_id = $1 and i.number = $2`

	sqlList = `
select ` + columns + ` from need_item i
 where i.book_id = $1 and ($2 or i.street_id = any($3::int4[]) or i.street_id is null and i.state <> 'filed') and (cardinality($4::text[]) = 0 or i.book = any($4::text[])) and ($5 = '' or i.state = $5) and ($6 or i.state <> 'filed')
   and ($7 = '' or i.title || ' ' || i.story || ' ' || i.place || ' ' || i.firm ilike '%' || replace(replace(replace($7, '\', '\\'), '%', '\%'), '_', '\_') || '%')
   and ($8 = 0 or i.community_id = $8) and ($9 = 0 or i.number < $9)
   and ($11 = '' or i.theme = $11) and ($12::uuid is null or i.payee_id = $12) and ($13::uuid is null or i.resident_id = $13)
 order by i.number desc limit $10`

	sqlSettle  = `update need_item set state = $3, answer = $4, merged_into = $5 where book_id = $1 and id = $2 and state = $6`
	sqlSupport = `insert into need_support (book_id, need_id, resident_id) values ($1, $2, $3) on conflict do nothing`
	sqlBacked  = `select exists (select from need_support where book_id = $1 and need_id = $2 and resident_id = $3)`
	sqlMoveUp  = `
insert into need_support (book_id, need_id, resident_id)
select $1::int4, $3::uuid, resident_id from need_support where book_id = $1 and need_id = $2
union select $1::int4, $3::uuid, resident_id from need_item where book_id = $1 and id = $2 and resident_id is not null
on conflict do nothing`

	sqlPhotoAdd = `
insert into need_photo (book_id, need_id, hash, body) select $1, $2, $3, $4
 where (select count(*) from need_photo where book_id = $1 and need_id = $2) < $5 on conflict do nothing`
	sqlPhotos = `select hash from need_photo where book_id = $1 and need_id = $2 order by hash`
	sqlPhoto  = `select body from need_photo where book_id = $1 and need_id = $2 and hash = $3`
)

// check holds what was typed to its limits.
func (i *Item) check() error {
	var wrong giving.FieldErrors
	wrong.Text("title", i.Title, 2, 60)
	wrong.Text("story", i.Story, 0, 1000)
	wrong.Text("place", i.Place, 0, 100)
	wrong.Text("firm", i.Firm, 0, 100)
	if (i.Book == Offer || i.Book == Means) && i.Firm == "" {
		wrong.Refuse("firm", "need.firm.missing")
	}
	if !slices.Contains(Themes(), i.Theme) {
		wrong.Refuse("theme", "need.theme.wrong")
	}
	if i.StreetID == 0 && (i.Book == Need || i.Book == Idea || i.CommunityID != nil) {
		wrong.Refuse("street", "need.street.missing")
	}
	if i.People < 0 || i.People > 1_000_000 {
		wrong.Refuse("people", "offline.number.wrong")
	}
	if i.Amount < 0 || i.Amount > ledger.AmountMax {
		wrong.Refuse("amount", "offline.amount.wrong")
	}
	return wrong.Err()
}

// insert numbers the item and writes it.
func (i *Item) insert(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	if _, err := tx.Exec(ctx, sqlLock, book.ID); err != nil {
		return fmt.Errorf("lock needs: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlNext, book.ID).Scan(&i.Number); err != nil {
		return fmt.Errorf("number need: %w", err)
	}
	_, err := tx.Exec(ctx, sqlInsert, book.ID, i.ID, i.Number, i.Book, i.StreetID, i.CommunityID, i.Title, i.Story, i.Place, i.People, i.Amount, i.Firm, i.State, i.Resident, i.FiledAt, i.Theme, i.PayeeID)
	if err != nil {
		return fmt.Errorf("file need: %w", err)
	}
	return nil
}

// File takes a need or an idea of a resident in; the same id again changes nothing. photos are cleaned by CleanPhoto before.
// *giving.FieldErrors, residents.ErrNoCommunity.
func File(ctx context.Context, tx pgx.Tx, book *ledger.Book, r *residents.Resident, i Item, photos [][]byte, now time.Time) (*Item, error) {
	c, err := residents.CommunityByID(ctx, tx, book, r.CommunityID)
	if err != nil {
		return nil, err
	}
	if i.Book != Idea {
		i.Book = Need
	}
	i.StreetID, i.CommunityID, i.State, i.Resident, i.FiledAt, i.Firm = c.StreetID, &c.ID, Filed, &r.ID, now, ""
	if err := i.check(); err != nil {
		return nil, err
	}
	if err := i.insert(ctx, tx, book); err != nil {
		return nil, err
	}
	for _, body := range photos {
		if err := AddPhoto(ctx, tx, book, &i, body); err != nil {
			return nil, err
		}
	}
	return ByID(ctx, tx, book, i.ID)
}

// AddPhoto puts a photo beside an item, cleaned by CleanPhoto before; what would be more than PhotosMax is left out.
func AddPhoto(ctx context.Context, tx pgx.Tx, book *ledger.Book, i *Item, body []byte) error {
	hash := sha256.Sum256(body)
	if _, err := tx.Exec(ctx, sqlPhotoAdd, book.ID, i.ID, hash[:], body, PhotosMax); err != nil {
		return fmt.Errorf("keep photo: %w", err)
	}
	return nil
}

// Enter plans an item that staff write down: it is shown at once. *giving.FieldErrors.
func Enter(book *ledger.Book, i Item, now time.Time) (*giving.Move, error) {
	i.State, i.FiledAt, i.Resident = Listed, now, nil
	return &giving.Move{Source: "need", Object: i.Object(), Act: "need-entered", Note: i.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return i.insert(ctx, tx, book)
	}}, i.check()
}

// OfferOf plans that an organisation of the directory offers a service; the street sorts it as what residents file. *giving.FieldErrors.
func OfferOf(book *ledger.Book, i Item, payee uuid.UUID, firm string, now time.Time) (*giving.Move, error) {
	i.Book, i.State, i.FiledAt, i.Resident, i.CommunityID, i.PayeeID, i.Firm = Offer, Filed, now, nil, nil, &payee, firm
	return &giving.Move{Source: "need", Object: i.Object(), Act: "need-offered", Note: i.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return i.insert(ctx, tx, book)
	}}, i.check()
}

// Support notes that a resident wants it too. ErrSupported, ErrNoItem when it is not shown.
func Support(ctx context.Context, tx pgx.Tx, book *ledger.Book, r *residents.Resident, i *Item) error {
	if i.State != Listed || i.Book != Need && i.Book != Idea {
		return ErrNoItem
	}
	if i.Resident != nil && *i.Resident == r.ID {
		return ErrSupported
	}
	tag, err := tx.Exec(ctx, sqlSupport, book.ID, i.ID, r.ID)
	if err != nil {
		return fmt.Errorf("support need: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrSupported
	}
	return nil
}

// SupportedBy tells whether a resident supports the item.
func (i *Item) SupportedBy(ctx context.Context, q pg.Querier, book *ledger.Book, r *residents.Resident) (backed bool, err error) {
	if err = q.QueryRow(ctx, sqlBacked, book.ID, i.ID, r.ID).Scan(&backed); err != nil {
		err = fmt.Errorf("read support: %w", err)
	}
	return backed, err
}

func (i *Item) becomes(book *ledger.Book, act, note string, to Item, more func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Source: "need", Object: i.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := giving.Settled(ctx, tx, sqlSettle, book.ID, i.ID, to.State, to.Answer, to.MergedInto, i.State); err != nil || more == nil {
			return err
		}
		return more(ctx, tx)
	}}
}

// List plans showing what came in. giving.ErrStep.
func List(book *ledger.Book, i *Item) (*giving.Move, error) {
	if i.State != Filed {
		return nil, giving.ErrStep
	}
	to := *i
	to.State = Listed
	return i.becomes(book, "need-listed", i.Title, to, nil), nil
}

// Reply plans an answer that ends the item: not taken up, or done. *giving.FieldErrors, giving.ErrStep.
func Reply(book *ledger.Book, i *Item, state, answer string) (*giving.Move, error) {
	if i.State != Filed && i.State != Listed && i.State != Taken || state != Answered && state != Done || state == Done && i.State == Filed {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("answer", answer, 2, 400)
	to := *i
	to.State, to.Answer = state, answer
	return i.becomes(book, "need-"+state, answer, to, nil), wrong.Err()
}

// Merge plans putting an item into another of its street that says the same: its supporters, and who filed it, support that one.
// giving.ErrStep.
func Merge(book *ledger.Book, i, into *Item) (*giving.Move, error) {
	if i.State != Filed && i.State != Listed || into.State != Listed || into.ID == i.ID || into.StreetID != i.StreetID || into.Book != i.Book {
		return nil, giving.ErrStep
	}
	to := *i
	to.State, to.MergedInto = Merged, &into.ID
	return i.becomes(book, "need-merged", into.Name()+" "+into.Title, to, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlMoveUp, book.ID, i.ID, into.ID); err != nil {
			return fmt.Errorf("move supporters: %w", err)
		}
		return nil
	}), nil
}

// Filter narrows a list.
type Filter struct {
	All       bool // of every street; else of Streets
	Streets   []int32
	Books     []string // none: all
	State     string
	Filed     bool // what was not sorted as well: for staff
	Search    string
	Community int32
	Theme     string
	Payee     *uuid.UUID // whose offers
	Resident  *uuid.UUID // who filed it
	Before    int32
	Limit     int // zero: one more than ListMax
}

func (f *Filter) limit() int {
	if f.Limit < 1 || f.Limit > pairsMax {
		return ListMax + 1
	}
	return f.Limit
}

// Find lists items, newest first.
func Find(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Item, error) {
	books := f.Books
	if books == nil {
		books = []string{}
	}
	rows, err := q.Query(ctx, sqlList, book.ID, f.All, f.Streets, books, f.State, f.Filed, strings.TrimSpace(f.Search), f.Community, f.Before, f.limit(), f.Theme, f.Payee, f.Resident)
	if err != nil {
		return nil, fmt.Errorf("list needs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Item])
}

// ByID reads an item, or ErrNoItem.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Item, error) {
	return one(ctx, q, sqlByID, book.ID, id)
}

// ByIDs reads items; those that are not there are missing.
func ByIDs(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) (map[uuid.UUID]*Item, error) {
	rows, err := q.Query(ctx, sqlByIDs, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read needs: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Item])
	found := make(map[uuid.UUID]*Item, len(list))
	for i := range list {
		found[list[i].ID] = &list[i]
	}
	return found, err
}

// ByNumber reads an item by its public number, or ErrNoItem; what was not sorted yet as well.
func ByNumber(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Item, error) {
	return one(ctx, q, sqlByNumber, book.ID, number)
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (*Item, error) {
	i, err := giving.Record[Item](ctx, q, sql, args...)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, ErrNoItem
	}
	return i, err
}

// Photos lists the hashes of an item's photos.
func Photos(ctx context.Context, q pg.Querier, book *ledger.Book, i *Item) ([][]byte, error) {
	rows, err := q.Query(ctx, sqlPhotos, book.ID, i.ID)
	if err != nil {
		return nil, fmt.Errorf("list photos: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]byte])
}

// Photo reads a photo as a JPEG, or ErrNoItem.
func Photo(ctx context.Context, q pg.Querier, book *ledger.Book, i *Item, hash []byte) (body []byte, err error) {
	err = q.QueryRow(ctx, sqlPhoto, book.ID, i.ID, hash).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoItem
	}
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	return body, nil
}
