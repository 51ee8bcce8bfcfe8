package recon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// told is what the checks of matching say, in one transaction that is undone: damage is planted as the database's owner, triggers off.
func (m *month) told(damage string) (said []string) {
	m.Helper()
	ctx := context.Background()
	tx, err := m.owner.Begin(pg.WithBook(ctx, m.book.ID))
	m.ok(err)
	defer func() { _ = tx.Rollback(ctx) }()
	if damage != "" {
		if _, err := tx.Exec(ctx, "set local session_replication_role = replica"); err != nil {
			m.Fatal(err)
		}
		if tag, err := tx.Exec(ctx, damage); err != nil || tag.RowsAffected() == 0 {
			m.Fatalf("%s: %v %v", damage, tag, err)
		}
	}
	checks, err := recon.VerifyMatches(ctx, tx, m.book)
	m.ok(err)
	for _, c := range checks {
		if c.Compared == 0 {
			m.Errorf("%s compared nothing", c.Code)
		}
		for _, d := range c.Differs {
			said = append(said, c.Code+": "+d)
		}
	}
	return said
}

// What is matched twice, or is not of one amount, is told, on pages and off them.
func TestVerifyMatches(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "clean-1", statement.MT940)
	m.paged = true
	for _, name := range m.files("bank_mt940.sta") {
		m.take(name, shared(t, "clean-1", name))
	}
	m.run(asOf)
	if said := m.told(""); len(said) > 0 {
		t.Fatalf("a clean month: %s", strings.Join(said, "\n"))
	}
	const (
		line  = `(select l.line_key from recon_page p join ext_line l on l.file_id = p.file_id and l.line_no = p.page * 1000 + p.places[1] + 1 order by p.file_id, p.page limit 1)`
		page  = `(select p from recon_page p order by p.file_id, p.page limit 1)`
		other = `(select x.file_id from recon_page x where x.source_id = p.source_id and x.file_id > p.file_id order by x.file_id limit 1)`
		held  = `insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount) select p.book_id, `
	)
	for _, one := range []struct{ name, damage, want string }{
		{"a line on a page and beside it", held + `p.source_id, 0, 7, 9, 1, gen_random_uuid(), ` + line + `, 5, 1 from ` + page + ` x(p), lateral (select (x.p).*) p`, "recon-once: line "},
		{"a gift on a page and beside it", held + `p.source_id, 0, 7, 9, 1, p.ours[1], '\x00', 1, 1 from ` + page + ` x(p), lateral (select (x.p).*) p`, " is in 2 matches of part 0"},
		{"a gift on two pages", `update recon_page p set ours[1] = (select x.ours[1] from recon_page x where x.file_id = ` + other + `)
		   where p.file_id = (select min(q.file_id::text)::uuid from recon_page q where q.source_id = p.source_id) and exists (select from recon_page x where x.source_id = p.source_id and x.file_id > p.file_id)`,
			" is in 2 matches of part 0"},
		{"a line twice on its page", `update recon_page set places[2] = places[1] where lines > 1`, " times"},
		{"a page's line is not there", `update recon_page set places[1] = 999`, "are not both there"},
		{"a page's gift is not there", `update recon_page set ours[1] = gen_random_uuid()`, "are not both there"},
		{"a page's times", `update recon_page set to_at = from_at`, "are not both there"},
		{"a line off pages twice", `drop index recon_member_line; ` + held + `source_id, part, rule, 9, 1, gen_random_uuid(), line_key, 5, amount from (select * from recon_member where live and line_key is not null limit 1) p`,
			"recon-once: line "},
		{"a matched line is open", `insert into open_line select book_id, source_id, ` + line + `, 'timing', now() from recon_page order by file_id, page limit 1`, "is matched, and open"},
		{"a matched gift is open", `insert into open_ours select p.book_id, g.id, 1, g.channel, 0, g.ref, '', g.amount, g.ccy, g.fee, g.paid_at, g.paid_at::date, g.paid_at::date, 'timing', now()
		   from recon_page p join gift g on g.id = p.ours[1] limit 1`, ", and open"},
		{"a line's amount", `update ext_line set amount = amount + 1 where line_key = ` + line, "recon-amount: line "},
		{"a gift's amount", `update gift set amount = amount + 1 where id = (select ours[1] from recon_page limit 1)`, "recon-amount: line "},
		{"a gift's currency", `update gift set ccy = 'HKD' where id = (select ours[1] from recon_page limit 1)`, " HKD"},
		{"a gift's fee", `update gift set fee = fee + 1 where id = (select ours[1] from recon_page limit 1)`, "kept a fee of "},
		{"a settlement's amount", `update settlement set amount = amount + 1 where id = (select ours from recon_member where live and kind = 4 and group_id is null limit 1)`, "recon-amount: line "},
		{"what is allotted", `update recon_member set amount = amount + 1 where live and group_id is null and line_key is not null and ours is not null`, ", allotted "},
		{"a group's line", `update ext_line l set amount = l.amount + 1 from recon_member x where x.live and x.group_id is not null and l.source_id = x.source_id and l.line_key = x.line_key`, "its lines add up to"},
	} {
		if said := m.told(one.damage); !strings.Contains(strings.Join(said, "\n"), one.want) {
			t.Errorf("%s: %d told: %s", one.name, len(said), fmt.Sprint(said))
		}
	}
	// It is part of what verify compares.
	m.ok(pg.InTx(pg.WithBook(context.Background(), m.book.ID), m.db, func(tx pgx.Tx) error {
		checks, err := recon.Verify(context.Background(), tx, m.book)
		if err != nil {
			return err
		}
		if !ledger.Clean(checks) {
			t.Errorf("%+v", checks)
		}
		for _, c := range checks {
			if c.Code == "recon-once" && c.Compared > 100 {
				return nil
			}
		}
		t.Error("verify does not look at matches")
		return nil
	}))
}
