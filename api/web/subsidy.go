package web

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// Addresses of street letters and of the statements under which both sides put their names.
const (
	subsidiesPath = "/console/subsidies"
	claimsPath    = "/console/claims"
)

// costsShown is how many costs of the fund a form offers.
const costsShown = 50

// letter reads a letter in this person's sight; one of another street is as one that is not there.
func (v *visit) letter(q pg.Querier, id uuid.UUID) (*subsidies.Letter, error) {
	l, err := subsidies.ByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(l.FundID, &l.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return l, nil
}

func (v *visit) ofLetter(plan func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		l, err := v.letter(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, l, in)
	}
}

// letterEnter writes a letter down: the accountant on the books, the street's officer as a draft.
func (v *visit) letterEnter(s *sight) (act, error) {
	funds := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, f := range s.funds {
		if f.StreetID != nil && f.Kind != ledger.Agency && f.Kind != ledger.General {
			funds = append(funds, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	campaigns := []Option{{Label: T(v.lang, "subsidy.campaign.all")}}
	list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil {
		return act{}, err
	}
	for _, c := range list {
		if s.fund(c.FundID) != nil {
			campaigns = append(campaigns, Option{Value: strconv.Itoa(int(c.ID)), Label: c.Title(string(v.lang))})
		}
	}
	choices := func(family string, names ...string) (options []Option) {
		for _, name := range names {
			options = append(options, Option{Value: name, Label: T(v.lang, family+"."+name)})
		}
		return options
	}
	year := strconv.Itoa(v.businessDay().Year())
	return act{name: "letter-enter", needs: staff.SubsidyEnter, to: subsidiesPath + "/", blanks: []blank{
		{name: "document", label: "subsidy.document", hint: "subsidy.document.hint"}, {name: "party", label: "subsidy.party", hint: "subsidy.party.hint", max: 100},
		v.todayBlank("day", "subsidy.signed"), {name: "fund", label: "subsidy.fund", kind: "select", options: funds},
		{name: "campaign", label: "subsidy.campaign", kind: "select", options: campaigns, optional: true},
		{name: "counts", label: "subsidy.counts", kind: "select", options: choices("subsidy.counts", subsidies.All, subsidies.Online, subsidies.Offline)},
		{name: "min", label: "subsidy.min", kind: "amount", optional: true},
		{name: "due-opens", label: "subsidy.opens", kind: "day"}, {name: "due-closes", label: "subsidy.closes", kind: "day"},
		{name: "num", label: "subsidy.num", hint: "subsidy.num.hint", kind: "number", value: "1"}, {name: "den", label: "subsidy.den", kind: "number", value: "1"},
		{name: "threshold", label: "subsidy.threshold", hint: "subsidy.threshold.hint", kind: "amount", optional: true},
		{name: "lump", label: "subsidy.lump", hint: "subsidy.lump.hint", kind: "amount", optional: true},
		{name: "per", label: "subsidy.per", kind: "select", options: choices("subsidy.per", subsidies.Whole, subsidies.PerCampaign)},
		{name: "share", label: "subsidy.share", kind: "amount", optional: true}, {name: "cap", label: "subsidy.cap", hint: "subsidy.cap.hint", kind: "amount"},
		{name: "year", label: "subsidy.year", hint: "subsidy.year.hint", kind: "number", value: year},
		{name: "terms", label: "subsidy.terms", kind: "select", options: choices("subsidy.terms", subsidies.Grant, subsidies.Advance)},
		{name: "homes", label: "subsidy.homes", hint: "subsidy.homes.hint", kind: "number", optional: true},
	}, plan: (*visit).planLetter}, nil
}

func (v *visit) planLetter(q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	l := subsidies.Letter{ID: id, FundID: int32(in.number("fund")), Party: in["party"], Document: in["document"], SignedOn: in.day("day"), Counts: in["counts"],
		GiftMin: in.sum("min", v.book), OpensOn: in.day("due-opens"), ClosesOn: in.day("due-closes"), FiscalYear: int16(min(in.number("year"), 9999)), Terms: in["terms"],
		Homes: int32(min(in.number("homes"), subsidies.HomesMax)), EnteredBy: v.who.Person.ID,
		Rule: subsidies.Rule{Per: in["per"], Threshold: in.sum("threshold", v.book), Lump: in.sum("lump", v.book), Num: int32(in.number("num")), Den: int32(in.number("den")),
			ShareCap: in.sum("share", v.book), Cap: in.sum("cap", v.book)}}
	l.LapsesOn = subsidies.FiscalYearEnd(int(l.FiscalYear))
	if fund := s.fund(l.FundID); fund != nil && fund.StreetID != nil {
		l.StreetID = *fund.StreetID
	} else {
		l.FundID = 0 // refused as a fund that is not there
	}
	if campaign := int32(in.number("campaign")); campaign != 0 {
		l.CampaignID = &campaign
	}
	if v.who.May(staff.SubsidyWrite) {
		return subsidies.Commit(v.ctx(), q, v.book, l, in.day("day"))
	}
	return subsidies.Enter(v.ctx(), q, v.book, l)
}

// letterActs are the steps that may follow, the likeliest first.
func (v *visit) letterActs(q pg.Querier, l *subsidies.Letter, t subsidies.Tally) ([]act, error) {
	var acts []act
	if l.State == subsidies.Draft {
		return []act{
			{name: "letter-accept", needs: staff.SubsidyWrite, blanks: []blank{v.todayBlank("day", "voucher.day")}, plan: v.ofLetter(func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
				return subsidies.Accept(v.ctx(), q, v.book, l, in.day("day"))
			})},
			{name: "letter-drop", needs: staff.SubsidyEnter, danger: true, blanks: v.reasonBlanks(), plan: v.ofLetter(dropLetter)},
		}, nil
	}
	if claimable := l.Claimable(t, v.businessDay()); claimable > 0 {
		claims, err := subsidies.Claims(v.ctx(), q, v.book, l.ID)
		if err != nil {
			return nil, err
		}
		if n := len(claims); n == 0 || claims[n-1].State != subsidies.Made {
			acts = append(acts, v.letterClaim(claimable))
		}
	}
	if l.Due() > 0 {
		acts = append(acts, act{name: "letter-receive", needs: staff.SubsidyWrite, blanks: []blank{v.todayBlank("day", "bankline.day"), {name: "amount", label: "filter.amount", kind: "amount", value: money.Format(l.Due(), v.book.Currency)},
			{name: "bank", label: "subsidy.bank", kind: "select", options: v.bankOptions()}, {name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}},
			plan: v.ofLetter(func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
				return subsidies.Receive(v.ctx(), q, v.book, l, subsidies.Coming{Amount: in.sum("amount", v.book), Bank: chart.ID(in["bank"]), Ref: in["ref"], Day: in.day("day")})
			})})
	}
	acts = append(acts, act{name: "letter-parallel", needs: staff.SubsidyWrite, blanks: []blank{v.todayBlank("day", "subsidy.parallel.day"), {name: "amount", label: "filter.amount", kind: "amount"},
		{name: "what", label: "subsidy.parallel.what", hint: "subsidy.parallel.hint"}}, plan: v.ofLetter(func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
		return subsidies.Beside(v.ctx(), q, v.book, l, in.sum("amount", v.book), in["what"], in.day("day"))
	})})
	for _, a := range v.letterSeconds(l) {
		switch a.name {
		case "letter-void":
			if l.State != subsidies.Open || l.Claimed != 0 || l.Parallel != 0 {
				continue
			}
		default:
			if l.Left(t) <= 0 {
				continue
			}
		}
		acts = append(acts, a)
	}
	if l.State == subsidies.Void {
		return nil, nil
	}
	return acts, v.letterChoices(q, l, acts)
}

func dropLetter(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
	return subsidies.Drop(v.ctx(), q, v.book, l, in["reason"], in.day("day"))
}

func discardLetter(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
	return subsidies.Discard(v.ctx(), q, v.book, l, in["reason"], in.day("day"))
}

func (v *visit) letterClaim(claimable int64) act {
	return act{name: "letter-claim", needs: staff.SubsidyWrite, blanks: []blank{{name: "amount", label: "subsidy.claim.amount", kind: "amount", value: money.Format(claimable, v.book.Currency)}},
		plan: v.ofLetter(func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
			id, err := uuid.Parse(v.FormValue("form")) // a claim is called by its form
			if err != nil {
				return nil, giving.ErrStep
			}
			return subsidies.MakeClaim(v.ctx(), q, v.book, l, id, in.sum("amount", v.book), v.who.Person.ID, v.now)
		})}
}

// letterSeconds are the steps that a second person approves. Without a letter their choices are empty.
func (v *visit) letterSeconds(*subsidies.Letter) []act {
	day, amount := v.todayBlank("day", "voucher.day"), blank{name: "amount", label: "filter.amount", kind: "amount"}
	second := func(name string, danger bool, plan func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error), blanks ...blank) act {
		return act{name: name, needs: staff.SubsidyWrite, second: staff.SubsidyKind, danger: danger, blanks: blanks, plan: v.ofLetter(plan)}
	}
	return []act{
		second("letter-draw", false, func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
			return subsidies.DrawOn(v.ctx(), q, v.book, l, in.id("entry"), in.sum("amount", v.book), in.day("day"))
		}, day, blank{name: "entry", label: "subsidy.entry", kind: "entry"}, amount),
		second("letter-spend", false, func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
			return subsidies.SpendOn(v.ctx(), q, v.book, l, subsidies.Cost{Amount: in.sum("amount", v.book), Contract: in["contract"], Project: in["project"], What: in["what"], Purpose: in["use"], Day: in.day("day")})
		}, day, blank{name: "what", label: "subsidy.spend.what"}, blank{name: "use", label: "project.use", thing: "purpose", hint: "project.use.hint", kind: "select", optional: true}, blank{name: "contract", label: "subsidy.contract", max: 40}, blank{name: "project", label: "subsidy.project", max: 40}, amount),
		second("letter-return", true, func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
			return subsidies.Return(v.ctx(), q, v.book, l, in.sum("amount", v.book), chart.ID(in["bank"]), in["ref"], in.day("day"))
		}, day, amount, blank{name: "bank", label: "subsidy.bank", kind: "select", options: v.bankOptions()}, blank{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}),
		second("letter-back", true, func(v *visit, q pg.Querier, l *subsidies.Letter, in inputs) (*giving.Move, error) {
			return subsidies.TakeBack(v.ctx(), q, v.book, l, in["ref"], in["reason"], in.day("day"))
		}, append([]blank{{name: "ref", label: "bankline.ref", kind: "select"}}, v.reasonBlanks()...)...),
		second("letter-void", true, discardLetter, v.reasonBlanks()...),
	}
}

// letterChoices fills in what the forms offer: costs of the fund, and receipts that may be taken back.
func (v *visit) letterChoices(q pg.Querier, l *subsidies.Letter, acts []act) error {
	for i := range acts {
		for j := range acts[i].blanks {
			b := &acts[i].blanks[j]
			if b.name == "use" {
				uses, err := v.useOptions()
				if err != nil {
					return err
				}
				b.options = uses
			}
			if b.kind == "entry" {
				list, err := ledger.Spendings(v.ctx(), q, v.book, l.FundID, costsShown)
				if err != nil {
					return err
				}
				for _, s := range list {
					if !s.Reversed && s.Amount > 0 {
						b.options = append(b.options, Option{Value: s.Entry.String(), Label: fmt.Sprintf("%s %s %s", ISODay(s.EffectiveOn), oneLine(s.Summary, 60), Amount(v.lang, v.amount(s.Amount)))})
					}
				}
			}
			if acts[i].name == "letter-back" && b.name == "ref" {
				list, err := subsidies.Receipts(v.ctx(), q, v.book, l.ID)
				if err != nil {
					return err
				}
				for _, r := range list {
					if !r.Void {
						b.options = append(b.options, Option{Value: r.Ref, Label: r.Ref + " " + Amount(v.lang, v.amount(r.Amount))})
					}
				}
			}
		}
	}
	return nil
}

// letterCreate writes a letter down.
func (v *visit) letterCreate() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	enter, err := v.letterEnter(s)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, subsidiesPath+"/new", v.letterFormAgain, enter)
}

// letterOfPath is the letter of the address with what became of it.
func (v *visit) letterOfPath() (*subsidies.Letter, subsidies.Tally, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, subsidies.Tally{}, err
	}
	l, err := v.letter(v.s.DB, id)
	if err != nil {
		return nil, subsidies.Tally{}, err
	}
	t, err := subsidies.TallyOf(v.ctx(), v.s.DB, v.book, l)
	return l, t, err
}

// letterStep takes a step with a letter.
func (v *visit) letterStep() error {
	l, t, err := v.letterOfPath()
	if err != nil {
		return err
	}
	acts, err := v.letterActs(v.s.DB, l, t)
	if err != nil {
		return err
	}
	return v.perform(l.ID, subsidiesPath+"/"+l.ID.String(), v.letterAgain, acts...)
}
