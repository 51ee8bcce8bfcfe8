package web

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/staff"
)

// sampleLines is how many lines of a file are shown as they came.
const sampleLines = 8

// platformProfileView is the page on which somebody says what each column of a file means.
type platformProfileView struct {
	Page
	Heading, Lead string
	Here, Form    string
	Sample        [][]string // the first lines, decoded, the header among them
	Width         []int      // numbers of the columns
	Columns       []Field
	Fields        []Field
	Would         *grid
	Faults        *grid
	Totals        *grid
}

// platformProfile shows the file and a guess of what its columns mean.
func (v *visit) platformProfile() error {
	f, body, err := v.platformText()
	if err != nil {
		return err
	}
	l, err := platforms.Guess(body, v.book.Zone.String())
	if err != nil {
		return v.refuse(err, nil, Link{T(v.lang, "offline.back"), platformsPath})
	}
	p := platforms.Profile{Layout: l}
	if f.ProfileID != nil { // what it is read by now is a better guess
		if known, err := platforms.ProfileByID(v.ctx(), v.s.DB, v.book, *f.ProfileID); err != nil {
			return err
		} else {
			p = *known
		}
	}
	return v.showPlatformProfile(f, body, p, http.StatusOK, nil, false)
}

func (v *visit) platformText() (*platforms.File, []byte, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, nil, err
	}
	f, err := platforms.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return nil, nil, err
	}
	body, err := f.Body(v.ctx(), v.s.DB, v.book)
	return f, body, err
}

// platformProfileSave shows what the chosen columns would book, or saves them as a profile that reads this file.
func (v *visit) platformProfileSave() error {
	f, body, err := v.platformText()
	if err != nil {
		return err
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	p, wrong, err := v.typedProfile(id)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return v.showPlatformProfile(f, body, p, http.StatusUnprocessableEntity, wrong, false)
	}
	if v.FormValue("do") != "save" {
		if wrong = v.layoutWrong(p.Layout.Check()); len(wrong) > 0 {
			return v.showPlatformProfile(f, body, p, http.StatusUnprocessableEntity, wrong, false)
		}
		return v.showPlatformProfile(f, body, p, http.StatusOK, nil, true)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := platforms.SaveProfile(v.ctx(), tx, v.book, p); err != nil {
			return err
		}
		if err := platforms.UseProfile(v.ctx(), tx, v.book, f, p.ID); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: offlineEvent + "platform_profile", Object: f.Object(),
			Detail: map[string]any{"platform": p.Platform, "name": p.Name}})
	})
	if wrong = v.layoutWrong(err); len(wrong) > 0 {
		return v.showPlatformProfile(f, body, p, http.StatusUnprocessableEntity, wrong, false)
	}
	if errors.Is(err, platforms.ErrStarted) || errors.Is(err, giving.ErrStep) {
		return v.refuse(err, nil, Link{T(v.lang, "offline.back"), platformsPath + "/" + f.ID.String()})
	}
	if err != nil {
		return err
	}
	return v.see(platformsPath + "/" + f.ID.String())
}

// layoutWrong are the refusals of a layout at their fields.
func (v *visit) layoutWrong(err error) (wrong Errors) {
	var fields *giving.FieldErrors
	if errors.As(err, &fields) {
		for _, f := range fields.List {
			wrong.Add(f.Field, v.fieldWords(f))
		}
	}
	return wrong
}

// platformSplit is what separates words of a list in a field.
var platformSplit = regexp.MustCompile(`[,，、;；]`)

func splitWords(text string) (words []string) {
	for _, word := range platformSplit.Split(text, -1) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// typedProfile reads the form. Codes stand as CODE=campaign, one after another.
func (v *visit) typedProfile(id uuid.UUID) (p platforms.Profile, wrong Errors, err error) {
	p = platforms.Profile{ID: id, Platform: v.typed("platform", 20), Name: giving.CleanText(v.typed("name", 61)), MadeBy: v.who.Person.ID, MadeAt: v.now}
	l := platforms.Layout{Charset: v.typed("charset", 20), Delimiter: delimiterNames[v.typed("delimiter", 10)], Header: int(v.number("header")), Columns: map[string]int{},
		TimeForm: v.typed("time_form", 40), Zone: v.typed("zone", 40), Unit: v.typed("unit", 10), Ignore: splitWords(v.typed("ignore", 200)), Paid: splitWords(v.typed("paid", 200)),
		Campaign: v.number("campaign"), Donor: giving.CleanText(v.typed("foundation", 101))}
	for _, meaning := range platforms.Meanings {
		if at, err := strconv.Atoi(v.typed("col_"+meaning, 4)); err == nil && at > 0 {
			l.Columns[meaning] = at
		}
	}
	list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil {
		return p, nil, err
	}
	if l.Campaign != 0 && !slices.ContainsFunc(list, func(c giving.Campaign) bool { return c.ID == l.Campaign }) {
		l.Campaign = 0
		wrong.Add("campaign", T(v.lang, "platform.campaign.missing"))
	}
	for _, word := range splitWords(v.typed("codes", 4000)) {
		code, slug, _ := strings.Cut(word, "=")
		at := slices.IndexFunc(list, func(c giving.Campaign) bool { return c.Slug == strings.TrimSpace(slug) })
		if at < 0 || strings.TrimSpace(code) == "" {
			wrong.Add("codes", T(v.lang, "platform.codes.wrong", word))
			continue
		}
		l.Codes = append(l.Codes, platforms.Code{Code: strings.TrimSpace(code), Campaign: list[at].ID})
	}
	p.Layout = l
	return p, wrong, nil
}

// delimiterNames are how a form calls what stands between two columns.
var delimiterNames = map[string]string{"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}

// showPlatformProfile shows the form; shown has the lines as they would be booked.
func (v *visit) showPlatformProfile(f *platforms.File, body []byte, p platforms.Profile, status int, wrong Errors, shown bool) error {
	view := platformProfileView{Page: v.consolePage(T(v.lang, "platform.map"), "/console/offline"), Heading: f.Name, Lead: T(v.lang, "platform.map.lead"), Here: platformsPath + "/" + f.ID.String() + "/profile", Form: newForm()}
	view.Errors, view.Path = wrong, view.Here
	l := p.Layout
	view.Sample = platforms.Sampled(body, l, sampleLines)
	columns := 0
	for _, line := range view.Sample {
		columns = max(columns, len(line))
	}
	for i := range view.Sample {
		view.Sample[i] = append(view.Sample[i], make([]string, columns-len(view.Sample[i]))...)
	}
	for i := range columns {
		view.Width = append(view.Width, i+1)
	}
	if err := v.profileFields(&view, p, columns); err != nil {
		return err
	}
	if shown {
		content, err := platforms.Read(v.book, &l, body, v.now)
		if err != nil {
			view.Errors.Add("charset", v.problemText(err))
		} else {
			would, faults, totals := v.platformRows(content.Rows), v.platformFaultGrid(content.Faults), v.platformTotals(f, &content.Totals)
			view.Would, view.Faults, view.Totals = &would, &faults, &totals
		}
	}
	return v.s.render.Render(v.Response(), status, "console/platform_profile", view)
}

func (v *visit) profileFields(view *platformProfileView, p platforms.Profile, columns int) error {
	l := p.Layout
	header := []string{}
	if l.Header >= 1 && l.Header <= len(view.Sample) {
		header = view.Sample[l.Header-1]
	}
	options := []Option{{Value: "0", Label: T(v.lang, "platform.column.none")}}
	for i := range columns {
		label := strconv.Itoa(i + 1)
		if i < len(header) && header[i] != "" {
			label += " · " + oneLine(header[i], 40)
		}
		options = append(options, Option{Value: strconv.Itoa(i + 1), Label: label})
	}
	for _, meaning := range platforms.Meanings {
		field, err := newField(view.Page, "col_"+meaning, "platform.meaning."+meaning, l.Columns[meaning], "type", "select", "options", options)
		if err != nil {
			return err
		}
		view.Columns = append(view.Columns, field)
	}
	campaigns, err := v.campaignOptions("platform.campaign.none")
	if err != nil {
		return err
	}
	codes, err := v.codesText(l.Codes)
	if err != nil {
		return err
	}
	delimiter := ""
	for name, sign := range delimiterNames {
		if sign == l.Delimiter {
			delimiter = name
		}
	}
	named := func(values []string, prefix string) (list []Option) {
		for _, value := range values {
			label := value
			if prefix != "" {
				label = T(v.lang, prefix+value)
			}
			list = append(list, Option{Value: value, Label: label})
		}
		return list
	}
	campaign := ""
	if l.Campaign != 0 {
		campaign = strconv.Itoa(int(l.Campaign))
	}
	for _, b := range []struct {
		blank
		value string
	}{
		{blank{name: "charset", label: "platform.charset", kind: "select", options: named(platforms.Charsets, "platform.charset.")}, l.Charset},
		{blank{name: "delimiter", label: "platform.delimiter", kind: "select", options: named([]string{"comma", "tab", "semicolon", "bar"}, "platform.delimiter.")}, delimiter},
		{blank{name: "header", label: "platform.header", kind: "number"}, strconv.Itoa(l.Header)},
		{blank{name: "time_form", label: "platform.time", kind: "select", options: timeForms()}, l.TimeForm},
		{blank{name: "zone", label: "platform.zone", hint: "platform.zone.hint"}, l.Zone},
		{blank{name: "unit", label: "platform.unit", kind: "select", options: named(platforms.Units, "platform.unit.")}, l.Unit},
		{blank{name: "ignore", label: "platform.ignore", hint: "platform.ignore.hint", optional: true}, strings.Join(l.Ignore, "，")},
		{blank{name: "paid", label: "platform.states", hint: "platform.states.hint", optional: true}, strings.Join(l.Paid, "，")},
		{blank{name: "campaign", label: "platform.campaign", kind: "select", options: campaigns}, campaign},
		{blank{name: "codes", label: "platform.codes", hint: "platform.codes.hint", kind: "area", optional: true}, codes},
		{blank{name: "foundation", label: "platform.foundation", hint: "platform.foundation.hint", optional: true}, l.Donor},
		{blank{name: "platform", label: "platform.code", hint: "platform.code.hint"}, p.Platform},
		{blank{name: "name", label: "platform.name"}, p.Name},
	} {
		field, err := newField(view.Page, b.name, b.label, b.value, b.pairs()...)
		if err != nil {
			return err
		}
		view.Fields = append(view.Fields, field)
	}
	return nil
}

// exampleDay shows how a day or a time is written.
var exampleDay = time.Date(2026, 9, 7, 20, 30, 0, 0, time.UTC)

// timeForms offers ways of writing a time by the example of one.
func timeForms() (list []Option) {
	for _, form := range platforms.TimeForms {
		list = append(list, Option{Value: form, Label: exampleDay.Format(form)})
	}
	return list
}

// codesText writes codes as the form takes them.
func (v *visit) codesText(codes []platforms.Code) (string, error) {
	parts := make([]string, len(codes))
	for i, c := range codes {
		campaign, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, c.Campaign)
		if err != nil {
			return "", err
		}
		parts[i] = c.Code + "=" + campaign.Slug
	}
	return strings.Join(parts, "，"), nil
}
