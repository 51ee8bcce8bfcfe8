package recon

import (
	"cmp"
	"context"
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
	"sunfund/ledger/payments"
)

// Actions of corrections that are booked without a person: the document from outside is the authority, and what is missing is known by a key.
const (
	ActionBankFee    = "bank-fee"      // a charge of the bank, by its own word for it, up to a limit a day
	ActionUnknown    = "unknown"       // a credit that nobody expects becomes an unidentified receipt, so that the books equal the bank
	ActionLanded     = "landed"        // a settlement of a processor is at the bank: paid out (E04) and arrived (E05), with the part of each fund
	ActionBanked     = "banked"        // a bag of cash is at the bank as it was carried
	ActionPaid       = "paid"          // a payment on its way is at the bank (E41), known by its end-to-end id
	ActionFee        = "fee"           // a processor kept another fee of a gift than was recorded, and itemises it
	ActionAccountFee = "processor-fee" // a processor kept something of the account and of no gift
	ActionProcessor  = "processor"     // money at a processor that the book does not know becomes unidentified there, with its fee
)

// DefaultFeeLimit is up to how much a day a bank's charges are booked by themselves, minor units of the book's currency.
const DefaultFeeLimit = 100_00

// Correction is something to book, or booked.
type Correction struct {
	Key      string // recon:BREAK:ACTION, the idempotency key; of a settlement matched once more with how many matches fell
	Break    uuid.UUID
	Action   string
	SourceID int32
	Line     []byte
	FileID   uuid.UUID
	Row      int32
	Amount   int64 // of the line, minor units
	Day      time.Time
	ExtID    string
	Ours     uuid.UUID // what it is about: the settlement, the payment, the gift; nil for none
	Fee      int64     // what a processor kept of the line, minor units
	Agreed   int64     // what it should have kept by its contract; Fee where there is none
	Chart    chart.ID  // the book's account that the line's account is; empty: not said
}

const (
	// Charges of a day over the limit are left to a person, all of them. A break that somebody has proposed a correction for is left alone, and so is a line whose
	// match a person took apart.
	sqlCorrectionsDue = `
select 'recon:' || x.id || ':' || x.key, x.id, x.action, x.source_id, x.line_key, l.file_id, l.row_no, l.amount, l.booked_on, l.ext_id, coalesce(x.ours, '00000000-0000-0000-0000-000000000000'), l.fee, coalesce(t.agreed, l.fee), a.chart
  from (select b.id, a.action as key, a.action, b.source_id, k as line_key, null::uuid as ours
          from break_item b cross join lateral (select case when b.type = 'B08' then 'unknown' else 'processor' end as action) a cross join unnest(b.lines) k join open_line o on o.book_id = $1 and o.source_id = b.source_id and o.line_key = k
         where b.book_id = $1 and b.type in ('B08', 'B02') and b.ended_at is null
           and not exists (select from source_account s where s.book_id = $1 and s.id = b.source_id and s.chart in ('bank.agency', 'bank.fx')) and b.state in ('open', 'assigned') and b.amount > 0
        union all` + sqlFeesDue + `
        union all` + sqlLandedDue + `
        union all` + sqlProcessorFeesDue + `
        union all` + sqlPaidDue + `
        union all
        select recon_id('fee:' || o.source_id || ':' || encode(o.line_key, 'hex')), 'bank-fee', 'bank-fee', o.source_id, o.line_key, null
          from (select o.source_id, o.line_key, sum(-l.amount) over (partition by o.source_id, l.booked_on) as day
                  from open_line o
                  join source_account a on a.book_id = $1 and a.id = o.source_id and a.format !~ '^(wechat|alipay|stripe)' and a.chart not in ('bank.agency', 'bank.fx') and a.currency = $3
                  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
                 where o.book_id = $1 and l.amount < 0 and l.code ~* '(手续费|工本费|账户管理费|服务费|CHRG|NCHG|^FEE$|^SRVCHG$)') o
         where o.day <= $2) x
  join ext_line l on l.book_id = $1 and l.source_id = x.source_id and l.line_key = x.line_key
  join source_account a on a.book_id = $1 and a.id = x.source_id and a.currency = $3
  left join lateral (select ` + agreedFee + ` as agreed from (select l.kind as l_kind, l.amount as l_amount) k, source_term t
                      where x.action = 'fee' and t.book_id = $1 and t.source_id = x.source_id and t.from_on <= l.booked_on order by t.from_on desc limit 1) t on true
 where not exists (select from correction c where c.book_id = $1 and c.key = 'recon:' || x.id || ':' || x.key)
   and (x.action in ('landed', 'paid', 'banked', 'fee') or not exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = x.source_id and d.line_key = x.line_key))
 order by l.booked_on, x.source_id, x.line_key, x.id limit 1000`

	sqlCorrectionLimit = `select coalesce((select fee_limit from recon_setting where book_id = $1), $2)`

	sqlCorrectionInsert = `
insert into correction (book_id, key, break_id, action, entry_id, mode, maker, evidence, at) values ($1, $2, $3, $4, $5, 'auto', $6, $7, $8) on conflict do nothing`

	sqlCorrectionLine = `
insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
select $1, $2, 0, $6, 0, (select coalesce(max(no), 0) + 1 from recon_member where book_id = $1 and run_no = 0), $3, $4, 5, $5`

	sqlLineOpen = `select exists (select from open_line where book_id = $1 and source_id = $2 and line_key = $3)`

	// What a settlement, payment or bag is matched with, alone or in a group. $4: the settlement, or where the expectation comes from.
	sqlStillMatched = `
select exists (
  select from recon_member m
   where m.book_id = $1 and m.source_id = $2 and m.live and m.part = 0 and m.ours = any(array(select $4::uuid union all select id from expectation where book_id = $1 and origin = $4))
     and (m.line_key = $3 or exists (select from recon_member x where x.book_id = $1 and x.group_id = m.group_id and x.live and x.line_key = $3)))`

	sqlLineHash = `select hash from source_file where book_id = $1 and id = $2`
)

// CorrectionsDue lists what may be booked without a person, oldest first.
func CorrectionsDue(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Correction, error) {
	var limit int64
	if err := q.QueryRow(ctx, sqlCorrectionLimit, book.ID, DefaultFeeLimit).Scan(&limit); err != nil {
		return nil, fmt.Errorf("list corrections: %w", err)
	}
	rows, err := q.Query(ctx, sqlCorrectionsDue, book.ID, limit, book.Currency)
	if err != nil {
		return nil, fmt.Errorf("list corrections: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Correction])
}

// Correct books one of them, matches its line with the entry, and closes its break, and tells whether it did; the same again changes nothing. The file's hash and the row are kept with
// it. It is booked on the day of the line, or on today's when that day's month is closed. What the ledger refuses is refused.
func Correct(ctx context.Context, tx pgx.Tx, book *ledger.Book, c Correction, now time.Time) (booked bool, err error) {
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return false, fmt.Errorf("correct: %w", err)
	}
	var hash []byte
	if err := tx.QueryRow(ctx, sqlLineHash, book.ID, c.FileID).Scan(&hash); err != nil {
		return false, fmt.Errorf("correct: %w", err)
	}
	evidence, err := json.Marshal(map[string]any{"file": fmt.Sprintf("%x", hash), "row": c.Row, "line": fmt.Sprintf("%x", c.Line), "rules": ruleset})
	if err != nil {
		return false, fmt.Errorf("correct: %w", err)
	}
	if due, err := c.due(ctx, tx, book); err != nil || !due {
		return false, err
	}
	entry, err := c.post(ctx, tx, book, now)
	if err != nil {
		return false, fmt.Errorf("correct %s: %w", c.Key, err)
	}
	tag, err := tx.Exec(ctx, sqlCorrectionInsert, book.ID, c.Key, c.Break, c.Action, entry, System, evidence, now)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	switch c.Action {
	case ActionLanded, ActionPaid, ActionBanked: // the line is matched already
		return true, nil
	case ActionUnknown, ActionBankFee, ActionProcessor, ActionAccountFee:
		if err := bookedBy(ctx, tx, book, c.SourceID, c.Line, entry, c.Amount, RuleBooked); err != nil {
			return false, fmt.Errorf("correct %s: %w", c.Key, err)
		}
		if c.Action == ActionBankFee || c.Action == ActionAccountFee { // no break: a charge is a line of its own
			return true, nil
		}
	}
	if c.Action == ActionFee && c.Fee != c.Agreed { // booked as it was kept; that it is not what was agreed is for a person to settle with the processor
		return true, step(ctx, tx, book, c.Break, worked, "", "noted", System, nil, c.Action, hash, now)
	}
	for _, to := range []string{BreakPosted, BreakClosed} {
		if err := step(ctx, tx, book, c.Break, []string{BreakOpen, BreakAssigned, BreakPosted}, to, to, System, nil, c.Action, hash, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// due tells under the lock whether the correction is still wanted: since it was listed somebody may have matched the line, asked for a correction of the break
// by a second person, or taken the match apart.
func (c *Correction) due(ctx context.Context, tx pgx.Tx, book *ledger.Book) (yes bool, err error) {
	switch c.Action {
	case ActionLanded, ActionPaid, ActionBanked:
		if err := tx.QueryRow(ctx, sqlStillMatched, book.ID, c.SourceID, c.Line, c.Ours).Scan(&yes); err != nil {
			return false, fmt.Errorf("correct: %w", err)
		}
		return yes, nil
	case ActionUnknown, ActionProcessor, ActionFee:
		var state string
		var kind BreakType
		if err := tx.QueryRow(ctx, sqlBreakLock, book.ID, c.Break).Scan(&state, &kind); err != nil {
			return false, fmt.Errorf("correct: %w", err)
		}
		if state != BreakOpen && state != BreakAssigned {
			return false, nil
		}
	}
	if c.Action == ActionFee {
		return true, nil
	}
	if err := tx.QueryRow(ctx, sqlLineOpen, book.ID, c.SourceID, c.Line).Scan(&yes); err != nil {
		return false, fmt.Errorf("correct: %w", err)
	}
	return yes, nil
}

// bookedBy matches a line with the entry that books it.
func bookedBy(ctx context.Context, tx pgx.Tx, book *ledger.Book, source int32, line []byte, entry uuid.UUID, amount int64, rule int) error {
	if _, err := tx.Exec(ctx, sqlCorrectionLine, book.ID, source, entry, line, amount, rule); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlLinesClosed, book.ID, source, [][]byte{line})
	return err
}

// key is the idempotency key of the correction's entry, of the further ones with another part.
func (c *Correction) key(book *ledger.Book, part string) uuid.UUID {
	return ledger.HashedID(fmt.Appendf(nil, "%d %s%s", book.ID, c.Key, part))
}

// entry is one of what the correction books: of the line's day, or today with that day beside it when its month is closed for good.
func (c *Correction) entry(book *ledger.Book, part string, kind ledger.Kind, day time.Time, summary string, lines []ledger.Line, now time.Time) ledger.Entry {
	return ledger.Entry{Key: c.key(book, part), Kind: kind, EffectiveOn: day, Late: book.Day(now), Actor: System, Lines: lines,
		Document: &ledger.Document{Summary: summary, SourceKind: "recon", SourceRef: c.Key, MadeBy: madeBy}}
}

// madeBy is what vouchers say of who made them.
const madeBy = "system:recon"

func (c *Correction) post(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (uuid.UUID, error) {
	switch c.Action {
	case ActionUnknown:
		return c.postUnknown(ctx, tx, book, now)
	case ActionPaid:
		return c.postPaid(ctx, tx, book, now)
	case ActionBanked:
		return c.postBanked(ctx, tx, book, now)
	}
	general, err := giving.GeneralFund(ctx, tx, book)
	if err != nil {
		return uuid.Nil, err
	}
	var entries []ledger.Entry
	switch c.Action {
	case ActionLanded:
		entries, err = c.landing(ctx, tx, book, general, now)
	case ActionFee:
		entries, err = c.feeTrueUp(ctx, tx, book, general, now)
	case ActionAccountFee:
		entries, err = c.accountFee(ctx, tx, book, general, now)
	case ActionProcessor:
		entries, err = c.atProcessor(ctx, tx, book, general, now)
	case ActionBankFee:
		cost := ledger.Leaf{Chart: "admin.u", Fund: general, Dims: ledger.Dims{Nature: "bank"}}
		entries = []ledger.Entry{c.entry(book, "", ledger.KindBankDebit, c.Day, "银行手续费 Bank charge "+c.ExtID,
			[]ledger.Line{ledger.Debit(cost, -c.Amount), ledger.Credit(ledger.Leaf{Chart: cmp.Or(c.Chart, "bank.online"), Fund: general}, -c.Amount)}, now)}
	default:
		err = errors.New("unknown action " + c.Action)
	}
	if err != nil {
		return uuid.Nil, err
	}
	var last uuid.UUID
	for _, e := range entries {
		r, err := ledger.PostOne(ctx, tx, book, e)
		if err != nil {
			return uuid.Nil, err
		}
		last = r.ID
	}
	return last, nil
}

// postUnknown takes a credit as an unidentified receipt, at the account that the line's account is.
func (c *Correction) postUnknown(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (uuid.UUID, error) {
	m, err := payments.Take(ctx, tx, book, payments.Seen{ID: c.key(book, ""), Ref: c.ref(), Day: c.Day, Amount: c.Amount, Bank: c.Chart}, System, now)
	if err != nil {
		return uuid.Nil, err
	}
	m.Late = book.Day(now)
	return m.Book(ctx, tx, book, giving.Sign{Key: c.key(book, ""), By: System, At: now, Made: madeBy, Summary: "待查来款 Receipt not identified: " + c.ref()})
}
