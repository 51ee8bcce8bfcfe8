package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sunfund/ledger"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/payments/platforms"
)

// Limits of what a form may send, in bytes.
const (
	formMax                       = 256 << 10                                    // kept in all
	fieldMax                      = 16 << 10                                     // kept of one field: far beyond what any field allows, so a clipped one is told that it is too long
	matchRuleField, matchRuleForm = 3 * match.SizeMax, 6*match.SizeMax + formMax // a rule of match, escaped: its hidden JSON, and lists of campaigns
	drainMax                      = 16 << 20                                     // read at most; a browser reads our answer only after it has sent everything
)

// LimitForms keeps memory small whatever a form sends: an overlong field is clipped, so that the page can say
// which one it was; a form that is too large even so is refused with 413.
func LimitForms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		if request.Method != http.MethodPost {
			return next(c)
		}
		if c.Path() == papersPath || c.Path() == providerPath+"/papers" { // a form with a file, read whole into memory
			request.Body = http.MaxBytesReader(c.Response(), request.Body, ledger.PaperMax+formMax)
			return next(c)
		}
		if c.Path() == needFormPath || c.Path() == needsPath+"/:id/photo" || c.Path() == projectsPath+"/:id/photo" || strings.HasSuffix(c.Path(), "/:id/updates") { // photos
			request.Body = http.MaxBytesReader(c.Response(), request.Body, needPhotosMost)
			return next(c)
		}
		if c.Path() == platformUploadPath { // and another
			request.Body = http.MaxBytesReader(c.Response(), request.Body, platforms.FileMax+formMax)
			return next(c)
		}
		if c.Path() == statementUploadPath {
			request.Body = http.MaxBytesReader(c.Response(), request.Body, statementMax+formMax)
			return next(c)
		}
		field, form := fieldMax, formMax
		if c.Path() == matchPath+"/:event/rule" {
			field, form = matchRuleField, matchRuleForm
		}
		body, err := clipFields(bufio.NewReader(io.LimitReader(request.Body, drainMax)), field, form)
		if err != nil {
			return fmt.Errorf("read form: %w", err)
		}
		if len(body) > form {
			return echo.ErrStatusRequestEntityTooLarge
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}

// clipFields reads name=value pairs joined by "&" and keeps the beginning of each: so many bytes of a field, and of the form.
func clipFields(from *bufio.Reader, field, form int) ([]byte, error) {
	var body []byte
	kept, clipped := 0, false // of the field being read
	for {
		b, err := from.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		case len(body) > form: // too much in all; the rest is only drained
		case b == '&':
			body = append(body, b)
			kept, clipped = 0, false
		case kept < field:
			body = append(body, b)
			kept++
		case !clipped:
			clipped = true
			body = wholeEscapes(body)
		}
	}
}

// wholeEscapes takes a %XX that was cut off the end.
func wholeEscapes(body []byte) []byte {
	if at := bytes.LastIndexByte(body, '%'); at >= 0 && at > len(body)-3 {
		return body[:at]
	}
	return body
}
