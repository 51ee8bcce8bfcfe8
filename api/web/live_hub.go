package web

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
)

// Limits of live updates.
const (
	liveEvery      = time.Second            // one look at the database per watched page, however many watch it
	liveOften      = 300 * time.Millisecond // the same of a giving day
	liveReadersMax = 5000                   // in this process; more are told to reload by hand
	liveFailures   = 5                      // looks in a row that may fail before readers are told that figures stand still
	liveTimeout    = 5 * time.Second
)

// errLiveFull asks a reader to reload by hand.
var errLiveFull = echo.NewHTTPError(http.StatusServiceUnavailable, "too many live readers")

// look reads what a page shows. The version changes when the page would; render is asked for each language then.
type look func(ctx context.Context) (version string, render func(Lang) (string, error), err error)

// live tells open pages what changed. One poller a page asks the database while anybody has it open, so it does not
// matter which process booked the gift.
type live struct {
	mu      sync.Mutex
	topics  map[string]*topic
	readers int
	closed  bool
}

// topic is one page that is watched. Its fields are guarded by live.mu.
type topic struct {
	readers map[*reader]struct{}
	version string
	parts   map[Lang]string // of version; nil before the first look
	stop    context.CancelFunc
}

// reader is one open page. Its channel holds the newest fragment only; it is closed when updates end.
type reader struct {
	lang    Lang
	version string // what the page shows
	updates chan string
}

func newLive() *live { return &live{topics: map[string]*topic{}} }

// watch follows a page of the book that stands at version, with a look every so often. leave must be called when the reader is gone.
func (l *live) watch(book int32, key string, lang Lang, version string, every time.Duration, at look) (updates <-chan string, leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.readers >= liveReadersMax {
		return nil, nil, errLiveFull
	}
	t := l.topics[key]
	if t == nil {
		ctx, stop := context.WithCancel(pg.WithBook(context.Background(), book))
		t = &topic{readers: map[*reader]struct{}{}, stop: stop}
		l.topics[key] = t
		go l.poll(ctx, key, t, every, at)
	}
	r := &reader{lang: lang, version: version, updates: make(chan string, 1)}
	t.readers[r] = struct{}{}
	l.readers++
	if t.parts != nil {
		t.tell(r)
	}
	return r.updates, func() { l.leave(key, t, r) }, nil
}

func (l *live) leave(key string, t *topic, r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, here := t.readers[r]; !here {
		return // the topic ended before
	}
	delete(t.readers, r)
	l.readers--
	if len(t.readers) == 0 {
		l.end(key, t)
	}
}

// end closes what is left of a topic; the caller holds mu.
func (l *live) end(key string, t *topic) {
	t.stop()
	for r := range t.readers {
		close(r.updates)
		l.readers--
	}
	clear(t.readers)
	if l.topics[key] == t {
		delete(l.topics, key)
	}
}

// close ends all updates, so that a server that stops need not wait for its readers.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for key, t := range l.topics {
		l.end(key, t)
	}
}

// Close ends all live updates; new ones are refused. Call it when the web server begins to stop.
func (s *Server) Close() { s.live.close() }

// poll looks every so often. The first look comes at once: the page may be older than its stream.
func (l *live) poll(ctx context.Context, key string, t *topic, every time.Duration, at look) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for failed := 0; failed < liveFailures; {
		if err := l.refresh(ctx, t, at); err == nil {
			failed = 0
		} else if errors.Is(err, context.Canceled) {
			return
		} else {
			failed++
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	l.mu.Lock() // readers see that the stream is cut, and their pages say so
	defer l.mu.Unlock()
	l.end(key, t)
}

func (l *live) refresh(ctx context.Context, t *topic, at look) error {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	version, render, err := at(ctx)
	if err != nil {
		return err
	}
	if t.parts != nil && version == t.version { // this goroutine alone writes them
		return nil
	}
	parts := map[Lang]string{}
	for _, lang := range []Lang{ZH, EN} {
		if parts[lang], err = render(lang); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.version, t.parts = version, parts
	for r := range t.readers {
		t.tell(r)
	}
	return nil
}

// tell sends a reader the newest parts, unless its page shows them already; the caller holds live.mu.
func (t *topic) tell(r *reader) {
	if r.version == t.version {
		return
	}
	r.version = t.version
	select {
	case <-r.updates: // a slow reader skips to the newest
	default:
	}
	r.updates <- t.parts[r.lang]
}
