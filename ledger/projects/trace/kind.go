package trace

import (
	"strings"

	"sunfund/ledger"
)

// Kinds of money that came in.
const (
	Gift     = "gift"
	Match    = "match"
	Subsidy  = "subsidy" // of a street or another public payer
	Service  = "service" // paid for what the association does
	Agency   = "agency"  // held for somebody named
	Opening  = "opening" // there when the books began
	Moved    = "transfer"
	Levied   = "levy" // of another fund
	Returned = "returned"
	Other    = "other"
)

// Kinds of uses. Moved and Levied are kinds of uses as well.
const (
	Payment  = "payment" // of a project, to whom its invoice names
	Cost     = "cost"    // by a voucher
	Fee      = "fee"     // kept by a processor or platform, or another cost of raising money
	Refund   = "refund"
	PaidBack = "return" // to a public payer or a sponsor
)

// moves tells whether money that leaves one fund for another is followed there: a transfer, or money whose restriction is over.
func (s *step) moves() bool { return s.account == "transfer" || s.kind == ledger.KindRelease }

// ofContract is the lane of what a payer gave for a contract.
func ofContract(code string) string {
	if code == "" {
		return ""
	}
	return "contract:" + code
}

func (s *step) inKind(takes bool) string {
	switch {
	case takes && s.moves():
		return Moved
	case takes:
		return Levied
	case s.kind == ledger.KindOpening:
		return Opening
	case s.kind == ledger.KindMatch, s.kind == ledger.KindMatchFund, s.nature == "match":
		return Match
	case strings.HasPrefix(s.account, "gift."):
		return Gift
	case strings.HasPrefix(s.account, "grant."):
		return Subsidy
	case strings.HasPrefix(s.account, "service."), s.account == "advance":
		return Service
	case s.account == "agency.l":
		return Agency
	case s.account == "ar.recover":
		return Returned
	}
	return Other
}

func (s *step) outKind(brings bool) string {
	switch {
	case brings && s.moves():
		return Moved
	case brings:
		return Levied
	case strings.HasPrefix(s.object, "disbursement:"):
		return Payment
	case s.kind == ledger.KindRefund:
		return Refund
	case s.kind == ledger.KindFee, s.kind == ledger.KindAccountFee, strings.HasPrefix(s.account, "fundraising."):
		return Fee
	case s.kind == ledger.KindReturn, s.kind == ledger.KindLetter, strings.HasPrefix(s.account, "grant."):
		return PaidBack
	}
	return Cost
}
