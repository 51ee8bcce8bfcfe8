package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"sunfund/ledger/money"
)

// Lang is a language the pages are written in. Both are complete; neither is a fallback for the other.
type Lang string

// The two languages of every page.
const (
	ZH Lang = "zh-CN"
	EN Lang = "en"
)

// HTML is the value for a lang attribute: the script matters to fonts, the country does not.
func (l Lang) HTML() string {
	if l == ZH {
		return "zh-Hans"
	}
	return string(l)
}

// Other is the language the switch in the page head leads to.
func (l Lang) Other() Lang {
	if l == ZH {
		return EN
	}
	return ZH
}

// parseLang reads ?lang= and the cookie: anything we do not write counts as no choice.
func parseLang(s string) (Lang, bool) {
	switch l := Lang(s); l {
	case ZH, EN:
		return l, true
	}
	return "", false
}

var langMatcher = language.NewMatcher([]language.Tag{language.MustParse("zh-CN"), language.English})

// matchLang picks the better of our two languages for an Accept-Language header; no usable wish means Chinese.
func matchLang(accept string) Lang {
	wishes, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wishes) == 0 {
		return ZH
	}
	if _, i, sure := langMatcher.Match(wishes...); i == 1 && sure > language.No {
		return EN
	}
	return ZH
}

//go:embed locales
var localeFiles embed.FS

// words holds every message by language and key. Plain JSON maps, not a translation library: two languages, of which
// one has no plural and the other two forms, need no plural rules, and a message costs no template run.
var words = sync.OnceValues(func() (map[Lang]map[string]string, error) { return loadWords(localeFiles) })

// loadWords reads locales/<lang>/<area>.json. One key lives in one file only, so that two areas cannot overwrite
// each other's words.
func loadWords(files fs.FS) (map[Lang]map[string]string, error) {
	all := map[Lang]map[string]string{}
	for _, lang := range []Lang{ZH, EN} {
		all[lang] = map[string]string{}
		names, err := fs.Glob(files, path.Join("locales", string(lang), "*.json"))
		if err != nil {
			return nil, fmt.Errorf("list words of %s: %w", lang, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			var area map[string]string
			if err := json.Unmarshal(text, &area); err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			for key, message := range area {
				if _, twice := all[lang][key]; twice {
					return nil, fmt.Errorf("read %s: key %q stands in another file too", name, key)
				}
				all[lang][key] = message
			}
		}
	}
	return all, nil
}

// placeholder is {0} for an argument, or {0|gift|gifts} for a word that follows its number.
var placeholder = regexp.MustCompile(`\{(\d)(?:\|([^|}]*)\|([^|}]*))?\}`)

// T is the message of key in lang. {0}, {1} take args in order; {0|gift|gifts} takes the first word when argument 0 is
// one. Integers are counts and get thousands groups (give years and numbers of things as strings); money.Money is
// written as in running text. A key that does not exist shows as ⟦key⟧, which tests look for.
func T(lang Lang, key string, args ...any) string {
	all, err := words()
	message, ok := all[lang][key]
	if err != nil || !ok {
		return "⟦" + key + "⟧"
	}
	if len(args) == 0 || !strings.Contains(message, "{") {
		return message
	}
	return placeholder.ReplaceAllStringFunc(message, func(hole string) string {
		part := placeholder.FindStringSubmatch(hole)
		i := int(part[1][0] - '0')
		if i >= len(args) {
			return "⟦" + key + " " + hole + "⟧"
		}
		if strings.Contains(hole, "|") {
			if fmt.Sprint(args[i]) == "1" {
				return part[2]
			}
			return part[3]
		}
		return inText(lang, args[i])
	})
}

// inText writes an argument as it stands in a sentence.
func inText(lang Lang, arg any) string {
	switch v := arg.(type) {
	case money.Money:
		if lang == ZH {
			return Amount(lang, v)
		}
		return Headline(v)
	case int:
		return Count(int64(v))
	case int64:
		return Count(v)
	default:
		return fmt.Sprint(v)
	}
}
