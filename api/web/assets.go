package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed static
var staticFiles embed.FS

// StaticPath is the route of the files every page needs; Static answers it.
const StaticPath = "/static/:hash/:name"

// staticHash is over all static files: one changed byte gives all of them new addresses.
var staticHash = sync.OnceValue(func() string {
	sum := sha256.New()
	names, _ := fs.Glob(staticFiles, "static/*") // the pattern is constant, so there is no error
	for _, name := range names {
		text, _ := staticFiles.ReadFile(name) // embedded: it was listed, so it is there
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

// Asset is the address of a static file; it changes when the file does.
func Asset(name string) string { return "/static/" + staticHash() + "/" + name }

// packed holds the static files as they go over the wire to whoever takes gzip, which every browser does.
var packed = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{}
	names, _ := fs.Glob(staticFiles, "static/*")
	for _, name := range names {
		text, _ := staticFiles.ReadFile(name)
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a known level, so there is no error
		_, _ = w.Write(text)                                  // a buffer takes everything
		_ = w.Close()
		files[path.Base(name)] = b.Bytes()
	}
	return files
})

// Static answers a static file. Its address holds a hash, so browsers may keep it for ever; a page older than this
// server asks with an old hash and gets the present file, not to be kept.
func Static(c echo.Context) error {
	name := c.Param("name")
	text, err := staticFiles.ReadFile(path.Join("static", path.Base(name)))
	if err != nil {
		return echo.ErrNotFound
	}
	head := c.Response().Header()
	head.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	head.Set("Cache-Control", "no-cache")
	if c.Param("hash") == staticHash() {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
		head.Set("ETag", `"`+staticHash()+`"`)
	}
	head.Add("Vary", "Accept-Encoding")
	if strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") && c.Request().Header.Get("Range") == "" {
		text = packed()[path.Base(name)]
		head.Set("Content-Encoding", "gzip")
		if tag := head.Get("ETag"); tag != "" {
			head.Set("ETag", strings.TrimSuffix(tag, `"`)+`-gzip"`)
		}
	}
	http.ServeContent(c.Response(), c.Request(), name, time.Time{}, bytes.NewReader(text))
	return nil
}
