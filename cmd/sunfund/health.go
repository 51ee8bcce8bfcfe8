package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthCmd is the container's health check: the image has no shell and no other program.
type healthCmd struct {
	Listen string `env:"SUNFUND_LISTEN" default:":8080" placeholder:"HOST:PORT" help:"Where the service listens."`
}

func (c *healthCmd) Run(ctx context.Context, term terminal) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "" // listening everywhere includes here
	}
	url := "http://" + net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port) + "/healthz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answers %s", url, resp.Status)
	}
	fmt.Fprintln(term.out, "well")
	return nil
}
