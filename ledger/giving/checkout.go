package giving

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Errors about started gifts.
var (
	ErrNoCheckout = errors.New("no such started gift")
	ErrFormReused = errors.New("form was sent before with other content")
)

// Limits of what a donor may write, in characters.
const (
	NameMax    = 60
	MessageMax = 200
	EmailMax   = 254
)

// Form is what a donor sends to start a gift.
type Form struct {
	FormID     uuid.UUID // made with the page: the same form sent twice is one gift
	CampaignID int32
	Amount     string // as typed
	Currency   string // as shown on the form
	Name       string
	Anonymous  bool
	Email      string
	Message    string
	Lang       string // "zh-CN" or "en"
	Channel    Channel
}

// FieldError says what is wrong with one field. Key names the message in the catalogue of translations;
// Params fill it, amounts as plain decimal strings.
type FieldError struct {
	Field  string
	Key    string
	Params map[string]string
}

// FieldErrors is all that is wrong with a form.
type FieldErrors struct{ List []FieldError }

func (e *FieldErrors) Error() string {
	parts := make([]string, len(e.List))
	for i, f := range e.List {
		parts[i] = f.Field + ": " + f.Key
	}
	return "form refused: " + strings.Join(parts, ", ")
}

func (e *FieldErrors) add(field, key string, params map[string]string) {
	e.List = append(e.List, FieldError{field, key, params})
}

// States of a checkout.
const (
	CheckoutStarted = "started"
	CheckoutPending = "pending"
	CheckoutFailed  = "failed"
	CheckoutPaid    = "paid"
)

// Checkout is a gift that is started. Its id becomes the gift's and the entry's.
type Checkout struct {
	ID         uuid.UUID
	CampaignID int32
	Amount     int64 // minor units
	Currency   string
	Channel    Channel
	Anonymous  bool
	Lang       string
	FormID     uuid.UUID
	State      string
	CreatedAt  time.Time
	EndedAt    *time.Time
	Personal
	Erased bool // what the donor told was erased
}

const (
	sqlCheckoutInsert = `
insert into checkout (book_id, id, campaign_id, amount, created_at, channel, anonymity, ccy, lang, form_id, donor_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (book_id, form_id) do nothing`

	checkoutColumns = `g.id, g.campaign_id, g.amount, g.ccy, g.channel, g.anonymity = 1, g.lang, g.form_id, g.state,
       g.created_at, g.ended_at, ` + donorColumns

	sqlCheckoutByForm = `
select ` + checkoutColumns + `
  from checkout g` + donorTables + `
 where g.book_id = $1 and g.form_id = $2`

	sqlCheckoutByID = `
select ` + checkoutColumns + `
  from checkout g` + donorTables + `
 where g.book_id = $1 and g.id = $2`
)

// Begin checks a form and stores a started gift; nothing is posted. What the donor can mend comes back
// as *FieldErrors, and nothing is stored. The same form again gives the same checkout; with other content, ErrFormReused.
func Begin(ctx context.Context, tx pgx.Tx, book *ledger.Book, form Form, now time.Time) (*Checkout, error) {
	c, err := check(ctx, tx, book, form, now)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id of a gift: %w", err)
	}
	stamp(&id, now) // gifts are listed, and looked for by days, in the order of their ids
	c.ID, c.CreatedAt, c.State = id, now, CheckoutStarted
	told, err := sealDonor(book, id, id, c.Personal) // one donor a gift as long as donors have no account
	if err != nil {
		return nil, fmt.Errorf("start gift: %w", err)
	}
	anonymity := int16(0)
	if c.Anonymous {
		anonymity = 1
	}
	tag, err := tx.Exec(ctx, sqlCheckoutInsert, book.ID, c.ID, c.CampaignID, c.Amount, now, int16(c.Channel), anonymity,
		c.Currency, c.Lang, c.FormID, told.donor)
	if err != nil {
		return nil, fmt.Errorf("start gift: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return sameForm(ctx, tx, book, c)
	}
	if told.donor != nil {
		var rows donorRows
		rows.add(told, id, now)
		q := &pgx.Batch{}
		rows.queue(q, book)
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return nil, fmt.Errorf("start gift: %w", err)
		}
	}
	return c, nil
}

// sameForm answers a form that was sent before.
func sameForm(ctx context.Context, tx pgx.Tx, book *ledger.Book, c *Checkout) (*Checkout, error) {
	before, err := checkout(ctx, tx, book, sqlCheckoutByForm, c.FormID)
	if err != nil {
		return nil, err
	}
	if before.CampaignID != c.CampaignID || before.Amount != c.Amount || before.Currency != c.Currency ||
		before.Channel != c.Channel || before.Anonymous != c.Anonymous ||
		before.Personal != c.Personal && !before.Erased {
		return nil, fmt.Errorf("%w: it started gift %s", ErrFormReused, before.ID)
	}
	return before, nil
}

// check holds every field of the form to its rules and collects what is wrong.
func check(ctx context.Context, q pg.Querier, book *ledger.Book, form Form, now time.Time) (*Checkout, error) {
	var wrong FieldErrors
	c := &Checkout{CampaignID: form.CampaignID, Channel: form.Channel, Anonymous: form.Anonymous, FormID: form.FormID, Lang: "zh-CN"}
	if form.Lang == "en" {
		c.Lang = "en"
	}
	if form.FormID == uuid.Nil {
		wrong.add("form_id", "gift.form.missing", nil)
	}
	if !form.Channel.Processor() {
		wrong.add("channel", "gift.channel.unknown", nil)
	}
	c.Name = line(&wrong, "name", "gift.name.long", form.Name, NameMax)
	c.Message = line(&wrong, "message", "gift.message.long", form.Message, MessageMax)
	c.Email = email(&wrong, form.Email)

	campaign, err := CampaignByID(ctx, q, book, form.CampaignID)
	switch {
	case errors.Is(err, ErrNoCampaign):
		wrong.add("campaign", "gift.campaign.unknown", nil)
	case err != nil:
		return nil, err
	default:
		c.Currency = form.Currency
		if !campaign.Open(now) {
			wrong.add("campaign", "gift.campaign.closed", nil)
		}
		rules, err := ReadRules(ctx, q, book)
		if err != nil {
			return nil, err
		}
		limits, err := rules.Limits(book, campaign, form.Currency)
		rated := true
		if err == nil && form.Channel == Sandbox { // a processor outside says what foreign money was worth, the sandbox does not
			if rated, err = Rated(ctx, q, book, form.Currency, book.Day(now)); err != nil {
				return nil, err
			}
		}
		switch {
		case errors.Is(err, ErrForeign), !rated:
			wrong.add("currency", "gift.currency.other", map[string]string{"currency": rules.taken(campaign)})
		case err != nil:
			return nil, err
		default:
			c.Amount = amount(&wrong, form.Amount, form.Currency, limits)
		}
	}
	if len(wrong.List) > 0 {
		return nil, &wrong
	}
	return c, nil
}

// line is one line of text of at most max characters. What is far too long is not even cleaned.
func line(wrong *FieldErrors, field, key, typed string, max int) string {
	if len(typed) > 16*max || !storable(CleanText(typed), max) {
		wrong.add(field, key, map[string]string{"max": fmt.Sprint(max)})
		return ""
	}
	return CleanText(typed)
}

func email(wrong *FieldErrors, typed string) string {
	typed = strings.Trim(typed, " ")
	if typed == "" {
		return ""
	}
	if len(typed) <= EmailMax && CleanText(typed) == typed {
		// Bare addresses only: no display name, no comment, a dot in the domain.
		if a, err := mail.ParseAddress(typed); err == nil && a.Address == typed {
			if _, domain, _ := strings.Cut(typed, "@"); strings.Contains(domain, ".") {
				return typed
			}
		}
	}
	wrong.add("email", "gift.email.bad", nil)
	return ""
}

func amount(wrong *FieldErrors, typed, ccy string, l Limits) int64 {
	const field = "amount"
	limits := map[string]string{"min": money.Format(l.Min, ccy), "max": money.Format(l.Max, ccy), "currency": ccy, "decimals": fmt.Sprint(l.decimals(ccy))}
	if len(typed) > 64 {
		wrong.add(field, "gift.amount.syntax", limits)
		return 0
	}
	if strings.Trim(typed, " ") == "" {
		wrong.add(field, "gift.amount.missing", nil)
		return 0
	}
	minor, err := money.ParseInput(typed, ccy)
	switch {
	case errors.Is(err, money.ErrPrecision), err == nil && minor%l.Step != 0:
		wrong.add(field, "gift.amount.decimals", limits)
	case errors.Is(err, money.ErrRange):
		wrong.add(field, "gift.amount.range", limits)
	case err != nil:
		wrong.add(field, "gift.amount.syntax", limits)
	case minor < l.Min:
		wrong.add(field, "gift.amount.min", limits)
	case minor > l.Max:
		wrong.add(field, "gift.amount.max", limits)
	default:
		return minor
	}
	return 0
}

// CheckoutByID finds a started gift, or ErrNoCheckout.
func CheckoutByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Checkout, error) {
	return checkout(ctx, q, book, sqlCheckoutByID, id)
}

func checkout(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, id uuid.UUID) (*Checkout, error) {
	rows, err := q.Query(ctx, sql, book.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read started gift: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCheckout(book))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoCheckout, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read started gift: %w", err)
	}
	return &c, nil
}

// scanCheckout reads checkoutColumns and opens what the donor told.
func scanCheckout(book *ledger.Book) pgx.RowToFunc[Checkout] {
	return func(row pgx.CollectableRow) (c Checkout, err error) {
		var s sealed
		err = row.Scan(s.targets(&c.ID, &c.CampaignID, &c.Amount, &c.Currency, &c.Channel, &c.Anonymous, &c.Lang, &c.FormID, &c.State, &c.CreatedAt, &c.EndedAt)...)
		if err != nil {
			return c, err
		}
		c.Erased = s.erased()
		c.Personal, err = s.open(book, c.ID)
		return c, err
	}
}

// A late "pending" or "failed" never takes back what was paid.
const sqlCheckoutMark = `
update checkout c
   set state = u.state, ended_at = case when u.state = 'failed' then $4::timestamptz end
  from unnest($2::uuid[], $3::text[]) u(id, state)
 where c.book_id = $1 and c.id = u.id and c.state <> 'paid' and c.state <> u.state`

// Mark is what a processor says of a gift that is not paid.
type Mark struct {
	ID    uuid.UUID
	State string // CheckoutPending or CheckoutFailed
}

// MarkCheckouts notes that gifts are pending or have failed. A paid one stays paid.
func MarkCheckouts(ctx context.Context, tx pgx.Tx, book *ledger.Book, marks []Mark, now time.Time) error {
	ids, states := make([]uuid.UUID, len(marks)), make([]string, len(marks))
	for i, m := range marks {
		ids[i], states[i] = m.ID, m.State
	}
	if _, err := tx.Exec(ctx, sqlCheckoutMark, book.ID, ids, states, now); err != nil {
		return fmt.Errorf("mark started gifts: %w", err)
	}
	return nil
}
