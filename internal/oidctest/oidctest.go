// Package oidctest is a small OpenID Connect issuer for tests: discovery, keys, an authorization endpoint that signs in
// whom the test says, and a token endpoint that insists on PKCE, on the exact redirect and on the client's secret.
package oidctest

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Client and Secret are what the issuer knows its one client by.
const (
	Client = "sunfund"
	Secret = "a secret of the client"
)

// Network is where the issuers of tests are.
var Network = netip.MustParsePrefix("127.0.0.1/32")

// Issuer signs in Subject. Set the fields before each step; they are read when the token is made.
type Issuer struct {
	URL      string
	Redirect string // the one registered redirect
	Subject  string
	Now      func() time.Time
	Login    time.Time // auth_time; zero leaves it out
	AMR      []string
	ACR      string
	Forge    func(claims map[string]any) // changes claims before they are signed
	Token    string                      // address of the token endpoint; our own when empty
	Alg      string                      // RS256 when empty; "none", "HS256" and "other" (another key) forge

	Asked url.Values // the last authorization request

	mu    sync.Mutex
	key   *rsa.PrivateKey
	codes map[string]url.Values
}

// New starts an issuer that ends with the test.
func New(t *testing.T, now func() time.Time) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{Now: now, key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client sees what is missing
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": cmp.Or(i.Token, i.URL+"/token"), "jwks_uri": i.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"}})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
		"n": b64(i.key.N.Bytes()), "e": b64(big.NewInt(int64(i.key.E)).Bytes())}}})
}

// authorize signs in at once and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Asked = q
	if q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("redirect_uri") != i.Redirect ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}
	http.Redirect(w, r, i.Redirect+"?"+back.Encode(), http.StatusFound)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	asked, ok := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	id, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || id != Client || secret != url.QueryEscape(Secret) || b64(sum[:]) != asked.Get("code_challenge") || r.FormValue("redirect_uri") != i.Redirect {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := i.Now()
	claims := map[string]any{"iss": i.URL, "aud": Client, "sub": i.Subject, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	if !i.Login.IsZero() {
		claims["auth_time"] = i.Login.Unix()
	}
	if i.AMR != nil {
		claims["amr"] = i.AMR
	}
	if i.ACR != "" {
		claims["acr"] = i.ACR
	}
	if i.Forge != nil {
		i.Forge(claims)
	}
	answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": i.sign(claims)})
}

// sign makes the token, well or badly.
func (i *Issuer) sign(claims map[string]any) string {
	alg := i.Alg
	if alg == "" || alg == "other" {
		alg = "RS256"
	}
	head, _ := json.Marshal(map[string]string{"alg": alg, "kid": "1", "typ": "JWT"}) // strings only
	body, _ := json.Marshal(claims)                                                  // plain values only
	text := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	switch i.Alg {
	case "none":
	case "HS256":
		mac := hmac.New(sha256.New, []byte(Secret))
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	case "other":
		other, _ := rsa.GenerateKey(rand.Reader, 2048) // fails only without randomness, which stops the program
		signature, _ = rsa.SignPKCS1v15(rand.Reader, other, crypto.SHA256, sum[:])
	default:
		signature, _ = rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	}
	return text + "." + b64(signature)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
