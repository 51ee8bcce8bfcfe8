package reports

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sunfund/ledger/chart"
)

// Kinds of statements.
const (
	Balance    = "balance"    // what there is on a day, beside the year's beginning
	Activities = "activities" // what came and went, by class of net assets
	Cash       = "cash"       // how cash moved, by the direct method
)

// Form is a statement's lines as data: which accounts stand in which row, under which rules and since when. See forms/*.yaml.
type Form struct {
	ID        string     `yaml:"form"`
	Regime    string     `yaml:"regime"` // of the Chinese rules; empty for others
	Since     int        `yaml:"since"`  // the first year it is meant for
	Code      string     `yaml:"code"`   // of the official form
	Kind      string     `yaml:"kind"`
	Period    string     `yaml:"period"`   // month or year: what is taken when no beginning is asked for
	Classes   string     `yaml:"classes"`  // fund: class by the kind of fund; otherwise by the account, as the book's own regime does
	Expenses  string     `yaml:"expenses"` // unrestricted: expenses stand in that column, whatever fund bears them
	Endowment bool       `yaml:"endowment"`
	ZH        string     `yaml:"zh"`
	EN        string     `yaml:"en"`
	Rows      []*FormRow `yaml:"rows"`
	terms     []term
	row       map[string]int
}

// FormRow is a row of a form: a heading, a line of accounts, or a sum of other rows.
type FormRow struct {
	ID       string `yaml:"id"`
	No       string `yaml:"no"` // 行次
	ZH       string `yaml:"zh"`
	EN       string `yaml:"en"`
	Of       string `yaml:"of"`   // terms: account ids, with * and behind it @nature, /debit or /credit
	Side     string `yaml:"side"` // credit turns the sign
	Only     string `yaml:"only"` // a class, or general or designated
	At       string `yaml:"at"`   // begin or end: what there was then, in a statement of what moved
	Sum      string `yaml:"sum"`  // ids of rows, - takes off
	Head     bool   `yaml:"head"`
	Top      bool   `yaml:"top"`
	Grand    bool   `yaml:"grand"`
	Optional bool   `yaml:"optional"` // left out while it is nothing
	Part     int    `yaml:"part"`     // 2 is the right hand side of a balance sheet
}

// Name is Chinese for languages starting with "zh" and English for all others.
func (f *Form) Name(lang string) string { return words(lang, f.ZH, f.EN) }

// Name is as Form.Name.
func (r *FormRow) Name(lang string) string { return words(lang, r.ZH, r.EN) }

func words(lang, zh, en string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return zh
	}
	return en
}

// net are the terms of NET: what net assets are made of before and after a year is closed.
const net = "na.* gift.* dues.* service.* grant.* sales.* invest.* hq.* other.inc.* program.* surtax.* admin.* fundraising.* impair.* income.tax other.exp.* transfer release.* @pending"

// term is one word of a row's Of.
type term struct {
	row             int
	pattern, nature string
	side            chart.Side // 0 for both
}

//go:embed forms/*.yaml
var formFiles embed.FS

var forms = mustForms()

func mustForms() []*Form {
	files, err := formFiles.ReadDir("forms")
	if err != nil {
		panic(err) // embedded
	}
	var all []*Form
	for _, file := range files {
		text, err := formFiles.ReadFile("forms/" + file.Name())
		if err == nil {
			var f *Form
			if f, err = parseForm(string(text)); err == nil && f.ID+".yaml" != file.Name() {
				err = fmt.Errorf("is called %s", f.ID)
			}
			all = append(all, f)
		}
		if err != nil {
			panic(fmt.Sprintf("reports: form %s: %v", file.Name(), err))
		}
	}
	return all
}

func parseForm(text string) (*Form, error) {
	f := &Form{row: map[string]int{}}
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	for i, r := range f.Rows {
		if _, twice := f.row[r.ID]; twice || r.ID == "" || r.ZH == "" || r.EN == "" {
			return nil, fmt.Errorf("row %d %q: no name, or an id that is taken", i+1, r.ID)
		}
		f.row[r.ID] = i
		for _, word := range strings.Fields(strings.Replace(r.Of, "NET", net, 1)) {
			t := term{row: i}
			word, side, _ := strings.Cut(word, "/")
			t.pattern, t.nature, _ = strings.Cut(word, "@")
			if strings.HasPrefix(word, "@") {
				t.pattern, t.nature = word, ""
			}
			t.side = map[string]chart.Side{"debit": chart.Debit, "credit": chart.Credit}[side]
			f.terms = append(f.terms, t)
		}
		for _, of := range r.parts() {
			if of.row = f.rowAt(of.id); of.row < 0 || of.row >= i {
				return nil, fmt.Errorf("row %s sums %s, which does not stand above it", r.ID, of.id)
			}
		}
	}
	return f, nil
}

func (f *Form) rowAt(id string) int {
	if i, there := f.row[id]; there {
		return i
	}
	return -1
}

// part is a row that another one sums.
type part struct {
	id   string
	sign int64
	row  int
}

func (r *FormRow) parts() (all []part) {
	for id := range strings.FieldsSeq(r.Sum) {
		sign := int64(1)
		if strings.HasPrefix(id, "-") {
			id, sign = id[1:], -1
		}
		all = append(all, part{id: id, sign: sign})
	}
	return all
}

// rowsOf gives the terms in which an account stands. One that names its nature goes before those that do not.
func (f *Form) rowsOf(id chart.ID, nature string) []term {
	var general, special []term
	for _, t := range f.terms {
		if fits, _ := path.Match(t.pattern, string(id)); !fits { // patterns are ours
			continue
		}
		switch t.nature {
		case "":
			general = append(general, t)
		case nature:
			special = append(special, t)
		}
	}
	if special != nil {
		return special
	}
	return general
}

// Forms are all statements, those of a regime first when it is named.
func Forms(regime string) []*Form {
	all := slices.Clone(forms)
	slices.SortStableFunc(all, func(a, b *Form) int { return order(a, regime) - order(b, regime) })
	return all
}

func order(f *Form, regime string) int {
	n := map[string]int{Balance: 0, Activities: 1, Cash: 2}[f.Kind]
	switch {
	case f.Regime == "":
		n += 20
		if strings.HasPrefix(f.ID, "uk") {
			n += 10
		}
	case f.Regime != regime:
		n += 10
	}
	return n
}

// FormByID finds a form.
func FormByID(id string) (*Form, bool) {
	for _, f := range forms {
		if f.ID == id {
			return f, true
		}
	}
	return nil, false
}

// set is the statements of the same rules, which tie to each other.
func (f *Form) set() (all []*Form) {
	rules, _, _ := strings.Cut(f.ID, "-")
	for _, other := range forms {
		if strings.HasPrefix(other.ID, rules+"-") {
			all = append(all, other)
		}
	}
	return all
}
