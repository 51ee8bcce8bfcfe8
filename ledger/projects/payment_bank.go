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
)

// Batch is one file for the bank. Its payments are in transit from then on.
type Batch struct {
	ID       uuid.UUID
	Number   int32
	Bank     chart.ID
	Day      time.Time
	Payments int32
	Total    int64
	MadeBy   uuid.UUID
	MadeAt   time.Time
	Account  string // the number of the account that pays
}

// Name is the file's name and what the bank calls it.
func (b *Batch) Name() string { return fmt.Sprintf("PL%d", b.Number) }

// batchMax bounds the payments of one file.
const batchMax = 500

const (
	batchColumns   = `id, number, bank, day, payments, total, made_by, made_at, payer_account`
	sqlBatchByID   = `select ` + batchColumns + ` from disbursement_batch where book_id = $1 and id = $2`
	sqlBatches     = `select ` + batchColumns + ` from disbursement_batch where book_id = $1 and ($2 = 0 or number < $2) order by number desc limit $3`
	sqlBatchNext   = `select coalesce(max(number), 0) + 1 from disbursement_batch where book_id = $1`
	sqlBatchInsert = `
insert into disbursement_batch (book_id, id, number, bank, day, payments, total, made_by, made_at, payer_account) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	sqlBatchReady = `
select ` + paymentColumns + ` from ` + paymentTables + ` where d.book_id = $1 and d.bank = $2 and d.state = 'approved' and d.id = any($3::uuid[]) order by d.number`

	sqlRefTaken = `
select exists (select from disbursement where book_id = $1 and bank = $2 and bank_ref = $3 and state = 'paid' and id <> $4 and batch_id is distinct from $5)`
)

// BatchByID reads a batch, or giving.ErrNoRecord.
func BatchByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Batch, error) {
	return giving.Record[Batch](ctx, q, sqlBatchByID, book.ID, id)
}

// Batches lists batches, newest first.
func Batches(ctx context.Context, q pg.Querier, book *ledger.Book, before int32, limit int) ([]Batch, error) {
	rows, err := q.Query(ctx, sqlBatches, book.ID, before, limitOf(limit))
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Batch])
}

// MakeBatch takes approved payments out of one bank account into a file, books each as sent (E37, E40, E52) and keeps the file's figures. b
// names the file: made twice, it is one. Whoever makes the file may not have approved it is not asked here: each payment was approved by
// name. ErrPayee, ErrBank, giving.ErrStep where one of the payments is not there to be sent.
func MakeBatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, b Batch, payments []uuid.UUID, made string) error {
	if _, err := BatchByID(ctx, tx, book, b.ID); !errors.Is(err, giving.ErrNoRecord) {
		return err
	}
	if len(payments) == 0 || len(payments) > batchMax {
		return giving.ErrStep
	}
	if err := ledger.MayPayOut(ctx, tx, book.ID); err != nil {
		return err
	}
	if !accountNumber.MatchString(b.Account) {
		return fmt.Errorf("%w: no account that pays", ErrBankFile)
	}
	var err error
	if b.Number, err = number(ctx, tx, book, sqlBatchNext); err != nil { // and others wait before they look for what is to be sent
		return err
	}
	rows, err := tx.Query(ctx, sqlBatchReady, book.ID, b.Bank, payments)
	if err != nil {
		return fmt.Errorf("list payments to send: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
	if err != nil {
		return fmt.Errorf("list payments to send: %w", err)
	}
	if len(list) != len(payments) {
		return giving.ErrStep
	}
	for _, p := range list {
		b.Total += p.Amount
	}
	b.Payments = int32(len(list))
	if err := giving.Settled(ctx, tx, sqlBatchInsert, book.ID, b.ID, b.Number, b.Bank, b.Day, b.Payments, b.Total, b.MadeBy, b.MadeAt, b.Account); err != nil {
		return err
	}
	for i := range list {
		m, err := list[i].send(ctx, tx, book, &b)
		if err != nil {
			return err
		}
		sign := giving.Sign{Key: uuid.NewSHA1(b.ID, list[i].ID[:]), By: b.MadeBy, At: b.MadeAt, Made: made, Summary: list[i].Name() + " " + list[i].Payee + " " + list[i].Purpose}
		if _, err := m.Book(ctx, tx, book, sign); err != nil {
			return err
		}
	}
	return nil
}

// send plans that a payment goes to the bank: in transit, until the bank's line is there.
func (p *Payment) send(ctx context.Context, q pg.Querier, book *ledger.Book, b *Batch) (*giving.Move, error) {
	if p.State != Agreed {
		return nil, giving.ErrStep
	}
	if err := p.payeeReady(ctx, q, book, b.MadeAt); err != nil {
		return nil, err
	}
	to := *p
	to.State, to.BatchID, to.SentOn = Sent, &b.ID, &b.Day
	m := p.step(book, "payment-sent", b.Name(), to)
	m.Day = b.Day
	if p.Kind == ForAid {
		kind, _, err := fundOf(ctx, q, book, *p.FundID)
		if err != nil {
			return nil, err
		}
		fund := ledger.Fund{Kind: kind}
		m.Lines = append(pair(p.aidLeaf(chart.ID(fund.Class("program"))), p.transit(p.aidLeaf("pay.transit")), p.Amount), pair(p.aidLeaf("resv.contra"), p.aidLeaf("resv"), p.Amount)...)
		return m, atBank(ctx, q, book, *p.FundID, p.Bank, p.Amount)
	}
	c, w, shares, err := p.borne(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if w.State == Stopped {
		return nil, ErrStopped
	}
	if err := w.coveredAtBank(ctx, q, book, p, shares); err != nil {
		return nil, err
	}
	m.Lines = w.outgoing(p, shares, 1)
	if p.Kind != ForAdvance {
		return m, nil
	}
	next := *c
	next.Advanced += p.Amount
	w.advance(shares, 1)
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := w.keepShares(ctx, tx, book, p.ID, shares); err != nil {
			return err
		}
		if err := c.becomes(ctx, tx, book, next); err != nil {
			return err
		}
		return c.sourcesBecome(ctx, tx, book, w.sources)
	}), nil
}

// advance moves what was paid before delivery from what is open to what is prepaid, or back with sign -1.
func (w *whole) advance(shares []int64, sign int64) {
	for i := range w.sources {
		w.sources[i].Open -= sign * shares[i]
		w.sources[i].Prepaid += sign * shares[i]
	}
}

// borne reads a payment's contract and what each of its sources bears.
func (p *Payment) borne(ctx context.Context, q pg.Querier, book *ledger.Book) (c *Contract, w whole, shares []int64, err error) {
	if c, err = ContractByID(ctx, q, book, *p.ContractID); err != nil {
		return nil, w, nil, err
	}
	if w, err = c.whole(ctx, q, book); err != nil {
		return nil, w, nil, err
	}
	shares, err = w.sharesOf(ctx, q, book, p)
	return c, w, shares, err
}

// transit tags a payment in transit with the bank account that it leaves.
func (p *Payment) transit(leaf ledger.Leaf) ledger.Leaf {
	leaf.Dims.Instrument = string(p.Bank)
	return leaf
}

// outgoing are the lines of E37, E40 and E43a, or their mirror with sign -1. Agency money never passes through the association's own accounts:
// its part only moves to what is owed under the contract, and leaves with the bank's line.
func (w *whole) outgoing(p *Payment, shares []int64, sign int64) []ledger.Line {
	account := map[string]string{ForAdvance: "prepay", ForStage: "ap", ForLast: "retention"}[p.Kind]
	var lines []ledger.Line
	for i := range w.sources {
		s, amount := &w.sources[i], sign*shares[i]
		if amount == 0 {
			continue
		}
		if s.Treatment == AsAgency {
			if p.Kind == ForAdvance {
				lines = append(lines, ledger.Line{Leaf: s.held(), Amount: amount}, ledger.Line{Leaf: w.leaf("agency.l", s), Amount: -amount})
			}
		} else {
			lines = append(lines, ledger.Line{Leaf: w.leaf(chart.ID(account), s), Amount: amount}, ledger.Line{Leaf: p.transit(w.leaf("pay.transit", s)), Amount: -amount})
		}
		if p.Kind == ForAdvance {
			lines = append(lines, w.promised(s, -amount)...)
		}
	}
	return lines
}

// atTheBank are the lines of E41, or their mirror with sign -1 (E42b).
func (w *whole) atTheBank(p *Payment, shares []int64, sign int64) []ledger.Line {
	var lines []ledger.Line
	for i := range w.sources {
		s, amount := &w.sources[i], sign*shares[i]
		if amount == 0 {
			continue
		}
		from := p.transit(w.leaf("pay.transit", s))
		if s.Treatment == AsAgency {
			from = w.leaf("agency.l", s)
		}
		lines = append(lines, ledger.Line{Leaf: from, Amount: amount}, ledger.Line{Leaf: ledger.Leaf{Chart: p.Bank, Fund: s.FundID}, Amount: -amount})
	}
	return lines
}

// Debited plans E41: the bank's line for a payment is there. *giving.FieldErrors, giving.ErrStep.
func Debited(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment, ref string, day time.Time) (*giving.Move, error) {
	if p.State != Sent {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("ref", ref, 1, 100)
	if day.Before(*p.SentOn) {
		wrong.Refuse("day", "pay.day.before")
	}
	var taken bool
	if err := q.QueryRow(ctx, sqlRefTaken, book.ID, p.Bank, ref, p.ID, p.BatchID).Scan(&taken); err != nil {
		return nil, fmt.Errorf("look for bank line: %w", err)
	}
	if taken { // one line may pay a whole file, but not two files
		wrong.Refuse("ref", "pay.ref.taken")
	}
	to := *p
	to.State, to.PaidOn, to.BankRef = Paid, &day, ref
	m := p.step(book, "payment-paid", ref, to)
	m.Kind, m.Day = ledger.KindDebited, day
	if p.Kind == ForAid {
		m.Lines = pair(p.transit(p.aidLeaf("pay.transit")), ledger.Leaf{Chart: p.Bank, Fund: *p.FundID}, p.Amount)
		return m, wrong.Err()
	}
	_, w, shares, err := p.borne(ctx, q, book)
	if err != nil {
		return nil, err
	}
	m.Lines = w.atTheBank(p, shares, 1)
	return m, wrong.Err()
}

// Bounce plans E42: a payment came back, before its line was there or after. What it paid is owed again, and the payee is locked until a
// second person has looked at its account. *giving.FieldErrors, giving.ErrStep.
func Bounce(ctx context.Context, q pg.Querier, book *ledger.Book, p *Payment, reason string, day time.Time) (*giving.Move, error) {
	if p.State != Sent && p.State != Paid {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	payee, err := PayeeByID(ctx, q, book, p.PayeeID)
	if err != nil {
		return nil, err
	}
	to := *p
	to.State = Bounced
	m := also(p.step(book, "payment-bounced", reason, to), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if payee.State == Locked {
			return nil
		}
		return payee.lock(ctx, tx, book)
	})
	m.Kind, m.Day, m.Reason = ledger.KindDebited, day, reason
	if p.Kind == ForAid { // it is reserved no more: another request asks anew
		kind, _, err := fundOf(ctx, q, book, *p.FundID)
		if err != nil {
			return nil, err
		}
		fund := ledger.Fund{Kind: kind}
		back := p.transit(p.aidLeaf("pay.transit"))
		if p.State == Paid {
			back = ledger.Leaf{Chart: p.Bank, Fund: *p.FundID}
		}
		m.Lines = pair(back, p.aidLeaf(chart.ID(fund.Class("program"))), p.Amount)
		return m, wrong.Err()
	}
	c, w, shares, err := p.borne(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if p.State == Paid {
		m.Lines = w.returned(p, shares)
	} else {
		m.Lines = w.outgoing(p, shares, -1)
	}
	next := *c
	switch p.Kind {
	case ForAdvance:
		if !c.Running() || c.Advanced-c.Applied < p.Amount { // worked off meanwhile: settle it with the other side
			return nil, giving.ErrStep
		}
		for i := range w.sources {
			if w.sources[i].Prepaid < shares[i] {
				return nil, giving.ErrStep
			}
		}
		next.Advanced -= p.Amount
		w.advance(shares, -1)
	case ForLast:
		next.AskedLast -= p.Amount
		w.take(p.Kind, shares, -1)
	default:
		next.Asked -= p.Amount
		w.take(p.Kind, shares, -1)
	}
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if err := c.becomes(ctx, tx, book, next); err != nil {
			return err
		}
		return c.sourcesBecome(ctx, tx, book, w.sources)
	}), wrong.Err()
}

// returned are the lines of E42b: the money is back at the bank, passes through what came back, and is owed again.
func (w *whole) returned(p *Payment, shares []int64) []ledger.Line {
	var lines []ledger.Line
	for _, l := range append(w.atTheBank(p, shares, -1), w.outgoing(p, shares, -1)...) {
		if l.Leaf.Chart == "pay.transit" {
			l.Leaf.Chart, l.Leaf.Dims.Instrument = "bounced", ""
		}
		lines = append(lines, l)
	}
	return lines
}

// Retry plans the request that pays again what came back, under an id of its own. *giving.FieldErrors, ErrPayee, giving.ErrStep.
func Retry(ctx context.Context, q pg.Querier, book *ledger.Book, old *Payment, id, by uuid.UUID, now time.Time) (*giving.Move, error) {
	if old.State != Bounced {
		return nil, giving.ErrStep
	}
	next := Payment{ID: id, Kind: old.Kind, FundID: old.FundID, Bank: old.Bank, Amount: old.Amount, Invoice: old.Invoice, Purpose: old.Purpose, Use: old.Use, RetryOf: &old.ID, AskedBy: by}
	if old.Kind == ForAid {
		payee, err := PayeeByID(ctx, q, book, old.PayeeID)
		if err != nil {
			return nil, err
		}
		return AskAid(ctx, q, book, payee, next, now)
	}
	c, err := ContractByID(ctx, q, book, *old.ContractID)
	if err != nil {
		return nil, err
	}
	return Ask(ctx, q, book, c, next, now)
}
