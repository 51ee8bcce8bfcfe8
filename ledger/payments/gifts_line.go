package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	sqlCampaignCodes = `select slug, campaign_id from campaign where book_id = $1`
	sqlFundCodes     = `select code, fund_id from fund where book_id = $1`
)

// codes reads what a file calls the book's campaigns or funds.
func codes(ctx context.Context, q pg.Querier, sql string, book *ledger.Book) (map[string]int32, error) {
	rows, err := q.Query(ctx, sql, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	byCode := map[string]int32{}
	var code string
	var id int32
	if _, err := pgx.ForEachRow(rows, []any{&code, &id}, func() error { byCode[code] = id; return nil }); err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	return byCode, nil
}

// facts are the fields that gifts and refunds share.
type facts struct {
	campaign, fund int32
	at             time.Time
	channel        giving.Channel
	amount, fee    int64
}

// parse reads the shared fields, or says what is wrong with the first bad one.
func (im *importer) parse(row []string) (f facts, wrong *rejection) {
	no := func(col int, why reason) (facts, *rejection) { return facts{}, &rejection{giftColumns[col], why} }
	var ok bool
	var err error
	if !goodNumber(row[colGiftNo]) {
		return no(colGiftNo, reasonNumber)
	}
	if f.at, err = time.Parse(time.RFC3339, row[colPaidAt]); err != nil {
		return no(colPaidAt, reasonTime)
	}
	if !im.opts.Now.IsZero() && f.at.After(im.opts.Now.Add(24*time.Hour)) {
		return no(colPaidAt, reasonFuture)
	}
	if f.campaign, ok = im.campaigns[row[colCampaign]]; !ok {
		return no(colCampaign, reasonCampaign)
	}
	if f.fund, ok = im.funds[row[colFund]]; !ok {
		return no(colFund, reasonFund)
	}
	if f.channel, ok = giving.ChannelByCode(row[colChannel]); !ok || f.channel == giving.Platform { // platforms have files of their own
		return no(colChannel, reasonChannel)
	}
	if _, ok = money.Lookup(row[colCurrency]); !ok {
		return no(colCurrency, reasonCurrency)
	}
	if f.amount, err = money.Parse(row[colAmount], row[colCurrency]); err != nil {
		return no(colAmount, reasonOfAmount(err))
	}
	if f.fee, err = money.Parse(row[colFee], im.book.Currency); err != nil {
		return no(colFee, reasonOfAmount(err))
	}
	if row[colAnonymous] != "true" && row[colAnonymous] != "false" {
		return no(colAnonymous, reasonAnonymous)
	}
	return f, nil
}

func reasonOfAmount(err error) reason {
	switch {
	case errors.Is(err, money.ErrPrecision):
		return reasonDecimals
	case errors.Is(err, money.ErrRange):
		return reasonRange
	}
	return reasonAmount
}

// goodNumber wants 1 to 100 printable ASCII signs without space.
func goodNumber(s string) bool {
	return s != "" && len(s) <= 100 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func (im *importer) parseGift(row []string) (giving.Paid, *rejection) {
	f, wrong := im.parse(row)
	if wrong == nil && f.amount <= 0 {
		wrong = &rejection{giftColumns[colAmount], reasonNotPositive}
	}
	if wrong != nil {
		return giving.Paid{}, wrong
	}
	return giving.Paid{
		CampaignID: f.campaign, FundID: f.fund, Amount: f.amount, Currency: row[colCurrency], Fee: f.fee, PaidAt: f.at,
		Channel: f.channel, Ref: row[colGiftNo], ProcessorRef: giving.CleanText(row[colProcessorRef]),
		Name: giving.CleanText(row[colDonorName]), Anonymous: row[colAnonymous] == "true",
		Message: giving.CleanText(row[colMessage]), Rate: im.rate(row[colCurrency]), Actor: im.opts.Actor,
	}, nil
}

func (im *importer) rate(ccy string) decimal.Decimal { return im.opts.Rates[ccy] }

func (im *importer) parseRefund(row []string) (giving.Refunded, *rejection) {
	f, wrong := im.parse(row)
	switch {
	case wrong != nil:
	case f.amount >= 0:
		wrong = &rejection{giftColumns[colAmount], reasonNotNegative}
	case !goodNumber(row[colRefundOf]):
		wrong = &rejection{giftColumns[colRefundOf], reasonNumber}
	}
	if wrong != nil {
		return giving.Refunded{}, wrong
	}
	return giving.Refunded{
		GiftRef: row[colRefundOf], CampaignID: f.campaign, FundID: f.fund, Amount: -f.amount, Currency: row[colCurrency], Fee: f.fee,
		RefundedAt: f.at, Channel: f.channel, Ref: row[colGiftNo], ProcessorRef: giving.CleanText(row[colProcessorRef]), Actor: im.opts.Actor,
	}, nil
}
