package updates

import (
	"context"
	"fmt"
	"math"
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

	tables = `update_post u` + joins

	joins = `
  left join lateral (select * from update_shown where book_id = $1 and post_id = u.id limit 1) s on true
  left join lateral (select * from update_end where book_id = $1 and post_id = u.id limit 1) e on true
  left join lateral (select * from campaign where book_id = $1 and campaign_id = u.campaign_id limit 1) c on true
  left join lateral (select * from project where book_id = $1 and id = u.project_id limit 1) j on true
  left join lateral (select * from payee where book_id = $1 and id = u.payee_id limit 1) p on true
  cross join lateral (select * from fund where book_id = $1 and fund_id = coalesce(c.fund_id, j.fund_id) limit 1) f`

	sqlByID     = `select ` + columns + ` from ` + tables + ` where u.book_id = $1 and u.id = $2`
	sqlByNumber = `select ` + columns + ` from ` + tables + ` where u.book_id = $1 and s.number = $2`

	// Posts in the order of the list. A list picks them first, by what it is of, so that no plan reads what is of others.
	sqlPicked = `
select ` + columns + ` from unnest($2::uuid[]) with ordinality k(id, place)
 cross join lateral (select * from update_post where book_id = $1 and id = k.id limit 1) u` + joins + ` order by k.place`

	// What was shown, the newest first: $1 book, $2 before this number, $3 withdrawn ones too, $4 how many.
	sqlShown = `
select s.post_id from update_shown s
 where s.book_id = $1 and s.number < $2 and ($3 or not exists (select from update_end e where e.book_id = $1 and e.post_id = s.post_id)) order by s.number desc limit $4`

	sqlShownOfCampaign = `select u.id from update_post u` + shown + ` where u.book_id = $1 and u.campaign_id = $5` + newest

	sqlShownOfProject = `select u.id from update_post u` + shown + ` where u.book_id = $1 and u.project_id = $5` + newest

	sqlShownOfFund = `
select u.id from (select id from update_post where book_id = $1 and campaign_id = any (array (select campaign_id from campaign where book_id = $1 and fund_id = $5))
                   union all
                  select id from update_post where book_id = $1 and project_id = any (array (select id from project where book_id = $1 and fund_id = $5))) u` + shown + ` where true` + newest

	shown = `
 cross join lateral (select s.number from update_shown s where s.book_id = $1 and s.post_id = u.id limit 1) s`

	newest = ` and s.number < $2 and ($3 or not exists (select from update_end e where e.book_id = $1 and e.post_id = u.id))
 order by s.number desc limit $4`

	// All that was written, the newest first: $1 book, $2 of whom, nobody: anybody, $3 before this post, $4 how many.
	sqlWrittenOfCampaign = `select u.id from update_post u where u.book_id = $1 and u.campaign_id = $5` + written

	sqlWrittenOfProject = `select u.id from update_post u where u.book_id = $1 and u.project_id = $5` + written

	written = ` and ($2::uuid[] is null or u.payee_id = any ($2))
   and ($3::uuid is null or (u.written_at, u.id) < (select b.written_at, b.id from update_post b where b.book_id = $1 and b.id = $3))
 order by u.written_at desc, u.id desc limit $4`

	sqlOpen = `select s.post_id from update_shown s where s.book_id = $1 and s.post_id > $2 order by s.post_id limit $3`

	sqlNews = `
select u.campaign_id, max(s.shown_at) from update_post u cross join lateral (select s.shown_at from update_shown s where s.book_id = $1 and s.post_id = u.id limit 1) s
 where u.book_id = $1 and u.campaign_id = any ($2::int4[]) and not exists (select from update_end e where e.book_id = $1 and e.post_id = u.id)
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

// About is what posts are about: a campaign or a project. No post is about neither.
type About struct {
	Campaign int32
	Project  *uuid.UUID
}

// Filter says which posts the public reads: about a campaign, a project, or all campaigns and projects of a fund; the zero value, everything.
type Filter struct {
	About
	Fund int32
}

// Public lists what was shown to the public, the newest first, before a number (zero: from the newest on); withdrawn posts have no text left, or are
// left out unless gone is set.
func Public(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter, gone bool, before int32, most int) ([]Post, error) {
	if before == 0 {
		before = math.MaxInt32
	}
	sql, args := sqlShown, []any{before, gone, most}
	switch {
	case f.Campaign != 0:
		sql, args = sqlShownOfCampaign, append(args, f.Campaign)
	case f.Project != nil:
		sql, args = sqlShownOfProject, append(args, *f.Project)
	case f.Fund != 0:
		sql, args = sqlShownOfFund, append(args, f.Fund)
	}
	return public(read(ctx, q, book, sql, args...))
}

// Written lists all posts about a campaign or a project for whoever writes them, the newest first, before one of them (nil: from the newest on): those of some payees,
// nil for everybody's.
func Written(ctx context.Context, q pg.Querier, book *ledger.Book, of About, payees []uuid.UUID, before *uuid.UUID, most int) ([]Post, error) {
	if of.Project != nil {
		return read(ctx, q, book, sqlWrittenOfProject, payees, before, most, *of.Project)
	}
	return read(ctx, q, book, sqlWrittenOfCampaign, payees, before, most, of.Campaign)
}

// Open lists what was shown in the order of ids, for open data: at most so many behind an id (zero: from the start). Withdrawn posts keep their place,
// without text.
func Open(ctx context.Context, q pg.Querier, book *ledger.Book, after uuid.UUID, most int) ([]Post, error) {
	return public(read(ctx, q, book, sqlOpen, after, most))
}

func public(list []Post, err error) ([]Post, error) {
	for i := range list {
		list[i].public()
	}
	return list, err
}

// read reads the posts that a statement picks.
func read(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, args ...any) ([]Post, error) {
	rows, err := q.Query(ctx, sql, append([]any{book.ID}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("list updates: %w", err)
	}
	picked, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(picked) == 0 {
		return nil, err
	}
	if rows, err = q.Query(ctx, sqlPicked, book.ID, picked); err != nil {
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
