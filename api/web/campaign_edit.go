package web

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

const (
	storyMax   = 20_000 // characters of a campaign's story in one language
	presetsMax = 6
)

// campaignForm is a campaign as it is typed, and as a request to publish it keeps it.
type campaignForm struct {
	ID        int32  `json:"id"`
	Slug      string `json:"slug"`
	Fund      string `json:"fund"`
	TitleZH   string `json:"title_zh"`
	TitleEN   string `json:"title_en"`
	SummaryZH string `json:"summary_zh"`
	SummaryEN string `json:"summary_en"`
	StoryZH   string `json:"story_zh"`
	StoryEN   string `json:"story_en"`
	Theme     string `json:"theme"`
	Filing    string `json:"filing"`
	Goal      string `json:"goal"`
	Least     string `json:"least"`
	Most      string `json:"most"`
	Presets   string `json:"presets"`
	Opens     string `json:"opens"`
	Closes    string `json:"closes"` // the last day
}

type campaignEditView struct {
	Page
	campaignForm
	Heading string
	Action  string
	Funds   []Option
	Themes  []Option
	Form    string
	Made    bool // it exists: its address stands
}

func (v *visit) typedCampaign() campaignForm {
	return campaignForm{Slug: v.typed("slug", 60), Fund: v.typed("fund", 10), TitleZH: v.typed("title_zh", 100), TitleEN: v.typed("title_en", 100),
		SummaryZH: v.typed("summary_zh", 200), SummaryEN: v.typed("summary_en", 200), StoryZH: longText(v.FormValue("story_zh")), StoryEN: longText(v.FormValue("story_en")),
		Theme: v.typed("theme", 40), Filing: v.typed("filing", 60), Goal: v.typed("goal", 40), Least: v.typed("least", 40), Most: v.typed("most", 40),
		Presets: v.typed("presets", 100), Opens: v.typed("opens", 20), Closes: v.typed("closes", 20)}
}

// longText is text of several lines; an empty line parts paragraphs.
func longText(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n")
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > storyMax {
		text = string(runes[:storyMax])
	}
	return text
}

// formOfCampaign is a campaign as its form shows it.
func (v *visit) formOfCampaign(c *giving.Campaign) campaignForm {
	presets := make([]string, len(c.Presets))
	for i, p := range c.Presets {
		presets[i] = money.Format(p, c.Currency)
	}
	return campaignForm{ID: c.ID, Slug: c.Slug, Fund: strconv.Itoa(int(c.FundID)), TitleZH: c.TitleZH, TitleEN: c.TitleEN, SummaryZH: c.SummaryZH, SummaryEN: c.SummaryEN,
		StoryZH: c.StoryZH, StoryEN: c.StoryEN, Theme: c.Theme, Filing: c.FilingNo, Goal: money.Format(c.Goal, c.Currency),
		Least: money.Format(c.GiftMin, c.Currency), Most: money.Format(c.GiftMax, c.Currency), Presets: strings.Join(presets, " "),
		Opens: ISODay(v.book.Day(c.OpensAt)), Closes: ISODay(v.book.Day(c.ClosesAt.Add(-time.Second)))}
}

var slugPattern = regexp.MustCompile(`^[a-z0-9-]{1,60}$`)

// draftOfForm reads the form, or says at each field what is wrong with it.
func (v *visit) draftOfForm(f campaignForm, s *sight) (c giving.Campaign, wrong Errors) {
	c = giving.Campaign{ID: f.ID, Slug: f.Slug, TitleZH: f.TitleZH, TitleEN: f.TitleEN, SummaryZH: f.SummaryZH, SummaryEN: f.SummaryEN, StoryZH: f.StoryZH,
		StoryEN: f.StoryEN, Theme: f.Theme, FilingNo: f.Filing, Currency: v.book.Currency, State: giving.Draft}
	say := func(field, key string, args ...any) { wrong.Add(field, T(v.lang, key, args...)) }
	for _, text := range []struct{ field, value string }{{"title_zh", f.TitleZH}, {"title_en", f.TitleEN}} {
		if text.value == "" {
			say(text.field, "campaigns.title.wrong")
		}
	}
	if !slugPattern.MatchString(f.Slug) {
		say("slug", "campaigns.slug.wrong")
	}
	fund, _ := strconv.ParseInt(f.Fund, 10, 32)
	c.FundID = int32(fund)
	switch one := s.fund(c.FundID); {
	case one == nil:
		say("fund", "campaigns.fund.wrong")
	case one.Kind == ledger.Agency || one.Kind == ledger.Subsidy:
		say("fund", "campaigns.fund.kind")
	}
	for _, text := range []struct{ field, value string }{{"summary_zh", f.SummaryZH}, {"summary_en", f.SummaryEN}, {"story_zh", f.StoryZH}, {"story_en", f.StoryEN}} {
		if text.value == "" {
			say(text.field, "campaigns."+text.field[:len(text.field)-3]+".wrong")
		}
	}
	c.Goal = v.typedAmount(f.Goal, "goal", &wrong)
	c.GiftMin, c.GiftMax = v.typedAmount(f.Least, "least", &wrong), v.typedAmount(f.Most, "most", &wrong)
	if c.GiftMin > 0 && c.GiftMax > 0 && c.GiftMax < c.GiftMin {
		say("most", "campaigns.most.wrong")
	}
	c.Presets = v.presets(f.Presets, c, &wrong)
	v.campaignDays(f, &c, &wrong)
	return c, wrong
}

func (v *visit) typedAmount(text, field string, wrong *Errors) int64 {
	minor, err := money.ParseInput(text, v.book.Currency)
	if err != nil || minor <= 0 || minor > ledger.AmountMax {
		wrong.Add(field, T(v.lang, "campaigns.amount.wrong", T(v.lang, "campaigns."+field)))
		return 0
	}
	return minor
}

// presets reads the amounts offered first, parted by spaces or commas.
func (v *visit) presets(text string, c giving.Campaign, wrong *Errors) []int64 {
	list := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '，' || r == '、' || r == ';' })
	amounts := make([]int64, 0, len(list))
	for _, one := range list {
		minor, err := money.ParseInput(one, v.book.Currency)
		if err != nil || minor < c.GiftMin || minor > c.GiftMax {
			wrong.Add("presets", T(v.lang, "campaigns.presets.wrong"))
			return nil
		}
		amounts = append(amounts, minor)
	}
	if len(amounts) == 0 || len(amounts) > presetsMax {
		wrong.Add("presets", T(v.lang, "campaigns.presets.wrong"))
	}
	return amounts
}

// campaignDays reads the first and the last day; gifts are taken until the last day has passed.
func (v *visit) campaignDays(f campaignForm, c *giving.Campaign, wrong *Errors) {
	opens, ok1 := parseDay(f.Opens)
	closes, ok2 := parseDay(f.Closes)
	if !ok1 {
		wrong.Add("opens", T(v.lang, "campaigns.opens.wrong"))
	}
	if !ok2 {
		wrong.Add("closes", T(v.lang, "campaigns.closes.wrong"))
	} else if ok1 && closes.Before(opens) {
		wrong.Add("closes", T(v.lang, "wrong.period"))
	}
	c.OpensAt, c.ClosesAt = v.startOf(opens), v.startOf(closes.AddDate(0, 0, 1))
}

// campaignNew offers the form of a new draft.
func (v *visit) campaignNew() error {
	day := v.businessDay()
	presets := make([]string, 0, presetsMax)
	for _, p := range giving.DefaultPresets() {
		presets = append(presets, money.Format(p, v.book.Currency))
	}
	return v.campaignEdit(http.StatusOK, nil, campaignForm{Least: money.Format(giving.DefaultGiftMin, v.book.Currency), Most: money.Format(giving.DefaultGiftMax, v.book.Currency),
		Presets: strings.Join(presets, " "), Opens: ISODay(day), Closes: ISODay(day.AddDate(0, 3, 0))}, nil)
}

// campaignEdit shows the form; c is nil for a campaign that does not exist yet.
func (v *visit) campaignEdit(status int, c *giving.Campaign, f campaignForm, wrong Errors) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := campaignEditView{Page: v.consolePage(T(v.lang, "campaigns.new"), "/console/campaigns"), campaignForm: f, Heading: T(v.lang, "campaigns.new"),
		Action: "/console/campaigns", Funds: s.options(v.lang, T(v.lang, "transfer.choose")), Form: newForm()}
	if c != nil {
		view.Page = v.consolePage(T(v.lang, "campaigns.edit", c.Title(string(v.lang))), "/console/campaigns")
		view.Heading, view.Action, view.Made = view.Title, deskHref(c.ID), true
	}
	view.Errors, view.Path = wrong, view.Action
	if c == nil {
		view.Path = "/console/campaigns/new"
	} else {
		view.Path += "/edit"
	}
	view.Themes = []Option{{Value: "", Label: T(v.lang, "setting.none")}}
	for _, theme := range campaignThemes {
		view.Themes = append(view.Themes, Option{Value: theme, Label: T(v.lang, "theme."+theme)})
	}
	return v.s.render.Render(v.Response(), status, "console/campaign_edit", view)
}

// campaignThemes are what campaigns are about; the public list tells them apart by these.
var campaignThemes = []string{"children", "elders", "homes", "neighbours", "general"}

func deskHref(id int32) string { return "/console/campaigns/" + strconv.Itoa(int(id)) }

// campaignCreate keeps a new draft. The same form twice meets its own address and shows the draft.
func (v *visit) campaignCreate() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	f := v.typedCampaign()
	c, wrong := v.draftOfForm(f, s)
	if len(wrong) > 0 {
		return v.campaignEdit(http.StatusUnprocessableEntity, nil, f, wrong)
	}
	var made *giving.Campaign
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		made, err = giving.CreateCampaign(v.ctx(), tx, v.book, c)
		if err != nil {
			return err
		}
		return v.record(tx, "campaign", "draft", strconv.Itoa(int(made.ID)), "")
	})
	if errors.Is(err, giving.ErrSlugTaken) {
		if before, readErr := giving.CampaignBySlug(v.ctx(), v.s.DB, v.book, c.Slug); readErr == nil && before.State == giving.Draft && before.Says(c) {
			return v.see(deskHref(before.ID))
		}
	}
	if err != nil {
		return v.campaignWrong(err, nil, f)
	}
	return v.see(deskHref(made.ID))
}

// campaignWrong says at the form what the book has against a campaign.
func (v *visit) campaignWrong(err error, c *giving.Campaign, f campaignForm) error {
	field, key := "", ""
	switch {
	case errors.Is(err, giving.ErrSlugTaken):
		field, key = "slug", "campaigns.slug.taken"
	case errors.Is(err, giving.ErrFundKind), errors.Is(err, ledger.ErrNoFund):
		field, key = "fund", "campaigns.fund.kind"
	case errors.Is(err, giving.ErrFundClosed):
		field, key = "fund", "campaigns.fund.closed"
	case errors.Is(err, giving.ErrBadCampaign):
		field, key = "title_zh", "campaigns.wrong"
	default:
		return err
	}
	return v.campaignEdit(http.StatusUnprocessableEntity, c, f, Errors{{field, T(v.lang, key)}})
}

// record writes into the audit trail what this person did to what.
func (v *visit) record(tx pgx.Tx, what, did, id, reason string) error {
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: what + "." + did, Object: what + ":" + id, Reason: reason})
}

// visibleCampaign reads the campaign of the address; one of a fund out of sight is not there.
func (v *visit) visibleCampaign() (*giving.Campaign, *sight, error) {
	id, err := v.numberParam()
	if err != nil {
		return nil, nil, err
	}
	s, err := v.sight()
	if err != nil {
		return nil, nil, err
	}
	c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return nil, nil, err
	}
	if s.fund(c.FundID) == nil {
		return nil, nil, echo.ErrNotFound
	}
	return c, s, nil
}

// campaignEditForm offers a draft to be changed.
func (v *visit) campaignEditForm() error {
	c, _, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	if c.State != giving.Draft {
		return v.see(deskHref(c.ID))
	}
	return v.campaignEdit(http.StatusOK, c, v.formOfCampaign(c), nil)
}

// inTx runs fn in a transaction of the visit.
func (v *visit) inTx(fn func(context.Context, pgx.Tx) error) error {
	return pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return fn(v.ctx(), tx) })
}
