package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// call is one request of a program that has shown its key.
type call struct {
	echo.Context
	s    *Server
	book *ledger.Book
	key  staff.Key
	body []byte
	now  time.Time
}

const (
	idempotencyKey = "Idempotency-Key"
	keyUseEvery    = time.Minute // how exactly a key's last use is known
	staleAttempts  = 5
	keyOfRequest   = "key" // where the error handler finds who asked
)

// with checks key and scope before the answer is asked for.
func (s *Server) with(r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set(echo.HeaderCacheControl, "no-store")
		header.Set(echo.HeaderVary, "Accept-Language, Authorization")
		token, ok := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		if !ok {
			return staff.ErrKey
		}
		ctx, now := c.Request().Context(), s.Now()
		hash := hashOf(token)
		key, err := s.keys.get(ctx, hash, r.scope == staff.GiftsWrite, s.Now, func(ctx context.Context) (staff.Key, error) { return staff.Authenticate(ctx, s.DB, token, s.Now()) })
		if err != nil {
			return err
		}
		c.Set(keyOfRequest, key)
		c.SetRequest(c.Request().WithContext(pg.WithBook(staff.WithOrigin(ctx, originOf(c)), key.Book)))
		if !key.May(r.scope) {
			return staff.ErrDenied
		}
		call := &call{Context: c, s: s, key: key, now: now}
		for _, b := range s.Books {
			if b.ID == key.Book {
				call.book = b
			}
		}
		if call.book == nil {
			return ledger.ErrNoBook
		}
		if err := call.noteUse(hash); err != nil {
			return err
		}
		if err := call.read(r.method); err != nil {
			return err
		}
		return call.explain(r.answer(call))
	}
}

// originOf is where a request comes from, for the audit trail.
func originOf(c echo.Context) staff.Origin {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		ip = netip.Addr{}
	}
	return staff.Origin{Request: c.Response().Header().Get(echo.HeaderXRequestID), IP: ip}
}

// denied writes into the audit trail that a program asked for what is not its to see or do.
func (s *Server) denied(c echo.Context, reason string) {
	key, ok := c.Get(keyOfRequest).(staff.Key)
	if !ok {
		return
	}
	object, ctx := c.Request().Method+" "+c.Request().URL.Path, c.Request().Context()
	err := pg.InTx(ctx, s.DB, func(tx pgx.Tx) error { return staff.RecordDenial(ctx, tx, key.Book, key.ID, object, reason, s.Now()) })
	if err != nil {
		s.Log.Error("denied try not recorded", "route", c.Path(), "error", err)
	}
}

// noteUse writes when the key was used last, without a transaction for every request.
func (c *call) noteUse(hash tokenHash) error {
	if last := c.key.LastUsedAt; last != nil && c.now.Sub(*last) < keyUseEvery {
		return nil
	}
	c.s.keys.used(hash, c.now)
	return pg.InTx(c.ctx(), c.s.DB, func(tx pgx.Tx) error { return staff.UseKey(c.ctx(), tx, c.key, c.now) })
}

// read takes the body and refuses parameters that PostgreSQL would not take as text.
func (c *call) read(method string) (err error) {
	if c.Request().URL.RawQuery != "" {
		for name, values := range c.QueryParams() {
			for _, v := range values {
				if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
					return badParam{name}
				}
			}
		}
	}
	for i, v := range c.ParamValues() {
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return badParam{c.ParamNames()[i]}
		}
	}
	if method == http.MethodGet {
		return nil
	}
	if !isJSON(c.Request().Header.Get(echo.HeaderContentType)) {
		return echo.ErrUnsupportedMediaType
	}
	c.body, err = readAll(c.Request().Body, c.Request().ContentLength)
	return err
}

func isJSON(contentType string) bool {
	if contentType == echo.MIMEApplicationJSON {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == echo.MIMEApplicationJSON
}

// bodyAtOnce is how much of a body is made room for before it has come.
const bodyAtOnce = 16 << 10

// readAll reads a body of the length that its caller says, or -1; an error other than that it is too long means that it broke off.
func readAll(body io.Reader, length int64) ([]byte, error) {
	var all bytes.Buffer
	all.Grow(int(min(max(length, 0), bodyAtOnce)) + bytes.MinRead)
	_, err := all.ReadFrom(body)
	b := all.Bytes()
	var tooLong *echo.HTTPError
	if err != nil && !errors.As(err, &tooLong) {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	return b, err
}

func (c *call) ctx() context.Context { return c.Request().Context() }

// decode reads the body strictly: unknown fields are refused, so that a misspelt one is not lost in silence and none
// is set that is not the caller's to set.
func (c *call) decode(into any) error { return strictly(c.body, into) }

func strictly(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return misread(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return notJSON
	}
	return nil
}

var notJSON = rule{"正文不是一个 JSON 对象。", "The body is not one JSON object."}

// misread tells what the caller can mend, without names of our own.
func misread(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return at{"/" + strings.ReplaceAll(wrongType.Field, ".", "/"), rule{"类型不对：金额和编号都是字符串。", "Another type is expected here; amounts are strings."}}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if text, err := strconv.Unquote(name); err == nil {
			return at{"/" + text, rule{"没有这个字段。", "There is no such field."}}
		}
	}
	return notJSON
}

// once runs a write under the request's Idempotency-Key: the same request again gets the same answer.
func (c *call) once(write func(tx pgx.Tx) (status int, answer any, err error)) error {
	k := staff.RequestKey{Book: c.book.ID, Key: c.key.ID, Text: c.Request().Header.Get(idempotencyKey),
		Hash: sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", c.Request().Method, c.Request().URL.Path, c.body))}
	var answer staff.Answer
	try := func(tx pgx.Tx) error {
		before, done, err := staff.Begin(c.ctx(), tx, k)
		if err != nil {
			return err
		}
		if done {
			answer = before
			return pg.Confirm(c.ctx(), tx)
		}
		status, body, err := write(tx)
		if err != nil {
			return err
		}
		if answer.Body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		answer.Status = status
		return staff.Finish(c.ctx(), tx, k, answer, c.now)
	}
	for attempt := 1; ; attempt++ {
		err := pg.InTx(c.ctx(), c.s.DB, try)
		if err == nil {
			return c.JSONBlob(answer.Status, answer.Body)
		}
		if !errors.Is(err, ledger.ErrStale) || attempt == staleAttempts {
			return err
		}
	}
}

// page is one page of a list. Next is the cursor of the following page; without it this is the last one.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// pageOf makes a page of limit rows out of up to one more.
func pageOf[R, T any](rows []R, limit int, item func(*R) T, cursor func(*R) string) page[T] {
	p := page[T]{Items: make([]T, 0, len(rows))}
	if len(rows) > limit {
		rows = rows[:limit]
		p.Next = cursor(&rows[limit-1])
	}
	for i := range rows {
		p.Items = append(p.Items, item(&rows[i]))
	}
	return p
}

// limit is how many rows the caller wants on a page.
func (c *call) limit() (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return pageDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageMax {
		return 0, badParam{"limit"}
	}
	return n, nil
}

// after reads a cursor that is a number; zero when it is not there.
func (c *call) after() (int32, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, ledger.ErrCursor
	}
	return int32(n), nil
}

// beforeID reads a cursor that is an id; the greatest one when it is not there.
func (c *call) beforeID() (uuid.UUID, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return uuid.Max, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return id, ledger.ErrCursor
	}
	return id, nil
}

// day reads a day parameter; zero when it is not there.
func (c *call) day(name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	day, ok := parseDay(text)
	if !ok {
		return day, badParam{name}
	}
	return day, nil
}

// period reads the days from and to; zero where one is not there.
func (c *call) period() (from, to time.Time, err error) {
	if from, err = c.day("from"); err != nil {
		return from, to, err
	}
	if to, err = c.day("to"); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return from, to, badParam{"to"}
	}
	return from, to, nil
}

// parseDay reads a day of the years in which books are kept: a mistyped one must not stand in them.
func parseDay(text string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil && day.Year() >= 1990 && day.Year() <= 2200
}

// fundFilter reads the parameter fund; zero when it is not there.
func (c *call) fundFilter() (int32, error) {
	code := c.QueryParam("fund")
	if code == "" {
		return 0, nil
	}
	fund, err := ledger.FundByCode(c.ctx(), c.s.DB, c.book, code)
	if err != nil {
		return 0, err
	}
	return fund.ID, nil
}

// fundCodes gives each fund's code by its number.
func (c *call) fundCodes(q pg.Querier) (map[int32]string, error) {
	funds, err := ledger.Funds(c.ctx(), q, c.book)
	if err != nil {
		return nil, err
	}
	codes := make(map[int32]string, len(funds))
	for _, f := range funds {
		codes[f.ID] = f.Code
	}
	return codes, nil
}
