package web

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/trace"
)

// tracePath prints the rule by which money is followed.
const tracePath = "/follow"

// storyView is a public page of facts, stations and lists.
type storyView struct {
	Page
	Heading, Lead string
	State         cell
	Facts         []Fact
	AsOf          *AsOf
	StepsTitle    string
	Steps         []Step
	Photos        []photoView
	Grids         []grid
	Notes, Rules  []string
	Links         []Link
}

func (v *visit) story(view storyView) error {
	return v.s.render.Render(v.Response(), http.StatusOK, "public/story", view)
}

// traceRule answers /follow.
func (v *visit) traceRule() error {
	view := storyView{Page: v.page(T(v.lang, "trace.heading")), Heading: T(v.lang, "trace.heading"), Lead: T(v.lang, "trace.lead")}
	for _, key := range []string{"out", "order", "refund", "back", "moved", "early", "derived"} {
		view.Rules = append(view.Rules, T(v.lang, "trace.rule."+key))
	}
	view.Links = []Link{{T(v.lang, "board.heading"), boardPath}, {T(v.lang, "funds.heading"), "/funds"}}
	return v.story(view)
}

// giftTrace is what became of a gift: what it paid, what was kept or given back, and what waits. Nil while it is not followed yet.
func (v *visit) giftTrace(q pg.Querier, gift uuid.UUID) (*grid, error) {
	b, err := trace.Of(v.ctx(), q, v.book, gift)
	if err != nil || b.Amount == 0 {
		return nil, err
	}
	g := &grid{Title: T(v.lang, "trace.gift"), Heads: v.heads("trace.what", "trace.for", "trace.day", "#filter.amount")}
	for _, u := range b.Uses {
		what, of, err := v.useCells(q, u)
		if err != nil {
			return nil, err
		}
		g.Rows = append(g.Rows, []cell{what, of, {Text: ISODay(u.Day)}, v.sumCell(u.Amount)})
	}
	if b.Waiting > 0 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "trace.waiting")}, {}, {}, v.sumCell(b.Waiting)})
	}
	return g, nil
}

// useCells say what money was used for: the invoice and who wrote it, and the project.
func (v *visit) useCells(q pg.Querier, u trace.Use) (what, of cell, err error) {
	of = cell{Text: "—"}
	if u.Kind != trace.Payment {
		text := T(v.lang, "trace.use."+u.Kind)
		if u.Own {
			text = T(v.lang, "trace.use.own")
		} else if u.Kind == trace.Cost {
			text += " · " + chart.MustByID(chart.ID(u.Account)).Name(string(v.lang))
		}
		return cell{Text: text}, of, nil
	}
	id, err := uuid.Parse(strings.TrimPrefix(u.Object, "disbursement:"))
	if err != nil {
		return what, of, giving.ErrNoRecord
	}
	p, err := projects.PaymentByID(v.ctx(), q, v.book, id)
	if err != nil {
		return what, of, err
	}
	what = cell{Text: v.paymentName(p), Href: paymentHref(p), User: true}
	if p.ContractID == nil {
		return what, of, nil
	}
	project, err := v.projectOf(q, p)
	if err != nil {
		return what, of, err
	}
	return what, cell{Text: project.Title, Href: projectHref(project), User: true}, nil
}

// paymentName is a payment as the public reads it: its invoice and who wrote it. A household is nobody's business.
func (v *visit) paymentName(p *projects.Payment) string {
	if p.Kind == projects.ForAid {
		return p.Name() + " · " + T(v.lang, "pay.kind.aid")
	}
	return T(v.lang, "trace.invoice", cmp.Or(p.Invoice, p.Name())) + " · " + p.Payee
}

func (v *visit) projectOf(q pg.Querier, p *projects.Payment) (*projects.Project, error) {
	c, err := projects.ContractByID(v.ctx(), q, v.book, *p.ContractID)
	if err != nil {
		return nil, err
	}
	return projects.ProjectByID(v.ctx(), q, v.book, c.ProjectID)
}

// madeGrid is what a payment was made of, without names.
func (v *visit) madeGrid(m *trace.Made) grid {
	g := grid{Title: T(v.lang, "trace.made"), Empty: T(v.lang, "trace.made.none"), Heads: v.heads("trace.kind", "#trace.count", "#filter.amount")}
	for _, p := range m.Parts {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "trace.kind."+p.Kind)}, {Text: Count(p.Count)}, v.sumCell(p.Amount)})
	}
	if m.Unmet > 0 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "trace.unmet")}, {}, v.sumCell(m.Unmet)})
	}
	return g
}

// madeGifts are the gifts that a payment was made of, for those who may read gifts with their names.
func (v *visit) madeGifts(m *trace.Made) grid {
	g := grid{Title: T(v.lang, "trace.gifts"), Heads: v.heads("mine.fact.ref", "#trace.part", "#trace.whole")}
	for _, one := range m.Gifts {
		ref := giving.Ref(v.book, one.ID)
		g.Rows = append(g.Rows, []cell{{Text: ref, Href: "/console/gifts?q=" + ref}, v.sumCell(one.Amount), v.sumCell(one.Whole)})
	}
	return g
}
