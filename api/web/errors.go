package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// ErrorView is a page that says what happened, what it means and what to do. NewErrorView fills it for a status; a
// refusal with its own reason sets Heading, What and Ways itself.
type ErrorView struct {
	Page
	Status    int
	Heading   string
	What      string // what happened and what it means
	Next      string // what to do
	Reference string // of the log line, for the association's staff; may be empty
	RetryAt   time.Time
	Ways      []Link // ways out
}

// NewErrorView is the page for a status. 403 and 404 say the same: who may not see a page does not learn that it
// exists.
func NewErrorView(p Page, status int) ErrorView {
	key := "error.500"
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		key = "error.404"
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		key = "error.422"
	case http.StatusRequestEntityTooLarge:
		key = "error.413"
	case http.StatusTooManyRequests:
		key = "error.429"
	case http.StatusServiceUnavailable:
		key = "error.503"
	}
	return ErrorView{Page: p, Status: status}.Say(key)
}

// Say takes heading, meaning and next step from the keys below one: error.origin for ErrCrossOrigin.
func (v ErrorView) Say(key string) ErrorView {
	v.Heading, v.What, v.Next = v.T(key+".heading"), v.T(key+".what"), v.T(key+".next")
	v.Title = v.Heading
	return v
}

// Fail writes an error page. It is the last step of the server's error handler (echo.HTTPErrorHandler), which knows
// from the table of problems what an error means: build the view there, set the reason, call Fail.
func (r *Renderer) Fail(c echo.Context, v ErrorView) error {
	name := "public/error"
	if v.Person != nil {
		name = "console/error"
	}
	if !v.RetryAt.IsZero() {
		wait := max(1, int(v.RetryAt.Sub(v.Now)/time.Second))
		c.Response().Header().Set("Retry-After", strconv.Itoa(wait))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return r.Render(c.Response(), v.Status, name, v)
}
