package web

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// dayHoursMost is how many hours one picture has: of a longer event it has one day, and links to those before and after.
const dayHoursMost = 48

// dayHours are the pictures of a giving day hour by hour, and where the other days are.
type dayHours struct {
	Charts []Chart
	Links  []Link
}

// dayHours draws gifts by the hour in which they were paid, and what each hour left in the pools; amounts are those of the same moment, so q sees one. path is
// the address of the page.
func (v *visit) dayHours(q pg.Querier, e *giving.MatchEvent, rule *match.Rule, amounts *giving.EventAmounts, path string) (d dayHours, err error) {
	all, err := giving.HoursOf(v.ctx(), q, v.book, e.ID)
	if err != nil {
		return d, err
	}
	days := v.giftDays(all.Hours)
	if len(days) == 0 {
		d.Charts = []Chart{{ID: "hours", Title: T(v.lang, "day.hours"), Desc: T(v.lang, "day.hours.none")}}
		return d, nil
	}
	from, to := days[0], nextDay(days[len(days)-1])
	if to.Sub(from) > dayHoursMost*time.Hour {
		at := v.chosenDay(days)
		from, to = days[at], nextDay(days[at])
		for _, i := range []int{at - 1, at + 1} {
			if i >= 0 && i < len(days) {
				d.Links = append(d.Links, Link{T(v.lang, "day.hours.of", ISODay(days[i])), path + "?day=" + ISODay(days[i])})
			}
		}
	}
	s := v.daySpan(all.Hours, from, to)
	d.Charts = append(d.Charts, v.giftHours(s, all.Behind))
	var promised int64
	for _, p := range amounts.Pools {
		promised += p.Amount
	}
	if rule != nil && promised > 0 {
		d.Charts = append(d.Charts, v.poolHours(s, promised, rule.Opens(from, to), v.poolRest(all.Given, amounts)))
	}
	return d, nil
}

// giftDays are the days of the book's clock on which gifts came, as their first moments.
func (v *visit) giftDays(hours []giving.MatchHour) (days []time.Time) {
	for _, h := range hours {
		day := v.book.Begin(v.book.Day(h.Hour))
		if h.Gifts > 0 && (len(days) == 0 || day.After(days[len(days)-1])) {
			days = append(days, day)
		}
	}
	return days
}

func nextDay(day time.Time) time.Time { return day.AddDate(0, 0, 1) }

// chosenDay is which of the days was asked for; else the last.
func (v *visit) chosenDay(days []time.Time) int {
	asked := v.typed("day", 10)
	for i, day := range days {
		if ISODay(day) == asked {
			return i
		}
	}
	return len(days) - 1
}

// daySpan is a span of whole hours with what came in each, and before the first.
type daySpan struct {
	starts []time.Time
	hours  []giving.MatchHour
	before int64 // match earned, less what fell back
	passed int   // how many of them have begun
}

func (v *visit) daySpan(hours []giving.MatchHour, from, to time.Time) (s daySpan) {
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		s.starts = append(s.starts, at)
		if !at.After(v.now) {
			s.passed++
		}
	}
	s.hours = make([]giving.MatchHour, len(s.starts))
	for _, h := range hours {
		if h.Hour.Before(from) {
			s.before += h.Match - h.Freed
		} else if h.Hour.Before(to) {
			into := &s.hours[s.column(h.Hour)]
			into.Gifts, into.Amount, into.Match, into.Freed = into.Gifts+h.Gifts, into.Amount+h.Amount, into.Match+h.Match, into.Freed+h.Freed
		}
	}
	return s
}

// column is in which hour a moment of the span lies.
func (s daySpan) column(at time.Time) int {
	return sort.Search(len(s.starts), func(i int) bool { return s.starts[i].After(at) }) - 1
}

// hourColumns are the hours with their labels; over says what stands over one that has begun.
func (v *visit) hourColumns(s daySpan, over func(i int) (values []int64, beside []string)) (columns []ChartColumn) {
	for i, at := range s.starts {
		at = at.In(v.book.Zone)
		c := ChartColumn{Label: at.Format("2006-01-02 15:04"), Short: strconv.Itoa(at.Hour())}
		if i < s.passed {
			c.Values, c.Beside = over(i)
		}
		columns = append(columns, c)
	}
	return columns
}

// hourEvery is how many hours apart labels stand, so that they have room on a phone.
func hourEvery(s daySpan) int {
	if len(s.starts) > 24 {
		return 6
	}
	return 3
}

// giftHours draws the amounts; how many gifts that were and what they earned stands in the table.
func (v *visit) giftHours(s daySpan, behind int64) Chart {
	c := Chart{ID: "hours", Title: T(v.lang, "day.hours"), Axis: T(v.lang, "day.hours.axis", Unit(v.lang, v.book.Currency)), Series: []string{T(v.lang, "day.gifts")}, Every: hourEvery(s), Head: T(v.lang, "day.hour"),
		Beside: []string{T(v.lang, "day.hours.count"), T(v.lang, "day.hours.match")}, Unit: v.book.Currency}
	var gifts, amount int64
	most := 0
	c.Columns = v.hourColumns(s, func(i int) ([]int64, []string) {
		h := s.hours[i]
		gifts, amount = gifts+h.Gifts, amount+h.Amount
		if h.Amount > s.hours[most].Amount {
			most = i
		}
		return []int64{h.Amount}, []string{Count(h.Gifts), c.Cell(h.Match)}
	})
	c.Desc = T(v.lang, "day.hours.desc", v.spanName(s), gifts, v.amount(amount), c.Columns[most].Label) + T(v.lang, "day.hours.refunds")
	if behind > 0 {
		c.Desc += T(v.lang, "day.hours.behind")
	}
	return c
}

// poolHours draws what each hour left in all pools together, and marks when a slice or the part of a day opens; rest tells what is of no hour.
func (v *visit) poolHours(s daySpan, promised int64, opens []match.Opened, rest string) Chart {
	c := Chart{ID: "pools", Title: T(v.lang, "day.pool"), Axis: T(v.lang, "day.pool.axis", Unit(v.lang, v.book.Currency)), Steps: true, Series: []string{T(v.lang, "day.pool.left")}, Kind: chartPromised, Every: hourEvery(s), Head: T(v.lang, "day.hour"),
		Beside: []string{T(v.lang, "day.pool.earned"), T(v.lang, "day.pool.freed"), T(v.lang, "day.pool.opened")}, Mark: T(v.lang, "day.pool.mark"), Unit: v.book.Currency}
	opened := map[int][]string{}
	for _, o := range opens {
		at := s.column(o.At)
		c.Marks = append(c.Marks, ChartMark{at, min(99, int64(o.At.Sub(s.starts[at])*100/time.Hour))})
		opened[at] = append(opened[at], o.At.In(v.book.Zone).Format("15:04")+" "+strings.TrimSuffix(o.Pool+"/"+o.Window, "/")+" "+Figure(money.Money{Minor: o.Amount, Currency: v.book.Currency}))
	}
	left := promised - s.before
	c.Columns = v.hourColumns(s, func(i int) ([]int64, []string) {
		left += s.hours[i].Freed - s.hours[i].Match
		return []int64{left}, []string{c.Cell(s.hours[i].Match), c.Cell(s.hours[i].Freed), strings.Join(opened[i], "; ")}
	})
	c.Desc = T(v.lang, "day.pool.desc", v.amount(promised), v.spanName(s), v.amount(left)) + rest
	return c
}

// poolRest tells what left the pools once all gifts were in, which no hour has, and what that leaves.
func (v *visit) poolRest(given int64, amounts *giving.EventAmounts) (words string) {
	if given > 0 {
		words += T(v.lang, "day.pool.given", v.amount(given))
	}
	if amounts.Returned > 0 {
		words += T(v.lang, "day.pool.returned", v.amount(amounts.Returned))
	}
	if words != "" {
		words += T(v.lang, "day.pool.now", v.amount(amounts.Pledged))
	}
	return words
}

// spanName is the day or the days of a span.
func (v *visit) spanName(s daySpan) string {
	first, last := ISODay(s.starts[0].In(v.book.Zone)), ISODay(s.starts[len(s.starts)-1].In(v.book.Zone))
	if first == last {
		return first
	}
	return first + " – " + last
}
