package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// events reads a stream; each event comes as "name data".
func (s *publicSite) events(ctx context.Context, path string) <-chan string {
	s.t.Helper()
	return eventsOf(ctx, s.t, http.DefaultClient, s.URL+path)
}

func eventsOf(ctx context.Context, t *testing.T, browser *http.Client, address string) <-chan string {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", address, response.StatusCode)
	}
	list := make(chan string, 100)
	go func() {
		defer close(list)
		defer response.Body.Close()
		var event strings.Builder
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if lines.Text() == "" {
				list <- event.String()
				event.Reset()
				continue
			}
			_, text, _ := strings.Cut(lines.Text(), ": ")
			event.WriteString(text + " ")
		}
	}()
	return list
}

// next waits for an update that says something.
func next(t *testing.T, list <-chan string, words string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case event, more := <-list:
			if !more {
				t.Fatalf("the stream ended before %q", words)
			}
			if strings.HasPrefix(event, "update") && strings.Contains(event, words) {
				return
			}
		case <-late:
			t.Fatalf("no update with %q within %s", words, patience)
		}
	}
}

func TestCampaignLive(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	ctx, leave := context.WithCancel(t.Context())
	zh, en := s.events(ctx, "/c/ekongjian/live?lang=zh-CN&v=0-0-0"), s.events(ctx, "/c/ekongjian/live?lang=en&v=0-0-0")
	s.give(s.form("50"), url.Values{"result": {"success"}})
	next(t, zh, "已收到 <b>50.00 元</b>")
	next(t, en, "Received <b>CNY 50.00</b>")
	leave()
	waitFor(t, "the poller ends with its last reader", func() bool {
		s.pages.live.mu.Lock()
		defer s.pages.live.mu.Unlock()
		return len(s.pages.live.topics) == 0 && s.pages.live.readers == 0
	})
	// A page that is older than the figures learns of it at once; one that shows them hears nothing.
	old := s.events(t.Context(), "/c/ekongjian/live?v=0-0-0")
	next(t, old, "50.00")
	s.pages.Close()
	for range old {
	}
	if a := s.get("/c/ekongjian/live"); a.status != http.StatusServiceUnavailable {
		t.Errorf("after close: status %d", a.status)
	}
}

func TestGiftLive(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	started := s.post("/c/ekongjian/give", s.form("50")).head.Get("Location")
	s.post(started, url.Values{"result": {"pending"}})
	_, gift, _ := strings.Cut(s.get(started).body, `href="/g/`)
	gift, _, _ = strings.Cut(gift, `"`)
	s.until("/g/"+gift, "正在处理")
	list := s.events(t.Context(), "/g/"+gift+"/live?v=pending-0")
	s.post(started, url.Values{"result": {"success"}})
	next(t, list, "谢谢您，50.00 元已收到")
}

// Trouble that lasts cuts the stream, so that no page believes that old figures are live.
func TestLiveTrouble(t *testing.T) {
	t.Parallel()
	l := newLive()
	looks := 0
	updates, leave, err := l.watch(1, "x", ZH, "", liveEvery, func(context.Context) (string, func(Lang) (string, error), error) {
		looks++
		return "", nil, errors.New("no database")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if _, more := <-updates; more || looks != liveFailures {
		t.Errorf("updates go on after %d looks", looks)
	}
}

func TestLiveLimit(t *testing.T) {
	t.Parallel()
	l := newLive()
	l.readers = liveReadersMax
	if _, _, err := l.watch(1, "x", ZH, "", liveEvery, nil); !errors.Is(err, errLiveFull) {
		t.Errorf("one reader too many: %v", err)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
