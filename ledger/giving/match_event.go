package giving

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

// Refusals about events of match.
var (
	// ErrNoEvent means that the book has no such event. Answer 404.
	ErrNoEvent = errors.New("no such event of match")
	// ErrEventState means that the event does not stand where this step begins. Show it as it stands.
	ErrEventState = errors.New("the event does not stand where this step begins")
	// ErrEventCode means that another event of the book has the code.
	ErrEventCode = errors.New("code of the event is taken")
	// ErrRuleLate means that a version of a rule would be in force before it is published.
	ErrRuleLate = errors.New("a rule is published before it is in force")
	// ErrPools means that the pools named are not those of the rule, that one became smaller, or that its fund cannot keep it.
	ErrPools = errors.New("pools are not those of the rule")
)

// eventCode is what an event may be called in addresses.
var eventCode = regexp.MustCompile(`^[a-z0-9-]{1,60}$`)

// Where an event stands.
const (
	EventDraft  = "draft"
	EventOpen   = "open"   // gifts are decided as they are booked
	EventClosed = "closed" // no more gifts; match waits out its notice and is paid
	EventEnded  = "ended"  // nothing is left to pay, to return or to look at
)

// EventsOpen is how many events may be open at once: each is looked at for each gift.
const EventsOpen = 8

// MatchEvent is a giving day, or any span in which gifts are matched by one rule. Several may be open at once: layers of a city, a street, a firm.
type MatchEvent struct {
	ID         int32
	Code       string // in addresses
	NameZH     string
	NameEN     string
	State      string
	MadeAt     time.Time
	OpenedAt   *time.Time
	ClosedAt   *time.Time
	Commitment string     // of its seed, 64 hexadecimal digits
	Seed       *string    // once it is told
	StoppedAt  *time.Time // since when gifts pass it without match, see ErrEventUnread; nil: they do not
	StoppedWhy string     // for staff, in English
}

// Name is the event's name in lang ("zh-CN" or "en").
func (e *MatchEvent) Name(lang string) string { return pick(lang, e.NameZH, e.NameEN) }

const (
	eventColumns = `e.event_id, e.code, e.name_zh, e.name_en, e.state, e.made_at, e.opened_at, e.closed_at, coalesce(s.commitment, ''), s.seed, e.stopped_at, e.stopped_why`
	eventTables  = `match_event e left join match_seed s on s.book_id = e.book_id and s.event_id = e.event_id`

	sqlEventInsert = `
insert into match_event (book_id, event_id, code, name_zh, name_en, state, made_by, made_at)
values ($1, (select coalesce(max(event_id), 0) + 1 from match_event where book_id = $1), $2, $3, $4, 'draft', $5, $6)
on conflict do nothing
returning event_id`

	sqlSeedInsert = `
insert into match_seed (book_id, event_id, commitment, sealed_by, sealed_key, sealed) values ($1, $2, $3, $4, $5, $6)`

	sqlEvents      = `select ` + eventColumns + ` from ` + eventTables + ` where e.book_id = $1 order by e.event_id desc limit 500`
	sqlEventByCode = `select ` + eventColumns + ` from ` + eventTables + ` where e.book_id = $1 and e.code = $2`
	sqlEventByID   = `select ` + eventColumns + ` from ` + eventTables + ` where e.book_id = $1 and e.event_id = $2`
)

// CreateEvent begins an event, not open yet, and promises its seed. ErrEventCode, ledger.ErrNoKeys, *FieldErrors.
func CreateEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, code, nameZH, nameEN string, seed match.Seed, by uuid.UUID, now time.Time) (*MatchEvent, error) {
	var wrong FieldErrors
	wrong.Text("name_zh", nameZH, 1, 120)
	wrong.Text("name_en", nameEN, 1, 120)
	if !eventCode.MatchString(code) {
		wrong.Refuse("code", "match.code.wrong")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	var id int32
	err := tx.QueryRow(ctx, sqlEventInsert, book.ID, code, nameZH, nameEN, by, now).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrEventCode
	}
	if err != nil {
		return nil, fmt.Errorf("create event: %w", err)
	}
	key, wrapped, err := book.Keys.New(seedPlace(book, id))
	if err != nil {
		return nil, fmt.Errorf("seal seed: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlSeedInsert, book.ID, id, seed.Commitment(), wrapped.By, wrapped.Key, key.Seal(seedPlace(book, id), seed.String())); err != nil {
		return nil, fmt.Errorf("keep seed: %w", err)
	}
	return EventByID(ctx, tx, book, id)
}

// seedPlace is where the seed of an event opens.
func seedPlace(book *ledger.Book, event int32) string {
	return "book " + strconv.Itoa(int(book.ID)) + " match event " + strconv.Itoa(int(event))
}

// sealedSeed is a seed as the database holds it.
type sealedSeed struct {
	by       *string
	key, box []byte
	told     *string
}

func (s *sealedSeed) open(book *ledger.Book, event int32) (match.Seed, error) {
	if s.told != nil {
		return match.ParseSeed(*s.told)
	}
	if book.Keys == nil {
		return match.Seed{}, ledger.ErrNoKeys
	}
	key, err := book.Keys.Unwrap(seal.Wrapped{By: *s.by, Key: s.key}, seedPlace(book, event))
	if err != nil {
		return match.Seed{}, fmt.Errorf("open key of event %d: %w", event, err)
	}
	text, err := key.Open(seedPlace(book, event), s.box)
	if err != nil {
		return match.Seed{}, fmt.Errorf("open seed of event %d: %w", event, err)
	}
	return match.ParseSeed(text)
}

// Events lists the events of a book, newest first.
func Events(ctx context.Context, q pg.Querier, book *ledger.Book) ([]MatchEvent, error) {
	rows, err := q.Query(ctx, sqlEvents, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatchEvent])
}

// EventByCode finds an event, or ErrNoEvent.
func EventByCode(ctx context.Context, q pg.Querier, book *ledger.Book, code string) (*MatchEvent, error) {
	return oneEvent(ctx, q, sqlEventByCode, book.ID, code)
}

// EventByID finds an event, or ErrNoEvent.
func EventByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*MatchEvent, error) {
	return oneEvent(ctx, q, sqlEventByID, book.ID, id)
}

func oneEvent(ctx context.Context, q pg.Querier, sql string, args ...any) (*MatchEvent, error) {
	e, err := Record[MatchEvent](ctx, q, sql, args...)
	if errors.Is(err, ErrNoRecord) {
		return nil, ErrNoEvent
	}
	return e, err
}

// donorOf is the pseudonym under which somebody with this address gives in an event: it says nothing outside of it. Empty
// when nobody knows who gave. Addresses are known by their keyed hash.
func donorOf(book *ledger.Book, event int32, email *int64) string {
	return pseudonym(donorMAC(book), event, email)
}

// donorMAC makes pseudonyms; to make one costs as much as two of them.
func donorMAC(book *ledger.Book) hash.Hash { return hmac.New(sha256.New, book.RefKey[:]) }

func pseudonym(mac hash.Hash, event int32, email *int64) string {
	if email == nil {
		return ""
	}
	mac.Reset()
	text := strconv.AppendInt(append(make([]byte, 0, 64), "match donor "...), int64(event), 10)
	mac.Write(strconv.AppendInt(append(text, ' '), *email, 10))
	return hex.EncodeToString(mac.Sum(text[:0])[:12])
}

// FunderDonor is the pseudonym of a funder who gives under an address, for PoolPlan.
func FunderDonor(book *ledger.Book, event int32, email string) (string, error) {
	if book.Keys == nil {
		return "", ledger.ErrNoKeys
	}
	return donorOf(book, event, index(book, placeEmail, email)), nil
}
