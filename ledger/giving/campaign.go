package giving

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/law"
)

// Errors about campaigns.
var (
	ErrNoCampaign  = errors.New("no such campaign")
	ErrBadCampaign = errors.New("campaign is not complete")
	ErrFundKind    = errors.New("fund does not take gifts as income")
	// ErrFundClosed means that the fund has ended: it takes nothing any more.
	ErrFundClosed = errors.New("fund is closed")
)

// States of a campaign.
const (
	Draft     = "draft"
	Published = "published"
	Closed    = "closed"
)

// What a campaign allows when it does not say otherwise, in minor units of a currency with two decimals.
const (
	DefaultGiftMin = 1_00
	DefaultGiftMax = 50_000_00
)

// DefaultPresets are the amounts offered first.
func DefaultPresets() []int64 { return []int64{20_00, 50_00, 100_00, 200_00} }

// Campaign asks for gifts to a fund. Its currency is the book's. Text and goal stay as published.
type Campaign struct {
	ID                   int32
	FundID               int32
	Slug                 string
	TitleZH, TitleEN     string
	SummaryZH, SummaryEN string
	StoryZH, StoryEN     string
	Theme                string
	FilingNo             string // 备案编号
	Currency             string
	Goal                 int64 // minor units
	GiftMin, GiftMax     int64
	Presets              []int64
	OpensAt, ClosesAt    time.Time
	State                string
	CreatedAt            time.Time
}

// Title is the campaign's title in lang.
func (c *Campaign) Title(lang string) string { return pick(lang, c.TitleZH, c.TitleEN) }

// Summary is its purpose in one line, in lang.
func (c *Campaign) Summary(lang string) string { return pick(lang, c.SummaryZH, c.SummaryEN) }

// Story is its story in lang; paragraphs are parted by empty lines.
func (c *Campaign) Story(lang string) string { return pick(lang, c.StoryZH, c.StoryEN) }

// Open tells whether a gift may be started now.
func (c *Campaign) Open(now time.Time) bool {
	return c.State == Published && !now.Before(c.OpensAt) && now.Before(c.ClosesAt)
}

// Finished tells whether no gift can be started any more.
func (c *Campaign) Finished(now time.Time) bool {
	return c.State == Closed || c.State == Published && !now.Before(c.ClosesAt)
}

// DaysLeft is how many days the campaign still takes gifts, a begun day counted; 0 when it is finished.
func (c *Campaign) DaysLeft(now time.Time) int {
	if c.Finished(now) {
		return 0
	}
	const day = 24 * time.Hour
	return int((c.ClosesAt.Sub(now) + day - 1) / day)
}

const (
	campaignColumns = `campaign_id, fund_id, slug, title_zh, title_en, summary_zh, summary_en, story_zh, story_en,
       theme, filing_no, ccy, goal, gift_min, gift_max, presets, opens_at, closes_at, state, created_at`

	sqlCampaignInsert = `
insert into campaign (book_id, campaign_id, fund_id, slug, title_zh, title_en, summary_zh, summary_en, story_zh, story_en,
       theme, filing_no, ccy, goal, gift_min, gift_max, presets, opens_at, closes_at, state)
values ($1, (select coalesce(max(campaign_id), 0) + 1 from campaign where book_id = $1),
       $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
returning campaign_id, created_at`

	sqlFundKind = `select kind from fund where book_id = $1 and fund_id = $2`
)

// CreateCampaign opens a campaign; empty limits, presets and state mean the defaults. It fails with
// ErrBadCampaign, ErrSlugTaken, ErrFundKind, ErrFundClosed, ledger.ErrNoFund, or law.ErrLaw where the association may not raise from the public on
// the day it opens (R15).
func CreateCampaign(ctx context.Context, tx pgx.Tx, book *ledger.Book, c Campaign) (*Campaign, error) {
	c.fillDefaults(book)
	if err := c.check(book); err != nil {
		return nil, fmt.Errorf("create campaign %s: %w", c.Slug, err)
	}
	if err := checkFund(ctx, tx, book, c.FundID); err != nil {
		return nil, fmt.Errorf("create campaign %s: %w", c.Slug, err)
	}
	if err := law.MayRaise(ctx, tx, book, book.Day(c.OpensAt)); err != nil {
		return nil, fmt.Errorf("create campaign %s: %w", c.Slug, err)
	}
	err := tx.QueryRow(ctx, sqlCampaignInsert, book.ID, c.FundID, c.Slug, c.TitleZH, c.TitleEN, c.SummaryZH, c.SummaryEN,
		c.StoryZH, c.StoryEN, c.Theme, c.FilingNo, c.Currency, c.Goal, c.GiftMin, c.GiftMax, c.Presets,
		c.OpensAt, c.ClosesAt, c.State).Scan(&c.ID, &c.CreatedAt)
	if err != nil {
		return nil, fmt.Errorf("create campaign %s: %w", c.Slug, slugError(err))
	}
	return &c, nil
}

// takesGifts: agency money is a liability, and a subsidy fund holds public money only.
func takesGifts(kind string) bool { return kind != ledger.Agency && kind != ledger.Subsidy }

func (c *Campaign) fillDefaults(book *ledger.Book) {
	if c.Currency == "" {
		c.Currency = book.Currency
	}
	if c.GiftMin == 0 {
		c.GiftMin = DefaultGiftMin
	}
	if c.GiftMax == 0 {
		c.GiftMax = DefaultGiftMax
	}
	if c.Presets == nil {
		c.Presets = DefaultPresets()
	}
	if c.State == "" {
		c.State = Published
	}
}

func (c *Campaign) check(book *ledger.Book) error {
	for _, text := range []string{c.Slug, c.TitleZH, c.TitleEN, c.SummaryZH, c.SummaryEN, c.StoryZH, c.StoryEN} {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("%w: title, summary and story are needed in both languages", ErrBadCampaign)
		}
	}
	switch {
	case c.Currency != book.Currency:
		return fmt.Errorf("%w: its goal is kept in %s, not in %s", ErrBadCampaign, book.Currency, c.Currency)
	case c.Goal <= 0 || c.Goal > ledger.AmountMax:
		return fmt.Errorf("%w: goal %d", ErrBadCampaign, c.Goal)
	case c.GiftMin <= 0 || c.GiftMax < c.GiftMin || c.GiftMax > ledger.AmountMax:
		return fmt.Errorf("%w: gifts from %d to %d", ErrBadCampaign, c.GiftMin, c.GiftMax)
	case !c.ClosesAt.After(c.OpensAt):
		return fmt.Errorf("%w: it closes before it opens", ErrBadCampaign)
	}
	for _, p := range c.Presets {
		if p < c.GiftMin || p > c.GiftMax {
			return fmt.Errorf("%w: preset %d is outside its limits", ErrBadCampaign, p)
		}
	}
	return nil
}

const sqlCampaignState = `update campaign set state = $3 where book_id = $1 and campaign_id = $2`

// SetCampaignState publishes, closes or reopens a campaign.
func SetCampaignState(ctx context.Context, tx pgx.Tx, book *ledger.Book, id int32, state string) error {
	tag, err := tx.Exec(ctx, sqlCampaignState, book.ID, id, state)
	if err != nil {
		return fmt.Errorf("set state of campaign %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %d", ErrNoCampaign, id)
	}
	return nil
}

const (
	sqlCampaignBySlug = `select ` + campaignColumns + ` from campaign where book_id = $1 and slug = $2`
	sqlCampaignByID   = `select ` + campaignColumns + ` from campaign where book_id = $1 and campaign_id = $2`
	sqlCampaignsByID  = `select ` + campaignColumns + ` from campaign where book_id = $1 and campaign_id = any($2::int4[])`
)

// CampaignBySlug finds a campaign by its address, or ErrNoCampaign.
func CampaignBySlug(ctx context.Context, q pg.Querier, book *ledger.Book, slug string) (*Campaign, error) {
	return campaign(ctx, q, sqlCampaignBySlug, book.ID, slug)
}

// CampaignByID finds a campaign, or ErrNoCampaign.
func CampaignByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*Campaign, error) {
	return campaign(ctx, q, sqlCampaignByID, book.ID, id)
}

// CampaignsByID finds campaigns by their numbers; those that are not there are not in the answer.
func CampaignsByID(ctx context.Context, q pg.Querier, book *ledger.Book, ids ...int32) (map[int32]*Campaign, error) {
	rows, err := q.Query(ctx, sqlCampaignsByID, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Campaign])
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", err)
	}
	found := make(map[int32]*Campaign, len(list))
	for i := range list {
		found[list[i].ID] = &list[i]
	}
	return found, nil
}

func campaign(ctx context.Context, q pg.Querier, sql string, args ...any) (*Campaign, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read campaign: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Campaign])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %v", ErrNoCampaign, args[1])
	}
	if err != nil {
		return nil, fmt.Errorf("read campaign: %w", err)
	}
	return &c, nil
}

// Which campaigns a list shows.
const (
	Running  = "running"
	Finished = "finished"
)

// CampaignFilter narrows a list of campaigns; the zero value shows all but drafts.
type CampaignFilter struct {
	Search   string // in title, summary and slug, either language
	When     string // Running, Finished, or both when empty
	Theme    string
	StreetID int32 // of the fund
	FundID   int32
	Drafts   bool // drafts too, for the console
}

const sqlCampaigns = `
select ` + campaignColumns + `
  from campaign c
 where book_id = $1 and ($2 = 0 or campaign_id < $2)
   and ($4 = '' or title_zh ilike $4 or title_en ilike $4 or summary_zh ilike $4 or summary_en ilike $4 or slug ilike $4)
   and ($5 = '' or $5 = 'running' and state = 'published' and closes_at > $6
        or $5 = 'finished' and (state = 'closed' or state = 'published' and closes_at <= $6))
   and ($7 = '' or theme = $7)
   and ($8 = 0 or exists (select from fund f where f.book_id = c.book_id and f.fund_id = c.fund_id and f.street_id = $8))
   and ($9 = 0 or fund_id = $9)
   and ($10 or state <> 'draft')
 order by campaign_id desc
 limit $3`

// PageMax is the longest page of a list.
const PageMax = 200

// ListCampaigns gives up to limit campaigns, newest first, older than the one named by before (0: from the start).
func ListCampaigns(ctx context.Context, q pg.Querier, book *ledger.Book, f CampaignFilter, now time.Time, before int32, limit int) ([]Campaign, error) {
	rows, err := q.Query(ctx, sqlCampaigns, book.ID, before, pageSize(limit), pattern(f.Search), f.When, now,
		f.Theme, f.StreetID, f.FundID, f.Drafts)
	if err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Campaign])
	if err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	return list, nil
}

func pageSize(limit int) int { return min(max(limit, 1), PageMax) }

// pattern makes what somebody searches for a pattern of LIKE in which their own signs mean themselves.
func pattern(search string) string {
	search = CleanText(search)
	if search == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search) + "%"
}
