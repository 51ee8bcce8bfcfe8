package votes

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// ErrPabulib means that a file is not an election in the format of pabulib.org. The text says which line.
var ErrPabulib = errors.New("not an election in Pabulib format")

// Limits of a file that is read.
const (
	pabulibMax  = 64 << 20
	ballotsMax  = 1_000_000
	columnsMost = 64
)

// WritePabulib writes the election as pabulib.org's format has it, with the rule in keys of its own: whoever has the file can count again.
// Ballots stand in an order that their content alone makes, and are numbered in it: a number says nothing about a voter.
func (e *Election) WritePabulib(w io.Writer) error {
	r := &e.Rule
	kind := map[string]string{Approval: "approval", Points: "cumulative", Basket: "approval"}[r.Ballot]
	meta := [][2]string{{"description", e.Title}, {"num_projects", strconv.Itoa(len(e.Options))}, {"num_votes", strconv.Itoa(len(e.Ballots))},
		{"budget", money.Format(e.Budget, e.Currency)}, {"currency", e.Currency}, {"vote_type", kind}, {"rule", ruleNames[[2]string{r.Method, r.Completion}]},
		{"min_length", strconv.Itoa(r.Least)}}
	if r.Most > 0 {
		meta = append(meta, [2]string{"max_length", strconv.Itoa(r.Most)})
	}
	if r.Ballot == Points {
		meta = append(meta, [2]string{"max_sum_points", strconv.Itoa(r.Points)})
	}
	if r.PointsEach > 0 {
		meta = append(meta, [2]string{"max_points", strconv.Itoa(r.PointsEach)})
	}
	if r.Ballot == Basket {
		meta = append(meta, [2]string{"max_sum_cost", money.Format(e.Budget, e.Currency)})
	}
	if r.Step > 0 {
		meta = append(meta, [2]string{"add1_step", money.Format(r.Step, e.Currency)})
	}
	meta = append(meta, [2]string{"tie_breaking", strings.Join(append(slices.Clone(r.Ties), "order"), ",")})
	rows := [][]string{{"META"}, {"key", "value"}}
	for _, m := range meta {
		rows = append(rows, []string{m[0], m[1]})
	}
	rows = append(rows, []string{"PROJECTS"}, []string{"project_id", "cost", "name"})
	for _, o := range e.Options {
		rows = append(rows, []string{o.ID, money.Format(o.Cost, e.Currency), o.Name})
	}
	rows = append(rows, []string{"VOTES"}, []string{"voter_id", "vote"})
	if r.Ballot == Points {
		rows[len(rows)-1] = []string{"voter_id", "vote", "points"}
	}
	for i, b := range sorted(e.Ballots) {
		var ids, points []string
		for _, m := range b {
			ids, points = append(ids, e.Options[m.Option].ID), append(points, strconv.Itoa(m.Points))
		}
		row := []string{strconv.Itoa(i + 1), strings.Join(ids, ",")}
		if r.Ballot == Points {
			row = append(row, strings.Join(points, ","))
		}
		rows = append(rows, row)
	}
	out := sheet.NewWriter(w).Apart(';')
	for _, row := range rows {
		_ = out.Row(row...) // kept by the writer
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write election: %w", err)
	}
	return nil
}

// ruleNames are the names of methods and completions in the format; fill has none there, so it is named as its parts are.
var ruleNames = map[[2]string]string{
	{Greedy, ""}:          "greedy",
	{EqualShares, NoMore}: "equalshares",
	{EqualShares, Raise}:  "equalshares/add1",
	{EqualShares, Fill}:   "equalshares/greedy",
}

// sorted gives the ballots, each with its marks in order, ordered by their content.
func sorted(ballots []Ballot) []Ballot {
	list := make([]Ballot, len(ballots))
	for i, b := range ballots {
		list[i] = slices.Clone(b)
		slices.SortFunc(list[i], func(a, b Mark) int { return a.Option - b.Option })
	}
	slices.SortFunc(list, func(a, b Ballot) int {
		return slices.CompareFunc(a, b, func(a, b Mark) int {
			if a.Option != b.Option {
				return a.Option - b.Option
			}
			return a.Points - b.Points
		})
	})
	return list
}

// ReadPabulib reads an election. Where the file names no tie-breaks they are lower cost, then more votes, then the file's order of
// projects; where it names no step of a raise, that is one unit of its currency. What it says about single voters is left out.
// ErrPabulib, *RuleError.
func ReadPabulib(r io.Reader) (*Election, error) {
	in := csv.NewReader(io.LimitReader(r, pabulibMax))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = ';', -1, true, true
	p := pabulib{meta: map[string]string{}, at: map[string]int{}}
	for {
		row, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrPabulib, err)
		}
		line, _ := in.FieldPos(0)
		if err := p.row(row); err != nil {
			return nil, fmt.Errorf("%w: line %d: %v", ErrPabulib, line, err)
		}
	}
	return &p.election, p.election.Check()
}

// pabulib is a file being read.
type pabulib struct {
	election Election
	meta     map[string]string
	part     string
	columns  []string // of the part; nil: not read yet
	at       map[string]int
}

func (p *pabulib) row(row []string) error {
	for i := range row {
		row[i] = sheet.Typed(row[i])
	}
	row[0] = strings.TrimPrefix(row[0], "\ufeff")
	if name := strings.ToUpper(strings.TrimSpace(row[0])); len(row) == 1 && slices.Contains([]string{"META", "PROJECTS", "VOTES"}, name) {
		if p.part == "META" {
			if err := p.head(); err != nil {
				return err
			}
		}
		if order := map[string]string{"META": "", "PROJECTS": "META", "VOTES": "PROJECTS"}; order[name] != p.part {
			return fmt.Errorf("part %s after %q", name, p.part)
		}
		p.part, p.columns = name, nil
		return nil
	}
	if p.columns == nil {
		if len(row) > columnsMost {
			return errors.New("too many columns")
		}
		p.columns = slices.Clone(row)
		return nil
	}
	switch p.part {
	case "META":
		if len(row) < 2 || len(p.meta) >= 100 {
			return errors.New("not a key and a value")
		}
		p.meta[strings.TrimSpace(row[0])] = strings.TrimSpace(row[1])
		return nil
	case "PROJECTS":
		return p.project(row)
	case "VOTES":
		return p.vote(row)
	}
	return errors.New("a line before META")
}

func (p *pabulib) cell(row []string, name string) string {
	if i := slices.Index(p.columns, name); i >= 0 && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}

// head reads the keys of META once all are in.
func (p *pabulib) head() (err error) {
	e := &p.election
	e.Title = p.meta["description"]
	if e.Currency = p.meta["currency"]; e.Currency == "" {
		e.Currency = "CNY"
	}
	currency, known := money.Lookup(e.Currency)
	if !known {
		return fmt.Errorf("currency %q", e.Currency)
	}
	if e.Budget, err = money.Parse(p.meta["budget"], e.Currency); err != nil {
		return err
	}
	r := Rule{Ballot: Approval, Least: 1, Ties: []string{LowerCost, MoreVotes}}
	switch kind := p.meta["vote_type"]; {
	case kind == "cumulative":
		r.Ballot = Points
	case kind == "approval" && p.meta["max_sum_cost"] != "":
		r.Ballot = Basket
	case kind != "approval" && kind != "choose-1":
		return fmt.Errorf("vote_type %q", kind)
	}
	for name, to := range map[string]*int{"min_length": &r.Least, "max_length": &r.Most, "max_sum_points": &r.Points, "max_points": &r.PointsEach} {
		if text := p.meta[name]; text != "" {
			if *to, err = strconv.Atoi(text); err != nil {
				return fmt.Errorf("%s is no number", name)
			}
		}
	}
	if ties, ok := p.meta["tie_breaking"]; ok {
		r.Ties = slices.DeleteFunc(strings.Split(ties, ","), func(t string) bool { return t == "order" })
	}
	found := false
	for names, word := range ruleNames {
		if word == p.meta["rule"] {
			r.Method, r.Completion, found = names[0], names[1], true
		}
	}
	if !found {
		return fmt.Errorf("rule %q", p.meta["rule"])
	}
	if r.Completion == Raise {
		r.Step = 1
		for range currency.Exponent {
			r.Step *= 10
		}
		if text := p.meta["add1_step"]; text != "" {
			if r.Step, err = money.Parse(text, e.Currency); err != nil {
				return err
			}
		}
	}
	e.Rule = r
	return nil
}

func (p *pabulib) project(row []string) error {
	e := &p.election
	id := p.cell(row, "project_id")
	if _, twice := p.at[id]; twice || id == "" || len(e.Options) == OptionsMax {
		return fmt.Errorf("project %q twice, without a name, or too many", id)
	}
	cost, err := money.Parse(p.cell(row, "cost"), e.Currency)
	if err != nil {
		return err
	}
	p.at[id] = len(e.Options)
	e.Options = append(e.Options, Option{ID: id, Name: p.cell(row, "name"), Cost: cost})
	return nil
}

func (p *pabulib) vote(row []string) error {
	e := &p.election
	if len(e.Ballots) == ballotsMax {
		return errors.New("too many ballots")
	}
	ids := strings.Split(p.cell(row, "vote"), ",")
	var points []string
	if e.Rule.Ballot == Points {
		if points = strings.Split(p.cell(row, "points"), ","); len(points) != len(ids) {
			return errors.New("points and projects differ in number")
		}
	}
	if len(ids) > OptionsMax {
		return errors.New("too many projects on a ballot")
	}
	var b Ballot
	for i, id := range ids {
		at, known := p.at[strings.TrimSpace(id)]
		if !known {
			return fmt.Errorf("no project %q", id)
		}
		m := Mark{at, 1}
		if points != nil {
			n, err := strconv.Atoi(strings.TrimSpace(points[i]))
			if err != nil {
				return errors.New("points are no number")
			}
			m.Points = n
		}
		b = append(b, m)
	}
	e.Ballots = append(e.Ballots, b)
	return nil
}
