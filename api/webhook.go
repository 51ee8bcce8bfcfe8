package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sunfund/ledger"
	"sunfund/ledger/payments"
)

// webhook takes an event of a processor. Its signature is its key. It is stored and answered; the worker does the rest.
func (s *Server) webhook(c echo.Context) error {
	book, err := s.bookOf(c.Param("book"))
	if err != nil {
		return err
	}
	body, err := readAll(c.Request().Body, c.Request().ContentLength)
	if err != nil {
		return err
	}
	fresh, err := s.receive(c, book, body)
	if err != nil {
		return err
	}
	if w := s.Workers[book.ID]; w != nil && fresh {
		w.Wake()
	}
	return c.NoContent(http.StatusOK)
}

// receive stores an event by the rules of its processor.
func (s *Server) receive(c echo.Context, book *ledger.Book, body []byte) (fresh bool, err error) {
	ctx, headers := c.Request().Context(), c.Request().Header
	if c.Param("processor") != payments.StripeCode {
		return payments.Receive(ctx, s.DB, book, c.Param("processor"), body, headers.Get(payments.SignatureHeader), s.Now())
	}
	stripe := s.Stripes[book.ID]
	if stripe == nil {
		return false, payments.ErrNoProcessor
	}
	return stripe.Receive(ctx, body, headers.Get(payments.StripeHeader))
}

// bookOf is the book with a code.
func (s *Server) bookOf(code string) (*ledger.Book, error) {
	for _, b := range s.Books {
		if b.Code == code {
			return b, nil
		}
	}
	return nil, ledger.ErrNoBook
}
