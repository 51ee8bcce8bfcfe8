package sheet

import "strings"

// NoFormula keeps a spreadsheet program from running a donor's or payee's text that is written for it: an apostrophe goes before what
// begins as a formula.
func NoFormula(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r\n\x00") || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") ||
		strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}
