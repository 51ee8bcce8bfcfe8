package reports

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// ErrTorn means that an entry's postings are not all there; `sunfund verify` says more.
var ErrTorn = errors.New("entry has lost postings")

// Options of an export.
type Options struct {
	Lang     string              // "zh-CN" or "en": of descriptions where an entry has no words of its own
	Progress func(entries int64) // told now and then how many are written; nil: nobody is
	// NoNames leaves out who signed a voucher; who recorded it is told by id all the same.
	NoNames bool
}

// plainText is an export under way. It holds the accounts and one page of entries, however long the book is.
type plainText struct {
	w        *bufio.Writer // keeps its first error for Flush
	book     *ledger.Book
	lang     string
	progress func(int64)
	noNames  bool
	accounts []plainAccount // that have postings, in order of their making
	name     map[int32]*plainAccount
	written  int64 // entries
}

func newPlainText(ctx context.Context, q pg.Querier, book *ledger.Book, w io.Writer, opt Options) (*plainText, error) {
	accounts, err := plainAccounts(ctx, q, book)
	if err != nil {
		return nil, err
	}
	t := &plainText{w: bufio.NewWriterSize(w, 1<<16), book: book, lang: opt.Lang, progress: opt.Progress, noNames: opt.NoNames, accounts: accounts, name: make(map[int32]*plainAccount, len(accounts))}
	for i := range accounts {
		t.name[accounts[i].id] = &accounts[i]
	}
	return t, nil
}

func (t *plainText) printf(format string, args ...any) { fmt.Fprintf(t.w, format, args...) }

// currencies are those of the accounts, in order of first appearance.
func (t *plainText) currencies() (all []string) {
	seen := map[string]bool{}
	for _, a := range t.accounts {
		if c := a.leaf.Currency; !seen[c] {
			seen[c] = true
			all = append(all, c)
		}
	}
	return all
}

// firstDay is the earliest day of the book; zero when nothing was booked.
func (t *plainText) firstDay() (first time.Time) {
	for _, a := range t.accounts {
		if first.IsZero() || a.first.Before(first) {
			first = a.first
		}
	}
	return first
}

// plainEntry is an entry as exports tell it.
type plainEntry struct {
	id, key, actor, reverses uuid.UUID
	kind                     ledger.Kind
	day                      time.Time
	recorded                 time.Time
	number                   int32 // of the voucher; zero for none
	summary                  string
	source, sourceRef        string
	reason                   string
	madeBy, checkedBy        string
	accounts                 []int32
	amounts                  []int64
	lines                    int    // that the entry names
	xid                      string // of the transaction that booked it
}

// Entries in the order they were booked, a page at a time: no statement runs long, no cursor stays open.
const sqlPlainEntries = `
select e.id, e.key, e.actor, coalesce(e.reverses, '00000000-0000-0000-0000-000000000000'), e.kind, e.effective_on, e.recorded_at,
       coalesce(d.number, 0), coalesce(d.summary, ''), coalesce(d.source_kind, ''), coalesce(d.source_ref, ''), coalesce(d.reason, ''),
       coalesce(d.made_by, ''), coalesce(d.checked_by, ''), p.accounts, p.amounts, cardinality(e.accounts), e.xid::text
  from (select * from entry where book_id = $1 and (xid, id) > ($2::text::xid8, $3) order by xid, id limit $4) e
  left join lateral (select * from document where book_id = $1 and entry_id = e.id limit 1) d on true
 cross join lateral (
       select array_agg(p.account_id order by p.line) as accounts, array_agg(p.amount order by p.line) as amounts
         from unnest(e.accounts, e.seqs) u(account_id, seq)
        cross join lateral (select account_id, amount, line from posting
                             where book_id = $1 and account_id = u.account_id and seq = u.seq and entry_id = e.id limit 1) p) p
 order by e.xid, e.id`

const plainPage = 500

// Before a book's first ANALYZE the planner would read and sort the rest of the book for every page instead of
// following the index. Lasts as long as the transaction.
const sqlFollowIndex = `select set_config('enable_bitmapscan', 'off', true)`

// entries calls write for each entry in the order of booking.
func (t *plainText) entries(ctx context.Context, q pg.Querier, write func(*plainEntry)) error {
	if _, err := q.Exec(ctx, sqlFollowIndex); err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	xid, id := "0", uuid.Nil
	for {
		rows, err := q.Query(ctx, sqlPlainEntries, t.book.ID, xid, id, plainPage)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		page, err := pgx.CollectRows(rows, scanPlainEntry)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		for i := range page {
			e := &page[i]
			if t.noNames {
				e.madeBy, e.checkedBy = "", ""
			}
			if len(e.accounts) != e.lines {
				return fmt.Errorf("%w: %s names %d, %d are there", ErrTorn, e.id, e.lines, len(e.accounts))
			}
			for _, account := range e.accounts {
				if t.name[account] == nil {
					return fmt.Errorf("entry %s: account %d has no turnover: export needs one moment of the book, in one transaction", e.id, account)
				}
			}
			write(e)
			t.written++
		}
		if len(page) < plainPage {
			return nil
		}
		if t.progress != nil && t.written%(100*plainPage) == 0 {
			t.progress(t.written)
		}
		last := page[len(page)-1]
		xid, id = last.xid, last.id
	}
}

func scanPlainEntry(row pgx.CollectableRow) (e plainEntry, err error) {
	err = row.Scan(&e.id, &e.key, &e.actor, &e.reverses, &e.kind, &e.day, &e.recorded,
		&e.number, &e.summary, &e.source, &e.sourceRef, &e.reason,
		&e.madeBy, &e.checkedBy, &e.accounts, &e.amounts, &e.lines, &e.xid)
	return e, err
}

// code is the voucher's number in its month, or the entry's id when it has no voucher.
func (e *plainEntry) code() string {
	if e.number == 0 {
		return e.id.String()
	}
	return fmt.Sprintf("%s/%d", e.day.Format("2006-01"), e.number)
}

// description is the summary in one line, or the kind's name.
func (e *plainEntry) description(lang string) string {
	if s := oneLine(e.summary); s != "" {
		return s
	}
	return e.kind.Name(lang)
}

// tag is one fact about an entry beside its postings.
type tag struct{ name, value string }

// tags leave out what an entry does not have; a key that is the id says nothing.
func (e *plainEntry) tags() (all []tag) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, tag{name, value})
		}
	}
	add("id", e.id.String())
	if e.key != e.id {
		add("key", e.key.String())
	}
	add("kind", e.kind.Info().Code)
	add("recorded", e.recorded.UTC().Format("2006-01-02T15:04:05.000000Z"))
	add("actor", e.actor.String())
	if e.reverses != uuid.Nil {
		add("reverses", e.reverses.String())
	}
	add("source", oneLine(e.source+" "+e.sourceRef))
	add("reason", oneLine(e.reason))
	add("made-by", oneLine(e.madeBy))
	add("checked-by", oneLine(e.checkedBy))
	return all
}

// postings prints the lines, which both formats write alike.
func (t *plainText) postings(e *plainEntry, indent string) {
	for i, account := range e.accounts {
		a := t.name[account]
		t.printf("%s%s  %s %s\n", indent, a.name, money.Format(e.amounts[i], a.leaf.Currency), a.leaf.Currency)
	}
}
