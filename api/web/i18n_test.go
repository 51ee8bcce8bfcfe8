package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestWordsAreComplete(t *testing.T) {
	t.Parallel()
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]Lang{{ZH, EN}, {EN, ZH}} {
		for key, message := range all[pair[0]] {
			if strings.TrimSpace(message) == "" {
				t.Errorf("%s: %s is empty", pair[0], key)
			}
			if _, ok := all[pair[1]][key]; !ok {
				t.Errorf("%s lacks %s", pair[1], key)
			}
			if got, want := holes(message), holes(all[pair[1]][key]); !slices.Equal(got, want) {
				t.Errorf("%s takes %v in %s, %v in %s", key, got, pair[0], want, pair[1])
			}
		}
	}
	han := regexp.MustCompile(`\p{Han}`)
	for key, message := range all[EN] {
		if han.MatchString(message) {
			t.Errorf("en: %s has Han characters: %s", key, message)
		}
	}
}

// holes are the arguments a message takes, each once.
func holes(message string) []string {
	var taken []string
	for _, part := range placeholder.FindAllStringSubmatch(message, -1) {
		taken = append(taken, part[1])
	}
	slices.Sort(taken)
	return slices.Compact(taken)
}

// keyLike is a text that looks like a key of ours; only those of a known area count, file names do not.
var keyLike = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9_-]+)+$`)

func TestUsedKeysExist(t *testing.T) {
	t.Parallel()
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	areas, families := map[string]bool{}, map[string]bool{} // a family is what all keys that only differ at the end share
	for key := range all[ZH] {
		area, _, _ := strings.Cut(key, ".")
		areas[area] = true
		families[key[:strings.LastIndex(key, ".")]] = true
	}
	check := func(where, text string, certain bool) {
		area, _, _ := strings.Cut(text, ".")
		if where == "match_form.go" && area == "gifts" && !certain {
			return // its fields are called as the terms of a rule are
		}
		if keyLike.MatchString(text) && (certain || areas[area]) && all[ZH][text] == "" && (certain || !families[text]) {
			t.Errorf("%s uses %q, which has no words", where, text)
		}
	}
	inTemplate := regexp.MustCompile(`"([^"]*)"`)
	afterT := regexp.MustCompile(`\bt "([^"]*)"`)
	err = fs.WalkDir(templateFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templateFiles, name)
		for _, action := range regexp.MustCompile(`(?s)\{\{.*?\}\}`).FindAllString(string(text), -1) {
			for _, m := range afterT.FindAllStringSubmatch(action, -1) {
				check(name, m[1], true)
			}
			for _, m := range inTemplate.FindAllStringSubmatch(action, -1) {
				check(name, m[1], false)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					check(name, text, false)
				}
			}
			return true
		})
	}
}

func TestLoadWordsRefusesAKeyTwice(t *testing.T) {
	t.Parallel()
	_, err := loadWords(fstest.MapFS{
		"locales/zh-CN/a.json": {Data: []byte(`{"x.y": "一"}`)}, "locales/zh-CN/b.json": {Data: []byte(`{"x.y": "二"}`)},
	})
	if err == nil {
		t.Error("a key in two files was taken")
	}
}

func TestT(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang Lang
		key  string
		args []any
		want string
	}{
		{ZH, "bar.gifts", []any{412}, "412 笔"},
		{EN, "bar.gifts", []any{int64(1)}, "1 gift"},
		{EN, "bar.gifts", []any{1286}, "1,286 gifts"},
		{ZH, "bar.over", []any{yuan(1230000)}, "已超过目标 12,300.00 元。"},
		{EN, "bar.over", []any{yuan(1230000)}, "The goal has been passed by ¥12,300.00."},
		{EN, "no.such.key", nil, "⟦no.such.key⟧"},
		{EN, "bar.over", nil, "The goal has been passed by {0}."},
		{EN, "pager.count", []any{1}, "1 of ⟦pager.count {1}⟧ ⟦pager.count {1|row|rows}⟧"},
	} {
		if got := T(c.lang, c.key, c.args...); got != c.want {
			t.Errorf("T(%s, %s, %v) = %q, want %q", c.lang, c.key, c.args, got, c.want)
		}
	}
}

func TestMatchLang(t *testing.T) {
	t.Parallel()
	wants := map[string]Lang{"": ZH, "zh-TW": ZH, "zh": ZH, "en-US,en;q=0.9": EN, "fr": ZH, "fr, en;q=0.5": EN, "en;q=0.1, zh;q=0.9": ZH, "%%": ZH}
	for _, accept := range slices.Sorted(maps.Keys(wants)) {
		if got := matchLang(accept); got != wants[accept] {
			t.Errorf("matchLang(%q) = %s, want %s", accept, got, wants[accept])
		}
	}
}
