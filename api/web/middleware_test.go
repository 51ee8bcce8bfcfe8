package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	res, _ := get(t, server.URL+"/")
	for name, want := range map[string]string{
		"Content-Security-Policy": Policy, "X-Content-Type-Options": "nosniff", "Content-Language": "zh-CN",
		"Vary": "Accept-Language, Cookie", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestLanguageChoice(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	for _, c := range []struct{ name, path, cookie, accept, want string }{
		{"default", "/", "", "", "zh-CN"},
		{"browser", "/", "", "en-GB", "en"},
		{"cookie beats browser", "/", "lang=zh-CN", "en-GB", "zh-CN"},
		{"address beats cookie", "/?lang=en", "lang=zh-CN", "zh", "en"},
		{"nonsense counts as no choice", "/?lang=xx", "lang=yy", "en", "en"},
	} {
		res, _ := get(t, server.URL+c.path, "Cookie", c.cookie, "Accept-Language", c.accept)
		if got := res.Header.Get("Content-Language"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	res, body := get(t, server.URL+"/?wrong=1&lang=en")
	if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "lang=en;") {
		t.Errorf("cookie %q", got)
	}
	if !strings.Contains(body, `hreflang="zh-CN" href="/?wrong=1&amp;lang=zh-CN"`) {
		t.Error("no way to the other language")
	}
}

func TestPrefs(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	res, _ := post(t, server.URL+PrefsPath, "text=large&theme=dark&lang=en&keys=off&back=/console?a=b%26lang=zh-CN")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console?a=b" {
		t.Errorf("answered %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	var sent []string
	for _, c := range res.Cookies() {
		sent = append(sent, c.Name+"="+c.Value)
	}
	_, body := get(t, server.URL+"/console", "Cookie", strings.Join(sent, "; "))
	if !strings.Contains(body, `<html lang="en" data-text="large" data-theme="dark" data-keys="off">`) {
		t.Errorf("wishes %v were not kept", sent)
	}
	for _, back := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "evil", ""} {
		res, _ := post(t, server.URL+PrefsPath, "back="+back)
		if got := res.Header.Get("Location"); got != "/" {
			t.Errorf("back=%s leads to %s", back, got)
		}
	}
	res, _ = post(t, server.URL+PrefsPath, "text=huge&theme=%3Cscript%3E&back=/")
	if len(res.Cookies()) > 0 {
		t.Errorf("kept %v", res.Cookies())
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	if res, _ := post(t, server.URL+PrefsPath, "text=large", "Sec-Fetch-Site", "cross-site"); len(res.Cookies()) > 0 || res.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site was answered %d", res.StatusCode)
	}
	if res, _ := post(t, server.URL+PrefsPath, "text=large", "Sec-Fetch-Site", "same-origin"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("our own form was answered %d", res.StatusCode)
	}
	if _, err := CrossOrigin("not an origin"); err == nil {
		t.Error("a wrong origin was trusted")
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	res, body := get(t, server.URL+Asset("sunfund.css"))
	if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") ||
		!strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") || !strings.HasPrefix(body, "@layer") || !res.Uncompressed {
		t.Errorf("stylesheet: %d %v", res.StatusCode, res.Header)
	}
	if res, _ := get(t, server.URL+"/static/0123/sunfund.js"); res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("old address: %d %v", res.StatusCode, res.Header)
	}
	for _, name := range []string{"nothing.css", "..%2fi18n.go", "%2e%2e"} {
		if res, _ := get(t, server.URL+"/static/0123/"+name); res.StatusCode != 404 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
}
