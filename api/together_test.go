package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// Many callers, few readings; no answer is older than its question.
func TestReadTogether(t *testing.T) {
	t.Parallel()
	var all together[string, int64]
	var clock, readings atomic.Int64
	read := func(context.Context) (int64, error) {
		readings.Add(1)
		return clock.Load(), nil
	}
	const callers, each = 32, 200
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				asked := clock.Add(1)
				got, err := all.get(t.Context(), "key", read)
				if err != nil || got < asked {
					t.Errorf("asked at %d, answer of %d (%v)", asked, got, err)
				}
			}
		})
	}
	wg.Wait()
	if n := readings.Load(); n >= callers*each {
		t.Errorf("%d readings for %d questions", n, callers*each)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.reading) > 1 { // the last one may be on its way out
		t.Errorf("%d keys are left", len(all.reading))
	}
}

// A caller who leaves does not end the reading of the others, and an error is theirs too.
func TestReadTogetherEnds(t *testing.T) {
	t.Parallel()
	var all together[int, string]
	failed := errors.New("no database")
	begun, gate := make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := all.get(ctx, 1, func(ctx context.Context) (string, error) {
			close(begun)
			<-gate
			return "", ctx.Err()
		})
		left <- err
	}()
	<-begun
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(gate)
	if _, err := all.get(t.Context(), 2, func(context.Context) (string, error) { return "", failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
