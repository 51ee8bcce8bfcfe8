package giving

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Refusals of a paid gift or refund. A refused member changes nothing; the others of its batch stand.
var (
	ErrBadPaid    = errors.New("payment is not complete")
	ErrMismatch   = errors.New("paid is not what was started")
	ErrRefReused  = errors.New("reference was booked before for something else")
	ErrPaidTwice  = errors.New("gift was paid a second time under another reference")
	ErrNoRate     = errors.New("no exchange rate on or before the day")
	ErrNoGeneral  = errors.New("book has no general fund to bear the fee")
	ErrFeeChannel = errors.New("only processors keep fees")
)

// BatchMax is how many gifts one call of Book takes: each may need a fee entry of its own, and
// ledger.Post takes twice as many entries.
const BatchMax = ledger.EntriesMax / 2

// Limits of what reaches us from outside, in characters. Files may carry longer texts than the form allows.
const (
	refMax         = 200
	paidNameMax    = 200
	paidMessageMax = 2000
)

// Paid is a gift whose money has come.
type Paid struct {
	ID           uuid.UUID // of its checkout; zero: derived from channel and reference
	CampaignID   int32     // zero: the checkout's
	FundID       int32     // zero: the campaign's
	Amount       int64     // the gift, gross, minor units of Currency
	Currency     string    // empty: the book's
	Fee          int64     // kept by the processor, minor units of the book's currency; negative when given back
	PaidAt       time.Time
	Channel      Channel
	Ref          string // unique in its channel: the processor's charge, the number in a file, the bank line
	ProcessorRef string // the processor's own number where Ref is not it
	Name         string
	Email        string
	Anonymous    bool
	Message      string
	Rate         decimal.Decimal // book currency for one unit of Currency; zero: from the table of rates
	Actor        uuid.UUID       // who recorded it; nil: the intake itself
	Worth        int64           // minor units of the book's currency that a processor settled for foreign money; zero: by Rate
	Cover        int64           // paid on top to cover the fee, minor units of the book's currency; zero: as much as Fee, unless Exact
	Exact        bool            // a row of the processor's balance stands behind it: Fee and Cover are what they were
	Effort       int64           // steps walked or the like that a platform tells with the gift, for rules of match that ask for it
	On           time.Time       // business day to book on; zero: that of PaidAt
	Also         []ledger.Line   // of the same movement, such as a liability that it settles; balanced by themselves
	Asset        ledger.Leaf     // where it is owed to us, in the book's currency; zero: where the channel keeps money

	sealed *sealed // Name, Email and Message, once sealAll was here
}

// Personal is what the donor told with the payment.
func (p *Paid) Personal() Personal { return Personal{p.Name, p.Email, p.Message} }

// Outcome says what became of one gift or refund.
type Outcome struct {
	ID       uuid.UUID // of the gift or refund, and of its entry
	Replayed bool      // it was booked before
	Err      error     // why it was refused
	Stopped  error     // it is booked, without the match of an event that was stopped with it: why
}

// reference is what a gift is known by in its book.
type reference struct {
	channel Channel
	ref     string
}

// derivedID is shaped like a UUIDv7, so that it sorts by time, and the same for every report of the same payment.
func derivedID(book *ledger.Book, what string, at time.Time, r reference) uuid.UUID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%s", what, book.ID, r.channel, r.ref))
	id := uuid.UUID(sum[:16])
	stamp(&id, at)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// stamp sets the moment that a UUIDv7 sorts by.
func stamp(id *uuid.UUID, at time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
}

// GiftID is the id under which Book books a gift that has none of its own.
func GiftID(book *ledger.Book, channel Channel, ref string, paidAt time.Time) uuid.UUID {
	return derivedID(book, "gift", paidAt, reference{channel, ref})
}

// EffortMax is the most that a platform may tell of one gift, and that a rule can name.
const EffortMax = 1_000_000_000

// check refuses what no database is needed to refuse.
func (p *Paid) check() error {
	_, known := channels[p.Channel]
	switch {
	case !known:
		return fmt.Errorf("%w: channel %d", ErrBadPaid, p.Channel)
	case p.ID != uuid.Nil && p.ID.Version() != 7:
		return fmt.Errorf("%w: id %s is not a UUIDv7", ErrBadPaid, p.ID)
	case p.Amount <= 0 || p.Amount > ledger.AmountMax || p.Fee > ledger.AmountMax || p.Fee < -ledger.AmountMax:
		return fmt.Errorf("%w: amount %d, fee %d", ErrBadPaid, p.Amount, p.Fee)
	case p.Fee != 0 && !p.Channel.Processor():
		return fmt.Errorf("%w: %s", ErrFeeChannel, p.Channel.Code())
	case p.Ref == "" || !storable(p.Ref, refMax) || !storable(p.ProcessorRef, refMax):
		return fmt.Errorf("%w: reference", ErrBadPaid)
	case !storable(p.Name, paidNameMax) || !storable(p.Email, EmailMax) || !storable(p.Message, paidMessageMax):
		return fmt.Errorf("%w: text too long or broken", ErrBadPaid)
	case p.Effort < 0 || p.Effort > EffortMax:
		return fmt.Errorf("%w: effort %d", ErrBadPaid, p.Effort)
	case p.Rate.IsNegative():
		return fmt.Errorf("%w: rate %s", ErrBadPaid, p.Rate)
	case p.Worth < 0 || p.Worth > ledger.AmountMax || p.Cover < 0 || p.Cover > ledger.AmountMax || (p.Worth != 0 || p.Cover != 0) && !p.Channel.Processor():
		return fmt.Errorf("%w: worth %d, cover %d", ErrBadPaid, p.Worth, p.Cover)
	}
	return checkTime(p.PaidAt)
}

// checkTime keeps out a forgotten or mistyped clock.
func checkTime(at time.Time) error {
	if y := at.Year(); y < 1990 || y > 2200 {
		return fmt.Errorf("%w: time %s", ErrBadPaid, at.Format(time.RFC3339))
	}
	return nil
}

// worth is what units of a foreign currency are worth in the book's, halves rounded up.
func worth(units int64, ccy string, rate decimal.Decimal, book *ledger.Book) (int64, error) {
	base, ok := money.Lookup(book.Currency)
	if !ok {
		return 0, fmt.Errorf("%w: %q", money.ErrCurrency, book.Currency)
	}
	minor, err := money.ParseDecimal(money.Decimal(units, ccy).Mul(rate).Round(int32(base.Exponent)), book.Currency)
	if err != nil {
		return 0, err
	}
	if minor <= 0 {
		return 0, fmt.Errorf("%w: %d %s are worth nothing", ErrBadPaid, units, ccy)
	}
	return minor, nil
}
