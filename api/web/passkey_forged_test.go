package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// softKey is an authenticator that says and signs what the test wants.
type softKey struct {
	key     *ecdsa.PrivateKey
	id      []byte
	person  uuid.UUID
	rp      string // whose hash it signs
	origin  string
	typ     string
	flags   byte
	counter uint32
}

const present, verified = 0x01, 0x04

// newSoftKey gives the person a key, as if it had been registered at localhost.
func (o *office) newSoftKey(login string) *softKey {
	o.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	k := &softKey{key: key, id: []byte("credential of " + login), person: o.personID(login), rp: "localhost", origin: "http://localhost", typ: "webauthn.get", flags: present | verified, counter: 5}
	point, err := key.PublicKey.Bytes() // 4, x, y
	o.must(err)
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[33:]...)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into passkey (book_id, credential, id, person_id, name, public_key, sign_count, backup_eligible, transports, created_at)
			values ($1, $2, $3, $4, 'soft', $5, 4, false, '{}', $6)`, o.book.ID, k.id, uuid.New(), k.person, cose, o.now)
		return err
	})
	return k
}

// answer signs a challenge.
func (k *softKey) answer(t *testing.T, challenge string) string {
	t.Helper()
	client, err := json.Marshal(map[string]any{"type": k.typ, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	rp, of := sha256.Sum256([]byte(k.rp)), sha256.Sum256(client)
	data := binary.BigEndian.AppendUint32(append(rp[:], k.flags), k.counter)
	digest := sha256.Sum256(append(append([]byte(nil), data...), of[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	answer, err := json.Marshal(map[string]any{"id": text(k.id), "rawId": text(k.id), "type": "public-key", "response": map[string]string{
		"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature), "userHandle": text(k.person[:])}})
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestS8ForgedPasskeyAnswers signs what no browser would: for another site's id, from another origin, without the person
// verified, with a counter that stands still, twice. Each is refused, and the right answer beside them is taken.
func TestS8ForgedPasskeyAnswers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	begin := func() (c *client, token, challenge string) {
		c = o.browser()
		c.host = "localhost"
		var asked struct {
			Token   string
			Options struct {
				PublicKey struct{ Challenge, RPID string }
			}
		}
		a := c.post("/console/sign-in/passkey/options", nil)
		if err := json.Unmarshal([]byte(a.text), &asked); err != nil || asked.Options.PublicKey.RPID != "localhost" {
			t.Fatalf("%d %s", a.status, a.text)
		}
		return c, asked.Token, asked.Options.PublicKey.Challenge
	}
	send := func(c *client, token, answer string) int {
		return c.post("/console/sign-in/passkey", url.Values{"token": {token}, "answer": {answer}}).status
	}
	k := o.newSoftKey("li")
	for name, forge := range map[string]func(*softKey){
		"id of another site":      func(k *softKey) { k.rp = "evil.example" },
		"id of a host above":      func(k *softKey) { k.rp = "org" },
		"another origin":          func(k *softKey) { k.origin = "https://evil.example" },
		"another port":            func(k *softKey) { k.origin = "http://localhost:8081" },
		"https instead":           func(k *softKey) { k.origin = "https://localhost" },
		"made, not asked":         func(k *softKey) { k.typ = "webauthn.create" },
		"person not verified":     func(k *softKey) { k.flags = present },
		"nobody there":            func(k *softKey) { k.flags = verified },
		"another person's":        func(k *softKey) { k.person = o.personID("chen") },
		"credential that is none": func(k *softKey) { k.id = []byte("another") },
		"another key":             func(k *softKey) { k.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	} {
		forged := *k
		forge(&forged)
		c, token, challenge := begin()
		if status := send(c, token, forged.answer(t, challenge)); status != http.StatusUnauthorized || c.signedIn() {
			t.Errorf("%s: %d", name, status)
		}
	}
	c, token, _ := begin()
	if status := send(c, token, k.answer(t, base64.RawURLEncoding.EncodeToString(make([]byte, 32)))); status != http.StatusUnauthorized {
		t.Errorf("another challenge: %d", status)
	}
	c, token, challenge := begin()
	answer := k.answer(t, challenge)
	if status := send(c, token, answer); status != http.StatusSeeOther || !c.signedIn() {
		t.Fatalf("the right answer: %d", status)
	}
	if status := send(c, token, answer); status != http.StatusUnauthorized {
		t.Errorf("replayed: %d", status)
	}
	c, token, _ = begin()
	if status := send(c, token, answer); status != http.StatusUnauthorized {
		t.Errorf("replayed for another question: %d", status)
	}
	c, token, challenge = begin() // the counter has not moved: there may be a copy
	if status := send(c, token, k.answer(t, challenge)); status != http.StatusUnauthorized || c.signedIn() {
		t.Errorf("cloned counter: %d", status)
	}
	k.counter = 100
	c, token, challenge = begin()
	if status := send(c, token, k.answer(t, challenge)); status != http.StatusUnauthorized || o.audited("passkey.cloned") != 1 {
		t.Errorf("after a clone was seen: %d, %d events", status, o.audited("passkey.cloned"))
	}
}
