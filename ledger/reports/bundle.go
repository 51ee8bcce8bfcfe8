package reports

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Files of an auditor's bundle. BundleSums is last and names the others.
const (
	BundleReadme    = "README.txt"
	BundleAbout     = "about.json"
	BundleFunds     = "funds.csv"
	BundleAccounts  = "accounts.csv"
	BundleEntries   = "entries.csv"
	BundlePostings  = "postings.csv"
	BundleTrial     = "trial-balance.csv"
	BundleApprovals = "approvals.csv"
	BundleDecisions = "decisions.csv"
	BundlePapers    = "papers.csv"
	BundleStatement = "statements/"
	BundleJournal   = "book.journal"
	BundleSums      = "SHA256SUMS"
)

// bundleFormat is the version of the bundle's files.
const bundleFormat = 2

// BundleInfo says of which book a bundle is and where the book stood.
type BundleInfo struct {
	Format   int    `json:"format"`
	Book     string `json:"book"`
	NameZH   string `json:"name_zh"`
	NameEN   string `json:"name_en"`
	Regime   string `json:"regime"`
	Currency string `json:"currency"`
	Position int64  `json:"position"` // postings in the book
	Entries  int64  `json:"entries"`
	Last     string `json:"last_entry"` // recorded last; empty for none
	First    string `json:"first"`      // the first and the last day that an entry belongs to; empty for none
	Through  string `json:"through"`
	Chain    string `json:"chain"` // of the last entry; empty for none
}

// BundleProgress says which file is being written, and how many entries of how many it has by now.
type BundleProgress struct {
	File    string
	Done    int64
	Entries int64
}

// bundle is one on its way into a zip file.
type bundle struct {
	ctx  context.Context
	q    pg.Querier
	book *ledger.Book
	zip  *zip.Writer
	sums bytes.Buffer
	info BundleInfo
	tell func(BundleProgress)
	now  string // the file being written
}

// WriteBundle writes the auditor's bundle: everything that adding the book up again takes, as files that need no program of ours, and how to
// check them. Who made and approved is told by ids, donors are not named; summaries and reasons stand as they were typed. The same book gives the same bytes, written as they are made,
// whatever the book's length; tell, which may be nil, is told now and then how far it is. It gives what the bundle says of itself and the SHA-256 of
// SHA256SUMS, which whoever receives it should be told by another way. Run it in one repeatable read transaction. It fails with ErrTorn.
func WriteBundle(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, tell func(BundleProgress)) (info BundleInfo, root string, err error) {
	if tell == nil {
		tell = func(BundleProgress) {}
	}
	b := &bundle{ctx: ctx, q: q, book: book, zip: zip.NewWriter(w), tell: tell}
	if err := b.write(); err != nil {
		return info, "", fmt.Errorf("write bundle: %w", err)
	}
	sum := sha256.Sum256(b.sums.Bytes())
	return b.info, hex.EncodeToString(sum[:]), nil
}

func (b *bundle) write() error {
	if err := b.about(); err != nil {
		return err
	}
	steps := []struct {
		name  string
		write func(io.Writer) error
	}{
		{BundleReadme, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, bundleReadme, b.book.NameZH, b.book.NameEN)
			return err
		}},
		{BundleFunds, b.funds}, {BundleAccounts, b.accounts}, {BundleEntries, b.entries}, {BundlePostings, b.postings}, {BundleTrial, b.trial}, {BundleApprovals, b.approvals}, {BundleDecisions, b.decisions}, {BundlePapers, b.papers},
		{BundleAbout, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(b.info)
		}},
	}
	for _, s := range steps {
		if err := b.file(s.name, s.write); err != nil {
			return err
		}
	}
	if err := b.statements(); err != nil {
		return err
	}
	if err := b.file(BundleJournal, func(w io.Writer) error { return WriteHledger(b.ctx, b.q, b.book, w, b.plain()) }); err != nil {
		return err
	}
	sums := bytes.Clone(b.sums.Bytes())
	out, err := b.zip.CreateHeader(&zip.FileHeader{Name: BundleSums, Method: zip.Deflate})
	if err != nil {
		return err
	}
	if _, err := out.Write(sums); err != nil {
		return err
	}
	return b.zip.Close()
}

// plain are the options of everything that reads the entries.
func (b *bundle) plain() Options {
	return Options{Lang: "zh-CN", NoNames: true, Progress: func(done int64) { b.tell(BundleProgress{b.now, done, b.info.Entries}) }}
}

// file writes one file, without a time of its own, and notes its hash.
func (b *bundle) file(name string, write func(io.Writer) error) error {
	b.now = name
	b.tell(BundleProgress{name, 0, b.info.Entries})
	out, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(out, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(&b.sums, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), name)
	return nil
}

const sqlBundleLast = `
select (select count(*) from entry where book_id = $1), (select min(effective_on) from entry where book_id = $1), (select max(effective_on) from entry where book_id = $1),
       (select id from entry where book_id = $1 order by xid desc, id desc limit 1)`

func (b *bundle) about() (err error) {
	b.info = BundleInfo{Format: bundleFormat, Book: b.book.Code, NameZH: b.book.NameZH, NameEN: b.book.NameEN, Regime: b.book.Regime, Currency: b.book.Currency}
	if b.info.Position, err = ledger.Posted(b.ctx, b.q, b.book, 0); err != nil {
		return err
	}
	var first, through *time.Time
	var last *uuid.UUID
	if err := b.q.QueryRow(b.ctx, sqlBundleLast, b.book.ID).Scan(&b.info.Entries, &first, &through, &last); err != nil {
		return err
	}
	if first != nil {
		b.info.First, b.info.Through, b.info.Last = first.Format(time.DateOnly), through.Format(time.DateOnly), last.String()
	}
	return nil
}

// table writes a CSV: heads, then the rows that each asks for.
func table(w io.Writer, heads []string, rows func(row func(...string)) error) error {
	c := sheet.NewWriter(w)
	_ = c.Row(heads...) // kept by the writer; Flush reports it
	err := rows(func(fields ...string) { _ = c.Row(fields...) })
	if err != nil {
		return err
	}
	return c.Flush()
}

// query writes a CSV of what a statement finds; its columns are texts.
func (b *bundle) query(w io.Writer, heads []string, sql string) error {
	return table(w, heads, func(row func(...string)) error {
		rows, err := b.q.Query(b.ctx, sql, b.book.ID)
		if err != nil {
			return err
		}
		fields := make([]string, len(heads))
		to := make([]any, len(heads))
		for i := range fields {
			to[i] = &fields[i]
		}
		_, err = pgx.ForEachRow(rows, to, func() error { row(fields...); return nil })
		return err
	})
}

func (b *bundle) funds(w io.Writer) error {
	all, err := ledger.Funds(b.ctx, b.q, b.book)
	if err != nil {
		return err
	}
	return table(w, []string{"fund", "code", "kind", "name_zh", "name_en"}, func(row func(...string)) error {
		for _, f := range all {
			row(strconv.Itoa(int(f.ID)), f.Code, f.Kind, oneLine(f.NameZH), oneLine(f.NameEN))
		}
		return nil
	})
}

func (b *bundle) accounts(w io.Writer) error {
	all, err := plainAccounts(b.ctx, b.q, b.book)
	if err != nil {
		return err
	}
	balances, err := PlainBalances(b.ctx, b.q, b.book)
	if err != nil {
		return err
	}
	return table(w, []string{"account", "name", "code", "chart", "fund", "currency", "nature", "balance", "name_zh", "name_en"}, func(row func(...string)) error {
		for _, a := range all {
			row(strconv.Itoa(int(a.id)), a.name, a.code, string(a.leaf.Chart), strconv.Itoa(int(a.leaf.Fund)), a.leaf.Currency, a.leaf.Dims.Nature, money.Format(balances[a.name].Minor, a.leaf.Currency), oneLine(a.zh), oneLine(a.en))
		}
		return nil
	})
}

// trial is the trial balance of the book's last year, by chart account, fund and currency.
func (b *bundle) trial(w io.Writer) error {
	return table(w, []string{"chart", "code", "fund", "currency", "opening", "debit", "credit", "closing"}, func(row func(...string)) error {
		if b.info.Entries == 0 {
			return nil
		}
		to, err := time.Parse(time.DateOnly, b.info.Through)
		if err != nil {
			return err
		}
		rows, err := ledger.TrialBalance(b.ctx, b.q, b.book, ledger.Day(to.Year(), time.January, 1), to, 0, true)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f := func(minor int64) string { return money.Format(minor, r.Currency) }
			row(string(r.Chart.ID), r.Chart.Code(b.book.Regime), strconv.Itoa(int(r.Fund)), r.Currency, f(r.Opening), f(r.Debit), f(r.Credit), f(r.Closing))
		}
		return nil
	})
}

const (
	sqlBundleApprovals = `
select id::text, kind, encode(payload_hash, 'hex'), version::text, needed::text, made_by::text, to_char(made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), state,
       coalesce(to_char(decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''), coalesce(entry_id::text, '')
  from approval where book_id = $1 order by id`

	sqlBundleDecisions = `
select approval_id::text, version::text, person_id::text, verdict, encode(payload_hash, 'hex'), to_char(decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from approval_decision where book_id = $1 order by approval_id, version, person_id`

	// Names of files are typed by people and are left out.
	sqlBundlePapers = `
select a.object, encode(a.hash, 'hex'), p.media, length(p.body)::text, to_char(a.added_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.added_by::text
  from attachment a join paper p on p.book_id = a.book_id and p.hash = a.hash where a.book_id = $1 order by a.object, a.hash`
)

func (b *bundle) approvals(w io.Writer) error {
	return b.query(w, []string{"request", "kind", "hash", "version", "needed", "made_by", "made_at", "state", "decided_at", "entry"}, sqlBundleApprovals)
}

func (b *bundle) decisions(w io.Writer) error {
	return b.query(w, []string{"request", "version", "person", "verdict", "hash", "decided_at"}, sqlBundleDecisions)
}

func (b *bundle) papers(w io.Writer) error {
	return b.query(w, []string{"object", "sha256", "media", "bytes", "added_at", "added_by"}, sqlBundlePapers)
}
