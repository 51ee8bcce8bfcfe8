package seal

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors about keys from outside of the database.
var (
	ErrRing  = errors.New("not a key ring: want lines `sunfund-key-1 …` as `sunfund key new` makes them, the one to seal with first")
	ErrNoKey = errors.New("key ring lacks a key")
)

const (
	lineMark  = "sunfund-key-1"
	secretLen = 32
	keysMax   = 16
)

// Ring is the keys from outside of the database. The first seals, all of them open: a new key is put before the old ones, and
// an old one taken away when nothing is sealed by it any more. It prints as the ids of its keys, never as the keys.
type Ring struct{ keys []outer }

// outer is one key from outside, parted by purpose.
type outer struct {
	id    string
	wrap  cipher.AEAD
	index []byte
}

// NewLine makes a new random key, as a line of a key ring.
func NewLine() string {
	var secret [secretLen]byte
	_, _ = rand.Read(secret[:]) // never fails
	return lineMark + " " + base64.StdEncoding.EncodeToString(secret[:])
}

// Parse reads a key ring: a key a line; empty lines and lines that begin with # say nothing. ErrRing; the error quotes nothing.
func Parse(text []byte) (*Ring, error) {
	r := &Ring{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		mark, key, _ := strings.Cut(line, " ")
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
		if mark != lineMark || err != nil || len(secret) != secretLen || len(r.keys) == keysMax {
			return nil, ErrRing
		}
		k, err := derive(secret)
		if err != nil {
			return nil, err
		}
		if r.Has(k.id) {
			return nil, fmt.Errorf("%w: key %s stands twice", ErrRing, k.id)
		}
		r.keys = append(r.keys, k)
	}
	if len(r.keys) == 0 {
		return nil, ErrRing
	}
	return r, nil
}

// derive makes a key for each purpose, and an id that tells nothing of them.
func derive(secret []byte) (k outer, err error) {
	part := func(purpose string, length int) []byte {
		key, wrong := hkdf.Expand(sha256.New, secret, "sunfund "+purpose+" 1", length)
		err = errors.Join(err, wrong)
		return key
	}
	id, wrap, index := part("id", 4), part("wrap", 32), part("index", 32)
	if err != nil {
		return outer{}, fmt.Errorf("derive keys: %w", err)
	}
	aead, err := gcm(wrap)
	return outer{id: hex.EncodeToString(id), wrap: aead, index: index}, err
}

// gcm makes AES-256-GCM that puts a random nonce before what it seals.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Current is the id of the key that seals.
func (r *Ring) Current() string { return r.keys[0].id }

// Has tells whether the key with the id is on the ring.
func (r *Ring) Has(id string) bool { return r.find(id) != nil }

func (r *Ring) find(id string) *outer {
	i := slices.IndexFunc(r.keys, func(k outer) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return &r.keys[i]
}

// Index is where a text is found again: a hash of it and of what it is, under the key that seals. It has 64 bits, so that two
// texts may share one, though they do not in practice.
func (r *Ring) Index(place, text string) int64 { return r.keys[0].hash(place, text) }

// Indexes are where a text may be found, by each key of the ring: while keys are changed there is more than one.
func (r *Ring) Indexes(place, text string) []int64 {
	list := make([]int64, len(r.keys))
	for i := range r.keys {
		list[i] = r.keys[i].hash(place, text)
	}
	return list
}

func (k *outer) hash(place, text string) int64 {
	h := hmac.New(sha256.New, k.index)
	h.Write([]byte(place))
	h.Write([]byte{0})
	h.Write([]byte(text))
	var sum [sha256.Size]byte
	return int64(binary.BigEndian.Uint64(h.Sum(sum[:0])))
}

// Format prints the ids of the keys, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) {
	ids := []string{}
	if r != nil {
		for _, k := range r.keys {
			ids = append(ids, k.id)
		}
	}
	fmt.Fprintf(f, "key ring %v", ids)
}
