package staff_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"sunfund/internal/oidctest"
	"sunfund/ledger/staff"
)

func TestO1WhatIsOutside(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"127.0.0.1": false, "127.8.9.1": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "0.1.2.3": false, "255.255.255.255": false, "224.0.0.1": false, "240.0.0.1": false, "198.19.0.1": false, "192.0.0.170": false,
		"::1": false, "::": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "fc00::1": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::7f00:1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false,
		"8.8.8.8": true, "172.32.0.1": true, "100.128.0.1": true, "::ffff:8.8.8.8": true, "2606:4700::1111": true,
	} {
		if got := staff.Outside(netip.MustParseAddr(text), nil); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	own := []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("fd12::/32")}
	for text, want := range map[string]bool{"10.2.3.4": true, "::ffff:10.2.3.4": true, "fd12::7": true, "10.3.0.1": false, "fd13::1": false, "127.0.0.1": false} {
		if got := staff.Outside(netip.MustParseAddr(text), own); got != want {
			t.Errorf("with networks of our own, %s: %v", text, got)
		}
	}
}

// O1: an issuer's address that leads inside is not connected to, however it is written; nor are the addresses that an
// allowed issuer names; and a redirect is not followed.
func TestO1IssuerInside(t *testing.T) {
	o := newOffice(t)
	var reached atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(inside.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	site := staff.Site{Origin: "https://books.example.org"}
	begin := func(x *staff.Issuers, issuer string) error {
		o.exec(o.owner, `update sign_in_setting set issuer = $1, client = 'sunfund'`, issuer)
		_, err := x.BeginSignIn(o.ctx, o.service, site, book, staff.BrowserHolder("browser"), address, "/console", now)
		return err
	}
	shut := staff.NewIssuers(nil)
	for _, issuer := range []string{inside.URL, "http://localhost:" + port, "http://127.1:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" + port} {
		if err := begin(shut, issuer); !errors.Is(err, staff.ErrIssuer) {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	if err := begin(shut, inside.URL); !errors.Is(err, staff.ErrInside) {
		t.Errorf("the log does not say why: %v", err)
	}
	moved := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusFound))
	t.Cleanup(moved.Close)
	if err := begin(staff.NewIssuers(nil, oidctest.Network), moved.URL); !errors.Is(err, staff.ErrIssuer) {
		t.Errorf("a redirect: %v", err)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("reached %d times", n)
	}
}
