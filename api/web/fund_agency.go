package web

import (
	"net/http"
	"net/url"

	"sunfund/ledger/funds"
)

// agencyQuestions are those of the test in order. A written agreement to pass the money on decides alone; else all of the other three must hold.
var agencyQuestions = []string{"passed", "duty", "powerless", "named"}

type agencyView struct {
	Page
	Action   string
	Question string // name of the one that is asked now; empty: decided
	At, Of   int
	Answers  []Fact // with the way back to each
	Kept     []Field
	Outcome  string
	Means    []string
	Next     Link
}

// agencyAnswers reads the answers so far; done tells that they decide.
func (v *visit) agencyAnswers() (t funds.AgencyTest, done bool) {
	yes := func(name string) bool { return v.FormValue(name) == "yes" }
	t = funds.AgencyTest{PassOn: yes("passed"), NoIncrease: yes("duty"), NoPower: yes("powerless"), Named: yes("named")}
	if t.PassOn {
		return funds.AgencyTest{PassOn: true}, true
	}
	for _, name := range agencyQuestions {
		switch v.FormValue(name) {
		case "yes":
		case "no":
			if name != "passed" { // one that does not hold decides
				return t, true
			}
		default:
			return t, false
		}
	}
	return t, true
}

// agencyOutcome says whose money it is.
func (v *visit) agencyOutcome(t funds.AgencyTest) string {
	if t.Agency() {
		return T(v.lang, "agency.is")
	}
	return T(v.lang, "agency.isnot")
}

// fundTest asks, one question a page, whether money would be the association's own: before a fund is applied for (受托代理三项测试).
func (v *visit) fundTest() error {
	view := agencyView{Page: v.consolePage(T(v.lang, "agency.heading"), "/console/funds"), Action: fundFilesPath + "/test", Of: len(agencyQuestions)}
	given := url.Values{}
	test, done := v.agencyAnswers()
	for i, name := range agencyQuestions {
		answer := v.FormValue(name)
		if answer != "yes" && answer != "no" {
			if !done {
				view.Question, view.At = name, i+1
			}
			break
		}
		view.Answers = append(view.Answers, Fact{Term: T(v.lang, "agency.short."+name), Value: T(v.lang, "agency."+answer), Href: address(view.Action, given)})
		given.Set(name, answer)
		if name == "passed" && answer == "yes" || name != "passed" && answer == "no" {
			break
		}
	}
	for _, name := range agencyQuestions {
		if given.Has(name) {
			view.Kept = append(view.Kept, Field{Name: name, Value: given.Get(name)})
		}
	}
	if done {
		view.Outcome = v.agencyOutcome(test)
		kind := map[bool]string{true: "is", false: "isnot"}[test.Agency()]
		for _, part := range []string{"books", "fund", "receipt"} {
			view.Means = append(view.Means, T(v.lang, "agency."+kind+"."+part))
		}
		view.Next = Link{T(v.lang, "agency.go"), address(fundFilesPath+"/new", given)}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/agency", view)
}
