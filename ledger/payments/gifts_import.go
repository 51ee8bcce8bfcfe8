package payments

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Errors that stop an import. What was booked before stays booked; running it again changes nothing of it.
var (
	ErrHeader     = errors.New("file does not have the columns of a gift file")
	ErrLongRecord = errors.New("a record is too long; a quote may be open")
)

// giftColumns is the layout of a gift file; its first line names them in this order.
var giftColumns = []string{
	"gift_no", "paid_at", "campaign", "fund", "channel", "amount", "currency", "fee", "processor_ref", "donor_name", "anonymous",
	"message", "refund_of",
}

// Columns of a gift file.
const (
	colGiftNo = iota
	colPaidAt
	colCampaign
	colFund
	colChannel
	colAmount
	colCurrency
	colFee
	colProcessorRef
	colDonorName
	colAnonymous
	colMessage
	colRefundOf
)

// Limits of an import.
const (
	importBatch    = giving.BatchMax
	deferredMax    = 10_000  // refunds kept until the end because their gift has not come yet
	recordBytesMax = 1 << 20 // of one line with its quoted line breaks
)

// ImportOptions say how to import a gift file.
type ImportOptions struct {
	Rejects  io.Writer                  // gets refused lines with reasons as CSV; nil: not written
	Progress func(lines, bytes int64)   // called after each batch; nil: not called
	Rates    map[string]decimal.Decimal // book currency for one unit; a currency not in it goes by the table of rates
	Now      time.Time                  // lines paid later than a day from now are refused
	Actor    uuid.UUID                  // who runs the import
}

// Totals are the control totals of an import.
type Totals struct {
	Lines    int64 // records read, the header not counted
	Gifts    int64 // of them accepted as gifts
	Refunds  int64 // of them accepted as refunds
	Booked   int64 // accepted and new
	Replayed int64 // accepted and on the books before
	Refused  int64

	// Accepted gifts less refunds in minor units, by code and currency.
	ByFund     map[string]map[string]int64
	ByCampaign map[string]map[string]int64
}

// ImportGifts books a gift file from r as it streams. A line is known by channel and gift_no, so each is booked once,
// in whatever pieces the file comes and however often. While one batch is booked the next is read, no more than that. Refused lines go to Rejects and
// leave the others alone. A refund that stands before its gift is tried again at the end of the file.
//
// An error other than a refusal of a line ends the import; the totals then say how far it came.
func ImportGifts(ctx context.Context, db Database, book *ledger.Book, r io.Reader, opts ImportOptions) (*Totals, error) {
	ctx = pg.WithBook(ctx, book.ID)
	im, err := newImporter(ctx, db, book, r, opts)
	if err != nil {
		return nil, err
	}
	chunks, stop := im.readAhead()
	defer stop()
	for c := range chunks {
		if err := im.take(c); err != nil {
			return im.totals, err
		}
		if c.err != nil {
			return im.totals, c.err
		}
		if err := im.flush(ctx, c); err != nil {
			return im.totals, err
		}
	}
	if err := im.flushDeferred(ctx); err != nil {
		return im.totals, err
	}
	return im.totals, im.rejects.close()
}

// giftLine is a line that can be booked as a gift; refundLine one that can as a refund.
type giftLine struct {
	line int
	row  []string
	paid giving.Paid
}

type refundLine struct {
	line     int
	row      []string
	refunded giving.Refunded
}

// refusedLine is a line that could not be read as either.
type refusedLine struct {
	line int
	row  []string
	why  rejection
}

// chunk is what is booked in one go: so many lines of the file, read.
type chunk struct {
	gifts   []giftLine
	refunds []refundLine
	refused []refusedLine
	lines   int64 // that were read for it
	read    int64 // bytes of the file so far
	err     error // that broke the reading off; then nothing of the chunk is booked
}

// importer has two sides: reader, source, records, codes and options belong to who reads ahead, the rest to who books.
type importer struct {
	db      Database
	book    *ledger.Book
	opts    ImportOptions
	reader  *csv.Reader
	source  *boundedReader
	records int64 // read so far
	totals  *Totals
	rejects *rejectWriter

	campaigns, funds map[string]int32

	deferred []refundLine
}

func newImporter(ctx context.Context, db Database, book *ledger.Book, r io.Reader, opts ImportOptions) (*importer, error) {
	im := &importer{db: db, book: book, opts: opts, source: &boundedReader{r: r}}
	im.totals = &Totals{ByFund: map[string]map[string]int64{}, ByCampaign: map[string]map[string]int64{}}
	im.source.allow()
	im.reader = csv.NewReader(im.source)
	im.reader.ReuseRecord = true
	im.reader.FieldsPerRecord = -1
	header, err := im.reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if !slices.Equal(header, giftColumns) {
		return nil, fmt.Errorf("%w: want %s", ErrHeader, strings.Join(giftColumns, ","))
	}
	if im.campaigns, err = codes(ctx, db, sqlCampaignCodes, book); err != nil {
		return nil, err
	}
	if im.funds, err = codes(ctx, db, sqlFundCodes, book); err != nil {
		return nil, err
	}
	if im.rejects, err = newRejectWriter(opts.Rejects); err != nil {
		return nil, err
	}
	return im, nil
}

// readAhead reads the file in chunks, one of them waiting while another is booked. Stop ends it and waits until the
// file is let go.
func (im *importer) readAhead() (chunks <-chan *chunk, stop func()) {
	out, enough := make(chan *chunk), make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(out)
		for more := true; more; {
			c := &chunk{}
			for more && c.err == nil && len(c.gifts)+len(c.refunds) < importBatch && len(c.refused) < importBatch {
				more = im.next(c)
			}
			c.read = im.source.read
			select {
			case out <- c:
			case <-enough:
				return
			}
		}
	})
	return out, func() { close(enough); reading.Wait() }
}

// next reads one record into a chunk; it tells whether there may be another.
func (im *importer) next(c *chunk) (more bool) {
	im.source.allow()
	row, err := im.reader.Read()
	if err == io.EOF {
		return false
	}
	c.lines, im.records = c.lines+1, im.records+1
	refuse := func(line int, row []string, why rejection) bool {
		c.refused = append(c.refused, refusedLine{line, row, why})
		return true
	}
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return refuse(syntax.StartLine, nil, rejection{"", reasonSyntax})
	case err != nil:
		c.err = fmt.Errorf("read line after %d records: %w", im.records, err)
		return false
	}
	line, _ := im.reader.FieldPos(0)
	row = slices.Clone(row)
	for i := range row {
		row[i] = sheet.Typed(row[i]) // from a file of ours with what was refused
	}
	if len(row) != len(giftColumns) {
		return refuse(line, row, rejection{"", reasonColumns})
	}
	// A name that is half read would be booked under another's; the rejects get it back as it came.
	for i, field := range row {
		if !utf8.ValidString(field) {
			return refuse(line, row, rejection{giftColumns[i], reasonCharset})
		}
	}
	if row[colRefundOf] != "" {
		refunded, wrong := im.parseRefund(row)
		if wrong != nil {
			return refuse(line, row, *wrong)
		}
		c.refunds = append(c.refunds, refundLine{line, row, refunded})
		return true
	}
	paid, wrong := im.parseGift(row)
	if wrong != nil {
		return refuse(line, row, *wrong)
	}
	c.gifts = append(c.gifts, giftLine{line, row, paid})
	return true
}

// take counts the lines of a chunk and writes down those that could not be read.
func (im *importer) take(c *chunk) error {
	im.totals.Lines += c.lines
	for _, r := range c.refused {
		if err := im.refuse(r.line, r.row, r.why); err != nil {
			return err
		}
	}
	return nil
}

// flush books a chunk: its gifts, then its refunds.
func (im *importer) flush(ctx context.Context, c *chunk) error {
	paid := make([]giving.Paid, len(c.gifts))
	for i := range c.gifts {
		paid[i] = c.gifts[i].paid
	}
	if len(paid) > 0 {
		outcomes, err := giving.Commit(ctx, im.db, im.book, paid)
		if err != nil {
			return fmt.Errorf("book lines up to %d: %w", c.gifts[len(c.gifts)-1].line, err)
		}
		for i, o := range outcomes {
			g := &c.gifts[i]
			if err := im.account(g.line, g.row, g.paid.Amount, &im.totals.Gifts, o); err != nil {
				return err
			}
		}
	}
	if err := im.bookRefunds(ctx, c.refunds, false); err != nil {
		return err
	}
	if im.opts.Progress != nil {
		im.opts.Progress(im.totals.Lines, c.read)
	}
	return nil
}

func (im *importer) flushDeferred(ctx context.Context) error {
	for len(im.deferred) > 0 {
		n := min(len(im.deferred), importBatch)
		if err := im.bookRefunds(ctx, im.deferred[:n], true); err != nil {
			return err
		}
		im.deferred = im.deferred[n:]
	}
	return nil
}

// bookRefunds books refunds; one without its gift waits for the end of the file, and is refused there.
func (im *importer) bookRefunds(ctx context.Context, lines []refundLine, last bool) error {
	if len(lines) == 0 {
		return nil
	}
	list := make([]giving.Refunded, len(lines))
	for i := range lines {
		list[i] = lines[i].refunded
	}
	outcomes, err := giving.CommitRefunds(ctx, im.db, im.book, list)
	if err != nil {
		return fmt.Errorf("book refunds up to line %d: %w", lines[len(lines)-1].line, err)
	}
	for i, o := range outcomes {
		r := &lines[i]
		if errors.Is(o.Err, giving.ErrNoGift) && !last && len(im.deferred) < deferredMax {
			im.deferred = append(im.deferred, *r)
			continue
		}
		if err := im.account(r.line, r.row, -r.refunded.Amount, &im.totals.Refunds, o); err != nil {
			return err
		}
	}
	return nil
}

// account takes the outcome of a line into the totals or the rejects.
func (im *importer) account(line int, row []string, amount int64, accepted *int64, o giving.Outcome) error {
	if o.Err != nil {
		return im.refuse(line, row, rejectionOf(o.Err))
	}
	*accepted++
	if o.Replayed {
		im.totals.Replayed++
	} else {
		im.totals.Booked++
	}
	add(im.totals.ByFund, row[colFund], row[colCurrency], amount)
	add(im.totals.ByCampaign, row[colCampaign], row[colCurrency], amount)
	return nil
}

func add(sums map[string]map[string]int64, code, ccy string, amount int64) {
	if sums[code] == nil {
		sums[code] = map[string]int64{}
	}
	sums[code][ccy] += amount
}

func (im *importer) refuse(line int, row []string, why rejection) error {
	im.totals.Refused++
	return im.rejects.write(line, row, why)
}

// boundedReader counts what is read and stops a record that never ends before it fills the memory.
type boundedReader struct {
	r    io.Reader
	read int64
	left int
}

func (b *boundedReader) allow() { b.left = recordBytesMax }

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrLongRecord
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.read += int64(n)
	b.left -= n
	return n, err
}
