package web

import (
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// Legible answers 404 to addresses with what PostgreSQL does not take as text: nothing could have such a name. Queries
// and forms are read and cleaned by their pages.
func Legible(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, part := range c.ParamValues() {
			if !utf8.ValidString(part) || strings.ContainsRune(part, 0) {
				return echo.ErrNotFound
			}
		}
		return next(c)
	}
}
