package faults

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Two of three attempts to write gifts meet a serialization failure or a deadlock.
const (
	sqlConflicts = `
create sequence conflict;
grant usage on sequence conflict to sunfund_app;
create function conflict() returns trigger language plpgsql as $$
begin
  case nextval('conflict') % 3
    when 1 then raise exception 'forced' using errcode = '40001';
    when 2 then raise exception 'forced' using errcode = '40P01';
    else return null;
  end case;
end $$;
create trigger conflict after insert on gift for each statement execute function conflict()`

	sqlNoConflicts = `drop trigger conflict on gift; drop function conflict; drop sequence conflict`

	sqlDeadlocks = `select deadlocks from pg_stat_database where datname = current_database()`
	// The income account of the first campaign is part of most batches.
	sqlHotBalance = `
select 1 from balance b join account a using (book_id, account_id)
 where book_id = 1 and a.dims ->> 'campaign' = '1' and a.dims ->> 'nature' = 'gift' for update of b`
)

// R8. What PostgreSQL rolls back because of others is done again and not told to the donor.
func TestConflicts(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R8 serialization failures and deadlocks", settings: map[string]string{"deadlock_timeout": "20ms"}})
	load := time.Duration(times(1, 10)) * time.Second

	r := w.begin(manyWriters)
	time.Sleep(100 * time.Millisecond)
	w.cluster.exec(sqlConflicts)
	r.fault()
	r.recovered()
	time.Sleep(load)
	var forced int
	ctx := context.Background()
	conn := w.cluster.owner(ctx)
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, `select last_value from conflict`).Scan(&forced); err != nil {
		t.Fatal(err)
	}
	r.end()
	w.cluster.exec(sqlNoConflicts)
	r.audit()

	r = w.begin(manyWriters)
	time.Sleep(100 * time.Millisecond)
	r.fault()
	stop := make(chan struct{})
	var hostile sync.WaitGroup
	for range 2 {
		hostile.Go(func() { w.lockTheOtherWay(stop) })
	}
	time.Sleep(load)
	close(stop)
	hostile.Wait()
	r.recovered()
	r.end()
	r.audit()
	var deadlocks int
	await(t, "deadlocks", func() bool {
		return conn.QueryRow(ctx, sqlDeadlocks).Scan(&deadlocks) == nil && deadlocks > 0
	})
	w.figures.faults = forced*2/3 + deadlocks
	w.finish()
}

// lockTheOtherWay takes a balance first and the book's lock after it, as no code of ours does, until stop.
func (w *world) lockTheOtherWay(stop <-chan struct{}) {
	ctx := context.Background()
	conn := w.cluster.owner(ctx)
	defer conn.Close(ctx)
	for {
		select {
		case <-stop:
			return
		default:
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			w.t.Error(err)
			return
		}
		_, err = tx.Exec(ctx, sqlHotBalance)
		time.Sleep(5 * time.Millisecond)
		if err == nil {
			_, err = tx.Exec(ctx, `select pg_advisory_xact_lock(1, 0)`)
		}
		var victim *pgconn.PgError
		if err != nil && !(errors.As(err, &victim) && victim.Code == "40P01") {
			w.t.Error(err)
		}
		_ = tx.Rollback(ctx)
		time.Sleep(5 * time.Millisecond)
	}
}
