package recon

import (
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
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// Actions of corrections that are booked without a person: the document from outside is the authority, and what is missing is known by a key.
const (
	ActionBankFee = "bank-fee" // a charge of the bank, by its own word for it, up to a limit a day
	ActionUnknown = "unknown"  // a credit that nobody expects becomes an unidentified receipt, so that the books equal the bank
)

// DefaultFeeLimit is up to how much a day a bank's charges are booked by themselves, minor units of the book's currency.
const DefaultFeeLimit = 100_00

// Correction is something to book, or booked.
type Correction struct {
	Key      string // recon:BREAK:ACTION, the idempotency key
	Break    uuid.UUID
	Action   string
	SourceID int32
	Line     []byte
	FileID   uuid.UUID
	Row      int32
	Amount   int64 // of the line, minor units
	Day      time.Time
	ExtID    string
}

const (
	// Charges of a day over the limit are left to a person, all of them.
	sqlCorrectionsDue = `
select 'recon:' || x.id || ':' || x.action, x.id, x.action, x.source_id, x.line_key, l.file_id, l.row_no, l.amount, l.booked_on, l.ext_id
  from (select b.id, 'unknown' as action, b.source_id, k as line_key
          from break_item b, unnest(b.lines) k where b.book_id = $1 and b.type = 'B08' and b.ended_at is null and b.state in ('open', 'assigned') and b.amount > 0
        union all
        select recon_id('fee:' || o.source_id || ':' || encode(o.line_key, 'hex')), 'bank-fee', o.source_id, o.line_key
          from (select o.source_id, o.line_key, sum(-l.amount) over (partition by o.source_id, l.booked_on) as day
                  from open_line o
                  join source_account a on a.book_id = $1 and a.id = o.source_id and a.format !~ '^(wechat|alipay|stripe)' and a.currency = $3
                  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
                 where o.book_id = $1 and l.amount < 0 and l.code ~* '(手续费|工本费|账户管理费|服务费|CHRG|NCHG|^FEE$|^SRVCHG$)') o
         where o.day <= $2) x
  join ext_line l on l.book_id = $1 and l.source_id = x.source_id and l.line_key = x.line_key
  join source_account a on a.book_id = $1 and a.id = x.source_id and a.currency = $3
 where not exists (select from correction c where c.book_id = $1 and c.key = 'recon:' || x.id || ':' || x.action)
 order by l.booked_on, x.source_id, x.line_key limit 1000`

	sqlCorrectionLimit = `select coalesce((select fee_limit from recon_setting where book_id = $1), $2)`

	sqlCorrectionInsert = `
insert into correction (book_id, key, break_id, action, entry_id, mode, maker, evidence, at) values ($1, $2, $3, $4, $5, 'auto', $6, $7, $8) on conflict do nothing`

	sqlCorrectionLine = `
insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
select $1, $2, 0, 8, 0, (select coalesce(max(no), 0) + 1 from recon_member where book_id = $1 and run_no = 0), $3, $4, 5, $5`

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

// Correct books one of them, matches its line with the entry, and closes its break; the same again changes nothing. The file's hash and the row are kept with
// it. It is booked on the day of the line, or on today's when that day's month is closed. What the ledger refuses is refused.
func Correct(ctx context.Context, tx pgx.Tx, book *ledger.Book, c Correction, now time.Time) error {
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	var hash []byte
	if err := tx.QueryRow(ctx, sqlLineHash, book.ID, c.FileID).Scan(&hash); err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	evidence, err := json.Marshal(map[string]any{"file": fmt.Sprintf("%x", hash), "row": c.Row, "line": fmt.Sprintf("%x", c.Line), "rules": ruleset})
	if err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	entry, err := c.post(ctx, tx, book, now)
	if err != nil {
		return fmt.Errorf("correct %s: %w", c.Key, err)
	}
	tag, err := tx.Exec(ctx, sqlCorrectionInsert, book.ID, c.Key, c.Break, c.Action, entry, System, evidence, now)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{sqlCorrectionLine, []any{book.ID, c.SourceID, entry, c.Line, c.Amount}},
		{sqlLinesClosed, []any{book.ID, c.SourceID, [][]byte{c.Line}}},
	} {
		if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
			return fmt.Errorf("correct %s: %w", c.Key, err)
		}
	}
	if c.Action == ActionBankFee { // no break: a charge is a line of its own
		return nil
	}
	if err := step(ctx, tx, book, c.Break, worked, BreakPosted, "posted", System, nil, c.Action, hash, now); err != nil {
		return err
	}
	return step(ctx, tx, book, c.Break, worked, BreakClosed, "closed", System, nil, c.Action, hash, now)
}

func (c *Correction) post(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (uuid.UUID, error) {
	general, err := giving.GeneralFund(ctx, tx, book)
	if err != nil {
		return uuid.Nil, err
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf("%d %s", book.ID, c.Key)))
	key := uuid.UUID(sum[:16])
	key[6], key[8] = key[6]&0x0f|0x80, key[8]&0x3f|0x80
	state, err := ledger.PeriodOf(ctx, tx, book, c.Day)
	if err != nil {
		return uuid.Nil, err
	}
	day := c.Day
	if state == ledger.PeriodHard {
		day = book.Day(now)
	}
	if c.Action == ActionUnknown {
		ref := c.ExtID
		if ref == "" {
			ref = fmt.Sprintf("%x", c.Line)
		}
		m, err := payments.Take(ctx, tx, book, payments.Seen{ID: key, Ref: ref, Day: day, Amount: c.Amount}, System, now)
		if err != nil {
			return uuid.Nil, err
		}
		return m.Book(ctx, tx, book, giving.Sign{Key: key, By: System, At: now, Made: "system:recon"})
	}
	if c.Action != ActionBankFee {
		return uuid.Nil, errors.New("unknown action " + c.Action)
	}
	bank := ledger.Leaf{Chart: "bank.online", Fund: general}
	cost := ledger.Leaf{Chart: "admin.u", Fund: general, Dims: ledger.Dims{Nature: "bank"}}
	doc := &ledger.Document{Summary: "银行手续费 Bank charge " + c.ExtID, SourceKind: "recon", SourceRef: c.Key, MadeBy: "system:recon"}
	r, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Key: key, Kind: ledger.KindBankDebit, EffectiveOn: day, Actor: System,
		Lines: []ledger.Line{ledger.Debit(cost, -c.Amount), ledger.Credit(bank, -c.Amount)}, Document: doc})
	return r.ID, err
}
