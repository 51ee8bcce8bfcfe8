package projects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

var (
	// ErrStopped means that the contract failed in the middle: nothing is paid until two people let it go on.
	ErrStopped = errors.New("contract is stopped after its assessment in the middle")
	// ErrHoldOff means that the last instalment waits for the hold-back that follows from the four scores.
	ErrHoldOff = errors.New("hold-back of the assessment is not booked yet")
	// ErrBank means that the bank account holds too little money of the fund.
	ErrBank = errors.New("bank account holds too little of the fund")
)

// Payment is money on its way to a payee. Amount is minor units of the book's currency.
type Payment struct {
	ID         uuid.UUID
	Number     int32
	Kind       string // ForAdvance, ForStage, ForLast, ForAid
	ContractID *uuid.UUID
	FundID     *int32 // of aid without a contract
	PayeeID    uuid.UUID
	AccountID  *uuid.UUID // of an organisation, as it stood when it was asked for
	Bank       chart.ID
	Amount     int64
	Invoice    string
	Purpose    string
	RetryOf    *uuid.UUID // the payment that came back
	State      string
	BatchID    *uuid.UUID
	SentOn     *time.Time
	PaidOn     *time.Time
	BankRef    string // the bank's number of its line
	AskedBy    uuid.UUID
	Version    int32
	Use        string // of aid: the purpose's code, which the fund's charter must allow
	Payee      string // its name in the directory
	Contract   string // its number, or empty
}

// What a payment is for.
const (
	ForAdvance = "advance"
	ForStage   = "stage" // what is owed of stages accepted
	ForLast    = "last"  // what was kept back: needs the four scores
	ForAid     = "aid"   // to a household, without a contract
)

// States of a payment: asked for; approved by a second person; sent, in transit until the bank's line is there; paid; or come back.
const (
	AskedFor = "asked"
	Agreed   = "approved"
	Sent     = "sent"
	Paid     = "paid"
	Bounced  = "bounced"
	Withheld = "dropped"
)

// Object names the payment in its history.
func (p *Payment) Object() string { return giving.Object("disbursement", p.ID) }

// Name is what the books and the bank call it.
func (p *Payment) Name() string { return fmt.Sprintf("FK%d", p.Number) }

const (
	paymentColumns = `d.id, d.number, d.kind, d.contract_id, d.fund_id, d.payee_id, d.account_id, d.bank, d.amount, d.invoice, d.purpose, d.retry_of, d.state, d.batch_id, d.sent_on, d.paid_on,
       d.bank_ref, d.asked_by, d.version, d.purpose_code, p.name, coalesce(c.code, '')`

	paymentTables = `disbursement d join payee p on p.book_id = d.book_id and p.id = d.payee_id left join contract c on c.book_id = d.book_id and c.id = d.contract_id`

	sqlPaymentByID = `select ` + paymentColumns + ` from ` + paymentTables + ` where d.book_id = $1 and d.id = $2`

	sqlPaymentsSpent = `
select ` + paymentColumns + `, coalesce(j.number, 0), coalesce(j.title, '')
  from ` + paymentTables + `
  left join project j on j.book_id = c.book_id and j.id = c.project_id
 where d.book_id = $1 and d.id = any($2)`

	sqlPayments = `
select ` + paymentColumns + `
  from ` + paymentTables + `
  left join project j on j.book_id = c.book_id and j.id = c.project_id
  left join fund f on f.book_id = d.book_id and f.fund_id = coalesce(d.fund_id, j.fund_id)
 where d.book_id = $1 and ($2 or f.street_id = any($3::int4[]) or f.fund_id = any($4::int4[])) and ($5 = '' or d.state = $5) and ($6 = '' or d.kind = $6)
   and ($7::uuid is null or d.contract_id = $7) and ($8::uuid is null or d.batch_id = $8) and ($9 = '' or d.bank = $9) and ($10 = 0 or d.number < $10)
   and ($12::uuid is null or d.payee_id = $12)
 order by d.number desc limit $11`

	sqlPaymentNext = `select coalesce(max(number), 0) + 1 from disbursement where book_id = $1`

	sqlPaymentInsert = `
insert into disbursement (book_id, id, number, kind, contract_id, fund_id, payee_id, account_id, bank, amount, invoice, purpose, retry_of, state, asked_by, purpose_code)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'asked', $14, $15)`

	sqlPaymentMove = `
with moved as (
  update disbursement set state = $4, batch_id = $5, sent_on = $6, paid_on = $7, bank_ref = $8, note_due = $4 = 'paid', version = version + 1
   where book_id = $1 and id = $2 and version = $3 returning id
)
insert into disbursement_past (book_id, disbursement_id, version, state, sent_on)
select $1, was.id, was.version, was.state, was.sent_on from disbursement was join moved on moved.id = was.id where was.book_id = $1`

	sqlShareInsert = `insert into disbursement_share (book_id, disbursement_id, position, amount) values ($1, $2, $3, $4)`
	sqlShares      = `select position, amount from disbursement_share where book_id = $1 and disbursement_id = $2 order by position`

	sqlInvoiceTaken = `select exists (select from disbursement where book_id = $1 and payee_id = $2 and invoice = $3 and state not in ('bounced', 'dropped'))`
	sqlRetried      = `select exists (select from disbursement where book_id = $1 and retry_of = $2 and state <> 'dropped')`

	sqlPaymentsOpen = `select exists (select from disbursement where book_id = $1 and contract_id = $2 and state in ('asked', 'approved', 'sent'))`
	sqlAdvanceAsked = `
select coalesce(sum(amount), 0)::int8 from disbursement where book_id = $1 and contract_id = $2 and kind = 'advance' and state in ('asked', 'approved')`

	// What a bank account holds of a fund, less what is on its way out of it.
	sqlAtBank = `
select coalesce(sum(b.balance), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.ccy = $4 and (a.chart = $3 or a.chart = 'pay.transit' and a.dims ->> 'instrument' = $3)`
)

// PaymentFilter narrows the list of payments. Zero values narrow nothing, but All, Streets and Funds: what is in sight.
type PaymentFilter struct {
	All      bool
	Streets  []int32
	Funds    []int32
	State    string
	Kind     string
	Contract *uuid.UUID
	Batch    *uuid.UUID
	Payee    *uuid.UUID
	Bank     string
	Before   int32
	Limit    int
}

// PaymentByID reads a payment, or giving.ErrNoRecord.
func PaymentByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Payment, error) {
	return giving.Record[Payment](ctx, q, sqlPaymentByID, book.ID, id)
}

// Spent is a payment with the project that it was for; number zero for none.
type Spent struct {
	Payment
	ProjectNumber int32
	ProjectTitle  string
}

// SpentByID reads payments with their projects; those that are not there are missing.
func SpentByID(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) (map[uuid.UUID]*Spent, error) {
	rows, err := q.Query(ctx, sqlPaymentsSpent, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Spent])
	found := make(map[uuid.UUID]*Spent, len(list))
	for i := range list {
		found[list[i].ID] = &list[i]
	}
	return found, err
}

// Payments lists payments, newest first.
func Payments(ctx context.Context, q pg.Querier, book *ledger.Book, f PaymentFilter) ([]Payment, error) {
	rows, err := q.Query(ctx, sqlPayments, book.ID, f.All, f.Streets, f.Funds, f.State, f.Kind, f.Contract, f.Batch, f.Bank, f.Before, limitOf(f.Limit), f.Payee)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
}

// Share is what of a payment one source bears.
type Share struct {
	Position int16
	Amount   int64
}

// Shares lists what each source bears of a payment.
func Shares(ctx context.Context, q pg.Querier, book *ledger.Book, payment uuid.UUID) ([]Share, error) {
	rows, err := q.Query(ctx, sqlShares, book.ID, payment)
	if err != nil {
		return nil, fmt.Errorf("list shares of payment: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Share])
}

func (w *whole) advanceAsked(ctx context.Context, q pg.Querier, book *ledger.Book) (asked int64, err error) {
	if err := q.QueryRow(ctx, sqlAdvanceAsked, book.ID, w.ID).Scan(&asked); err != nil {
		return 0, fmt.Errorf("sum advances asked for: %w", err)
	}
	return asked, nil
}

// from tells whether a source's money lies at that bank account: what is held for others lies on one of its own.
func (s *Source) from(bank chart.ID) bool {
	return s.onBooks() && (s.Treatment == AsAgency) == (bank == agencyBank)
}

// free is what may be asked for now, by source.
func (w *whole) free(kind string, bank chart.ID) (left []int64, most int64) {
	left = make([]int64, len(w.sources))
	for i, s := range w.sources {
		if !s.from(bank) {
			continue
		}
		switch kind {
		case ForAdvance:
			left[i] = s.Open
		case ForStage:
			left[i] = s.Owed
		case ForLast:
			left[i] = s.Kept
		}
		most += left[i]
	}
	return left, most
}

// allowed says what stands against paying under the contract: stopped, not all four scores, a hold-back that is not booked. rest is what stays
// owed once this payment is asked for: the last of a contract that keeps nothing back waits for the scores.
func (w *whole) allowed(ctx context.Context, q pg.Querier, book *ledger.Book, kind string, rest int64) error {
	if w.State == Stopped {
		return ErrStopped
	}
	if w.State != Signed && (w.State != Terminated || kind == ForAdvance) {
		return giving.ErrStep
	}
	if kind == ForLast && !w.delivered() {
		return giving.ErrStep
	}
	if last := kind == ForLast || kind == ForStage && w.Kept == 0 && w.delivered() && rest <= 0; !last || w.State == Terminated && w.Kept == 0 {
		return nil
	}
	r, err := ResultOf(ctx, q, book, w.Contract)
	if err != nil {
		return err
	}
	if r.HoldOff > w.Forfeited {
		return ErrHoldOff
	}
	return nil
}

// Ask plans a request to pay under a contract: what was accepted and not asked for, an advance, or the last instalment. It is set apart from
// then on, so that nothing is asked for twice. Payment, Payee and Contract say the rest of p. ErrStopped, ErrScores, ErrHoldOff, ErrPayee,
// *giving.FieldErrors, giving.ErrStep.
func Ask(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, p Payment, now time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if err := w.allowed(ctx, q, book, p.Kind, w.Payable()-p.Amount); err != nil {
		return nil, err
	}
	payee, err := PayeeByID(ctx, q, book, c.PayeeID)
	if err != nil {
		return nil, err
	}
	if err := payee.Ready(now); err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	left, most := w.free(p.Kind, p.Bank)
	if p.Kind == ForAdvance {
		asked, err := w.advanceAsked(ctx, q, book)
		if err != nil {
			return nil, err
		}
		most = min(most-asked, c.Advance-c.Advanced-asked)
	}
	wrong.Sum("amount", p.Amount)
	if p.Amount > most {
		wrong.Refuse("amount", "pay.amount.more")
	}
	wrong.Text("invoice", p.Invoice, map[bool]int{true: 0, false: 1}[p.Kind != ForStage], 60)
	wrong.Text("purpose", p.Purpose, 1, 100)
	if err := p.unpaid(ctx, q, book, payee, &wrong); err != nil {
		return nil, err
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	to := *c
	p.ContractID, p.PayeeID, p.AccountID = &c.ID, payee.ID, payee.AccountID
	var shares []int64
	switch p.Kind {
	case ForStage:
		to.Asked += p.Amount
	case ForLast:
		to.AskedLast += p.Amount
	}
	if p.Kind != ForAdvance { // of an advance it is decided when it goes out
		if shares, err = draw(ProRata, p.Amount, left, 0); err != nil {
			return nil, err
		}
		w.take(p.Kind, shares, 1)
	}
	m := also(c.move(book, "contract-asked", p.Name()+" "+p.Purpose, to, w.sources), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := p.insert(ctx, tx, book); err != nil {
			return err
		}
		return w.keepShares(ctx, tx, book, p.ID, shares)
	})
	m.Object, m.Act, m.Source, m.Amount, m.Payee = p.Object(), "payment-asked", "payment", p.Amount, payee.Object()
	return m, nil
}

// take moves what was asked for out of what is free, or back with sign -1.
func (w *whole) take(kind string, shares []int64, sign int64) {
	for i := range w.sources {
		if kind == ForLast {
			w.sources[i].Kept -= sign * shares[i]
		} else {
			w.sources[i].Owed -= sign * shares[i]
		}
	}
}

func (w *whole) keepShares(ctx context.Context, tx pgx.Tx, book *ledger.Book, payment uuid.UUID, shares []int64) error {
	for i, amount := range shares {
		if amount == 0 {
			continue
		}
		if err := giving.Settled(ctx, tx, sqlShareInsert, book.ID, payment, w.sources[i].Position, amount); err != nil {
			return err
		}
	}
	return nil
}

// unpaid numbers a payment and refuses an invoice that another one pays, and a second retry.
func (p *Payment) unpaid(ctx context.Context, q pg.Querier, book *ledger.Book, payee *Payee, wrong *giving.FieldErrors) error {
	var taken, retried bool
	if err := q.QueryRow(ctx, sqlInvoiceTaken, book.ID, payee.ID, p.Invoice).Scan(&taken); err != nil {
		return fmt.Errorf("look for invoice: %w", err)
	}
	if taken && p.Invoice != "" {
		wrong.Refuse("invoice", "pay.invoice.taken")
	}
	if p.RetryOf != nil {
		if err := q.QueryRow(ctx, sqlRetried, book.ID, *p.RetryOf).Scan(&retried); err != nil {
			return fmt.Errorf("look for retry: %w", err)
		}
		if retried {
			return giving.ErrStep
		}
	}
	var err error
	p.Number, err = number(ctx, q, book, sqlPaymentNext)
	return err
}

func (p *Payment) insert(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	return giving.Settled(ctx, tx, sqlPaymentInsert, book.ID, p.ID, p.Number, p.Kind, p.ContractID, p.FundID, p.PayeeID, p.AccountID, p.Bank, p.Amount, p.Invoice, p.Purpose,
		p.RetryOf, p.AskedBy, p.Use)
}

// AskAid plans a request for direct aid to a household out of a fund. Nothing is set apart before a second person has approved it.
// *giving.FieldErrors, ErrPayee, law.ErrLaw where the household is close to the managers (R23).
func AskAid(ctx context.Context, q pg.Querier, book *ledger.Book, payee *Payee, p Payment, now time.Time) (*giving.Move, error) {
	if err := payee.Ready(now); err != nil {
		return nil, err
	}
	if err := law.MayPay(ctx, q, book, payee.ID, book.Day(now)); err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	p.Kind, p.PayeeID, p.AccountID = ForAid, payee.ID, payee.AccountID
	wrong.Sum("amount", p.Amount)
	wrong.Text("purpose", p.Purpose, 1, 100)
	wrong.Text("invoice", p.Invoice, 0, 60)
	if payee.Kind != Household {
		wrong.Refuse("payee", "pay.payee.home")
	}
	kind := ""
	if p.FundID != nil {
		var err error
		if kind, _, err = fundOf(ctx, q, book, *p.FundID); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, err
		}
	}
	if kind == "" || kind == ledger.Agency || kind == ledger.Endowment {
		wrong.Refuse("fund", "project.fund.wrong")
	} else {
		var err error
		if p.Use, err = purposeOf(ctx, q, book, *p.FundID, p.Use, &wrong); err != nil {
			return nil, err
		}
	}
	if p.Bank == agencyBank {
		wrong.Refuse("bank", "contract.bank.agency")
	}
	if err := p.unpaid(ctx, q, book, payee, &wrong); err != nil {
		return nil, err
	}
	return &giving.Move{Source: "payment", Object: p.Object(), Act: "payment-asked", Note: p.Name() + " " + p.Purpose, Amount: p.Amount, Payee: payee.Object(),
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return p.insert(ctx, tx, book) }}, wrong.Err()
}

func (p *Payment) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Payment) error {
	return giving.Settled(ctx, tx, sqlPaymentMove, book.ID, p.ID, p.Version, to.State, to.BatchID, to.SentOn, to.PaidOn, to.BankRef)
}

// step is a move of the payment to another state.
func (p *Payment) step(book *ledger.Book, act, note string, to Payment) *giving.Move {
	return &giving.Move{Source: "payment", Object: p.Object(), Act: act, Note: note, Amount: p.Amount, Kind: ledger.KindDisbursed, Payee: giving.Object("payee", p.PayeeID),
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return p.becomes(ctx, tx, book, to) }}
}

// aidLeaf is an account of aid without a contract.
func (p *Payment) aidLeaf(id chart.ID) ledger.Leaf {
	leaf := ledger.Leaf{Chart: id, Fund: *p.FundID, Dims: ledger.Dims{Project: "AID", Source: p.Name()}}
	if ledger.Spends(id) {
		leaf.Dims.Purpose = p.Use
	}
	return leaf
}

// atBank refuses what the bank account does not hold of a fund.
func atBank(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, bank chart.ID, amount int64) error {
	var held int64
	if err := q.QueryRow(ctx, sqlAtBank, book.ID, fund, bank, book.Currency).Scan(&held); err != nil {
		return fmt.Errorf("read bank account: %w", err)
	}
	if amount > held {
		return fmt.Errorf("%w: fund %d has %d, %d are needed", ErrBank, fund, held, amount)
	}
	return nil
}

// AgreeToPay plans that a request is approved, with all its checks made again; aid is reserved in its fund (E39). A second person approves.
// ErrStopped, ErrScores, ErrHoldOff, ErrPayee, ErrBank, law.ErrLaw, giving.ErrStep.
func AgreeToPay(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment, now time.Time) (*giving.Move, error) {
	if p.State != AskedFor {
		return nil, giving.ErrStep
	}
	if err := ledger.MayPayOut(ctx, q, book.ID); err != nil {
		return nil, err
	}
	if err := p.payeeReady(ctx, q, book, now); err != nil {
		return nil, err
	}
	if err := law.MayPay(ctx, q, book, p.PayeeID, book.Day(now)); err != nil {
		return nil, err
	}
	to := *p
	to.State = Agreed
	m := p.step(book, "payment-approved", p.Name()+" "+p.Payee, to)
	m.Kind, m.Day = ledger.KindWork, book.Day(now)
	if p.Kind == ForAid {
		m.Lines = pair(p.aidLeaf("resv"), p.aidLeaf("resv.contra"), p.Amount)
		return m, atBank(ctx, q, book, *p.FundID, p.Bank, p.Amount)
	}
	c, err := ContractByID(ctx, q, book, *p.ContractID)
	if err != nil {
		return nil, err
	}
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if err := w.allowed(ctx, q, book, p.Kind, w.Payable()); err != nil { // the request is taken off what is owed already
		return nil, err
	}
	shares, err := w.sharesOf(ctx, q, book, p)
	if err != nil {
		return nil, err
	}
	return m, w.coveredAtBank(ctx, q, book, p, shares)
}

// payeeReady refuses a payee who may not be paid, and one whose account is another one than asked for.
func (p *Payment) payeeReady(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) error {
	payee, err := PayeeByID(ctx, q, book, p.PayeeID)
	if err != nil {
		return err
	}
	if err := payee.Ready(now); err != nil {
		return err
	}
	if (payee.AccountID == nil) != (p.AccountID == nil) || payee.AccountID != nil && *payee.AccountID != *p.AccountID {
		return fmt.Errorf("%w: another account since", ErrPayee)
	}
	return nil
}

// sharesOf is what each source bears; of an advance it is worked out on what is open now.
func (w *whole) sharesOf(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment) ([]int64, error) {
	kept, err := Shares(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 && p.Kind == ForAdvance {
		left, _ := w.free(ForAdvance, p.Bank)
		return draw(inOrder(w.Draws), p.Amount, left, 0)
	}
	shares := make([]int64, len(w.sources))
	for _, s := range kept {
		shares[w.source(s.Position)] = s.Amount
	}
	return shares, nil
}

// coveredAtBank holds the funds' shares together against what the account holds of each.
func (w *whole) coveredAtBank(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment, shares []int64) error {
	funds := map[int32]int64{}
	for i, amount := range shares {
		funds[w.sources[i].FundID] += amount
	}
	for _, s := range w.sources {
		if amount := funds[s.FundID]; amount > 0 {
			funds[s.FundID] = 0
			if err := atBank(ctx, q, book, s.FundID, p.Bank, amount); err != nil {
				return err
			}
		}
	}
	return nil
}

// Drop plans that a payment that did not go out is put aside: what it had set apart is free again. *giving.FieldErrors, giving.ErrStep.
func Drop(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment, reason string, day time.Time) (*giving.Move, error) {
	if p.State != AskedFor && p.State != Agreed {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *p
	to.State = Withheld
	m := p.step(book, "payment-dropped", reason, to)
	m.Kind, m.Day = ledger.KindWork, day
	if p.Kind == ForAid {
		if p.State == Agreed {
			m.Lines = pair(p.aidLeaf("resv.contra"), p.aidLeaf("resv"), p.Amount)
		}
		return m, wrong.Err()
	}
	give, err := p.giveBack(ctx, q, book)
	if err != nil {
		return nil, err
	}
	return also(m, give), wrong.Err()
}

// giveBack is how a contract's sums take back what a payment had asked for.
func (p *Payment) giveBack(ctx context.Context, q pg.Querier, book *ledger.Book) (func(context.Context, pgx.Tx, uuid.UUID) error, error) {
	c, err := ContractByID(ctx, q, book, *p.ContractID)
	if err != nil {
		return nil, err
	}
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	to := *c
	switch p.Kind {
	case ForAdvance: // nothing was set apart
	default:
		shares, err := w.sharesOf(ctx, q, book, p)
		if err != nil {
			return nil, err
		}
		w.take(p.Kind, shares, -1)
		if p.Kind == ForLast {
			to.AskedLast -= p.Amount
		} else {
			to.Asked -= p.Amount
		}
	}
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := c.becomes(ctx, tx, book, to); err != nil {
			return err
		}
		return c.sourcesBecome(ctx, tx, book, w.sources)
	}, nil
}
