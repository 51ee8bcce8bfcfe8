package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// A list that cannot be read to its end after its first rows were sent does not look like a whole one: the answer breaks off, and the log says why.
func TestHalfAnAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := (&service{log: slog.New(slog.NewTextHandler(&log, nil))}).router(serveCmd{}, nil, nil)
	e.GET("/list", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "first row\n"); err != nil {
			return err
		}
		c.Response().Flush()
		return errors.New("no second page")
	})
	server := httptest.NewServer(e)
	defer server.Close()
	answer, err := http.Get(server.URL + "/list")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if string(body) != "first row\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q: %v", body, err)
	}
	server.Close() // the handler is over
	if !strings.Contains(log.String(), "no second page") {
		t.Errorf("log: %s", log.String())
	}
}
