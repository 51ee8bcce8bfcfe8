package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// RemindDays is how many days before an instalment is due the firm's contact gets a letter, and how many after it another.
const RemindDays = 7

// remindMax is how many letters about instalments one transaction leaves.
const remindMax = 100

// Contact is whom to write to about a pledge. Without an address nobody is.
type Contact struct {
	Email string
	Lang  string // "zh-CN" or "en"
}

// Notice is what a letter said of an instalment.
type Notice struct {
	Pledge uuid.UUID
	Part   int16
	Due    time.Time
	Amount int64 // what of it had not come, minor units of the book's currency
}

const (
	// Receipts fill the parts in order. Several processes may write: each takes pledges that no other holds.
	sqlPartsRemind = `
select g.id, g.donor_id, g.lang, p.part, least(p.amount, c.sum - g.received), case when p.due < $2 then 'pledge_late' else 'pledge_due' end
  from pledge g join pledge_part p on p.book_id = g.book_id and p.pledge_id = g.id
  join private.donor d on d.book_id = g.book_id and d.id = g.donor_id and d.erased_at is null
  cross join lateral (select sum(q.amount)::int8 as sum from pledge_part q where q.book_id = g.book_id and q.pledge_id = g.id and q.part <= p.part) c
 where g.book_id = $1 and g.state = 'open' and c.sum > g.received and (p.due between $2 and $2::date + $3::int or p.due <= $2::date - $3::int)
   and not exists (select from pledge_notice n where n.book_id = g.book_id and n.pledge_id = g.id and n.part = p.part
        and n.kind = case when p.due < $2 then 'pledge_late' else 'pledge_due' end)
 order by p.due, g.number, p.part limit $4 for update of g skip locked`

	sqlPledgeNoticeInsert = `
insert into pledge_notice (book_id, id, pledge_id, part, kind, amount, sent_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`

	sqlPartReminded = `update pledge_part set reminded_on = $4 where book_id = $1 and pledge_id = $2 and part = $3`

	sqlPledgeNotice = `
select n.pledge_id, n.part, p.due, n.amount
  from pledge_notice n join pledge_part p on p.book_id = n.book_id and p.pledge_id = n.pledge_id and p.part = n.part
 where n.book_id = $1 and n.id = $2`
)

// RemindPledges leaves letters about instalments of open pledges that have not come in full: one when they are due within
// RemindDays, one when they are so many days overdue. It says how many it left; pledges without a contact, or whose contact is
// erased, get none.
func RemindPledges(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (n int, err error) {
	type part struct {
		Pledge, Donor uuid.UUID
		Lang          string
		Part          int16
		Amount        int64
		Kind          LetterKind
	}
	today := book.Day(now)
	rows, err := tx.Query(ctx, sqlPartsRemind, book.ID, today, RemindDays, remindMax)
	if err != nil {
		return 0, fmt.Errorf("list instalments to remind of: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[part])
	if err != nil {
		return 0, fmt.Errorf("list instalments to remind of: %w", err)
	}
	for _, p := range list {
		id, err := uuid.NewV7()
		if err != nil {
			return 0, fmt.Errorf("make id of a reminder: %w", err)
		}
		tag, err := tx.Exec(ctx, sqlPledgeNoticeInsert, book.ID, id, p.Pledge, p.Part, string(p.Kind), p.Amount, now)
		if err != nil {
			return 0, fmt.Errorf("note reminder of a pledge: %w", err)
		}
		if tag.RowsAffected() == 0 {
			continue // by another process
		}
		if _, err := tx.Exec(ctx, sqlPartReminded, book.ID, p.Pledge, p.Part, today); err != nil {
			return 0, fmt.Errorf("note day of a reminder: %w", err)
		}
		if err := PostLetter(ctx, tx, book, Letter{Donor: p.Donor, Kind: p.Kind, About: id, Lang: p.Lang}, now); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// NoticeByID is what a letter about a pledge said, or ErrNoRecord.
func NoticeByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Notice, error) {
	return Record[Notice](ctx, q, sqlPledgeNotice, book.ID, id)
}
