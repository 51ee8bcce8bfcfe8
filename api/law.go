package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
)

// lawJSON is under which law the book stands, and how each rule stands for a year.
type lawJSON struct {
	Year     int          `json:"year"`
	Currency string       `json:"currency"`
	Profile  *profileJSON `json:"profile,omitempty"` // nil: the book stands under no law
	Rules    []ruleJSON   `json:"rules"`
}

type profileJSON struct {
	From         string `json:"from"`
	Jurisdiction string `json:"jurisdiction"`
	Form         string `json:"form"`
	Public       bool   `json:"public"`
	Code         string `json:"code,omitempty"`
}

type ruleJSON struct {
	Code    string       `json:"code"`
	NameZH  string       `json:"name_zh"`
	NameEN  string       `json:"name_en"`
	LiftZH  string       `json:"lift_zh"`
	LiftEN  string       `json:"lift_en"`
	Effect  string       `json:"effect"`
	State   string       `json:"state"`
	Figures []figureJSON `json:"figures"`
	Working []workJSON   `json:"working"`
	Cases   []caseJSON   `json:"cases"`
	Courses []courseJSON `json:"courses"`
}

type workJSON struct {
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	Amount string `json:"amount,omitempty"`
	Text   string `json:"text,omitempty"`
	Part   bool   `json:"part"`
}

type caseJSON struct {
	Object string `json:"object"`
	Name   string `json:"name"`
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	Due    string `json:"due,omitempty"`
	Broken bool   `json:"broken"`
}

type courseJSON struct {
	Of     string       `json:"of"`
	Months []courseLine `json:"months"`
}

type courseLine struct {
	Month string `json:"month"`
	Done  string `json:"done"`
	Ahead string `json:"ahead"`
	Line  string `json:"line"`
}

type figureJSON struct {
	Rule         string   `json:"rule"`
	Name         string   `json:"name"`
	Value        string   `json:"value"`
	Jurisdiction string   `json:"jurisdiction"`
	Form         string   `json:"form"`
	Public       string   `json:"public"`
	From         string   `json:"from"`
	To           string   `json:"to,omitempty"`
	ArticleZH    string   `json:"article_zh"`
	ArticleEN    string   `json:"article_en"`
	Source       string   `json:"source,omitempty"`
	Own          bool     `json:"own"`
	ToCheck      []string `json:"to_check"`
}

func figureOf(p *law.Param) figureJSON {
	f := figureJSON{p.Rule, p.Name, p.Value, p.Jurisdiction, p.Form, p.Public, p.From.Format(time.DateOnly), "", p.ArticleZH, p.ArticleEN, p.Source, p.Own, []string{}}
	if p.Unread() {
		f.ToCheck = append(f.ToCheck, "figure")
	}
	if p.Undated() {
		f.ToCheck = append(f.ToCheck, "from")
	}
	if !p.To.IsZero() {
		f.To = p.To.Format(time.DateOnly)
	}
	return f
}

func (c *call) ruleOf(f *law.Finding) ruleJSON {
	sum := func(minor int64) string { return money.Format(minor, c.book.Currency) }
	r := ruleJSON{Code: f.Code, NameZH: f.NameZH, NameEN: f.NameEN, LiftZH: f.LiftZH, LiftEN: f.LiftEN, Effect: string(f.Effect), State: string(f.State),
		Figures: []figureJSON{}, Working: []workJSON{}, Cases: []caseJSON{}, Courses: []courseJSON{}}
	for i := range f.Params {
		r.Figures = append(r.Figures, figureOf(&f.Params[i]))
	}
	for _, s := range f.Steps {
		w := workJSON{ZH: s.ZH, EN: s.EN, Text: s.Text, Part: s.Part}
		if s.Sum != nil {
			w.Amount = sum(*s.Sum)
		}
		r.Working = append(r.Working, w)
	}
	for _, row := range f.Rows {
		one := caseJSON{Object: row.Object, Name: row.Name, ZH: row.ZH, EN: row.EN, Broken: row.Broken}
		if row.Due != nil {
			one.Due = row.Due.Format(time.DateOnly)
		}
		r.Cases = append(r.Cases, one)
	}
	for _, course := range f.Months {
		one := courseJSON{Of: course.Of, Months: []courseLine{}}
		for _, m := range course.Months {
			one.Months = append(one.Months, courseLine{m.First.Format("2006-01"), sum(m.Done), sum(m.Ahead), sum(m.Line)})
		}
		r.Courses = append(r.Courses, one)
	}
	return r
}

// law answers how the rules stand: all of them, or one.
func (c *call) law() error {
	today := c.book.Day(c.s.Now())
	year := today.Year()
	if text := c.QueryParam("year"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1990 || n > year {
			return badParam{"year"}
		}
		year = n
	}
	a := lawJSON{Year: year, Currency: c.book.Currency, Rules: []ruleJSON{}}
	err := pg.Snapshot(c.ctx(), c.s.DB, func(tx pgx.Tx) error {
		l, err := law.Read(c.ctx(), tx, c.book)
		if err != nil {
			return err
		}
		if p := l.On(today); p != nil {
			a.Profile = &profileJSON{p.From.Format(time.DateOnly), p.Jurisdiction, p.Form, p.Public, p.Code}
		}
		if code := c.QueryParam("rule"); code != "" {
			f, err := law.LookAt(c.ctx(), tx, c.book, code, year, today)
			if err != nil {
				return err
			}
			a.Rules = append(a.Rules, c.ruleOf(f))
			return nil
		}
		all, err := law.Look(c.ctx(), tx, c.book, year, today)
		for i := range all {
			a.Rules = append(a.Rules, c.ruleOf(&all[i]))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a)
}

// lawFigures answers the figures that hold for the book on a day.
func (c *call) lawFigures() error {
	on, err := c.day("on")
	if err != nil {
		return err
	}
	if on.IsZero() {
		on = c.book.Day(c.s.Now())
	}
	l, err := law.Read(c.ctx(), c.s.DB, c.book)
	if err != nil {
		return err
	}
	p := page[figureJSON]{Items: []figureJSON{}}
	all := l.Figures(on)
	for i := range all {
		p.Items = append(p.Items, figureOf(&all[i]))
	}
	return c.JSON(http.StatusOK, p)
}

type deadlineJSON struct {
	Key    string `json:"key"`
	Rule   string `json:"rule"`
	Phase  string `json:"phase"`
	Object string `json:"object"`
	NameZH string `json:"name_zh"`
	NameEN string `json:"name_en"`
	Since  string `json:"since"`
	Due    string `json:"due"`
	Days   int    `json:"days_left"`
	Told   int    `json:"reminded"`
}

// lawDeadlines answers what is to be filed or published, soonest first.
func (c *call) lawDeadlines() error {
	today := c.book.Day(c.s.Now())
	p := page[deadlineJSON]{Items: []deadlineJSON{}}
	err := pg.Snapshot(c.ctx(), c.s.DB, func(tx pgx.Tx) error {
		all, err := law.Deadlines(c.ctx(), tx, c.book, today)
		for _, d := range all {
			p.Items = append(p.Items, deadlineJSON{d.Key, d.Rule.Code, d.Phase, d.Object, d.Name, d.Called("en"), d.Since.Format(time.DateOnly), d.Due.Format(time.DateOnly), d.Left(today), int(d.Told)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, p)
}
