package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

const (
	denied    = "42501" // insufficient_privilege
	integrity = "23000" // integrity_constraint_violation
	violation = "23514" // check_violation
)

// refusedWith tries a statement in a transaction of its own and says under which code it was refused, empty when it was not.
func refusedWith(t *testing.T, db *pgxpool.Pool, sql string, args ...any) string {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), sql, args...)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// gift books a gift of the general fund, so that there is something to attack.
func (b *testBook) gift(day time.Time, amount int64) ledger.Result {
	b.t.Helper()
	e := entry(day, ledger.Debit(b.leaf("1002.01", "G"), amount), ledger.Credit(b.leaf("4101.01", "G"), amount))
	e.Document = &ledger.Document{Summary: fmt.Sprintf("捐赠 %d", amount), SourceKind: "gift", SourceRef: fmt.Sprint("R", amount), MadeBy: "张三"}
	return b.post(e)
}

func TestWhatIsWrittenStaysWritten(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.gift(day, 100)
	for table, column := range map[string]string{"entry": "kind", "posting": "amount", "document": "number", "account": "account_id"} {
		for _, sql := range []string{
			fmt.Sprintf("update %s set %s = %[2]s", table, column),
			fmt.Sprintf("update %s set %s = %[2]s + 1", table, column),
			"delete from " + table,
			"truncate " + table,
			"truncate " + table + " cascade",
		} {
			if got := refusedWith(t, b.db, sql); got != denied {
				t.Errorf("service: %s: %q, want permission denied", sql, got)
			}
			if got := refusedWith(t, b.owner, sql); got != integrity {
				t.Errorf("owner: %s: %q, want the trigger's refusal", sql, got)
			}
		}
		for _, sql := range []string{fmt.Sprintf("alter table %s disable trigger all", table), "drop table " + table} {
			if got := refusedWith(t, b.db, sql); got != denied {
				t.Errorf("service: %s: %q, want permission denied", sql, got)
			}
		}
	}
	for _, sql := range []string{"delete from balance", "delete from turnover", "delete from period", "update book set ccy = 'USD'",
		"update fund set kind = 'general'", "delete from fund", "set session_replication_role = replica"} {
		if got := refusedWith(t, b.db, sql); got != denied {
			t.Errorf("service: %s: %q, want permission denied", sql, got)
		}
	}
	if got := refusedWith(t, b.owner, "truncate entry, posting, document, account, balance, turnover cascade"); got != integrity {
		t.Errorf("owner empties the book: %q", got)
	}
	b.verified()
}

func TestM9PostgresRefusesWhatGoLetsThrough(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	e := b.gift(day, 100)
	bank := b.account(b.leaf("1002.01", "G"))
	gift := b.account(b.leaf("4101.01", "G"))
	posting := `insert into posting (book_id, account_id, seq, entry_id, amount, balance_after, fund_id, line, unit) values `
	entrySQL := `insert into entry (book_id, effective_on, id, key, body_hash, actor, kind, accounts, seqs)
		values (1, $1, gen_random_uuid(), gen_random_uuid(), sha256(''), gen_random_uuid(), 1, $2, $3)`
	id := uuid.Must(uuid.NewV7())
	if _, err := b.db.Exec(t.Context(), `insert into period (book_id, month, state) values (1, '2026-03-01', 'hard'), (1, '2026-04-01', 'soft')`); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, code, sql string
		args            []any
	}{
		{"one leg", violation, posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156)`, []any{bank.ID, id}},
		{"legs that differ", violation, posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156), (1, $3, 2, $2, -4, -104, 1, 2, 156)`, []any{bank.ID, id, gift.ID}},
		{"balanced across two funds only", violation, posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156), (1, $3, 2, $2, -5, -105, 2, 2, 156)`, []any{bank.ID, id, gift.ID}},
		{"balanced across two currencies only", violation, posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156), (1, $3, 2, $2, -5, -105, 1, 2, 840)`, []any{bank.ID, id, gift.ID}},
		{"both entries of two out, in sum not", violation, posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156), (1, $3, 2, $4, -5, -105, 1, 2, 156)`, []any{bank.ID, id, gift.ID, uuid.New()}},
		{"a balanced pair", "", posting + `(1, $1, 2, $2, 5, 105, 1, 1, 156), (1, $3, 2, $2, -5, -105, 1, 2, 156)`, []any{bank.ID, id, gift.ID}},
		{"a seq taken", "23505", posting + `(1, $1, 1, $2, 5, 105, 1, 1, 156), (1, $3, 2, $2, -5, -105, 1, 2, 156)`, []any{bank.ID, id, gift.ID}},
		{"a closed month", violation, entrySQL, []any{ledger.Day(2026, 3, 31), []int32{1, 2}, []int64{1, 1}}},
		{"a month before it, in which nothing was booked", violation, entrySQL, []any{ledger.Day(1999, 1, 1), []int32{1, 2}, []int64{1, 1}}},
		{"the last day before it", violation, entrySQL, []any{ledger.Day(2026, 2, 28), []int32{1, 2}, []int64{1, 1}}},
		{"the first day after it, softly closed", "", entrySQL, []any{ledger.Day(2026, 4, 1), []int32{1, 2}, []int64{1, 1}}},
		{"one line", violation, entrySQL, []any{day, []int32{1}, []int64{1}}},
		{"accounts without seqs", violation, entrySQL, []any{day, []int32{1, 2}, []int64{1}}},
		{"a guarded account below zero", violation, `update balance set balance = -1 where book_id = 1 and account_id = $1`, []any{bank.ID}},
		{"maker is checker", violation, `insert into document (book_id, entry_id, month, number, summary, source_kind, made_by, checked_by)
			values (1, $1, '2026-09-01', 2, 'x', 'voucher', '张三', '张三')`, []any{id}},
		{"a second voucher of one entry", "23505", `insert into document (book_id, entry_id, month, number, summary, source_kind, made_by)
			values (1, $1, '2026-09-01', 2, 'x', 'voucher', '张三')`, []any{e.ID}},
		{"a voucher number twice", "23505", `insert into document (book_id, entry_id, month, number, summary, source_kind, made_by)
			values (1, $1, '2026-09-01', 1, 'x', 'voucher', '张三')`, []any{id}},
	}
	for _, c := range cases {
		if got := refusedWith(t, b.db, c.sql, c.args...); got != c.code {
			t.Errorf("%s: %q, want %q", c.name, got, c.code)
		}
	}
	b.verified()
}

// account is the account of a leaf that has one.
func (b *testBook) account(leaf ledger.Leaf) ledger.Account {
	b.t.Helper()
	a, err := ledger.AccountByLeaf(b.ctx(), b.db, b.Book, leaf)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func TestClosedMonth(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.gift(day, 100)
	// Hard comes last: from there no way leads back.
	for _, at := range []struct {
		state string
		want  error
	}{{"soft", nil}, {"open", nil}, {"hard", ledger.ErrPeriodClosed}} {
		if _, err := b.db.Exec(t.Context(), `update period set state = $1 where book_id = $2 and month = $3`, at.state, b.ID, ledger.Month(day)); err != nil {
			t.Fatal(err)
		}
		for _, d := range []time.Time{ledger.Day(2026, 9, 1), ledger.Day(2026, 9, 30), time.Date(2026, 9, 30, 23, 59, 59, 0, b.Zone)} {
			e := entry(d, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 1)...)
			if _, err := b.tryPost(e); !errors.Is(err, at.want) {
				t.Errorf("%s: %s: %v, want %v", at.state, d, err, at.want)
			}
		}
		for _, d := range []time.Time{ledger.Day(2026, 8, 31), ledger.Day(2019, 2, 3)} { // what is closed for good closes what lies before it
			if _, err := b.tryPost(entry(d, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 1)...)); !errors.Is(err, at.want) {
				t.Errorf("%s: %s: %v, want %v", at.state, d, err, at.want)
			}
		}
		b.post(entry(ledger.Day(2026, 10, 1), pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 1)...))
	}
	b.verified()
}

// A bad member hurts nobody: whatever is wrong with it is said of it alone.
func TestBadMembersOfABatchFailAlone(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	bank, gift := b.leaf("1002.01", "G"), b.leaf("4101.01", "G")
	good := func(change ...func(*ledger.Entry)) ledger.Entry {
		e := entry(day, pair(bank, gift, 100)...)
		e.Document = &ledger.Document{Summary: "收", SourceKind: "voucher", MadeBy: "张三", CheckedBy: "李四"}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	first := good()
	document := func(change func(*ledger.Document)) ledger.Entry {
		return good(func(e *ledger.Entry) { change(e.Document) })
	}
	long := make([]rune, 401)
	for i := range long {
		long[i] = '长'
	}
	batch := []struct {
		entry ledger.Entry
		want  error
	}{
		{first, nil},
		{good(func(e *ledger.Entry) { e.Lines[1].Amount++ }), ledger.ErrUnbalanced},
		{good(func(e *ledger.Entry) { e.Lines = e.Lines[:1] }), ledger.ErrUnbalanced},
		{good(func(e *ledger.Entry) { e.Lines = nil }), ledger.ErrUnbalanced},
		{good(func(e *ledger.Entry) { e.Lines = make([]ledger.Line, ledger.LinesMax+1) }), ledger.ErrTooManyLines},
		{good(func(e *ledger.Entry) { e.Lines[0].Amount = ledger.AmountMax + 1 }), ledger.ErrAmount},
		{good(func(e *ledger.Entry) { e.Lines[0].Units = 5 }), ledger.ErrAmount},
		{good(func(e *ledger.Entry) { e.Lines[0].Leaf.Currency = "EUR"; e.Lines[0].Leaf.Chart = "prepay" }), ledger.ErrUnknownAccount},
		{good(func(e *ledger.Entry) { e.Lines[0].Leaf.Currency = "???"; e.Lines[0].Units = 1 }), ledger.ErrUnknownAccount},
		{good(func(e *ledger.Entry) { e.Lines[0].Leaf.Fund, e.Lines[1].Leaf.Fund = 99, 99 }), ledger.ErrUnknownAccount},
		{good(func(e *ledger.Entry) { e.Lines[0].Leaf.Dims.Counterparty = "a\x00b" }), ledger.ErrUnknownAccount},
		{good(func(e *ledger.Entry) { e.Lines[0].Leaf.Dims.Counterparty = "\xff" }), ledger.ErrUnknownAccount},
		{good(func(e *ledger.Entry) { e.Reverses = first.ID }), ledger.ErrNoReason},
		{document(func(d *ledger.Document) { d.Summary = "" }), ledger.ErrDocument},
		{document(func(d *ledger.Document) { d.Summary = string(long) }), ledger.ErrDocument},
		{document(func(d *ledger.Document) { d.Summary = string(long[:400]) }), nil},
		{document(func(d *ledger.Document) { d.Summary = "a\x00" }), ledger.ErrDocument},
		{document(func(d *ledger.Document) { d.Attachments = -1 }), ledger.ErrDocument},
		{document(func(d *ledger.Document) { d.CheckedBy = d.MadeBy }), ledger.ErrSamePerson},
		{good(func(e *ledger.Entry) { e.Lines = pair(b.leaf("5101.01", "G"), bank, 201) }), ledger.ErrGuarded},
		{good(func(e *ledger.Entry) { e.Lines = pair(b.leaf("5101.01", "G"), b.leaf("1009.01", "G"), 201) }), ledger.ErrShort},
		{good(func(e *ledger.Entry) { e.Key, e.ID, e.Document = first.ID, uuid.Nil, first.Document }), nil},
		{good(func(e *ledger.Entry) { e.Key, e.EffectiveOn = first.ID, day.AddDate(0, 0, 1) }), ledger.ErrKeyReused},
	}
	var entries []ledger.Entry
	for _, m := range batch {
		entries = append(entries, m.entry)
	}
	// A programmer's mistakes have no name, but hurt nobody either.
	entries = append(entries, good(func(e *ledger.Entry) { e.Kind = 99 }), good(func(e *ledger.Entry) { e.EffectiveOn = time.Time{} }))
	var got []ledger.Result
	b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		got, err = ledger.Post(ctx, tx, b.Book, entries)
		return err
	})
	for i, m := range batch {
		if !errors.Is(got[i].Err, m.want) {
			t.Errorf("member %d: %v, want %v", i, got[i].Err, m.want)
		}
	}
	for _, r := range got[len(batch):] {
		if r.Err == nil {
			t.Errorf("%+v was booked", r)
		}
	}
	if got := b.balance(bank); got != 200 {
		t.Errorf("bank stands at %d after two good members of 100", got)
	}
	b.verified()
}

func TestTooManyEntriesAtOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	err := b.try(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.Post(ctx, tx, b.Book, make([]ledger.Entry, ledger.EntriesMax+1))
		return err
	})
	if !errors.Is(err, ledger.ErrTooManyLines) {
		t.Error(err)
	}
}

// An id that stands under another key would break the batch: PostgreSQL refuses, and the refusal has a name.
func TestOneIDUnderTwoKeys(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	e := entry(day, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 100)...)
	b.post(e)
	e.Key = uuid.New()
	if _, err := b.tryPost(e); !errors.Is(err, ledger.ErrKeyReused) {
		t.Error(err)
	}
	b.verified()
}

func TestAgencyMoneyBalancesByItself(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	agency, bank := b.leaf("1002.09", "A"), b.leaf("1002.01", "A")
	b.post(entry(day, pair(agency, b.leaf("2601", "A"), 500)...))
	if _, err := b.tryPost(entry(day, pair(bank, b.leaf("2601", "A"), 500)...)); !errors.Is(err, ledger.ErrUnbalanced) {
		t.Errorf("agency money in our own account: %v", err)
	}
	if _, err := b.tryPost(entry(day, pair(b.leaf("5101.01", "A"), agency, 500)...)); !errors.Is(err, ledger.ErrUnbalanced) {
		t.Errorf("our expense from agency money: %v", err)
	}
	if _, err := b.tryPost(entry(day, pair(b.leaf("2601", "A"), agency, 501)...)); !errors.Is(err, ledger.ErrGuarded) {
		t.Errorf("more than was entrusted: %v", err)
	}
	b.post(entry(day, pair(b.leaf("2601", "A"), agency, 500)...))
	b.verified()
}

// Liquid money that is not the fund's own does not make it richer: restricted net assets may not go below zero (I5).
func TestRestrictedFundsSpendNoAdvances(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for code, want := range map[string]error{"R": ledger.ErrShort, "S": ledger.ErrShort, "G": nil, "D": nil} {
		fund := ledger.Fund{Kind: b.funds[code].Kind}
		leaf := func(id string) ledger.Leaf { return ledger.Leaf{Chart: chart.ID(id), Fund: b.funds[code].ID} }
		b.post(entry(day, pair(leaf("bank.basic"), leaf(fund.Class("gift")), 100)...))
		b.post(entry(day, pair(leaf("bank.basic"), leaf("advance"), 50)...))
		b.post(entry(day, pair(leaf(fund.Class("program")), leaf("bank.basic"), 100)...))
		_, err := b.tryPost(entry(day, pair(leaf(fund.Class("program")), leaf("bank.basic"), 1)...))
		if !errors.Is(err, want) {
			t.Errorf("fund %s spends a customer's advance: %v, want %v", code, err, want)
		}
	}
	b.verified()
}
