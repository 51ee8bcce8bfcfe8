package law

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// country is under whose law a book is that has not said so: the charts of accounts are China's.
const country = "CN"

// Figure is a figure on a day for a step of the books that goes by one whatever the profile says: how many sit in a committee, by when an end is
// public, how long cash waits. A book with a profile goes by it; one without goes by what its country asks of every form. It is false where no
// law has such a figure.
func (l *Law) Figure(rule, name string, day time.Time) (Param, bool) {
	if l.On(day) != nil {
		return l.Param(rule, name, day)
	}
	anybody := Profile{Jurisdiction: country}
	if own, ok := anybody.newest(l.own, rule, name, day); ok {
		return own, true
	}
	return anybody.newest(statutes, rule, name, day)
}

// Figure reads one figure as [Law.Figure] does.
func Figure(ctx context.Context, q pg.Querier, book *ledger.Book, rule, name string, day time.Time) (Param, bool, error) {
	l, err := Read(ctx, q, book)
	if err != nil {
		return Param{}, false, err
	}
	p, ok := l.Figure(rule, name, day)
	return p, ok, nil
}

// PublicBy is until when the result of something that ended on a day has to be public (R09); nil where no law says so.
func PublicBy(ctx context.Context, q pg.Querier, book *ledger.Book, ended time.Time) (*time.Time, error) {
	p, ok, err := Figure(ctx, q, book, "R09", "after_end", ended)
	if err != nil || !ok {
		return nil, err
	}
	by := p.After(ended)
	return &by, nil
}

// Unread tells that a figure of the program's is known from practice and was not read in the text that it is named by; it is to be checked.
func (p Param) Unread() bool { return p.marked("K") }

// Undated tells that the day from which a figure of the program's holds was not found; it is to be checked.
func (p Param) Undated() bool { return p.marked("T") }

func (p Param) marked(with string) bool {
	return !p.Own && slices.Contains(strings.Fields(p.Source), with)
}

// In is the day of a year that "05-31" means; the zero day where the figure is none.
func (p Param) In(year int) time.Time {
	day, err := time.Parse(time.DateOnly, fmt.Sprintf("%04d-%s", year, p.Value))
	if err != nil {
		return time.Time{}
	}
	return day
}
