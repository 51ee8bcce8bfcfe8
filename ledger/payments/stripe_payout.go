package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// errIncomplete means that Stripe's list of a payout's members is not complete yet.
var errIncomplete = errors.New("list of the payout is not complete yet")

const (
	sqlPayoutUpsert = `
insert into payout as p (book_id, processor, payout, amount, state, complete, arrives_on, created_at)
values ($1, 'stripe', $2, $3, $4, $5, $6, $7)
    on conflict (book_id, processor, payout) do update
   set state = excluded.state, complete = excluded.complete, arrives_on = excluded.arrives_on
 where p.state <> 'failed'`

	sqlPayoutMembers = `insert into payout_member (book_id, processor, payout, txn) select $1, 'stripe', $2, unnest($3::text[])`

	// What earlier payouts have left with each fund, and this one's members.
	sqlPayoutDue = `
select fund, sum(net)::int8
  from (select unnest(t.funds) as fund, unnest(t.nets) as net
          from payout_member m join processor_txn t on t.book_id = $1 and t.processor = m.processor and t.txn = m.txn
         where m.book_id = $1 and m.processor = 'stripe'
        union all
        select unnest(funds), unnest(nets) from processor_txn where book_id = $1 and processor = 'stripe' and category = 'payout') x
 group by 1 having sum(net) <> 0 order by 1`

	sqlPayoutShares = `
select funds, nets from processor_txn where book_id = $1 and processor = 'stripe' and category = 'payout' and source = $2`

	sqlPayoutLanded = `select landed from payout where book_id = $1 and processor = 'stripe' and payout = $2 for update`
	sqlPayoutLand   = `update payout set landed = $3 where book_id = $1 and processor = 'stripe' and payout = $2`
)

// syncPayout books whatever has happened to a payout and is not booked: started (E04), arrived (E05), failed (E06).
func (s *Stripe) syncPayout(ctx context.Context, id string) error {
	p := &stripe.PayoutParams{}
	p.Context = ctx
	p.AddExpand("balance_transaction")
	p.AddExpand("failure_balance_transaction")
	payout, err := s.api.Payouts.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up payout %s: %w", id, err))
	}
	state := "created"
	switch payout.Status {
	case stripe.PayoutStatusPaid:
		state = "paid"
	case stripe.PayoutStatusFailed, stripe.PayoutStatusCanceled:
		state = "failed"
	}
	complete := payout.ReconciliationStatus == stripe.PayoutReconciliationStatusCompleted
	_, err = s.db.Exec(ctx, sqlPayoutUpsert, s.book.ID, payout.ID, payout.Amount, state, complete,
		s.book.Day(time.Unix(payout.ArrivalDate, 0)), time.Unix(payout.Created, 0))
	if err != nil {
		return fmt.Errorf("store payout %s: %w", id, err)
	}
	if err := s.startPayout(ctx, payout); err != nil {
		return err
	}
	switch state {
	case "paid":
		return s.landPayout(ctx, payout)
	case "failed":
		return s.failPayout(ctx, payout)
	}
	return nil
}

// startPayout books a payout (E04) once its members add up to it, with the part of each fund.
func (s *Stripe) startPayout(ctx context.Context, p *stripe.Payout) error {
	t, err := s.rowOf(p.BalanceTransaction, p.ID)
	if err != nil {
		return err
	}
	if known, err := s.known(ctx, s.db, t.id); known || err != nil {
		return err
	}
	if !p.Automatic {
		return fmt.Errorf("%w: payout %s was made by hand: its rows are not known", errOdd, p.ID)
	}
	if t.fee != 0 {
		return fmt.Errorf("%w: payout %s has a fee", errOdd, p.ID)
	}
	members, err := s.membersOf(ctx, p)
	if err != nil {
		return err
	}
	t.category = "payout"
	return s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error {
		if _, err := tx.Exec(ctx, sqlPayoutMembers, s.book.ID, p.ID, members); err != nil {
			return fmt.Errorf("store rows of payout %s: %w", p.ID, err)
		}
		due, err := s.dueShares(ctx, tx)
		if err != nil {
			return err
		}
		parts, err := payOut(due, -t.amount)
		if err != nil {
			return fmt.Errorf("payout %s: %w", p.ID, err)
		}
		var lines []ledger.Line
		for _, part := range parts {
			lines = append(lines, ledger.Debit(transit(part.fund), part.net), ledger.Credit(avail(part.fund), part.net))
			t.shares = append(t.shares, share{part.fund, -part.net})
		}
		return s.post(ctx, tx, &t, ledger.KindPayoutStart, on, lines, "提现发起 Payout started:")
	})
}

// membersOf lists the balance rows that a payout pays out, and sees to it that each is booked.
func (s *Stripe) membersOf(ctx context.Context, p *stripe.Payout) ([]string, error) {
	q := &stripe.BalanceTransactionListParams{Payout: &p.ID}
	q.Context = ctx
	q.Limit = stripe.Int64(100)
	var ids []string
	var sum int64
	list := s.api.BalanceTransactions.List(q)
	for list.Next() {
		bt := list.BalanceTransaction()
		if bt.ID == p.BalanceTransaction.ID {
			continue
		}
		known, err := s.known(ctx, s.db, bt.ID)
		if err != nil {
			return nil, err
		}
		if !known {
			if err := s.syncRow(ctx, bt); err != nil {
				return nil, err
			}
		}
		ids, sum = append(ids, bt.ID), sum+bt.Net
	}
	if err := list.Err(); err != nil {
		return nil, away(fmt.Errorf("look up rows of payout %s: %w", p.ID, err))
	}
	if sum != p.Amount {
		if p.ReconciliationStatus == stripe.PayoutReconciliationStatusCompleted {
			return nil, fmt.Errorf("%w: payout %s is %d, its rows are %d", errOdd, p.ID, p.Amount, sum)
		}
		return nil, fmt.Errorf("%w: payout %s is %d, its rows are %d so far", errIncomplete, p.ID, p.Amount, sum)
	}
	return ids, nil
}

func (s *Stripe) dueShares(ctx context.Context, tx pgx.Tx) ([]share, error) {
	if _, err := tx.Exec(ctx, sqlTxnLock, s.book.ID, "payouts"); err != nil {
		return nil, fmt.Errorf("lock payouts: %w", err)
	}
	rows, err := tx.Query(ctx, sqlPayoutDue, s.book.ID)
	if err != nil {
		return nil, fmt.Errorf("read what is due to funds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one share, err error) { return one, row.Scan(&one.fund, &one.net) })
}

// payOut divides a payout among the funds that have money coming. Where refunds left a fund below zero, the others pay for it until
// its next gifts, in proportion; so no fund ever gets less than nothing.
func payOut(due []share, amount int64) ([]share, error) {
	due = slices.DeleteFunc(due, func(one share) bool { return one.net <= 0 })
	var weights []int64
	var sum int64
	for _, one := range due {
		weights, sum = append(weights, one.net), sum+one.net
	}
	if amount <= 0 || sum < amount {
		return nil, fmt.Errorf("%w: %d of %d", errOdd, amount, sum)
	}
	for i, part := range money.Allocate(amount, weights) {
		due[i].net = part
	}
	return slices.DeleteFunc(due, func(one share) bool { return one.net == 0 }), nil
}

func transit(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "psp.transit", Fund: fund, Dims: ledger.Dims{Instrument: giving.Stripe.Code()}}
}

func landing(fund int32) ledger.Leaf { return ledger.Leaf{Chart: "bank.online", Fund: fund} }

// partsOf reads how a payout was divided.
func (s *Stripe) partsOf(ctx context.Context, tx pgx.Tx, payout string) ([]share, error) {
	var funds []int32
	var nets []int64
	if err := tx.QueryRow(ctx, sqlPayoutShares, s.book.ID, payout).Scan(&funds, &nets); err != nil {
		return nil, fmt.Errorf("read payout %s: %w", payout, err)
	}
	parts := make([]share, len(funds))
	for i := range funds {
		parts[i] = share{funds[i], -nets[i]}
	}
	return parts, nil
}

// landPayout books the arrival at the bank by Stripe's word (E05); the bank's statement is held against it later.
func (s *Stripe) landPayout(ctx context.Context, p *stripe.Payout) error {
	t := txn{id: "landed:" + p.ID, source: p.ID, at: time.Unix(p.ArrivalDate, 0)}
	if now := s.clock(); t.at.After(now) {
		t.at = now
	}
	on := time.Time{}
	for {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
			var landed *uuid.UUID
			if err := tx.QueryRow(ctx, sqlPayoutLanded, s.book.ID, p.ID).Scan(&landed); err != nil || landed != nil {
				return err
			}
			parts, err := s.partsOf(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			var lines []ledger.Line
			for _, part := range parts {
				lines = append(lines, ledger.Debit(landing(part.fund), part.net), ledger.Credit(transit(part.fund), part.net))
			}
			if err := s.post(ctx, tx, &t, ledger.KindPayoutLanded, on, lines, "提现到账 Payout landed:"); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, sqlPayoutLand, s.book.ID, p.ID, t.entry)
			return err
		})
		if !errors.Is(err, ledger.ErrPeriodClosed) || !on.IsZero() {
			return err
		}
		on = s.book.Day(s.clock())
	}
}

// failPayout books that a payout has come back (E06), from the bank account when it had been called paid.
func (s *Stripe) failPayout(ctx context.Context, p *stripe.Payout) error {
	t, err := s.rowOf(p.FailureBalanceTransaction, p.ID)
	if err != nil {
		return err
	}
	t.category = "payout_reversal"
	return s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error {
		var landed *uuid.UUID
		if err := tx.QueryRow(ctx, sqlPayoutLanded, s.book.ID, p.ID).Scan(&landed); err != nil {
			return fmt.Errorf("read payout %s: %w", p.ID, err)
		}
		from := transit
		if landed != nil {
			from = landing
		}
		parts, err := s.partsOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		var lines []ledger.Line
		for _, part := range parts {
			lines = append(lines, ledger.Debit(avail(part.fund), part.net), ledger.Credit(from(part.fund), part.net))
			t.shares = append(t.shares, part)
		}
		return s.post(ctx, tx, &t, ledger.KindPayoutFailed, on, lines, "提现失败退回 Payout failed:")
	})
}
