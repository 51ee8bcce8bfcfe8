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
	subject string // a letter for what it is, and its name
	day     int32
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
		return countRow{ofPool + k.A, int32(k.Day)}
	case match.AllUsed, match.AllDayUsed:
		return countRow{ofAll, int32(k.Day)}
	case match.CampaignDayMatch, match.CampaignMatch, match.Raised, match.Donors, match.LumpDone:
		return countRow{ofCampaign + k.A, int32(k.Day)}
	case match.OrgMatch:
		return countRow{ofOrganisation + k.A, 0}
	case match.DonorMinute:
		minute, _ := strconv.ParseInt(k.B, 10, 64) // written by the engine
		return countRow{ofDonor + k.A, int32(minute / minutesADay)}
	}
	return countRow{ofDonor + k.A, int32(k.Day)}
}

// counters are those of an event as far as they were read, with the rows that hold them.
type counters struct {
	state   match.State
	rows    map[countRow]map[match.Key]bool
	changed map[countRow]bool
}

func newCounters() counters {
	return counters{match.State{}, map[countRow]map[match.Key]bool{}, map[countRow]bool{}}
}

// storedCount is a counter in its row: kind, B, value.
type storedCount struct {
	kind match.Kind
	b    string
	n    int64
}

// MarshalJSON and UnmarshalJSON write [kind, b, value].
func (c storedCount) MarshalJSON() ([]byte, error) { return json.Marshal([]any{c.kind, c.b, c.n}) }

func (c *storedCount) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&c.kind, &c.b, &c.n})
}

// read takes the counters of a row.
func (c *counters) read(row countRow, text string) error {
	var list []storedCount
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	for _, s := range list {
		k := match.Key{Kind: s.kind, A: row.subject[1:], B: s.b}
		switch s.kind {
		case match.PoolDayUsed, match.AllDayUsed, match.DonorDayMatch, match.CampaignDayMatch, match.DonorDayGifts:
			k.Day = match.Day(row.day)
		}
		c.state[k] = s.n
		c.hold(row, k)
	}
	return nil
}

func (c *counters) hold(row countRow, k match.Key) {
	if c.rows[row] == nil {
		c.rows[row] = map[match.Key]bool{}
	}
	c.rows[row][k] = true
}

// apply moves counters whose rows were read.
func (c *counters) apply(changes []match.Change) {
	c.state.Apply(changes)
	for _, change := range changes {
		row := rowOfCount(change.Key)
		c.hold(row, change.Key)
		c.changed[row] = true
	}
}

const (
	sqlMatchCounts = `
select u.event_id, u.subject, u.day, c.counts
  from unnest($2::int4[], $3::text[], $4::int4[]) u(event_id, subject, day)
 cross join lateral (select counts from match_count where book_id = $1 and event_id = u.event_id and subject = u.subject and day = u.day limit 1) c`

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

// want asks for the rows of counters, each once.
func (r *countKeys) want(event int32, asked map[countRow]bool, keys []match.Key) {
	for _, k := range keys {
		if row := rowOfCount(k); !asked[row] {
			asked[row] = true
			r.event, r.subject, r.day = append(r.event, event), append(r.subject, row.subject), append(r.day, row.day)
		}
	}
}

func (r *countKeys) queue(q *pgx.Batch, book int32, read func(event int32, row countRow, text string) error) {
	if len(r.event) == 0 {
		return
	}
	q.Queue(sqlMatchCounts, book, r.event, r.subject, r.day).Query(func(rows pgx.Rows) error {
		var event int32
		var row countRow
		var text string
		_, err := pgx.ForEachRow(rows, []any{&event, &row.subject, &row.day, &text}, func() error { return read(event, row, text) })
		return err
	})
}

// countRows are the columns of rows to be written.
type countRows struct {
	countKeys
	counts []string
}

// add takes the rows of an event that changed.
func (r *countRows) add(event int32, c *counters) {
	for row := range c.changed {
		list := make([]storedCount, 0, len(c.rows[row]))
		for k := range c.rows[row] {
			list = append(list, storedCount{k.Kind, k.B, c.state[k]})
		}
		text, err := json.Marshal(list)
		if err != nil {
			panic(err) // numbers and texts always marshal
		}
		r.event, r.subject, r.day, r.counts = append(r.event, event), append(r.subject, row.subject), append(r.day, row.day), append(r.counts, string(text))
	}
}

func (r *countRows) queue(q *pgx.Batch, book int32) {
	if len(r.counts) > 0 {
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
	keys.queue(q, book.ID, func(event int32, row countRow, text string) error { return events[event].read(row, text) })
	if q.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	var rows countRows
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
