package web

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// qrMargin is the quiet zone around a code, in its modules.
const qrMargin = 4

// qrSVG draws a QR code, dark on white in every theme. label says what it is to those who do not see it.
func qrSVG(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("make QR code: %w", err)
	}
	size := code.Size + 2*qrMargin
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#FFF"/><path d="%s" fill="#000"/></svg>`,
		template.HTMLEscapeString(label), size, size, size, size, qrPath(code))), nil
}

// qrPath are the dark modules of a code as the path of a drawing, its quiet zone included.
func qrPath(code *qr.Code) string {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+qrMargin, y+qrMargin, run, run)
				x += run
			}
		}
	}
	return path.String()
}
