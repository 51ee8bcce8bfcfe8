package api

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// letter writes a street's letter down over the first campaign's fund, and gives its id.
func (o *office) letter() uuid.UUID {
	o.Helper()
	l := subsidies.Letter{ID: uuid.New(), FundID: o.book.funds["R"].ID, Party: "石坪桥街道办事处", Document: "函〔2026〕12号", SignedOn: ledger.Day(2026, 3, 1), Counts: subsidies.All,
		Rule:    subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 2, Cap: 500_00},
		OpensOn: ledger.Day(2026, 1, 1), ClosesOn: ledger.Day(2026, 12, 31), FiscalYear: 2026, LapsesOn: subsidies.FiscalYearEnd(2026), Terms: subsidies.Grant, EnteredBy: uuid.New()}
	o.tx(func(tx pgx.Tx) error {
		street, err := ledger.CreateStreet(o.ctx, tx, o.book.Book, ledger.Street{Code: "s" + uuid.NewString()[:8], NameZH: "石坪桥街道", NameEN: "Shipingqiao"})
		if err != nil {
			return err
		}
		l.StreetID = street.ID
		m, err := subsidies.Commit(o.ctx, tx, o.book.Book, l, l.SignedOn)
		if err != nil {
			return err
		}
		_, err = m.Book(o.ctx, tx, o.book.Book, giving.Sign{Key: uuid.New(), At: l.SignedOn, Made: "王会计"})
		return err
	})
	return l.ID
}

// TestSubsidies: letters with what is promised, raised and earned, each in its own field, over pages of any size.
func TestSubsidies(t *testing.T) {
	o := newOffice(t)
	if list := pages[subsidyJSON](o, "/subsidies"); len(list) != 0 {
		t.Errorf("at first: %+v", list)
	}
	o.oneGift() // 36.50
	first, second := o.letter(), o.letter()
	list := pages[subsidyJSON](o, "/subsidies?limit=1")
	if len(list) != 2 || list[0].ID != second || list[1].ID != first || list[0].Number != "J2" {
		t.Errorf("newest first: %+v", list)
	}
	var one subsidyJSON
	o.want(request{method: http.MethodGet, path: "/subsidies/" + first.String()}, 200, "").decode(t, &one)
	if one.Committed != "500.00" || one.Raised != "36.50" || one.Earned != "18.25" || one.Claimed != "0.00" || one.Received != "0.00" || one.State != "open" || one.Fund != "R" || one.LapsesOn != "2026-12-31" || one.Position == 0 {
		t.Errorf("%+v", one)
	}
	o.want(request{method: http.MethodGet, path: "/subsidies/" + uuid.NewString()}, 404, "not-found")
	o.want(request{method: http.MethodGet, path: "/subsidies/x"}, 404, "not-found")
	o.want(request{method: http.MethodGet, path: "/subsidies?cursor=x"}, 400, "cursor")
}
