package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// voucher is one entry of the story, in the accountant's own shape: D or C, account, fund, amount.
type voucher struct {
	day     string
	kind    ledger.Kind
	summary string
	source  string
	ref     string
	lines   []string
}

// Names of the accountant and the approver, as they sign a voucher.
const maker, checker = "王会计", "李主任"

// post books vouchers in order, made by the accountant and checked by the approver.
func (l *loader) post(ctx context.Context, vouchers []voucher) error {
	for _, v := range vouchers {
		e, err := l.entry(v)
		if err != nil {
			return fmt.Errorf("%s %s: %w", v.day, v.summary, err)
		}
		err = pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
			_, err := ledger.PostOne(ctx, tx, l.book, e)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s %s: %w", v.day, v.summary, err)
		}
	}
	return nil
}

func (l *loader) entry(v voucher) (ledger.Entry, error) {
	day, err := time.Parse(time.DateOnly, v.day)
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("day: %w", err)
	}
	e := ledger.Entry{Key: key("%s %s %s", v.day, v.ref, v.summary), Kind: v.kind, EffectiveOn: day, Actor: l.persons["wang"],
		Document: &ledger.Document{Summary: v.summary, SourceKind: v.source, SourceRef: v.ref, Attachments: 1, MadeBy: maker, CheckedBy: checker}}
	for _, text := range v.lines {
		line, err := l.line(text)
		if err != nil {
			return ledger.Entry{}, fmt.Errorf("%q: %w", text, err)
		}
		e.Lines = append(e.Lines, line)
	}
	return e, nil
}

// line reads "D bank.basic SPQ 100.00 [key=value …]"; a campaign is named by its slug.
func (l *loader) line(text string) (line ledger.Line, err error) {
	var side, account, fund, amount string
	var tags [3]string
	n, _ := fmt.Sscan(text, &side, &account, &fund, &amount, &tags[0], &tags[1], &tags[2])
	f := l.funds[fund]
	if n < 4 || f == nil {
		return line, fmt.Errorf("not a line")
	}
	line.Leaf = ledger.Leaf{Chart: chart.ID(account), Fund: f.ID}
	if line.Amount, err = money.Parse(amount, l.book.Currency); err != nil {
		return line, err
	}
	if side == "C" {
		line.Amount = -line.Amount
	}
	for _, tag := range tags[:max(0, n-4)] {
		if err := l.tag(&line.Leaf.Dims, tag); err != nil {
			return line, err
		}
	}
	return line, nil
}

func (l *loader) tag(d *ledger.Dims, tag string) error {
	key, value, _ := strings.Cut(tag, "=")
	switch key {
	case "campaign":
		d.Campaign = strconv.Itoa(int(l.camps[value].ID))
	case "contract":
		d.Contract = value
	case "project":
		d.Project = value
	case "street":
		d.Street = value
	case "nature":
		d.Nature = value
	case "instrument":
		d.Instrument = value
	case "party":
		d.Counterparty = value
	default:
		return fmt.Errorf("unknown tag %q", tag)
	}
	return nil
}

const (
	opening      = ledger.KindOpening
	payoutStart  = ledger.KindPayoutStart
	payoutLanded = ledger.KindPayoutLanded
	transfer     = ledger.KindTransfer
	subsidy      = ledger.KindSubsidy
	contract     = ledger.KindContract
	acceptance   = ledger.KindAcceptance
	payment      = ledger.KindPayment
	bankDebit    = ledger.KindBankDebit
	closing      = ledger.KindClose
	voucherKind  = ledger.KindVoucher
	reservation  = ledger.KindVoucher
)
