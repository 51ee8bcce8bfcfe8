package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"sunfund/internal/pg"
)

const dataPath = "/data"

// openSet is one set of open data: fields in their order, and a page of rows with a value for each, behind the id that the first field of a row is.
type openSet struct {
	name   string
	fields []openField
	rows   func(v *visit, q pg.Querier, after string, most int) ([][]any, error)
}

// openField is a field with the kind of its values, a key of openKinds.
type openField struct{ name, kind string }

// openKinds say in JSON Schema what values of a kind are. What is not known or does not apply is an empty text.
var openKinds = map[string]map[string]any{
	"id":      {"type": "string", "minLength": 1},
	"text":    {"type": "string"},
	"day":     {"type": "string", "pattern": `^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$`},
	"time":    {"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$`},
	"money":   {"type": "string", "pattern": `^$|^-?[0-9]+(\.[0-9]+)?$`},
	"percent": {"type": "string", "pattern": `^$|^-?[0-9]+(\.[0-9]+)?%?$`},
	"count":   {"type": "integer"},
	"number":  {"type": "string", "pattern": `^$|^[0-9]+(\.[0-9]+)?$`},
	"yes":     {"type": "boolean"},
	"url":     {"type": "string", "pattern": `^$|^https?://`},
}

// openFields reads fields written as name:kind.
func openFields(text string) (fields []openField) {
	for _, word := range strings.Fields(text) {
		name, kind, _ := strings.Cut(word, ":")
		fields = append(fields, openField{name, kind})
	}
	return fields
}

func (s openSet) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// openSets are the sets that anybody may take. A field once published keeps its name and meaning.
func openSets() []openSet {
	return []openSet{
		{"campaigns", openFields(`id:id slug:text title_zh:text title_en:text fund:text filing:text opens:day closes:day state:text currency:text goal:money received:money gifts:count refunded:money match_paid:money url:url`), whole("campaigns", (*visit).openCampaigns)},
		{"funds", openFields(`id:id code:text name_zh:text name_en:text kind:text currency:text net_assets:money liquid:money committed:money set_aside:money available:money received_this_year:money spent_this_year:money url:url`), whole("funds", (*visit).openFunds)},
		{"fund_kinds", openFields(`id:id fund:text direction:text kind:text name_zh:text name_en:text currency:text amount:money`), whole("fund_kinds", (*visit).openFundKinds)},
		{"charters", openFields(`id:id fund:text version:count since:day basis:text sort:text purposes:text opens:day closes:day levy_percent:percent interest:text fee_bearer:text spend_percent:percent dormant_months:number voted:yes`), whole("charters", (*visit).openCharters)},
		{"projects", openFields(`id:id number:count title:text fund:text street:text state:text starts:day ends:day ended:day currency:text budget:money committed:money spent:money people:count published:day paid:money person_times:count reached:count
			score:number contracts_scored:count stages:count stages_accepted:count url:url`), (*visit).openProjects},
		{"milestones", openFields(`id:id project:text contract:text position:count title:text due:day currency:text amount:money state:text accepted:money accepted_on:day`), (*visit).openMilestones},
		{"payments", openFields(`id:id paid_on:day kind:text currency:text amount:money project:text contract:text fund:text payee:text payee_code:text`), (*visit).openPayments},
		{"votes", openFields(`id:id number:count title_zh:text title_en:text fund:text state:text opens:time closes:time ballot:text method:text currency:text budget:money options:count online:count paper:count spoiled:count chosen_cost:money
			rule_sha256:text recount:url url:url`), whole("votes", (*visit).openVotes)},
		{"vote_options", openFields(`id:id vote:text place:count title_zh:text title_en:text currency:text cost:money result:text voters:count votes:count`), whole("vote_options", (*visit).openVoteOptions)},
		{"disclosure", openFields(`id:id object:text kind:text title_zh:text title_en:text version:count phase:text correction:yes published_at:time currency:text opening:money income:money refunded:money fees:money cost:money closing:money
			budget:money rate:percent moved:money adjusted:money basis:text edited:text url:url`), (*visit).openDisclosure},
		{"updates", openFields(`id:id number:count campaign:text project:text state:text published_at:time title_zh:text title_en:text text_zh:text text_en:text organisation:text photos:count withdrawn:day reason:text url:url`), (*visit).openUpdates},
	}
}

// openMeaning says what a field of a set is: in words of its own, or in those that hold for its name in every set.
func openMeaning(lang Lang, set, field string) string {
	if all, err := words(); err == nil && all[lang]["data.field."+set+"."+field] != "" {
		return T(lang, "data.field."+set+"."+field)
	}
	return T(lang, "data.field."+field)
}

type openDataView struct {
	Page
	Sets   []openSetRow
	Schema string
}

type openSetRow struct {
	Name, About, JSON, CSV string
	Fields                 []openFieldRow
}

type openFieldRow struct{ Name, Kind, Meaning string }

// openData answers /data: which sets there are, what their fields mean, and how to take them.
func (v *visit) openData() error {
	view := openDataView{Page: v.page(T(v.lang, "data.heading"))}
	for _, s := range openSets() {
		row := openSetRow{Name: s.name, About: T(v.lang, "data.about."+s.name), JSON: dataPath + "/" + s.name + ".json", CSV: dataPath + "/" + s.name + ".csv"}
		for _, f := range s.fields {
			row.Fields = append(row.Fields, openFieldRow{f.name, T(v.lang, "data.kind."+f.kind), openMeaning(v.lang, s.name, f.name)})
		}
		view.Sets = append(view.Sets, row)
	}
	view.Sets = append(view.Sets, openSetRow{Name: "grants", About: T(v.lang, "data.about.grants"), JSON: dataPath + "/grants.json"})
	view.Schema = dataPath + "/schema.json"
	return v.s.render.Render(v.Response(), http.StatusOK, "public/open_data", view)
}

// dataSchema answers what /data says to people as JSON Schema to programs, in the language of the asker.
func (v *visit) dataSchema() error {
	sets := map[string]any{}
	for _, s := range openSets() {
		properties := map[string]any{}
		for _, f := range s.fields {
			told := map[string]any{"description": openMeaning(v.lang, s.name, f.name)}
			for rule, value := range openKinds[f.kind] {
				told[rule] = value
			}
			properties[f.name] = told
		}
		item := map[string]any{"type": "object", "additionalProperties": false, "required": s.names(), "properties": properties}
		sets[s.name] = map[string]any{"type": "object", "description": T(v.lang, "data.about."+s.name), "additionalProperties": false, "required": []string{"set", "book", "licence", "items"}, "properties": map[string]any{
			"set": map[string]any{"const": s.name}, "book": map[string]any{"type": "string"}, "licence": map[string]any{"const": "CC BY 4.0"},
			"items": map[string]any{"type": "array", "items": item}, "next": map[string]any{"type": "string", "format": "uri", "description": T(v.lang, "data.rule.pages")}}}
	}
	body, err := json.MarshalIndent(map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": T(v.lang, "data.heading"), "license": openLicence, "$defs": sets}, "", " ")
	if err != nil {
		return fmt.Errorf("write schema: %w", err)
	}
	return v.cached("application/schema+json; charset=utf-8", append(body, '\n'))
}
