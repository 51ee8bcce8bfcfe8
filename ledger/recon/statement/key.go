package statement

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Keys gives every line of a file the key by which it is known again when it comes in another file of the account: neither is it
// taken in twice, nor is a true repeat dropped. The key is a hash of what the line is and the occurrence number among equal lines
// of its day. It rests on nothing that another cut of the same days would change: not on the place in the file, not on the order,
// not on whether an id happens to be unique in this file.
//
// WeChat Pay's, Alipay's and Stripe's own numbers are trusted: a file in which one stands twice is refused, and they alone are the key, so that
// another amount under the same number is seen. A bank's are only one part of the hash, because banks give them twice (a fee and its
// payment in OFX). Equal lines of a day are told apart by the balance after them
// where there is one, else by the time of day, else counted; so a day must not be cut between two files where there is neither.
type Keys struct {
	Format Format
	seen   map[[16]byte]uint32
	buffer []byte
}

// Key names a line among those of an account: 16 bytes of the hash, then the occurrence number.
type Key [20]byte

// Trusted tells whether the numbers of a format are unique.
func (f Format) Trusted() bool {
	switch f {
	case WeChatTrade, AlipayTrade, StripeBalance, StripePayouts, StripeMembers:
		return true
	}
	return false
}

// Key names a line; it is called once for each line of a file.
func (k *Keys) Key(l *Line) (key Key) {
	k.buffer = k.buffer[:0]
	if k.Format.Trusted() {
		k.add(l.ID)
		k.add(l.Order)
		k.add(l.Kind)
	} else {
		k.day(l.Booked)
		k.number(l.Amount)
		k.add(l.ID)
		k.add(l.EndToEnd)
		k.add(l.Party)
		k.add(l.PartyAccount)
		k.add(l.Text)
		k.add(l.Code)
		k.day(l.Value)
		if l.Balance.Known {
			k.number(l.Balance.Minor)
		} else if !l.Clock.IsZero() {
			k.number(l.Clock.Unix())
		}
	}
	sum := sha256.Sum256(k.buffer)
	short := [16]byte(sum[:])
	if k.seen == nil {
		k.seen = map[[16]byte]uint32{}
	}
	k.seen[short]++
	copy(key[:], short[:])
	binary.BigEndian.PutUint32(key[16:], k.seen[short])
	return key
}

func (k *Keys) add(s string) {
	k.buffer = binary.AppendUvarint(k.buffer, uint64(len(s)))
	k.buffer = append(k.buffer, s...)
}

func (k *Keys) number(n int64) { k.buffer = binary.AppendVarint(k.buffer, n) }

func (k *Keys) day(d time.Time) { k.number(d.Unix() / 86400) }
