package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Widths of a walk: staff at a desk, everybody else on a phone.
const (
	deskWidth  = 1280
	phoneWidth = 412
)

// walker is one person after the other at one browser. With a language it holds every page that it comes to against what strange and sticksOut look for.
type walker struct {
	*testing.T
	ctx   context.Context
	o     *office
	lang  Lang
	login string                            // who is signed in
	known map[string][]*network.CookieParam // who was signed in before, until the clock moves
	fresh bool                              // what is open was made for whoever is there, after all that others did
}

// in picks the words of the walk's language.
func (w *walker) in(zh, en string) string {
	if w.lang == EN {
		return en
	}
	return zh
}

// is lets somebody sit down at the browser; with an empty login somebody whom nobody knows, on a phone.
func (w *walker) is(login string) {
	w.Helper()
	if w.login == login && login != "" {
		return
	}
	w.fresh = false
	width := int64(deskWidth)
	if login == "" || login == "yang" {
		width = phoneWidth
	}
	do(w.ctx, w.T, chromedp.EmulateViewport(width, 800), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	wish(w.ctx, w.T, w.o.url, "lang", string(w.lang))
	switch {
	case login == "":
	case w.known[login] == nil:
		w.signsIn(login)
	default:
		do(w.ctx, w.T, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, network.SetCookies, network.SetCookiesParams{Cookies: w.known[login]})
			return err
		}))
	}
	w.login = login
}

// signsIn sends the form of the sign-in page and keeps the session.
func (w *walker) signsIn(login string) {
	w.Helper()
	form := url.Values{"login": {login}, "password": {consolePassword}}
	if strings.HasPrefix(eval(w.ctx, w.T, `location.href`), "about:") {
		do(w.ctx, w.T, chromedp.Navigate(w.o.url+"/console/sign-in"))
	}
	eval(w.ctx, w.T, fmt.Sprintf(`fetch("/console/sign-in", {method: "POST", redirect: "manual", body: new URLSearchParams(%q)}).then(() => "in")`, form.Encode()))
	do(w.ctx, w.T, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		all, err := cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: []string{w.o.url}})
		for _, c := range all.Cookies {
			w.known[login] = append(w.known[login], &network.CookieParam{Name: c.Name, Value: c.Value, URL: w.o.url, Path: c.Path, HTTPOnly: c.HTTPOnly, SameSite: c.SameSite})
		}
		return err
	}))
}

// later moves the clock: sessions are over.
func (w *walker) later(days int) {
	w.o.now = w.o.now.AddDate(0, 0, days)
	w.login, w.known, w.fresh = "", map[string][]*network.CookieParam{}, false
}

func (w *walker) open(path string) {
	w.Helper()
	do(w.ctx, w.T, chromedp.Navigate(w.o.url+path), chromedp.WaitVisible(`h1`))
	w.arrived()
}

// at opens a page of somebody, unless it is open as it stands now.
func (w *walker) at(login, path string) {
	w.Helper()
	w.is(login)
	if !w.fresh || eval(w.ctx, w.T, `location.pathname + location.search`) != path {
		w.open(path)
	}
}

// strange finds words on the open page that a pattern knows to be of another language, or that nobody translated, except what people typed.
const strange = `(() => {
	const found = [], all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = all.nextNode();) {
		const e = n.parentElement, of = e.closest("[lang]");
		if (of === document.documentElement && !e.closest("script, style, code, pre, [data-user-text], .crumbs [aria-current]") && %s.test(n.data)) found.push(n.data.trim());
	}
	return [...new Set(found)].slice(0, 8).join(" | ");
})()`

// Of a page in English no letter is Chinese; in Chinese no word is English but a format's name, a code and a sign-in name.
var strangers = map[Lang]string{
	EN: `/⟦|[\u3000-\u303f\u3400-\u9fff\uff00-\uffef](?<![＋－＝])/u`,
	ZH: `/⟦|\b(?!(pain|camt|Stripe|png|pdf|jpg|sta|homes|yang)\b)[A-Za-z]?[a-z]{3,}\b(?<!Pabulib)/u`,
}

// arrived is where the walker looks around.
func (w *walker) arrived() {
	w.Helper()
	w.fresh = true
	if eval(w.ctx, w.T, `performance.getEntriesByType("navigation")[0].responseStatus >= 400 ? "refused" : ""`) != "" {
		w.Fatalf("%s: %s", w.where(), eval(w.ctx, w.T, `document.querySelector("main").innerText`))
	}
	if w.lang == "" {
		return
	}
	if out := eval(w.ctx, w.T, sticksOut); out != "" {
		w.Errorf("%s scrolls sideways:\n%s", w.where(), out)
	}
	if words := eval(w.ctx, w.T, fmt.Sprintf(strange, strangers[w.lang])); words != "" {
		w.Errorf("%s is not all in %s: %s", w.where(), w.lang, words)
	}
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

// press sends the form that a button belongs to, or follows a link, and waits for the page that follows.
func (w *walker) press(button string) {
	w.Helper()
	if eval(w.ctx, w.T, fmt.Sprintf(`document.querySelector(%q) ? "there" : ""`, button)) == "" {
		w.Fatalf("%s has no %s, only: %s", w.where(), button, eval(w.ctx, w.T, `[...document.querySelectorAll("main button, main summary")].map(e => e.innerText).join(" | ")`))
	}
	eval(w.ctx, w.T, `document.querySelectorAll("details").forEach(d => { d.open = true }); document.documentElement.dataset.old = "1"; ""`)
	do(w.ctx, w.T, chromedp.Click(button), chromedp.WaitVisible(`html:not([data-old]) h1`))
	if wrong := eval(w.ctx, w.T, `(document.querySelector(".errors") || {innerText: ""}).innerText`); wrong != "" {
		w.Fatalf("%s: %s", w.where(), wrong)
	}
	w.arrived()
}

func (w *walker) act(name string) {
	w.Helper()
	w.press(`form:has(input[name="act"][value="` + name + `"]) p.field button`)
}

func (w *walker) where() string { w.Helper(); return eval(w.ctx, w.T, `location.pathname`) }

// link is where the first link that a selector finds leads to.
func (w *walker) link(selector string) string {
	w.Helper()
	path := eval(w.ctx, w.T, fmt.Sprintf(`(document.querySelector(%q) || {pathname: ""}).pathname`, selector))
	if path == "" {
		w.Fatalf("%s has no link %s", w.where(), selector)
	}
	return path
}

// does has somebody take a step on a record's page, and tells where it led.
func (w *walker) does(login, path, act string, pairs ...string) string {
	w.Helper()
	w.at(login, path)
	for i := 0; i < len(pairs); i += 2 {
		w.set(act+"-"+pairs[i], pairs[i+1])
	}
	w.act(act)
	return w.where()
}

// approves has a second person open a request, read what it says and agree.
func (w *walker) approves(login, path string, words ...string) {
	w.Helper()
	w.at(login, path)
	w.says(words...)
	w.press(`form:has(input[name="hash"]) button[value="approve"]`)
	w.open(path)
	w.says(T(w.lang, "approval.approved"))
}

// uploads has somebody put a file into the form on the page at path that is sent to action.
func (w *walker) uploads(login, path, action, name string, body []byte) {
	w.Helper()
	w.at(login, path)
	w.puts(`form[action="`+action+`"] input[type="file"]`, name, body)
	w.press(`form[action="` + action + `"] button`)
}

// puts holds a file out to a field.
func (w *walker) puts(field, name string, body []byte) {
	w.Helper()
	eval(w.ctx, w.T, fmt.Sprintf(`(() => { const bytes = Uint8Array.from(atob(%q), c => c.charCodeAt(0)), held = new DataTransfer(); held.items.add(new File([bytes], %q));
		document.querySelector(%q).files = held.files; return "held" })()`, base64.StdEncoding.EncodeToString(body), name, field))
}

// reads gives the text of what a link of the open page hands out.
func (w *walker) reads(selector string) string {
	w.Helper()
	return eval(w.ctx, w.T, fmt.Sprintf(`fetch(document.querySelector(%q).href).then(r => r.ok ? r.text() : "")`, selector))
}

// shows fails where the open page has no picture from src that is drawn.
func (w *walker) shows(src string) {
	w.Helper()
	if eval(w.ctx, w.T, fmt.Sprintf(`(async () => { const one = document.querySelector('img[src="%s"]'); if (!one) return ""; one.loading = "eager"; await one.decode(); return one.naturalWidth > 0 ? "yes" : "" })()`, src)) == "" {
		w.Errorf("%s does not show %s", w.where(), src)
	}
}

// second has another person approve what was asked for at path, in a browser of that person's own.
func (w *walker) second(login, path string) {
	w.Helper()
	if a := w.o.as(login).decidesAs(path, "approve"); a.status != http.StatusSeeOther {
		w.Fatalf("approve %s: %d\n%s", path, a.status, a.text)
	}
}
