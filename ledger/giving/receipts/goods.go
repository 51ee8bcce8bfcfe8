package receipts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// lotPart is what a receipt for a gift in kind is for.
type lotPart struct {
	lot   uuid.UUID
	role  string
	issue int16
}

const (
	sqlLotPartInsert = `insert into receipt_goods (book_id, lot_id, role, issue, receipt_id, amount) values ($1, $2, $3, $4, $5, $6)`

	sqlReceiptsOfLot = `
select p.role, ` + receiptColumns + ` from receipt_goods p join ` + receiptTables + `
    on i.book_id = p.book_id and i.id = p.receipt_id
 where p.book_id = $1 and p.lot_id = $2 order by p.role, p.issue`

	sqlLotOfReceipt = `select lot_id, role from receipt_goods where book_id = $1 and receipt_id = $2`

	// What giving.ReceiptsDue says, of receipts that stand: the lot may have been returned or its value taken back since.
	lotsDiffering = `
  from receipt_goods p
  join lot l on l.book_id = $1 and l.id = p.lot_id
  left join auction a on a.book_id = $1 and a.lot_id = p.lot_id and a.state = 'sold'
 where p.book_id = $1 and not exists (select from receipt_void v where v.book_id = $1 and v.receipt_id = p.receipt_id)
   and p.amount <> case when p.role = 'artist' and l.keeps_title then coalesce(a.hammer, 0)
                        when p.role = 'artist' then case when l.state = 'returned' then 0 else l.value end
                        when l.keeps_title or l.value = 0 then 0
                        else coalesce(a.hammer, 0) - l.value end`

	sqlLotsDiffering = `select p.receipt_id` + lotsDiffering + ` limit $2`

	sqlIsLotDiffering = `select exists (select` + lotsDiffering + ` and p.receipt_id = $2)`
)

// OfLot lists the receipts that were issued for a lot, the first one first, by role (giving.ReceiptDue), without names.
func OfLot(ctx context.Context, q pg.Querier, book *ledger.Book, lot uuid.UUID) (map[string][]Receipt, error) {
	rows, err := q.Query(ctx, sqlReceiptsOfLot, book.ID, lot)
	if err != nil {
		return nil, fmt.Errorf("read receipts of lot: %w", err)
	}
	found := map[string][]Receipt{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var role string
		r, err := scan(prefixed{row, &role})
		found[role] = append(found[role], r)
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read receipts of lot: %w", err)
	}
	return found, nil
}

// LotOf is the lot that a receipt of the face Goods is for, and in whose role. ErrNoReceipt.
func LotOf(ctx context.Context, q pg.Querier, book *ledger.Book, receipt uuid.UUID) (l *giving.Lot, role string, err error) {
	var id uuid.UUID
	err = q.QueryRow(ctx, sqlLotOfReceipt, book.ID, receipt).Scan(&id, &role)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", ErrNoReceipt
	}
	if err != nil {
		return nil, "", fmt.Errorf("read lot of receipt %s: %w", receipt, err)
	}
	l, err = giving.LotByID(ctx, q, book, id)
	return l, role, err
}

// IssueForLot plans the receipt of a lot's giver or buyer, over what is due (I13), made out to who the book says they are; uscc is the
// credit code of a firm and may be empty. A void one is followed by its successor. *giving.FieldErrors; ErrNoNumbers when it is taken.
func IssueForLot(ctx context.Context, q pg.Querier, book *ledger.Book, random io.Reader, l *giving.Lot, role, uscc string, by uuid.UUID, now time.Time) (*giving.Move, error) {
	dues, err := giving.ReceiptsDueOf(ctx, q, book, l)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	var due *giving.ReceiptDue
	for i := range dues {
		if dues[i].Role == role {
			due = &dues[i]
		}
	}
	if due == nil {
		wrong.Refuse("to", "lot.receipts.none")
		return nil, &wrong
	}
	payer := Payer{Kind: Organisation, Name: due.Giver.Firm, USCC: uscc}
	if payer.Name == "" {
		donors, err := giving.Donors(ctx, q, book, []uuid.UUID{due.Giver.Donor})
		if err != nil {
			return nil, err
		}
		payer.Kind, payer.Name = Person, donors[due.Giver.Donor].Name
	}
	switch err := payer.Check(); {
	case errors.Is(err, ErrCreditCode):
		wrong.Refuse("uscc", "slip.uscc.wrong")
	case err != nil:
		wrong.Refuse("to", "lot.receipts.nameless")
	}
	return &giving.Move{Object: l.Object(), Act: "receipted", Note: l.Name() + " " + l.Title, Amount: due.Amount,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return issueForLot(ctx, tx, book, random, l, due, payer, by, now)
		}}, wrong.Err()
}

func issueForLot(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, l *giving.Lot, due *giving.ReceiptDue, payer Payer, by uuid.UUID, now time.Time) error {
	if err := lock(ctx, tx, book); err != nil {
		return err
	}
	before, err := OfLot(ctx, tx, book, l.ID)
	if err != nil {
		return err
	}
	list := before[due.Role]
	r := issue{face: Goods, payer: payer.Kind, donor: &due.Giver.Donor, uscc: payer.USCC, fund: l.FundID, campaign: &l.CampaignID, amount: due.Amount,
		currency: book.Currency, givenOn: due.Day, by: by, lot: &lotPart{l.ID, due.Role, int16(len(list) + 1)}}
	if len(list) > 0 {
		last := list[len(list)-1]
		if last.Void == nil {
			return giving.ErrStep
		}
		r.replaces = &last.ID
	}
	if payer.Kind == Organisation {
		donor, err := giving.KeepDonor(ctx, tx, book, payer.Name, now)
		if err != nil {
			return err
		}
		r.donor = &donor
	}
	return insert(ctx, tx, book, random, now, []issue{r})
}

// settleLots voids receipts that no longer say what is due of their lot: its value was taken back, or it was given back.
func settleLots(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (int, error) {
	rows, err := tx.Query(ctx, sqlLotsDiffering, book.ID, settleMax)
	if err != nil {
		return 0, fmt.Errorf("look for receipts of corrected lots: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("look for receipts of corrected lots: %w", err)
	}
	for _, id := range ids {
		if err := Void(ctx, tx, book, id, WrongAmount, "实物捐赠已更正或退回 gift in kind corrected or returned", uuid.Nil, now); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
