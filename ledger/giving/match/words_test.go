package match_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

var update = flag.Bool("update", false, "write the golden files anew")

func words(r *match.Rule, lang string) string {
	var b strings.Builder
	for _, p := range r.Words(lang, nil) {
		fmt.Fprintf(&b, "%s\n  %s\n", p.Title, strings.Join(p.Lines, "\n  "))
	}
	return b.String()
}

// A rule of every kind with its canonical form, its hash and its words in both languages.
func TestWordsGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, s := range samples() {
		r, err := match.New(s.terms)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		fmt.Fprintf(&b, "# %s\n%s\n%s\n\n%s\n%s\n", s.name, r.JSON(), r.Hash(), words(r, "zh-CN"), words(r, "en"))
	}
	const file = "testdata/words.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, golden := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(got), len(golden)) {
		if got[i] != golden[i] {
			t.Fatalf("line %d of %s\n got %s\nwant %s", i+1, file, got[i], golden[i])
		}
	}
	if len(got) != len(golden) {
		t.Errorf("%d lines, want %d", len(got), len(golden))
	}
}

// nameless are parameters that only name something inside the rule and move no money.
var nameless = []string{"Language", "Code", "Window", "Name"}

// Whatever parameter of a rule is changed, its words change in both languages, and so does its hash.
func TestWordsSayEveryParameter(t *testing.T) {
	t.Parallel()
	changed := 0
	for _, s := range samples() {
		r, err := match.New(s.terms)
		if err != nil {
			t.Fatal(err)
		}
		canonical := r.Terms()
		var walk func(v reflect.Value, path string)
		try := func(v reflect.Value, path string, others ...any) {
			before := reflect.ValueOf(v.Interface())
			defer v.Set(before)
			took := false
			for _, other := range others {
				v.Set(reflect.ValueOf(other))
				if reflect.DeepEqual(v.Interface(), before.Interface()) {
					continue
				}
				o, err := match.New(canonical)
				if err != nil {
					continue
				}
				took = true
				if o.Hash() == r.Hash() {
					continue // another spelling of the same rule
				}
				changed++
				for lang, name := range map[string]string{"zh-CN": ".EN", "en": ".ZH"} {
					if words(o, lang) == words(r, lang) && !strings.HasSuffix(path, name) {
						t.Errorf("%s: %s = %v: same words in %s", s.name, path, other, lang)
					}
				}
			}
			if only := path == ".Order" && canonical.Award.Share != nil; !took && !only {
				t.Errorf("%s: %s: no other value is taken", s.name, path)
			}
		}
		walk = func(v reflect.Value, path string) {
			switch v.Kind() {
			case reflect.Struct:
				for i := range v.NumField() {
					if name := v.Type().Field(i).Name; !slices.Contains(nameless, name) {
						walk(v.Field(i), path+"."+name)
					}
				}
			case reflect.Pointer:
				if !v.IsNil() {
					walk(v.Elem(), path)
				}
			case reflect.Slice:
				for i := range v.Len() {
					walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
				}
			case reflect.Bool:
				try(v, path, !v.Bool())
			case reflect.Int:
				try(v, path, int(v.Int())+1)
			case reflect.Int64:
				try(v, path, v.Int()+1)
			case reflect.String:
				if text := v.String(); text != "" {
					try(v, path, others(path, text)...)
				}
			}
		}
		walk(reflect.ValueOf(&canonical).Elem(), "")
	}
	if changed < 250 {
		t.Errorf("only %d changes tried", changed)
	}
}

// others are values that may stand for a text.
func others(path, text string) (values []any) {
	switch {
	case strings.HasSuffix(path, "Currency"):
		return []any{"USD"}
	case strings.HasSuffix(path, "Zone"):
		return []any{"Asia/Urumqi"}
	case strings.HasSuffix(path, "AtMost"):
		return []any{""}
	}
	if at, err := time.Parse("2006-01-02T15:04", text); err == nil {
		return []any{at.Add(time.Minute).Format("2006-01-02T15:04")}
	}
	if at, err := time.Parse("15:04", text); err == nil {
		return []any{at.Add(time.Minute).Format("15:04")}
	}
	for _, words := range [][]any{
		{match.FirstCome, match.AtEnd}, {match.GiveBack, match.RollOver, match.GiveAnyway}, {match.ToPool, match.ToRest}, {match.PerEvent, match.PerDay},
		{match.FirstOfDonor, match.FirstOfDonorCampaign, match.FirstOfDonorDay}, {match.ByAmount, match.Quadratic},
	} {
		if slices.Contains(words, any(text)) {
			return words
		}
	}
	if strings.Trim(text, "0123456789.") != "" {
		return []any{text + "x"} // names and codes
	}
	whole, fraction, _ := strings.Cut(text, ".")
	var n int
	fmt.Sscan(whole, &n)
	for _, other := range []int{n + 1, n - 1} {
		if changed := fmt.Sprint(other); other >= 0 && fraction != "" {
			values = append(values, changed+"."+fraction)
		} else if other >= 0 {
			values = append(values, changed)
		}
	}
	return append(values, text+"1", strings.Replace(text, "5", "4", 1), whole+".01", "0.02", "0.005")
}
