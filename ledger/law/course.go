package law

import (
	"time"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// What a course is of.
const (
	OfSpending   = "spending"   // charitable spending, which has to reach its line
	OfManagement = "management" // management cost, which has to stay under its line
)

// Course is a yearly rule month by month: where the year stood at the end of each month, where it is going at the pace so far, and the line.
type Course struct {
	Of     string
	Months []Month
}

// Month is where a year stands at the end of one month. Minor units of the book's currency, summed since the year began.
type Month struct {
	First time.Time
	Done  int64 // until its end, or until today in the month under way
	Ahead int64 // what the pace adds by its end; nothing in months that are over
	Line  int64 // what is needed, or allowed
}

// Sum is where the month ends.
func (m Month) Sum() int64 { return m.Done + m.Ahead }

// course follows a year. at is what a month adds to what is watched and to all expense; line is the floor or cap at so much of all expense.
func (d *desk) course(of string, at func(month int) (done, all int64), line func(all int64) int64) Course {
	c := Course{Of: of}
	today := d.asOf()
	days := int64(today.YearDay())
	var done, all int64
	for i := range 12 {
		first := ledger.Day(d.year, time.Month(i+1), 1)
		last := first.AddDate(0, 1, -1)
		x, y := at(i)
		done, all = done+x, all+y
		m, expense := Month{First: first, Done: done}, all
		if last.After(today) {
			m.Ahead = max(0, money.FloorShare(max(0, done), int64(last.YearDay()), days)-done)
			expense = money.FloorShare(max(0, all), int64(last.YearDay()), days)
		}
		m.Line = line(max(0, expense))
		c.Months = append(c.Months, m)
	}
	return c
}

// spending is the course of charitable spending towards need. judged is what somebody counted of the spending to be judged.
func (d *desk) spending(y *yearFlow, need, judged int64) Course {
	var review int64
	return d.course(OfSpending, func(i int) (int64, int64) {
		before := min(review, judged)
		review += y.months[i].review
		return y.months[i].charity + min(review, judged) - before, 0
	}, func(int64) int64 { return need })
}

// management is the course of management cost under a cap in basis points of all expense.
func (d *desk) management(y *yearFlow, rate int64) Course {
	return d.course(OfManagement, func(i int) (int64, int64) { return y.months[i].admin, y.months[i].expense }, func(all int64) int64 { return money.FloorShare(all, rate, 10_000) })
}
