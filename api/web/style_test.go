package web

import (
	"bytes"
	"compress/gzip"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func staticText(t *testing.T, name string) string {
	t.Helper()
	text, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tokens reads the colours of the block that follows a selector.
func tokens(t *testing.T, css, selector string) map[string]string {
	t.Helper()
	_, rest, found := strings.Cut(css, selector+" {")
	block, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		t.Fatalf("no block %s", selector)
	}
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9A-F]{6})`).FindAllStringSubmatch(block, -1) {
		all[m[1]] = m[2]
	}
	return all
}

// contrast is the WCAG 2 ratio of two colours.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	channel := func(shift uint) float64 {
		v := float64(rgb>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func TestContrast(t *testing.T) {
	t.Parallel()
	css := staticText(t, "sunfund.css")
	light := tokens(t, css, ":root")
	dark := tokens(t, css, ":root:not([data-theme=light])")
	if !maps.Equal(dark, tokens(t, css, "[data-theme=dark]")) {
		t.Error("dark as the device says and dark as chosen differ")
	}
	text := map[string][]string{
		"ink": {"paper", "ground", "zebra", "here"}, "ink-2": {"paper", "ground", "zebra", "here"},
		"link": {"paper", "ground", "zebra", "here"}, "visited": {"paper", "ground", "zebra", "here"},
		"red": {"paper", "ground", "zebra", "here"}, "brand": {"paper", "ground"}, "on-brand": {"brand"},
		"on-brand-down": {"brand-down"}, "on-sun": {"sun"}, "good": {"good-tint"}, "waiting": {"waiting-tint"},
		"attention": {"attention-tint"}, "broken": {"broken-tint"}, "held": {"held-tint"}, "paper": {"red"},
	}
	drawn := map[string][]string{
		"edge": {"paper", "ground"}, "gift": {"paper"}, "subsidy": {"paper"}, "match": {"paper"}, "offline": {"paper"}, "rest": {"paper"},
	}
	for theme, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		for least, pairs := range map[float64]map[string][]string{4.5: text, 3: drawn} {
			for front, backs := range pairs {
				for _, back := range backs {
					if ratio := contrast(t, colours[front], colours[back]); ratio < least {
						t.Errorf("%s: --%s on --%s is %.2f, least %.1f", theme, front, back, ratio, least)
					}
				}
			}
		}
		for _, tag := range []string{"good", "waiting", "attention", "broken", "held"} {
			if ratio := contrast(t, colours[tag], colours[tag+"-tint"]); ratio < 7 {
				t.Errorf("%s: tag %s is %.2f, least 7", theme, tag, ratio)
			}
		}
	}
	// Focus: ink and sun on light pages, sun on dark ones.
	if contrast(t, light["ink"], light["ground"]) < 3 || contrast(t, dark["sun"], dark["ground"]) < 3 {
		t.Error("focus ring cannot be seen")
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"sunfund.css": 16 << 10, "sunfund.js": 8 << 10, "sprite.svg": 4 << 10} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write([]byte(staticText(t, name))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if packed.Len() > most {
			t.Errorf("%s is %d bytes packed, most %d", name, packed.Len(), most)
		}
	}
}

// Old phones: what the oldest WebView we serve does not know may only decorate.
func TestStylesheetBaseline(t *testing.T) {
	t.Parallel()
	css := staticText(t, "sunfund.css")
	for _, young := range []string{":has(", "light-dark(", "@container", "color-mix(", "@scope", "text-size-adjust", "dvh", "&:"} {
		if strings.Contains(css, young) {
			t.Errorf("stylesheet uses %s", young)
		}
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("braces do not match")
	}
}
