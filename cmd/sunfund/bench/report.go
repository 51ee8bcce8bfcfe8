package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what was measured, with the targets it is held to.
type Report struct {
	Machine    Machine  `json:"machine"`
	Rows       []Row    `json:"rows"`
	Founding   *Founded `json:"founding,omitempty"`
	Grown      *Grown   `json:"grown,omitempty"`
	Targets    []Target `json:"targets"`
	SpanMS     int64    `json:"span_ms"`
	Rounds     int      `json:"rounds"`
	InProcess  bool     `json:"service_in_process"`
	LostGifts  int64    `json:"lost_gifts"`   // acknowledged and not in the book: a difference ends the run, so this is 0
	ProvenRows int64    `json:"proven_gifts"` // acknowledged and found in the book
}

// Machine is what it was measured on.
type Machine struct {
	CPUs       int               `json:"cpus"`
	Go         string            `json:"go"`
	PostgreSQL string            `json:"postgresql"`
	Settings   map[string]string `json:"settings"`
	At         time.Time         `json:"at"`
}

// Row is one line of the table: the median of its rounds. Rows that are not about gifts count transactions. Figures that a
// row does not have are zero.
type Row struct {
	Name           string    `json:"name"`
	Campaigns      int       `json:"campaigns"`
	Clients        int       `json:"clients"`
	Batch          int       `json:"batch"`
	GiftsPerSecond float64   `json:"gifts_per_second"`
	Rounds         []float64 `json:"rounds"` // of which that is the median
	P50            float64   `json:"p50_ms"`
	P99            float64   `json:"p99_ms"`
	BytesPerGift   float64   `json:"bytes_per_gift"`
	WALPerGift     float64   `json:"wal_per_gift"`
	GoCPU          float64   `json:"go_cpu_us_per_gift"` // service and clients
	ServerCPU      float64   `json:"postgresql_cpu_us_per_gift"`
	RatioToCopy    float64   `json:"ratio_to_copy"`
	RatioToPgbench float64   `json:"ratio_to_pgbench"`
	Value          float64   `json:"value,omitempty"` // of rows that measure a ratio
}

// Founded is the founding case.
type Founded struct {
	Gifts            int     `json:"gifts"`
	HotCampaigns     int     `json:"hot_campaigns"`
	Campaigns        int     `json:"campaigns"`
	Batch            int     `json:"batch"`
	Clients          int     `json:"clients"`
	Seconds          float64 `json:"seconds"`
	InDatabase       int64   `json:"in_database"`
	SingleGifts      int     `json:"single_gifts"` // the same, one gift a request
	SingleClients    int     `json:"single_clients"`
	SingleSeconds    float64 `json:"single_seconds"`
	SingleInDatabase int64   `json:"single_in_database"`
}

// Grown compares a book of many entries with an empty one and with one of the same age, accounts and days that has few.
type Grown struct {
	Entries       int      `json:"entries"`          // asked for
	Aged          int      `json:"same_age_entries"` // of the book of the same age
	InDatabase    int64    `json:"in_database"`      // in the grown book when all was measured
	VerifySeconds float64  `json:"verify_seconds"`   // what verifying all of it took; no difference was found
	Ratios        []Growth `json:"ratios"`
}

// Growth is one figure of the three books.
type Growth struct {
	What         string  `json:"what"`
	Unit         string  `json:"unit"`
	Empty        float64 `json:"empty"`
	SameAge      float64 `json:"same_age"`
	Full         float64 `json:"full"`
	Ratio        float64 `json:"ratio"`          // to the empty book
	RatioSameAge float64 `json:"ratio_same_age"` // to the book of the same age
}

// Target is a bar of the founding requirements.
type Target struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Must    float64 `json:"must"`
	Stretch float64 `json:"stretch"`
	AtMost  bool    `json:"at_most"` // else at least
	Met     bool    `json:"met"`
	Reached bool    `json:"stretch_met"`
}

func newReport(ctx context.Context, l *lab, rows []row, samples [][]sample) *Report {
	r := &Report{Machine: machine(ctx, l), SpanMS: l.cfg.Span.Milliseconds(), Rounds: l.cfg.Rounds, InProcess: true, ProvenRows: l.proven}
	for i, row := range rows {
		if len(samples[i]) > 0 {
			r.Rows = append(r.Rows, rowOf(row, samples[i]))
		}
	}
	r.relate()
	return r
}

func machine(ctx context.Context, l *lab) Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), Settings: map[string]string{}, At: time.Now().UTC().Truncate(time.Second)}
	for _, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size"} {
		var value string
		if err := l.admin.QueryRow(ctx, `select current_setting($1)`, name).Scan(&value); err == nil {
			m.Settings[name] = value
		}
	}
	m.PostgreSQL = m.Settings["server_version"]
	delete(m.Settings, "server_version")
	return m
}

// rowOf takes the median round by rate.
func rowOf(r row, samples []sample) Row {
	slices.SortFunc(samples, func(a, b sample) int {
		switch d := a.rate() + a.value - b.rate() - b.value; {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	s := &samples[len(samples)/2]
	row := Row{Name: r.name, Campaigns: r.campaigns, Clients: r.clients, Batch: r.batch, GiftsPerSecond: s.rate(), P50: ms(s.percentile(0.5)),
		P99: ms(s.percentile(0.99)), BytesPerGift: s.bytes, WALPerGift: s.wal, GoCPU: us(s.goCPU), ServerCPU: us(s.pgCPU), Value: s.value}
	if s.average > 0 {
		row.P50 = ms(s.average)
	}
	for i := range samples {
		row.Rounds = append(row.Rounds, samples[i].rate()+samples[i].value)
	}
	return row
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func (r *Report) row(name string) Row {
	for _, row := range r.Rows {
		if row.Name == name {
			return row
		}
	}
	return Row{}
}

func (r *Report) rate(name string) float64 { return r.row(name).GiftsPerSecond }

// relate fills in the ratios to COPY of the same rows and to pgbench at its best.
func (r *Report) relate() {
	var best float64
	for _, row := range r.Rows {
		if strings.HasPrefix(row.Name, "pgbench TPC-B") {
			best = max(best, row.GiftsPerSecond)
		}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.WALPerGift == 0 { // no gifts were booked in it
			continue
		}
		limit := r.rate("copy hot")
		if row.Campaigns > 2 {
			limit = r.rate("copy many")
		}
		row.RatioToCopy, row.RatioToPgbench = ratio(row.GiftsPerSecond, limit), ratio(row.GiftsPerSecond, best)
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// judge holds what was measured to the targets. A target whose rows were not measured is left out.
func (r *Report) judge() {
	one, hot100 := r.row("http hot 1 x64"), r.rate("http hot 100 x8")
	rowLock := r.row("pgbench row lock 64")
	r.atLeast("hot, one a request, 64 clients / row-lock function (N64)", ratio(one.GiftsPerSecond, rowLock.GiftsPerSecond), 7, 12)
	r.atLeast("hot, one a request, 64 clients / pgbench -N (P64)", ratio(one.GiftsPerSecond, r.rate("pgbench -N 64")), 1.5, 2.5)
	r.atLeast("in process, two committers, hot / COPY of the same rows", ratio(r.rate("two committers hot 1000"), r.rate("copy hot")), 0.6, 0.85)
	r.atLeast("one a request, 64 clients, all campaigns / hot", ratio(r.rate("http all 1 x64"), one.GiftsPerSecond), 0.9, 0.95)
	r.atMost("bytes of a gift / 836 of pgledger's bare transfer", ratio(one.BytesPerGift, 836), 0.6, 0.45)
	r.atMost("WAL of a gift, 64 clients / 1,960 of pgledger's bare transfer", ratio(one.WALPerGift, 1960), 0.5, 0.35)
	r.atLeast("256 clients / 64 clients", ratio(r.rate("http hot 1 x256"), one.GiftsPerSecond), 1, 1.3)
	r.atLeast("bulk of 100 x 8 / COPY of the same rows", ratio(hot100, r.rate("copy hot")), 0.4, 0.6)
	r.atLeast("bulk of 100 x 8 / bare COPY (C)", ratio(hot100, r.rate("copy bare")), 0.4, 0.6)
	r.atLeast("1,000 a batch, many campaigns / hot, HTTP", ratio(r.rate("http many 1000 x8"), r.rate("http hot 1000 x8")), 0.6, 0.6)
	r.atLeast("1,000 a batch, many campaigns / hot, in process", ratio(r.rate("intake many 1000"), r.rate("intake hot 1000")), 0.6, 0.6)
	r.atLeast("in process, one committer / COPY of the same rows", ratio(r.rate("intake hot 1000"), r.rate("copy hot")), 0.35, 0.6)
	r.atLeast("in process, two committers, many campaigns / COPY of the same rows", ratio(r.rate("two committers many 1000"), r.rate("copy many")), 0.6, 0.85)
	r.atLeast("in process, ten campaigns, random match from three pools / without match", r.row(matchPair).Value, 0.6, 0.8)
	r.atLeast("import of a gift file / intake hot", ratio(r.rate("import hot"), r.rate("intake hot 1000")), 0.8, 1)
	r.atMost("p99 / p50, 64 clients", ratio(one.P99, one.P50), 4, 2.5)
	r.atMost("p99 at 64 clients / mean of the row-lock function", ratio(one.P99, rowLock.P50), 0.4, 0.2)
	r.atLeast("kept with 2 ms more a flush, 256 clients", ratio(r.rate("slow flush hot 1 x256"), r.rate("http hot 1 x256")), 0.7, 0.9)
	r.atMost("back-dated / plain gift, fund of many postings", r.row(backDated).Value, 1.5, 1.1)
	r.atLeast("a new book's first second / analysed", r.row("first second").Value, 0.7, 0.9)
	if f := r.Founding; f != nil {
		r.atMost("founding case, seconds", f.Seconds, 60, 36)
	}
	if g := r.Grown; g != nil {
		for _, one := range g.Ratios {
			switch {
			case one.Unit == "gifts/s":
				r.atLeast("grown: "+one.What, one.Ratio, 0.9, 1)
			case strings.HasSuffix(one.What, "p99"):
				r.atMost("grown / same age: "+one.What, one.RatioSameAge, 1.5, 1.1)
				r.atMost("grown / empty: "+one.What, one.Ratio, 1.5, 1.1)
			}
		}
	}
}

func (r *Report) atLeast(name string, value, must, stretch float64) {
	if value > 0 {
		r.Targets = append(r.Targets, Target{name, value, must, stretch, false, value >= must, value >= stretch})
	}
}

func (r *Report) atMost(name string, value, must, stretch float64) {
	if value > 0 {
		r.Targets = append(r.Targets, Target{name, value, must, stretch, true, value <= must, value <= stretch})
	}
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report as tables.
func (r *Report) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d processors, PostgreSQL %s, %s; service and clients in one process, median of %d rounds of %d ms\n\n",
		r.Machine.CPUs, r.Machine.PostgreSQL, r.Machine.Go, r.Rounds, r.SpanMS)
	fmt.Fprintln(w, "row\tcampaigns\tclients\tbatch\tgifts/s\tp50 ms\tp99 ms\tbytes\tWAL\tGo µs\tPG µs\t/COPY\t/pgbench\t")
	for _, row := range r.Rows {
		rate := number(row.GiftsPerSecond, 0)
		if row.Value > 0 {
			rate = "ratio " + number(row.Value, 2)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", row.Name, row.Campaigns, row.Clients, row.Batch, rate,
			number(row.P50, 2), number(row.P99, 2), number(row.BytesPerGift, 0), number(row.WALPerGift, 0), number(row.GoCPU, 1), number(row.ServerCPU, 1), number(row.RatioToCopy, 2), number(row.RatioToPgbench, 2))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if f := r.Founding; f != nil {
		fmt.Fprintf(out, "\nfounding case: %d gifts to %d hot campaigns of %d, %d a batch, %d clients: %.1f s; %d in the database\n",
			f.Gifts, f.HotCampaigns, f.Campaigns, f.Batch, f.Clients, f.Seconds, f.InDatabase)
		fmt.Fprintf(out, "the same, one a request, %d clients: %.1f s; %d in the database\n", f.SingleClients, f.SingleSeconds, f.SingleInDatabase)
	}
	if g := r.Grown; g != nil {
		fmt.Fprintf(out, "\ngrown to %d entries, %d at the end, verified in %.0f s without a difference; the book of the same age has %d\n",
			g.Entries, g.InDatabase, g.VerifySeconds, g.Aged)
		fmt.Fprintln(w, "what\tempty\tsame age\tgrown\t/empty\t/same age\t")
		for _, one := range g.Ratios {
			fmt.Fprintf(w, "%s, %s\t%s\t%s\t%s\t%.2f\t%.2f\t\n", one.What, one.Unit, number(one.Empty, 2), number(one.SameAge, 2), number(one.Full, 2), one.Ratio, one.RatioSameAge)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%d gifts acknowledged and found in the books, none lost, none doubled\n\n", r.ProvenRows)
	fmt.Fprintln(w, "target\tvalue\tmust\tstretch\t\t")
	for _, t := range r.Targets {
		sign, verdict := "≥", "MISSED"
		if t.AtMost {
			sign = "≤"
		}
		switch {
		case t.Reached:
			verdict = "stretch met"
		case t.Met:
			verdict = "met"
		}
		fmt.Fprintf(w, "%s\t%.2f\t%s %g\t%s %g\t%s\t\n", t.Name, t.Value, sign, t.Must, sign, t.Stretch, verdict)
	}
	return w.Flush()
}

func number(v float64, decimals int) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, v)
}
