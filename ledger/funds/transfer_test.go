package funds

import (
	"errors"
	"testing"

	"sunfund/ledger"
)

func TestTransfer(t *testing.T) {
	t.Parallel()
	fund := func(id int32, kind string) *ledger.Fund { return &ledger.Fund{ID: id, Kind: kind} }
	for _, c := range []struct {
		name   string
		t      Transfer
		refuse error
	}{
		{"restricted to restricted", Transfer{fund(1, ledger.Restricted), fund(2, ledger.Restricted), 2_000_000, "bank.online"}, nil},
		{"general to endowment", Transfer{fund(1, ledger.General), fund(2, ledger.Endowment), 1, "bank.basic"}, nil},
		{"itself", Transfer{fund(1, ledger.General), fund(1, ledger.General), 1, "bank.basic"}, ErrSameFund},
		{"agency out", Transfer{fund(1, ledger.Agency), fund(2, ledger.General), 1, "bank.basic"}, ErrNotTransferable},
		{"agency in", Transfer{fund(1, ledger.General), fund(2, ledger.Agency), 1, "bank.basic"}, ErrNotTransferable},
		{"subsidy out", Transfer{fund(1, ledger.Subsidy), fund(2, ledger.General), 1, "bank.basic"}, ErrNotTransferable},
		{"endowment out", Transfer{fund(1, ledger.Endowment), fund(2, ledger.General), 1, "bank.basic"}, ErrNotTransferable},
		{"nothing", Transfer{fund(1, ledger.General), fund(2, ledger.Restricted), 0, "bank.basic"}, ledger.ErrAmount},
		{"backwards", Transfer{fund(1, ledger.General), fund(2, ledger.Restricted), -1, "bank.basic"}, ledger.ErrAmount},
	} {
		lines, err := c.t.Lines()
		if !errors.Is(err, c.refuse) {
			t.Errorf("%s: %v", c.name, err)
		}
		sums := map[int32]int64{}
		for _, l := range lines {
			sums[l.Leaf.Fund] += l.Amount
		}
		if c.refuse == nil && (len(lines) != 4 || sums[1] != 0 || sums[2] != 0 || !ledger.Lowers(ledger.Entry{Lines: lines})) {
			t.Errorf("%s: %v", c.name, lines)
		}
	}
}
