package web

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// readLineName reads what lineName wrote.
func readLineName(text string) (source int32, key []byte, ok bool) {
	id, name, _ := strings.Cut(text, "-")
	n, err := strconv.ParseInt(id, 10, 32)
	if err != nil || len(name) != 40 {
		return 0, nil, false
	}
	key, err = hex.DecodeString(name)
	return int32(n), key, err == nil
}

// lineParam is the line of the address.
func (v *visit) lineParam() (*recon.Line, *recon.Source, error) {
	source, key, ok := readLineName(v.Param("id"))
	if !ok {
		return nil, nil, giving.ErrNoRecord
	}
	lines, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, source, [][]byte{key})
	if err != nil {
		return nil, nil, err
	}
	if len(lines) == 0 {
		return nil, nil, giving.ErrNoRecord
	}
	s, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, source)
	return &lines[0], s, err
}

// lineShow shows a line down to its bytes, and the evidence of its match: by which rule, in which run, with what, and what was not chosen.
func (v *visit) lineShow() error { return v.lineAgain(http.StatusOK, nil) }

func (v *visit) lineAgain(status int, wrong Errors) error {
	l, source, err := v.lineParam()
	if err != nil {
		return err
	}
	name := lineName(l.SourceID, l.Key)
	here := linesPath + "/" + name
	cells := v.lineCells(l, source.Currency)
	state := cells[len(cells)-1]
	view := recordView{Page: v.consolePage(T(v.lang, "line.title", l.FileName, int(l.Row), name[:12]), statementsPath), Heading: T(v.lang, "line.heading", int(l.Row), Amount(v.lang, money.Money{Minor: l.Amount, Currency: source.Currency}))}
	view.Errors, view.Path, view.Status, view.State = wrong, here, state.Tag, state.Text
	view.Facts = []Fact{{Term: T(v.lang, "breaks.account"), Value: source.Name, Href: sourceHref(source.ID)}, v.fact("recon.day", ISODay(l.Day)), v.fact("recon.id", orDash(l.ExtID)), v.fact("line.end-to-end", orDash(l.EndToEnd))}
	raw, err := v.raw(l)
	if err != nil {
		return err
	}
	view.Raws = []rawView{raw}
	if l.State == recon.LineMatched {
		if err := v.lineEvidence(&view, l, source); err != nil {
			return err
		}
		unmatch := act{name: "match-undo", needs: staff.OfflineWrite, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area", max: 400}}}
		if err := v.offer(&view, here, unmatch); err != nil {
			return err
		}
	} else {
		view.Links = append(view.Links, Link{T(v.lang, "breaks.match"), matchingHref(l.SourceID, l.Key)})
		if view.Grids, err = v.notChosen(l, source); err != nil {
			return err
		}
		if entry, err := v.entryAct(l, source); err != nil {
			return err
		} else if len(entry.blanks) > 0 {
			if err := v.offer(&view, here, entry); err != nil {
				return err
			}
		}
	}
	return v.lineBreaks(view, l, status)
}

// lineEvidence is why the line is matched.
func (v *visit) lineEvidence(view *recordView, l *recon.Line, source *recon.Source) error {
	e, err := recon.EvidenceOf(v.ctx(), v.s.DB, v.book, source.ID, l.Key)
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.fact("line.raw-hash", hex.EncodeToString(e.RawHash)), v.fact("match.rule", v.ruleName(e.Rule)))
	if e.RunNo > 0 {
		version := 0
		if e.Rules != nil {
			version = int(*e.Rules)
		}
		view.Facts = append(view.Facts, v.fact("match.run", T(v.lang, "match.run.is", int(e.RunNo), version, hex.EncodeToString(e.RunID))))
	}
	ours := grid{Title: T(v.lang, "match.with"), Empty: T(v.lang, "breaks.ours.none"), Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount")}
	items, err := recon.Items(v.ctx(), v.s.DB, v.book, e.Ours)
	if err != nil {
		return err
	}
	for i := range items {
		ours.Rows = append(ours.Rows, v.itemCells(&items[i]))
	}
	rejected := grid{Title: T(v.lang, "matching.rejected"), Empty: T(v.lang, "match.rejected.none"), Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount", "breaks.why-not")}
	if rejected.Rows, err = v.rejectedRows(e.Rejected); err != nil {
		return err
	}
	view.Grids = append(view.Grids, ours, rejected)
	var group uuid.UUID
	switch {
	case e.GroupID != nil:
		group = *e.GroupID
	case len(e.Ours) == 1:
		group = recon.PairID(source.ID, l.Key, e.Ours[0])
	}
	steps, err := recon.MatchSteps(v.ctx(), v.s.DB, v.book, group)
	if err != nil {
		return err
	}
	names := newNames(v)
	for _, s := range steps {
		row := stepRow{Act: T(v.lang, "match.step."+s.State), Note: s.Reason, At: s.At}
		if row.By, err = names.of(s.Actor); err != nil {
			return err
		}
		view.Steps = append(view.Steps, row)
	}
	return nil
}

// lineBreaks ends the page of a line: the breaks that it is in, or was.
func (v *visit) lineBreaks(view recordView, l *recon.Line, status int) error {
	list, err := recon.BreaksOfLine(v.ctx(), v.s.DB, v.book, l.SourceID, l.Key)
	if err != nil {
		return err
	}
	g, err := v.breakGridOf(list)
	if err != nil {
		return err
	}
	if len(g.Rows) > 0 {
		view.Grids = append(view.Grids, g)
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// breakGridOf lists breaks beside what they came of.
func (v *visit) breakGridOf(list []recon.BreakItem) (grid, error) {
	g := grid{Title: T(v.lang, "breaks.raised"), Empty: T(v.lang, "breaks.raised.none"), Heads: v.heads("breaks.what", "person.state", "severity.name", "#filter.amount", "breaks.age.name")}
	bands, err := recon.Bands(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return g, err
	}
	rows := v.newBreakRows(bands)
	for i := range list {
		row, err := rows.row(&list[i])
		if err != nil {
			return g, err
		}
		g.Rows = append(g.Rows, []cell{{Text: row.Type + " " + row.Name, Href: row.Href}, {Text: row.StateWords, Tag: row.StateTag}, {Text: row.LevelWords, Tag: row.LevelTag}, {Sum: &row.Sum}, {Text: row.Age}})
	}
	return g, nil
}

// lineStep matches a line with an entry, or takes its match apart.
func (v *visit) lineStep() error {
	l, source, err := v.lineParam()
	if err != nil {
		return err
	}
	if v.FormValue("act") != "match-entry" {
		return v.lineUnmatch(l)
	}
	entry, err := v.entryAct(l, source)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, linesPath+"/"+lineName(l.SourceID, l.Key), v.lineAgain, entry)
}

// entriesNear is how many entries a line is offered.
const entriesNear = 20

// entryAct is the step that matches an open line with an entry booked by hand, one of those that move its amount on its account; without blanks when there is none.
func (v *visit) entryAct(l *recon.Line, source *recon.Source) (act, error) {
	a := act{name: "match-entry", needs: staff.OfflineWrite, plan: func(v *visit, _ pg.Querier, form uuid.UUID, in inputs) (*giving.Move, error) {
		return &giving.Move{Object: giving.Object("recon-match", form), Act: "match-entry", Source: "recon", Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return recon.MatchEntry(ctx, tx, v.book, source.ID, l.Key, in.id("entry"), v.who.Person.ID, in["reason"], v.now)
		}}, nil
	}}
	if l.State == recon.LineMatched {
		return a, nil
	}
	near, err := recon.EntriesNear(v.ctx(), v.s.DB, v.book, source, l, entriesNear)
	if err != nil || len(near) == 0 {
		return a, err
	}
	options := []Option{{}}
	for _, e := range near {
		name := v.entryName(&ledger.Recorded{ID: e.ID, Kind: e.Kind, EffectiveOn: e.Day, Number: e.Number})
		options = append(options, Option{Value: e.ID.String(), Label: strings.TrimSpace(ISODay(e.Day) + " " + name + " " + e.Summary)})
	}
	a.blanks = []blank{{name: "entry", label: "match.entry", hint: "match.entry.hint", kind: "entry", options: options}, {name: "reason", label: "offline.reason", kind: "area", max: 400}}
	return a, nil
}

// lineUnmatch takes the match of a line apart, with a reason; not in a month that is closed for good.
func (v *visit) lineUnmatch(l *recon.Line) error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	here := linesPath + "/" + lineName(l.SourceID, l.Key)
	group, why := uuid.Nil, v.typed("match-undo-reason", 401)
	if l.Group != nil {
		group = *l.Group
	}
	undo := v.matchAct("match-undo", giving.Object("recon-match", recon.PairID(l.SourceID, l.Key, group)), func(ctx context.Context, tx pgx.Tx) error {
		return recon.Revoke(ctx, tx, v.book, group, l.SourceID, l.Key, v.who.Person.ID, why, v.now)
	})
	err = v.takeStep(undo, form, form, nil, here)
	var fields *giving.FieldErrors
	switch {
	case errors.As(err, &fields):
		return v.lineAgain(http.StatusUnprocessableEntity, Errors{{"match-undo-reason", T(v.lang, "matching.reason.wrong")}})
	case errors.Is(err, ledger.ErrPeriodHard):
		return v.lineAgain(http.StatusConflict, Errors{{"match-undo-reason", T(v.lang, "match.undo.locked", l.Day.Format("2006-01"))}})
	case errors.Is(err, recon.ErrMatchBooked):
		return v.lineAgain(http.StatusConflict, Errors{{"match-undo-reason", problem.Of(err).Title(string(v.lang))}})
	case errors.Is(err, giving.ErrNoRecord): // taken apart meanwhile
		return v.see(here)
	}
	return v.stepRefused(err, undo, here, v.lineAgain)
}
