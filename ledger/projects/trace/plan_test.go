package trace

import (
	"testing"

	"sunfund/internal/pgtest"
)

// Entries that are not followed yet, and the lines of a fund, are found by index, also by the plans of a new book, which are kept.
func TestPlansOfDivision(t *testing.T) {
	t.Parallel()
	pgtest.NoScans(t, map[string]string{"behind": sqlBehind, "money of a fund": sqlFundMoney, "uses of a campaign": sqlLaneUses, "next entries": sqlEntries, "ins": sqlLaneIns, "outs": sqlLaneOuts})
}
