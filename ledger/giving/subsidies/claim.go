package subsidies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

var (
	// ErrStatement means that the statement is not the one that was read. Show it again; nothing was signed.
	ErrStatement = errors.New("statement is not what was read")
	// ErrSameSide means that the person who made a statement would sign for the street too.
	ErrSameSide = errors.New("the maker of a statement may not sign it for the street")
)

// Claim is a statement of what the street owes: the association makes it, the street's officer signs it.
type Claim struct {
	ID        uuid.UUID
	LetterID  uuid.UUID
	Number    int32
	Amount    int64
	Raised    int64 // as of Position, as Earned
	Earned    int64
	Before    int64 // claimed before
	Position  int64
	Statement []byte // hash of what both sides read
	State     string // Made, Signed, Withdrawn
	MadeBy    uuid.UUID
	MadeAt    time.Time
	SignedBy  *uuid.UUID
	SignedAt  *time.Time
	FundID    int32 // of its letter
	StreetID  int32
}

// States of a claim.
const (
	Made      = "made"
	Signed    = "signed"
	Withdrawn = "withdrawn"
)

const (
	claimSelect = `
select c.id, c.letter_id, c.number, c.amount, c.raised, c.earned, c.before, c.position, c.statement_hash, c.state, c.made_by, c.made_at, c.signed_by, c.signed_at, l.fund_id, l.street_id
  from subsidy_claim c join subsidy_letter l on l.book_id = c.book_id and l.id = c.letter_id
 where c.book_id = $1`

	sqlClaimByID = claimSelect + ` and c.id = $2`
	sqlClaims    = claimSelect + ` and c.letter_id = $2 order by c.number limit 300`
	sqlClaimNext = `select coalesce(max(number), 0) + 1, count(*) filter (where state = 'made') from subsidy_claim where book_id = $1 and letter_id = $2`

	sqlClaimInsert = `
insert into subsidy_claim (book_id, id, letter_id, number, amount, raised, earned, before, position, statement_hash, state, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'made', $11, $12)`

	sqlClaimSign = `
update subsidy_claim set state = 'signed', signed_by = $3, signed_at = $4 where book_id = $1 and id = $2 and state = 'made'`

	sqlClaimWithdraw = `update subsidy_claim set state = 'withdrawn' where book_id = $1 and id = $2 and state = 'made'`
	sqlClaimsDrop    = `update subsidy_claim set state = 'withdrawn' where book_id = $1 and letter_id = $2 and state = 'made'`
)

// ClaimByID reads a claim, or giving.ErrNoRecord.
func ClaimByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Claim, error) {
	return giving.Record[Claim](ctx, q, sqlClaimByID, book.ID, id)
}

// Claims lists a letter's claims, oldest first.
func Claims(ctx context.Context, q pg.Querier, book *ledger.Book, letter uuid.UUID) ([]Claim, error) {
	rows, err := q.Query(ctx, sqlClaims, book.ID, letter)
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Claim])
}

// statement is what both sides put their names to.
func (l *Letter) statement(c Claim) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%q %q %s\n%d of %d: %d raised, %d earned, %d claimed before, %d claimed\n%d %d %d %d/%d %d\n%s %s", l.ID, c.ID, l.Party, l.Document,
		l.SignedOn.Format(time.DateOnly), c.Number, l.Number, c.Raised, c.Earned, c.Before, c.Amount, l.Cap, l.Threshold, l.Lump, l.Num, l.Den, l.ShareCap,
		l.OpensOn.Format(time.DateOnly), l.ClosesOn.Format(time.DateOnly)))
	return sum[:]
}

// MakeClaim plans a statement over part of what is earned and not claimed yet. One at a time waits for the street.
// *giving.FieldErrors, giving.ErrStep, ErrLapsed.
func MakeClaim(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, id uuid.UUID, amount int64, by uuid.UUID, now time.Time) (*giving.Move, error) {
	day := book.Day(now)
	if l.State == Lapsed || l.State == Open && day.After(l.LapsesOn) {
		return nil, ErrLapsed
	}
	if l.State != Open {
		return nil, giving.ErrStep
	}
	t, err := TallyOf(ctx, q, book, l)
	if err != nil {
		return nil, err
	}
	c := Claim{ID: id, LetterID: l.ID, Amount: amount, Raised: t.Raised, Earned: t.Earned, Before: l.Claimed, Position: t.Position}
	var waiting int
	if err := q.QueryRow(ctx, sqlClaimNext, book.ID, l.ID).Scan(&c.Number, &waiting); err != nil {
		return nil, fmt.Errorf("number claim: %w", err)
	}
	if waiting > 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	if amount > l.Claimable(t, day) {
		wrong.Refuse("amount", "subsidy.claim.more")
	}
	c.Statement = l.statement(c)
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-claim-made", Note: c.Name(l), Amount: amount, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if err := l.becomes(ctx, tx, book, *l); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlClaimInsert, book.ID, c.ID, l.ID, c.Number, c.Amount, c.Raised, c.Earned, c.Before, c.Position, c.Statement, by, now)
		}}, wrong.Err()
}

// Name is what both sides call the claim.
func (c *Claim) Name(l *Letter) string { return fmt.Sprintf("%s-%d", l.Name(), c.Number) }

// SignClaim plans the street's signature under the statement exactly as it was read: seen is its hash. What is no longer earned cannot be
// signed. giving.ErrStep, ErrLapsed, ErrStatement, ErrSameSide.
func SignClaim(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, c *Claim, seen []byte, by uuid.UUID, now time.Time) (*giving.Move, error) {
	day := book.Day(now)
	switch {
	case c.State != Made || c.LetterID != l.ID:
		return nil, giving.ErrStep
	case l.State != Open || day.After(l.LapsesOn):
		return nil, ErrLapsed
	case by == c.MadeBy:
		return nil, ErrSameSide
	case !bytes.Equal(seen, c.Statement) || !bytes.Equal(l.statement(*c), c.Statement) || c.Before != l.Claimed:
		return nil, ErrStatement
	}
	t, err := TallyOf(ctx, q, book, l)
	if err != nil {
		return nil, err
	}
	if c.Amount > l.Claimable(t, day) {
		return nil, ErrStatement
	}
	to := *l
	to.Claimed += c.Amount
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-claim-signed", Note: c.Name(l), Amount: c.Amount, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if err := l.becomes(ctx, tx, book, to); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlClaimSign, book.ID, c.ID, by, now)
		}}, nil
}

// WithdrawClaim plans taking back a statement that the street has not signed. giving.ErrStep.
func WithdrawClaim(book *ledger.Book, l *Letter, c *Claim, day time.Time) (*giving.Move, error) {
	if c.State != Made || c.LetterID != l.ID {
		return nil, giving.ErrStep
	}
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-claim-withdrawn", Note: c.Name(l), Amount: c.Amount, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlClaimWithdraw, book.ID, c.ID)
		}}, nil
}

// dropClaims withdraws what waits for the street's signature.
func dropClaims(ctx context.Context, tx pgx.Tx, book *ledger.Book, letter uuid.UUID) error {
	if _, err := tx.Exec(ctx, sqlClaimsDrop, book.ID, letter); err != nil {
		return fmt.Errorf("withdraw claims: %w", err)
	}
	return nil
}
