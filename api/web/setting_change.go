package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// ruleAdd gives the book a rule. It only ever asks for more approvers, so it holds at once; everybody whom it binds and
// every admin is told.
func (v *visit) ruleAdd() error {
	form := v.typedRule()
	terms, wrong, err := v.readRule(form)
	if err != nil {
		return err
	}
	rules, err := staff.Rules(v.ctx(), v.s.DB, v.book.ID, terms.Kind)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.Terms() == terms && len(wrong) == 0 {
			return v.see("/console/settings") // the same form again
		}
	}
	if len(wrong) > 0 {
		return v.settingsAgain(http.StatusUnprocessableEntity, form, wrong)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		made, err := staff.AddRule(v.ctx(), tx, v.book.ID, terms.Rule(), v.who.Person.ID, v.now)
		if err != nil {
			return err
		}
		people, err := staff.Holding(v.ctx(), tx, v.book.ID, staff.Admin, terms.Role)
		if err != nil {
			return err
		}
		for _, p := range people {
			if p.ID == v.who.Person.ID {
				continue
			}
			if err := v.tell(tx, p, "mail.rule", "/console/settings", v.ruleSentence(p, made)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, staff.ErrRule) {
		return v.settingsAgain(http.StatusUnprocessableEntity, form, Errors{{"kind", T(v.lang, "rule.kind.wrong")}})
	}
	if err != nil {
		return err
	}
	return v.see("/console/settings")
}

// ruleSentence is a rule in one sentence, in the reader's language.
func (v *visit) ruleSentence(to staff.Person, r staff.Rule) string {
	inTheirs := *v
	if lang, ok := parseLang(to.Lang); ok {
		inTheirs.lang = lang
	}
	return inTheirs.sentence(r)
}

func (v *visit) sentence(r staff.Rule) string {
	row := v.ruleRow(r)
	return T(v.lang, "rule.sentence", row.Kind, row.From, row.Window, row.Many)
}

type ruleView struct {
	Page
	ruleForm
	ID      string
	Facts   []Fact
	Form    string
	Reason  string
	Do      string
	MayAsk  bool
	Windows []Option
}

// ruleShow shows one rule, to be changed or ended.
func (v *visit) ruleShow() error {
	r, err := v.visibleRule()
	if err != nil {
		return err
	}
	return v.ruleAgain(http.StatusOK, r, v.formOf(r.Terms()), nil)
}

// formOf is a rule as its form shows it.
func (v *visit) formOf(t staff.Terms) ruleForm {
	return ruleForm{Kind: string(t.Kind), From: money.Format(t.From, v.book.Currency), Hours: strconv.Itoa(int(t.Hours)), Approvers: strconv.Itoa(t.Approvers)}
}

func (v *visit) visibleRule() (staff.Rule, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return staff.Rule{}, staff.ErrNoRule
	}
	return staff.LiveRule(v.ctx(), v.s.DB, v.book.ID, id)
}

func (v *visit) ruleAgain(status int, r staff.Rule, form ruleForm, wrong Errors) error {
	view := ruleView{Page: v.consolePage(T(v.lang, "rule.title"), "/console/settings"), ruleForm: form, ID: r.ID.String(), Facts: v.ruleFacts(r), Form: newForm(),
		Reason: v.typed("reason", 1000), Do: v.FormValue("do"), MayAsk: v.who.May(staff.SettingAsk), Windows: v.windowOptions()}
	view.Errors, view.Path = wrong, v.Request().URL.Path
	return v.s.render.Render(v.Response(), status, "console/rule_show", view)
}

func (v *visit) ruleFacts(r staff.Rule) []Fact {
	row := v.ruleRow(r)
	return []Fact{{Term: T(v.lang, "rule.kind"), Value: row.Kind}, {Term: T(v.lang, "rule.from"), Value: row.From},
		{Term: T(v.lang, "rule.hours"), Value: row.Window}, {Term: T(v.lang, "rule.approvers"), Value: row.Many}}
}

// ruleChange asks another admin to end a rule, or to put another in its place. Either may loosen.
func (v *visit) ruleChange() error {
	r, err := v.visibleRule()
	if err != nil {
		return err
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	form := v.typedRule()
	form.Kind = string(r.Kind)
	c := staff.RuleChange{End: r.ID, Reason: v.typed("reason", 1000)}
	var wrong Errors
	key, terms := "rule.summary.end", staff.Terms{}
	switch v.FormValue("do") {
	case "end":
		terms = r.Terms()
		form = v.formOf(terms)
	case "change":
		if terms, wrong, err = v.readRule(form); err != nil {
			return err
		}
		if len(wrong) == 0 && terms == r.Terms() {
			wrong.Add("approvers", T(v.lang, "rule.same"))
		}
		key, c.Instead = "rule.summary.change", &terms
	default:
		return staff.ErrRequestInvalid
	}
	if c.Reason == "" {
		wrong.Add("reason", T(v.lang, "rule.reason.wrong"))
	}
	if len(wrong) > 0 {
		return v.ruleAgain(http.StatusUnprocessableEntity, r, form, wrong)
	}
	summary := oneLine(T(v.lang, key, v.sentence(r), v.sentence(terms.Rule())), 400)
	return v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		return staff.RequestRule(v.ctx(), tx, v.who, id, summary, c, v.now)
	})
}

func (v *visit) askedRule(q pg.Querier, a staff.Approval) (asked, error) {
	c, err := staff.ReadRuleChange(a)
	if err != nil {
		return asked{}, err
	}
	r := asked{reason: c.Reason}
	now, err := staff.LiveRule(v.ctx(), q, v.book.ID, c.End)
	switch {
	case errors.Is(err, staff.ErrNoRule):
		if a.State == staff.Open {
			r.stop = err
		}
	case err != nil:
		return r, err
	default:
		r.facts = append(r.facts, Fact{Term: T(v.lang, "setting.now"), Value: v.sentence(now)})
	}
	then := T(v.lang, "rule.ends")
	if c.Instead != nil {
		then = v.sentence(c.Instead.Rule())
	}
	r.facts = append(r.facts, Fact{Term: T(v.lang, "setting.then"), Value: then})
	return r, nil
}

// signInSettings asks another admin to change by what people sign in.
func (v *visit) signInSettings() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	s := staff.Settings{Password: staff.PasswordRule(v.typed("password_rule", 20)), Issuer: v.typed("issuer", 500), Client: v.typed("client", 200), ACR: v.typed("acr", 200)}
	var wrong Errors
	if (s.Issuer == "") != (s.Client == "") {
		wrong.Add("client", T(v.lang, "signin.client.wrong"))
	}
	before, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	if before == s {
		wrong.Add("password_rule", T(v.lang, "signin.same"))
	}
	again := func(wrong Errors) error {
		return v.settingsAgain(http.StatusUnprocessableEntity, ruleForm{Hours: "0", Approvers: "2"}, wrong)
	}
	if len(wrong) > 0 {
		return again(wrong)
	}
	err = v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		return staff.RequestSettings(v.ctx(), tx, v.who, form, T(v.lang, "signin.summary"), s, v.now)
	})
	if errors.Is(err, staff.ErrSettings) {
		return again(Errors{{"issuer", T(v.lang, "setting.issuer.wrong")}})
	}
	return err
}

func (v *visit) askedSettings(q pg.Querier, a staff.Approval) (asked, error) {
	then, err := staff.ReadSettingsChange(a)
	if err != nil {
		return asked{}, err
	}
	now, err := staff.ReadSettings(v.ctx(), q, v.book.ID)
	if err != nil {
		return asked{}, err
	}
	var facts []Fact
	before := v.settingsFacts(now)
	for _, f := range v.settingsFacts(then) {
		value := f.Value
		for _, b := range before {
			if a.State == staff.Open && b.Term == f.Term && b.Value != f.Value {
				value = T(v.lang, "setting.from-to", b.Value, f.Value)
			}
		}
		facts = append(facts, Fact{Term: f.Term, Value: value})
	}
	return asked{facts: facts}, nil
}
