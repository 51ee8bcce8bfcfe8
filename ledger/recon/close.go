package recon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

var (
	// ErrCloseRed means that a check is red, or breaks are open, and nobody gave a reason to close all the same.
	ErrCloseRed = errors.New("what is red was neither cleared nor waived")
	// ErrReportStale means that the books moved after the report on which a month was to be closed. Ask again on a new one.
	ErrReportStale = errors.New("the books moved after the close report")
	// ErrNoReport means that there is no such report. Answer 404.
	ErrNoReport = errors.New("no such close report")
)

// OpenBreaks stands among the codes of waivers for the breaks of reconciliation that are open.
const OpenBreaks = "breaks"

// CloseReport is what two people sign when months are closed for good. Its bytes are hashed as they are kept.
type CloseReport struct {
	Book    string          `json:"book"`
	First   string          `json:"first"` // the first of the months, 2026-08
	Month   string          `json:"month"` // the last of them
	MadeAt  time.Time       `json:"made_at"`
	MadeBy  string          `json:"made_by"`
	Figures string          `json:"figures"` // hash of the trial balance of every fund: ledger.Figures
	Funds   []CloseFund     `json:"funds"`
	Checks  []CloseCheck    `json:"checks"`
	Breaks  []ReportedBreak `json:"breaks"`
	Late    int64           `json:"late"` // entries booked in these months that belong to earlier ones
	Files   []CloseFile     `json:"files"`
	Banks   []CloseBank     `json:"banks,omitempty"` // missing in reports that were made before it was told
	Waivers []CloseWaiver   `json:"waivers"`
	Log     string          `json:"log"` // where the hash went beside the period: "none" while there is no transparency log
}

// CloseFund is what a fund had at the end of the month, in minor units of the book's currency.
type CloseFund struct {
	Code      string `json:"code"`
	Net       int64  `json:"net"`
	Cash      int64  `json:"cash"`
	Available int64  `json:"available"`
}

// CloseCheck is how a check stood.
type CloseCheck struct {
	Code   string    `json:"code"`
	State  State     `json:"state"`
	At     time.Time `json:"at"`
	Found  int64     `json:"found"`
	Breaks []Break   `json:"breaks"`
}

// ReportedBreak is a break of reconciliation that was open and of a day in these months or before.
type ReportedBreak struct {
	Type     string `json:"type"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Day      string `json:"day"`
	State    string `json:"state"`
}

// CloseFile is a statement file whose days lie in these months.
type CloseFile struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Hash   string `json:"sha256"`
	State  string `json:"state"`
}

// CloseBank is a bank account of the book beside the last statement of its account outside that ends in these months or before (E4), in minor units of the book's currency.
type CloseBank struct {
	Name        string          `json:"name"`
	Chart       chart.ID        `json:"chart"`
	Day         string          `json:"day"` // of the statement's end
	Ledger      int64           `json:"ledger"`
	Statement   int64           `json:"statement"`
	Items       []CloseBankItem `json:"items"` // up to a hundred
	ItemsAll    int64           `json:"items_all"`
	ItemsSum    int64           `json:"items_sum"`
	Unexplained int64           `json:"unexplained"`
}

// CloseBankItem is a reason for which the two differ: what the book has more for it.
type CloseBankItem struct {
	Say    string `json:"say"` // Outstanding.Say
	Name   string `json:"name"`
	Day    string `json:"day"`
	Amount int64  `json:"amount"`
}

// CloseWaiver is why a month is closed although something is red: whoever asks gives the reason, whoever approves signs it too.
type CloseWaiver struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Obstacles are the codes of what has to be cleared or waived before the months are closed: red checks, those that never ran, and open
// breaks.
func (r *CloseReport) Obstacles() (codes []string) {
	for _, c := range r.Checks {
		if c.State == Red || c.State == Pending {
			codes = append(codes, c.Code)
		}
	}
	if len(r.Breaks) > 0 {
		codes = append(codes, OpenBreaks)
	}
	return codes
}

func (r *CloseReport) waived(code string) bool {
	for _, w := range r.Waivers {
		if w.Code == code {
			return true
		}
	}
	return false
}

const (
	sqlReportBreaks = `
select type, amount, ccy, day, state from break_item
 where book_id = $1 and ended_at is null and day <= $2 and type <> 'B12' order by day, type, id limit 500`

	sqlReportFiles = `
select s.name, f.name, encode(f.hash, 'hex'), f.state
  from source_file f join source_account s on s.book_id = f.book_id and s.id = f.source_id
 where f.book_id = $1 and f.state in ('imported', 'quarantined')
   and exists (select from source_statement t where t.book_id = $1 and t.file_id = f.id and t.from_on <= $3 and t.to_on >= $2)
 order by s.name, f.made_at, f.id limit 1000`

	sqlReportLate = `
select count(*) from late_entry l
 cross join lateral (select effective_on from entry e where e.book_id = $1 and e.id = l.entry_id limit 1) e
 where l.book_id = $1 and e.effective_on between $2 and $3`
)

// MakeReport looks at everything that closing a month for good takes: the figures of all months that are still open up to it, the
// checks, open breaks and statement files. Hourly checks run anew; of the others what they found last counts. With waivers by the code
// of what is red. It is the first thing its transaction does. ledger.ErrPeriodOngoing, ledger.ErrPeriodHard.
func MakeReport(ctx context.Context, tx pgx.Tx, book *ledger.Book, month time.Time, by string, waivers []CloseWaiver, now time.Time) (*CloseReport, error) {
	month = ledger.Month(month)
	if !month.Before(ledger.Month(book.Day(now))) {
		return nil, ledger.ErrPeriodOngoing
	}
	outcomes, err := RunChecks(ctx, tx, book, now, Hourly)
	if err != nil {
		return nil, err
	}
	return report(ctx, tx, book, month, outcomes, by, waivers, now)
}

// ViewReport is MakeReport on what the checks found last: it changes nothing.
func ViewReport(ctx context.Context, q pg.Querier, book *ledger.Book, month, now time.Time) (*CloseReport, error) {
	if !ledger.Month(month).Before(ledger.Month(book.Day(now))) {
		return nil, ledger.ErrPeriodOngoing
	}
	outcomes, err := Outcomes(ctx, q, book)
	if err != nil {
		return nil, err
	}
	return report(ctx, q, book, ledger.Month(month), outcomes, "", nil, now)
}

func report(ctx context.Context, q pg.Querier, book *ledger.Book, month time.Time, outcomes []Outcome, by string, waivers []CloseWaiver, now time.Time) (*CloseReport, error) {
	state, err := ledger.PeriodOf(ctx, q, book, month)
	if err != nil {
		return nil, err
	}
	if state == ledger.PeriodHard {
		return nil, ledger.ErrPeriodHard
	}
	first, err := ledger.FirstOpen(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if first.IsZero() || first.After(month) {
		first = month
	}
	r := &CloseReport{Book: book.Code, First: first.Format("2006-01"), Month: month.Format("2006-01"), MadeAt: now.UTC(), MadeBy: by, Waivers: waivers, Log: "none"}
	_, figures, err := ledger.Figures(ctx, q, book, first, lastDay(month))
	if err != nil {
		return nil, err
	}
	r.Figures = fmt.Sprintf("%x", figures)
	positions, err := ledger.Positions(ctx, q, book, lastDay(month))
	if err != nil {
		return nil, err
	}
	for _, p := range positions {
		r.Funds = append(r.Funds, CloseFund{p.Fund.Code, p.NetAssets, p.Cash, p.Available})
	}
	for _, o := range outcomes {
		r.Checks = append(r.Checks, CloseCheck{o.Code, o.State, o.At.UTC(), o.Found, o.Breaks})
	}
	banks, err := BankPositionsOn(ctx, q, book, lastDay(month), time.Time{}, outstandingKept)
	if err != nil {
		return nil, err
	}
	for i := range banks {
		r.Banks = append(r.Banks, banks[i].closing())
	}
	return r, r.read(ctx, q, book, first, lastDay(month))
}

// closing is the position as a close report has it.
func (p *BankPosition) closing() CloseBank {
	b := CloseBank{Name: p.Name, Chart: p.Chart, Day: p.Day.Format(time.DateOnly), Ledger: p.Ledger, Statement: p.Statement, ItemsAll: p.ItemsAll, ItemsSum: p.ItemsSum, Unexplained: p.Unexplained()}
	for _, o := range p.Items {
		b.Items = append(b.Items, CloseBankItem{o.Say, o.Name, o.Day.Format(time.DateOnly), o.Amount})
	}
	return b
}

// Outstanding are the items as sentences.
func (b *CloseBank) Outstanding() (list []Break) {
	for _, i := range b.Items {
		day, _ := time.Parse(time.DateOnly, i.Day) // written by closing
		list = append(list, Break{Say: "bank-" + i.Say, Name: b.Name + " " + i.Name, Sums: []int64{i.Amount}, Day: &day})
	}
	return list
}

// read adds what other rooms have on the days from..to.
func (r *CloseReport) read(ctx context.Context, q pg.Querier, book *ledger.Book, from, to time.Time) error {
	rows, err := q.Query(ctx, sqlReportBreaks, book.ID, to)
	if err != nil {
		return fmt.Errorf("read open breaks: %w", err)
	}
	var b ReportedBreak
	var day time.Time
	if _, err = pgx.ForEachRow(rows, []any{&b.Type, &b.Amount, &b.Currency, &day, &b.State}, func() error {
		b.Day = day.Format(time.DateOnly)
		r.Breaks = append(r.Breaks, b)
		return nil
	}); err != nil {
		return fmt.Errorf("read open breaks: %w", err)
	}
	rows, err = q.Query(ctx, sqlReportFiles, book.ID, from, to)
	if err != nil {
		return fmt.Errorf("read statement files: %w", err)
	}
	if r.Files, err = pgx.CollectRows(rows, pgx.RowToStructByPos[CloseFile]); err != nil {
		return fmt.Errorf("read statement files: %w", err)
	}
	if err := q.QueryRow(ctx, sqlReportLate, book.ID, from, to).Scan(&r.Late); err != nil {
		return fmt.Errorf("count late entries: %w", err)
	}
	return nil
}

const sqlReportInsert = `
insert into close_report (book_id, id, first, month, body, hash, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (book_id, id) do nothing`

// KeepReport keeps a report under an id and gives the hash of exactly its bytes. ErrCloseRed when something red is not waived.
func KeepReport(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, r *CloseReport, by uuid.UUID) (hash [32]byte, err error) {
	for _, code := range r.Obstacles() {
		if !r.waived(code) {
			return hash, fmt.Errorf("%w: %s", ErrCloseRed, code)
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return hash, fmt.Errorf("write close report: %w", err)
	}
	hash = sha256.Sum256(body)
	first, month := monthOf(r.First), monthOf(r.Month)
	if _, err := tx.Exec(ctx, sqlReportInsert, book.ID, id, first, month, string(body), hash[:], by, r.MadeAt); err != nil {
		return hash, fmt.Errorf("keep close report: %w", err)
	}
	return hash, nil
}

func monthOf(text string) time.Time {
	month, _ := time.Parse("2006-01", text) // written by MakeReport
	return month
}

// Kept is a report as it is kept, with the close that it led to, if any.
type Kept struct {
	ID         uuid.UUID
	Report     CloseReport
	Body       string
	Hash       []byte
	AskedBy    uuid.UUID
	ApprovedBy *uuid.UUID
	ClosedAt   *time.Time
}

const (
	sqlReportRead = `
select r.id, r.body, r.hash, r.made_by, c.approved_by, c.closed_at
  from close_report r left join period_close c on c.book_id = r.book_id and c.report_id = r.id
 where r.book_id = $1 and r.id = $2`

	sqlReportOf = `
select r.id, r.body, r.hash, r.made_by, c.approved_by, c.closed_at
  from period_close c join close_report r on r.book_id = c.book_id and r.id = c.report_id
 where c.book_id = $1 and c.month >= $2 and c.first <= $2 order by c.month limit 1`
)

// ReportByID reads a report, or ErrNoReport. ReportOf is the one by which a month was closed.
func ReportByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Kept, error) {
	return readReport(ctx, q, sqlReportRead, book.ID, id)
}

// ReportOf reads the report by which a month was closed for good, or ErrNoReport.
func ReportOf(ctx context.Context, q pg.Querier, book *ledger.Book, month time.Time) (*Kept, error) {
	return readReport(ctx, q, sqlReportOf, book.ID, ledger.Month(month))
}

func readReport(ctx context.Context, q pg.Querier, sql string, args ...any) (*Kept, error) {
	var k Kept
	err := q.QueryRow(ctx, sql, args...).Scan(&k.ID, &k.Body, &k.Hash, &k.AskedBy, &k.ApprovedBy, &k.ClosedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoReport
	}
	if err != nil {
		return nil, fmt.Errorf("read close report: %w", err)
	}
	if err := json.Unmarshal([]byte(k.Body), &k.Report); err != nil {
		return nil, fmt.Errorf("read close report %s: %w", k.ID, err)
	}
	return &k, nil
}

const sqlCloseInsert = `
insert into period_close (book_id, month, first, report_id, asked_by, approved_by, approval_id, closed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`

// Signed says who closes months for good, on what.
type Signed struct {
	Report     uuid.UUID
	Hash       []byte // of the report as both have read it
	AskedBy    uuid.UUID
	ApprovedBy uuid.UUID
	Approval   uuid.UUID
}

// Close closes the months of a report for good. Nobody posts meanwhile: under the book's lock the figures are made again and the hourly
// checks run again, and both must still be what was signed. The report's hash stays with the period.
// ErrNoReport, ErrReportStale, ErrCloseRed, ledger.ErrSamePerson, ledger.ErrPeriodHard, ledger.ErrPeriodOngoing.
func Close(ctx context.Context, tx pgx.Tx, book *ledger.Book, s Signed, now time.Time) error {
	if s.AskedBy == s.ApprovedBy {
		return ledger.ErrSamePerson
	}
	kept, err := ReportByID(ctx, tx, book, s.Report)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept.Hash, s.Hash) {
		return ErrReportStale
	}
	r := &kept.Report
	first, month := monthOf(r.First), monthOf(r.Month)
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil { // a match that is being taken apart is apart before, or not at all
		return fmt.Errorf("close: %w", err)
	}
	if err := ledger.CloseForGood(ctx, tx, book, month, book.Day(now)); err != nil {
		return err
	}
	_, figures, err := ledger.Figures(ctx, tx, book, first, lastDay(month))
	if err != nil {
		return err
	}
	if fmt.Sprintf("%x", figures) != r.Figures {
		return ErrReportStale
	}
	if _, err := tx.Exec(ctx, sqlCloseInsert, book.ID, month, first, s.Report, s.AskedBy, s.ApprovedBy, s.Approval, now); err != nil {
		return fmt.Errorf("keep close: %w", err)
	}
	outcomes, err := runChecks(ctx, tx, book, now, Hourly)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.State == Red && !r.waived(o.Code) {
			return fmt.Errorf("%w: %s", ErrCloseRed, o.Code)
		}
	}
	return nil
}

const (
	sqlDayClose = `
insert into day_close (book_id, day, made_at, made_by, moved, red)
select $1, $2, $3, $4, coalesce((select sum(t.debit) from turnover t join account a on a.book_id = $1 and a.account_id = t.account_id and a.unit < 1000
                                  where t.book_id = $1 and t.day = $2), 0)::int8,
       coalesce((select array_agg(code order by code) from check_result where book_id = $1 and found > 0), '{}')
on conflict (book_id, day) do nothing`

	sqlDays = `
select d.day, d.made_at, d.moved, d.red,
       (coalesce((select sum(t.debit) from turnover t join account a on a.book_id = $1 and a.account_id = t.account_id and a.unit < 1000
                   where t.book_id = $1 and t.day = d.day), 0) - d.moved)::int8
  from day_close d where d.book_id = $1 order by d.day desc limit $2`
)

// SoftClose closes a day for now: what moved on it is kept, and whatever is booked on it later is shown as late. It refuses nothing and
// is safe to repeat. by is nil for a job. ledger.ErrPeriodOngoing when the day is not over.
func SoftClose(ctx context.Context, tx pgx.Tx, book *ledger.Book, day time.Time, by *uuid.UUID, now time.Time) error {
	if !day.Before(book.Day(now)) {
		return ledger.ErrPeriodOngoing
	}
	if _, err := tx.Exec(ctx, sqlDayClose, book.ID, day, now, by); err != nil {
		return fmt.Errorf("close day for now: %w", err)
	}
	return nil
}

// ClosedDay is a day that was closed for now. Amounts are sums of debits, minor units of the book's currency.
type ClosedDay struct {
	Day    time.Time
	MadeAt time.Time
	Moved  int64 // by then
	Red    []string
	Late   int64 // what came later
}

// ClosedDays lists days that were closed for now, the newest first.
func ClosedDays(ctx context.Context, q pg.Querier, book *ledger.Book, limit int) ([]ClosedDay, error) {
	rows, err := q.Query(ctx, sqlDays, book.ID, min(max(limit, 1), giving.PageMax))
	if err != nil {
		return nil, fmt.Errorf("read closed days: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ClosedDay])
}
