package disclosure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/projects"
)

// ErrNoObject means that nothing of this name is published: no such campaign, project, year or event.
var ErrNoObject = errors.New("nothing of this name is published")

// ErrDiffers means that what a year's draft tells does not lead to what the funds hold at its end: nothing is published as put right that no entry says.
var ErrDiffers = errors.New("the year's figures do not lead to what the funds hold")

// Make drafts what would be published of an object from the books as they are: "campaign:3", "project:…", "year:2026", "event:…". ErrNoObject.
func Make(ctx context.Context, q pg.Querier, book *ledger.Book, object string, now time.Time) (d *Draft, err error) {
	kind, id, _ := strings.Cut(object, ":")
	d = &Draft{Object: object, Kind: kind, book: book}
	d.Currency, d.AsOf = book.Currency, book.Day(now).Format(time.DateOnly)
	if d.Position, err = ledger.Posted(ctx, q, book, 0); err != nil {
		return nil, err
	}
	switch kind {
	case "campaign":
		err = d.campaign(ctx, q, id, now)
	case "project":
		err = d.project(ctx, q, id)
	case "year":
		err = d.yearly(ctx, q, id, now)
	case "event":
		err = d.event(ctx, q, id)
	default:
		err = ErrNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("draft of %s: %w", object, err)
	}
	d.settle()
	return d, nil
}

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

	// What processors kept of the gifts is booked for all campaigns of a fund at once; each gift carries its own. The fund bears it, or the general fund
	// does (E03). What else raising the money cost stands on leaves of the campaign.
	sqlGiftFees = `
select coalesce(sum(g.fee + coalesce(r.fee, 0)) filter (where f.fee_bearer = 'fund' or f.kind = 'general'), 0)::int8
  from gift g join fund f on f.book_id = g.book_id and f.fund_id = $4
  left join lateral (select sum(fee) as fee from refund r where r.book_id = g.book_id and r.gift_id = g.id) r on true
 where g.book_id = $1 and g.campaign_id = $2 and g.ccy = $3`

	sqlCampaignFees = `
select coalesce(sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.campaign = $2 and a.chart in ('fundraising.r', 'fundraising.u') and a.ccy = $3 and a.fund_id = $4 and coalesce(a.dims ->> 'nature', '') <> 'close'`

	// What a management fee or a release took out of the gifts of the year stands on leaves of its own, and what it took of older ones in net assets.
	sqlFundFlows = `
select case when coalesce(a.dims ->> 'nature', '') in ('levy', 'release') then 'transfer' else a.chart end, sum(b.balance)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.ccy = $3 and a.chart = any($4) and coalesce(a.dims ->> 'nature', '') <> 'close'
 group by 1 having sum(b.balance) <> 0 order by 1`

	sqlFundLevied = `
select coalesce(sum(p.amount), 0)::int8
  from account n join posting p on p.book_id = n.book_id and p.account_id = n.account_id
 cross join lateral (select coalesce((select o.kind from entry o where o.book_id = $1 and o.id = e.reverses), e.kind) as kind from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
 where n.book_id = $1 and n.chart in ('na.u', 'na.r') and n.fund_id = $2 and n.ccy = $3 and e.kind = any($4)`

	sqlCampaignClosed = `select max(at) from audit_event where book_id = $1 and object = $2 and what = 'campaign.close'`

	sqlFundCampaigns = `select count(*) from campaign where book_id = $1 and fund_id = $2 and state <> 'draft'`
)

var firstDay, lastDay = ledger.Day(1, time.January, 1), ledger.Day(9999, time.December, 31)

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
	d.From, d.To = d.book.Day(c.OpensAt).Format(time.DateOnly), d.book.Day(c.ClosesAt.Add(-time.Second)).Format(time.DateOnly)
	if c.State == giving.Closed { // before its last day
		var at *time.Time
		if err := q.QueryRow(ctx, sqlCampaignClosed, d.book.ID, d.Object).Scan(&at); err != nil {
			return err
		}
		if at != nil && at.Before(c.ClosesAt) {
			d.To = d.book.Day(*at).Format(time.DateOnly)
		}
	}
	if d.refunded, err = d.gifts(ctx, q, c.ID, firstDay, lastDay); err != nil {
		return err
	}
	if err := q.QueryRow(ctx, sqlCampaignFees, d.book.ID, text, d.book.Currency, c.FundID).Scan(&d.fees); err != nil {
		return err
	}
	var kept int64
	if err := q.QueryRow(ctx, sqlGiftFees, d.book.ID, c.ID, d.book.Currency, c.FundID).Scan(&kept); err != nil {
		return err
	}
	d.fees += kept
	flows, err := d.flows(ctx, q, c.FundID)
	if err != nil {
		return err
	}
	d.Spent = flows["program.r"] + flows["program.u"]
	var campaigns int64
	if err := q.QueryRow(ctx, sqlFundCampaigns, d.book.ID, c.FundID).Scan(&campaigns); err != nil {
		return err
	}
	d.budget = max(0, d.income-d.refunded)
	if d.Exact = campaigns == 1; !d.Exact {
		return nil // which of the fund's spending is this campaign's, somebody has to say
	}
	list, err := ledger.Spendings(ctx, q, d.book, c.FundID, ledger.PageMax)
	if err != nil {
		return err
	}
	var told int64
	for i := range list {
		s := &list[len(list)-1-i] // oldest first
		told += s.Amount
		d.addCost("", s.Summary, "", s.Amount)
	}
	if rest := d.Spent - told; rest != 0 {
		d.addCost("", "…", "", rest)
	}
	return d.whole(ctx, q, c.FundID, flows)
}

// flows are what came into a fund, what it spent and what moved between it and others since it began, by account; debit positive.
func (d *Draft) flows(ctx context.Context, q pg.Querier, fund int32) (map[chart.ID]int64, error) {
	var charts []string
	for _, a := range chart.All() {
		if a.Type == chart.Income || a.Type == chart.Expense || slices.Contains(between, a.ID) {
			charts = append(charts, string(a.ID))
		}
	}
	rows, err := q.Query(ctx, sqlFundFlows, d.book.ID, fund, d.book.Currency, charts)
	if err != nil {
		return nil, err
	}
	flows := map[chart.ID]int64{}
	var id chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&id, &sum}, func() error {
		flows[id] += sum
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = q.QueryRow(ctx, sqlFundLevied, d.book.ID, fund, d.book.Currency, []int16{int16(ledger.KindLevy), int16(ledger.KindRelease)}).Scan(&sum)
	flows["transfer"] += sum
	return flows, err
}

// between are the accounts of what goes from one fund to another: management fees, transfers, what is left of a fund that ended.
var between = []chart.ID{"transfer", "release.u", "release.r"}

// whole adds to a campaign that is its fund's only one what else the fund's books have: closing is then what the fund has.
func (d *Draft) whole(ctx context.Context, q pg.Querier, fund int32, flows map[chart.ID]int64) error {
	gifts := -flows["gift.r"] - flows["gift.u"] - (d.income - d.refunded)
	if gifts != 0 {
		d.addIncome(OfOther, chart.MustByID("gift.r").NameZH, gifts)
	}
	d.fees = 0
	for _, a := range chart.All() {
		sum := flows[a.ID]
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
	positions, err := ledger.Positions(ctx, q, d.book, time.Time{})
	if err != nil {
		return err
	}
	for _, p := range positions {
		if p.Fund.ID == fund {
			d.adjusted = p.NetAssets - (d.income - d.refunded - d.fees - d.cost + d.moved)
		}
	}
	return nil
}

func (d *Draft) project(ctx context.Context, q pg.Querier, text string) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return ErrNoObject
	}
	p, err := projects.ProjectByID(ctx, q, d.book, id)
	if err != nil {
		return err
	}
	if p.State != projects.Approved && p.State != projects.Ended {
		return ErrNoObject
	}
	d.FundID, d.TitleZH, d.TitleEN, d.Ended, d.Exact = &p.FundID, p.Title, p.Title, p.State == projects.Ended, true
	d.From, d.To = p.StartsOn.Format(time.DateOnly), p.EndsOn.Format(time.DateOnly)
	if p.EndedOn != nil {
		d.To = p.EndedOn.Format(time.DateOnly)
	}
	sources, err := projects.FinalAccount(ctx, q, d.book, p.ID)
	if err != nil {
		return err
	}
	for _, s := range sources {
		d.addIncome(OfSource, s.Payer, s.Budget)
		d.refunded += s.Returned
	}
	costs, err := projects.Costs(ctx, q, d.book, p.ID)
	for _, c := range costs {
		d.addCost(c.Kind, c.Contract, cut(c.Invoices), c.Drawn)
		if c.Lost != 0 {
			d.addCost(OfLoss, c.Contract, "", c.Lost)
		}
	}
	d.Spent, d.budget = d.cost, p.Budget
	return err
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > lineMax {
		return string(runes[:lineMax])
	}
	return text
}

func (d *Draft) yearly(ctx context.Context, q pg.Querier, text string, now time.Time) error {
	year, err := strconv.Atoi(text)
	today := d.book.Day(now)
	if err != nil || year < 1900 || year > today.Year() {
		return ErrNoObject
	}
	from, to := ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31)
	d.TitleZH, d.TitleEN = text+" 年度报告", "Yearly report "+text
	d.From, d.To, d.Ended, d.Exact = from.Format(time.DateOnly), to.Format(time.DateOnly), today.After(to), true
	before, err := ledger.Positions(ctx, q, d.book, from.AddDate(0, 0, -1))
	if err != nil {
		return err
	}
	for _, p := range before {
		d.opening += p.NetAssets
	}
	back, err := d.gifts(ctx, q, 0, from, to)
	if err != nil {
		return err
	}
	d.refunded = back
	flows, err := ledger.Flows(ctx, q, d.book, from, to, 0)
	if err != nil {
		return err
	}
	sums := map[chart.ID]int64{}
	for _, f := range flows {
		sums[f.Chart.ID] += f.Amount
	}
	for _, a := range chart.All() {
		sum := sums[a.ID]
		switch {
		case sum == 0, a.ID == "gift.r", a.ID == "gift.u":
		case a.Type == chart.Income:
			d.addIncome(OfOther, a.NameZH, sum)
		case a.Type == chart.Expense:
			d.addCost(a.Code(d.book.Regime), a.NameZH, "", sum)
		}
	}
	d.Spent = d.cost
	after, err := ledger.Positions(ctx, q, d.book, to)
	if err != nil {
		return err
	}
	moved, err := ledger.MovedBefore(ctx, q, d.book, ledger.Cut{}, from, to.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	for _, m := range moved { // openings and what was put right; what a year's end moves is on both sides of it, and so are transfers and releases
		if chart.MustByID(m.Chart).Type == chart.NetAssets || m.Nature == ledger.NatureClose || slices.Contains(between, m.Chart) {
			d.adjusted += (m.Before[1].Credit - m.Before[1].Debit) - (m.Before[0].Credit - m.Before[0].Debit)
		}
	}
	left := d.opening + d.income - d.refunded - d.fees - d.cost + d.adjusted
	for _, p := range after {
		left -= p.NetAssets
	}
	if left != 0 {
		return fmt.Errorf("%w: by %s", ErrDiffers, d.format(left))
	}
	return nil
}

func (d *Draft) event(ctx context.Context, q pg.Querier, text string) error {
	facts, err := law.Facts(ctx, q, d.book, "R10")
	if err != nil {
		return err
	}
	for _, f := range facts {
		if f.ID.String() == text {
			d.TitleZH, d.TitleEN, d.From, d.Ended, d.Exact, d.Words = f.Words, f.Words, f.Day.Format(time.DateOnly), true, true, f.Words
			return nil
		}
	}
	return ErrNoObject
}
