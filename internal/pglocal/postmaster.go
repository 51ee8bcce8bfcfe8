package pglocal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// postmaster is the server process of a data folder as its postmaster.pid tells.
type postmaster struct {
	pid    int
	socket string // folder of its socket; empty while it is starting
}

// findPostmaster says whether a server of this data folder lives. The file alone proves nothing: after
// a kill -9 it stays, and its number may since have been given to any other process.
func findPostmaster(data string) (postmaster, bool) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return postmaster{}, false
	}
	// Lines: process id, data folder, start time, port, socket folder, listen address, …
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return postmaster{}, false
	}
	p := postmaster{pid: pid}
	if len(lines) > 4 {
		p.socket = strings.TrimSpace(lines[4])
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return p, false
	}
	command, known := commandLine(pid)
	return p, !known || strings.Contains(command, data)
}

// commandLine returns what a process was started with. A zombie has none.
func commandLine(pid int) (line string, known bool) {
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		return string(text), err == nil
	}
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return string(out), err == nil
}

// clearStale removes what a dead server left behind. PostgreSQL does that itself unless the dead
// server's number now belongs to another process; it would then refuse to start for ever. That no
// server works on the folder is still checked by PostgreSQL, by its shared memory.
func clearStale(data, socket string) error {
	for _, path := range []string{filepath.Join(data, "postmaster.pid"), filepath.Join(socket, socketName+".lock")} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
