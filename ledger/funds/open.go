package funds

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Begin plans that the fund opens on a day: the committee has decided soundly, and the agreement lies beside the file under its hash. The application
// becomes the first version of the charter. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Begin(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, agreement []byte, ref string, day time.Time) (*giving.Move, error) {
	if f.State != Draft {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("ref", ref, 1, 100)
	if err := f.free(ctx, q, book, "", &wrong); err != nil {
		return nil, err
	}
	seats, err := Seats(ctx, q, book, f.ID)
	if err != nil {
		return nil, err
	}
	bench, err := BenchOf(ctx, q, book, day)
	if err != nil {
		return nil, err
	}
	wrong.List = append(wrong.List, bench.Lacks(seats)...)
	papers, err := ledger.Papers(ctx, q, book, f.Object())
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(papers, func(p ledger.Paper) bool { return bytes.Equal(p.Hash, agreement) }) {
		wrong.Refuse("agreement", "fundfile.agreement.missing")
	}
	m := &giving.Move{Source: "fund", Object: f.Object(), Act: "fund-opened", Note: f.Label() + " " + f.NameZH}
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		to := *f
		if to.FundID == nil {
			fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: f.Code, Kind: Kind(f.Terms.Sort), NameZH: f.NameZH, NameEN: f.NameEN, PurposeZH: f.AboutZH, PurposeEN: f.AboutEN,
				StreetID: f.StreetID, FeeBearer: f.Terms.FeeBearer})
			if err != nil {
				return err
			}
			to.FundID = &fund.ID
		}
		to.State, to.Agreement = Open, agreement
		if err := f.becomes(ctx, tx, book, to); err != nil {
			return err
		}
		c := Charter{FundID: *to.FundID, Version: 1, Terms: f.Terms, Basis: ByOpening, BasisRef: ref, File: f.ID, MadeBy: s.By, Second: s.Second, MadeAt: s.At}
		return c.insert(ctx, tx, book)
	}
	return m, wrong.Err()
}

// Change plans the next version of an open fund's charter, on a filing number or the donors' consent. Its sort stays: that says whose money it
// is. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Change(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, terms Terms, basis, ref string) (*giving.Move, error) {
	if f.State != Open {
		return nil, giving.ErrStep
	}
	now, err := CharterOf(ctx, q, book, *f.FundID)
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	known, err := Purposes(ctx, q, book)
	if err != nil {
		return nil, err
	}
	terms.Sort = now.Terms.Sort
	terms.check(known, &wrong)
	wrong.Text("ref", ref, 1, 100)
	if basis != ByFiling && basis != ByConsent {
		wrong.Refuse("basis", "fundfile.basis.wrong")
	}
	if same(terms, now.Terms) {
		wrong.Refuse("purposes", "fundfile.change.none")
	}
	m := &giving.Move{Source: "fund", Object: f.Object(), Act: "fund-changed", Note: ref}
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if err := f.becomes(ctx, tx, book, *f); err != nil {
			return err
		}
		c := Charter{FundID: now.FundID, Version: now.Version + 1, Terms: terms, Basis: basis, BasisRef: ref, File: f.ID, MadeBy: s.By, Second: s.Second, MadeAt: s.At}
		return c.insert(ctx, tx, book)
	}
	return m, wrong.Err()
}

// same tells whether two sets of rules say the same.
func same(a, b Terms) bool {
	sorted := func(t Terms) Terms {
		t.Purposes = slices.Sorted(slices.Values(t.Purposes))
		for _, day := range []**time.Time{&t.OpensOn, &t.ClosesOn} {
			if *day != nil {
				d := ledger.Day((*day).Date())
				*day = &d
			}
		}
		return t
	}
	return reflect.DeepEqual(sorted(a), sorted(b))
}
