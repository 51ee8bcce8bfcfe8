package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sunfund/ledger/staff"
)

// TestADeniedTryIsRecordedByTheService: the request's deadline ends before its error is answered; the trail and the
// page of the console need the database after it.
func TestADeniedTryIsRecordedByTheService(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.post(http.StatusOK, "/console/sign-in", url.Values{"login": {"mei"}, "password": {"right-canary-password"}})
	if page := s.get(http.StatusForbidden, "/console/audit"); !strings.Contains(page, `href="/console/entries"`) {
		t.Error("the page that refuses does not lead back into the console")
	}
	events, err := staff.Events(t.Context(), s.db.Service, s.book.ID, staff.EventFilter{What: staff.Denied})
	s.must(err)
	if len(events) != 1 || events[0].Object != "GET /console/audit" {
		t.Errorf("denied tries in the trail: %v", events)
	}
	if said := s.log.String(); strings.Contains(said, "not recorded") {
		t.Errorf("log: %s", said)
	}
}
