package web

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// ownObjects are the records of an organisation that papers may lie beside, and where it sees them.
var ownObjects = map[string]string{"proposal": providerPath + "/proposals/", "contract": providerPath + "/contracts/"}

func ownObjectPath(object string) string {
	m := objectName.FindStringSubmatch(object)
	if m == nil || ownObjects[m[1]] == "" {
		return ""
	}
	return ownObjects[m[1]] + m[2]
}

// ownPapers are the papers beside a record of one's own that its organisation added itself: what staff keep there is theirs.
func (v *visit) ownPapers(payee uuid.UUID, object string, add bool) (*papersView, error) {
	own, err := projects.OwnPapers(v.ctx(), v.s.DB, v.book, payee, object)
	if err != nil {
		return nil, err
	}
	view, err := v.papersOf(object, providerPath+"/papers", func(p ledger.Paper) bool { return slices.Contains(own, p.ID) })
	if err != nil {
		return nil, err
	}
	view.MayAdd = add
	return view, nil
}

// ownPaperAdd puts evidence beside a contract, or a paper beside a proposal, of one's own.
func (v *visit) ownPaperAdd() error {
	return v.addPaper(ownObjectPath, func(object string) error {
		_, err := v.ownObject(object)
		return err
	})
}

// ownPaper hands a paper out that one's own organisation added.
func (v *visit) ownPaper() error {
	return v.showPaper(func(p ledger.Paper) error {
		payee, err := v.ownObject(p.Object)
		if err != nil {
			return err
		}
		own, err := projects.OwnPapers(v.ctx(), v.s.DB, v.book, payee, p.Object)
		if err == nil && !slices.Contains(own, p.ID) {
			err = giving.ErrNoRecord
		}
		return err
	})
}

// ownContractShow is a contract as its organisation sees it: stages, findings, payments, and what may be asked for.
func (v *visit) ownContractShow() error { return v.ownContractAgain(http.StatusOK, nil) }

func (v *visit) ownContractAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, err := v.ownContract(v.s.DB, id)
	if err != nil {
		return err
	}
	here := providerPath + "/contracts/" + id.String()
	view := v.providerRecord(c.Code+" "+c.Title, wrong, here)
	state := v.contractState(c)
	view.Status, view.State, view.Lead = state.Tag, state.Text, T(v.lang, "provider.contract.lead")
	view.Facts = []Fact{v.sumFact("contract.amount", c.Amount), v.sumFact("contract.advance", c.Advance), v.fact("contract.kept", T(v.lang, "contract.percent", int(c.KeptBP/100))), v.fact("contract.ends", Day(v.lang, c.EndsOn)),
		v.sumFact("contract.accepted", c.Accepted), v.sumFact("contract.payable", c.Payable()), v.sumFact("contract.last", c.Last())}
	view.Links = []Link{{T(v.lang, "update.own.link"), here + "/updates"}}
	if view.Grids, err = v.ownContractGrids(c); err != nil {
		return err
	}
	acts, err := v.ownContractActs(c)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	if view.Papers, err = v.ownPapers(c.PayeeID, c.Object(), c.Running()); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) ownContractGrids(c *projects.Contract) ([]grid, error) {
	stages := grid{Title: T(v.lang, "contract.stages"), Heads: v.heads("contract.stage", "contract.due", "person.state", "#contract.amount", "#contract.accepted")}
	list, err := projects.Milestones(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		stages.Rows = append(stages.Rows, []cell{textCell(m.Title), dayCell(m.DueOn), {Text: T(v.lang, "contract.stage."+m.State)}, v.sumCell(m.Amount), v.sumCell(m.Accepted)})
	}
	findings := grid{Title: T(v.lang, "visit.finding"), Empty: T(v.lang, "provider.findings.none"), Heads: v.heads("visit.day", "visit.finding", "visit.due", "person.state", "visit.answer")}
	visits, err := projects.Visits(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	for _, one := range visits {
		if one.Finding == "" {
			continue
		}
		row := []cell{dayCell(one.Day), textCell(one.Finding), {}, {Text: T(v.lang, "visit.state."+one.State)}, textCell(one.Answer)}
		if one.DueOn != nil {
			row[2] = dayCell(*one.DueOn)
		}
		findings.Rows = append(findings.Rows, row)
	}
	paid, err := projects.Payments(v.ctx(), v.s.DB, v.book, projects.PaymentFilter{All: true, Contract: &c.ID})
	payments := grid{Title: T(v.lang, "pay.heading"), Empty: T(v.lang, "provider.payments.none"), Heads: v.paymentHeads(), Rows: v.ownPayments(paid)}
	return []grid{stages, findings, payments}, err
}

// ownContractActs ask for payment and answer findings; who approves and pays is the association.
func (v *visit) ownContractActs(c *projects.Contract) (acts []act, err error) {
	own := func(plan func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
		return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			c, err := v.ownContract(q, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, c, in)
		}
	}
	if c.Running() {
		acts = append(acts, act{name: "own-ask", needs: staff.OwnWork, blanks: []blank{{name: "kind", label: "pay.kind", kind: "select", options: v.choices("pay.kind", projects.ForStage, projects.ForAdvance, projects.ForLast)},
			{name: "amount", label: "filter.amount", kind: "amount"}, {name: "invoice", label: "pay.invoice", hint: "pay.invoice.hint", max: 60, optional: true}, {name: "purpose", label: "pay.purpose", max: 100}},
			plan: own(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				form, err := v.formID()
				if err != nil {
					return nil, err
				}
				bank, err := v.ownBank(q, c)
				if err != nil {
					return nil, err
				}
				return projects.Ask(v.ctx(), q, v.book, c, projects.Payment{ID: form, Kind: in["kind"], Bank: bank, Amount: in.sum("amount", v.book), Invoice: in["invoice"], Purpose: in["purpose"], AskedBy: v.who.Person.ID}, v.now)
			})})
	}
	visits, err := projects.Visits(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	var open []Option
	for _, one := range visits {
		if one.State == projects.FindingOpen {
			open = append(open, Option{Value: one.ID.String(), Label: ISODay(one.Day) + " " + oneLine(one.Finding, 60)})
		}
	}
	if len(open) > 0 {
		acts = append(acts, act{name: "own-answer", needs: staff.OwnWork, blanks: []blank{{name: "visit", label: "visit.finding", kind: "select", options: open}, {name: "answer", label: "visit.answer", kind: "area", max: 400}},
			plan: own(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				list, err := projects.Visits(v.ctx(), q, v.book, c.ID)
				if err != nil {
					return nil, err
				}
				for _, one := range list {
					if one.ID == in.id("visit") {
						return projects.AnswerFinding(v.book, c, one, in["answer"])
					}
				}
				return nil, giving.ErrStep
			})})
	}
	return acts, nil
}

// ownBank is the account from which a contract is paid: of money held for others its own one, else the basic account. Who approves may put
// the request aside and ask anew from another.
func (v *visit) ownBank(q pg.Querier, c *projects.Contract) (chart.ID, error) {
	sources, err := projects.Sources(v.ctx(), q, v.book, c.ID)
	if err != nil {
		return "", err
	}
	for _, s := range sources {
		if s.Treatment != projects.AsAgency {
			return "bank.basic", nil
		}
	}
	return "bank.agency", nil
}

func (v *visit) ownContractStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, err := v.ownContract(v.s.DB, id)
	if err != nil {
		return err
	}
	acts, err := v.ownContractActs(c)
	if err != nil {
		return err
	}
	return v.perform(id, providerPath+"/contracts/"+id.String(), v.ownContractAgain, acts...)
}

// ownNote is the remittance note of a payment to one's own organisation.
func (v *visit) ownNote() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	ids, err := v.firms(v.s.DB)
	if err != nil {
		return err
	}
	p, err := projects.PaymentByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	for _, firm := range ids {
		if firm == p.PayeeID {
			return v.remittance(p)
		}
	}
	return giving.ErrNoRecord
}
