package giving

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// Refusals of a refund.
var (
	ErrNoGift         = errors.New("no such gift")
	ErrRefundTooLarge = errors.New("refund is more than is left of the gift")
	ErrMatchOfFile    = errors.New("gift is match of a platform's file: it goes back by a claw-back there")
)

// Refunded is money of a gift that was given back, in whole or in part, through the gift's channel.
type Refunded struct {
	GiftID       uuid.UUID // the gift, or its reference in the channel below
	GiftRef      string
	CampaignID   int32  // the gift's; zero: not checked
	FundID       int32  // the gift's; zero: not checked
	Amount       int64  // minor units of the gift's currency
	Currency     string // the gift's; empty: not checked
	Fee          int64  // minor units of the book's currency: kept by the processor for it, negative when given back
	RefundedAt   time.Time
	Channel      Channel
	Ref          string // unique in its channel
	ProcessorRef string
	Actor        uuid.UUID
	Cause        Cause       // empty: Outside
	Cover        int64       // given back beside Amount, of what the donor paid on top for the fee; minor units of the book's currency
	Worth        int64       // minor units of the book's currency that the processor took for Amount; zero: what it was booked for
	On           time.Time   // business day to book on; zero: that of RefundedAt
	Asset        ledger.Leaf // where it goes from, in the book's currency and in the gift's fund; zero: where the channel keeps money. Match of a platform's file has to say it
}

// Cause says whose doing it was that money goes back; it decides who bears it.
type Cause string

const (
	Outside  Cause = "outside" // the donor's side: the fund gives it back
	OwnFault Cause = "own"     // ours: the gift stays in its fund, the general fund bears the loss
	Disputed Cause = "dispute" // a dispute that was lost: the money was withdrawn when it was opened
)

func (r *Refunded) check() error {
	_, known := channels[r.Channel]
	switch {
	case !known:
		return fmt.Errorf("%w: channel %d", ErrBadPaid, r.Channel)
	case r.Amount <= 0 || r.Amount > ledger.AmountMax || r.Fee > ledger.AmountMax || r.Fee < -ledger.AmountMax:
		return fmt.Errorf("%w: amount %d, fee %d", ErrBadPaid, r.Amount, r.Fee)
	case r.Fee != 0 && !r.Channel.Processor():
		return fmt.Errorf("%w: %s", ErrFeeChannel, r.Channel.Code())
	case r.Ref == "" || !storable(r.Ref, refMax) || !storable(r.ProcessorRef, refMax) || !storable(r.GiftRef, refMax):
		return fmt.Errorf("%w: reference", ErrBadPaid)
	case r.Cause != Outside && r.Cause != OwnFault && r.Cause != Disputed:
		return fmt.Errorf("%w: cause %q", ErrBadPaid, r.Cause)
	case r.Cover < 0 || r.Cover > ledger.AmountMax || r.Worth < 0 || r.Worth > ledger.AmountMax || (r.Cover != 0 || r.Worth != 0) && !r.Channel.Processor():
		return fmt.Errorf("%w: cover %d, worth %d", ErrBadPaid, r.Cover, r.Worth)
	}
	return checkTime(r.RefundedAt)
}

// lockRefunds serialises refunds of a book, so that two cannot share what is left of one gift. It comes
// before all locks of the ledger.
const lockRefunds = -3

const (
	sqlLock = `select pg_advisory_xact_lock($1, $2)`

	sqlRefundKnown = `
select u.channel, u.ref, r.id, r.gift_id, r.amount, r.fee, r.refunded_at
  from unnest($2::int2[], $3::text[]) u(channel, ref)
 cross join lateral (select id, gift_id, amount, fee, refunded_at from refund
                      where book_id = $1 and channel = u.channel and ref = u.ref limit 1) r`

	// What a gift was worth in the book's currency is the debit of its entry; the same figure as the gift unless foreign.
	refundedGift = `
       g.id, g.campaign_id, g.fund_id, g.amount, g.channel, g.ccy, f.kind, f.fee_bearer,
       coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0)::int8,
       case when g.ccy = $4 then g.amount else
         (select sum(p.amount) from entry e cross join lateral unnest(e.accounts, e.seqs) x(account_id, seq)
            join posting p on p.book_id = $1 and p.account_id = x.account_id and p.seq = x.seq
           where e.book_id = $1 and e.id = g.id and p.unit = $5 and p.amount > 0)::int8 end,
       ` + ofFile

	// Gifts of a platform's foundation that its files booked: when it was earned, or when it came.
	ofFile = `g.id in (select gift_id from platform_earned where book_id = $1
                     union all
                    select gift_id from platform_settlement where book_id = $1 and gift_id is not null)`

	sqlGiftsByRef = `
select u.member, ` + refundedGift + `
  from unnest($2::int4[], $3::text[], $6::int2[]) u(member, ref, channel)
 cross join lateral (select * from gift where book_id = $1 and channel = u.channel and ref = u.ref limit 1) g
  join fund f on f.book_id = $1 and f.fund_id = g.fund_id`

	sqlGiftsByID = `
select u.member, ` + refundedGift + `
  from unnest($2::int4[], $3::uuid[]) u(member, id)
 cross join lateral (select * from gift where book_id = $1 and id = u.id limit 1) g
  join fund f on f.book_id = $1 and f.fund_id = g.fund_id`

	sqlGeneralFund = `select fund_id from fund where book_id = $1 and kind = 'general' order by fund_id limit 1`

	sqlRefundInsert = `
insert into refund (book_id, id, gift_id, amount, fee, refunded_at, channel, ccy, ref, processor_ref, cause)
select $1, * from unnest($2::uuid[], $3::uuid[], $4::int8[], $5::int8[], $6::timestamptz[], $7::int2[], $8::text[], $9::text[], $10::text[], $11::text[])`
)

// refundable is a gift with what has been given back of it so far.
type refundable struct {
	id         uuid.UUID
	campaignID int32
	fund       ledger.Fund
	amount     int64
	channel    Channel
	ccy        string
	refunded   int64
	worth      int64 // of the whole gift, in the book's currency
	ofFile     bool  // match of a platform's file
}

// returning is one call of BookRefunds.
type returning struct {
	book     *ledger.Book
	list     []Refunded
	outcomes []Outcome
	known    map[reference]bookedRefund
	gifts    map[int]refundable // by member
	general  int32
	matched  bool // the book has matched gifts

	entries  []ledger.Entry
	entryOf  []int
	refunded map[uuid.UUID]int64 // by gift, moved along with the batch
	firstOf  map[reference]int
	repeats  map[int]int // member -> the earlier member with its reference
	fees     fees
}

type bookedRefund struct {
	id, giftID  uuid.UUID
	amount, fee int64
	day         time.Time
}

// BookRefunds books money given back (E07) inside tx; it answers as Book does. The same reference and
// figures are a replay, a refund above what is left of its gift is ErrRefundTooLarge, one of a platform's match that does
// not say where it goes from is ErrMatchOfFile: nobody but its file knows whether the foundation or the bank has it.
func BookRefunds(ctx context.Context, tx pgx.Tx, book *ledger.Book, list []Refunded) ([]Outcome, error) {
	if len(list) > BatchMax {
		return nil, fmt.Errorf("book refunds: %d of at most %d a batch", len(list), BatchMax)
	}
	b := newReturning(book, list)
	if err := b.read(ctx, tx); err != nil {
		return nil, err
	}
	b.decide()
	entries := b.fees.entries(book, b.entries, b.general)
	results, err := ledger.PostWith(ctx, tx, book, entries, b.rider(ctx, tx))
	if err != nil {
		return nil, err
	}
	for i, r := range results[len(b.entries):] {
		if r.Err != nil {
			return nil, fmt.Errorf("book fee or match entry %d of refunds: %w: %w", i, errFeeEntry, r.Err)
		}
	}
	for i, e := range b.entryOf {
		if e >= 0 {
			b.outcomes[i] = Outcome{ID: results[e].ID, Replayed: results[e].Replayed, Err: results[e].Err}
		}
	}
	for i, first := range b.repeats {
		b.outcomes[i] = b.outcomes[first]
		if r := &b.list[first]; b.outcomes[i].Err == nil {
			k := bookedRefund{b.outcomes[first].ID, b.gifts[first].id, r.Amount, r.Fee, book.Day(r.RefundedAt)}
			b.outcomes[i] = k.answer(book, &b.list[i], b.gifts[i].id)
		}
	}
	return b.outcomes, nil
}

func newReturning(book *ledger.Book, list []Refunded) *returning {
	return &returning{
		book: book, list: append([]Refunded(nil), list...), outcomes: make([]Outcome, len(list)), entryOf: make([]int, len(list)),
		known: map[reference]bookedRefund{}, gifts: map[int]refundable{}, refunded: map[uuid.UUID]int64{},
		firstOf: map[reference]int{}, repeats: map[int]int{},
	}
}

// PreviewRefund gives the lines that BookRefunds would book, or why it would not. Fees are not part of it.
func PreviewRefund(ctx context.Context, q pg.Querier, book *ledger.Book, r Refunded) ([]ledger.Line, error) {
	b := newReturning(book, []Refunded{r})
	if err := b.read(ctx, q); err != nil {
		return nil, err
	}
	b.decide()
	if err := b.outcomes[0].Err; err != nil || len(b.entries) == 0 { // none when it is booked already
		return nil, err
	}
	return b.entries[0].Lines, nil
}

func (b *returning) read(ctx context.Context, tx pg.Querier) error {
	var channel, refChannel []int16
	var refs, giftRefs []string
	var byRef, byID []int32
	var ids []uuid.UUID
	for i := range b.list {
		r := &b.list[i]
		b.entryOf[i] = -1
		if r.Cause == "" {
			r.Cause = Outside
		}
		if b.outcomes[i].Err = r.check(); b.outcomes[i].Err != nil {
			continue
		}
		r.RefundedAt = r.RefundedAt.Truncate(time.Microsecond)
		channel, refs = append(channel, int16(r.Channel)), append(refs, r.Ref)
		if r.GiftID != uuid.Nil {
			byID, ids = append(byID, int32(i)), append(ids, r.GiftID)
		} else {
			byRef, giftRefs, refChannel = append(byRef, int32(i)), append(giftRefs, r.GiftRef), append(refChannel, int16(r.Channel))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	base, ok := money.Lookup(b.book.Currency)
	if !ok {
		return fmt.Errorf("%w: %q", money.ErrCurrency, b.book.Currency)
	}
	unit := base.Numeric
	q := &pgx.Batch{}
	q.Queue(sqlLock, b.book.ID, lockRefunds)
	q.Queue(sqlRefundKnown, b.book.ID, channel, refs).Query(b.scanKnown)
	if len(byRef) > 0 {
		q.Queue(sqlGiftsByRef, b.book.ID, byRef, giftRefs, b.book.Currency, unit, refChannel).Query(b.scanGifts)
	}
	if len(byID) > 0 {
		q.Queue(sqlGiftsByID, b.book.ID, byID, ids, b.book.Currency, unit).Query(b.scanGifts)
	}
	q.Queue(sqlMatchedEver, b.book.ID).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&b.matched}, func() error { return nil })
		return err
	})
	q.Queue(sqlGeneralFund, b.book.ID).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&b.general}, func() error { return nil })
		return err
	})
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("read gifts to refund: %w", err)
	}
	return nil
}

func (b *returning) scanKnown(rows pgx.Rows) error {
	var r reference
	var k bookedRefund
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&r.channel, &r.ref, &k.id, &k.giftID, &k.amount, &k.fee, &at}, func() error {
		k.day = b.book.Day(at)
		b.known[r] = k
		return nil
	})
	return err
}

func (b *returning) scanGifts(rows pgx.Rows) error {
	var member int
	var g refundable
	_, err := pgx.ForEachRow(rows, []any{&member, &g.id, &g.campaignID, &g.fund.ID, &g.amount, &g.channel, &g.ccy, &g.fund.Kind,
		&g.fund.FeeBearer, &g.refunded, &g.worth, &g.ofFile}, func() error {
		b.gifts[member] = g
		b.refunded[g.id] = g.refunded
		return nil
	})
	return err
}

func (b *returning) decide() {
	for i := range b.list {
		if b.outcomes[i].Err != nil {
			continue
		}
		r, out := &b.list[i], &b.outcomes[i]
		g, ok := b.gifts[i]
		if !ok {
			out.Err = fmt.Errorf("%w: %s%s", ErrNoGift, r.GiftRef, orEmpty(r.GiftID))
			continue
		}
		key := reference{r.Channel, r.Ref}
		if k, ok := b.known[key]; ok {
			*out = k.answer(b.book, r, g.id)
			continue
		}
		if first, ok := b.firstOf[key]; ok {
			b.repeats[i] = first
			continue
		}
		if out.Err = b.fits(r, g); out.Err != nil {
			continue
		}
		e := b.entry(r, g)
		out.ID = e.ID
		b.refunded[g.id] += r.Amount
		b.firstOf[key] = i
		b.entryOf[i] = len(b.entries)
		b.fees.add(g.fund, g.channel, e.EffectiveOn, feeMember{len(b.entries), r.Fee, r.Fee})
		b.entries = append(b.entries, e)
	}
}

func orEmpty(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func (k bookedRefund) answer(book *ledger.Book, r *Refunded, gift uuid.UUID) Outcome {
	if k.giftID != gift || k.amount != r.Amount || k.fee != r.Fee || !k.day.Equal(book.Day(r.RefundedAt)) {
		return Outcome{ID: k.id, Err: fmt.Errorf("%w: %s %s is refund %s", ErrRefReused, r.Channel.Code(), r.Ref, k.id)}
	}
	return Outcome{ID: k.id, Replayed: true}
}

// fits holds a refund to its gift.
func (b *returning) fits(r *Refunded, g refundable) error {
	switch {
	case g.ofFile && r.Asset.Chart == "":
		return fmt.Errorf("%w: %s", ErrMatchOfFile, g.id)
	case r.Channel != g.channel:
		return fmt.Errorf("%w: given by %s, refunded by %s", ErrMismatch, g.channel.Code(), r.Channel.Code())
	case r.Currency != "" && r.Currency != g.ccy:
		return fmt.Errorf("%w: given in %s, refunded in %s", ErrMismatch, g.ccy, r.Currency)
	case r.CampaignID != 0 && r.CampaignID != g.campaignID || r.FundID != 0 && r.FundID != g.fund.ID:
		return fmt.Errorf("%w: given to another campaign or fund", ErrMismatch)
	case r.Amount > g.amount-b.refunded[g.id]:
		return fmt.Errorf("%w: %d of %d", ErrRefundTooLarge, r.Amount, g.amount-b.refunded[g.id])
	case (r.Fee != 0 && g.fund.FeeBearer != ledger.FeeByFund || r.Cover != 0 || r.Cause == OwnFault) && b.general == 0:
		return ErrNoGeneral
	}
	return nil
}

// entry is E07: income back, money out of the channel's account. Foreign money goes at what it was booked for, so
// that a gift given back in whole leaves nothing.
func (b *returning) entry(r *Refunded, g refundable) ledger.Entry {
	before := b.refunded[g.id]
	value := part(g.worth, before+r.Amount, g.amount) - part(g.worth, before, g.amount)
	bearer, debit := g.fund, incomeLeaf(&g.fund, g.campaignID, natureRefund)
	if r.Cause == OwnFault {
		bearer = ledger.Fund{ID: b.general, Kind: ledger.General}
		debit = ledger.Leaf{Chart: "admin.u", Fund: b.general, Dims: ledger.Dims{Nature: natureRefund}}
	}
	from := func(fund int32) (leaf ledger.Leaf, units bool) {
		if r.Cause == Disputed {
			return DisputeLeaf(r.Channel, fund), false
		}
		if r.Asset.Chart != "" {
			return r.Asset, false
		}
		return g.channel.asset(fund, g.ccy, b.book)
	}
	asset, units := from(bearer.ID)
	taken := value
	if r.Worth != 0 {
		taken = r.Worth
	}
	credit := ledger.Credit(asset, taken)
	if units {
		credit.Units = -r.Amount
	}
	lines := []ledger.Line{ledger.Debit(debit, value), credit}
	if taken != value { // the rate has moved since the gift
		cost := ledger.Leaf{Chart: chart.ID(bearer.Class("fundraising")), Fund: bearer.ID, Dims: ledger.Dims{Instrument: r.Channel.Code(), Nature: natureRate}}
		lines = append(lines, ledger.Line{Leaf: cost, Amount: taken - value})
	}
	if r.Cover != 0 {
		atGeneral, _ := from(b.general)
		lines = append(lines, ledger.Debit(coverLeaf(r.Channel, b.general), r.Cover), ledger.Credit(atGeneral, r.Cover))
	}
	return ledger.Entry{
		ID:   derivedID(b.book, "refund", r.RefundedAt, reference{r.Channel, r.Ref}),
		Kind: ledger.KindRefund, EffectiveOn: dayOr(b.book, r.On, r.RefundedAt), Actor: r.Actor, Lines: lines,
	}
}

// natureRate marks what moving rates cost between a gift and its refund.
const natureRate = "rate"

// dayOr is the day that is asked for, or that of the instant.
func dayOr(book *ledger.Book, day, at time.Time) time.Time {
	if !day.IsZero() {
		return day
	}
	return book.Day(at)
}

// DisputeLeaf is where money lies that a processor holds back for a dispute.
func DisputeLeaf(c Channel, fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "ar.dispute", Fund: fund, Dims: ledger.Dims{Instrument: c.Code()}}
}

// part is worth × some / whole rounded down; some is at most whole.
func part(worth, some, whole int64) int64 {
	hi, lo := bits.Mul64(uint64(worth), uint64(some))
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(quotient)
}

// write rides with the entries: the rows of the refunds really booked.
func (b *returning) write(q *pgx.Batch, results []ledger.Result) {
	var id, gift []uuid.UUID
	var amount, fee []int64
	var at []time.Time
	var channel []int16
	var ccy, ref, cause []string
	var processorRef []*string
	for i, e := range b.entryOf {
		if e < 0 || results[e].Err != nil || results[e].Replayed {
			continue
		}
		r, g := &b.list[i], b.gifts[i]
		id, gift = append(id, results[e].ID), append(gift, g.id)
		amount, fee, at = append(amount, r.Amount), append(fee, r.Fee), append(at, r.RefundedAt)
		channel, ccy = append(channel, int16(r.Channel)), append(ccy, g.ccy)
		ref, processorRef = append(ref, r.Ref), append(processorRef, orNull(r.ProcessorRef))
		cause = append(cause, string(r.Cause))
	}
	if len(id) > 0 {
		q.Queue(sqlRefundInsert, b.book.ID, id, gift, amount, fee, at, channel, ccy, ref, processorRef, cause)
	}
}
