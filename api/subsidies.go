package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/money"
)

// subsidyJSON is a letter of a street. What is promised, earned, signed for and received are never one figure.
type subsidyJSON struct {
	ID         uuid.UUID `json:"id"`
	Number     string    `json:"number"`
	State      string    `json:"state"`
	Street     string    `json:"street"`
	Fund       string    `json:"fund"`
	Party      string    `json:"party"`
	Document   string    `json:"document"`
	SignedOn   string    `json:"signed_on"`
	OpensOn    string    `json:"opens_on"`
	ClosesOn   string    `json:"closes_on"`
	FiscalYear int       `json:"fiscal_year"`
	LapsesOn   string    `json:"lapses_on"`
	Currency   string    `json:"currency"`
	Committed  string    `json:"committed"`
	Raised     string    `json:"raised"`
	Earned     string    `json:"earned"`
	Claimed    string    `json:"claimed"`
	Received   string    `json:"received"`
	Spent      string    `json:"spent"`
	Returned   string    `json:"returned"`
	Lapsed     string    `json:"lapsed"`
	Parallel   string    `json:"parallel"`
	Position   int64     `json:"position"`
}

func (c *call) subsidyOf(l *subsidies.Letter, funds, streets map[int32]string) (subsidyJSON, error) {
	t, err := subsidies.TallyOf(c.ctx(), c.s.DB, c.book, l)
	if err != nil {
		return subsidyJSON{}, err
	}
	f := func(minor int64) string { return money.Format(minor, c.book.Currency) }
	d := func(day time.Time) string { return day.Format(time.DateOnly) }
	return subsidyJSON{l.ID, l.Name(), l.State, streets[l.StreetID], funds[l.FundID], l.Party, l.Document, d(l.SignedOn), d(l.OpensOn), d(l.ClosesOn), int(l.FiscalYear), d(l.LapsesOn),
		c.book.Currency, f(l.Cap), f(t.Raised), f(t.Earned), f(l.Claimed), f(l.Received), f(t.Spent), f(l.Returned), f(l.Lapsed), f(l.Parallel), t.Position}, nil
}

// codesOfPlaces are the codes of the book's funds and streets.
func (c *call) codesOfPlaces() (funds, streets map[int32]string, err error) {
	if funds, err = c.fundCodes(c.s.DB); err != nil {
		return nil, nil, err
	}
	list, err := ledger.Streets(c.ctx(), c.s.DB, c.book)
	streets = make(map[int32]string, len(list))
	for _, s := range list {
		streets[s.ID] = s.Code
	}
	return funds, streets, err
}

// subsidies lists letters of streets, newest first.
func (c *call) subsidies() error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	before, err := c.after()
	if err != nil {
		return err
	}
	list, err := subsidies.Letters(c.ctx(), c.s.DB, c.book, subsidies.Filter{All: true, Before: before, Limit: limit + 1})
	if err != nil {
		return err
	}
	funds, streets, err := c.codesOfPlaces()
	if err != nil {
		return err
	}
	items := make(map[uuid.UUID]subsidyJSON, len(list))
	for i := range list {
		if items[list[i].ID], err = c.subsidyOf(&list[i], funds, streets); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, func(l *subsidies.Letter) subsidyJSON { return items[l.ID] },
		func(l *subsidies.Letter) string { return strconv.Itoa(int(l.Number)) }))
}

// subsidy is one letter.
func (c *call) subsidy() error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return giving.ErrNoRecord
	}
	l, err := subsidies.ByID(c.ctx(), c.s.DB, c.book, id)
	if err != nil {
		return err
	}
	funds, streets, err := c.codesOfPlaces()
	if err != nil {
		return err
	}
	j, err := c.subsidyOf(l, funds, streets)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, j)
}
