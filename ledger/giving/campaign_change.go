package giving

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/law"
)

var (
	// ErrNotDraft means that a campaign is public or closed: what people gave for stays as they read it.
	ErrNotDraft = errors.New("campaign is no draft any more")
	// ErrCampaignChanged means that the draft is not what somebody agreed to. Ask again.
	ErrCampaignChanged = errors.New("campaign was changed since")
	// ErrNotPublished means that only a published campaign can be closed.
	ErrNotPublished = errors.New("campaign is not published")
	// ErrSlugTaken means that another campaign has the address.
	ErrSlugTaken = errors.New("address of the campaign is taken")
)

// CheckCampaign says why a campaign could not be created, with the errors of CreateCampaign.
func CheckCampaign(ctx context.Context, q pg.Querier, book *ledger.Book, c Campaign) error {
	c.fillDefaults(book)
	if err := c.check(book); err != nil {
		return err
	}
	return checkFund(ctx, q, book, c.FundID)
}

func checkFund(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) error {
	var kind string
	err := q.QueryRow(ctx, sqlFundKind, book.ID, fund).Scan(&kind)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: %d", ledger.ErrNoFund, fund)
	case err != nil:
		return err
	case !takesGifts(kind):
		return fmt.Errorf("%w: %s", ErrFundKind, kind)
	}
	return FundTakes(ctx, q, book, fund)
}

// FundTakes refuses what would bring something new to a fund that has ended, and holds the fund's file until the transaction ends, so that
// it does not end meanwhile. Money that has arrived is booked all the same. ErrFundClosed.
func FundTakes(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) error {
	var state string
	err := q.QueryRow(ctx, sqlFundFile, book.ID, fund).Scan(&state)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read file of fund: %w", err)
	case state == "closed":
		return ErrFundClosed
	}
	return nil
}

const (
	sqlCampaignLock = sqlCampaignByID + ` for update`

	sqlCampaignUpdate = `
update campaign set fund_id = $3, slug = $4, title_zh = $5, title_en = $6, summary_zh = $7, summary_en = $8, story_zh = $9, story_en = $10,
       theme = $11, filing_no = $12, goal = $13, gift_min = $14, gift_max = $15, presets = $16, opens_at = $17, closes_at = $18
 where book_id = $1 and campaign_id = $2`

	sqlFundFile = `select state from fund_file where book_id = $1 and fund_id = $2 and state in ('open', 'closed') for share`

	sqlCampaignHasGifts = `select exists (select from gift where book_id = $1 and campaign_id = $2)`
)

// UpdateDraft replaces what a draft says. A draft that has gifts, which an import may give it, keeps its fund.
// ErrNoCampaign, ErrNotDraft, ErrSlugTaken, and what CreateCampaign says.
func UpdateDraft(ctx context.Context, tx pgx.Tx, book *ledger.Book, c Campaign) error {
	before, err := lockCampaign(ctx, tx, book, c.ID)
	if err != nil {
		return err
	}
	if before.State != Draft {
		return ErrNotDraft
	}
	c.Currency, c.State = before.Currency, before.State
	c.fillDefaults(book)
	if err := CheckCampaign(ctx, tx, book, c); err != nil {
		return fmt.Errorf("change campaign %s: %w", c.Slug, err)
	}
	if c.FundID != before.FundID {
		var gifts bool
		if err := tx.QueryRow(ctx, sqlCampaignHasGifts, book.ID, c.ID).Scan(&gifts); err != nil {
			return fmt.Errorf("look for gifts of campaign %d: %w", c.ID, err)
		}
		if gifts {
			return fmt.Errorf("change campaign %s: it has gifts: %w", c.Slug, ErrFundKind)
		}
	}
	_, err = tx.Exec(ctx, sqlCampaignUpdate, book.ID, c.ID, c.FundID, c.Slug, c.TitleZH, c.TitleEN, c.SummaryZH, c.SummaryEN, c.StoryZH, c.StoryEN,
		c.Theme, c.FilingNo, c.Goal, c.GiftMin, c.GiftMax, c.Presets, c.OpensAt, c.ClosesAt)
	return slugError(err)
}

// Publish opens a draft to the public exactly as it was agreed to. ErrNoCampaign, ErrNotDraft, ErrCampaignChanged, law.ErrLaw where R06,
// R07 or R15 stands against it, ErrFundClosed.
func Publish(ctx context.Context, tx pgx.Tx, book *ledger.Book, agreed Campaign, at time.Time) error {
	now, err := lockCampaign(ctx, tx, book, agreed.ID)
	if err != nil {
		return err
	}
	if now.State != Draft {
		return ErrNotDraft
	}
	if !now.Says(agreed) {
		return ErrCampaignChanged
	}
	if err := FundTakes(ctx, tx, book, now.FundID); err != nil {
		return err
	}
	if err := law.MayPublish(ctx, tx, book, agreed.ID, book.Day(at)); err != nil {
		return err
	}
	return SetCampaignState(ctx, tx, book, agreed.ID, Published)
}

// CloseCampaign ends a published campaign for good: no gift is started any more, those under way still arrive.
// ErrNoCampaign, ErrNotPublished.
func CloseCampaign(ctx context.Context, tx pgx.Tx, book *ledger.Book, id int32) error {
	now, err := lockCampaign(ctx, tx, book, id)
	if err != nil {
		return err
	}
	if now.State != Published {
		return ErrNotPublished
	}
	return SetCampaignState(ctx, tx, book, id, Closed)
}

func lockCampaign(ctx context.Context, tx pgx.Tx, book *ledger.Book, id int32) (*Campaign, error) {
	return campaign(ctx, tx, sqlCampaignLock, book.ID, id)
}

// Says tells whether two campaigns tell the public the same.
func (c *Campaign) Says(o Campaign) bool {
	return c.FundID == o.FundID && c.Slug == o.Slug && c.TitleZH == o.TitleZH && c.TitleEN == o.TitleEN && c.SummaryZH == o.SummaryZH &&
		c.SummaryEN == o.SummaryEN && c.StoryZH == o.StoryZH && c.StoryEN == o.StoryEN && c.Theme == o.Theme && c.FilingNo == o.FilingNo &&
		c.Goal == o.Goal && c.GiftMin == o.GiftMin && c.GiftMax == o.GiftMax && slices.Equal(c.Presets, o.Presets) &&
		c.OpensAt.Equal(o.OpensAt) && c.ClosesAt.Equal(o.ClosesAt)
}

// slugError turns what the database says about an address into our words.
func slugError(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.ConstraintName {
		case "campaign_book_id_slug_key":
			return ErrSlugTaken
		case "campaign_slug_check":
			return fmt.Errorf("%w: address", ErrBadCampaign)
		}
	}
	return err
}
