package reports

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// statementMaker draws the statements of a bundle up again from its own postings and forms.
type statementMaker struct {
	all   []bundleStatement
	days  []time.Time
	lines []ledger.DirectLine
}

// directPart is a posting of an entry.
type directPart struct {
	account *bundleAccount
	amount  int64
}

// readForms reads which lines the bundle's statements have, and which days they are made from.
func (c *checker) readForms() error {
	var forms []*Form
	for _, f := range c.zip.File {
		if ok, _ := path.Match(bundleForms+"*.yaml", f.Name); !ok {
			continue
		}
		err := c.read(f.Name, func(r io.Reader) error {
			text, err := io.ReadAll(io.LimitReader(r, 1<<20))
			if err != nil {
				return err
			}
			form, err := parseForm(string(text))
			if err == nil {
				forms = append(forms, form)
			}
			return err
		})
		if err != nil {
			c.differ(f.Name, "读不了："+err.Error(), "cannot be read: "+err.Error())
		}
	}
	all, err := c.Info.statementsOf(forms)
	if err != nil {
		c.differ(BundleAbout, "日期读不了", "has days that cannot be read")
	}
	if c.Info.Entries > 0 && len(all) == 0 {
		c.differ(bundleForms, "没有报表", "there are no statements")
	}
	c.made.all, c.made.days = all, days(all)
	return nil
}

// moved notes a posting of a day for every point behind it.
func (m *statementMaker) moved(a *bundleAccount, day time.Time, amount int64) {
	at, _ := slices.BinarySearchFunc(m.days, day.AddDate(0, 0, 1), time.Time.Compare)
	if at == len(a.moved) {
		return // behind them all
	}
	if amount < 0 {
		a.moved[at].Credit -= amount
	} else {
		a.moved[at].Debit += amount
	}
}

// direct keeps what an entry did to net assets, as ledger.DirectLines reads it from a book.
func (m *statementMaker) direct(id uuid.UUID, kind ledger.Kind, day time.Time, parts []directPart) {
	net := func(a *bundleAccount) bool { return a.chart == "na.u" || a.chart == "na.r" }
	if !slices.ContainsFunc(parts, func(p directPart) bool { return net(p.account) }) {
		return
	}
	pure := !slices.ContainsFunc(parts, func(p directPart) bool { return !net(p.account) })
	whole := kind == ledger.KindOpening || kind == ledger.KindClose
	first := len(m.lines)
	for _, p := range parts {
		a := p.account
		if a.nature == ledger.NatureClose || !whole && !net(a) {
			continue
		}
		l := ledger.DirectLine{Entry: id, Kind: kind, EffectiveOn: day, Pure: pure, Chart: chart.ID(a.chart), Fund: a.fundID, Nature: a.nature, Amount: p.amount}
		at := slices.IndexFunc(m.lines[first:], func(o ledger.DirectLine) bool { return o.Chart == l.Chart && o.Fund == l.Fund && o.Nature == l.Nature })
		if at >= 0 {
			m.lines[first+at].Amount += l.Amount
			continue
		}
		m.lines = append(m.lines, l)
	}
}

// readStatements holds every figure of every statement to what the postings add up to.
func (c *checker) readStatements() error {
	book := &ledger.Book{Code: c.Info.Book, NameZH: c.Info.NameZH, NameEN: c.Info.NameEN, Regime: c.Info.Regime, Currency: c.Info.Currency}
	var funds []ledger.Fund
	c.rows(BundleFunds, func(row bundleRow) {
		funds = append(funds, ledger.Fund{ID: small(row.of("fund")), Code: row.of("code"), Kind: row.of("kind"), NameZH: row.of("name_zh"), NameEN: row.of("name_en")})
	})
	accounts := slices.SortedFunc(maps.Values(c.accounts), func(a, b *bundleAccount) int { return cmp.Compare(a.number, b.number) })
	for _, s := range c.made.all {
		points := s.form.points(&s.request)
		facts := newFacts(book, funds, c.made.before(accounts, book.Currency, points), c.made.between(points), points, nil)
		made := facts.statement(s.form, s.request)
		want := made.figures()
		c.sameFigures(s.name()+".csv", want, c.plainFigures(s))
		c.sameFigures(s.name()+".json", want, c.jsonFigures(s.name()+".json"))
	}
	return nil
}

// before is what accounts had moved before each of the points, as ledger.MovedBefore reads it from a book.
func (m *statementMaker) before(accounts []*bundleAccount, currency string, points []time.Time) (all []ledger.Moved) {
	type key struct {
		id     chart.ID
		fund   int32
		nature string
	}
	at := map[key]int{}
	for _, a := range accounts {
		if _, known := chart.ByID(chart.ID(a.chart)); !known || a.currency != currency {
			continue
		}
		k := key{chart.ID(a.chart), a.fundID, a.nature}
		i, there := at[k]
		if !there {
			i = len(all)
			at[k] = i
			all = append(all, ledger.Moved{Chart: k.id, Fund: k.fund, Nature: k.nature, Account: a.number, Before: make([]ledger.Turnover, len(points))})
		}
		for n, point := range points {
			until, _ := slices.BinarySearchFunc(m.days, point, time.Time.Compare)
			for _, t := range a.moved[:until+1] {
				all[i].Before[n].Debit += t.Debit
				all[i].Before[n].Credit += t.Credit
			}
		}
	}
	return all
}

// between are the lines of the days that a statement is made from, in the order of days.
func (m *statementMaker) between(points []time.Time) (lines []ledger.DirectLine) {
	low, high := slices.MinFunc(points, time.Time.Compare), slices.MaxFunc(points, time.Time.Compare)
	for _, l := range m.lines {
		if !l.EffectiveOn.Before(low) && l.EffectiveOn.Before(high) {
			lines = append(lines, l)
		}
	}
	slices.SortStableFunc(lines, func(a, b ledger.DirectLine) int {
		return cmp.Or(a.EffectiveOn.Compare(b.EffectiveOn), strings.Compare(a.Entry.String(), b.Entry.String()))
	})
	return lines
}

func (c *checker) plainFigures(s bundleStatement) map[[2]string]string {
	found := map[[2]string]string{}
	c.rows(s.name()+".csv", func(row bundleRow) {
		for key := range row.at {
			if text := row.of(key); text != "" && !slices.Contains([]string{"part", "row", "no", "name_zh", "name_en"}, key) {
				found[[2]string{row.of("row"), key}] = text
			}
		}
	})
	return found
}

func (c *checker) jsonFigures(name string) map[[2]string]string {
	found := map[[2]string]string{}
	var j jsonReport
	if err := c.read(name, func(r io.Reader) error { return json.NewDecoder(r).Decode(&j) }); err != nil {
		c.differ(name, "读不了："+err.Error(), "cannot be read: "+err.Error())
		return nil
	}
	for _, t := range j.Tables {
		for _, r := range t.Rows {
			for i, text := range r.Cells {
				if i < len(t.Columns) && t.Columns[i].Money {
					found[[2]string{r.ID, t.Columns[i].Key}] = text
				}
			}
		}
	}
	return found
}

// sameFigures tells every figure that is not what the entries add up to, and those that are missing or too many.
func (c *checker) sameFigures(name string, want, found map[[2]string]string) {
	all := maps.Clone(want)
	maps.Copy(all, found)
	for _, key := range slices.SortedFunc(maps.Keys(all), func(a, b [2]string) int { return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]) }) {
		c.Compared++
		if want[key] != found[key] {
			c.differ(name, key[0]+" "+key[1]+" 写的是 "+orNothing(found[key])+"，凭证合计 "+orNothing(want[key]), key[0]+" "+key[1]+" says "+orNothing(found[key])+", the entries add up to "+orNothing(want[key]))
		}
	}
}

func orNothing(text string) string { return cmp.Or(text, "—") }
