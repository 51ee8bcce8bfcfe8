package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/staff"
)

// pairList proposes for each listed need what offers and money suit it, and says why.
func (v *visit) pairList() error {
	view := v.needDesk("need.pairs", pairsPath)
	theme, err := view.choose(v, "theme", "need.theme", "need.theme", needs.Themes()...)
	if err != nil {
		return err
	}
	all, streets := v.who.Streets()
	pairs, err := needs.Pairs(v.ctx(), v.db(), v.book, all, streets)
	if err != nil {
		return err
	}
	view.Grid.Heads = v.heads("need.wanted", "need.book.offer", "need.why", "need.book.means", "need.why.means")
	for i := range pairs {
		p := &pairs[i]
		if theme != "" && p.Need.Theme != theme {
			continue
		}
		row := []cell{{Text: p.Need.Name() + " " + p.Need.Title, Href: needsPath + "/" + p.Need.ID.String(), User: true},
			{Text: p.Offer.Name() + " " + p.Offer.Title + " · " + p.Offer.Firm, Href: needsPath + "/" + p.Offer.ID.String(), User: true}, {Text: v.whyWords(p.Why)}, {Text: "—"}, {}}
		if p.Means != nil {
			row[3] = cell{Text: p.Means.Name() + " " + p.Means.Title + " · " + p.Means.Firm, Href: needsPath + "/" + p.Means.ID.String(), User: true}
			row[4].Text = v.whyWords(p.WhyMeans)
		}
		view.Grid.Rows = append(view.Grid.Rows, row)
	}
	return view.show(v, "pairs")
}

// whyWords are the reasons for a pair in words.
func (v *visit) whyWords(why []string) string {
	words := make([]string, len(why))
	for i, reason := range why {
		words[i] = T(v.lang, "need.why."+reason)
	}
	return strings.Join(words, T(v.lang, "bar.comma"))
}

// intentSign links a need with an offer and money; what suits the need stands first.
func (v *visit) intentSign(need *needs.Item) (act, error) {
	all, streets := v.who.Streets()
	find := func(book string) (suiting, others []Option, err error) {
		list, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{All: all, Streets: streets, Books: []string{book}, State: needs.Listed, Limit: 200})
		for n := range list {
			i := &list[n]
			o := Option{Value: i.ID.String(), Label: i.Name() + " " + i.Title + " · " + i.Firm}
			if i.Amount > 0 {
				o.Label += " " + Amount(v.lang, v.amount(i.Amount))
			}
			if why, points := i.Suits(need); points > 0 {
				o.Label += " (" + v.whyWords(why) + ")"
				suiting = append(suiting, o)
			} else {
				others = append(others, o)
			}
		}
		return suiting, others, err
	}
	offers, rest, err := find(needs.Offer)
	if err != nil {
		return act{}, err
	}
	offers = append([]Option{{Label: T(v.lang, "offline.choose")}}, append(offers, rest...)...)
	money, rest, err := find(needs.Means)
	if err != nil {
		return act{}, err
	}
	money = append([]Option{{Label: T(v.lang, "offline.choose")}}, append(money, rest...)...)
	s, err := v.sight()
	if err != nil {
		return act{}, err
	}
	for _, f := range s.funds {
		if (f.StreetID == nil || *f.StreetID == need.StreetID) && f.Kind != ledger.Agency && f.Kind != ledger.Endowment {
			money = append(money, Option{Value: strconv.Itoa(int(f.ID)), Label: T(v.lang, "vote.fund") + " " + f.Code + " " + f.Name(string(v.lang))})
		}
	}
	return act{name: "intent-sign", needs: staff.NeedWrite, to: intentsPath + "/", blanks: []blank{{name: "offer", label: "need.book.offer", hint: "need.intent.offer.hint", kind: "select", options: offers},
		{name: "means", label: "need.money", hint: "need.money.hint", kind: "select", options: money}, {name: "amount", label: "filter.amount", kind: "amount"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			form, err := v.formID()
			if err != nil {
				return nil, err
			}
			want, err := v.need(q, id)
			if err != nil {
				return nil, err
			}
			offer, err := v.need(q, in.id("offer"))
			if err != nil {
				return nil, err
			}
			link := needs.Intent{ID: form, Amount: in.sum("amount", v.book)}
			var means *needs.Item
			if fund, err := strconv.ParseInt(in["means"], 10, 32); err == nil {
				one := int32(fund)
				link.FundID = &one
			} else if means, err = v.need(q, in.id("means")); err != nil {
				return nil, err
			}
			return needs.Link(v.book, link, want, offer, means)
		}}, nil
}

// intentSides are the three sides of an intent: need, offer, and money as a label with its page.
type intentSides struct {
	need, offer *needs.Item
	money       Link
}

// intentSides reads the sides of intents, one after the other as they are listed.
func (v *visit) intentSides(q pg.Querier, list ...needs.Intent) ([]intentSides, error) {
	var ids []uuid.UUID
	for i := range list {
		ids = append(ids, list[i].NeedID, list[i].OfferID)
		if list[i].MeansID != nil {
			ids = append(ids, *list[i].MeansID)
		}
	}
	items, err := needs.ByIDs(v.ctx(), q, v.book, ids)
	if err != nil {
		return nil, err
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	sides := make([]intentSides, len(list))
	for i := range list {
		in := &list[i]
		sides[i] = intentSides{need: items[in.NeedID], offer: items[in.OfferID]}
		if in.MeansID != nil {
			means := items[*in.MeansID]
			sides[i].money = Link{means.Name() + " " + means.Title + " · " + means.Firm, needsPath + "/" + means.ID.String()}
		} else {
			sides[i].money.Label = funds[*in.FundID].Name(string(v.lang))
		}
	}
	return sides, nil
}

func (v *visit) intentHeads() []head {
	return v.heads("need.wanted", "need.book.offer", "need.money", "person.state", "#filter.amount")
}

func (v *visit) intentRows(list []needs.Intent) (rows [][]cell, err error) {
	sides, err := v.intentSides(v.db(), list...)
	for i, s := range sides {
		rows = append(rows, []cell{{Text: s.need.Name() + " " + s.need.Title, Href: intentsPath + "/" + list[i].ID.String(), User: true}, textCell(s.offer.Name() + " " + s.offer.Title + " · " + s.offer.Firm),
			textCell(s.money.Label), v.intentState(&list[i]), v.sumCell(list[i].Amount)})
	}
	return rows, err
}

func (v *visit) intentState(in *needs.Intent) cell {
	return cell{Text: T(v.lang, "need.intent.state."+in.State), Tag: map[string]string{needs.Meant: "waiting", needs.Proposed: "done", needs.Dropped: "reversed"}[in.State]}
}

// intentList shows what needs, offers and money were linked.
func (v *visit) intentList() error {
	view := v.needDesk("need.intents", intentsPath)
	all, streets := v.who.Streets()
	before, _ := uuid.Parse(v.QueryParam("before")) // anything else is the first page
	view.Grid.Heads = v.intentHeads()
	return showAll(v, &view, "intents", before, listed[needs.Intent, uuid.UUID]{needs.ListMax, func(before uuid.UUID) ([]needs.Intent, error) {
		return needs.Intents(v.ctx(), v.db(), v.book, all, streets, nil, before)
	}, func(in *needs.Intent) uuid.UUID { return in.ID }, v.intentRows})
}

// needGrids adds the intents of an item to its page.
func (v *visit) needGrids(view *recordView, i *needs.Item) error {
	all, streets := v.who.Streets()
	list, err := needs.Intents(v.ctx(), v.s.DB, v.book, all, streets, &i.ID, uuid.Nil)
	if err != nil || len(list) == 0 {
		return err
	}
	rows, err := v.intentRows(list)
	view.Grids = append(view.Grids, grid{Title: T(v.lang, "need.intents.heading"), Heads: v.intentHeads(), Rows: rows})
	return err
}

// intent reads an intent whose need is in sight.
func (v *visit) intent(q pg.Querier, id uuid.UUID) (*needs.Intent, *needs.Item, error) {
	in, street, err := needs.IntentSight(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, nil, err
	}
	if !v.who.MaySee(0, &street) {
		return nil, nil, needs.ErrNoItem
	}
	need, err := needs.ByID(v.ctx(), q, v.book, in.NeedID)
	return in, need, err
}

func (v *visit) intentActs(in *needs.Intent, need, offer *needs.Item) ([]act, error) {
	if in.State != needs.Meant {
		return nil, nil
	}
	list, err := projects.Payees(v.ctx(), v.s.DB, v.book, projects.PayeeFilter{Kind: projects.Organisation, Limit: 500})
	if err != nil {
		return nil, err
	}
	payees, payee := []Option{{Label: T(v.lang, "offline.choose")}}, ""
	for _, p := range list {
		payees = append(payees, Option{Value: p.ID.String(), Label: p.Name})
		if p.Name == offer.Firm || offer.PayeeID != nil && *offer.PayeeID == p.ID {
			payee = p.ID.String()
		}
	}
	funds, err := v.callFunds(need.StreetID)
	if err != nil {
		return nil, err
	}
	fund := ""
	if in.FundID != nil {
		fund = strconv.Itoa(int(*in.FundID))
	}
	propose := act{name: "intent-propose", needs: staff.NeedWrite, to: proposalsPath + "/", blanks: []blank{{name: "payee", label: "contract.payee", hint: "need.intent.payee.hint", kind: "select", options: payees, value: payee},
		{name: "fund", label: "vote.fund", thing: "fund", hint: "call.fund.hint", kind: "select", options: funds, value: fund}, {name: "title", label: "call.title", max: 80, value: need.Title},
		{name: "plan", label: "project.plan", hint: "project.plan.hint", kind: "area", max: 2000}, {name: "people", label: "project.people", kind: "number", optional: true, value: strconv.Itoa(int(need.People))},
		{name: "due-starts", label: "project.starts", kind: "day"}, {name: "due-ends", label: "project.ends", kind: "day"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, typed inputs) (*giving.Move, error) {
			form, err := v.formID()
			if err != nil {
				return nil, err
			}
			link, need, err := v.intent(q, id)
			if err != nil {
				return nil, err
			}
			payee, err := v.payee(q, typed.id("payee"))
			if err != nil {
				return nil, err
			}
			s, err := v.sight()
			if err != nil {
				return nil, err
			}
			p := calls.Proposal{ID: form, FundID: int32(typed.number("fund")), Title: typed["title"], Plan: typed["plan"], Place: need.Place, People: int32(typed.number("people")), StartsOn: typed.day("due-starts"), EndsOn: typed.day("due-ends"), EnteredBy: v.who.Person.ID}
			if s.fund(p.FundID) == nil {
				p.FundID = 0 // refused as a fund that is not there
			}
			return calls.FromIntent(v.ctx(), q, v.book, link, need, payee, p)
		}}
	return []act{propose, {name: "intent-drop", needs: staff.NeedWrite, danger: true, blanks: []blank{whyBlank()}, plan: func(v *visit, q pg.Querier, id uuid.UUID, typed inputs) (*giving.Move, error) {
		link, _, err := v.intent(q, id)
		if err != nil {
			return nil, err
		}
		return needs.Drop(v.book, link, typed["reason"])
	}}}, nil
}

func (v *visit) intentShow() error { return v.intentAgain(http.StatusOK, nil) }

func (v *visit) intentAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return needs.ErrNoItem
	}
	in, need, err := v.intent(v.s.DB, id)
	if err != nil {
		return err
	}
	sides, err := v.intentSides(v.s.DB, *in)
	if err != nil {
		return err
	}
	offer, money := sides[0].offer, sides[0].money
	here := intentsPath + "/" + id.String()
	view := v.needRecord(T(v.lang, "need.intent")+" · "+need.Name()+" "+need.Title, intentsPath, wrong, here)
	state := v.intentState(in)
	view.Status, view.State, view.Lead = state.Tag, state.Text, T(v.lang, "need.intent.next."+in.State)
	view.Facts = []Fact{{Term: T(v.lang, "need.wanted"), Value: need.Name() + " " + need.Title, Href: needsPath + "/" + need.ID.String()},
		{Term: T(v.lang, "need.book.offer"), Value: offer.Name() + " " + offer.Title + " · " + offer.Firm, Href: needsPath + "/" + offer.ID.String()},
		{Term: T(v.lang, "need.money"), Value: money.Label, Href: money.Href}, v.sumFact("filter.amount", in.Amount)}
	acts, err := v.intentActs(in, need, offer)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, in.Object(), status)
}

func (v *visit) intentStep() error {
	id, err := v.recordParam()
	if err != nil {
		return needs.ErrNoItem
	}
	in, need, err := v.intent(v.s.DB, id)
	if err != nil {
		return err
	}
	sides, err := v.intentSides(v.s.DB, *in)
	if err != nil {
		return err
	}
	acts, err := v.intentActs(in, need, sides[0].offer)
	if err != nil {
		return err
	}
	return v.perform(id, intentsPath+"/"+id.String(), v.intentAgain, acts...)
}
