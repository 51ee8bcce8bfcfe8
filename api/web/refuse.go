package web

import (
	"errors"
	"net/http"

	"sunfund/api/problem"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/staff"
)

// refuse answers with a page that says which rule stood against it, by how much, and what would help. s names the
// funds; nil when none is spoken of.
func (v *visit) refuse(err error, s *sight, ways ...Link) error {
	p := problem.Of(err)
	if p.Status == http.StatusForbidden {
		v.denied(p)
	}
	view := NewErrorView(v.consolePage("", ""), p.Status)
	view.Heading, view.What, view.Next, view.Ways = T(v.lang, "refuse.heading"), p.Title(string(v.lang)), "", ways
	var short *ledger.ShortError
	var guard *ledger.GuardError
	var unbalanced *ledger.UnbalancedError
	var purpose *ledger.PurposeError
	var window *ledger.WindowError
	switch {
	case errors.As(err, &purpose):
		what, words := T(v.lang, "refuse.purpose.none"), purpose.Purpose
		may, namesErr := v.purposeNames(purpose.May)
		if namesErr == nil && words != "" {
			words, namesErr = v.purposeNames([]string{words})
			what = words
		}
		if namesErr != nil {
			return namesErr
		}
		view.What = T(v.lang, "refuse.purpose", v.fundName(s, purpose.Fund), may, what)
		view.Next = T(v.lang, "refuse.purpose.next")
	case errors.As(err, &window):
		view.What = T(v.lang, "refuse.window", v.fundName(s, window.Fund), ISODay(window.Day))
		view.Next = T(v.lang, "refuse.window.next")
	case errors.As(err, &short):
		view.What = T(v.lang, "refuse.short", v.fundName(s, short.Fund), v.amount(short.Needed-short.Available), v.amount(short.Needed), v.amount(short.Available))
		view.Next = T(v.lang, "refuse.short.next")
	case errors.As(err, &guard):
		acct := chart.MustByID(guard.Leaf.Chart)
		view.What = T(v.lang, "refuse.guard", v.code(acct)+" "+acct.Name(string(v.lang)), v.fundName(s, guard.Leaf.Fund), v.amount(max(guard.After, -guard.After)))
		view.Next = T(v.lang, "refuse.guard.next")
	case errors.As(err, &unbalanced):
		view.What = T(v.lang, "refuse.unbalanced", v.fundName(s, unbalanced.Fund), v.amount(unbalanced.Difference))
	case errors.Is(err, staff.ErrOwn):
		view.What = T(v.lang, "approval.own")
	case errors.Is(err, ledger.ErrPeriodHard):
		view.Next = T(v.lang, "period.hard.next")
	}
	view.Title = view.Heading
	return v.s.render.Fail(v.Context, view)
}

func (v *visit) fundName(s *sight, id int32) string {
	if s != nil {
		if f := s.fund(id); f != nil {
			return f.Name(string(v.lang))
		}
	}
	return T(v.lang, "refuse.fund")
}
