package staff

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
)

// errInside means that an address which somebody typed, or which an issuer named, leads to this machine or into its own
// network. Nothing was sent there.
var errInside = errors.New("address is not on the public internet, nor in a network that was named as ours")

// inside are networks that are not reached over the public internet, beside those that netip knows: this host, carriers'
// own, IETF's, benchmarks, reserved; and those of IPv6 that carry an IPv4 address inside or were meant for one site (IANA
// special-purpose registries).
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("fec0::/10"),
}

// outside tells whether an address may be dialled: a public one, or one in a network of our own that the operator named.
func outside(ip netip.Addr, own []netip.Prefix) bool {
	ip = ip.Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(own, holds) {
		return true
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(inside, holds)
}

// guarded is the default transport, except that it connects to the outside only. The address is looked at when the socket
// is about to connect, after the name has been resolved: a name cannot mean one address while it is checked and another
// one afterwards.
func guarded(own []netip.Prefix) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dialer := &net.Dialer{Timeout: issuerTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !outside(to.Addr(), own) {
			return fmt.Errorf("%w: %s", errInside, address)
		}
		return nil
	}}
	t.DialContext = dialer.DialContext
	return t
}
