package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const sqlBackends = `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`

// ownCPU is the processor time of this process so far: the service and its clients.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU is the processor time so far of the sessions in the world's database. Where the system does not tell, it is zero.
func (w *world) serverCPU(ctx context.Context) (sum time.Duration, err error) {
	rows, err := w.owner.Query(ctx, sqlBackends)
	if err != nil {
		return 0, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			continue
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		if ns, err := strconv.ParseInt(onCPU, 10, 64); err == nil {
			sum += time.Duration(ns)
		}
	}
	return sum, nil
}
