package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// NoticeLetter tells both sides that a letter lapses soon: its accountants and the officers of its street get a letter of their own, and the
// letter's history says so. Nothing happens when they were told, or when it is too early.
func (s *Server) NoticeLetter(ctx context.Context, tx pgx.Tx, book *ledger.Book, l *subsidies.Letter, now time.Time) error {
	m, err := subsidies.Notice(book, l, book.Day(now))
	if errors.Is(err, giving.ErrStep) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := m.Book(ctx, tx, book, giving.Sign{Key: uuid.NewSHA1(l.ID, []byte("notice")), At: now}); err != nil {
		return err
	}
	people, err := staff.Holding(ctx, tx, book.ID, staff.Accountant, staff.StreetOfficer)
	if err != nil {
		return err
	}
	for _, p := range people {
		grants, err := staff.Grants(ctx, tx, book.ID, p.ID, false)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(grants, func(g staff.Grant) bool {
			return g.Role == staff.Accountant || g.Role == staff.StreetOfficer && g.Street != nil && *g.Street == l.StreetID
		}) {
			continue
		}
		lang, ok := parseLang(p.Lang)
		if !ok {
			lang = ZH
		}
		gone := Amount(lang, money.Money{Minor: l.Cap - l.Claimed, Currency: book.Currency})
		err = staff.Post(ctx, tx, book.ID, staff.Mail{Person: p.ID, Subject: T(lang, "mail.lapse", l.Name()), Body: T(lang, "mail.lapse.body", l.Name(), l.Party, Day(lang, l.LapsesOn), gone),
			Path: subsidiesPath + "/" + l.ID.String() + "/notice"}, now)
		if err != nil {
			return err
		}
	}
	return nil
}
