package trace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlInsOf = `select fund_id, lane, at, amount, entry_at from trace_in where book_id = $1 and entry_id = $2 order by entry_at, seq`

	// What became of a part of a lane. The piece in which it begins is found by the key.
	sqlUses = `
select greatest(p.at, $4), least(p.until, $5), p.out_entry, p.out_at + greatest(p.at, $4) - p.at, p.fund_id, coalesce(o.entry_at, 0), coalesce(o.kind, ''), coalesce(o.account, ''),
       coalesce(o.object, ''), coalesce(o.project, ''), coalesce(o.day, '0001-01-01'), coalesce(o.seq, 0), p.own
  from trace_piece p left join trace_out o on o.book_id = p.book_id and o.entry_id = p.out_entry and o.fund_id = p.fund_id
 where p.book_id = $1 and p.fund_id = $2 and p.lane = $3 and p.at < $5
   and p.at >= (select max(x.at) from trace_piece x where x.book_id = $1 and x.fund_id = $2 and x.lane = $3 and x.at <= $4)
 order by p.at`

	sqlOutsBy = `select entry_id, fund_id, amount, entry_at from trace_out where book_id = $1 and object = $2 and amount > 0 order by seq`
	sqlOutsOf = `select entry_id, fund_id, amount, entry_at from trace_out where book_id = $1 and entry_id = $2 and amount > 0 order by seq`

	// Which parts of lanes a part of a use took.
	sqlTaken = `
select lane, at + greatest($4 - out_at, 0), least(until, at + $5 - out_at) from trace_piece
 where book_id = $1 and out_entry = $2 and fund_id = $3 and out_at < $5 and out_at + until - at > $4 order by out_at`

	// What came in on a part of a lane, by kind: so much of it, by so many.
	sqlCameIn = `
select kind, sum(least(at + amount, $5) - greatest(at, $4))::int8, count(*)
  from trace_in
 where book_id = $1 and fund_id = $2 and lane = $3 and at < $5
   and at >= (select max(x.at) from trace_in x where x.book_id = $1 and x.fund_id = $2 and x.lane = $3 and x.at <= $4)
 group by 1 order by 1`

	sqlCameMoved = `
select entry_id, entry_at + greatest($4 - at, 0), entry_at + least(amount, $5 - at)
  from trace_in
 where book_id = $1 and fund_id = $2 and lane = $3 and kind = 'transfer' and at < $5 and at + amount > $4
   and at >= (select max(x.at) from trace_in x where x.book_id = $1 and x.fund_id = $2 and x.lane = $3 and x.at <= $4)
 order by at`

	sqlCameGifts = `
select entry_id, least(at + amount, $5) - greatest(at, $4), amount
  from trace_in
 where book_id = $1 and fund_id = $2 and lane = $3 and kind = 'gift' and at < $5
   and at >= (select max(x.at) from trace_in x where x.book_id = $1 and x.fund_id = $2 and x.lane = $3 and x.at <= $4)
 order by at limit $6`
)

// Use is what a part of a gift became. Amount is minor units of the book's currency.
type Use struct {
	Kind    string // Payment, Cost, Fee, Levied, Refund, PaidBack
	Entry   uuid.UUID
	Fund    int32
	Account string // of the chart
	Object  string // "disbursement:…" of a payment
	Project string // "X12"
	Day     time.Time
	Amount  int64
	Own     bool // given back to this giver
}

// Became is what became of money that came in with one entry: the sum of Uses and Waiting is Amount.
type Became struct {
	Amount  int64
	Waiting int64
	Uses    []Use // in the order in which it was used
}

// movesMax bounds how often money is followed from fund to fund. More moves than that of one fen are not shown as moved but as what they are.
const movesMax = 20

// Of tells what became of a gift or of other money, by the entry that brought it. Amount 0: nothing came in with it, or it is not followed yet.
func Of(ctx context.Context, q pg.Querier, book *ledger.Book, entry uuid.UUID) (*Became, error) {
	f := &finder{ctx, q, book}
	ins, err := f.ins(entry)
	if err != nil {
		return nil, err
	}
	b := &Became{}
	for _, in := range ins {
		b.Amount += in.Amount
		if err := f.down(in.stretch, b, 0); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// finder answers from the lines.
type finder struct {
	ctx  context.Context
	q    pg.Querier
	book *ledger.Book
}

// came is a stretch with its place in what its entry moved.
type came struct {
	stretch
	entryAt int64
}

func (f *finder) ins(entry uuid.UUID) ([]came, error) {
	rows, err := f.q.Query(f.ctx, sqlInsOf, f.book.ID, entry)
	if err != nil {
		return nil, fmt.Errorf("find stretch: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c came, err error) {
		err = row.Scan(&c.Fund, &c.Lane, &c.At, &c.Amount, &c.entryAt)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("find stretch: %w", err)
	}
	return list, nil
}

// down adds what became of a part of a lane.
func (f *finder) down(s stretch, b *Became, moves int) error {
	type use struct {
		Use
		entry              *uuid.UUID
		outAt, entryAt, id int64
	}
	rows, err := f.q.Query(f.ctx, sqlUses, f.book.ID, s.Fund, s.Lane, s.At, s.At+s.Amount)
	if err != nil {
		return fmt.Errorf("read what became of a stretch: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u use, err error) {
		var at, until int64
		err = row.Scan(&at, &until, &u.entry, &u.outAt, &u.Fund, &u.entryAt, &u.Kind, &u.Account, &u.Object, &u.Project, &u.Day, &u.id, &u.Own)
		u.Amount = until - at
		return u, err
	})
	if err != nil {
		return fmt.Errorf("read what became of a stretch: %w", err)
	}
	slices.SortStableFunc(list, func(a, b use) int { return cmp.Compare(a.id, b.id) })
	for _, u := range list {
		switch {
		case u.entry == nil:
			b.Waiting += u.Amount
			continue
		case u.Kind == Moved && moves < movesMax:
			if err := f.arrived(*u.entry, u.entryAt+u.outAt, u.Amount, b, moves+1); err != nil {
				return err
			}
			continue
		}
		u.Entry = *u.entry
		if at := slices.IndexFunc(b.Uses, func(x Use) bool { return x.Entry == u.Entry && x.Fund == u.Fund && x.Own == u.Own }); at >= 0 {
			b.Uses[at].Amount += u.Amount
			continue
		}
		b.Uses = append(b.Uses, u.Use)
	}
	return nil
}

// arrived follows [at, at+amount) of what an entry moved into the funds that it brought it to.
func (f *finder) arrived(entry uuid.UUID, at, amount int64, b *Became, moves int) error {
	ins, err := f.ins(entry)
	if err != nil {
		return err
	}
	for _, in := range ins {
		begin, end := max(at, in.entryAt), min(at+amount, in.entryAt+in.Amount)
		if begin >= end {
			continue
		}
		s := in.stretch
		s.At, s.Amount = s.At+begin-in.entryAt, end-begin
		if err := f.down(s, b, moves); err != nil {
			return err
		}
	}
	return nil
}

// Part is what a payment was made of, of one kind.
type Part struct {
	Kind   string
	Count  int64 // of stretches: gifts, or amounts of another kind
	Amount int64
}

// Made is what a payment was made of: the sum of Parts and Unmet is Amount.
type Made struct {
	Amount int64
	Unmet  int64 // went out before money for it came in
	Parts  []Part
	Gifts  []GiftPart // the first hundred, if they were asked for
}

// GiftPart is a gift that a payment was made of.
type GiftPart struct {
	ID     uuid.UUID
	Amount int64 // of it
	Whole  int64
}

// giftsShown bounds the gifts of one answer.
const giftsShown = 100

// MadeOf tells what the uses of a record were made of, such as Object of a payment; with gifts also of whose. Names nobody.
func MadeOf(ctx context.Context, q pg.Querier, book *ledger.Book, object string, gifts bool) (*Made, error) {
	f := &finder{ctx, q, book}
	m := &Made{}
	outs, err := f.outs(sqlOutsBy, object)
	if err != nil {
		return nil, err
	}
	for _, o := range outs {
		m.Amount += o.Amount
		if err := f.up(o, 0, o.Amount, m, gifts, 0); err != nil {
			return nil, err
		}
	}
	m.Unmet = m.Amount
	for _, p := range m.Parts {
		m.Unmet -= p.Amount
	}
	slices.SortFunc(m.Parts, func(a, b Part) int { return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Kind, b.Kind)) })
	return m, nil
}

// gone is a use with its place in what its entry took.
type gone struct {
	out
	entryAt int64
}

func (f *finder) outs(sql string, key any) ([]gone, error) {
	rows, err := f.q.Query(f.ctx, sql, f.book.ID, key)
	if err != nil {
		return nil, fmt.Errorf("find use: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g gone, err error) {
		err = row.Scan(&g.Entry, &g.Fund, &g.Amount, &g.entryAt)
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("find use: %w", err)
	}
	return list, nil
}

// up adds what [at, until) of a use was made of.
func (f *finder) up(o gone, at, until int64, m *Made, gifts bool, moves int) error {
	rows, err := f.q.Query(f.ctx, sqlTaken, f.book.ID, o.Entry, o.Fund, at, until)
	if err != nil {
		return fmt.Errorf("read what a use took: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stretch, err error) {
		var end int64
		err = row.Scan(&s.Lane, &s.At, &end)
		s.Fund, s.Amount = o.Fund, end-s.At
		return s, err
	})
	if err != nil {
		return fmt.Errorf("read what a use took: %w", err)
	}
	for _, s := range joined(list) {
		if err := f.madeOf(s, m, gifts, moves); err != nil {
			return err
		}
	}
	return nil
}

// joined makes neighbours one, so that a gift that lies in both is counted once.
func joined(list []stretch) (all []stretch) {
	slices.SortFunc(list, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.At, b.At)) })
	for _, s := range list {
		if n := len(all); n > 0 && all[n-1].Lane == s.Lane && all[n-1].At+all[n-1].Amount == s.At {
			all[n-1].Amount += s.Amount
			continue
		}
		all = append(all, s)
	}
	return all
}

func (f *finder) madeOf(s stretch, m *Made, gifts bool, moves int) error {
	var p Part
	moved := false
	rows, err := f.q.Query(f.ctx, sqlCameIn, f.book.ID, s.Fund, s.Lane, s.At, s.At+s.Amount)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&p.Kind, &p.Amount, &p.Count}, func() error {
			if p.Kind == Moved && moves < movesMax {
				moved = true
				return nil
			}
			m.add(p)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read what came in: %w", err)
	}
	if gifts {
		if err := f.gifts(s, m); err != nil {
			return err
		}
	}
	if !moved {
		return nil
	}
	type part struct {
		entry     uuid.UUID
		at, until int64
	}
	rows, err = f.q.Query(f.ctx, sqlCameMoved, f.book.ID, s.Fund, s.Lane, s.At, s.At+s.Amount)
	if err != nil {
		return fmt.Errorf("read what was moved in: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c part, err error) {
		err = row.Scan(&c.entry, &c.at, &c.until)
		return c, err
	})
	if err != nil {
		return fmt.Errorf("read what was moved in: %w", err)
	}
	for _, c := range list {
		outs, err := f.outs(sqlOutsOf, c.entry)
		if err != nil {
			return err
		}
		for _, o := range outs {
			if begin, end := max(c.at, o.entryAt), min(c.until, o.entryAt+o.Amount); begin < end {
				if err := f.up(o, begin-o.entryAt, end-o.entryAt, m, gifts, moves+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (m *Made) add(p Part) {
	for i := range m.Parts {
		if m.Parts[i].Kind == p.Kind {
			m.Parts[i].Amount += p.Amount
			m.Parts[i].Count += p.Count
			return
		}
	}
	m.Parts = append(m.Parts, p)
}

func (f *finder) gifts(s stretch, m *Made) error {
	var g GiftPart
	rows, err := f.q.Query(f.ctx, sqlCameGifts, f.book.ID, s.Fund, s.Lane, s.At, s.At+s.Amount, giftsShown-len(m.Gifts))
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&g.ID, &g.Amount, &g.Whole}, func() error {
			m.Gifts = append(m.Gifts, g)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read gifts: %w", err)
	}
	return nil
}
