package web

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// NoticeRemittance tells whoever signs in for an organisation that a payment to it was debited, each in their own language, with the way to its
// remittance note, and tells whether anybody was. Nothing happens when they were told, or when nobody signs in for it.
func (s *Server) NoticeRemittance(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *projects.Payment, now time.Time) (told bool, err error) {
	people, err := projects.Tell(ctx, tx, book, p, now)
	if err != nil {
		return false, err
	}
	for _, id := range people {
		err := s.noticeOne(ctx, tx, book, id, providerPath+"/payments/"+p.ID.String()+"/note", now, func(lang Lang) (subject, body string) {
			amount := Amount(lang, money.Money{Minor: p.Amount, Currency: book.Currency})
			return T(lang, "mail.remittance", amount, p.Name()), T(lang, "mail.remittance.body", Day(lang, *p.PaidOn), amount, p.Payee, p.Purpose)
		})
		if err != nil {
			return false, err
		}
	}
	return len(people) > 0, nil
}

// noticeOne leaves a letter for one person.
func (s *Server) noticeOne(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, path string, now time.Time, words func(Lang) (subject, body string)) error {
	p, err := staff.ByID(ctx, tx, book.ID, id)
	if err != nil {
		return err
	}
	return s.letterTo(ctx, tx, book, p, path, now, words)
}
