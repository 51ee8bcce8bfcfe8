package giving

import (
	"testing"

	"sunfund/internal/pgtest"
)

// A new book's plans are made on empty tables and kept.
func TestPlansOfANewBook(t *testing.T) {
	t.Parallel()
	pgtest.NoScans(t, map[string]string{
		"known gifts": sqlGiftKnown, "known ids": sqlGiftKnownID, "checkouts": sqlCheckoutKnown, "funds": sqlFundsOfBatch,
		"gifts": sqlGiftInsert, "donors": sqlDonorsInsert, "messages": sqlMessagesInsert, "rates": sqlRates, "paid": sqlCheckoutPaid,
	})
}

// Nor do the statements of a batch scan while an event of match is open.
func TestPlansOfABatchWithAnEvent(t *testing.T) {
	t.Parallel()
	pgtest.NoScans(t, map[string]string{
		"rules": sqlMatchRules, "places": sqlMatchPlaces, "pools": sqlMatchPools, "people": sqlMatchPeople, "stands": sqlMatchStands, "circle": sqlMatchCircle,
		"counts": sqlMatchCounts, "awards": sqlAwardInsert, "campaigns": sqlPlaceInsert, "count rows": sqlCountUpsert, "missed": sqlMissedInsert, "payments": sqlMatchPayments, "social": sqlMatchSocial, "stop": sqlEventStop,
	})
}
