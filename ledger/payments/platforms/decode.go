package platforms

import (
	"errors"
	"fmt"

	"sunfund/internal/sheet"
)

// Limits of a file.
const (
	FileMax  = 8 << 20 // bytes
	linesMax = 50_000
)

// Refusals of a whole file. Nothing of it is booked.
var (
	ErrSize    = errors.New("platform file is empty or too large")
	ErrCharset = errors.New("platform file is not text in the charset")
	ErrShape   = errors.New("platform file is no table: too many columns, too long a field, or a quote that stays open")
	ErrLines   = errors.New("platform file has too many lines")
)

// Charsets are the ways in which a file's text may be written.
var Charsets = sheet.Charsets

// record is one line of a table, and where it stands in the file.
type record struct {
	line  int
	cells []string
}

// records reads at most limit lines of a table, all with 0. ErrSize, ErrCharset, ErrShape, ErrLines; a file with fewer lines is no
// error.
func records(body []byte, l *Layout, limit int) ([]record, error) {
	if len(body) == 0 || len(body) > FileMax {
		return nil, fmt.Errorf("%w: %d bytes of at most %d", ErrSize, len(body), FileMax)
	}
	var list []record
	for r, err := range sheet.Records(body, sheet.Form{Charset: l.Charset, Delimiter: l.Delimiter}) {
		switch {
		case errors.Is(err, sheet.ErrCharset):
			return nil, fmt.Errorf("%w: %w", ErrCharset, err)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrShape, err)
		}
		if list = append(list, record{r.Line, append([]string(nil), r.Cells...)}); len(list) == limit {
			return list, nil
		}
		if len(list) > linesMax {
			return nil, fmt.Errorf("%w: more than %d", ErrLines, linesMax)
		}
	}
	return list, nil
}
