package web

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// S10 in a browser: a page of an allowed site shows the campaign's small page in a frame; on any other site the frame
// stays empty, and so does every other page of ours, on the allowed site too.
func TestS10FramesInABrowser(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 50_00)
	li := o.as("li")
	li.wants(li.post(widgetPath, url.Values{"site": {"https://news.example.com"}}), http.StatusSeeOther)

	const small = "/c/space/widget?lang=en"
	pages := []string{small, "/", "/c/space", "/c/space/give", "/campaigns", "/funds", "/me", "/console", "/console/sign-in", "/verify"}
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, path := range pages {
			fmt.Fprintf(w, "<iframe src=%q></iframe>", html.EscapeString(o.url+path))
		}
	}))
	t.Cleanup(site.Close)
	to := strings.TrimPrefix(site.URL, "https://")
	ctx := browserWith(t, func(report string) {
		if !strings.Contains(report, "frame-ancestors") {
			t.Errorf("policy: %s", report)
		}
	}, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("host-resolver-rules", "MAP *.example.com "+to+", MAP *.example.org "+to),
		chromedp.Flag("disable-site-isolation-trials", true), chromedp.Flag("disable-features", "Translate,IsolateOrigins,site-per-process,LocalNetworkAccessChecks"))

	for _, host := range []string{"news.example.com", "other.example.com", "news.example.org"} {
		do(ctx, t, chromedp.Navigate("https://"+host+"/"))
		texts := frames(ctx, t)
		if len(texts) != len(pages) {
			t.Fatalf("%s: %d frames: %q", host, len(texts), texts)
		}
		for i, path := range pages {
			if path == small && host == "news.example.com" {
				if !strings.Contains(texts[i], "E-Space") || !strings.Contains(texts[i], "CNY 50.00") {
					t.Errorf("%s does not show %s: %q", host, path, texts[i])
				}
			} else if texts[i] != "" {
				t.Errorf("%s shows %s: %q", host, path, texts[i])
			}
		}
	}
}

// frames are the texts of the frames of the page, empty where the browser shows its own page instead.
func frames(ctx context.Context, t *testing.T) (texts []string) {
	t.Helper()
	yes := true
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		tree, err := cdp.Call(ctx, tab, cdppage.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, child := range tree.FrameTree.ChildFrames {
			if child.Frame.UnreachableURL != "" {
				texts = append(texts, "")
				continue
			}
			world, err := cdp.Call(ctx, tab, cdppage.CreateIsolatedWorld, cdppage.CreateIsolatedWorldParams{FrameID: child.Frame.ID})
			if err != nil {
				return err
			}
			said, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: "location.href + ' ' + document.body.innerText", ContextID: world.ExecutionContextID, ReturnByValue: &yes})
			if err != nil {
				return err
			}
			texts = append(texts, string(said.Result.Value))
		}
		return nil
	}))
	return texts
}
