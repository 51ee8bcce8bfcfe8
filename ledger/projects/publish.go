package projects

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Settlement is a final account as it is published. It is frozen: later entries do not change it. Amounts are decimal.
type Settlement struct {
	Project  string              `json:"project"`
	Title    string              `json:"title"`
	Currency string              `json:"currency"`
	Budget   string              `json:"budget"`
	Started  string              `json:"started"`
	Ended    string              `json:"ended"`
	Position int64               `json:"position"` // of the ledger
	Sources  []SettlementSource  `json:"sources"`
	Payments []SettlementPayment `json:"payments"`
	Times    int64               `json:"person_times"`
	People   int64               `json:"people"`
	Points   string              `json:"points,omitempty"` // of the four sides, on average over contracts
}

// SettlementSource is one line of a final account by source. Cost is Promised less Returned and Rest; off the books all is as promised.
type SettlementSource struct {
	Fund      string `json:"fund"` // its code
	Treatment string `json:"treatment"`
	Payer     string `json:"payer"`
	Promised  string `json:"promised"`
	Cost      string `json:"cost"`
	Paid      string `json:"paid"`
	Returned  string `json:"returned"` // to its public payer
	Rest      string `json:"rest"`     // back to the pool
}

// SettlementPayment is one invoice of a final account.
type SettlementPayment struct {
	Number  string `json:"number"`
	Payee   string `json:"payee"`
	Invoice string `json:"invoice"`
	Day     string `json:"day"`
	Amount  string `json:"amount"`
}

// Published is a version of a final account.
type Published struct {
	Version int16
	Body    []byte // JSON of a Settlement
	Hash    []byte // SHA-256 of Body
	Reason  string // of a correction; of version 1 where the account was published elsewhere before
	Day     time.Time
}

const (
	sqlSettlementInsert = `insert into project_account (book_id, project_id, version, body, hash, reason, day) values ($1, $2, $3, $4, $5, $6, $7)`
	sqlSettlements      = `select version, body, hash, reason, day from project_account where book_id = $1 and project_id = $2 order by version desc`
	sqlSettled          = `select ` + paymentColumns + ` from ` + paymentTables + ` where d.book_id = $1 and c.project_id = $2 and d.state = 'paid' order by d.number desc limit $3`
	sqlFundCodes        = `select fund_id, code from fund where book_id = $1`
)

// The invoices of a final account and its bytes are bounded; the table holds as many bytes.
const (
	settlementPayments = 5000
	settlementBytes    = 10_000_000
)

// Draft works a final account out of the books as they stand, with one payment more than one may have where there are more.
func (p *Project) Draft(ctx context.Context, q pg.Querier, book *ledger.Book) (*Settlement, error) {
	text := func(minor int64) string { return money.Format(minor, book.Currency) }
	a := &Settlement{Project: p.Name(), Title: p.Title, Currency: book.Currency, Budget: text(p.Budget), Started: p.StartsOn.Format(time.DateOnly)}
	if p.EndedOn != nil {
		a.Ended = p.EndedOn.Format(time.DateOnly)
	}
	var err error
	if a.Position, err = ledger.Posted(ctx, q, book, 0); err != nil {
		return nil, err
	}
	codes := map[int32]string{}
	var fund int32
	var code string
	rows, err := q.Query(ctx, sqlFundCodes, book.ID)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&fund, &code}, func() error {
			codes[fund] = code
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read funds: %w", err)
	}
	finals, err := FinalAccount(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range finals {
		a.Sources = append(a.Sources, SettlementSource{codes[f.FundID], f.Treatment, f.Payer, text(f.Budget), text(f.Cost), text(f.Paid), text(f.Returned), text(f.Rest)})
	}
	rows, err = q.Query(ctx, sqlSettled, book.ID, p.ID, settlementPayments+1)
	if err != nil {
		return nil, fmt.Errorf("list what was paid: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Payment])
	if err != nil {
		return nil, fmt.Errorf("list what was paid: %w", err)
	}
	for _, one := range list {
		a.Payments = append(a.Payments, SettlementPayment{one.Name(), one.Payee, one.Invoice, one.PaidOn.Format(time.DateOnly), text(one.Amount)})
	}
	s, err := p.Standing(ctx, q, book)
	if err != nil {
		return nil, err
	}
	a.Times, a.People = s.Times, s.People
	if s.Assessed > 0 {
		a.Points = fmt.Sprintf("%d.%02d", s.Points/100, s.Points%100)
	}
	return a, nil
}

// Publish plans that the final account is public from a day on: as it stands now, frozen on the project's page, and where else it hangs.
// Again, or after it was published elsewhere alone, it is a correction with its reason; the version before stays. *giving.FieldErrors, giving.ErrStep.
func Publish(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, where, reason string, day time.Time) (*giving.Move, error) {
	if p.State != Ended {
		return nil, giving.ErrStep
	}
	before, err := Settlements(ctx, q, book, p.ID)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	wrong.Text("where", where, 0, 200)
	if len(before) > 0 || p.PublishedOn != nil {
		wrong.Text("reason", reason, 1, 200)
	} else {
		reason = ""
	}
	if day.Before(*p.EndedOn) {
		wrong.Refuse("day", "project.publish.before")
	}
	account, err := p.Draft(ctx, q, book)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(account)
	if err != nil {
		return nil, fmt.Errorf("write final account: %w", err)
	}
	if len(account.Payments) > settlementPayments || len(body) > settlementBytes {
		wrong.Refuse("", "project.publish.long", "most", fmt.Sprint(settlementPayments))
	}
	hash := sha256.Sum256(body)
	version := int16(1)
	if len(before) > 0 {
		version = before[0].Version + 1
	}
	to := *p
	if p.PublishedOn == nil {
		to.PublishedOn, to.PublishedAt = &day, where
	}
	return also(p.move(book, "project-published", where, to), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlSettlementInsert, book.ID, p.ID, version, body, hash[:], reason, day)
	}), wrong.Err()
}

// Settlements lists the published versions of a final account, the newest first.
func Settlements(ctx context.Context, q pg.Querier, book *ledger.Book, project uuid.UUID) ([]Published, error) {
	rows, err := q.Query(ctx, sqlSettlements, book.ID, project)
	if err != nil {
		return nil, fmt.Errorf("list final accounts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Published])
}

// Read is what the version says.
func (p *Published) Read() (*Settlement, error) {
	var a Settlement
	if err := json.Unmarshal(p.Body, &a); err != nil {
		return nil, fmt.Errorf("read final account: %w", err)
	}
	return &a, nil
}
