package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pglocal"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
	"sunfund/migrations"
)

const (
	template    = "bench_template"
	stopTimeout = 2 * time.Minute
)

// lab is the private server with all that is measured on it.
type lab struct {
	cfg          Config
	server       *pglocal.Server
	admin        *pgx.Conn
	token        string // of an API key
	round        int
	made         int   // databases so far
	proven       int64 // gifts acknowledged and found
	keys         *seal.Ring
	pgbenchReady bool              // its database is laid out
	worlds       map[string]*world // of this round, by the row that they were made for
}

func openLab(ctx context.Context, cfg Config) (*lab, error) {
	keys, err := seal.Parse([]byte(cfg.Keys))
	if err != nil {
		return nil, err
	}
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: cfg.Dir, Settings: cfg.Settings})
	if err != nil {
		return nil, err
	}
	l := &lab{cfg: cfg, server: server, keys: keys, worlds: map[string]*world{}}
	if l.admin, err = pgx.Connect(ctx, server.DSN("postgres", pglocal.Owner)); err == nil {
		err = l.makeTemplate(ctx)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close stops the server; root's data may lie outside the folder that was asked for.
func (l *lab) close() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	l.dropWorlds(true)
	if l.admin != nil {
		_ = l.admin.Close(ctx)
	}
	if err := l.server.Stop(ctx); err != nil {
		l.cfg.Progress(err.Error())
		return
	}
	if home := l.server.Home(); home != l.cfg.Dir {
		_ = os.RemoveAll(home)
	}
}

func (l *lab) createDatabase(ctx context.Context, name, from string) error {
	_, err := l.admin.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()+" template "+pgx.Identifier{from}.Sanitize())
	if err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	return nil
}

// makeTemplate lays out an empty book with its campaigns, which every measurement begins with a copy of.
func (l *lab) makeTemplate(ctx context.Context) error {
	if err := l.createDatabase(ctx, template, "template1"); err != nil {
		return err
	}
	owner, err := pgx.Connect(ctx, l.server.DSN(template, pglocal.Owner))
	if err != nil {
		return err
	}
	_, err = migrations.Apply(ctx, owner)
	if err = errors.Join(err, owner.Close(ctx)); err != nil {
		return err
	}
	db, err := pg.Open(ctx, l.server.DSN(template, pglocal.Service))
	if err != nil {
		return err
	}
	defer db.Close()
	return pg.InTx(ctx, db, func(tx pgx.Tx) error { return l.layOut(ctx, tx) })
}

func (l *lab) layOut(ctx context.Context, tx pgx.Tx) error {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	book, err := ledger.CreateBook(ctx, tx, ledger.Book{Keys: l.keys, Code: "bench", NameZH: "测速", NameEN: "Bench", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
	if err != nil {
		return err
	}
	if _, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常基金", NameEN: "General fund"}); err != nil {
		return err
	}
	now := time.Now()
	for i := range l.cfg.Campaigns {
		fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: fmt.Sprintf("F%d", i), Kind: ledger.Restricted, NameZH: "项目基金", NameEN: "Project fund"})
		if err != nil {
			return err
		}
		_, err = giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: slug(i), TitleZH: "测速", TitleEN: "Bench",
			SummaryZH: "测速", SummaryEN: "Bench", StoryZH: "测速", StoryEN: "Bench", Goal: 1_000_000_00,
			OpensAt: now.AddDate(-2, 0, 0), ClosesAt: now.AddDate(1, 0, 0)})
		if err != nil {
			return err
		}
	}
	_, l.token, err = staff.CreateKey(ctx, tx, book.ID, "bench", []staff.Scope{staff.GiftsWrite}, uuid.Nil, now.AddDate(0, 0, 7), now)
	return err
}

func slug(i int) string { return fmt.Sprintf("campaign-%d", i) }

// world is a database with an empty book, and what was done in it.
type world struct {
	name    string
	l       *lab
	db      *pgxpool.Pool // as the service
	posting *pgxpool.Pool // the same, connected as the intake is
	owner   *pgxpool.Pool
	book    *ledger.Book
	slugs   []string
	camps   []int32 // by slug
	tally   tally
	proven  int64
	filled  bool // by SQL, with very many entries
}

// world makes a new, empty book for a row.
func (l *lab) world(ctx context.Context, r *row, opts ...pg.Option) (*world, error) {
	l.made++
	w := &world{name: fmt.Sprintf("bench_%d", l.made), l: l}
	if err := l.createDatabase(ctx, w.name, template); err != nil {
		return nil, err
	}
	l.worlds[r.name] = w
	var err error
	if w.owner, err = pg.Open(ctx, l.server.DSN(w.name, pglocal.Owner), pg.StatementTimeout(0), pg.MaxConns(4),
		pg.Param("idle_in_transaction_session_timeout", "0")); err != nil {
		return nil, err
	}
	if w.db, err = pg.Open(ctx, l.server.DSN(w.name, pglocal.Service), opts...); err != nil {
		return nil, err
	}
	if w.posting, err = pg.Open(ctx, l.server.DSN(w.name, pglocal.Service), append(opts, pg.Posting, pg.MaxConns(2))...); err != nil {
		return nil, err
	}
	if w.book, err = ledger.BookByCode(ctx, w.db, "bench"); err != nil {
		return nil, err
	}
	w.book.Keys = l.keys
	ctx = pg.WithBook(ctx, w.book.ID)
	for i := range r.campaigns {
		c, err := giving.CampaignBySlug(ctx, w.db, w.book, slug(i))
		if err != nil {
			return nil, err
		}
		w.slugs, w.camps = append(w.slugs, c.Slug), append(w.camps, c.ID)
	}
	return w, nil
}

func (w *world) close() {
	if w.db != nil {
		w.db.Close()
	}
	if w.posting != nil {
		w.posting.Close()
	}
	if w.owner != nil {
		w.owner.Close()
	}
}

// dropWorlds removes the databases that are done with. What COPY will write again stays until the round ends.
func (l *lab) dropWorlds(roundEnds bool) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for name, w := range l.worlds {
		if !roundEnds && strings.HasPrefix(name, copySource) {
			continue
		}
		w.close()
		if _, err := l.admin.Exec(ctx, "drop database if exists "+pgx.Identifier{w.name}.Sanitize()); err != nil {
			l.cfg.Progress(err.Error())
		}
		delete(l.worlds, name)
	}
}

const (
	sqlGifts   = `select count(*), coalesce(sum(amount), 0)::int8 from gift where book_id = $1`
	sqlEntries = `select count(*) from entry where book_id = $1 and kind = 3` // 3 is ledger.KindGift
	sqlIncome  = `
select coalesce(sum(b.seq), 0)::int8, coalesce(-sum(b.balance), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.dims ->> 'nature' = 'gift'`
	sqlSize = `
select coalesce(sum(pg_total_relation_size(oid)), 0)::int8 from pg_class
 where relname = any(array['entry', 'posting', 'gift', 'donor', 'message', 'balance', 'turnover', 'account'])
   and relnamespace in ('public'::regnamespace, 'private'::regnamespace)`
	sqlWAL = `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8`
)

// prove compares what callers were told with what the book holds: gift rows, gift entries and the balances of income.
func (w *world) prove(ctx context.Context) error {
	var gifts, amount, entries, postings, income int64
	if err := w.owner.QueryRow(ctx, sqlGifts, w.book.ID).Scan(&gifts, &amount); err != nil {
		return err
	}
	if err := w.owner.QueryRow(ctx, sqlEntries, w.book.ID).Scan(&entries); err != nil {
		return err
	}
	if err := w.owner.QueryRow(ctx, sqlIncome, w.book.ID).Scan(&postings, &income); err != nil {
		return err
	}
	told, sum := w.tally.booked.Load(), w.tally.amount.Load()
	if told != gifts || told != entries || told != postings || sum != amount || sum != income {
		return fmt.Errorf("%w: %d acknowledged of %d, %d gifts of %d, %d entries, %d postings of %d", ErrNotBooked,
			told, sum, gifts, amount, entries, postings, income)
	}
	w.l.proven += told - w.proven
	w.proven = told
	if w.l.round > 0 || w.filled { // once is enough, and of a large book it takes long
		return nil
	}
	return w.verify(ctx)
}

// verify runs all checks of `sunfund verify` on the book.
func (w *world) verify(ctx context.Context) error {
	return pg.InTx(ctx, w.owner, func(tx pgx.Tx) error {
		for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, giving.Verify} {
			checks, err := verify(ctx, tx, w.book)
			if err != nil {
				return err
			}
			for _, c := range checks {
				if c.DiffersAll > 0 {
					return fmt.Errorf("%w: %s: %v", ErrNotBooked, c.Name, c.Differs)
				}
			}
		}
		return nil
	})
}
