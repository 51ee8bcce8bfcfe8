package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Offline records as programs see them: what an outside system may record is what the accountant does alone in the console. What
// needs a second person, and names of natural persons, stay there.

// offline is one sort of record: how it is read, and shown.
type offline[R, J any] struct {
	list func(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]R, error)
	get  func(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*R, error)
	id   func(*R) uuid.UUID
	show func(*call, *places, *R) (J, error)
}

// places are the slugs and codes of what records name by number.
type places struct {
	q     pg.Querier
	funds map[int32]string
	slugs map[int32]string
}

func (c *call) placesOf(q pg.Querier) (*places, error) {
	codes, err := c.fundCodes(q)
	return &places{q, codes, map[int32]string{}}, err
}

func (p *places) slug(c *call, campaign int32) (string, error) {
	if slug, ok := p.slugs[campaign]; ok || campaign == 0 {
		return slug, nil
	}
	g, err := giving.CampaignByID(c.ctx(), p.q, c.book, campaign)
	if err != nil {
		return "", err
	}
	p.slugs[campaign] = g.Slug
	return g.Slug, nil
}

// page answers with a page of records.
func (o offline[R, J]) page(c *call) error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	before, err := c.beforeID()
	if err != nil {
		return err
	}
	list, err := o.list(c.ctx(), c.s.DB, c.book, before, limit+1)
	if err != nil {
		return err
	}
	p, err := c.placesOf(c.s.DB)
	if err != nil {
		return err
	}
	shown := page[J]{Items: []J{}}
	if len(list) > limit {
		list = list[:limit]
		shown.Next = o.id(&list[limit-1]).String()
	}
	for i := range list {
		j, err := o.show(c, p, &list[i])
		if err != nil {
			return err
		}
		shown.Items = append(shown.Items, j)
	}
	return c.JSON(http.StatusOK, shown)
}

// one answers with the record of the address.
func (o offline[R, J]) one(c *call) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return giving.ErrNoRecord
	}
	j, err := o.read(c, c.s.DB, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, j)
}

func (o offline[R, J]) read(c *call, q pg.Querier, id uuid.UUID) (j J, err error) {
	r, err := o.get(c.ctx(), q, c.book, id)
	if err != nil {
		return j, err
	}
	p, err := c.placesOf(q)
	if err != nil {
		return j, err
	}
	return o.show(c, p, r)
}

// create takes the first step of a new record, once under the request's key.
func (o offline[R, J]) create(c *call, plan func(tx pgx.Tx, id uuid.UUID) (*giving.Move, error)) error {
	return c.once(func(tx pgx.Tx) (int, any, error) {
		id := uuid.Must(uuid.NewV7())
		m, err := plan(tx, id)
		if err != nil {
			return 0, nil, fieldAt(err)
		}
		if _, err := m.Book(c.ctx(), tx, c.book, giving.Sign{Key: id, By: c.key.ID, At: c.now, Made: "api:" + c.key.Name}); err != nil {
			return 0, nil, err
		}
		answer, err := o.read(c, tx, id)
		return http.StatusCreated, answer, err
	})
}

// fieldNames are fields that the contract calls otherwise than the forms do.
var fieldNames = map[string]string{"hours": "minutes", "title-kept": "keeps_title", "due": "parts", "kind": "type"}

// fieldRules are what is wrong with a field, by the key of its message on the pages.
var fieldRules = map[string]rule{
	"offline.text.wrong":    {"文字缺少、太长，或有不能保存的字符。", "The text is missing, too long, or has signs that cannot be kept."},
	"offline.amount.wrong":  {"金额要大于零。", "The amount must be above zero."},
	"offline.ref.used":      {"这个流水号已经登记过。", "A receipt with this number is recorded already."},
	"offline.giver.both":    {"firm 和 person 只能填一个。", "Give firm or person, not both."},
	"offline.giver.one":     {"firm 和 person 要填一个。", "Give either firm or person."},
	"offline.pledge.parts":  {"分期要有 1 到 60 期，各期大于零、按日期先后，合计等于总额。", "There are 1 to 60 parts, each above zero, in order of their days, and they add up to the amount."},
	"offline.pledge.due":    {"首期不能早于签订日。", "The first part may not be due before the day of signing."},
	"offline.lot.kind":      {"type 只能是 art 或 goods。", "The type is art or goods."},
	"offline.lot.pieces":    {"件数要在 1 到 1000000 之间。", "There are 1 to 1,000,000 pieces."},
	"offline.lot.title":     {"只有艺术品可以由作者保留所有权。", "Only of a work of art can the artist keep the title."},
	"offline.service.hours": {"分钟数要在 1 到 600000 之间。", "A service has 1 to 600,000 minutes."},
}

// fieldAt turns the refusal of a field into one of the body.
func fieldAt(err error) error {
	var wrong *giving.FieldErrors
	if !errors.As(err, &wrong) {
		return err
	}
	f := wrong.List[0]
	broken, ok := fieldRules[f.Key]
	if !ok {
		broken = rule{"这一项不合要求。", "This is not acceptable here."}
	}
	name, ok := fieldNames[f.Field]
	if !ok {
		name = f.Field
	}
	return at{"/" + name, broken}
}

// sum reads an amount above zero at a place of the body.
func (c *call) sum(pointer, text string) (int64, error) {
	minor, err := positive(text, c.book.Currency)
	if err != nil {
		return 0, at{pointer, err}
	}
	return minor, nil
}

func (c *call) shown(minor int64) string { return money.Format(minor, c.book.Currency) }

func isoDay(day time.Time) string { return day.Format(time.DateOnly) }

// idOrEmpty is an id that may be missing.
func idOrEmpty(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
