package faults

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A flight is what the service sends before it waits for an answer: a batch of statements, or a simple one. A step is one
// side of a flight. The wire can stop the world at a step.
type step struct {
	statements string // of the flight, each by its first words
	booking    bool   // its transaction reads or writes gifts as the intake does
	writes     bool   // its transaction has sent inserts of entries, with this flight or before
	moment     moment
}

type moment int

const (
	leaving  moment = iota // the flight is about to reach the server
	left                   // it was handed over; the server works
	answered               // the server has carried it out and said so; the service does not know yet
)

func (m moment) String() string { return [...]string{"not sent", "sent", "answer lost"}[m] }

// A rule looks at a step and may do something to the world there. It says whether the wire goes on; otherwise the
// connection breaks: a flight that was leaving never arrives, an answer is lost.
type rule func(step) (goOn bool)

// wire is a socket that leads to PostgreSQL's socket.
type wire struct {
	t     *testing.T
	dir   string // of our socket
	to    string
	conns int // for the service's pool

	mu      sync.Mutex
	rule    rule
	refuses bool
	open    map[net.Conn]bool
}

func newWire(t *testing.T, dir, serverDir string) *wire {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const name = ".s.PGSQL.5432"
	l, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, dir: dir, to: filepath.Join(serverDir, name), open: map[net.Conn]bool{}}
	var pumps sync.WaitGroup
	pumps.Go(func() {
		for {
			service, err := l.Accept()
			if err != nil {
				return
			}
			pumps.Go(func() { w.connect(service) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.cutAll()
		pumps.Wait()
	})
	return w
}

// set installs a rule; nil lets everything pass.
func (w *wire) set(r rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = r
}

// refuse makes the database unreachable, on open connections too, or reachable again.
func (w *wire) refuse(yes bool) {
	w.mu.Lock()
	w.refuses = yes
	w.mu.Unlock()
	if yes {
		w.cutAll()
	}
}

// cutAll breaks every connection.
func (w *wire) cutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		c.Close()
	}
}

func (w *wire) pass(s step) bool {
	w.mu.Lock()
	r := w.rule
	w.mu.Unlock()
	return r == nil || r(s)
}

func (w *wire) keep(c net.Conn) (kept bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses {
		return false
	}
	w.open[c] = true
	return true
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(w.open, c)
	}
}

func (w *wire) connect(service net.Conn) {
	if !w.keep(service) {
		service.Close()
		return
	}
	server, err := net.Dial("unix", w.to)
	if err != nil || !w.keep(server) {
		w.drop(service)
		return
	}
	c := &session{wire: w, service: service, server: server, prepared: map[string]string{}}
	var back sync.WaitGroup
	back.Go(func() {
		_ = c.answers()
		w.drop(service, server)
	})
	_ = c.requests()
	w.drop(service, server)
	back.Wait()
}

// session reads along on one connection. pgx waits for the answer of a flight before it sends the next, so the two
// directions take turns; mu is for the exceptions at the beginning and the end.
type session struct {
	wire            *wire
	service, server net.Conn
	prepared        map[string]string // statement name to its text

	mu     sync.Mutex
	flight step
}

var errCut = errors.New("the wire was cut")

// requests carries what the service says to the server, a flight at a time.
func (c *session) requests() error {
	in := bufio.NewReaderSize(c.service, 64<<10)
	start, err := startup(in)
	if err != nil {
		return err
	}
	if _, err := c.server.Write(start); err != nil {
		return err
	}
	var flight []byte
	var words []string
	for {
		kind, message, err := frame(in)
		if err != nil {
			return err
		}
		flight = append(flight, message...)
		if text := c.text(kind, message[5:]); text != "" {
			words = append(words, text)
		}
		switch kind {
		case 'Q', 'S', 'p', 'H', 'X': // query, sync, password, flush, terminate: nothing more is to come
		default:
			continue
		}
		if err := c.send(flight, words, kind); err != nil {
			return err
		}
		flight, words = nil, nil
	}
}

func (c *session) send(flight []byte, words []string, kind byte) error {
	if kind != 'Q' && kind != 'S' {
		_, err := c.server.Write(flight)
		return err
	}
	s := c.take(strings.Join(words, "; "))
	if !c.wire.pass(s) {
		return errCut
	}
	if _, err := c.server.Write(flight); err != nil {
		return err
	}
	s.moment = left
	if !c.wire.pass(s) {
		return errCut
	}
	return nil
}

// take notes the flight that is about to leave.
func (c *session) take(text string) step {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(text, "begin") {
		c.flight = step{}
	}
	before := c.flight
	c.flight = step{statements: text,
		booking: before.booking || strings.HasPrefix(text, "select u.channel"),
		writes:  before.writes || strings.HasPrefix(text, "insert into entry")}
	return c.flight
}

// text gives the statement that a message speaks of.
func (c *session) text(kind byte, body []byte) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch kind {
	case 'Q':
		return short(cstring(body))
	case 'P':
		name := cstring(body)
		c.prepared[name] = short(cstring(body[len(name)+1:]))
		return "prepare " + c.prepared[name]
	case 'B':
		portal := cstring(body)
		return c.prepared[cstring(body[len(portal)+1:])]
	}
	return ""
}

func cstring(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

func short(sql string) string {
	words := strings.Fields(sql)
	return strings.Join(words[:min(len(words), 3)], " ")
}

// answers carries what the server says to the service. The answer to a flight is whole at ReadyForQuery.
func (c *session) answers() error {
	in := bufio.NewReaderSize(c.server, 64<<10)
	var answer []byte
	for {
		kind, message, err := frame(in)
		if err != nil {
			_, _ = c.service.Write(answer) // what was said before the end
			return err
		}
		answer = append(answer, message...)
		if kind != 'Z' && kind != 'R' && len(answer) < 1<<20 {
			continue
		}
		if kind == 'Z' {
			c.mu.Lock()
			s := c.flight
			s.moment = answered
			c.mu.Unlock()
			if s.statements != "" && !c.wire.pass(s) {
				return errCut
			}
		}
		if _, err := c.service.Write(answer); err != nil {
			return err
		}
		answer = nil
	}
}

// startup reads the first message, which has no letter.
func startup(in *bufio.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	return body(in, size[:], 0)
}

// frame reads one message: a letter, its length, its body.
func frame(in *bufio.Reader) (kind byte, message []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	message, err = body(in, head[:], 1)
	return head[0], message, err
}

func body(in *bufio.Reader, head []byte, skip int) ([]byte, error) {
	n := int(binary.BigEndian.Uint32(head[skip:]))
	if n < 4 || n > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	message := make([]byte, skip+n)
	copy(message, head)
	_, err := io.ReadFull(in, message[len(head):])
	return message, err
}
