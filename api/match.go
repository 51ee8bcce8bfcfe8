package api

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// matchEventJSON is an event of match without its amounts.
type matchEventJSON struct {
	Code       string     `json:"code"`
	NameZH     string     `json:"name_zh"`
	NameEN     string     `json:"name_en"`
	State      string     `json:"state"`
	MadeAt     time.Time  `json:"made_at"`
	OpenedAt   *time.Time `json:"opened_at,omitempty"`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
	StoppedAt  *time.Time `json:"stopped_at,omitempty"`
	Commitment string     `json:"commitment"`
	Seed       *string    `json:"seed,omitempty"`
}

// matchAmountsJSON are amounts of match, each by itself and never added up.
type matchAmountsJSON struct {
	Pledged  string `json:"pledged"`
	Reserved string `json:"reserved"`
	Held     string `json:"held"`
	Settled  string `json:"settled"`
	Clawed   string `json:"clawed_back"`
	Returned string `json:"returned"`
}

type matchPoolJSON struct {
	Code     string `json:"code"`
	Kind     string `json:"kind"`
	Fund     string `json:"fund"`
	Promised string `json:"promised"`
	matchAmountsJSON
}

type matchCampaignJSON struct {
	Campaign string `json:"campaign"`
	Reserved string `json:"reserved"`
	Held     string `json:"held"`
	Settled  string `json:"settled"`
	Clawed   string `json:"clawed_back"`
}

// matchDeskJSON is an event with all that stands of it.
type matchDeskJSON struct {
	matchEventJSON
	Currency   string              `json:"currency"`
	Rule       *matchRuleJSON      `json:"rule,omitempty"` // the newest
	Amounts    matchAmountsJSON    `json:"amounts"`
	HeldAwards int64               `json:"held_awards"`
	HeldDonors int64               `json:"held_donors"`
	Pools      []matchPoolJSON     `json:"pools"`
	Campaigns  []matchCampaignJSON `json:"campaigns"`
	Decided    int64               `json:"decided"`
	AsOf       time.Time           `json:"as_of"`
}

// matchRuleJSON is a version of a rule. Terms are the bytes whose SHA-256 is the hash.
type matchRuleJSON struct {
	Version     int32                       `json:"version"`
	Hash        string                      `json:"hash"`
	From        time.Time                   `json:"from"`
	PublishedAt time.Time                   `json:"published_at"`
	Terms       string                      `json:"terms,omitempty"`
	Words       map[string][]matchWordsJSON `json:"words,omitempty"`
}

type matchWordsJSON struct {
	Title string   `json:"title"`
	Says  []string `json:"says"`
}

// matchAwardJSON is what a gift earned from one pool. Donor is a pseudonym of this event.
type matchAwardJSON struct {
	Seq      int64           `json:"seq"`
	Gift     *uuid.UUID      `json:"gift,omitempty"`
	Campaign string          `json:"campaign"`
	Version  int32           `json:"version"`
	Pool     string          `json:"pool,omitempty"`
	Slice    string          `json:"slice,omitempty"`
	Amount   string          `json:"amount"`
	Left     string          `json:"left"`
	Held     bool            `json:"held"`
	Donor    string          `json:"donor,omitempty"`
	Reasons  []string        `json:"reasons"`
	Drawn    string          `json:"drawn,omitempty"`
	Facts    json.RawMessage `json:"facts,omitempty"`
}

// matchPaymentJSON is one step by which match of a pool was paid, clawed back or returned.
type matchPaymentJSON struct {
	ID        uuid.UUID `json:"id"`
	Pool      string    `json:"pool"`
	Kind      string    `json:"kind"`
	Amount    string    `json:"amount"`
	Campaigns int       `json:"campaigns"`
	Day       string    `json:"day"`
	BankRef   string    `json:"bank_ref,omitempty"`
	At        time.Time `json:"at"`
}

// matchAskedJSON is a request for a step with an event that a second person decides.
type matchAskedJSON struct {
	ID        uuid.UUID  `json:"id"`
	Act       string     `json:"act"`
	Summary   string     `json:"summary"`
	Amount    string     `json:"amount"`
	State     string     `json:"state"`
	MadeAt    time.Time  `json:"made_at"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

func (c *call) decimal(minor int64) string { return money.Format(minor, c.book.Currency) }

func matchEventOf(e *giving.MatchEvent) matchEventJSON {
	return matchEventJSON{e.Code, e.NameZH, e.NameEN, e.State, e.MadeAt, e.OpenedAt, e.ClosedAt, e.StoppedAt, e.Commitment, e.Seed}
}

func (c *call) matchAmountsOf(a giving.MatchAmounts) matchAmountsJSON {
	f := c.decimal
	return matchAmountsJSON{f(a.Pledged), f(a.Reserved), f(a.Held), f(a.Settled), f(a.Clawed), f(a.Returned)}
}

func matchRuleOf(r *giving.RuleVersion) matchRuleJSON {
	return matchRuleJSON{Version: r.Version, Hash: hex.EncodeToString(r.Hash), From: r.From, PublishedAt: r.PublishedAt}
}

// matchEvent reads the event of the address.
func (c *call) matchEvent() (*giving.MatchEvent, error) {
	return giving.EventByCode(c.ctx(), c.s.DB, c.book, c.Param("event"))
}

// matchEvents lists events, newest first.
func (c *call) matchEvents() error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	before, err := c.after()
	if err != nil {
		return err
	}
	all, err := giving.Events(c.ctx(), c.s.DB, c.book)
	if err != nil {
		return err
	}
	var list []giving.MatchEvent
	for _, e := range all {
		if (before == 0 || e.ID < before) && len(list) <= limit {
			list = append(list, e)
		}
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, matchEventOf, func(e *giving.MatchEvent) string { return strconv.Itoa(int(e.ID)) }))
}

// matchDesk is one event with its amounts, pools and campaigns.
func (c *call) matchDesk() error {
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	a, err := giving.AmountsOf(c.ctx(), c.s.DB, c.book, e.ID, c.now)
	if err != nil {
		return err
	}
	versions, err := giving.RuleVersions(c.ctx(), c.s.DB, c.book, e.ID)
	if err != nil {
		return err
	}
	funds, err := c.fundCodes(c.s.DB)
	if err != nil {
		return err
	}
	desk := matchDeskJSON{matchEventJSON: matchEventOf(e), Currency: c.book.Currency, Amounts: c.matchAmountsOf(a.MatchAmounts), HeldAwards: a.HeldAwards, HeldDonors: a.HeldDonors,
		Pools: []matchPoolJSON{}, Campaigns: []matchCampaignJSON{}, Decided: a.Decided, AsOf: a.AsOf}
	if len(versions) > 0 {
		newest := matchRuleOf(&versions[0])
		desk.Rule = &newest
	}
	for _, p := range a.Pools {
		desk.Pools = append(desk.Pools, matchPoolJSON{p.Pool, p.Kind, funds[p.FundID], c.decimal(p.Amount), c.matchAmountsOf(p.MatchAmounts)})
	}
	for _, g := range a.Campaigns {
		desk.Campaigns = append(desk.Campaigns, matchCampaignJSON{g.Slug, c.decimal(g.Reserved), c.decimal(g.Held), c.decimal(g.Settled), c.decimal(g.Clawed)})
	}
	return c.JSON(http.StatusOK, desk)
}

// matchRules lists the versions of the rule, newest first, without their terms.
func (c *call) matchRules() error {
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	versions, err := giving.RuleVersions(c.ctx(), c.s.DB, c.book, e.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pageOf(versions, len(versions), matchRuleOf, func(*giving.RuleVersion) string { return "" }))
}

// matchRule is one version, with its terms and with the words made from them.
func (c *call) matchRule() error {
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	versions, err := giving.RuleVersions(c.ctx(), c.s.DB, c.book, e.ID)
	if err != nil {
		return err
	}
	for i := range versions {
		if strconv.Itoa(int(versions[i].Version)) != c.Param("version") {
			continue
		}
		rule, err := versions[i].Rule()
		if err != nil {
			return err
		}
		shown := matchRuleOf(&versions[i])
		shown.Terms, shown.Words = versions[i].Terms, map[string][]matchWordsJSON{}
		for _, lang := range []string{"zh-CN", "en"} {
			for _, p := range rule.Words(lang, nil) {
				shown.Words[lang] = append(shown.Words[lang], matchWordsJSON{p.Title, p.Lines})
			}
		}
		return c.JSON(http.StatusOK, shown)
	}
	return giving.ErrNoEvent
}

// matchAwards lists awards, newest first: of a campaign, of a pool, of a gift, or what is held.
func (c *call) matchAwards() error {
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	f := giving.AwardFilter{Pool: c.QueryParam("pool"), Held: c.QueryParam("held") == "true"}
	if held := c.QueryParam("held"); held != "" && held != "true" && held != "false" {
		return badParam{"held"}
	}
	if text := c.QueryParam("cursor"); text != "" {
		if f.Before, err = strconv.ParseInt(text, 10, 64); err != nil || f.Before < 1 {
			return ledger.ErrCursor
		}
	}
	if text := c.QueryParam("gift"); text != "" {
		if f.Gift, err = uuid.Parse(text); err != nil {
			return badParam{"gift"}
		}
	}
	places, err := c.placesOf(c.s.DB)
	if err != nil {
		return err
	}
	if slug := c.QueryParam("campaign"); slug != "" {
		p, err := c.place(slug)
		if errors.Is(err, errUnknownName) {
			return c.JSON(http.StatusOK, page[matchAwardJSON]{Items: []matchAwardJSON{}})
		}
		if err != nil {
			return err
		}
		f.Campaign = p.campaign
	}
	list, err := giving.Awards(c.ctx(), c.s.DB, c.book, e.ID, f, limit+1)
	if err != nil {
		return err
	}
	for i := range list {
		if _, err := places.slug(c, list[i].Campaign); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, func(a *giving.MatchAward) matchAwardJSON {
		j := matchAwardJSON{a.Seq, a.GiftID, places.slugs[a.Campaign], a.Version, a.Pool, a.Slice, c.decimal(a.Amount), c.decimal(a.Left), a.Held, a.Donor, a.ReasonList(), a.Drawn, nil}
		if j.Reasons == nil {
			j.Reasons = []string{}
		}
		if a.Facts != nil {
			j.Facts = json.RawMessage(*a.Facts)
		}
		return j
	}, func(a *giving.MatchAward) string { return strconv.FormatInt(a.Seq, 10) }))
}

// matchPage is the event, and what is asked of its lists that go by ids.
func (c *call) matchPage() (e *giving.MatchEvent, limit int, before uuid.UUID, err error) {
	if e, err = c.matchEvent(); err != nil {
		return nil, 0, before, err
	}
	if limit, err = c.limit(); err != nil {
		return nil, 0, before, err
	}
	before, err = c.beforeID()
	return e, limit, before, err
}

// matchPayments lists what was paid, clawed back and returned, newest first.
func (c *call) matchPayments() error {
	e, limit, before, err := c.matchPage()
	if err != nil {
		return err
	}
	list, err := giving.PaidMatches(c.ctx(), c.s.DB, c.book, e.ID, before, limit+1)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, func(p *giving.PaidMatch) matchPaymentJSON {
		return matchPaymentJSON{p.ID, p.Pool, p.Kind, c.decimal(p.Amount), p.Campaigns, p.Day.Format(time.DateOnly), p.BankRef, p.At}
	}, func(p *giving.PaidMatch) string { return p.ID.String() }))
}

// matchAsked lists the requests for steps with an event, newest first, decided ones too.
func (c *call) matchAsked() error {
	e, limit, before, err := c.matchPage()
	if err != nil {
		return err
	}
	list, err := staff.RequestsAbout(c.ctx(), c.s.DB, c.key, staff.MatchRead, staff.MatchKind, matchPayee(e.Code), before, limit+1)
	if err != nil {
		return err
	}
	items := make(map[uuid.UUID]matchAskedJSON, len(list))
	for i := range list {
		if items[list[i].ID], err = c.matchAskedOf(&list[i]); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, func(a *staff.Approval) matchAskedJSON { return items[a.ID] }, func(a *staff.Approval) string { return a.ID.String() }))
}

func (c *call) matchAskedOf(a *staff.Approval) (j matchAskedJSON, err error) {
	r, err := giving.ReadMatchRequest(a.Payload)
	if err != nil {
		return j, err
	}
	act := r.Act
	if act == giving.MatchAwards {
		act = r.Kind
	}
	return matchAskedJSON{a.ID, act, a.Summary, c.decimal(a.Amount), string(a.State), a.MadeAt, a.DecidedAt, a.Reason}, nil
}

// matchPayee is whom requests about an event name.
func matchPayee(code string) string { return "match:" + code }

// matchReplay is the file with which everybody can recompute an event whose seed is told.
func (c *call) matchReplay() error {
	done, err := c.s.reports.Take(c.key.ID.String())
	if err != nil {
		return err
	}
	defer done()
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	if e.Seed == nil {
		return giving.ErrEventState
	}
	out := &begun{c: c}
	return pg.Snapshot(c.ctx(), c.s.DB, func(tx pgx.Tx) error { return giving.WriteReplay(c.ctx(), tx, c.book, e.ID, out) })
}

// begun answers 200 with the first bytes: what fails before them is still told as a problem.
type begun struct {
	c       *call
	started bool
}

func (b *begun) Write(text []byte) (int, error) {
	if !b.started {
		b.started = true
		b.c.Response().Header().Set("Content-Type", "application/x-ndjson")
		b.c.Response().WriteHeader(http.StatusOK)
	}
	return b.c.Response().Write(text)
}
