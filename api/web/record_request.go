package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// stepDraft is the payload of a request to take a step: the step, its record and the fields of its form. Names of natural
// persons are in no such form.
type stepDraft struct {
	Act string    `json:"act"`
	ID  uuid.UUID `json:"id"`
	In  inputs    `json:"in"`
}

// askStep asks another person for a step. Nothing is booked yet.
func (v *visit) askStep(a act, form, id uuid.UUID, in inputs) error {
	m, err := a.plan(v, v.s.DB, id, in)
	if err != nil {
		return err
	}
	return v.request(staff.Draft{Form: form, Kind: a.second, Amount: m.Amount, Payload: stepDraft{a.name, id, in}, Payee: cmp.Or(m.Payee, m.Object),
		Summary: v.stepSummary(a, m)})
}

// secondAct finds a step that takes a second person.
func (v *visit) secondAct(name string) (act, error) {
	for _, a := range slices.Concat(v.bankReceiptEnds(), v.lotSeconds(), v.auctionSeconds(nil), v.pledgeSeconds(), v.serviceSeconds(), v.platformSeconds(), v.platformPolicies(), v.platformHeldAll(), v.letterSeconds(nil), v.pollSeconds(nil), v.fundVoteSeconds(nil), v.workSeconds(), v.lawSeconds(), v.disclosureActs(nil, nil), v.fundFileSeconds(fundFileChoices{}), v.termSeconds(nil), []act{v.tieAct(nil), v.updateShow()}) {
		if a.name == name {
			return a, nil
		}
	}
	return act{}, fmt.Errorf("no step %q", name)
}

func (v *visit) readStep(q pg.Querier, a staff.Approval) (act, stepDraft, error) {
	var d stepDraft
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return act{}, d, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	step, err := v.secondAct(d.Act)
	return step, d, err
}

// askedStep is what a request for a step would do, or has done.
func (v *visit) askedStep(q pg.Querier, a staff.Approval) (asked, error) {
	step, d, err := v.readStep(q, a)
	if err != nil {
		return asked{}, err
	}
	r := asked{kind: ledger.KindVoucher, day: v.businessDay(), reason: d.In["reason"]}
	for _, name := range slices.Sorted(maps.Keys(d.In)) {
		for _, b := range step.blanks {
			if b.name == name && name != "reason" && d.In[name] != "" {
				value, err := v.stepValue(q, b, d.In[name])
				if err != nil {
					return r, err
				}
				r.facts = append(r.facts, Fact{Term: T(v.lang, b.label), Value: value})
			}
		}
	}
	more, err := v.askedAbout(q, a.Kind, d)
	if err != nil {
		return r, err
	}
	r.facts = append(r.facts, more...)
	gains, err := v.payeeFacts(q, a.Payee)
	if err != nil {
		return r, err
	}
	r.facts = append(r.facts, gains...)
	if a.Kind == staff.PaymentKind {
		r.facts = append(r.facts, v.sumFact("filter.amount", a.Amount))
	}
	if path := objectPath(stepObject(a, d)); path != "" {
		r.facts = append(r.facts, Fact{Term: T(v.lang, "offline.record"), Value: T(v.lang, "offline.record.open"), Href: path})
	}
	if a.State == staff.Open {
		m, err := step.plan(v, q, d.ID, d.In)
		var fields *giving.FieldErrors
		switch {
		case errors.As(err, &fields):
			r.stop = giving.ErrStep
		case errors.Is(err, giving.ErrStep), slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) }):
			r.stop = err
		case err != nil:
			return r, err
		default:
			r.kind, r.day, r.lines = m.Kind, m.Day, m.Lines
		}
	} else if a.Entry != nil {
		e, err := ledger.ReadEntry(v.ctx(), q, v.book, *a.Entry)
		if err != nil {
			return r, err
		}
		r.kind, r.day = e.Kind, e.EffectiveOn
		for _, p := range e.Postings {
			r.lines = append(r.lines, ledger.Line{Leaf: p.Leaf, Amount: p.Amount})
		}
	}
	return r, nil
}

// askedAbout is what else a second person reads of a vote (its budget, who votes when, each project with its cost), of a fund that is to be opened (its charter)
// and of a post (its text).
func (v *visit) askedAbout(q pg.Querier, kind staff.Kind, d stepDraft) (facts []Fact, err error) {
	switch {
	case kind == staff.PollKind:
		p, err := polls.ByID(v.ctx(), q, v.book, d.ID)
		if errors.Is(err, polls.ErrNoPoll) { // a fund's rule, not a vote
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if facts, err = v.pollFacts(q, p); err != nil {
			return nil, err
		}
		for i := range p.Options {
			o := &p.Options[i]
			facts = append(facts, v.fact("vote.option", strconv.Itoa(int(o.Place))+" "+o.Title(string(v.lang))+" "+Amount(v.lang, v.amount(o.Cost))))
		}
	case kind == staff.UpdateKind:
		p, err := v.update(q, d.ID)
		if err != nil {
			return nil, err
		}
		facts = v.updateSays(p)
		if last := &facts[len(facts)-1]; p.Photos > 0 { // which are looked at as well
			last.Value, last.Href = T(v.lang, "update.photos.look", int(p.Photos)), updatesDeskPath+"/"+p.ID.String()
		}
		return facts, nil
	case d.Act == "fund-open":
		f, err := v.fundFile(q, d.ID)
		if err != nil {
			return nil, err
		}
		if facts, err = v.fundFileFacts(f, &f.Terms); err != nil {
			return nil, err
		}
		facts = append([]Fact{v.fact("fund.name", f.Name(string(v.lang)))}, facts...)
	}
	return facts, nil
}

// stepValue is a field of the form as a reader sees it. Steps that are looked up by name offer no choices: their words are read here.
func (v *visit) stepValue(q pg.Querier, b blank, value string) (string, error) {
	switch b.kind {
	case "amount":
		return Amount(v.lang, v.amount(inputs{"x": value}.sum("x", v.book))), nil
	case "day":
		return Day(v.lang, inputs{"x": value}.day("x")), nil
	case "entry":
		if e, err := ledger.ReadEntry(v.ctx(), q, v.book, inputs{"x": value}.id("x")); err == nil {
			return v.entryName(e), nil
		}
	case "picks":
		return v.purposeNames(strings.Fields(value))
	case "select":
		return v.choiceMade(q, b, value)
	}
	return value, nil
}

// choiceMade is what was chosen, in the words of its form; an object that is there no more is told by its number.
func (v *visit) choiceMade(q pg.Querier, b blank, value string) (string, error) {
	if i := slices.IndexFunc(b.options, func(o Option) bool { return o.Value == value }); i >= 0 {
		return b.options[i].Label, nil
	}
	number, _ := strconv.Atoi(value) // zero is nothing's
	switch b.thing {
	case "law":
		return v.lawName(value), nil
	case "purpose":
		return v.purposeNames([]string{value})
	case "fund":
		funds, err := v.fundsByID(v.ctx(), q)
		if f := funds[int32(number)]; f != nil {
			return fundLabel(v.lang, f), nil
		}
		return value, err
	case "source":
		s, err := recon.SourceByID(v.ctx(), q, v.book, int32(number))
		if err == nil {
			return sourceOption(s).Label, nil
		}
		if errors.Is(err, giving.ErrNoRecord) {
			err = nil
		}
		return value, err
	case "bidder":
		if id, err := uuid.Parse(value); err == nil {
			return giving.PaddleOf(v.ctx(), q, v.book, id), nil
		}
	}
	return value, nil
}

// carryStep takes the step in the transaction of its approval.
func (v *visit) carryStep(tx pgx.Tx, a staff.Approval) (*uuid.UUID, error) {
	step, d, err := v.readStep(tx, a)
	if err != nil {
		return nil, err
	}
	m, err := step.plan(v, tx, d.ID, d.In)
	var fields *giving.FieldErrors
	if errors.As(err, &fields) {
		err = fmt.Errorf("%w: %w", giving.ErrStep, err)
	}
	if err != nil {
		return nil, err
	}
	maker, err := newNames(v).person(a.MadeBy)
	if err != nil {
		return nil, err
	}
	checkers, err := v.approvedBy(tx, a)
	if err != nil {
		return nil, err
	}
	sign := giving.Sign{Key: a.ID, By: a.MadeBy, Second: v.who.Person.ID, At: v.now, Summary: a.Summary}
	sign.Made, sign.Check = signatures(maker, checkers)
	for _, who := range []uuid.UUID{a.MadeBy, v.who.Person.ID} {
		if err := v.payeeChanged(tx, step, m.Payee, who); err != nil {
			return nil, err
		}
	}
	entry, err := m.Book(v.ctx(), tx, v.book, sign)
	if err != nil || entry == uuid.Nil {
		return nil, err
	}
	return &entry, nil
}

// payeeChanged notes that somebody had a hand in where a payee's money goes: they do not approve what it receives for a while.
func (v *visit) payeeChanged(tx pgx.Tx, a act, payee string, who uuid.UUID) error {
	if a.name != "payee-account" && a.name != "payee-verify" && a.name != "home-enter" {
		return nil
	}
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: who, What: staff.PayeeChange, Object: payee, Detail: map[string]any{"act": a.name}})
}
