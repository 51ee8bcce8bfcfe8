package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// sheetBlanks are the fields of a count sheet, one a denomination.
func sheetBlanks() (blanks []blank) {
	for _, each := range payments.Denominations() {
		blanks = append(blanks, blank{name: fmt.Sprintf("n%d", each), label: fmt.Sprintf("cash.note.%d", each), kind: "number", optional: true, max: 7})
	}
	return blanks
}

func (in inputs) sheet() payments.Sheet {
	s := payments.Sheet{}
	for _, each := range payments.Denominations() {
		if pieces := in.number(fmt.Sprintf("n%d", each)); pieces > 0 {
			s[each] = int32(pieces)
		}
	}
	return s
}

// cashCount counts cash that was handed in.
func (v *visit) cashCount() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	blanks := append([]blank{v.todayBlank("day", "cash.day"), {name: "campaign", label: "gift.campaign", kind: "select", options: campaigns}}, sheetBlanks()...)
	blanks = append(blanks, blank{name: "slips", label: "cash.slips", hint: "cash.slips.hint", kind: "amount", optional: true},
		blank{name: "reason", label: "cash.reason", hint: "cash.reason.hint", optional: true})
	return act{name: "cash-count", needs: staff.CashCount, to: "/console/cash/", blanks: blanks,
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			return payments.CountCash(v.ctx(), q, v.book, payments.Counting{ID: id, CampaignID: int32(in.number("campaign")), Day: in.day("day"), Sheet: in.sheet(),
				Slips: in.sum("slips", v.book), Reason: in["reason"]}, v.who.Person.ID, v.now)
		}}, err
}

// everyCount is the choice of all counts that wait.
const everyCount = "all"

// cashCarry takes counted cash to the bank.
func (v *visit) cashCarry(waiting []payments.CashCount) act {
	options := []Option{{Value: everyCount, Label: T(v.lang, "cash.carry.all")}}
	for _, c := range waiting {
		options = append(options, Option{Value: c.ID.String(), Label: ISODay(c.Day) + " · " + Amount(v.lang, v.amount(c.Counted))})
	}
	return act{name: "cash-carry", needs: staff.CashCount, to: "/console/deposits/", blanks: []blank{
		v.todayBlank("day", "cash.carry.day"),
		{name: "count", label: "cash.carry.counts", kind: "select", options: options},
		{name: "bank", label: "cash.bank", kind: "select", options: v.bankOptions()},
		{name: "bag", label: "cash.bag", hint: "cash.bag.hint", max: 40},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		c := payments.Carrying{ID: id, Bank: chart.ID(in["bank"]), Bag: in["bag"], Day: in.day("day")}
		if in["count"] == everyCount {
			for _, one := range waiting {
				c.Counts = append(c.Counts, one.ID)
			}
		} else {
			c.Counts = []uuid.UUID{in.id("count")}
		}
		return payments.CarryCash(v.ctx(), q, v.book, c, v.who.Person.ID)
	}}
}

// cashList shows cash that waits: for a second person, for the bank, on its way.
func (v *visit) cashList() error { return v.cashAgain(http.StatusOK, nil) }

func (v *visit) cashAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "cash.heading"), "/console/cash")
	view.Errors, view.Path = wrong, "/console/cash"
	names := newNames(v)
	var toBank []payments.CashCount
	for _, list := range []struct {
		title, none string
		read        func() ([]payments.CashCount, error)
	}{
		{"cash.confirm", "cash.confirm.none", func() ([]payments.CashCount, error) { return payments.CountsToConfirm(v.ctx(), v.s.DB, v.book) }},
		{"cash.tobank", "cash.tobank.none", func() ([]payments.CashCount, error) { return payments.CountsToBank(v.ctx(), v.s.DB, v.book) }},
		{"cash.done", "cash.done.none", func() ([]payments.CashCount, error) { return payments.CountsDone(v.ctx(), v.s.DB, v.book) }},
	} {
		counts, err := list.read()
		if err != nil {
			return err
		}
		if list.title == "cash.tobank" {
			toBank = counts
		}
		g, err := v.countGrid(counts, names)
		if err != nil {
			return err
		}
		g.Title, g.Empty = T(v.lang, list.title), T(v.lang, list.none)
		view.Grids = append(view.Grids, g)
	}
	deposits, err := v.depositGrid(names)
	if err != nil {
		return err
	}
	view.Grids = slices.Insert(view.Grids, 2, deposits)
	acts, err := v.cashActs(toBank)
	if err != nil {
		return err
	}
	if len(toBank) == 0 {
		acts = acts[:1]
	}
	if err := v.offer(&view, "/console/cash", acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) cashActs(waiting []payments.CashCount) ([]act, error) {
	count, err := v.cashCount()
	return []act{count, v.cashCarry(waiting)}, err
}

func (v *visit) countGrid(counts []payments.CashCount, names *names) (grid, error) {
	g := grid{Heads: v.heads("cash.day", "cash.from", "person.state", "cash.counted.by", "#filter.amount")}
	for _, c := range counts {
		by, err := names.of(c.CountedBy)
		if err != nil {
			return g, err
		}
		from := T(v.lang, "cash.from.hand")
		if c.Box != nil {
			b, err := payments.BoxByID(v.ctx(), v.s.DB, v.book, *c.Box)
			if err != nil {
				return g, err
			}
			from = b.Code
		}
		sum := v.sumCell(c.Counted)
		if c.State == payments.CountOpen && c.CountedBy != v.who.Person.ID { // whoever may count again does not read the first figure
			sum = cell{Text: "—"}
		}
		g.Rows = append(g.Rows, []cell{{Text: ISODay(c.Day), Href: "/console/cash/" + c.ID.String()}, textCell(from), v.countState(c.State), textCell(by), sum})
	}
	return g, nil
}

func (v *visit) countState(state string) cell {
	return cell{Text: T(v.lang, "cash.state."+state), Tag: map[string]string{"counted": "waiting", "confirmed": "done", "void": "reversed"}[state]}
}

func (v *visit) depositGrid(names *names) (grid, error) {
	g := grid{Title: T(v.lang, "deposit.heading"), Empty: T(v.lang, "deposit.none"),
		Heads: v.heads("cash.bag", "cash.carry.day", "person.state", "cash.carried.by", "#filter.amount")}
	list, err := payments.Deposits(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return g, err
	}
	for _, d := range list {
		by, err := names.of(d.CarriedBy)
		if err != nil {
			return g, err
		}
		g.Rows = append(g.Rows, []cell{{Text: d.Bag, Href: "/console/deposits/" + d.ID.String(), User: true}, dayCell(d.Day), v.depositState(d.State), textCell(by), v.sumCell(d.Amount)})
	}
	return g, nil
}

func (v *visit) depositState(state string) cell {
	return cell{Text: T(v.lang, "deposit.state."+state), Tag: map[string]string{"carried": "waiting", "banked": "done"}[state]}
}

// cashCreate takes a count, or a bag to the bank.
func (v *visit) cashCreate() error {
	waiting, err := payments.CountsToBank(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	acts, err := v.cashActs(waiting)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/cash", v.cashAgain, acts...)
}

// countActs are what may follow a count: a second person's count, or that it was wrong.
func (v *visit) countActs() []act {
	one := func(plan func(*visit, pg.Querier, *payments.CashCount, inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
		return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			c, err := payments.CountByID(v.ctx(), q, v.book, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, c, in)
		}
	}
	return []act{
		{name: "count-confirm", needs: staff.CashCount, blanks: []blank{{name: "total", label: "cash.total", hint: "cash.total.hint", kind: "amount"}},
			plan: one(func(v *visit, q pg.Querier, c *payments.CashCount, in inputs) (*giving.Move, error) {
				return payments.ConfirmCount(v.ctx(), q, v.book, c, in.sum("total", v.book), v.who.Person.ID, v.now)
			})},
		{name: "count-void", needs: staff.CashCount, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area"}},
			plan: one(func(v *visit, _ pg.Querier, c *payments.CashCount, in inputs) (*giving.Move, error) {
				return payments.VoidCount(v.book, c, in["reason"])
			})},
	}
}

// cashShow shows a count sheet.
func (v *visit) cashShow() error { return v.countAgain(http.StatusOK, nil) }

func (v *visit) countAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, err := payments.CountByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/cash/" + id.String()
	view := v.recordPage(T(v.lang, "cash.title", ISODay(c.Day)), "")
	view.Errors, view.Path = wrong, here
	state := v.countState(c.State)
	view.Status, view.State = state.Tag, state.Text
	campaign, err := v.campaignName(c.CampaignID)
	if err != nil {
		return err
	}
	names := newNames(v)
	by, err := names.of(c.CountedBy)
	if err != nil {
		return err
	}
	waits := c.State == payments.CountOpen && c.CountedBy != v.who.Person.ID
	view.Facts = []Fact{campaign, v.fact("cash.counted.by", by)}
	if !waits { // who confirms counts anew, without reading the first figure
		view.Facts = append(view.Facts, v.sumFact("cash.counted", c.Counted))
		if c.Slips != c.Counted {
			view.Facts = append(view.Facts, v.sumFact("cash.slips", c.Slips))
		}
		sheet, err := c.Sheet()
		if err != nil {
			return err
		}
		view.Grids = []grid{v.sheetGrid(sheet)}
	}
	if c.Reason != "" {
		view.Facts = append(view.Facts, v.fact("cash.reason", c.Reason))
	}
	if c.Box != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "cash.from"), Value: T(v.lang, "box.one"), Href: "/console/boxes/" + c.Box.String()})
	}
	if c.Deposit != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "deposit.one"), Value: T(v.lang, "offline.record.open"), Href: "/console/deposits/" + c.Deposit.String()})
	}
	if c.State == payments.CountOpen {
		acts := v.countActs()
		if c.CountedBy == v.who.Person.ID {
			view.Lead, acts = T(v.lang, "cash.own"), acts[1:]
		}
		if err := v.offer(&view, here, acts...); err != nil {
			return err
		}
	}
	return v.showRecord(view, c.Object(), status)
}

func (v *visit) sheetGrid(sheet payments.Sheet) grid {
	g := grid{Title: T(v.lang, "cash.sheet"), Heads: v.heads("cash.note", "#cash.pieces", "#filter.amount"), Empty: T(v.lang, "cash.sheet.none")}
	for _, each := range payments.Denominations() {
		if n := sheet[each]; n > 0 {
			g.Rows = append(g.Rows, []cell{{Text: T(v.lang, fmt.Sprintf("cash.note.%d", each))}, {Text: strconv.Itoa(int(n))}, v.sumCell(each * int64(n))})
		}
	}
	return g
}

// cashStep confirms a count, or takes it back.
func (v *visit) cashStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	return v.perform(id, "/console/cash/"+id.String(), v.countAgain, v.countActs()...)
}

// depositBank confirms what the bank received.
func (v *visit) depositBank() act {
	return act{name: "deposit-bank", needs: staff.CashCount, blanks: []blank{
		v.todayBlank("day", "deposit.day"),
		{name: "received", label: "deposit.received", kind: "amount"},
		{name: "ref", label: "bankline.ref", max: 100},
		{name: "cause", label: "cash.reason", hint: "deposit.cause.hint", optional: true},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		d, err := payments.DepositByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		return payments.BankDeposit(v.ctx(), q, v.book, d, payments.Banked{Day: in.day("day"), Received: in.sum("received", v.book), Ref: in["ref"], Cause: in["cause"]},
			v.who.Person.ID)
	}}
}

// depositShow shows a bag on its way to the bank.
func (v *visit) depositShow() error { return v.depositAgain(http.StatusOK, nil) }

func (v *visit) depositAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	d, err := payments.DepositByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/deposits/" + id.String()
	view := v.recordPage(T(v.lang, "deposit.title", d.Bag), "")
	view.Errors, view.Path = wrong, here
	state := v.depositState(d.State)
	view.Status, view.State = state.Tag, state.Text
	acct := chart.MustByID(d.Bank)
	names := newNames(v)
	by, err := names.of(d.CarriedBy)
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.sumFact("filter.amount", d.Amount), v.fact("cash.bank", v.code(acct)+" "+acct.Name(string(v.lang))), v.fact("cash.carry.day", Day(v.lang, d.Day)),
		v.fact("cash.carried.by", by)}
	if d.Received != nil {
		view.Facts = append(view.Facts, v.sumFact("deposit.received", *d.Received), v.sumFact("deposit.difference", *d.Received-d.Amount), v.fact("bankline.ref", d.BankRef))
	}
	if d.Cause != "" {
		view.Facts = append(view.Facts, v.fact("cash.reason", d.Cause))
	}
	counts, err := payments.CountsOf(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	g, err := v.countGrid(counts, names)
	if err != nil {
		return err
	}
	g.Title = T(v.lang, "deposit.counts")
	view.Grids = []grid{g}
	switch {
	case d.State == payments.DepositCarried && d.CarriedBy == v.who.Person.ID:
		view.Lead = T(v.lang, "deposit.own")
	case d.State == payments.DepositCarried:
		if err := v.offer(&view, here, v.depositBank()); err != nil {
			return err
		}
	}
	return v.showRecord(view, d.Object(), status)
}

// depositStep confirms a deposit.
func (v *visit) depositStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	return v.perform(id, "/console/deposits/"+id.String(), v.depositAgain, v.depositBank())
}
