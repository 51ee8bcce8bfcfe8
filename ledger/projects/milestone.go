package projects

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// stage finds a milestone by its position; nil when there is none.
func (w *whole) stage(position int16) *Milestone {
	for i := range w.stages {
		if w.stages[i].Position == position {
			return &w.stages[i]
		}
	}
	return nil
}

// delivered tells that nothing is to be accepted any more.
func (w *whole) delivered() bool {
	return w.State != Signed && w.State != Stopped || !slices.ContainsFunc(w.stages, func(m Milestone) bool { return m.State == Planned || m.State == Inspected })
}

// stageMoves writes what a stage becomes, unless it has moved since.
func (c *Contract) stageMoves(book *ledger.Book, from, to Milestone) func(context.Context, pgx.Tx, uuid.UUID) error {
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlMilestoneMove, book.ID, c.ID, from.Position, to.Accepted, to.State, to.InspectedBy, to.AcceptedOn, from.State)
	}
}

// Inspect plans that the street has been there and accepts a stage, wholly or in part: the officer's own signature. Nothing is booked yet.
// *giving.FieldErrors, giving.ErrStep.
func Inspect(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, amount int64, report string, by uuid.UUID) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	stage := w.stage(position)
	if c.State != Signed || stage == nil || stage.State != Planned && stage.State != Refused {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	if amount > stage.Amount {
		wrong.Refuse("amount", "contract.accept.more")
	}
	wrong.Text("report", report, 1, 200)
	to := *stage
	to.Accepted, to.State, to.InspectedBy = amount, Inspected, &by
	m := also(c.move(book, "stage-inspected", stage.Title+" · "+report, *c, nil), c.stageMoves(book, *stage, to))
	m.Amount = amount
	return m, wrong.Err()
}

// Refuse plans that the street does not accept a stage, or takes its acceptance back before it is booked. *giving.FieldErrors,
// giving.ErrStep.
func Refuse(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, reason string, by uuid.UUID) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	stage := w.stage(position)
	if !c.Running() || stage == nil || stage.State != Planned && stage.State != Inspected {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *stage
	to.Accepted, to.State, to.InspectedBy = 0, Refused, &by
	return also(c.move(book, "stage-refused", stage.Title+" · "+reason, *c, nil), c.stageMoves(book, *stage, to)), wrong.Err()
}

// Book plans E38 for a stage that the street has accepted: its cost, the advance that it works off, what is kept back and what is owed, by
// source; a purchaser's part becomes income with it (E35), what the payer pays itself is a memo (9401). A second person approves.
// giving.ErrStep.
func Book(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	stage := w.stage(position)
	if c.State != Signed || stage == nil || stage.State != Inspected {
		return nil, giving.ErrStep
	}
	source := -1
	if stage.Source != nil {
		source = w.source(*stage.Source)
	}
	last := !slices.ContainsFunc(w.stages, func(m Milestone) bool {
		return m.Position != position && m.State != Accepted && m.State != Refused
	})
	d, err := c.deliver(w.sources, stage.Accepted, source, last)
	if err != nil {
		return nil, err
	}
	to := *c
	to.Accepted += stage.Accepted
	var lines []ledger.Line
	for i := range w.sources {
		s := &w.sources[i]
		lines = append(lines, w.borne(s, d.applied[i], d.fresh[i], d.kept[i])...)
		to.Applied += d.applied[i]
		to.Kept += d.kept[i]
		if !s.onBooks() { // the payer pays its part itself: nothing of it can be asked for here
			to.Asked += d.fresh[i]
		}
	}
	done := *stage
	done.State, done.AcceptedOn = Accepted, &day
	m := also(c.move(book, "stage-accepted", c.Code+" "+stage.Title, to, w.sources), c.stageMoves(book, *stage, done))
	m.Amount, m.Day, m.Lines = stage.Accepted, day, lines
	return m, nil
}

// borne books one source's part of what was accepted, and moves its sums.
func (w *whole) borne(s *Source, applied, fresh, kept int64) []ledger.Line {
	cost := applied + fresh
	if cost == 0 {
		return nil
	}
	var lines []ledger.Line
	switch s.Treatment {
	case OffBook:
		lines = pair(w.leaf("parallel", s), w.leaf("parallel.contra", s), cost)
	case AsAgency:
		lines = append(pair(s.held(), w.leaf("agency.l", s), fresh), w.promised(s, -fresh)...)
	default:
		lines = append(lines, ledger.Debit(w.leaf(s.class("program"), s), cost))
		for _, part := range []struct {
			id     string
			amount int64
		}{{"prepay", applied}, {"retention", kept}, {"ap", fresh - kept}} {
			if part.amount != 0 {
				lines = append(lines, ledger.Credit(w.leaf(chart.ID(part.id), s), part.amount))
			}
		}
		lines = append(lines, w.promised(s, -fresh)...)
		if s.Treatment == AsService {
			paid := min(cost, max(0, s.Received-s.Drawn))
			income := w.leaf(s.class("service"), s)
			lines = append(lines, pair(w.leaf("advance", s), income, paid)...)
			lines = append(lines, pair(w.leaf("ar", s), income, cost-paid)...)
		}
	}
	s.Open -= fresh
	s.Prepaid -= applied
	s.Drawn += cost
	if s.onBooks() {
		s.Kept += kept
		s.Owed += fresh - kept
	}
	return lines
}

// Visit is one look at how a contract is carried out. A finding must be answered by a day.
type Visit struct {
	ID          uuid.UUID
	ContractID  uuid.UUID
	Day         time.Time
	By          uuid.UUID
	Report      string
	PersonTimes int32 // services counted since the last visit: a person served twice counts twice
	People      int32 // how many were reached
	Finding     string
	DueOn       *time.Time
	Answer      string
	State       string // Fine, FindingOpen, Answered, Cleared
}

// States of a visit's finding.
const (
	Fine        = "fine"
	FindingOpen = "open"
	Answered    = "answered"
	Cleared     = "settled"
)

const (
	sqlVisits = `
select id, contract_id, day, by_person, report, person_times, people, finding, due_on, answer, state from contract_visit
 where book_id = $1 and contract_id = $2 order by day desc, id desc limit 200`

	sqlVisitInsert = `
insert into contract_visit (book_id, id, contract_id, day, by_person, report, person_times, people, finding, due_on, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

	sqlVisitMove = `update contract_visit set answer = $4, state = $5 where book_id = $1 and id = $2 and state = $3`

	sqlReach = `select coalesce(sum(person_times), 0)::int8, coalesce(sum(people), 0)::int8 from contract_visit where book_id = $1 and contract_id = $2`
)

// Visits lists the visits of a contract, newest first.
func Visits(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID) ([]Visit, error) {
	rows, err := q.Query(ctx, sqlVisits, book.ID, contract)
	if err != nil {
		return nil, fmt.Errorf("list visits: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Visit])
}

// Reach sums service person-times and people over a contract's visits.
func Reach(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID) (times, people int64, err error) {
	if err := q.QueryRow(ctx, sqlReach, book.ID, contract).Scan(&times, &people); err != nil {
		return 0, 0, fmt.Errorf("sum visits: %w", err)
	}
	return times, people, nil
}

// NoteVisit plans a visit with what was found. *giving.FieldErrors, giving.ErrStep.
func NoteVisit(book *ledger.Book, c *Contract, v Visit) (*giving.Move, error) {
	if !c.Running() {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("report", v.Report, 1, 1000)
	wrong.Text("finding", v.Finding, 0, 400)
	v.State = Fine
	if v.Finding != "" {
		v.State = FindingOpen
	}
	switch {
	case v.Finding != "" && (v.DueOn == nil || v.DueOn.Before(v.Day)):
		wrong.Refuse("due", "visit.due.wrong")
	case v.Finding == "":
		v.DueOn = nil
	}
	note := v.Report
	if v.Finding != "" {
		note += " · " + v.Finding
	}
	if r := []rune(note); len(r) > 400 {
		note = string(r[:400])
	}
	return &giving.Move{Source: "contract", Object: c.Object(), Act: "visit-noted", Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlVisitInsert, book.ID, v.ID, c.ID, v.Day, v.By, v.Report, v.PersonTimes, v.People, v.Finding, v.DueOn, v.State)
	}}, wrong.Err()
}

// AnswerFinding plans what was done about a finding; SettleFinding that whoever supervises is content with it. *giving.FieldErrors,
// giving.ErrStep.
func AnswerFinding(book *ledger.Book, c *Contract, v Visit, answer string) (*giving.Move, error) {
	if v.State != FindingOpen {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("answer", answer, 1, 400)
	return v.moves(book, c, "finding-answered", answer, Answered), wrong.Err()
}

// SettleFinding plans that a finding is settled. giving.ErrStep.
func SettleFinding(book *ledger.Book, c *Contract, v Visit) (*giving.Move, error) {
	if v.State != Answered {
		return nil, giving.ErrStep
	}
	return v.moves(book, c, "finding-settled", v.Answer, Cleared), nil
}

func (v Visit) moves(book *ledger.Book, c *Contract, act, answer, state string) *giving.Move {
	return &giving.Move{Source: "contract", Object: c.Object(), Act: act, Note: answer, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlVisitMove, book.ID, v.ID, v.State, answer, state)
	}}
}
