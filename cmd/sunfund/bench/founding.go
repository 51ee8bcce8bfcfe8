package bench

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	foundingHot     = 10
	foundingBatch   = 1000
	foundingClients = 4
	singleClients   = 256
)

// founding sends the gifts of the founding case over HTTP until all are acknowledged, in batches and then, to another empty
// book, one a request.
func (l *lab) founding(ctx context.Context, r *Report) error {
	f := &Founded{Gifts: l.cfg.Founding, SingleGifts: l.cfg.Founding, HotCampaigns: min(foundingHot, l.cfg.many()), Campaigns: l.cfg.many(), Batch: foundingBatch,
		Clients: foundingClients, SingleClients: singleClients}
	var err error
	if f.Seconds, f.InDatabase, err = l.giveAll(ctx, f.Gifts, f.HotCampaigns, f.Batch, f.Clients); err != nil {
		return err
	}
	if f.SingleSeconds, f.SingleInDatabase, err = l.giveAll(ctx, f.SingleGifts, f.HotCampaigns, 1, f.SingleClients); err != nil {
		return err
	}
	r.Founding, r.ProvenRows = f, l.proven
	return nil
}

// giveAll says how long it took from the first request to the last answer, and how many gifts the database holds then.
func (l *lab) giveAll(ctx context.Context, gifts, campaigns, batch, clients int) (seconds float64, held int64, err error) {
	w, err := l.world(ctx, &row{name: "founding", campaigns: campaigns})
	if err != nil {
		return 0, 0, err
	}
	defer l.dropWorlds(true)
	address, stop, err := l.cfg.Serve(ctx, w.db)
	if err != nil {
		return 0, 0, err
	}
	l.cfg.Progress("founding case")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	var sent atomic.Int64
	begin := time.Now()
	for _, g := range w.givers(clients) {
		wg.Go(func() {
			err := w.giveUntil(ctx, g, address, batch, int64(gifts), &sent)
			if err != nil {
				once.Do(func() { failed = err })
				cancel()
			}
		})
	}
	wg.Wait()
	seconds = time.Since(begin).Seconds()
	if err := errors.Join(failed, stop()); err != nil {
		return 0, 0, err
	}
	var sum int64
	if err := w.owner.QueryRow(ctx, sqlGifts, w.book.ID).Scan(&held, &sum); err != nil {
		return 0, 0, err
	}
	w.filled = true // too large to verify each time; counts and sums are compared
	return seconds, held, w.prove(ctx)
}

// giveUntil is one client. All clients draw on one number of gifts.
func (w *world) giveUntil(ctx context.Context, g *giver, address string, batch int, gifts int64, sent *atomic.Int64) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), giver: g, token: w.l.token, slugs: w.slugs}
	for {
		upTo := sent.Add(int64(batch))
		n := int64(batch) - max(0, upTo-gifts)
		if n <= 0 {
			return nil
		}
		booked, amount, err := c.give(ctx, int(n))
		if err != nil {
			return err
		}
		w.tally.add(booked, amount)
	}
}
