package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// dayAwards is how many of the last matches the page of a giving day tells.
const dayAwards = 10

// dayState is what changes while the page is open; the page's block "live" draws it.
type dayState struct {
	Name, Say string // how it stands, in a sentence
	Left      money.Money
	Pool      []Fact // the amounts of match, each by itself
	Rows      []dayRow
	Last      []dayAward
	Held      string
	At        time.Time
	version   string
}

// dayRow is a campaign of the day: gifts, match reserved and match paid, never added up.
type dayRow struct {
	Place, Name, Href       string
	Gifts, Reserved, Paid   money.Money
	GiftsBar, ResBar, Start int64 // of its bar, in thousandths
	PaidBar, PaidStart      int64
}

type dayAward struct {
	Name, Href string
	Amount     money.Money
}

type dayView struct {
	Page
	dayState
	Code, Live string
}

// day reads the event of the address; one without a published rule is not there yet.
func (v *visit) day(q pg.Querier) (*giving.MatchEvent, []giving.RuleVersion, error) {
	e, err := giving.EventByCode(v.ctx(), q, v.book, v.Param("code"))
	if err != nil {
		return nil, nil, err
	}
	rules, err := giving.RuleVersions(v.ctx(), q, v.book, e.ID)
	if err == nil && len(rules) == 0 {
		err = giving.ErrNoEvent
	}
	return e, rules, err
}

// dayShow answers /days/{code}: the giving day for those who look on, correct after every reload.
func (v *visit) dayShow() error {
	e, _, err := v.day(v.s.DB)
	if err != nil {
		return err
	}
	view := dayView{Page: v.page(e.Name(string(v.lang))), Code: e.Code}
	if view.dayState, err = v.readDay(v.ctx(), v.s.DB, e); err != nil {
		return err
	}
	view.Figure = v.asOf(0)
	view.Crumbs = []Link{{view.T("place.campaigns"), "/campaigns"}, {Label: view.Title}}
	if e.State != giving.EventEnded {
		view.Live = "/days/" + e.Code + "/live?v=" + view.version
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/day", view)
}

// dayLive answers /days/{code}/live?v= with a stream of the day's figures. All who look on share one look at the database.
func (v *visit) dayLive() error {
	e, _, err := v.day(v.s.DB)
	if err != nil {
		return err
	}
	begun := visit{s: v.s, book: v.book}
	at := func(ctx context.Context) (string, func(Lang) (string, error), error) {
		of := begun
		of.now = v.s.Now()
		now, err := giving.EventByID(ctx, of.s.DB, of.book, e.ID)
		if err != nil {
			return "", nil, err
		}
		amounts, err := giving.AmountsOf(ctx, of.s.DB, of.book, e.ID, of.now)
		if err != nil {
			return "", nil, err
		}
		return dayVersion(amounts, of.now), func(lang Lang) (string, error) { return of.dayFragment(ctx, now, lang) }, nil
	}
	updates, leave, err := v.s.live.watch(v.book.ID, fmt.Sprintf("day %d %d", v.book.ID, e.ID), v.lang, v.QueryParam("v"), at)
	if err != nil {
		return err
	}
	defer leave()
	return Stream(v.Context, v.book.Zone, v.s.Now, updates)
}

func (v visit) dayFragment(ctx context.Context, e *giving.MatchEvent, lang Lang) (string, error) {
	v.lang = lang
	view := dayView{Page: Page{Site: v.site(), Prefs: Prefs{Lang: lang}, Now: v.now}, Code: e.Code}
	var err error
	if view.dayState, err = v.readDay(ctx, v.s.DB, e); err != nil {
		return "", err
	}
	return v.s.render.Fragment(view.Page, "public/day", "live", view)
}

// dayVersion changes when the page would: with a decision, a payment, a hold, and with each minute of the countdown.
func dayVersion(a *giving.EventAmounts, now time.Time) string {
	return fmt.Sprintf("%s-%d-%d-%d-%d-%d-%d", a.EventState, a.Decided, a.Pledged, a.Reserved, a.Held, a.Settled, now.Unix()/60)
}

func (v *visit) readDay(ctx context.Context, q pg.Querier, e *giving.MatchEvent) (s dayState, err error) {
	a, err := giving.AmountsOf(ctx, q, v.book, e.ID, v.now)
	if err != nil {
		return s, err
	}
	lang := string(v.lang)
	s = dayState{Name: e.Name(lang), Left: v.amount(a.Pledged), At: v.now, version: dayVersion(a, v.now)}
	if s.Say, err = v.daySays(ctx, q, e); err != nil {
		return s, err
	}
	s.Pool = []Fact{v.sumFact("day.reserved", a.Reserved), v.sumFact("day.held", a.Held), v.sumFact("day.settled", a.Settled), v.sumFact("day.clawed", a.Clawed), v.sumFact("day.returned", a.Returned)}
	if a.HeldAwards > 0 {
		s.Held = T(v.lang, "day.held.count", a.HeldAwards)
	}
	ids := make([]int32, len(a.Campaigns))
	for i, c := range a.Campaigns {
		ids[i] = c.CampaignID
	}
	progress, err := giving.ProgressOf(ctx, q, v.book, v.now, ids...)
	if err != nil {
		return s, err
	}
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return int(min(1, max(-1, progress[j].Raised()-progress[i].Raised()))) })
	names := map[int32]dayAward{}
	var most int64 = 1
	for _, i := range order {
		most = max(most, progress[i].Raised()+a.Campaigns[i].Reserved+a.Campaigns[i].Settled)
	}
	for place, i := range order {
		c, err := giving.CampaignByID(ctx, q, v.book, ids[i])
		if err != nil {
			return s, err
		}
		names[c.ID] = dayAward{Name: c.Title(lang), Href: "/c/" + c.Slug}
		row := dayRow{Place: Count(int64(place + 1)), Name: c.Title(lang), Href: "/c/" + c.Slug, Gifts: v.amount(progress[i].Raised()), Reserved: v.amount(a.Campaigns[i].Reserved), Paid: v.amount(a.Campaigns[i].Settled)}
		part := func(minor int64) int64 { return max(0, minor) * 1000 / most }
		row.GiftsBar, row.ResBar, row.PaidBar = part(row.Gifts.Minor), part(row.Reserved.Minor), part(row.Paid.Minor)
		row.Start, row.PaidStart = row.GiftsBar, row.GiftsBar+row.ResBar
		s.Rows = append(s.Rows, row)
	}
	last, err := giving.LastAwards(ctx, q, v.book, e.ID, math.MaxInt64, dayAwards)
	if err != nil {
		return s, err
	}
	for _, one := range last {
		said := names[one.Campaign]
		said.Amount = v.amount(one.Amount)
		s.Last = append(s.Last, said)
	}
	return s, nil
}

// daySays is how the day stands: when it opens, that it is open, or that it is over.
func (v *visit) daySays(ctx context.Context, q pg.Querier, e *giving.MatchEvent) (string, error) {
	switch e.State {
	case giving.EventClosed:
		return T(v.lang, "day.closed"), nil
	case giving.EventEnded:
		return T(v.lang, "day.ended"), nil
	}
	rules, err := giving.RuleVersions(ctx, q, v.book, e.ID)
	if err != nil || len(rules) == 0 {
		return "", err
	}
	rule, err := rules[0].Rule()
	if err != nil {
		return "", err
	}
	open, next := rule.Opening(v.now)
	if open && e.State == giving.EventOpen {
		return T(v.lang, "day.open"), nil
	}
	if next.IsZero() {
		return T(v.lang, "day.over"), nil
	}
	left := next.Sub(v.now).Round(time.Minute)
	return T(v.lang, "day.opens", When(v.lang, next, v.book.Zone), int(left/(24*time.Hour)), int(left/time.Hour)%24, int(left/time.Minute)%60), nil
}
