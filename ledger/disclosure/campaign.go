package disclosure

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

const (
	// Closing entries lie on leaves of their own; what was given back too.
	sqlGiftIncome = `
select coalesce(a.dims ->> 'nature', ''), -sum(t.debit - t.credit)::int8
  from account a join turnover t on t.book_id = a.book_id and t.account_id = a.account_id
 where a.book_id = $1 and a.chart in ('gift.r', 'gift.u') and a.ccy = $2 and ($3 = '' or a.campaign = $3) and t.day between $4 and $5
   and coalesce(a.dims ->> 'nature', '') <> 'close'
 group by 1`

	// Gifts over processors and platforms, and of organisations; the rest of the income came otherwise. 5 and 6 are bank and cash.
	sqlGiftWays = `
select count(*), coalesce(sum(g.amount) filter (where r.id is null and g.channel not in (5, 6)), 0)::int8, coalesce(sum(g.amount) filter (where r.id is not null), 0)::int8
  from gift g left join bank_receipt r on r.book_id = g.book_id and r.gift_id = g.id and r.firm <> ''
 where g.book_id = $1 and g.ccy = $2 and ($3 = 0 or g.campaign_id = $3) and g.paid_at >= $4 and g.paid_at < $5`

	// What a management fee or a release took out of the gifts of the year stands on leaves of its own, and what it took of older ones in net assets.
	// The year's end moves income and expense to net assets; both sides stand under net assets here, what remains is what was booked straight there.
	sqlFundFlows = `
select case when coalesce(a.dims ->> 'nature', '') = 'close' or a.chart like 'na.%' then 'na'
            when coalesce(a.dims ->> 'nature', '') in ('levy', 'release') then 'transfer'
            when a.chart in ('gift.r', 'gift.u') and a.campaign is distinct from $5 then 'gift.other'
            else a.chart end, sum(b.balance)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.ccy = $3 and a.chart = any($4)
 group by 1 having sum(b.balance) <> 0 order by 1`

	// What a fund has less what it owes.
	sqlFundHolds = `
select coalesce(sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.ccy = $3 and a.chart = any($4)`

	sqlFundLevied = `
select coalesce(sum(p.amount), 0)::int8
  from account n join posting p on p.book_id = n.book_id and p.account_id = n.account_id
 cross join lateral (select coalesce((select o.kind from entry o where o.book_id = $1 and o.id = e.reverses), e.kind) as kind from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
 where n.book_id = $1 and n.chart in ('na.u', 'na.r') and n.fund_id = $2 and n.ccy = $3 and e.kind = any($4)`

	sqlFundCampaigns = `select count(*) from campaign where book_id = $1 and fund_id = $2 and state <> 'draft'`
)

// gifts adds the four lines of gifts of one campaign, or of all over the days from..to.
func (d *Draft) gifts(ctx context.Context, q pg.Querier, campaign int32, from, to time.Time) (back int64, err error) {
	tag := ""
	if campaign != 0 {
		tag = strconv.Itoa(int(campaign))
	}
	rows, err := q.Query(ctx, sqlGiftIncome, d.book.ID, d.book.Currency, tag, from, to)
	if err != nil {
		return 0, err
	}
	var nature string
	var sum, gross, match int64
	_, err = pgx.ForEachRow(rows, []any{&nature, &sum}, func() error {
		switch nature {
		case "refund":
			back -= sum
		case "match", "match-back":
			match += sum
		default:
			gross += sum
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var online, firms int64
	if err := q.QueryRow(ctx, sqlGiftWays, d.book.ID, d.book.Currency, campaign, d.book.Begin(from), d.book.Begin(to.AddDate(0, 0, 1))).Scan(&d.Gifts, &online, &firms); err != nil {
		return 0, err
	}
	d.addIncome(OfPlatform, "", online)
	d.addIncome(OfMatch, "", match)
	d.addIncome(OfCompany, "", firms)
	d.addIncome(OfOffline, "", gross-online-firms)
	return back, nil
}

func (d *Draft) campaign(ctx context.Context, q pg.Querier, text string, now time.Time) error {
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return ErrNoObject
	}
	c, err := giving.CampaignByID(ctx, q, d.book, int32(id))
	if err != nil {
		return err
	}
	if c.State == giving.Draft {
		return ErrNoObject
	}
	d.FundID, d.TitleZH, d.TitleEN, d.Filing, d.Ended = &c.FundID, c.TitleZH, c.TitleEN, c.FilingNo, c.Finished(now)
	end, err := law.CampaignEnd(ctx, q, d.book, c.ID)
	if err != nil {
		return err
	}
	d.From, d.To = d.book.Day(c.OpensAt).Format(time.DateOnly), d.book.Day(end.Add(-time.Second)).Format(time.DateOnly)
	var campaigns int64
	if err := q.QueryRow(ctx, sqlFundCampaigns, d.book.ID, c.FundID).Scan(&campaigns); err != nil {
		return err
	}
	if campaigns > 1 {
		return d.shared(ctx, q, c)
	}
	return d.whole(ctx, q, c)
}

// flow tells whether an account says what a fund took in, spent, moved or has in net assets; the others hold what it has and owes.
func flow(a chart.Account) bool {
	return a.Type == chart.Income || a.Type == chart.Expense || a.Type == chart.NetAssets || slices.Contains(between, a.ID)
}

// charts are the accounts that flow, or those that hold. Memos are neither.
func charts(flowing bool) (ids []string) {
	for _, a := range chart.All() {
		if a.Type != chart.MemoAccount && flow(a) == flowing {
			ids = append(ids, string(a.ID))
		}
	}
	return ids
}

// between are the accounts of what goes from one fund to another: management fees, transfers, what is left of a fund that ended.
var between = []chart.ID{"transfer", "release.u", "release.r"}

// flows are what came into a fund, what it spent, what moved between it and others and what was booked straight in its net assets ("na") since it
// began, by account; gifts of the campaign are apart from others ("gift.other"). Debit positive.
func (d *Draft) flows(ctx context.Context, q pg.Querier, c *giving.Campaign) (map[chart.ID]int64, error) {
	rows, err := q.Query(ctx, sqlFundFlows, d.book.ID, c.FundID, d.book.Currency, charts(true), strconv.Itoa(int(c.ID)))
	if err != nil {
		return nil, err
	}
	sums := map[chart.ID]int64{}
	var id chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&id, &sum}, func() error {
		sums[id] += sum
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = q.QueryRow(ctx, sqlFundLevied, d.book.ID, c.FundID, d.book.Currency, []int16{int16(ledger.KindLevy), int16(ledger.KindRelease)}).Scan(&sum)
	sums["transfer"] += sum
	sums["na"] -= sum
	return sums, err
}

// whole drafts a campaign that is its fund's only one: all that the fund took in, spent and moved. Closing is what the fund has, or there is no draft.
func (d *Draft) whole(ctx context.Context, q pg.Querier, c *giving.Campaign) (err error) {
	if d.refunded, err = d.gifts(ctx, q, c.ID, firstDay, lastDay); err != nil {
		return err
	}
	sums, err := d.flows(ctx, q, c)
	if err != nil {
		return err
	}
	if err := d.spendings(ctx, q, c.FundID, sums["program.r"]+sums["program.u"]); err != nil {
		return err
	}
	if gifts := -sums["gift.other"]; gifts != 0 {
		d.addIncome(OfOther, chart.MustByID("gift.r").NameZH, gifts)
	}
	d.adjusted = -sums["na"]
	for _, a := range chart.All() {
		sum := sums[a.ID]
		switch {
		case sum == 0, a.ID == "gift.r", a.ID == "gift.u", a.ID == "program.r", a.ID == "program.u":
		case a.ID == "fundraising.r", a.ID == "fundraising.u":
			d.fees += sum
		case a.Type == chart.Income:
			d.addIncome(OfOther, a.NameZH, -sum)
		case a.Type == chart.Expense:
			d.Spent += sum
			d.addCost(a.Code(d.book.Regime), a.NameZH, "", sum)
		default:
			d.moved -= sum
		}
	}
	d.budget = max(0, d.income-d.refunded)
	var held int64
	if err := q.QueryRow(ctx, sqlFundHolds, d.book.ID, c.FundID, d.book.Currency, charts(false)).Scan(&held); err != nil {
		return err
	}
	return d.leads(held)
}

// spendings adds the program cost of a fund line by line, the oldest first; what no line tells is one of its own.
func (d *Draft) spendings(ctx context.Context, q pg.Querier, fund int32, spent int64) error {
	d.Spent = spent
	list, err := ledger.Spendings(ctx, q, d.book, fund, ledger.PageMax)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[len(list)-1-i]
		spent -= s.Amount
		d.addCost("", s.Summary, "", s.Amount)
	}
	if spent != 0 {
		d.addCost("", "…", "", spent)
	}
	return nil
}
