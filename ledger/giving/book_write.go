package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

const (
	sqlGiftInsert = `
insert into gift (book_id, id, campaign_id, fund_id, amount, fee, paid_at, channel, anonymity, ccy, ref, processor_ref, donor_id)
select $1, unnest($2::uuid[]), unnest($3::int4[]), unnest($4::int4[]), unnest($5::int8[]), unnest($6::int8[]), unnest($7::timestamptz[]),
       unnest($8::int2[]), unnest($9::int2[]), unnest($10::text[]), unnest($11::text[]), unnest($12::text[]), unnest($13::uuid[])`

	// Not a join with the array: planned on the empty tables of a new book it reads every checkout for each batch.
	sqlCheckoutPaid = `
update checkout c set state = 'paid', ended_at = ($3::timestamptz[])[array_position($2::uuid[], c.id)]
 where c.book_id = $1 and c.id = any($2::uuid[])`
)

// giftRows are the columns of the gifts that one batch really booked.
type giftRows struct {
	id             []uuid.UUID
	campaign, fund []int32
	amount, fee    []int64
	paidAt         []time.Time
	channel        []int16
	anonymity      []int16
	ccy, ref       []string
	processorRef   []*string
	donor          []*uuid.UUID
	donors         donorRows
	checkoutID     []uuid.UUID
	checkoutPaidAt []time.Time
}

// write rides with the entries: gift rows, their donors and the checkouts' end.
func (b *batch) write(q *pgx.Batch, results []ledger.Result) {
	var rows giftRows
	for i, e := range b.entryOf {
		if e >= 0 && results[e].Err == nil && !results[e].Replayed {
			s, fromCheckout := b.started[b.paid[i].ID]
			rows.add(&b.paid[i], s.donor, fromCheckout)
		}
	}
	if len(rows.id) == 0 {
		return
	}
	rows.donors.queue(q, b.book)
	q.Queue(sqlGiftInsert, b.book.ID, rows.id, rows.campaign, rows.fund, rows.amount, rows.fee, rows.paidAt, rows.channel,
		rows.anonymity, rows.ccy, rows.ref, rows.processorRef, rows.donor)
	if len(rows.checkoutID) > 0 {
		q.Queue(sqlCheckoutPaid, b.book.ID, rows.checkoutID, rows.checkoutPaidAt)
	}
}

func (r *giftRows) add(p *Paid, donor *uuid.UUID, fromCheckout bool) {
	id := p.ID
	if fromCheckout {
		r.checkoutID, r.checkoutPaidAt = append(r.checkoutID, id), append(r.checkoutPaidAt, p.PaidAt)
	} else if p.sealed != nil {
		donor = p.sealed.donor
		r.donors.add(p.sealed, id, p.PaidAt)
	}
	anonymity := int16(0)
	if p.Anonymous {
		anonymity = 1
	}
	r.id, r.campaign, r.fund = append(r.id, id), append(r.campaign, p.CampaignID), append(r.fund, p.FundID)
	r.amount, r.fee, r.paidAt = append(r.amount, p.Amount), append(r.fee, p.Fee), append(r.paidAt, p.PaidAt)
	r.channel, r.anonymity = append(r.channel, int16(p.Channel)), append(r.anonymity, anonymity)
	r.ccy, r.ref = append(r.ccy, p.Currency), append(r.ref, p.Ref)
	r.processorRef = append(r.processorRef, orNull(p.ProcessorRef))
	r.donor = append(r.donor, donor)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// settle takes over what the ledger decided. A member that somebody else booked while we waited for the lock is
// compared once more with what stands now.
func (b *batch) settle(ctx context.Context, tx pgx.Tx, results []ledger.Result) error {
	var raced []int
	for i, e := range b.entryOf {
		switch {
		case e < 0:
		case results[e].Replayed || errors.Is(results[e].Err, ledger.ErrKeyReused):
			raced = append(raced, i)
		default:
			b.outcomes[i].Err = results[e].Err
		}
	}
	if err := b.settleRaced(ctx, tx, raced); err != nil {
		return err
	}
	for i, first := range b.repeats {
		b.outcomes[i] = b.repeat(&b.paid[i], &b.paid[first], b.outcomes[first])
	}
	return nil
}

func (b *batch) settleRaced(ctx context.Context, tx pgx.Tx, raced []int) error {
	if len(raced) == 0 {
		return nil
	}
	channel, refs := make([]int16, len(raced)), make([]string, len(raced))
	for n, i := range raced {
		channel[n], refs[n] = int16(b.paid[i].Channel), b.paid[i].Ref
	}
	rows, err := tx.Query(ctx, sqlGiftKnown, b.book.ID, channel, refs)
	if err != nil {
		return fmt.Errorf("read gifts booked meanwhile: %w", err)
	}
	if err := b.scanKnown(rows); err != nil {
		return fmt.Errorf("read gifts booked meanwhile: %w", err)
	}
	for _, i := range raced {
		p := &b.paid[i]
		if k, ok := b.known[reference{p.Channel, p.Ref}]; ok {
			b.outcomes[i] = k.answer(b.book, p)
		} else {
			b.outcomes[i] = Outcome{ID: p.ID, Err: fmt.Errorf("%w: %s", ErrPaidTwice, p.ID)}
		}
	}
	return nil
}

// repeat answers a member whose reference an earlier member of the same batch has.
func (b *batch) repeat(p, first *Paid, answered Outcome) Outcome {
	if answered.Err != nil {
		return answered
	}
	k := booked{answered.ID, first.CampaignID, first.FundID, first.Amount, first.Fee, first.Currency, b.book.Day(first.PaidAt)}
	return k.answer(b.book, p)
}
