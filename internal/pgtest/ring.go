package pgtest

import (
	"sync"

	"sunfund/internal/seal"
)

// KeyLine is the key ring of all tests, as its file would have it.
const KeyLine = "sunfund-key-1 dGVzdHMgc2VhbCBieSB0aGlzIGtleSBhbmQgbm8gb3Q="

// Ring is the key ring of all tests.
func Ring() *seal.Ring { return ring() }

var ring = sync.OnceValue(func() *seal.Ring {
	r, err := seal.Parse([]byte(KeyLine))
	if err != nil {
		panic(err) // it is a constant
	}
	return r
})
