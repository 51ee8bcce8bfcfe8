package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// What is kept of a file when it is booked. What is booked of another one so far is not earned yet; one that was booked before anything was kept is read gift by gift.
const sqlPlatformMatch = `
select c.slug, c.title_zh, c.title_en, m.fund_id, sum(m.earned)::int8, sum(m.disallowed)::int8, sum(m.settled)::int8, sum(m.frozen)::int8, sum(m.clawed)::int8
  from (select campaign_id, fund_id, 0::int8 as earned, case kind when 'disallowed' then match else 0 end as disallowed, case kind when 'paid' then match else 0 end as settled,
               0::int8 as frozen, 0::int8 as clawed from platform_settlement s
         where s.book_id = $1 and s.match > 0
           and not exists (select from platform_undo u where u.book_id = $1 and u.settlement_id = s.id)
         union all
        select campaign_id, fund_id, 0, 0, 0, case kind when 'frozen' then amount when 'freed' then -amount else 0 end, case kind when 'clawed' then amount else 0 end
          from platform_match_step where book_id = $1
         union all
        select campaign_id, fund_id, amount, 0, 0, 0, 0 from platform_match where book_id = $1 and amount > 0
         union all
        select g.campaign_id, g.fund_id, g.match, 0, 0, 0, 0
          from platform_file f
         cross join lateral (select campaign_id, fund_id, match from platform_gift where book_id = $1 and file_id = f.id and match > 0) g
         where f.book_id = $1 and f.state = 'booked' and not exists (select from platform_match k where k.book_id = $1 and k.file_id = f.id)) m
  join campaign c on c.book_id = $1 and c.campaign_id = m.campaign_id
 where $2::int4[] is null or m.fund_id = any($2)
 group by 1, 2, 3, 4 order by 1`

// matchStatement is the 配捐对账 (accounting.md 3.4): each pool with what gifts earned, what of it was disallowed, is held, is to be paid, was paid, clawed back and
// returned; match of platforms; and what the memo accounts moved in the days.
func matchStatement(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := matches.register(ctx, q, book, s, r)
	if err != nil {
		return nil, err
	}
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	events, err := giving.Events(ctx, q, book)
	if err != nil {
		return nil, err
	}
	// Of what has ended before the days nothing is left to tell: its accounts neither move in them nor hold anything.
	moved := map[string]bool{}
	for _, t := range report.Tables {
		for _, row := range t.Rows {
			if event, _, there := strings.Cut(strings.TrimPrefix(row.Cells[0].Text, "match:"), ":"); there {
				moved[event] = true
			}
		}
	}
	events = slices.DeleteFunc(events, func(e giving.MatchEvent) bool { return e.State == giving.EventEnded && !moved[fmt.Sprint(e.ID)] })
	ids := make([]int32, len(events))
	for i := range events {
		ids[i] = events[i].ID
	}
	type pool struct {
		event int32
		code  string
	}
	earned := map[pool]giving.PoolEarned{}
	list, err := giving.PoolsEarned(ctx, q, book, ids...)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		earned[pool{p.Event, p.Pool}] = p
	}
	pools := Table{Title: words(r.Lang, "配捐池", "Pools"), Columns: columnsOf(r.Lang, [3]string{"pool", "活动与配捐池", "Event and pool"}, [3]string{"fund", "基金", "Fund"}, [3]string{"#pool-amount", "池额", "Pool"}, [3]string{"#earned", "已赢得", "Earned"},
		[3]string{"#disallowed", "不予配捐", "Disallowed"}, [3]string{"#held", "冻结待核", "Frozen"}, [3]string{"#reserved", "待付", "To be paid"}, [3]string{"#settled", "已付", "Settled"}, [3]string{"#clawed", "已追回", "Clawed back"},
		[3]string{"#returned", "退回出资方", "Returned"}, [3]string{"#pledged", "未用", "Not earned"})}
	var left, right int64
	for i := range events {
		e := &events[i]
		amounts, err := giving.AmountsOf(ctx, q, book, e.ID, r.Now)
		if err != nil {
			return nil, err
		}
		for _, p := range amounts.Pools {
			if funds[p.FundID] == nil {
				continue
			}
			x := earned[pool{e.ID, p.Pool}]
			left, right = left+x.Earned-x.Freed, right+p.Held+p.Reserved+p.Settled
			row := Row{ID: e.Code + " " + p.Pool, Style: Line, Cells: []Cell{{Text: e.Name(r.Lang) + " · " + p.Pool}, fundCell(funds[p.FundID], r.Lang)}}
			for _, amount := range []int64{p.Amount, x.Earned, x.Freed, p.Held, p.Reserved, p.Settled, p.Clawed, p.Returned, p.Pledged} {
				row.Cells = append(row.Cells, Cell{Minor: amount})
			}
			pools.Rows = append(pools.Rows, row)
		}
	}
	pools.total(r.Lang)
	platforms := Table{Title: words(r.Lang, "公益平台的配捐", "Match of giving platforms"), Columns: columnsOf(r.Lang, [3]string{"campaign", "募捐活动", "Campaign"}, [3]string{"fund", "基金", "Fund"}, [3]string{"#earned", "已赢得", "Earned"}, [3]string{"#disallowed", "不予配捐", "Disallowed"}, [3]string{"#settled", "已付", "Settled"},
		[3]string{"#frozen", "冻结", "Frozen"}, [3]string{"#clawed", "已追回", "Clawed back"})}
	rows, err := q.Query(ctx, sqlPlatformMatch, book.ID, r.Funds)
	if err != nil {
		return nil, fmt.Errorf("read match of platforms: %w", err)
	}
	var slug, zh, en string
	var fund int32
	var x [5]int64
	if _, err := pgx.ForEachRow(rows, []any{&slug, &zh, &en, &fund, &x[0], &x[1], &x[2], &x[3], &x[4]}, func() error {
		platforms.Rows = append(platforms.Rows, Row{ID: slug, Style: Line, Cells: []Cell{{Text: words(r.Lang, zh, en)}, fundCell(funds[fund], r.Lang), {Minor: x[0]}, {Minor: x[1]}, {Minor: x[2]}, {Minor: x[3]}, {Minor: x[4]}}})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read match of platforms: %w", err)
	}
	platforms.total(r.Lang)
	report.Tables, report.parts = slices.Concat([]Table{pools, platforms}, report.Tables), shifted(report.parts, 2)
	report.Ties = append(report.Ties, Tie{Name: words(r.Lang, "已赢得 − 不予配捐 = 冻结待核 + 待付 + 已付", "Earned − disallowed = frozen + to be paid + settled"), Left: left, Right: right})
	report.Notes = append(report.Notes, words(r.Lang, "前两张表按现在的状态，已结束且本期没有变动的活动不列；后面各表为本期备查科目的增减。", "The first two tables are as things are now, without events that ended before and moved nothing in the days; the others are what the memo accounts moved in the days."))
	return report, nil
}
