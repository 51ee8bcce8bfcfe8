package faults

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	// One row a gift: what stands in it, and in the postings of its entry.
	sqlBooked = `
select g.ref, g.amount, g.fee, 'campaign-' || g.campaign_id, e.id is not null, count(p.*), coalesce(sum(p.amount), 0)::int8,
       coalesce(sum(p.amount) filter (where p.amount > 0), 0)::int8
  from gift g
  left join entry e on e.book_id = g.book_id and e.id = g.id and e.kind = 3
  left join lateral unnest(e.accounts, e.seqs) u(account_id, seq) on true
  left join posting p on p.book_id = g.book_id and p.account_id = u.account_id and p.seq = u.seq and p.entry_id = g.id
 where g.book_id = 1 and g.ref >= $1 and g.ref < $2
 group by g.id, g.ref, g.amount, g.fee, g.campaign_id, e.id`

	sqlAll = `select (select count(*) from gift), (select count(*) from entry where kind = 3)`
)

// booked is a gift as the database has it.
type booked struct {
	ref         string
	amount, fee int64
	campaign    string
	entry       bool
	postings    int64
	rest, debit int64
}

// audit ends the round: it sends again what has no answer, and compares the journal with the database.
func (r *round) audit() {
	w := r.w
	w.t.Helper()
	sent, err := readJournal(r.path)
	if err != nil {
		w.t.Fatal(err)
	}
	var open []gift
	for key, rec := range sent {
		if rec.hash != rec.gift.hash() {
			w.t.Fatalf("gift %s is not what was sent", key)
		}
		if !rec.answered {
			open = append(open, rec.gift)
		}
	}
	for batch := range slices.Chunk(open, 100) {
		await(w.t, "an answer to gift "+batch[0].Ref, func() bool { return !slices.ContainsFunc(r.post(batch), unanswered) })
	}
	w.figures.requests += len(sent)
	w.figures.acked += len(sent) - len(open)
	w.figures.unresolved += len(open)
	r.compare(sent)
	w.figures.wrong += len(r.wrong)
	for i, text := range r.wrong {
		if i == 10 {
			w.t.Errorf("… and %d more wrong answers", len(r.wrong)-i)
			break
		}
		w.t.Error(text)
	}
}

func (r *round) compare(sent map[string]*record) {
	w := r.w
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	conn := w.cluster.owner(ctx)
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sqlBooked, r.prefix, r.prefix+"~")
	if err != nil {
		w.t.Fatal(err)
	}
	var b booked
	rowsOf := map[string]int{}
	_, err = pgx.ForEachRow(rows, []any{&b.ref, &b.amount, &b.fee, &b.campaign, &b.entry, &b.postings, &b.rest, &b.debit}, func() error {
		rowsOf[b.ref]++
		rec := sent[b.ref]
		switch {
		case rec == nil:
			w.figures.stray++
			w.t.Errorf("gift %s was never sent", b.ref)
		case rowsOf[b.ref] > 1:
			w.figures.doubled++
			w.t.Errorf("gift %s is booked %d times", b.ref, rowsOf[b.ref])
		case !b.is(rec.gift):
			r.complain("gift %+v is booked as %+v", rec.gift, b)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	lost := 0
	for key := range sent {
		if rowsOf[key] == 0 {
			lost++
			if !w.figures.expectLoss {
				w.t.Errorf("gift %s is lost", key)
			}
		}
	}
	w.figures.lost += lost
	w.gifts += len(sent) - lost
	var gifts, entries int
	if err := conn.QueryRow(ctx, sqlAll).Scan(&gifts, &entries); err != nil {
		w.t.Fatal(err)
	}
	if gifts != w.gifts || entries != w.gifts {
		w.figures.stray += max(gifts, entries) - w.gifts
		w.t.Errorf("%d gifts and %d entries of gifts on the books, want %d", gifts, entries, w.gifts)
		w.gifts = gifts
	}
}

func (b booked) is(g gift) bool {
	fee := int64(0)
	if g.Fee != "" {
		fee, _ = money.Parse(g.Fee, "CNY")
	}
	amount, err := money.Parse(g.Amount, "CNY")
	return err == nil && b.amount == amount && b.fee == fee && b.campaign == g.Campaign && b.entry && b.postings == 2 && b.rest == 0 && b.debit == amount
}

// finish has the books verify themselves and hands in the figures.
func (w *world) finish() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	conn := w.cluster.owner(ctx)
	defer conn.Close(ctx)
	book, err := ledger.BookByCode(ctx, conn, "faults")
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := ledger.Verify(ctx, conn, book)
	if err != nil {
		w.t.Fatal(err)
	}
	gifts, err := giving.Verify(ctx, conn, book)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range append(own, gifts...) {
		if c.DiffersAll > 0 {
			w.t.Errorf("verify %s: %d differ: %v", c.Code, c.DiffersAll, c.Differs)
		}
	}
	if w.figures.expectLoss && w.figures.lost == 0 {
		w.t.Error("nothing was lost, so the bench would not see a loss")
	}
	if w.figures.requests == 0 || w.figures.acked == 0 {
		w.t.Error("no gifts came in")
	}
	tell(w.figures)
}
