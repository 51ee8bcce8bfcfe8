package sheet

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

// Whatever a name begins with, a spreadsheet program that opens our file runs nothing; numbers stay numbers, and what we read back is what was written.
func TestNothingRuns(t *testing.T) {
	t.Parallel()
	var cells, want []string
	for _, sign := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"} {
		name := sign + `HYPERLINK("http://elsewhere.example","a")`
		cells, want = append(cells, name, sign+"1+1"), append(want, "'"+name, "'"+sign+"1+1")
	}
	for _, text := range []string{"-5.00", "0", "12.5", "谢女士", "a=b", "", "-", "--5", "-5.00 CNY", "+8613800000000"} {
		cells = append(cells, text)
		if strings.HasPrefix(text, "-5.00 ") || strings.HasPrefix(text, "+") || text == "-" || text == "--5" {
			text = "'" + text
		}
		want = append(want, text)
	}
	for _, by := range []rune{',', ';'} {
		var out bytes.Buffer
		w := NewWriter(&out).Apart(by)
		if err := w.Row(cells...); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(&out)
		r.Comma = by
		got, err := r.Read()
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q, want %q, %v", got, want, err)
		}
		for i := range got {
			if back := Typed(got[i]); back != cells[i] {
				t.Errorf("%q is read back as %q", cells[i], back)
			}
		}
	}
	for _, text := range []string{"'", "'a", "''=", "a"} {
		if Typed(text) != text {
			t.Errorf("%q is read as %q", text, Typed(text))
		}
	}
}
