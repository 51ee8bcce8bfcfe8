package updates

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	// mobile is a number of a mobile telephone in mainland China: eleven digits from 13 to 19, perhaps after the country's code.
	mobile = grouped(`(?:(?:00)?86~)?1~[3-9](?:~[0-9]){9}`)
	// identity is a number of an identity card (GB 11643): six digits of a place, the day of birth, three digits and a check digit.
	identity = grouped(`[1-9](?:~[0-9]){5}~(?:1~9|2~0)(?:~[0-9]){2}~(?:0~[1-9]|1~[0-2])~(?:0~[1-9]|[12]~[0-9]|3~[01])(?:~[0-9]){3}~[0-9Xx]`)
)

// grouped finds a number by itself, also when it is written in groups: ~ is what may stand between two of its digits.
func grouped(number string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^0-9])` + strings.ReplaceAll(number, "~", `[ \t\-—–.·_()]{0,2}`) + `(?:[^0-9]|$)`)
}

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
	return mobile.MatchString(text) || identity.MatchString(text)
}
