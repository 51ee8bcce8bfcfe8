package reports

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/image/font/gofont/goregular"

	"sunfund/internal/skipped"
	"sunfund/ledger/chart"
)

// Statements and lists print as PDF: with heads on every sheet, figures as on the page, and room for signatures. The font here has no Chinese.
func TestReportsAsPDF(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	for id, want := range map[string][]string{
		"cn2026-balance":    {"Balance sheet", "Sunshine Charity Association", "Head of finance", "6,318.35", "1/1"},
		"cn2026-activities": {"Unrestricted", "49,446.00", "Head of the entity"},
		"bank":              {"Bank reconciliation", "1009.03"},
		"funds":             {"Fund statement", "21,940.87"},
	} {
		r := b.list(id, "2026-01-01", "2026-12-31")
		var out bytes.Buffer
		if err := r.WritePDF(&out, goregular.TTF); err != nil {
			t.Fatal(err)
		}
		if pages := bytes.Count(out.Bytes(), []byte("/Type /Page\n")); !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || pages == 0 {
			t.Fatalf("%s: %d pages in %d bytes", id, pages, out.Len())
		}
		text := pdfText(t, out.Bytes())
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", id, w, text)
			}
		}
	}
	if err := b.list("funds", "2026-01-01", "2026-12-31").WritePDF(new(bytes.Buffer), nil); err != ErrNoFont {
		t.Errorf("without a font: %v", err)
	}
}

var pdfTexts = regexp.MustCompile(`(?s)\(((?:\\.|[^\\()])*)\) ?Tj`)

// pdfText reads back what a PDF shows: the strings of its pages, two bytes a sign.
func pdfText(t *testing.T, body []byte) string {
	t.Helper()
	var all strings.Builder
	for _, part := range bytes.Split(body, []byte("\nstream\n"))[1:] {
		z, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // no text: a font or a picture
		}
		page, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range pdfTexts.FindAllSubmatch(page, -1) {
			text := strings.NewReplacer(`\\`, `\`, `\(`, "(", `\)`, ")", `\r`, "\r").Replace(string(found[1]))
			var signs []uint16
			for i := 0; i+1 < len(text); i += 2 {
				signs = append(signs, uint16(text[i])<<8|uint16(text[i+1]))
			}
			all.WriteString(string(utf16.Decode(signs)) + "\n")
		}
	}
	return all.String()
}

// A font with Chinese is too large to be kept here: the test takes the one that the service would take.
func TestReportsAsPDFInChinese(t *testing.T) {
	t.Parallel()
	font, err := LoadFont(os.Getenv("SUNFUND_FONT_DIR"))
	if err != nil {
		skipped.Test(t, "no font with Chinese: "+err.Error())
	}
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	for id, want := range map[string][]string{
		"cn2026-balance": {"资产负债表", "财务负责人", "6,318.35"},
		"cn2004-cash":    {"现金流量表", "财务负责人"},
		"funds":          {"基金收支结存表", "21,940.87"},
	} {
		var out bytes.Buffer
		if err := b.list(id, "2026-01-01", "2026-12-31", func(r *Request) { r.Lang = "zh-CN" }).WritePDF(&out, font); err != nil {
			t.Fatal(err)
		}
		text := pdfText(t, out.Bytes())
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", id, w, text)
			}
		}
	}
}
