package api

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/staff"
)

func init() {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", func(_ io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		return "", nil
	})
}

// matchRule is one to one from a promised pool of a thousand, for the days around the office's now.
func matchRule() fields {
	day := func(n int) string { return testNow.AddDate(0, 0, n).Format("2006-01-02T15:04") }
	return fields{"language": 1, "currency": "CNY", "zone": "Asia/Shanghai", "windows": []fields{{"name": "days", "from": day(-2), "to": day(2)}},
		"pools": []fields{{"code": "main", "funder": fields{"zh": "甲公司", "en": "Company A"}, "amount": "1000.00"}}, "award": fields{"fixed": fields{"match": 1, "gift": 1}},
		"order": "first-come", "unspent": "return", "refund": "pool", "holds": fields{"per_minute": 2}}
}

// event begins an event in the first book.
func (o *office) event(code string) *giving.MatchEvent {
	o.Helper()
	var e *giving.MatchEvent
	o.tx(func(tx pgx.Tx) (err error) {
		e, err = giving.CreateEvent(o.ctx, tx, o.book.Book, code, "九九", "Giving day", match.Seed{9}, uuid.New(), testNow)
		return err
	})
	return e
}

// ruled is an event with a published rule.
func (o *office) ruled(code string) *giving.MatchEvent {
	o.Helper()
	e := o.event(code)
	text, err := json.Marshal(matchRule())
	o.must(err)
	rule, err := match.Parse(text)
	o.must(err)
	o.tx(func(tx pgx.Tx) error {
		_, err := giving.PublishRule(o.ctx, tx, o.book.Book, e.ID, rule, testNow, []giving.PoolPlan{{Code: "main", Kind: giving.PoolPromised}},
			giving.Sign{Key: uuid.New(), By: uuid.New(), Second: uuid.New(), At: testNow, Made: "li", Check: "chen"})
		return err
	})
	return e
}

// staffed is a key whose maker is on the staff, and somebody who approves.
func (o *office) staffed() (token string, approver staff.Identity) {
	o.Helper()
	hasher, err := staff.NewHasher(1)
	o.must(err)
	phc, err := hasher.Hash(o.ctx, "a long password of nobody")
	o.must(err)
	o.tx(func(tx pgx.Tx) error {
		var people [2]staff.Person
		for i, login := range []string{"li", "chen"} {
			p, err := staff.Create(o.ctx, tx, o.book.ID, staff.Person{Login: login, NameZH: login, NameEN: login, Lang: "en"}, phc, uuid.Nil, testNow)
			if err != nil {
				return err
			}
			people[i] = p
		}
		if _, err := staff.GrantRole(o.ctx, tx, o.book.ID, people[1].ID, uuid.Nil, staff.Held{Role: staff.Approver}, testNow); err != nil {
			return err
		}
		approver = staff.Identity{Book: o.book.ID, Person: people[1], Roles: []staff.Held{{Role: staff.Approver}}}
		var err error
		_, token, err = staff.CreateKey(o.ctx, tx, o.book.ID, "partner", []staff.Scope{staff.MatchRead, staff.MatchWrite}, people[0].ID, testNow.AddDate(0, 6, 0), testNow)
		return err
	})
	return token, approver
}

// approved carries a request out as the console does.
func (o *office) approved(who staff.Identity, id uuid.UUID) {
	o.Helper()
	o.tx(func(tx pgx.Tx) error {
		a, err := staff.ApprovalByID(o.ctx, tx, who, id)
		if err != nil {
			return err
		}
		_, err = staff.Approve(o.ctx, tx, who, id, a.Hash, func(a staff.Approval) (*uuid.UUID, error) {
			r, err := giving.ReadMatchRequest(a.Payload)
			if err != nil {
				return nil, err
			}
			_, err = r.CarryOut(o.ctx, tx, o.book.Book, giving.Sign{Key: a.ID, By: a.MadeBy, Second: who.Person.ID, At: testNow, Made: "li", Check: "chen"})
			return nil, err
		}, testNow)
		return err
	})
}

// TestMatch goes the whole way with a key: event, rule, opening, gifts, what is held, payment, return, seed, replay file, end. What moves money
// waits for a second person, who is not the key's maker.
func TestMatch(t *testing.T) {
	o := newOffice(t)
	token, chen := o.staffed()
	post := func(path string, body fields) request {
		return request{method: http.MethodPost, path: path, token: token, key: uuid.NewString(), body: body}
	}
	get := func(path string) request { return request{method: http.MethodGet, path: path, token: token} }
	begin := fields{"code": "nine", "name_zh": "九九", "name_en": "Giving day"}
	o.want(post("/match", fields{"code": "Not A Code", "name_zh": "九九", "name_en": "x"}), 400, "body")
	first := post("/match", begin)
	o.want(first, 201, "")
	o.want(first, 201, "") // sent twice, it is one event
	o.want(post("/match", begin), 409, "match-event-code")
	var desk matchDeskJSON
	o.want(get("/match/nine"), 200, "").decode(t, &desk)
	if desk.State != giving.EventDraft || len(desk.Commitment) != 64 || desk.Seed != nil || desk.Rule != nil {
		t.Errorf("%+v", desk)
	}
	step := func(act string, more ...any) request {
		body := fields{"act": act}
		for i := 0; i < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return post("/match/nine/steps", body)
	}
	ask := func(act string, more ...any) {
		t.Helper()
		var done matchDoneJSON
		r := step(act, more...)
		o.want(r, 202, "").decode(t, &done)
		var again matchDoneJSON
		if o.want(r, 202, "").decode(t, &again); done.Request == nil || *again.Request != *done.Request || done.State != "open" {
			t.Fatalf("%s: %+v, again %+v", act, done, again)
		}
		o.approved(chen, *done.Request)
	}
	wrong := matchRule()
	wrong["refund"] = "nobody"
	if a := o.want(step("publish", "terms", wrong), 400, "body"); a.problem().Pointer != "/terms/refund" {
		t.Errorf("%s", a.body)
	}
	plans := []fields{{"code": "main", "kind": "promised"}}
	o.want(step("publish", "terms", matchRule()), 422, "match-pools") // nobody said how the pool is kept
	o.want(step("open"), 409, "match-event-state")
	if n := o.count(`select count(*) from match_rule`); n != 0 {
		t.Errorf("%d rules were only tried", n)
	}
	ask("publish", "terms", matchRule(), "plans", plans)
	ask("open")
	rules := pages[matchRuleJSON](o, "/match/nine/rules")
	var rule matchRuleJSON
	o.want(get("/match/nine/rules/1"), 200, "").decode(t, &rule)
	parsed, err := match.Parse([]byte(rule.Terms))
	if err != nil || len(rules) != 1 || rules[0].Hash != parsed.Hash().String() || rule.Hash != rules[0].Hash || len(rule.Words["en"]) == 0 || len(rule.Words["zh-CN"]) == 0 {
		t.Errorf("%+v, %v", rules, err)
	}
	o.want(get("/match/nine/rules/2"), 404, "not-found")

	var gift uuid.UUID
	o.tx(func(tx pgx.Tx) error {
		for i, sum := range []int64{300_00, 60_00} {
			out, err := giving.Book(o.ctx, tx, o.book.Book, []giving.Paid{{CampaignID: o.book.campaigns["sunshine"].ID, Amount: sum, PaidAt: testNow.Add(time.Duration(i) * time.Second),
				Channel: giving.WeChat, Ref: "m" + strconv.Itoa(i), Name: "王芳", Email: "wang@example.org"}})
			if err != nil {
				return err
			}
			gift = out[0].ID
		}
		return nil
	})
	awards := pages[matchAwardJSON](o, "/match/nine/awards?limit=1")
	if len(awards) != 2 || awards[0].Amount != "60.00" || !awards[0].Held || awards[1].Held || awards[0].Campaign != "sunshine" {
		t.Fatalf("%+v", awards)
	}
	for query, want := range map[string]int{"held=true": 1, "held=false": 2, "campaign=sunshine": 2, "campaign=spring": 0, "campaign=none": 0, "pool=main": 2, "pool=x": 0, "gift=" + gift.String(): 1,
		"gift=" + uuid.NewString(): 0} {
		if got := pages[matchAwardJSON](o, "/match/nine/awards?"+query); len(got) != want {
			t.Errorf("%s: %d awards, want %d", query, len(got), want)
		}
	}
	o.want(get("/match/nine/awards?cursor=x"), 400, "cursor")
	o.want(step("release", "awards", []int64{awards[0].Seq}), 400, "body") // for no reason
	o.want(step("release", "awards", []int64{99}, "reason", "looked at"), 422, "unknown-name")
	ask("release", "awards", []int64{awards[0].Seq}, "reason", "looked at")
	o.want(step("settle", "pool", "main"), 422, "match-bank-line")
	o.want(step("settle", "pool", "main", "bank_ref", "B-1", "amount", "360.01"), 409, "match-over")
	o.want(step("settle", "pool", "other", "bank_ref", "B-1"), 422, "unknown-name")
	ask("settle", "pool", "main", "bank", "bank.basic", "bank_ref", "B-1", "day", "2026-03-31")
	o.want(get("/match/nine/replay"), 409, "match-event-state")
	o.want(step("close"), 200, "")
	o.want(step("close"), 409, "match-event-state")
	o.want(step("reveal"), 200, "")
	ask("return", "pool", "main")
	replay := o.want(get("/match/nine/replay"), 200, "")
	if v, err := match.Verify([]*match.Rule{parsed}, strings.NewReader(string(replay.body))); err != nil || !v.Clean() || v.Gifts != 2 || v.Commitment != desk.Commitment || strings.Contains(string(replay.body), "王芳") {
		t.Errorf("%+v, %v\n%s", v, err, replay.body)
	}
	o.want(step("end"), 200, "")
	o.want(get("/match/nine"), 200, "").decode(t, &desk)
	if want := (matchAmountsJSON{"0.00", "0.00", "0.00", "360.00", "0.00", "640.00"}); desk.Amounts != want || desk.Pools[0].matchAmountsJSON != want || desk.Pools[0].Promised != "1000.00" ||
		desk.Campaigns[0].Settled != "360.00" || desk.State != giving.EventEnded || desk.Seed == nil {
		t.Errorf("%+v", desk)
	}
	if list := pages[matchPaymentJSON](o, "/match/nine/payments?limit=1"); len(list) != 2 || list[0].Kind != giving.PayReturned || list[1].BankRef != "B-1" || list[1].Amount != "360.00" {
		t.Errorf("%+v", list)
	}
	if list := pages[matchAskedJSON](o, "/match/nine/requests?limit=2"); len(list) != 5 || list[0].Act != giving.MatchReturn || list[4].Act != giving.MatchPublish || list[2].Act != giving.StepRelease || list[0].State != "approved" {
		t.Errorf("%+v", list)
	}
	if list := pages[matchEventJSON](o, "/match?limit=1"); len(list) != 1 || list[0].Code != "nine" {
		t.Errorf("%+v", list)
	}
	if n := o.count(`select count(*) from mail where subject like 'Waiting for your approval%'`); n != 5 {
		t.Errorf("%d letters to approvers", n)
	}
	// A key that nobody on the staff answers for asks for nothing.
	o.event("other")
	r := post("/match/other/steps", fields{"act": "publish", "terms": matchRule(), "plans": plans})
	r.token = o.book.token
	o.want(r, 403, "forbidden")
	o.want(post("/match/other/steps", fields{"act": "explode"}), 400, "body")
	o.want(post("/match/none/steps", fields{"act": "close"}), 404, "not-found")
}
