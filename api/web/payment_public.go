package web

import (
	"errors"
	"strconv"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/trace"
)

func paymentHref(p *projects.Payment) string { return "/payments/" + strconv.Itoa(int(p.Number)) }

// recordNumber is a record's number in the address, or 0, which no record has.
func (v *visit) recordNumber() int32 {
	n, err := strconv.ParseInt(v.Param("number"), 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// paymentPublic answers /payments/{number}: who was paid for what, when the bank did it, and what the money was made of.
func (v *visit) paymentPublic() error {
	var view storyView
	err := v.read(func(q pg.Querier) error {
		p, err := projects.PublicPayment(v.ctx(), q, v.book, v.recordNumber())
		if err != nil {
			return err
		}
		return v.fillPayment(q, p, &view)
	})
	if err != nil {
		return err
	}
	return v.story(view)
}

func (v *visit) fillPayment(q pg.Querier, p *projects.Payment, view *storyView) error {
	view.Page = v.page(T(v.lang, "paid.title", v.amount(p.Amount)))
	view.Heading, view.State = v.paymentName(p), v.paymentState(p)
	view.Crumbs = []Link{{view.T("board.heading"), boardPath}, {Label: p.Name()}}
	view.Facts = []Fact{v.sumFact("filter.amount", p.Amount), v.fact("pay.number", p.Name()), v.fact("pay.kind", T(v.lang, "pay.kind."+p.Kind))}
	fund := p.FundID
	if p.ContractID != nil {
		project, err := v.projectOf(q, p)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, v.fact("board.payee", p.Payee), v.fact("pay.purpose", p.Purpose), v.fact("pay.invoice", orDash(p.Invoice)), v.fact("contract.code", p.Contract),
			Fact{Term: T(v.lang, "board.project"), Value: project.Title, Href: projectHref(project)})
		fund = &project.FundID
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return err
	}
	if f := funds[*fund]; f != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "subsidy.fund"), Value: f.Name(string(v.lang)), Href: fundHref(f)})
	}
	if err := v.paymentSteps(q, p, view); err != nil {
		return err
	}
	if p.State == projects.Paid {
		made, err := trace.MadeOf(v.ctx(), q, v.book, p.Object(), false)
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, v.madeGrid(made))
	}
	view.Links = append(view.Links, Link{T(v.lang, "trace.rule.link"), tracePath})
	position, err := ledger.Posted(v.ctx(), q, v.book, 0)
	view.AsOf = v.asOf(position)
	return err
}

// paymentSteps are the stations of a payment with who took them by role, and what was paid again.
func (v *visit) paymentSteps(q pg.Querier, p *projects.Payment, view *storyView) error {
	done, err := giving.Steps(v.ctx(), q, v.book, p.Object())
	if err != nil {
		return err
	}
	view.StepsTitle = T(v.lang, "paid.steps")
	for _, s := range done {
		step := Step{State: "done", Label: T(v.lang, "deed."+s.Act), At: Day(v.lang, v.book.Day(s.At))}
		if s.Act == "payment-paid" && p.PaidOn != nil {
			step.At = Day(v.lang, *p.PaidOn)
		}
		if s.Second != nil {
			step.Note = T(v.lang, "paid.second")
		}
		view.Steps = append(view.Steps, step)
	}
	if p.RetryOf != nil {
		old, err := projects.PaymentByID(v.ctx(), q, v.book, *p.RetryOf)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "pay.retryof"), Value: old.Name(), Href: paymentHref(old)})
	}
	if p.State != projects.Bounced {
		return nil
	}
	view.Notes = []string{T(v.lang, "paid.bounced")}
	again, err := projects.RetryOf(v.ctx(), q, v.book, p.ID)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil
	}
	if err == nil && (again.State == projects.Sent || again.State == projects.Paid || again.State == projects.Bounced) {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "paid.again"), Value: again.Name(), Href: paymentHref(again)})
	}
	return err
}
