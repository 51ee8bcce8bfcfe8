package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Limits of what a form may send, in bytes.
const (
	formMax  = 256 << 10
	drainMax = 16 << 20 // a browser reads our answer only after it has sent everything, so this much is read and thrown away
)

// LimitForms refuses a form that is too large with 413, before anything of it is looked at.
func LimitForms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		if request.Method != http.MethodPost {
			return next(c)
		}
		body, err := io.ReadAll(io.LimitReader(request.Body, formMax+1))
		if err != nil {
			return fmt.Errorf("read form: %w", err)
		}
		if len(body) > formMax {
			_, _ = io.CopyN(io.Discard, request.Body, drainMax) // whatever it meets, the answer is the same
			return echo.ErrStatusRequestEntityTooLarge
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}
