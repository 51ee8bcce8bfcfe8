package faults

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A power cut loses what was written and not flushed. Killing processes cannot do that, shutting a file system down can:
// FS_IOC_SHUTDOWN with this flag drops dirty pages and the file system's journal alike.
const (
	ioctlShutdown = 0x8004587d
	noLogFlush    = uint32(2)
	imageSize     = 1 << 30
)

// volume is a file system in a file, on a loop device.
type volume struct {
	t     *testing.T
	image string
	dir   string
}

// needVolumes skips what a machine without loop devices cannot run.
func needVolumes(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "mounting a file system needs root")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		skip(t, "mkfs.ext4 is not installed")
	}
	dir := t.TempDir()
	v := &volume{t: t, image: filepath.Join(dir, "image"), dir: filepath.Join(dir, "m")}
	if err := errors.Join(os.Mkdir(v.dir, 0o755), v.make(16<<20)); err != nil {
		skip(t, fmt.Sprintf("no file system on a loop device: %v", err))
	}
	if err := v.mount(); err != nil {
		skip(t, fmt.Sprintf("no file system on a loop device: %v", err))
	}
	err := v.shutdown()
	v.unmount()
	if err != nil {
		skip(t, fmt.Sprintf("the file system cannot be shut down: %v", err))
	}
}

func (v *volume) make(size int64) error {
	f, err := os.OpenFile(v.image, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return err
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", v.image).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (v *volume) mount() error {
	if out, err := exec.Command("mount", "-o", "loop", v.image, v.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (v *volume) unmount() {
	v.t.Helper()
	await(v.t, "the end of the file system", func() bool {
		err := syscall.Unmount(v.dir, 0)
		return err == nil || errors.Is(err, syscall.EINVAL) // not mounted
	})
}

func (v *volume) shutdown() error {
	f, err := os.Open(v.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	flag := noLogFlush
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), ioctlShutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		return errno
	}
	return nil
}

// powerWorld keeps PostgreSQL on a volume of its own.
func powerWorld(t *testing.T, s setup) (*world, *volume) {
	t.Helper()
	needVolumes(t)
	v := &volume{t: t}
	s.mount = func(data string) {
		v.dir, v.image = data, data+".image"
		if err := errors.Join(v.make(imageSize), v.mount()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.unmount)
	}
	s.placed = func(data string) { run(t, "sync", "-f", data) }
	return newWorld(t, s), v
}

// cut takes the power away and gives it back: nothing that was not flushed is left.
func (w *world) cut(v *volume, r *round) {
	w.t.Helper()
	processes := append([]int{w.cluster.postmaster()}, w.cluster.processes("true")...)
	r.fault()
	if err := v.shutdown(); err != nil {
		w.t.Fatal(err)
	}
	for _, pid := range processes {
		signal(w.t, pid, syscall.SIGKILL)
	}
	w.killService()
	for _, pid := range processes {
		await(w.t, "the end of PostgreSQL", func() bool { return gone(pid) })
	}
	w.cluster.stop()
	v.unmount()
	if err := v.mount(); err != nil {
		w.t.Fatal(err)
	}
	w.cluster.start()
	w.startService()
}

// R3. The power goes under 32 writers.
func TestPowerCut(t *testing.T) {
	together(t)
	w, v := powerWorld(t, setup{name: "R3 power cut"})
	dice := dice(w.figures.name)
	for range times(1, 15) {
		r := w.begin(manyWriters)
		time.Sleep(time.Duration(100+dice.IntN(400)) * time.Millisecond)
		w.cut(v, r)
		r.recovered()
		r.end()
		r.audit()
	}
	w.cluster.amcheck()
	w.figures.note = "checksums and pg_amcheck clean"
	w.finish()
}

// The control of the power cut.
func TestControlPowerCut(t *testing.T) {
	together(t)
	w, v := powerWorld(t, setup{name: "R3n control: power cut with synchronous_commit=off",
		settings: map[string]string{"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}})
	w.figures.expectLoss = true
	for n := 0; n < 5 && (*long || w.figures.lost == 0); n++ {
		r := w.begin(manyWriters)
		r.busy()
		w.cut(v, r)
		r.recovered()
		r.end()
		r.audit()
		w.cluster.exec("checkpoint")
	}
	w.finish()
}

// R4. The disk is full: first that of the tables, where PostgreSQL refuses to write, then that of the log, where it goes down.
func TestDiskFull(t *testing.T) {
	together(t)
	if os.Getuid() != 0 {
		skip(t, "mounting a file system needs root")
	}
	for _, folder := range []string{"base", "pg_wal"} { // the tables' disk, the log's disk
		t.Run(folder, func(t *testing.T) { diskFull(t, folder) })
	}
}

func diskFull(t *testing.T, folder string) {
	var small string
	w := newWorld(t, setup{name: "R4 disk full: " + folder, settings: map[string]string{"max_wal_size": "64MB", "min_wal_size": "32MB"},
		placed: func(data string) { small = ownDisk(t, data, folder) }})
	ballast := filepath.Join(small, "ballast")
	for range times(1, 3) {
		r := w.begin(manyWriters)
		time.Sleep(100 * time.Millisecond)
		fill(t, ballast)
		w.untilFull(folder, r)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		r.fault() // the time that counts begins with space
		if w.cluster.postmaster() == 0 {
			w.cluster.stop()
			w.cluster.start()
		}
		r.recovered()
		r.end()
		r.audit()
	}
	w.cluster.amcheck()
	w.finish()
}

// ownDisk puts a folder of the cluster on a file system of its own, in memory.
func ownDisk(t *testing.T, data, folder string) string {
	t.Helper()
	dir := filepath.Join(data, folder)
	if err := os.Rename(dir, dir+".before"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=160m"); err != nil {
		skip(t, fmt.Sprintf("no file system in memory: %v", err))
	}
	t.Cleanup(func() {
		await(t, "the end of the file system", func() bool { return syscall.Unmount(dir, 0) == nil })
	})
	run(t, "cp", "-a", dir+".before/.", dir)
	run(t, "rm", "-r", dir+".before")
	return dir
}

// fill writes until there is no room.
func fill(t *testing.T, ballast string) {
	t.Helper()
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 4<<10; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// untilFull waits until gifts are refused, and a little longer: all that is answered then is 503.
func (w *world) untilFull(folder string, r *round) {
	w.t.Helper()
	dice := dice("full")
	await(w.t, "the end of the disk's room", func() bool {
		if folder == "pg_wal" && w.cluster.postmaster() != 0 {
			w.cluster.trySwitch()
		}
		return r.sendOne(r.gift(dice)) == http.StatusServiceUnavailable
	})
	time.Sleep(500 * time.Millisecond)
}
