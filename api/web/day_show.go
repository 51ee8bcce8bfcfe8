package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Limits of the page of a giving day.
const (
	dayGifts = 10 // of the last gifts
	dayRows  = 20 // of the ranking on one page
)

// dayState is what changes while the page is open; the page's block "live" draws it.
type dayState struct {
	Name, Say string // how it stands, in a sentence
	Left      money.Money
	Pool      []Fact // the amounts of match, each by itself
	Rows      []dayRow
	Ahead     int // campaigns before the first row
	More      int // behind the last one
	Last      []dayGift
	Held      string
	At        time.Time
	Code      string
}

// dayRow is a campaign of the day: gifts, match reserved and match paid, never added up.
type dayRow struct {
	Place, Name, Href       string
	Gifts, Reserved, Paid   money.Money
	GiftsBar, ResBar, Start int64 // of its bar, in thousandths
	PaidBar, PaidStart      int64
}

type dayGift struct {
	Name, Href    string
	Amount, Match money.Money
	At            time.Time
}

type dayView struct {
	Page
	dayState
	dayHours
	Live       string
	Prev, Next string
}

// dayFigures are read once for all who look on, in whichever language.
type dayFigures struct {
	event     *giving.MatchEvent
	rule      *match.Rule
	amounts   *giving.EventAmounts
	progress  map[int32]giving.Progress // of campaigns that earned something
	ranking   []giving.CampaignAmounts  // most gifts first
	campaigns map[int32]*giving.Campaign
	last      []giving.DayGift
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

// dayShow answers /days/{code}: the giving day for those who look on, correct after every reload. Only the first page of the ranking is live.
func (v *visit) dayShow() error {
	var view dayView
	page := int(v.number("page"))
	err := v.read(func(q pg.Querier) error { // figures and hours of one moment
		e, rules, err := v.day(q)
		if err != nil {
			return err
		}
		pulse, err := giving.EventPulse(v.ctx(), q, v.book, e.ID)
		if err != nil {
			return err
		}
		figures, err := v.readDay(v.ctx(), q, e, rules, page)
		if err != nil {
			return err
		}
		view = dayView{Page: v.page(e.Name(string(v.lang))), dayState: v.drawDay(figures, page)}
		view.Figure = v.asOf(0)
		view.Crumbs = []Link{{view.T("place.campaigns"), "/campaigns"}, {Label: view.Title}}
		switch {
		case view.Ahead > 0:
			view.Prev = v.with("page", pageNumber(view.Ahead/dayRows))
		case e.State != giving.EventEnded:
			view.Live = "/days/" + e.Code + "/live?v=" + dayVersion(pulse, v.now)
		}
		view.dayHours, err = v.dayHours(q, e, figures.rule, figures.amounts, "/days/"+e.Code)
		return err
	})
	if err != nil {
		return err
	}
	if view.More > 0 {
		view.Next = v.with("page", pageNumber(view.Ahead/dayRows+2))
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/day", view)
}

// pageNumber is a page in an address; the first has none.
func pageNumber(n int) string {
	if n <= 1 {
		return ""
	}
	return strconv.Itoa(n)
}

// dayLive answers /days/{code}/live?v= with a stream of the day's figures. All who look on share one small query a look; only when it
// tells of something new the figures are read, once for both languages.
func (v *visit) dayLive() error {
	e, _, err := v.day(v.s.DB)
	if err != nil {
		return err
	}
	begun := visit{s: v.s, book: v.book}
	at := func(ctx context.Context) (string, func(Lang) (string, error), error) {
		of := begun
		of.now = v.s.Now()
		pulse, err := giving.EventPulse(ctx, of.s.DB, of.book, e.ID)
		if err != nil {
			return "", nil, err
		}
		read := sync.OnceValues(func() (*dayFigures, error) {
			now, err := giving.EventByID(ctx, of.s.DB, of.book, e.ID)
			if err != nil {
				return nil, err
			}
			rules, err := giving.RuleVersions(ctx, of.s.DB, of.book, e.ID)
			if err != nil {
				return nil, err
			}
			return of.readDay(ctx, of.s.DB, now, rules, 1)
		})
		return dayVersion(pulse, of.now), func(lang Lang) (string, error) {
			figures, err := read()
			if err != nil {
				return "", err
			}
			return of.dayFragment(figures, lang)
		}, nil
	}
	updates, leave, err := v.s.live.watch(v.book.ID, fmt.Sprintf("day %d %d", v.book.ID, e.ID), v.lang, v.QueryParam("v"), liveOften, at)
	if err != nil {
		return err
	}
	defer leave()
	return Stream(v.Context, v.book.Zone, v.s.Now, updates)
}

func (v visit) dayFragment(figures *dayFigures, lang Lang) (string, error) {
	v.lang = lang
	view := dayView{Page: Page{Site: v.site(), Prefs: Prefs{Lang: lang}, Now: v.now}, dayState: v.drawDay(figures, 1)}
	return v.s.render.Fragment(view.Page, "public/day", "live", view)
}

// dayVersion changes with the event's pulse and with each minute of the countdown.
func dayVersion(pulse string, now time.Time) string {
	return fmt.Sprintf("%s-%d", pulse, now.Unix()/60)
}

// dayPage is a page of so many rows: from one to the other.
func dayPage(page, rows int) (from, to int) {
	from = min(max(page-1, 0), max(rows-1, 0)/dayRows) * dayRows
	return from, min(from+dayRows, rows)
}

func (v *visit) readDay(ctx context.Context, q pg.Querier, e *giving.MatchEvent, rules []giving.RuleVersion, page int) (*dayFigures, error) {
	d := &dayFigures{event: e, progress: map[int32]giving.Progress{}}
	var err error
	if len(rules) > 0 {
		if d.rule, err = rules[0].Rule(); err != nil {
			return nil, err
		}
	}
	if d.amounts, err = giving.AmountsOf(ctx, q, v.book, e.ID, v.now); err != nil {
		return nil, err
	}
	d.ranking = slices.Clone(d.amounts.Campaigns)
	ids := make([]int32, len(d.ranking))
	for i, c := range d.ranking {
		ids[i] = c.CampaignID
	}
	progress, err := giving.ProgressOf(ctx, q, v.book, v.now, ids...)
	if err != nil {
		return nil, err
	}
	for _, p := range progress {
		d.progress[p.CampaignID] = p
	}
	slices.SortStableFunc(d.ranking, func(a, b giving.CampaignAmounts) int {
		return cmp.Compare(d.progress[b.CampaignID].Raised(), d.progress[a.CampaignID].Raised())
	})
	if d.last, err = giving.LastGifts(ctx, q, v.book, e.ID, dayGifts); err != nil {
		return nil, err
	}
	from, to := dayPage(page, len(d.ranking))
	ids = ids[:0]
	for _, c := range d.ranking[from:to] {
		ids = append(ids, c.CampaignID)
	}
	for _, g := range d.last {
		ids = append(ids, g.Campaign)
	}
	d.campaigns, err = giving.CampaignsByID(ctx, q, v.book, ids...)
	return d, err
}

// drawDay says the figures in the visit's language.
func (v *visit) drawDay(d *dayFigures, page int) dayState {
	a, lang := d.amounts, string(v.lang)
	s := dayState{Name: d.event.Name(lang), Code: d.event.Code, Say: v.daySays(d), Left: v.amount(a.Pledged), At: v.now}
	s.Pool = []Fact{v.sumFact("day.reserved", a.Reserved), v.sumFact("day.held", a.Held), v.sumFact("day.settled", a.Settled), v.sumFact("day.clawed", a.Clawed), v.sumFact("day.returned", a.Returned)}
	if a.HeldAwards > 0 {
		s.Held = T(v.lang, "day.held.count", a.HeldAwards)
	}
	var most int64 = 1
	for _, c := range d.ranking {
		most = max(most, d.progress[c.CampaignID].Raised()+c.Reserved+c.Settled)
	}
	part := func(minor int64) int64 { return money.FloorShare(max(0, minor), 1000, most) }
	from, to := dayPage(page, len(d.ranking))
	s.Ahead, s.More = from, len(d.ranking)-to
	for i, c := range d.ranking[from:to] {
		campaign, ok := d.campaigns[c.CampaignID]
		if !ok {
			continue
		}
		row := dayRow{Place: Count(int64(from + i + 1)), Name: campaign.Title(lang), Href: "/c/" + campaign.Slug, Gifts: v.amount(d.progress[c.CampaignID].Raised()), Reserved: v.amount(c.Reserved), Paid: v.amount(c.Settled)}
		row.GiftsBar, row.ResBar, row.PaidBar = part(row.Gifts.Minor), part(row.Reserved.Minor), part(row.Paid.Minor)
		row.Start, row.PaidStart = row.GiftsBar, row.GiftsBar+row.ResBar
		s.Rows = append(s.Rows, row)
	}
	for _, g := range d.last {
		if campaign, ok := d.campaigns[g.Campaign]; ok {
			s.Last = append(s.Last, dayGift{campaign.Title(lang), "/c/" + campaign.Slug, money.Money{Minor: g.Amount, Currency: g.Currency}, v.amount(g.Match), g.PaidAt})
		}
	}
	return s
}

// daySays is how the day stands: when it opens, that it is open, or that it is over.
func (v *visit) daySays(d *dayFigures) string {
	switch d.event.State {
	case giving.EventClosed:
		return T(v.lang, "day.closed")
	case giving.EventEnded:
		return T(v.lang, "day.ended")
	}
	if d.rule == nil {
		return ""
	}
	open, next := d.rule.Opening(v.now)
	if open && d.event.State == giving.EventOpen {
		return T(v.lang, "day.open")
	}
	if next.IsZero() {
		return T(v.lang, "day.over")
	}
	left := next.Sub(v.now).Round(time.Minute)
	return T(v.lang, "day.opens", When(v.lang, next, v.book.Zone), int(left/(24*time.Hour)), int(left/time.Hour)%24, int(left/time.Minute)%60)
}
