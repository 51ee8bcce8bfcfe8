package staff

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

const sqlPermitted = `
select p.id
  from person p
 where p.book_id = $1 and p.state = 'active'
   and exists (select from role_grant g where g.book_id = $1 and g.person_id = p.id and g.revoked_at is null and g.role = any($2::text[]) and (g.street_id = $3 or g.street_id is null and g.fund_id is null))
 order by p.login`

// Permitted lists who may do a thing for a street, by login: by a role of that street or of the whole book.
func Permitted(ctx context.Context, q pg.Querier, book int32, p Permission, street int32) ([]uuid.UUID, error) {
	roles := []string{}
	for _, r := range Roles() {
		if r.May(p) {
			roles = append(roles, string(r))
		}
	}
	rows, err := q.Query(ctx, sqlPermitted, book, roles, street)
	if err != nil {
		return nil, fmt.Errorf("list who may: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
