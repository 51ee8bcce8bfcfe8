package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

const deadlinesPath = "/console/deadlines"

// deadlineList is the queue of what has to be filed or published, soonest first.
func (v *visit) deadlineList() error { return v.deadlinesAgain(http.StatusOK, nil) }

func (v *visit) deadlinesAgain(status int, wrong Errors) error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.deadlines"), deadlinesPath), Heading: T(v.lang, "place.deadlines"), Lead: T(v.lang, "deadline.lead")}
	view.Errors = wrong
	l, err := law.Read(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	if l.On(v.businessDay()) == nil {
		view.Status, view.State = "waiting", T(v.lang, "law.profile.none")
		view.Links = append(view.Links, Link{T(v.lang, "place.law"), lawPath})
	}
	all, err := law.Deadlines(v.ctx(), v.s.DB, v.book, v.businessDay())
	if err != nil {
		return err
	}
	names := newNames(v)
	g := grid{Title: T(v.lang, "deadline.queue"), Empty: T(v.lang, "deadline.none"), Heads: v.heads("deadline.due", "deadline.what", "deadline.object", "law.rule", "person.state", "deadline.owner", "deadline.told")}
	over := 0
	for _, d := range all {
		owner := T(v.lang, "deadline.nobody")
		if d.Owner != uuid.Nil {
			if owner, err = names.of(d.Owner); err != nil {
				return err
			}
		}
		tag, left := "good", d.Left(v.businessDay())
		switch {
		case left < 0:
			over++
			tag = "broken"
		case left <= law.RemindSoon:
			tag = "attention"
		}
		told := "—"
		if d.Told > 0 {
			told = T(v.lang, "deadline.told."+strconv.Itoa(int(d.Told)))
		}
		g.Rows = append(g.Rows, []cell{dayCell(d.Due), {Text: T(v.lang, "deadline.phase."+d.Phase)}, {Text: d.Called(string(v.lang)), Href: deadlineHref(&d), User: true}, {Text: d.Rule.Code, Href: lawRule(d.Rule.Code)},
			{Text: leftWords(v.lang, left), Tag: tag}, textCell(owner), {Text: told}})
	}
	if over > 0 {
		view.Status, view.State = "broken", T(v.lang, "deadline.overdue", over)
	}
	view.Grids = []grid{g}
	if len(all) > 0 {
		take, err := v.deadlineTake(all)
		if err != nil {
			return err
		}
		if err := v.offer(&view, deadlinesPath, take); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// deadlineHref is where a deadline is met.
func deadlineHref(d *law.Deadline) string {
	switch d.Phase {
	case "filing", "surplus":
		return lawRule(d.Rule.Code)
	}
	return disclosureDraftHref(d.Object)
}

// leftWords say how many days a deadline has left, or is over.
func leftWords(lang Lang, left int) string {
	if left < 0 {
		return T(lang, "deadline.over", -left)
	}
	return T(lang, "deadline.left", left)
}

// deadlineTake says who sees to a deadline.
func (v *visit) deadlineTake(all []law.Deadline) (act, error) {
	people, err := staff.Holding(v.ctx(), v.s.DB, v.book.ID, deadlineOwners...)
	if err != nil {
		return act{}, err
	}
	what, who := make([]Option, 0, len(all)), make([]Option, 0, len(people))
	for _, d := range all {
		what = append(what, Option{Value: d.Key, Label: ISODay(d.Due) + " · " + d.Called(string(v.lang)) + " · " + T(v.lang, "deadline.phase."+d.Phase)})
	}
	for _, p := range people {
		who = append(who, Option{Value: p.ID.String(), Label: p.Name(string(v.lang))})
	}
	return act{name: "deadline-take", needs: staff.LawWrite, blanks: []blank{{name: "what", label: "deadline.what", kind: "select", options: what}, {name: "who", label: "deadline.owner", kind: "select", options: who}},
		plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			return &giving.Move{Object: "law:24", Act: "deadline-take", Note: in["what"], Source: "law", Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
				return law.Take(ctx, tx, v.book, in["what"], in.id("who"))
			}}, nil
		}}, nil
}

func (v *visit) deadlineStep() error {
	all, err := law.Deadlines(v.ctx(), v.s.DB, v.book, v.businessDay())
	if err != nil {
		return err
	}
	take, err := v.deadlineTake(all)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, deadlinesPath, v.deadlinesAgain, take)
}

// NoticeDeadlines reminds whoever sees to a deadline: thirty days before, seven days before, overdue, each once. Where nobody does, or who did may not
// any more, the accountants are told. The letter leads to where the deadline is met. It says how many reminders it left.
func (s *Server) NoticeDeadlines(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (told int, err error) {
	today := book.Day(now)
	all, err := law.Deadlines(ctx, tx, book, today)
	if err != nil {
		return 0, err
	}
	may, err := staff.Holding(ctx, tx, book.ID, deadlineOwners...)
	if err != nil {
		return 0, err
	}
	for i := range all {
		d := &all[i]
		stage := d.Stage(today)
		if stage == 0 || stage <= d.Told {
			continue
		}
		fresh, err := law.Told(ctx, tx, book, d.Key, stage)
		if err != nil {
			return told, err
		}
		if !fresh {
			continue
		}
		at := slices.IndexFunc(may, func(p staff.Person) bool { return p.ID == d.Owner })
		words := func(lang Lang) (subject, body string) { return deadlineLetter(lang, d, today, at >= 0) }
		if at >= 0 {
			err = s.letterTo(ctx, tx, book, may[at], deadlineHref(d), now, words)
		} else {
			err = s.notice(ctx, tx, book, []staff.Role{staff.Accountant}, deadlineHref(d), now, words)
		}
		if err != nil {
			return told, fmt.Errorf("remind of %s: %w", d.Key, err)
		}
		told++
	}
	return told, nil
}

// deadlineOwners may see to deadlines.
var deadlineOwners = []staff.Role{staff.Accountant, staff.Approver}

// deadlineLetter says what is due, of what, by when, why and what to do.
func deadlineLetter(lang Lang, d *law.Deadline, today time.Time, taken bool) (subject, body string) {
	what, name, due, left := T(lang, "deadline.phase."+d.Phase), d.Called(string(lang)), ISODay(d.Due), leftWords(lang, d.Left(today))
	body = T(lang, "mail.deadline.body", what, name, due, left, d.Rule.Code, d.Rule.Name(string(lang)), d.Rule.Lift(string(lang)))
	if !taken {
		body += T(lang, "mail.deadline.nobody")
	}
	return T(lang, "mail.deadline", what, name, due, left), body
}
