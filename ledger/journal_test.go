package ledger_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
)

// search reads all pages and checks that each entry comes once, newest first.
func (b *testBook) search(f ledger.JournalFilter) (ids []uuid.UUID) {
	b.t.Helper()
	for pages := 0; ; pages++ {
		page, err := ledger.Journal(b.ctx(), b.db, b.Book, f)
		if err != nil {
			b.t.Fatal(err)
		}
		if f.Limit > 0 && (len(page.Entries) > f.Limit || page.Next != "" && len(page.Entries) < f.Limit) {
			b.t.Fatalf("page of %d entries, limit %d, next %q", len(page.Entries), f.Limit, page.Next)
		}
		for _, e := range page.Entries {
			if n := len(ids); n > 0 && e.ID.String() >= ids[n-1].String() {
				b.t.Fatalf("%s after %s", e.ID, ids[n-1])
			}
			ids = append(ids, e.ID)
		}
		if page.Next == "" {
			return ids
		}
		if f.After = page.Next; pages > 1000 {
			b.t.Fatal("the pages have no end")
		}
	}
}

func TestJournalSearch(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	all := map[string]uuid.UUID{}
	book := func(name string, on time.Time, kind ledger.Kind, doc *ledger.Document, lines ...ledger.Line) {
		e := entry(on, lines...)
		e.Kind, e.Document = kind, doc
		all[name] = b.post(e).ID
	}
	bank, rbank, rgift := b.leaf("1002.01", "G"), b.leaf("1002.01", "R"), b.leaf("4101.02", "R")
	tagged := rgift
	tagged.Dims.Campaign = "7"
	voucher := func(summary, ref string) *ledger.Document {
		return &ledger.Document{Summary: summary, SourceKind: "voucher", SourceRef: ref, MadeBy: "张三"}
	}
	book("opening", day.AddDate(0, -1, 0), ledger.KindOpening, voucher("期初余额 100%", "A_1"), pair(bank, b.leaf("3101", "G"), 10_000_00)...)
	book("gift", day, ledger.KindGift, nil, pair(rbank, tagged, 5000)...)
	book("gift 2", day.AddDate(0, 0, 1), ledger.KindGift, nil, pair(rbank, rgift, 7000)...)
	book("aid", day.AddDate(0, 0, 2), ledger.KindVoucher, &ledger.Document{Summary: "Emergency aid 临时救助", SourceKind: "approval", SourceRef: "AX1", MadeBy: "张三", CheckedBy: "李四"},
		ledger.Debit(b.leaf("5101.02", "R"), 3000), ledger.Credit(rbank, 3000), ledger.Debit(b.leaf("9302", "R"), 0+1234), ledger.Credit(b.leaf("9302", "R"), 1234))
	book("contract", day.AddDate(0, 0, 3), ledger.KindContract, voucher("合同 C:\\1", "AY1"), pair(b.leaf("9201", "G"), b.leaf("9202", "G"), 5000)...)
	all["reversal"] = b.reverse(all["gift 2"], "重复入账").ID

	for name, c := range map[string]struct {
		f    ledger.JournalFilter
		want []string
	}{
		"all":                        {ledger.JournalFilter{}, []string{"opening", "gift", "gift 2", "aid", "contract", "reversal"}},
		"chinese text":               {ledger.JournalFilter{Text: "救助"}, []string{"aid"}},
		"text in any case":           {ledger.JournalFilter{Text: "EMERGENCY"}, []string{"aid"}},
		"text of a reason":           {ledger.JournalFilter{Text: "重复"}, []string{"reversal"}},
		"text of a reference":        {ledger.JournalFilter{Text: "ay1"}, []string{"contract"}},
		"a percent sign":             {ledger.JournalFilter{Text: "%"}, []string{"opening"}},
		"a low line":                 {ledger.JournalFilter{Text: "A_1"}, []string{"opening"}},
		"a backslash":                {ledger.JournalFilter{Text: `\1`}, []string{"contract"}},
		"no such text":               {ledger.JournalFilter{Text: "没有"}, nil},
		"an entry's id":              {ledger.JournalFilter{Text: all["gift"].String()}, []string{"gift"}},
		"amount":                     {ledger.JournalFilter{Amount: 5000}, []string{"gift", "contract"}},
		"amount of a credit":         {ledger.JournalFilter{Amount: 7000}, []string{"gift 2", "reversal"}},
		"no such amount":             {ledger.JournalFilter{Amount: 5001}, nil},
		"from a day":                 {ledger.JournalFilter{From: day.AddDate(0, 0, 2)}, []string{"aid", "contract"}},
		"to a day":                   {ledger.JournalFilter{To: day.AddDate(0, 0, -1)}, []string{"opening"}},
		"one day":                    {ledger.JournalFilter{From: day, To: day}, []string{"gift", "reversal"}},
		"account":                    {ledger.JournalFilter{Account: b.account(tagged).ID}, []string{"gift"}},
		"account twice in an entry":  {ledger.JournalFilter{Account: b.account(b.leaf("9302", "R")).ID}, []string{"aid"}},
		"no such account":            {ledger.JournalFilter{Account: 999}, nil},
		"chart account in all funds": {ledger.JournalFilter{Chart: "bank.basic"}, []string{"opening", "gift", "gift 2", "aid", "reversal"}},
		"chart account in any leaf":  {ledger.JournalFilter{Chart: "gift.r"}, []string{"gift", "gift 2", "reversal"}},
		"fund":                       {ledger.JournalFilter{Fund: b.funds["G"].ID}, []string{"opening", "contract"}},
		"fund and chart account":     {ledger.JournalFilter{Fund: b.funds["G"].ID, Chart: "bank.basic"}, []string{"opening"}},
		"source":                     {ledger.JournalFilter{Source: "approval"}, []string{"aid"}},
		"kind":                       {ledger.JournalFilter{Kind: ledger.KindGift}, []string{"gift", "gift 2"}},
		"funds in sight":             {ledger.JournalFilter{Funds: []int32{b.funds["G"].ID, b.funds["S"].ID}}, []string{"opening", "contract"}},
		"no fund in sight":           {ledger.JournalFilter{Funds: []int32{}}, nil},
		"amount out of sight":        {ledger.JournalFilter{Funds: []int32{b.funds["G"].ID}, Amount: 7000}, nil},
		"voucher number":             {ledger.JournalFilter{Number: 1}, []string{"opening", "aid"}},
		"several at once":            {ledger.JournalFilter{Kind: ledger.KindGift, Amount: 5000, From: day, Fund: b.funds["R"].ID}, []string{"gift"}},
		"several that exclude":       {ledger.JournalFilter{Kind: ledger.KindGift, Fund: b.funds["G"].ID}, nil},
	} {
		for _, limit := range []int{0, 1, 2, 6} {
			c.f.Limit = limit
			got := b.search(c.f)
			var want []uuid.UUID
			for _, w := range c.want {
				want = append(want, all[w])
			}
			slices.SortFunc(want, func(a, b uuid.UUID) int { return slices.Compare(b[:], a[:]) })
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: %d found, want %q", name, limit, len(got), c.want)
			}
			if n, err := ledger.JournalCount(t.Context(), b.db, b.Book, c.f); err != nil || n != int64(len(want)) {
				t.Errorf("%s: %d counted, want %d (%v)", name, n, len(want), err)
			}
		}
	}
	for _, cursor := range []string{"x", "0190", all["gift"].String() + "0"} {
		if _, err := ledger.Journal(t.Context(), b.db, b.Book, ledger.JournalFilter{After: cursor}); !errors.Is(err, ledger.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if _, err := ledger.Journal(t.Context(), b.db, b.Book, ledger.JournalFilter{Account: 1, After: all["gift"].String()}); !errors.Is(err, ledger.ErrCursor) {
		t.Errorf("an id as an account's cursor: %v", err)
	}
	page, err := ledger.Journal(t.Context(), b.db, b.Book, ledger.JournalFilter{Text: "救助"})
	if err != nil {
		t.Fatal(err)
	}
	if e := page.Entries[0]; e.Amount != 3000 || e.Amount != b.read(e.ID).Amount || e.Number != 1 || e.Document.CheckedBy != "李四" || e.Kind.Name("en") != "Manual voucher" {
		t.Errorf("%+v", e)
	}
}

// A started gift's id tells when it was started, so what is booked later may have the smaller id.
func TestJournalOfAnAccountComesInTheOrderOfBooking(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	bank := b.leaf("1002.01", "G")
	var want []uuid.UUID
	for _, last := range []byte{3, 1, 2} {
		e := entry(day, pair(bank, b.leaf("3101", "G"), 100)...)
		e.ID = uuid.UUID{0x01, 0x90, 6: 0x70, 8: 0x80, 15: last}
		want = slices.Insert(want, 0, b.post(e).ID)
	}
	var got []uuid.UUID
	for f := (ledger.JournalFilter{Account: b.account(bank).ID, Limit: 1}); ; {
		page, err := ledger.Journal(b.ctx(), b.db, b.Book, f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Entries[0].ID)
		if f.After = page.Next; f.After == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, booked newest first %v", got, want)
	}
}

func TestJournalPagesHoldWhileOthersWrite(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	want := map[uuid.UUID]int{}
	for i := range int64(25) {
		want[b.gift(day, i+1).ID] = 0
	}
	f := ledger.JournalFilter{Limit: 7}
	for {
		page, err := ledger.Journal(t.Context(), b.db, b.Book, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if _, ok := want[e.ID]; !ok {
				t.Errorf("%s was written after the first page was read", e.ID)
			}
			want[e.ID]++
		}
		if f.After = page.Next; f.After == "" {
			break
		}
		b.gift(day, 99) // newer than the first page: belongs to none of the following
	}
	for id, n := range want {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

func TestReadEntryOfNobody(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	if _, err := ledger.ReadEntry(t.Context(), b.db, b.Book, uuid.New()); !errors.Is(err, ledger.ErrNoEntry) {
		t.Error(err)
	}
}

func TestStatement(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	// Booked in this order; days run back and forth: 8 March is booked last but stands before 9 March.
	march := func(d int) time.Time { return ledger.Day(2026, 3, d) }
	for _, m := range []struct {
		on     time.Time
		amount int64
	}{{march(1), 1000}, {march(9), 500}, {march(10), -200}, {march(10), 70}, {march(31), 5}, {march(8), 40}, {ledger.Day(2026, 2, 28), 7}, {ledger.Day(2026, 4, 1), 3}} {
		bank, other := b.leaf("1002.01", "G"), b.leaf("4101.01", "G")
		if m.amount < 0 {
			other = b.leaf("5101.01", "G")
		}
		e := entry(m.on, ledger.Line{Leaf: bank, Amount: m.amount}, ledger.Line{Leaf: other, Amount: -m.amount})
		e.Document = &ledger.Document{Summary: m.on.Format(time.DateOnly), SourceKind: "voucher", MadeBy: "张三"}
		b.post(e)
	}
	id := b.account(b.leaf("1002.01", "G")).ID
	type row struct {
		day             int
		amount, balance int64
	}
	want := []row{{1, 1000, 1007}, {8, 40, 1047}, {9, 500, 1547}, {10, -200, 1347}, {10, 70, 1417}, {31, 5, 1422}}
	for limit := range 8 {
		var got []row
		for cursor, before := "", int64(7); ; {
			page, err := ledger.Statement(t.Context(), b.db, b.Book, id, march(1), march(31), cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			if page.Opening != 7 || page.Debit != 1615 || page.Credit != 200 || page.Closing != 1422 || page.Before != before || page.Account.ID != id {
				t.Errorf("limit %d: %+v, want before %d", limit, page, before)
			}
			for _, r := range page.Rows {
				got = append(got, row{r.EffectiveOn.Day(), r.Amount, r.Balance})
				before = r.Balance
				if r.Summary != r.EffectiveOn.Format(time.DateOnly) || r.Number == 0 || r.Leaf.Chart != "bank.basic" {
					t.Errorf("%+v", r)
				}
			}
			if cursor = page.Next; cursor == "" || len(got) > len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	empty, err := ledger.Statement(t.Context(), b.db, b.Book, id, march(11), march(30), "", 10)
	if err != nil || len(empty.Rows) != 0 || empty.Opening != 1417 || empty.Closing != 1417 || empty.Before != 1417 || empty.Next != "" {
		t.Errorf("days without movement: %+v, %v", empty, err)
	}
	if on, err := ledger.BalanceOn(t.Context(), b.db, b.Book, id, march(8)); err != nil || on != 1047 {
		t.Errorf("balance on 8 March: %d, %v", on, err)
	}
	for _, cursor := range []string{"x", "AAAA", "_________________w", "f_____8AAAAAAAAAAAAAAA"} {
		if _, err := ledger.Statement(t.Context(), b.db, b.Book, id, march(1), march(31), cursor, 10); !errors.Is(err, ledger.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if _, err := ledger.Statement(t.Context(), b.db, b.Book, 999, march(1), march(31), "", 10); !errors.Is(err, ledger.ErrUnknownAccount) {
		t.Errorf("no such account: %v", err)
	}
}

func TestTrialBalance(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for i, f := range []string{"G", "R", "S"} {
		amount := int64(1000 * (i + 1))
		income := b.leaf("4101.02", f)
		if f == "G" {
			income = b.leaf("4101.01", f)
		}
		for _, on := range []time.Time{ledger.Day(2025, 12, 31), ledger.Day(2026, 1, 1), ledger.Day(2026, 6, 30), ledger.Day(2026, 7, 1)} {
			b.post(entry(on, pair(b.leaf("1002.01", f), income, amount)...))
			b.post(entry(on, pair(b.leaf("9201", f), b.leaf("9202", f), 10)...))
		}
	}
	from, to := ledger.Day(2026, 6, 1), ledger.Day(2026, 6, 30)
	for _, c := range []struct {
		fund    string
		perFund bool
		rows    int
	}{{"", false, 5}, {"", true, 12}, {"R", false, 4}, {"R", true, 4}} {
		var fund int32
		if c.fund != "" {
			fund = b.funds[c.fund].ID
		}
		rows, err := ledger.TrialBalance(t.Context(), b.db, b.Book, from, to, fund, c.perFund)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != c.rows {
			t.Errorf("%+v: %d rows", c, len(rows))
		}
		var opening, debit, credit, closing, cash int64
		for i, r := range rows {
			if r.Opening+r.Debit-r.Credit != r.Closing {
				t.Errorf("%+v does not add up", r)
			}
			if i > 0 && r.Chart.Code2026 < rows[i-1].Chart.Code2026 {
				t.Errorf("%s after %s", r.Chart.Code2026, rows[i-1].Chart.Code2026)
			}
			if (r.Fund != 0) != c.perFund {
				t.Errorf("%+v: row of fund %d", c, r.Fund)
			}
			if r.YearTo.Debit != 2*r.Debit || r.YearTo.Credit != 2*r.Credit {
				t.Errorf("%s: since January %+v, in June %d/%d", r.Chart.ID, r.YearTo, r.Debit, r.Credit)
			}
			opening, debit, credit, closing = opening+r.Opening, debit+r.Debit, credit+r.Credit, closing+r.Closing
			if r.Chart.ID == "bank.basic" {
				cash += r.Closing
			}
		}
		if opening != 0 || closing != 0 || debit != credit || debit == 0 {
			t.Errorf("%+v: %d %d %d %d", c, opening, debit, credit, closing)
		}
		if want := map[string]int64{"": 18000, "R": 6000}[c.fund]; cash != want {
			t.Errorf("%+v: bank closes at %d, want %d", c, cash, want)
		}
	}
}

// Accounts with few postings are searched through these, those with many by going through all entries: the pages are the same.
func TestJournalOfFewAndOfManyPostings(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for i := range int64(7) {
		b.gift(day.AddDate(0, 0, -int(i)), 100+i)
		b.post(entry(day, pair(b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), 50+i)...))
	}
	tx, err := b.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	bank := b.account(b.leaf("1002.01", "G"))
	read := func(f ledger.JournalFilter) (ids []uuid.UUID) {
		for f.Limit = 3; ; {
			page, err := ledger.Journal(t.Context(), tx, b.Book, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Entries {
				ids = append(ids, r.ID)
			}
			if f.After = page.Next; f.After == "" {
				break
			}
		}
		if n, err := ledger.JournalCount(t.Context(), tx, b.Book, f); err != nil || n != int64(len(ids)) {
			t.Errorf("%+v: %d counted, %d listed (%v)", f, n, len(ids), err)
		}
		return ids
	}
	filters := []ledger.JournalFilter{{Account: bank.ID}, {Fund: b.leaf("1002.01", "R").Fund}, {Chart: "bank.basic"}, {Account: bank.ID, Amount: 103},
		{Account: bank.ID, From: day.AddDate(0, 0, -2)}, {Funds: []int32{b.leaf("1002.01", "R").Fund}}}
	var few [][]uuid.UUID
	for _, f := range filters {
		few = append(few, read(f))
	}
	if len(few[0]) != 7 || len(few[2]) != 14 || len(few[3]) != 1 || len(few[4]) != 3 {
		t.Errorf("found %v", few)
	}
	if _, err := tx.Exec(t.Context(), `update balance set seq = seq + 100000`); err != nil { // as if there were many
		t.Fatal(err)
	}
	for i, f := range filters {
		if many := read(f); !slices.Equal(many, few[i]) {
			t.Errorf("%+v: %v through postings, %v through entries", f, few[i], many)
		}
	}
}
