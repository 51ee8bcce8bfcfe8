package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// ErrCrossOrigin is a form or script of another site acting in the reader's name. Nothing was done.
var ErrCrossOrigin = errors.New("request came from another site")

// Policy is the content security policy of every page: only our own files, no inline script or style, no frames.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Headers sets what every answer carries. Addresses of gifts are secrets, so no other site learns them as referrer.
func Headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		head := c.Response().Header()
		head.Set("Content-Security-Policy", Policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if c.Scheme() == "https" {
			head.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// CrossOrigin refuses writes that another site's page sends; trusted origins ("https://…") pass. Webhooks are routed
// outside of it.
func CrossOrigin(trusted ...string) (echo.MiddlewareFunc, error) {
	guard := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := guard.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trust origin %q: %w", origin, err)
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := guard.Check(c.Request()); err != nil {
				return echo.NewHTTPError(http.StatusForbidden).SetInternal(fmt.Errorf("%w: %w", ErrCrossOrigin, err))
			}
			return next(c)
		}
	}, nil
}

// Prefs is how this reader wants pages. It lives in cookies, so it needs no account.
type Prefs struct {
	Lang  Lang
	Large bool   // large text mode
	Theme string // "light", "dark", or "" as the device says
	Keys  bool   // single-key shortcuts
}

// PrefsOf reads the reader's wishes: ?lang= first, then the cookies, then what the browser asks for.
func PrefsOf(c echo.Context) Prefs {
	p := Prefs{
		Large: cookie(c, "text") == "large",
		Keys:  cookie(c, "keys") != "off",
	}
	if theme := cookie(c, "theme"); theme == "light" || theme == "dark" {
		p.Theme = theme
	}
	if lang, ok := parseLang(c.QueryParam("lang")); ok {
		p.Lang = lang
	} else if lang, ok := parseLang(cookie(c, "lang")); ok {
		p.Lang = lang
	} else {
		p.Lang = matchLang(c.Request().Header.Get("Accept-Language"))
	}
	return p
}

// Language keeps a choice made by ?lang= and tells caches what pages depend on.
func Language(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Add("Vary", "Accept-Language, Cookie")
		if lang, ok := parseLang(c.QueryParam("lang")); ok {
			setPref(c, "lang", string(lang))
		}
		return next(c)
	}
}

// PrefsPath is where the forms for text size, theme, language and keys post to; SetPrefs answers it.
const PrefsPath = "/prefs"

// SetPrefs keeps the wishes of one form (text, theme, lang, keys) and goes back to the page it was on.
func SetPrefs(c echo.Context) error {
	allowed := map[string]string{
		"text": "large normal", "theme": "light dark auto", "lang": string(ZH) + " " + string(EN), "keys": "on off",
	}
	for name, values := range allowed {
		value := c.FormValue(name)
		if value != "" && strings.Contains(" "+values+" ", " "+value+" ") {
			setPref(c, name, value)
		}
	}
	return c.Redirect(http.StatusSeeOther, backPath(c.FormValue("back")))
}

// backPath is a path on this host or the home page: a form must not send readers elsewhere.
func backPath(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") ||
		strings.Contains(back, `\`) {
		return "/"
	}
	return pathOf(u) // an explicit lang in the address would undo the choice just made
}

func cookie(c echo.Context, name string) string {
	kept, err := c.Cookie(name)
	if err != nil { // http.ErrNoCookie is its only error
		return ""
	}
	return kept.Value
}

func setPref(c echo.Context, name, value string) {
	c.SetCookie(&http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true,
		Secure: c.Scheme() == "https", SameSite: http.SameSiteLaxMode})
}
