package subsidies

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// NoticeDays is how long before a letter lapses both sides are told.
const NoticeDays = 30

// Enter plans a letter that the street's own officer writes down: a draft, not on the books until the association takes it.
// *giving.FieldErrors.
func Enter(ctx context.Context, q pg.Querier, book *ledger.Book, l Letter) (*giving.Move, error) {
	l.State = Draft
	m, err := l.enter(ctx, q, book, l.SignedOn)
	if err != nil {
		return nil, err
	}
	m.Act, m.Lines = "letter-drafted", nil
	return m, nil
}

// Commit plans E31: the association writes the letter down, and what is promised stands in the memo accounts. *giving.FieldErrors.
func Commit(ctx context.Context, q pg.Querier, book *ledger.Book, l Letter, day time.Time) (*giving.Move, error) {
	l.State = Open
	return l.enter(ctx, q, book, day)
}

func (l Letter) enter(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (*giving.Move, error) {
	if err := l.check(ctx, q, book); err != nil {
		return nil, err
	}
	if err := q.QueryRow(ctx, sqlLetterNext, book.ID).Scan(&l.Number); err != nil {
		return nil, fmt.Errorf("number letter: %w", err)
	}
	lines, err := l.promise(ctx, q, book, l.Cap)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-committed", Note: l.Name() + " " + l.Document, Amount: l.Cap, Kind: ledger.KindLetter, Day: day, Lines: lines,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlLetterInsert, book.ID, l.ID, l.Number, l.FundID, l.StreetID, l.CampaignID, l.Party, l.Document, l.SignedOn, l.Counts, l.GiftMin, l.Per,
				l.Threshold, l.Lump, l.Num, l.Den, l.ShareCap, l.Cap, l.OpensOn, l.ClosesOn, l.FiscalYear, l.LapsesOn, l.Terms, l.Homes, l.State, l.EnteredBy)
		}}, nil
}

// Accept plans E31 for a letter that the street's officer wrote down. giving.ErrFundClosed, giving.ErrStep.
func Accept(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, day time.Time) (*giving.Move, error) {
	if l.State != Draft {
		return nil, giving.ErrStep
	}
	if err := giving.FundTakes(ctx, q, book, l.FundID); err != nil {
		return nil, err
	}
	lines, err := l.promise(ctx, q, book, l.Cap)
	if err != nil {
		return nil, err
	}
	to := *l
	to.State = Open
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-committed", Note: l.Name() + " " + l.Document, Amount: l.Cap, Kind: ledger.KindLetter, Day: day, Lines: lines,
		Settle: l.settle(book, to)}, nil
}

const sqlLetterFund = `
select f.kind, s.code from fund f, street s where f.book_id = $1 and f.fund_id = $2 and s.book_id = $1 and s.street_id = $3`

// place is where the letter's money stands: its fund, and the tags of its accounts.
func (l *Letter) place(ctx context.Context, q pg.Querier, book *ledger.Book) (*ledger.Fund, ledger.Dims, error) {
	fund, tags := &ledger.Fund{ID: l.FundID}, ledger.Dims{Source: l.source()}
	if l.CampaignID != nil {
		tags.Campaign = strconv.Itoa(int(*l.CampaignID))
	}
	if err := q.QueryRow(ctx, sqlLetterFund, book.ID, l.FundID, l.StreetID).Scan(&fund.Kind, &tags.Street); err != nil {
		return nil, tags, fmt.Errorf("read fund and street of letter: %w", err)
	}
	return fund, tags, nil
}

// promise adds to what is promised in the memo accounts, or takes from it.
func (l *Letter) promise(ctx context.Context, q pg.Querier, book *ledger.Book, amount int64) ([]ledger.Line, error) {
	return l.memo(ctx, q, book, "subsidy", amount)
}

func (l *Letter) memo(ctx context.Context, q pg.Querier, book *ledger.Book, account chart.ID, amount int64) ([]ledger.Line, error) {
	fund, tags, err := l.place(ctx, q, book)
	if err != nil {
		return nil, err
	}
	return []ledger.Line{{Leaf: ledger.Leaf{Chart: account, Fund: fund.ID, Dims: tags}, Amount: amount},
		{Leaf: ledger.Leaf{Chart: account + ".contra", Fund: fund.ID, Dims: tags}, Amount: -amount}}, nil
}

// Coming is money of a letter at the bank.
type Coming struct {
	Amount int64
	Bank   chart.ID
	Ref    string // the bank's number of the line
	Day    time.Time
}

const (
	sqlReceiptInsert = `
insert into subsidy_receipt (book_id, entry_id, letter_id, day, amount, bank, ref) values ($1, $2, $3, $4, $5, $6, $7)`
	sqlReturnInsert = `
insert into subsidy_return (book_id, entry_id, letter_id, day, amount, bank, ref) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`
	sqlReturnRef = `
select exists (select from subsidy_return where book_id = $1 and ref = $2)
    or exists (select from subsidy_receipt where book_id = $1 and ref = $2 and not void)`

	sqlReceiptRef  = `select exists (select from subsidy_receipt where book_id = $1 and ref = $2 and not void)`
	sqlReceipts    = `select entry_id, day, amount, bank, ref, void from subsidy_receipt where book_id = $1 and letter_id = $2 order by day, entry_id limit 300`
	sqlReceiptVoid = `update subsidy_receipt set void = true where book_id = $1 and entry_id = $2 and letter_id = $3 and not void`
)

// Receipt is money of a letter that came.
type Receipt struct {
	Entry  uuid.UUID
	Day    time.Time
	Amount int64
	Bank   chart.ID
	Ref    string
	Void   bool // taken back
}

// Receipts lists what came of a letter, oldest first.
func Receipts(ctx context.Context, q pg.Querier, book *ledger.Book, letter uuid.UUID) ([]Receipt, error) {
	rows, err := q.Query(ctx, sqlReceipts, book.ID, letter)
	if err != nil {
		return nil, fmt.Errorf("list receipts of letter: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Receipt])
}

// Receive plans E32: what the street signed for is at the bank. It is a grant (E32a), or owed back until spent (E32b), and in both cases
// less is promised. *giving.FieldErrors, giving.ErrStep.
func Receive(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, c Coming) (*giving.Move, error) {
	if l.State != Open && l.State != Lapsed || l.Due() == 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", c.Amount)
	if c.Amount > l.Due() {
		wrong.Refuse("amount", "subsidy.receive.more")
	}
	wrong.Text("ref", c.Ref, 1, 100)
	if c.Day.Before(l.SignedOn) {
		wrong.Refuse("day", "subsidy.day.before")
	}
	var taken bool
	if err := q.QueryRow(ctx, sqlReceiptRef, book.ID, c.Ref).Scan(&taken); err != nil {
		return nil, fmt.Errorf("look for bank line: %w", err)
	}
	if taken {
		wrong.Refuse("ref", "subsidy.ref.taken")
	}
	fund, tags, err := l.place(ctx, q, book)
	if err != nil {
		return nil, err
	}
	income := chart.ID(fund.Class("grant"))
	if l.Terms == Advance {
		income = "advance"
	}
	to := *l
	to.Received += c.Amount
	leaf := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID, Dims: tags} }
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-received", Note: l.Name() + " " + c.Ref, Amount: c.Amount, Kind: ledger.KindLetter, Day: c.Day,
		Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: c.Bank, Fund: fund.ID}, c.Amount), ledger.Credit(leaf(income), c.Amount),
			ledger.Debit(leaf("subsidy.contra"), c.Amount), ledger.Credit(leaf("subsidy"), c.Amount)},
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			if err := l.becomes(ctx, tx, book, to); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlReceiptInsert, book.ID, entry, l.ID, c.Day, c.Amount, c.Bank, c.Ref)
		}}, wrong.Err()
}

// TakeBack plans the reversal of a receipt that was written down wrong; what it brought must not be spent or returned. A second person
// approves. *giving.FieldErrors, giving.ErrStep.
func TakeBack(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, ref, reason string, day time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	list, err := Receipts(ctx, q, book, l.ID)
	if err != nil {
		return nil, err
	}
	t, err := TallyOf(ctx, q, book, l)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.Ref != ref || r.Void || r.Amount > l.Left(t) {
			continue
		}
		original, err := ledger.ReadEntry(ctx, q, book, r.Entry)
		if err != nil {
			return nil, err
		}
		to := *l
		to.Received -= r.Amount
		return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-receipt-back", Note: l.Name() + " " + ref, Reason: reason, Amount: r.Amount, Kind: ledger.KindCorrection, Day: day,
			Reverse: r.Entry, Lines: ledger.Mirror(original),
			Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
				if err := l.takes(ctx, tx, book, to); err != nil {
					return err
				}
				return giving.Settled(ctx, tx, sqlReceiptVoid, book.ID, r.Entry, l.ID)
			}}, nil
	}
	return nil, giving.ErrStep
}

// Return plans E34: what was not spent goes back to the street, or what was paid for gifts since refunded. By the terms of a grant it lowers
// its income; books of 2004 call it a cost of management (E34b); an advance is simply no longer owed. A second person approves.
// *giving.FieldErrors, giving.ErrStep.
func Return(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, amount int64, bank chart.ID, ref string, day time.Time) (*giving.Move, error) {
	t, err := TallyOf(ctx, q, book, l)
	if err != nil {
		return nil, err
	}
	if l.Left(t) <= 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	if amount > l.Left(t) {
		wrong.Refuse("amount", "subsidy.return.more")
	}
	wrong.Text("ref", ref, 1, 100)
	var taken bool
	if err := q.QueryRow(ctx, sqlReturnRef, book.ID, ref).Scan(&taken); err != nil {
		return nil, fmt.Errorf("look for bank line: %w", err)
	}
	if taken {
		wrong.Refuse("ref", "subsidy.ref.taken")
	}
	fund, tags, err := l.place(ctx, q, book)
	if err != nil {
		return nil, err
	}
	leaf := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID, Dims: tags} }
	less := leaf(chart.ID(fund.Class("grant")))
	switch {
	case l.Terms == Advance:
		less = leaf("advance")
	case book.Regime == chart.CN2004:
		less = leaf(chart.ID(fund.Class("admin")))
		less.Dims.Nature = "return"
	}
	to := *l
	to.Returned += amount
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-returned", Note: l.Name() + " " + ref, Amount: amount, Kind: ledger.KindLetter, Day: day,
		Lines: append(l.earnedBySpending(fund, tags, -l.ahead(t)), ledger.Debit(less, amount), ledger.Credit(leaf("return.due"), amount),
			ledger.Debit(leaf("return.due"), amount), ledger.Credit(ledger.Leaf{Chart: bank, Fund: fund.ID}, amount)),
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			if err := l.takes(ctx, tx, book, to); err != nil {
				return err
			}
			return giving.Settled(ctx, tx, sqlReturnInsert, book.ID, entry, l.ID, day, amount, bank, ref)
		}}, wrong.Err()
}

// Lapse plans the end of what was not claimed by the end of the fiscal year. It goes by itself once the day is over. giving.ErrStep.
func Lapse(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, day time.Time) (*giving.Move, error) {
	if l.State != Open || !day.After(l.LapsesOn) {
		return nil, giving.ErrStep
	}
	gone := l.Cap - l.Claimed
	to := *l
	to.Lapsed, to.State = gone, Lapsed
	m := &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-lapsed", Note: l.Name() + " " + strconv.Itoa(int(l.FiscalYear)), Amount: gone, Kind: ledger.KindLetter, Day: l.LapsesOn,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if err := dropClaims(ctx, tx, book, l.ID); err != nil {
				return err
			}
			return l.becomes(ctx, tx, book, to)
		}}
	if gone == 0 {
		return m, nil
	}
	var err error
	m.Lines, err = l.promise(ctx, q, book, -gone)
	return m, err
}

// Notice plans the note that both sides were told: what is not claimed will lapse. giving.ErrStep.
func Notice(book *ledger.Book, l *Letter, day time.Time) (*giving.Move, error) {
	if l.State != Open || l.NoticedOn != nil || l.Claimed == l.Cap || day.Before(l.LapsesOn.AddDate(0, 0, -NoticeDays)) {
		return nil, giving.ErrStep
	}
	to := *l
	to.NoticedOn = &day
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-noticed", Note: l.Name() + " " + l.LapsesOn.Format(time.DateOnly), Amount: l.Cap - l.Claimed, Day: day, Settle: l.settle(book, to)}, nil
}

// Drop plans that a draft is put aside: it is not on the books, nobody else is asked. *giving.FieldErrors, giving.ErrStep.
func Drop(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, reason string, day time.Time) (*giving.Move, error) {
	return l.discard(ctx, q, book, Draft, reason, day)
}

// Discard plans taking back a committed letter that was written down wrong and of which nothing is claimed. A second person approves.
// *giving.FieldErrors, giving.ErrStep.
func Discard(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, reason string, day time.Time) (*giving.Move, error) {
	return l.discard(ctx, q, book, Open, reason, day)
}

func (l *Letter) discard(ctx context.Context, q pg.Querier, book *ledger.Book, from, reason string, day time.Time) (*giving.Move, error) {
	if l.State != from || l.Claimed != 0 || l.Parallel != 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	to := *l
	to.State = Void
	m := giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-void", Note: l.Name() + " " + l.Document, Reason: reason, Amount: l.Cap, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if err := dropClaims(ctx, tx, book, l.ID); err != nil {
				return err
			}
			return l.becomes(ctx, tx, book, to)
		}}
	if l.State == Draft {
		return &m, nil
	}
	return giving.TakeBack(ctx, q, book, m, "letter-committed")
}

// Beside plans a note of what the street paid by itself: it never enters the books, but stands in the memo accounts (9401) so that the
// whole cost of the project can be told. *giving.FieldErrors, giving.ErrStep.
func Beside(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter, amount int64, what string, day time.Time) (*giving.Move, error) {
	if l.State != Open && l.State != Lapsed {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	wrong.Text("what", what, 1, 200)
	lines, err := l.memo(ctx, q, book, "parallel", amount)
	if err != nil {
		return nil, err
	}
	to := *l
	to.Parallel += amount
	return &giving.Move{Source: "subsidy", Object: l.Object(), Act: "letter-parallel", Note: what, Amount: amount, Kind: ledger.KindLetter, Day: day, Lines: lines, Settle: l.settle(book, to)}, wrong.Err()
}

const (
	sqlLapsing = `
select id from subsidy_letter where book_id = $1 and state = 'open' and (lapses_on < $2 or noticed_on is null and lapses_on <= $2::date + $3::int and claimed < cap) order by lapses_on limit 200`

	sqlCounting = `
select l.id from subsidy_letter l
 where l.book_id = $1 and l.state in ('open', 'lapsed')
   and exists (select from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
                 left join subsidy_cursor c on c.book_id = a.book_id and c.letter_id = l.id and c.account_id = a.account_id
                where a.book_id = l.book_id and a.fund_id = l.fund_id and a.unit < 1000 and a.chart in ('gift.r', 'gift.u') and a.dims ->> 'nature' in ('gift', 'refund')
                  and b.seq > coalesce(c.seq, 0) and (l.campaign_id is null or a.campaign = l.campaign_id::text))
 order by l.number limit 200`
)

// Lapsing lists the open letters that lapse on the day's morning or must be noticed.
func Lapsing(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlLapsing, book.ID, day, NoticeDays)
}

// Counting lists the letters with gifts or refunds that were not counted yet.
func Counting(ctx context.Context, q pg.Querier, book *ledger.Book) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlCounting, book.ID)
}

func ids(ctx context.Context, q pg.Querier, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look for letters: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// End takes the step that a letter's last days ask for, inside tx: its end when the fiscal year is over. lapsed is false when there is none.
func End(ctx context.Context, tx pgx.Tx, book *ledger.Book, l *Letter, now time.Time) (lapsed bool, err error) {
	m, err := Lapse(ctx, tx, book, l, book.Day(now))
	if errors.Is(err, giving.ErrStep) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sign := giving.Sign{Key: uuid.NewSHA1(l.ID, []byte("lapse")), At: now}
	_, err = m.Book(ctx, tx, book, sign)
	if errors.Is(err, ledger.ErrPeriodClosed) { // the year was closed first: it is a memo, and stands on the day it was noticed
		m.Day = book.Day(now)
		_, err = m.Book(ctx, tx, book, sign)
	}
	return err == nil, err
}
