package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/sheet"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

var (
	// Columns of entries.csv. The lines of an entry are hashed as they stand in postings.csv; hash is that of the entry's own line up to
	// there; chain that of the chain before it and the hash, so that nobody can change, drop or add an entry and leave those behind it as they are.
	entryHeads   = []string{"entry", "day", "recorded_at", "kind", "number", "summary", "source", "source_ref", "reason", "reverses", "recorded_by", "lines", "lines_sha256", "sha256", "chain"}
	postingHeads = []string{"entry", "line", "day", "account", "fund", "currency", "memo", "amount"}
)

// entryHashed is how many columns of an entry its hash is made of.
const entryHashed = 13

// csvText is rows as CSV has them.
func csvText(rows ...[]string) []byte {
	var b bytes.Buffer
	w := sheet.NewWriter(&b)
	for _, row := range rows {
		_ = w.Row(row...) // a buffer takes everything
	}
	_ = w.Flush()
	return b.Bytes()
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// chained is the chain after an entry with a hash; before is the chain of the entry before it, empty for the first.
func chained(before, hash string) string { return hexSum([]byte(before + hash)) }

func (b *bundle) eachEntry(each func(t *plainText, e *plainEntry)) error {
	t, err := newPlainText(b.ctx, b.q, b.book, io.Discard, b.plain())
	if err != nil {
		return err
	}
	return t.entries(b.ctx, b.q, func(e *plainEntry) { each(t, e) })
}

// entries are in the order of booking, which nothing that is booked later changes: the chain of an earlier bundle stands in every later one.
func (b *bundle) entries(w io.Writer) error {
	return table(w, entryHeads, func(row func(...string)) error {
		return b.eachEntry(func(t *plainText, e *plainEntry) {
			number, reverses := "", ""
			if e.number != 0 {
				number = e.code()
			}
			if e.reverses != uuid.Nil {
				reverses = e.reverses.String()
			}
			fields := []string{e.id.String(), e.day.Format(time.DateOnly), e.recorded.UTC().Format("2006-01-02T15:04:05.000000Z"), e.kind.Info().Code, number, oneLine(e.summary), oneLine(e.source), oneLine(e.sourceRef), oneLine(e.reason),
				reverses, e.actor.String(), strconv.Itoa(e.lines), hexSum(csvText(t.postingRows(e)...))}
			hash := hexSum(csvText(fields))
			b.info.Chain = chained(b.info.Chain, hash)
			row(append(fields, hash, b.info.Chain)...)
		})
	})
}

func (b *bundle) postings(w io.Writer) error {
	return table(w, postingHeads, func(row func(...string)) error {
		return b.eachEntry(func(t *plainText, e *plainEntry) {
			for _, fields := range t.postingRows(e) {
				row(fields...)
			}
		})
	})
}

// postingRows are the lines of an entry as postings.csv has them.
func (t *plainText) postingRows(e *plainEntry) [][]string {
	rows := make([][]string, len(e.accounts))
	for i, id := range e.accounts {
		a := t.name[id]
		memo := "no"
		if chart.MustByID(a.leaf.Chart).Memo() {
			memo = "yes"
		}
		rows[i] = []string{e.id.String(), strconv.Itoa(i + 1), e.day.Format(time.DateOnly), strconv.Itoa(int(id)), strconv.Itoa(int(a.leaf.Fund)), a.leaf.Currency, memo, money.Format(e.amounts[i], a.leaf.Currency)}
	}
	return rows
}
