package ledger_test

import (
	"maps"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger"
)

func TestFlows(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	bank, gift, cost := b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), b.leaf("5101.02", "R")
	rest := b.leaf("3102", "R")
	b.post(entry(day, ledger.Debit(bank, 1000), ledger.Credit(gift, 1000)))
	lunch := entry(day.AddDate(0, 1, 0), ledger.Debit(cost, 300), ledger.Credit(bank, 300))
	lunch.Document = &ledger.Document{Summary: "午餐", SourceKind: "voucher", MadeBy: "王五"}
	b.post(lunch)
	wrong := b.post(entry(day.AddDate(0, 1, 0), ledger.Debit(cost, 50), ledger.Credit(bank, 50)))
	b.reverse(wrong.ID, "误记")
	closing := entry(day.AddDate(0, 1, 1), ledger.Debit(gift, 1000), ledger.Credit(rest, 1000), ledger.Debit(rest, 300), ledger.Credit(cost, 300))
	closing.Kind = ledger.KindClose
	b.post(closing)

	for _, fund := range []int32{0, bank.Fund} {
		flows, err := ledger.Flows(t.Context(), b.db, b.Book, day.AddDate(-1, 0, 0), day.AddDate(1, 0, 0), fund)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]int64{}
		for _, f := range flows {
			if f.Fund != bank.Fund {
				t.Errorf("flow of another fund: %+v", f)
			}
			sums[f.Month.Format("2006-01 ")+string(f.Chart.ID)] += f.Amount
		}
		first, second := ledger.Month(day).Format("2006-01 "), ledger.Month(day.AddDate(0, 1, 0)).Format("2006-01 ")
		// The reversal belongs to the first month, the entry it takes back to the second.
		want := map[string]int64{first + "gift.r": 1000, first + "program.r": -50, second + "program.r": 350}
		for key, amount := range want {
			if sums[key] != amount {
				t.Errorf("fund %d, %s: %d, want %d", fund, key, sums[key], amount)
			}
		}
		if len(sums) != len(want) {
			t.Errorf("fund %d: %v", fund, sums)
		}
	}
	if in, out, err := ledger.FlowSum(t.Context(), b.db, b.Book, bank.Fund); err != nil || in != 1000 || out != 300 {
		t.Errorf("the fund took in %d and spent %d (%v)", in, out, err)
	}
	list, err := ledger.Spendings(t.Context(), b.db, b.Book, bank.Fund, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[0].Entry != wrong.ID || !list[0].Reversed || list[1].Summary != "午餐" || list[1].Amount != 300 || list[2].Amount != -50 {
		t.Errorf("%+v", list)
	}
	all, err := ledger.Posted(t.Context(), b.db, b.Book, 0)
	if err != nil || all != 12 {
		t.Errorf("ledger position %d: %v", all, err)
	}
}

// An entry's effect is told for one fund: income and expense there, nothing for money that changed its place.
func TestEffects(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	bank, cash, gift, cost := b.leaf("1002.01", "R"), b.leaf("1001", "R"), b.leaf("4101.02", "R"), b.leaf("5101.02", "R")
	given := b.post(entry(day, ledger.Debit(cash, 1000), ledger.Credit(gift, 1000)))
	carried := b.post(entry(day, ledger.Debit(bank, 1000), ledger.Credit(cash, 1000)))
	sold := b.post(entry(day, ledger.Debit(bank, 500), ledger.Debit(cost, 300), ledger.Credit(gift, 800)))
	ids := []uuid.UUID{given.ID, carried.ID, sold.ID, uuid.New()}
	got, err := ledger.Effects(t.Context(), b.db, b.Book, bank.Fund, ids)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uuid.UUID]ledger.Effect{given.ID: {In: 1000}, carried.ID: {}, sold.ID: {In: 800, Out: 300}}
	if !maps.Equal(got, want) {
		t.Errorf("effects %v, want %v", got, want)
	}
	if other, err := ledger.Effects(t.Context(), b.db, b.Book, bank.Fund+1, ids); err != nil || len(other) != 0 {
		t.Errorf("of another fund: %v %v", other, err)
	}
}
