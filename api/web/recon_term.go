package web

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// termsPath is where it is kept what processors agreed to and on which days banks work.
const termsPath = "/console/bank-days"

const (
	termDays = 31  // that one request tells of at most
	daysBack = 100 // from which days on the calendar is shown
)

// ratePercent is what a processor's share looks like: per cent, to millionths of the payment.
var ratePercent = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,4})?$`)

// termList shows what each processor keeps and how long its money takes, the days on which banks do otherwise than from Monday to Friday, within how many
// hours money should be explained, what the matching counts with, and who changed what.
func (v *visit) termList() error { return v.termsAgain(http.StatusOK, nil) }

func (v *visit) termsAgain(status int, wrong Errors) error {
	view := v.statementPage(T(v.lang, "term.heading"))
	view.Lead, view.Path, view.Errors = T(v.lang, "term.lead"), termsPath, wrong
	view.Links = []Link{{T(v.lang, "place.statements"), statementsPath}, {T(v.lang, "place.today"), "/console"}}
	hours, err := recon.ExplainHours(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.fact("term.hours", strconv.Itoa(hours))}
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	terms, err := recon.Terms(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	days, err := recon.ToldDays(v.ctx(), v.s.DB, v.book, v.businessDay().AddDate(0, 0, -daysBack), recordsShown)
	if err != nil {
		return err
	}
	view.Grids = []grid{v.termGrid(sources, terms), v.toldGrid(days), v.windowGrid()}
	acts := v.termSeconds(sources)
	if len(sources) == 0 { // there is nobody to agree with
		acts = acts[1:]
	}
	if err := v.offer(&view, termsPath, append(acts, v.hoursAct(hours))...); err != nil {
		return err
	}
	if err := v.history(&view, recon.TermObject); err != nil {
		return err
	}
	slices.Reverse(view.Steps)
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// termGrid lists the terms of each account, the newest first; one without any goes by what the matching takes for granted.
func (v *visit) termGrid(sources []recon.SourceStory, terms []recon.Term) grid {
	g := grid{Title: T(v.lang, "term.all"), Empty: T(v.lang, "recon.sources.none"), Heads: v.heads("recon.name", "rule.from.day", "#term.days", "#term.rate", "#term.fixed", "#term.dispute", "person.state")}
	today := v.businessDay()
	for _, s := range sources {
		name, held, any := cell{Text: s.Name, Href: sourceHref(s.ID), User: true}, false, false
		for _, t := range terms {
			if t.SourceID != s.ID {
				continue
			}
			any = true
			state := cell{Text: T(v.lang, "term.past")}
			switch {
			case t.From.After(today):
				state = cell{Text: T(v.lang, "term.ahead"), Tag: "waiting"}
			case !held:
				held, state = true, cell{Text: T(v.lang, "term.holds"), Tag: "done"}
			}
			sum := func(minor int64) cell { return cell{Sum: &money.Money{Minor: minor, Currency: s.Currency}} }
			g.Rows = append(g.Rows, []cell{name, dayCell(t.From), {Text: strconv.Itoa(int(t.SettleDays))}, {Text: decimal.New(int64(t.RatePPM), -4).String() + "%"}, sum(t.Fixed), sum(t.DisputeFee), state})
		}
		if !any {
			g.Rows = append(g.Rows, []cell{name, {Text: "—"}, {Text: "1"}, {Text: "—"}, {Text: "—"}, {Text: "—"}, {Text: T(v.lang, "term.none")}})
		}
	}
	return g
}

func (v *visit) toldGrid(days []recon.ToldDay) grid {
	g := grid{Title: T(v.lang, "term.calendar"), Empty: T(v.lang, "term.calendar.none"), Heads: v.heads("recon.day", "term.weekday", "term.banks")}
	for _, d := range days {
		open := cell{Text: T(v.lang, "term.shut"), Tag: "attention"}
		if d.Open {
			open = cell{Text: T(v.lang, "term.open"), Tag: "done"}
		}
		g.Rows = append(g.Rows, []cell{dayCell(d.Day), {Text: T(v.lang, "term.weekday."+strconv.Itoa(int(d.Day.Weekday())))}, open})
	}
	return g
}

func (v *visit) windowGrid() grid {
	g := grid{Title: T(v.lang, "term.windows"), Heads: v.heads("term.window", "#term.apart", "term.counted")}
	for _, w := range recon.Windows {
		counted := "term.calendar-days"
		if w.Banking {
			counted = "term.banking-days"
		}
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "term.window."+w.Name)}, {Text: strconv.Itoa(w.Days)}, {Text: T(v.lang, counted)}})
	}
	return g
}

// termSeconds are the changes that matching depends on: another person approves them.
func (v *visit) termSeconds(sources []recon.SourceStory) []act {
	var options []Option
	for _, s := range sources {
		options = append(options, sourceOption(&s.Source))
	}
	reason := blank{name: "reason", label: "offline.reason", kind: "area"}
	banks := []Option{{Value: "no", Label: T(v.lang, "term.shut")}, {Value: "yes", Label: T(v.lang, "term.open")}}
	return []act{
		{name: "recon-term", needs: staff.OfflineWrite, second: staff.ReconKind, plan: (*visit).termPlan, blanks: []blank{{name: "source", label: "term.account", thing: "source", kind: "select", options: options},
			{name: "due-from", label: "rule.from.day", kind: "day", hint: "term.from.hint"}, {name: "days", label: "term.days", kind: "number", hint: "term.days.hint", value: "1"},
			{name: "rate", label: "term.rate", hint: "term.rate.hint", max: 8}, {name: "fixed", label: "term.fixed", hint: "term.currency.hint", max: 20, value: "0"},
			{name: "dispute", label: "term.dispute", hint: "term.currency.hint", max: 20, value: "0"}, reason}},
		{name: "recon-bank-day", needs: staff.OfflineWrite, second: staff.ReconKind, plan: (*visit).bankDayPlan, blanks: []blank{{name: "due-from", label: "term.first", kind: "day"},
			{name: "due-to", label: "term.last", kind: "day"}, {name: "open", label: "term.banks", kind: "select", options: banks}, reason}},
	}
}

// termPlan notes terms that hold from a day on. What held before is kept: only a later day is taken.
func (v *visit) termPlan(q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
	s, err := recon.SourceByID(v.ctx(), q, v.book, int32(in.number("source")))
	if err != nil {
		return nil, err
	}
	terms, err := recon.Terms(v.ctx(), q, v.book)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	from := in.day("due-from")
	if i := slices.IndexFunc(terms, func(t recon.Term) bool { return t.SourceID == s.ID }); i >= 0 && !from.After(terms[i].From) {
		wrong.Refuse("due-from", "term.from.wrong", "day", ISODay(terms[i].From))
	}
	if in.number("days") > recon.SettleDaysMax {
		wrong.Refuse("days", "term.days.wrong")
	}
	var rate decimal.Decimal
	if ratePercent.MatchString(in["rate"]) {
		rate, _ = decimal.NewFromString(in["rate"])
	}
	if !ratePercent.MatchString(in["rate"]) || rate.GreaterThan(decimal.New(100, 0)) {
		wrong.Refuse("rate", "term.rate.wrong")
	}
	sum := func(name string) int64 {
		minor, err := money.ParseInput(in[name], s.Currency)
		if err != nil || minor < 0 || minor > ledger.AmountMax {
			wrong.Refuse(name, "wrong.amount")
		}
		return minor
	}
	t := recon.Term{SourceID: s.ID, From: from, Fixed: sum("fixed"), DisputeFee: sum("dispute")}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	t.RatePPM, t.SettleDays = int32(rate.Shift(4).IntPart()), int16(in.number("days"))
	note := T(ZH, "term.note", sourceOption(s).Label, ISODay(from), int(t.SettleDays), in["rate"], money.Format(t.Fixed, s.Currency), money.Format(t.DisputeFee, s.Currency))
	return &giving.Move{Object: recon.TermObject, Act: "recon-term", Note: oneLine(note+" · "+in["reason"], 400), Source: "recon", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, sign giving.Sign) error {
		t.MadeBy, t.MadeAt = sign.By, sign.At
		return recon.SetTerm(ctx, tx, v.book, t)
	}}, nil
}

// bankDayPlan says of some days that banks work on them, or do not.
func (v *visit) bankDayPlan(_ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
	from, to, open := in.day("due-from"), in.day("due-to"), in["open"] == "yes"
	var wrong giving.FieldErrors
	if to.Before(from) || to.Sub(from) >= termDays*24*time.Hour {
		wrong.Refuse("due-to", "term.last.wrong", "days", strconv.Itoa(termDays))
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	word := "term.shut"
	if open {
		word = "term.open"
	}
	return &giving.Move{Object: recon.TermObject, Act: "recon-bank-day", Note: oneLine(ISODay(from)+" – "+ISODay(to)+" · "+T(ZH, word)+" · "+in["reason"], 400), Source: "recon",
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
				if err := recon.SetBankDay(ctx, tx, v.book, day, open); err != nil {
					return err
				}
			}
			return nil
		}}, nil
}

// hoursAct changes by what the first page counts. No match depends on it, so it holds at once.
func (v *visit) hoursAct(now int) act {
	return act{name: "recon-hours", needs: staff.OfflineWrite, blanks: []blank{{name: "hours", label: "term.hours", kind: "number", hint: "term.hours.hint", value: strconv.Itoa(now)}},
		plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			return &giving.Move{Object: recon.TermObject, Act: "recon-hours", Note: in["hours"], Source: "recon", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
				return recon.SetHours(ctx, tx, v.book, in.number("hours"), s.By, s.At)
			}}, nil
		}}
}

// termStep takes or asks for a change.
func (v *visit) termStep() error {
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, termsPath, v.termsAgain, append(v.termSeconds(sources), v.hoursAct(recon.DefaultHours))...)
}
