package web

import (
	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/staff"
)

// platformPolicyPath is where a book says when match is income.
const platformPolicyPath = platformsPath + "/policy"

// platformPolicies is the step by which match of files booked later is income at another moment. Another person approves.
func (v *visit) platformPolicies() []act {
	var options []Option
	for _, r := range platforms.Recognitions {
		options = append(options, Option{Value: r, Label: T(v.lang, "platform.recognition."+r)})
	}
	return []act{{name: "platform-recognise", needs: staff.OfflineWrite, second: staff.PlatformKind,
		blanks: []blank{{name: "recognition", label: "platform.recognition", kind: "select", options: options}, {name: "reason", label: "offline.reason", kind: "area"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			return platforms.Recognise(v.ctx(), q, v.book, id, in["recognition"], in["reason"], v.now)
		}}}
}

// platformPolicy asks for it.
func (v *visit) platformPolicy() error {
	return v.perform(uuid.Nil, platformsPath, v.platformsAgain, v.platformPolicies()...)
}

// policyGrid shows when match is income, and what the book decided on it.
func (v *visit) policyGrid() (fact Fact, g grid, err error) {
	is, err := platforms.Recognition(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return fact, g, err
	}
	list, err := platforms.Policies(v.ctx(), v.s.DB, v.book)
	g = grid{Title: T(v.lang, "platform.policies"), Empty: T(v.lang, "platform.policies.none"), Heads: v.heads("rule.from.day", "platform.recognition", "offline.reason")}
	for _, p := range list {
		g.Rows = append(g.Rows, []cell{dayCell(v.book.Day(p.At)), {Text: T(v.lang, "platform.recognition."+p.Recognition)}, textCell(p.Reason)})
	}
	return v.fact("platform.recognition", T(v.lang, "platform.recognition."+is)), g, err
}

// differenceOf reads what most steps of a booked file ask for.
func differenceOf(v *visit, in inputs) platforms.Difference {
	return platforms.Difference{Day: in.day("day"), Amount: in.sum("amount", v.book), Reason: in["reason"]}
}

// differenceBlanks are its fields, with others of the step between them.
func (v *visit) differenceBlanks(more ...blank) []blank {
	return append(append([]blank{v.todayBlank("day", "voucher.day")}, more...), blank{name: "amount", label: "filter.amount", kind: "amount"}, blank{name: "reason", label: "offline.reason", kind: "area"})
}

// platformFreeze keeps match that has come from use; one person may, it takes nothing away for good.
func (v *visit) platformFreeze() act {
	return platformAct("platform-freeze", "", v.differenceBlanks(), func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
		return platforms.Freeze(v.ctx(), q, v.book, f, differenceOf(v, in))
	})
}

// platformHeldSeconds are the steps with match that has come, and with settlements, that a second person approves.
func (v *visit) platformHeldSeconds(settled []Option) (undo, unfreeze, clawback act) {
	undo = platformAct("platform-undo", staff.PlatformKind, []blank{{name: "settlement", label: "platform.settlement", kind: "select", options: settled},
		v.todayBlank("day", "voucher.day"), {name: "reason", label: "offline.reason", kind: "area"}},
		func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
			return platforms.Undo(v.ctx(), q, v.book, f, in.id("settlement"), in.day("day"), in["reason"])
		})
	unfreeze = platformAct("platform-unfreeze", staff.PlatformKind, v.differenceBlanks(), func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
		return platforms.Unfreeze(v.ctx(), q, v.book, f, differenceOf(v, in))
	})
	causes := []Option{{Value: string(giving.Outside), Label: T(v.lang, "platform.cause.outside")}, {Value: string(giving.OwnFault), Label: T(v.lang, "platform.cause.own")}}
	clawback = platformAct("platform-clawback", staff.PlatformKind, v.differenceBlanks(blank{name: "cause", label: "platform.cause", kind: "select", options: causes}),
		func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
			return platforms.Clawback(v.ctx(), q, v.book, f, differenceOf(v, in), giving.Cause(in["cause"]))
		})
	return undo, unfreeze, clawback
}

// platformHeldAll are those of them that a request may name.
func (v *visit) platformHeldAll() []act {
	undo, unfreeze, clawback := v.platformHeldSeconds(nil)
	return []act{undo, unfreeze, clawback}
}

// platformBookedActs are what may follow in a booked file, as it stands.
func (v *visit) platformBookedActs(open bool, settled []platforms.Settlement, held []platforms.Held) (acts []act) {
	var options []Option
	for _, s := range settled {
		if s.Undone || s.Kind == "undone" {
			continue
		}
		sum := money.Format(s.Gifts+s.Match, v.book.Currency)
		options = append(options, Option{Value: s.ID.String(), Label: oneLine(ISODay(s.Day)+" · "+T(v.lang, "platform.kind."+s.Kind)+" · "+sum+" · "+s.BankRef+s.Reason, 80)})
	}
	var free, frozen, back int64
	for _, h := range held {
		free, frozen, back = free+h.Free(), frozen+h.Frozen, back+h.Back()
	}
	if open {
		acts = append(v.platformSettling(), v.platformSeconds()...)
	}
	undo, unfreeze, clawback := v.platformHeldSeconds(options)
	if len(options) > 0 {
		acts = append(acts, undo)
	}
	if free > 0 {
		acts = append(acts, v.platformFreeze())
	}
	if frozen > 0 {
		acts = append(acts, unfreeze)
	}
	if back > 0 {
		acts = append(acts, clawback)
	}
	return acts
}

// platformHeld shows match that has come and what became of it; nothing when none has.
func (v *visit) platformHeld(view *recordView, f *platforms.File, held []platforms.Held) error {
	provisional, err := f.Provisional(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	way := platforms.OnReceipt
	if provisional {
		way = platforms.OnConditionMet
	}
	var paid, frozen, clawed int64
	for _, h := range held {
		paid, frozen, clawed = paid+h.Paid, frozen+h.Frozen, clawed+h.Clawed
	}
	if f.Counted != nil && f.Counted.Match > 0 {
		view.Facts = append(view.Facts, v.fact("platform.recognition", T(v.lang, "platform.recognition."+way)), v.sumFact("platform.match.came", paid))
	}
	if frozen != 0 || clawed != 0 {
		view.Facts = append(view.Facts, v.sumFact("platform.match.frozen", frozen), v.sumFact("platform.match.clawed", clawed))
	}
	steps, err := platforms.MatchSteps(v.ctx(), v.s.DB, v.book, f)
	if err != nil || len(steps) == 0 {
		return err
	}
	g := grid{Title: T(v.lang, "platform.match.steps"), Heads: v.heads("bankline.day", "platform.kind", "platform.cause", "offline.reason", "#filter.amount")}
	for _, s := range steps {
		cause := ""
		if s.Cause != "" {
			cause = T(v.lang, "platform.cause."+string(s.Cause))
		}
		g.Rows = append(g.Rows, []cell{{Text: ISODay(s.Day), Href: "/console/entries/" + s.ID.String()}, {Text: T(v.lang, "platform.kind."+s.Kind)}, {Text: cause}, textCell(s.Reason), v.sumCell(s.Amount)})
	}
	view.Grids = append(view.Grids, g)
	return nil
}
