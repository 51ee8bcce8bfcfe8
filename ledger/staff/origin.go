package staff

import (
	"context"
	"net/netip"
	"strings"
)

// Origin is where a request came from. The audit trail keeps it with everything the request did.
type Origin struct {
	Request string     // the request's id, as the log and the answer name it
	IP      netip.Addr // of the client; zero when unknown
}

type originKey struct{}

// WithOrigin marks all that is done under ctx as done by this request.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// originOf is empty for the command line and for jobs.
func originOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	o.Request = strings.ToValidUTF8(o.Request[:min(len(o.Request), 100)], "")
	return o
}
