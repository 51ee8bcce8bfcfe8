package trace

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

const (
	sqlLength = `select coalesce(max(at + amount), 0)::int8 from (select at, amount from trace_in where book_id = $1 and fund_id = $2 and lane = $3 order by at desc limit 1) x`

	sqlInsInsert = `
insert into trace_in (book_id, fund_id, seq, at, amount, entry_id, entry_at, lane, kind)
select $1, * from unnest($2::int4[], $3::int8[], $4::int8[], $5::int8[], $6::uuid[], $7::int8[], $8::text[], $9::text[])`

	sqlPieceGrow   = `update trace_piece set until = $5 where book_id = $1 and fund_id = $2 and lane = $3 and until = $4 and out_entry is null and at = (select max(at) from trace_piece where book_id = $1 and fund_id = $2 and lane = $3)`
	sqlPieceInsert = `insert into trace_piece (book_id, fund_id, lane, at, until, out_entry, out_at, own) values ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlPieceDrop   = `delete from trace_piece where book_id = $1 and fund_id = $2 and lane = $3 and at = $4`

	sqlFree = `select lane, at, until from trace_piece where book_id = $1 and fund_id = $2 and out_entry is null order by lane, at`

	// Where the first stretch after a moment begins, on each lane.
	sqlAfter = `
select u.lane, (select i.at from trace_in i where i.book_id = $1 and i.fund_id = $2 and i.lane = u.lane and i.seq > $4 order by i.seq limit 1) from unnest($3::text[]) u(lane)`

	sqlOver = `
select p.at, p.until, p.out_entry, p.out_at, p.own, coalesce(o.seq, 0), coalesce(o.amount, 0), coalesce(o.kind, ''), coalesce(o.project, '')
  from trace_piece p left join trace_out o on o.book_id = p.book_id and o.entry_id = p.out_entry and o.fund_id = p.fund_id
 where p.book_id = $1 and p.fund_id = $2 and p.lane = $3 and p.at < $5
   and p.at >= (select max(x.at) from trace_piece x where x.book_id = $1 and x.fund_id = $2 and x.lane = $3 and x.at <= $4)`

	sqlOutPieces = `select lane, at, until, out_at, own from trace_piece where book_id = $1 and out_entry = $2 and fund_id = $3 order by out_at desc`

	sqlUnmetInsert = `insert into trace_unmet (book_id, fund_id, seq, out_at, amount, out_entry) values ($1, $2, $3, $4, $5, $6)`
	sqlUnmetDrop   = `delete from trace_unmet where book_id = $1 and fund_id = $2 and seq = $3 and out_at = $4`
	sqlUnmet       = `
select u.seq, u.out_at, u.amount, u.out_entry, o.kind, o.project, o.contract
  from trace_unmet u join trace_out o on o.book_id = u.book_id and o.entry_id = u.out_entry and o.fund_id = u.fund_id
 where u.book_id = $1 and u.fund_id = $2 order by u.seq, u.out_at limit $3`
	sqlUnmetOf = `select out_at, amount from trace_unmet where book_id = $1 and fund_id = $2 and seq = $3 order by out_at desc`
)

// arrival is money that came in and is not written yet.
type arrival struct {
	stretch
	seq     int64
	entry   uuid.UUID
	entryAt int64
	kind    string
}

// piece is a part of a lane and whose it is.
type piece struct {
	lane      string
	at, until int64
	entry     *uuid.UUID
	outAt     int64
	own       bool
}

// arrive puts new money at the end of its lane.
func (w *walk) arrive(s step, amount, at int64, takes bool) error {
	if s.lane == "" && !takes {
		s.lane = ofContract(s.contract)
	}
	l := lane{s.fund, s.lane}
	length, known := w.totals[l]
	if !known {
		if err := w.tx.QueryRow(w.ctx, sqlLength, w.book.ID, l.fund, l.name).Scan(&length); err != nil {
			return fmt.Errorf("read length of lane: %w", err)
		}
	}
	w.seq++
	w.fresh = append(w.fresh, arrival{stretch{s.fund, s.lane, length, amount}, w.seq, s.entry, at, s.inKind(takes)})
	w.totals[l] = length + amount
	if w.unmet[s.fund] { // somebody waits for this money, and not for what comes after it
		return w.flush()
	}
	return nil
}

// flush writes what came in, and gives it to what had gone out before.
func (w *walk) flush() error {
	if len(w.fresh) == 0 {
		return nil
	}
	var funds []int32
	var seqs, ats, amounts, entryAts []int64
	var entries []uuid.UUID
	var lanes, kinds []string
	ends := map[lane][2]int64{}
	for _, a := range w.fresh {
		funds, seqs, ats, amounts = append(funds, a.Fund), append(seqs, a.seq), append(ats, a.At), append(amounts, a.Amount)
		entries, entryAts, lanes, kinds = append(entries, a.entry), append(entryAts, a.entryAt), append(lanes, a.Lane), append(kinds, a.kind)
		l := lane{a.Fund, a.Lane}
		end, ok := ends[l]
		if !ok {
			end[0] = a.At
		}
		ends[l] = [2]int64{end[0], a.At + a.Amount}
	}
	w.fresh = w.fresh[:0]
	if _, err := w.tx.Exec(w.ctx, sqlInsInsert, w.book.ID, funds, seqs, ats, amounts, entries, entryAts, lanes, kinds); err != nil {
		return fmt.Errorf("lay what came in: %w", err)
	}
	for l, end := range ends {
		tag, err := w.tx.Exec(w.ctx, sqlPieceGrow, w.book.ID, l.fund, l.name, end[0], end[1])
		if err != nil {
			return fmt.Errorf("let lane grow: %w", err)
		}
		if tag.RowsAffected() == 0 {
			if err := w.put(l.fund, piece{lane: l.name, at: end[0], until: end[1]}); err != nil {
				return err
			}
		}
	}
	for _, fund := range slices.Compact(slices.Sorted(slices.Values(funds))) {
		if err := w.settle(fund); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) put(fund int32, p piece) error {
	if p.at == p.until {
		return nil
	}
	if _, err := w.tx.Exec(w.ctx, sqlPieceInsert, w.book.ID, fund, p.lane, p.at, p.until, p.entry, p.outAt, p.own); err != nil {
		return fmt.Errorf("lay piece: %w", err)
	}
	return nil
}

// cut gives [at, until) of a piece to another use, or to nobody. What is left of it stays as it was.
func (w *walk) cut(fund int32, p piece, at, until int64, to *uuid.UUID, outAt int64, own bool) error {
	if _, err := w.tx.Exec(w.ctx, sqlPieceDrop, w.book.ID, fund, p.lane, p.at); err != nil {
		return fmt.Errorf("cut piece: %w", err)
	}
	before, after := p, p
	before.until, after.at = at, until
	if p.entry != nil {
		after.outAt += until - p.at
	}
	for _, part := range []piece{before, {p.lane, at, until, to, outAt, own}, after} {
		if err := w.put(fund, part); err != nil {
			return err
		}
	}
	return nil
}
