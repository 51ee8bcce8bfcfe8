package staff

import "fmt"

// Permissions lists all permissions in the order of the table.
func Permissions() []Permission {
	all := make([]Permission, len(rights))
	for i, r := range rights {
		all[i] = r.permission
	}
	return all
}

// Watched is a Hasher of its own that tells of each hash it makes what it costs.
func (h *Hasher) Watched(tell func(cost string)) *Hasher {
	return &Hasher{slots: h.slots, dummy: h.dummy, key: func(password, salt []byte, passes, memory uint32, threads uint8, length uint32) []byte {
		tell(fmt.Sprintf("argon2id m=%d t=%d p=%d salt=%d sum=%d", memory, passes, threads, len(salt), length))
		return h.key(password, salt, passes, memory, threads, length)
	}}
}

var (
	Outside   = outside
	ErrInside = errInside
)
