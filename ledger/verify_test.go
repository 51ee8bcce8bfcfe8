package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// differs verifies as it stands in a transaction and names the checks that found a difference, in order, with a space between.
func (b *testBook) differs(t *testing.T, q pg.Querier) string {
	t.Helper()
	checks, err := ledger.Verify(t.Context(), q, b.Book)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, c := range checks {
		if c.DiffersAll == 0 {
			continue
		}
		codes = append(codes, c.Code)
		if len(c.Differs) == 0 || c.Differs[0] == "" {
			t.Errorf("%s finds %d and says nothing", c.Code, c.DiffersAll)
		}
	}
	if ledger.Clean(checks) != (codes == nil) {
		t.Error("Clean says something else than the checks")
	}
	slices.Sort(codes)
	return strings.Join(codes, " ")
}

// tampered runs a statement as the owner, triggers off, and says which checks speak up. Then it is undone.
func (b *testBook) tampered(t *testing.T, sql string) string {
	t.Helper()
	tx, err := b.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "set local session_replication_role = replica; "+sql); err != nil {
		t.Fatal(err)
	}
	return b.differs(t, tx)
}

// Each fault is planted by the owner with the triggers off, as somebody would who has the server.
// Account 1 is the bank of fund G, 2 its gifts; entry 1 is the first gift, entry 3 takes entry 2 back.
var faults = []struct {
	name, sql string
	want      string // the checks that speak up
}{
	{"nothing", `select`, ""},
	{"a posting's amount", `update posting set amount = amount + 1 where (account_id, seq) = ({bank}, 2)`, "balance entry hash mirror running turnover"},
	{"both amounts of an entry", `update posting set amount = amount * 2 where entry_id = {entry1}`, "balance hash running turnover"},
	{"a posting's account", `update posting set account_id = {bank2}, seq = 9 where (account_id, seq) = ({bank}, 1)`, "balance hash lines running tags turnover"},
	{"a posting's fund", `update posting set fund_id = 2 where (account_id, seq) = ({bank}, 1)`, "entry tags"},
	{"a posting's unit", `update posting set unit = 840 where (account_id, seq) = ({bank}, 1)`, "entry tags"},
	{"a posting's entry", `update posting set entry_id = gen_random_uuid() where (account_id, seq) = ({bank}, 1)`, "entry hash lines turnover"},
	{"the order of lines", `update posting set line = 3 - line where entry_id = {entry1}`, "hash"},
	{"a running balance", `update posting set balance_after = balance_after + 1 where (account_id, seq) = ({bank}, 1)`, "running"},
	{"a missing posting", `delete from posting where (account_id, seq) = ({bank}, 2)`, "balance entry hash lines mirror running turnover"},
	{"the last posting missing", `delete from posting where (account_id, seq) = ({bank}, 4)`, "balance entry hash lines turnover"},
	{"a balance", `update balance set balance = balance + 1 where account_id = {bank}`, "balance"},
	{"a count of postings", `update balance set seq = seq + 1 where account_id = {bank}`, "balance"},
	{"a count of debits", `update balance set debits = debits + 1 where account_id = {bank}`, "balance"},
	{"a missing balance", `delete from balance where account_id = {bank}`, "account balance"},
	{"a turnover", `update turnover set debit = debit + 1, credit = credit + 1 where account_id = {bank}`, "turnover"},
	{"a missing turnover", `delete from turnover where account_id = {bank}`, "turnover"},
	{"a turnover's day", `update turnover set day = day + 40 where account_id = {bank}`, "turnover"},
	{"a turnover too many", `insert into turnover values (1, {bank}, '2020-01-01', 0, 0)`, "turnover"},
	{"an unbalanced entry, every sum made to fit", `
		with e as (insert into entry (book_id, effective_on, id, key, body_hash, actor, kind, accounts, seqs)
			values (1, '2026-09-07', {new}, {new}, sha256('x'), {new}, 1, array[{bank}, {gift}], array[5, 5]) returning id),
		p as (insert into posting select 1, a, 5, {new}, m, b.balance + m, 1, l, 156
			from (values ({bank}, 10, 1), ({gift}, -9, 2)) v(a, m, l) join balance b on b.account_id = a)
		update turnover set debit = debit + (account_id = {bank})::int * 10, credit = credit + (account_id = {gift})::int * 9
		where day = '2026-09-07' and account_id in ({bank}, {gift});
		update balance set balance = balance + 10, seq = 5, debits = debits + 1 where account_id = {bank};
		update balance set balance = balance - 9, seq = 5 where account_id = {gift}`, "entry hash"},
	{"two postings slipped under an entry, every sum made to fit", `
		insert into posting select 1, a, 5, {entry1}, m, b.balance + m, 1, l, 156
			from (values ({bank}, 10, 3), ({gift}, -10, 4)) v(a, m, l) join balance b on b.account_id = a;
		update turnover set debit = debit + (account_id = {bank})::int * 10, credit = credit + (account_id = {gift})::int * 10
		where day = '2026-09-07' and account_id in ({bank}, {gift});
		update balance set balance = balance + 10, seq = 5, debits = debits + 1 where account_id = {bank};
		update balance set balance = balance - 10, seq = 5 where account_id = {gift}`, "hash lines"},
	{"a missing entry", `delete from entry where id = {entry1}`, "lines numbers turnover"},
	{"a missing entry that was taken back", `delete from entry where id = {entry2}`, "lines mirror numbers turnover"},
	{"an entry, its postings and its voucher missing", `delete from posting where entry_id = {entry1}; delete from document where entry_id = {entry1};
		delete from entry where id = {entry1}`, "balance numbers running turnover"},
	{"an entry without postings", `insert into entry (book_id, effective_on, id, key, body_hash, actor, kind, accounts, seqs)
		values (1, '2026-09-07', {new}, {new}, sha256('x'), {new}, 1, array[{bank}, {gift}], array[50, 50])`, "lines"},
	{"an entry's day", `update entry set effective_on = effective_on - 1 where id = {entry1}`, "hash turnover"},
	{"an entry's kind", `update entry set kind = 2 where id = {entry1}`, "hash"},
	{"an entry's hash", `update entry set body_hash = sha256('x') where id = {entry1}`, "hash"},
	{"what an entry reverses", `update entry set reverses = {entry1} where reverses = {entry2}`, "hash mirror"},
	{"where an entry's postings lie", `update entry set seqs = array[2, 1] where id = {entry1}`, "lines"},
	{"an account's name", `update account set chart = 'bank.online' where account_id = {bank}`, "account hash"},
	{"an account of no chart", `update account set chart = 'bank.secret' where account_id = {bank}`, "account hash"},
	{"an account's tags", `update account set dims = '{"campaign": "7"}' where account_id = {gift}`, "account hash"},
	{"an account's fund", `update account set fund_id = 2 where account_id = {bank}`, "account hash tags"},
	{"an account's unit", `update account set unit = 840 where account_id = {bank}`, "account tags"},
	{"an account's key", `update account set leaf = {new} where account_id = {bank}`, "account"},
	{"a missing account", `delete from account where account_id = {bank}`, "hash tags"},
	{"a guard taken off", `update balance set floor = null where account_id = {bank}`, "account"},
	{"a guard loosened", `update balance set floor = -100000 where account_id = {bank}`, "account"},
	{"a voucher's words", `update document set summary = summary || '!' where entry_id = {entry1}`, "hash"},
	{"a reversal's reason", `update document set reason = '另有原因' where reason <> ''`, "hash"},
	{"a voucher's source", `update document set source_ref = 'R2' where entry_id = {entry1}`, "hash"},
	{"a gap in the numbers", `update document set number = 9 where number = 3`, "numbers"},
	{"a voucher missing in the middle", `delete from document where number = 2`, "hash numbers"},
	{"the last voucher missing", `delete from document where number = 4`, "hash"},
	{"a voucher without entry", `insert into document (book_id, entry_id, month, number, summary, source_kind, made_by)
		values (1, {new}, '2026-09-01', 5, 'x', 'voucher', '张三')`, "numbers"},
}

func TestD8VerifyFindsEveryPlantedFault(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	first := b.gift(day, 100)
	second := b.gift(day, 200)
	b.reverse(second.ID, "误记")
	b.gift(day, 300)
	b.post(entry(day, pair(b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), 50)...))
	words := strings.NewReplacer(
		"{bank}", fmt.Sprint(b.account(b.leaf("1002.01", "G")).ID), "{bank2}", fmt.Sprint(b.account(b.leaf("1002.01", "R")).ID),
		"{gift}", fmt.Sprint(b.account(b.leaf("4101.01", "G")).ID),
		"{entry1}", "'"+first.ID.String()+"'", "{entry2}", "'"+second.ID.String()+"'", "{new}", "'"+uuid.NewString()+"'")
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			if got := b.tampered(t, words.Replace(f.sql)); got != f.want {
				t.Errorf("found by %q, want %q", got, f.want)
			}
		})
	}
	b.verified()
}

func TestVerifyFindsWrongSumsOfMonths(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.gift(ledger.Day(2024, 11, 30), 100)
	for found := true; found; {
		b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			found, err = ledger.SumTurnover(ctx, tx, b.Book, day)
			return err
		})
	}
	b.gift(ledger.Day(2024, 12, 31), 200) // late
	b.gift(ledger.Day(2026, 8, 31), 300)
	for _, sql := range []string{
		`update turnover_sum set debit = debit + 1 where months = 1 and first = '2024-12-01'`,
		`update turnover_sum set credit = credit + 1 where months = 12`,
		`update turnover_sum set account_id = account_id + 10 where months = 1 and first = '2026-08-01'`,
		`delete from turnover_sum where months = 1 and first = '2024-11-01'`,
		`delete from turnover_sum where months = 12`,
		`insert into turnover_sum values (1, 1, '2026-09-01', 1, 0, 0)`,
		`delete from summed where first = '2025-03-01'`,
		`delete from summed where first = '2024-01-01'`,
		`delete from summed where months = 12 and first = '2024-01-01'; delete from turnover_sum where months = 12 and first = '2024-01-01'`,
		`insert into summed values (1, 1, '2026-10-01')`,
	} {
		if got := b.tampered(t, sql); got != "sum" {
			t.Errorf("%s: found by %q", sql, got)
		}
	}
	b.verified()
}

// Sums that fit and yet are wrong: what only a bug of ours could book.
func TestVerifyFindsWrongSums(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.post(entry(day, pair(b.leaf("1002.09", "A"), b.leaf("2601", "A"), 500)...))
	b.post(entry(day, ledger.Debit(b.leaf("3901", "G"), 70), ledger.Credit(b.leaf("2991", "G"), 70),
		ledger.Debit(b.leaf("1991", "R"), 70), ledger.Credit(b.leaf("3901", "R"), 70), ledger.Debit(b.leaf("1002.01", "G"), 100), ledger.Credit(b.leaf("4101.01", "G"), 100)))
	b.verified()
	for _, f := range []struct {
		leaf      ledger.Leaf
		set, want string
	}{
		{b.leaf("1002.09", "A"), `balance = balance + 1`, "agency balance"},
		{b.leaf("1991", "R"), `balance = balance + 1`, "balance interfund"},
		{b.leaf("3901", "R"), `balance = balance + 1`, "balance interfund"},
		{b.leaf("1002.01", "G"), `balance = -1`, "balance guard"},
	} {
		sql := fmt.Sprintf("alter table balance drop constraint balance_floor; update balance set %s where account_id = %d", f.set, b.account(f.leaf).ID)
		if got := b.tampered(t, sql); got != f.want {
			t.Errorf("%s: found by %q, want %q", f.leaf.Chart, got, f.want)
		}
	}
}

func TestVerifyKeepsFewRowsAndCountsAll(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for i := range int64(ledger.DiffersMax + 5) {
		b.gift(day, i+1)
	}
	tx, err := b.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), "set local session_replication_role = replica; update posting set balance_after = 0"); err != nil {
		t.Fatal(err)
	}
	checks, err := ledger.Verify(t.Context(), tx, b.Book)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.Code == "running" && (c.DiffersAll != 2*(ledger.DiffersMax+5) || len(c.Differs) != ledger.DiffersMax || c.Compared != c.DiffersAll) {
			t.Errorf("compared %d, %d differ, %d kept", c.Compared, c.DiffersAll, len(c.Differs))
		}
	}
}
