package recon

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// OpenLine is a line that no run has matched.
type OpenLine struct {
	SourceID int32
	Key      []byte
	FileID   uuid.UUID
	Row      int32
	At       int64 // of its bytes in the file
	Size     int32
	Day      time.Time
	Amount   int64 // minor units of the account's currency
	Kind     string
	Code     string
	ExtID    string
	EndToEnd string
	Marks    []string
	State    string // timing, proposed, break
	Since    time.Time
}

// OpenOurs is a gift, refund, expectation or settlement that no line has been found for.
type OpenOurs struct {
	ID       uuid.UUID
	Kind     int16 // 1 gift, 2 refund, 3 expectation, 4 settlement
	Channel  int16
	SourceID int32 // 0: any
	Ref      string
	Amount   int64 // signed, minor units of Currency
	Currency string
	Day      time.Time
	DueOn    time.Time
	State    string
	Since    time.Time
}

// Group is a proposal, or a match of several.
type Group struct {
	ID          uuid.UUID
	Rule        int16
	Version     int16
	Cardinality string
	Score       int16 // explains, decides nothing
	Ambiguous   bool
	RunNo       int32
	SourceID    int32
	Amount      int64
	Ours        []uuid.UUID
	Kinds       []int16
	Lines       [][]byte
	State       string
	Rejected    []Candidate
}

// Candidate is what a match or proposal was preferred to.
type Candidate struct {
	Ours *uuid.UUID `json:"ours"` // or else
	Line string     `json:"line"` // the key of a line of the same currency, hexadecimal
	Why  string     `json:"why"`  // taken, number, kind, day; of a sum: sum; of a near number: text
	Days int        `json:"days"` // apart
}

// Evidence is why a line is matched with one of ours.
type Evidence struct {
	SourceID int32
	Line     []byte
	FileID   uuid.UUID
	FileName string
	FileHash []byte
	Row      int32
	At       int64
	Size     int32
	RawHash  []byte // of the line's bytes
	Rule     int16
	Rules    *int32 // version of the rules that the run had
	RunNo    int32  // 0: a person
	RunID    []byte
	GroupID  *uuid.UUID
	Ours     []uuid.UUID
	Kinds    []int16
	Rejected []Candidate // nearest in days first
}

const (
	lineColumns = `l.source_id, l.line_key, l.file_id, l.row_no, l.at, l.size, l.booked_on, l.amount, l.kind, l.code, l.ext_id, l.end_to_end, l.marks, o.state, o.since`

	sqlOpenLines = `
select ` + lineColumns + ` from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and ($2 = 0 or o.source_id = $2) and ($3 = '' or o.state = $3) and (l.booked_on, l.line_key) > ($4::date, $5::bytea)
 order by l.booked_on, l.line_key limit $6`

	// Nearest in amount, then in days.
	sqlCandidates = `
select id, kind, channel, source_id, ref, amount, ccy, day, due_on, state, since from open_ours
 where book_id = $1 and ccy = $2 and sign(amount) = sign($3::int8) and abs(day - $4::date) <= 31 order by abs(amount - $3), abs(day - $4::date), id limit $5`

	sqlEvidence = `
select m.source_id, m.line_key, l.file_id, f.name, f.hash, l.row_no, l.at, l.size, ''::bytea, m.rule, r.rules, m.run_no, r.id, m.group_id,
       case when m.ours is not null then array[m.ours] else array(select o.ours from recon_member o where o.book_id = $1 and o.group_id = m.group_id and o.ours is not null and o.live order by o.ours) end,
       case when m.ours is not null then array[m.kind] else array(select o.kind from recon_member o where o.book_id = $1 and o.group_id = m.group_id and o.ours is not null and o.live order by o.ours) end,
       coalesce(m.rejected, (select g.rejected from recon_group g where g.book_id = $1 and g.id = m.group_id), '[]')
  from (` + matchedRows + `) m
  join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key
  join source_file f on f.book_id = $1 and f.id = l.file_id
  left join recon_run r on r.book_id = $1 and r.no = m.run_no
 where m.book_id = $1 and m.source_id = $2 and m.line_key = $3`
)

// OpenLines lists lines that wait, by day; source 0 is all, state "" any. after and key are of the last line of the page before.
func OpenLines(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, state string, after time.Time, key []byte, limit int) ([]OpenLine, error) {
	rows, err := q.Query(ctx, sqlOpenLines, book.ID, source, state, after, append([]byte{}, key...), min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list open lines: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenLine])
}

// Candidates lists what of ours is open and nearest to an amount (minor units, signed) and a day, within a month of it.
func Candidates(ctx context.Context, q pg.Querier, book *ledger.Book, ccy string, amount int64, day time.Time, limit int) ([]OpenOurs, error) {
	rows, err := q.Query(ctx, sqlCandidates, book.ID, ccy, amount, day, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list candidates: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenOurs])
}

// EvidenceOf tells why a line is matched, down to the hash of its bytes in the file. giving.ErrNoRecord when it is not matched; ledger.ErrNoKeys when the
// file cannot be opened here.
func EvidenceOf(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, line []byte) (*Evidence, error) {
	e, err := giving.Record[Evidence](ctx, q, sqlEvidence, book.ID, source, line)
	if err != nil {
		return nil, err
	}
	f, err := FileByID(ctx, q, book, e.FileID)
	if err != nil {
		return nil, err
	}
	raw, err := f.Bytes(ctx, q, book, int(e.At), int(e.Size))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	e.RawHash = sum[:]
	return e, nil
}
