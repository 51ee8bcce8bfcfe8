package demo

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/reports"
)

// past is what every list of reports said at moments of the demo's making.
type past struct {
	*testing.T
	ctx  context.Context
	db   *pgtest.DB
	book *ledger.Book
	now  time.Time
	said []saidThen
}

type saidThen struct {
	what   string
	at     time.Time
	donors []uuid.UUID       // whose statements were drawn up
	text   map[string]string // by report
}

// all draws every list up as of a moment, or with zero as now.
func (p *past) all(recorded time.Time, donors []uuid.UUID) map[string]string {
	p.Helper()
	said := map[string]string{}
	for _, s := range reports.Sheets(p.book.Regime) {
		if s.Form != nil {
			continue
		}
		of := []uuid.UUID{{}}
		if s.Donor {
			of = donors
		}
		for _, from := range []time.Time{{}, ledger.Day(2026, 10, 1)} {
			for _, donor := range of {
				r, err := s.Make(p.ctx, p.db.Service, p.book, reports.Request{From: from, To: ledger.Day(2026, 11, 30), Recorded: recorded, Now: p.now, Lang: "en", Donor: donor})
				if err != nil {
					p.Fatalf("%s: %v", s.ID, err)
				}
				if s.Donor { // which gift takes the place of one given back is followed later, and the sum stays
					paid := &r.Tables[1]
					paid.Rows = paid.Rows[max(0, len(paid.Rows)-1):]
				}
				body, err := json.MarshalIndent(map[string]any{"tables": r.Tables, "ties": r.Ties}, "", " ")
				if err != nil {
					p.Fatal(err)
				}
				said[s.ID] += string(body)
			}
		}
	}
	return said
}

// What has tables that stand as now, and says so in a note; and what these steps do not change.
var (
	partlyNow = map[string]bool{"match": true, "encumbrances": true}
	steady    = map[string]bool{"receipts": true, "pledges": true, "in-kind": true, "donor": true}
)

// look keeps what the reports say now.
func (p *past) look(what string) {
	p.Helper()
	if err := trace.CatchUp(p.ctx, p.db.Service, p.book, 0); err != nil { // what gifts paid is followed, as the job does
		p.Fatal(err)
	}
	s := saidThen{what: what}
	if err := p.db.Pool.QueryRow(p.ctx, `select array_agg(donor_id) from (select distinct on (g.campaign_id) g.donor_id from gift g where g.donor_id is not null order by g.campaign_id, g.id) x`).Scan(&s.donors); err != nil {
		p.Fatal(err)
	}
	s.text = p.all(time.Time{}, s.donors)
	if err := p.db.Pool.QueryRow(p.ctx, `select clock_timestamp()`).Scan(&s.at); err != nil {
		p.Fatal(err)
	}
	p.said = append(p.said, s)
}

// holds draws them up again as of each of the moments: they say what they said then.
func (p *past) holds() {
	p.Helper()
	changed := map[string]bool{}
	for _, s := range p.said {
		now := p.all(time.Time{}, s.donors)
		for id, text := range p.all(s.at, s.donors) {
			if partlyNow[id] {
				continue
			}
			if text != s.text[id] {
				p.Errorf("%s after %s said %s", id, s.what, firstDifference(s.text[id], text))
			}
			changed[id] = changed[id] || now[id] != s.text[id]
		}
	}
	for id, is := range changed {
		if !is && !steady[id] {
			p.Errorf("%s has said the same all the time", id)
		}
	}
}

func firstDifference(was, is string) string {
	i := 0
	for i < len(was) && i < len(is) && was[i] == is[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, min(i-300, len(s))):min(len(s), i+200)] }
	return cut(was) + "\n--- and as of then\n" + cut(is)
}
