package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
)

// measureHTTP sends gifts to the service, one a request or in batches, each client on a connection that it keeps.
func measureHTTP(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	return w.driveHTTP(ctx, r)
}

func (w *world) driveHTTP(ctx context.Context, r *row) (sample, error) {
	address, stop, err := w.l.cfg.Serve(ctx, w.db)
	if err != nil {
		return sample{}, err
	}
	callers := make([]caller, r.clients)
	for i, g := range w.givers(r.clients) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return sample{}, errors.Join(err, stop())
		}
		defer conn.Close()
		c := &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), giver: g, token: w.l.token, slugs: w.slugs}
		callers[i] = func(ctx context.Context) (int64, int64, error) { return c.give(ctx, r.batch) }
	}
	s, err := w.drive(ctx, callers)
	return s, errors.Join(err, stop())
}

// client is as light as a client can be: it writes requests and reads answers without a library in between, since it
// shares the processors with what is measured.
type client struct {
	*giver
	conn         net.Conn
	in           *bufio.Reader
	token        string
	slugs        []string
	request, out []byte
	body         []byte
}

const answerTimeout = 30 * time.Second

// give sends the next gifts. A service that is busy is asked again after the time it named.
func (c *client) give(ctx context.Context, batch int) (gifts, amount int64, err error) {
	c.out = c.out[:0]
	path := "/api/v1/gifts"
	if batch > 1 {
		path += "/batch"
		c.out = append(c.out, `{"gifts":[`...)
	}
	for i := range batch {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		amount += c.append()
	}
	if batch > 1 {
		c.out = append(c.out, "]}"...)
	}
	head := fmt.Appendf(c.request[:0], "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, c.token, len(c.out))
	c.request = append(head, c.out...)
	for {
		status, wait, err := c.send(c.request)
		switch {
		case err != nil:
			return 0, 0, err
		case status == http.StatusServiceUnavailable && wait > 0:
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				return 0, 0, ctx.Err()
			}
		case batch == 1 && status == http.StatusCreated:
			return 1, amount, nil
		case batch > 1 && status == http.StatusOK && bytes.HasPrefix(c.body, fmt.Appendf(nil, `{"booked":%d,`, batch)):
			return int64(batch), amount, nil
		}
		return 0, 0, fmt.Errorf("status %d: %.200s", status, c.body)
	}
}

// append writes one gift as JSON and gives its amount.
func (c *client) append() int64 {
	c.n++
	minor := 10_00 + c.rand.Int64N(490_00)
	at := time.Now()
	if c.rand.IntN(50) == 0 {
		at = at.AddDate(0, 0, -1)
	}
	b := append(c.out, `{"campaign":"`...)
	b = append(b, c.slugs[c.rand.IntN(len(c.slugs))]...)
	b = append(b, `","channel":"wechat","currency":"CNY","amount":"`...)
	b = appendMoney(b, minor)
	b = append(b, `","fee":"`...)
	b = appendMoney(b, fee(minor))
	b = append(b, `","paid_at":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","ref":"`...)
	b = append(c.ref(b), '"')
	if c.rand.IntN(2) == 0 {
		b = append(b, `,"donor_name":"`+donorName+`"`...)
	}
	if c.rand.IntN(5) == 0 {
		b = append(b, `,"message":"`+message+`"`...)
	}
	c.out = append(b, '}')
	return minor
}

func appendMoney(b []byte, minor int64) []byte {
	b = strconv.AppendInt(b, minor/100, 10)
	return append(b, '.', byte('0'+minor%100/10), byte('0'+minor%10))
}

// send makes the request and reads the answer.
func (c *client) send(request []byte) (status int, wait time.Duration, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, 0, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	length, chunked := 0, false
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if !found {
			break
		}
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Retry-After")):
			var seconds int
			seconds, err = strconv.Atoi(string(value))
			wait = time.Duration(seconds) * time.Second
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return status, wait, c.readBody(length, chunked)
}

func (c *client) readBody(length int, chunked bool) error {
	if !chunked {
		if cap(c.body) < length {
			c.body = make([]byte, length)
		}
		c.body = c.body[:length]
		_, err := io.ReadFull(c.in, c.body)
		return err
	}
	body := bytes.NewBuffer(c.body[:0])
	if _, err := body.ReadFrom(httputil.NewChunkedReader(c.in)); err != nil {
		return err
	}
	c.body = body.Bytes()
	_, err := c.in.ReadSlice('\n') // the end of the trailer
	return err
}

const flushTime = 2 * time.Millisecond

// slowFlush holds each transaction for two milliseconds between its last statement and COMMIT, with all its locks, as a
// slower disk would. It emulates the wait of a flush: nothing is done to the disk.
type slowFlush struct{}

func (slowFlush) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if data.SQL == "commit" {
		time.Sleep(flushTime)
	}
	return ctx
}

func (slowFlush) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// measureSlowFlush is measureHTTP with two milliseconds added to each commit.
func measureSlowFlush(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r, slowly)
	if err != nil {
		return sample{}, err
	}
	return w.driveHTTP(ctx, r)
}

var slowly pg.Option = func(c *pgxpool.Config) { c.ConnConfig.Tracer = slowFlush{} }
