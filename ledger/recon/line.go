package recon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/ledger/money"
	"sunfund/ledger/recon/statement"
)

// uniqueViolation is PostgreSQL's code for a key that is there already.
const uniqueViolation = "23505"

// batchLines is how many lines go to PostgreSQL in one statement.
const batchLines = 10_000

const (
	// COPY does not work behind the wall of a book, so lines come as typed arrays, unnested in the list of columns: as a table they would be gathered first.
	sqlLinesInsert = `
insert into ext_line (book_id, source_id, file_id, line_key, statement, line_no, row_no, at, size, booked_on, value_on, clock, amount, fee, fee_exact, balance, kind,
       code, ext_id, original, order_no, end_to_end, marks, reversal, parts, party)
select $1, $2, $3, key, statement, line_no, row_no, at, size, date '1970-01-01' + booked, date '1970-01-01' + value, to_timestamp(clock), amount, fee, fee_exact,
       balance, kind, code, ext_id, original, order_no, end_to_end, string_to_array(marks, ' '), reversal = 1, parts::jsonb, party
  from (select unnest($4::bytea[]) as key, unnest($5::int4[]) as statement, unnest($6::int4[]) as line_no, unnest($7::int4[]) as row_no, unnest($8::int8[]) as at,
               unnest($9::int4[]) as size, unnest($10::int4[]) as booked, unnest($11::int4[]) as value, unnest($12::int8[]) as clock, unnest($13::int8[]) as amount,
               unnest($14::int8[]) as fee, unnest($15::int8[]) as fee_exact, unnest($16::int8[]) as balance, unnest($17::text[]) as kind, unnest($18::text[]) as code,
               unnest($19::text[]) as ext_id, unnest($20::text[]) as original, unnest($21::text[]) as order_no, unnest($22::text[]) as end_to_end,
               unnest($23::text[]) as marks, unnest($24::int4[]) as reversal, unnest($25::text[]) as parts, unnest($26::int8[]) as party) x`

	sqlLinesKnown = sqlLinesInsert + ` on conflict (book_id, source_id, line_key) do nothing`

	// A line that is known must be what it was. Only numbers that a processor gives once can come with another amount.
	sqlLinesOther = `
select x.row_no, l.amount, x.amount
  from unnest($3::bytea[], $4::int4[], $5::int8[], $6::int8[]) as x(key, row_no, amount, fee_exact)
  cross join lateral (select e.amount, e.fee_exact from ext_line e where e.book_id = $1 and e.source_id = $2 and e.line_key = x.key limit 1) l
 where (l.amount, l.fee_exact) <> (x.amount, x.fee_exact) order by x.row_no limit 1`

	// A numbered statement is what it was when it came before.
	sqlStatementOther = `
select closing from source_statement
 where book_id = $1 and source_id = $2 and to_on = $3 and from_on = $4 and number = $5 and account = $6
   and (opening, closing, count_in, count_out, sum_in, sum_out) is distinct from ($7::int8, $8::int8, $9::int4, $10::int4, $11::int8, $12::int8) limit 1`

	// Days between the first and the last of a statement are whole in it.
	sqlDaysWhole = `
select booked_on, count(*) from ext_line where book_id = $1 and source_id = $2 and booked_on > $3 and booked_on < $4 group by booked_on order by booked_on`

	// A line that is new must not lie inside another statement.
	sqlDayInside = `
select l.row_no, l.booked_on
  from ext_line l
 where l.book_id = $1 and l.source_id = $2 and l.booked_on between $4 and $5 and l.file_id = $3
   and exists (select from source_statement s where s.book_id = $1 and s.source_id = $2 and s.file_id <> $3 and s.from_on < l.booked_on and s.to_on > l.booked_on and s.gaps = 0)
 order by l.row_no limit 1`
)

// batch holds the lines of a file as columns, on their way into PostgreSQL.
type batch struct {
	keys                                                  [][]byte
	statements, nos, rows, sizes, booked, value, reversal []int32
	ats, amounts, fees, exacts                            []int64
	clocks, balances, parties                             []*int64
	kinds, codes, ids, originals, orders, ends, marks     []string
	parts                                                 []*string
}

func newBatch() *batch { return &batch{keys: make([][]byte, 0, batchLines)} }

func (b *batch) len() int { return len(b.keys) }

// add puts a line to the others; party is the hash of the account that its money went to, or nil.
func (b *batch) add(key statement.Key, l *statement.Line, party *int64) error {
	b.keys = append(b.keys, key[:])
	b.statements, b.nos, b.rows = append(b.statements, int32(l.Statement)), append(b.nos, int32(l.No)), append(b.rows, int32(l.Row))
	b.ats, b.sizes = append(b.ats, int64(l.At)), append(b.sizes, int32(l.Size))
	b.booked, b.value = append(b.booked, epochDay(l.Booked)), append(b.value, epochDay(l.Value))
	var clock *int64
	if !l.Clock.IsZero() {
		seconds := l.Clock.Unix()
		clock = &seconds
	}
	b.clocks, b.balances = append(b.clocks, clock), append(b.balances, balance(l.Balance))
	b.amounts, b.fees, b.exacts = append(b.amounts, l.Amount), append(b.fees, l.Fee), append(b.exacts, l.FeeExact)
	b.kinds, b.codes, b.ids, b.originals = append(b.kinds, l.Kind), append(b.codes, strings.Clone(l.Code)), append(b.ids, l.ID), append(b.originals, l.Original)
	b.orders, b.ends, b.marks = append(b.orders, l.Order), append(b.ends, l.EndToEnd), append(b.marks, strings.Join(Marks(l.Text), " "))
	reversal := int32(0)
	if l.Reversal {
		reversal = 1
	}
	b.reversal, b.parties = append(b.reversal, reversal), append(b.parties, party)
	var parts *string
	if len(l.Parts) > 0 {
		text, err := partsText(l.Parts)
		if err != nil {
			return err
		}
		parts = &text
	}
	b.parts = append(b.parts, parts)
	return nil
}

func epochDay(d time.Time) int32 { return int32(d.Unix() / 86400) }

// part is what the tables keep of a transaction in a batch: no names.
type part struct {
	Amount   int64    `json:"amount"`
	Currency string   `json:"currency,omitempty"`
	ID       string   `json:"id,omitempty"`
	EndToEnd string   `json:"end_to_end,omitempty"`
	Marks    []string `json:"marks,omitempty"`
	Rate     string   `json:"rate,omitempty"`
}

func partsText(list []statement.Part) (string, error) {
	kept := make([]part, len(list))
	for i, p := range list {
		kept[i] = part{p.Amount, p.Currency, p.ID, p.EndToEnd, Marks(p.Text), p.Rate}
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("write parts of a line: %w", err)
	}
	return string(text), nil
}

// insert writes lines that are not known, and holds those that are to what they were. To ask of each line whether it is known costs as much as to write
// it, so that is done once one of them is.
func (t *taking) insert(ctx context.Context, b *batch) (fresh int, err error) {
	write := func(sql string) (tag pgconn.CommandTag, err error) {
		err = pgx.BeginFunc(ctx, t.tx, func(tx pgx.Tx) error {
			tag, err = tx.Exec(ctx, sql, t.book.ID, t.source.ID, t.file.ID, b.keys, b.statements, b.nos, b.rows, b.ats, b.sizes, b.booked, b.value, b.clocks, b.amounts, b.fees,
				b.exacts, b.balances, b.kinds, b.codes, b.ids, b.originals, b.orders, b.ends, b.marks, b.reversal, b.parts, b.parties)
			return err
		})
		return tag, err
	}
	var tag pgconn.CommandTag
	if !t.known {
		var refused *pgconn.PgError
		if tag, err = write(sqlLinesInsert); errors.As(err, &refused) && refused.Code == uniqueViolation {
			t.known = true
		}
	}
	if t.known {
		tag, err = write(sqlLinesKnown)
	}
	if err != nil {
		return 0, fmt.Errorf("write lines: %w", err)
	}
	if fresh = int(tag.RowsAffected()); fresh == b.len() || !t.source.Format.Trusted() {
		return fresh, nil
	}
	var row int32
	var was, is int64
	err = t.tx.QueryRow(ctx, sqlLinesOther, t.book.ID, t.source.ID, b.keys, b.rows, b.amounts, b.exacts).Scan(&row, &was, &is)
	if errors.Is(err, pgx.ErrNoRows) {
		return fresh, nil
	}
	if err != nil {
		return 0, fmt.Errorf("compare lines: %w", err)
	}
	return 0, &statement.Refusal{Reason: Contradicts, Line: int(row), Want: money.Format(was, t.source.Currency), Got: money.Format(is, t.source.Currency)}
}

// numbered refuses a statement that came before with other sums under its number.
func (t *taking) numbered(ctx context.Context, s *statement.Statement) error {
	if s.Number == "" || s.From.IsZero() {
		return nil
	}
	var was *int64
	err := t.tx.QueryRow(ctx, sqlStatementOther, t.book.ID, t.source.ID, s.To, s.From, s.Number, s.Account, balance(s.Opening), balance(s.Closing), s.CountIn, s.CountOut, s.In, s.Out).Scan(&was)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare statements: %w", err)
	}
	return &statement.Refusal{Reason: Contradicts, Want: s.Number, Got: ""}
}

// whole refuses a file that tells another set of lines than another file on a day that one of them has whole.
func (t *taking) whole(ctx context.Context) error {
	for i := range t.sum.Statements {
		s := &t.sum.Statements[i]
		if s.From.IsZero() || len(s.Gaps) > 0 {
			continue
		}
		var row int32
		var day time.Time
		err := t.tx.QueryRow(ctx, sqlDayInside, t.book.ID, t.source.ID, t.file.ID, s.From, s.To).Scan(&row, &day)
		if err == nil {
			return &statement.Refusal{Reason: Contradicts, Line: int(row), Got: day.Format(time.DateOnly)}
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("compare days: %w", err)
		}
		if s.To.Sub(s.From) < 48*time.Hour || i >= len(t.days) {
			continue
		}
		rows, err := t.tx.Query(ctx, sqlDaysWhole, t.book.ID, t.source.ID, s.From, s.To)
		if err != nil {
			return fmt.Errorf("compare days: %w", err)
		}
		var count int
		if _, err = pgx.ForEachRow(rows, []any{&day, &count}, func() error {
			if told := t.days[i][day]; told != count {
				return &statement.Refusal{Reason: Contradicts, Want: strconv.Itoa(count), Got: day.Format(time.DateOnly) + ": " + strconv.Itoa(told)}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

var mark = regexp.MustCompile(`[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*`)

// Marks are the words of a text that may be a reference: with a digit, 6 to 35 signs. Numbers that may be a card, a telephone or
// an identity card are not kept: those are people's.
func Marks(text string) (list []string) {
	for _, word := range mark.FindAllString(text, -1) {
		digits := 0
		for _, c := range []byte(word) {
			if c >= '0' && c <= '9' {
				digits++
			}
		}
		if len(word) < 6 || len(word) > 35 || digits == 0 || digits >= len(word)-1 && len(word) > 10 {
			continue
		}
		list = append(list, word)
		if len(list) == marksMax {
			break
		}
	}
	return list
}

// marksMax is how many words of a line are kept.
const marksMax = 20
