package projects

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

var (
	// ErrStages means that a contract's milestones do not add up to its amount.
	ErrStages = errors.New("milestones do not add up to the contract")
	// ErrHeld means that less is held for somebody named than a contract promises out of it.
	ErrHeld = errors.New("less agency money is held than the contract needs")
	// ErrOpen means that a contract cannot be closed: something is still to be delivered, paid or worked off.
	ErrOpen = errors.New("contract has open ends")
)

const sqlHeldFor = `
select coalesce(sum(case a.chart when 'agency.l' then -b.balance when 'enc' then -b.balance end), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and (a.chart = 'agency.l' and coalesce(a.dims ->> 'contract', '') = '' and coalesce(a.dims ->> 'counterparty', '') = $3
    or a.chart = 'enc' and exists (select from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
                                    where c.book_id = $1 and c.code = a.dims ->> 'contract' and 'S' || s.position = a.dims ->> 'source' and s.fund_id = $2 and s.party = $3 and c.state <> 'void'))`

// heldFor refuses what is more than is held for the named one and not promised already. Of other funds the ledger says so itself.
func (w *whole) heldFor(ctx context.Context, q pg.Querier, book *ledger.Book, s *Source, amount int64) error {
	if s.Treatment != AsAgency || amount <= 0 {
		return nil
	}
	var free int64
	if err := q.QueryRow(ctx, sqlHeldFor, book.ID, s.FundID, s.Party).Scan(&free); err != nil {
		return fmt.Errorf("read agency money: %w", err)
	}
	if amount > free {
		return fmt.Errorf("%w: %d of %d", ErrHeld, amount, free)
	}
	return nil
}

// Sign plans E36: what the contract promises is set aside in each source's fund, and refused by the ledger where a fund's available money is
// short (ledger.ShortError says by how much). A second person approves. ErrVote, ErrBudget, ErrStages, ErrHeld, ErrPayee, law.ErrLaw, giving.ErrStep.
func Sign(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	payee, err := PayeeByID(ctx, q, book, c.PayeeID)
	if err != nil {
		return nil, err
	}
	if c.State != Draft || w.project.State != Approved || len(w.sources) == 0 {
		return nil, giving.ErrStep
	}
	var planned int64
	named := map[int16]int64{}
	for _, stage := range w.stages {
		planned += stage.Amount
		if stage.Source != nil {
			named[*stage.Source] += stage.Amount
		}
	}
	for _, s := range w.sources {
		if c.Draws == Specific && named[s.Position] != s.Amount {
			return nil, fmt.Errorf("%w: source %d", ErrStages, s.Position)
		}
	}
	switch {
	case payee.Credit == Barred:
		return nil, fmt.Errorf("%w: barred", ErrPayee)
	case planned != c.Amount || c.Advance > c.Amount:
		return nil, fmt.Errorf("%w: %d of %d", ErrStages, planned, c.Amount)
	case w.project.Committed+c.Amount > w.project.Budget:
		return nil, fmt.Errorf("%w: %d of %d", ErrBudget, w.project.Committed+c.Amount, w.project.Budget)
	}
	if err := law.MaySign(ctx, q, book, c.ID, day); err != nil {
		return nil, err
	}
	to := *c
	to.State, to.SignedOn = Signed, &day
	m := c.move(book, "contract-signed", c.Code+" "+c.Title, to, nil)
	m.Amount, m.Day = c.Amount, day
	byFund := map[int32]int64{}
	agency := map[string]int64{} // two sources may draw on what is held for one
	for i := range w.sources {
		s := &w.sources[i]
		at := fmt.Sprint(s.FundID, " ", s.Party)
		agency[at] += s.Amount
		if err := w.heldFor(ctx, q, book, s, agency[at]); err != nil {
			return nil, err
		}
		m.Lines = append(m.Lines, w.promised(s, s.Amount)...)
		if s.onBooks() {
			byFund[s.FundID] += s.Amount
		}
	}
	for _, s := range w.sources {
		lines, err := w.project.drawVote(ctx, q, book, s.FundID, byFund[s.FundID])
		if err != nil {
			return nil, err
		}
		m.Lines, byFund[s.FundID] = append(m.Lines, lines...), 0
	}
	return w.withScheme(ctx, q, book, m, to)
}

// withScheme signs under the scheme of assessment that is in force, and counts the contract in its project.
func (w *whole) withScheme(ctx context.Context, q pg.Querier, book *ledger.Book, m *giving.Move, to Contract) (*giving.Move, error) {
	scheme, err := CurrentScheme(ctx, q, book)
	if err != nil {
		return nil, err
	}
	project := *w.project
	project.Committed += w.Amount
	to.Scheme = scheme.Number
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := scheme.keep(ctx, tx, book); err != nil {
			return err
		}
		if err := w.becomes(ctx, tx, book, to); err != nil {
			return err
		}
		return w.project.becomes(ctx, tx, book, project)
	}
	return m, nil
}

// ChangeAmount plans that a contract grows or shrinks out of one source, with a stage of its own where it grows (E36 with ±). It shrinks by
// no more than is open. A second person approves. ErrBudget, ErrHeld, *giving.FieldErrors, giving.ErrStep.
func ChangeAmount(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, amount int64, reason string, due, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	at := w.source(position)
	if !c.Running() || at < 0 {
		return nil, giving.ErrStep
	}
	s := &w.sources[at]
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 100)
	if amount == 0 || amount > ledger.AmountMax || -amount > s.Open || -amount >= c.Amount || c.Amount+amount < c.Advance {
		wrong.Refuse("amount", "contract.change.wrong")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if w.project.Committed+amount > w.project.Budget {
		return nil, fmt.Errorf("%w: %d of %d", ErrBudget, w.project.Committed+amount, w.project.Budget)
	}
	if err := w.heldFor(ctx, q, book, s, amount); err != nil {
		return nil, err
	}
	to, project := *c, *w.project
	to.Amount += amount
	project.Committed += amount
	drawn, err := w.project.drawVote(ctx, q, book, s.FundID, amount)
	if err != nil {
		return nil, err
	}
	lines := append(w.promised(s, amount), drawn...)
	s.Amount += amount
	s.Open += amount
	m := c.move(book, "contract-changed", reason, to, []Source{*s})
	m.Amount, m.Day, m.Lines, m.Reason = max(amount, -amount), day, lines, reason
	also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return w.project.becomes(ctx, tx, book, project)
	})
	if amount > 0 {
		stage := Milestone{Position: w.stages[len(w.stages)-1].Position + 1, Title: reason, DueOn: due, Amount: amount}
		if c.Draws == Specific {
			stage.Source = &position
		}
		also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlMilestoneInsert, book.ID, c.ID, stage.Position, stage.Title, stage.DueOn, stage.Amount, stage.Source)
		})
	}
	return m, nil
}

// Terminate plans E44: what is open is free again at once; an advance that was not worked off is to come back, and counts as available only
// when it has. What is owed stays owed. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Terminate(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, reason string, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if !c.Running() || slices.ContainsFunc(w.stages, func(m Milestone) bool { return m.State == Inspected }) {
		return nil, giving.ErrStep
	}
	if asked, err := w.advanceAsked(ctx, q, book); err != nil || asked > 0 {
		return nil, errors.Join(err, giving.ErrStep)
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to, project := *c, *w.project
	to.State = Terminated
	var lines []ledger.Line
	var freed int64
	for i := range w.sources {
		s := &w.sources[i]
		freed += s.Open
		lines = append(lines, w.promised(s, -s.Open)...)
		if s.Treatment != AsAgency && s.onBooks() {
			lines = append(lines, pair(w.leaf("ar.recover", s), w.leaf("prepay", s), s.Prepaid)...)
		}
		s.Open = 0
	}
	project.Committed -= freed
	m := c.move(book, "contract-terminated", reason, to, w.sources)
	m.Amount, m.Day, m.Lines, m.Reason = freed, day, lines, reason
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return w.project.becomes(ctx, tx, book, project)
	}), wrong.Err()
}

// Recover plans E44b: an advance of a terminated contract is back at the bank, in whole or in part. *giving.FieldErrors, giving.ErrStep.
func Recover(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, amount int64, bank chart.ID, ref string, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	agency := bank == agencyBank
	left := make([]int64, len(w.sources))
	var most int64
	for i, s := range w.sources {
		if s.onBooks() && (s.Treatment == AsAgency) == agency {
			left[i] = s.Prepaid
			most += s.Prepaid
		}
	}
	if c.State != Terminated || most == 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	wrong.Text("ref", ref, 1, 100)
	if !agency {
		funds.CheckBank(bank, &wrong)
	}
	if amount > most {
		wrong.Refuse("amount", "contract.recover.more")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	shares, err := draw(ProRata, amount, left, 0)
	if err != nil {
		return nil, err
	}
	to := *c
	to.Recovered += amount
	var lines []ledger.Line
	for i := range w.sources {
		s := &w.sources[i]
		from := w.leaf("ar.recover", s)
		if agency {
			from = s.held()
		}
		lines = append(lines, pair(ledger.Leaf{Chart: bank, Fund: s.FundID}, from, shares[i])...)
		s.Prepaid -= shares[i]
	}
	m := c.move(book, "contract-recovered", ref, to, w.sources)
	m.Amount, m.Day, m.Lines, m.Kind = amount, day, lines, ledger.KindDebited
	return m, nil
}

// agencyBank is the account that holds other people's money.
const agencyBank = chart.ID("bank.agency")

// checkBank refuses an account that does not hold money of the source's kind.
func (s *Source) checkBank(bank chart.ID, wrong *giving.FieldErrors) {
	if (s.Treatment == AsAgency) != (bank == agencyBank) {
		wrong.Refuse("bank", "contract.bank.agency")
	} else if bank != agencyBank {
		funds.CheckBank(bank, wrong)
	}
}

// CloseContract plans the end of a contract that is delivered, paid and worked off: what is open is not needed any more. With giveBack the
// public sources get theirs back (E34, accounting.md 2.10 E46): what came for it is owed to the payer from then on; the rest stays in its
// fund. A second person approves. ErrOpen, giving.ErrStep.
func CloseContract(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, giveBack bool, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c.State != Signed && c.State != Terminated {
		return nil, giving.ErrStep
	}
	if err := w.settled(ctx, q, book); err != nil {
		return nil, err
	}
	to, project := *c, *w.project
	to.State = Closed
	var lines []ledger.Line
	var freed int64
	for i := range w.sources {
		s := &w.sources[i]
		freed += s.Open
		lines = append(lines, w.promised(s, -s.Open)...)
		if back := s.Amount - s.Drawn - s.Lost; giveBack && s.public() && back > 0 {
			if s.Treatment == AsService {
				back = min(back, s.Received-s.Drawn-s.Lost) // only what came
			}
			lines = append(lines, w.dueBack(book, s, max(back, 0))...)
			s.DueBack = max(back, 0)
		}
		s.Open = 0
	}
	project.Committed -= freed
	m := c.move(book, "contract-closed", c.Code, to, w.sources)
	m.Amount, m.Day, m.Lines = freed, day, lines
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return w.project.becomes(ctx, tx, book, project)
	}), nil
}

// settled refuses a contract that has open ends.
func (w *whole) settled(ctx context.Context, q pg.Querier, book *ledger.Book) error {
	for _, stage := range w.stages {
		if w.State == Signed && stage.State != Accepted && stage.State != Refused {
			return fmt.Errorf("%w: stage %d", ErrOpen, stage.Position)
		}
	}
	for _, s := range w.sources {
		if s.Owed != 0 || s.Kept != 0 || s.Prepaid != 0 {
			return fmt.Errorf("%w: source %d", ErrOpen, s.Position)
		}
	}
	var open bool
	if err := q.QueryRow(ctx, sqlPaymentsOpen, book.ID, w.ID).Scan(&open); err != nil {
		return fmt.Errorf("look for payments: %w", err)
	}
	if open {
		return fmt.Errorf("%w: payment under way", ErrOpen)
	}
	return nil
}

// dueBack owes a public source what was not needed: a grant's income is lowered (2004: cost of management), a purchaser's advance is owed;
// agency money is held for its payer until it goes back.
func (w *whole) dueBack(book *ledger.Book, s *Source, amount int64) []ledger.Line {
	due := w.leaf("return.due", s)
	switch s.Treatment {
	case AsAgency:
		back := w.leaf("agency.l", s)
		back.Dims.Nature = "return"
		return pair(s.held(), back, amount)
	case AsService:
		return pair(w.leaf("advance", s), due, amount)
	}
	less := w.leaf(s.class("grant"), s)
	if book.Regime == chart.CN2004 {
		less = w.leaf(s.class("admin"), s)
		less.Dims.Nature = "return"
	}
	return pair(less, due, amount)
}

// GiveBack plans that what a public source did not need goes back to it. A second person approves. *giving.FieldErrors, giving.ErrStep.
func GiveBack(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, bank chart.ID, ref string, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	at := w.source(position)
	if c.State != Closed || at < 0 || w.sources[at].DueBack == 0 {
		return nil, giving.ErrStep
	}
	if err := ledger.MayPayOut(ctx, q, book.ID); err != nil {
		return nil, err
	}
	s := &w.sources[at]
	var wrong giving.FieldErrors
	wrong.Text("ref", ref, 1, 100)
	due := w.leaf("return.due", s)
	if s.Treatment == AsAgency {
		due = w.leaf("agency.l", s)
		due.Dims.Nature = "return"
	}
	s.checkBank(bank, &wrong)
	lines := pair(due, ledger.Leaf{Chart: bank, Fund: s.FundID}, s.DueBack)
	amount := s.DueBack
	s.DueBack, s.GivenBack = 0, amount
	m := c.move(book, "contract-given-back", s.Payer+" "+ref, *c, []Source{*s})
	m.Amount, m.Day, m.Lines, m.Kind, m.Payee = amount, day, lines, ledger.KindDisbursed, c.Object()
	return m, wrong.Err()
}

// Receive plans E35: a payer's money for the contract is at the bank. A purchaser's is an advance until the work is accepted, a grant is
// income, agency money is held. *giving.FieldErrors, giving.ErrStep.
func Receive(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16, amount int64, bank chart.ID, ref string, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	at := w.source(position)
	if c.State == Void || c.State == Closed || at < 0 || !w.sources[at].public() {
		return nil, giving.ErrStep
	}
	s := &w.sources[at]
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	wrong.Text("ref", ref, 1, 100)
	if s.Received+amount > s.Amount {
		wrong.Refuse("amount", "contract.receive.more")
	}
	s.checkBank(bank, &wrong)
	to := s.held()
	var lines []ledger.Line
	switch s.Treatment {
	case AsService:
		to = w.leaf("advance", s)
		if owing := max(0, min(amount, s.Drawn-s.Received)); owing > 0 { // work accepted before its purchaser paid
			lines = pair(ledger.Leaf{Chart: bank, Fund: s.FundID}, w.leaf("ar", s), owing)
			lines = append(lines, pair(ledger.Leaf{Chart: bank, Fund: s.FundID}, to, amount-owing)...)
		}
	case AsGrant:
		to = w.leaf(s.class("grant"), s)
	}
	if lines == nil {
		lines = pair(ledger.Leaf{Chart: bank, Fund: s.FundID}, to, max(amount, 0))
	}
	s.Received += amount
	m := c.move(book, "contract-received", s.Payer+" "+ref, *c, []Source{*s})
	m.Amount, m.Day, m.Lines, m.Kind = amount, day, lines, ledger.KindDebited
	return m, wrong.Err()
}
