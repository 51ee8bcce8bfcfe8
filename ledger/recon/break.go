package recon

import (
	"time"
)

// BreakType names what does not fit.
type BreakType string

// The breaks of reconciliation.
const (
	LedgerOnly        BreakType = "B01" // recorded, unknown to the processor
	ProcessorOnly     BreakType = "B02" // at the processor, not recorded
	AmountMismatch    BreakType = "B03" // same number, another amount
	CurrencyMismatch  BreakType = "B04" // same number, another currency
	Duplicate         BreakType = "B05" // booked or paid twice
	PayoutComposition BreakType = "B06" // a payout is not what its rows add up to
	PayoutNotAtBank   BreakType = "B07"
	BankUnknown       BreakType = "B08" // a credit nobody expects, a debit nobody approved
	StatementGap      BreakType = "B09" // balances or numbers do not continue
	FeeVariance       BreakType = "B10" // another fee than agreed, or than recorded
	FXDifference      BreakType = "B11"
	Rounding          BreakType = "B12" // at most one minor unit a line
	RefundState       BreakType = "B13" // a refund or dispute that one side does not know
	FundEquation      BreakType = "B14" // funds do not balance, or a project is over its limit: the book's disbursements stop
	ClearingStale     BreakType = "B15" // expected and not seen in time
	LateForPeriod     BreakType = "B16" // one side is dated inside a month that is closed for good
	ControlTotal      BreakType = "B17" // a file was not taken
)

// breakKind is what holds for all breaks of a type.
type breakKind struct {
	base int  // severity by itself: 0 stops, 1 is grave, 4 is counted
	days int  // banking days from the first sight until it should be worked off
	now  bool // looked for among what is open in every run: ends by itself
}

// breakKinds are the types in their order. Severity is the gravest of base, amount and age.
var breakKinds = map[BreakType]breakKind{
	LedgerOnly: {1, 1, true}, ProcessorOnly: {1, 1, true}, AmountMismatch: {1, 1, true}, CurrencyMismatch: {1, 1, true}, Duplicate: {1, 1, true},
	PayoutComposition: {1, 1, true}, PayoutNotAtBank: {2, 3, true}, BankUnknown: {2, 3, true}, StatementGap: {1, 1, true}, FeeVariance: {3, 5, false},
	FXDifference: {3, 5, false}, Rounding: {4, 10, false}, RefundState: {2, 3, true}, FundEquation: {0, 0, true}, ClearingStale: {2, 3, true},
	LateForPeriod: {3, 5, false}, ControlTotal: {1, 1, false},
}

// BreakTypes lists them in the order of their numbers.
var BreakTypes = []BreakType{LedgerOnly, ProcessorOnly, AmountMismatch, CurrencyMismatch, Duplicate, PayoutComposition, PayoutNotAtBank, BankUnknown, StatementGap, FeeVariance,
	FXDifference, Rounding, RefundState, FundEquation, ClearingStale, LateForPeriod, ControlTotal}

// States of a break.
const (
	BreakOpen     = "open"
	BreakAssigned = "assigned"     // somebody works on it
	BreakProposed = "proposed"     // a correction waits for a second person
	BreakApproved = "approved"     // decided, not booked yet
	BreakPosted   = "posted"       // booked
	BreakClosed   = "closed"       // done
	BreakCleared  = "self-cleared" // the other side arrived; it keeps its age
	BreakAccepted = "accepted"     // left as it is, by two persons
)

// DefaultBands are the amounts from which a break is at least of severity 3, 2 and 1: minor units of the book's currency.
var DefaultBands = [3]int64{1_000_00, 10_000_00, 100_000_00}

// Severity is how grave a break is: the gravest of its type, its amount and its age. 0 stops, 1 is grave, 4 is counted. A debit that nobody approved is
// grave by itself. It rises one level after 3, 7 and 30 days, but nothing grows into 0.
func Severity(t BreakType, amount int64, firstSeen, now time.Time, bands [3]int64) int {
	level := breakKinds[t].base
	if t == BankUnknown && amount < 0 {
		level = 1
	}
	if level == 0 || t == Rounding {
		return level
	}
	if amount < 0 {
		amount = -amount
	}
	for i, from := range bands {
		if amount >= from {
			level = min(level, 3-i)
		}
	}
	for _, days := range AgeBuckets[1:] {
		if now.Sub(firstSeen) > time.Duration(days)*24*time.Hour {
			level--
		}
	}
	return max(level, 1)
}

// BaseSeverity is how grave a type is by itself, without amount and age.
func BaseSeverity(t BreakType) int { return breakKinds[t].base }

// AgeBuckets are the last days of the buckets in which breaks are counted by age; the last one has no end. With each but the first severity rises.
var AgeBuckets = []int{1, 3, 7, 30}
