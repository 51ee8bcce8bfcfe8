package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// Recon says how long a million lines take from the file to the match.
type Recon struct {
	Lines       int     `json:"lines"` // of the processor; as many gifts are in the book
	BankLines   int     `json:"bank_lines"`
	Import      float64 `json:"import_seconds"`
	Run         float64 `json:"run_seconds"`
	Join        float64 `json:"join_seconds"` // a plain full outer join of the two tables on the key, counted
	Ratio       float64 `json:"ratio"`        // the run to the join
	Keep        float64 `json:"keep_seconds"` // the same join, its rows written into a table of both ids
	KeepRatio   float64 `json:"keep_ratio"`
	ImportCPU   float64 `json:"import_cpu_seconds"` // of this process and its sessions; holds on a busy machine too
	RunCPU      float64 `json:"run_cpu_seconds"`
	JoinCPU     float64 `json:"join_cpu_seconds"`
	KeepCPU     float64 `json:"keep_cpu_seconds"`
	Again       float64 `json:"again_seconds"`
	AgainWrote  bool    `json:"again_wrote"`
	More        int     `json:"more"` // lines that came afterwards
	MoreImport  float64 `json:"more_import_seconds"`
	MoreRun     float64 `json:"more_run_seconds"`
	Matched     int64   `json:"matched"`
	Breaks      int64   `json:"breaks"`
	MemoryBytes int64   `json:"memory_bytes"` // the most that this process and its sessions held of their own at a time
	Passes      []struct {
		Name    string  `json:"name"`
		Seconds float64 `json:"seconds"`
	} `json:"passes"`
}

const (
	sqlReconGifts = `select ref, paid_at from gift where book_id = $1 order by paid_at, id limit $2 offset $3`

	sqlReconJoin = `
select count(g.ref), count(l.ext_id) from (select ref from gift where book_id = $1) g full join (select ext_id from ext_line where book_id = $1 and source_id = $2) l on l.ext_id = g.ref`

	sqlReconKept = `create temporary table if not exists kept (id uuid, source_id int4, line_key bytea) on commit delete rows`

	sqlReconKeep = `
insert into kept
select g.id, l.source_id, l.line_key from (select id, ref from gift where book_id = $1) g
  full join (select source_id, line_key, ext_id from ext_line where book_id = $1 and source_id = $2) l on l.ext_id = g.ref`

	sqlReconMatched = `
select count(*) + (select coalesce(sum(lines), 0) from recon_page where book_id = $1), (select count(*) from break_item where book_id = $1) from recon_member where book_id = $1 and part = 0 and live`
)

// Reconcile measures lines processor lines against as many gifts, then more of both on top of them.
func Reconcile(ctx context.Context, cfg Config, lines, more int) (*Recon, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	l, err := openLab(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer l.close()
	w, err := l.world(ctx, &row{name: "recon", campaigns: cfg.many()})
	if err != nil {
		return nil, err
	}
	if err := w.fill(ctx, w.camps, lines); err != nil {
		return nil, err
	}
	ctx = pg.WithBook(ctx, w.book.ID)
	b := &reconBench{world: w, by: uuid.New(), days: map[string]int64{}, now: time.Now()}
	r := &Recon{Lines: lines, More: more}
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	stop := b.watch(ctx)
	defer stop()
	cfg.Progress("importing the processor's bills and the bank's statement")
	if r.ImportCPU, err = b.cpu(ctx, func() error {
		if r.Import, err = b.bills(ctx, lines); err != nil {
			return err
		}
		took, err := b.statement(ctx)
		r.Import, r.BankLines = r.Import+took, len(b.days)
		return err
	}); err != nil {
		return nil, err
	}
	cfg.Progress("joining")
	if err := b.join(ctx, r); err != nil {
		return nil, err
	}
	cfg.Progress("reconciling")
	var report *recon.Report
	if r.RunCPU, err = b.cpu(ctx, func() (err error) {
		report, r.Run, err = b.run(ctx, b.now)
		return err
	}); err != nil {
		return nil, err
	}
	r.Ratio, r.KeepRatio = r.Run/r.Join, r.Run/r.Keep
	for _, p := range report.Passes {
		r.Passes = append(r.Passes, struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		}{p.Name, p.Took.Seconds()})
	}
	again, took, err := b.run(ctx, b.now)
	if err != nil {
		return nil, err
	}
	r.Again, r.AgainWrote = took, again.Written
	if err := b.further(ctx, r); err != nil {
		return nil, err
	}
	r.MemoryBytes = stop()
	if err := w.db.QueryRow(ctx, sqlReconMatched, w.book.ID).Scan(&r.Matched, &r.Breaks); err != nil {
		return nil, err
	}
	if want := int64(lines + more + r.BankLines); r.Matched != want || r.Breaks != 0 || r.AgainWrote {
		return r, fmt.Errorf("%d matches of %d and %d breaks of none; the second run wrote: %v", r.Matched, want, r.Breaks, r.AgainWrote)
	}
	return r, nil
}

// join joins three times, counted and kept, in the service's role as the run does; the fastest counts, since the first one reads the tables
// for the first time.
func (b *reconBench) join(ctx context.Context, r *Recon) error {
	for range 3 {
		var took, kept float64
		cpu, err := b.cpu(ctx, func() error {
			begin := time.Now()
			var gifts, told int64
			err := b.db.QueryRow(ctx, sqlReconJoin, b.book.ID, b.wechat.ID).Scan(&gifts, &told)
			took = time.Since(begin).Seconds()
			return err
		})
		if err != nil {
			return err
		}
		keep, err := b.cpu(ctx, func() error {
			begin := time.Now()
			tx, err := b.db.Begin(ctx)
			if err != nil {
				return err
			}
			if _, err = tx.Exec(ctx, sqlReconKept); err == nil {
				_, err = tx.Exec(ctx, sqlReconKeep, b.book.ID, b.wechat.ID)
			}
			kept = time.Since(begin).Seconds()
			return errors.Join(err, tx.Rollback(ctx))
		})
		if err != nil {
			return err
		}
		if r.Join == 0 || took < r.Join {
			r.Join = took
		}
		if r.Keep == 0 || kept < r.Keep {
			r.Keep = kept
		}
		if r.JoinCPU == 0 || cpu < r.JoinCPU {
			r.JoinCPU = cpu
		}
		if r.KeepCPU == 0 || keep < r.KeepCPU {
			r.KeepCPU = keep
		}
	}
	return nil
}

// cpu is the processor time that something takes, of this process and its sessions.
func (b *reconBench) cpu(ctx context.Context, do func() error) (seconds float64, err error) {
	before, err := b.serverCPU(ctx)
	if err != nil {
		return 0, err
	}
	own := ownCPU()
	if err := do(); err != nil {
		return 0, err
	}
	after, err := b.serverCPU(ctx)
	return (after - before + ownCPU() - own).Seconds(), err
}

// reconBench is a book with a WeChat Pay account and a bank account.
type reconBench struct {
	*world
	by     uuid.UUID
	now    time.Time
	wechat *recon.Source
	bank   *recon.Source
	days   map[string]int64 // what settles of each day
	order  []string
}

func (b *reconBench) open(ctx context.Context) error {
	return pg.InTx(ctx, b.db, func(tx pgx.Tx) error {
		for _, s := range []struct {
			to     **recon.Source
			name   string
			format statement.Format
		}{{&b.wechat, "WeChat Pay", statement.WeChatTrade}, {&b.bank, "Bank", statement.MT940}} {
			one := recon.Source{Name: s.name, Kind: "bank", Format: s.format, Currency: "CNY", MadeBy: b.by, MadeAt: b.now}
			id, err := recon.AddSource(ctx, tx, b.book, one)
			if err != nil {
				return err
			}
			one.ID = id
			*s.to = &one
		}
		return recon.SetTerm(ctx, tx, b.book, recon.Term{SourceID: b.wechat.ID, From: b.now.AddDate(-3, 0, 0), RatePPM: 0, SettleDays: 1, MadeBy: b.by, MadeAt: b.now})
	})
}

// billLines is how many lines a bill has; a processor sends one a day.
const billLines = 100_000

// bill is a trade bill of WeChat Pay on its way; its lines are the gifts that fill books.
type bill struct {
	bytes.Buffer
	lines int
}

func (b *bill) add(at time.Time, ref string) {
	if b.lines++; b.lines == 1 {
		b.WriteString("交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n")
	}
	fmt.Fprintf(b, "`%s,`wx7b1d0c5e9a3f4d26,`1900012345,`0,`,`%s,`%s,`oXt4JNgRE5aAOSdulEKnI81yJDYl,`JSAPI,`SUCCESS,`CCB_CREDIT,`CNY,`%s,`0.00,`0,`0,`0.00,`0.00,`,`,`月捐伙伴,`campaign=monthly&fund=G,`0.00000,`0.00%%,`%[4]s,`0.00,`\r\n",
		at.Format(time.DateTime), ref, ref, money.Format(filled, "CNY"))
}

func (b *bill) end() []byte {
	sum := money.Format(int64(b.lines)*filled, "CNY")
	fmt.Fprintf(b, "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`%d,`%s,`0.00,`0.00,`0.00000,`%[2]s,`0.00\r\n", b.lines, sum)
	return b.Bytes()
}

// bills writes bills of the gifts in the book and imports them; it tells how long the importing took.
func (b *reconBench) bills(ctx context.Context, n int) (seconds float64, err error) {
	zone := b.book.Zone
	for at := 0; at < n; at += billLines {
		rows, err := b.owner.Query(ctx, sqlReconGifts, b.book.ID, min(billLines, n-at), at)
		if err != nil {
			return 0, err
		}
		var body bill
		var ref string
		var paid time.Time
		if _, err := pgx.ForEachRow(rows, []any{&ref, &paid}, func() error {
			paid = paid.In(zone)
			day := paid.Format("20060102")
			if _, known := b.days[day]; !known {
				b.order = append(b.order, day)
			}
			b.days[day] += filled
			body.add(paid, ref)
			return nil
		}); err != nil {
			return 0, err
		}
		took, err := b.bring(ctx, b.wechat, fmt.Sprintf("bill-%d.csv", at), body.end())
		if err != nil {
			return 0, err
		}
		seconds += took
	}
	return seconds, nil
}

// statement is the bank's: one credit a day.
func (b *reconBench) statement(ctx context.Context) (float64, error) {
	var body bytes.Buffer
	balance := int64(0)
	first, err := time.Parse("20060102", b.order[0])
	if err != nil {
		return 0, err
	}
	mt := func(minor int64) string { return strings.Replace(money.Format(minor, "CNY"), ".", ",", 1) }
	fmt.Fprintf(&body, ":20:A\r\n:25:12345678\r\n:28C:1/1\r\n:60F:C%sCNY0,\r\n", first.Format("060102"))
	last := first
	for i, day := range b.order {
		d, err := time.Parse("20060102", day)
		if err != nil {
			return 0, err
		}
		last = d.AddDate(0, 0, 1)
		balance += b.days[day]
		fmt.Fprintf(&body, ":61:%s%sC%sNTRFNONREF//S%06d\r\n:86:/REMI/TENPAY SETTLEMENT MCH 1900012345 %s/ORDP/TENPAY\r\n", last.Format("060102"), last.Format("0102"),
			mt(b.days[day]), i, day)
	}
	fmt.Fprintf(&body, ":62F:C%sCNY%s\r\n-\r\n", last.Format("060102"), mt(balance))
	return b.bring(ctx, b.bank, "bank.sta", body.Bytes())
}

// bring receives a file and takes it, and tells how long both took.
func (b *reconBench) bring(ctx context.Context, s *recon.Source, name string, body []byte) (float64, error) {
	begin := time.Now()
	var f *recon.File
	for _, step := range []func(tx pgx.Tx) error{
		func(tx pgx.Tx) (err error) {
			f, err = recon.Receive(ctx, tx, b.book, s, recon.NewFile{ID: uuid.New(), Name: name, Body: body, By: b.by}, b.now)
			return err
		},
		func(tx pgx.Tx) (err error) {
			f, err = recon.Take(ctx, tx, b.book, f, b.now)
			return err
		},
	} {
		if err := pg.InTx(ctx, b.db, step); err != nil {
			return 0, err
		}
	}
	if f.State != recon.FileImported {
		return 0, fmt.Errorf("%s: %s %s", name, f.State, *f.Reason)
	}
	return time.Since(begin).Seconds(), nil
}

func (b *reconBench) run(ctx context.Context, at time.Time) (report *recon.Report, seconds float64, err error) {
	begin := time.Now()
	err = pg.InTx(ctx, b.db, func(tx pgx.Tx) (err error) {
		report, err = recon.Run(ctx, tx, b.book, at)
		return err
	})
	return report, time.Since(begin).Seconds(), err
}

// further books more gifts on top, and brings their bill.
func (b *reconBench) further(ctx context.Context, r *Recon) error {
	b.l.cfg.Progress("a further bill")
	var body bill
	g := b.givers(1)[0]
	at := b.now.In(b.book.Zone).AddDate(0, 0, -2) // the gifts with which the campaigns began are of the days after: their bill has not come
	for body.lines < r.More {
		paid := make([]giving.Paid, min(1000, r.More-body.lines))
		for i := range paid {
			paid[i] = g.gift(b.camps)
			paid[i].Amount, paid[i].Fee, paid[i].PaidAt = filled, 0, at
			body.add(at, paid[i].Ref)
		}
		outcomes, err := giving.Commit(ctx, b.posting, b.book, paid)
		if _, _, err := counted(paid, outcomes, err); err != nil {
			return err
		}
	}
	var err error
	if r.MoreImport, err = b.bring(ctx, b.wechat, "more.csv", body.end()); err != nil {
		return err
	}
	_, r.MoreRun, err = b.run(ctx, b.now.Add(time.Second))
	return err
}

// watch looks now and then at what this process and its sessions hold of their own; it tells the most when it is stopped.
func (b *reconBench) watch(ctx context.Context) (stop func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var most int64
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			sum := ownBytes(os.Getpid())
			if rows, err := b.owner.Query(ctx, sqlBackends); err == nil {
				if pids, err := pgx.CollectRows(rows, pgx.RowTo[int32]); err == nil {
					for _, pid := range pids {
						sum += ownBytes(int(pid))
					}
				}
			}
			most = max(most, sum)
			sleepUntil(ctx, time.Now().Add(200*time.Millisecond))
		}
	}()
	var once sync.Once
	return func() int64 {
		once.Do(func() { cancel(); <-done })
		return most
	}
}

// ownBytes is what a process holds in memory and shares with nobody; zero where the system does not tell.
func ownBytes(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// WriteJSON writes the figures for programs.
func (r *Recon) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

// WriteText writes the figures for people.
func (r *Recon) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d lines, %d gifts, %d bank lines\nimport %.1f s, run %.1f s: %.1f s; join %.2f s, ratio %.1f; join kept %.2f s, ratio %.1f\nprocessor: import %.1f s, run %.1f s, join %.2f s, join kept %.2f s\nthe same run again %.2f s, wrote: %v\n%d more: import %.2f s, run %.2f s\nmatched %d, breaks %d, at most %d MB\n",
		r.Lines, r.Lines, r.BankLines, r.Import, r.Run, r.Import+r.Run, r.Join, r.Ratio, r.Keep, r.KeepRatio, r.ImportCPU, r.RunCPU, r.JoinCPU, r.KeepCPU, r.Again, r.AgainWrote, r.More, r.MoreImport, r.MoreRun, r.Matched, r.Breaks, r.MemoryBytes>>20)
	for _, p := range r.Passes {
		_, more := fmt.Fprintf(w, "  %-12s %6.2f s\n", p.Name, p.Seconds)
		err = errors.Join(err, more)
	}
	return err
}
