package recon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon/statement"
)

// Kinds are what an account outside can be.
var Kinds = []string{"bank", "processor", "wallet"}

// Source is an account outside. Its files come in one format, so that a line has one key.
type Source struct {
	ID       int32
	Name     string
	Kind     string
	Format   statement.Format
	Number   string // as the files tell it; empty: any
	Currency string
	MadeBy   uuid.UUID
	MadeAt   time.Time
	Chart    chart.ID // the bank account of the book that it is, one of BankAccounts; empty: not said
}

// BankAccounts are the accounts of the book that a statement can be tied to.
var BankAccounts = []chart.ID{"bank.basic", "bank.online", "bank.fx", "bank.agency"}

// SourceStory is a source with what has come of it.
type SourceStory struct {
	Source
	Lines       int64
	Through     *time.Time // last day of which a statement is here
	Closing     *int64     // balance at its end, minor units
	Quarantined int64      // files that wait for somebody
}

const (
	sourceColumns = `id, name, kind, format, number, currency, made_by, made_at, chart`

	sqlSourceInsert = `
insert into source_account (book_id, id, name, kind, format, number, currency, made_by, made_at, chart)
values ($1, (select coalesce(max(id), 0) + 1 from source_account where book_id = $1), $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (book_id, name) do nothing returning id`

	sqlSourceByID = `select ` + sourceColumns + ` from source_account where book_id = $1 and id = $2`

	sqlSourceByName = `select ` + sourceColumns + ` from source_account where book_id = $1 and name = $2`

	sqlSources = `
select s.id, s.name, s.kind, s.format, s.number, s.currency, s.made_by, s.made_at, s.chart,
       (select coalesce(sum(f.fresh), 0) from source_file f where f.book_id = $1 and f.source_id = s.id),
       l.to_on, l.closing,
       (select count(*) from source_file f where f.book_id = $1 and f.source_id = s.id and f.state in ('received', 'quarantined'))
  from source_account s
  left join lateral (select t.to_on, t.closing from source_statement t where t.book_id = $1 and t.source_id = s.id and t.to_on is not null
                      order by t.to_on desc, t.number desc, t.no desc limit 1) l on true
 where s.book_id = $1 order by s.kind, s.name limit 200`
)

// AddSource opens a source and gives its number. *giving.FieldErrors.
func AddSource(ctx context.Context, tx pgx.Tx, book *ledger.Book, s Source) (int32, error) {
	var wrong giving.FieldErrors
	wrong.Text("name", s.Name, 1, 60)
	wrong.Text("number", s.Number, 0, 40)
	if !slices.Contains(Kinds, s.Kind) {
		wrong.Refuse("kind", "recon.choice.wrong")
	}
	if !slices.Contains(statement.Formats, s.Format) {
		wrong.Refuse("format", "recon.choice.wrong")
	}
	if _, ok := money.Lookup(s.Currency); !ok {
		wrong.Refuse("currency", "recon.currency.wrong")
	}
	if err := wrong.Err(); err != nil {
		return 0, err
	}
	if err := MayTie(ctx, tx, book, &s, s.Chart); err != nil {
		return 0, err
	}
	var id int32
	err := tx.QueryRow(ctx, sqlSourceInsert, book.ID, s.Name, s.Kind, s.Format, s.Number, s.Currency, s.MadeBy, s.MadeAt, s.Chart).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		wrong.Refuse("name", "recon.name.taken")
		return 0, wrong.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("add source: %w", err)
	}
	return id, nil
}

const (
	sqlSourceTied = `select exists (select from source_account where book_id = $1 and chart = $2 and id <> $3)`
	sqlSourceTie  = `update source_account set chart = $3 where book_id = $1 and id = $2`
)

// MayTie refuses an account of the book that is none of a bank's, or that another source is tied to. *giving.FieldErrors.
func MayTie(ctx context.Context, q pg.Querier, book *ledger.Book, s *Source, to chart.ID) error {
	if to == "" {
		return nil
	}
	var wrong giving.FieldErrors
	if s.Kind != "bank" || !slices.Contains(BankAccounts, to) {
		wrong.Refuse("chart", "recon.choice.wrong")
		return wrong.Err()
	}
	var taken bool
	if err := q.QueryRow(ctx, sqlSourceTied, book.ID, to, s.ID).Scan(&taken); err != nil {
		return fmt.Errorf("look for tied account: %w", err)
	}
	if taken {
		wrong.Refuse("chart", "recon.chart.taken")
	}
	return wrong.Err()
}

// Tie says which bank account of the book a source is; empty unties it. One source is tied to an account. *giving.FieldErrors, giving.ErrNoRecord.
func Tie(ctx context.Context, tx pgx.Tx, book *ledger.Book, source int32, to chart.ID) error {
	s, err := SourceByID(ctx, tx, book, source)
	if err != nil {
		return err
	}
	if err := MayTie(ctx, tx, book, s, to); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlSourceTie, book.ID, source, to); err != nil {
		return fmt.Errorf("tie source: %w", err)
	}
	return nil
}

// Object is the record under which the history of a source is kept.
func (s *Source) Object() string { return "statement-source:" + strconv.Itoa(int(s.ID)) }

// SourceByID reads a source, or giving.ErrNoRecord.
func SourceByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*Source, error) {
	return giving.Record[Source](ctx, q, sqlSourceByID, book.ID, id)
}

// SourceByName reads a source, or giving.ErrNoRecord.
func SourceByName(ctx context.Context, q pg.Querier, book *ledger.Book, name string) (*Source, error) {
	return giving.Record[Source](ctx, q, sqlSourceByName, book.ID, name)
}

// Sources lists the sources of a book with what has come of each.
func Sources(ctx context.Context, q pg.Querier, book *ledger.Book) ([]SourceStory, error) {
	rows, err := q.Query(ctx, sqlSources, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s SourceStory, err error) {
		err = row.Scan(&s.ID, &s.Name, &s.Kind, &s.Format, &s.Number, &s.Currency, &s.MadeBy, &s.MadeAt, &s.Chart, &s.Lines, &s.Through, &s.Closing, &s.Quarantined)
		return s, err
	})
}

// Profile is a version of how a source's CSV files are read.
type Profile struct {
	ID       uuid.UUID
	SourceID int32
	Version  int32
	Layout   statement.Profile
	MadeBy   uuid.UUID
	MadeAt   time.Time
}

const (
	profileColumns = `id, source_id, version, layout, made_by, made_at`

	sqlProfileInsert = `
insert into source_profile (book_id, id, source_id, version, layout, made_by, made_at)
values ($1, $2, $3, (select coalesce(max(version), 0) + 1 from source_profile where book_id = $1 and source_id = $3), $4, $5, $6)
on conflict (book_id, id) do nothing`

	sqlProfileByID = `select ` + profileColumns + ` from source_profile where book_id = $1 and id = $2`

	sqlProfileNewest = `select ` + profileColumns + ` from source_profile where book_id = $1 and source_id = $2 order by version desc limit 1`
)

// SaveProfile keeps how a source's files are read as its next version. The same id again changes nothing. *giving.FieldErrors.
func SaveProfile(ctx context.Context, tx pgx.Tx, book *ledger.Book, p Profile) error {
	if err := CheckLayout(&p.Layout); err != nil {
		return err
	}
	layout, err := json.Marshal(p.Layout)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlProfileInsert, book.ID, p.ID, p.SourceID, layout, p.MadeBy, p.MadeAt); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

// CheckLayout holds a layout to what can be read. *giving.FieldErrors.
func CheckLayout(l *statement.Profile) error {
	var wrong giving.FieldErrors
	if l.Charset != "" && !slices.Contains(sheet.Charsets, l.Charset) {
		wrong.Refuse("charset", "recon.choice.wrong")
	}
	if !slices.Contains(sheet.Delimiters, l.Delimiter) {
		wrong.Refuse("delimiter", "recon.choice.wrong")
	}
	if !slices.Contains(statement.DateForms, l.DateForm) {
		wrong.Refuse("date_form", "recon.choice.wrong")
	}
	used := map[string]bool{}
	for _, meaning := range statement.Meanings {
		names := l.Columns[meaning]
		for _, name := range names {
			if used[name] {
				wrong.Refuse("col_"+meaning, "recon.column.twice")
			}
			used[name] = true
		}
		if len(names) > 5 || len(strings.Join(names, "")) > 400 {
			wrong.Refuse("col_"+meaning, "recon.choice.wrong")
		}
	}
	for meaning := range l.Columns {
		if !slices.Contains(statement.Meanings, meaning) {
			wrong.Refuse("columns", "recon.choice.wrong")
		}
	}
	has := func(meaning string) bool { return len(l.Columns[meaning]) > 0 }
	if !has("date") {
		wrong.Refuse("col_date", "recon.column.missing")
	}
	switch {
	case !has("amount") && !(has("in") && has("out")):
		wrong.Refuse("col_amount", "recon.column.amount")
	case has("amount") && (has("in") || has("out")):
		wrong.Refuse("col_amount", "recon.column.both")
	}
	if has("direction") && (len(l.InWords) == 0 || len(l.OutWords) == 0) {
		wrong.Refuse("in_words", "recon.direction.words")
	}
	if len(l.InWords) > 10 || len(l.OutWords) > 10 || len(l.Ignore) > 20 {
		wrong.Refuse("ignore", "recon.choice.wrong")
	}
	return wrong.Err()
}

// NewestProfile reads how a source's files are read now, or giving.ErrNoRecord.
func NewestProfile(ctx context.Context, q pg.Querier, book *ledger.Book, source int32) (*Profile, error) {
	return giving.Record[Profile](ctx, q, sqlProfileNewest, book.ID, source)
}

// Missing is money that moved on days of which no statement is here: the closing balance of one statement is not the opening balance
// of the next, or a file skips days inside. Amounts are minor units of the source's currency.
type Missing struct {
	After  time.Time // last day that is here before it
	Before time.Time // first day that is here after it
	Amount int64
	FileID uuid.UUID // in which it shows
}

// Statements that overlap tell nothing of what lies between them; of two with the same days, numbers and balances one counts.
const sqlMissing = `
select coalesce(after, from_on), from_on, moved, file_id
  from (select s.*, lag(to_on) over w as after,
               s.gap + case when opening is null then 0
                            when lag(to_on) over w < from_on or lag(to_on) over w = from_on and number <> lag(number) over w then coalesce(opening - lag(closing) over w, 0)
                            else 0 end as moved
          from (select distinct on (account, from_on, to_on, number, opening, closing) * from source_statement
                 where book_id = $1 and source_id = $2 and from_on is not null order by account, from_on, to_on, number, opening, closing, file_id) s
        window w as (partition by account order by to_on, from_on, number)) x
 where moved <> 0 order by from_on limit 100`

// MissingDays lists where the statements of a source do not follow one another.
func MissingDays(ctx context.Context, q pg.Querier, book *ledger.Book, source int32) ([]Missing, error) {
	rows, err := q.Query(ctx, sqlMissing, book.ID, source)
	if err != nil {
		return nil, fmt.Errorf("look for missing statements: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Missing])
}
