package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/runs"
)

// figure is one line of /metrics for each job: what it is called, what it means, and its value now. A figure without a value is left out.
type figure struct {
	name, help string
	value      func(j *runs.Job, now time.Time) (float64, bool)
}

var figures = []figure{
	{"sunfund_job_red", "1 when the job's last run failed.", func(j *runs.Job, _ time.Time) (float64, bool) { return one(j.Red()), true }},
	{"sunfund_job_late", "1 when the job should have been done by now.", func(j *runs.Job, now time.Time) (float64, bool) { return one(j.Late(now)), true }},
	{"sunfund_job_running", "1 while the job runs.", func(j *runs.Job, _ time.Time) (float64, bool) { return one(j.Now != nil), true }},
	{"sunfund_job_done_timestamp_seconds", "Everything up to here is done.", func(j *runs.Job, _ time.Time) (float64, bool) { return float64(j.DoneSlot.Unix()), true }},
	{"sunfund_job_next_timestamp_seconds", "The first slot that is not done.", func(j *runs.Job, _ time.Time) (float64, bool) { return float64(j.NextSlot.Unix()), true }},
	{"sunfund_job_last_duration_seconds", "How long the last run took.", func(j *runs.Job, now time.Time) (float64, bool) {
		if j.Last == nil {
			return 0, false
		}
		return j.Last.Took(now).Seconds(), true
	}},
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// writeMetrics writes how the jobs of all books stand, and which books' payments are stopped, in Prometheus's text format.
func (s *service) writeMetrics(ctx context.Context, now time.Time) ([]byte, error) {
	type line struct {
		book string
		job  runs.Job
	}
	var lines []line
	halted := make([]bool, len(s.books))
	for i, b := range s.books {
		stopped := ledger.MayPayOut(pg.WithBook(ctx, b.ID), s.db, b.ID)
		if halted[i] = errors.Is(stopped, ledger.ErrHalted); stopped != nil && !halted[i] {
			return nil, stopped
		}
		list, err := runs.Jobs(pg.WithBook(ctx, b.ID), s.db, b.ID)
		if err != nil {
			return nil, err
		}
		for _, j := range list {
			lines = append(lines, line{b.Code, j})
		}
	}
	var out bytes.Buffer
	for _, f := range figures {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", f.name, f.help, f.name)
		for i := range lines {
			if v, ok := f.value(&lines[i].job, now); ok {
				fmt.Fprintf(&out, "%s{book=%q,job=%q} %s\n", f.name, lines[i].book, lines[i].job.Name, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
	}
	fmt.Fprint(&out, "# HELP sunfund_book_halted 1 while nothing is paid out of the book, because a fund or project does not add up.\n# TYPE sunfund_book_halted gauge\n")
	for i, b := range s.books {
		fmt.Fprintf(&out, "sunfund_book_halted{book=%q} %s\n", b.Code, strconv.FormatFloat(one(halted[i]), 'f', -1, 64))
	}
	return out.Bytes(), nil
}

// serveMetrics answers GET /metrics on an address of its own until ctx ends. It says nothing of money or people.
func (s *service) serveMetrics(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		text, err := s.writeMetrics(r.Context(), time.Now())
		if err != nil {
			s.log.Error("metrics not read", "error", err)
			http.Error(w, "database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(text) // a reader that left needs nothing
	})
	server := &http.Server{Handler: http.TimeoutHandler(mux, requestTimeout, "too slow\n"), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
