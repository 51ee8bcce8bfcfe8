package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Told to stop, the service ends streams that would go on for ever, and lets a request that is under way come to its end.
func TestShutdown(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	must(pg.InTx(ctx, db.Service, func(tx pgx.Tx) error {
		book, err := ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sun", NameZH: "慈善会", NameEN: "Charity", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC})
		must(err)
		fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"})
		must(err)
		_, err = giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: "c", TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
			SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 1_000_00, OpensAt: now.AddDate(0, -1, 0), ClosesAt: now.AddDate(0, 1, 0)})
		return err
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s, err := newService(ctx, db.Bare(t), listener, serveCmd{LogLevel: "error", keyRing: keyRing{Keys: pgtest.KeyLine}}, terminal{out: io.Discard, err: io.Discard})
	must(err)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()
	get := func(path string) (*http.Response, error) {
		return http.Get("http://" + listener.Addr().String() + path)
	}

	lock, err := db.Pool.Begin(ctx) // what the request waits for
	must(err)
	defer func() { _ = lock.Rollback(context.WithoutCancel(ctx)) }()
	_, err = lock.Exec(ctx, "lock table fund in access exclusive mode")
	must(err)
	status := make(chan int, 1)
	go func() {
		answer, err := get("/c/c")
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		answer.Body.Close()
		status <- answer.StatusCode
	}()
	must(pgtest.Waits(ctx, db.Pool, func() bool { return len(status) > 0 }))
	stream, err := get("/c/c/live")
	must(err)
	defer stream.Body.Close()
	_, err = bufio.NewReader(stream.Body).ReadString('\n')
	must(err)

	stop()
	for open := true; open; time.Sleep(5 * time.Millisecond) { // until it takes no more calls
		c, err := net.Dial("tcp", listener.Addr().String())
		if open = err == nil; open {
			c.Close()
		}
	}
	must(lock.Rollback(ctx))
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request under way: %d", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("the service: %v", err)
	}
}
