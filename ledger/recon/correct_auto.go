package recon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon/statement"
)

const (
	// A fee of a matched gift that the processor itemises and that is not what was recorded. What is not what was agreed stays a break: booked it is all the same.
	sqlFeesDue = `
        select b.id, 'fee', 'fee', b.source_id, b.lines[1], b.ours[1]
          from break_item b
          join ext_line l on l.book_id = $1 and l.source_id = b.source_id and l.line_key = b.lines[1]
          join gift g on g.book_id = $1 and g.id = b.ours[1]
         cross join lateral (select from (` + matchedRows + `) m where m.book_id = $1 and m.source_id = b.source_id and m.line_key = b.lines[1] and m.ours = g.id limit 1) m
         where b.book_id = $1 and b.type = 'B10' and b.key not like 'B10:fund:%' and b.ended_at is null and b.state in ('open', 'assigned') and l.fee <> g.fee`

	// The line of a match m, of several the first.
	matchLine = `coalesce(m.line_key, (select x.line_key from recon_member x where x.book_id = $1 and x.group_id = m.group_id and x.live and x.line_key is not null order by x.no limit 1))`

	// A settlement whose credit is matched at a bank, by itself or with others. Payouts that Stripe's own events tell of are booked by them. What was taken back is booked again when
	// its match was taken apart since and another one is made: the key of the correction counts those that fell.
	sqlLandedDue = `
        select s.id, case when fell.n = 0 then 'landed' else 'landed:' || fell.n end, 'landed', m.source_id, ` + matchLine + `, s.id
          from recon_member m
          join source_account a on a.book_id = $1 and a.id = m.source_id and a.format !~ '^(wechat|alipay|stripe)'
          join settlement s on s.book_id = $1 and s.id = m.ours
         cross join lateral (select count(*) as n from recon_member d where d.book_id = $1 and not d.live and d.part = 0 and d.ours = s.id) fell
         where m.book_id = $1 and m.kind = 4 and m.live and m.part = 0
           and not exists (select from payout p where p.book_id = $1 and p.payout = s.key)
           and not exists (select from correction c where c.book_id = $1 and c.break_id = s.id and c.action = 'landed'
                              and not exists (select from entry v where v.book_id = $1 and v.reverses = c.entry_id))`

	// What a processor keeps of its account and not of a gift. What Stripe's own events tell of is booked by them.
	sqlProcessorFeesDue = `
        select recon_id('processor-fee:' || o.source_id || ':' || encode(o.line_key, 'hex')), 'processor-fee', 'processor-fee', o.source_id, o.line_key, null
          from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
         where o.book_id = $1 and l.kind = 'processor-fee' and not exists (select from processor_txn x where x.book_id = $1 and x.txn in (l.ext_id, l.order_no))`

	// Payments in transit, and bags of cash that came as they were carried, whose expectation is matched at a bank, by itself or in its batch. What came or went at
	// another account of the book than was said is a person's.
	sqlPaidDue = `
        select o.id, o.action, o.action, m.source_id, ` + matchLine + `, o.id
          from (select id, 'paid' as action, -amount as amount, bank from disbursement where book_id = $1 and state = 'sent'
                 union all select id, 'banked', amount, bank from cash_deposit where book_id = $1 and state = 'carried') o
          join expectation e on e.book_id = $1 and e.origin = o.id and e.amount = o.amount
          join recon_member m on m.book_id = $1 and m.ours = e.id and m.kind = 3 and m.live and m.part = 0
          join source_account s on s.book_id = $1 and s.id = m.source_id and s.chart in ('', o.bank)`
)

// ErrParts means that the rows of a settlement do not add up to what arrived, so that nobody knows which fund's money it is: what is missing is booked first.
var ErrParts = errors.New("rows of a settlement do not add up to what arrived")

// Whose money a settlement is: of a gift's or refund's row as giving.Stake.Share says, where what was paid or given back beyond the booked amount is the cover of
// its fee; a refund that is our own fault is the general fund's, and so are rows of no gift. A bill that tells fees apart has them in rows of their own (part 1). Of a
// payout its list of members names the rows of the balance.
const (
	sqlSettlementOf = `
select s.key, s.amount, s.day, s.due_on, a.format from settlement s join source_account a on a.book_id = $1 and a.id = s.source_id where s.book_id = $1 and s.id = $2`

	settledRows = `
select coalesce(sum(l.amount) filter (where m.part = 0), 0)::int8, (sum(l.fee) - coalesce(sum(l.amount) filter (where m.part <> 0), 0))::int8, g.fund_id, f.fee_bearer,
       coalesce(r.cause = 'own', false), coalesce(sum(case when g.ccy <> a.currency then l.amount when m.kind = 1 then g.amount else -r.amount end) filter (where m.part = 0), 0)::int8
  from ext_line l
  join source_account a on a.book_id = $1 and a.id = l.source_id
 cross join lateral (select m.kind, m.ours, m.part from (` + matchedRows + `) m where m.book_id = $1 and m.source_id = l.source_id and m.line_key = l.line_key limit 1) m
  left join refund r on m.kind = 2 and r.book_id = $1 and r.id = m.ours
  left join gift g on m.kind in (1, 2) and g.book_id = $1 and g.id = coalesce(r.gift_id, m.ours)
  left join fund f on f.book_id = $1 and f.fund_id = g.fund_id
 where l.book_id = $1 and m.kind in (1, 2, 5)`

	settledParts = ` group by g.fund_id, f.fee_bearer, coalesce(r.cause = 'own', false) order by g.fund_id`

	sqlSettledDay = settledRows + `
   and l.source_id = (select source_id from settlement where book_id = $1 and id = $2) and l.booked_on = $3 and l.kind <> 'withdrawal'` + settledParts

	sqlSettledPayout = settledRows + `
   and (l.source_id, l.order_no) in (select b.id, t.ext_id from source_account b, source_account a, ext_line t
                                      where b.book_id = $1 and b.format = 'stripe-balance' and a.book_id = $1 and a.format = 'stripe-members'
                                        and t.book_id = $1 and t.source_id = a.id and t.original = $2 and t.kind = 'member')` + settledParts

	// $2: the settlement; $3: that it was paid out.
	sqlSettlementOut = `
select exists (
  select from correction c
    join document d on d.book_id = $1 and d.source_kind = 'recon' and d.source_ref = c.key
    join entry e on e.book_id = $1 and e.id = d.entry_id and e.kind = $3
   where c.book_id = $1 and c.break_id = $2 and c.action = 'landed' and not exists (select from entry v where v.book_id = $1 and v.reverses = e.id))`

	sqlFundForFee = `select f.fund_id, f.kind, f.fee_bearer, g.channel, g.fee from gift g join fund f on f.book_id = $1 and f.fund_id = g.fund_id where g.book_id = $1 and g.id = $2`

	sqlSourceFormat = `select format from source_account where book_id = $1 and id = $2`
)

// channels are those whose money a format tells of.
var channels = map[statement.Format]giving.Channel{statement.WeChatTrade: giving.WeChat, statement.WeChatFund: giving.WeChat, statement.AlipayTrade: giving.Alipay,
	statement.StripeBalance: giving.Stripe, statement.StripePayouts: giving.Stripe, statement.StripeMembers: giving.Stripe}

func processorLeaf(c giving.Channel, id chart.ID, fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: id, Fund: fund, Dims: ledger.Dims{Instrument: c.Code()}}
}

// landing is a settlement that has arrived: paid out on the processor's day (E04), arrived on the bank's (E05), with the part of each fund. ErrParts.
func (c *Correction) landing(ctx context.Context, tx pgx.Tx, book *ledger.Book, general int32, now time.Time) ([]ledger.Entry, error) {
	var number string
	var amount int64
	var day, due time.Time
	var format statement.Format
	if err := tx.QueryRow(ctx, sqlSettlementOf, book.ID, c.Ours).Scan(&number, &amount, &day, &due, &format); err != nil {
		return nil, fmt.Errorf("read settlement: %w", err)
	}
	sql, args := sqlSettledDay, []any{book.ID, c.Ours, day}
	if format == statement.StripePayouts || format == statement.StripeMembers {
		sql, args = sqlSettledPayout, []any{book.ID, number}
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read rows of settlement: %w", err)
	}
	parts := map[int32]int64{}
	var gross, fee, booked, sum int64
	var fund *int32
	var bearer *string
	var own bool
	if _, err := pgx.ForEachRow(rows, []any{&gross, &fee, &fund, &bearer, &own, &booked}, func() error {
		sum += gross - fee
		if fund == nil {
			parts[general] += gross - fee
			return nil
		}
		if own { // the general fund pays it
			parts[general] += gross
			gross, booked = 0, 0
		}
		ofFund, ofGeneral := giving.Stake{FeeBearer: *bearer}.Share(gross, fee, gross-booked)
		parts[*fund] += ofFund
		parts[general] += ofGeneral
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read rows of settlement: %w", err)
	}
	if sum != amount {
		return nil, fmt.Errorf("%w: %s: %d of %d", ErrParts, number, sum, amount)
	}
	channel := channels[format]
	var out, in []ledger.Line
	funds := make([]int32, 0, len(parts))
	for fund := range parts {
		funds = append(funds, fund)
	}
	slices.Sort(funds)
	bank := c.Chart
	if bank == "" {
		bank = "bank.online"
	}
	for _, fund := range funds {
		if parts[fund] == 0 {
			continue
		}
		transit := processorLeaf(channel, "psp.transit", fund)
		out = append(out, ledger.Line{Leaf: transit, Amount: parts[fund]}, ledger.Line{Leaf: processorLeaf(channel, "psp.avail", fund), Amount: -parts[fund]})
		in = append(in, ledger.Line{Leaf: ledger.Leaf{Chart: bank, Fund: fund}, Amount: parts[fund]}, ledger.Line{Leaf: transit, Amount: -parts[fund]})
	}
	if start := due; start.After(c.Day) || start.Before(day) {
		due = c.Day
	}
	name := channel.Code() + " " + number
	entries := []ledger.Entry{c.entry(book, "", ledger.KindPayoutLanded, c.Day, "提现到账 Arrived at the bank: "+name, in, now)}
	var isOut bool // by an arrival that was taken back
	if err := tx.QueryRow(ctx, sqlSettlementOut, book.ID, c.Ours, ledger.KindPayoutStart).Scan(&isOut); err != nil {
		return nil, fmt.Errorf("read settlement: %w", err)
	}
	if !isOut {
		entries = append([]ledger.Entry{c.entry(book, ":out", ledger.KindPayoutStart, due, "提现发起 Paid out: "+name, out, now)}, entries...)
	}
	return entries, nil
}

// postPaid books that a payment on its way has left the bank.
func (c *Correction) postPaid(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (uuid.UUID, error) {
	p, err := projects.PaymentByID(ctx, tx, book, c.Ours)
	if err != nil {
		return uuid.Nil, err
	}
	m, err := projects.Debited(ctx, tx, book, p, c.ref(), c.Day)
	if err != nil {
		return uuid.Nil, err
	}
	m.Late = book.Day(now)
	return m.Book(ctx, tx, book, giving.Sign{Key: c.key(book, ""), By: System, At: now, Made: madeBy, Summary: p.Name() + " " + p.Payee})
}

// postBanked books that a bag of cash has come to the bank as it was carried.
func (c *Correction) postBanked(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (uuid.UUID, error) {
	d, err := payments.DepositByID(ctx, tx, book, c.Ours)
	if err != nil {
		return uuid.Nil, err
	}
	m, err := payments.BankDeposit(ctx, tx, book, d, payments.Banked{Day: c.Day, Received: d.Amount, Ref: c.ref()}, System)
	if err != nil {
		return uuid.Nil, err
	}
	m.Late = book.Day(now)
	return m.Book(ctx, tx, book, giving.Sign{Key: c.key(book, ""), By: System, At: now, Made: madeBy, Summary: "现金存入银行 Cash banked: " + c.ref()})
}

// ref is how the bank calls the line; without a number of its own, the beginning of its key.
func (c *Correction) ref() string {
	if c.ExtID != "" {
		return c.ExtID
	}
	return fmt.Sprintf("%.16x", c.Line)
}

// feeTrueUp books how much more or less a processor kept of a gift than was recorded, borne as the gift's fund says.
func (c *Correction) feeTrueUp(ctx context.Context, tx pgx.Tx, book *ledger.Book, general int32, now time.Time) ([]ledger.Entry, error) {
	var owner ledger.Fund
	var channel giving.Channel
	var recorded int64
	if err := tx.QueryRow(ctx, sqlFundForFee, book.ID, c.Ours).Scan(&owner.ID, &owner.Kind, &owner.FeeBearer, &channel, &recorded); err != nil {
		return nil, fmt.Errorf("read fee of gift: %w", err)
	}
	return []ledger.Entry{c.entry(book, "", ledger.KindAccountFee, c.Day, "手续费按机构明细更正 Fee as the processor itemises it: "+c.ExtID,
		giving.FeeLines(channel, owner, general, c.Fee-recorded), now)}, nil
}

// accountFee books what a processor kept of the account; the general fund bears it.
func (c *Correction) accountFee(ctx context.Context, tx pgx.Tx, book *ledger.Book, general int32, now time.Time) ([]ledger.Entry, error) {
	channel, err := c.channel(ctx, tx, book)
	if err != nil {
		return nil, err
	}
	cost := processorLeaf(channel, "fundraising.u", general)
	cost.Dims.Nature = "account"
	return []ledger.Entry{c.entry(book, "", ledger.KindAccountFee, c.Day, "支付账户费用 Fee of the account: "+c.ExtID,
		[]ledger.Line{{Leaf: cost, Amount: -c.Amount}, {Leaf: processorLeaf(channel, "psp.avail", general), Amount: c.Amount}}, now)}, nil
}

func (c *Correction) channel(ctx context.Context, tx pgx.Tx, book *ledger.Book) (giving.Channel, error) {
	var format statement.Format
	if err := tx.QueryRow(ctx, sqlSourceFormat, book.ID, c.SourceID).Scan(&format); err != nil {
		return 0, fmt.Errorf("read source: %w", err)
	}
	return channels[format], nil
}

// atProcessor takes money at a processor that the book does not know: whose it is a person finds out, from the general fund's unidentified receipts.
func (c *Correction) atProcessor(ctx context.Context, tx pgx.Tx, book *ledger.Book, general int32, now time.Time) ([]ledger.Entry, error) {
	channel, err := c.channel(ctx, tx, book)
	if err != nil {
		return nil, err
	}
	unknown := processorLeaf(channel, "unident", general)
	entries := []ledger.Entry{c.entry(book, "", ledger.KindVoucher, c.Day, "支付机构有、账上没有的收款 At the processor, not recorded: "+c.ExtID,
		[]ledger.Line{ledger.Debit(processorLeaf(channel, "psp.avail", general), c.Amount), ledger.Credit(unknown, c.Amount)}, now)}
	if c.Fee != 0 {
		cost := processorLeaf(channel, "fundraising.u", general)
		cost.Dims.Nature = "account"
		entries = append([]ledger.Entry{c.entry(book, ":fee", ledger.KindAccountFee, c.Day, "手续费 Fee: "+c.ExtID,
			[]ledger.Line{ledger.Debit(cost, c.Fee), ledger.Credit(processorLeaf(channel, "psp.avail", general), c.Fee)}, now)}, entries...)
	}
	return entries, nil
}
