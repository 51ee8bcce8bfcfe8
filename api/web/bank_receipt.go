package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// recordsShown is how many records one list shows.
const recordsShown = 200

// bankReceiptTake writes down a line of the bank's list.
func (v *visit) bankReceiptTake() (act, error) {
	campaigns, err := v.campaignOptions("bankline.campaign.none")
	return act{name: "receipt-take", needs: staff.OfflineWrite, to: "/console/bank-receipts/", blanks: []blank{
		v.todayBlank("day", "bankline.day"),
		{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100},
		{name: "amount", label: "filter.amount", kind: "amount"},
		{name: "campaign", label: "bankline.campaign", kind: "select", options: campaigns, optional: true},
		{name: "firm", label: "offline.firm", hint: "offline.firm.hint", optional: true, max: 100},
		{name: "person", label: "offline.person", hint: "offline.person.hint", optional: true, max: 60},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		return payments.Take(v.ctx(), q, v.book, payments.Seen{ID: id, Ref: in["ref"], Day: in.day("day"), Amount: in.sum("amount", v.book),
			CampaignID: int32(in.number("campaign")), Firm: in["firm"], Person: in["person"]}, v.who.Person.ID, v.now)
	}}, err
}

// bankReceiptClaim gives an unidentified receipt to who showed that it is theirs.
func (v *visit) bankReceiptClaim() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	return act{name: "receipt-claim", needs: staff.OfflineWrite, blanks: []blank{
		v.todayBlank("day", "voucher.day"),
		{name: "campaign", label: "gift.campaign", kind: "select", options: campaigns},
		{name: "firm", label: "offline.firm", optional: true, max: 100},
		{name: "person", label: "offline.person", optional: true, max: 60},
		{name: "proof", label: "bankline.proof", hint: "bankline.proof.hint"},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		r, err := payments.ReceiptByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		return payments.ClaimReceipt(v.ctx(), q, v.book, r, payments.Claim{CampaignID: int32(in.number("campaign")), Firm: in["firm"], Person: in["person"],
			Proof: in["proof"], Day: in.day("day")})
	}}, err
}

// reasonBlanks are what every correcting step asks for.
func (v *visit) reasonBlanks() []blank {
	return []blank{v.todayBlank("day", "voucher.day"), {name: "reason", label: "offline.reason", kind: "area"}}
}

// bankReceiptEnds are the ends of an unidentified receipt that a second person approves.
func (v *visit) bankReceiptEnds() []act {
	end := func(name string, plan func(*payments.BankReceipt, pg.Querier, inputs) (*giving.Move, error)) act {
		return act{name: name, needs: staff.OfflineWrite, second: staff.BankReceiptKind, danger: true, blanks: v.reasonBlanks(),
			plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
				r, err := payments.ReceiptByID(v.ctx(), q, v.book, id)
				if err != nil {
					return nil, err
				}
				return plan(r, q, in)
			}}
	}
	return []act{
		end("receipt-return", func(r *payments.BankReceipt, q pg.Querier, in inputs) (*giving.Move, error) {
			return payments.ReturnReceipt(v.ctx(), q, v.book, r, in["reason"], in.day("day"))
		}),
		end("receipt-keep", func(r *payments.BankReceipt, _ pg.Querier, in inputs) (*giving.Move, error) {
			return payments.KeepReceipt(v.book, r, in["reason"], in.day("day"))
		}),
		end("receipt-void", func(r *payments.BankReceipt, q pg.Querier, in inputs) (*giving.Move, error) {
			return payments.VoidReceipt(v.ctx(), q, v.book, r, in["reason"], in.day("day"))
		}),
	}
}

// bankReceiptList shows what is unidentified, by age with its total, and what became of the others.
func (v *visit) bankReceiptList() error { return v.bankReceiptsAgain(http.StatusOK, nil) }

func (v *visit) bankReceiptsAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "bankline.heading"), "/console/bank-receipts")
	view.Errors, view.Path = wrong, "/console/bank-receipts"
	open, err := payments.Receipts(v.ctx(), v.s.DB, v.book, true, recordsShown)
	if err != nil {
		return err
	}
	var sum int64
	waiting := grid{Title: T(v.lang, "bankline.open"), Empty: T(v.lang, "bankline.open.none"),
		Heads: v.heads("bankline.ref", "bankline.day", "#bankline.age", "offline.giver", "#filter.amount")}
	for _, r := range open {
		sum += r.Amount
		who, err := v.giver(r.Firm, r.Donor)
		if err != nil {
			return err
		}
		waiting.Rows = append(waiting.Rows, []cell{{Text: r.Ref, Href: "/console/bank-receipts/" + r.ID.String(), User: true}, dayCell(r.Day),
			{Text: strconv.Itoa(v.daysSince(r.Day))}, textCell(who), v.sumCell(r.Amount)})
	}
	view.Facts = []Fact{v.sumFact("bankline.open.sum", sum), v.fact("bankline.open.count", strconv.Itoa(len(open)))}
	ended, err := payments.Receipts(v.ctx(), v.s.DB, v.book, false, recordsShown)
	if err != nil {
		return err
	}
	done := grid{Title: T(v.lang, "bankline.done"), Empty: T(v.lang, "bankline.done.none"),
		Heads: v.heads("bankline.ref", "bankline.day", "person.state", "#filter.amount")}
	for _, r := range ended {
		done.Rows = append(done.Rows, []cell{{Text: r.Ref, Href: "/console/bank-receipts/" + r.ID.String(), User: true}, dayCell(r.Day), v.bankReceiptState(r.State), v.sumCell(r.Amount)})
	}
	view.Grids = []grid{waiting, done}
	take, err := v.bankReceiptTake()
	if err != nil {
		return err
	}
	if err := v.offer(&view, "/console/bank-receipts", take); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) bankReceiptState(state string) cell {
	return cell{Text: T(v.lang, "bankline.state."+state), Tag: map[string]string{"identified": "done", "open": "waiting", "claimed": "done", "kept": "done",
		"returned": "reversed", "void": "reversed"}[state]}
}

// daysSince is how many days ago a business day was.
func (v *visit) daysSince(day time.Time) int { return int(v.businessDay().Sub(day) / (24 * time.Hour)) }

// bankReceiptCreate takes a receipt.
func (v *visit) bankReceiptCreate() error {
	take, err := v.bankReceiptTake()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/bank-receipts", v.bankReceiptsAgain, take)
}

// bankReceiptShow shows one receipt and what may become of it.
func (v *visit) bankReceiptShow() error { return v.bankReceiptAgain(http.StatusOK, nil) }

func (v *visit) bankReceiptAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	r, err := payments.ReceiptByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/bank-receipts/" + id.String()
	view := v.recordPage(T(v.lang, "bankline.title", r.Ref), "")
	view.Errors, view.Path = wrong, here
	state := v.bankReceiptState(r.State)
	view.Status, view.State = state.Tag, state.Text
	who, err := v.giver(r.Firm, r.Donor)
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.sumFact("filter.amount", r.Amount), v.fact("bankline.day", Day(v.lang, r.Day)), v.fact("offline.giver", who)}
	if r.State == payments.ReceiptOpen {
		view.Facts = append(view.Facts, v.fact("bankline.age", strconv.Itoa(v.daysSince(r.Day))))
	}
	if r.Proof != "" {
		view.Facts = append(view.Facts, v.fact("bankline.proof.was", r.Proof))
	}
	if r.GiftID != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "gift.ref"), Value: giving.Ref(v.book, *r.GiftID), Href: "/console/entries/" + r.GiftID.String()})
	}
	if r.State == payments.ReceiptOpen {
		acts, err := v.receiptActs()
		if err != nil {
			return err
		}
		if err := v.offer(&view, here, acts...); err != nil {
			return err
		}
	}
	return v.showRecord(view, r.Object(), status)
}

func (v *visit) receiptActs() ([]act, error) {
	claim, err := v.bankReceiptClaim()
	return append([]act{claim}, v.bankReceiptEnds()...), err
}

// bankReceiptStep takes a step with a receipt.
func (v *visit) bankReceiptStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	acts, err := v.receiptActs()
	if err != nil {
		return err
	}
	return v.perform(id, "/console/bank-receipts/"+id.String(), v.bankReceiptAgain, acts...)
}
