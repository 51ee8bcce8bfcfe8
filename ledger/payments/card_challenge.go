package payments

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
)

// Limits of a challenge.
const (
	challengeLife = 30 * time.Minute
	challengeBits = 14 // about 16,000 hashes: a second or so on a telephone
	nonceMax      = 20 // characters
)

// Challenge is what a form must answer in doubtful times: a nonce such that SHA-256 of "Token:nonce" begins with Bits zero bits,
// or without script the sum of A and B.
type Challenge struct {
	Token string
	Bits  int
	A, B  int
}

// NewChallenge makes the challenge of a form. It is bound to the form, so that an answer begins one payment at most.
func NewChallenge(book *ledger.Book, form uuid.UUID, now time.Time) (Challenge, error) {
	return challengeAt(book, form, now.Unix())
}

func challengeAt(book *ledger.Book, form uuid.UUID, at int64) (c Challenge, err error) {
	if book.Keys == nil {
		return c, ledger.ErrNoKeys
	}
	mac := uint64(book.Keys.Index(fmt.Sprintf("book %d challenge", book.ID), fmt.Sprintf("%s %d", form, at)))
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], mac)
	pick := sha256.Sum256(seed[:])
	return Challenge{fmt.Sprintf("%s-%d-%016x", form, at, mac), challengeBits, 2 + int(pick[0]%8), 2 + int(pick[1]%8)}, nil
}

// Answer is what a form brings for its challenge: the nonce or the sum.
type Answer struct{ Token, Nonce, Sum string }

// solved tells whether a form's challenge is answered, by work or by the sum.
func solved(book *ledger.Book, form uuid.UUID, a Answer, now time.Time) (bool, error) {
	token, nonce, sum := a.Token, a.Nonce, a.Sum
	rest, ok := strings.CutPrefix(token, form.String()+"-")
	stamp, _, cut := strings.Cut(rest, "-")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || !cut || err != nil {
		return false, nil
	}
	if age := now.Sub(time.Unix(at, 0)); age < -time.Minute || age > challengeLife {
		return false, nil
	}
	c, err := challengeAt(book, form, at)
	if err != nil || c.Token != token {
		return false, err
	}
	if strings.TrimSpace(sum) == strconv.Itoa(c.A+c.B) {
		return true, nil
	}
	return nonce != "" && len(nonce) <= nonceMax && c.worked(nonce), nil
}

func (c Challenge) worked(nonce string) bool {
	hash := sha256.Sum256([]byte(c.Token + ":" + nonce))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(hash[:8])) >= c.Bits
}

// Work finds the nonce of a challenge, as the page's script does.
func (c Challenge) Work() string {
	for n := 0; ; n++ {
		if nonce := strconv.Itoa(n); c.worked(nonce) {
			return nonce
		}
	}
}
