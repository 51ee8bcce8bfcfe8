package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrPassword means that a new password is too short or too long. Ask for another one and tell
// PasswordMin.
var ErrPassword = errors.New("password must have 10 to 200 characters")

// Bounds of a new password, in characters.
const (
	PasswordMin = 10
	PasswordMax = 200
)

// maxPasswordBytes keeps a megabyte from being normalised and hashed.
const maxPasswordBytes = 4 * PasswordMax

// cost is what one argon2id hash takes. It is written into each hash, so raising it here does not
// lock anybody out.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// New hashes follow OWASP's first choice: 46 MiB, one pass, one thread.
const (
	hashMemory  = 47104
	hashPasses  = 1
	hashThreads = 1
	saltLen     = 16
	hashLen     = 32
)

// Bounds of what a stored hash may ask for, so that one bad row cannot stop the service.
const (
	maxMemory = 1 << 20
	maxPasses = 16
)

// Hasher hashes passwords, only a few at a time: each takes 46 MiB, and a flood of sign-ins must
// not take them all. One Hasher serves the whole process.
type Hasher struct {
	slots chan struct{}
	// dummy is compared when there is nobody to compare with, so that an unknown name takes as
	// long as a wrong password.
	dummy string
	key   func(password, salt []byte, passes, memory uint32, threads uint8, length uint32) []byte
}

// NewHasher makes a Hasher that works on at most n passwords at once; the others wait for their
// turn or for the end of their context.
func NewHasher(n int) (*Hasher, error) {
	h := &Hasher{slots: make(chan struct{}, n), key: argon2.IDKey}
	dummy, err := h.Hash(context.Background(), rand.Text())
	if err != nil {
		return nil, err
	}
	h.dummy = dummy
	return h, nil
}

// Hash makes the PHC string of a password, with a fresh salt. ErrPassword when its length is out
// of bounds.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxPasswordBytes {
		return "", ErrPassword
	}
	password = fold(password)
	if n := utf8.RuneCountInString(password); n < PasswordMin || n > PasswordMax {
		return "", ErrPassword
	}
	salt := make([]byte, saltLen)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	c := cost{memory: hashMemory, passes: hashPasses, threads: hashThreads}
	sum, err := h.sum(ctx, password, salt, c, hashLen)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum)), nil
}

// matches tells whether the password belongs to the PHC string. An empty string belongs to nobody,
// and takes as long.
func (h *Hasher) matches(ctx context.Context, phc, password string) (bool, error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	c, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	if len(password) > maxPasswordBytes {
		password, known = "", false
	}
	got, err := h.sum(ctx, fold(password), salt, c, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *Hasher) sum(ctx context.Context, password string, salt []byte, c cost, length uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil { // also when the turn came with the end
		return nil, fmt.Errorf("wait for a turn to hash: %w", err)
	}
	return h.key([]byte(password), salt, c.passes, c.memory, c.threads, length), nil
}

// fold makes one spelling of what a Chinese keyboard may send as full-width or as plain letters.
func fold(password string) string { return norm.NFKC.String(password) }

var errPHC = errors.New("not an argon2id hash")

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func parsePHC(phc string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, nil, nil, errPHC
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, nil, fmt.Errorf("%w: version %q", errPHC, parts[2])
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, fmt.Errorf("%w: parameters %q", errPHC, parts[3])
	}
	if c.memory > maxMemory || c.passes < 1 || c.passes > maxPasses || c.threads < 1 {
		return c, nil, nil, fmt.Errorf("%w: parameters %q out of bounds", errPHC, parts[3])
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("%w: salt", errPHC)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) < 16 || len(sum) > 64 {
		return c, nil, nil, fmt.Errorf("%w: sum", errPHC)
	}
	return c, salt, sum, nil
}
