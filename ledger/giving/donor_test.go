package giving_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

func (w *world) named(ref, name, email, message string) giving.Paid {
	p := w.paid("general", ref)
	p.Name, p.Email, p.Message = name, email, message
	return p
}

func (w *world) startedBy(name, email, message string) *giving.Checkout {
	w.t.Helper()
	var c *giving.Checkout
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns["general"].ID, Amount: "20", Currency: "CNY", Name: name,
			Email: email, Message: message, Lang: "zh-CN", Channel: giving.Sandbox}, testNow)
		return err
	})
	return c
}

func (w *world) found(text string) (refs []string) {
	w.t.Helper()
	list, err := giving.SearchGifts(w.t.Context(), w.db, w.book, giving.GiftFilter{Text: text, Limit: 50})
	if err != nil {
		w.t.Fatal(err)
	}
	n, _, err := giving.CountGifts(w.t.Context(), w.db, w.book, giving.GiftFilter{Text: text})
	if err != nil || int(n) != len(list) {
		w.t.Errorf("%q: counted %d of %d (%v)", text, n, len(list), err)
	}
	for _, f := range list {
		refs = append(refs, f.Ref)
	}
	slices.Sort(refs)
	return refs
}

// What donors tell is sealed by a key of their own, whichever way it came, and is read everywhere it was before.
func TestDonorsAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.startedBy("王芳", "wang@example.org", "加油")
	outcomes := w.give(giving.Paid{ID: c.ID, Amount: 20_00, PaidAt: testNow, Channel: giving.Sandbox, Ref: "web"},
		w.named("a", "李雷", "li@example.org", "为了孩子"), w.named("b", "李雷", "", ""), w.named("c", "", "", "无名"), w.named("d", "", "", ""))
	for i, o := range outcomes {
		if o.Err != nil {
			t.Fatalf("member %d: %v", i, o.Err)
		}
	}
	want := []giving.Personal{{Name: "王芳", Email: "wang@example.org", Message: "加油"}, {Name: "李雷", Email: "li@example.org", Message: "为了孩子"},
		{Name: "李雷"}, {Message: "无名"}, {}}
	for i, o := range outcomes {
		r, err := giving.GiftByID(t.Context(), w.db, w.book, o.ID)
		if err != nil || r.Gift.Personal != want[i] || r.Gift.Erased || (r.Gift.Donor == uuid.Nil) != (want[i] == giving.Personal{}) {
			t.Errorf("gift %d: %+v, %v", i, r.Gift, err)
		}
	}
	var donors, keys, names int
	err := w.owner.QueryRow(t.Context(), `select count(*), count(distinct key), count(distinct name) from private.donor`).Scan(&donors, &keys, &names)
	if err != nil || donors != 4 || keys != 4 || names != 3 {
		t.Errorf("%d donors, %d keys, %d names (%v)", donors, keys, names, err)
	}
	w.verify()
}

// Names and addresses are found whole, however they are written; parts of them, and messages, are not.
func TestDonorsAreFoundWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(w.named("a", "Ｍei Straße", "Mei@Example.org", "hello there"), w.named("b", "mei strasse", "", ""), w.named("c", "李雷", "li@example.org", ""))
	for text, want := range map[string]string{
		"MEI STRASSE": "[a b]", " mei straße ": "[a b]", "李雷": "[c]", "mei@example.ORG": "[a]", "mei": "[]", "李": "[]", "hello": "[]", "example.org": "[]",
		"c": "[c]",
	} {
		if got := fmt.Sprint(w.found(text)); got != want {
			t.Errorf("%q finds %s, want %s", text, got, want)
		}
	}
}

// Sealed data are bound to book, donor and column: moved elsewhere by somebody in the database they do not open.
func TestSealedDataDoNotMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outcomes := w.give(w.named("a", "王芳", "wang@example.org", "甲"), w.named("b", "李雷", "li@example.org", "乙"))
	for what, sql := range map[string]string{
		"other column": `update private.donor set name = email where id = $1`,
		"other donor":  `update private.donor set key = o.key, name = o.name, email = o.email from private.donor o where donor.id = $1 and o.id <> $1`,
		"other name":   `update private.donor set name = o.name from private.donor o where donor.id = $1 and o.id <> $1`,
		"other words":  `update private.message set text = o.text from private.message o where message.donor_id = $1 and o.donor_id <> $1`,
	} {
		tx, err := w.owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tag, err := tx.Exec(t.Context(), sql, outcomes[0].ID); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %s", what, err, tag)
		}
		if _, err := giving.GiftByID(t.Context(), tx, w.book, outcomes[0].ID); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("%s: %v", what, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	other := *w.book
	other.Keys = newRing(t, seal.NewLine())
	if _, err := giving.GiftByID(t.Context(), w.db, &other, outcomes[0].ID); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("by another ring: %v", err)
	}
}

// A record is what one address told, however often; a name alone joins nobody. Erasing it leaves gifts and totals, and ends.
func TestEraseDonors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.startedBy("王芳", "WANG@example.org", "未付")
	outcomes := w.give(w.named("a", "王芳", "wang@example.org", "甲"), w.named("b", "Wang Fang", "wang@example.org", ""), w.named("c", "王芳", "", "丙"))
	before := w.progress("general")
	record, err := giving.ReadDonor(t.Context(), w.db, w.book, outcomes[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Donors) != 3 || len(record.Gifts) != 2 || len(record.Started) != 1 || record.Namesake != 1 || record.Erased() ||
		record.Started[0].Message != "未付" || record.Called() == "" {
		t.Errorf("%+v", record)
	}
	erase := func(ids ...uuid.UUID) (n int64, err error) {
		err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
			n, err = giving.EraseDonors(ctx, tx, w.book, ids, testNow)
			return err
		})
		return n, err
	}
	if n, err := erase(record.IDs()...); n != 3 || err != nil {
		t.Errorf("erased %d, %v", n, err)
	}
	if _, err := erase(record.IDs()...); !errors.Is(err, giving.ErrErased) {
		t.Errorf("again: %v", err)
	}
	if _, err := giving.ReadDonor(t.Context(), w.db, w.book, uuid.New()); !errors.Is(err, giving.ErrNoDonor) {
		t.Errorf("nobody: %v", err)
	}
	for i, erased := range []bool{true, true, false} {
		r, err := giving.GiftByID(t.Context(), w.db, w.book, outcomes[i].ID)
		if err != nil || r.Gift.Erased != erased || (r.Gift.Personal == giving.Personal{}) != erased || r.Gift.Amount != 100_00 {
			t.Errorf("gift %d: %+v, %v", i, r.Gift, err)
		}
	}
	if c, err := giving.CheckoutByID(t.Context(), w.db, w.book, started.ID); err != nil || !c.Erased || c.Personal != (giving.Personal{}) {
		t.Errorf("%+v, %v", c, err)
	}
	if got := fmt.Sprint(w.found("王芳"), w.found("wang@example.org")); got != "[c] []" {
		t.Errorf("still found: %s", got)
	}
	// The started gift is paid after all: it is booked, of an erased donor. And a replay brings nothing back.
	after := w.give(giving.Paid{ID: started.ID, Amount: 20_00, PaidAt: testNow, Channel: giving.Sandbox, Ref: "late"}, w.named("a", "王芳", "wang@example.org", "甲"))
	if after[0].Err != nil || !after[1].Replayed || after[1].Err != nil {
		t.Errorf("%+v", after)
	}
	if r, err := giving.GiftByID(t.Context(), w.db, w.book, started.ID); err != nil || !r.Gift.Erased {
		t.Errorf("%+v, %v", r, err)
	}
	if now := w.progress("general"); now.Received != before.Received+20_00 || now.Gifts != before.Gifts+1 {
		t.Errorf("%+v, before %+v", now, before)
	}
	if _, err := w.db.Exec(t.Context(), `update private.donor set erased_at = null, key_id = 'ffffffff', key = decode(repeat('00', 60), 'hex') where id = $1`, outcomes[0].ID); err == nil {
		t.Error("an erased donor came back")
	}
	w.verify()
}

func newRing(t *testing.T, lines ...string) *seal.Ring {
	t.Helper()
	r, err := seal.Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Keys are changed while the service goes on: with both on the ring everything is read and found, after rewrapping the new one
// is enough, and whoever comes without a key that is needed is told so.
func TestKeysAreChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, fresh := seal.NewLine(), seal.NewLine()
	use := func(lines ...string) error {
		return w.try(func(ctx context.Context, tx pgx.Tx) error {
			return ledger.UseKeys(ctx, tx, w.book, newRing(t, lines...))
		})
	}
	if err := use(old); !errors.Is(err, ledger.ErrKeyLost) {
		t.Fatalf("without the book's key: %v", err)
	}
	if err := w.try(func(ctx context.Context, tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, w.book, nil) }); !errors.Is(err, ledger.ErrNoKeys) {
		t.Errorf("without a ring: %v", err)
	}
	if _, err := w.owner.Exec(t.Context(), `delete from private.outside_key`); err != nil { // a book that nobody gave to yet
		t.Fatal(err)
	}
	if err := use(old); err != nil {
		t.Fatal(err)
	}
	var many []giving.Paid
	for i := range 1003 {
		many = append(many, w.named(fmt.Sprint(i), fmt.Sprintf("捐赠人%d", i), fmt.Sprintf("d%d@example.org", i), ""))
	}
	many[5].Message = "留言"
	w.give(many[:1000]...)
	w.give(many[1000:]...)
	if err := use(fresh); !errors.Is(err, ledger.ErrKeyLost) || !strings.Contains(err.Error(), newRing(t, old).Current()) {
		t.Errorf("without the old key: %v", err)
	}
	if err := use(fresh, old); err != nil {
		t.Fatal(err)
	}
	w.give(w.named("new", "捐赠人5", "", ""))
	if got := fmt.Sprint(w.found("捐赠人5")); got != "[5 new]" {
		t.Errorf("with both keys: %s", got)
	}
	if n, err := giving.RewrapDonors(t.Context(), w.db, w.book); n != 1003 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := use(fresh); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.found("捐赠人5"), w.found("d7@example.org")); got != "[5 new] [7]" {
		t.Errorf("with the new key: %s", got)
	}
	id := giving.GiftID(w.book, many[5].Channel, "5", many[5].PaidAt)
	if r, err := giving.GiftByID(t.Context(), w.db, w.book, id); err != nil || r.Gift.Personal != (giving.Personal{Name: "捐赠人5", Email: "d5@example.org", Message: "留言"}) {
		t.Errorf("%+v, %v", r, err)
	}
	w.verify()
}

// Without keys nothing personal is taken; gifts without it are.
func TestNoKeysNoNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bare := *w.book
	bare.Keys = nil
	if _, err := giving.Commit(t.Context(), w.db, &bare, []giving.Paid{w.named("a", "王芳", "", "")}); !errors.Is(err, ledger.ErrNoKeys) {
		t.Errorf("%v", err)
	}
	if o, err := giving.Commit(t.Context(), w.db, &bare, []giving.Paid{w.named("b", "", "", "")}); err != nil || o[0].Err != nil {
		t.Errorf("%+v, %v", o, err)
	}
}

// BenchmarkNames is a batch of 1,000 gifts without and with what donors tell.
func BenchmarkNames(b *testing.B) {
	for _, c := range []struct{ what, name, message string }{{"none", "", ""}, {"name", "王小明", ""}, {"name-message", "王小明", "愿每个孩子都有阳光和自己的一张书桌。"}} {
		b.Run(c.what, func(b *testing.B) {
			w := newWorld(b)
			n := 0
			for b.Loop() {
				paid := make([]giving.Paid, 1000)
				for i := range paid {
					paid[i] = giving.Paid{CampaignID: 1, Amount: 100_00, PaidAt: time.Date(2026, 9, 5, 4, 0, 0, 0, time.UTC), Channel: giving.WeChat,
						Ref: fmt.Sprint(n), Name: c.name, Message: c.message}
					n++
				}
				outcomes, err := giving.Commit(b.Context(), w.db, w.book, paid)
				if err != nil || outcomes[999].Err != nil {
					b.Fatal(err, outcomes)
				}
			}
		})
	}
}
