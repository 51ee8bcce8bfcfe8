package api

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"sunfund/ledger/staff"
)

// keyRemembered is for how long a key that was read is taken for read by those who send gifts: on a giving day reading it for each
// gift cost a fifth of the gift. So a key that is revoked may still send gifts for as long; whatever else it is for is refused at
// once. Its expiry is exact.
const keyRemembered = 250 * time.Millisecond

// keyring reads API keys. The zero value is ready.
type keyring struct {
	reading together[tokenHash, staff.Key]
	known   sync.Map // tokenHash -> rememberedKey; only of tokens that were good, so there are no more than keys
}

// tokenHash stands for a token, so that none is kept in memory.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

type rememberedKey struct {
	key  staff.Key
	read time.Time
}

// get gives the key of a token. With recent, one that was read a moment ago does.
func (k *keyring) get(ctx context.Context, hash tokenHash, recent bool, now func() time.Time, read func(context.Context) (staff.Key, error)) (staff.Key, error) {
	if recent {
		if r, ok := k.known.Load(hash); ok {
			r, at := r.(rememberedKey), now()
			if age := at.Sub(r.read); age >= 0 && age < keyRemembered && at.Before(r.key.ExpiresAt) {
				return r.key, nil
			}
		}
	}
	return k.reading.get(ctx, hash, func(ctx context.Context) (staff.Key, error) {
		asked := now()
		key, err := read(ctx)
		if err != nil {
			k.known.Delete(hash)
			return key, err
		}
		k.known.Store(hash, rememberedKey{key, asked})
		return key, nil
	})
}

// used notes that somebody is writing down the use of a key, so that those beside them need not.
func (k *keyring) used(hash tokenHash, at time.Time) {
	if r, ok := k.known.Load(hash); ok {
		r := r.(rememberedKey)
		r.key.LastUsedAt = &at
		k.known.Store(hash, r)
	}
}
