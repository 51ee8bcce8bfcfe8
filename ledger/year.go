package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

var (
	// ErrYearOngoing means that a year is not over, so it cannot be closed.
	ErrYearOngoing = errors.New("year is not over")
	// ErrYearBefore means that income or expense of an earlier year is not closed yet.
	ErrYearBefore = errors.New("an earlier year is not closed")
	// ErrYearClosed means that nothing of a year is left to close.
	ErrYearClosed = errors.New("nothing of the year is left to close")
	// ErrYearLater means that closing entries are not taken back, because a later year is closed or December is closed for good.
	ErrYearLater = errors.New("closing entries stand: December is closed for good or a later year is closed")
	// ErrYearNone means that a year has no closing entries that stand.
	ErrYearNone = errors.New("the year has no closing entries")
	// ErrClosing means that a closing entry is taken back with all others of its year only.
	ErrClosing = errors.New("closing entry is taken back with its year")
)

// NatureClose marks the leaves that closing entries are posted to, so that those of gifts and grants keep their counts and amounts.
const NatureClose = "close"

// YearSource is the source of the vouchers of a year's end; their reference is the year.
const YearSource = "close"

// yearCell is what a fund's account holds on the last day of a year.
type yearCell struct {
	acct   chart.Account
	amount int64
}

// YearEnd plans the closing entries of a year (accounting.md E47) on what is left on its last day: under the 2026 rules income and
// expense go to the net assets of their class; under those of 2004 every expense goes to unrestricted net assets, and what a
// restricted fund spent is released from its restricted ones (E45). Transfers between funds and prior-year adjustments go with
// them. It changes nothing. Funds are in the order of their ids; no entry takes guarded net assets lower than all of them together.
// ErrYearOngoing, ErrYearBefore, ErrYearClosed.
func YearEnd(ctx context.Context, q pg.Querier, book *Book, year int, today time.Time) ([]Entry, error) {
	first, last := Day(year, time.January, 1), Day(year, time.December, 31)
	if !today.After(last) {
		return nil, ErrYearOngoing
	}
	funds, err := Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	rows, err := TrialBalance(ctx, q, book, first, last, 0, true)
	if err != nil {
		return nil, err
	}
	cells := map[int32][]yearCell{}
	c := closing{book: book, day: last, unrestricted: map[int32]int64{}}
	for _, r := range rows {
		if r.Chart.ID == "na.u" {
			c.unrestricted[r.Fund] = r.Closing
		}
		if !closes(r.Chart) || r.Currency != book.Currency {
			continue
		}
		if r.Opening != 0 {
			return nil, ErrYearBefore
		}
		if r.Closing != 0 {
			cells[r.Fund] = append(cells[r.Fund], yearCell{r.Chart, r.Closing})
		}
	}
	if len(cells) == 0 {
		return nil, ErrYearClosed
	}
	// What adds to net assets comes first, then what goes between funds, then what takes from them: so no fund stands lower on the way
	// than at the end. A fund without transfers has one entry.
	var moving []*Fund
	for i := range funds {
		f := &funds[i]
		if !slices.ContainsFunc(cells[f.ID], func(x yearCell) bool { return x.acct.ID == "transfer" }) {
			c.fund(f, cells[f.ID], func(yearCell) bool { return true })
			c.release(f)
			continue
		}
		moving = append(moving, f)
		c.fund(f, cells[f.ID], func(x yearCell) bool { return x.acct.ID != "transfer" && x.amount < 0 })
	}
	c.transfers(moving, cells)
	for _, f := range moving {
		c.fund(f, cells[f.ID], func(x yearCell) bool { return x.acct.ID != "transfer" && x.amount > 0 })
		c.release(f)
	}
	return c.entries, nil
}

// closes tells the accounts that a year's end empties.
func closes(a chart.Account) bool {
	switch a.ID {
	case "transfer", "release.u", "release.r", "na.prior.u", "na.prior.r":
		return true
	}
	return a.Type == chart.Income || a.Type == chart.Expense
}

// closing gathers the entries of a year's end.
type closing struct {
	book         *Book
	day          time.Time
	entries      []Entry
	unrestricted map[int32]int64 // unrestricted net assets of each fund so far, debit positive
}

func (c *closing) add(lines []Line) {
	if len(lines) > 0 {
		c.entries = append(c.entries, Entry{Kind: KindClose, EffectiveOn: c.day, Lines: lines})
	}
}

// fund closes those of a fund's accounts that take says. What comes and what goes stand apart in net assets.
func (c *closing) fund(f *Fund, cells []yearCell, take func(yearCell) bool) {
	var lines []Line
	came, went := map[chart.ID]int64{}, map[chart.ID]int64{}
	for _, x := range cells {
		if !take(x) {
			continue
		}
		lines = append(lines, Line{Leaf: Leaf{Chart: x.acct.ID, Fund: f.ID, Dims: Dims{Nature: NatureClose}}, Amount: -x.amount})
		if into := c.netAssets(x.acct); x.amount < 0 {
			came[into] += x.amount
		} else {
			went[into] += x.amount
		}
	}
	for _, id := range []chart.ID{"na.u", "na.r"} {
		for _, amount := range []int64{came[id], went[id]} {
			if amount != 0 {
				lines = append(lines, Line{Leaf: Leaf{Chart: id, Fund: f.ID}, Amount: amount})
			}
		}
	}
	c.unrestricted[f.ID] += came["na.u"] + went["na.u"]
	c.add(lines)
}

// release moves what a restricted fund used under the rules of 2004 out of its restricted net assets (E45): as much as its
// unrestricted ones lack, so that what was released by hand during the year is not released twice.
func (c *closing) release(f *Fund) {
	used := c.unrestricted[f.ID]
	if c.book.Regime != chart.CN2004 || !f.HasRestriction() || used <= 0 {
		return
	}
	c.add([]Line{Debit(Leaf{Chart: "na.r", Fund: f.ID}, used), Credit(Leaf{Chart: "na.u", Fund: f.ID}, used)})
}

// netAssets is where an account closes to.
func (c *closing) netAssets(a chart.Account) chart.ID {
	if a.Class == chart.Restricted && (a.Type != chart.Expense || c.book.Regime != chart.CN2004) {
		return "na.r"
	}
	return "na.u"
}

// transferPairs is how many pairs of funds one entry closes transfers of: four lines each.
const transferPairs = LinesMax / 4

// transfers closes what went between funds. Each entry adds up to zero over them, as each transfer did.
func (c *closing) transfers(funds []*Fund, cells map[int32][]yearCell) {
	type side struct {
		fund *Fund
		left int64
	}
	var got, gave []side
	for _, f := range funds {
		for _, x := range cells[f.ID] {
			switch {
			case x.acct.ID != "transfer":
			case x.amount < 0:
				got = append(got, side{f, -x.amount})
			default:
				gave = append(gave, side{f, x.amount})
			}
		}
	}
	var moved map[*Fund]int64
	flush := func() {
		var lines []Line
		for _, f := range funds {
			if m := moved[f]; m != 0 {
				lines = append(lines, Line{Leaf: Leaf{Chart: "transfer", Fund: f.ID, Dims: Dims{Nature: NatureClose}}, Amount: m},
					Line{Leaf: Leaf{Chart: chart.ID(f.Class("na")), Fund: f.ID}, Amount: -m})
			}
		}
		c.add(lines)
		moved = map[*Fund]int64{}
	}
	moved = map[*Fund]int64{}
	for n := 0; len(got) > 0 && len(gave) > 0; n++ {
		if n > 0 && n%transferPairs == 0 {
			flush()
		}
		amount := min(got[0].left, gave[0].left)
		moved[got[0].fund] += amount
		moved[gave[0].fund] -= amount
		if got[0].left -= amount; got[0].left == 0 {
			got = got[1:]
		}
		if gave[0].left -= amount; gave[0].left == 0 {
			gave = gave[1:]
		}
	}
	flush()
}

// HashEntries is the hash of what entries would book: the day, the accounts and the amounts.
func HashEntries(entries []Entry) [32]byte {
	var text []byte
	for _, e := range entries {
		text = fmt.Appendf(text, "%d %s %s\n", e.Kind, e.EffectiveOn.Format(time.DateOnly), e.Reverses)
		for _, l := range e.Lines {
			text = fmt.Appendf(text, "%s %d %s %s %d\n", l.Leaf.Chart, l.Leaf.Fund, cmp.Or(l.Leaf.Currency, "base"), l.Leaf.dimsJSON(), l.Amount)
		}
	}
	return sha256.Sum256(text)
}

const (
	// Kept by the closing entries of a year that stand.
	sqlYearEntries = `
select e.id from document d
 cross join lateral (select id, kind, reverses, effective_on from entry e where e.book_id = $1 and e.id = d.entry_id limit 1) e
 where d.book_id = $1 and d.source_kind = $2 and d.source_ref = $3 and e.kind = $4 and e.reverses is null
   and not exists (select from entry r where r.book_id = $1 and r.reverses = e.id)
 order by e.id`

	sqlYearLater = `
select exists (select from document d
               cross join lateral (select id, kind, reverses from entry e where e.book_id = $1 and e.id = d.entry_id limit 1) e
                where d.book_id = $1 and d.source_kind = $2 and d.month > $3 and e.kind = $4 and e.reverses is null
                  and not exists (select from entry r where r.book_id = $1 and r.reverses = e.id))`
)

// YearEntries are the ids of the closing entries of a year that stand, in the order of their making.
func YearEntries(ctx context.Context, q pg.Querier, book *Book, year int) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sqlYearEntries, book.ID, YearSource, fmt.Sprint(year), KindClose)
	if err != nil {
		return nil, fmt.Errorf("read closing entries: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// YearUndo plans to take back all closing entries of a year that stand, the last of them first. They are closing entries
// themselves, so that no sum of income or expense knows either. ErrYearNone, ErrYearLater.
func YearUndo(ctx context.Context, q pg.Querier, book *Book, year int) ([]Entry, error) {
	last := Day(year, time.December, 31)
	state, err := PeriodOf(ctx, q, book, last)
	if err != nil {
		return nil, err
	}
	var later bool
	if err := q.QueryRow(ctx, sqlYearLater, book.ID, YearSource, Month(last), KindClose).Scan(&later); err != nil {
		return nil, fmt.Errorf("look for later years: %w", err)
	}
	if state == PeriodHard || later {
		return nil, ErrYearLater
	}
	ids, err := YearEntries(ctx, q, book, year)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, ErrYearNone
	}
	var entries []Entry
	for _, id := range slices.Backward(ids) {
		original, err := ReadEntry(ctx, q, book, id)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Kind: KindClose, EffectiveOn: original.EffectiveOn, Reverses: id, Lines: Mirror(original)})
	}
	return entries, nil
}

// PostYear books what YearEnd or YearUndo planned, all or nothing. key is that of the request: repeated, it is booked once. doc is
// the voucher of each; what Post refuses of one refuses all.
func PostYear(ctx context.Context, tx pgx.Tx, book *Book, year int, entries []Entry, key, actor uuid.UUID, doc Document) ([]Result, error) {
	doc.SourceKind, doc.SourceRef = YearSource, fmt.Sprint(year)
	for i := range entries {
		one := doc
		entries[i].Key = uuid.NewSHA1(key, fmt.Append(nil, i))
		entries[i].ID, entries[i].Actor, entries[i].Document = uuid.Nil, actor, &one
	}
	var all []Result
	for part := range slices.Chunk(entries, EntriesMax) {
		results, err := Post(ctx, tx, book, part)
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			if r.Err != nil {
				return nil, r.Err
			}
		}
		all = append(all, results...)
	}
	return all, nil
}
