package pglocal

import (
	"os/exec"
	"syscall"
)

// follow makes the server stop in good order (SIGINT is its fast shutdown) when we die without having
// stopped it, kill -9 included. The kernel watches the thread that started it, not the process: the
// caller keeps that thread until the server is gone.
func follow(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGINT }
