// Package sheet reads delimited text as banks, processors and giving platforms write it, and guards what is written: strict in the charset, forgiving in
// quotes, with the place of each line in the file and with limits on everything.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Limits of a table.
const (
	ColumnsMax = 100
	CellMax    = 2_000 // characters
	RecordMax  = 64 << 10
	HeaderMax  = 50 // a header stands in one of the first records
)

var (
	// ErrCharset means that the bytes are no text in the charset.
	ErrCharset = errors.New("not text in the charset")
	// ErrShape means that the text is no table.
	ErrShape = errors.New("no table: too many columns, too long a field, or a quote that stays open")
)

// Charsets are the ways in which text may be written. UTF-8 is taken with its mark or without, GB18030 takes GBK in.
var Charsets = []string{"utf-8", "gb18030"}

// western are charsets of foreign banks' files; every byte is a character in the first.
var western = map[string]*charmap.Charmap{"iso-8859-1": charmap.ISO8859_1, "windows-1252": charmap.Windows1252}

// Western are further charsets that Text reads.
var Western = []string{"iso-8859-1", "windows-1252"}

// Delimiters are what may stand between two columns.
var Delimiters = []string{",", "\t", ";", "|"}

// Form is how a table is written.
type Form struct {
	Charset   string
	Delimiter string
	Ticked    bool // a record that begins with a back-tick has one before every cell and no quotes, as WeChat Pay's bills
}

// Record is a line of a table, and where it stands in the file.
type Record struct {
	Line  int // of the text, from 1
	At    int // offset of its first byte
	Size  int // in bytes, without the line's end
	Text  string
	Cells []string // without padding and what keeps a spreadsheet from making a number of them
}

// Cell is a column from 1; empty when the record does not reach that far or there is no such column.
func (r *Record) Cell(column int) string {
	if column < 1 || column > len(r.Cells) {
		return ""
	}
	return r.Cells[column-1]
}

// Foreign tells whether bytes cannot be a text of single bytes: UTF-16, or a file with NUL in it.
func Foreign(body []byte) bool {
	return bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.HasPrefix(body, []byte{0xfe, 0xff}) || bytes.IndexByte(body, 0) >= 0
}

// mark is the byte order mark of UTF-8.
const mark = "\xef\xbb\xbf"

// Text decodes a piece of a file strictly. ErrCharset.
func Text(piece []byte, charset string) (string, error) {
	if charset == "gb18030" && !ascii(piece) {
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(piece)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return "", fmt.Errorf("%w: %s", ErrCharset, charset)
		}
		return string(text), nil
	}
	if table := western[charset]; table != nil {
		text, err := table.NewDecoder().Bytes(piece)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return "", fmt.Errorf("%w: %s", ErrCharset, charset)
		}
		return string(text), nil
	}
	if charset != "utf-8" && charset != "gb18030" || !utf8.Valid(piece) {
		return "", fmt.Errorf("%w: %s", ErrCharset, charset)
	}
	return string(piece), nil
}

func ascii(piece []byte) bool {
	return !slices.ContainsFunc(piece, func(b byte) bool { return b >= utf8.RuneSelf })
}

// Records reads a table record by record without decoding more than one at a time. An error ends it: ErrCharset, ErrShape.
// A record and its cells hold until the next one is asked for; their texts stay.
func Records(body []byte, form Form) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := scanner{body: body, form: form, line: 1}
		if Foreign(body) {
			yield(Record{}, fmt.Errorf("%w: not a text file, or UTF-16", ErrCharset))
			return
		}
		if bytes.HasPrefix(body, []byte(mark)) && form.Charset == "utf-8" {
			s.at = len(mark)
		}
		for {
			r, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

type scanner struct {
	body  []byte
	form  Form
	at    int
	line  int
	cells []string
}

// next reads a record. Neither a quote nor a line's end can be the second byte of a GBK character, so that they are looked for in
// the bytes; what stands between columns can, and is looked for in the text.
func (s *scanner) next() (Record, error) {
	for s.at < len(s.body) && (s.body[s.at] == '\n' || s.body[s.at] == '\r') {
		if s.body[s.at] == '\n' {
			s.line++
		}
		s.at++
	}
	if s.at == len(s.body) {
		return Record{}, io.EOF
	}
	r := Record{Line: s.line, At: s.at}
	end, lines, err := s.end()
	if err != nil {
		return r, fmt.Errorf("%w: line %d", err, r.Line)
	}
	s.line += lines
	raw := bytes.TrimRight(s.body[s.at:end], "\r")
	s.at = end
	r.Size = len(raw)
	if r.Text, err = Text(raw, s.form.Charset); err != nil {
		return r, fmt.Errorf("%w: line %d", err, r.Line)
	}
	if s.form.Ticked && strings.HasPrefix(r.Text, "`") {
		err = s.ticked(r.Text[1:])
	} else {
		err = s.split(r.Text)
	}
	if err != nil {
		return r, fmt.Errorf("%w: line %d", err, r.Line)
	}
	r.Cells = s.cells
	return r, nil
}

// end finds where the record at s.at ends, and how many line ends are quoted in it.
func (s *scanner) end() (end, lines int, err error) {
	rest := s.body[s.at:min(len(s.body), s.at+RecordMax)]
	if line := bytes.IndexByte(rest, '\n'); line >= 0 && bytes.IndexByte(rest[:line], '"') < 0 {
		return s.at + line, 0, nil
	}
	free := s.form.Ticked && rest[0] == '`'
	begin := !free // of a cell
	for i := 0; i < len(rest); i++ {
		switch b := rest[i]; {
		case b == '\n':
			return s.at + i, lines, nil
		case b == '"' && begin:
			size := closing(rest[i+1:], s.form.Delimiter[0])
			if size < 0 {
				return 0, 0, ErrShape
			}
			lines += bytes.Count(rest[i+1:i+1+size], []byte("\n"))
			i += 1 + size
			begin = false
		default:
			begin = !free && (b == s.form.Delimiter[0] || begin && (b == ' ' || b == '\t'))
		}
	}
	if len(rest) == RecordMax {
		return 0, 0, ErrShape
	}
	return s.at + len(rest), lines, nil
}

// closing finds the quote that closes a cell whose opening one stands before the text; -1 when there is none. A doubled quote does
// not close, nor does one with more of the cell behind it: people write them anywhere.
func closing[T string | []byte](text T, delimiter byte) int {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '"' {
			i++
			continue
		}
		for j := i + 1; ; j++ {
			if j == len(text) || text[j] == delimiter || text[j] == '\n' || text[j] == '\r' {
				return i
			}
			if text[j] != ' ' && text[j] != '\t' {
				break
			}
		}
	}
	return -1
}

// ticked splits a record whose cells begin with a back-tick each.
func (s *scanner) ticked(text string) error {
	s.cells = s.cells[:0]
	for {
		cell, rest, more := strings.Cut(text, ",`")
		if err := s.add(cell); err != nil {
			return err
		}
		if !more {
			return nil
		}
		text = rest
	}
}

// split cuts a record into its cells.
func (s *scanner) split(text string) error {
	s.cells = s.cells[:0]
	for {
		trimmed := strings.TrimLeft(text, " \t")
		if s.form.Delimiter == "\t" {
			trimmed = strings.TrimLeft(text, " ")
		}
		var cell string
		var more bool
		if size := quoted(trimmed, s.form.Delimiter[0]); size >= 0 {
			cell = strings.ReplaceAll(trimmed[1:1+size], `""`, `"`)
			_, text, more = strings.Cut(trimmed[2+size:], s.form.Delimiter)
		} else {
			cell, text, more = strings.Cut(text, s.form.Delimiter)
		}
		if err := s.add(cell); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// quoted gives the length of the quoted cell with which a text begins, or -1.
func quoted(text string, delimiter byte) int {
	if !strings.HasPrefix(text, `"`) {
		return -1
	}
	return closing(text[1:], delimiter)
}

func (s *scanner) add(cell string) error {
	if len(s.cells) == ColumnsMax || len(cell) > CellMax && utf8.RuneCountInString(cell) > CellMax {
		return fmt.Errorf("%w: column %d", ErrShape, len(s.cells)+1)
	}
	s.cells = append(s.cells, Plain(cell))
	return nil
}

// Plain takes off what keeps a spreadsheet from making a number of a cell: a back-tick, an apostrophe, ="…".
func Plain(cell string) string {
	if n := len(cell); n == 0 || bare(cell[0]) && bare(cell[n-1]) {
		return cell
	}
	cell = strings.Trim(cell, " \t\u00a0\u3000")
	if inner, ok := strings.CutPrefix(cell, `="`); ok {
		cell = strings.TrimSuffix(inner, `"`)
	}
	return strings.TrimSpace(strings.TrimLeft(cell, "`'"))
}

// bare tells whether a cell that begins and ends with such signs is plain already: letters and digits of ASCII, and signs within amounts.
func bare(c byte) bool { return c > ' ' && c < 0x7f && c != '`' && c != '\'' && c != '=' }

// CharsetOf guesses in which of Charsets a file is written.
func CharsetOf(body []byte) string {
	if utf8.Valid(body) {
		return "utf-8"
	}
	return "gb18030"
}

// DelimiterOf guesses what stands between the columns of a file, by its first lines.
func DelimiterOf(body []byte) string {
	var counts [4]int
	lines := 0
	for line := range bytes.Lines(body) {
		for i, d := range Delimiters {
			counts[i] += min(bytes.Count(line, []byte(d)), ColumnsMax)
		}
		if lines++; lines == HeaderMax {
			break
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return Delimiters[best]
}
