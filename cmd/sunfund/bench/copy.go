package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pglocal"
)

// What the intake wrote for complete gifts, in the order of its transactions.
const (
	sqlBookedEntries = `
select xid::text::int8, book_id, effective_on, id, key, body_hash, actor, kind, accounts, seqs from entry where book_id = $1 order by xid, id`
	sqlBookedPostings = `
select e.xid::text::int8, p.book_id, p.account_id, p.seq, p.entry_id, p.amount, p.balance_after, p.fund_id, p.line, p.unit
  from entry e join posting p on p.book_id = e.book_id and p.entry_id = e.id
 where e.book_id = $1 order by e.xid, p.entry_id, p.line`
	sqlBookedGifts = `
select e.xid::text::int8, g.book_id, g.id, g.campaign_id, g.fund_id, g.amount, g.fee, g.paid_at, g.channel, g.anonymity, g.ccy, g.ref, g.donor_id
  from entry e join gift g on g.book_id = e.book_id and g.id = e.id
 where e.book_id = $1 order by e.xid, g.id`
	sqlBookedDonors = `
select e.xid::text::int8, d.book_id, d.id, d.created_at, d.name_index, d.key_id, d.key, d.name
  from entry e join private.donor d on d.book_id = e.book_id and d.id = e.id
 where e.book_id = $1 order by e.xid, d.id`
	sqlBookedMessages = `
select e.xid::text::int8, m.book_id, m.donor_id, m.gift_id, m.text
  from entry e join private.message m on m.book_id = e.book_id and m.donor_id = e.id
 where e.book_id = $1 order by e.xid, m.gift_id`
)

// copied is a table of ours and what COPY writes into its copy.
type copied struct {
	table   string
	schema  string // of the table; empty: public
	sql     string
	columns []string
	scan    func(pgx.Rows) (xid int64, row []any, err error)
	rows    map[int64][][]any // by transaction
}

func copiedTables() []*copied {
	return []*copied{
		{table: "entry", sql: sqlBookedEntries,
			columns: []string{"book_id", "effective_on", "id", "key", "body_hash", "actor", "kind", "accounts", "seqs"},
			scan: func(rows pgx.Rows) (xid int64, row []any, err error) {
				var book int32
				var day time.Time
				var id, key, actor uuid.UUID
				var hash []byte
				var kind int16
				var accounts []int32
				var seqs []int64
				err = rows.Scan(&xid, &book, &day, &id, &key, &hash, &actor, &kind, &accounts, &seqs)
				return xid, []any{book, day, id, key, hash, actor, kind, accounts, seqs}, err
			}},
		{table: "posting", sql: sqlBookedPostings,
			columns: []string{"book_id", "account_id", "seq", "entry_id", "amount", "balance_after", "fund_id", "line", "unit"},
			scan: func(rows pgx.Rows) (xid int64, row []any, err error) {
				var book, account, fund int32
				var seq, amount, after int64
				var entry uuid.UUID
				var line, unit int16
				err = rows.Scan(&xid, &book, &account, &seq, &entry, &amount, &after, &fund, &line, &unit)
				return xid, []any{book, account, seq, entry, amount, after, fund, line, unit}, err
			}},
		{table: "gift", sql: sqlBookedGifts,
			columns: []string{"book_id", "id", "campaign_id", "fund_id", "amount", "fee", "paid_at", "channel", "anonymity", "ccy", "ref", "donor_id"},
			scan: func(rows pgx.Rows) (xid int64, row []any, err error) {
				var book, campaign, fund int32
				var id uuid.UUID
				var donor *uuid.UUID
				var amount, fee int64
				var at time.Time
				var channel, anonymity int16
				var ccy, ref string
				err = rows.Scan(&xid, &book, &id, &campaign, &fund, &amount, &fee, &at, &channel, &anonymity, &ccy, &ref, &donor)
				return xid, []any{book, id, campaign, fund, amount, fee, at, channel, anonymity, ccy, ref, donor}, err
			}},
		{table: "donor", schema: "private.", sql: sqlBookedDonors,
			columns: []string{"book_id", "id", "created_at", "name_index", "key_id", "key", "name"},
			scan: func(rows pgx.Rows) (xid int64, row []any, err error) {
				var book int32
				var id uuid.UUID
				var at time.Time
				var index *int64
				var by string
				var key, name []byte
				err = rows.Scan(&xid, &book, &id, &at, &index, &by, &key, &name)
				return xid, []any{book, id, at, index, by, key, name}, err
			}},
		{table: "message", schema: "private.", sql: sqlBookedMessages,
			columns: []string{"book_id", "donor_id", "gift_id", "text"},
			scan: func(rows pgx.Rows) (xid int64, row []any, err error) {
				var book int32
				var donor, gift uuid.UUID
				var text []byte
				err = rows.Scan(&xid, &book, &donor, &gift, &text)
				return xid, []any{book, donor, gift, text}, err
			}},
	}
}

// read takes over what stands in the table and lays out an empty copy with the same keys, indexes and checks.
func (c *copied) read(ctx context.Context, w *world) (order []int64, err error) {
	rows, err := w.owner.Query(ctx, c.sql, w.book.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	c.rows = map[int64][][]any{}
	for rows.Next() {
		xid, row, err := c.scan(rows)
		if err != nil {
			return nil, err
		}
		if c.rows[xid] == nil {
			order = append(order, xid)
		}
		c.rows[xid] = append(c.rows[xid], row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	_, err = w.owner.Exec(ctx, fmt.Sprintf(`create table copy_%s (like %s%[1]s including all)`, c.table, c.schema))
	return order, err
}

// copySource begins the names of the rows whose work COPY does again.
const copySource = "intake "

// measureCopy is the practical limit: what the intake of this round wrote, written again by one session's binary COPY, a
// transaction for each of the intake's, into copies of the tables without triggers. Balances and turnovers are left out.
func measureCopy(ctx context.Context, l *lab, r *row) (sample, error) {
	source := *r
	source.name, source.clients = copySource+strings.TrimPrefix(r.name, "copy ")+" 1000", 4
	w := l.worlds[source.name]
	if w == nil {
		if _, err := measureIntake(ctx, l, &source); err != nil {
			return sample{}, err
		}
		w = l.worlds[source.name]
	}
	tables := copiedTables()
	var order []int64
	for i, c := range tables {
		xids, err := c.read(ctx, w)
		if err != nil {
			return sample{}, err
		}
		if i == 0 {
			order = xids
		}
	}
	conn, err := w.owner.Acquire(ctx)
	if err != nil {
		return sample{}, err
	}
	defer conn.Release()
	var s sample
	before, begin := ownCPU(), time.Now()
	for _, xid := range order {
		if err := copyOne(ctx, conn.Conn(), tables, xid); err != nil {
			return s, err
		}
	}
	s.took, s.gifts = time.Since(begin), w.tally.booked.Load()
	s.goCPU = (ownCPU() - before) / time.Duration(max(1, s.gifts))
	return s, nil
}

func copyOne(ctx context.Context, conn *pgx.Conn, tables []*copied, xid int64) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	for _, c := range tables {
		if len(c.rows[xid]) == 0 {
			continue
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"copy_" + c.table}, c.columns, pgx.CopyFromRows(c.rows[xid])); err != nil {
			return errors.Join(err, tx.Rollback(ctx))
		}
	}
	return tx.Commit(ctx)
}

const bareTables = `
drop table if exists bare_journal, bare_posting;
create table bare_journal (id int8 primary key, at timestamptz not null, key uuid not null, memo text not null);
create table bare_posting (id int8 primary key, journal int8 not null, account int8 not null, amount int8 not null);
create index on bare_posting (account, id)`

// measureBareCopy is C of the targets: one session's COPY, as text, of transfers of one journal row and two postings.
func measureBareCopy(ctx context.Context, l *lab, _ *row) (sample, error) {
	conn, err := pgx.Connect(ctx, l.server.DSN("postgres", pglocal.Owner))
	if err != nil {
		return sample{}, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, bareTables); err != nil {
		return sample{}, err
	}
	n := l.cfg.Copied
	journals, postings := &bytes.Buffer{}, &bytes.Buffer{}
	line := make([]byte, 0, 200)
	for i := range n {
		line = fmt.Appendf(line[:0], "%d\t2026-09-05 09:00:00+08\t%032x\tone bare transfer of the giving day, as a limit\n", i, i)
		journals.Write(line)
		for side := range 2 {
			line = strconv.AppendInt(line[:0], int64(2*i+side), 10)
			line = strconv.AppendInt(append(line, '\t'), int64(i), 10)
			line = strconv.AppendInt(append(line, '\t'), int64(side), 10)
			line = append(line, "\t10000\n"...)
			postings.Write(line)
		}
	}
	begin := time.Now()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return sample{}, err
	}
	if _, err = conn.PgConn().CopyFrom(ctx, journals, "copy bare_journal from stdin"); err == nil {
		_, err = conn.PgConn().CopyFrom(ctx, postings, "copy bare_posting from stdin")
	}
	if err != nil {
		return sample{}, errors.Join(err, tx.Rollback(ctx))
	}
	if err := tx.Commit(ctx); err != nil {
		return sample{}, err
	}
	return sample{gifts: int64(n), took: time.Since(begin)}, nil
}
