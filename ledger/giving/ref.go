package giving

import (
	"crypto/aes"
	"encoding/base32"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"sunfund/ledger"
)

// ErrRef means that no gift of this book can have the reference.
var ErrRef = errors.New("not a reference of a gift")

// RefLen is the length of a public reference.
const RefLen = 26

// Small letters and digits without 0, 1, 8 and 9: can be read out over the telephone.
var refText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Ref is the reference of a gift that its donor and the public see: its id encrypted under the book's key. It tells
// neither time nor order, cannot be guessed and needs no storage.
func Ref(book *ledger.Book, id uuid.UUID) string {
	var sealed [aes.BlockSize]byte
	block, err := aes.NewCipher(book.RefKey[:])
	if err != nil {
		panic(err) // the key's length is its type
	}
	block.Encrypt(sealed[:], id[:])
	return refText.EncodeToString(sealed[:])
}

// ParseRef gives the gift's id back. It refuses with ErrRef whatever Ref of this book has not made.
func ParseRef(book *ledger.Book, ref string) (uuid.UUID, error) {
	if len(ref) != RefLen {
		return uuid.Nil, fmt.Errorf("%w: %d characters", ErrRef, len(ref))
	}
	sealed, err := refText.DecodeString(ref)
	if err != nil {
		return uuid.Nil, fmt.Errorf("%w: %w", ErrRef, err)
	}
	if refText.EncodeToString(sealed) != ref { // spare bits of the last letter
		return uuid.Nil, ErrRef
	}
	block, err := aes.NewCipher(book.RefKey[:])
	if err != nil {
		panic(err)
	}
	var id uuid.UUID
	block.Decrypt(id[:], sealed)
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		return uuid.Nil, ErrRef
	}
	return id, nil
}
