package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// NoFormula keeps a spreadsheet program from running a donor's or payee's text that is written for it: an apostrophe goes before what
// begins as a formula.
func NoFormula(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r\n\x00") || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") ||
		strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}

// Typed takes the apostrophe of NoFormula off again, where a file of ours is read back.
func Typed(text string) string {
	if rest, guarded := strings.CutPrefix(text, "'"); guarded && NoFormula(rest) != rest {
		return rest
	}
	return text
}

// Mark in front of a file tells spreadsheet programs that it is UTF-8.
const Mark = "\ufeff"

// plain is a number as we write it, which no program runs.
var plain = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// Writer writes CSV. Nothing in it is a formula to a spreadsheet program: all tables that leave the house go through one.
type Writer struct{ csv *csv.Writer }

// NewWriter writes fields apart by commas.
func NewWriter(w io.Writer) *Writer { return &Writer{csv.NewWriter(w)} }

// Apart writes fields apart by another sign.
func (w *Writer) Apart(by rune) *Writer {
	w.csv.Comma = by
	return w
}

// Row writes a row: numbers as they are, all else guarded by NoFormula. An error is also kept for Flush.
func (w *Writer) Row(cells ...string) error {
	guarded := make([]string, len(cells))
	for i, text := range cells {
		if guarded[i] = NoFormula(text); guarded[i] != text && plain.MatchString(text) {
			guarded[i] = text
		}
	}
	if err := w.csv.Write(guarded); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// Flush writes what waits and gives the first error there was.
func (w *Writer) Flush() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
