package web

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

// TestNeedWalk goes from what a resident asks for to the page on which a donor reads the invoice, once in each language, in a browser, with the right
// person at every step. docs/street.md follows the same steps; SUNFUND_WALK_IMAGES keeps its pictures, SUNFUND_SCREENSHOTS the same pages in
// both widths.
func TestNeedWalk(t *testing.T) {
	t.Parallel()
	for _, lang := range []Lang{ZH, EN} {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			w := newNeedWalk(t, lang)
			w.opensFund()
			w.bringsOrganisation()
			w.residentsAsk()
			w.streetSorts()
			w.intentBecomesProject()
			w.callIsPublished()
			w.organisationApplies()
			w.reviewersScore()
			w.noticeRuns()
			w.residentsVote()
			w.votesAreCounted()
			w.isAwarded()
			w.isSigned()
			w.isDelivered()
			w.isPaid()
			w.isAssessed()
			w.isClosed()
			w.streetAnswers()
			w.everybodyReads()
		})
	}
}

// needWalk is the walk with what its steps hand on to each other: addresses of records, as people come to them.
type needWalk struct {
	*walker
	codes    []string // of residents
	fund     string   // charter of the community's own fund
	fundID   string
	campaign string // of that fund
	gift     uuid.UUID
	payee    string // the organisation in the directory
	need     string // on the desk
	asked    string // as the resident sees it
	idea     string
	call     string
	proposal string // on the desk
	other    string // of another organisation
	poll     string
	project  string
	contract string
	public   string // page of the project
}

func newNeedWalk(t *testing.T, lang Lang) *needWalk {
	o, _, _ := newOfflineOffice(t)
	one := int32(1)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	o.person("yang", "杨向阳", "Yang", staff.Held{Role: staff.Provider})
	w := &needWalk{walker: &walker{T: t, ctx: browser(t), o: o, lang: lang}}
	w.later(0)
	do(w.ctx, t, chromedp.Navigate(o.url+"/console/sign-in"))
	w.codes = o.community("3")
	return w
}

// day is today plus some days, as fields of dates have it.
func (w *needWalk) day(more int) string {
	return w.o.book.Day(w.o.now).AddDate(0, 0, more).Format(time.DateOnly)
}

// resident enters a code on a phone that nobody has signed in on.
func (w *needWalk) resident(n int, next string) {
	w.Helper()
	w.is("")
	w.open(residentPath + "?next=" + next)
	w.set("code", w.codes[n])
	w.press(`form[action="/resident"] button`)
}

// look keeps pictures of the open page.
func (w *needWalk) look(name string, width int64) {
	w.Helper()
	if os.Getenv("SUNFUND_SCREENSHOTS") != "" {
		for _, size := range []size{{deskWidth, false}, {360, false}} {
			inspectOpen(w.ctx, w.T, size, fmt.Sprintf("street-%s-%s-%d", name, w.lang, size.width))
		}
	}
	if folder := os.Getenv("SUNFUND_WALK_IMAGES"); folder != "" {
		do(w.ctx, w.T, chromedp.EmulateViewport(width, 800))
		var height int64 // as high as the page, so that bars at the lower edge lie below it
		_, err := fmt.Sscan(eval(w.ctx, w.T, `String(document.documentElement.scrollHeight)`), &height)
		w.o.must(err)
		do(w.ctx, w.T, chromedp.EmulateViewport(width, height))
		shot, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		w.o.must(err)
		w.o.must(os.WriteFile(filepath.Join(folder, "street-"+name+w.in("", "-en")+".png"), w.small(shot, map[int64]int{deskWidth: 1500, phoneWidth: 2200}[width]), 0o644))
	}
	now := int64(deskWidth)
	if w.login == "" || w.login == "yang" {
		now = phoneWidth
	}
	do(w.ctx, w.T, chromedp.EmulateViewport(now, 800))
}

// small is a picture cut off below and in 256 colours, as documents keep it.
func (w *needWalk) small(shot []byte, most int) []byte {
	full, err := png.Decode(bytes.NewReader(shot))
	w.o.must(err)
	area := full.Bounds()
	area.Max.Y = min(area.Max.Y, most)
	count := map[color.Color]int{}
	for y := range area.Max.Y {
		for x := range area.Max.X {
			count[full.At(x, y)]++
		}
	}
	colours := slices.Collect(maps.Keys(count))
	slices.SortFunc(colours, func(a, b color.Color) int { return count[b] - count[a] })
	palette, nearest := color.Palette(colours[:min(256, len(colours))]), map[color.Color]uint8{}
	for _, c := range colours {
		nearest[c] = uint8(palette.Index(c))
	}
	flat := image.NewPaletted(area, palette)
	for y := range area.Max.Y {
		for x := range area.Max.X {
			flat.SetColorIndex(x, y, nearest[full.At(x, y)])
		}
	}
	var out bytes.Buffer
	w.o.must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, flat))
	return out.Bytes()
}

// stairs is a photo of a staircase, with a handrail once there is one.
func stairs(rail bool) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 480, 320))
	fill := func(x0, y0, x1, y1 int, c color.Color) {
		draw.Draw(img, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(0, 0, 480, 320, color.RGBA{226, 221, 208, 255})
	for step := range 8 {
		x, y := 40+step*50, 290-step*28
		fill(x, y, 480, y+28, color.RGBA{uint8(168 - step*6), uint8(160 - step*6), uint8(150 - step*6), 255})
		if rail {
			fill(x+22, y-90, x+28, y, color.RGBA{90, 60, 40, 255})
			for i := range 50 {
				fill(x+i, y-92-i*28/50, x+i+1, y-82-i*28/50, color.RGBA{120, 74, 40, 255})
			}
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}
