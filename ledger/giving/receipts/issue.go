package receipts

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Refusals of a receipt.
var (
	// ErrNothingLeft means that all of the gift was given back: a receipt is for a gift only (accounting.md R16, I13).
	ErrNothingLeft = errors.New("nothing is left of the gift")
	// ErrIssued means that the gift has a receipt of its own that is not void.
	ErrIssued = errors.New("gift has a receipt")
	// ErrPayer means a payer without name, one that is too long, or a credit code that is none. Say so at the field.
	ErrPayer = errors.New("payer of a receipt is not acceptable")
	// ErrCreditCode means that the unified social credit code does not check (GB 32100-2015).
	ErrCreditCode = errors.New("not a unified social credit code")
)

// Kinds of payers.
const (
	Nobody       = "nobody"       // 爱心人士: of merged receipts
	Person       = "person"       // 个人
	Organisation = "organisation" // 单位
)

// Faces of a receipt.
const (
	Single = "single" // for one gift
	Merged = "merged" // for the nameless gifts of a fund and day
	Goods  = "goods"  // for a gift in kind, or what a buyer paid beyond its value
)

// Payer is who the receipt is made out to.
type Payer struct {
	Kind string
	Name string // as it is to be printed, at most 100 characters
	USCC string // unified social credit code of an organisation; may be empty
}

const payerMax = 100

// Check refuses what cannot be printed. ErrPayer, ErrCreditCode.
func (p Payer) Check() error {
	switch {
	case p.Kind != Person && p.Kind != Organisation:
		return fmt.Errorf("%w: kind %q", ErrPayer, p.Kind)
	case strings.TrimSpace(p.Name) == "" || len([]rune(p.Name)) > payerMax || strings.ContainsFunc(p.Name, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("%w: name", ErrPayer)
	case p.USCC != "" && (p.Kind != Organisation || !CreditCode(p.USCC)):
		return ErrCreditCode
	}
	return nil
}

var creditText = regexp.MustCompile(`^[0-9A-HJ-NPQRTUWXY]{18}$`)

// CreditCode tells whether text is a unified social credit code: 18 characters of which the last one checks the others
// (GB 32100-2015: weights are powers of three, modulo 31).
func CreditCode(text string) bool {
	if !creditText.MatchString(text) {
		return false
	}
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for _, r := range text[:17] {
		sum += strings.IndexRune(alphabet, r) * weight
		weight = weight * 3 % 31
	}
	return (31-sum%31)%31 == strings.IndexByte(alphabet, text[17])
}

// issue is a receipt about to be inserted, with one part for each gift, or for a lot.
type issue struct {
	id       uuid.UUID
	number   number
	face     string
	payer    string
	donor    *uuid.UUID
	uscc     string
	fund     int32
	campaign *int32
	amount   int64
	currency string
	givenOn  time.Time
	batch    *uuid.UUID
	replaces *uuid.UUID
	by       uuid.UUID
	parts    []part
	lot      *lotPart // of Goods, instead of parts
}

// part is a gift on a receipt.
type part struct {
	gift   uuid.UUID
	issue  int16
	amount int64
}

const (
	sqlReceiptInsert = `
insert into receipt (book_id, id, range_id, number, check_code, face, payer, donor_id, uscc, fund_id, campaign_id, amount, ccy, gifts, given_on,
                     issued_on, issued_at, issued_by, batch_id, replaces)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`

	sqlPartsInsert = `
insert into receipt_gift (book_id, gift_id, issue, receipt_id, amount)
select $1, u.gift, u.issue, u.receipt, u.amount from unnest($2::uuid[], $3::int2[], $4::uuid[], $5::int8[]) u(gift, issue, receipt, amount)`
)

// insert writes receipts under the lock, with the next numbers.
func insert(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, now time.Time, list []issue) error {
	numbers, err := take(ctx, tx, book, len(list))
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	var gifts, of []uuid.UUID
	var issues []int16
	var amounts []int64
	for i := range list {
		r := &list[i]
		r.number = numbers[i]
		if r.id, err = uuid.NewV7(); err != nil {
			return fmt.Errorf("make receipt id: %w", err)
		}
		check, err := checkCode(random)
		if err != nil {
			return err
		}
		b.Queue(sqlReceiptInsert, book.ID, r.id, r.number.rangeID, r.number.number, check, r.face, r.payer, r.donor, r.uscc, r.fund, r.campaign,
			r.amount, r.currency, max(len(r.parts), 1), r.givenOn, book.Day(now), now, r.by, r.batch, r.replaces)
		if r.lot != nil {
			b.Queue(sqlLotPartInsert, book.ID, r.lot.lot, r.lot.role, r.lot.issue, r.id, r.amount)
		}
		for _, p := range r.parts {
			gifts, of, issues, amounts = append(gifts, p.gift), append(of, r.id), append(issues, p.issue), append(amounts, p.amount)
		}
	}
	b.Queue(sqlPartsInsert, book.ID, gifts, issues, of, amounts)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("issue receipts: %w", err)
	}
	return nil
}

var checkText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// checkCode is what stands beside the number on paper, so that numbers cannot be tried out: 40 random bits.
func checkCode(random io.Reader) (string, error) {
	var raw [5]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("make check code: %w", err)
	}
	return checkText.EncodeToString(raw[:]), nil
}

// giftNow is a gift as a receipt sees it.
type giftNow struct {
	id       uuid.UUID
	fund     int32
	campaign int32
	currency string
	paidAt   time.Time
	left     int64      // amount less refunds
	issues   int16      // receipts so far
	live     *uuid.UUID // the one that is not void
	liveFace *string
}

const sqlGiftNow = `
select g.id, g.fund_id, g.campaign_id, g.ccy, g.paid_at,
       g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8,
       coalesce(l.issue, 0)::int2, case when v.receipt_id is null then l.receipt_id end, case when v.receipt_id is null then i.face end
  from gift g
  left join lateral (select issue, receipt_id from receipt_gift p
                      where p.book_id = g.book_id and p.gift_id = g.id order by issue desc limit 1) l on true
  left join receipt i on i.book_id = $1 and i.id = l.receipt_id
  left join receipt_void v on v.book_id = $1 and v.receipt_id = l.receipt_id
 where g.book_id = $1 and g.id = $2`

func readGift(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID) (giftNow, error) {
	var g giftNow
	err := tx.QueryRow(ctx, sqlGiftNow, book.ID, id).Scan(&g.id, &g.fund, &g.campaign, &g.currency, &g.paidAt, &g.left, &g.issues, &g.live, &g.liveFace)
	if errors.Is(err, pgx.ErrNoRows) {
		return g, fmt.Errorf("%w: %s", giving.ErrNoGift, id)
	}
	if err != nil {
		return g, fmt.Errorf("read gift %s for its receipt: %w", id, err)
	}
	return g, nil
}

// Issue makes out a gift's receipt to payer. by is nil when the donor asked for it. A gift that went into a merged receipt leaves it:
// the merged one is void and issued again without it. ErrIssued, ErrNothingLeft, ErrPayer, ErrNoNumbers, giving.ErrNoGift.
func Issue(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, gift uuid.UUID, payer Payer, by uuid.UUID, now time.Time) (uuid.UUID, error) {
	if err := payer.Check(); err != nil {
		return uuid.Nil, err
	}
	if err := lock(ctx, tx, book); err != nil {
		return uuid.Nil, err
	}
	g, err := readGift(ctx, tx, book, gift)
	if err != nil {
		return uuid.Nil, err
	}
	switch {
	case g.left <= 0:
		return uuid.Nil, ErrNothingLeft
	case g.live != nil && *g.liveFace == Single:
		return uuid.Nil, ErrIssued
	case g.live != nil:
		if err := split(ctx, tx, book, random, *g.live, gift, by, now); err != nil {
			return uuid.Nil, err
		}
	}
	donor, err := giving.KeepDonor(ctx, tx, book, payer.Name, now)
	if err != nil {
		return uuid.Nil, err
	}
	list := []issue{{face: Single, payer: payer.Kind, donor: &donor, uscc: payer.USCC, fund: g.fund, campaign: &g.campaign, amount: g.left,
		currency: g.currency, givenOn: book.Day(g.paidAt), by: by, parts: []part{{gift, g.issues + 1, g.left}}}}
	if err := insert(ctx, tx, book, random, now, list); err != nil {
		return uuid.Nil, err
	}
	return list[0].id, nil
}
