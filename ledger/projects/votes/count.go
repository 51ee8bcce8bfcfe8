package votes

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// How a project came out.
const (
	Won         = "won"
	Filled      = "filled"       // by Fill, after equal shares had ended
	NoVotes     = "no-votes"     // nobody chose it
	DoesNotFit  = "does-not-fit" // counted greedily, or by Fill: more than what was left
	NotAfforded = "not-afforded" // its supporters' shares do not pay for it
)

// Outcome is what became of one project.
type Outcome struct {
	State  string
	Voters int64 // who chose it
	Votes  int64 // points, or the same as Voters
}

// Step is a project that was taken, in the order of the count.
type Step struct {
	Option int
	Price  *big.Rat // by equal shares: what each supporter pays who can, for each point, in minor units; nil otherwise
	Voters int64    // by equal shares: supporters who pay that price; the others pay what they have left
	Left   int64    // of the budget, after it
}

// Result is what a count found.
type Result struct {
	Ballots  int64
	Steps    []Step
	Outcomes []Outcome // in the order of the options
	Cost     int64
	Share    *big.Rat // of each voter at the end, by equal shares; nil otherwise
	Raises   int      // steps by which it was raised
}

// Winners are the projects taken, in the published order.
func (r *Result) Winners() []int {
	var won []int
	for i, o := range r.Outcomes {
		if o.State == Won || o.State == Filled {
			won = append(won, i)
		}
	}
	return won
}

// crowd is voters with the same ballot: they always hold the same money.
type crowd struct {
	ballot Ballot
	size   int64
}

// support is a crowd behind a project.
type support struct {
	crowd  int
	weight int64 // points of each
}

// count is an election made ready: equal ballots together, and who is behind each project.
type count struct {
	*Election
	crowds  []crowd
	behind  [][]support
	voters  []int64 // behind each project
	votes   []int64
	ballots int64
}

// Count finds which projects the budget pays for. The order of the ballots makes no difference. *RuleError, *BallotError.
func (e *Election) Count() (*Result, error) {
	c, err := e.ready()
	if err != nil {
		return nil, err
	}
	r := &Result{Ballots: c.ballots, Outcomes: make([]Outcome, len(e.Options))}
	for i := range e.Options {
		r.Outcomes[i] = Outcome{State: NotAfforded, Voters: c.voters[i], Votes: c.votes[i]}
		if c.voters[i] == 0 {
			r.Outcomes[i].State = NoVotes
		}
	}
	if e.Rule.Method == Greedy {
		c.greedy(r, Won)
		return r, nil
	}
	run := c.equalShares()
	for _, s := range run.steps {
		r.take(e, s, Won)
	}
	r.Share, r.Raises = run.share, run.raises
	if e.Rule.Completion == Fill {
		c.greedy(r, Filled)
	}
	return r, nil
}

func (r *Result) take(e *Election, s Step, state string) {
	r.Cost += e.Options[s.Option].Cost
	s.Left = e.Budget - r.Cost
	r.Steps = append(r.Steps, s)
	r.Outcomes[s.Option].State = state
}

// greedy takes the projects that are not taken yet, most votes first, while they fit.
func (c *count) greedy(r *Result, state string) {
	var order []int
	for i, o := range r.Outcomes {
		if o.State == NotAfforded {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(c.votes[b], c.votes[a]), c.tie(a, b)) })
	for _, i := range order {
		if c.Options[i].Cost > c.Budget-r.Cost {
			r.Outcomes[i].State = DoesNotFit
			continue
		}
		r.take(c.Election, Step{Option: i}, state)
	}
}

// tie orders two projects that are equal in what counts: by the rule's tie-breaks, then by the published order.
func (c *count) tie(a, b int) int {
	for _, t := range c.Rule.Ties {
		by := cmp.Compare(c.Options[a].Cost, c.Options[b].Cost)
		if t == MoreVotes {
			by = cmp.Compare(c.votes[b], c.votes[a])
		}
		if by != 0 {
			return by
		}
	}
	return cmp.Compare(a, b)
}

func (e *Election) ready() (*count, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	c := &count{Election: e, behind: make([][]support, len(e.Options)), voters: make([]int64, len(e.Options)), votes: make([]int64, len(e.Options)), ballots: int64(len(e.Ballots))}
	same := map[string]int{}
	for n, b := range e.Ballots {
		if err := e.Accepts(b); err != nil {
			return nil, fmt.Errorf("ballot %d: %w", n+1, err)
		}
		key := b.Key()
		at, known := same[key]
		if !known {
			at = len(c.crowds)
			same[key] = at
			c.crowds = append(c.crowds, crowd{ballot: b})
		}
		c.crowds[at].size++
	}
	for i, g := range c.crowds {
		for _, m := range g.ballot {
			c.behind[m.Option] = append(c.behind[m.Option], support{i, int64(m.Points)})
			c.voters[m.Option] += g.size
			c.votes[m.Option] += g.size * int64(m.Points)
		}
	}
	return c, nil
}

// Key is the ballot's content as text: equal for equal ballots, whatever the order of their marks.
func (b Ballot) Key() string {
	marks := slices.Clone(b)
	slices.SortFunc(marks, func(a, b Mark) int { return a.Option - b.Option })
	var s strings.Builder
	for _, m := range marks {
		s.WriteString(strconv.Itoa(m.Option) + ":" + strconv.Itoa(m.Points) + ",")
	}
	return s.String()
}
