package funds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

// ErrEnds means that a fund cannot be closed yet: something is promised, set aside, owed, due to it or on its way, or people still give to it.
var ErrEnds = errors.New("fund has open ends")

const (
	sqlCharts = `
select a.chart, a.ccy = $3, sum(b.balance)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 group by 1, a.ccy having sum(b.balance) <> 0`

	sqlGivenTo = `select exists (select from campaign where book_id = $1 and fund_id = $2 and closes_at > $3 and state <> 'closed')`

	sqlUnpublishedFiles = `
select ` + fileColumns + ` from fund_file where book_id = $1 and state = 'closed' and published_on is null order by publish_by nulls last, closed_on, id limit 200`
)

// Close plans that a fund ends: nothing is open any more, and its rest goes to a fund of the same or a similar purpose, or where a filing or the
// donors' consent says (E28, R13). In time (R09) it must be public what became of the rest. A second person approves.
// ErrEnds, ErrUnlike, ErrNotTransferable, *giving.FieldErrors, giving.ErrStep.
func Close(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, to *ledger.Fund, basis, ref, reason string, now time.Time) (*giving.Move, error) {
	if f.State != Open {
		return nil, giving.ErrStep
	}
	fund, err := fundByID(ctx, q, book, *f.FundID)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	held, rest, err := f.rest(ctx, q, book, now)
	if err != nil {
		return nil, err
	}
	day := book.Day(now)
	m := &giving.Move{Source: "fund", Object: f.Object(), Act: "fund-closed", Note: reason, Amount: rest, Kind: ledger.KindTransfer, Day: day}
	end := *f
	by, err := law.PublicBy(ctx, q, book, day)
	if err != nil {
		return nil, err
	}
	end.State, end.ClosedOn, end.PublishBy, end.Rest, end.RestReason = Closed, &day, by, &rest, reason
	if rest > 0 {
		if to == nil {
			wrong.Refuse("to", "fundfile.close.to")
			return nil, wrong.Err()
		}
		t := Transfer{From: fund, To: to, Amount: rest, Bank: "bank.basic", Basis: basis, Ref: ref}
		if _, err := t.Lines(); err != nil {
			return nil, err
		}
		if err := t.Check(ctx, q, book, day); err != nil {
			return nil, err
		}
		m.Lines = between(fund.ID, to.ID, rest, "transfer", "transfer")
		for _, bank := range TransferBanks() {
			if held[bank] > 0 {
				m.Lines = append(m.Lines, at(bank, fund.ID, to.ID, held[bank])...)
			}
		}
		end.RestTo, end.RestBasis, end.RestRef = &to.ID, basis, ref
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if entry != uuid.Nil {
			end.RestEntry = &entry
		}
		if err := f.becomes(ctx, tx, book, end); err != nil {
			return err
		}
		// the file is held from here on: what came beside this is seen, what comes later sees a closed fund
		_, left, err := f.rest(ctx, tx, book, now)
		if err == nil && left != 0 {
			err = giving.ErrStep
		}
		return err
	}
	return m, wrong.Err()
}

// rest is what the fund has at the bank, by account, once nothing else stands on it, in any currency. ErrEnds.
func (f *File) rest(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (held map[chart.ID]int64, rest int64, err error) {
	var given bool
	if err := q.QueryRow(ctx, sqlGivenTo, book.ID, *f.FundID, now).Scan(&given); err != nil {
		return nil, 0, fmt.Errorf("look for campaigns: %w", err)
	}
	if given {
		return nil, 0, fmt.Errorf("%w: a campaign is not over", ErrEnds)
	}
	rows, err := q.Query(ctx, sqlCharts, book.ID, *f.FundID, book.Currency)
	if err != nil {
		return nil, 0, fmt.Errorf("read fund: %w", err)
	}
	held = map[chart.ID]int64{}
	var id chart.ID
	var ours bool
	var sum int64
	var open chart.ID
	_, err = pgx.ForEachRow(rows, []any{&id, &ours, &sum}, func() error {
		a := chart.MustByID(id)
		switch {
		case !ours: // units of foreign money, what is promised in it
			open = id
		case slices.Contains(TransferBanks(), id):
			held[id], rest = sum, rest+sum
		case a.Type == chart.Asset, a.Type == chart.Liability, a.Type == chart.Internal && id != "transfer", a.Commit != 0, a.Guard == chart.GuardFloor:
			open = id
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read fund: %w", err)
	}
	if open != "" {
		return nil, 0, fmt.Errorf("%w: %s", ErrEnds, open)
	}
	return held, rest, nil
}

// Publish plans the note that it is public what became of a closed fund's rest, with where. *giving.FieldErrors, giving.ErrStep.
func Publish(book *ledger.Book, f *File, where string, day time.Time) (*giving.Move, error) {
	if f.State != Closed || f.PublishedOn != nil {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("where", where, 1, 200)
	if day.Before(*f.ClosedOn) {
		wrong.Refuse("day", "project.publish.before")
	}
	to := *f
	to.PublishedOn, to.PublishedAt = &day, where
	return f.move("fund-published", where, func(ctx context.Context, tx pgx.Tx) error { return f.becomes(ctx, tx, book, to) }), wrong.Err()
}

// Unpublished lists closed funds of which it is not public yet what became of their rest, the soonest due first.
func Unpublished(ctx context.Context, q pg.Querier, book *ledger.Book) ([]File, error) {
	rows, err := q.Query(ctx, sqlUnpublishedFiles, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list unpublished funds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[File])
}
