package platforms

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
	"sunfund/ledger/giving"
)

// Database is where files are read and booked.
type Database interface {
	pg.Querier
	pg.Beginner
}

// batchMax is how many gifts are booked in one transaction.
const batchMax = 1000

// Conflict is a line whose order number is on the books with other content. It is shown and not booked.
type Conflict struct {
	Row Row
	Was Booked
}

// Booked is a gift of a platform file on the books.
type Booked struct {
	Order    string
	File     uuid.UUID
	Line     int32
	Gift     uuid.UUID
	Campaign int32
	Fund     int32
	Day      time.Time
	Amount   int64
	Fee      int64
	Match    int64
}

// Compared is a file's lines beside what is on the books.
type Compared struct {
	New       []Row
	Known     []Row // booked from this file or another one, with the same content
	Conflicts []Conflict
}

const (
	sqlKnown = `
select g.order_no, g.file_id, g.line, g.gift_id, g.campaign_id, g.fund_id, g.day, g.amount, g.fee, g.match
  from unnest($3::text[]) u(order_no)
 cross join lateral (select * from platform_gift where book_id = $1 and platform = $2 and order_no = u.order_no limit 1) g`

	sqlGiftInsert = `
insert into platform_gift (book_id, platform, order_no, file_id, line, gift_id, campaign_id, fund_id, day, amount, fee, match)
select $1, $2, x.order_no, $3, x.line, x.gift_id, x.campaign_id, c.fund_id, x.day, x.amount, x.fee, x.match
  from unnest($4::text[], $5::int4[], $6::uuid[], $7::int4[], $8::date[], $9::int8[], $10::int8[], $11::int8[])
       x(order_no, line, gift_id, campaign_id, day, amount, fee, match)
  join campaign c on c.book_id = $1 and c.campaign_id = x.campaign_id`

	sqlFaultInsert = `
insert into platform_fault (book_id, file_id, line, order_no, field, reason)
select $1, $2, * from unnest($3::int4[], $4::text[], $5::text[], $6::text[])`

	sqlFileBooked = `
update platform_file set state = 'booked', booked_at = $3, counted = $4, last_day = $5, body = null, sealed_key = null, sealed_by = null
 where book_id = $1 and id = $2 and state = 'read'`

	// A campaign whose gifts earned none is kept too: it tells that the file is summed.
	sqlMatchInsert = `
insert into platform_match (book_id, file_id, campaign_id, fund_id, amount)
select $1, $2, campaign_id, fund_id, sum(match) from platform_gift where book_id = $1 and file_id = $2 group by 3, 4`

	sqlGiftsOfFile = `
select order_no, file_id, line, gift_id, campaign_id, fund_id, day, amount, fee, match
  from platform_gift where book_id = $1 and file_id = $2 order by line limit $3`

	sqlFaultsOfFile = `select line, order_no, field, reason from platform_fault where book_id = $1 and file_id = $2 order by line limit $3`
)

// Compare holds the lines of a platform against what is on the books.
func Compare(ctx context.Context, q pg.Querier, book *ledger.Book, platform string, rows []Row) (Compared, error) {
	orders := make([]string, len(rows))
	for i, r := range rows {
		orders[i] = r.Order
	}
	var c Compared
	found, err := q.Query(ctx, sqlKnown, book.ID, platform, orders)
	if err != nil {
		return c, fmt.Errorf("look for orders: %w", err)
	}
	list, err := pgx.CollectRows(found, pgx.RowToStructByPos[Booked])
	if err != nil {
		return c, fmt.Errorf("look for orders: %w", err)
	}
	known := map[string]Booked{}
	for _, b := range list {
		known[b.Order] = b
	}
	for _, r := range rows {
		b, ok := known[r.Order]
		switch {
		case !ok:
			c.New = append(c.New, r)
		case b.Campaign == r.Campaign && b.Amount == r.Amount && b.Fee == r.Fee && b.Match == r.Match && b.Day.Equal(book.Day(r.At)):
			c.Known = append(c.Known, r)
		default:
			c.Conflicts = append(c.Conflicts, Conflict{r, b})
		}
	}
	return c, nil
}

// Done is what became of a file.
type Done struct {
	Booked  int // now
	Known   int // before
	Faults  []Fault
	Content *Content
}

// Book books a file: each gift as a receivable from the platform (E02 with 1122.01), its fee (E03), and at the end the match
// that its foundation promises as a memo (E21, E22). A line is known by the platform's order number and booked once, in however many
// files it stands. Where it broke off, calling it again goes on. Progress, unless nil, hears after each commit how many lines are through.
// giving.ErrStep when the file is not there to be booked; what Read refuses.
func Book(ctx context.Context, db Database, book *ledger.Book, f *File, sign giving.Sign, progress func(done, all int) error) (*Done, error) {
	ctx = pg.WithBook(ctx, book.ID)
	content, profile, err := f.Content(ctx, db, book, sign.At)
	if err != nil {
		return nil, err
	}
	done := &Done{Content: content, Faults: content.Faults}
	for from := 0; from < len(content.Rows); from += batchMax {
		rows := content.Rows[from:min(from+batchMax, len(content.Rows))]
		var one Done
		err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
			one, err = bookRows(ctx, tx, book, f, profile, rows, sign.By)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("book platform file up to line %d: %w", rows[len(rows)-1].Line, err)
		}
		done.Booked, done.Known, done.Faults = done.Booked+one.Booked, done.Known+one.Known, append(done.Faults, one.Faults...)
		if progress == nil {
			continue
		}
		if err := progress(from+len(rows), len(content.Rows)); err != nil {
			return done, err
		}
	}
	return done, pg.InTx(ctx, db, func(tx pgx.Tx) error { return finish(ctx, tx, book, f, profile, done, sign) })
}

// bookRows books some lines of a file in one transaction.
func bookRows(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, p *Profile, rows []Row, by uuid.UUID) (Done, error) {
	var done Done
	var state string
	if err := tx.QueryRow(ctx, sqlFileLock, book.ID, f.ID).Scan(&state); err != nil {
		return done, fmt.Errorf("lock platform file: %w", err)
	}
	if state != FileRead {
		return done, giving.ErrStep
	}
	c, err := Compare(ctx, tx, book, p.Platform, rows)
	if err != nil {
		return done, err
	}
	done.Known = len(c.Known)
	for _, x := range c.Conflicts {
		done.Faults = append(done.Faults, Fault{Line: x.Row.Line, Order: x.Row.Order, Field: x.field(book), Reason: "conflict"})
	}
	if len(c.New) == 0 {
		return done, nil
	}
	paid := make([]giving.Paid, len(c.New))
	for i, r := range c.New {
		paid[i] = giving.Paid{CampaignID: r.Campaign, Amount: r.Amount, Fee: r.Fee, Exact: true, PaidAt: r.At, Channel: giving.Platform,
			Ref: p.Platform + ":" + r.Order, ProcessorRef: r.Order, Name: r.Donor, Anonymous: r.Donor == "", Actor: by}
	}
	outcomes, err := giving.Book(ctx, tx, book, paid)
	if err != nil {
		return done, err
	}
	var booked columns
	for i, o := range outcomes {
		r := c.New[i]
		switch {
		case o.Err != nil:
			done.Faults = append(done.Faults, Fault{Line: r.Line, Order: r.Order, Reason: reasonOf(o.Err)})
		case o.Replayed:
			return done, fmt.Errorf("%w: order %s is a gift without its line", giving.ErrRefReused, r.Order)
		default:
			booked.add(book, r, o.ID)
		}
	}
	done.Booked = len(booked.orders)
	_, err = tx.Exec(ctx, sqlGiftInsert, book.ID, p.Platform, f.ID, booked.orders, booked.lines, booked.gifts, booked.campaigns, booked.days,
		booked.amounts, booked.fees, booked.matches)
	if err != nil {
		return done, fmt.Errorf("write gifts of platform file: %w", err)
	}
	return done, nil
}

// columns are rows of platform_gift, turned.
type columns struct {
	orders                 []string
	lines, campaigns       []int32
	gifts                  []uuid.UUID
	days                   []time.Time
	amounts, fees, matches []int64
}

func (c *columns) add(book *ledger.Book, r Row, gift uuid.UUID) {
	c.orders, c.lines, c.gifts = append(c.orders, r.Order), append(c.lines, int32(r.Line)), append(c.gifts, gift)
	c.campaigns, c.days = append(c.campaigns, r.Campaign), append(c.days, book.Day(r.At))
	c.amounts, c.fees, c.matches = append(c.amounts, r.Amount), append(c.fees, r.Fee), append(c.matches, r.Match)
}

// field names what first differs from what is booked.
func (x Conflict) field(book *ledger.Book) string {
	switch {
	case x.Row.Amount != x.Was.Amount:
		return "amount"
	case x.Row.Fee != x.Was.Fee:
		return "fee"
	case x.Row.Match != x.Was.Match:
		return "match"
	case x.Row.Campaign != x.Was.Campaign:
		return "campaign"
	}
	return "time"
}

// reasonOf is why the book refused a line.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, ledger.ErrPeriodClosed):
		return "closed"
	case errors.Is(err, giving.ErrFundKind):
		return "fund"
	case errors.Is(err, giving.ErrNoCampaign):
		return "campaign"
	case errors.Is(err, giving.ErrNoGeneral):
		return "no-general"
	}
	return "refused"
}

// finish notes what was not booked, books the match as earned, keeps how much it is, and lets the file's text go.
func finish(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, p *Profile, done *Done, sign giving.Sign) error {
	open, err := openOf(ctx, tx, book, f.ID)
	if err != nil {
		return err
	}
	m := &giving.Move{Object: f.Object(), Act: "platform-booked", Note: p.Platform + " " + strconv.Itoa(int(p.Version)), Kind: ledger.KindMatch, Day: book.Day(sign.At)}
	for _, o := range open {
		m.Amount += o.Gifts
		if o.Match == 0 {
			continue
		}
		pool, earned := match("match.pledged", o), match("match.earned", o)
		m.Lines = append(m.Lines, ledger.Debit(pool, o.Match), ledger.Credit(match("match.contra", o), o.Match),
			ledger.Debit(earned, o.Match), ledger.Credit(pool, o.Match))
	}
	recognition, err := Recognition(ctx, tx, book)
	if err != nil {
		return err
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if recognition == OnConditionMet {
			if err := earn(ctx, tx, book, f, p, open, sign); err != nil {
				return err
			}
		}
		var lines []int32
		var orders, fields, reasons []string
		for _, x := range done.Faults {
			lines, orders, fields, reasons = append(lines, int32(x.Line)), append(orders, x.Order), append(fields, x.Field), append(reasons, x.Reason)
		}
		if _, err := tx.Exec(ctx, sqlFaultInsert, book.ID, f.ID, lines, orders, fields, reasons); err != nil {
			return fmt.Errorf("write faults of platform file: %w", err)
		}
		var last *time.Time
		if !done.Content.Last.IsZero() {
			last = &done.Content.Last
		}
		if err := giving.Settled(ctx, tx, sqlFileBooked, book.ID, f.ID, sign.At, done.Content.Totals, last); err != nil { // of two at once, one stops here
			return err
		}
		if _, err := tx.Exec(ctx, sqlMatchInsert, book.ID, f.ID); err != nil {
			return fmt.Errorf("keep match of platform file: %w", err)
		}
		return nil
	}
	_, err = m.Book(ctx, tx, book, sign)
	return err
}

// match is the memo account of the match of a campaign.
func match(id string, o Open) ledger.Leaf { return matchLeaf(id, o.Fund, o.Campaign) }

// GiftsOf lists the gifts of a file, at most limit.
func GiftsOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, limit int) ([]Booked, error) {
	rows, err := q.Query(ctx, sqlGiftsOfFile, book.ID, f.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list gifts of platform file: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Booked])
}

// FaultsOf lists the lines of a booked file that were not booked, at most limit.
func FaultsOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, limit int) ([]Fault, error) {
	rows, err := q.Query(ctx, sqlFaultsOfFile, book.ID, f.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list faults of platform file: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x Fault, err error) {
		err = row.Scan(&x.Line, &x.Order, &x.Field, &x.Reason)
		return x, err
	})
}
