package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// sweptKind is the kind of events that we make for ourselves, of what no webhook has told.
const sweptKind = "swept"

// Limits of sweeping.
const (
	sweepFirst   = 60 * 24 * time.Hour // how far the first sweep looks back
	sweepOverlap = time.Hour           // rows may show a little late
	sweepMax     = 20000               // rows a sweep
	pageOverdue  = 25 * time.Hour
)

// workTxn books a row of the balance that a sweep has found.
func (s *Stripe) workTxn(ctx context.Context, id string) error {
	p := &stripe.BalanceTransactionParams{}
	p.Context = ctx
	bt, err := s.api.BalanceTransactions.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up balance row %s: %w", id, err))
	}
	return s.syncRow(ctx, bt)
}

// syncRow books a row of the balance by what stands behind it.
func (s *Stripe) syncRow(ctx context.Context, bt *stripe.BalanceTransaction) error {
	known, err := s.known(ctx, s.db, bt.ID)
	if known || err != nil {
		return err
	}
	source := ""
	if bt.Source != nil {
		source = bt.Source.ID
	}
	switch bt.ReportingCategory {
	case stripe.BalanceTransactionReportingCategoryCharge:
		err = s.syncCharge(ctx, source)
	case stripe.BalanceTransactionReportingCategoryRefund, stripe.BalanceTransactionReportingCategoryRefundFailure:
		err = s.workRefund(ctx, source)
	case stripe.BalanceTransactionReportingCategoryDispute, stripe.BalanceTransactionReportingCategoryDisputeReversal:
		err = s.workDispute(ctx, source)
	case stripe.BalanceTransactionReportingCategoryPayout, stripe.BalanceTransactionReportingCategoryPayoutReversal:
		err = s.syncPayout(ctx, source)
	case stripe.BalanceTransactionReportingCategoryFee:
		return s.bookAccountFee(ctx, bt)
	default:
		return fmt.Errorf("%w: balance row %s is of kind %q", errOdd, bt.ID, bt.ReportingCategory)
	}
	if err != nil {
		return err
	}
	if known, err = s.known(ctx, s.db, bt.ID); err == nil && !known {
		err = fmt.Errorf("balance row %s is not booked by looking at %s", bt.ID, source)
	}
	return err
}

const sqlGeneralOf = `select coalesce(min(fund_id), 0) from fund where book_id = $1 and kind = 'general'`

// bookAccountFee books a fee that belongs to no gift: the general fund bears it.
func (s *Stripe) bookAccountFee(ctx context.Context, bt *stripe.BalanceTransaction) error {
	t, err := s.rowOf(bt, bt.ID)
	if err != nil {
		return err
	}
	return s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error {
		var general int32
		if err := tx.QueryRow(ctx, sqlGeneralOf, s.book.ID).Scan(&general); err != nil {
			return fmt.Errorf("read general fund: %w", err)
		}
		net := t.amount - t.fee
		t.shares = []share{{general, net}}
		cost := avail(general)
		cost.Chart, cost.Dims.Nature = "fundraising.u", "account"
		return s.post(ctx, tx, &t, ledger.KindAccountFee, on, []ledger.Line{{Leaf: cost, Amount: -net}, {Leaf: avail(general), Amount: net}},
			"支付账户费用 Fee of the account:")
	})
}

const (
	sqlSweptTo = `select swept_to from processor_sweep where book_id = $1 and processor = 'stripe'`

	sqlSweptUpsert = `
insert into processor_sweep (book_id, processor, swept_to, swept_at, problem) values ($1, 'stripe', $2, $3, $4)
    on conflict (book_id, processor) do update set swept_to = excluded.swept_to, swept_at = excluded.swept_at, problem = excluded.problem`

	// What can change without moving the balance is looked at again as long as it is open.
	sqlSweepOpen = `
select 'dispute', dispute from dispute where book_id = $1 and processor = 'stripe' and state in ('inquiry', 'open')
 union all
select 'payout', payout from payout where book_id = $1 and processor = 'stripe' and (state = 'created' or state = 'paid' and landed is null)
 union all
select 'checkout.session', session from checkout_session where book_id = $1 and processor = 'stripe' and state in ('open', 'pending') and created_at < $2
 union all
(select 'subscription', subscription from plan where book_id = $1 and processor = 'stripe' and way = 'card' and state in ('active', 'paused')
    and (failing or next_on <= $3) order by failing, next_on limit 1000)`

	sqlTxnsUnknown = `
select u.id from unnest($2::text[]) u(id)
 where not exists (select from processor_txn t where t.book_id = $1 and t.processor = 'stripe' and t.txn = u.id)`
)

// Sweep looks through Stripe's balance since the last time and puts into the inbox what is not booked, so that a lost webhook
// is lost for an hour at most. It says how much it found.
func (s *Stripe) Sweep(ctx context.Context) (found int, err error) {
	ctx = pg.WithBook(ctx, s.book.ID)
	now := s.clock()
	from := now.Add(-sweepFirst)
	var last time.Time
	switch err := s.db.QueryRow(ctx, sqlSweptTo, s.book.ID).Scan(&last); {
	case err == nil:
		from = last.Add(-sweepOverlap)
	case !errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("read last sweep: %w", err)
	default:
		last = from
	}
	found, err = s.sweep(ctx, from, now)
	problem := ""
	if err == nil {
		last = now
	} else {
		problem = clip(err.Error())
	}
	if _, noted := s.db.Exec(ctx, sqlSweptUpsert, s.book.ID, last, now, problem); noted != nil {
		return found, fmt.Errorf("note sweep: %w", noted)
	}
	return found, err
}

func (s *Stripe) sweep(ctx context.Context, from, now time.Time) (found int, err error) {
	account, err := s.api.Accounts.Get()
	if err != nil {
		return 0, away(fmt.Errorf("look up the account: %w", err))
	}
	if account.ID != s.keys.Account {
		return 0, fmt.Errorf("%w: the secret key is of account %s", ErrStripeKeys, account.ID)
	}
	p := &stripe.BalanceTransactionListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix()}}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	var ids []string
	list := s.api.BalanceTransactions.List(p)
	for list.Next() {
		if ids = append(ids, list.BalanceTransaction().ID); len(ids) > sweepMax {
			return 0, fmt.Errorf("more than %d rows since %s", sweepMax, from.Format(time.RFC3339))
		}
	}
	if err := list.Err(); err != nil {
		return 0, away(fmt.Errorf("look through the balance: %w", err))
	}
	unknown, err := s.strings(ctx, sqlTxnsUnknown, s.book.ID, ids)
	if err != nil {
		return 0, err
	}
	for i := len(unknown) - 1; i >= 0; i-- { // the earliest first
		if err := s.hint(ctx, "balance_transaction", unknown[i], "", now); err != nil {
			return found, err
		}
		found++
	}
	rows, err := s.db.Query(ctx, sqlSweepOpen, s.book.ID, now.Add(-pageOverdue), s.book.Day(now))
	if err != nil {
		return found, fmt.Errorf("read what is open: %w", err)
	}
	type object struct{ Kind, ID string }
	open, err := pgx.CollectRows(rows, pgx.RowToStructByPos[object])
	if err != nil {
		return found, fmt.Errorf("read what is open: %w", err)
	}
	for _, o := range open {
		if err := s.hint(ctx, o.Kind, o.ID, now.UTC().Format(" 2006-01-02T15"), now); err != nil {
			return found, err
		}
		found++
	}
	return found, nil
}

func (s *Stripe) strings(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is not booked: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// hint puts an event of our own into the inbox. when sets apart those that come again and again.
func (s *Stripe) hint(ctx context.Context, kind, id, when string, now time.Time) error {
	e := stripeEvent{ID: "swept:" + id + when, Type: sweptKind, Live: s.keys.Live(), Version: StripeVersion}
	e.Data.Object.ID, e.Data.Object.Kind = id, kind
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	row, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id of an event: %w", err)
	}
	if _, err := s.db.Exec(ctx, sqlInboxInsert, s.book.ID, row, StripeCode, e.ID, e.Type, now, body); err != nil {
		return fmt.Errorf("store event %s: %w", e.ID, err)
	}
	return nil
}
