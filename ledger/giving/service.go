package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// natureService marks services given: income and cost at once (E54).
const natureService = "service"

// Service is work given for nothing. Without an invoice at fair value it is told in the notes and not booked.
type Service struct {
	ID         uuid.UUID
	Day        time.Time
	What       string
	Firm       string
	Donor      *uuid.UUID
	Minutes    int32
	FundID     int32
	CampaignID int32
	Value      int64 // booked; zero while it is only noted
	Document   string
}

// Object names the service in its history and beside its papers.
func (s *Service) Object() string { return Object("service", s.ID) }

const (
	serviceColumns = `id, day, what, firm, donor_id, minutes, fund_id, campaign_id, value, document`

	sqlServicesBefore = `select ` + serviceColumns + ` from service_gift where book_id = $1 and id < $2 order by id desc limit $3`

	sqlServiceInsert = `
insert into service_gift (book_id, id, day, what, firm, donor_id, minutes, fund_id, campaign_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	sqlServiceByID  = `select ` + serviceColumns + ` from service_gift where book_id = $1 and id = $2`
	sqlServices     = `select ` + serviceColumns + ` from service_gift where book_id = $1 order by day desc, id desc limit 300`
	sqlServiceValue = `update service_gift set value = $3, document = $4 where book_id = $1 and id = $2 and value = $5`
)

// ServiceByID reads a service, or ErrNoRecord.
func ServiceByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Service, error) {
	return Record[Service](ctx, q, sqlServiceByID, book.ID, id)
}

// ServicesBefore lists them in the order of their ids, latest first.
func ServicesBefore(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]Service, error) {
	return RecordsBefore[Service](ctx, q, sqlServicesBefore, book, before, limit)
}

// Services lists services given, newest first.
func Services(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Service, error) {
	rows, err := q.Query(ctx, sqlServices, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Service])
}

// NoteService plans writing down a service. Nothing is booked. person is the name of a natural person. *FieldErrors.
func NoteService(ctx context.Context, q pg.Querier, book *ledger.Book, s Service, person string, now time.Time) (*Move, error) {
	var wrong FieldErrors
	wrong.Text("what", s.What, 1, 120)
	if s.Minutes < 1 || s.Minutes > 600_000 {
		wrong.Refuse("hours", "offline.service.hours")
	}
	if s.Firm == "" && person == "" || s.Firm != "" && person != "" {
		wrong.Refuse("firm", "offline.giver.one")
	}
	fund, err := wrong.Campaign(ctx, q, book, s.CampaignID)
	if err != nil {
		return nil, err
	}
	return &Move{Object: s.Object(), Act: "noted", Note: s.What, Day: s.Day, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if person != "" {
			id, err := KeepDonor(ctx, tx, book, person, now)
			if err != nil {
				return err
			}
			s.Donor = &id
		}
		return Settled(ctx, tx, sqlServiceInsert, book.ID, s.ID, s.Day, s.What, s.Firm, s.Donor, s.Minutes, fund.ID, s.CampaignID)
	}}, wrong.Err()
}

// ValueService plans E54: an invoice shows its fair value, and it is income and cost at once. A second person approves.
// *FieldErrors, ErrStep.
func ValueService(ctx context.Context, q pg.Querier, book *ledger.Book, s *Service, value int64, document string, day time.Time) (*Move, error) {
	if s.Value != 0 {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Sum("value", value)
	wrong.Text("document", document, 1, 200)
	if day.Before(s.Day) {
		wrong.Refuse("day", "offline.service.day")
	}
	fund, err := fundByID(ctx, q, book, s.FundID)
	if err != nil {
		return nil, err
	}
	leaf := func(base string) ledger.Leaf {
		return ledger.Leaf{Chart: chart.ID(fund.Class(base)), Fund: fund.ID, Dims: ledger.Dims{Campaign: campaignTag(s.CampaignID), Nature: natureService}}
	}
	return &Move{Object: s.Object(), Act: "valued", Note: s.What, Amount: value, Kind: ledger.KindGoods, Day: day,
		Lines: []ledger.Line{ledger.Debit(leaf("program"), value), ledger.Credit(leaf("gift"), value)},
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return Settled(ctx, tx, sqlServiceValue, book.ID, s.ID, value, document, 0)
		}}, wrong.Err()
}

// CorrectService plans taking back a value that was wrong, by a reversal in red. A second person approves.
// *FieldErrors, ErrStep.
func CorrectService(ctx context.Context, q pg.Querier, book *ledger.Book, s *Service, reason string, day time.Time) (*Move, error) {
	if s.Value == 0 {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return TakeBack(ctx, q, book, Move{Object: s.Object(), Act: "corrected", Note: s.What, Reason: reason, Amount: s.Value, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return Settled(ctx, tx, sqlServiceValue, book.ID, s.ID, 0, "", s.Value)
		}}, "valued")
}
