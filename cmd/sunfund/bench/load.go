package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sunfund/ledger/giving"
)

// tally counts what callers were told.
type tally struct{ booked, amount atomic.Int64 }

func (t *tally) add(gifts, amount int64) {
	t.booked.Add(gifts)
	t.amount.Add(amount)
}

// sample is one measurement of a row.
type sample struct {
	gifts   int64
	took    time.Duration
	waits   []time.Duration // one a call, sorted
	average time.Duration   // of the calls where only that is known
	bytes   float64         // of tables and indexes, a gift
	wal     float64         // bytes a gift
	goCPU   time.Duration   // a gift, service and clients
	pgCPU   time.Duration   // a gift
	value   float64         // of rows that are no rate, such as a ratio
}

func (s *sample) rate() float64 {
	if s.took == 0 {
		return 0
	}
	return float64(s.gifts) / s.took.Seconds()
}

func (s *sample) percentile(p float64) time.Duration {
	if len(s.waits) == 0 {
		return 0
	}
	return s.waits[min(len(s.waits)-1, int(p*float64(len(s.waits))))]
}

// caller makes calls one after the other; each says how many gifts it booked, of how much.
type caller func(ctx context.Context) (gifts, amount int64, err error)

// drive lets callers work for the warm-up and the span. What is measured begins with the end of the warm-up and ends with the
// last answer.
func (w *world) drive(ctx context.Context, callers []caller) (sample, error) {
	s, err := w.driveFor(ctx, callers, w.l.cfg.WarmUp, w.l.cfg.Span)
	if err != nil {
		return s, err
	}
	return s, w.prove(ctx)
}

// driveFor is drive without the proof.
func (w *world) driveFor(ctx context.Context, callers []caller, warmUp, span time.Duration) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	empty, err := w.weigh(ctx)
	if err != nil {
		return sample{}, err
	}
	begin := time.Now().Add(warmUp)
	end := begin.Add(span)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var s sample
	var failed error
	for _, call := range callers {
		wg.Go(func() {
			var gifts int64
			var waits []time.Duration
			var last time.Time
			var err error
			for time.Now().Before(end) && ctx.Err() == nil {
				from := time.Now()
				var n, amount int64
				if n, amount, err = call(ctx); err != nil {
					cancel()
					break
				}
				w.tally.add(n, amount)
				if last = time.Now(); last.After(begin) {
					gifts += n
					waits = append(waits, last.Sub(from))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			s.gifts += gifts
			s.waits = append(s.waits, waits...)
			s.took = max(s.took, last.Sub(begin))
			if failed == nil {
				failed = err
			}
		})
	}
	before, err := w.weighAt(ctx, begin)
	wg.Wait()
	if failed != nil {
		return s, failed
	}
	if err != nil {
		return s, err
	}
	after, err := w.weigh(ctx)
	if err != nil {
		return s, err
	}
	slices.Sort(s.waits)
	if before.gifts == after.gifts { // weighed too late in a short span
		before = empty
	}
	s.compare(before, after)
	return s, nil
}

// compare says what a gift cost between two weighings.
func (s *sample) compare(before, after weight) {
	if n := after.gifts - before.gifts; n > 0 {
		s.bytes, s.wal = float64(after.bytes-before.bytes)/float64(n), float64(after.wal-before.wal)/float64(n)
		s.goCPU, s.pgCPU = (after.goCPU-before.goCPU)/time.Duration(n), (after.pgCPU-before.pgCPU)/time.Duration(n)
	}
}

// weight is how much has been written so far.
type weight struct {
	gifts, bytes, wal int64
	goCPU, pgCPU      time.Duration
}

func (w *world) weighAt(ctx context.Context, at time.Time) (weight, error) {
	select {
	case <-ctx.Done():
		return weight{}, nil // the caller that failed says why
	case <-time.After(time.Until(at)):
		return w.weigh(ctx)
	}
}

func (w *world) weigh(ctx context.Context) (weight, error) {
	v := weight{gifts: w.tally.booked.Load(), goCPU: ownCPU()}
	var err error
	if v.pgCPU, err = w.serverCPU(ctx); err != nil {
		return v, err
	}
	if err := w.owner.QueryRow(ctx, sqlSize).Scan(&v.bytes); err != nil {
		return v, err
	}
	return v, w.owner.QueryRow(ctx, sqlWAL).Scan(&v.wal)
}

// giver makes the gifts of one caller. All givers of a world make different ones.
type giver struct {
	w     *world
	rand  *rand.Rand
	id, n int
}

// givers makes n of them, the same in every run.
func (w *world) givers(n int) []*giver {
	all := make([]*giver, n)
	for i := range all {
		all[i] = &giver{w: w, id: i, rand: rand.New(rand.NewPCG(uint64(w.l.round), uint64(i)))}
	}
	return all
}

// Half of the gifts have a name, a fifth a message, one in fifty belongs to yesterday; the processor keeps 0.6 %.
const (
	donorName = "王小明"
	message   = "愿每个孩子都有阳光和自己的一张书桌。"
)

// gift makes the next one. Its reference grows with time, as processors' do.
func (g *giver) gift(campaigns []int32) giving.Paid {
	g.n++
	p := giving.Paid{CampaignID: campaigns[g.rand.IntN(len(campaigns))], Amount: 10_00 + g.rand.Int64N(490_00), Currency: "CNY",
		PaidAt: time.Now(), Channel: giving.WeChat, Ref: string(g.ref(nil))}
	p.Fee = fee(p.Amount)
	if g.rand.IntN(50) == 0 {
		p.PaidAt = p.PaidAt.AddDate(0, 0, -1)
	}
	if g.rand.IntN(2) == 0 {
		p.Name = donorName
	}
	if g.rand.IntN(5) == 0 {
		p.Message = message
	}
	return p
}

func fee(amount int64) int64 { return (amount*6 + 500) / 1000 }

// ref appends the reference of the gift at hand: time, caller, number.
func (g *giver) ref(b []byte) []byte {
	b = strconv.AppendInt(append(b, "42000"...), time.Now().UnixMicro(), 10)
	b = strconv.AppendInt(append(b, '-'), int64(g.id), 10)
	return strconv.AppendInt(append(b, '-'), int64(g.n), 10)
}
