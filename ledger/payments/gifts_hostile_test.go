package payments_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// F6: files that are no gift files, and lines that are not text as we write it. What stood before them is booked; nothing
// of theirs is, unless what is left of it is what a person would read.
func TestF6HostileFiles(t *testing.T) {
	t.Parallel()
	w := newBook(t)
	w.prepare("clean-1")
	header, rows := records(t, "clean-1")
	gifts := func() int64 { return w.count(`select count(*) from gift`) }
	utf16 := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, r := range s {
			b = append(b, byte(r), byte(r>>8))
		}
		return string(b)
	}
	for name, body := range map[string]string{
		"ten million columns":       strings.Repeat(",", 10_000_000) + "\n",
		"ten million names":         strings.Repeat("a,", 10_000_000) + "\n",
		"a quote that never closes": `"` + strings.Repeat("gift_no,", 1<<20),
		"UTF-16":                    utf16(strings.Join(header, ",") + "\n"),
		"NUL before the header":     "\x00" + strings.Join(header, ",") + "\n",
		"the header turned round":   "\u202e" + strings.Join(header, ",") + "\n",
	} {
		if _, err := payments.ImportGifts(t.Context(), w.db, w.book, strings.NewReader(body), payments.ImportOptions{}); !errors.Is(err, payments.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tail := range map[string]string{
		"ten million columns in a line":   strings.Repeat(",", 10_000_000) + "\n",
		"a quote that closes nowhere":     `"` + strings.Repeat("x,\n", 1<<20),
		"ten million columns in a quoted": `"` + strings.Repeat(",", 10_000_000) + `"` + "\n",
	} {
		totals, err := payments.ImportGifts(t.Context(), w.db, w.book, io.MultiReader(piece(t, header, nil), strings.NewReader(tail)), payments.ImportOptions{})
		if !errors.Is(err, payments.ErrLongRecord) || totals.Gifts != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := gifts(); n != 0 {
		t.Fatalf("%d gifts of no file", n)
	}

	line := func(i int, column, value string) []string {
		row := slices.Clone(rows[i])
		row[slices.Index(header, column)] = value
		return row
	}
	file := piece(t, header, [][]string{
		line(0, "message", "祝\x00福"),                         // NUL: taken out
		line(1, "message", "\u202egnp.exe\u2066 加油"),         // turned writing: taken out
		line(2, "message", "\ufeff谢谢"),                       // byte order mark inside
		line(3, "donor_name", "\xcd\xf5\xb7\xbc"),            // 王芳 in GBK
		line(4, "gift_no", "SG\x00900"),                      // NUL in a number
		line(5, "gift_no", "SG\u202e901"),                    // turned number
		line(6, "message", "\"quoted\"\r\nsecond line, 逗号，"), // as CSV wants it
	})
	totals, rejects := w.importGifts(io.MultiReader(strings.NewReader("\ufeff"), file)) // a mark before UTF-8 is what spreadsheet programs write
	var refused []string
	for _, r := range rejects {
		refused = append(refused, r[0]+" "+r[1])
	}
	if totals.Booked != 4 || gifts() != 4 || !slices.Equal(refused, []string{"5 donor_name", "6 gift_no", "7 gift_no"}) {
		t.Errorf("%+v, refused %q", totals, refused)
	}
	if back := rejects[0][4+slices.Index(header, "donor_name")]; back != "\xcd\xf5\xb7\xbc" {
		t.Errorf("the refused name came back as %q", back)
	}
	var messages []string
	list, err := giving.FilterGifts(t.Context(), w.db, w.book, giving.ListFilter{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range list {
		messages = append(messages, g.Message)
	}
	slices.Sort(messages)
	if want := []string{`"quoted" second line, 逗号，`, "gnp.exe 加油", "祝福", "谢谢"}; !slices.Equal(messages, want) {
		t.Errorf("messages %q", messages)
	}
	w.verify()
}

// F7: a program under the name of a gift file books nothing and says that it is no gift file.
func TestF7RenamedExecutableAsGiftFile(t *testing.T) {
	t.Parallel()
	w := newBook(t)
	for name, body := range map[string]string{
		"Windows": "MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + strings.Repeat("\x00", 4096), "Linux": "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 4096),
		"script": "#!/bin/sh\nrm -rf /\n", "archive": "PK\x03\x04\x14\x00\x06\x00" + strings.Repeat("\x01", 4096), "page": "<!doctype html><script>alert(1)</script>",
	} {
		if _, err := payments.ImportGifts(t.Context(), w.db, w.book, strings.NewReader(body), payments.ImportOptions{}); !errors.Is(err, payments.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.count(`select count(*) from gift`); n != 0 {
		t.Errorf("%d gifts", n)
	}
}
