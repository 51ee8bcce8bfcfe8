package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

func TestPublicNotFound(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	body := regexp.MustCompile(`(?s)<main.*</main>`)
	var same string
	for _, path := range []string{
		"/c/nothing", "/c/nothing/live", "/c/nothing/give", "/g/nothing", "/g/" + strings.Repeat("a", 26), "/g/" + strings.Repeat("a", 26) + "/receipt",
		"/g/nothing/live", "/f/nothing", "/sandbox/nothing", "/sandbox/0190a1b2-0000-7000-8000-000000000000", "/nothing",
	} {
		a := s.get(path)
		if a.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, a.status)
		}
		main := body.FindString(a.body)
		if same == "" {
			same = main
		}
		if main != same || main == "" {
			t.Errorf("%s: another 404:\n%s", path, main)
		}
	}
	for _, path := range []string{"/campaigns?before=x", "/campaigns?before=-1", "/c/ekongjian?before=x"} {
		if a := s.get(path); a.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
}

// publicPaths are all public pages of a site on which one gift was received.
func publicPaths(gift string) []string {
	return []string{"/", "/campaigns", "/campaigns?q=zzz", "/campaigns?when=finished", "/c/ekongjian", "/c/canteen", "/c/winter", "/c/ekongjian/give",
		gift, gift + "/receipt", "/f/spq-sun", "/f/general", "/funds", "/funds?street=spq", "/about", "/nothing"}
}

// TestPublicPages looks at what every page owes its readers.
func TestPublicPages(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	gift := s.give(s.form("50"), url.Values{"result": {"success"}})
	s.until(gift, "已收到")
	s.spend()
	exempt := regexp.MustCompile(`(?s)<(span|dd|p|h1|a)[^>]*(data-user-text|lang="zh-Hans")[^>]*>.*?</(span|dd|p|h1|a)>|<title>.*?</title>`)
	han := regexp.MustCompile(`\p{Han}+`)
	for _, lang := range []Lang{ZH, EN} {
		titles, followed := map[string]string{}, map[string]bool{}
		for _, path := range publicPaths(gift) {
			with := path + "?lang=" + string(lang)
			if strings.Contains(path, "?") {
				with = path + "&lang=" + string(lang)
			}
			a := s.get(with)
			if n := strings.Count(a.body, "<h1"); n != 1 {
				t.Errorf("%s %s: %d h1", lang, path, n)
			}
			title := regexp.MustCompile(`<title>(.*)</title>`).FindStringSubmatch(a.body)[1]
			base, _, _ := strings.Cut(path, "?")
			if before, taken := titles[title]; taken && before != base {
				t.Errorf("%s: %s and %s share the title %q", lang, path, before, title)
			}
			titles[title] = base
			for _, wrong := range []string{"⟦", "%!", "<no value>", "&lt;nil&gt;", ` style="`, "<script>"} {
				if strings.Contains(a.body, wrong) {
					t.Errorf("%s %s: has %s", lang, path, wrong)
				}
			}
			if lang == EN {
				if rest := han.FindAllString(exempt.ReplaceAllString(a.body, ""), -1); len(rest) > 0 {
					t.Errorf("%s in English has %q", path, rest)
				}
			}
			for _, link := range regexp.MustCompile(`href="(/[^"#]*)`).FindAllStringSubmatch(a.body, -1) {
				if strings.HasPrefix(link[1], "/static/") || path == "/nothing" || followed[link[1]] {
					continue
				}
				followed[link[1]] = true
				if b := s.get(strings.ReplaceAll(link[1], "&amp;", "&")); b.status != http.StatusOK {
					t.Errorf("%s leads to %s: status %d", path, link[1], b.status)
				}
			}
		}
	}
}

func TestHomeFigures(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	s.page("/", "还没有支出")
	gift := s.give(s.form("50"), url.Values{"result": {"success"}})
	s.until(gift, "已收到")
	s.spend()
	// 50.00 given and 1,000.00 from the street; 300.00 used and the fee of 0.30.
	s.page("/", "¥1,050.00", "¥300.30", "¥749.70", "书桌 3 张", "石坪桥街道")
	s.page("/funds", "1,050.00", "300.30", "749.70")
	s.page("/f/spq-sun", "¥750.00", "捐赠收入—限定性", "政府补助收入—限定性", "1,050.00", "书桌 3 张", "E爱空间")
	s.page("/c/ekongjian", "已收到 <b>1,050.00 元</b>", "街道配套", "300.00", "28.5%")
}

func TestCampaignList(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	s.page("/campaigns", "E爱空间")
	if a := s.get("/campaigns"); strings.Contains(a.body, "长者午餐") {
		t.Error("a finished campaign is among the running ones")
	}
	s.page("/campaigns?when=finished&street=spq&q="+url.QueryEscape("午餐"), "长者午餐")
	s.page("/campaigns?q=zzz", "没有符合的募捐", "zzz")
	s.page("/campaigns?q=%25", "没有符合的募捐")
	for i := range campaignsShown + 2 {
		s.copyCampaign(fmt.Sprintf("more-%d", i))
	}
	first := s.page("/campaigns", `rel="next"`)
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(first.body)[1]
	second := s.page(strings.ReplaceAll(next, "&amp;", "&"), "E爱空间", "回到第一页")
	if strings.Contains(second.body, `rel="next"`) || strings.Contains(first.body, `/c/ekongjian"`) {
		t.Error("pages overlap")
	}
}

func TestCampaignGiftsPaging(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	for i := range giftsShown + 2 {
		form := s.form(fmt.Sprintf("%d.00", 11+i))
		s.until(s.give(form, url.Values{"result": {"success"}}), "已收到")
	}
	first := s.page("/c/ekongjian", "22.00", "本页 10 行，共 12 行", "data-live=")
	next := regexp.MustCompile(`rel="next" href="([^"#]+)`).FindStringSubmatch(first.body)[1]
	second := s.page(next, "11.00", "更早的捐赠")
	if strings.Contains(second.body, "data-live=") || strings.Contains(second.body, ">22.00<") {
		t.Error("the second page moves, or repeats the first")
	}
}

// Promised money stands on the campaign's page, apart from what is received.
func TestCampaignPromised(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		dims := ledger.Dims{Campaign: strconv.Itoa(int(s.open.ID))}
		_, err := ledger.PostOne(ctx, tx, s.book, ledger.Entry{Kind: ledger.KindSubsidy, EffectiveOn: s.book.Day(time.Now()),
			Document: &ledger.Document{Summary: "街道承诺配套", SourceKind: "subsidy", MadeBy: "wang"},
			Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "subsidy", Fund: s.fund.ID, Dims: dims}, 500_00),
				ledger.Credit(ledger.Leaf{Chart: "subsidy.contra", Fund: s.fund.ID, Dims: dims}, 500_00)}})
		return err
	})
	s.page("/c/ekongjian", "已收到 <b>0.00 元</b>", "街道配套已承诺，未拨付", "500.00", "以下还没到账")
}
