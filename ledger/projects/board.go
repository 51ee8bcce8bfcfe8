package projects

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Standing is a project as boards and public lists show it. Amounts are minor units of the book's currency.
type Standing struct {
	ID       uuid.UUID
	Number   int32
	Title    string
	FundID   int32
	State    string
	Budget   int64
	Paid     int64 // at the bank, less what came back
	Times    int64 // person-times that visits counted
	People   int64
	Points   int32 // of the contracts that all four sides assessed at the end, on average, in hundredths; 0: none yet
	Assessed int32 // contracts
	Stages   int32
	Accepted int32 // stages
	EndsOn   time.Time
	EndedOn  *time.Time
}

// PayeeStanding is a provider as boards show it.
type PayeeStanding struct {
	ID        uuid.UUID
	Number    int32
	Name      string
	Contracts int32 // signed, running or over
	Assessed  int32
	Points    int32 // on average, hundredths
	Paid      int64
	Times     int64
	OnTime    int32 // stages accepted by the day they were due
	Accepted  int32 // stages
}

const (
	// What is added up of contracts; which ones, the statement before says as "looked".
	added = `
weighed as (
  select c.id, c.project_id, c.payee_id, sum(s.points * w.value / 100)::int4 as points
    from looked c
    join contract_score s on s.book_id = $1 and s.contract_id = c.id and s.phase = 'end'
    join assess_scheme w on w.book_id = $1 and w.scheme = c.scheme and w.part = 'side' and w.code = s.side
   group by 1, 2, 3 having count(*) = 4),
paid as (
  select c.project_id, d.payee_id, sum(d.amount)::int8 as paid from looked c join disbursement d on d.book_id = $1 and d.contract_id = c.id
   where d.state = 'paid' group by 1, 2),
reach as (
  select c.project_id, c.payee_id, sum(x.person_times)::int8 as times, sum(x.people)::int8 as people from looked c join contract_visit x on x.book_id = $1 and x.contract_id = c.id
   group by 1, 2),
stage as (
  select c.project_id, c.payee_id, count(*)::int4 as stages, count(*) filter (where m.state = 'accepted')::int4 as accepted,
         count(*) filter (where m.state = 'accepted' and m.accepted_on <= m.due_on)::int4 as on_time
    from looked c join contract_milestone m on m.book_id = $1 and m.contract_id = c.id
   where c.state not in ('draft', 'void') group by 1, 2)
`

	// The best first: by the four sides' points, then by person-times; those not assessed yet after them, the newest first.
	sqlBoard = `
with shown as (
  select * from project where book_id = $1 and state in ('approved', 'ended') and ($2 = 0 or fund_id = $2) and ($4::uuid[] is null or id = any($4))),
looked as (
  select c.* from shown p join contract c on c.book_id = $1 and c.project_id = p.id),` + added + `
select p.id, p.number, p.title, p.fund_id, p.state, p.budget, coalesce((select sum(paid) from paid where project_id = p.id), 0)::int8,
       coalesce((select sum(times) from reach where project_id = p.id), 0)::int8, coalesce((select sum(people) from reach where project_id = p.id), 0)::int8,
       coalesce(w.points, 0), coalesce(w.n, 0), coalesce((select sum(stages) from stage where project_id = p.id), 0)::int4, coalesce((select sum(accepted) from stage where project_id = p.id), 0)::int4,
       p.ends_on, p.ended_on
  from shown p left join (select project_id, avg(points)::int4 as points, count(*)::int4 as n from weighed group by 1) w on w.project_id = p.id
 order by w.points desc nulls last, 8 desc, p.number desc limit $3`

	sqlPayeeBoard = `
with looked as (
  select * from contract where book_id = $1),` + added + `
select y.id, y.number, y.name, (select count(*) from contract c where c.book_id = $1 and c.payee_id = y.id and c.state not in ('draft', 'void'))::int4, coalesce(w.n, 0), coalesce(w.points, 0),
       coalesce((select sum(paid) from paid where payee_id = y.id), 0)::int8, coalesce((select sum(times) from reach where payee_id = y.id), 0)::int8,
       coalesce((select sum(on_time) from stage where payee_id = y.id), 0)::int4, coalesce((select sum(accepted) from stage where payee_id = y.id), 0)::int4
  from payee y left join (select payee_id, avg(points)::int4 as points, count(*)::int4 as n from weighed group by 1) w on w.payee_id = y.id
 where y.book_id = $1 and y.kind = 'organisation' and exists (select from contract c where c.book_id = $1 and c.payee_id = y.id and c.state not in ('draft', 'void'))
 order by w.points desc nulls last, 8 desc, y.number limit $2`

	sqlProjectByNumber = `select ` + projectColumns + ` from project where book_id = $1 and number = $2 and state in ('approved', 'ended')`

	// What went to the bank, of one project or of one fund, the newest first.
	sqlOutlay = `
select ` + paymentColumns + `
  from ` + paymentTables + `
  left join project j on j.book_id = c.book_id and j.id = c.project_id
 where d.book_id = $1 and d.state in ('sent', 'paid', 'bounced') and ($2::uuid is null or c.project_id = $2) and ($3 = 0 or coalesce(d.fund_id, j.fund_id) = $3)
 order by d.number desc limit $4`

	sqlPaymentByNumber = `select ` + paymentColumns + ` from ` + paymentTables + ` where d.book_id = $1 and d.number = $2 and d.state in ('sent', 'paid', 'bounced')`
	sqlRetryOf         = `select ` + paymentColumns + ` from ` + paymentTables + ` where d.book_id = $1 and d.retry_of = $2 and d.state <> 'dropped'`

	sqlProjectPhotoAdd = `
insert into project_photo (book_id, project_id, hash, body) select $1, $2, $3, $4
 where (select count(*) from project_photo where book_id = $1 and project_id = $2) < $5 on conflict do nothing`
	sqlProjectPhotos = `select hash from project_photo where book_id = $1 and project_id = $2 order by hash`
	sqlProjectPhoto  = `select body from project_photo where book_id = $1 and project_id = $2 and hash = $3`

	sqlEarmark      = `insert into project_campaign (book_id, project_id, campaign_id) values ($1, $2, $3) on conflict do nothing`
	sqlEarmarked    = `select campaign_id from project_campaign where book_id = $1 and project_id = $2 order by campaign_id`
	sqlProjectPaid  = `select exists (select from disbursement d join contract c on c.book_id = d.book_id and c.id = d.contract_id where d.book_id = $1 and c.project_id = $2 and d.state in ('sent', 'paid', 'bounced'))`
	sqlCampaignFund = `select coalesce(max(slug), '') from campaign where book_id = $1 and campaign_id = $2 and fund_id = $3`
)

// PhotosMax is how many photos a project shows.
const PhotosMax = 12

// Board lists projects that were approved, of a fund or with 0 of all: the best assessed first, then by person-times.
func Board(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, most int) ([]Standing, error) {
	rows, err := q.Query(ctx, sqlBoard, book.ID, fund, most, nil)
	if err != nil {
		return nil, fmt.Errorf("rank projects: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Standing])
}

// Standings are those of the projects named that were approved, by their ids.
func Standings(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) (map[uuid.UUID]Standing, error) {
	rows, err := q.Query(ctx, sqlBoard, book.ID, 0, len(ids), ids)
	if err != nil {
		return nil, fmt.Errorf("rank projects: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Standing])
	all := make(map[uuid.UUID]Standing, len(list))
	for _, s := range list {
		all[s.ID] = s
	}
	return all, err
}

// Standing is an approved project as boards show it, or giving.ErrNoRecord.
func (p *Project) Standing(ctx context.Context, q pg.Querier, book *ledger.Book) (*Standing, error) {
	return giving.Record[Standing](ctx, q, sqlBoard, book.ID, p.FundID, 1, []uuid.UUID{p.ID})
}

// PayeeBoard lists providers with a contract: the best assessed first, then by person-times.
func PayeeBoard(ctx context.Context, q pg.Querier, book *ledger.Book, most int) ([]PayeeStanding, error) {
	rows, err := q.Query(ctx, sqlPayeeBoard, book.ID, most)
	if err != nil {
		return nil, fmt.Errorf("rank providers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PayeeStanding])
}

// PublicProject reads a project that the public may see: approved or over. giving.ErrNoRecord.
func PublicProject(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Project, error) {
	return giving.Record[Project](ctx, q, sqlProjectByNumber, book.ID, number)
}

// PublicPayment reads a payment that went to the bank. giving.ErrNoRecord.
func PublicPayment(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Payment, error) {
	return giving.Record[Payment](ctx, q, sqlPaymentByNumber, book.ID, number)
}

// RetryOf reads the payment that paid again what came back, or giving.ErrNoRecord.
func RetryOf(ctx context.Context, q pg.Querier, book *ledger.Book, payment uuid.UUID) (*Payment, error) {
	return giving.Record[Payment](ctx, q, sqlRetryOf, book.ID, payment)
}

// Outlay lists what went to the bank for a project, or out of a fund with its projects, the newest first.
func Outlay(ctx context.Context, q pg.Querier, book *ledger.Book, project *uuid.UUID, fund int32, most int) ([]Payment, error) {
	rows, err := q.Query(ctx, sqlOutlay, book.ID, project, fund, most)
	if err != nil {
		return nil, fmt.Errorf("list what was paid: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
}

// AddPhoto puts a photo on the project's public page; it was cleaned by needs.CleanPhoto before. What would be more than PhotosMax is left out.
func AddPhoto(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Project, body []byte) error {
	hash := sha256.Sum256(body)
	if _, err := tx.Exec(ctx, sqlProjectPhotoAdd, book.ID, p.ID, hash[:], body, PhotosMax); err != nil {
		return fmt.Errorf("keep photo: %w", err)
	}
	return nil
}

// Photos lists the hashes of a project's photos.
func Photos(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project) ([][]byte, error) {
	rows, err := q.Query(ctx, sqlProjectPhotos, book.ID, p.ID)
	if err != nil {
		return nil, fmt.Errorf("list photos: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]byte])
}

// Photo reads a photo as a JPEG, or giving.ErrNoRecord.
func Photo(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, hash []byte) ([]byte, error) {
	rows, err := q.Query(ctx, sqlProjectPhoto, book.ID, p.ID, hash)
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	if len(list) == 0 {
		return nil, giving.ErrNoRecord
	}
	return list[0], nil
}

// Earmark plans that gifts to a campaign of the project's fund pay for the project before other money does. It is said before anything is
// paid, so that nothing that was shown changes. *giving.FieldErrors, giving.ErrStep.
func Earmark(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, campaign int32) (*giving.Move, error) {
	var paid bool
	var slug string
	if err := q.QueryRow(ctx, sqlProjectPaid, book.ID, p.ID).Scan(&paid); err != nil {
		return nil, fmt.Errorf("look for payments: %w", err)
	}
	if paid || p.State != Draft && p.State != Approved {
		return nil, giving.ErrStep
	}
	if err := q.QueryRow(ctx, sqlCampaignFund, book.ID, campaign, p.FundID).Scan(&slug); err != nil {
		return nil, fmt.Errorf("look for campaign: %w", err)
	}
	var wrong giving.FieldErrors
	if slug == "" {
		wrong.Refuse("campaign", "project.campaign.fund")
	}
	m := p.move(book, "project-earmarked", slug, *p)
	return also(m, func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if _, err := tx.Exec(ctx, sqlEarmark, book.ID, p.ID, campaign); err != nil {
			return fmt.Errorf("name campaign: %w", err)
		}
		return nil
	}), wrong.Err()
}

// Earmarked lists the campaigns whose gifts pay for the project first.
func Earmarked(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) ([]int32, error) {
	rows, err := q.Query(ctx, sqlEarmarked, book.ID, project)
	if err != nil {
		return nil, fmt.Errorf("list campaigns of project: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}
