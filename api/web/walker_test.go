package web

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// walker is one person after the other at one browser.
type walker struct {
	*testing.T
	ctx   context.Context
	o     *office
	login string // who is signed in
}

// is signs somebody in, whoever was there before; nobody with an empty login.
func (w *walker) is(login string) {
	w.Helper()
	if w.login != login || login == "" {
		w.o.signInBrowser(w.ctx, login)
		w.login = login
	}
}

func (w *walker) open(path string) {
	w.Helper()
	do(w.ctx, w.T, chromedp.Navigate(w.o.url+path), chromedp.WaitVisible(`h1`))
}

// says fails where the open page lacks words.
func (w *walker) says(words ...string) {
	w.Helper()
	for _, text := range words {
		if eval(w.ctx, w.T, fmt.Sprintf(`document.body.innerText.includes(%q) ? "yes" : ""`, text)) == "" {
			w.Errorf("%s does not say %q", w.where(), text)
		}
	}
}

// set fills fields in; of a choice the value, of a list the value or a part of its words.
func (w *walker) set(pairs ...string) {
	w.Helper()
	for i := 0; i < len(pairs); i += 2 {
		found := eval(w.ctx, w.T, fmt.Sprintf(`(() => { const name = %q, value = %q, all = [...document.querySelectorAll('[name="' + name + '"]')]; if (!all.length) return "";
			if (all[0].type === "radio" || all[0].type === "checkbox") { const one = all.find(e => e.value === value); if (one) one.checked = true; return one ? "set" : "" }
			if (all[0].tagName === "SELECT") { const one = [...all[0].options].find(o => o.value === value) || [...all[0].options].find(o => o.text.includes(value)); if (one) one.selected = true; return one ? "set" : "" }
			all[0].value = value; return "set" })()`, pairs[i], pairs[i+1]))
		if found == "" {
			w.Fatalf("%s has no field %s for %q: %s", w.where(), pairs[i], pairs[i+1], eval(w.ctx, w.T, `[...document.querySelectorAll("[name]")].map(e => e.name).join(" ")`))
		}
	}
}

// press sends the form that a button belongs to, and waits for the page that follows.
func (w *walker) press(button string) {
	w.Helper()
	eval(w.ctx, w.T, `document.querySelectorAll("details").forEach(d => { d.open = true }); document.documentElement.dataset.old = "1"; ""`)
	do(w.ctx, w.T, chromedp.Click(button), chromedp.WaitVisible(`html:not([data-old]) h1`))
	if wrong := eval(w.ctx, w.T, `(document.querySelector(".errors") || {innerText: ""}).innerText`); wrong != "" {
		w.Fatalf("%s: %s", w.where(), wrong)
	}
}

func (w *walker) act(name string) {
	w.Helper()
	w.press(`form:has(input[name="act"][value="` + name + `"]) p.field button`)
}

func (w *walker) where() string { w.Helper(); return eval(w.ctx, w.T, `location.pathname`) }

// does has somebody take a step on a record's page, and tells where it led.
func (w *walker) does(login, path, act string, pairs ...string) string {
	w.Helper()
	w.is(login)
	w.open(path)
	for i := 0; i < len(pairs); i += 2 {
		w.set(act+"-"+pairs[i], pairs[i+1])
	}
	w.act(act)
	return w.where()
}

// second has another person approve what was asked for at path.
func (w *walker) second(login, path string) {
	w.Helper()
	if a := w.o.as(login).decidesAs(path, "approve"); a.status != http.StatusSeeOther {
		w.Fatalf("approve %s: %d\n%s", path, a.status, a.text)
	}
}
