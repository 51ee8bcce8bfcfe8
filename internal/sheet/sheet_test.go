package sheet

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func read(t *testing.T, body string, form Form) (rows [][]string, err error) {
	t.Helper()
	for r, err := range Records([]byte(body), form) {
		if err != nil {
			return rows, err
		}
		if raw := body[r.At : r.At+r.Size]; form.Charset == "utf-8" && raw != r.Text {
			t.Errorf("line %d stands at %q, read %q", r.Line, raw, r.Text)
		}
		rows = append(rows, slices.Clone(r.Cells))
	}
	return rows, nil
}

func TestRecords(t *testing.T) {
	t.Parallel()
	comma := Form{Charset: "utf-8", Delimiter: ","}
	for name, c := range map[string]struct {
		body string
		form Form
		want [][]string
	}{
		"plain":            {"a,b\r\n\r\n1,2", comma, [][]string{{"a", "b"}, {"1", "2"}}},
		"mark":             {"\xef\xbb\xbfa\n", comma, [][]string{{"a"}}},
		"quoted":           {`"1,234.00","say ""hi""",` + "\n", comma, [][]string{{"1,234.00", `say "hi"`, ""}}},
		"empty quoted":     {`"","",3`, comma, [][]string{{"", "", "3"}}},
		"padded quotes":    {"\"x \t\",y\t,\" z\"\t,\n", comma, [][]string{{"x", "y", "z", ""}}},
		"quote amid":       {`a "b" c,"d "e" f"`, comma, [][]string{{`a "b" c`, `d "e" f`}}},
		"line end quoted":  {"\"a\nb\",c\nd", comma, [][]string{{"a\nb", "c"}, {"d"}}},
		"ticks":            {"h,i\n`a, b,`\"c,`,`\n", Form{"utf-8", ",", true}, [][]string{{"h", "i"}, {"a, b", `"c`, "", ""}}},
		"one tick":         {"`0123,b", comma, [][]string{{"0123", "b"}}},
		"formula":          {`="0012",'5`, comma, [][]string{{"0012", "5"}}},
		"tabs":             {"a\t\"b\"\t\tc", Form{"utf-8", "\t", false}, [][]string{{"a", "b", "", "c"}}},
		"delimiter of GBK": {gbk(t, "傷|值"), Form{"gb18030", "|", false}, [][]string{{"傷", "值"}}},
	} {
		got, err := read(t, c.body, c.form)
		if err != nil || !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		body string
		form Form
		want error
	}{
		"open quote":    {"a,\"b\nc,d\n", comma, ErrShape},
		"many columns":  {strings.Repeat(",", 1_000_000), comma, ErrShape},
		"long cell":     {strings.Repeat("长", CellMax+1), comma, ErrShape},
		"UTF-16":        {"\xff\xfea\x00", comma, ErrCharset},
		"NUL":           {"a\x00b", comma, ErrCharset},
		"GBK as UTF-8":  {gbk(t, "交易"), comma, ErrCharset},
		"broken GBK":    {"\xbd\xbb\xff\xff", Form{"gb18030", ",", false}, ErrCharset},
		"other charset": {"a", Form{"utf-7", ",", false}, ErrCharset},
	} {
		if _, err := read(t, c.body, c.form); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func gbk(t *testing.T, text string) string {
	t.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
