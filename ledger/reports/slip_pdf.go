package reports

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
	"rsc.io/qr"
)

// ErrNoFont means that no TrueType font with Chinese characters is installed. Every receipt can be printed from its page without one.
var ErrNoFont = errors.New("no font for PDF")

// Slip is a donation receipt for paper, in the words of one language.
type Slip struct {
	Title, Legal string
	Void         string // stands across it; empty when it is good
	Head         []Term // code, number, check code, date
	Lines        []Term // payer, item, amounts, remark
	Seal         string
	Verify       string // the address behind the QR code
	VerifyLabel  string
}

// Term is a label and what stands beside it.
type Term struct{ Label, Text string }

// Font is a TrueType font that is embedded, as far as it is used, into what is printed.
type Font []byte

// FontFolder is where the package fonts-lxgw-wenkai of Debian and Ubuntu puts its fonts: Chinese and Latin, free, and of the kind that can be embedded,
// which fonts-noto-cjk is not.
const FontFolder = "/usr/share/fonts/truetype/lxgw-wenkai"

// LoadFont reads a .ttf file of a folder, or of FontFolder when none is named: the regular face before others, then the first by name. ErrNoFont when
// there is none.
func LoadFont(folder string) (Font, error) {
	files, err := filepath.Glob(filepath.Join(cmp.Or(folder, FontFolder), "*.ttf"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%w: no .ttf file in the font folder", ErrNoFont)
	}
	slices.Sort(files)
	slices.SortStableFunc(files, func(a, b string) int { return strings.Count(b, "Regular.") - strings.Count(a, "Regular.") })
	font, err := os.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return font, checkFont(filepath.Base(files[0]), font)
}

// neededSigns stand for those that every receipt prints: some fonts for Chinese have no digits, most have no Chinese.
const neededSigns = "1A公¥：a"

func checkFont(name string, data []byte) error {
	font, err := sfnt.Parse(data)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNoFont, name, err)
	}
	var buf sfnt.Buffer
	for _, sign := range neededSigns {
		if at, err := font.GlyphIndex(&buf, sign); err != nil || at == 0 {
			return fmt.Errorf("%w: %s has no sign %q", ErrNoFont, name, sign)
		}
	}
	return nil
}

// Millimetres on A4.
const (
	slipMargin = 20
	slipWidth  = 210 - 2*slipMargin
	slipLabel  = 38
	slipLine   = 8
	slipCode   = 30
)

// SlipsPDF writes receipts, each on a page of its own.
func SlipsPDF(w io.Writer, font Font, slips ...Slip) error {
	if len(font) == 0 {
		return ErrNoFont
	}
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetMargins(slipMargin, slipMargin, slipMargin)
	doc.SetAutoPageBreak(true, slipMargin)
	doc.AddUTF8FontFromBytes("face", "", font)
	for i := range slips {
		if err := slips[i].print(doc, i); err != nil {
			return err
		}
	}
	if err := doc.Output(w); err != nil {
		return fmt.Errorf("write receipts as PDF: %w", err)
	}
	return nil
}

func (s *Slip) print(doc *fpdf.Fpdf, page int) error {
	doc.AddPage()
	doc.SetFont("face", "", 18)
	doc.CellFormat(slipWidth, 12, s.Title, "", 1, "C", false, 0, "")
	doc.SetFont("face", "", 10)
	for i, t := range s.Head {
		doc.CellFormat(slipWidth/2, 6, t.Label+"  "+t.Text, "", i%2, "L", false, 0, "")
	}
	doc.Ln(4)
	doc.Line(slipMargin, doc.GetY(), slipMargin+slipWidth, doc.GetY())
	if s.Void != "" {
		doc.Ln(3)
		doc.SetTextColor(0xB3, 0x26, 0x1E)
		doc.SetDrawColor(0xB3, 0x26, 0x1E)
		doc.SetFont("face", "", 14)
		doc.MultiCell(slipWidth, 10, s.Void, "1", "C", false)
		doc.SetTextColor(0, 0, 0)
		doc.SetDrawColor(0, 0, 0)
	}
	doc.Ln(3)
	doc.SetFont("face", "", 11)
	for _, t := range s.Lines {
		top := doc.GetY()
		doc.CellFormat(slipLabel, slipLine, t.Label, "", 0, "L", false, 0, "")
		doc.MultiCell(slipWidth-slipLabel, slipLine, t.Text, "", "L", false)
		bottom := max(doc.GetY(), top+slipLine)
		doc.Line(slipMargin, bottom, slipMargin+slipWidth, bottom)
		doc.SetXY(slipMargin, bottom)
	}
	doc.Ln(8)
	top := doc.GetY()
	doc.MultiCell(slipWidth-slipCode-5, slipLine, s.Legal+"  "+s.Seal, "", "L", false)
	doc.SetFont("face", "", 8)
	doc.MultiCell(slipWidth-slipCode-5, 5, s.VerifyLabel+s.Verify, "", "L", false)
	code, err := qr.Encode(s.Verify, qr.M)
	if err != nil {
		return fmt.Errorf("make QR code: %w", err)
	}
	name := fmt.Sprint("code", page)
	doc.RegisterImageOptionsReader(name, fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(code.PNG()))
	doc.ImageOptions(name, slipMargin+slipWidth-slipCode, top, slipCode, slipCode, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	return doc.Error()
}
