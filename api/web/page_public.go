package web

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// page starts a public page.
func (v *visit) page(title string) Page {
	p := NewPage(v.Context, v.site(), v.now, title)
	at, _, _ := strings.Cut(p.Path, "?")
	p.Nav = []NavItem{
		{Label: p.T("campaigns.heading"), Href: "/campaigns"},
		{Label: p.T("funds.heading"), Href: "/funds"},
		{Label: p.T("board.nav"), Href: boardPath},
		{Label: p.T("need.public.nav"), Href: needsPublicPath},
		{Label: p.T("call.public.nav"), Href: callsPublicPath},
		{Label: p.T("vote.heading"), Href: votesPath},
		{Label: p.T("own.heading"), Href: ownPath},
		{Label: p.T("about.heading"), Href: "/about"},
	}
	for i := range p.Nav {
		p.Nav[i].Here = p.Nav[i].Href == at
	}
	return p
}

// read runs f on one view of the database, so that all figures of a page hold at the same ledger position.
func (v *visit) read(f func(pg.Querier) error) error {
	if v.file != nil {
		return f(v.file.q)
	}
	return pg.Snapshot(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return f(tx) })
}

// amount is money in the book's currency.
func (v *visit) amount(minor int64) money.Money {
	return money.Money{Minor: minor, Currency: v.book.Currency}
}

// asOf stamps figures read now.
func (v *visit) asOf(position int64) *AsOf { return &AsOf{At: v.now, Position: position} }

// yearFrom is the first day of the business year that now lies in.
func (v *visit) yearFrom() time.Time { return ledger.Day(v.book.Day(v.now).Year(), time.January, 1) }

// fundsByID reads the book's funds.
func (v *visit) fundsByID(ctx context.Context, q pg.Querier) (map[int32]*ledger.Fund, error) {
	list, err := ledger.Funds(ctx, q, v.book)
	if err != nil {
		return nil, err
	}
	funds := make(map[int32]*ledger.Fund, len(list))
	for i := range list {
		funds[list[i].ID] = &list[i]
	}
	return funds, nil
}
