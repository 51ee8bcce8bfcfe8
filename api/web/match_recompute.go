package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// Limits of recomputing on a page and of the file with which everybody can: awards, and time. Events beyond are recomputed by the command.
const (
	recomputeAwards = 50_000
	recomputeTime   = 8 * time.Second
	replayAwards    = 500_000
	replayTime      = 2 * time.Minute
)

// matchRecomputeView is the page on which every gift of an event is decided again, from the file that everybody can have.
type matchRecomputeView struct {
	Page
	Heading, State, Tag string
	Say                 string // why nothing was recomputed
	Facts               []Fact
	Differs             grid
	Files               []Link
	Command             string
	Back                string
}

// publicDesk is an event that everybody may see: it has a published rule.
func (v *visit) publicDesk(q pg.Querier) (*matchDesk, error) {
	d, err := v.matchDesk(q)
	if err == nil && d.rule == nil {
		err = giving.ErrNoEvent
	}
	return d, err
}

// matchRecompute answers /match/{event}/recompute.
func (v *visit) matchRecompute() error {
	done, err := v.s.reports.Take("public:" + v.ip().String())
	if err != nil {
		return err
	}
	defer done()
	var view matchRecomputeView
	late := false
	err = v.read(func(q pg.Querier) error {
		d, err := v.publicDesk(q)
		if err != nil {
			return err
		}
		v.beginRecompute(&view, d)
		switch {
		case d.event.Seed == nil:
			view.State, view.Tag, view.Say = T(v.lang, "match.recompute.later"), "waiting", T(v.lang, "match.recompute.later.say")
			return nil
		case d.amounts.Decided > recomputeAwards:
			v.tooMany(&view)
			return nil
		}
		found, err := v.recompute(q, d)
		late = errors.Is(err, context.DeadlineExceeded) && v.ctx().Err() == nil
		if err != nil {
			return err
		}
		v.fillRecompute(&view, d, found)
		return nil
	})
	if late { // the transaction is broken off, the page is not
		v.tooMany(&view)
	} else if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/match_recompute", view)
}

func (v *visit) beginRecompute(view *matchRecomputeView, d *matchDesk) {
	name, at := d.event.Name(string(v.lang)), matchPublicPath+"/"+d.event.Code
	view.Page = v.page(T(v.lang, "match.recompute.title", name))
	view.Heading, view.Back = T(v.lang, "match.recompute.title", name), at
	view.Figure = v.asOf(0)
	view.Command = "sunfund verify match"
	for i := len(d.versions) - 1; i >= 0; i-- {
		number := strconv.Itoa(int(d.versions[i].Version))
		view.Files = append(view.Files, Link{T(v.lang, "match.recompute.rule", number), at + "/rule?version=" + number})
		view.Command += " --rule " + ruleFile(d.event.Code, number)
	}
	view.Command += " --gifts " + replayFile(d.event.Code) + " --commitment " + d.event.Commitment
	if d.event.Seed != nil && d.amounts.Decided <= replayAwards {
		view.Files = append(view.Files, Link{T(v.lang, "match.recompute.gifts"), at + "/replay"})
	}
}

func ruleFile(code, version string) string { return "match-" + code + "-rule-" + version + ".json" }
func replayFile(code string) string        { return "match-" + code + ".jsonl" }

// tooMany points to the command.
func (v *visit) tooMany(view *matchRecomputeView) {
	view.State, view.Tag = T(v.lang, "match.recompute.large"), "waiting"
	view.Say = T(v.lang, "match.recompute.large.say", Count(recomputeAwards), int(recomputeTime/time.Second), Count(replayAwards))
}

// recompute writes the replay file and reads it as `sunfund verify match` does, neither whole in memory.
func (v *visit) recompute(q pg.Querier, d *matchDesk) (*match.Verified, error) {
	ctx, cancel := context.WithTimeout(v.ctx(), recomputeTime)
	defer cancel()
	rules := make([]*match.Rule, len(d.versions))
	for i := range d.versions {
		var err error
		if rules[i], err = d.versions[i].Rule(); err != nil {
			return nil, err
		}
	}
	out, in := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := giving.WriteReplay(ctx, q, v.book, d.event.ID, in)
		in.CloseWithError(err)
		written <- err
	}()
	found, err := match.Verify(rules, out)
	out.CloseWithError(err) // a file that cannot be read is written no further
	if wrote := <-written; err == nil {
		err = wrote
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("recompute match: %w", err)
	}
	return found, nil
}

// fillRecompute says equal, or where not.
func (v *visit) fillRecompute(view *matchRecomputeView, d *matchDesk, found *match.Verified) {
	promised := found.Promised && strings.EqualFold(found.Commitment, d.event.Commitment)
	view.State, view.Tag = T(v.lang, "match.recompute.equal"), "good"
	if !promised || !found.Clean() {
		view.State, view.Tag = T(v.lang, "match.recompute.differs"), "broken"
	}
	sum := func(minor int64) string { return Amount(v.lang, v.amount(minor)) }
	seed := T(v.lang, "match.recompute.promised", found.Commitment)
	if !promised {
		seed = T(v.lang, "match.recompute.other-seed", found.Commitment)
	}
	view.Facts = []Fact{v.fact("match.seed", seed), v.fact("match.recompute.given", T(v.lang, "match.recompute.gifts-of", found.Gifts, sum(found.Given))),
		v.fact("match.recompute.matched", T(v.lang, "match.recompute.gifts-of", found.Matched, sum(found.Match))), v.fact("match.recompute.held", Count(int64(found.Held))),
		v.fact("match.recompute.fallen", sum(found.Fallen)), v.fact("match.recompute.lines", Count(int64(found.Differs)))}
	if found.Differs == 0 {
		return
	}
	view.Differs = grid{Title: T(v.lang, "match.recompute.where"), Heads: v.heads("#match.recompute.line", "match.recompute.gift", "match.recompute.stands", "match.recompute.wanted", "match.why")}
	if found.Differs > len(found.Differences) {
		view.Say = T(v.lang, "match.recompute.first", len(found.Differences), found.Differs)
	}
	for _, one := range found.Differences {
		reasons := make([]string, len(one.Reasons))
		for i, why := range one.Reasons {
			reasons[i] = string(why)
		}
		why := v.matchReasons(reasons)
		if one.Unheld {
			why = T(v.lang, "match.recompute.unheld")
		}
		view.Differs.Rows = append(view.Differs.Rows, []cell{{Text: strconv.Itoa(one.Line)}, {Text: one.Gift}, {Text: v.matchParts(one.Stands, one.StoodHeld)},
			{Text: v.matchParts(one.Wanted, one.HeldNow)}, {Text: why}})
	}
}

// matchParts says a match pool by pool.
func (v *visit) matchParts(parts []match.Part, held bool) string {
	if len(parts) == 0 {
		return T(v.lang, "match.recompute.nothing")
	}
	said := make([]string, len(parts))
	for i, p := range parts {
		said[i] = strings.TrimSpace(p.Pool+" "+p.Slice) + " " + Amount(v.lang, v.amount(p.Amount))
	}
	text := strings.Join(said, " · ")
	if held {
		text += " · " + T(v.lang, "match.held")
	}
	return text
}

// matchReplay answers /match/{event}/replay: the file with which everybody can recompute the event. There are no names in it.
func (v *visit) matchReplay() error {
	done, err := v.s.reports.Take("public:" + v.ip().String())
	if err != nil {
		return err
	}
	defer done()
	return v.read(func(q pg.Querier) error {
		d, err := v.publicDesk(q)
		if err != nil {
			return err
		}
		if d.event.Seed == nil || d.amounts.Decided > replayAwards {
			return giving.ErrEventState
		}
		ctx, cancel := context.WithTimeout(v.ctx(), replayTime)
		defer cancel()
		v.attach("application/x-ndjson", replayFile(d.event.Code))
		return giving.WriteReplay(ctx, q, v.book, d.event.ID, v.Response())
	})
}

// matchRuleFile answers /match/{event}/rule?version=: the bytes whose SHA-256 names the version; without a number the newest.
func (v *visit) matchRuleFile() error {
	d, err := v.publicDesk(v.s.DB)
	if err != nil {
		return err
	}
	wanted := v.number("version")
	for i := range d.versions {
		if r := &d.versions[i]; wanted == 0 || r.Version == wanted {
			v.attach("application/json", ruleFile(d.event.Code, strconv.Itoa(int(r.Version))))
			_, err := io.WriteString(v.Response(), r.Terms)
			return err
		}
	}
	return giving.ErrNoEvent
}

// attach begins an answer that is kept as a file.
func (v *visit) attach(contentType, name string) {
	header := v.Response().Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.Response().WriteHeader(http.StatusOK)
}
