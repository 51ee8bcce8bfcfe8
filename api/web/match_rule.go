package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/staff"
)

// matchRuleView is the page on which a rule is written, tried and sent for publishing.
type matchRuleView struct {
	Page
	Heading, Here, Form string
	Templates           []Option
	Template            string
	Sections            []ruleSection
	JSON                string // canonical, of the rule as it stands; what was sent where it is no rule
	Hash                string
	Words               []grid
	From                string // when it is to be in force
	Source              string // of gifts to try it with
	Seed, Size          string
	Trial               *ruleTrial
	Sources             []Option
	Right               bool // it is a rule
}

// ruleTemplates are what a rule can be begun from.
var ruleTemplates = []string{"one-to-one", "tiers", "draw", "threshold", "lump", "pro-rata", "quadratic"}

// ruleTemplate is a whole rule of one kind for three days from a week after today, to be changed.
func ruleTemplate(name string, book *ledger.Book, today time.Time) match.Terms {
	day := func(n int) string { return today.AddDate(0, 0, n).Format("2006-01-02T15:04") }
	t := match.Terms{Language: match.Language, Currency: book.Currency, Zone: book.Zone.String(), Windows: []match.Window{{Name: "days", From: day(7), To: day(10)}},
		Pools: []match.Pool{{Code: "main"}}, Award: match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}}, Order: match.FirstCome, Notice: 10, Unspent: match.GiveBack, Refund: match.ToPool,
		Holds: match.Holds{PerMinute: 5, Funder: true, Circular: true}}
	switch name {
	case "tiers":
		t.Award = match.Formula{Tiers: []match.Tier{{From: "100", Match: 1, Gift: 2}, {From: "500", Match: 1, Gift: 1}}}
	case "draw":
		t.Award = match.Formula{Draw: &match.Draw{Base: "8", Wave: "4", Chance: "5", Bonus: "40", BonusWave: "10"}}
	case "threshold":
		t.Unlock = match.Goal{Percent: "50", Donors: 20}
	case "lump":
		t.Award = match.Formula{Lump: &match.Lump{Amount: "5000", Goal: match.Goal{Percent: "100"}}}
	case "pro-rata", "quadratic":
		by := match.ByAmount
		if name == "quadratic" {
			by = match.Quadratic
		}
		t.Award, t.Order, t.Holds = match.Formula{Share: &match.Share{By: by}}, match.AtEnd, match.Holds{}
	}
	return t
}

// ruleDesk is the event whose rule is written; ErrEventState once it takes no more versions.
func (v *visit) ruleDesk() (*matchDesk, error) {
	d, err := v.matchDesk(v.s.DB)
	if err == nil && d.event.State != giving.EventDraft && d.event.State != giving.EventOpen {
		err = giving.ErrEventState
	}
	return d, err
}

// matchRule shows the form: the rule that stands, or a template.
func (v *visit) matchRule() error {
	d, err := v.ruleDesk()
	if err != nil {
		return err
	}
	name := v.typed("template", 40)
	terms := ruleTemplate(name, v.book, v.businessDay())
	if name == "" && d.rule != nil {
		terms = d.rule.Terms()
	}
	view := v.matchRuleView(d, name)
	return v.showMatchRule(view, d, &ruleDraft{terms: terms}, http.StatusOK, nil, false)
}

func (v *visit) matchRuleView(d *matchDesk, template string) *matchRuleView {
	view := &matchRuleView{Page: v.consolePage(T(v.lang, "match.build"), matchPath), Heading: d.event.Name(string(v.lang)), Here: d.at() + "/rule", Form: newForm(), Template: template,
		From: v.typed("from_at", 20), Source: cmp.Or(v.typed("source", 10), "made"), Seed: cmp.Or(v.typed("seed", 10), "1"), Size: cmp.Or(v.typed("size", 10), "1000")}
	for _, one := range ruleTemplates {
		view.Templates = append(view.Templates, Option{Value: one, Label: T(v.lang, "matchrule.template."+one)})
	}
	view.Sources = []Option{{Value: "made", Label: T(v.lang, "matchrule.source.made")}, {Value: "past", Label: T(v.lang, "matchrule.source.past")}}
	view.Path = view.Here
	return view
}

// matchRuleStep checks the rule of the form and shows its words; or tries it; or asks a second person to publish it. JSON that was sent instead is a
// rule too.
func (v *visit) matchRuleStep() error {
	d, err := v.ruleDesk()
	if err != nil {
		return err
	}
	view := v.matchRuleView(d, "")
	do := v.FormValue("do")
	base, err := match.Parse([]byte(v.typed("base", match.SizeMax)))
	terms := ruleTemplate(v.typed("template", 40), v.book, v.businessDay())
	if err == nil {
		terms = base.Terms()
	}
	if do == "json" {
		return v.ruleFromJSON(view, d, terms)
	}
	draft := v.readMatchRule(terms)
	view.Template = v.typed("template", 40)
	rule, err := match.New(draft.terms)
	if err != nil {
		return v.ruleWrong(view, d, draft, err)
	}
	if do == "publish" {
		return v.publishMatchRule(view, d, draft, rule)
	}
	return v.showMatchRule(view, d, draft, http.StatusOK, rule, do == "try")
}

// ruleFromJSON takes a rule as experts write it.
func (v *visit) ruleFromJSON(view *matchRuleView, d *matchDesk, old match.Terms) error {
	text := v.typed("json", match.SizeMax+1)
	rule, err := match.Parse([]byte(text))
	if err != nil {
		var wrong *match.TermsError
		if errors.As(err, &wrong) {
			for _, w := range wrong.List {
				view.Errors.Add("json", w.Text(string(v.lang)))
			}
		}
		view.JSON = text
		return v.showMatchRule(view, d, &ruleDraft{terms: old}, http.StatusUnprocessableEntity, nil, false)
	}
	return v.showMatchRule(view, d, &ruleDraft{terms: rule.Terms()}, http.StatusOK, rule, false)
}

// ruleWrong shows each thing that is wrong at its field.
func (v *visit) ruleWrong(view *matchRuleView, d *matchDesk, draft *ruleDraft, err error) error {
	var wrong *match.TermsError
	if !errors.As(err, &wrong) {
		return err
	}
	known := v.ruleFieldNames(view, d, draft)
	for _, w := range wrong.List {
		field := "json"
		for _, name := range known {
			if name == w.Field || strings.HasPrefix(w.Field, name+"[") || field == "json" && strings.HasPrefix(name, w.Field+".") || field == "json" && strings.HasPrefix(name, w.Field+"[") {
				field = name
			}
		}
		message := match.Wrong{Key: w.Key, Params: w.Params}.Text(string(v.lang))
		if field == "json" {
			message = w.Text(string(v.lang))
		}
		if view.Errors.For(field) == "" {
			view.Errors.Add(field, message)
		}
	}
	view.Errors = inOrder(view.Errors, known)
	return v.showMatchRule(view, d, draft, http.StatusUnprocessableEntity, nil, false)
}

// inOrder puts errors in the order of the form's fields.
func inOrder(list Errors, names []string) Errors {
	slices.SortStableFunc(list, func(a, b FieldError) int {
		return cmp.Compare(slices.Index(names, a.Field)+1, slices.Index(names, b.Field)+1)
	})
	return list
}

func (v *visit) ruleFieldNames(view *matchRuleView, d *matchDesk, draft *ruleDraft) (names []string) {
	w := &ruleWriter{v: v, page: view.Page, d: draft}
	for _, s := range w.sections(nil, d.keptPools()) {
		for _, f := range s.Fields {
			names = append(names, f.Name)
		}
		for _, row := range s.Rows {
			for _, f := range row.Fields {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// keptPools are the pools that the event has already: how they are kept is settled.
func (d *matchDesk) keptPools() map[string]bool {
	kept := map[string]bool{}
	for _, p := range d.amounts.Pools {
		kept[p.Pool] = true
	}
	return kept
}

// poolFunds are the funds in which money of a pool may lie, after the choice that it is promised from outside.
func (v *visit) poolFunds() ([]Option, error) {
	options := []Option{{Label: T(v.lang, "match.kept."+giving.PoolPromised)}}
	list, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if f.Kind == ledger.General || f.Kind == ledger.Designated || f.Kind == ledger.Restricted {
			options = append(options, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	return options, nil
}

// showMatchRule shows the form, and of a rule its words, its canonical JSON and, when it was tried, what it would give.
func (v *visit) showMatchRule(view *matchRuleView, d *matchDesk, draft *ruleDraft, status int, rule *match.Rule, try bool) error {
	if rule != nil {
		draft.terms = rule.Terms()
		view.Right, view.JSON, view.Hash = true, string(rule.JSON()), rule.Hash().String()
		var err error
		if view.Words, err = v.matchWords(v.s.DB, rule, v.lang, v.otherLang()); err != nil {
			return err
		}
		if try {
			if view.Trial, err = v.tryRule(rule, view); err != nil {
				return err
			}
			if len(view.Errors) > 0 {
				status = http.StatusUnprocessableEntity
			}
		}
	} else if view.JSON == "" {
		if r, err := match.New(draft.terms); err == nil {
			view.JSON = string(r.JSON())
		}
	}
	funds, err := v.poolFunds()
	if err != nil {
		return err
	}
	w := &ruleWriter{v: v, page: view.Page, d: draft}
	view.Sections = w.sections(funds, d.keptPools())
	if w.err != nil {
		return w.err
	}
	return v.s.render.Render(v.Response(), status, "console/match_rule", view)
}

// publishMatchRule asks a second person to publish the rule: from then on it cannot be changed, only followed by another version.
func (v *visit) publishMatchRule(view *matchRuleView, d *matchDesk, draft *ruleDraft, rule *match.Rule) error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	from := v.now
	if view.From != "" {
		if from, err = time.ParseInLocation("2006-01-02T15:04", view.From, v.book.Zone); err != nil || from.Before(v.now) {
			view.Errors.Add("from_at", T(v.lang, "matchrule.from.wrong"))
			return v.showMatchRule(view, d, draft, http.StatusUnprocessableEntity, rule, false)
		}
	}
	r := &giving.MatchRequest{Act: giving.MatchPublish, Event: d.event.ID, Terms: string(rule.JSON()), From: from}
	kept := d.keptPools()
	for _, p := range draft.plans {
		if !kept[p.Code] {
			r.Plans = append(r.Plans, p)
		}
	}
	again := func(status int, wrong Errors) error { return v.showMatchRule(view, d, draft, status, rule, false) }
	return v.stepRefused(v.askMatch(d, r, "match-publish", rule.Total(), form), act{name: "match-publish", needs: staff.CampaignWrite}, view.Here, again)
}
