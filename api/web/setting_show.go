package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// ruleWindows are the hours that the form offers to look back; 0 is each request by itself.
var ruleWindows = []int{0, 24, 72, 168, 720}

// endedShown is how many rules that hold no more the page lists.
const endedShown = 50

type settingView struct {
	Page
	ruleForm
	Rules                  []ruleRow
	Ended                  []ruleRow
	SignIn                 []Fact
	Password, Issuer       string
	Client, ACR            string
	Passwords              []Option
	Form                   string
	MayAsk                 bool
	KindOptions, Windows   []Option
	SignInAsked, EmptyRule Empty
}

// ruleForm is the form of a rule as it was typed.
type ruleForm struct{ Kind, From, Hours, Approvers string }

// ruleRow is a rule in words.
type ruleRow struct {
	ID      string
	Kind    string
	From    string
	Window  string
	Many    string
	Made    time.Time
	Ended   time.Time
	EndedBy string
	Reason  string
}

func (v *visit) ruleRow(r staff.Rule) ruleRow {
	row := ruleRow{ID: r.ID.String(), Kind: T(v.lang, "approval.kind."+string(r.Kind)), Window: v.windowName(int(r.Window / time.Hour)),
		From: T(v.lang, "rule.any"), Many: T(v.lang, "rule.many", r.Approvers, T(v.lang, "role."+string(r.Role))), Made: r.MadeAt}
	if r.From > 0 {
		row.From = Amount(v.lang, v.amount(r.From))
	}
	return row
}

func (v *visit) windowName(hours int) string {
	if hours == 0 {
		return T(v.lang, "rule.each")
	}
	return T(v.lang, "rule.window", hours)
}

// settingShow shows how this book decides: who must approve what, and by what its people sign in.
func (v *visit) settingShow() error {
	return v.settingsAgain(http.StatusOK, ruleForm{Hours: "0", Approvers: "2"}, nil)
}

func (v *visit) settingsAgain(status int, form ruleForm, wrong Errors) error {
	view := settingView{Page: v.consolePage(T(v.lang, "place.settings"), "/console/settings"), ruleForm: form, Form: newForm(), MayAsk: v.who.May(staff.SettingAsk)}
	view.Errors, view.Path, view.EmptyRule = wrong, "/console/settings", Empty{Text: T(v.lang, "rule.none")}
	rules, err := staff.Rules(v.ctx(), v.s.DB, v.book.ID, "")
	if err != nil {
		return err
	}
	for _, r := range rules {
		view.Rules = append(view.Rules, v.ruleRow(r))
	}
	ended, err := staff.EndedRules(v.ctx(), v.s.DB, v.book.ID, endedShown)
	if err != nil {
		return err
	}
	names := newNames(v)
	for _, r := range ended {
		row := v.ruleRow(r.Rule)
		row.Ended, row.Reason = r.EndedAt, r.Reason
		if row.EndedBy, err = names.of(r.EndedBy); err != nil {
			return err
		}
		view.Ended = append(view.Ended, row)
	}
	view.KindOptions, view.Windows = v.ruleKinds(), v.windowOptions()
	settings, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	view.SignIn = v.settingsFacts(settings)
	view.Password, view.Issuer, view.Client, view.ACR = string(settings.Password), settings.Issuer, settings.Client, settings.ACR
	if v.FormValue("what") == "sign-in" {
		view.Password, view.Issuer, view.Client, view.ACR = v.typed("password_rule", 20), v.typed("issuer", 500), v.typed("client", 200), v.typed("acr", 200)
	}
	for _, rule := range []staff.PasswordRule{staff.PasswordWithCode, staff.PasswordNever, staff.PasswordAlone} {
		view.Passwords = append(view.Passwords, Option{Value: string(rule), Label: view.T("signin.rule." + string(rule)), Hint: view.T("signin.rule." + string(rule) + ".hint")})
	}
	return v.s.render.Render(v.Response(), status, "console/setting_show", view)
}

func (v *visit) ruleKinds() (options []Option) {
	for _, k := range staff.Kinds() {
		options = append(options, Option{Value: string(k), Label: T(v.lang, "approval.kind."+string(k))})
	}
	return options
}

func (v *visit) windowOptions() (options []Option) {
	for _, hours := range ruleWindows {
		options = append(options, Option{Value: strconv.Itoa(hours), Label: v.windowName(hours)})
	}
	return options
}

// settingsFacts are sign-in settings in words.
func (v *visit) settingsFacts(s staff.Settings) []Fact {
	or := func(text string) string {
		if text == "" {
			return T(v.lang, "setting.none")
		}
		return text
	}
	facts := []Fact{{Term: T(v.lang, "signin.passkeys"), Value: T(v.lang, "signin.passkeys.always")},
		{Term: T(v.lang, "signin.rule"), Value: T(v.lang, "signin.rule."+string(s.Password))}, {Term: T(v.lang, "setting.issuer"), Value: or(s.Issuer)}}
	if s.Issuer != "" {
		facts = append(facts, Fact{Term: T(v.lang, "signin.client"), Value: s.Client}, Fact{Term: T(v.lang, "signin.acr"), Value: or(s.ACR)})
	}
	return facts
}

// readRule reads a rule from the form; kind is fixed when a rule is changed. A rule that nobody could meet is refused:
// it would stop the kind altogether.
func (v *visit) readRule(form ruleForm) (terms staff.Terms, wrong Errors, err error) {
	terms.Kind = staff.Kind(form.Kind)
	deciders := terms.Kind.Deciders()
	if len(deciders) == 0 {
		wrong.Add("kind", T(v.lang, "rule.kind.wrong"))
		return terms, wrong, nil
	}
	terms.Role = deciders[0]
	if form.From != "" {
		if terms.From, err = money.ParseInput(form.From, v.book.Currency); err != nil || terms.From < 0 {
			wrong.Add("from", T(v.lang, "rule.from.wrong"))
		}
	}
	hours, err := strconv.Atoi(form.Hours)
	if err != nil || hours < 0 || hours > 8784 {
		wrong.Add("hours", T(v.lang, "rule.hours.wrong"))
	}
	terms.Hours = int32(hours)
	terms.Approvers, err = strconv.Atoi(strings.TrimSpace(form.Approvers))
	if err != nil || terms.Approvers < 1 || terms.Approvers > 5 {
		wrong.Add("approvers", T(v.lang, "rule.approvers.wrong"))
		return terms, wrong, nil
	}
	there, err := staff.Holding(v.ctx(), v.s.DB, v.book.ID, terms.Role)
	if err != nil {
		return terms, wrong, err
	}
	most := len(there)
	if terms.Role == staff.Admin { // an admin asks, and does not approve that
		most--
	}
	if terms.Approvers > most {
		wrong.Add("approvers", T(v.lang, "rule.approvers.few", most, T(v.lang, "role."+string(terms.Role))))
	}
	return terms, wrong, nil
}

func (v *visit) typedRule() ruleForm {
	return ruleForm{Kind: v.typed("kind", 40), From: v.typed("from", 40), Hours: v.typed("hours", 6), Approvers: v.typed("approvers", 4)}
}
