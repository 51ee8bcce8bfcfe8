package needs

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Intent is what a fair ends with: a need that an offer can meet, and the money for it (意向).
type Intent struct {
	ID      uuid.UUID
	NeedID  uuid.UUID
	OfferID uuid.UUID
	MeansID *uuid.UUID // resources or funding on offer; nil: a fund pays
	FundID  *int32
	Amount  int64 // minor units of the book's currency
	State   string
}

// States of an intent.
const (
	Meant    = "meant"
	Proposed = "proposed" // became a proposal
	Dropped  = "dropped"
)

const (
	sqlIntentInsert = `
insert into need_intent (book_id, id, need_id, offer_id, means_id, fund_id, amount, state) values ($1, $2, $3, $4, $5, $6, $7, 'meant')`
	sqlIntent = `
select n.id, n.need_id, n.offer_id, n.means_id, n.fund_id, n.amount, n.state, i.street_id
  from need_intent n join need_item i on i.book_id = n.book_id and i.id = n.need_id where n.book_id = $1 and n.id = $2`
	sqlIntents = `
select n.id, n.need_id, n.offer_id, n.means_id, n.fund_id, n.amount, n.state
  from need_intent n join need_item i on i.book_id = n.book_id and i.id = n.need_id
 where n.book_id = $1 and ($2 or i.street_id = any($3::int4[])) and ($4::uuid is null or $4 in (n.need_id, n.offer_id, n.means_id))
   and ($5::uuid is null or n.id < $5)
 order by n.id desc limit $6`
	sqlIntentMove = `update need_intent set state = $3 where book_id = $1 and id = $2 and state = $4`
)

// Link plans an intent: a listed need, a listed offer, and money of means or of a fund. *giving.FieldErrors, giving.ErrStep.
func Link(book *ledger.Book, in Intent, need, offer, means *Item) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Sum("amount", in.Amount)
	if need.Book != Need && need.Book != Idea || need.State != Listed {
		wrong.Refuse("need", "need.intent.need")
	}
	if offer.Book != Offer || offer.State != Listed || !offer.serves(need) {
		wrong.Refuse("offer", "need.intent.offer")
	}
	if means != nil && (means.Book != Means || means.State != Listed || !means.serves(need) || means.Amount > 0 && in.Amount > means.Amount) || (means == nil) == (in.FundID == nil) {
		wrong.Refuse("means", "need.intent.means")
	}
	in.NeedID, in.OfferID = need.ID, offer.ID
	if means != nil {
		in.MeansID = &means.ID
	}
	return &giving.Move{Source: "need", Object: giving.Object("intent", in.ID), Act: "intent-signed", Note: need.Name() + " " + offer.Name(), Amount: in.Amount,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlIntentInsert, book.ID, in.ID, in.NeedID, in.OfferID, in.MeansID, in.FundID, in.Amount)
		}}, wrong.Err()
}

// Propose plans that an intent becomes a proposal, and its need is taken up; Drop that it comes to nothing. giving.ErrStep.
func Propose(book *ledger.Book, in *Intent, need *Item) (*giving.Move, error) {
	if in.State != Meant || need.ID != in.NeedID || need.State != Listed {
		return nil, giving.ErrStep
	}
	to := *need
	to.State = Taken
	return need.becomes(book, "need-taken", need.Title, to, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlIntentMove, book.ID, in.ID, Proposed, Meant)
	}), nil
}

// TakeUp writes, inside somebody else's step, that a listed need became a project; one that has moved on stays as it is.
func TakeUp(ctx context.Context, tx pgx.Tx, book *ledger.Book, need uuid.UUID) error {
	i, err := ByID(ctx, tx, book, need)
	if err != nil || i.State != Listed {
		return err
	}
	return giving.Settled(ctx, tx, sqlSettle, book.ID, i.ID, Taken, i.Answer, i.MergedInto, i.State)
}

// GiveBack writes, inside the step that ends a proposal, that its intent stands again, and its need is listed unless it moved on or another
// project serves it.
func GiveBack(ctx context.Context, tx pgx.Tx, book *ledger.Book, intent uuid.UUID, served bool) error {
	in, _, err := IntentSight(ctx, tx, book, intent)
	if err != nil {
		return err
	}
	need, err := ByID(ctx, tx, book, in.NeedID)
	if err != nil {
		return err
	}
	if need.State == Taken && !served {
		if err := giving.Settled(ctx, tx, sqlSettle, book.ID, need.ID, Listed, need.Answer, need.MergedInto, Taken); err != nil {
			return err
		}
	}
	return giving.Settled(ctx, tx, sqlIntentMove, book.ID, in.ID, Meant, Proposed)
}

// Object names the intent in its history.
func (in *Intent) Object() string { return giving.Object("intent", in.ID) }

// IntentSight reads an intent with the street of its need, or ErrNoItem.
func IntentSight(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Intent, int32, error) {
	type seen struct {
		Intent
		Street int32
	}
	in, err := giving.Record[seen](ctx, q, sqlIntent, book.ID, id)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, 0, ErrNoItem
	}
	if err != nil {
		return nil, 0, err
	}
	return &in.Intent, in.Street, nil
}

// Drop plans that an intent comes to nothing. *giving.FieldErrors, giving.ErrStep.
func Drop(book *ledger.Book, in *Intent, reason string) (*giving.Move, error) {
	if in.State != Meant {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	return &giving.Move{Source: "need", Object: giving.Object("intent", in.ID), Act: "intent-dropped", Note: reason, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlIntentMove, book.ID, in.ID, Dropped, Meant)
	}}, wrong.Err()
}

// Intents lists those of streets, or of one item, newest first: one more than ListMax, before an intent where it is not nil.
func Intents(ctx context.Context, q pg.Querier, book *ledger.Book, all bool, streets []int32, item *uuid.UUID, before uuid.UUID) ([]Intent, error) {
	var from *uuid.UUID
	if before != uuid.Nil {
		from = &before
	}
	rows, err := q.Query(ctx, sqlIntents, book.ID, all, streets, item, from, ListMax+1)
	if err != nil {
		return nil, fmt.Errorf("list intents: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Intent])
}
