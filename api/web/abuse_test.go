package web

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"sunfund/api/problem"
	"sunfund/internal/oidctest"
	"sunfund/ledger/staff"
)

// T6: while reports are held up in the database, the next one of the same person is refused at once and other pages go on.
func TestT6ExpensiveReportsInParallel(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	const trial, file = "/console/trial-balance", "/console/entries?format=csv"
	lock, err := o.db.Begin(t.Context())
	o.must(err)
	_, err = lock.Exec(t.Context(), `lock table turnover in access exclusive mode`)
	o.must(err)
	answers := make(chan reply, problem.ReportsEach+1)
	for range problem.ReportsEach + 1 {
		go func() { answers <- li.get(trial) }()
	}
	refused := <-answers // the others wait for the tables
	li.wants(refused, http.StatusTooManyRequests, "正在做的报表和导出太多")
	if wait := refused.head.Get("Retry-After"); wait != "5" {
		t.Errorf("Retry-After %q", wait)
	}
	li.wants(li.get("/console/me"), http.StatusOK)
	o.must(lock.Rollback(t.Context()))
	for range problem.ReportsEach {
		li.wants(<-answers, http.StatusOK)
	}
	for _, path := range []string{trial, trial, file} { // what ended made room
		li.wants(li.get(path), http.StatusOK)
	}
}

// O2: an issuer that never stops talking is cut off, and the people get their answer.
func TestO2EndlessIssuer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var said atomic.Int64
	var once sync.Once
	gone := make(chan struct{})
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer once.Do(func() { close(gone) })
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(`{"issuer":"`)
		for {
			n, err := w.Write(chunk)
			if said.Add(int64(n)); err != nil {
				return
			}
			chunk = make([]byte, 64<<10)
			for i := range chunk {
				chunk[i] = 'a'
			}
		}
	}))
	t.Cleanup(endless.Close)
	o.rule(staff.Settings{Password: staff.PasswordAlone, Issuer: endless.URL, Client: oidctest.Client})
	c := o.browser()
	c.wants(c.get("/console/sign-in/issuer"), http.StatusServiceUnavailable)
	<-gone
	if n := said.Load(); n < 1<<20 || n > 64<<20 { // what the two sockets hold beyond what was read
		t.Errorf("read on for %d bytes", n)
	}
	o.as("li").wants(o.as("li").get("/console"), http.StatusOK)
}
