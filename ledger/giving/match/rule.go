package match

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"time"
)

// Rule is terms that were checked. It is immutable and safe for use by many.
type Rule struct {
	terms Terms
	json  []byte
	hash  Hash

	zone     *time.Location
	windows  []window
	pools    []pool
	fenced   map[string][]int // pools by campaign, for campaigns that have a ring-fenced one
	shared   []int            // pools for everybody else
	total    int64            // of all pools
	gifts    gifts
	unlock   goal
	earn     formula // nil when the pools are shared at the end
	share    *share
	boosts   []boost
	caps     caps
	perMin   int64
	reads    reads
	asks     Asks
	lumpGoal goal
}

// Hash names a version of a rule: the SHA-256 of its canonical JSON.
type Hash [32]byte

// String gives 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// SizeMax is how long a rule may be as JSON, in bytes.
const SizeMax = 256 << 10

// Parse reads terms as JSON and makes a rule of them. What is wrong comes as *TermsError; unknown fields are refused,
// for a rule must not seem to say what the engine does not do.
func Parse(text []byte) (*Rule, error) {
	if len(text) > SizeMax {
		return nil, refused("", "size", "most", fmt.Sprint(SizeMax))
	}
	var t Terms
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&t)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("text after the end")
		}
	}
	if err == nil {
		return New(t)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return nil, refused(kind.Field, "type")
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return nil, refused(m[1], "unknown")
	}
	return nil, refused("", "json")
}

var unknownField = regexp.MustCompile(`unknown field "(.*)"`)

// New checks terms and makes a rule of them. What is wrong comes as *TermsError, all at once.
func New(t Terms) (*Rule, error) {
	c := &checker{terms: t.clone(), rule: &Rule{}}
	c.check()
	if len(c.wrong.List) > 0 {
		return nil, &c.wrong
	}
	r := c.rule
	r.terms = c.terms
	r.json = r.terms.encode()
	if len(r.json) > SizeMax {
		return nil, refused("", "size", "most", fmt.Sprint(SizeMax))
	}
	r.hash = sha256.Sum256(r.json)
	return r, nil
}

// clone is a deep copy, by way of JSON.
func (t Terms) clone() (copied Terms) {
	if err := json.Unmarshal(t.encode(), &copied); err != nil {
		panic(fmt.Sprintf("match: copy terms: %v", err)) // they are plain data
	}
	return copied
}

func (t Terms) encode() []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		panic(fmt.Sprintf("match: write terms: %v", err))
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

// Terms gives a copy of what the rule says, amounts written with all their decimals.
func (r *Rule) Terms() Terms { return r.terms.clone() }

// JSON is the canonical form: fields in the order of Terms, empty ones left out, no white space.
func (r *Rule) JSON() []byte { return slices.Clone(r.json) }

// Hash names this version.
func (r *Rule) Hash() Hash { return r.hash }

// Total is what all pools have together, minor units.
func (r *Rule) Total() int64 { return r.total }

// AtEnd says whether nothing is decided before all gifts are in: by Settle, not by Decide.
func (r *Rule) AtEnd() bool { return r.terms.Order == AtEnd }

// Bounds gives the first and the last moment of the windows.
func (r *Rule) Bounds() (from, to time.Time) {
	for i, w := range r.windows {
		if i == 0 || w.from.Before(from) {
			from = w.from
		}
		if w.to.After(to) {
			to = w.to
		}
	}
	return from, to
}

// OpenAt says whether a gift paid at t lies in a window, and on which day.
func (r *Rule) OpenAt(t time.Time) (Day, bool) {
	day, open := r.windowsAt(t)
	return day, open != 0
}

const unlimited = math.MaxInt64
