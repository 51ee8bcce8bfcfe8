package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
)

// charterView is what everybody may read of a fund's charter, and of its end.
type charterView struct {
	Facts    []Fact
	Versions grid
	End      []Fact // of a closed fund: where its rest went and why
}

// publicCharter reads it; nil for a fund without a charter. Who made it and who sat in the committee is told by office, never by name.
func (v *visit) publicCharter(q pg.Querier, fund int32) (*charterView, error) {
	f, err := funds.FileOf(v.ctx(), q, v.book, fund)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	versions, err := funds.Versions(v.ctx(), q, v.book, fund)
	if err != nil {
		return nil, err
	}
	var view charterView
	view.Versions = grid{Title: T(v.lang, "fundfile.versions"), Heads: v.heads("fundfile.version", "trace.day", "fundfile.basis", "fundfile.ref", "fundfile.purposes", "fundfile.levy", "fundfile.window")}
	for i := range versions {
		c := &versions[i]
		uses, err := v.purposeNames(c.Terms.Purposes)
		if err != nil {
			return nil, err
		}
		view.Versions.Rows = append(view.Versions.Rows, []cell{{Text: strconv.Itoa(int(c.Version))}, {Text: ISODay(c.MadeAt.In(v.book.Zone))}, {Text: T(v.lang, "fundfile.basis."+c.Basis)}, textCell(c.BasisRef),
			{Text: uses, User: true}, {Text: v.levyWords(&c.Terms)}, {Text: v.windowWords(&c.Terms)}})
	}
	if len(versions) > 0 {
		if view.Facts, err = v.termFacts(&versions[len(versions)-1].Terms); err != nil {
			return nil, err
		}
	}
	seats, err := funds.Seats(v.ctx(), q, v.book, f.ID)
	if err != nil {
		return nil, err
	}
	view.Facts = append(view.Facts, v.committeeFacts(seats)...)
	if f.State == funds.Closed {
		view.End, err = v.endFacts(q, f)
	}
	return &view, err
}

// committeeFacts are the size of the committee that opened the fund, how it voted, and who supervised.
func (v *visit) committeeFacts(seats []funds.Seat) []Fact {
	var members, yes int
	var supervisors []string
	for _, s := range seats {
		switch {
		case s.Kind == funds.Member:
			members++
			if s.Vote == funds.Yes {
				yes++
			}
		case s.Vote == funds.Heard:
			supervisors = append(supervisors, s.Capacity)
		}
	}
	return []Fact{v.fact("fundfile.committee", T(v.lang, "fundpage.committee.size", members, yes)), v.fact("fundpage.supervisor", strings.Join(supervisors, T(v.lang, "console.and")))}
}

// endFacts say where the rest of a closed fund went: to which fund, how much, on which day, and what allowed it.
func (v *visit) endFacts(q pg.Querier, f *funds.File) ([]Fact, error) {
	facts := []Fact{v.fact("fundfile.closed", Day(v.lang, *f.ClosedOn)), v.fact("fundpage.end.reason", f.RestReason), v.sumFact("fundfile.rest", *f.Rest)}
	if f.RestTo == nil {
		return append(facts, v.fact("fundfile.rest.to", T(v.lang, "fundpage.end.nothing"))), nil
	}
	list, err := ledger.Funds(v.ctx(), q, v.book)
	if err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(list, func(o ledger.Fund) bool { return o.ID == *f.RestTo }); at >= 0 {
		facts = append(facts, Fact{Term: T(v.lang, "fundfile.rest.to"), Value: list[at].Name(string(v.lang)), Href: fundHref(&list[at])})
	}
	why := ""
	switch f.RestBasis {
	case funds.BySimilar:
		versions, err := funds.Versions(v.ctx(), q, v.book, *f.RestTo)
		if err != nil {
			return nil, err
		}
		var then []string // what it was for on that day
		for i := range versions {
			if !v.book.Day(versions[i].MadeAt).After(*f.ClosedOn) {
				then = versions[i].Terms.Purposes
			}
		}
		uses, err := v.purposeNames(then)
		if err != nil {
			return nil, err
		}
		why = T(v.lang, "fundpage.end.similar", uses)
	case funds.ByFiling, funds.ByConsent:
		why = T(v.lang, "fundfile.basis."+f.RestBasis) + " " + f.RestRef
	}
	facts = append(facts, v.fact("fundpage.end.why", why))
	if f.PublishedOn != nil {
		facts = append(facts, v.fact("project.published", Day(v.lang, *f.PublishedOn)))
	}
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Value == "" }), nil // a fund closed long ago says less
}
