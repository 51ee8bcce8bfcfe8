package platforms

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Held is match of a file that has come, for one campaign. Amounts are minor units of the book's currency.
type Held struct {
	Campaign int32
	Fund     int32
	Paid     int64 // by the platform
	Frozen   int64 // of it, kept from use
	Clawed   int64 // of it, given back
}

// MatchStep is match that was frozen, freed or clawed back.
type MatchStep struct {
	ID     uuid.UUID // of its entry
	Kind   string    // frozen, freed, clawed
	Cause  giving.Cause
	Day    time.Time
	Amount int64
	Reason string
}

const (
	sqlHeld = `
select campaign_id, fund_id, sum(paid)::int8, sum(frozen)::int8, sum(clawed)::int8
  from (select s.campaign_id, s.fund_id, s.match as paid, 0 as frozen, 0 as clawed from platform_settlement s
         where s.book_id = $1 and s.file_id = $2 and s.kind = 'paid' and s.match > 0` + standing + `
         union all
        select m.campaign_id, m.fund_id, 0, case m.kind when 'frozen' then m.amount when 'freed' then -m.amount else 0 end,
               case m.kind when 'clawed' then m.amount else 0 end
          from platform_match_step m where m.book_id = $1 and m.file_id = $2) h
 group by 1, 2 order by 1, 2`

	sqlMatchStepInsert = `
insert into platform_match_step (book_id, id, campaign_id, kind, file_id, fund_id, cause, day, amount, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	sqlMatchSteps = `
select id, kind, cause, day, sum(amount)::int8, reason from platform_match_step
 where book_id = $1 and file_id = $2 group by id, kind, cause, day, reason order by day, id, kind desc limit 500`

	// Gifts by which match came, oldest first, with what is left of each.
	sqlMatchGifts = `
select s.campaign_id, g.id, g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0)::int8
  from (select distinct s.campaign_id, s.gift_id from platform_settlement s
         where s.book_id = $1 and s.file_id = $2 and s.gift_id is not null` + standing + `) s
  join gift g on g.book_id = $1 and g.id = s.gift_id
 order by g.paid_at, g.id`
)

// HeldOf is what match of a file has come and what became of it, campaign by campaign.
func HeldOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File) ([]Held, error) {
	rows, err := q.Query(ctx, sqlHeld, book.ID, f.ID)
	if err != nil {
		return nil, fmt.Errorf("read match that came: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Held])
}

// MatchSteps lists what became of match of a file after it had come, oldest first.
func MatchSteps(ctx context.Context, q pg.Querier, book *ledger.Book, f *File) ([]MatchStep, error) {
	rows, err := q.Query(ctx, sqlMatchSteps, book.ID, f.ID)
	if err != nil {
		return nil, fmt.Errorf("list steps of match: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatchStep])
}

// Free is how much of it may be spent or frozen; Back how much can still be clawed back.
func (h Held) Free() int64 { return h.Paid - h.Frozen - h.Clawed }

// Back is how much of it can still be clawed back.
func (h Held) Back() int64 { return h.Paid - h.Clawed }

// Freeze plans that match which has come is kept from use while the platform looks into it (E24c). *giving.FieldErrors, giving.ErrStep.
func Freeze(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference) (*giving.Move, error) {
	return hold(ctx, q, book, f, d, "frozen", Held.Free)
}

// Unfreeze plans that frozen match may be used again. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Unfreeze(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference) (*giving.Move, error) {
	return hold(ctx, q, book, f, d, "freed", func(h Held) int64 { return h.Frozen })
}

func hold(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference, kind string, of func(Held) int64) (*giving.Move, error) {
	parts, err := f.heldParts(ctx, q, book, d, of)
	if err != nil {
		return nil, err
	}
	m := &giving.Move{Object: f.Object(), Act: "platform-" + kind, Note: d.Reason, Amount: d.Amount, Kind: ledger.KindPlatform, Day: d.Day}
	for _, p := range parts {
		if kind == "frozen" {
			m.Lines = append(m.Lines, ledger.Debit(match("resv", p.open), p.amount), ledger.Credit(match("resv.contra", p.open), p.amount))
		} else {
			m.Lines = append(m.Lines, thawed(p.open, p.amount)...)
		}
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := f.lock(ctx, tx, book); err != nil {
			return err
		}
		for _, p := range parts {
			if err := p.write(ctx, tx, book, f, d, entry, kind, "", p.amount); err != nil {
				return err
			}
		}
		return f.heldStill(ctx, tx, book)
	}
	return m, nil
}

// Clawback plans that match which has come goes back to the foundation (E24): for a cause outside, out of the fund that had it;
// by our own fault, out of the general fund, and the donors' fund is untouched. What was frozen of it is freed first. A second
// person approves. *giving.FieldErrors, giving.ErrStep; what giving.BookRefunds refuses.
func Clawback(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference, cause giving.Cause) (*giving.Move, error) {
	parts, err := f.heldParts(ctx, q, book, d, Held.Back)
	if err != nil {
		return nil, err
	}
	if cause != giving.Outside && cause != giving.OwnFault {
		var wrong giving.FieldErrors
		wrong.Refuse("cause", "platform.layout.wrong")
		return nil, wrong.Err()
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	m := &giving.Move{Object: f.Object(), Act: "platform-clawed", Note: d.Reason, Amount: d.Amount, Kind: ledger.KindPlatform, Day: d.Day}
	for _, p := range parts {
		m.Lines = append(m.Lines, thawed(p.open, min(p.frozen, p.amount))...)
		if cause == giving.Outside { // income goes back by the refund of its gift
			m.Lines = append(m.Lines, ledger.Debit(match("return.due", p.open), p.amount), ledger.Credit(giftBank(p.open.Fund), p.amount))
		}
	}
	if cause == giving.OwnFault {
		due := ledger.Leaf{Chart: "return.due", Fund: general, Dims: ledger.Dims{Instrument: giving.Platform.Code()}}
		cost := ledger.Leaf{Chart: "admin.u", Fund: general, Dims: due.Dims}
		m.Lines = append(m.Lines, ledger.Debit(cost, d.Amount), ledger.Credit(due, d.Amount),
			ledger.Debit(due, d.Amount), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: general}, d.Amount))
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := f.lock(ctx, tx, book); err != nil {
			return err
		}
		if cause == giving.Outside {
			if err := giveBack(ctx, tx, book, f, parts, d.Day, entry); err != nil {
				return err
			}
		}
		for _, p := range parts {
			if err := p.write(ctx, tx, book, f, d, entry, "freed", "", min(p.frozen, p.amount)); err != nil {
				return err
			}
			if err := p.write(ctx, tx, book, f, d, entry, "clawed", cause, p.amount); err != nil {
				return err
			}
		}
		return f.heldStill(ctx, tx, book)
	}
	return m, nil
}

// giveBack takes match out of the gifts by which it came, oldest first, and owes it to the foundation (E24a).
func giveBack(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, parts []heldPart, day time.Time, entry uuid.UUID) error {
	rows, err := tx.Query(ctx, sqlMatchGifts, book.ID, f.ID)
	if err != nil {
		return fmt.Errorf("read gifts of match: %w", err)
	}
	left := map[int32]int64{}
	of := map[int32]Open{}
	for _, p := range parts {
		left[p.open.Campaign], of[p.open.Campaign] = p.amount, p.open
	}
	var back []giving.Refunded
	var campaign int32
	var gift uuid.UUID
	var rest int64
	_, err = pgx.ForEachRow(rows, []any{&campaign, &gift, &rest}, func() error {
		if amount := min(rest, left[campaign]); amount > 0 {
			left[campaign] -= amount
			back = append(back, giving.Refunded{GiftID: gift, Amount: amount, RefundedAt: noon(book, day), Channel: giving.Bank,
				Ref: fmt.Sprintf("%s/clawed/%d", entry, len(back)), Asset: match("return.due", of[campaign])})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read gifts of match: %w", err)
	}
	for _, amount := range left {
		if amount > 0 { // somebody took from the same match meanwhile
			return giving.ErrStep
		}
	}
	return bookRefunds(ctx, tx, book, back)
}

// heldPart is a campaign's part of a step with match that has come.
type heldPart struct {
	open   Open
	frozen int64
	amount int64
}

func (f *File) heldParts(ctx context.Context, q pg.Querier, book *ledger.Book, d Difference, of func(Held) int64) ([]heldPart, error) {
	if f.State != FileBooked {
		return nil, giving.ErrStep
	}
	held, err := HeldOf(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	var most int64
	weights := make([]int64, len(held))
	for i, h := range held {
		weights[i] = max(of(h), 0)
		most += weights[i]
	}
	if err := d.check(f, most, book); err != nil {
		return nil, err
	}
	var parts []heldPart
	for i, amount := range money.Allocate(d.Amount, weights) {
		if amount > 0 {
			parts = append(parts, heldPart{Open{Campaign: held[i].Campaign, Fund: held[i].Fund}, held[i].Frozen, amount})
		}
	}
	return parts, nil
}

func (p heldPart) write(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, d Difference, entry uuid.UUID, kind string, cause giving.Cause, amount int64) error {
	if amount == 0 {
		return nil
	}
	return giving.Settled(ctx, tx, sqlMatchStepInsert, book.ID, entry, p.open.Campaign, kind, f.ID, p.open.Fund, string(cause), d.Day, amount, d.Reason)
}

// heldStill refuses when somebody took from the same match meanwhile.
func (f *File) heldStill(ctx context.Context, q pg.Querier, book *ledger.Book) error {
	held, err := HeldOf(ctx, q, book, f)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Free() < 0 || h.Frozen < 0 {
			return giving.ErrStep
		}
	}
	return nil
}

// lock makes steps of one file take turns.
func (f *File) lock(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	var state string
	if err := tx.QueryRow(ctx, sqlFileLock, book.ID, f.ID).Scan(&state); err != nil {
		return fmt.Errorf("lock platform file: %w", err)
	}
	return nil
}

// thawed ends the reservation of frozen match.
func thawed(o Open, amount int64) []ledger.Line {
	if amount == 0 {
		return nil
	}
	return []ledger.Line{ledger.Debit(match("resv.contra", o), amount), ledger.Credit(match("resv", o), amount)}
}
