package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sunfund/internal/seal"
)

func ring(t *testing.T, lines ...string) *seal.Ring {
	t.Helper()
	r, err := seal.Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is sealed opens in its place and by its key only, and not when a bit of it changed.
func TestSealedOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.NewLine())
	key, wrapped, err := r.New("1 donor")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.Seal("1 donor name", "王芳")
	if again := key.Seal("1 donor name", "王芳"); bytes.Equal(again, sealed) || bytes.Contains(sealed, []byte("王芳")) {
		t.Error("equal texts look equal, or are readable")
	}
	opened, err := r.Unwrap(wrapped, "1 donor")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := opened.Open("1 donor name", sealed); err != nil || text != "王芳" {
		t.Errorf("%q, %v", text, err)
	}
	other, _, err := r.New("1 donor")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := opened.Open("1 donor name", bad); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for what, open := range map[string]func() error{
		"other column":  func() error { _, err := opened.Open("1 donor email", sealed); return err },
		"other key":     func() error { _, err := other.Open("1 donor name", sealed); return err },
		"cut":           func() error { _, err := opened.Open("1 donor name", sealed[:8]); return err },
		"nothing":       func() error { _, err := opened.Open("1 donor name", nil); return err },
		"other person":  func() error { _, err := r.Unwrap(wrapped, "2 donor"); return err },
		"rewrap, other": func() error { _, err := r.Rewrap(wrapped, "2 donor"); return err },
		"wrapped is cut": func() error {
			_, err := r.Unwrap(seal.Wrapped{By: wrapped.By, Key: wrapped.Key[:20]}, "1 donor")
			return err
		},
	} {
		if err := open(); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A new key is put before the old one; both open, the new one seals, and after rewrapping the old one can go.
func TestKeysAreChanged(t *testing.T) {
	t.Parallel()
	old, fresh := seal.NewLine(), seal.NewLine()
	before, both, after := ring(t, old), ring(t, "# new", fresh, "", old), ring(t, fresh)
	key, wrapped, err := before.New("p")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.Seal("p name", "x")
	if _, err := after.Unwrap(wrapped, "p"); !errors.Is(err, seal.ErrNoKey) || !strings.Contains(err.Error(), before.Current()) {
		t.Errorf("without its key: %v", err)
	}
	if both.Current() != after.Current() || !both.Has(before.Current()) {
		t.Error("the first key does not seal, or the second is not there")
	}
	again, err := both.Rewrap(wrapped, "p")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := after.Unwrap(again, "p")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := opened.Open("p name", sealed); err != nil || text != "x" {
		t.Errorf("%q, %v", text, err)
	}
	found := both.Indexes("name", "x")
	if len(found) != 2 || found[0] != after.Index("name", "x") || found[1] != before.Index("name", "x") || found[0] == found[1] ||
		found[0] == both.Index("email", "x") || found[0] == both.Index("name", "y") {
		t.Errorf("indexes %v", found)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	line := seal.NewLine()
	for what, text := range map[string]string{
		"empty": "", "comment": "# nothing", "not base64": "sunfund-key-1 !", "short": "sunfund-key-1 AAAA", "other mark": strings.Replace(line, "-1", "-2", 1),
		"twice": line + "\n" + line, "too many": strings.Repeat("sunfund-key-1 x\n", 20), "bare": strings.TrimPrefix(line, "sunfund-key-1 "),
	} {
		_, err := seal.Parse([]byte(text))
		if !errors.Is(err, seal.ErrRing) || strings.Contains(err.Error(), strings.TrimPrefix(line, "sunfund-key-1 ")) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// However a ring is printed, its keys are not.
func TestRingPrintsNoKey(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.NewLine())
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "ring", r, "in", struct{ R *seal.Ring }{r})
	asJSON, err := json.Marshal([]any{r})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(r), fmt.Sprintf("%+v %#v %d %x", r, r, r, r), fmt.Sprintf("%+v", []*seal.Ring{r})} {
		if strings.Trim(strings.ReplaceAll(text, "key ring ["+r.Current()+"]", ""), " []") != "" {
			t.Errorf("printed as %q", text)
		}
	}
	if string(asJSON) != "[{}]" || len(log.String()) > 200 {
		t.Errorf("%s %s", asJSON, log.String())
	}
}

func BenchmarkSealDonor(b *testing.B) {
	r, err := seal.Parse([]byte(seal.NewLine()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		key, _, err := r.New("1 0197a6e0-0000-7000-8000-000000000000")
		if err != nil {
			b.Fatal(err)
		}
		key.Seal("1 0197a6e0-0000-7000-8000-000000000000 name", "王小明")
		r.Index("1 name", "王小明")
	}
}
