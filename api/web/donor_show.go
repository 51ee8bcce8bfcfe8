package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

type donorView struct {
	Page
	Called    string
	Erased    bool
	Facts     []Fact
	Gifts     donorGifts
	Started   donorGifts
	Namesake  int
	Search    string // gifts of the same name
	Export    string // all of it, for programs
	Statement string // gifts, receipts, what they paid
	Erase     string // empty: nothing to erase, or not by this person
}

// donorGifts is a table of them under the words of a key.
type donorGifts struct {
	Name string
	Rows []donorGift
}

// donorGift is a gift or started gift of a donor.
type donorGift struct {
	Public, Href string
	At           time.Time
	Amount       money.Money
	Channel      string
	Anonymous    bool
	Message      string
}

// donor reads the record of the address's donor, and notes that somebody did.
func (v *visit) donor(what string) (*giving.DonorRecord, uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return nil, id, giving.ErrNoDonor
	}
	var record *giving.DonorRecord
	err = v.read(func(q pg.Querier) (err error) {
		record, err = giving.ReadDonor(v.ctx(), q, v.book, id)
		return err
	})
	if err != nil {
		return nil, id, err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return record, id, pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return v.recordDonor(tx, what, id, record, "") })
}

// recordDonor writes an event that tells whose data, by number, and nothing of them.
func (v *visit) recordDonor(tx pgx.Tx, what string, id uuid.UUID, r *giving.DonorRecord, reason string) error {
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: what, Object: "donor:" + id.String(), Reason: reason,
		Detail: map[string]int{"records": len(r.Donors), "gifts": len(r.Gifts), "started": len(r.Started)}})
}

func donorHref(id uuid.UUID) string { return "/console/donors/" + id.String() }

// donorShow shows all that the book holds on a donor.
func (v *visit) donorShow() error {
	r, id, err := v.donor("personal.read")
	if err != nil {
		return err
	}
	view := donorView{Page: v.consolePage(T(v.lang, "donor.title"), "/console/gifts"), Called: v.donorCalled(r), Erased: r.Erased(), Facts: v.donorFacts(r),
		Namesake: r.Namesake, Export: donorHref(id) + "/record", Statement: donorHref(id) + "/statement"}
	for _, d := range r.Donors {
		if d.ID == id && d.Name != "" {
			view.Search = giftsHref(d.Name)
		}
	}
	view.Gifts.Name, view.Started.Name = "place.gifts", "donor.started"
	for i := range r.Gifts {
		g := &r.Gifts[i]
		view.Gifts.Rows = append(view.Gifts.Rows, donorGift{Public: giving.Ref(v.book, g.ID), Href: "/console/entries/" + g.ID.String(), At: g.PaidAt,
			Amount: money.Money{Minor: g.Amount, Currency: g.Currency}, Channel: g.Channel.Name(string(v.lang)), Anonymous: g.Anonymous, Message: g.Message})
	}
	for _, c := range r.Started {
		view.Started.Rows = append(view.Started.Rows, donorGift{Public: giving.Ref(v.book, c.ID), At: c.CreatedAt, Amount: money.Money{Minor: c.Amount, Currency: c.Currency},
			Channel: c.Channel.Name(string(v.lang)), Anonymous: c.Anonymous, Message: c.Message})
	}
	if v.who.May(staff.DonorErase) && !view.Erased {
		view.Erase = donorHref(id) + "/erase"
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/donor_show", view)
}

func (v *visit) donorCalled(r *giving.DonorRecord) string {
	switch {
	case r.Erased():
		return T(v.lang, "donor.erased")
	case r.Called() == "":
		return T(v.lang, "gift.no-name")
	}
	return r.Called()
}

func (v *visit) donorFacts(r *giving.DonorRecord) (facts []Fact) {
	for _, d := range r.Donors {
		told := When(v.lang, d.CreatedAt, v.book.Zone)
		if d.ErasedAt != nil {
			facts = append(facts, Fact{Term: told, Value: T(v.lang, "donor.erased.at", When(v.lang, *d.ErasedAt, v.book.Zone))})
			continue
		}
		value := d.Name
		if value == "" {
			value = T(v.lang, "gift.no-name")
		}
		if d.Email != "" {
			value += " · " + d.Email
		}
		facts = append(facts, Fact{Term: told, Value: value})
	}
	return facts
}
