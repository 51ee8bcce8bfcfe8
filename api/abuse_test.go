package api

import (
	"net/http"
	"testing"

	"sunfund/api/problem"
)

// T6: while trial balances are held up in the database, the next one of the same key is refused at once.
func TestT6TrialBalancesInParallel(t *testing.T) {
	o := newOffice(t)
	o.oneEntry()
	lock, err := o.owner.Begin(o.ctx)
	o.must(err)
	_, err = lock.Exec(o.ctx, `lock table turnover in access exclusive mode`)
	o.must(err)
	trial := request{method: http.MethodGet, path: "/trial-balance"}
	type outcome struct {
		answer
		err error
	}
	outcomes := make(chan outcome, problem.ReportsEach+1)
	for range problem.ReportsEach + 1 {
		go func() {
			a, err := o.try(trial)
			outcomes <- outcome{a, err}
		}()
	}
	refused := <-outcomes // the others wait for the table
	o.must(refused.err)
	if refused.status != http.StatusTooManyRequests || refused.problem().Type != problemPath+"too-many-reports" || refused.header.Get("Retry-After") != "5" {
		t.Errorf("%d %+v %v", refused.status, refused.problem(), refused.header)
	}
	o.must(lock.Rollback(o.ctx))
	for range problem.ReportsEach {
		a := <-outcomes
		o.must(a.err)
		if a.status != http.StatusOK {
			t.Errorf("one that waited: %d", a.status)
		}
	}
	o.want(trial, http.StatusOK, "")
}
