package web

import (
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Site is what every page of one book shares, in the language of the reader.
type Site struct {
	Book    string // short name of the association, in the page head and every title
	Legal   string // full legal name, in the foot
	Filing  string // registration and public-fundraising status, in the foot
	Contact string // telephone or address, in the foot
	Sandbox bool   // no real money moves: a striped strip says so above everything
	Zone    *time.Location
}

// Page is what every view embeds. The layouts read it; its fields are promoted, so a view must not have fields of the
// same names.
type Page struct {
	Site
	Prefs
	Title  string // goes into <title> before the book's name; no two pages share one
	Path   string // path and query as asked for, without lang
	Now    time.Time
	Nav    []NavItem
	Crumbs []Link
	Feeds  []Link // RSS that a reader of the page may follow
	Errors Errors
	Person *Person // who is signed in; nil on public pages
	Period string  // console strip: the period and its state
	Figure *AsOf   // as-of line of the foot; nil when the page shows no figures
	Wide   bool    // printed on paper laid across

	Filtered bool // the address narrows the list: its filters stay in sight on a phone
}

// Person is who is signed in, as the page head shows it.
type Person struct {
	Name string
	Role string // in the reader's language
}

// NavItem is one place of the navigation. Group starts a new heading in the console's side bar.
type NavItem struct {
	Group  string
	Label  string
	Href   string
	Icon   string
	Count  int64 // what waits for this person; 0 shows nothing
	Here   bool
	Pinned bool // stands in the phone's bottom bar of the console
}

// Link is a label and where it leads. An empty Href is plain text (the last crumb).
type Link struct {
	Label string
	Href  string
}

// AsOf says for which moment and ledger position figures hold. Position 0 is left out; Href leads to the frozen view.
type AsOf struct {
	At       time.Time
	Position int64
	Href     string
}

// NewPage starts the page for a request: language, text size and theme come from its cookies.
func NewPage(c echo.Context, site Site, now time.Time, title string) Page {
	return Page{Site: site, Prefs: PrefsOf(c), Title: title, Path: pathOf(c.Request().URL), Now: now}
}

// View is any struct that embeds Page.
type View interface{ base() Page }

func (p Page) base() Page { return p }

// T is the message of key in the page's language; see the function T.
func (p Page) T(key string, args ...any) string { return T(p.Lang, key, args...) }

// HeadTitle is the text of <title>. A form with errors says so first: readers hear the title before anything else.
func (p Page) HeadTitle() string {
	title := p.Book
	if p.Title != "" {
		title = p.Title + " · " + p.Book
	}
	if p.Person != nil { // a public page and the console's page of the same fund stay apart among open tabs
		title = p.Title + " · " + T(p.Lang, "console.title") + " · " + p.Book
	}
	if len(p.Errors) > 0 {
		title = T(p.Lang, "errors.title") + title
	}
	return title
}

// In is the address of this page in another language.
func (p Page) In(lang Lang) string {
	if strings.Contains(p.Path, "?") {
		return p.Path + "&lang=" + string(lang)
	}
	return p.Path + "?lang=" + string(lang)
}

// pathOf is path and query without lang, so that language links do not pile up.
func pathOf(u *url.URL) string {
	query := u.Query()
	query.Del("lang")
	path := u.EscapedPath()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// FieldError is one thing wrong with one field; the same words stand in the summary and at the field.
type FieldError struct {
	Field   string
	Message string
}

// Errors are the field errors of a form, in the order of its fields. A refusal (rights, money) is no field error but
// a page of its own.
type Errors []FieldError

// Add notes an error at a field.
func (e *Errors) Add(field, message string) { *e = append(*e, FieldError{field, message}) }

// For is the message at a field, empty when it is right.
func (e Errors) For(field string) string {
	for _, one := range e {
		if one.Field == field {
			return one.Message
		}
	}
	return ""
}
