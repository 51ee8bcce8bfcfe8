package main

import (
	"context"
	"testing"
	"testing/synctest"
)

// A letter of 2025 lapses today. While the demo lives through that year, nothing may end it.
func TestTheCalendarWaitsForTheDemo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{loading: make(chan struct{})}
		begun := false
		go func() {
			_ = s.afterLoading(func(context.Context) error { begun = true; return nil })(t.Context())
		}()
		synctest.Wait()
		if begun {
			t.Error("begun while the demo is loaded")
		}
		close(s.loading)
		synctest.Wait()
		if !begun {
			t.Error("not begun when the demo was loaded")
		}
	})
}
