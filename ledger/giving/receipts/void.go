package receipts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Refusals of a void.
var (
	ErrNoReceipt = errors.New("no such receipt")
	ErrVoid      = errors.New("receipt is void already")
	// ErrReason means that no reason was given, or one of more than 1,000 characters.
	ErrReason = errors.New("void needs a reason")
)

// Causes of a void.
const (
	Refunded    = "refund" // the gift was given back, in whole or in part
	WrongPayer  = "payer"
	WrongAmount = "amount"
	Splitting   = "split" // a gift left the merged receipt for one of its own
	Other       = "other"
)

const sqlVoid = `insert into receipt_void (book_id, receipt_id, cause, reason, voided_at, voided_by) values ($1, $2, $3, $4, $5, $6)`

// Void declares a receipt void. Its gifts may then get another one. ErrNoReceipt, ErrVoid, ErrReason.
func Void(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, cause, reason string, by uuid.UUID, now time.Time) error {
	if reason = strings.TrimSpace(reason); reason == "" || len([]rune(reason)) > 1000 || strings.ContainsRune(reason, 0) {
		return ErrReason
	}
	if err := lock(ctx, tx, book); err != nil {
		return err
	}
	r, err := ByID(ctx, tx, book, id)
	if err != nil {
		return err
	}
	if r.Void != nil {
		return ErrVoid
	}
	if _, err := tx.Exec(ctx, sqlVoid, book.ID, id, cause, reason, now, by); err != nil {
		return fmt.Errorf("void receipt %s: %w", id, err)
	}
	return nil
}

// Replace declares a single receipt void and issues its successor to another payer, over what is left of the gift. The errors of Void
// and Issue.
func Replace(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, id uuid.UUID, payer Payer, reason string, by uuid.UUID, now time.Time) (uuid.UUID, error) {
	if err := payer.Check(); err != nil {
		return uuid.Nil, err
	}
	if err := Void(ctx, tx, book, id, WrongPayer, reason, by, now); err != nil {
		return uuid.Nil, err
	}
	r, err := ByID(ctx, tx, book, id)
	if err != nil {
		return uuid.Nil, err
	}
	if r.Face != Single {
		return uuid.Nil, fmt.Errorf("%w: a merged receipt names nobody", ErrPayer)
	}
	donor, err := giving.KeepDonor(ctx, tx, book, payer.Name, now)
	if err != nil {
		return uuid.Nil, err
	}
	next, err := again(ctx, tx, book, random, r, by, now, func(s *issue) { s.payer, s.donor, s.uscc = payer.Kind, &donor, payer.USCC })
	if err == nil && next == uuid.Nil {
		err = ErrNothingLeft
	}
	return next, err
}

// split takes a gift out of a merged receipt: void, and issued again without it.
func split(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, merged, gift, by uuid.UUID, now time.Time) error {
	if err := Void(ctx, tx, book, merged, Splitting, "gift "+gift.String(), by, now); err != nil {
		return err
	}
	r, err := ByID(ctx, tx, book, merged)
	if err != nil {
		return err
	}
	_, err = again(ctx, tx, book, random, r, by, now, func(s *issue) {
		for i, p := range s.parts {
			if p.gift == gift {
				s.amount -= p.amount
				s.parts = append(s.parts[:i], s.parts[i+1:]...)
				return
			}
		}
	})
	return err
}

const sqlPartsLeft = `
select p.gift_id, p.issue + 1, g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = $1 and r.gift_id = p.gift_id), 0)::int8
  from receipt_gift p join gift g on g.book_id = $1 and g.id = p.gift_id
 where p.book_id = $1 and p.receipt_id = $2
 order by p.gift_id`

// again issues the successor of a voided receipt over what is left of its gifts, changed as change says; none (nil) when nothing is left.
func again(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, r Receipt, by uuid.UUID, now time.Time, change func(*issue)) (uuid.UUID, error) {
	rows, err := tx.Query(ctx, sqlPartsLeft, book.ID, r.ID)
	if err != nil {
		return uuid.Nil, fmt.Errorf("read gifts of receipt %s: %w", r.ID, err)
	}
	s := issue{face: r.Face, payer: r.Payer, donor: r.Donor, uscc: r.USCC, fund: r.FundID, campaign: r.CampaignID, currency: r.Currency,
		givenOn: r.GivenOn, batch: r.Batch, replaces: &r.ID, by: by}
	var p part
	_, err = pgx.ForEachRow(rows, []any{&p.gift, &p.issue, &p.amount}, func() error {
		if p.amount > 0 {
			s.parts, s.amount = append(s.parts, p), s.amount+p.amount
		}
		return nil
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("read gifts of receipt %s: %w", r.ID, err)
	}
	if change(&s); len(s.parts) == 0 {
		return uuid.Nil, nil
	}
	list := []issue{s}
	if err := insert(ctx, tx, book, random, now, list); err != nil {
		return uuid.Nil, err
	}
	return list[0].id, nil
}

// settleMax is how many receipts one call of Settle puts right.
const settleMax = 100

// Receipts that say more than is left of their gifts.
const sqlOverstated = `
select distinct p.receipt_id
  from refund r
  join receipt_gift p on p.book_id = r.book_id and p.gift_id = r.gift_id
  join receipt i on i.book_id = $1 and i.id = p.receipt_id
 where r.book_id = $1 and ($3::uuid is null or r.gift_id = $3)
   and not exists (select from receipt_void v where v.book_id = $1 and v.receipt_id = p.receipt_id)
   and p.amount > (select g.amount from gift g where g.book_id = $1 and g.id = p.gift_id)
                - (select sum(x.amount) from ` + giving.StandingRefund + ` x where x.book_id = $1 and x.gift_id = p.gift_id)
 limit $2`

// Settle voids the receipts of gifts that were given back and issues successors over what is left (accounting.md I13). Of one gift, or
// with a nil id of the book, and then those of lots too. It says how many it put right; more may wait when there were settleMax. Without numbers for a successor the
// receipt is void all the same, and whoever asks again gets one later.
func Settle(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, gift *uuid.UUID, now time.Time) (int, error) {
	if err := lock(ctx, tx, book); err != nil {
		return 0, err
	}
	rows, err := tx.Query(ctx, sqlOverstated, book.ID, settleMax, gift)
	if err != nil {
		return 0, fmt.Errorf("look for receipts of refunded gifts: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("look for receipts of refunded gifts: %w", err)
	}
	for _, id := range ids {
		if err := Void(ctx, tx, book, id, Refunded, "退款 refund", uuid.Nil, now); err != nil {
			return 0, err
		}
		r, err := ByID(ctx, tx, book, id)
		if err != nil {
			return 0, err
		}
		if _, err := again(ctx, tx, book, random, r, uuid.Nil, now, func(*issue) {}); err != nil && !errors.Is(err, ErrNoNumbers) {
			return 0, err
		}
	}
	if gift != nil {
		return len(ids), nil
	}
	lots, err := settleLots(ctx, tx, book, now)
	return max(len(ids), lots), err
}
