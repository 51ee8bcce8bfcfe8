package web

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/staff"
)

// disbursementList shows payments of contracts and aid.
func (v *visit) disbursementList() error {
	view := v.workList("pay", disbursementsPath)
	filter := projects.PaymentFilter{Limit: projects.PageMax + 1, Funds: v.who.Funds()}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.State, err = view.choose(v, "state", "person.state", "pay.state", projects.AskedFor, projects.Agreed, projects.Sent, projects.Paid, projects.Bounced, projects.Withheld); err != nil {
		return err
	}
	if filter.Kind, err = view.choose(v, "kind", "pay.kind", "pay.kind", projects.ForStage, projects.ForAdvance, projects.ForLast, projects.ForAid); err != nil {
		return err
	}
	view.Grid.Heads = v.paymentHeads()
	if v.who.May(staff.ProjectWrite) {
		view.Links = []Link{{T(v.lang, "act.aid-ask"), disbursementsPath + "/new"}}
	}
	return showAll(v, &view, "disbursements", v.turned(), listed[projects.Payment, int32]{projects.PageMax, func(before int32) ([]projects.Payment, error) {
		filter.Before = before
		return projects.Payments(v.ctx(), v.db(), v.book, filter)
	}, func(p *projects.Payment) int32 { return p.Number }, func(list []projects.Payment) ([][]cell, error) { return v.paymentRows(list), nil }})
}

func (v *visit) paymentHeads() []head {
	return v.heads("pay.number", "contract.payee", "contract.code", "pay.kind", "person.state", "pay.purpose", "#filter.amount")
}

func (v *visit) paymentRows(list []projects.Payment) (rows [][]cell) {
	for i := range list {
		p := &list[i]
		rows = append(rows, []cell{{Text: p.Name(), Href: disbursementsPath + "/" + p.ID.String()}, textCell(p.Payee), textCell(p.Contract), {Text: T(v.lang, "pay.kind."+p.Kind)}, v.paymentState(p), textCell(p.Purpose), v.sumCell(p.Amount)})
	}
	return rows
}

func (v *visit) paymentGrid(f projects.PaymentFilter) (grid, error) {
	list, err := projects.Payments(v.ctx(), v.s.DB, v.book, f)
	return grid{Title: T(v.lang, "pay.heading"), Empty: T(v.lang, "pay.none"), Heads: v.paymentHeads(), Rows: v.paymentRows(list)}, err
}

func (v *visit) paymentState(p *projects.Payment) cell {
	tag := map[string]string{projects.AskedFor: "draft", projects.Agreed: "waiting", projects.Sent: "waiting", projects.Paid: "done", projects.Bounced: "attention", projects.Withheld: "reversed"}[p.State]
	return cell{Text: T(v.lang, "pay.state."+p.State), Tag: tag}
}

func ofPayment(plan func(v *visit, q pg.Querier, p *projects.Payment, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := v.disbursement(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

// aidAsk asks for aid to a household, without a contract.
func (v *visit) aidAsk() (act, error) {
	list, err := projects.Payees(v.ctx(), v.s.DB, v.book, projects.PayeeFilter{All: true, Kind: projects.Household, Limit: 500})
	if err != nil {
		return act{}, err
	}
	homes := []Option{{Label: T(v.lang, "offline.choose")}}
	for i := range list {
		homes = append(homes, Option{Value: list[i].ID.String(), Label: list[i].Name + " · " + v.readyCell(&list[i]).Text})
	}
	s, err := v.sight()
	if err != nil {
		return act{}, err
	}
	var funds []Option
	for _, f := range s.funds {
		if f.Kind != ledger.Agency && f.Kind != ledger.Endowment {
			funds = append(funds, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	uses, err := v.useOptions()
	if err != nil {
		return act{}, err
	}
	return act{name: "aid-ask", needs: staff.ProjectWrite, to: disbursementsPath + "/", blanks: []blank{{name: "payee", label: "pay.home", kind: "select", options: homes}, {name: "fund", label: "subsidy.fund", kind: "select", options: funds},
		{name: "amount", label: "filter.amount", kind: "amount"}, {name: "bank", label: "pay.bank", kind: "select", options: v.bankOptions()}, {name: "purpose", label: "pay.purpose", hint: "pay.aid.hint", max: 100},
		{name: "use", label: "project.use", thing: "purpose", hint: "project.use.hint", kind: "select", options: uses, optional: true}, {name: "invoice", label: "pay.request", optional: true, max: 60}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			payee, err := v.payee(q, in.id("payee"))
			if err != nil {
				return nil, err
			}
			fund := int32(in.number("fund"))
			return projects.AskAid(v.ctx(), q, v.book, payee, projects.Payment{ID: id, FundID: &fund, Amount: in.sum("amount", v.book), Bank: chart.ID(in["bank"]), Invoice: in["invoice"], Purpose: in["purpose"], Use: in["use"], AskedBy: v.who.Person.ID}, v.now)
		}}, nil
}

// paymentAgree asks another person to approve a payment.
func (v *visit) paymentAgree() act {
	return act{name: "pay-approve", needs: staff.ProjectWrite, second: staff.PaymentKind, plan: ofPayment(func(v *visit, q pg.Querier, p *projects.Payment, _ inputs) (*giving.Move, error) {
		return projects.AgreeToPay(v.ctx(), q, v.book, p, v.now)
	})}
}

func (v *visit) paymentActs(p *projects.Payment) []act {
	drop := act{name: "pay-drop", needs: staff.ProjectWrite, danger: true, blanks: v.reasonBlanks(), plan: ofPayment(func(v *visit, q pg.Querier, p *projects.Payment, in inputs) (*giving.Move, error) {
		return projects.Drop(v.ctx(), q, v.book, p, in["reason"], in.day("day"))
	})}
	bounce := act{name: "pay-bounce", needs: staff.ProjectWrite, danger: true, blanks: v.reasonBlanks(), plan: ofPayment(func(v *visit, q pg.Querier, p *projects.Payment, in inputs) (*giving.Move, error) {
		return projects.Bounce(v.ctx(), q, v.book, p, in["reason"], in.day("day"))
	})}
	switch p.State {
	case projects.AskedFor:
		return []act{v.paymentAgree(), drop}
	case projects.Agreed:
		return []act{drop}
	case projects.Sent:
		return []act{{name: "pay-debited", needs: staff.ProjectWrite, blanks: []blank{v.todayBlank("day", "bankline.day"), {name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}},
			plan: ofPayment(func(v *visit, q pg.Querier, p *projects.Payment, in inputs) (*giving.Move, error) {
				return projects.Debited(v.ctx(), q, v.book, p, in["ref"], in.day("day"))
			})}, bounce}
	case projects.Paid:
		return []act{bounce}
	case projects.Bounced:
		return []act{{name: "pay-retry", needs: staff.ProjectWrite, to: disbursementsPath + "/", plan: ofPayment(func(v *visit, q pg.Querier, p *projects.Payment, _ inputs) (*giving.Move, error) {
			id, err := uuid.Parse(v.FormValue("form"))
			if err != nil {
				return nil, giving.ErrStep
			}
			return projects.Retry(v.ctx(), q, v.book, p, id, v.who.Person.ID, v.now)
		})}}
	}
	return nil
}

func (v *visit) disbursementForm() error { return v.disbursementFormAgain(http.StatusOK, nil) }

func (v *visit) disbursementFormAgain(status int, wrong Errors) error {
	ask, err := v.aidAsk()
	if err != nil {
		return err
	}
	view := v.workRecord(T(v.lang, "act.aid-ask"), disbursementsPath, wrong, disbursementsPath+"/new")
	if err := v.offer(&view, disbursementsPath, ask); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) disbursementCreate() error {
	ask, err := v.aidAsk()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, disbursementsPath+"/new", v.disbursementFormAgain, ask)
}

// disbursementShow is one payment: where it stands, what it is made of, what comes next.
func (v *visit) disbursementShow() error { return v.disbursementAgain(http.StatusOK, nil) }

func (v *visit) disbursementAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.disbursement(v.s.DB, id)
	if err != nil {
		return err
	}
	here := disbursementsPath + "/" + id.String()
	view := v.workRecord(p.Name()+" "+p.Purpose, disbursementsPath, wrong, here)
	state := v.paymentState(p)
	view.Status, view.State, view.Lead = state.Tag, state.Text, T(v.lang, "pay.next."+p.State)
	if view.Facts, err = v.payeeFacts(v.s.DB, giving.Object("payee", p.PayeeID)); err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.sumFact("filter.amount", p.Amount), v.fact("pay.kind", T(v.lang, "pay.kind."+p.Kind)), v.fact("pay.bank", chart.MustByID(p.Bank).Name(string(v.lang))), v.fact("pay.invoice", p.Invoice))
	if p.ContractID != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "contract.code"), Value: p.Contract, Href: contractsPath + "/" + p.ContractID.String()})
	}
	if p.RetryOf != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "pay.retryof"), Value: T(v.lang, "offline.record.open"), Href: disbursementsPath + "/" + p.RetryOf.String()})
	}
	if p.BatchID != nil && v.who.May(staff.EntryRead) {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "pay.file"), Value: T(v.lang, "offline.record.open"), Href: bankFilesPath + "/" + p.BatchID.String()})
	}
	if p.PaidOn != nil {
		view.Facts = append(view.Facts, v.fact("pay.paid", Day(v.lang, *p.PaidOn)+" "+p.BankRef))
		view.Links = []Link{{T(v.lang, "pay.note"), here + "/note"}}
		if p.State == projects.Paid {
			told, err := v.toldFact(p)
			if err != nil {
				return err
			}
			view.Facts = append(view.Facts, told)
		}
	}
	if view.Grids, err = v.paymentShares(p); err != nil {
		return err
	}
	if p.State == projects.Paid {
		made, err := trace.MadeOf(v.ctx(), v.s.DB, v.book, p.Object(), v.who.May(staff.GiftRead))
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, v.madeGrid(made))
		if len(made.Gifts) > 0 {
			view.Grids = append(view.Grids, v.madeGifts(made))
		}
	}
	if p.State == projects.Sent || p.State == projects.Paid || p.State == projects.Bounced {
		view.Links = append(view.Links, Link{T(v.lang, "project.public"), paymentHref(p)})
	}
	if err := v.offer(&view, here, v.paymentActs(p)...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// toldFact is when the payee's people were told of a payment, or why they were not.
func (v *visit) toldFact(p *projects.Payment) (Fact, error) {
	at, due, err := projects.Told(v.ctx(), v.s.DB, v.book, p.ID)
	switch {
	case err != nil:
		return Fact{}, err
	case at != nil:
		return v.fact("pay.noted", Day(v.lang, v.book.Day(*at))), nil
	case due:
		return v.fact("pay.noted", T(v.lang, "pay.noted.waits")), nil
	}
	return v.fact("pay.noted", T(v.lang, "pay.noted.none")), nil
}

// paymentShares is what each source bears of a payment.
func (v *visit) paymentShares(p *projects.Payment) ([]grid, error) {
	if p.ContractID == nil {
		return nil, nil
	}
	shares, err := projects.Shares(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil || len(shares) == 0 {
		return nil, err
	}
	sources, err := projects.Sources(v.ctx(), v.s.DB, v.book, *p.ContractID)
	if err != nil {
		return nil, err
	}
	g := grid{Title: T(v.lang, "pay.shares"), Heads: v.heads("contract.source", "contract.payer", "contract.treatment", "#filter.amount")}
	for _, share := range shares {
		for _, s := range sources {
			if s.Position == share.Position {
				g.Rows = append(g.Rows, []cell{{Text: s.Code()}, textCell(s.Payer), {Text: T(v.lang, "contract.treatment."+s.Treatment)}, v.sumCell(share.Amount)})
			}
		}
	}
	return []grid{g}, nil
}

func (v *visit) disbursementStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.disbursement(v.s.DB, id)
	if err != nil {
		return err
	}
	return v.perform(id, disbursementsPath+"/"+id.String(), v.disbursementAgain, v.paymentActs(p)...)
}

type remittanceView struct {
	Page
	Heading, To, Lead string
	Facts             []Fact
	From              string
}

// disbursementNote is what the payee is told: one sheet to print or send.
func (v *visit) disbursementNote() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.disbursement(v.s.DB, id)
	if err != nil {
		return err
	}
	return v.remittance(p)
}

// remittance is the note to a payee about a payment that the bank has debited.
func (v *visit) remittance(p *projects.Payment) error {
	if p.PaidOn == nil {
		return giving.ErrNoRecord
	}
	payee, err := projects.PayeeByID(v.ctx(), v.s.DB, v.book, p.PayeeID)
	if err != nil {
		return err
	}
	title := T(v.lang, "pay.note")
	view := remittanceView{Page: v.consolePage(title, projectsPath), Heading: title, To: p.Payee, From: v.book.Name(string(v.lang)), Lead: T(v.lang, "pay.note.lead", Day(v.lang, *p.PaidOn), Amount(v.lang, v.amount(p.Amount)))}
	view.Facts = []Fact{v.fact("pay.number", p.Name()), v.fact("contract.code", p.Contract), v.fact("pay.kind", T(v.lang, "pay.kind."+p.Kind)), v.fact("pay.purpose", p.Purpose), v.fact("pay.invoice", p.Invoice), v.fact("bankline.ref", p.BankRef)}
	if payee.Account != "" {
		view.Facts = append(view.Facts, v.fact("payee.account", payee.Bank+" …"+payee.Account[max(0, len(payee.Account)-4):]))
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/remittance", view)
}
