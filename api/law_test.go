package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

// TestLaw: rules with figures, working and course; the figures of a day; what is due. All of it for keys of the scope alone.
func TestLaw(t *testing.T) {
	o := newOffice(t)
	var bare lawJSON
	o.want(request{method: http.MethodGet, path: "/law"}, 200, "").decode(t, &bare)
	if bare.Profile != nil || len(bare.Rules) != 25 || bare.Rules[0].State != "no-law" || bare.Year != testNow.Year() {
		t.Errorf("without a profile: %+v", bare)
	}
	if list := pages[figureJSON](o, "/law/figures"); len(list) != 0 {
		t.Errorf("figures without a profile: %+v", list)
	}
	o.tx(func(tx pgx.Tx) error {
		if err := law.SetProfile(o.ctx, tx, o.book.Book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, testNow); err != nil {
			return err
		}
		return law.SetParam(o.ctx, tx, o.book.Book, law.Param{Rule: "R02", Name: "cap", Form: law.Association, From: ledger.Day(2026, time.March, 1), To: ledger.Day(2027, time.January, 1), Value: "12%", ArticleZH: "章程第三十条"}, uuid.New(), testNow)
	})
	o.oneGift()
	var all, one lawJSON
	o.want(request{method: http.MethodGet, path: "/law?year=2026"}, 200, "").decode(t, &all)
	o.want(request{method: http.MethodGet, path: "/law?year=2026&rule=R02"}, 200, "").decode(t, &one)
	if all.Profile == nil || all.Profile.Form != "association" || len(all.Rules) != 25 || len(one.Rules) != 1 {
		t.Fatalf("%+v", all.Profile)
	}
	r02 := one.Rules[0]
	if r02.Code != "R02" || r02.State != "holds" || len(r02.Working) == 0 || len(r02.Courses) != 1 || len(r02.Courses[0].Months) != 12 || r02.Courses[0].Months[0].Month != "2026-01" || r02.LiftZH == "" || r02.LiftEN == "" {
		t.Errorf("%+v", r02)
	}
	figure := func(on string) (found figureJSON) {
		t.Helper()
		for _, f := range pages[figureJSON](o, "/law/figures?on="+on) {
			if f.Rule == "R02" && f.Name == "cap" {
				found = f
			}
		}
		return found
	}
	if f := figure("2026-02-28"); f.Value != "13%" || f.Own {
		t.Errorf("before: %+v", f)
	}
	if f := figure("2026-03-01"); f.Value != "12%" || !f.Own || f.To != "2027-01-01" || f.Form != "association" || f.ArticleEN == "" {
		t.Errorf("from its day on: %+v", f)
	}
	due := pages[deadlineJSON](o, "/law/deadlines")
	if len(due) == 0 || due[0].Rule == "" || due[0].NameEN == "" || due[0].Key == "" {
		t.Errorf("%+v", due)
	}
	for path, want := range map[string]int{"/law?year=x": 400, "/law?year=1800": 400, "/law?rule=R99": 404, "/law/figures?on=x": 400} {
		if a := o.ask(request{method: http.MethodGet, path: path}); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	_, token := o.key(o.book, staff.BooksRead)
	for _, path := range []string{"/law", "/law/figures", "/law/deadlines"} {
		if a := o.ask(request{method: http.MethodGet, path: path, token: token}); a.status != http.StatusForbidden {
			t.Errorf("%s with another scope: %d", path, a.status)
		}
	}
}
