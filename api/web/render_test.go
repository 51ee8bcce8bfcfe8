package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func get(t *testing.T, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, req, headers...)
}

func post(t *testing.T, url, form string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, req, headers...)
}

func send(t *testing.T, req *http.Request, headers ...string) (*http.Response, string) {
	t.Helper()
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// Every answer keeps the policy's promise, says its language once and repeats no id.
func TestPagesAreClean(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	for _, path := range []string{"/?lang=zh-CN", "/?lang=en", "/?wrong=1&lang=en", "/console?lang=zh-CN", "/missing?lang=en"} {
		_, body := get(t, server.URL+path)
		if strings.Contains(body, "⟦") || strings.Contains(body, "%!") || strings.Contains(body, "<no value>") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s has unfinished text", path)
		}
		root, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		ids, headings := map[string]bool{}, 0
		for node := range root.Descendants() {
			if node.Type != html.ElementNode {
				continue
			}
			if node.Data == "h1" {
				headings++
			}
			for _, a := range node.Attr {
				switch {
				case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
					t.Errorf("%s: <%s> has %s", path, node.Data, a.Key)
				case a.Key == "id" && ids[a.Val]:
					t.Errorf("%s: id %s twice", path, a.Val)
				case a.Key == "id":
					ids[a.Val] = true
				}
			}
			if (node.Data == "script" || node.Data == "style") && node.FirstChild != nil {
				t.Errorf("%s: inline %s", path, node.Data)
			}
		}
		for node := range root.Descendants() {
			for _, a := range node.Attr {
				if a.Key != "aria-describedby" && a.Key != "aria-labelledby" && a.Key != "for" {
					continue
				}
				for _, id := range strings.Fields(a.Val) {
					if !ids[id] {
						t.Errorf("%s: %s=%q names no element", path, a.Key, id)
					}
				}
			}
		}
		if headings != 1 {
			t.Errorf("%s has %d h1", path, headings)
		}
	}
}

func TestErrorTitle(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	for lang, title := range map[string]string{"zh-CN": "<title>错误：", "en": "<title>Error: "} {
		if _, body := get(t, server.URL+"/?wrong=1&lang="+lang); !strings.Contains(body, title) {
			t.Errorf("%s: no %s", lang, title)
		}
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	r, err := renderer()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []Lang{ZH, EN} {
		for _, status := range []int{403, 404, 422, 500, 503, 418} {
			w := httptest.NewRecorder()
			view := NewErrorView(Page{Site: Site{Book: "B", Zone: testZone}, Prefs: Prefs{Lang: lang}, Now: testNow}, status)
			if err := r.Render(w, status, "public/error", view); err != nil {
				t.Fatal(err)
			}
			if w.Code != status || !strings.Contains(w.Body.String(), "<h1>"+view.Heading+"</h1>") || strings.Contains(w.Body.String(), "⟦") {
				t.Errorf("%s %d: answered %d", lang, status, w.Code)
			}
		}
	}
}

func TestRendererRefuses(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"no main":          `{{define "other"}}{{end}}`,
		"unsafe place":     `{{define "main"}}<a href="{{.Path}}{{end}}`,
		"unknown function": `{{define "main"}}{{shout .Path}}{{end}}`,
	} {
		if err := r.add("public/trial", text); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	w := httptest.NewRecorder()
	if err := r.Render(w, 200, "public/nothing", NewErrorView(Page{}, 404)); err == nil || w.Body.Len() > 0 {
		t.Error("a page that does not exist was answered")
	}
}
