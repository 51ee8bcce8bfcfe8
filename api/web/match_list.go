package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/staff"
)

// matchEventsShown is how many events a page lists.
const matchEventsShown = 20

// matchList shows the events of match with their amounts, newest first.
func (v *visit) matchList() error { return v.matchListAgain(http.StatusOK, nil) }

func (v *visit) matchListAgain(status int, wrong Errors) error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.match"), matchPath), Heading: T(v.lang, "place.match"), Lead: T(v.lang, "match.lead")}
	view.Errors, view.Path = wrong, matchPath
	events, err := giving.Events(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	list := grid{Title: T(v.lang, "match.events"), Empty: T(v.lang, "match.none"),
		Heads: v.heads("match.event", "person.state", "match.window", "#match.left", "#match.reserved", "#match.held", "#match.settled", "#match.clawed", "#match.returned")}
	before := v.number("before")
	for i := range events {
		e := &events[i]
		if before > 0 && e.ID >= before {
			continue
		}
		if len(list.Rows) == matchEventsShown {
			view.Links = append(view.Links, Link{T(v.lang, "pager.next"), v.with("before", strconv.Itoa(int(events[i-1].ID)))})
			break
		}
		row, err := v.matchRow(e)
		if err != nil {
			return err
		}
		list.Rows = append(list.Rows, row)
	}
	view.Grids = []grid{list}
	if err := v.offer(&view, matchPath, matchCreateAct()); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) matchRow(e *giving.MatchEvent) ([]cell, error) {
	a, err := giving.AmountsOf(v.ctx(), v.s.DB, v.book, e.ID, v.now)
	if err != nil {
		return nil, err
	}
	versions, err := giving.RuleVersions(v.ctx(), v.s.DB, v.book, e.ID)
	if err != nil {
		return nil, err
	}
	var rule *match.Rule
	if len(versions) > 0 {
		if rule, err = versions[0].Rule(); err != nil {
			return nil, err
		}
	}
	return []cell{{Text: e.Name(string(v.lang)), Href: matchPath + "/" + e.Code, User: true}, v.matchState(e.State), {Text: v.matchWindow(rule)},
		v.sumCell(a.Pledged), v.sumCell(a.Reserved), v.sumCell(a.Held), v.sumCell(a.Settled), v.sumCell(a.Clawed), v.sumCell(a.Returned)}, nil
}

func matchCreateAct() act {
	return act{name: matchCreate, needs: staff.CampaignWrite, blanks: []blank{{name: "name_zh", label: "match.name.zh", max: 120}, {name: "name_en", label: "match.name.en", max: 120},
		{name: "code", label: "match.code", hint: "match.code.hint", max: 60}}}
}

// matchCreate begins an event: nothing is promised and nothing matched yet, but its seed is committed to.
func (v *visit) matchCreate() error {
	a := matchCreateAct()
	in, wrong := v.readBlanks(a)
	if len(wrong) > 0 {
		return v.matchListAgain(http.StatusUnprocessableEntity, wrong)
	}
	var seed match.Seed
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("make seed: %w", err)
	}
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		e, err := giving.CreateEvent(ctx, tx, v.book, in["code"], in["name_zh"], in["name_en"], seed, v.who.Person.ID, v.now)
		if err != nil {
			return err
		}
		return v.record(tx, "match", "create", e.Code, "")
	})
	var fields *giving.FieldErrors
	switch {
	case errors.Is(err, giving.ErrEventCode):
		return v.matchListAgain(http.StatusUnprocessableEntity, Errors{{matchCreate + "-code", T(v.lang, "match.code.taken")}})
	case errors.As(err, &fields):
		return v.stepRefused(err, a, matchPath, v.matchListAgain)
	case err != nil:
		return err
	}
	return v.see(matchPath + "/" + in["code"])
}
