package calls

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountCalls = `select count(*) from call where book_id = $1 and state not in ('draft', 'void')`

	// A published call's budget is the sum of its sources, its criteria are worth 100 points, and what it awarded fits into the budget.
	sqlDifferCall = `
select format('call C%s: sources give %s of %s, criteria %s points, awarded %s', c.number, s.amount, c.budget, k.points, a.amount)
  from call c
 cross join lateral (select coalesce(sum(amount), 0) as amount from call_source where book_id = c.book_id and call_id = c.id) s
 cross join lateral (select coalesce(sum(points), 0) as points from call_criterion where book_id = c.book_id and call_id = c.id) k
 cross join lateral (select coalesce(sum(amount), 0) as amount from proposal where book_id = c.book_id and call_id = c.id and state = 'awarded') a
 where c.book_id = $1 and c.state not in ('draft', 'void') and (s.amount <> c.budget or k.points <> 100 or a.amount > c.budget)`

	sqlCountAwards = `select count(*) from proposal where book_id = $1 and state not in ('draft', 'withdrawn')`

	// A proposal's amount is the sum of its items, and what was awarded is the budget of its project, of the same fund.
	sqlDifferAward = `
select format('proposal P%s: %s by its items, %s asked for; project of %s in fund %s', p.number, i.amount, p.amount, coalesce(j.budget, 0), coalesce(j.fund_id, 0))
  from proposal p
 cross join lateral (select coalesce(sum(amount), 0) as amount from proposal_item where book_id = p.book_id and proposal_id = p.id) i
  left join project j on j.book_id = p.book_id and j.id = p.project_id
 where p.book_id = $1 and p.state not in ('draft', 'withdrawn')
   and (i.amount <> p.amount or (p.state = 'awarded') <> (j.id is not null) or j.id is not null and (j.budget <> p.amount or j.fund_id <> p.fund_id))`

	sqlCountScores = `select count(*) from proposal_review where book_id = $1`

	// A score was given by a reviewer of the call, for each criterion and within its points; what was ranked has the scores that the call asks for.
	sqlDifferScore = `
select format('proposal P%s: a score that is not by a reviewer of call C%s, or not within its criteria', p.number, c.number)
  from proposal_review r join proposal p on p.book_id = r.book_id and p.id = r.proposal_id join call c on c.book_id = p.book_id and c.id = p.call_id
 where r.book_id = $1
   and (not exists (select from call_reviewer v where v.book_id = c.book_id and v.call_id = c.id and v.person_id = r.person_id)
     or r.conflict = '' and (select coalesce(count(*) filter (where r.points[k.position] between 0 and k.points) <> count(*), true) or count(*) <> cardinality(r.points)
                               from call_criterion k where k.book_id = c.book_id and k.call_id = c.id))
union all
select format('proposal P%s: ranked with %s of %s scores', p.number, n.scores, c.reviews)
  from proposal p join call c on c.book_id = p.book_id and c.id = p.call_id
 cross join lateral (select count(*) as scores from proposal_review r where r.book_id = p.book_id and r.proposal_id = p.id and r.conflict = '') n
 where p.book_id = $1 and p.state in ('chosen', 'reserve', 'awarded') and n.scores < c.reviews`
)

var checks = []ledger.CheckQuery{
	{Code: "call", Name: "calls equal their sources and criteria", Compare: sqlCountCalls, Rows: sqlDifferCall},
	{Code: "call-award", Name: "awards equal their items and projects", Compare: sqlCountAwards, Rows: sqlDifferAward},
	{Code: "call-score", Name: "scores are by reviewers and within the criteria", Compare: sqlCountScores, Rows: sqlDifferScore},
}

// Verify holds calls, proposals and scores to each other.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, checks)
}
