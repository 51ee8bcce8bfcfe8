package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// textMax is the longest text a filter takes, in characters.
const textMax = 200

// typed is what stands in a field of the address or the form: valid text on one line, at most max characters.
func (v *visit) typed(name string, max int) string { return oneLine(v.FormValue(name), max) }

func oneLine(text string, max int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > max {
		text = string(runes[:max])
	}
	return text
}

// number is a small whole number of the address; 0 for anything else.
func (v *visit) number(name string) int32 {
	n, err := strconv.ParseInt(v.FormValue(name), 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// parseDay reads a calendar day as date fields send it, and as people type it: 2026-09-07, 2026/9/7.
func parseDay(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102"} {
		if day, err := time.Parse(layout, text); err == nil {
			return day, day.Year() >= 1990 && day.Year() <= 2200
		}
	}
	return time.Time{}, false
}

// bookedDay reads the day that an entry is to belong to; wrong is the message when it cannot. Nothing has happened on a
// day that is still to come: most often its year is mistyped.
func (v *visit) bookedDay(text string) (day time.Time, wrong string) {
	day, ok := parseDay(text)
	switch {
	case !ok:
		return day, T(v.lang, "wrong.day")
	case day.After(v.book.Day(v.now)):
		return day, T(v.lang, "wrong.day.ahead")
	case day.Before(v.earliestDay()):
		return day, T(v.lang, "wrong.day.past", ISODay(v.earliestDay()))
	}
	switch err := v.byHand(v.s.DB, day); {
	case errors.Is(err, ledger.ErrPeriodClosed):
		return day, T(v.lang, "wrong.day.closed", day.Format("2006-01"))
	case err != nil: // the form is checked again when it is carried out
		v.s.Log.Error("read month", "error", err)
	}
	return day, ""
}

// earliestDay is how far back somebody may date a voucher by hand: the year before this one, until its months are closed.
func (v *visit) earliestDay() time.Time {
	return ledger.Day(v.book.Day(v.now).Year()-1, time.January, 1)
}

// dayField reads a day that may be left out; one that cannot be read is an error at its field.
func (v *visit) dayField(p *Page, name string) time.Time {
	text := v.typed(name, 20)
	if text == "" {
		return time.Time{}
	}
	day, ok := parseDay(text)
	if !ok {
		p.Errors.Add(name, p.T("wrong.day"))
	}
	return day
}

// checkSpan says at the field when a filter ends before it begins: nothing would be found, and nobody told why.
func checkSpan(p *Page, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		p.Errors.Add("to", p.T("wrong.period"))
	}
}

// amountField reads an amount that may be left out.
func (v *visit) amountField(p *Page, name string) int64 {
	text := v.typed(name, 40)
	if text == "" {
		return 0
	}
	minor, err := money.ParseInput(text, v.book.Currency)
	if err != nil || minor < 0 {
		p.Errors.Add(name, p.T("wrong.amount"))
		return 0
	}
	return minor
}

// firstPage is the address of the list's beginning for the link back; empty on the first page, which has no cursor.
func (v *visit) firstPage(cursor string, later bool) string {
	if !later {
		return ""
	}
	return v.with(cursor, "")
}

// with is the page's own address with some parameters set; an empty value takes one out.
func (v *visit) with(pairs ...string) string {
	query := v.Request().URL.Query()
	query.Del("lang")
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			query.Del(pairs[i])
		} else {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return address(v.Request().URL.Path, query)
}

func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// formID is the id a form was made with. A form without one was not made by us.
func (v *visit) formID() (uuid.UUID, error) {
	id, err := uuid.Parse(v.FormValue("form"))
	if err != nil {
		return uuid.Nil, echo.NewHTTPError(http.StatusUnprocessableEntity)
	}
	return id, nil
}

// newForm is the id of a form that is about to be shown.
func newForm() string { return uuid.Must(uuid.NewV7()).String() }

// idParam is an entry or request of the address; what cannot be one does not exist.
func (v *visit) idParam() (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return uuid.Nil, ledger.ErrNoEntry
	}
	return id, nil
}

// numberParam is a fund or account of the address.
func (v *visit) numberParam() (int32, error) {
	n, err := strconv.ParseInt(v.Param("id"), 10, 32)
	if err != nil || n <= 0 {
		return 0, echo.ErrNotFound
	}
	return int32(n), nil
}

func (v *visit) see(path string) error { return v.Redirect(http.StatusSeeOther, path) }

// businessDay is the business day of now.
func (v *visit) businessDay() time.Time { return v.book.Day(v.now) }
