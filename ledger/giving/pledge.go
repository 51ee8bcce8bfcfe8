package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Pledge is what a firm has promised in writing. It is not income: it stands in the memo accounts until it comes.
type Pledge struct {
	ID         uuid.UUID
	Number     int32
	Firm       string
	FundID     int32
	CampaignID int32
	Document   string
	SignedOn   time.Time
	Amount     int64
	Received   int64
	GivenUp    int64
	State      string     // open, kept, ended, void
	Donor      *uuid.UUID // whom to write to; nil: nobody
	Lang       *string    // of the letters: "zh-CN" or "en"
}

// Object names the pledge in its history and beside its papers.
func (p *Pledge) Object() string { return Object("pledge", p.ID) }

// Name is what the books call it.
func (p *Pledge) Name() string { return fmt.Sprintf("P%d", p.Number) }

// Open is what is promised and has not come.
func (p *Pledge) Open() int64 { return p.Amount - p.Received - p.GivenUp }

// Part is an instalment. Receipts fill the parts in order.
type Part struct {
	Part       int16
	Due        time.Time
	Amount     int64
	RemindedOn *time.Time
	Received   int64 // of this part, worked out from the pledge
}

// PartsMax is how many instalments a pledge may have.
const PartsMax = 60

const (
	sqlPledgeNext = `select coalesce(max(number), 0) + 1 from pledge where book_id = $1`

	pledgeColumns = `id, number, firm, fund_id, campaign_id, document, signed_on, amount, received, given_up, state, donor_id, lang`

	sqlPledgesBefore = `select ` + pledgeColumns + ` from pledge where book_id = $1 and id < $2 order by id desc limit $3`

	sqlPledgeInsert = `
insert into pledge (book_id, id, number, firm, fund_id, campaign_id, document, signed_on, amount, state, donor_id, lang)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11)`

	sqlPartsInsert = `
insert into pledge_part (book_id, pledge_id, part, due, amount) select $1, $2, unnest($3::int2[]), unnest($4::date[]), unnest($5::int8[])`

	sqlPledgeByID = `select ` + pledgeColumns + ` from pledge where book_id = $1 and id = $2`
	sqlPledges    = `select ` + pledgeColumns + ` from pledge where book_id = $1 order by (state = 'open') desc, number desc limit 300`

	sqlPledgeMove = `
update pledge set received = $3, given_up = $4, state = $5 where book_id = $1 and id = $2 and received = $6 and given_up = $7 and state = 'open'`

	// What came fills the parts in order: a part has what is left after those before it.
	partsFilled = `
select p.part, p.due, p.amount, p.reminded_on,
       greatest(0, least(p.amount, g.received - coalesce(sum(p.amount) over (partition by p.pledge_id order by p.part rows between unbounded preceding and 1 preceding), 0)))::int8 as received,
       g.id, g.number, g.firm, g.fund_id, g.campaign_id, g.document, g.signed_on, g.amount as whole, g.received as whole_received, g.given_up, g.state, g.donor_id, g.lang
  from pledge g join pledge_part p on p.book_id = g.book_id and p.pledge_id = g.id
 where g.book_id = $1`

	sqlParts = `select part, due, amount, reminded_on, received from (` + partsFilled + ` and g.id = $2) f order by part`

	sqlPartsDue = `
select part, due, amount, reminded_on, received, id, number, firm, fund_id, campaign_id, document, signed_on, whole, whole_received, given_up, state, donor_id, lang
  from (` + partsFilled + ` and g.state = 'open') f where due <= $2 and received < amount order by due, number, part limit 500`
)

// PledgeByID reads a pledge, or ErrNoRecord.
func PledgeByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Pledge, error) {
	return Record[Pledge](ctx, q, sqlPledgeByID, book.ID, id)
}

// PledgesBefore lists them in the order of their ids, latest first.
func PledgesBefore(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]Pledge, error) {
	return RecordsBefore[Pledge](ctx, q, sqlPledgesBefore, book, before, limit)
}

// Pledges lists open ones first, newest first.
func Pledges(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Pledge, error) {
	rows, err := q.Query(ctx, sqlPledges, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list pledges: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Pledge])
}

// Parts lists the instalments of a pledge with what has come of each.
func Parts(ctx context.Context, q pg.Querier, book *ledger.Book, pledge uuid.UUID) ([]Part, error) {
	rows, err := q.Query(ctx, sqlParts, book.ID, pledge)
	if err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Part])
}

// Due is an instalment of an open pledge that has not come in full.
type Due struct {
	Part
	Pledge Pledge
}

// PartsDue lists what is due until a day and has not come: the data of reminders.
func PartsDue(ctx context.Context, q pg.Querier, book *ledger.Book, until time.Time) ([]Due, error) {
	rows, err := q.Query(ctx, sqlPartsDue, book.ID, until)
	if err != nil {
		return nil, fmt.Errorf("list parts due: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Due, err error) {
		p := &d.Pledge
		err = row.Scan(&d.Part.Part, &d.Due, &d.Part.Amount, &d.RemindedOn, &d.Part.Received, &p.ID, &p.Number, &p.Firm, &p.FundID, &p.CampaignID, &p.Document, &p.SignedOn,
			&p.Amount, &p.Received, &p.GivenUp, &p.State, &p.Donor, &p.Lang)
		return d, err
	})
}

// Instalments splits an amount into parts of whole fen, the first ones larger by a fen, each so many months after the other.
func Instalments(amount int64, parts int, first time.Time, months int) (list []Part) {
	for i := range parts {
		each := amount / int64(parts)
		if int64(i) < amount%int64(parts) {
			each++
		}
		list = append(list, Part{Part: int16(i + 1), Due: first.AddDate(0, i*months, 0), Amount: each})
	}
	return list
}

// SignPledge plans E25a: the promise stands in the memo accounts. The contact is kept as a donor's data are. *FieldErrors.
func SignPledge(ctx context.Context, q pg.Querier, book *ledger.Book, p Pledge, parts []Part, contact Contact, now time.Time) (*Move, error) {
	var wrong FieldErrors
	wrong.Text("firm", p.Firm, 1, 100)
	wrong.Text("document", p.Document, 1, 200)
	wrong.Sum("amount", p.Amount)
	contact.Email = email(&wrong, contact.Email)
	var sum int64
	for i, part := range parts {
		sum += part.Amount
		if part.Amount <= 0 || i > 0 && part.Due.Before(parts[i-1].Due) {
			wrong.Refuse("parts", "offline.pledge.parts", "most", fmt.Sprint(PartsMax))
			return nil, &wrong
		}
	}
	if len(parts) < 1 || len(parts) > PartsMax || sum != p.Amount {
		wrong.Refuse("parts", "offline.pledge.parts", "most", fmt.Sprint(PartsMax))
	} else if parts[0].Due.Before(p.SignedOn) {
		wrong.Refuse("due", "offline.pledge.due")
	}
	fund, err := wrong.Campaign(ctx, q, book, p.CampaignID)
	if err != nil {
		return nil, err
	}
	if p.Number, err = nextNumber(ctx, q, book, sqlPledgeNext); err != nil {
		return nil, err
	}
	p.FundID = fund.ID
	return &Move{Object: p.Object(), Act: "signed", Note: p.Name() + " " + p.Firm, Amount: p.Amount, Kind: ledger.KindPledge, Day: p.SignedOn, Lines: p.memo(p.Amount),
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			if contact.Email != "" {
				id, err := keep(ctx, tx, book, Personal{Email: contact.Email}, now)
				if err != nil {
					return err
				}
				p.Donor, p.Lang = &id, &contact.Lang
			}
			err := Settled(ctx, tx, sqlPledgeInsert, book.ID, p.ID, p.Number, p.Firm, p.FundID, p.CampaignID, p.Document, p.SignedOn, p.Amount, p.Donor, p.Lang)
			if err != nil {
				return err
			}
			var no []int16
			var due []time.Time
			var amount []int64
			for _, part := range parts {
				no, due, amount = append(no, part.Part), append(due, part.Due), append(amount, part.Amount)
			}
			return Settled(ctx, tx, sqlPartsInsert, book.ID, p.ID, no, due, amount)
		}}, wrong.Err()
}

// memo adds to what is promised, or takes from it.
func (p *Pledge) memo(amount int64) []ledger.Line {
	tags := ledger.Dims{Campaign: campaignTag(p.CampaignID), Counterparty: "pledge:" + p.Name()}
	return []ledger.Line{{Leaf: ledger.Leaf{Chart: "pledge", Fund: p.FundID, Dims: tags}, Amount: amount},
		{Leaf: ledger.Leaf{Chart: "pledge.contra", Fund: p.FundID, Dims: tags}, Amount: -amount}}
}

func (p *Pledge) becomes(book *ledger.Book, to Pledge) func(context.Context, pgx.Tx, uuid.UUID) error {
	if to.State == "open" && to.Open() == 0 {
		to.State = "kept"
	}
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return Settled(ctx, tx, sqlPledgeMove, book.ID, p.ID, to.Received, to.GivenUp, to.State, p.Received, p.GivenUp)
	}
}

// PledgePaid plans E26: part of the promise is at the bank, a gift of the firm, and the promise is less by it. ref is the
// bank's number of the line. *FieldErrors, ErrStep.
func PledgePaid(book *ledger.Book, p *Pledge, amount int64, ref string, day time.Time) (*Move, error) {
	if p.State != "open" {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Sum("amount", amount)
	if amount > p.Open() {
		wrong.Refuse("amount", "offline.pledge.more")
	}
	wrong.Text("ref", ref, 1, 100)
	if day.Before(p.SignedOn) {
		wrong.Refuse("day", "offline.pledge.day")
	}
	to := *p
	to.Received += amount
	at := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, book.Zone)
	return &Move{Object: p.Object(), Act: "paid", Note: ref, Amount: amount, Day: day,
		Gift:   &Paid{CampaignID: p.CampaignID, FundID: p.FundID, Amount: amount, PaidAt: at, Channel: Bank, Ref: ref, Name: p.Firm, Also: p.memo(-amount)},
		Settle: p.becomes(book, to)}, wrong.Err()
}

// EndPledge plans E27: the rest of the promise will not come. A second person approves. *FieldErrors, ErrStep.
func EndPledge(book *ledger.Book, p *Pledge, reason string, day time.Time) (*Move, error) {
	if p.State != "open" {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if day.Before(p.SignedOn) {
		wrong.Refuse("day", "offline.pledge.day")
	}
	to := *p
	to.GivenUp, to.State = p.GivenUp+p.Open(), "ended"
	return &Move{Object: p.Object(), Act: "ended", Note: p.Name() + " " + p.Firm, Amount: p.Open(), Kind: ledger.KindPledge, Day: day, Lines: p.memo(-p.Open()),
		Settle: p.becomes(book, to)}, wrong.Err()
}

// VoidPledge plans taking back a pledge that was written down wrong and of which nothing has come. A second person approves.
// *FieldErrors, ErrStep.
func VoidPledge(ctx context.Context, q pg.Querier, book *ledger.Book, p *Pledge, reason string, day time.Time) (*Move, error) {
	if p.State != "open" || p.Received != 0 {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	to := *p
	to.State = "void"
	return TakeBack(ctx, q, book, Move{Object: p.Object(), Act: "void", Note: p.Name() + " " + p.Firm, Reason: reason, Amount: p.Amount, Day: day, Settle: p.becomes(book, to)}, "signed")
}
