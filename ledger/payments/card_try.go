package payments

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Errors of the defence against card testing. Their words tell a tester nothing.
var (
	ErrTries       = errors.New("too many payments were begun or failed")
	ErrCardsPaused = errors.New("cards are paused for a while")
)

// TryWindow is the time in which payments begun and failed are counted.
const TryWindow = 10 * time.Minute

// Try is a donor who is about to pay.
type Try struct {
	Form     uuid.UUID
	IP       netip.Addr
	Email    string // may be empty
	Campaign int32
}

// campaignParts is in how many parts a campaign is counted, so that a rush does not queue for one row.
const campaignParts = 16

// What a kind may do in a window. Thousands of donors share the address of a mobile network, so failures count only where
// they are more than half of what was decided.
var tryLimits = map[string]struct{ begun, doubt, failed int32 }{ // doubt: failures from which a challenge is asked
	"session":  {30, 3, 5},
	"address":  {12_000, 20, 60},
	"email":    {20, 5, 10},
	"campaign": {100_000 / campaignParts, 40, 1 << 30}, // never closed by strangers' failures: the challenge is enough
}

// subjects are what a try is counted under.
type subjects struct {
	session, address, campaign int64
	email                      *int64
}

func subjectsOf(book *ledger.Book, t Try) (s subjects, err error) {
	if book.Keys == nil {
		return s, ledger.ErrNoKeys
	}
	at := func(kind, text string) int64 {
		return book.Keys.Index(fmt.Sprintf("book %d try %s", book.ID, kind), text)
	}
	s.session = at("session", t.Form.String())
	s.address = at("address", network(t.IP))
	s.campaign = int64(t.Campaign)*campaignParts + int64(t.Form[len(t.Form)-1]%campaignParts)
	if email := strings.ToLower(strings.TrimSpace(t.Email)); email != "" {
		index := at("email", email)
		s.email = &index
	}
	return s, nil
}

// network is the /24 or /64 of an address.
func network(ip netip.Addr) string {
	ip = ip.Unmap()
	bits := 64
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

const (
	sqlTryCounts = `
select kind, begun, failed, paid from card_count
 where book_id = $1 and window_ends > $6
   and (kind = 'session' and subject = $2 or kind = 'address' and subject = $3 or kind = 'email' and subject = $4 or kind = 'campaign' and subject = $5)`

	sqlTrySource = `
insert into card_source (book_id, gift_id, session, address, email, campaign, begun_at)
values ($1, $2, $3, $4, $5, $6, $7) on conflict (book_id, gift_id) do nothing`

	// In one order always, so that two cannot wait for each other.
	sqlTryBegun = `
insert into card_count as c (book_id, kind, subject, begun, window_ends)
select $1::int4, k.kind, k.subject, 1, $7::timestamptz
  from (values ('address', $3::int8), ('campaign', $5::int8), ('email', $4::int8), ('session', $2::int8)) k(kind, subject)
 where k.subject is not null order by 1, 2
on conflict (book_id, kind, subject) do update
   set begun       = case when c.window_ends <= $6 then 1 else c.begun + 1 end,
       failed      = case when c.window_ends <= $6 then 0 else c.failed end,
       paid        = case when c.window_ends <= $6 then 0 else c.paid end,
       window_ends = case when c.window_ends <= $6 then $7 else c.window_ends end`
)

// Doubt tells whether a try must answer a challenge for where it comes from. ErrTries when nothing more may be begun there.
func Doubt(ctx context.Context, q pg.Querier, book *ledger.Book, t Try, now time.Time) (doubt bool, err error) {
	s, err := subjectsOf(book, t)
	if err != nil {
		return false, err
	}
	rows, err := q.Query(ctx, sqlTryCounts, book.ID, s.session, s.address, s.email, s.campaign, now)
	if err != nil {
		return false, fmt.Errorf("read tries: %w", err)
	}
	var kind string
	var begun, failed, paid int32
	var over string
	_, err = pgx.ForEachRow(rows, []any{&kind, &begun, &failed, &paid}, func() error {
		most := tryLimits[kind]
		bad := failed > paid
		if begun >= most.begun || bad && failed >= most.failed {
			over = kind
		}
		doubt = doubt || bad && failed >= most.doubt
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read tries: %w", err)
	}
	if over != "" {
		return true, fmt.Errorf("%w: by %s", ErrTries, over)
	}
	return doubt, nil
}

// Begun remembers where a started gift comes from, and counts it. The same gift again counts once.
func Begun(ctx context.Context, db pg.Beginner, book *ledger.Book, gift uuid.UUID, t Try, now time.Time) error {
	s, err := subjectsOf(book, t)
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sqlTrySource, book.ID, gift, s.session, s.address, s.email, s.campaign, now)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		_, err = tx.Exec(ctx, sqlTryBegun, book.ID, s.session, s.address, s.email, s.campaign, now, now.Add(TryWindow))
		return err
	})
	if err != nil {
		return fmt.Errorf("count payment begun: %w", err)
	}
	return nil
}
