package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/updates"
	"sunfund/ledger/staff"
)

// ownSum is what was given in a year in one currency.
type ownSum struct {
	Year            int
	Gifts           int64
	Given, Refunded money.Money
	Href            string // the year's statement
}

// ownGift is one gift as its donor sees it.
type ownGift struct {
	Ref, State string // State as on the gift's own page
	Campaign   string
	At         time.Time
	Amount     money.Money
	Refunded   money.Money
	Anonymous  bool
	Named      bool // a name was told, so that it can be shown or not
	Receipts   []receipts.Receipt
	News       string // where what was shown of the campaign since the gift is read; empty: nothing
}

type ownView struct {
	Page
	Called string
	Sums   []ownSum
	Gifts  []ownGift
	Plans  []planFacts
	Many   bool // there may be more gifts than are listed
}

// ownMany is how many gifts ReadDonor lists at most.
const ownMany = 1000

// ownShow answers /me: the page, or the form that asks for a letter.
func (v *visit) ownShow() error {
	v.private()
	var r *giving.DonorRecord
	var view ownView
	err := v.read(func(q pg.Querier) error {
		id, err := v.donorOf(q)
		if err != nil {
			return err
		}
		if r, err = giving.ReadDonor(v.ctx(), q, v.book, id); err != nil {
			return err
		}
		if view.Gifts, err = v.ownGifts(q, r.Gifts, r.Started); err != nil {
			return err
		}
		if view.Sums, err = v.ownSums(q, r, 0); err != nil {
			return err
		}
		list, err := plans.OfDonors(v.ctx(), q, v.book, r.IDs())
		if err != nil {
			return err
		}
		for i := range list {
			one, err := v.planFacts(q, &list[i])
			if err != nil {
				return err
			}
			view.Plans = append(view.Plans, one)
		}
		return nil
	})
	if errors.Is(err, giving.ErrNoSession) {
		return v.ownSignInForm(http.StatusOK, "", "", nil)
	}
	if err != nil {
		return err
	}
	view.Page, view.Called, view.Many = v.page(T(v.lang, "own.heading")), r.Called(), len(r.Gifts) >= ownMany
	return v.s.render.Render(v.Response(), http.StatusOK, "public/own", view)
}

// ownSums adds up a year, or all of them when it is zero: the latest first, each currency by itself.
func (v *visit) ownSums(q pg.Querier, r *giving.DonorRecord, year int) (sums []ownSum, err error) {
	years, err := giving.YearsOf(v.ctx(), q, v.book, r.IDs())
	for _, y := range years {
		if year == 0 || y.Year == year {
			sums = append(sums, ownSum{Year: y.Year, Gifts: y.Gifts, Given: money.Money{Minor: y.Given, Currency: y.Currency},
				Refunded: money.Money{Minor: y.Refunded, Currency: y.Currency}, Href: ownPath + "/statement?year=" + strconv.Itoa(y.Year)})
		}
	}
	return sums, err
}

// ownGifts lists gifts, booked and started, latest first.
func (v *visit) ownGifts(q pg.Querier, gifts []giving.Gift, started []giving.Checkout) ([]ownGift, error) {
	ids := make([]uuid.UUID, len(gifts))
	for i := range gifts {
		ids[i] = gifts[i].ID
	}
	of, err := receipts.OfGifts(v.ctx(), q, v.book, ids)
	if err != nil {
		return nil, err
	}
	campaigns := map[int32]*giving.Campaign{}
	title := func(id int32) (string, error) {
		if campaigns[id] == nil {
			if campaigns[id], err = giving.CampaignByID(v.ctx(), q, v.book, id); err != nil {
				return "", err
			}
		}
		return campaigns[id].Title(string(v.lang)), nil
	}
	given := make([]int32, len(gifts))
	for i := range gifts {
		given[i] = gifts[i].CampaignID
	}
	news, err := updates.News(v.ctx(), q, v.book, given)
	if err != nil {
		return nil, err
	}
	var list []ownGift
	for i := range gifts {
		g := &gifts[i]
		one := ownGift{Ref: giving.Ref(v.book, g.ID), State: giftReceived, At: g.PaidAt, Amount: money.Money{Minor: g.Amount, Currency: g.Currency},
			Refunded: money.Money{Minor: g.Refunded, Currency: g.Currency}, Anonymous: g.Anonymous, Named: g.Name != "", Receipts: of[g.ID]}
		if g.Refunded >= g.Amount {
			one.State = giftRefunded
		}
		if one.Campaign, err = title(g.CampaignID); err != nil {
			return nil, err
		}
		if news[g.CampaignID].After(g.PaidAt) {
			one.News = "/c/" + campaigns[g.CampaignID].Slug + "/updates"
		}
		list = append(list, one)
	}
	for i := range started {
		c := &started[i]
		one := ownGift{Ref: giving.Ref(v.book, c.ID), State: giftUnpaid, At: c.CreatedAt, Amount: money.Money{Minor: c.Amount, Currency: c.Currency},
			Refunded: money.Money{Currency: c.Currency}}
		switch c.State {
		case giving.CheckoutFailed:
			one.State = giftFailed
		case giving.CheckoutPending:
			one.State = giftPending
		}
		if one.Campaign, err = title(c.CampaignID); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b ownGift) int { return b.At.Compare(a.At) })
	return list, nil
}

// gift is the donor's gift of the reference in the form, or giving.ErrNoGift.
func (v *visit) ownGift(r *giving.DonorRecord) (*giving.Gift, error) {
	id, err := giving.ParseRef(v.book, v.FormValue("ref"))
	if err != nil {
		return nil, err
	}
	return giving.GiftOf(v.ctx(), v.s.DB, v.book, r.IDs(), id)
}

// ownName shows a gift's name to the public or takes it away, from now on.
func (v *visit) ownName(r *giving.DonorRecord) error {
	g, err := v.ownGift(r)
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return giving.WishAnonymous(v.ctx(), tx, v.book, g.ID, v.FormValue("anonymous") != "", v.now)
	})
	if err != nil {
		return err
	}
	return v.see(ownPath + "#g-" + giving.Ref(v.book, g.ID))
}

// ownRecord gives all that the book holds on the donor as a file.
func (v *visit) ownRecord(r *giving.DonorRecord) error {
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return v.recordDonor(tx, "personal.export", r.Donors[0].ID, r, "asked") })
	if err != nil {
		return err
	}
	return v.writeRecord(r, "my-gifts")
}

type ownEraseView struct {
	Page
	Records, Gifts int
	Sure           []Option
}

// ownEraseForm says what goes, what must stay and why.
func (v *visit) ownEraseForm(r *giving.DonorRecord) error {
	return v.ownEraseAgain(http.StatusOK, r, nil)
}

func (v *visit) ownEraseAgain(status int, r *giving.DonorRecord, wrong Errors) error {
	view := ownEraseView{Page: v.page(T(v.lang, "own.erase.heading")), Records: len(r.Donors), Gifts: len(r.Gifts)}
	view.Crumbs = []Link{{view.T("own.heading"), ownPath}, {Label: view.T("own.erase.heading")}}
	view.Errors, view.Sure = wrong, []Option{{Value: "yes", Label: view.T("own.erase.sure.yes")}}
	return v.s.render.Render(v.Response(), status, "public/own_erase", view)
}

// ownErase erases at once.
func (v *visit) ownErase(r *giving.DonorRecord) error {
	if v.FormValue("sure") != "yes" {
		return v.ownEraseAgain(http.StatusUnprocessableEntity, r, Errors{{"sure", T(v.lang, "own.erase.sure.wrong")}})
	}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if _, err := giving.EraseDonors(v.ctx(), tx, v.book, r.IDs(), v.now); err != nil {
			return err
		}
		return v.recordDonor(tx, "personal.erase", r.Donors[0].ID, r, "asked")
	})
	if err != nil {
		return err
	}
	v.keepDonorCookie(donorCookie, "", -1)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/own_erased", struct{ Page }{v.page(T(v.lang, "own.erased.heading"))})
}

// receiptMail sends the link of a gift's receipt to the address told with the gift; a signed-in donor's gift without one, to the
// donor's.
func (v *visit) receiptMail() error {
	v.private()
	r, err := giving.GiftByRef(v.ctx(), v.s.DB, v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	to, err := v.mailTo(v.s.DB, r)
	if err != nil {
		return err
	}
	if to == uuid.Nil {
		return giving.ErrNoDonor
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.AskMail, r.Gift.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return giving.PostLetter(v.ctx(), tx, v.book, giving.Letter{Donor: to, Kind: giving.ReceiptLetter, About: r.Gift.ID, Lang: string(v.lang)}, v.now)
	})
	if err != nil {
		return err
	}
	v.donorAsked()
	return v.see("/g/" + r.Ref + "/receipt?sent=1")
}
