package giving

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// Book books paid gifts inside tx, in the order given, and says for each what became of it; a refused
// one (Outcome.Err) leaves the others alone. An error from Book itself means that nothing may be
// committed; ledger.ErrStale says that trying the transaction again helps.
//
// What a gift says is compared with what was booked under its reference: the same is a replay,
// anything else is ErrRefReused. A gift of a closed campaign is booked, its money is here.
func Book(ctx context.Context, tx pgx.Tx, book *ledger.Book, paid []Paid) ([]Outcome, error) {
	if len(paid) > BatchMax {
		return nil, fmt.Errorf("book gifts: %d of at most %d a batch", len(paid), BatchMax)
	}
	paid = slices.Clone(paid)
	if err := sealAll(book, paid); err != nil { // done before the transaction by who is in a hurry
		return nil, err
	}
	b := newBatch(book, paid)
	if err := b.read(ctx, tx); err != nil {
		return nil, err
	}
	b.decide()
	entries := b.fees.entries(book, b.entries, b.general)
	rider := ledger.Rider{Write: b.write}
	m, err := newMatching(ctx, tx, b, nil)
	if err != nil {
		return nil, err
	}
	if m != nil {
		rider.Read, rider.Aside = m.read, m.decide
	}
	results, err := ledger.PostWith(ctx, tx, book, entries, rider)
	if err == nil && m != nil {
		err = m.post(ctx, tx, results)
	}
	if err != nil {
		return nil, stale(err, "gift_book_id_channel_ref_key", "match_award_pkey", "match_count_pkey")
	}
	for i, r := range results[len(b.entries):] {
		if r.Err != nil { // its gifts would stand without their fee
			return nil, fmt.Errorf("book fee entry %d: %w: %w", i, errFeeEntry, r.Err)
		}
	}
	if err := b.settle(ctx, tx, results); err != nil {
		return nil, err
	}
	return b.outcomes, nil
}

// stale turns a collision on a unique key with another transaction's rows into something worth trying again.
func stale(err error, constraints ...string) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && slices.Contains(constraints, pgErr.ConstraintName) {
		return fmt.Errorf("%w: %w", ledger.ErrStale, err)
	}
	return err
}

// batch is one call of Book.
type batch struct {
	book     *ledger.Book
	paid     []Paid
	outcomes []Outcome

	known     map[reference]booked
	knownIDs  map[uuid.UUID]reference
	started   map[uuid.UUID]started
	campaigns map[int32]int32 // campaign -> fund
	funds     map[int32]ledger.Fund
	general   int32 // the fund that bears fees; 0 for none
	rates     map[int]decimal.Decimal
	events    []int32 // of match that are open

	entries []ledger.Entry
	entryOf []int // member -> its entry, or -1
	firstOf map[reference]int
	repeats map[int]int // member -> the earlier member with its reference
	taken   map[uuid.UUID]reference
	fees    fees
}

// booked is what stands under a reference.
type booked struct {
	id         uuid.UUID
	campaignID int32
	fundID     int32
	amount     int64
	fee        int64
	ccy        string
	day        time.Time
}

type started struct {
	campaignID int32
	amount     int64
	ccy        string
	anonymous  bool
	donor      *uuid.UUID
}

func newBatch(book *ledger.Book, paid []Paid) *batch {
	return &batch{
		book: book, paid: paid, outcomes: make([]Outcome, len(paid)), entryOf: make([]int, len(paid)),
		known: map[reference]booked{}, knownIDs: map[uuid.UUID]reference{}, started: map[uuid.UUID]started{},
		campaigns: map[int32]int32{}, funds: map[int32]ledger.Fund{}, rates: map[int]decimal.Decimal{},
		firstOf: map[reference]int{}, repeats: map[int]int{}, taken: map[uuid.UUID]reference{},
	}
}

const (
	// Probes by index, one at a time: a join planned on the empty tables of a new book scans. Where two indexes begin with the book,
	// an equal sign alone leaves it open there which one is probed; a range with its order has only one.
	sqlGiftKnown = `
select u.channel, u.ref, g.id, g.campaign_id, g.fund_id, g.amount, g.fee, g.ccy, g.paid_at
  from unnest($2::int2[], $3::text[]) u(channel, ref)
 cross join lateral (select id, campaign_id, fund_id, amount, fee, ccy, paid_at from gift
                      where book_id = $1 and channel = u.channel and ref = u.ref limit 1) g`

	sqlGiftKnownID = `
select g.id, g.channel, g.ref
  from unnest($2::uuid[]) u(id)
 cross join lateral (select id, channel, ref from gift where book_id = $1 and id = u.id limit 1) g`

	sqlCheckoutKnown = `
select u.id, c.campaign_id, g.fund_id, f.kind, f.fee_bearer, c.amount, c.ccy, c.anonymity = 1, c.donor_id
  from unnest($2::uuid[]) u(id)
 cross join lateral (select campaign_id, amount, ccy, anonymity, donor_id from checkout
                      where book_id = $1 and id = u.id limit 1) c
 cross join lateral (select fund_id from campaign where book_id = $1 and campaign_id between c.campaign_id and c.campaign_id
                      order by campaign_id limit 1) g
 cross join lateral (select kind, fee_bearer from fund where book_id = $1 and fund_id = g.fund_id limit 1) f`

	// The funds of campaigns, named funds, the general fund and open events of match in one statement: each statement costs a small batch as much as a gift.
	sqlFundsOfBatch = `
select 0 as role, u.id, g.fund_id, f.kind, f.fee_bearer
  from unnest($2::int4[]) u(id)
 cross join lateral (select fund_id from campaign where book_id = $1 and campaign_id between u.id and u.id
                      order by campaign_id limit 1) g
 cross join lateral (select kind, fee_bearer from fund where book_id = $1 and fund_id = g.fund_id limit 1) f
 union all
select 1, u.id, u.id, f.kind, f.fee_bearer
  from unnest($3::int4[]) u(id)
 cross join lateral (select kind, fee_bearer from fund where book_id = $1 and fund_id = u.id limit 1) f
 union all
select 2, f.fund_id, f.fund_id, f.kind, f.fee_bearer
  from (select fund_id, kind, fee_bearer from fund where book_id = $1 and kind = 'general' order by fund_id limit 1) f
 union all
select 3, event_id, 0, '', '' from match_event where book_id = $1 and state = 'open'`

	sqlRates = `
select u.member, r.rate::text
  from unnest($2::int4[], $3::text[], $4::date[]) u(member, ccy, day)
 cross join lateral (select rate from fx_rate where book_id = $1 and ccy = u.ccy::bpchar and day <= u.day
                      order by day desc limit 1) r`
)

// read checks each member by itself and reads all that is needed to decide, in one round trip.
func (b *batch) read(ctx context.Context, tx pgx.Tx) error {
	var channel []int16
	var refs, ccys []string
	var ids []uuid.UUID
	var members []int32
	campaigns, funds := map[int32]bool{}, map[int32]bool{}
	var days []time.Time
	for i := range b.paid {
		p := &b.paid[i]
		b.entryOf[i] = -1
		if b.outcomes[i].Err = p.check(); b.outcomes[i].Err != nil {
			continue
		}
		p.PaidAt = p.PaidAt.Truncate(time.Microsecond) // what the table can hold
		channel, refs = append(channel, int16(p.Channel)), append(refs, p.Ref)
		if p.ID != uuid.Nil {
			ids = append(ids, p.ID)
		}
		if p.CampaignID != 0 {
			campaigns[p.CampaignID] = true
		}
		if p.FundID != 0 {
			funds[p.FundID] = true
		}
		if p.Currency != "" && p.Currency != b.book.Currency && p.Rate.IsZero() && p.Worth == 0 {
			members, ccys, days = append(members, int32(i)), append(ccys, p.Currency), append(days, b.book.Day(p.PaidAt))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	q := &pgx.Batch{}
	q.Queue(sqlGiftKnown, b.book.ID, channel, refs).Query(b.scanKnown)
	if len(ids) > 0 {
		q.Queue(sqlGiftKnownID, b.book.ID, ids).Query(b.scanKnownIDs)
		q.Queue(sqlCheckoutKnown, b.book.ID, ids).Query(b.scanStarted)
	}
	q.Queue(sqlFundsOfBatch, b.book.ID, slices.Collect(maps.Keys(campaigns)), slices.Collect(maps.Keys(funds))).Query(b.scanFunds)
	if len(members) > 0 {
		q.Queue(sqlRates, b.book.ID, members, ccys, days).Query(b.scanRates)
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("read what is known of gifts: %w", err)
	}
	return nil
}

func (b *batch) scanKnown(rows pgx.Rows) error {
	var r reference
	var k booked
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&r.channel, &r.ref, &k.id, &k.campaignID, &k.fundID, &k.amount, &k.fee, &k.ccy, &at}, func() error {
		k.day = b.book.Day(at)
		b.known[r] = k
		return nil
	})
	return err
}

func (b *batch) scanKnownIDs(rows pgx.Rows) error {
	var id uuid.UUID
	var r reference
	_, err := pgx.ForEachRow(rows, []any{&id, &r.channel, &r.ref}, func() error { b.knownIDs[id] = r; return nil })
	return err
}

func (b *batch) scanStarted(rows pgx.Rows) error {
	var id uuid.UUID
	var s started
	var f ledger.Fund
	_, err := pgx.ForEachRow(rows, []any{&id, &s.campaignID, &f.ID, &f.Kind, &f.FeeBearer, &s.amount, &s.ccy, &s.anonymous, &s.donor}, func() error {
		b.started[id], b.campaigns[s.campaignID], b.funds[f.ID] = s, f.ID, f
		return nil
	})
	return err
}

// What a row of sqlFundsOfBatch tells of its fund.
const (
	fundOfCampaign = iota
	fundNamed
	fundGeneral
	noFundButEvent
)

func (b *batch) scanFunds(rows pgx.Rows) error {
	var role, id int32
	var f ledger.Fund
	_, err := pgx.ForEachRow(rows, []any{&role, &id, &f.ID, &f.Kind, &f.FeeBearer}, func() error {
		switch role {
		case fundOfCampaign:
			b.campaigns[id], b.funds[f.ID] = f.ID, f
		case fundNamed:
			b.funds[f.ID] = f
		case fundGeneral:
			b.general = f.ID
		case noFundButEvent:
			b.events = append(b.events, id)
		}
		return nil
	})
	return err
}

func (b *batch) scanRates(rows pgx.Rows) error {
	var member int
	var rate string
	_, err := pgx.ForEachRow(rows, []any{&member, &rate}, func() (err error) {
		b.rates[member], err = decimal.NewFromString(rate)
		return err
	})
	return err
}

// decide makes the entry of each member, or refuses it.
func (b *batch) decide() {
	for i := range b.paid {
		if b.outcomes[i].Err != nil {
			continue
		}
		p, out := &b.paid[i], &b.outcomes[i]
		if out.Err = b.complete(p); out.Err != nil {
			continue
		}
		r := reference{p.Channel, p.Ref}
		if k, ok := b.known[r]; ok {
			*out = k.answer(b.book, p)
			continue
		}
		if first, ok := b.firstOf[r]; ok {
			b.repeats[i] = first
			continue
		}
		if p.ID == uuid.Nil {
			p.ID = GiftID(b.book, p.Channel, p.Ref, p.PaidAt)
		}
		if other, ok := b.knownIDs[p.ID]; ok {
			out.Err = fmt.Errorf("%w: %s is booked as %s", ErrPaidTwice, p.ID, other.ref)
			continue
		}
		if other, ok := b.taken[p.ID]; ok {
			out.Err = fmt.Errorf("%w: %s comes as %s too", ErrPaidTwice, p.ID, other.ref)
			continue
		}
		entry, err := b.entry(i)
		if out.Err = err; err != nil {
			continue
		}
		out.ID = p.ID
		b.firstOf[r], b.taken[p.ID] = i, r
		b.entryOf[i] = len(b.entries)
		b.fees.add(b.funds[p.FundID], p.Channel, entry.EffectiveOn, feeMember{len(b.entries), p.Fee, p.cover()})
		b.entries = append(b.entries, entry)
	}
}

// complete fills in what the checkout and the campaign know, and holds the payment to what was started.
func (b *batch) complete(p *Paid) error {
	if p.Currency == "" {
		p.Currency = b.book.Currency
	}
	if s, ok := b.started[p.ID]; ok {
		if p.Amount != s.amount || p.Currency != s.ccy || p.CampaignID != 0 && p.CampaignID != s.campaignID {
			return fmt.Errorf("%w: %s", ErrMismatch, p.ID)
		}
		p.CampaignID, p.Anonymous = s.campaignID, s.anonymous
	} else if p.CampaignID == 0 {
		return fmt.Errorf("%w: %s", ErrNoCheckout, p.ID)
	}
	fund, ok := b.campaigns[p.CampaignID]
	if !ok {
		return fmt.Errorf("%w: %d", ErrNoCampaign, p.CampaignID)
	}
	if p.FundID == 0 {
		p.FundID = fund
	}
	f, ok := b.funds[p.FundID]
	if !ok {
		return fmt.Errorf("%w: %d", ledger.ErrNoFund, p.FundID)
	}
	if !takesGifts(f.Kind) {
		return fmt.Errorf("%w: %s", ErrFundKind, f.Kind)
	}
	if (p.Fee != 0 || p.Cover != 0) && f.FeeBearer != ledger.FeeByFund && b.general == 0 {
		return ErrNoGeneral
	}
	return nil
}

// answer compares a payment with what was booked under its reference.
func (k booked) answer(book *ledger.Book, p *Paid) Outcome {
	same := k.campaignID == p.CampaignID && k.fundID == p.FundID && k.amount == p.Amount && k.fee == p.Fee &&
		k.ccy == p.Currency && k.day.Equal(book.Day(p.PaidAt)) && (p.ID == uuid.Nil || p.ID == k.id)
	if !same {
		return Outcome{ID: k.id, Err: fmt.Errorf("%w: %s %s is gift %s", ErrRefReused, p.Channel.Code(), p.Ref, k.id)}
	}
	return Outcome{ID: k.id, Replayed: true}
}

// entry is E02, E12 or E14: the money of the channel against gift income of the campaign.
func (b *batch) entry(i int) (ledger.Entry, error) {
	p := &b.paid[i]
	value := p.Amount
	asset, units := p.Channel.asset(p.FundID, p.Currency, b.book)
	if p.Asset.Chart != "" {
		asset, units = p.Asset, false
	}
	if p.Currency != b.book.Currency {
		if _, ok := money.Lookup(p.Currency); !ok {
			return ledger.Entry{}, fmt.Errorf("%w: %q", money.ErrCurrency, p.Currency)
		}
		rate := p.Rate
		if rate.IsZero() {
			rate = b.rates[i]
		}
		if rate.IsZero() && p.Worth == 0 {
			return ledger.Entry{}, fmt.Errorf("%w: %s on %s", ErrNoRate, p.Currency, b.book.Day(p.PaidAt).Format(time.DateOnly))
		}
		if value = p.Worth; value == 0 {
			var err error
			if value, err = worth(p.Amount, p.Currency, rate, b.book); err != nil {
				return ledger.Entry{}, err
			}
		}
	}
	debit := ledger.Debit(asset, value)
	if units {
		debit.Units = p.Amount
	}
	fund := b.funds[p.FundID]
	return ledger.Entry{
		ID: p.ID, Kind: ledger.KindGift, EffectiveOn: dayOr(b.book, p.On, p.PaidAt), Actor: p.Actor,
		Lines: append([]ledger.Line{debit, ledger.Credit(incomeLeaf(&fund, p.CampaignID, ledger.NatureGift), value)}, p.Also...),
	}, nil
}

// incomeLeaf is where gifts to a fund through a campaign are earned, or given back.
func incomeLeaf(fund *ledger.Fund, campaign int32, nature string) ledger.Leaf {
	return ledger.Leaf{
		Chart: chart.ID(fund.Class("gift")), Fund: fund.ID,
		Dims: ledger.Dims{Campaign: campaignTag(campaign), Nature: nature},
	}
}
