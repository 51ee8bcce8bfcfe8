package platforms

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Limits of a file.
const (
	FileMax    = 8 << 20 // bytes
	linesMax   = 50_000
	columnsMax = 100
	cellMax    = 2_000 // characters
	recordMax  = 64 << 10
	headerMax  = 50 // the header stands in one of the first lines
)

// Refusals of a whole file. Nothing of it is booked.
var (
	ErrSize    = errors.New("platform file is empty or too large")
	ErrCharset = errors.New("platform file is not text in the charset")
	ErrShape   = errors.New("platform file is no table: too many columns, too long a field, or a quote that stays open")
	ErrLines   = errors.New("platform file has too many lines")
)

// Charsets are the ways in which a file's text may be written. UTF-8 is taken with its mark or without, GB18030 takes GBK in.
var Charsets = []string{"utf-8", "gb18030"}

// Delimiters are what may stand between two columns.
var Delimiters = []string{",", "\t", ";", "|"}

// record is one line of a table, and where it stands in the file.
type record struct {
	line  int
	cells []string
}

// decode gives the text of a file. ErrSize, ErrCharset.
func decode(body []byte, charset string) (string, error) {
	if len(body) == 0 || len(body) > FileMax {
		return "", fmt.Errorf("%w: %d bytes of at most %d", ErrSize, len(body), FileMax)
	}
	if bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.HasPrefix(body, []byte{0xfe, 0xff}) || bytes.IndexByte(body, 0) >= 0 {
		return "", fmt.Errorf("%w: not a text file, or UTF-16", ErrCharset)
	}
	if charset == "gb18030" {
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return "", fmt.Errorf("%w: %s", ErrCharset, charset)
		}
		return string(text), nil
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return "", fmt.Errorf("%w: %s", ErrCharset, charset)
	}
	return string(body), nil
}

// records reads at most limit lines of a table. ErrShape, ErrLines; a file with fewer lines is no error.
func records(text, delimiter string, limit int) ([]record, error) {
	if err := slim(text, delimiter); err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = rune(delimiter[0]), -1, true // names of donors have quotes anywhere
	var list []record
	for at := int64(0); ; {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrShape, err)
		}
		line, _ := r.FieldPos(0)
		if len(cells) > columnsMax || r.InputOffset()-at > recordMax {
			return nil, fmt.Errorf("%w: line %d", ErrShape, line)
		}
		at = r.InputOffset()
		for i, cell := range cells {
			if utf8.RuneCountInString(cell) > cellMax {
				return nil, fmt.Errorf("%w: line %d, column %d", ErrShape, line, i+1)
			}
			cells[i] = plain(cell)
		}
		if list = append(list, record{line, cells}); len(list) == limit {
			return list, nil
		}
		if len(list) > linesMax {
			return nil, fmt.Errorf("%w: more than %d", ErrLines, linesMax)
		}
	}
}

// slim refuses a line of very many columns before the reader makes a string of each.
func slim(text, delimiter string) error {
	for line := range strings.Lines(text) {
		if strings.Count(line, delimiter) > columnsMax*10 {
			return fmt.Errorf("%w: more than %d columns", ErrShape, columnsMax)
		}
	}
	return nil
}

// plain takes off what keeps a spreadsheet from making a number of a cell: a backtick, an apostrophe, ="…".
func plain(cell string) string {
	cell = strings.Trim(cell, " \t\u00a0\u3000")
	if inner, ok := strings.CutPrefix(cell, `="`); ok {
		cell = strings.TrimSuffix(inner, `"`)
	}
	return strings.TrimSpace(strings.TrimLeft(cell, "`'"))
}

// charsetOf guesses the charset of a file, delimiterOf what stands between its columns.
func charsetOf(body []byte) string {
	if utf8.Valid(body) {
		return "utf-8"
	}
	return "gb18030"
}

func delimiterOf(text string) string {
	best, most := Delimiters[0], 0
	for _, d := range Delimiters {
		n := 0
		lines := 0
		for line := range strings.Lines(text) {
			n += min(strings.Count(line, d), columnsMax)
			if lines++; lines == headerMax {
				break
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}
