package residents

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ErrNoCommunity means that there is no such community. Answer 404.
var ErrNoCommunity = errors.New("no such community")

// CommunitiesMax is how many communities a book lists.
const CommunitiesMax = 2000

// Community is a part of a street in which residents decide together (社区).
type Community struct {
	ID       int32
	StreetID int32
	Code     string
	NameZH   string
	NameEN   string
}

// Name is the community's name in lang.
func (c *Community) Name(lang string) string {
	if lang == "en" {
		return c.NameEN
	}
	return c.NameZH
}

const (
	sqlCommunityInsert = `
insert into community (book_id, community_id, street_id, code, name_zh, name_en)
select $1, (select coalesce(max(community_id), 0) + 1 from community where book_id = $1), s.street_id, $3, $4, $5 from street s where s.book_id = $1 and s.street_id = $2
on conflict (book_id, code) do nothing`

	sqlCommunities = `
select community_id, street_id, code, name_zh, name_en from community
 where book_id = $1 and ($2 or street_id = any($3::int4[])) order by street_id, community_id limit $4`

	sqlCommunity = `select community_id, street_id, code, name_zh, name_en from community where book_id = $1 and community_id = $2`
)

var communityCode = regexp.MustCompile(`^[A-Za-z0-9-]{1,20}$`)

// Found plans a new community of a street. *giving.FieldErrors; giving.ErrStep when the code is taken.
func Found(book *ledger.Book, id uuid.UUID, c Community) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("zh", c.NameZH, 1, 60)
	wrong.Text("en", c.NameEN, 1, 60)
	if !communityCode.MatchString(c.Code) {
		wrong.Refuse("code", "community.code.wrong")
	}
	return &giving.Move{Source: "community", Object: giving.Object("community", id), Act: "community-founded", Note: c.Code + " " + c.NameZH,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlCommunityInsert, book.ID, c.StreetID, c.Code, c.NameZH, c.NameEN)
		}}, wrong.Err()
}

// Communities lists those of the streets, or with all set those of the book.
func Communities(ctx context.Context, q pg.Querier, book *ledger.Book, all bool, streets []int32) ([]Community, error) {
	rows, err := q.Query(ctx, sqlCommunities, book.ID, all, streets, CommunitiesMax)
	if err != nil {
		return nil, fmt.Errorf("list communities: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Community])
}

// CommunityByID reads a community, or ErrNoCommunity.
func CommunityByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*Community, error) {
	c, err := giving.Record[Community](ctx, q, sqlCommunity, book.ID, id)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, ErrNoCommunity
	}
	return c, err
}
