package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// R9. All of the pool's connections wait on a lock while many clients come, and then the intake's queue is full. Nobody is
// left without an answer, and all is well when the lock goes.
func TestPoolExhausted(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R9 pool exhausted, queue full", conns: 4})
	for _, table := range []string{"campaign", "gift"} { // every request needs the first, the intake the second
		r := w.begin(times(100, 500))
		time.Sleep(200 * time.Millisecond)
		let := w.lock(table)
		var flood sync.WaitGroup
		var busy atomic.Int64
		if table == "gift" {
			for i := range 6 {
				flood.Go(func() { busy.Add(r.flood(i)) })
			}
			await(t, "an answer that the queue is full", func() bool { return busy.Load() > 0 })
		}
		time.Sleep(time.Duration(times(1, 11)) * time.Second)
		r.fault() // the time that counts begins when the lock goes
		let()
		flood.Wait()
		r.recovered()
		await(t, "the service's health", w.healthy)
		r.end()
		r.audit()
	}
	w.finish()
}

// lock keeps everybody from a table until it is let go.
func (w *world) lock(table string) (let func()) {
	w.t.Helper()
	ctx := context.Background()
	conn := w.cluster.owner(ctx)
	if _, err := conn.Exec(ctx, fmt.Sprintf("begin; lock table %s in access exclusive mode", table)); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(ctx, "commit"); err != nil {
			w.t.Error(err)
		}
		_ = conn.Close(ctx)
	}
}

// flood sends one batch of the greatest size and counts the 503 in its answer.
func (r *round) flood(i int) (busy int64) {
	dice := dice(fmt.Sprint("flood", i))
	gifts := make([]gift, 1000)
	lines := make([]line, len(gifts))
	for i := range gifts {
		gifts[i] = r.gift(dice)
		lines[i] = line{At: time.Now(), Key: gifts[i].Ref, Hash: gifts[i].hash(), Gift: &gifts[i]}
	}
	if err := r.journal.write(lines...); err != nil {
		r.complain("journal: %v", err)
		return 0
	}
	statuses := r.post(gifts)
	for i, status := range statuses {
		lines[i] = line{At: time.Now(), Key: gifts[i].Ref, Status: status}
		if status == http.StatusServiceUnavailable {
			busy++
		}
	}
	if err := r.journal.write(lines...); err != nil {
		r.complain("journal: %v", err)
	}
	return busy
}
