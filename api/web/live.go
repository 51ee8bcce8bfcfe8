package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// A page believes its figures are live while it hears from us: the script gives up after nine seconds of silence.
const liveBeat = 4 * time.Second

// Stream sends HTML fragments to a page as they come, until the reader leaves or updates is closed. Each fragment is
// one or more elements with the ids of elements on the page, whose content they replace. clock is asked for the time
// that the page shows as the moment its figures stopped.
func Stream(c echo.Context, zone *time.Location, clock func() time.Time, updates <-chan string) error {
	head := c.Response().Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	wire := http.NewResponseController(c.Response())
	send := func(event, data string) error {
		if err := wire.SetWriteDeadline(time.Now().Add(2 * liveBeat)); err != nil {
			return fmt.Errorf("stream updates: %w", err)
		}
		if err := writeEvent(c.Response(), event, data); err != nil {
			return err
		}
		return wire.Flush()
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	if err := send("beat", Clock(clock(), zone)); err != nil {
		return err
	}
	for {
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-beat.C:
			if err := send("beat", Clock(clock(), zone)); err != nil {
				return err
			}
		case fragment, more := <-updates:
			if !more {
				return nil
			}
			if err := send("update", fragment); err != nil {
				return err
			}
		}
	}
}

// writeEvent frames one event; a line of data is a line of the frame.
func writeEvent(w io.Writer, event, data string) error {
	frame := "event: " + event + "\n"
	for line := range strings.Lines(data) {
		frame += "data: " + strings.TrimRight(line, "\r\n") + "\n"
	}
	_, err := io.WriteString(w, frame+"\n")
	return err
}
