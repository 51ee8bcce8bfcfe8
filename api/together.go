package api

import (
	"context"
	"sync"
	"time"
)

const readTimeout = 5 * time.Second

// together answers callers who ask the same at the same time with one reading. Who asks while a reading is under way waits for
// the next one, so no answer is older than its question. The zero value is ready.
type together[K comparable, V any] struct {
	mu      sync.Mutex
	reading map[K]*answers[V] // under way
}

// answers are two readings of one key: the one under way, and the next one, for whoever came since.
type answers[V any] struct{ next *reading[V] }

type reading[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// get reads the value of a key. The reading outlives its caller's context, since others wait for it too.
func (t *together[K, V]) get(ctx context.Context, key K, read func(context.Context) (V, error)) (V, error) {
	t.mu.Lock()
	if t.reading == nil {
		t.reading = map[K]*answers[V]{}
	}
	a := t.reading[key]
	if a == nil {
		a = &answers[V]{}
		t.reading[key] = a
		go t.run(context.WithoutCancel(ctx), key, a, read)
	}
	if a.next == nil {
		a.next = &reading[V]{done: make(chan struct{})}
	}
	r := a.next
	t.mu.Unlock()
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// run reads as long as somebody waits.
func (t *together[K, V]) run(ctx context.Context, key K, a *answers[V], read func(context.Context) (V, error)) {
	for {
		t.mu.Lock()
		r := a.next
		if r == nil {
			delete(t.reading, key)
			t.mu.Unlock()
			return
		}
		a.next = nil
		t.mu.Unlock()
		bounded, cancel := context.WithTimeout(ctx, readTimeout)
		r.value, r.err = read(bounded)
		cancel()
		close(r.done)
	}
}
