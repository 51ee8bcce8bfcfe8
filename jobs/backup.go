package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// What can be wrong with backups.
var (
	ErrNoBackup     = errors.New("there is no backup in the folder")
	ErrOldBackup    = errors.New("the newest backup is too old")
	ErrBrokenBackup = errors.New("the newest backup is not whole")
)

// Backups says where the operator's backups lie. The job looks at the newest: that it is there, young enough and not empty, that it begins as
// dumps of pg_dump -Fc do when its name ends in .dump, and that it has the checksum of the file NAME.sha256 beside it. Whether it can be restored
// only a restore shows.
type Backups struct {
	Dir string // empty: backups are watched elsewhere
	Age time.Duration
}

const (
	checksumSuffix = ".sha256"
	dumpSuffix     = ".dump"
	dumpMagic      = "PGDMP"
)

func (b Backups) checked() bool { return b.Dir != "" }

// backup checks the newest backup.
func (tools Tools) backup(ctx context.Context, t *Turn) error {
	newest, err := tools.Backups.newest()
	if err != nil {
		return err
	}
	name := newest.Name()
	if age := t.Now.Sub(newest.ModTime()); age > tools.Backups.Age {
		return fmt.Errorf("%w: %s is %d hours old", ErrOldBackup, name, int(age.Hours()))
	}
	if newest.Size() == 0 {
		return fmt.Errorf("%w: %s is empty", ErrBrokenBackup, name)
	}
	sum, err := sumOf(ctx, filepath.Join(tools.Backups.Dir, name))
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, dumpSuffix) && !sum.dump {
		return fmt.Errorf("%w: %s is no dump", ErrBrokenBackup, name)
	}
	what := "compared"
	told, err := os.ReadFile(filepath.Join(tools.Backups.Dir, name+checksumSuffix))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "skipped"
	case err != nil:
		return fmt.Errorf("read checksum of a backup: %w", err)
	default:
		if first, _, _ := bytes.Cut(bytes.TrimSpace(told), []byte(" ")); !strings.EqualFold(string(first), sum.hex) {
			return fmt.Errorf("%w: %s has another checksum than %s says", ErrBrokenBackup, name, name+checksumSuffix)
		}
	}
	_, err = t.Tx(ctx, what, func(pgx.Tx) (int, error) { return 1, nil })
	return err
}

// newest is the latest plain file; checksums, hidden files and what is still being written (.tmp, .part) are none.
func (b Backups) newest() (newest fs.FileInfo, err error) {
	list, err := os.ReadDir(b.Dir)
	if err != nil {
		return nil, fmt.Errorf("look for backups: %w", err)
	}
	for _, e := range list {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, checksumSuffix) || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("look for backups: %w", err)
		}
		if info.Mode().IsRegular() && (newest == nil || info.ModTime().After(newest.ModTime())) {
			newest = info
		}
	}
	if newest == nil {
		return nil, ErrNoBackup
	}
	return newest, nil
}

type fileSum struct {
	hex  string
	dump bool // it begins as a dump does
}

func sumOf(ctx context.Context, path string) (s fileSum, err error) {
	file, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("read backup: %w", err)
	}
	defer file.Close()
	hash, buf, first := sha256.New(), make([]byte, 1<<20), true
	for {
		n, err := file.Read(buf)
		hash.Write(buf[:n])
		if first {
			s.dump, first = bytes.HasPrefix(buf[:n], []byte(dumpMagic)), false
		}
		switch {
		case errors.Is(err, io.EOF):
			s.hex = hex.EncodeToString(hash.Sum(nil))
			return s, nil
		case err != nil:
			return s, fmt.Errorf("read backup: %w", err)
		case ctx.Err() != nil:
			return s, ctx.Err()
		}
	}
}
