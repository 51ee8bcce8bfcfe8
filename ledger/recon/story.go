package recon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Line is a line of an account as people look at it: where it stands in which file, and what has become of it.
type Line struct {
	SourceID int32
	Key      []byte
	FileID   uuid.UUID
	FileName string
	FileHash []byte
	Row      int32
	At       int64 // of its bytes in the file
	Size     int32
	Day      time.Time
	Amount   int64  // minor units of the account's currency
	Kind     string // as the format tells it
	ExtID    string
	EndToEnd string
	State    string     // timing, proposed, break: open; matched
	Rule     *int16     // by which it is matched
	Group    *uuid.UUID // with which it is matched, when it is of several
}

// LineMatched is the state of a line that has its match.
const LineMatched = "matched"

// Item is one of ours: a gift, refund, expectation, settlement or the entry of a correction.
type Item struct {
	ID     uuid.UUID
	Kind   int16 // 1 gift, 2 refund, 3 expectation, 4 settlement, 5 entry of a correction
	Ref    string
	Amount int64 // signed, minor units of Currency; of an entry 0
	Ccy    string
	Day    time.Time
	Entry  *uuid.UUID // in which it is booked
}

// RunStory is a run that looked at everything.
type RunStory struct {
	No    int32
	ID    []byte
	AsOf  time.Time
	Rules int32 // version
	Lines int64 // looked at
	Ours  int64
}

const (
	storyColumns = `l.source_id, l.line_key, l.file_id, f.name, f.hash, l.row_no, l.at, l.size, l.booked_on, l.amount, l.kind, l.ext_id, l.end_to_end,
       coalesce((select o.state from open_line o where o.book_id = $1 and o.source_id = l.source_id and o.line_key = l.line_key), case when m.rule is null then 'timing' else 'matched' end), m.rule, m.group_id`

	storyFrom = ` join source_file f on f.book_id = $1 and f.id = l.file_id
  left join lateral (select m.rule, m.group_id from (` + matchedRows + `) m where m.book_id = $1 and m.source_id = l.source_id and m.line_key = l.line_key limit 1) m on true`

	sqlLineStories = `
select ` + storyColumns + ` from unnest($3::bytea[]) x(k) join ext_line l on l.book_id = $1 and l.source_id = $2 and l.line_key = x.k` + storyFrom + `
 order by l.booked_on, l.line_key`

	sqlLinesOfFile = `
select ` + storyColumns + ` from ext_line l` + storyFrom + `
 where l.book_id = $1 and l.file_id = $2 and l.row_no > $3 and ($5 = '' or ($5 = 'matched') = (m.rule is not null)) order by l.row_no limit $4`

	// Those of one source that were matched last: by people, by the newest runs, on the newest page.
	sqlLinesMatched = `
select ` + storyColumns + `
  from ((select line_key
           from ((select line_key, 1 as person, run_no, no from recon_member where book_id = $1 and run_no = 0 and source_id = $2 and live and line_key is not null order by no desc limit $3)
                 union all
                 (select line_key, 0, run_no, no from recon_member where book_id = $1 and run_no > 0 and source_id = $2 and live and line_key is not null order by run_no desc, no desc limit $3)) m
          order by person desc, run_no desc, no desc limit $3)
        union
        (select l.line_key from (select file_id, page from recon_page where book_id = $1 and source_id = $2 order by run_no desc, file_id, page desc limit 1) p
           join ext_line l on l.book_id = $1 and l.file_id = p.file_id and (l.line_no - 1) / 1000 = p.page order by l.line_no desc limit $3)) x
  join ext_line l on l.book_id = $1 and l.source_id = $2 and l.line_key = x.line_key` + storyFrom + ` order by l.booked_on desc, l.line_key`

	sqlItems = `
select g.id, 1::int2, ` + giftRef + `, g.amount, g.ccy, (g.paid_at at time zone $3::text)::date, g.id
  from gift g where g.book_id = $1 and g.id = any($2::uuid[])
union all
select r.id, 2, ` + refundRef + `, -r.amount, r.ccy, (r.refunded_at at time zone $3::text)::date, r.id
  from refund r where r.book_id = $1 and r.id = any($2)
union all
select e.id, 3, e.key, e.amount, e.ccy, e.day, (select n.id from entry n where n.book_id = $1 and n.id = e.origin limit 1) from expectation e where e.book_id = $1 and e.id = any($2)
union all
select s.id, 4, s.key, s.amount, s.ccy, s.day, null from settlement s where s.book_id = $1 and s.id = any($2)
union all
select e.id, 5, '', 0, $4, e.effective_on, e.id from entry e where e.book_id = $1 and e.id = any($2)
   and not exists (select from gift g where g.book_id = $1 and g.id = e.id) and not exists (select from refund r where r.book_id = $1 and r.id = e.id)
 order by 6, 1`

	sqlRunStory = `select no, id, as_of, rules, lines, ours from recon_run where book_id = $1 and no = (select run_no from break_item where book_id = $1 and id = $2)`

	sqlProposalsOf = `
select id, rule, rule_ver, cardinality, score, ambiguous, run_no, source_id, amount, ours, kinds, lines, state, coalesce(rejected, '[]') from recon_group
 where book_id = $1 and state = 'proposed' and source_id = $2 and ($3::bytea[] is null or lines && $3) order by rule desc, score desc, id limit $4`

	// A break of a file cannot have been seen before the file.
	sqlBreaksOf = `
select ` + breakColumns + ` from break_item b
 where b.book_id = $1 and (b.source_id = $2 and b.first_seen >= $4 and exists (select from unnest(b.lines) k join ext_line l on l.book_id = $1 and l.source_id = $2 and l.line_key = k and l.file_id = $3)
        or $3 = any(b.files)) order by b.ended_at is not null, b.first_seen, b.id limit $5`

	sqlBreaksOfLine = `
select ` + breakColumns + ` from break_item b
 where b.book_id = $1 and b.source_id = $2 and $3::bytea = any(b.lines)
   and b.first_seen >= (select f.made_at from ext_line l join source_file f on f.book_id = $1 and f.id = l.file_id where l.book_id = $1 and l.source_id = $2 and l.line_key = $3)
 order by b.first_seen, b.id limit 20`

	sqlFileOpen = `
select count(*) from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and o.source_id = $2 and l.file_id = $3`

	sqlFileRun = `select run_no from source_file where book_id = $1 and id = $2`

	sqlBreakOfEntry = `select break_id from correction where book_id = $1 and entry_id = $2 limit 1`
	sqlBreakOfForm  = `select break_id from break_event where book_id = $1 and state = 'proposed' and evidence = uuid_send($2::uuid) limit 1`
	sqlFormOfBreak  = `
select evidence from break_event where book_id = $1 and break_id = $2 and state = 'proposed' and evidence is not null order by seq desc limit 1`
)

// LinesByKey reads lines of an account, by day.
func LinesByKey(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, keys [][]byte) ([]Line, error) {
	return stories(ctx, q, sqlLineStories, book.ID, source, keys)
}

// LinesOf reads lines that a file told first, by row, after one of them; state is LineMatched, "open" or empty for all.
func LinesOf(ctx context.Context, q pg.Querier, book *ledger.Book, file uuid.UUID, state string, after int32, limit int) ([]Line, error) {
	return stories(ctx, q, sqlLinesOfFile, book.ID, file, after, min(max(limit, 1), ledger.PageMax), state)
}

// LastMatched reads those lines of an account that were matched last: what people matched, then what the newest runs did.
func LastMatched(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, limit int) ([]Line, error) {
	return stories(ctx, q, sqlLinesMatched, book.ID, source, min(max(limit, 1), ledger.PageMax))
}

func stories(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Line, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Line])
}

// Items reads what is ours behind ids, by day. Those that are nothing of ours are left out.
func Items(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) ([]Item, error) {
	rows, err := q.Query(ctx, sqlItems, book.ID, ids, book.Zone.String(), book.Currency)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Item])
}

// RunOf reads the run that found a break, or giving.ErrNoRecord for one that no run found.
func RunOf(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*RunStory, error) {
	return giving.Record[RunStory](ctx, q, sqlRunStory, book.ID, id)
}

// ProposalsOf lists what is proposed for an account, sums and near numbers first; with lines only what is proposed for one of them.
func ProposalsOf(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, lines [][]byte, limit int) ([]Group, error) {
	rows, err := q.Query(ctx, sqlProposalsOf, book.ID, source, lines, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list proposals: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Group])
}

// FileStory is what has become of a file's lines.
type FileStory struct {
	Taken  bool // a run has looked at them
	Open   int64
	Breaks []BreakItem // raised by the file or its lines: those that are open first
}

// StoryOf tells what has become of the lines that a file told first.
func StoryOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, limit int) (s FileStory, err error) {
	var run *int32
	if err := q.QueryRow(ctx, sqlFileRun, book.ID, f.ID).Scan(&run); err != nil {
		return s, fmt.Errorf("read statement file: %w", err)
	}
	s.Taken = run != nil
	if err := q.QueryRow(ctx, sqlFileOpen, book.ID, f.SourceID, f.ID).Scan(&s.Open); err != nil {
		return s, fmt.Errorf("count open lines: %w", err)
	}
	rows, err := q.Query(ctx, sqlBreaksOf, book.ID, f.SourceID, f.ID, f.MadeAt, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return s, fmt.Errorf("read breaks of a file: %w", err)
	}
	s.Breaks, err = pgx.CollectRows(rows, pgx.RowToStructByPos[BreakItem])
	return s, err
}

// BreaksOfLine lists the breaks that a line is in, or was.
func BreaksOfLine(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, line []byte) ([]BreakItem, error) {
	rows, err := q.Query(ctx, sqlBreaksOfLine, book.ID, source, line)
	if err != nil {
		return nil, fmt.Errorf("read breaks of a line: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakItem])
}

// BreakOfEntry is the break that an entry corrects, BreakOfForm the one for which a request with that form id was made; nil when there is none.
func BreakOfEntry(ctx context.Context, q pg.Querier, book *ledger.Book, entry uuid.UUID) (uuid.UUID, error) {
	return linked(ctx, q, sqlBreakOfEntry, book.ID, entry)
}

// BreakOfForm is described at BreakOfEntry.
func BreakOfForm(ctx context.Context, q pg.Querier, book *ledger.Book, form uuid.UUID) (uuid.UUID, error) {
	return linked(ctx, q, sqlBreakOfForm, book.ID, form)
}

// AskedForm is the form id of the correction that was asked for last, nil when none was.
func AskedForm(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (uuid.UUID, error) {
	return linked(ctx, q, sqlFormOfBreak, book.ID, id)
}

func linked(ctx context.Context, q pg.Querier, sql string, args ...any) (id uuid.UUID, err error) {
	err = q.QueryRow(ctx, sql, args...).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("look for break: %w", err)
	}
	return id, nil
}

// MatchStep is what a person or run said of a match or proposal.
type MatchStep struct {
	State  string // proposed, confirmed, rejected, revoked
	Actor  uuid.UUID
	Reason string
	At     time.Time
}

const (
	sqlMatchSteps = `select state, actor, reason, at from recon_event where book_id = $1 and group_id = $2 order by seq`

	sqlOpenBeside = `
select id, kind, channel, source_id, ref, amount, ccy, day, due_on, state, since from open_ours
 where book_id = $1 and ccy = $2 and (source_id in (0, $3) or kind = 4) and ($4 = 0 or kind = $4) and (day, id) > ($5::date, $6::uuid) order by day, id limit $7`

	sqlOpenCounts = `
select s.id, (select count(*) from open_line o where o.book_id = $1 and o.source_id = s.id),
       (select count(*) from recon_group g where g.book_id = $1 and g.source_id = s.id and g.state = 'proposed')
  from source_account s where s.book_id = $1 order by s.id limit 200`
)

// MatchSteps lists what was said of a match: of the group, or of PairID for one with one.
func MatchSteps(ctx context.Context, q pg.Querier, book *ledger.Book, group uuid.UUID) ([]MatchStep, error) {
	rows, err := q.Query(ctx, sqlMatchSteps, book.ID, group)
	if err != nil {
		return nil, fmt.Errorf("read what was said of a match: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatchStep])
}

// OpenBeside lists what of ours waits and may be of an account, by its currency; kind 0 is all. after and id are of the last one of the page before.
func OpenBeside(ctx context.Context, q pg.Querier, book *ledger.Book, s *Source, kind int16, after time.Time, id uuid.UUID, limit int) ([]OpenOurs, error) {
	rows, err := q.Query(ctx, sqlOpenBeside, book.ID, s.Currency, s.ID, kind, after, id, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list open items: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenOurs])
}

// OpenCount is how much of an account waits.
type OpenCount struct {
	SourceID  int32
	Lines     int64
	Proposals int64
}

// OpenCounts counts what waits of each account.
func OpenCounts(ctx context.Context, q pg.Querier, book *ledger.Book) ([]OpenCount, error) {
	rows, err := q.Query(ctx, sqlOpenCounts, book.ID)
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenCount])
}

const sqlFilesWaiting = `select ` + fileColumns + ` from source_file where book_id = $1 and state = 'received' and (made_at, id) > ($2, $3) order by made_at, id limit 20`

// FilesWaiting lists files that are kept and not read yet, the oldest first, twenty at most. after and id are the MadeAt and ID of the last one of the page before.
func FilesWaiting(ctx context.Context, q pg.Querier, book *ledger.Book, after time.Time, id uuid.UUID) ([]File, error) {
	rows, err := q.Query(ctx, sqlFilesWaiting, book.ID, after, id)
	if err != nil {
		return nil, fmt.Errorf("list files that wait: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[File])
}
