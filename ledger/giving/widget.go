package giving

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// WidgetSitesMax is how many sites may show a book's campaigns; all of them stand in one header.
const WidgetSitesMax = 50

var (
	// ErrWidgetSite means that a text is no origin of a site: https, a host name, perhaps a port, and nothing more.
	ErrWidgetSite = errors.New("not the address of a site")
	// ErrWidgetSites means that a book has as many sites as there may be.
	ErrWidgetSites = errors.New("too many sites")
)

// WidgetSite is a site whose pages may show a campaign's figures in a frame.
type WidgetSite struct {
	Origin  string // https://www.example.org
	AddedAt time.Time
	AddedBy uuid.UUID
}

var siteForm = regexp.MustCompile(`^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](:[0-9]{1,5})?$`)

// ParseWidgetSite reads the origin of a site, or ErrWidgetSite. It goes into a header, so nothing else may.
func ParseWidgetSite(text string) (string, error) {
	origin := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "/")
	if len(origin) > 250 || !siteForm.MatchString(origin) {
		return "", ErrWidgetSite
	}
	return origin, nil
}

const sqlWidgetSites = `
select origin, added_at, added_by from widget_site where book_id = $1 order by origin limit $2`

// WidgetSites lists the sites of a book in the order of their names.
func WidgetSites(ctx context.Context, q pg.Querier, book int32) ([]WidgetSite, error) {
	rows, err := q.Query(ctx, sqlWidgetSites, book, WidgetSitesMax)
	if err != nil {
		return nil, fmt.Errorf("list widget sites: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[WidgetSite])
}

const sqlWidgetSiteInsert = `
insert into widget_site (book_id, origin, added_at, added_by) values ($1, $2, $3, $4) on conflict do nothing`

// AllowWidgetSite adds a site; one that is there already stays as it is. ErrWidgetSite, ErrWidgetSites.
func AllowWidgetSite(ctx context.Context, tx pgx.Tx, book int32, s WidgetSite) (added bool, err error) {
	if s.Origin, err = ParseWidgetSite(s.Origin); err != nil {
		return false, err
	}
	before, err := WidgetSites(ctx, tx, book)
	if err != nil {
		return false, err
	}
	if len(before) >= WidgetSitesMax {
		return false, ErrWidgetSites
	}
	tag, err := tx.Exec(ctx, sqlWidgetSiteInsert, book, s.Origin, s.AddedAt, s.AddedBy)
	if err != nil {
		return false, fmt.Errorf("allow widget site: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

const sqlWidgetSiteDelete = `
delete from widget_site where book_id = $1 and origin = $2`

// RemoveWidgetSite takes a site off the list; removed is false when it was not on it.
func RemoveWidgetSite(ctx context.Context, tx pgx.Tx, book int32, origin string) (removed bool, err error) {
	tag, err := tx.Exec(ctx, sqlWidgetSiteDelete, book, origin)
	if err != nil {
		return false, fmt.Errorf("remove widget site: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
