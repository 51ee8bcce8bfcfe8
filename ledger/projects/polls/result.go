package polls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/votes"
)

var (
	// ErrSheets means that a sheet of paper was not read alike by two people, or more sheets came in than ballot papers were handed out.
	ErrSheets = errors.New("ballot papers are not settled")
	// ErrNotWon means that residents did not choose the project, or not on this fund.
	ErrNotWon = errors.New("no vote stands behind the project on this fund")
	// ErrOverVote means that more is asked for than the vote set aside and others have not used. OverVote says how much is left.
	ErrOverVote = errors.New("more than the vote set aside")
)

// OverVote is ErrOverVote with what is left, in minor units.
type OverVote struct{ Left, Asked int64 }

func (e *OverVote) Error() string {
	return fmt.Sprintf("vote left %d, %d are asked for", e.Left, e.Asked)
}

// Unwrap makes it ErrOverVote.
func (e *OverVote) Unwrap() error { return ErrOverVote }

// Outcome is a result as it is published. Fractions are exact: "125/3".
type Outcome struct {
	Turnout
	Cost    int64      `json:"cost"`
	Share   string     `json:"share,omitempty"` // of each voter at the end of equal shares, minor units
	Raises  int        `json:"raises,omitempty"`
	Steps   []Taken    `json:"steps"`
	Options []Standing `json:"options"` // in the published order
}

// Taken is a project that was taken, in the order of the count.
type Taken struct {
	Place int16  `json:"place"`
	Price string `json:"price,omitempty"` // of each supporter who can, for each point, minor units
	Full  int64  `json:"full,omitempty"`  // supporters who pay it
	Left  int64  `json:"left"`
}

// Standing is how one project came out.
type Standing struct {
	Place  int16  `json:"place"`
	State  string `json:"state"` // of package votes
	Voters int64  `json:"voters"`
	Votes  int64  `json:"votes"`
}

// Whole is a fraction of the outcome as whole minor units, rounded down, for readers.
func Whole(fraction string) int64 {
	r, ok := new(big.Rat).SetString(fraction)
	if !ok {
		return 0
	}
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64()
}

// outcome counts the ballots and writes the result down.
func (p *Poll) outcome(currency string, list []votes.Ballot) (*Outcome, error) {
	e := p.Election(currency, "zh-CN")
	e.Ballots = list
	r, err := e.Count()
	if err != nil {
		return nil, err
	}
	o := &Outcome{Cost: r.Cost, Raises: r.Raises, Steps: []Taken{}}
	if r.Share != nil {
		o.Share = r.Share.RatString()
	}
	for _, s := range r.Steps {
		t := Taken{Place: p.Options[s.Option].Place, Full: s.Voters, Left: s.Left}
		if s.Price != nil {
			t.Price = s.Price.RatString()
		}
		o.Steps = append(o.Steps, t)
	}
	for i, out := range r.Outcomes {
		o.Options = append(o.Options, Standing{Place: p.Options[i].Place, State: out.State, Voters: out.Voters, Votes: out.Votes})
	}
	return o, nil
}

const sqlPollCounted = `update poll set state = 'counted', counted_at = $3, result = $4 where book_id = $1 and id = $2 and state = 'closed'`

// Count plans the result of a closed vote: paper ballots join the others, all are counted, and what won is set aside on the fund (E39).
// giving.ErrStep, ErrSheets; ledger.ErrShort from the ledger when the fund has less.
func Count(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, day, now time.Time) (*giving.Move, error) {
	if p.State != Closed {
		return nil, giving.ErrStep
	}
	list, err := ballots(ctx, q, book, p)
	if err != nil {
		return nil, err
	}
	online := len(list)
	sheets, err := Sheets(ctx, q, book, p)
	if err != nil {
		return nil, err
	}
	turnout, err := TurnoutOf(ctx, q, book, p)
	if err != nil {
		return nil, err
	}
	if int64(len(sheets)) > turnout.Paper {
		return nil, ErrSheets
	}
	turnout.Paper = int64(len(sheets))
	var paper []string
	for _, s := range sheets {
		switch {
		case s.Agreed == nil:
			return nil, ErrSheets
		case s.Spoiled():
			turnout.Spoiled++
		default:
			b, err := ReadMarks(p, *s.Agreed)
			if err != nil {
				return nil, err
			}
			list, paper = append(list, b), append(paper, *s.Agreed)
		}
	}
	o, err := p.outcome(book.Currency, list)
	if err != nil {
		return nil, err
	}
	o.Turnout = turnout
	m := &giving.Move{Source: "poll", Object: p.Object(), Act: "poll-counted", Note: p.Name() + " " + p.TitleZH, Amount: o.Cost, Kind: ledger.KindReservation, Day: day}
	for _, s := range o.Steps {
		m.Lines = append(m.Lines, p.reserve(s.Place, p.cost(s.Place))...)
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := giving.Settled(ctx, tx, sqlPollCounted, book.ID, p.ID, now, o); err != nil {
			return err
		}
		return p.keep(ctx, tx, book, paper, online, "paper")
	}
	return m, nil
}

func (p *Poll) cost(place int16) int64 {
	for i := range p.Options {
		if p.Options[i].Place == place {
			return p.Options[i].Cost
		}
	}
	return 0
}

// reserve sets money aside for a project, or frees it when amount is below zero (9301, E39).
func (p *Poll) reserve(place int16, amount int64) []ledger.Line {
	tags := ledger.Dims{Source: p.source(place)}
	return []ledger.Line{{Leaf: ledger.Leaf{Chart: "resv", Fund: p.FundID, Dims: tags}, Amount: amount}, {Leaf: ledger.Leaf{Chart: "resv.contra", Fund: p.FundID, Dims: tags}, Amount: -amount}}
}

const sqlReserved = `
select coalesce(sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.chart = 'resv' and a.dims ->> 'source' = $3`

// Left is what a vote set aside for a project and nobody has used yet.
func Left(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, place int16) (left int64, err error) {
	if err := q.QueryRow(ctx, sqlReserved, book.ID, p.FundID, p.source(place)).Scan(&left); err != nil {
		return 0, fmt.Errorf("read what is set aside: %w", err)
	}
	return left, nil
}

// Won tells whether residents chose a project.
func (p *Poll) Won(place int16) bool {
	if p.Result != nil {
		for _, s := range p.Result.Options {
			if s.Place == place {
				return s.State == votes.Won || s.State == votes.Filled
			}
		}
	}
	return false
}

// Draw gives the lines that use up what a vote set aside: put them into the entry that signs the contract, beside the encumbrance, so that
// the fund's available money stays. The ledger refuses spending from a fund that requires a vote without them (ledger.ErrUndecided).
// ErrNotWon, ErrOverVote.
func Draw(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, place int16, fund int32, amount int64) ([]ledger.Line, error) {
	if p.FundID != fund || !p.Won(place) {
		return nil, ErrNotWon
	}
	left, err := Left(ctx, q, book, p, place)
	if err != nil {
		return nil, err
	}
	if amount <= 0 || amount > left {
		return nil, &OverVote{left, amount}
	}
	return p.reserve(place, -amount), nil
}

// Free plans giving back what a project did not need of what was set aside for it. *giving.FieldErrors, ErrNotWon, ErrOverVote.
func Free(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, place int16, reason string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	left, err := Left(ctx, q, book, p, place)
	if err != nil {
		return nil, err
	}
	if left == 0 {
		return nil, giving.ErrStep
	}
	lines, err := Draw(ctx, q, book, p, place, p.FundID, left)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "poll", Object: p.Object(), Act: "poll-freed", Note: reason, Amount: left, Kind: ledger.KindReservation, Day: day, Lines: lines,
		Settle: func(context.Context, pgx.Tx, uuid.UUID) error { return nil }}, wrong.Err()
}

const (
	sqlPollNumbers = `select number from poll where book_id = $1 and state <> 'draft' and rule_hash is not null order by number`
)

// Verify counts every published vote again and compares it with what was published before and after.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	rule := ledger.Check{Code: "poll-rule", Name: "votes are as they were published"}
	count := ledger.Check{Code: "poll-count", Name: "results of votes equal their ballots"}
	rows, err := q.Query(ctx, sqlPollNumbers, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list votes: %w", err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("list votes: %w", err)
	}
	for _, n := range numbers {
		p, err := ByNumber(ctx, q, book, n)
		if err != nil {
			return nil, err
		}
		if rule.Compared++; string(p.published()) != string(p.RuleHash) {
			differs(&rule, p.Name())
		}
		if p.State != Counted {
			continue
		}
		count.Compared++
		list, err := ballots(ctx, q, book, p)
		var again *Outcome
		if err == nil {
			again, err = p.outcome(book.Currency, list)
		}
		if errors.Is(err, votes.ErrBallot) || errors.Is(err, votes.ErrRule) {
			differs(&count, p.Name()+": "+err.Error())
			continue
		}
		if err != nil {
			return nil, err
		}
		again.Turnout = p.Result.Turnout
		want, _ := json.Marshal(p.Result)
		if got, _ := json.Marshal(again); string(got) != string(want) || int64(len(list)) != p.Result.Online+p.Result.Paper-p.Result.Spoiled {
			differs(&count, p.Name())
		}
	}
	return []ledger.Check{rule, count}, nil
}

func differs(c *ledger.Check, what string) {
	if c.DiffersAll++; len(c.Differs) < ledger.DiffersMax {
		c.Differs = append(c.Differs, what)
	}
}
