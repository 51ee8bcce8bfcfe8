package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"sunfund/ledger/payments"
)

// measureImport books a gift file with as many lines as can be booked within the span. The file is written as it is read.
func measureImport(ctx context.Context, l *lab, r *row) (sample, error) {
	w, err := l.world(ctx, r)
	if err != nil {
		return sample{}, err
	}
	g := w.givers(1)[0]
	if _, err := w.importFor(ctx, g, l.cfg.WarmUp); err != nil {
		return sample{}, err
	}
	before, err := w.weigh(ctx)
	if err != nil {
		return sample{}, err
	}
	begin := time.Now()
	n, err := w.importFor(ctx, g, l.cfg.Span)
	s := sample{gifts: n, took: time.Since(begin)}
	if err != nil {
		return s, err
	}
	after, err := w.weigh(ctx)
	if err != nil {
		return s, err
	}
	s.compare(before, after)
	return s, w.prove(ctx)
}

// importFor imports a file that ends when the span is over.
func (w *world) importFor(ctx context.Context, g *giver, span time.Duration) (lines int64, err error) {
	file := &giftFile{giver: g, until: time.Now().Add(span)}
	totals, err := payments.ImportGifts(ctx, w.posting, w.book, file, payments.ImportOptions{Now: time.Now()})
	if err != nil {
		return 0, err
	}
	if totals.Booked != file.lines || totals.Refused > 0 {
		return 0, ErrNotBooked
	}
	w.tally.add(file.lines, file.amount)
	return file.lines, nil
}

// giftFile is a gift file of the giver's gifts.
type giftFile struct {
	*giver
	until  time.Time
	begun  bool
	lines  int64
	amount int64
	buf    bytes.Buffer
}

// Its columns, in the order that payments.ImportGifts wants them in.
var giftFileHeader = []string{"gift_no", "paid_at", "campaign", "fund", "channel", "amount", "currency", "fee", "processor_ref", "donor_name",
	"anonymous", "message", "refund_of"}

func (f *giftFile) Read(p []byte) (int, error) {
	if f.buf.Len() == 0 {
		if err := f.write(len(p)); err != nil {
			return 0, err
		}
	}
	return f.buf.Read(p)
}

// write makes lines of about so many bytes.
func (f *giftFile) write(bytes int) error {
	out := csv.NewWriter(&f.buf)
	if !f.begun {
		f.begun = true
		if err := out.Write(giftFileHeader); err != nil {
			return err
		}
	} else if time.Now().After(f.until) {
		return io.EOF
	}
	const aLine = 100
	for range max(1, bytes/aLine) {
		i := f.rand.IntN(len(f.w.camps))
		p := f.gift(f.w.camps[i : i+1])
		err := out.Write([]string{p.Ref, p.PaidAt.Format(time.RFC3339), f.w.slugs[i], "F" + strconv.Itoa(i), p.Channel.Code(), string(appendMoney(nil, p.Amount)),
			p.Currency, string(appendMoney(nil, p.Fee)), "", p.Name, "false", p.Message, ""})
		if err != nil {
			return err
		}
		f.lines, f.amount = f.lines+1, f.amount+p.Amount
	}
	out.Flush()
	return out.Error()
}
