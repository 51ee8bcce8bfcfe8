package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// pollSeconds are the steps of a vote that another person approves. p is nil where they are only looked up by name.
func (v *visit) pollSeconds(p *polls.Poll) []act {
	free := act{name: "poll-free", needs: staff.VoteSettle, second: staff.PollKind, danger: true, blanks: []blank{{name: "project", label: "vote.option", kind: "select"}, whyBlank()},
		plan: v.ofPoll(func(v *visit, q pg.Querier, p *polls.Poll, in inputs) (*giving.Move, error) {
			return polls.Free(v.ctx(), q, v.book, p, int16(in.number("project")), in["reason"], v.businessDay())
		})}
	if p != nil {
		for i := range p.Options {
			if o := &p.Options[i]; p.Won(o.Place) {
				free.blanks[0].options = append(free.blanks[0].options, Option{Value: strconv.Itoa(int(o.Place)), Label: o.Title(string(v.lang))})
			}
		}
	}
	return []act{
		{name: "poll-publish", needs: staff.VoteSettle, second: staff.PollKind, plan: v.ofPoll(func(v *visit, _ pg.Querier, p *polls.Poll, _ inputs) (*giving.Move, error) {
			return polls.Publish(v.book, p, v.now)
		})},
		{name: "poll-count", needs: staff.VoteSettle, second: staff.PollKind, plan: v.ofPoll(func(v *visit, q pg.Querier, p *polls.Poll, _ inputs) (*giving.Move, error) {
			return polls.Count(v.ctx(), q, v.book, p, v.businessDay(), v.now)
		})},
		{name: "poll-revoke", needs: staff.VoteSettle, second: staff.PollKind, danger: true, blanks: []blank{whyBlank()}, plan: v.ofPoll(func(v *visit, _ pg.Querier, p *polls.Poll, in inputs) (*giving.Move, error) {
			return polls.Revoke(v.book, p, in["reason"])
		})},
		free,
	}
}

// pollActs are the steps that may follow.
func (v *visit) pollActs(p *polls.Poll) []act {
	seconds := v.pollSeconds(p)
	publish, count, revoke, free := seconds[0], seconds[1], seconds[2], seconds[3]
	switch p.State {
	case polls.Draft:
		discard := revoke
		discard.name, discard.needs, discard.second = "poll-discard", staff.VoteWrite, ""
		acts := []act{{name: "poll-add", needs: staff.VoteWrite, blanks: []blank{{name: "zh", label: "poll.title.zh", max: 80}, {name: "en", label: "poll.title.en", max: 80},
			{name: "cost", label: "vote.cost", kind: "amount"}, {name: "about", label: "vote.about", kind: "area", optional: true, max: 1000}},
			plan: v.ofPoll(func(v *visit, _ pg.Querier, p *polls.Poll, in inputs) (*giving.Move, error) {
				return polls.Add(v.book, p, polls.Choice{TitleZH: in["zh"], TitleEN: in["en"], About: in["about"], Cost: in.sum("cost", v.book)})
			})}}
		if len(p.Options) > 0 {
			drop := act{name: "poll-drop", needs: staff.VoteWrite, blanks: []blank{{name: "project", label: "vote.option", kind: "select"}},
				plan: v.ofPoll(func(v *visit, _ pg.Querier, p *polls.Poll, in inputs) (*giving.Move, error) {
					return polls.Drop(v.book, p, int16(in.number("project")))
				})}
			for i := range p.Options {
				drop.blanks[0].options = append(drop.blanks[0].options, Option{Value: strconv.Itoa(int(p.Options[i].Place)), Label: p.Options[i].Title(string(v.lang))})
			}
			acts = append(acts, publish, drop)
		}
		return append(acts, discard)
	case polls.Open:
		return []act{revoke}
	case polls.Closed:
		return []act{count, revoke}
	case polls.Counted:
		return []act{free}
	}
	return nil
}

// pollOf is the vote that the address names, when it is in sight.
func (v *visit) pollOf() (id uuid.UUID, p *polls.Poll, err error) {
	if id, err = v.recordParam(); err != nil {
		return id, nil, err
	}
	p, err = v.poll(v.s.DB, id)
	return id, p, err
}

func (v *visit) pollShow() error { return v.pollAgain(http.StatusOK, nil) }

func (v *visit) pollAgain(status int, wrong Errors) error {
	id, p, err := v.pollOf()
	if err != nil {
		return err
	}
	here := pollsPath + "/" + id.String()
	view := recordView{Page: v.consolePage(p.Name()+" "+p.Title(string(v.lang)), pollsPath), Heading: p.Name() + " " + p.Title(string(v.lang)), Lead: T(v.lang, "poll.next."+p.State)}
	view.Errors, view.Path = wrong, here
	state := v.pollState(p)
	view.Status, view.State = state.Tag, state.Text
	if view.Facts, err = v.pollFacts(v.s.DB, p); err != nil {
		return err
	}
	turnout, err := polls.TurnoutOf(v.ctx(), v.s.DB, v.book, p)
	if err != nil {
		return err
	}
	if p.State != polls.Draft {
		view.Facts = append(view.Facts, v.fact("poll.turnout", T(v.lang, "poll.turnout.is", turnout.Online, turnout.Paper)))
		if p.State != polls.Void {
			view.Links = []Link{{T(v.lang, "poll.public"), pollHref(p)}}
		}
	}
	if (p.State == polls.Open || p.State == polls.Closed) && p.PaperAt != "" && v.who.May(staff.VoteWrite) {
		view.Links = append(view.Links, Link{T(v.lang, "poll.paper"), here + "/paper"})
	}
	words := grid{Title: T(v.lang, "vote.rule"), Heads: v.heads("vote.rule")}
	for _, line := range p.Election(v.book.Currency, string(v.lang)).Words(string(v.lang)) {
		words.Rows = append(words.Rows, []cell{{Text: line}})
	}
	view.Grids = []grid{v.optionGrid(p), words}
	if p.State == polls.Counted {
		outcome, err := v.outcomeGrid(p)
		if err != nil {
			return err
		}
		view.Grids = []grid{outcome, v.stepGrid(p), words}
	}
	if err := v.offer(&view, here, v.pollActs(p)...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// pollStep takes a step with a vote.
func (v *visit) pollStep() error {
	id, p, err := v.pollOf()
	if err != nil {
		return err
	}
	return v.perform(id, pollsPath+"/"+id.String(), v.pollAgain, v.pollActs(p)...)
}

type pollPaperView struct {
	Page
	Heading, Here string
	Facts         []Fact
	Ballot        ballotView
	Known         string
	Sheet         string
	Spoiled       []Option
	Grid          grid
	Handing       bool // ballot papers are still handed out
	Note          string
}

// pollPaper is the desk of ballot papers: handing them out, and reading them by two people.
func (v *visit) pollPaper() error { return v.pollPaperAgain(http.StatusOK, nil, "") }

func (v *visit) pollPaperAgain(status int, wrong Errors, note string) error {
	id, p, err := v.pollOf()
	if err != nil {
		return err
	}
	here := pollsPath + "/" + id.String()
	view := pollPaperView{Page: v.consolePage(T(v.lang, "poll.paper"), pollsPath), Heading: p.Name() + " " + p.Title(string(v.lang)), Here: here + "/paper", Handing: p.Takes(v.now), Note: note,
		Spoiled: []Option{{Value: "1", Label: T(v.lang, "poll.spoiled"), Hint: T(v.lang, "poll.spoiled.hint")}}}
	view.Errors, view.Path = wrong, view.Here
	view.Crumbs = []Link{{T(v.lang, "place.polls"), pollsPath}, {view.Heading, here}, {Label: T(v.lang, "poll.paper")}}
	if len(wrong) > 0 {
		view.Known, view.Sheet = v.typed("known", 40), v.typed("sheet", 8)
	}
	turnout, err := polls.TurnoutOf(v.ctx(), v.s.DB, v.book, p)
	if err != nil {
		return err
	}
	sheets, err := polls.Sheets(v.ctx(), v.s.DB, v.book, p)
	if err != nil {
		return err
	}
	filled, _ := v.readBallot(p)
	if len(wrong) == 0 {
		filled = nil
	}
	view.Ballot = v.ballot(view.Page, p, filled)
	view.Grid = grid{Title: T(v.lang, "poll.sheets"), Empty: T(v.lang, "poll.sheets.none"), Heads: v.heads("#poll.sheet", "poll.sheet.state", "poll.sheet.read")}
	names, agreed := newNames(v), 0
	for _, s := range sheets {
		state := cell{Text: T(v.lang, "poll.sheet.one"), Tag: "waiting"}
		var read []string
		for i, by := range s.By {
			name, err := names.of(by)
			if err != nil {
				return err
			}
			marks := s.Read[i]
			if marks == "-" {
				marks = T(v.lang, "poll.spoiled")
			}
			read = append(read, name+T(v.lang, "poll.reads")+marks)
		}
		switch {
		case s.Agreed != nil:
			state, agreed = cell{Text: T(v.lang, "poll.sheet.agreed"), Tag: "good"}, agreed+1
		case len(s.By) > 1:
			state = cell{Text: T(v.lang, "poll.sheet.differs"), Tag: "attention"}
		}
		if s.Agreed == nil && len(s.By) == 1 && s.By[0] != v.who.Person.ID {
			read = []string{T(v.lang, "poll.sheet.blind")} // the second person reads without knowing
		}
		view.Grid.Rows = append(view.Grid.Rows, []cell{{Text: strconv.Itoa(int(s.Number))}, state, textCell(strings.Join(read, " · "))})
	}
	view.Facts = []Fact{v.fact("poll.handed", Count(turnout.Paper)), v.fact("poll.sheets", Count(int64(len(sheets)))), v.fact("poll.agreed", Count(int64(agreed)))}
	return v.s.render.Render(v.Response(), status, "console/poll_paper", view)
}

// pollPaperStep hands a paper out, or takes a sheet in as this person reads it.
func (v *visit) pollPaperStep() error {
	id, p, err := v.pollOf()
	if err != nil {
		return err
	}
	act, note := "hand-out", T(v.lang, "poll.handed.done")
	var wrong Errors
	if v.FormValue("act") == "read" {
		s := polls.Reading{Sheet: v.number("sheet"), Spoiled: v.FormValue("spoiled") == "1"}
		if !s.Spoiled {
			s.Ballot, wrong = v.readBallot(p)
		}
		if len(wrong) == 0 {
			act, note, err = "read-sheet", T(v.lang, "poll.sheet.done", int(s.Sheet)), v.paperTx(p, "read-sheet", func(tx pgx.Tx) error {
				return polls.ReadSheet(v.ctx(), tx, v.book, p, s, v.who.Person.ID, v.now)
			})
		}
	} else {
		err = v.paperTx(p, act, func(tx pgx.Tx) error {
			r, err := residents.Find(v.ctx(), tx, v.book, v.typed("known", 40))
			if err != nil {
				return err
			}
			return polls.HandOut(v.ctx(), tx, v.book, p, r, v.now)
		})
	}
	for refusal, field := range map[error]string{residents.ErrNoCode: "known", polls.ErrNotEntitled: "known", polls.ErrVoted: "known", polls.ErrSheet: "sheet"} {
		if errors.Is(err, refusal) {
			wrong.Add(field, problem.Of(refusal).Title(string(v.lang)))
			err = nil
		}
	}
	if errors.Is(err, polls.ErrNotOpen) {
		return v.refuse(err, nil, Link{T(v.lang, "offline.back"), pollsPath + "/" + id.String()})
	}
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return v.pollPaperAgain(http.StatusUnprocessableEntity, wrong, "")
	}
	return v.pollPaperAgain(http.StatusOK, nil, note)
}

// paperTx does something with ballot papers and leaves a line in the audit trail: who did it, never whose paper or what is on it.
func (v *visit) paperTx(p *polls.Poll, what string, do func(tx pgx.Tx) error) error {
	return pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "vote." + strings.ReplaceAll(what, "-", "_"), Object: "poll:" + p.ID.String()})
	})
}
