package trace

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// settleOne takes money for [at, at+amount) of a use by the rule, and notes what there is none for.
func (w *walk) settleOne(o out, at, amount int64) error {
	if amount == 0 {
		return nil
	}
	var passes [][]string
	if own := ofContract(o.contract); own != "" {
		passes = append(passes, []string{own})
	}
	if lanes := w.earmarks[o.Project]; o.Project != "" && len(lanes) > 0 {
		passes = append(passes, lanes)
	}
	passes = append(passes, nil)
	for _, lanes := range passes {
		done, err := w.take(o, at, amount, lanes)
		if err != nil {
			return err
		}
		at, amount = at+done, amount-done
	}
	if amount == 0 {
		return nil
	}
	w.unmet[o.Fund] = true
	if _, err := w.tx.Exec(w.ctx, sqlUnmetInsert, w.book.ID, o.Fund, o.Seq, at, amount, o.Entry); err != nil {
		return fmt.Errorf("note what is not covered: %w", err)
	}
	return nil
}

// take gives a use the money that has waited longest on the named lanes, or on all with none.
func (w *walk) take(o out, at, amount int64, lanes []string) (done int64, err error) {
	free, err := w.free(o.Fund, lanes)
	if err != nil || amount == 0 {
		return 0, err
	}
	if free, err = w.oldest(o.Fund, free, amount); err != nil {
		return 0, err
	}
	for _, p := range free {
		n := min(p.until-p.at, amount-done)
		whole, err := w.whole(o.Fund, p)
		if err != nil {
			return 0, err
		}
		if err := w.cut(o.Fund, whole, p.at, p.at+n, &o.Entry, at+done, false); err != nil {
			return 0, err
		}
		done += n
	}
	return done, nil
}

// whole is the free piece that p begins.
func (w *walk) whole(fund int32, p piece) (piece, error) {
	over, err := w.over(stretch{fund, p.lane, p.at, 1})
	if err != nil || len(over) == 0 {
		return p, err
	}
	return over[0].piece, nil
}

func (w *walk) free(fund int32, lanes []string) ([]piece, error) {
	rows, err := w.tx.Query(w.ctx, sqlFree, w.book.ID, fund)
	if err != nil {
		return nil, fmt.Errorf("read what waits: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p piece, err error) {
		err = row.Scan(&p.lane, &p.at, &p.until)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what waits: %w", err)
	}
	if lanes != nil {
		list = slices.DeleteFunc(list, func(p piece) bool { return !slices.Contains(lanes, p.lane) })
	}
	return list, nil
}

func lengths(list []piece) (sum int64) {
	for _, p := range list {
		sum += p.until - p.at
	}
	return sum
}

// oldest are the parts of free pieces that together are amount, or all there is, and came before what is left out.
func (w *walk) oldest(fund int32, free []piece, amount int64) ([]piece, error) {
	if lengths(free) <= amount || free[0].lane == free[len(free)-1].lane {
		return free[:first(free, amount)], nil
	}
	low, high := int64(0), w.seq // up to low is too little, up to high is enough
	for high-low > 1 {
		middle := low + (high-low)/2
		part, err := w.upTo(fund, free, middle)
		if err != nil {
			return nil, err
		}
		if lengths(part) < amount {
			low = middle
		} else {
			high = middle
		}
	}
	before, err := w.upTo(fund, free, low)
	if err != nil {
		return nil, err
	}
	part, err := w.upTo(fund, free, high)
	if err != nil {
		return nil, err
	}
	return trim(before, part, lengths(part)-amount), nil
}

// first is how many of a lane's free pieces an amount needs.
func first(free []piece, amount int64) int {
	n := 0
	for ; n < len(free) && amount > 0; n++ {
		amount -= free[n].until - free[n].at
	}
	return n
}

// trim takes what is too much off the one stretch by which part is more than before.
func trim(before, part []piece, excess int64) []piece {
	in := map[string]int64{}
	for _, p := range before {
		in[p.lane] += p.until - p.at
	}
	now := map[string]int64{}
	for _, p := range part {
		now[p.lane] += p.until - p.at
	}
	for i := len(part) - 1; i >= 0 && excess > 0; i-- {
		p := &part[i]
		if now[p.lane] == in[p.lane] {
			continue
		}
		n := min(excess, p.until-p.at)
		p.until -= n
		excess -= n
	}
	return slices.DeleteFunc(part, func(p piece) bool { return p.at == p.until })
}

// upTo are the parts of free pieces that came in up to a moment.
func (w *walk) upTo(fund int32, free []piece, seq int64) ([]piece, error) {
	var lanes []string
	for _, p := range free {
		if !slices.Contains(lanes, p.lane) {
			lanes = append(lanes, p.lane)
		}
	}
	rows, err := w.tx.Query(w.ctx, sqlAfter, w.book.ID, fund, lanes, seq)
	if err != nil {
		return nil, fmt.Errorf("look along lanes: %w", err)
	}
	ends := map[string]*int64{}
	var name string
	var at *int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &at}, func() error {
		ends[name] = at
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look along lanes: %w", err)
	}
	var list []piece
	for _, p := range free {
		if end := ends[p.lane]; end != nil {
			p.until = min(p.until, *end)
		}
		if p.at < p.until {
			list = append(list, p)
		}
	}
	return list, nil
}

// owned is a piece with the use that took it.
type owned struct {
	piece
	by out
}

func (w *walk) over(s stretch) ([]owned, error) {
	rows, err := w.tx.Query(w.ctx, sqlOver, w.book.ID, s.Fund, s.Lane, s.At, s.At+s.Amount)
	if err != nil {
		return nil, fmt.Errorf("read pieces: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o owned, err error) {
		o.lane, o.by.Fund = s.Lane, s.Fund
		err = row.Scan(&o.at, &o.until, &o.entry, &o.outAt, &o.own, &o.by.Seq, &o.by.Amount, &o.by.Kind, &o.by.Project)
		if o.entry != nil {
			o.by.Entry = *o.entry
		}
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read pieces: %w", err)
	}
	return list, nil
}

// withdraw lets up to amount of a stretch leave with o, from its end: first what waits, then what was spent last. What that had paid takes the
// oldest money that waits.
func (w *walk) withdraw(s stretch, o out, at, amount int64) (done int64, err error) {
	list, err := w.over(s)
	if err != nil {
		return 0, err
	}
	list = slices.DeleteFunc(list, func(p owned) bool { return p.own })
	slices.SortFunc(list, func(a, b owned) int {
		switch {
		case a.entry == nil != (b.entry == nil):
			return map[bool]int{true: -1, false: 1}[a.entry == nil]
		case a.by.Seq != b.by.Seq:
			return cmp.Compare(b.by.Seq, a.by.Seq)
		}
		return cmp.Compare(b.at, a.at)
	})
	for _, p := range list {
		begin, end := max(p.at, s.At), min(p.until, s.At+s.Amount)
		n := min(end-begin, amount-done)
		if n == 0 {
			continue
		}
		begin = end - n
		if err := w.cut(s.Fund, p.piece, begin, end, &o.Entry, at+done, true); err != nil {
			return 0, err
		}
		if p.entry != nil {
			w.unmet[s.Fund] = true
			if _, err := w.tx.Exec(w.ctx, sqlUnmetInsert, w.book.ID, s.Fund, p.by.Seq, p.outAt+begin-p.at, n, p.by.Entry); err != nil {
				return 0, fmt.Errorf("note what is not covered: %w", err)
			}
		}
		done += n
	}
	return done, w.settle(s.Fund)
}

// release frees the last amount of what a use had taken.
func (w *walk) release(o out, amount int64) error {
	if _, err := w.tx.Exec(w.ctx, sqlOutLess, w.book.ID, o.Entry, o.Fund, amount); err != nil {
		return fmt.Errorf("lessen what went out: %w", err)
	}
	keep := o.Amount - amount
	var at, n int64
	type gap struct{ at, n int64 }
	var gaps []gap
	rows, err := w.tx.Query(w.ctx, sqlUnmetOf, w.book.ID, o.Fund, o.Seq)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&at, &n}, func() error {
			gaps = append(gaps, gap{at, n})
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read what is not covered: %w", err)
	}
	for _, g := range gaps {
		if g.at+g.n <= keep {
			continue
		}
		if _, err := w.tx.Exec(w.ctx, sqlUnmetDrop, w.book.ID, o.Fund, o.Seq, g.at); err != nil {
			return fmt.Errorf("drop what is not covered: %w", err)
		}
		if g.at < keep {
			if _, err := w.tx.Exec(w.ctx, sqlUnmetInsert, w.book.ID, o.Fund, o.Seq, g.at, keep-g.at, o.Entry); err != nil {
				return fmt.Errorf("note what is not covered: %w", err)
			}
		}
	}
	rows, err = w.tx.Query(w.ctx, sqlOutPieces, w.book.ID, o.Entry, o.Fund)
	if err != nil {
		return fmt.Errorf("read pieces of a use: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p piece, err error) {
		p.entry = &o.Entry
		err = row.Scan(&p.lane, &p.at, &p.until, &p.outAt, &p.own)
		return p, err
	})
	if err != nil {
		return fmt.Errorf("read pieces of a use: %w", err)
	}
	for _, p := range list {
		if p.outAt+p.until-p.at <= keep {
			break
		}
		begin := p.at + max(0, keep-p.outAt)
		if err := w.cut(o.Fund, p, begin, p.until, nil, 0, false); err != nil {
			return err
		}
	}
	return nil
}

// settle gives what waits on a fund's lines to what went out without any, first come first served.
func (w *walk) settle(fund int32) error {
	for w.unmet[fund] {
		free, err := w.free(fund, nil)
		if err != nil {
			return err
		}
		left := lengths(free)
		if left == 0 {
			return nil
		}
		list, err := w.needs(fund)
		if err != nil {
			return err
		}
		w.unmet[fund] = len(list) == needsMax
		for _, u := range list {
			if left <= 0 {
				w.unmet[fund] = true
				return nil
			}
			if _, err := w.tx.Exec(w.ctx, sqlUnmetDrop, w.book.ID, fund, u.Seq, u.at); err != nil {
				return fmt.Errorf("drop what is not covered: %w", err)
			}
			if err := w.settleOne(u.out, u.at, u.n); err != nil {
				return err
			}
			left -= u.n
		}
	}
	return nil
}

// need is a part of a use that there was no money for.
type need struct {
	out
	at, n int64
}

// needsMax bounds what is read at once.
const needsMax = 100

func (w *walk) needs(fund int32) ([]need, error) {
	rows, err := w.tx.Query(w.ctx, sqlUnmet, w.book.ID, fund, needsMax)
	if err != nil {
		return nil, fmt.Errorf("read what is not covered: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u need, err error) {
		u.Fund = fund
		err = row.Scan(&u.Seq, &u.at, &u.n, &u.Entry, &u.Kind, &u.Project, &u.contract)
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is not covered: %w", err)
	}
	return list, nil
}
