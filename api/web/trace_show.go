package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/trace"
)

// usesShown is how many uses of a gift its page lists at first.
const usesShown = 100

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
	Updates       *updatesPart
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
	uses, more, rest := b.Uses, 0, int64(0)
	if v.QueryParam("uses") != "all" {
		uses, more, rest = firstUses(b.Uses)
	}
	var ids []uuid.UUID
	for _, u := range uses {
		if u.Kind == trace.Payment {
			ids = append(ids, paymentID(u))
		}
	}
	paid, err := projects.SpentByID(v.ctx(), q, v.book, ids)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		what, of := v.useCells(u, paid)
		g.Rows = append(g.Rows, []cell{what, of, {Text: ISODay(u.Day)}, v.sumCell(u.Amount)})
	}
	if more > 0 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "trace.more", more), Href: v.with("uses", "all")}, {}, {}, v.sumCell(rest)})
	}
	if b.Waiting > 0 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "trace.waiting")}, {}, {}, v.sumCell(b.Waiting)})
	}
	return g, nil
}

// firstUses are the uses that are listed at first, and how many more there are and of how much.
func firstUses(all []trace.Use) (first []trace.Use, more int, rest int64) {
	first = all[:min(len(all), usesShown)]
	for _, u := range all[len(first):] {
		more, rest = more+1, rest+u.Amount
	}
	return first, more, rest
}

// paymentID is the payment of a use; nil for what is none.
func paymentID(u trace.Use) uuid.UUID {
	id, err := uuid.Parse(strings.TrimPrefix(u.Object, "disbursement:"))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// useCells say what money was used for: the invoice and who wrote it, and the project.
func (v *visit) useCells(u trace.Use, paid map[uuid.UUID]*projects.Spent) (what, of cell) {
	of = cell{Text: "—"}
	if p := paid[paymentID(u)]; p != nil {
		what = cell{Text: v.paymentName(&p.Payment), Href: paymentHref(&p.Payment), User: true}
		if p.ProjectNumber != 0 {
			of = cell{Text: p.ProjectTitle, Href: boardPath + "/" + strconv.Itoa(int(p.ProjectNumber)), User: true}
		}
		return what, of
	}
	text := T(v.lang, "trace.use."+u.Kind)
	if u.Own {
		text = T(v.lang, "trace.use.own")
	} else if u.Kind == trace.Cost {
		text += " · " + chart.MustByID(chart.ID(u.Account)).Name(string(v.lang))
	}
	return cell{Text: text}, of
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
