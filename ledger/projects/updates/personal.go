package updates

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	// parted finds what stands between two digits of a number that is written in groups.
	parted = regexp.MustCompile(`([0-9])[ \t\-—–.·_()]{1,2}([0-9])`)
	// mobile is a number of a mobile telephone in mainland China: eleven digits from 13 to 19, perhaps after the country's code.
	mobile = regexp.MustCompile(`(?:^|[^0-9])(?:86)?1[3-9][0-9]{9}(?:[^0-9]|$)`)
	// identity is a number of an identity card (GB 11643): six digits of a place, the day of birth, three digits and a check digit.
	identity = regexp.MustCompile(`(?:^|[^0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?:[^0-9]|$)`)
)

// personal tells whether a text holds what looks like somebody's mobile number or identity card. Names cannot be told by a program: the form
// says so beside its fields, and the second person looks for them.
func personal(text string) bool {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return '0' + r - '０'
		case r == 'Ｘ' || r == 'ｘ':
			return 'X'
		case r == '－':
			return '-'
		case unicode.IsSpace(r) && r != '\n':
			return ' '
		}
		return r
	}, text)
	if found(text) {
		return true
	}
	for before := ""; before != text; { // a digit stands in two pairs
		before, text = text, parted.ReplaceAllString(text, "$1$2")
	}
	return found(text)
}

func found(text string) bool { return mobile.MatchString(text) || identity.MatchString(text) }
