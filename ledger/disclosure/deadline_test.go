package disclosure_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

// Each kind of deadline comes up, says how near it is and that it is over, and goes when it is met.
func TestDeadlineKinds(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.now)
	})
	wants := func(today time.Time, object, phase, due string, stage int16) {
		t.Helper()
		all, err := law.Deadlines(w.ctx, w.db, w.book, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			if d.Object == object && d.Phase == phase {
				if got := d.Due.Format(time.DateOnly); got != due || d.Stage(today) != stage {
					t.Errorf("%s of %s on %s: due %s at stage %d, want %s and %d", phase, object, today.Format(time.DateOnly), got, d.Stage(today), due, stage)
				}
				return
			}
		}
		if due != "" {
			t.Errorf("%s of %s is not due on %s: %+v", phase, object, today.Format(time.DateOnly), all)
		}
	}
	fact := func(f law.Fact) {
		t.Helper()
		f.ID, f.EnteredBy, f.EnteredAt = uuid.New(), w.who, w.now
		w.tx(func(tx pgx.Tx) error { return law.Enter(w.ctx, tx, w.book, f) })
	}
	day := func(month time.Month, d int) *time.Time { at := ledger.Day(2025, month, d); return &at }
	campaign := func(slug, state string) string {
		t.Helper()
		c := w.asks(slug)
		c.State, c.OpensAt = state, time.Date(2025, 3, 1, 0, 0, 0, 0, w.now.Location())
		c.ClosesAt = c.OpensAt.AddDate(0, 2, 0)
		var made *giving.Campaign
		w.tx(func(tx pgx.Tx) (err error) { made, err = giving.CreateCampaign(w.ctx, tx, w.book, c); return err })
		return law.Campaign(made.ID)
	}

	// R06: ten days before the start; once begun in an emergency, ten days after it.
	object := campaign("draft", giving.Draft)
	wants(*day(1, 15), object, "filing", "2025-02-19", 0)
	wants(*day(1, 20), object, "filing", "2025-02-19", 1)
	wants(*day(2, 12), object, "filing", "2025-02-19", 2)
	wants(*day(2, 20), object, "filing", "2025-02-19", 3)
	until := ledger.Day(2025, 12, 31)
	fact(law.Fact{Rule: "R06", Item: "filed", Object: object, Day: day(2, 10), Until: &until, Words: "51A2025001"})
	wants(*day(2, 20), object, "filing", "", 0)
	object = campaign("flood", giving.Published)
	wants(*day(3, 5), object, "filing", "", 0)
	fact(law.Fact{Rule: "R06", Item: "emergency", Object: object, Day: day(3, 1), Words: "洪灾"})
	wants(*day(3, 5), object, "filing", "2025-03-11", 2)
	wants(*day(3, 12), object, "filing", "2025-03-11", 3)
	fact(law.Fact{Rule: "R06", Item: "filed", Object: object, Day: day(3, 10), Until: &until, Words: "51A2025002"})
	wants(*day(3, 12), object, "filing", "", 0)

	// In an emergency it opens before it is filed, without a number; once the ten days are over it does not.
	object = campaign("quake", giving.Draft)
	quake, _ := strconv.Atoi(strings.TrimPrefix(object, "campaign:"))
	may := func(today *time.Time) error { return law.MayPublish(w.ctx, w.db, w.book, int32(quake), *today) }
	if err := may(day(2, 27)); !errors.Is(err, law.ErrLaw) || !strings.Contains(err.Error(), "R06") {
		t.Errorf("not filed: %v", err)
	}
	fact(law.Fact{Rule: "R06", Item: "emergency", Object: object, Day: day(3, 1), Words: "地震"})
	wants(*day(2, 27), object, "filing", "2025-03-11", 1)
	if err := may(day(3, 11)); err != nil {
		t.Errorf("in an emergency, within ten days: %v", err)
	}
	if err := may(day(3, 12)); !errors.Is(err, law.ErrLaw) || !strings.Contains(err.Error(), "R06") {
		t.Errorf("in an emergency, after ten days: %v", err)
	}
	fact(law.Fact{Rule: "R06", Item: "filed", Object: object, Day: day(3, 10), Until: &until, Words: "51A2025003"})
	if err := may(day(3, 10)); !errors.Is(err, law.ErrLaw) || !strings.Contains(err.Error(), "R07") {
		t.Errorf("filed, and its number is not on the campaign: %v", err)
	}

	// R11: the year before, by 31 May; figures of a part of the year do not meet it.
	w.gift(100_00, giving.Bank, "D-1")
	wants(ledger.Day(2024, 4, 30), "year:2023", "year", "2024-05-31", 0)
	wants(ledger.Day(2024, 5, 1), "year:2023", "year", "2024-05-31", 1)
	wants(ledger.Day(2024, 6, 1), "year:2023", "year", "2024-05-31", 3)
	if _, err := w.publish(w.draft("year:2023"), disclosure.Version{Phase: disclosure.Progress}); err != nil {
		t.Fatal(err)
	}
	wants(ledger.Day(2024, 6, 1), "year:2023", "year", "2024-05-31", 3)
	if _, err := w.publish(w.draft("year:2023"), disclosure.Version{Phase: disclosure.Last}); err != nil {
		t.Fatal(err)
	}
	wants(ledger.Day(2024, 6, 1), "year:2023", "year", "", 0)

	// R08, R09, R13 of a project: every three months while it runs, also past its last day; its end within three months; what is left over likewise.
	project, payee, contract := uuid.New(), uuid.New(), uuid.New()
	w.tx(func(tx pgx.Tx) error {
		for _, sql := range []string{
			`insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, state, starts_on, ends_on, entered_by) values ($1, $2, 1, '助餐', $5, '', '计划', 0, 0, 'approved', '2025-01-01', '2025-08-31', $2)`,
			`insert into payee (book_id, id, number, kind, name, standing, code, services, contact, credit, state, entered_by) values ($1, $3, 1, 'organisation', '向阳社工', 'other', '', '', '', 'good', 'entered', $2)`,
			`insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, ends_on, state, entered_by) values ($1, $4, 1, 'HT-1', $2, $3, '服务', 'service', 'pro_rata', 100, 0, 0, '2025-08-31', 'closed', $2)`,
			`insert into contract_source (book_id, contract_id, position, fund_id, treatment, payer, party, amount, open) values ($1, $4, 1, $5, 'gift', '捐赠人', '', 100, 100)`,
		} {
			if _, err := tx.Exec(w.ctx, "with v(a, b, c, d, e) as (values ($1::int4, $2::uuid, $3::uuid, $4::uuid, $5::int4)) "+sql, w.book.ID, project, payee, contract, w.fund.ID); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	object = "project:" + project.String()
	wants(*day(2, 1), object, "progress", "2025-04-01", 0)
	wants(*day(9, 15), object, "progress", "2025-04-01", 3) // nobody ended it
	wants(*day(9, 15), object, "final", "", 0)
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update project set state = 'ended', ended_on = '2025-09-20', publish_by = '2025-12-20' where book_id = $1`, w.book.ID)
		return err
	})
	wants(*day(9, 21), object, "progress", "", 0)
	w.tx(func(tx pgx.Tx) error { // a figure that holds from October on does not move what ended before
		return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: "R09", Name: "after_end", From: ledger.Day(2025, 10, 1), Value: "1m", ArticleZH: "新办法"}, w.who, w.now)
	})
	wants(*day(9, 21), object, "final", "2025-12-20", 0)
	wants(*day(11, 19), object, "final", "2025-12-20", 0)
	wants(*day(11, 20), object, "final", "2025-12-20", 1) // reminders: thirty days before, seven days before, overdue
	wants(*day(12, 13), object, "final", "2025-12-20", 2)
	wants(*day(12, 20), object, "final", "2025-12-20", 2)
	wants(*day(12, 21), object, "final", "2025-12-20", 3)
	wants(*day(12, 31), object, "surplus", "", 0) // the rule holds from 2026 on
	wants(ledger.Day(2026, 1, 1), object, "surplus", "2025-12-20", 3)
	fact(law.Fact{Rule: "R13", Item: "surplus", Object: object, Day: day(12, 16), Words: "转入同类项目"})
	wants(ledger.Day(2026, 1, 1), object, "surplus", "", 0)
}

// Terms end on the last day of a shorter month, also in leap years, and what follows counts from the day it was published.
func TestDeadlineArithmetic(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.now)
	})
	at := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, w.now.Location())
	}
	campaign := func(slug string, opens, closes time.Time) string {
		t.Helper()
		c := w.asks(slug)
		c.OpensAt, c.ClosesAt = opens, closes
		var made *giving.Campaign
		w.tx(func(tx pgx.Tx) (err error) { made, err = giving.CreateCampaign(w.ctx, tx, w.book, c); return err })
		return law.Campaign(made.ID)
	}
	leap, plain := campaign("leap", at(2027, 11, 30), at(2028, 6, 1)), campaign("plain", at(2026, 11, 30), at(2027, 6, 1)) // six months and a day
	half := campaign("half", at(2027, 11, 30), at(2028, 5, 31))                                                            // not longer than six months: its last day is 30 May
	ended, february := campaign("ended", at(2027, 9, 1), at(2027, 12, 1)), campaign("february", at(2027, 9, 1), at(2028, 3, 1))
	for _, c := range []struct {
		today       time.Time
		object, due string
	}{
		{at(2027, 12, 5), leap, "R08 2028-02-29"}, {at(2026, 12, 5), plain, "R08 2027-02-28"}, {at(2027, 12, 5), half, ""},
		{at(2028, 6, 2), half, "R09 2028-08-30"}, {at(2027, 12, 1), ended, "R09 2028-02-29"}, {at(2028, 3, 1), february, "R09 2028-05-29"},
	} {
		all, err := law.Deadlines(w.ctx, w.db, w.book, w.book.Day(c.today))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range all {
			if d.Object == c.object {
				got += d.Rule.Code + " " + d.Due.Format(time.DateOnly)
			}
		}
		if got != c.due {
			t.Errorf("%s on %s: %q, want %q", c.object, c.today.Format(time.DateOnly), got, c.due)
		}
	}
	w.now = at(2027, 12, 31).Add(12 * time.Hour)
	if _, err := w.publish(w.draft(leap), disclosure.Version{Phase: disclosure.Progress}); err != nil {
		t.Fatal(err)
	}
	all, err := law.Deadlines(w.ctx, w.db, w.book, ledger.Day(2028, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Object == leap && d.Due.Format(time.DateOnly) != "2028-03-31" {
			t.Errorf("three months after 31 December: %s", d.Due.Format(time.DateOnly))
		}
	}
}
