package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

const (
	matchingPath  = "/console/matching"
	linesPath     = "/console/lines"
	matchingShown = 50
	proposalsMost = 20
	matchingMost  = 200 // lines or items of one match
)

type matchingView struct {
	Page
	Source    string
	Sources   []Option
	Chosen    string // the line whose candidates stand on the right
	Lines     matchingSide
	Ours      matchingSide
	Proposals []proposalView
	Matched   []lineRow
	May       bool
	Form      string
	Reason    string
	Kind      string
	Kinds     []Option
	NextLines string
	NextOurs  string
	FirstPage string
	Unequal   string // both sums, after a match that did not fit
	Empty     Empty
}

// matchingSide is one of the two lists.
type matchingSide struct {
	Name, Title string
	Rows        []matchingRow
	May         bool // tick them
}

// matchingRow is one line or item that may be ticked.
type matchingRow struct {
	Value, Href, What, Ref string
	Day                    time.Time
	Sum                    money.Money
	Minor                  string // of the sum, for the script
	On                     bool
	Near                   string // address with its candidates
}

// proposalView is what the machine would put together.
type proposalView struct {
	ID, Rule    string
	Score       int16
	Ambiguous   bool
	Form        string
	Lines, Ours grid
	Rejected    grid
}

// lineRow is a line that is matched.
type lineRow struct {
	Href, Ref, Rule string
	Day             time.Time
	Sum             money.Money
}

// matchingHref is where the candidates of a line stand.
func matchingHref(source int32, line []byte) string {
	return matchingPath + "?source=" + strconv.Itoa(int(source)) + "&line=" + lineName(source, line)
}

// matchingShow sets what a bank or processor tells beside what the books expect, for one account.
func (v *visit) matchingShow() error { return v.matchingAgain(http.StatusOK, nil, "") }

func (v *visit) matchingAgain(status int, wrong Errors, unequal string) error {
	view := matchingView{Page: v.consolePage(T(v.lang, "place.matching"), matchingPath), May: v.who.May(staff.OfflineWrite), Form: newForm(), Reason: v.typed("reason", 401), Unequal: unequal,
		Kind: v.typed("kind", 1)}
	view.Lines, view.Ours = matchingSide{Name: "line", Title: view.T("matching.left"), May: view.May}, matchingSide{Name: "ours", Title: view.T("matching.right"), May: view.May}
	view.Errors, view.Empty = wrong, Empty{Text: T(v.lang, "recon.sources.none"), Action: &Link{T(v.lang, "place.statements"), statementsPath}}
	source, err := v.matchingSource(&view)
	if err != nil {
		return err
	}
	view.Path = matchingPath
	if source == nil {
		return v.s.render.Render(v.Response(), status, "console/matching", view)
	}
	view.Path = address(matchingPath, url.Values{"source": {view.Source}})
	if err := v.matchingLines(&view, source); err != nil {
		return err
	}
	if err := v.matchingOurs(&view, source); err != nil {
		return err
	}
	if view.Chosen == "" && v.QueryParam("after") == "" && v.QueryParam("later") == "" {
		if err := v.matchingProposals(&view, source); err != nil {
			return err
		}
	}
	if err := v.matchingLast(&view, source); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/matching", view)
}

// matchingSource is the account of the address, or the one of which most waits; nil when there is none.
func (v *visit) matchingSource(view *matchingView) (*recon.Source, error) {
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	counts, err := recon.OpenCounts(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return nil, err
	}
	waits := map[int32]recon.OpenCount{}
	for _, c := range counts {
		waits[c.SourceID] = c
	}
	view.Source = v.typed("source", 10)
	first := slices.MaxFunc(sources, func(a, b recon.SourceStory) int { return int(waits[a.ID].Lines - waits[b.ID].Lines) })
	chosen := &first.Source
	for i := range sources {
		s := &sources[i]
		value := strconv.Itoa(int(s.ID))
		if view.Source == value {
			chosen = &s.Source
		}
		view.Sources = append(view.Sources, Option{Value: value, Label: T(v.lang, "matching.account", s.Name, waits[s.ID].Lines, waits[s.ID].Proposals)})
	}
	view.Source = strconv.Itoa(int(chosen.ID))
	return chosen, nil
}

// matchingLines lists the lines that wait.
func (v *visit) matchingLines(view *matchingView, source *recon.Source) error {
	var after time.Time
	var key []byte
	if id, line, ok := readLineName(v.QueryParam("after")); ok && id == source.ID {
		last, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, source.ID, [][]byte{line})
		if err != nil {
			return err
		}
		if len(last) == 1 {
			after, key, view.FirstPage = last[0].Day, line, v.with("after", "")
		}
	}
	lines, err := recon.OpenLines(v.ctx(), v.s.DB, v.book, source.ID, "", after, key, matchingShown+1)
	if err != nil {
		return err
	}
	ticked := v.ticked("line")
	if id, line, ok := readLineName(v.FormValue("line")); ok && id == source.ID && len(ticked) <= 1 {
		view.Chosen = lineName(id, line)
		if !slices.ContainsFunc(lines, func(l recon.OpenLine) bool { return lineName(l.SourceID, l.Key) == view.Chosen }) { // of another page
			one, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, source.ID, [][]byte{line})
			if err != nil {
				return err
			}
			if len(one) == 0 || one[0].State == recon.LineMatched {
				view.Chosen = ""
			} else {
				l := one[0]
				lines = append([]recon.OpenLine{{SourceID: l.SourceID, Key: l.Key, Row: l.Row, Day: l.Day, Amount: l.Amount, ExtID: l.ExtID, EndToEnd: l.EndToEnd, State: l.State}}, lines...)
			}
		}
	}
	if len(lines) > matchingShown {
		last := lines[matchingShown-1]
		lines = lines[:matchingShown]
		view.NextLines = v.with("after", lineName(last.SourceID, last.Key), "line", "")
	}
	for _, l := range lines {
		name := lineName(l.SourceID, l.Key)
		ref := l.ExtID
		if l.EndToEnd != "" {
			ref = l.EndToEnd
		}
		view.Lines.Rows = append(view.Lines.Rows, matchingRow{Value: name, Href: linesPath + "/" + name, What: T(v.lang, "recon.row") + " " + strconv.Itoa(int(l.Row)), Ref: ref, Day: l.Day, Sum: money.Money{Minor: l.Amount, Currency: source.Currency},
			Minor: strconv.FormatInt(l.Amount, 10), On: name == view.Chosen || slices.Contains(ticked, name), Near: v.with("line", name)})
	}
	return nil
}

// ticked are the boxes of a form that were ticked.
func (v *visit) ticked(name string) []string {
	if v.Request().Method != http.MethodPost {
		return nil
	}
	list := v.Request().PostForm[name]
	return list[:min(len(list), matchingMost)]
}

// matchingOurs lists what of ours waits, or what is nearest to the chosen line.
func (v *visit) matchingOurs(view *matchingView, source *recon.Source) error {
	view.Kinds = []Option{{Value: "", Label: T(v.lang, "filter.all")}}
	for kind := 1; kind <= 4; kind++ {
		view.Kinds = append(view.Kinds, Option{Value: strconv.Itoa(kind), Label: T(v.lang, "match-kind."+strconv.Itoa(kind))})
	}
	var items []recon.OpenOurs
	if at := slices.IndexFunc(view.Lines.Rows, func(r matchingRow) bool { return r.Value == view.Chosen }); view.Chosen != "" && at >= 0 {
		near, err := recon.Candidates(v.ctx(), v.s.DB, v.book, source.Currency, view.Lines.Rows[at].Sum.Minor, view.Lines.Rows[at].Day, matchingShown)
		if err != nil {
			return err
		}
		items = near
	} else {
		var after time.Time
		var last uuid.UUID
		if id, err := uuid.Parse(v.QueryParam("later")); err == nil {
			found, err := recon.Items(v.ctx(), v.s.DB, v.book, []uuid.UUID{id})
			if err != nil {
				return err
			}
			if len(found) == 1 {
				after, last, view.FirstPage = found[0].Day, id, v.with("later", "")
			}
		}
		kind, _ := strconv.ParseInt(view.Kind, 10, 16)
		list, err := recon.OpenBeside(v.ctx(), v.s.DB, v.book, source, int16(kind), after, last, matchingShown+1)
		if err != nil {
			return err
		}
		if items = list; len(items) > matchingShown {
			items = items[:matchingShown]
			view.NextOurs = v.with("later", items[matchingShown-1].ID.String())
		}
	}
	ticked := v.ticked("ours")
	for _, o := range items {
		row := matchingRow{Value: o.ID.String(), What: T(v.lang, "match-kind."+strconv.Itoa(int(o.Kind))), Ref: o.Ref, Day: o.Day, Sum: money.Money{Minor: o.Amount, Currency: o.Currency},
			Minor: strconv.FormatInt(o.Amount, 10), On: slices.Contains(ticked, o.ID.String())}
		if o.Kind <= 2 {
			row.Href = "/console/entries/" + o.ID.String()
		}
		view.Ours.Rows = append(view.Ours.Rows, row)
	}
	return nil
}

func (v *visit) matchingProposals(view *matchingView, source *recon.Source) error {
	list, err := recon.ProposalsOf(v.ctx(), v.s.DB, v.book, source.ID, nil, proposalsMost)
	if err != nil {
		return err
	}
	for i := range list {
		p := &list[i]
		at := T(v.lang, "matching.of", i+1) // no two places of the page have one name
		one := proposalView{ID: p.ID.String(), Rule: T(v.lang, "match.proposal", v.ruleName(p.Rule), int(p.Version)), Score: p.Score, Ambiguous: p.Ambiguous, Form: newForm(),
			Lines:    grid{Title: T(v.lang, "matching.left") + at, Heads: v.lineHeads()},
			Ours:     grid{Title: T(v.lang, "matching.right") + at, Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount")},
			Rejected: grid{Title: T(v.lang, "matching.rejected") + at, Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount", "breaks.why-not")}}
		lines, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, source.ID, p.Lines)
		if err != nil {
			return err
		}
		for i := range lines {
			one.Lines.Rows = append(one.Lines.Rows, v.lineCells(&lines[i], source.Currency))
		}
		items, err := recon.Items(v.ctx(), v.s.DB, v.book, p.Ours)
		if err != nil {
			return err
		}
		for i := range items {
			one.Ours.Rows = append(one.Ours.Rows, v.itemCells(&items[i]))
		}
		if one.Rejected.Rows, err = v.rejectedRows(p.Rejected); err != nil {
			return err
		}
		view.Proposals = append(view.Proposals, one)
	}
	return nil
}

// matchingLast lists what was matched last, to be taken apart.
func (v *visit) matchingLast(view *matchingView, source *recon.Source) error {
	lines, err := recon.LastMatched(v.ctx(), v.s.DB, v.book, source.ID, 12)
	if err != nil {
		return err
	}
	for i := range lines {
		l := &lines[i]
		ref := l.ExtID
		if l.EndToEnd != "" {
			ref = l.EndToEnd
		}
		view.Matched = append(view.Matched, lineRow{Href: linesPath + "/" + lineName(l.SourceID, l.Key), Ref: ref, Rule: v.ruleName(*l.Rule), Day: l.Day, Sum: money.Money{Minor: l.Amount, Currency: source.Currency}})
	}
	return nil
}

// matchingStep puts ticked lines and items together, or decides what was proposed.
func (v *visit) matchingStep() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(v.typed("source", 10), 10, 32)
	if err != nil {
		return giving.ErrNoRecord
	}
	source, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, int32(n))
	if err != nil {
		return err
	}
	here := address(matchingPath, url.Values{"source": {strconv.Itoa(int(source.ID))}})
	why, do := v.typed("reason", 401), v.FormValue("act")
	var lines [][]byte
	var ours []uuid.UUID
	var settle func(ctx context.Context, tx pgx.Tx) error
	object := giving.Object("recon-match", form)
	switch do {
	case "match-put":
		if lines, ours, err = v.tickedMatch(source); err != nil {
			return err
		}
		if len(lines) == 0 || len(ours) == 0 {
			return v.matchingAgain(http.StatusUnprocessableEntity, Errors{{"line", T(v.lang, "matching.nothing")}}, "")
		}
		settle = func(ctx context.Context, tx pgx.Tx) error {
			_, err := recon.Match(ctx, tx, v.book, source.ID, lines, ours, v.who.Person.ID, why, v.now)
			return err
		}
	case "match-confirm", "match-reject":
		group, err := uuid.Parse(v.FormValue("group"))
		if err != nil {
			return giving.ErrNoRecord
		}
		object = giving.Object("recon-match", group)
		settle = func(ctx context.Context, tx pgx.Tx) error {
			return recon.Decide(ctx, tx, v.book, group, do == "match-confirm", v.who.Person.ID, why, v.now)
		}
	default:
		return giving.ErrStep
	}
	err = v.takeStep(v.matchAct(do, object, settle), form, form, nil, here)
	var fields *giving.FieldErrors
	switch {
	case errors.As(err, &fields):
		return v.matchingAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "matching.reason.wrong")}}, "")
	case errors.Is(err, recon.ErrUnequal) && do == "match-put":
		said, err := v.sumsOf(source, lines, ours)
		if err != nil {
			return err
		}
		return v.matchingAgain(http.StatusUnprocessableEntity, Errors{{"line", said}}, said)
	}
	return v.stepRefused(err, act{name: do}, here, func(status int, wrong Errors) error { return v.matchingAgain(status, wrong, "") })
}

// matchAct is a step with matches, as takeStep carries it out: once for a form.
func (v *visit) matchAct(name, object string, settle func(ctx context.Context, tx pgx.Tx) error) act {
	return act{name: name, needs: staff.OfflineWrite, plan: func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
		return &giving.Move{Object: object, Act: name, Source: "recon", Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return settle(ctx, tx) }}, nil
	}}
}

// tickedMatch reads the boxes of both sides.
func (v *visit) tickedMatch(source *recon.Source) (lines [][]byte, ours []uuid.UUID, err error) {
	if _, err := v.FormParams(); err != nil {
		return nil, nil, err
	}
	for _, name := range v.ticked("line") {
		id, key, ok := readLineName(name)
		if !ok || id != source.ID {
			return nil, nil, giving.ErrNoRecord
		}
		lines = append(lines, key)
	}
	for _, text := range v.ticked("ours") {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, nil, giving.ErrNoRecord
		}
		ours = append(ours, id)
	}
	return lines, ours, nil
}

// sumsOf says what both sides add up to.
func (v *visit) sumsOf(source *recon.Source, keys [][]byte, ids []uuid.UUID) (string, error) {
	lines, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, source.ID, keys)
	if err != nil {
		return "", err
	}
	items, err := recon.Items(v.ctx(), v.s.DB, v.book, ids)
	if err != nil {
		return "", err
	}
	var theirs, mine int64
	for _, l := range lines {
		theirs += l.Amount
	}
	for _, i := range items {
		mine += i.Amount
	}
	said := func(minor int64) string { return Amount(v.lang, money.Money{Minor: minor, Currency: source.Currency}) }
	return T(v.lang, "matching.unequal", said(theirs), said(mine), said(theirs-mine)), nil
}
