package updates

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ListMax is how many posts one page lists.
const ListMax = 20

const (
	columns = `u.id, coalesce(s.number, 0), u.campaign_id, u.project_id, u.title_zh, u.title_en, u.text_zh, u.text_en, u.payee_id, u.written_by, u.written_at,
       (select count(*) from update_photo h where h.book_id = u.book_id and h.post_id = u.id)::int2, s.shown_at, e.ended_at, e.ended_by, coalesce(e.reason, ''),
       f.fund_id, case when u.project_id is null then f.street_id else j.street_id end, coalesce(c.slug, ''), coalesce(j.number, 0), coalesce(c.title_zh, j.title), coalesce(c.title_en, j.title), coalesce(p.name, '')`

	tables = `update_post u
  left join update_shown s on s.book_id = u.book_id and s.post_id = u.id
  left join update_end e on e.book_id = u.book_id and e.post_id = u.id
  left join campaign c on c.book_id = u.book_id and c.campaign_id = u.campaign_id
  left join project j on j.book_id = u.book_id and j.id = u.project_id
  left join payee p on p.book_id = u.book_id and p.id = u.payee_id
  join fund f on f.book_id = u.book_id and f.fund_id = coalesce(c.fund_id, j.fund_id)`

	sqlByID     = `select ` + columns + ` from ` + tables + ` where u.book_id = $1 and u.id = $2`
	sqlByNumber = `select ` + columns + ` from ` + tables + ` where u.book_id = $1 and s.number = $2`

	// What was shown, the newest first.
	sqlPublic = `
select ` + columns + ` from ` + tables + `
 where u.book_id = $1 and s.number is not null and ($2 = 0 or u.campaign_id = $2) and ($3::uuid is null or u.project_id = $3) and ($4 = 0 or s.number < $4) and ($5 or e.post_id is null)
 order by s.number desc limit $6`

	// All that was written, the newest first.
	sqlWritten = `
select ` + columns + ` from ` + tables + `
 where u.book_id = $1 and ($2 = 0 or u.campaign_id = $2) and ($3::uuid is null or u.project_id = $3) and ($4::uuid[] is null or u.payee_id = any($4))
   and ($5::uuid is null or (u.written_at, u.id) < (select b.written_at, b.id from update_post b where b.book_id = $1 and b.id = $5))
 order by u.written_at desc, u.id desc limit $6`

	sqlOpen = `
select ` + columns + ` from ` + tables + `
 where u.book_id = $1 and s.number is not null and u.id > $2 order by u.id limit $3`

	sqlNews = `
select u.campaign_id, max(s.shown_at) from update_post u join update_shown s on s.book_id = u.book_id and s.post_id = u.id
 where u.book_id = $1 and u.campaign_id = any($2::int4[]) and not exists (select from update_end e where e.book_id = u.book_id and e.post_id = u.id)
 group by u.campaign_id`
)

// ByID reads a post with all that was written, shown or not: for staff. giving.ErrNoRecord.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Post, error) {
	return giving.Record[Post](ctx, q, sqlByID, book.ID, id)
}

// ByNumber reads a post that was shown, as the public reads it. giving.ErrNoRecord.
func ByNumber(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Post, error) {
	p, err := giving.Record[Post](ctx, q, sqlByNumber, book.ID, number)
	if err != nil {
		return nil, err
	}
	p.public()
	return p, nil
}

// public leaves of a withdrawn post what the public reads: that it was there, until when, and why it is not.
func (p *Post) public() {
	p.WrittenBy, p.EndedBy = uuid.Nil, nil
	if p.State() == Withdrawn {
		p.TitleZH, p.TitleEN, p.TextZH, p.TextEN, p.Photos = "", "", "", "", 0
	}
}

// Filter narrows a list.
type Filter struct {
	Campaign int32 // zero: any
	Project  *uuid.UUID
	Payees   []uuid.UUID // of Written: who wrote it; nil: anybody
}

// Public lists what was shown to the public, the newest first, before a number (zero: from the newest on); withdrawn posts have no text left, or are
// left out unless gone is set.
func Public(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter, gone bool, before int32, most int) ([]Post, error) {
	list, err := read(ctx, q, sqlPublic, book.ID, f.Campaign, f.Project, before, gone, most)
	for i := range list {
		list[i].public()
	}
	return list, err
}

// Written lists all posts for staff, the newest first, before one of them (nil: from the newest on).
func Written(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter, before *uuid.UUID, most int) ([]Post, error) {
	return read(ctx, q, sqlWritten, book.ID, f.Campaign, f.Project, f.Payees, before, most)
}

// Open lists what was shown in the order of ids, for open data: at most so many behind an id (zero: from the start). Withdrawn posts keep their place,
// without text.
func Open(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) ([]Post, error) {
	list, err := read(ctx, q, sqlOpen, book.ID, after, most)
	for i := range list {
		list[i].public()
	}
	return list, err
}

func read(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Post, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list updates: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Post])
}

// News says of campaigns when the last of their posts that the public reads was shown; those without one are missing.
func News(ctx context.Context, q pg.Querier, book *ledger.Book, campaigns []int32) (map[int32]time.Time, error) {
	rows, err := q.Query(ctx, sqlNews, book.ID, campaigns)
	if err != nil {
		return nil, fmt.Errorf("look for updates: %w", err)
	}
	last := map[int32]time.Time{}
	var campaign int32
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&campaign, &at}, func() error {
		last[campaign] = at
		return nil
	})
	return last, err
}
