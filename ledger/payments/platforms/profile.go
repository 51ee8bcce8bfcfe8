package platforms

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Profile is how the files of a platform are read, in one of its versions.
type Profile struct {
	ID       uuid.UUID
	Platform string // code; order numbers are unique in it
	Version  int32
	Name     string
	Layout   Layout
	MadeBy   uuid.UUID
	MadeAt   time.Time
}

const (
	profileColumns = `id, platform, version, name, layout, made_by, made_at`

	sqlProfileInsert = `
insert into platform_profile (book_id, id, platform, version, name, layout, made_by, made_at)
values ($1, $2, $3, (select coalesce(max(version), 0) + 1 from platform_profile where book_id = $1 and platform = $3), $4, $5, $6, $7)
on conflict (book_id, id) do nothing`

	sqlProfileByID = `select ` + profileColumns + ` from platform_profile where book_id = $1 and id = $2`

	// The newest version of each.
	sqlProfiles = `
select distinct on (platform) ` + profileColumns + ` from platform_profile where book_id = $1 order by platform, version desc limit 200`
)

var platformCode = regexp.MustCompile(`^[a-z0-9-]{2,20}$`)

// SaveProfile keeps a layout under a name: the first version of a platform, or the next one. The same id again changes
// nothing. *giving.FieldErrors; giving.ErrNoCampaign for a campaign that the book does not have.
func SaveProfile(ctx context.Context, tx pgx.Tx, book *ledger.Book, p Profile) error {
	var wrong giving.FieldErrors
	if !platformCode.MatchString(p.Platform) {
		wrong.Refuse("platform", "platform.code.wrong")
	}
	wrong.Text("name", p.Name, 1, 60)
	if err := wrong.Err(); err != nil {
		return err
	}
	if err := p.Layout.Check(); err != nil {
		return err
	}
	campaigns := []int32{}
	if p.Layout.Campaign != 0 {
		campaigns = append(campaigns, p.Layout.Campaign)
	}
	for _, c := range p.Layout.Codes {
		campaigns = append(campaigns, c.Campaign)
	}
	for _, id := range campaigns {
		if _, err := giving.CampaignByID(ctx, tx, book, id); err != nil {
			return err
		}
	}
	layout, err := json.Marshal(p.Layout)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlProfileInsert, book.ID, p.ID, p.Platform, p.Name, layout, p.MadeBy, p.MadeAt); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

// ProfileByID reads one version, or giving.ErrNoRecord.
func ProfileByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Profile, error) {
	return giving.Record[Profile](ctx, q, sqlProfileByID, book.ID, id)
}

// Profiles lists the newest version of each platform's profile.
func Profiles(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Profile, error) {
	rows, err := q.Query(ctx, sqlProfiles, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Profile])
}
