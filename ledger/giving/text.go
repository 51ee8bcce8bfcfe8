package giving

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText takes out what nobody typed on purpose and what could mislead a reader: control signs, marks that turn
// the direction of writing, broken UTF-8. Any white space becomes one space. Joiners stay, emoji are made with them.
func CleanText(s string) string {
	if word(s) {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError, unicode.IsControl(r), turnsDirection(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// word tells whether a text is letters, digits and signs of ASCII without a space, as numbers and references are.
func word(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// turnsDirection covers the Unicode marks, embeddings, overrides and isolates for bidirectional text, and the byte order mark.
func turnsDirection(r rune) bool {
	return r == 0x061c || r == 0xfeff || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// storable tells whether PostgreSQL takes the text and it is at most max characters long.
func storable(s string, max int) bool {
	return len(s) <= max*utf8.UTFMax && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && utf8.RuneCountInString(s) <= max
}
