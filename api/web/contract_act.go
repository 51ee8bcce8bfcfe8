package web

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// contractChoices are what the forms of a contract offer.
type contractChoices struct {
	sources, stages, due, inspected, visits, answered, back []Option
}

func ofContract(plan func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		c, err := v.contract(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, c, in)
	}
}

// contractDraft begins a contract of a project.
func (v *visit) contractDraft(q pg.Querier) (act, error) {
	list, err := projects.Payees(v.ctx(), q, v.book, projects.PayeeFilter{Kind: projects.Organisation, Limit: 500})
	if err != nil {
		return act{}, err
	}
	payees := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, p := range list {
		if p.Credit != projects.Barred {
			payees = append(payees, Option{Value: p.ID.String(), Label: p.Name})
		}
	}
	return act{name: "contract-draft", needs: staff.ProjectWrite, to: contractsPath + "/", blanks: []blank{{name: "code", label: "contract.code", hint: "contract.code.hint", max: 40}, {name: "title", label: "contract.title", max: 100},
		{name: "payee", label: "contract.payee", kind: "select", options: payees}, {name: "kind", label: "contract.kind", kind: "select", options: v.choices("contract.kind", projects.Service, projects.Works)},
		{name: "draws", label: "contract.draws", kind: "select", options: v.choices("contract.draws", projects.ProRata, projects.Waterfall, projects.Specific)},
		{name: "advance", label: "contract.advance", hint: "contract.advance.hint", kind: "amount", optional: true}, {name: "kept", label: "contract.kept", hint: "contract.kept.hint", kind: "number", optional: true},
		{name: "due-ends", label: "contract.ends", kind: "day"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			project, err := uuid.Parse(v.Param("id"))
			if err != nil {
				return nil, giving.ErrNoRecord
			}
			p, err := v.project(q, project)
			if err != nil {
				return nil, err
			}
			payee, err := v.payee(q, in.id("payee"))
			if err != nil {
				return nil, err
			}
			form, err := uuid.Parse(v.FormValue("form")) // a contract is called by its form
			if err != nil {
				return nil, giving.ErrStep
			}
			return projects.DraftContract(v.ctx(), q, v.book, p, payee, projects.Contract{ID: form, Code: in["code"], Title: in["title"], Kind: in["kind"], Draws: in["draws"], Advance: in.sum("advance", v.book),
				KeptBP: int32(min(in.number("kept"), 100) * 100), EndsOn: in.day("due-ends"), EnteredBy: v.who.Person.ID})
		}}, nil
}

// contractDrafts are the steps of a draft.
func (v *visit) contractDrafts(c *projects.Contract, has contractChoices) ([]act, error) {
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	funds := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, f := range s.funds {
		if f.Kind != ledger.Endowment {
			funds = append(funds, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	stage := []blank{{name: "title", label: "contract.stage", max: 100}, {name: "due", label: "contract.due", kind: "day"}, {name: "amount", label: "filter.amount", kind: "amount"}}
	if c.Draws == projects.Specific {
		stage = append(stage, blank{name: "source", label: "contract.source", kind: "select", options: has.sources})
	}
	pick := func(name, field, label string, options []Option, plan func(v *visit, q pg.Querier, c *projects.Contract, position int16) (*giving.Move, error)) act {
		return act{name: name, needs: staff.ProjectWrite, danger: true, blanks: []blank{{name: field, label: label, kind: "select", options: options}}, plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return plan(v, q, c, int16(in.number(field)))
		})}
	}
	acts := []act{
		{name: "source-add", needs: staff.ProjectWrite, blanks: []blank{{name: "fund", label: "subsidy.fund", kind: "select", options: funds},
			{name: "treatment", label: "contract.treatment", hint: "contract.treatment.hint", kind: "select", options: v.choices("contract.treatment", projects.Treatments()...)},
			{name: "payer", label: "contract.payer", max: 100}, {name: "party", label: "contract.party", hint: "contract.party.hint", optional: true, max: 40}, {name: "amount", label: "filter.amount", kind: "amount"}},
			plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				return projects.AddSource(v.ctx(), q, v.book, c, projects.Source{FundID: int32(in.number("fund")), Treatment: in["treatment"], Payer: in["payer"], Party: in["party"], Amount: in.sum("amount", v.book)})
			})},
		{name: "stage-add", needs: staff.ProjectWrite, blanks: stage, plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			stage := projects.Milestone{Title: in["title"], DueOn: in.day("due"), Amount: in.sum("amount", v.book)}
			if c.Draws == projects.Specific {
				source := int16(in.number("source"))
				stage.Source = &source
			}
			return projects.AddMilestone(v.ctx(), q, v.book, c, stage)
		})},
	}
	if len(has.sources) > 0 && len(has.stages) > 0 {
		acts = slices.Insert(acts, 0, v.contractSeconds(has)[0])
	}
	if len(has.stages) > 0 {
		acts = append(acts, pick("stage-drop", "stage", "contract.stage", has.stages, func(v *visit, q pg.Querier, c *projects.Contract, position int16) (*giving.Move, error) {
			return projects.DropMilestone(v.ctx(), q, v.book, c, position)
		}))
	}
	if len(has.sources) > 0 {
		acts = append(acts, pick("source-drop", "source", "contract.source", has.sources, func(v *visit, q pg.Querier, c *projects.Contract, position int16) (*giving.Move, error) {
			return projects.DropSource(v.ctx(), q, v.book, c, position)
		}))
	}
	return append(acts, act{name: "contract-void", needs: staff.ProjectWrite, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area"}},
		plan: ofContract(func(v *visit, _ pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.VoidContract(v.book, c, in["reason"])
		})}), nil
}

// contractSeconds are the steps with a contract that a second person approves; the first one signs it.
func (v *visit) contractSeconds(has contractChoices) []act {
	day, reason := v.todayBlank("day", "voucher.day"), blank{name: "reason", label: "offline.reason", kind: "area", max: 100}
	bank, ref := blank{name: "bank", label: "subsidy.bank", kind: "select", options: v.paidFrom()}, blank{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}
	second := func(name string, danger bool, plan func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error), blanks ...blank) act {
		return act{name: name, needs: staff.ProjectWrite, second: staff.ContractKind, danger: danger, blanks: blanks, plan: ofContract(plan)}
	}
	acts := []act{
		second("contract-sign", false, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Sign(v.ctx(), q, v.book, c, in.day("day"))
		}, day),
		second("stage-book", false, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Book(v.ctx(), q, v.book, c, int16(in.number("stage")), in.day("day"))
		}, blank{name: "stage", label: "contract.stage", kind: "select", options: has.inspected}, day),
		second("contract-forfeit", true, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Forfeit(v.ctx(), q, v.book, c, in.day("day"))
		}, day),
		second("contract-resume", false, func(v *visit, _ pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Resume(v.book, c, in["reason"])
		}, reason),
		second("contract-change", false, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			amount := in.sum("amount", v.book)
			if in["way"] == "less" {
				amount = -amount
			}
			return projects.ChangeAmount(v.ctx(), q, v.book, c, int16(in.number("source")), amount, in["reason"], in.day("due"), in.day("day"))
		}, day, blank{name: "way", label: "contract.way", kind: "select", options: v.choices("contract.way", "more", "less")}, blank{name: "source", label: "contract.source", kind: "select", options: has.sources},
			blank{name: "amount", label: "filter.amount", kind: "amount"}, blank{name: "due", label: "contract.due", kind: "day"}, reason),
		second("contract-close", false, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.CloseContract(v.ctx(), q, v.book, c, in["surplus"] == "back", in.day("day"))
		}, day, blank{name: "surplus", label: "contract.surplus", kind: "select", options: v.choices("contract.surplus", "back", "stay")}),
		second("contract-terminate", true, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Terminate(v.ctx(), q, v.book, c, in["reason"], in.day("day"))
		}, day, reason),
		second("contract-write-off", true, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.WriteOff(v.ctx(), q, v.book, c, in.sum("amount", v.book), in["bearer"], in["ref"], chart.ID(in["bank"]), in["reason"], in.day("day"))
		}, day, blank{name: "amount", label: "filter.amount", kind: "amount"}, blank{name: "bearer", label: "contract.loss.bearer", hint: "contract.loss.bearer.hint", kind: "select", options: v.choices("contract.loss", projects.Losses()...)},
			blank{name: "ref", label: "fundfile.ref", hint: "contract.loss.ref.hint", max: 100, optional: true},
			blank{name: "bank", label: "subsidy.bank", kind: "select", options: v.bankOptions()}, reason),
		second("source-back", false, func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.GiveBack(v.ctx(), q, v.book, c, int16(in.number("source")), chart.ID(in["bank"]), in["ref"], in.day("day"))
		}, day, blank{name: "source", label: "contract.source", kind: "select", options: has.back}, bank, ref),
	}
	acts[len(acts)-1].second = staff.PaymentKind
	return acts
}

// sides are for whom this person may speak: the street's officer for the street, the accountant for the association, the approver counts what
// residents said on paper, a supervisor is independent.
func (v *visit) sides(street *int32) (sides []string) {
	if street != nil && v.who.SignsFor(*street) {
		sides = append(sides, projects.SideStreet)
	}
	if v.who.Has(staff.Accountant) {
		sides = append(sides, projects.SideProvider)
	}
	if v.who.Has(staff.Approver) {
		sides = append(sides, projects.SideResidents)
	}
	if v.who.Has(staff.Supervisor) {
		sides = append(sides, projects.SideIndependent)
	}
	return sides
}

// contractWork are the steps of a contract that is carried out, done at once.
func (v *visit) contractWork(c *projects.Contract, street *int32, has contractChoices) map[string]act {
	own := func(v *visit, q pg.Querier, c *projects.Contract) error { // accepted is for the street, by its own officer
		p, err := v.project(q, c.ProjectID)
		if err != nil {
			return err
		}
		if p.StreetID == nil || !v.who.SignsFor(*p.StreetID) {
			return giving.ErrStep
		}
		return nil
	}
	reason, ref := blank{name: "reason", label: "offline.reason", kind: "area"}, blank{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}
	list := []act{
		{name: "stage-inspect", needs: staff.SubsidySign, blanks: []blank{{name: "stage", label: "contract.stage", kind: "select", options: has.due}, {name: "amount", label: "contract.accept.amount", hint: "contract.accept.hint", kind: "amount"},
			{name: "report", label: "contract.report", hint: "contract.report.hint", kind: "area"}}, plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			if err := own(v, q, c); err != nil {
				return nil, err
			}
			return projects.Inspect(v.ctx(), q, v.book, c, int16(in.number("stage")), in.sum("amount", v.book), in["report"], v.who.Person.ID)
		})},
		{name: "stage-refuse", needs: staff.SubsidySign, danger: true, blanks: []blank{{name: "stage", label: "contract.stage", kind: "select", options: slices.Concat(has.due, has.inspected)}, reason},
			plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				if err := own(v, q, c); err != nil {
					return nil, err
				}
				return projects.Refuse(v.ctx(), q, v.book, c, int16(in.number("stage")), in["reason"], v.who.Person.ID)
			})},
		{name: "visit-note", needs: staff.ProjectAssess, blanks: []blank{v.todayBlank("day", "visit.day"), {name: "report", label: "visit.report", kind: "area", max: 1000}, {name: "times", label: "visit.times", hint: "visit.times.hint", kind: "number", optional: true},
			{name: "people", label: "visit.people", kind: "number", optional: true}, {name: "finding", label: "visit.finding", hint: "visit.finding.hint", kind: "area", max: 400, optional: true}, {name: "due", label: "visit.due", kind: "day", optional: true}},
			plan: ofContract(func(v *visit, _ pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				id, err := uuid.Parse(v.FormValue("form"))
				if err != nil {
					return nil, giving.ErrStep
				}
				one := projects.Visit{ID: id, Day: in.day("day"), By: v.who.Person.ID, Report: in["report"], PersonTimes: int32(in.number("times")), People: int32(in.number("people")), Finding: in["finding"]}
				if due := in.day("due"); !due.IsZero() {
					one.DueOn = &due
				}
				return projects.NoteVisit(v.book, c, one)
			})},
		{name: "finding-answer", needs: staff.ProjectEnter, blanks: []blank{{name: "visit", label: "visit.finding", kind: "select", options: has.visits}, {name: "answer", label: "visit.answer", kind: "area", max: 400}},
			plan: v.ofVisit(func(v *visit, c *projects.Contract, one projects.Visit, in inputs) (*giving.Move, error) {
				return projects.AnswerFinding(v.book, c, one, in["answer"])
			})},
		{name: "finding-settle", needs: staff.ProjectAssess, blanks: []blank{{name: "visit", label: "visit.finding", kind: "select", options: has.answered}},
			plan: v.ofVisit(func(v *visit, c *projects.Contract, one projects.Visit, _ inputs) (*giving.Move, error) {
				return projects.SettleFinding(v.book, c, one)
			})},
		{name: "assess", needs: staff.ProjectAssess, blanks: []blank{{name: "phase", label: "assess.phase", kind: "select", options: v.choices("assess.phase", projects.AtEnd, projects.Middle)},
			{name: "side", label: "assess.side", kind: "select", options: v.choices("assess.side", v.sides(street)...)}, {name: "points", label: "assess.points", hint: "assess.points.hint", kind: "number"}, {name: "note", label: "assess.note", kind: "area", max: 400}},
			plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				p, err := v.project(q, c.ProjectID)
				if err != nil {
					return nil, err
				}
				if !slices.Contains(v.sides(p.StreetID), in["side"]) {
					return nil, giving.ErrStep
				}
				return projects.Assess(v.ctx(), q, v.book, c, projects.Score{Phase: in["phase"], Side: in["side"], By: v.who.Person.ID, Points: int32(in.number("points")), Note: in["note"], At: v.now})
			})},
		{name: "pay-ask", needs: staff.ProjectEnter, blanks: []blank{{name: "kind", label: "pay.kind", kind: "select", options: v.choices("pay.kind", projects.ForStage, projects.ForAdvance, projects.ForLast)},
			{name: "amount", label: "filter.amount", kind: "amount"}, {name: "bank", label: "pay.bank", kind: "select", options: v.paidFrom()}, {name: "invoice", label: "pay.invoice", hint: "pay.invoice.hint", max: 60, optional: true},
			{name: "purpose", label: "pay.purpose", max: 100}}, plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			id, err := uuid.Parse(v.FormValue("form")) // a payment is called by its form
			if err != nil {
				return nil, giving.ErrStep
			}
			return projects.Ask(v.ctx(), q, v.book, c, projects.Payment{ID: id, Kind: in["kind"], Bank: chart.ID(in["bank"]), Amount: in.sum("amount", v.book), Invoice: in["invoice"], Purpose: in["purpose"], AskedBy: v.who.Person.ID}, v.now)
		})},
		{name: "contract-receive", needs: staff.ProjectWrite, blanks: []blank{v.todayBlank("day", "bankline.day"), {name: "source", label: "contract.source", kind: "select", options: has.sources}, {name: "amount", label: "filter.amount", kind: "amount"},
			{name: "bank", label: "subsidy.bank", kind: "select", options: v.paidFrom()}, ref}, plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
			return projects.Receive(v.ctx(), q, v.book, c, int16(in.number("source")), in.sum("amount", v.book), chart.ID(in["bank"]), in["ref"], in.day("day"))
		})},
		{name: "contract-recover", needs: staff.ProjectWrite, blanks: []blank{v.todayBlank("day", "bankline.day"), {name: "amount", label: "filter.amount", kind: "amount"}, {name: "bank", label: "subsidy.bank", kind: "select", options: v.paidFrom()}, ref},
			plan: ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
				return projects.Recover(v.ctx(), q, v.book, c, in.sum("amount", v.book), chart.ID(in["bank"]), in["ref"], in.day("day"))
			})},
	}
	acts := map[string]act{}
	for _, a := range slices.Concat(list, v.contractSeconds(has)) {
		acts[a.name] = a
	}
	return acts
}

// ofVisit plans a step about the finding of a visit.
func (v *visit) ofVisit(plan func(v *visit, c *projects.Contract, one projects.Visit, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return ofContract(func(v *visit, q pg.Querier, c *projects.Contract, in inputs) (*giving.Move, error) {
		list, err := projects.Visits(v.ctx(), q, v.book, c.ID)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			if one.ID == in.id("visit") {
				return plan(v, c, one, in)
			}
		}
		return nil, giving.ErrStep
	})
}
