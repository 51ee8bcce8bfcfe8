package match

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"sunfund/ledger/money"
)

// Verified is what recomputing a replay file gave. Amounts are in minor units of the rule's currency.
type Verified struct {
	Promised    bool   // the seed is the one whose commitment the file names
	Commitment  string // as the file names it: to be compared with what was published before opening
	Gifts       int
	Matched     int // recomputed, as Held, Match and Fallen
	Held        int
	Given       int64
	Match       int64 // awarded, held included
	Fallen      int64 // with refunds and refusals
	Differs     int   // lines that differ
	Differences []Difference
}

// Clean says whether everything is equal.
func (v *Verified) Clean() bool { return v.Promised && v.Differs == 0 }

// verifier reads a replay file.
type verifier struct {
	Verified
	rule     *Rule // the first version
	versions map[string]*Rule
	seed     Seed
	state    State
	gifts    map[string]*replayed
	order    []*replayed // gifts that are decided when all are in
	settled  bool
	line     int
}

// replayed is a gift with what is left of it and of its match.
type replayed struct {
	gift          Gift
	rule          *Rule
	line          int
	left          int64
	parts, stands []Part // as the rule has it; as the line has it, until it is compared
	held, refused bool
}

// Difference is a line that says something else than the rule. A line about a refund compares what fell.
type Difference struct {
	Line               int
	Gift               string
	Stands, Wanted     []Part
	StoodHeld, HeldNow bool
	Unheld             bool     // a match was refused that was not held
	Reasons            []Reason // of the award as it should be
}

// DifferencesMax is how many differences are listed; all are counted.
const DifferencesMax = 20

// Limits of a replay file.
const (
	replayLineMax  = 64 << 10
	replaySumMax   = 1000 * amountMax // minor units, of all gifts
	ReplayGiftsMax = 5_000_000
)

// Verify recomputes a replay file from the versions of a rule (one where it never changed) and the seed told in the file.
// *ReplayError, which is ErrReplay, when it cannot be read or belongs to another rule; what differs is no error.
func Verify(versions []*Rule, file io.Reader) (*Verified, error) {
	v := &verifier{versions: map[string]*Rule{}, state: State{}, gifts: map[string]*replayed{}}
	for _, r := range versions {
		v.versions[r.hash.String()] = r
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 4096), replayLineMax)
	for lines.Scan() {
		v.line++
		if wrong := v.read(lines.Bytes()); wrong != "" {
			return nil, &ReplayError{v.line, wrong}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, &ReplayError{v.line + 1, faultLong}
	} else if err != nil {
		return nil, fmt.Errorf("read replay: %w", err)
	}
	if v.line == 0 {
		return nil, &ReplayError{1, faultFormat}
	}
	v.settle()
	return &v.Verified, nil
}

func (v *verifier) read(line []byte) fault {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if v.line == 1 {
		var o Opening
		if d.Decode(&o) != nil {
			return faultFormat
		}
		return v.open(o)
	}
	var record Record
	if d.Decode(&record) != nil {
		return faultLine
	}
	switch {
	case record.Gift != "" && record.Refund == "" && record.Refused == "":
		return v.decide(&record)
	case record.Refund != "" && record.Gift == "" && record.Refused == "":
		return v.refund(&record)
	case record.Refused != "" && record.Gift == "" && record.Refund == "":
		return v.refuse(record.Refused)
	}
	return faultLine
}

func (v *verifier) open(o Opening) fault {
	if o.Format != ReplayFormat {
		return faultFormat
	}
	if v.rule = v.versions[o.Rule]; v.rule == nil {
		return faultRule
	}
	seed, err := ParseSeed(o.Seed)
	if err != nil {
		return faultSeed
	}
	v.seed, v.Commitment, v.Promised = seed, o.Commitment, seed.Opens(o.Commitment)
	return ""
}

func (v *verifier) decide(record *Record) fault {
	rule := v.rule
	if record.Rule != "" {
		rule = v.versions[record.Rule]
	}
	if rule == nil {
		return faultRule
	}
	g, ok := rule.replayGift(record)
	stands, read := v.rule.replayParts(record.Match)
	switch {
	case !ok || !read:
		return faultLine
	case v.gifts[g.ID] != nil:
		return faultTwice
	case v.Gifts == ReplayGiftsMax || v.Given > replaySumMax-g.Amount:
		return faultMany
	case rule != v.rule && (rule.AtEnd() || v.rule.AtEnd() || rule.terms.Currency != v.rule.terms.Currency):
		return faultMixed
	case v.settled:
		return faultLate
	}
	v.Gifts++
	if g.Currency == v.rule.terms.Currency {
		v.Given += g.Amount
	}
	r := &replayed{gift: g, rule: rule, left: g.Amount, line: v.line, stands: stands, held: record.Held}
	v.gifts[g.ID] = r
	if v.rule.AtEnd() {
		v.order = append(v.order, r)
		return ""
	}
	a := rule.Decide(v.state, v.seed, g)
	v.state.Apply(a.Changes)
	v.compare(r, a)
	return ""
}

// settle decides the gifts of a rule that decides at the end, once: before the first refund, or after the last line.
func (v *verifier) settle() {
	if v.settled || !v.rule.AtEnd() {
		return
	}
	v.settled = true
	gifts := make([]Gift, len(v.order))
	for i, r := range v.order {
		gifts[i] = r.gift
	}
	o := v.rule.Settle(v.seed, gifts)
	v.state = o.State
	for i, g := range o.Gifts {
		v.compare(v.gifts[g.ID], o.Awards[i])
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int { return a.Line - b.Line })
}

// compare counts an award and notes whether the line says the same.
func (v *verifier) compare(r *replayed, a Award) {
	r.parts = a.Parts
	total := a.Total()
	v.Match += total
	if total > 0 {
		v.Matched++
	}
	if a.Held {
		v.Held++
	}
	if !slices.Equal(r.stands, a.Parts) || r.held != a.Held {
		v.differs(Difference{Line: r.line, Gift: r.gift.ID, Stands: r.stands, Wanted: a.Parts, StoodHeld: r.held, HeldNow: a.Held, Reasons: a.Reasons})
	}
	r.stands, r.held = nil, a.Held
}

func (v *verifier) refund(record *Record) fault {
	v.settle()
	r := v.gifts[record.Refund]
	if r == nil {
		return faultGift
	}
	amount, err := money.Parse(record.Amount, r.gift.Currency)
	stands, read := v.rule.replayParts(record.Match)
	switch {
	case err != nil || amount < 0 || !read:
		return faultLine
	case amount > r.left:
		return faultRefund
	}
	fallen, changes := r.rule.Refund(r.gift, r.parts, r.left, r.left-amount)
	r.left -= amount
	v.state.Apply(changes)
	v.Fallen += Award{Parts: fallen}.Total()
	if !slices.Equal(stands, fallen) {
		v.differs(Difference{Line: v.line, Gift: r.gift.ID, Stands: stands, Wanted: fallen})
	}
	return ""
}

func (v *verifier) refuse(gift string) fault {
	v.settle()
	r := v.gifts[gift]
	if r == nil || r.refused {
		return faultGift
	}
	if r.refused = true; !r.held {
		v.differs(Difference{Line: v.line, Gift: gift, Unheld: true})
	}
	standing, _ := r.rule.Refund(r.gift, r.parts, r.left, 0)
	v.state.Apply(r.rule.Undo(r.gift, standing))
	v.Fallen += Award{Parts: standing}.Total()
	r.parts = nil
	return ""
}

func (v *verifier) differs(d Difference) {
	v.Differs++
	if len(v.Differences) < DifferencesMax {
		v.Differences = append(v.Differences, d)
	}
}
