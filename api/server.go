// Package api answers programs: JSON over HTTP under /api/v1, as openapi.yaml says, and the webhooks of processors.
package api

import (
	_ "embed"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"sunfund/api/problem"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

//go:embed openapi.yaml
var contract []byte

// Limits of requests and pages. One row more than a page is read to see whether there is another page, so pageMax is
// below what the ledger lists at once.
const (
	bodyMax     = 1 << 20
	pageDefault = 50
	pageMax     = 100
)

// Config is what the API works with.
type Config struct {
	DB      *pgxpool.Pool
	Books   []*ledger.Book             // that keys and webhooks may be of
	Intakes map[int32]*giving.Intake   // by book; without one, gifts are refused as busy
	Workers map[int32]*payments.Worker // by book: woken when an event has come
	Stripes map[int32]*payments.Stripe // by book: those that take payments through Stripe
	Now     func() time.Time
	Log     *slog.Logger
}

// Server answers /api/v1 and /webhooks.
type Server struct {
	Config
	keys    keyring
	places  sync.Map // placeKey -> place
	funds   sync.Map // placeKey -> int32
	refused problem.Refused
	reports problem.Reports
}

// route is one operation of the contract. Every one needs a key with its scope.
type route struct {
	method string
	path   string
	scope  staff.Scope
	answer func(*call) error
}

func routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/books", staff.BooksRead, (*call).books},
		{get, "/funds", staff.FundsRead, (*call).funds},
		{get, "/funds/:code", staff.FundsRead, (*call).fund},
		{get, "/campaigns", staff.CampaignsRead, (*call).campaigns},
		{get, "/campaigns/:slug", staff.CampaignsRead, (*call).campaign},
		{get, "/gifts", staff.GiftsRead, (*call).gifts},
		{get, "/gifts/:id", staff.GiftsRead, (*call).gift},
		{post, "/gifts", staff.GiftsWrite, (*call).giftCreate},
		{post, "/gifts/batch", staff.GiftsWrite, (*call).giftBatch},
		{get, "/entries", staff.EntriesRead, (*call).entries},
		{get, "/entries/:id", staff.EntriesRead, (*call).entry},
		{post, "/entries", staff.EntriesWrite, (*call).entryCreate},
		{post, "/entries/:id/reversal", staff.EntriesWrite, (*call).entryReverse},
		{get, "/balances", staff.BalancesRead, (*call).balances},
		{get, "/bank-receipts", staff.OfflineReads, (*call).bankReceipts},
		{get, "/bank-receipts/:id", staff.OfflineReads, (*call).bankReceipt},
		{post, "/bank-receipts", staff.OfflineWrites, (*call).bankReceiptCreate},
		{get, "/cash-counts", staff.OfflineReads, (*call).cashCounts},
		{get, "/cash-counts/:id", staff.OfflineReads, (*call).cashCount},
		{get, "/pledges", staff.OfflineReads, (*call).pledges},
		{get, "/pledges/:id", staff.OfflineReads, (*call).pledge},
		{post, "/pledges", staff.OfflineWrites, (*call).pledgeCreate},
		{get, "/goods", staff.OfflineReads, (*call).lots},
		{get, "/goods/:id", staff.OfflineReads, (*call).lot},
		{post, "/goods", staff.OfflineWrites, (*call).lotCreate},
		{get, "/services", staff.OfflineReads, (*call).services},
		{get, "/services/:id", staff.OfflineReads, (*call).service},
		{post, "/services", staff.OfflineWrites, (*call).serviceCreate},
		{get, "/trial-balance", staff.BalancesRead, (*call).trialBalance},
		{get, "/match", staff.MatchRead, (*call).matchEvents},
		{post, "/match", staff.MatchWrite, (*call).matchCreate},
		{get, "/match/:event", staff.MatchRead, (*call).matchDesk},
		{get, "/match/:event/rules", staff.MatchRead, (*call).matchRules},
		{get, "/match/:event/rules/:version", staff.MatchRead, (*call).matchRule},
		{get, "/match/:event/awards", staff.MatchRead, (*call).matchAwards},
		{get, "/match/:event/payments", staff.MatchRead, (*call).matchPayments},
		{get, "/match/:event/requests", staff.MatchRead, (*call).matchAsked},
		{get, "/match/:event/replay", staff.MatchRead, (*call).matchReplay},
		{post, "/match/:event/steps", staff.MatchWrite, (*call).matchStep},
		{get, "/law", staff.LawReads, (*call).law},
		{get, "/law/figures", staff.LawReads, (*call).lawFigures},
		{get, "/law/deadlines", staff.LawReads, (*call).lawDeadlines},
		{get, "/subsidies", staff.BalancesRead, (*call).subsidies},
		{get, "/subsidies/:id", staff.BalancesRead, (*call).subsidy},
	}
}

const (
	apiPath      = "/api/v1"
	contractPath = "/openapi.yaml"
)

// Register puts the API on e. Its callers are programs with a key or a signature, so it has no cookies and no
// cross-origin guard.
func (s *Server) Register(e *echo.Echo) {
	e.GET(apiPath+contractPath, func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", contract)
	})
	limit := bodyLimit(bodyMax)
	for _, r := range routes() {
		e.Add(r.method, apiPath+r.path, s.with(r), limit)
	}
	e.POST("/webhooks/:book/:processor", s.webhook, bodyLimit(payments.BodyMax))
}

func bodyLimit(bytes int) echo.MiddlewareFunc { return middleware.BodyLimit(strconv.Itoa(bytes) + "B") }
