package disclosure

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/trace"
)

// ByPayment is how a campaign is counted that shares its fund with others: what its gifts became, as money is followed (oldest first), spending when
// the bank has paid.
const ByPayment = "payment"

// Categories of cost lines of campaigns in shared funds.
const (
	OfGoods = "goods" // given in kind: used, sold or written down
	OfAid   = "aid"
)

// Share is what a campaign, or all else (Campaign zero), has of the money of the fund it shares: In − Back − Fees − Cost + Moved = Left. The shares of
// a fund add up to its money. Minor units of the book's currency; what was given in kind is in none.
type Share struct {
	Campaign                          int32
	TitleZH, TitleEN                  string
	In, Back, Fees, Cost, Moved, Left int64
}

const (
	sqlPaidFor = `
select d.id, d.kind, 'FK' || d.number, d.invoice, coalesce(c.kind, ''), coalesce(c.code || ' ' || c.title, '')
  from disbursement d left join contract c on c.book_id = d.book_id and c.id = d.contract_id where d.book_id = $1 and d.id = any($2)`

	sqlFundTitles = `select campaign_id, title_zh, title_en from campaign where book_id = $1 and fund_id = $2 and state <> 'draft' order by campaign_id`

	// As sqlGiftWays, of what is followed.
	sqlLaneGifts = `
select count(*), coalesce(sum(i.amount) filter (where r.id is null and g.channel not in (5, 6)), 0)::int8, coalesce(sum(i.amount) filter (where r.id is not null), 0)::int8
  from trace_in i join gift g on g.book_id = i.book_id and g.id = i.entry_id left join bank_receipt r on r.book_id = g.book_id and r.gift_id = g.id and r.firm <> ''
 where i.book_id = $1 and i.fund_id = $2 and i.lane = $3 and i.kind = 'gift'`

	// What was given in kind and has a value, less what went back to its giver; and what became of it.
	sqlLaneGoods = `
select l.title, l.value, l.value - l.left_value + l.impaired from lot l
 where l.book_id = $1 and l.fund_id = $2 and l.campaign_id = $3 and l.value <> 0 and l.state not in ('returned', 'void') order by l.number`

	sqlLaneStock = `
select coalesce(sum(b.balance), 0)::int8 from lot l
  join account a on a.book_id = l.book_id and a.fund_id = l.fund_id and a.dims ->> 'instrument' = 'lot:L' || l.number and a.chart in ('stock.art', 'stock.goods', 'stock.imp') and a.ccy = $4
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where l.book_id = $1 and l.fund_id = $2 and l.campaign_id = $3`

	sqlSummaries = `select entry_id, summary from document where book_id = $1 and entry_id = any($2)`
)

// usesMax bounds the payments and vouchers that are told one by one; the rest is one line.
const usesMax = 1_000

// part says in which line of a draft a use of money stands.
func part(s trace.Sum) string {
	switch s.Kind {
	case trace.Moved, trace.Levied:
		return "moved"
	case trace.Fee:
		return "fees"
	case trace.Refund, trace.PaidBack:
		return "back"
	}
	if strings.HasPrefix(s.Account, "gift.") { // a gift or match that was taken back
		return "back"
	}
	return "cost"
}

func shareOf(l trace.Lane) (s Share) {
	s.Campaign, s.Left = l.Campaign, l.Waiting
	for _, in := range l.In {
		if in.Kind == trace.Moved || in.Kind == trace.Levied {
			s.Moved += in.Amount
		} else {
			s.In += in.Amount
		}
	}
	for _, out := range l.Out {
		switch part(out) {
		case "moved":
			s.Moved -= out.Amount
		case "fees":
			s.Fees += out.Amount
		case "back":
			s.Back += out.Amount
		default:
			s.Cost += out.Amount
		}
	}
	return s
}

// shared drafts a campaign that shares its fund: what came in for it and what that became, as money is followed. ErrDiffers, trace.ErrBehind.
func (d *Draft) shared(ctx context.Context, q pg.Querier, c *giving.Campaign) error {
	d.Basis = ByPayment
	division, err := trace.Divide(ctx, q, d.book, c.FundID)
	if err != nil {
		return err
	}
	if off := division.Differs(); off != 0 {
		return fmt.Errorf("%w: by %s", ErrDiffers, d.format(off))
	}
	d.Position = division.Position
	if err := d.shares(ctx, q, c.FundID, division); err != nil {
		return err
	}
	lane := division.Of(c.ID)
	share := shareOf(lane)
	goods, stock, err := d.goods(ctx, q, c)
	if err != nil {
		return err
	}
	var gifts, match, other, online, firms int64
	for _, in := range lane.In {
		switch in.Kind {
		case trace.Gift:
			gifts += in.Amount
		case trace.Match:
			match += in.Amount
		case trace.Opening:
			d.adjusted += in.Amount
		case trace.Moved, trace.Levied:
		default:
			other += in.Amount
		}
	}
	if err := q.QueryRow(ctx, sqlLaneGifts, d.book.ID, c.FundID, strconv.Itoa(int(c.ID))).Scan(&d.Gifts, &online, &firms); err != nil {
		return err
	}
	d.addIncome(OfPlatform, "", online)
	d.addIncome(OfMatch, "", match)
	d.addIncome(OfCompany, "", firms)
	d.addIncome(OfOffline, "", gifts-online-firms+goods)
	if other != 0 {
		d.addIncome(OfOther, "", other)
	}
	d.refunded, d.fees, d.moved = share.Back, share.Fees, share.Moved
	d.budget = max(0, d.income-d.refunded)
	if err := d.uses(ctx, q, c, share.Cost); err != nil {
		return err
	}
	d.Spent = d.cost
	return d.leads(share.Left + stock)
}

// shares notes how the fund is divided: its campaigns, then all else.
func (d *Draft) shares(ctx context.Context, q pg.Querier, fund int32, division *trace.Division) error {
	rows, err := q.Query(ctx, sqlFundTitles, d.book.ID, fund)
	if err != nil {
		return err
	}
	var id int32
	var zh, en string
	_, err = pgx.ForEachRow(rows, []any{&id, &zh, &en}, func() error {
		s := shareOf(division.Of(id))
		s.TitleZH, s.TitleEN = zh, en
		d.Shares = append(d.Shares, s)
		return nil
	})
	if err != nil {
		return err
	}
	rest := Share{Left: -division.Unmet, Cost: division.Unmet} // went out before anything came in for it
	for _, l := range division.Lanes {
		if s := shareOf(l); !slices.ContainsFunc(d.Shares, func(x Share) bool { return x.Campaign == l.Campaign }) {
			rest = rest.plus(s)
		}
	}
	d.Shares = append(d.Shares, rest)
	return nil
}

func (s Share) plus(o Share) Share {
	s.In, s.Back, s.Fees, s.Cost, s.Moved, s.Left = s.In+o.In, s.Back+o.Back, s.Fees+o.Fees, s.Cost+o.Cost, s.Moved+o.Moved, s.Left+o.Left
	return s
}

// Fund is what all shares are together: the fund.
func Fund(shares []Share) (all Share) {
	for _, s := range shares {
		all = all.plus(s)
	}
	return all
}

// goods adds what was given in kind and is gone, and says what came in so and what is still there.
func (d *Draft) goods(ctx context.Context, q pg.Querier, c *giving.Campaign) (in, left int64, err error) {
	rows, err := q.Query(ctx, sqlLaneGoods, d.book.ID, c.FundID, c.ID)
	if err != nil {
		return 0, 0, err
	}
	var title string
	var value, used int64
	_, err = pgx.ForEachRow(rows, []any{&title, &value, &used}, func() error {
		in += value
		if used != 0 {
			d.addCost(OfGoods, title, "", used)
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	return in, left, q.QueryRow(ctx, sqlLaneStock, d.book.ID, c.FundID, c.ID, d.book.Currency).Scan(&left)
}

// uses adds what the campaign's money paid, line by line, the oldest first.
func (d *Draft) uses(ctx context.Context, q pg.Querier, c *giving.Campaign, spent int64) error {
	uses, err := trace.UsesOf(ctx, q, d.book, c.FundID, c.ID, []string{trace.Payment, trace.Cost}, usesMax)
	if err != nil {
		return err
	}
	var entries, payments []uuid.UUID
	for _, u := range uses {
		entries = append(entries, u.Entry)
		if id, err := uuid.Parse(strings.TrimPrefix(u.Object, "disbursement:")); err == nil {
			payments = append(payments, id)
		}
	}
	lines := map[string]Cost{}
	var id uuid.UUID
	var summary, kind, number, invoice, contractKind, contract string
	rows, err := q.Query(ctx, sqlSummaries, d.book.ID, entries)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&id, &summary}, func() error {
			lines[id.String()] = Cost{Content: summary}
			return nil
		})
	}
	if err != nil {
		return err
	}
	rows, err = q.Query(ctx, sqlPaidFor, d.book.ID, payments)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&id, &kind, &number, &invoice, &contractKind, &contract}, func() error {
			line := Cost{Category: contractKind, Content: contract, Invoice: invoice}
			if kind == projects.ForAid {
				line.Category, line.Content = OfAid, number
			}
			lines["disbursement:"+id.String()] = line
			return nil
		})
	}
	if err != nil {
		return err
	}
	for _, u := range uses {
		if part(trace.Sum{Kind: u.Kind, Account: u.Account}) != "cost" {
			continue
		}
		line, ok := lines[u.Object]
		if !ok {
			line = lines[u.Entry.String()]
		}
		spent -= u.Amount
		d.addCost(line.Category, line.Content, line.Invoice, u.Amount)
	}
	if spent != 0 {
		d.addCost("", "…", "", spent)
	}
	return nil
}
