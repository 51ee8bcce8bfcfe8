package recon

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Passes 5 and 6 look at what all others have left, at a bounded piece of it, and only propose. What they propose stays what it was: a line that nobody
// expects is a break all the same, with a proposal beside it.
const (
	// bucketMax is how many items a sum is sought among. They have at most 2 x 4,096 half sums, whose look-up takes about a millisecond; it is by
	// this bound, and not by a clock, that a bucket stays within its 20 ms, so that the same run finds the same on a slow machine.
	bucketMax = 24

	// How much of what is left is looked at, the newest first.
	bucketsMost  = 500
	residueLines = 1_000
	residueOurs  = 4_000

	payDays  = 15 // that a payment or settlement may be apart from its lines
	textDays = 31 // that a line with nearly our number may be apart
)

const (
	sqlResidueLines = `select source_id, line_key, amount, ccy, keys, booked from stage_bank where not gone and not fee order by booked desc, source_id, line_key limit $1`

	sqlResidueOurs = `
select id, kind, source_id, ref, amount, ccy, case when kind = 4 then due_on else day end as day from stage_due where not gone order by 7 desc, id limit $1`

	sqlProposed = `
insert into stage_match
select k, rule, true, false, score, source_id, line_key, ours, kind, amount
  from unnest($1::text[], $2::int2[], $3::int2[], $4::int4[], $5::bytea[], $6::uuid[], $7::int2[], $8::int8[]) x(k, rule, score, source_id, line_key, ours, kind, amount)`

	sqlProposedRather = `
insert into stage_rejected select * from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[], $5::int4[])`
)

// leftLine and leftOurs are what is left of the two sides.
type leftLine struct {
	SourceID int32
	Key      []byte
	Amount   int64
	Currency string
	Keys     []string
	Day      time.Time
}

type leftOurs struct {
	ID       uuid.UUID
	Kind     int16
	SourceID int32
	Ref      string
	Amount   int64
	Currency string
	Day      time.Time // when it should be seen
}

// residue is what is left, newest first. A side that was cut off is known whole only after its last day.
type residue struct {
	lines              []leftLine
	ours               []leftOurs
	linesFrom, oursCut time.Time
}

// offer is a proposal: indices into the residue, and of what was not chosen.
type offer struct {
	rule        int
	score       int
	lines, ours []int
	whyNot      string
	notLines    []int
	notOurs     []int
}

// propose offers what is left of an amount together, then the one sum that fits, then numbers that are nearly ours.
func (r *run) propose() error {
	if err := r.do(sqlBankPropose, sweepDays); err != nil {
		return err
	}
	for _, sql := range []string{sqlBankGoneLines, sqlBankGoneOurs} {
		if err := r.do(sql); err != nil {
			return err
		}
	}
	left, err := r.residue()
	if err != nil {
		return err
	}
	offers := alone(left.sums())
	if err := r.offer(left, append(offers, left.near(offers)...)); err != nil {
		return err
	}
	return r.do(sqlRejectedEqual)
}

func (r *run) residue() (left residue, err error) {
	rows, err := r.tx.Query(r.ctx, sqlResidueLines, residueLines)
	if err != nil {
		return left, err
	}
	if left.lines, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leftLine]); err != nil || len(left.lines) == 0 {
		return left, err
	}
	if rows, err = r.tx.Query(r.ctx, sqlResidueOurs, residueOurs); err != nil {
		return left, err
	}
	if left.ours, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leftOurs]); err != nil {
		return left, err
	}
	if n := len(left.lines); n == residueLines {
		left.linesFrom = left.lines[n-1].Day
	}
	if n := len(left.ours); n == residueOurs {
		left.oursCut = left.ours[n-1].Day
	}
	return left, nil
}

// may tells whether a line can be of one of ours, sums apart.
func may(l *leftLine, o *leftOurs, days int) bool {
	return l.Currency == o.Currency && (l.Amount < 0) == (o.Amount < 0) && (o.SourceID == 0 || o.Kind == 4 || o.SourceID == l.SourceID) && apart(l.Day, o.Day) <= days
}

func apart(a, b time.Time) int {
	return int(max(a.Sub(b), b.Sub(a)) / (24 * time.Hour))
}

// within tells whether a part is not more than the whole, of one sign.
func within(part, whole int64) bool { return max(part, -part) <= max(whole, -whole) }

func windowOf(kind int16) int {
	if kind < 3 {
		return sweepDays
	}
	return payDays
}

// sums is pass 5: for each line the ours that add up to it, of one kind, and for each payment and settlement the lines of one account that do. Only where
// exactly one set fits, and it has at least two members.
func (r *residue) sums() (offers []offer) {
	searched := 0
	for i := range r.lines {
		if searched >= bucketsMost {
			return offers
		}
		l := &r.lines[i]
		if !l.Day.AddDate(0, 0, -payDays).After(r.oursCut) && !r.oursCut.IsZero() {
			continue
		}
		var one []int
		var rest []int
		fits := 0
		for kind := int16(1); kind <= 4; kind++ {
			var bucket []int
			for j := range r.ours {
				if o := &r.ours[j]; o.Kind == kind && may(l, o, windowOf(kind)) && within(o.Amount, l.Amount) {
					bucket = append(bucket, j)
				}
			}
			if len(bucket) > 0 {
				searched++
			}
			set, n := subset(l.Amount, amountsOf(bucket, func(j int) int64 { return r.ours[j].Amount }))
			if fits += n; n == 1 {
				one, rest = divide(bucket, set)
			}
		}
		if fits == 1 && len(one) > 1 {
			offers = append(offers, offer{rule: RuleSubset, score: max(5, 32-2*len(one)), lines: []int{i}, ours: one, notOurs: rest, whyNot: "sum"})
		}
	}
	for j := range r.ours {
		if searched >= bucketsMost {
			return offers
		}
		o := &r.ours[j]
		if o.Kind < 3 || !o.Day.AddDate(0, 0, -payDays).After(r.linesFrom) && !r.linesFrom.IsZero() {
			continue
		}
		buckets := map[int32][]int{}
		for i := range r.lines {
			if l := &r.lines[i]; may(l, o, payDays) && within(l.Amount, o.Amount) {
				buckets[l.SourceID] = append(buckets[l.SourceID], i)
			}
		}
		var one, rest []int
		fits := 0
		searched += len(buckets)
		for _, bucket := range buckets {
			set, n := subset(o.Amount, amountsOf(bucket, func(i int) int64 { return r.lines[i].Amount }))
			if fits += n; n == 1 {
				one, rest = divide(bucket, set)
			}
		}
		if fits == 1 && len(one) > 1 {
			offers = append(offers, offer{rule: RuleSubset, score: max(5, 32-2*len(one)), lines: one, ours: []int{j}, notLines: rest, whyNot: "sum"})
		}
	}
	return offers
}

func amountsOf(of []int, amount func(int) int64) []int64 {
	list := make([]int64, len(of))
	for i, x := range of {
		list[i] = amount(x)
	}
	return list
}

// divide tells which of a bucket are in a set of its places, and which are not.
func divide(bucket, places []int) (in, out []int) {
	for i, x := range bucket {
		if slices.Contains(places, i) {
			in = append(in, x)
		} else {
			out = append(out, x)
		}
	}
	return in, out
}

// alone drops offers that share a member: a person would have to choose, and each is as good as the other.
func alone(offers []offer) []offer {
	lines, ours := map[int]int{}, map[int]int{}
	for _, o := range offers {
		for _, i := range o.lines {
			lines[i]++
		}
		for _, j := range o.ours {
			ours[j]++
		}
	}
	return slices.DeleteFunc(offers, func(o offer) bool {
		return slices.ContainsFunc(o.lines, func(i int) bool { return lines[i] > 1 }) || slices.ContainsFunc(o.ours, func(j int) bool { return ours[j] > 1 })
	})
}

// near is pass 6: the same amount within a month, and on the line a number that is nearly ours. Only where each is the other's nearest.
func (r *residue) near(taken []offer) (offers []offer) {
	type side struct {
		best, second int // distances
		at           int
	}
	const none = 1 << 20
	busyLine, busyOurs := map[int]bool{}, map[int]bool{}
	for _, o := range taken {
		for _, i := range o.lines {
			busyLine[i] = true
		}
		for _, j := range o.ours {
			busyOurs[j] = true
		}
	}
	ofAmount := map[int64][]int{}
	for j := range r.ours {
		if o := &r.ours[j]; o.Ref != "" && o.Kind != 4 && !busyOurs[j] {
			ofAmount[o.Amount] = append(ofAmount[o.Amount], j)
		}
	}
	lines, ours := map[int]side{}, map[int]side{}
	seen := func(m map[int]side, i, at, d int) {
		s, ok := m[i]
		if !ok {
			s = side{none, none, -1}
		}
		switch {
		case d < s.best:
			s = side{d, s.best, at}
		case d < s.second:
			s.second = d
		}
		m[i] = s
	}
	for i := range r.lines {
		l := &r.lines[i]
		if busyLine[i] {
			continue
		}
		for _, j := range ofAmount[l.Amount] {
			if !may(l, &r.ours[j], textDays) {
				continue
			}
			d := none - 1
			for _, key := range l.Keys {
				if n, ok := nearly(key, r.ours[j].Ref); ok {
					d = min(d, n)
				}
			}
			seen(lines, i, j, d)
			seen(ours, j, i, d)
		}
	}
	for i := range r.lines {
		s, ok := lines[i]
		if !ok || s.best >= none-1 || s.best == s.second || ours[s.at].at != i || ours[s.at].best == ours[s.at].second {
			continue
		}
		o := offer{rule: RuleText, score: max(5, 30-5*s.best), lines: []int{i}, ours: []int{s.at}, whyNot: "text"}
		for _, j := range ofAmount[r.lines[i].Amount] {
			if j != s.at && may(&r.lines[i], &r.ours[j], textDays) {
				o.notOurs = append(o.notOurs, j)
			}
		}
		offers = append(offers, o)
	}
	return offers
}

// offer lays the proposals beside the matches.
func (r *run) offer(left residue, offers []offer) error {
	if len(offers) == 0 {
		return nil
	}
	var keys, notKeys, whys []string
	var rules, scores []int16
	var kinds []*int16
	var sources, days []int32
	var lines, notLines [][]byte
	var ours, notOurs []*uuid.UUID
	var amounts []int64
	for _, o := range offers {
		first := &left.lines[slices.MinFunc(o.lines, func(a, b int) int { return bytes.Compare(left.lines[a].Key, left.lines[b].Key) })]
		key := fmt.Sprintf("o%d %x", first.SourceID, first.Key)
		add := func(line []byte, id *uuid.UUID, kind *int16, amount int64) {
			keys, rules, scores, sources = append(keys, key), append(rules, int16(o.rule)), append(scores, int16(o.score)), append(sources, first.SourceID)
			lines, ours, kinds, amounts = append(lines, line), append(ours, id), append(kinds, kind), append(amounts, amount)
		}
		not := func(line []byte, id *uuid.UUID, n int) {
			notKeys, notLines, notOurs, whys, days = append(notKeys, key), append(notLines, line), append(notOurs, id), append(whys, o.whyNot), append(days, int32(n))
		}
		for _, i := range o.lines {
			add(left.lines[i].Key, nil, nil, left.lines[i].Amount)
		}
		for _, j := range o.ours {
			add(nil, &left.ours[j].ID, &left.ours[j].Kind, left.ours[j].Amount)
		}
		for _, i := range o.notLines {
			not(left.lines[i].Key, nil, apart(left.lines[i].Day, left.ours[o.ours[0]].Day))
		}
		for _, j := range o.notOurs {
			not(nil, &left.ours[j].ID, apart(first.Day, left.ours[j].Day))
		}
	}
	if err := r.do(sqlProposed, keys, rules, scores, sources, lines, ours, kinds, amounts); err != nil {
		return err
	}
	return r.do(sqlProposedRather, notKeys, notOurs, notLines, whys, days)
}
