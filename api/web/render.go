// Package web makes the pages for donors, streets, accountants and the public: HTML that works without script.
package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"sunfund/ledger/money"
)

//go:embed templates
var templateFiles embed.FS

// Renderer holds every page, parsed. Safe for concurrent use.
type Renderer struct {
	shared *template.Template            // layouts and parts, never executed so that it can be cloned
	pages  map[string]*template.Template // "public/campaign" and the like, never executed either
	ready  sync.Map                      // bound -> *template.Template: a page with its functions bound
}

// bound names a page bound to what its functions need to know. Books bring few zones, so the set stays small.
type bound struct {
	page string
	lang Lang
	zone string
}

// renderer is what all servers of a process share: the templates are part of the program.
var renderer = sync.OnceValues(NewRenderer)

// NewRenderer parses all templates and words, and fails on the first that is wrong.
func NewRenderer() (*Renderer, error) {
	if _, err := words(); err != nil {
		return nil, err
	}
	shared, err := template.New("").Funcs(functions(ZH, time.UTC)).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layouts: %w", err)
	}
	r := &Renderer{shared: shared, pages: map[string]*template.Template{}}
	names, err := fs.Glob(templateFiles, "templates/*/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		if err := r.add(page, string(text)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// add parses one page and has it escaped once, so that a template unsafe in its place fails at start.
func (r *Renderer) add(name, text string) error {
	page, err := template.Must(r.shared.Clone()).New(name).Parse(text)
	if err != nil {
		return fmt.Errorf("parse page %s: %w", name, err)
	}
	if page.Lookup("main") == nil {
		return fmt.Errorf("parse page %s: it defines no main", name)
	}
	trial := template.Must(page.Clone())
	var unsafe *template.Error
	if err := trial.ExecuteTemplate(new(bytes.Buffer), layoutOf(name), nil); errors.As(err, &unsafe) {
		return fmt.Errorf("escape page %s: %w", name, err)
	}
	r.pages[name] = page
	return nil
}

// layoutOf is the layout of the folder a page lies in: public/… or console/….
func layoutOf(page string) string { return "layout_" + path.Dir(page) }

// Render writes a page with its status. Nothing is sent before the whole page stands, so an error can still become an
// error page.
func (r *Renderer) Render(w http.ResponseWriter, status int, name string, view View) error {
	page := view.base()
	body, err := r.execute(page, name, layoutOf(name), view)
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", string(page.Lang))
	if head.Get("Cache-Control") == "" {
		if page.Person != nil {
			head.Set("Cache-Control", "no-store")
		} else {
			head.Set("Cache-Control", "private, no-cache")
		}
	}
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// Fragment is one named block of a page alone, for live updates: {{define "bar"}}…{{end}} in the page's file.
func (r *Renderer) Fragment(p Page, name, block string, data any) (string, error) {
	body, err := r.execute(p, name, block, data)
	return string(body), err
}

func (r *Renderer) execute(p Page, name, block string, data any) ([]byte, error) {
	t, err := r.bind(name, p.Lang, p.Zone)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, block, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// bind gives the page with its functions speaking lang and telling the time of zone.
func (r *Renderer) bind(name string, lang Lang, zone *time.Location) (*template.Template, error) {
	if zone == nil {
		zone = time.UTC
	}
	key := bound{name, lang, zone.String()}
	if t, ok := r.ready.Load(key); ok {
		return t.(*template.Template), nil
	}
	page, ok := r.pages[name]
	if !ok {
		return nil, fmt.Errorf("render %s: no such page", name)
	}
	t, err := page.Clone()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	kept, _ := r.ready.LoadOrStore(key, t.Funcs(functions(lang, zone)))
	return kept.(*template.Template), nil
}

// functions are what templates may call. They know language and zone, so templates never pass them on.
func functions(lang Lang, zone *time.Location) template.FuncMap {
	return template.FuncMap{
		"t":     func(key string, args ...any) string { return T(lang, key, args...) },
		"lang":  func() Lang { return lang },
		"asset": Asset,
		"icon":  icon,
		"tag": func(status, key string, args ...any) (template.HTML, error) {
			return tag(status, T(lang, key, args...))
		},
		"status":   tag,
		"amount":   func(m money.Money) string { return Amount(lang, m) },
		"headline": Headline,
		"figure":   func(m money.Money) template.HTML { return redMinus(Figure(m)) },
		"cell":     func(m money.Money) template.HTML { return redMinus(Cell(m)) },
		"unit":     func(currency string) string { return Unit(lang, currency) },
		"words":    money.WordsZH,
		"count":    Count,
		"percent":  Percent,
		"day":      func(day time.Time) string { return Day(lang, day) },
		"isoday":   ISODay,
		"when":     func(at time.Time) string { return When(lang, at, zone) },
		"stamp":    func(at time.Time) string { return Stamp(at, zone) },
		"clock":    func(at time.Time) string { return Clock(at, zone) },
		"ago":      func(now, at time.Time) template.HTML { return ago(lang, now, at, zone) },
		"rfc":      func(at time.Time) string { return at.Format(time.RFC3339) },
		"link":     func(label, href string) Link { return Link{label, href} },
		"field":    newField,
		"choices":  newChoices,
	}
}

// redMinus marks a negative figure; it is red and has its minus, on screen and on paper.
func redMinus(figure string) template.HTML {
	if strings.HasPrefix(figure, minus) {
		return template.HTML(`<span class="minus">` + figure + `</span>`) // digits, commas and the sign only
	}
	return template.HTML(figure)
}

// ago writes how long ago, with the full time in the same element.
func ago(lang Lang, now, at time.Time, zone *time.Location) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, at.UTC().Format(time.RFC3339),
		template.HTMLEscapeString(When(lang, at, zone)), template.HTMLEscapeString(Ago(lang, now, at))))
}

// icon draws one picture of the sprite; it is decoration beside a word, so readers skip it.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` +
		Asset("sprite.svg") + `#` + template.HTMLEscapeString(name) + `"/></svg>`)
}

// shapes gives each status its shape; shape and word carry the meaning, the tint does not.
var shapes = map[string]string{
	"done": "check", "good": "disc", "waiting": "half", "attention": "triangle", "broken": "square", "held": "bars",
	"draft": "diamond", "reversed": "return",
}

// tag is a status: shape and word.
func tag(status, word string) (template.HTML, error) {
	shape, ok := shapes[status]
	if !ok {
		return "", fmt.Errorf("no status %q", status)
	}
	return template.HTML(`<span class="tag `+status+`">`) + icon(shape) +
		template.HTML(template.HTMLEscapeString(word)+`</span>`), nil
}
