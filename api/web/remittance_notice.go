package web

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// NoticeRemittance tells whoever signs in for an organisation that a payment to it was debited, each in their own language, with the way to its
// remittance note. Nothing happens when they were told, or when nobody signs in for it.
func (s *Server) NoticeRemittance(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *projects.Payment, now time.Time) error {
	people, err := projects.Tell(ctx, tx, book, p, now)
	if err != nil {
		return err
	}
	for _, id := range people {
		person, err := staff.ByID(ctx, tx, book.ID, id)
		if err != nil {
			return err
		}
		lang, ok := parseLang(person.Lang)
		if !ok {
			lang = ZH
		}
		amount, day := Amount(lang, money.Money{Minor: p.Amount, Currency: book.Currency}), Day(lang, *p.PaidOn)
		err = staff.Post(ctx, tx, book.ID, staff.Mail{Person: id, Subject: T(lang, "mail.remittance", amount, p.Name()), Body: T(lang, "mail.remittance.body", day, amount, p.Payee, p.Purpose),
			Path: providerPath + "/payments/" + p.ID.String() + "/note"}, now)
		if err != nil {
			return err
		}
	}
	return nil
}
