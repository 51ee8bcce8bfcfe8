package reports_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sunfund/internal/skipped"
	"sunfund/ledger/reports"
)

func TestFontOfReceipts(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "a.ttf"), []byte("not a font"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{empty, broken, "/nowhere"} {
		if _, err := reports.LoadFont(folder); !errors.Is(err, reports.ErrNoFont) {
			t.Errorf("%q: %v", folder, err)
		}
	}
	if err := reports.SlipsPDF(new(bytes.Buffer), nil, reports.Slip{}); !errors.Is(err, reports.ErrNoFont) {
		t.Errorf("without a font: %v", err)
	}
}

// A font with Chinese is too large to be kept here: the test takes the one that the service would take.
func TestReceiptsAsPDF(t *testing.T) {
	t.Parallel()
	font, err := reports.LoadFont(os.Getenv("SUNFUND_FONT_DIR"))
	if err != nil {
		skipped.Test(t, "no font with Chinese: "+err.Error())
	}
	slip := reports.Slip{Title: "公益事业捐赠票据", Legal: "阳光区慈善会", Seal: "（章）", Head: []reports.Term{{Label: "票据号码", Text: "00001001"}},
		Lines: []reports.Term{{Label: "金额合计", Text: "人民币壹元整"}}, Verify: "https://example.org/verify", VerifyLabel: "查验地址："}
	var out bytes.Buffer
	if err := reports.SlipsPDF(&out, font, slip, slip); err != nil {
		t.Fatal(err)
	}
	if pages := bytes.Count(out.Bytes(), []byte("/Type /Page\n")); !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || pages != 2 {
		t.Errorf("%d pages in %d bytes", pages, out.Len())
	}
}
