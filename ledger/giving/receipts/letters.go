package receipts

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

// Letters is how far the letters of a batch are. Letters is the sum of the others but Unaddressed.
type Letters struct {
	Letters     int64
	Sent        int64
	Waiting     int64 // to be sent, or sent again after a failure
	Failed      int64 // given up after giving.LetterTries; RetryLetters begins anew
	Dropped     int64 // the donor was erased first, or the letter is too old
	Unaddressed int64 // receipts for one gift whose donor told no address, or that were void by then
}

// FailedLetter is one that was given up.
type FailedLetter struct {
	Receipt Receipt // without its payer's name: see Names
	Tries   int
	TriedAt *time.Time
}

// lettersStep is how many receipts one transaction looks at.
const lettersStep = 500

const (
	sqlBatchMail = `update receipt_batch set mail = true where book_id = $1 and id = $2 and not mail and state <> 'stopped'`

	// Once all are issued: ids of receipts come from several processes' clocks and only then stand still.
	sqlMailing = `
select id, mail_cursor, mail_seen from receipt_batch
 where book_id = $1 and mail and not mail_done and state = 'done' order by id limit 1 for update`

	sqlMailNext = `
select i.id, p.gift_id, d.id, coalesce(c.lang, 'zh-CN'),
       d.email is not null and d.erased_at is null
       and not exists (select from receipt_void v where v.book_id = i.book_id and v.receipt_id = i.id)
  from receipt i
  join receipt_gift p on p.book_id = i.book_id and p.receipt_id = i.id
  join private.donor d on d.book_id = i.book_id and d.id = i.donor_id
  left join checkout c on c.book_id = i.book_id and c.id = p.gift_id
 where i.book_id = $1 and i.batch_id = $2 and i.id > $3 and i.face = 'single'
 order by i.id limit $4`

	sqlReceiptLetters = `
insert into receipt_letter (book_id, receipt_id, batch_id, letter_id, posted_at)
select $1, u.receipt, $2, u.letter, $5 from unnest($3::uuid[], $4::uuid[]) u(receipt, letter)`

	sqlMailMoved = `update receipt_batch set mail_cursor = $3, mail_seen = $4, mail_done = $5 where book_id = $1 and id = $2`

	sqlLettersOf = `
select count(*), count(*) filter (where l.sent_at is not null),
       count(*) filter (where l.sent_at is null and l.tries < $3 and m.id is not null),
       count(*) filter (where l.sent_at is null and l.tries >= $3),
       count(*) filter (where l.sent_at is null and l.tries < $3 and m.id is null)
  from receipt_letter l
  left join private.letter m on m.book_id = l.book_id and m.id = l.letter_id
 where l.book_id = $1 and l.batch_id = $2`

	sqlFailedLetters = `
select ` + receiptColumns + `, l.tries, l.tried_at
  from receipt_letter l join ` + receiptTables + `
    on i.book_id = l.book_id and i.id = l.receipt_id
 where l.book_id = $1 and l.batch_id = $2 and l.sent_at is null and l.tries >= $3 and ($4::uuid is null or l.receipt_id > $4)
 order by l.receipt_id limit $5`

	sqlLettersRetry = `
with again as (
  update receipt_letter l set tries = 0
    from private.letter m
   where l.book_id = $1 and l.batch_id = $2 and l.sent_at is null and l.tries >= $3 and m.book_id = l.book_id and m.id = l.letter_id
  returning l.letter_id)
update private.letter m set tries = 0, next_try = $4 from again a where m.book_id = $1 and m.id = a.letter_id`
)

// MailBatch has the letters of a batch sent that was started without them. ErrNoBatch when there is nothing to begin.
func MailBatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, sqlBatchMail, book.ID, id)
	if err != nil {
		return fmt.Errorf("send letters of batch %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoBatch
	}
	return nil
}

// MailStep posts the next letters of a batch whose receipts are all issued, and tells whether there are more. Letters and how far it came
// are one transaction: a crash neither loses a letter nor posts one twice.
func MailStep(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (more bool, err error) {
	var batch, cursor uuid.UUID
	var seen int64
	err = tx.QueryRow(ctx, sqlMailing, book.ID).Scan(&batch, &cursor, &seen)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read batch to mail: %w", err)
	}
	rows, err := tx.Query(ctx, sqlMailNext, book.ID, batch, cursor, lettersStep)
	if err != nil {
		return false, fmt.Errorf("read receipts to mail: %w", err)
	}
	var posts []giving.Letter
	var of []uuid.UUID
	var one giving.Letter
	var addressed bool
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&cursor, &one.About, &one.Donor, &one.Lang, &addressed}, func() error {
		if n++; addressed {
			one.Kind = giving.ReceiptLetter
			posts, of = append(posts, one), append(of, cursor)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read receipts to mail: %w", err)
	}
	if len(posts) > 0 {
		letters, err := giving.PostPlain(ctx, tx, book, posts, now)
		if err != nil {
			return false, err
		}
		if _, err := tx.Exec(ctx, sqlReceiptLetters, book.ID, batch, of, letters, now); err != nil {
			return false, fmt.Errorf("note letters of receipts: %w", err)
		}
	}
	more = n == lettersStep
	if _, err := tx.Exec(ctx, sqlMailMoved, book.ID, batch, cursor, seen+int64(n), !more); err != nil {
		return false, fmt.Errorf("note letters of batch %s: %w", batch, err)
	}
	return more, nil
}

// LettersOf tells how far the letters of a batch are.
func LettersOf(ctx context.Context, q pg.Querier, book *ledger.Book, b *Batch) (l Letters, err error) {
	err = q.QueryRow(ctx, sqlLettersOf, book.ID, b.ID, giving.LetterTries).Scan(&l.Letters, &l.Sent, &l.Waiting, &l.Failed, &l.Dropped)
	if err != nil {
		return l, fmt.Errorf("count letters of batch %s: %w", b.ID, err)
	}
	l.Unaddressed = b.MailSeen - l.Letters
	return l, nil
}

// FailedLetters lists letters of a batch that were given up, after the receipt named (nil: from the start).
func FailedLetters(ctx context.Context, q pg.Querier, book *ledger.Book, batch uuid.UUID, after *uuid.UUID, limit int) ([]FailedLetter, error) {
	rows, err := q.Query(ctx, sqlFailedLetters, book.ID, batch, giving.LetterTries, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list letters that failed: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f FailedLetter, err error) {
		f.Receipt, err = scan(row, &f.Tries, &f.TriedAt)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("list letters that failed: %w", err)
	}
	return list, nil
}

// RetryLetters has the letters of a batch that were given up tried again, and says how many.
func RetryLetters(ctx context.Context, tx pgx.Tx, book *ledger.Book, batch uuid.UUID, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, sqlLettersRetry, book.ID, batch, giving.LetterTries, now)
	if err != nil {
		return 0, fmt.Errorf("try letters of batch %s again: %w", batch, err)
	}
	return tag.RowsAffected(), nil
}
