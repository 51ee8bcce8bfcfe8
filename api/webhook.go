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
	header := c.Request().Header.Get(payments.SignatureHeader)
	fresh, err := payments.Receive(c.Request().Context(), s.DB, book, c.Param("processor"), body, header, s.Now())
	if err != nil {
		return err
	}
	if w := s.Workers[book.ID]; w != nil && fresh {
		w.Wake()
	}
	return c.NoContent(http.StatusOK)
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
