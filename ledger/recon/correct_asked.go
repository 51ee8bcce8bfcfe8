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
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Corrections of the second kind are requests that a second person approves: vouchers and reversals, as ledger/staff keeps them. Here stands which break
// waits for which request, and what became of it. The event of the break carries the request's form.
const (
	sqlCorrectionTries = `select count(*) from break_event where book_id = $1 and break_id = $2 and state = 'proposed'`

	sqlCorrectionRequest = `
select state from approval where book_id = $1 and form_id = $2 and made_by = $3 and kind = any('{voucher,reversal}')`

	sqlCorrectionAsked = `
select i.id, i.type, a.form, a.state, a.made_by, a.decided_by, a.entry
  from break_item i
 cross join lateral (select p.form_id as form, p.state, p.made_by, p.decided_by, p.entry_id as entry
                       from (select note, evidence from break_event where book_id = $1 and break_id = i.id and state = 'proposed' order by seq desc limit 1) e
                       join approval p on p.book_id = $1 and e.evidence is not null and p.form_id::text = e.note) a
 where i.book_id = $1 and i.state = 'proposed' and i.ended_at is null and a.state <> 'open'
 order by i.id`

	// The evidence: what was approved, by its hash, and where each line of the break stands in which file.
	sqlCorrectionApproved = `
insert into correction (book_id, key, break_id, action, entry_id, mode, maker, checker, evidence, at)
select $1, 'recon:' || i.id || ':voucher', i.id, 'voucher', p.entry_id, 'approved', p.made_by, p.decided_by,
       jsonb_build_object('approval', p.id, 'approval_hash', encode(p.payload_hash, 'hex'), 'decided', p.decided_at, 'rules', $4::int4, 'run', i.run_no, 'compared', i.note, 'ours', to_jsonb(i.ours),
         'lines', (select coalesce(jsonb_agg(jsonb_build_object('file', encode(f.hash, 'hex'), 'row', l.row_no, 'line', encode(l.line_key, 'hex')) order by l.line_key), '[]')
                     from ext_line l join source_file f on f.book_id = $1 and f.id = l.file_id
                    where l.book_id = $1 and l.source_id = i.source_id and l.line_key = any(i.lines)),
         'files', (select coalesce(jsonb_agg(encode(f.hash, 'hex') order by f.hash), '[]') from source_file f where f.book_id = $1 and f.id = any(i.files))), $5
  from break_item i join approval p on p.book_id = $1 and p.form_id = $3
 where i.book_id = $1 and i.id = $2
on conflict do nothing`
)

// CorrectionForm is the form id under which a correction of a break is asked for next: the same until it is decided, so that a form sent twice is one
// request, and another one after a correction that was turned down.
func CorrectionForm(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (form uuid.UUID, err error) {
	var tries int
	if err := q.QueryRow(ctx, sqlCorrectionTries, book.ID, id).Scan(&tries); err != nil {
		return form, fmt.Errorf("read break: %w", err)
	}
	return ledger.HashedID(fmt.Appendf(nil, "%d recon:%s:voucher:%d", book.ID, id, tries)), nil
}

// Propose notes that a correction of a break waits for a second person: the voucher or reversal that by has asked for under form. Meanwhile nothing else is
// proposed for it. giving.ErrNoRecord when there is no such request or break, giving.ErrStep when it is decided or the break waits or is over.
func Propose(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, form, by uuid.UUID, now time.Time) error {
	var state string
	err := tx.QueryRow(ctx, sqlCorrectionRequest, book.ID, form, by).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return giving.ErrNoRecord
	}
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if state != "open" {
		return giving.ErrStep
	}
	return step(ctx, tx, book, id, []string{BreakOpen, BreakAssigned}, BreakProposed, "proposed", by, nil, form.String(), form[:], now)
}

// Settle looks what became of corrections that waited: an approved one has been booked and closes its break, another one opens it again. It tells how many.
func Settle(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (int, error) {
	type asked struct {
		Break   uuid.UUID
		Type    BreakType
		Form    uuid.UUID
		State   string
		Maker   uuid.UUID
		Checker *uuid.UUID
		Entry   *uuid.UUID
	}
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return 0, fmt.Errorf("settle corrections: %w", err)
	}
	rows, err := tx.Query(ctx, sqlCorrectionAsked, book.ID)
	if err != nil {
		return 0, fmt.Errorf("settle corrections: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[asked])
	if err != nil {
		return 0, fmt.Errorf("settle corrections: %w", err)
	}
	for _, a := range list {
		if a.State != "approved" || a.Entry == nil || a.Checker == nil {
			if err := step(ctx, tx, book, a.Break, []string{BreakProposed}, BreakOpen, "reopened", System, nil, a.State, nil, now); err != nil {
				return 0, err
			}
			continue
		}
		if _, err := tx.Exec(ctx, sqlCorrectionApproved, book.ID, a.Break, a.Form, ruleset, now); err != nil {
			return 0, fmt.Errorf("settle corrections: %w", err)
		}
		if err := settleLine(ctx, tx, book, a.Break, *a.Entry); err != nil {
			return 0, fmt.Errorf("settle corrections: %w", err)
		}
		steps := []string{BreakApproved, BreakPosted, BreakClosed}
		if a.Type == FundEquation { // booked is not cleared: the check has to be green again
			steps = steps[:2]
		}
		for _, to := range steps {
			if err := step(ctx, tx, book, a.Break, worked, to, to, *a.Checker, nil, "", a.Form[:], now); err != nil {
				return 0, err
			}
		}
	}
	return len(list), nil
}

// A line that nobody expected belongs to the entry that was approved for it, when that moves its amount at the bank.
const sqlCorrectionOpen = `
select l.source_id, l.line_key, l.amount, a.chart
  from break_item i
  join source_account a on a.book_id = $1 and a.id = i.source_id
  join open_line o on o.book_id = $1 and o.source_id = i.source_id and o.line_key = i.lines[1]
  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where i.book_id = $1 and i.id = $2 and i.type = 'B08' and cardinality(i.lines) = 1`

func settleLine(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, entry uuid.UUID) error {
	var source int32
	var line []byte
	var amount, moved int64
	var at chart.ID
	err := tx.QueryRow(ctx, sqlCorrectionOpen, book.ID, id).Scan(&source, &line, &amount, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, sqlEntryAtBank, book.ID, entry, at).Scan(&moved); err != nil || moved != amount {
		return err
	}
	return bookedBy(ctx, tx, book, source, line, entry, amount, RuleBooked)
}
