package projects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

var (
	// ErrScores means that the last instalment waits for one of the four sides.
	ErrScores = errors.New("not all four sides have assessed the contract")
	// ErrScored means that the person has spoken for another side already.
	ErrScored = errors.New("nobody assesses for two sides")
	// ErrScheme means weights that do not add up to the whole, or grades that do not fit.
	ErrScheme = errors.New("scheme of assessment is not acceptable")
)

// Sides of an assessment (四方): the street, the provider or the association, those it was done for, an independent one.
const (
	SideStreet      = "street"
	SideProvider    = "provider"
	SideResidents   = "residents"
	SideIndependent = "independent"
)

// Sides lists them in the order of forms.
func Sides() []string { return []string{SideStreet, SideProvider, SideResidents, SideIndependent} }

// Phases of an assessment.
const (
	Middle = "middle" // a failure stops payment
	AtEnd  = "end"    // the grade decides what the last instalment pays
)

// Grade is what a total of points is called and pays.
type Grade struct {
	Code  string
	Least int32 // hundredths of a point
	Pays  int32 // basis points of what was kept back
}

// Scheme is how the four sides are weighed and what each grade pays. It is data: a contract keeps the one it was signed under.
type Scheme struct {
	Number  int32
	Weights map[string]int32 // basis points by side; together 10,000
	Grades  []Grade          // best first; the last begins at zero
	fresh   bool             // not yet written
}

// DefaultScheme is what holds until the association sets its own: 30, 20, 30 and 20 per cent; excellent from 90, good from 80, pass from 60.
func DefaultScheme() Scheme {
	return Scheme{Number: 1, Weights: map[string]int32{SideStreet: 3000, SideProvider: 2000, SideResidents: 3000, SideIndependent: 2000},
		Grades: []Grade{{"excellent", 9000, 10000}, {"good", 8000, 10000}, {"pass", 6000, 8000}, {"fail", 0, 0}}, fresh: true}
}

// Passing is the least total that is no failure, in hundredths of a point: that of the last grade but one.
func (s *Scheme) Passing() int32 { return s.Grades[len(s.Grades)-2].Least }

// Grade is what a total is called.
func (s *Scheme) Grade(points int32) Grade {
	for _, g := range s.Grades {
		if points >= g.Least {
			return g
		}
	}
	return s.Grades[len(s.Grades)-1]
}

// Total weighs the points of all four sides, in hundredths of a point, rounded down. ok is false while one is missing.
func (s *Scheme) Total(scores []Score) (points int32, ok bool) {
	var sum int64
	seen := map[string]bool{}
	for _, one := range scores {
		sum += int64(one.Points) * int64(s.Weights[one.Side])
		seen[one.Side] = true
	}
	return int32(sum / 100), len(seen) == len(Sides())
}

const (
	sqlScheme = `
select scheme, part, code, value, pays from assess_scheme
 where book_id = $1 and scheme = case when $2 > 0 then $2 else (select max(scheme) from assess_scheme where book_id = $1) end`

	sqlSchemeInsert = `insert into assess_scheme (book_id, scheme, part, code, value, pays) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`
)

// CurrentScheme is the scheme under which a contract would be signed now.
func CurrentScheme(ctx context.Context, q pg.Querier, book *ledger.Book) (*Scheme, error) {
	return SchemeOf(ctx, q, book, 0)
}

// SchemeOf reads a scheme by its number; 0 is the newest.
func SchemeOf(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Scheme, error) {
	rows, err := q.Query(ctx, sqlScheme, book.ID, number)
	if err != nil {
		return nil, fmt.Errorf("read scheme: %w", err)
	}
	s := Scheme{Weights: map[string]int32{}}
	var part, code string
	var value, pays int32
	_, err = pgx.ForEachRow(rows, []any{&s.Number, &part, &code, &value, &pays}, func() error {
		if part == "side" {
			s.Weights[code] = value
		} else {
			s.Grades = append(s.Grades, Grade{code, value, pays})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read scheme: %w", err)
	}
	if len(s.Grades) == 0 {
		s = DefaultScheme()
	}
	slices.SortFunc(s.Grades, func(a, b Grade) int { return cmp.Compare(b.Least, a.Least) })
	return &s, nil
}

// keep writes a scheme that is not written yet.
func (s *Scheme) keep(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	if !s.fresh {
		return nil
	}
	b := &pgx.Batch{}
	for side, weight := range s.Weights {
		b.Queue(sqlSchemeInsert, book.ID, s.Number, "side", side, weight, 0)
	}
	for _, g := range s.Grades {
		b.Queue(sqlSchemeInsert, book.ID, s.Number, "grade", g.Code, g.Least, g.Pays)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("keep scheme: %w", err)
	}
	return nil
}

// ChangeScheme plans another scheme for contracts signed from now on. A second person approves. ErrScheme.
func ChangeScheme(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID, s Scheme) (*giving.Move, error) {
	now, err := CurrentScheme(ctx, q, book)
	if err != nil {
		return nil, err
	}
	var sum int32
	for _, side := range Sides() {
		if s.Weights[side] < 0 {
			return nil, fmt.Errorf("%w: weight of %s", ErrScheme, side)
		}
		sum += s.Weights[side]
	}
	if sum != 10000 || len(s.Weights) != len(Sides()) || len(s.Grades) < 2 || s.Grades[len(s.Grades)-1].Least != 0 {
		return nil, fmt.Errorf("%w: weights add up to %d", ErrScheme, sum)
	}
	for i, g := range s.Grades {
		if g.Pays < 0 || g.Pays > 10000 || g.Least < 0 || g.Least > 10000 || i > 0 && (g.Least >= s.Grades[i-1].Least || g.Pays > s.Grades[i-1].Pays) {
			return nil, fmt.Errorf("%w: grade %s", ErrScheme, g.Code)
		}
	}
	first := *now
	s.Number, s.fresh = now.Number+1, true
	return &giving.Move{Source: "project", Object: giving.Object("assess-scheme", id), Act: "scheme-set", Note: fmt.Sprint(s.Number), Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := first.keep(ctx, tx, book); err != nil {
			return err
		}
		return s.keep(ctx, tx, book)
	}}, nil
}

// Score is one side's word about a contract.
type Score struct {
	Phase  string
	Round  int16
	Side   string
	By     uuid.UUID
	Points int32 // 0 to 100
	Note   string
	At     time.Time
}

const (
	sqlScores = `
select phase, round, side, by_person, points, note, at from contract_score where book_id = $1 and contract_id = $2 order by phase, round, side`

	sqlScoreInsert = `
insert into contract_score (book_id, contract_id, phase, round, side, by_person, points, note, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`
)

// Scores lists all that was said about a contract.
func Scores(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID) ([]Score, error) {
	rows, err := q.Query(ctx, sqlScores, book.ID, contract)
	if err != nil {
		return nil, fmt.Errorf("list scores: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Score])
}

// Round picks the newest round of a phase: a contract that failed in the middle and goes on is assessed anew.
func Round(scores []Score, phase string) (round int16, list []Score) {
	for _, s := range scores {
		if s.Phase == phase && s.Round > round {
			round = s.Round
		}
	}
	for _, s := range scores {
		if s.Phase == phase && s.Round == round {
			list = append(list, s)
		}
	}
	return round, list
}

// Assess plans one side's points. Nobody speaks for two sides, and nobody sees the others' points before all are in. The fourth word in the
// middle stops a contract that fails. ErrScored, *giving.FieldErrors, giving.ErrStep.
func Assess(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, s Score) (*giving.Move, error) {
	scheme, err := SchemeOf(ctx, q, book, c.Scheme)
	if err != nil {
		return nil, err
	}
	all, err := Scores(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	round, list := Round(all, s.Phase)
	if len(list) == len(Sides()) && s.Phase == Middle { // the round is over; a next one is another look
		round, list = round+1, nil
	}
	s.Round = max(round, 1)
	switch {
	case c.State != Signed, len(list) == len(Sides()), s.Phase != Middle && s.Phase != AtEnd, s.Phase == AtEnd && c.Accepted == 0, !slices.Contains(Sides(), s.Side):
		return nil, giving.ErrStep
	case slices.ContainsFunc(list, func(o Score) bool { return o.Side == s.Side }):
		return nil, giving.ErrStep
	case slices.ContainsFunc(list, func(o Score) bool { return o.By == s.By }):
		return nil, ErrScored
	}
	var wrong giving.FieldErrors
	wrong.Text("note", s.Note, 1, 400)
	if s.Points < 0 || s.Points > 100 {
		wrong.Refuse("points", "assess.points.wrong")
	}
	to := *c
	if total, done := scheme.Total(append(list, s)); done && s.Phase == Middle && total < scheme.Passing() {
		to.State = Stopped
	}
	// The contract's version makes the four words take turns.
	return also(c.move(book, "assessed-"+s.Phase, "", to, nil), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlScoreInsert, book.ID, c.ID, s.Phase, s.Round, s.Side, s.By, s.Points, s.Note, s.At)
	}), wrong.Err()
}

// Resume plans that a stopped contract goes on. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Resume(book *ledger.Book, c *Contract, reason string) (*giving.Move, error) {
	if c.State != Stopped {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *c
	to.State = Signed
	return c.move(book, "contract-resumed", reason, to, nil), wrong.Err()
}

// Result is what the four sides found at the end.
type Result struct {
	Points  int32 // hundredths
	Grade   Grade
	HoldOff int64 // of what was kept back, not paid
}

// ResultOf works the assessment at the end out: the grade pays its share of what was kept back, rounded down to the fen. ErrScores while a
// side is missing.
func ResultOf(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract) (*Result, error) {
	scheme, err := SchemeOf(ctx, q, book, c.Scheme)
	if err != nil {
		return nil, err
	}
	all, err := Scores(ctx, q, book, c.ID)
	if err != nil {
		return nil, err
	}
	_, list := Round(all, AtEnd)
	points, done := scheme.Total(list)
	if !done {
		return nil, ErrScores
	}
	r := &Result{Points: points, Grade: scheme.Grade(points)}
	r.HoldOff = c.Kept - money.FloorShare(c.Kept, int64(r.Grade.Pays), 10000)
	return r, nil
}

// Forfeit plans E43b: what the grade does not pay lowers the cost of each source that bore it. The amount follows from the four scores and is
// never typed. A second person approves. ErrScores, giving.ErrStep.
func Forfeit(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, day time.Time) (*giving.Move, error) {
	r, err := ResultOf(ctx, q, book, c)
	if err != nil {
		return nil, err
	}
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	amount := r.HoldOff - c.Forfeited
	if c.State != Signed && c.State != Terminated || amount <= 0 || amount > c.Last() || !w.delivered() {
		return nil, giving.ErrStep
	}
	kept := make([]int64, len(w.sources))
	for i, s := range w.sources {
		kept[i] = s.Kept
	}
	shares, err := draw(ProRata, amount, kept, 0)
	if err != nil {
		return nil, err
	}
	to := *c
	to.Forfeited += amount
	var lines []ledger.Line
	for i := range w.sources {
		s := &w.sources[i]
		if s.Treatment == AsAgency {
			lines = append(lines, pair(w.leaf("agency.l", s), s.held(), shares[i])...)
		} else {
			lines = append(lines, pair(w.leaf("retention", s), w.leaf(s.class("program"), s), shares[i])...)
			if s.Treatment == AsService { // the purchaser pays for less
				lines = append(lines, pair(w.leaf(s.class("service"), s), w.leaf("advance", s), shares[i])...)
			}
		}
		s.Kept -= shares[i]
		s.Drawn -= shares[i]
	}
	project := *w.project
	project.Committed -= amount
	m := c.move(book, "contract-forfeited", r.Grade.Code, to, w.sources)
	m.Amount, m.Day, m.Lines = amount, day, lines
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return w.project.becomes(ctx, tx, book, project)
	}), nil
}
