package payments

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a dispute.
const (
	DisputeInquiry = "inquiry" // the bank asks, no money is withdrawn
	DisputeOpen    = "open"
	DisputeWon     = "won"
	DisputeLost    = "lost"
)

// workDispute books what a dispute has done, after the gift that it is about.
func (s *Stripe) workDispute(ctx context.Context, id string) error {
	p := &stripe.DisputeParams{}
	p.Context = ctx
	d, err := s.api.Disputes.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up dispute %s: %w", id, err))
	}
	if d.Charge == nil {
		return fmt.Errorf("%w: dispute %s is of no charge", errOdd, id)
	}
	if err := s.syncCharge(ctx, d.Charge.ID); err != nil {
		return err
	}
	return s.bookDispute(ctx, d)
}

func (s *Stripe) syncDisputes(ctx context.Context, ch *stripe.Charge) error {
	p := &stripe.DisputeListParams{Charge: &ch.ID}
	p.Context = ctx
	list := s.api.Disputes.List(p)
	for list.Next() {
		if err := s.bookDispute(ctx, list.Dispute()); err != nil {
			return err
		}
	}
	if err := list.Err(); err != nil {
		return away(fmt.Errorf("look up disputes of %s: %w", ch.ID, err))
	}
	return nil
}

func stateOf(d *stripe.Dispute) string {
	switch d.Status {
	case stripe.DisputeStatusWon:
		return DisputeWon
	case stripe.DisputeStatusLost:
		return DisputeLost
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview:
		return DisputeOpen
	}
	return DisputeInquiry
}

const (
	// A state that came before never takes back one that came later.
	sqlDisputeUpsert = `
insert into dispute as d (book_id, processor, dispute, gift_id, amount, ccy, withdrawn, cover, fee, reason, state, opened_at, due_by, closed_at)
values ($1, 'stripe', $2, $3, $4, $5, 0, 0, 0, $6, $7, $8, $9, $10)
    on conflict (book_id, processor, dispute) do update
   set state = excluded.state, due_by = excluded.due_by, closed_at = coalesce(d.closed_at, excluded.closed_at)
 where d.state in ('inquiry', 'open')`

	sqlDisputeMove = `
update dispute set withdrawn = withdrawn + $3, cover = cover + $4, fee = fee + $5
 where book_id = $1 and processor = 'stripe' and dispute = $2 returning cover`

	sqlDisputeHeld = `
select withdrawn, cover from dispute where book_id = $1 and processor = 'stripe' and dispute = $2 for update`
)

// bookDispute books the rows of a dispute: money withdrawn with its fee (E09), given back (E10); and when it is lost, the loss (E11).
func (s *Stripe) bookDispute(ctx context.Context, d *stripe.Dispute) error {
	charge := d.Charge.ID
	var due, closed *time.Time
	if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
		at := time.Unix(d.EvidenceDetails.DueBy, 0)
		due = &at
	}
	if state := stateOf(d); state == DisputeWon || state == DisputeLost {
		now := s.clock()
		closed = &now
	}
	err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
		g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, charge)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlDisputeUpsert, s.book.ID, d.ID, g.ID, d.Amount, g.Currency, clip(string(d.Reason)), stateOf(d), time.Unix(d.Created, 0), due, closed)
		if err != nil {
			return fmt.Errorf("store dispute %s: %w", d.ID, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, bt := range d.BalanceTransactions {
		t, err := s.rowOf(bt, d.ID)
		if err != nil {
			return err
		}
		if err := s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error { return s.disputeRow(ctx, tx, charge, &t, on) }); err != nil {
			return err
		}
	}
	if stateOf(d) != DisputeLost {
		return nil
	}
	return s.loseDispute(ctx, d, charge, closed)
}

// disputeRow books one row: amount below zero is withdrawn, above it is given back. The general fund bears the fee. What the
// donor had paid on top for the fee is taken from the general fund, which has it.
func (s *Stripe) disputeRow(ctx context.Context, tx pgx.Tx, charge string, t *txn, on time.Time) error {
	g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, charge)
	if err != nil {
		return err
	}
	if g.General == 0 {
		return giving.ErrNoGeneral
	}
	var held, cover int64
	if err := tx.QueryRow(ctx, sqlDisputeHeld, s.book.ID, t.source).Scan(&held, &cover); err != nil {
		return fmt.Errorf("read dispute %s: %w", t.source, err)
	}
	kind, summary, moved := ledger.KindDispute, "支付争议扣款 Dispute opened:", int64(0)
	if t.amount < 0 {
		if g.FeeBearer == ledger.FeeByDonor && g.Currency == s.book.Currency {
			moved = max(0, -t.amount-g.Left)
		}
	} else {
		kind, summary = ledger.KindDisputeWon, "争议胜诉退回 Dispute won:"
		moved = -min(cover, t.amount)
	}
	due := func(fund int32) ledger.Dims { return ledger.Dims{Counterparty: "fund:" + strconv.Itoa(int(fund))} }
	cost := ledger.Leaf{Chart: "fundraising.u", Fund: g.General, Dims: ledger.Dims{Instrument: giving.Stripe.Code(), Nature: "dispute"}}
	own := t.amount + moved // of the gift's fund
	lines := []ledger.Line{
		{Leaf: giving.DisputeLeaf(giving.Stripe, g.FundID), Amount: -own}, {Leaf: avail(g.FundID), Amount: own},
		{Leaf: giving.DisputeLeaf(giving.Stripe, g.General), Amount: moved}, {Leaf: avail(g.General), Amount: -moved},
		{Leaf: cost, Amount: t.fee},
	}
	if g.FundID == g.General {
		lines = append(lines, ledger.Line{Leaf: avail(g.General), Amount: -t.fee})
	} else {
		lines = append(lines, ledger.Line{Leaf: ledger.Leaf{Chart: "if.due.to", Fund: g.General, Dims: due(g.FundID)}, Amount: -t.fee},
			ledger.Line{Leaf: ledger.Leaf{Chart: "if.due.from", Fund: g.FundID, Dims: due(g.General)}, Amount: t.fee},
			ledger.Line{Leaf: avail(g.FundID), Amount: -t.fee})
	}
	t.gift, t.shares = g.ID, join(share{g.FundID, own - t.fee}, share{g.General, -moved})
	if err := s.post(ctx, tx, t, kind, on, lines, summary); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlDisputeMove, s.book.ID, t.source, -t.amount, moved, t.fee); err != nil {
		return fmt.Errorf("note dispute %s: %w", t.source, err)
	}
	return nil
}

// loseDispute books the loss of what is still withdrawn: the gift was given back after all.
func (s *Stripe) loseDispute(ctx context.Context, d *stripe.Dispute, charge string, at *time.Time) error {
	on := time.Time{}
	for {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error { return s.loss(ctx, tx, d, charge, *at, on) })
		if !errors.Is(err, ledger.ErrPeriodClosed) || !on.IsZero() {
			return err
		}
		on = s.book.Day(s.clock())
	}
}

func (s *Stripe) loss(ctx context.Context, tx pgx.Tx, d *stripe.Dispute, charge string, at, on time.Time) error {
	g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, charge)
	if err != nil {
		return err
	}
	var known uuid.UUID
	err = tx.QueryRow(ctx, sqlRefundKnownRef, s.book.ID, int16(giving.Stripe), d.ID).Scan(&known)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return err // it is booked
	}
	var held, cover int64
	if err := tx.QueryRow(ctx, sqlDisputeHeld, s.book.ID, d.ID).Scan(&held, &cover); err != nil {
		return fmt.Errorf("read dispute %s: %w", d.ID, err)
	}
	if held == 0 {
		return nil
	}
	back := giving.Refunded{GiftRef: charge, Amount: d.Amount, Currency: strings.ToUpper(string(d.Currency)), RefundedAt: at,
		Channel: giving.Stripe, Ref: d.ID, Cause: giving.Disputed, Cover: cover, On: on}
	if back.Currency == s.book.Currency {
		back.Amount = held - cover
	} else {
		back.Worth = held
	}
	back.Amount = min(back.Amount, g.Left)
	outcomes, err := giving.BookRefunds(ctx, tx, s.book, []giving.Refunded{back})
	if err != nil {
		return err
	}
	return outcomes[0].Err
}

const sqlRefundKnownRef = `select id from refund where book_id = $1 and channel = $2 and ref = $3`
