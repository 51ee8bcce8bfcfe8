package web

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/staff"
)

// providerPath is where an organisation's person sees what is the organisation's own: offers, proposals, contracts, payments.
const providerPath = "/provider"

// firms are the organisations that this person signs in for.
func (v *visit) firms(q pg.Querier) ([]uuid.UUID, error) {
	return projects.PayeesOf(v.ctx(), q, v.book, v.who.Person.ID)
}

// ownFirms are their records.
func (v *visit) ownFirms(q pg.Querier) (list []projects.Payee, err error) {
	ids, err := v.firms(q)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		p, err := projects.PayeeByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		list = append(list, *p)
	}
	return list, nil
}

// ownFirm is the organisation of a form, when this person signs in for it.
func (v *visit) ownFirm(q pg.Querier, id uuid.UUID) (*projects.Payee, error) {
	ids, err := v.firms(q)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, id) {
		return nil, giving.ErrNoRecord
	}
	return projects.PayeeByID(v.ctx(), q, v.book, id)
}

func firmBlank(list []projects.Payee) blank {
	b := blank{name: "payee", label: "contract.payee", kind: "select"}
	for _, p := range list {
		b.options = append(b.options, Option{Value: p.ID.String(), Label: p.Name})
	}
	return b
}

// ownProposal reads a proposal of one's own organisation; another's is as one that is not there.
func (v *visit) ownProposal(q pg.Querier, id uuid.UUID) (*calls.Proposal, error) {
	ids, err := v.firms(q)
	if err != nil {
		return nil, err
	}
	p, err := calls.ProposalByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, p.PayeeID) {
		return nil, giving.ErrNoRecord
	}
	return p, nil
}

// ownContract reads a contract of one's own organisation that is more than a draft.
func (v *visit) ownContract(q pg.Querier, id uuid.UUID) (*projects.Contract, error) {
	ids, err := v.firms(q)
	if err != nil {
		return nil, err
	}
	c, err := projects.ContractByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, c.PayeeID) || c.State == projects.Draft || c.State == projects.Void {
		return nil, giving.ErrNoRecord
	}
	return c, nil
}

func (v *visit) providerRecord(heading string, wrong Errors, path string) recordView {
	view := recordView{Page: v.consolePage(heading, providerPath), Heading: heading}
	view.Errors, view.Path = wrong, path
	return view
}

// offerEnter offers a service; the street publishes it.
func (v *visit) offerEnter(firms []projects.Payee) (act, error) {
	streets, err := v.allStreets()
	if err != nil {
		return act{}, err
	}
	places := append([]Option{{Value: "0", Label: T(v.lang, "need.street.every")}}, streets...)
	return act{name: "own-offer", needs: staff.OwnWork, blanks: []blank{firmBlank(firms), {name: "title", label: "provider.offer.title", max: 60}, {name: "theme", label: "need.theme", kind: "select", options: v.choices("need.theme", needs.Themes()...)},
		{name: "street", label: "provider.where", kind: "select", options: places}, {name: "story", label: "need.story", kind: "area", max: 1000, optional: true}, {name: "people", label: "provider.people", kind: "number", optional: true}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			firm, err := v.ownFirm(q, in.id("payee"))
			if err != nil {
				return nil, err
			}
			return needs.OfferOf(v.book, needs.Item{ID: id, Title: in["title"], Theme: in["theme"], StreetID: int32(in.number("street")), Story: in["story"], People: int32(in.number("people"))}, firm.ID, firm.Name, v.now)
		}}, nil
}

// providerShow is the first page of an organisation's person.
func (v *visit) providerShow() error { return v.providerAgain(http.StatusOK, nil) }

func (v *visit) providerAgain(status int, wrong Errors) error {
	view := v.providerRecord(T(v.lang, "place.provider"), wrong, providerPath)
	firms, err := v.ownFirms(v.s.DB)
	if err != nil {
		return err
	}
	if len(firms) == 0 {
		view.Lead = T(v.lang, "provider.none")
		return v.s.render.Render(v.Response(), status, "console/record", view)
	}
	view.Lead = T(v.lang, "provider.lead")
	var ids []uuid.UUID
	for i := range firms {
		ids = append(ids, firms[i].ID)
	}
	ratings, err := projects.Ratings(v.ctx(), v.s.DB, v.book, ids)
	if err != nil {
		return err
	}
	for i := range firms {
		p, r := &firms[i], ratings[firms[i].ID]
		view.Facts = append(view.Facts, v.fact("contract.payee", p.Name), v.fact("payee.standing", T(v.lang, "payee.standing."+p.Standing)), v.fact("payee.credit", T(v.lang, "payee.credit."+p.Credit)),
			v.fact("payee.rating", v.points(r.Points, r.Contracts)), v.fact("payee.ready", v.readyCell(p).Text))
		if p.Account != "" {
			view.Facts = append(view.Facts, v.fact("payee.account", p.Bank+" …"+p.Account[max(0, len(p.Account)-4):]))
		}
	}
	view.Facts = append(view.Facts, v.fact("provider.account", T(v.lang, "provider.account.how")))
	if view.Grids, err = v.providerGrids(ids); err != nil {
		return err
	}
	offer, err := v.offerEnter(firms)
	if err != nil {
		return err
	}
	if err := v.offer(&view, providerPath, offer); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// providerGrids are open calls, and one's own proposals, contracts, payments and offers.
func (v *visit) providerGrids(ids []uuid.UUID) ([]grid, error) {
	open := grid{Title: T(v.lang, "provider.calls"), Empty: T(v.lang, "provider.calls.none"), Heads: v.heads("need.number", "call.title", "call.days", "#call.budget")}
	list, err := calls.List(v.ctx(), v.s.DB, v.book, calls.Filter{All: true, State: calls.Open})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if c := &list[i]; c.Takes(v.now) {
			open.Rows = append(open.Rows, []cell{{Text: c.Name(), Href: providerPath + callHref(c)}, textCell(c.Title), {Text: v.callDays(c)}, v.sumCell(c.Budget)})
		}
	}
	mine, err := calls.Proposals(v.ctx(), v.s.DB, v.book, calls.Filter{All: true, Payees: ids, Limit: 100})
	if err != nil {
		return nil, err
	}
	proposals := grid{Title: T(v.lang, "proposal.heading"), Empty: T(v.lang, "proposal.none"), Heads: v.proposalHeads(), Rows: v.proposalRows(mine, providerPath+"/proposals")}
	contracts := grid{Title: T(v.lang, "contract.heading"), Empty: T(v.lang, "provider.contracts.none"), Heads: v.contractHeads()}
	payments := grid{Title: T(v.lang, "pay.heading"), Empty: T(v.lang, "provider.payments.none"), Heads: v.paymentHeads()}
	offers := grid{Title: T(v.lang, "provider.offers"), Empty: T(v.lang, "provider.offers.none"), Heads: v.heads("need.number", "need.title", "need.theme", "person.state")}
	for _, id := range ids {
		signed, err := projects.Contracts(v.ctx(), v.s.DB, v.book, projects.ContractFilter{All: true, Payee: &id})
		if err != nil {
			return nil, err
		}
		signed = slices.DeleteFunc(signed, func(c projects.Contract) bool { return c.State == projects.Draft || c.State == projects.Void })
		rows, err := v.contractRows(signed)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i][0].Href = providerPath + "/contracts/" + signed[i].ID.String()
		}
		contracts.Rows = append(contracts.Rows, rows...)
		paid, err := projects.Payments(v.ctx(), v.s.DB, v.book, projects.PaymentFilter{All: true, Payee: &id})
		if err != nil {
			return nil, err
		}
		payments.Rows = append(payments.Rows, v.ownPayments(paid)...)
		offered, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{All: true, Filed: true, Payee: &id})
		if err != nil {
			return nil, err
		}
		for i := range offered {
			o := &offered[i]
			row := []cell{{Text: o.Name()}, textCell(o.Title), {Text: T(v.lang, "need.theme."+o.Theme)}, v.needState(o)}
			if o.Shown() {
				row[0].Href = needHref(o)
			}
			offers.Rows = append(offers.Rows, row)
		}
	}
	return []grid{contracts, payments, open, proposals, offers}, nil
}

// ownPayments are rows of payments; what the bank has debited leads to the note about it.
func (v *visit) ownPayments(list []projects.Payment) [][]cell {
	rows := v.paymentRows(list)
	for i := range rows {
		rows[i][0].Href = ""
		if list[i].PaidOn != nil {
			rows[i][0].Href = providerPath + "/payments/" + list[i].ID.String() + "/note"
		}
	}
	return rows
}

func (v *visit) providerStep() error {
	firms, err := v.ownFirms(v.s.DB)
	if err != nil {
		return err
	}
	offer, err := v.offerEnter(firms)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, providerPath, v.providerAgain, offer)
}

// applyForm is where an organisation applies under a call.
func (v *visit) applyForm() error { return v.applyAgain(http.StatusOK, nil) }

func (v *visit) applyAgain(status int, wrong Errors) error {
	c, err := v.callOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	view := v.providerRecord(c.Name()+" "+c.Title, wrong, providerPath+callHref(c))
	state := v.callState(c)
	view.Status, view.State, view.Story, view.Lead = state.Tag, state.Text, c.About, T(v.lang, "call.public.next."+v.callStage(c))
	view.Facts = []Fact{v.fact("call.days", v.callDays(c)), v.sumFact("call.budget", c.Budget), v.fact("call.rule", T(v.lang, "call.rule.most", v.amount(c.Most())))}
	view.Links = []Link{{T(v.lang, "call.rules"), callHref(c)}}
	if c.Takes(v.now) {
		a, err := v.applyAct(c)
		if err != nil {
			return err
		}
		if err := v.offer(&view, view.Path, a); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) applyAct(c *calls.Call) (act, error) {
	firms, err := v.ownFirms(v.s.DB)
	if err != nil {
		return act{}, err
	}
	blanks, err := v.proposalBlanks(c)
	if err != nil {
		return act{}, err
	}
	return act{name: "own-apply", needs: staff.OwnWork, to: providerPath + "/proposals/", blanks: append([]blank{firmBlank(firms)}, blanks...), plan: func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		c, err := v.callOfNumber(q)
		if err != nil {
			return nil, err
		}
		firm, err := v.ownFirm(q, in.id("payee"))
		if err != nil {
			return nil, err
		}
		return v.planProposal(q, c, firm, in)
	}}, nil
}

func (v *visit) apply() error {
	c, err := v.callOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	a, err := v.applyAct(c)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, providerPath+callHref(c), v.applyAgain, a)
}

// ownProposalShow is a proposal as its organisation sees it.
func (v *visit) ownProposalShow() error { return v.ownProposalAgain(http.StatusOK, nil) }

func (v *visit) ownProposalAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.ownProposal(v.s.DB, id)
	if err != nil {
		return err
	}
	here := providerPath + "/proposals/" + id.String()
	view := v.providerRecord(p.Name()+" "+p.Title, wrong, here)
	c, err := v.proposalFill(&view, p)
	if err != nil {
		return err
	}
	if c != nil {
		view.Links = []Link{{c.Name() + " " + c.Title, callHref(c)}}
	}
	acts, err := v.proposalDrafting(p, (*visit).ownProposal, staff.OwnWork)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	if view.Papers, err = v.ownPapers(p.PayeeID, p.Object(), p.State == calls.Draft || p.State == calls.Filed); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) ownProposalStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.ownProposal(v.s.DB, id)
	if err != nil {
		return err
	}
	acts, err := v.proposalDrafting(p, (*visit).ownProposal, staff.OwnWork)
	if err != nil {
		return err
	}
	return v.perform(id, providerPath+"/proposals/"+id.String(), v.ownProposalAgain, acts...)
}

// ownObject is nil when a record is a proposal or contract of one's own organisation; else what its page answers.
func (v *visit) ownObject(object string) (payee uuid.UUID, err error) {
	m := objectName.FindStringSubmatch(object)
	if m == nil {
		return uuid.Nil, giving.ErrNoRecord
	}
	id, err := uuid.Parse(m[2])
	if err != nil {
		return uuid.Nil, giving.ErrNoRecord
	}
	switch m[1] {
	case "proposal":
		p, err := v.ownProposal(v.s.DB, id)
		if err != nil {
			return uuid.Nil, err
		}
		return p.PayeeID, nil
	case "contract":
		c, err := v.ownContract(v.s.DB, id)
		if err != nil {
			return uuid.Nil, err
		}
		return c.PayeeID, nil
	}
	return uuid.Nil, giving.ErrNoRecord
}
