package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"rsc.io/qr"

	"sunfund/ledger/giving/teams"
)

// A poster in units of its drawing, with the widths of its lines in half-width characters.
const (
	posterWidth, posterHeight = 600, 900
	posterTitle, posterText   = 26, 44
	posterLines               = 3
)

// teamPoster answers /t/{code}/poster: a drawing with the team's link as a QR code, made here, to be printed or passed on.
func (v *visit) teamPoster() error {
	t, c, err := v.teamOf(v.s.DB)
	if err != nil {
		return err
	}
	p, err := teams.ProgressOf(v.ctx(), v.s.DB, v.book, t)
	if err != nil {
		return err
	}
	drawn, err := v.poster(t, c.Title(string(v.lang)), p)
	if err != nil {
		return err
	}
	head := v.Response().Header()
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	head.Set("Content-Disposition", `inline; filename="team-`+t.Code+`.svg"`)
	return v.Blob(http.StatusOK, "image/svg+xml; charset=utf-8", []byte(drawn))
}

func (v *visit) poster(t *teams.Team, campaign string, p teams.Progress) (string, error) {
	code, err := qr.Encode(v.origin()+"/t/"+t.Code, qr.M)
	if err != nil {
		return "", fmt.Errorf("make QR code: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" font-family="-apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif" text-anchor="middle" fill="#1A1F24">`,
		posterWidth, posterHeight, posterWidth, posterHeight, template.HTMLEscapeString(T(v.lang, "team.title", t.Title)))
	b.WriteString(`<rect width="600" height="900" fill="#FFF"/><rect width="600" height="14" fill="#FFC940"/><rect y="886" width="600" height="14" fill="#0B5E63"/>`)
	y := 90
	text := func(size, weight, most int, said string) {
		for _, line := range wrapped(said, most, posterLines) {
			fmt.Fprintf(&b, `<text x="300" y="%d" font-size="%d" font-weight="%d">%s</text>`, y, size, weight, template.HTMLEscapeString(line))
			y += size + size/3
		}
	}
	text(40, 700, posterTitle, t.Title)
	text(24, 400, posterText, campaign)
	y += 6
	text(28, 600, posterText, T(v.lang, "team.poster.goal", Amount(v.lang, v.amount(p.Raised)), Amount(v.lang, v.amount(t.Goal))))
	modules := code.Size + 2*qrMargin
	side := min(posterWidth-60, 800-y)
	fmt.Fprintf(&b, `<g transform="translate(%d %d) scale(%.3f)" shape-rendering="crispEdges"><path d="%s" fill="#000"/></g>`,
		(posterWidth-side)/2, y-20, float64(side)/float64(modules), qrPath(code))
	y = 832
	text(22, 400, posterText, T(v.lang, "team.poster.scan"))
	text(18, 400, posterText, v.book.Name(string(v.lang)))
	b.WriteString(`</svg>`)
	return b.String(), nil
}

// wrapped breaks a text into lines of at most so many half-width characters; what does not fit ends with an ellipsis.
func wrapped(said string, most, lines int) (list []string) {
	var line strings.Builder
	width := 0
	for _, r := range said {
		w := 1
		if r > 0x2E80 {
			w = 2
		}
		if width+w > most {
			if len(list) == lines-1 {
				return append(list, strings.TrimSpace(line.String())+"…")
			}
			list = append(list, strings.TrimSpace(line.String()))
			line.Reset()
			width = 0
		}
		line.WriteRune(r)
		width += w
	}
	return append(list, strings.TrimSpace(line.String()))
}
