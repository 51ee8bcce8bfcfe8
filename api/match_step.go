package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// matchInput begins an event.
type matchInput struct {
	Code   string `json:"code"`
	NameZH string `json:"name_zh"`
	NameEN string `json:"name_en"`
}

// matchStepInput is a step with an event, with what the step needs.
type matchStepInput struct {
	Act      string          `json:"act"`
	Terms    json.RawMessage `json:"terms"`
	From     string          `json:"from"`
	Plans    []matchPlanJSON `json:"plans"`
	Pool     string          `json:"pool"`
	Campaign string          `json:"campaign"`
	Amount   string          `json:"amount"`
	Bank     string          `json:"bank"`
	BankRef  string          `json:"bank_ref"`
	Day      string          `json:"day"`
	Awards   []int64         `json:"awards"`
	Reason   string          `json:"reason"`
	Cause    string          `json:"cause"`
}

// matchPlanJSON says how a pool of a rule is kept.
type matchPlanJSON struct {
	Code string `json:"code"`
	Kind string `json:"kind"`
	Fund string `json:"fund"`
}

// matchDoneJSON is what became of a step: done, or asked of a second person.
type matchDoneJSON struct {
	State   string     `json:"state"`
	Request *uuid.UUID `json:"request,omitempty"`
	Amount  string     `json:"amount"`
}

// Steps that a key takes alone: they move no money and change nothing of where it goes.
const (
	matchClose  = "close"
	matchReveal = "reveal"
	matchEnd    = "end"
)

const reasonMax = 400

// matchActs are the names of steps that wait for a second person, as requests call them.
var matchActs = map[string]string{"publish": "公布配捐规则 Publish the rule", "open": "开放活动 Open the event", "settle": "支付配捐 Pay match", "release": "解除暂扣 Release what is held",
	"refuse": "不予支付 Refuse what is held", "disallow": "剔除配捐 Disallow match", "claw-back": "追回已付配捐 Claw match back", "return": "退回余额 Return what is left",
	"roll": "结转余额 Roll what is left over", "give": "分配余额 Give what is left", "share": "分配配捐池 Share the pools", "resume": "恢复配捐 Let matching go on"}

var (
	badAct     = rule{"没有这一步。", "There is no such step."}
	badTerms   = rule{"公布规则要有 terms。", "Publishing a rule needs its terms."}
	badBank    = rule{"账户只能是 bank.basic 或 bank.online。", "The bank is bank.basic or bank.online."}
	badCause   = rule{"原因只能是 outside 或 own。", "The cause is outside or own."}
	badReason  = rule{"要写理由，最多 400 字，一行。", "Give a reason, one line of at most 400 characters."}
	badCode    = rule{"代号要 1 到 60 个小写字母、数字或横线。", "A code has 1 to 60 small letters, digits or dashes."}
	badName    = rule{"名称要有 1 到 120 字。", "A name has 1 to 120 characters."}
	badPlan    = rule{"kind 只能是 promised 或 fund。", "The kind is promised or fund."}
	needAwards = rule{"要列出配捐的 seq。", "List the seqs of awards."}
)

// matchCreate begins an event: nothing is promised and nothing matched yet, but its seed is committed to.
func (c *call) matchCreate() error {
	var in matchInput
	if err := c.decode(&in); err != nil {
		return err
	}
	var seed match.Seed
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("make seed: %w", err)
	}
	return c.once(func(tx pgx.Tx) (int, any, error) {
		e, err := giving.CreateEvent(c.ctx(), tx, c.book, in.Code, in.NameZH, in.NameEN, seed, c.key.ID, c.now)
		var wrong *giving.FieldErrors
		if errors.As(err, &wrong) {
			broken := badName
			if wrong.List[0].Field == "code" {
				broken = badCode
			}
			return 0, nil, at{"/" + wrong.List[0].Field, broken}
		}
		if err != nil {
			return 0, nil, err
		}
		return http.StatusCreated, matchEventOf(e), c.recordMatch(tx, "create", e.Code)
	})
}

func (c *call) recordMatch(tx pgx.Tx, did, code string) error {
	return staff.Record(c.ctx(), tx, c.book.ID, staff.Event{At: c.now, Who: c.key.ID, What: "match." + did, Object: "match:" + code})
}

// matchStep takes a step with an event: alone where no money moves, by a request to a second person elsewhere.
func (c *call) matchStep() error {
	e, err := c.matchEvent()
	if err != nil {
		return err
	}
	var in matchStepInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Act == matchClose || in.Act == matchReveal || in.Act == matchEnd {
		return c.matchAlone(e, in.Act)
	}
	if matchActs[in.Act] == "" {
		return at{"/act", badAct}
	}
	r, err := c.matchRequest(e, &in)
	if err != nil {
		return err
	}
	return c.once(func(tx pgx.Tx) (int, any, error) {
		sum, err := r.Complete(c.ctx(), tx, c.book, c.now)
		if err != nil {
			return 0, nil, inStep(err)
		}
		if err := r.Try(c.ctx(), tx, c.book, c.key.ID, c.now); err != nil {
			return 0, nil, inStep(err)
		}
		a, err := staff.RequestByKey(c.ctx(), tx, c.key, staff.MatchWrite, staff.Draft{Form: uuid.New(), Kind: staff.MatchKind, Amount: sum, Payload: r, Payee: matchPayee(e.Code),
			Summary: matchActs[in.Act] + " · " + e.NameZH + " " + e.NameEN + " · API " + c.key.Name}, c.now)
		if err != nil {
			return 0, nil, err
		}
		if err := c.announce(tx, a); err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, matchDoneJSON{string(a.State), &a.ID, c.decimal(sum)}, nil
	})
}

// matchAlone takes a step that moves nothing.
func (c *call) matchAlone(e *giving.MatchEvent, act string) error {
	return c.once(func(tx pgx.Tx) (_ int, _ any, err error) {
		switch act {
		case matchClose:
			err = giving.CloseEvent(c.ctx(), tx, c.book, e.ID, c.now)
		case matchReveal:
			_, err = giving.RevealSeed(c.ctx(), tx, c.book, e.ID, c.now)
		case matchEnd:
			err = giving.EndEvent(c.ctx(), tx, c.book, e.ID, c.now)
		}
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, matchDoneJSON{State: "done", Amount: c.decimal(0)}, c.recordMatch(tx, act, e.Code)
	})
}

// matchRequest writes a step down as a request carries it. Errors say where in the body they lie.
func (c *call) matchRequest(e *giving.MatchEvent, in *matchStepInput) (*giving.MatchRequest, error) {
	r := &giving.MatchRequest{Act: in.Act, Event: e.ID, Pool: in.Pool, Reason: in.Reason, Cause: giving.Cause(in.Cause), Bank: in.Bank, BankRef: in.BankRef, Awards: in.Awards}
	if in.Amount != "" {
		minor, err := positive(in.Amount, c.book.Currency)
		if err != nil {
			return nil, at{"/amount", err}
		}
		r.Amount = c.decimal(minor)
	}
	switch {
	case !oneLine(in.Reason, reasonMax) || in.Reason == "" && needsReason[in.Act]:
		return nil, at{"/reason", badReason}
	case !oneLine(in.BankRef, 80):
		return nil, at{"/bank_ref", badText}
	case in.Bank != "" && in.Bank != "bank.basic" && in.Bank != "bank.online":
		return nil, at{"/bank", badBank}
	case in.Act == giving.MatchClawBack && r.Cause != giving.Outside && r.Cause != giving.OwnFault:
		return nil, at{"/cause", badCause}
	case in.Act == giving.MatchClawBack && in.Amount == "":
		return nil, at{"/amount", ledger.ErrAmount}
	}
	if in.Day != "" {
		day, ok := parseDay(in.Day)
		switch {
		case !ok:
			return nil, at{"/day", badDay}
		case day.After(c.book.Day(c.now)):
			return nil, at{"/day", futureDay}
		}
		r.Day = day
	}
	if in.Campaign != "" {
		p, err := c.place(in.Campaign)
		if err != nil {
			return nil, err
		}
		r.Campaign = p.campaign
	}
	switch in.Act {
	case giving.StepRelease, giving.StepRefuse, giving.StepDisallow:
		if len(in.Awards) == 0 {
			return nil, at{"/awards", needAwards}
		}
		r.Act, r.Kind = giving.MatchAwards, in.Act
	case giving.MatchPublish:
		return r, c.matchPublish(r, in)
	}
	return r, nil
}

// needsReason are steps whose reason people will ask for.
var needsReason = map[string]bool{"release": true, "refuse": true, "disallow": true, "claw-back": true, "resume": true}

// matchPublish reads the rule, from when it is in force, and how its pools are kept.
func (c *call) matchPublish(r *giving.MatchRequest, in *matchStepInput) error {
	if len(in.Terms) == 0 {
		return at{"/terms", badTerms}
	}
	r.Terms, r.From = string(in.Terms), c.now
	if in.From != "" {
		from, err := time.Parse(time.RFC3339, in.From)
		if err != nil {
			return at{"/from", badTime}
		}
		r.From = from
	}
	for i, p := range in.Plans {
		plan := giving.PoolPlan{Code: p.Code, Kind: p.Kind}
		if p.Kind != giving.PoolPromised && p.Kind != giving.PoolFund {
			return at{fmt.Sprintf("/plans/%d/kind", i), badPlan}
		}
		if p.Fund != "" {
			var err error
			if plan.FundID, err = c.namedFund(p.Fund); errors.Is(err, errUnknownName) {
				return at{fmt.Sprintf("/plans/%d/fund", i), errUnknownName}
			} else if err != nil {
				return err
			}
		}
		r.Plans = append(r.Plans, plan)
	}
	return nil
}

// inStep says where in the body a step's refusal lies.
func inStep(err error) error {
	var terms *match.TermsError
	switch {
	case errors.As(err, &terms):
		w := terms.List[0]
		return at{"/terms/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(w.Field), rule{w.Text("zh-CN"), w.Text("en")}}
	case errors.Is(err, giving.ErrNoPool):
		return at{"/pool", errUnknownName}
	case errors.Is(err, giving.ErrNoBankLine), errors.Is(err, giving.ErrRefReused):
		return at{"/bank_ref", err}
	case errors.Is(err, giving.ErrNoAward):
		return at{"/awards", errUnknownName}
	case errors.Is(err, money.ErrCurrency):
		return at{"/terms/currency", err}
	}
	return err
}

// announce leaves a letter to everybody who may decide the request.
func (c *call) announce(tx pgx.Tx, a staff.Approval) error {
	approvers, err := staff.Approvers(c.ctx(), tx, c.book.ID, a, c.now)
	if err != nil {
		return err
	}
	for _, p := range approvers {
		subject, body := "等您审批："+a.Summary, "有一个申请等您审批："+a.Summary
		if p.Lang == "en" {
			subject, body = "Waiting for your approval: "+a.Summary, "A request waits for your approval: "+a.Summary
		}
		if err := staff.Post(c.ctx(), tx, c.book.ID, staff.Mail{Person: p.ID, Subject: subject, Body: body, Path: "/console/approvals/" + a.ID.String()}, c.now); err != nil {
			return err
		}
	}
	return nil
}
