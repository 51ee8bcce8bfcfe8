package api

import (
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"sunfund/ledger"
	"sunfund/ledger/payments"
)

// webhook takes an event of a processor. Its signature is its key. It is stored and answered; the worker does the rest.
func (s *Server) webhook(c echo.Context) error {
	book, err := s.bookOf(c.Request().Host)
	if err != nil {
		return err
	}
	body, err := readAll(c.Request().Body)
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

// bookOf is the book of a host name, as the pages find it.
func (s *Server) bookOf(host string) (*ledger.Book, error) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, b := range s.Books {
		if b.Host != "" && b.Host == host {
			return b, nil
		}
	}
	if len(s.Books) == 0 {
		return nil, ledger.ErrNoBook
	}
	return s.Books[0], nil
}
