package recon

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/money"
	"sunfund/ledger/recon/statement"
)

// B17 and B09 come from files and statements.
const (
	sqlFilesRefused = `
select f.id, f.source_id, f.hash, f.reason, coalesce(f.want, ''), coalesce(f.got, ''), a.currency, (f.made_at at time zone $2::text)::date
  from source_file f join source_account a on a.book_id = $1 and a.id = f.source_id
 where f.book_id = $1 and f.state = 'quarantined' and not exists (select from break_item b where b.book_id = $1 and b.id = recon_id('B17:' || f.id))
 order by f.hash, f.id limit 1000`

	sqlBreakFound = `insert into stage_break values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// payoutDays is how many banking days after its day a payout may be missing at the bank.
const payoutDays = 2

// breaks looks for what does not fit, raises what is new, and ends what is found no more.
func (r *run) breaks() error {
	s := &r.roles
	late := r.calendar.After(r.day, -payoutDays).AddDate(0, 0, -1)
	for _, find := range []struct {
		sql  string
		args []any
	}{
		{sqlBreakOurs, []any{r.book.ID, r.asOf, r.book.Zone.String(), s.trade, s.tradeChannels}},
		{sqlBreakLines, []any{r.book.ID, r.asOf}},
		{sqlBreakSettlement, []any{r.book.ID}},
		{sqlBankUnknown, []any{r.day}},
		{sqlBreakDue, []any{r.book.ID, late, r.day, s.bank}},
		{sqlBreakFunds, []any{r.book.ID, r.day}},
	} {
		if err := r.do(find.sql, find.args...); err != nil {
			return err
		}
	}
	if err := r.late(); err != nil {
		return err
	}
	if err := r.gaps(); err != nil {
		return err
	}
	if err := r.refused(); err != nil {
		return err
	}
	return r.raise()
}

// late finds what one side dates inside a month that is closed for good.
func (r *run) late() error {
	if r.locked == nil {
		return nil
	}
	return r.do(sqlBreakLate, r.book.ID, *r.locked)
}

// gaps finds where the statements of an account do not follow one another.
func (r *run) gaps() error {
	for _, source := range append(append([]int32{}, r.roles.bank...), r.roles.fund...) {
		missing, err := MissingDays(r.ctx, r.tx, r.book, source)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		account, err := SourceByID(r.ctx, r.tx, r.book, source)
		if err != nil {
			return err
		}
		for _, m := range missing {
			key := fmt.Sprintf("B09:%d:%s:%s:%d", source, m.After.Format(time.DateOnly), m.Before.Format(time.DateOnly), m.Amount)
			note := fmt.Sprintf("moved between %s and %s", m.After.Format(time.DateOnly), m.Before.Format(time.DateOnly))
			if err := r.found(key, StatementGap, source, m.Amount, account.Currency, m.Before, []uuid.UUID{m.FileID}, note); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) found(key string, t BreakType, source int32, amount int64, ccy string, day time.Time, files []uuid.UUID, note string) error {
	return r.do(sqlBreakFound, key, t, source, amount, ccy, day, []uuid.UUID{}, [][]byte{}, files, note)
}

// refused makes a break of every file that was not taken. A file that is not the bytes that were announced is read nevertheless, to see by how much it is
// wrong, and forgotten again.
func (r *run) refused() error {
	type refusedFile struct {
		ID                uuid.UUID
		Source            int32
		Hash              []byte
		Reason, Want, Got string
		Currency          string
		Day               time.Time
	}
	rows, err := r.tx.Query(r.ctx, sqlFilesRefused, r.book.ID, r.book.Zone.String())
	if err != nil {
		return err
	}
	files, err := pgx.CollectRows(rows, pgx.RowToStructByPos[refusedFile])
	if err != nil {
		return err
	}
	for _, f := range files {
		reason, want, got := statement.Reason(f.Reason), f.Want, f.Got
		if reason == statement.ReasonHash {
			file, err := FileByID(r.ctx, r.tx, r.book, f.ID)
			if err != nil {
				return err
			}
			file.Announced = ""
			var refusal *statement.Refusal
			_, _, err = file.Read(r.ctx, r.tx, r.book, func(*statement.Line) error { return nil })
			if errors.As(err, &refusal) {
				reason, want, got = refusal.Reason, refusal.Want, refusal.Got
			} else if err != nil {
				return err
			}
		}
		amount := int64(0)
		switch reason {
		case statement.ReasonTotals, statement.ReasonBalance, statement.ReasonRunning, statement.ReasonBatch, Contradicts:
			a, errA := minor(want, f.Currency)
			b, errB := minor(got, f.Currency)
			if errA == nil && errB == nil {
				amount = a - b
			}
		}
		if err := r.found("B17:"+f.ID.String(), ControlTotal, f.Source, amount, f.Currency, f.Day, []uuid.UUID{f.ID}, strings.TrimSpace(f.Reason+" "+want+" "+got)); err != nil {
			return err
		}
	}
	return nil
}

// minor reads an amount that a refusal tells; text that is no amount with decimals counts for nothing.
func minor(text, ccy string) (int64, error) {
	if !strings.Contains(text, ".") {
		return 0, money.ErrCurrency
	}
	return money.Parse(strings.TrimLeft(text, "`"), ccy)
}

// raise turns what was found into breaks.
func (r *run) raise() error {
	var types []string
	var dues []time.Time
	var now []string
	for _, t := range BreakTypes {
		kind := breakKinds[t]
		types, dues = append(types, string(t)), append(dues, r.dueAt(kind.days))
		if kind.now {
			now = append(now, string(t))
		}
	}
	var err error
	if r.report.Raised, err = r.count(sqlBreakRaise, r.book.ID, r.asOf, r.no, types, dues, System); err != nil {
		return err
	}
	again, err := r.count(sqlBreakReopen, r.book.ID, r.asOf, System)
	if err != nil {
		return err
	}
	r.report.Raised += again
	if r.report.Cleared, err = r.count(sqlBreakClear, r.book.ID, r.asOf, System, now); err != nil {
		return err
	}
	for _, sql := range []string{sqlOpenLineStates, sqlOpenOursStates} {
		if _, err := r.put(sql, r.book.ID); err != nil {
			return err
		}
	}
	return nil
}

// dueAt is the end of the banking day by which a break should be worked off.
func (r *run) dueAt(days int) time.Time {
	if days == 0 {
		return r.asOf
	}
	d := r.calendar.After(r.day, days)
	return time.Date(d.Year(), d.Month(), d.Day(), 18, 0, 0, 0, r.book.Zone)
}
