package law

import (
	"cmp"
	"context"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Errors about parameters and profiles.
var (
	ErrBadProfile = errors.New("profile of the law is not complete")
	ErrBadParam   = errors.New("parameter of a rule cannot be read")
)

//go:embed params.csv
var files embed.FS

// Legal forms.
const (
	Association = "association" // 社会团体
	Foundation  = "foundation"  // 基金会
	Service     = "service"     // 社会服务机构
)

// Param is one figure of a rule, as it stands from a day on.
type Param struct {
	Rule, Name   string
	Jurisdiction string    // "CN", or a part "CN-HN"; a part goes before its country
	Form         string    // "*" for every form
	Public       string    // "yes", "no" or "*"
	From, To     time.Time // To is the first day on which it no longer holds; zero: no end
	Value        string    // "70%", "200000.00", "10d", "3wd", "6m", "05-31", "yes"
	ArticleZH    string
	ArticleEN    string
	Source       string // where it was looked up; K: to be checked, T: its first day is to be checked, D: the program's own
	Own          bool   // entered in this book
}

// Article is where the figure is written, in lang.
func (p Param) Article(lang string) string { return pick(lang, p.ArticleZH, p.ArticleEN) }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

var statutes = readStatutes()

func readStatutes() []Param {
	f, err := files.Open("params.csv")
	if err != nil {
		panic(err)
	}
	all, err := readFigures(f, func(Param) error { return nil }) // a test holds each to Check, which itself asks these
	if err != nil {
		panic(err)
	}
	return all
}

var paramHead = []string{"rule", "name", "jurisdiction", "form", "public", "valid_from", "valid_to", "value", "article_zh", "article_en", "source"}

// ReadFigures reads figures of a book's own in the form of params.csv: a line of names, then a figure a line. ErrBadParam says which line.
func ReadFigures(from io.Reader) ([]Param, error) {
	return readFigures(from, Param.Check)
}

func readFigures(from io.Reader, check func(Param) error) (all []Param, err error) {
	r := csv.NewReader(from)
	r.FieldsPerRecord = len(paramHead)
	head, err := r.Read()
	if err == nil {
		head[0] = strings.TrimPrefix(head[0], "\ufeff") // spreadsheets put it there
	}
	if !slices.Equal(head, paramHead) {
		return nil, fmt.Errorf("%w: line 1 has to be %s", ErrBadParam, strings.Join(paramHead, ","))
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadParam, err)
		}
		p := Param{Rule: row[0], Name: row[1], Jurisdiction: row[2], Form: row[3], Public: row[4], Value: row[7], ArticleZH: row[8], ArticleEN: row[9], Source: row[10]}
		if p.From, err = time.Parse(time.DateOnly, row[5]); err == nil && row[6] != "" {
			p.To, err = time.Parse(time.DateOnly, row[6])
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrBadParam, err)
		} else {
			err = check(p)
		}
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d, %s %s: %w", line, p.Rule, p.Name, err)
		}
		all = append(all, p)
	}
}

// Params are the figures of the statutes, in the order of the file.
func Params() []Param { return append([]Param(nil), statutes...) }

// Profile says under which law a book stands from a day on.
type Profile struct {
	From         time.Time
	Jurisdiction string
	Form         string
	Public       bool
	Code         string // unified social credit code; empty when not known
	EnteredBy    *uuid.UUID
}

const (
	sqlProfileInsert = `
insert into law_profile (book_id, valid_from, jurisdiction, form, public, code, entered_by, entered_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`

	sqlProfiles = `
select distinct on (valid_from) valid_from, jurisdiction, form, public, code, entered_by from law_profile
 where book_id = $1 order by valid_from desc, entered_at desc`

	sqlParamInsert = `
insert into law_param (book_id, rule, name, jurisdiction, form, public, valid_from, valid_to, value, article, source, entered_by, entered_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	sqlParams = `
select distinct on (rule, name, jurisdiction, form, public, valid_from) rule, name, jurisdiction, form, public, valid_from, coalesce(valid_to, '0001-01-01'), value, article, source
  from law_param where book_id = $1 order by rule, name, jurisdiction, form, public, valid_from desc, entered_at desc`
)

var (
	placeForm = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,6})?$`)
	codeForm  = regexp.MustCompile(`^([0-9A-Z]{18})?$`)
	nameForm  = regexp.MustCompile(`^[a-z0-9_.]{1,40}$`)
)

// Check says whether the profile is complete. ErrBadProfile.
func (p Profile) Check() error {
	known := p.Form == Association || p.Form == Foundation || p.Form == Service
	if !known || !placeForm.MatchString(p.Jurisdiction) || !codeForm.MatchString(p.Code) || p.From.IsZero() {
		return ErrBadProfile
	}
	return nil
}

// SetProfile says under which law the book stands from p.From on. ErrBadProfile.
func SetProfile(ctx context.Context, tx pgx.Tx, book *ledger.Book, p Profile, now time.Time) error {
	if err := p.Check(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlProfileInsert, book.ID, p.From, p.Jurisdiction, p.Form, p.Public, p.Code, p.EnteredBy, now); err != nil {
		return fmt.Errorf("set profile of the law: %w", err)
	}
	return nil
}

// shapes are how figures are written. A figure of the book's own has the shape of the statute's, or it would be read as nothing.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`^(100|[0-9]{1,2}(\.[0-9]{1,2})?)%$`), // a share
	regexp.MustCompile(`^[0-9]{1,13}\.[0-9]{2}$`),            // an amount
	regexp.MustCompile(`^[1-9][0-9]{0,3}$`),                  // a count
	regexp.MustCompile(`^[1-9][0-9]{0,3}(d|wd|m)$`),          // a term
	regexp.MustCompile(`^[0-9]{2}-[0-9]{2}$`),                // a day of the year
	regexp.MustCompile(`^(yes|no|review)$`),
	regexp.MustCompile(`^from=[0-9]{1,13}\.[0-9]{2}( (spend|admin|income)=[0-9]{1,2}(\.[0-9]{1,2})?%){1,3}$`), // a band
	regexp.MustCompile(`^\^.*\$$`),                                                                            // a pattern
}

func shapeOf(value string) int {
	return slices.IndexFunc(shapes, func(shape *regexp.Regexp) bool { return shape.MatchString(value) })
}

// readable tells whether a value can stand for a figure: there is one of this name, and it is written like it.
func readable(rule, name, value string) bool {
	if _, err := time.Parse(time.DateOnly, "2023-"+value); shapeOf(value) == 4 && err != nil {
		return false
	}
	if _, err := regexp.Compile(value); shapeOf(value) == len(shapes)-1 && err != nil {
		return false
	}
	band := strings.HasPrefix(name, "band.")
	return shapeOf(value) >= 0 && slices.ContainsFunc(statutes, func(s Param) bool {
		return s.Rule == rule && (s.Name == name || band && strings.HasPrefix(s.Name, "band.")) && shapeOf(s.Value) == shapeOf(value)
	})
}

// Check says whether a figure of the book's own can be read; empty places, forms and rights mean all of them. ErrBadParam.
func (p Param) Check() error {
	_, err := p.complete()
	return err
}

func (p Param) complete() (Param, error) {
	for _, scope := range []*string{&p.Jurisdiction, &p.Form, &p.Public} {
		*scope = cmp.Or(*scope, "*")
	}
	place := p.Jurisdiction == "*" || placeForm.MatchString(p.Jurisdiction)
	form := slices.Contains([]string{"*", Association, Foundation, Service}, p.Form)
	public := slices.Contains([]string{"*", "yes", "no"}, p.Public)
	switch {
	case ByCode(p.Rule) == nil, !nameForm.MatchString(p.Name), p.ArticleZH == "", p.From.IsZero(), !readable(p.Rule, p.Name, p.Value), !place, !form, !public, !p.To.IsZero() && !p.To.After(p.From):
		return p, ErrBadParam
	}
	return p, nil
}

// SetParam enters a figure of the book's own: from its charter, an agreement, or a law newer than this program. ErrBadParam.
func SetParam(ctx context.Context, tx pgx.Tx, book *ledger.Book, p Param, by uuid.UUID, now time.Time) error {
	p, err := p.complete()
	if err != nil {
		return err
	}
	var to *time.Time
	if !p.To.IsZero() {
		to = &p.To
	}
	if _, err := tx.Exec(ctx, sqlParamInsert, book.ID, p.Rule, p.Name, p.Jurisdiction, p.Form, p.Public, p.From, to, p.Value, p.ArticleZH, p.Source, by, now); err != nil {
		return fmt.Errorf("set parameter %s %s: %w", p.Rule, p.Name, err)
	}
	return nil
}

// Law is what a book stands under: its profiles and its own figures, read once for one look.
type Law struct {
	profiles []Profile // newest first
	own      []Param
}

// Read reads under which law a book stands.
func Read(ctx context.Context, q pg.Querier, book *ledger.Book) (*Law, error) {
	l := &Law{}
	rows, err := q.Query(ctx, sqlProfiles, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read profile of the law: %w", err)
	}
	if l.profiles, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Profile]); err != nil {
		return nil, fmt.Errorf("read profile of the law: %w", err)
	}
	if rows, err = q.Query(ctx, sqlParams, book.ID); err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	p := Param{Own: true}
	_, err = pgx.ForEachRow(rows, []any{&p.Rule, &p.Name, &p.Jurisdiction, &p.Form, &p.Public, &p.From, &p.To, &p.Value, &p.ArticleZH, &p.Source}, func() error {
		p.ArticleEN = p.ArticleZH
		if p.To.Year() == 1 {
			p.To = time.Time{}
		}
		l.own = append(l.own, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	return l, nil
}

// On is the profile on a day, or nil when the book stood under no law then.
func (l *Law) On(day time.Time) *Profile {
	for i := range l.profiles {
		if !l.profiles[i].From.After(day) {
			return &l.profiles[i]
		}
	}
	return nil
}

// Param is a figure on a day: the book's own first, then that of its part of the country, then the country's; of those the one for its legal form,
// then the one for its right to raise from the public, then the newest.
func (l *Law) Param(rule, name string, day time.Time) (Param, bool) {
	p := l.On(day)
	if p == nil {
		return Param{}, false
	}
	if own, ok := p.newest(l.own, rule, name, day); ok {
		return own, true
	}
	return p.newest(statutes, rule, name, day)
}

// newest finds the figure that holds for a profile on a day.
func (p *Profile) newest(of []Param, rule, name string, day time.Time) (best Param, found bool) {
	country, _, _ := strings.Cut(p.Jurisdiction, "-")
	public := map[bool]string{true: "yes", false: "no"}[p.Public]
	near := map[string]int{p.Jurisdiction: 3, country: 2, "*": 1}
	if country == p.Jurisdiction {
		near[country] = 3
	}
	for _, s := range of {
		if s.Rule != rule || s.Name != name || s.From.After(day) || !s.To.IsZero() && !day.Before(s.To) || s.Form != "*" && s.Form != p.Form ||
			s.Public != "*" && s.Public != public || near[s.Jurisdiction] == 0 {
			continue
		}
		if !found || cmp.Or(near[s.Jurisdiction]-near[best.Jurisdiction], exact(s.Form)-exact(best.Form), exact(s.Public)-exact(best.Public), s.From.Compare(best.From)) > 0 {
			best, found = s, true
		}
	}
	return best, found
}

// exact is 1 for a figure that names whom it is for, 0 for one for all.
func exact(scope string) int {
	if scope == "*" {
		return 0
	}
	return 1
}

// Figures are all figures that hold on a day, in the order of the rules.
func (l *Law) Figures(day time.Time) (all []Param) {
	seen := map[string]bool{}
	for _, s := range append(append([]Param(nil), statutes...), l.own...) {
		if seen[s.Rule+" "+s.Name] {
			continue
		}
		seen[s.Rule+" "+s.Name] = true
		if p, ok := l.Param(s.Rule, s.Name, day); ok {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Param) int { return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Name, b.Name)) })
	return all
}

// BasisPoints reads "70%" or "12.5%" as 7000 and 1250.
func (p Param) BasisPoints() int64 {
	text, ok := strings.CutSuffix(p.Value, "%")
	if !ok {
		return 0
	}
	whole, part, _ := strings.Cut(text, ".")
	n, _ := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	return n
}

// Share reads "5%" or "2.5%" that somebody typed, as basis points. ErrBadParam.
func Share(text string) (int64, error) {
	if shapeOf(text) != 0 {
		return 0, ErrBadParam
	}
	return Param{Value: text}.BasisPoints(), nil
}

// Number reads a count.
func (p Param) Number() int64 {
	n, _ := strconv.ParseInt(strings.TrimRight(p.Value, "dwm"), 10, 64)
	return n
}

// Sum reads an amount in minor units of the book's currency.
func (p Param) Sum(book *ledger.Book) int64 {
	minor, err := money.Parse(p.Value, book.Currency)
	if err != nil {
		return 0
	}
	return minor
}

// After is the day that lies a term behind another: "10d" days, "3wd" working days (weekends left out), "6m" months.
func (p Param) After(day time.Time) time.Time {
	n := int(p.Number())
	switch {
	case strings.HasSuffix(p.Value, "wd"):
		for n > 0 {
			if day = day.AddDate(0, 0, 1); day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
				n--
			}
		}
		return day
	case strings.HasSuffix(p.Value, "m"):
		return addMonths(day, n)
	}
	return day.AddDate(0, 0, n)
}

// Before is the day that lies a term ahead of another.
func (p Param) Before(day time.Time) time.Time {
	n := int(p.Number())
	switch {
	case strings.HasSuffix(p.Value, "wd"):
		for n > 0 {
			if day = day.AddDate(0, 0, -1); day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
				n--
			}
		}
		return day
	case strings.HasSuffix(p.Value, "m"):
		return addMonths(day, -n)
	}
	return day.AddDate(0, 0, -n)
}

// addMonths keeps to the last day of a shorter month: three months after 30 November is 28 or 29 February.
func addMonths(day time.Time, n int) time.Time {
	to := day.AddDate(0, n, 0)
	if to.Day() != day.Day() {
		to = to.AddDate(0, 0, -to.Day())
	}
	return to
}
