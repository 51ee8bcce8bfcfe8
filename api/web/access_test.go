package web

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// accessible holds the page to what people need who hear it or go through it by keys: the browser's own names and roles, one heading
// that leads, headings without a gap, ids that are there once, labels, alternatives, order of focus and contrast.
// SUNFUND_AXE=axe.min.js has axe-core look too.
func accessible(ctx context.Context, t *testing.T) {
	t.Helper()
	for what, found := range map[string]string{"without a name": namelessParts(ctx, t), "hard to follow by ear or by keys": eval(ctx, t, structure), "too little contrast": eval(ctx, t, faintText)} {
		if found != "" {
			t.Errorf("%s: %s:\n%s", eval(ctx, t, `location.pathname + " in " + document.documentElement.lang + " at " + innerWidth`), what, found)
		}
	}
	if file := os.Getenv("SUNFUND_AXE"); file != "" {
		axe(ctx, t, file)
	}
}

// namelessParts asks the browser's accessibility tree for what can be worked and has no name.
func namelessParts(ctx context.Context, t *testing.T) string {
	t.Helper()
	named := map[string]bool{"button": true, "link": true, "textbox": true, "searchbox": true, "checkbox": true, "radio": true, "combobox": true, "listbox": true,
		"spinbutton": true, "slider": true, "image": true, "region": true, "progressbar": true, "meter": true, "dialog": true, "heading": true}
	var wrong []string
	seen := 0
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		tree, err := cdp.Call(ctx, tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		for _, node := range tree.Nodes {
			role := spoken(node.Role)
			if node.Ignored || !named[role] {
				continue
			}
			seen++
			if strings.TrimSpace(spoken(node.Name)) == "" {
				wrong = append(wrong, role)
			}
		}
		return nil
	}))
	if seen < 5 {
		t.Errorf("the browser tells of %d parts only", seen)
	}
	return strings.Join(wrong, "\n")
}

// spoken is the text of a value in the accessibility tree.
func spoken(v *accessibility.Value) (text string) {
	if v != nil {
		_ = json.Unmarshal(v.Value, &text) // what is no text has none
	}
	return text
}

// structure lists what is wrong with headings, ids, references, tables and the order of focus.
const structure = `(() => {
	const wrong = [], all = (s) => [...document.querySelectorAll(s)], shown = (x) => x.getClientRects().length > 0, brief = (x) => x.outerHTML.slice(0, 90);
	if (!document.documentElement.lang || !document.title) wrong.push("the page has no language or no title");
	if (all("main").length !== 1) wrong.push(all("main").length + " main parts");
	if (all("h1").filter(shown).length !== 1) wrong.push(all("h1").filter(shown).length + " first headings");
	let level = 0;
	for (const h of all("h1, h2, h3, h4, h5, h6").filter(shown)) {
		const now = Number(h.tagName[1]);
		if (now > level + 1 && level) wrong.push("a heading is skipped before " + brief(h));
		level = now;
	}
	const ids = new Set();
	for (const x of all("[id]")) { if (ids.has(x.id)) wrong.push("twice the id " + x.id); ids.add(x.id); }
	for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-errormessage"])
		for (const x of all("[" + name + "]")) for (const id of x.getAttribute(name).split(/\s+/)) if (!ids.has(id)) wrong.push(name + " leads nowhere: " + brief(x));
	for (const x of all("a[href^='#']")) if (x.hash.length > 1 && !ids.has(decodeURIComponent(x.hash.slice(1)))) wrong.push("leads nowhere: " + brief(x));
	for (const x of all("[tabindex]")) if (x.tabIndex > 0) wrong.push("takes the focus out of order: " + brief(x));
	for (const x of all("img:not([alt])")) wrong.push("a picture without alternative: " + brief(x));
	for (const x of all("th")) if (!x.scope && shown(x) && x.textContent.trim()) wrong.push("a table's heading without scope: " + brief(x));
	for (const x of all("a a, a button, button a, button button, label a, summary a")) wrong.push("one control in another: " + brief(x));
	for (const x of all("dl > :not(dt, dd, div), dl > div > :not(dt, dd)")) wrong.push("in a list of terms, and neither term nor meaning: " + brief(x));
	const places = new Set();
	for (const x of all("[role=region], nav").filter(shown)) {
		const place = x.tagName + " " + (x.getAttribute("aria-label") || x.getAttribute("aria-labelledby"));
		if (places.has(place)) wrong.push("twice the same name of a place: " + brief(x));
		places.add(place);
	}
	for (const x of all("[aria-hidden=true] :is(a, button, input, select, textarea)")) if (x.tabIndex >= 0 && shown(x)) wrong.push("hidden from the ear, and takes the focus: " + brief(x));
	for (const x of all("body *")) {
		if (x.scrollWidth > x.clientWidth + 1 && shown(x) && /auto|scroll/.test(getComputedStyle(x).overflowX) && x.tabIndex < 0 && !x.querySelector("a, button, input, select"))
			wrong.push("scrolls, and keys do not reach it: " + brief(x));
	}
	return [...new Set(wrong)].join("\n");
})()`

// faintText lists text with less than 4.5 to 1 on what is behind it, large text with less than 3 to 1.
const faintText = `(() => {
	const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = (css) => { paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1); const d = paint.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
	const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (x) => {
		const layers = [];
		for (let p = x; p; p = p.parentElement) {
			const style = getComputedStyle(p);
			if (style.backgroundImage !== "none") return null;
			const c = rgba(style.backgroundColor);
			if (c[3] > 0) layers.push(c);
			if (c[3] === 1) break;
		}
		return layers.reduceRight((under, c) => over(c, under), [255, 255, 255]);
	};
	const faint = new Set(), words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (words.nextNode()) {
		const x = words.currentNode.parentElement;
		if (!words.currentNode.textContent.trim() || !x.getClientRects().length || x.closest("script, style, option, [disabled], [aria-disabled=true], .hidden, svg")) continue;
		const style = getComputedStyle(x), under = behind(x);
		if (!under || style.visibility !== "visible") continue;
		const a = light(over(rgba(style.color), under)), b = light(under), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
		if (ratio < (large ? 3 : 4.5) - 0.005) faint.add(ratio.toFixed(2) + " " + x.outerHTML.slice(0, 90));
	}
	return [...faint].join("\n");
})()`

// What is planted is found.
func TestAccessFindsFaults(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	do(ctx, t, chromedp.Navigate("about:blank"))
	eval(ctx, t, `document.body.innerHTML = '<h1>a</h1><h3 id="x">b</h3><p id="x" style="color:#999;background:#fff">grey</p><a href="#gone"></a><button></button>' +
		'<input aria-describedby="nobody"><img src="data:,"><div tabindex="3">c</div><dl><div><span>d</span><dt>e</dt><dd>f</dd></div></dl><table><tr><th>g</th></tr></table>' +
		'<div role="region" aria-label="r">1</div><div role="region" aria-label="r">2</div><a href="#x">h</a>'; "set"`)
	nameless := namelessParts(ctx, t)
	for _, role := range []string{"link", "button", "textbox", "image"} {
		if !strings.Contains(nameless, role) {
			t.Errorf("a nameless %s is not found: %s", role, nameless)
		}
	}
	found := eval(ctx, t, structure)
	for _, fault := range []string{"no language", "0 main parts", "heading is skipped", "twice the id x", "aria-describedby leads nowhere", "leads nowhere: <a", "out of order", "without alternative",
		"without scope", "neither term nor meaning", "twice the same name"} {
		if !strings.Contains(found, fault) {
			t.Errorf("%q is not found:\n%s", fault, found)
		}
	}
	if faint := eval(ctx, t, faintText); !strings.HasPrefix(faint, "2.85 <p") {
		t.Errorf("grey on white: %q", faint)
	}
}

// axe runs axe-core, which comes from outside and is no part of this.
func axe(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	eval(ctx, t, string(script)+`; "ready"`)
	found := eval(ctx, t, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) =>
		r.violations.map((v) => v.impact + " " + v.id + ": " + v.nodes.map((n) => n.html.slice(0, 90)).slice(0, 3).join(" | ")).join("\n"))`)
	if found != "" {
		t.Errorf("axe:\n%s", found)
	}
}
