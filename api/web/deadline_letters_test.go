package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

// dueKind is one deadline of a walk: the days on which letters are due follow from its last day, until it is done.
type dueKind struct {
	phase, rule string
	zh          string // of what
	object      string
	due         string
	done        string                  // the day on which do happens; empty: never
	do          func(day time.Time)     // meets it
	to          map[string]Lang         // who is told, in which language
	path        func(d *dueKind) string // the letter leads there
}

// TestDeadlineLetters walks every kind of deadline through its time: letters thirty days before, seven days before and once overdue, each once, to
// whoever sees to it, or to all accountants in their languages, with a link to where it is met; what is done gets none.
func TestDeadlineLetters(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.lawful()
	o.person("guo", "郭会计", "Guo", staff.Held{Role: staff.Accountant})
	ann := o.personID("guo")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update person set lang = 'en' where book_id = $1 and id = $2`, o.book.ID, ann)
		return err
	})
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		o.must(err)
		return at
	}
	campaign := func(slug, state, opens, closes string) string {
		c := o.draftCampaign(slug, "", 0, 30)
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `update campaign set title_zh = $3, title_en = $3, state = $4, opens_at = $5::date::timestamp at time zone 'Asia/Shanghai', closes_at = $6::date::timestamp at time zone 'Asia/Shanghai' where book_id = $1 and campaign_id = $2`,
				o.book.ID, c.ID, slug, state, opens, closes)
			return err
		})
		return law.Campaign(c.ID)
	}
	number := 0
	project := func(title, starts, ends, ended string, rest bool) string {
		number++
		id, payee, contract := uuid.New(), uuid.New(), uuid.New()
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			state := map[bool]string{true: "approved", false: "ended"}[ended == ""]
			if _, err := tx.Exec(ctx, `insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, state, starts_on, ends_on, entered_by, ended_on, publish_by)
				values ($1, $2, $3, $4, $5, '', '计划', 0, 0, $6, $7::date, $8::date, $2, nullif($9, '')::date, (nullif($9, '')::date + interval '3 months')::date)`, o.book.ID, id, 900+number, title, o.funds[1].ID, state, starts, ends, ended); err != nil || !rest {
				return err
			}
			for _, sql := range []string{
				`insert into payee (book_id, id, number, kind, name, standing, code, services, contact, credit, state, entered_by) values ($1, $3, 900, 'organisation', '向阳社工', 'other', '', '', '', 'good', 'entered', $2)`,
				`insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, ends_on, state, entered_by) values ($1, $4, 900, 'HT-900', $2, $3, '服务', 'service', 'pro_rata', 100, 0, 0, '2026-08-31', 'closed', $2)`,
				`insert into contract_source (book_id, contract_id, position, fund_id, treatment, payer, party, amount, open) values ($1, $4, 1, $5, 'gift', '捐赠人', '', 100, 100)`,
			} {
				if _, err := tx.Exec(ctx, "with v(a, b, c, d, e) as (values ($1::int4, $2::uuid, $3::uuid, $4::uuid, $5::int4)) "+sql, o.book.ID, id, payee, contract, o.funds[1].ID); err != nil {
					return err
				}
			}
			return nil
		})
		return "project:" + id.String()
	}
	event := func(words, at string) string {
		id, on := uuid.New(), day(at)
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			return law.Enter(ctx, tx, o.book, law.Fact{ID: id, Rule: "R10", Item: "event", Object: "book", Day: &on, Words: words, EnteredBy: id, EnteredAt: o.now})
		})
		return "event:" + id.String()
	}
	enters := func(rule, item, object string) func(time.Time) {
		return func(at time.Time) {
			until := at.AddDate(2, 0, 0)
			o.fact(law.Fact{Rule: rule, Item: item, Object: object, Day: &at, Until: &until, Words: "51A2026001"})
		}
	}
	publishes := func(object, phase string) func(time.Time) {
		return func(at time.Time) {
			o.tx(func(ctx context.Context, tx pgx.Tx) error {
				draft, err := disclosure.Make(ctx, tx, o.book, object, at.Add(4*time.Hour))
				if err == nil {
					_, err = disclosure.Publish(ctx, tx, o.book, draft, disclosure.Version{Entry: uuid.New(), Phase: phase, MadeBy: uuid.New(), Second: uuid.New(), PublishedAt: at.Add(4 * time.Hour), PublishedOn: at})
				}
				return err
			})
		}
	}

	both := map[string]Lang{"li": ZH, "guo": EN}
	atRule := func(d *dueKind) string { return lawRule(d.rule) }
	atDraft := func(d *dueKind) string { return disclosureDraftHref(d.object) }
	file, filed := campaign("file", giving.Draft, "2026-12-01", "2026-12-31"), campaign("filed", giving.Draft, "2026-12-01", "2026-12-31")
	flood, flooded := campaign("flood", giving.Published, "2026-11-01", "2027-04-20"), campaign("flooded", giving.Published, "2026-11-01", "2027-04-20")
	for _, object := range []string{flood, flooded} {
		enters("R06", "emergency", object)(day("2026-11-01"))
	}
	long, longer := campaign("long", giving.Published, "2026-09-05", "2027-09-05"), campaign("longer", giving.Published, "2026-09-05", "2027-09-05")
	over, told := campaign("over", giving.Published, "2026-06-01", "2026-09-05"), campaign("told", giving.Published, "2026-06-01", "2026-09-05")
	runs, ended, spent := project("runs", "2026-08-20", "2027-08-31", "", false), project("ended", "2026-01-01", "2026-08-31", "2026-08-31", true), project("spent", "2026-01-01", "2026-08-31", "2026-08-31", false)
	bought, sold := event("bought", "2026-10-01"), event("sold", "2026-10-01")
	kinds := []dueKind{
		{phase: "filing", rule: "R06", zh: "file", object: file, due: "2026-11-21", to: both, path: atRule},
		{phase: "filing", rule: "R06", zh: "filed", object: filed, due: "2026-11-21", done: "2026-10-20", do: enters("R06", "filed", filed), to: both, path: atRule},
		{phase: "filing", rule: "R06", zh: "flood", object: flood, due: "2026-11-11", to: both, path: atRule},
		{phase: "filing", rule: "R06", zh: "flooded", object: flooded, due: "2026-11-11", done: "2026-11-03", do: enters("R06", "filed", flooded), to: both, path: atRule},
		{phase: "progress", rule: "R08", zh: "long", object: long, due: "2026-12-05", to: map[string]Lang{"chen": ZH}, path: atDraft},
		{phase: "progress", rule: "R08", zh: "longer", object: longer, due: "2026-12-05", done: "2026-11-20", do: publishes(longer, disclosure.Progress), to: both, path: atDraft},
		{phase: "progress", rule: "R08", zh: "longer", object: longer, due: "2027-02-20", done: "2027-02-15", do: publishes(longer, disclosure.Progress), to: both, path: atDraft}, // three months after it was published
		{phase: "progress", rule: "R08", zh: "longer", object: longer, due: "2027-05-15", done: "2027-04-01", do: publishes(longer, disclosure.Progress), to: both, path: atDraft},
		{phase: "progress", rule: "R08", zh: "longer", object: longer, due: "2027-07-01", done: "2027-06-05", do: publishes(longer, disclosure.Progress), to: both, path: atDraft},
		{phase: "progress", rule: "R08", zh: "runs", object: runs, due: "2026-11-20", to: both, path: atDraft},
		{phase: "final", rule: "R09", zh: "over", object: over, due: "2026-12-04", to: both, path: atDraft},
		{phase: "final", rule: "R09", zh: "told", object: told, due: "2026-12-04", done: "2026-11-10", do: publishes(told, disclosure.Last), to: both, path: atDraft},
		{phase: "final", rule: "R09", zh: "ended", object: ended, due: "2026-11-30", to: both, path: atDraft},
		{phase: "final", rule: "R09", zh: "spent", object: spent, due: "2026-11-30", done: "2026-09-20", do: publishes(spent, disclosure.Last), to: both, path: atDraft},
		{phase: "surplus", rule: "R13", zh: "ended", object: ended, due: "2026-11-30", done: "2026-11-25", do: enters("R13", "surplus", ended), to: both, path: atRule},
		{phase: "event", rule: "R10", zh: "bought", object: bought, due: "2026-10-31", to: both, path: atDraft}, // whom it was given to has left
		{phase: "event", rule: "R10", zh: "sold", object: sold, due: "2026-10-31", done: "2026-10-15", do: publishes(sold, disclosure.Last), to: both, path: atDraft},
		{phase: "year", rule: "R11", zh: "2026", object: "year:2026", due: "2027-05-31", done: "2027-06-03", do: publishes("year:2026", disclosure.Last), to: both, path: atDraft},
	}
	takes := func(object, login string) {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			all, err := law.Deadlines(ctx, tx, o.book, o.book.Day(o.now))
			for _, d := range all {
				if err == nil && d.Object == object {
					err = law.Take(ctx, tx, o.book, d.Key, o.personID(login))
				}
			}
			return err
		})
	}
	takes(long, "chen")
	takes(bought, "hu") // an administrator may not see to it
	o.reminds(day("2026-09-08"), day("2027-06-09"), kinds)
}

// reminds walks the days on which anything may happen and compares the letters with those that are due.
func (o *office) reminds(from, to time.Time, kinds []dueKind) {
	o.Helper()
	var days []time.Time
	done := map[string][]*dueKind{}
	var want []string
	for i := range kinds {
		k := &kinds[i]
		due, err := time.Parse(time.DateOnly, k.due)
		o.must(err)
		for _, n := range []int{-31, -30, -29, -8, -7, -6, 0, 1, 2, 9} {
			days = append(days, due.AddDate(0, 0, n))
		}
		if k.done != "" {
			at, err := time.Parse(time.DateOnly, k.done)
			o.must(err)
			days, done[k.done] = append(days, at), append(done[k.done], k)
		}
		for _, n := range []int{-30, -7, 1} {
			at := ISODay(due.AddDate(0, 0, n))
			if k.done != "" && at >= k.done {
				continue
			}
			for login, lang := range k.to {
				want = append(want, strings.Join([]string{at, login, k.path(k), T(lang, "mail.deadline", T(lang, "deadline.phase."+k.phase), k.zh, k.due, leftWords(lang, -n))}, " | "))
			}
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	s := &Server{}
	for _, at := range slices.Compact(days) {
		if at.Before(from) || at.After(to) {
			continue
		}
		for _, k := range done[ISODay(at)] { // in the morning, before the job
			k.do(at)
		}
		for range 2 { // the job may run twice
			o.tx(func(ctx context.Context, tx pgx.Tx) error {
				_, err := s.NoticeDeadlines(ctx, tx, o.book, time.Date(at.Year(), at.Month(), at.Day(), 8, 40, 0, 0, o.book.Zone))
				return err
			})
		}
	}
	var got []string
	paths := map[string]bool{}
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select (m.made_at at time zone 'Asia/Shanghai')::date, p.login, m.path, m.subject, m.body from mail m join person p on p.book_id = m.book_id and p.id = m.person_id where m.book_id = $1`, o.book.ID)
		if err != nil {
			return err
		}
		var at time.Time
		var login, path, subject, body string
		_, err = pgx.ForEachRow(rows, []any{&at, &login, &path, &subject, &body}, func() error {
			got = append(got, strings.Join([]string{ISODay(at), login, path, subject}, " | "))
			paths[login+" "+path] = true
			if mine := map[bool]string{true: "还没有经办人", false: "Nobody sees to it yet"}[login != "guo"]; strings.Contains(body, mine) == (login == "chen") {
				o.Errorf("to %s: %s", login, body)
			}
			return nil
		})
		return err
	})
	slices.Sort(want)
	slices.Sort(got)
	for _, line := range want {
		if !slices.Contains(got, line) {
			o.Errorf("no letter %s", line)
		}
	}
	for i, line := range got {
		if !slices.Contains(want, line) || i > 0 && got[i-1] == line {
			o.Errorf("a letter too many: %s", line)
		}
	}
	as := map[string]*client{}
	for path := range paths {
		login, href, _ := strings.Cut(path, " ")
		if as[login] == nil {
			as[login] = o.as(login)
		}
		as[login].wants(as[login].get(href), http.StatusOK)
	}
}
