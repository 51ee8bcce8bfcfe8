package web

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/staff"
)

// callActs are the steps that may follow, the likeliest first.
func (v *visit) callActs(c *calls.Call) (acts []act, err error) {
	revoke := act{name: "call-revoke", needs: staff.NeedWrite, danger: true, blanks: []blank{whyBlank()}, plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
		return calls.Revoke(v.ctx(), q, v.book, c, in["reason"])
	})}
	switch v.callStage(c) {
	case calls.Draft:
		if acts, err = v.callDrafting(c); err != nil {
			return nil, err
		}
	case "soon":
		reviewer, err := v.callReviewer(c)
		if err != nil {
			return nil, err
		}
		acts = []act{reviewer}
	case calls.Open:
		enter, err := v.proposalEnter(c)
		if err != nil {
			return nil, err
		}
		reviewer, err := v.callReviewer(c)
		if err != nil {
			return nil, err
		}
		acts = []act{enter, reviewer}
	case "review":
		acts = []act{{name: "call-announce", needs: staff.NeedWrite, plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, _ inputs) (*giving.Move, error) {
			return calls.Announce(v.ctx(), q, v.book, c, v.startOf(v.book.Day(v.now).AddDate(0, 0, int(c.NoticeDays)+1)), v.now)
		})}}
		reviewer, err := v.callReviewer(c)
		if err != nil {
			return nil, err
		}
		acts = append(acts, reviewer)
	case calls.Notice, "award":
		if acts, err = v.callNotice(c); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	return append(acts, revoke), nil
}

// callDrafting fills a draft in.
func (v *visit) callDrafting(c *calls.Call) ([]act, error) {
	funds, err := v.callFunds(c.StreetID)
	if err != nil {
		return nil, err
	}
	reviewer, err := v.callReviewer(c)
	if err != nil {
		return nil, err
	}
	return []act{
		{name: "call-source", needs: staff.NeedWrite, blanks: []blank{{name: "fund", label: "vote.fund", thing: "fund", hint: "call.fund.hint", kind: "select", options: funds},
			{name: "treatment", label: "contract.treatment", kind: "select", options: v.choices("contract.treatment", projects.Treatments()...)}, {name: "payer", label: "call.payer", max: 100}, {name: "amount", label: "filter.amount", kind: "amount"}},
			plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
				s, err := v.sight()
				if err != nil {
					return nil, err
				}
				fund := int32(in.number("fund"))
				if s.fund(fund) == nil {
					fund = 0 // refused as a fund that is not there
				}
				return calls.AddSource(v.ctx(), q, v.book, c, calls.Source{FundID: fund, Treatment: in["treatment"], Payer: in["payer"], Amount: in.sum("amount", v.book)})
			})},
		{name: "call-criterion", needs: staff.NeedWrite, blanks: []blank{{name: "label", label: "call.criterion", hint: "call.criterion.hint", max: 60}, {name: "points", label: "call.points.most", hint: "call.points.hint", kind: "number"}},
			plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
				return calls.AddCriterion(v.ctx(), q, v.book, c, in["label"], int32(in.number("points")))
			})},
		reviewer,
		{name: "call-publish", needs: staff.NeedWrite, plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, _ inputs) (*giving.Move, error) {
			return calls.Publish(v.ctx(), q, v.book, c, v.now)
		})}}, nil
}

// callReviewer names one more reviewer, of those who may assess for the street.
func (v *visit) callReviewer(c *calls.Call) (act, error) {
	people, err := staff.Permitted(v.ctx(), v.s.DB, v.book.ID, staff.ProjectAssess, c.StreetID)
	if err != nil {
		return act{}, err
	}
	names := newNames(v)
	options := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, id := range people {
		name, err := names.of(id)
		if err != nil {
			return act{}, err
		}
		options = append(options, Option{Value: id.String(), Label: name})
	}
	return act{name: "call-reviewer", needs: staff.NeedWrite, blanks: []blank{{name: "person", label: "call.reviewer", kind: "select", options: options}}, plan: ofCall(func(v *visit, _ pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
		return calls.AddReviewer(v.book, c, in.id("person"))
	})}, nil
}

// proposalEnter writes a proposal down for an organisation that does not sign in itself.
func (v *visit) proposalEnter(c *calls.Call) (act, error) {
	list, err := projects.Payees(v.ctx(), v.s.DB, v.book, projects.PayeeFilter{Kind: projects.Organisation, Limit: 500})
	if err != nil {
		return act{}, err
	}
	payees := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, p := range list {
		payees = append(payees, Option{Value: p.ID.String(), Label: p.Name})
	}
	blanks, err := v.proposalBlanks(c)
	if err != nil {
		return act{}, err
	}
	return act{name: "proposal-enter", needs: staff.NeedWrite, to: proposalsPath + "/", blanks: append([]blank{{name: "payee", label: "contract.payee", kind: "select", options: payees}}, blanks...),
		plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
			payee, err := v.payee(q, in.id("payee"))
			if err != nil {
				return nil, err
			}
			return v.planProposal(q, c, payee, in)
		})}, nil
}

// planProposal makes a draft from a form that is called by the form's id.
func (v *visit) planProposal(q pg.Querier, c *calls.Call, payee *projects.Payee, in inputs) (*giving.Move, error) {
	form, err := v.formID()
	if err != nil {
		return nil, err
	}
	p := calls.Proposal{ID: form, Title: in["title"], Plan: in["plan"], Place: in["place"], People: int32(in.number("people")), StartsOn: in.day("due-starts"), EndsOn: in.day("due-ends"), EnteredBy: v.who.Person.ID}
	if need := in.id("need"); need != uuid.Nil {
		p.NeedID = &need
	}
	return calls.Apply(v.ctx(), q, v.book, c, payee, p, v.now)
}

// callNotice takes objections by letter, answers them, lets residents decide, and ends the call.
func (v *visit) callNotice(c *calls.Call) (acts []act, err error) {
	objections, err := calls.Objections(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	var open []Option
	for _, o := range objections {
		if o.State == calls.ObjectionOpen {
			open = append(open, Option{Value: o.ID.String(), Label: ISODay(v.book.Day(o.FiledAt)) + " " + oneLine(o.Text, 60)})
		}
	}
	answer := func(name string, upheld bool) act {
		return act{name: name, needs: staff.NeedWrite, danger: upheld, blanks: []blank{{name: "objection", label: "call.objection", kind: "select", options: open}, {name: "answer", label: "need.answer", hint: "need.answer.hint", kind: "area", max: 400}},
			plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
				list, err := calls.Objections(v.ctx(), q, v.book, c.ID)
				if err != nil {
					return nil, err
				}
				for i := range list {
					if list[i].ID == in.id("objection") {
						return calls.Answer(v.ctx(), q, v.book, c, &list[i], upheld, in["answer"], v.now)
					}
				}
				return nil, giving.ErrStep
			})}
	}
	if len(open) > 0 {
		acts = append(acts, answer("objection-reject", false), answer("objection-uphold", true))
	}
	if c.TakesObjections(v.now) {
		about, err := v.objectionAbout(c)
		if err != nil {
			return nil, err
		}
		return append(acts, act{name: "call-object", needs: staff.NeedWrite, blanks: []blank{{name: "about", label: "call.objection.about", kind: "select", optional: true, options: about}, {name: "objection", label: "call.objection", hint: "call.objection.hint", kind: "area", max: 400}},
			plan: ofCall(func(v *visit, _ pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
				form, err := v.formID()
				if err != nil {
					return nil, err
				}
				return calls.ObjectMove(v.book, c, calls.Objection{ID: form, ProposalID: idOf(in["about"]), Text: in["objection"], Person: &v.who.Person.ID}, v.now)
			})}), nil
	}
	vote, err := v.callToVote(c)
	if err != nil {
		return nil, err
	}
	return append(append(acts, vote...), act{name: "call-settle", needs: staff.NeedWrite, plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, _ inputs) (*giving.Move, error) {
		return calls.Settle(v.ctx(), q, v.book, c, v.now)
	})}), nil
}

// idOf reads an id that may be missing.
func idOf(text string) *uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return &id
}

// objectionAbout offers the ranked proposals, and the ranking as a whole.
func (v *visit) objectionAbout(c *calls.Call) ([]Option, error) {
	options := []Option{{Label: T(v.lang, "call.objection.all")}}
	list, err := calls.Ranking(v.ctx(), v.s.DB, v.book, c)
	for _, p := range list {
		options = append(options, Option{Value: p.ID.String(), Label: fmt.Sprintf("%s %s · %s", p.Name(), p.Title, p.Payee)})
	}
	return options, err
}

// callToVote puts what passed to a vote of residents: one that is drafted for the same street and fund.
func (v *visit) callToVote(c *calls.Call) ([]act, error) {
	list, err := polls.List(v.ctx(), v.s.DB, v.book, polls.Filter{Streets: []int32{c.StreetID}, Drafts: true})
	if err != nil {
		return nil, err
	}
	var drafts []Option
	for i := range list {
		if list[i].State == polls.Draft {
			drafts = append(drafts, Option{Value: list[i].ID.String(), Label: list[i].Name() + " " + list[i].Title(string(v.lang)) + " " + Amount(v.lang, v.amount(list[i].Budget))})
		}
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	return []act{{name: "call-to-vote", needs: staff.VoteWrite, blanks: []blank{{name: "vote", label: "project.vote", hint: "call.vote.hint", kind: "select", options: drafts}}, plan: ofCall(func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error) {
		poll, err := v.poll(q, in.id("vote"))
		if err != nil {
			return nil, err
		}
		return calls.PutToVote(v.ctx(), q, v.book, c, poll, v.now)
	})}}, nil
}

// rankWords is a place in a ranking.
func rankWords(rank *int16) string {
	if rank == nil {
		return "—"
	}
	return strconv.Itoa(int(*rank))
}
