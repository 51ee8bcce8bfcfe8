package match

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Seed is the secret of an event's draws: 32 random bytes, made before opening and told after closing.
type Seed [32]byte

// ErrSeed means that a text is no seed or commitment: 64 hexadecimal digits.
var ErrSeed = errors.New("not 64 hexadecimal digits")

// ParseSeed reads 64 hexadecimal digits, or ErrSeed.
func ParseSeed(text string) (Seed, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(Seed{}) {
		return Seed{}, ErrSeed
	}
	return Seed(b), nil
}

// String gives 64 hexadecimal digits. Before the event has closed nobody but the engine may see it.
func (s Seed) String() string { return hex.EncodeToString(s[:]) }

// Commitment is published before opening: the SHA-256 of the seed's 32 bytes, in hexadecimal digits.
func (s Seed) Commitment() string {
	sum := sha256.Sum256(s[:])
	return hex.EncodeToString(sum[:])
}

// Opens says whether the seed is the one that was promised by a commitment.
func (s Seed) Opens(commitment string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Commitment()), []byte(commitment)) == 1
}

// Draw gives an integer of low to high, each equally likely, for one gift and one label.
//
// Anybody can do it again: take HMAC-SHA256 with the seed as key over "gift/label/n" with n = 0; read its 32 bytes as four
// big-endian 64-bit numbers. With m = high - low + 1 the first number below the largest multiple of m that is not above
// 2^64 gives low + number mod m. If all four are above it, go on with n = 1, and so on.
func (s Seed) Draw(gift, label string, low, high int64) int64 {
	if low > high || high-low < 0 {
		panic(fmt.Sprintf("match: draw between %d and %d", low, high))
	}
	span := uint64(high-low) + 1
	last := math.MaxUint64 - -span%span // -span%span is 2^64 mod span: so many numbers at the top would favour small results
	text := append(append(append(make([]byte, 0, 96), gift...), '/'), label...)
	text = append(text, '/')
	for n := 0; ; n++ {
		sum := s.mac(strconv.AppendInt(text, int64(n), 10))
		for at := 0; at < len(sum); at += 8 {
			if number := binary.BigEndian.Uint64(sum[at:]); number <= last {
				return low + int64(number%span)
			}
		}
	}
}

// mac is HMAC-SHA256 with the seed as key, as RFC 2104 writes it. crypto/hmac makes two hashes on the heap for it, and there are two draws a gift.
func (s Seed) mac(text []byte) [sha256.Size]byte {
	inner, outer := make([]byte, sha256.BlockSize, 192), make([]byte, sha256.BlockSize, sha256.BlockSize+sha256.Size)
	for i := range inner {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, k := range s {
		inner[i] ^= k
		outer[i] ^= k
	}
	sum := sha256.Sum256(append(inner, text...))
	return sha256.Sum256(append(outer, sum[:]...))
}
