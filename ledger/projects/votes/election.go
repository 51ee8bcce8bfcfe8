package votes

import (
	"errors"
	"fmt"
	"slices"
)

// ErrRule means that a rule contradicts itself or the projects voted on. RuleError says where.
var ErrRule = errors.New("rule of the vote does not hold together")

// RuleError is ErrRule with the field that is wrong.
type RuleError struct{ Field string }

func (e *RuleError) Error() string { return "rule of the vote: " + e.Field }

// Unwrap makes it ErrRule.
func (e *RuleError) Unwrap() error { return ErrRule }

// How a ballot is filled in.
const (
	Approval = "approval" // ticks
	Points   = "points"   // points shared out among projects
	Basket   = "basket"   // ticks that together cost no more than the budget
)

// How ballots are counted.
const (
	Greedy      = "greedy"       // most votes first, while it fits
	EqualShares = "equal-shares" // each voter holds an equal share of the budget and pays for what she chose
)

// What becomes of money that equal shares leave.
const (
	NoMore = "none"
	Raise  = "raise" // every share is raised by Rule.Step until the outcome would cost more than the budget
	Fill   = "fill"  // then most votes that still fit
)

// What decides between equals, one after the other. What is equal in all of them is decided by the published order of the projects.
const (
	LowerCost = "lower-cost"
	MoreVotes = "more-votes"
)

// Limits of an election. With RaisesMax a count ends in bounded time whatever the ballots are.
const (
	OptionsMax = 200
	PointsMax  = 1000
	RaisesMax  = 2000
)

// Rule says how ballots are filled in and counted. It is published before the first ballot.
type Rule struct {
	Ballot     string   `json:"ballot"`                // Approval, Points, Basket
	Least      int      `json:"least"`                 // projects on one ballot
	Most       int      `json:"most,omitempty"`        // zero: any number
	Points     int      `json:"points,omitempty"`      // of one voter, all together
	PointsEach int      `json:"points_each,omitempty"` // most for one project; zero: no limit but Points
	Method     string   `json:"method"`                // Greedy, EqualShares
	Completion string   `json:"completion,omitempty"`  // of EqualShares
	Step       int64    `json:"step,omitempty"`        // of Raise, minor units for each voter
	Ties       []string `json:"ties"`                  // LowerCost, MoreVotes
}

// Option is a project to vote on.
type Option struct {
	ID   string
	Name string
	Cost int64
}

// Mark is a project on a ballot, by its place in the election's order. Points is 1 unless ballots are by points.
type Mark struct {
	Option int
	Points int
}

// Ballot is what one voter chose. The order of its marks means nothing.
type Ballot []Mark

// Election is all that a count needs. The order of Options is the published one: it decides what no tie-break does.
type Election struct {
	Title    string
	Currency string
	Budget   int64
	Rule     Rule
	Options  []Option
	Ballots  []Ballot
}

// Check holds the rule and the projects to each other. *RuleError.
func (e *Election) Check() error {
	r := &e.Rule
	switch {
	case !slices.Contains([]string{Approval, Points, Basket}, r.Ballot):
		return &RuleError{"ballot"}
	case !slices.Contains([]string{Greedy, EqualShares}, r.Method):
		return &RuleError{"method"}
	case r.Method == EqualShares && !slices.Contains([]string{NoMore, Raise, Fill}, r.Completion), r.Method == Greedy && r.Completion != "":
		return &RuleError{"completion"}
	case (r.Completion == Raise) != (r.Step > 0), r.Step < 0:
		return &RuleError{"step"}
	case r.Least < 1 || r.Least > len(e.Options):
		return &RuleError{"least"}
	case r.Most != 0 && r.Most < r.Least || r.Most > len(e.Options):
		return &RuleError{"most"}
	case r.Ballot == Points && (r.Points < 1 || r.Points > PointsMax), r.Ballot != Points && r.Points != 0:
		return &RuleError{"points"}
	case r.PointsEach < 0 || r.PointsEach > r.Points, r.PointsEach > 0 && r.Ballot != Points:
		return &RuleError{"points_each"}
	case e.Budget <= 0:
		return &RuleError{"budget"}
	case len(e.Options) < 1 || len(e.Options) > OptionsMax:
		return &RuleError{"options"}
	}
	for i, t := range r.Ties {
		if t != LowerCost && t != MoreVotes || slices.Contains(r.Ties[:i], t) {
			return &RuleError{"ties"}
		}
	}
	seen := make(map[string]bool, len(e.Options))
	for _, o := range e.Options {
		if o.Cost <= 0 || o.ID == "" || seen[o.ID] {
			return &RuleError{"options"}
		}
		seen[o.ID] = true
	}
	return nil
}

// Why a ballot is refused.
const (
	TooFew     = "too-few"     // Limit: projects at least
	TooMany    = "too-many"    // Limit: projects at most
	OverPoints = "over-points" // Limit: points in all
	OverEach   = "over-each"   // Option; Limit: points for one project
	OverBudget = "over-budget" // Option: the first that no longer fits, in the published order; By how much all are above
	Unknown    = "unknown"     // no such project, one twice, or points below 1
)

// ErrBallot means that a ballot breaks the rule. BallotError says how.
var ErrBallot = errors.New("ballot breaks the rule of the vote")

// BallotError is ErrBallot with the reason.
type BallotError struct {
	Reason string
	Option int
	Limit  int
	By     int64
}

func (e *BallotError) Error() string { return fmt.Sprintf("ballot: %s", e.Reason) }

// Unwrap makes it ErrBallot.
func (e *BallotError) Unwrap() error { return ErrBallot }

// Accepts holds a ballot to the rule. *BallotError.
func (e *Election) Accepts(b Ballot) error {
	r := &e.Rule
	marks := slices.Clone(b)
	slices.SortFunc(marks, func(a, b Mark) int { return a.Option - b.Option })
	var cost int64
	points, over := 0, -1
	for i, m := range marks {
		if m.Option < 0 || m.Option >= len(e.Options) || i > 0 && marks[i-1].Option == m.Option || m.Points < 1 || m.Points > PointsMax || r.Ballot != Points && m.Points != 1 {
			return &BallotError{Reason: Unknown}
		}
		if r.PointsEach > 0 && m.Points > r.PointsEach {
			return &BallotError{Reason: OverEach, Option: m.Option, Limit: r.PointsEach}
		}
		points += m.Points
		if cost += e.Options[m.Option].Cost; cost > e.Budget && over < 0 {
			over = m.Option
		}
	}
	switch {
	case len(b) < r.Least:
		return &BallotError{Reason: TooFew, Limit: r.Least}
	case r.Most > 0 && len(b) > r.Most:
		return &BallotError{Reason: TooMany, Limit: r.Most}
	case r.Ballot == Points && points > r.Points:
		return &BallotError{Reason: OverPoints, Limit: r.Points}
	case r.Ballot == Basket && over >= 0:
		return &BallotError{Reason: OverBudget, Option: over, By: cost - e.Budget}
	}
	return nil
}
