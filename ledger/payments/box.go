package payments

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Box is a collection box or a kiosk (福彩善心亭) with who has it and where it stands.
type Box struct {
	ID         uuid.UUID
	Code       string
	Kind       string // box, kiosk
	CampaignID int32  // what the notice on it says
	OpenDays   int16  // opened at the latest this long after it was sealed
	State      string
	Place      string
	Keeper     string // the firm or office that looks after it
	Seal       string
	Since      time.Time
	OpenedBy   *uuid.UUID
}

// States of a box.
const (
	BoxIssued  = "issued"  // in the association's store
	BoxPlaced  = "placed"  // where it collects, not sealed yet or emptied
	BoxSealed  = "sealed"  // collecting
	BoxOpening = "opening" // one person has broken the seal
	BoxOpened  = "opened"  // a second person was there; to be counted
	BoxRetired = "retired"
)

// Object names the box in its history and beside its papers.
func (b *Box) Object() string { return giving.Object("box", b.ID) }

var boxCode = regexp.MustCompile(`^[A-Za-z0-9-]{1,20}$`)

const (
	boxColumns = `id, code, kind, campaign_id, open_days, state, place, keeper, seal, since, opened_by`

	sqlBoxInsert = `
insert into box (book_id, id, code, kind, campaign_id, open_days, state, since) values ($1, $2, $3, $4, $5, $6, 'issued', $7)`

	sqlBoxByID   = `select ` + boxColumns + ` from box where book_id = $1 and id = $2`
	sqlBoxByCode = `select ` + boxColumns + ` from box where book_id = $1 and code = $2`
	sqlBoxes     = `select ` + boxColumns + ` from box where book_id = $1 order by (state = 'retired'), code limit 500`

	sqlBoxMove = `
update box set state = $4, place = $5, keeper = $6, seal = $7, since = $8, opened_by = $9 where book_id = $1 and id = $2 and state = $3`

	sqlBoxCounted = `
update box set state = 'placed', seal = '', since = $3, opened_by = null where book_id = $1 and id = $2 and state = 'opened'`
)

// IssueBox plans a new box. *giving.FieldErrors.
func IssueBox(ctx context.Context, q pg.Querier, book *ledger.Book, b Box) (*giving.Move, error) {
	var wrong giving.FieldErrors
	if !boxCode.MatchString(b.Code) {
		wrong.Refuse("code", "offline.box.code")
	} else if other, err := giving.Record[Box](ctx, q, sqlBoxByCode, book.ID, b.Code); err == nil && other.ID != b.ID {
		wrong.Refuse("code", "offline.box.used")
	} else if err != nil && !errors.Is(err, giving.ErrNoRecord) {
		return nil, err
	}
	if b.Kind != "box" && b.Kind != "kiosk" {
		wrong.Refuse("kind", "offline.box.kind")
	}
	if b.OpenDays < 1 || b.OpenDays > 400 {
		wrong.Refuse("days", "offline.box.days")
	}
	if _, err := giving.CampaignByID(ctx, q, book, b.CampaignID); err != nil {
		wrong.Refuse("campaign", "offline.campaign.wrong")
	}
	return &giving.Move{Object: b.Object(), Act: "issued", Note: b.Code, Day: b.Since, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlBoxInsert, book.ID, b.ID, b.Code, b.Kind, b.CampaignID, b.OpenDays, b.Since)
	}}, wrong.Err()
}

// PlaceBox plans bringing a box to where it collects, into somebody's keeping. *giving.FieldErrors, giving.ErrStep.
func PlaceBox(book *ledger.Book, b *Box, place, keeper string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("place", place, 1, 100)
	wrong.Text("keeper", keeper, 1, 100)
	to := *b
	to.State, to.Place, to.Keeper, to.Since = BoxPlaced, place, keeper, day
	return b.moves(book, to, "placed", place, &wrong, BoxIssued, BoxPlaced)
}

// SealBox plans sealing an empty box; the seal's number is written down. *giving.FieldErrors, giving.ErrStep.
func SealBox(book *ledger.Book, b *Box, seal string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("seal", seal, 1, 40)
	to := *b
	to.State, to.Seal, to.Since = BoxSealed, seal, day
	return b.moves(book, to, "sealed", seal, &wrong, BoxPlaced)
}

// OpenBox plans breaking the seal, with its number as found; another one than was written down needs a remark.
// *giving.FieldErrors, giving.ErrStep.
func OpenBox(book *ledger.Book, b *Box, seal, remark string, by uuid.UUID, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("seal", seal, 1, 40)
	wrong.Text("remark", remark, 0, 200)
	note := seal
	if seal != b.Seal {
		if remark == "" {
			wrong.Refuse("remark", "offline.seal.differs")
		}
		note = seal + " ≠ " + b.Seal + " · " + remark
	}
	to := *b
	to.State, to.OpenedBy, to.Since = BoxOpening, &by, day
	return b.moves(book, to, "opening", note, &wrong, BoxSealed)
}

// WitnessBox plans the word of the second person who was there when the box was opened. ledger.ErrSamePerson, giving.ErrStep.
func WitnessBox(book *ledger.Book, b *Box, by uuid.UUID, day time.Time) (*giving.Move, error) {
	if b.State != BoxOpening {
		return nil, giving.ErrStep
	}
	if *b.OpenedBy == by {
		return nil, ledger.ErrSamePerson
	}
	to := *b
	to.State, to.Since = BoxOpened, day
	return b.moves(book, to, "opened", "", &giving.FieldErrors{}, BoxOpening)
}

// CountBox plans a count of what was in an opened box; confirmed by a second person it is one anonymous gift (E15a).
// *giving.FieldErrors, giving.ErrStep.
func CountBox(ctx context.Context, q pg.Querier, book *ledger.Book, b *Box, c Counting, by uuid.UUID, now time.Time) (*giving.Move, error) {
	if b.State != BoxOpened {
		return nil, giving.ErrStep
	}
	c.box, c.CampaignID, c.Slips, c.Reason = &b.ID, b.CampaignID, 0, ""
	return CountCash(ctx, q, book, c, by, now)
}

// RetireBox plans taking an empty box out of use. *giving.FieldErrors, giving.ErrStep.
func RetireBox(book *ledger.Book, b *Box, reason string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *b
	to.State, to.Since = BoxRetired, day
	return b.moves(book, to, "retired", reason, &wrong, BoxIssued, BoxPlaced)
}

// moves plans a change of the box from one of the states.
func (b *Box) moves(book *ledger.Book, to Box, act, note string, wrong *giving.FieldErrors, from ...string) (*giving.Move, error) {
	fits := false
	for _, state := range from {
		fits = fits || b.State == state
	}
	if !fits {
		return nil, giving.ErrStep
	}
	if to.Since.Before(b.Since) {
		wrong.Refuse("day", "offline.box.day")
	}
	return &giving.Move{Object: b.Object(), Act: act, Note: note, Day: to.Since, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlBoxMove, book.ID, b.ID, b.State, to.State, to.Place, to.Keeper, to.Seal, to.Since, to.OpenedBy)
	}}, wrong.Err()
}

// BoxByID reads a box, or giving.ErrNoRecord.
func BoxByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Box, error) {
	return giving.Record[Box](ctx, q, sqlBoxByID, book.ID, id)
}

// Boxes lists all boxes by code, those out of use last.
func Boxes(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Box, error) {
	rows, err := q.Query(ctx, sqlBoxes, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list boxes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Box])
}

const (
	sqlCountsOfBox = `select ` + countColumns + ` from cash_count where book_id = $1 and box_id = $2 order by counted_at desc, id desc limit 100`
)

// CountsOfBox lists what was found in a box, newest first.
func CountsOfBox(ctx context.Context, q pg.Querier, book *ledger.Book, box uuid.UUID) ([]CashCount, error) {
	return counts(ctx, q, sqlCountsOfBox, book.ID, box)
}
