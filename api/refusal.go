package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"sunfund/api/problem"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// What only the API refuses. All else stands in the table of package problem.
var (
	// errBody means that the body is not what the contract asks for.
	errBody = errors.New("body is not acceptable")
	// errUnknownName means that the body names something the book does not have.
	errUnknownName = errors.New("body names something unknown")
	// errNeedsSecondPerson means that an entry lowers what a fund has: a key alone may not do that.
	errNeedsSecondPerson = errors.New("entry needs a second person")
)

// badParam names a query or path parameter or a header that cannot be read.
type badParam struct{ name string }

func (e badParam) Error() string { return "parameter " + e.name + " is not acceptable" }

// rule is a rule of the contract that the body breaks. It is errBody.
type rule struct{ zh, en string }

func (e rule) Error() string { return e.en }

// Is makes it errBody.
func (e rule) Is(target error) bool { return target == errBody }

// at says where in the body an error lies, as a JSON pointer.
type at struct {
	pointer string
	err     error
}

func (e at) Error() string { return e.pointer + ": " + e.err.Error() }
func (e at) Unwrap() error { return e.err }

// facts are what a problem tells beyond its title: for the caller, in the caller's words, and nothing of ours.
type facts struct {
	Pointer    string `json:"pointer,omitempty"`
	Fund       string `json:"fund,omitempty"`
	Account    string `json:"account,omitempty"`
	Difference string `json:"difference,omitempty"`
	Available  string `json:"available,omitempty"`
	Needed     string `json:"needed,omitempty"`
	zh, en     string
}

// told is an error with its facts.
type told struct {
	error
	facts
}

func (e told) Unwrap() error { return e.error }

// problemBody is RFC 9457.
type problemBody struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"`
	facts
}

const problemPath = "/problems/"

// Languages of messages; the first one is for callers that name none of them.
var spoken = language.NewMatcher([]language.Tag{language.English, language.MustParse("zh-CN")})

// lang is the caller's language for messages.
func lang(c echo.Context) string {
	wishes, _, err := language.ParseAcceptLanguage(c.Request().Header.Get("Accept-Language"))
	if err != nil {
		return "en"
	}
	if _, i, _ := spoken.Match(wishes...); i == 1 {
		return "zh-CN"
	}
	return "en"
}

var titlesOfHTTP = map[int]string{
	http.StatusNotFound:              "没有这个地址。",
	http.StatusMethodNotAllowed:      "这个地址不接受这种方法。",
	http.StatusRequestEntityTooLarge: "请求正文太大。",
	http.StatusUnsupportedMediaType:  "请求正文要用 application/json。",
}

// meaning is the row of the table of problems, or what only the API can mean.
func meaning(err error) problem.Problem {
	var bad badParam
	var httpErr *echo.HTTPError
	switch {
	case errors.As(err, &bad):
		return problem.Problem{Type: "parameter", Status: http.StatusBadRequest,
			TitleZH: "参数 " + bad.name + " 不合要求。", TitleEN: "Parameter " + bad.name + " is not acceptable."}
	case errors.As(err, &httpErr):
		text := http.StatusText(httpErr.Code)
		zh, ok := titlesOfHTTP[httpErr.Code]
		if !ok {
			zh = text
		}
		return problem.Problem{Type: "http", Status: httpErr.Code, TitleZH: zh, TitleEN: text}
	case errors.Is(err, errBody):
		return problem.Problem{Type: "body", Status: http.StatusBadRequest,
			TitleZH: "请求正文不合约定。", TitleEN: "The body is not what the contract asks for."}
	case errors.Is(err, errUnknownName):
		return problem.Problem{Type: "unknown-name", Status: http.StatusUnprocessableEntity,
			TitleZH: "正文里写的项目、基金或科目在这本账里没有。", TitleEN: "The body names a campaign, fund or account that this book does not have."}
	case errors.Is(err, errNeedsSecondPerson):
		return problem.Problem{Type: "needs-second-person", Status: http.StatusForbidden,
			TitleZH: "这张凭证会减少基金的钱，需要第二个人在后台批准，密钥不能单独记账。",
			TitleEN: "This entry takes money from a fund, so a second person must approve it in the console; a key alone may not post it."}
	}
	return problem.Of(err)
}

// problemOf writes an error down for the caller.
func problemOf(err error, lang string) problemBody {
	p := meaning(err)
	body := problemBody{Type: problemPath + p.Type, Title: p.Title(lang), Status: p.Status}
	var t told
	if p.Status < http.StatusInternalServerError && errors.As(err, &t) {
		body.facts = t.facts
		body.Detail = t.en
		if lang == "zh-CN" {
			body.Detail = t.zh
		}
	}
	return body
}

// Error answers a request that failed, as a problem document in the caller's language.
func (s *Server) Error(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	header, words := c.Response().Header(), lang(c)
	body := problemOf(err, words)
	body.Instance = header.Get(echo.HeaderXRequestID)
	if body.Status == http.StatusForbidden || body.Status == http.StatusNotFound {
		s.denied(c, problem.Of(err).Type)
	}
	switch {
	case body.Status == http.StatusServiceUnavailable:
		s.refused.Note(s.Log, s.Now(), c.Path(), err)
	case body.Status >= http.StatusInternalServerError:
		s.Log.Error("request failed", "path", c.Path(), "error", err, "request", body.Instance)
	}
	var many staff.TooMany
	switch {
	case errors.As(err, &many):
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(int(many.RetryAfter/time.Second)+1))
	case errors.Is(err, problem.ErrReports):
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(problem.ReportsWait))
	case body.Status == http.StatusServiceUnavailable:
		header.Set(echo.HeaderRetryAfter, "1")
	case body.Status == http.StatusUnauthorized:
		header.Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	header.Set(echo.HeaderContentType, "application/problem+json")
	header.Set("Content-Language", words)
	c.Response().WriteHeader(body.Status)
	if err := json.NewEncoder(c.Response()).Encode(body); err != nil {
		s.Log.Error("answer failed", "error", err)
	}
}

// explain gives an error its facts, in codes and decimal strings instead of our numbers and minor units.
func (c *call) explain(err error) error {
	if err == nil {
		return nil
	}
	var f facts
	var place at
	var broken rule
	var unbalanced *ledger.UnbalancedError
	var short *ledger.ShortError
	var guard *ledger.GuardError
	var purpose *ledger.PurposeError
	if errors.As(err, &place) {
		f.Pointer = place.pointer
	}
	amount := func(minor int64) string { return money.Format(minor, c.book.Currency) }
	switch {
	case errors.As(err, &broken):
		f.zh, f.en = broken.zh, broken.en
	case errors.As(err, &unbalanced):
		f.Fund, f.Difference = c.fundCode(unbalanced.Fund), amount(unbalanced.Difference)
		f.zh = fmt.Sprintf("基金 %s：借方合计减贷方合计是 %s。", f.Fund, f.Difference)
		f.en = fmt.Sprintf("Fund %s: debits less credits are %s.", f.Fund, f.Difference)
	case errors.As(err, &short):
		f.Fund, f.Available, f.Needed = c.fundCode(short.Fund), amount(short.Available), amount(short.Needed)
		f.zh = fmt.Sprintf("基金 %s 可用 %s，需要 %s。", f.Fund, f.Available, f.Needed)
		f.en = fmt.Sprintf("Fund %s has %s available; %s are needed.", f.Fund, f.Available, f.Needed)
	case errors.As(err, &purpose):
		f.Fund, f.Account = c.fundCode(purpose.Fund), string(purpose.Chart)
		may := strings.Join(purpose.May, ", ")
		f.zh = fmt.Sprintf("基金 %s 只能用于：%s；这一行写的用途是“%s”。", f.Fund, may, purpose.Purpose)
		f.en = fmt.Sprintf("Fund %s may be spent on %s only; the line says %q.", f.Fund, may, purpose.Purpose)
	case errors.As(err, &guard):
		f.Fund, f.Account = c.fundCode(guard.Leaf.Fund), string(guard.Leaf.Chart)
		f.zh = fmt.Sprintf("基金 %s 的科目 %s 会越过零。", f.Fund, f.Account)
		f.en = fmt.Sprintf("Account %s of fund %s would cross zero.", f.Account, f.Fund)
	}
	if f == (facts{}) {
		return err
	}
	return told{err, f}
}

// fundCode is for messages: a fund whose code cannot be read now is named by nothing.
func (c *call) fundCode(id int32) string {
	codes, err := c.fundCodes(c.s.DB)
	if err != nil {
		return ""
	}
	return codes[id]
}
