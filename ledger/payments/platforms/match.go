package platforms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// When match is income (match_recognition of accounting.md 2.4).
const (
	OnReceipt      = "on_receipt"       // when it comes: a memo until then (E22a, E23a). What a book does that says nothing
	OnConditionMet = "on_condition_met" // when it is earned: the foundation owes it until it pays (E22b, E23b)
)

// Recognitions are both of them.
var Recognitions = []string{OnReceipt, OnConditionMet}

const (
	sqlPolicy = `select recognition from match_policy where book_id = $1 order by number desc limit 1`

	sqlPolicies = `select recognition, reason, made_at from match_policy where book_id = $1 order by number desc limit 50`

	sqlPolicyInsert = `
insert into match_policy (book_id, number, id, recognition, reason, made_at)
values ($1, (select coalesce(max(number), 0) + 1 from match_policy where book_id = $1), $2, $3, $4, $5)`

	sqlEarnedInsert = `
insert into platform_earned (book_id, file_id, campaign_id, fund_id, gift_id, amount) values ($1, $2, $3, $4, $5, $6)`

	sqlFileOfMatch = `
select file_id from platform_earned where book_id = $1 and gift_id = $2
 union select file_id from platform_settlement where book_id = $1 and gift_id = $2`

	sqlEarned = `select campaign_id, gift_id from platform_earned where book_id = $1 and file_id = $2`
)

// Recognition is when match of files booked from now on is income.
func Recognition(ctx context.Context, q pg.Querier, book *ledger.Book) (recognition string, err error) {
	err = q.QueryRow(ctx, sqlPolicy, book.ID).Scan(&recognition)
	if errors.Is(err, pgx.ErrNoRows) {
		return OnReceipt, nil
	}
	if err != nil {
		return "", fmt.Errorf("read how match is recognised: %w", err)
	}
	return recognition, nil
}

// Recognise plans that match of files booked later is income at another moment. It books nothing; files that are booked keep
// their way to the end. A second person approves. *giving.FieldErrors.
func Recognise(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID, recognition, reason string, now time.Time) (*giving.Move, error) {
	is, err := Recognition(ctx, q, book)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if !slices.Contains(Recognitions, recognition) || recognition == is {
		wrong.Refuse("recognition", "platform.recognition.same")
	}
	return &giving.Move{Object: giving.Object("match-policy", id), Act: recognised[recognition], Note: reason,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlPolicyInsert, book.ID, id, recognition, reason, now)
		}}, wrong.Err()
}

// recognised is what the step is called that makes one of them the book's.
var recognised = map[string]string{OnReceipt: "match-on-receipt", OnConditionMet: "match-on-condition"}

// Policy is what a book once decided on when match is income.
type Policy struct {
	Recognition string
	Reason      string
	At          time.Time
}

// Policies lists them, newest first; none when the book has always recognised on receipt.
func Policies(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Policy, error) {
	rows, err := q.Query(ctx, sqlPolicies, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list how match is recognised: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Policy])
}

// earn books match that is earned as gifts of the platform's foundation that it owes (E22b).
func earn(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, p *Profile, open []Open, sign giving.Sign) error {
	var paid []giving.Paid
	var of []Open
	for _, o := range open {
		if o.Match > 0 {
			of = append(of, o)
			paid = append(paid, giving.Paid{CampaignID: o.Campaign, FundID: o.Fund, Amount: o.Match, PaidAt: sign.At, Channel: giving.Bank,
				Ref: fmt.Sprintf("%s/match/%s/%d", p.Platform, f.ID, o.Campaign), Name: p.Layout.Donor, Asset: match("ar.match", o), Actor: sign.By})
		}
	}
	outcomes, err := giving.Book(ctx, tx, book, paid)
	if err != nil {
		return err
	}
	for i, out := range outcomes {
		if out.Err != nil {
			return out.Err
		}
		if err := giving.Settled(ctx, tx, sqlEarnedInsert, book.ID, f.ID, of[i].Campaign, of[i].Fund, out.ID, of[i].Match); err != nil {
			return err
		}
	}
	return nil
}

// earnedOf are the gifts by which match of a file was income when it was earned; none when it is income on receipt.
func earnedOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File) (map[int32]uuid.UUID, error) {
	rows, err := q.Query(ctx, sqlEarned, book.ID, f.ID)
	if err != nil {
		return nil, fmt.Errorf("read earned match: %w", err)
	}
	gifts := map[int32]uuid.UUID{}
	var campaign int32
	var gift uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&campaign, &gift}, func() error { gifts[campaign] = gift; return nil })
	return gifts, err
}

// FileOfMatch is the file that booked a gift as match, where alone it can be given back; nil when none did.
func FileOfMatch(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) (file uuid.UUID, err error) {
	err = q.QueryRow(ctx, sqlFileOfMatch, book.ID, gift).Scan(&file)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("look for the file of a match: %w", err)
	}
	return file, nil
}

// Provisional tells that match of the file was income when it was earned, so that it is provisional until it comes.
func (f *File) Provisional(ctx context.Context, q pg.Querier, book *ledger.Book) (bool, error) {
	gifts, err := earnedOf(ctx, q, book, f)
	return len(gifts) > 0, err
}

// unearn takes earned match that will not be paid out of income again (E23b).
func unearn(ctx context.Context, tx pgx.Tx, book *ledger.Book, earned map[int32]uuid.UUID, parts []Open, day time.Time, entry uuid.UUID) error {
	var back []giving.Refunded
	for _, o := range parts {
		if gift, ok := earned[o.Campaign]; ok && o.Match > 0 {
			back = append(back, giving.Refunded{GiftID: gift, Amount: o.Match, RefundedAt: noon(book, day), Channel: giving.Bank, Ref: unearnRef(entry, o.Campaign),
				Asset: match("ar.match", o)})
		}
	}
	return bookRefunds(ctx, tx, book, back)
}

func unearnRef(settlement uuid.UUID, campaign int32) string {
	return settlement.String() + "/unpaid/" + strconv.Itoa(int(campaign))
}

// bookRefunds books what is given back, all of it or nothing.
func bookRefunds(ctx context.Context, tx pgx.Tx, book *ledger.Book, back []giving.Refunded) error {
	outcomes, err := giving.BookRefunds(ctx, tx, book, back)
	if err != nil {
		return err
	}
	for _, out := range outcomes {
		if out.Err != nil {
			return out.Err
		}
	}
	return nil
}
