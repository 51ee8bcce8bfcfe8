package reports

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine makes text that people wrote safe to stand in a line: white space and control signs become single
// spaces, marks that turn the direction of writing and broken UTF-8 go.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || turnsDirection(r) {
			return -1
		}
		return r
	}, s), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// turnsDirection covers the marks, embeddings, overrides and isolates of bidirectional text, and the byte order mark.
func turnsDirection(r rune) bool {
	return r == 0x061c || r == 0xfeff || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// hledger has no way to escape its own signs, so text carries their full-width twins, which read the same.
var (
	hledgerText    = strings.NewReplacer(";", "；", "|", "｜")
	hledgerComment = strings.NewReplacer(";", "；", "|", "｜", ",", "，")
	hledgerRemark  = strings.NewReplacer(";", "；", "|", "｜", ",", "，", ":", "：") // no tag may come of it
)

// quoted is text as a beancount string.
func quoted(s string) string { return `"` + beancountText.Replace(s) + `"` }

var beancountText = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
