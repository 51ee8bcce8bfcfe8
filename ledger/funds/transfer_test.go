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
		{"restricted to restricted", Transfer{From: fund(1, ledger.Restricted), To: fund(2, ledger.Restricted), Amount: 2_000_000, Bank: "bank.online"}, nil},
		{"general to endowment", Transfer{From: fund(1, ledger.General), To: fund(2, ledger.Endowment), Amount: 1, Bank: "bank.basic"}, nil},
		{"itself", Transfer{From: fund(1, ledger.General), To: fund(1, ledger.General), Amount: 1, Bank: "bank.basic"}, ErrSameFund},
		{"agency out", Transfer{From: fund(1, ledger.Agency), To: fund(2, ledger.General), Amount: 1, Bank: "bank.basic"}, ErrNotTransferable},
		{"agency in", Transfer{From: fund(1, ledger.General), To: fund(2, ledger.Agency), Amount: 1, Bank: "bank.basic"}, ErrNotTransferable},
		{"subsidy out", Transfer{From: fund(1, ledger.Subsidy), To: fund(2, ledger.General), Amount: 1, Bank: "bank.basic"}, ErrNotTransferable},
		{"endowment out", Transfer{From: fund(1, ledger.Endowment), To: fund(2, ledger.General), Amount: 1, Bank: "bank.basic"}, ErrNotTransferable},
		{"nothing", Transfer{From: fund(1, ledger.General), To: fund(2, ledger.Restricted), Amount: 0, Bank: "bank.basic"}, ledger.ErrAmount},
		{"backwards", Transfer{From: fund(1, ledger.General), To: fund(2, ledger.Restricted), Amount: -1, Bank: "bank.basic"}, ledger.ErrAmount},
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
