package web

import (
	"errors"
	"net/http"
	"strconv"

	"sunfund/ledger"
	"sunfund/ledger/funds"
)

// fundFileShow is a fund's file: what was applied for, the committee, the charter with its versions, the steps that may follow.
func (v *visit) fundFileShow() error { return v.fundFileAgain(http.StatusOK, nil) }

func (v *visit) fundFileAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	f, err := v.fundFile(v.s.DB, id)
	if err != nil {
		return err
	}
	here := fundFilesPath + "/" + id.String()
	view := v.fundRecord(f.Label()+" "+f.Name(string(v.lang)), wrong, here)
	state := v.fundFileState(f)
	view.Status, view.State = state.Tag, state.Text
	seats, err := funds.Seats(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	bench, err := funds.BenchOf(v.ctx(), v.s.DB, v.book, v.businessDay())
	if err != nil {
		return err
	}
	view.Lead = v.fundFileNext(f, seats, bench)
	terms := &f.Terms
	if f.State == funds.Open || f.State == funds.Closed {
		versions, err := v.fundVersions(f, &view)
		if err != nil {
			return err
		}
		terms = &versions[len(versions)-1].Terms
	}
	if view.Facts, err = v.fundFileFacts(f, terms); err != nil {
		return err
	}
	committee := grid{Title: T(v.lang, "fundfile.committee"), Empty: T(v.lang, "fundfile.committee.none"), Heads: v.heads("fundfile.seat", "fundfile.seat.kind", "fundfile.seat.capacity", "fundfile.seat.vote", "fundfile.seat.opinion")}
	for _, s := range seats {
		committee.Rows = append(committee.Rows, []cell{{Text: strconv.Itoa(int(s.Seat))}, {Text: T(v.lang, "fundfile.seat.kind."+s.Kind)}, textCell(s.Capacity), {Text: T(v.lang, "fundfile.seat.vote."+s.Vote)}, textCell(s.Opinion)})
	}
	view.Grids = append([]grid{committee}, view.Grids...)
	acts, err := v.fundFileActs(v.s.DB, f)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, f.Object(), status)
}

// fundFileNext says what happens next.
func (v *visit) fundFileNext(f *funds.File, seats []funds.Seat, bench funds.Bench) string {
	switch {
	case f.State == funds.Draft:
		if lacks := bench.Lacks(seats); len(lacks) > 0 {
			return T(v.lang, "fundfile.next.committee") + " " + v.fieldWords(lacks[0])
		}
		return T(v.lang, "fundfile.next.agreement")
	case f.State == funds.Closed && f.PublishedOn == nil && f.PublishBy == nil:
		return T(v.lang, "fundfile.next.unpublished")
	case f.State == funds.Closed && f.PublishedOn == nil:
		return T(v.lang, "fundfile.next.publish", Day(v.lang, *f.PublishBy))
	}
	return T(v.lang, "fundfile.next."+f.State)
}

func (v *visit) fundFileFacts(f *funds.File, terms *funds.Terms) (facts []Fact, err error) {
	if f.FundID != nil {
		facts = append(facts, Fact{Term: T(v.lang, "subsidy.fund"), Value: f.Code + " " + f.Name(string(v.lang)), Href: "/console/funds/" + strconv.Itoa(int(*f.FundID))})
	} else {
		facts = append(facts, v.fact("fund.code", f.Code))
	}
	if f.StreetID != nil {
		streets, err := v.streets()
		if err != nil {
			return nil, err
		}
		facts = append(facts, v.fact("fund.street", streets[*f.StreetID]))
	}
	about := f.AboutZH
	if v.lang == EN {
		about = f.AboutEN
	}
	facts = append(facts, v.fact("fundfile.about", about))
	rules, err := v.termFacts(terms)
	if err != nil {
		return nil, err
	}
	facts = append(facts, rules...)
	if f.Agency != nil {
		answer := map[bool]string{true: T(v.lang, "agency.yes"), false: T(v.lang, "agency.no")}
		facts = append(facts, v.fact("agency.outcome", v.agencyOutcome(*f.Agency)))
		for _, one := range []struct {
			name string
			yes  bool
		}{{"passed", f.Agency.PassOn}, {"duty", f.Agency.NoIncrease}, {"powerless", f.Agency.NoPower}, {"named", f.Agency.Named}} {
			facts = append(facts, v.fact("agency.short."+one.name, answer[one.yes]))
			if one.yes == (one.name == "passed") { // it decided: the others were not asked
				break
			}
		}
	}
	if f.Agreement != nil {
		facts = append(facts, v.fact("fundfile.agreement", hashShown(f.Agreement)))
	}
	money, err := v.fundMoneyFacts(f)
	return append(facts, money...), err
}

// fundMoneyFacts are what the rules come to: what may still be levied, what has to be spent, where the rest went.
func (v *visit) fundMoneyFacts(f *funds.File) (facts []Fact, err error) {
	if f.State == funds.Open {
		levy, err := funds.LevyOf(v.ctx(), v.s.DB, v.book, *f.FundID)
		switch {
		case err == nil:
			facts = append(facts, v.fact("fundfile.levy.left", T(v.lang, "fundfile.levy.sum", v.amount(levy.Left), v.amount(levy.Base), v.amount(levy.Cap), v.amount(levy.Levied))))
		case !errors.Is(err, funds.ErrNoLevy):
			return nil, err
		}
		spend, err := funds.SpendOf(v.ctx(), v.s.DB, v.book, *f.FundID, v.businessDay())
		if err != nil {
			return nil, err
		}
		if spend.BP > 0 {
			facts = append(facts, v.fact("fundfile.spend.state", T(v.lang, "fundfile.spend.sum", v.amount(spend.Least), v.amount(spend.Spent), v.amount(spend.Left))))
		}
	}
	if f.State == funds.Closed {
		facts = append(facts, v.fact("fundfile.closed", Day(v.lang, *f.ClosedOn)), v.sumFact("fundfile.rest", *f.Rest))
		if f.RestTo != nil {
			list, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
			if err != nil {
				return nil, err
			}
			for i := range list {
				if list[i].ID == *f.RestTo {
					facts = append(facts, v.fact("fundfile.rest.to", list[i].Name(string(v.lang))))
				}
			}
		}
		if f.PublishedOn != nil {
			facts = append(facts, v.fact("project.published", Day(v.lang, *f.PublishedOn)+" "+f.PublishedAt))
		}
	}
	return facts, nil
}

// fundVersions lists the versions of the charter.
func (v *visit) fundVersions(f *funds.File, view *recordView) ([]funds.Charter, error) {
	list, err := funds.Versions(v.ctx(), v.s.DB, v.book, *f.FundID)
	if err != nil {
		return nil, err
	}
	g := grid{Title: T(v.lang, "fundfile.versions"), Heads: v.heads("fundfile.version", "fundfile.basis", "fundfile.ref", "fundfile.purposes", "fundfile.levy", "fundfile.window", "fundfile.made")}
	names := newNames(v)
	for i := range list {
		c := &list[i]
		facts, err := v.termFacts(&c.Terms)
		if err != nil {
			return nil, err
		}
		made, err := names.of(c.MadeBy)
		if err != nil {
			return nil, err
		}
		second, err := names.of(c.Second)
		if err != nil {
			return nil, err
		}
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(int(c.Version))}, {Text: T(v.lang, "fundfile.basis."+c.Basis)}, textCell(c.BasisRef), {Text: facts[1].Value, User: true}, {Text: facts[3].Value}, {Text: facts[2].Value},
			textCell(When(v.lang, c.MadeAt, v.book.Zone) + " · " + made + T(v.lang, "console.and") + second)})
	}
	view.Grids = append(view.Grids, g)
	return list, nil
}

// fundFileStep takes a step of a file, or asks another person for it.
func (v *visit) fundFileStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	f, err := v.fundFile(v.s.DB, id)
	if err != nil {
		return err
	}
	acts, err := v.fundFileActs(v.s.DB, f)
	if err != nil {
		return err
	}
	return v.perform(id, fundFilesPath+"/"+id.String(), v.fundFileAgain, acts...)
}
