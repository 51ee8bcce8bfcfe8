package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	tables "sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/disclosure"
)

// openLicence is what anybody may do with open data.
const openLicence = "https://creativecommons.org/licenses/by/4.0/"

// openKept is how long an answer is kept, here and by who took it; openBodies how many the server keeps at once.
const (
	openKept   = time.Minute
	openBodies = 128
)

// openBody is a page of a set as it is sent, with the address of the next one.
type openBody struct {
	body      []byte
	tag, next string
}

// openMemory keeps answers for a minute, so that who asks again costs no reading. Who asks for the same at once waits for one reading.
type openMemory[T any] struct {
	mu   sync.Mutex
	kept map[string]*openPlace[T]
}

type openPlace[T any] struct {
	until  time.Time
	mu     sync.Mutex
	known  bool
	answer T
}

func newOpenMemory[T any]() *openMemory[T] { return &openMemory[T]{kept: map[string]*openPlace[T]{}} }

// of is the answer to a question, read when nobody asked within the minute.
func (m *openMemory[T]) of(key string, now time.Time, read func() (T, error)) (answer T, err error) {
	p := m.place(key, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known {
		if answer, err = read(); err != nil {
			return answer, err
		}
		p.known, p.answer = true, answer
	}
	return p.answer, nil
}

// place is where the answer to a question stands or will stand. When there is no room for one more it is not kept.
func (m *openMemory[T]) place(key string, now time.Time) *openPlace[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.kept[key]; p != nil && now.Before(p.until) {
		return p
	}
	delete(m.kept, key)
	if len(m.kept) >= openBodies {
		for k, p := range m.kept {
			if !now.Before(p.until) {
				delete(m.kept, k)
			}
		}
	}
	p := &openPlace[T]{until: now.Add(openKept)}
	if len(m.kept) < openBodies {
		m.kept[key] = p
	}
	return p
}

// remembered answers a page of a set: ?after= is the last id that the asker has, ?limit= how many rows at most.
func (v *visit) remembered(media string, page func(v *visit, after string, most int) (*openBody, error)) error {
	after, most := v.QueryParam("after"), v.openMost()
	key := strings.Join([]string{strconv.Itoa(int(v.book.ID)), v.address(), v.Request().URL.Path, string(v.lang), strconv.Itoa(most), after}, "\n")
	b, err := v.s.keptPages.of(key, v.now, func() (*openBody, error) {
		b, err := page(v, after, most)
		if err == nil {
			b.tag = entityTag(b.body)
		}
		return b, err
	})
	if err != nil {
		return err
	}
	if b.next != "" {
		v.Response().Header().Set("Link", "<"+b.next+`>; rel="next"`)
	}
	return v.tagged(media, b.tag, b.body)
}

func (v *visit) openMost() int {
	if n := int(v.number("limit")); n > 0 {
		return min(n, disclosure.OpenMax)
	}
	return disclosure.OpenMax
}

// openNext is the address of the page behind an id.
func (v *visit) openNext(id string) string {
	query := url.Values{"after": {id}}
	if limit := v.QueryParam("limit"); limit != "" {
		query.Set("limit", strconv.Itoa(v.openMost()))
	}
	if v.QueryParam("lang") != "" {
		query.Set("lang", string(v.lang))
	}
	return v.address() + v.Request().URL.Path + "?" + query.Encode()
}

// openID is the last id that was sent without its prefix; of nothing it is zero.
func openID(after, prefix string) (id uuid.UUID, err error) {
	if after == "" {
		return id, nil
	}
	text, ok := strings.CutPrefix(after, prefix)
	if id, err = uuid.Parse(text); !ok || err != nil {
		return uuid.Nil, ledger.ErrCursor
	}
	return id, nil
}

// whole pages a set that is read at once, and kept, because it is short: rows never leave it and those there stay in their order.
func whole(name string, all func(*visit, pg.Querier) ([][]any, error)) func(*visit, pg.Querier, string, int) ([][]any, error) {
	return func(v *visit, q pg.Querier, after string, most int) ([][]any, error) {
		key := strings.Join([]string{strconv.Itoa(int(v.book.ID)), v.address(), name}, "\n")
		rows, err := v.s.keptSets.of(key, v.now, func() ([][]any, error) { return all(v, q) })
		if err != nil {
			return nil, err
		}
		if after != "" {
			i := 0
			for i < len(rows) && rows[i][0] != after {
				i++
			}
			if i == len(rows) {
				return nil, ledger.ErrCursor
			}
			rows = rows[i+1:]
		}
		return rows[:min(most, len(rows))], nil
	}
}

// openRows reads a page of a set, and the address of the next one if there are more.
func (v *visit) openRows(s openSet, after string, most int) (rows [][]any, next string, err error) {
	err = v.read(func(q pg.Querier) (err error) {
		rows, err = s.rows(v, q, after, most+1)
		return err
	})
	if err == nil && len(rows) > most {
		rows = rows[:most]
		next = v.openNext(rows[most-1][0].(string))
	}
	return rows, next, err
}

// dataJSON and dataCSV answer one set.
func dataJSON(s openSet) handler {
	page := func(v *visit, after string, most int) (*openBody, error) {
		rows, next, err := v.openRows(s, after, most)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"set":%q,"book":%q,"licence":"CC BY 4.0","items":[`, s.name, v.book.Code)
		for i, row := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n{")
			for n, value := range row {
				if n > 0 {
					b.WriteByte(',')
				}
				text, err := json.Marshal(value)
				if err != nil {
					return nil, fmt.Errorf("write open data: %w", err)
				}
				fmt.Fprintf(&b, "%q:%s", s.fields[n].name, text)
			}
			b.WriteByte('}')
		}
		b.WriteString("\n]")
		if next != "" {
			fmt.Fprintf(&b, `,"next":%q`, next)
		}
		b.WriteString("}\n")
		return &openBody{body: b.Bytes(), next: next}, nil
	}
	return func(v *visit) error { return v.remembered("application/json; charset=utf-8", page) }
}

func dataCSV(s openSet) handler {
	page := func(v *visit, after string, most int) (*openBody, error) {
		rows, next, err := v.openRows(s, after, most)
		if err != nil {
			return nil, err
		}
		return &openBody{body: openCSV(s.names(), rows), next: next}, nil
	}
	return func(v *visit) error { return v.remembered("text/csv; charset=utf-8", page) }
}

// openCSV writes rows; no text in them is a formula to a spreadsheet program.
func openCSV(names []string, rows [][]any) []byte {
	var b bytes.Buffer
	b.WriteString(tables.Mark)
	w := tables.NewWriter(&b)
	_ = w.Row(names...) // a buffer takes everything
	for _, row := range rows {
		fields := make([]string, len(row))
		for i, value := range row {
			fields[i] = fmt.Sprint(value)
		}
		_ = w.Row(fields...)
	}
	_ = w.Flush()
	return b.Bytes()
}

func entityTag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// cached sends what anybody may keep for a minute; who has it already is told so.
func (v *visit) cached(media string, body []byte) error {
	return v.tagged(media, entityTag(body), body)
}

func (v *visit) tagged(media, tag string, body []byte) error {
	head := v.Response().Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(openKept/time.Second)))
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Expose-Headers", "ETag, Link")
	head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	head.Del("Set-Cookie")
	for _, known := range strings.Split(v.Request().Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			return v.NoContent(http.StatusNotModified)
		}
	}
	return v.Blob(http.StatusOK, media, body)
}
