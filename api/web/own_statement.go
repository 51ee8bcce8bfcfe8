package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

// yearPage is how many gifts one page of a yearly statement lists.
const yearPage = 500

type ownStatementView struct {
	Page
	Year        string
	Called      string
	Sums        []ownSum // of the whole year, on every page
	Gifts       []ownGift
	From        time.Time
	To          time.Time
	First, Next string
	Sheet       string // the whole year as CSV
}

// ownStatement answers /me/statement?year=: the gifts of a year, to be printed. It is no receipt.
func (v *visit) ownStatement(r *giving.DonorRecord) error {
	year := int(v.number("year"))
	if year < 1 || year > 9998 {
		return giving.ErrNoGift
	}
	if v.QueryParam("format") == "csv" {
		return v.ownSheet(r, year)
	}
	view := ownStatementView{Year: strconv.Itoa(year), Called: r.Called(), Sheet: v.with("format", "csv", "after", "")}
	after, _ := uuid.Parse(v.QueryParam("after")) // nothing: the first page
	view.First = v.firstPage("after", after != uuid.Nil)
	err := v.read(func(q pg.Querier) (err error) {
		if view.Sums, err = v.ownSums(q, r, year); err != nil {
			return err
		}
		gifts, err := v.giftsOfYear(q, r, year, after, yearPage+1)
		if err != nil {
			return err
		}
		if len(gifts) > yearPage {
			gifts = gifts[:yearPage]
			view.Next = v.with("after", gifts[yearPage-1].ID.String())
		}
		view.Gifts, err = v.ownGifts(q, gifts, nil)
		return err
	})
	if err != nil {
		return err
	}
	if len(view.Sums) == 0 {
		return giving.ErrNoGift
	}
	slices.Reverse(view.Gifts)
	view.Page = v.page(T(v.lang, "own.statement.title", view.Year))
	view.From, view.To = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
	view.Crumbs = []Link{{view.T("own.heading"), ownPath}, {Label: view.Title}}
	view.Figure = v.asOf(0)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/own_statement", view)
}

// giftsOfYear lists gifts of a calendar year of the book.
func (v *visit) giftsOfYear(q pg.Querier, r *giving.DonorRecord, year int, after uuid.UUID, limit int) ([]giving.Gift, error) {
	begin := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, v.book.Zone) }
	return giving.GiftsPaid(v.ctx(), q, v.book, r.IDs(), begin(year), begin(year+1), after, limit)
}

// ownSheet is the whole statement as a file, however long it is.
func (v *visit) ownSheet(r *giving.DonorRecord, year int) error {
	out := v.newSheet("my-gifts-"+strconv.Itoa(year), "mine.fact.ref", "own.day", "own.for", "own.given", "own.back", "account.currency", "own.numbers")
	var after uuid.UUID
	for {
		gifts, err := v.giftsOfYear(v.s.DB, r, year, after, yearPage)
		if err != nil {
			return err
		}
		rows, err := v.ownGifts(v.s.DB, gifts, nil)
		if err != nil {
			return err
		}
		slices.Reverse(rows)
		for _, g := range rows {
			numbers := ""
			for _, one := range g.Receipts {
				if one.Void == nil {
					numbers = one.Printed()
				}
			}
			out.row(g.Ref, Stamp(g.At, v.book.Zone), g.Campaign, g.Amount, g.Refunded, g.Amount.Currency, numbers)
		}
		if err := out.flush(); err != nil || len(gifts) < yearPage {
			return err
		}
		after = gifts[len(gifts)-1].ID
	}
}
