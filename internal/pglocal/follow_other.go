//go:build !linux

package pglocal

import "os/exec"

// follow has no counterpart outside Linux: after a kill -9 the server stays, and the next Start of
// the same folder finds it and uses it; its last user stops it.
func follow(*exec.Cmd) {}
