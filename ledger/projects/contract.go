package projects

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Contract is what was agreed with a payee. Amounts are minor units of the book's currency.
type Contract struct {
	ID        uuid.UUID
	Number    int32
	Code      string // number on the paper; the tag of its accounts
	ProjectID uuid.UUID
	PayeeID   uuid.UUID
	Title     string
	Kind      string // Works, Service
	Draws     string // ProRata, Waterfall, Specific
	Amount    int64  // with its changes
	Advance   int64  // most that may be paid before delivery
	KeptBP    int32  // basis points of each acceptance kept back: retention of works (its cap is R18 of package law, held to at signing), last instalment of a service
	Scheme    int32  // by which it is assessed
	SignedOn  *time.Time
	EndsOn    time.Time
	State     string
	Advanced  int64 // paid before delivery
	Applied   int64 // of it worked off
	Accepted  int64
	Kept      int64 // kept back of what was accepted
	Forfeited int64 // of it, for defects or a weak grade
	Asked     int64 // asked for or paid of what is owed
	AskedLast int64 // of what is kept
	Recovered int64 // of an advance after an early end
	EnteredBy uuid.UUID
	Version   int32
	// WrittenOff is what of an advance did not come back.
	WrittenOff int64
}

// Kinds and states of a contract.
const (
	Works   = "works"
	Service = "service"

	Signed     = "signed"
	Stopped    = "stopped" // failed in the middle: nothing is paid until two people let it go on
	Terminated = "terminated"
	Closed     = "closed"
	Void       = "void" // a draft put aside
)

// Treatments of a source: what the payer's money is to the association (accounting.md 2.8).
const (
	AsService = "service"  // T1: a purchaser's fee, income when the work is accepted
	AsGrant   = "grant"    // T2: a grant, income when it came
	AsAgency  = "agency"   // T3: held for somebody named, never income or cost
	OffBook   = "off_book" // T4: the payer pays the other side itself
	AsGift    = "gift"     // T5
	AsOwn     = "own"      // T6: the association's own fund
)

// Treatments lists all of them.
func Treatments() []string { return []string{AsGift, AsGrant, AsService, AsAgency, AsOwn, OffBook} }

// Source is whose money pays part of a contract.
type Source struct {
	Position  int16
	FundID    int32
	Treatment string
	Payer     string
	Party     string // of agency money: for whom it is held, as 2601 is tagged
	Amount    int64
	Open      int64 // promised and neither delivered nor paid before
	Prepaid   int64 // paid before and not worked off
	Drawn     int64 // cost that it bore
	Owed      int64 // of that, owed and not asked for
	Kept      int64 // kept back and not asked for
	Received  int64 // from the payer for this contract
	DueBack   int64 // to be returned to the payer
	GivenBack int64
	FundKind  string
	Lost      int64 // of an advance, borne by the fund
}

func (s *Source) onBooks() bool { return s.Treatment != OffBook }

// public tells money that goes back to its payer when it was not needed.
func (s *Source) public() bool {
	return s.Treatment == AsService || s.Treatment == AsGrant || s.Treatment == AsAgency
}

// Code names the source in the tags of its accounts.
func (s *Source) Code() string { return fmt.Sprintf("S%d", s.Position) }

// Object names the contract in its history and beside its papers.
func (c *Contract) Object() string { return giving.Object("contract", c.ID) }

// Name is what lists call it.
func (c *Contract) Name() string { return c.Code }

// Payable is what is owed and not asked for; Last what is kept back and not asked for.
func (c *Contract) Payable() int64 { return c.Accepted - c.Applied - c.Kept - c.Asked }

// Last is what is kept back and neither forfeited nor asked for.
func (c *Contract) Last() int64 { return c.Kept - c.Forfeited - c.AskedLast }

// Running tells whether the contract is signed and not over.
func (c *Contract) Running() bool { return c.State == Signed || c.State == Stopped }

const (
	contractColumns = `id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, scheme, signed_on, ends_on, state, advanced, applied, accepted,
       kept, forfeited, asked, asked_last, recovered, entered_by, version, written_off`

	sqlContractByID = `select ` + contractColumns + ` from contract where book_id = $1 and id = $2`

	sqlContracts = `
select ` + contractColumns + `
  from contract c
 where book_id = $1 and exists (select from project p where p.book_id = $1 and p.id = c.project_id and ($2 or p.street_id = any($3::int4[]) or p.fund_id = any($4::int4[])))
   and ($5 = '' or state = $5) and ($6::uuid is null or project_id = $6) and ($7::uuid is null or payee_id = $7)
   and ($8 = '' or position(lower($8) in lower(code || ' ' || title)) > 0) and ($9 = 0 or number < $9)
 order by number desc limit $10`

	sqlContractNext = `select coalesce(max(number), 0) + 1 from contract where book_id = $1`

	sqlContractInsert = `
insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, advance, kept_bp, ends_on, state, entered_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft', $13)`

	sqlContractMove = `
with moved as (
  update contract set amount = $4, scheme = $5, signed_on = $6, state = $7, advanced = $8, applied = $9, accepted = $10, kept = $11, forfeited = $12, asked = $13, asked_last = $14,
         recovered = $15, written_off = $16, version = version + 1
   where book_id = $1 and id = $2 and version = $3 returning id
)
insert into contract_past (book_id, contract_id, version, state, amount, advanced, applied, accepted, kept, forfeited, asked, asked_last, recovered)
select $1, was.id, was.version, was.state, was.amount, was.advanced, was.applied, was.accepted, was.kept, was.forfeited, was.asked, was.asked_last, was.recovered
  from contract was join moved on moved.id = was.id where was.book_id = $1`

	sqlContractCode = `select exists (select from contract where book_id = $1 and code = $2 and state <> 'void')`

	sqlSources = `
select s.position, s.fund_id, s.treatment, s.payer, s.party, s.amount, s.open, s.prepaid, s.drawn, s.owed, s.kept, s.received, s.due_back, s.given_back, f.kind, s.lost
  from contract_source s join fund f on f.book_id = s.book_id and f.fund_id = s.fund_id
 where s.book_id = $1 and s.contract_id = $2 order by s.position`

	sqlSourceInsert = `
insert into contract_source (book_id, contract_id, position, fund_id, treatment, payer, party, amount, open) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`

	sqlSourceMove = `
update contract_source set amount = $4, open = $5, prepaid = $6, drawn = $7, owed = $8, kept = $9, received = $10, due_back = $11, given_back = $12, lost = $13
 where book_id = $1 and contract_id = $2 and position = $3`

	sqlSourceDrop = `delete from contract_source where book_id = $1 and contract_id = $2 and position = $3`

	sqlMilestones = `
select position, title, due_on, amount, source, accepted, state, inspected_by, accepted_on from contract_milestone where book_id = $1 and contract_id = $2 order by position`

	sqlMilestoneInsert = `
insert into contract_milestone (book_id, contract_id, position, title, due_on, amount, source, state) values ($1, $2, $3, $4, $5, $6, $7, 'planned')`

	sqlMilestoneMove = `
update contract_milestone set accepted = $4, state = $5, inspected_by = $6, accepted_on = $7 where book_id = $1 and contract_id = $2 and position = $3 and state = $8`

	sqlMilestoneDrop = `delete from contract_milestone where book_id = $1 and contract_id = $2 and position = $3`
)

// ContractFilter narrows the list of contracts. Zero values narrow nothing, but All, Streets and Funds: what is in sight.
type ContractFilter struct {
	All     bool
	Streets []int32
	Funds   []int32
	State   string
	Project *uuid.UUID
	Payee   *uuid.UUID
	Text    string
	Before  int32
	Limit   int
}

// ContractByID reads a contract, or giving.ErrNoRecord.
func ContractByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Contract, error) {
	return giving.Record[Contract](ctx, q, sqlContractByID, book.ID, id)
}

// Contracts lists contracts, newest first.
func Contracts(ctx context.Context, q pg.Querier, book *ledger.Book, f ContractFilter) ([]Contract, error) {
	rows, err := q.Query(ctx, sqlContracts, book.ID, f.All, f.Streets, f.Funds, f.State, f.Project, f.Payee, f.Text, f.Before, limitOf(f.Limit))
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Contract])
}

// Sources lists whose money pays a contract, in the order in which it is drawn.
func Sources(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID) ([]Source, error) {
	rows, err := q.Query(ctx, sqlSources, book.ID, contract)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Source])
}

// Milestone is one thing that is to be delivered, with what it is worth.
type Milestone struct {
	Position    int16
	Title       string
	DueOn       time.Time
	Amount      int64
	Source      *int16 // who pays it, where each stage names its source
	Accepted    int64  // by the street
	State       string
	InspectedBy *uuid.UUID
	AcceptedOn  *time.Time
}

// States of a milestone.
const (
	Planned   = "planned"
	Inspected = "inspected" // the street has accepted it, the books not yet
	Refused   = "refused"   // by the street; it may be inspected again
	Accepted  = "accepted"
)

// Milestones lists what a contract is to deliver.
func Milestones(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID) ([]Milestone, error) {
	rows, err := q.Query(ctx, sqlMilestones, book.ID, contract)
	if err != nil {
		return nil, fmt.Errorf("list milestones: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Milestone])
}

// whole is a contract with all that its steps look at.
type whole struct {
	*Contract
	project *Project
	sources []Source
	stages  []Milestone
}

func (c *Contract) whole(ctx context.Context, q pg.Querier, book *ledger.Book) (w whole, err error) {
	w.Contract = c
	if w.project, err = ProjectByID(ctx, q, book, c.ProjectID); err != nil {
		return w, err
	}
	if w.sources, err = Sources(ctx, q, book, c.ID); err != nil {
		return w, err
	}
	w.stages, err = Milestones(ctx, q, book, c.ID)
	return w, err
}

// leaf is one of the contract's accounts with a source.
func (w *whole) leaf(id chart.ID, s *Source) ledger.Leaf {
	return ledger.Leaf{Chart: id, Fund: s.FundID, Dims: ledger.Dims{Project: w.project.Name(), Contract: w.Code, Source: s.Code(), Purpose: w.project.useOf(id)}}
}

// class is the account of a pair that the source's fund uses.
func (s *Source) class(base string) chart.ID {
	fund := ledger.Fund{Kind: s.FundKind}
	return chart.ID(fund.Class(base))
}

// promised adds to what a contract has promised out of a source, or takes from it (9201).
func (w *whole) promised(s *Source, amount int64) []ledger.Line {
	if amount == 0 || !s.onBooks() {
		return nil
	}
	return []ledger.Line{{Leaf: w.leaf("enc", s), Amount: amount}, {Leaf: w.leaf("enc.contra", s), Amount: -amount}}
}

// held is the account on which money for somebody named is held, before it is owed under a contract.
func (s *Source) held() ledger.Leaf {
	return ledger.Leaf{Chart: "agency.l", Fund: s.FundID, Dims: ledger.Dims{Counterparty: s.Party}}
}

// pair moves an amount from one account to another; nothing when it is zero.
func pair(debit, credit ledger.Leaf, amount int64) []ledger.Line {
	if amount == 0 {
		return nil
	}
	return []ledger.Line{ledger.Debit(debit, amount), ledger.Credit(credit, amount)}
}

func (c *Contract) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Contract) error {
	return giving.Settled(ctx, tx, sqlContractMove, book.ID, c.ID, c.Version, to.Amount, to.Scheme, to.SignedOn, to.State, to.Advanced, to.Applied, to.Accepted, to.Kept, to.Forfeited,
		to.Asked, to.AskedLast, to.Recovered, to.WrittenOff)
}

// sourcesBecome writes the sources after the contract itself, whose version guards them.
func (c *Contract) sourcesBecome(ctx context.Context, tx pgx.Tx, book *ledger.Book, list []Source) error {
	for _, s := range list {
		if err := giving.Settled(ctx, tx, sqlSourceMove, book.ID, c.ID, s.Position, s.Amount, s.Open, s.Prepaid, s.Drawn, s.Owed, s.Kept, s.Received, s.DueBack, s.GivenBack, s.Lost); err != nil {
			return err
		}
	}
	return nil
}

// move is a step of the contract; sources are what they become, none when the step leaves them.
func (c *Contract) move(book *ledger.Book, act, note string, to Contract, sources []Source) *giving.Move {
	return &giving.Move{Source: "contract", Object: c.Object(), Act: act, Note: note, Kind: ledger.KindWork, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := c.becomes(ctx, tx, book, to); err != nil {
			return err
		}
		return c.sourcesBecome(ctx, tx, book, sources)
	}}
}

// also does one more thing when the move settles.
func also(m *giving.Move, more func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error) *giving.Move {
	first := m.Settle
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := first(ctx, tx, entry); err != nil {
			return err
		}
		return more(ctx, tx, entry)
	}
	return m
}
