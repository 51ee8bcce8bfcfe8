package match

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"sunfund/ledger/money"
)

// A replay file is what is published after an event, so that anybody can recompute it: JSON lines in the order in which
// things were decided. The first line is the Opening, every other one a Record. There are no names in it.

// Opening is the first line of a replay file.
type Opening struct {
	Format     string `json:"format"`     // ReplayFormat
	Rule       string `json:"rule"`       // hash of the rule, of its first version where there were several
	Commitment string `json:"commitment"` // of the seed, as it was published before opening
	Seed       string `json:"seed"`
}

// ReplayFormat is how a replay file names itself.
const ReplayFormat = "sunfund-match-1"

// Record is a gift with its match, a refund, or a held match that was refused. Exactly one of Gift, Refund and Refused
// is set, to the id of the gift. Amounts are decimal strings.
type Record struct {
	Gift         string       `json:"gift,omitempty"`
	Rule         string       `json:"rule,omitempty"` // hash of the version that was in force, where it is not the first one
	Campaign     string       `json:"campaign,omitempty"`
	Organisation string       `json:"organisation,omitempty"`
	Donor        string       `json:"donor,omitempty"` // pseudonym
	Channel      string       `json:"channel,omitempty"`
	PaidAt       time.Time    `json:"paid_at,omitzero"`
	Currency     string       `json:"currency,omitempty"` // where it is not the rule's
	Goal         string       `json:"goal,omitempty"`     // of the campaign
	Recurring    int          `json:"recurring,omitempty"`
	Invited      int64        `json:"invited,omitempty"`
	Flowers      int64        `json:"flowers,omitempty"`
	Effort       int64        `json:"effort,omitempty"`
	Funder       bool         `json:"funder,omitempty"`
	Circular     bool         `json:"circular,omitempty"`
	Refund       string       `json:"refund,omitempty"`
	Refused      string       `json:"refused,omitempty"`
	Amount       string       `json:"amount,omitempty"` // of the gift, or of the refund
	Match        []RecordPart `json:"match,omitempty"`  // awarded, or fallen with a refund
	Held         bool         `json:"held,omitempty"`
}

// RecordPart is a Part with its amount as a decimal string.
type RecordPart struct {
	Pool   string `json:"pool"`
	Slice  string `json:"slice,omitempty"`
	Amount string `json:"amount"`
}

// Replay writes a replay file.
type Replay struct {
	rule *Rule
	out  *json.Encoder
}

// NewReplay writes the opening of a replay file of a rule (of its first version, where there were several). The seed is
// told by it: not before the event has closed.
func NewReplay(w io.Writer, r *Rule, s Seed) (*Replay, error) {
	p := &Replay{r, json.NewEncoder(w)}
	p.out.SetEscapeHTML(false)
	return p, p.write(Opening{ReplayFormat, r.Hash().String(), s.Commitment(), s.String()})
}

// Gift writes a gift with what the version of the rule that was in force gave for it.
func (p *Replay) Gift(version *Rule, g Gift, parts []Part, held bool) error {
	hash, currency := "", g.Currency
	if version.hash != p.rule.hash {
		hash = version.hash.String()
	}
	if currency == p.rule.terms.Currency {
		currency = ""
	}
	goal := ""
	if g.Goal > 0 {
		goal = money.Format(g.Goal, p.rule.terms.Currency)
	}
	return p.write(Record{
		Gift: g.ID, Rule: hash, Campaign: g.Campaign, Organisation: g.Organisation, Donor: g.Donor, Channel: g.Channel, PaidAt: g.PaidAt.UTC(),
		Currency: currency, Amount: money.Format(g.Amount, g.Currency), Goal: goal,
		Recurring: g.Recurring, Invited: g.Invited, Flowers: g.Flowers, Effort: g.Effort, Funder: g.Funder, Circular: g.Circular,
		Match: p.rule.recorded(parts), Held: held,
	})
}

// Refund writes that amount went back to the donor, in minor units of the rule's currency, and what of the match fell.
func (p *Replay) Refund(gift string, amount int64, fallen []Part) error {
	return p.write(Record{Refund: gift, Amount: money.Format(amount, p.rule.terms.Currency), Match: p.rule.recorded(fallen)})
}

// Refused writes that a held match was refused; all of it fell.
func (p *Replay) Refused(gift string) error { return p.write(Record{Refused: gift}) }

func (p *Replay) write(line any) error {
	if err := p.out.Encode(line); err != nil {
		return fmt.Errorf("write replay: %w", err)
	}
	return nil
}

func (r *Rule) recorded(parts []Part) (records []RecordPart) {
	for _, p := range parts {
		records = append(records, RecordPart{p.Pool, p.Slice, money.Format(p.Amount, r.terms.Currency)})
	}
	return records
}

// ErrReplay means that a file is no replay file of this rule.
var ErrReplay = errors.New("not a replay file of this rule")

// ReplayError says at which line a replay file cannot be read, and why.
type ReplayError struct {
	Line int
	why  fault
}

// fault names a sentence of this package's texts.
type fault string

const (
	faultFormat fault = "replay.format"
	faultRule   fault = "replay.rule"
	faultSeed   fault = "replay.seed"
	faultLine   fault = "replay.line"
	faultLong   fault = "replay.long"
	faultTwice  fault = "replay.twice"
	faultMany   fault = "replay.many"
	faultLate   fault = "replay.late"
	faultGift   fault = "replay.gift"
	faultRefund fault = "replay.refund"
	faultMixed  fault = "replay.mixed"
)

func (e *ReplayError) Error() string { return e.Text("en") }

// Unwrap gives ErrReplay.
func (e *ReplayError) Unwrap() error { return ErrReplay }

// Text says in lang what is wrong.
func (e *ReplayError) Text(lang string) string {
	return text(lang, "replay.at", map[string]string{"line": strconv.Itoa(e.Line), "why": text(lang, string(e.why), nil)})
}

// replayGift reads the gift of a record.
func (r *Rule) replayGift(line *Record) (g Gift, ok bool) {
	g = Gift{
		ID: line.Gift, Campaign: line.Campaign, Organisation: line.Organisation, Donor: line.Donor, Channel: line.Channel, PaidAt: line.PaidAt,
		Currency: line.Currency, Recurring: line.Recurring, Invited: line.Invited, Flowers: line.Flowers, Effort: line.Effort, Funder: line.Funder, Circular: line.Circular,
	}
	if g.Currency == "" {
		g.Currency = r.terms.Currency
	}
	var wrong, wrongGoal error
	if g.Amount, wrong = money.Parse(line.Amount, g.Currency); line.Goal != "" {
		g.Goal, wrongGoal = money.Parse(line.Goal, r.terms.Currency)
	}
	return g, wrong == nil && wrongGoal == nil && g.Amount >= 0 && g.Amount <= amountMax && g.Goal >= 0 && !g.PaidAt.IsZero()
}

// replayParts reads the match that stands in a record.
func (r *Rule) replayParts(records []RecordPart) (parts []Part, ok bool) {
	for _, record := range records {
		amount, err := money.Parse(record.Amount, r.terms.Currency)
		if err != nil {
			return nil, false
		}
		parts = append(parts, Part{record.Pool, record.Slice, amount})
	}
	return parts, true
}
