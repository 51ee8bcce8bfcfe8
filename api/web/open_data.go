package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	tables "sunfund/internal/sheet"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

const dataPath = "/data"

// plainAmount is an amount, which no spreadsheet program takes for a formula.
var plainAmount = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// openSet is one set of open data: fields in their order, and rows with a value for each.
type openSet struct {
	name   string
	fields []string
	rows   func(v *visit, q pg.Querier) ([][]any, error)
}

// openSets are the sets that anybody may take. A field once published keeps its name and meaning.
func openSets() []openSet {
	return []openSet{
		{"campaigns", []string{"id", "slug", "title_zh", "title_en", "fund", "filing", "opens", "closes", "state", "currency", "goal", "received", "gifts", "refunded", "match_paid", "url"}, (*visit).openCampaigns},
		{"funds", []string{"id", "code", "name_zh", "name_en", "kind", "currency", "net_assets", "liquid", "committed", "set_aside", "available", "received_this_year", "spent_this_year", "url"}, (*visit).openFunds},
		{"fund_kinds", []string{"id", "fund", "direction", "kind", "name_zh", "name_en", "currency", "amount"}, (*visit).openFundKinds},
		{"charters", []string{"id", "fund", "version", "since", "basis", "sort", "purposes", "opens", "closes", "levy_percent", "interest", "fee_bearer", "spend_percent", "dormant_months", "voted"}, (*visit).openCharters},
		{"projects", []string{"id", "number", "title", "fund", "street", "state", "starts", "ends", "ended", "currency", "budget", "committed", "spent", "people", "published", "paid", "person_times", "reached", "score", "contracts_scored", "stages", "stages_accepted", "url"}, (*visit).openProjects},
		{"milestones", []string{"id", "project", "contract", "position", "title", "due", "currency", "amount", "state", "accepted", "accepted_on"}, (*visit).openMilestones},
		{"payments", []string{"id", "paid_on", "kind", "currency", "amount", "project", "contract", "fund", "payee", "payee_code"}, (*visit).openPayments},
		{"votes", []string{"id", "number", "title_zh", "title_en", "fund", "state", "opens", "closes", "ballot", "method", "currency", "budget", "options", "online", "paper", "spoiled", "chosen_cost", "rule_sha256", "recount", "url"}, (*visit).openVotes},
		{"vote_options", []string{"id", "vote", "place", "title_zh", "title_en", "currency", "cost", "result", "voters", "votes"}, (*visit).openVoteOptions},
		{"disclosure", []string{"id", "object", "kind", "title_zh", "title_en", "version", "phase", "correction", "published_at", "currency", "opening", "income", "refunded", "fees", "cost", "closing", "budget", "rate", "url"}, (*visit).openDisclosure},
	}
}

func (v *visit) address() string { return v.Scheme() + "://" + v.Request().Host }

func (v *visit) plain(minor int64) string { return money.Format(minor, v.book.Currency) }

func dayOrNone(day *time.Time) string {
	if day == nil {
		return ""
	}
	return ISODay(*day)
}

func (v *visit) openCampaigns(q pg.Querier) (rows [][]any, err error) {
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	for before := int32(0); ; {
		list, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{}, v.now, before, giving.PageMax)
		if err != nil || len(list) == 0 {
			return rows, err
		}
		ids := make([]int32, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		all, err := giving.ProgressOf(v.ctx(), q, v.book, v.now, ids...)
		if err != nil {
			return nil, err
		}
		for i := range list {
			c, p := &list[i], &all[i]
			rows = append(rows, []any{"campaign:" + strconv.Itoa(int(c.ID)), c.Slug, c.TitleZH, c.TitleEN, funds[c.FundID].Code, c.FilingNo, ISODay(v.book.Day(c.OpensAt)), ISODay(v.book.Day(c.ClosesAt.Add(-time.Second))), c.State, c.Currency,
				v.plain(c.Goal), v.plain(p.Received), p.Gifts, v.plain(p.Refunded), v.plain(p.Settled - p.Clawed), v.address() + "/c/" + c.Slug})
		}
		before = list[len(list)-1].ID
	}
}

func (v *visit) openFunds(q pg.Querier) (rows [][]any, err error) {
	sums, err := v.fundSums(q)
	for _, s := range sums {
		f := &s.Fund
		rows = append(rows, []any{"fund:" + strconv.Itoa(int(f.ID)), f.Code, f.NameZH, f.NameEN, f.Kind, v.book.Currency, v.plain(s.NetAssets), v.plain(s.Liquid), v.plain(s.Committed), v.plain(s.SetAside), v.plain(s.Available),
			v.plain(s.Received), v.plain(s.Spent), v.address() + fundHref(f)})
	}
	return rows, err
}

func (v *visit) openProjects(q pg.Querier) (rows [][]any, err error) {
	list, err := disclosure.OpenProjects(v.ctx(), q, v.book)
	if err != nil {
		return nil, err
	}
	board, err := projects.Board(v.ctx(), q, v.book, 0, disclosure.OpenMax)
	standing := make(map[uuid.UUID]projects.Standing, len(board))
	for _, s := range board {
		standing[s.ID] = s
	}
	for _, p := range list {
		s, score := standing[p.ID], ""
		if s.Assessed > 0 {
			score = hundredths(int64(s.Points))
		}
		rows = append(rows, []any{"project:" + p.ID.String(), int64(p.Number), p.Title, p.Fund, p.Street, p.State, ISODay(p.StartsOn), ISODay(p.EndsOn), dayOrNone(p.EndedOn), v.book.Currency, v.plain(p.Budget), v.plain(p.Committed), v.plain(p.Spent),
			int64(p.People), dayOrNone(p.PublishedOn), v.plain(s.Paid), s.Times, s.People, score, int64(s.Assessed), int64(s.Stages), int64(s.Accepted), v.address() + boardPath + "/" + strconv.Itoa(int(p.Number))})
	}
	return rows, err
}

func (v *visit) openPayments(q pg.Querier) (rows [][]any, err error) {
	list, err := disclosure.OpenPayments(v.ctx(), q, v.book)
	for _, p := range list {
		project := ""
		if p.Project != nil {
			project = "project:" + p.Project.String()
		}
		rows = append(rows, []any{"payment:" + p.ID.String(), ISODay(p.PaidOn), p.Kind, v.book.Currency, v.plain(p.Amount), project, p.Contract, p.Fund, p.Payee, p.Code})
	}
	return rows, err
}

func (v *visit) openDisclosure(q pg.Querier) (rows [][]any, err error) {
	list, err := disclosure.List(v.ctx(), q, v.book, "", time.Time{}, uuid.Nil, disclosure.OpenMax)
	for _, e := range list {
		f := &e.Figures
		rows = append(rows, []any{e.ID.String(), e.Object, e.Kind, f.TitleZH, f.TitleEN, int64(e.Version), e.Phase, e.Corrected, e.PublishedAt.UTC().Format(time.RFC3339), f.Currency, f.Opening, f.IncomeTotal, f.Refunded, f.Fees, f.CostTotal, f.Closing,
			f.Budget, f.Rate, v.address() + disclosurePath + "/" + e.ID.String()})
	}
	return rows, err
}

type openDataView struct {
	Page
	Sets []openSetRow
}

type openSetRow struct{ Name, About, Fields, JSON, CSV string }

// openData answers /data: which sets there are, what their fields mean, and how to take them.
func (v *visit) openData() error {
	view := openDataView{Page: v.page(T(v.lang, "data.heading"))}
	for _, s := range openSets() {
		view.Sets = append(view.Sets, openSetRow{s.name, T(v.lang, "data.about."+s.name), strings.Join(s.fields, ", "), dataPath + "/" + s.name + ".json", dataPath + "/" + s.name + ".csv"})
	}
	view.Sets = append(view.Sets, openSetRow{"grants", T(v.lang, "data.about.grants"), "360Giving", dataPath + "/grants.json", ""})
	return v.s.render.Render(v.Response(), http.StatusOK, "public/open_data", view)
}

// dataJSON and dataCSV answer one set.
func dataJSON(s openSet) handler {
	return func(v *visit) error {
		rows, err := v.openRows(s)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"set":%q,"book":%q,"licence":"CC BY 4.0","items":[`, s.name, v.book.Code)
		for i, row := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n{")
			for n, value := range row {
				if n > 0 {
					b.WriteByte(',')
				}
				text, err := json.Marshal(value)
				if err != nil {
					return fmt.Errorf("write open data: %w", err)
				}
				fmt.Fprintf(&b, "%q:%s", s.fields[n], text)
			}
			b.WriteByte('}')
		}
		b.WriteString("\n]}\n")
		return v.cached("application/json; charset=utf-8", b.Bytes())
	}
}

func dataCSV(s openSet) handler {
	return func(v *visit) error {
		rows, err := v.openRows(s)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		b.WriteString("\ufeff") // spreadsheet programs take it for UTF-8
		w := csv.NewWriter(&b)
		_ = w.Write(s.fields) // a buffer takes everything
		for _, row := range rows {
			fields := make([]string, len(row))
			for i, value := range row {
				if fields[i] = fmt.Sprint(value); fmt.Sprintf("%T", value) == "string" && !plainAmount.MatchString(fields[i]) {
					fields[i] = tables.NoFormula(fields[i])
				}
			}
			_ = w.Write(fields)
		}
		w.Flush()
		return v.cached("text/csv; charset=utf-8", b.Bytes())
	}
}

func (v *visit) openRows(s openSet) (rows [][]any, err error) {
	err = v.read(func(q pg.Querier) (err error) {
		rows, err = s.rows(v, q)
		return err
	})
	return rows, err
}

// cached sends what anybody may keep for a minute; who has it already is told so.
func (v *visit) cached(media string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	head := v.Response().Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "public, max-age=60")
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	head.Del("Set-Cookie")
	for _, known := range strings.Split(v.Request().Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			return v.NoContent(http.StatusNotModified)
		}
	}
	return v.Blob(http.StatusOK, media, body)
}

// The shape of 360Giving (standard.threesixtygiving.org, 1.1): amounts are numbers there.
type (
	grantOrg struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	grantDates struct {
		Start string `json:"startDate"`
		End   string `json:"endDate"`
	}
	grantProgramme struct {
		Code  string `json:"code"`
		Title string `json:"title"`
	}
	grant struct {
		ID          string           `json:"id"`
		Title       string           `json:"title"`
		Description string           `json:"description"`
		Currency    string           `json:"currency"`
		Amount      json.Number      `json:"amountAwarded"`
		AwardDate   string           `json:"awardDate"`
		Planned     []grantDates     `json:"plannedDates"`
		Recipients  []grantOrg       `json:"recipientOrganization"`
		Funders     []grantOrg       `json:"fundingOrganization"`
		Programmes  []grantProgramme `json:"grantProgramme"`
		DataSource  string           `json:"dataSource"`
	}
)

// dataGrants answers signed contracts with organisations as grants.
func (v *visit) dataGrants() error {
	var list []disclosure.Grant
	err := v.read(func(q pg.Querier) (err error) {
		list, err = disclosure.OpenGrants(v.ctx(), q, v.book)
		return err
	})
	if err != nil {
		return err
	}
	grants := make([]grant, 0, len(list))
	prefix := "360G-sunfund-" + v.book.Code
	for _, g := range list {
		payee := grantOrg{prefix + "-org-" + strconv.Itoa(int(g.PayeeNumber)), g.Payee}
		if len(g.PayeeCode) == 18 {
			payee.ID = "CN-USCC-" + g.PayeeCode
		}
		grants = append(grants, grant{ID: prefix + "-" + g.ID.String(), Title: g.Title, Description: g.Project + " · " + g.Code, Currency: v.book.Currency, Amount: json.Number(v.plain(g.Amount)), AwardDate: ISODay(g.SignedOn),
			Planned: []grantDates{{ISODay(g.SignedOn), ISODay(g.EndsOn)}}, Recipients: []grantOrg{payee}, Funders: []grantOrg{{prefix, v.book.Name(string(v.lang))}}, Programmes: []grantProgramme{{g.Fund, g.FundName[0]}},
			DataSource: v.address() + dataPath})
	}
	body, err := json.MarshalIndent(map[string]any{"grants": grants}, "", " ")
	if err != nil {
		return fmt.Errorf("write grants: %w", err)
	}
	return v.cached("application/json; charset=utf-8", append(body, '\n'))
}

// The feed is RSS 2.0.
type (
	feedItem struct {
		Title string `xml:"title"`
		Link  string `xml:"link"`
		GUID  struct {
			Permanent bool   `xml:"isPermaLink,attr"`
			ID        string `xml:",chardata"`
		} `xml:"guid"`
		Date string `xml:"pubDate"`
		Text string `xml:"description"`
	}
	feed struct {
		XMLName xml.Name   `xml:"rss"`
		Version string     `xml:"version,attr"`
		Title   string     `xml:"channel>title"`
		Link    string     `xml:"channel>link"`
		Text    string     `xml:"channel>description"`
		Lang    string     `xml:"channel>language"`
		Items   []feedItem `xml:"channel>item"`
	}
)

// disclosureFeed answers what was published lately as RSS.
func (v *visit) disclosureFeed() error {
	list, err := disclosure.List(v.ctx(), v.s.DB, v.book, "", time.Time{}, uuid.Nil, disclosurePage)
	if err != nil {
		return err
	}
	f := feed{Version: "2.0", Title: v.book.Name(string(v.lang)) + " · " + T(v.lang, "disclosure.heading"), Link: v.address() + disclosurePath, Text: T(v.lang, "disclosure.list.lead"), Lang: string(v.lang)}
	for _, e := range list {
		title := v.figuresTitle(&e.Figures) + " · " + T(v.lang, "disclosure.phase."+e.Phase)
		if e.Corrected {
			title += T(v.lang, "disclosure.corrected")
		}
		item := feedItem{Title: title, Link: v.address() + disclosurePath + "/" + e.ID.String() + "?version=" + strconv.Itoa(int(e.Version)), Date: e.PublishedAt.UTC().Format(time.RFC1123Z),
			Text: T(v.lang, "disclosure.summary", v.figuresTitle(&e.Figures), e.Figures.IncomeTotal, e.Figures.CostTotal, e.Figures.Closing)}
		item.GUID.ID = e.ID.String() + "-" + strconv.Itoa(int(e.Version))
		f.Items = append(f.Items, item)
	}
	body, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	return v.cached("application/rss+xml; charset=utf-8", append([]byte(xml.Header), body...))
}
