package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sunfund/internal/pgtest"
)

// TestT5SlowAndGreedyConnections: slow headers, slow bodies, slow readers, header floods and idle connections each end by a
// limit of the server, while it goes on answering. The limits themselves are checked, then made short for the test.
func TestT5SlowAndGreedyConnections(t *testing.T) {
	db := pgtest.New(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(t.Context(), db.Bare(t), listener, serveCmd{LogLevel: "error", keyRing: keyRing{Keys: pgtest.KeyLine}}, terminal{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	for name, limit := range map[string]struct{ is, most time.Duration }{"header": {s.http.ReadHeaderTimeout, 10 * time.Second}, "request": {s.http.ReadTimeout, 2 * time.Minute},
		"answer": {s.http.WriteTimeout, 5 * time.Minute}, "idle": {s.http.IdleTimeout, 5 * time.Minute}} {
		if limit.is <= 0 || limit.is > limit.most {
			t.Errorf("time for %s: %s", name, limit.is)
		}
	}
	if n := s.http.MaxHeaderBytes; n <= 0 || n > 64<<10 {
		t.Errorf("%d bytes of headers", n)
	}
	s.http.ReadHeaderTimeout, s.http.ReadTimeout, s.http.WriteTimeout, s.http.IdleTimeout = 2*time.Second, 2*time.Second, 2*time.Second, 4*time.Second
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()
	t.Cleanup(func() { stop(); <-ended })

	open := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	well := func() {
		t.Helper()
		client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		a, err := client.Get("http://" + listener.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		if a.StatusCode != http.StatusOK {
			t.Errorf("while attacked: %s", a.Status)
		}
	}
	// isClosed reads until the server ends the connection.
	isClosed := func(what string, c net.Conn) {
		t.Helper()
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "i/o timeout") {
			t.Errorf("%s: still open", what)
		}
	}

	var slow []net.Conn
	for range 300 { // slow-loris: a header that never ends
		c := open()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		slow = append(slow, c)
	}
	body := open()
	fmt.Fprint(body, "POST /prefs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na")
	well()
	for _, c := range slow {
		isClosed("slow header", c)
	}
	isClosed("slow body", body)

	for name, heads := range map[string]string{"one long header": "X-Long: " + strings.Repeat("a", 200<<10) + "\r\n", "many headers": strings.Repeat("X-Many: a\r\n", 20_000)} {
		c := open()
		var sent sync.WaitGroup
		sent.Go(func() { fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n"+heads+"\r\n") })
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		line, _ := bufio.NewReader(c).ReadString('\n')
		if !strings.Contains(line, " 431 ") {
			t.Errorf("%s: %q", name, line)
		}
		_ = c.Close()
		sent.Wait()
	}

	reader := open() // asks for much and reads nothing
	_ = reader.(*net.TCPConn).SetReadBuffer(4 << 10)
	var sent sync.WaitGroup
	sent.Go(func() {
		for range 20_000 {
			if _, err := fmt.Fprint(reader, "GET /api/v1/openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return
			}
		}
	})
	sent.Wait() // the server gave up: without an end to writing this would hang
	well()

	var idle []net.Conn
	for range 1_000 {
		c := open()
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		idle = append(idle, c)
	}
	well()
	for _, c := range idle {
		isClosed("idle", c)
	}
	well()
}
