package web

import (
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

func ofFundFile(plan func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		f, err := v.fundFile(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, f, in)
	}
}

// fundFileChoices are what the forms of a fund offer.
type fundFileChoices struct {
	terms                        *funds.Terms // as they stand
	purposes, agreements, others []Option
}

// fundFileSeconds are the steps of a fund that another person approves, in the order in which its page offers them.
func (v *visit) fundFileSeconds(has fundFileChoices) []act {
	second := func(name string, danger bool, plan func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error), blanks ...blank) act {
		return act{name: name, needs: staff.FundWrite, second: staff.FundKind, danger: danger, blanks: blanks, plan: ofFundFile(plan)}
	}
	bases := func(names ...string) []Option { return v.choices("fundfile.basis", names...) }
	bank, amount, day := blank{name: "bank", label: "transfer.bank", kind: "select", options: v.bankOptions()}, blank{name: "amount", label: "filter.amount", kind: "amount"}, v.todayBlank("day", "voucher.day")
	ref := func(hint string) blank { return blank{name: "ref", label: "fundfile.ref", hint: hint, max: 100} }
	to := blank{name: "to", label: "transfer.to", thing: "fund", kind: "select", options: has.others}
	return []act{
		second("fund-open", false, func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			hash, _ := hex.DecodeString(in["agreement"]) // what is no hash is no paper
			return funds.Begin(v.ctx(), q, v.book, f, hash, in["ref"], v.businessDay())
		}, blank{name: "agreement", label: "fundfile.agreement", hint: "fundfile.agreement.hint", kind: "select", options: has.agreements}, ref("fundfile.ref.agreement")),
		second("fund-change", false, func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			return funds.Change(v.ctx(), q, v.book, f, v.termsOf(in), in["basis"], in["ref"])
		}, append(v.termBlanks(has.terms, has.purposes), blank{name: "basis", label: "fundfile.basis", kind: "select", options: bases(funds.ByFiling, funds.ByConsent)}, ref("fundfile.ref.change"))...),
		second("fund-levy", false, func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			return funds.Levy(v.ctx(), q, v.book, f, in.sum("amount", v.book), chart.ID(in["bank"]), in.day("day"))
		}, amount, bank, day),
		second("fund-release", true, func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			s, err := v.sight()
			if err != nil {
				return nil, err
			}
			return funds.Release(v.ctx(), q, v.book, f, s.fund(int32(in.number("to"))), in.sum("amount", v.book), in["why"], in["ref"], chart.ID(in["bank"]), in.day("day"))
		}, blank{name: "why", label: "fundfile.why", kind: "select", options: bases(funds.ByTime, funds.ByGiver)}, ref("fundfile.ref.release"), to, amount, bank, day),
		second("fund-close", true, func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			s, err := v.sight()
			if err != nil {
				return nil, err
			}
			return funds.Close(v.ctx(), q, v.book, f, s.fund(int32(in.number("to"))), in["basis"], in["ref"], in["reason"], v.now)
		}, blank{name: "to", label: "fundfile.rest.to", thing: "fund", hint: "fundfile.rest.to.hint", kind: "select", options: has.others, optional: true},
			blank{name: "basis", label: "fundfile.basis", kind: "select", options: bases(funds.Bases()...)}, blank{name: "ref", label: "fundfile.ref", hint: "fundfile.ref.rest", max: 100, optional: true},
			blank{name: "reason", label: "offline.reason", hint: "fundfile.close.hint", kind: "area"}),
		v.fundInterest(),
	}
}

// agreementOptions are the papers beside an application.
func (v *visit) agreementOptions(f *funds.File) (options []Option, err error) {
	papers, err := ledger.Papers(v.ctx(), v.s.DB, v.book, f.Object())
	for _, p := range papers {
		options = append(options, Option{Value: hex.EncodeToString(p.Hash), Label: p.Name})
	}
	return options, err
}

// fundFileActs are the steps that may follow.
func (v *visit) fundFileActs(q pg.Querier, f *funds.File) ([]act, error) {
	var has fundFileChoices
	switch f.State {
	case funds.Draft:
		seats, err := funds.Seats(v.ctx(), q, v.book, f.ID)
		if err != nil {
			return nil, err
		}
		if has.agreements, err = v.agreementOptions(f); err != nil {
			return nil, err
		}
		acts := []act{v.seatAdd(), v.fundFileSeconds(has)[0]}
		if len(seats) > 0 {
			off := act{name: "fund-seat-off", needs: staff.FundApply, danger: true, blanks: []blank{{name: "seat", label: "fundfile.seat", kind: "select"}},
				plan: ofFundFile(func(v *visit, _ pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
					return funds.DropSeat(v.book, f, int16(in.number("seat")))
				})}
			for _, s := range seats {
				off.blanks[0].options = append(off.blanks[0].options, Option{Value: strconv.Itoa(int(s.Seat)), Label: strconv.Itoa(int(s.Seat)) + " " + s.Capacity})
			}
			acts = append(acts, off)
		}
		return append(acts, act{name: "fund-refuse", needs: staff.FundWrite, danger: true, blanks: []blank{whyBlank()}, plan: ofFundFile(func(v *visit, _ pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			return funds.Refuse(v.book, f, in["reason"])
		})}, act{name: "fund-drop", needs: staff.FundApply, danger: true, blanks: []blank{whyBlank()}, plan: ofFundFile(func(v *visit, _ pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			return funds.Drop(v.book, f, in["reason"])
		})}), nil
	case funds.Open:
		c, err := funds.CharterOf(v.ctx(), q, v.book, *f.FundID)
		if err != nil {
			return nil, err
		}
		has.terms = &c.Terms
		if has.purposes, err = v.purposeOptions(); err != nil {
			return nil, err
		}
		s, err := v.sight()
		if err != nil {
			return nil, err
		}
		has.others = s.options(v.lang, T(v.lang, "transfer.choose"))
		seconds := v.fundFileSeconds(has)
		change, levy, release, end := seconds[1], seconds[2], seconds[3], seconds[4]
		acts := []act{change}
		if c.Terms.LevyBP != nil {
			acts = append(acts, levy)
		}
		if funds.Kind(c.Terms.Sort) != ledger.Subsidy && c.Terms.Sort != funds.Agency {
			acts = append(acts, release)
		}
		return append(acts, end), nil
	case funds.Closed:
		if f.PublishedOn == nil {
			return []act{{name: "fund-publish", needs: staff.FundWrite, blanks: []blank{v.todayBlank("day", "project.published"), {name: "where", label: "project.where", value: "/f/" + f.Code}},
				plan: ofFundFile(func(v *visit, _ pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
					return funds.Publish(v.book, f, in["where"], in.day("day"))
				})}}, nil
		}
	}
	return nil, nil
}

func (v *visit) seatAdd() act {
	return act{name: "fund-seat", needs: staff.FundApply, blanks: []blank{{name: "kind", label: "fundfile.seat.kind", kind: "select", options: v.choices("fundfile.seat.kind", funds.Member, funds.Supervisor)},
		{name: "capacity", label: "fundfile.seat.capacity", hint: "fundfile.seat.capacity.hint", max: 60},
		{name: "vote", label: "fundfile.seat.vote", hint: "fundfile.seat.vote.hint", kind: "select", options: v.choices("fundfile.seat.vote", funds.Yes, funds.No, funds.Abstain, funds.Absent, funds.Heard)},
		{name: "opinion", label: "fundfile.seat.opinion", hint: "fundfile.seat.opinion.hint", kind: "area", max: 400, optional: true}},
		plan: ofFundFile(func(v *visit, q pg.Querier, f *funds.File, in inputs) (*giving.Move, error) {
			return funds.AddSeat(v.ctx(), q, v.book, f, funds.Seat{Kind: in["kind"], Capacity: in["capacity"], Vote: in["vote"], Opinion: in["opinion"]})
		})}
}
