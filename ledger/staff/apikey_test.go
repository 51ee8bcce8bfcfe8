package staff_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

const year = 365 * 24 * time.Hour

func (o office) key(scopes ...staff.Scope) (k staff.Key, token string) {
	o.Helper()
	o.must(o.tx(func(tx pgx.Tx) (err error) {
		k, token, err = staff.CreateKey(o.ctx, tx, book, "网站", scopes, uuid.Nil, now.Add(year), now)
		return err
	}))
	return k, token
}

func TestAPIKey(t *testing.T) {
	o := newOffice(t)
	k, token := o.key(staff.GiftsRead, staff.GiftsWrite, staff.GiftsRead)
	if parts := strings.Split(token, "_"); len(parts) != 3 || parts[0] != "sf" || len(parts[1]) != 32 || len(parts[2]) != 52 {
		t.Fatal(token)
	}
	got, err := staff.Authenticate(o.ctx, o.service, token, now)
	o.must(err)
	if got.Book != book || got.ID != k.ID || !got.May(staff.GiftsRead) || got.May(staff.EntriesWrite) || len(got.Scopes) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, seconds := range []int{0, 30, 61} {
		o.must(o.tx(func(tx pgx.Tx) error {
			return staff.UseKey(o.ctx, tx, got, now.Add(time.Duration(seconds)*time.Second))
		}))
	}
	keys, err := staff.Keys(o.ctx, o.service, book, uuid.Nil, 0)
	o.must(err)
	if len(keys) != 1 || !keys[0].LastUsedAt.Equal(now.Add(61*time.Second)) {
		t.Fatalf("%+v", keys)
	}
	var stored int
	o.must(o.owner.QueryRow(o.ctx, `select count(*) from api_key k, audit_event e
		where k::text || e::text like '%' || $1 || '%'`, strings.Split(token, "_")[2]).Scan(&stored))
	if stored != 0 {
		t.Fatal("the secret is in the database")
	}
}

func TestAPIKeyRefusals(t *testing.T) {
	o := newOffice(t)
	k, token := o.key(staff.GiftsRead)
	_, other := o.key(staff.EntriesWrite)
	mine, theirs := strings.Split(token, "_"), strings.Split(other, "_")
	refused := func(name, token string, at time.Time) {
		t.Helper()
		if _, err := staff.Authenticate(o.ctx, o.service, token, at); err != staff.ErrKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("empty", "", now)
	refused("huge", "sf_"+strings.Repeat("a", 1<<20), now)
	refused("only the head", "sf_"+mine[1], now)
	refused("no secret", "sf_"+mine[1]+"_", now)
	refused("the secret of another", "sf_"+theirs[1]+"_"+mine[2], now)
	refused("another prefix", "sk_"+mine[1]+"_"+mine[2], now)
	refused("short secret", token[:len(token)-8], now)
	refused("of another book", "sf_aaaaaaq"+mine[1][7:]+"_"+mine[2], now)
	refused("expired", token, now.Add(year))
	o.must(o.tx(func(tx pgx.Tx) error { return staff.RevokeKey(o.ctx, tx, book, k.ID, uuid.Nil, now) }))
	refused("revoked", token, now)
	for b, id := range map[int32]uuid.UUID{book: k.ID, 2: k.ID} {
		o.want(o.tx(func(tx pgx.Tx) error { return staff.RevokeKey(o.ctx, tx, b, id, uuid.Nil, now) }), staff.ErrNoKey)
	}
	for name, c := range map[string]struct {
		name    string
		scopes  []staff.Scope
		expires time.Time
	}{
		"no name":   {"", []staff.Scope{staff.GiftsRead}, now.Add(year)},
		"no scope":  {"x", nil, now.Add(year)},
		"new scope": {"x", []staff.Scope{"people:write"}, now.Add(year)},
		"past":      {"x", []staff.Scope{staff.GiftsRead}, now},
		"for ever":  {"x", []staff.Scope{staff.GiftsRead}, now.Add(10 * year)},
	} {
		err := o.tx(func(tx pgx.Tx) error {
			_, _, err := staff.CreateKey(o.ctx, tx, book, c.name, c.scopes, uuid.Nil, c.expires, now)
			return err
		})
		if err != staff.ErrKeyInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The database knows the same scopes.
	o.must(o.tx(func(tx pgx.Tx) error {
		_, _, err := staff.CreateKey(o.ctx, tx, book, "all", staff.Scopes(), uuid.Nil, now.Add(year), now)
		return err
	}))
}
