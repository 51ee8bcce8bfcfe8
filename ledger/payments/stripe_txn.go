package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// share is what a balance row moved of one fund's money at the processor.
type share struct {
	fund int32
	net  int64
}

// txn is a row of Stripe's balance on its way into the books. Amounts are minor units of the book's currency.
type txn struct {
	id, category, source string
	amount, fee          int64
	at                   time.Time
	gift                 uuid.UUID
	entry                uuid.UUID
	shares               []share
}

// rowOf checks that a balance row is one we can book: in the book's currency.
func (s *Stripe) rowOf(bt *stripe.BalanceTransaction, source string) (txn, error) {
	if bt == nil || bt.ID == "" || bt.Created == 0 {
		return txn{}, fmt.Errorf("%s has no row in the balance yet", source)
	}
	if ccy := strings.ToUpper(string(bt.Currency)); ccy != s.book.Currency {
		return txn{}, fmt.Errorf("%w: %s settles in %s", errOdd, bt.ID, ccy)
	}
	if bt.Net != bt.Amount-bt.Fee {
		return txn{}, fmt.Errorf("%w: %s: net %d is not %d less %d", errOdd, bt.ID, bt.Net, bt.Amount, bt.Fee)
	}
	return txn{id: bt.ID, category: string(bt.ReportingCategory), source: source, amount: bt.Amount, fee: bt.Fee, at: time.Unix(bt.Created, 0)}, nil
}

const (
	sqlTxnKnown = `select exists (select from processor_txn where book_id = $1 and processor = 'stripe' and txn = $2)`

	sqlTxnInsert = `
insert into processor_txn (book_id, processor, txn, category, source, gift_id, entry_id, amount, fee, net, happened_at, booked_at, funds, nets)
values ($1, 'stripe', $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, $7, $8, $7::int8 - $8::int8, $9, $10, $11, $12)`
)

// known tells whether a balance row is booked.
func (s *Stripe) known(ctx context.Context, q pg.Querier, id string) (yes bool, err error) {
	if err := q.QueryRow(ctx, sqlTxnKnown, s.book.ID, id).Scan(&yes); err != nil {
		return false, fmt.Errorf("read balance row %s: %w", id, err)
	}
	return yes, nil
}

// once books a balance row in a transaction of its own, unless it is booked. When its month is closed it goes to today.
func (s *Stripe) once(ctx context.Context, t *txn, book func(tx pgx.Tx, on time.Time) error) error {
	on := time.Time{}
	for {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, sqlTxnLock, s.book.ID, t.id); err != nil {
				return fmt.Errorf("lock balance row: %w", err)
			}
			if known, err := s.known(ctx, tx, t.id); known || err != nil {
				return err
			}
			if err := book(tx, on); err != nil {
				return err
			}
			return s.record(ctx, tx, t)
		})
		if !errors.Is(err, ledger.ErrPeriodClosed) || !on.IsZero() {
			return err
		}
		on = s.book.Day(s.clock())
	}
}

// Two workers on one row take turns. The lock comes before all others of the book.
const sqlTxnLock = `select pg_advisory_xact_lock(hashtextextended($1::int4 || ' stripe ' || $2::text, 0))`

// record remembers a balance row as booked.
func (s *Stripe) record(ctx context.Context, tx pgx.Tx, t *txn) error {
	var sum int64
	funds, nets := []int32{}, []int64{}
	for _, one := range t.shares {
		if one.net != 0 {
			funds, nets, sum = append(funds, one.fund), append(nets, one.net), sum+one.net
		}
	}
	if sum != t.amount-t.fee {
		return fmt.Errorf("%w: %s: shares are %d, the net is %d", errOdd, t.id, sum, t.amount-t.fee)
	}
	_, err := tx.Exec(ctx, sqlTxnInsert, s.book.ID, t.id, t.category, t.source, t.gift, t.entry, t.amount, t.fee, t.at, s.clock(), funds, nets)
	if err != nil {
		return fmt.Errorf("record balance row %s: %w", t.id, err)
	}
	return nil
}

// post books the entry of a balance row.
func (s *Stripe) post(ctx context.Context, tx pgx.Tx, t *txn, kind ledger.Kind, on time.Time, lines []ledger.Line, summary string) error {
	if on.IsZero() {
		on = s.book.Day(t.at)
	}
	lines = slices.DeleteFunc(lines, func(l ledger.Line) bool { return l.Amount == 0 })
	doc := &ledger.Document{Summary: summary + " " + t.source, SourceKind: string(StripeCode), SourceRef: t.id, MadeBy: "Stripe"}
	r, err := ledger.PostOne(ctx, tx, s.book, ledger.Entry{Key: s.key(t.id), Kind: kind, EffectiveOn: on, Lines: lines, Document: doc})
	t.entry = r.ID
	return err
}

// key is the idempotency key of what is booked for an object of Stripe's.
func (s *Stripe) key(what string) uuid.UUID {
	return ledger.HashedID(fmt.Appendf(nil, "stripe\n%d\n%s", s.book.ID, what))
}

// avail is a fund's money at Stripe.
func avail(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "psp.avail", Fund: fund, Dims: ledger.Dims{Instrument: giving.Stripe.Code()}}
}

// shareOut is whose money a gift's row moved.
func shareOut(g giving.Stake, gross, fee, cover int64) []share {
	fund, general := g.Share(gross, fee, cover)
	return join(share{g.FundID, fund}, share{g.General, general})
}

// join puts two shares together when they are of one fund.
func join(a, b share) []share {
	if a.fund == b.fund {
		return []share{{a.fund, a.net + b.net}}
	}
	return []share{a, b}
}
