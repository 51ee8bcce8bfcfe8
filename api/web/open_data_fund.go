package web

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/funds"
	"sunfund/ledger/projects/polls"
)

// openFundKinds are what each fund took in and spent since these books began, by kind.
func (v *visit) openFundKinds(q pg.Querier) (rows [][]any, err error) {
	all, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	flows, err := ledger.Flows(v.ctx(), q, v.book, ledger.Day(1990, time.January, 1), v.book.Day(v.now), 0)
	if err != nil {
		return nil, err
	}
	type key struct {
		fund int32
		kind chart.ID
	}
	sums := map[key]int64{}
	for _, f := range flows {
		sums[key{f.Fund, f.Chart.ID}] += f.Amount
	}
	order := slices.SortedFunc(maps.Keys(sums), func(a, b key) int { return cmp.Or(cmp.Compare(a.fund, b.fund), cmp.Compare(a.kind, b.kind)) })
	for _, k := range order {
		account, direction := chart.MustByID(k.kind), "out"
		if account.Type == chart.Income {
			direction = "in"
		}
		rows = append(rows, []any{"fund:" + strconv.Itoa(int(k.fund)) + ":" + string(k.kind), all[k.fund].Code, direction, string(k.kind), account.Name("zh"), account.Name("en"), v.book.Currency, v.plain(sums[k])})
	}
	return rows, nil
}

// openCharters are the rules in force of each fund that has a charter.
func (v *visit) openCharters(q pg.Querier) (rows [][]any, err error) {
	all, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	charters, err := funds.Charters(v.ctx(), q, v.book)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(charters)) {
		c := charters[id]
		t, months := &c.Terms, ""
		if t.DormantMonths != nil {
			months = strconv.Itoa(int(*t.DormantMonths))
		}
		rows = append(rows, []any{"charter:" + strconv.Itoa(int(id)), all[id].Code, int64(c.Version), ISODay(v.book.Day(c.MadeAt)), c.Basis, t.Sort, strings.Join(t.Purposes, " "), dayOrNone(t.OpensOn),
			dayOrNone(t.ClosesOn), percent(t.LevyBP), t.Interest, t.FeeBearer, percent(t.SpendBP), months, t.Voted})
	}
	return rows, nil
}

// openMilestones are the stages of signed contracts.
func (v *visit) openMilestones(q pg.Querier, after string, most int) (rows [][]any, err error) {
	contract, place := after, int64(0)
	if n := strings.LastIndexByte(after, ':'); n > 0 {
		contract = after[:n]
		if place, err = strconv.ParseInt(after[n+1:], 10, 16); err != nil {
			return nil, ledger.ErrCursor
		}
	}
	id, err := openID(contract, "milestone:")
	if err != nil {
		return nil, err
	}
	list, err := disclosure.OpenMilestones(v.ctx(), q, v.book, id, int16(place), most)
	for _, m := range list {
		contract := m.Contract.String()
		rows = append(rows, []any{"milestone:" + contract + ":" + strconv.Itoa(int(m.Position)), "project:" + m.Project.String(), m.Code, int64(m.Position), m.Title, ISODay(m.DueOn), v.book.Currency, v.plain(m.Amount), m.State,
			v.plain(m.Accepted), dayOrNone(m.AcceptedOn)})
	}
	return rows, err
}

// openPolls are all votes that were published, the newest first.
func (v *visit) openPolls(q pg.Querier) (all []polls.Poll, err error) {
	for before := int32(0); ; {
		list, err := polls.List(v.ctx(), q, v.book, polls.Filter{All: true, Before: before})
		if err != nil || len(list) == 0 {
			return all, err
		}
		all = append(all, list...)
		before = list[len(list)-1].Number
	}
}

// openVotes say where the ballots are, once they are counted, for anybody to count again; turnout is told with the result.
func (v *visit) openVotes(q pg.Querier) (rows [][]any, err error) {
	all, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	list, err := v.openPolls(q)
	for i := range list {
		p := &list[i]
		url, cost, recount := v.address()+pollHref(p), "", ""
		var turnout polls.Turnout
		if r := p.Result; r != nil {
			turnout, cost, recount = r.Turnout, v.plain(r.Cost), url+"/ballots"
		}
		rows = append(rows, []any{"vote:" + p.ID.String(), int64(p.Number), p.TitleZH, p.TitleEN, all[p.FundID].Code, p.State, p.OpensAt.UTC().Format(time.RFC3339), p.ClosesAt.UTC().Format(time.RFC3339), p.Rule.Ballot, p.Rule.Method,
			v.book.Currency, v.plain(p.Budget), int64(len(p.Options)), turnout.Online, turnout.Paper, turnout.Spoiled, cost, hex.EncodeToString(p.RuleHash), recount, url})
	}
	return rows, err
}

// openVoteOptions are what votes were about, and how each came out.
func (v *visit) openVoteOptions(q pg.Querier) (rows [][]any, err error) {
	list, err := v.openPolls(q)
	for i := range list {
		p := &list[i]
		for n, o := range p.Options {
			var came polls.Standing
			if p.Result != nil {
				came = p.Result.Options[n]
			}
			vote := "vote:" + p.ID.String()
			rows = append(rows, []any{vote + ":" + strconv.Itoa(int(o.Place)), vote, int64(o.Place), o.TitleZH, o.TitleEN, v.book.Currency, v.plain(o.Cost), came.State, came.Voters, came.Votes})
		}
	}
	return rows, err
}
