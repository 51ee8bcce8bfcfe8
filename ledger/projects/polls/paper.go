package polls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// ErrSheet means that a sheet cannot be taken in: its number is out of range, or it was read too often.
var ErrSheet = errors.New("sheet cannot be taken in")

// Limits of paper.
const (
	SheetsMax   = 100_000
	versionsMax = 20
)

// HandOut notes that a resident was given a ballot paper: from then on she cannot vote on line. ErrNotOpen, ErrNotEntitled, ErrVoted on line.
func HandOut(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Poll, r *residents.Resident, now time.Time) error {
	if p.PaperAt == "" {
		return ErrNotOpen
	}
	if err := p.entitled(ctx, tx, book, r, now); err != nil {
		return err
	}
	return p.vote(ctx, tx, book, r, "paper")
}

// Reading is a sheet of paper as one person reads it.
type Reading struct {
	Sheet   int32
	Ballot  votes.Ballot
	Spoiled bool // against the rule, or not to be read: it counts in the turnout only
}

const (
	sqlSheetAdd = `
insert into poll_sheet (book_id, poll_id, sheet, entered_by, version, marks, spoiled, entered_at)
select $1, $2, $3, $4, coalesce((select max(version) from poll_sheet where book_id = $1 and poll_id = $2 and sheet = $3 and entered_by = $4), 0) + 1, $5, $6, $7`

	sqlSheetTimes = `select count(*) from poll_sheet where book_id = $1 and poll_id = $2 and sheet = $3 and entered_by = $4`

	// The last reading of each person; agreed when two people read the same.
	sqlSheets = `
with last as (select distinct on (sheet, entered_by) sheet, entered_by, marks, spoiled from poll_sheet where book_id = $1 and poll_id = $2 order by sheet, entered_by, version desc)
select sheet, array_agg(entered_by order by entered_by), array_agg(case when spoiled then '-' else marks end order by entered_by),
       (select min(case when a.spoiled then '-' else a.marks end) from last a join last b on b.sheet = a.sheet and b.entered_by > a.entered_by and b.marks = a.marks and b.spoiled = a.spoiled where a.sheet = l.sheet)
  from last l group by sheet order by sheet`

	sqlPaperVoters = `select count(*) filter (where channel = 'online'), count(*) filter (where channel = 'paper') from poll_voter where book_id = $1 and poll_id = $2`
)

// ReadSheet takes a reading in. A person who reads a sheet again corrects what she read before. *votes.BallotError, ErrNotOpen before the
// opening and after the count, ErrSheet.
func ReadSheet(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Poll, s Reading, by uuid.UUID, now time.Time) error {
	var state string
	if err := tx.QueryRow(ctx, sqlPollHold, book.ID, p.ID).Scan(&state); err != nil {
		return fmt.Errorf("hold vote: %w", err)
	}
	if state != Open && state != Closed || now.Before(p.OpensAt) || p.PaperAt == "" {
		return ErrNotOpen
	}
	var times int
	if err := tx.QueryRow(ctx, sqlSheetTimes, book.ID, p.ID, s.Sheet, by).Scan(&times); err != nil {
		return fmt.Errorf("count readings: %w", err)
	}
	if s.Sheet < 1 || s.Sheet > SheetsMax || times >= versionsMax {
		return ErrSheet
	}
	marks := ""
	if !s.Spoiled {
		if err := p.Election(book.Currency, "zh-CN").Accepts(s.Ballot); err != nil {
			return err
		}
		marks = Marks(p, s.Ballot)
	}
	if _, err := tx.Exec(ctx, sqlSheetAdd, book.ID, p.ID, s.Sheet, by, marks, s.Spoiled, now); err != nil {
		return fmt.Errorf("take sheet in: %w", err)
	}
	return nil
}

// Sheet is what people read of one sheet of paper.
type Sheet struct {
	Number int32
	By     []uuid.UUID
	Read   []string // marks as each of By reads them; "-" for a spoiled one
	Agreed *string  // what two people read alike
}

// Spoiled tells of an agreed sheet that it counts for no project.
func (s *Sheet) Spoiled() bool { return s.Agreed != nil && *s.Agreed == "-" }

// Sheets lists the sheets taken in, by number.
func Sheets(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll) ([]Sheet, error) {
	rows, err := q.Query(ctx, sqlSheets, book.ID, p.ID)
	if err != nil {
		return nil, fmt.Errorf("list sheets: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Sheet])
}

// Turnout is how many took part.
type Turnout struct {
	Online  int64 `json:"online"`
	Paper   int64 `json:"paper"`   // handed out while open, sheets once counted
	Spoiled int64 `json:"spoiled"` // of Paper
}

// TurnoutOf counts who took part so far.
func TurnoutOf(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll) (t Turnout, err error) {
	if err := q.QueryRow(ctx, sqlPaperVoters, book.ID, p.ID).Scan(&t.Online, &t.Paper); err != nil {
		return t, fmt.Errorf("count voters: %w", err)
	}
	return t, nil
}
