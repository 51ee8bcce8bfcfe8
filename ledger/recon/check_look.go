package recon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

func fundObject(id int32) string { return fmt.Sprintf("fund:%d", id) }

// lookFunds finds restricted funds below zero and funds that have less than they promised (C04).
func lookFunds(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	positions, err := ledger.Positions(ctx, q, book, time.Time{})
	var breaks []Break
	for _, p := range positions {
		if p.Fund.HasRestriction() && p.NetAssets < 0 {
			breaks = append(breaks, Break{Say: "fund-net", Object: fundObject(p.Fund.ID), Name: p.Fund.Code, Sums: []int64{p.NetAssets}})
		}
		if p.Fund.Kind != ledger.Agency && p.Available < 0 {
			breaks = append(breaks, Break{Say: "fund-available", Object: fundObject(p.Fund.ID), Name: p.Fund.Code, Sums: []int64{p.Available}})
		}
	}
	return int64(len(positions)), breaks, err
}

// lookCommitments finds funds whose contracts are more than what is liquid in them (C11).
func lookCommitments(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	positions, err := ledger.Positions(ctx, q, book, time.Time{})
	var compared int64
	var breaks []Break
	for _, p := range positions {
		if p.Committed == 0 {
			continue
		}
		compared++
		if p.Committed > p.Liquid {
			breaks = append(breaks, Break{Say: "committed", Object: fundObject(p.Fund.ID), Name: p.Fund.Code, Sums: []int64{p.Committed, p.Liquid}})
		}
	}
	return compared, breaks, err
}

const sqlFundHoldings = `
select a.fund_id, f.code, a.chart, sum(b.balance)::int8
  from account a
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and a.ccy = $2
 group by a.fund_id, f.code, a.chart`

// lookEquation holds what each fund has less what it owes, as its balances say, against its net assets, as the daily turnovers say (E5).
func lookEquation(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	var funds []int32
	codes, holds := map[int32]string{}, map[int32]int64{}
	rows, err := q.Query(ctx, sqlFundHoldings, book.ID, book.Currency)
	if err != nil {
		return 0, nil, fmt.Errorf("read what funds hold: %w", err)
	}
	var fund int32
	var code string
	var id chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&fund, &code, &id, &sum}, func() error {
		if codes[fund] == "" {
			funds, codes[fund] = append(funds, fund), code
		}
		if a := chart.MustByID(id); a.Type == chart.Asset || a.Type == chart.Liability || id == "if.due.from" || id == "if.due.to" {
			holds[fund] += sum
		}
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read what funds hold: %w", err)
	}
	trial, err := ledger.TrialBalance(ctx, q, book, ledger.Day(1900, 1, 1), ledger.Day(9998, 12, 31), 0, true)
	if err != nil {
		return 0, nil, err
	}
	net := map[int32]int64{}
	for _, r := range trial {
		a := r.Chart
		if r.Currency != book.Currency || a.Memo() || a.Type == chart.Asset || a.Type == chart.Liability || a.ID == "if.due.from" || a.ID == "if.due.to" {
			continue
		}
		net[r.Fund] -= r.Closing
	}
	var breaks []Break
	for _, fund := range funds {
		if holds[fund] != net[fund] {
			breaks = append(breaks, Break{Say: "equation", Object: fundObject(fund), Name: codes[fund], Sums: []int64{holds[fund], net[fund]}})
		}
	}
	return int64(len(funds)), breaks, nil
}

// lookStatements finds where statements do not follow one another (E3). That each file proves itself was seen when it came.
func lookStatements(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	sources, err := Sources(ctx, q, book)
	if err != nil {
		return 0, nil, err
	}
	var compared int64
	var breaks []Break
	for _, s := range sources {
		object := fmt.Sprintf("source:%d", s.ID)
		if s.Through != nil {
			compared++
		}
		if s.Quarantined > 0 {
			breaks = append(breaks, Break{Say: "quarantined", Object: object, Name: s.Name})
		}
		missing, err := MissingDays(ctx, q, book, s.ID)
		if err != nil {
			return 0, nil, err
		}
		for _, m := range missing {
			after := m.After
			breaks = append(breaks, Break{Say: "statement-gap", Object: object, Name: s.Name, Sums: []int64{m.Amount}, Day: &after})
		}
	}
	return compared, breaks, nil
}

const sqlSigned = `
select c.first, c.month, (r.body::jsonb ->> 'figures')
  from period_close c join close_report r on r.book_id = c.book_id and r.id = c.report_id
 where c.book_id = $1 order by c.month desc limit 12`

// lookSigned makes the figures of closed months anew and holds them against those that were signed; and finds closed years of which
// income or expense is left (C21).
func lookSigned(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	rows, err := q.Query(ctx, sqlSigned, book.ID)
	if err != nil {
		return 0, nil, fmt.Errorf("read closes: %w", err)
	}
	type signed struct {
		First, Month time.Time
		Figures      string
	}
	closes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[signed])
	if err != nil {
		return 0, nil, fmt.Errorf("read closes: %w", err)
	}
	var breaks []Break
	years := map[int]bool{}
	for _, c := range closes {
		name := c.Month.Format("2006-01")
		_, hash, err := ledger.Figures(ctx, q, book, c.First, lastDay(c.Month))
		if err != nil {
			return 0, nil, err
		}
		if fmt.Sprintf("%x", hash) != c.Figures {
			breaks = append(breaks, Break{Say: "figures", Object: "month:" + name, Name: name})
		}
		year := c.Month.Year()
		if c.Month.Month() != time.December {
			year--
		}
		if years[year] || c.First.Year() > year+1 {
			continue
		}
		years[year] = true
		left, err := yearLeft(ctx, q, book, year)
		if err != nil {
			return 0, nil, err
		}
		breaks = append(breaks, left...)
	}
	return int64(len(closes)), breaks, nil
}

func lastDay(month time.Time) time.Time { return ledger.Month(month).AddDate(0, 1, -1) }

// yearLeft is a row when income or expense of a year that ended is not closed, with how much its closing entries would move.
func yearLeft(ctx context.Context, q pg.Querier, book *ledger.Book, year int) ([]Break, error) {
	entries, err := ledger.YearEnd(ctx, q, book, year, ledger.Day(year+1, time.January, 1))
	switch {
	case errors.Is(err, ledger.ErrYearClosed):
		return nil, nil
	case errors.Is(err, ledger.ErrYearBefore): // that year says so itself
		return nil, nil
	case err != nil:
		return nil, err
	}
	var moved int64
	for _, e := range entries {
		for _, l := range e.Lines {
			moved += max(l.Amount, 0)
		}
	}
	return []Break{{Say: "year-open", Object: fmt.Sprintf("year:%d", year), Name: fmt.Sprint(year), Sums: []int64{moved}}}, nil
}

const sqlForeign = `
select a.account_id, a.chart, f.code, a.dims ->> 'foreign', u.account_id
  from account a
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
  join account u on u.book_id = a.book_id and u.fund_id = a.fund_id and u.chart = 'fx.units' and u.ccy = (a.dims ->> 'foreign')::bpchar
   and u.dims = (a.dims - 'foreign') || jsonb_build_object('units_of', a.chart)
 where a.book_id = $1 and a.dims ? 'foreign' order by a.account_id limit 500`

// lookForeign holds what foreign money is worth on the books at the end of last month against its units at that day's rate (C23).
func lookForeign(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time) (int64, []Break, error) {
	end := ledger.Month(today).AddDate(0, 0, -1)
	rows, err := q.Query(ctx, sqlForeign, book.ID)
	if err != nil {
		return 0, nil, fmt.Errorf("read foreign money: %w", err)
	}
	type pair struct {
		Account int32
		Chart   chart.ID
		Fund    string
		Foreign string
		Units   int32
	}
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
	if err != nil {
		return 0, nil, fmt.Errorf("read foreign money: %w", err)
	}
	var compared int64
	var breaks []Break
	for _, p := range pairs {
		if a := chart.MustByID(p.Chart); a.Type != chart.Asset && a.Type != chart.Liability {
			continue
		}
		held, err := ledger.BalanceOn(ctx, q, book, p.Account, end)
		if err != nil {
			return 0, nil, err
		}
		units, err := ledger.BalanceOn(ctx, q, book, p.Units, end)
		if err != nil {
			return 0, nil, err
		}
		if held == 0 && units == 0 {
			continue
		}
		compared++
		one := Break{Say: "rate", Object: fmt.Sprintf("account:%d", p.Account), Name: string(p.Chart) + " " + p.Fund + " " + p.Foreign, Day: &end}
		worth, err := giving.WorthOn(ctx, q, book, units, p.Foreign, end)
		switch {
		case errors.Is(err, giving.ErrNoRate):
			one.Say = "no-rate"
			breaks = append(breaks, one)
		case err != nil:
			return 0, nil, err
		case worth != held:
			one.Sums = []int64{held, worth}
			breaks = append(breaks, one)
		}
	}
	return compared, breaks, nil
}

// lookDeadlines finds what should have been filed or published (C24).
func lookDeadlines(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time) (int64, []Break, error) {
	all, err := law.Deadlines(ctx, q, book, today)
	if err != nil {
		return 0, nil, err
	}
	var breaks []Break
	for _, d := range all {
		if due := d.Due; d.Left(today) < 0 {
			breaks = append(breaks, Break{Say: "deadline", Object: d.Object, Name: d.Rule.Code + " " + d.Name, Day: &due})
		}
	}
	return int64(len(all)), breaks, nil
}
