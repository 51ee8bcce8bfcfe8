package staff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"sunfund/internal/pg"
)

// ErrIssuer means that the issuer of identities did not answer, or not as it should. Say that another way of signing in
// may work.
var ErrIssuer = errors.New("issuer of identities does not answer")

// Limits of talking to an issuer.
const (
	issuerTimeout = 5 * time.Second
	issuerAnswer  = 1 << 20 // bytes
	clockSkew     = time.Minute
)

// algorithms are the signatures that we take: those with a public key. Neither "none" nor a shared secret is among them.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// strong are the words (RFC 8176) by which an issuer says that more than a password was asked.
var strong = []string{"mfa", "otp", "hwk", "swk", "sc", "pop", "fpt", "face", "iris"}

// Issuers talks to the issuers of all books. One serves the whole process.
type Issuers struct {
	secrets map[int32]string // by book; a client without one proves itself by PKCE alone
	client  *http.Client
	mu      sync.Mutex
	known   map[string]*oidc.Provider
}

// NewIssuers takes the client secrets of the books, by book id, and the networks of our own in which issuers may be. The
// address of an issuer is typed by people, and those of its keys and tokens come from the issuer: any other private address
// is not asked.
func NewIssuers(secrets map[int32]string, own ...netip.Prefix) *Issuers {
	return &Issuers{secrets: secrets, known: map[string]*oidc.Provider{}, client: &http.Client{Timeout: issuerTimeout, Transport: shortAnswers{guarded(own)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// shortAnswers cuts off an issuer that talks without end.
type shortAnswers struct{ from http.RoundTripper }

func (s shortAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.from.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, issuerAnswer), answer.Body}
	return answer, nil
}

// provider asks an issuer once where its doors and keys are. Its name must be the one that it gives itself.
func (x *Issuers) provider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	x.mu.Lock()
	known := x.known[issuer]
	x.mu.Unlock()
	if known != nil {
		return known, nil
	}
	// The provider fetches keys with this context later on, so it must not end with the request.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), x.client), issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	x.mu.Lock()
	x.known[issuer] = found
	x.mu.Unlock()
	return found, nil
}

// Kept is what a browser was doing when it was sent to the issuer, to go on with when it is back.
type Kept struct {
	Next string     // page to go to, for a form that was not sent yet
	Path string     // address of the form
	Form url.Values // what was typed
}

// passage is what is kept on our side while a browser is at the issuer.
type passage struct {
	Issuer   string
	Nonce    string
	Verifier string
	Kept     Kept
}

// Each kind of passage marks its state, so that the way back knows what to do.
const (
	stateSignIn  = "s."
	stateConfirm = "c."
	stateLink    = "l."
)

func (s Site) redirect() string { return s.Origin + "/console/sign-in/return" }

func (x *Issuers) oauth(book int32, s Settings, p *oidc.Provider, site Site) *oauth2.Config {
	c := &oauth2.Config{ClientID: s.Client, ClientSecret: x.secrets[book], Endpoint: p.Endpoint(), RedirectURL: site.redirect(), Scopes: []string{oidc.ScopeOpenID}}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if c.ClientSecret != "" {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	return c
}

func newPassage(mark, issuer string, kept Kept) (state string, p passage, err error) {
	nonce, err := newToken()
	if err != nil {
		return "", passage{}, err
	}
	token, err := newToken()
	return mark + token, passage{Issuer: issuer, Nonce: nonce, Verifier: oauth2.GenerateVerifier(), Kept: kept}, err
}

// way is the address at the issuer. Who is to prove it again is asked for password and factor there, session or not.
func (x *Issuers) way(ctx context.Context, book int32, s Settings, site Site, state string, p passage, again bool) (string, error) {
	provider, err := x.provider(ctx, p.Issuer)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)}
	if again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	if s.ACR != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", s.ACR))
	}
	return x.oauth(book, s, provider, site).AuthCodeURL(state, options...), nil
}

// BeginSignIn is where to send a browser that wants to sign in at the book's issuer. ErrLink without one, ErrIssuer,
// ErrTooMany (as TooMany).
func (x *Issuers) BeginSignIn(ctx context.Context, db pg.Beginner, site Site, book int32, holder Holder, ip netip.Addr, next string, now time.Time) (address string, err error) {
	var settings Settings
	var state string
	var p passage
	err = countedBegin(ctx, db, book, ip, now, func(tx pgx.Tx) (err error) {
		if settings, err = ReadSettings(ctx, tx, book); err != nil {
			return err
		}
		if settings.Issuer == "" {
			return ErrLink
		}
		if state, p, err = newPassage(stateSignIn, settings.Issuer, Kept{Next: next}); err != nil {
			return err
		}
		return begin(ctx, tx, book, state, oidcSignIn, holder, p, now)
	})
	if err != nil {
		return "", err
	}
	return x.way(ctx, book, settings, site, state, p, false)
}

// BeginConfirm keeps what a session was doing, for Way to send it to the issuer.
func (x *Issuers) BeginConfirm(ctx context.Context, tx pgx.Tx, i Identity, kept Kept, now time.Time) (state string, err error) {
	return x.beginOwn(ctx, tx, i, stateConfirm, oidcConfirm, kept, now)
}

// BeginLink prepares that a person links who they are at the issuer.
func (x *Issuers) BeginLink(ctx context.Context, tx pgx.Tx, i Identity, now time.Time) (state string, err error) {
	return x.beginOwn(ctx, tx, i, stateLink, oidcLink, Kept{}, now)
}

func (x *Issuers) beginOwn(ctx context.Context, tx pgx.Tx, i Identity, mark string, kind ceremony, kept Kept, now time.Time) (string, error) {
	settings, err := ReadSettings(ctx, tx, i.Book)
	if err != nil {
		return "", err
	}
	if settings.Issuer == "" {
		return "", ErrLink
	}
	state, p, err := newPassage(mark, settings.Issuer, kept)
	if err != nil {
		return "", err
	}
	return state, begin(ctx, tx, i.Book, state, kind, i.holder(), p, now)
}

const sqlPassage = `
select data from sign_in_ceremony
 where book_id = $1 and token_hash = $2 and holder = $3 and kind in ('oidc_confirm', 'oidc_link') and ends_at > $4`

// Way is where to send a session that began to confirm or to link. ErrCeremony, ErrIssuer.
func (x *Issuers) Way(ctx context.Context, q pg.Querier, site Site, i Identity, state string, now time.Time) (string, error) {
	var p passage
	holder := i.holder()
	err := q.QueryRow(ctx, sqlPassage, i.Book, tokenHash(state), holder[:], now).Scan(&p)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrCeremony
	}
	if err != nil {
		return "", fmt.Errorf("read passage: %w", err)
	}
	settings, err := ReadSettings(ctx, q, i.Book)
	if err != nil {
		return "", err
	}
	return x.way(ctx, i.Book, settings, site, state, p, true)
}

// Returned is what the issuer sent back by the browser.
type Returned struct {
	Code   string
	State  string
	Issuer string // iss of RFC 9207; empty when the issuer does not send it
}

// Own tells whether the answer belongs to a session that confirms or links, not to signing in.
func (a Returned) Own() bool { return !strings.HasPrefix(a.State, stateSignIn) }

// claims are what of an ID token means something to us.
type claims struct {
	issuer  string
	subject string
	at      time.Time // zero: not told
	strong  bool
}

// claims trades the answer for an ID token and verifies it: signature by the issuer's keys, issuer, audience, expiry,
// nonce. Whatever does not hold is ErrWrong.
func (x *Issuers) claims(ctx context.Context, q pg.Querier, site Site, book int32, p passage, a Returned, now time.Time) (claims, error) {
	settings, err := ReadSettings(ctx, q, book)
	if err != nil {
		return claims{}, err
	}
	// An answer of another issuer than the one that was asked is a mix-up, as is one of an issuer that we left meanwhile.
	if settings.Issuer != p.Issuer || a.Issuer != "" && a.Issuer != p.Issuer || a.Code == "" {
		return claims{}, ErrWrong
	}
	provider, err := x.provider(ctx, p.Issuer)
	if err != nil {
		return claims{}, err
	}
	ctx = oidc.ClientContext(ctx, x.client)
	token, err := x.oauth(book, settings, provider, site).Exchange(ctx, a.Code, oauth2.VerifierOption(p.Verifier))
	var denied *oauth2.RetrieveError
	switch {
	case errors.As(err, &denied) && denied.Response != nil && denied.Response.StatusCode < 500:
		return claims{}, ErrWrong
	case err != nil: // its text may hold what the issuer said: not for logs
		return claims{}, fmt.Errorf("%w: token endpoint", ErrIssuer)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: settings.Client, SupportedSigningAlgs: algorithms, Now: func() time.Time { return now }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil || id.Nonce != p.Nonce || id.Subject == "" {
		return claims{}, ErrWrong
	}
	var more struct {
		AuthTime int64    `json:"auth_time"`
		AMR      []string `json:"amr"`
		ACR      string   `json:"acr"`
		AZP      string   `json:"azp"`
	}
	if err := id.Claims(&more); err != nil || (len(id.Audience) > 1 || more.AZP != "") && more.AZP != settings.Client {
		return claims{}, ErrWrong
	}
	c := claims{issuer: id.Issuer, subject: id.Subject}
	if more.AuthTime > 0 {
		c.at = time.Unix(more.AuthTime, 0)
	}
	switch {
	case settings.ACR != "":
		c.strong = more.ACR == settings.ACR
	case settings.Password == PasswordAlone:
		c.strong = true
	default:
		c.strong = slices.ContainsFunc(more.AMR, func(word string) bool { return slices.Contains(strong, word) })
	}
	return c, nil
}

// fresh is when the person proved themselves at the issuer, as far as that counts here: an issuer that does not say
// when, or asked for a password only, leaves the session unproved. It is asked again before sensitive steps.
func (c claims) fresh(now time.Time) (at time.Time, ok bool) {
	if !c.strong || c.at.IsZero() || c.at.After(now.Add(clockSkew)) {
		return time.Unix(0, 0), false
	}
	if c.at.After(now) {
		c.at = now
	}
	return c.at, now.Sub(c.at) < FreshFor
}

// SignIn opens a session for whom the issuer's subject is linked to, and returns its token and where to go.
// ErrCeremony, ErrWrong, ErrIssuer.
func (x *Issuers) SignIn(ctx context.Context, db Database, site Site, book int32, holder Holder, a Returned, try Try, now time.Time) (token, next string, err error) {
	var p passage
	if err := take(ctx, db, book, a.State, oidcSignIn, holder, &p, now); err != nil {
		return "", "", err
	}
	c, err := x.claims(ctx, db, site, book, p, a, now)
	var person uuid.UUID
	if err == nil {
		person, err = linkedPerson(ctx, db, book, c.issuer, c.subject)
	}
	if errors.Is(err, ErrWrong) {
		return "", "", refused(ctx, db, book, signInEvent("sign_in.wrong", uuid.Nil, try, now), err)
	}
	if err != nil {
		return "", "", err
	}
	at, _ := c.fresh(now)
	err = pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		if err := giveBack(ctx, tx, book, Try{IP: try.IP}); err != nil {
			return err
		}
		token, err = welcome(ctx, tx, book, person, try, Proof{At: at, By: ByOIDC}, now)
		return err
	})
	return token, p.Kept.Next, err
}

// Database is what both begins transactions and answers single questions.
type Database interface {
	pg.Beginner
	pg.Querier
}

// Confirm lets the session prove itself by a fresh sign-in at the issuer, and returns what it was doing. ErrCeremony,
// ErrWrong, ErrIssuer.
func (x *Issuers) Confirm(ctx context.Context, db Database, site Site, i Identity, a Returned, now time.Time) (Kept, error) {
	var p passage
	if err := take(ctx, db, i.Book, a.State, oidcConfirm, i.holder(), &p, now); err != nil {
		return Kept{}, err
	}
	c, err := x.claims(ctx, db, site, i.Book, p, a, now)
	var person uuid.UUID
	if err == nil {
		person, err = linkedPerson(ctx, db, i.Book, c.issuer, c.subject)
	}
	at, fresh := c.fresh(now)
	if err == nil && (person != i.Person.ID || !fresh) {
		err = ErrWrong
	}
	if errors.Is(err, ErrWrong) {
		return Kept{}, refused(ctx, db, i.Book, Event{At: now, Who: i.Person.ID, What: "session.prove_wrong", Object: personObject(i.Person.ID)}, err)
	}
	if err != nil {
		return Kept{}, err
	}
	return p.Kept, pg.InTx(ctx, db, func(tx pgx.Tx) error { return Prove(ctx, tx, i, ByOIDC, at, now) })
}

// Link links the person of the session with who they just were at the issuer. ErrCeremony, ErrWrong, ErrLinkTaken,
// ErrIssuer.
func (x *Issuers) Link(ctx context.Context, db Database, site Site, i Identity, a Returned, now time.Time) error {
	var p passage
	if err := take(ctx, db, i.Book, a.State, oidcLink, i.holder(), &p, now); err != nil {
		return err
	}
	c, err := x.claims(ctx, db, site, i.Book, p, a, now)
	if err != nil {
		return err
	}
	return pg.InTx(ctx, db, func(tx pgx.Tx) error {
		if err := link(ctx, tx, i.Book, i.Person.ID, i.Person.ID, c.issuer, c.subject, now); err != nil {
			return err
		}
		if at, fresh := c.fresh(now); fresh {
			return Prove(ctx, tx, i, ByOIDC, at, now)
		}
		return nil
	})
}

// Links tells whether the answer belongs to a person who links who they are at the issuer.
func (a Returned) Links() bool { return strings.HasPrefix(a.State, stateLink) }
