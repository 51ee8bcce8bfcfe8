// Package teams keeps who gives together under a campaign (一起捐): the team's goal and link, the gifts that came through it, and the flowers
// that others gave it. What a rule of match may ask of it, friends invited and flowers, is counted once for each person.
package teams

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

var (
	// ErrNoTeam means that there is no such team, or the association has hidden it. Answer 404.
	ErrNoTeam = errors.New("no such team")
	// ErrFlowers means that the person has given all flowers of the day. Say so.
	ErrFlowers = errors.New("no flower is left for today")
	// ErrUnpaid means that the gift is not on the books, or was given back in whole: it begins no team.
	ErrUnpaid = errors.New("only a gift on the books begins a team")
)

// FlowersMax is how many flowers one person may give in 24 hours, one a team.
const FlowersMax = 10

// ListMax is how many teams one page lists.
const ListMax = 50

// Team is who gives together.
type Team struct {
	ID         uuid.UUID
	Code       string
	CampaignID int32
	GiftID     uuid.UUID // of whoever began it
	Title      string
	Goal       int64 // minor units of the book's currency
	MadeAt     time.Time
	Hidden     bool
}

// Object names the team in its history.
func (t *Team) Object() string { return giving.Object("team", t.ID) }

// Progress is what has come through a team's link. Amounts are minor units of the book's currency.
type Progress struct {
	Raised  int64 // gifts of that currency less what was given back
	Gifts   int64
	Friends int64 // people who gave through the link, beside the one who began it; each counted once, by e-mail address
	Flowers int64
}

var codeText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	columns = `id, code, campaign_id, gift_id, title, goal, made_at, hidden`

	sqlGiftStands = `
select g.campaign_id from gift g
 where g.book_id = $1 and g.id = $2
   and g.amount > coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0)`

	sqlTeamInsert = `
insert into team (book_id, id, code, campaign_id, gift_id, title, goal, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (book_id, gift_id) do nothing`

	sqlTeamByCode = `select ` + columns + ` from team where book_id = $1 and code = $2`
	sqlTeamByGift = `select ` + columns + ` from team where book_id = $1 and gift_id = $2`

	sqlTeamJoin = `insert into team_gift (book_id, gift_id, team_id) values ($1, $2, $3) on conflict do nothing`

	progressOf = `
 cross join lateral (
   select coalesce(sum(g.amount - coalesce(r.back, 0)) filter (where g.ccy = $3), 0)::int8 as raised, count(g.id) as gifts,
          count(distinct d.email_index) filter (where d.email_index is distinct from b.email_index) as friends
     from team_gift tg
    cross join lateral (select g.id, g.amount, g.ccy, g.donor_id from gift g where g.book_id = $1 and g.id = tg.gift_id limit 1) g
     left join lateral (select sum(r.amount) as back from ` + giving.StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id) r on true
     left join private.donor d on d.book_id = $1 and d.id = g.donor_id
     left join lateral (select o.email_index from gift og join private.donor o on o.book_id = $1 and o.id = og.donor_id where og.book_id = $1 and og.id = t.gift_id limit 1) b on true
    where tg.book_id = $1 and tg.team_id = t.id) p`

	sqlProgress = `
select p.raised, p.gifts, p.friends, (select count(*) from flower f where f.book_id = $1 and f.team_id = t.id)
  from team t` + progressOf + `
 where t.book_id = $1 and t.id = $2`

	sqlTeams = `
select t.id, t.code, t.campaign_id, t.gift_id, t.title, t.goal, t.made_at, t.hidden, p.raised, p.gifts, p.friends, (select count(*) from flower f where f.book_id = $1 and f.team_id = t.id)
  from team t` + progressOf + `
 where t.book_id = $1 and ($2 = 0 or t.campaign_id = $2) and ($4 or not t.hidden)
 order by p.raised desc, t.id limit $5`

	sqlDonorIndex = `select email_index from private.donor where book_id = $1 and id = $2 and email_index is not null`

	sqlFlowersLock  = `select pg_advisory_xact_lock(hashtextextended('flower:' || $1::int4 || ':' || $2::text, 0))`
	sqlFlowersGiven = `select count(*) from flower where book_id = $1 and person = $2 and given_at > $3`
	sqlFlowerInsert = `insert into flower (book_id, team_id, person, given_at) values ($1, $2, $3, $4) on conflict do nothing`
	sqlFlowerHas    = `select exists (select from flower where book_id = $1 and team_id = $2 and person = $3)`

	sqlHide = `update team set hidden = true where book_id = $1 and id = $2 and not hidden`
)

// Start begins a team for whoever made a gift; random makes its address. The same gift again answers with the team that it began.
// *giving.FieldErrors, ErrUnpaid.
func Start(ctx context.Context, tx pgx.Tx, book *ledger.Book, gift uuid.UUID, title string, goal int64, random io.Reader, now time.Time) (*Team, error) {
	var wrong giving.FieldErrors
	title = strings.Join(strings.Fields(title), " ")
	wrong.Text("title", title, 2, 40)
	wrong.Sum("goal", goal)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	t := Team{GiftID: gift, Title: title, Goal: goal, MadeAt: now}
	err := tx.QueryRow(ctx, sqlGiftStands, book.ID, gift).Scan(&t.CampaignID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrUnpaid
	}
	if err != nil {
		return nil, fmt.Errorf("read gift of team: %w", err)
	}
	secret := make([]byte, 10)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("make address of team: %w", err)
	}
	t.Code = codeText.EncodeToString(secret)
	if t.ID, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make id of team: %w", err)
	}
	tag, err := tx.Exec(ctx, sqlTeamInsert, book.ID, t.ID, t.Code, t.CampaignID, gift, title, goal, now)
	if err != nil {
		return nil, fmt.Errorf("start team: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return OfGift(ctx, tx, book, gift)
	}
	return &t, Join(ctx, tx, book, &t, gift)
}

// Join notes that a gift was begun through the team's link; the first team stays.
func Join(ctx context.Context, tx pgx.Tx, book *ledger.Book, t *Team, gift uuid.UUID) error {
	if _, err := tx.Exec(ctx, sqlTeamJoin, book.ID, gift, t.ID); err != nil {
		return fmt.Errorf("join team: %w", err)
	}
	return nil
}

// ByCode reads the team of an address, or ErrNoTeam.
func ByCode(ctx context.Context, q pg.Querier, book *ledger.Book, code string) (*Team, error) {
	t, err := one(ctx, q, sqlTeamByCode, book.ID, code)
	if err == nil && t.Hidden {
		return nil, ErrNoTeam
	}
	return t, err
}

// OfGift reads the team that a gift began, or ErrNoTeam.
func OfGift(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) (*Team, error) {
	return one(ctx, q, sqlTeamByGift, book.ID, gift)
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (*Team, error) {
	t, err := giving.Record[Team](ctx, q, sql, args...)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, ErrNoTeam
	}
	return t, err
}

// ProgressOf reads what has come through the team's link.
func ProgressOf(ctx context.Context, q pg.Querier, book *ledger.Book, t *Team) (p Progress, err error) {
	if err := q.QueryRow(ctx, sqlProgress, book.ID, t.ID, book.Currency).Scan(&p.Raised, &p.Gifts, &p.Friends, &p.Flowers); err != nil {
		return p, fmt.Errorf("read progress of team: %w", err)
	}
	return p, nil
}

// Standing is a team with its progress.
type Standing struct {
	Team
	Progress
}

// List gives the teams of a campaign, or with 0 of the book, those that raised most first; hidden ones too when all is set.
func List(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32, all bool) ([]Standing, error) {
	rows, err := q.Query(ctx, sqlTeams, book.ID, campaign, book.Currency, all, ListMax)
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Standing, err error) {
		err = row.Scan(&s.ID, &s.Code, &s.CampaignID, &s.GiftID, &s.Title, &s.Goal, &s.MadeAt, &s.Hidden, &s.Raised, &s.Gifts, &s.Friends, &s.Progress.Flowers)
		return s, err
	})
}

// person is what a donor's flowers are known by: the same for all gifts of one e-mail address, and nothing outside of the book.
func person(ctx context.Context, q pg.Querier, book *ledger.Book, donor uuid.UUID) (string, error) {
	var at int64
	if err := q.QueryRow(ctx, sqlDonorIndex, book.ID, donor).Scan(&at); errors.Is(err, pgx.ErrNoRows) {
		return "", giving.ErrNoDonor
	} else if err != nil {
		return "", fmt.Errorf("read donor: %w", err)
	}
	return giving.FlowerPerson(book, at), nil
}

// Flower gives the team a flower of the donor's, who is known by an e-mail address; a second one changes nothing.
// giving.ErrNoDonor, ErrFlowers.
func Flower(ctx context.Context, tx pgx.Tx, book *ledger.Book, t *Team, donor uuid.UUID, now time.Time) error {
	who, err := person(ctx, tx, book, donor)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlFlowersLock, book.ID, who); err != nil {
		return fmt.Errorf("lock flowers: %w", err)
	}
	var given int
	var has bool
	if err := tx.QueryRow(ctx, sqlFlowerHas, book.ID, t.ID, who).Scan(&has); err != nil {
		return fmt.Errorf("look for flower: %w", err)
	}
	if has {
		return nil
	}
	if err := tx.QueryRow(ctx, sqlFlowersGiven, book.ID, who, now.Add(-24*time.Hour)).Scan(&given); err != nil {
		return fmt.Errorf("count flowers: %w", err)
	}
	if given >= FlowersMax {
		return ErrFlowers
	}
	if _, err := tx.Exec(ctx, sqlFlowerInsert, book.ID, t.ID, who, now); err != nil {
		return fmt.Errorf("give flower: %w", err)
	}
	return nil
}

// Hide plans taking a team off the pages, for what it calls itself. Its gifts stay what they are. *giving.FieldErrors, giving.ErrStep.
func Hide(ctx context.Context, q pg.Querier, book *ledger.Book, code, reason string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	t, err := one(ctx, q, sqlTeamByCode, book.ID, code)
	if errors.Is(err, ErrNoTeam) {
		return nil, giving.ErrStep
	}
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "team", Object: t.Object(), Act: "team-hidden", Note: reason, Day: day, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlHide, book.ID, t.ID)
	}}, wrong.Err()
}
