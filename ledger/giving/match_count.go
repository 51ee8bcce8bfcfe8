package giving

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

// countRow is where counters lie together: those of one donor, campaign, organisation or pool, on one day or of the whole event. A
// counter a row cost as much again as the award.
type countRow struct {
	of   string // a letter for what it is
	name string
	day  int32
}

// subject is how the row is stored.
func (r countRow) subject() string { return r.of + r.name }

func countRowOf(subject string, day int32) countRow {
	n := min(1, len(subject))
	return countRow{subject[:n], subject[n:], day}
}

// The letters of subjects.
const (
	ofAll          = "a"
	ofPool         = "p"
	ofDonor        = "d"
	ofCampaign     = "c"
	ofOrganisation = "o"
)

const minutesADay = 24 * 60

// rowOfCount is the row of a counter. Minutes lie with the day of UTC that they are of.
func rowOfCount(k match.Key) countRow {
	switch k.Kind {
	case match.PoolUsed, match.PoolDayUsed, match.SliceUsed:
		return countRow{ofPool, k.A, int32(k.Day)}
	case match.AllUsed, match.AllDayUsed:
		return countRow{ofAll, "", int32(k.Day)}
	case match.CampaignDayMatch, match.CampaignMatch, match.Raised, match.Donors, match.LumpDone:
		return countRow{ofCampaign, k.A, int32(k.Day)}
	case match.OrgMatch:
		return countRow{ofOrganisation, k.A, 0}
	case match.DonorMinute:
		minute, _ := strconv.ParseInt(k.B, 10, 64) // written by the engine
		return countRow{ofDonor, k.A, int32(minute / minutesADay)}
	}
	return countRow{ofDonor, k.A, int32(k.Day)}
}

// counters are those of an event as far as they were read, with the rows that hold them.
type counters struct {
	state   match.State
	rows    map[countRow]*countKept
	changed []*countKept
}

// countKept is a row with its counters.
type countKept struct {
	at      countRow
	keys    []match.Key
	stored  bool // it may stand in the database
	changed bool
}

func newCounters() counters { return counters{match.State{}, map[countRow]*countKept{}, nil} }

// storedCount is a counter in its row: kind, B, value.
type storedCount struct {
	kind match.Kind
	b    string
	n    int64
}

// UnmarshalJSON reads [kind, b, value].
func (c *storedCount) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&c.kind, &c.b, &c.n})
}

// text writes a row as JSON, by hand: it is written for almost every gift.
func (c *counters) text(row *countKept) string {
	b := make([]byte, 0, 32*len(row.keys))
	b = append(b, '[')
	for i, k := range row.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '['), int64(k.Kind), 10), ',')
		b = append(appendText(b, k.B), ',')
		b = append(strconv.AppendInt(b, c.state[k], 10), ']')
	}
	return string(append(b, ']'))
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // texts always marshal
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// read takes the counters of a row.
func (c *counters) read(subject string, day int32, text string) error {
	var list []storedCount
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	row := c.row(countRowOf(subject, day))
	row.stored = true
	for _, s := range list {
		k := match.Key{Kind: s.kind, A: row.at.name, B: s.b}
		switch s.kind {
		case match.PoolDayUsed, match.AllDayUsed, match.DonorDayMatch, match.CampaignDayMatch, match.DonorDayGifts:
			k.Day = match.Day(day)
		}
		c.state[k] = s.n
		row.keys = append(row.keys, k)
	}
	return nil
}

func (c *counters) row(at countRow) *countKept {
	row := c.rows[at]
	if row == nil {
		row = &countKept{at: at}
		c.rows[at] = row
	}
	return row
}

// apply moves counters whose rows were read.
func (c *counters) apply(changes []match.Change) {
	for _, change := range changes {
		n, known := c.state[change.Key]
		c.state[change.Key] = n + change.Add
		row := c.row(rowOfCount(change.Key))
		if !known {
			row.keys = append(row.keys, change.Key)
		}
		if !row.changed {
			row.changed = true
			c.changed = append(c.changed, row)
		}
	}
}

const (
	sqlMatchCounts = `
select u.event_id, u.subject, u.day, c.counts
  from unnest($2::int4[], $3::text[], $4::int4[]) u(event_id, subject, day)
 cross join lateral (select counts from match_count where book_id = $1 and event_id = u.event_id and subject = u.subject and day = u.day limit 1) c`

	// Rows that were not there under the book's lock: half the price of an upsert.
	sqlCountInsert = `
insert into match_count (book_id, event_id, subject, day, counts)
select $1, unnest($2::int4[]), unnest($3::text[]), unnest($4::int4[]), unnest($5::text[])`

	sqlCountUpsert = `
insert into match_count (book_id, event_id, subject, day, counts)
select $1, unnest($2::int4[]), unnest($3::text[]), unnest($4::int4[]), unnest($5::text[])
    on conflict (book_id, event_id, subject, day) do update set counts = excluded.counts`
)

// countKeys are rows to be read.
type countKeys struct {
	event   []int32
	subject []string
	day     []int32
}

func (r *countKeys) add(event int32, row countRow) {
	r.event, r.subject, r.day = append(r.event, event), append(r.subject, row.subject()), append(r.day, row.day)
}

// want asks for the rows of counters, each once.
func (r *countKeys) want(event int32, asked map[countRow]bool, keys []match.Key) {
	for _, k := range keys {
		if row := rowOfCount(k); !asked[row] {
			asked[row] = true
			r.add(event, row)
		}
	}
}

func (r *countKeys) queue(q *pgx.Batch, book int32, read func(event int32, subject string, day int32, text string) error) {
	if len(r.event) == 0 {
		return
	}
	q.Queue(sqlMatchCounts, book, r.event, r.subject, r.day).Query(func(rows pgx.Rows) error {
		var event, day int32
		var subject, text string
		_, err := pgx.ForEachRow(rows, []any{&event, &subject, &day, &text}, func() error { return read(event, subject, day, text) })
		return err
	})
}

// countRows are the columns of rows to be written.
type countRows struct {
	countKeys
	counts []string
}

// countWrites are rows that changed.
type countWrites struct{ fresh, stored countRows }

// add takes the rows of an event that changed.
func (w *countWrites) add(event int32, c *counters) {
	for _, row := range c.changed {
		to := &w.fresh
		if row.stored {
			to = &w.stored
		}
		to.countKeys.add(event, row.at)
		to.counts = append(to.counts, c.text(row))
	}
}

func (w *countWrites) queue(q *pgx.Batch, book int32) {
	if r := &w.fresh; len(r.counts) > 0 {
		q.Queue(sqlCountInsert, book, r.event, r.subject, r.day, r.counts)
	}
	if r := &w.stored; len(r.counts) > 0 {
		q.Queue(sqlCountUpsert, book, r.event, r.subject, r.day, r.counts)
	}
}

// changeCounts moves counters of an event, under the book's lock.
func changeCounts(ctx context.Context, tx pg.Querier, book *ledger.Book, changes map[int32][]match.Change) error {
	q := &pgx.Batch{}
	var keys countKeys
	events := map[int32]*counters{}
	for event, list := range changes {
		c := newCounters()
		events[event] = &c
		asked := map[countRow]bool{}
		for _, change := range list {
			keys.want(event, asked, []match.Key{change.Key})
		}
	}
	keys.queue(q, book.ID, func(event int32, subject string, day int32, text string) error {
		return events[event].read(subject, day, text)
	})
	if q.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	var rows countWrites
	for event, c := range events {
		c.apply(changes[event])
		rows.add(event, c)
	}
	q = &pgx.Batch{}
	rows.queue(q, book.ID)
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("write counters of match: %w", err)
	}
	return nil
}
