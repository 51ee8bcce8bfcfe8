package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// ErrSealed means that what is sealed was changed, moved to another place, or sealed by another key.
var ErrSealed = errors.New("sealed data cannot be opened")

// Key seals one person's data.
type Key struct{ aead cipher.AEAD }

// Wrapped is a person's key as the database holds it: sealed by the key from outside with the id.
type Wrapped struct {
	By  string
	Key []byte
}

// New makes a person's key, and wraps it for a place: who the person is.
func (r *Ring) New(place string) (Key, Wrapped, error) {
	var raw [secretLen]byte
	_, _ = rand.Read(raw[:]) // never fails
	aead, err := gcm(raw[:])
	return Key{aead}, Wrapped{r.keys[0].id, r.keys[0].wrap.Seal(nil, nil, raw[:], []byte(place))}, err
}

// Unwrap opens a person's key. ErrNoKey when the ring lacks the key that wraps it, ErrSealed.
func (r *Ring) Unwrap(w Wrapped, place string) (Key, error) {
	raw, err := r.raw(w, place)
	if err != nil {
		return Key{}, err
	}
	aead, err := gcm(raw)
	return Key{aead}, err
}

// Rewrap wraps a person's key by the first key of the ring. Errors are those of Unwrap.
func (r *Ring) Rewrap(w Wrapped, place string) (Wrapped, error) {
	raw, err := r.raw(w, place)
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{r.keys[0].id, r.keys[0].wrap.Seal(nil, nil, raw, []byte(place))}, nil
}

func (r *Ring) raw(w Wrapped, place string) ([]byte, error) {
	by := r.find(w.By)
	if by == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, w.By)
	}
	raw, err := by.wrap.Open(nil, nil, w.Key, []byte(place))
	if err != nil || len(raw) != secretLen {
		return nil, ErrSealed
	}
	return raw, nil
}

// Seal encrypts a text for a place.
func (k Key) Seal(place, text string) []byte {
	return k.aead.Seal(nil, nil, []byte(text), []byte(place))
}

// Open decrypts what was sealed for the place. ErrSealed.
func (k Key) Open(place string, sealed []byte) (string, error) {
	text, err := k.aead.Open(nil, nil, sealed, []byte(place))
	if err != nil {
		return "", ErrSealed
	}
	return string(text), nil
}
