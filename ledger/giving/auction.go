package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Ways to present a sale: gross sale (E18b), or an exchange at fair value whose premium is a gift (E18c).
const (
	SaleGross   = "gross"
	SalePremium = "premium"
)

// auctionBank is the account that deposits and prices come to.
const auctionBank = chart.ID("bank.basic")

// Auction is one try to sell a lot (义拍).
type Auction struct {
	ID      uuid.UUID
	LotID   uuid.UUID
	HeldOn  time.Time
	House   string
	Reserve int64
	State   string // open, sold, unsold
	Hammer  *int64
	Costs   *int64
	Buyer   *uuid.UUID // a bidder
	Way     *string
}

// Object names the auction in its history and beside its papers.
func (a *Auction) Object() string { return Object("auction", a.ID) }

// Bidder has paid a deposit to bid.
type Bidder struct {
	ID      uuid.UUID
	Auction uuid.UUID
	Paddle  int32
	Firm    string
	Donor   *uuid.UUID
	Deposit int64
	State   string // held, applied, returned
}

const (
	auctionColumns = `id, lot_id, held_on, house, reserve, state, hammer, costs, buyer_id, way`

	sqlAuctionInsert = `insert into auction (book_id, id, lot_id, held_on, house, reserve, state) values ($1, $2, $3, $4, $5, $6, 'open')`
	sqlAuctionByID   = `select ` + auctionColumns + ` from auction where book_id = $1 and id = $2`
	sqlAuctionsOfLot = `select ` + auctionColumns + ` from auction where book_id = $1 and lot_id = $2 order by held_on, id`
	sqlAuctionEnd    = `
update auction set state = $3, hammer = $4, costs = $5, buyer_id = $6, way = $7 where book_id = $1 and id = $2 and state = 'open'`

	bidderColumns = `id, auction_id, paddle, firm, donor_id, deposit, state`

	sqlBidderInsert = `insert into bidder (book_id, id, auction_id, paddle, firm, donor_id, deposit, state) values ($1, $2, $3, $4, $5, $6, $7, 'held')`
	sqlBidders      = `select ` + bidderColumns + ` from bidder where book_id = $1 and auction_id = $2 order by paddle`
	sqlBidderByID   = `select ` + bidderColumns + ` from bidder where book_id = $1 and id = $2`
	sqlBidderEnd    = `update bidder set state = $3 where book_id = $1 and id = $2 and state = 'held'`
)

// AuctionByID reads an auction, or ErrNoRecord.
func AuctionByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Auction, error) {
	return Record[Auction](ctx, q, sqlAuctionByID, book.ID, id)
}

// AuctionsOf lists the auctions of a lot, oldest first.
func AuctionsOf(ctx context.Context, q pg.Querier, book *ledger.Book, lot uuid.UUID) ([]Auction, error) {
	rows, err := q.Query(ctx, sqlAuctionsOfLot, book.ID, lot)
	if err != nil {
		return nil, fmt.Errorf("list auctions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Auction])
}

// Bidders lists who has paid a deposit, by paddle.
func Bidders(ctx context.Context, q pg.Querier, book *ledger.Book, auction uuid.UUID) ([]Bidder, error) {
	rows, err := q.Query(ctx, sqlBidders, book.ID, auction)
	if err != nil {
		return nil, fmt.Errorf("list bidders: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Bidder])
}

// OpenAuction plans putting a lot up for auction. *FieldErrors, ErrStep.
func OpenAuction(book *ledger.Book, l *Lot, a Auction) (*Move, error) {
	if l.State != LotKept || l.Left != l.Pieces {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("house", a.House, 1, 100)
	if a.Reserve < 0 {
		wrong.Refuse("reserve", "offline.amount.wrong")
	}
	to := *l
	to.State = LotAuction
	move := l.becomes(book, to)
	return &Move{Object: a.Object(), Act: "auction", Note: l.Name() + " " + a.House, Day: a.HeldOn, Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := Settled(ctx, tx, sqlAuctionInsert, book.ID, a.ID, l.ID, a.HeldOn, a.House, a.Reserve); err != nil {
			return err
		}
		return move(ctx, tx, entry)
	}}, wrong.Err()
}

// held is what the bidder's deposit is kept in until the hammer falls.
func (b *Bidder) held(l *Lot) ledger.Leaf {
	return ledger.Leaf{Chart: "deposit", Fund: l.FundID, Dims: ledger.Dims{Counterparty: "bidder:" + b.ID.String()}}
}

func (l *Lot) bank() ledger.Leaf { return ledger.Leaf{Chart: auctionBank, Fund: l.FundID} }

// TakeDeposit plans E18a: a bidder's deposit is at the bank. person is the name of a natural person. *FieldErrors, ErrStep.
func TakeDeposit(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, a *Auction, b Bidder, person string, day, now time.Time) (*Move, error) {
	if a.State != "open" {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Sum("deposit", b.Deposit)
	if b.Firm == "" && person == "" || b.Firm != "" && person != "" {
		wrong.Refuse("firm", "offline.giver.one")
	}
	list, err := Bidders(ctx, q, book, a.ID)
	if err != nil {
		return nil, err
	}
	for _, other := range list {
		if other.Paddle == b.Paddle && other.ID != b.ID {
			wrong.Refuse("paddle", "offline.paddle.used")
		}
	}
	if b.Paddle < 1 {
		wrong.Refuse("paddle", "offline.number.wrong")
	}
	return &Move{Object: a.Object(), Act: "deposit", Note: fmt.Sprintf("#%d", b.Paddle), Amount: b.Deposit, Kind: ledger.KindAuction, Day: day,
		Lines: []ledger.Line{ledger.Debit(l.bank(), b.Deposit), ledger.Credit(b.held(l), b.Deposit)},
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if person != "" {
				id, err := KeepDonor(ctx, tx, book, person, now)
				if err != nil {
					return err
				}
				b.Donor = &id
			}
			return Settled(ctx, tx, sqlBidderInsert, book.ID, b.ID, a.ID, b.Paddle, b.Firm, b.Donor, b.Deposit)
		}}, wrong.Err()
}

// Hammer is how an auction ended.
type Hammer struct {
	Buyer uuid.UUID // a bidder
	Price int64
	Costs int64 // of holding it, paid out of the price
	Way   string
	Day   time.Time
}

// SellLot plans E18b or E18c with E18d, and E20 when the artist kept the picture: the deposit counts towards the price,
// the stock goes, necessary costs come out of the proceeds. A second person approves. *FieldErrors, ErrStep.
func SellLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, a *Auction, h Hammer) (*Move, error) {
	if a.State != "open" || l.State != LotAuction {
		return nil, ErrStep
	}
	var wrong FieldErrors
	b, err := Record[Bidder](ctx, q, sqlBidderByID, book.ID, h.Buyer)
	if err != nil || b.Auction != a.ID || b.State != "held" {
		wrong.Refuse("buyer", "offline.auction.buyer")
		return nil, &wrong
	}
	if h.Price < max(a.Reserve, b.Deposit, 1) || h.Price > ledger.AmountMax {
		wrong.Refuse("price", "offline.auction.price")
	}
	if h.Costs < 0 || h.Costs > h.Price {
		wrong.Refuse("costs", "offline.auction.costs")
	}
	if h.Way != SaleGross && h.Way != SalePremium {
		wrong.Refuse("way", "offline.auction.way")
	}
	if h.Day.Before(a.HeldOn) {
		wrong.Refuse("day", "offline.auction.day")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	fund, err := fundByID(ctx, q, book, l.FundID)
	if err != nil {
		return nil, err
	}
	to := *l
	to.State, to.Left, to.LeftValue, to.Impaired = LotSold, 0, 0, 0
	move := l.becomes(book, to)
	return &Move{Object: a.Object(), Act: "sold", Note: l.Name() + " " + l.Title, Amount: h.Price, Kind: ledger.KindAuction, Day: h.Day,
		Lines: l.saleLines(fund, b, h), Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			if err := Settled(ctx, tx, sqlAuctionEnd, book.ID, a.ID, "sold", h.Price, h.Costs, h.Buyer, h.Way); err != nil {
				return err
			}
			if err := Settled(ctx, tx, sqlBidderEnd, book.ID, b.ID, "applied"); err != nil {
				return err
			}
			return move(ctx, tx, entry)
		}}, nil
}

func (l *Lot) saleLines(fund *ledger.Fund, b *Bidder, h Hammer) []ledger.Line {
	class := func(base, nature string) ledger.Leaf { return l.leaf(chart.ID(fund.Class(base)), nature) }
	lines := []ledger.Line{ledger.Debit(b.held(l), b.Deposit)}
	if rest := h.Price - b.Deposit; rest > 0 {
		lines = append(lines, ledger.Debit(l.bank(), rest))
	}
	sales := h.Price
	switch {
	case l.KeepsTitle: // nothing was ours to sell: the price is the artist's gift
		sales = 0
	case h.Way == SalePremium:
		sales = min(h.Price, l.LeftValue)
	}
	if sales > 0 {
		lines = append(lines, ledger.Credit(class("sales", ""), sales))
	}
	if gift := h.Price - sales; gift > 0 {
		lines = append(lines, ledger.Credit(class("gift", naturePremium), gift))
	}
	if !l.KeepsTitle {
		lines = append(lines, l.goes(chart.ID(fund.Class("program")), natureCostOfSale, l.Left, l.LeftValue, l.Impaired)...)
	}
	if h.Costs > 0 {
		lines = append(lines, ledger.Debit(class("fundraising", naturePremium), h.Costs), ledger.Credit(l.bank(), h.Costs))
	}
	return lines
}

// EndUnsold plans the end of an auction without a sale: the lot goes back to its place, deposits are to be returned.
// *FieldErrors, ErrStep.
func EndUnsold(book *ledger.Book, l *Lot, a *Auction, reason string, day time.Time) (*Move, error) {
	if a.State != "open" {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *l
	to.State = LotKept
	move := l.becomes(book, to)
	return &Move{Object: a.Object(), Act: "unsold", Note: reason, Day: day, Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := Settled(ctx, tx, sqlAuctionEnd, book.ID, a.ID, "unsold", nil, nil, nil, nil); err != nil {
			return err
		}
		return move(ctx, tx, entry)
	}}, wrong.Err()
}

// ReturnDeposit plans giving a deposit back to who did not buy. Money leaves: a second person approves. *FieldErrors, ErrStep.
func ReturnDeposit(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, a *Auction, bidder uuid.UUID, day time.Time) (*Move, error) {
	var wrong FieldErrors
	b, err := Record[Bidder](ctx, q, sqlBidderByID, book.ID, bidder)
	if err != nil || b.Auction != a.ID || b.State != "held" {
		wrong.Refuse("bidder", "offline.auction.buyer")
		return nil, &wrong
	}
	return &Move{Object: a.Object(), Act: "deposit-back", Note: fmt.Sprintf("#%d", b.Paddle), Amount: b.Deposit, Kind: ledger.KindReturn, Day: day,
		Lines: []ledger.Line{ledger.Debit(b.held(l), b.Deposit), ledger.Credit(l.bank(), b.Deposit)},
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return Settled(ctx, tx, sqlBidderEnd, book.ID, b.ID, "returned")
		}}, nil
}

// ReceiptDue is what a donation receipt may say at most (I13).
type ReceiptDue struct {
	Role   string // artist, buyer
	Giver  Giver
	Amount int64
	Day    time.Time
}

// ReceiptsDue tells who of a lot is to get which receipt: the giver at the value it was received for, or at the price when
// the artist kept the picture; the buyer at what was paid beyond the value.
func ReceiptsDue(l *Lot, a *Auction, b *Bidder) (due []ReceiptDue) {
	giver := func(firm string, donor *uuid.UUID) Giver {
		g := Giver{Firm: firm}
		if donor != nil {
			g.Donor = *donor
		}
		return g
	}
	sold := a != nil && a.State == "sold" && b != nil
	if l.Value > 0 && l.State != LotReturned {
		due = append(due, ReceiptDue{"artist", giver(l.Firm, l.Donor), l.Value, l.ReceivedOn})
	}
	switch {
	case sold && l.KeepsTitle:
		due = append(due, ReceiptDue{"artist", giver(l.Firm, l.Donor), *a.Hammer, a.HeldOn})
	case sold && l.Value > 0 && *a.Hammer > l.Value:
		due = append(due, ReceiptDue{"buyer", giver(b.Firm, b.Donor), *a.Hammer - l.Value, a.HeldOn})
	}
	return due
}

// ReceiptsDueOf tells them with the auction at which the lot was sold, if it was.
func ReceiptsDueOf(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot) ([]ReceiptDue, error) {
	auctions, err := AuctionsOf(ctx, q, book, l.ID)
	if err != nil {
		return nil, err
	}
	for i := range auctions {
		if a := &auctions[i]; a.State == "sold" {
			buyer, err := Record[Bidder](ctx, q, sqlBidderByID, book.ID, *a.Buyer)
			if err != nil {
				return nil, err
			}
			return ReceiptsDue(l, a, buyer), nil
		}
	}
	return ReceiptsDue(l, nil, nil), nil
}

// PaddleOf is how a bidder is called in the books: by the paddle, without a name.
func PaddleOf(ctx context.Context, q pg.Querier, book *ledger.Book, bidder uuid.UUID) string {
	b, err := Record[Bidder](ctx, q, sqlBidderByID, book.ID, bidder)
	if err != nil {
		return bidder.String()
	}
	return fmt.Sprintf("#%d", b.Paddle)
}
